//! Mirror traffic behind a Gateway Load Balancer: one GENEVE around it, and only that.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests may fail loudly; that is their job"
)]

use mirror_wire::{
    Captured, Endpoint, GENEVE_PORT, LinkType, Mirrored, NotMirrored, VXLAN_PORT, Vni, Wrapper,
    decapsulate,
};

/// Offsets of the outer headers, with 32 bytes of options, and of those inside.
const OUTER_TOTAL_LEN: usize = 16;
const OUTER_FRAGMENT: usize = 20;
const OUTER_UDP_LEN: usize = 38;
const GENEVE: usize = 42;
const INSIDE: usize = 82;
const TOTAL_LEN: usize = INSIDE + 2;
const FRAGMENT: usize = INSIDE + 6;
const PROTOCOL: usize = INSIDE + 9;
const PORT: usize = INSIDE + 22;
const UDP_LEN: usize = INSIDE + 24;
const VXLAN: usize = INSIDE + 28;

const FRAME: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

fn packet() -> Vec<u8> {
    let vni = Vni::new(308_308).unwrap();
    let wrapper = Wrapper::new([10, 0, 1, 15].into(), [10, 0, 2, 1].into(), vni).unwrap();
    let headers = wrapper.with_geneve(Some(Endpoint::new(7))).headers(&FRAME, 8).unwrap();
    [&headers[..], &FRAME].concat()
}

fn with(changes: &[(usize, &[u8])]) -> Vec<u8> {
    let mut packet = packet();
    for (offset, bytes) in changes {
        packet[*offset..offset + bytes.len()].copy_from_slice(bytes);
    }
    packet
}

fn try_on(bytes: &[u8]) -> Result<Mirrored<'_>, NotMirrored> {
    let original_len = u32::try_from(bytes.len()).unwrap();
    let packet = Captured { link: LinkType::Ethernet, bytes, original_len, fcs_len: 0 };
    decapsulate(&packet, &[VXLAN_PORT])
}

fn frame(bytes: &[u8]) -> Result<(&[u8], u32), NotMirrored> {
    try_on(bytes).map(|found| (found.inner, found.inner_len))
}

#[test]
fn the_session_is_that_of_the_packet_inside() {
    let packet = packet();
    let found = try_on(&packet).unwrap();
    assert_eq!((found.source, found.destination), ([10, 0, 1, 15].into(), [10, 0, 2, 1].into()));
    assert_eq!((found.geneve, found.endpoint), (true, Some(Endpoint::new(7))));
    assert_eq!((found.vni.get(), found.vxlan_offset), (308_308, VXLAN));
    assert_eq!((found.inner, found.inner_len), (&FRAME[..], 8));
}

/// The UDP datagram outside ends what is inside, whatever the lengths in there say.
#[test]
fn nothing_inside_is_longer_than_the_datagram_outside() {
    let long = [0x10, 0x00];
    let of_ip = with(&[(TOTAL_LEN, &long)]);
    assert_eq!(frame(&of_ip), Ok((&FRAME[..], 8)), "the UDP length inside is left");
    let of_both = with(&[(TOTAL_LEN, &long), (UDP_LEN, &long)]);
    assert_eq!(frame(&of_both), Ok((&FRAME[..], 8)));
    let neither = with(&[(TOTAL_LEN, &[0, 0]), (UDP_LEN, &[0, 0])]);
    assert_eq!(frame(&neither), Ok((&FRAME[..], 8)));

    // Also when something follows that the outer datagram doesn't hold.
    let padded = [&of_both[..], &[0xee; 30]].concat();
    assert_eq!(frame(&padded), Ok((&FRAME[..], 8)));
    let mut shorter = padded;
    shorter[OUTER_UDP_LEN..OUTER_UDP_LEN + 2].copy_from_slice(&[0, 8 + 40 + 36 + 5]);
    assert_eq!(frame(&shorter), Ok((&FRAME[..5], 5)));
}

#[test]
fn nothing_inside_over_ipv6_is_longer_either() {
    let vni = Vni::new(1).unwrap();
    let wrapper = Wrapper::new([0x20; 16].into(), [0x21; 16].into(), vni).unwrap();
    let headers = wrapper.with_geneve(None).headers(&FRAME, 8).unwrap();
    let mut bytes = [&headers[..], &FRAME, &[0xee; 30]].concat();
    let inside = headers.len() - 56;
    bytes[inside + 4..inside + 6].copy_from_slice(&[0x10, 0x00]);
    bytes[inside + 44..inside + 46].copy_from_slice(&[0x10, 0x00]);
    assert_eq!(frame(&bytes), Ok((&FRAME[..], 8)));
}

#[test]
fn a_bridged_frame_inside_may_have_tags() {
    let packet = packet();
    for tags in 0..=4_usize {
        let mut ethernet = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
        ethernet.extend([0x81, 0, 0, 7].repeat(tags));
        ethernet.extend([0x08, 0x00]);
        let mut bytes = [&packet[..INSIDE], &ethernet, &packet[INSIDE..]].concat();
        bytes[GENEVE + 2..GENEVE + 4].copy_from_slice(&[0x65, 0x58]);
        for (field, before) in [(OUTER_TOTAL_LEN, 112_usize), (OUTER_UDP_LEN, 92)] {
            let len = u16::try_from(before + ethernet.len()).unwrap();
            bytes[field..field + 2].copy_from_slice(&len.to_be_bytes());
        }
        let want = if tags < 4 { Ok((&FRAME[..], 8)) } else { Err(NotMirrored::Other) };
        assert_eq!(frame(&bytes), want, "{tags} tags");
    }
}

#[test]
fn anything_else_inside_is_something_else() {
    for (what, change) in [
        ("DNS", (PORT, &[0, 53][..])),
        ("TCP", (PROTOCOL, &[6])),
        ("another GENEVE", (PORT, &GENEVE_PORT.to_be_bytes())),
        ("ARP", (GENEVE + 2, &[0x08, 0x06])),
        ("IPv6 that isn't", (GENEVE + 2, &[0x86, 0xdd])),
        ("a control packet", (GENEVE + 1, &[0x80])),
        ("version 1", (GENEVE, &[0x48])),
    ] {
        assert_eq!(try_on(&with(&[change])), Err(NotMirrored::Other), "{what}");
    }
}

#[test]
fn what_would_be_ours_has_its_reason_from_inside_too() {
    for (change, reason) in [
        ((FRAGMENT, &[0x20, 0][..]), NotMirrored::Fragment),
        ((FRAGMENT, &[0x00, 9]), NotMirrored::Fragment),
        ((OUTER_FRAGMENT, &[0x20, 0]), NotMirrored::Fragment),
        ((UDP_LEN, &[0, 15]), NotMirrored::BadLength),
        ((TOTAL_LEN, &[0, 35]), NotMirrored::BadLength),
        ((OUTER_UDP_LEN, &[0, 15]), NotMirrored::BadLength),
        ((OUTER_UDP_LEN, &[0, 8 + 40 + 35]), NotMirrored::BadLength),
        ((OUTER_UDP_LEN, &[0, 8 + 40 + 36]), NotMirrored::Empty),
        ((UDP_LEN, &[0, 16]), NotMirrored::Empty),
        ((VXLAN, &[0]), NotMirrored::NoVni { flags: 0 }),
        ((VXLAN, &[0x0c, 0, 0, 4]), NotMirrored::Gpe { next_protocol: 4 }),
    ] {
        assert_eq!(try_on(&with(&[change])), Err(reason), "{change:?}");
    }
    // A fragment of something else.
    let dns = with(&[(FRAGMENT, &[0x20, 0]), (PORT, &[0, 53])]);
    assert_eq!(try_on(&dns), Err(NotMirrored::Other));
}

#[test]
fn every_shorter_capture_is_cut_in_its_headers_or_in_its_frame() {
    let packet = packet();
    for len in 0..packet.len() {
        let cut = Captured {
            link: LinkType::Ethernet,
            bytes: &packet[..len],
            original_len: u32::try_from(packet.len()).unwrap(),
            fcs_len: 0,
        };
        let found = decapsulate(&cut, &[VXLAN_PORT]).map(|found| (found.inner, found.inner_len));
        let want = match len.checked_sub(VXLAN + 8) {
            Some(frame) => Ok((&FRAME[..frame], 8)),
            None => Err(NotMirrored::HeadersCut),
        };
        assert_eq!(found, want, "{len} bytes");
    }
}
