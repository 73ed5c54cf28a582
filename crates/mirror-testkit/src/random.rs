//! Numbers that look random and are the same everywhere: `SplitMix64`.
//!
//! Its state is one word and its steps are four lines, so a capture made from a
//! seed stays the same for as long as this file does.

/// A generator of numbers, determined by its seed.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The generator that starts at `seed`.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The next 64 bits.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both included; `low` if they are reversed.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        match high.wrapping_sub(low).wrapping_add(1) {
            0 if low == 0 => self.word(),
            span if high >= low && span != 0 => low + self.word() % span,
            _ => low,
        }
    }

    /// `count` bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.word() as u8).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first outputs for seed 1234567, as printed by the reference program in C.
    #[test]
    fn the_first_words_are_those_of_the_reference() {
        let mut random = Random::new(1_234_567);
        assert_eq!(random.word(), 6_457_827_717_110_365_317);
        assert_eq!(random.word(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn both_ends_of_a_range_occur_and_nothing_outside() {
        let mut random = Random::new(7);
        let mut seen = [false; 8];
        for _ in 0..200 {
            seen[random.between(3, 5) as usize] = true;
        }
        assert_eq!(seen, [false, false, false, true, true, true, false, false]);
        assert_eq!(random.between(9, 9), 9);
    }
}
