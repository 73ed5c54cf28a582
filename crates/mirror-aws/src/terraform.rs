//! `terraform show -json`, of a state or of a plan.
//!
//! Not the configuration itself: it has variables, loops and modules, and only Terraform can say
//! what they come to. What Terraform prints is that answer, with one gap. A plan doesn't know the
//! ids of what it will create, so a rule in it doesn't name its filter. It is named by the
//! configuration, which a plan repeats, and [`references`] finds it there.
//!
//! A resource that a plan deletes is in none of the lists read here. One that is only read
//! (`data`), or that an interrupted replacement left behind (`deposed`), is none of ours.

mod address;
mod references;

use std::collections::HashSet;

use crate::at::At;
use crate::node::{Entry, Node, NodeKind};
use crate::problem::{Place, Problem, Problems};
use crate::raw::{Label, Reader};
use address::Address;
use references::{AFTER, Configuration};

/// The kinds of resource that are read, and what each is.
const FILTER: &str = "aws_ec2_traffic_mirror_filter";
const RULE: &str = "aws_ec2_traffic_mirror_filter_rule";
const SESSION: &str = "aws_ec2_traffic_mirror_session";
const TARGET: &str = "aws_ec2_traffic_mirror_target";
const INTERFACE: &str = "aws_network_interface";
const INSTANCE: &str = "aws_instance";

/// The fields by which each refers to others, and what to (any resource, where that is empty).
const REFERENCES: [(&str, &str, &[&str]); 7] = [
    (RULE, "traffic_mirror_filter_id", &[FILTER]),
    (SESSION, "traffic_mirror_filter_id", &[FILTER]),
    (SESSION, "traffic_mirror_target_id", &[TARGET]),
    (SESSION, "network_interface_id", &[INTERFACE, INSTANCE]),
    (TARGET, "network_interface_id", &[]),
    (TARGET, "network_load_balancer_arn", &[]),
    (TARGET, "gateway_load_balancer_endpoint_id", &[]),
];

/// The fields that a plan has of each resource, unless they are unknown, and whose absence would
/// mean something.
const ALWAYS_THERE: [(&str, &str); 4] = [
    (FILTER, "network_services"),
    (RULE, "protocol"),
    (RULE, "source_port_range"),
    (RULE, "destination_port_range"),
];

/// A resource of ours, as listed in the values of a module.
struct Resource<'n> {
    values: At<'n>,
    /// The line of its address, by which people find it.
    line: Option<u32>,
    kind: &'static str,
    address: Address,
}

/// Read all resources of the document.
pub(crate) fn read(root: &At<'_>, reader: &mut Reader<'_>) {
    let planned = root.get("planned_values");
    let is_plan = planned.is_some();
    check_whole(root, is_plan, reader.problems);
    // A state without any resource has no values at all.
    let Some(values) = planned.or_else(|| root.get("values")) else { return };
    let mut resources = Vec::new();
    if values.map(reader.problems)
        && let Some(module) = values.get("root_module")
    {
        collect(&module, &mut resources, reader);
    }
    let configuration = is_plan.then(|| Configuration::new(root, &resources));
    for resource in &resources {
        let (key, name) = (resource.address.to_string(), resource.address.name());
        let (line, called) = (resource.line, Some(key.as_str().into()));
        let place = Place { line, resource: called, ..resource.values.place() };
        let planned = configuration
            .as_ref()
            .map(|configuration| with_unknown(resource, &place, configuration, reader.problems));
        let at = At::made(&place, planned.as_ref().unwrap_or(resource.values.node()));
        let label = Label { key: &key, name: &name, id: None };
        match resource.kind {
            FILTER => reader.filter(&at, Some(label)),
            RULE => reader.rule(&at, None),
            SESSION => reader.session(&at, Some(label)),
            TARGET => reader.target(&at, Some(label)),
            INTERFACE => reader.terraform_interface(&at, label),
            _ => reader.terraform_instance(&at, label),
        }
    }
}

/// Whether the document is one whose fields mean what is read here, and all of it.
//= https://developer.hashicorp.com/terraform/internals/json-format
//# Reject any input which reports an unsupported major version.
fn check_whole(root: &At<'_>, is_plan: bool, problems: &mut Problems) {
    if let Some(version) = root.member("format_version") {
        let text = version.node().as_str().unwrap_or_default();
        if !matches!(text.split_once('.'), Some(("0" | "1", _))) {
            version.wrong("\"1.\" and a number", problems);
        }
    }
    let errored = root.get("errored");
    if is_plan && errored.as_ref().is_some_and(|at| at.node().kind == NodeKind::Bool(true)) {
        let place = errored.map(|at| at.place()).unwrap_or_default();
        let message = "found a plan that ended in an error, so there may be more than it says";
        problems.push(Problem::warning(place, message));
    }
}

/// The resources of ours in a module and those in it.
fn collect<'n>(module: &At<'n>, resources: &mut Vec<Resource<'n>>, reader: &mut Reader<'_>) {
    if !module.map(reader.problems) {
        return;
    }
    if let Some(list) = module.get("resources") {
        for at in list.list(reader.problems) {
            resources.extend(resource(&at, reader.problems));
        }
    }
    if let Some(list) = module.get("child_modules") {
        for child in list.list(reader.problems) {
            collect(&child, resources, reader);
        }
    }
}

/// A resource, if it is one of ours.
fn resource<'n>(at: &At<'n>, problems: &mut Problems) -> Option<Resource<'n>> {
    let kind = at.require("type", problems)?;
    let kind = [FILTER, RULE, SESSION, TARGET, INTERFACE, INSTANCE]
        .into_iter()
        .find(|&known| kind.node().as_str() == Some(known))?;
    let mode = at.get("mode");
    let mode = mode.as_ref().and_then(|mode| mode.node().as_str());
    if mode == Some("data") || at.get("deposed_key").is_some() {
        return None;
    }
    let (address, values) = (at.require("address", problems), at.require("values", problems));
    let (address, values) = (address?, values?);
    let Some(parsed) = Address::parse(&address.string(problems)?) else {
        address.wrong("the address of a resource", problems);
        return None;
    };
    let line = address.line();
    values.map(problems).then_some(Resource { values, line, kind, address: parsed })
}

/// The values of a planned resource, with what isn't known yet.
fn with_unknown(
    resource: &Resource<'_>,
    place: &Place,
    configuration: &Configuration<'_>,
    problems: &mut Problems,
) -> Node {
    let values = &resource.values;
    let in_order = configuration.unknown(&resource.address);
    let unknown: HashSet<&str> = in_order.iter().copied().collect();
    let is_known = |entry: &&Entry| !unknown.contains(entry.key.as_str());
    let mut entries: Vec<Entry> =
        values.node().entries().iter().filter(is_known).cloned().collect();
    let (mut named, mut doubts) = (Vec::new(), Vec::new());
    for (kind, key, kinds) in REFERENCES {
        // One that is null was left out, whatever the configuration makes it from.
        if kind != resource.kind || values.member(key).is_some() {
            continue;
        }
        if unknown.contains(key) || configuration.has(resource, key) {
            let answer = configuration.resolve(resource, key, kinds);
            doubts.extend(answer.doubt.map(|doubt| (key, doubt)));
            named.push((key, answer.kind));
        }
    }
    let mut put = |key: &str, kind: NodeKind| {
        entries.push(Entry { key: key.to_owned(), line: None, value: Node::new(kind) });
    };
    let unresolved = || NodeKind::Unresolved { why: AFTER.to_owned(), param: None };
    for key in in_order {
        if !named.iter().any(|(name, _)| *name == key) {
            put(key, unresolved());
        }
    }
    // What isn't set is null. What isn't there is unknown, even if the list of changes is gone that
    // says so.
    for (kind, key) in ALWAYS_THERE {
        if kind == resource.kind && !unknown.contains(key) && values.member(key).is_none() {
            put(key, unresolved());
        }
    }
    for (key, kind) in named {
        put(key, kind);
    }
    let node = Node { kind: NodeKind::Map(entries), line: values.node().line };
    for (key, doubt) in doubts {
        let field = At::made(place, &node).member(key);
        field.iter().for_each(|field| field.warning(doubt.as_str(), problems));
    }
    node
}

#[cfg(test)]
mod tests;
