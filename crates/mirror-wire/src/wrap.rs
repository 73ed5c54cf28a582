//! What a traffic mirror puts around a frame: the reverse of [`decapsulate`](crate::decapsulate).
//!
//! The bytes are those that AWS sends, as far as they are documented or were seen in a capture from
//! there: time to live 255, identification 0, may be fragmented, UDP checksum 0 over IPv4, VXLAN
//! flags 0x08 and nothing else, no VLAN tag. What a mirror can't determine for us (the MAC
//! addresses on the last hop, the load balancer's own addresses) is fixed, and from ranges that
//! belong to nobody.
//!
//! A header speaks of the frame's length on the wire; the bytes behind it may be fewer, as in any
//! capture.

use core::{
    error, fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use crate::{
    Endpoint, GENEVE_PORT, VXLAN_PORT, Vni,
    headers::{GENEVE_LEN, Headers, Options, ipv6_udp_checksum},
    link::{ETHER_TYPE_IPV4, ETHER_TYPE_IPV6, ETHERNET_LEN},
    tuple_hash,
    vxlan::{FLAG_I, VXLAN_LEN},
};

/// The load balancer and its appliance, from the addresses for documentation (RFC 5737).
const LOAD_BALANCER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const APPLIANCE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

const IPV4_LEN: u32 = 20;
const IPV6_LEN: u32 = 40;
const UDP_LEN: u32 = 8;
const UDP_AND_VXLAN_LEN: u32 = 16;

/// The headers of one mirror session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrapper {
    path: Path,
    vni: Vni,
    geneve: Option<Options>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    V4 { source: Ipv4Addr, target: Ipv4Addr },
    V6 { source: Ipv6Addr, target: Ipv6Addr },
}

impl Wrapper {
    /// The wrapper of a session that mirrors from `source` to `target`, with plain VXLAN.
    ///
    /// # Errors
    ///
    /// When the addresses are of two families.
    pub fn new(source: IpAddr, target: IpAddr, vni: Vni) -> Result<Wrapper, MixedFamilies> {
        let path = match (source, target) {
            (IpAddr::V4(source), IpAddr::V4(target)) => Path::V4 { source, target },
            (IpAddr::V6(source), IpAddr::V6(target)) => Path::V6 { source, target },
            _ => return Err(MixedFamilies { source, target }),
        };
        Ok(Wrapper { path, vni, geneve: None })
    }

    /// The same, inside the GENEVE of a Gateway Load Balancer, which names its endpoint if one is
    /// given.
    pub fn with_geneve(self, endpoint: Option<Endpoint>) -> Wrapper {
        Wrapper { geneve: Some(Options { endpoint }), ..self }
    }

    /// Length in bytes of the headers, the same for every frame.
    pub fn header_len(&self) -> usize {
        let inside = match self.path {
            Path::V4 { .. } => 20,
            Path::V6 { .. } => 40,
        } + 8
            + VXLAN_LEN;
        match self.geneve {
            None => ETHERNET_LEN + inside,
            Some(options) => ETHERNET_LEN + 20 + 8 + GENEVE_LEN + options.len() + inside,
        }
    }

    /// The longest frame in bytes that fits a target of this MTU uncut, 0 if none does.
    ///
    /// AWS counts 54 bytes of overhead over IPv4 and 74 over IPv6, which is 4 more than the headers
    /// behind Ethernet have, and 8,947 as what fits an MTU of 9,001. For a Gateway Load Balancer
    /// endpoint the MTU is 8,500, and GENEVE comes on top of it.
    ///
    /// <https://docs.aws.amazon.com/vpc/latest/mirroring/traffic-mirroring-considerations.html>
    pub fn longest_inner(&self, mtu: u32) -> u32 {
        mtu.saturating_sub(match self.path {
            Path::V4 { .. } => 54,
            Path::V6 { .. } => 74,
        })
    }

    /// The headers in front of a frame of which `inner` was captured and that had `inner_len` bytes
    /// on the wire. A length below what was captured is taken for that.
    ///
    /// Over IPv6 the UDP checksum covers the frame. When that was cut, nobody can compute it, and
    /// it is 0, which RFC 6935 allows to tunnels.
    ///
    /// # Errors
    ///
    /// When the frame is longer than an IP packet around it can be.
    pub fn headers(&self, inner: &[u8], inner_len: u32) -> Result<Headers, TooLong> {
        let captured = u32::try_from(inner.len()).unwrap_or(u32::MAX);
        let inner_len = inner_len.max(captured);
        let lengths = self.lengths(inner_len)?;
        let whole = (captured == inner_len).then_some(inner);
        let flow = tuple_hash::hash(inner);
        // What AWS's source ports look like: 65408 to 65535.
        let source_port = 0xff80 | u16::from(flow.to_be_bytes()[3] & 0x7f);

        let mut headers = Headers::empty();
        headers.push_macs();
        if let (Some(options), Some(outer)) = (self.geneve, lengths.outer) {
            headers.push(&ETHER_TYPE_IPV4.to_be_bytes());
            headers.push_ipv4(LOAD_BALANCER, APPLIANCE, outer.ip);
            headers.push_udp(source_port, GENEVE_PORT, outer.udp, 0);
            headers.push_geneve(options, self.ether_type(), flow);
        } else {
            headers.push(&self.ether_type().to_be_bytes());
        }
        let vxlan = self.vxlan();
        let LayerLengths { ip, udp } = lengths.inside;
        match self.path {
            Path::V4 { source, target } => {
                headers.push_ipv4(source, target, ip);
                headers.push_udp(source_port, VXLAN_PORT, udp, 0);
            }
            Path::V6 { source, target } => {
                headers.push_ipv6(source, target, ip);
                let checksum = whole.map_or(0, |inner| {
                    let ports = (source_port, VXLAN_PORT);
                    ipv6_udp_checksum((source, target), ports, udp, &vxlan, inner)
                });
                headers.push_udp(source_port, VXLAN_PORT, udp, checksum);
            }
        }
        headers.push(&vxlan);
        Ok(headers)
    }

    fn ether_type(&self) -> u16 {
        match self.path {
            Path::V4 { .. } => ETHER_TYPE_IPV4,
            Path::V6 { .. } => ETHER_TYPE_IPV6,
        }
    }

    fn vxlan(&self) -> [u8; VXLAN_LEN] {
        let [a, b, c] = self.vni.to_bytes();
        [FLAG_I, 0, 0, 0, a, b, c, 0]
    }

    /// The length fields around a frame of `inner_len` bytes.
    fn lengths(&self, inner_len: u32) -> Result<Lengths, TooLong> {
        let field = |len: u64| {
            u16::try_from(len).map_err(|_| TooLong { inner_len, longest: self.longest_possible() })
        };
        let udp = u64::from(UDP_AND_VXLAN_LEN) + u64::from(inner_len);
        let (ip, packet) = match self.path {
            Path::V4 { .. } => (u64::from(IPV4_LEN) + udp, u64::from(IPV4_LEN) + udp),
            Path::V6 { .. } => (udp, u64::from(IPV6_LEN) + udp),
        };
        let outer = match self.geneve {
            None => None,
            Some(options) => {
                let geneve = u64::try_from(GENEVE_LEN + options.len()).unwrap_or(u64::MAX);
                let udp = u64::from(UDP_LEN) + geneve + packet;
                Some(LayerLengths { ip: field(u64::from(IPV4_LEN) + udp)?, udp: field(udp)? })
            }
        };
        Ok(Lengths { inside: LayerLengths { ip: field(ip)?, udp: field(udp)? }, outer })
    }

    /// The longest frame whose lengths fit their 16-bit fields.
    fn longest_possible(&self) -> u32 {
        let inside = match (self.path, self.geneve) {
            // The payload length of IPv6 doesn't count its own header; an IPv4 length around does.
            (Path::V6 { .. }, None) => UDP_AND_VXLAN_LEN,
            (Path::V6 { .. }, Some(_)) => IPV6_LEN + UDP_AND_VXLAN_LEN,
            (Path::V4 { .. }, _) => IPV4_LEN + UDP_AND_VXLAN_LEN,
        };
        let around = self.geneve.map_or(0, |options| {
            IPV4_LEN + UDP_LEN + u32::try_from(GENEVE_LEN + options.len()).unwrap_or(u32::MAX)
        });
        u32::from(u16::MAX) - inside - around
    }
}

/// The length fields of the IP and UDP headers of one layer.
#[derive(Clone, Copy)]
struct LayerLengths {
    ip: u16,
    udp: u16,
}

struct Lengths {
    inside: LayerLengths,
    outer: Option<LayerLengths>,
}

/// Two addresses of one session are of two families.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MixedFamilies {
    /// Address of the mirror source.
    pub source: IpAddr,
    /// Address of the mirror target.
    pub target: IpAddr,
}

impl fmt::Display for MixedFamilies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MixedFamilies { source, target } = self;
        let family = |address: &IpAddr| if address.is_ipv4() { "IPv4" } else { "IPv6" };
        write!(f, "source {source} is {} but target {target} is {}", family(source), family(target))
    }
}

impl error::Error for MixedFamilies {}

/// A frame is longer than the packet around it can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong {
    /// Length in bytes of the frame.
    pub inner_len: u32,
    /// The longest frame that fits.
    pub longest: u32,
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TooLong { inner_len, longest } = self;
        write!(f, "frame has {inner_len} bytes, but at most {longest} fit into a mirrored packet")
    }
}

impl error::Error for TooLong {}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::{string::ToString, vec::Vec};

    use super::*;

    const FRAME: [u8; 5] = [1, 2, 3, 4, 5];

    fn v4() -> Wrapper {
        let vni = Vni::new(308_308).unwrap();
        Wrapper::new([10, 0, 1, 15].into(), [10, 0, 2, 1].into(), vni).unwrap()
    }

    fn v6() -> Wrapper {
        Wrapper::new([0x20; 16].into(), [0x21; 16].into(), Vni::new(1).unwrap()).unwrap()
    }

    /// The sum of RFC 1071, a word at a time. It is 0xffff over whatever holds its own checksum.
    fn internet_sum(bytes: &[u8]) -> u16 {
        let mut sum = 0_u32;
        for word in bytes.chunks(2) {
            sum += u32::from(word[0]) << 8 | word.get(1).map_or(0, |low| u32::from(*low));
            sum = (sum & 0xffff) + (sum >> 16);
        }
        u16::try_from(sum).unwrap()
    }

    #[test]
    fn plain_headers_are_those_that_aws_sends() {
        #[rustfmt::skip]
        let want = [
            // to------------  from----------  type------
            2, 0, 0, 0, 0, 2,  2, 0, 0, 0, 0, 1,  0x08, 0x00,
            //    tos   total len-  id----  frag--  ttl   udp   checksum--
            0x45, 0x00, 0x00, 0x29, 0, 0,   0, 0,   0xff, 0x11, 0xa4, 0xb4,
            // source------  destination--
            10, 0, 1, 15,    10, 0, 2, 1,
            // sport---  4789------  length----  checksum
            0xff, 0x80,  0x12, 0xb5, 0x00, 0x15, 0, 0,
            // flags      vni------------
            0x08, 0, 0, 0, 0x04, 0xb4, 0x54, 0,
        ];
        assert_eq!(v4().headers(&FRAME, 5).unwrap().as_bytes(), want);
        assert_eq!(internet_sum(&want[14..34]), 0xffff);
    }

    #[test]
    fn geneve_names_endpoint_attachment_and_cookie() {
        let headers =
            v4().with_geneve(Some(Endpoint::new(0x0a1b_2c3d_4e5f_6071))).headers(&FRAME, 5);
        let headers = headers.unwrap();
        #[rustfmt::skip]
        let want = [
            0x45, 0x00, 0x00, 0x6d, 0, 0,   0, 0,   0xff, 0x11, 0x37, 0x7c,
            192, 0, 2, 1,    192, 0, 2, 2,
            0xff, 0x80,  0x17, 0xc1, 0x00, 0x59, 0, 0,
            // opts flags  protocol--  vni----- rsvd
            0x08,  0x00,   0x08, 0x00, 0, 0, 0, 0,
            0x01, 0x08, 1, 2,  0x0a, 0x1b, 0x2c, 0x3d, 0x4e, 0x5f, 0x60, 0x71,
            0x01, 0x08, 2, 2,  0, 0, 0, 0, 0, 0, 0, 0,
            0x01, 0x08, 3, 1,  0, 0, 0, 0,
            // The packet inside has no Ethernet header.
            0x45, 0x00, 0x00, 0x29,
        ];
        assert_eq!(headers[14..][..want.len()], want);
        assert_eq!(internet_sum(&headers[14..34]), 0xffff);

        let unnamed = v4().with_geneve(None).headers(&FRAME, 5).unwrap();
        assert_eq!(unnamed[42..46], [5, 0, 8, 0]);
        assert_eq!(unnamed[50..54], [1, 8, 2, 2]);
        let v6 = v6().with_geneve(None).headers(&FRAME, 5).unwrap();
        assert_eq!(v6[42..46], [5, 0, 0x86, 0xdd]);
    }

    #[test]
    fn every_kind_has_the_length_it_says() {
        let endpoint = Some(Endpoint::new(7));
        for (wrapper, want) in [
            (v4(), 50),
            (v6(), 70),
            (v4().with_geneve(None), 106),
            (v4().with_geneve(endpoint), 118),
            (v6().with_geneve(None), 126),
            (v6().with_geneve(endpoint), 138),
        ] {
            assert_eq!(wrapper.header_len(), want);
            assert_eq!(wrapper.headers(&FRAME, 5).unwrap().as_bytes().len(), want);
        }
    }

    #[test]
    fn over_ipv6_a_packet_has_as_many_hops_to_go_as_over_ipv4() {
        let (v4, v6) = (v4().headers(&FRAME, 5).unwrap(), v6().headers(&FRAME, 5).unwrap());
        assert_eq!((v4[14 + 8], v6[14 + 7]), (255, 255));
    }

    /// Lengths of odd and even frames, and one for which the sum comes out as zero.
    #[test]
    fn the_udp_checksum_over_ipv6_is_true() {
        let mut frames: Vec<Vec<u8>> = (0..20_u8).map(|len| (0..len).collect()).collect();
        // Make the sum over all else 0xffff: the checksum would be 0, which means none.
        let zero = v6().headers(&[0, 0], 2).unwrap();
        frames.push(zero[60..62].to_vec());
        for frame in frames {
            let len = u32::try_from(frame.len()).unwrap();
            let headers = v6().headers(&frame, len).unwrap();
            let udp_len = [0, 0, headers[58], headers[59]];
            let packet =
                [&headers[22..54], &udp_len, &[0, 0, 0, 17], &headers[54..], &frame].concat();
            assert_eq!(internet_sum(&packet), 0xffff, "frame {frame:02x?}");
            assert_ne!(headers[60..62], [0, 0], "frame {frame:02x?}");
        }
        assert_eq!(v6().headers(&zero[60..62], 2).unwrap()[60..62], [0xff, 0xff]);
    }

    #[test]
    fn over_a_cut_frame_no_checksum_can_be_computed() {
        assert_eq!(v6().headers(&FRAME, 6).unwrap()[60..62], [0, 0]);
        assert_ne!(v6().headers(&FRAME, 5).unwrap()[60..62], [0, 0]);
    }

    #[test]
    fn lengths_are_of_the_frame_on_the_wire_and_at_least_of_what_is_there() {
        for (inner_len, udp_len) in [(0, 21), (5, 21), (1000, 1016)] {
            let headers = v4().headers(&FRAME, inner_len).unwrap();
            assert_eq!(headers[38..40], u16::to_be_bytes(udp_len));
            assert_eq!(headers[16..18], u16::to_be_bytes(udp_len + 20));
        }
    }

    #[test]
    fn the_longest_frame_fits_and_one_byte_more_does_not() {
        for (wrapper, longest) in [
            (v4(), 65_499),
            (v6(), 65_519),
            (v4().with_geneve(None), 65_443),
            (v4().with_geneve(Some(Endpoint::new(7))), 65_431),
            (v6().with_geneve(Some(Endpoint::new(7))), 65_411),
        ] {
            assert!(wrapper.headers(&FRAME, longest).is_ok());
            for inner_len in [longest + 1, u32::MAX] {
                let error = wrapper.headers(&FRAME, inner_len).err();
                assert_eq!(error, Some(TooLong { inner_len, longest }));
            }
        }
        assert_eq!(
            TooLong { inner_len: 65_500, longest: 65_499 }.to_string(),
            "frame has 65500 bytes, but at most 65499 fit into a mirrored packet"
        );
    }

    #[test]
    fn the_overhead_is_the_documented_one() {
        assert_eq!(v4().longest_inner(9001), 8947);
        assert_eq!(v4().longest_inner(8500), 8446);
        assert_eq!(v6().longest_inner(8500), 8426);
        assert_eq!(v4().with_geneve(None).longest_inner(8500), 8446);
        assert_eq!(v4().longest_inner(53), 0);
        assert_eq!(v6().longest_inner(0), 0);
    }

    #[test]
    fn a_session_has_one_address_family() {
        let (a, b): (IpAddr, IpAddr) = ([10, 0, 0, 1].into(), [0x20; 16].into());
        let vni = Vni::new(1).unwrap();
        assert_eq!(Wrapper::new(a, b, vni), Err(MixedFamilies { source: a, target: b }));
        assert_eq!(Wrapper::new(b, a, vni), Err(MixedFamilies { source: b, target: a }));
        assert_eq!(
            MixedFamilies { source: a, target: [0; 16].into() }.to_string(),
            "source 10.0.0.1 is IPv4 but target :: is IPv6"
        );
    }
}
