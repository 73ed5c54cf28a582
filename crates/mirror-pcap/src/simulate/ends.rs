//! By which of its ends a packet finds its interface.
//!
//! Every packet asks, and documents may describe thousands of interfaces; so the answer takes a few
//! look-ups, however many there are. What two interfaces have leads to neither, but for prefixes:
//! there the one that was described first has it.

use std::{collections::HashMap, net::IpAddr};

use mirror_session::{Eni, Prefix};
use mirror_wire::Mac;

/// The ends of some interfaces, each of which is its place among them.
#[derive(Default)]
pub(super) struct Ends {
    macs: HashMap<Mac, Option<usize>>,
    addresses: HashMap<IpAddr, Option<usize>>,
    prefixes: HashMap<Prefix, Ranked>,
    /// The lengths that prefixes have; AWS delegates /28 and /80.
    lengths: Vec<u8>,
    ids: HashMap<String, usize>,
}

/// The interface that has a prefix, and how many prefixes were described before it.
#[derive(Clone, Copy)]
struct Ranked {
    rank: usize,
    at: usize,
}

impl Ends {
    pub(super) fn new<'e>(enis: impl Iterator<Item = &'e Eni>) -> Ends {
        let mut ends = Ends::default();
        let mut rank = 0;
        for (at, eni) in enis.enumerate() {
            if let Some(mac) = eni.mac.filter(|mac| !mac.is_multicast()) {
                ends.macs.entry(mac).and_modify(|known| *known = None).or_insert(Some(at));
            }
            for address in &eni.addresses {
                let known = ends.addresses.entry(*address);
                known.and_modify(|known| *known = None).or_insert(Some(at));
            }
            for prefix in &eni.prefixes {
                ends.prefixes.entry(*prefix).or_insert(Ranked { rank, at });
                rank += 1;
                if !ends.lengths.contains(&prefix.bits()) {
                    ends.lengths.push(prefix.bits());
                }
            }
            if let Some(id) = &eni.id {
                ends.ids.entry(id.clone()).or_insert(at);
            }
        }
        ends
    }

    pub(super) fn of_id(&self, id: &str) -> Option<usize> {
        self.ids.get(id).copied()
    }

    /// Whether it is the MAC of one of them, or of several.
    pub(super) fn has_mac(&self, mac: Mac) -> bool {
        self.macs.contains_key(&mac)
    }

    pub(super) fn of_mac(&self, mac: Mac) -> Option<usize> {
        self.macs.get(&mac).copied().flatten()
    }

    pub(super) fn of_address(&self, address: IpAddr) -> Option<usize> {
        if let Some(known) = self.addresses.get(&address) {
            return *known;
        }
        let within = self.lengths.iter().filter_map(|bits| Prefix::new(address, *bits));
        let ranked = within.filter_map(|prefix| self.prefixes.get(&prefix));
        ranked.min_by_key(|ranked| ranked.rank).map(|ranked| ranked.at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Few values of each kind, so that interfaces have some in common.
    fn mac() -> impl Strategy<Value = Mac> {
        (0..6_u8).prop_map(|last| Mac::new([2, 0, 0, 0, 0, last]))
    }

    fn address() -> impl Strategy<Value = IpAddr> {
        let v4 = (0..32_u8).prop_map(|last| [10, 0, 0, last].into());
        prop_oneof![v4, (0..32_u16).prop_map(|last| [0xfd00, 0, 0, 0, 0, 0, 0, last].into())]
    }

    prop_compose! {
        fn prefix()(address in address(), host in 0..7_u8) -> Prefix {
            let bits = if address.is_ipv4() { 32 } else { 128 };
            Prefix::new(address, bits - host).unwrap()
        }
    }

    prop_compose! {
        fn eni()(
            id in prop::option::of(0..4_u8),
            mac in prop::option::of(mac()),
            addresses in prop::collection::vec(address(), 0..3),
            prefixes in prop::collection::vec(prefix(), 0..3),
        ) -> Eni {
            let id = id.map(|id| format!("eni-{id}"));
            Eni { id, mac, addresses, prefixes, ..Eni::default() }
        }
    }

    proptest! {
        /// The oracle looks through all of them, each time.
        #[test]
        fn agrees_with_one_who_looks_through_all_interfaces(
            enis in prop::collection::vec(eni(), 0..8),
            mac in mac(),
            address in address(),
            id in 0..5_u8,
        ) {
            let ends = Ends::new(enis.iter());
            let holders = |holds: &dyn Fn(&Eni) -> bool| -> Vec<usize> {
                let numbered = enis.iter().enumerate();
                numbered.filter(|(_, eni)| holds(eni)).map(|(at, _)| at).collect()
            };
            let only = |holders: &[usize]| match holders {
                [one] => Some(*one),
                _ => None,
            };

            let of_mac = holders(&|eni| eni.mac == Some(mac));
            prop_assert_eq!(ends.of_mac(mac), only(&of_mac));
            prop_assert_eq!(ends.has_mac(mac), !of_mac.is_empty());

            let id = format!("eni-{id}");
            prop_assert_eq!(
                ends.of_id(&id),
                enis.iter().position(|eni| eni.id.as_ref() == Some(&id))
            );

            let count = |eni: &Eni| eni.addresses.iter().filter(|one| **one == address).count();
            let of_address = holders(&|eni| count(eni) > 0);
            let want = if of_address.is_empty() {
                let has = |eni: &Eni| eni.prefixes.iter().any(|prefix| prefix.contains(address));
                enis.iter().position(has)
            } else {
                // An address that is named twice is of nobody, be it one interface that names it.
                only(&of_address).filter(|at| count(&enis[*at]) == 1)
            };
            prop_assert_eq!(ends.of_address(address), want);
        }
    }
}
