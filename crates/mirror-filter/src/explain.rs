//! How a filter comes to its verdict on one packet: the rules that are tried, and in each the first
//! field that fails.
//!
//! This is for a person who asks why. It reads rules one by one in the words of the rule, and shares
//! no code with the engine that judges captures; a test holds them to the same answer.

use std::fmt;
use std::net::IpAddr;

use crate::packet::{has_ports, protocol_name};
use crate::{Cidr, Filter, Packet, PortRange, Rule};

/// A rule of the packet's direction, held against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The index in [`Filter::rules`].
    pub rule: usize,
    /// What came of it.
    pub fit: Fit,
}

/// How a packet fits a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Every field agrees.
    Matches,
    /// The first field that doesn't.
    Fails(Mismatch),
    /// Every field agrees that the packet has, and the rule asks for one that it lacks.
    Unknown {
        /// What it asks for: `source port` or `destination port`.
        field: &'static str,
        /// What the rule wants there.
        wanted: PortRange,
    },
}

/// A field of a packet that isn't as a rule wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The rule is of the other IP version.
    Family {
        /// Whether the packet is IPv4.
        v4: bool,
    },
    /// Another protocol.
    Protocol {
        /// The packet's.
        found: u8,
        /// The rule's.
        wanted: u8,
    },
    /// An address outside of the rule's range.
    Address {
        /// `source` or `destination`.
        field: &'static str,
        /// The packet's.
        found: IpAddr,
        /// The rule's.
        wanted: Cidr,
    },
    /// A port outside of the rule's range; none if the protocol has none.
    Port {
        /// `source port` or `destination port`.
        field: &'static str,
        /// The packet's.
        found: Option<u16>,
        /// The rule's.
        wanted: PortRange,
    },
}

impl Mismatch {
    /// The name of the field: `ip version`, `protocol`, `source`, `destination`, `source port` or
    /// `destination port`.
    pub fn field(&self) -> &'static str {
        match self {
            Mismatch::Family { .. } => "ip version",
            Mismatch::Protocol { .. } => "protocol",
            Mismatch::Address { field, .. } | Mismatch::Port { field, .. } => field,
        }
    }
}

impl fmt::Display for Mismatch {
    /// `destination port 8443 is not 443`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = |number: u8| match protocol_name(number) {
            Some(name) => name.to_owned(),
            None => number.to_string(),
        };
        match *self {
            Mismatch::Family { v4: true } => f.write_str("it is of IPv6, the packet is IPv4"),
            Mismatch::Family { v4: false } => f.write_str("it is of IPv4, the packet is IPv6"),
            Mismatch::Protocol { found, wanted } => {
                write!(f, "protocol {} is not {}", protocol(found), protocol(wanted))
            }
            Mismatch::Address { field, found, wanted } => {
                write!(f, "{field} {found} is not in {wanted}")
            }
            Mismatch::Port { field, found: Some(found), wanted } => {
                let is_not = if wanted.from() == wanted.to() { "is not" } else { "is not in" };
                write!(f, "{field} {found} {is_not} {wanted}")
            }
            Mismatch::Port { field, found: None, wanted } => {
                write!(f, "there is no {field} to be {wanted}")
            }
        }
    }
}

/// Hold a packet against all rules of its direction, in the order in which AWS tries them. The first
/// that matches decides; those behind it are here to show what would happen without it.
pub fn explain(filter: &Filter, packet: &Packet) -> Vec<Tried> {
    let mut rules: Vec<(usize, &Rule)> = filter
        .rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| rule.direction == packet.direction)
        .collect();
    rules.sort_by_key(|(_, rule)| rule.number);
    rules.into_iter().map(|(at, rule)| Tried { rule: at, fit: fit(rule, packet) }).collect()
}

fn fit(rule: &Rule, packet: &Packet) -> Fit {
    let v4 = packet.source.is_ipv4();
    if rule.source.address().is_ipv4() != v4 || rule.destination.address().is_ipv4() != v4 {
        return Fit::Fails(Mismatch::Family { v4 });
    }
    if let Some(wanted) = rule.protocol.filter(|&wanted| wanted != packet.protocol) {
        return Fit::Fails(Mismatch::Protocol { found: packet.protocol, wanted });
    }
    for (field, found, wanted) in [
        ("source", packet.source, rule.source),
        ("destination", packet.destination, rule.destination),
    ] {
        if !wanted.contains(found) {
            return Fit::Fails(Mismatch::Address { field, found, wanted });
        }
    }
    let mut unknown = None;
    for (field, found, wanted) in [
        ("source port", packet.ports.map(|(port, _)| port), rule.source_ports),
        ("destination port", packet.ports.map(|(_, port)| port), rule.destination_ports),
    ] {
        let Some(wanted) = wanted else { continue };
        match found {
            Some(port) if wanted.contains(port) => {}
            None if has_ports(packet.protocol) => {
                unknown = unknown.or(Some(Fit::Unknown { field, wanted }));
            }
            found => return Fit::Fails(Mismatch::Port { field, found, wanted }),
        }
    }
    unknown.unwrap_or(Fit::Matches)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Action;
    use mirror_wire::Direction;

    fn rule() -> Rule {
        Rule {
            direction: Direction::Ingress,
            number: 100,
            action: Action::Accept,
            protocol: Some(6),
            source: "0.0.0.0/0".parse().unwrap(),
            destination: "10.0.0.0/16".parse().unwrap(),
            source_ports: PortRange::new(1_024, 65_535),
            destination_ports: PortRange::new(443, 443),
            description: None,
            id: None,
        }
    }

    fn says(packet: &str) -> String {
        let filter = Filter { rules: vec![rule()], ..Filter::default() };
        match explain(&filter, &packet.parse().unwrap()).as_slice() {
            [] => "not tried".to_owned(),
            [Tried { fit: Fit::Matches, .. }] => "matches".to_owned(),
            [Tried { fit: Fit::Fails(why), .. }] => why.to_string(),
            [Tried { fit: Fit::Unknown { field, .. }, .. }] => format!("no {field}"),
            more => panic!("{more:?}"),
        }
    }

    #[test]
    fn the_first_field_that_fails_is_named_with_what_the_rule_wants() {
        for (packet, text) in [
            ("ingress tcp 203.0.113.9:51000 > 10.0.1.15:443", "matches"),
            ("egress tcp 203.0.113.9:51000 > 10.0.1.15:443", "not tried"),
            ("ingress tcp [::1]:51000 > [::2]:443", "it is of IPv4, the packet is IPv6"),
            ("ingress udp 203.0.113.9:51000 > 10.1.1.15:443", "protocol udp is not tcp"),
            ("ingress 47 203.0.113.9 > 10.1.1.15", "protocol 47 is not tcp"),
            (
                "ingress tcp 203.0.113.9:80 > 10.1.1.15:443",
                "destination 10.1.1.15 is not in 10.0.0.0/16",
            ),
            ("ingress tcp 203.0.113.9:80 > 10.0.1.15:8443", "source port 80 is not in 1024-65535"),
            ("ingress tcp 203.0.113.9:51000 > 10.0.1.15:8443", "destination port 8443 is not 443"),
            ("ingress tcp 203.0.113.9 > 10.0.1.15", "no source port"),
        ] {
            assert_eq!(says(packet), text, "{packet}");
        }
    }

    /// AWS refuses such a rule; a filter that isn't compiled may have it.
    #[test]
    fn a_rule_of_two_families_is_of_the_other_one_for_every_packet() {
        let both = Rule { destination: "::/0".parse().unwrap(), ..rule() };
        let filter = Filter { rules: vec![both], ..Filter::default() };
        for (packet, v4) in [
            ("ingress tcp 203.0.113.9:51000 > 10.0.1.15:443", true),
            ("ingress tcp [::1]:51000 > [::2]:443", false),
        ] {
            let tried = explain(&filter, &packet.parse().unwrap());
            assert_eq!(tried[0].fit, Fit::Fails(Mismatch::Family { v4 }), "{packet}");
        }
    }

    #[test]
    fn what_failed_has_the_name_of_its_field() {
        let field = |packet: &str| {
            let filter = Filter { rules: vec![rule()], ..Filter::default() };
            match explain(&filter, &packet.parse().unwrap())[0].fit {
                Fit::Fails(why) => why.field(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(field("ingress tcp [::1]:51000 > [::2]:443"), "ip version");
        assert_eq!(field("ingress udp 203.0.113.9:51000 > 10.0.1.15:443"), "protocol");
        assert_eq!(field("ingress tcp 203.0.113.9:51000 > 10.1.1.15:443"), "destination");
        assert_eq!(field("ingress tcp 203.0.113.9:51000 > 10.0.1.15:80"), "destination port");
    }

    /// They are tried by number; the index says where each stands.
    #[test]
    fn rules_are_tried_in_ascending_order_of_numbers() {
        let rules = [30, 10, 20].map(|number| Rule { number, ..rule() }).to_vec();
        let filter = Filter { rules, ..Filter::default() };
        let packet = "ingress tcp 203.0.113.9:51000 > 10.0.1.15:443".parse().unwrap();
        let order: Vec<usize> = explain(&filter, &packet).iter().map(|one| one.rule).collect();
        assert_eq!(order, [1, 2, 0]);
    }

    #[test]
    fn a_protocol_without_ports_lacks_none() {
        let icmp = Rule { protocol: None, ..rule() };
        let filter = Filter { rules: vec![icmp], ..Filter::default() };
        let tried = explain(&filter, &"ingress icmp 203.0.113.9 > 10.0.1.15".parse().unwrap());
        let Fit::Fails(why) = tried[0].fit else { panic!("{tried:?}") };
        assert_eq!(why.to_string(), "there is no source port to be 1024-65535");
    }
}
