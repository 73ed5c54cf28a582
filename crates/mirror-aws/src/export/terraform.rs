//! Terraform configuration in HCL, formatted as `terraform fmt` would.
//!
//! In HCL every quoted text is a template: `${` and `%{` begin an expression, and a backslash an
//! escape. The rules are those of the HCL syntax specification, "Quoted Literals" and "Template
//! Literals".

use std::fmt::{self, Write};

use mirror_filter::{Filter, PortRange, Rule};

use super::{is_visible, names, said};

pub(super) fn write(filter: &Filter) -> String {
    let mut out = String::new();
    // Writing to a String can't fail.
    let _ = configuration(filter, &mut out);
    out
}

fn configuration(filter: &Filter, out: &mut String) -> fmt::Result {
    let name = names::snake(filter);
    write!(out, "resource \"aws_ec2_traffic_mirror_filter\" \"{name}\" {{")?;
    filter_body(filter, out)?;
    out.push_str("}\n");
    for (rule, rule_name) in filter.rules.iter().zip(names::snakes(filter)) {
        let kind = "aws_ec2_traffic_mirror_filter_rule";
        writeln!(out, "\nresource \"{kind}\" \"{rule_name}\" {{")?;
        rule_body(rule, &name, out)?;
        out.push_str("}\n");
    }
    Ok(())
}

/// What stands between the braces, nothing at all if there is nothing to say.
fn filter_body(filter: &Filter, out: &mut String) -> fmt::Result {
    let mut arguments = Vec::new();
    if let Some(description) = said(filter.description.as_ref()) {
        arguments.push(("description", quoted(description)));
    }
    if filter.amazon_dns {
        arguments.push(("network_services", "[\"amazon-dns\"]".to_owned()));
    }
    let tag = said(filter.name.as_ref());
    if !arguments.is_empty() || tag.is_some() {
        out.push('\n');
    }
    aligned(&arguments, out)?;
    if let Some(tag) = tag {
        let space = if arguments.is_empty() { "" } else { "\n" };
        writeln!(out, "{space}  tags = {{\n    Name = {}\n  }}", quoted(tag))?;
    }
    Ok(())
}

fn rule_body(rule: &Rule, filter: &str, out: &mut String) -> fmt::Result {
    let mut arguments = Vec::new();
    if let Some(description) = said(rule.description.as_ref()) {
        arguments.push(("description", quoted(description)));
    }
    let id = format!("aws_ec2_traffic_mirror_filter.{filter}.id");
    arguments.push(("traffic_mirror_filter_id", id));
    arguments.push(("traffic_direction", format!("\"{}\"", rule.direction)));
    arguments.push(("rule_number", rule.number.to_string()));
    arguments.push(("rule_action", format!("\"{}\"", rule.action)));
    if let Some(protocol) = rule.protocol {
        arguments.push(("protocol", protocol.to_string()));
    }
    arguments.push(("source_cidr_block", format!("\"{}\"", rule.source)));
    arguments.push(("destination_cidr_block", format!("\"{}\"", rule.destination)));
    aligned(&arguments, out)?;
    ports("source", rule.source_ports, out)?;
    ports("destination", rule.destination_ports, out)
}

/// Arguments of one block, their equals signs in one column.
fn aligned(arguments: &[(&str, String)], out: &mut String) -> fmt::Result {
    let widest = arguments.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    for (name, value) in arguments {
        writeln!(out, "  {name:widest$} = {value}")?;
    }
    Ok(())
}

fn ports(side: &str, ports: Option<PortRange>, out: &mut String) -> fmt::Result {
    let Some(ports) = ports else { return Ok(()) };
    let (from, to) = (ports.from(), ports.to());
    writeln!(out, "\n  {side}_port_range {{\n    from_port = {from}\n    to_port   = {to}\n  }}")
}

/// A text as a quoted template that is nothing but it.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        // Writing to a String can't fail.
        let _ = match c {
            '"' | '\\' => write!(out, "\\{c}"),
            '\n' => write!(out, "\\n"),
            '\r' => write!(out, "\\r"),
            '\t' => write!(out, "\\t"),
            '$' | '%' if next == Some('{') => write!(out, "{c}{c}"),
            // Before one that is doubled it would be a third, which scanners disagree about.
            '$' | '%' if next == Some(c) => write!(out, "\\u{:04x}", u32::from(c)),
            _ if is_visible(c) => write!(out, "{c}"),
            '\0'..='\u{FFFF}' => write!(out, "\\u{:04x}", u32::from(c)),
            _ => write!(out, "\\U{:08x}", u32::from(c)),
        };
    }
    out.push('"');
    out
}
