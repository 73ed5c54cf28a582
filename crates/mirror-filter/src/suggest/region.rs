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
