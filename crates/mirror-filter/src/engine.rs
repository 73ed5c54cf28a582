//! Which rule decides a packet.
//!
//! Almost every packet shows all that rules ask for, and then it is the first rule in ascending
//! order of numbers that matches. Some show less ([`Missing`]): then each rule matches, doesn't, or
//! might. As long as none might, nothing changes. From the first that might on, the packet is held
//! against the rules once for every way in which what is missing could differ for them. If all end
//! alike there is nothing to be undecided about; a guess is never made.
//!
//! What those ways are depends on why a field is missing. A packet that was cut had its ports when
//! the mirror saw it, so they are any two. A later fragment had none, and AWS doesn't say whether a
//! mirror remembers those of the first: any two, or none.

use std::net::IpAddr;
use std::ops::BitAnd;

use mirror_wire::{Direction, Flow, Missing, Ports};

use crate::{Action, Compiled, PortRange};

/// What the rules say of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// The first rule that matches.
    Rule {
        /// Its index in [`Filter::rules`](crate::Filter::rules).
        rule: usize,
        /// What it does.
        action: Action,
    },
    /// No rule matches: the packet isn't mirrored.
    NoRule,
    /// Which rule matches first depends on what is missing, what becomes of the packet does not.
    Agreed {
        /// The first rule that asks for what is missing.
        rule: usize,
        /// What all that might match do; matching none counts as a reject.
        action: Action,
        /// Why it is missing.
        missing: Missing,
    },
    /// What becomes of the packet depends on what is missing.
    Undecided {
        /// The first rule that asks for it.
        rule: usize,
        /// Why it is missing.
        missing: Missing,
    },
}

impl Compiled {
    /// Hold a packet that went in this direction against the rules.
    ///
    /// Network services are beside the rules; they are not looked at here.
    //= https://docs.aws.amazon.com/vpc/latest/mirroring/traffic-mirroring-filters.html
    //# The first rule that matches the traffic determines whether the traffic is mirrored.
    #[inline]
    pub fn decide(&self, direction: Direction, flow: &Flow) -> Decision {
        let lists = self.lists(direction);
        match (flow.source, flow.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                first(&lists.v4, source.to_bits(), destination.to_bits(), flow)
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                first(&lists.v6, source.to_bits(), destination.to_bits(), flow)
            }
            // No packet has two families, and no rule either.
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => Decision::NoRule,
        }
    }
}

/// An address as a number.
pub(crate) trait Address: Copy + Eq + BitAnd<Output = Self> {}

impl Address for u32 {}
impl Address for u128 {}

/// A rule, laid out so that a packet is held against all its fields without a branch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<A> {
    /// The bits that the range's addresses share, and the mask of them.
    pub source: (A, A),
    pub destination: (A, A),
    /// The same of the protocol: no bit for all, every bit for one.
    pub protocol: (u8, u8),
    pub source_ports: Span,
    pub destination_ports: Span,
    /// Whether it names ports at all, so that a packet without any can't match.
    pub asks_ports: bool,
    /// The index in the filter's rules.
    pub rule: usize,
    pub action: Action,
}

/// A range of ports as its first one and how many follow: one comparison instead of two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    from: u16,
    more: u16,
}

impl Span {
    pub const ALL: Span = Span { from: 0, more: u16::MAX };

    pub fn of(range: PortRange) -> Span {
        Span { from: range.from(), more: range.to() - range.from() }
    }

    #[inline]
    fn contains(self, port: u16) -> bool {
        port.wrapping_sub(self.from) <= self.more
    }

    /// The ports at which a packet begins to match, or ceases to.
    fn edges(self) -> impl Iterator<Item = u16> {
        let behind = self.from.checked_add(self.more).and_then(|last| last.checked_add(1));
        [Some(self.from), behind].into_iter().flatten()
    }
}

/// A packet without its addresses.
#[derive(Clone, Copy)]
struct Rest {
    protocol: u8,
    ports: Option<(u16, u16)>,
}

impl<A: Address> Line<A> {
    #[inline]
    fn is_between(&self, source: A, destination: A) -> bool {
        (source & self.source.1 == self.source.0)
            & (destination & self.destination.1 == self.destination.0)
    }

    #[inline]
    fn is_of(&self, protocol: u8) -> bool {
        protocol & self.protocol.1 == self.protocol.0
    }

    #[inline]
    fn takes(&self, rest: Rest) -> bool {
        let (source, destination) = rest.ports.unwrap_or_default();
        self.is_of(rest.protocol)
            & self.source_ports.contains(source)
            & self.destination_ports.contains(destination)
            & (!self.asks_ports | rest.ports.is_some())
    }
}

#[inline]
fn first<A: Address>(lines: &[Line<A>], source: A, destination: A, flow: &Flow) -> Decision {
    let rest = match (flow.protocol, flow.ports) {
        (Some(protocol), Ports::Known { source, destination }) => {
            Rest { protocol, ports: Some((source, destination)) }
        }
        (Some(protocol), Ports::Absent) => Rest { protocol, ports: None },
        (_, Ports::Missing(missing)) => {
            return first_of_some(lines, source, destination, flow.protocol, missing);
        }
        // Someone made a flow that isn't one: ports of a protocol that isn't known.
        (None, Ports::Known { .. } | Ports::Absent) => {
            return first_of_some(lines, source, destination, None, Missing::Cut);
        }
    };
    let matching =
        lines.iter().find(|line| line.is_between(source, destination) & line.takes(rest));
    match matching {
        Some(line) => Decision::Rule { rule: line.rule, action: line.action },
        None => Decision::NoRule,
    }
}

/// Rules that might match, up to which all the ways are tried. AWS allows ten in a filter.
const MAX_TRIED: usize = 16;

/// As [`first`], where the ports are missing and perhaps the protocol.
#[cold]
fn first_of_some<A: Address>(
    lines: &[Line<A>],
    source: A,
    destination: A,
    protocol: Option<u8>,
    missing: Missing,
) -> Decision {
    let is_certain =
        |line: &Line<A>| !line.asks_ports && (protocol.is_some() || line.protocol.1 == 0);
    // Those that might match, and the first that does.
    let mut concerned = Vec::new();
    for line in lines {
        let fits = line.is_between(source, destination)
            && protocol.is_none_or(|protocol| line.is_of(protocol));
        if fits {
            concerned.push(line);
            if is_certain(line) {
                break;
            }
        }
    }
    let Some(asks) = concerned.first().filter(|line| !is_certain(line)) else {
        return match concerned.first() {
            Some(line) => Decision::Rule { rule: line.rule, action: line.action },
            None => Decision::NoRule,
        };
    };
    let undecided = Decision::Undecided { rule: asks.rule, missing };
    if concerned.len() > MAX_TRIED {
        return undecided;
    }

    let mut outcomes = ways(&concerned, protocol, missing)
        .map(|way| concerned.iter().find(|line| line.takes(way)).copied());
    let action = |line: Option<&Line<A>>| line.map_or(Action::Reject, |line| line.action);
    let Some(one) = outcomes.next() else { return undecided };
    let mut always_one = true;
    for other in outcomes {
        if action(other) != action(one) {
            return undecided;
        }
        always_one &= other.map(|line| line.rule) == one.map(|line| line.rule);
    }
    match (always_one, one) {
        (true, Some(line)) => Decision::Rule { rule: line.rule, action: line.action },
        (true, None) => Decision::NoRule,
        (false, _) => Decision::Agreed { rule: asks.rule, action: action(one), missing },
    }
}

/// One packet for each way in which packets that lack the same fields can differ for these rules.
fn ways<A: Address>(
    lines: &[&Line<A>],
    protocol: Option<u8>,
    missing: Missing,
) -> impl Iterator<Item = Rest> {
    let named = |protocol: u8| lines.iter().any(|line| line.protocol == (protocol, u8::MAX));
    let protocols: Vec<u8> = match protocol {
        Some(protocol) => vec![protocol],
        None => {
            let has_ports = |protocol: &u8| matches!(protocol, 6 | 17);
            let other = (0..=u8::MAX).find(|p| !has_ports(p) && !named(*p));
            (0..=u8::MAX).filter(|p| has_ports(p) || named(*p)).chain(other).collect()
        }
    };
    let edges = |ports: fn(&Line<A>) -> Span| {
        let mut edges: Vec<u16> = lines.iter().flat_map(|line| ports(line).edges()).collect();
        edges.push(0);
        edges.sort_unstable();
        edges.dedup();
        edges
    };
    let sources = edges(|line| line.source_ports);
    let destinations = edges(|line| line.destination_ports);
    // A chain of headers that was cut may hide that this is a later fragment.
    let may_lack_ports = missing == Missing::Fragment || protocol.is_none();
    protocols.into_iter().flat_map(move |protocol| {
        let has_ports = matches!(protocol, 6 | 17);
        let pairs = sources.iter().flat_map(|s| destinations.iter().map(move |d| (*s, *d)));
        let pairs = pairs.filter(|_| has_ports).map(Some);
        let none = (!has_ports || may_lack_ports).then_some(None);
        let ways: Vec<Rest> = pairs.chain(none).map(|ports| Rest { protocol, ports }).collect();
        ways
    })
}

#[cfg(test)]
mod tests;
