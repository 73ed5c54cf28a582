//! Packets that came twice, because two sessions have mirrored them.
//!
//! Where both ends of a connection are mirrored, the frame that one end sends is the frame that the
//! other receives, and both are delivered. The two stand close together in a capture, so only the
//! last 65,536 IP packets are remembered. A packet that comes again in its own session was
//! sent again, and is none of these.
//!
//! Of each packet a hash of its [`Imprint`] is kept, 64 bits under a random key, so that nobody can
//! make up packets that look like one; by chance, two of the window do once in billions of packets.
//! Beside the hash stand the two places that decide: where it came last, and where it came last in
//! another session than there. Whichever session the next one is of, one of the two is the nearest
//! in another. So a packet costs one look into a table of fixed size, whatever a capture holds.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState},
};

use mirror_session::SessionId;
use mirror_wire::Imprint;

/// IP packets that are remembered.
const WINDOW: usize = 65_536;

/// Pairs of sessions that are told apart.
const MAX_PAIRS: usize = 65_536;

/// The packets of the window, and what came twice so far.
pub(super) struct Duplicates<const WINDOW_LEN: usize = WINDOW> {
    key: RandomState,
    seen: HashMap<u64, Seen, BuildHasherDefault<AsItIs>>,
    /// The hashes of the window, each at its position modulo the window's length.
    ring: Vec<u64>,
    /// The position of the next packet.
    next: u64,
    packets: u64,
    pairs: BTreeMap<(SessionId, SessionId), u64>,
    /// Of pairs beyond those.
    others: u64,
}

/// Where a packet came.
struct Seen {
    last: (SessionId, u64),
    /// The last place in another session than that of `last`.
    elsewhere: Option<(SessionId, u64)>,
}

impl<const WINDOW_LEN: usize> Default for Duplicates<WINDOW_LEN> {
    fn default() -> Self {
        Duplicates {
            key: RandomState::new(),
            seen: HashMap::default(),
            ring: Vec::new(),
            next: 0,
            packets: 0,
            pairs: BTreeMap::new(),
            others: 0,
        }
    }
}

impl<const WINDOW_LEN: usize> Duplicates<WINDOW_LEN> {
    /// Take the next IP packet, which is of this session.
    #[inline]
    pub(super) fn observe(&mut self, imprint: &Imprint, session: SessionId) {
        let hash = self.key.hash_one(imprint.bytes());
        let here = self.next;
        self.next += 1;
        let other = match self.seen.entry(hash) {
            Entry::Vacant(new) => {
                new.insert(Seen { last: (session, here), elsewhere: None });
                None
            }
            Entry::Occupied(mut seen) => seen.get_mut().again(session, here),
        };
        if let Some((other, _)) = other.filter(|(_, place)| here - place <= WINDOW_LEN as u64) {
            self.count(other, session);
        }
        self.forget(hash, here);
    }

    /// Put the packet in the place of the one that leaves the window.
    #[inline]
    fn forget(&mut self, hash: u64, here: u64) {
        let Some(oldest) = here.checked_sub(WINDOW_LEN as u64) else {
            self.ring.push(hash);
            return;
        };
        let len = self.ring.len() as u64;
        let place = here.checked_rem(len).and_then(|place| usize::try_from(place).ok());
        let Some(slot) = place.and_then(|place| self.ring.get_mut(place)) else { return };
        let left = std::mem::replace(slot, hash);
        if let Entry::Occupied(seen) = self.seen.entry(left)
            && seen.get().last.1 == oldest
        {
            seen.remove();
        }
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

    /// Packets that another session had before.
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

impl Seen {
    /// It came again: the nearest place in another session.
    #[inline]
    fn again(&mut self, session: SessionId, here: u64) -> Option<(SessionId, u64)> {
        let before = std::mem::replace(&mut self.last, (session, here));
        if before.0 != session {
            self.elsewhere = Some(before);
        }
        self.elsewhere
    }
}

/// The hash of a key that is one already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
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

    fn observe<const N: usize>(duplicates: &mut Duplicates<N>, number: u16, session: SessionId) {
        duplicates.observe(&Imprint::of(&frame(number)).unwrap(), session);
    }

    #[test]
    fn a_packet_of_another_session_is_a_duplicate_and_one_of_the_same_is_not() {
        let [a, b, c] = sessions(3)[..] else { unreachable!() };
        let mut duplicates = Duplicates::<WINDOW>::default();
        for (number, session) in [(1, a), (1, a), (2, a), (1, b), (3, b), (2, c), (1, a)] {
            observe(&mut duplicates, number, session);
        }
        assert_eq!(duplicates.packets(), 3);
        assert_eq!(duplicates.pairs(), [((a, b), 2), ((a, c), 1)]);
        assert_eq!(duplicates.others(), 0);
    }

    #[test]
    fn the_window_has_65536_packets() {
        let [a, b] = sessions(2)[..] else { unreachable!() };
        for (between, is_seen) in [(65_535_u32, true), (65_536, false)] {
            let mut duplicates = Duplicates::<WINDOW>::default();
            observe(&mut duplicates, 1, a);
            for number in 1..=between {
                // 32 bits that differ, in the addresses.
                let mut frame = frame(0);
                frame[26..30].copy_from_slice(&number.to_be_bytes());
                duplicates.observe(&Imprint::of(&frame).unwrap(), a);
            }
            observe(&mut duplicates, 1, b);
            assert_eq!(duplicates.packets(), u64::from(is_seen), "{between} packets between");
            assert!(duplicates.seen.len() <= WINDOW && duplicates.ring.len() <= WINDOW);
        }
    }

    proptest! {
        /// The oracle keeps the whole frames, and looks at each.
        #[test]
        fn agrees_with_one_who_remembers_all_packets(
            packets in prop::collection::vec((0u16..12, 0usize..4), 0..200),
        ) {
            let ids = sessions(4);
            let mut duplicates = Duplicates::<7>::default();
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
                if window.len() > 7 {
                    window.pop_front();
                }
                prop_assert!(duplicates.seen.len() <= 7);
            }
            prop_assert_eq!(duplicates.packets(), pairs.values().sum::<u64>());
            prop_assert_eq!(duplicates.pairs().into_iter().collect::<BTreeMap<_, _>>(), pairs);
        }
    }
}
