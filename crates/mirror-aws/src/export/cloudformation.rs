//! A CloudFormation template in YAML: a filter, and each of its rules as a resource.
//!
//! YAML is read by more than one parser, of more than one version of it. So a text stands without
//! quotes only where all of them agree that it is one: it begins with a letter, has nothing that
//! means something to YAML, and is none of the words of YAML 1.1. All else stands in double quotes,
//! the only style that has escapes for what can't be seen.

use std::fmt::{self, Write};

use mirror_filter::{Cidr, Filter, PortRange, Rule};

use super::{is_visible, is_word_of_yaml, names, said};

pub(super) fn write(filter: &Filter) -> String {
    let mut out = String::new();
    // Writing to a String can't fail.
    let _ = template(filter, &mut out);
    out
}

fn template(filter: &Filter, out: &mut String) -> fmt::Result {
    let id = names::logical_id(filter);
    out.push_str("AWSTemplateFormatVersion: \"2010-09-09\"\nResources:\n");
    writeln!(out, "  {id}:\n    Type: AWS::EC2::TrafficMirrorFilter")?;
    let (name, description) = (said(filter.name.as_ref()), said(filter.description.as_ref()));
    if name.is_some() || description.is_some() || filter.amazon_dns {
        out.push_str("    Properties:\n");
    }
    if let Some(description) = description {
        writeln!(out, "      Description: {}", Text(description))?;
    }
    if filter.amazon_dns {
        out.push_str("      NetworkServices: [amazon-dns]\n");
    }
    if let Some(name) = name {
        writeln!(out, "      Tags:\n        - {{ Key: Name, Value: {} }}", Text(name))?;
    }
    for (rule, name) in filter.rules.iter().zip(names::logical_ids(filter)) {
        writeln!(out, "  {name}:\n    Type: AWS::EC2::TrafficMirrorFilterRule\n    Properties:")?;
        writeln!(out, "      TrafficMirrorFilterId: !Ref {id}")?;
        properties(rule, out)?;
    }
    Ok(())
}

fn properties(rule: &Rule, out: &mut String) -> fmt::Result {
    writeln!(out, "      TrafficDirection: {}", rule.direction)?;
    writeln!(out, "      RuleNumber: {}", rule.number)?;
    writeln!(out, "      RuleAction: {}", rule.action)?;
    if let Some(protocol) = rule.protocol {
        writeln!(out, "      Protocol: {protocol}")?;
    }
    writeln!(out, "      SourceCidrBlock: {}", range(rule.source))?;
    ports("Source", rule.source_ports, out)?;
    writeln!(out, "      DestinationCidrBlock: {}", range(rule.destination))?;
    ports("Destination", rule.destination_ports, out)?;
    if let Some(description) = said(rule.description.as_ref()) {
        writeln!(out, "      Description: {}", Text(description))?;
    }
    Ok(())
}

fn ports(side: &str, ports: Option<PortRange>, out: &mut String) -> fmt::Result {
    let Some(ports) = ports else { return Ok(()) };
    let (from, to) = (ports.from(), ports.to());
    writeln!(out, "      {side}PortRange: {{ FromPort: {from}, ToPort: {to} }}")
}

/// Colons are legal in most places of a plain text, and nobody knows by heart in which.
fn range(cidr: Cidr) -> String {
    if cidr.address().is_ipv6() { format!("\"{cidr}\"") } else { cidr.to_string() }
}

/// A text as a YAML scalar.
struct Text<'t>(&'t str);

impl Text<'_> {
    /// Whether every reader takes it for this text without quotes.
    fn is_plain(&self) -> bool {
        let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | '/');
        self.0.starts_with(|c: char| c.is_ascii_alphabetic())
            && !self.0.ends_with(' ')
            && self.0.chars().all(safe)
            && !is_word_of_yaml(self.0)
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_plain() {
            return f.write_str(self.0);
        }
        f.write_str("\"")?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                '\n' => f.write_str("\\n")?,
                '\t' => f.write_str("\\t")?,
                _ if is_visible(c) => write!(f, "{c}")?,
                '\0'..='\u{FF}' => write!(f, "\\x{:02X}", u32::from(c))?,
                '\u{100}'..='\u{FFFF}' => write!(f, "\\u{:04X}", u32::from(c))?,
                _ => write!(f, "\\U{:08X}", u32::from(c))?,
            }
        }
        f.write_str("\"")
    }
}
