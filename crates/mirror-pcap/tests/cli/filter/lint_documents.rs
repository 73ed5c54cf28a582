//! Lint of documents as people have them: filters, sessions and targets in files of their own, JSON
//! whose lines are shown, and plans whose resources have addresses.

use serde_json::{Value, json};

use super::{filter, json, template};
use crate::harness::{Run, Scratch, testdata};

fn filters(ids: &[&str]) -> String {
    let rule = |direction: &str| {
        json!({
            "TrafficDirection": direction, "RuleNumber": 100, "RuleAction": "accept",
            "SourceCidrBlock": "10.0.0.0/24", "DestinationCidrBlock": "10.0.0.0/24",
        })
    };
    let filter = |id: &&str| {
        json!({
            "TrafficMirrorFilterId": id, "IngressFilterRules": [rule("ingress")],
            "EgressFilterRules": [rule("egress")], "NetworkServices": [],
        })
    };
    let all: Vec<Value> = ids.iter().map(filter).collect();
    json!({ "TrafficMirrorFilters": all }).to_string()
}

/// Sessions, each of an interface and with a number, of filter tmf-1 to target tmt-1.
fn sessions(list: &[(String, u32)]) -> String {
    let session = |(n, (eni, number)): (usize, &(String, u32))| {
        json!({
            "TrafficMirrorSessionId": format!("tms-{n}"), "TrafficMirrorTargetId": "tmt-1",
            "TrafficMirrorFilterId": "tmf-1", "NetworkInterfaceId": eni, "SessionNumber": number,
            "VirtualNetworkId": n + 1,
        })
    };
    let all: Vec<Value> = list.iter().enumerate().map(session).collect();
    json!({ "TrafficMirrorSessions": all }).to_string()
}

fn targets(eni: &str) -> String {
    json!({ "TrafficMirrorTargets": [{
        "TrafficMirrorTargetId": "tmt-1", "Type": "network-interface", "NetworkInterfaceId": eni,
    }]})
    .to_string()
}

/// The codes and severities that are found.
fn found(run: Run) -> Vec<(String, String)> {
    let seen = run.args(["--format", "json"]).ends();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let findings = json(&seen)["findings"].as_array().unwrap().clone();
    findings.iter().map(|one| (text(&one["code"]), text(&one["severity"]))).collect()
}

fn lint<const N: usize>(scratch: &Scratch, documents: [&str; N]) -> Run {
    filter("lint").within(scratch).args(documents)
}

fn codes(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|&(code, severity)| (code.to_owned(), severity.to_owned())).collect()
}

#[test]
fn the_three_answers_of_the_cli_are_looked_at_together() {
    let scratch = Scratch::new();
    let eni = |n: u32| ("eni-1".to_owned(), n);
    scratch.write("f.json", filters(&["tmf-1", "tmf-2"]));
    scratch.write("s.json", sessions(&[eni(1), eni(1), eni(3), eni(4)]));
    scratch.write("t.json", targets("eni-1"));
    let of_sessions = [("sessions-per-eni", "error"), ("session-number", "warning")];
    assert_eq!(found(lint(&scratch, ["f.json"])), []);
    // Without their filter too.
    assert_eq!(found(lint(&scratch, ["s.json"])), codes(&of_sessions));
    assert_eq!(found(lint(&scratch, ["f.json", "s.json"])), codes(&of_sessions));
    let [first, second] = of_sessions;
    let all = [first, ("source-is-target", "error"), second];
    assert_eq!(found(lint(&scratch, ["f.json", "s.json", "t.json"])), codes(&all));
    // Named are the filters that are asked about, and their sessions with them.
    assert_eq!(found(lint(&scratch, ["f.json#tmf-1", "s.json"])), codes(&of_sessions));
    assert_eq!(found(lint(&scratch, ["s.json", "f.json#tmf-2"])), []);
    assert_eq!(
        found(lint(&scratch, ["s.json", "f.json#tmf-2", "f.json#tmf-1"])),
        codes(&of_sessions)
    );

    let twice = ["f.json#tmf-2", "s.json", "f.json#tmf-1", "--format", "json"];
    let seen = lint(&scratch, twice).fails_with(1);
    assert_eq!(json(&seen)["documents"], json!(["f.json", "s.json"]));

    let seen = lint(&scratch, ["f.json", "s.json"]).fails_with(1);
    let text = String::from_utf8(seen.stdout).unwrap();
    assert!(text.ends_with("\nf.json, s.json: 1 error, 1 warning\n"), "{text}");
    let seen = lint(&scratch, ["f.json", "s.json", "--format", "json"]).fails_with(1);
    assert_eq!(json(&seen)["document"], "f.json");
    assert_eq!(json(&seen)["documents"], json!(["f.json", "s.json"]));
    let seen = lint(&scratch, ["f.json", "s.json", "--format", "sarif"]).fails_with(1);
    let run = &json(&seen)["runs"][0];
    assert_eq!(run["artifacts"].as_array().unwrap().len(), 2);
    let location = &run["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(location["artifactLocation"]["uri"], "s.json");
}

#[test]
fn what_is_not_there_to_look_at_is_said() {
    let scratch = Scratch::new();
    scratch.write("f.json", filters(&["tmf-1"]));
    scratch.write("t.json", targets("eni-1"));
    lint(&scratch, ["t.json"])
        .fails_with(2)
        .stdout("")
        .stderr("mirror-pcap: t.json: found no mirror filter or session\n");
    lint(&scratch, ["f.json", "t.json#tmf-1"])
        .fails_with(2)
        .stderr("mirror-pcap: t.json: found no filter \"tmf-1\"\n");
    lint(&scratch, ["--", "-", "-#tmf-1"])
        .fails_with(2)
        .stderr("mirror-pcap: standard input can be one of the documents only\n");
    lint(&scratch, ["-", "t.json"]).stdin(filters(&["tmf-1"])).succeeds();
}

/// Ten is what AWS takes of any instance; of 100 it is not known how large theirs is.
#[test]
fn a_target_has_so_many_sources_as_aws_takes() {
    let scratch = Scratch::new();
    scratch.write("f.json", filters(&["tmf-1"]));
    scratch.write("t.json", targets("eni-t"));
    let lint = |count: usize, more: &[(String, u32)]| {
        let mut list: Vec<_> = (0..count).map(|n| (format!("eni-{n}"), 1)).collect();
        list.extend_from_slice(more);
        scratch.write("s.json", sessions(&list));
        found(lint(&scratch, ["f.json", "s.json", "t.json"]))
    };
    let code = "sources-per-target";
    // A second session of an interface makes it no second source.
    assert_eq!(lint(10, &[("eni-0".to_owned(), 2)]), []);
    assert_eq!(lint(11, &[]), codes(&[(code, "info")]));
    assert_eq!(lint(100, &[]), codes(&[(code, "info")]));
    assert_eq!(lint(101, &[]), codes(&[(code, "error")]));
    // A load balancer takes any number.
    scratch.write("t.json", json!({ "TrafficMirrorTargets": [{
        "TrafficMirrorTargetId": "tmt-1", "Type": "network-load-balancer",
        "NetworkLoadBalancerArn": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/n/1",
    }]}).to_string());
    assert_eq!(lint(101, &[]), []);
}

/// An interface of a template has no id, and is the same in each of its sessions.
#[test]
fn interfaces_of_a_template_are_told_apart_by_their_names_there() {
    let scratch = Scratch::new();
    let text = std::fs::read_to_string(template("sessions-per-eni", "fires")).unwrap();
    let eni = "  Eni: { Type: AWS::EC2::NetworkInterface, Properties: { SubnetId: subnet-1 } }\n";
    let text = text
        .replace("eni-0d000000000000015", "!Ref Eni")
        .replace("Resources:\n", &format!("Resources:\n{eni}"));
    assert_eq!(text.matches("!Ref Eni").count(), 4);
    scratch.write("t.yaml", &text);
    assert_eq!(found(lint(&scratch, ["t.yaml"])), codes(&[("sessions-per-eni", "error")]));
    // In another template that name is another's.
    let (head, sessions) = text.split_at(text.find("  S4:").unwrap());
    scratch.write("a.yaml", head);
    scratch.write(
        "b.yaml",
        format!("Resources:\n{eni}  Web: {{ Type: AWS::EC2::TrafficMirrorFilter }}\n{sessions}"),
    );
    let found = found(lint(&scratch, ["a.yaml", "b.yaml"]));
    assert!(found.iter().all(|(code, _)| code != "sessions-per-eni"), "{found:?}");
}

#[test]
fn a_finding_in_json_has_its_line_and_one_in_a_plan_its_resource() {
    let scratch = Scratch::new();
    let plan = std::fs::read_to_string(testdata().join("aws/lab-d/terraform-plan.json")).unwrap();
    let plan = plan.replace("\"10.0.0.0/16\"", "\"10.0.0.1/16\"");
    let is_range = |line: &str| line.contains("_cidr_block\": \"10.0.0.1/16\"");
    let want = 1 + plan.lines().position(is_range).unwrap();
    scratch.write("plan.json", plan);
    let seen = lint(&scratch, ["plan.json", "--format", "json"]).fails_with(1);
    let findings = json(&seen)["findings"].as_array().unwrap().clone();
    let first = findings.iter().find(|one| one["code"] == "host-bits").unwrap();
    assert_eq!(first["location"]["line"], want);
    let resource = first["location"]["resource"].as_str().unwrap();
    assert!(resource.starts_with("aws_ec2_traffic_mirror_filter_rule."), "{resource}");
    assert!(resource.ends_with("_cidr_block"), "{resource}");
    assert!(first["location"]["path"].as_str().unwrap().starts_with("/planned_values/"));
    let seen = lint(&scratch, ["plan.json", "--format", "sarif"]).fails_with(1);
    let results = json(&seen)["runs"][0]["results"].as_array().unwrap().clone();
    let first = results.iter().find(|one| one["ruleId"] == "host-bits").unwrap();
    let location = &first["locations"][0];
    assert_eq!(location["physicalLocation"]["region"]["startLine"], want);
    assert_eq!(location["logicalLocations"][0]["fullyQualifiedName"], resource);
    let seen = lint(&scratch, ["plan.json"]).fails_with(1);
    let text = String::from_utf8(seen.stdout).unwrap();
    assert!(text.contains(&format!("--> plan.json:{want}:")), "{text}");
    assert!(text.contains(&format!("= resource: {resource}")), "{text}");
}

/// The whole document is one line: what stands at its beginning is nobody's.
#[test]
fn a_line_that_is_a_whole_document_is_not_shown() {
    let scratch = Scratch::new();
    let eni = |n: u32| ("eni-1".to_owned(), n);
    scratch.write("s.json", sessions(&[eni(1), eni(1)]));
    let seen = lint(&scratch, ["s.json"]).fails_with(1);
    let text = String::from_utf8(seen.stdout).unwrap();
    assert!(text.contains("--> s.json:1: /TrafficMirrorSessions/1\n"), "{text}");
    assert!(!text.contains("TrafficMirrorSessionId"), "{text}");
    // A finding without any line would be shown by nobody.
    let file = json!({ "schema": "mirror-pcap/sessions/1", "sessions": [
        { "eni": { "id": "eni-1" }, "number": 1, "vni": 1 },
        { "eni": { "id": "eni-1" }, "number": 1, "vni": 2 },
    ]});
    scratch.write("s.json", file.to_string());
    let seen = lint(&scratch, ["s.json", "--format", "sarif"]).fails_with(1);
    let location = &json(&seen)["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(location["region"]["startLine"], 1);
}
