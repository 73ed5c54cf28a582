//! Pairs of rules that can be written as one. With ten rules in a filter, each that is saved counts.
//!
//! That one rule has the packets of two is seen at once; where it may stand is not, for rules between
//! them may take packets of either. So each merge is compared with what there is before it is told.

use std::collections::BTreeSet;

use super::{Code, Lint, Severity};
use crate::analysis::cube::{
    Cube, DESTINATION, DESTINATION_PORT, Interval, LEVELS, PROTOCOL, SOURCE, SOURCE_PORT,
};
use crate::analysis::diagram::TooComplex;
use crate::analysis::difference::do_the_same;
use crate::analysis::space::{Painted, Space};
use crate::{Action, Cidr, PortRange, Rule};

impl Lint<'_> {
    pub(super) fn mergeable(
        &mut self,
        space: &mut Space,
        dead: &BTreeSet<usize>,
    ) -> Result<(), TooComplex> {
        let (direction, family) = (space.direction, space.family());
        let Space { rules, arena, .. } = space;
        let live: Vec<(usize, &Painted)> =
            rules.iter().enumerate().filter(|(place, _)| !dead.contains(place)).collect();
        let mut taken = BTreeSet::new();
        for (at, &(place, one)) in live.iter().enumerate() {
            if taken.contains(&place) {
                continue;
            }
            let behind = live.get(at + 1..).unwrap_or_default();
            // Pairs, and rules between them, may be as many as would take minutes.
            arena.look(behind.len())?;
            for &(later, other) in behind {
                if taken.contains(&later) || one.action != other.action {
                    continue;
                }
                let Some(union) = union(one, other) else { continue };
                arena.look(later - place)?;
                let between = rules.get(place + 1..later).unwrap_or_default();
                let lists = Lists::new([one, other], between, union);
                let same = |merged: &[Painted]| {
                    do_the_same(direction, family, [&lists.apart, merged], self.budget)
                };
                // The one rule has the number of the one of the two in whose place it does the same.
                let at = if same(&lists.first)? {
                    one
                } else if same(&lists.last)? {
                    other
                } else {
                    continue;
                };
                let Some(rule) = self.filter.rules.get(at.index) else { continue };
                let merged = written(rule, &union);
                let number = self.filter.rules.get(other.index).map_or(0, |rule| rule.number);
                let message = format!("together with rule {number} it is one rule: {merged}");
                let (code, by) = (Code::Mergeable, vec![other.index]);
                self.note(code, Severity::Info, one.index, by, message, None);
                taken.extend([place, later]);
                break;
            }
        }
        Ok(())
    }
}

/// Two rules and those between them, apart and merged: what has to do the same. Rules before and
/// behind them are the same in all three, and those that have no packet of the two don't matter.
struct Lists {
    apart: Vec<Painted>,
    /// With the one rule in the place of the first.
    first: Vec<Painted>,
    /// With the one rule in the place of the last.
    last: Vec<Painted>,
}

impl Lists {
    fn new([one, other]: [&Painted; 2], between: &[Painted], union: Cube) -> Lists {
        let meets = |rule: &&Painted| rule.cubes.iter().any(|cube| cube.meet(&union).is_some());
        let between: Vec<Painted> = between.iter().filter(meets).cloned().collect();
        let merged = Painted { cubes: vec![union], ..*one };
        // What falls through is neither accepted nor rejected yet, but not what the two do.
        let (index, cubes) = (usize::MAX, vec![Cube::whole(union.family)]);
        let action = match one.action {
            Action::Accept => Action::Reject,
            Action::Reject => Action::Accept,
        };
        let through = Painted { index, action, cubes };
        let of = |before: &[&Painted], between: &[Painted], behind: &[&Painted]| -> Vec<Painted> {
            let rules = before.iter().copied().chain(between).chain(behind.iter().copied());
            rules.chain([&through]).cloned().collect()
        };
        Lists {
            apart: of(&[one], &between, &[other]),
            first: of(&[&merged], &between, &[]),
            last: of(&[], &between, &[&merged]),
        }
    }
}

/// What two rules match together, if one rule can match just that.
fn union(one: &Painted, other: &Painted) -> Option<Cube> {
    let ([one], [other]) = (one.cubes.as_slice(), other.cubes.as_slice()) else { return None };
    let mut differing = (0..LEVELS).filter(|&level| one.side(level) != other.side(level));
    let level = differing.next()?;
    if differing.next().is_some() {
        return None;
    }
    let (a, b) = (one.side(level), other.side(level));
    let (low, high) = (a.low.min(b.low), a.high.max(b.high));
    let touching = a.low.max(b.low) <= a.high.min(b.high).saturating_add(1);
    let nested = Interval { low, high } == a || Interval { low, high } == b;
    let is_range = match level {
        SOURCE | DESTINATION => is_cidr(Interval { low, high }),
        SOURCE_PORT | DESTINATION_PORT => true,
        // A rule has one protocol or all.
        _ => level != PROTOCOL,
    };
    if !touching || nested || !is_range {
        return None;
    }
    let mut union = *one;
    union.set(level, Interval { low, high });
    Some(union)
}

/// Whether an interval of addresses is one that a prefix has.
fn is_cidr(range: Interval) -> bool {
    let hosts = range.high - range.low;
    (hosts & hosts.wrapping_add(1)) == 0 && range.low & hosts == 0
}

/// A rule with the conditions of a cube.
fn written(rule: &Rule, cube: &Cube) -> Rule {
    let range = |level, whole: Cidr| {
        let side = cube.side(level);
        let address = cube.family.address(side.low);
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let free = (side.high - side.low).count_ones();
        let len = u32::saturating_sub(bits, free);
        u8::try_from(len).ok().and_then(|len| Cidr::new(address, len)).unwrap_or(whole)
    };
    let ports = |level| {
        let side = cube.side(level);
        let [from, to] = [side.low, side.high].map(u16::try_from);
        let all = side == Interval { low: 0, high: u16::MAX.into() };
        PortRange::new(from.ok()?, to.ok()?).filter(|_| !all)
    };
    Rule {
        source: range(SOURCE, rule.source),
        destination: range(DESTINATION, rule.destination),
        source_ports: ports(SOURCE_PORT),
        destination_ports: ports(DESTINATION_PORT),
        ..rule.clone()
    }
}
