//! Rules without which the filter does the same.
//!
//! A rule is redundant if the packets that it decides (in the whole filter) come to the same end
//! with the rules behind it. Packets of network services come to the same end whatever rules say.
//! The rules behind are all there is to look at: the rules are painted from the last
//! to the first, so each finds the diagram of the ones behind it as it is.
//!
//! Each of two rules may be redundant as long as the other is there. So a second diagram has only
//! the rules that were kept so far: what it does without is a set of rules that can go together,
//! since dropping one changes nothing, and then dropping the next changes nothing either. Once they
//! are gone, rules may be redundant that were not before (one that rejects what a dropped rule
//! would have accepted); that is for the next time.

use std::collections::BTreeSet;

use super::{Code, Lint, Severity};
use crate::analysis::diagram::{Ref, TooComplex};
use crate::analysis::space::{NONE, Painted, Space, action, leaf, paint};

/// What is found about one rule.
struct Redundant {
    rule: Painted,
    /// The leaves that decide its packets without it.
    instead: BTreeSet<u32>,
    /// Whether it can go together with all others that can.
    together: bool,
}

impl Lint<'_> {
    pub(super) fn redundant(
        &mut self,
        space: &mut Space,
        dead: &BTreeSet<usize>,
    ) -> Result<(), TooComplex> {
        let found = search(space)?;
        for (place, one) in found.iter().rev() {
            // That it is shadowed says so already.
            if dead.contains(place) || space.written_default() == Some(*place) {
                continue;
            }
            let by: Vec<usize> =
                one.instead.iter().filter_map(|&leaf| Some(space.rule(leaf)?.index)).collect();
            self.budget.name(by.len())?;
            let why = match (by.as_slice(), one.instead.contains(&NONE)) {
                ([], false) => {
                    "network services, about which no rule decides, have all its packets".to_owned()
                }
                ([], true) => {
                    "without it no rule matches its packets, which rejects them too".to_owned()
                }
                (_, false) => format!("without it {} would do the same", self.named(&by)),
                (_, true) => format!("without it {} or no rule would do the same", self.named(&by)),
            };
            let together = if one.together { "" } else { "; not together with the others" };
            let message = format!("changes nothing: {why}{together}");
            let own = leaf(*place)?;
            let mut witness = None;
            for cube in &one.rule.cubes {
                if witness.is_none() {
                    witness = space.example(cube, &[own])?;
                }
            }
            self.note(Code::Redundant, Severity::Warning, one.rule.index, by, message, witness);
        }
        Ok(())
    }
}

/// The redundant rules of a space and their places, the last first.
fn search(space: &mut Space) -> Result<Vec<(usize, Redundant)>, TooComplex> {
    let mut found = Vec::new();
    let (mut behind, mut kept) = (Ref::leaf(NONE), Ref::leaf(NONE));
    let rules = space.rules.clone();
    for (place, rule) in rules.into_iter().enumerate().rev() {
        let own = leaf(place)?;
        let instead = leaves_instead(space, &rule, own, behind)?;
        let among_kept = leaves_instead(space, &rule, own, kept)?;
        let same =
            |leaves: &BTreeSet<u32>| leaves.iter().all(|&leaf| space.action(leaf) == rule.action);
        let (is_redundant, together) = (same(&instead), same(&among_kept));
        behind = paint(&mut space.arena, behind, &rule, own)?;
        if !(is_redundant && together) {
            kept = paint(&mut space.arena, kept, &rule, own)?;
        }
        if is_redundant {
            found.push((place, Redundant { rule, instead, together }));
        }
        let mut roots = [behind, kept];
        space.tidy(&mut roots);
        [behind, kept] = roots;
    }
    Ok(found)
}

/// The leaves of a diagram for the packets that a rule decides, as far as one that does something
/// else. Those of services are left out only if they make a difference, for that takes longer.
fn leaves_instead(
    space: &mut Space,
    rule: &Painted,
    own: u32,
    there: Ref,
) -> Result<BTreeSet<u32>, TooComplex> {
    let mut leaves = BTreeSet::new();
    for here in [space.root, space.judged] {
        let Space { rules, arena, .. } = &mut *space;
        let differs = |leaf: u32| action(rules, leaf) != rule.action;
        leaves.clear();
        for cube in &rule.cubes {
            leaves.extend(arena.leaves_where(here, own, cube, there, &differs)?);
        }
        if !leaves.iter().any(|&leaf| differs(leaf)) {
            break;
        }
    }
    Ok(leaves)
}
