//! `filter lint`: each code fires where it should, in three formats, and fails where it is asked to.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use serde_json::{Value, json};

use super::{filter, json, lab_d, template};
use crate::harness::{Scratch, root, skipped, testdata};

/// The codes found in a template, with their severities.
fn found(path: &Path) -> BTreeSet<(String, String)> {
    let seen = filter("lint").arg(path).args(["--format", "json"]).ends();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let found = json(&seen)["findings"].as_array().unwrap().clone();
    found.iter().map(|one| (text(&one["code"]), text(&one["severity"]))).collect()
}

/// What SARIF says of all codes: their words, and how bad each may be.
fn known() -> BTreeMap<String, Vec<String>> {
    let seen = filter("lint").arg(lab_d()).args(["--format", "sarif"]).succeeds();
    let rules = json(&seen)["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap().clone();
    let texts = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
    };
    let row = |rule: &Value| {
        (rule["id"].as_str().unwrap().to_owned(), texts(&rule["properties"]["severities"]))
    };
    rules.iter().map(row).collect()
}

/// A folder for each code; `fires` has it, `nearly` has not.
#[test]
fn every_code_fires_on_the_mistake_and_not_on_what_comes_close() {
    let known = known();
    assert_eq!(known.len(), 22);
    let folders: BTreeSet<String> = fs::read_dir(testdata().join("filters"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert_eq!(folders, known.keys().cloned().collect());
    let index = fs::read_to_string(testdata().join("filters/README.md")).unwrap();
    for (code, severities) in known {
        let fires = found(&template(&code, "fires"));
        let here: Vec<&String> =
            fires.iter().filter(|(one, _)| *one == code).map(|(_, severity)| severity).collect();
        assert!(!here.is_empty(), "{code}: {fires:?}");
        assert!(here.iter().all(|severity| severities.contains(severity)), "{code}: {here:?}");
        let nearly = found(&template(&code, "nearly"));
        assert!(nearly.iter().all(|(one, _)| *one != code), "{code}: {nearly:?}");
        assert!(index.contains(&format!("- `{code}`\n")), "{code} is not in the index");
    }
}

#[test]
fn the_filters_that_aws_and_others_publish_have_no_errors() {
    let mut seen = 0;
    for case in fs::read_dir(testdata().join("aws")).unwrap() {
        let folder = case.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        let params = fs::read_to_string(folder.join("params.txt")).unwrap_or_default();
        for file in fs::read_dir(&folder).unwrap() {
            let path = file.unwrap().path();
            let extension = path.extension().and_then(|one| one.to_str()).unwrap_or_default();
            if !["json", "yaml"].contains(&extension) {
                continue;
            }
            let args = params.lines().flat_map(|param| ["--param", param]);
            let run = filter("lint").arg(&path).args(["--format", "json"]).args(args).ends();
            let Some(exit @ (0 | 1)) = run.status.code() else { continue };
            let json = json(&run);
            let errors: Vec<_> = json["findings"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|one| one["severity"] == "error")
                // A document with a session that lacks its number is there for that.
                .filter(|one| one["code"] != "session-number")
                .collect();
            assert!(errors.is_empty(), "{} ({exit}): {errors:?}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen} documents");
}

#[test]
fn the_lab_has_nothing_worth_a_word_in_any_format() {
    for name in [
        "cfn.yaml",
        "cdk-synth.template.json",
        "describe-traffic-mirror-filters.json",
        "terraform-plan.json",
        "terraform-state.json",
    ] {
        let path = testdata().join("aws/lab-d").join(name);
        filter("lint").arg(&path).args(["--fail-level", "info"]).succeeds();
    }
}

#[test]
fn the_exit_status_is_that_of_the_level_whatever_the_format() {
    for (code, level, exit) in [
        ("shadowed", "error", 1),
        ("shadowed", "never", 0),
        ("asym-ports", "error", 0),
        ("asym-ports", "warning", 1),
        ("no-v6-twin", "warning", 0),
        ("no-v6-twin", "info", 1),
        // What AWS would refuse, which the reader of documents finds.
        ("duplicate-number", "error", 1),
        ("duplicate-number", "never", 0),
    ] {
        for format in ["text", "json", "sarif"] {
            let args = ["--fail-level", level, "--format", format];
            filter("lint").arg(template(code, "fires")).args(args).fails_with(exit);
        }
    }
    filter("lint").arg(template("asym-ports", "fires")).fails_with(1);
    filter("lint").arg(template("asym-ports", "nearly")).succeeds();
}

/// A linter that says nothing of a broken document would pass it.
#[test]
fn a_document_that_cannot_be_read_is_no_clean_one() {
    let scratch = Scratch::new();
    scratch.write("broken.yaml", "Resources: {");
    let text = fs::read_to_string(template("duplicate-number", "fires")).unwrap();
    scratch.write("both.yaml", text.replace("RuleAction: reject", "RuleAction: perhaps"));
    for (name, level) in [("broken.yaml", "never"), ("both.yaml", "error"), ("absent.yaml", "info")]
    {
        for format in ["text", "json", "sarif"] {
            let args = [name, "--fail-level", level, "--format", format];
            filter("lint").within(&scratch).args(args).fails_with(2).stdout("");
        }
    }
}

#[test]
fn a_finding_has_its_rule_the_others_a_packet_and_a_place() {
    let seen = filter("lint").arg(template("shadowed", "fires")).args(["--format", "json"]).ends();
    let json = json(&seen);
    assert_eq!(json["schema"], "mirror-pcap/lint/1");
    let findings = json["findings"].as_array().unwrap();
    let one = findings.iter().find(|one| one["code"] == "shadowed").unwrap();
    assert_eq!((&one["direction"], &one["rule"]), (&json!("ingress"), &json!(100)));
    let by: Vec<&Value> = one["by"].as_array().unwrap().iter().map(|by| &by["rule"]).collect();
    assert_eq!(by, [&json!(10), &json!(20)]);
    assert_eq!(one["location"]["path"], "/Resources/In/Properties");
    // The packet that is shown can be asked about.
    let flow = one["witness"]["flow"].as_str().unwrap();
    let args = ["--flow", flow, "--format", "json"];
    let told = filter("explain").arg(template("shadowed", "fires")).args(args).succeeds();
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!((&told["verdict"], &told["rule"]), (&json!("not_mirrored"), &json!(20)));
}

/// Of whoever accepts everything and has a target, it was said.
#[test]
fn a_target_that_is_known_makes_a_warning_of_its_port_and_of_nothing_else() {
    let all = testdata().join("documents/filters.json");
    filter("lint").arg(&all).args(["--target", "10.0.2.99"]).succeeds();
    let scratch = Scratch::new();
    let text = fs::read_to_string(template("mirrors-mirror", "fires")).unwrap();
    scratch.write(
        "x.yaml",
        text.replace("SourcePortRange: { FromPort: 4000", "DestinationPortRange: { FromPort: 4000"),
    );
    let lint = |target: &str| {
        let args = ["x.yaml", "--target", target, "--format", "json"];
        let seen = filter("lint").within(&scratch).args(args).ends();
        let findings = json(&seen)["findings"].as_array().unwrap().clone();
        let of = findings.into_iter().filter(|one| one["code"] == "mirrors-mirror");
        of.map(|one| format!("{} {}", one["severity"], one["witness"]["flow"])).collect::<Vec<_>>()
    };
    let flow = r#""warning" "egress udp 10.0.1.15:51000 > 10.0.2.99:4789""#;
    assert_eq!(lint("10.0.2.99"), [flow]);
    assert_eq!(lint("2001:db8::99"), [""; 0]);
}

/// What AWS shows it has taken. It was said to refuse it, and nothing else was looked at.
#[test]
fn a_rule_that_aws_shows_is_linted_whatever_it_says() {
    let scratch = Scratch::new();
    let rule = |id: &str, number: u32, source: &str, protocol: Value, port: u32| {
        json!({
            "TrafficMirrorFilterRuleId": id, "TrafficMirrorFilterId": "tmf-1", "RuleNumber": number,
            "TrafficDirection": "ingress", "RuleAction": "accept", "Protocol": protocol,
            "SourceCidrBlock": source, "DestinationCidrBlock": "0.0.0.0/0",
            "DestinationPortRange": { "FromPort": port, "ToPort": port },
        })
    };
    let mut answer = json!([{
        "TrafficMirrorFilterId": "tmf-1",
        "IngressFilterRules": [
            rule("tmfr-1", 10, "0.0.0.0/0", Value::Null, 80),
            rule("tmfr-2", 20, "::/0", json!(6), 80),
            rule("tmfr-3", 30, "0.0.0.0/0", json!(1), 80),
        ],
        "EgressFilterRules": [],
    }]);
    scratch.write("x.json", answer.to_string());
    let lint = || {
        let args = ["x.json", "--format", "json"];
        let seen = filter("lint").within(&scratch).args(args).ends();
        let findings = json(&seen)["findings"].as_array().unwrap().clone();
        let texts = findings.iter().map(|one| {
            format!("{} {} {}", one["severity"], one["code"], one["rule"]).replace('"', "")
        });
        (texts.collect::<Vec<_>>(), seen.stderr)
    };
    let (found, stderr) = lint();
    assert_eq!(
        found,
        [
            "warning ports-without-protocol null",
            "info no-v6-twin null",
            "error unmatchable 20",
            "error unmatchable 30",
            "warning direction-empty null",
        ]
    );
    assert_eq!(stderr, "");
    // Who writes such a rule has no answer yet.
    for rule in answer[0]["IngressFilterRules"].as_array_mut().unwrap() {
        rule.as_object_mut().unwrap().remove("TrafficMirrorFilterRuleId");
    }
    scratch.write("x.json", answer.to_string());
    let (found, stderr) = lint();
    assert!(stderr.contains("AWS would refuse this"), "{stderr}");
    assert!(found.iter().all(|one| one.starts_with("error ")), "{found:?}");
    // Nothing is said of what such a filter mirrors.
    answer[0]["IngressFilterRules"][0]["TrafficMirrorFilterRuleId"] = json!("tmfr-1");
    answer[0]["IngressFilterRules"] = json!([answer[0]["IngressFilterRules"][0]]);
    scratch.write("x.json", answer.to_string());
    let flow = ["x.json", "--flow", "ingress tcp 203.0.113.9:51000 > 10.0.1.15:80"];
    filter("explain")
        .within(&scratch)
        .args(flow)
        .fails_with(2)
        .stderr_has("ports with all protocols");
}

#[test]
fn the_dns_server_of_a_vpc_is_one_that_rules_do_not_reach() {
    let scratch = Scratch::new();
    let text = fs::read_to_string(template("mirrors-control", "fires")).unwrap();
    let text = text.replace("0.0.0.0/0", "10.0.0.2/32");
    scratch.write("dns.yaml", text);
    let lint = |more: &[&str]| {
        let args = ["dns.yaml", "--fail-level", "info"];
        filter("lint").within(&scratch).args(args).args(more).ends().status.code()
    };
    assert_eq!(lint(&[]), Some(0));
    assert_eq!(lint(&["--vpc", "10.0.0.0/16"]), Some(1));
    filter("lint").arg(lab_d()).args(["--vpc", "10.0.0.1/16"]).fails_with(2);
}

/// Nothing of a document reaches a terminal unescaped, its lines neither.
#[test]
fn a_line_that_is_shown_is_printable() {
    let scratch = Scratch::new();
    let text = fs::read_to_string(template("asym-ports", "fires")).unwrap();
    let text = text.replace("  In:\n", "  In: # \u{202e}evil\u{9b}2J\n");
    scratch.write("evil\u{1b}[2J.yaml", text);
    let seen = filter("lint").within(&scratch).arg("evil\u{1b}[2J.yaml").fails_with(1);
    let text = String::from_utf8(seen.stdout).unwrap();
    assert!(text.contains("In: # \\u{202e}evil"), "{text}");
    assert!(!text.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{text}");
}

/// Held against the schema of OASIS.
#[test]
fn what_is_printed_as_sarif_is_sarif() {
    let schema = root().join("crates/mirror-pcap/tests/sarif/sarif-schema-2.1.0.json");
    let program = "
import json, sys
try:
    import jsonschema
except ImportError:
    sys.exit(77)
schema = json.load(open(sys.argv[1]))
for name in sys.argv[2:]:
    jsonschema.Draft7Validator(schema).validate(json.load(open(name)))
";
    let scratch = Scratch::new();
    let mut names = Vec::new();
    for code in known().keys() {
        let args = ["--format", "sarif"];
        let seen = filter("lint").arg(template(code, "fires")).args(args).ends();
        names.push(scratch.write(code, seen.stdout));
    }
    // One that must not pass, or nothing was checked.
    let wrong = scratch.write("wrong", r#"{ "version": "2.1.0", "runs": [{}] }"#);
    let run = |files: &[&Path]| {
        let mut command = Command::new("python3");
        command.args(["-c", program]).arg(&schema).args(files);
        command.output().ok()
    };
    let Some(refused) = run(&[&wrong]).filter(|output| output.status.code() != Some(77)) else {
        return skipped("SARIF against its schema: python3 with jsonschema is not there");
    };
    assert_eq!(refused.status.code(), Some(1));
    let names: Vec<&Path> = names.iter().map(AsRef::as_ref).collect();
    let output = run(&names).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_fingerprint_stays_when_lines_move() {
    let scratch = Scratch::new();
    let text = fs::read_to_string(template("asym-ports", "fires")).unwrap();
    let prints = |text: &str| -> Vec<Value> {
        scratch.write("x.yaml", text);
        let seen = filter("lint").within(&scratch).args(["x.yaml", "--format", "sarif"]).ends();
        let results = json(&seen)["runs"][0]["results"].as_array().unwrap().clone();
        results.iter().map(|one| one["partialFingerprints"].clone()).collect()
    };
    let moved = format!("# A comment.\n\n{text}");
    assert_eq!(prints(&text), prints(&moved));
    assert!(!prints(&text).is_empty());
}

/// Rules are compared by how they look to a person only up to ten; a program may make a thousand.
#[test]
fn a_thousand_rules_are_analysed() {
    let scratch = Scratch::new();
    let rule = |n: u32, source: String, ports: u32, direction: &str| {
        json!({
            "TrafficMirrorFilterId": "tmf-1", "TrafficDirection": direction, "RuleNumber": n,
            "RuleAction": if n.is_multiple_of(3) { "reject" } else { "accept" }, "Protocol": 6,
            "SourceCidrBlock": source, "DestinationCidrBlock": "10.0.0.0/8",
            "DestinationPortRange": { "FromPort": ports, "ToPort": ports + 99 },
        })
    };
    let rules: Vec<Value> = (1..=1_000_u32)
        .map(|n| rule(n, format!("{}.{}.0.0/16", n % 200 + 1, n % 7), n * 37 % 60_000, "ingress"))
        .collect();
    let filter_of = |rules: &[Value]| {
        json!([{
            "TrafficMirrorFilterId": "tmf-1", "IngressFilterRules": rules, "EgressFilterRules": [],
        }])
        .to_string()
    };
    scratch.write("many.json", filter_of(&rules));
    let args = ["many.json", "--format", "json"];
    let seen = filter("lint").within(&scratch).args(args).fails_with(1);
    assert!(json(&seen)["findings"].as_array().unwrap().len() > 100);
    let diff = ["filter", "diff", "many.json", "many.json"];
    crate::harness::mirror_pcap().within(&scratch).args(diff).succeeds();
}

/// Each of them alone would be analysed; fifty took minutes and all the memory there is. Every
/// accept takes something of every reject, and each of these said so of all.
#[test]
fn filters_that_are_too_much_together_are_refused_soon() {
    let scratch = Scratch::new();
    let rule = |n: u32, action: &str, source: String, ports: Value| {
        json!({
            "TrafficDirection": "ingress", "RuleNumber": n, "RuleAction": action, "Protocol": 6,
            "SourceCidrBlock": source, "DestinationCidrBlock": "0.0.0.0/0",
            "DestinationPortRange": ports,
        })
    };
    let accept =
        |n: u32| rule(n, "accept", format!("10.{}.{}.0/24", n / 250, n % 250), Value::Null);
    let reject = |n: u32| {
        let port = json!({ "FromPort": 2 * n, "ToPort": 2 * n });
        rule(1_000 + n, "reject", "0.0.0.0/0".to_owned(), port)
    };
    let filters = |count: usize| {
        let rules: Vec<Value> = (1..=500).map(accept).chain((1..=500).map(reject)).collect();
        let filter = |n: usize| {
            json!({
                "TrafficMirrorFilterId": format!("tmf-0{n}"), "EgressFilterRules": [],
                "IngressFilterRules": rules,
            })
        };
        json!({ "TrafficMirrorFilters": (0..count).map(filter).collect::<Vec<_>>() }).to_string()
    };
    scratch.write("one.json", filters(1));
    scratch.write("many.json", filters(9));
    filter("lint").within(&scratch).args(["one.json", "--format", "json"]).fails_with(1);
    filter("lint").within(&scratch).arg("many.json").fails_with(2).stderr(
        "mirror-pcap: many.json: there are too many rules, or they cut each other into too many \
         pieces, to be analysed\n",
    );
}
