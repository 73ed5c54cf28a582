//! Where two filters differ.

use std::collections::HashMap;

use mirror_wire::Direction;

use super::cube::{Cube, Family};
use super::diagram::{Arena, Ref, TooComplex};
use super::space::{NONE, Painted, leaf, paint, rules};
use super::witness;
use crate::{Action, Filter, Packet};

/// Packets that one of two filters mirrors and the other doesn't.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which way they go.
    pub direction: Direction,
    /// The index of the rule that decides them in the first filter; nothing if none matches.
    pub a: Option<usize>,
    /// The index of the rule that decides them in the second one; likewise.
    pub b: Option<usize>,
    /// One of them.
    pub example: Packet,
}

/// Every pair of rules, one of each filter, that decide the same packets in different ways. None if
/// the rules of the two filters do the same with every packet, however they are written.
///
/// Whether the filters mirror Amazon DNS is beside the rules, and not compared here.
pub fn differences(a: &Filter, b: &Filter) -> Result<Vec<Difference>, TooComplex> {
    let mut found = Vec::new();
    for direction in [Direction::Ingress, Direction::Egress] {
        for family in Family::BOTH {
            let (a, b) = (rules(a, direction, family), rules(b, direction, family));
            found.extend(compare(direction, family, &a, &b)?);
        }
    }
    Ok(found)
}

fn compare(
    direction: Direction,
    family: Family,
    a: &[Painted],
    b: &[Painted],
) -> Result<Vec<Difference>, TooComplex> {
    let mut arena = Arena::new(family);
    let mut roots = [Ref::leaf(NONE); 2];
    for (at, rules) in [a, b].into_iter().enumerate() {
        for (place, rule) in rules.iter().enumerate().rev() {
            if let Some(root) = roots.get_mut(at) {
                *root = paint(&mut arena, *root, rule, leaf(place)?)?;
            }
            arena.tidy(&mut roots);
        }
    }
    // A leaf for each pair of rules that disagree, numbered as they are met; zero for the others.
    let mut pairs: Vec<(u32, u32)> = Vec::new();
    let mut known: HashMap<(u32, u32), u32> = HashMap::new();
    let of = |rules: &[Painted], leaf: u32| -> Option<Painted> {
        rules.get((leaf as usize).checked_sub(1)?).cloned()
    };
    let actions = |rules: &[Painted]| -> Vec<Action> {
        std::iter::once(Action::Reject).chain(rules.iter().map(|rule| rule.action)).collect()
    };
    let (actions_a, actions_b) = (actions(a), actions(b));
    let mut pair = |a: u32, b: u32| {
        if actions_a.get(a as usize) == actions_b.get(b as usize) {
            return NONE;
        }
        *known.entry((a, b)).or_insert_with(|| {
            pairs.push((a, b));
            // There are fewer pairs than edges, which have a bound below this.
            u32::try_from(pairs.len()).unwrap_or(u32::MAX >> 2)
        })
    };
    let [root_a, root_b] = roots;
    let both = arena.joined(root_a, root_b, &mut pair)?;
    let mut found = Vec::new();
    for ((a_leaf, b_leaf), wanted) in pairs.into_iter().zip(1_u32..) {
        let (rule_a, rule_b) = (of(a, a_leaf), of(b, b_leaf));
        let whole = vec![Cube::whole(family)];
        let cubes = |rule: &Option<Painted>| {
            rule.as_ref().map_or_else(|| whole.clone(), |rule| rule.cubes.clone())
        };
        let mut example = None;
        for one in cubes(&rule_a) {
            for cube in cubes(&rule_b).iter().filter_map(|other| one.meet(other)) {
                if example.is_none() {
                    let wanted = |leaf| leaf == wanted;
                    example = witness::find(&mut arena, both, direction, &cube, &wanted)?;
                }
            }
        }
        if let Some(example) = example {
            let (a, b) = (rule_a.map(|rule| rule.index), rule_b.map(|rule| rule.index));
            found.push((
                (a_leaf.wrapping_sub(1), b_leaf.wrapping_sub(1)),
                Difference { direction, a, b, example },
            ));
        }
    }
    // In the order in which the first filter comes to them.
    found.sort_by_key(|&(places, _)| places);
    Ok(found.into_iter().map(|(_, difference)| difference).collect())
}
