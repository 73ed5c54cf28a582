//! CloudFormation templates: what they say of mirroring, evaluated.
//!
//! A template is a program. The range of a rule may be a parameter, an item of a list that another
//! parameter holds, a part of the range of a VPC that stands elsewhere in the template, or none of
//! these if some condition doesn't hold. Read as plain data it would tell nothing, and read with a
//! guess for each such value it would tell lies. So it is evaluated as CloudFormation does,
//! without an account: what only an account or a person knows stays unknown, says why, and says
//! which `--param` makes it known (`reference` has the names). An unknown value is a problem only
//! where it is a field that matters.
//!
//! YAML and JSON are the same here: [`Node`] has the short forms of the functions as the long ones.
//!
//! Loops (`Fn::ForEach`) and macros make resources that aren't written in the template. A loop
//! about mirroring is refused, a macro is warned of: CloudFormation keeps the template that they
//! have made, and that is the one to read (`aws cloudformation get-template --template-stage
//! Processed`). Nested stacks are other templates, to be given themselves.

mod attributes;
mod cidr;
mod condition;
mod dynamic;
mod evaluate;
mod parameter;
mod property;
mod reference;
mod template;
mod text;
mod unknown;

use std::collections::HashSet;

use crate::at::At;
use crate::node::{Entry, Node, NodeKind};
use crate::params::Parameters;
use crate::problem::{Place, Problems, Shown};
use crate::unresolved::Blank;

use evaluate::Evaluator;
use template::{Template, describe};

/// How to get a template in which loops and macros have done their work.
const PROCESSED: &str = "the template that aws cloudformation get-template --template-stage \
                         Processed prints";

/// What a resource of a template is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// `AWS::EC2::TrafficMirrorFilter`.
    Filter,
    /// `AWS::EC2::TrafficMirrorFilterRule`.
    Rule,
    /// `AWS::EC2::TrafficMirrorSession`.
    Session,
    /// `AWS::EC2::TrafficMirrorTarget`.
    Target,
    /// `AWS::EC2::NetworkInterface`. An interface that is described within an instance
    /// (`AWS::EC2::Instance`) has no name by which a session could mean it.
    NetworkInterface,
}

/// A resource that has to do with mirroring.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    /// What it is.
    pub(crate) kind: Kind,
    /// Its name in the template, which is what [`NodeKind::Resource`] means.
    pub(crate) logical_id: String,
    /// The id that it has once deployed, if `--param LogicalId=ID` gives it.
    pub(crate) id: Option<String>,
    /// Its properties, evaluated: a map, or what there is instead of one.
    pub(crate) properties: Node,
    /// The place of the properties.
    pub(crate) place: Place,
    /// What would tell whether it is there at all.
    pub(crate) perhaps: Vec<Blank>,
}

impl Kind {
    /// What a resource is, as it is written; nothing if it has nothing to do with mirroring.
    fn of(resource: &Node) -> Option<Kind> {
        Some(match resource.get("Type")?.as_str()? {
            "AWS::EC2::TrafficMirrorFilter" => Kind::Filter,
            "AWS::EC2::TrafficMirrorFilterRule" => Kind::Rule,
            "AWS::EC2::TrafficMirrorSession" => Kind::Session,
            "AWS::EC2::TrafficMirrorTarget" => Kind::Target,
            "AWS::EC2::NetworkInterface" => Kind::NetworkInterface,
            _ => return None,
        })
    }

    /// The properties to evaluate; nothing for all. Of an interface most don't matter, and many
    /// use functions.
    fn properties(self) -> Option<&'static [&'static str]> {
        match self {
            Kind::Filter | Kind::Rule | Kind::Session | Kind::Target => None,
            Kind::NetworkInterface => Some(&[
                "Description",
                "Ipv4Prefixes",
                "Ipv6Addresses",
                "Ipv6Prefixes",
                "PrivateIpAddress",
                "PrivateIpAddresses",
                "Tags",
            ]),
        }
    }
}

/// The resources of a template that have to do with mirroring, in its order, without those that
/// their conditions leave out.
///
/// Of an interface that no session mirrors, values that can't be known are left out: nothing
/// depends on them.
pub(crate) fn resources(
    root: &At<'_>,
    given: &Parameters,
    problems: &mut Problems,
) -> Vec<Resource> {
    let template = Template::new(root, problems);
    check_parameters(root, given, problems);
    check_macros(root, problems);
    check_nested(root, problems);
    let mut evaluator = Evaluator::new(&template, given, root.node());
    let mut found = Vec::new();
    for (name, at) in root.member("Resources").iter().flat_map(At::entries) {
        if !check_resource(name, &at, problems) {
            continue;
        }
        let Some(kind) = Kind::of(at.node()) else { continue };
        let id = given.get(name).map(str::to_owned);
        match evaluator.exists(at.node()) {
            Ok(true) => {}
            Ok(false) => continue,
            // Who refers to it will say so.
            Err(_) if matches!(kind, Kind::NetworkInterface | Kind::Target) => continue,
            Err(unknown) => {
                let place = at.get("Condition").as_ref().unwrap_or(&at).place();
                At::made(&place, &unknown.into_node(place.line)).wrong("a condition", problems);
            }
        }
        let perhaps = problems.take_blanks();
        // Null is none to CloudFormation, and is refused like one in a property.
        let written = at.member("Properties");
        let place = written.as_ref().unwrap_or(&at).place();
        let properties = match &written {
            Some(written) => properties(&mut evaluator, kind, name, written),
            None => Node { kind: NodeKind::Map(Vec::new()), line: place.line },
        };
        if evaluator.is_exhausted() {
            root.error(evaluate::TOO_MUCH, problems);
            break;
        }
        found.push(Resource { kind, logical_id: name.to_owned(), id, properties, place, perhaps });
    }
    leave_out_unknown(&mut found);
    found
}

/// The properties of a resource, evaluated one by one.
fn properties(
    evaluator: &mut Evaluator<'_>,
    kind: Kind,
    logical_id: &str,
    written: &At<'_>,
) -> Node {
    let node = written.node();
    let called = |entry: &Entry| entry.key == "Ref" || entry.key.starts_with("Fn::");
    if node.entries().is_empty() || node.entries().iter().any(called) {
        return evaluator.value(node).unwrap_or(Node { kind: NodeKind::Null, line: node.line });
    }
    let mut values = Vec::new();
    for (key, at) in written.entries() {
        if kind.properties().is_some_and(|some| !some.contains(&key)) {
            continue;
        }
        let value = match key {
            "Description" | "Tags" => evaluator.label(at.node()),
            _ => evaluator.value(at.node()).map(|mut value| {
                let resources = &evaluator.template.resources;
                property::finish(&mut value, logical_id, key, resources, evaluator.given);
                value
            }),
        };
        let line = at.line();
        values.extend(value.map(|value| Entry { key: key.to_owned(), line, value }));
    }
    Node { kind: NodeKind::Map(values), line: node.line }
}

/// Report what is wrong with the form of a resource. Whether it may be looked at.
fn check_resource(name: &str, at: &At<'_>, problems: &mut Problems) -> bool {
    if name.starts_with("Fn::") {
        if speaks_of_mirroring(at.node()) {
            problems.found(at.place(), Shown(name), PROCESSED);
        }
        return false;
    }
    if !at.map(problems) {
        return false;
    }
    let Some(kind) = at.require("Type", problems) else { return false };
    let Some(text) = kind.node().as_str() else {
        kind.wrong("the name of a type", problems);
        return false;
    };
    if Kind::of(at.node()).is_none() {
        if text.starts_with("AWS::EC2::TrafficMirror") {
            kind.wrong("a type that CloudFormation has", problems);
        }
        return false;
    }
    // A misspelt Condition would leave a rule standing, misspelt Properties a filter without any.
    for (key, field) in at.entries() {
        let known = matches!(
            key,
            "Type"
                | "Properties"
                | "Condition"
                | "DependsOn"
                | "Metadata"
                | "CreationPolicy"
                | "DeletionPolicy"
                | "UpdatePolicy"
                | "UpdateReplacePolicy"
        );
        if !known {
            let message = format!("found {}, expected what a resource has", Shown(key));
            field.error(message, problems);
        }
    }
    true
}

/// Whether a type of mirroring is named anywhere in a value.
fn speaks_of_mirroring(node: &Node) -> bool {
    match &node.kind {
        NodeKind::String(text) => text.starts_with("AWS::EC2::TrafficMirror"),
        NodeKind::List(items) => items.iter().any(speaks_of_mirroring),
        NodeKind::Map(entries) => entries.iter().any(|entry| speaks_of_mirroring(&entry.value)),
        _ => false,
    }
}

/// Refuse values that were given and that the template doesn't allow, used or not. All names that
/// the template knows count as asked for.
fn check_parameters(root: &At<'_>, given: &Parameters, problems: &mut Problems) {
    for (name, at) in root.member("Parameters").iter().flat_map(At::entries) {
        if let Some(text) = given.get(name)
            && let Err(unknown) = parameter::value(name, at.node(), Some(text))
        {
            at.error(unknown.why, problems);
        }
    }
    for name in reference::PSEUDO {
        given.get(name);
    }
}

/// Warn of macros that may make resources. AWS's own leave those of mirroring as they are, but for
/// the one that includes other files. They stand at the top, or beside what they add to.
fn check_macros(root: &At<'_>, problems: &mut Problems) {
    let beside = root.get("Resources").and_then(|resources| resources.get("Fn::Transform"));
    for at in [root.get("Transform"), root.get("Fn::Transform"), beside].into_iter().flatten() {
        match at.node().kind {
            NodeKind::List(_) => at.items().for_each(|one| check_macro(&one, problems)),
            _ => check_macro(&at, problems),
        }
    }
}

fn check_macro(at: &At<'_>, problems: &mut Problems) {
    let name = at.get("Name").unwrap_or_else(|| at.clone());
    let message = match name.node().as_str() {
        Some("AWS::Include") => "found an include, which is not followed".to_owned(),
        Some(aws) if aws.starts_with("AWS::") => return,
        Some(other) => format!("found macro {}, which is not run", Shown(other)),
        None => format!("found {} for a macro", describe(&name.node().kind)),
    };
    name.warning(format!("{message}; better read {PROCESSED}"), problems);
}

/// Warn once of stacks that are resources of this one.
fn check_nested(root: &At<'_>, problems: &mut Problems) {
    let resources = root.get("Resources");
    let mut nested = resources.iter().flat_map(At::entries).filter(|(_, at)| {
        at.node().get("Type").and_then(Node::as_str) == Some("AWS::CloudFormation::Stack")
    });
    let Some((_, first)) = nested.next() else { return };
    let message = match nested.count() {
        0 => "found a nested stack, which is not read; give its template too".to_owned(),
        more => {
            let count = more + 1;
            format!("found {count} nested stacks, which are not read; give their templates too")
        }
    };
    first.warning(message, problems);
}

/// Leave out what can't be known of interfaces that no session mirrors.
fn leave_out_unknown(found: &mut [Resource]) {
    let mut meant = HashSet::new();
    for resource in found.iter() {
        if resource.kind == Kind::Session
            && let Some(NodeKind::Resource(name)) =
                resource.properties.get("NetworkInterfaceId").map(|node| &node.kind)
        {
            meant.insert(name.clone());
        }
    }
    for resource in found {
        if resource.kind == Kind::NetworkInterface
            && !meant.contains(&resource.logical_id)
            && let NodeKind::Map(entries) = &mut resource.properties.kind
        {
            for entry in entries.iter_mut() {
                if let NodeKind::List(items) = &mut entry.value.kind {
                    items.retain(is_known);
                }
            }
            entries.retain(|entry| is_known(&entry.value));
        }
    }
}

/// Whether nothing in a value is unknown.
fn is_known(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Unresolved { .. } => false,
        NodeKind::List(items) => items.iter().all(is_known),
        NodeKind::Map(entries) => entries.iter().all(|entry| is_known(&entry.value)),
        _ => true,
    }
}

#[cfg(test)]
mod tests;
