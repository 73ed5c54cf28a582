//! Writes a capture of mirrored packets to measure with.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use mirror_testkit::bench::{InnerSize, Plan, write};

const USAGE: &str = "\
Write a pcapng capture of mirrored packets to measure with

Usage: make-bench-capture OUT [--packets N] [--seed S] [--inner-size imix|BYTES]

  OUT           file to write, or - for standard output
  --packets     how many packets [1000000]
  --seed        a number; the same seed gives the same file [1]
  --inner-size  imix: half 64-127 bytes, a fifth about 576, the rest 1400-1500;
                a number from 54 to 1514: all frames of that length [imix]

Exit status: 0 done; 2 usage; 3 OUT can't be written
";

fn main() -> ExitCode {
    let Some((out, plan)) = arguments(std::env::args_os().skip(1)) else {
        return say(USAGE, 2);
    };
    let written = if out == "-" {
        send(io::stdout().lock(), &plan)
    } else {
        File::create(&out).and_then(|file| send(file, &plan))
    };
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => say(&format!("make-bench-capture: {}: {error}\n", out.to_string_lossy()), 3),
    }
}

fn arguments(mut list: impl Iterator<Item = OsString>) -> Option<(OsString, Plan)> {
    let mut out = None;
    let mut plan = Plan { packets: 1_000_000, seed: 1, inner: InnerSize::Imix };
    while let Some(argument) = list.next() {
        let mut value = || list.next()?.into_string().ok();
        match argument.to_str() {
            Some("--packets") => plan.packets = value()?.parse().ok()?,
            Some("--seed") => plan.seed = value()?.parse().ok()?,
            Some("--inner-size") => plan.inner = inner_size(&value()?)?,
            Some(option) if option.starts_with('-') && option != "-" => return None,
            _ if out.is_none() => out = Some(argument),
            _ => return None,
        }
    }
    Some((out?, plan))
}

fn inner_size(text: &str) -> Option<InnerSize> {
    if text == "imix" {
        return Some(InnerSize::Imix);
    }
    let length = text.parse().ok()?;
    InnerSize::FIXED.contains(&length).then_some(InnerSize::Fixed(length))
}

fn send(out: impl Write, plan: &Plan) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, out);
    write(&mut out, plan)?;
    out.flush()
}

fn say(text: &str, code: u8) -> ExitCode {
    // If stderr is closed there is nobody to tell.
    let _ = io::stderr().write_all(text.as_bytes());
    ExitCode::from(code)
}
