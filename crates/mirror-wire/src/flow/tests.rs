extern crate std;
use std::{vec, vec::Vec};

use super::*;

#[rustfmt::skip]
const V4: [u8; 42] = [
    // to----------------  from--------------  type------
    0x02, 0, 0, 0, 0, 2,   0x02, 0, 0, 0, 0, 1,   0x08, 0x00,
    //    tos   total len-  id----  frag--  ttl  tcp  checksum
    0x45, 0x00, 0x00, 0x1c, 0, 0,   0, 0,   64,  6,   0, 0,
    // source------  destination--
    10, 0, 1, 15,    203, 0, 113, 9,
    // ports---------------
    0xc7, 0x38, 0x01, 0xbb, 0, 0, 0, 0,
];

const FRAGMENT: usize = 20;
const PROTOCOL: usize = 23;
const HTTPS: Ports = Ports::Known { source: 51_000, destination: 443 };

fn with(offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut packet = V4.to_vec();
    packet[offset..offset + bytes.len()].copy_from_slice(bytes);
    packet
}

/// Ethernet, an IPv6 header, and what is behind it.
fn v6(next: u8, behind: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(behind.len()).unwrap().to_be_bytes();
    let header = [0x60, 0, 0, 0, high, low, next, 64];
    [&V4[..12], &[0x86, 0xdd], &header, &[0x20; 16], &[0x21; 16], behind].concat()
}

fn flow(bytes: &[u8]) -> Result<Flow, NoFlow> {
    Flow::parse(LinkType::Ethernet, bytes)
}

fn ports(bytes: &[u8]) -> Ports {
    flow(bytes).unwrap().ports
}

const TCP: [u8; 8] = [0xc7, 0x38, 0x01, 0xbb, 0, 0, 0, 0];

#[test]
fn a_packet_shows_its_five_fields() {
    let want = Flow {
        source: [10, 0, 1, 15].into(),
        destination: [203, 0, 113, 9].into(),
        protocol: Some(6),
        ports: HTTPS,
    };
    assert_eq!(flow(&V4), Ok(want));
    let want = Flow { source: [0x20; 16].into(), destination: [0x21; 16].into(), ..want };
    assert_eq!(flow(&v6(6, &TCP)), Ok(want));
}

#[test]
fn a_cut_packet_shows_as_much_as_is_left() {
    for len in 0..V4.len() {
        let want = match len {
            0..34 => Err(NoFlow::Cut),
            34..38 => Ok(Ports::Missing(Missing::Cut)),
            _ => Ok(HTTPS),
        };
        assert_eq!(flow(&V4[..len]).map(|flow| flow.ports), want, "{len} bytes");
    }
    let packet = v6(60, &[&[6, 0, 1, 4, 0, 0, 0, 0][..], &TCP].concat());
    for len in 0..packet.len() {
        let found = flow(&packet[..len]).map(|flow| (flow.protocol, flow.ports));
        let want = match len {
            0..54 => Err(NoFlow::Cut),
            54..62 => Ok((None, Ports::Missing(Missing::Cut))),
            62..66 => Ok((Some(6), Ports::Missing(Missing::Cut))),
            _ => Ok((Some(6), HTTPS)),
        };
        assert_eq!(found, want, "{len} bytes");
    }
}

#[test]
fn only_tcp_and_udp_have_ports() {
    for protocol in 0..=u8::MAX {
        let want = if matches!(protocol, 6 | 17) { HTTPS } else { Ports::Absent };
        assert_eq!(ports(&with(PROTOCOL, &[protocol])), want, "protocol {protocol}");
        let cut = with(PROTOCOL, &[protocol]);
        let want = if want == HTTPS { Ports::Missing(Missing::Cut) } else { Ports::Absent };
        assert_eq!(ports(&cut[..34]), want, "protocol {protocol}, cut");
    }
}

/// One bit at a time: reserved, don't fragment, more fragments, 13 of offset.
#[test]
fn a_later_fragment_has_no_ports_and_the_first_one_has() {
    for bit in 0..16 {
        let bytes = with(FRAGMENT, &u16::to_be_bytes(1 << bit));
        let seen = Seen::parse(LinkType::Ethernet, &bytes).unwrap();
        let want = if bit < 13 { Ports::Missing(Missing::Fragment) } else { HTTPS };
        assert_eq!(seen.flow.ports, want, "bit {bit}");
        assert_eq!(seen.fragment, bit < 14, "bit {bit}");
    }
}

#[test]
fn a_first_fragment_too_short_for_its_ports_leaves_them_to_the_next() {
    let mut bytes = with(FRAGMENT, &[0x20, 0]);
    bytes[16..18].copy_from_slice(&[0, 22]);
    assert_eq!(ports(&bytes), Ports::Missing(Missing::Fragment));
    assert_eq!(ports(&bytes[..35]), Ports::Missing(Missing::Cut), "or the capture cut it");
}

#[test]
fn padding_is_not_taken_for_ports() {
    for total in 20..24 {
        let bytes = with(16, &u16::to_be_bytes(total));
        assert_eq!(ports(&bytes), Ports::Missing(Missing::Cut), "total length {total}");
    }
    assert_eq!(ports(&with(16, &[0, 24])), HTTPS);
    assert_eq!(ports(&with(16, &[0, 0])), HTTPS, "offload left the length empty");
    let mut short = v6(6, &TCP);
    short[18..20].copy_from_slice(&[0, 3]);
    assert_eq!(ports(&short), Ports::Missing(Missing::Cut));
    short[18..20].fill(0);
    assert_eq!(ports(&short), HTTPS);
}

#[test]
fn ports_stand_behind_ipv4_options() {
    let mut bytes = with(14, &[0x46, 0, 0, 32]);
    bytes.splice(34..34, [1, 1, 1, 1]);
    assert_eq!(ports(&bytes), HTTPS);
    assert_eq!(ports(&bytes[..36]), Ports::Missing(Missing::Cut));
}

#[test]
fn extension_headers_are_walked_over_as_many_as_there_are() {
    for count in [0, 1, 8, 9, 40] {
        let mut chain = Vec::new();
        for place in 1..=count {
            chain.extend([if place == count { 6 } else { 60 }, 0, 1, 4, 0, 0, 0, 0]);
        }
        chain.extend(TCP);
        let bytes = v6(if count == 0 { 6 } else { 60 }, &chain);
        let seen = Seen::parse(LinkType::Ethernet, &bytes).unwrap();
        assert_eq!((seen.flow.protocol, seen.flow.ports), (Some(6), HTTPS), "{count} headers");
        assert_eq!(seen.extensions, count > 0);
    }
    // The authentication header counts in words of four bytes, minus two.
    let authentication = [&[6, 4][..], &[9; 22], &TCP].concat();
    assert_eq!(ports(&v6(51, &authentication)), HTTPS);
}

#[test]
fn fragments_of_ipv6_show_the_protocol_that_their_header_names() {
    let fragment = |next, field: u16| {
        let [high, low] = field.to_be_bytes();
        v6(44, &[&[next, 0, high, low, 0, 0, 0, 1][..], &TCP].concat())
    };
    let found = |bytes: &[u8]| {
        let seen = Seen::parse(LinkType::Ethernet, bytes).unwrap();
        (seen.flow.protocol, seen.flow.ports, seen.fragment)
    };
    let elsewhere = Ports::Missing(Missing::Fragment);
    assert_eq!(found(&fragment(6, 0)), (Some(6), HTTPS, false), "atomic");
    assert_eq!(found(&fragment(6, 1)), (Some(6), HTTPS, true), "first");
    assert_eq!(found(&fragment(6, 8)), (Some(6), elsewhere, true), "later");
    assert_eq!(found(&fragment(58, 8)), (Some(58), Ports::Absent, true), "later, of ICMPv6");
    assert_eq!(found(&fragment(60, 8)), (None, elsewhere, true), "later, behind options");
}

#[test]
fn a_message_of_icmp_shows_its_type() {
    let icmp = |bytes: &[u8]| Seen::parse(LinkType::Ethernet, bytes).unwrap().icmp_type;
    assert_eq!(icmp(&v6(58, &[135, 0])), Some(135));
    assert_eq!(icmp(&v6(58, &[])), None);
    assert_eq!(icmp(&with(PROTOCOL, &[1])), Some(0xc7));
    assert_eq!(icmp(&V4), None);
    let mut later = with(PROTOCOL, &[1]);
    later[FRAGMENT + 1] = 1;
    assert_eq!(icmp(&later), None);
}

#[test]
fn what_is_not_ip_names_its_ether_type() {
    let not_ip = |ether_type| Err(NoFlow::NotIp { ether_type });
    let mut arp = with(12, &[0x08, 0x06]);
    assert_eq!(flow(&arp), Err(NoFlow::ARP));
    for tags in 1..=3_usize {
        arp.splice(12..12, [0x81, 0, 0, 7]);
        assert_eq!(flow(&arp), Err(NoFlow::ARP), "{tags} tags");
    }
    arp.splice(12..12, [0x81, 0, 0, 7]);
    assert_eq!(flow(&arp), not_ip(Some(0x8100)), "a fourth tag");
    assert_eq!(flow(&with(12, &[0, 38])), not_ip(Some(38)), "802.3");
    let mut sll = [0; 16];
    sll[14..].copy_from_slice(&[0x08, 0x06]);
    assert_eq!(Flow::parse(LinkType::LinuxSll, &sll), Err(NoFlow::ARP));
    let mut sll2 = [0; 20];
    sll2[..2].copy_from_slice(&[0x08, 0x06]);
    assert_eq!(Flow::parse(LinkType::LinuxSll2, &sll2), Err(NoFlow::ARP));
    for link in [LinkType::Null, LinkType::Loop, LinkType::Raw] {
        assert_eq!(Flow::parse(link, &[0x50; 40]), not_ip(None), "{link:?}");
    }
}

#[test]
fn a_header_that_contradicts_itself_is_malformed() {
    for first in (0..=u8::MAX).filter(|first| !(0x45..=0x4f).contains(first)) {
        assert_eq!(flow(&with(14, &[first])), Err(NoFlow::Malformed), "0x{first:02x}");
    }
    assert_eq!(flow(&with(16, &[0, 19])), Err(NoFlow::Malformed), "shorter than its header");
    let mut other = v6(6, &TCP);
    other[14] = 0x45;
    assert_eq!(flow(&other), Err(NoFlow::Malformed));
    assert_eq!(flow(&other[..20]), Err(NoFlow::Malformed));
}

#[test]
fn three_vlan_tags_are_looked_through() {
    let mut bytes = V4.to_vec();
    for _ in 0..3 {
        bytes.splice(12..12, [0x88, 0xa8, 0, 7]);
        assert_eq!(ports(&bytes), HTTPS);
    }
    assert_eq!(Flow::parse(LinkType::Raw, &V4[14..]).map(|flow| flow.ports), Ok(HTTPS));
    let null = [&[2, 0, 0, 0], &V4[14..]].concat();
    assert_eq!(Flow::parse(LinkType::Null, &null).map(|flow| flow.ports), Ok(HTTPS));
}

mod against_etherparse {
    use etherparse::{LaxIpSlice, ip_number};
    use proptest::prelude::*;

    use super::*;

    /// The same, by the slices of etherparse, which read what is there.
    fn oracle(packet: &[u8]) -> Option<(IpAddr, IpAddr, u8, Option<[u8; 4]>)> {
        let (ip, _) = LaxIpSlice::from_slice(packet).ok()?;
        let payload = ip.payload();
        let has_ports = matches!(payload.ip_number, ip_number::TCP | ip_number::UDP);
        let later = match &ip {
            LaxIpSlice::Ipv4(v4) => v4.header().fragments_offset().value() != 0,
            LaxIpSlice::Ipv6(_) => payload.fragmented,
        };
        let ports = payload.payload.first_chunk::<4>().copied();
        let ports = ports.filter(|_| has_ports && !later);
        Some((ip.source_addr(), ip.destination_addr(), payload.ip_number.0, ports))
    }

    fn packet() -> impl Strategy<Value = Vec<u8>> {
        let protocol = prop_oneof![3 => Just(6_u8), 2 => Just(17), 1 => Just(58), 1 => any::<u8>()];
        let extension = (prop_oneof![Just(0_u8), Just(43), Just(60), Just(51)], 0..3_u8);
        (
            any::<bool>(),
            protocol,
            proptest::collection::vec(extension, 0..3),
            0..11_usize,
            prop_oneof![3 => Just(0_u16), 1 => any::<u16>()],
            proptest::collection::vec(any::<u8>(), 0..12),
            any::<prop::sample::Index>(),
        )
            .prop_map(|(v6, protocol, extensions, options, fragment, payload, end)| {
                let mut bytes = if v6 {
                    ipv6(protocol, &extensions, &payload)
                } else {
                    ipv4(protocol, options, fragment, &payload)
                };
                // Half of them are cut.
                bytes.truncate(end.index(2 * bytes.len()));
                bytes
            })
    }

    fn ipv4(protocol: u8, options: usize, fragment: u16, payload: &[u8]) -> Vec<u8> {
        let words = 5 + u8::try_from(options).unwrap();
        let total = u16::try_from(20 + 4 * options + payload.len()).unwrap().to_be_bytes();
        let [f0, f1] = fragment.to_be_bytes();
        let mut bytes = vec![0x40 | words, 0, total[0], total[1], 0, 0, f0, f1, 64, protocol, 0, 0];
        bytes.extend([10, 0, 1, 15, 203, 0, 113, 9]);
        bytes.resize(20 + 4 * options, 1);
        bytes.extend(payload);
        bytes
    }

    fn ipv6(protocol: u8, extensions: &[(u8, u8)], payload: &[u8]) -> Vec<u8> {
        let mut next = protocol;
        let mut behind = payload.to_vec();
        for (kind, blocks) in extensions.iter().rev() {
            let unit = if *kind == 51 { 2 * blocks } else { *blocks };
            let mut header = vec![0; 8 + 8 * usize::from(*blocks)];
            (header[0], header[1]) = (next, unit);
            behind.splice(0..0, header);
            next = *kind;
        }
        v6(next, &behind)[14..].to_vec()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        #[test]
        fn what_is_there_is_read_alike(packet in packet()) {
            let Some((source, destination, protocol, ports)) = oracle(&packet) else {
                // Cut within the options, where it gives up and rules need not.
                return Ok(());
            };
            let flow = Flow::parse(LinkType::Raw, &packet).unwrap();
            prop_assert_eq!((flow.source, flow.destination), (source, destination));
            if matches!(protocol, 0 | 43 | 44 | 51 | 60) {
                // It names the header at which it stopped: cut, or in an order that isn't that of
                // the RFC.
                return Ok(());
            }
            prop_assert_eq!(flow.protocol, Some(protocol));
            let found = match flow.ports {
                Ports::Known { source, destination } => {
                    let ([s0, s1], [d0, d1]) = (source.to_be_bytes(), destination.to_be_bytes());
                    Some([s0, s1, d0, d1])
                }
                _ => None,
            };
            prop_assert_eq!(found, ports);
        }

        #[test]
        fn any_bytes_of_any_link_type_are_survived(
            code in prop_oneof![Just(0_u16), Just(1), Just(101), Just(108), Just(113), Just(276)],
            bytes in proptest::collection::vec(any::<u8>(), 0..120),
            first in prop_oneof![Just(0x45_u8), Just(0x60), any::<u8>()],
        ) {
            let link = LinkType::from_code(code).unwrap();
            let mut bytes = bytes;
            let _ = Seen::parse(link, &bytes);
            if let Some(byte) = bytes.first_mut() {
                *byte = first;
            }
            let seen = Seen::parse(LinkType::Raw, &bytes);
            if let Ok(Seen { flow, .. }) = seen {
                prop_assert_eq!(flow.source.is_ipv4(), flow.destination.is_ipv4());
                let missing = matches!(flow.ports, Ports::Missing(_));
                prop_assert!(flow.protocol.is_some() || missing);
            }
        }
    }
}

#[test]
fn a_header_that_was_cut_is_cut_if_it_begins_as_one() {
    for len in 14..14 + 20 {
        assert_eq!(flow(&V4[..len]), Err(NoFlow::Cut), "{len} bytes of IPv4");
    }
    let v6 = v6(6, &TCP);
    for len in 14..14 + 40 {
        assert_eq!(flow(&v6[..len]), Err(NoFlow::Cut), "{len} bytes of IPv6");
    }
    for (frame, first) in [(&V4[..], 0x65), (&v6, 0x45)] {
        let mut frame = frame[..18].to_vec();
        frame[14] = first;
        assert_eq!(flow(&frame), Err(NoFlow::Malformed), "{first:#x}");
    }
}

/// Two bytes of TCP in the first fragment: the rest of the ports is in the next, if nothing of this
/// one was cut off.
#[test]
fn ports_that_a_first_fragment_of_ipv6_ends_before_are_in_the_next() {
    let first = v6(44, &[6, 0, 0, 1, 0, 0, 0, 0, 0xc7, 0x38]);
    assert_eq!(ports(&first), Ports::Missing(Missing::Fragment));
    assert_eq!(ports(&first[..first.len() - 1]), Ports::Missing(Missing::Cut));
    let padded = [&first[..], &[0; 6]].concat();
    assert_eq!(ports(&padded), Ports::Missing(Missing::Fragment));
}
