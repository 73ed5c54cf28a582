//! `strip` as it is called: every option, every place to read from and write to, and
//! every way to call it wrongly.

use std::{fs, io::Read, path::PathBuf};

use mirror_testkit::{
    Capture, Interface, Opt, Order, Packet,
    decode::{Content, dump, pcap, pcapng},
};

use crate::harness::{Run, Scratch, mirror_pcap, same, testdata};

const LAB: &str = "captures/lab-d/input.pcapng";
const MIXED: &str = "captures/mixed-traffic/input.pcapng";

fn input(case: &str) -> PathBuf {
    testdata().join(case)
}

fn bytes(case: &str) -> Vec<u8> {
    fs::read(input(case)).unwrap()
}

fn strip() -> Run {
    mirror_pcap().arg("strip")
}

/// What `strip` with these options makes of a case; it must go well.
#[track_caller]
fn stripped(case: &str, options: &[&str]) -> Vec<u8> {
    let scratch = Scratch::new();
    strip().arg(input(case)).arg(scratch.path("out.pcapng")).args(options).succeeds();
    scratch.read("out.pcapng")
}

/// The last comment of every packet.
fn comments(capture: &[u8]) -> Vec<String> {
    let blocks = pcapng(capture).blocks;
    let packets = blocks.iter().filter(|b| matches!(b.content, Content::Packet { .. }));
    packets
        .map(|block| {
            let last = block.options.values(1).last().unwrap_or_default();
            String::from_utf8(last.to_vec()).unwrap()
        })
        .collect()
}

fn names(capture: &[u8]) -> Vec<String> {
    let blocks = pcapng(capture).blocks;
    let interfaces = blocks.iter().filter(|b| matches!(b.content, Content::Interface { .. }));
    interfaces
        .flat_map(|block| block.options.values(2).map(<[u8]>::to_vec).collect::<Vec<_>>())
        .map(|name| String::from_utf8(name).unwrap())
        .collect()
}

#[test]
fn a_comment_says_as_much_as_is_asked_for() {
    let gwlb = "captures/gwlb/input.pcapng";
    let first = |options: &[&str]| comments(&stripped(gwlb, options)).swap_remove(0);
    let short = "vpcmirror: vni=308308 source=10.0.1.15 direction=egress";
    let full = "vpcmirror: vni=308308 source=10.0.1.15 endpoint=vpce-0a1b2c3d4e5f67890 \
                direction=egress";
    assert_eq!(first(&[]), short);
    assert_eq!(first(&["--comment", "short"]), short);
    assert_eq!(first(&["--comment", "full"]), full);
    assert_eq!(first(&["--comment", "none"]), "");
    // The interface says it in any case.
    let session = "vni-308308@10.0.1.15@vpce-0a1b2c3d4e5f67890";
    assert!(names(&stripped(gwlb, &["--comment", "none"])).contains(&session.to_owned()));
}

#[test]
fn vnis_may_be_chosen() {
    let case = "captures/same-flow-two-vnis/input.pcapng";
    let scratch = Scratch::new();
    let run = |options: &[&str]| {
        let seen = strip().arg(input(case)).arg(scratch.path("out")).args(options).succeeds();
        seen.stderr.lines().next().unwrap().rsplit_once(": ").unwrap().1.to_owned()
    };
    assert_eq!(run(&[]), "21 packets read, 20 stripped, 1 kept, 0 left out");
    assert_eq!(run(&["--vni", "308309"]), "21 packets read, 10 stripped, 11 kept, 0 left out");
    let both = ["--vni", "308309", "--vni", "308308"];
    assert_eq!(run(&both), "21 packets read, 20 stripped, 1 kept, 0 left out");
}

#[test]
fn a_vni_that_is_not_there_is_answered_with_those_that_are() {
    let scratch = Scratch::new();
    let case = "captures/same-flow-two-vnis/input.pcapng";
    scratch.copy(case, "in.pcapng");
    let args = ["in.pcapng", "out.pcapng", "--vni", "5"];
    strip().within(&scratch).args(args).succeeds().stderr(
        "\
in.pcapng: 21 packets read, 0 stripped, 21 kept, 0 left out
  kept: 20 other-vni, 1 not-mirrored
mirror-pcap: nothing was stripped: the VNIs in it are 308308 (10 packets), 308309 (10 packets)
",
    );
}

#[test]
fn a_port_that_is_not_there_is_answered_with_those_that_are() {
    let scratch = Scratch::new();
    scratch.copy(LAB, "in.pcapng");
    let args = ["in.pcapng", "out.pcapng", "--port", "8472"];
    strip().within(&scratch).args(args).succeeds().stderr(
        "\
in.pcapng: 58 packets read, 0 stripped, 58 kept, 0 left out
  kept: 58 not-mirrored
mirror-pcap: nothing was stripped: UDP went to port 4789 (58 packets); --port names those that carry VXLAN
",
    );
}

#[test]
fn a_capture_with_no_udp_at_all_needs_no_hint() {
    let scratch = Scratch::new();
    let mut capture = Capture::new(Order::Little);
    capture.interface(Interface::new(1)).packet(Packet::new(0, 1, [0; 60]));
    scratch.write("in.pcapng", capture.bytes());
    strip().within(&scratch).args(["in.pcapng", "out.pcapng"]).succeeds().stderr(
        "\
in.pcapng: 1 packet read, 0 stripped, 1 kept, 0 left out
  kept: 1 not-mirrored
",
    );
}

#[test]
fn ports_may_be_chosen() {
    let counts = |options: &[&str]| {
        let scratch = Scratch::new();
        strip().arg(input(MIXED)).arg(scratch.path("out")).args(options).succeeds().stderr
    };
    // Packet 15 of it goes to port 8472.
    assert!(counts(&[]).contains("37 packets read, 18 stripped, 19 kept"));
    assert!(counts(&["--port", "8472"]).contains("37 packets read, 1 stripped, 36 kept"));
    let both = ["--port", "4789", "--port", "8472"];
    assert!(counts(&both).contains("37 packets read, 19 stripped, 18 kept"));
}

#[test]
fn only_mirrored_leaves_one_link_type_and_one_snaplen() {
    for case in ["sll", "sll2", "raw", "null", "snaplen-cut", "sections"] {
        let case = format!("captures/{case}/input.pcapng");
        let blocks = pcapng(&stripped(&case, &["--only-mirrored"])).blocks;
        let mut interfaces = 0;
        for block in &blocks {
            if let Content::Interface { link, snaplen, .. } = block.content {
                assert_eq!((link, snaplen), (1, 262_144), "{case}");
                interfaces += 1;
            }
        }
        assert!(interfaces > 0, "{case}");
    }
}

#[test]
fn an_output_of_mixed_link_types_is_remarked_on() {
    let scratch = Scratch::new();
    scratch.copy("captures/sll2/input.pcapng", "in.pcapng");
    let remark = "mirror-pcap: the output mixes link types (276, 1): tcpdump and Zeek want one in \
                  a file; --only-mirrored leaves the others out\n";
    let run = |options: &[&str]| {
        strip().within(&scratch).args(["in.pcapng", "out.pcapng"]).args(options).succeeds().stderr
    };
    assert!(run(&[]).ends_with(remark));
    assert!(!run(&["--only-mirrored"]).contains("link types"));
    assert!(!run(&["--format", "pcap"]).contains("link types"));
}

#[test]
fn blocks_not_to_be_copied_stay_if_asked_for() {
    let custom = |options: &[&str]| {
        let blocks = pcapng(&stripped(MIXED, options)).blocks;
        blocks.iter().filter(|block| block.kind == 0x4000_0BAD).count()
    };
    assert_eq!((custom(&[]), custom(&["--keep-nocopy"])), (0, 1));
    let options = |options: &[&str]| {
        let blocks = pcapng(&stripped("captures/epb-options/input.pcapng", options)).blocks;
        blocks.iter().flat_map(|b| &b.options.list).filter(|(code, _)| *code == 19_372).count()
    };
    assert_eq!((options(&[]), options(&["--keep-nocopy"])), (1, 2));
}

#[test]
fn a_named_packet_length_is_believed() {
    let cut = |options: &[&str]| {
        let comments = comments(&stripped("captures/gwlb/input.pcapng", options));
        comments.iter().filter(|comment| comment.contains(" cut_from=")).count()
    };
    // Packet 14 is cut to 96 bytes, but longer ones came before it.
    assert_eq!(cut(&[]), 0);
    assert_eq!(cut(&["--packet-length", "96"]), 1);
    assert_eq!(cut(&["--packet-length", "128", "--packet-length", "96"]), 1);
    assert_eq!(cut(&["--packet-length", "95"]), 0);
}

#[test]
fn the_name_of_the_output_decides_its_format_unless_an_option_does() {
    let scratch = Scratch::new();
    let is_pcap = |name: &str, options: &[&str]| {
        let run = strip().within(&scratch).arg("--force").arg(input(LAB)).arg(name);
        run.args(options).succeeds();
        let bytes = plain(name, &scratch.read(name));
        assert!(pcap(&bytes).is_some() || pcapng(&bytes).stop.is_none());
        pcap(&bytes).is_some()
    };
    assert!(is_pcap("a.pcap", &[]));
    assert!(is_pcap("a.pcap.gz", &[]));
    assert!(is_pcap("a.pcap.zst", &[]));
    assert!(is_pcap("a.pcapng", &["--format", "pcap"]));
    assert!(!is_pcap("a.pcapng", &[]));
    assert!(!is_pcap("pcap", &[]));
    assert!(!is_pcap("a.pcap", &["--format", "pcapng"]));
    assert!(!is_pcap("a.cap", &[]));
}

/// The bytes of a file whose name says how it is compressed.
fn plain(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match name.rsplit_once('.') {
        Some((_, "gz")) => {
            flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut out).unwrap();
        }
        Some((_, "zst")) => out = zstd::decode_all(bytes).unwrap(),
        Some((_, "lz4")) => {
            lz4_flex::frame::FrameDecoder::new(bytes).read_to_end(&mut out).unwrap();
        }
        _ => out = bytes.to_vec(),
    }
    out
}

/// Compressed outputs are told by their names, compressed inputs by their bytes.
#[test]
fn compression_is_looked_through_and_put_on() {
    let want = stripped(LAB, &[]);
    let scratch = Scratch::new();
    for name in ["a.gz", "a.zst", "a.lz4", "a.pcapng.gz"] {
        for threads in ["1", "2"] {
            let options = ["--threads", threads];
            strip().within(&scratch).arg(input(LAB)).arg(name).args(options).succeeds();
            let compressed = scratch.read(name);
            assert!(compressed.len() < want.len(), "{name}");
            assert!(plain(name, &compressed) == want, "{name}");
        }
        // Stripped already, so it comes out as it is; and the name says nothing.
        fs::rename(scratch.path(name), scratch.path("in.bin")).unwrap();
        strip().within(&scratch).args(["in.bin", "again"]).succeeds();
        assert!(scratch.read("again") == want, "{name}");
    }
}

#[test]
fn damage_in_a_compressed_capture_is_placed_in_what_was_compressed() {
    let scratch = Scratch::new();
    let capture = bytes("damaged/003-trailer-mismatch/input.pcapng");
    scratch.write("in.zst", zstd::encode_all(&capture[..], 1).unwrap());
    let seen = strip().within(&scratch).args(["in.zst", "out.pcapng"]).fails_with(4);
    let first = seen.stderr.lines().next().unwrap();
    let want = "mirror-pcap: in.zst: byte 492 of the decompressed capture: block length is 192 \
                before the body but 188 after it";
    assert_eq!(first, want);
}

/// It is read as far as it goes, and what was read is written.
#[test]
fn a_cut_compressed_capture_gives_what_is_there() {
    let scratch = Scratch::new();
    let whole = gzip(&bytes(LAB));
    scratch.write("in.gz", &whole[..whole.len() / 2]);
    let seen = strip().within(&scratch).args(["in.gz", "out.pcapng"]).fails_with(4);
    let first = seen.stderr.lines().next().unwrap();
    assert!(first.starts_with("mirror-pcap: in.gz: byte "), "{first}");
    // Why exactly is the decoder's to say.
    assert!(first.contains(" of the decompressed capture: reading failed: "), "{first}");
    let out = scratch.read("out.pcapng");
    assert_eq!(pcapng(&out).stop, None);
    assert!((10..58).contains(&comments(&out).len()));
}

#[test]
fn standard_input_and_output_are_a_dash() {
    let want = stripped(LAB, &[]);
    let seen = strip().args(["-", "-"]).stdin(bytes(LAB)).succeeds();
    assert!(seen.stdout == want);
    assert!(seen.stderr.starts_with("standard input: 58 packets read, 58 stripped"));
}

#[test]
fn an_output_that_is_not_named_is_standard_output() {
    let want = stripped(LAB, &[]);
    assert!(strip().arg(input(LAB)).succeeds().stdout == want);
    assert!(strip().arg("-").stdin(bytes(LAB)).succeeds().stdout == want);
    // Nothing of the report gets into the capture, and compression is a matter of names.
    let seen = strip().args(["-q", "-"]).stdin(bytes(LAB)).succeeds().stderr("");
    assert!(seen.stdout == want);
}

#[test]
fn a_file_may_be_named_like_an_option() {
    let scratch = Scratch::new();
    scratch.copy(LAB, "--only-mirrored");
    strip().within(&scratch).args(["--", "--only-mirrored", "./-"]).succeeds();
    assert!(scratch.read("-") == stripped(LAB, &[]));
}

#[test]
fn quiet_says_nothing_but_what_went_wrong() {
    let scratch = Scratch::new();
    strip().arg(input(MIXED)).arg(scratch.path("out")).arg("-q").succeeds().stderr("");
    strip().arg(input(MIXED)).arg(scratch.path("out")).arg("--quiet").succeeds().stderr("");
    strip()
        .within(&scratch)
        .args(["-q", "none", "out"])
        .fails_with(2)
        .stderr("mirror-pcap: none: No such file or directory\n");
}

#[test]
fn one_thread_and_two_write_the_same_bytes() {
    for case in [LAB, MIXED, "damaged/007-captured-length-beyond-block/input.pcapng"] {
        let outputs: Vec<_> = ["1", "2"]
            .map(|threads| {
                let scratch = Scratch::new();
                let out = scratch.path("out");
                let seen = strip().arg(input(case)).arg(out).args(["--threads", threads]).ends();
                (scratch.read("out"), seen.stderr, seen.status.code())
            })
            .into();
        assert!(outputs[0] == outputs[1], "{case}");
    }
}

#[test]
fn counts_are_json_for_scripts() {
    let scratch = Scratch::new();
    let args = ["out.pcapng", "--json", "counts.json", "-q"];
    strip().within(&scratch).arg(input(LAB)).args(args).succeeds().stderr("").stdout("");
    let json: serde_json::Value = serde_json::from_slice(&scratch.read("counts.json")).unwrap();
    assert_eq!(json["schema"], "mirror-pcap/strip/1");
    assert_eq!(
        json["packets"],
        serde_json::json!({ "read": 58, "stripped": 58, "kept": 0, "left_out": 0 })
    );
    assert_eq!(json["sessions"][0]["source"], "10.0.1.15");

    let seen = strip().within(&scratch).arg(input(LAB)).args(["out.pcapng", "--json", "-"]);
    let seen = seen.succeeds();
    let to_stdout: serde_json::Value = serde_json::from_slice(&seen.stdout).unwrap();
    assert_eq!(to_stdout, json);
    assert!(seen.stderr.contains("58 packets read"));
}

/// A damaged capture is finished all the same, and the counts say so.
#[test]
fn counts_of_a_damaged_capture_name_the_places() {
    let scratch = Scratch::new();
    let case = "damaged/007-captured-length-beyond-block/input.pcapng";
    let args = ["out.pcapng", "--json", "counts.json", "-q"];
    let seen = strip().within(&scratch).arg(input(case)).args(args).fails_with(4);
    // What is wrong is said even so.
    assert_eq!(seen.stderr.lines().count(), 3, "{}", seen.stderr);
    assert!(seen.stderr.lines().all(|line| line.contains("packet claims")), "{}", seen.stderr);
    let json: serde_json::Value = serde_json::from_slice(&scratch.read("counts.json")).unwrap();
    assert_eq!(json["damages"], 3);
    assert_eq!(
        json["damage"][0],
        serde_json::json!({
            "offset": 492,
            "problem": "packet claims 4294967040 captured bytes but its block holds 160",
            "passed_to": null,
            "ended": false,
        })
    );
}

/// From where to where nothing could be read, and that packets were in it; and where reading ended.
#[test]
fn what_was_passed_over_is_told() {
    let scratch = Scratch::new();
    let mut bytes = bytes(LAB);
    let (from, to) = (1024, 2048);
    bytes[from..to].fill(0);
    let last = bytes.len() - 700;
    bytes[last..].fill(0);
    scratch.write("in.pcapng", &bytes);
    let args = ["in.pcapng", "out.pcapng", "--json", "counts.json"];
    let seen = strip().within(&scratch).args(args).fails_with(4);
    let json: serde_json::Value = serde_json::from_slice(&scratch.read("counts.json")).unwrap();
    let number = |value: &serde_json::Value| usize::try_from(value.as_u64().unwrap()).unwrap();
    let [passed, ended] = &json["damage"].as_array().unwrap()[..] else { panic!("{json}") };
    let (offset, passed_to) = (number(&passed["offset"]), number(&passed["passed_to"]));
    assert!((from - 300..=from).contains(&offset), "{passed}");
    assert!((to..to + 300).contains(&passed_to), "{passed}");
    assert_eq!(passed["ended"], false);
    assert!((last - 300..=last).contains(&number(&ended["offset"])), "{ended}");
    assert_eq!((&ended["passed_to"], &ended["ended"]), (&serde_json::Value::Null, &true.into()));
    let lines: Vec<_> = seen.stderr.lines().collect();
    let begin = format!("mirror-pcap: in.pcapng: byte {offset}: ");
    let end = format!("; passed over up to byte {passed_to}, and the packets in it are lost");
    assert!(lines[0].starts_with(&begin) && lines[0].ends_with(&end), "{}", lines[0]);
    let end = "; nothing behind it can be read, and the packets in it are lost";
    assert!(lines[1].ends_with(end), "{}", lines[1]);
}

/// Of many broken places the first ten are told, and how many more there are.
#[test]
fn a_capture_that_is_nothing_but_damage_does_not_flood_the_terminal() {
    let scratch = Scratch::new();
    let mut capture = Capture::new(Order::Little);
    capture.interface(Interface::new(1));
    for _ in 0..1013 {
        capture.packet(Packet::new(9, 1, []));
    }
    scratch.write("in.pcapng", capture.bytes());
    let seen = strip().within(&scratch).args(["in.pcapng", "out.pcapng"]).fails_with(4);
    let lines: Vec<_> = seen.stderr.lines().collect();
    assert_eq!(lines.len(), 13);
    assert_eq!(lines[10], "mirror-pcap: in.pcapng: and 1,003 more problems");
    assert_eq!(lines[11], "in.pcapng: 1,013 packets read, 0 stripped, 0 kept, 1,013 left out");
    assert_eq!(lines[12], "  left out: 1,013 damaged");
}

/// Sessions beyond twenty are counted for people and listed for scripts.
#[test]
fn a_capture_of_many_sessions_does_not_flood_the_terminal() {
    let scratch = Scratch::new();
    let mut capture = Capture::new(Order::Little);
    capture.interface(Interface::new(1));
    for vni in 0..23 {
        let mirror = mirror_testkit::packet::Mirror::new([10, 0, 1, 15], [10, 0, 2, 99], vni);
        capture.packet(Packet::new(0, 1, mirror.frame(&[0; 60])));
    }
    scratch.write("in.pcapng", capture.bytes());
    let args = ["in.pcapng", "out.pcapng", "--json", "counts.json"];
    let seen = strip().within(&scratch).args(args).succeeds();
    let lines: Vec<_> = seen.stderr.lines().collect();
    assert_eq!(lines.len(), 1 + 1 + 20 + 1);
    assert_eq!(lines[22], "  and 3 more sessions; --json lists them all");
    let json: serde_json::Value = serde_json::from_slice(&scratch.read("counts.json")).unwrap();
    assert_eq!(json["sessions"].as_array().unwrap().len(), 23);
}

/// A name from a capture or from the command line may hold anything.
#[test]
fn nothing_in_a_name_reaches_the_terminal_as_it_is() {
    let scratch = Scratch::new();
    let name = "\u{1b}[2J\nx\u{202e}.pcapng";
    scratch.copy("damaged/002-cut-in-packet/input.pcapng", name);
    let seen = strip().within(&scratch).args([name, "out.pcapng"]).fails_with(4);
    assert!(seen.stderr.starts_with("mirror-pcap: \\u{1b}[2J\\nx\\u{202e}.pcapng: byte 492: "));
    assert!(seen.stderr.chars().all(|c| c == '\n' || !c.is_control()));

    let mut capture = Capture::new(Order::Little);
    let mirror = mirror_testkit::packet::Mirror::new([10, 0, 1, 15], [10, 0, 2, 99], 1);
    capture
        .interface(Interface::new(1).option(Opt::if_name("\u{1b}[2J\u{202e}")))
        .packet(Packet::new(0, 1, mirror.frame(&[0; 60])));
    scratch.write("in.pcapng", capture.bytes());
    let seen = strip().within(&scratch).args(["in.pcapng", "out.pcapng"]).succeeds();
    assert!(seen.stderr.chars().all(|c| c == '\n' || !c.is_control()));
    let picture = dump(&scratch.read("out.pcapng"));
    let line = r#"on=\"\\u001b[2J\\u202e\""#;
    assert!(picture.contains(line), "{picture}");
}

#[test]
fn what_is_no_capture_is_told_so() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("folder")).unwrap();
    scratch.write("empty", "");
    scratch.write("text", "hello world\n");
    scratch.write("short", "ab");
    scratch.write("begun", &bytes(LAB)[..20]);
    scratch.write("pcap-begun", &bytes("captures/pcap-micro/input.pcap")[..23]);
    scratch.write("extended", [&[0x34, 0xCD, 0xB2, 0xA1][..], &[0; 20]].concat());
    scratch.write("old", [&[0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 3, 0][..], &[0; 16]].concat());
    let magic = [&[0x0A, 0x0D, 0x0D, 0x0A, 28, 0, 0, 0, 1, 2, 3, 4][..], &[0; 16]].concat();
    scratch.write("magic", magic);
    scratch.write("not-a-capture.gz", gzip(b"hello world\n"));
    let expected = "expected pcapng (0a 0d 0d 0a) or pcap (d4 c3 b2 a1 and the like)";
    let hello = "not a capture: begins with 68 65 6c 6c 6f 20 77 6f";
    let wanted = [
        ("none", "No such file or directory".to_owned()),
        ("folder", "is a folder, expected a capture".to_owned()),
        ("empty", "empty, not a capture".to_owned()),
        ("text", format!("{hello}, {expected}")),
        ("short", format!("not a capture: begins with 61 62, {expected}")),
        ("begun", "ends after 20 bytes, before its first header is whole".to_owned()),
        ("pcap-begun", "ends after 23 bytes, before its first header is whole".to_owned()),
        (
            "extended",
            "the pcap variant with extended records (magic a1 b2 cd 34) is not supported".to_owned(),
        ),
        ("old", "pcap version 2.3 is not supported".to_owned()),
        (
            "magic",
            "first block: section header has 01 02 03 04 for a byte-order magic, expected 1a 2b 3c \
             4d or its reverse"
                .to_owned(),
        ),
        ("not-a-capture.gz", format!("{hello}, {expected}")),
    ];
    let before = scratch.names();
    for (name, why) in wanted {
        let message = format!("mirror-pcap: {name}: {why}\n");
        let args = [name, "out", "--json", "counts.json"];
        strip().within(&scratch).args(args).fails_with(2).stderr(&message).stdout("");
        assert_eq!(scratch.names(), before, "{name}");
    }
    strip()
        .args(["-", "-"])
        .fails_with(2)
        .stderr("mirror-pcap: standard input: empty, not a capture\n")
        .stdout("");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = flate2::read::GzEncoder::new(bytes, flate2::Compression::fast());
    encoder.read_to_end(&mut out).unwrap();
    out
}

/// What clap says, and that it is status 2 with nothing on standard output.
#[test]
fn a_wrong_call_is_told_what_is_wrong_with_it() {
    let more = "\nFor more information, try '--help'.\n";
    let wrong: &[(&[&str], &str)] = &[
        (&["--vni", "16777216"], "'16777216' for '--vni <N>': expected a number up to 16777215\n"),
        (&["--vni", "web"], "'web' for '--vni <N>': expected a number up to 16777215\n"),
        (&["--port", "0"], "'0' for '--port <PORT>': 0 is not in 1..=65535\n"),
        (
            &["--packet-length", "0"],
            "'0' for '--packet-length <BYTES>': 0 is not in 1..=4294967295\n",
        ),
        (&["--threads", "3"], "'3' for '--threads <N>': 3 is not in 1..=2\n"),
        (
            &["--comment", "long"],
            "'long' for '--comment <DETAIL>'\n  [possible values: short, full, none]\n",
        ),
        (
            &["--format", "erf"],
            "'erf' for '--format <FORMAT>'\n  [possible values: pcapng, pcap]\n",
        ),
    ];
    for (options, text) in wrong {
        let seen = strip().args(["in", "out"]).args(*options).fails_with(2).stdout("");
        same(&seen.stderr, &format!("error: invalid value {text}{more}"));
    }
    let missing = "\
error: the following required arguments were not provided:
  <INPUT>

Usage: mirror-pcap strip <INPUT> [OUTPUT]
";
    strip().fails_with(2).stderr(&format!("{missing}{more}")).stdout("");
}
