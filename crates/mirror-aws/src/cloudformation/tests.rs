//! What templates come to, each test with a template as small as it can be.

mod bounds;
mod conditions;
mod damage;
mod functions;
mod names;
mod resources;
mod strangers;
mod truth;

use super::*;

/// What `--param` gives.
fn given(params: &[&str]) -> Parameters {
    let mut given = Parameters::new();
    for param in params {
        given.add(param).unwrap();
    }
    given
}

/// The resources of mirroring in a template, and the problems.
fn read(template: &str, params: &[&str]) -> (Vec<Resource>, Problems) {
    let root = Node::from_yaml("t.yaml", template.as_bytes()).unwrap();
    let mut problems = Problems::default();
    let found = resources(&At::root("t.yaml", &root), &given(params), &mut problems);
    (found, problems)
}

/// The problems of a template, one on a line.
fn problems_of(template: &str, params: &[&str]) -> String {
    read(template, params).1.to_string()
}

/// What an expression comes to in a template with these sections.
#[track_caller]
fn value(sections: &str, expression: &str, params: &[&str]) -> String {
    let root = Node::from_yaml("t.yaml", sections.as_bytes()).unwrap();
    let expression = Node::from_yaml("e.yaml", expression.as_bytes()).unwrap();
    let mut problems = Problems::default();
    let template = Template::new(&At::root("t.yaml", &root), &mut problems);
    assert_eq!(problems.to_string(), "");
    let given = given(params);
    Evaluator::new(&template, &given, &root)
        .value(&expression)
        .map_or("nothing".into(), |node| show(&node))
}

/// A value on one line: texts bare, lists and maps as in YAML, ids of resources as `@Name`, and
/// what isn't known as `?name: why`.
fn show(node: &Node) -> String {
    match &node.kind {
        NodeKind::Null => "null".into(),
        NodeKind::Bool(truth) => truth.to_string(),
        NodeKind::Number(text) | NodeKind::String(text) => text.clone(),
        NodeKind::List(items) => {
            format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", "))
        }
        NodeKind::Map(entries) => {
            let shown = entries.iter().map(|one| format!("{}: {}", one.key, show(&one.value)));
            format!("{{{}}}", shown.collect::<Vec<_>>().join(", "))
        }
        NodeKind::Resource(name) => format!("@{name}"),
        NodeKind::Unresolved { why, param } => {
            format!("?{}: {why}", param.as_deref().unwrap_or_default())
        }
    }
}
