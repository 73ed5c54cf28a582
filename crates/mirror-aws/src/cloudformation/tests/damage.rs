//! One template, every value of it damaged in turn.
//!
//! What a template says either matters, and then its loss is an error or changes the result, or it
//! doesn't, and then it stands in the list below. Nothing is lost silently.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::*;
use crate::unresolved::needing_all;
use crate::{Document, Estate};

const LAB_D: &[u8] = include_bytes!("../../../../../testdata/aws/lab-d/cfn.yaml");

/// A tree as JSON.
fn json(node: &Node) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    match &node.kind {
        NodeKind::Number(text) => text.clone(),
        NodeKind::String(text) => quoted(text),
        NodeKind::List(items) => {
            format!("[{}]", items.iter().map(json).collect::<Vec<_>>().join(","))
        }
        NodeKind::Map(entries) => {
            let shown = entries.iter().map(|one| quoted(&one.key) + ":" + &json(&one.value));
            format!("{{{}}}", shown.collect::<Vec<_>>().join(","))
        }
        _ => show(node),
    }
}

/// What a template comes to: rules and sessions, without their places.
fn outcome(template: &Node) -> Result<String, Problems> {
    let bytes = json(template).into_bytes();
    let documents = [Document { name: "t.json", bytes: &bytes }];
    needing_all(crate::read(&documents, &Parameters::new())).map(|estate| described(&estate))
}

fn described(estate: &Estate) -> String {
    let mut text = String::new();
    for known in &estate.filters {
        writeln!(text, "{:?}", known.filter).unwrap();
    }
    for session in &estate.sessions {
        writeln!(text, "{:?}", session.session).unwrap();
    }
    for warning in &estate.warnings {
        writeln!(text, "{warning}").unwrap();
    }
    text
}

/// The paths of all values in a tree.
fn paths(node: &Node, path: &str, found: &mut Vec<String>) {
    for entry in node.entries() {
        let path = format!("{path}/{}", entry.key);
        found.push(path.clone());
        paths(&entry.value, &path, found);
    }
    for (n, item) in node.items().iter().enumerate() {
        let path = format!("{path}/{n}");
        found.push(path.clone());
        paths(item, &path, found);
    }
}

/// The tree with the value at a path replaced, or taken out.
fn damaged(node: &Node, path: &str, with: Option<&NodeKind>) -> Node {
    let mut node = node.clone();
    let (key, rest) = path[1..]
        .split_once('/')
        .map_or((&path[1..], ""), |(key, _)| (key, &path[key.len() + 1..]));
    let inner = |value: &mut Node| match (rest, with) {
        ("", None) => false,
        ("", Some(kind)) => {
            value.kind = kind.clone();
            true
        }
        (rest, with) => {
            *value = damaged(value, rest, with);
            true
        }
    };
    match &mut node.kind {
        NodeKind::Map(entries) => {
            entries.retain_mut(|entry| entry.key != key || inner(&mut entry.value));
        }
        NodeKind::List(items) => {
            let wanted: usize = key.parse().unwrap();
            let mut n = 0;
            items.retain_mut(|item| {
                n += 1;
                n - 1 != wanted || inner(item)
            });
        }
        kind => panic!("{path} leads into {kind:?}"),
    }
    node
}

/// The paths of which damage of this kind changes nothing.
fn harmless(with: Option<&NodeKind>) -> BTreeSet<String> {
    let root = Node::from_yaml("t.yaml", LAB_D).unwrap();
    let whole = outcome(&root).unwrap();
    let mut all = Vec::new();
    paths(&root, "", &mut all);
    assert!(all.len() > 150, "{}", all.len());
    all.into_iter()
        .filter(|path| outcome(&damaged(&root, path, with)).is_ok_and(|other| other == whole))
        .collect()
}

#[track_caller]
fn assert_harmless(with: Option<&NodeKind>, expected: &[&str]) {
    let found = harmless(with);
    let found: Vec<&str> = found.iter().map(String::as_str).collect();
    assert_eq!(found, expected, "\nreplaced with {with:?}");
}

#[test]
fn nothing_is_left_out_unnoticed() {
    assert_harmless(
        None,
        &[
            "/AWSTemplateFormatVersion",
            "/Description",
            // What is allowed is more now, or doesn't forbid the default.
            "/Parameters/EnableIpv6/AllowedValues",
            "/Parameters/EnableIpv6/AllowedValues/1",
            // The condition holds.
            "/Resources/InHttpsV6/Condition",
            "/Resources/InRejectV6/Condition",
            "/Resources/OutHttpsV6/Condition",
            "/Resources/OutRejectV6/Condition",
        ],
    );
}

/// A value that isn't known is an error, not a value that isn't there, even where none is needed.
#[test]
fn nothing_that_is_unknown_is_left_out() {
    let root = Node::from_yaml("t.yaml", LAB_D).unwrap();
    let mut all = Vec::new();
    paths(&root, "", &mut all);
    all.retain(|path| match path.split('/').collect::<Vec<_>>()[..] {
        ["", "Resources", resource, "Properties", property, ..] => {
            resource != "Target" && property != "Description" && property != "Tags"
        }
        _ => false,
    });
    assert!(all.len() > 80, "{}", all.len());
    for unknown in
        ["{Ref: Nope}", "{'Fn::Base64': x}", "{'Fn::Select': [7, []]}", "'{{resolve:ssm:x}}'"]
    {
        let unknown = Node::from_yaml("x.yaml", unknown.as_bytes()).unwrap().kind;
        for path in &all {
            let problems = match outcome(&damaged(&root, path, Some(&unknown))) {
                Err(problems) => problems.to_string(),
                Ok(other) => panic!("{path} replaced with {unknown:?} is\n{other}"),
            };
            assert!(problems.contains("; give --param "), "{path}: {problems}");
        }
    }
}

#[test]
fn nothing_is_something_else_unnoticed() {
    let reference = vec![Entry {
        key: "Ref".into(),
        line: None,
        value: Node::new(NodeKind::String("Nope".into())),
    }];
    for kind in [
        NodeKind::Null,
        NodeKind::Bool(false),
        NodeKind::Number("-7".into()),
        NodeKind::String("x".into()),
        NodeKind::List(Vec::new()),
        NodeKind::Map(Vec::new()),
        NodeKind::Map(reference),
    ] {
        assert_harmless(
            Some(&kind),
            &[
                "/AWSTemplateFormatVersion",
                "/Description",
                // The other value that isn't the default.
                "/Parameters/EnableIpv6/AllowedValues/1",
            ],
        );
    }
}
