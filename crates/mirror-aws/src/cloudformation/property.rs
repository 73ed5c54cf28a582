//! The last steps from the value of a property to one that can be read.
//!
//! First come the dynamic references. Then a property that names another resource must name one of
//! the right type. And last, what still can't be known, for it is written wrongly or with a
//! function that isn't evaluated here, can be given as a whole by the name of the property,
//! `--param Rule.SourceCidrBlock=10.0.0.0/16`, so that no template is beyond reading.

use crate::node::{Node, NodeKind};
use crate::params::Parameters;
use crate::problem::Shown;

use super::evaluate::comma_list;
use super::template::Section;
use super::unknown::{LONGEST_NAME, Unknown, suggestion};
use super::{Kind, dynamic};

/// Finish the value of `property` of the resource `logical_id`.
pub(super) fn finish(
    value: &mut Node,
    logical_id: &str,
    property: &str,
    resources: &Section<'_>,
    given: &Parameters,
) {
    dynamic::look_up(value, given);
    if let NodeKind::Resource(name) = &value.kind
        && let Some(unknown) = mistaken(name, property, resources)
    {
        *value = unknown.into_node(value.line);
    }
    if logical_id.len() <= LONGEST_NAME {
        settle(value, &format!("{logical_id}.{property}"), given);
    }
    if property == "NetworkServices"
        && let NodeKind::String(text) = &value.kind
    {
        value.kind = NodeKind::List(comma_list(text));
    }
}

/// Why a resource can't be what the property names.
fn mistaken(name: &str, property: &str, resources: &Section<'_>) -> Option<Unknown> {
    let found = resources.get(name).and_then(|resource| Kind::of(resource));
    let (expected, what) = match property {
        "NetworkInterfaceId" => (Some(Kind::NetworkInterface), "network interface"),
        "TrafficMirrorFilterId" => (Some(Kind::Filter), "mirror filter"),
        "TrafficMirrorTargetId" => (Some(Kind::Target), "mirror target"),
        "NetworkLoadBalancerArn" => (None, "load balancer"),
        "GatewayLoadBalancerEndpointId" => (None, "endpoint"),
        _ => return None,
    };
    match found {
        found if found == expected => None,
        // Its id may well be that of the right thing, as with a custom resource.
        None => Some(Unknown::id_of(name)),
        Some(_) => Some(Unknown::because(format!("resource {} is no {what}", Shown(name)))),
    }
}

/// Put what was given in the place of what can't be known, and suggest it where it wasn't.
fn settle(node: &mut Node, name: &str, given: &Parameters) {
    // No one types longer names, and each step down makes another.
    if name.len() > LONGEST_NAME {
        return;
    }
    match &mut node.kind {
        NodeKind::Unresolved { param: param @ None, .. } => match given.get(name) {
            Some(text) => node.kind = NodeKind::String(text.to_owned()),
            None => *param = suggestion(name),
        },
        NodeKind::List(items) => {
            for (n, item) in items.iter_mut().enumerate() {
                settle(item, &format!("{name}.{n}"), given);
            }
        }
        NodeKind::Map(entries) => {
            for entry in entries {
                settle(&mut entry.value, &format!("{name}.{}", entry.key), given);
            }
        }
        _ => {}
    }
}
