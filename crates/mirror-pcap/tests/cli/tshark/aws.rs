//! A capture that a real mirror target made: 100 frames of one instance, 2019.

use std::path::PathBuf;

use super::{dissection::dissect, quietly, tools::tool};
use crate::harness::{Scratch, corpus, mirror_pcap};

/// Recorded for Suricata's tests, see the corpus' MANIFEST.md.
fn capture() -> Option<PathBuf> {
    let path = corpus()?.join("suricata-verify/tests__vxlan-decoder-03__vxlan.pcap");
    assert!(path.is_file(), "{} is missing", path.display());
    Some(path)
}

#[test]
fn a_real_aws_capture_gives_the_hundred_frames_that_tshark_sees_in_the_wrapper() {
    let (Some(tshark), Some(input)) = (tool("tshark"), capture()) else { return };
    let scratch = Scratch::new();
    let output = scratch.path("out.pcapng");
    mirror_pcap().arg("strip").args([&input, &output]).succeeds();

    let (before, after) = (dissect(tshark, &input), dissect(tshark, &output));
    assert_eq!((after.code, after.complaint.as_str()), (Some(0), ""));
    assert_eq!((before.packets.len(), after.packets.len()), (100, 100));
    for (n, (before, after)) in before.packets.iter().zip(&after.packets).enumerate() {
        let n = n + 1;
        let mirrored = before.mirrored.as_ref().expect("tshark sees VXLAN in every packet");
        assert_eq!(mirrored.vni, 5_569_041);
        assert_eq!(after.bytes, mirrored.frame, "packet {n}");
        assert_eq!(Some(after.length), mirrored.length, "packet {n}");
        assert_eq!(after.time, before.time, "packet {n}");
        assert_eq!(after.interface.as_deref(), Some("vni-5569041@172.31.0.238"), "packet {n}");
    }
}

#[test]
fn every_frame_of_it_is_annotated_and_has_a_direction() {
    let (Some(tshark), Some(input)) = (tool("tshark"), capture()) else { return };
    let scratch = Scratch::new();
    let output = scratch.path("out.pcapng");
    quietly(&["strip"], &input, &output);
    let mut counts = [0, 0];
    for packet in dissect(tshark, &output).packets {
        // All are IPv4, and the source ENI has one address.
        let is_egress = packet.bytes[26..30] == [172, 31, 0, 238];
        let (direction, flags) = [("ingress", 1), ("egress", 2)][usize::from(is_egress)];
        let comment = format!("vpcmirror: vni=5569041 source=172.31.0.238 direction={direction}");
        assert_eq!(packet.comments, [comment]);
        assert_eq!(packet.flags, Some(format!("{flags:#010x}")));
        counts[usize::from(is_egress)] += 1;
    }
    assert_eq!(counts, [53, 47]);
}

/// The session is one interface, its description the whole annotation.
#[test]
fn capinfos_sees_one_session() {
    let (Some(capinfos), Some(input)) = (tool("capinfos"), capture()) else { return };
    let scratch = Scratch::new();
    let output = scratch.path("out.pcapng");
    // The interface that the frames arrived on is needed by none of them.
    quietly(&["strip", "--only-mirrored"], &input, &output);
    let text = capinfos.run([&output]).content().text();
    let has = |line: &str| assert!(text.contains(line), "no {line:?} in\n{text}");
    has("Number of packets:   100\n");
    has("Number of interfaces in file: 1\n");
    has("Name = vni-5569041@172.31.0.238\n");
    has("Description = vpcmirror: vni=5569041 source=172.31.0.238\n");
    has("Encapsulation = Ethernet (1 - ether)\n");
    has("Time precision = microseconds (6)\n");
}

#[test]
fn tcpdump_reads_it_in_both_formats() {
    let (Some(tcpdump), Some(input)) = (tool("tcpdump"), capture()) else { return };
    let scratch = Scratch::new();
    for (name, args) in [
        ("whole.pcapng", &["strip"][..]),
        ("mirrored.pcapng", &["strip", "--only-mirrored"]),
        ("out.pcap", &["strip"]),
    ] {
        let output = scratch.path(name);
        quietly(args, &input, &output);
        let read: [&std::ffi::OsStr; 3] = ["-tt".as_ref(), "-nr".as_ref(), output.as_ref()];
        let text = tcpdump.run(read).content().text();
        assert_eq!(text.lines().filter(|line| line.starts_with("15616")).count(), 100, "{name}");
        assert!(!text.contains("VXLAN"), "{name}:\n{text}");
    }
}
