//! No capture is lost to an output that took its name: whose it is, what it is read for, and how
//! somebody insists.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::symlink,
    process::Stdio,
};

use mirror_testkit::decode::{Content, pcapng};

use crate::{
    commands::{WRITERS, furnish, outputs},
    harness::{Run, Scratch, Seen, mirror_pcap, same, testdata, wait},
    limits::{gzip, lz4, zstd},
    output::{stripped, with_bench},
};

const FILTER: &str = "--filter filter.json --local 10.0.1.0/24";

/// A folder with two captures of what a target received, and the documents of [`furnish`].
fn with_captures() -> Scratch {
    let scratch = Scratch::new();
    scratch.copy("captures/lab-d/input.pcapng", "in.pcapng");
    scratch.copy("captures/two-sources-one-vni/input.pcapng", "other.pcapng");
    furnish(&scratch);
    scratch
}

fn run(scratch: &Scratch, line: &str) -> Run {
    mirror_pcap().within(scratch).args(line.split(' '))
}

/// The line is refused, nothing is printed, and every file is what it was.
#[track_caller]
fn is_refused(scratch: &Scratch, run: Run) -> Seen {
    let state = || {
        let names = scratch.names();
        names.into_iter().map(|name| (fs::read(scratch.path(&name)).ok(), name)).collect::<Vec<_>>()
    };
    let before = state();
    let seen = run.fails_with(2).stdout("");
    assert!(state() == before, "{}", seen.stderr);
    assert_eq!(seen.stderr.lines().count(), 1, "{}", seen.stderr);
    seen
}

/// Beginnings of captures: both formats, all their magic numbers, plain and compressed.
fn captures() -> Vec<(String, Vec<u8>)> {
    let lab = fs::read(testdata().join("captures/lab-d/input.pcapng")).unwrap();
    let pcap = fs::read(testdata().join("captures/pcap-nano-big/input.pcap")).unwrap();
    let mut all = vec![("pcapng".to_owned(), lab.clone()), ("cut".to_owned(), lab[..4].to_vec())];
    let magics: [&[u8; 4]; 9] = [
        b"\xA1\xB2\xC3\xD4",
        b"\xA1\xB2\x3C\x4D",
        b"\xA1\xB2\xCD\x34",
        b"\xA1\xB2\x34\xCD",
        b"\xA1\x2B\x3C\x4D",
        b"\xA1\xB2\xC3\xCB",
        b"\xA1\xE2\xCB\x12",
        b"\x1C\x00\x01\xAC",
        b"\x1C\x00\x01\xAB",
    ];
    for magic in magics {
        let mut reversed = *magic;
        reversed.reverse();
        for magic in [*magic, reversed] {
            all.push((format!("pcap {magic:02x?}"), [&magic, &pcap[4..]].concat()));
        }
    }
    for (name, bytes) in [("pcapng", lab), ("pcap", pcap)] {
        all.push((format!("{name}.gz"), gzip(&bytes)));
        all.push((format!("{name}.zst"), zstd(&bytes)));
        all.push((format!("{name}.lz4"), lz4(&bytes)));
    }
    all
}

#[test]
fn what_begins_as_a_capture_is_not_replaced_unless_somebody_insists() {
    let scratch = with_captures();
    let want = stripped(&scratch);
    for (kind, bytes) in captures() {
        scratch.write("out", &bytes);
        let seen = is_refused(&scratch, run(&scratch, "strip in.pcapng out"));
        same(
            &seen.stderr,
            "mirror-pcap: out: is a capture, and not known to be written by mirror-pcap: it would \
             be replaced, not read; name another OUT, or insist with --force\n",
        );
        run(&scratch, "strip -q --force in.pcapng out").succeeds();
        assert!(scratch.read("out") == want, "{kind}");
    }
    // What is none is replaced as ever, and what holds no packet.
    let lab = fs::read(testdata().join("captures/lab-d/input.pcapng")).unwrap();
    let [section, interface] = [0, 1].map(|at| pcapng(&lab).blocks[at].clone());
    let empty = lab[..interface.offset + interface.body.len() + 12].to_vec();
    assert!(matches!(section.content, Content::Section { .. }), "{section:?}");
    let text = b"what was there before".repeat(100);
    for bytes in
        [text.clone(), Vec::new(), gzip(&text), zstd(&text), lz4(b""), empty, b"\x1F\x8B".into()]
    {
        scratch.write("out", &bytes);
        run(&scratch, "strip -q in.pcapng out").succeeds();
        assert!(scratch.read("out") == want);
    }
}

/// Reports too: what somebody took for a switch made a text of a capture.
#[test]
fn no_output_of_any_command_replaces_a_capture() {
    let scratch = with_bench(40);
    furnish(&scratch);
    let evidence = fs::read(testdata().join("captures/lab-d/input.pcapng")).unwrap();
    let mut tried = 0;
    for line in WRITERS {
        for name in outputs(line) {
            for link in [false, true] {
                let place = if link { "evidence" } else { name };
                scratch.write(place, &evidence);
                if link {
                    symlink(place, scratch.path(name)).unwrap();
                }
                let seen = is_refused(&scratch, run(&scratch, line));
                let is_report = name.ends_with(".json") || name.ends_with(".xml");
                let why = if is_report { "takes the place of none" } else { "would be replaced" };
                assert!(seen.stderr.contains(why), "{line}: {}", seen.stderr);
                assert!(
                    seen.stderr.contains(&format!(" {name}: is a capture, ")),
                    "{}",
                    seen.stderr
                );
                // Nobody means a report when he insists on a capture.
                if is_report && line.starts_with("strip") {
                    is_refused(&scratch, run(&scratch, &format!("{line} --force")));
                } else if !is_report {
                    run(&scratch, &format!("{line} --force")).succeeds();
                    assert!(scratch.read(name) != evidence, "{line}");
                }
                fs::remove_file(scratch.path(name)).unwrap();
                let _ = fs::remove_file(scratch.path("evidence"));
                tried += 1;
            }
        }
    }
    assert!(tried >= 2 * WRITERS.len(), "{tried}");
}

/// The three ways in which captures were lost, as they were typed.
#[test]
fn two_files_of_a_glob_a_switch_that_takes_a_file_and_a_simulation_of_itself() {
    let scratch = with_captures();
    let glob = mirror_pcap().within(&scratch).under(["sh", "-c", "\"$0\" strip *.pcapng"]);
    is_refused(&scratch, glob).stderr_has(" other.pcapng: is a capture, ");
    run(&scratch, "strip -q in.pcapng out.pcapng").succeeds();
    let counts = run(&scratch, "strip --json in.pcapng out.pcapng");
    is_refused(&scratch, counts)
        .stderr_has(" in.pcapng: is a capture, and what --json FILE writes ");
    let itself = run(&scratch, &format!("simulate {FILTER} --write in.pcapng in.pcapng"));
    is_refused(&scratch, itself).stderr_has(" in.pcapng: is the input as well, ");
}

#[test]
fn more_names_than_a_command_takes_are_told_in_a_sentence() {
    let scratch = with_captures();
    run(&scratch, "strip -q in.pcapng out.pcapng").succeeds();
    let cases = [
        ("strip", "3 names were given, and strip takes two, IN and OUT;"),
        (
            "wrap --vni 1 --source 10.0.0.1 --target 10.0.0.2",
            "3 names were given, and wrap takes two, IN and OUT;",
        ),
        ("simulate --filter filter.json", "3 names were given, and simulate takes one, IN;"),
    ];
    for (line, said) in cases {
        let line = format!("{line} in.pcapng other.pcapng out.pcapng");
        is_refused(&scratch, run(&scratch, &line))
            .stderr_has(said)
            .stderr_has("for f in *.pcapng; do mirror-pcap ");
    }
    // It is nothing that one could want to give.
    let help = run(&scratch, "strip --help").succeeds();
    assert!(!String::from_utf8(help.stdout).unwrap().to_lowercase().contains("more>"));
}

#[test]
fn what_this_tool_wrote_is_replaced() {
    let scratch = with_captures();
    scratch.copy("captures/lab-source/input.pcapng", "source.pcapng");
    scratch.copy("captures/mixed-traffic/input.pcapng", "mixed.pcapng");
    scratch.copy("captures/late-interfaces/input.pcapng", "late.pcapng");
    scratch.copy("captures/sections/input.pcapng", "sections.pcapng");
    scratch.copy("captures/pcap-micro/input.pcap", "old.pcap");
    let simulate = format!("simulate -q {FILTER} --write out");
    let lines = [
        "strip -q in.pcapng out",
        "strip -q --comment none in.pcapng out",
        "strip -q --only-mirrored mixed.pcapng out",
        "strip -q mixed.pcapng out",
        "strip -q late.pcapng out",
        "strip -q sections.pcapng out",
        "strip -q old.pcap out",
        "strip -q in.pcapng out.gz",
        "strip -q in.pcapng out.zst",
        "strip -q in.pcapng out.lz4",
        &format!("{simulate} source.pcapng"),
        &format!("{simulate} in.pcapng"),
    ];
    for line in lines {
        let out = outputs(line)[0];
        run(&scratch, line).succeeds();
        let first = scratch.read(out);
        run(&scratch, line).succeeds();
        assert!(scratch.read(out) == first, "{line}");
        // By any other command as well, which is not to say that it is what somebody wants.
        run(&scratch, &format!("strip -q other.pcapng {out}")).succeeds();
        fs::remove_file(scratch.path(out)).unwrap();
    }
}

/// What mergecap joins has sessions and frames of ours, and others; what somebody has commented on
/// in Wireshark too. Both write all interfaces in front.
#[test]
fn what_others_made_of_what_this_tool_wrote_is_theirs() {
    let scratch = with_captures();
    run(&scratch, "strip -q other.pcapng out").succeeds();
    let bytes = scratch.read("out");
    let blocks = pcapng(&bytes).blocks;
    assert!(
        blocks.iter().filter(|one| matches!(one.content, Content::Interface { .. })).count() > 2
    );
    let whole = |block: &mirror_testkit::decode::Block| {
        bytes[block.offset..][..block.body.len() + 12].to_vec()
    };
    let of = |wanted: fn(&Content) -> bool| {
        blocks.iter().filter(|block| wanted(&block.content)).flat_map(whole).collect::<Vec<u8>>()
    };
    let in_front =
        |content: &Content| matches!(content, Content::Section { .. } | Content::Interface { .. });
    let (front, rest) = (of(in_front), {
        let rest = blocks.iter().filter(|block| !in_front(&block.content));
        rest.flat_map(whole).collect::<Vec<u8>>()
    });
    let merged = scratch.write("merged", [front, rest].concat());
    is_refused(&scratch, run(&scratch, "strip in.pcapng merged"));
    // It is the order alone.
    fs::write(merged, &bytes).unwrap();
    run(&scratch, "strip -q in.pcapng merged").succeeds();
    // Nor is a capture that only has our words in it, behind frames of others.
    for line in [
        "wrap -q --vni 7 --source 10.0.1.15 --target 10.0.2.99 out again",
        "strip -q in.pcapng out.pcap",
    ] {
        run(&scratch, line).succeeds();
        is_refused(&scratch, run(&scratch, line)).stderr_has(" is a capture, ");
    }
}

/// One session alone, so that the order of blocks tells nothing.
#[test]
fn what_was_added_to_a_stripped_capture_is_evidence() {
    let scratch = with_captures();
    run(&scratch, "strip -q in.pcapng out").succeeds();
    let bytes = scratch.read("out");
    let changed = scratch.write("changed", [&bytes[..], &scratch.read("in.pcapng")].concat());
    is_refused(&scratch, run(&scratch, "strip in.pcapng changed"));
    // The comment of an analyst, in place of our last one.
    let (ours, theirs) = (b"vpcmirror: vni=", b"analyst saw: i=");
    let at = bytes.windows(ours.len()).rposition(|window| window == ours).unwrap();
    let mut commented = bytes.clone();
    commented[at..][..theirs.len()].copy_from_slice(theirs);
    fs::write(&changed, commented).unwrap();
    is_refused(&scratch, run(&scratch, "strip in.pcapng changed"));
    fs::write(&changed, bytes).unwrap();
    run(&scratch, "strip -q in.pcapng changed").succeeds();
}

#[test]
fn only_strip_writes_over_its_input_whatever_it_is_called() {
    let scratch = with_captures();
    symlink("in.pcapng", scratch.path("link")).unwrap();
    fs::hard_link(scratch.path("in.pcapng"), scratch.path("twin")).unwrap();
    let source = scratch.read("in.pcapng");
    let want = stripped(&scratch);
    let wrap = "wrap -q --vni 1 --source 10.0.0.1 --target 10.0.0.2";
    let simulate = format!("simulate -q {FILTER}");
    for out in ["in.pcapng", "./in.pcapng", "link", "twin"] {
        for force in ["", " --force"] {
            for line in
                [format!("{wrap} in.pcapng {out}"), format!("{simulate} in.pcapng --write {out}")]
            {
                let seen = is_refused(&scratch, run(&scratch, &format!("{line}{force}")));
                let said = format!(
                    "mirror-pcap: {out}: is the input as well, and only strip may \
                                    write over its input; name another OUT\n"
                );
                same(&seen.stderr, &said);
            }
        }
    }
    // A capture of ours is no exception.
    run(&scratch, "strip -q in.pcapng ours").succeeds();
    is_refused(&scratch, run(&scratch, &format!("{wrap} ours ours")));
    is_refused(&scratch, run(&scratch, &format!("{simulate} ours --write ours")));
    // Through standard input it is the same file.
    let itself = run(&scratch, "wrap --vni 1 --source 10.0.0.1 --target 10.0.0.2 - in.pcapng");
    let by = ["sh", "-c", "exec \"$0\" \"$@\" <in.pcapng"];
    is_refused(&scratch, itself.under(by)).stderr_has(": is the input as well, ");
    run(&scratch, "strip -q - in.pcapng").under(by).succeeds();
    assert!(scratch.read("in.pcapng") == want && scratch.read("twin") == source);
}

#[test]
fn strip_writes_over_its_input_only_if_wrappers_are_all_that_is_lost() {
    let cases = [
        (
            "lab-d/input.pcapng",
            "--only-mirrored",
            "--only-mirrored leaves out what is not mirrored",
        ),
        ("lab-d/input.pcapng", "--format pcap", "pcap has no place for sessions and directions"),
        (
            "epb-options/input.pcapng",
            "--quiet",
            "more than wrappers would be lost: 2 no-copy-options",
        ),
        (
            "mixed-traffic/input.pcapng",
            "--quiet",
            "more than wrappers would be lost: 1 no-copy-blocks",
        ),
        (
            "../damaged/003-trailer-mismatch/input.pcapng",
            "--quiet",
            "more than wrappers would be lost: 1 damaged place in it; packets left out: 1 damaged",
        ),
    ];
    let scratch = Scratch::new();
    for (capture, options, why) in cases {
        let path = scratch.copy(&format!("captures/{capture}"), "in");
        let line = format!("strip {options} in in");
        let seen = is_refused(&scratch, run(&scratch, &line));
        let said = format!(
            "mirror-pcap: in: is the input as well, and {why}; name another OUT, or insist with \
             --force\n"
        );
        same(&seen.stderr, &said);
        let before = scratch.read("in");
        let code = if capture.contains("damaged") { 4 } else { 0 };
        run(&scratch, &format!("{line} --force")).fails_with(code);
        assert!(scratch.read("in") != before);
        fs::remove_file(path).unwrap();
    }
    // A name asks for pcap as well as the option.
    scratch.copy("captures/pcap-micro/input.pcap", "in.pcap");
    is_refused(&scratch, run(&scratch, "strip in.pcap in.pcap")).stderr_has("pcap has no place");
    // And these lose nothing.
    for (capture, options) in [("mixed-traffic", "--keep-nocopy"), ("fcs", "--comment none")] {
        scratch.copy(&format!("captures/{capture}/input.pcapng"), "in");
        run(&scratch, &format!("strip -q {options} in in")).succeeds();
    }
}

/// A capture that lasts for hours leaves time for another to get the name.
#[test]
fn what_comes_to_stand_there_while_it_is_written_is_not_lost() {
    let scratch = with_captures();
    let (source, other) = (scratch.read("in.pcapng"), scratch.read("other.pcapng"));
    for (force, code) in [("", 2), (" --force", 0)] {
        let mut command = run(&scratch, &format!("strip -q - late{force}")).command();
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&source).unwrap();
        while !scratch.path(".late.0.mirror-pcap").exists() {
            std::thread::yield_now();
        }
        scratch.write("late", &other);
        drop(stdin);
        assert_eq!(wait(&mut child).code(), Some(code));
        assert_eq!(scratch.read("late") == other, code == 2);
        assert!(!scratch.path(".late.0.mirror-pcap").exists());
        fs::remove_file(scratch.path("late")).unwrap();
    }
}

#[test]
fn no_text_is_printed_into_a_capture_and_no_output_replaces_what_is_printed() {
    let scratch = with_captures();
    let evidence = scratch.read("other.pcapng");
    let texts = [
        "sessions in.pcapng",
        "--help",
        "filter show filter.json",
        "man strip",
        &format!("simulate {FILTER} --each in.pcapng"),
        "strip in.pcapng out --json -",
    ];
    for line in texts {
        let out = OpenOptions::new().append(true).open(scratch.path("other.pcapng")).unwrap();
        let output = run(&scratch, line).command().stdout(out).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}: {stderr}");
        assert!(stderr.contains("standard output: is a capture, and "), "{line}: {stderr}");
        assert!(scratch.read("other.pcapng") == evidence, "{line}");
    }
    // A shell has done it before anything of ours runs.
    let by = ["sh", "-c", "exec \"$0\" \"$@\" >gone"];
    run(&scratch, "strip gone -").under(by).fails_with(2).stderr(
        "mirror-pcap: gone: is empty: standard output goes into it, and a shell empties what > \
         names\n",
    );
    fs::remove_file(scratch.path("gone")).unwrap();
    // But captures are appended to one another.
    let out = OpenOptions::new().append(true).open(scratch.path("other.pcapng")).unwrap();
    assert!(
        run(&scratch, "strip -q in.pcapng -").command().stdout(out).status().unwrap().success()
    );
    assert!(scratch.read("other.pcapng") == [evidence, stripped(&scratch)].concat());
    let both = [
        (format!("simulate {FILTER} in.pcapng --write both"), "--write: the report goes to both"),
        ("filter test tests.yaml --junit both".to_owned(), "--junit: the results go to both"),
    ];
    for (line, said) in both {
        let by = ["sh", "-c", "exec \"$0\" \"$@\" >both"];
        run(&scratch, &line).under(by).fails_with(2).stderr_has(said);
        assert_eq!(scratch.read("both"), b"");
    }
}

#[test]
fn an_address_names_the_pipe_that_reads_or_writes_it() {
    let scratch = with_captures();
    let cases = [
        (
            "strip s3://b/cap.pcapng out",
            "s3://b/cap.pcapng: is no file, and no network is read here: aws s3 cp s3://b/cap.pcapng - | mirror-pcap strip - out",
        ),
        (
            "strip in.pcapng s3://b/out.pcapng",
            "s3://b/out.pcapng: is no file, and no network is written to here: mirror-pcap strip in.pcapng - | aws s3 cp - s3://b/out.pcapng",
        ),
        (
            "strip in.pcapng out --json gs://b/counts.json",
            "gs://b/counts.json: is no file, and no network is written to here: mirror-pcap strip in.pcapng out --json - | gcloud storage cp - gs://b/counts.json",
        ),
        (
            "sessions https://h/cap.pcapng",
            "https://h/cap.pcapng: is no file, and no network is read here: curl -fsSL https://h/cap.pcapng | mirror-pcap sessions -",
        ),
        (
            "config show s3://b/a.json",
            "s3://b/a.json: is no file, and no network is read here: aws s3 cp s3://b/a.json - | mirror-pcap config show -",
        ),
        (
            "strip --config s3://b/a.json in.pcapng out",
            "s3://b/a.json: is no file, and no network is read here: aws s3 cp s3://b/a.json - | mirror-pcap strip --config - in.pcapng out",
        ),
        (
            "simulate --filter filter.json --flows s3://b/f.csv",
            "s3://b/f.csv: is no file, and no network is read here: aws s3 cp s3://b/f.csv - | mirror-pcap simulate --filter filter.json --flows -",
        ),
        (
            "filter lint gs://b/f.json",
            "gs://b/f.json: is no file, and no network is read here: gcloud storage cat gs://b/f.json | mirror-pcap filter lint -",
        ),
    ];
    for (line, said) in cases {
        let seen = is_refused(&scratch, run(&scratch, line));
        same(&seen.stderr, &format!("mirror-pcap: {said}\n"));
    }
}
