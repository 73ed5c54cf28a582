//! All sessions that the documents know, and which of them a packet is of.
//!
//! A packet shows a source address, a VNI and perhaps an endpoint; a document may know the VNI and
//! not the address. So a session is looked for in two steps, and a doubtful answer is never given:
//! a wrong name on a packet is worse than none.
//!
//! 1. **By source and VNI**: the sessions of that VNI whose ENI has the source as a primary
//!    address.
//! 2. **By the VNI alone**, if there are none: the sessions of that VNI whose address no document
//!    knows. Any source may be theirs, so this is an answer only where the VNI is of one session in
//!    the whole picture.
//!
//! In both steps a packet that came through a Gateway Load Balancer endpoint is of no session whose
//! target is another one; and where sessions are left of which some name that very endpoint, it is
//! of those.
//!
//! A capture may have as many sessions as the documents, and whoever wrote the one did not write
//! the other. So each step is a look-up in a map of counts, whatever number of sessions share a VNI
//! or an address.

mod conflicts;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use mirror_wire::{Endpoint, Vni};

use crate::{Eni, KnownSession, SessionKey};

/// The sessions that documents describe.
///
/// They are in order of their ENIs' ids, then their numbers, then their own ids and names. A text
/// that is empty and a PacketLength of 0 (as Terraform writes what isn't set) say nothing, so they
/// are `None` here; an address or prefix that an ENI has twice it has once; and what comes twice
/// with the same id and the same content, because the same document was given twice, is there once.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    sessions: Vec<KnownSession>,
    index: HashMap<(Scope, Vni, Through), Group>,
}

/// What [`Picture::find`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'p> {
    /// The one session that the packets are of.
    Session {
        /// What is known of it.
        session: &'p KnownSession,
        /// What it was found by.
        by: By,
    },
    /// So many sessions could be the one, and nothing tells them apart.
    Ambiguous(usize),
    /// No document knows it.
    Unknown,
}

/// What a session was found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum By {
    /// The ENI's primary address and the VNI.
    SourceAndVni,
    /// The VNI, which no other session has. Of this one no document knows the address.
    VniAlone,
}

/// Whose sessions of a VNI are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Scope {
    /// Those whose ENI has this primary address.
    Source(IpAddr),
    /// Those whose address isn't known.
    NoAddress,
    /// All.
    Any,
}

/// Which of them, by what they say about an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Through {
    /// All.
    Any,
    /// Those that name none. Their packets may come through one that routes between source and
    /// target, so they contradict none.
    Unsaid,
    /// Those whose target is this one.
    Endpoint(Endpoint),
}

/// Sessions that are counted together.
#[derive(Clone, Copy, Debug, Default)]
struct Group {
    /// The first one's place in the list.
    first: usize,
    count: usize,
}

impl Group {
    const NONE: Group = Group { first: 0, count: 0 };
}

impl Picture {
    /// The picture of these sessions, in whatever order they come.
    pub fn new(mut sessions: Vec<KnownSession>) -> Picture {
        sessions.iter_mut().for_each(tidy);
        sessions.sort_by(|a, b| order(a).cmp(&order(b)));
        let mut seen = HashSet::new();
        let is_first: Vec<bool> =
            sessions.iter().map(|s| s.id.is_none() || seen.insert(s)).collect();
        let mut is_first = is_first.into_iter();
        sessions.retain(|_| is_first.next().unwrap_or(true));

        let mut picture = Picture { sessions, index: HashMap::new() };
        for (at, session) in picture.sessions.iter().enumerate() {
            let Some(vni) = session.vni else { continue };
            let through = match session.endpoint() {
                Some(endpoint) => Through::Endpoint(endpoint),
                None => Through::Unsaid,
            };
            let eni = session.eni.as_ref();
            let mut sources = eni.into_iter().flat_map(Eni::sources).map(Scope::Source).peekable();
            let unknown = sources.peek().is_none().then_some(Scope::NoAddress);
            for scope in sources.chain(unknown).chain([Scope::Any]) {
                for through in [through, Through::Any] {
                    let group = picture.index.entry((scope, vni, through)).or_default();
                    if group.count == 0 {
                        group.first = at;
                    }
                    group.count += 1;
                }
            }
        }
        picture
    }

    /// The sessions, in their order.
    pub fn sessions(&self) -> &[KnownSession] {
        &self.sessions
    }

    /// The same, to make another picture of them and more.
    pub fn into_sessions(self) -> Vec<KnownSession> {
        self.sessions
    }

    /// The session that packets with this key are of.
    ///
    /// * By source and VNI: the session of that VNI whose ENI has the source as a primary address.
    /// * By the VNI alone, if there is none: the session of that VNI of which no document knows the
    ///   address, if no other session has the VNI.
    ///
    /// Packets that came through a Gateway Load Balancer endpoint are of no session whose target is
    /// another one, and rather of those whose target it is than of those that name none. A session
    /// without a VNI is never found. The answer takes a few look-ups, whatever the picture.
    pub fn find(&self, key: &SessionKey) -> Found<'_> {
        let SessionKey { endpoint, source, vni } = *key;
        // Those of a scope that don't contradict the endpoint: they name it, or they name none. If
        // there is no endpoint to agree with, all are as good as the first.
        let left = |scope| {
            let group =
                |through| self.index.get(&(scope, vni, through)).copied().unwrap_or(Group::NONE);
            let Some(endpoint) = endpoint else { return (group(Through::Any), Group::NONE) };
            (group(Through::Endpoint(endpoint)), group(Through::Unsaid))
        };

        let (agree, unsaid) = left(Scope::Source(source));
        let of_source = if agree.count > 0 { agree } else { unsaid };
        if of_source.count > 0 {
            return self.only(of_source, of_source.count, By::SourceAndVni);
        }
        let (agree, unsaid) = left(Scope::NoAddress);
        let (any_agree, any_unsaid) = left(Scope::Any);
        if agree.count > 0 {
            self.only(agree, any_agree.count, By::VniAlone)
        } else {
            self.only(unsaid, any_agree.count + any_unsaid.count, By::VniAlone)
        }
    }

    /// The session of the group if it is the only one that fits.
    fn only(&self, group: Group, fitting: usize, by: By) -> Found<'_> {
        match (group.count, fitting) {
            (0, _) => Found::Unknown,
            (1, 1) => match self.sessions.get(group.first) {
                Some(session) => Found::Session { session, by },
                None => Found::Unknown,
            },
            (_, fitting) => Found::Ambiguous(fitting),
        }
    }

    /// What the documents say that can't be true together, one line for each, in words. Names from
    /// the documents are escaped in them.
    ///
    /// These are: sessions whose packets nothing tells apart, an id with two descriptions, two ENIs
    /// with the same address, prefix or MAC, two sessions of one ENI with the same number, and a
    /// MAC that is of a group. Only of ENIs with an id it is certain that they are two.
    pub fn conflicts(&self) -> Vec<String> {
        conflicts::of(&self.sessions)
    }
}

/// Two pictures are equal if they show the same sessions.
impl PartialEq for Picture {
    fn eq(&self, other: &Picture) -> bool {
        self.sessions == other.sessions
    }
}

impl Eq for Picture {}

/// What sessions are sorted by.
fn order(session: &KnownSession) -> impl Ord + use<'_> {
    let KnownSession { id, name, number, vni, eni, .. } = session;
    (eni.as_ref().and_then(|eni| eni.id.as_ref()), number, id, name, vni)
}

/// Make `None` of what says nothing.
fn tidy(session: &mut KnownSession) {
    fn texts<const N: usize>(texts: [&mut Option<String>; N]) {
        for text in texts {
            text.take_if(|text| text.is_empty());
        }
    }
    fn once<T: Copy + Eq + std::hash::Hash>(list: &mut Vec<T>) {
        let mut seen = HashSet::new();
        list.retain(|item| seen.insert(*item));
    }
    let KnownSession { id, name, description, packet_length, eni, target, filter, .. } = session;
    texts([id, name, description]);
    packet_length.take_if(|len| *len == 0);
    if let Some(eni) = eni {
        texts([&mut eni.id, &mut eni.name, &mut eni.description]);
        once(&mut eni.addresses);
        once(&mut eni.prefixes);
    }
    if let Some(target) = target {
        texts([&mut target.id, &mut target.name, &mut target.description]);
    }
    if let Some(filter) = filter {
        texts([&mut filter.id, &mut filter.name, &mut filter.description]);
    }
}

#[cfg(test)]
mod tests;
