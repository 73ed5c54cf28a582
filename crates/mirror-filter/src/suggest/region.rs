//! Flows and rules as they look from the mirrored interface: a local and a remote side.
//!
//! Seen so, the two directions of a conversation are one point, and a rule for one direction is the
//! rule for the other: only the direction, at the end, says which side is the source.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use mirror_wire::{Direction, Flow, Ports};

use crate::{Action, Cidr, PortRange, Rule};

/// The two spaces that no rule joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    pub(super) fn of(address: IpAddr) -> Family {
        if address.is_ipv4() { Family::V4 } else { Family::V6 }
    }

    /// All addresses.
    pub(super) fn all(self) -> Cidr {
        let zero: IpAddr = match self {
            Family::V4 => Ipv4Addr::UNSPECIFIED.into(),
            Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
        };
        prefix(zero, 0)
    }

    /// Bits of an address.
    pub(super) fn bits(self) -> u8 {
        match self {
            Family::V4 => 32,
            Family::V6 => 128,
        }
    }
}

/// The range around an address; of a prefix that is too long, the address alone.
pub(super) fn prefix(address: IpAddr, len: u8) -> Cidr {
    let bits = Family::of(address).bits();
    Cidr::new(address, len.min(bits)).unwrap_or_else(|| Cidr::host(address))
}

/// One side of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Side {
    Local,
    Remote,
}

/// A flow without its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Point {
    pub(super) protocol: u8,
    pub(super) local: IpAddr,
    pub(super) remote: IpAddr,
    /// Local and remote, of TCP and UDP.
    pub(super) ports: Option<(u16, u16)>,
}

impl Point {
    /// The point of a flow, if it has every field that a rule may ask for.
    pub(super) fn of(direction: Direction, flow: &Flow) -> Option<(Family, Point)> {
        let ports = match flow.ports {
            Ports::Known { source, destination } => Some((source, destination)),
            Ports::Absent => None,
            Ports::Missing(_) => return None,
        };
        let (local, remote, ports) = match direction {
            Direction::Egress => (flow.source, flow.destination, ports),
            Direction::Ingress => (flow.destination, flow.source, ports.map(|(s, d)| (d, s))),
        };
        let family = Family::of(local);
        let point = Point { protocol: flow.protocol?, local, remote, ports };
        (family == Family::of(remote)).then_some((family, point))
    }

    pub(super) fn address(&self, side: Side) -> IpAddr {
        match side {
            Side::Local => self.local,
            Side::Remote => self.remote,
        }
    }

    pub(super) fn port(&self, side: Side) -> Option<u16> {
        self.ports.map(|(local, remote)| match side {
            Side::Local => local,
            Side::Remote => remote,
        })
    }
}

/// What a rule matches, without its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) protocol: Option<u8>,
    pub(super) local: Cidr,
    pub(super) remote: Cidr,
    pub(super) local_ports: Option<PortRange>,
    pub(super) remote_ports: Option<PortRange>,
}

impl Region {
    /// Nothing but a point.
    pub(super) fn around(point: &Point) -> Region {
        let port = |side| point.port(side).and_then(|port| PortRange::new(port, port));
        Region {
            protocol: Some(point.protocol),
            local: Cidr::host(point.local),
            remote: Cidr::host(point.remote),
            local_ports: port(Side::Local),
            remote_ports: port(Side::Remote),
        }
    }

    pub(super) fn contains(&self, point: &Point) -> bool {
        let has_port = |ports: Option<PortRange>, side| {
            ports.is_none_or(|ports| point.port(side).is_some_and(|port| ports.contains(port)))
        };
        self.protocol.is_none_or(|protocol| protocol == point.protocol)
            && has_port(self.local_ports, Side::Local)
            && has_port(self.remote_ports, Side::Remote)
            && self.remote.contains(point.remote)
            && self.local.contains(point.local)
    }

    pub(super) fn with_address(self, side: Side, range: Cidr) -> Region {
        match side {
            Side::Local => Region { local: range, ..self },
            Side::Remote => Region { remote: range, ..self },
        }
    }

    pub(super) fn with_ports(self, side: Side, ports: Option<PortRange>) -> Region {
        match side {
            Side::Local => Region { local_ports: ports, ..self },
            Side::Remote => Region { remote_ports: ports, ..self },
        }
    }

    pub(super) fn ports(&self, side: Side) -> Option<PortRange> {
        match side {
            Side::Local => self.local_ports,
            Side::Remote => self.remote_ports,
        }
    }

    /// The smallest region that one rule can match with both of these in it.
    pub(super) fn hull(&self, other: &Region) -> Region {
        let protocol = self.protocol.filter(|_| self.protocol == other.protocol);
        let ports = |a: Option<PortRange>, b: Option<PortRange>| {
            let (a, b) = (a?, b?);
            let all = PortRange::new(a.from().min(b.from()), a.to().max(b.to()));
            all.filter(|_| protocol.is_some())
        };
        Region {
            protocol,
            local: common(self.local, other.local),
            remote: common(self.remote, other.remote),
            local_ports: ports(self.local_ports, other.local_ports),
            remote_ports: ports(self.remote_ports, other.remote_ports),
        }
    }

    /// How large it is, as the bits that it leaves open.
    pub(super) fn openness(&self) -> f64 {
        let open = |range: Cidr| {
            let bits = Family::of(range.address()).bits();
            f64::from(bits - range.prefix_len().min(bits))
        };
        let ports = |ports: Option<PortRange>| {
            ports.map_or(16.0, |ports| (f64::from(ports.to() - ports.from()) + 1.0).log2())
        };
        let protocol = if self.protocol.is_none() { 8.0 } else { 0.0 };
        open(self.local)
            + open(self.remote)
            + ports(self.local_ports)
            + ports(self.remote_ports)
            + protocol
    }

    /// The rule that matches it in one direction.
    pub(super) fn rule(self, direction: Direction, number: u32, action: Action) -> Rule {
        let Region { protocol, local, remote, local_ports, remote_ports } = self;
        let ((source, source_ports), (destination, destination_ports)) = match direction {
            Direction::Egress => ((local, local_ports), (remote, remote_ports)),
            Direction::Ingress => ((remote, remote_ports), (local, local_ports)),
        };
        Rule {
            direction,
            number,
            action,
            protocol,
            source,
            destination,
            source_ports,
            destination_ports,
            description: None,
            id: None,
        }
    }
}

/// The smallest range with both of these in it.
fn common(a: Cidr, b: Cidr) -> Cidr {
    let most = a.prefix_len().min(b.prefix_len());
    let fits = |len: &u8| {
        let range = prefix(a.address(), *len);
        range.contains(a.address()) && range.contains(b.address())
    };
    let len = (0..=most).rev().find(fits).unwrap_or(0);
    prefix(a.address(), len)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Decision, Filter};

    fn region(local: &str, remote: &str) -> Region {
        let [local, remote] = [local, remote].map(|text| text.parse().unwrap());
        Region { protocol: Some(6), local, remote, local_ports: None, remote_ports: None }
    }

    #[test]
    fn what_is_open_is_counted_in_bits() {
        let is = |region: Region, bits: f64| {
            let found = region.openness();
            assert!((found - bits).abs() < 1e-9, "{region:?}: {found}");
        };
        let hosts = region("10.0.1.15/32", "203.0.113.9/32");
        let ports = |from, to| PortRange::new(from, to);
        let port = Region { local_ports: ports(7, 7), remote_ports: ports(443, 443), ..hosts };
        is(port, 0.0);
        is(Region { remote_ports: ports(440, 443), ..port }, 2.0);
        is(Region { local_ports: ports(0, u16::MAX), ..port }, 16.0);
        is(hosts, 32.0);
        is(Region { protocol: None, ..hosts }, 40.0);
        is(region("10.0.0.0/8", "203.0.113.9/32"), 56.0);
        is(region("10.0.1.15/32", "203.0.113.0/24"), 40.0);
        is(region("::/0", "2001:db8::/32"), 128.0 + 96.0 + 32.0);
    }

    #[test]
    fn a_hull_is_the_tightest_rule_around_both() {
        let ports = |from, to| PortRange::new(from, to);
        let one = Region { remote_ports: ports(80, 90), ..region("10.0.0.0/24", "10.1.0.0/24") };
        let other =
            Region { remote_ports: ports(443, 443), ..region("10.0.1.0/25", "10.2.0.1/32") };
        let hull = Region { remote_ports: ports(80, 443), ..region("10.0.0.0/23", "10.0.0.0/14") };
        assert_eq!((one.hull(&other), other.hull(&one)), (hull, hull));
        assert_eq!(one.hull(&one), one);
        // All protocols have no ports, and one that asks for none takes all.
        let udp = Region { protocol: Some(17), ..other };
        assert_eq!(one.hull(&udp), Region { protocol: None, remote_ports: None, ..hull });
        let any_port = Region { remote_ports: None, ..other };
        assert_eq!(one.hull(&any_port).remote_ports, None);
    }

    proptest! {
        /// In either direction, the engine takes the flows of a region and no others.
        #[test]
        fn a_region_is_its_rule_in_both_directions(
            (protocol, other) in prop::sample::select(vec![(6, Some(6)), (6, Some(17)), (17, None), (1, Some(1)), (1, None)]),
            wide in any::<[bool; 4]>(),
            (local, remote) in (0..8_u8, 0..8_u8),
            ports in (440..446_u16, 440..446_u16),
            ingress: bool,
        ) {
            let direction = if ingress { Direction::Ingress } else { Direction::Egress };
            let has_ports = matches!(other, Some(6 | 17));
            let range = |wide: bool| if wide { "10.0.0.0/30" } else { "10.0.0.4/32" };
            let ranges = region(range(wide[0]), range(wide[1]));
            let region = Region {
                protocol: other,
                local_ports: PortRange::new(442, 443).filter(|_| has_ports && wide[2]),
                remote_ports: PortRange::new(443, 444).filter(|_| has_ports && wide[3]),
                ..ranges
            };
            let address = |last| IpAddr::from([10, 0, 0, last]);
            let ports = matches!(protocol, 6 | 17).then_some(ports);
            let point = Point { protocol, local: address(local), remote: address(remote), ports };
            let (source, destination, ports) = match direction {
                Direction::Egress => (point.local, point.remote, ports),
                Direction::Ingress => (point.remote, point.local, ports.map(|(l, r)| (r, l))),
            };
            let ports = ports.map_or(Ports::Absent, |(source, destination)| {
                Ports::Known { source, destination }
            });
            let flow = Flow { source, destination, protocol: Some(protocol), ports };
            let rules = vec![region.rule(direction, 10, Action::Accept)];
            let filter = Filter { rules, ..Filter::default() }.compile().unwrap();
            let takes = filter.decide(direction, &flow) != Decision::NoRule;
            prop_assert_eq!(region.contains(&point), takes);
            prop_assert_eq!(Point::of(direction, &flow), Some((Family::V4, point)));
            prop_assert!(Region::around(&point).contains(&point));
        }
    }

    #[test]
    fn a_flow_that_lacks_what_a_rule_may_ask_for_is_no_point() {
        let flow = Flow {
            source: [10, 0, 1, 15].into(),
            destination: [203, 0, 113, 9].into(),
            protocol: Some(1),
            ports: Ports::Absent,
        };
        assert!(Point::of(Direction::Egress, &flow).is_some());
        let missing = Ports::Missing(mirror_wire::Missing::Cut);
        let two_families = Ipv6Addr::LOCALHOST.into();
        for flow in [
            Flow { ports: missing, ..flow },
            Flow { protocol: None, ..flow },
            Flow { destination: two_families, ..flow },
        ] {
            assert_eq!(Point::of(Direction::Egress, &flow), None);
        }
    }
}
