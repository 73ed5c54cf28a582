//! A value and where it stands: how documents are read.
//!
//! Every accessor that expects something says so to the [`Problems`] it is given, with the place,
//! and answers nothing; the reader goes on with the next field, so that one run finds all.
//!
//! A value that is null is as good as absent ([`At::get`]): the AWS CLI leaves fields out, other
//! producers of the same documents write null. Where the difference matters (a template has no null, a
//! plan has one for what isn't set) there is [`At::member`].

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::rc::Rc;

use mirror_filter::Cidr;
use mirror_wire::Mac;

use crate::node::{Entry, Node, NodeKind};
use crate::problem::{LONGEST_PATH, Mistake, Place, Problem, Problems, Severity, Shown};

/// A value of a document and its place.
#[derive(Clone, Debug)]
pub(crate) struct At<'n> {
    node: &'n Node,
    document: &'n str,
    path: Path<'n>,
    line: Option<u32>,
}

/// How one comes to a value, made into text only where something is said of it: a key can be as long
/// as a document, and there may be a million values below it.
#[derive(Clone, Debug, Default)]
struct Path<'n>(Option<Rc<(Path<'n>, Step<'n>)>>);

#[derive(Clone, Copy, Debug)]
enum Step<'n> {
    /// All up to a place.
    Made(&'n Place),
    Key(&'n str),
    Item(usize),
}

/// What a field names another resource by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// An id of AWS.
    Id(String),
    /// A resource of the same document, by its name there.
    Resource(String),
}

impl<'n> At<'n> {
    /// The whole of a document.
    pub(crate) fn root(document: &'n str, node: &'n Node) -> At<'n> {
        At { node, document, path: Path::default(), line: node.line }
    }

    /// A value that was made from what stands at a place.
    pub(crate) fn made(place: &'n Place, node: &'n Node) -> At<'n> {
        let path = Path::default().step(Step::Made(place));
        At { node, document: &place.document, path, line: place.line }
    }

    /// The value itself.
    pub(crate) fn node(&self) -> &'n Node {
        self.node
    }

    /// Where it stands.
    pub(crate) fn place(&self) -> Place {
        let (path, resource) = self.path.texts();
        Place { document: self.document.to_owned(), path, line: self.line, resource }
    }

    /// The line on which it stands.
    pub(crate) fn line(&self) -> Option<u32> {
        self.line
    }

    /// The value of a key of this map, null too.
    pub(crate) fn member(&self, key: &str) -> Option<At<'n>> {
        self.node.entries().iter().find(|entry| entry.key == key).map(|entry| self.entry(entry))
    }

    /// The value of a key of this map, unless it is null.
    pub(crate) fn get(&self, key: &str) -> Option<At<'n>> {
        self.member(key).filter(|at| at.node.kind != NodeKind::Null)
    }

    /// The value of a key of this map; an error if it is absent or null.
    pub(crate) fn require(&self, key: &str, problems: &mut Problems) -> Option<At<'n>> {
        let found = self.get(key);
        if found.is_none() && self.map(problems) {
            self.error(format!("found no {key}, expected one"), problems);
        }
        found
    }

    /// The members of this map, in order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'n str, At<'n>)> {
        self.node.entries().iter().map(|entry| (entry.key.as_str(), self.entry(entry)))
    }

    /// The values of this list, in order.
    pub(crate) fn items<'a>(&'a self) -> impl Iterator<Item = At<'n>> + use<'a, 'n> {
        self.node.items().iter().enumerate().map(|(n, node)| At {
            node,
            document: self.document,
            path: self.path.step(Step::Item(n)),
            line: node.line.or(self.line),
        })
    }

    /// Whether this is a map; an error if not.
    pub(crate) fn map(&self, problems: &mut Problems) -> bool {
        let is_map = matches!(self.node.kind, NodeKind::Map(_));
        if !is_map {
            self.wrong("an object", problems);
        }
        is_map
    }

    /// The values of this list; an error, and none, if it isn't one.
    pub(crate) fn list<'a>(
        &'a self,
        problems: &mut Problems,
    ) -> impl Iterator<Item = At<'n>> + use<'a, 'n> {
        if !matches!(self.node.kind, NodeKind::List(_)) {
            self.wrong("a list", problems);
        }
        self.items()
    }

    /// A text that matters: a string, or a number or truth value as it was written.
    pub(crate) fn string(&self, problems: &mut Problems) -> Option<String> {
        self.scalar("a string", problems)
    }

    /// A text that a person reads: as [`At::string`], but one that can't be known is silently
    /// none.
    pub(crate) fn text(&self, problems: &mut Problems) -> Option<String> {
        match self.node.kind {
            NodeKind::Unresolved { .. } | NodeKind::Resource(_) => None,
            _ => self.string(problems),
        }
    }

    /// An integer in decimal, also as a string, as CloudFormation takes it.
    pub(crate) fn integer(
        &self,
        range: RangeInclusive<i64>,
        problems: &mut Problems,
    ) -> Option<i64> {
        let (low, high) = (range.start(), range.end());
        let expected = format!("an integer from {low} to {high}");
        let text = self.scalar(&expected, problems)?;
        // Zeros before an integer make it octal for YAML 1.1, which CloudFormation reads, and
        // decimal for YAML 1.2.
        let digits = text.strip_prefix('-').unwrap_or(&text);
        let plain = digits == "0" || !digits.starts_with(['0', '+', '-']);
        match text.parse() {
            Ok(number) if plain && range.contains(&number) => Some(number),
            _ => {
                self.wrong(&expected, problems);
                None
            }
        }
    }

    /// Truth, also as the string that CloudFormation takes.
    pub(crate) fn boolean(&self, problems: &mut Problems) -> Option<bool> {
        self.one_of(&[("true", true), ("false", false)], problems)
    }

    /// One of some words, in upper or lower case.
    pub(crate) fn one_of<T: Copy>(
        &self,
        words: &[(&str, T)],
        problems: &mut Problems,
    ) -> Option<T> {
        let known: Vec<&str> = words.iter().map(|&(word, _)| word).collect();
        let expected = known.join(" or ");
        let text = self.scalar(&expected, problems)?;
        let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(&text));
        if found.is_none() {
            self.wrong(&expected, problems);
        }
        found.map(|&(_, value)| value)
    }

    /// A range of addresses; host bits are cleared with a warning.
    pub(crate) fn cidr(&self, problems: &mut Problems) -> Option<Cidr> {
        const EXPECTED: &str = "a range of addresses, as 10.0.0.0/16";
        let text = self.scalar(EXPECTED, problems)?;
        match Cidr::parse(&text) {
            Ok((cidr, host_bits)) => {
                if host_bits {
                    let message = format!("found {} with host bits, read as {cidr}", Shown(&text));
                    let problem = Problem::warning(self.place(), message);
                    problems.push(problem.being(Mistake::HostBits));
                }
                Some(cidr)
            }
            Err(_) => {
                self.wrong(EXPECTED, problems);
                None
            }
        }
    }

    /// An IPv4 or IPv6 address.
    pub(crate) fn address(&self, problems: &mut Problems) -> Option<IpAddr> {
        self.parsed("an IPv4 or IPv6 address", problems)
    }

    /// A MAC address.
    pub(crate) fn mac(&self, problems: &mut Problems) -> Option<Mac> {
        self.parsed("a MAC address, as 02:00:00:00:00:01", problems)
    }

    /// What names another resource: its id, or where a template or plan was evaluated, itself.
    pub(crate) fn reference(&self, problems: &mut Problems) -> Option<Reference> {
        match &self.node.kind {
            NodeKind::Resource(name) => Some(Reference::Resource(name.clone())),
            _ => self.scalar("an id", problems).map(Reference::Id),
        }
    }

    /// Report an error here.
    pub(crate) fn error(&self, message: impl Into<String>, problems: &mut Problems) {
        problems.say(Severity::Error, || Problem::error(self.place(), message));
    }

    /// Report a warning here.
    pub(crate) fn warning(&self, message: impl Into<String>, problems: &mut Problems) {
        problems.say(Severity::Warning, || Problem::warning(self.place(), message));
    }

    /// Report that this is not what was expected, or can't be known.
    pub(crate) fn wrong(&self, expected: &str, problems: &mut Problems) {
        let found = match &self.node.kind {
            NodeKind::Null => "null".to_owned(),
            NodeKind::Bool(value) => value.to_string(),
            NodeKind::Number(text) if text.len() <= 30 => text.clone(),
            NodeKind::Number(text) | NodeKind::String(text) => Shown(text).to_string(),
            NodeKind::List(_) => "a list".to_owned(),
            NodeKind::Map(_) => "an object".to_owned(),
            NodeKind::Resource(name) => format!("a reference to resource {}", Shown(name)),
            NodeKind::Unresolved { why, param } => {
                return problems.blank(self.place(), why, param.as_ref());
            }
        };
        self.error(format!("found {found}, expected {expected}"), problems);
    }

    fn parsed<T: std::str::FromStr>(&self, expected: &str, problems: &mut Problems) -> Option<T> {
        let value = self.scalar(expected, problems)?.parse().ok();
        if value.is_none() {
            self.wrong(expected, problems);
        }
        value
    }

    fn scalar(&self, expected: &str, problems: &mut Problems) -> Option<String> {
        match &self.node.kind {
            NodeKind::String(text) | NodeKind::Number(text) => Some(text.clone()),
            NodeKind::Bool(value) => Some(value.to_string()),
            NodeKind::Null
            | NodeKind::List(_)
            | NodeKind::Map(_)
            | NodeKind::Resource(_)
            | NodeKind::Unresolved { .. } => {
                self.wrong(expected, problems);
                None
            }
        }
    }

    fn entry(&self, entry: &'n Entry) -> At<'n> {
        At {
            node: &entry.value,
            document: self.document,
            path: self.path.step(Step::Key(&entry.key)),
            // Of a value that begins on the next line a person looks for the key.
            line: entry.line.or(entry.value.line).or(self.line),
        }
    }
}

impl<'n> Path<'n> {
    fn step(&self, step: Step<'n>) -> Path<'n> {
        Path(Some(Rc::new((self.clone(), step))))
    }

    /// The path as a JSON pointer (RFC 6901), and as Terraform has it if it begins at a resource
    /// of a plan or state. Both are cut where they are longer than is ever shown.
    fn texts(&self) -> (String, Option<Box<str>>) {
        let mut steps = Vec::new();
        let mut path = self;
        while let Some(link) = &path.0 {
            steps.push(link.1);
            path = &link.0;
        }
        let (mut pointer, mut address) = (Cut::default(), None);
        for step in steps.into_iter().rev() {
            match step {
                Step::Made(place) => {
                    pointer.put(&place.path);
                    address = place.resource.as_ref().map(|resource| {
                        let mut address = Cut::default();
                        address.put(resource);
                        address
                    });
                }
                Step::Item(n) => {
                    pointer.put(&format!("/{n}"));
                    address.iter_mut().for_each(|address| address.put(&format!("[{n}]")));
                }
                Step::Key(key) => {
                    pointer.put("/");
                    for c in key.chars().take(LONGEST_PATH + 1) {
                        // Section 3.
                        match c {
                            '~' => pointer.put("~0"),
                            '/' => pointer.put("~1"),
                            c => pointer.put(c.encode_utf8(&mut [0; 4])),
                        }
                    }
                    if let Some(address) = &mut address {
                        address.put(".");
                        address.put(key);
                    }
                }
            }
        }
        (pointer.text, address.map(|address| address.text.into()))
    }
}

/// A text that is cut where it is longer than is ever shown.
#[derive(Default)]
struct Cut {
    text: String,
    len: usize,
}

impl Cut {
    fn put(&mut self, part: &str) {
        for c in part.chars().take(LONGEST_PATH + 1 - self.len) {
            self.text.push(c);
            self.len += 1;
        }
    }
}

#[cfg(test)]
mod tests;
