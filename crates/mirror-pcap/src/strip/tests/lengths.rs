//! How long a frame was, and what of it is there: snaplen, PacketLength, padding.

use mirror_testkit::{
    Capture, Interface, Opt, Order, Packet,
    packet::{Ipv4, Udp, Vxlan, ethernet},
};

use super::{
    rules::{ENI, ENI_MAC, ROUTER_MAC, capture, mirrored, received, sent},
    support::{comments, packet, strip},
};

/// Captured and original length of each packet, and how long it was before the cut.
#[track_caller]
fn lengths(options: &str, capture: &Capture) -> Vec<(usize, u32, Option<String>)> {
    let packets = strip(options, &capture.bytes()).packets();
    packets
        .iter()
        .map(|block| {
            let (_, _, original, data) = packet(block);
            let comment = comments(block).pop().unwrap();
            let cut = comment.split_once(" cut_from=").map(|(_, length)| length.to_owned());
            (data.len(), original, cut)
        })
        .collect()
}

fn cut(length: u32) -> Option<String> {
    Some(length.to_string())
}

/// The first bytes of a frame, as a session with this PacketLength sends it.
fn first(frame: &[u8], length: usize) -> Vec<u8> {
    mirrored(&frame[..length])
}

#[test]
fn a_frame_that_promises_more_than_arrived_was_cut() {
    let mut capture = capture();
    capture
        .packet(Packet::new(0, 1, first(&sent(1000), 128)))
        .packet(Packet::new(0, 2, mirrored(&sent(86)))) // 128 bytes, whole
        .packet(Packet::new(0, 3, mirrored(&sent(4))))
        .packet(Packet::new(0, 4, first(&received(500), 128)));
    let want = [(128, 1042, cut(1042)), (128, 128, None), (46, 46, None), (128, 542, cut(542))];
    assert_eq!(lengths("", &capture), want);
}

#[test]
fn a_shorter_frame_than_one_before_was_not_cut_unless_someone_says_so() {
    let mut capture = capture();
    capture.packet(Packet::new(0, 1, mirrored(&sent(200)))).packet(Packet::new(
        0,
        2,
        first(&sent(1000), 128),
    ));
    let whole = (242, 242, None);
    assert_eq!(lengths("", &capture), [whole.clone(), (128, 128, None)]);
    let out = strip("", &capture.bytes());
    assert_eq!(out.counts.notes().get("ip-length-exceeds-frame"), Some(&1));

    let named = "--packet-length 128 --packet-length 64";
    assert_eq!(lengths(named, &capture), [whole.clone(), (128, 1042, cut(1042))]);
    assert_eq!(lengths("--packet-length 127", &capture), [whole, (128, 128, None)]);
}

/// What the capture lost and what the mirror cut are two things: the first leaves a
/// trace in the original length only.
#[test]
fn a_capture_that_was_cut_keeps_the_length_of_the_frame() {
    let mut capture = capture();
    capture
        .packet(Packet::new(0, 1, mirrored(&sent(1000))).cut(150))
        .packet(Packet::new(0, 2, first(&sent(1400), 1200)).cut(150))
        .packet(Packet::new(0, 3, mirrored(&sent(1000))).cut(50));
    let want = [(100, 1042, None), (100, 1442, cut(1442)), (0, 1042, None)];
    assert_eq!(lengths("", &capture), want);
}

/// Some writers put the captured length for the original one.
#[test]
fn the_headers_tell_the_length_even_where_the_original_one_was_lost() {
    let mut capture = capture();
    capture.packet(Packet::new(0, 1, mirrored(&sent(1000))).cut(150).original(150));
    assert_eq!(lengths("", &capture), [(100, 1042, None)]);
}

#[test]
fn padding_behind_the_datagram_is_not_the_frame() {
    let mut capture = capture();
    let padded = [&mirrored(&sent(4))[..], &[0xEE; 9]].concat();
    capture.packet(Packet::new(0, 1, padded));
    assert_eq!(lengths("", &capture), [(46, 46, None)]);
}

#[test]
fn padding_inside_the_wrapper_is_a_part_of_the_frame() {
    let mut capture = capture();
    let padded = mirror_testkit::packet::padded(sent(4), 60);
    capture.packet(Packet::new(0, 1, mirrored(&padded)));
    assert_eq!(lengths("", &capture), [(60, 60, None)]);
}

/// A length of 0 is what segmentation offload leaves behind; it promises nothing.
#[test]
fn a_length_that_says_nothing_promises_nothing() {
    let mut capture = capture();
    for total in [0, 19] {
        let ip = Ipv4::new(ENI, [203, 0, 113, 9]).total_length(total);
        let frame = ethernet(ROUTER_MAC, ENI_MAC, &ip.carry(Udp::new(1, 2, [0; 10])));
        capture.packet(Packet::new(0, 1, mirrored(&frame)));
    }
    assert_eq!(lengths("", &capture), [(52, 52, None), (52, 52, None)]);
}

/// The frame check sequence of the wrapper's frame is not the mirrored one's.
#[test]
fn a_check_sequence_goes_with_the_wrapper() {
    let mut capture = capture();
    let data = mirror_testkit::packet::with_fcs(mirrored(&sent(4)));
    capture.packet(Packet::new(0, 1, data).option(Opt::flags(4 << 5)));
    assert_eq!(lengths("", &capture), [(46, 46, None)]);
}

/// Where the wrapper's headers say no length, the end of the packet is the end of the
/// frame, but for the check sequence; a packet's own flags tell of it before its interface.
#[test]
fn a_check_sequence_is_not_the_frame_even_where_no_header_says_so() {
    let mut capture = Capture::new(Order::Little);
    capture.interface(Interface::new(1)).interface(Interface::new(1).option(Opt::fcslen(4)));
    let vxlan = Vxlan::new(308_308).carry(&sent(4));
    let udp = Udp::new(0xFF80, 4789, vxlan).zero_checksum().length(0);
    let ip = Ipv4::new(ENI, [10, 0, 2, 99]).total_length(0).carry(udp);
    let data = ethernet(ENI_MAC, ROUTER_MAC, &ip);
    let with_fcs = mirror_testkit::packet::with_fcs(data.clone());
    capture
        .packet(Packet::new(0, 1, &data))
        .packet(Packet::new(0, 2, &with_fcs).option(Opt::flags(4 << 5)))
        .packet(Packet::new(1, 3, &with_fcs))
        .packet(Packet::new(1, 4, [&data[..], &[0; 2]].concat()).option(Opt::flags(2 << 5)));
    assert_eq!(
        lengths("", &capture),
        [(46, 46, None), (46, 46, None), (46, 46, None), (46, 46, None)]
    );
}

#[test]
fn a_frame_cut_before_its_addresses_is_still_a_frame() {
    let mut capture = capture();
    for length in [1, 13, 14, 33] {
        capture.packet(Packet::new(0, 1, first(&sent(100), length)));
    }
    let out = strip("", &capture.bytes());
    assert_eq!(out.counts.totals(), [4, 0, 0]);
    let lengths = lengths("", &capture);
    assert_eq!(lengths, [1, 13, 14, 33].map(|n| (n, u32::try_from(n).unwrap(), None)));
}
