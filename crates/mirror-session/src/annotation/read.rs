//! Reading an annotation: one pass, strict, and cheap to refuse.
//!
//! Strict, because an annotation decides whether a packet is ever stripped again: a comment that
//! merely resembles one must not keep a packet wrapped, and a line that two readers could
//! understand differently (a key given twice, a value that doesn't fit) must be none for both. What
//! is tolerated is named in [`Annotation::parse`](super::Annotation::parse).
//!
//! The text is hostile: it may be 65,535 bytes of pairs. Each byte is looked at a fixed number of
//! times, and the unknown keys, which have to be remembered to find one given twice, are kept in a
//! sorted set.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use mirror_wire::Vni;

use super::{Annotation, MAX_LINE, PREFIX};
use crate::text::{is_bare, is_printable};

/// Why a text is no annotation. `at` counts bytes from the beginning of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotAnnotation {
    /// It doesn't begin with `vpcmirror: `. So it is an ordinary comment.
    NoPrefix,
    /// It is longer than an option can be.
    TooLong {
        /// Its length in bytes, without the NUL bytes at its end.
        len: usize,
    },
    /// The grammar wants something else here.
    Malformed {
        /// Where.
        at: usize,
        /// What the grammar wants.
        expected: &'static str,
        /// The byte that is there instead, `None` at the end.
        found: Option<u8>,
    },
    /// A quoted value has an escape that JSON doesn't have, or half of a surrogate pair.
    BadEscape {
        /// Where the value begins.
        at: usize,
    },
    /// A key was given before, known or not.
    Duplicate {
        /// Where it is given again.
        at: usize,
    },
    /// The value of a known key isn't of its type.
    Unfit {
        /// Where the value begins.
        at: usize,
        /// The key.
        key: &'static str,
        /// What the value of that key is.
        expected: &'static str,
    },
    /// A key without which there is no session.
    Missing {
        /// The key, `vni` or `source`.
        key: &'static str,
    },
}

impl fmt::Display for NotAnnotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            NotAnnotation::NoPrefix => write!(f, "byte 0: expected {PREFIX:?}"),
            NotAnnotation::TooLong { len } => {
                write!(f, "annotation of {len} bytes, but one has {MAX_LINE} at most")
            }
            NotAnnotation::Malformed { at, expected, found } => {
                write!(f, "byte {at}: expected {expected}, found ")?;
                match found {
                    None => f.write_str("the end"),
                    Some(byte) if is_printable(byte) => write!(f, "{:?}", char::from(byte)),
                    Some(byte) => write!(f, "0x{byte:02x}"),
                }
            }
            NotAnnotation::BadEscape { at } => {
                write!(f, "byte {at}: quoted value has an escape that is none in JSON")
            }
            NotAnnotation::Duplicate { at } => write!(f, "byte {at}: key was given before"),
            NotAnnotation::Unfit { at, key, expected } => {
                write!(f, "byte {at}: {key} is not {expected}")
            }
            NotAnnotation::Missing { key } => write!(f, "annotation without {key}"),
        }
    }
}

impl std::error::Error for NotAnnotation {}

pub(super) fn parse(text: &[u8]) -> Result<Annotation, NotAnnotation> {
    if !text.starts_with(PREFIX.as_bytes()) {
        return Err(NotAnnotation::NoPrefix);
    }
    let mut line = text;
    while let [shorter @ .., 0] = line {
        line = shorter;
    }
    if line.len() > MAX_LINE {
        return Err(NotAnnotation::TooLong { len: line.len() });
    }

    let mut cursor = Cursor { line, at: PREFIX.len() };
    let (mut vni, mut source) = (None, None);
    let (mut session, mut name, mut number, mut eni) = (None, None, None, None);
    let (mut target, mut filter, mut endpoint) = (None, None, None);
    let (mut direction, mut cut_from, mut on) = (None, None, None);
    let mut unknown = BTreeSet::new();
    loop {
        let pair = cursor.pair()?;
        match pair.key {
            b"vni" => {
                let value = pair.decimal().and_then(Vni::new);
                pair.keep(&mut vni, value, "vni", "a number below 16777216")?;
            }
            b"source" => {
                let value = pair.value.parse().ok();
                pair.keep(&mut source, value, "source", "an IP address")?;
            }
            b"session" => pair.keep_text(&mut session)?,
            b"name" => pair.keep_text(&mut name)?,
            b"number" => {
                let value = pair.decimal().and_then(|number| u16::try_from(number).ok());
                pair.keep(&mut number, value, "number", "a number below 65536")?;
            }
            b"eni" => pair.keep_text(&mut eni)?,
            b"target" => pair.keep_text(&mut target)?,
            b"filter" => pair.keep_text(&mut filter)?,
            b"endpoint" => {
                let value = pair.value.parse().ok();
                pair.keep(&mut endpoint, value, "endpoint", "vpce- and hexadecimal digits")?;
            }
            b"direction" => {
                let value = pair.value.parse().ok();
                pair.keep(&mut direction, value, "direction", "ingress or egress")?;
            }
            b"cut_from" => {
                let value = pair.decimal();
                pair.keep(&mut cut_from, value, "cut_from", "a number below 4294967296")?;
            }
            b"on" => pair.keep_text(&mut on)?,
            _ => pair.first(unknown.insert(pair.key))?,
        }
        if cursor.peek().is_none() {
            break;
        }
        cursor.take(b' ', "a space")?;
    }

    Ok(Annotation {
        vni: vni.ok_or(NotAnnotation::Missing { key: "vni" })?,
        source: source.ok_or(NotAnnotation::Missing { key: "source" })?,
        session,
        name,
        number,
        eni,
        target,
        filter,
        endpoint,
        direction,
        cut_from,
        on,
    })
}

/// One `key=value`, the value without its quotes and escapes.
struct Pair<'a> {
    key: &'a [u8],
    key_at: usize,
    value: Cow<'a, str>,
    value_at: usize,
}

impl Pair<'_> {
    /// A number written in the one way there is: digits, and no zero before them.
    fn decimal(&self) -> Option<u32> {
        let digits = self.value.as_ref();
        let plain = digits == "0" || !digits.starts_with(['0', '+']);
        digits.parse().ok().filter(|_| plain)
    }

    /// Keep `value` (`None` if the text doesn't fit), unless the key was given before.
    fn keep<T>(
        &self,
        slot: &mut Option<T>,
        value: Option<T>,
        key: &'static str,
        expected: &'static str,
    ) -> Result<(), NotAnnotation> {
        self.first(slot.is_none())?;
        let unfit = NotAnnotation::Unfit { at: self.value_at, key, expected };
        *slot = Some(value.ok_or(unfit)?);
        Ok(())
    }

    /// Keep the value as it is: every text fits.
    fn keep_text(self, slot: &mut Option<String>) -> Result<(), NotAnnotation> {
        self.first(slot.is_none())?;
        *slot = Some(self.value.into_owned());
        Ok(())
    }

    /// Refuse the pair unless it is the first of its key.
    fn first(&self, is_first: bool) -> Result<(), NotAnnotation> {
        if is_first { Ok(()) } else { Err(NotAnnotation::Duplicate { at: self.key_at }) }
    }
}

/// A place in the line.
struct Cursor<'a> {
    line: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    fn malformed(&self, expected: &'static str) -> NotAnnotation {
        NotAnnotation::Malformed { at: self.at, expected, found: self.peek() }
    }

    fn take(&mut self, byte: u8, expected: &'static str) -> Result<(), NotAnnotation> {
        if self.peek() != Some(byte) {
            return Err(self.malformed(expected));
        }
        self.at += 1;
        Ok(())
    }

    /// Go to the first byte that isn't `wanted`, and return what was passed.
    fn run(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.line.get(self.at..).unwrap_or_default();
        let len = rest.iter().position(|&byte| !wanted(byte)).unwrap_or(rest.len());
        self.at += len;
        rest.get(..len).unwrap_or_default()
    }

    fn pair(&mut self) -> Result<Pair<'a>, NotAnnotation> {
        let key_at = self.at;
        if !matches!(self.peek(), Some(b'a'..=b'z' | b'_')) {
            return Err(self.malformed("a key"));
        }
        let key = self.run(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        self.take(b'=', "'='")?;
        let value_at = self.at;
        let value = if self.peek() == Some(b'"') { self.quoted()? } else { self.bare()? };
        Ok(Pair { key, key_at, value, value_at })
    }

    fn bare(&mut self) -> Result<Cow<'a, str>, NotAnnotation> {
        match str::from_utf8(self.run(is_bare)) {
            Ok(value) if !value.is_empty() => Ok(Cow::Borrowed(value)),
            _ => Err(self.malformed("a value")),
        }
    }

    /// A JSON string of printable ASCII. Without a backslash in it, it is what it says.
    fn quoted(&mut self) -> Result<Cow<'a, str>, NotAnnotation> {
        let start = self.at;
        self.take(b'"', "'\"'")?;
        let plain = self.run(|byte| is_printable(byte) && !matches!(byte, b'"' | b'\\'));
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(String::from_utf8_lossy(plain));
        }
        while self.peek() == Some(b'\\') {
            self.at += 1;
            if !self.peek().is_some_and(is_printable) {
                return Err(self.malformed("an escape"));
            }
            self.at += 1;
            self.run(|byte| is_printable(byte) && !matches!(byte, b'"' | b'\\'));
        }
        self.take(b'"', "printable ASCII or '\"'")?;

        let literal = self.line.get(start..self.at).unwrap_or_default();
        match serde_json::from_slice(literal) {
            Ok(value) => Ok(Cow::Owned(value)),
            Err(_) => Err(NotAnnotation::BadEscape { at: start }),
        }
    }
}
