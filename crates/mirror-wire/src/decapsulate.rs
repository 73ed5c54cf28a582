//! The one predicate for what is a mirrored packet.
//!
//! It looks through exactly `[GENEVE /] IP / UDP / VXLAN` and stops there: one VXLAN is taken off,
//! never two, since a mirrored workload may itself speak VXLAN. The mirrored frame ends where the
//! UDP datagram ends, bounded by the IP length. Where the capture ends is another question, and
//! both answers are handed out.

use core::net::IpAddr;

use crate::{
    Endpoint, GENEVE_PORT, LinkType, NotMirrored, Vni,
    geneve::Geneve,
    ip::{self, Packet},
    link,
    rest::Rest,
    udp::{self, Ports},
    vxlan::{VXLAN_LEN, Vxlan},
};

/// A packet as a capture file has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Captured<'a> {
    /// What the first bytes are.
    pub link: LinkType,
    /// The captured bytes.
    pub bytes: &'a [u8],
    /// Length in bytes on the wire, as the capture tells it. It may lie: it is used only where the
    /// packet's own headers don't tell a length.
    pub original_len: u32,
    /// Bytes of frame check sequence at the end of the packet on the wire; more than four is none.
    pub fcs_len: u8,
}

/// A mirrored frame, and what its wrapper says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mirrored<'a> {
    /// Source address of the IP header right outside VXLAN: the mirror source's primary address.
    pub source: IpAddr,
    /// Destination address of the same header: the mirror target.
    pub destination: IpAddr,
    /// The UDP source port of the same packet.
    pub source_port: u16,
    /// The identification of the same IP header; 0 if it is of IPv6.
    pub identification: u16,
    /// The network identifier of the mirror session.
    pub vni: Vni,
    /// The Gateway Load Balancer endpoint, when a GENEVE header names it.
    pub endpoint: Option<Endpoint>,
    /// Whether a GENEVE header was around it.
    pub geneve: bool,
    /// Captured bytes of the frame, at most `inner_len`.
    pub inner: &'a [u8],
    /// Length in bytes of the frame as it left the wrapper, by the UDP and IP lengths; at least 1.
    /// More than the captured bytes when the capture was cut, and more than the original length
    /// when that was lost.
    pub inner_len: u32,
    /// Whether any bit was set that VXLAN reserves.
    pub reserved_bits: bool,
    /// Offset of the VXLAN header in the captured bytes; the frame is 8 bytes further.
    pub vxlan_offset: usize,
}

/// Take the wrapper off a mirrored packet.
///
/// `ports` are the UDP destination ports taken for VXLAN, usually just
/// [`VXLAN_PORT`](crate::VXLAN_PORT). GENEVE is looked for at [`GENEVE_PORT`] when that isn't
/// among them.
///
/// # Errors
///
/// Why the packet is no mirrored packet, or can't be unwrapped.
#[inline]
pub fn decapsulate<'a>(packet: &Captured<'a>, ports: &[u16]) -> Result<Mirrored<'a>, NotMirrored> {
    let mut rest = Rest::of_packet(packet);
    let version = link::network(packet.link, &mut rest)?;
    let outer = ip::packet(version, &mut rest)?;
    let found =
        udp::datagram(&outer, &mut rest, |port| ports.contains(&port) || port == GENEVE_PORT)?;
    if found.destination != GENEVE_PORT || ports.contains(&found.destination) {
        mirrored(&outer, found, &mut rest, None)
    } else {
        inside_geneve(&mut rest, ports)
    }
}

fn inside_geneve<'a>(rest: &mut Rest<'a>, ports: &[u16]) -> Result<Mirrored<'a>, NotMirrored> {
    let geneve = Geneve::read(rest)?;
    let packet = ip::packet(geneve.version, rest)?;
    match udp::datagram(&packet, rest, |port| ports.contains(&port)) {
        Ok(found) => mirrored(&packet, found, rest, Some(&geneve)),
        // The port of a packet that someone's load balancer carries explains nothing.
        Err(NotMirrored::OtherPort(_)) => Err(NotMirrored::Other),
        Err(reason) => Err(reason),
    }
}

#[inline]
fn mirrored<'a>(
    packet: &Packet<'a>,
    ports: Ports,
    rest: &mut Rest<'a>,
    geneve: Option<&Geneve>,
) -> Result<Mirrored<'a>, NotMirrored> {
    let vxlan_offset = rest.at;
    let vxlan = Vxlan::read(rest.take::<VXLAN_LEN>(NotMirrored::BadLength)?)?;
    if rest.wire == 0 {
        return Err(NotMirrored::Empty);
    }
    Ok(Mirrored {
        source: packet.header.source(),
        destination: packet.header.destination(),
        source_port: ports.source,
        identification: packet.header.identification(),
        vni: vxlan.vni,
        endpoint: geneve.and_then(|geneve| geneve.endpoint),
        geneve: geneve.is_some(),
        inner: rest.bytes,
        inner_len: rest.wire,
        reserved_bits: vxlan.reserved_bits,
        vxlan_offset,
    })
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;
    use crate::VXLAN_PORT;

    #[rustfmt::skip]
    const PACKET: [u8; 58] = [
        // to----------------  from--------------  type------
        0x02, 0, 0, 0, 0, 2,   0x02, 0, 0, 0, 0, 1,   0x08, 0x00,
        //    tos   total len-  id----  frag--  ttl   udp   checksum
        0x45, 0x00, 0x00, 0x2c, 1, 2,   0, 0,   0xff, 0x11, 0, 0,
        // source------  destination--
        10, 0, 1, 15,    10, 0, 2, 1,
        // sport---  4789------  length----  checksum
        0xff, 0x9d,  0x12, 0xb5, 0x00, 0x18, 0, 0,
        // flags      vni------------
        0x08, 0, 0, 0, 0x04, 0xb4, 0x54, 0,
        // frame
        1, 2, 3, 4, 5, 6, 7, 8,
    ];

    const TOTAL_LEN: usize = 16;
    const FRAGMENT: usize = 20;
    const PROTOCOL: usize = 23;
    const PORT: usize = 36;
    const UDP_LEN: usize = 38;
    const VXLAN: usize = 42;
    const FRAME: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

    fn with(offset: usize, bytes: &[u8]) -> Vec<u8> {
        let mut packet = PACKET.to_vec();
        packet[offset..offset + bytes.len()].copy_from_slice(bytes);
        packet
    }

    fn captured(bytes: &[u8]) -> Captured<'_> {
        let original_len = u32::try_from(bytes.len()).unwrap();
        Captured { link: LinkType::Ethernet, bytes, original_len, fcs_len: 0 }
    }

    fn try_on(bytes: &[u8]) -> Result<Mirrored<'_>, NotMirrored> {
        decapsulate(&captured(bytes), &[VXLAN_PORT])
    }

    /// The captured part of the frame and its length on the wire.
    fn frame<'a>(packet: &Captured<'a>) -> Result<(&'a [u8], u32), NotMirrored> {
        decapsulate(packet, &[VXLAN_PORT]).map(|found| (found.inner, found.inner_len))
    }

    #[test]
    fn a_mirrored_packet_says_where_its_frame_came_from() {
        assert_eq!(
            try_on(&PACKET),
            Ok(Mirrored {
                source: [10, 0, 1, 15].into(),
                destination: [10, 0, 2, 1].into(),
                source_port: 0xff9d,
                identification: 0x0102,
                vni: Vni::new(308_308).unwrap(),
                endpoint: None,
                geneve: false,
                inner: &FRAME,
                inner_len: 8,
                reserved_bits: false,
                vxlan_offset: 42,
            })
        );
    }

    #[test]
    fn every_shorter_capture_is_cut_in_its_headers_or_in_its_frame() {
        for len in 0..PACKET.len() {
            let packet = Captured { bytes: &PACKET[..len], ..captured(&PACKET) };
            let want = match len {
                50.. => Ok((&PACKET[50..len], 8)),
                _ => Err(NotMirrored::HeadersCut),
            };
            assert_eq!(frame(&packet), want, "{len} bytes");
        }
    }

    #[test]
    fn a_capture_that_lost_the_original_length_still_tells_the_frames() {
        for len in 50..PACKET.len() {
            assert_eq!(frame(&captured(&PACKET[..len])), Ok((&PACKET[50..len], 8)));
        }
        // The IP length says that the headers went on.
        for len in 34..50 {
            assert_eq!(frame(&captured(&PACKET[..len])), Err(NotMirrored::HeadersCut), "{len}");
        }
        // Nothing says so: the packet may have been this short.
        for len in 0..34 {
            assert_eq!(frame(&captured(&PACKET[..len])), Err(NotMirrored::Other), "{len}");
        }
    }

    #[test]
    fn padding_and_check_sequence_are_not_the_frame() {
        let padded = [&PACKET[..], &[0xee; 9]].concat();
        for fcs_len in [0, 4] {
            let packet = Captured { fcs_len, ..captured(&padded) };
            assert_eq!(frame(&packet), Ok((&FRAME[..], 8)));
        }
    }

    #[test]
    fn lengths_of_zero_mean_the_end_of_the_packet_on_the_wire() {
        let no_udp_len = with(UDP_LEN, &[0, 0]);
        assert_eq!(frame(&captured(&no_udp_len)), Ok((&FRAME[..], 8)), "the IP length is left");

        let mut no_ip_len = with(TOTAL_LEN, &[0, 0]);
        assert_eq!(frame(&captured(&no_ip_len)), Ok((&FRAME[..], 8)), "the UDP length is left");

        no_ip_len[UDP_LEN..UDP_LEN + 2].fill(0);
        let packet = captured(&no_ip_len);
        assert_eq!(frame(&packet), Ok((&FRAME[..], 8)));
        let with_fcs = Captured { fcs_len: 4, ..packet };
        assert_eq!(frame(&with_fcs), Ok((&FRAME[..4], 4)));
        let cut_before_fcs = Captured { original_len: 1058, ..with_fcs };
        assert_eq!(frame(&cut_before_fcs), Ok((&FRAME[..], 1004)));
        let cut_within_fcs = Captured { original_len: 60, ..with_fcs };
        assert_eq!(frame(&cut_within_fcs), Ok((&FRAME[..6], 6)));
    }

    #[test]
    fn the_shorter_of_udp_and_ip_length_ends_the_frame() {
        for (total_len, udp_len, want) in [
            (44, 24, 8),
            (44, 23, 7),
            (43, 24, 7),
            (44, u16::MAX, 8),
            (u16::MAX, 24, 8),
            (1044, 1024, 1008),
        ] {
            let mut bytes = with(TOTAL_LEN, &u16::to_be_bytes(total_len));
            bytes[UDP_LEN..UDP_LEN + 2].copy_from_slice(&u16::to_be_bytes(udp_len));
            let captured_len = usize::min(8, want);
            let want = Ok((&FRAME[..captured_len], u32::try_from(want).unwrap()));
            assert_eq!(frame(&captured(&bytes)), want, "IP {total_len}, UDP {udp_len}");
        }
    }

    #[test]
    fn no_room_for_vxlan_is_a_bad_length_if_the_port_is_ours() {
        for len in 1..16_u16 {
            let bytes = with(UDP_LEN, &len.to_be_bytes());
            assert_eq!(try_on(&bytes), Err(NotMirrored::BadLength), "UDP length {len}");
        }
        for len in 1..36_u16 {
            let mut bytes = with(TOTAL_LEN, &len.to_be_bytes());
            assert_eq!(try_on(&bytes), Err(NotMirrored::BadLength), "IP length {len}");
            bytes[PORT + 1] = 53;
            let port = u16::from_be_bytes([0x12, 53]);
            let want = if len < 28 { NotMirrored::Other } else { NotMirrored::OtherPort(port) };
            assert_eq!(try_on(&bytes), Err(want), "IP length {len}, another port");
        }
        // Told even where the capture ends within the UDP header.
        let short = with(TOTAL_LEN, &[0, 27]);
        assert_eq!(try_on(&short[..38]), Err(NotMirrored::BadLength));
        assert_eq!(try_on(&short[..37]), Err(NotMirrored::Other));
    }

    #[test]
    fn a_header_with_nothing_behind_it_is_empty() {
        assert_eq!(try_on(&with(UDP_LEN, &[0, 16])), Err(NotMirrored::Empty));
        assert_eq!(try_on(&with(TOTAL_LEN, &[0, 36])), Err(NotMirrored::Empty));
    }

    #[test]
    fn only_the_given_ports_are_taken_for_vxlan() {
        let other = with(PORT, &8472_u16.to_be_bytes());
        assert_eq!(try_on(&other), Err(NotMirrored::OtherPort(8472)));
        assert!(decapsulate(&captured(&other), &[VXLAN_PORT, 8472]).is_ok());
        assert_eq!(decapsulate(&captured(&PACKET), &[]), Err(NotMirrored::OtherPort(VXLAN_PORT)));
        // Someone's VXLAN on the port of GENEVE.
        let odd = with(PORT, &GENEVE_PORT.to_be_bytes());
        assert!(decapsulate(&captured(&odd), &[GENEVE_PORT]).is_ok());
        assert_eq!(try_on(&odd), Err(NotMirrored::Other));
    }

    #[test]
    fn other_protocols_are_something_else() {
        for protocol in (0..=u8::MAX).filter(|protocol| *protocol != 17) {
            assert_eq!(try_on(&with(PROTOCOL, &[protocol])), Err(NotMirrored::Other));
        }
    }

    /// One bit at a time, of flags and fragment offset.
    #[test]
    fn only_the_more_flag_and_the_offset_make_a_fragment() {
        for bit in 0..16 {
            let field = u16::to_be_bytes(1 << bit);
            let want = match bit {
                14 | 15 => None,
                _ => Some(NotMirrored::Fragment),
            };
            assert_eq!(try_on(&with(FRAGMENT, &field)).err(), want, "bit {bit}");
        }
    }

    #[test]
    fn a_fragment_is_ours_by_its_port_if_it_has_one() {
        let first = |port: u16| {
            let mut bytes = with(FRAGMENT, &[0x20, 0]);
            bytes[PORT..PORT + 2].copy_from_slice(&port.to_be_bytes());
            bytes
        };
        let later = with(FRAGMENT, &[0x00, 0x01]);
        assert_eq!(try_on(&first(VXLAN_PORT)), Err(NotMirrored::Fragment));
        assert_eq!(try_on(&first(GENEVE_PORT)), Err(NotMirrored::Fragment));
        assert_eq!(try_on(&first(53)), Err(NotMirrored::OtherPort(53)));
        assert_eq!(try_on(&later), Err(NotMirrored::Fragment));
        let mut later_tcp = later.clone();
        later_tcp[PROTOCOL] = 6;
        assert_eq!(try_on(&later_tcp), Err(NotMirrored::Other));

        // The capture ends behind the port of the first one, and before it.
        let cut = |len| Captured { original_len: 58, ..captured(&PACKET[..len]) };
        let bytes = first(VXLAN_PORT);
        let at = |len| decapsulate(&Captured { bytes: &bytes[..len], ..cut(len) }, &[VXLAN_PORT]);
        assert_eq!(at(38), Err(NotMirrored::Fragment));
        assert_eq!(at(37), Err(NotMirrored::HeadersCut));
    }

    #[test]
    fn a_cut_packet_that_can_be_told_is_told() {
        let cut = |bytes: &[u8], len: usize| {
            let packet = Captured { original_len: 58, ..captured(&bytes[..len]) };
            decapsulate(&packet, &[VXLAN_PORT]).err()
        };
        let dns = with(PORT, &[0, 53]);
        assert_eq!(cut(&dns, 38), Some(NotMirrored::OtherPort(53)));
        assert_eq!(cut(&dns, 37), Some(NotMirrored::HeadersCut));
        let mut tcp_options = with(PROTOCOL, &[6]);
        tcp_options[14] = 0x48;
        assert_eq!(cut(&tcp_options, 24), Some(NotMirrored::Other));
        assert_eq!(cut(&tcp_options, 23), Some(NotMirrored::HeadersCut));
        assert_eq!(cut(&with(14, &[0x65]), 15), Some(NotMirrored::Other));
        assert_eq!(cut(&with(14, &[0x44]), 15), Some(NotMirrored::Other));
    }

    #[test]
    fn an_ip_header_of_the_wrong_version_or_length_is_something_else() {
        for first in 0..=u8::MAX {
            // An IPv4 header of 6 words and more has the UDP header elsewhere.
            let want = match first {
                0x45 => None,
                0x46..=0x4f => continue,
                _ => Some(NotMirrored::Other),
            };
            assert_eq!(try_on(&with(14, &[first])).err(), want, "0x{first:02x}");
        }
    }

    #[test]
    fn one_vxlan_is_taken_off_and_never_two() {
        let mut outer = PACKET[..VXLAN + 8].to_vec();
        outer[TOTAL_LEN..TOTAL_LEN + 2].copy_from_slice(&u16::to_be_bytes(36 + 58));
        outer[UDP_LEN..UDP_LEN + 2].copy_from_slice(&u16::to_be_bytes(16 + 58));
        outer.extend(PACKET);
        assert_eq!(frame(&captured(&outer)), Ok((&PACKET[..], 58)));
    }

    #[test]
    fn reasons_of_the_vxlan_header_come_through() {
        assert_eq!(try_on(&with(VXLAN, &[0])), Err(NotMirrored::NoVni { flags: 0 }));
        let gpe = with(VXLAN, &[0x0c, 0, 0, 1]);
        assert_eq!(try_on(&gpe), Err(NotMirrored::Gpe { next_protocol: 1 }));
        assert!(try_on(&with(VXLAN + 7, &[1])).unwrap().reserved_bits);
    }

    #[test]
    fn a_lying_original_length_changes_nothing_that_the_headers_tell() {
        for original_len in [0, 1, 49, 57, 59, 1 << 31, u32::MAX] {
            for fcs_len in [0, 4] {
                let packet = Captured { original_len, fcs_len, ..captured(&PACKET) };
                assert_eq!(frame(&packet), Ok((&FRAME[..], 8)), "original length {original_len}");
            }
        }
    }
}
