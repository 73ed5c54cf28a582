//! `wrap` as it is called.

use std::fs;

use mirror_testkit::decode::{Content, pcapng};

use crate::harness::{Run, Scratch, mirror_pcap, same, testdata};

const SESSION: [&str; 6] = ["--vni", "7", "--source", "10.0.1.15", "--target", "10.0.2.99"];

fn wrap() -> Run {
    mirror_pcap().arg("wrap")
}

/// A folder with `frames.pcapng`: 58 plain frames.
fn frames() -> Scratch {
    let scratch = Scratch::new();
    let input = testdata().join("captures/lab-d/input.pcapng");
    mirror_pcap().arg("strip").arg(input).arg(scratch.path("frames.pcapng")).succeeds();
    scratch
}

/// Data of every packet.
fn data(capture: &[u8]) -> Vec<Vec<u8>> {
    let blocks = pcapng(capture).blocks;
    blocks
        .into_iter()
        .filter_map(|block| match block.content {
            Content::Packet { data, .. } => Some(data),
            _ => None,
        })
        .collect()
}

#[test]
fn what_was_wrapped_is_stripped_to_what_it_was() {
    let scratch = frames();
    wrap()
        .within(&scratch)
        .args(["frames.pcapng", "wrapped.pcapng"])
        .args(SESSION)
        .succeeds()
        .stderr("frames.pcapng: 58 packets read, 58 wrapped, 0 kept, 0 left out\n")
        .stdout("");
    let strip = ["strip", "wrapped.pcapng", "back.pcapng"];
    mirror_pcap().within(&scratch).args(strip).succeeds().stderr(
        "\
wrapped.pcapng: 58 packets read, 58 stripped, 0 kept, 0 left out
  session          packets  bytes  ingress  egress  unknown  cut
  vni-7@10.0.1.15       58  5,140       26      30        2    0
",
    );
    assert_eq!(data(&scratch.read("back.pcapng")), data(&scratch.read("frames.pcapng")));
}

#[test]
fn it_writes_pcapng_and_compresses_by_the_name() {
    let scratch = frames();
    for name in ["a.pcap", "a.pcap.gz"] {
        let run = wrap().within(&scratch).args(["frames.pcapng", name]).args(SESSION);
        run.fails_with(2).stderr("mirror-pcap: wrap writes pcapng, not pcap\n");
    }
    wrap().within(&scratch).args(["frames.pcapng", "a.cap"]).args(SESSION).succeeds();
    assert_eq!(pcapng(&scratch.read("a.cap")).stop, None);
    wrap().within(&scratch).args(["frames.pcapng", "a.zst"]).args(SESSION).succeeds();
    let plain = zstd::decode_all(&scratch.read("a.zst")[..]).unwrap();
    assert!(plain == scratch.read("a.cap"));
}

/// Frames of no bytes were written, which nobody could strip again.
#[test]
fn an_mtu_that_leaves_no_room_for_a_frame_is_refused() {
    let scratch = frames();
    let session = ["--vni=7", "--source=2001:db8::1", "--target=2001:db8::2", "--mtu=68"];
    let run = wrap().within(&scratch).args(["frames.pcapng", "out"]).args(session);
    run.fails_with(2).stderr("mirror-pcap: --mtu: leaves no room for a frame within the wrapper\n");
    assert_eq!(scratch.names(), ["frames.pcapng"]);
}

#[test]
fn it_reads_and_writes_pipes() {
    let scratch = frames();
    wrap().within(&scratch).args(["frames.pcapng", "a"]).args(SESSION).succeeds();
    let frames = fs::read(scratch.path("frames.pcapng")).unwrap();
    let seen = wrap().args(["-", "-q"]).args(SESSION).stdin(frames).succeeds().stderr("");
    assert!(seen.stdout == scratch.read("a"));
}

#[test]
fn one_thread_and_two_write_the_same_bytes() {
    let scratch = frames();
    for threads in ["1", "2"] {
        let args = ["frames.pcapng", threads, "--threads", threads];
        wrap().within(&scratch).args(args).args(SESSION).succeeds();
    }
    assert!(scratch.read("1") == scratch.read("2"));
}

#[test]
fn what_is_cut_is_noted() {
    let scratch = frames();
    let args = ["frames.pcapng", "out", "--packet-length", "100"];
    wrap().within(&scratch).args(args).args(SESSION).succeeds().stderr(
        "\
frames.pcapng: 58 packets read, 58 wrapped, 0 kept, 0 left out
  noted: 14 cut
",
    );
    let longest = data(&scratch.read("out")).iter().map(Vec::len).max();
    assert_eq!(longest, Some(150));
}

#[test]
fn a_damaged_capture_is_wrapped_as_far_as_it_goes() {
    let scratch = Scratch::new();
    scratch.copy("damaged/003-trailer-mismatch/input.pcapng", "in.pcapng");
    let args = ["in.pcapng", "out.pcapng"];
    wrap().within(&scratch).args(args).args(SESSION).fails_with(4).stderr(
        "\
mirror-pcap: in.pcapng: byte 492: block length is 192 before the body but 188 after it
in.pcapng: 8 packets read, 7 wrapped, 0 kept, 1 left out
  left out: 1 damaged
",
    );
    assert_eq!(data(&scratch.read("out.pcapng")).len(), 7);
}

#[test]
fn a_wrong_call_is_told_what_is_wrong_with_it() {
    let scratch = frames();
    let more = "\nFor more information, try '--help'.\n";
    let wrong: &[(&[&str], &str)] = &[
        (
            &["--packet-length", "8501"],
            "'8501' for '--packet-length <BYTES>': 8501 is not in 1..=8500\n",
        ),
        (&["--packet-length", "0"], "'0' for '--packet-length <BYTES>': 0 is not in 1..=8500\n"),
        (&["--mtu", "67"], "'67' for '--mtu <BYTES>': 67 is not in 68..=65535\n"),
        (
            &["--geneve", "--endpoint", "web"],
            "'web' for '--endpoint <ID>': expected \"vpce-\" and 1 to 17 lower-case hexadecimal \
             digits of 64 bits\n",
        ),
    ];
    let before = scratch.names();
    for (options, text) in wrong {
        let run = wrap().within(&scratch).args(["frames.pcapng", "out"]).args(SESSION);
        let seen = run.args(*options).fails_with(2).stdout("");
        same(&seen.stderr, &format!("error: invalid value {text}{more}"));
        assert_eq!(scratch.names(), before);
    }
    let mixed = ["--vni", "7", "--source", "10.0.1.15", "--target", "2001:db8::99"];
    wrap().within(&scratch).args(["frames.pcapng", "out"]).args(mixed).fails_with(2).stderr(
        "mirror-pcap: --source and --target: source 10.0.1.15 is IPv4 but target 2001:db8::99 is IPv6\n",
    );
    let address = ["--vni", "7", "--source", "web", "--target", "10.0.2.99"];
    let seen = wrap().within(&scratch).args(["frames.pcapng", "out"]).args(address).fails_with(2);
    let text = "'web' for '--source <ADDRESS>': invalid IP address syntax\n";
    same(&seen.stderr, &format!("error: invalid value {text}{more}"));
    let seen = wrap().within(&scratch).args(["frames.pcapng", "out"]).fails_with(2);
    assert!(seen.stderr.starts_with(
        "error: the following required arguments were not provided:\n  --vni <N>\n  --source \
         <ADDRESS>\n  --target <ADDRESS>\n"
    ));
    let endpoint = ["--endpoint", "vpce-0a"];
    let run = wrap().within(&scratch).args(["frames.pcapng", "out"]).args(SESSION).args(endpoint);
    let seen = run.fails_with(2);
    assert!(seen.stderr.contains("not provided:\n  --geneve\n"), "{}", seen.stderr);
    assert_eq!(scratch.names(), before);
}
