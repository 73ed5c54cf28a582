//! `filter explain`: the story of one packet.

use serde_json::json;

use super::{filter, json, lab_d};
use crate::harness::{Scratch, mirror_pcap};

fn story(flow: &str, more: &[&str]) -> String {
    let seen = filter("explain").arg(lab_d()).args(["--flow", flow]).args(more).succeeds();
    String::from_utf8(seen.stdout).unwrap()
}

#[test]
fn rules_are_told_up_to_the_one_that_decides_each_with_what_failed() {
    let text = story("ingress tcp 203.0.113.9:443 > 10.0.1.15:51000", &[]);
    assert_eq!(
        text,
        "\
ingress tcp 203.0.113.9:443 > 10.0.1.15:51000
  \"${AWS::StackName}-filter\": mirrored, by rule 100
  ingress 10 reject all 10.0.0.0/16 > 0.0.0.0/0         source 203.0.113.9 is not in 10.0.0.0/16
  ingress 20 reject all 2001:db8:1234:ab00::/56 > ::/0  it is of IPv6, the packet is IPv4
  ingress 100 accept tcp 0.0.0.0/0 443 > 0.0.0.0/0      matches
  without it no rule would match: not mirrored
"
    );
}

#[test]
fn the_next_rule_that_would_match_is_told() {
    let text = story("ingress tcp 10.0.1.16:443 > 10.0.1.15:51000", &[]);
    assert!(text.contains(": not mirrored, by rule 10\n"), "{text}");
    let next = "  without it ingress 100 accept tcp 0.0.0.0/0 443 > 0.0.0.0/0 would match\n";
    assert!(text.ends_with(next), "{text}");
}

#[test]
fn a_packet_that_no_rule_takes_shows_where_each_failed() {
    let text = story("egress udp 10.0.1.15:51000 > 203.0.113.9:443", &[]);
    assert!(text.contains(": not mirrored, no egress rule matches\n"), "{text}");
    assert!(text.contains("egress 100 accept tcp 0.0.0.0/0 > 0.0.0.0/0 443"), "{text}");
    assert!(text.contains("protocol udp is not tcp\n"), "{text}");
}

#[test]
fn a_later_fragment_is_undecided_where_a_rule_asks_for_ports() {
    let text = story("ingress tcp 203.0.113.9 > 10.0.1.15", &[]);
    assert!(
        text.contains(": undecided, rule 100 asks for ports, which a later fragment lacks\n"),
        "{text}"
    );
    assert!(text.contains("asks for source port 443, which is missing\n"), "{text}");
    // Ports make no difference to what an earlier rule rejects whole.
    let text = story("ingress tcp 10.0.1.16 > 10.0.1.15", &[]);
    assert!(text.contains(": not mirrored, by rule 10\n"), "{text}");
}

/// That a rule behind the one that asks for ports matches whatever they are was told as if it
/// decided.
#[test]
fn what_is_undecided_has_no_rule_to_be_without() {
    let scratch = Scratch::new();
    let rule = |number: u32, action: &str, ports: serde_json::Value| {
        json!({
            "TrafficDirection": "ingress", "RuleNumber": number, "RuleAction": action,
            "Protocol": 6, "SourceCidrBlock": "0.0.0.0/0", "DestinationCidrBlock": "0.0.0.0/0",
            "DestinationPortRange": ports,
        })
    };
    let https = json!({ "FromPort": 443, "ToPort": 443 });
    let rules = [
        rule(10, "accept", https),
        rule(20, "reject", json!(null)),
        rule(30, "accept", json!(null)),
    ];
    let document = json!({ "TrafficMirrorFilters": [{
        "TrafficMirrorFilterId": "tmf-0a", "IngressFilterRules": rules, "EgressFilterRules": [],
    }] });
    scratch.write("filters.json", document.to_string());
    let told = |format: &str| {
        let args = ["filters.json", "--flow", "ingress tcp 203.0.113.9 > 10.0.1.15"];
        let run = filter("explain").within(&scratch).args(args).args(["--format", format]);
        run.succeeds()
    };
    let text = String::from_utf8(told("text").stdout).unwrap();
    assert!(text.contains(": undecided, rule 10 asks for ports"), "{text}");
    assert!(!text.contains("without it"), "{text}");
    let json = json(&told("json"));
    assert_eq!((&json["rule"], &json["next"]), (&json!(10), &json!(null)));
}

#[test]
fn services_are_decided_beside_the_rules() {
    let dns = "egress udp 10.0.1.15:51000 > 10.0.0.2:53";
    let text = story(dns, &["--vpc", "10.0.0.0/16"]);
    assert!(text.contains(": never mirrored, rules do not judge amazon-dns\n"), "{text}");
    let text = story(dns, &[]);
    assert!(text.contains(": not mirrored, by rule 10\n"), "{text}");
    assert!(text.contains("  assumed: as no VPC was named, "), "{text}");
}

#[test]
fn the_json_says_the_same() {
    let flow = "ingress tcp 10.0.1.16:443 > 10.0.1.15:51000";
    let args = ["--flow", flow, "--format", "json"];
    let json = json(&filter("explain").arg(lab_d()).args(args).succeeds());
    assert_eq!(json["schema"], "mirror-pcap/explain/1");
    assert_eq!(json["flow"], flow);
    assert_eq!((&json["verdict"], &json["reason"]), (&json!("not_mirrored"), &json!("rule")));
    assert_eq!((&json["rule"], &json["next"]), (&json!(10), &json!(100)));
    let tried = json["tried"].as_array().unwrap();
    assert_eq!(tried.len(), 1);
    assert_eq!((&tried[0]["matches"], &tried[0]["field"]), (&json!(true), &json!(null)));
}

#[test]
fn a_packet_that_is_none_is_an_error_that_points_at_the_part() {
    let scratch = Scratch::new();
    let args = ["filter", "explain", "x.json", "--flow", "ingress tcp 10.0.0.1:1 > 10.0.0.2"];
    let seen = mirror_pcap().within(&scratch).args(args).fails_with(2).stdout("");
    seen.stderr_has("found \"10.0.0.2\" without a port, expected both ends with one");
}
