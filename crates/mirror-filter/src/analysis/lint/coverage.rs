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
use crate::{Action, Packet, Service};

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
            message: format!("mirrors no {direction} packets{but}"),
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
        let (severity, to, targets) = match targets.as_slice() {
            [] if !self.around.targets.is_empty() => return Ok(()),
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
            let port = witness.ports.map_or(0, |(_, port)| port);
            let message = format!(
                "mirrors what another mirror sends (UDP {port}) to {to}, so that it is wrapped twice"
            );
            self.note(Code::MirrorsMirror, severity, rule, Vec::new(), message, Some(witness));
        }
        Ok(())
    }

    /// Rules that accept what is never mirrored.
    fn never_mirrored(&mut self, space: &mut Space) -> Result<(), TooComplex> {
        let mut found: BTreeMap<usize, (Vec<&'static str>, Packet)> = BTreeMap::new();
        for (service, cubes) in services(space.family(), self) {
            for (rule, witness) in accepting(space, &cubes)? {
                let (names, _) = found.entry(rule).or_insert_with(|| (Vec::new(), witness));
                names.push(service.as_str());
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

/// What is never mirrored with this filter, as cubes.
fn services(family: Family, lint: &Lint<'_>) -> Vec<(Service, Vec<Cube>)> {
    let addresses = |texts: [&str; 2]| {
        let parsed = texts.into_iter().filter_map(|text| text.parse::<IpAddr>().ok());
        parsed.filter(|&address| Family::of(address) == family).collect::<Vec<_>>()
    };
    let at = |address: IpAddr| {
        [SOURCE, DESTINATION].map(|level| {
            let mut cube = Cube::whole(family);
            cube.set(level, Interval::one(bits(address)));
            cube
        })
    };
    let of = |texts| addresses(texts).into_iter().flat_map(at).collect::<Vec<Cube>>();
    let mut services = vec![
        (Service::AmazonTime, of(["169.254.169.123", "fd00:ec2::123"])),
        (Service::InstanceMetadata, of(["169.254.169.254", "fd00:ec2::254"])),
        (Service::WindowsActivation, of(["169.254.169.250", "169.254.169.251"])),
    ];

    let ports = match family {
        Family::V4 => Interval { low: 67, high: 68 },
        Family::V6 => Interval { low: 546, high: 547 },
    };
    let mut dhcp = Cube::whole(family);
    for (level, side) in
        [(PROTOCOL, Interval::one(UDP)), (SOURCE_PORT, ports), (DESTINATION_PORT, ports)]
    {
        dhcp.set(level, side);
    }
    services.push((Service::Dhcp, vec![dhcp]));

    if !lint.filter.amazon_dns {
        let mut resolvers = addresses(["169.254.169.253", "fd00:ec2::253"]);
        for vpc in lint.around.vpcs.iter().filter(|vpc| vpc.address().is_ipv4()) {
            let resolver = Family::V4.address(bits(vpc.address()) + 2);
            resolvers.extend(Some(resolver).filter(|_| family == Family::V4));
        }
        let mut cubes = Vec::new();
        for resolver in resolvers {
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
        services.push((Service::AmazonDns, cubes));
    }
    services.sort_by_key(|&(service, _)| service.as_str());
    services
}
