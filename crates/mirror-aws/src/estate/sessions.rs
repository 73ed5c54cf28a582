//! Sessions to their interfaces, targets and filters.

use std::collections::HashMap;

use mirror_session::{Eni, FilterName, KnownSession, Target, TargetKind};

use super::filters::differs;
use super::{FilteredSession, Known, KnownFilter};
use crate::problem::{Place, Problem, Problems, Shown};
use crate::raw::{Key, MAX_ADDRESSES, Names, RawEni, RawSession, RawTarget};
use crate::unresolved::{Blank, Field, Open, Unresolved};

/// What sessions are joined with.
pub(super) struct Joiner<'a> {
    pub(super) enis: Known<'a, Eni>,
    pub(super) targets: Known<'a, KnownTarget>,
    pub(super) filters: Known<'a, KnownFilter>,
    /// What was missing.
    pub(super) dangling: Dangling,
    /// How many bytes more may be copied.
    pub(super) left: usize,
    /// The numbers of interfaces that no document describes.
    pub(super) strangers: HashMap<Key, usize>,
}

/// A target, and the interface that it is, if it is one.
pub(super) struct KnownTarget {
    target: Target,
    pub(super) eni: Option<Key>,
}

/// How many bytes of interfaces, targets and filters all sessions may have copied. The sessions that
/// an account may have, 10,000, each with an interface of its own that has a hundred addresses, take
/// a third of it.
pub(super) const MAX_COPIED: usize = 64 << 20;

impl Joiner<'_> {
    /// A session with what it names, and what of it can't be known. What no document describes is
    /// known by its id alone.
    pub(super) fn session(&mut self, raw: RawSession) -> (FilteredSession, Vec<(Field, Blank)>) {
        let RawSession { names, number, vni, packet_length, eni, filter, target, place, blanks } =
            raw;
        let source = eni.as_ref().map(|key| self.interface(key));
        let known = target.as_ref().and_then(|key| self.targets.get(key));
        let sink = known.and_then(|known| known.eni.as_ref()).cloned();
        let sink = sink.map(|key| self.interface(&key));
        let dangling = &mut self.dangling;
        if vni.is_none() && !blanks.iter().any(|(field, _)| *field == Field::Vni) {
            let name = names.id.as_ref().or(names.name.as_ref());
            dangling.vnis.note(name.map(String::as_str).unwrap_or_default(), &place);
        }
        let eni = eni.map(|key| {
            self.enis.get(&key).cloned().unwrap_or_else(|| {
                if vni.is_some() {
                    dangling.enis.add(&key, &place);
                }
                let (id, name) = called(&key);
                Eni { id, name, ..Eni::default() }
            })
        });
        let target = target.map(|key| {
            if let Some(known) = self.targets.get(&key) {
                return known.target.clone();
            }
            dangling.targets.add(&key, &place);
            let (id, name) = called(&key);
            Target { id, name, ..Target::default() }
        });
        let filter_at = filter.as_ref().and_then(|key| self.filters.index.get(key)).copied();
        let filter = filter.map(|key| match self.filters.get(&key) {
            Some(KnownFilter { filter, .. }) => FilterName {
                id: filter.id.clone(),
                name: filter.name.clone(),
                description: filter.description.clone(),
            },
            None => {
                dangling.filters.add(&key, &place);
                let (id, name) = called(&key);
                FilterName { id, name, description: None }
            }
        });
        let copied = [
            eni.as_ref().map_or(0, |eni| {
                let texts = [&eni.id, &eni.name, &eni.description];
                length(texts) + size_of_val(&*eni.addresses) + size_of_val(&*eni.prefixes)
            }),
            target.as_ref().map_or(0, |one| length([&one.id, &one.name, &one.description])),
            filter.as_ref().map_or(0, |one| length([&one.id, &one.name, &one.description])),
        ];
        self.left = self.left.saturating_sub(copied.iter().sum());
        let Names { id, name, description } = names;
        let session =
            KnownSession { id, name, description, number, vni, packet_length, eni, target, filter };
        (FilteredSession { session, place, filter: filter_at, source, sink }, blanks)
    }

    /// The number of an interface.
    pub(super) fn interface(&mut self, key: &Key) -> usize {
        if let Some(&at) = self.enis.index.get(key) {
            return at;
        }
        let next = self.enis.all.len() + self.strangers.len();
        *self.strangers.entry(key.clone()).or_insert(next)
    }

    /// A session of a sessions file, which is joined already but for the rules of its filter.
    pub(super) fn known(&mut self, session: KnownSession, place: Place) -> FilteredSession {
        let id = session.filter.as_ref().and_then(|filter| filter.id.clone());
        let filter = id.and_then(|id| self.filters.index.get(&Key::Id(id))).copied();
        let eni = session.eni.as_ref().and_then(|eni| eni.id.clone());
        let sink = match session.target.as_ref().and_then(|target| target.kind.as_ref()) {
            Some(TargetKind::NetworkInterface(id)) => Some(id.clone()),
            _ => None,
        };
        let [source, sink] = [eni, sink].map(|id| id.map(|id| self.interface(&Key::Id(id))));
        FilteredSession { session, place, filter, source, sink }
    }
}

fn length(texts: [&Option<String>; 3]) -> usize {
    texts.into_iter().flatten().map(String::len).sum()
}

/// What a resource that no document describes is called: its id, or its name in a template.
fn called(key: &Key) -> (Option<String>, Option<String>) {
    match key {
        Key::Id(id) => (Some(id.clone()), None),
        Key::Local(_, name) => (None, Some(name.clone())),
    }
}

/// The sessions, those with one id once, and which of them each of those before is.
pub(super) fn once(
    sessions: Vec<FilteredSession>,
    problems: &mut Problems,
) -> (Vec<FilteredSession>, Vec<usize>) {
    let mut by_id: HashMap<String, usize> = HashMap::new();
    let (mut kept, mut which): (Vec<FilteredSession>, Vec<usize>) = Default::default();
    for one in sessions {
        if let Some(id) = &one.session.id {
            let at = *by_id.entry(id.clone()).or_insert(kept.len());
            if let Some(first) = kept.get(at) {
                if first.session != one.session {
                    problems.push(differs("session", id, &one.place, &first.place));
                }
                which.push(at);
                continue;
            }
        }
        which.push(kept.len());
        kept.push(one);
    }
    (kept, which)
}

/// The targets, each once.
pub(super) fn merge_targets(
    described: Vec<RawTarget>,
    unresolved: &mut Vec<(usize, Unresolved)>,
    problems: &mut Problems,
) -> (Vec<KnownTarget>, HashMap<Key, usize>) {
    let (mut targets, mut places): (Vec<KnownTarget>, Vec<Place>) = Default::default();
    let mut index: HashMap<Key, usize> = HashMap::new();
    for RawTarget { keys, names, kind, eni, place, blanks } in described {
        unresolved.extend(blanks.into_iter().map(|blank| blank.leaves(Open::Target)));
        let known = keys.iter().find_map(|key| index.get(key)).copied();
        let id = names.id.clone().unwrap_or_default();
        let target =
            Target { id: names.id, name: names.name, description: names.description, kind };
        match known {
            Some(at) => {
                if let (Some(first), Some(there)) = (targets.get(at), places.get(at))
                    && first.target != target
                {
                    problems.push(differs("target", &id, &place, there));
                }
            }
            None => {
                index.extend(keys.into_iter().map(|key| (key, targets.len())));
                targets.push(KnownTarget { target, eni });
                places.push(place);
            }
        }
    }
    (targets, index)
}

/// The interfaces, each once. An instance tells less of its interface than the interface does, so
/// two descriptions of one may add to each other.
pub(super) fn merge_enis(
    described: Vec<RawEni>,
    unresolved: &mut Vec<(usize, Unresolved)>,
    problems: &mut Problems,
) -> (Vec<Eni>, HashMap<Key, usize>) {
    let (mut enis, mut places): (Vec<Eni>, Vec<Place>) = Default::default();
    let mut index: HashMap<Key, usize> = HashMap::new();
    for RawEni { keys, eni, place, blanks } in described {
        unresolved.extend(blanks.into_iter().map(|blank| blank.leaves(Open::Interface)));
        let known = keys.iter().find_map(|key| index.get(key)).copied();
        let at = known.unwrap_or(enis.len());
        index.extend(keys.into_iter().map(|key| (key, at)));
        match (enis.get_mut(at), places.get(at)) {
            (Some(first), Some(there)) => {
                let (addresses, prefixes) = (first.addresses.len(), first.prefixes.len());
                if addresses.max(prefixes) > MAX_ADDRESSES {
                    let expected = format!("at most {MAX_ADDRESSES} of one interface");
                    problems.found(place, format!("{addresses} addresses"), &expected);
                } else if !add(first, &eni) {
                    let id = eni.id.as_deref().unwrap_or_default();
                    problems.push(differs("network interface", id, &place, there));
                }
            }
            _ => {
                enis.push(eni);
                places.push(place);
            }
        }
    }
    (enis, index)
}

/// Add what another description says of an interface; false if they contradict each other.
fn add(first: &mut Eni, other: &Eni) -> bool {
    fn fits<T: Clone + PartialEq>(first: &mut Option<T>, other: Option<&T>) -> bool {
        match (&first, other) {
            (Some(first), Some(other)) => first == other,
            (None, other) => {
                *first = other.cloned();
                true
            }
            (Some(_), None) => true,
        }
    }
    let primary = |eni: &Eni| eni.addresses.first().copied();
    let same_primary = match (primary(first), primary(other)) {
        (Some(first), Some(other)) => first == other,
        _ => true,
    };
    for address in &other.addresses {
        if !first.addresses.contains(address) {
            first.addresses.push(*address);
        }
    }
    for prefix in &other.prefixes {
        if !first.prefixes.contains(prefix) {
            first.prefixes.push(*prefix);
        }
    }
    let mac = fits(&mut first.mac, other.mac.as_ref());
    let name = fits(&mut first.name, other.name.as_ref());
    let description = fits(&mut first.description, other.description.as_ref());
    same_primary && mac && name && description
}

/// What sessions name and no document describes. An account that shares its target sees thousands
/// of sessions of others, so each kind is told once, with the first.
#[derive(Default)]
pub(super) struct Dangling {
    enis: Lacking,
    targets: Lacking,
    filters: Lacking,
    vnis: Lacking,
}

#[derive(Default)]
struct Lacking {
    count: usize,
    first: Option<(String, Place)>,
}

impl Lacking {
    fn add(&mut self, key: &Key, place: &Place) {
        let (Key::Id(name) | Key::Local(_, name)) = key;
        self.note(name, place);
    }

    fn note(&mut self, name: &str, place: &Place) {
        self.count += 1;
        self.first.get_or_insert_with(|| (name.to_owned(), place.clone()));
    }

    /// Warn once, where the first of them stands. `one` is what is said of one session, `many` what
    /// is said behind the number of several.
    fn report(self, one: &str, many: &str, problems: &mut Problems) {
        let Some((name, place)) = self.first else { return };
        let message = match self.count {
            1 => format!("{one}: {}", Shown(&name)),
            count => format!("{count} {many}, the first {}", Shown(&name)),
        };
        problems.push(Problem::warning(place, message));
    }
}

impl Dangling {
    pub(super) fn report(self, problems: &mut Problems) {
        self.enis.report(
            "found by VNI alone, as no document describes its network interface",
            "sessions are found by VNI alone, as no document describes their network interfaces",
            problems,
        );
        self.targets.report(
            "no document describes the session's target",
            "sessions name a target that no document describes",
            problems,
        );
        self.filters.report(
            "no document describes the session's filter",
            "sessions name a filter that no document describes",
            problems,
        );
        self.vnis.report(
            "no packet can be told to be of this session, as its VNI isn't known",
            "sessions have no VNI that is known, so no packet can be told to be of them",
            problems,
        );
    }
}
