//! Header bytes, one layer after the other, in an array that is long enough for all of them.
//!
//! A mirrored packet has one of six stacks of headers, none longer than [`LONGEST`], so they are
//! put together without allocation and the frame itself is never copied.

use core::{
    net::{Ipv4Addr, Ipv6Addr},
    ops::Deref,
};

use etherparse::{Ipv4Header, Ipv6Header, UdpHeader, checksum::Sum16BitWords, ip_number};

use crate::{
    Endpoint,
    geneve::{CLASS_AMAZON, TYPE_ATTACHMENT, TYPE_ENDPOINT, TYPE_FLOW_COOKIE},
    link::ETHERNET_LEN,
    vxlan::VXLAN_LEN,
};

/// Locally administered, so that no vendor's device has them.
const MACS: [u8; 12] = [
    0x02, 0x00, 0x00, 0x00, 0x00, 0x02, // to
    0x02, 0x00, 0x00, 0x00, 0x00, 0x01, // from
];

const HOPS: u8 = 255;

/// Bytes of a GENEVE header without its options.
pub(crate) const GENEVE_LEN: usize = 8;

/// The longest that [`Wrapper::headers`](crate::Wrapper::headers) makes: Ethernet, IPv4, UDP, GENEVE with 32 bytes of
/// options, IPv6, UDP, VXLAN.
const LONGEST: usize = ETHERNET_LEN + 20 + 8 + GENEVE_LEN + 32 + 40 + 8 + VXLAN_LEN;

/// The GENEVE options that don't change from frame to frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub endpoint: Option<Endpoint>,
}

impl Options {
    /// Bytes of all options.
    pub fn len(self) -> usize {
        if self.endpoint.is_some() { 32 } else { 20 }
    }
}

/// The headers in front of one frame.
#[derive(Clone, Copy, Debug)]
pub struct Headers {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Headers {
    /// The bytes, from the first Ethernet header through VXLAN.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    pub(crate) fn empty() -> Headers {
        Headers { bytes: [0; LONGEST], len: 0 }
    }

    pub(crate) fn push_macs(&mut self) {
        self.push(&MACS);
    }

    /// Append `part`, which always fits: `LONGEST` is the sum of all there can be.
    pub(crate) fn push(&mut self, part: &[u8]) {
        let end = self.len + part.len();
        if let Some(room) = self.bytes.get_mut(self.len..end) {
            room.copy_from_slice(part);
            self.len = end;
        }
    }

    pub(crate) fn push_ipv4(&mut self, source: Ipv4Addr, destination: Ipv4Addr, total_len: u16) {
        let mut header = Ipv4Header {
            total_len,
            dont_fragment: false,
            time_to_live: HOPS,
            protocol: ip_number::UDP,
            source: source.octets(),
            destination: destination.octets(),
            ..Ipv4Header::default()
        };
        header.header_checksum = header.calc_header_checksum();
        self.push(&header.to_bytes());
    }

    pub(crate) fn push_ipv6(
        &mut self,
        source: Ipv6Addr,
        destination: Ipv6Addr,
        payload_length: u16,
    ) {
        let header = Ipv6Header {
            payload_length,
            next_header: ip_number::UDP,
            hop_limit: HOPS,
            source: source.octets(),
            destination: destination.octets(),
            ..Ipv6Header::default()
        };
        self.push(&header.to_bytes());
    }

    pub(crate) fn push_udp(
        &mut self,
        source_port: u16,
        destination_port: u16,
        length: u16,
        checksum: u16,
    ) {
        let header = UdpHeader { source_port, destination_port, length, checksum };
        self.push(&header.to_bytes());
    }

    /// GENEVE with the three options of a Gateway Load Balancer, or without the endpoint's.
    ///
    /// The attachment is a constant; the flow cookie is the same for all packets of a flow.
    pub(crate) fn push_geneve(&mut self, options: Options, ether_type: u16, flow: u32) {
        let words = u8::try_from(options.len() / 4).unwrap_or_default();
        let [high, low] = ether_type.to_be_bytes();
        self.push(&[words, 0, high, low, 0, 0, 0, 0]);
        let [class_high, class_low] = CLASS_AMAZON.to_be_bytes();
        if let Some(endpoint) = options.endpoint {
            self.push(&[class_high, class_low, TYPE_ENDPOINT, 2]);
            self.push(&endpoint.get().to_be_bytes());
        }
        self.push(&[class_high, class_low, TYPE_ATTACHMENT, 2]);
        self.push(&[0; 8]);
        self.push(&[class_high, class_low, TYPE_FLOW_COOKIE, 1]);
        self.push(&flow.to_be_bytes());
    }
}

impl Deref for Headers {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_bytes()
    }
}

/// The UDP checksum of a mirrored packet over IPv6.
//= https://www.rfc-editor.org/rfc/rfc8200#section-8.1
//# whenever originating a UDP packet, an IPv6 node must compute a UDP checksum over the packet and
//# the pseudo-header, and, if that computation yields a result of zero, it must be changed to hex
//# FFFF for placement in the UDP header.
pub(crate) fn ipv6_udp_checksum(
    (source, target): (Ipv6Addr, Ipv6Addr),
    (source_port, destination_port): (u16, u16),
    udp_len: u16,
    vxlan: &[u8; VXLAN_LEN],
    inner: &[u8],
) -> u16 {
    Sum16BitWords::new()
        .add_16bytes(source.octets())
        .add_16bytes(target.octets())
        .add_2bytes(udp_len.to_be_bytes())
        .add_2bytes([0, ip_number::UDP.0])
        .add_2bytes(source_port.to_be_bytes())
        .add_2bytes(destination_port.to_be_bytes())
        .add_2bytes(udp_len.to_be_bytes())
        .add_slice(vxlan)
        .add_slice(inner)
        .to_ones_complement_with_no_zero()
        .to_be()
}
