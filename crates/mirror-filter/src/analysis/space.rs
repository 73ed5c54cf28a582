//! The packets of one direction and family, and which rule decides each.

use mirror_wire::Direction;

use super::cube::{Cube, Family};
use super::diagram::{Arena, Ref, TooComplex};
use super::{Outcome, witness};
use crate::{Action, Filter, Packet, Rule};

/// The leaf of packets that no rule matches.
pub(super) const NONE: u32 = 0;

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
    /// The diagram of the whole filter.
    pub(super) root: Ref,
}

impl Space {
    pub(super) fn new(
        filter: &Filter,
        direction: Direction,
        family: Family,
    ) -> Result<Space, TooComplex> {
        let rules = rules(filter, direction, family);
        let mut arena = Arena::new(family);
        let mut root = Ref::leaf(NONE);
        for (place, rule) in rules.iter().enumerate().rev() {
            root = paint(&mut arena, root, rule, leaf(place)?)?;
            arena.tidy(std::slice::from_mut(&mut root));
        }
        Ok(Space { direction, rules, arena, root })
    }

    pub(super) fn family(&self) -> Family {
        self.arena.family()
    }

    /// The rule of a leaf.
    pub(super) fn rule(&self, leaf: u32) -> Option<&Painted> {
        self.rules.get((leaf as usize).checked_sub(1)?)
    }

    /// Whether packets with this leaf are mirrored.
    pub(super) fn action(&self, leaf: u32) -> Action {
        self.rule(leaf).map_or(Action::Reject, |rule| rule.action)
    }

    pub(super) fn outcomes(&mut self, cubes: &[Cube]) -> Result<Vec<Outcome>, TooComplex> {
        let mut found: Vec<(u32, Outcome)> = Vec::new();
        for cube in cubes {
            for leaf in self.arena.leaves(self.root, cube)? {
                if found.iter().any(|&(known, _)| known == leaf) {
                    continue;
                }
                if let Some(example) = self.find(cube, &|one| one == leaf)? {
                    let rule = self.rule(leaf).map(|rule| rule.index);
                    found.push((leaf, Outcome { rule, action: self.action(leaf), example }));
                }
            }
        }
        // What no rule matches comes last, as AWS comes to it.
        found.sort_by_key(|&(leaf, _)| leaf.wrapping_sub(1));
        Ok(found.into_iter().map(|(_, outcome)| outcome).collect())
    }

    pub(super) fn any(
        &mut self,
        cube: &Cube,
        action: Action,
    ) -> Result<Option<Packet>, TooComplex> {
        let leaves = self.arena.leaves(self.root, cube)?;
        let wanted: Vec<u32> =
            leaves.into_iter().filter(|&leaf| self.action(leaf) == action).collect();
        if wanted.is_empty() {
            return Ok(None);
        }
        self.find(cube, &|leaf| wanted.binary_search(&leaf).is_ok())
    }

    /// A packet of a cube with a leaf that is wanted.
    pub(super) fn find(
        &mut self,
        cube: &Cube,
        wanted: &dyn Fn(u32) -> bool,
    ) -> Result<Option<Packet>, TooComplex> {
        witness::find(&mut self.arena, self.root, self.direction, cube, wanted)
    }
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
