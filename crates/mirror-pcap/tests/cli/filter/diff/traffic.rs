//! `filter diff --capture`: what a difference comes to on captures, with the simulator as oracle.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::{
    filter::{filter, json},
    harness::{Run, Scratch, mirror_pcap, testdata},
};

const MAC: &str = "0a:5e:c0:de:00:01";

fn lab(name: &str) -> std::path::PathBuf {
    testdata().join("aws/lab-d").join(name)
}

/// Two filters: that of the lab as `a`, and as `b` one that has Amazon DNS, takes what comes in from
/// every port, and has no rule for HTTPS over IPv6 that goes out.
fn filters() -> Scratch {
    let scratch = Scratch::new();
    let name = lab("describe-traffic-mirror-filters.json");
    let mut document: Value = serde_json::from_slice(&fs::read(name).unwrap()).unwrap();
    scratch.write("a", document.to_string());
    let filter = &mut document["TrafficMirrorFilters"][0];
    filter["NetworkServices"] = json!(["amazon-dns"]);
    let rules = filter["IngressFilterRules"].as_array_mut().unwrap();
    let open = rules.iter_mut().find(|rule| rule["RuleNumber"] == 100).unwrap();
    open["SourcePortRange"] = json!({ "FromPort": 1, "ToPort": 65_535 });
    filter["EgressFilterRules"].as_array_mut().unwrap().retain(|rule| rule["RuleNumber"] != 110);
    scratch.write("b", document.to_string());
    scratch.copy("captures/lab-source/input.pcapng", "in");
    scratch
}

fn diff(scratch: &Scratch, a: &str, b: &str) -> Run {
    let run = filter("diff").within(scratch).args([a, b]);
    run.args(["--mac", MAC, "--vpc", "10.0.0.0/16", "--capture"])
}

#[test]
fn of_each_pair_of_rules_it_is_told_what_a_capture_has() {
    diff(&filters(), "a", "b").arg("in").fails_with(1).stderr("").stdout(
        "\
a: tmf-0d00000000000000d \"lab-d\" in a
b: tmf-0d00000000000000d \"lab-d\" in b
b mirrors Amazon DNS, a does not
b alone mirrors ingress tcp 203.0.113.9:51000 > 10.0.1.15:443
  a: no ingress rule matches
  b: ingress 100 accept tcp 0.0.0.0/0 1-65535 > 0.0.0.0/0
  seen: 4 packets, 224 bytes
a alone mirrors egress tcp [2001:db8:1234:ab01::15]:51000 > [2001:db8::9]:443
  a: egress 110 accept tcp ::/0 > ::/0 443
  b: no egress rule matches
  seen: 8 packets, 683 bytes
2 pairs of rules that disagree
in: 67 packets read
  mirrored             packets  bytes
  by both                   17  1,227
  by a alone (lost)          8    683
  by b alone (gained)        6    390
  by neither                33  1,993
  undecided                  3    174
  gained, and not by a pair of rules: 2 amazon-dns
  undecided: 1 cut, 1 later-fragment, 1 neither-end-local
",
    );
}

/// Of each packet, its verdict, as `simulate --each` has it.
fn verdicts(scratch: &Scratch, filter: &Path, capture: &Path) -> Vec<String> {
    let run = mirror_pcap().within(scratch).args(["simulate", "--each", "--quiet", "--mac", MAC]);
    let run = run.args(["--vpc", "10.0.0.0/16", "--filter"]).arg(filter).arg(capture);
    let text = String::from_utf8(run.ends().stdout).unwrap();
    let verdict = |line: &str| -> String {
        let line: Value = serde_json::from_str(line).unwrap();
        line["verdict"].as_str().unwrap().to_owned()
    };
    text.lines().map(verdict).collect()
}

fn sum(parts: &Value, field: &str) -> u64 {
    let parts: Vec<&Value> = match parts {
        Value::Object(object) => object.values().collect(),
        list => list.as_array().unwrap().iter().map(|one| &one["traffic"]).collect(),
    };
    parts.iter().map(|one| one[field].as_u64().unwrap()).sum()
}

/// Both simulations, packet by packet, over every capture; and the parts are the whole.
#[test]
fn the_parts_are_those_of_two_simulations_and_add_up() {
    let scratch = filters();
    let mut captures: Vec<_> = ["captures", "damaged"]
        .iter()
        .flat_map(|theme| fs::read_dir(testdata().join(theme)).unwrap())
        .map(|case| case.unwrap().path())
        .filter(|case| case.is_dir() && !case.ends_with("bad-magic-first"))
        .map(|case| {
            let names = ["input.pcapng", "input.pcap"].map(|name| case.join(name));
            names.into_iter().find(|path| path.exists()).unwrap()
        })
        .collect();
    captures.sort();
    let mut differ = 0;
    for capture in captures {
        let of = |name: &str| verdicts(&scratch, &scratch.path(name), &capture);
        let (a, b) = (of("a"), of("b"));
        assert_eq!(a.len(), b.len());
        let mut want = [0; 5];
        for (a, b) in a.iter().zip(&b) {
            want[match (a.as_str(), b.as_str()) {
                ("undecided", _) | (_, "undecided") => 4,
                ("mirrored", "mirrored") => 0,
                ("mirrored", _) => 1,
                (_, "mirrored") => 2,
                _ => 3,
            }] += 1;
        }
        let seen = diff(&scratch, "a", "b").arg(&capture).args(["--format", "json"]).ends();
        if seen.status.code() == Some(2) {
            assert!(a.is_empty(), "{}: {}", capture.display(), seen.stderr);
            continue;
        }
        assert_eq!(seen.status.code(), Some(1), "{}", capture.display());
        let json = json(&seen);
        let traffic = &json["traffic"];
        let parts = ["both", "lost", "gained", "neither", "undecided"].map(|part| &traffic[part]);
        assert_eq!(parts.map(|part| part["packets"].as_u64().unwrap()), want);
        for field in ["packets", "bytes"] {
            let of = |part: &Value| part[field].as_u64().unwrap();
            assert_eq!(of(traffic), parts.iter().map(|part| of(part)).sum::<u64>());
            let beside = sum(&traffic["lost"]["reasons"], field);
            let beside = beside + sum(&traffic["gained"]["reasons"], field);
            let alone = of(&traffic["lost"]) + of(&traffic["gained"]);
            assert_eq!(alone, sum(&json["differences"], field) + beside);
            assert_eq!(of(&traffic["undecided"]), sum(&traffic["undecided"]["reasons"], field));
        }
        differ += want[1] + want[2];
    }
    assert!(differ > 20, "{differ} packets are no test");
}

/// The other way round, what was gained is lost; and several captures are one sum.
#[test]
fn what_one_gains_the_other_loses_and_captures_are_summed() {
    let scratch = filters();
    let traffic = |a: &str, b: &str, more: &[&str]| {
        let run = diff(&scratch, a, b).arg("in").args(["--format", "json"]).args(more);
        json(&run.fails_with(1))["traffic"].clone()
    };
    let (there, back) = (traffic("a", "b", &[]), traffic("b", "a", &[]));
    assert_eq!((&there["gained"], &there["lost"]), (&back["lost"], &back["gained"]));
    assert_eq!((&there["both"], &there["neither"]), (&back["both"], &back["neither"]));
    let twice = traffic("a", "b", &["--capture", "in"]);
    assert_eq!(twice["captures"], json!(["in", "in"]));
    for part in ["gained", "lost", "both", "neither", "undecided"] {
        for field in ["packets", "bytes"] {
            let (one, two) = (&there[part][field], &twice[part][field]);
            assert_eq!(one.as_u64().unwrap() * 2, two.as_u64().unwrap(), "{part} {field}");
        }
    }
}

/// A later fragment and a cut packet: whatever their ports are, `a` takes them, by no one rule.
#[test]
fn packets_without_ports_are_lost_beside_any_pair_of_rules() {
    let scratch = filters();
    let rule = |number: u32, ports: Value| {
        json!({
            "TrafficDirection": "ingress", "RuleNumber": number, "RuleAction": "accept",
            "SourceCidrBlock": "0.0.0.0/0", "DestinationCidrBlock": "0.0.0.0/0", "Protocol": 6,
            "DestinationPortRange": ports
        })
    };
    let some = rule(1, json!({ "FromPort": 1, "ToPort": 443 }));
    for (name, rules) in [("two", vec![some, rule(2, Value::Null)]), ("none", Vec::new())] {
        let filter = json!({
            "TrafficMirrorFilterId": "tmf-0a", "IngressFilterRules": rules,
            "EgressFilterRules": [], "NetworkServices": []
        });
        scratch.write(name, json!({ "TrafficMirrorFilters": [filter] }).to_string());
    }
    let capture = scratch.read("in");
    let run = diff(&scratch, "two", "none").args(["-", "--format", "json"]).stdin(capture);
    let json = json(&run.fails_with(1));
    let traffic = &json["traffic"];
    assert_eq!(traffic["captures"], json!(["standard input"]));
    let agree = &traffic["lost"]["reasons"]["rules-agree"]["packets"];
    assert!(agree.as_u64().is_some_and(|packets| packets > 0), "{traffic}");
    let alone = traffic["lost"]["packets"].as_u64().unwrap() - agree.as_u64().unwrap();
    assert_eq!(sum(&json["differences"], "packets"), alone);
    assert!(alone > 0 && traffic["gained"]["packets"] == 0, "{traffic}");
}

/// The exit status is about the filters, which no capture changes.
#[test]
fn captures_change_nothing_about_whether_filters_are_the_same() {
    let scratch = filters();
    let seen = diff(&scratch, "a", "a").arg("in").succeeds().stderr("");
    let text = String::from_utf8(seen.stdout).unwrap();
    assert!(
        text.contains("they do the same with every whole packet\nin: 67 packets read\n"),
        "{text}"
    );
    let bytes = scratch.read("in");
    scratch.write("cut", &bytes[..bytes.len() - 30]);
    for (b, code) in [("a", 4), ("b", 1)] {
        let seen = diff(&scratch, "a", b).arg("cut").fails_with(code);
        assert!(seen.stderr.starts_with("mirror-pcap: cut: byte "), "{}", seen.stderr);
        assert!(String::from_utf8(seen.stdout).unwrap().contains("cut: 66 packets read\n"));
    }
    diff(&scratch, "a", "a").arg("absent").fails_with(2).stdout("").stderr_has("absent: No such");
}

/// Which interface it is may be told by any of the documents, or by nothing.
#[test]
fn the_interface_is_told_as_for_simulate() {
    let scratch = filters();
    let with = |more: &[&str]| {
        let run = filter("diff").within(&scratch).args(["a", "b", "--capture", "in"]).args(more);
        String::from_utf8(run.fails_with(1).stderr("").stdout).unwrap()
    };
    let interfaces = lab("describe-network-interfaces.json").display().to_string();
    let by_mac = with(&["--mac", MAC]);
    let eni = "eni-0d000000000000001";
    assert_eq!(with(&["--config", &interfaces, "--eni", eni]), by_mac);
    assert!(with(&[]).contains("--eni, --mac or --local say what is\n"));
    let wrapped = testdata().join("captures/lab-d/input.pcapng").display().to_string();
    let text = with(&["--capture", &wrapped]);
    assert!(text.contains("  58 packets came from a mirror, whose filter has seen them first\n"));
    let seen = filter("diff").within(&scratch).args(["a", "b", "--eni", "eni-1"]).fails_with(2);
    seen.stderr_has("--capture <CAPTURE>");
}
