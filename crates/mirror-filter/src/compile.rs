//! A filter, checked whole and laid out for packets.
//!
//! Rules as data may say what AWS would refuse: a range of IPv4 addresses to a range of IPv6, ports
//! of ICMP, one number twice. Such a filter exists nowhere, so nothing can be said of what it
//! mirrors, and whoever wrote it wants to know all that is wrong with it at once.
//!
//! What remains is four lists (two directions, two families), each in ascending order of numbers.
//! AWS allows ten rules in a filter; a scan of ten rules without a branch inside of a rule is
//! faster than any index over them, and stays so up to a hundred.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

use mirror_wire::Direction;

use crate::engine::{Address, Line, Span};
use crate::{Cidr, Filter, Rule};

/// A filter that packets can be held against: [`decide`](Compiled::decide).
#[derive(Clone, Debug)]
pub struct Compiled {
    pub(crate) ingress: Lists,
    pub(crate) egress: Lists,
    pub(crate) amazon_dns: bool,
}

/// The rules of one direction, by family.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lists {
    pub v4: Vec<Line<u32>>,
    pub v6: Vec<Line<u128>>,
}

impl Compiled {
    /// Whether Amazon DNS is mirrored, whatever the rules say.
    pub fn amazon_dns(&self) -> bool {
        self.amazon_dns
    }

    pub(crate) fn lists(&self, direction: Direction) -> &Lists {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }
}

impl Filter {
    /// Check the rules against each other and lay them out for packets.
    ///
    /// # Errors
    ///
    /// All rules that AWS would refuse, in the order of the rules.
    pub fn compile(&self) -> Result<Compiled, Vec<RuleFault>> {
        let faults = faults(&self.rules);
        if !faults.is_empty() {
            return Err(faults);
        }
        let lists = |direction| {
            let mut rules: Vec<(usize, &Rule)> = self
                .rules
                .iter()
                .enumerate()
                .filter(|(_, rule)| rule.direction == direction)
                .collect();
            //= https://docs.aws.amazon.com/vpc/latest/mirroring/traffic-mirroring-filters.html
            //# Rules are evaluated starting with the lowest numbered rule.
            rules.sort_by_key(|(_, rule)| rule.number);
            let mut lists = Lists::default();
            for (at, rule) in rules {
                match (bits(rule.source), bits(rule.destination)) {
                    (Bits::V4(source), Bits::V4(destination)) => {
                        lists.v4.push(line(at, rule, source, destination));
                    }
                    (Bits::V6(source), Bits::V6(destination)) => {
                        lists.v6.push(line(at, rule, source, destination));
                    }
                    // Refused above.
                    (Bits::V4(_), Bits::V6(_)) | (Bits::V6(_), Bits::V4(_)) => {}
                }
            }
            lists
        };
        Ok(Compiled {
            ingress: lists(Direction::Ingress),
            egress: lists(Direction::Egress),
            amazon_dns: self.amazon_dns,
        })
    }
}

/// The first address of a range, and a mask of the bits that all its addresses share.
enum Bits {
    V4((u32, u32)),
    V6((u128, u128)),
}

fn bits(range: Cidr) -> Bits {
    let len = u32::from(range.prefix_len());
    // A shift by all bits is none in Rust, hence the check for it.
    match range.address() {
        IpAddr::V4(v4) => {
            Bits::V4((v4.to_bits(), u32::MAX.checked_shl(32_u32.saturating_sub(len)).unwrap_or(0)))
        }
        IpAddr::V6(v6) => Bits::V6((
            v6.to_bits(),
            u128::MAX.checked_shl(128_u32.saturating_sub(len)).unwrap_or(0),
        )),
    }
}

fn line<A: Address>(at: usize, rule: &Rule, source: (A, A), destination: (A, A)) -> Line<A> {
    Line {
        source,
        destination,
        protocol: rule.protocol.map_or((0, 0), |protocol| (protocol, u8::MAX)),
        source_ports: rule.source_ports.map_or(Span::ALL, Span::of),
        destination_ports: rule.destination_ports.map_or(Span::ALL, Span::of),
        asks_ports: rule.source_ports.is_some() || rule.destination_ports.is_some(),
        rule: at,
        action: rule.action,
    }
}

/// A rule that AWS would refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleFault {
    /// Its index in [`Filter::rules`].
    pub rule: usize,
    /// Its direction.
    pub direction: Direction,
    /// Its number.
    pub number: u32,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Its ranges are of two families, so no packet could match.
    Families {
        /// Where packets come from.
        source: Cidr,
        /// Where they go.
        destination: Cidr,
    },
    /// It names ports, but not a protocol that has them.
    Ports {
        /// The protocol it names; nothing for all.
        protocol: Option<u8>,
    },
    /// Another rule of its direction has the same number.
    Number {
        /// The index of the first that has it.
        first: usize,
    },
}

impl fmt::Display for RuleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {} ({}): ", self.number, self.direction)?;
        match self.fault {
            Fault::Families { source, destination } => write!(
                f,
                "source {source} and destination {destination}, expected two IPv4 or two IPv6 \
                 ranges"
            ),
            Fault::Ports { protocol: Some(protocol) } => {
                write!(f, "ports with protocol {protocol}, expected 6 (TCP) or 17 (UDP)")
            }
            Fault::Ports { protocol: None } => {
                f.write_str("ports with all protocols, expected 6 (TCP) or 17 (UDP)")
            }
            Fault::Number { .. } => f.write_str("number already used in this direction"),
        }
    }
}

impl std::error::Error for RuleFault {}

fn faults(rules: &[Rule]) -> Vec<RuleFault> {
    let mut numbers = HashMap::new();
    let mut faults = Vec::new();
    for (at, rule) in rules.iter().enumerate() {
        let mut push = |fault| {
            let &Rule { direction, number, .. } = rule;
            faults.push(RuleFault { rule: at, direction, number, fault });
        };
        let &Rule { source, destination, protocol, .. } = rule;
        if source.address().is_ipv4() != destination.address().is_ipv4() {
            push(Fault::Families { source, destination });
        }
        let asks_ports = rule.source_ports.is_some() || rule.destination_ports.is_some();
        if asks_ports && !matches!(protocol, Some(6 | 17)) {
            push(Fault::Ports { protocol });
        }
        let first = *numbers.entry((rule.direction, rule.number)).or_insert(at);
        if first != at {
            push(Fault::Number { first });
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Action, PortRange};

    fn rule(number: u32) -> Rule {
        Rule {
            direction: Direction::Ingress,
            number,
            action: Action::Accept,
            protocol: Some(6),
            source: "0.0.0.0/0".parse().unwrap(),
            destination: "10.0.0.0/16".parse().unwrap(),
            source_ports: None,
            destination_ports: PortRange::new(443, 443),
            description: None,
            id: None,
        }
    }

    fn says(rules: Vec<Rule>) -> Vec<String> {
        let filter = Filter { rules, ..Filter::default() };
        let faults = filter.compile().err().unwrap_or_default();
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn all_that_aws_would_refuse_is_told_at_once() {
        let mixed = Rule { source: "::/0".parse().unwrap(), ..rule(20) };
        let pings = Rule { protocol: Some(1), ..rule(30) };
        let all = Rule { protocol: None, ..rule(40) };
        assert_eq!(
            says(vec![rule(10), mixed, pings, all, rule(10)]),
            [
                "rule 20 (ingress): source ::/0 and destination 10.0.0.0/16, expected two IPv4 or \
                 two IPv6 ranges",
                "rule 30 (ingress): ports with protocol 1, expected 6 (TCP) or 17 (UDP)",
                "rule 40 (ingress): ports with all protocols, expected 6 (TCP) or 17 (UDP)",
                "rule 10 (ingress): number already used in this direction",
            ]
        );
    }

    #[test]
    fn a_number_may_come_once_in_each_direction() {
        let egress = Rule { direction: Direction::Egress, ..rule(10) };
        assert_eq!(says(vec![rule(10), egress]), [""; 0]);
        assert_eq!(says(vec![]), [""; 0], "and a filter needs no rules");
    }

    #[test]
    fn a_fault_names_the_rules_by_their_places() {
        let filter = Filter { rules: vec![rule(7), rule(8), rule(7)], ..Filter::default() };
        let faults = filter.compile().unwrap_err();
        assert_eq!((faults[0].rule, faults[0].fault), (2, Fault::Number { first: 0 }));
    }
}
