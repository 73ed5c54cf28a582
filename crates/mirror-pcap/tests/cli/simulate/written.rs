//! What `--write` writes: exactly the packets that would be mirrored.

use std::path::Path;

use mirror_testkit::decode::{Block, Content, pcapng};

use super::{https, knowing, simulate, source};
use crate::harness::{Run, Scratch, mirror_pcap, packets, testdata};

/// The packets of the source that Lab D takes.
fn taken() -> Vec<(Vec<u8>, u32)> {
    let all = packets(&std::fs::read(source()).unwrap());
    let number = |number: usize| all[number - 1].clone();
    https().into_iter().map(number).map(|(data, len, _)| (data, len)).collect()
}

fn written(scratch: &Scratch, name: &str) -> Vec<(Vec<u8>, u32)> {
    packets(&scratch.read(name)).into_iter().map(|(data, len, _)| (data, len)).collect()
}

fn write(scratch: &Scratch) -> Run {
    simulate(&source()).within(scratch).args(["--quiet", "--write", "out"])
}

#[test]
fn the_https_of_both_families_is_written_each_packet_with_its_rule() {
    let scratch = Scratch::new();
    write(&scratch).succeeds().stdout("").stderr("");
    assert_eq!(written(&scratch, "out"), taken());
    let all = packets(&scratch.read("out"));
    let session = "vpcmirror-rule: session=tms-0d00000000000000d filter=tmf-0d00000000000000d \
                   eni=eni-0d000000000000001";
    assert_eq!(all[0].2, [format!("{session} direction=egress rule=100")]);
    assert_eq!(all[1].2, [format!("{session} direction=ingress rule=100")]);
    assert_eq!(all[10].2, [format!("{session} direction=egress rule=110")]);
    // The report counts them.
    let seen = simulate(&source()).within(&scratch).args(["--write", "again"]).succeeds();
    let text = String::from_utf8(seen.stdout).unwrap();
    assert!(text.contains("\n  25 packets written\n"), "{text}");
}

#[test]
fn wrapped_it_is_what_the_target_receives_and_strip_gives_it_back() {
    let scratch = Scratch::new();
    write(&scratch).arg("--wrapped").succeeds().stdout("").stderr("");
    let strip = mirror_pcap().within(&scratch).args(["strip", "out", "back"]);
    strip.succeeds().stderr(
        "\
out: 25 packets read, 25 stripped, 0 kept, 0 left out
  session               packets  bytes  ingress  egress  unknown  cut
  vni-308308@10.0.1.10       25  1,910        9      16        0    0
",
    );
    assert_eq!(written(&scratch, "back"), taken());
    // What was mirrored would be mirrored.
    let again = simulate(Path::new("back")).within(&scratch).args(["--write", "twice", "-q"]);
    again.succeeds();
    assert_eq!(written(&scratch, "twice"), taken());
}

#[test]
fn wrapped_packets_are_cut_by_the_sessions_packet_length() {
    let scratch = Scratch::new();
    let text =
        std::fs::read_to_string(super::lab("describe-traffic-mirror-sessions.json")).unwrap();
    let text = text.replace("\"SessionNumber\": 1,", "\"SessionNumber\": 1, \"PacketLength\": 60,");
    scratch.write("sessions", text);
    let names = ["network-interfaces", "traffic-mirror-filters", "traffic-mirror-targets"];
    let run = mirror_pcap().within(&scratch).args(["simulate", "--config", "sessions"]);
    let run = names.iter().fold(run, |run, name| {
        run.arg("--config").arg(super::lab(&format!("describe-{name}.json")))
    });
    let seen = run.arg(source()).args(["--write", "out", "--wrapped"]).succeeds();
    let text = String::from_utf8(seen.stdout).unwrap();
    let cut = taken().iter().filter(|(_, len)| *len > 60).count();
    assert!(text.contains(&format!("; {cut} cut; the longest frame has 157 bytes\n")), "{text}");
    assert!(text.contains(&format!("25 packets written; noted: {cut} cut\n")), "{text}");
    let lengths: Vec<usize> = written(&scratch, "out").iter().map(|(data, _)| data.len()).collect();
    let want: Vec<usize> = taken().iter().map(|(data, _)| 50 + data.len().min(60)).collect();
    assert_eq!(lengths, want);
}

#[test]
fn what_a_session_lacks_for_a_wrapper_is_told_before_anything_is_written() {
    let scratch = Scratch::new();
    let names = ["network-interfaces", "traffic-mirror-filters", "traffic-mirror-sessions"];
    let without_target = || {
        let run = mirror_pcap().within(&scratch).arg("simulate");
        let run = names.iter().fold(run, |run, name| {
            run.arg("--config").arg(super::lab(&format!("describe-{name}.json")))
        });
        run.arg(source()).args(["--quiet", "--write", "out", "--wrapped"])
    };
    without_target().fails_with(2).stdout("").stderr_has("give --target\n");
    assert_eq!(scratch.names(), [""; 0]);
    without_target().args(["--target", "10.0.2.20"]).succeeds();
    assert_eq!(written(&scratch, "out").len(), 25);
    write(&scratch).arg("--write").arg("out.pcap").fails_with(2);
}

/// What is no packet is kept, and a packet that has no place for a comment is counted.
#[test]
fn other_blocks_are_kept_and_what_cannot_be_written_is_counted() {
    let scratch = Scratch::new();
    let capture = testdata().join("captures/mixed-traffic/input.pcapng");
    let run = knowing(mirror_pcap().within(&scratch).arg("simulate")).arg(&capture);
    let everything = run.args(["--eni", "eni-0d000000000000001", "--local", "0.0.0.0/1"]);
    everything.args(["--write", "out"]).succeeds();
    let kinds = |bytes: &[u8]| -> Vec<u32> {
        let is_packet = |block: &&Block| {
            matches!(block.content, Content::Packet { .. } | Content::Simple { .. })
        };
        let blocks = pcapng(bytes).blocks;
        blocks.iter().filter(|block| !is_packet(block)).map(|block| block.kind).collect()
    };
    let mut before = kinds(&std::fs::read(capture).unwrap());
    before.retain(|kind| *kind != mirror_testkit::capture::CUSTOM_NO_COPY);
    assert_eq!(kinds(&scratch.read("out")), before);
    let pipe = simulate(&source()).args(["--write", "-"]).succeeds();
    assert_eq!(packets(&pipe.stdout).len(), 25);
    assert!(pipe.stderr.contains("25 packets written"), "{}", pipe.stderr);
}

/// The rules of Lab D, said in the language of somebody else who reads the capture.
#[test]
fn tshark_finds_the_same_packets_by_a_display_filter() {
    let filter = "(eth.src==0a:5e:c0:de:00:01 && tcp.dstport==443 && !(ip.dst==10.0.0.0/16) && \
                  !(ipv6.dst==2001:db8:1234:ab00::/56)) || (eth.dst==0a:5e:c0:de:00:01 && \
                  tcp.srcport==443 && !(ip.src==10.0.0.0/16) && \
                  !(ipv6.src==2001:db8:1234:ab00::/56))";
    let mut tshark = std::process::Command::new("tshark");
    tshark.arg("-n").arg("-r").arg(source()).args(["-o", "ip.defragment:FALSE", "-Y", filter]);
    let Ok(output) = tshark.args(["-T", "fields", "-e", "frame.number"]).output() else {
        let required = std::env::var_os("MIRROR_PCAP_REQUIRE_TSHARK").is_some();
        assert!(!required, "tshark is required and not there");
        return crate::harness::skipped("a display filter by tshark, which is not there");
    };
    let found = String::from_utf8(output.stdout).unwrap();
    let found: Vec<usize> = found.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(found, https());
}
