//! What the rules of a mirror filter look at in a packet: two addresses, a protocol, two ports.
//!
//! Rules are all that selects what is mirrored, and these five fields are all that rules name. A
//! packet need not have them: a later fragment bears no ports, a capture may end before them. So a
//! field that isn't there says why it isn't, and whoever judges the packet can say "undecided"
//! where a guess would be wrong. Unlike [`decapsulate`](crate::decapsulate), which asks for a whole
//! stack of headers, this reads on as far as the bytes go and keeps what it has.
//!
//! What else shows on the way, and rules don't name, is in [`Seen`]: AWS leaves open what a mirror
//! does with such packets, and whoever judges them has to say what was assumed.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::{error, fmt};

use etherparse::ip_number;

use crate::{
    LinkType, NotMirrored,
    ip::Part,
    link::{self, Version},
    rest::Rest,
};

/// What the rules of a mirror filter look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    /// Source address of the outermost IP header.
    pub source: IpAddr,
    /// Destination address of the same header, of the same family.
    pub destination: IpAddr,
    /// The protocol number, in IPv6 the one behind all extension headers. `None` where the packet
    /// ends, or its first fragment ended, before that was told; then the ports are missing too.
    pub protocol: Option<u8>,
    /// The ports.
    pub ports: Ports,
}

/// The ports of a packet, or why it shows none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ports {
    /// Of TCP or UDP.
    Known {
        /// Source port.
        source: u16,
        /// Destination port.
        destination: u16,
    },
    /// Its protocol is another than TCP and UDP; rules don't ask for ports there.
    Absent,
    /// It should have ports and doesn't show them.
    Missing(Missing),
}

/// Why a field that a packet should have isn't there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Missing {
    /// It is in another fragment.
    Fragment,
    /// The packet ends before it: the capture or the mirror cut it, or it was sent so.
    Cut,
}

/// A flow, and what else showed while it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What rules look at.
    pub flow: Flow,
    /// Whether this is a fragment, the first or a later one.
    pub fragment: bool,
    /// Whether there were IPv6 extension headers before the protocol.
    pub extensions: bool,
    /// The type of an ICMP or ICMPv6 message, if the packet shows it.
    pub icmp_type: Option<u8>,
}

/// Why a packet has no flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoFlow {
    /// It isn't IP, so it has no addresses.
    NotIp {
        /// The EtherType behind any VLAN tags (ARP is 0x0806; less than 0x0600 is an 802.3
        /// length), where the link layer has one.
        ether_type: Option<u16>,
    },
    /// It ends before its addresses.
    Cut,
    /// Its IP header contradicts itself or the layer outside.
    Malformed,
}

impl NoFlow {
    /// EtherType of ARP.
    pub const ARP: NoFlow = NoFlow::NotIp { ether_type: Some(0x0806) };
}

impl fmt::Display for NoFlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoFlow::NotIp { ether_type: Some(ether_type) } => {
                write!(f, "EtherType is 0x{ether_type:04x}, neither IPv4 nor IPv6")
            }
            NoFlow::NotIp { ether_type: None } => f.write_str("neither IPv4 nor IPv6"),
            NoFlow::Cut => f.write_str("packet ends before its addresses"),
            NoFlow::Malformed => f.write_str("IP header contradicts itself"),
        }
    }
}

impl error::Error for NoFlow {}

impl Flow {
    /// Read the flow of a packet that begins with the headers of `link`, whatever it carries: of a
    /// packet that a mirror has wrapped, this is the flow of the wrapper.
    ///
    /// `bytes` are those captured. That there are fewer than the packet had is no error.
    ///
    /// # Errors
    ///
    /// Why there is none, not even addresses.
    #[inline]
    pub fn parse(link: LinkType, bytes: &[u8]) -> Result<Flow, NoFlow> {
        Seen::parse(link, bytes).map(|seen| seen.flow)
    }
}

impl Seen {
    /// As [`Flow::parse`], and all that showed on the way.
    ///
    /// # Errors
    ///
    /// As [`Flow::parse`].
    #[inline]
    pub fn parse(link: LinkType, bytes: &[u8]) -> Result<Seen, NoFlow> {
        // How long the packet was is of no interest here; only its own lengths bound it.
        let mut rest = Rest { bytes, wire: u32::MAX, at: 0, firm: false };
        match link::network(link, &mut rest) {
            Ok(Version::V4) => v4(rest.bytes),
            Ok(Version::V6) => v6(rest.bytes),
            Err(reason) => Err(no_ip(link, bytes, reason)),
        }
    }
}

#[cold]
fn no_ip(link: LinkType, bytes: &[u8], reason: NotMirrored) -> NoFlow {
    match reason {
        NotMirrored::HeadersCut => NoFlow::Cut,
        _ => NoFlow::NotIp { ether_type: link::ether_type(link, bytes) },
    }
}

#[inline]
fn v4(bytes: &[u8]) -> Result<Seen, NoFlow> {
    // Not a header slice, which would ask for the options too.
    let Some(header) = bytes.first_chunk::<20>() else {
        return Err(match bytes.first() {
            Some(first) if first >> 4 != 4 => NoFlow::Malformed,
            _ => NoFlow::Cut,
        });
    };
    let [first, _, high, low, _, _, f0, f1, _, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] =
        *header;
    let header_len = u16::from(first & 0x0f) * 4;
    let total = u16::from_be_bytes([high, low]);
    // A total of 0 is that of a packet too long for the field, as segmentation offload makes them.
    if first >> 4 != 4 || header_len < 20 || (total != 0 && total < header_len) {
        return Err(NoFlow::Malformed);
    }
    let fragment = u16::from_be_bytes([f0, f1]);
    let part = Part::new(fragment & 0x1fff, fragment & 0x2000 != 0);
    let end = if total == 0 { usize::MAX } else { usize::from(total) };
    let payload = bounded(bytes, end).get(usize::from(header_len)..).unwrap_or_default();
    Ok(Seen {
        flow: Flow {
            source: Ipv4Addr::new(s0, s1, s2, s3).into(),
            destination: Ipv4Addr::new(d0, d1, d2, d3).into(),
            protocol: Some(protocol),
            ports: ports(protocol, part, payload, bytes.len() >= end),
        },
        fragment: part != Part::Whole,
        extensions: false,
        icmp_type: icmp_type(protocol, part, payload),
    })
}

#[inline]
fn v6(bytes: &[u8]) -> Result<Seen, NoFlow> {
    let Some((header, behind)) = bytes.split_first_chunk::<40>() else {
        return Err(match bytes.first() {
            Some(first) if first >> 4 != 6 => NoFlow::Malformed,
            _ => NoFlow::Cut,
        });
    };
    let [first, _, _, _, high, low, next, _, addresses @ ..] = *header;
    if first >> 4 != 6 {
        return Err(NoFlow::Malformed);
    }
    let ([source, destination], []) = addresses.as_chunks::<16>() else {
        return Err(NoFlow::Malformed);
    };
    // A length of 0 is that of a jumbogram, or of a packet that offload has yet to divide.
    let end = match u16::from_be_bytes([high, low]) {
        0 => usize::MAX,
        payload => usize::from(payload),
    };
    let Chain { protocol, part, payload, extensions } = chain(next, bounded(behind, end));
    let whole = behind.len() >= end;
    Ok(Seen {
        flow: Flow {
            source: Ipv6Addr::from(*source).into(),
            destination: Ipv6Addr::from(*destination).into(),
            protocol,
            ports: match protocol {
                Some(protocol) => ports(protocol, part, payload, whole),
                None => Ports::Missing(missing(part, whole)),
            },
        },
        fragment: part != Part::Whole,
        extensions,
        icmp_type: protocol.and_then(|protocol| icmp_type(protocol, part, payload)),
    })
}

/// The bytes up to `end`, if there are as many: behind it are padding and check sequence.
#[inline]
fn bounded(bytes: &[u8], end: usize) -> &[u8] {
    bytes.get(..end).unwrap_or(bytes)
}

/// What stands behind the extension headers of an IPv6 packet.
struct Chain<'a> {
    protocol: Option<u8>,
    part: Part,
    payload: &'a [u8],
    extensions: bool,
}

/// Walk over extension headers, as many as there are: each takes 8 bytes or more of the packet, so
/// the way has an end.
///
/// Hop-by-hop options, routing, fragment, authentication and destination options are walked over.
/// What others of the list that IANA keeps mean, and ESP, the packet's own end knows; they count as
/// protocols.
fn chain(mut next: u8, mut payload: &[u8]) -> Chain<'_> {
    let mut part = Part::Whole;
    let mut extensions = false;
    loop {
        // The units are those of `ip::v6_extensions`.
        let unit = match next {
            0 | 43 | 60 => 8,
            51 => 4,
            44 => 0,
            _ => return Chain { protocol: Some(next), part, payload, extensions },
        };
        extensions = true;
        if part == Part::LaterFragment {
            // What follows is the middle of something, not a header.
            return Chain { protocol: None, part, payload: &[], extensions };
        }
        let Some(&[following, length, high, low, ..]) = payload.first_chunk::<8>() else {
            return Chain { protocol: None, part, payload: &[], extensions };
        };
        if unit == 0 {
            let field = u16::from_be_bytes([high, low]);
            // A second fragment header does not make a whole packet of a fragment.
            part = match Part::new(field >> 3, field & 1 != 0) {
                Part::Whole => part,
                other => other,
            };
        }
        let Some(behind) = payload.get(8 + usize::from(length) * unit..) else {
            return Chain { protocol: None, part, payload: &[], extensions };
        };
        payload = behind;
        next = following;
    }
}

/// Why something behind the captured bytes isn't there; `whole` if no byte of the packet is missing.
fn missing(part: Part, whole: bool) -> Missing {
    match part {
        Part::LaterFragment => Missing::Fragment,
        // All of a first fragment was there: the rest is in the next one.
        Part::FirstFragment if whole => Missing::Fragment,
        Part::FirstFragment | Part::Whole => Missing::Cut,
    }
}

#[inline]
fn ports(protocol: u8, part: Part, payload: &[u8], whole: bool) -> Ports {
    if !matches!(protocol, 6 | 17) {
        return Ports::Absent;
    }
    match payload.first_chunk::<4>() {
        Some(&[s0, s1, d0, d1]) if part != Part::LaterFragment => Ports::Known {
            source: u16::from_be_bytes([s0, s1]),
            destination: u16::from_be_bytes([d0, d1]),
        },
        _ => Ports::Missing(missing(part, whole)),
    }
}

#[inline]
fn icmp_type(protocol: u8, part: Part, payload: &[u8]) -> Option<u8> {
    let is_icmp = protocol == ip_number::ICMP.0 || protocol == ip_number::IPV6_ICMP.0;
    (is_icmp && part != Part::LaterFragment).then(|| payload.first().copied())?
}

#[cfg(test)]
mod tests;
