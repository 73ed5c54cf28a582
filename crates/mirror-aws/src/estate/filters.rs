//! Rules to their filters.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use mirror_filter::{Filter, Rule};
use mirror_wire::Direction;

use super::KnownFilter;
use crate::problem::{Mistake, Place, Problem, Problems, Shown};
use crate::raw::{Key, RawFilter, RawRule};
use crate::unresolved::{Open, Unresolved};

/// The filters, and by what each is known.
#[derive(Default)]
pub(super) struct Filters {
    pub(super) filters: Vec<KnownFilter>,
    pub(super) index: HashMap<Key, usize>,
    /// What can't be known of them, each with its order.
    pub(super) unresolved: Vec<(usize, Unresolved)>,
}

/// A rule that could be read.
struct KnownRule {
    rule: Rule,
    place: Place,
}

pub(super) fn join(
    described: Vec<RawFilter>,
    rules: Vec<RawRule>,
    whole: bool,
    problems: &mut Problems,
) -> Filters {
    let mut joined = Filters::default();
    let mut rules_missing = Vec::new();
    for mut raw in described {
        let blanks = std::mem::take(&mut raw.blanks);
        if let Some(at) = joined.add(&raw, problems) {
            let of_filter = blanks.into_iter().map(|blank| blank.leaves(Open::Filter(at)));
            joined.unresolved.extend(of_filter);
            rules_missing.resize(joined.filters.len(), false);
            if let Some(missing) = rules_missing.get_mut(at) {
                *missing |= raw.rules_missing;
            }
        }
    }
    let known = joined.filters.len();

    let mut by_filter: Vec<Vec<KnownRule>> = Vec::new();
    let mut by_id: HashMap<String, (usize, Place)> = HashMap::new();
    for RawRule { filter, rule, place, blanks } in rules {
        let at = filter.and_then(|filter| joined.of_rule(&filter, &place, problems));
        let leaves = at.map_or(Open::AnyFilter, Open::Filter);
        joined.unresolved.extend(blanks.into_iter().map(|blank| blank.leaves(leaves)));
        let (Some(at), Some(rule)) = (at, rule) else { continue };
        let rule = KnownRule { rule, place };
        if let Some(id) = &rule.rule.id {
            let (first, there) =
                by_id.entry(id.clone()).or_insert_with(|| (at, rule.place.clone()));
            if *first != at {
                let message = format!("rule {} is of another filter at {there}", Shown(id));
                problems.push(Problem::error(rule.place.clone(), message));
            }
        }
        by_filter.resize_with(joined.filters.len(), Vec::new);
        if let Some(rules) = by_filter.get_mut(at) {
            rules.push(rule);
        }
    }
    by_filter.resize_with(joined.filters.len(), Vec::new);

    let open: HashSet<Open> = joined.unresolved.iter().map(|(_, one)| one.leaves).collect();
    for (at, (filter, rules)) in joined.filters.iter_mut().zip(by_filter).enumerate() {
        let whole = whole && !open.contains(&Open::Filter(at)) && !open.contains(&Open::AnyFilter);
        let inside = |rule: &KnownRule| {
            let Place { document, path, .. } = &filter.place;
            let rest = rule.place.path.strip_prefix(path.as_str());
            rule.place.document == *document && rest.is_some_and(|rest| rest.starts_with('/'))
        };
        if rules_missing.get(at) == Some(&true) && rules.iter().all(inside) {
            let message = "found no IngressFilterRules or no EgressFilterRules, expected both; \
                           [] says that there are none";
            problems.push(Problem::error(filter.place.clone(), message));
        } else if rules.is_empty() && whole {
            let without = if filter.filter.amazon_dns {
                "found a filter without rules: only Amazon DNS is mirrored"
            } else {
                "found a filter without rules: nothing is mirrored"
            };
            problems.push(Problem::warning(filter.place.clone(), without));
        }
        if at >= known && whole {
            let id = filter.filter.id.as_deref().unwrap_or_default();
            let message = format!(
                "filter {} is known by its rules alone; whether it mirrors Amazon DNS isn't known, \
                 read as no",
                Shown(id)
            );
            problems.push(Problem::warning(filter.place.clone(), message));
        }
        put(filter, rules, problems);
    }
    joined
}

impl Filters {
    /// Add a filter, unless it is there; its index, if it contradicts nothing.
    fn add(&mut self, raw: &RawFilter, problems: &mut Problems) -> Option<usize> {
        let known = raw.keys.iter().find_map(|key| self.index.get(key)).copied();
        if let Some(at) = known {
            let filter = self.filters.get(at)?;
            let same = filter.filter.amazon_dns == raw.amazon_dns
                && filter.filter.name == raw.names.name
                && filter.filter.description == raw.names.description;
            if !same {
                let id = raw.names.id.as_deref().unwrap_or_default();
                problems.push(differs("filter", id, &raw.place, &filter.place));
                return None;
            }
            return Some(at);
        }
        let at = self.filters.len();
        self.filters.push(KnownFilter {
            filter: Filter {
                id: raw.names.id.clone(),
                name: raw.names.name.clone(),
                description: raw.names.description.clone(),
                amazon_dns: raw.amazon_dns,
                rules: Vec::new(),
            },
            place: raw.place.clone(),
            rules: Vec::new(),
            label: raw.label.clone(),
        });
        self.index.extend(raw.keys.iter().map(|key| (key.clone(), at)));
        Some(at)
    }

    /// The index of a rule's filter; one that no document describes is made of its id.
    fn of_rule(&mut self, filter: &Key, place: &Place, problems: &mut Problems) -> Option<usize> {
        if let Some(&at) = self.index.get(filter) {
            return Some(at);
        }
        let id = match filter {
            Key::Id(id) => id.clone(),
            Key::Local(_, name) => {
                let found = format!("a rule of {}", Shown(name));
                problems.found(place.clone(), found, "one of a filter that can be read");
                return None;
            }
        };
        let at = self.filters.len();
        self.filters.push(KnownFilter {
            filter: Filter { id: Some(id), ..Filter::default() },
            place: place.clone(),
            rules: Vec::new(),
            label: None,
        });
        self.index.insert(filter.clone(), at);
        Some(at)
    }
}

/// Something is described twice, not in the same words.
pub(super) fn differs(what: &str, id: &str, here: &Place, there: &Place) -> Problem {
    Problem::error(
        here.clone(),
        format!("{what} {} is described differently at {there}", Shown(id)),
    )
}

/// Put its rules into a filter, in order, each once.
fn put(filter: &mut KnownFilter, rules: Vec<KnownRule>, problems: &mut Problems) {
    let mut by_id: HashMap<String, (Rule, Place)> = HashMap::new();
    let mut by_number: HashMap<(Direction, u32), (Rule, Place)> = HashMap::new();
    let mut put: Vec<(Rule, Place)> = Vec::new();
    for KnownRule { rule, place } in rules {
        if let Some(id) = &rule.id {
            match by_id.entry(id.clone()) {
                Entry::Vacant(free) => {
                    free.insert((rule.clone(), place.clone()));
                }
                Entry::Occupied(known) => {
                    let (same, there) = known.get();
                    if *same != rule {
                        problems.push(differs("rule", id, &place, there));
                    }
                    continue;
                }
            }
        }
        match by_number.entry((rule.direction, rule.number)) {
            Entry::Vacant(free) => {
                free.insert((rule.clone(), place.clone()));
                put.push((rule, place));
            }
            Entry::Occupied(known) => {
                let (first, there) = known.get();
                if !is_again(&rule, &place, first, there) {
                    let Rule { direction, number, .. } = rule;
                    let message =
                        format!("rule {number} ({direction}): number already used at {there}");
                    let problem = Problem::error(place, message);
                    problems.push(problem.being(Mistake::DuplicateNumber));
                }
            }
        }
    }
    put.sort_by_key(|(rule, _)| (rule.direction, rule.number));
    (filter.filter.rules, filter.rules) = put.into_iter().unzip();
}

/// Whether two documents speak of the same rule, one of them without its id.
fn is_again(rule: &Rule, place: &Place, first: &Rule, there: &Place) -> bool {
    let unnamed = Rule { id: first.id.clone(), ..rule.clone() };
    (rule.id.is_none() || first.id.is_none())
        && unnamed == *first
        && place.document != there.document
}
