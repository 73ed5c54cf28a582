//! The ordinary path against the obvious reading of it: one Ethernet header, no tags, IPv4 without
//! options, UDP, VXLAN, everything captured and every length as it should be or refused.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests may fail loudly; that is their job"
)]

use std::net::{IpAddr, Ipv4Addr};

use mirror_wire::{Captured, LinkType, NotMirrored, VXLAN_PORT, decapsulate};
use proptest::prelude::*;

#[derive(Debug, PartialEq)]
struct Found {
    source: IpAddr,
    vni: u32,
    frame: Vec<u8>,
}

/// By offsets, as one would read it off a hex dump.
fn by_the_book(p: &[u8]) -> Result<Found, NotMirrored> {
    let word = |at: usize| usize::from(p[at]) * 256 + usize::from(p[at + 1]);
    if word(12) != 0x0800 || p[14] != 0x45 || p[23] != 17 {
        return Err(NotMirrored::Other);
    }
    let fragment = word(20) % 0x4000;
    if fragment % 0x2000 != 0 {
        return Err(NotMirrored::Fragment);
    }
    if word(36) != 4789 {
        return Err(NotMirrored::OtherPort(u16::from_be_bytes([p[36], p[37]])));
    }
    if fragment != 0 {
        return Err(NotMirrored::Fragment);
    }
    let end_of_ip = 14 + word(16);
    let end_of_udp = 34 + word(38);
    let end = end_of_ip.min(end_of_udp);
    if end < 50 {
        return Err(NotMirrored::BadLength);
    }
    if p[42] & 0x08 == 0 {
        return Err(NotMirrored::NoVni { flags: p[42] });
    }
    // The first half of a header of VXLAN-GPE, version 0.
    let gpe = matches!((p[42], p[43], p[44]), (0x0c..=0x0f, 0, 0));
    if gpe && p[45] != 0 && p[45] != 3 {
        return Err(NotMirrored::Gpe { next_protocol: p[45] });
    }
    if end == 50 {
        return Err(NotMirrored::Empty);
    }
    Ok(Found {
        source: Ipv4Addr::new(p[26], p[27], p[28], p[29]).into(),
        vni: u32::from(p[46]) << 16 | u32::from(p[47]) << 8 | u32::from(p[48]),
        frame: p[50..end].to_vec(),
    })
}

/// Mostly the right value, now and then any.
fn mostly<T: Clone + std::fmt::Debug + Arbitrary + 'static>(right: T) -> BoxedStrategy<T> {
    prop_oneof![8 => Just(right), 1 => any::<T>()].boxed()
}

prop_compose! {
    fn packet()(
        mut bytes in proptest::collection::vec(any::<u8>(), 58..120),
        ether_type in mostly([0x08, 0x00]),
        first in mostly(0x45),
        // Within the packet, so that the book needs no word on captures that end early.
        total_len in 28..44_u16,
        fragment in prop_oneof![8 => Just(0_u16), 1 => 0x2000..0x2002_u16, 1 => 0..0x4000_u16],
        protocol in mostly(17_u8),
        port in mostly(VXLAN_PORT),
        udp_len in prop_oneof![8 => 16..25_u16, 1 => 1..30_u16, 1 => 1..=u16::MAX],
        flags in prop_oneof![6 => Just(0x08_u8), 2 => 0x0c..0x10_u8, 1 => any::<u8>()],
        reserved in mostly([0_u8; 2]),
        next_protocol in prop_oneof![6 => Just(0_u8), 2 => 1..5_u8, 1 => any::<u8>()],
        last in mostly(0_u8),
    ) -> Vec<u8> {
        bytes[12..14].copy_from_slice(&ether_type);
        bytes[14] = first;
        bytes[16..18].copy_from_slice(&total_len.to_be_bytes());
        bytes[20..22].copy_from_slice(&fragment.to_be_bytes());
        bytes[23] = protocol;
        bytes[36..38].copy_from_slice(&port.to_be_bytes());
        bytes[38..40].copy_from_slice(&udp_len.to_be_bytes());
        bytes[42] = flags;
        bytes[43..45].copy_from_slice(&reserved);
        bytes[45] = next_protocol;
        bytes[49] = last;
        bytes
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn the_ordinary_path_is_read_as_the_book_says(packet in packet()) {
        // Longer IPv4 headers and IPv6 are in other tests.
        prop_assume!(packet[14] == 0x45 || packet[14] >> 4 != 4);
        prop_assume!(packet[12..14] != [0x86, 0xdd] && packet[12] != 0x81);
        let captured = Captured {
            link: LinkType::Ethernet,
            bytes: &packet,
            original_len: u32::try_from(packet.len()).unwrap(),
            fcs_len: 0,
        };
        let found = decapsulate(&captured, &[VXLAN_PORT]).map(|found| Found {
            source: found.source,
            vni: found.vni.get(),
            frame: found.inner.to_vec(),
        });
        let want = by_the_book(&packet);
        // Whatever else a packet to the port of GENEVE is, it isn't VXLAN.
        if want != Err(NotMirrored::OtherPort(6081)) {
            prop_assert_eq!(found, want);
        }
    }
}
