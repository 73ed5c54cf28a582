//! The IP header, and where what it carries ends.
//!
//! The end is the point: Ethernet pads short packets and appends a check sequence, tools append
//! trailers, and only the IP length tells them from the packet. A length of zero says that the
//! packet was too long for the field (segmentation offload, jumbograms); then the end of the packet
//! on the wire is the best that is known.

use core::net::IpAddr;

use etherparse::{Ipv4HeaderSlice, Ipv6HeaderSlice};

use crate::{NotMirrored, link::Version, rest::Rest};

/// An IP header, and what the headers behind it say of the packet.
///
/// Addresses are copied only for packets that turn out to be ours: they are most of what there is
/// to copy.
pub(crate) struct Packet<'a> {
    pub header: Header<'a>,
    /// Protocol number behind the last extension header.
    pub protocol: u8,
    pub part: Part,
}

#[derive(Clone, Copy)]
pub(crate) enum Header<'a> {
    V4(Ipv4HeaderSlice<'a>),
    V6(Ipv6HeaderSlice<'a>),
}

impl Header<'_> {
    #[inline]
    pub fn source(&self) -> IpAddr {
        match self {
            Header::V4(header) => IpAddr::V4(header.source_addr()),
            Header::V6(header) => IpAddr::V6(header.source_addr()),
        }
    }

    #[inline]
    pub fn destination(&self) -> IpAddr {
        match self {
            Header::V4(header) => IpAddr::V4(header.destination_addr()),
            Header::V6(header) => IpAddr::V6(header.destination_addr()),
        }
    }

    /// The identification of IPv4; 0 for IPv6, whose header has none.
    #[inline]
    pub fn identification(&self) -> u16 {
        match self {
            Header::V4(header) => header.identification(),
            Header::V6(_) => 0,
        }
    }
}

/// Which part of an IP packet this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    FirstFragment,
    LaterFragment,
}

impl Part {
    pub fn new(offset: u16, more: bool) -> Part {
        match (offset, more) {
            (0, false) => Part::Whole,
            (0, true) => Part::FirstFragment,
            _ => Part::LaterFragment,
        }
    }
}

/// Extension headers that we walk over. More than these make a packet something else.
const MAX_EXTENSIONS: usize = 8;

pub(crate) const PROTOCOL_UDP: u8 = 17;

/// Step over an IP header, and IPv6 extension headers.
///
/// `rest` then ends where the header says. Its captured bytes aren't cut there yet, so that the
/// port of a packet whose lengths lie can be named.
///
/// # Errors
///
/// `Other` when there is no such header, `HeadersCut` when the capture ended within it.
#[inline]
pub(crate) fn packet<'a>(version: Version, rest: &mut Rest<'a>) -> Result<Packet<'a>, NotMirrored> {
    match version {
        Version::V4 => v4(rest),
        Version::V6 => v6(rest),
    }
}

#[inline]
fn v4<'a>(rest: &mut Rest<'a>) -> Result<Packet<'a>, NotMirrored> {
    let Ok(header) = Ipv4HeaderSlice::from_slice(rest.bytes) else {
        return Err(no_v4_header(rest));
    };
    let wire = match header.total_len() {
        0 => rest.wire,
        total => rest.told(u32::from(total)),
    };
    rest.step_over(header.slice().len(), wire);
    Ok(Packet {
        header: Header::V4(header),
        protocol: header.protocol().0,
        part: Part::new(header.fragments_offset().value(), header.more_fragments()),
    })
}

/// Tell a header that was cut from one that isn't there, by as much of it as there is.
#[cold]
fn no_v4_header(rest: &Rest<'_>) -> NotMirrored {
    let Some(&first) = rest.bytes.first() else {
        return rest.missing(20, NotMirrored::Other);
    };
    let (version, header_len) = (first >> 4, usize::from(first & 0x0f) * 4);
    let protocol = rest.bytes.get(9).copied().unwrap_or(PROTOCOL_UDP);
    if version != 4 || header_len < 20 || protocol != PROTOCOL_UDP {
        return NotMirrored::Other;
    }
    rest.missing(header_len, NotMirrored::Other)
}

fn v6<'a>(rest: &mut Rest<'a>) -> Result<Packet<'a>, NotMirrored> {
    let Ok(header) = Ipv6HeaderSlice::from_slice(rest.bytes) else {
        return Err(match rest.bytes.first() {
            Some(first) if first >> 4 != 6 => NotMirrored::Other,
            _ => rest.missing(40, NotMirrored::Other),
        });
    };
    let wire = match header.payload_length() {
        0 => rest.wire,
        payload => rest.told(40 + u32::from(payload)),
    };
    rest.step_over(40, wire);
    let (protocol, part) = v6_extensions(header.next_header().0, rest)?;
    Ok(Packet { header: Header::V6(header), protocol, part })
}

/// Walk over extension headers, and say what is behind them and whether it is a fragment.
fn v6_extensions(mut next: u8, rest: &mut Rest<'_>) -> Result<(u8, Part), NotMirrored> {
    let mut part = Part::Whole;
    for _ in 0..MAX_EXTENSIONS {
        // The length fields count in different units: 8 bytes behind the first 8 (RFC 8200), or
        // 4 bytes behind the first 8 for the authentication header (RFC 4302 section 2.2).
        let unit = match next {
            0 | 43 | 60 => 8,
            51 => 4,
            44 => 0,
            _ => return Ok((next, part)),
        };
        let [following, length, high, low, ..] = *rest.take::<8>(NotMirrored::Other)?;
        if unit == 0 {
            //= https://www.rfc-editor.org/rfc/rfc8200#section-4.5
            //# If the fragment is a whole datagram (that is, both the Fragment Offset field and
            //# the M flag are zero), then it does not need any further reassembly
            let field = u16::from_be_bytes([high, low]);
            part = Part::new(field >> 3, field & 1 != 0);
            if part == Part::LaterFragment {
                // What follows is the middle of something, not a header.
                return Ok((following, part));
            }
        } else {
            rest.take_slice(usize::from(length) * unit, NotMirrored::Other)?;
        }
        next = following;
    }
    match next {
        0 | 43 | 44 | 51 | 60 => Err(NotMirrored::Other),
        _ => Ok((next, part)),
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::{vec, vec::Vec};

    use super::*;
    use crate::{Captured, LinkType};

    /// An IPv6 header, extension headers, and 8 bytes of payload.
    fn v6_packet(next: u8, extensions: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x60, 0, 0, 0, 0, 0, next, 64];
        bytes.extend([0xaa; 16]);
        bytes.extend([0xbb; 16]);
        bytes.extend(extensions);
        bytes.extend([0; 8]);
        let payload_len = u16::try_from(bytes.len() - 40).unwrap();
        bytes[4..6].copy_from_slice(&payload_len.to_be_bytes());
        bytes
    }

    /// Protocol, part, and where the payload begins.
    fn found(version: Version, bytes: &[u8]) -> Result<(u8, Part, usize), NotMirrored> {
        let original_len = 1500;
        let mut rest =
            Rest::of_packet(&Captured { link: LinkType::Raw, bytes, original_len, fcs_len: 0 });
        packet(version, &mut rest).map(|packet| (packet.protocol, packet.part, rest.at))
    }

    #[test]
    fn each_extension_header_is_walked_over_by_its_own_length() {
        for kind in [0, 43, 60] {
            let short = v6_packet(kind, &[17, 0, 9, 9, 9, 9, 9, 9]);
            assert_eq!(found(Version::V6, &short), Ok((17, Part::Whole, 48)), "kind {kind}");
            let long = v6_packet(kind, &[&[6, 2][..], &[9; 22]].concat());
            assert_eq!(found(Version::V6, &long), Ok((6, Part::Whole, 64)), "kind {kind}");
        }
        // The authentication header counts in words of four bytes, minus two.
        let authentication = v6_packet(51, &[&[17, 4][..], &[9; 22]].concat());
        assert_eq!(found(Version::V6, &authentication), Ok((17, Part::Whole, 64)));
        // Its length is fixed; the byte is reserved.
        let atomic = v6_packet(44, &[17, 0xff, 0, 0, 0, 0, 0, 1]);
        assert_eq!(found(Version::V6, &atomic), Ok((17, Part::Whole, 48)));
    }

    /// One bit at a time: 13 of offset, two reserved, one M.
    #[test]
    fn an_atomic_fragment_is_none_and_any_other_is_one() {
        for bit in 0..16 {
            let [high, low] = u16::to_be_bytes(1 << bit);
            let bytes = v6_packet(44, &[17, 0, high, low, 0, 0, 0, 1]);
            let part = match bit {
                0 => Part::FirstFragment,
                1 | 2 => Part::Whole,
                _ => Part::LaterFragment,
            };
            assert_eq!(found(Version::V6, &bytes), Ok((17, part, 48)), "bit {bit}");
        }
    }

    #[test]
    fn behind_a_later_fragment_header_nothing_is_read() {
        let bytes = v6_packet(44, &[60, 0, 0, 8, 0, 0, 0, 1]);
        assert_eq!(found(Version::V6, &bytes), Ok((60, Part::LaterFragment, 48)));
    }

    #[test]
    fn a_first_fragment_stays_one_behind_more_headers() {
        let bytes = v6_packet(44, &[60, 0, 0, 1, 0, 0, 0, 1, 17, 0, 1, 4, 0, 0, 0, 0]);
        assert_eq!(found(Version::V6, &bytes), Ok((17, Part::FirstFragment, 56)));
    }

    #[test]
    fn eight_extension_headers_are_walked_over_and_a_ninth_is_not() {
        for count in 0..=9_usize {
            let mut extensions = Vec::new();
            for place in 1..=count {
                extensions.extend([if place == count { 17 } else { 60 }, 0, 1, 4, 0, 0, 0, 0]);
            }
            let bytes = v6_packet(if count == 0 { 17 } else { 60 }, &extensions);
            let want = if count <= 8 {
                Ok((17, Part::Whole, 40 + 8 * count))
            } else {
                Err(NotMirrored::Other)
            };
            assert_eq!(found(Version::V6, &bytes), want, "{count} headers");
        }
    }

    #[test]
    fn an_extension_header_has_to_fit_the_packet() {
        let mut bytes = v6_packet(60, &[17, 1, 1, 4, 0, 0, 0, 0]);
        assert_eq!(found(Version::V6, &bytes), Ok((17, Part::Whole, 56)), "the whole payload");
        bytes[41] = 2;
        assert_eq!(found(Version::V6, &bytes), Err(NotMirrored::Other), "8 bytes too many");
        bytes[4..6].copy_from_slice(&24_u16.to_be_bytes());
        assert_eq!(found(Version::V6, &bytes), Err(NotMirrored::HeadersCut), "8 not captured");
    }

    #[test]
    fn every_shorter_prefix_is_cut() {
        let v6 = v6_packet(60, &[44, 0, 1, 4, 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0, 1]);
        for len in 0..56 {
            assert_eq!(found(Version::V6, &v6[..len]), Err(NotMirrored::HeadersCut), "{len}");
        }
        let mut v4 = vec![0x48, 0, 0, 40, 0, 0, 0, 0, 64, 17, 0, 0];
        v4.resize(40, 0);
        assert_eq!(found(Version::V4, &v4), Ok((17, Part::Whole, 32)));
        for len in 0..32 {
            assert_eq!(found(Version::V4, &v4[..len]), Err(NotMirrored::HeadersCut), "{len}");
        }
    }

    #[test]
    fn the_version_has_to_be_the_one_announced() {
        let mut bytes = v6_packet(17, &[]);
        assert_eq!(found(Version::V4, &bytes), Err(NotMirrored::Other));
        assert_eq!(found(Version::V4, &bytes[..1]), Err(NotMirrored::Other));
        bytes[0] = 0x45;
        assert_eq!(found(Version::V6, &bytes), Err(NotMirrored::Other));
        assert_eq!(found(Version::V6, &bytes[..1]), Err(NotMirrored::Other));
    }

    #[test]
    fn addresses_are_those_of_the_header() {
        let bytes = v6_packet(17, &[]);
        let mut rest = Rest::of_frame(&bytes);
        let header = packet(Version::V6, &mut rest).unwrap().header;
        assert_eq!((header.source(), header.destination()), ([0xaa; 16].into(), [0xbb; 16].into()));
        let bytes = [0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
        let header = packet(Version::V4, &mut Rest::of_frame(&bytes)).unwrap().header;
        assert_eq!(
            (header.source(), header.destination()),
            ([1, 2, 3, 4].into(), [5, 6, 7, 8].into())
        );
    }
}
