//! The functions that make texts and lists: `Fn::Sub`, `Join`, `Split`, `Select`, `Length`, `Cidr`.

use std::collections::HashMap;

use crate::node::{Node, NodeKind};
use crate::problem::Shown;

use super::cidr;
use super::evaluate::{Evaluator, MAX_TEXT, text};
use super::unknown::Unknown;

/// The variables of an `Fn::Sub` that it brings itself.
type Variables<'n> = HashMap<&'n str, Option<Node>>;

impl Evaluator<'_> {
    /// `Fn::Sub: text`, or `Fn::Sub: [text, {Variable: value}]`.
    ///
    /// A text that is nothing but one variable is that variable's value, so that `!Sub '${Filter}'`
    /// still is a reference to the filter.
    pub(super) fn sub(&mut self, argument: &Node) -> Result<Node, Unknown> {
        let mut variables = Variables::new();
        let template = match &argument.kind {
            NodeKind::String(template) => template,
            _ => {
                let arguments = Self::arguments("Fn::Sub", argument, 2..=2)?;
                for entry in arguments.iter().skip(1).flat_map(Node::entries) {
                    let value = self.value(&entry.value);
                    variables.insert(&entry.key, value);
                }
                arguments
                    .first()
                    .and_then(Node::as_str)
                    .ok_or_else(|| Unknown::because("the first argument of Fn::Sub is no text"))?
            }
        };
        let mut made = Text::default();
        let mut rest: &str = template;
        while let Some((before, behind)) = rest.split_once("${") {
            let Some((name, after)) = behind.split_once('}') else { break };
            made.push(self, before)?;
            rest = after;
            if let Some(literal) = name.strip_prefix('!') {
                made.push(self, "${")?;
                made.push(self, literal)?;
                made.push(self, "}")?;
                continue;
            }
            let value = self.variable(name.trim(), &variables)?;
            if before.is_empty() && after.is_empty() && made.0.is_empty() {
                return Ok(value);
            }
            made.push(self, &text(value)?)?;
        }
        made.push(self, rest)?;
        Ok(made.node())
    }

    /// The value of a variable of `Fn::Sub`.
    fn variable(&mut self, name: &str, own: &Variables<'_>) -> Result<Node, Unknown> {
        let lenient = self.lenient;
        let value = match own.get(name) {
            Some(Some(value)) => match value {
                // Only a plain text is used, so only it is copied.
                Node { kind: NodeKind::List(_) | NodeKind::Map(_), .. } => Err(not_plain(name)),
                plain => Ok(plain.clone()),
            },
            Some(None) => Err(not_plain(name)),
            None if name == "AWS::NoValue" => Err(not_plain(name)),
            None if !name.starts_with("AWS::") && name.contains('.') => self.attribute(name),
            None => self.name(name),
        };
        match value {
            Ok(Node { kind: NodeKind::Resource(_), .. })
            | Ok(Node { kind: NodeKind::Unresolved { .. }, .. })
            | Err(_)
                if lenient =>
            {
                Ok(Node::new(NodeKind::String(format!("${{{name}}}"))))
            }
            Ok(Node { kind: NodeKind::Unresolved { why, param }, .. }) => {
                Err(Unknown { why, param })
            }
            value => value,
        }
    }

    /// `Fn::Join: [delimiter, list]`.
    pub(super) fn join(&mut self, argument: &Node) -> Result<Node, Unknown> {
        let [delimiter, list] = Self::arguments("Fn::Join", argument, 2..=2)? else {
            return Err(Unknown::because("Fn::Join takes two arguments"));
        };
        let delimiter = self.text(delimiter)?;
        let mut made = Text::default();
        for (n, item) in self.list(list)?.into_iter().enumerate() {
            if n > 0 {
                made.push(self, &delimiter)?;
            }
            made.push(self, &text(item)?)?;
        }
        Ok(made.node())
    }

    /// `Fn::Split: [delimiter, text]`.
    pub(super) fn split(&mut self, argument: &Node) -> Result<Node, Unknown> {
        let [delimiter, source] = Self::arguments("Fn::Split", argument, 2..=2)? else {
            return Err(Unknown::because("Fn::Split takes two arguments"));
        };
        let (delimiter, source) = (self.text(delimiter)?, self.text(source)?);
        if delimiter.is_empty() {
            return Err(Unknown::because("the delimiter of Fn::Split is empty"));
        }
        let mut parts = Vec::new();
        for part in source.split(&delimiter) {
            self.pay(1 + part.len())?;
            parts.push(Node::new(NodeKind::String(part.to_owned())));
        }
        Ok(Node::new(NodeKind::List(parts)))
    }

    /// `Fn::Select: [index, list]`.
    pub(super) fn select(&mut self, argument: &Node) -> Result<Node, Unknown> {
        let [index, list] = Self::arguments("Fn::Select", argument, 2..=2)? else {
            return Err(Unknown::because("Fn::Select takes two arguments"));
        };
        let index = self.text(index)?;
        let list = self.list(list)?;
        let (count, place) = (list.len(), index.trim().parse::<usize>().ok());
        match place.and_then(|place| list.into_iter().nth(place)) {
            Some(node) => Ok(node),
            None => {
                let why = format!("Fn::Select asks for item {} of {count}", Shown(&index));
                Err(Unknown::because(why))
            }
        }
    }

    /// `Fn::Length: list`.
    pub(super) fn length(&mut self, argument: &Node) -> Result<Node, Unknown> {
        let count = self.list(argument)?.len();
        Ok(Node::new(NodeKind::Number(count.to_string())))
    }

    /// `Fn::Cidr: [range, count, bits]`.
    pub(super) fn cidr(&mut self, argument: &Node) -> Result<Node, Unknown> {
        let [block, count, bits] = Self::arguments("Fn::Cidr", argument, 3..=3)? else {
            return Err(Unknown::because("Fn::Cidr takes three arguments"));
        };
        let (block, count, bits) = (self.text(block)?, self.text(count)?, self.text(bits)?);
        let ranges = cidr::split(&block, count.trim(), bits.trim()).map_err(Unknown::because)?;
        let ranges = ranges.into_iter().map(|range| Node::new(NodeKind::String(range)));
        Ok(Node::new(NodeKind::List(ranges.collect())))
    }
}

fn not_plain(name: &str) -> Unknown {
    Unknown::because(format!("variable {} of Fn::Sub is no text", Shown(name)))
}

/// A text in the making, of bounded length.
#[derive(Default)]
struct Text(String);

impl Text {
    fn push(&mut self, evaluator: &mut Evaluator<'_>, piece: &str) -> Result<(), Unknown> {
        evaluator.pay(piece.len())?;
        if self.0.len() + piece.len() > MAX_TEXT {
            let why = format!("a text gets longer than {MAX_TEXT} bytes");
            return Err(Unknown::because(why));
        }
        self.0.push_str(piece);
        Ok(())
    }

    fn node(self) -> Node {
        Node::new(NodeKind::String(self.0))
    }
}
