use super::*;

const SECTIONS: &str = "
Parameters:
  Text: { Type: String, Default: web }
  List: { Type: CommaDelimitedList, Default: 'a,b,c' }
  Number: { Type: Number, Default: 7 }
  Open: { Type: String }
  OpenList: { Type: CommaDelimitedList }
Mappings:
  Ports: { https: { tcp: 443, all: ['443', '8443'] } }
  Cidrs: { eu-west-1: { vpc: 10.0.0.0/16 } }
Resources:
  Filter: { Type: AWS::EC2::TrafficMirrorFilter }
";

#[track_caller]
fn comes_to(expression: &str, expected: &str) {
    assert_eq!(value(SECTIONS, expression, &[]), expected, "{expression}");
}

#[test]
fn what_is_no_function_is_kept_as_it_is_written() {
    comes_to("{A: [1, 1.50, true, null, 'x', {}]}", "{A: [1, 1.50, true, null, x, {}]}");
    comes_to("{Reference: x, Condition: y}", "{Reference: x, Condition: y}");
}

#[test]
fn long_and_short_forms_and_functions_in_functions_are_one() {
    for expression in [
        "!Select [1, !Ref List]",
        "Fn::Select: [1, {Ref: List}]",
        "!Select ['1', Ref: List]",
        "{\"Fn::Select\": [1, {\"Ref\": \"List\"}]}",
    ] {
        comes_to(expression, "b");
    }
}

#[test]
fn sub_replaces_names_and_leaves_literals() {
    comes_to("!Sub 'x-${Text}-${Number}'", "x-web-7");
    comes_to("!Sub '${!Text} and ${ Text }'", "${Text} and web");
    comes_to("!Sub 'no names, $ {Text} ${'", "no names, $ {Text} ${");
    comes_to("!Sub ''", "");
    comes_to("!Sub ['${A}.${Text}', {A: !Select [2, !Ref List]}]", "c.web");
    comes_to("!Sub ['${Text}', {Text: mine}]", "mine");
    comes_to("!Sub ['${A}', {A: !Sub '$${!B}'}]", "$${B}");
    // What a variable brings isn't read again.
    comes_to("!Sub ['${A}', {A: '${Text}', Text: x}]", "${Text}");
}

#[test]
fn sub_of_one_reference_is_that_reference() {
    comes_to("!Sub '${Filter}'", "@Filter");
    comes_to("!Sub '${Filter.Id}'", "@Filter");
    comes_to("!Sub ['${F}', {F: !Ref Filter}]", "@Filter");
    comes_to(
        "!Sub 'f-${Filter}'",
        "?Filter: the id of resource \"Filter\" is known once it is deployed",
    );
}

#[test]
fn sub_says_which_name_is_missing() {
    comes_to("!Sub 'x${Open}'", "?Open: parameter \"Open\" has no default");
    comes_to("!Sub 'x${AWS::Region}'", "?AWS::Region: the template doesn't say AWS::Region");
    comes_to("!Sub 'x${Nmae}'", "?: \"Nmae\" is no parameter or resource of the template");
    comes_to("!Sub 'x${}'", "?: \"\" is no parameter or resource of the template");
    comes_to("!Sub 'x${List}'", "?: a list stands for a text");
    comes_to("!Sub ['${A}', {A: [1]}]", "?: variable \"A\" of Fn::Sub is no text");
    comes_to("!Sub ['${A}', {A: !Ref AWS::NoValue}]", "?: variable \"A\" of Fn::Sub is no text");
    comes_to("!Sub '${AWS::NoValue}'", "?: variable \"AWS::NoValue\" of Fn::Sub is no text");
}

#[test]
fn an_unused_variable_of_sub_may_be_unknown() {
    comes_to("!Sub ['x', {A: !Ref Open}]", "x");
}

#[test]
fn join_and_split_are_each_others_reverse() {
    comes_to("!Join ['/', [10.0.0.0, 16]]", "10.0.0.0/16");
    comes_to("!Join [',', !Ref List]", "a,b,c");
    comes_to("!Split [',', !Join [',', !Ref List]]", "[a, b, c]");
    comes_to("!Join ['', []]", "");
    comes_to("!Join ['-', [a, !Ref AWS::NoValue, b]]", "a-b");
    comes_to("!Split ['|', 'a||b']", "[a, , b]");
    comes_to("!Split ['', 'ab']", "?: the delimiter of Fn::Split is empty");
}

#[test]
fn join_says_what_it_misses() {
    comes_to("!Join ['', [a, !Ref Open]]", "?Open: parameter \"Open\" has no default");
    comes_to("!Join ['', !Ref OpenList]", "?OpenList: parameter \"OpenList\" has no default");
    comes_to("!Join ['', !Ref Text]", "?: a text stands for a list");
    comes_to("!Join ['', [[a]]]", "?: a list stands for a text");
}

#[test]
fn select_takes_one_item_and_the_others_may_be_unknown() {
    comes_to("!Select [0, [!Ref Text, !Ref Open]]", "web");
    comes_to("!Select [1, [!Ref Text, !Ref Open]]", "?Open: parameter \"Open\" has no default");
    comes_to("!Select [!Ref Number, !Ref List]", "?: Fn::Select asks for item \"7\" of 3");
    comes_to("!Select [-1, !Ref List]", "?: Fn::Select asks for item \"-1\" of 3");
    comes_to("!Select [one, !Ref List]", "?: Fn::Select asks for item \"one\" of 3");
    comes_to("!Select [0, []]", "?: Fn::Select asks for item \"0\" of 0");
    comes_to("!Select [0, !Split ['/', 10.0.0.0/16]]", "10.0.0.0");
}

#[test]
fn find_in_map_finds_and_says_what_it_does_not() {
    comes_to("!FindInMap [Ports, https, tcp]", "443");
    comes_to("!Select [1, !FindInMap [Ports, https, all]]", "8443");
    comes_to("!FindInMap [Ports, !Sub 'https', tcp]", "443");
    for keys in ["Port, https, tcp", "Ports, http, tcp", "Ports, https, udp"] {
        let shown = keys.replace(", ", "/");
        comes_to(
            &format!("!FindInMap [{keys}]"),
            &format!("?: Fn::FindInMap finds nothing under \"{shown}\""),
        );
    }
    comes_to("!FindInMap [Ports, http, tcp, {DefaultValue: 80}]", "80");
    let by_region = "!FindInMap [Cidrs, !Ref AWS::Region, vpc]";
    comes_to(by_region, "?AWS::Region: the template doesn't say AWS::Region");
    assert_eq!(value(SECTIONS, by_region, &["AWS::Region=eu-west-1"]), "10.0.0.0/16");
}

#[test]
fn cidr_and_length_count() {
    comes_to("!Select [1, !Cidr [10.0.0.0/16, 4, 8]]", "10.0.1.0/24");
    comes_to("!Cidr ['::/0', '1', '64']", "[::/64]");
    comes_to(
        "!Cidr [10.0.0.0, 1, 8]",
        "?: of Fn::Cidr the range has no prefix length, as in 10.0.0.0/16",
    );
    // Without the third argument AWS takes a default that it doesn't document.
    comes_to(
        "!Cidr [10.0.0.0/16, 4]",
        "?: the argument of Fn::Cidr is a list of 2, not a list of 3",
    );
    comes_to("Fn::Length: !Ref List", "3");
}

#[test]
fn functions_that_are_not_evaluated_are_named() {
    for function in ["Fn::Base64", "Fn::ToJsonString", "Fn::Transform", "Fn::Sbu"] {
        comes_to(&format!("{{'{function}': x}}"), &format!("?: {function} isn't evaluated"));
    }
    comes_to("{'Fn::Sub': x, 'Fn::Join': y}", "?: \"Fn::Sub\" has other keys beside it");
    comes_to("{A: 1, 'Fn::Transform': y}", "?: \"Fn::Transform\" has other keys beside it");
}

/// Each function with an argument of every other shape: none panics, each says what it is.
#[test]
fn wrong_arguments_are_said_and_not_guessed() {
    let functions = [
        "Ref",
        "Fn::GetAtt",
        "Fn::ImportValue",
        "Fn::FindInMap",
        "Fn::Sub",
        "Fn::Join",
        "Fn::Split",
        "Fn::Select",
        "Fn::Length",
        "Fn::Cidr",
        "Fn::If",
    ];
    let arguments = [
        "null",
        "{}",
        "{A: b}",
        "[]",
        "[null]",
        "[[], {}]",
        "[{}, [], null]",
        "[null, null, null, null]",
        "[a, b, c, d, e]",
    ];
    for function in functions {
        for argument in arguments {
            if function == "Fn::Length" && argument.starts_with('[') {
                continue;
            }
            let shown = value(SECTIONS, &format!("{{'{function}': {argument}}}"), &[]);
            assert!(shown.starts_with("?: "), "{function} of {argument} is {shown}");
        }
    }
}

/// A function's result stands where the function does; the branches of `Fn::If` stand where they
/// are written.
#[test]
fn values_have_the_line_where_they_are_written() {
    let template = "
Parameters: { Cidrs: { Type: CommaDelimitedList, Default: 'a,b' } }
Conditions: { Yes: !Equals [1, 1] }
";
    let root = Node::from_yaml("t.yaml", template.as_bytes()).unwrap();
    let expression = "
- !Ref Cidrs
- !If
  - Yes
  - { A: x }
  - y
";
    let expression = Node::from_yaml("e.yaml", expression.as_bytes()).unwrap();
    let template = Template::new(&At::root("t.yaml", &root), &mut Problems::default());
    let given = given(&[]);
    let result = Evaluator::new(&template, &given, &root).value(&expression).unwrap();
    let [list, map] = result.items() else { panic!("{result:?}") };
    assert_eq!((list.line, list.items()[1].line), (Some(2), Some(2)));
    assert_eq!((map.line, map.entries()[0].value.line), (Some(5), Some(5)));
}
