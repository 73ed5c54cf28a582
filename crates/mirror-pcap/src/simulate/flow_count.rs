//! How many flows each rule took.
//!
//! Up to [`EXACT`] flows, over all rules together, each is remembered by a fingerprint of 64 bits
//! and the counts are exact: two flows have the same one in one of eight billion runs. A busy capture has millions; from then on each rule has a sketch of
//! 1,024 registers (HyperLogLog, Flajolet et al. 2007) and its count is an estimate, within about
//! 3 % two times out of three. Fingerprints are keyed anew in each run, so that no capture can be
//! made to spoil them.

use std::{
    collections::HashMap,
    collections::hash_map::{Entry, RandomState},
    hash::{BuildHasher, BuildHasherDefault, Hash, Hasher},
};

/// Flows that are counted exactly.
const EXACT: usize = 65_536;

/// Registers of a sketch: 2^10.
const BITS: u32 = 10;
const REGISTERS: usize = 1 << BITS;

/// Counts the different flows of each rule.
pub(super) struct FlowCount {
    key: RandomState,
    counts: Counts,
}

enum Counts {
    Exact {
        /// The rule of each flow, by its fingerprint, into which the rule goes too.
        seen: HashMap<u64, u32, BuildHasherDefault<AsItIs>>,
        rules: Vec<u64>,
    },
    Estimated(HashMap<usize, Box<[u8; REGISTERS]>>),
}

impl FlowCount {
    pub(super) fn new(rules: usize) -> FlowCount {
        let counts = Counts::Exact { seen: HashMap::default(), rules: vec![0; rules] };
        FlowCount { key: RandomState::new(), counts }
    }

    /// Count a flow that a rule took.
    pub(super) fn add(&mut self, rule: usize, flow: &impl Hash) {
        let fingerprint = self.key.hash_one((rule, flow));
        match &mut self.counts {
            Counts::Exact { seen, rules } => {
                let is_full = seen.len() >= EXACT;
                match seen.entry(fingerprint) {
                    Entry::Occupied(_) => {}
                    Entry::Vacant(new) if !is_full => {
                        new.insert(u32::try_from(rule).unwrap_or(u32::MAX));
                        if let Some(count) = rules.get_mut(rule) {
                            *count += 1;
                        }
                    }
                    Entry::Vacant(_) => {
                        let mut sketches = HashMap::new();
                        for (fingerprint, rule) in seen.drain() {
                            note(&mut sketches, rule as usize, fingerprint);
                        }
                        note(&mut sketches, rule, fingerprint);
                        self.counts = Counts::Estimated(sketches);
                    }
                }
            }
            Counts::Estimated(sketches) => note(sketches, rule, fingerprint),
        }
    }

    /// Whether the counts are exact.
    pub(super) fn is_exact(&self) -> bool {
        matches!(self.counts, Counts::Exact { .. })
    }

    /// The flows that a rule took.
    pub(super) fn of(&self, rule: usize) -> u64 {
        match &self.counts {
            Counts::Exact { rules, .. } => rules.get(rule).copied().unwrap_or(0),
            Counts::Estimated(sketches) => sketches.get(&rule).map_or(0, |one| estimate(one)),
        }
    }
}

/// The hash of a fingerprint, which is one.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, fingerprint: u64) {
        self.0 = fingerprint;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Note a flow in the sketch of its rule.
fn note(sketches: &mut HashMap<usize, Box<[u8; REGISTERS]>>, rule: usize, fingerprint: u64) {
    let sketch = sketches.entry(rule).or_insert_with(|| Box::new([0; REGISTERS]));
    let place = fingerprint >> (64 - BITS);
    // The first bit set behind the place; a bit behind the last stands for none.
    let rank = (fingerprint << BITS | 1 << (BITS - 1)).leading_zeros() + 1;
    if let Some(register) = usize::try_from(place).ok().and_then(|place| sketch.get_mut(place)) {
        *register = (*register).max(u8::try_from(rank).unwrap_or(u8::MAX));
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate, not negative and far below 2^53"
)]
fn estimate(sketch: &[u8; REGISTERS]) -> u64 {
    let registers = REGISTERS as f64;
    let alpha = 0.7213 / (1.0 + 1.079 / registers);
    let sum: f64 = sketch.iter().map(|rank| f64::from(-i32::from(*rank)).exp2()).sum();
    let raw = alpha * registers * registers / sum;
    let empty = sketch.iter().filter(|rank| **rank == 0).count();
    // The raw estimate is biased where many registers are empty; counting those is better there.
    let count = if raw <= 2.5 * registers && empty > 0 {
        registers * (registers / empty as f64).ln()
    } else {
        raw
    };
    count.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_are_counted_once_for_each_rule() {
        let mut count = FlowCount::new(3);
        for _ in 0..2 {
            for flow in 0..100_u32 {
                count.add(0, &flow);
                count.add(2, &(flow / 2));
            }
        }
        assert!(count.is_exact());
        assert_eq!([0, 1, 2].map(|rule| count.of(rule)), [100, 0, 50]);
    }

    #[test]
    fn up_to_the_limit_counts_are_exact_and_beyond_it_near() {
        let mut count = FlowCount::new(3);
        for flow in 0..65_535_u32 {
            count.add(0, &flow);
        }
        count.add(1, &0_u32);
        assert!(count.is_exact());
        assert_eq!([count.of(0), count.of(1)], [65_535, 1]);
        count.add(1, &0_u32);
        assert!(count.is_exact(), "it was there already");
        for flow in 65_535..300_000_u32 {
            count.add(0, &flow);
        }
        for flow in 0..500_u32 {
            count.add(2, &flow);
        }
        assert!(!count.is_exact());
        let near = |got: u64, want: u64| got.abs_diff(want) * 100 <= want * 15;
        assert!(near(count.of(0), 300_000), "{}", count.of(0));
        assert!(near(count.of(2), 500), "{}", count.of(2));
        assert_eq!(count.of(1), 1);
    }
}
