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
    net::IpAddr,
};

use mirror_wire::{Flow, Missing, Ports};

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
    /// The sketch of each rule that took a flow.
    Estimated(Vec<Option<Box<[u8; REGISTERS]>>>),
}

impl FlowCount {
    pub(super) fn new(rules: usize) -> FlowCount {
        let counts = Counts::Exact { seen: HashMap::default(), rules: vec![0; rules] };
        FlowCount { key: RandomState::new(), counts }
    }

    /// Count a flow that a rule took.
    pub(super) fn add(&mut self, rule: usize, flow: &Flow) {
        let fingerprint = self.key.hash_one(OfRule { rule, flow });
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
                        let mut sketches = vec![None; rules.len()];
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
            Counts::Estimated(sketches) => match sketches.get(rule) {
                Some(Some(sketch)) => estimate(sketch),
                _ => 0,
            },
        }
    }
}

/// A flow of a rule, hashed as a few words at once. Field by field, as a derived hash does it, this
/// took a fifth of a run's instructions.
struct OfRule<'a> {
    rule: usize,
    flow: &'a Flow,
}

impl Hash for OfRule<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Flow { source, destination, protocol, ports } = *self.flow;
        let ports = match ports {
            Ports::Known { source, destination } => {
                u64::from(source) << 16 | u64::from(destination)
            }
            Ports::Absent => 1 << 32,
            Ports::Missing(Missing::Fragment) => 2 << 32,
            Ports::Missing(Missing::Cut) => 3 << 32,
        };
        let protocol = protocol.map_or(1 << 8, u64::from);
        let (rule, rest) = (self.rule as u64, protocol << 40 | ports);
        match (source, destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let ends = u64::from(source.to_bits()) << 32 | u64::from(destination.to_bits());
                u64::hash_slice(&[ends, rest, rule], state);
            }
            _ => {
                let rest = u128::from(rest) << 64 | u128::from(rule);
                u128::hash_slice(&[bits(source), bits(destination), rest], state);
            }
        }
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
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
fn note(sketches: &mut [Option<Box<[u8; REGISTERS]>>], rule: usize, fingerprint: u64) {
    let Some(sketch) = sketches.get_mut(rule) else { return };
    let sketch = sketch.get_or_insert_with(|| Box::new([0; REGISTERS]));
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
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    /// One of many flows.
    fn flow(number: u32) -> Flow {
        Flow {
            source: IpAddr::V4(number.into()),
            destination: IpAddr::V4([10, 0, 0, 1].into()),
            protocol: Some(6),
            ports: Ports::Known { source: 50_000, destination: 443 },
        }
    }

    #[test]
    fn flows_are_counted_once_for_each_rule() {
        let mut count = FlowCount::new(3);
        for _ in 0..2 {
            for number in 0..100 {
                count.add(0, &flow(number));
                count.add(2, &flow(number / 2));
            }
        }
        assert!(count.is_exact());
        assert_eq!([0, 1, 2].map(|rule| count.of(rule)), [100, 0, 50]);
    }

    #[test]
    fn up_to_the_limit_counts_are_exact_and_beyond_it_near() {
        let mut count = FlowCount::new(3);
        for number in 0..65_535 {
            count.add(0, &flow(number));
        }
        count.add(1, &flow(0));
        assert!(count.is_exact());
        assert_eq!([count.of(0), count.of(1)], [65_535, 1]);
        count.add(1, &flow(0));
        assert!(count.is_exact(), "it was there already");
        for number in 65_535..300_000 {
            count.add(0, &flow(number));
        }
        for number in 0..500 {
            count.add(2, &flow(number));
        }
        assert!(!count.is_exact());
        let near = |got: u64, want: u64| got.abs_diff(want) * 100 <= want * 15;
        assert!(near(count.of(0), 300_000), "{}", count.of(0));
        assert!(near(count.of(2), 500), "{}", count.of(2));
        assert_eq!(count.of(1), 1);
    }

    /// Values of each field that are easily taken for one another.
    fn flows() -> impl Strategy<Value = Flow> {
        let v4 = prop::sample::select(vec![0_u32, 1, 1 << 31, u32::MAX]);
        let v6 = prop::sample::select(vec![0_u128, 1, 1 << 64, 1 << 127, 0xffff << 32]);
        let ends = prop_oneof![
            (v4.clone(), v4).prop_map(|(a, b)| [a, b].map(|one| IpAddr::V4(one.into()))),
            (v6.clone(), v6).prop_map(|(a, b)| [a, b].map(|one| IpAddr::V6(one.into()))),
        ];
        let protocol = prop::option::of(prop::sample::select(vec![0_u8, 1, 6, 255]));
        let port = || prop::sample::select(vec![0_u16, 1, 2, 256, u16::MAX]);
        let ports = prop_oneof![
            (port(), port()).prop_map(|(source, destination)| Ports::Known { source, destination }),
            Just(Ports::Absent),
            Just(Ports::Missing(Missing::Fragment)),
            Just(Ports::Missing(Missing::Cut)),
        ];
        (ends, protocol, ports).prop_map(|([source, destination], protocol, ports)| Flow {
            source,
            destination,
            protocol,
            ports,
        })
    }

    proptest! {
        /// Against a set of the flows themselves.
        #[test]
        fn two_flows_are_one_only_if_they_are_alike_in_every_field(
            added in prop::collection::vec((0..3_usize, flows()), 0..200),
        ) {
            let mut count = FlowCount::new(3);
            for (rule, flow) in &added {
                count.add(*rule, flow);
            }
            let different: HashSet<_> = added.iter().copied().collect();
            for rule in 0..3 {
                let want = different.iter().filter(|(of, _)| *of == rule).count();
                prop_assert_eq!(count.of(rule), want as u64);
            }
        }
    }
}
