use super::yaml::MAX_AHEAD;
use super::*;

fn json(text: &str) -> Node {
    Node::from_json("d", text.as_bytes()).unwrap()
}

fn yaml(text: &str) -> Node {
    Node::from_yaml("d", text.as_bytes()).unwrap()
}

fn json_error(text: impl AsRef<[u8]>) -> String {
    Node::from_json("d", text.as_ref()).unwrap_err().to_string()
}

fn yaml_error(text: impl AsRef<[u8]>) -> String {
    Node::from_yaml("d", text.as_ref()).unwrap_err().to_string()
}

/// A node in one line: lists and objects as in JSON, strings in quotes, numbers as written.
fn say(node: &Node) -> String {
    match &node.kind {
        NodeKind::Null => "null".into(),
        NodeKind::Bool(value) => value.to_string(),
        NodeKind::Number(text) => text.clone(),
        NodeKind::String(text) => format!("{text:?}"),
        NodeKind::List(items) => {
            format!("[{}]", items.iter().map(say).collect::<Vec<_>>().join(", "))
        }
        NodeKind::Map(entries) => {
            let entry = |entry: &Entry| format!("{:?}: {}", entry.key, say(&entry.value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        NodeKind::Resource(name) => format!("resource {name}"),
        NodeKind::Unresolved { why, .. } => format!("unresolved {why}"),
    }
}

#[test]
fn json_keeps_order_repetition_and_the_text_of_numbers() {
    let text = r#"{"b": [1, -2, 18446744073709551615, true, null], "a": {}, "b": "x"}"#;
    assert_eq!(say(&json(text)), text);
    assert_eq!(say(&json("[1.0, 1e300, 0.5]")), "[1.0, 1e300, 0.5]");
}

#[test]
fn json_strings_may_have_surrogate_pairs_and_escaped_tabs() {
    assert_eq!(json(r#""\ud83d\ude00\t\u00e4""#).as_str(), Some("\u{1f600}\t\u{e4}"));
    assert_eq!(say(&json("\t[\t1\t]\r\n")), "[1]");
    assert!(json_error(r#""\ud83d""#).starts_with("d:1: not JSON: "), "half of a pair");
    assert!(json_error("\"\t\"").starts_with("d:1: not JSON: "), "a raw tab");
}

proptest::proptest! {
    /// Each value is a text of its own, so that the line on which it stands can be looked up.
    #[test]
    fn every_json_value_and_key_knows_its_line(
        shape in proptest::collection::vec(0..5_u8, 0..40),
        breaks in proptest::collection::vec(0..4_usize, 1..40),
    ) {
        let text = layout(&shape, &breaks);
        let node = json(&text);
        let line = |what: &str| text.lines().position(|line| line.contains(what)).map(|n| n + 1);
        let mut left = vec![(&node, node.line)];
        let mut seen = 0;
        while let Some((node, _)) = left.pop() {
            if let Some(value) = node.as_str() {
                let value = serde_json::to_string(value).unwrap();
                proptest::prop_assert_eq!(node.line.map(|n| n as usize), line(&value), "{} in {}", value, text);
                seen += 1;
            }
            for Entry { key, line: at, value } in node.entries() {
                let key = format!("{}:", serde_json::to_string(key).unwrap());
                proptest::prop_assert_eq!(at.map(|n| n as usize), line(&key), "{} in {}", key, text);
                left.push((value, value.line));
            }
            left.extend(node.items().iter().map(|item| (item, item.line)));
        }
        proptest::prop_assert_eq!(seen, text.matches("v\\\"").count());
    }
}

/// A document of this shape, with so many line feeds between its tokens.
fn layout(shape: &[u8], breaks: &[usize]) -> String {
    let mut breaks = breaks.iter().cycle();
    let mut text = String::new();
    let mut put = |token: &str| {
        text += token;
        text += &"\r\n".repeat(*breaks.next().unwrap());
    };
    // What is open ends with these; the document is a list.
    let mut open = vec!["]"];
    put("[");
    let mut is_first = true;
    for (n, what) in shape.iter().enumerate() {
        if *what == 0 && open.len() > 1 {
            put(open.pop().unwrap());
            is_first = false;
            continue;
        }
        if !is_first {
            put(",");
        }
        if open.last() == Some(&"}") {
            put(&format!("\"k\\\"{n}\":"));
        }
        is_first = false;
        match what {
            1 => {
                put("[");
                open.push("]");
                is_first = true;
            }
            2 => {
                put("{");
                open.push("}");
                is_first = true;
            }
            3 => put(["-1.5e3", "null", "true", "0"][n % 4]),
            _ => put(&format!("\"v\\\"\\\\{n}, ]\"")),
        }
    }
    while let Some(end) = open.pop() {
        put(end);
    }
    text
}

#[test]
fn what_is_no_json_is_located_by_line() {
    assert_eq!(json_error("{\n  \"a\": 1,\n}"), "d:3: not JSON: trailing comma");
    assert_eq!(json_error("[1] [2]"), "d:1: not JSON: trailing characters");
    assert_eq!(json_error("[1"), "d:1: not JSON: EOF while parsing a list");
    assert!(json_error([b'"', 0xff, b'"']).starts_with("d:1: not JSON: invalid unicode"));
    assert!(json_error("").starts_with("d"), "an empty text is no document");
}

#[test]
fn every_shorter_prefix_of_a_json_document_is_an_error() {
    let text = r#"{"a": [1, "x", null], "b": {"c": true}}"#;
    for n in 0..text.len() {
        assert!(Node::from_json("d", &text.as_bytes()[..n]).is_err(), "{n}");
    }
}

#[test]
fn json_nests_127_levels_and_no_more() {
    let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert!(Node::from_json("d", nested(127).as_bytes()).is_ok());
    assert_eq!(json_error(nested(128)), "d:1: not JSON: recursion limit exceeded");
    assert_eq!(json_error("[".repeat(1_000_000)), "d:1: not JSON: recursion limit exceeded");
    assert_eq!(json_error("{\"a\":".repeat(1_000_000)), "d:1: not JSON: recursion limit exceeded");
}

#[test]
fn the_number_of_values_is_bounded() {
    let text = format!("[{}0]", "0,".repeat(MAX_NODES));
    assert_eq!(
        json_error(&text),
        format!("d:1: not JSON: found more than {MAX_NODES} values, expected fewer")
    );
}

#[test]
fn yaml_scalars_are_those_of_the_core_schema() {
    for (text, said) in [
        ("null", "null"),
        ("~", "null"),
        ("", "null"),
        ("true", "true"),
        ("FALSE", "false"),
        ("yes", r#""yes""#),
        ("off", r#""off""#),
        ("100", "100"),
        ("-1", "-1"),
        ("0100", "0100"),
        ("1.50", "1.50"),
        ("1e3", "1e3"),
        ("0x10", r#""0x10""#),
        (".inf", r#"".inf""#),
        ("1_000", r#""1_000""#),
        ("2010-09-09", r#""2010-09-09""#),
        ("::/0", r#""::/0""#),
        ("2001:db8::/56", r#""2001:db8::/56""#),
        ("10.0.0.0/16", r#""10.0.0.0/16""#),
        ("'100'", r#""100""#),
        ("\"1\\u00e4\\t\"", r#""1ä\t""#),
        ("!!str 100", r#""100""#),
        ("!!int 100", "100"),
        ("! 100", r#""100""#),
    ] {
        assert_eq!(say(&yaml(&format!("- {text}\n"))), format!("[{said}]"), "{text}");
    }
    assert_eq!(yaml_error("- !!int x"), "d:1: found a scalar that is no !!int");
}

#[test]
fn scalars_of_a_template_are_those_that_cloudformation_reads() {
    let template = |text: &str| Node::from_template("d", text.as_bytes()).unwrap();
    for (text, said) in [
        ("yes", "true"),
        ("On", "true"),
        ("NO", "false"),
        ("off", "false"),
        ("true", "true"),
        // Single letters stay texts, and so does what no one writes.
        ("y", r#""y""#),
        ("N", r#""N""#),
        ("yEs", r#""yEs""#),
        ("'yes'", r#""yes""#),
        ("!!str yes", r#""yes""#),
        ("! yes", r#""yes""#),
        ("!Ref yes", r#"{"Ref": "yes"}"#),
        ("100", "100"),
        ("0", "0"),
        ("08", "08"),
        ("1.50", "1.50"),
        ("2010-09-09", r#""2010-09-09""#),
        ("10.0.0.0/16", r#""10.0.0.0/16""#),
        ("::/0", r#""::/0""#),
        ("fd00:ec2::254", r#""fd00:ec2::254""#),
        ("0a:1b:2c:3d:4e:5f", r#""0a:1b:2c:3d:4e:5f""#),
        ("1:99", r#""1:99""#),
        ("a_b", r#""a_b""#),
    ] {
        assert_eq!(say(&template(&format!("- {text}\n"))), format!("[{said}]"), "{text}");
    }
    for text in ["010", "-017", "0x1F", "0b11", "1_000", "+5", "1:30", "10:20:30", "1:30.5", "0_1"]
    {
        let node = template(&format!("- {text}\n"));
        let said = say(&node);
        let why = format!("[unresolved \"{text}\" without quotes is another number");
        assert!(said.starts_with(&why), "{text}: {said}");
        assert_eq!(say(&template(&format!("- '{text}'\n"))), format!("[\"{text}\"]"));
    }
    // As keys they are names.
    assert_eq!(say(&template("{yes: 1, 010: 2}")), r#"{"yes": 1, "010": 2}"#);
}

#[test]
fn short_tags_are_the_long_form() {
    for (text, said) in [
        ("!Ref A", r#"{"Ref": "A"}"#),
        ("!Condition A", r#"{"Condition": "A"}"#),
        ("!GetAtt A.B", r#"{"Fn::GetAtt": "A.B"}"#),
        ("!GetAtt [A, B]", r#"{"Fn::GetAtt": ["A", "B"]}"#),
        ("!Sub '${A}/16'", r#"{"Fn::Sub": "${A}/16"}"#),
        ("!Ref 007", r#"{"Ref": "007"}"#),
        ("!Select [0, !GetAZs '']", r#"{"Fn::Select": [0, {"Fn::GetAZs": ""}]}"#),
        ("{ Key: Name, Value: !Sub '${A}' }", r#"{"Key": "Name", "Value": {"Fn::Sub": "${A}"}}"#),
        (
            "!If [A, !Ref B, !Ref 'AWS::NoValue']",
            r#"{"Fn::If": ["A", {"Ref": "B"}, {"Ref": "AWS::NoValue"}]}"#,
        ),
        ("!Transform {Name: X}", r#"{"Fn::Transform": {"Name": "X"}}"#),
    ] {
        let short = yaml(&format!("a: {text}\n"));
        assert_eq!(say(&short), format!("{{\"a\": {said}}}"), "{text}");
        // The long form in JSON is the same tree but for the lines.
        assert_eq!(say(&json(said)), said);
    }
    let block = yaml("a: !Join\n  - ','\n  - - x\n    - y\nb: !Sub |\n  ${A}\n");
    assert_eq!(
        say(&block),
        r#"{"a": {"Fn::Join": [",", ["x", "y"]]}, "b": {"Fn::Sub": "${A}\n"}}"#
    );
}

#[test]
fn every_yaml_value_knows_its_line_tags_too() {
    let node = yaml("a: 1\nb:\n  - !Ref X\n  - !If\n    - c\n    - 1\n    - 2\n");
    let b = node.get("b").unwrap();
    assert_eq!(node.get("a").unwrap().line, Some(1));
    assert_eq!(node.entries()[1].line, Some(2));
    assert_eq!(b.items()[0].line, Some(3));
    assert_eq!(b.items()[0].get("Ref").unwrap().line, Some(3));
    assert!(matches!(b.items()[1].line, Some(4 | 5)));
}

#[test]
fn yaml_keeps_duplicate_keys_and_keys_that_are_no_strings() {
    assert_eq!(say(&yaml("{a: 1, a: 2}")), r#"{"a": 1, "a": 2}"#);
    assert_eq!(
        say(&yaml("443: x\ntrue: y\nnull: z\n")),
        r#"{"443": "x", "true": "y", "null": "z"}"#
    );
    assert_eq!(
        yaml_error("? [a]\n: 1\n"),
        "d:1: found a list, a map or a tag as a key, expected a text"
    );
}

#[test]
fn aliases_copy_and_merge_keys_are_refused() {
    assert_eq!(say(&yaml("a: &x [1]\nb: *x\n")), r#"{"a": [1], "b": [1]}"#);
    assert_eq!(
        yaml_error("a: &x {b: 1}\nc:\n  <<: *x\n"),
        "d:3: found the merge key <<, expected the keys themselves"
    );
    assert_eq!(
        yaml_error("a: &x [*x]\n"),
        "d:1: found an alias within what it stands for, expected one after it"
    );
    assert!(yaml_error("a: *nowhere\n").starts_with("d:1: not YAML: "));
}

#[test]
fn a_bomb_of_aliases_is_refused_before_it_bursts() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..30 {
        let before = format!("*a{}", n - 1);
        text += &format!("a{n}: &a{n} [{}]\n", [before.as_str(); 10].join(", "));
    }
    assert!(
        yaml_error(&text).contains("found aliases that copy more than"),
        "{}",
        yaml_error(&text)
    );

    // One long text, copied often, is as bad as many short ones.
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 17), ["*a"; 1_000].join(", "));
    assert!(yaml_error(&long).contains("found aliases that copy more than"));
}

#[test]
fn aliases_do_not_nest_deeper_than_a_document_may() {
    let mut text = String::from("- &a0 [x]\n");
    for n in 1..1_000 {
        text += &format!("- &a{n} [[[*a{}]]]\n", n - 1);
    }
    assert!(yaml_error(&text).contains("found values nested deeper than 128"));
}

#[test]
fn yaml_nests_128_levels_and_no_more() {
    let hyphens = |n: usize| format!("{}x", "- ".repeat(n));
    assert!(Node::from_yaml("d", hyphens(128).as_bytes()).is_ok());
    for text in [
        hyphens(129),
        hyphens(1_000_000),
        "[".repeat(1_000_000),
        "{a: ".repeat(1_000_000),
        "? ".repeat(1_000_000),
        "!Ref ".repeat(1_000_000),
    ] {
        assert!(yaml_error(&text).starts_with("d:1: "), "{}", &text[..20]);
    }
}

#[test]
fn a_list_in_brackets_is_not_held_at_any_length() {
    let list = |count: usize| format!("a: 1\nb:\n- [{}]\n", "x,\n   ".repeat(count));
    assert!(Node::from_yaml("d", list(MAX_AHEAD / 6 - 10).as_bytes()).is_ok());
    let said = format!("found a list, map or text of more than {MAX_AHEAD} characters");
    for text in [
        list(MAX_AHEAD / 6 + 10),
        format!("[{}]", "x,".repeat(MAX_AHEAD)),
        format!("{{{}}}", "x: 1, ".repeat(MAX_AHEAD)),
        format!("a: {}", "x".repeat(2 * MAX_AHEAD)),
    ] {
        assert!(yaml_error(&text).contains(&said), "{}", yaml_error(&text));
    }
    // As the value of a key it can't be one, and a block is none.
    assert!(Node::from_yaml("d", "- x\n".repeat(MAX_AHEAD / 3).as_bytes()).is_ok());
}

#[test]
fn what_is_no_yaml_is_located_by_line() {
    assert!(yaml_error("a: 1\nb: [\n").starts_with("d:3: not YAML: "));
    assert!(yaml_error("a: 1\nb: 'x\nc: 2\n").contains(": not YAML: "));
    assert_eq!(yaml_error("a: 1\n---\nb: 2\n"), "d:2: found a second document, expected one");
    assert_eq!(
        yaml_error([b"a: 1\nb: ".as_slice(), &[0xff]].concat()),
        "d:2: found bytes that are not UTF-8, expected text"
    );
}

#[test]
fn an_empty_yaml_document_is_null() {
    for text in ["", "\n", "# nothing\n", "---\n", "--- \n...\n"] {
        assert_eq!(yaml(text).kind, NodeKind::Null, "{text:?}");
    }
}
