//! Templates made so that their values are known: the oracle is the one who wrote them.
//!
//! A text is hidden in functions, one in another, each of which gives back what it hides: it is the
//! default of a parameter, one item of a list, one branch of a condition. The evaluator has to find
//! the text again, and has to say so when a parameter on the way has no value.

use proptest::prelude::*;

use super::*;

/// How a value is hidden.
#[derive(Clone, Copy, Debug)]
enum Hide {
    Parameter,
    ListParameter(usize),
    Map,
    Sub,
    SubVariable,
    Join(usize),
    Select(usize),
    Split,
    IfTrue,
    IfFalse,
    Attribute,
    Default,
}

fn hide() -> impl Strategy<Value = Hide> {
    use Hide::*;
    prop_oneof![
        Just(Parameter),
        (0..4_usize).prop_map(ListParameter),
        Just(Map),
        Just(Sub),
        Just(SubVariable),
        (0..9_usize).prop_map(Join),
        (0..4_usize).prop_map(Select),
        Just(Split),
        Just(IfTrue),
        Just(IfFalse),
        Just(Attribute),
        Just(Default),
    ]
}

/// The sections of a template in the making.
#[derive(Default)]
struct Sections {
    parameters: String,
    mappings: String,
    resources: String,
    count: usize,
}

impl Sections {
    fn next(&mut self) -> usize {
        self.count += 1;
        self.count
    }

    fn parameter(&mut self, kind: &str, default: Option<&str>) -> String {
        let name = format!("P{}", self.next());
        let default = default.map(|text| format!(", Default: '{text}'")).unwrap_or_default();
        self.parameters += &format!("  {name}: {{ Type: {kind}{default} }}\n");
        name
    }

    fn template(&self) -> String {
        let Sections { parameters, mappings, resources, .. } = self;
        format!(
            "Parameters:\n  One: {{ Type: Number, Default: 1 }}\n{parameters}\
             Mappings:\n  None: {{ a: {{ b: c }} }}\n{mappings}\
             Conditions:\n  Yes: !Equals [!Ref One, '1']\n  No: !Not [!Condition Yes]\n\
             Resources:\n  F: {{ Type: AWS::EC2::TrafficMirrorFilter }}\n{resources}"
        )
    }

    /// An expression for `text` at the bottom of the functions.
    fn bottom(&mut self, how: Hide, text: &str) -> String {
        match how {
            Hide::Parameter | Hide::Default => {
                format!("!Ref {}", self.parameter("String", Some(text)))
            }
            Hide::ListParameter(n) => {
                let list: Vec<&str> = (0..4).map(|i| if i == n { text } else { "other" }).collect();
                let name = self.parameter("CommaDelimitedList", Some(&list.join(",")));
                format!("!Select [{n}, !Ref {name}]")
            }
            Hide::Map => {
                let name = format!("M{}", self.next());
                self.mappings += &format!("  {name}: {{ top: {{ second: '{text}' }} }}\n");
                format!("!FindInMap [{name}, top, second]")
            }
            Hide::Join(cut) => {
                let (a, b) = text.split_at(cut.min(text.len()));
                format!("!Join ['', ['{a}', '{b}']]")
            }
            _ => format!("'{text}'"),
        }
    }

    /// An expression around one that has the same value.
    fn around(&mut self, how: Hide, inner: &str) -> String {
        match how {
            Hide::Parameter | Hide::ListParameter(_) | Hide::Map => {
                format!("!Select [0, [{inner}]]")
            }
            Hide::Sub => {
                let name = format!("V{}", self.next());
                format!("!Sub ['${{{name}}}', {{ {name}: {inner} }}]")
            }
            Hide::SubVariable => {
                format!("!Select [1, !Split ['=', !Sub ['x=${{A}}', {{ A: {inner} }}]]]")
            }
            Hide::Join(_) => format!("!Join ['', ['', {inner}, !Ref AWS::NoValue]]"),
            Hide::Select(n) => {
                let list: Vec<&str> =
                    (0..4).map(|i| if i == n { inner } else { "!Ref Nope" }).collect();
                format!("!Select [{n}, [{}]]", list.join(", "))
            }
            Hide::Split => format!("!Select [1, !Split ['|', !Join ['|', [x, {inner}, y]]]]"),
            Hide::IfTrue => format!("!If [Yes, {inner}, !Ref Nope]"),
            Hide::IfFalse => format!("!If [No, !Ref Nope, {inner}]"),
            Hide::Attribute => {
                let name = format!("Vpc{}", self.next());
                self.resources += &format!(
                    "  {name}: {{ Type: AWS::EC2::VPC, Properties: {{ CidrBlock: {inner} }} }}\n"
                );
                format!("!GetAtt {name}.CidrBlock")
            }
            Hide::Default => format!("!FindInMap [None, a, none, {{ DefaultValue: {inner} }}]"),
        }
    }
}

proptest! {
    #[test]
    fn a_hidden_text_is_found_again(
        text in "[a-z0-9./:]{1,12}",
        bottom in hide(),
        ways in prop::collection::vec(hide(), 0..12),
    ) {
        let mut sections = Sections::default();
        let mut expression = sections.bottom(bottom, &text);
        for way in ways {
            expression = sections.around(way, &expression);
        }
        prop_assert_eq!(value(&sections.template(), &expression, &[]), text);
    }

    /// The same with a parameter at the bottom that has no value: whatever stands around it, the
    /// one name that is missing is named; and given, it does.
    #[test]
    fn a_missing_value_is_asked_for_by_name(
        text in "[a-z0-9./:]{1,12}",
        ways in prop::collection::vec(hide(), 0..12),
    ) {
        let mut sections = Sections::default();
        let name = sections.parameter("String", None);
        let mut expression = format!("!Ref {name}");
        for way in ways {
            expression = sections.around(way, &expression);
        }
        let template = sections.template();
        let missing = value(&template, &expression, &[]);
        prop_assert_eq!(missing, format!("?{name}: parameter \"{name}\" has no default"));
        let given = format!("{name}={text}");
        prop_assert_eq!(value(&template, &expression, &[&given]), text);
    }

    /// Any tree of functions, right or wrong.
    #[test]
    fn no_expression_panics_and_the_same_one_has_the_same_value(tree in tree()) {
        let template = "
Parameters: { P: { Type: String, Default: p }, L: { Type: CommaDelimitedList, Default: 'a,b' } }
Mappings: { M: { a: { b: c } } }
Conditions: { C: !Equals [!Ref P, p] }
Resources: { F: { Type: AWS::EC2::TrafficMirrorFilter }, V: { Type: AWS::EC2::VPC } }
";
        prop_assert_eq!(value(template, &tree, &[]), value(template, &tree, &[]));
    }
}

fn tree() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("1".to_owned()),
        Just("''".to_owned()),
        Just("'${P} ${!x} ${V.CidrBlock} ${'".to_owned()),
        prop_oneof![Just("P"), Just("L"), Just("M"), Just("C"), Just("F"), Just("V.CidrBlock")]
            .prop_map(str::to_owned),
        "[ -~]{0,6}".prop_map(|text| format!("'{}'", text.replace('\'', "''"))),
    ];
    leaf.prop_recursive(6, 40, 4, |inner| {
        let function = prop_oneof![
            Just("Ref"),
            Just("Fn::GetAtt"),
            Just("Fn::Sub"),
            Just("Fn::Join"),
            Just("Fn::Split"),
            Just("Fn::Select"),
            Just("Fn::If"),
            Just("Fn::FindInMap"),
            Just("Fn::Cidr"),
            Just("Fn::Length"),
            Just("Fn::ImportValue"),
            Just("Fn::Base64"),
            Just("A"),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(", "))),
            (function, inner).prop_map(|(name, inner)| format!("{{'{name}': {inner}}}")),
        ]
    })
}
