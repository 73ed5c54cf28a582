//! What a template leaves open is asked for by questions that rest on it, and by no others; where it
//! is missing in several places, it is one problem.

use serde_json::{Value, json};

use super::{filter, json, template};
use crate::harness::{Run, Scratch, mirror_pcap, testdata};

/// A folder with the template `t.yaml` and a capture of its session as `in`. Another stack exports
/// the range of its filter `Inside`, and the interface of its session is a parameter.
fn open() -> Scratch {
    let scratch = Scratch::new();
    let text = std::fs::read_to_string(template("unresolved", "fires")).unwrap();
    scratch.write("t.yaml", text);
    scratch.copy("captures/lab-d/input.pcapng", "in");
    scratch
}

/// The same with something replaced.
fn changed(from: &str, to: &str) -> Scratch {
    let scratch = open();
    let text = String::from_utf8(scratch.read("t.yaml")).unwrap();
    assert!(text.contains(from));
    scratch.write("t.yaml", text.replace(from, to));
    scratch
}

fn run<const N: usize>(scratch: &Scratch, args: [&str; N]) -> Run {
    mirror_pcap().within(scratch).args(args)
}

const FLOW: [&str; 2] = ["--flow", "ingress tcp 203.0.113.9:51000 > 10.0.1.15:443"];
const RANGE: [&str; 2] = ["--param", "network-VpcCidr=10.0.0.0/16"];
const SOURCE: [&str; 2] = ["--param", "Source=eni-0d000000000000015"];

/// What is said of the range, and of nothing else: one line, with the first places.
const ONE: &str = "mirror-pcap: 1 problem in the documents
  t.yaml:37: /Resources/InsideIn/Properties/SourceCidrBlock: unresolved: \"network-VpcCidr\" is \
imported from another stack; give --param network-VpcCidr=VALUE (in 4 places, also line 38: \
/Resources/InsideIn/Properties/DestinationCidrBlock and line 46: \
/Resources/InsideOut/Properties/SourceCidrBlock)
";

#[test]
fn a_question_about_a_filter_needs_its_rules_and_nothing_else() {
    let scratch = open();
    let test = |of: &str| {
        let flow = json!({ "name": "web", "flow": FLOW[1], "expect": "mirrored" });
        json!({ "filter": of, "tests": [flow] }).to_string()
    };
    for (of, is_known) in [("t.yaml#Web", true), ("t.yaml#Inside", false)] {
        scratch.write("tests.json", test(of));
        for run in [
            run(&scratch, ["filter", "show", of]),
            run(&scratch, ["filter", "lint", of]),
            run(&scratch, ["filter", "explain", of]).args(FLOW),
            run(&scratch, ["filter", "export", of, "--format", "terraform"]),
            run(&scratch, ["filter", "diff", of, of]),
            run(&scratch, ["filter", "test", "tests.json"]),
            run(&scratch, ["simulate", "--quiet", "--filter", of, "--local", "10.0.1.15", "in"]),
        ] {
            match is_known {
                true => run.succeeds().stderr(""),
                false => run.fails_with(2).stdout("").stderr(ONE),
            };
        }
    }
    // All filters are asked about, and no session.
    run(&scratch, ["filter", "show", "t.yaml"]).fails_with(2).stderr(ONE);
    run(&scratch, ["filter", "show", "t.yaml"]).args(RANGE).succeeds().stderr("");
    // Which of the two is meant comes first.
    run(&scratch, ["filter", "export", "t.yaml", "--format", "terraform"])
        .fails_with(2)
        .stderr_has("found 2 filters, expected one; give DOC#ID: it has \"Web\", \"Inside\"");
}

/// The findings of a kind: severity, filter, message, line.
fn left_out(run: Run, exit: i32) -> Vec<(String, String, Value, u64)> {
    let seen = run.args(["--format", "json"]).fails_with(exit).stderr("");
    let findings = json(&seen)["findings"].as_array().unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    findings
        .iter()
        .filter(|one| one["code"] == "unresolved")
        .map(|one| {
            let line = one["location"]["line"].as_u64().unwrap();
            (text(&one["severity"]), text(&one["message"]), one["filter"]["name"].clone(), line)
        })
        .collect()
}

#[test]
fn lint_looks_at_the_rest_and_says_once_what_it_left_out() {
    let scratch = open();
    let of_range = (
        "warning".to_owned(),
        "1 filter left out: \"network-VpcCidr\" is imported from another stack; give --param \
         network-VpcCidr=VALUE (in 4 places, also line 38: \
         /Resources/InsideIn/Properties/DestinationCidrBlock and line 46: \
         /Resources/InsideOut/Properties/SourceCidrBlock)"
            .to_owned(),
        json!("Inside"),
        37,
    );
    let of_source = (
        "warning".to_owned(),
        "1 session left out: parameter \"Source\" has no default; give --param Source=VALUE"
            .to_owned(),
        Value::Null,
        51,
    );
    let lint = || run(&scratch, ["filter", "lint", "t.yaml"]);
    assert_eq!(left_out(lint(), 1), [of_range.clone(), of_source.clone()]);
    assert_eq!(
        left_out(lint().args(["--fail-level", "error"]), 0),
        [of_range.clone(), of_source.clone()]
    );
    assert_eq!(left_out(lint().args(SOURCE), 1), [of_range]);
    assert_eq!(left_out(lint().args(RANGE), 1), [of_source]);
    assert_eq!(left_out(lint().args(RANGE).args(SOURCE), 0), []);

    // What it looked at it says all of.
    let scratch =
        changed("DestinationPortRange: { FromPort: 443", "DestinationPortRange: { FromPort: 4");
    let seen = run(&scratch, ["filter", "lint", "t.yaml"]).fails_with(1);
    let text = String::from_utf8(seen.stdout).unwrap();
    assert!(text.contains("= filter: \"Web\""), "{text}");
}

/// VNI and PacketLength are nothing that lint looks at; what a session is called neither.
#[test]
fn lint_does_not_ask_for_what_it_does_not_look_at() {
    let parameters = "Parameters:\n  Vni: { Type: Number }\n";
    let scratch = changed("Parameters:\n", parameters);
    let text = String::from_utf8(scratch.read("t.yaml")).unwrap();
    scratch.write("t.yaml", text.replace("VirtualNetworkId: 308308", "VirtualNetworkId: !Ref Vni"));
    let lint = run(&scratch, ["filter", "lint", "t.yaml"]).args(RANGE).args(SOURCE);
    assert_eq!(left_out(lint, 0), []);
}

#[test]
fn the_sessions_that_are_known_are_used_and_the_rest_is_said() {
    let scratch = open();
    let said = "mirror-pcap: t.yaml:51: /Resources/S1/Properties/NetworkInterfaceId: warning: \
                unresolved: parameter \"Source\" has no default; the session is kept without it; \
                give --param Source=VALUE\n";
    for args in [&["strip", "in", "out"][..], &["sessions", "in"][..]] {
        let known = || mirror_pcap().within(&scratch).args(args).args(["--config", "t.yaml"]);
        let seen = known().succeeds();
        assert!(seen.stderr.starts_with(said), "{}", seen.stderr);
        assert!(!seen.stderr.contains("network-VpcCidr"), "{}", seen.stderr);
        let told = seen.stderr + &String::from_utf8(seen.stdout).unwrap();
        assert!(told.contains(" S1 "), "{told}");
        let given = known().args(SOURCE).succeeds();
        assert!(!given.stderr.contains("unresolved"), "{}", given.stderr);
    }
    // Everything that the documents come to, each missing value once.
    let show = run(&scratch, ["config", "show", "t.yaml"]).succeeds();
    assert_eq!(show.stderr.matches("--param").count(), 2, "{}", show.stderr);
    assert_eq!(show.stderr.matches("unresolved: ").count(), 2, "{}", show.stderr);
    let text = String::from_utf8(show.stdout).unwrap();
    assert!(text.contains("session 1: \"S1\", VNI 308308\n"), "{text}");
    assert!(text.contains("\"Inside\", rules not known\n"), "{text}");
}

/// A session that may not be there is none that a packet can be said to be of; that it isn't there
/// is not assumed either, where it would take packets from others.
#[test]
fn a_session_that_may_not_be_there_is_left_out_and_said() {
    let scratch = open();
    let text = String::from_utf8(scratch.read("t.yaml")).unwrap();
    let text = text.replace(
        "Resources:\n",
        "  On: { Type: String }\nConditions: { IsOn: !Equals [!Ref On, live] }\nResources:\n",
    );
    let session = "AWS::EC2::TrafficMirrorSession\n";
    let text = text.replace(session, &format!("{session}    Condition: IsOn\n"));
    scratch.write("t.yaml", text);
    let why = "unresolved: condition \"IsOn\" is unknown, as parameter \"On\" has no default; ";
    let seen = run(&scratch, ["strip", "in", "out", "--config", "t.yaml"]).succeeds();
    let said = format!("{why}the session is left out; give --param On=VALUE\n");
    assert!(seen.stderr.contains(&said), "{}", seen.stderr);
    assert!(!seen.stderr.contains(" S1 "), "{}", seen.stderr);
    for (on, is_there) in [("On=live", true), ("On=test", false)] {
        let args = ["strip", "in", "out", "--config", "t.yaml", "--param", on];
        let seen = run(&scratch, args).succeeds();
        assert_eq!(seen.stderr.contains(" S1 "), is_there, "{}", seen.stderr);
    }
    // It may be the one that decides, so it is asked for, and rules are.
    let simulate = run(&scratch, ["simulate", "--config", "t.yaml", "in"]);
    let seen = simulate.args(RANGE).fails_with(2);
    assert!(seen.stderr.contains(&format!("{why}give --param On=VALUE")), "{}", seen.stderr);
    let findings = left_out(run(&scratch, ["filter", "lint", "t.yaml"]).args(RANGE), 1);
    assert!(findings[0].1.starts_with("1 session left out: condition \"IsOn\""), "{findings:?}");
}

#[test]
fn simulate_and_wrap_ask_for_what_changes_their_answer() {
    let scratch = open();
    // The rules of the session's filter are known; whose session it is --local says.
    let simulate =
        || run(&scratch, ["simulate", "--config", "t.yaml", "--local", "10.0.1.15", "in"]);
    let seen = simulate().succeeds();
    assert!(seen.stderr.contains("--param Source=VALUE"), "{}", seen.stderr);
    assert!(!seen.stderr.contains("network-VpcCidr"), "{}", seen.stderr);

    let text = String::from_utf8(scratch.read("t.yaml")).unwrap();
    scratch.write(
        "t.yaml",
        text.replace(
            "!Ref Web\n      TrafficMirrorTargetId",
            "!Ref Inside\n      TrafficMirrorTargetId",
        ),
    );
    let simulate = run(&scratch, ["simulate", "--config", "t.yaml", "--local", "10.0.1.15", "in"]);
    let seen = simulate.fails_with(2);
    assert!(seen.stderr.ends_with(ONE), "{}", seen.stderr);

    // A packet would be cut, nobody knows where.
    let scratch = changed(
        "VirtualNetworkId: 308308",
        "VirtualNetworkId: 308308\n      PacketLength: !ImportValue cut",
    );
    let simulate = run(&scratch, ["simulate", "--config", "t.yaml", "--local", "10.0.1.15", "in"]);
    simulate.fails_with(2).stderr_has("give --param cut=VALUE\n");
    run(&scratch, ["strip", "in", "out"]).succeeds();
    let wrap = || {
        let ends = ["--source", "10.0.1.15", "--target", "10.0.2.99"];
        run(&scratch, ["wrap", "-q", "out", "w", "--config", "t.yaml", "--session", "S1"])
            .args(ends)
    };
    wrap().fails_with(2).stderr_has("give --param cut=VALUE\n");
    wrap().args(["--packet-length", "100"]).succeeds();
    wrap().args(["--force", "--param", "cut=100"]).succeeds();
}

/// Nobody knows which filter that rule is of, so of none is it known what it does.
#[test]
fn a_rule_of_an_unknown_filter_may_be_of_any() {
    let scratch = changed(
        "TrafficMirrorFilterId: !Ref Inside\n      TrafficDirection: ingress",
        "TrafficMirrorFilterId: !ImportValue theirs\n      TrafficDirection: ingress",
    );
    let seen = run(&scratch, ["filter", "show", "t.yaml#Web"]).fails_with(2);
    assert!(seen.stderr.contains("give --param theirs=VALUE\n"), "{}", seen.stderr);
    let findings =
        left_out(run(&scratch, ["filter", "lint", "t.yaml"]).args(RANGE).args(SOURCE), 1);
    assert!(findings[0].1.starts_with("all filters left out: \"theirs\""), "{findings:?}");
    let given = ["--param", "theirs=tmf-1"];
    run(&scratch, ["filter", "show", "t.yaml#Web"]).args(given).succeeds();
}

/// A plan of fifty sessions, whose interfaces will be known once it is applied.
fn plan() -> String {
    let resource = |address: String, values: Value| {
        let kind = address.split('.').next().unwrap().to_owned();
        json!({ "address": address, "mode": "managed", "type": kind, "values": values })
    };
    let kind = "aws_ec2_traffic_mirror";
    let rule = |direction: &str| {
        resource(
            format!("{kind}_filter_rule.{direction}"),
            json!({
                "traffic_mirror_filter_id": "tmf-1", "traffic_direction": direction,
                "rule_number": 1, "rule_action": "accept", "protocol": null,
                "source_cidr_block": "0.0.0.0/0", "destination_cidr_block": "0.0.0.0/0",
                "source_port_range": [], "destination_port_range": [],
            }),
        )
    };
    let session = |n: usize| {
        resource(
            format!("{kind}_session.web[\"{n}\"]"),
            json!({
                "session_number": 1, "virtual_network_id": 100 + n,
                "traffic_mirror_filter_id": "tmf-1", "traffic_mirror_target_id": "tmt-1",
            }),
        )
    };
    let filter = json!({ "id": "tmf-1", "network_services": null });
    let mut resources = vec![resource(format!("{kind}_filter.web"), filter)];
    resources.extend([rule("ingress"), rule("egress")]);
    resources.extend((0..50).map(session));
    let changes: Vec<Value> = (0..50)
        .map(|n| {
            let after = json!({ "after_unknown": { "network_interface_id": true } });
            json!({ "address": format!("{kind}_session.web[\"{n}\"]"), "change": after })
        })
        .collect();
    serde_json::to_string_pretty(&json!({
        "format_version": "1.2",
        "planned_values": { "root_module": { "resources": resources } },
        "resource_changes": changes,
    }))
    .unwrap()
}

#[test]
fn fifty_sessions_with_one_thing_missing_are_one_line() {
    let scratch = Scratch::new();
    scratch.write("plan.json", plan());
    run(&scratch, ["filter", "show", "plan.json"]).succeeds().stderr("");
    let seen = run(&scratch, ["config", "show", "plan.json"]).succeeds();
    let told: Vec<&str> = seen.stderr.lines().filter(|line| line.contains("unresolved")).collect();
    assert_eq!(told.len(), 1, "{}", seen.stderr);
    assert!(told[0].contains("web[\"0\"].network_interface_id: warning: "), "{}", told[0]);
    assert!(told[0].contains("(in 50 places, also line "), "{}", told[0]);

    // Nobody can give it: that is no warning.
    let findings = left_out(run(&scratch, ["filter", "lint", "plan.json"]), 0);
    let [(severity, message, ..)] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!(severity, "info");
    assert!(message.starts_with("50 sessions left out: it is known only after"), "{message}");
}

/// A rule is not looked at, and nothing else says so: that would pass as nothing found.
#[test]
fn a_filter_of_a_plan_that_is_left_out_is_a_warning() {
    let scratch = Scratch::new();
    let mut plan: Value = serde_json::from_str(&plan()).unwrap();
    let rule = "aws_ec2_traffic_mirror_filter_rule.ingress";
    let after = json!({ "after_unknown": { "source_cidr_block": true } });
    let changes = plan["resource_changes"].as_array_mut().unwrap();
    changes.push(json!({ "address": rule, "change": after }));
    let resources = plan["planned_values"]["root_module"]["resources"].as_array_mut().unwrap();
    resources[1]["values"].as_object_mut().unwrap().remove("source_cidr_block").unwrap();
    scratch.write("plan.json", plan.to_string());
    let findings = left_out(run(&scratch, ["filter", "lint", "plan.json"]), 1);
    assert!(findings.iter().any(|one| one.0 == "warning"), "{findings:?}");
    run(&scratch, ["filter", "show", "plan.json"]).fails_with(2).stderr_has(rule);
}

/// The templates of strangers that leave something open are looked at as far as they go.
#[test]
fn what_others_publish_needs_no_parameters_to_be_looked_at() {
    let mut seen = 0;
    for folder in ["cfn-imported-ranges", "cfn-custom-resource"] {
        let path = testdata().join("aws").join(folder).join("template.yaml");
        let run = filter("lint").arg(&path).fails_with(1);
        let text = String::from_utf8(run.stdout).unwrap();
        assert!(
            text.contains("warning[unresolved]: ") && text.contains("; give --param "),
            "{text}"
        );
        seen += 1;
    }
    assert_eq!(seen, 2);
}

/// One with a smaller number takes the packets, if the interface is the same.
#[test]
fn simulate_asks_for_the_interface_of_a_session_that_may_come_first() {
    let scratch = open();
    scratch.write(
        "two.yaml",
        "Parameters: { I: { Type: String } }
Resources:
  E: { Type: AWS::EC2::NetworkInterface, Properties: { PrivateIpAddress: 10.0.1.15 } }
  F: { Type: AWS::EC2::TrafficMirrorFilter }
  S1:
    Type: AWS::EC2::TrafficMirrorSession
    Properties: { NetworkInterfaceId: !Ref E, SessionNumber: 5, TrafficMirrorFilterId: !Ref F,
      TrafficMirrorTargetId: tmt-1, VirtualNetworkId: 1 }
  S2:
    Type: AWS::EC2::TrafficMirrorSession
    Properties: { NetworkInterfaceId: !Ref I, SessionNumber: 2, TrafficMirrorFilterId: !Ref F,
      TrafficMirrorTargetId: tmt-1, VirtualNetworkId: 2 }
",
    );
    run(&scratch, ["simulate", "--config", "two.yaml", "in"])
        .fails_with(2)
        .stderr_has("give --param I=VALUE");
    run(&scratch, ["simulate", "--config", "two.yaml", "--session", "S1", "in"]).succeeds();
}
