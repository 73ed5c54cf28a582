//! A document as a tree, whatever it was written in.
//!
//! The readers of this crate want three things that the usual trees don't keep: the order and the
//! repetition of keys (a key that stands twice is a mistake to report, not to resolve), the text of
//! a number, and the line of each value. They want CloudFormation's short tags as the long form
//! that stands beside them in other templates, so that only one has to be understood. And they
//! want a tree whose size is bounded by that of the document: [`Budget`].
//!
//! [`At`](crate::at::At) is the way to read one.

mod json;
mod yaml;

use std::cell::Cell;

use crate::problem::{Place, Problem};
use yaml::Scalars;

/// The longest document that is read, in bytes.
pub const MAX_DOCUMENT: usize = 64 << 20;

/// How deep lists and maps may nest, as in serde_json.
const MAX_DEPTH: usize = 128;

/// How many values a document may have. The 10,000 filters of an account, each with the 10 rules that
/// it may have, are a million and a half. Maps of that many are the worst: a value takes 88 bytes in
/// a map, its key and text 32 to 64 more.
const MAX_NODES: usize = 2 << 20;

/// A value of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Its line, counted from 1; none of what was made and not read.
    pub line: Option<u32>,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// Nothing, said so.
    Null,
    /// True or false.
    Bool(bool),
    /// A number, as it was written (in JSON, numbers outside 64 bits and fractions as the nearest
    /// double is printed).
    Number(String),
    /// A text.
    String(String),
    /// Values in order.
    List(Vec<Node>),
    /// Values by key, in order, keys that stand twice twice.
    Map(Vec<Entry>),
    /// In a template that was evaluated: the id of a resource of the same template, which is the
    /// one with this logical id. What [`At::reference`](crate::at::At::reference) reads.
    Resource(String),
    /// In a template or a plan: a value that can't be known.
    Unresolved {
        /// Why not, as the middle of a message: `parameter "VpcCidr" has no default`.
        why: String,
        /// The `NAME` of the `--param NAME=VALUE` that would make it known, if there is one: of a
        /// parameter, of an export (`Fn::ImportValue`), or `Resource.Attribute`.
        param: Option<String>,
    },
}

/// A value of a map and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The line of the key, counted from 1; none of what was made and not read.
    pub line: Option<u32>,
    /// The value.
    pub value: Node,
}

impl Node {
    /// Read a JSON document, at most [`MAX_DOCUMENT`] long and 128 deep.
    pub fn from_json(document: &str, bytes: &[u8]) -> Result<Node, Problem> {
        json::read(bytes).map_err(|refusal| refused(document, refusal))
    }

    /// Read a YAML document, at most [`MAX_DOCUMENT`] long and 128 deep. CloudFormation's tags
    /// become the long form: `!Ref X` is `{Ref: X}`, `!GetAtt A.B` is `{Fn::GetAtt: A.B}`.
    pub fn from_yaml(document: &str, bytes: &[u8]) -> Result<Node, Problem> {
        yaml::read(bytes, Scalars::Core).map_err(|refusal| refused(document, refusal))
    }

    /// Read a template in YAML: as [`Node::from_yaml`], but with what CloudFormation takes plain
    /// scalars for.
    pub fn from_template(document: &str, bytes: &[u8]) -> Result<Node, Problem> {
        yaml::read(bytes, Scalars::CloudFormation).map_err(|refusal| refused(document, refusal))
    }

    /// A value without a line.
    pub fn new(kind: NodeKind) -> Node {
        Node { kind, line: None }
    }

    /// The first value of a key, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The entries of a map, none for anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            NodeKind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The values of a list, none for anything else.
    pub fn items(&self) -> &[Node] {
        match &self.kind {
            NodeKind::List(items) => items,
            _ => &[],
        }
    }

    /// The text of a string, nothing for anything else.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::String(text) => Some(text),
            _ => None,
        }
    }
}

/// What is wrong with a document as a whole: the line, if known, and the message.
type Refusal = (Option<u32>, String);

fn refused(document: &str, (line, message): Refusal) -> Problem {
    let place = Place { document: document.to_owned(), line, ..Place::default() };
    Problem::error(place, message)
}

/// How many more values a document may have.
struct Budget(Cell<usize>);

impl Budget {
    fn new() -> Budget {
        Budget(Cell::new(MAX_NODES))
    }

    /// One more value. The error is a message.
    fn take(&self) -> Result<(), String> {
        match self.0.get().checked_sub(1) {
            Some(left) => {
                self.0.set(left);
                Ok(())
            }
            None => Err(format!("found more than {MAX_NODES} values, expected fewer")),
        }
    }
}

#[cfg(test)]
mod tests;
