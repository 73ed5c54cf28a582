//! `filter diff`: the same for every packet, or a packet for each difference.

mod traffic;

use std::fs;

use serde_json::{Value, json};

use super::{filter, json, lab_d, template};
use crate::harness::{Scratch, testdata};

#[test]
fn one_filter_in_five_formats_is_one_filter() {
    for name in [
        "cdk-synth.template.json",
        "describe-traffic-mirror-filters.json",
        "describe-traffic-mirror-filter-rules.json",
        "terraform-plan.json",
        "terraform-state.json",
    ] {
        let other = testdata().join("aws/lab-d").join(name);
        let seen = filter("diff").arg(lab_d()).arg(other).succeeds();
        let text = String::from_utf8(seen.stdout).unwrap();
        assert!(text.ends_with("\nthey do the same with every whole packet\n"), "{name}: {text}");
    }
}

/// One port more: that port, one packet of it, and nothing else.
#[test]
fn a_bound_that_moved_by_one_is_a_packet_at_the_bound() {
    let scratch = Scratch::new();
    let text = fs::read_to_string(template("asym-ports", "nearly")).unwrap();
    let first = text.find("ToPort: 443").unwrap();
    let (head, tail) = text.split_at(first);
    scratch.write("a.yaml", &text);
    scratch.write("b.yaml", format!("{head}{}", tail.replacen("443", "444", 1)));
    let diff = || filter("diff").within(&scratch).args(["a.yaml", "b.yaml"]);
    diff().fails_with(1).stderr("").stdout(
        "\
a: \"Web\" in a.yaml
b: \"Web\" in b.yaml
b alone mirrors ingress tcp 203.0.113.9:51000 > 10.0.1.15:444
  a: no ingress rule matches
  b: ingress 100 accept tcp 0.0.0.0/0 > 10.0.0.0/16 443-444
1 pair of rules that disagree
",
    );
    let json = json(&diff().args(["--format", "json"]).fails_with(1));
    assert_eq!(json["schema"], "mirror-pcap/diff/1");
    assert_eq!(json["equal"], false);
    let one = &json["differences"][0];
    assert_eq!(one["a"], json!({ "rule": null, "action": "reject" }));
    assert_eq!(one["b"], json!({ "rule": 100, "action": "accept" }));
    // And the packet is a question to explain.
    let flow = one["witness"]["flow"].as_str().unwrap();
    for (name, told) in [("a.yaml", "not_mirrored"), ("b.yaml", "mirrored")] {
        assert_eq!(verdict(&scratch, name, flow, &[]), told);
    }
}

/// Of what the rules say nothing it is the switch alone that differs.
#[test]
fn filters_that_differ_in_amazon_dns_alone_are_not_equal() {
    let scratch = Scratch::new();
    let text = fs::read_to_string(template("mirrors-control", "fires")).unwrap();
    scratch.write("without.yaml", &text);
    scratch.write("with.yaml", fs::read_to_string(template("mirrors-control", "nearly")).unwrap());
    let diff = || filter("diff").within(&scratch).args(["with.yaml", "without.yaml"]);
    let seen = diff().fails_with(1);
    let text = String::from_utf8(seen.stdout).unwrap();
    assert!(text.contains("a mirrors Amazon DNS, b does not\n"), "{text}");
    assert!(text.ends_with("their rules do the same with every whole packet\n"), "{text}");
    let json = json(&diff().args(["--format", "json"]).fails_with(1));
    assert_eq!((&json["equal"], &json["differences"]), (&json!(false), &json!([])));
    assert_eq!((&json["a"]["amazon_dns"], &json["b"]["amazon_dns"]), (&json!(true), &json!(false)));
}

/// It said "every packet", and of a later fragment `explain` said otherwise.
#[test]
fn a_later_fragment_is_no_whole_packet() {
    let scratch = Scratch::new();
    let any = described(&[(10, "accept", "0.0.0.0/0")], &[]);
    let all_ports = any.replace(r#""FromPort":53,"ToPort":53"#, r#""FromPort":0,"ToPort":65535"#);
    let mut without: Value = serde_json::from_str(&any).unwrap();
    let rule = &mut without["TrafficMirrorFilters"][0]["EgressFilterRules"][0];
    rule.as_object_mut().unwrap().remove("DestinationPortRange").unwrap();
    scratch.write("a.json", &all_ports);
    scratch.write("b.json", without.to_string());
    let seen = filter("diff").within(&scratch).args(["a.json", "b.json"]).succeeds();
    let text = String::from_utf8(seen.stdout).unwrap();
    assert!(text.ends_with("they do the same with every whole packet\n"), "{text}");
    let fragment = "egress udp 10.0.1.15 > 203.0.113.9";
    for (name, told) in [("a.json", "undecided"), ("b.json", "mirrored")] {
        assert_eq!(verdict(&scratch, name, fragment, &[]), told);
    }
}

/// An answer of the AWS CLI: a filter with these egress rules out of the VPC, each with number,
/// action and destination.
pub(crate) fn described(rules: &[(u32, &str, &str)], services: &[&str]) -> String {
    let rules: Vec<Value> = rules
        .iter()
        .map(|(number, action, destination)| {
            json!({
                "TrafficDirection": "egress",
                "RuleNumber": number,
                "RuleAction": action,
                "Protocol": 17,
                "SourceCidrBlock": "10.0.0.0/16",
                "DestinationCidrBlock": destination,
                "DestinationPortRange": { "FromPort": 53, "ToPort": 53 },
            })
        })
        .collect();
    let filter = json!({
        "TrafficMirrorFilterId": "tmf-0a",
        "IngressFilterRules": [],
        "EgressFilterRules": rules,
        "NetworkServices": services,
    });
    json!({ "TrafficMirrorFilters": [filter] }).to_string()
}

/// It said that one of them alone mirrors a packet to 169.254.169.254, of which `explain` said that
/// it is never mirrored.
#[test]
fn rules_that_differ_where_nothing_is_mirrored_make_no_difference() {
    let scratch = Scratch::new();
    let all = (100, "accept", "0.0.0.0/0");
    let metadata = (10, "reject", "169.254.169.254/32");
    scratch.write("a.json", described(&[all], &[]));
    scratch.write("b.json", described(&[metadata, all], &[]));
    let diff = || filter("diff").within(&scratch).args(["a.json", "b.json"]);
    diff().succeeds().stderr("").stdout(
        "\
a: tmf-0a in a.json
b: tmf-0a in b.json
they do the same with every whole packet
1 pair of rules disagrees only about packets of network services, which rules do not judge, such as egress udp 10.0.1.15:51000 > 169.254.169.254:53 (instance-metadata)
",
    );
    let json = json(&diff().args(["--format", "json"]).succeeds());
    assert_eq!((&json["equal"], &json["differences"]), (&json!(true), &json!([])));
    let one = &json["settled"][0];
    assert_eq!(one["a"], json!({ "rule": 100, "action": "accept" }));
    assert_eq!(one["b"], json!({ "rule": 10, "action": "reject" }));
    assert_eq!(one["service"], "instance-metadata");
    let flow = one["witness"]["flow"].as_str().unwrap();
    for name in ["a.json", "b.json"] {
        assert_eq!(verdict(&scratch, name, flow, &[]), "never_mirrored");
    }
}

/// Where the resolver is not known it is a server like others, which `explain` says too.
#[test]
fn a_difference_at_the_resolver_is_none_once_its_vpc_is_known() {
    let scratch = Scratch::new();
    let all = (100, "accept", "0.0.0.0/0");
    for services in [&[][..], &["amazon-dns"]] {
        scratch.write("a.json", described(&[all], services));
        scratch.write("b.json", described(&[(10, "reject", "10.0.0.2/32"), all], services));
        let diff = || filter("diff").within(&scratch).args(["a.json", "b.json"]);
        let known = ["--vpc", "10.0.0.0/16"];
        let found = json(&diff().args(["--format", "json"]).fails_with(1));
        let flow = found["differences"][0]["witness"]["flow"].as_str().unwrap();
        assert_eq!(flow, "egress udp 10.0.1.15:51000 > 10.0.0.2:53");
        for (name, without) in [("a.json", "mirrored"), ("b.json", "not_mirrored")] {
            let with = if services.is_empty() { "never_mirrored" } else { "mirrored" };
            assert_eq!(verdict(&scratch, name, flow, &[]), without);
            assert_eq!(verdict(&scratch, name, flow, &known), with);
        }
        let found = json(&diff().args(known).args(["--format", "json"]).succeeds());
        assert_eq!(found["settled"][0]["service"], "amazon-dns");
    }
}

/// What `explain` says of a packet.
fn verdict(scratch: &Scratch, name: &str, flow: &str, more: &[&str]) -> String {
    let args = [name, "--format", "json", "--flow", flow];
    let seen = filter("explain").within(scratch).args(args).args(more).succeeds();
    json(&seen)["verdict"].as_str().unwrap().to_owned()
}

/// A parameter of one document is none of the other's business; one of neither is a mistake.
#[test]
fn a_parameter_goes_to_the_document_that_asks_for_it() {
    let template = testdata().join("aws/cfn-imported-ranges/template.yaml");
    let a = format!("{}#MirrorClientTraffic", template.display());
    let params = ["--param", "lab-VpcCidr=10.0.0.0/16"];
    filter("diff").arg(&a).arg(lab_d()).args(params).fails_with(1);
    filter("diff").arg(lab_d()).arg(&a).args(params).fails_with(1);
    let more = ["--param", "Nobody=1"];
    let seen = filter("diff").arg(&a).arg(lab_d()).args(params).args(more).fails_with(2).stdout("");
    seen.stderr_has("found --param Nobody, which no document asks for");
}

#[test]
fn standard_input_can_be_one_of_them() {
    let bytes = fs::read(lab_d()).unwrap();
    filter("diff").arg("-").arg(lab_d()).stdin(bytes).succeeds();
}
