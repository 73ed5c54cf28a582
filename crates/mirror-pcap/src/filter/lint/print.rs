//! Findings for people, with the line of the document that each is about, and for scripts.

use std::collections::HashMap;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use mirror_aws::Place;
use mirror_filter::analysis::Severity;
use serde::Serialize;

use super::Found;
use crate::{
    documents::{Text, called, names_of},
    failure::{Failure, printable},
    filter::json::{self, Location, RuleName, Witness},
    number::counted,
};

/// The most characters of a line that are shown. Of a longer one, as programs write whole documents,
/// what is meant may stand anywhere.
const MAX_LINE: usize = 120;

/// Print findings, each in its place, and how many there are.
pub(super) fn text(texts: &[Text], found: &[Found<'_>]) -> Result<(), Failure> {
    let documents: Vec<_> =
        texts.iter().map(|(name, bytes)| (name, String::from_utf8_lossy(bytes))).collect();
    let lines: HashMap<&str, Lines<'_>> = documents
        .iter()
        .map(|(name, text)| (name.as_str(), Lines { lines: text.lines().collect() }))
        .collect();
    let renderer = Renderer::plain();
    let mut text = String::new();
    for one in found {
        let lines = lines.get(one.place.document.as_str());
        text += &renderer.render(&[group(one, lines)]);
        text += "\n\n";
    }
    text += &summary(&names_of(texts), found);
    crate::print(|out| {
        out.extend_from_slice(text.as_bytes());
        Ok(())
    })?;
    Ok(())
}

/// What a finding is about, in a few words: `ingress rule 100`.
pub(super) fn subject(one: &Found<'_>) -> String {
    match (one.direction, one.rule) {
        (Some(direction), Some(rule)) => format!("{direction} rule {}: ", rule.number),
        (Some(direction), None) => format!("{direction}: "),
        (None, _) => String::new(),
    }
}

fn group<'a>(one: &Found<'_>, lines: Option<&Lines<'_>>) -> Group<'a> {
    let level = match one.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let title = format!("{}{}", subject(one), one.message);
    let mut group = level.primary_title(title).id(one.code).elements(Vec::<Origin<'_>>::new());
    let label = one.rule.map(ToString::to_string);
    let shown = lines.and_then(|lines| lines.of(&one.place));
    let no_line = shown.is_none();
    group = match shown {
        Some((number, line)) => {
            let start = line.len() - line.trim_start().len();
            let span = start..line.trim_end().len().max(start);
            let annotation = AnnotationKind::Primary.span(span).label(label.clone());
            let snippet = Snippet::source(line).line_start(number);
            group.element(snippet.path(printable(&one.place.document)).annotation(annotation))
        }
        None => group.element(Origin::path(one.place.to_string())),
    };
    if let (true, Some(rule)) = (no_line, label) {
        group = group.element(Level::NOTE.with_name(Some("rule")).message(rule));
    }
    if let (false, Some(resource)) = (no_line, &one.place.resource) {
        let resource = printable(resource);
        group = group.element(Level::NOTE.with_name(Some("resource")).message(resource));
    }
    if let Some(filter) = one.filter {
        group = group.element(Level::NOTE.with_name(Some("filter")).message(called(filter)));
    }
    if let Some(packet) = &one.witness {
        let packet = packet.to_string();
        group = group.element(Level::NOTE.with_name(Some("packet")).message(packet));
    }
    group
}

/// The lines of a document.
struct Lines<'d> {
    lines: Vec<&'d str>,
}

impl Lines<'_> {
    /// The line to show for a place, and its number: of a resource's properties, the one with the
    /// name that a person gave the resource.
    fn of(&self, place: &Place) -> Option<(usize, String)> {
        let at = usize::try_from(place.line?).ok()?;
        let name = place.path.strip_prefix("/Resources/").and_then(|path| path.split('/').next());
        let named = name.and_then(|name| {
            let above = self.lines.iter().enumerate().take(at).rev();
            let mut own = above.take_while(|(_, line)| !line.starts_with("Resources"));
            let is_name = |line: &str| {
                let key = line.trim_start().trim_start_matches(['"', '\'']);
                key.strip_prefix(name).is_some_and(|rest| rest.starts_with([':', '"', '\'']))
            };
            own.find(|(_, line)| is_name(line)).map(|(index, _)| index + 1)
        });
        // A place deeper than the properties is about one of them.
        let deep = place.path.matches('/').count() > 3;
        let number = named.filter(|_| !deep).unwrap_or(at);
        let line = self.lines.get(number.checked_sub(1)?)?;
        let is_short = line.chars().nth(MAX_LINE).is_none();
        let shown = is_short && !line.trim().is_empty();
        shown.then(|| (number, printable(&line.replace('\t', "    "))))
    }
}

fn summary(name: &str, found: &[Found<'_>]) -> String {
    let count = |severity| found.iter().filter(|one| one.severity == severity).count() as u64;
    let kinds = [
        (Severity::Error, "error", "errors"),
        (Severity::Warning, "warning", "warnings"),
        (Severity::Info, "info", "infos"),
    ];
    let counts: Vec<String> = kinds
        .into_iter()
        .map(|(severity, one, many)| (count(severity), one, many))
        .filter(|&(count, ..)| count > 0)
        .map(|(count, one, many)| counted(count, one, many))
        .collect();
    let said = if counts.is_empty() { "nothing found".to_owned() } else { counts.join(", ") };
    format!("{}: {said}\n", printable(name))
}

/// Print findings for scripts.
pub(super) fn json(texts: &[Text], found: &[Found<'_>]) -> Result<(), Failure> {
    let findings = found.iter().map(Row::new).collect();
    let documents: Vec<&str> = texts.iter().map(|(name, _)| name.as_str()).collect();
    let document = documents.first().copied().unwrap_or_default();
    json::print(&Json { schema: "mirror-pcap/lint/1", document, documents, findings })?;
    Ok(())
}

#[derive(Serialize)]
struct Json<'a> {
    schema: &'static str,
    document: &'a str,
    documents: Vec<&'a str>,
    findings: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    code: &'static str,
    severity: &'static str,
    filter: Option<FilterName<'a>>,
    direction: Option<&'static str>,
    rule: Option<u32>,
    by: Vec<RuleName>,
    message: &'a str,
    witness: Option<Witness>,
    location: Location<'a>,
}

#[derive(Serialize)]
struct FilterName<'a> {
    id: Option<&'a str>,
    name: Option<&'a str>,
}

impl<'a> Row<'a> {
    fn new(one: &'a Found<'_>) -> Row<'a> {
        Row {
            code: one.code,
            severity: one.severity.as_str(),
            filter: one.filter.map(|known| FilterName {
                id: known.filter.id.as_deref(),
                name: known.filter.name.as_deref(),
            }),
            direction: one.direction.map(mirror_wire::Direction::as_str),
            rule: one.rule.map(|rule| rule.number),
            by: one.by.iter().map(|rule| RuleName::new(rule)).collect(),
            message: &one.message,
            witness: one.witness.as_ref().map(Witness::new),
            location: Location::new(&one.place),
        }
    }
}
