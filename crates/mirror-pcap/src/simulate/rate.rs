//! What the mirrored packets would take of the network.
//!
//! A mirrored packet takes more than it has: AWS reckons 54 bytes of wrapper over IPv4. What the
//! session cuts off it takes less. Both are known only as far as the documents tell, so this is an
//! estimate, and whoever sizes a target wants the busiest second as much as the average.
//!
//! Packets are nearly in order of time, but those of several interfaces are not quite: so the last
//! seconds stay open for them.

use std::collections::VecDeque;

use super::counts::Tally;

/// Bytes that the mirror adds to a packet over IPv4.
//= https://docs.aws.amazon.com/vpc/latest/mirroring/traffic-mirroring-network-limitations.html
//# 54 bytes for IPv4
const WRAPPER_LEN: u64 = 54;

/// Seconds that stay open for packets that come late.
const OPEN: usize = 64;

const NANOSECONDS: i128 = 1_000_000_000;

/// Sums over time.
#[derive(Debug, Default)]
pub(super) struct Rate {
    first: Option<i128>,
    last: Option<i128>,
    /// Bytes that the mirror would send.
    pub(super) bytes: u64,
    /// Packets that are cut.
    pub(super) cut: u64,
    /// The longest frame that is mirrored, before it is cut.
    pub(super) longest: u64,
    /// Bytes by second, in order; mostly it is the last that grows.
    seconds: VecDeque<(i128, u64)>,
    /// The second of the packet before, and when it began: most often it is that of the next too.
    current: Option<(i128, i128)>,
    /// Of those that are closed, the most.
    busiest: u64,
}

impl Rate {
    /// A packet of any kind was there at this time.
    pub(super) fn seen(&mut self, time: Option<i128>) {
        let Some(time) = time else { return };
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
    }

    /// Packets that would be mirrored, `limit` bytes of each. Several in one are as long as each
    /// other.
    pub(super) fn mirrored(&mut self, time: Option<i128>, weight: Tally, limit: Option<u32>) {
        let len = weight.bytes.checked_div(weight.packets).unwrap_or(0);
        let limit = limit.map_or(u64::MAX, u64::from);
        let sent = if len > limit {
            self.cut = self.cut.saturating_add(weight.packets);
            limit.saturating_mul(weight.packets)
        } else {
            weight.bytes
        };
        let sent = sent.saturating_add(WRAPPER_LEN.saturating_mul(weight.packets));
        self.longest = self.longest.max(len);
        self.bytes = self.bytes.saturating_add(sent);
        if let Some(time) = time {
            let second = match self.current {
                Some((second, start)) if (start..start + NANOSECONDS).contains(&time) => second,
                _ => {
                    let second = time.div_euclid(NANOSECONDS);
                    self.current = Some((second, second * NANOSECONDS));
                    second
                }
            };
            self.add(second, sent);
            if self.seconds.len() > OPEN
                && let Some((_, bytes)) = self.seconds.pop_front()
            {
                self.busiest = self.busiest.max(bytes);
            }
        }
    }

    fn add(&mut self, second: i128, sent: u64) {
        let earlier = self.seconds.iter().rposition(|(open, _)| *open <= second);
        if let Some((open, bytes)) = earlier.and_then(|at| self.seconds.get_mut(at))
            && *open == second
        {
            *bytes = bytes.saturating_add(sent);
            return;
        }
        self.seconds.insert(earlier.map_or(0, |at| at + 1), (second, sent));
    }

    /// Nanoseconds from the first packet to the last.
    pub(super) fn duration(&self) -> Option<u64> {
        let (first, last) = self.first.zip(self.last)?;
        u64::try_from(last.checked_sub(first)?).ok()
    }

    /// Bits in a second, on average; none if there is no time to speak of.
    pub(super) fn average(&self) -> Option<u64> {
        let duration = self.duration().filter(|duration| *duration > 0)?;
        let bits = u128::from(self.bytes) * 8 * 1_000_000_000 / u128::from(duration);
        u64::try_from(bits).ok()
    }

    /// Bits in the busiest second of the clock; none if packets have no times.
    pub(super) fn busiest(&self) -> Option<u64> {
        self.first?;
        let open = self.seconds.iter().map(|(_, bytes)| *bytes).max().unwrap_or(0);
        Some(self.busiest.max(open).saturating_mul(8))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    const SECOND: i128 = NANOSECONDS;

    fn one(bytes: u64) -> Tally {
        Tally { packets: 1, bytes }
    }

    #[test]
    fn a_wrapper_is_added_behind_the_cut() {
        let mut rate = Rate::default();
        rate.mirrored(Some(0), one(1_000), Some(100));
        assert_eq!((rate.bytes, rate.cut, rate.longest), (154, 1, 1_000));
        rate.mirrored(Some(0), one(100), Some(100));
        assert_eq!((rate.bytes, rate.cut), (308, 1));
        rate.mirrored(Some(0), Tally { packets: 3, bytes: 600 }, Some(150));
        assert_eq!((rate.bytes, rate.cut), (308 + 3 * 204, 4));
    }

    #[test]
    fn the_average_is_over_all_packets_and_the_busiest_second_is_one_of_the_clock() {
        let mut rate = Rate::default();
        for (time, mirrored) in
            [(0, true), (3 * SECOND, true), (SECOND / 2, true), (4 * SECOND, false)]
        {
            rate.seen(Some(time));
            if mirrored {
                rate.mirrored(Some(time), one(946), None);
            }
        }
        assert_eq!(rate.duration(), Some(4_000_000_000));
        assert_eq!(rate.average(), Some(3 * 8_000 / 4));
        assert_eq!(rate.busiest(), Some(16_000), "the one that came late counts where it belongs");
    }

    #[test]
    fn without_times_there_is_no_rate_and_seconds_take_no_memory() {
        let mut rate = Rate::default();
        rate.mirrored(None, one(946), None);
        assert_eq!((rate.average(), rate.busiest()), (None, None));
        rate.seen(Some(7));
        assert_eq!((rate.average(), rate.busiest()), (None, Some(0)));
        for second in 0..10_000 {
            rate.mirrored(Some(second * SECOND), one(if second == 5 { 1_946 } else { 46 }), None);
        }
        assert!(rate.seconds.len() <= OPEN);
        assert_eq!(rate.busiest(), Some(16_000));
    }

    proptest! {
        /// Against a sum for each second, looked through at the end.
        #[test]
        fn the_busiest_second_is_found_in_whatever_order_packets_come(
            times in prop::collection::vec((-20..20_i128, 0..SECOND, 1..2_000_u64), 1..200),
        ) {
            let mut rate = Rate::default();
            let mut sums: HashMap<i128, u64> = HashMap::new();
            for (second, within, bytes) in times {
                let time = second * SECOND + within;
                rate.seen(Some(time));
                rate.mirrored(Some(time), one(bytes), None);
                *sums.entry(second).or_default() += bytes + WRAPPER_LEN;
            }
            prop_assert_eq!(rate.busiest(), sums.into_values().max().map(|most| most * 8));
        }
    }
}
