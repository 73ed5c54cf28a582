//! What the documents say of simulate: its JSON, and the words and columns in the README.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::Value;

use super::{
    document,
    json::{are_as_described, captures, walk},
    rows,
};
use crate::harness::{Run, mirror_pcap, root, testdata};

/// Simulations of every capture, by a filter and by sessions, and of a table of flows.
fn runs() -> Vec<(String, Run)> {
    let lab = |name: &str| testdata().join("aws/lab-d").join(format!("describe-{name}.json"));
    let filter = lab("traffic-mirror-filters");
    let mut runs = Vec::new();
    for capture in captures() {
        let run = mirror_pcap().args(["simulate", "--local", "10.0.0.0/16"]).arg(&capture);
        let run = run.arg("--filter").arg(&filter);
        runs.push((format!("{} by a filter", capture.display()), run));
        let run = mirror_pcap().args(["simulate", "--vpc", "10.0.0.0/16"]).arg(&capture);
        let names = ["network-interfaces", "traffic-mirror-filters", "traffic-mirror-sessions"];
        let run = names.iter().fold(run, |run, name| run.arg("--config").arg(lab(name)));
        runs.push((format!("{} by sessions", capture.display()), run));
    }
    let table = "srcaddr dstaddr protocol packets bytes start end log-status\n\
                 10.0.1.10 203.0.113.9 1 5 500 1 9 OK\n- - - - - 1 9 NODATA\n";
    let run = mirror_pcap().args(["simulate", "--flows", "-", "--local", "10.0.1.10"]);
    runs.push(("a table".to_owned(), run.stdin(table).arg("--filter").arg(&filter)));
    runs
}

fn reports() -> Vec<(String, Value)> {
    let report = |(what, run): (String, Run)| {
        let seen = run.arg("--json").ends();
        let code = seen.status.code();
        assert!(matches!(code, Some(0 | 4)), "{what}: {code:?}\n{}", seen.stderr);
        (what, serde_json::from_slice(&seen.stdout).unwrap())
    };
    // Captures that are none are refused.
    runs().into_iter().filter(|(what, _)| !what.contains("bad-magic-first")).map(report).collect()
}

#[test]
fn every_field_of_the_report_is_described_and_the_other_way_round() {
    let mut printed = BTreeMap::new();
    for (_, json) in reports() {
        walk(&json, "", &mut printed);
    }
    are_as_described(&printed, "mirror-pcap/simulate/1");
}

#[test]
fn every_field_of_a_line_is_described_and_the_other_way_round() {
    let mut printed = BTreeMap::new();
    for (_, run) in runs() {
        let seen = run.args(["--each", "--quiet"]).ends();
        for line in String::from_utf8(seen.stdout).unwrap().lines() {
            walk(&serde_json::from_str(line).unwrap(), "", &mut printed);
        }
    }
    are_as_described(&printed, "mirror-pcap simulate --each");
}

#[test]
fn the_counts_of_a_simulation_close() {
    let number = |value: &Value| value.as_u64().unwrap();
    let sum = |object: &Value, part: &str| -> u64 {
        object.as_object().unwrap().values().map(|one| number(&one[part])).sum()
    };
    for (what, json) in reports() {
        assert_eq!(json["schema"], "mirror-pcap/simulate/1", "{what}");
        let judged = number(&json["packets"]) + number(&json["judged_again"]);
        assert_eq!(sum(&json["verdicts"], "packets"), judged, "{what}");
        assert_eq!(sum(&json["reasons"], "packets"), judged, "{what}");
        assert_eq!(sum(&json["verdicts"], "bytes"), sum(&json["reasons"], "bytes"), "{what}");
        let of = |word: &str| json["reasons"][word]["packets"].as_u64().unwrap_or(0);
        let rules = json["rules"].as_array().unwrap();
        let by_rules: u64 = rules.iter().map(|rule| number(&rule["packets"])).sum();
        assert_eq!(by_rules, of("rule"), "{what}");
        assert_eq!(sum(&json["implicit_reject"], "packets"), of("no-rule"), "{what}");
        for (service, tally) in json["network_services"].as_object().unwrap() {
            assert_eq!(*tally, json["reasons"][service], "{what}");
        }
        for rule in rules {
            assert!(number(&rule["flows"]) <= number(&rule["packets"]), "{what}");
        }
        let seconds = &json["estimate"]["busiest_second"];
        let most = number(&json["estimate"]["bytes"]) * 8;
        assert!(seconds.as_u64().is_none_or(|bits| bits <= most), "{what}");
    }
}

/// All `code` in the first cells of the rows of a table.
fn words(heading: &str) -> BTreeSet<String> {
    let cells = rows(&document("README.md"), heading).into_iter().map(|row| row[0].clone());
    cells
        .flat_map(|cell| {
            let codes: Vec<String> =
                cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
            codes
        })
        .collect()
}

/// The words between quotes behind an arrow, in the function of a source file that gives them.
fn as_str(path: &str, of: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join(path)).unwrap();
    let (_, behind) = text.split_once(of).unwrap_or_else(|| panic!("{path}: no {of}"));
    let (_, body) = behind.split_once("fn as_str(self) -> &'static str {").unwrap();
    let body = body.split("\n    }\n").next().unwrap();
    body.split("=> \"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[test]
fn the_readme_has_every_reason_and_assumption() {
    let judge = "crates/mirror-filter/src/judge";
    let mut reasons = as_str(&format!("{judge}.rs"), "impl Reason {");
    reasons.extend(as_str(&format!("{judge}/service.rs"), "impl Service {"));
    assert_eq!(words("Word"), reasons);
    let assumptions = as_str(&format!("{judge}/assumption.rs"), "impl Assumption {");
    assert_eq!(words("Assumption"), assumptions);
}

#[test]
fn the_readme_has_every_column_of_a_table_of_flows() {
    let columns: BTreeSet<String> =
        mirror_filter::flows::column_names().map(str::to_owned).collect();
    assert_eq!(words("Column"), columns);
}
