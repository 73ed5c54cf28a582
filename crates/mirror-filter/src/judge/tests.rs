use std::net::IpAddr;

use mirror_wire::Flow;

use super::*;
use crate::{Cidr, Filter, PortRange, Rule};

fn rule(direction: Direction, number: u32, action: Action, port: Option<u16>) -> Rule {
    Rule {
        direction,
        number,
        action,
        protocol: port.map(|_| 6),
        source: "0.0.0.0/0".parse().unwrap(),
        destination: "0.0.0.0/0".parse().unwrap(),
        source_ports: None,
        destination_ports: port.and_then(|port| PortRange::new(port, port)),
        description: None,
        id: None,
    }
}

fn ingress(number: u32, action: Action, port: Option<u16>) -> Rule {
    rule(Direction::Ingress, number, action, port)
}

fn session(rules: &[Rule]) -> Compiled {
    Filter { rules: rules.to_vec(), ..Filter::default() }.compile().unwrap()
}

fn all() -> Vec<Rule> {
    let both = [Direction::Ingress, Direction::Egress];
    both.map(|direction| rule(direction, 1, Action::Accept, None)).to_vec()
}

fn dns_of(rules: &[Rule]) -> Compiled {
    let filter = Filter { rules: rules.to_vec(), amazon_dns: true, ..Filter::default() };
    filter.compile().unwrap()
}

/// From one `address:port` to another; a port of 0 stands for missing ones.
fn packet(protocol: u8, source: (&str, u16), destination: (&str, u16)) -> Seen {
    let address = |text: &str| -> IpAddr { text.parse().unwrap() };
    let ports = match (protocol, source.1, destination.1) {
        (6 | 17, 0, _) => Ports::Missing(Missing::Fragment),
        (6 | 17, source, destination) => Ports::Known { source, destination },
        _ => Ports::Absent,
    };
    let flow = Flow {
        source: address(source.0),
        destination: address(destination.0),
        protocol: Some(protocol),
        ports,
    };
    Seen { flow, fragment: false, extensions: false, icmp_type: None }
}

fn said(sessions: &[Compiled], seen: &Seen) -> (Verdict, &'static str) {
    let services = Services::new(&["10.0.0.0/16".parse().unwrap()]);
    let judgement = judge(&services, sessions, Ok(seen), Ok(Direction::Ingress));
    (judgement.verdict, judgement.reason.as_str())
}

#[test]
fn each_service_is_known_in_both_directions_and_never_mirrored() {
    let everything = [session(&all())];
    let own = "10.0.1.15";
    for (protocol, service, word) in [
        (17, ("169.254.169.123", 123), "amazon-time"),
        (6, ("169.254.169.254", 80), "instance-metadata"),
        (6, ("169.254.169.250", 1688), "windows-activation"),
        (6, ("169.254.169.251", 1688), "windows-activation"),
        (17, ("10.0.0.2", 53), "amazon-dns"),
        (6, ("10.0.0.2", 53), "amazon-dns"),
        (17, ("169.254.169.253", 53), "amazon-dns"),
        (17, ("fd00:ec2::253", 53), "amazon-dns"),
        (17, ("fd00:ec2::123", 123), "amazon-time"),
        (6, ("fd00:ec2::254", 80), "instance-metadata"),
    ] {
        let own = (if service.0.contains(':') { "2001:db8::15" } else { own }, 51_000);
        for seen in [packet(protocol, own, service), packet(protocol, service, own)] {
            assert_eq!(said(&everything, &seen), (Verdict::NeverMirrored, word), "{seen:?}");
        }
    }
    for (client, server) in [
        (("0.0.0.0", 68), ("255.255.255.255", 67)),
        (("10.0.0.1", 67), (own, 68)),
        (("fe80::1", 546), ("ff02::1:2", 547)),
        (("fe80::2", 547), ("fe80::1", 546)),
    ] {
        let seen = packet(17, client, server);
        assert_eq!(said(&everything, &seen), (Verdict::NeverMirrored, "dhcp"), "{seen:?}");
    }
}

#[test]
fn what_only_looks_like_a_service_is_judged_by_the_rules() {
    let everything = [session(&all())];
    let own = ("10.0.1.15", 51_000);
    for seen in [
        packet(17, own, ("78.46.93.39", 123)),
        packet(17, own, ("8.8.8.8", 53)),
        packet(17, own, ("10.0.0.3", 53)),
        packet(17, own, ("10.0.0.2", 123)),
        packet(1, own, ("10.0.0.2", 0)),
        packet(6, ("10.0.1.15", 67), ("10.0.0.1", 68)),
        packet(17, ("10.0.1.15", 67), ("10.0.0.1", 53)),
        packet(17, ("10.0.1.15", 546), ("10.0.0.1", 547)),
        packet(17, own, ("169.254.169.252", 53)),
    ] {
        assert_eq!(said(&everything, &seen), (Verdict::Mirrored, "rule"), "{seen:?}");
    }
}

#[test]
fn amazon_dns_is_decided_by_its_switch_alone() {
    let query = packet(17, ("10.0.1.15", 51_000), ("10.0.0.2", 53));
    let other = packet(17, ("10.0.1.15", 51_000), ("8.8.8.8", 53));
    let reject = [ingress(1, Action::Reject, None)];
    assert_eq!(said(&[dns_of(&reject)], &query), (Verdict::Mirrored, "amazon-dns"));
    assert_eq!(said(&[dns_of(&[])], &query), (Verdict::Mirrored, "amazon-dns"));
    assert_eq!(said(&[dns_of(&[])], &other), (Verdict::NotMirrored, "no-rule"));
    assert_eq!(said(&[session(&all())], &query), (Verdict::NeverMirrored, "amazon-dns"));

    let both = [session(&all()), dns_of(&[])];
    let judgement = judge(
        &Services::new(&["10.0.0.0/16".parse().unwrap()]),
        &both,
        Ok(&query),
        Err(NoDirection::Neither),
    );
    assert_eq!(judgement.session, Some(1), "the session that has it, whatever the direction");
    assert_eq!(judgement.verdict, Verdict::Mirrored);
}

#[test]
fn a_fragment_with_the_resolver_may_be_dns_or_not() {
    let later = packet(17, ("10.0.0.2", 0), ("10.0.1.15", 0));
    assert_eq!(said(&[session(&all())], &later), (Verdict::Undecided, "later-fragment"));
}

#[test]
fn without_a_vpc_its_resolver_is_a_server_like_others_and_that_is_said() {
    let query = packet(17, ("10.0.1.15", 51_000), ("10.0.0.2", 53));
    let judgement =
        judge(&Services::default(), &[session(&all())], Ok(&query), Ok(Direction::Egress));
    assert_eq!((judgement.verdict, judgement.reason), (Verdict::Mirrored, Reason::Rule));
    assert_eq!(judgement.assumptions.iter().collect::<Vec<_>>(), [Assumption::NoVpc]);
    let elsewhere = packet(17, ("10.0.1.15", 51_000), ("10.0.0.3", 53));
    let judgement =
        judge(&Services::default(), &[session(&all())], Ok(&elsewhere), Ok(Direction::Egress));
    assert_eq!(judgement.assumptions.iter().count(), 0);
}

/// Only those of RFC 1918 were thought of, but a VPC may have other ranges.
#[test]
fn any_range_of_hosts_may_be_a_vpc_that_was_not_named() {
    let assumed = |services: &Services, server: &str| {
        let query = packet(17, ("10.0.1.15", 51_000), (server, 53));
        let judgement = judge(services, &[session(&all())], Ok(&query), Ok(Direction::Egress));
        assert_eq!((judgement.verdict, judgement.reason), (Verdict::Mirrored, Reason::Rule));
        judgement.assumptions.iter().collect::<Vec<_>>()
    };
    for (server, may_be) in [
        ("10.0.0.2", true),
        ("100.64.0.2", true),
        ("198.19.255.242", true),
        ("203.0.113.18", true),
        ("223.255.255.242", true),
        ("8.8.8.8", false),
        ("100.64.0.3", false),
        ("0.0.0.2", false),
        ("127.0.0.2", false),
        ("169.254.0.2", false),
        ("224.0.0.2", false),
        ("255.255.255.242", false),
    ] {
        let want: &[_] = if may_be { &[Assumption::NoVpc] } else { &[] };
        assert_eq!(assumed(&Services::default(), server), want, "{server}");
        let named = Services::new(&["172.31.0.0/16".parse().unwrap()]);
        assert_eq!(assumed(&named, server), [], "{server}");
    }
}

/// Which of two services it was depended on which end it was at.
#[test]
fn a_packet_between_two_services_is_of_one_whichever_way_it_goes() {
    let ends = [("169.254.169.250", 40_000), ("169.254.169.123", 40_000)];
    let everything = [session(&all())];
    let there = said(&everything, &packet(17, ends[0], ends[1]));
    assert_eq!(there, (Verdict::NeverMirrored, "amazon-time"));
    assert_eq!(said(&everything, &packet(17, ends[1], ends[0])), there);
}

#[test]
fn the_second_address_of_a_vpc_is_its_resolver_up_to_the_last_vpc() {
    for (vpc, resolver) in [
        ("10.0.0.0/16", "10.0.0.2"),
        ("172.31.16.0/20", "172.31.16.2"),
        ("0.0.0.0/0", "0.0.0.2"),
        ("2001:db8::/56", "fd00:ec2::253"),
        ("255.255.255.255/32", "169.254.169.253"),
    ] {
        let vpc: Cidr = vpc.parse().unwrap();
        let services = Services::new(&[vpc]);
        let seen = packet(17, (resolver, 53), (resolver, 40_000));
        assert_eq!(services.concern(&seen.flow), Concern::Of(Service::AmazonDns), "{vpc}");
    }
}

#[test]
fn a_frame_that_is_no_ip_is_told_by_what_it_is() {
    let services = Services::default();
    let sessions = [session(&all())];
    for (packet, verdict, word) in [
        (NoFlow::ARP, Verdict::NeverMirrored, "arp"),
        (NoFlow::NotIp { ether_type: Some(0x88cc) }, Verdict::NotMirrored, "not-ip"),
        (NoFlow::NotIp { ether_type: None }, Verdict::NotMirrored, "not-ip"),
        (NoFlow::Cut, Verdict::Undecided, "cut"),
        (NoFlow::Malformed, Verdict::Undecided, "malformed"),
    ] {
        let judgement = judge(&services, &sessions, Err(packet), Err(NoDirection::Neither));
        assert_eq!((judgement.verdict, judgement.reason.as_str()), (verdict, word));
        let assumes = judgement.assumptions.iter().count();
        assert_eq!(assumes, usize::from(word == "not-ip"), "{word}");
    }
}

#[test]
fn without_a_direction_rules_have_nothing_to_say() {
    let seen = packet(6, ("10.0.1.15", 51_000), ("203.0.113.9", 443));
    for (why, word) in [
        (NoDirection::Neither, "neither-end-local"),
        (NoDirection::Both, "both-ends-local"),
        (NoDirection::Conflict, "direction-conflict"),
    ] {
        let judgement = judge(&Services::default(), &[session(&all())], Ok(&seen), Err(why));
        assert_eq!((judgement.verdict, judgement.reason.as_str()), (Verdict::Undecided, word));
    }
}

/// What sessions say of a packet to port 443, with who decided and what was assumed.
fn through(sessions: &[&[Rule]], port: u16) -> (Verdict, Reason, Option<usize>, bool) {
    let sessions: Vec<Compiled> = sessions.iter().map(|rules| session(rules)).collect();
    let seen = packet(6, ("203.0.113.9", port), ("10.0.1.15", 443));
    let judgement = judge(&Services::default(), &sessions, Ok(&seen), Ok(Direction::Ingress));
    let assumed: Vec<_> = judgement.assumptions.iter().collect();
    (
        judgement.verdict,
        judgement.reason,
        judgement.session,
        assumed.contains(&Assumption::RejectGoesOn),
    )
}

//= https://docs.aws.amazon.com/vpc/latest/mirroring/traffic-mirroring-sessions.html
//= type=test
//# The first session with a matching filter is the one that mirrors the packets.
#[test]
fn sessions_are_asked_in_turn_until_one_takes_the_packet() {
    use {Action::*, Reason as R, Verdict::*};
    let accept = [ingress(10, Accept, None)];
    let reject = [ingress(10, Reject, None)];
    let asks = [ingress(10, Accept, Some(443)), ingress(20, Reject, None)];
    let none: [Rule; 0] = [];
    for (sessions, port, want) in [
        (&[&accept[..], &accept][..], 1, (Mirrored, R::Rule, Some(0), false)),
        (&[&none, &accept], 1, (Mirrored, R::Rule, Some(1), false)),
        (&[&reject, &accept], 1, (Mirrored, R::Rule, Some(1), true)),
        (&[&accept, &reject], 1, (Mirrored, R::Rule, Some(0), false)),
        (&[&reject, &none], 1, (NotMirrored, R::Rule, Some(0), false)),
        (&[&none, &reject], 1, (NotMirrored, R::Rule, Some(1), false)),
        (&[&none, &none], 1, (NotMirrored, R::NoRule, None, false)),
        // A later fragment.
        (&[&asks, &none], 0, (Undecided, R::LaterFragment, Some(0), false)),
        (&[&asks, &accept], 0, (Mirrored, R::RulesAgree, None, false)),
        (&[&reject, &asks], 0, (Undecided, R::LaterFragment, Some(1), true)),
        (&[&asks, &reject], 0, (Undecided, R::LaterFragment, Some(0), false)),
    ] {
        assert_eq!(through(sessions, port), want, "{sessions:?} {port}");
    }
}

#[test]
fn what_a_verdict_rests_on_is_said_and_nothing_else() {
    let plain = packet(6, ("203.0.113.9", 50_000), ("10.0.1.15", 443));
    let assumed = |seen: &Seen| -> Vec<&'static str> {
        let sessions = [session(&all())];
        let judgement = judge(&Services::default(), &sessions, Ok(seen), Ok(Direction::Ingress));
        judgement.assumptions.iter().map(Assumption::as_str).collect()
    };
    assert_eq!(assumed(&plain), [""; 0]);
    assert_eq!(assumed(&Seen { fragment: true, ..plain }), ["fragments"]);
    assert_eq!(assumed(&Seen { extensions: true, ..plain }), ["ipv6-extensions"]);
    assert_eq!(assumed(&packet(17, ("203.0.113.9", 0), ("10.0.1.15", 0))), ["portless-udp"]);
    let icmp = packet(58, ("fe80::1", 0), ("ff02::1", 0));
    for (kind, is) in [(132, false), (133, true), (137, true), (138, false)] {
        let found = assumed(&Seen { icmp_type: Some(kind), ..icmp });
        assert_eq!(found == ["neighbor-discovery"], is, "type {kind}");
    }
    let metadata = packet(6, ("169.254.169.254", 80), ("10.0.1.15", 50_000));
    assert_eq!(assumed(&metadata), ["service-addresses"]);
}

#[test]
fn the_words_are_stable() {
    let verdicts =
        [Verdict::Mirrored, Verdict::NotMirrored, Verdict::NeverMirrored, Verdict::Undecided];
    assert_eq!(
        verdicts.map(Verdict::as_str),
        ["mirrored", "not_mirrored", "never_mirrored", "undecided"]
    );
    let reasons = [
        (Reason::Rule, "rule"),
        (Reason::NoRule, "no-rule"),
        (Reason::RulesAgree, "rules-agree"),
        (Reason::Service(Service::Arp), "arp"),
        (Reason::NotIp, "not-ip"),
        (Reason::Dropped, "dropped"),
        (Reason::LaterFragment, "later-fragment"),
        (Reason::Cut, "cut"),
        (Reason::Malformed, "malformed"),
        (Reason::NeitherEndLocal, "neither-end-local"),
        (Reason::BothEndsLocal, "both-ends-local"),
        (Reason::DirectionConflict, "direction-conflict"),
        (Reason::LinkType, "link-type"),
        (Reason::UnknownSession, "unknown-session"),
        (Reason::Damaged, "damaged"),
        (Reason::NoAddresses, "no-addresses"),
    ];
    for (reason, word) in reasons {
        assert_eq!(reason.as_str(), word);
    }
}
