use super::*;

/// Parameters `T` and `F` are what they are called, `Open` isn't known.
fn with(conditions: &str) -> String {
    format!(
        "
Parameters:
  T: {{ Type: String, Default: 'true' }}
  F: {{ Type: String, Default: 'false' }}
  Open: {{ Type: String }}
Conditions:
  Yes: !Equals [!Ref T, 'true']
  No: !Equals [!Ref F, 'true']
  Unknown: !Equals [!Ref Open, 'true']
{conditions}
Resources:
  There: {{ Type: AWS::EC2::TrafficMirrorFilter, Condition: Yes }}
  Gone: {{ Type: AWS::EC2::TrafficMirrorFilter, Condition: No }}
  Perhaps: {{ Type: AWS::EC2::TrafficMirrorFilter, Condition: Unknown }}
"
    )
}

#[track_caller]
fn holds(condition: &str, expected: &str) {
    let sections = with(&format!("  C: {condition}"));
    assert_eq!(value(&sections, "!If [C, yes, no]", &[]), expected, "{condition}");
}

#[test]
fn a_condition_chooses_one_of_two_values() {
    holds("!Equals [1, 1]", "yes");
    holds("!Equals [1, 2]", "no");
    let sections = with("");
    assert_eq!(value(&sections, "!If [Yes, [!Ref T], !Ref Open]", &[]), "[true]");
    assert_eq!(value(&sections, "{A: !If [No, 1, !Ref AWS::NoValue], B: 2}", &[]), "{B: 2}");
    assert_eq!(value(&sections, "!If [No, 1, !Ref 'AWS::NoValue']", &[]), "nothing");
}

/// CloudFormation compares texts.
#[test]
fn numbers_and_truths_are_equal_to_their_texts() {
    holds("!Equals [1, '1']", "yes");
    holds("!Equals [true, 'true']", "yes");
    holds("!Equals [1, '1.0']", "no");
    holds("!Equals [a, A]", "no");
}

#[test]
fn conditions_are_made_of_conditions() {
    holds("!Not [!Condition Yes]", "no");
    holds("!Not [Condition: No]", "yes");
    holds("!And [!Condition Yes, !Condition No]", "no");
    holds("!And [!Condition Yes, !Not [!Condition No]]", "yes");
    holds("!Or [!Condition No, !Condition No]", "no");
    holds("!Or [!Condition No, !Condition Yes]", "yes");
    holds("{'Fn::Or': [{'Fn::Equals': [a, b]}, {'Fn::Not': [{Condition: No}]}]}", "yes");
}

#[test]
fn what_is_not_known_may_not_matter() {
    holds("!And [!Condition Unknown, !Condition No]", "no");
    holds("!Or [!Condition Unknown, !Condition Yes]", "yes");
    let why = "?Open: condition \"Unknown\" is unknown, as parameter \"Open\" has no default";
    holds("!And [!Condition Unknown, !Condition Yes]", why);
    holds("!Or [!Condition Unknown, !Condition No]", why);
    holds("!Not [!Condition Unknown]", why);
}

#[test]
fn what_is_no_condition_is_said() {
    for (condition, why) in [
        ("true", "a truth value stands for a condition"),
        ("!Ref T", "\"Ref\" is no condition"),
        ("!Equals [1]", "the argument of Fn::Equals is a list of 1, not a list of 2"),
        ("!Equals [1, 2, 3]", "the argument of Fn::Equals is a list of 3, not a list of 2"),
        ("!Equals [[1], 1]", "a list stands for a text"),
        ("!Equals [null, 1]", "Fn::Equals compares null"),
        (
            "!Not [!Condition Yes, !Condition Yes]",
            "the argument of Fn::Not is a list of 2, not a list of 1",
        ),
        ("!And [!Condition Yes]", "the argument of Fn::And is a list of 1, not a list of 2 to 10"),
        ("!Condition Yess", "\"Yess\" is no condition of the template"),
        ("{Condition: [Yes]}", "Condition names no condition"),
        ("{}", "an object stands for a condition"),
    ] {
        holds(condition, &format!("?: condition \"C\" is unknown, as {why}"));
    }
    assert_eq!(
        value(&with(""), "!If [Nope, 1, 2]", &[]),
        "?: \"Nope\" is no condition of the template"
    );
}

#[test]
fn conditions_in_a_circle_are_unknown() {
    holds("!Not [!Condition C]", "?: condition \"C\" depends on itself");
    let sections = with("  A: !Not [!Condition B]\n  B: !Not [!Condition A]");
    assert_eq!(value(&sections, "!If [A, 1, 2]", &[]), "?: condition \"A\" depends on itself");
}

#[test]
fn resources_that_a_condition_leaves_out_are_not_there() {
    let (found, problems) = read(&with(""), &[]);
    let names: Vec<_> =
        found.iter().map(|one| (one.logical_id.as_str(), one.perhaps.is_empty())).collect();
    assert_eq!(names, [("There", true), ("Perhaps", false)]);
    assert_eq!(problems.to_string(), "");
    let perhaps = &found[1].perhaps[0];
    assert_eq!(perhaps.place.to_string(), "t.yaml:14: /Resources/Perhaps/Condition");
    assert_eq!(
        perhaps.why,
        "condition \"Unknown\" is unknown, as parameter \"Open\" has no default"
    );
    assert_eq!(perhaps.param.as_deref(), Some("Open"));
    assert_eq!(read(&with(""), &["Open=true"]).0.len(), 2);
    assert_eq!(read(&with(""), &["Open=x"]).0.len(), 1);
}

#[test]
fn a_reference_to_what_is_left_out_leads_nowhere() {
    let sections = with("");
    assert_eq!(value(&sections, "!Ref There", &[]), "@There");
    let gone = "?: resource \"Gone\" is left out by its condition";
    assert_eq!(value(&sections, "!Ref Gone", &[]), gone);
    assert_eq!(value(&sections, "!GetAtt Gone.Id", &[]), gone);
    assert_eq!(value(&sections, "!Sub '${Gone}'", &[]), gone);
}
