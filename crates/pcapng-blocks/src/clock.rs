//! What the time stamp words of an interface mean.
//!
//! A stamp is a 64-bit count of units since 1970, the unit given by
//! `if_tsresol` and the count shifted by `if_tsoffset` seconds. Rewriting
//! copies the words and needs none of this; it is here for output formats that
//! have no such words, and for reports. All arithmetic is exact and in whole
//! numbers, for a count of 2^-32 seconds does not fit a float.

/// The two words of a time stamp as they stand in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp {
    /// The upper 32 bits of the count.
    pub high: u32,
    /// The lower 32 bits of the count.
    pub low: u32,
}

impl Timestamp {
    /// The words for a count of units.
    pub fn from_units(units: u64) -> Timestamp {
        let [a, b, c, d, e, f, g, h] = units.to_be_bytes();
        Timestamp { high: u32::from_be_bytes([a, b, c, d]), low: u32::from_be_bytes([e, f, g, h]) }
    }

    /// The count of units.
    pub fn units(self) -> u64 {
        u64::from(self.high) << 32 | u64::from(self.low)
    }
}

/// How an interface counts time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// `if_tsresol` as it stands in the file: a negative power of 10, or of 2
    /// if the most significant bit is set.
    pub resolution: u8,
    /// `if_tsoffset`: seconds to add.
    pub offset: i64,
}

impl Clock {
    /// Microseconds, which the draft says an interface counts if it says nothing.
    pub const MICROSECONDS: Clock = Clock { resolution: 6, offset: 0 };
    /// Nanoseconds.
    pub const NANOSECONDS: Clock = Clock { resolution: 9, offset: 0 };

    /// Whether the units are shorter than a microsecond.
    pub fn finer_than_microseconds(self) -> bool {
        // 2^-19 s is longer than a microsecond and 2^-20 s is shorter.
        if self.is_binary() { self.exponent() >= 20 } else { self.exponent() > 6 }
    }

    /// The moment as whole seconds since 1970 and a count of `per_second`-ths,
    /// rounded down. `None` if the seconds overflow, or if this clock's units
    /// are too fine to count in 128 bits (beyond 10^-38).
    #[inline]
    pub fn split(self, stamp: Timestamp, per_second: u32) -> Option<(i64, u32)> {
        let units = stamp.units();
        let units_per_second = match self.resolution {
            // What nearly every capture has, for each of its packets.
            6 => 1_000_000,
            9 => 1_000_000_000,
            _ if self.is_binary() => 1u128.checked_shl(self.exponent())?,
            _ => 10u128.checked_pow(self.exponent())?,
        };
        // Asked for every packet, so in 64 bits where they do: a division of 128 is much slower. Units
        // of which a second has more than a stamp can count never make one.
        let (seconds, rest) = match u64::try_from(units_per_second) {
            Ok(in_one) => (units / in_one, units % in_one),
            Err(_) => (0, units),
        };
        let seconds = i64::try_from(seconds).ok()?.checked_add(self.offset)?;
        if units_per_second == u128::from(per_second) {
            return Some((seconds, u32::try_from(rest).ok()?));
        }
        // Both factors are below 2^64, so this fits.
        let part = u128::from(rest) * u128::from(per_second) / units_per_second;
        Some((seconds, u32::try_from(part).ok()?))
    }

    fn is_binary(self) -> bool {
        self.resolution & 0x80 != 0
    }

    fn exponent(self) -> u32 {
        u32::from(self.resolution & 0x7F)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(resolution: u8, offset: i64, units: u64, per_second: u32) -> Option<(i64, u32)> {
        Clock { resolution, offset }.split(Timestamp::from_units(units), per_second)
    }

    #[test]
    fn words_and_count_are_one_another() {
        let stamp = Timestamp { high: 0x0004_C39E, low: 0xF000_0001 };
        assert_eq!(stamp.units(), 0x0004_C39E_F000_0001);
        assert_eq!(Timestamp::from_units(stamp.units()), stamp);
    }

    #[test]
    fn decimal_units_are_cut_not_rounded() {
        assert_eq!(
            split(9, 0, 1_700_000_000_999_999_999, 1_000_000),
            Some((1_700_000_000, 999_999))
        );
        assert_eq!(split(6, 0, 1_500_000, 1_000_000_000), Some((1, 500_000_000)));
    }

    #[test]
    fn binary_units_are_exact() {
        // 2^-10: five units behind a second are 4.8828125 ms.
        assert_eq!(split(0x8A, 0, 1024 + 5, 1_000_000_000), Some((1, 4_882_812)));
        assert_eq!(split(0x80 | 32, 0, (1 << 32) + (1 << 31), 1_000_000), Some((1, 500_000)));
    }

    #[test]
    fn the_offset_may_go_back_before_1970() {
        assert_eq!(split(6, -3600, 1_000_000, 1_000_000), Some((-3599, 0)));
    }

    #[test]
    fn a_second_that_no_number_holds_is_no_time() {
        assert_eq!(split(6, i64::MAX, 999_999, 1), Some((i64::MAX, 0)));
        assert_eq!(split(6, i64::MAX, 1_000_000, 1), None);
        assert_eq!(split(0, 0, u64::MAX, 1), None);
    }

    #[test]
    fn units_finer_than_anything_counts_are_no_time_or_zero_but_no_panic() {
        for resolution in 0..=255 {
            let time = split(resolution, i64::MAX, u64::MAX, 1_000_000_000);
            assert!(time.is_none_or(|(seconds, _)| seconds == i64::MAX), "{resolution}");
        }
        assert_eq!(split(39, 0, u64::MAX, 1_000_000), None);
    }

    #[test]
    fn microseconds_are_the_border_of_finer() {
        let finer = |resolution| Clock { resolution, offset: 0 }.finer_than_microseconds();
        assert!(!finer(6) && finer(7) && !finer(0x80 | 19) && finer(0x80 | 20));
    }
}
