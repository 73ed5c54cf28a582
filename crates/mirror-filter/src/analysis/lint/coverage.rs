//! What a filter mirrors on the whole: too little of a direction or family, too much of what no one
//! wants.

use std::collections::BTreeMap;

use mirror_wire::Direction;

use super::{Code, Finding, Lint, Severity};
use crate::analysis::cube::{
    Cube, DESTINATION, DESTINATION_PORT, Family, Interval, PROTOCOL, SOURCE, SOURCE_PORT, bits,
};
use crate::analysis::diagram::{Ref, TooComplex};
use crate::analysis::space::{Space, leaf};
use crate::judge::Extent;
use crate::{Action, Cidr, Packet, PortRange, Rule, Service};

/// Where mirrors send to: VXLAN, and GENEVE in front of a Gateway Load Balancer.
const MIRROR_PORTS: [u16; 2] = [4789, 6081];

const UDP: u8 = 17;

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
        let Some(space) = spaces.get_mut(at) else { return Ok(()) };
        let (direction, family) = (space.direction, space.family());
        let whole = Cube::whole(family);
        let live = space.arena.leaves(space.judged, &whole)?;
        let anywhere: Vec<(usize, Cube)> = space
            .rules
            .iter()
            .enumerate()
            .filter(|(place, rule)| {
                rule.action == Action::Accept && leaf(*place).is_ok_and(|own| live.contains(&own))
            })
            .filter_map(|(_, rule)| Some((rule.index, *rule.cubes.first()?)))
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
        for (rule, witness) in accepting(space, space.judged, &cubes)? {
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
        let whole = Cube::whole(space.family());
        let own = if space.direction == Direction::Egress { SOURCE } else { DESTINATION };
        for never in services(self) {
            let cubes = never.extents.iter().flat_map(Cube::of_extent);
            let mut cubes: Vec<Cube> = cubes.filter(|cube| cube.family == space.family()).collect();
            // The service is seldom at the interface's own end.
            cubes.sort_by_key(|cube| cube.side(own) != whole.side(own));
            for (rule, witness) in accepting(space, space.root, &cubes)? {
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

/// The accepting rules that decide packets of some cubes by one of the diagrams, each with one.
fn accepting(
    space: &mut Space,
    root: Ref,
    cubes: &[Cube],
) -> Result<BTreeMap<usize, Packet>, TooComplex> {
    let mut found = BTreeMap::new();
    for outcome in space.outcomes(root, cubes)? {
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
    extents: Vec<Extent>,
}

impl Never {
    /// Whether a rule names its port and no others, or link-local addresses (unique local ones in
    /// IPv6) with its own among them.
    fn is_named_by(&self, rule: &Rule) -> bool {
        let ports = self.service.ports(rule.source.address().is_ipv4());
        let is_port = |range: Option<PortRange>| {
            range.is_some_and(|range| {
                [range.from(), range.to()].iter().all(|port| ports.contains(port))
            })
        };
        let own = self.extents.iter().flat_map(|extent| [extent.source, extent.destination]);
        let own: Vec<Cidr> = own.filter(|range| *range == Cidr::host(range.address())).collect();
        let is_range = |range: Cidr| {
            let narrow = if range.address().is_ipv4() { 16 } else { 32 };
            range.prefix_len() >= narrow && own.iter().any(|one| range.contains(one.address()))
        };
        is_port(rule.source_ports)
            || is_port(rule.destination_ports)
            || is_range(rule.source)
            || is_range(rule.destination)
    }
}

/// What is never mirrored with this filter.
fn services(lint: &Lint<'_>) -> Vec<Never> {
    let mut services: Vec<Never> = Vec::new();
    for extent in lint.services.extents() {
        let service = extent.service;
        if service == Service::AmazonDns && lint.filter.amazon_dns {
            continue;
        }
        match services.iter_mut().find(|never| never.service == service) {
            Some(never) => never.extents.push(extent),
            None => services.push(Never { service, extents: vec![extent] }),
        }
    }
    services.sort_by_key(|never| never.service.as_str());
    services
}
