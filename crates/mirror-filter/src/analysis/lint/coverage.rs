//! What a filter mirrors on the whole: too little of a direction or family, too much of what no one
//! wants.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use mirror_wire::Direction;

use super::{Code, Lint, Severity, named};
use crate::analysis::cube::{
    Cube, DESTINATION, DESTINATION_PORT, Family, Interval, PROTOCOL, SOURCE, SOURCE_PORT, bits,
};
use crate::analysis::diagram::{Ref, TooComplex};
use crate::analysis::space::{Space, leaf};
use crate::judge::Extent;
use crate::{Action, Cidr, Packet, PortRange, Rule, Service};

/// Where mirrors send to: VXLAN, and GENEVE in front of a Gateway Load Balancer.
const MIRROR_PORTS: [u16; 2] = [4789, 6081];

/// The ranges that AWS has reserved for services: 169.254.0.0/16 and fd00:ec2::/32.
const RESERVED: [(IpAddr, u8); 2] = [
    (IpAddr::V4(Ipv4Addr::new(169, 254, 0, 0)), 16),
    (IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0)), 32),
];

const DIRECTIONS: [Direction; 2] = [Direction::Ingress, Direction::Egress];

const UDP: u8 = 17;

impl Lint<'_> {
    /// Look at each direction as a whole, and say in which nothing is mirrored.
    pub(super) fn coverage(
        &mut self,
        spaces: &mut [Space],
    ) -> Result<BTreeSet<Direction>, TooComplex> {
        let mut empty = BTreeSet::new();
        for direction in DIRECTIONS {
            if !mirrors(spaces, direction)? {
                empty.insert(direction);
            }
        }
        for &direction in &empty {
            self.empty(spaces, direction, empty.len() == DIRECTIONS.len());
        }
        self.without_twin(spaces)?;
        self.without_dns(spaces)?;
        for space in spaces {
            self.mirrored_mirrors(space)?;
            self.never_mirrored(space)?;
        }
        Ok(empty)
    }

    fn empty(&mut self, spaces: &[Space], direction: Direction, all: bool) {
        let but = if self.filter.amazon_dns { " but Amazon DNS" } else { "" };
        let mut own = spaces.iter().filter(|space| space.direction == direction);
        // A filter that mirrors nothing is nothing that anybody wants, whatever it says.
        let is_said = !all && own.any(|space| space.written_default().is_some());
        let severity = if is_said { Severity::Info } else { Severity::Warning };
        let message = format!("nothing is mirrored{but}");
        let code = Code::DirectionEmpty;
        self.note_whole(code, severity, Some(direction), Vec::new(), message, None);
    }

    /// Rules that accept something from anywhere to anywhere, in one family only.
    fn without_twin(&mut self, spaces: &mut [Space]) -> Result<(), TooComplex> {
        let (mut by, mut lacking, mut witness) = (Vec::new(), BTreeSet::new(), None);
        for at in 0..spaces.len() {
            let Some(space) = spaces.get_mut(at) else { continue };
            let (direction, family) = (space.direction, space.family());
            let whole = Cube::whole(family);
            let live = space.arena.leaves(space.judged, &whole)?;
            let anywhere: Vec<(usize, Cube)> = space
                .rules
                .iter()
                .enumerate()
                .filter(|(place, rule)| {
                    rule.action == Action::Accept
                        && leaf(*place).is_ok_and(|own| live.contains(&own))
                })
                .filter_map(|(_, rule)| Some((rule.index, *rule.cubes.first()?)))
                .filter(|(_, cube)| {
                    [SOURCE, DESTINATION].iter().all(|&side| cube.side(side) == whole.side(side))
                })
                .collect();
            let mut twins = spaces.iter_mut().filter(|one| one.direction == direction);
            let Some(twin) = twins.find(|one| one.family() == family.other()) else { continue };
            for (rule, cube) in anywhere {
                let asked = in_other_family(&cube);
                if twin.any(&asked, Action::Accept)?.is_some() {
                    continue;
                }
                let Some(shown) = twin.any(&asked, Action::Reject)? else { continue };
                witness.get_or_insert(shown);
                lacking.insert(match family {
                    Family::V4 => "IPv4 from anywhere to anywhere, but no IPv6",
                    Family::V6 => "IPv6 from anywhere to anywhere, but no IPv4",
                });
                by.push(rule);
            }
        }
        if !by.is_empty() {
            let lacking = lacking.into_iter().collect::<Vec<_>>().join(" like it, and ");
            self.budget.name(by.len())?;
            let message = format!("mirrors {lacking} like it: {}", self.named_by_direction(&by));
            self.note_whole(Code::NoV6Twin, Severity::Info, None, by, message, witness);
        }
        Ok(())
    }

    /// Who accepts everything of a family is told what isn't in it. Any rule that rejects shows that
    /// somebody thought about what is wanted.
    fn without_dns(&mut self, spaces: &mut [Space]) -> Result<(), TooComplex> {
        if self.filter.amazon_dns {
            return Ok(());
        }
        let mut witness = None;
        for family in Family::BOTH {
            let whole = Cube::whole(family);
            let mut all = true;
            for space in spaces.iter_mut().filter(|space| space.family() == family) {
                all &= space.any(&whole, Action::Reject)?.is_none();
            }
            let asked =
                self.services.extents().into_iter().filter(|one| {
                    one.service == Service::AmazonDns && one.destination_ports.is_some()
                });
            let asked =
                asked.flat_map(|extent| Cube::of_extent(&Extent { protocol: Some(UDP), ..extent }));
            let asked = { asked }.find(|cube| cube.family == family);
            let mut both = spaces.iter_mut().filter(|space| space.family() == family);
            let out = both.find(|space| space.direction == Direction::Egress);
            if let (true, None, Some(out), Some(asked)) = (all, witness, out, asked) {
                let found = out.of_service(&asked, &|one| one == Service::AmazonDns)?;
                witness = found.map(|(_, packet)| packet);
            }
        }
        if witness.is_some() {
            let message = "mirrors everything but Amazon DNS, which the filter has to ask for: \
                           network service amazon-dns"
                .to_owned();
            let code = Code::NoAmazonDns;
            self.note_whole(code, Severity::Info, None, Vec::new(), message, witness);
        }
        Ok(())
    }

    /// Rules that name the port to which mirrors send, and accept what they do. Who accepts all
    /// packets, and has a mirror, has no second one.
    fn mirrored_mirrors(&mut self, space: &mut Space) -> Result<(), TooComplex> {
        let family = space.family();
        let targets = self.around.targets.iter().filter(|&&target| Family::of(target) == family);
        let targets: Vec<Interval> = targets.map(|&target| Interval::one(bits(target))).collect();
        let (severity, to, targets) = match targets.as_slice() {
            [] if self.around.targets.is_empty() => {
                (Severity::Info, "any address", vec![Cube::whole(family).side(DESTINATION)])
            }
            // What is sent to a target comes in at the target, which AWS takes as no source.
            _ if space.direction == Direction::Ingress => return Ok(()),
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
            let ports = self.filter.rules.get(rule).and_then(|rule| rule.destination_ports);
            if named(ports).is_none() {
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

/// Whether any packet of a direction is mirrored.
fn mirrors(spaces: &mut [Space], direction: Direction) -> Result<bool, TooComplex> {
    for space in spaces.iter_mut().filter(|space| space.direction == direction) {
        if space.any(&Cube::whole(space.family()), Action::Accept)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
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
    /// Whether a rule names its port and no others, its address, or with that in it a range of the
    /// addresses that are reserved for such services. A VPC has its resolver's among many others.
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
            let is_reserved = RESERVED.iter().any(|(first, len)| {
                range.prefix_len() >= *len
                    && Cidr::new(*first, *len).is_some_and(|all| all.contains(range.address()))
            });
            own.iter().any(|one| range == *one || is_reserved && range.contains(one.address()))
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
