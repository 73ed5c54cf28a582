//! From sessions to JSON, the same text for the same picture.
//!
//! Written for people as much as for programs: a field a line, addresses side by side, and names in
//! their own script. What a terminal would obey or a reader couldn't see (control characters,
//! characters that change the direction of text) stands as a `\u` escape, which is the same JSON.

use std::fmt::{Display, Write};

use super::SCHEMA;
use crate::text::{is_hidden, push_units};
use crate::{Eni, FilterName, KnownSession, Picture, Target, TargetKind};

/// The sessions file of a picture. It ends with a line break.
///
/// Every field is there, `null` if nothing is known. [Read](super::read()) again it is the same
/// picture, provided that there are no more than [`MAX_SESSIONS`](super::MAX_SESSIONS) and that
/// every MAC is of one interface.
pub fn write(picture: &Picture) -> String {
    let mut out = Out { text: String::new(), depth: 0, is_first: true };
    out.open(None, '{');
    out.text("schema", Some(SCHEMA));
    out.open(Some("sessions"), '[');
    for session in picture.sessions() {
        out.open(None, '{');
        write_session(&mut out, session);
        out.close('}');
    }
    out.close(']');
    out.close('}');
    out.text.push('\n');
    out.text
}

fn write_session(out: &mut Out, session: &KnownSession) {
    out.text("id", session.id.as_deref());
    out.text("name", session.name.as_deref());
    out.text("description", session.description.as_deref());
    out.number("number", session.number);
    out.number("vni", session.vni);
    out.number("packet_length", session.packet_length);
    out.object("eni", session.eni.as_ref(), |out, eni: &Eni| {
        out.text("id", eni.id.as_deref());
        out.text("name", eni.name.as_deref());
        out.text("description", eni.description.as_deref());
        out.text("mac", eni.mac.map(|mac| mac.to_string()).as_deref());
        out.list("addresses", &eni.addresses);
        out.list("prefixes", &eni.prefixes);
    });
    out.object("target", session.target.as_ref(), |out, target: &Target| {
        let (mut interface, mut network, mut gateway) = (None, None, None);
        match &target.kind {
            None => {}
            Some(TargetKind::NetworkInterface(id)) => interface = Some(id.as_str()),
            Some(TargetKind::NetworkLoadBalancer(arn)) => network = Some(arn.as_str()),
            Some(TargetKind::GatewayLoadBalancerEndpoint(id)) => gateway = Some(id.as_str()),
        }
        out.text("id", target.id.as_deref());
        out.text("name", target.name.as_deref());
        out.text("description", target.description.as_deref());
        out.text("network_interface", interface);
        out.text("network_load_balancer", network);
        out.text("gateway_load_balancer_endpoint", gateway);
    });
    out.object("filter", session.filter.as_ref(), |out, filter: &FilterName| {
        out.text("id", filter.id.as_deref());
        out.text("name", filter.name.as_deref());
        out.text("description", filter.description.as_deref());
    });
}

/// JSON in the making.
struct Out {
    text: String,
    depth: usize,
    /// Nothing stands yet in the innermost object or list.
    is_first: bool,
}

impl Out {
    /// Begin the line of the next field, or of the next item of a list.
    fn line(&mut self, name: Option<&str>) {
        if self.depth > 0 {
            self.text.push_str(if self.is_first { "\n" } else { ",\n" });
            self.text.extend(std::iter::repeat_n("  ", self.depth));
        }
        self.is_first = false;
        if let Some(name) = name {
            self.quoted(name);
            self.text.push_str(": ");
        }
    }

    fn open(&mut self, name: Option<&str>, bracket: char) {
        self.line(name);
        self.text.push(bracket);
        self.depth += 1;
        self.is_first = true;
    }

    fn close(&mut self, bracket: char) {
        self.depth = self.depth.saturating_sub(1);
        if !self.is_first {
            self.text.push('\n');
            self.text.extend(std::iter::repeat_n("  ", self.depth));
        }
        self.text.push(bracket);
        self.is_first = false;
    }

    fn text(&mut self, name: &str, value: Option<&str>) {
        self.line(Some(name));
        match value {
            Some(value) => self.quoted(value),
            None => self.text.push_str("null"),
        }
    }

    fn number(&mut self, name: &str, value: Option<impl Display>) {
        self.line(Some(name));
        // Writing to a String can't fail.
        let _ = match value {
            Some(value) => write!(self.text, "{value}"),
            None => write!(self.text, "null"),
        };
    }

    fn list(&mut self, name: &str, items: &[impl Display]) {
        self.line(Some(name));
        self.text.push('[');
        for (n, item) in items.iter().enumerate() {
            let _ = write!(self.text, "{}\"{item}\"", if n == 0 { "" } else { ", " });
        }
        self.text.push(']');
    }

    fn object<T>(&mut self, name: &str, value: Option<&T>, fields: impl Fn(&mut Out, &T)) {
        match value {
            None => self.text(name, None),
            Some(value) => {
                self.open(Some(name), '{');
                fields(self, value);
                self.close('}');
            }
        }
    }

    fn quoted(&mut self, text: &str) {
        self.text.push('"');
        for character in text.chars() {
            match character {
                '"' | '\\' => self.text.extend(['\\', character]),
                ' '..='~' => self.text.push(character),
                // Nor what has no picture anywhere, which std knows: it would escape it for debugging.
                _ if !is_hidden(character) && character.escape_debug().nth(1).is_none() => {
                    self.text.push(character);
                }
                _ => {
                    let _ = push_units(&mut self.text, character);
                }
            }
        }
        self.text.push('"');
    }
}
