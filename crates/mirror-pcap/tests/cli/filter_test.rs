//! `filter test`: what is expected of filters, and what is said where it doesn't hold.

use std::fs;

use serde_json::{Value, json};

use crate::{
    filter::diff::described,
    harness::{Run, Scratch, mirror_pcap, root},
    python::Python,
};

/// The documents of Lab D, and a file of tests about them.
fn lab(tests: &str) -> Scratch {
    let scratch = Scratch::new();
    for name in ["cfn.yaml", "describe-traffic-mirror-filters.json", "main.tf"] {
        let bytes = fs::read(root().join("testdata/aws/lab-d").join(name)).unwrap();
        scratch.write(name, bytes);
    }
    scratch.copy("captures/lab-d/input.pcapng", "lab-d.pcapng");
    let head = "\
filter: cfn.yaml#Filter
context: { vpc: [10.0.0.0/16, '2001:db8:1234:ab00::/56'], eni: [10.0.1.15, '2001:db8:1234:ab01::15'] }
tests:
";
    scratch.write("t.yaml", format!("{head}{tests}"));
    scratch
}

fn test(scratch: &Scratch) -> Run {
    mirror_pcap().within(scratch).args(["filter", "test", "t.yaml"])
}

/// What holds of Lab D by its description.
const HOLDS: &str = "  - name: answers over HTTPS
    flow: { direction: ingress, protocol: tcp, source: 203.0.113.0/24, source_port: 443 }
    expect: mirrored
    rule: 100
  - name: questions over HTTPS, IPv6
    flow: { direction: egress, protocol: tcp, destination: '2001:db8:beef::/48', destination_port: 443 }
    expect: mirrored
    rule: 110
  - name: nothing within the VPC
    flow: { source: 10.0.0.0/16, destination: 10.0.0.0/16 }
    expect: not-mirrored
  - name: no QUIC
    flow: { protocol: udp }
    expect: not-mirrored
  - name: instance metadata
    flow: { destination: 169.254.169.254 }
    expect: never-mirrored
  - name: the resolver
    flow: egress udp 10.0.1.15:40000 > 10.0.0.2:53
    expect: never-mirrored
  - capture: lab-d.pcapng
    expect: { mirrored: 28, not-mirrored: 30, undecided: 0 }
  - equal_to: describe-traffic-mirror-filters.json
  - lint: { codes: [shadowed, unmatchable, redundant] }
";

#[test]
fn what_holds_is_said_to() {
    let scratch = lab(HOLDS);
    test(&scratch).succeeds().stderr("").stdout(
        "\
t.yaml: \"${AWS::StackName}-filter\"
  ok    answers over HTTPS
  ok    questions over HTTPS, IPv6
  ok    nothing within the VPC
  ok    no QUIC
  ok    instance metadata
  ok    the resolver
  ok    capture 7
  ok    equal_to 8
  ok    lint 9
9 tests, all hold
",
    );
}

/// One field of each is another than above.
const FAILS: &str = "  - name: also within the VPC
    flow: { direction: ingress, protocol: tcp, source: 0.0.0.0/0, source_port: 443 }
    expect: mirrored
  - name: another rule
    flow: { direction: ingress, protocol: tcp, source: 203.0.113.0/24, source_port: 443 }
    expect: mirrored
    rule: 110
  - name: a port too many
    flow: { direction: ingress, protocol: tcp, source: 203.0.113.0/24, source_port: 442-443 }
    expect: mirrored
  - name: one address outside of the VPC
    flow: { direction: ingress, protocol: tcp, source: 10.0.0.0/15, source_port: 443 }
    expect: not-mirrored
  - name: rules don't help here
    flow: { direction: egress, destination: 169.254.169.254 }
    expect: not-mirrored
  - name: not a service
    flow: { direction: egress, protocol: udp, destination: 10.0.0.2, destination_port: 53-54 }
    expect: never-mirrored
  - name: every packet
    capture: lab-d.pcapng
    expect: { mirrored: 100% }
";

#[test]
fn what_does_not_hold_is_shown_with_a_packet() {
    let scratch = lab(FAILS);
    test(&scratch).fails_with(1).stderr("").stdout(
        "\
t.yaml: \"${AWS::StackName}-filter\"
  FAIL  also within the VPC (line 4)
        ingress tcp 10.0.2.99:443 > 10.0.1.15:443 is not mirrored by rule 10, expected mirrored
  FAIL  another rule (line 7)
        ingress tcp 203.0.113.9:443 > 10.0.1.15:443 is mirrored by rule 100, expected mirrored by rule 110
  FAIL  a port too many (line 11)
        ingress tcp 203.0.113.9:442 > 10.0.1.15:443 is not mirrored as no rule matches, expected mirrored
  FAIL  one address outside of the VPC (line 14)
        ingress tcp 10.1.0.99:443 > 10.0.1.15:443 is mirrored by rule 100, expected not mirrored
  FAIL  rules don't help here (line 17)
        egress tcp 10.0.1.15:51000 > 169.254.169.254:443 is never mirrored, whatever the rules say (instance-metadata), expected not mirrored
  FAIL  not a service (line 20)
        egress udp 10.0.1.15:51000 > 10.0.0.2:54 is not mirrored by rule 10, expected never mirrored
  FAIL  every packet (line 23)
        28 of 58 packets are mirrored, expected 100%; egress tcp 10.0.1.15:51000 > 203.0.113.9:80 is not mirrored
7 tests, 7 failed
",
    );
}

/// Between two services there may be something that is of neither: ports 53 to 67 of the resolver
/// were taken for a service, as both ends of the range are of one.
#[test]
fn what_lies_between_two_services_is_judged_by_the_rules() {
    let scratch = lab(
        "  - flow: { direction: ingress, protocol: udp, source: 169.254.169.253, source_port: 53-67, \
         destination_port: 67 }\n    expect: never-mirrored\n",
    );
    let seen = test(&scratch).fails_with(1);
    let text = String::from_utf8(seen.stdout).unwrap();
    assert!(
        text.contains(" is not mirrored as no rule matches, expected never mirrored"),
        "{text}"
    );
}

/// Its packets are not meant by a test of more than them, and were shown for it all the same.
#[test]
fn a_rule_about_a_service_alone_is_of_no_account() {
    let scratch = Scratch::new();
    let all = (100, "accept", "0.0.0.0/0");
    let metadata = (10, "reject", "169.254.169.254/32");
    scratch.write("plain.json", described(&[all], &[]));
    scratch.write("more.json", described(&[metadata, all], &[]));
    let flow = "egress, protocol: udp, source: 10.0.0.0/16, destination_port: 53";
    scratch.write(
        "t.yaml",
        format!(
            "filter: more.json
tests:
  - flow: {{ direction: {flow} }}
    expect: mirrored
    rule: 100
  - flow: {{ direction: {flow}, destination: 169.254.169.254 }}
    expect: never-mirrored
  - flow: {{ source: 169.254.169.254, destination: 169.254.169.123 }}
    expect: never-mirrored
  - equal_to: plain.json
"
        ),
    );
    let seen = test(&scratch).succeeds();
    assert!(String::from_utf8(seen.stdout).unwrap().ends_with("4 tests, all hold\n"));
}

#[test]
fn a_name_in_a_file_is_never_standard_input() {
    let scratch = lab("  - lint: {}\n");
    let yaml = String::from_utf8(scratch.read("t.yaml")).unwrap();
    let read =
        |yaml: &str| mirror_pcap().within(&scratch).args(["filter", "test", "-"]).stdin(yaml);
    read(&yaml).succeeds();
    for with in [
        yaml.replace("cfn.yaml#Filter", "'-'"),
        yaml.replace("cfn.yaml#Filter", "'-#Filter'"),
        format!("{yaml}  - equal_to: '-'\n"),
        format!("{yaml}  - {{ capture: '-', expect: {{ mirrored: 1 }} }}\n"),
    ] {
        read(&with).fails_with(2).stdout("").stderr_has(", expected the name of a file\n");
    }
}

/// In a test what is left open is every value; `explain` is asked about one packet.
#[test]
fn a_flow_without_ports_is_all_ports_here_and_a_later_fragment_for_explain() {
    let scratch = lab("  - flow: ingress tcp 203.0.113.9 > 10.0.1.15\n    expect: mirrored\n");
    let seen = test(&scratch).fails_with(1);
    let text = String::from_utf8(seen.stdout).unwrap();
    assert!(
        text.contains("ingress tcp 203.0.113.9:51000 > 10.0.1.15:443 is not mirrored"),
        "{text}"
    );
    let explain = mirror_pcap().within(&scratch).args(["filter", "explain", "cfn.yaml"]);
    let flow = ["--flow", "ingress tcp 203.0.113.9 > 10.0.1.15"];
    let seen = explain.args(flow).args(["--param", "VpcCidr=10.0.0.0/16"]).ends();
    let text = String::from_utf8(seen.stdout).unwrap();
    assert!(text.contains("which a later fragment lacks"), "{text}{}", seen.stderr);
    // And each says so where people look.
    let help = mirror_pcap().args(["filter", "explain", "--help"]).succeeds();
    let help = String::from_utf8(help.stdout).unwrap();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("in a file of filter test it stands for all ports"), "{help}");
}

/// A document that differs in one port.
#[test]
fn another_document_is_not_equal_if_one_packet_is_treated_otherwise() {
    let scratch = lab("  - equal_to: other.json\n");
    let text = String::from_utf8(scratch.read("describe-traffic-mirror-filters.json")).unwrap();
    let at = text.find("\"ToPort\": 443").unwrap();
    scratch.write("other.json", format!("{}\"ToPort\": 444{}", &text[..at], &text[at + 13..]));
    let seen = test(&scratch).fails_with(1);
    let text = String::from_utf8(seen.stdout).unwrap();
    assert!(
        text.contains(" is not mirrored (no rule), by the other filter it is mirrored (rule 1"),
        "{text}"
    );
    assert!(text.contains(":444 > "), "{text}");
    // The switch alone.
    let scratch = lab("  - equal_to: other.json\n");
    let text = String::from_utf8(scratch.read("describe-traffic-mirror-filters.json")).unwrap();
    scratch.write(
        "other.json",
        text.replace("\"NetworkServices\": []", "\"NetworkServices\": [\"amazon-dns\"]"),
    );
    let seen = test(&scratch).fails_with(1);
    let text = String::from_utf8(seen.stdout).unwrap();
    assert!(text.contains("Amazon DNS isn't mirrored, and is by the other"), "{text}");
}

#[test]
fn the_exit_status_is_the_same_in_every_format() {
    for (tests, exit) in [(HOLDS, 0), (FAILS, 1)] {
        let scratch = lab(tests);
        let seen = test(&scratch).args(["--format", "json"]).fails_with(exit).stderr("");
        let json: Value = serde_json::from_slice(&seen.stdout).unwrap();
        assert_eq!(json["schema"], "mirror-pcap/filter-test/1");
        assert_eq!(json["failed"].as_u64().unwrap() > 0, exit == 1);
        test(&scratch).args(["--junit", "j.xml"]).fails_with(exit);
        let seen = test(&scratch).args(["--junit", "-"]).fails_with(exit);
        assert_eq!(seen.stdout, scratch.read("j.xml"));
    }
    let scratch = lab(HOLDS);
    let both = ["--junit", "-", "--format", "json"];
    test(&scratch).args(both).fails_with(2).stdout("").stderr_has("--junit: ");
}

/// The schema is that of Jenkins' xUnit plugin (MIT, in its first lines).
#[test]
fn junit_is_what_the_strictest_reader_takes() {
    let Some(python) = Python::with("lxml", "JUnit of filter test") else { return };
    let script = "
import sys
from lxml import etree
schema = etree.XMLSchema(etree.parse(sys.argv[1]))
report = etree.parse(sys.argv[2])
schema.assertValid(report)
for case in report.iter('testcase'):
    print(case.get('name'), len(case))
";
    let schema = root().join("crates/mirror-pcap/tests/cli/junit-10.xsd");
    for (tests, names) in [
        (HOLDS, "answers over HTTPS 0"),
        (FAILS, "also within the VPC 1"),
        // What XML can't hold, and what it takes for its own.
        (
            "  - { name: \"<a> & \\\"b\\\" ]]> \\x07\\uFFFE\", lint: {} }\n",
            "<a> & \"b\" ]]> \\u{7}\u{fffd} 0",
        ),
    ] {
        let scratch = lab(tests);
        test(&scratch).args(["--junit", "j.xml"]).ends();
        let report = scratch.path("j.xml");
        let args = [schema.to_str().unwrap(), report.to_str().unwrap()];
        let said = python.run(script, &args, &[]);
        assert_eq!(said.lines().next(), Some(names));
    }
}

#[test]
fn what_cannot_be_read_ends_the_run_before_any_test() {
    let scratch = lab("  - { lint: {}, flow: x }\n  - { expct: 1 }\n");
    let seen = test(&scratch).args(["--junit", "j.xml"]).fails_with(2).stdout("");
    assert!(
        seen.stderr.starts_with("mirror-pcap: 3 problems in the documents\n"),
        "{}",
        seen.stderr
    );
    assert!(seen.stderr.contains("t.yaml:4: /tests/0: "), "{}", seen.stderr);
    assert!(!scratch.path("j.xml").exists());

    let scratch = lab("  - { capture: none.pcapng, expect: { mirrored: 1 } }\n");
    test(&scratch).fails_with(2).stdout("").stderr_has("none.pcapng: ");
    let scratch = lab("  - equal_to: none.json\n");
    test(&scratch).fails_with(2).stdout("").stderr_has("none.json: ");
    let scratch = lab("  - equal_to: main.tf\n");
    test(&scratch).fails_with(2).stdout("").stderr_has("main.tf:28: not YAML");
}

/// A file in another folder names its documents from there.
#[test]
fn names_in_a_file_are_relative_to_it() {
    let scratch = lab(HOLDS);
    let elsewhere = Scratch::new();
    let seen = mirror_pcap().within(&elsewhere).args(["filter", "test"]);
    let seen = seen.arg(scratch.path("t.yaml")).succeeds();
    assert!(String::from_utf8(seen.stdout).unwrap().ends_with("9 tests, all hold\n"));
}

#[test]
fn parameters_are_those_that_documents_ask_for() {
    let scratch = lab("");
    let with = |params: &str| {
        format!(
            "filter: cfn.yaml\nparams: {params}\ntests: [{{ flow: {{ source: 10.9.0.0/16, destination: 10.9.0.0/16 }}, expect: not-mirrored }}]\n"
        )
    };
    scratch.write("t.yaml", with("{ VpcCidr: 10.9.0.0/16 }"));
    test(&scratch).succeeds();
    scratch.write("t.yaml", with("{ Vpc: 10.9.0.0/16 }"));
    test(&scratch).fails_with(2).stderr_has("params: found Vpc, which no document asks for");
}

#[test]
fn several_files_are_several_suites() {
    let scratch = lab(HOLDS);
    scratch.write("u.yaml", "filter: cfn.yaml\ntests: [{ lint: {} }]\n");
    let seen = test(&scratch).arg("u.yaml").succeeds();
    let text = String::from_utf8(seen.stdout).unwrap();
    assert!(text.contains("\nu.yaml: ") && text.ends_with("10 tests, all hold\n"), "{text}");
}

/// Each comparison was within bounds, and a file of them took as long as it liked: every rule of the
/// one filter meets every rule of the other.
#[test]
fn comparisons_that_are_too_much_together_are_refused_soon() {
    let scratch = Scratch::new();
    let document = |rule: fn(u32) -> Value| {
        let rules: Vec<Value> = (1..=170).map(rule).collect();
        let filter = json!({
            "TrafficMirrorFilterId": "tmf-0a", "IngressFilterRules": rules, "EgressFilterRules": [],
        });
        json!({ "TrafficMirrorFilters": [filter] }).to_string()
    };
    let accept = |n: u32| {
        json!({
            "TrafficDirection": "ingress", "RuleNumber": n, "RuleAction": "accept", "Protocol": 6,
            "SourceCidrBlock": format!("10.0.{n}.0/24"), "DestinationCidrBlock": "0.0.0.0/0",
        })
    };
    let reject = |n: u32| {
        json!({
            "TrafficDirection": "ingress", "RuleNumber": n, "RuleAction": "reject", "Protocol": 6,
            "SourceCidrBlock": "0.0.0.0/0", "DestinationCidrBlock": "0.0.0.0/0",
            "DestinationPortRange": { "FromPort": 2 * n, "ToPort": 2 * n },
        })
    };
    scratch.write("a.json", document(accept));
    scratch.write("b.json", document(reject));
    let tests = |count| {
        let tests = vec![json!({ "equal_to": "b.json" }); count];
        json!({ "filter": "a.json", "tests": tests }).to_string()
    };
    scratch.write("t.yaml", tests(1));
    test(&scratch).fails_with(1);
    scratch.write("t.yaml", tests(100));
    test(&scratch).fails_with(2).stdout("").stderr(
        "mirror-pcap: there are too many rules, or they cut each other into too many pieces, to be \
         analysed\n",
    );
}
