//! Sets of packets as intervals: what a rule asks for, in numbers.
//!
//! A packet of one family is a point of five coordinates, and every condition of a rule is an
//! interval of one of them, a range of addresses too. So a rule is a *cube*, and a filter a pile of
//! cubes of which the topmost decides. Two things make that exact:
//!
//! * A packet of a protocol without ports has the first three coordinates only. Ports in a rule
//!   therefore stand in a cube of TCP or of UDP; a rule that names ports and no protocol is two
//!   cubes, one that names ports and another protocol is none.
//! * IPv4 and IPv6 are two spaces. A rule is in that of its ranges; one whose ranges are of both is
//!   in neither.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use mirror_wire::Direction;

use crate::judge::Extent;
use crate::packet::{Packet, has_ports};
use crate::{Cidr, PortRange, Rule};

/// How many coordinates a packet has.
pub(super) const LEVELS: usize = 5;

// The order in which a diagram asks for them. The protocol first, since it says what is below; what
// filters tell apart most coarsely before what they seldom ask for.
pub(super) const PROTOCOL: usize = 0;
pub(super) const DESTINATION: usize = 1;
pub(super) const SOURCE: usize = 2;
pub(super) const DESTINATION_PORT: usize = 3;
pub(super) const SOURCE_PORT: usize = 4;

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    pub(super) const BOTH: [Family; 2] = [Family::V4, Family::V6];

    pub(super) fn of(address: IpAddr) -> Family {
        if address.is_ipv4() { Family::V4 } else { Family::V6 }
    }

    pub(super) fn other(self) -> Family {
        match self {
            Family::V4 => Family::V6,
            Family::V6 => Family::V4,
        }
    }

    /// The highest value of a coordinate.
    pub(super) fn top(self, level: usize) -> u128 {
        match (level, self) {
            (PROTOCOL, _) => u128::from(u8::MAX),
            (DESTINATION | SOURCE, Family::V4) => u128::from(u32::MAX),
            (DESTINATION | SOURCE, Family::V6) => u128::MAX,
            _ => u128::from(u16::MAX),
        }
    }

    /// All addresses.
    pub(super) fn everywhere(self) -> Cidr {
        Cidr::everywhere(self.address(0))
    }

    #[expect(clippy::cast_possible_truncation, reason = "no IPv4 coordinate is above the top")]
    pub(super) fn address(self, bits: u128) -> IpAddr {
        match self {
            Family::V4 => Ipv4Addr::from_bits(bits as u32).into(),
            Family::V6 => Ipv6Addr::from_bits(bits).into(),
        }
    }
}

/// An address as a number.
pub(super) fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// All numbers from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Interval {
    pub(super) low: u128,
    pub(super) high: u128,
}

impl Interval {
    pub(super) fn one(value: impl Into<u128>) -> Interval {
        let value = value.into();
        Interval { low: value, high: value }
    }

    pub(super) fn of(range: &Cidr) -> Interval {
        let low = bits(range.address());
        let len = if range.address().is_ipv4() { 32 } else { 128 };
        let free = u32::saturating_sub(len, u32::from(range.prefix_len()));
        let hosts = 1_u128.checked_shl(free).map_or(u128::MAX, |size| size - 1);
        Interval { low, high: low | hosts }
    }

    pub(super) fn contains(self, value: u128) -> bool {
        self.low <= value && value <= self.high
    }

    pub(super) fn meet(self, other: Interval) -> Option<Interval> {
        let (low, high) = (self.low.max(other.low), self.high.min(other.high));
        (low <= high).then_some(Interval { low, high })
    }

    /// How many bits it takes to tell its numbers apart.
    fn bits(self) -> f64 {
        // All 2^128 addresses are one more than there are numbers.
        #[expect(clippy::cast_precision_loss, reason = "for comparing sizes only")]
        let size = (self.high - self.low) as f64 + 1.0;
        size.log2()
    }
}

/// A product of intervals, one for each coordinate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Cube {
    pub(super) family: Family,
    sides: [Interval; LEVELS],
}

impl Cube {
    /// All packets of a family.
    pub(super) fn whole(family: Family) -> Cube {
        let sides = std::array::from_fn(|level| Interval { low: 0, high: family.top(level) });
        Cube { family, sides }
    }

    /// The cubes of some packets: none, one, or two, as the module's documentation says.
    pub(super) fn of(
        protocol: Option<u8>,
        [source, destination]: [&Cidr; 2],
        [source_ports, destination_ports]: [Option<PortRange>; 2],
    ) -> Vec<Cube> {
        let family = Family::of(source.address());
        if family != Family::of(destination.address()) {
            return Vec::new();
        }
        let mut cube = Cube::whole(family);
        cube.set(SOURCE, Interval::of(source));
        cube.set(DESTINATION, Interval::of(destination));
        let mut asks_ports = false;
        for (level, ports) in [(SOURCE_PORT, source_ports), (DESTINATION_PORT, destination_ports)] {
            if let Some(ports) = ports {
                asks_ports = true;
                cube.set(level, Interval { low: ports.from().into(), high: ports.to().into() });
            }
        }
        let protocols: &[u8] = match (protocol, asks_ports) {
            (None, false) => return vec![cube],
            (None, true) => &[6, 17],
            (Some(protocol), true) if !has_ports(protocol) => &[],
            (Some(protocol), _) => &[protocol],
        };
        let with = |&protocol: &u8| {
            let mut cube = cube;
            cube.set(PROTOCOL, Interval::one(protocol));
            cube
        };
        protocols.iter().map(with).collect()
    }

    /// The cubes of a rule.
    pub(super) fn of_rule(rule: &Rule) -> Vec<Cube> {
        let ranges = [&rule.source, &rule.destination];
        Cube::of(rule.protocol, ranges, [rule.source_ports, rule.destination_ports])
    }

    /// The cubes of a service's packets.
    pub(super) fn of_extent(extent: &Extent) -> Vec<Cube> {
        let ranges = [&extent.source, &extent.destination];
        Cube::of(extent.protocol, ranges, [extent.source_ports, extent.destination_ports])
    }

    /// The cube of one packet.
    pub(super) fn of_packet(packet: &Packet) -> Cube {
        let mut cube = Cube::whole(Family::of(packet.source));
        cube.set(PROTOCOL, Interval::one(packet.protocol));
        cube.set(SOURCE, Interval::one(bits(packet.source)));
        cube.set(DESTINATION, Interval::one(bits(packet.destination)));
        if let Some((source, destination)) = packet.ports {
            cube.set(SOURCE_PORT, Interval::one(source));
            cube.set(DESTINATION_PORT, Interval::one(destination));
        }
        cube
    }

    pub(super) fn side(&self, level: usize) -> Interval {
        self.sides.get(level).copied().unwrap_or(Interval { low: 0, high: 0 })
    }

    pub(super) fn set(&mut self, level: usize, side: Interval) {
        if let Some(place) = self.sides.get_mut(level) {
            *place = side;
        }
    }

    /// The first level from `level` on that isn't as wide as it can be.
    pub(super) fn narrow_from(&self, level: usize) -> Option<usize> {
        let whole = |at: usize| Interval { low: 0, high: self.family.top(at) };
        (level..LEVELS).find(|&at| self.side(at) != whole(at))
    }

    pub(super) fn meet(&self, other: &Cube) -> Option<Cube> {
        if self.family != other.family {
            return None;
        }
        let mut both = *self;
        for level in 0..LEVELS {
            both.set(level, self.side(level).meet(other.side(level))?);
        }
        Some(both)
    }

    /// How large it is, in bits: 128-bit numbers are too small for products of them.
    pub(super) fn bits(&self) -> f64 {
        self.sides.iter().map(|side| side.bits()).sum()
    }

    /// The cube of the answers to its packets.
    pub(super) fn swapped(&self) -> Cube {
        let mut cube = *self;
        for (one, other) in [(SOURCE, DESTINATION), (SOURCE_PORT, DESTINATION_PORT)] {
            cube.set(one, self.side(other));
            cube.set(other, self.side(one));
        }
        cube
    }
}

/// A packet as its five coordinates; those of ports mean nothing where it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Point(pub(super) [u128; LEVELS]);

impl Point {
    #[expect(clippy::cast_possible_truncation, reason = "no coordinate is above its top")]
    pub(super) fn packet(self, family: Family, direction: Direction) -> Packet {
        let Point([protocol, destination, source, destination_port, source_port]) = self;
        let protocol = protocol as u8;
        let ports = has_ports(protocol).then_some((source_port as u16, destination_port as u16));
        Packet {
            direction,
            protocol,
            source: family.address(source),
            destination: family.address(destination),
            ports,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(text: &str) -> Interval {
        Interval::of(&text.parse().unwrap())
    }

    #[test]
    fn a_range_of_addresses_is_an_interval_with_both_its_ends() {
        assert_eq!(interval("10.0.0.0/8"), Interval { low: 0x0a00_0000, high: 0x0aff_ffff });
        assert_eq!(interval("0.0.0.0/0"), Interval { low: 0, high: 0xffff_ffff });
        assert_eq!(interval("255.255.255.255/32"), Interval::one(u32::MAX));
        assert_eq!(interval("::/0"), Interval { low: 0, high: u128::MAX });
        assert_eq!(
            interval("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"),
            Interval::one(u128::MAX)
        );
        assert_eq!(interval("8000::/1"), Interval { low: 1 << 127, high: u128::MAX });
    }

    #[test]
    fn ports_make_a_cube_of_tcp_and_one_of_udp_unless_a_protocol_says_which() {
        let any: Cidr = "0.0.0.0/0".parse().unwrap();
        let six: Cidr = "::/0".parse().unwrap();
        let ports = PortRange::new(53, 53);
        let cubes = |protocol, ports| Cube::of(protocol, [&any, &any], [None, ports]);
        assert_eq!(cubes(None, None), [Cube::whole(Family::V4)]);
        let protocols = |cubes: Vec<Cube>| -> Vec<u128> {
            cubes.iter().map(|cube| cube.side(PROTOCOL).low).collect()
        };
        assert_eq!(protocols(cubes(None, ports)), [6, 17]);
        assert_eq!(protocols(cubes(Some(17), ports)), [17]);
        assert_eq!(protocols(cubes(Some(47), None)), [47]);
        assert!(cubes(Some(1), ports).is_empty());
        assert!(Cube::of(None, [&any, &six], [None, None]).is_empty());
    }

    #[test]
    fn sizes_compare_even_where_they_are_beyond_any_number() {
        let all = Cube::whole(Family::V6);
        let mut half = all;
        half.set(SOURCE, interval("8000::/1"));
        assert!((all.bits() - 296.0).abs() < 1e-9);
        assert!((half.bits() - 295.0).abs() < 1e-9);
    }
}
