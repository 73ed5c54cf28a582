//! The mirrored frame, as far as the mirror sent it.
//!
//! A session may cut every frame to a few dozen bytes, so this reads what is there and nothing
//! more: the addresses decide the direction, and the IP length is the only witness of how long the
//! frame was. A length that can't be true (zero, or below its own header) promises nothing.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{
    Mac,
    link::{self, ETHERNET_LEN, Version},
    rest::Rest,
};

/// What the headers of a mirrored frame say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inner {
    /// Destination of the Ethernet header.
    pub destination: Mac,
    /// Source of the Ethernet header.
    pub source: Mac,
    /// Source and destination of the IP header, behind up to three VLAN tags, if both are there.
    pub addresses: Option<(IpAddr, IpAddr)>,
    /// Length in bytes of the whole frame, by the IP length: Ethernet and VLAN headers, and the IP
    /// packet. `None` for frames that aren't IP, and where the length field tells nothing.
    pub promised_len: Option<u32>,
}

impl Inner {
    /// Read as much of `frame` as there is; `None` if not even its Ethernet header is whole.
    #[inline]
    pub fn parse(frame: &[u8]) -> Option<Inner> {
        let [d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, ..] =
            *frame.first_chunk::<ETHERNET_LEN>()?;
        let (addresses, promised_len) = match network(frame) {
            Some((source, destination, len)) => (Some((source, destination)), len),
            None => (None, None),
        };
        Some(Inner {
            destination: Mac::new([d0, d1, d2, d3, d4, d5]),
            source: Mac::new([s0, s1, s2, s3, s4, s5]),
            addresses,
            promised_len,
        })
    }
}

/// Source, destination, and length of the whole frame.
#[inline]
fn network(frame: &[u8]) -> Option<(IpAddr, IpAddr, Option<u32>)> {
    let mut rest = Rest::of_frame(frame);
    let version = link::ethernet(&mut rest).ok()?;
    let before = u32::try_from(rest.at).ok()?;
    match version {
        Version::V4 => {
            // Not a header slice, which would ask for the options too.
            let [first, _, high, low, _, _, _, _, _, _, _, _, addresses @ ..] =
                *rest.bytes.first_chunk::<20>()?;
            let header_len = u16::from(first & 0x0f) * 4;
            if first >> 4 != 4 || header_len < 20 {
                return None;
            }
            let total = u16::from_be_bytes([high, low]);
            let [s0, s1, s2, s3, d0, d1, d2, d3] = addresses;
            Some((
                Ipv4Addr::new(s0, s1, s2, s3).into(),
                Ipv4Addr::new(d0, d1, d2, d3).into(),
                (total >= header_len).then(|| before + u32::from(total)),
            ))
        }
        Version::V6 => {
            let header = etherparse::Ipv6HeaderSlice::from_slice(rest.bytes).ok()?;
            let payload = header.payload_length();
            Some((
                Ipv6Addr::from(header.source()).into(),
                Ipv6Addr::from(header.destination()).into(),
                (payload != 0).then(|| before + 40 + u32::from(payload)),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;

    #[rustfmt::skip]
    const V4: [u8; 34] = [
        // to----------------------------  from--------------------------  type------
        0x02, 0x2f, 0x8f, 0xb0, 0xcf, 0x75, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x08, 0x00,
        //        total len-  id----  frag--  ttl tcp checksum
        0x45, 0, 0x05, 0xdc, 0, 0,   0x40, 0, 64, 6,  0, 0,
        10, 0, 1, 15, 203, 0, 113, 9,
    ];

    fn v6(payload: u16) -> Vec<u8> {
        let [high, low] = payload.to_be_bytes();
        let header = [0x60, 0, 0, 0, high, low, 6, 64];
        [&V4[..12], &[0x86, 0xdd], &header, &[0xaa; 16], &[0xbb; 16]].concat()
    }

    fn tagged(frame: &[u8], tags: usize) -> Vec<u8> {
        [&frame[..12], &[0x81, 0, 0, 7].repeat(tags), &frame[12..]].concat()
    }

    fn promised(frame: &[u8]) -> Option<u32> {
        Inner::parse(frame).unwrap().promised_len
    }

    #[test]
    fn a_frame_tells_its_ends_and_its_length() {
        let source: IpAddr = [10, 0, 1, 15].into();
        let destination: IpAddr = [203, 0, 113, 9].into();
        assert_eq!(
            Inner::parse(&V4),
            Some(Inner {
                destination: "02:2f:8f:b0:cf:75".parse().unwrap(),
                source: "02:11:22:33:44:55".parse().unwrap(),
                addresses: Some((source, destination)),
                promised_len: Some(1514),
            })
        );
        let inner = Inner::parse(&v6(1460)).unwrap();
        assert_eq!(inner.addresses, Some(([0xaa; 16].into(), [0xbb; 16].into())));
        assert_eq!(inner.promised_len, Some(1514));
    }

    #[test]
    fn every_shorter_prefix_tells_less() {
        for frame in [&V4[..], &v6(1460)] {
            for len in 0..frame.len() {
                let inner = Inner::parse(&frame[..len]);
                assert_eq!(inner.is_some(), len >= 14, "{len} bytes");
                if let Some(inner) = inner {
                    assert_eq!((inner.addresses, inner.promised_len), (None, None), "{len} bytes");
                }
            }
        }
    }

    #[test]
    fn vlan_tags_count_as_part_of_the_frame() {
        for tags in 0..=3_usize {
            let more = 4 * u32::try_from(tags).unwrap();
            assert_eq!(promised(&tagged(&V4, tags)), Some(1514 + more));
            assert_eq!(promised(&tagged(&v6(1460), tags)), Some(1514 + more));
        }
        let inner = Inner::parse(&tagged(&V4, 4)).unwrap();
        assert_eq!((inner.addresses, inner.promised_len), (None, None));
    }

    #[test]
    fn lengths_that_cannot_be_true_promise_nothing() {
        for (total, want) in
            [(0, None), (1, None), (19, None), (20, Some(34)), (65_535, Some(65_549))]
        {
            let mut frame = V4;
            frame[16..18].copy_from_slice(&u16::to_be_bytes(total));
            assert_eq!(promised(&frame), want, "total length {total}");
            assert!(Inner::parse(&frame).unwrap().addresses.is_some());
        }
        assert_eq!(promised(&v6(0)), None);
        assert!(Inner::parse(&v6(0)).unwrap().addresses.is_some());
        assert_eq!(promised(&v6(1)), Some(55));
        assert_eq!(promised(&v6(u16::MAX)), Some(65_589));
    }

    #[test]
    fn options_may_be_cut_but_not_missing() {
        let mut frame = V4;
        frame[14] = 0x4f;
        assert_eq!(promised(&frame), Some(1514));
        frame[16..18].copy_from_slice(&59_u16.to_be_bytes());
        assert_eq!(promised(&frame), None, "60 bytes of header, 59 in all");
        for first in [0x44, 0x40, 0x65, 0x55] {
            frame[14] = first;
            assert_eq!(Inner::parse(&frame).unwrap().addresses, None, "0x{first:02x}");
        }
        let mut frame = v6(1460);
        frame[14] = 0x45;
        assert_eq!(Inner::parse(&frame).unwrap().addresses, None);
    }

    #[test]
    fn frames_that_are_not_ip_promise_nothing() {
        // ARP, MPLS, PPPoE, and an 802.3 length.
        for ether_type in [0x0806_u16, 0x8847, 0x8864, 0x0026] {
            let mut frame = V4;
            frame[12..14].copy_from_slice(&ether_type.to_be_bytes());
            let inner = Inner::parse(&frame).unwrap();
            assert_eq!((inner.addresses, inner.promised_len), (None, None), "0x{ether_type:04x}");
        }
    }
}
