//! docs/json.md on the sessions file: what is printed, what is read, and the example.

use std::collections::BTreeMap;

use serde_json::Value;

use super::json::{are_as_described, section, walk};
use crate::harness::{Scratch, mirror_pcap, same, testdata};

const SCHEMA: &str = "mirror-pcap/sessions/1";

/// What `config show --json` prints for a sessions file.
fn shown(scratch: &Scratch, file: &str) -> String {
    let seen = mirror_pcap().within(scratch).args(["config", "show", "--json", file]).succeeds();
    String::from_utf8(seen.stdout).unwrap()
}

/// The example of the section.
fn example() -> String {
    let text = section(SCHEMA);
    let (_, example) = text.split_once("```json\n").expect("an example");
    example.split("```").next().unwrap().to_owned()
}

/// Sessions with every field, one for each kind of target, and some with none.
fn with_every_field() -> String {
    let session = |(number, target): (usize, &str)| {
        format!(
            r#"{{
                "id": "tms-{number}", "name": "a", "description": "b", "number": {number}, "vni": 7,
                "packet_length": 100,
                "eni": {{
                    "id": "eni-1", "name": "c", "description": "d", "mac": "02:2f:8f:b0:cf:75",
                    "addresses": ["10.0.1.15"], "prefixes": ["10.0.1.16/28"]
                }},
                "target": {{ "id": "tmt-{number}", "name": "e", "description": "f", {target} }},
                "filter": {{ "id": "tmf-1", "name": "g", "description": "h" }}
            }}"#
        )
    };
    let targets = [
        (1, r#""network_interface": "eni-2""#),
        (2, r#""network_load_balancer": "arn:aws:x""#),
        (3, r#""gateway_load_balancer_endpoint": "vpce-0a""#),
    ];
    let empty = r#"{}, { "eni": {}, "target": {}, "filter": {} }"#;
    let sessions = targets.map(session).join(",");
    format!(r#"{{ "schema": "{SCHEMA}", "sessions": [{empty}, {sessions}] }}"#)
}

#[test]
fn every_field_is_described_read_and_printed() {
    let scratch = Scratch::new();
    scratch.write("all.json", with_every_field());
    let mut printed = BTreeMap::new();
    walk(&serde_json::from_str(&shown(&scratch, "all.json")).unwrap(), "", &mut printed);
    are_as_described(&printed, SCHEMA);
    // Where null is allowed it is there, and so is the other type.
    for (field, types) in &printed {
        let parts = if field.ends_with("[]") || types.contains("array") { 1 } else { 2 };
        let is_always = matches!(field.as_str(), "schema" | "sessions" | "sessions[]");
        assert!(is_always || types.len() == parts, "{field} is never but {types:?}");
    }
}

/// The sentences around the example say what it does.
#[test]
fn the_example_names_two_sessions() {
    let scratch = Scratch::new();
    scratch.write("sessions.json", example());
    let shown: Value = serde_json::from_str(&shown(&scratch, "sessions.json")).unwrap();
    let sessions = shown["sessions"].as_array().unwrap();
    let names: Vec<_> = sessions.iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["web 1", "web 2"]);

    for (source, vni, name) in [
        ("10.0.1.15", "308308", "web 1"),
        ("10.0.1.99", "308309", "web 2"),
        ("10.0.1.99", "308308", ""),
    ] {
        let capture = testdata().join("captures/lab-d/input.pcapng");
        mirror_pcap().within(&scratch).args(["strip", "-q"]).arg(capture).arg("plain").succeeds();
        let wrap =
            ["wrap", "-q", "--force", "--vni", vni, "--source", source, "--target", "10.0.2.99"];
        mirror_pcap().within(&scratch).args(wrap).args(["plain", "wrapped"]).succeeds();
        let strip = ["strip", "-q", "--config", "sessions.json", "--json", "json"];
        mirror_pcap().within(&scratch).args(strip).args(["wrapped", "out"]).succeeds();
        let json: Value = serde_json::from_slice(&scratch.read("json")).unwrap();
        let found = json["sessions"][0]["name"].as_str().unwrap_or_default();
        assert_eq!(found, name, "{source} {vni}");
    }
}

#[test]
fn printed_and_read_again_it_is_the_same() {
    let scratch = Scratch::new();
    for text in [with_every_field(), example()] {
        scratch.write("once.json", text);
        let once = shown(&scratch, "once.json");
        scratch.write("twice.json", &once);
        same(&shown(&scratch, "twice.json"), &once);
    }
}

/// The message that the section shows is the one that is printed.
#[test]
fn what_is_wrong_is_told_as_the_section_shows() {
    let text = section(SCHEMA);
    let shown = text.split('`').find(|part| part.starts_with("/sessions/0/eni/mac: ")).unwrap();
    let scratch = Scratch::new();
    let wrong = format!(
        r#"{{ "schema": "{SCHEMA}", "sessions": [{{ "eni": {{ "mac": "02-2f-8f-b0-cf-75" }} }}] }}"#
    );
    scratch.write("wrong.json", wrong);
    let seen = mirror_pcap().within(&scratch).args(["config", "show", "wrong.json"]).fails_with(2);
    seen.stderr_has(&format!("wrong.json: {shown}\n"));
}
