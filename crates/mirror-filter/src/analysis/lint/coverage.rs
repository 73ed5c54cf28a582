//! What a filter mirrors on the whole: too little of a direction or family, too much of what no one
//! wants.

use std::collections::BTreeMap;
use std::net::IpAddr;

use mirror_wire::Direction;

use super::{Code, Finding, Lint, Severity};
use crate::analysis::cube::{
    Cube, DESTINATION, DESTINATION_PORT, Family, Interval, PROTOCOL, SOURCE, SOURCE_PORT, bits,
};
use crate::analysis::diagram::TooComplex;
use crate::analysis::space::Space;
use crate::{Action, Cidr, Packet, PortRange, Rule, Service};

/// Where mirrors send to: VXLAN, and GENEVE in front of a Gateway Load Balancer.
const MIRROR_PORTS: [u16; 2] = [4789, 6081];

const UDP: u8 = 17;
const TCP: u8 = 6;

impl Lint<'_> {
    pub(super) fn coverage(&mut self, spaces: &mut [Space]) -> Result<(), TooComplex> {
        for direction in [Direction::Ingress, Direction::Egress] {
            self.empty(spaces, direction)?;
        }
        for at in 0..spaces.len() {
            self.without_twin(spaces, at)?;
        }
        for space in spaces {
            self.mirrored_mirrors(space)?;
            self.never_mirrored(space)?;
        }
        Ok(())
    }

    fn empty(&mut self, spaces: &mut [Space], direction: Direction) -> Result<(), TooComplex> {
        for space in spaces.iter_mut().filter(|space| space.direction == direction) {
            if space.any(&Cube::whole(space.family()), Action::Accept)?.is_some() {
                return Ok(());
            }
        }
        let but = if self.filter.amazon_dns { " but Amazon DNS" } else { "" };
        self.findings.push(Finding {
            code: Code::DirectionEmpty,
            severity: Severity::Warning,
            direction: Some(direction),
            rule: None,
            by: Vec::new(),
            message: format!("nothing is mirrored{but}"),
            witness: None,
        });
        Ok(())
    }

    /// Rules that accept something from anywhere to anywhere, in one family only.
    fn without_twin(&mut self, spaces: &mut [Space], at: usize) -> Result<(), TooComplex> {
        let Some(space) = spaces.get(at) else { return Ok(()) };
        let (direction, family) = (space.direction, space.family());
        let whole = Cube::whole(family);
        let anywhere: Vec<(usize, Cube)> = space
            .rules
            .iter()
            .filter(|rule| rule.action == Action::Accept)
            .filter_map(|rule| Some((rule.index, *rule.cubes.first()?)))
            .filter(|(_, cube)| {
                [SOURCE, DESTINATION].iter().all(|&side| cube.side(side) == whole.side(side))
            })
            .collect();
        let twin = spaces
            .iter_mut()
            .find(|one| one.direction == direction && one.family() == family.other());
        let Some(twin) = twin else { return Ok(()) };
        for (rule, cube) in anywhere {
            let asked = in_other_family(&cube);
            if twin.any(&asked, Action::Accept)?.is_some() {
                continue;
            }
            let Some(witness) = twin.any(&asked, Action::Reject)? else { continue };
            let [has, lacks] = match family {
                Family::V4 => ["IPv4", "IPv6"],
                Family::V6 => ["IPv6", "IPv4"],
            };
            let message =
                format!("mirrors {has} from anywhere to anywhere, but no {lacks} like it");
            self.note(Code::NoV6Twin, Severity::Info, rule, Vec::new(), message, Some(witness));
        }
        Ok(())
    }

    /// Rules that accept what mirrors send.
    fn mirrored_mirrors(&mut self, space: &mut Space) -> Result<(), TooComplex> {
        let family = space.family();
        let targets: Vec<Interval> = self
            .around
            .targets
            .iter()
            .filter(|&&target| Family::of(target) == family)
            .map(|&target| Interval::one(bits(target)))
            .collect();
        let is_known = !self.around.targets.is_empty();
        let (severity, to, targets) = match targets.as_slice() {
            [] if is_known => return Ok(()),
            [] => (Severity::Info, "any address", vec![Cube::whole(family).side(DESTINATION)]),
            _ => (Severity::Warning, "the mirror target", targets),
        };
        let mut cubes = Vec::new();
        for target in targets {
            for port in MIRROR_PORTS {
                let mut cube = Cube::whole(family);
                cube.set(PROTOCOL, Interval::one(UDP));
                cube.set(DESTINATION, target);
                cube.set(DESTINATION_PORT, Interval::one(port));
                cubes.push(cube);
            }
        }
        for (rule, witness) in accepting(space, &cubes)? {
            // To accept everything is no word about mirrors, unless there is one to be met.
            let names_port =
                self.filter.rules.get(rule).is_some_and(|rule| rule.destination_ports.is_some());
            if !is_known && !names_port {
                continue;
            }
            let port = witness.ports.map_or(0, |(_, port)| port);
            let message = format!(
                "mirrors what another mirror sends (UDP {port}) to {to}, so that it is wrapped twice"
            );
            self.note(Code::MirrorsMirror, severity, rule, Vec::new(), message, Some(witness));
        }
        Ok(())
    }

    /// Rules that accept what is never mirrored, and name it. One that accepts everything does not
    /// make anybody expect it.
    fn never_mirrored(&mut self, space: &mut Space) -> Result<(), TooComplex> {
        let mut found: BTreeMap<usize, (Vec<&'static str>, Packet)> = BTreeMap::new();
        for never in services(space.family(), self) {
            for (rule, witness) in accepting(space, &never.cubes)? {
                if self.filter.rules.get(rule).is_some_and(|rule| never.is_named_by(rule)) {
                    let (names, _) = found.entry(rule).or_insert_with(|| (Vec::new(), witness));
                    names.push(never.service.as_str());
                }
            }
        }
        for (rule, (names, witness)) in found {
            let message = format!("accepts what is never mirrored: {}", names.join(", "));
            let code = Code::MirrorsControl;
            self.note(code, Severity::Info, rule, Vec::new(), message, Some(witness));
        }
        Ok(())
    }
}

/// The accepting rules that decide packets of some cubes, each with one.
fn accepting(space: &mut Space, cubes: &[Cube]) -> Result<BTreeMap<usize, Packet>, TooComplex> {
    let mut found = BTreeMap::new();
    for outcome in space.outcomes(cubes)? {
        if let (Some(rule), Action::Accept) = (outcome.rule, outcome.action) {
            found.insert(rule, outcome.example);
        }
    }
    Ok(found)
}

/// What a cube of packets between any addresses is in the other family: ICMP has another number
/// there.
fn in_other_family(cube: &Cube) -> Cube {
    let mut other = Cube::whole(cube.family.other());
    let protocol = cube.side(PROTOCOL);
    let protocol = match (protocol == Interval::one(1_u8), protocol == Interval::one(58_u8)) {
        (true, _) => Interval::one(58_u8),
        (_, true) => Interval::one(1_u8),
        _ => protocol,
    };
    for (level, side) in [
        (PROTOCOL, protocol),
        (SOURCE_PORT, cube.side(SOURCE_PORT)),
        (DESTINATION_PORT, cube.side(DESTINATION_PORT)),
    ] {
        other.set(level, side);
    }
    other
}

/// A service that is never mirrored.
struct Never {
    service: Service,
    /// Its packets.
    cubes: Vec<Cube>,
    /// Its addresses.
    addresses: Vec<IpAddr>,
    /// The ports that are its own.
    ports: &'static [u16],
}

impl Never {
    /// Whether a rule names its port and no others, or link-local addresses (unique local ones in
    /// IPv6) with its own among them.
    fn is_named_by(&self, rule: &Rule) -> bool {
        let is_port = |range: Option<PortRange>| {
            range.is_some_and(|range| {
                [range.from(), range.to()].iter().all(|port| self.ports.contains(port))
            })
        };
        let is_range = |range: Cidr| {
            let narrow = if range.address().is_ipv4() { 16 } else { 32 };
            range.prefix_len() >= narrow && self.addresses.iter().any(|&one| range.contains(one))
        };
        is_port(rule.source_ports)
            || is_port(rule.destination_ports)
            || is_range(rule.source)
            || is_range(rule.destination)
    }
}

/// What is never mirrored with this filter.
fn services(family: Family, lint: &Lint<'_>) -> Vec<Never> {
    let addresses = |texts: [&str; 2]| {
        let parsed = texts.into_iter().filter_map(|text| text.parse::<IpAddr>().ok());
        parsed.filter(|&address| Family::of(address) == family).collect::<Vec<_>>()
    };
    let of = |service, texts, ports| {
        let addresses = addresses(texts);
        let ends = addresses.iter().flat_map(|&address| {
            [SOURCE, DESTINATION].map(|level| {
                let mut cube = Cube::whole(family);
                cube.set(level, Interval::one(bits(address)));
                cube
            })
        });
        Never { service, cubes: ends.collect(), addresses, ports }
    };
    let mut services = vec![
        of(Service::AmazonTime, ["169.254.169.123", "fd00:ec2::123"], &[123]),
        of(Service::InstanceMetadata, ["169.254.169.254", "fd00:ec2::254"], &[]),
        of(Service::WindowsActivation, ["169.254.169.250", "169.254.169.251"], &[1688]),
    ];

    let ports: &[u16] = if family == Family::V4 { &[67, 68] } else { &[546, 547] };
    let mut dhcp = Cube::whole(family);
    dhcp.set(PROTOCOL, Interval::one(UDP));
    for level in [SOURCE_PORT, DESTINATION_PORT] {
        let [low, high] =
            [ports.first(), ports.last()].map(|port| port.copied().unwrap_or(0).into());
        dhcp.set(level, Interval { low, high });
    }
    let (service, cubes) = (Service::Dhcp, vec![dhcp]);
    services.push(Never { service, cubes, addresses: Vec::new(), ports });

    if !lint.filter.amazon_dns {
        let mut resolvers = addresses(["169.254.169.253", "fd00:ec2::253"]);
        for vpc in lint.around.vpcs.iter().filter(|vpc| vpc.address().is_ipv4()) {
            // A range at the very end of the addresses has none.
            let resolver = bits(vpc.address()) + 2;
            let is_address = family == Family::V4 && resolver <= family.top(SOURCE);
            resolvers.extend(is_address.then(|| family.address(resolver)));
        }
        let mut cubes = Vec::new();
        for &resolver in &resolvers {
            for protocol in [UDP, TCP] {
                for (address, port) in [(SOURCE, SOURCE_PORT), (DESTINATION, DESTINATION_PORT)] {
                    let mut cube = Cube::whole(family);
                    cube.set(PROTOCOL, Interval::one(protocol));
                    cube.set(address, Interval::one(bits(resolver)));
                    cube.set(port, Interval::one(53_u16));
                    cubes.push(cube);
                }
            }
        }
        let service = Service::AmazonDns;
        services.push(Never { service, cubes, addresses: resolvers, ports: &[53] });
    }
    services.sort_by_key(|never| never.service.as_str());
    services
}
