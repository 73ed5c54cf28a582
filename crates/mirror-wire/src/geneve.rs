//! The GENEVE header that a Gateway Load Balancer puts around mirror traffic.
//!
//! Its options are a list whose lengths nobody has checked. We want one of them, the endpoint,
//! because it tells apart mirror sessions of accounts that use the same addresses and VNIs; when
//! the list is broken we do without it, for the packet behind the options is still where the header
//! says.
//!
//! Options are documented at
//! <https://aws.amazon.com/blogs/networking-and-content-delivery/integrate-your-custom-logic-or-appliance-with-aws-gateway-load-balancer/>.

use crate::{
    Endpoint, NotMirrored,
    link::{self, ETHER_TYPE_IPV4, ETHER_TYPE_IPV6, Version},
    rest::Rest,
};

/// The UDP port of GENEVE (RFC 8926 section 3.3).
pub const GENEVE_PORT: u16 = 6081;

/// Option class of Amazon.
pub(crate) const CLASS_AMAZON: u16 = 0x0108;
/// Option type of the endpoint's id, 8 bytes.
pub(crate) const TYPE_ENDPOINT: u8 = 1;
/// Option type of the attachment's id, 8 bytes.
pub(crate) const TYPE_ATTACHMENT: u8 = 2;
/// Option type of the flow cookie, 4 bytes.
pub(crate) const TYPE_FLOW_COOKIE: u8 = 3;

/// Protocol Type of an Ethernet frame (Transparent Ethernet Bridging).
const BRIDGED_ETHERNET: u16 = 0x6558;

/// What a GENEVE header says.
pub(crate) struct Geneve {
    pub endpoint: Option<Endpoint>,
    /// Version of the IP header inside.
    pub version: Version,
}

impl Geneve {
    /// Step over a GENEVE header, its options, and an Ethernet header if one follows, to the IP
    /// header inside.
    ///
    /// # Errors
    ///
    /// `Other` for control packets, versions and protocols that can't carry mirror traffic;
    /// `BadLength` and `HeadersCut` when the header has no room or was not captured.
    pub fn read(rest: &mut Rest<'_>) -> Result<Geneve, NotMirrored> {
        let [first, second, high, low, ..] = *rest.take::<8>(NotMirrored::BadLength)?;
        //= https://www.rfc-editor.org/rfc/rfc8926#section-3.4
        //# Packets received by a tunnel endpoint with an unknown version MUST be dropped.
        let version = first >> 6;
        let control = second & 0x80 != 0;
        let protocol = u16::from_be_bytes([high, low]);
        let carries_packets =
            matches!(protocol, ETHER_TYPE_IPV4 | ETHER_TYPE_IPV6 | BRIDGED_ETHERNET);
        if version != 0 || control || !carries_packets {
            return Err(NotMirrored::Other);
        }
        let options_len = usize::from(first & 0x3f) * 4;
        let options = rest.take_slice(options_len, NotMirrored::BadLength)?;
        let version = match protocol {
            ETHER_TYPE_IPV4 => Version::V4,
            ETHER_TYPE_IPV6 => Version::V6,
            _ => link::ethernet(rest)?,
        };
        Ok(Geneve { endpoint: endpoint(options), version })
    }
}

/// The first endpoint among the options, up to the first option that doesn't fit.
fn endpoint(mut options: &[u8]) -> Option<Endpoint> {
    while let Some(([high, low, kind, length], behind)) = options.split_first_chunk::<4>() {
        //= https://www.rfc-editor.org/rfc/rfc8926#section-3.5
        //# Length of the option, expressed in 4-byte multiples, excluding the option header.
        let (data, following) = behind.split_at_checked(usize::from(length & 0x1f) * 4)?;
        if u16::from_be_bytes([*high, *low]) == CLASS_AMAZON
            && *kind == TYPE_ENDPOINT
            && let Ok(id) = <[u8; 8]>::try_from(data)
        {
            return Some(Endpoint::new(u64::from_be_bytes(id)));
        }
        options = following;
    }
    None
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;
    use crate::{Captured, LinkType};

    //                       opts  flags protocol--  vni----- rsvd
    const HEADER: [u8; 8] = [0x00, 0x00, 0x08, 0x00, 0, 0, 0, 0];
    //                          class-----  type  length  id-----------------------
    const ENDPOINT: [u8; 12] = [0x01, 0x08, 0x01, 0x02, 0, 0, 0, 0, 0x1a, 0x2b, 0x3c, 0x4d];

    fn read(bytes: &[u8], wire: u32) -> Result<(Version, Option<u64>, usize), NotMirrored> {
        let link = LinkType::Raw;
        let mut rest = Rest::of_packet(&Captured { link, bytes, original_len: wire, fcs_len: 0 });
        let Geneve { endpoint, version } = Geneve::read(&mut rest)?;
        Ok((version, endpoint.map(Endpoint::get), rest.at))
    }

    fn with_options(options: &[u8]) -> Vec<u8> {
        let mut bytes = [&HEADER, options].concat();
        bytes[0] = u8::try_from(options.len() / 4).unwrap();
        bytes
    }

    /// What is found among options that fill their room.
    fn endpoint_of(options: &[u8]) -> Option<u64> {
        let (version, endpoint, at) = read(&with_options(options), 1500).unwrap();
        assert_eq!((version, at), (Version::V4, 8 + options.len()));
        endpoint
    }

    #[test]
    fn the_protocol_says_what_is_inside() {
        let of = |high, low| read(&[0, 0, high, low, 0, 0, 0, 0], 1500);
        assert_eq!(of(0x08, 0x00), Ok((Version::V4, None, 8)));
        assert_eq!(of(0x86, 0xdd), Ok((Version::V6, None, 8)));
        assert_eq!(of(0x65, 0x58), Err(NotMirrored::HeadersCut), "its Ethernet header");
        assert_eq!(of(0x08, 0x06), Err(NotMirrored::Other));
        assert_eq!(of(0x88, 0x47), Err(NotMirrored::Other));

        let mut bridged = HEADER.to_vec();
        bridged[2..4].copy_from_slice(&[0x65, 0x58]);
        bridged.extend([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x81, 0, 0, 5, 0x86, 0xdd]);
        assert_eq!(read(&bridged, 1500), Ok((Version::V6, None, 26)));
    }

    /// One bit at a time of version, option length, and the flags.
    #[test]
    fn only_version_and_control_bit_refuse_a_packet() {
        for bit in 0..16 {
            let mut bytes = [HEADER.to_vec(), [0; 200].to_vec()].concat();
            bytes[bit / 8] |= 0x80 >> (bit % 8);
            let want = match bit {
                0 | 1 | 8 => Err(NotMirrored::Other),
                2..=7 => Ok((Version::V4, None, 8 + (4 << (7 - bit)))),
                _ => Ok((Version::V4, None, 8)),
            };
            assert_eq!(read(&bytes, 1500), want, "bit {bit}");
        }
    }

    #[test]
    fn every_shorter_prefix_is_cut_or_a_bad_length() {
        let bytes = with_options(&ENDPOINT);
        for len in 0..bytes.len() {
            assert_eq!(read(&bytes[..len], 1500), Err(NotMirrored::HeadersCut), "{len} captured");
            let wire = u32::try_from(len).unwrap();
            assert_eq!(read(&bytes[..len], wire), Err(NotMirrored::BadLength), "{len} sent");
        }
    }

    #[test]
    fn the_first_endpoint_among_the_options_counts() {
        assert_eq!(endpoint_of(&ENDPOINT), Some(0x1a2b_3c4d));
        let mut second = ENDPOINT;
        second[11] = 0xff;
        assert_eq!(endpoint_of(&[ENDPOINT, second].concat()), Some(0x1a2b_3c4d));
        let cookie = [0x01, 0x08, 0x03, 0x01, 9, 9, 9, 9];
        assert_eq!(endpoint_of(&[&cookie[..], &ENDPOINT].concat()), Some(0x1a2b_3c4d));
        assert_eq!(endpoint_of(&cookie), None);
        // The three highest bits beside the length are reserved.
        let mut reserved = ENDPOINT;
        reserved[3] |= 0xe0;
        assert_eq!(endpoint_of(&reserved), Some(0x1a2b_3c4d));
    }

    #[test]
    fn another_class_type_or_length_is_no_endpoint() {
        for (offset, value) in [(0, 0x02), (1, 0x32), (2, 0x02), (2, 0x81)] {
            let mut option = ENDPOINT;
            option[offset] = value;
            assert_eq!(endpoint_of(&option), None, "byte {offset} is {value}");
        }
        assert_eq!(endpoint_of(&[1, 8, 1, 1, 0, 0, 0, 9]), None, "4 bytes of data");
        assert_eq!(endpoint_of(&[1, 8, 1, 0]), None, "none");
    }

    #[test]
    fn options_that_reach_beyond_their_room_are_ignored() {
        let mut lying = ENDPOINT;
        lying[3] = 3;
        assert_eq!(endpoint_of(&lying), None);
        // One that was whole before the broken one still counts.
        assert_eq!(endpoint_of(&[ENDPOINT, lying].concat()), Some(0x1a2b_3c4d));
        assert_eq!(endpoint_of(&[lying, ENDPOINT].concat()), None);
    }
}
