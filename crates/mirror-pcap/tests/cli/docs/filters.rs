//! docs/json.md on filters: what the filter commands print, over all the filters that lie here.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use serde_json::Value;

use super::json::{are_as_described, walk};
use crate::{
    filter::diff::described,
    harness::{Scratch, mirror_pcap, testdata},
};

/// The filters of `testdata/filters`, and the one of the lab.
fn filters() -> Vec<PathBuf> {
    let mut filters = vec![
        testdata().join("aws/lab-d/cfn.yaml"),
        testdata().join("aws/lab-d/describe-traffic-mirror-filters.json"),
    ];
    for case in fs::read_dir(testdata().join("filters")).unwrap() {
        let folder = case.unwrap().path();
        if folder.is_dir() {
            filters.extend(["fires.yaml", "nearly.yaml"].map(|name| folder.join(name)));
        }
    }
    filters
}

/// Two filters whose rules differ where no rule has a say, one after the other.
fn settled(scratch: &Scratch) -> [PathBuf; 2] {
    let all = (100, "accept", "0.0.0.0/0");
    scratch.write("a.json", described(&[all], &[]));
    scratch.write("b.json", described(&[(10, "reject", "169.254.169.254/32"), all], &[]));
    ["a.json", "b.json"].map(|name| scratch.path(name))
}

/// The fields that a command prints as JSON, over all filters, are those described.
fn are_described(schema: &str, command: &str, more: &[&str]) {
    let mut printed: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let scratch = Scratch::new();
    let mut all = filters();
    all.extend(settled(&scratch));
    // What one pair gains the other way round it loses.
    let pairs = all.iter().zip(all.iter().cycle().skip(1));
    let arguments: Vec<Vec<&PathBuf>> = match command {
        "diff" => pairs.flat_map(|(a, b)| [vec![a, b], vec![b, a]]).collect(),
        _ => all.iter().map(|path| vec![path]).collect(),
    };
    for paths in arguments {
        let run = mirror_pcap().args(["filter", command, "--format", "json"]).args(more);
        let seen = run.args(&paths).ends();
        if seen.status.code() == Some(2) {
            // A filter that AWS would refuse is linted, and nothing else.
            assert_ne!(command, "lint", "{paths:?}");
            continue;
        }
        let json: Value = serde_json::from_slice(&seen.stdout).unwrap();
        assert_eq!(json["schema"], schema);
        walk(&json, "", &mut printed);
    }
    are_as_described(&printed, schema);
}

#[test]
fn what_show_prints_is_described() {
    are_described("mirror-pcap/filter-show/1", "show", &[]);
}

#[test]
fn what_explain_prints_is_described() {
    // Without ports, so that rules match, fail and leave it open.
    are_described(
        "mirror-pcap/explain/1",
        "explain",
        &["--flow", "ingress tcp 10.0.0.1 > 10.0.1.15"],
    );
}

#[test]
fn what_lint_prints_is_described() {
    are_described("mirror-pcap/lint/1", "lint", &[]);
}

#[test]
fn what_diff_prints_is_described() {
    // A capture that has something of everything.
    let capture = testdata().join("captures/lab-source/input.pcapng");
    let capture = capture.to_str().unwrap();
    let interface = ["--mac", "0a:5e:c0:de:00:01", "--vpc", "10.0.0.0/16"];
    let more = [&["--capture", capture][..], &interface].concat();
    are_described("mirror-pcap/diff/1", "diff", &more);
}
