//! Rules that others before them leave nothing of, or not all.

use std::collections::BTreeSet;

use super::{Code, Lint, Severity};
use crate::Action;
use crate::analysis::cube::{Cube, LEVELS};
use crate::analysis::diagram::{Ref, TooComplex};
use crate::analysis::space::{NONE, Painted, Space, leaf};

/// In the diagram of what blockers cover.
const COVERED: u32 = 1;

/// How many blockers are tried for being unnecessary.
const FEW: usize = 32;

impl Lint<'_> {
    /// Note rules that are shadowed, whole or in part, and give the places of those that decide
    /// nothing.
    pub(super) fn shadowed(&mut self, space: &mut Space) -> Result<BTreeSet<usize>, TooComplex> {
        let live = space.arena.leaves(space.root, &Cube::whole(space.family()))?;
        let mut dead = BTreeSet::new();
        for place in 0..space.rules.len() {
            let Some(rule) = space.rules.get(place).cloned() else { continue };
            if rule.cubes.is_empty() {
                dead.insert(place);
                continue;
            }
            let own = leaf(place)?;
            let is_meant = space.written_default() == Some(place);
            let mut deciding = BTreeSet::new();
            for cube in &rule.cubes {
                deciding.extend(space.arena.leaves(space.root, cube)?);
            }
            let against: Vec<u32> = deciding
                .iter()
                .copied()
                .filter(|&other| other != own && space.action(other) != rule.action)
                .collect();
            if live.contains(&own) {
                if !is_meant {
                    self.partly(space, &rule, against)?;
                }
                continue;
            }
            dead.insert(place);
            if is_meant {
                continue;
            }
            let blockers = blockers(space, place, &rule, &against)?;
            let by: Vec<usize> = indices(space, &blockers);
            self.budget.name(by.len())?;
            let severity = if against.is_empty() { Severity::Warning } else { Severity::Error };
            let takes = if by.len() == 1 { "takes" } else { "take" };
            let opposite = match against.len() {
                0 => "",
                all if all == deciding.len() => ", to do the opposite",
                _ => ", some to do the opposite",
            };
            let message = format!(
                "never decides: {} {takes} all its packets before it{opposite}",
                self.named(&by)
            );
            let shown = if against.is_empty() { deciding.into_iter().collect() } else { against };
            let witness = witness(space, &rule, &shown)?;
            self.note(Code::Shadowed, severity, rule.index, by, message, witness);
        }
        Ok(dead)
    }

    /// A reject has to do what it says, so whatever takes some of it is told. What takes some of an
    /// accept is an exception, unless it looks like a slip.
    fn partly(
        &mut self,
        space: &mut Space,
        rule: &Painted,
        mut against: Vec<u32>,
    ) -> Result<(), TooComplex> {
        if rule.action == Action::Accept {
            against.retain(|&leaf| space.rule(leaf).is_some_and(|other| is_slip(other, rule)));
        }
        if against.is_empty() {
            return Ok(());
        }
        let by =
            against.iter().filter_map(|&leaf| Some(space.rule(leaf)?.index)).collect::<Vec<_>>();
        self.budget.name(by.len())?;
        let takes = if by.len() == 1 { "takes" } else { "take" };
        let message = format!("{} {takes} some of its packets before it", self.named(&by));
        let witness = witness(space, rule, &against)?;
        self.note(Code::PartlyShadowed, Severity::Info, rule.index, by, message, witness);
        Ok(())
    }
}

/// Whether a rule has some values of a field in common with another, and each has others beside them.
/// Of addresses it never has: one range is within another, or apart.
fn is_slip(before: &Painted, rule: &Painted) -> bool {
    let crosses = |one: &Cube, other: &Cube| {
        (0..LEVELS).any(|level| {
            let (a, b) = (one.side(level), other.side(level));
            a.meet(b).is_some_and(|both| both != a && both != b)
        })
    };
    let pairs = before.cubes.iter().flat_map(|one| rule.cubes.iter().map(move |two| (one, two)));
    pairs.filter(|(one, two)| one.meet(two).is_some()).any(|(one, two)| crosses(one, two))
}

/// A packet that a rule matches and one of some leaves decides; none if all are of services.
fn witness(
    space: &mut Space,
    rule: &Painted,
    leaves: &[u32],
) -> Result<Option<crate::Packet>, TooComplex> {
    for cube in &rule.cubes {
        let found = space.example(cube, leaves)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn indices(space: &Space, places: &[usize]) -> Vec<usize> {
    places.iter().filter_map(|&place| Some(space.rules.get(place)?.index)).collect()
}

/// The places of a few rules that leave nothing of a rule: by how much they have in common with it,
/// until it is covered, without those that turn out not to be needed; and of those that do the
/// opposite, at least the one that takes most.
fn blockers(
    space: &mut Space,
    place: usize,
    rule: &Painted,
    against: &[u32],
) -> Result<Vec<usize>, TooComplex> {
    // No edges, and dearer than they are: a document may have a hundred thousand rules, and each of
    // them be shadowed.
    space.arena.look(place.saturating_mul(4))?;
    let mut overlaps: Vec<(f64, usize, Vec<Cube>)> = Vec::new();
    for (before, other) in space.rules.iter().enumerate().take(place) {
        let common: Vec<Cube> = rule
            .cubes
            .iter()
            .flat_map(|cube| other.cubes.iter().filter_map(|other| cube.meet(other)))
            .collect();
        if let Some(most) = common.iter().map(Cube::bits).max_by(f64::total_cmp) {
            overlaps.push((most, before, common));
        }
    }
    // Of equal ones the first in the filter, which is the one that takes the packets.
    overlaps.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));

    let mut chosen: Vec<(usize, Vec<Cube>)> = Vec::new();
    let mut covered = Ref::leaf(NONE);
    for (_, before, common) in &overlaps {
        let wider = cover(space, covered, common)?;
        if wider == covered {
            continue;
        }
        covered = wider;
        chosen.push((*before, common.clone()));
        if is_covered(space, covered, rule)? {
            break;
        }
    }
    if chosen.len() <= FEW {
        // The smallest first: they are the ones that a person can do without.
        for at in (0..chosen.len()).rev() {
            let mut without = Ref::leaf(NONE);
            for (_, common) in
                chosen.iter().enumerate().filter(|(n, _)| *n != at).map(|(_, one)| one)
            {
                without = cover(space, without, common)?;
            }
            if is_covered(space, without, rule)? {
                chosen.remove(at);
            }
        }
    }
    let mut places: Vec<usize> = chosen.into_iter().map(|(place, _)| place).collect();
    let opposes = |place: &usize| leaf(*place).is_ok_and(|leaf| against.contains(&leaf));
    if !places.iter().any(opposes)
        && let Some((_, place, _)) = overlaps.iter().find(|(_, place, _)| opposes(place))
    {
        places.push(*place);
    }
    places.sort_unstable();
    Ok(places)
}

fn cover(space: &mut Space, mut covered: Ref, cubes: &[Cube]) -> Result<Ref, TooComplex> {
    for cube in cubes {
        covered = space.arena.paint(covered, cube, Ref::leaf(COVERED))?;
    }
    Ok(covered)
}

fn is_covered(space: &mut Space, covered: Ref, rule: &Painted) -> Result<bool, TooComplex> {
    for cube in &rule.cubes {
        if space.arena.leaves(covered, cube)?.contains(&NONE) {
            return Ok(false);
        }
    }
    Ok(true)
}
