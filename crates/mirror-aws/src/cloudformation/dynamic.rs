//! Dynamic references: values that CloudFormation looks up when it makes a resource.
//!
//! They are texts within texts, `{{resolve:ssm:/net/vpc-cidr}}`, that functions cut and join like
//! any other. Only what comes out in the end is looked up, and so they are treated last. Nobody
//! but an account knows the values; they are given by the name within the braces,
//! `--param resolve:ssm:/net/vpc-cidr=10.0.0.0/16`.

use crate::node::{Node, NodeKind};
use crate::params::Parameters;
use crate::problem::Shown;

use super::unknown::Unknown;

/// Put the values that are given in the place of references, and make what isn't given unknown.
pub(super) fn look_up(node: &mut Node, given: &Parameters) {
    match &mut node.kind {
        NodeKind::List(items) => items.iter_mut().for_each(|item| look_up(item, given)),
        NodeKind::Map(entries) => {
            entries.iter_mut().for_each(|entry| look_up(&mut entry.value, given));
        }
        NodeKind::String(text) => match replaced(text, given) {
            None => {}
            Some(Ok(value)) => *text = value,
            Some(Err(unknown)) => *node = unknown.into_node(node.line),
        },
        _ => {}
    }
}

/// A text with the values of its references; nothing if it has none.
//= https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
//# CloudFormation retrieves the value of the specified reference when necessary during stack and
//# change set operations.
fn replaced(text: &str, given: &Parameters) -> Option<Result<String, Unknown>> {
    let mut made = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("{{resolve:")
        && let Some((key, after)) = behind.split_once("}}")
    {
        let name = format!("resolve:{key}");
        let Some(value) = given.get(&name) else {
            let why = format!("{} is looked up when it is deployed", Shown(&name));
            return Some(Err(Unknown::without(&name, why)));
        };
        made.push_str(before);
        made.push_str(value);
        rest = after;
    }
    let found = rest.len() < text.len();
    found.then(|| {
        made.push_str(rest);
        Ok(made)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked_up(text: &str, params: &[&str]) -> NodeKind {
        let mut given = Parameters::new();
        params.iter().for_each(|param| given.add(param).unwrap());
        let mut node = Node::new(NodeKind::String(text.to_owned()));
        look_up(&mut node, &given);
        node.kind
    }

    fn text(text: &str) -> NodeKind {
        NodeKind::String(text.to_owned())
    }

    #[test]
    fn what_is_given_stands_in_the_place_of_the_reference() {
        let params = ["resolve:ssm:/net/cidr:1=10.0.0.0", "resolve:ssm:len=16"];
        assert_eq!(looked_up("{{resolve:ssm:/net/cidr:1}}", &params), text("10.0.0.0"));
        let both = "{{resolve:ssm:/net/cidr:1}}/{{resolve:ssm:len}}.";
        assert_eq!(looked_up(both, &params), text("10.0.0.0/16."));
    }

    #[test]
    fn what_is_not_given_is_unknown() {
        let both = "{{resolve:ssm:a}}{{resolve:ssm:b}}";
        assert_eq!(
            looked_up(both, &["resolve:ssm:a=x"]),
            NodeKind::Unresolved {
                why: "\"resolve:ssm:b\" is looked up when it is deployed".into(),
                param: Some("resolve:ssm:b".into())
            }
        );
    }

    #[test]
    fn what_only_looks_like_one_is_a_text() {
        for other in ["", "{{resolve:ssm:a", "{{resolve}}", "{resolve:ssm:a}", "{{ssm:a}}"] {
            assert_eq!(looked_up(other, &["resolve:ssm:a=x"]), text(other));
        }
    }

    /// What was given isn't read again, or a value could name itself.
    #[test]
    fn a_value_that_looks_like_a_reference_is_a_value() {
        let param = "resolve:ssm:a={{resolve:ssm:a}}";
        assert_eq!(looked_up("{{resolve:ssm:a}}", &[param]), text("{{resolve:ssm:a}}"));
    }
}
