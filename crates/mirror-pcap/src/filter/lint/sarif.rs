//! Findings as SARIF 2.1.0, which code scanning services show beside a pull request.

use std::fmt::Write;

use mirror_filter::analysis::Severity;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Found, codes, print::subject};
use crate::{documents::Text, failure::Failure, filter::json};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

#[derive(Serialize)]
struct Sarif {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Value; 1],
}

/// Print findings about documents.
pub(super) fn print(texts: &[Text], found: &[Found<'_>]) -> Result<(), Failure> {
    let known = codes::all();
    let rules: Vec<Value> = known
        .iter()
        .map(|one| {
            let worst = one.severities.last().copied().unwrap_or(Severity::Error);
            json!({
                "id": one.code,
                "shortDescription": { "text": format!("{}.", one.sentence) },
                "defaultConfiguration": { "level": level(worst) },
                "properties": {
                    "severities": one.severities.iter().map(|one| one.as_str()).collect::<Vec<_>>(),
                },
            })
        })
        .collect();
    let results: Vec<Value> = found
        .iter()
        .map(|one| {
            let index = known.iter().position(|known| known.code == one.code);
            result(one, index)
        })
        .collect();
    let run = json!({
        "tool": {
            "driver": {
                "name": "mirror-pcap",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }
        },
        "artifacts": texts
            .iter()
            .map(|(name, _)| json!({ "location": { "uri": uri(name) } }))
            .collect::<Vec<_>>(),
        "columnKind": "unicodeCodePoints",
        "results": results,
    });
    json::print(&Sarif { schema: SCHEMA, version: "2.1.0", runs: [run] })?;
    Ok(())
}

fn result(one: &Found<'_>, index: Option<usize>) -> Value {
    let mut message = format!("{}{}", subject(one), one.message);
    if let Some(packet) = &one.witness {
        // Writing to a String can't fail.
        let _ = write!(message, " (packet: {packet})");
    }
    // What is of a whole document is shown at its beginning, or not at all.
    let line = one.place.line.unwrap_or(1);
    let physical = json!({
        "artifactLocation": { "uri": uri(&one.place.document) },
        "region": { "startLine": line },
    });
    json!({
        "ruleId": one.code,
        "ruleIndex": index,
        "level": level(one.severity),
        "message": { "text": message },
        "locations": [{
            "physicalLocation": physical,
            "logicalLocations": [{ "fullyQualifiedName": one.place.name() }],
        }],
        "partialFingerprints": { "mirrorPcapFinding/v1": fingerprint(one) },
    })
}

/// What stays the same when lines move: a service that has seen a finding before knows it again.
fn fingerprint(one: &Found<'_>) -> String {
    let filter = one.filter.map(|known| &known.filter);
    let name = filter.and_then(|filter| filter.id.as_ref().or(filter.name.as_ref()));
    let rule = one.rule.map(|rule| rule.number.to_string());
    let direction = one.direction.map(mirror_wire::Direction::as_str);
    let parts = [
        Some(one.code),
        name.map(String::as_str),
        direction,
        rule.as_deref(),
        // Without a rule it is the place that tells two of them apart.
        rule.is_none().then_some(one.place.name()),
    ];
    parts.map(|part| uri(part.unwrap_or_default())).join(":")
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// A name as the path of a URI (RFC 3986).
fn uri(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_any_bytes_is_a_uri() {
        assert_eq!(uri("a b/ü#1.yaml"), "a%20b/%C3%BC%231.yaml");
        assert_eq!(uri("/srv/web.yaml"), "/srv/web.yaml");
    }
}
