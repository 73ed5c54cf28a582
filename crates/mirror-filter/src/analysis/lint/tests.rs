//! Findings on random filters against what the words of each code say, cell by cell; and one filter
//! for each code that a person would write.

mod cases;
mod merging;

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::Rule;
use crate::analysis::tests::services::{SERVICES, is_mirrored, service, vpcs};
use crate::analysis::tests::{action, book, by_engine, cells, filter, filter_about, spaces};
use crate::analysis::{compare, differences};

/// A rule as rules are printed: `ingress 100 accept tcp 0.0.0.0/0 443 > 10.0.0.0/16`.
fn rule(text: &str) -> Rule {
    let (of, to) = text.split_once(" > ").unwrap();
    let (of, to): (Vec<&str>, Vec<&str>) = (of.split(' ').collect(), to.split(' ').collect());
    let ports = |word: Option<&&str>| {
        let (from, to) = word.map(|word| word.split_once('-').unwrap_or((word, word)))?;
        PortRange::new(from.parse().unwrap(), to.parse().unwrap())
    };
    Rule {
        direction: of[0].parse().unwrap(),
        number: of[1].parse().unwrap(),
        action: of[2].parse().unwrap(),
        protocol: match of[3] {
            "all" => None,
            "tcp" => Some(6),
            "udp" => Some(17),
            "icmp" => Some(1),
            "icmpv6" => Some(58),
            number => Some(number.parse().unwrap()),
        },
        source: of[4].parse().unwrap(),
        destination: to[0].parse().unwrap(),
        source_ports: ports(of.get(5)),
        destination_ports: ports(to.get(1)),
        description: None,
        id: None,
    }
}

fn linted(filter: &Filter) -> Vec<Finding> {
    lint(filter, &Surroundings::default()).unwrap()
}

fn without(filter: &Filter, dropped: &[usize]) -> Filter {
    let rules = filter.rules.iter().enumerate().filter(|(at, _)| !dropped.contains(at));
    Filter { rules: rules.map(|(_, rule)| rule.clone()).collect(), ..filter.clone() }
}

fn of(findings: &[Finding], code: Code) -> BTreeSet<usize> {
    findings.iter().filter(|one| one.code == code).filter_map(|one| one.rule).collect()
}

/// The rules that reject everything behind all others of their direction and family.
fn written_defaults(filter: &Filter) -> BTreeSet<usize> {
    let is_default = |at: &usize| {
        let rule = &filter.rules[*at];
        let alike = filter.rules.iter().enumerate().filter(|(_, other)| {
            let is_v4 = |rule: &Rule| rule.source.address().is_ipv4();
            other.direction == rule.direction && is_v4(other) == is_v4(rule)
        });
        alike.max_by_key(|(at, other)| (other.number, *at)).map(|(at, _)| at) == Some(*at)
            && rule.action == Action::Reject
            && (rule.protocol, rule.source_ports, rule.destination_ports) == (None, None, None)
            && (rule.source.prefix_len(), rule.destination.prefix_len()) == (0, 0)
    };
    (0..filter.rules.len()).filter(is_default).collect()
}

/// Whether two rules have some of the ports in common that they ask for, and each has others.
fn ports_cross(one: &Rule, other: &Rule) -> bool {
    let cross = |one: Option<PortRange>, other: Option<PortRange>| {
        one.zip(other).is_some_and(|(one, other)| {
            let has = |range: PortRange, of: PortRange| {
                (of.from()..=of.to()).any(|port| range.contains(port))
            };
            let has_more = |range: PortRange, of: PortRange| {
                (range.from()..=range.to()).any(|port| !of.contains(port))
            };
            has(one, other) && has_more(one, other) && has_more(other, one)
        })
    };
    cross(one.source_ports, other.source_ports)
        || cross(one.destination_ports, other.destination_ports)
}

fn matches(rule: &Rule, packet: &Packet) -> bool {
    let only = Filter { rules: vec![rule.clone()], ..Filter::default() };
    book(&only, packet).is_some()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn a_rule_is_shadowed_if_it_decides_no_cell(filter in filter(7)) {
        let findings = linted(&filter);
        let mut deciding = BTreeSet::new();
        let mut partly = BTreeSet::new();
        let mut opposed = BTreeSet::new();
        for (direction, family) in spaces() {
            for packet in cells(&[&filter], direction, family) {
                let by = book(&filter, &packet);
                deciding.extend(by);
                let own = action(&filter, by);
                for (at, rule) in filter.rules.iter().enumerate() {
                    // Every rule that matches and doesn't decide comes after the one that does.
                    if Some(at) != by && rule.action != own && matches(rule, &packet) {
                        opposed.insert(at);
                        let is_slip = || ports_cross(&filter.rules[by.unwrap()], rule);
                        if !partly.contains(&at) && (rule.action == Action::Reject || is_slip()) {
                            partly.insert(at);
                        }
                    }
                }
            }
        }
        let all: BTreeSet<usize> = (0..filter.rules.len()).collect();
        let meant = written_defaults(&filter);
        let dead: BTreeSet<usize> = all.difference(&deciding).copied().collect();
        let told: BTreeSet<usize> = dead.difference(&meant).copied().collect();
        prop_assert_eq!(of(&findings, Code::Shadowed), told);
        let live_partly: BTreeSet<usize> =
            partly.iter().filter(|at| !dead.contains(at) && !meant.contains(at)).copied().collect();
        prop_assert_eq!(of(&findings, Code::PartlyShadowed), live_partly);
        for one in findings.iter().filter(|one| one.code == Code::Shadowed) {
            let rule = one.rule.unwrap();
            let is_error = one.severity == Severity::Error;
            prop_assert_eq!(is_error, opposed.contains(&rule));
            // The rules that are named leave nothing of it: with them alone before it, it is dead.
            let mut kept = one.by.clone();
            kept.push(rule);
            let others: Vec<usize> = all.iter().copied().filter(|at| !kept.contains(at)).collect();
            let few = without(&filter, &others);
            prop_assert!(linted(&few).iter().any(|one| {
                one.code == Code::Shadowed && few.rules[one.rule.unwrap()] == filter.rules[rule]
            }), "{:?} by {:?}", rule, one.by);
        }
    }

    #[test]
    fn without_a_redundant_rule_nothing_changes_and_without_another_something_does(
        filter in prop_oneof![filter(9), filter_about(&SERVICES, 9)], know_vpc: bool,
    ) {
        let vpcs = if know_vpc { vpcs() } else { Vec::new() };
        let around = Surroundings { vpcs: vpcs.clone(), ..Surroundings::default() };
        let findings = lint(&filter, &around).unwrap();
        let services = Services::new(&vpcs);
        let differences = |other: &Filter| {
            compare(&filter, other, &services).map(|comparison| comparison.differences)
        };
        let idle: BTreeSet<usize> =
            of(&findings, Code::Redundant).union(&of(&findings, Code::Shadowed)).copied().collect();
        let meant = written_defaults(&filter);
        for at in 0..filter.rules.len() {
            let same = differences(&without(&filter, &[at])).unwrap().is_empty();
            prop_assert!(same || !meant.contains(&at));
            prop_assert_eq!(idle.contains(&at), same && !meant.contains(&at), "{}", filter.rules[at]);
        }
        // Those that may go together do go together.
        let together: Vec<usize> = findings
            .iter()
            .filter(|one| matches!(one.code, Code::Redundant | Code::Shadowed))
            .filter(|one| !one.message.ends_with("not together with the others"))
            .filter_map(|one| one.rule)
            .collect();
        let rest = without(&filter, &together);
        prop_assert_eq!(differences(&rest).unwrap(), []);
        // And with none of the others.
        for &at in idle.iter().filter(|at| !together.contains(at)) {
            let more: Vec<usize> = together.iter().copied().chain([at]).collect();
            prop_assert!(!differences(&without(&filter, &more)).unwrap().is_empty());
        }
    }

    /// A reject before an accept that it shadows is needed only as long as that is there.
    #[test]
    fn what_is_redundant_only_without_another_rule_is_not_called_so(number in 2_u32..9) {
        let rule = |number, action| Rule {
            direction: Direction::Ingress,
            number,
            action,
            protocol: None,
            source: "10.0.0.0/8".parse().unwrap(),
            destination: "0.0.0.0/0".parse().unwrap(),
            source_ports: None,
            destination_ports: None,
            description: None,
            id: None,
        };
        let rules = vec![rule(1, Action::Reject), rule(number, Action::Accept)];
        let findings = linted(&Filter { rules, ..Filter::default() });
        prop_assert_eq!(of(&findings, Code::Shadowed), BTreeSet::from([1]));
        prop_assert_eq!(of(&findings, Code::Redundant), BTreeSet::new());
    }

    #[test]
    fn a_rule_lacks_answers_if_a_cell_does(filter in filter(5)) {
        let findings = linted(&filter);
        let said: BTreeSet<usize> =
            of(&findings, Code::NoReturn).union(&of(&findings, Code::AsymPorts)).copied().collect();
        let by: BTreeSet<usize> = findings
            .iter()
            .filter(|one| one.code == Code::AsymPorts)
            .flat_map(|one| one.by.clone())
            .collect();
        let mut seen = BTreeSet::new();
        // The bounds of answers are those of questions turned round.
        let turned = Filter {
            rules: filter.rules.iter().map(|rule| Rule {
                source: rule.destination,
                destination: rule.source,
                source_ports: rule.destination_ports,
                destination_ports: rule.source_ports,
                ..rule.clone()
            }).collect(),
            ..Filter::default()
        };
        let is_empty = |direction| {
            let is = |one: &Finding| {
                (one.code, one.direction) == (Code::DirectionEmpty, Some(direction))
            };
            findings.iter().any(is)
        };
        for (direction, family) in spaces() {
            let other = match direction {
                Direction::Ingress => Direction::Egress,
                Direction::Egress => Direction::Ingress,
            };
            if is_empty(other) {
                continue;
            }
            let has_port_0 =
                |packet: &Packet| packet.ports.is_some_and(|(from, to)| from == 0 || to == 0);
            for packet in cells(&[&filter, &turned], direction, family) {
                if has_port_0(&packet) {
                    continue;
                }
                let rule = book(&filter, &packet);
                let answer = answers::answer(&packet);
                if action(&filter, rule) == Action::Accept
                    && action(&filter, book(&filter, &answer)) == Action::Reject
                {
                    seen.extend(rule);
                }
            }
        }
        // A rule that another's finding explains has none of its own.
        let explained: BTreeSet<usize> = by.intersection(&seen).copied().collect();
        let all: BTreeSet<usize> = said.union(&explained).copied().collect();
        prop_assert_eq!(all, seen);
    }

    #[test]
    fn every_witness_is_confirmed_by_the_judge(
        bounds in filter(9), services in filter_about(&SERVICES, 9), dns: bool, know_vpc: bool,
    ) {
        let vpcs = if know_vpc { vpcs() } else { Vec::new() };
        let targets = vec!["169.254.169.254".parse().unwrap(), "203.0.113.9".parse().unwrap()];
        let around = Surroundings { vpcs: vpcs.clone(), targets };
        for filter in [bounds, services] {
            let filter = Filter { amazon_dns: dns, ..filter };
            for one in lint(&filter, &around).unwrap() {
                let Some(packet) = one.witness else { continue };
                let decided = by_engine(&filter, &packet);
                let is_of_service = service(&vpcs, &packet).is_some();
                let of_services = [Code::MirrorsControl, Code::NoAmazonDns];
                prop_assert_eq!(is_of_service, of_services.contains(&one.code), "{:?}", one);
                let is_mirrored = |packet| is_mirrored(&filter, &vpcs, packet);
                let Some(rule) = one.rule else {
                    let whole = [Code::NoV6Twin, Code::NoAmazonDns];
                    prop_assert!(whole.contains(&one.code) && !is_mirrored(&packet), "{:?}", one);
                    continue;
                };
                match one.code {
                    Code::Shadowed | Code::PartlyShadowed => {
                        prop_assert!(matches(&filter.rules[rule], &packet));
                        prop_assert_ne!(decided, Some(rule));
                        prop_assert!(one.severity != Severity::Error
                            || is_mirrored(&packet) != (filter.rules[rule].action == Action::Accept));
                    }
                    Code::Redundant => prop_assert_eq!(decided, Some(rule), "{:?}", one),
                    Code::MirrorsControl => {
                        prop_assert_eq!(decided, Some(rule), "{:?}", one);
                        prop_assert!(!is_mirrored(&packet), "{:?}", one);
                    }
                    _ => {
                        prop_assert_eq!(decided, Some(rule), "{:?}", one);
                        prop_assert!(is_mirrored(&packet), "{:?}", one);
                    }
                }
                if let Code::NoReturn | Code::AsymPorts = one.code {
                    prop_assert!(!is_mirrored(&answers::answer(&packet)), "{:?}", one);
                }
            }
        }
    }

    /// A direction that accepts instance metadata only was said to mirror something.
    #[test]
    fn a_direction_is_empty_if_no_cell_of_it_is_mirrored(
        filter in filter_about(&SERVICES, 4), dns: bool,
    ) {
        let filter = Filter { amazon_dns: dns, ..filter };
        let around = Surroundings { vpcs: vpcs(), ..Surroundings::default() };
        let findings = lint(&filter, &around).unwrap();
        for direction in [Direction::Ingress, Direction::Egress] {
            let is_mirrored = |packet: &Packet| {
                service(&around.vpcs, packet).is_none() && is_mirrored(&filter, &around.vpcs, packet)
            };
            let some = Family::BOTH
                .iter()
                .any(|&family| cells(&[&filter], direction, family).iter().any(is_mirrored));
            let said = findings
                .iter()
                .any(|one| one.code == Code::DirectionEmpty && one.direction == Some(direction));
            prop_assert_eq!(said, !some);
        }
    }
}

/// Its rule was said to mirror IPv4 from anywhere, though another takes all its packets before it.
#[test]
fn a_rule_that_never_decides_lacks_no_twin() {
    let rule = |number, action| Rule {
        direction: Direction::Ingress,
        number,
        action,
        protocol: None,
        source: "0.0.0.0/0".parse().unwrap(),
        destination: "0.0.0.0/0".parse().unwrap(),
        source_ports: None,
        destination_ports: None,
        description: None,
        id: None,
    };
    let accept = rule(20, Action::Accept);
    let lacks_twin = |rules: Vec<Rule>| {
        linted(&Filter { rules, ..Filter::default() }).iter().any(|one| one.code == Code::NoV6Twin)
    };
    assert!(lacks_twin(vec![accept.clone()]));
    assert!(!lacks_twin(vec![rule(10, Action::Reject), accept]));
}

#[test]
fn each_code_has_a_word_of_its_own_and_severities_in_order() {
    let words: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(words.len(), Code::ALL.len());
    let sentences: BTreeSet<&str> = Code::ALL.iter().map(|code| code.sentence()).collect();
    assert_eq!(sentences.len(), Code::ALL.len());
    for code in Code::ALL {
        assert!(code.severities().is_sorted() && !code.severities().is_empty());
        assert!(!code.sentence().ends_with('.'));
    }
}

/// Its resolver was taken for 0.0.0.1.
#[test]
fn a_vpc_at_the_end_of_the_addresses_has_no_resolver() {
    let rule = Rule {
        direction: Direction::Egress,
        number: 1,
        action: Action::Accept,
        protocol: Some(17),
        source: "10.0.0.0/8".parse().unwrap(),
        destination: "0.0.0.1/32".parse().unwrap(),
        source_ports: None,
        destination_ports: PortRange::new(53, 53),
        description: None,
        id: None,
    };
    let filter = Filter { rules: vec![rule], ..Filter::default() };
    let found = |vpc: &str| {
        let around = Surroundings { vpcs: vec![vpc.parse().unwrap()], ..Surroundings::default() };
        of(&lint(&filter, &around).unwrap(), Code::MirrorsControl)
    };
    assert_eq!(found("255.255.255.255/32"), BTreeSet::new());
    assert_eq!(found("0.0.0.0/32").len(), 0, "0.0.0.2 is another");
}

/// Each shadowed rule was held against all before it, however many there were: minutes for a
/// document of a few megabytes. Pairs that could be merged but for what is between them took longer.
#[test]
fn rules_by_the_thousand_are_refused_in_bounded_time() {
    let rule = |number: u32, action, ports: [u16; 2]| Rule {
        direction: Direction::Ingress,
        number,
        action,
        protocol: Some(6),
        source: "0.0.0.0/0".parse().unwrap(),
        destination: "0.0.0.0/0".parse().unwrap(),
        source_ports: None,
        destination_ports: PortRange::new(ports[0], ports[1]),
        description: None,
        id: None,
    };
    let shadowed = (0..8_000).map(|n| rule(n, Action::Accept, [0, u16::MAX]));
    let not_merged = (0..1_000_u16).flat_map(|from| {
        let number = 2 * u32::from(from);
        let accept = rule(number, Action::Accept, [from, 30_000 + from]);
        // It has some packets of the accept before it alone, and some of the one behind it.
        let reject = rule(number + 1, Action::Reject, [from, 30_001 + from]);
        [accept, Rule { source: "10.0.0.0/8".parse().unwrap(), ..reject }]
    });
    for rules in [shadowed.collect::<Vec<_>>(), not_merged.collect()] {
        let filter = Filter { rules, ..Filter::default() };
        assert_eq!(lint(&filter, &Surroundings::default()), Err(TooComplex));
    }
}

/// Each of them was within bounds, and a document of them took minutes and gigabytes: every reject is
/// shadowed in part by every accept, and says so.
#[test]
fn filters_by_the_hundred_share_a_budget() {
    let accepts = (1..=300)
        .map(|n| format!("ingress {n} accept tcp 10.0.{}.{}/32 > 0.0.0.0/0", n >> 8, n & 0xff));
    let rejects = (301..=600).map(|n| format!("ingress {n} reject tcp 0.0.0.0/0 > 0.0.0.0/0 {n}"));
    let rules = accepts.chain(rejects).map(|text| rule(&text)).collect();
    let filter = Filter { rules, ..Filter::default() };
    let (around, budget) = (Surroundings::default(), Budget::default());
    let mut names = 0;
    let mut linted = 0;
    while let Ok(findings) = lint_within(&filter, &around, &budget) {
        names += findings.iter().map(|one| one.by.len()).sum::<usize>();
        linted += 1;
        assert!(linted < 100, "it never ends");
    }
    assert!(linted >= 1, "one of them is not too much");
    assert!(names < 1_500_000, "{names} names of rules");
    // What others took is nothing to a filter of its own.
    assert!(lint(&filter, &around).is_ok());
}

/// An account may have ten thousand filters, and AWS takes ten rules in each.
#[test]
fn filters_that_aws_takes_are_not_too_many_for_a_budget() {
    let ends = ["0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/16", "10.0.1.0/24", "192.168.0.0/16"];
    let mut rules = Vec::new();
    for (n, range) in ends.into_iter().enumerate() {
        let action = if n % 2 == 0 { "accept" } else { "reject" };
        let (n, port) = (n + 1, 100 * n);
        rules.push(rule(&format!(
            "ingress {n} {action} tcp {range} > 10.0.0.0/9 {port}-{}",
            port + 150
        )));
        rules.push(rule(&format!(
            "egress {n} {action} tcp 10.0.0.0/9 {port}-{} > {range}",
            port + 150
        )));
    }
    let filter = Filter { rules, ..Filter::default() };
    let (around, budget) = (Surroundings::default(), Budget::default());
    let before = budget.left();
    assert!(!lint_within(&filter, &around, &budget).unwrap().is_empty());
    let took = before - budget.left();
    assert!(took * 10_000 < before, "{took} of {before}");
}
