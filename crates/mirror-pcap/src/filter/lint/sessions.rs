//! What is wrong with the sessions of a document.

use std::collections::BTreeMap;

use mirror_aws::{Estate, FilteredSession};
use mirror_filter::analysis::Severity;

use super::Found;
use crate::{documents::titled, failure::printable};

/// The most sessions that an interface may be the source of.
//= https://docs.aws.amazon.com/vpc/latest/mirroring/traffic-mirroring-quotas.html
//# Sessions per source ENI: 3
const MOST: usize = 3;

/// Findings about sessions whose filter is meant.
pub(super) fn findings<'s>(
    estate: &'s Estate,
    is_meant: impl Fn(Option<usize>) -> bool,
) -> Vec<Found<'s>> {
    let mut by_eni: BTreeMap<&str, Vec<&FilteredSession>> = BTreeMap::new();
    for one in &estate.sessions {
        if let Some(eni) = one.session.eni.as_ref().and_then(|eni| eni.id.as_deref()) {
            by_eni.entry(eni).or_default().push(one);
        }
    }
    let mut found = Vec::new();
    for (eni, sessions) in by_eni {
        let eni = printable(eni);
        if sessions.len() > MOST
            && let Some(last) = sessions.get(MOST)
            && sessions.iter().any(|one| is_meant(one.filter))
        {
            let message = format!(
                "{eni} has {} sessions, and AWS takes {MOST} of a network interface",
                sessions.len()
            );
            found.push(about(last, "sessions-per-eni", Severity::Error, message));
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
    found
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
