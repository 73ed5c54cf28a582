//! The rules of the rewriting, one at a time: what becomes of a packet.

use mirror_testkit::{
    Capture, Fraction, Interface, Opt, Order, Packet, Pcap, Section,
    decode::pcap,
    packet::{Datagram, Mirror, Tcp, Udp, ethernet, ip},
};

use super::support::{Rewritten, comments, packet, strip};

/// The source ENI of these tests: its address, its MAC, and that of its router.
pub(super) const ENI: [u8; 4] = [10, 0, 1, 15];
pub(super) const ENI_MAC: [u8; 6] = [2, 0x15, 0x0A, 0, 1, 0x0F];
pub(super) const ROUTER_MAC: [u8; 6] = [2, 1, 0x0A, 0, 1, 1];
pub(super) const TARGET: [u8; 4] = [10, 0, 2, 99];
const PEER: [u8; 4] = [203, 0, 113, 9];

/// A frame that the ENI sent.
pub(super) fn sent(payload: usize) -> Vec<u8> {
    let udp = Udp::new(51_000, 443, vec![0xAB; payload]);
    ethernet(ROUTER_MAC, ENI_MAC, &ip(ENI, PEER, udp))
}

/// A frame that the ENI received.
pub(super) fn received(payload: usize) -> Vec<u8> {
    let udp = Udp::new(443, 51_000, vec![0xCD; payload]);
    ethernet(ENI_MAC, ROUTER_MAC, &ip(PEER, ENI, udp))
}

/// What the mirror sends of a frame.
pub(super) fn mirrored(frame: &[u8]) -> Vec<u8> {
    Mirror::new(ENI, TARGET, 308_308).frame(frame)
}

/// The target's own traffic.
pub(super) fn other() -> Vec<u8> {
    ethernet(ROUTER_MAC, ENI_MAC, &ip(TARGET, PEER, Tcp::new(22, 50_000, Tcp::ACK)))
}

/// A capture of one interface, eth0.
pub(super) fn capture() -> Capture {
    let mut capture = Capture::new(Order::Little);
    capture.interface(Interface::new(1).option(Opt::if_name("eth0")));
    capture
}

/// The one option of each code that `out` has for its packet `n`.
#[track_caller]
pub(super) fn options(out: &Rewritten, n: usize) -> Vec<(u16, Vec<u8>)> {
    out.packets()[n].options.list.clone()
}

pub(super) fn reasons(out: &Rewritten) -> Vec<(&'static str, u64)> {
    out.counts.reasons().into_iter().collect()
}

pub(super) fn notes(out: &Rewritten) -> Vec<(&'static str, u64)> {
    out.counts.notes().into_iter().collect()
}

pub(super) const EGRESS: &str = "vpcmirror: vni=308308 source=10.0.1.15 direction=egress";
const INGRESS: &str = "vpcmirror: vni=308308 source=10.0.1.15 direction=ingress";

#[test]
fn direction_is_in_the_flags_and_in_the_comment() {
    let mut capture = capture();
    capture.packet(Packet::new(0, 1, mirrored(&sent(4)))).packet(Packet::new(
        0,
        2,
        mirrored(&received(4)),
    ));
    let out = strip("", &capture.bytes());
    assert_eq!(options(&out, 0), [(2, vec![2, 0, 0, 0]), (1, EGRESS.into())]);
    assert_eq!(options(&out, 1), [(2, vec![1, 0, 0, 0]), (1, INGRESS.into())]);
}

#[test]
fn without_a_direction_there_are_no_flags() {
    let mut capture = capture();
    let arp = ethernet(ROUTER_MAC, ENI_MAC, &Datagram::new(0x0806, [0; 28]));
    capture.packet(Packet::new(0, 1, mirrored(&arp)).option(Opt::flags(1)));
    let out = strip("", &capture.bytes());
    assert_eq!(options(&out, 0), [(1, b"vpcmirror: vni=308308 source=10.0.1.15".to_vec())]);
    // Nothing is left to say, so there is no option list at all.
    let out = strip("--comment none", &capture.bytes());
    assert!(options(&out, 0).is_empty());
    assert!(!out.packets()[0].options.ended);
}

/// The flags described the wrapper's frame; the direction takes their place, in the
/// byte order of the section.
#[test]
fn flags_are_replaced_where_they_stand_and_said_once() {
    let mut capture = Capture::new(Order::Big);
    capture.interface(Interface::new(1)).packet(
        Packet::new(0, 1, mirrored(&sent(4)))
            .option(Opt::comment("one"))
            .option(Opt::flags(0x8000_0201))
            .option(Opt::dropcount(3))
            .option(Opt::flags(1)),
    );
    let out = strip("", &capture.bytes());
    let want = [
        (1, b"one".to_vec()),
        (2, vec![0, 0, 0, 2]),
        (4, 3u64.to_be_bytes().to_vec()),
        (1, EGRESS.into()),
    ];
    assert_eq!(options(&out, 0), want);
}

#[test]
fn a_hash_of_the_wrapped_packet_goes() {
    let mut capture = capture();
    let hashed = |time| {
        Packet::new(0, time, if time == 1 { mirrored(&sent(4)) } else { other() })
            .option(Opt::hash(2, &[0xDE, 0xAD, 0xBE, 0xEF]))
    };
    capture.packet(hashed(1)).packet(hashed(2));
    let out = strip("--comment none", &capture.bytes());
    assert_eq!(options(&out, 0), [(2, vec![2, 0, 0, 0])]);
    // Of a packet that stays it is still true.
    assert_eq!(options(&out, 1), [(3, vec![2, 0xDE, 0xAD, 0xBE, 0xEF])]);
}

#[test]
fn options_not_to_be_copied_stay_with_packets_that_are_not_rewritten() {
    let mut capture = capture();
    for data in [mirrored(&sent(4)), other()] {
        let packet = Packet::new(0, 1, data)
            .option(Opt::custom(19_372, 32_473, b"text"))
            .option(Opt::custom(19_373, 32_473, &[1]))
            .option(Opt::custom(2988, 32_473, b"may be copied"));
        capture.packet(packet);
    }
    let codes = |out: &Rewritten, n| -> Vec<u16> {
        options(out, n).iter().map(|(code, _)| *code).collect()
    };
    let out = strip("", &capture.bytes());
    assert_eq!(codes(&out, 0), [2988, 2, 1]);
    assert_eq!(codes(&out, 1), [19_372, 19_373, 2988]);
    assert_eq!(notes(&out), [("no-copy-options", 2)]);
    let out = strip("--keep-nocopy", &capture.bytes());
    assert_eq!(codes(&out, 0), [19_372, 19_373, 2988, 2, 1]);
    assert!(notes(&out).is_empty());
}

/// What stands behind a fault cannot be found, so nothing is written behind it: the
/// list stays as it is, byte for byte.
#[test]
fn a_broken_option_list_is_copied_without_an_annotation() {
    let mut capture = capture();
    let good = [1, 0, 4, 0, b'g', b'o', b'o', b'd'];
    //         hash  length  ...  comment of 200 bytes, of which 4 are there
    let bad = [3, 0, 1, 0, 9, 0, 0, 0, 1, 0, 200, 0, 0xAA, 0xAA, 0xAA, 0xAA];
    let frame = sent(2); // 44 bytes, so that data ends without padding
    let data = mirrored(&frame);
    assert!(data.len() % 4 == 2);
    let length = u32::try_from(data.len()).unwrap();
    let mut body = [0, 0, 1, length, length].map(|word| Order::Little.u32(word)).concat();
    body.extend(data);
    body.extend([0; 2]);
    body.extend(good);
    body.extend(bad);
    capture.block(6, &body);
    let out = strip("", &capture.bytes());
    assert_eq!(out.counts.totals(), [1, 0, 0]);
    assert_eq!(notes(&out), [("bad-options", 1)]);
    let block = &out.packets()[0];
    assert_eq!(packet(block).3, frame);
    let list = &block.body[20 + frame.len().next_multiple_of(4)..];
    assert_eq!(list, [&good[..], &bad].concat());
    // The interface still says what the packet is, so it is not stripped again.
    let again = strip("", &out.bytes);
    assert_eq!(again.counts.totals(), [0, 1, 0]);
    assert!(again.bytes == out.bytes);
}

#[test]
fn a_list_without_its_end_gets_one_when_it_is_rewritten() {
    let mut capture = capture();
    capture
        .packet(Packet::new(0, 1, mirrored(&sent(4))).option(Opt::comment("x")).without_end())
        .packet(Packet::new(0, 2, other()).option(Opt::comment("x")).without_end());
    let ended: Vec<bool> =
        strip("", &capture.bytes()).packets().iter().map(|block| block.options.ended).collect();
    assert_eq!(ended, [true, false]);
}

/// The last valid one counts, and a line that only looks like one does not.
#[test]
fn an_annotation_keeps_a_packet_from_being_stripped_again() {
    let mut capture = capture();
    let lines = [
        ("vpcmirror: vni=1 source=10.0.0.1", true),
        ("vpcmirror: vni=1 source=10.0.0.1 unknown=key", true),
        ("vpcmirror: vni=1 source=10.0.0.1\0", true),
        ("vpcmirror: vni=1 vni=1 source=10.0.0.1", false),
        ("vpcmirror: vni=1", false),
        (" vpcmirror: vni=1 source=10.0.0.1", false),
    ];
    for (line, _) in lines {
        let packet = Packet::new(0, 1, mirrored(&sent(4))).option(Opt::comment(line));
        capture.packet(packet.option(Opt::comment("something else")));
    }
    for options in ["", "--only-mirrored"] {
        let out = strip(options, &capture.bytes());
        assert_eq!(reasons(&out), [("already-stripped", 3)]);
        assert_eq!(out.counts.totals(), [3, 3, 0]);
        let lengths: Vec<usize> = out.packets().iter().map(|block| packet(block).3.len()).collect();
        let (whole, inner) = (mirrored(&sent(4)).len(), sent(4).len());
        let want = lines.map(|(_, annotated)| if annotated { whole } else { inner });
        assert_eq!(lengths, want, "{options}");
    }
}

#[test]
fn an_annotated_interface_keeps_all_its_packets_in_whatever_form() {
    let mut capture = Capture::new(Order::Little);
    let description = Opt::if_description("vpcmirror: vni=1 source=10.0.0.1 on=eth0");
    let data = mirrored(&sent(4));
    let length = u32::try_from(data.len()).unwrap();
    capture
        .interface(Interface::new(1).option(description))
        .packet(Packet::new(0, 1, &data))
        .packet_block(0, Packet::new(0, 2, &data))
        .simple_packet(&data, length);
    let out = strip("", &capture.bytes());
    assert_eq!(reasons(&out), [("already-stripped", 3)]);
    assert!(out.bytes == capture.bytes());
}

/// The snaplen says how long a Simple Packet Block is, and there it becomes another:
/// 64 of 108 bytes would be read as 108.
#[test]
fn a_simple_packet_cannot_stay_where_the_snaplen_changes() {
    let mut capture = Capture::new(Order::Little);
    let description = Opt::if_description("vpcmirror: vni=1 source=10.0.0.1");
    capture
        .interface(Interface::new(1).snaplen(64).option(description))
        .simple_packet(&[7; 64], 108)
        .packet(Packet::new(0, 1, [7; 60]));
    let out = strip("--only-mirrored", &capture.bytes());
    assert_eq!(reasons(&out), [("already-stripped", 1), ("simple-packet", 1)]);
    assert_eq!(out.counts.totals(), [0, 1, 1]);
}

/// A reader takes the header at its word, and what exceeds it for damage.
#[test]
fn pcap_holds_no_packet_beyond_its_snaplen() {
    let mut capture = Capture::new(Order::Little);
    capture.interface(Interface::new(1).snaplen(0));
    for length in [262_144, 262_145] {
        capture.packet(Packet::new(0, 1, vec![0; length]));
    }
    let out = strip("--format pcap", &capture.bytes());
    assert_eq!(reasons(&out), [("not-mirrored", 1), ("too-long", 1)]);
    let file = pcap(&out.bytes).unwrap();
    assert_eq!(file.records.len(), 1);
    assert!(file.stop.is_none());
}

#[test]
fn pcap_holds_no_check_sequence_as_its_header_says() {
    let mut capture = Capture::new(Order::Little);
    capture.interface(Interface::new(1).option(Opt::fcslen(4)));
    capture.packet(Packet::new(0, 1, vec![7; 78]));
    // Cut within it, and before it.
    capture.packet(Packet::new(0, 2, vec![7; 76]).original(78));
    capture.packet(Packet::new(0, 3, vec![7; 60]).original(78));
    let out = strip("--format pcap", &capture.bytes());
    let records = pcap(&out.bytes).unwrap().records;
    let lengths: Vec<_> =
        records.iter().map(|record| (record.data.len(), record.original)).collect();
    assert_eq!(lengths, [(74, 74), (74, 74), (60, 74)]);
}

/// What an interface claims that no check sequence has is not taken off.
#[test]
fn pcap_loses_no_bytes_to_a_check_sequence_that_cannot_be() {
    for claimed in [5, 7, 40, 255] {
        let mut capture = Capture::new(Order::Little);
        capture.interface(Interface::new(1).option(Opt::fcslen(claimed)));
        capture.packet(Packet::new(0, 1, vec![7; 78]));
        capture.packet(Packet::new(0, 2, vec![7; 78]).option(Opt::flags(15 << 5)));
        let out = strip("--format pcap", &capture.bytes());
        let records = pcap(&out.bytes).unwrap().records;
        let lengths: Vec<_> =
            records.iter().map(|record| (record.data.len(), record.original)).collect();
        assert_eq!(lengths, [(78, 78), (78, 78)], "{claimed}");
    }
}

#[test]
fn a_name_of_nothing_but_nuls_is_no_name() {
    let mut capture = Capture::new(Order::Little);
    capture.interface(Interface::new(1).option(Opt::if_name("\0\0\0\0"))).packet(Packet::new(
        0,
        1,
        mirrored(&sent(4)),
    ));
    let out = strip("", &capture.bytes());
    let text = String::from_utf8_lossy(&out.bytes).into_owned();
    assert!(text.contains("vpcmirror: vni=") && !text.contains(" on="));
}

/// Addresses say that the ENI sent it, the MACs that it received it.
#[test]
fn a_direction_that_contradicts_itself_is_unknown_and_noted() {
    let mut capture = capture();
    let udp = Udp::new(51_000, 443, [0; 4]);
    let forged = ethernet(ENI_MAC, ROUTER_MAC, &ip(ENI, PEER, udp));
    capture
        .packet(Packet::new(0, 1, mirrored(&sent(4))))
        .packet(Packet::new(0, 2, mirrored(&received(4))))
        .packet(Packet::new(0, 3, mirrored(&forged)))
        .packet(Packet::new(0, 4, mirrored(&sent(4))));
    let out = strip("", &capture.bytes());
    let said: Vec<_> = out.packets().iter().flat_map(comments).collect();
    assert_eq!(said, [EGRESS, INGRESS, "vpcmirror: vni=308308 source=10.0.1.15", EGRESS]);
    assert_eq!(notes(&out), [("direction-conflict", 1)]);
}

#[test]
fn reserved_bits_are_tolerated_and_noted() {
    let mut capture = capture();
    let plain = mirrored(&sent(4));
    for (at, bits) in [(42, 0x88), (43, 1), (45, 1), (49, 1)] {
        let mut data = plain.clone();
        data[at] = bits;
        capture.packet(Packet::new(0, 1, data));
    }
    let out = strip("", &capture.bytes());
    assert_eq!(out.counts.totals(), [4, 0, 0]);
    assert_eq!(notes(&out), [("reserved-bits", 4)]);
}

#[test]
fn a_vni_that_was_not_asked_for_stays_wrapped() {
    let mut capture = capture();
    for vni in [1, 2, 3] {
        let data = Mirror::new(ENI, TARGET, vni).frame(&sent(4));
        capture.packet(Packet::new(0, 1, data));
    }
    let out = strip("--vni 1 --vni 3", &capture.bytes());
    assert_eq!(out.counts.totals(), [2, 1, 0]);
    assert_eq!(reasons(&out), [("other-vni", 1)]);
}

#[test]
fn ports_replace_the_usual_one() {
    let mut capture = capture();
    for port in [4789, 8472, 9999] {
        let mirror = Mirror { port, ..Mirror::new(ENI, TARGET, 1) };
        capture.packet(Packet::new(0, 1, mirror.frame(&sent(4))));
    }
    assert_eq!(strip("", &capture.bytes()).counts.totals(), [1, 2, 0]);
    assert_eq!(strip("--port 8472", &capture.bytes()).counts.totals(), [1, 2, 0]);
    assert_eq!(strip("--port 8472 --port 9999", &capture.bytes()).counts.totals(), [2, 1, 0]);
}

/// Blocks of a section of a future version are copied, and its interfaces are not ours.
#[test]
fn a_section_of_an_unknown_version_is_copied_as_it_is() {
    let mut capture = capture();
    capture.section(Section::new(Order::Big).version(2, 0).known_length());
    capture
        .interface(Interface::new(1))
        .packet(Packet::new(0, 1, mirrored(&sent(4))))
        .custom(32_473, false, &[1; 4]);
    let input = capture.bytes();
    let out = strip("", &input);
    assert_eq!(out.counts.totals(), [0; 3]);
    assert!(out.bytes == input);
}

#[test]
fn pcap_holds_ethernet_in_the_units_of_the_first_interface() {
    let mut capture = Capture::new(Order::Big);
    capture
        .interface(Interface::new(1).option(Opt::tsresol(9)))
        .interface(Interface::new(101))
        .packet(Packet::new(1, 1_500_000_000_123_456, &mirrored(&sent(4))[14..]))
        .packet(Packet::new(0, 1_500_000_000_123_456_789, mirrored(&sent(4))).original(2000))
        .packet(Packet::new(1, 1, [0x45; 4]))
        .packet(Packet::new(0, u64::MAX, other()))
        .packet(Packet::new(1, u64::MAX, other()))
        .simple_packet(&other(), 54)
        .secrets(1, b"secret")
        .packet(Packet::new(0, 7, other()).original(99));
    let out = strip("--format pcap", &capture.bytes());
    let file = pcap(&out.bytes).unwrap();
    assert_eq!((file.order, file.fraction, file.link), (Order::Little, Fraction::Nano, 1));
    assert_eq!(file.stop, None);
    let records: Vec<_> = file.records.iter().map(|r| (r.time, r.original, r.data.len())).collect();
    let (inner, whole) = (sent(4).len(), other().len());
    assert_eq!(
        records,
        [
            ((1_500_000_000, 123_456_000), 46, inner),
            ((1_500_000_000, 123_456_789), 46, inner),
            ((0, 7), 99, whole),
        ]
    );
    assert_eq!(out.counts.totals(), [2, 1, 4]);
    assert_eq!(
        reasons(&out),
        [("link-type", 2), ("no-timestamp", 1), ("not-mirrored", 1), ("time-range", 1)]
    );
    assert_eq!(notes(&out), [("blocks-not-in-pcap", 1)]);
}

/// It was a file of no bytes, which no tool takes for a capture.
#[test]
fn a_capture_without_interfaces_becomes_a_pcap_file_without_packets() {
    let out = strip("--format pcap", &Capture::new(Order::Little).bytes());
    let file = pcap(&out.bytes).unwrap();
    assert_eq!((file.fraction, file.records.len(), file.stop), (Fraction::Micro, 0, None));
}

#[test]
fn a_classic_capture_becomes_blocks_with_the_same_moments() {
    for (order, fraction, units) in
        [(Order::Little, Fraction::Nano, 1_000_000_000), (Order::Big, Fraction::Micro, 1_000_000)]
    {
        let mut file = Pcap::new(order, fraction, 1);
        file.record(u32::MAX, 999_999, &mirrored(&sent(4)), 96).record(1, 2, &other(), 54);
        let out = strip("", &file.bytes());
        let packets = out.packets();
        let seen: Vec<_> = packets.iter().map(packet).map(|(id, time, ..)| (id, time)).collect();
        let first = u64::from(u32::MAX) * units + 999_999;
        assert_eq!(seen, [(1, first), (0, units + 2)]);
        assert!(out.blocks().iter().all(|block| block.order == order));
    }
}
