//! Whether two rules are one, asked of rules that nearly are.
//!
//! The oracle knows nothing of intervals: if any one rule matches what two match, it is the tightest
//! with both in it, and every cell that the three cut says whether it does.

use super::*;
use crate::PortRange;

/// The tightest rule with everything in it that these two match.
fn hull(a: &Rule, b: &Rule) -> Rule {
    let protocol = a.protocol.filter(|_| a.protocol == b.protocol);
    let range = |a: Cidr, b: Cidr| {
        let lens = (0..=a.prefix_len().min(b.prefix_len())).rev();
        let mut wider = lens.filter_map(|len| Cidr::new(a.address(), len));
        wider.find(|range| range.contains(a.address()) && range.contains(b.address())).unwrap()
    };
    let ports = |a: Option<PortRange>, b: Option<PortRange>| {
        let (a, b) = (a?, b?);
        let all = PortRange::new(a.from().min(b.from()), a.to().max(b.to()))?;
        let is_all = (all.from(), all.to()) == (0, u16::MAX);
        Some(all).filter(|_| !is_all && protocol.is_some())
    };
    Rule {
        protocol,
        source: range(a.source, b.source),
        destination: range(a.destination, b.destination),
        source_ports: ports(a.source_ports, b.source_ports),
        destination_ports: ports(a.destination_ports, b.destination_ports),
        ..a.clone()
    }
}

fn cells_of(rules: &[&Rule]) -> Vec<Packet> {
    let rules = rules.iter().copied().cloned().collect();
    let filter = Filter { rules, ..Filter::default() };
    spaces().flat_map(|(way, family)| cells(&[&filter], way, family)).collect()
}

/// The one rule that two rules are, of which neither covers the other.
fn one_rule(a: &Rule, b: &Rule) -> Option<Rule> {
    let both = hull(a, b);
    let cells = cells_of(&[a, b, &both]);
    let only = |one: &Rule, other: &Rule| {
        cells.iter().any(|packet| matches(one, packet) && !matches(other, packet))
    };
    let is_union = cells
        .iter()
        .all(|packet| matches(&both, packet) == (matches(a, packet) || matches(b, packet)));
    (is_union && only(a, b) && only(b, a)).then_some(both)
}

fn ports() -> impl Strategy<Value = Option<PortRange>> {
    let some = [
        (0, 1_023),
        (1_024, 65_535),
        (80, 90),
        (91, 443),
        (92, 443),
        (85, 443),
        (444, 65_535),
        (0, 65_535),
    ];
    let some = prop::sample::select(some.to_vec());
    prop_oneof![2 => Just(None), 3 => some.prop_map(|(from, to)| PortRange::new(from, to))]
}

fn range() -> impl Strategy<Value = Cidr> {
    let some = ["10.0.0.0/25", "10.0.0.128/25", "10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"];
    prop::sample::select(some.to_vec()).prop_map(|text| text.parse().unwrap())
}

fn a_rule() -> impl Strategy<Value = Rule> {
    let protocol = prop_oneof![8 => Just(Some(6)), 1 => Just(Some(7)), 1 => Just(None)];
    (protocol, range(), range(), ports(), ports()).prop_map(
        |(protocol, source, destination, source_ports, destination_ports)| Rule {
            direction: Direction::Ingress,
            number: 0,
            action: Action::Accept,
            protocol,
            source,
            destination,
            source_ports: source_ports.filter(|_| protocol == Some(6)),
            destination_ports: destination_ports.filter(|_| protocol == Some(6)),
            description: None,
            id: None,
        },
    )
}

/// Two rules of which the second is the first but for one field, or two.
fn a_pair() -> impl Strategy<Value = (Rule, Rule)> {
    let fields = prop_oneof![4 => (0..5_u8).prop_map(|n| [n, n]), 1 => [0..5_u8, 0..5_u8]];
    (a_rule(), a_rule(), fields).prop_map(|(first, other, fields)| {
        let mut second = first.clone();
        let has_ports = first.protocol == Some(6);
        for field in fields {
            match field {
                0 => second.source = other.source,
                1 => second.destination = other.destination,
                2 => second.source_ports = other.source_ports.filter(|_| has_ports),
                3 => second.destination_ports = other.destination_ports.filter(|_| has_ports),
                _ if first.source_ports.is_none() && first.destination_ports.is_none() => {
                    second.protocol = other.protocol;
                    (second.source_ports, second.destination_ports) = (None, None);
                }
                _ => {}
            }
        }
        (first, second)
    })
}

fn merged(rules: Vec<Rule>) -> Vec<(Option<usize>, Vec<usize>, String)> {
    let findings = linted(&Filter { rules, ..Filter::default() }).into_iter();
    let findings = findings.filter(|one| one.code == Code::Mergeable);
    findings.map(|one| (one.rule, one.by, one.message)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn two_rules_are_one_if_one_rule_matches_what_they_match(
        (first, second) in a_pair(), alike in prop::bool::weighted(0.9), backwards: bool,
    ) {
        let first = Rule { number: 10, ..first };
        let action = if alike { Action::Accept } else { Action::Reject };
        let second = Rule { number: 20, action, ..second };
        let want: Vec<_> = one_rule(&first, &second)
            .filter(|_| alike)
            .map(|one| {
                let message = format!("together with rule 20 it is one rule: {one}");
                if backwards { (Some(1), vec![0], message) } else { (Some(0), vec![1], message) }
            })
            .into_iter()
            .collect();
        let rules = if backwards { vec![second, first] } else { vec![first, second] };
        prop_assert_eq!(merged(rules), want);
    }

    /// One of the two has to pass what stands between them, and has its number no more.
    #[test]
    fn rules_are_merged_where_the_one_rule_does_what_they_did(
        (first, last) in a_pair(), between in prop::collection::vec(a_rule(), 1..3),
    ) {
        let between: Vec<Rule> = between
            .into_iter()
            .zip(20..)
            .map(|(rule, number)| Rule { number, action: Action::Reject, ..rule })
            .collect();
        let first = Rule { number: 10, ..first };
        let last = Rule { number: 30, ..last };
        let mut rules = vec![first.clone()];
        rules.extend(between.iter().cloned());
        rules.push(last.clone());
        let filter = Filter { rules, ..Filter::default() };
        let decides = cells_of(&filter.rules.iter().collect::<Vec<_>>())
            .iter()
            .any(|packet| book(&filter, packet) == Some(filter.rules.len() - 1));
        let places: Vec<u32> = one_rule(&first, &last)
            .filter(|_| decides)
            .map(|one| [10, 30].map(|number| Rule { number, ..one.clone() }))
            .into_iter()
            .flatten()
            .filter(|one| {
                let mut rules = between.clone();
                rules.push(one.clone());
                let merged = Filter { rules, ..Filter::default() };
                let all: Vec<&Rule> = filter.rules.iter().chain([one]).collect();
                cells_of(&all).iter().all(|packet| {
                    let of = |filter: &Filter| action(filter, book(filter, packet));
                    of(&filter) == of(&merged)
                })
            })
            .map(|one| one.number)
            .collect();
        let last = filter.rules.len() - 1;
        let found = merged(filter.rules.clone()).into_iter();
        let found: Vec<u32> = found
            .filter(|(rule, by, _)| (*rule, by.as_slice()) == (Some(0), &[last]))
            .map(|(_, _, message)| printed(&message).number)
            .collect();
        prop_assert_eq!(found, places.into_iter().take(1).collect::<Vec<_>>(), "{:?}", filter.rules);
    }

    /// The rule that is printed, in place of the two: `diff` finds nothing.
    #[test]
    fn every_merge_that_is_printed_changes_nothing(
        pairs in prop::collection::vec((a_pair(), 0..40_u32, 0..40_u32, any::<bool>()), 1..4),
        others in prop::collection::vec((a_rule(), 0..40_u32, any::<bool>()), 0..4),
        random in filter(9),
    ) {
        let done = |rule: Rule, number, accept| {
            let action = if accept { Action::Accept } else { Action::Reject };
            Rule { number, action, ..rule }
        };
        let of_pairs = pairs.into_iter().flat_map(|((one, other), a, b, accept)| {
            [done(one, a, accept), done(other, b, accept)]
        });
        let others = others.into_iter().map(|(rule, number, accept)| done(rule, number, accept));
        let made = Filter { rules: of_pairs.chain(others).collect(), ..Filter::default() };
        for filter in [made, random] {
            for (first, by, message) in merged(filter.rules.clone()) {
                let (first, second, one) = (first.unwrap(), by[0], printed(&message));
                let places = [first, second].into_iter().filter(|&at| filter.rules[at].number == one.number);
                let same = |at: usize| {
                    let mut merged = filter.clone();
                    merged.rules[at] = one.clone();
                    let merged = without(&merged, &[first + second - at]);
                    differences(&filter, &merged).unwrap().is_empty()
                };
                // Of two with one number the printed rule may be in the place of either.
                let places: Vec<usize> = places.collect();
                prop_assert!(places.iter().any(|&at| same(at)), "{}: {:?}", message, filter.rules);
            }
        }
    }
}

/// The rule that a message shows.
fn printed(message: &str) -> Rule {
    rule(message.split_once(": ").unwrap().1)
}

/// The merged rule was told with the number of the first, where the reject took the other's packets.
#[test]
fn a_merged_rule_has_the_number_of_the_place_that_is_safe() {
    let found = merged(
        [
            "ingress 10 accept tcp 10.0.0.0/25 > 0.0.0.0/0",
            "ingress 20 reject tcp 10.0.0.128/26 > 0.0.0.0/0 80",
            "ingress 30 accept tcp 10.0.0.128/25 > 0.0.0.0/0",
        ]
        .map(rule)
        .to_vec(),
    );
    let messages: Vec<&str> = found.iter().map(|(_, _, message)| message.as_str()).collect();
    assert_eq!(
        messages,
        ["together with rule 30 it is one rule: ingress 30 accept tcp 10.0.0.0/24 > 0.0.0.0/0"]
    );
}

#[test]
fn a_rule_is_merged_with_one_other_at_a_time() {
    let of = |texts: &[&str]| -> Vec<(usize, usize)> {
        let found = merged(texts.iter().map(|text| rule(text)).collect());
        found.iter().map(|(rule, by, _)| (rule.unwrap(), by[0])).collect()
    };
    let quarters = [
        "ingress 10 accept tcp 10.0.0.0/26 > 0.0.0.0/0",
        "ingress 20 accept tcp 10.0.0.64/26 > 0.0.0.0/0",
        "ingress 30 accept tcp 10.0.0.128/26 > 0.0.0.0/0",
        "ingress 40 accept tcp 10.0.0.192/26 > 0.0.0.0/0",
    ];
    assert_eq!(of(&quarters), [(0, 1), (2, 3)]);
    assert_eq!(of(&quarters[..3]), [(0, 1)]);
    let ports = [
        "egress 1 accept udp 10.0.0.0/8 > 0.0.0.0/0 10-19",
        "egress 2 accept udp 10.0.0.0/8 > 0.0.0.0/0 30-39",
        "egress 3 accept udp 10.0.0.0/8 > 0.0.0.0/0 20-29",
        "egress 4 accept udp 10.0.0.0/8 > 0.0.0.0/0 40-49",
    ];
    assert_eq!(of(&ports), [(0, 2), (1, 3)]);
    // What is never met is not worth merging.
    let dead = [
        "ingress 5 reject tcp 10.0.0.0/24 > 0.0.0.0/0",
        "ingress 10 accept tcp 10.0.0.0/25 > 0.0.0.0/0",
        "ingress 20 accept tcp 10.0.0.128/25 > 0.0.0.0/0",
    ];
    assert_eq!(of(&dead), []);
    // No rule has two protocols, be they neighbours.
    let protocols = ["ingress 10 accept 6 ::/0 > ::/0", "ingress 20 accept 7 ::/0 > ::/0"];
    assert_eq!(of(&protocols), []);
    let six = [
        "ingress 10 accept all 2001:db8::/33 > ::/0",
        "ingress 20 accept all 2001:db8:8000::/33 > ::/0",
    ];
    assert_eq!(of(&six), [(0, 1)]);
}

#[test]
fn what_stands_between_may_keep_two_rules_apart() {
    let first = "ingress 10 accept tcp 10.0.0.0/25 > 0.0.0.0/0";
    let last = "ingress 30 accept tcp 10.0.0.128/25 > 0.0.0.0/0";
    let both = "ingress 20 reject tcp 10.0.0.0/24 > 0.0.0.0/0 22";
    let of_first = "ingress 21 reject tcp 10.0.0.0/26 > 0.0.0.0/0 80";
    let of_last = "ingress 22 reject tcp 10.0.0.128/26 > 0.0.0.0/0 80";
    for (between, are_one) in [
        (&[][..], true),
        (&[both], false),
        (&[of_first], true),
        (&[of_last], true),
        (&[of_first, of_last], false),
        (&["ingress 20 accept tcp 10.0.0.0/24 > 10.0.0.0/8 22"], true),
    ] {
        let texts = [&[first], between, &[last]].concat();
        let found = merged(texts.iter().map(|text| rule(text)).collect());
        assert_eq!(!found.is_empty(), are_one, "{texts:?}");
    }
}

#[test]
fn the_rule_that_two_are_is_written_out() {
    for (first, second, one) in [
        ("tcp 10.0.1.0/24 > 10.0.0.0/8", "tcp 10.0.2.0/24 > 10.0.0.0/8", None),
        (
            "tcp 10.0.0.128/25 53 > 10.0.0.0/8 80",
            "tcp 10.0.0.0/25 53 > 10.0.0.0/8 80",
            Some("tcp 10.0.0.0/24 53 > 10.0.0.0/8 80"),
        ),
        (
            "udp ::/0 > 2001:db8::/33",
            "udp ::/0 > 2001:db8:8000::/33",
            Some("udp ::/0 > 2001:db8::/32"),
        ),
        (
            "tcp 10.0.0.0/8 10-19 > 10.0.0.0/8 80",
            "tcp 10.0.0.0/8 20-29 > 10.0.0.0/8 80",
            Some("tcp 10.0.0.0/8 10-29 > 10.0.0.0/8 80"),
        ),
        (
            "tcp 10.0.0.0/8 > 10.0.0.0/8 30-39",
            "tcp 10.0.0.0/8 > 10.0.0.0/8 15-29",
            Some("tcp 10.0.0.0/8 > 10.0.0.0/8 15-39"),
        ),
        // All ports are written as none.
        (
            "tcp 10.0.0.0/8 0-79 > 10.0.0.0/8",
            "tcp 10.0.0.0/8 80-65535 > 10.0.0.0/8",
            Some("tcp 10.0.0.0/8 > 10.0.0.0/8"),
        ),
    ] {
        let texts = [format!("ingress 10 accept {first}"), format!("ingress 20 accept {second}")];
        let found = merged(texts.iter().map(|text| rule(text)).collect());
        let found: Vec<&str> = found.iter().map(|(_, _, message)| message.as_str()).collect();
        let want =
            one.map(|one| format!("together with rule 20 it is one rule: ingress 10 accept {one}"));
        assert_eq!(found, want.iter().map(String::as_str).collect::<Vec<_>>(), "{texts:?}");
    }
}
