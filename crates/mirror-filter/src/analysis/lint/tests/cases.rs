//! What a person would write, and each word of what is said of it.

use super::*;

/// The findings of one code: `severity rule [by] message | witness`.
fn with(around: &Surroundings, code: Code, rules: &[&str]) -> Vec<String> {
    let rules = rules.iter().map(|text| rule(text)).collect();
    let findings = lint(&Filter { rules, ..Filter::default() }, around).unwrap().into_iter();
    let texts = findings.filter(|one| one.code == code).map(|one| {
        let Finding { severity, rule, by, message, witness, .. } = one;
        let rule = rule.map_or(String::new(), |rule| format!(" {rule}"));
        let by = if by.is_empty() { String::new() } else { format!(" {by:?}") };
        let witness = witness.map_or(String::new(), |witness| format!(" | {witness}"));
        format!("{severity}{rule}{by} {message}{witness}")
    });
    texts.collect()
}

fn said(code: Code, rules: &[&str]) -> Vec<String> {
    with(&Surroundings::default(), code, rules)
}

const NONE: [&str; 0] = [];

/// Accepts of one port each, so many of them.
fn ports(count: u16) -> Vec<String> {
    (1..=count).map(|n| format!("ingress {n} reject tcp 0.0.0.0/0 > 0.0.0.0/0 {n}")).collect()
}

fn texts(rules: &[String]) -> Vec<&str> {
    rules.iter().map(String::as_str).collect()
}

#[test]
fn ten_rules_are_no_more_than_ten() {
    assert_eq!(said(Code::Quota, &texts(&ports(10))), NONE);
    for count in [11, 12] {
        assert_eq!(
            said(Code::Quota, &texts(&ports(count))),
            [format!(
                "warning found {count} rules, and AWS takes 10 in a filter, both directions together"
            )]
        );
    }
}

#[test]
fn a_direction_is_empty_if_neither_family_has_a_packet() {
    let all = "ingress 1 accept all 0.0.0.0/0 > 0.0.0.0/0";
    let nothing = "warning nothing is mirrored";
    assert_eq!(said(Code::DirectionEmpty, &[]), [nothing, nothing]);
    let reject = "egress 1 reject all 0.0.0.0/0 > 0.0.0.0/0";
    // The filter says that it is to be.
    assert_eq!(said(Code::DirectionEmpty, &[all, reject]), ["info nothing is mirrored"]);
    let in_too = "ingress 1 reject all 0.0.0.0/0 > 0.0.0.0/0";
    assert_eq!(said(Code::DirectionEmpty, &[in_too, reject]), [nothing, nothing]);
    let tcp = "egress 1 reject tcp 0.0.0.0/0 > 0.0.0.0/0";
    assert_eq!(said(Code::DirectionEmpty, &[all, tcp]), [nothing]);
    let taken = "egress 2 accept tcp 10.0.0.0/8 > 0.0.0.0/0";
    assert_eq!(said(Code::DirectionEmpty, &[all, reject, taken]), [nothing]);
    let six = "egress 2 accept icmpv6 ::1/128 > ::/0";
    assert_eq!(said(Code::DirectionEmpty, &[all, reject, six]), NONE);

    let rules = vec![rule(all)];
    let filter = Filter { amazon_dns: true, rules, ..Filter::default() };
    let found = lint(&filter, &Surroundings::default()).unwrap();
    let found = found.iter().find(|one| one.code == Code::DirectionEmpty).unwrap();
    assert_eq!(found.direction, Some(Direction::Egress));
    assert_eq!(found.message, "nothing is mirrored but Amazon DNS");
}

#[test]
fn a_rule_that_no_packet_matches_says_why() {
    assert_eq!(
        said(
            Code::Unmatchable,
            &[
                "ingress 1 accept icmp 0.0.0.0/0 > 0.0.0.0/0 443",
                "ingress 2 accept all ::/0 > 0.0.0.0/0",
                "ingress 3 accept udp ::/0 > ::/0 443",
            ]
        ),
        [
            "error 0 no packet matches: only TCP (6) and UDP (17) have ports",
            "error 1 no packet matches: its ranges are of IPv4 and of IPv6",
        ]
    );
}

#[test]
fn a_shadowed_rule_names_those_that_leave_nothing_of_it() {
    let accept = "ingress 30 accept tcp 0.0.0.0/0 > 10.0.0.0/8";
    for (before, text) in [
        (
            &[
                "ingress 10 reject all 0.0.0.0/1 > 0.0.0.0/0",
                "ingress 20 reject all 128.0.0.0/1 > 0.0.0.0/0",
            ][..],
            "error 2 [0, 1] never decides: rules 10 and 20 (reject) take all its packets before \
             it, to do the opposite | ingress tcp 203.0.113.9:51000 > 10.0.1.15:443",
        ),
        (
            &[
                "ingress 10 accept all 0.0.0.0/1 > 0.0.0.0/0",
                "ingress 20 reject all 128.0.0.0/1 > 0.0.0.0/0",
            ],
            "error 2 [0, 1] never decides: rules 10 (accept) and 20 (reject) take all its packets \
             before it, some to do the opposite | ingress tcp 203.0.113.9:51000 > 10.0.1.15:443",
        ),
        (
            &["ingress 10 accept all 0.0.0.0/0 > 0.0.0.0/0"],
            "warning 1 [0] never decides: rule 10 (accept) takes all its packets before it | \
             ingress tcp 203.0.113.9:51000 > 10.0.1.15:443",
        ),
        (
            &[
                "ingress 10 accept tcp 0.0.0.0/0 > 10.0.0.0/8 22",
                "ingress 20 reject all 0.0.0.0/0 > 10.0.0.0/8",
            ],
            "error 2 [1] never decides: rule 20 (reject) takes all its packets before it, some to \
             do the opposite | ingress tcp 203.0.113.9:51000 > 10.0.1.15:443",
        ),
        // The first takes most of them, and is not needed for all.
        (
            &[
                "ingress 10 reject tcp 0.0.0.0/0 > 0.0.0.0/0 0-40000",
                "ingress 20 reject all 0.0.0.0/0 > 10.0.0.0/9",
                "ingress 25 reject all 0.0.0.0/0 > 10.128.0.0/9",
            ],
            "error 3 [1, 2] never decides: rules 20 and 25 (reject) take all its packets before \
             it, to do the opposite | ingress tcp 203.0.113.9:51000 > 10.0.1.15:443",
        ),
        // That it is of no use would be wrong to hear of the rule that does the same.
        (
            &[
                "ingress 10 reject tcp 0.0.0.0/0 > 10.0.0.0/8 22",
                "ingress 20 accept all 0.0.0.0/0 > 10.0.0.0/8",
            ],
            "error 2 [0, 1] never decides: rules 10 (reject) and 20 (accept) take all its packets \
             before it, some to do the opposite | ingress tcp 203.0.113.9:51000 > 10.0.1.15:22",
        ),
    ] {
        let rules: Vec<&str> = before.iter().copied().chain([accept]).collect();
        assert_eq!(said(Code::Shadowed, &rules), [text], "{before:?}");
    }
}

#[test]
fn of_many_rules_a_message_lists_five() {
    let of = |count: u16| {
        let mut rules = ports(count);
        rules.push(format!("ingress 100 accept tcp 0.0.0.0/0 > 0.0.0.0/0 1-{count}"));
        said(Code::Shadowed, &texts(&rules))[0].clone()
    };
    assert!(of(5).contains(": rules 1, 2, 3, 4 and 5 (reject) take all"), "{}", of(5));
    assert!(of(6).contains(": rules 1, 2, 3, 4, 5 and 1 more (reject) take all"), "{}", of(6));
    assert!(of(8).contains(": rules 1, 2, 3, 4, 5 and 3 more (reject) take all"), "{}", of(8));
}

/// Rules that others before them leave nothing of take no part, however many there are.
#[test]
fn a_rule_that_adds_nothing_to_what_is_covered_shadows_nothing() {
    let mut rules = ports(40);
    rules.push("ingress 41 reject tcp 0.0.0.0/0 > 0.0.0.0/0 7".to_owned());
    rules.push("ingress 42 accept tcp 0.0.0.0/0 > 0.0.0.0/0 1-40".to_owned());
    let filter =
        Filter { rules: rules.iter().map(|text| rule(text)).collect(), ..Filter::default() };
    let findings = linted(&filter);
    let by = |rule| {
        let is = |one: &&Finding| (one.code, one.rule) == (Code::Shadowed, Some(rule));
        findings.iter().find(is).map(|one| one.by.clone())
    };
    assert_eq!(by(40), Some(vec![6]));
    assert_eq!(by(41), Some((0..40).collect()));
}

#[test]
fn a_reject_that_does_not_do_what_it_says_names_the_accepts_before_it() {
    let reject = "ingress 20 reject tcp 0.0.0.0/0 > 10.0.0.0/8";
    let all = "ingress 90 accept all 0.0.0.0/0 > 0.0.0.0/0";
    let ssh = "ingress 10 accept tcp 0.0.0.0/0 > 0.0.0.0/0 22";
    assert_eq!(
        said(Code::PartlyShadowed, &[ssh, reject, all]),
        ["info 1 [0] rule 10 (accept) takes some of its packets before it | ingress tcp \
          203.0.113.9:51000 > 10.0.1.15:22"]
    );
    let http = "ingress 15 accept tcp 0.0.0.0/0 > 10.0.0.0/16 80";
    let https = "ingress 17 reject tcp 0.0.0.0/0 > 0.0.0.0/0 443";
    assert_eq!(
        said(Code::PartlyShadowed, &[ssh, http, https, reject, all]),
        [
            "info 3 [0, 1] rules 10 and 15 (accept) take some of its packets before it | ingress tcp \
          203.0.113.9:51000 > 10.0.1.15:80"
        ]
    );
}

/// AWS's own lab was told four of them.
#[test]
fn a_reject_in_front_of_an_accept_is_an_exception_unless_their_ports_cross() {
    let vpc = "ingress 10 reject all 10.0.0.0/16 > 0.0.0.0/0";
    for accept in [
        "ingress 20 accept all 0.0.0.0/0 > 0.0.0.0/0",
        "ingress 20 accept all 10.0.0.0/8 > 0.0.0.0/0",
        // As in the lab: the reject is of all ports, the accept of all sources.
        "ingress 20 accept tcp 0.0.0.0/0 443 > 0.0.0.0/0",
    ] {
        assert_eq!(said(Code::PartlyShadowed, &[vpc, accept]), NONE, "{accept}");
    }
    let accept = "ingress 20 accept tcp 0.0.0.0/0 > 10.0.0.0/8 8000-8999";
    for (ports, is_told) in
        [("8443", false), ("8000-8999", false), ("8900-9100", true), ("7000-8000", true)]
    {
        let reject = format!("ingress 10 reject tcp 10.0.0.0/8 > 10.0.0.0/8 {ports}");
        let told = said(Code::PartlyShadowed, &[&reject, accept]);
        assert_eq!(!told.is_empty(), is_told, "{ports}: {told:?}");
    }
    // Not that of another protocol.
    let udp = "ingress 10 reject udp 10.0.0.0/8 > 10.0.0.0/8 8900-9100";
    assert_eq!(said(Code::PartlyShadowed, &[udp, accept]), NONE);
}

/// It is what holds without it, and so nothing that any of these say is wrong with it.
#[test]
fn a_reject_of_everything_in_last_place_is_the_default_written_out() {
    let tcp = "ingress 10 accept tcp 0.0.0.0/0 > 0.0.0.0/0";
    let all = "ingress 20 accept all 0.0.0.0/0 > 0.0.0.0/0";
    let default = "ingress 30 reject all 0.0.0.0/0 > 0.0.0.0/0";
    let of = |rules: &[&str]| -> Vec<String> {
        let codes = [Code::Shadowed, Code::PartlyShadowed, Code::Redundant];
        codes.into_iter().flat_map(|code| said(code, rules)).collect()
    };
    assert_eq!(of(&[tcp, default]), NONE);
    assert_eq!(of(&[all, default]), NONE);
    // Each family and direction has a last place.
    let six = "ingress 25 reject all ::/0 > ::/0";
    let out = "egress 99 accept udp 0.0.0.0/0 > 0.0.0.0/0";
    assert_eq!(of(&[tcp, six, default, out]), NONE);
    for other in [
        "ingress 30 reject tcp 0.0.0.0/0 > 0.0.0.0/0",
        "ingress 30 reject all 10.0.0.0/8 > 0.0.0.0/0",
    ] {
        assert_ne!(of(&[tcp, other]), NONE, "{other}");
    }
    // In any other place it takes what comes behind it.
    let behind = "ingress 40 accept udp 0.0.0.0/0 > 0.0.0.0/0";
    assert_eq!(said(Code::Shadowed, &[tcp, default, behind]).len(), 1);
}

#[test]
fn a_redundant_rule_says_what_would_do_the_same() {
    for (rules, text) in [
        (
            &[
                "ingress 1 accept tcp 0.0.0.0/0 > 10.0.0.0/8 22",
                "ingress 2 accept tcp 0.0.0.0/0 > 10.0.0.0/8",
            ][..],
            "warning 0 [1] changes nothing: without it rule 2 (accept) would do the same | ingress \
             tcp 203.0.113.9:51000 > 10.0.1.15:22",
        ),
        (
            &[
                "ingress 2 accept tcp 0.0.0.0/0 > 10.0.0.0/8",
                "ingress 3 reject tcp 0.0.0.0/0 > 0.0.0.0/0",
            ],
            "warning 1 changes nothing: without it no rule matches its packets, which rejects them \
             too | ingress tcp 203.0.113.9:51000 > 172.31.0.15:443",
        ),
        (
            &[
                "ingress 1 reject tcp 0.0.0.0/0 > 0.0.0.0/0 0-1023",
                "ingress 3 reject tcp 0.0.0.0/0 > 0.0.0.0/0 22",
            ],
            "warning 0 [1] changes nothing: without it rule 3 (reject) or no rule would do the \
             same | ingress tcp 203.0.113.9:51000 > 10.0.1.15:443",
        ),
        // Ports 11 to 20 need one of the first and the last.
        (
            &[
                "ingress 1 accept tcp 10.0.0.0/9 > 0.0.0.0/0 0-20",
                "ingress 2 accept tcp 10.0.0.0/8 > 0.0.0.0/0 0-10",
                "ingress 3 accept tcp 10.0.0.0/9 > 0.0.0.0/0 5-20",
            ],
            "warning 0 [1, 2] changes nothing: without it rules 2 and 3 (accept) would do the \
             same; not together with the others | ingress tcp 10.0.2.99:51000 > 10.0.1.15:1",
        ),
    ] {
        assert_eq!(said(Code::Redundant, rules), [text], "{rules:?}");
    }
}

#[test]
fn a_packet_without_its_answer_shows_who_takes_that() {
    let ingress = "ingress 1 accept tcp 0.0.0.0/0 > 10.0.0.0/8";
    assert_eq!(
        said(Code::NoReturn, &[ingress, "egress 1 accept tcp 10.0.0.0/8 443 > 0.0.0.0/0"]),
        ["warning 0 mirrors packets without their answers: no rule matches egress tcp \
          10.0.1.15:80 > 203.0.113.9:51000 | ingress tcp 203.0.113.9:51000 > 10.0.1.15:80"]
    );
    let half = [
        "egress 1 accept tcp 10.0.0.0/8 > 0.0.0.0/1",
        "egress 2 reject tcp 10.0.0.0/8 > 128.0.0.0/1",
    ];
    assert_eq!(
        said(Code::NoReturn, &[ingress, half[0], half[1]]),
        ["warning 0 [2] mirrors packets without their answers: rule 2 (reject) takes egress tcp \
          10.0.1.15:443 > 203.0.113.9:51000 | ingress tcp 203.0.113.9:51000 > 10.0.1.15:443"]
    );
    // That nothing goes out at all is said once, of the direction.
    assert_eq!(said(Code::NoReturn, &[ingress]), NONE);
    assert_eq!(said(Code::NoReturn, &[ingress, half[1]]), NONE);
    let [before, never] = ["egress 1 reject all 0.0.0.0/0 > 0.0.0.0/0", half[0]];
    assert_eq!(said(Code::NoReturn, &[ingress, before, never]), NONE);
    let metadata = "egress 1 accept all 0.0.0.0/0 > 169.254.169.254/32";
    assert_eq!(said(Code::NoReturn, &[ingress, metadata]), NONE);
    // No packet has port 0.
    let from_1 = "egress 1 accept tcp 10.0.0.0/8 > 0.0.0.0/0 1-65535";
    assert_eq!(said(Code::NoReturn, &[ingress, from_1]), NONE);
    let from_2 = "egress 1 accept tcp 10.0.0.0/8 > 0.0.0.0/0 2-65535";
    assert_eq!(said(Code::NoReturn, &[ingress, from_2]).len(), 1);
}

#[test]
fn a_port_at_the_wrong_end_is_told_with_the_rule_that_has_it_there_too() {
    let said = |rules: &[&str]| said(Code::AsymPorts, rules);
    assert_eq!(
        said(&[
            "ingress 1 accept tcp 0.0.0.0/0 > 0.0.0.0/0 443",
            "egress 7 accept tcp 0.0.0.0/0 > 0.0.0.0/0 443"
        ]),
        ["warning 0 [1] destination port 443 here and in egress rule 7: answers have it at the \
          other end | ingress tcp 203.0.113.9:51000 > 10.0.1.15:443"]
    );
    assert_eq!(
        said(&[
            "ingress 1 accept tcp 0.0.0.0/0 53 > 0.0.0.0/0",
            "egress 7 accept tcp 0.0.0.0/0 53 > 0.0.0.0/0"
        ]),
        [
            "warning 0 [1] source port 53 here and in egress rule 7: answers have it at the other end \
          | ingress tcp 203.0.113.9:53 > 10.0.1.15:443"
        ]
    );
    let https = "ingress 1 accept tcp 0.0.0.0/0 > 10.0.0.0/16 443";
    for other in [
        "egress 7 accept udp 10.0.0.0/16 > 0.0.0.0/0 443",
        "egress 7 accept tcp 10.0.0.0/16 > 0.0.0.0/0 444",
        "egress 7 accept tcp 10.0.0.0/16 443 > 0.0.0.0/0 443",
        // Of other addresses than those that answer.
        "egress 7 accept tcp 10.1.0.0/16 > 0.0.0.0/0 443",
    ] {
        assert_eq!(said(&[https, other]), NONE, "{other}");
    }
    // Ports that clients draw are none that anybody names.
    for (clients, all) in [("0-65535", ""), ("1-65535", ""), ("1024-65535", " 0-65535")] {
        let texts = [
            format!("ingress 1 accept tcp 0.0.0.0/0 {clients} > 0.0.0.0/0 443"),
            format!("egress 7 accept tcp 0.0.0.0/0{all} > 0.0.0.0/0 443"),
        ];
        let found = said(&[&texts[0], &texts[1]]);
        assert!(found.len() == 1 && found[0].contains("destination port 443"), "{found:?}");
        let wide = [
            format!("ingress 1 accept tcp 0.0.0.0/0 > 0.0.0.0/0 {clients}"),
            format!("egress 7 accept tcp 0.0.0.0/0 > 0.0.0.0/0 {clients}"),
        ];
        assert_eq!(said(&[&wide[0], &wide[1]]), NONE);
    }
    let range = "0.0.0.0/0 > 0.0.0.0/0 49153-65535";
    let [one, other] = ["ingress", "egress"].map(|way| format!("{way} 1 accept udp {range}"));
    assert_eq!(said(&[&one, &other]).len(), 1);
    // Each way has its answers, but for one host.
    let both = [
        "ingress 1 accept tcp 0.0.0.0/0 > 0.0.0.0/0 443",
        "ingress 2 accept tcp 0.0.0.0/0 443 > 0.0.0.0/0",
        "egress 1 reject tcp 10.0.0.7/32 > 0.0.0.0/0",
        "egress 2 accept tcp 0.0.0.0/0 > 0.0.0.0/0 443",
        "egress 3 accept tcp 0.0.0.0/0 443 > 0.0.0.0/0",
    ];
    assert_eq!(said(&both), NONE);
    let reject = "egress 6 reject tcp 10.0.0.0/16 > 0.0.0.0/0 443";
    assert_eq!(said(&[https, reject, "egress 7 accept icmp 10.0.0.0/16 > 0.0.0.0/0"]), NONE);
}

#[test]
fn what_is_mirrored_from_anywhere_to_anywhere_in_one_family_lacks_its_twin() {
    let lacks = |rules: &[&str]| -> Vec<String> {
        let texts = said(Code::NoV6Twin, rules).into_iter();
        texts.map(|text| text.replace(" from anywhere to anywhere, but", ",")).collect()
    };
    assert_eq!(
        lacks(&[
            "ingress 1 accept tcp 0.0.0.0/0 > 0.0.0.0/0 443",
            "egress 1 accept tcp ::/0 > ::/0 443"
        ]),
        ["info [0, 1] mirrors IPv4, no IPv6 like it, and IPv6, no IPv4 like it: ingress rule 1 \
          (accept), egress rule 1 (accept) | ingress tcp [2001:db8::9]:51000 > \
          [2001:db8:1234:ab01::15]:443"]
    );
    let https = "ingress 1 accept tcp 0.0.0.0/0 > 0.0.0.0/0 443";
    assert_eq!(lacks(&[https, "ingress 2 accept tcp ::/0 > ::/0 443"]), NONE);
    assert_eq!(lacks(&[https, "ingress 2 accept tcp 2001:db8::/32 9 > ::/0 443"]), NONE);
    assert_eq!(lacks(&[https, "ingress 2 accept tcp 2001:db8::/32 > ::/0 80"]).len(), 1);
    // ICMP has another number in IPv6.
    let icmp = "ingress 1 accept icmp 0.0.0.0/0 > 0.0.0.0/0";
    assert_eq!(lacks(&[icmp, "ingress 2 accept icmpv6 ::/0 > ::/0"]), NONE);
    let other = "ingress 2 accept icmp ::/0 > ::/0";
    assert_eq!(
        lacks(&[icmp, other])[0],
        "info [0, 1] mirrors IPv4, no IPv6 like it, and IPv6, no IPv4 like it: ingress rules 1 and 2 \
         (accept) | ingress icmpv6 2001:db8::9 > 2001:db8:1234:ab01::15"
    );
    // Once for a filter, however many rules of it have none.
    let all =
        ["ingress 1 accept all 0.0.0.0/0 > 0.0.0.0/0", "egress 1 accept all 0.0.0.0/0 > 0.0.0.0/0"];
    assert_eq!(
        lacks(&[https, all[0], all[1]]),
        [
            "info [0, 1, 2] mirrors IPv4, no IPv6 like it: ingress rules 1 and 1 (accept), egress rule 1 \
          (accept) | ingress tcp [2001:db8::9]:51000 > [2001:db8:1234:ab01::15]:443"
        ]
    );
    for narrow in [
        "ingress 1 accept tcp 0.0.0.0/0 > 10.0.0.0/8 443",
        "ingress 1 accept tcp 0.0.0.0/1 > 0.0.0.0/0 443",
        "ingress 1 reject tcp 0.0.0.0/0 > 0.0.0.0/0 443",
    ] {
        assert_eq!(lacks(&[narrow]), NONE, "{narrow}");
    }
}

#[test]
fn mirrors_of_mirrors_are_told_by_port_or_by_target() {
    let target = "10.0.9.9".parse().unwrap();
    let known = Surroundings { targets: vec![target], ..Surroundings::default() };
    let unknown = Surroundings::default();
    let of = |around: &Surroundings, rule: &str| -> Vec<String> {
        let texts = with(around, Code::MirrorsMirror, &[rule]).into_iter();
        texts
            .map(|text| {
                text.replace("mirrors what another mirror sends ", "")
                    .replace(", so that it is wrapped twice", "")
            })
            .collect()
    };
    for (rule, any, one) in [
        (
            "egress 1 accept udp 0.0.0.0/0 > 0.0.0.0/0 4789",
            "info 0 (UDP 4789) to any address | egress udp 10.0.1.15:51000 > 203.0.113.9:4789",
            "warning 0 (UDP 4789) to the mirror target | egress udp 10.0.1.15:51000 > 10.0.9.9:4789",
        ),
        (
            "egress 1 accept udp 0.0.0.0/0 > 0.0.0.0/0 6000-6100",
            "info 0 (UDP 6081) to any address | egress udp 10.0.1.15:51000 > 203.0.113.9:6081",
            "warning 0 (UDP 6081) to the mirror target | egress udp 10.0.1.15:51000 > 10.0.9.9:6081",
        ),
        // Who accepts everything says no word about mirrors, whether there is a target or not.
        ("egress 1 accept udp 0.0.0.0/0 > 0.0.0.0/0", "", ""),
        ("egress 1 accept udp 0.0.0.0/0 > 0.0.0.0/0 0-65535", "", ""),
        ("egress 1 accept all 0.0.0.0/0 > 10.0.9.0/24", "", ""),
        // What goes to the target comes in nowhere else.
        (
            "ingress 1 accept udp 0.0.0.0/0 > 0.0.0.0/0 4789",
            "info 0 (UDP 4789) to any address | ingress udp 203.0.113.9:51000 > 10.0.1.15:4789",
            "",
        ),
        (
            "egress 1 accept udp ::/0 > ::/0 4789",
            "info 0 (UDP 4789) to any address | egress udp [2001:db8:1234:ab01::15]:51000 > \
             [2001:db8::9]:4789",
            "",
        ),
        (
            "egress 1 accept udp 0.0.0.0/0 > 10.0.8.0/24 4789",
            "info 0 (UDP 4789) to any address | egress udp 10.0.1.15:51000 > 10.0.8.1:4789",
            "",
        ),
        ("egress 1 accept tcp 0.0.0.0/0 > 0.0.0.0/0 4789", "", ""),
        ("egress 1 reject udp 0.0.0.0/0 > 0.0.0.0/0 4789", "", ""),
    ] {
        assert_eq!(of(&unknown, rule).concat(), any, "{rule}");
        assert_eq!(of(&known, rule).concat(), one, "{rule}");
    }
}

#[test]
fn who_accepts_everything_is_told_that_amazon_dns_is_not_in_it() {
    let all = ["ingress", "egress"].map(|way| format!("{way} 9 accept all 0.0.0.0/0 > 0.0.0.0/0"));
    let of = |amazon_dns, more: &[&str]| {
        let rules = more.iter().copied().chain(all.iter().map(String::as_str)).map(rule).collect();
        let filter = Filter { amazon_dns, rules, ..Filter::default() };
        let found = linted(&filter).into_iter().filter(|one| one.code == Code::NoAmazonDns);
        found
            .map(|one| (one.severity, one.rule, one.witness.unwrap().to_string()))
            .collect::<Vec<_>>()
    };
    let packet = "egress udp 10.0.1.15:51000 > 169.254.169.253:53".to_owned();
    assert_eq!(of(false, &[]), [(Severity::Info, None, packet)]);
    assert_eq!(of(true, &[]), []);
    // Whatever is rejected, somebody thought about it.
    assert_eq!(of(false, &["egress 1 reject tcp 10.0.0.0/16 > 10.0.0.0/16"]), []);
    assert_eq!(of(false, &["egress 1 reject all 0.0.0.0/0 > 169.254.169.254/32"]).len(), 1);
    assert_eq!(of(false, &["ingress 1 reject all ::/0 > ::/0"]).len(), 1);
    assert_eq!(said(Code::NoAmazonDns, &[&all[0]]), NONE);
    assert_eq!(said(Code::NoAmazonDns, &["egress 9 accept all ::/0 > ::/0"]), NONE);
}

/// `diff` says of a filter without such a rule that it does the same.
#[test]
fn a_rule_that_only_network_services_meet_is_redundant() {
    let all = "egress 9 accept all 0.0.0.0/0 > 0.0.0.0/0";
    let metadata = "egress 1 reject all 0.0.0.0/0 > 169.254.169.254/32";
    assert_eq!(
        said(Code::Redundant, &[metadata, all]),
        ["warning 0 changes nothing: network services, about which no rule decides, have all its \
          packets"]
    );
    let wider = "egress 1 reject all 0.0.0.0/0 > 169.254.169.254/31";
    assert_eq!(said(Code::Redundant, &[wider, all]), NONE);
    // What is left of it comes to the same.
    let accept = "egress 1 accept all 0.0.0.0/0 > 169.254.169.254/31";
    let found = said(Code::Redundant, &[accept, all]);
    assert!(found[0].contains("rule 9 (accept) would do the same | egress tcp"), "{found:?}");
}

#[test]
fn a_rule_names_a_service_by_its_port_or_by_a_narrow_range_with_its_address() {
    let vpcs = ["10.0.0.0/16", "2001:db8::/56"].map(|text| text.parse().unwrap()).to_vec();
    let around = Surroundings { vpcs, ..Surroundings::default() };
    for (text, services) in [
        ("egress 1 accept udp 0.0.0.0/0 > 0.0.0.0/0 123", "amazon-time"),
        ("egress 1 accept udp 0.0.0.0/0 123 > 0.0.0.0/0", "amazon-time"),
        ("egress 1 accept udp ::/0 > ::/0 123", "amazon-time"),
        ("egress 1 accept udp 0.0.0.0/0 > 0.0.0.0/0 122-123", ""),
        ("egress 1 accept udp 0.0.0.0/0 67-68 > 0.0.0.0/0", "dhcp"),
        ("egress 1 accept udp 0.0.0.0/0 > 0.0.0.0/0 68", "dhcp"),
        ("egress 1 accept udp 0.0.0.0/0 > 0.0.0.0/0 69", ""),
        ("egress 1 accept tcp 0.0.0.0/0 > 0.0.0.0/0 67", ""),
        ("egress 1 accept udp ::/0 > ::/0 546-547", "dhcp"),
        ("egress 1 accept udp ::/0 > ::/0 67-68", ""),
        ("egress 1 accept tcp 0.0.0.0/0 > 169.254.169.254/32 80", "instance-metadata"),
        (
            "egress 1 accept all 0.0.0.0/0 > 169.254.0.0/16",
            "amazon-dns, amazon-time, instance-metadata, windows-activation",
        ),
        ("ingress 1 accept all 169.254.169.250/31 > 0.0.0.0/0", "windows-activation"),
        ("egress 1 accept all 0.0.0.0/0 > 169.0.0.0/8", ""),
        ("egress 1 accept all 0.0.0.0/0 > 203.0.113.0/24", ""),
        ("egress 1 accept all ::/0 > fd00:ec2::/32", "amazon-dns, amazon-time, instance-metadata"),
        ("egress 1 accept all ::/0 > fd00::/8", ""),
        ("egress 1 accept tcp 0.0.0.0/0 > 0.0.0.0/0 1688", "windows-activation"),
        ("egress 1 accept tcp 0.0.0.0/0 > 10.0.0.2/32 53", "amazon-dns"),
        ("egress 1 accept all 0.0.0.0/0 > 10.0.0.2/32", "amazon-dns"),
        // That of the VPC, and what is within it, have the resolver among others.
        ("egress 1 accept all 0.0.0.0/0 > 10.0.0.0/16", ""),
        ("egress 1 accept tcp 0.0.0.0/0 > 10.0.0.0/30", ""),
        ("ingress 1 accept all 10.0.0.0/16 > 10.0.0.0/16", ""),
        ("egress 1 accept udp 10.0.0.0/16 > 10.0.0.0/16 53", "amazon-dns"),
        ("egress 1 accept icmp 0.0.0.0/0 > 10.0.0.2/32", ""),
        ("egress 1 accept tcp 0.0.0.0/0 > 10.0.0.3/32 443", ""),
        ("egress 1 accept udp ::/0 > ::/0 53", "amazon-dns"),
        ("egress 1 accept all 0.0.0.0/0 > 0.0.0.0/0", ""),
        ("egress 1 reject udp 0.0.0.0/0 > 0.0.0.0/0 123", ""),
    ] {
        let of = |amazon_dns| -> String {
            let filter = Filter { amazon_dns, rules: vec![rule(text)], ..Filter::default() };
            let found = lint(&filter, &around).unwrap();
            let found = found.iter().filter(|one| one.code == Code::MirrorsControl);
            found.map(|one| one.message.replace("accepts what is never mirrored: ", "")).collect()
        };
        assert_eq!(of(false), services, "{text}");
        // With the switch, Amazon DNS is mirrored.
        let rest = services.replace("amazon-dns, ", "").replace("amazon-dns", "");
        assert_eq!(of(true), rest, "{text} with amazon-dns");
    }
}

#[test]
fn findings_come_in_the_order_in_which_rules_are_tried() {
    let rules = [
        "egress 5 accept all 0.0.0.0/0 > 0.0.0.0/0",
        "egress 4 accept tcp 0.0.0.0/0 > 0.0.0.0/0",
        "ingress 9 reject tcp 0.0.0.0/0 > 0.0.0.0/0",
    ];
    let filter =
        Filter { rules: rules.iter().map(|text| rule(text)).collect(), ..Filter::default() };
    let found: Vec<_> =
        linted(&filter).into_iter().map(|one| (one.direction, one.rule, one.code)).collect();
    let (ingress, egress) = (Some(Direction::Ingress), Some(Direction::Egress));
    assert_eq!(
        found,
        [
            (None, None, Code::NoV6Twin),
            (ingress, None, Code::DirectionEmpty),
            (ingress, Some(2), Code::Redundant),
            (egress, Some(1), Code::Redundant),
        ]
    );
}

/// The packet that was shown went from 169.254.169.254 to 169.254.169.254.
#[test]
fn a_service_that_is_never_mirrored_is_at_the_other_end() {
    for (rule, packet) in [
        (
            "egress 1 accept tcp 0.0.0.0/0 > 169.254.169.254/32",
            "egress tcp 10.0.1.15:51000 > 169.254.169.254:443",
        ),
        (
            "ingress 1 accept tcp 169.254.169.254/32 > 0.0.0.0/0",
            "ingress tcp 169.254.169.254:51000 > 10.0.1.15:443",
        ),
        (
            "egress 1 accept udp 0.0.0.0/0 > 0.0.0.0/0 53",
            "egress udp 10.0.1.15:51000 > 169.254.169.253:53",
        ),
    ] {
        let said = said(Code::MirrorsControl, &[rule]);
        let [one] = said.as_slice() else { panic!("{rule}: {said:?}") };
        assert!(one.ends_with(&format!(" | {packet}")), "{one}");
    }
}

/// Each reject is redundant, and to leave network services out of each took too long.
#[test]
fn five_hundred_rules_each_across_five_hundred_others_are_not_too_many() {
    let accept = |n| format!("ingress {n} accept tcp 10.{}.{}.0/24 > 0.0.0.0/0", n / 250, n % 250);
    let reject = |n| format!("ingress {} reject tcp 0.0.0.0/0 > 0.0.0.0/0 {}", 1_000 + n, 2 * n);
    let rules = (1..=500).map(accept).chain((1..=500).map(reject));
    let rules = rules.map(|text| rule(&text)).collect();
    let found = linted(&Filter { rules, ..Filter::default() });
    let of = |code| found.iter().filter(|one| one.code == code).count();
    assert_eq!((of(Code::Redundant), of(Code::PartlyShadowed)), (500, 500));
}
