//! Which way a packet went, by each sign that there is, and by the surest of several.

use std::path::Path;

use mirror_testkit::{
    Capture, Interface, Opt, Order, Packet,
    packet::{Datagram, LINK_ETHERNET, LINK_SLL, LINK_SLL2, Tcp, ethernet, ip, sll, sll2},
};
use serde_json::Value;

use super::{json, lab, simulate, source, with_verdict};
use crate::harness::{Run, Scratch, mirror_pcap};

const HERE: [u8; 4] = [10, 0, 1, 10];
const SERVER: [u8; 4] = [203, 0, 113, 9];
const OWN: [u8; 6] = [0x0A, 0x5E, 0xC0, 0xDE, 0x00, 0x01];
const ROUTER: [u8; 6] = [0x0A, 0x5E, 0xC0, 0xDE, 0x00, 0xFE];

/// From `source` to `destination`, port 443 at both ends, so that rules tell the direction alone.
fn datagram(source: [u8; 4], destination: [u8; 4]) -> Datagram {
    ip(source, destination, Tcp::new(443, 443, Tcp::ACK))
}

/// A capture of one packet.
fn one(link: u16, packet: &[u8], options: &[Opt]) -> Vec<u8> {
    let mut capture = Capture::new(Order::Big);
    capture.interface(Interface::new(link));
    let packet = options
        .iter()
        .fold(Packet::new(0, 1, packet), |packet, option| packet.option(option.clone()));
    capture.packet(packet);
    capture.bytes()
}

fn with_filter(scratch: &Scratch) -> Run {
    let run = mirror_pcap().within(scratch).args(["simulate", "in", "--filter"]);
    run.arg(lab("describe-traffic-mirror-filters.json"))
}

/// Direction and verdict of the packet.
#[track_caller]
fn said(capture: Vec<u8>, args: &[&str]) -> (String, String) {
    let scratch = Scratch::new();
    scratch.write("in", capture);
    let seen = with_filter(&scratch).args(args).args(["--each", "-q"]).succeeds().stderr("");
    let line: Value = serde_json::from_slice(&seen.stdout).unwrap();
    let direction = line["direction"].as_str().unwrap_or("none");
    (direction.to_owned(), line["reason"].as_str().unwrap().to_owned())
}

#[track_caller]
fn is(capture: Vec<u8>, args: &[&str], direction: &str) {
    assert_eq!(said(capture, args), (direction.to_owned(), "rule".to_owned()), "{args:?}");
}

#[test]
fn options_tell_by_mac_and_by_address() {
    let leaves = ethernet(ROUTER, OWN, &datagram(HERE, SERVER));
    let arrives = ethernet(OWN, ROUTER, &datagram(SERVER, HERE));
    for (frame, direction) in [(leaves, "egress"), (arrives, "ingress")] {
        let capture = || one(LINK_ETHERNET, &frame, &[]);
        is(capture(), &["--mac", "0a:5e:c0:de:00:01"], direction);
        is(capture(), &["--local", "10.0.1.10"], direction);
        is(capture(), &["--local", "10.0.1.0/24", "--local", "2001:db8::/32"], direction);
    }
}

#[test]
fn both_or_neither_end_local_is_undecided() {
    let frame = ethernet(ROUTER, OWN, &datagram(HERE, SERVER));
    let capture = || one(LINK_ETHERNET, &frame, &[]);
    let undecided = |args: &[&str]| said(capture(), args).1;
    assert_eq!(undecided(&[]), "neither-end-local");
    assert_eq!(undecided(&["--local", "10.0.9.0/24"]), "neither-end-local");
    assert_eq!(undecided(&["--local", "0.0.0.0/0"]), "both-ends-local");
    let mac = "0a:5e:c0:de:00:fe";
    assert_eq!(undecided(&["--mac", mac, "--local", "10.0.1.10"]), "direction-conflict");
}

#[test]
fn a_cooked_header_and_flags_tell_where_nothing_else_does() {
    let leaves = datagram(HERE, SERVER);
    for (kind, direction) in [(0, "ingress"), (4, "egress")] {
        is(one(LINK_SLL, &sll(kind, OWN, &leaves), &[]), &[], direction);
        is(one(LINK_SLL2, &sll2(kind as u8, 1, OWN, &leaves), &[]), &[], direction);
    }
    let frame = ethernet(ROUTER, OWN, &leaves);
    is(one(LINK_ETHERNET, &frame, &[Opt::flags(1)]), &[], "ingress");
    is(one(LINK_ETHERNET, &frame, &[Opt::flags(2)]), &[], "egress");
}

/// Each sign says something else than the one that is surer.
#[test]
fn the_surest_sign_decides() {
    let annotation = "vpcmirror: vni=7 source=10.0.1.10 direction=egress";
    let leaves = datagram(HERE, SERVER);
    let cooked = |options: &[Opt]| one(LINK_SLL, &sll(0, OWN, &leaves), options);
    is(cooked(&[Opt::flags(2)]), &[], "ingress");
    is(cooked(&[Opt::flags(1), Opt::comment(annotation)]), &[], "egress");
    let comment = [Opt::comment(annotation)];
    is(cooked(&comment), &["--local", "203.0.113.9"], "ingress");
    let frame = ethernet(OWN, ROUTER, &leaves);
    is(one(LINK_ETHERNET, &frame, &comment), &["--mac", "0a:5e:c0:de:00:01"], "ingress");
}

#[test]
fn that_a_capture_was_taken_at_the_interface_is_said_to_be_assumed() {
    let scratch = Scratch::new();
    let frame = ethernet(ROUTER, OWN, &datagram(HERE, SERVER));
    scratch.write("in", one(LINK_ETHERNET, &frame, &[Opt::flags(2)]));
    let report = json(with_filter(&scratch));
    assert_eq!(report["assumptions"][0]["assumption"], "captured-at-eni");
    let report = json(with_filter(&scratch).args(["--local", "10.0.1.10"]));
    assert_eq!(report["assumptions"], serde_json::json!([]));
}

/// Wrapped as the target gets it, and stripped of that: the same verdicts for the same frames.
#[test]
fn mirrored_packets_are_judged_as_their_interface_saw_them() {
    let scratch = Scratch::new();
    let wrap = mirror_pcap().args(["wrap", "-q", "--vni", "308308", "--source", "10.0.1.10"]);
    wrap.args(["--target", "10.0.2.20"]).arg(source()).arg(scratch.path("wrapped")).succeeds();
    let strip = mirror_pcap().within(&scratch).args(["strip", "-q", "wrapped", "stripped"]);
    strip.succeeds();

    let args = ["--vpc", "10.0.0.0/16"];
    for verdict in ["mirrored", "never_mirrored"] {
        let want = with_verdict(simulate(&source()).args(args), verdict);
        for capture in ["wrapped", "stripped"] {
            let found = simulate(Path::new(capture)).within(&scratch).args(args);
            assert_eq!(with_verdict(found, verdict), want, "{capture} {verdict}");
        }
    }
    for capture in ["wrapped", "stripped"] {
        let report = json(simulate(Path::new(capture)).within(&scratch).args(args));
        assert_eq!(report["from_sessions"], 67);
        let seen = simulate(Path::new(capture)).within(&scratch).succeeds();
        let text = String::from_utf8(seen.stdout).unwrap();
        assert!(text.contains("67 packets came from a mirror session: filtered already"), "{text}");
    }
    // The same, of a filter and no documents: the addresses tell the direction.
    let filter = lab("describe-traffic-mirror-filters.json");
    let run = mirror_pcap().within(&scratch).args(["simulate", "wrapped", "--filter"]).arg(filter);
    let found = with_verdict(run, "mirrored");
    assert!(found.starts_with(&(1..=10).collect::<Vec<_>>()), "{found:?}");
}

#[test]
fn an_interface_that_speaks_vxlan_is_judged_by_its_own_packets() {
    let scratch = Scratch::new();
    let wrap = mirror_pcap().args(["wrap", "-q", "--vni", "7", "--source", "10.0.1.10"]);
    wrap.args(["--target", "10.0.2.20"]).arg(source()).arg(scratch.path("in")).succeeds();
    let run = || with_filter(&scratch).args(["--local", "10.0.1.10"]);
    assert_eq!(json(run())["from_sessions"], 67);
    let report = json(run().arg("--no-unwrap"));
    assert_eq!(report["from_sessions"], 0);
    assert_eq!(report["rules"][4]["packets"], 67, "egress 10 rejects what stays in the VPC");
}

#[test]
fn a_session_that_no_document_knows_leaves_its_packets_undecided() {
    let scratch = Scratch::new();
    let wrap = mirror_pcap().args(["wrap", "-q", "--vni", "9", "--source", "10.0.1.99"]);
    wrap.args(["--target", "10.0.2.20"]).arg(source()).arg(scratch.path("in")).succeeds();
    // Lab D knows one session, so there is one interface that the packets could be of. With two
    // there is none.
    let run = mirror_pcap().within(&scratch).args(["simulate", "in"]);
    let documents = crate::harness::testdata().join("documents");
    let run = ["sessions", "interfaces", "filters"]
        .iter()
        .fold(run, |run, name| run.arg("--config").arg(documents.join(format!("{name}.json"))));
    let report = json(run);
    assert_eq!(report["reasons"]["unknown-session"]["packets"], 60);
}
