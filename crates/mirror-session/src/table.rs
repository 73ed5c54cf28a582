//! The sessions of a capture, each as a small number.
//!
//! Every mirrored packet asks which session it is of, so the answer has to be cheap; and whoever
//! sends the packets chooses the keys, so it has to stay cheap. Most captures have a handful of
//! sessions: the last answers are kept in front of the map, in places that a key is led to by a few
//! of its bits. Who makes all keys fall on one place there gains nothing, for the map behind it
//! has std's randomly keyed hash. And the number of sessions is limited: a capture of nothing but
//! new sessions costs a fixed amount of memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;

use crate::{CutSense, DirectionSense, SessionKey};

/// How many sessions a table holds unless told otherwise.
pub const MAX_SESSIONS: u32 = 65_536;

/// A session's number in its table: 0 for the first that appeared, and so on without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(u32);

impl SessionId {
    /// The number, for tables beside this one.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What is kept of a session while a capture is read.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    /// What tells it from others.
    pub key: SessionKey,
    /// What its packets have shown of their directions.
    pub direction: DirectionSense,
    /// What its packets have shown of the session's cut.
    pub cut: CutSense,
}

// A session costs these two. Vector and map double when they are full, so about twice their sum is
// allocated at worst.
const _: () = assert!(size_of::<Session>() <= 64 && size_of::<(SessionKey, SessionId)>() <= 48);

/// Places for answers that were given last.
const RECENT_LEN: usize = 64;

/// All sessions seen so far, in order of appearance.
#[derive(Clone, Debug)]
pub struct Sessions {
    list: Vec<Session>,
    ids: HashMap<SessionKey, SessionId>,
    recent: [Option<(SessionKey, SessionId)>; RECENT_LEN],
    limit: u32,
}

impl Default for Sessions {
    /// An empty table for [`MAX_SESSIONS`].
    fn default() -> Sessions {
        Sessions::with_limit(MAX_SESSIONS)
    }
}

impl Sessions {
    /// An empty table that will hold `limit` sessions and no more.
    pub fn with_limit(limit: u32) -> Sessions {
        Sessions { list: Vec::new(), ids: HashMap::new(), recent: [None; RECENT_LEN], limit }
    }

    /// The session of `key`, new if this is its first packet; `None` if it would be one too many.
    ///
    /// Sessions that are in the table are still found when it is full.
    #[inline]
    pub fn find(&mut self, key: &SessionKey) -> Option<SessionId> {
        match self.recent.get(place(key)) {
            Some(Some((recent, id))) if recent == key => Some(*id),
            _ => self.find_in_map(key),
        }
    }

    /// The session of `key` if one of its packets came before; none is added.
    #[inline]
    pub fn seen(&self, key: &SessionKey) -> Option<SessionId> {
        match self.recent.get(place(key)) {
            Some(Some((recent, id))) if recent == key => Some(*id),
            _ => self.ids.get(key).copied(),
        }
    }

    #[cold]
    fn find_in_map(&mut self, key: &SessionKey) -> Option<SessionId> {
        let id = match self.ids.entry(*key) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                let next = u32::try_from(self.list.len()).ok().filter(|&n| n < self.limit)?;
                self.list.push(Session {
                    key: *key,
                    direction: DirectionSense::default(),
                    cut: CutSense::default(),
                });
                *new.insert(SessionId(next))
            }
        };
        if let Some(recent) = self.recent.get_mut(place(key)) {
            *recent = Some((*key, id));
        }
        Some(id)
    }

    /// The session of that number; `None` if the number is another table's.
    #[inline]
    pub fn get(&self, id: SessionId) -> Option<&Session> {
        self.list.get(id.index())
    }

    /// The session of that number, to show it a packet; `None` if the number is another table's.
    #[inline]
    pub fn get_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        self.list.get_mut(id.index())
    }

    /// Another capture begins, with the same sessions: what packets have shown so far is forgotten.
    ///
    /// In the meantime a session may have got another PacketLength, and its address another machine.
    pub fn forget_packets(&mut self) {
        for session in &mut self.list {
            session.direction = DirectionSense::default();
            session.cut = CutSense::default();
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// No packet was mirrored yet.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All of them, in order of appearance.
    pub fn iter(&self) -> impl Iterator<Item = (SessionId, &Session)> {
        (0..).map(SessionId).zip(&self.list)
    }
}

/// Where the recent answer for a key would be. VNIs are random or all the same, and sources are
/// often neighbours in a subnet, so the low bits of both tell most sessions apart.
#[inline]
fn place(key: &SessionKey) -> usize {
    let source = match key.source {
        IpAddr::V4(source) => source.octets()[3],
        IpAddr::V6(source) => source.octets()[15],
    };
    let [.., vni] = key.vni.get().to_be_bytes();
    usize::from(source ^ vni.rotate_left(3)) % RECENT_LEN
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use mirror_wire::{Endpoint, Vni};
    use proptest::prelude::*;

    use super::*;

    fn key(endpoint: Option<u64>, source: u32, vni: u32) -> SessionKey {
        SessionKey {
            endpoint: endpoint.map(Endpoint::new),
            source: IpAddr::V4(Ipv4Addr::from(source)),
            vni: Vni::new(vni).unwrap(),
        }
    }

    #[test]
    fn numbers_are_given_in_order_of_appearance_and_kept() {
        let mut table = Sessions::default();
        let found: Vec<usize> = [30, 10, 20, 10, 10, 30, 40]
            .map(|vni| table.find(&key(None, 1, vni)).unwrap().index())
            .to_vec();
        assert_eq!(found, [0, 1, 2, 1, 1, 0, 3]);
        let listed: Vec<_> = table.iter().map(|(id, s)| (id.index(), s.key.vni.get())).collect();
        assert_eq!(listed, [(0, 30), (1, 10), (2, 20), (3, 40)]);
        assert_eq!(table.len(), 4);
    }

    #[test]
    fn what_a_session_was_shown_stays_with_it() {
        let mut table = Sessions::default();
        let (a, b) = (key(None, 1, 1), key(None, 2, 1));
        for key in [a, b] {
            let id = table.find(&key).unwrap();
            table.get_mut(id).unwrap().cut.observe(100 * (1 + id.0), None, &[]);
        }
        let id = table.find(&a).unwrap();
        let mut expected = CutSense::default();
        expected.observe(100, None, &[]);
        assert_eq!(table.get(id).unwrap().cut, expected);
        assert_eq!(table.get(id).unwrap().key, a);
    }

    #[test]
    fn another_capture_begins_with_the_same_sessions_and_nothing_else() {
        let mut table = Sessions::default();
        let [a, b] = [1, 2].map(|source| key(None, source, 1));
        for key in [a, b] {
            let id = table.find(&key).unwrap();
            table.get_mut(id).unwrap().cut.observe(100, None, &[]);
        }
        table.forget_packets();
        assert_eq!(table.find(&b).map(SessionId::index), Some(1));
        assert!(table.iter().all(|(_, session)| session.cut == CutSense::default()));
        assert_eq!(table.len(), 2);
    }

    #[test]
    fn a_full_table_still_knows_its_own() {
        let mut table = Sessions::with_limit(2);
        let [a, b, c] = [1, 2, 3].map(|vni| key(None, 9, vni));
        assert!(table.is_empty());
        assert!(table.find(&a).is_some());
        assert!(table.find(&b).is_some());
        assert_eq!(table.find(&c), None);
        assert_eq!(table.find(&c), None, "again, past the remembered answer");
        assert_eq!(table.find(&a).map(SessionId::index), Some(0));
        assert_eq!(table.find(&b).map(SessionId::index), Some(1));
        assert_eq!(table.len(), 2);
    }

    #[test]
    fn a_table_for_none_holds_none() {
        assert_eq!(Sessions::with_limit(0).find(&key(None, 1, 1)), None);
    }

    #[test]
    fn the_default_limit_is_65536() {
        let mut table = Sessions::default();
        for source in 0..65_536 {
            assert!(table.find(&key(None, source, 1)).is_some());
        }
        assert_eq!(table.find(&key(None, 65_536, 1)), None);
    }

    #[test]
    fn a_number_of_another_table_finds_nothing() {
        let mut full = Sessions::default();
        let id = full.find(&key(None, 1, 1)).unwrap();
        let mut empty = Sessions::default();
        assert!(empty.get(id).is_none());
        assert!(empty.get_mut(id).is_none());
    }

    proptest! {
        /// The oracle is a list that is searched from its beginning.
        #[test]
        fn finds_what_a_plain_list_finds(
            keys in prop::collection::vec((prop::option::of(0u64..3), 0u32..3, 0u32..3), 0..100),
            limit in 0u32..12,
        ) {
            let mut table = Sessions::with_limit(limit);
            let mut list: Vec<SessionKey> = Vec::new();
            for (endpoint, source, vni) in keys {
                let key = key(endpoint, source, vni);
                let before = list.iter().position(|other| *other == key);
                prop_assert_eq!(table.seen(&key).map(SessionId::index), before);
                if before.is_none() && list.len() < limit as usize {
                    list.push(key);
                }
                let want = list.iter().position(|other| *other == key);
                prop_assert_eq!(table.find(&key).map(SessionId::index), want);
            }
            let listed: Vec<SessionKey> = table.iter().map(|(_, session)| session.key).collect();
            prop_assert_eq!(listed, list);
        }
    }
}
