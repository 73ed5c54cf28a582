//! What all mirrored copies of one packet have in common.
//!
//! Where both ends of a connection are mirrored, each packet is delivered twice, by two sessions.
//! The two frames differ in their MAC addresses, perhaps in VLAN tags and padding, and in how much
//! of them the session has left; and where a session cuts, the checksum of the layer above IP isn't
//! computed. A router between the two takes one from the time to live, or the hop limit, and
//! computes the header's checksum anew. So what is compared is a bounded piece of the IP packet, its
//! header first (and in it the length of the whole), without all those. A piece, for then a copy
//! that was cut is known beside one that wasn't, as long as the cut left the piece.
//!
//! Two packets whose first 80 bytes and length are the same look like one here. In the headers of
//! TCP sequence numbers tell them apart, and in IPv4 the identification mostly does.

use crate::{
    link::{self, LinkType, Version},
    rest::Rest,
};

/// Bytes of an IP packet that are compared: both headers with most of their options. A PacketLength
/// of 94 leaves them.
const COMPARED: usize = 80;

/// Bytes behind the IP header that must be there: ports, and the sequence number or the checksum.
const NEEDED: usize = 8;

/// The compared piece of an IP packet. Equal bytes mean: the same packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Imprint {
    bytes: [u8; COMPARED],
    len: usize,
    hops: u8,
    identification: u16,
}

/// Where things stand in an IP packet.
struct Layout {
    header_len: usize,
    /// Length of the packet, if its header tells it.
    total: Option<usize>,
    /// Protocol number of what follows the header; `None` for a later fragment.
    protocol: Option<u8>,
    /// Offset of the time to live or hop limit.
    hops: usize,
    /// Offset of the header's checksum, if it has one.
    checksum: Option<usize>,
    identification: u16,
}

impl Imprint {
    /// The imprint of the IP packet in an Ethernet frame; `None` if there is none, or too little of
    /// it.
    #[inline]
    pub fn of(frame: &[u8]) -> Option<Imprint> {
        Imprint::of_packet(LinkType::Ethernet, frame)
    }

    /// The same of a packet of this link type.
    #[inline]
    pub fn of_packet(link: LinkType, bytes: &[u8]) -> Option<Imprint> {
        let mut rest = Rest::of_frame(bytes);
        let version = link::network(link, &mut rest).ok()?;
        let packet = rest.bytes;
        let layout = match version {
            Version::V4 => layout_v4(packet)?,
            Version::V6 => layout_v6(packet)?,
        };
        let Layout { header_len, total, protocol, identification, .. } = layout;
        // Behind its end there may be padding.
        let total = total.unwrap_or(usize::MAX);
        let packet = packet.get(..total).unwrap_or(packet);
        if packet.len() < total.min(header_len + NEEDED) {
            return None;
        }
        let len = packet.len().min(COMPARED);
        let mut bytes = [0; COMPARED];
        bytes.get_mut(..len)?.copy_from_slice(packet.get(..len)?);
        let checksum = match protocol {
            Some(1 | 58) => header_len + 2,
            Some(6) => header_len + 16,
            Some(17) => header_len + 6,
            _ => len,
        };
        bytes.iter_mut().skip(checksum).take(2).for_each(|byte| *byte = 0);
        if let Some(checksum) = layout.checksum {
            bytes.get_mut(checksum..checksum + 2)?.fill(0);
        }
        let hops = core::mem::take(bytes.get_mut(layout.hops)?);
        Some(Imprint { bytes, len, hops, identification })
    }

    /// The bytes that are compared.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&self.bytes)
    }

    /// How many routers it may still pass, its time to live or hop limit. Of two copies, the one
    /// that has less was forwarded.
    #[inline]
    pub fn hops(&self) -> u8 {
        self.hops
    }

    /// The identification of IPv4, which is among the bytes; 0 for IPv6. Hosts give 0 to packets
    /// that nobody may divide, so then it doesn't tell a copy from a packet that was sent again.
    #[inline]
    pub fn identification(&self) -> u16 {
        self.identification
    }
}

#[inline]
fn layout_v4(packet: &[u8]) -> Option<Layout> {
    let [first, _, high, low, i0, i1, flags, offset, _, protocol, ..] =
        *packet.first_chunk::<20>()?;
    let header_len = usize::from(first & 0x0f) * 4;
    if first >> 4 != 4 || header_len < 20 {
        return None;
    }
    let total = usize::from(u16::from_be_bytes([high, low]));
    let is_later_fragment = u16::from_be_bytes([flags & 0x1f, offset]) != 0;
    Some(Layout {
        header_len,
        total: (total >= header_len).then_some(total),
        protocol: (!is_later_fragment).then_some(protocol),
        hops: 8,
        checksum: Some(10),
        identification: u16::from_be_bytes([i0, i1]),
    })
}

#[inline]
fn layout_v6(packet: &[u8]) -> Option<Layout> {
    let [first, _, _, _, high, low, next, ..] = *packet.first_chunk::<40>()?;
    if first >> 4 != 6 {
        return None;
    }
    let payload = usize::from(u16::from_be_bytes([high, low]));
    // Behind extension headers nothing is left out.
    Some(Layout {
        header_len: 40,
        total: (payload != 0).then_some(40 + payload),
        protocol: Some(next),
        hops: 7,
        checksum: None,
        identification: 0,
    })
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;

    /// An Ethernet header, and an IPv4 packet of this protocol and so many bytes behind its header.
    fn v4(protocol: u8, payload: usize) -> Vec<u8> {
        let total = u16::try_from(20 + payload).unwrap().to_be_bytes();
        let mut frame = [&[2; 12][..], &[0x08, 0x00, 0x45, 0], &total].concat();
        frame.extend([0x12, 0x34, 0x40, 0, 64, protocol, 0xab, 0xcd, 10, 0, 1, 15, 10, 0, 2, 16]);
        frame.extend((0..payload).map(|n| u8::try_from(n % 251).unwrap() + 1));
        frame
    }

    fn v6(next: u8, payload: usize) -> Vec<u8> {
        let len = u16::try_from(payload).unwrap().to_be_bytes();
        let mut frame = [&[2; 12][..], &[0x86, 0xdd, 0x60, 0, 0, 0], &len, &[next, 64]].concat();
        frame.extend([0xaa; 32]);
        frame.extend((0..payload).map(|n| u8::try_from(n % 251).unwrap() + 1));
        frame
    }

    #[test]
    fn copies_of_one_packet_have_one_imprint() {
        for frame in [v4(6, 200), v6(6, 200), v4(17, 8), v6(17, 8), v4(47, 3)] {
            let imprint = Imprint::of(&frame).unwrap();
            let other_macs = [&[9; 12], &frame[12..]].concat();
            assert_eq!(Imprint::of(&other_macs), Some(imprint));
            let tagged = [&frame[..12], &[0x81, 0, 0, 7], &frame[12..]].concat();
            assert_eq!(Imprint::of(&tagged), Some(imprint));
            let padded = [&frame[..], &[0; 6]].concat();
            assert_eq!(Imprint::of(&padded), Some(imprint));
        }
    }

    #[test]
    fn a_copy_that_was_cut_is_known_as_long_as_80_bytes_are_left() {
        for frame in [v4(6, 200), v6(17, 200)] {
            let imprint = Imprint::of(&frame);
            assert!(imprint.is_some());
            for len in 14 + 80..frame.len() {
                assert_eq!(Imprint::of(&frame[..len]), imprint, "{len} bytes");
            }
            let shorter = Imprint::of(&frame[..14 + 79]);
            assert!(shorter.is_some() && shorter != imprint);
        }
    }

    #[test]
    fn a_checksum_that_was_not_computed_makes_no_difference() {
        for (protocol, at) in [(1, 2), (6, 16), (17, 6)] {
            let frame = v4(protocol, 100);
            for byte in 0..60 {
                let mut other = frame.clone();
                other[34 + byte] ^= 0xff;
                let is_checksum = byte == at || byte == at + 1;
                assert_eq!(Imprint::of(&other) == Imprint::of(&frame), is_checksum, "{byte}");
            }
        }
        let frame = v6(58, 100);
        let mut other = frame.clone();
        other[54 + 2] ^= 0xff;
        assert_eq!(Imprint::of(&other), Imprint::of(&frame));
    }

    #[test]
    fn behind_options_of_the_ip_header_the_checksum_is_found_too() {
        let mut frame = v4(17, 100);
        frame[14] = 0x46;
        let imprint = Imprint::of(&frame);
        assert!(imprint.is_some());
        frame[34 + 4 + 6] ^= 0xff;
        assert_eq!(Imprint::of(&frame), imprint);
        frame[34 + 4 + 5] ^= 0xff;
        assert_ne!(Imprint::of(&frame), imprint);
        // Of no version, or shorter than it can be.
        for first in [0x44, 0x40, 0x65, 0x05] {
            frame[14] = first;
            assert_eq!(Imprint::of(&frame), None, "{first:#x}");
        }
    }

    #[test]
    fn later_fragments_have_no_checksum_to_leave_out() {
        let mut frame = v4(17, 100);
        frame[21] = 100;
        let mut other = frame.clone();
        other[34 + 6] ^= 0xff;
        assert_ne!(Imprint::of(&other), Imprint::of(&frame));
    }

    /// All but what a router changes.
    #[test]
    fn every_field_of_the_ip_header_counts_that_stays_on_the_way() {
        let v4_changes = [8, 10, 11];
        for (frame, header, changes) in [(v4(6, 100), 20, &v4_changes[..]), (v6(6, 100), 40, &[7])]
        {
            let imprint = Imprint::of(&frame).unwrap();
            assert_eq!(imprint.hops(), 64);
            for byte in 0..header {
                let mut other = frame.clone();
                other[14 + byte] ^= 0x01;
                let other = Imprint::of(&other);
                let is_same = other.is_some_and(|other| other.bytes() == imprint.bytes());
                assert_eq!(is_same, changes.contains(&byte), "byte {byte}");
                let hops = other.map_or(64, |other| other.hops());
                assert_eq!(hops, if byte == changes[0] { 65 } else { 64 }, "byte {byte}");
            }
        }
        assert_eq!(Imprint::of(&v4(6, 100)).unwrap().identification(), 0x1234);
        assert_eq!(Imprint::of(&v6(6, 100)).unwrap().identification(), 0);
    }

    #[test]
    fn a_packet_has_its_imprint_on_every_link() {
        for (frame, ether_type) in [(v4(6, 100), [8, 0]), (v6(17, 100), [0x86, 0xdd])] {
            let imprint = Imprint::of(&frame);
            assert!(imprint.is_some());
            let packet = &frame[14..];
            let sll = [&[0; 14][..], &ether_type, packet].concat();
            assert_eq!(Imprint::of_packet(LinkType::LinuxSll, &sll), imprint);
            let sll2 = [&ether_type[..], &[0; 18], packet].concat();
            assert_eq!(Imprint::of_packet(LinkType::LinuxSll2, &sll2), imprint);
            assert_eq!(Imprint::of_packet(LinkType::Raw, packet), imprint);
        }
    }

    #[test]
    fn too_little_of_a_packet_has_none() {
        for (frame, header) in [(v4(6, 100), 20), (v6(6, 100), 40)] {
            for len in 0..frame.len() {
                let is_enough = len >= 14 + header + 8;
                assert_eq!(Imprint::of(&frame[..len]).is_some(), is_enough, "{len} bytes");
            }
        }
        // A packet that never had more is whole.
        assert!(Imprint::of(&v4(47, 3)).is_some() && Imprint::of(&v4(59, 0)).is_some());
        let mut arp = v4(6, 100);
        arp[13] = 0x06;
        assert_eq!(Imprint::of(&arp), None);
    }

    #[test]
    fn a_length_that_cannot_be_true_bounds_nothing() {
        let mut frame = v4(6, 100);
        frame[16..18].fill(0);
        assert_eq!(Imprint::of(&frame).unwrap().bytes().len(), 80);
        let mut frame = v6(6, 100);
        frame[18..20].fill(0);
        assert_eq!(Imprint::of(&frame).unwrap().bytes().len(), 80);
    }
}
