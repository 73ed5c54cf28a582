//! What the documents say of `filter test`, `filter suggest` and `filter export`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::Value;

use super::{
    code, document,
    json::{are_as_described, walk},
    readme::{options_named, options_of, source, without_help},
    rows,
};
use crate::harness::{Scratch, mirror_pcap, root, same, testdata};

#[test]
fn the_example_of_tests_is_a_file_that_holds() {
    let text = document("docs/filter-tests.md");
    let (_, example) = text.split_once("```yaml\n").expect("an example");
    let example = example.split("```").next().unwrap();
    let file = testdata().join("filter-tests/lab-d.yaml");
    same(example, &fs::read_to_string(&file).unwrap());
    let seen = mirror_pcap().args(["filter", "test"]).arg(file).succeeds();
    assert!(String::from_utf8(seen.stdout).unwrap().ends_with(" tests, all hold\n"));
}

/// Everything between quotes.
fn quoted(part: &str) -> BTreeSet<String> {
    part.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The lists of keys in the source, wherever they are known.
#[test]
fn the_tables_of_keys_are_those_that_are_read() {
    let mut listed: BTreeSet<String> = BTreeSet::new();
    for row in rows(&document("docs/filter-tests.md"), "Key") {
        listed.insert(code(&row[0]).rsplit('.').next().unwrap().to_owned());
    }
    let folder = "crates/mirror-aws/src/expectations";
    let text = fs::read_to_string(root().join(format!("{folder}.rs"))).unwrap();
    let mut read: BTreeSet<String> = text
        .split("known(")
        .skip(1)
        .flat_map(|rest| quoted(rest.split(']').next().unwrap()))
        .collect();
    read.extend(quoted(&source(&format!("{folder}.rs"), "const VERDICTS", "];")));
    read.extend(quoted(&source(&format!("{folder}/flow.rs"), "const KEYS", "];")));
    assert_eq!(listed, read);
}

fn json(run: crate::harness::Run) -> Value {
    serde_json::from_slice(&run.ends().stdout).unwrap()
}

#[test]
fn the_results_of_tests_are_as_described() {
    let scratch = Scratch::new();
    let filter = testdata().join("aws/lab-d/cfn.yaml");
    let filter = filter.display();
    // One with a packet that shows it, and one without; in YAML with lines, and in JSON.
    let tests =
        r#"[{ "flow": {}, "expect": "mirrored" }, { "lint": { "codes": ["mirrors-control"] } }]"#;
    scratch.write("fails.yaml", format!("filter: {filter}\ntests: {tests}\n"));
    scratch.write("fails.json", format!(r#"{{ "filter": "{filter}", "tests": {tests} }}"#));
    let mut printed = BTreeMap::new();
    for file in ["fails.yaml", "fails.json"] {
        let run = mirror_pcap().within(&scratch).args(["filter", "test", "--format", "json", file]);
        walk(&json(run), "", &mut printed);
    }
    are_as_described(&printed, "mirror-pcap/filter-test/1");
}

#[test]
fn suggestions_are_as_described() {
    let mut printed = BTreeMap::new();
    for (include, exclude) in
        [("lab-d", "mixed-traffic"), ("mixed-traffic", "lab-d"), ("lab-d", "lab-d")]
    {
        let capture = |name: &str| testdata().join(format!("captures/{name}/input.pcapng"));
        let run = mirror_pcap().args(["filter", "suggest", "--format", "json", "--include"]);
        let found = json(run.arg(capture(include)).arg("--exclude").arg(capture(exclude)));
        for side in ["include", "exclude"] {
            let number = |name: &str| found[side][name].as_u64().unwrap();
            let verdicts = ["mirrored", "not_mirrored", "never_mirrored", "undecided"];
            let sum: u64 = verdicts.iter().map(|name| number(name)).sum();
            assert_eq!(sum, number("packets"));
            let reasons = found[side]["reasons"].as_object().unwrap();
            assert_eq!(reasons.values().map(|n| n.as_u64().unwrap()).sum::<u64>(), sum);
        }
        walk(&found, "", &mut printed);
    }
    are_as_described(&printed, "mirror-pcap/filter-suggest/1");
}

#[test]
fn the_paragraphs_on_filters_have_their_options() {
    for (from, command) in [
        ("`mirror-pcap filter test` checks", "filter test"),
        ("`mirror-pcap filter suggest` finds", "filter suggest"),
        ("`mirror-pcap filter export` writes", "filter export"),
    ] {
        assert_eq!(options_named(from), without_help(options_of(command)), "{command}");
    }
}
