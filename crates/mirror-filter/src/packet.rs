//! A packet as rules see it, as text: what an operator types to ask about one, and what we print to
//! show one.
//!
//! `ingress tcp 203.0.113.9:51000 > 10.0.1.15:443`, `egress icmpv6 2001:db8::15 > 2001:db8::1`,
//! `egress udp [2001:db8::15]:51000 > [fd00:ec2::253]:53`. A text that was printed can be typed in,
//! so a witness of one command is a question to the next.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use mirror_wire::{Direction, Flow, Missing, Ports};

/// What the rules of a filter look at in one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Packet {
    /// Which way it goes, as the source ENI sees it.
    pub direction: Direction,
    /// The IP protocol.
    pub protocol: u8,
    /// Where it comes from.
    pub source: IpAddr,
    /// Where it goes, of the same family.
    pub destination: IpAddr,
    /// Source and destination port. TCP and UDP alone have them; a TCP packet without is a later
    /// fragment.
    pub ports: Option<(u16, u16)>,
}

impl Packet {
    /// The packet as the engine sees it. One of TCP or UDP without ports is a later fragment.
    pub fn flow(&self) -> Flow {
        let ports = match self.ports {
            Some((source, destination)) => Ports::Known { source, destination },
            None if has_ports(self.protocol) => Ports::Missing(Missing::Fragment),
            None => Ports::Absent,
        };
        let Packet { source, destination, protocol, .. } = *self;
        Flow { source, destination, protocol: Some(protocol), ports }
    }
}

/// Whether packets of a protocol have ports that rules can ask for.
///
/// Rules take ports with TCP and UDP only, so those of SCTP, DCCP and UDP-Lite are none here.
pub(crate) const fn has_ports(protocol: u8) -> bool {
    matches!(protocol, 6 | 17)
}

/// The name of a protocol that has a common one.
pub(crate) const fn protocol_name(protocol: u8) -> Option<&'static str> {
    Some(match protocol {
        1 => "icmp",
        6 => "tcp",
        17 => "udp",
        58 => "icmpv6",
        _ => return None,
    })
}

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.direction)?;
        match protocol_name(self.protocol) {
            Some(name) => f.write_str(name)?,
            None => write!(f, "{}", self.protocol)?,
        }
        match self.ports {
            Some((source, destination)) => write!(
                f,
                " {} > {}",
                SocketAddr::new(self.source, source),
                SocketAddr::new(self.destination, destination)
            ),
            None => write!(f, " {} > {}", self.source, self.destination),
        }
    }
}

impl FromStr for Packet {
    type Err = ParsePacketError;

    /// What [`Display`](fmt::Display) prints; protocols also by their numbers.
    fn from_str(text: &str) -> Result<Packet, ParsePacketError> {
        use Part::{Destination, Direction as Way, Protocol, Separator, Source};
        let mut words = text.split_whitespace();
        let mut next = |part: Part| match words.next() {
            Some(word) => Ok(word),
            None => Err(ParsePacketError { part, found: None }),
        };
        let wrong = |part, word: &str| ParsePacketError { part, found: Some(word.to_owned()) };

        let word = next(Way)?;
        let direction = word.parse().map_err(|_| wrong(Way, word))?;
        let word = next(Protocol)?;
        let protocol = protocol(word).ok_or_else(|| wrong(Protocol, word))?;
        let source_word = next(Source)?;
        let (source, source_port) = end(source_word).ok_or_else(|| wrong(Source, source_word))?;
        let word = next(Separator)?;
        if word != ">" {
            return Err(wrong(Separator, word));
        }
        let word = next(Destination)?;
        let (destination, port) = end(word).ok_or_else(|| wrong(Destination, word))?;
        if let Some(more) = words.next() {
            return Err(wrong(Part::End, more));
        }

        if source.is_ipv4() != destination.is_ipv4() {
            return Err(wrong(Part::Family, word));
        }
        let ports = match (source_port, port) {
            (None, None) => None,
            _ if !has_ports(protocol) => {
                let with = if port.is_some() { word } else { source_word };
                return Err(wrong(Part::NoPorts, with));
            }
            (Some(source_port), Some(port)) => Some((source_port, port)),
            (None, Some(_)) => return Err(wrong(Part::OnePort, source_word)),
            (Some(_), None) => return Err(wrong(Part::OnePort, word)),
        };
        Ok(Packet { direction, protocol, source, destination, ports })
    }
}

fn protocol(word: &str) -> Option<u8> {
    let named = (0..=u8::MAX).find(|&number| protocol_name(number) == Some(word));
    named.or_else(|| number(word))
}

/// A number as people write one: no sign, no leading zero.
fn number<T: FromStr>(text: &str) -> Option<T> {
    let plain = text == "0" || !text.starts_with(['0', '+', '-']);
    plain.then(|| text.parse().ok()).flatten()
}

/// An address, with or without port. An IPv6 address stands in brackets before a port, and may
/// without.
fn end(word: &str) -> Option<(IpAddr, Option<u16>)> {
    if let Some(rest) = word.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let address: Ipv6Addr = address.parse().ok()?;
        return match port.strip_prefix(':') {
            Some(port) => Some((address.into(), Some(number(port)?))),
            None => port.is_empty().then_some((address.into(), None)),
        };
    }
    if let Ok(address) = word.parse() {
        return Some((address, None));
    }
    let (address, port) = word.split_once(':')?;
    let address: Ipv4Addr = address.parse().ok()?;
    Some((address.into(), Some(number(port)?)))
}

/// A part of a packet's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Direction,
    Protocol,
    Source,
    Separator,
    Destination,
    End,
    Family,
    NoPorts,
    OnePort,
}

/// Which part of a packet's text isn't as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsePacketError {
    part: Part,
    found: Option<String>,
}

impl fmt::Display for ParsePacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const END: &str = "an address, as 10.0.1.15, or one with a port, as 10.0.1.15:443 or \
                           [2001:db8::15]:443";
        match (self.part, &self.found) {
            (Part::Family, Some(_)) => {
                return f.write_str("found addresses of two families, expected two of one");
            }
            (Part::End, Some(found)) => {
                return write!(f, "found \"{}\" behind the packet", found.escape_default());
            }
            (Part::NoPorts, Some(found)) => {
                let found = found.escape_default();
                return write!(f, "found \"{found}\" with a port, which only tcp and udp have");
            }
            (Part::OnePort, Some(found)) => {
                let found = found.escape_default();
                return write!(f, "found \"{found}\" without a port, expected both ends with one");
            }
            _ => {}
        }
        match &self.found {
            Some(found) => write!(f, "found \"{}\"", found.escape_default())?,
            None => f.write_str("found no more")?,
        }
        f.write_str(", expected ")?;
        match self.part {
            Part::Direction => f.write_str("ingress or egress"),
            Part::Protocol => f.write_str("tcp, udp, icmp, icmpv6 or a protocol from 0 to 255"),
            Part::Separator => f.write_str("> between source and destination"),
            Part::Source => write!(f, "the source, {END}"),
            _ => write!(f, "the destination, {END}"),
        }
    }
}

impl std::error::Error for ParsePacketError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packet(text: &str) -> Packet {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn a_packet_is_read_as_it_is_written() {
        for text in [
            "ingress tcp 203.0.113.9:51000 > 10.0.1.15:443",
            "egress udp [2001:db8::15]:51000 > [fd00:ec2::253]:53",
            "egress icmpv6 2001:db8::15 > 2001:db8::1",
            "ingress 47 10.0.0.1 > 10.0.0.2",
            "ingress tcp 10.0.0.1 > 10.0.0.2",
        ] {
            assert_eq!(packet(text).to_string(), text);
        }
        let read = packet("  ingress   6 [2001:db8::1] > 2001:db8::2 ");
        assert_eq!(read.to_string(), "ingress tcp 2001:db8::1 > 2001:db8::2");
        assert_eq!(read.ports, None);
    }

    #[test]
    fn only_tcp_and_udp_can_lack_ports() {
        for (text, ports) in [
            ("ingress tcp 10.0.0.1 > 10.0.0.2", Ports::Missing(Missing::Fragment)),
            ("ingress udp 10.0.0.1 > 10.0.0.2", Ports::Missing(Missing::Fragment)),
            ("ingress icmp 10.0.0.1 > 10.0.0.2", Ports::Absent),
            ("ingress udp 10.0.0.1:1 > 10.0.0.2:2", Ports::Known { source: 1, destination: 2 }),
        ] {
            assert_eq!(packet(text).flow().ports, ports, "{text}");
        }
    }

    #[test]
    fn an_error_points_at_the_part_that_is_wrong() {
        for (text, error) in [
            ("", "found no more, expected ingress or egress"),
            ("in tcp", "found \"in\", expected ingress or egress"),
            (
                "ingress http",
                "found \"http\", expected tcp, udp, icmp, icmpv6 or a protocol from 0 to 255",
            ),
            (
                "ingress 256 x",
                "found \"256\", expected tcp, udp, icmp, icmpv6 or a protocol from 0 to 255",
            ),
            (
                "ingress tcp 10.0.0:1 > 10.0.0.1:2",
                "found \"10.0.0:1\", expected the source, an address, as 10.0.1.15, or one with a \
                 port, as 10.0.1.15:443 or [2001:db8::15]:443",
            ),
            (
                "ingress tcp 10.0.0.1:1 10.0.0.2:2",
                "found \"10.0.0.2:2\", expected > between source and destination",
            ),
            (
                "ingress tcp 10.0.0.1:1 > 10.0.0.2:65536",
                "found \"10.0.0.2:65536\", expected the destination, an address, as 10.0.1.15, or \
                 one with a port, as 10.0.1.15:443 or [2001:db8::15]:443",
            ),
            (
                "ingress tcp 10.0.0.1:1 > 10.0.0.2",
                "found \"10.0.0.2\" without a port, expected both ends with one",
            ),
            (
                "ingress icmp 10.0.0.1:8 > 10.0.0.2:0",
                "found \"10.0.0.2:0\" with a port, which only tcp and udp have",
            ),
            (
                "ingress tcp 10.0.0.1:1 > [::1]:2",
                "found addresses of two families, expected two of one",
            ),
            ("egress tcp 10.0.0.1:1 > 10.0.0.2:2 x\u{1b}", "found \"x\\u{1b}\" behind the packet"),
        ] {
            let found = text.parse::<Packet>().map_err(|error| error.to_string());
            assert_eq!(found, Err(error.to_owned()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn printed_and_read_it_is_the_same(
            ingress: bool, protocol: u8, six: bool, v4: [Ipv4Addr; 2], v6: [Ipv6Addr; 2],
            ports: Option<(u16, u16)>,
        ) {
            let [source, destination] = if six { v6.map(IpAddr::from) } else { v4.map(IpAddr::from) };
            let direction = if ingress { Direction::Ingress } else { Direction::Egress };
            let packet = Packet {
                direction,
                protocol,
                source,
                destination,
                ports: ports.filter(|_| has_ports(protocol)),
            };
            prop_assert_eq!(packet.to_string().parse(), Ok(packet));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            if let Err(error) = text.parse::<Packet>() {
                prop_assert!(!error.to_string().contains('\n'));
            }
        }
    }
}
