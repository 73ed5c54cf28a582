//! What documents add: names, directions, cuts, and which sessions are stripped at all.

use mirror_session::{Eni, FilterName, KnownSession, Picture, Target};
use mirror_testkit::{
    Packet,
    packet::{Datagram, Mirror, Udp, ethernet, ip},
};
use mirror_wire::{Mac, Vni};

use super::{
    rules::{
        ENI, ENI_MAC, ROUTER_MAC, TARGET, capture, mirrored, notes, options, reasons, received,
        sent,
    },
    support::{Rewritten, comments, packet, strip_with},
};

const BROADCAST: [u8; 6] = [0xFF; 6];

/// The session of these captures, and what is known of its interface.
fn session(eni: Eni) -> KnownSession {
    KnownSession {
        id: Some("tms-15".to_owned()),
        name: Some("web 1".to_owned()),
        number: Some(3),
        vni: Vni::new(308_308),
        eni: Some(Eni { id: Some("eni-15".to_owned()), ..eni }),
        target: Some(Target { id: Some("tmt-99".to_owned()), ..Target::default() }),
        filter: Some(FilterName { id: Some("tmf-1".to_owned()), ..FilterName::default() }),
        ..KnownSession::default()
    }
}

fn at(address: [u8; 4]) -> Eni {
    Eni { addresses: vec![address.into()], ..Eni::default() }
}

fn with_mac() -> Eni {
    Eni { mac: Some(Mac::new(ENI_MAC)), ..at(ENI) }
}

/// Strip these packets, knowing one session.
#[track_caller]
fn strip(options: &str, known: KnownSession, packets: &[Vec<u8>]) -> Rewritten {
    let mut capture = capture();
    for (n, packet) in (1..).zip(packets) {
        capture.packet(Packet::new(0, n, packet));
    }
    strip_with(options, Some(&Picture::new(vec![known])), &capture.bytes())
}

/// The direction that the comment of each packet tells.
#[track_caller]
fn directions(out: &Rewritten) -> Vec<Option<String>> {
    let direction = |comment: String| Some(comment.split_once("direction=")?.1.to_owned());
    out.packets().iter().map(|block| direction(comments(block).pop()?)).collect()
}

fn told(directions: &[&str]) -> Vec<Option<String>> {
    directions.iter().map(|text| (*text != "?").then(|| (*text).to_owned())).collect()
}

fn arp(destination: [u8; 6], source: [u8; 6]) -> Vec<u8> {
    mirrored(&ethernet(destination, source, &Datagram::new(0x0806, [0; 28])))
}

#[test]
fn the_interface_and_the_comment_name_the_session() {
    let capture = [mirrored(&sent(4))];
    let head = "vpcmirror: vni=308308 source=10.0.1.15 session=tms-15 name=\"web 1\"";
    let full = format!("{head} number=3 eni=eni-15 target=tmt-99 filter=tmf-1");
    let out = strip("", session(with_mac()), &capture);
    let interface = &out.blocks()[2].options;
    let text = |code| String::from_utf8(interface.values(code).next().unwrap().to_vec()).unwrap();
    assert_eq!((text(2), text(3)), ("tms-15".to_owned(), format!("{full} on=eth0")));
    let comment = |out: &Rewritten| options(out, 0)[1].1.clone();
    assert_eq!(comment(&out), format!("{head} direction=egress").into_bytes());
    let out = strip("--comment full", session(with_mac()), &capture);
    assert_eq!(comment(&out), format!("{full} direction=egress").into_bytes());
}

#[test]
fn a_session_that_no_document_knows_is_called_by_its_key() {
    let known = KnownSession { vni: Vni::new(308_309), ..session(with_mac()) };
    let out = strip("", known, &[mirrored(&sent(4))]);
    let comment = "vpcmirror: vni=308308 source=10.0.1.15 direction=egress";
    assert_eq!(options(&out, 0)[1].1, comment.as_bytes());
}

/// From the packets alone none of these could be told.
#[test]
fn the_mac_of_the_documents_tells_from_the_first_packet_on() {
    let packets = [arp(BROADCAST, ENI_MAC), arp(ENI_MAC, ROUTER_MAC), arp(BROADCAST, ROUTER_MAC)];
    let out = strip("", session(with_mac()), &packets);
    assert_eq!(directions(&out), told(&["egress", "ingress", "?"]));
    assert_eq!(notes(&out), []);
    assert_eq!(directions(&strip("", session(at(ENI)), &packets)), told(&["?"; 3]));
}

#[test]
fn another_address_or_a_prefix_of_the_eni_tells() {
    let to = |address: [u8; 4]| {
        mirrored(&ethernet(ENI_MAC, ROUTER_MAC, &ip([203, 0, 113, 9], address, Udp::new(1, 2, []))))
    };
    let packets = [to([10, 0, 1, 77]), to([10, 0, 1, 130]), to([10, 0, 1, 150])];
    let eni = Eni {
        addresses: vec![ENI.into(), [10, 0, 1, 77].into()],
        prefixes: vec!["10.0.1.128/28".parse().unwrap()],
        ..Eni::default()
    };
    assert_eq!(directions(&strip("", session(eni), &packets)), told(&["ingress", "ingress", "?"]));
}

/// What the documents leave open is still learnt from the packets, those too that the documents
/// could tell.
#[test]
fn where_the_documents_are_silent_the_packets_are_asked() {
    let packets = [mirrored(&sent(4)), mirrored(&received(4)), arp(BROADCAST, ENI_MAC)];
    let out = strip("", session(at(ENI)), &packets);
    assert_eq!(directions(&out), told(&["egress", "ingress", "egress"]));
}

#[test]
fn a_packet_that_contradicts_the_documents_has_no_direction() {
    // The MAC says that it was received, the addresses that it was sent.
    let forged = ethernet(ENI_MAC, ROUTER_MAC, &ip(ENI, [203, 0, 113, 9], Udp::new(1, 2, [])));
    let out = strip("", session(with_mac()), &[mirrored(&forged)]);
    assert_eq!(directions(&out), told(&["?"]));
    assert_eq!(notes(&out), [("direction-conflict", 1)]);
}

/// Behind a longer frame only a length that someone names is a cut.
#[test]
fn the_packet_length_of_the_documents_is_a_cut() {
    let cut = |len: usize| mirrored(&sent(1000)[..len]);
    let packets = [mirrored(&sent(200)), cut(128), cut(64)];
    let lengths = |options: &str, packet_length| {
        let known = KnownSession { packet_length, ..session(with_mac()) };
        let packets = strip(options, known, &packets).packets();
        packets.iter().map(|block| packet(block).2).collect::<Vec<_>>()
    };
    assert_eq!(lengths("", None), [242, 128, 64]);
    assert_eq!(lengths("", Some(128)), [242, 1042, 64]);
    assert_eq!(lengths("--packet-length 64", None), [242, 128, 1042]);
    assert_eq!(lengths("--packet-length 64", Some(128)), [242, 1042, 1042]);
}

#[test]
fn only_known_leaves_the_others_wrapped() {
    let other = Mirror::new([10, 0, 1, 16], TARGET, 308_308).frame(&sent(4));
    let packets = [mirrored(&sent(4)), other.clone()];
    let options = "--config - --only-known";
    let out = strip(options, session(with_mac()), &packets);
    assert_eq!(reasons(&out), [("unknown-session", 1)]);
    assert_eq!(out.counts.totals(), [1, 1, 0]);
    assert_eq!(packet(&out.packets()[1]).3, other);
    let out = strip(&format!("{options} --only-mirrored"), session(with_mac()), &packets);
    assert_eq!(out.counts.totals(), [1, 0, 1]);
}

/// Two documents that could be meant are no answer.
#[test]
fn a_session_that_could_be_one_of_two_is_not_known() {
    let mut capture = capture();
    capture.packet(Packet::new(0, 1, mirrored(&sent(4))));
    let second = KnownSession { id: Some("tms-16".to_owned()), ..session(with_mac()) };
    let picture = Picture::new(vec![session(with_mac()), second]);
    let out = strip_with("", Some(&picture), &capture.bytes());
    assert_eq!(
        options(&out, 0)[1].1,
        b"vpcmirror: vni=308308 source=10.0.1.15 direction=egress".to_vec()
    );
    let out = strip_with("--config - --only-known", Some(&picture), &capture.bytes());
    assert_eq!(reasons(&out), [("unknown-session", 1)]);
}

/// Else someone who sends to the target could keep a known session wrapped.
#[test]
fn unknown_sessions_take_no_place_from_known_ones() {
    let mut packets: Vec<_> = (0..65_537u32)
        .map(|n| {
            let [_, a, b, c] = n.to_be_bytes();
            Mirror::new([198, a + 18, b, c], TARGET, 7).frame(&sent(0))
        })
        .collect();
    packets.push(mirrored(&sent(4)));
    let out = strip("--config - --only-known", session(with_mac()), &packets);
    assert_eq!(reasons(&out), [("unknown-session", 65_537)]);
    assert_eq!(out.counts.totals(), [1, 65_537, 0]);
}
