//! IPv4, IPv6 and ARP: what an EtherType announces.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::link::Mac;
use super::transport::Transport;

/// What a link layer carries: an EtherType and the bytes behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// The EtherType: 0x0800, 0x86DD, 0x0806, a VLAN's TPID.
    pub ether_type: u16,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Datagram {
    /// A datagram of any EtherType.
    pub fn new(ether_type: u16, bytes: impl AsRef<[u8]>) -> Datagram {
        Datagram { ether_type, bytes: bytes.as_ref().to_vec() }
    }

    /// The same behind a VLAN tag; call again for the tag outside of it.
    pub fn tagged(&self, tpid: u16, vlan: u16) -> Datagram {
        let mut bytes = vlan.to_be_bytes().to_vec();
        bytes.extend(self.ether_type.to_be_bytes());
        bytes.extend(&self.bytes);
        Datagram { ether_type: tpid, bytes }
    }
}

/// The one's complement sum of `bytes` as 16-bit words, folded but not inverted; an odd
/// last byte counts as the upper half of a word (RFC 1071).
pub fn ones_complement_sum(bytes: &[u8]) -> u16 {
    let mut sum: u64 = 0;
    for pair in bytes.chunks(2) {
        let low = pair.get(1).copied().unwrap_or(0);
        sum += u64::from(u16::from_be_bytes([pair[0], low]));
    }
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    sum as u16
}

/// A datagram from `source` to `destination` with an ordinary header of their family.
///
/// # Panics
///
/// If one address is IPv4 and the other IPv6.
pub fn ip(
    source: impl Into<IpAddr>,
    destination: impl Into<IpAddr>,
    payload: impl Into<Transport>,
) -> Datagram {
    match (source.into(), destination.into()) {
        (IpAddr::V4(a), IpAddr::V4(b)) => Ipv4::new(a, b).carry(payload),
        (IpAddr::V6(a), IpAddr::V6(b)) => Ipv6::new(a, b).carry(payload),
        (a, b) => panic!("{a} and {b} are of different families"),
    }
}

/// An IPv4 header.
#[derive(Clone, Debug)]
pub struct Ipv4 {
    /// Source address.
    pub source: Ipv4Addr,
    /// Destination address.
    pub destination: Ipv4Addr,
    /// Time to live, 64.
    pub ttl: u8,
    /// Identification, 0.
    pub id: u16,
    /// The DF flag, set.
    pub dont_fragment: bool,
    /// The MF flag, clear.
    pub more_fragments: bool,
    /// Fragment offset in units of eight bytes, 0.
    pub fragment_offset: u16,
    /// Options, a multiple of four bytes, none.
    pub options: Vec<u8>,
    /// Total length to state instead of the true one.
    pub total_length: Option<u16>,
}

impl Ipv4 {
    /// An ordinary header.
    pub fn new(source: impl Into<Ipv4Addr>, destination: impl Into<Ipv4Addr>) -> Ipv4 {
        Ipv4 {
            source: source.into(),
            destination: destination.into(),
            ttl: 64,
            id: 0,
            dont_fragment: true,
            more_fragments: false,
            fragment_offset: 0,
            options: Vec::new(),
            total_length: None,
        }
    }

    /// One piece of a datagram: offset in units of eight bytes, and whether more follow.
    pub fn fragment(mut self, id: u16, offset: u16, more: bool) -> Ipv4 {
        self.id = id;
        self.dont_fragment = false;
        self.fragment_offset = offset;
        self.more_fragments = more;
        self
    }

    /// Put options into the header; their length must be a multiple of four.
    pub fn options(mut self, options: &[u8]) -> Ipv4 {
        self.options = options.to_vec();
        self
    }

    /// State this total length, true or not.
    pub fn total_length(mut self, length: u16) -> Ipv4 {
        self.total_length = Some(length);
        self
    }

    /// The datagram with this payload and a valid header checksum.
    pub fn carry(&self, payload: impl Into<Transport>) -> Datagram {
        assert!(self.options.len() <= 40 && self.options.len().is_multiple_of(4), "IPv4 options");
        let payload = payload.into();
        let protocol = payload.protocol(false);
        let payload = payload.bytes(self.source.into(), self.destination.into());
        let header_len = 20 + self.options.len();
        let total = (header_len + payload.len()) as u16;
        let flags = u16::from(self.dont_fragment) << 14 | u16::from(self.more_fragments) << 13;

        let mut bytes = vec![0x40 | (header_len / 4) as u8, 0];
        bytes.extend(self.total_length.unwrap_or(total).to_be_bytes());
        bytes.extend(self.id.to_be_bytes());
        bytes.extend((flags | self.fragment_offset).to_be_bytes());
        bytes.extend([self.ttl, protocol, 0, 0]);
        bytes.extend(self.source.octets());
        bytes.extend(self.destination.octets());
        bytes.extend(&self.options);
        let checksum = !ones_complement_sum(&bytes);
        bytes[10..12].copy_from_slice(&checksum.to_be_bytes());
        bytes.extend(payload);
        Datagram { ether_type: 0x0800, bytes }
    }
}

/// An IPv6 header and its extension headers.
#[derive(Clone, Debug)]
pub struct Ipv6 {
    /// Source address.
    pub source: Ipv6Addr,
    /// Destination address.
    pub destination: Ipv6Addr,
    /// Hop limit, 64.
    pub hop_limit: u8,
    /// Extension headers as protocol number and bytes; the first byte of each is replaced by
    /// the number of what follows it.
    pub extensions: Vec<(u8, Vec<u8>)>,
    /// Payload length to state instead of the true one.
    pub payload_length: Option<u16>,
}

impl Ipv6 {
    /// An ordinary header.
    pub fn new(source: impl Into<Ipv6Addr>, destination: impl Into<Ipv6Addr>) -> Ipv6 {
        Ipv6 {
            source: source.into(),
            destination: destination.into(),
            hop_limit: 64,
            extensions: Vec::new(),
            payload_length: None,
        }
    }

    /// Add an extension header of any protocol number.
    pub fn extension(mut self, protocol: u8, bytes: &[u8]) -> Ipv6 {
        self.extensions.push((protocol, bytes.to_vec()));
        self
    }

    /// Add a Hop-by-Hop Options header of eight bytes that holds a `PadN` only.
    pub fn hop_by_hop(self) -> Ipv6 {
        self.extension(0, &[0, 0, 1, 4, 0, 0, 0, 0])
    }

    /// Add a Destination Options header of sixteen bytes that holds a `PadN` only.
    pub fn destination_options(self) -> Ipv6 {
        self.extension(60, &[0, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    /// Add a Fragment header: offset in units of eight bytes, and whether more follow.
    pub fn fragment(self, id: u32, offset: u16, more: bool) -> Ipv6 {
        let mut bytes = vec![0, 0];
        bytes.extend((offset << 3 | u16::from(more)).to_be_bytes());
        bytes.extend(id.to_be_bytes());
        self.extension(44, &bytes)
    }

    /// State this payload length, true or not.
    pub fn payload_length(mut self, length: u16) -> Ipv6 {
        self.payload_length = Some(length);
        self
    }

    /// The datagram with this payload.
    pub fn carry(&self, payload: impl Into<Transport>) -> Datagram {
        let payload = payload.into();
        let mut next = payload.protocol(true);
        let mut rest = payload.bytes(self.source.into(), self.destination.into());
        for (protocol, bytes) in self.extensions.iter().rev() {
            let mut extension = bytes.clone();
            extension[0] = next;
            next = *protocol;
            extension.extend(rest);
            rest = extension;
        }
        let mut bytes = vec![0x60, 0, 0, 0];
        bytes.extend(self.payload_length.unwrap_or(rest.len() as u16).to_be_bytes());
        bytes.extend([next, self.hop_limit]);
        bytes.extend(self.source.octets());
        bytes.extend(self.destination.octets());
        bytes.extend(rest);
        Datagram { ether_type: 0x86DD, bytes }
    }
}

/// An ARP request (who has `target`?) or, with `reply`, its answer.
pub fn arp(
    reply: bool,
    sender: (Mac, impl Into<Ipv4Addr>),
    target: (Mac, impl Into<Ipv4Addr>),
) -> Datagram {
    let mut bytes = vec![0, 1, 8, 0, 6, 4, 0, 1 + u8::from(reply)];
    bytes.extend(sender.0);
    bytes.extend(sender.1.into().octets());
    bytes.extend(target.0);
    bytes.extend(target.1.into().octets());
    Datagram { ether_type: 0x0806, bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of RFC 1071, section 3.
    #[test]
    fn the_sum_is_that_of_rfc_1071() {
        assert_eq!(ones_complement_sum(&[0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7]), 0xDDF2);
        assert_eq!(ones_complement_sum(&[0xAB]), 0xAB00);
    }

    #[test]
    fn an_ipv4_header_sums_to_all_ones() {
        let packet = Ipv4::new([10, 0, 1, 15], [203, 0, 113, 9])
            .options(&[1, 1, 1, 0])
            .fragment(7, 185, true)
            .carry(Transport::Other(17, vec![0xAB; 3]));
        //               v/ihl tos  total--  id----  MF,185------
        assert_eq!(packet.bytes[..8], [0x46, 0, 0, 27, 0, 7, 0x20, 0xB9]);
        assert_eq!(packet.bytes[8..10], [64, 17]);
        assert_eq!(ones_complement_sum(&packet.bytes[..24]), 0xFFFF);
    }

    #[test]
    fn extension_headers_name_what_follows_them() {
        let a = Ipv6Addr::LOCALHOST;
        let packet = Ipv6::new(a, a)
            .hop_by_hop()
            .fragment(1, 0, false)
            .carry(Transport::Other(17, vec![0xAB; 3]));
        //                      payload  next  hops
        assert_eq!(packet.bytes[4..8], [0, 19, 0, 64]);
        assert_eq!((packet.bytes[40], packet.bytes[48]), (44, 17));
        assert_eq!(packet.bytes[56..], [0xAB; 3]);
    }

    #[test]
    fn tags_nest_with_the_last_one_outermost() {
        let tagged = Datagram::new(0x0800, [0x45]).tagged(0x8100, 5).tagged(0x88A8, 6);
        assert_eq!(tagged, Datagram::new(0x88A8, [0, 6, 0x81, 0, 0, 5, 8, 0, 0x45]));
    }
}
