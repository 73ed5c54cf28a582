//! Where two filters differ.

use std::collections::HashMap;

use mirror_wire::Direction;

use super::cube::{Cube, Family};
use super::diagram::{Arena, Budget, Ref, TooComplex};
use super::space::{NONE, Painted, leaf, paint, rules, services};
use super::witness;
use crate::{Action, Filter, Packet, Services};

/// What two filters do differently, and what only their rules do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The pairs of rules for which one of the filters mirrors a packet that the other doesn't. The
    /// example of each is such a packet.
    pub differences: Vec<Difference>,
    /// The pairs of rules that disagree about packets of network services only, where rules have no
    /// say. The example of each is of a service.
    pub settled: Vec<Difference>,
}

/// Packets about which the rules of two filters disagree.
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
/// This is about rules alone: the packets may be of network services, which rules do not judge.
/// [`compare`] tells them apart.
pub fn differences(a: &Filter, b: &Filter) -> Result<Vec<Difference>, TooComplex> {
    Ok(compared(a, b, None, &Budget::default())?.differences)
}

/// Where one of two filters mirrors a packet and the other doesn't, by their rules and beside
/// network services.
///
/// Whether they mirror Amazon DNS is a switch in each, and not compared here.
pub fn compare(a: &Filter, b: &Filter, services: &Services) -> Result<Comparison, TooComplex> {
    compare_within(a, b, services, &Budget::default())
}

/// The same of one of several pairs, which share a budget.
pub fn compare_within(
    a: &Filter,
    b: &Filter,
    services: &Services,
    budget: &Budget,
) -> Result<Comparison, TooComplex> {
    compared(a, b, Some(services), budget)
}

fn compared(
    a: &Filter,
    b: &Filter,
    services: Option<&Services>,
    budget: &Budget,
) -> Result<Comparison, TooComplex> {
    let mut found = Comparison::default();
    for direction in [Direction::Ingress, Direction::Egress] {
        for family in Family::BOTH {
            let (a, b) = (rules(a, direction, family), rules(b, direction, family));
            let one = compared_in(direction, family, [&a, &b], services, budget)?;
            found.differences.extend(one.differences);
            found.settled.extend(one.settled);
        }
    }
    Ok(found)
}

/// Whether two lists of rules of one space do the same with every packet.
pub(super) fn do_the_same(
    direction: Direction,
    family: Family,
    lists: [&[Painted]; 2],
    budget: &Budget,
) -> Result<bool, TooComplex> {
    Ok(compared_in(direction, family, lists, None, budget)?.differences.is_empty())
}

fn compared_in(
    direction: Direction,
    family: Family,
    [a, b]: [&[Painted]; 2],
    beside: Option<&Services>,
    budget: &Budget,
) -> Result<Comparison, TooComplex> {
    let mut arena = Arena::new(family, budget);
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
    let judged = match beside {
        Some(beside) => {
            let services = services(&mut arena, beside)?;
            arena.laid_over(both, services)?
        }
        None => both,
    };
    let (mut differences, mut settled) = (Vec::new(), Vec::new());
    for ((a_leaf, b_leaf), wanted) in pairs.into_iter().zip(1_u32..) {
        let (rule_a, rule_b) = (of(a, a_leaf), of(b, b_leaf));
        let whole = vec![Cube::whole(family)];
        let cubes = |rule: &Option<Painted>| {
            rule.as_ref().map_or_else(|| whole.clone(), |rule| rule.cubes.clone())
        };
        let others = cubes(&rule_b);
        let common: Vec<Cube> = cubes(&rule_a)
            .iter()
            .flat_map(|one| others.iter().filter_map(|other| one.meet(other)))
            .collect();
        let mut example = |root: Ref| {
            for cube in &common {
                let found =
                    witness::find(&mut arena, root, direction, cube, &|leaf| leaf == wanted)?;
                if found.is_some() {
                    return Ok(found);
                }
            }
            Ok(None)
        };
        let (list, example) = match example(judged)? {
            Some(judged) => (&mut differences, Some(judged)),
            None => (&mut settled, example(both)?),
        };
        if let Some(example) = example {
            let (a, b) = (rule_a.map(|rule| rule.index), rule_b.map(|rule| rule.index));
            let places = (a_leaf.wrapping_sub(1), b_leaf.wrapping_sub(1));
            list.push((places, Difference { direction, a, b, example }));
        }
    }
    let [differences, settled] = [differences, settled].map(|mut found| {
        // In the order in which the first filter comes to them.
        found.sort_by_key(|&(places, _)| places);
        found.into_iter().map(|(_, difference)| difference).collect()
    });
    Ok(Comparison { differences, settled })
}
