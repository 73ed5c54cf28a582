use mirror_filter::analysis::Flows;
use mirror_wire::Direction;

use super::*;

fn read_text(text: &str) -> Result<Expectations, String> {
    read(&Document { name: "t.yaml", bytes: text.as_bytes() }).map_err(|all| all.to_string())
}

/// A file with one test.
fn one(test: &str) -> Result<Test, String> {
    let read = read_text(&format!("filter: f.json\ntests:\n  - {test}\n"))?;
    assert_eq!(read.tests.len(), 1);
    Ok(read.tests[0].clone())
}

#[track_caller]
fn flows(flow: &str) -> Vec<Flows> {
    match one(&format!("{{ flow: {flow}, expect: mirrored }}")).unwrap().what {
        Expectation::Flow { flows, .. } => flows,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_with_everything() {
    let read = read_text(
        "filter: web.yaml#Web
params: { VpcCidr: 10.0.0.0/16, Port: 443 }
context: { vpc: [10.0.0.0/16, '2001:db8::/56'], eni: 10.0.1.15 }
tests:
  - name: https
    flow: { direction: ingress, protocol: tcp, source: 0.0.0.0/0, destination_port: 443 }
    expect: mirrored
    rule: 10
  - capture: web.pcapng
    expect: { mirrored: 100%, undecided: 0, not-mirrored: '<= 0.5%' }
  - equal_to: prod.json
  - lint: { codes: [shadowed] }
",
    )
    .unwrap();
    assert_eq!(read.filter, "web.yaml#Web");
    assert_eq!(read.vpc.len(), 2);
    assert_eq!(read.local, ["10.0.1.15/32".parse().unwrap()]);
    let names: Vec<&str> = read.tests.iter().map(|test| test.name.as_str()).collect();
    assert_eq!(names, ["https", "capture 2", "equal_to 3", "lint 4"]);
    let lines: Vec<Option<u32>> = read.tests.iter().map(|test| test.place.line).collect();
    assert_eq!(lines, [5, 9, 11, 12].map(Some));
    let Expectation::Capture { shares, .. } = &read.tests[1].what else { panic!() };
    let texts: Vec<String> = shares.iter().map(|(of, share)| format!("{of} {share}")).collect();
    assert_eq!(texts, ["mirrored 100%", "not_mirrored <= 0.5%", "undecided 0"]);
    assert_eq!(read.tests[3].what, Expectation::Lint { max: 0, codes: vec![Code::Shadowed] });
}

#[test]
fn what_a_flow_leaves_open_is_asked_in_every_way() {
    // Two directions, two families.
    assert_eq!(flows("{ protocol: tcp, destination_port: 22 }").len(), 4);
    assert_eq!(flows("{ direction: egress }").len(), 2);
    assert_eq!(flows("{ source: 10.0.0.0/8 }").len(), 2);
    let one = flows("{ direction: egress, destination: '2001:db8::1' }");
    assert_eq!(
        one,
        [Flows {
            destination: "2001:db8::1/128".parse().unwrap(),
            ..Flows::all_v6(Direction::Egress)
        }]
    );
    let packet = flows("ingress udp 203.0.113.9:53 > 10.0.1.15:40000");
    let fields = flows(
        "{ direction: ingress, protocol: 17, source: 203.0.113.9, source_port: 53, \
         destination: 10.0.1.15, destination_port: 40000-40000 }",
    );
    assert_eq!(packet, fields);
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_all_at_once() {
    let problems = read_text(
        "filter: [a]
contxt: {}
tests:
  - flow: { port: 22 }
    expect: maybe
  - name: two
    capture: a.pcap
    lint: {}
  - equal_to: b.json
    expect: mirrored
",
    )
    .unwrap_err();
    assert_eq!(
        problems,
        "\
t.yaml:2: /contxt: found key \"contxt\", expected one of filter, params, context, tests
t.yaml:1: /filter: found a list, expected a string
t.yaml:4: /tests/0/flow/port: found key \"port\", expected one of direction, protocol, source, source_port, destination, destination_port
t.yaml:5: /tests/0/expect: found \"maybe\", expected mirrored or not-mirrored or never-mirrored
t.yaml:6: /tests/1: found capture and lint of flow, capture, equal_to, lint, expected one of them
t.yaml:10: /tests/2/expect: found expect beside equal_to, expected it with flow or capture"
    );
}

#[test]
fn each_value_that_means_nothing_is_refused() {
    for (test, says) in [
        ("{ expect: mirrored }", "found none of flow"),
        ("{ flow: {}, expect: undecided }", "expected mirrored or not-mirrored or never-mirrored"),
        ("{ flow: {} }", "found no expect, expected one"),
        ("{ flow: ingress tcp, expect: mirrored }", "found no more, expected the source"),
        ("{ flow: { protocol: http }, expect: mirrored }", "expected tcp, udp, icmp"),
        ("{ flow: { protocol: 256 }, expect: mirrored }", "an integer from 0 to 255"),
        ("{ flow: { source: 10.0.0.1/8 }, expect: mirrored }", "without host bits"),
        ("{ flow: { source: 10.0.0.1, destination: '::1' }, expect: mirrored }", "of one family"),
        ("{ flow: { source_port: 90-80 }, expect: mirrored }", "a port, or a range"),
        ("{ flow: { source_port: +80 }, expect: mirrored }", "a port, or a range"),
        ("{ flow: { protocol: icmp, source_port: 80 }, expect: mirrored }", "expected tcp or udp"),
        ("{ flow: {}, expect: mirrored, rule: first }", "expected an integer"),
        ("{ capture: '', expect: { mirrored: 1 } }", "expected the name of a file"),
        ("{ capture: '-', expect: { mirrored: 1 } }", "expected the name of a file"),
        ("{ equal_to: '-#a' }", "expected the name of a file"),
        ("{ capture: a, expect: {} }", "found no verdict"),
        ("{ capture: a, expect: mirrored }", "expected an object"),
        ("{ capture: a, expect: { mirrored: 101% } }", "packets or a share"),
        ("{ capture: a, expect: { mirrored: '> 1' } }", "packets or a share"),
        ("{ capture: a, expect: { mirrored: 1.234% } }", "packets or a share"),
        ("{ capture: a, expect: { mirrored: -1 } }", "packets or a share"),
        ("{ capture: a, expect: { mirored: 1 } }", "expected one of mirrored"),
        ("{ lint: { max: -1 } }", "an integer from 0"),
        ("{ lint: { codes: [] } }", "at least one code"),
        ("{ lint: { codes: [shaded] } }", "found \"shaded\", expected quota or "),
        ("{ lint: {}, rule: 7 }", "found rule beside lint, expected it with flow"),
        ("plain", "expected an object"),
        ("{ flow: {}, flow: {}, expect: mirrored }", "a second time"),
    ] {
        let problems = one(test).unwrap_err();
        assert!(problems.contains(says), "{test}: {problems}");
        assert_eq!(problems.lines().count(), 1, "{test}: {problems}");
    }
    for (file, says) in [
        ("filter: a\ntests: []\n", "found no tests, expected at least one"),
        ("filter: a\n", "found no tests, expected one"),
        ("tests: [{ lint: {} }]\n", "found no filter, expected one"),
        ("- a\n", "expected an object"),
        ("", "expected an object"),
        ("a: [\n", "not YAML"),
    ] {
        let problems = read_text(file).unwrap_err();
        assert!(problems.contains(says), "{file}: {problems}");
    }
}

#[test]
fn a_share_holds_to_the_packet() {
    let holds = |text: &str, packets, all| text.parse::<Share>().unwrap().holds(packets, all);
    assert!(holds("100%", 3, 3) && !holds("100%", 2, 3));
    assert!(holds("0%", 0, 3) && !holds("0%", 1, 1_000_000));
    assert!(holds(">= 66.66%", 2, 3) && !holds(">=66.67%", 2, 3));
    assert!(holds("<= 33.34%", 1, 3) && !holds("<= 33.33%", 1, 3));
    assert!(holds("12", 12, 20) && !holds("12", 13, 20));
    assert!(holds(">= 12", 13, 20) && holds("<= 12", 0, 0));
    // A capture without packets tests nothing.
    assert!(!holds("100%", 0, 0) && !holds("0%", 0, 0));
    assert!(holds("100%", u64::MAX, u64::MAX));
}
