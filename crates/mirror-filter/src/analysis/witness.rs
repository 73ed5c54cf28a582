//! Examples that look like packets.
//!
//! Any packet of a set proves that it isn't empty, but a person who reads `0.0.0.0:0 > 0.0.0.0:0`
//! learns little. So of the values that are left at each coordinate the best known is taken: TCP,
//! HTTPS, a client's port, a host of the VPC here and one of the networks for documentation there;
//! and if none of those is left, the first host of what is.

use mirror_wire::Direction;

use super::cube::{
    Cube, DESTINATION, DESTINATION_PORT, Family, Interval, PROTOCOL, Point, SOURCE, SOURCE_PORT,
    bits,
};
use super::diagram::{Arena, Ref, TooComplex};
use crate::packet::Packet;

/// Hosts of a VPC, as people number them.
const HERE_V4: [[u8; 4]; 6] = [
    [10, 0, 1, 15],
    [10, 0, 0, 15],
    [10, 1, 0, 15],
    [172, 31, 0, 15],
    [172, 16, 0, 15],
    [192, 168, 1, 15],
];
/// Their neighbours, for where the other end has to be in the VPC too.
const NEAR_V4: [[u8; 4]; 6] = [
    [10, 0, 2, 99],
    [10, 0, 0, 99],
    [10, 1, 0, 99],
    [172, 31, 0, 99],
    [172, 16, 0, 99],
    [192, 168, 1, 99],
];
/// Hosts elsewhere (RFC 5737).
const THERE_V4: [[u8; 4]; 3] = [[203, 0, 113, 9], [198, 51, 100, 7], [192, 0, 2, 1]];
// RFC 3849 and RFC 4193.
const HERE_V6: [u128; 2] =
    [0x2001_0db8_1234_ab01_0000_0000_0000_0015, 0xfd00_0000_0000_0000_0000_0000_0000_0015];
const NEAR_V6: [u128; 2] =
    [0x2001_0db8_1234_ab02_0000_0000_0000_0099, 0xfd00_0000_0000_0000_0000_0000_0000_0099];
const THERE_V6: [u128; 2] =
    [0x2001_0db8_0000_0000_0000_0000_0000_0009, 0x2600_0000_0000_0000_0000_0000_0000_0009];

/// Ports that services listen at.
const SERVICE: [u128; 8] = [443, 80, 22, 53, 8080, 3306, 5432, 25];
/// Ports that clients send from.
const CLIENT: [u128; 3] = [51_000, 49_152, 1_024];

/// What is preferred in packets of one direction.
struct Taste {
    protocols: Vec<u128>,
    sources: Vec<u128>,
    destinations: Vec<u128>,
}

impl Taste {
    fn new(direction: Direction, family: Family) -> Taste {
        let v4 = |list: &[[u8; 4]]| -> Vec<u128> {
            list.iter().map(|&octets| bits(octets.into())).collect()
        };
        let (here, near, there, icmp) = match family {
            Family::V4 => (v4(&HERE_V4), v4(&NEAR_V4), v4(&THERE_V4), 1),
            Family::V6 => (HERE_V6.to_vec(), NEAR_V6.to_vec(), THERE_V6.to_vec(), 58),
        };
        let (own, other) = ([here, there.clone()].concat(), [there, near].concat());
        let (sources, destinations) = match direction {
            Direction::Egress => (own, other),
            Direction::Ingress => (other, own),
        };
        Taste { protocols: vec![6, 17, icmp, 50, 47], sources, destinations }
    }

    /// How good a piece is, the lower the better, and the value to take of it.
    fn rank(&self, level: usize, piece: Interval) -> (usize, u128) {
        let ports;
        let preferred: &[u128] = match level {
            PROTOCOL => &self.protocols,
            SOURCE => &self.sources,
            DESTINATION => &self.destinations,
            DESTINATION_PORT => {
                ports = [&SERVICE[..], &CLIENT].concat();
                &ports
            }
            _ => {
                ports = [&CLIENT[..], &SERVICE].concat();
                &ports
            }
        };
        let best = preferred.iter().position(|&value| piece.contains(value));
        let value = best.and_then(|at| preferred.get(at)).copied();
        let rank = best.unwrap_or(preferred.len());
        (rank, value.unwrap_or_else(|| first_host(level, piece)))
    }
}

/// The first value of a piece that isn't the address of a network, or port 0, if there is another.
fn first_host(level: usize, piece: Interval) -> u128 {
    match level {
        SOURCE | DESTINATION if piece.low < piece.high && piece.low & 1 == 0 => piece.low + 1,
        SOURCE_PORT | DESTINATION_PORT if piece.low == 0 && piece.high > 0 => 1,
        _ => piece.low,
    }
}

/// A packet of a cube that ends at a leaf which is `wanted`, if there is one.
pub(super) fn find(
    arena: &mut Arena,
    root: Ref,
    direction: Direction,
    cube: &Cube,
    wanted: &dyn Fn(u32) -> bool,
) -> Result<Option<Packet>, TooComplex> {
    let family = arena.family();
    let taste = Taste::new(direction, family);
    let path = arena.path(root, cube, wanted, &|level, piece| taste.rank(level, piece))?;
    Ok(path.map(|path| Point(path).packet(family, direction)))
}

#[cfg(test)]
mod tests {
    use crate::analysis::{Analysis, Flows};
    use crate::{Action, Filter, Services};

    use super::*;

    /// A packet of what a rule with these fields would match, of a filter without any.
    fn example(flows: &Flows) -> String {
        let mut analysis = Analysis::new(&Filter::default(), &Services::default()).unwrap();
        analysis.any(flows, Action::Reject).unwrap().unwrap().to_string()
    }

    #[test]
    fn the_interface_is_in_a_vpc_and_the_other_end_is_not() {
        let (ingress, egress) = (Direction::Ingress, Direction::Egress);
        for (flows, text) in [
            (Flows::all_v4(ingress), "ingress tcp 203.0.113.9:51000 > 10.0.1.15:443"),
            (Flows::all_v4(egress), "egress tcp 10.0.1.15:51000 > 203.0.113.9:443"),
            (
                Flows::all_v6(ingress),
                "ingress tcp [2001:db8::9]:51000 > [2001:db8:1234:ab01::15]:443",
            ),
        ] {
            assert_eq!(example(&flows), text);
        }
        // Both ends in one network are two hosts of it.
        let vpc = "10.0.0.0/8".parse().unwrap();
        let within = Flows { source: vpc, destination: vpc, ..Flows::all_v4(egress) };
        assert_eq!(example(&within), "egress tcp 10.0.1.15:51000 > 10.0.2.99:443");
    }

    #[test]
    fn where_nothing_known_is_left_the_first_host_and_port_are_taken() {
        let with = |source: &str, ports: (u16, u16)| {
            let source = source.parse().unwrap();
            let source_ports = crate::PortRange::new(ports.0, ports.1);
            example(&Flows { source, source_ports, ..Flows::all_v4(Direction::Egress) })
        };
        let to = "> 203.0.113.9:443";
        assert_eq!(with("172.20.0.0/24", (0, 10)), format!("egress tcp 172.20.0.1:1 {to}"));
        assert_eq!(with("172.20.0.0/32", (0, 0)), format!("egress tcp 172.20.0.0:0 {to}"));
        assert_eq!(with("172.20.0.3/32", (5, 10)), format!("egress tcp 172.20.0.3:5 {to}"));
        // One of the ports of services before any other.
        assert_eq!(with("172.20.0.3/32", (20, 30)), format!("egress tcp 172.20.0.3:22 {to}"));
    }

    #[test]
    fn a_protocol_that_is_met_is_one_that_people_know() {
        let of = |protocol: u8, flows: Flows| example(&Flows { protocol: Some(protocol), ..flows });
        assert_eq!(of(1, Flows::all_v4(Direction::Egress)), "egress icmp 10.0.1.15 > 203.0.113.9");
        assert_eq!(of(99, Flows::all_v4(Direction::Egress)), "egress 99 10.0.1.15 > 203.0.113.9");
        let rejects_tcp_and_udp = |family: &str| {
            let rule = |protocol: u8| crate::Rule {
                direction: Direction::Ingress,
                number: protocol.into(),
                action: Action::Accept,
                protocol: Some(protocol),
                source: family.parse().unwrap(),
                destination: family.parse().unwrap(),
                source_ports: None,
                destination_ports: None,
                description: None,
                id: None,
            };
            let filter = Filter { rules: vec![rule(6), rule(17)], ..Filter::default() };
            let way = Direction::Ingress;
            let flows = if family == "::/0" { Flows::all_v6(way) } else { Flows::all_v4(way) };
            let found =
                Analysis::new(&filter, &Services::default()).unwrap().any(&flows, Action::Reject);
            found.unwrap().unwrap().protocol
        };
        assert_eq!(rejects_tcp_and_udp("0.0.0.0/0"), 1);
        assert_eq!(rejects_tcp_and_udp("::/0"), 58);
    }
}
