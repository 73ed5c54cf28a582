//! What documents say that can't be true together.
//!
//! Documents are of different days and different accounts, and people edit them. A contradiction
//! isn't judged here (which of the two is true nobody knows), but said, because what follows from
//! it looks like a fault of the capture: packets without a name, or with the wrong direction.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::hash::Hash;

use crate::text::Shown;
use crate::{Eni, KnownSession, TargetKind};

/// How many sessions a line names.
const NAMED: usize = 3;

pub(super) fn of(sessions: &[KnownSession]) -> Vec<String> {
    let mut lines = Vec::new();
    same_id(sessions, &mut lines);
    same_sign(sessions, &mut lines);
    same_number(sessions, &mut lines);
    descriptions(sessions, &mut lines);
    shared(sessions, &mut lines);
    lines
}

/// Sessions by something that they have in common, in order of that.
fn groups<'s, K: Ord>(
    sessions: &'s [KnownSession],
    keys: impl Fn(&'s KnownSession) -> Vec<K>,
) -> impl Iterator<Item = (K, Vec<&'s KnownSession>)> {
    let mut groups: BTreeMap<K, Vec<&KnownSession>> = BTreeMap::new();
    for session in sessions {
        for key in keys(session) {
            groups.entry(key).or_default().push(session);
        }
    }
    groups.into_iter().filter(|(_, members)| members.len() > 1)
}

fn same_id(sessions: &[KnownSession], lines: &mut Vec<String>) {
    for (id, members) in groups(sessions, |session| session.id.iter().collect()) {
        let count = members.len();
        lines.push(format!("session {} is described {count} times, not alike", Shown(id)));
    }
}

/// Sessions that [`Picture::find`](super::Picture::find) can't tell apart.
fn same_sign(sessions: &[KnownSession], lines: &mut Vec<String>) {
    let by_source = groups(sessions, |session| {
        let sources = session.eni.iter().flat_map(Eni::sources);
        sources.filter_map(|source| Some((source, session.vni?))).collect()
    });
    for ((source, vni), members) in by_source.filter(|(_, members)| !are_behind_endpoints(members))
    {
        lines.push(format!(
            "packets from {source} with vni {vni} are of no one session: {}",
            List(&members)
        ));
    }
    let by_vni = groups(sessions, |session| session.vni.into_iter().collect());
    for (vni, members) in by_vni.filter(|(_, members)| !are_behind_endpoints(members)) {
        let has_address =
            |session: &KnownSession| session.eni.iter().flat_map(Eni::sources).next().is_some();
        let silent: Vec<_> = members.iter().copied().filter(|s| !has_address(s)).collect();
        if !silent.is_empty() {
            lines.push(format!(
                "vni {vni} is of {} sessions, and no document knows the address of {}",
                members.len(),
                List(&silent)
            ));
        }
    }
}

/// Whether each has an endpoint of its own, which tells them apart.
fn are_behind_endpoints(sessions: &[&KnownSession]) -> bool {
    let mut seen = HashSet::new();
    sessions.iter().all(|session| session.endpoint().is_some_and(|endpoint| seen.insert(endpoint)))
}

//= https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTrafficMirrorSession.html
//# The session number determines the order in which sessions are evaluated when an interface is
//# used by multiple sessions.
fn same_number(sessions: &[KnownSession], lines: &mut Vec<String>) {
    let by_number = groups(sessions, |session| {
        let eni = session.eni.as_ref().and_then(|eni| eni.id.as_ref());
        eni.zip(session.number).into_iter().collect()
    });
    for ((eni, number), members) in by_number {
        // One session that is described twice has been said.
        let ids: HashSet<_> = members.iter().map(|session| session.id.as_ref()).collect();
        if ids.len() > 1 || ids.contains(&None) {
            lines.push(format!(
                "number {number} of {} is of more than one session: {}",
                Shown(eni),
                List(&members)
            ));
        }
    }
}

/// One id, and in two places something else of it.
fn descriptions(sessions: &[KnownSession], lines: &mut Vec<String>) {
    let mut first: HashMap<(&str, &str, &str), (String, bool)> = HashMap::new();
    for session in sessions {
        for (what, id, fields) in described(session) {
            for (field, value) in fields {
                let (Some(id), Some(value)) = (id, value) else { continue };
                match first.entry((what, id, field)) {
                    Entry::Vacant(new) => {
                        new.insert((value, false));
                    }
                    Entry::Occupied(mut old) => {
                        let (before, said) = old.get_mut();
                        if *before != value && !*said {
                            *said = true;
                            lines.push(format!(
                                "{what} {} has {field} {}, and elsewhere {}",
                                Shown(id),
                                Shown(before),
                                Shown(&value)
                            ));
                        }
                    }
                }
            }
        }
    }
}

type Described<'s> = (&'static str, Option<&'s str>, Vec<(&'static str, Option<String>)>);

/// The things that a session consists of: what each is, its id, and what is said of it.
fn described(session: &KnownSession) -> Vec<Described<'_>> {
    fn list<T: fmt::Display>(items: &[T]) -> Option<String> {
        let texts: Vec<String> = items.iter().map(T::to_string).collect();
        (!texts.is_empty()).then(|| texts.join(", "))
    }
    let mut all: Vec<Described<'_>> = Vec::new();
    if let Some(eni) = &session.eni {
        all.push((
            "eni",
            eni.id.as_deref(),
            vec![
                ("name", eni.name.clone()),
                ("description", eni.description.clone()),
                ("mac", eni.mac.map(|mac| mac.to_string())),
                ("addresses", list(&eni.addresses)),
                ("prefixes", list(&eni.prefixes)),
            ],
        ));
    }
    if let Some(target) = &session.target {
        let kind = target.kind.as_ref().map(|kind| match kind {
            TargetKind::NetworkInterface(id)
            | TargetKind::NetworkLoadBalancer(id)
            | TargetKind::GatewayLoadBalancerEndpoint(id) => id.clone(),
        });
        all.push((
            "target",
            target.id.as_deref(),
            vec![
                ("name", target.name.clone()),
                ("description", target.description.clone()),
                ("resource", kind),
            ],
        ));
    }
    if let Some(filter) = &session.filter {
        all.push((
            "filter",
            filter.id.as_deref(),
            vec![("name", filter.name.clone()), ("description", filter.description.clone())],
        ));
    }
    all
}

/// What only one ENI can have, and more than one has.
fn shared(sessions: &[KnownSession], lines: &mut Vec<String>) {
    let mut owners = HashMap::new();
    let mut groups_said = HashSet::new();
    for eni in sessions.iter().filter_map(|session| session.eni.as_ref()) {
        let Some(id) = eni.id.as_deref() else { continue };
        if let Some(mac) =
            eni.mac.filter(|mac| mac.is_multicast() && groups_said.insert((id, *mac)))
        {
            lines.push(format!(
                "eni {} has mac {mac}, which is of a group; it is not used",
                Shown(id)
            ));
        }
        let macs = eni.mac.iter().map(|mac| ("mac", mac.to_string()));
        let addresses = eni.addresses.iter().map(|address| ("address", address.to_string()));
        let prefixes = eni.prefixes.iter().map(|prefix| ("prefix", prefix.to_string()));
        for (what, value) in macs.chain(addresses).chain(prefixes) {
            if let Some(other) = claim(&mut owners, (what, value.clone()), id) {
                lines.push(format!(
                    "{what} {value} is of eni {} and of eni {}",
                    Shown(other),
                    Shown(id)
                ));
            }
        }
    }
}

/// Note that `id` has the thing. If another has it, return which, the first time.
fn claim<'s, K: Eq + Hash>(
    owners: &mut HashMap<K, (&'s str, bool)>,
    thing: K,
    id: &'s str,
) -> Option<&'s str> {
    let (owner, said) = owners.entry(thing).or_insert((id, false));
    (*owner != id && !std::mem::replace(said, true)).then_some(*owner)
}

/// Sessions by name, the first few of them.
struct List<'s>(&'s [&'s KnownSession]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, session) in self.0.iter().take(NAMED).enumerate() {
            f.write_str(if n == 0 { "" } else { ", " })?;
            match (&session.id, &session.name, &session.eni) {
                (Some(id), ..) => Shown(id).fmt(f)?,
                (None, Some(name), _) => Shown(name).fmt(f)?,
                (None, None, Some(Eni { id: Some(eni), .. })) => {
                    write!(f, "one of {}", Shown(eni))?;
                }
                (None, None, _) => f.write_str("one without a name")?,
            }
        }
        match self.0.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}
