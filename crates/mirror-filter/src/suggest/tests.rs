use std::net::IpAddr;

use mirror_wire::Ports;
use proptest::prelude::*;

use super::*;
use crate::{Compiled, Decision, Filter};

/// `ingress tcp 10.0.3.4 443 > 10.0.1.15 50000`, without ports for other protocols.
fn sample(text: &str) -> Sample {
    let words: Vec<&str> = text.split_whitespace().filter(|word| *word != ">").collect();
    let address = |word: &str| -> IpAddr { word.parse().unwrap() };
    let (flow, protocol) = match words.as_slice() {
        [_, protocol, source, from, destination, to] => {
            let ports =
                Ports::Known { source: from.parse().unwrap(), destination: to.parse().unwrap() };
            ((address(source), address(destination), ports), *protocol)
        }
        [_, protocol, source, destination] => {
            ((address(source), address(destination), Ports::Absent), *protocol)
        }
        _ => panic!("{text}"),
    };
    let protocol = match protocol {
        "tcp" => 6,
        "udp" => 17,
        "icmp" => 1,
        other => other.parse().unwrap(),
    };
    Sample {
        direction: if words[0] == "ingress" { Direction::Ingress } else { Direction::Egress },
        flow: Flow { source: flow.0, destination: flow.1, protocol: Some(protocol), ports: flow.2 },
        packets: 1,
    }
}

/// Both directions of what leaves the interface.
fn conversation(text: &str) -> [Sample; 2] {
    let egress = sample(&format!("egress {text}"));
    let Flow { source, destination, ports, .. } = egress.flow;
    let ports = match ports {
        Ports::Known { source, destination } => {
            Ports::Known { source: destination, destination: source }
        }
        other => other,
    };
    let flow = Flow { source: destination, destination: source, ports, ..egress.flow };
    [egress, Sample { direction: Direction::Ingress, flow, ..egress }]
}

fn conversations(texts: &[&str]) -> Vec<Sample> {
    texts.iter().flat_map(|text| conversation(text)).collect()
}

fn ranges(texts: &[&str]) -> Vec<Cidr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn texts(rules: &[Rule]) -> Vec<String> {
    rules.iter().map(ToString::to_string).collect()
}

fn compiled(rules: Vec<Rule>) -> Compiled {
    Filter { rules, ..Filter::default() }.compile().unwrap()
}

fn mirrors(filter: &Compiled, sample: &Sample) -> bool {
    matches!(
        filter.decide(sample.direction, &sample.flow),
        Decision::Rule { action: Action::Accept, .. }
    )
}

const VPC: [&str; 2] = ["10.0.0.0/16", "2001:db8:1234:ab00::/56"];

const HTTPS: [&str; 4] = [
    "tcp 10.0.1.15 51000 > 203.0.113.9 443",
    "tcp 10.0.1.15 51001 > 9.255.255.255 443",
    "tcp 2001:db8:1234:ab01::15 51002 > 2001:db8:beef::9 443",
    "tcp 2001:db8:1234:ab01::15 51003 > 2001:db8:1234:ac00::1 443",
];

const OTHER: [&str; 6] = [
    "tcp 10.0.1.15 51004 > 203.0.113.9 80",
    "udp 10.0.1.15 51005 > 203.0.113.9 443",
    "tcp 10.0.1.15 443 > 198.51.100.77 52000",
    "tcp 10.0.1.15 443 > 10.0.3.4 52001",
    "udp 10.0.1.15 40000 > 203.0.113.53 53",
    "tcp 2001:db8:1234:ab01::15 51006 > 2001:db8:beef::9 80",
];

const WITHIN: [&str; 4] = [
    "tcp 10.0.1.15 51007 > 10.0.0.0 443",
    "tcp 10.0.1.15 51008 > 10.0.255.255 443",
    "tcp 2001:db8:1234:ab01::15 51009 > 2001:db8:1234:ab00:: 443",
    "tcp 2001:db8:1234:ab01::15 51010 > 2001:db8:1234:abff:: 443",
];

#[test]
fn lab_d_is_found_again_rule_by_rule() {
    let exclude = conversations(&[&OTHER[..], &WITHIN].concat());
    let rules = suggest(&conversations(&HTTPS), &exclude, &ranges(&VPC));
    assert_eq!(
        texts(&rules),
        [
            "ingress 10 reject all 10.0.0.0/16 > 0.0.0.0/0",
            "ingress 20 reject all 2001:db8:1234:ab00::/56 > ::/0",
            "ingress 100 accept tcp 0.0.0.0/0 443 > 0.0.0.0/0",
            "ingress 110 accept tcp ::/0 443 > ::/0",
            "egress 10 reject all 0.0.0.0/0 > 10.0.0.0/16",
            "egress 20 reject all ::/0 > 2001:db8:1234:ab00::/56",
            "egress 100 accept tcp 0.0.0.0/0 > 0.0.0.0/0 443",
            "egress 110 accept tcp ::/0 > ::/0 443",
        ]
    );
}

#[test]
fn without_anything_within_the_vpc_four_rules_are_enough() {
    let rules = suggest(&conversations(&HTTPS), &conversations(&OTHER), &ranges(&VPC));
    assert_eq!(
        texts(&rules),
        [
            "ingress 100 accept tcp 0.0.0.0/0 443 > 0.0.0.0/0",
            "ingress 110 accept tcp ::/0 443 > ::/0",
            "egress 100 accept tcp 0.0.0.0/0 > 0.0.0.0/0 443",
            "egress 110 accept tcp ::/0 > ::/0 443",
        ]
    );
}

/// Nothing was shown that isn't wanted; still not everything is.
#[test]
fn a_service_is_suggested_where_everything_would_do() {
    let include =
        conversations(&["tcp 10.0.1.15 5432 > 10.0.7.8 40000", "icmp 10.0.1.15 > 10.0.9.9"]);
    assert_eq!(
        texts(&suggest(&include, &[], &[])),
        [
            "ingress 100 accept icmp 0.0.0.0/0 > 0.0.0.0/0",
            "ingress 110 accept tcp 0.0.0.0/0 > 0.0.0.0/0 5432",
            "egress 100 accept icmp 0.0.0.0/0 > 0.0.0.0/0",
            "egress 110 accept tcp 0.0.0.0/0 5432 > 0.0.0.0/0",
        ]
    );
}

#[test]
fn one_direction_alone_stands_for_the_conversation() {
    let rules = suggest(&[sample("ingress tcp 198.51.100.7 40000 > 10.0.1.15 22")], &[], &[]);
    assert_eq!(
        texts(&rules),
        [
            "ingress 100 accept tcp 0.0.0.0/0 > 0.0.0.0/0 22",
            "egress 100 accept tcp 0.0.0.0/0 22 > 0.0.0.0/0",
        ]
    );
}

#[test]
fn directions_that_are_told_apart_are_kept_apart() {
    let [egress, ingress] = conversation("tcp 10.0.1.15 40000 > 203.0.113.9 443");
    let rules = suggest(&[ingress], &[egress], &[]);
    assert_eq!(texts(&rules), ["ingress 100 accept tcp 0.0.0.0/0 443 > 0.0.0.0/0"]);
}

/// A narrowed rule is one, a reject before it two; but public addresses stand for no others.
#[test]
fn private_servers_are_named_and_public_ones_are_not() {
    let one = suggest(
        &conversations(&["tcp 10.0.1.15 40000 > 10.0.5.7 5432"]),
        &conversations(&["tcp 10.0.1.15 40001 > 10.0.9.9 5432"]),
        &ranges(&VPC),
    );
    assert_eq!(texts(&one)[1], "egress 100 accept tcp 0.0.0.0/0 > 10.0.5.0/24 5432");
    assert_eq!(one.len(), 2);
    let other = suggest(
        &conversations(&["tcp 10.0.1.15 40000 > 203.0.113.9 443"]),
        &conversations(&["tcp 10.0.1.15 40001 > 10.0.9.9 443"]),
        &[],
    );
    assert_eq!(
        texts(&other)[2..],
        [
            "egress 10 reject all 0.0.0.0/0 > 10.0.0.0/8",
            "egress 100 accept tcp 0.0.0.0/0 > 0.0.0.0/0 443"
        ]
    );
}

#[test]
fn services_are_joined_when_ten_rules_are_not_enough() {
    let texts: Vec<String> = (0..40)
        .map(|n| format!("tcp 10.0.1.15 {} > 203.0.113.9 {}", 40_000 + n, 8_000 + 10 * n))
        .collect();
    let include = conversations(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    let exclude = conversations(&["tcp 10.0.1.15 40000 > 203.0.113.9 8095"]);
    let rules = suggest(&include, &exclude, &[]);
    assert!(rules.len() <= MAX_RULES, "{:?}", self::texts(&rules));
    let filter = compiled(rules);
    assert!(include.iter().all(|sample| mirrors(&filter, sample)));
    assert!(!exclude.iter().any(|sample| mirrors(&filter, sample)));
}

/// The rules for what leaves the interface, without their numbers.
fn egress(rules: &[Rule]) -> Vec<String> {
    let rules = rules.iter().filter(|rule| rule.direction == Direction::Egress);
    let text = |rule: &Rule| {
        let text = rule.to_string();
        text.splitn(3, ' ').last().unwrap().to_owned()
    };
    rules.map(text).collect()
}

/// Conversations with a server at each of these ports.
fn served(server: &str, ports: impl IntoIterator<Item = u16>) -> Vec<Sample> {
    let local = if server.contains(':') { "2001:db8:1234:ab01::15" } else { "10.0.1.15" };
    let texts = ports
        .into_iter()
        .zip(50_000..)
        .map(|(port, client): (u16, u16)| format!("tcp {local} {client} > {server} {port}"));
    texts.flat_map(|text| conversation(&text)).collect()
}

#[test]
fn the_two_services_are_joined_that_open_the_least() {
    let of = |include: &[Sample], exclude: &[Sample]| {
        let rules = suggest(include, exclude, &[]);
        let ports = |text: String| text.replace("accept tcp 0.0.0.0/0 > 0.0.0.0/0 ", "");
        egress(&rules).into_iter().map(ports).collect::<Vec<_>>()
    };
    let server = "203.0.113.9";
    let six = served(server, [100, 110, 200, 300, 400, 500]);
    assert_eq!(of(&six, &[]), ["100-110", "200", "300", "400", "500"]);
    // A range that is wide already is opened by less than a bit.
    let wide = served(server, (100..164).chain([170, 300, 310, 400, 500]));
    assert_eq!(of(&wide, &[]), ["100-170", "300", "310", "400", "500"]);
    // What lies between may be unwanted.
    let between = served(server, [105]);
    let next = served(server, [100, 110, 130, 200, 300, 400]);
    assert_eq!(of(&next, &between), ["100", "110-130", "200", "300", "400"]);
}

#[test]
fn rules_are_shared_among_families_by_what_it_costs_each() {
    let four = served("203.0.113.9", [100, 110, 200]);
    let six = served("2001:db8:beef::9", [100, 300, 500]);
    let of = |include: &[Sample]| egress(&suggest(include, &[], &[]));
    assert_eq!(
        of(&[&four[..], &six].concat()),
        [
            "accept tcp 0.0.0.0/0 > 0.0.0.0/0 100-110",
            "accept tcp 0.0.0.0/0 > 0.0.0.0/0 200",
            "accept tcp ::/0 > ::/0 100",
            "accept tcp ::/0 > ::/0 300",
            "accept tcp ::/0 > ::/0 500",
        ]
    );
}

#[test]
fn each_network_that_is_unwanted_is_rejected() {
    let https = |server: &str| served(server, [443]);
    let include = [https("203.0.113.9"), https("198.51.100.7")].concat();
    let exclude = [https("10.0.9.9"), https("192.168.7.7"), https("10.7.7.7")].concat();
    assert_eq!(
        egress(&suggest(&include, &exclude, &[])),
        [
            "reject all 0.0.0.0/0 > 10.0.0.0/8",
            "reject all 0.0.0.0/0 > 192.168.0.0/16",
            "accept tcp 0.0.0.0/0 > 0.0.0.0/0 443",
        ]
    );
}

/// A service of one network is narrowed to it, whatever becomes of the others.
#[test]
fn one_service_is_narrowed_and_another_has_something_rejected() {
    let include = conversations(&[
        "tcp 10.0.1.15 50001 > 10.0.5.7 5432",
        "tcp 10.0.1.15 50002 > 203.0.113.9 443",
        "tcp 10.0.1.15 50003 > 198.51.100.7 443",
        "tcp 10.0.1.15 50004 > 192.0.2.1 443",
        "tcp 10.0.1.15 50005 > 9.9.9.9 443",
    ]);
    let exclude = conversations(&[
        "tcp 10.0.1.15 50011 > 10.0.9.9 5432",
        "tcp 10.0.1.15 50012 > 10.0.8.8 443",
    ]);
    assert_eq!(
        egress(&suggest(&include, &exclude, &[])),
        [
            "reject all 0.0.0.0/0 > 10.0.8.0/24",
            "accept tcp 0.0.0.0/0 > 0.0.0.0/0 443",
            "accept tcp 0.0.0.0/0 > 10.0.5.0/24 5432",
        ]
    );
}

/// Two rules for what is wanted, where all that isn't would take seven.
#[test]
fn where_rejects_are_too_many_the_wanted_networks_are_named() {
    let https = |server: String| served(&server, [443]);
    let include: Vec<Sample> = (1..=2).flat_map(|n| https(format!("10.{n}.1.1"))).collect();
    let exclude: Vec<Sample> = (3..=9).flat_map(|n| https(format!("10.{n}.1.1"))).collect();
    assert_eq!(
        egress(&suggest(&include, &exclude, &[])),
        ["accept tcp 0.0.0.0/0 > 10.1.0.0/16 443", "accept tcp 0.0.0.0/0 > 10.2.0.0/16 443",]
    );
}

#[test]
fn where_ten_rules_are_not_enough_the_fewest_packets_are_left() {
    // Each wanted service lies between two that aren't, so none can be joined.
    let service = |port: u16| format!("tcp 10.0.1.15 50000 > 203.0.113.9 {port}");
    let mut include = Vec::new();
    let mut exclude = Vec::new();
    for n in 0..8_u16 {
        let packets = u64::from(n) + 1;
        include.extend(conversation(&service(100 + 2 * n)).map(|s| Sample { packets, ..s }));
        exclude.extend(conversation(&service(101 + 2 * n)));
    }
    let rules = suggest(&include, &exclude, &[]);
    assert!(rules.len() <= MAX_RULES, "{:?}", texts(&rules));
    let filter = compiled(rules);
    let kept: Vec<u64> =
        include.iter().filter(|s| mirrors(&filter, s)).map(|s| s.packets).collect();
    assert!(!exclude.iter().any(|sample| mirrors(&filter, sample)));
    assert_eq!(kept, [4, 4, 5, 5, 6, 6, 7, 7, 8, 8]);
}

#[test]
fn what_is_both_wanted_and_unwanted_is_wanted() {
    let both = conversations(&["tcp 10.0.1.15 40000 > 203.0.113.9 443"]);
    assert_eq!(suggest(&both, &both, &[]).len(), 2);
}

#[test]
fn nothing_wanted_makes_no_rules() {
    assert_eq!(suggest(&[], &conversations(&OTHER), &[]), []);
}

fn a_sample() -> impl Strategy<Value = Sample> {
    let v4 = ["10.0.1.15", "10.0.2.7", "10.0.2.8", "192.168.0.1", "203.0.113.9", "198.51.100.7"];
    let v6 = ["2001:db8::1", "2001:db8::2", "2001:db8:1::1", "fd00::1"];
    let pairs = prop_oneof![
        proptest::sample::select(v4.to_vec())
            .prop_flat_map(move |a| (Just(a), proptest::sample::select(v4.to_vec()))),
        proptest::sample::select(v6.to_vec())
            .prop_flat_map(move |a| (Just(a), proptest::sample::select(v6.to_vec()))),
    ];
    let ports =
        proptest::sample::select(vec![22_u16, 53, 80, 443, 5_432, 8_080, 40_000, 40_001, 65_535]);
    let protocol = proptest::sample::select(vec![1_u8, 6, 6, 17, 47]);
    (pairs, ports.clone(), ports, protocol, any::<bool>(), 1_u64..50).prop_map(
        |((source, destination), from, to, protocol, is_ingress, packets)| Sample {
            direction: if is_ingress { Direction::Ingress } else { Direction::Egress },
            flow: Flow {
                source: source.parse().unwrap(),
                destination: destination.parse().unwrap(),
                protocol: Some(protocol),
                ports: if matches!(protocol, 6 | 17) {
                    Ports::Known { source: from, destination: to }
                } else {
                    Ports::Absent
                },
            },
            packets,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever was seen: a filter that AWS takes, nothing unwanted, and with a few flows all that
    /// is wanted.
    #[test]
    fn nothing_unwanted_is_ever_mirrored(
        include in proptest::collection::vec(a_sample(), 0..12),
        exclude in proptest::collection::vec(a_sample(), 0..12),
    ) {
        let rules = suggest(&include, &exclude, &ranges(&["10.0.0.0/16"]));
        prop_assert!(rules.len() <= MAX_RULES);
        let both = |sample: &Sample, others: &[Sample]| {
            others.iter().any(|o| (o.direction, o.flow) == (sample.direction, sample.flow))
        };
        let filter = compiled(rules.clone());
        for sample in &exclude {
            prop_assert!(
                !mirrors(&filter, sample) || both(sample, &include),
                "{:?} by {:?}", sample, texts(&rules)
            );
        }
        // One conversation needs one accept a direction, so five can't be too many of a family.
        let few = include.len() <= 2;
        for sample in include.iter().filter(|_| few) {
            prop_assert!(mirrors(&filter, sample), "{:?} by {:?}", sample, texts(&rules));
        }
    }
}

/// As many flows as a capture may have, wanted and unwanted among each other: bounded work, and
/// still nothing unwanted.
#[test]
fn flows_that_cannot_be_told_apart_end_the_search_soon() {
    let flows = |odd: u32| -> Vec<Sample> {
        (0..4_000_u32)
            .map(|n| {
                let mixed = n.wrapping_mul(2_654_435_761) & !1 | odd;
                let [a, b, c, d] = mixed.to_be_bytes();
                let port = 1_024 + u16::try_from(n % 50_000).unwrap();
                sample(&format!("egress tcp 10.0.1.15 {port} > {a}.{b}.{c}.{d} {}", 440 + n % 40))
            })
            .collect()
    };
    let (include, exclude) = (flows(0), flows(1));
    let start = std::time::Instant::now();
    let rules = suggest(&include, &exclude, &[]);
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
    let filter = compiled(rules);
    assert!(!exclude.iter().any(|sample| mirrors(&filter, sample)));
}
