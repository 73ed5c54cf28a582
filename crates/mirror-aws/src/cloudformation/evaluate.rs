//! What a template's values come to.
//!
//! The evaluator takes a value as it is written and gives the value that CloudFormation would use,
//! as far as that can be known without an account ([`Unknown`] where it can't). It is lazy: a
//! template may have thousands of resources that have nothing to do with mirroring, written with
//! functions that nobody here has heard of, and only what is asked for is evaluated.
//!
//! Functions make long values of short ones, and short programs of exponential length: a text that
//! joins another text twice, which joins another twice. So there are bounds that no real template
//! comes near: the depth of evaluation, the length of a text that a function makes, and the work of
//! a whole template, in proportion to its size. What is named (parameters, conditions, attributes
//! of resources) is evaluated once.

use std::collections::HashMap;

use crate::node::{Entry, Node, NodeKind};
use crate::params::Parameters;
use crate::problem::Shown;

use super::template::{Template, describe};
use super::unknown::Unknown;

/// How deep values, conditions and attributes may lead into each other. A document itself is at
/// most 128 deep.
const MAX_DEPTH: usize = 256;

/// How long a text may be that a function makes.
pub(super) const MAX_TEXT: usize = 64 << 10;

/// How much work a template may be, besides twice its own weight: what is written is evaluated at
/// most once, the rest is what functions make.
const SPARE_WORK: usize = 16 << 20;

/// What is wrong with a template that is more work.
pub(super) const TOO_MUCH: &str = "the values of this template are too many or too long";

/// How much a value weighs, and is work, besides its text.
const VALUE: usize = 16;

/// Evaluates the values of one template.
pub(super) struct Evaluator<'t> {
    pub(super) template: &'t Template<'t>,
    pub(super) given: &'t Parameters,
    /// Named conditions, once evaluated; nothing while they are.
    pub(super) conditions: HashMap<&'t str, Option<Result<bool, Unknown>>>,
    /// Parameters and attributes (`Vpc.CidrBlock`), once evaluated; nothing while they are.
    pub(super) named: HashMap<String, Option<Result<Node, Unknown>>>,
    /// Whether an unknown name in a text stands for itself, as `${AWS::StackName}`.
    pub(super) lenient: bool,
    depth: usize,
    left: usize,
}

impl<'t> Evaluator<'t> {
    /// An evaluator of values of `root`, whose sections are `template`.
    pub(super) fn new(
        template: &'t Template<'t>,
        given: &'t Parameters,
        root: &Node,
    ) -> Evaluator<'t> {
        Evaluator {
            template,
            given,
            conditions: HashMap::new(),
            named: HashMap::new(),
            lenient: false,
            depth: 0,
            left: SPARE_WORK + 2 * weight(root),
        }
    }

    /// What a value comes to; nothing for `AWS::NoValue`, which is a property that isn't there.
    ///
    /// What can't be known is [`NodeKind::Unresolved`] in the result, and the id of a resource of
    /// the template [`NodeKind::Resource`]. Every value of the result has the line where it stands
    /// in the template; a value that a function makes has the function's.
    pub(super) fn value(&mut self, node: &Node) -> Option<Node> {
        match self.deeper(|inner| inner.written(node)) {
            Ok(value) => value,
            Err(unknown) => {
                // A message is paid for as a text is, but it can't be too expensive.
                let _ = self.pay(unknown.why.len());
                Some(unknown.into_node(node.line))
            }
        }
    }

    /// What a value comes to that is for people only: names that can't be known stay in texts as
    /// they are written, `${AWS::StackName}-filter`.
    pub(super) fn label(&mut self, node: &Node) -> Option<Node> {
        self.lenient = true;
        let value = self.value(node);
        self.lenient = false;
        value
    }

    /// Whether the template was too much work. What came out of it after that isn't worth a
    /// message.
    pub(super) fn is_exhausted(&self) -> bool {
        self.left == 0
    }

    fn written(&mut self, node: &Node) -> Result<Option<Node>, Unknown> {
        self.pay(VALUE)?;
        let kind = match &node.kind {
            NodeKind::List(items) => {
                let mut values = Vec::new();
                for item in items {
                    values.extend(self.value(item));
                    self.pay(0)?;
                }
                NodeKind::List(values)
            }
            NodeKind::Map(entries) => match call(entries)? {
                Some((function, argument)) => {
                    return self.call(function, argument, node.line);
                }
                None => {
                    let mut values = Vec::new();
                    for Entry { key, line, value } in entries {
                        self.pay(key.len())?;
                        if let Some(value) = self.value(value) {
                            values.push(Entry { key: key.clone(), line: *line, value });
                        }
                    }
                    NodeKind::Map(values)
                }
            },
            NodeKind::String(text) | NodeKind::Number(text) => {
                self.pay(text.len())?;
                node.kind.clone()
            }
            kind => kind.clone(),
        };
        Ok(Some(Node { kind, line: node.line }))
    }

    /// What a function comes to.
    fn call(
        &mut self,
        function: &str,
        argument: &Node,
        line: Option<u32>,
    ) -> Result<Option<Node>, Unknown> {
        let result = match function {
            // The only function whose result stands where it is written.
            "Fn::If" => return self.choose(argument),
            "Ref" => self.ref_to(argument),
            "Fn::GetAtt" => self.get_att(argument).map(Some),
            "Fn::ImportValue" => self.import(argument).map(Some),
            "Fn::GetAZs" => self.zones().map(Some),
            "Fn::FindInMap" => self.find_in_map(argument).map(Some),
            "Fn::Sub" => self.sub(argument).map(Some),
            "Fn::Join" => self.join(argument).map(Some),
            "Fn::Split" => self.split(argument).map(Some),
            "Fn::Select" => self.select(argument).map(Some),
            "Fn::Length" => self.length(argument).map(Some),
            "Fn::Cidr" => self.cidr(argument).map(Some),
            _ => Err(Unknown::because(format!("{function} isn't evaluated"))),
        };
        let mut result = match result {
            Err(Unknown { param: Some(name), .. }) if self.lenient && is_name(function) => {
                Some(placeholder(&name))
            }
            Ok(Some(Node { kind: NodeKind::Resource(name), .. })) if self.lenient => {
                Some(placeholder(&name))
            }
            other => other?,
        };
        if let Some(node) = &mut result {
            move_to(node, line);
        }
        Ok(result)
    }

    /// The arguments of a function that takes so many, as they are written.
    pub(super) fn arguments<'n>(
        function: &str,
        argument: &'n Node,
        count: std::ops::RangeInclusive<usize>,
    ) -> Result<&'n [Node], Unknown> {
        match &argument.kind {
            NodeKind::List(items) if count.contains(&items.len()) => Ok(items),
            kind => {
                let found = match kind {
                    NodeKind::List(items) => format!("a list of {}", items.len()),
                    kind => describe(kind).to_owned(),
                };
                let (least, most) = (count.start(), count.end());
                let expected =
                    if least == most { format!("{least}") } else { format!("{least} to {most}") };
                let why =
                    format!("the argument of {function} is {found}, not a list of {expected}");
                Err(Unknown::because(why))
            }
        }
    }

    /// A value that must be plain, as text.
    pub(super) fn text(&mut self, node: &Node) -> Result<String, Unknown> {
        match self.value(node) {
            Some(value) => text(value),
            None => Err(Unknown::because("a text is AWS::NoValue")),
        }
    }

    /// A value that must be a list.
    ///
    /// Of an attribute that was given with `--param` nobody knows whether it is one, so it is split
    /// at commas.
    pub(super) fn list(&mut self, node: &Node) -> Result<Vec<Node>, Unknown> {
        let attribute = matches!(node.entries(), [one] if one.key == "Fn::GetAtt");
        match self.value(node).map(|node| node.kind) {
            Some(NodeKind::List(items)) => Ok(items),
            Some(NodeKind::String(text)) if attribute => Ok(comma_list(&text)),
            Some(NodeKind::Unresolved { why, param }) => Err(Unknown { why, param }),
            Some(kind) => Err(Unknown::because(format!("{} stands for a list", describe(&kind)))),
            None => Err(Unknown::because("a list is AWS::NoValue")),
        }
    }

    /// The value of something that has a name, evaluated once.
    ///
    /// Being asked for a name while it is evaluated means that it depends on itself.
    pub(super) fn once(
        &mut self,
        name: &str,
        evaluate: impl FnOnce(&mut Self) -> Result<Node, Unknown>,
    ) -> Result<Node, Unknown> {
        match self.named.get(name) {
            Some(Some(Ok(node))) => {
                let node = node.clone();
                return self.pay(weight(&node)).map(|()| node);
            }
            Some(Some(Err(unknown))) => return Err(unknown.clone()),
            Some(None) => {
                return Err(Unknown::because(format!("{} depends on itself", Shown(name))));
            }
            None => {}
        }
        self.named.insert(name.to_owned(), None);
        let lenient = std::mem::take(&mut self.lenient);
        let value = self.deeper(evaluate);
        self.lenient = lenient;
        self.named.insert(name.to_owned(), Some(value.clone()));
        value
    }

    /// Do something one level deeper.
    pub(super) fn deeper<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, Unknown>,
    ) -> Result<T, Unknown> {
        if self.depth == MAX_DEPTH {
            let why = format!("values lead into each other more than {MAX_DEPTH} deep");
            return Err(Unknown::because(why));
        }
        self.depth += 1;
        let result = work(self);
        self.depth -= 1;
        result
    }

    /// Account for work. Once it is too much it stays so.
    pub(super) fn pay(&mut self, work: usize) -> Result<(), Unknown> {
        self.left = self.left.saturating_sub(work);
        match self.is_exhausted() {
            true => Err(Unknown::because(TOO_MUCH)),
            false => Ok(()),
        }
    }
}

/// The function and its argument, if a map is a call of one.
fn call(entries: &[Entry]) -> Result<Option<(&str, &Node)>, Unknown> {
    if let [Entry { key, value, .. }] = entries
        && (key == "Ref" || key.starts_with("Fn::"))
    {
        return Ok(Some((key, value)));
    }
    match entries.iter().find(|entry| entry.key.starts_with("Fn::")) {
        None => Ok(None),
        Some(entry) => {
            let why = format!("{} has other keys beside it", Shown(&entry.key));
            Err(Unknown::because(why))
        }
    }
}

/// Whether a function stands for one name, which can be shown in its place.
fn is_name(function: &str) -> bool {
    matches!(function, "Ref" | "Fn::GetAtt" | "Fn::ImportValue")
}

/// A name in place of its value.
fn placeholder(name: &str) -> Node {
    Node::new(NodeKind::String(format!("${{{name}}}")))
}

/// The text of a plain value.
pub(super) fn text(node: Node) -> Result<String, Unknown> {
    match node.kind {
        NodeKind::String(text) | NodeKind::Number(text) => Ok(text),
        NodeKind::Bool(truth) => Ok(truth.to_string()),
        NodeKind::Resource(name) => Err(Unknown::id_of(&name)),
        NodeKind::Unresolved { why, param } => Err(Unknown { why, param }),
        kind => Err(Unknown::because(format!("{} stands for a text", describe(&kind)))),
    }
}

/// The values between the commas of a text.
pub(super) fn comma_list(text: &str) -> Vec<Node> {
    text.split(',').map(|item| Node::new(NodeKind::String(item.trim().to_owned()))).collect()
}

/// How much a value weighs: what [`Evaluator::pay`] is owed for making another such.
fn weight(node: &Node) -> usize {
    let inner = match &node.kind {
        NodeKind::List(items) => items.iter().map(weight).sum(),
        NodeKind::Map(entries) => {
            entries.iter().map(|entry| entry.key.len() + weight(&entry.value)).sum()
        }
        NodeKind::String(text) | NodeKind::Number(text) | NodeKind::Resource(text) => text.len(),
        NodeKind::Unresolved { why, .. } => why.len(),
        NodeKind::Null | NodeKind::Bool(_) => 0,
    };
    VALUE + inner
}

/// Give a value and all in it the line of the function that it came from.
fn move_to(node: &mut Node, line: Option<u32>) {
    node.line = line;
    match &mut node.kind {
        NodeKind::List(items) => items.iter_mut().for_each(|item| move_to(item, line)),
        NodeKind::Map(entries) => entries.iter_mut().for_each(|entry| {
            entry.line = line;
            move_to(&mut entry.value, line);
        }),
        _ => {}
    }
}
