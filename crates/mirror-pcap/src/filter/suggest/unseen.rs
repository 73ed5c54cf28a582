//! What suggested rules would mirror that nobody has shown.
//!
//! A rule for a service takes more than the flows that it was made for; that is what it is for, and
//! somebody should know. For each accept: which of its fields are open, how much of each was seen,
//! and a packet that it takes and that was in no capture.

use std::{
    collections::HashSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use anyhow::anyhow;
use mirror_filter::{
    Action, Cidr, Compiled, Filter, Packet, PortRange, Reason, Rule, Services, judge,
    suggest::Sample,
};
use mirror_wire::{Direction, Flow, Ports, Seen};
use serde::Serialize;

use super::traffic::Traffic;
use crate::{
    failure::Failure,
    filter::test::example,
    number::{counted, grouped},
};

/// What a rule takes beside what was shown.
#[derive(Serialize)]
pub(super) struct Unseen {
    pub(super) direction: &'static str,
    pub(super) rule: u32,
    /// In words.
    pub(super) text: String,
    /// A packet that it takes and nobody has shown.
    pub(super) witness: Option<String>,
}

/// What each accept of a filter takes beside what was shown.
pub(super) fn unseen(
    filter: &Filter,
    include: &Traffic,
    exclude: &Traffic,
    vpc: &[Cidr],
) -> Result<Vec<Unseen>, Failure> {
    let compiled =
        filter.compile().map_err(|_| Failure::usage(anyhow!("rules that AWS refuses")))?;
    let judged = Judged { filter: compiled, services: Services::new(vpc) };
    let samples = include.samples();
    let mut all = Vec::new();
    for (at, rule) in filter.rules.iter().enumerate() {
        if rule.action == Action::Reject {
            continue;
        }
        let takes = |sample: &&Sample| judged.rule(sample.direction, &sample.flow) == Some(at);
        let taken: Vec<&Sample> = samples.iter().filter(takes).collect();
        let is_new = |packet: &Packet| {
            let flow = flow(packet);
            judged.rule(packet.direction, &flow) == Some(at)
                && !include.has(packet.direction, &flow)
                && !exclude.has(packet.direction, &flow)
        };
        let witness = candidates(rule, &taken).find(is_new);
        all.push(Unseen {
            direction: rule.direction.as_str(),
            rule: rule.number,
            text: words(rule, &taken),
            witness: witness.map(|packet| example(Some(packet.direction), &flow(&packet))),
        });
    }
    Ok(all)
}

/// What becomes of flows: not all are for rules to decide.
struct Judged {
    filter: Compiled,
    services: Services,
}

impl Judged {
    /// The index of the rule that decides a flow.
    fn rule(&self, direction: Direction, flow: &Flow) -> Option<usize> {
        let seen = Seen { flow: *flow, fragment: false, extensions: false, icmp_type: None };
        let judged = judge(&self.services, &[&self.filter], Ok(&seen), Ok(direction));
        judged.rule.filter(|_| judged.reason == Reason::Rule)
    }
}

fn flow(packet: &Packet) -> Flow {
    let ports = match packet.ports {
        Some((source, destination)) => Ports::Known { source, destination },
        None => Ports::Absent,
    };
    let Packet { source, destination, protocol, .. } = *packet;
    Flow { source, destination, protocol: Some(protocol), ports }
}

/// Packets in a rule, those first that people take for real: of an interface that was seen, with
/// addresses of documentation and what begins a range, ports that are drawn.
fn candidates(rule: &Rule, taken: &[&Sample]) -> impl Iterator<Item = Packet> {
    let protocol = rule.protocol.unwrap_or(6);
    let own = |is_source: bool| {
        let is_local = is_source == (rule.direction == Direction::Egress);
        let flow = taken.first().filter(|_| is_local).map(|one| one.flow);
        flow.map(|flow| if is_source { flow.source } else { flow.destination })
    };
    let of = |range, own: Option<IpAddr>| own.into_iter().chain(addresses(range)).collect();
    let sources: Vec<IpAddr> = of(rule.source, own(true));
    let destinations: Vec<IpAddr> = of(rule.destination, own(false));
    let pairs: Vec<(IpAddr, IpAddr)> = sources
        .iter()
        .flat_map(|s| destinations.iter().map(move |d| (*s, *d)))
        .filter(|(source, destination)| source != destination)
        .collect();
    let ports: Vec<Option<(u16, u16)>> = match protocol {
        6 | 17 => {
            let (from, to) = (ports(rule.source_ports), ports(rule.destination_ports));
            from.iter().flat_map(|s| to.iter().map(move |d| Some((*s, *d)))).collect()
        }
        _ => vec![None],
    };
    let direction = rule.direction;
    pairs.into_iter().flat_map(move |(source, destination)| {
        let packet = move |ports| Packet { direction, protocol, source, destination, ports };
        ports.clone().into_iter().map(packet)
    })
}

fn addresses(range: Cidr) -> Vec<IpAddr> {
    let behind = |n: u8| -> IpAddr {
        match range.address() {
            IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits().saturating_add(n.into())).into(),
            IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits().saturating_add(n.into())).into(),
        }
    };
    // TEST-NET-1 and its like, of which captures have fewer than of the others.
    let known = ["192.0.2.77", "198.51.100.77", "10.77.0.77", "2001:db8:77::77", "fd77::77"];
    let known = known.iter().filter_map(|text| text.parse::<IpAddr>().ok());
    known.chain([7, 77, 1, 0].map(behind)).filter(|address| range.contains(*address)).collect()
}

fn ports(range: Option<PortRange>) -> Vec<u16> {
    match range {
        None => vec![49_152, 1_024],
        Some(range) => vec![range.from(), range.to()],
    }
}

/// A rule in words, and how much of what it leaves open was seen.
fn words(rule: &Rule, taken: &[&Sample]) -> String {
    let protocol = match rule.protocol {
        None => "all protocols".to_owned(),
        Some(1) => "icmp".to_owned(),
        Some(6) => "tcp".to_owned(),
        Some(17) => "udp".to_owned(),
        Some(58) => "icmpv6".to_owned(),
        Some(number) => format!("protocol {number}"),
    };
    let has_ports = matches!(rule.protocol, Some(6 | 17));
    let side = |range: Cidr, ports: Option<PortRange>, is_source: bool| {
        let addresses: HashSet<IpAddr> = taken
            .iter()
            .map(|one| if is_source { one.flow.source } else { one.flow.destination })
            .collect();
        let seen: HashSet<u16> = taken
            .iter()
            .filter_map(|one| match one.flow.ports {
                Ports::Known { source, destination } => {
                    Some(if is_source { source } else { destination })
                }
                _ => None,
            })
            .collect();
        let address = match (range.prefix_len(), range.address()) {
            (0, IpAddr::V4(_)) => "any IPv4 address".to_owned(),
            (0, IpAddr::V6(_)) => "any IPv6 address".to_owned(),
            _ => range.to_string(),
        };
        let shown = grouped(addresses.len() as u64);
        let port = match ports {
            Some(ports) if ports.from() == ports.to() => format!(" port {ports}"),
            Some(ports) => {
                format!(" ports {ports} ({} shown)", grouped(seen.len() as u64))
            }
            None if has_ports => format!(" any port ({} shown)", grouped(seen.len() as u64)),
            None => String::new(),
        };
        format!("{address} ({shown} shown){port}")
    };
    let shown = counted(taken.len() as u64, "flow", "flows");
    format!(
        "{protocol} from {} to {}; {shown} shown",
        side(rule.source, rule.source_ports, true),
        side(rule.destination, rule.destination_ports, false),
    )
}
