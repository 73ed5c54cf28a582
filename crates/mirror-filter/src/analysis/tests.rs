//! The diagram against two other ways to the same answer, on small filters with many coincidences.
//!
//! `book` reads one rule after another, as AWS says it. `subtracted` keeps for each rule the boxes
//! that no rule before has taken, without any diagram. And `cells` has a packet for every side of
//! every bound, so what holds for all of them holds for all packets.

#![allow(clippy::cast_possible_truncation, reason = "small numbers, and bits that are to be cut")]

pub(super) mod services;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::cube::{LEVELS, Point};
use super::*;
use crate::packet::has_ports;
use crate::{Decision, Fit, Rule, explain};

/// AWS's own words: ascending numbers, the first that matches.
pub(super) fn book(filter: &Filter, packet: &Packet) -> Option<usize> {
    let mut order: Vec<usize> = (0..filter.rules.len()).collect();
    order.sort_by_key(|&at| filter.rules[at].number);
    order.into_iter().find(|&at| {
        let rule = &filter.rules[at];
        let port = |range: Option<PortRange>, port: Option<u16>| match (range, port) {
            (None, _) => true,
            (Some(range), Some(port)) => range.contains(port),
            (Some(_), None) => false,
        };
        rule.direction == packet.direction
            && rule.protocol.is_none_or(|protocol| protocol == packet.protocol)
            && rule.source.contains(packet.source)
            && rule.destination.contains(packet.destination)
            && port(rule.source_ports, packet.ports.map(|(port, _)| port))
            && port(rule.destination_ports, packet.ports.map(|(_, port)| port))
    })
}

pub(super) fn action(filter: &Filter, rule: Option<usize>) -> Action {
    rule.map_or(Action::Reject, |at| filter.rules[at].action)
}

/// The values at, below and above each bound.
fn edges<T: Ord + Copy>(
    bounds: impl IntoIterator<Item = (T, T)>,
    step: impl Fn(T, bool) -> T,
) -> Vec<T> {
    let mut values = BTreeSet::new();
    for (low, high) in bounds {
        values.extend([low, high, step(low, false), step(high, true)]);
    }
    values.into_iter().collect()
}

/// A packet in every cell that the rules of some filters cut a space into.
pub(super) fn cells(filters: &[&Filter], direction: Direction, family: Family) -> Vec<Packet> {
    let rules: Vec<&Rule> = filters
        .iter()
        .flat_map(|filter| &filter.rules)
        .filter(|rule| Family::of(rule.source.address()) == family)
        .collect();
    let top = family.top(cube::SOURCE);
    let addresses = |of: fn(&Rule) -> &Cidr| {
        let bounds = rules.iter().map(|rule| {
            let interval = cube::Interval::of(of(rule));
            (interval.low, interval.high)
        });
        edges(bounds.chain([(0, top)]), |value: u128, up| {
            if up { value.saturating_add(1).min(top) } else { value.saturating_sub(1) }
        })
    };
    let ports = |of: fn(&Rule) -> Option<PortRange>| {
        let bounds =
            rules.iter().filter_map(|rule| of(rule)).map(|range| (range.from(), range.to()));
        edges(bounds.chain([(0, u16::MAX)]), |value: u16, up| {
            if up { value.saturating_add(1) } else { value.saturating_sub(1) }
        })
    };
    let mut protocols: BTreeSet<u8> = [0, 6, 17, 50, 255].into();
    protocols.extend(rules.iter().filter_map(|rule| rule.protocol));
    let (sources, destinations) =
        (addresses(|rule| &rule.source), addresses(|rule| &rule.destination));
    let source_ports = ports(|rule| rule.source_ports);
    let destination_ports = ports(|rule| rule.destination_ports);
    let mut cells = Vec::new();
    for protocol in protocols {
        for &source in &sources {
            for &destination in &destinations {
                let (source, destination) = (family.address(source), family.address(destination));
                let mut cell = |ports| {
                    cells.push(Packet { direction, protocol, source, destination, ports });
                };
                if has_ports(protocol) {
                    for &one in &source_ports {
                        destination_ports.iter().for_each(|&other| cell(Some((one, other))));
                    }
                } else {
                    cell(None);
                }
            }
        }
    }
    cells
}

fn space(filter: &Filter, direction: Direction, family: Family) -> Space {
    Space::new(filter, direction, family, &Services::default(), &Budget::default()).unwrap()
}

fn analysis(filter: &Filter) -> Result<Analysis, TooComplex> {
    Analysis::new(filter, &Services::default())
}

fn host(address: IpAddr) -> Cidr {
    Cidr::new(address, if address.is_ipv4() { 32 } else { 128 }).unwrap()
}

/// The rule of a packet by the engine that judges captures.
pub(super) fn by_engine(filter: &Filter, packet: &Packet) -> Option<usize> {
    match filter.compile().unwrap().decide(packet.direction, &packet.flow()) {
        Decision::Rule { rule, .. } => Some(rule),
        Decision::NoRule => None,
        other => panic!("{packet}: {other:?}"),
    }
}

/// The rule of a packet by the diagram.
pub(super) fn decided(space: &mut Space, packet: &Packet) -> Option<usize> {
    let leaves = space.arena.leaves(space.root, &Cube::of_packet(packet)).unwrap();
    assert_eq!(leaves.len(), 1, "{packet}");
    let leaf = *leaves.first().unwrap();
    space.rule(leaf).map(|rule| rule.index)
}

/// What is left of a cube without another.
fn without(cube: &Cube, other: &Cube) -> Vec<Cube> {
    let Some(meet) = cube.meet(other) else { return vec![*cube] };
    let (mut rest, mut inner) = (Vec::new(), *cube);
    for level in 0..LEVELS {
        let (whole, cut) = (inner.side(level), meet.side(level));
        if whole.low < cut.low {
            let mut below = inner;
            below.set(level, cube::Interval { low: whole.low, high: cut.low - 1 });
            rest.push(below);
        }
        if cut.high < whole.high {
            let mut above = inner;
            above.set(level, cube::Interval { low: cut.high + 1, high: whole.high });
            rest.push(above);
        }
        inner.set(level, cut);
    }
    rest
}

/// For each rule of a space the boxes that it decides, by taking away what those before have.
///
/// Boxes of protocols without ports that the ports alone set apart are of no packet, or of the same
/// ones; neither makes a live rule look dead or the other way round, since no rule with ports has
/// such a protocol.
fn subtracted(filter: &Filter, direction: Direction, family: Family) -> Vec<(usize, Vec<Cube>)> {
    let mut before: Vec<Cube> = Vec::new();
    let mut live = Vec::new();
    for rule in space::rules(filter, direction, family) {
        let mut left = rule.cubes.clone();
        for taken in &before {
            left = left.iter().flat_map(|cube| without(cube, taken)).collect();
        }
        before.extend(&rule.cubes);
        live.push((rule.index, left));
    }
    live
}

/// What the rules of a random filter are about.
pub(super) struct Theme {
    v4: &'static [&'static str],
    v6: &'static [&'static str],
    ports: &'static [(u16, u16)],
}

/// Where bounds meet and values end.
const BOUNDS: Theme = Theme {
    v4: &[
        "0.0.0.0/0",
        "0.0.0.0/1",
        "128.0.0.0/1",
        "10.0.0.0/8",
        "10.0.0.0/16",
        "10.0.1.0/24",
        "10.0.1.15/32",
        "255.255.255.255/32",
        "0.0.0.0/32",
    ],
    v6: &[
        "::/0",
        "8000::/1",
        "::/1",
        "2001:db8::/32",
        "2001:db8:0:1::/64",
        "::/128",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
    ],
    ports: &[
        (443, 443),
        (80, 90),
        (85, 443),
        (0, 65_535),
        (0, 0),
        (65_535, 65_535),
        (1_024, 65_535),
    ],
};

impl Theme {
    fn ports(&self) -> impl Strategy<Value = Option<PortRange>> + use<> {
        prop_oneof![
            3 => Just(None),
            2 => prop::sample::select(self.ports)
                .prop_map(|(from, to)| PortRange::new(from, to)),
        ]
    }

    fn range(&self, six: bool) -> impl Strategy<Value = Cidr> + use<> {
        let texts = if six { self.v6 } else { self.v4 };
        prop::sample::select(texts).prop_map(|text| text.parse().unwrap())
    }
}

pub(super) fn rule() -> impl Strategy<Value = Rule> {
    rule_about(&BOUNDS)
}

pub(super) fn rule_about(theme: &'static Theme) -> impl Strategy<Value = Rule> {
    let protocol = prop::sample::select(vec![
        None,
        None,
        Some(6),
        Some(6),
        Some(17),
        Some(1),
        Some(0),
        Some(255),
    ]);
    let ports = || theme.ports();
    (any::<bool>(), any::<bool>(), any::<bool>(), protocol, ports(), ports(), 0_u32..30)
        .prop_flat_map(
            |(egress, six, accept, protocol, source_ports, destination_ports, number)| {
                let with_ports = matches!(protocol, Some(6 | 17));
                (theme.range(six), theme.range(six)).prop_map(move |(source, destination)| Rule {
                    direction: if egress { Direction::Egress } else { Direction::Ingress },
                    number,
                    action: if accept { Action::Accept } else { Action::Reject },
                    protocol,
                    source,
                    destination,
                    source_ports: source_ports.filter(|_| with_ports),
                    destination_ports: destination_ports.filter(|_| with_ports),
                    description: None,
                    id: None,
                })
            },
        )
}

/// A filter as AWS would take it: no number twice in a direction.
pub(super) fn filter(most: usize) -> impl Strategy<Value = Filter> {
    filter_about(&BOUNDS, most)
}

pub(super) fn filter_about(theme: &'static Theme, most: usize) -> impl Strategy<Value = Filter> {
    prop::collection::vec(rule_about(theme), 0..=most).prop_map(|mut rules| {
        let mut seen = BTreeSet::new();
        rules.retain(|rule| seen.insert((rule.direction, rule.number)));
        Filter { rules, ..Filter::default() }
    })
}

pub(super) fn spaces() -> impl Iterator<Item = (Direction, Family)> {
    let ways = [Direction::Ingress, Direction::Egress];
    ways.into_iter().flat_map(|way| Family::BOTH.map(|family| (way, family)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn in_every_cell_the_diagram_says_what_the_book_says(filter in filter(7)) {
        for (direction, family) in spaces() {
            let mut space = space(&filter, direction, family);
            for packet in cells(&[&filter], direction, family) {
                let rule = book(&filter, &packet);
                prop_assert_eq!(decided(&mut space, &packet), rule, "{}", packet);
                prop_assert_eq!(by_engine(&filter, &packet), rule, "{}", packet);
                let tried = explain(&filter, &packet);
                let first = tried.iter().find(|tried| tried.fit == Fit::Matches);
                prop_assert_eq!(first.map(|tried| tried.rule), rule, "{}", packet);
            }
        }
    }

    #[test]
    fn a_rule_is_live_if_subtraction_leaves_something_of_it(filter in filter(12)) {
        for (direction, family) in spaces() {
            let mut space = space(&filter, direction, family);
            let leaves = space.arena.leaves(space.root, &Cube::whole(family)).unwrap();
            for (place, (_, left)) in subtracted(&filter, direction, family).into_iter().enumerate() {
                prop_assert_eq!(leaves.contains(&(place as u32 + 1)), !left.is_empty());
                // And each piece is decided by it.
                for cube in left {
                    let point = std::array::from_fn(|level| cube.side(level).high);
                    let packet = Point(point).packet(family, direction);
                    let index = space.rules[place].index;
                    prop_assert_eq!(decided(&mut space, &packet), Some(index));
                }
            }
        }
    }

    #[test]
    fn outcomes_of_a_question_are_those_of_the_packets_asked_about(
        filter in filter(8), question in rule(),
    ) {
        let Rule { direction, protocol, source, destination, source_ports, destination_ports, .. } = question;
        let flows = Flows { direction, protocol, source, destination, source_ports, destination_ports };
        let outcomes = analysis(&filter).unwrap().outcomes(&flows).unwrap();
        let mut asked = filter.clone();
        let number = 1_000;
        asked.rules.push(Rule { number, ..question.clone() });
        let only = Filter { rules: vec![question], ..Filter::default() };
        // The question's own bounds cut cells too.
        let family = Family::of(source.address());
        let seen: BTreeSet<Option<usize>> = cells(&[&asked], direction, family)
            .iter()
            .filter(|packet| book(&only, packet).is_some())
            .map(|packet| book(&filter, packet))
            .collect();
        let said: BTreeSet<Option<usize>> = outcomes.iter().map(|one| one.rule).collect();
        prop_assert_eq!(said, seen);
        for one in outcomes {
            prop_assert_eq!(book(&only, &one.example), Some(0), "{}", one.example);
            prop_assert_eq!(book(&filter, &one.example), one.rule, "{}", one.example);
            prop_assert_eq!(action(&filter, one.rule), one.action);
        }
        for want in [Action::Accept, Action::Reject] {
            let any = analysis(&filter).unwrap().any(&flows, want).unwrap();
            if let Some(packet) = any {
                prop_assert_eq!(action(&filter, book(&filter, &packet)), want);
            }
            let is_there = cells(&[&asked], direction, family).iter().any(|packet| {
                book(&only, packet).is_some() && action(&filter, book(&filter, packet)) == want
            });
            prop_assert_eq!(any.is_some(), is_there);
        }
    }

    #[test]
    fn differences_are_the_pairs_of_rules_that_disagree_in_a_cell(a in filter(5), b in filter(5)) {
        let found = differences(&a, &b).unwrap();
        let mut seen = BTreeSet::new();
        for (direction, family) in spaces() {
            for packet in cells(&[&a, &b], direction, family) {
                let (one, other) = (book(&a, &packet), book(&b, &packet));
                if action(&a, one) != action(&b, other) {
                    seen.insert((direction, Family::of(packet.source) == Family::V6, one, other));
                }
            }
        }
        let said: BTreeSet<_> = found
            .iter()
            .map(|one| (one.direction, one.example.source.is_ipv6(), one.a, one.b))
            .collect();
        prop_assert_eq!(said.len(), found.len());
        prop_assert_eq!(said, seen);
        for one in &found {
            prop_assert_eq!(book(&a, &one.example), one.a, "{}", one.example);
            prop_assert_eq!(book(&b, &one.example), one.b, "{}", one.example);
        }
        prop_assert_eq!(differences(&a, &a).unwrap(), []);
    }
}

/// Number, action, protocol, source, destination, destination ports.
type Text<'t> = (u32, Action, Option<u8>, &'t str, &'t str, Option<(u16, u16)>);

fn from_texts(rules: &[Text<'_>]) -> Filter {
    let rules = rules.iter().map(|&(number, action, protocol, source, destination, ports)| Rule {
        direction: Direction::Ingress,
        number,
        action,
        protocol,
        source: source.parse().unwrap(),
        destination: destination.parse().unwrap(),
        source_ports: None,
        destination_ports: ports.and_then(|(from, to)| PortRange::new(from, to)),
        description: None,
        id: None,
    });
    Filter { rules: rules.collect(), ..Filter::default() }
}

/// Four addresses, and one port: no more and no less.
#[test]
fn one_bound_moved_by_one_is_that_cell_and_nothing_else() {
    let with = |to| {
        from_texts(&[(1, Action::Accept, Some(17), "10.0.0.0/30", "0.0.0.0/0", Some((50, to)))])
    };
    let found = differences(&with(60), &with(61)).unwrap();
    let [one] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((one.a, one.b), (None, Some(0)));
    assert_eq!(one.example.to_string(), "ingress udp 10.0.0.1:51000 > 10.0.1.15:61");

    // The same as boxes: what the one has and the other hasn't.
    let cubes = |filter: &Filter| space::rules(filter, Direction::Ingress, Family::V4)[0].cubes[0];
    let rest = without(&cubes(&with(61)), &cubes(&with(60)));
    let [rest] = rest.as_slice() else { panic!("{rest:?}") };
    assert_eq!(rest.side(cube::DESTINATION_PORT), cube::Interval::one(61_u16));
    assert!(without(&cubes(&with(60)), &cubes(&with(61))).is_empty());
}

#[test]
fn ports_are_of_tcp_and_udp_alone() {
    let filter = from_texts(&[
        (1, Action::Accept, None, "0.0.0.0/0", "0.0.0.0/0", Some((443, 443))),
        (2, Action::Accept, Some(1), "0.0.0.0/0", "0.0.0.0/0", Some((443, 443))),
        (3, Action::Accept, Some(132), "0.0.0.0/0", "0.0.0.0/0", None),
    ]);
    let outcomes = analysis(&filter).unwrap().outcomes(&Flows::all_v4(Direction::Ingress));
    let rules: Vec<_> =
        outcomes.unwrap().iter().map(|one| (one.rule, one.example.protocol)).collect();
    assert_eq!(rules, [(Some(0), 6), (Some(2), 132), (None, 6)]);
}

#[test]
fn filters_written_differently_are_the_same_diagram() {
    let any = "0.0.0.0/0";
    let one = from_texts(&[(5, Action::Accept, None, any, any, None)]);
    let halves = from_texts(&[
        (2, Action::Accept, None, "128.0.0.0/1", any, None),
        (1, Action::Accept, None, any, "0.0.0.0/1", None),
        (3, Action::Accept, Some(6), any, any, Some((0, 65_535))),
        (4, Action::Accept, None, "0.0.0.0/1", any, None),
        (9, Action::Reject, None, any, any, None),
    ]);
    assert_eq!(differences(&one, &halves).unwrap(), []);
}

#[test]
fn the_highest_address_of_each_family_is_in_no_cell_beyond_it() {
    let top: IpAddr = Ipv6Addr::from_bits(u128::MAX).into();
    let broadcast: IpAddr = Ipv4Addr::BROADCAST.into();
    for address in [top, broadcast] {
        let text = host(address).to_string();
        let any = if address.is_ipv4() { "0.0.0.0/0" } else { "::/0" };
        let filter = from_texts(&[(1, Action::Accept, None, &text, any, None)]);
        let all = Flows::all(Direction::Ingress, Family::of(address));
        let outcomes = analysis(&filter).unwrap().outcomes(&all).unwrap();
        assert_eq!(outcomes.len(), 2);
        assert_eq!(outcomes[0].example.source, address);
    }
}

/// A leaf's number has no bit of those that tell leaves from nodes.
#[test]
fn there_are_no_more_places_than_leaves() {
    assert_eq!(space::leaf(0), Ok(1));
    assert_eq!(space::leaf((1 << 30) - 2), Ok((1 << 30) - 1));
    for place in [1 << 30, 1 << 31, usize::MAX] {
        assert_eq!(space::leaf(place), Err(TooComplex));
    }
}

/// Each rule crosses all others, so that the pieces multiply at every level.
#[test]
fn a_filter_made_to_explode_is_refused_in_bounded_time() {
    let slabs: Vec<Rule> = (0..3_000_u32)
        .map(|n| {
            let hosts = |bits: u32| Cidr::new(Ipv4Addr::from_bits(bits).into(), 32).unwrap();
            let all: Cidr = "0.0.0.0/0".parse().unwrap();
            let port = (n as u16).wrapping_mul(20) + 7;
            let (source, destination, source_ports, destination_ports) = match n % 4 {
                0 => (hosts(n * 2), all, None, None),
                1 => (all, hosts(n * 2), None, None),
                2 => (all, all, PortRange::new(port, port), None),
                _ => (all, all, None, PortRange::new(port, port)),
            };
            Rule {
                direction: Direction::Ingress,
                number: n,
                action: if n.is_multiple_of(3) { Action::Reject } else { Action::Accept },
                protocol: Some(6),
                source,
                destination,
                source_ports,
                destination_ports,
                description: None,
                id: None,
            }
        })
        .collect();
    let filter = Filter { rules: slabs, ..Filter::default() };
    assert_eq!(analysis(&filter).map(|_| ()), Err(TooComplex));
}

/// Each question looks at some 2,000 edges, and 30 million are all that a diagram is looked at.
#[test]
fn all_questions_together_have_a_bound() {
    let any = "0.0.0.0/0";
    let rules: Vec<Text<'_>> = (0..1_000)
        .map(|n| (u32::from(n), Action::Accept, Some(6), any, any, Some((n * 4, n * 4))))
        .collect();
    let mut space = space(&from_texts(&rules), Direction::Ingress, Family::V4);
    let packet = "ingress tcp 203.0.113.9:51000 > 10.0.1.15:443".parse().unwrap();
    let asked = (0..40_000)
        .take_while(|_| space.arena.leaves(space.root, &Cube::of_packet(&packet)).is_ok())
        .count();
    assert!((5_000..20_000).contains(&asked), "{asked}");
}

#[test]
fn unneeded_nodes_are_forgotten_and_the_diagram_stays_what_it_is() {
    let rules: Vec<Rule> = (0..600_u32)
        .map(|n| {
            let at = n.wrapping_mul(0x9e37_79b9);
            Rule {
                direction: Direction::Ingress,
                number: n,
                action: if n % 3 == 0 { Action::Accept } else { Action::Reject },
                protocol: Some(6),
                source: Cidr::new(Ipv4Addr::from_bits(at).into(), 4 + (n % 20) as u8).unwrap(),
                destination: Cidr::new(
                    Ipv4Addr::from_bits(at.rotate_left(9)).into(),
                    2 + (n % 13) as u8,
                )
                .unwrap(),
                source_ports: None,
                destination_ports: PortRange::new(n as u16, n as u16 * 40),
                description: None,
                id: None,
            }
        })
        .collect();
    let filter = Filter { rules, ..Filter::default() };
    let mut space = space(&filter, Direction::Ingress, Family::V4);
    // As many as there are where nothing is forgotten.
    let mut arena = diagram::Arena::new(Family::V4, &Budget::default());
    let mut root = diagram::Ref::leaf(space::NONE);
    for (place, rule) in space.rules.iter().enumerate().rev() {
        root = space::paint(&mut arena, root, rule, space::leaf(place).unwrap()).unwrap();
    }
    assert!(space.arena.len() * 2 < arena.len(), "{} of {}", space.arena.len(), arena.len());
    // The bound of memory is one of what there is.
    for arena in [&arena, &space.arena] {
        let (counted, there) = arena.edges_counted();
        assert_eq!(counted, there);
    }
    for n in 0..2_000_u32 {
        let at = n.wrapping_mul(0x85eb_ca6b);
        let packet = Packet {
            direction: Direction::Ingress,
            protocol: 6,
            source: Ipv4Addr::from_bits(at).into(),
            destination: Ipv4Addr::from_bits(at.rotate_left(9)).into(),
            ports: Some((1, (at >> 7) as u16)),
        };
        assert_eq!(decided(&mut space, &packet), book(&filter, &packet), "{packet}");
    }
}
