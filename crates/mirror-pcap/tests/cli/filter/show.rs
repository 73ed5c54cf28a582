//! `filter show`, and how `DOC[#ID]` is understood by all commands.

use serde_json::json;

use super::{filter, json, lab_d};
use crate::harness::{Scratch, mirror_pcap, testdata};

/// Two filters, of which one has a name with the mark in it.
fn two() -> String {
    let filter = |id: &str, name: &str| {
        json!({
            "TrafficMirrorFilterId": id,
            "IngressFilterRules": [], "EgressFilterRules": [],
            "NetworkServices": ["amazon-dns"],
            "Tags": [{ "Key": "Name", "Value": name }],
        })
    };
    let filters = [filter("tmf-0a", "web"), filter("tmf-0b", "number #2")];
    json!({ "TrafficMirrorFilters": filters }).to_string()
}

#[test]
fn rules_stand_in_the_order_in_which_they_are_tried_with_their_places() {
    let seen = filter("show").arg(testdata().join("documents/filters.json")).succeeds();
    let name = testdata().join("documents/filters.json");
    seen.stdout(&format!(
        "\
tmf-0d000000000000001 \"all traffic\"
  at {}:3: /TrafficMirrorFilters/0
  ingress 100 accept all 0.0.0.0/0 > 0.0.0.0/0  line 6: /TrafficMirrorFilters/0/IngressFilterRules/0
  ingress 110 accept all ::/0 > ::/0            line 16: /TrafficMirrorFilters/0/IngressFilterRules/1
  ingress else: not mirrored
  egress 100 accept all 0.0.0.0/0 > 0.0.0.0/0   line 28: /TrafficMirrorFilters/0/EgressFilterRules/0
  egress 110 accept all ::/0 > ::/0             line 38: /TrafficMirrorFilters/0/EgressFilterRules/1
  egress else: not mirrored
  Amazon DNS: mirrored, whatever the rules say
",
        name.display()
    ))
    .stderr("");
}

#[test]
fn the_json_has_every_field_of_every_rule() {
    let seen = filter("show").arg(lab_d()).args(["--format", "json"]).succeeds();
    let json = json(&seen);
    assert_eq!(json["schema"], "mirror-pcap/filter-show/1");
    let rules = json["filters"][0]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 8);
    assert_eq!(rules[0]["description"], "intra-VPC IPv4 in");
    assert_eq!(rules[2]["source_ports"], json!({ "from": 443, "to": 443 }));
    assert_eq!((&rules[2]["protocol"], &rules[2]["number"]), (&json!(6), &json!(100)));
    assert_eq!(rules[2]["location"]["path"], "/Resources/InHttpsV4/Properties");
    assert!(rules[2]["location"]["line"].is_u64());
}

#[test]
fn an_id_is_that_of_a_filter_its_name_or_what_the_document_calls_it() {
    let scratch = Scratch::new();
    scratch.write("two.json", two());
    for (id, title) in [
        ("tmf-0a", "tmf-0a \"web\"\n"),
        ("web", "tmf-0a \"web\"\n"),
        ("tmf-0b", "tmf-0b \"number #2\"\n"),
    ] {
        let seen = filter("show").within(&scratch).arg(format!("two.json#{id}")).succeeds();
        let text = String::from_utf8(seen.stdout).unwrap();
        assert!(text.starts_with(title), "{id}: {text}");
        assert_eq!(text.matches("Amazon DNS").count(), 1, "{id}: {text}");
    }
    let seen = filter("show").arg(format!("{}#Filter", lab_d().display())).succeeds();
    assert!(seen.stdout.starts_with(b"\"${AWS::StackName}-filter\""));
    // Without an id, all of them.
    let seen = filter("show").within(&scratch).arg("two.json").succeeds();
    assert_eq!(String::from_utf8(seen.stdout).unwrap().matches("Amazon DNS").count(), 2);
}

#[test]
fn a_file_of_the_whole_name_is_meant_first() {
    let scratch = Scratch::new();
    scratch.write("two.json", "{}");
    scratch.write("two.json#web", two());
    let seen = filter("show").within(&scratch).arg("two.json#web").succeeds();
    assert_eq!(String::from_utf8(seen.stdout).unwrap().matches("Amazon DNS").count(), 2);
    // And with an id behind it.
    let seen = filter("show").within(&scratch).arg("two.json#web#tmf-0b").succeeds();
    assert_eq!(String::from_utf8(seen.stdout).unwrap().matches("Amazon DNS").count(), 1);
}

#[test]
fn what_is_not_there_is_told_with_what_is() {
    let scratch = Scratch::new();
    scratch.write("two.json", two());
    scratch.write("none.json", "{\"TrafficMirrorSessions\": []}");
    for (args, error) in [
        (
            &["show", "two.json#x\u{1b}"][..],
            "two.json: found no filter \"x\\u{1b}\"; it has tmf-0a \"web\", tmf-0b \"number #2\"",
        ),
        (&["show", "none.json"], "none.json: found no mirror filter"),
        (
            &["explain", "two.json", "--flow", "ingress tcp 10.0.0.1:1 > 10.0.0.2:2"],
            "two.json: found 2 filters, expected one; give DOC#ID: it has tmf-0a \"web\", \
             tmf-0b \"number #2\"",
        ),
        (&["show", "absent.json#x"], "absent.json: No such file or directory"),
    ] {
        let seen = mirror_pcap().within(&scratch).arg("filter").args(args).fails_with(2).stdout("");
        let last = seen.stderr.lines().last().unwrap();
        assert_eq!(last, format!("mirror-pcap: {error}"));
    }
}

/// Names may be shared, and an error that lists them must help all the same.
#[test]
fn of_filters_with_one_name_it_is_told_what_their_document_calls_them() {
    let scratch = Scratch::new();
    let filter_of = |name: &str| {
        let tags = json!([{ "Key": "Name", "Value": name }]);
        json!({ "Type": "AWS::EC2::TrafficMirrorFilter", "Properties": { "Tags": tags } })
    };
    let resources = [("A", filter_of("web")), ("B", filter_of("web")), ("C", filter_of("other"))];
    let resources: serde_json::Map<_, _> =
        resources.into_iter().map(|(name, one)| (name.to_owned(), one)).collect();
    scratch.write("three.json", json!({ "Resources": resources }).to_string());
    let show = |what: &str| filter("show").within(&scratch).arg(what);
    for (what, wrong) in [
        ("three.json#x", "found no filter \"x\"; it has A \"web\", B \"web\", \"other\""),
        (
            "three.json#web",
            "found 2 filters \"web\", expected one; it has A \"web\", B \"web\", \"other\"",
        ),
    ] {
        let seen = show(what).fails_with(2).stdout("");
        let last = seen.stderr.lines().last().unwrap();
        assert_eq!(last, format!("mirror-pcap: three.json: {wrong}"));
    }
    show("three.json#B").succeeds();
}

/// The id is text, the name of the file need not be.
#[test]
fn a_file_whose_name_is_not_utf8_has_filters_with_ids_too() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let scratch = Scratch::new();
    scratch.write(OsStr::from_bytes(b"\xff#1"), two());
    let seen = filter("show").within(&scratch).arg(OsStr::from_bytes(b"\xff#1#tmf-0b")).succeeds();
    assert!(seen.stdout.starts_with(b"tmf-0b \"number #2\"\n"));
}

#[test]
fn standard_input_is_a_document_too() {
    let seen = filter("show").args(["--", "-#web"]).stdin(two()).succeeds();
    assert!(seen.stdout.starts_with(b"tmf-0a \"web\"\n  at standard input:1: "));
}

/// Ranges that a template leaves open are no wildcards.
#[test]
fn a_range_that_is_not_known_is_an_error_that_says_what_to_give() {
    let template = testdata().join("aws/cfn-imported-ranges/template.yaml");
    let seen = filter("show").arg(&template).fails_with(2).stdout("");
    seen.stderr_has("give --param lab-VpcCidr=VALUE");
    let param = ["--param", "lab-VpcCidr=10.9.0.0/16"];
    let seen = filter("show").arg(&template).args(param).succeeds();
    assert!(String::from_utf8(seen.stdout).unwrap().contains("10.9.0.0/16"));
}
