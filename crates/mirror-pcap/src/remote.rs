//! What to do about the address of something that is not here.
//!
//! Captures lie in buckets, and `s3://…` is typed where a file is expected. Nothing here speaks to a
//! network; but what does, reads and writes pipes, and so does every command. So the answer is the
//! very line that was typed, with the pipe in it.

use std::env;

use pcapng_blocks::Compression;

use crate::cli::Format;

/// Which way bytes would go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    In,
    Out,
}

/// What to do about `name`, which no file has; `None` if it is no address.
pub(crate) fn advice(name: &str, way: Way) -> Option<String> {
    let args: Vec<_> = env::args_os().skip(1).map(|arg| arg.to_string_lossy().into()).collect();
    about(name, way, &args)
}

fn about(name: &str, way: Way, args: &[String]) -> Option<String> {
    let (scheme, rest) = name.split_once("://")?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c));
    if !is_scheme {
        return None;
    }
    let scheme = scheme.to_ascii_lowercase();
    if scheme == "file" {
        let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or(rest);
        return Some(format!("is an address, expected a file: {}", quoted(path)));
    }
    let address = quoted(name);
    let there = match (scheme.as_str(), way) {
        ("s3", Way::In) => format!("aws s3 cp {address} -"),
        ("s3", Way::Out) => format!("aws s3 cp - {address}"),
        ("gs", Way::In) => format!("gcloud storage cat {address}"),
        ("gs", Way::Out) => format!("gcloud storage cp - {address}"),
        ("http" | "https" | "ftp" | "ftps" | "sftp" | "scp", Way::In) => {
            format!("curl -fsSL {address}")
        }
        ("http" | "https" | "ftp" | "ftps" | "sftp" | "scp", Way::Out) => {
            format!("curl -fsST - {address}")
        }
        (_, Way::In) => "what reads it".to_owned(),
        (_, Way::Out) => "what writes it".to_owned(),
    };
    let here = here(name, way, args);
    Some(match way {
        Way::In => format!("is no file, and no network is read here: {there} | {here}"),
        Way::Out => format!("is no file, and no network is written to here: {here} | {there}"),
    })
}

/// The command as it was typed, with a pipe in the place of `name`.
fn here(name: &str, way: Way, args: &[String]) -> String {
    let mut found = false;
    let words = args.iter().map(|arg| match arg.strip_suffix(name) {
        Some(option) if !found && (option.is_empty() || option.ends_with('=')) => {
            found = true;
            quoted(&format!("{option}-"))
        }
        _ => quoted(arg),
    });
    let mut words: Vec<String> = words.collect();
    if !found {
        // A document has named it, or it has an id behind it.
        return "mirror-pcap …, with - in its place".to_owned();
    }
    if way == Way::In {
        return format!("mirror-pcap {}", words.join(" "));
    }
    // What its name says, a pipe does not.
    if Format::is_pcap(name.as_ref()) {
        words.push("--format pcap".to_owned());
    }
    let compress = match Compression::of_name(name) {
        Compression::None => "",
        Compression::Gzip => " | gzip",
        Compression::Zstd => " | zstd",
        Compression::Lz4 => " | lz4",
    };
    format!("mirror-pcap {}{compress}", words.join(" "))
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &str, way: Way, line: &str) -> Option<String> {
        let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
        about(name, way, &args)
    }

    #[test]
    fn the_line_that_was_typed_comes_back_with_the_pipe_in_it() {
        let cases = [
            (
                "s3://b/in.pcapng",
                Way::In,
                "strip s3://b/in.pcapng out.pcapng",
                "aws s3 cp s3://b/in.pcapng - | mirror-pcap strip - out.pcapng",
            ),
            (
                "gs://b/c.json",
                Way::In,
                "strip --config=gs://b/c.json in out",
                "gcloud storage cat gs://b/c.json | mirror-pcap strip --config=- in out",
            ),
            (
                "https://h/x?a=1&b",
                Way::In,
                "sessions https://h/x?a=1&b",
                "curl -fsSL 'https://h/x?a=1&b' | mirror-pcap sessions -",
            ),
            (
                "s3://b/out.pcap.gz",
                Way::Out,
                "strip in.pcapng s3://b/out.pcap.gz",
                "mirror-pcap strip in.pcapng - --format pcap | gzip | aws s3 cp - s3://b/out.pcap.gz",
            ),
            ("az://b/in", Way::In, "sessions az://b/in", "what reads it | mirror-pcap sessions -"),
            (
                "s3://b/f.json",
                Way::In,
                "filter show s3://b/f.json#Web",
                "aws s3 cp s3://b/f.json - | mirror-pcap …, with - in its place",
            ),
        ];
        for (name, way, line, want) in cases {
            let said = said(name, way, line).unwrap();
            assert!(said.ends_with(&format!(" here: {want}")), "{said}");
        }
    }

    #[test]
    fn a_name_is_an_address_only_with_a_scheme() {
        for name in ["a/b", "://x", "C:/x", "1a://x", "a b://x", "s3:/b/x"] {
            assert_eq!(said(name, Way::In, "strip x"), None, "{name}");
        }
        let said = said("file:///tmp/a b", Way::In, "strip x").unwrap();
        assert_eq!(said, "is an address, expected a file: '/tmp/a b'");
    }
}
