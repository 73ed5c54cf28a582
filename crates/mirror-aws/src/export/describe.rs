//! The answer of `aws ec2 describe-traffic-mirror-filters`, with one filter.
//!
//! As the AWS CLI prints it: what isn't set is left out, and lists are there even if they are empty.

use std::fmt::Write;

use mirror_filter::{Cidr, Filter, PortRange};
use mirror_wire::Direction;
use serde::Serialize;

use super::{PLACEHOLDER, is_visible, said};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'f> {
    traffic_mirror_filters: [TrafficMirrorFilter<'f>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TrafficMirrorFilter<'f> {
    traffic_mirror_filter_id: &'f str,
    ingress_filter_rules: Vec<FilterRule<'f>>,
    egress_filter_rules: Vec<FilterRule<'f>>,
    network_services: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'f str>,
    tags: Vec<Tag<'f>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct FilterRule<'f> {
    #[serde(skip_serializing_if = "Option::is_none")]
    traffic_mirror_filter_rule_id: Option<&'f str>,
    traffic_mirror_filter_id: &'f str,
    traffic_direction: &'static str,
    rule_number: u32,
    rule_action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_port_range: Option<Ports>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_port_range: Option<Ports>,
    destination_cidr_block: String,
    source_cidr_block: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'f str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Ports {
    from_port: u16,
    to_port: u16,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tag<'f> {
    key: &'static str,
    value: &'f str,
}

pub(super) fn write(filter: &Filter) -> String {
    let id = said(filter.id.as_ref()).unwrap_or(PLACEHOLDER);
    let ports = |range: PortRange| Ports { from_port: range.from(), to_port: range.to() };
    let text = |cidr: Cidr| cidr.to_string();
    let rules = |direction: Direction| {
        let rules = filter.rules.iter().filter(|rule| rule.direction == direction);
        rules
            .map(|rule| FilterRule {
                traffic_mirror_filter_rule_id: said(rule.id.as_ref()),
                traffic_mirror_filter_id: id,
                traffic_direction: direction.as_str(),
                rule_number: rule.number,
                rule_action: rule.action.as_str(),
                protocol: rule.protocol,
                destination_port_range: rule.destination_ports.map(ports),
                source_port_range: rule.source_ports.map(ports),
                destination_cidr_block: text(rule.destination),
                source_cidr_block: text(rule.source),
                description: said(rule.description.as_ref()),
            })
            .collect()
    };
    let tag = said(filter.name.as_ref()).map(|value| Tag { key: "Name", value });
    let answer = Answer {
        traffic_mirror_filters: [TrafficMirrorFilter {
            traffic_mirror_filter_id: id,
            ingress_filter_rules: rules(Direction::Ingress),
            egress_filter_rules: rules(Direction::Egress),
            network_services: if filter.amazon_dns { vec!["amazon-dns"] } else { Vec::new() },
            description: said(filter.description.as_ref()),
            tags: tag.into_iter().collect(),
        }],
    };
    // Texts and numbers alone: there is nothing here that serde_json could refuse.
    escaped(&serde_json::to_string_pretty(&answer).unwrap_or_default())
}

/// The same JSON, with what can't be seen as `\u` escapes, and a line break at its end. Outside of
/// strings JSON has none of it but line breaks, which stay, and inside serde_json has escaped those.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        if c == '\n' || is_visible(c) {
            text.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a String can't fail.
            let _ = write!(text, "\\u{unit:04x}");
        }
    }
    text.push('\n');
    text
}
