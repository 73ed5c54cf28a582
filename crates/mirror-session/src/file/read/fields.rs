//! The fields of a session and of what it consists of.
//!
//! Each object is taken apart into the fields that it may have; what is left is a problem. `null`
//! is the same as no field. A value that doesn't fit is a problem and counts as unknown, so that
//! the rest is looked at too.

use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;
use std::net::IpAddr;

use mirror_wire::{Mac, Vni};

use crate::file::json::Json;
use crate::file::problem::{Path, Problems};
use crate::text::Quoted;
use crate::{Eni, FilterName, KnownSession, ParsePrefixError, Prefix, Target, TargetKind};

const SESSION: [&str; 9] =
    ["id", "name", "description", "number", "vni", "packet_length", "eni", "target", "filter"];
const ENI: [&str; 6] = ["id", "name", "description", "mac", "addresses", "prefixes"];
const TARGET: [&str; 6] = ["id", "name", "description", KINDS[0], KINDS[1], KINDS[2]];
const KINDS: [&str; 3] =
    ["network_interface", "network_load_balancer", "gateway_load_balancer_endpoint"];
const FILTER: [&str; 3] = ["id", "name", "description"];

pub(super) fn session(
    json: Json,
    path: &Path<'_>,
    problems: &mut Problems,
) -> Option<KnownSession> {
    let mut object = Object::of(json, path, &SESSION, problems)?;
    let vni = object.number("vni", 0..=0xff_ffff, problems);
    Some(KnownSession {
        id: object.text("id", problems),
        name: object.text("name", problems),
        description: object.text("description", problems),
        number: object
            .number("number", 0..=u32::from(u16::MAX), problems)
            .and_then(|number| u16::try_from(number).ok()),
        vni: vni.and_then(Vni::new),
        packet_length: object.number("packet_length", 1..=u32::MAX, problems),
        eni: object.take("eni").and_then(|json| eni(json, &path.field("eni"), problems)),
        target: object
            .take("target")
            .and_then(|json| target(json, &path.field("target"), problems)),
        filter: object
            .take("filter")
            .and_then(|json| filter(json, &path.field("filter"), problems)),
    })
}

fn eni(json: Json, path: &Path<'_>, problems: &mut Problems) -> Option<Eni> {
    let mut object = Object::of(json, path, &ENI, problems)?;
    let mac = object.text("mac", problems).and_then(|text| {
        let mac = text.parse().ok().filter(|mac: &Mac| !mac.is_multicast());
        if mac.is_none() {
            let expected = "the MAC of one interface, like 02:2f:8f:b0:cf:75";
            problems.found(&path.field("mac"), Quoted(&text), expected);
        }
        mac
    });
    Some(Eni {
        id: object.text("id", problems),
        name: object.text("name", problems),
        description: object.text("description", problems),
        mac,
        addresses: object.list("addresses", problems, |text| {
            text.parse::<IpAddr>().map_err(|_| "an IPv4 or IPv6 address".to_owned())
        }),
        prefixes: object.list("prefixes", problems, |text| {
            text.parse::<Prefix>().map_err(|error| match error {
                ParsePrefixError::Malformed => "a prefix like 10.0.1.16/28".to_owned(),
                ParsePrefixError::HostBits { within } => {
                    format!("no bits set behind the prefix, as in {within}")
                }
            })
        }),
    })
}

fn target(json: Json, path: &Path<'_>, problems: &mut Problems) -> Option<Target> {
    let mut object = Object::of(json, path, &TARGET, problems)?;
    let kinds = KINDS.map(|name| object.text(name, problems));
    if kinds.iter().flatten().count() > 1 {
        let given = KINDS.iter().zip(&kinds).filter(|(_, kind)| kind.is_some());
        let given: Vec<&str> = given.map(|(name, _)| *name).collect();
        problems.found(path, given.join(" and "), "one of them");
    }
    let [interface, network, gateway] = kinds;
    Some(Target {
        id: object.text("id", problems),
        name: object.text("name", problems),
        description: object.text("description", problems),
        kind: interface
            .map(TargetKind::NetworkInterface)
            .or(network.map(TargetKind::NetworkLoadBalancer))
            .or(gateway.map(TargetKind::GatewayLoadBalancerEndpoint)),
    })
}

fn filter(json: Json, path: &Path<'_>, problems: &mut Problems) -> Option<FilterName> {
    let mut object = Object::of(json, path, &FILTER, problems)?;
    Some(FilterName {
        id: object.text("id", problems),
        name: object.text("name", problems),
        description: object.text("description", problems),
    })
}

/// Note a field that nobody knows.
pub(super) fn unknown(path: &Path<'_>, name: &str, known: &[&str], problems: &mut Problems) {
    let expected = format!("one of {}", known.join(", "));
    problems.found(path, format_args!("a field {}", Quoted(name)), expected);
}

/// The known fields of an object, each once.
struct Object<'p> {
    path: &'p Path<'p>,
    fields: Vec<(&'static str, Json)>,
}

impl<'p> Object<'p> {
    fn of(
        json: Json,
        path: &'p Path<'p>,
        known: &[&'static str],
        problems: &mut Problems,
    ) -> Option<Object<'p>> {
        let Json::Object(found) = json else {
            problems.found(path, json, "an object");
            return None;
        };
        let mut fields: Vec<(&'static str, Json)> = Vec::new();
        for (name, value) in found {
            match known.iter().find(|known| **known == name) {
                None => unknown(path, &name, known, problems),
                Some(name) if fields.iter().any(|(before, _)| before == name) => {
                    problems.found(&path.field(name), "the field again", "it once");
                }
                Some(name) => fields.push((name, value)),
            }
        }
        Some(Object { path, fields })
    }

    /// The value of a field; `None` also if it is `null`.
    fn take(&mut self, name: &str) -> Option<Json> {
        let at = self.fields.iter().position(|(known, _)| *known == name)?;
        match self.fields.swap_remove(at) {
            (_, Json::Null) => None,
            (_, value) => Some(value),
        }
    }

    fn text(&mut self, name: &str, problems: &mut Problems) -> Option<String> {
        match self.take(name)? {
            Json::Text(text) => Some(text),
            other => {
                problems.found(&self.path.field(name), other, "a text");
                None
            }
        }
    }

    fn number(
        &mut self,
        name: &str,
        range: std::ops::RangeInclusive<u32>,
        problems: &mut Problems,
    ) -> Option<u32> {
        let value = self.take(name)?;
        let number = match value {
            Json::Natural(number) => u32::try_from(number).ok(),
            _ => None,
        };
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            let (least, most) = (range.start(), range.end());
            let expected = format_args!("a whole number from {least} to {most}");
            problems.found(&self.path.field(name), value, expected);
        }
        number
    }

    /// A list of texts that each mean something, and none twice. `parse` says what is expected of
    /// one that doesn't.
    fn list<T: Copy + Eq + Hash + fmt::Display>(
        &mut self,
        name: &str,
        problems: &mut Problems,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let path = self.path.field(name);
        let items = match self.take(name) {
            Some(Json::List(items)) => items,
            None => Vec::new(),
            Some(other) => {
                problems.found(&path, other, "a list of texts");
                Vec::new()
            }
        };
        let mut seen = HashSet::new();
        let mut list = Vec::new();
        for (n, item) in items.into_iter().enumerate() {
            let Json::Text(text) = &item else {
                problems.found(&path.item(n), item, "a text");
                continue;
            };
            match parse(text) {
                Err(expected) => problems.found(&path.item(n), item, expected),
                Ok(value) if !seen.insert(value) => {
                    problems.found(&path.item(n), format_args!("{value} again"), "each once");
                }
                Ok(value) => list.push(value),
            }
        }
        list
    }
}
