//! `filter show`: filters as an operator reads them.

use std::fmt::Write;

use mirror_aws::{KnownFilter, Place};
use mirror_filter::{Cidr, PortRange, Rule};
use mirror_wire::Direction;
use serde::Serialize;

use super::json::{self, Location};
use crate::{
    cli::{self, TextOrJson},
    documents::{Source, called, quoted},
    failure::{Exit, Failure},
};

/// Run the command.
pub(super) fn run(args: &cli::FilterShow) -> Result<Exit, Failure> {
    let source = Source::read(&args.source)?;
    let filters = source.whole()?;
    match args.format {
        TextOrJson::Text => {
            let texts: Vec<String> = filters.map(text).collect();
            crate::print(|out| {
                out.extend_from_slice(texts.join("\n").as_bytes());
                Ok(())
            })
        }
        TextOrJson::Json => {
            let filters = filters.map(FilterJson::new).collect();
            json::print(&Json { schema: "mirror-pcap/filter-show/1", filters })
        }
    }
}

fn text(one: &KnownFilter) -> String {
    let filter = &one.filter;
    let description = quoted(filter.description.as_deref());
    let description = description.map(|text| format!(", {text}")).unwrap_or_default();
    let mut text = format!("{}{description}\n  at {}\n", called(one), one.place);
    let lines: Vec<String> = filter.rules.iter().map(ToString::to_string).collect();
    let wide = lines.iter().map(String::len).max().unwrap_or_default();
    for direction in [Direction::Ingress, Direction::Egress] {
        let rules = filter.rules.iter().zip(&lines).zip(&one.rules);
        for ((rule, line), place) in rules.filter(|((rule, _), _)| rule.direction == direction) {
            let here = place.beside(&one.place);
            let said = quoted(rule.description.as_deref());
            let said = said.map(|text| format!("  {text}")).unwrap_or_default();
            // Writing to a String can't fail.
            let _ = writeln!(text, "  {line:wide$}  {here}{said}");
        }
        let _ = writeln!(text, "  {direction} else: not mirrored");
    }
    let dns = if filter.amazon_dns { "mirrored, whatever the rules say" } else { "not mirrored" };
    let _ = writeln!(text, "  Amazon DNS: {dns}");
    text
}

#[derive(Serialize)]
struct Json<'a> {
    schema: &'static str,
    filters: Vec<FilterJson<'a>>,
}

#[derive(Serialize)]
struct FilterJson<'a> {
    id: Option<&'a str>,
    name: Option<&'a str>,
    description: Option<&'a str>,
    amazon_dns: bool,
    location: Location<'a>,
    rules: Vec<RuleJson<'a>>,
}

#[derive(Serialize)]
struct RuleJson<'a> {
    id: Option<&'a str>,
    description: Option<&'a str>,
    direction: &'static str,
    number: u32,
    action: &'static str,
    protocol: Option<u8>,
    source: String,
    destination: String,
    source_ports: Option<PortsJson>,
    destination_ports: Option<PortsJson>,
    location: Location<'a>,
}

/// A range of ports.
#[derive(Serialize)]
pub(super) struct PortsJson {
    from: u16,
    to: u16,
}

impl PortsJson {
    pub(super) fn of(ports: PortRange) -> PortsJson {
        PortsJson { from: ports.from(), to: ports.to() }
    }
}

impl<'a> FilterJson<'a> {
    fn new(one: &'a KnownFilter) -> FilterJson<'a> {
        let filter = &one.filter;
        let rules = filter.rules.iter().zip(&one.rules);
        FilterJson {
            id: filter.id.as_deref(),
            name: filter.name.as_deref(),
            description: filter.description.as_deref(),
            amazon_dns: filter.amazon_dns,
            location: Location::new(&one.place),
            rules: rules.map(|(rule, place)| RuleJson::new(rule, place)).collect(),
        }
    }
}

impl<'a> RuleJson<'a> {
    fn new(rule: &'a Rule, place: &'a Place) -> RuleJson<'a> {
        let range = |cidr: &Cidr| cidr.to_string();
        let ports = |ports: Option<PortRange>| ports.map(PortsJson::of);
        RuleJson {
            id: rule.id.as_deref(),
            description: rule.description.as_deref(),
            direction: rule.direction.as_str(),
            number: rule.number,
            action: rule.action.as_str(),
            protocol: rule.protocol,
            source: range(&rule.source),
            destination: range(&rule.destination),
            source_ports: ports(rule.source_ports),
            destination_ports: ports(rule.destination_ports),
            location: Location::new(place),
        }
    }
}
