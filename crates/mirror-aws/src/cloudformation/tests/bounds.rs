//! Templates that are small and want to be large.

use std::fmt::Write;

use super::*;

/// Each VPC's range is that of the next, twice: 2^60 texts if each were made anew.
#[test]
fn attributes_that_double_are_cut_off() {
    let mut template = "Resources:\n".to_owned();
    for n in 0..60 {
        writeln!(
            template,
            "  V{n}: {{ Type: AWS::EC2::VPC, Properties: {{ CidrBlock: !Sub \
             '${{V{next}.CidrBlock}}${{V{next}.CidrBlock}}' }} }}",
            next = n + 1
        )
        .unwrap();
    }
    template += "  V60: { Type: AWS::EC2::VPC, Properties: { CidrBlock: xxxxxxxx } }\n";
    assert_eq!(
        value(&template, "!GetAtt V0.CidrBlock", &[]),
        "?: a text gets longer than 65536 bytes"
    );
    assert_eq!(value(&template, "!GetAtt V50.CidrBlock", &[]).len(), 8 << 10);
}

/// Each variable of a `Fn::Sub` is another, in which it stands twice.
#[test]
fn texts_in_texts_that_double_are_cut_off() {
    let mut expression = "'xxxxxxxx'".to_owned();
    for _ in 0..30 {
        expression = format!("{{'Fn::Sub': ['${{A}}${{A}}', {{A: {expression}}}]}}");
    }
    assert_eq!(value("{}", &expression, &[]), "?: a text gets longer than 65536 bytes");
}

/// 2^100 ways lead from the first condition to the last.
#[test]
fn conditions_that_double_are_evaluated_once() {
    let mut template = "Conditions:\n".to_owned();
    for n in 0..100 {
        let next = n + 1;
        writeln!(template, "  C{n}: !And [!Condition C{next}, !Condition C{next}]").unwrap();
    }
    template += "  C100: !Equals [1, 1]\n";
    assert_eq!(value(&template, "!If [C0, yes, no]", &[]), "yes");
}

/// The stack of a thread isn't asked how deep a template may be.
#[test]
fn names_that_lead_too_deep_are_unknown() {
    let mut template = "Conditions:\n".to_owned();
    for n in 0..1_000 {
        writeln!(template, "  C{n}: !Not [!Condition C{}]", n + 1).unwrap();
    }
    template += "  C1000: !Equals [1, 1]\nResources:\n";
    for n in 0..1_000 {
        writeln!(
            template,
            "  V{n}: {{ Type: AWS::EC2::VPC, Properties: {{ CidrBlock: !Select [0, [!GetAtt \
             V{}.CidrBlock]] }} }}",
            n + 1
        )
        .unwrap();
    }
    template += "  V1000: { Type: AWS::EC2::VPC, Properties: { CidrBlock: x } }\n";
    let why = "values lead into each other more than 256 deep";
    assert_eq!(value(&template, "!GetAtt V0.CidrBlock", &[]), format!("?: {why}"));
    let condition = value(&template, "!If [C0, yes, no]", &[]);
    assert!(condition.ends_with(why), "{condition}");
    assert_eq!(value(&template, "!GetAtt V990.CidrBlock", &[]), "x");
}

/// A list of 30,000 items, a thousand times in each of a hundred filters.
#[test]
fn a_template_that_makes_too_many_values_is_refused_as_a_whole() {
    let list = "a,".repeat(30_000);
    let mut template =
        format!("Parameters: {{ L: {{ Type: CommaDelimitedList, Default: '{list}' }} }}\n");
    template += "Resources:\n";
    for n in 0..100 {
        let services = "!Ref L, ".repeat(1_000);
        writeln!(
            template,
            "  F{n}: {{ Type: AWS::EC2::TrafficMirrorFilter, Properties: {{ NetworkServices: \
             [{services}] }} }}"
        )
        .unwrap();
    }
    let (found, problems) = read(&template, &[]);
    assert!(found.is_empty());
    assert_eq!(
        problems.to_string(),
        "t.yaml:1: the values of this template are too many or too long"
    );
}

/// What nobody asks for isn't evaluated.
#[test]
fn a_resource_that_has_nothing_to_do_with_mirroring_costs_nothing() {
    let template = "
Resources:
  Function: { Type: AWS::Lambda::Function, Properties: { Code: { ZipFile: !Nonsense [!Ref Nope] } } }
  Filter: { Type: AWS::EC2::TrafficMirrorFilter }
";
    let (found, problems) = read(template, &[]);
    assert_eq!((found.len(), problems.to_string().as_str()), (1, ""));
}

/// Looking for a key walks through all of them: a thousand looks for the last of 100,000.
#[test]
fn large_tables_are_not_walked_through_again_and_again() {
    let keys: String = (0..100_000).map(|n| format!("k{n}: 1, ")).collect();
    let look = "!FindInMap [M, t, k99999], ".repeat(1_000);
    let template = format!("Mappings: {{ M: {{ t: {{ {keys} }} }} }}");
    let shown = value(&template, &format!("[{look}]"), &[]);
    assert_eq!(shown, "?: the values of this template are too many or too long");
    assert_eq!(value(&template, "!FindInMap [M, t, k99999]", &[]), "1");
}

/// Each of 40,000 items is looked for in 40,000 allowed values.
#[test]
fn long_lists_of_allowed_values_are_looked_up() {
    let items: Vec<String> = (0..40_000).map(|n| format!("i{n}")).collect();
    let list = items.join(",");
    let template = format!(
        "Parameters: {{ L: {{ Type: CommaDelimitedList, Default: '{list}', AllowedValues: [{list}] }} }}"
    );
    assert_eq!(value(&template, "!Select [39999, !Ref L]", &[]), "i39999");
}
