//! Packets that came twice.
//!
//! Where both ends of a connection are mirrored, the frame that one end sends is the frame that the
//! other receives, and both are delivered, by two sessions. A router or a firewall instance between
//! them takes one from its time to live. Within one session a packet comes twice if it was captured
//! on two devices, or if a capture and its stripped copy are counted together; which of those are
//! copies, and which were sent again, [`sight`] decides. And where the target has a VXLAN device of
//! its own, a capture of all its devices has each frame once more without its wrapper, outside of
//! any session.
//!
//! They stand close together in a capture, so only the last 65,536 IP packets of sessions are
//! remembered. A capture that has each packet of a session that an earlier one had is told however
//! long it is, by a sum over its packets.
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

mod sight;

use std::{
    collections::{BTreeMap, HashSet},
    hash::{BuildHasher, RandomState},
    hint, mem,
};

use mirror_session::SessionId;
use mirror_wire::Imprint;

use self::sight::{Copy, Devices, Sight, Trace};
pub(super) use self::sight::{Device, Wrapper};

/// IP packets that are remembered; a power of two.
const WINDOW: u32 = 65_536;

/// Packets that wait for one another.
const BATCH: usize = 64;

/// Beginnings of chains: twice as many as there are packets, so that most have one packet at most.
const BUCKETS: usize = 2 * WINDOW as usize;

/// How far back a position is that stands for none; in no window for as long as it is remembered.
const NOWHERE: u32 = 1 << 31;

/// Pairs of sessions that are told apart.
const MAX_PAIRS: usize = 65_536;

/// Sums over a session's packets in one capture that are remembered.
const MAX_SUMS: usize = 65_536;

/// The packets of the window, and what came twice so far.
pub(super) struct Duplicates {
    key: RandomState,
    devices: Devices,
    waiting: Vec<Sight>,
    /// How many packets are remembered; a power of two.
    window: u32,
    /// The last packet of each bucket. Positions are counted modulo 2^32; what is no longer in the
    /// window is nothing.
    heads: Vec<u32>,
    /// The packets of the window, each at its slot.
    ring: Vec<Seen>,
    /// The position of the next packet.
    next: u32,
    tally: Tally,
    pairs: BTreeMap<(SessionId, SessionId), Tally>,
    /// Of pairs beyond those.
    others: u64,
    /// Packets of no session that one of this session had been.
    unwrapped: BTreeMap<SessionId, u64>,
    /// What this capture has of each session, by its number.
    shares: Vec<Option<Share>>,
    /// What the captures before it had.
    earlier: HashSet<(SessionId, u64, u64)>,
}

/// How many packets came twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) packets: u64,
    /// Of them, those that a router had forwarded in between.
    pub(super) forwarded: u64,
}

/// A packet of the window.
#[derive(Clone, Copy)]
struct Seen {
    hash: u64,
    session: SessionId,
    /// The one before it in its bucket.
    before: u32,
    /// The last of its like in another session than its own, if it was in the window then.
    elsewhere: u32,
    trace: Trace,
}

// All that is looked at of a packet is in half a cache line.
const _: () = assert!(size_of::<Seen>() <= 32);

/// What one capture has of a session.
#[derive(Clone, Copy)]
struct Share {
    session: SessionId,
    packets: u64,
    /// The sum of a number for each packet and its time: in whatever order they come, it is the same.
    sum: u64,
    /// Packets of it that were told already.
    told: u64,
}

/// When, where and how a packet came.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Arrived {
    /// In milliseconds, modulo 2^32; none if it has no time.
    pub(super) millis: Option<u32>,
    pub(super) device: Device,
    /// None if it came without one.
    pub(super) wrapper: Option<Wrapper>,
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
            devices: Devices::default(),
            waiting: Vec::with_capacity(BATCH),
            window,
            heads: Vec::new(),
            ring: Vec::new(),
            // Far behind 0, which is what an empty bucket says.
            next: 1 << 31,
            tally: Tally::default(),
            pairs: BTreeMap::new(),
            others: 0,
            unwrapped: BTreeMap::new(),
            shares: Vec::new(),
            earlier: HashSet::new(),
        }
    }

    /// Whether a packet of no session could be one that was in a session before.
    #[inline]
    pub(super) fn may_know(&self) -> bool {
        !(self.ring.is_empty() && self.waiting.is_empty())
    }

    /// Take the next IP packet, which is of this session, or of none.
    #[inline]
    pub(super) fn observe(
        &mut self,
        imprint: &Imprint,
        session: Option<SessionId>,
        arrived: &Arrived,
    ) {
        let Arrived { millis, device, wrapper } = *arrived;
        let slot = self.devices.slot(device);
        let hash = self.key.hash_one(imprint.bytes());
        self.waiting.push(Sight::new(hash, imprint, session, millis, wrapper, slot));
        if self.waiting.len() >= BATCH {
            self.settle();
        }
    }

    /// Count those that wait.
    #[inline(never)]
    fn settle(&mut self) {
        if self.heads.is_empty() {
            self.heads.resize(BUCKETS, 0);
        }
        let waiting = mem::take(&mut self.waiting);
        let heads = waiting.iter().filter_map(|sight| self.heads.get(bucket(sight.hash)));
        let chained = heads.filter_map(|place| self.ring.get(self.slot(*place)));
        // None of these reads waits for the one before it, as those of `take` do.
        hint::black_box(chained.fold(0, |all, seen| all ^ seen.hash));
        for sight in &waiting {
            match sight.session {
                Some(session) => self.take(sight, session),
                None => self.take_unwrapped(sight),
            }
        }
        self.waiting = waiting;
        self.waiting.clear();
    }

    /// A capture has ended: count those that wait, and those that an earlier one had.
    pub(super) fn end(&mut self) {
        self.settle();
        for share in mem::take(&mut self.shares).into_iter().flatten() {
            let Share { session, packets, sum, told } = share;
            if self.earlier.contains(&(session, packets, sum)) {
                self.count(session, session, Copy::Same, packets - told);
            } else if self.earlier.len() < MAX_SUMS {
                self.earlier.insert((session, packets, sum));
            }
        }
    }

    #[inline]
    fn take(&mut self, sight: &Sight, session: SessionId) {
        let here = self.next;
        let Some(head) = self.heads.get_mut(bucket(sight.hash)) else { return };
        let before = mem::replace(head, here);
        let mut own = None;
        let mut elsewhere = None;
        if let Some((place, like)) = self.last(sight.hash, before) {
            let other = self.at(like.elsewhere);
            if like.session == session {
                own = Some(like);
                elsewhere = other.map(|other| (like.elsewhere, other));
            } else {
                own = other.filter(|other| other.session == session);
                elsewhere = Some((place, like));
            }
        }
        let (copy, trace) = match own {
            Some(own) => sight.after(&own.trace),
            None => (None, sight.trace()),
        };
        let of_other = elsewhere.map(|(_, other)| (other.session, sight.copy_of(&other.trace)));
        let told = copy.map(|copy| (session, copy)).or(of_other);
        let elsewhere = elsewhere.map_or(here.wrapping_sub(NOWHERE), |(place, _)| place);

        let seen = Seen { hash: sight.hash, session, before, elsewhere, trace };
        let slot = self.slot(here);
        match self.ring.get_mut(slot) {
            Some(oldest) => *oldest = seen,
            None => self.ring.push(seen),
        }
        self.next = here.wrapping_add(1);
        self.share(session, sight, told.is_some());
        if let Some((other, copy)) = told {
            self.count(other, session, copy, 1);
        }
    }

    /// Add a packet to what this capture has of its session.
    #[inline]
    fn share(&mut self, session: SessionId, sight: &Sight, is_told: bool) {
        if session.index() >= self.shares.len() {
            self.shares.resize(session.index() + 1, None);
        }
        let Some(share) = self.shares.get_mut(session.index()) else { return };
        let share = share.get_or_insert(Share { session, packets: 0, sum: 0, told: 0 });
        share.packets += 1;
        share.told += u64::from(is_told);
        share.sum = share.sum.wrapping_add(sight.number());
    }

    /// One that came outside of any session. It is looked up, and not remembered: the window is for
    /// those that others may be copies of.
    fn take_unwrapped(&mut self, sight: &Sight) {
        let Some(head) = self.heads.get(bucket(sight.hash)) else { return };
        let like = self.last(sight.hash, *head).map(|(_, like)| like);
        if let Some(like) = like.filter(|like| sight.is_near(&like.trace)) {
            *self.unwrapped.entry(like.session).or_default() += 1;
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

    /// The packet at a position, if it is in the window before the next one.
    #[inline]
    fn at(&self, place: u32) -> Option<&Seen> {
        let is_inside = (1..=self.window).contains(&self.age(place));
        if is_inside { self.ring.get(self.slot(place)) } else { None }
    }

    #[inline]
    fn slot(&self, place: u32) -> usize {
        (place & (self.window - 1)) as usize
    }

    /// How many packets before the next one a position is.
    #[inline]
    fn age(&self, place: u32) -> u32 {
        self.next.wrapping_sub(place)
    }

    #[inline(never)] // most captures have none
    fn count(&mut self, one: SessionId, other: SessionId, copy: Copy, packets: u64) {
        if packets == 0 {
            return;
        }
        let forwarded = if copy == Copy::Forwarded { packets } else { 0 };
        self.tally.add(packets, forwarded);
        let pair = (one.min(other), one.max(other));
        if self.pairs.len() < MAX_PAIRS || self.pairs.contains_key(&pair) {
            self.pairs.entry(pair).or_default().add(packets, forwarded);
        } else {
            self.others += packets;
        }
    }

    /// Packets that came before, in another session or in their own.
    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    /// Between which sessions, the most frequent pair first; a pair of one session is of packets
    /// that came before in their own.
    pub(super) fn pairs(&self) -> Vec<((SessionId, SessionId), Tally)> {
        let mut pairs: Vec<_> = self.pairs.iter().map(|(pair, tally)| (*pair, *tally)).collect();
        pairs.sort_by_key(|&(pair, tally)| (u64::MAX - tally.packets, pair));
        pairs
    }

    /// Those of pairs that are not listed, for there are too many.
    pub(super) fn others(&self) -> u64 {
        self.others
    }

    /// Packets of no session that one of this session had been, the most first.
    pub(super) fn unwrapped(&self) -> Vec<(SessionId, u64)> {
        let mut unwrapped: Vec<_> = self.unwrapped.iter().map(|(id, n)| (*id, *n)).collect();
        unwrapped.sort_by_key(|&(session, packets)| (u64::MAX - packets, session));
        unwrapped
    }
}

impl Tally {
    fn add(&mut self, packets: u64, forwarded: u64) {
        self.packets += packets;
        self.forwarded += forwarded;
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

    /// Without a time, so that it is no copy of one in its own session.
    const UNTIMED: Arrived = Arrived {
        millis: None,
        device: Device { input: 0, interface: 0, index: 0 },
        wrapper: None,
    };

    fn observe(duplicates: &mut Duplicates, number: u16, session: SessionId) {
        observe_at(duplicates, &frame(number), Some(session), None);
    }

    fn observe_at(
        duplicates: &mut Duplicates,
        frame: &[u8],
        session: Option<SessionId>,
        millis: Option<u32>,
    ) {
        let imprint = Imprint::of(frame).unwrap();
        duplicates.observe(&imprint, session, &Arrived { millis, ..UNTIMED });
    }

    /// So many packets, and none of them forwarded.
    fn same(packets: u64) -> Tally {
        Tally { packets, forwarded: 0 }
    }

    #[test]
    fn a_packet_of_another_session_is_a_duplicate_and_one_of_the_same_is_not() {
        let [a, b, c] = sessions(3)[..] else { unreachable!() };
        let mut duplicates = Duplicates::default();
        for (number, session) in [(1, a), (1, a), (2, a), (1, b), (3, b), (2, c), (1, a)] {
            observe(&mut duplicates, number, session);
        }
        duplicates.settle();
        assert_eq!(duplicates.tally(), same(3));
        assert_eq!(duplicates.pairs(), [((a, b), same(2)), ((a, c), same(1))]);
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
                observe_at(&mut duplicates, &frame, Some(a), None);
            }
            observe(&mut duplicates, 1, b);
            duplicates.settle();
            assert_eq!(duplicates.tally().packets, u64::from(is_seen), "{between} between");
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
        assert_eq!(duplicates.tally(), same(8));
        // None is near enough to come round again while it is remembered.
        assert!(duplicates.ring.iter().all(|seen| duplicates.age(seen.elsewhere) > 1 << 30));
    }

    #[test]
    fn one_without_its_wrapper_is_told_of_its_session_and_not_remembered() {
        let [a, b] = sessions(2)[..] else { unreachable!() };
        let mut duplicates = Duplicates::default();
        assert!(!duplicates.may_know());
        observe_at(&mut duplicates, &frame(1), Some(b), Some(50));
        assert!(duplicates.may_know());
        for (number, millis) in
            [(1, Some(50)), (1, Some(60)), (1, Some(61)), (1, None), (2, Some(50))]
        {
            observe_at(&mut duplicates, &frame(number), None, millis);
        }
        observe_at(&mut duplicates, &frame(2), Some(a), Some(50));
        duplicates.settle();
        assert_eq!(duplicates.unwrapped(), [(b, 2)]);
        assert_eq!((duplicates.tally(), duplicates.ring.len()), (same(0), 2));
    }

    #[test]
    fn a_capture_that_is_nearly_another_is_not_its_copy() {
        let [a, b] = sessions(2)[..] else { unreachable!() };
        for (numbers, session, millis, want) in [
            (0..100, a, 5, 100),
            (0..99, a, 5, 0),
            (0..100, b, 5, 0),
            (0..100, a, 6, 0),
            (1..101, a, 5, 0),
        ] {
            let mut duplicates = Duplicates::of_the_last(1);
            for number in 0..100 {
                observe_at(&mut duplicates, &frame(number), Some(a), Some(5));
            }
            duplicates.end();
            for number in numbers.clone() {
                observe_at(&mut duplicates, &frame(number), Some(session), Some(millis));
            }
            duplicates.end();
            assert_eq!(duplicates.tally(), same(want), "{numbers:?} {millis}");
        }
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
            prop_assert_eq!(duplicates.tally(), same(pairs.values().sum::<u64>()));
            let found = duplicates.pairs().into_iter().map(|(pair, tally)| (pair, tally.packets));
            prop_assert_eq!(found.collect::<BTreeMap<_, _>>(), pairs);
        }

        /// Of packets with names that all come at once, forwarded or not; the oracle as above.
        #[test]
        fn its_own_session_comes_before_another(
            packets in prop::collection::vec((1u16..6, 0usize..2, 60u8..63), 0..200),
        ) {
            let ids = sessions(2);
            let mut duplicates = Duplicates::of_the_last(8);
            let mut window: VecDeque<(u16, SessionId, u8)> = VecDeque::new();
            let mut pairs: BTreeMap<(SessionId, SessionId), Tally> = BTreeMap::new();
            for (number, session, ttl) in packets {
                let session = ids[session];
                let like = |is_own: bool| {
                    let mut likes = window.iter().rev();
                    likes.find(|(n, s, _)| *n == number && (*s == session) == is_own)
                };
                let own = like(true).filter(|(_, _, before)| ttl <= *before);
                if let Some((_, other, before)) = own.or(like(false)) {
                    let pair = (session.min(*other), session.max(*other));
                    pairs.entry(pair).or_default().add(1, u64::from(ttl != *before));
                }
                let mut frame = frame(number);
                frame[22] = ttl;
                observe_at(&mut duplicates, &frame, Some(session), Some(1));
                window.push_back((number, session, ttl));
                if window.len() > 8 {
                    window.pop_front();
                }
            }
            duplicates.settle();
            prop_assert_eq!(duplicates.pairs().into_iter().collect::<BTreeMap<_, _>>(), pairs);
        }

        /// A capture and its copy in another order, with packets that are copies of one another.
        #[test]
        fn a_capture_that_comes_again_is_told_packet_by_packet(
            packets in prop::collection::vec((0u16..50, 0usize..3, 0u32..100), 1..100),
        ) {
            let ids = sessions(3);
            let mut duplicates = Duplicates::of_the_last(4);
            let mut tell = |packets: &mut dyn Iterator<Item = &(u16, usize, u32)>| {
                for (number, session, time) in packets {
                    let session = Some(ids[*session]);
                    observe_at(&mut duplicates, &frame(*number), session, Some(time * 1_000));
                }
                duplicates.end();
                duplicates.tally().packets
            };
            let once = tell(&mut packets.iter());
            let again = tell(&mut packets.iter().rev());
            prop_assert_eq!(again - once, packets.len() as u64);
        }
    }
}
