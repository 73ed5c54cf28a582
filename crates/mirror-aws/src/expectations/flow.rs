//! The flows that a test is about: one packet as text, or ranges, field by field.

use std::net::IpAddr;

use mirror_filter::analysis::Flows;
use mirror_filter::{Cidr, Packet, PortRange};
use mirror_wire::Direction;

use super::{known, range};
use crate::at::At;
use crate::node::NodeKind;
use crate::problem::{Problem, Problems};

const KEYS: [&str; 6] =
    ["direction", "protocol", "source", "source_port", "destination", "destination_port"];

/// Protocols by the names that rules are printed with.
const PROTOCOLS: [(&str, u8); 4] = [("icmp", 1), ("tcp", 6), ("udp", 17), ("icmpv6", 58)];

/// Flows, one for each direction and family that is left open.
pub(super) fn read(at: &At<'_>, problems: &mut Problems) -> Option<Vec<Flows>> {
    if let NodeKind::String(text) = &at.node().kind {
        return match text.parse() {
            Ok(packet) => Some(vec![of_packet(&packet)]),
            Err(error) => {
                problems.push(Problem::error(at.place(), format!("{error}")));
                None
            }
        };
    }
    if !at.map(problems) {
        return None;
    }
    known(at, &KEYS, problems);
    let before = problems.errors();
    let direction = at.get("direction").map(|at| {
        let words = [Direction::Ingress, Direction::Egress].map(|one| (one.as_str(), one));
        at.one_of(&words, problems)
    });
    let protocol = at.get("protocol").map(|at| protocol(&at, problems));
    let [source, destination] =
        ["source", "destination"].map(|key| at.get(key).map(|at| range(&at, problems)));
    let [source_ports, destination_ports] =
        ["source_port", "destination_port"].map(|key| at.get(key).map(|at| ports(&at, problems)));
    if problems.errors() > before {
        return None;
    }
    let (protocol, source, destination) =
        (protocol.flatten(), source.flatten(), destination.flatten());
    let (source_ports, destination_ports) = (source_ports.flatten(), destination_ports.flatten());
    let has_ports = source_ports.is_some() || destination_ports.is_some();
    if has_ports && protocol.is_some_and(|protocol| !matches!(protocol, 6 | 17)) {
        let message = "found ports with another protocol, expected tcp or udp";
        problems.push(Problem::error(at.place(), message));
        return None;
    }
    let is_v4 = |range: Cidr| range.address().is_ipv4();
    if let (Some(source), Some(destination)) = (source, destination)
        && is_v4(source) != is_v4(destination)
    {
        let found = format!("source {source} and destination {destination}");
        problems.found(at.place(), found, "two of one family");
        return None;
    }
    let directions = match direction.flatten() {
        Some(one) => vec![one],
        None => vec![Direction::Ingress, Direction::Egress],
    };
    let mut flows = Vec::new();
    for direction in directions {
        for all in [Flows::all_v4(direction), Flows::all_v6(direction)] {
            let is_other = |range: Cidr| is_v4(range) != is_v4(all.source);
            if source.or(destination).is_some_and(is_other) {
                continue;
            }
            flows.push(Flows {
                protocol,
                source: source.unwrap_or(all.source),
                destination: destination.unwrap_or(all.destination),
                source_ports,
                destination_ports,
                ..all
            });
        }
    }
    Some(flows)
}

fn of_packet(packet: &Packet) -> Flows {
    let port = |port: u16| PortRange::new(port, port);
    let host = |address: IpAddr| Cidr::host(address);
    Flows {
        direction: packet.direction,
        protocol: Some(packet.protocol),
        source: host(packet.source),
        destination: host(packet.destination),
        source_ports: packet.ports.and_then(|(source, _)| port(source)),
        destination_ports: packet.ports.and_then(|(_, destination)| port(destination)),
    }
}

fn protocol(at: &At<'_>, problems: &mut Problems) -> Option<u8> {
    if let NodeKind::String(word) = &at.node().kind {
        if let Some((_, number)) = PROTOCOLS.iter().find(|(name, _)| name == word) {
            return Some(*number);
        }
        at.wrong("tcp, udp, icmp, icmpv6 or a number up to 255", problems);
        return None;
    }
    at.integer(0..=255, problems).and_then(|number| u8::try_from(number).ok())
}

/// `443`, or `1024-65535`.
fn ports(at: &At<'_>, problems: &mut Problems) -> Option<PortRange> {
    let text = at.string(problems)?;
    let (from, to) = text.split_once('-').unwrap_or((&text, &text));
    let port = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|_| digits)
    };
    let ports = port(from).zip(port(to)).and_then(|(from, to)| PortRange::new(from, to));
    if ports.is_none() {
        at.wrong("a port, or a range as 1024-65535", problems);
    }
    ports
}
