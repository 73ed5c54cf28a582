#![allow(
    clippy::redundant_closure_for_method_calls,
    reason = "a method of At<'n> has one 'n, and the function below asks for any"
)]

use super::*;

fn yaml(text: &str) -> Node {
    Node::from_yaml("d", text.as_bytes()).unwrap()
}

/// What an accessor answers and says for the value of `x` in a one-line document.
fn reading<T>(value: &str, read: impl Fn(&At<'_>, &mut Problems) -> T) -> (T, String) {
    let node = yaml(&format!("x: {value}\n"));
    let mut problems = Problems::default();
    let answer = read(&At::root("d", &node).get("x").unwrap(), &mut problems);
    (answer, problems.to_string())
}

#[test]
fn a_value_knows_its_path_and_the_line_of_its_key() {
    let node = yaml("a:\n  b/c~d:\n    - 1\n    - e: 2\n");
    let root = At::root("d", &node);
    let list = root.get("a").unwrap().get("b/c~d").unwrap();
    assert_eq!(list.place().to_string(), "d:2: /a/b~1c~0d");
    let e = list.items().nth(1).unwrap().get("e").unwrap();
    assert_eq!(e.place().to_string(), "d:4: /a/b~1c~0d/1/e");
    assert_eq!(root.place().to_string(), "d:1");
}

#[test]
fn null_is_absent_where_it_makes_no_difference() {
    let node = yaml("a: null\n");
    let root = At::root("d", &node);
    assert!(root.get("a").is_none() && root.member("a").is_some());
    let mut problems = Problems::default();
    assert!(root.require("a", &mut problems).is_none());
    assert_eq!(problems.to_string(), "d:1: found no a, expected one");
}

#[test]
fn a_string_may_be_written_as_a_number_or_truth_value() {
    for (value, text) in [("x", "x"), ("012345678901", "012345678901"), ("true", "true")] {
        assert_eq!(
            reading(value, |at, problems| at.string(problems)),
            (Some(text.into()), String::new())
        );
    }
    assert_eq!(
        reading("[a]", |at, problems| at.string(problems)),
        (None, "d:1: /x: found a list, expected a string".into())
    );
    assert_eq!(
        reading("{a: 1}", |at, problems| at.string(problems)),
        (None, "d:1: /x: found an object, expected a string".into())
    );
}

#[test]
fn an_integer_may_be_written_as_a_string_but_not_in_another_base() {
    let integer = |at: &At<'_>, problems: &mut Problems| at.integer(-1..=300, problems);
    for (value, number) in [("0", 0), ("-1", -1), ("300", 300), ("'6'", 6)] {
        assert_eq!(reading(value, integer), (Some(number), String::new()), "{value}");
    }
    for (value, found) in [
        ("301", "301"),
        ("-2", "-2"),
        ("010", "010"),
        ("-01", "-01"),
        ("+1", "+1"),
        ("--1", "\"--1\""),
        ("0x10", "\"0x10\""),
        ("1.0", "1.0"),
        ("1e2", "1e2"),
        ("''", "\"\""),
        ("' 1'", "\" 1\""),
        ("true", "true"),
        ("99999999999999999999", "99999999999999999999"),
    ] {
        let says = format!("d:1: /x: found {found}, expected an integer from -1 to 300");
        assert_eq!(reading(value, integer), (None, says), "{value}");
    }
}

#[test]
fn words_are_the_same_in_upper_case() {
    let words = |at: &At<'_>, problems: &mut Problems| {
        at.one_of(&[("ingress", 1), ("egress", 2)], problems)
    };
    for value in ["ingress", "INGRESS", "Ingress"] {
        assert_eq!(reading(value, words).0, Some(1));
    }
    let says = "d:1: /x: found \"in\", expected ingress or egress";
    assert_eq!(reading("in", words), (None, says.into()));
    assert_eq!(reading("'true'", |at, problems| at.boolean(problems)).0, Some(true));
    assert_eq!(reading("False", |at, problems| at.boolean(problems)).0, Some(false));
}

#[test]
fn host_bits_are_cleared_with_a_warning() {
    let (cidr, says) = reading("10.0.1.7/16", |at, problems| at.cidr(problems));
    assert_eq!(cidr.unwrap().to_string(), "10.0.0.0/16");
    assert_eq!(says, "d:1: /x: warning: found \"10.0.1.7/16\" with host bits, read as 10.0.0.0/16");
    let expected = "expected a range of addresses, as 10.0.0.0/16";
    assert_eq!(
        reading("10.0.0.0", |at, problems| at.cidr(problems)),
        (None, format!("d:1: /x: found \"10.0.0.0\", {expected}"))
    );
    assert_eq!(
        reading("5", |at, problems| at.cidr(problems)),
        (None, format!("d:1: /x: found 5, {expected}"))
    );
}

#[test]
fn a_value_that_cannot_be_known_says_why_and_what_to_give() {
    let unresolved = |param: Option<&str>| {
        let why = "parameter \"Vpc\" has no default".to_owned();
        let node = Node::new(NodeKind::Unresolved { why, param: param.map(str::to_owned) });
        let place =
            Place { document: "d".into(), path: "/x".into(), line: Some(7), resource: None };
        let mut problems = Problems::default();
        let at = At::made(&place, &node);
        assert_eq!(at.cidr(&mut problems), None);
        assert_eq!(at.text(&mut problems), None, "what only a person reads may stay unknown");
        assert_eq!(problems.to_string(), "", "whether it matters others know");
        let blank = problems.take_blanks().pop().unwrap();
        blank.leaves(crate::Open::AnyFilter).1.error().to_string()
    };
    assert_eq!(
        unresolved(Some("Vpc")),
        "d:7: /x: unresolved: parameter \"Vpc\" has no default; give --param Vpc=VALUE"
    );
    assert_eq!(unresolved(None), "d:7: /x: unresolved: parameter \"Vpc\" has no default");
}

#[test]
fn a_reference_is_an_id_or_a_resource_of_the_same_document() {
    let (id, _) = reading("tmf-0f", |at, problems| at.reference(problems));
    assert_eq!(id, Some(Reference::Id("tmf-0f".into())));
    let node = Node::new(NodeKind::Resource("Filter".into()));
    let mut problems = Problems::default();
    let at = At::root("d", &node);
    assert_eq!(at.reference(&mut problems), Some(Reference::Resource("Filter".into())));
    assert_eq!(at.integer(0..=1, &mut problems), None);
    assert_eq!(
        problems.to_string(),
        "d: found a reference to resource \"Filter\", expected an integer from 0 to 1"
    );
}

#[test]
fn a_path_is_cut_where_it_is_longer_than_is_shown() {
    let json = |text: String| Node::from_json("d", text.as_bytes()).unwrap();
    let node = json(format!(r#"{{"{}": {{"b/c": [1, {{"~": 2}}]}}}}"#, "k".repeat(500)));
    let root = At::root("d", &node);
    let (_, long) = root.entries().next().unwrap();
    let item = long.get("b/c").unwrap().items().nth(1).unwrap();
    let path = item.get("~").unwrap().place().path;
    assert_eq!(path, format!("/{}/b~1c/1/~0", "k".repeat(500)));

    let node = json(format!(r#"{{"{}": {{"b": 1}}}}"#, "~".repeat(5_000)));
    let root = At::root("d", &node);
    let (_, long) = root.entries().next().unwrap();
    let place = long.get("b").unwrap().place();
    assert_eq!(place.path.len(), 1_001);
    assert_eq!(place.to_string().len(), "d:1: ".len() + 1_000 + "...".len());
}
