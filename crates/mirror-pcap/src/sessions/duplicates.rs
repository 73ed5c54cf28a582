//! Packets that came twice, because two sessions have mirrored them.
//!
//! Where both ends of a connection are mirrored, the frame that one end sends is the frame that the
//! other receives, and both are delivered. The two stand close together in a capture, so only the
//! last 65,536 IP packets are remembered. A packet that comes again in its own session was
//! sent again, and is none of these.
//!
//! Of each packet a hash of its [`Imprint`] is kept, 64 bits under a random key, so that nobody can
//! make up packets that look like one; by chance, two of the window do once in billions of packets.
//!
//! The window is a ring, and what falls into one bucket is chained through it from the youngest to
//! the oldest, as compressors do: nothing is ever removed, a chain just ends where the window does.
//! Beside each packet stands the last place of its like in another session than its own. Whichever
//! session the next one is of, either the youngest of its like is in another, or the place beside it
//! is the nearest that is. So where somebody repeats a packet a million times, still one look is
//! enough.
//!
//! All that is more than the caches near a processor hold, and where a packet leads is random; with
//! std's map, waiting for memory took longer than all the rest of the inventory. So some packets
//! wait for one another, and what they lead to is fetched for all of them at once.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    hint, mem,
};

use mirror_session::SessionId;
use mirror_wire::Imprint;

/// IP packets that are remembered; a power of two.
const WINDOW: u32 = 65_536;

/// Packets that wait for one another.
const BATCH: usize = 64;

/// Beginnings of chains: twice as many as there are packets, so that most have one packet at most.
const BUCKETS: usize = 2 * WINDOW as usize;

/// Pairs of sessions that are told apart.
const MAX_PAIRS: usize = 65_536;

/// The packets of the window, and what came twice so far.
pub(super) struct Duplicates {
    key: RandomState,
    waiting: Vec<(u64, SessionId)>,
    /// How many packets are remembered; a power of two.
    window: u32,
    /// The last packet of each bucket. Positions are counted modulo 2^32; what is no longer in the
    /// window is nothing.
    heads: Vec<u32>,
    /// The packets of the window, each at its slot.
    ring: Vec<Seen>,
    /// The position of the next packet.
    next: u32,
    packets: u64,
    pairs: BTreeMap<(SessionId, SessionId), u64>,
    /// Of pairs beyond those.
    others: u64,
}

/// A packet of the window.
#[derive(Clone, Copy)]
struct Seen {
    hash: u64,
    session: SessionId,
    /// The one before it in its bucket.
    before: u32,
    /// The last of its like in another session than its own, if it was in the window then.
    elsewhere: Option<u32>,
}

impl Default for Duplicates {
    fn default() -> Duplicates {
        Duplicates::of_the_last(WINDOW)
    }
}

impl Duplicates {
    fn of_the_last(window: u32) -> Duplicates {
        Duplicates {
            key: RandomState::new(),
            waiting: Vec::with_capacity(BATCH),
            window,
            heads: Vec::new(),
            ring: Vec::new(),
            // Far behind 0, which is what an empty bucket says.
            next: 1 << 31,
            packets: 0,
            pairs: BTreeMap::new(),
            others: 0,
        }
    }

    /// Take the next IP packet, which is of this session.
    #[inline]
    pub(super) fn observe(&mut self, imprint: &Imprint, session: SessionId) {
        self.waiting.push((self.key.hash_one(imprint.bytes()), session));
        if self.waiting.len() >= BATCH {
            self.settle();
        }
    }

    /// Count those that wait.
    #[inline(never)]
    pub(super) fn settle(&mut self) {
        if self.heads.is_empty() {
            self.heads.resize(BUCKETS, 0);
        }
        let waiting = mem::take(&mut self.waiting);
        let heads = waiting.iter().filter_map(|(hash, _)| self.heads.get(bucket(*hash)));
        let chained = heads.filter_map(|place| self.ring.get(self.slot(*place)));
        // None of these reads waits for the one before it, as those of `take` do.
        hint::black_box(chained.fold(0, |all, seen| all ^ seen.hash));
        for (hash, session) in &waiting {
            self.take(*hash, *session);
        }
        self.waiting = waiting;
        self.waiting.clear();
    }

    #[inline]
    fn take(&mut self, hash: u64, session: SessionId) {
        let here = self.next;
        self.next = here.wrapping_add(1);
        let Some(head) = self.heads.get_mut(bucket(hash)) else { return };
        let before = mem::replace(head, here);
        let mut seen = Seen { hash, session, before, elsewhere: None };
        let elsewhere = self.last(hash, before).and_then(|(place, like)| {
            if like.session == session { like.elsewhere } else { Some(place) }
        });
        if let Some((place, other)) = elsewhere.and_then(|place| Some((place, self.at(place)?))) {
            seen.elsewhere = Some(place);
            let other = other.session;
            self.count(other, session);
        }
        let slot = self.slot(here);
        match self.ring.get_mut(slot) {
            Some(oldest) => *oldest = seen,
            None => self.ring.push(seen),
        }
    }

    /// The last packet with this hash and its position, in a chain that begins with `place`.
    #[inline]
    fn last(&self, hash: u64, mut place: u32) -> Option<(u32, &Seen)> {
        let mut age = self.age(place);
        loop {
            let seen = self.at(place)?;
            if seen.hash == hash {
                return Some((place, seen));
            }
            // Each is older than the one before, so there is an end.
            let older = self.age(seen.before);
            if older <= age {
                return None;
            }
            (age, place) = (older, seen.before);
        }
    }

    /// The packet at a position, if it is in the window before the one that is observed.
    #[inline]
    fn at(&self, place: u32) -> Option<&Seen> {
        let is_inside = (1..=self.window).contains(&self.age(place));
        if is_inside { self.ring.get(self.slot(place)) } else { None }
    }

    #[inline]
    fn slot(&self, place: u32) -> usize {
        (place & (self.window - 1)) as usize
    }

    /// How many packets ago a position was.
    #[inline]
    fn age(&self, place: u32) -> u32 {
        self.next.wrapping_sub(1).wrapping_sub(place)
    }

    #[inline(never)] // most captures have none
    fn count(&mut self, one: SessionId, other: SessionId) {
        self.packets += 1;
        let pair = (one.min(other), one.max(other));
        if self.pairs.len() < MAX_PAIRS || self.pairs.contains_key(&pair) {
            *self.pairs.entry(pair).or_default() += 1;
        } else {
            self.others += 1;
        }
    }

    /// Packets that another session had before, of those that are counted.
    pub(super) fn packets(&self) -> u64 {
        self.packets
    }

    /// Between which sessions, the most frequent pair first.
    pub(super) fn pairs(&self) -> Vec<((SessionId, SessionId), u64)> {
        let mut pairs: Vec<_> =
            self.pairs.iter().map(|(pair, packets)| (*pair, *packets)).collect();
        pairs.sort_by_key(|&(pair, packets)| (u64::MAX - packets, pair));
        pairs
    }

    /// Those of pairs that are not listed, for there are too many.
    pub(super) fn others(&self) -> u64 {
        self.others
    }
}

/// Where the chain of a hash begins.
#[inline]
fn bucket(hash: u64) -> usize {
    usize::try_from(hash % BUCKETS as u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use mirror_session::{SessionKey, Sessions};
    use mirror_wire::Vni;
    use proptest::prelude::*;

    use super::*;

    /// So many sessions.
    fn sessions(count: u32) -> Vec<SessionId> {
        let mut table = Sessions::default();
        let keys = (0..count).map(|vni| SessionKey {
            endpoint: None,
            source: [10, 0, 1, 15].into(),
            vni: Vni::new(vni).unwrap(),
        });
        keys.map(|key| table.find(&key).unwrap()).collect()
    }

    /// The frame of a UDP packet with this number.
    fn frame(number: u16) -> Vec<u8> {
        let [high, low] = number.to_be_bytes();
        let ip = [0x45, 0, 0, 32, high, low, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        [&[2; 12][..], &[8, 0], &ip, &[0; 12]].concat()
    }

    fn observe(duplicates: &mut Duplicates, number: u16, session: SessionId) {
        duplicates.observe(&Imprint::of(&frame(number)).unwrap(), session);
    }

    #[test]
    fn a_packet_of_another_session_is_a_duplicate_and_one_of_the_same_is_not() {
        let [a, b, c] = sessions(3)[..] else { unreachable!() };
        let mut duplicates = Duplicates::default();
        for (number, session) in [(1, a), (1, a), (2, a), (1, b), (3, b), (2, c), (1, a)] {
            observe(&mut duplicates, number, session);
        }
        duplicates.settle();
        assert_eq!(duplicates.packets(), 3);
        assert_eq!(duplicates.pairs(), [((a, b), 2), ((a, c), 1)]);
        assert_eq!(duplicates.others(), 0);
    }

    #[test]
    fn the_window_has_65536_packets() {
        let [a, b] = sessions(2)[..] else { unreachable!() };
        for (between, is_seen) in [(65_535_u32, true), (65_536, false)] {
            let mut duplicates = Duplicates::default();
            observe(&mut duplicates, 1, a);
            for number in 1..=between {
                // 32 bits that differ, in the addresses.
                let mut frame = frame(0);
                frame[26..30].copy_from_slice(&number.to_be_bytes());
                duplicates.observe(&Imprint::of(&frame).unwrap(), a);
            }
            observe(&mut duplicates, 1, b);
            duplicates.settle();
            assert_eq!(duplicates.packets(), u64::from(is_seen), "{between} packets between");
            assert_eq!(duplicates.ring.len(), WINDOW as usize);
        }
    }

    /// Handed on from one to the next, such a place would be another packet's 2^32 packets later.
    #[test]
    fn a_place_behind_the_window_is_not_remembered() {
        let [a, b] = sessions(2)[..] else { unreachable!() };
        let mut duplicates = Duplicates::of_the_last(8);
        observe(&mut duplicates, 1, b);
        for _ in 0..20 {
            observe(&mut duplicates, 1, a);
        }
        duplicates.settle();
        assert_eq!(duplicates.packets(), 8);
        assert!(duplicates.ring.iter().all(|seen| seen.elsewhere.is_none()));
    }

    proptest! {
        /// The oracle keeps the whole frames, and looks at each.
        #[test]
        fn agrees_with_one_who_remembers_all_packets(
            packets in prop::collection::vec((0u16..12, 0usize..4), 0..200),
        ) {
            let ids = sessions(4);
            let mut duplicates = Duplicates::of_the_last(8);
            let mut window: VecDeque<(Vec<u8>, SessionId)> = VecDeque::new();
            let mut pairs: BTreeMap<(SessionId, SessionId), u64> = BTreeMap::new();
            for (number, session) in packets {
                let session = ids[session];
                let bytes = frame(number);
                let before = window.iter().rev().find(|(b, s)| *b == bytes && *s != session);
                if let Some((_, other)) = before {
                    *pairs.entry((session.min(*other), session.max(*other))).or_default() += 1;
                }
                observe(&mut duplicates, number, session);
                window.push_back((bytes, session));
                if window.len() > 8 {
                    window.pop_front();
                }
                prop_assert!(duplicates.ring.len() <= 8);
            }
            duplicates.settle();
            prop_assert_eq!(duplicates.packets(), pairs.values().sum::<u64>());
            prop_assert_eq!(duplicates.pairs().into_iter().collect::<BTreeMap<_, _>>(), pairs);
        }
    }
}
