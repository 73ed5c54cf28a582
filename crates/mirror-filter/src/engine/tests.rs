//! The engine against AWS's text, read slowly.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;
use crate::{Cidr, Filter, Rule};

/// The documentation in ten lines: the rules of the direction, those that match, the lowest number.
fn by_the_book(rules: &[Rule], direction: Direction, packet: &Packet) -> Option<usize> {
    let within = |range: Option<PortRange>, port: fn((u16, u16)) -> u16| match (range, packet.ports)
    {
        (None, _) => true,
        (Some(range), Some(ports)) => range.from() <= port(ports) && port(ports) <= range.to(),
        (Some(_), None) => false,
    };
    let rules = rules.iter().enumerate().filter(|(_, rule)| rule.direction == direction);
    let matching = rules
        .filter(|(_, rule)| rule.source.contains(packet.source))
        .filter(|(_, rule)| rule.destination.contains(packet.destination))
        .filter(|(_, rule)| rule.protocol.is_none_or(|protocol| protocol == packet.protocol))
        .filter(|(_, rule)| within(rule.source_ports, |(source, _)| source))
        .filter(|(_, rule)| within(rule.destination_ports, |(_, destination)| destination));
    matching.min_by_key(|(_, rule)| rule.number).map(|(at, _)| at)
}

/// A packet that shows everything.
#[derive(Clone, Copy, Debug)]
struct Packet {
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    ports: Option<(u16, u16)>,
}

impl Packet {
    fn flow(&self) -> Flow {
        let ports = match self.ports {
            Some((source, destination)) => Ports::Known { source, destination },
            None => Ports::Absent,
        };
        let Packet { source, destination, protocol, .. } = *self;
        Flow { source, destination, protocol: Some(protocol), ports }
    }
}

fn decided(rules: &[Rule], at: Option<usize>) -> Decision {
    match at {
        Some(rule) => Decision::Rule { rule, action: rules[rule].action },
        None => Decision::NoRule,
    }
}

/// Ports at the ends and in the middle; every boundary of the ranges below is among them.
const PORTS: [u16; 9] = [0, 1, 2, 442, 443, 444, 65_533, 65_534, 65_535];

fn port() -> impl Strategy<Value = u16> {
    prop_oneof![8 => proptest::sample::select(&PORTS), 1 => any::<u16>()]
}

fn range() -> impl Strategy<Value = Option<PortRange>> {
    let ends = (proptest::sample::select(&PORTS[..]), proptest::sample::select(&PORTS[..]));
    let range = ends.prop_map(|(a, b)| PortRange::new(a.min(b), a.max(b)));
    prop_oneof![Just(None), range]
}

fn protocol() -> impl Strategy<Value = u8> {
    prop_oneof![4 => Just(6_u8), 3 => Just(17), 1 => Just(1), 1 => Just(58), 1 => any::<u8>()]
}

/// Addresses whose prefixes nest, and the lowest and highest of all.
fn v4() -> impl Strategy<Value = IpAddr> {
    let some = [
        [0, 0, 0, 0],
        [255, 255, 255, 255],
        [9, 255, 255, 255],
        [10, 0, 0, 0],
        [10, 0, 255, 255],
        [10, 1, 0, 0],
        [10, 0, 1, 15],
    ];
    let some: Vec<IpAddr> = some.into_iter().map(IpAddr::from).collect();
    prop_oneof![8 => proptest::sample::select(some), 1 => any::<Ipv4Addr>().prop_map(IpAddr::V4)]
}

fn v6() -> impl Strategy<Value = IpAddr> {
    let some: Vec<IpAddr> = [
        "::",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "::ffff:10.0.1.15",
        "2001:db8:1234:aaff:ffff:ffff:ffff:ffff",
        "2001:db8:1234:ab00::",
        "2001:db8:1234:abff:ffff:ffff:ffff:ffff",
        "2001:db8:1234:ac00::",
    ]
    .iter()
    .map(|text| text.parse().unwrap())
    .collect();
    prop_oneof![8 => proptest::sample::select(some), 1 => any::<Ipv6Addr>().prop_map(IpAddr::V6)]
}

fn addresses() -> impl Strategy<Value = (IpAddr, IpAddr)> {
    prop_oneof![(v4(), v4()), (v6(), v6())]
}

fn rule() -> impl Strategy<Value = Rule> {
    let len = prop_oneof![Just(0_u8), Just(16), Just(56), Just(32), Just(128), 0..=128_u8];
    (
        any::<bool>(),
        any::<bool>(),
        prop_oneof![1 => Just(None), 3 => protocol().prop_map(Some)],
        addresses(),
        (len.clone(), len),
        (range(), range()),
    )
        .prop_map(|(ingress, accept, protocol, (source, destination), lens, ports)| {
            let cidr = |address: IpAddr, len: u8| {
                let most = if address.is_ipv4() { 32 } else { 128 };
                Cidr::new(address, len.min(most)).unwrap()
            };
            let has_ports = matches!(protocol, Some(6 | 17));
            Rule {
                direction: if ingress { Direction::Ingress } else { Direction::Egress },
                number: 0,
                action: if accept { Action::Accept } else { Action::Reject },
                protocol,
                source: cidr(source, lens.0),
                destination: cidr(destination, lens.1),
                source_ports: ports.0.filter(|_| has_ports),
                destination_ports: ports.1.filter(|_| has_ports),
                description: None,
                id: None,
            }
        })
}

/// Up to a dozen rules, in an order that isn't that of their numbers.
fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let numbers = Just((1..=12_u32).map(|n| n * 10).collect::<Vec<_>>()).prop_shuffle();
    (proptest::collection::vec(rule(), 0..12), numbers).prop_map(|(mut rules, numbers)| {
        for (rule, number) in rules.iter_mut().zip(numbers) {
            rule.number = number;
        }
        rules
    })
}

fn direction() -> impl Strategy<Value = Direction> {
    prop_oneof![Just(Direction::Ingress), Just(Direction::Egress)]
}

fn packet() -> impl Strategy<Value = Packet> {
    (addresses(), protocol(), port(), port()).prop_map(
        |((source, destination), protocol, from, to)| {
            let ports = matches!(protocol, 6 | 17).then_some((from, to));
            Packet { source, destination, protocol, ports }
        },
    )
}

fn compiled(rules: &[Rule]) -> Compiled {
    Filter { rules: rules.to_vec(), ..Filter::default() }.compile().unwrap()
}

/// The addresses and ports at which a rule begins to match or ceases to: first and last, and the
/// ones beside them.
fn boundaries(rule: &Rule) -> Vec<Packet> {
    let addresses = |range: Cidr| -> Vec<IpAddr> {
        match range.address() {
            IpAddr::V4(first) => {
                let (low, host) = (first.to_bits(), 32 - u32::from(range.prefix_len()));
                let high = low | 1_u32.checked_shl(host).map_or(u32::MAX, |bit| bit - 1);
                [low, high, low.wrapping_sub(1), high.wrapping_add(1)]
                    .map(|bits| Ipv4Addr::from_bits(bits).into())
                    .to_vec()
            }
            IpAddr::V6(first) => {
                let (low, host) = (first.to_bits(), 128 - u32::from(range.prefix_len()));
                let high = low | 1_u128.checked_shl(host).map_or(u128::MAX, |bit| bit - 1);
                [low, high, low.wrapping_sub(1), high.wrapping_add(1)]
                    .map(|bits| Ipv6Addr::from_bits(bits).into())
                    .to_vec()
            }
        }
    };
    let ports = |range: Option<PortRange>| match range {
        Some(range) => {
            vec![range.from(), range.to(), range.from().wrapping_sub(1), range.to().wrapping_add(1)]
        }
        None => vec![0, u16::MAX],
    };
    let protocols = match rule.protocol {
        Some(protocol) => vec![protocol, protocol ^ 1],
        None => vec![0, 6, 17, 255],
    };
    let mut packets = Vec::new();
    for source in addresses(rule.source) {
        for destination in addresses(rule.destination) {
            for &protocol in &protocols {
                if !matches!(protocol, 6 | 17) {
                    packets.push(Packet { source, destination, protocol, ports: None });
                    continue;
                }
                for from in ports(rule.source_ports) {
                    for to in ports(rule.destination_ports) {
                        let ports = Some((from, to));
                        packets.push(Packet { source, destination, protocol, ports });
                    }
                }
            }
        }
    }
    packets
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_rule_with_the_lowest_number_that_matches_decides(
        rules in rules(), direction in direction(), packets in prop::collection::vec(packet(), 20),
    ) {
        let filter = compiled(&rules);
        for packet in packets {
            let want = decided(&rules, by_the_book(&rules, direction, &packet));
            prop_assert_eq!(filter.decide(direction, &packet.flow()), want, "{:?}", packet);
        }
    }

    #[test]
    fn every_boundary_of_every_rule_is_where_the_rule_says(rules in rules()) {
        let filter = compiled(&rules);
        for packet in rules.iter().take(3).flat_map(boundaries) {
            for direction in [Direction::Ingress, Direction::Egress] {
                let want = decided(&rules, by_the_book(&rules, direction, &packet));
                prop_assert_eq!(filter.decide(direction, &packet.flow()), want, "{:?}", packet);
            }
        }
    }

    /// What is missing is made up in every way there is, as far as rules tell ways apart.
    #[test]
    fn what_is_missing_decides_only_if_it_makes_a_difference(
        rules in rules(),
        direction in direction(),
        (source, destination) in addresses(),
        protocol in prop_oneof![3 => protocol().prop_map(Some), 1 => Just(None)],
        missing in prop_oneof![Just(Missing::Fragment), Just(Missing::Cut)],
    ) {
        let flow = Flow { source, destination, protocol, ports: Ports::Missing(missing) };
        let mut outcomes = Vec::new();
        for candidate in 0..=u8::MAX {
            if protocol.is_some_and(|protocol| protocol != candidate) {
                continue;
            }
            let has_ports = matches!(candidate, 6 | 17);
            let pairs = PORTS.iter().flat_map(|from| PORTS.iter().map(move |to| (*from, *to)));
            // One that is in no rule's range, but within the gaps.
            let pairs = pairs.chain([(30_000, 30_000)]);
            let mut ways: Vec<Option<(u16, u16)>> =
                pairs.filter(|_| has_ports).map(Some).collect();
            if !has_ports || protocol.is_none() || missing == Missing::Fragment {
                ways.push(None);
            }
            for ports in ways {
                let packet = Packet { source, destination, protocol: candidate, ports };
                outcomes.push(by_the_book(&rules, direction, &packet));
            }
        }
        outcomes.sort_unstable();
        outcomes.dedup();
        let action = |rule: &Option<usize>| rule.map_or(Action::Reject, |at| rules[at].action);
        let agreed = outcomes.iter().all(|one| action(one) == action(&outcomes[0]));
        match compiled(&rules).decide(direction, &flow) {
            Decision::Agreed { action: found, missing: why, .. } => {
                prop_assert!(agreed && outcomes.len() > 1, "{:?}", outcomes);
                prop_assert_eq!((found, why), (action(&outcomes[0]), missing));
            }
            Decision::Undecided { rule, missing: why } => {
                prop_assert!(!agreed, "{:?}", outcomes);
                prop_assert_eq!(why, missing);
                prop_assert_eq!(rules[rule].direction, direction);
            }
            certain => {
                prop_assert_eq!(outcomes.len(), 1, "{:?}", certain);
                prop_assert_eq!(certain, decided(&rules, outcomes[0]));
            }
        }
    }
}

fn tcp(number: u32, action: Action, ports: Option<PortRange>) -> Rule {
    Rule {
        direction: Direction::Ingress,
        number,
        action,
        protocol: Some(6),
        source: "0.0.0.0/0".parse().unwrap(),
        destination: "10.0.0.0/16".parse().unwrap(),
        source_ports: None,
        destination_ports: ports,
        description: None,
        id: None,
    }
}

fn without_ports(missing: Missing) -> Flow {
    Flow {
        source: [203, 0, 113, 9].into(),
        destination: [10, 0, 1, 15].into(),
        protocol: Some(6),
        ports: Ports::Missing(missing),
    }
}

fn of_ingress(rules: &[Rule], missing: Missing) -> Decision {
    compiled(rules).decide(Direction::Ingress, &without_ports(missing))
}

//= https://docs.aws.amazon.com/vpc/latest/mirroring/traffic-mirroring-filters.html
//= type=test
//# Rules are evaluated starting with the lowest numbered rule.
#[test]
fn ssh_is_rejected_by_rule_10_before_rule_20_accepts_tcp() {
    let rules = [tcp(20, Action::Accept, None), tcp(10, Action::Reject, PortRange::new(22, 22))];
    let to = |port| Flow {
        ports: Ports::Known { source: 51_000, destination: port },
        ..without_ports(Missing::Cut)
    };
    let filter = compiled(&rules);
    let ssh = filter.decide(Direction::Ingress, &to(22));
    assert_eq!(ssh, Decision::Rule { rule: 1, action: Action::Reject });
    let https = filter.decide(Direction::Ingress, &to(443));
    assert_eq!(https, Decision::Rule { rule: 0, action: Action::Accept });
    assert_eq!(filter.decide(Direction::Egress, &to(443)), Decision::NoRule);
}

#[test]
fn a_packet_cut_before_its_ports_is_undecided_not_accepted() {
    let rules = [tcp(10, Action::Reject, PortRange::new(22, 22)), tcp(20, Action::Accept, None)];
    for missing in [Missing::Cut, Missing::Fragment] {
        assert_eq!(of_ingress(&rules, missing), Decision::Undecided { rule: 0, missing });
    }
}

#[test]
fn a_rule_that_asks_for_ports_changes_nothing_where_what_comes_after_does_the_same() {
    let both = [tcp(10, Action::Accept, PortRange::new(443, 443)), tcp(20, Action::Accept, None)];
    let missing = Missing::Fragment;
    assert_eq!(
        of_ingress(&both, missing),
        Decision::Agreed { rule: 0, action: Action::Accept, missing }
    );
    let reject = [tcp(10, Action::Reject, PortRange::new(22, 22))];
    assert_eq!(
        of_ingress(&reject, missing),
        Decision::Agreed { rule: 0, action: Action::Reject, missing },
        "no rule is as good as a reject"
    );
}

#[test]
fn all_ports_are_those_of_a_cut_packet_and_perhaps_not_of_a_fragment() {
    let rules = [tcp(10, Action::Accept, PortRange::new(0, u16::MAX))];
    assert_eq!(
        of_ingress(&rules, Missing::Cut),
        Decision::Rule { rule: 0, action: Action::Accept }
    );
    let missing = Missing::Fragment;
    assert_eq!(of_ingress(&rules, missing), Decision::Undecided { rule: 0, missing });
    let halves = [
        tcp(10, Action::Accept, PortRange::new(0, 1_023)),
        tcp(20, Action::Accept, PortRange::new(1_024, u16::MAX)),
        tcp(30, Action::Reject, None),
    ];
    let missing = Missing::Cut;
    assert_eq!(
        of_ingress(&halves, missing),
        Decision::Agreed { rule: 0, action: Action::Accept, missing }
    );
}

#[test]
fn more_rules_than_aws_allows_are_undecided_rather_than_slow() {
    let accept = |number| tcp(number, Action::Accept, PortRange::new(443, 443));
    let rules: Vec<Rule> =
        (0..2_000).map(accept).chain([tcp(9_999, Action::Accept, None)]).collect();
    let missing = Missing::Cut;
    assert_eq!(of_ingress(&rules, missing), Decision::Undecided { rule: 0, missing });
}

#[test]
fn as_many_rules_as_are_tried_are_decided_and_one_more_is_not() {
    let accept = |number| tcp(number, Action::Accept, PortRange::new(443, 443));
    let last = tcp(9_999, Action::Accept, None);
    let of = |asking: u32| -> Vec<Rule> { (0..asking).map(accept).chain([last.clone()]).collect() };
    let missing = Missing::Cut;
    let agreed = Decision::Agreed { rule: 0, action: Action::Accept, missing };
    assert_eq!(of_ingress(&of(15), missing), agreed);
    assert_eq!(of_ingress(&of(16), missing), Decision::Undecided { rule: 0, missing });
    // Where the first rule asks for nothing that is missing, none need be tried.
    let plain: Vec<Rule> = (0..100).map(|number| tcp(number, Action::Accept, None)).collect();
    let first = Decision::Rule { rule: 0, action: Action::Accept };
    assert_eq!(of_ingress(&plain, missing), first);
}

/// A protocol that isn't known may be one that no rule names.
#[test]
fn what_is_done_with_every_protocol_that_rules_name_is_not_done_with_all() {
    let accept =
        |number, protocol| Rule { protocol: Some(protocol), ..tcp(number, Action::Accept, None) };
    let missing = Missing::Cut;
    let flow = Flow { protocol: None, ..without_ports(missing) };
    let decided = |rules: &[Rule]| compiled(rules).decide(Direction::Ingress, &flow);
    let named = [accept(10, 6), accept(20, 17), accept(30, 1), accept(40, 0)];
    assert_eq!(decided(&named), Decision::Undecided { rule: 0, missing });
    // Of a protocol that has no ports, and that is the only one.
    assert_eq!(decided(&named[2..3]), Decision::Undecided { rule: 0, missing });
    let all = Rule { protocol: None, ..tcp(50, Action::Accept, None) };
    let named_and_all = [&named[..], &[all]].concat();
    assert_eq!(
        decided(&named_and_all),
        Decision::Agreed { rule: 0, action: Action::Accept, missing }
    );
}

/// A flow that no packet has, made by hand.
#[test]
fn ports_of_a_protocol_that_is_not_known_are_not_known_either() {
    let rules = [tcp(10, Action::Accept, PortRange::new(443, 443))];
    let ports = Ports::Known { source: 51_000, destination: 443 };
    let flow = Flow { protocol: None, ports, ..without_ports(Missing::Fragment) };
    assert_eq!(
        compiled(&rules).decide(Direction::Ingress, &flow),
        Decision::Undecided { rule: 0, missing: Missing::Cut }
    );
}

#[test]
fn no_rule_of_one_family_takes_a_packet_of_the_other() {
    let everything = |number, any: &str| Rule {
        protocol: None,
        source: any.parse().unwrap(),
        destination: any.parse().unwrap(),
        ..tcp(number, Action::Accept, None)
    };
    let flow = |source: &str, destination: &str| Flow {
        source: source.parse().unwrap(),
        destination: destination.parse().unwrap(),
        protocol: Some(1),
        ports: Ports::Absent,
    };
    let four = flow("203.0.113.9", "10.0.1.15");
    let six = flow("2001:db8::9", "2001:db8::15");
    // Their last 32 bits are the others' addresses, all of them or all but zeros.
    let mapped = flow("::ffff:203.0.113.9", "::ffff:10.0.1.15");
    let compatible = flow("::203.0.113.9", "::10.0.1.15");
    let taken = |rule| Decision::Rule { rule, action: Action::Accept };
    let of = |rules: &[&Rule], flow: &Flow| {
        let rules: Vec<Rule> = rules.iter().copied().cloned().collect();
        compiled(&rules).decide(Direction::Ingress, flow)
    };
    let (v4, v6) = (&everything(10, "0.0.0.0/0"), &everything(20, "::/0"));
    assert_eq!(of(&[v4], &four), taken(0));
    assert_eq!(of(&[v6], &four), Decision::NoRule);
    for flow in [six, mapped, compatible] {
        assert_eq!(of(&[v4], &flow), Decision::NoRule, "{flow:?}");
        assert_eq!(of(&[v4, v6], &flow), taken(1), "{flow:?}");
    }
    // Nor any rule one that is no packet.
    for (source, destination) in [("203.0.113.9", "2001:db8::15"), ("2001:db8::9", "10.0.1.15")] {
        let neither = flow(source, destination);
        assert_eq!(of(&[v4, v6], &neither), Decision::NoRule, "{neither:?}");
    }
}

#[test]
fn a_rule_that_names_ports_takes_nothing_that_has_none() {
    let ports = [tcp(10, Action::Accept, PortRange::new(0, u16::MAX))];
    let all = [Rule { protocol: None, ..tcp(10, Action::Accept, None) }];
    for protocol in [1, 2, 47, 50, 58, 132] {
        let flow =
            Flow { protocol: Some(protocol), ports: Ports::Absent, ..without_ports(Missing::Cut) };
        let of = |rules: &[Rule]| compiled(rules).decide(Direction::Ingress, &flow);
        assert_eq!(of(&ports), Decision::NoRule, "{protocol}");
        assert_eq!(of(&all), Decision::Rule { rule: 0, action: Action::Accept }, "{protocol}");
    }
}
