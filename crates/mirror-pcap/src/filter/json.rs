//! What the JSON of all filter commands has in common.

use mirror_aws::Place;
use mirror_filter::{Packet, Rule};
use serde::Serialize;

use crate::{
    failure::{Exit, Failure},
    json,
};

/// Where something stands in a document.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Location<'a> {
    document: &'a str,
    path: &'a str,
    resource: Option<&'a str>,
    line: Option<u32>,
}

impl<'a> Location<'a> {
    pub(super) fn new(place: &'a Place) -> Location<'a> {
        let Place { document, path, line, resource } = place;
        Location { document, path, resource: resource.as_deref(), line: *line }
    }
}

/// A rule, to be found again in `filter show`.
#[derive(Serialize)]
pub(super) struct RuleName {
    direction: &'static str,
    rule: u32,
    action: &'static str,
}

impl RuleName {
    pub(super) fn new(rule: &Rule) -> RuleName {
        RuleName {
            direction: rule.direction.as_str(),
            rule: rule.number,
            action: rule.action.as_str(),
        }
    }
}

/// A packet that shows something.
#[derive(Serialize)]
pub(super) struct Witness {
    /// For `filter explain --flow`.
    flow: String,
    direction: &'static str,
    protocol: u8,
    source: String,
    destination: String,
    source_port: Option<u16>,
    destination_port: Option<u16>,
}

impl Witness {
    pub(super) fn new(packet: &Packet) -> Witness {
        Witness {
            flow: packet.to_string(),
            direction: packet.direction.as_str(),
            protocol: packet.protocol,
            source: packet.source.to_string(),
            destination: packet.destination.to_string(),
            source_port: packet.ports.map(|(port, _)| port),
            destination_port: packet.ports.map(|(_, port)| port),
        }
    }
}

/// Print a document on standard output.
pub(super) fn print(document: &impl Serialize) -> Result<Exit, Failure> {
    let text = json::document(document)?;
    crate::print(|out| {
        out.extend_from_slice(text.as_bytes());
        Ok(())
    })
}
