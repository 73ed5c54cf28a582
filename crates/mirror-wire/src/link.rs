//! From the link layer down to the IP header.
//!
//! The same mirror traffic is captured with quite different first bytes: `tcpdump -i eth0` gives
//! Ethernet, `-i any` a cooked header in one of two versions, a tunnel device bare IP, BSD and
//! loopback devices an address family. All of them are brought to one question here: where does
//! the IP header begin, and which version does it have?

use crate::{NotMirrored, rest::Rest};

/// Link types that a capture of mirror traffic has, as pcap and pcapng name them.
///
/// See <https://www.tcpdump.org/linktypes.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkType {
    /// `LINKTYPE_ETHERNET` (1).
    Ethernet,
    /// `LINKTYPE_LINUX_SLL` (113), the 16-byte cooked header.
    LinuxSll,
    /// `LINKTYPE_LINUX_SLL2` (276), the 20-byte cooked header.
    LinuxSll2,
    /// `LINKTYPE_RAW` (101), `LINKTYPE_IPV4` (228), `LINKTYPE_IPV6` (229), and 12, which is raw IP
    /// in files of most systems: the packet begins with its IP header.
    Raw,
    /// `LINKTYPE_NULL` (0): four bytes of address family in the byte order of the machine that
    /// captured.
    Null,
    /// `LINKTYPE_LOOP` (108): the same, big-endian.
    Loop,
}

impl LinkType {
    /// The link type that an Interface Description Block or pcap header calls `code`. `None` for
    /// link types that we don't look into.
    pub fn from_code(code: u16) -> Option<LinkType> {
        match code {
            0 => Some(LinkType::Null),
            1 => Some(LinkType::Ethernet),
            12 | 101 | 228 | 229 => Some(LinkType::Raw),
            108 => Some(LinkType::Loop),
            113 => Some(LinkType::LinuxSll),
            276 => Some(LinkType::LinuxSll2),
            _ => None,
        }
    }
}

/// Version of an IP header, as the layer outside of it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V4,
    V6,
}

/// Bytes of an Ethernet header.
pub(crate) const ETHERNET_LEN: usize = 14;

/// VLAN tags that we look through. A fourth one makes a packet something else.
const MAX_VLAN_TAGS: usize = 3;

pub(crate) const ETHER_TYPE_IPV4: u16 = 0x0800;
pub(crate) const ETHER_TYPE_IPV6: u16 = 0x86dd;

/// Step over the link layer of a captured packet, to its IP header.
///
/// # Errors
///
/// `Other` when the packet isn't IP, `HeadersCut` when the capture ended before that could be told.
#[inline]
pub(crate) fn network(link: LinkType, rest: &mut Rest<'_>) -> Result<Version, NotMirrored> {
    if link == LinkType::Ethernet { ethernet(rest) } else { without_ethernet(link, rest) }
}

/// Step over an Ethernet header and its VLAN tags, to an IP header.
///
/// # Errors
///
/// As [`network`].
#[inline]
pub(crate) fn ethernet(rest: &mut Rest<'_>) -> Result<Version, NotMirrored> {
    let [.., high, low] = *rest.take::<ETHERNET_LEN>(NotMirrored::Other)?;
    behind_ether_type(u16::from_be_bytes([high, low]), rest)
}

fn without_ethernet(link: LinkType, rest: &mut Rest<'_>) -> Result<Version, NotMirrored> {
    match link {
        LinkType::Ethernet => ethernet(rest),
        LinkType::LinuxSll => {
            let [.., high, low] = *rest.take::<16>(NotMirrored::Other)?;
            behind_ether_type(u16::from_be_bytes([high, low]), rest)
        }
        LinkType::LinuxSll2 => {
            let [high, low, ..] = *rest.take::<20>(NotMirrored::Other)?;
            behind_ether_type(u16::from_be_bytes([high, low]), rest)
        }
        LinkType::Raw => match rest.bytes.first().map(|byte| byte >> 4) {
            Some(4) => Ok(Version::V4),
            Some(6) => Ok(Version::V6),
            Some(_) => Err(NotMirrored::Other),
            None => Err(rest.missing(1, NotMirrored::Other)),
        },
        LinkType::Null => {
            let family = *rest.take::<4>(NotMirrored::Other)?;
            version_of_family(u32::from_be_bytes(family))
                .or_else(|| version_of_family(u32::from_le_bytes(family)))
                .ok_or(NotMirrored::Other)
        }
        LinkType::Loop => {
            let family = *rest.take::<4>(NotMirrored::Other)?;
            version_of_family(u32::from_be_bytes(family)).ok_or(NotMirrored::Other)
        }
    }
}

#[inline]
fn behind_ether_type(ether_type: u16, rest: &mut Rest<'_>) -> Result<Version, NotMirrored> {
    match ether_type {
        ETHER_TYPE_IPV4 => Ok(Version::V4),
        ETHER_TYPE_IPV6 => Ok(Version::V6),
        _ => behind_tags(ether_type, rest),
    }
}

/// Look through VLAN tags.
#[cold]
fn behind_tags(mut ether_type: u16, rest: &mut Rest<'_>) -> Result<Version, NotMirrored> {
    for _ in 0..MAX_VLAN_TAGS {
        if !is_tag(ether_type) {
            break;
        }
        let [_, _, high, low] = *rest.take::<4>(NotMirrored::Other)?;
        ether_type = u16::from_be_bytes([high, low]);
    }
    match ether_type {
        ETHER_TYPE_IPV4 => Ok(Version::V4),
        ETHER_TYPE_IPV6 => Ok(Version::V6),
        _ => Err(NotMirrored::Other),
    }
}

/// The EtherType of a packet that isn't IP, behind its VLAN tags, if its link layer has one and the
/// bytes reach so far.
pub(crate) fn ether_type(link: LinkType, bytes: &[u8]) -> Option<u16> {
    let (mut at, mut behind) = match link {
        LinkType::Ethernet => (12, 14),
        LinkType::LinuxSll => (14, 16),
        LinkType::LinuxSll2 => (0, 20),
        LinkType::Raw | LinkType::Null | LinkType::Loop => return None,
    };
    let read = |at: usize| bytes.get(at..)?.first_chunk().map(|pair| u16::from_be_bytes(*pair));
    let mut ether_type = read(at)?;
    for _ in 0..MAX_VLAN_TAGS {
        if !is_tag(ether_type) {
            break;
        }
        (at, behind) = (behind + 2, behind + 4);
        ether_type = read(at)?;
    }
    Some(ether_type)
}

/// 802.1Q, 802.1ad, and the two values used before 802.1ad was written.
fn is_tag(ether_type: u16) -> bool {
    matches!(ether_type, 0x8100 | 0x88a8 | 0x9100 | 0x9200)
}

/// `AF_INET` has one value everywhere. `AF_INET6` is 10 on Linux, 24 on NetBSD and OpenBSD, 28 on
/// FreeBSD, 30 on macOS.
fn version_of_family(family: u32) -> Option<Version> {
    match family {
        2 => Some(Version::V4),
        10 | 24 | 28 | 30 => Some(Version::V6),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Captured;

    /// The version found and where the IP header begins.
    fn found(link: LinkType, bytes: &[u8]) -> Result<(Version, usize), NotMirrored> {
        let mut rest = Rest::of_packet(&Captured { link, bytes, original_len: 1500, fcs_len: 0 });
        network(link, &mut rest).map(|version| (version, rest.at))
    }

    #[test]
    fn each_link_type_has_its_codes_and_others_none() {
        let codes = [
            (0, LinkType::Null),
            (1, LinkType::Ethernet),
            (12, LinkType::Raw),
            (101, LinkType::Raw),
            (108, LinkType::Loop),
            (113, LinkType::LinuxSll),
            (228, LinkType::Raw),
            (229, LinkType::Raw),
            (276, LinkType::LinuxSll2),
        ];
        for code in 0..=u16::MAX {
            let want = codes.iter().find(|(known, _)| *known == code).map(|(_, link)| *link);
            assert_eq!(LinkType::from_code(code), want, "code {code}");
        }
    }

    //                    dst----------------  src----------------  type------
    const ETH: [u8; 14] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00];
    //                    type  arphrd len   address--------------- protocol--
    const SLL: [u8; 16] = [0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x86, 0xdd];
    //                     protocol--  0  0  interface   arphrd type len address---------------
    const SLL2: [u8; 20] = [0x08, 0x00, 0, 0, 0, 0, 0, 2, 0, 1, 4, 6, 2, 0, 0, 0, 0, 1, 0, 0];

    #[test]
    fn each_link_type_leads_to_its_ip_header() {
        assert_eq!(found(LinkType::Ethernet, &ETH), Ok((Version::V4, 14)));
        assert_eq!(found(LinkType::LinuxSll, &SLL), Ok((Version::V6, 16)));
        assert_eq!(found(LinkType::LinuxSll2, &SLL2), Ok((Version::V4, 20)));
        assert_eq!(found(LinkType::Raw, &[0x45]), Ok((Version::V4, 0)));
        assert_eq!(found(LinkType::Raw, &[0x60]), Ok((Version::V6, 0)));
        assert_eq!(found(LinkType::Raw, &[0x50]), Err(NotMirrored::Other));
    }

    #[test]
    fn every_shorter_prefix_is_cut() {
        for (link, header) in [
            (LinkType::Ethernet, &ETH[..]),
            (LinkType::LinuxSll, &SLL),
            (LinkType::LinuxSll2, &SLL2),
            (LinkType::Raw, &[0x45]),
            (LinkType::Null, &[2, 0, 0, 0]),
            (LinkType::Loop, &[0, 0, 0, 2]),
        ] {
            for len in 0..header.len() {
                assert_eq!(found(link, &header[..len]), Err(NotMirrored::HeadersCut), "{link:?}");
            }
        }
    }

    #[test]
    fn three_vlan_tags_are_looked_through_and_a_fourth_is_not() {
        extern crate std;
        for tag in [[0x81, 0x00], [0x88, 0xa8], [0x91, 0x00], [0x92, 0x00]] {
            for tags in 0..=4 {
                let mut bytes = ETH[..12].to_vec();
                for _ in 0..tags {
                    bytes.extend(tag);
                    bytes.extend([0, 7]);
                }
                bytes.extend([0x86, 0xdd]);
                let want = if tags < 4 {
                    Ok((Version::V6, 14 + 4 * tags))
                } else {
                    Err(NotMirrored::Other)
                };
                assert_eq!(found(LinkType::Ethernet, &bytes), want, "{tags} tags {tag:02x?}");
            }
        }
        assert_eq!(
            found(LinkType::LinuxSll, &[&SLL[..14], &[0x81, 0, 0, 7, 8, 0]].concat()),
            Ok((Version::V4, 20))
        );
        assert_eq!(
            found(LinkType::Ethernet, &[&ETH[..12], &[0x81, 0, 0, 7, 8]].concat()),
            Err(NotMirrored::HeadersCut)
        );
    }

    #[test]
    fn ether_types_other_than_ip_are_something_else() {
        for ether_type in 0..=u16::MAX {
            let [high, low] = ether_type.to_be_bytes();
            let mut bytes = ETH;
            bytes[12] = high;
            bytes[13] = low;
            let want = match ether_type {
                0x0800 => Ok((Version::V4, 14)),
                0x86dd => Ok((Version::V6, 14)),
                0x8100 | 0x88a8 | 0x9100 | 0x9200 => Err(NotMirrored::HeadersCut),
                _ => Err(NotMirrored::Other),
            };
            assert_eq!(found(LinkType::Ethernet, &bytes), want, "0x{ether_type:04x}");
        }
    }

    #[test]
    fn a_null_header_has_either_byte_order_and_a_loop_header_one() {
        for family in 0..=0xffff_u32 {
            let want = match family {
                2 => Ok((Version::V4, 4)),
                10 | 24 | 28 | 30 => Ok((Version::V6, 4)),
                _ => Err(NotMirrored::Other),
            };
            assert_eq!(found(LinkType::Null, &family.to_be_bytes()), want, "family {family}");
            assert_eq!(found(LinkType::Null, &family.to_le_bytes()), want, "family {family}");
            assert_eq!(found(LinkType::Loop, &family.to_be_bytes()), want, "family {family}");
        }
        assert_eq!(found(LinkType::Loop, &[2, 0, 0, 0]), Err(NotMirrored::Other));
    }
}
