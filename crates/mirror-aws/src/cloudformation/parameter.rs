//! The value of a template's parameter.
//!
//! What was given with `--param` wins over `Default`. Two kinds of parameter hold a name and mean
//! what stands under it in an account (`AWS::SSM::Parameter::Value<…>`): their default is the name,
//! so it is no value, and what is given here is taken for the value itself.
//!
//! `AllowedPattern` is a regular expression in Java's dialect and isn't checked. The types that
//! name things of an account (`AWS::EC2::VPC::Id`) are texts here.

use std::collections::HashSet;

use crate::node::{Node, NodeKind};
use crate::problem::Shown;

use super::unknown::Unknown;

/// The shape of a parameter's value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Text,
    Number,
    Texts,
    Numbers,
}

/// The value of parameter `name`, declared as `declaration`: a text or a list of texts.
pub(super) fn value(name: &str, declaration: &Node, given: Option<&str>) -> Result<Node, Unknown> {
    let (shape, looked_up) = shape(name, declaration)?;
    let text = match given {
        Some(given) => given.to_owned(),
        None if looked_up => {
            let why = format!("parameter {} is looked up in an account", Shown(name));
            return Err(Unknown::without(name, why));
        }
        None => default(name, declaration)?,
    };
    // A list of one is a list: what CloudFormation makes of an empty text isn't documented.
    let texts: Vec<String> = match shape {
        Shape::Text | Shape::Number => vec![text],
        Shape::Texts | Shape::Numbers => text.split(',').map(|item| item.trim().into()).collect(),
    };
    let bounds = Bounds::of(declaration, shape);
    for text in &texts {
        bounds.check(text).map_err(|expected| {
            let why = format!("parameter {} is {}, not {expected}", Shown(name), Shown(text));
            Unknown::without(name, why)
        })?;
    }
    let mut texts = texts.into_iter().map(|text| Node::new(NodeKind::String(text)));
    Ok(match shape {
        Shape::Text | Shape::Number => texts.next().unwrap_or(Node::new(NodeKind::Null)),
        Shape::Texts | Shape::Numbers => Node::new(NodeKind::List(texts.collect())),
    })
}

/// The shape, and whether the default is a name under which to look.
fn shape(name: &str, declaration: &Node) -> Result<(Shape, bool), Unknown> {
    let kind = declaration.get("Type").and_then(Node::as_str).ok_or_else(|| {
        Unknown::because(format!("parameter {} is declared without a Type", Shown(name)))
    })?;
    let stored =
        kind.strip_prefix("AWS::SSM::Parameter::Value<").and_then(|inner| inner.strip_suffix('>'));
    let shape = match stored.unwrap_or(kind) {
        "String" => Shape::Text,
        "Number" => Shape::Number,
        "CommaDelimitedList" => Shape::Texts,
        "List<Number>" => Shape::Numbers,
        list if list.starts_with("List<") => Shape::Texts,
        aws if aws.starts_with("AWS::") => Shape::Text,
        _ => {
            let why = format!("parameter {} has the unknown Type {}", Shown(name), Shown(kind));
            return Err(Unknown::because(why));
        }
    };
    Ok((shape, stored.is_some()))
}

fn default(name: &str, declaration: &Node) -> Result<String, Unknown> {
    match declaration.get("Default") {
        None => {
            let why = format!("parameter {} has no default", Shown(name));
            Err(Unknown::without(name, why))
        }
        Some(default) => plain(default).ok_or_else(|| {
            let why = match &default.kind {
                NodeKind::Unresolved { why, .. } => {
                    format!("the default of parameter {} is unknown, as {why}", Shown(name))
                }
                _ => format!("the default of parameter {} is no text", Shown(name)),
            };
            Unknown::without(name, why)
        }),
    }
}

/// The text of a plain value.
fn plain(node: &Node) -> Option<String> {
    match &node.kind {
        NodeKind::String(text) | NodeKind::Number(text) => Some(text.clone()),
        NodeKind::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// What a declaration asks of a value, or of each value of a list.
struct Bounds {
    shape: Shape,
    allowed: Option<HashSet<String>>,
    least: Option<f64>,
    most: Option<f64>,
}

impl Bounds {
    fn of(declaration: &Node, shape: Shape) -> Bounds {
        let limit = |key: &str| declaration.get(key).and_then(plain)?.trim().parse().ok();
        let (least, most) = match shape {
            Shape::Number | Shape::Numbers => ("MinValue", "MaxValue"),
            Shape::Text | Shape::Texts => ("MinLength", "MaxLength"),
        };
        let allowed = declaration.get("AllowedValues");
        Bounds {
            shape,
            allowed: allowed.map(|all| all.items().iter().filter_map(plain).collect()),
            least: limit(least),
            most: limit(most),
        }
    }

    /// The error is what was expected.
    fn check(&self, text: &str) -> Result<(), &'static str> {
        let measure = match self.shape {
            Shape::Number | Shape::Numbers => {
                let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
                Some(number.ok_or("a number")?)
            }
            // A text too long for u32 is no document that is read.
            Shape::Text => u32::try_from(text.chars().count()).ok().map(f64::from),
            Shape::Texts => None,
        };
        if self.allowed.as_ref().is_some_and(|allowed| !allowed.contains(text)) {
            return Err("one of its AllowedValues");
        }
        match measure {
            Some(measure) if self.least.is_some_and(|least| measure < least) => {
                Err(self.say("at least its MinValue", "at least as long as its MinLength"))
            }
            Some(measure) if self.most.is_some_and(|most| measure > most) => {
                Err(self.say("at most its MaxValue", "at most as long as its MaxLength"))
            }
            _ => Ok(()),
        }
    }

    fn say(&self, number: &'static str, text: &'static str) -> &'static str {
        match self.shape {
            Shape::Number | Shape::Numbers => number,
            Shape::Text | Shape::Texts => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value_of(declaration: &str, given: Option<&str>) -> Result<String, Unknown> {
        let declaration = Node::from_yaml("t.yaml", declaration.as_bytes()).unwrap();
        value("P", &declaration, given).map(|node| match node.kind {
            NodeKind::String(text) => text,
            NodeKind::List(items) => {
                let items: Vec<_> = items.iter().map(|item| item.as_str().unwrap()).collect();
                format!("[{}]", items.join("|"))
            }
            kind => panic!("{kind:?}"),
        })
    }

    #[test]
    fn what_is_given_wins_over_the_default() {
        assert_eq!(value_of("{Type: String, Default: a}", None), Ok("a".into()));
        assert_eq!(value_of("{Type: String, Default: a}", Some("b")), Ok("b".into()));
        assert_eq!(value_of("{Type: AWS::EC2::VPC::Id}", Some("vpc-1")), Ok("vpc-1".into()));
    }

    #[test]
    fn numbers_and_booleans_are_texts_as_in_cloudformation() {
        assert_eq!(value_of("{Type: Number, Default: 308308}", None), Ok("308308".into()));
        assert_eq!(value_of("{Type: Number, Default: '443'}", None), Ok("443".into()));
        assert_eq!(value_of("{Type: String, Default: true}", None), Ok("true".into()));
    }

    #[test]
    fn lists_are_split_at_commas() {
        let list = "{Type: CommaDelimitedList, Default: '10.0.0.0/16, 10.1.0.0/16'}";
        assert_eq!(value_of(list, None), Ok("[10.0.0.0/16|10.1.0.0/16]".into()));
        assert_eq!(value_of(list, Some("a")), Ok("[a]".into()));
        assert_eq!(value_of("{Type: List<Number>, Default: '1,2'}", None), Ok("[1|2]".into()));
        assert_eq!(value_of("{Type: List<AWS::EC2::Subnet::Id>}", Some("a,b")), Ok("[a|b]".into()));
    }

    /// The default is a name under which an account keeps the value.
    #[test]
    fn what_is_looked_up_in_an_account_is_unknown_until_it_is_given() {
        let stored = "{Type: 'AWS::SSM::Parameter::Value<String>', Default: /net/cidr}";
        let unknown = value_of(stored, None).unwrap_err();
        assert_eq!(unknown.why, "parameter \"P\" is looked up in an account");
        assert_eq!(unknown.param.as_deref(), Some("P"));
        assert_eq!(value_of(stored, Some("10.0.0.0/8")), Ok("10.0.0.0/8".into()));
        let list = "{Type: 'AWS::SSM::Parameter::Value<List<String>>', Default: /net/cidrs}";
        assert_eq!(value_of(list, Some("a,b")), Ok("[a|b]".into()));
    }

    #[test]
    fn a_parameter_with_no_value_says_what_to_give() {
        let unknown = value_of("{Type: String}", None).unwrap_err();
        assert_eq!(unknown.why, "parameter \"P\" has no default");
        assert_eq!(unknown.param.as_deref(), Some("P"));
    }

    #[test]
    fn a_value_that_the_declaration_refuses_is_none() {
        for (declaration, given, why) in [
            ("{Type: Number}", "x", "parameter \"P\" is \"x\", not a number"),
            ("{Type: Number}", "inf", "parameter \"P\" is \"inf\", not a number"),
            ("{Type: List<Number>}", "1,x", "parameter \"P\" is \"x\", not a number"),
            (
                "{Type: String, AllowedValues: [a, b]}",
                "c",
                "parameter \"P\" is \"c\", not one of its AllowedValues",
            ),
            (
                "{Type: Number, MinValue: 1}",
                "0",
                "parameter \"P\" is \"0\", not at least its MinValue",
            ),
            (
                "{Type: Number, MaxValue: 3}",
                "4",
                "parameter \"P\" is \"4\", not at most its MaxValue",
            ),
            (
                "{Type: String, MinLength: 2}",
                "a",
                "parameter \"P\" is \"a\", not at least as long as its MinLength",
            ),
            (
                "{Type: String, MaxLength: '2'}",
                "abc",
                "parameter \"P\" is \"abc\", not at most as long as its MaxLength",
            ),
        ] {
            assert_eq!(value_of(declaration, Some(given)).unwrap_err().why, why);
        }
        assert!(value_of("{Type: String, AllowedValues: [1, true]}", Some("true")).is_ok());
        assert!(value_of("{Type: Number, MinValue: 1, MaxValue: 1}", Some("1")).is_ok());
    }

    #[test]
    fn a_declaration_that_makes_no_sense_is_said() {
        for (declaration, why) in [
            ("{}", "parameter \"P\" is declared without a Type"),
            ("[]", "parameter \"P\" is declared without a Type"),
            ("{Type: Strnig}", "parameter \"P\" has the unknown Type \"Strnig\""),
            ("{Type: String, Default: [a]}", "the default of parameter \"P\" is no text"),
            ("{Type: String, Default: }", "the default of parameter \"P\" is no text"),
        ] {
            assert_eq!(value_of(declaration, None).unwrap_err().why, why);
        }
    }
}
