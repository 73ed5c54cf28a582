//! One sight of an IP packet, and whether another of its session was the same packet.
//!
//! That two packets of a session are equal says little: what is lost is sent again, and an
//! acknowledgement says the same as the one before. A copy shows in what a sender never repeats
//! within milliseconds. That is the identification of IPv4, in the packet or in its wrapper, unless
//! it is 0, as hosts have it in packets that nobody may divide and AWS in all its wrappers. Where no
//! header names the packet, the place where it was captured does: each device sees each packet
//! once, so what two devices saw equally often is one packet each time.
//!
//! The headers around it differ where the mirror itself has sent the packet again, and a router in
//! between leaves less of its time to live. Traceroute sends nearly equal packets that may live ever
//! longer, so only one that may live shorter was forwarded.

use std::num::{NonZeroU16, NonZeroU32};

use mirror_session::SessionId;
use mirror_wire::Imprint;

/// How far apart, in milliseconds, two sights of one packet are at most. A host waits longer before it
/// sends again what was lost.
const NEAR: u32 = 10;

/// Devices that are told apart among the copies of a packet.
const SLOTS: usize = 4;

/// Devices that are remembered.
const MAX_DEVICES: usize = 16;

/// Of a wrapper what another wrapper of the same session may have different.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sessions) struct Wrapper {
    pub(in crate::sessions) source_port: u16,
    pub(in crate::sessions) identification: u16,
}

impl Wrapper {
    /// Both in one number.
    #[inline]
    fn key(self) -> NonZeroU16 {
        // An odd factor leaves different identifications different.
        let key = self.source_port ^ self.identification.wrapping_mul(0x9E37);
        NonZeroU16::new(key).unwrap_or(NonZeroU16::MAX)
    }
}

/// A device that packets were captured on: the capture, its interface, and that of a cooked header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::sessions) struct Device {
    pub(in crate::sessions) input: usize,
    pub(in crate::sessions) interface: u32,
    pub(in crate::sessions) index: u32,
}

/// The devices seen last, each with the place that its packets are counted at.
#[derive(Default)]
pub(super) struct Devices {
    current: (Device, usize),
    known: Vec<Device>,
    next: usize,
}

impl Devices {
    /// Devices that were new one after the other have different places.
    #[inline]
    pub(super) fn slot(&mut self, device: Device) -> usize {
        if self.current.0 != device || self.known.is_empty() {
            self.current = (device, self.find(device));
        }
        self.current.1
    }

    fn find(&mut self, device: Device) -> usize {
        if let Some(at) = self.known.iter().position(|known| *known == device) {
            return at % SLOTS;
        }
        let at = self.next % MAX_DEVICES;
        self.next = at + 1;
        match self.known.get_mut(at) {
            Some(oldest) => *oldest = device,
            None => self.known.push(device),
        }
        at % SLOTS
    }
}

/// A packet as it was seen once.
#[derive(Clone, Copy)]
pub(super) struct Sight {
    pub(super) hash: u64,
    /// None if it came outside of any session.
    pub(super) session: Option<SessionId>,
    /// In milliseconds, modulo 2^32.
    time: Option<NonZeroU32>,
    /// Of its wrapper, if it came in one.
    wrapper: Option<NonZeroU16>,
    hops: u8,
    /// Whether its header, or its wrapper's, has an identification.
    is_named: bool,
    is_wrapper_named: bool,
    slot: u8,
}

/// What is remembered of a sight to know the next one by.
#[derive(Clone, Copy)]
pub(super) struct Trace {
    time: Option<NonZeroU32>,
    wrapper: Option<NonZeroU16>,
    hops: u8,
    /// How often its like came on each device, within milliseconds each time.
    times: [u8; SLOTS],
}

/// Why a packet counts as one that came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copy {
    /// It is as it was.
    Same,
    /// A router was in between.
    Forwarded,
}

impl Sight {
    pub(super) fn new(
        hash: u64,
        imprint: &Imprint,
        session: Option<SessionId>,
        millis: Option<u32>,
        wrapper: Option<Wrapper>,
        slot: usize,
    ) -> Sight {
        Sight {
            hash,
            session,
            time: millis.map(|millis| NonZeroU32::new(millis).unwrap_or(NonZeroU32::MIN)),
            wrapper: wrapper.map(Wrapper::key),
            hops: imprint.hops(),
            is_named: imprint.identification() != 0,
            is_wrapper_named: wrapper.is_some_and(|wrapper| wrapper.identification != 0),
            slot: u8::try_from(slot).unwrap_or_default(),
        }
    }

    /// What the next one is to know of it, if none of its like was before.
    #[inline]
    pub(super) fn trace(&self) -> Trace {
        let mut times = [0; SLOTS];
        if let Some(count) = times.get_mut(usize::from(self.slot)) {
            *count = 1;
        }
        Trace { time: self.time, wrapper: self.wrapper, hops: self.hops, times }
    }

    /// A number that it shares with its copies of the same time only.
    #[inline]
    pub(super) fn number(&self) -> u64 {
        // Odd, so that different hashes stay different.
        let time = self.time.map_or(0, NonZeroU32::get);
        self.hash.wrapping_mul(u64::from(time) << 1 | 1)
    }

    /// Whether the two were seen within milliseconds of each other.
    pub(super) fn is_near(&self, before: &Trace) -> bool {
        let (Some(now), Some(then)) = (self.time, before.time) else { return false };
        let apart = now.get().wrapping_sub(then.get());
        apart.min(apart.wrapping_neg()) <= NEAR
    }

    /// Whether it is a copy of its like in the same session, and what to remember of both.
    pub(super) fn after(&self, before: &Trace) -> (Option<Copy>, Trace) {
        let mut trace = self.trace();
        if !self.is_near(before) {
            return (None, trace);
        }
        if self.hops != before.hops {
            return ((self.hops < before.hops).then_some(Copy::Forwarded), trace);
        }
        let is_wrapped_anew =
            self.wrapper.zip(before.wrapper).is_some_and(|(one, other)| one != other);
        if is_wrapped_anew {
            return (None, trace);
        }
        trace.times = before.times;
        let most = trace.times.into_iter().max().unwrap_or_default();
        let here = trace.times.get_mut(usize::from(self.slot));
        let is_behind = here.as_ref().is_some_and(|here| **here < most);
        if let Some(here) = here {
            *here = here.saturating_add(1);
        }
        // Of one that was stripped before, the wrapper's name is not known.
        let is_named = self.is_named || (self.is_wrapper_named && before.wrapper.is_some());
        ((is_named || is_behind).then_some(Copy::Same), trace)
    }

    /// Whether it is a copy of its like elsewhere as it was, or forwarded.
    pub(super) fn copy_of(&self, other: &Trace) -> Copy {
        if self.hops == other.hops { Copy::Same } else { Copy::Forwarded }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An IPv4 packet with this identification and time to live.
    fn imprint(identification: u16, ttl: u8) -> Imprint {
        let [high, low] = identification.to_be_bytes();
        let ip = [0x45, 0, 0, 28, high, low, 0x40, 0, ttl, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        Imprint::of(&[&[2; 12][..], &[8, 0], &ip, &[0; 8]].concat()).unwrap()
    }

    struct Seen {
        ttl: u8,
        millis: Option<u32>,
        wrapper: Option<(u16, u16)>,
        device: usize,
    }

    const ONCE: Seen = Seen { ttl: 64, millis: Some(5_000), wrapper: Some((65_500, 0)), device: 0 };

    /// What each sight of a packet with this identification is, seen one after the other.
    fn copies(identification: u16, seen: &[Seen]) -> Vec<Option<Copy>> {
        let mut before: Option<Trace> = None;
        let mut copies = Vec::new();
        for Seen { ttl, millis, wrapper, device } in seen {
            let wrapper = wrapper
                .map(|(source_port, identification)| Wrapper { source_port, identification });
            let imprint = imprint(identification, *ttl);
            let sight = Sight::new(0, &imprint, None, *millis, wrapper, *device);
            let (copy, trace) = match &before {
                Some(before) => sight.after(before),
                None => (None, sight.trace()),
            };
            before = Some(trace);
            copies.push(copy);
        }
        copies
    }

    #[test]
    fn a_packet_with_a_name_is_a_copy_within_milliseconds() {
        let after = |millis| copies(7, &[ONCE, Seen { millis, ..ONCE }])[1];
        for (millis, is_copy) in [
            (5_000, true),
            (5_010, true),
            (5_011, false),
            (4_990, true),
            (4_989, false),
            (5_000 + (1 << 31), false),
        ] {
            assert_eq!(after(Some(millis)).is_some(), is_copy, "{millis}");
        }
        assert_eq!(after(None), None);
        // Once round.
        let late = Seen { millis: Some(u32::MAX), ..ONCE };
        assert_eq!(copies(7, &[late, Seen { millis: Some(3), ..ONCE }])[1], Some(Copy::Same));
    }

    #[test]
    fn without_a_name_what_comes_again_was_sent_again() {
        assert_eq!(copies(0, &[ONCE, ONCE, ONCE]), [None; 3]);
        let stripped = || Seen { wrapper: None, ..ONCE };
        assert_eq!(copies(0, &[stripped(), stripped()]), [None; 2]);
    }

    #[test]
    fn the_name_of_the_wrapper_is_as_good() {
        let of = |wrapper| Seen { wrapper, ..ONCE };
        let first = || of(Some((65_500, 9)));
        assert_eq!(copies(0, &[first(), first()])[1], Some(Copy::Same));
        // Another wrapper, be it around the same packet, was sent again by the mirror.
        for (id, other) in [(0, (65_500, 10)), (7, (65_500, 10)), (7, (65_501, 9))] {
            assert_eq!(copies(id, &[first(), of(Some(other))])[1], None, "{id} {other:?}");
        }
        // Of a stripped one nobody knows the wrapper; the packet's own name is left.
        assert_eq!(copies(0, &[of(None), first()])[1], None);
        assert_eq!(copies(7, &[of(None), first()])[1], Some(Copy::Same));
    }

    /// An acknowledgement that says the same three times, on two devices.
    #[test]
    fn each_device_sees_each_packet_once() {
        let on = |device| Seen { device, ..ONCE };
        let count = |devices: &[usize]| {
            let seen: Vec<_> = devices.iter().map(|device| on(*device)).collect();
            copies(0, &seen).iter().filter(|copy| copy.is_some()).count()
        };
        assert_eq!(count(&[0, 1, 0, 1, 0, 1]), 3);
        assert_eq!(count(&[0, 0, 0, 1, 1, 1]), 3);
        assert_eq!(count(&[0, 0, 1, 0, 1, 1]), 3);
        assert_eq!(count(&[0, 1, 2, 3]), 3);
        assert_eq!(count(&[0, 0, 0, 1]), 1);
        // More often than is counted.
        assert_eq!(count(&[0; 300]), 0);
    }

    #[test]
    fn one_that_may_live_shorter_was_forwarded() {
        let ttl = |ttl| Seen { ttl, ..ONCE };
        for id in [0, 7] {
            assert_eq!(copies(id, &[ttl(64), ttl(63)])[1], Some(Copy::Forwarded));
            // As traceroute asks.
            assert_eq!(copies(id, &[ttl(1), ttl(2), ttl(3)]), [None; 3]);
        }
        let late = Seen { ttl: 63, millis: Some(6_000), ..ONCE };
        assert_eq!(copies(7, &[ONCE, late])[1], None);
    }

    #[test]
    fn devices_have_their_places_as_long_as_there_are_few() {
        let device = |index| Device { index, ..Device::default() };
        let mut devices = Devices::default();
        for _ in 0..3 {
            for index in 0..4_u32 {
                assert_eq!(devices.slot(device(index)), index as usize);
            }
        }
        for index in 0..1_000 {
            assert!(devices.slot(device(index)) < SLOTS);
        }
        assert_eq!(devices.known.len(), MAX_DEVICES);
        let new = Device { input: 1, interface: 2, index: 999 };
        let slot = devices.slot(new);
        assert_eq!((devices.slot(device(999)) + 1) % SLOTS, slot);
    }
}
