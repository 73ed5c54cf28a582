//! The line of text that says which session a frame came from.
//!
//! ```text
//! vpcmirror: vni=308308 source=10.0.1.15 session=tms-0a1b name="web 1" direction=egress
//! ```
//!
//! The same line describes a capture interface (with `on`, the interface it arrived on) and
//! comments a packet, and more than one program reads it back: the command, so as never to strip
//! twice, and the dissector. So writing and reading stand side by side here.
//!
//! Names in it come from people's tags and from packets, and the line ends in terminals, in scripts
//! and in Wireshark's columns. So a line is printable ASCII whatever the names are: a value is bare
//! if it is one or more of `[A-Za-z0-9._:/@+-]`, else a JSON string with everything outside
//! printable ASCII escaped. There is no way to write a line break, a control character or a
//! character that changes the direction of text. What isn't known is absent; `on` comes last.

mod read;

use std::fmt::{self, Write};
use std::net::IpAddr;

use mirror_wire::{Endpoint, Vni};

pub use read::NotAnnotation;

use crate::text::{is_bare, is_printable, push_escaped};
use crate::{Direction, SessionKey};

/// What every annotation begins with, before the first key.
const PREFIX: &str = "vpcmirror: ";

/// The longest text that an option of a pcapng block can carry, in bytes: its length is a 16-bit
/// field (draft-ietf-opsawg-pcapng, section 3.5).
const MAX_LINE: usize = 65_535;

/// The longest text value that is written, in characters.
const MAX_VALUE_CHARS: usize = 1_024;

/// The longest text value that is written, in bytes as written.
///
/// Only a value of more than 833 characters, most of them outside the Basic Multilingual Plane (12
/// bytes each when escaped), gets that far. Six such values leave room for the rest in
/// [`MAX_LINE`].
const MAX_VALUE_LEN: usize = 10_000;

/// What is known of the session that a frame came from, and of the frame in it.
///
/// `vni`, `source` and `endpoint` come from the wrapper; `session`, `name`, `number`, `eni`,
/// `target` and `filter` are what documents say of that session; `direction` and `cut_from` are of
/// one frame; `on` is of an interface. `None` is unknown, and isn't written.
///
/// Its text ([`Display`](fmt::Display)) is the whole line. Read back it is the same annotation, as
/// long as every text has at most 1,024 characters. A longer one is cut to that when written, and
/// to 10,000 bytes as written, between two characters; so every line fits an option of 65,535
/// bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Annotation {
    /// The VXLAN network identifier.
    pub vni: Vni,
    /// Source address of the IP header right outside VXLAN.
    pub source: IpAddr,
    /// The session's id, `tms-…`.
    pub session: Option<String>,
    /// The session's name, from its tag `Name` or its place in a template.
    pub name: Option<String>,
    /// The session number, by which the source ENI's sessions are ordered.
    pub number: Option<u16>,
    /// The source ENI's id, `eni-…`.
    pub eni: Option<String>,
    /// The mirror target's id, `tmt-…`.
    pub target: Option<String>,
    /// The mirror filter's id, `tmf-…`.
    pub filter: Option<String>,
    /// The Gateway Load Balancer endpoint that the frame came through.
    pub endpoint: Option<Endpoint>,
    /// Which way the frame went, seen from the source ENI.
    pub direction: Option<Direction>,
    /// Bytes that the frame had before the session cut it.
    pub cut_from: Option<u32>,
    /// The name of the interface that the session's packets arrived on.
    pub on: Option<String>,
}

/// How much a packet's comment repeats of what its interface says already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// `vni`, `source`, `session` and `name`.
    Short,
    /// All keys.
    Full,
}

impl Annotation {
    /// What the wrapper alone tells of a session.
    pub fn of(key: &SessionKey) -> Annotation {
        Annotation {
            vni: key.vni,
            source: key.source,
            session: None,
            name: None,
            number: None,
            eni: None,
            target: None,
            filter: None,
            endpoint: key.endpoint,
            direction: None,
            cut_from: None,
            on: None,
        }
    }

    /// The session that it speaks of.
    ///
    /// A line of [`Detail::Short`] has no endpoint, so read back it gives a key without one.
    pub fn key(&self) -> SessionKey {
        SessionKey { endpoint: self.endpoint, source: self.source, vni: self.vni }
    }

    /// Read one comment or interface description.
    ///
    /// Keys may come in any order, and unknown keys are passed over. NUL bytes at the end are too:
    /// some writers end comments with one. A text of 65,535 bytes costs time in proportion, and an
    /// ordinary comment is refused at its first bytes.
    ///
    /// # Errors
    ///
    /// [`NotAnnotation`] says what is wrong and at which byte. It is no fault of the capture:
    /// comments may say anything.
    pub fn parse(text: &[u8]) -> Result<Annotation, NotAnnotation> {
        read::parse(text)
    }

    /// The last of a packet's comments that is an annotation.
    ///
    /// The last, because each program that rewrites a packet adds its comment behind the others.
    pub fn last_valid<'a>(comments: impl Iterator<Item = &'a [u8]>) -> Option<Annotation> {
        comments.filter_map(|comment| Annotation::parse(comment).ok()).last()
    }

    /// The name of the session's capture interface: the session's id, else the key's text.
    ///
    /// An id that is no printable ASCII of 1 to 1,024 characters is no id that AWS gave, and would
    /// reach terminals as it is; the key's text stands in for it.
    pub fn interface_name(&self) -> String {
        match &self.session {
            Some(id)
                if (1..=MAX_VALUE_CHARS).contains(&id.len()) && id.bytes().all(is_printable) =>
            {
                id.clone()
            }
            _ => self.key().to_string(),
        }
    }

    /// The part of the line that all frames of a session share: from its beginning to before
    /// `direction`.
    ///
    /// With [`push_tail`](Annotation::push_tail) behind it, it is a packet's comment.
    pub fn head(&self, detail: Detail) -> String {
        let full = detail == Detail::Full;
        let mut out = String::from(PREFIX);
        // Writing to a String can't fail.
        let _ = write!(out, "vni={} source={}", self.vni, self.source);
        push_text(&mut out, " session=", self.session.as_deref());
        push_text(&mut out, " name=", self.name.as_deref());
        if let Some(number) = self.number.filter(|_| full) {
            let _ = write!(out, " number={number}");
        }
        push_text(&mut out, " eni=", self.eni.as_deref().filter(|_| full));
        push_text(&mut out, " target=", self.target.as_deref().filter(|_| full));
        push_text(&mut out, " filter=", self.filter.as_deref().filter(|_| full));
        if let Some(endpoint) = self.endpoint.filter(|_| full) {
            let _ = write!(out, " endpoint={endpoint}");
        }
        out
    }

    /// Append what is of one frame to a line begun with [`head`](Annotation::head).
    ///
    /// This runs for every packet, so it allocates nothing but `out`'s growth (at most 38 bytes).
    pub fn push_tail(out: &mut Vec<u8>, direction: Option<Direction>, cut_from: Option<u32>) {
        match direction {
            None => {}
            Some(Direction::Ingress) => out.extend_from_slice(b" direction=ingress"),
            Some(Direction::Egress) => out.extend_from_slice(b" direction=egress"),
        }
        if let Some(len) = cut_from {
            out.extend_from_slice(b" cut_from=");
            push_decimal(out, len);
        }
    }
}

impl fmt::Display for Annotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tail = Vec::new();
        Annotation::push_tail(&mut tail, self.direction, self.cut_from);
        let mut on = String::new();
        push_text(&mut on, " on=", self.on.as_deref());

        f.write_str(&self.head(Detail::Full))?;
        f.write_str(&String::from_utf8_lossy(&tail))?;
        f.write_str(&on)
    }
}

/// A text as it stands behind a key of an annotation: bare if it can be, else quoted; for lines that
/// are like one.
#[derive(Clone, Copy, Debug)]
pub struct AnnotationText<'a>(pub &'a str);

impl fmt::Display for AnnotationText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        push_text(&mut out, "", Some(self.0));
        f.write_str(&out)
    }
}

/// Append `key` (with its space and equals sign) and the value, if there is one.
fn push_text(out: &mut String, key: &str, value: Option<&str>) {
    let Some(value) = value else { return };
    out.push_str(key);
    let end = value.char_indices().nth(MAX_VALUE_CHARS).map_or(value.len(), |(end, _)| end);
    let value = value.get(..end).unwrap_or(value);
    if !value.is_empty() && value.bytes().all(is_bare) {
        out.push_str(value);
    } else {
        push_quoted(out, value);
    }
}

/// Append `value` as a JSON string of printable ASCII.
fn push_quoted(out: &mut String, value: &str) {
    let limit = out.len() + MAX_VALUE_LEN - 1;
    out.push('"');
    for character in value.chars() {
        let before = out.len();
        let _ = push_escaped(out, character);
        if out.len() > limit {
            out.truncate(before);
            break;
        }
    }
    out.push('"');
}

/// Append a number without the machinery of `fmt`.
fn push_decimal(out: &mut Vec<u8>, mut number: u32) {
    let mut digits = [0; 10];
    let mut unused = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        unused -= 1;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(unused..).unwrap_or_default());
}

#[cfg(test)]
mod tests;
