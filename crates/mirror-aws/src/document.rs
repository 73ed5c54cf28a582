//! What a document is, told from its content.
//!
//! Names of files tell little: `template.json` may be an answer of the API, and what a shell
//! redirected into `out.txt` is as good. What begins as JSON is read as JSON, all else as YAML.

use std::borrow::Cow;
use std::collections::HashSet;

use mirror_session::{KnownSession, file};

use crate::at::At;
use crate::node::{Entry, MAX_DOCUMENT, Node, NodeKind};
use crate::params::Parameters;
use crate::problem::{Place, Problem, Problems, Shown};
use crate::raw::{Dialect, Raw, Reader};
use crate::{describe, template, terraform};

/// A document to read.
#[derive(Clone, Copy, Debug)]
pub struct Document<'d> {
    /// What messages call it: the name of the file.
    pub name: &'d str,
    /// All of it, at most 64 MiB.
    pub bytes: &'d [u8],
}

/// What is in some documents.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) raw: Raw,
    /// The sessions of sessions files, each with its place.
    pub(crate) sessions: Vec<(KnownSession, Place)>,
}

/// Read the document of this index into `contents`.
pub(crate) fn read(
    index: usize,
    document: &Document<'_>,
    params: &Parameters,
    contents: &mut Contents,
    problems: &mut Problems,
) {
    let whole = whole(document);
    let Some(bytes) = text(document, problems) else { return };
    let node = match parse(document.name, &bytes) {
        Ok(node) => node,
        Err(problem) => return problems.push(problem),
    };
    let (node, path) = match template_within(node, document.name) {
        Ok(found) => found,
        Err(problem) => return problems.push(problem),
    };
    let top = Place { path: path.to_owned(), line: node.line, ..whole.clone() };
    let root = At::made(&top, &node);
    let (errors, warnings) = (problems.errors(), problems.warnings());
    // The reader of sessions files finds them itself, but for those in what is nobody's but its
    // writer's (`x-…`).
    if kind(&root) != Some(Kind::Sessions) {
        duplicates(&root, problems);
    }
    if problems.errors() > errors {
        // Which of two values is meant can't be known, so what follows from either is no help.
        return;
    }
    let before = contents.count();
    let dialect = match kind(&root) {
        Some(Kind::Template) => Dialect::Template,
        Some(Kind::Terraform) => Dialect::Terraform,
        _ => Dialect::Api,
    };
    let raw = &mut contents.raw;
    let mut reader = Reader { dialect, document: index, raw, problems: &mut *problems };
    match kind(&root) {
        Some(Kind::Answer) => describe::read(&root, &mut reader),
        Some(Kind::Template) => template::read(&root, params, &mut reader),
        Some(Kind::Terraform) => terraform::read(&root, &mut reader),
        Some(Kind::Sessions) => sessions(document.name, &bytes, contents, problems),
        None => problems.push(Problem::error(whole.clone(), unknown(&root))),
    }
    // Not of anything that can do without it.
    for blank in problems.take_blanks() {
        problems.push(Problem::error(blank.place, format!("unresolved: {}", blank.why)));
    }
    if contents.count() == before && (problems.errors(), problems.warnings()) == (errors, warnings)
    {
        let message = match kind(&root) {
            Some(Kind::Sessions) => "found no session",
            _ => "found nothing about traffic mirroring",
        };
        problems.push(Problem::warning(whole, message));
    }
}

/// The tree of a document of no kind that is told from its content, every key in it once.
pub(crate) fn tree(document: &Document<'_>, problems: &mut Problems) -> Option<Node> {
    let bytes = text(document, problems)?;
    let node = match parse(document.name, &bytes) {
        Ok(node) => node,
        Err(problem) => {
            problems.push(problem);
            return None;
        }
    };
    duplicates(&At::root(document.name, &node), problems);
    (problems.errors() == 0).then_some(node)
}

/// The place of a whole document.
fn whole(document: &Document<'_>) -> Place {
    Place { document: document.name.to_owned(), ..Place::default() }
}

/// The text of a document that isn't too long.
fn text<'d>(document: &Document<'d>, problems: &mut Problems) -> Option<Cow<'d, [u8]>> {
    if document.bytes.len() > MAX_DOCUMENT {
        let found = format!("{} bytes", document.bytes.len());
        problems.found(whole(document), found, &format!("at most {MAX_DOCUMENT}"));
        return None;
    }
    Some(utf8(document.bytes))
}

impl Contents {
    fn count(&self) -> usize {
        let Raw { filters, rules, sessions, targets, enis, perhaps, pages: _ } = &self.raw;
        let raw = filters.len() + rules.len() + sessions.len() + targets.len() + enis.len();
        raw + perhaps.len() + self.sessions.len()
    }
}

/// The bytes without byte order mark, in UTF-8. A redirection in PowerShell writes UTF-16.
fn utf8(bytes: &[u8]) -> Cow<'_, [u8]> {
    type Unit = fn([u8; 2]) -> u16;
    let (rest, unit): (&[u8], Unit) = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => return Cow::Borrowed(rest),
        [0xff, 0xfe, rest @ ..] => (rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => (rest, u16::from_be_bytes),
        _ => return Cow::Borrowed(bytes),
    };
    let (pairs, _) = rest.as_chunks::<2>();
    let text: String = char::decode_utf16(pairs.iter().map(|&pair| unit(pair)))
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    Cow::Owned(text.into_bytes())
}

fn parse(name: &str, bytes: &[u8]) -> Result<Node, Problem> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    let extension = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    match first {
        // A text may hold a template, and a first key of YAML may stand in quotes.
        Some(b'"') => Node::from_json(name, bytes).or_else(|_| parse_yaml(name, bytes)),
        Some(b'{' | b'[') => match Node::from_json(name, bytes) {
            // YAML's flow style begins so too.
            Err(_) if matches!(extension.as_str(), "yaml" | "yml" | "template") => {
                parse_yaml(name, bytes)
            }
            json => json,
        },
        _ => parse_yaml(name, bytes),
    }
}

/// What `aws cloudformation get-template` prints beside the template.
const TEMPLATE_BODY: &str = "TemplateBody";

/// The template, and its path, if the document is what `aws cloudformation get-template` prints of
/// one: the template is a member, as an object or, if it was uploaded as YAML, a text. `--query
/// TemplateBody` leaves the text alone. All else is itself.
fn template_within(mut node: Node, name: &str) -> Result<(Node, &'static str), Problem> {
    let (body, path) = match &mut node.kind {
        NodeKind::Map(entries) if is_get_template(entries) => {
            let body = entries.iter_mut().find(|entry| entry.key == TEMPLATE_BODY);
            let Some(Entry { value, .. }) = body else { return Ok((node, "")) };
            (value, "/TemplateBody")
        }
        NodeKind::String(_) => (&mut node, ""),
        _ => return Ok((node, "")),
    };
    let NodeKind::String(text) = &body.kind else {
        let body = std::mem::replace(body, Node::new(NodeKind::Null));
        return Ok((body, path));
    };
    match parse(name, text.as_bytes()) {
        Ok(mut inner) if kind(&At::root(name, &inner)) == Some(Kind::Template) => {
            // They count the lines of the text, which are none of the document.
            without_lines(&mut inner);
            inner.line = body.line;
            Ok((inner, path))
        }
        // A text that is no template is told of as a text.
        _ if path.is_empty() => Ok((node, path)),
        Ok(_) => {
            let place = Place { path: path.to_owned(), ..whole(&Document { name, bytes: &[] }) };
            Err(Problem::error(place, "found no template, expected one"))
        }
        Err(problem) => {
            let place = Place { path: path.to_owned(), line: None, ..problem.place };
            Err(Problem::error(place, problem.message))
        }
    }
}

fn is_get_template(entries: &[Entry]) -> bool {
    let has = |key: &str| entries.iter().any(|entry| entry.key == key);
    has(TEMPLATE_BODY) && !has("Resources")
}

fn without_lines(node: &mut Node) {
    node.line = None;
    match &mut node.kind {
        NodeKind::List(items) => items.iter_mut().for_each(without_lines),
        NodeKind::Map(entries) => {
            for entry in entries {
                entry.line = None;
                without_lines(&mut entry.value);
            }
        }
        _ => {}
    }
}

/// A document in YAML. What its scalars mean depends on who reads it, and that is known only once it
/// is read.
fn parse_yaml(name: &str, bytes: &[u8]) -> Result<Node, Problem> {
    let node = Node::from_yaml(name, bytes)?;
    if kind(&At::root(name, &node)) != Some(Kind::Template) {
        return Ok(node);
    }
    drop(node);
    Node::from_template(name, bytes)
}

/// A kind of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sessions,
    Answer,
    Template,
    Terraform,
}

fn kind(root: &At<'_>) -> Option<Kind> {
    let has = |key| root.member(key).is_some();
    Some(match root.node().kind {
        NodeKind::Map(_) if has("schema") => {
            let schema = root.node().get("schema").and_then(Node::as_str);
            return (schema == Some(file::SCHEMA)).then_some(Kind::Sessions);
        }
        NodeKind::Map(_) if has("AWSTemplateFormatVersion") || has("Resources") => Kind::Template,
        NodeKind::Map(_) if has(TEMPLATE_BODY) => Kind::Template,
        NodeKind::Map(_) if has("format_version") => Kind::Terraform,
        NodeKind::Map(_) if has("serial") && has("lineage") => return None,
        NodeKind::Map(_) | NodeKind::List(_) => Kind::Answer,
        _ => return None,
    })
}

/// What to say of a document of no kind that is known.
fn unknown(root: &At<'_>) -> String {
    const EXPECTED: &str = "expected an answer of aws ec2 describe-..., a CloudFormation template, \
                            the output of terraform show -json, or a sessions file";
    let node = root.node();
    if let Some(schema) = node.get("schema").and_then(Node::as_str) {
        return format!("found schema {}, expected \"{}\"", Shown(schema), file::SCHEMA);
    }
    match &node.kind {
        NodeKind::Map(_) if root.member("lineage").is_some() => {
            "found a Terraform state file, expected the output of terraform show -json".into()
        }
        NodeKind::String(text) if text.contains("resource \"") => {
            "found Terraform configuration, expected the output of terraform show -json".into()
        }
        NodeKind::Null => format!("found an empty document, {EXPECTED}"),
        NodeKind::Map(_) => format!("found an object of another kind, {EXPECTED}"),
        _ => format!("found a text, {EXPECTED}"),
    }
}

/// Read a sessions file.
fn sessions(name: &str, bytes: &[u8], contents: &mut Contents, problems: &mut Problems) {
    match file::read(bytes) {
        Ok(picture) => {
            let place = Place { document: name.to_owned(), ..Place::default() };
            let all = picture.sessions().iter().map(|session| (session.clone(), place.clone()));
            contents.sessions.extend(all);
        }
        Err(found) => {
            for problem in found.list() {
                let line = problem.at.and_then(|(line, _)| u32::try_from(line).ok());
                let path = problem.path.clone();
                let place = Place { document: name.to_owned(), path, line, resource: None };
                problems.push(Problem::error(place, problem.message.clone()));
            }
            problems.count_errors(found.more());
        }
    }
}

/// Report each key that stands twice in an object.
fn duplicates(at: &At<'_>, problems: &mut Problems) {
    // Hardly any document has one, so places are made only for one that has.
    if any_duplicate(at.node()) {
        report_duplicates(at, problems);
    }
}

fn any_duplicate(node: &Node) -> bool {
    let entries = node.entries();
    let own = match entries {
        // Most objects are small, and there are millions of them.
        [] | [_] => false,
        [one, other] => one.key == other.key,
        _ => {
            let mut seen = HashSet::with_capacity(entries.len());
            !entries.iter().all(|entry| seen.insert(entry.key.as_str()))
        }
    };
    own || entries.iter().any(|entry| any_duplicate(&entry.value))
        || node.items().iter().any(any_duplicate)
}

fn report_duplicates(at: &At<'_>, problems: &mut Problems) {
    let mut seen = HashSet::new();
    for (key, member) in at.entries() {
        if !seen.insert(key) {
            let message = format!("found {} a second time, expected it once", Shown(key));
            member.error(message, problems);
        }
        report_duplicates(&member, problems);
    }
    at.items().for_each(|item| report_duplicates(&item, problems));
}

#[cfg(test)]
mod tests;
