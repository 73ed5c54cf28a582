//! Moments of captures whose interfaces count time differently.
//!
//! Two stamps are compared as times, whatever their units and offsets, to the nanosecond: finer
//! clocks are cut there. A moment is written with the digits that its interface counts.

use jiff::Timestamp;
use pcapng_blocks::{self as blocks, Clock};

const PER_SECOND: u32 = 1_000_000_000;

/// The year 0, before which RFC 3339 writes no time.
const YEAR_0: i64 = -62_167_219_200;

/// A point in time, with the digits behind the second that are known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    seconds: i64,
    nanos: u32,
    digits: u8,
}

impl Moment {
    /// When a packet arrived; `None` if that is no time that can be written.
    #[inline]
    pub(super) fn of(clock: Clock, stamp: blocks::Timestamp) -> Option<Moment> {
        let (seconds, nanos) = clock.split(stamp, PER_SECOND)?;
        let is_usable = (YEAR_0..=Timestamp::MAX.as_second()).contains(&seconds);
        is_usable.then(|| Moment { seconds, nanos, digits: digits(clock) })
    }

    /// Whole milliseconds since 1970, the lower 32 bits of them: enough to tell what is near.
    #[inline]
    pub(super) fn millis(self) -> u32 {
        let millis = self.seconds.cast_unsigned().wrapping_mul(1_000);
        let [a, b, c, d, ..] = millis.wrapping_add(u64::from(self.nanos / 1_000_000)).to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }

    fn nanos(self) -> i128 {
        i128::from(self.seconds) * i128::from(PER_SECOND) + i128::from(self.nanos)
    }

    /// UTC, in the form of RFC 3339.
    pub(super) fn text(self) -> String {
        let nanos = i32::try_from(self.nanos).unwrap_or_default();
        match Timestamp::new(self.seconds, nanos) {
            Ok(time) => format!("{time:.*}", usize::from(self.digits)),
            Err(_) => "-".to_owned(),
        }
    }
}

/// Decimal digits behind the second in which a clock's units show, nine at most.
#[inline]
fn digits(clock: Clock) -> u8 {
    let exponent = clock.resolution & 0x7f;
    if clock.resolution & 0x80 == 0 {
        return exponent.min(9);
    }
    // 2^-n has n digits; as many as 10^-d that are not longer than it say as much.
    let mut digits = 0;
    while digits < 9 && 10_u128.pow(u32::from(digits)) < 1_u128 << exponent {
        digits += 1;
    }
    digits
}

/// From the first to the last of some moments, in whatever order they come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    ends: Option<(Moment, Moment)>,
    /// Packets without a usable time.
    untimed: u64,
}

impl Span {
    #[inline]
    pub(super) fn add(&mut self, moment: Option<Moment>) {
        match (&mut self.ends, moment) {
            (Some((first, last)), Some(moment)) => {
                *first = moment.min(*first);
                *last = moment.max(*last);
            }
            (ends @ None, Some(moment)) => *ends = Some((moment, moment)),
            (_, None) => self.untimed += 1,
        }
    }

    pub(super) fn first(&self) -> Option<Moment> {
        self.ends.map(|(first, _)| first)
    }

    pub(super) fn last(&self) -> Option<Moment> {
        self.ends.map(|(_, last)| last)
    }

    /// Bits per second, rounded down, if so many bytes came in all that time; `None` if it took no
    /// time, or if it isn't known of all of them when they came.
    pub(super) fn rate(&self, bytes: u64) -> Option<u64> {
        let (first, last) = self.ends.filter(|_| self.untimed == 0)?;
        let nanos = u128::try_from(last.nanos() - first.nanos()).ok()?;
        let bits = u128::from(bytes) * 8 * u128::from(PER_SECOND);
        u64::try_from(bits.checked_div(nanos)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(resolution: u8, offset: i64, units: u64) -> Option<Moment> {
        Moment::of(Clock { resolution, offset }, blocks::Timestamp::from_units(units))
    }

    fn text(resolution: u8, offset: i64, units: u64) -> String {
        moment(resolution, offset, units).unwrap().text()
    }

    #[test]
    fn a_moment_has_the_digits_that_its_clock_counts() {
        let second = 1_767_225_600;
        assert_eq!(text(0, 0, second), "2026-01-01T00:00:00Z");
        assert_eq!(text(3, 0, second * 1000 + 5), "2026-01-01T00:00:00.005Z");
        assert_eq!(text(6, 0, second * 1_000_000), "2026-01-01T00:00:00.000000Z");
        assert_eq!(text(9, 0, second * 1_000_000_000 + 1), "2026-01-01T00:00:00.000000001Z");
        assert_eq!(text(10, 0, second * 10_000_000_000 + 19), "2026-01-01T00:00:00.000000001Z");
        // 2^-10 s are 0.0009765625 s: four digits tell all units apart.
        assert_eq!(text(0x80 | 10, 0, (second << 10) + 1), "2026-01-01T00:00:00.0009Z");
        assert_eq!(text(0x80, 0, second), "2026-01-01T00:00:00Z");
    }

    #[test]
    fn an_offset_may_lead_before_1970() {
        assert_eq!(text(6, -1, 500_000), "1969-12-31T23:59:59.500000Z");
        assert_eq!(text(0, YEAR_0, 0), "0000-01-01T00:00:00Z");
    }

    #[test]
    fn what_rfc_3339_cannot_write_is_no_time() {
        assert_eq!(moment(0, YEAR_0 - 1, 0), None);
        assert_eq!(moment(0, 0, u64::MAX), None);
        assert_eq!(moment(39, 0, u64::MAX), None);
        let last = Timestamp::MAX.as_second();
        assert!(moment(0, last, 0).unwrap().text().starts_with("9999-12-30T"));
        assert_eq!(moment(0, last, 1), None);
        for resolution in 0..=255 {
            for units in [0, 1, 1 << 40, u64::MAX] {
                // No panic, and what is a time has a text.
                let text = moment(resolution, 0, units).map(Moment::text);
                assert!(text.is_none_or(|text| text.ends_with('Z')), "{resolution} {units}");
            }
        }
    }

    #[test]
    fn milliseconds_go_on_where_a_second_ends_and_round_at_their_limit() {
        let millis =
            |resolution, offset, units| moment(resolution, offset, units).unwrap().millis();
        assert_eq!(millis(9, 0, 1_999_999_999), 1_999);
        assert_eq!(millis(6, 0, 2_000_000), 2_000);
        assert_eq!(millis(3, 0, (1 << 32) + 5), 5);
        assert_eq!(millis(3, -1, 1), u32::MAX - 998);
    }

    #[test]
    fn moments_of_different_clocks_are_compared_as_times() {
        let of = |resolution, offset, units| moment(resolution, offset, units).unwrap();
        assert!(of(6, 0, 2_000_000) < of(9, 0, 2_000_000_001));
        assert!(of(9, 0, 1_999_999_999) < of(6, 0, 2_000_000));
        assert!(of(6, 3600, 0) > of(6, 0, 3_599_999_999));
        let mut span = Span::default();
        for moment in [of(6, 0, 5_000_000), of(9, 0, 4_999_999_999), of(0, 5, 1)] {
            span.add(Some(moment));
        }
        assert_eq!(span.first().unwrap().text(), "1970-01-01T00:00:04.999999999Z");
        assert_eq!(span.last().unwrap().text(), "1970-01-01T00:00:06Z");
    }

    #[test]
    fn a_rate_is_bits_by_seconds() {
        let mut span = Span::default();
        span.add(moment(6, 0, 1_000_000));
        assert_eq!(span.rate(100), None, "one packet takes no time");
        span.add(moment(6, 0, 3_000_000));
        assert_eq!(span.rate(100), Some(400));
        assert_eq!(span.rate(u64::MAX), None, "more than a number holds");
        span.add(None);
        assert_eq!(span.rate(100), None);
        assert_eq!(span.first().unwrap().text(), "1970-01-01T00:00:01.000000Z");
    }
}
