//! Names: of parameters, of resources and their attributes, of what an account exports.
//!
//! What a template doesn't say may be given, under the name by which the template asks for it:
//! `VpcCidr` (a parameter), `AWS::Region` (a pseudo parameter), `WebEni` (the id of a resource),
//! `Vpc.Ipv6CidrBlocks` (an attribute), `net-VpcCidr` (an export of another stack, by its name) and
//! `GetAZs` (the availability zones). Each unknown value names the one that it waits for. ([`dynamic`]
//! and [`property`] have two kinds of names more.)
//!
//! [`dynamic`]: super::dynamic
//! [`property`]: super::property

use crate::node::{Node, NodeKind};
use crate::problem::Shown;

use super::evaluate::{Evaluator, comma_list, text};
use super::template::describe;
use super::unknown::Unknown;
use super::{Kind, attributes, parameter};

/// The parameters that every template has.
//= https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html
//# Pseudo parameters are built-in variables that provide access to important AWS environment
//# information
pub(super) const PSEUDO: [&str; 7] = [
    "AWS::AccountId",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];

impl Evaluator<'_> {
    /// `Ref`; nothing for `AWS::NoValue`.
    pub(super) fn ref_to(&mut self, argument: &Node) -> Result<Option<Node>, Unknown> {
        match argument.as_str() {
            Some("AWS::NoValue") => Ok(None),
            Some(name) => self.name(name).map(Some),
            None => {
                let why = format!("Ref has {} for a name", describe(&argument.kind));
                Err(Unknown::because(why))
            }
        }
    }

    /// What the name of a parameter or a resource stands for.
    pub(super) fn name(&mut self, name: &str) -> Result<Node, Unknown> {
        let given = self.given.get(name);
        if let Some(&declaration) = self.template.parameters.get(name) {
            return self.once(name, |_| parameter::value(name, declaration, given));
        }
        if PSEUDO.contains(&name) {
            return match given {
                Some(list) if name == "AWS::NotificationARNs" => {
                    Ok(Node::new(NodeKind::List(comma_list(list))))
                }
                Some(text) => Ok(plain(text)),
                None => Err(Unknown::without(name, format!("the template doesn't say {name}"))),
            };
        }
        if !self.template.resources.contains_key(name) {
            let why = format!("{} is no parameter or resource of the template", Shown(name));
            return Err(Unknown::because(why));
        }
        self.there_is(name)?;
        // What the template has of mirroring is joined by its names there, whatever ids it has.
        let ours = self.template.resources.get(name).is_some_and(|one| Kind::of(one).is_some());
        Ok(match given {
            Some(id) if !ours => plain(id),
            _ => Node::new(NodeKind::Resource(name.to_owned())),
        })
    }

    /// Whether the condition of a resource, if it has one, holds.
    pub(super) fn exists(&mut self, resource: &Node) -> Result<bool, Unknown> {
        match resource.get("Condition") {
            None => Ok(true),
            Some(condition) => match condition.as_str() {
                Some(name) => self.condition(name),
                None => Err(Unknown::because("Condition names no condition")),
            },
        }
    }

    /// Refuse a reference to a resource that its condition leaves out.
    fn there_is(&mut self, name: &str) -> Result<(), Unknown> {
        let Some(&resource) = self.template.resources.get(name) else {
            return Err(Unknown::because(format!(
                "{} is no resource of the template",
                Shown(name)
            )));
        };
        // A look for a key is a walk through all.
        self.pay(resource.entries().len())?;
        match self.exists(resource) {
            Ok(true) => Ok(()),
            Ok(false) => {
                let why = format!("resource {} is left out by its condition", Shown(name));
                Err(Unknown::because(why))
            }
            // A rule that is there has its filter there, or the template is refused.
            Err(_) if Kind::of(resource) == Some(Kind::Filter) => Ok(()),
            Err(unknown) => Err(unknown),
        }
    }

    /// `Fn::GetAtt: Name.Attribute` or `Fn::GetAtt: [Name, Attribute]`.
    pub(super) fn get_att(&mut self, argument: &Node) -> Result<Node, Unknown> {
        if let Some(name) = argument.as_str() {
            return self.attribute(name);
        }
        let mut parts = Vec::new();
        for part in Self::arguments("Fn::GetAtt", argument, 2..=2)? {
            parts.push(self.text(part)?);
        }
        self.attribute(&parts.join("."))
    }

    /// The attribute of a resource, `Name.Attribute`.
    pub(super) fn attribute(&mut self, path: &str) -> Result<Node, Unknown> {
        let Some((name, attribute)) = path.split_once('.') else {
            return Err(Unknown::because(format!(
                "Fn::GetAtt of {} names no attribute",
                Shown(path)
            )));
        };
        self.there_is(name)?;
        if let Some(text) = self.given.get(path) {
            return Ok(plain(text));
        }
        let Some(resource) = self.template.resources.get(name) else {
            return Err(Unknown::id_of(name));
        };
        let unknown = || {
            let why = format!("{} is known once it is deployed", Shown(path));
            Unknown::without(path, why)
        };
        let kind = resource.get("Type").and_then(Node::as_str).unwrap_or_default();
        match attributes::source(kind, attribute) {
            attributes::Source::Id => self.name(name),
            attributes::Source::Unknown => Err(unknown()),
            attributes::Source::Property(property) => self.once(path, |inner| {
                let stated = resource.get("Properties").and_then(|all| all.get(property));
                match stated.and_then(|stated| inner.value(stated)) {
                    Some(value) => text(value).map(|text| plain(&text)),
                    None => Err(unknown()),
                }
            }),
        }
    }

    /// `Fn::ImportValue`: what another stack exports under a name.
    pub(super) fn import(&mut self, argument: &Node) -> Result<Node, Unknown> {
        let name = self.text(argument)?;
        match self.given.get(&name) {
            Some(text) => Ok(plain(text)),
            None => {
                let why = format!("{} is imported from another stack", Shown(&name));
                Err(Unknown::without(&name, why))
            }
        }
    }

    /// `Fn::GetAZs`, whatever the region.
    pub(super) fn zones(&mut self) -> Result<Node, Unknown> {
        match self.given.get("GetAZs") {
            Some(list) => Ok(Node::new(NodeKind::List(comma_list(list)))),
            None => {
                Err(Unknown::without("GetAZs", "the availability zones are those of an account"))
            }
        }
    }

    /// `Fn::FindInMap: [Map, Top, Second]`, or with `{DefaultValue: …}` behind.
    pub(super) fn find_in_map(&mut self, argument: &Node) -> Result<Node, Unknown> {
        let arguments = Self::arguments("Fn::FindInMap", argument, 3..=4)?;
        let mut keys = Vec::new();
        for key in arguments.iter().take(3) {
            keys.push(self.text(key)?);
        }
        let mut found = None;
        for (depth, key) in keys.iter().enumerate() {
            self.pay(found.map_or(0, |map: &Node| map.entries().len()))?;
            found = match (depth, found) {
                (0, _) => self.template.mappings.get(key.as_str()).copied(),
                (_, Some(map)) => Node::get(map, key),
                (_, None) => None,
            };
        }
        let default = arguments.get(3).and_then(|options| options.get("DefaultValue"));
        match found.or(default).and_then(|node| self.value(node)) {
            Some(value) => Ok(value),
            None => {
                let why = format!("Fn::FindInMap finds nothing under {}", Shown(&keys.join("/")));
                Err(Unknown::because(why))
            }
        }
    }
}

fn plain(text: &str) -> Node {
    Node::new(NodeKind::String(text.to_owned()))
}
