//! JSON into a tree, by serde_json: it knows surrogates, tabs, and stops at a depth of 128.
//!
//! The lines, which it doesn't tell, are found in a second walk over the same text ([`Lines`]).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{Budget, Entry, Node, NodeKind, Refusal};

/// Read a whole document.
pub(super) fn read(bytes: &[u8]) -> Result<Node, Refusal> {
    let budget = Budget::new();
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let node = Seed(&budget).deserialize(&mut json);
    let node = node.and_then(|node| json.end().map(|()| node));
    let numbered = node.map(|mut node| {
        Lines { rest: bytes, line: 1 }.number(&mut node);
        node
    });
    numbered.map_err(|error| {
        let line = u32::try_from(error.line()).ok().filter(|&line| line > 0);
        // serde_json's messages end in the place, which the caller says in its own way.
        let text = error.to_string();
        let text = match text.rfind(" at line ") {
            Some(end) => text.get(..end).unwrap_or_default(),
            None => &text,
        };
        (line, format!("not JSON: {text}"))
    })
}

/// Makes one value, taking it from the budget.
#[derive(Clone, Copy)]
struct Seed<'b>(&'b Budget);

impl Seed<'_> {
    fn node<E: Error>(self, kind: NodeKind) -> Result<Node, E> {
        self.0.take().map_err(E::custom)?;
        Ok(Node::new(kind))
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Node, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        self.node(NodeKind::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
        self.node(NodeKind::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        self.node(NodeKind::Number(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
        self.node(NodeKind::Number(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        // `{:?}` says 1e300 where `{}` would write three hundred zeros.
        self.node(NodeKind::Number(format!("{value:?}")))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Node, E> {
        self.node(NodeKind::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(self)? {
            items.push(item);
        }
        items.shrink_to_fit();
        self.node(NodeKind::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key()? {
            let value = map.next_value_seed(self)?;
            entries.push(Entry { key, line: None, value });
        }
        // Most maps are small and a vector begins with room for four entries.
        entries.shrink_to_fit();
        self.node(NodeKind::Map(entries))
    }
}

/// A walk over a text that was read already, beside the tree that came of it. As the text is sound,
/// only strings have to be told from all else.
struct Lines<'b> {
    rest: &'b [u8],
    line: u32,
}

impl Lines<'_> {
    /// Give the next value of the text, which is this one, and all in it their lines.
    fn number(&mut self, node: &mut Node) {
        node.line = Some(self.begin());
        match &mut node.kind {
            NodeKind::List(items) => {
                self.byte();
                items.iter_mut().for_each(|item| self.number(item));
                self.begin();
                self.byte();
            }
            NodeKind::Map(entries) => {
                self.byte();
                for Entry { line, value, .. } in entries {
                    *line = Some(self.begin());
                    self.string();
                    self.number(value);
                }
                self.begin();
                self.byte();
            }
            NodeKind::String(_) => self.string(),
            _ => {
                while !matches!(
                    self.rest.first(),
                    None | Some(b',' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n')
                ) {
                    self.byte();
                }
            }
        }
    }

    /// Go to where something begins, or where a list or map ends, and give the line of that.
    fn begin(&mut self) -> u32 {
        while matches!(self.rest.first(), Some(b' ' | b'\t' | b'\r' | b'\n' | b',' | b':')) {
            self.byte();
        }
        self.line
    }

    /// Pass over a string, in which no line ends.
    fn string(&mut self) {
        self.byte();
        loop {
            match self.byte() {
                Some(b'\\') => _ = self.byte(),
                Some(b'"') | None => return,
                Some(_) => {}
            }
        }
    }

    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        self.line = self.line.saturating_add(u32::from(byte == b'\n'));
        Some(byte)
    }
}
