//! What is wrong with the sessions of a document.

use std::collections::{BTreeMap, BTreeSet};

use mirror_aws::{Estate, FilteredSession};
use mirror_filter::analysis::Severity;

use super::Found;
use crate::documents::titled;

/// The most sessions that an interface may be the source of.
//= https://docs.aws.amazon.com/vpc/latest/mirroring/traffic-mirroring-quotas.html
//# Sessions per source ENI: 3
const MOST: usize = 3;

/// The most sources of a network interface, and of one whose instance is of the largest size.
//= https://docs.aws.amazon.com/vpc/latest/mirroring/traffic-mirroring-limits.html
//# Maximum number of sources per target (smaller sizes) 10
//# Maximum number of sources per target (largest size) 100
const SOURCES: usize = 10;
const SOURCES_OF_LARGEST: usize = 100;

/// Findings about sessions whose filter is meant.
pub(super) fn findings<'s>(
    estate: &'s Estate,
    is_meant: impl Fn(Option<usize>) -> bool,
) -> Vec<Found<'s>> {
    let mut by_source: BTreeMap<usize, Vec<&FilteredSession>> = BTreeMap::new();
    let mut by_sink: BTreeMap<usize, Vec<&FilteredSession>> = BTreeMap::new();
    for one in &estate.sessions {
        if let Some(source) = one.source {
            by_source.entry(source).or_default().push(one);
        }
        if let Some(sink) = one.sink {
            by_sink.entry(sink).or_default().push(one);
        }
    }
    let any_meant = |all: &[&FilteredSession]| all.iter().any(|one| is_meant(one.filter));
    let mut found = Vec::new();
    for (source, sessions) in by_source {
        let eni = sessions.first().map(|one| source_of(one)).unwrap_or_default();
        if sessions.len() > MOST
            && let Some(last) = sessions.get(MOST)
            && any_meant(&sessions)
        {
            let message = format!(
                "{eni} has {} sessions, and AWS takes {MOST} of a network interface",
                sessions.len()
            );
            found.push(about(last, "sessions-per-eni", Severity::Error, message));
        }
        //= https://docs.aws.amazon.com/vpc/latest/mirroring/traffic-mirroring-considerations.html
        //# An elastic network interface cannot be a traffic mirror target and a traffic mirror session
        //# source at the same time.
        if let Some(first) = sessions.first()
            && estate.sinks.contains(&source)
            && any_meant(&sessions)
        {
            let message = format!("{eni} is a target, and AWS takes no session of one");
            found.push(about(first, "source-is-target", Severity::Error, message));
        }
        let mut first: BTreeMap<u16, &FilteredSession> = BTreeMap::new();
        for one in sessions {
            let Some(number) = one.session.number else { continue };
            let Some(before) = first.insert(number, one) else { continue };
            if is_meant(one.filter) || is_meant(before.filter) {
                let other = &before.session;
                let other = titled(other.id.as_deref(), other.name.as_deref());
                let other = other.unwrap_or_else(|| "another session".to_owned());
                let message = format!(
                    "session number {number} of {eni} is also that of {other}: which of them is \
                     asked first is not defined"
                );
                found.push(about(one, "session-number", Severity::Warning, message));
            }
        }
    }
    for sessions in by_sink.into_values().filter(|all| any_meant(all)) {
        found.extend(too_many_sources(&sessions));
    }
    found
}

/// A finding if a target has more sources than AWS takes, at the first that is one too many.
fn too_many_sources<'s>(sessions: &[&FilteredSession]) -> Option<Found<'s>> {
    let mut sources = BTreeSet::new();
    let (mut more, mut too_many) = (None, None);
    for one in sessions {
        if let Some(source) = one.source
            && sources.insert(source)
        {
            match sources.len() - 1 {
                SOURCES => more = Some(*one),
                SOURCES_OF_LARGEST => too_many = Some(*one),
                _ => {}
            }
        }
    }
    let target = sessions.first().and_then(|one| one.session.target.as_ref())?;
    let target = titled(target.id.as_deref(), target.name.as_deref()).unwrap_or_default();
    let severity = if too_many.is_some() { Severity::Error } else { Severity::Info };
    let message = format!(
        "target {target} has {} sources, and AWS takes {SOURCES} of a network interface, \
         {SOURCES_OF_LARGEST} if its instance is of the largest size",
        sources.len()
    );
    Some(about(too_many.or(more)?, "sources-per-target", severity, message))
}

/// What a person calls the source of a session.
fn source_of(session: &FilteredSession) -> String {
    let eni = session.session.eni.as_ref();
    let title = eni.and_then(|eni| titled(eni.id.as_deref(), eni.name.as_deref()));
    title.unwrap_or_else(|| "a network interface".to_owned())
}

fn about<'s>(
    session: &FilteredSession,
    code: &'static str,
    severity: Severity,
    message: String,
) -> Found<'s> {
    Found {
        code,
        severity,
        filter: None,
        direction: None,
        rule: None,
        by: Vec::new(),
        message,
        witness: None,
        place: session.place.clone(),
    }
}
