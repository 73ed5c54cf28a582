//! What was left out, for want of values that can't be known.

use std::collections::{BTreeSet, HashMap};

use mirror_aws::{Estate, Field, Open, Problem, Told, Unresolved, once};
use mirror_filter::analysis::Severity;

use super::Found;
use crate::number::counted;

/// A finding for each value that something here would need.
pub(super) fn findings(estate: &Estate) -> Vec<Found<'_>> {
    let missing: Vec<&Unresolved> = estate.leaving(is_needed).collect();
    let problems: Vec<Problem> = missing.iter().map(|one| one.error()).collect();
    let mut leaves: HashMap<&str, Vec<Open>> = HashMap::new();
    for one in &missing {
        leaves.entry(value(one)).or_default().push(one.leaves);
    }
    let told = once(&problems);
    told.iter()
        .filter_map(|told| {
            let first = missing.get(told.first)?;
            Some(finding(estate, first, leaves.get(value(first))?, told))
        })
        .collect()
}

/// What is missing: the value that somebody could give, or what nobody can.
fn value(one: &Unresolved) -> &str {
    one.param.as_ref().unwrap_or(&one.why)
}

/// Whether anything here would look at it.
fn is_needed(open: Open) -> bool {
    !matches!(open, Open::Interface | Open::Session(_, Field::Vni | Field::PacketLength))
}

fn finding<'e>(
    estate: &'e Estate,
    first: &Unresolved,
    leaves: &[Open],
    told: &Told<'_>,
) -> Found<'e> {
    let of_filter = leaves.iter().any(|open| matches!(open, Open::Filter(_) | Open::AnyFilter));
    let message = told.message();
    let message = message.strip_prefix("unresolved: ").unwrap_or(&message);
    Found {
        code: "unresolved",
        // A plan never knows the interfaces that it will make, and nobody can tell it.
        severity: match first.param.is_some() || of_filter {
            true => Severity::Warning,
            false => Severity::Info,
        },
        filter: match first.leaves {
            Open::Filter(at) => estate.filters.get(at),
            _ => None,
        },
        direction: None,
        rule: None,
        by: Vec::new(),
        message: format!("{} left out: {message}", what(leaves)),
        witness: None,
        place: first.place.clone(),
    }
}

/// What is left out.
fn what(leaves: &[Open]) -> String {
    if leaves.contains(&Open::AnyFilter) {
        return "all filters".to_owned();
    }
    let (mut filters, mut sessions) = (BTreeSet::new(), BTreeSet::new());
    let (mut perhaps, mut targets) = (0, 0);
    for open in leaves {
        match open {
            Open::Filter(at) => _ = filters.insert(at),
            Open::Session(at, _) => _ = sessions.insert(at),
            Open::SessionItself => perhaps += 1,
            Open::Target => targets += 1,
            Open::AnyFilter | Open::Interface => {}
        }
    }
    let parts = [
        (filters.len(), "filter", "filters"),
        (sessions.len() + perhaps, "session", "sessions"),
        (targets, "target", "targets"),
    ];
    let parts = parts.into_iter().filter(|&(count, ..)| count > 0);
    let parts: Vec<String> =
        parts.map(|(count, one, many)| counted(count as u64, one, many)).collect();
    parts.join(" and ")
}
