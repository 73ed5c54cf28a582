//! What is said of packets, against the judge, who knows network services as well as rules.

use super::*;
use crate::analysis::cube::{SOURCE, bits};
use crate::{Reason, Verdict};
use mirror_wire::Seen;

/// Rules that have to do with services, nearly have, or have not.
pub(in crate::analysis) const SERVICES: Theme = Theme {
    v4: &[
        "0.0.0.0/0",
        "10.0.0.0/16",
        "10.0.0.2/32",
        "169.254.0.0/16",
        "169.254.169.123/32",
        "169.254.169.250/31",
        "169.254.169.252/30",
        "169.254.169.253/32",
        "169.254.169.254/32",
        "203.0.113.0/24",
    ],
    v6: &["::/0", "2001:db8::/32", "fd00:ec2::/32", "fd00:ec2::123/128", "fd00:ec2::253/128"],
    ports: &[(53, 53), (67, 68), (68, 68), (123, 123), (443, 443), (546, 547), (0, 1_023)],
};

pub(in crate::analysis) fn vpcs() -> Vec<Cidr> {
    vec!["10.0.0.0/16".parse().unwrap()]
}

fn judged(filter: &Filter, services: &Services, packet: &Packet) -> (Verdict, Reason) {
    let seen = Seen { flow: packet.flow(), fragment: false, extensions: false, icmp_type: None };
    let sessions = [filter.compile().unwrap()];
    let judgement = crate::judge(services, &sessions, Ok(&seen), Ok(packet.direction));
    (judgement.verdict, judgement.reason)
}

/// Whether a whole filter mirrors a packet.
pub(in crate::analysis) fn is_mirrored(filter: &Filter, vpcs: &[Cidr], packet: &Packet) -> bool {
    judged(filter, &Services::new(vpcs), packet).0 == Verdict::Mirrored
}

pub(in crate::analysis) fn service(vpcs: &[Cidr], packet: &Packet) -> Option<Service> {
    Services::new(vpcs).of(&packet.flow())
}

/// The addresses at which services begin and end, and one that is none's.
fn around(services: &Services, family: Family) -> BTreeSet<IpAddr> {
    let mut addresses: BTreeSet<IpAddr> = match family {
        Family::V4 => [[10, 0, 1, 15].into(), [0; 4].into(), [255; 4].into()].into(),
        Family::V6 => ["2001:db8::15".parse().unwrap(), [0; 16].into(), [255; 16].into()].into(),
    };
    let top = family.top(SOURCE);
    for extent in services.extents() {
        for range in [extent.source, extent.destination] {
            if range == host(range.address()) && Family::of(range.address()) == family {
                let at = bits(range.address());
                let near = [at.saturating_sub(1), at, at.saturating_add(1).min(top)];
                addresses.extend(near.map(|at| family.address(at)));
            }
        }
    }
    addresses
}

/// The diagrams had a list of the services, and the judge another.
#[test]
fn the_diagram_and_the_judge_know_the_same_services() {
    let vpcs: [&[&str]; 3] = [&[], &["10.0.0.0/16"], &["0.0.0.0/0", "255.255.255.252/30"]];
    for vpcs in vpcs {
        let vpcs: Vec<Cidr> = vpcs.iter().map(|text| text.parse().unwrap()).collect();
        let services = Services::new(&vpcs);
        let mut met = BTreeSet::new();
        for (direction, family) in spaces() {
            let addresses = around(&services, family);
            let (filter, budget) = (Filter::default(), Budget::default());
            let mut space = Space::new(&filter, direction, family, &services, &budget).unwrap();
            for (source, destination) in
                addresses.iter().flat_map(|one| addresses.iter().map(move |other| (*one, *other)))
            {
                let mut look = |protocol, ports| {
                    let packet = Packet { direction, protocol, source, destination, ports };
                    let cube = Cube::of_packet(&packet);
                    let service = services.of(&packet.flow());
                    let seen = space.of_service(&cube, &|_| true).unwrap();
                    assert_eq!(seen, service.map(|service| (service, packet)), "{packet}");
                    let other = space.of_service(&cube, &|one| Some(one) != service).unwrap();
                    assert_eq!(other, None, "{packet}");
                    let leaves =
                        space.arena.leaves(space.judged, &Cube::of_packet(&packet)).unwrap();
                    let leaf = *leaves.first().unwrap();
                    assert_eq!(space::service(leaf), service, "{packet}");
                    met.extend(service);
                };
                for protocol in [0, 1, 132] {
                    look(protocol, None);
                }
                for (protocol, from, to) in [6, 17].into_iter().flat_map(|protocol| {
                    let ports = [52, 53, 54, 66, 67, 68, 69, 545, 546, 547, 548];
                    ports.into_iter().flat_map(move |from| ports.map(|to| (protocol, from, to)))
                }) {
                    look(protocol, Some((from, to)));
                }
            }
        }
        // All but ARP, which has no IP addresses.
        assert_eq!(met.len(), Service::ALL.len() - 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn of_each_difference_one_filter_mirrors_the_packet_and_the_other_does_not(
        a in filter_about(&SERVICES, 5), b in filter_about(&SERVICES, 5),
        dns: bool, know_vpc: bool,
    ) {
        let vpcs = if know_vpc { vpcs() } else { Vec::new() };
        let services = Services::new(&vpcs);
        let [a, b] = [a, b].map(|filter| Filter { amazon_dns: dns, ..filter });
        let found = compare(&a, &b, &services).unwrap();
        for one in &found.differences {
            let (this, that) =
                (judged(&a, &services, &one.example), judged(&b, &services, &one.example));
            let mirrored = |filter: &Filter, rule| match action(filter, rule) {
                Action::Accept => Verdict::Mirrored,
                Action::Reject => Verdict::NotMirrored,
            };
            prop_assert_eq!(this.0, mirrored(&a, one.a), "{}", one.example);
            prop_assert_eq!(that.0, mirrored(&b, one.b), "{}", one.example);
            prop_assert_ne!(this.0, that.0);
        }
        for one in &found.settled {
            prop_assert!(services.of(&one.example.flow()).is_some(), "{}", one.example);
            let [this, that] = [&a, &b].map(|filter| judged(filter, &services, &one.example));
            prop_assert_eq!(this, that, "{}", one.example);
        }
        // Together they are what the rules differ in, and each cell is where it belongs.
        let pairs = |list: &[Difference]| -> BTreeSet<_> {
            list.iter()
                .map(|one| (one.direction, one.example.source.is_ipv6(), one.a, one.b))
                .collect()
        };
        let (judged_pairs, settled) = (pairs(&found.differences), pairs(&found.settled));
        prop_assert!(judged_pairs.is_disjoint(&settled));
        let by_rules = pairs(&differences(&a, &b).unwrap());
        prop_assert_eq!(judged_pairs.union(&settled).copied().collect::<BTreeSet<_>>(), by_rules);
        let mut seen = BTreeSet::new();
        for (direction, family) in spaces() {
            for packet in cells(&[&a, &b], direction, family) {
                let (one, other) = (book(&a, &packet), book(&b, &packet));
                if action(&a, one) != action(&b, other)
                    && services.of(&packet.flow()).is_none()
                {
                    seen.insert((direction, family == Family::V6, one, other));
                }
            }
        }
        prop_assert_eq!(judged_pairs, seen);
    }

    #[test]
    fn outcomes_are_of_packets_that_rules_judge(
        filter in filter_about(&SERVICES, 6), question in rule_about(&SERVICES),
    ) {
        let Rule { direction, protocol, source, destination, source_ports, destination_ports, .. } = question;
        let flows = Flows { direction, protocol, source, destination, source_ports, destination_ports };
        let services = Services::new(&vpcs());
        let mut analysis = Analysis::new(&filter, &services).unwrap();
        let outcomes = analysis.outcomes(&flows).unwrap();
        let only = Filter { rules: vec![question.clone()], ..Filter::default() };
        for one in &outcomes {
            let (verdict, reason) = judged(&filter, &services, &one.example);
            prop_assert_eq!(verdict == Verdict::Mirrored, one.action == Action::Accept);
            prop_assert!(matches!(reason, Reason::Rule | Reason::NoRule), "{}", one.example);
            prop_assert_eq!(book(&only, &one.example), Some(0));
        }
        let mut said = BTreeSet::new();
        for wanted in Service::ALL {
            let Some((service, packet)) = analysis.of_service(&flows, &|one| one == wanted).unwrap()
            else {
                continue;
            };
            prop_assert_eq!(service, wanted);
            prop_assert_eq!(services.of(&packet.flow()), Some(wanted), "{}", packet);
            prop_assert_eq!(book(&only, &packet), Some(0));
            said.insert(service);
        }
        let mut asked = filter.clone();
        asked.rules.push(Rule { number: 1_000, ..question });
        let mut seen = BTreeSet::new();
        let mut met = BTreeSet::new();
        for packet in cells(&[&asked], direction, Family::of(source.address())) {
            if book(&only, &packet).is_some() {
                match services.of(&packet.flow()) {
                    Some(service) => drop(met.insert(service)),
                    None => drop(seen.insert(book(&filter, &packet))),
                }
            }
        }
        prop_assert_eq!(outcomes.iter().map(|one| one.rule).collect::<BTreeSet<_>>(), seen);
        // Cells have the bounds of rules, so they may miss a service and not the other way round.
        prop_assert!(met.is_subset(&said), "{:?} {:?}", met, said);
    }
}

/// It said that one of them alone mirrors a packet to 169.254.169.254, which nobody does.
#[test]
fn filters_that_differ_at_instance_metadata_alone_mirror_the_same() {
    let any = "0.0.0.0/0";
    let with = |more: &[Text<'_>]| {
        let all = (100, Action::Accept, Some(6), any, any, None);
        from_texts(&[more, &[all]].concat())
    };
    let metadata = (10, Action::Reject, Some(6), any, "169.254.169.254/32", Some((80, 80)));
    let (a, b) = (with(&[]), with(&[metadata]));
    let found = compare(&a, &b, &Services::default()).unwrap();
    assert_eq!(found.differences, []);
    let [settled] = found.settled.as_slice() else { panic!("{found:?}") };
    assert_eq!(settled.example.to_string(), "ingress tcp 203.0.113.9:51000 > 169.254.169.254:80");
    assert_eq!(differences(&a, &b).unwrap(), found.settled);

    // One address more, and there is something to show.
    let wider = (10, Action::Reject, Some(6), any, "169.254.169.254/31", Some((80, 80)));
    let found = compare(&a, &with(&[wider]), &Services::default()).unwrap();
    let [one] = found.differences.as_slice() else { panic!("{found:?}") };
    assert_eq!(one.example.destination.to_string(), "169.254.169.255");
    assert_eq!(found.settled, []);
}
