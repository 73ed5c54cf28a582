//! docs/json.md: every field that is printed, and none that is not.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use serde_json::Value;

use super::{code, document, rows};
use crate::harness::{Scratch, mirror_pcap, testdata};

/// Objects whose fields are words that were counted.
const COUNTED_WORDS: [&str; 3] = ["reasons", "notes", "network_services"];

/// All captures of `testdata/`, sound and damaged.
pub(super) fn captures() -> Vec<PathBuf> {
    let folders = ["captures", "damaged"].map(|name| fs::read_dir(testdata().join(name)).unwrap());
    let cases = folders.into_iter().flatten().map(|case| case.unwrap().path());
    let mut captures: Vec<_> = cases
        .filter(|case| case.is_dir())
        .map(|case| {
            let names = ["input.pcapng", "input.pcap"].map(|name| case.join(name));
            names.into_iter().find(|path| path.exists()).unwrap_or_else(|| panic!("{case:?}"))
        })
        .collect();
    captures.sort();
    captures
}

/// Strip every capture in some ways, and give what `--json` wrote with the exit status.
fn reports() -> Vec<(String, Value, i32)> {
    let scratch = Scratch::new();
    let mut reports = Vec::new();
    for capture in captures() {
        for more in [&["--only-mirrored"][..], &["--format", "pcap"], &["--vni", "1"], &[]] {
            let run = mirror_pcap()
                .within(&scratch)
                .args(["strip", "--quiet", "--force", "--json", "json"]);
            let seen = run.arg(&capture).arg("out").args(more).ends();
            let json = serde_json::from_slice(&scratch.read("json")).unwrap();
            let what = format!("{} {more:?}", capture.display());
            reports.push((what, json, seen.status.code().unwrap()));
        }
    }
    reports
}

/// What `sessions --json` prints of every capture, with and without documents, and of all.
fn inventories() -> Vec<(String, Value, i32)> {
    let documents = testdata().join("documents");
    let config = ["sessions", "interfaces"]
        .map(|name| format!("--config={}", documents.join(format!("{name}.json")).display()));
    let run = |what: String, captures: &[PathBuf], more: &[String]| {
        let run = mirror_pcap().args(["sessions", "--json"]).args(captures).args(more);
        let seen = run.ends();
        (what, serde_json::from_slice(&seen.stdout).unwrap(), seen.status.code().unwrap())
    };
    let mut inventories = Vec::new();
    for capture in captures() {
        for more in [&config[..], &[]] {
            let what = format!("{} {more:?}", capture.display());
            inventories.push(run(what, std::slice::from_ref(&capture), more));
        }
    }
    inventories.push(run("all".to_owned(), &captures(), &config));
    inventories
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Note the type of every field below `value`, whose path is `path`.
pub(crate) fn walk(
    value: &Value,
    path: &str,
    fields: &mut BTreeMap<String, BTreeSet<&'static str>>,
) {
    if !path.is_empty() {
        fields.entry(path.to_owned()).or_default().insert(kind(value));
    }
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let last = path.rsplit('.').next().unwrap_or_default();
                let name = if COUNTED_WORDS.contains(&last) { "*" } else { name };
                let path = if path.is_empty() { name.into() } else { format!("{path}.{name}") };
                walk(value, &path, fields);
            }
        }
        Value::Array(list) => list.iter().for_each(|v| walk(v, &format!("{path}[]"), fields)),
        _ => {}
    }
}

/// The section of docs/json.md on one document.
pub(crate) fn section(schema: &str) -> String {
    let text = document("docs/json.md");
    let heading = format!("\n## `{schema}`\n");
    let (_, section) = text.split_once(&heading).unwrap_or_else(|| panic!("no {heading}"));
    section.split("\n## ").next().unwrap().to_owned()
}

/// The fields that were printed are those of the section, and of the types it says.
pub(crate) fn are_as_described(printed: &BTreeMap<String, BTreeSet<&str>>, schema: &str) {
    let described: BTreeMap<String, BTreeSet<String>> = rows(&section(schema), "Field")
        .into_iter()
        .map(|row| (code(&row[0]).to_owned(), row[1].split(" or ").map(str::to_owned).collect()))
        .collect();

    let names = |of: BTreeSet<&String>| of.into_iter().cloned().collect::<Vec<_>>();
    assert_eq!(names(printed.keys().collect()), names(described.keys().collect()));
    for (field, types) in printed {
        let described = &described[field];
        assert!(
            types.iter().all(|kind| described.contains(*kind)),
            "{field} is described as {described:?} and is {types:?}"
        );
    }
}

#[test]
fn every_field_is_described_and_every_description_is_of_a_field() {
    let mut printed = BTreeMap::new();
    for (_, json, _) in reports() {
        walk(&json, "", &mut printed);
    }
    are_as_described(&printed, "mirror-pcap/strip/1");
}

#[test]
fn every_field_is_always_there() {
    let mut first: Option<BTreeSet<String>> = None;
    for (what, json, _) in reports() {
        let names: BTreeSet<String> = json.as_object().unwrap().keys().cloned().collect();
        assert_eq!(first.get_or_insert_with(|| names.clone()), &names, "{what}");
        assert_eq!(json["schema"], "mirror-pcap/strip/1", "{what}");
    }
}

#[test]
fn the_counts_close_as_the_document_says() {
    let number = |value: &Value| value.as_u64().unwrap();
    for (what, json, exit) in reports() {
        let packets = &json["packets"];
        let [read, stripped, kept, left_out] =
            ["read", "stripped", "kept", "left_out"].map(|name| number(&packets[name]));
        assert_eq!(read, stripped + kept + left_out, "{what}");

        let reasons: u64 = json["reasons"].as_object().unwrap().values().map(number).sum();
        assert_eq!(reasons, kept + left_out, "{what}");

        let sessions = json["sessions"].as_array().unwrap();
        assert_eq!(sessions.iter().map(|s| number(&s["packets"])).sum::<u64>(), stripped, "{what}");
        for session in sessions {
            let ways = ["ingress", "egress", "unknown"].map(|name| number(&session[name]));
            assert_eq!(ways.iter().sum::<u64>(), number(&session["packets"]), "{what}");
        }

        let damages = number(&json["damages"]);
        assert_eq!(damages != 0, exit == 4, "{what}");
        let listed = json["damage"].as_array().unwrap().len() as u64;
        assert_eq!(listed, damages.min(10), "{what}");
    }
}

const INVENTORY: &str = "mirror-pcap/inventory/1";

#[test]
fn every_field_of_an_inventory_is_described() {
    let mut printed = BTreeMap::new();
    for (what, json, _) in inventories() {
        walk(&json, "", &mut printed);
        assert_eq!(json["schema"], INVENTORY, "{what}");
    }
    are_as_described(&printed, INVENTORY);
}

#[test]
fn an_inventory_adds_up_as_the_document_says() {
    let number = |value: &Value| value.as_u64().unwrap();
    let sum = |list: &Value, name: &str| -> u64 {
        list.as_array().unwrap().iter().map(|one| number(&one[name])).sum()
    };
    for (what, json, exit) in inventories() {
        let packets = ["read", "wrapped", "stripped", "other", "damaged"];
        let [read, wrapped, stripped, other, damaged] =
            packets.map(|name| number(&json["packets"][name]));
        assert_eq!(read, wrapped + stripped + other + damaged, "{what}");
        assert_eq!(read, sum(&json["inputs"], "packets"), "{what}");
        assert_eq!(wrapped, sum(&json["sessions"], "wrapped"), "{what}");
        assert_eq!(stripped, sum(&json["sessions"], "stripped"), "{what}");
        let reasons = json["reasons"].as_object().unwrap().values();
        assert_eq!(other, reasons.map(|one| number(&one["packets"])).sum::<u64>(), "{what}");
        for session in json["sessions"].as_array().unwrap() {
            let ways = ["ingress", "egress", "unknown"].map(|name| number(&session[name]));
            let packets = number(&session["packets"]);
            assert_eq!(packets, ways.iter().sum::<u64>(), "{what}");
            assert_eq!(packets, number(&session["wrapped"]) + number(&session["stripped"]));
            assert_eq!(number(&session["cut"]), sum(&session["cut_lengths"], "packets"), "{what}");
        }
        let duplicates = &json["duplicates"];
        let pairs = sum(&duplicates["pairs"], "packets");
        assert_eq!(number(&duplicates["packets"]), pairs + number(&duplicates["others"]), "{what}");
        assert_eq!(sum(&json["inputs"], "damages") != 0, exit == 4, "{what}");
    }
}
