//! What the AWS CLI prints: `aws ec2 describe-…`.
//!
//! Each answer is an object whose one key says of what it is a list. `--query` may cut it down to
//! the list or to one element, and then only the fields tell what an element is. A create or modify
//! command prints one element under the singular. Several answers in one object, as `jq -s add`
//! makes it, are read like each of them.

use std::collections::HashMap;

use crate::at::At;
use crate::node::NodeKind;
use crate::problem::{Place, Problem, Problems, Shown};
use crate::raw::{Page, Reader};

/// What an element of an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Filter,
    Rule,
    Session,
    Target,
    Interface,
}

/// The keys of answers: of a list, and of one.
const ANSWERS: [(&str, &str, Kind); 5] = [
    ("TrafficMirrorFilters", "TrafficMirrorFilter", Kind::Filter),
    ("TrafficMirrorFilterRules", "TrafficMirrorFilterRule", Kind::Rule),
    ("TrafficMirrorSessions", "TrafficMirrorSession", Kind::Session),
    ("TrafficMirrorTargets", "TrafficMirrorTarget", Kind::Target),
    ("NetworkInterfaces", "NetworkInterface", Kind::Interface),
];

/// Whether an object is an answer, not cut down.
pub(crate) fn is_answer(at: &At<'_>) -> bool {
    ANSWERS.iter().any(|(list, one, _)| at.member(list).is_some() || at.member(one).is_some())
}

/// Read an answer, or what `--query` left of one.
pub(crate) fn read(root: &At<'_>, reader: &mut Reader<'_>) {
    match root.node().kind {
        NodeKind::List(_) => root.items().for_each(|element| one(&element, reader)),
        _ => one(root, reader),
    }
}

/// Read an answer, or an element of one.
fn one(at: &At<'_>, reader: &mut Reader<'_>) {
    if is_answer(at) {
        return answer(at, reader);
    }
    match kind(at) {
        Some(kind) => element(kind, at, reader),
        None => at.wrong(
            "a mirror filter, rule, session or target, or a network interface, as AWS describes it",
            reader.problems,
        ),
    }
}

fn answer(at: &At<'_>, reader: &mut Reader<'_>) {
    const OTHERS: [&str; 3] = ["NextToken", "ResponseMetadata", "ClientToken"];
    for (key, field) in at.entries() {
        let known = ANSWERS.iter().any(|&(list, one, _)| list == key || one == key);
        if !known && !OTHERS.contains(&key) && field.node().kind != NodeKind::Null {
            let message = format!("found {}, which is not known here", Shown(key));
            field.warning(message, reader.problems);
        }
    }
    // An answer that ends in a token is not the last page.
    let token = at.get("NextToken").filter(|token| token.node().as_str() != Some(""));
    for (name, one, kind) in ANSWERS {
        if let Some(list) = at.get(name) {
            reader.raw.pages.push(Page { of: name, next: token.as_ref().map(At::place) });
            for element_at in list.list(reader.problems) {
                element(kind, &element_at, reader);
            }
        }
        if let Some(one) = at.get(one) {
            element(kind, &one, reader);
        }
    }
}

/// Warn of answers whose last page nobody gave. That one between is missing nothing shows.
pub(crate) fn check_pages(pages: Vec<Page>, problems: &mut Problems) {
    let mut last: HashMap<&str, Option<Place>> = HashMap::new();
    for Page { of, next } in pages {
        let token = last.entry(of).or_insert_with(|| next.clone());
        if next.is_none() {
            *token = None;
        }
    }
    let mut missing: Vec<(&str, Place)> =
        last.into_iter().filter_map(|(of, token)| Some((of, token?))).collect();
    missing.sort();
    for (of, token) in missing {
        let message =
            format!("found NextToken: these are not all {of}, give the pages after it too");
        problems.push(Problem::warning(token, message));
    }
}

fn element(kind: Kind, at: &At<'_>, reader: &mut Reader<'_>) {
    match kind {
        Kind::Filter => reader.filter(at, None),
        Kind::Rule => reader.rule(at, None),
        Kind::Session => reader.session(at, None),
        Kind::Target => reader.target(at, None),
        Kind::Interface => reader.network_interface(at, None),
    }
}

/// What an element is by its fields. Ids alone don't tell: a session has those of its filter,
/// target and interface.
fn kind(at: &At<'_>) -> Option<Kind> {
    let has = |key: &str| at.member(key).is_some();
    let any = |keys: &[&str]| keys.iter().any(|key| has(key));
    Some(if any(&["TrafficMirrorSessionId", "SessionNumber", "VirtualNetworkId"]) {
        Kind::Session
    } else if any(&["IngressFilterRules", "EgressFilterRules", "NetworkServices"]) {
        Kind::Filter
    } else if any(&["TrafficMirrorFilterRuleId", "RuleNumber", "RuleAction"]) {
        Kind::Rule
    } else if has("TrafficMirrorTargetId") {
        Kind::Target
    } else if any(&["MacAddress", "PrivateIpAddresses"]) {
        Kind::Interface
    } else if has("TrafficMirrorFilterId") {
        Kind::Filter
    } else {
        return None;
    })
}
