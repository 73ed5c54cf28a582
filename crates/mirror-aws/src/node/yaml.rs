//! YAML into a tree, from saphyr's events.
//!
//! Not by saphyr's loader: it recurses once for each level that a document nests, so a line of
//! hyphens overflows the stack, and it stops at the first duplicate key. The events come one at a
//! time from a parser that is a state machine; the levels stand in a list here, at most 128 of them.
//!
//! Three things a document can say need care:
//!
//! * **Aliases** copy what they name. A few lines of aliases to lists of aliases would fill any
//!   memory, so the copies of one document have a budget in bytes.
//! * **Tags** are functions in CloudFormation. A local tag becomes a map of one key, the long form
//!   of the function, with the line of the value. The core schema's tags (`!!str`) say of which type
//!   a scalar is.
//! * **Merge keys** (`<<`) are refused, as CloudFormation does: a person who wrote one expects keys
//!   that the template does not have.

use std::cell::Cell;
use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::{Budget, Entry, MAX_DEPTH, Node, NodeKind, Refusal};
use crate::problem::Shown;

/// How many bytes all copies of anchored values may take.
const MAX_COPIED: usize = 64 << 20;

/// How many characters the parser may take in before it gives an event. A list or map in brackets may
/// turn out to be a key for as long as it goes on, so the parser keeps all of it, about 140 bytes for
/// each character. CloudFormation takes templates of a million bytes, and what AWS prints as YAML is
/// not in brackets.
pub(super) const MAX_AHEAD: usize = 512 << 10;

/// The handle of the core schema's tags, as the parser spells it.
const CORE: &str = "tag:yaml.org,2002:";

/// What plain scalars (without quotes or tag) mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalars {
    /// The core schema of YAML 1.2.
    Core,
    /// What CloudFormation takes them for, which reads YAML 1.1: `yes` and `off` are truth values,
    /// and `010` is 8.
    CloudFormation,
}

/// Read a stream of one document; one that is empty is null.
pub(super) fn read(bytes: &[u8], scalars: Scalars) -> Result<Node, Refusal> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        (u32::try_from(line).ok(), "found bytes that are not UTF-8, expected text".to_owned())
    })?;
    let left = Cell::new(MAX_AHEAD);
    let ahead = || left.get().checked_sub(1).map(|less| left.set(less));
    // An input that ends too early is an error or an event, and either comes at once.
    let mut characters = text.chars();
    let input = std::iter::from_fn(|| ahead().and_then(|()| characters.next()));
    let mut parser = Parser::new_from_iter(input);
    let mut builder = Builder::new(scalars);
    loop {
        let event = parser.next_event();
        if left.get() == 0 {
            let message = format!(
                "found a list, map or text of more than {MAX_AHEAD} characters, expected less"
            );
            return Err((builder.line, message));
        }
        left.set(MAX_AHEAD);
        match event {
            Some(Ok((Event::StreamEnd, _))) | None => break,
            Some(Ok((event, span))) => {
                let line = line(span);
                builder.line = line;
                builder.event(event, line).map_err(|message| (line, message))?;
            }
            Some(Err(error)) => {
                let line = u32::try_from(error.marker().line()).ok().filter(|&line| line > 0);
                return Err((line, format!("not YAML: {}", error.info())));
            }
        }
    }
    Ok(builder.root.unwrap_or_else(|| Node::new(NodeKind::Null)))
}

fn line(span: Span) -> Option<u32> {
    u32::try_from(span.start.line()).ok().filter(|&line| line > 0)
}

/// A list or map whose end hasn't come.
struct Open {
    inside: Inside,
    line: Option<u32>,
    anchor: usize,
    function: Option<String>,
}

enum Inside {
    List(Vec<Node>),
    /// The entries, and the key whose value comes next with its line.
    Map(Vec<Entry>, Option<(String, Option<u32>)>),
}

struct Builder {
    scalars: Scalars,
    /// Where the last event was.
    line: Option<u32>,
    open: Vec<Open>,
    root: Option<Node>,
    /// Each with its size.
    anchors: HashMap<usize, (Node, Size)>,
    budget: Budget,
    copies_left: usize,
}

impl Builder {
    fn new(scalars: Scalars) -> Builder {
        Builder {
            scalars,
            line: None,
            open: Vec::new(),
            root: None,
            anchors: HashMap::new(),
            budget: Budget::new(),
            copies_left: MAX_COPIED,
        }
    }

    /// Take in one event. The error is a message about its line.
    fn event(&mut self, event: Event<'_>, line: Option<u32>) -> Result<(), String> {
        match event {
            Event::DocumentStart(_) if self.root.is_some() => {
                Err("found a second document, expected one".to_owned())
            }
            Event::SequenceStart(anchor, tag) => {
                self.begin(Inside::List(Vec::new()), line, anchor, tag.as_deref())
            }
            Event::MappingStart(anchor, tag) => {
                self.begin(Inside::Map(Vec::new(), None), line, anchor, tag.as_deref())
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(Open { inside, line, anchor, function }) = self.open.pop() else {
                    return Ok(());
                };
                let kind = match inside {
                    Inside::List(mut items) => {
                        items.shrink_to_fit();
                        NodeKind::List(items)
                    }
                    Inside::Map(mut entries, _) => {
                        entries.shrink_to_fit();
                        NodeKind::Map(entries)
                    }
                };
                self.value(Node { kind, line }, anchor, function)
            }
            Event::Scalar(text, style, anchor, tag) => {
                let (mut kind, function) = scalar(&text, style, tag.as_deref())?;
                let is_plain = style == ScalarStyle::Plain && tag.is_none();
                // A key is a name, and as a name it is written everywhere.
                if is_plain && self.scalars == Scalars::CloudFormation && !self.is_at_key() {
                    kind = cloudformation(kind);
                }
                self.value(Node { kind, line }, anchor, function)
            }
            Event::Alias(anchor) => {
                let Some(anchored) = self.anchors.get(&anchor) else {
                    return Err("found an alias within what it stands for, expected one after it"
                        .to_owned());
                };
                let (copy, size) = (anchored.0.clone(), anchored.1);
                self.copied(size.bytes)?;
                // Aliases of lists of aliases would nest without end too, and a tree is walked and
                // dropped by recursion.
                self.check_depth(size.depth)?;
                self.place(copy)
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn begin(
        &mut self,
        inside: Inside,
        line: Option<u32>,
        anchor: usize,
        tag: Option<&Tag>,
    ) -> Result<(), String> {
        self.check_depth(1)?;
        let function = tag.and_then(function);
        self.open.push(Open { inside, line, anchor, function });
        Ok(())
    }

    /// Whether lists and maps may nest `more` levels deeper here.
    fn check_depth(&self, more: usize) -> Result<(), String> {
        if self.open.len() + more > MAX_DEPTH {
            return Err(format!("found values nested deeper than {MAX_DEPTH}, expected less"));
        }
        Ok(())
    }

    /// A value is complete but for its tag and anchor.
    fn value(&mut self, node: Node, anchor: usize, function: Option<String>) -> Result<(), String> {
        self.budget.take()?;
        let line = node.line;
        let node = match function {
            Some(key) => {
                self.budget.take()?;
                let entries = vec![Entry { key, line, value: node }];
                Node { kind: NodeKind::Map(entries), line }
            }
            None => node,
        };
        // 0 is no anchor.
        if anchor > 0 {
            let size = size(&node);
            self.copied(size.bytes)?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        self.place(node)
    }

    /// Whether the next value is the key of a map.
    fn is_at_key(&self) -> bool {
        let inside = self.open.last().map(|open| &open.inside);
        matches!(inside, Some(Inside::Map(_, None)))
    }

    fn copied(&mut self, weight: usize) -> Result<(), String> {
        match self.copies_left.checked_sub(weight) {
            Some(left) => {
                self.copies_left = left;
                Ok(())
            }
            None => {
                Err(format!("found aliases that copy more than {MAX_COPIED} bytes, expected fewer"))
            }
        }
    }

    /// A value is complete: it goes into the list or map around it.
    fn place(&mut self, node: Node) -> Result<(), String> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.inside {
            Inside::List(items) => items.push(node),
            Inside::Map(entries, key) => match key.take() {
                Some((key, line)) => entries.push(Entry { key, line, value: node }),
                None => *key = Some((key_text(node.kind)?, node.line)),
            },
        }
        Ok(())
    }
}

/// The key that a value is.
fn key_text(kind: NodeKind) -> Result<String, String> {
    match kind {
        NodeKind::String(text) if text == "<<" => {
            Err("found the merge key <<, expected the keys themselves".to_owned())
        }
        NodeKind::String(text) | NodeKind::Number(text) => Ok(text),
        NodeKind::Bool(value) => Ok(value.to_string()),
        NodeKind::Null => Ok("null".to_owned()),
        NodeKind::List(_)
        | NodeKind::Map(_)
        | NodeKind::Resource(_)
        | NodeKind::Unresolved { .. } => {
            Err("found a list, a map or a tag as a key, expected a text".to_owned())
        }
    }
}

/// What a scalar is, and the function that its tag names.
fn scalar(
    text: &str,
    style: ScalarStyle,
    tag: Option<&Tag>,
) -> Result<(NodeKind, Option<String>), String> {
    let string = || NodeKind::String(text.to_owned());
    let Some(tag) = tag else {
        return Ok((if style == ScalarStyle::Plain { plain(text) } else { string() }, None));
    };
    if tag.handle != CORE {
        return Ok((string(), function(tag)));
    }
    let kind = plain(text);
    let agrees = match tag.suffix.as_str() {
        "null" => matches!(kind, NodeKind::Null),
        "bool" => matches!(kind, NodeKind::Bool(_)),
        "int" | "float" => matches!(kind, NodeKind::Number(_)),
        // `!!str` and what JSON has no type for (`!!binary`, `!!timestamp`) are their text.
        _ => return Ok((string(), None)),
    };
    if agrees {
        Ok((kind, None))
    } else {
        Err(format!("found a scalar that is no !!{}", tag.suffix))
    }
}

/// The long form of the function that a tag names, none for a tag of the core schema.
fn function(tag: &Tag) -> Option<String> {
    // `! x` says that x is a string, and nothing else.
    let is_mark = tag.handle.is_empty() && tag.suffix == "!" || tag.suffix.is_empty();
    if tag.handle == CORE || is_mark {
        return None;
    }
    // Every function is `Fn::` and its name but these two.
    Some(match (tag.handle.as_str(), tag.suffix.as_str()) {
        ("!", "Ref" | "Condition") => tag.suffix.clone(),
        ("!", suffix) => format!("Fn::{suffix}"),
        (handle, suffix) => format!("{handle}{suffix}"),
    })
}

/// What CloudFormation takes a plain scalar for. Some numbers come out as others there (`010` as 8),
/// and how they become texts again is not documented, so they can't be known.
fn cloudformation(kind: NodeKind) -> NodeKind {
    let (NodeKind::String(text) | NodeKind::Number(text)) = &kind else { return kind };
    let is = |words: [&str; 2]| words.iter().any(|word| cased(text, word));
    match text {
        _ if is(["yes", "on"]) => NodeKind::Bool(true),
        _ if is(["no", "off"]) => NodeKind::Bool(false),
        _ if is_old_number(text) => {
            let why = format!(
                "{} without quotes is another number to CloudFormation; put it in quotes, or write \
                 it in decimal",
                Shown(text)
            );
            NodeKind::Unresolved { why, param: None }
        }
        _ => kind,
    }
}

/// Whether a text is a word of YAML 1.1: in small letters, in large ones, or with a large one first.
fn cased(text: &str, word: &str) -> bool {
    let (first, rest) = word.split_at(1);
    text == word
        || text == word.to_ascii_uppercase()
        || text.strip_prefix(first.to_ascii_uppercase().as_str()) == Some(rest)
}

/// Whether a plain scalar is a number of YAML 1.1 (<https://yaml.org/type/int.html>,
/// <https://yaml.org/type/float.html>) that isn't written in decimal: octal, hexadecimal, binary,
/// with underscores or a plus, or in base 60.
fn is_old_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let all = |text: &str, digits: &[u8]| {
        !text.is_empty() && text.bytes().all(|byte| digits.contains(&byte))
    };
    if let Some(digits) = unsigned.strip_prefix("0x") {
        return all(digits, b"0123456789abcdefABCDEF_");
    }
    if let Some(digits) = unsigned.strip_prefix("0b") {
        return all(digits, b"01_");
    }
    if let Some(digits) = unsigned.strip_prefix('0')
        && all(digits, b"01234567_")
    {
        return true;
    }
    let begins = unsigned.starts_with(|c: char| c.is_ascii_digit());
    let underscored = begins && unsigned.contains('_') && all(unsigned, b"0123456789_.");
    let plus = text.starts_with('+') && is_number(unsigned);
    underscored || plus || is_base_60(unsigned)
}

/// Whether a text is a number in base 60, as `1:30` or `1:30.5`.
fn is_base_60(text: &str) -> bool {
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    let mut parts = whole.split(':');
    let first = parts.next().unwrap_or_default();
    let is_first = first.starts_with(|c: char| c.is_ascii_digit())
        && first.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let mut count = 0;
    let rest = parts.all(|part| {
        count += 1;
        matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9'])
    });
    is_first && rest && count > 0
}

/// What a plain scalar without a tag is, by the core schema of YAML 1.2 (section 10.3.2). Words
/// that were booleans in YAML 1.1 (`yes`, `on`) are texts, as are its dates.
fn plain(text: &str) -> NodeKind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => NodeKind::Null,
        "true" | "True" | "TRUE" => NodeKind::Bool(true),
        "false" | "False" | "FALSE" => NodeKind::Bool(false),
        _ if is_number(text) => NodeKind::Number(text.to_owned()),
        _ => NodeKind::String(text.to_owned()),
    }
}

/// Whether a plain scalar is an integer or a decimal fraction of the core schema. Octal,
/// hexadecimal, infinity and the like stay texts: nothing here is written so.
fn is_number(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_is_number = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent_is_number
}

/// How large a value is.
#[derive(Clone, Copy)]
struct Size {
    /// About how many bytes it takes.
    bytes: usize,
    /// How many levels of lists and maps it has.
    depth: usize,
}

fn size(node: &Node) -> Size {
    let mut all = Size { bytes: size_of::<Node>(), depth: 0 };
    let mut add = |key: &str, node: &Node| {
        let inside = size(node);
        all.bytes = all.bytes.saturating_add(inside.bytes).saturating_add(key.len());
        all.depth = all.depth.max(inside.depth + 1);
    };
    match &node.kind {
        NodeKind::Number(text) | NodeKind::String(text) => all.bytes += text.len(),
        NodeKind::List(items) => items.iter().for_each(|item| add("", item)),
        NodeKind::Map(entries) => {
            entries.iter().for_each(|entry| add(&entry.key, &entry.value));
        }
        NodeKind::Null
        | NodeKind::Bool(_)
        | NodeKind::Resource(_)
        | NodeKind::Unresolved { .. } => {}
    }
    all
}
