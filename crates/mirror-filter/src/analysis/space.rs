//! The packets of one direction and family, and which rule decides each.
//!
//! There are two diagrams of them: of the rules alone, for questions about rules, and the one with
//! network services over it, for questions about what is mirrored.

use mirror_wire::Direction;

use super::cube::{Cube, Family};
use super::diagram::{Arena, Budget, Ref, TooComplex};
use super::{Outcome, witness};
use crate::{Action, Filter, Packet, Rule, Service, Services};

/// The leaf of packets that no rule matches.
pub(super) const NONE: u32 = 0;

/// The first of the leaves of packets that a network service decides, in the order of
/// [`Service::ALL`]. Those of rules are below.
const SERVICE: u32 = 1 << 30;

/// A rule that can match packets of a space.
#[derive(Clone, Debug)]
pub(super) struct Painted {
    /// Its index in the filter.
    pub(super) index: usize,
    pub(super) action: Action,
    /// What it matches: one cube, or one for TCP and one for UDP.
    pub(super) cubes: Vec<Cube>,
}

/// What rules do with the packets of one direction and family.
#[derive(Debug)]
pub(super) struct Space {
    pub(super) direction: Direction,
    /// The rules, in the order in which they are tried. A leaf is one more than a place in it.
    pub(super) rules: Vec<Painted>,
    pub(super) arena: Arena,
    /// The diagram of all rules.
    pub(super) root: Ref,
    /// The same, but for packets of network services the leaves of these.
    pub(super) judged: Ref,
}

impl Space {
    pub(super) fn new(
        filter: &Filter,
        direction: Direction,
        family: Family,
        services: &Services,
        budget: &Budget,
    ) -> Result<Space, TooComplex> {
        let rules = rules(filter, direction, family);
        let mut arena = Arena::new(family, budget);
        let mut root = Ref::leaf(NONE);
        for (place, rule) in rules.iter().enumerate().rev() {
            root = paint(&mut arena, root, rule, leaf(place)?)?;
            arena.tidy(std::slice::from_mut(&mut root));
        }
        let services = self::services(&mut arena, services)?;
        let judged = arena.laid_over(root, services)?;
        Ok(Space { direction, rules, arena, root, judged })
    }

    /// Forget the nodes that neither the own diagrams nor `others` need.
    pub(super) fn tidy(&mut self, others: &mut [Ref]) {
        let mut roots = [&[self.root, self.judged], &*others].concat();
        self.arena.tidy(&mut roots);
        let places = [&mut self.root, &mut self.judged].into_iter().chain(others);
        places.zip(roots).for_each(|(place, root)| *place = root);
    }

    pub(super) fn family(&self) -> Family {
        self.arena.family()
    }

    /// The place of the rule that says in writing what holds without it: a reject of everything
    /// behind all others.
    pub(super) fn written_default(&self) -> Option<usize> {
        let last = self.rules.last()?;
        let is_default = last.action == Action::Reject
            && matches!(last.cubes.as_slice(), [all] if *all == Cube::whole(self.family()));
        is_default.then(|| self.rules.len() - 1)
    }

    /// The rule of a leaf.
    pub(super) fn rule(&self, leaf: u32) -> Option<&Painted> {
        rule(&self.rules, leaf)
    }

    /// Whether packets with this leaf are mirrored.
    pub(super) fn action(&self, leaf: u32) -> Action {
        action(&self.rules, leaf)
    }

    /// What becomes of the packets of some cubes by one of the two diagrams, services left out.
    pub(super) fn outcomes(
        &mut self,
        root: Ref,
        cubes: &[Cube],
    ) -> Result<Vec<Outcome>, TooComplex> {
        let mut found: Vec<(u32, Outcome)> = Vec::new();
        for cube in cubes {
            for leaf in self.arena.leaves(root, cube)? {
                if service(leaf).is_some() || found.iter().any(|&(known, _)| known == leaf) {
                    continue;
                }
                let wanted = |one| one == leaf;
                if let Some(example) = self.find(root, cube, &wanted)? {
                    let rule = self.rule(leaf).map(|rule| rule.index);
                    found.push((leaf, Outcome { rule, action: self.action(leaf), example }));
                }
            }
        }
        // What no rule matches comes last, as AWS comes to it.
        found.sort_by_key(|&(leaf, _)| leaf.wrapping_sub(1));
        Ok(found.into_iter().map(|(_, outcome)| outcome).collect())
    }

    /// A packet of a cube that is of a wanted service.
    pub(super) fn of_service(
        &mut self,
        cube: &Cube,
        wanted: &dyn Fn(Service) -> bool,
    ) -> Result<Option<(Service, Packet)>, TooComplex> {
        let found = self.find(self.judged, cube, &|leaf| service(leaf).is_some_and(wanted))?;
        let Some(packet) = found else { return Ok(None) };
        let leaves = self.arena.leaves(self.judged, &Cube::of_packet(&packet))?;
        Ok(leaves.first().and_then(|&leaf| service(leaf)).map(|service| (service, packet)))
    }

    /// A packet of a cube that rules decide so.
    pub(super) fn any(
        &mut self,
        cube: &Cube,
        action: Action,
    ) -> Result<Option<Packet>, TooComplex> {
        let leaves = self.arena.leaves(self.judged, cube)?;
        let wanted: Vec<u32> = leaves
            .into_iter()
            .filter(|&leaf| service(leaf).is_none() && self.action(leaf) == action)
            .collect();
        self.example(cube, &wanted)
    }

    /// A packet of a cube that one of some leaves decides: none if they decide packets of services
    /// only, which show nothing of rules.
    pub(super) fn example(
        &mut self,
        cube: &Cube,
        leaves: &[u32],
    ) -> Result<Option<Packet>, TooComplex> {
        if leaves.is_empty() {
            return Ok(None);
        }
        self.find(self.judged, cube, &|leaf| leaves.contains(&leaf))
    }

    /// A packet of a cube with a leaf that is wanted.
    fn find(
        &mut self,
        root: Ref,
        cube: &Cube,
        wanted: &dyn Fn(u32) -> bool,
    ) -> Result<Option<Packet>, TooComplex> {
        witness::find(&mut self.arena, root, self.direction, cube, wanted)
    }
}

fn rule(rules: &[Painted], leaf: u32) -> Option<&Painted> {
    rules.get((leaf as usize).checked_sub(1)?)
}

/// Whether packets with this leaf are mirrored.
pub(super) fn action(rules: &[Painted], leaf: u32) -> Action {
    rule(rules, leaf).map_or(Action::Reject, |rule| rule.action)
}

/// The service of a leaf.
pub(super) fn service(leaf: u32) -> Option<Service> {
    Service::ALL.get(leaf.checked_sub(SERVICE)? as usize).copied()
}

/// The diagram of network services: the leaf of each for its packets, zero for all others.
pub(super) fn services(arena: &mut Arena, services: &Services) -> Result<Ref, TooComplex> {
    let mut root = Ref::leaf(NONE);
    // The first is to be on top.
    for extent in services.extents().iter().rev() {
        for cube in Cube::of_extent(extent) {
            if cube.family == arena.family() {
                root = arena.paint(root, &cube, Ref::leaf(SERVICE + extent.service as u32))?;
            }
        }
    }
    Ok(root)
}

/// The leaf of the rule at a place.
pub(super) fn leaf(place: usize) -> Result<u32, TooComplex> {
    u32::try_from(place)
        .ok()
        .filter(|&place| place < u32::MAX >> 2)
        .map(|place| place + 1)
        .ok_or(TooComplex)
}

/// Paint a rule over a diagram.
pub(super) fn paint(
    arena: &mut Arena,
    mut root: Ref,
    rule: &Painted,
    leaf: u32,
) -> Result<Ref, TooComplex> {
    for cube in &rule.cubes {
        root = arena.paint(root, cube, Ref::leaf(leaf))?;
    }
    Ok(root)
}

/// The rules of a direction and family, in the order in which they are tried.
pub(super) fn rules(filter: &Filter, direction: Direction, family: Family) -> Vec<Painted> {
    let here =
        |rule: &Rule| rule.direction == direction && Family::of(rule.source.address()) == family;
    let mut rules: Vec<(u32, Painted)> = filter
        .rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| here(rule))
        .map(|(index, rule)| {
            let cubes = Cube::of_rule(rule);
            (rule.number, Painted { index, action: rule.action, cubes })
        })
        .collect();
    rules.sort_by_key(|&(number, _)| number);
    rules.into_iter().map(|(_, rule)| rule).collect()
}
