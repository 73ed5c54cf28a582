//! What the documents come to when they are joined: filters with their rules, sessions with their
//! interface, target and filter.
//!
//! Documents are seldom whole. A filter is known by its rules alone, a session names an interface
//! of another account, the rules of one filter come in two answers. What fits is joined, what is
//! said twice in the same words counts once, what is said in different words is an error that names
//! both places, and what dangles is kept with its id and a warning.

mod filters;
mod sessions;

use std::collections::{BTreeSet, HashMap};

use mirror_filter::Filter;
use mirror_session::{Eni, KnownSession, Picture};

use crate::describe;
use crate::document::Contents;
use crate::problem::{Place, Problem, Problems};
use crate::raw::{Key, Raw};
use crate::unresolved::{Open, Unresolved};
use filters::Filters;

/// All that some documents say.
#[derive(Debug)]
pub struct Estate {
    /// The filters, in the order of the documents.
    pub filters: Vec<KnownFilter>,
    /// The sessions, in the order of the documents, and the filter of each.
    pub sessions: Vec<FilteredSession>,
    /// The sessions, to find those of packets.
    pub picture: Picture,
    /// The network interfaces, those of no session too.
    pub enis: Vec<Eni>,
    /// The numbers of the interfaces that are targets, of no session too.
    pub sinks: BTreeSet<usize>,
    /// What can't be known, in the order of the documents.
    pub unresolved: Vec<Unresolved>,
    /// What a person should know.
    pub warnings: Vec<Problem>,
}

impl Estate {
    /// What can't be known and leaves something of these kinds open.
    pub fn leaving(&self, is_asked: impl Fn(Open) -> bool) -> impl Iterator<Item = &Unresolved> {
        self.unresolved.iter().filter(move |one| is_asked(one.leaves))
    }
}

/// A filter and where it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownFilter {
    /// The filter. Its rules are in order of direction, ingress first, then number. There may be
    /// more if [`Open::Filter`] of it or [`Open::AnyFilter`] is [`Estate::unresolved`].
    pub filter: Filter,
    /// Where it stands; of one that is known by its rules alone, where the first of them stands.
    pub place: Place,
    /// Where each of its rules stands, in their order.
    pub rules: Vec<Place>,
    /// What its document calls it, where that isn't its id: a logical id, an address of Terraform.
    pub label: Option<String>,
}

impl KnownFilter {
    /// Whether a person may mean this filter by a text: its id, name or label.
    pub fn is_called(&self, text: &str) -> bool {
        let names = [&self.filter.id, &self.filter.name, &self.label];
        names.into_iter().flatten().any(|name| name == text)
    }
}

/// A session, where it was found, and its filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilteredSession {
    /// The session.
    pub session: KnownSession,
    /// Where it stands.
    pub place: Place,
    /// The index in [`Estate::filters`] of its filter, if a document describes that.
    pub filter: Option<usize>,
    /// The number of its source interface: the index in [`Estate::enis`] if a document describes
    /// it, else a larger one. The same number is the same interface.
    pub source: Option<usize>,
    /// The number of the interface that is its target, if one is.
    pub sink: Option<usize>,
}

/// Join what some documents say.
pub(crate) fn join(contents: Contents, problems: &mut Problems) -> Estate {
    let Contents { raw, sessions: known } = contents;
    let Raw { filters, rules, sessions, targets, enis, pages, perhaps } = raw;
    describe::check_pages(pages, problems);
    // Where something could not be read, what is missing is no finding.
    let whole = problems.errors() == 0;
    let Filters { filters, index, mut unresolved } = filters::join(filters, rules, whole, problems);
    let (enis, eni_index) = sessions::merge_enis(enis, &mut unresolved, problems);
    let (targets, target_index) = sessions::merge_targets(targets, &mut unresolved, problems);
    unresolved.extend(perhaps.into_iter().map(|blank| blank.leaves(Open::SessionItself)));
    let mut joiner = sessions::Joiner {
        enis: Known { all: &enis, index: &eni_index },
        targets: Known { all: &targets, index: &target_index },
        filters: Known { all: &filters, index: &index },
        dangling: sessions::Dangling::default(),
        left: sessions::MAX_COPIED,
        strangers: HashMap::new(),
    };
    let mut joined: Vec<FilteredSession> = Vec::new();
    let mut lacking = Vec::new();
    for raw in sessions {
        let place = raw.place.clone();
        let (session, blanks) = joiner.session(raw);
        lacking.push(blanks);
        joined.push(session);
        if joiner.left == 0 {
            let expected = format!("at most {} bytes", sessions::MAX_COPIED);
            let found = "interfaces, targets and filters too long to be said of each session";
            problems.found(place, found, &expected);
            break;
        }
    }
    joined.extend(known.into_iter().map(|(session, place)| joiner.known(session, place)));
    let own = targets.iter().filter_map(|known| known.eni.as_ref());
    let mut sinks: BTreeSet<usize> = own.map(|key| joiner.interface(key)).collect();
    sinks.extend(joined.iter().filter_map(|one| one.sink));
    if whole {
        joiner.dangling.report(problems);
    }
    let (sessions, which) = sessions::once(joined, problems);
    for (&at, blanks) in which.iter().zip(lacking) {
        let of_session =
            blanks.into_iter().map(|(field, blank)| blank.leaves(Open::Session(at, field)));
        unresolved.extend(of_session);
    }
    let picture = Picture::new(sessions.iter().map(|one| one.session.clone()).collect());
    for conflict in picture.conflicts() {
        problems.push(Problem::warning(Place::default(), conflict));
    }
    unresolved.sort_by_key(|(order, _)| *order);
    let unresolved = unresolved.into_iter().map(|(_, one)| one).collect();
    Estate { filters, sessions, picture, enis, sinks, unresolved, warnings: Vec::new() }
}

/// Resources, and by what each is known.
struct Known<'a, T> {
    all: &'a [T],
    index: &'a HashMap<Key, usize>,
}

impl<'a, T> Known<'a, T> {
    fn get(&self, key: &Key) -> Option<&'a T> {
        self.all.get(*self.index.get(key)?)
    }
}

#[cfg(test)]
mod tests;
