//! From JSON to sessions, with every problem and its place.
//!
//! Only the frame of the file is here: the object it is, and the list of sessions in it, which is
//! walked without being kept. What a session consists of is in [`fields`].

mod fields;

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::json::{Json, Tree, is_foreign};
use super::problem::Path;
use super::{MAX_LEN, MAX_SESSIONS, Problems, SCHEMA};
use crate::text::Quoted;
use crate::{KnownSession, Picture};

/// What is expected of those who give the document in place of what is made of it.
const AS_MADE: &str =
    "a sessions file, which `mirror-pcap config show --json` makes of documents of AWS";

/// How many values one session may consist of. The largest ENIs have a few hundred addresses.
const MAX_VALUES: usize = 100_000;

/// Read a sessions file.
///
/// A UTF-8 byte order mark in front is passed over; it is what some editors put there.
///
/// # Errors
///
/// All [`Problems`] at once, each with its place. Where the file stops being JSON, those before are
/// reported too.
pub fn read(bytes: &[u8]) -> Result<Picture, Problems> {
    let mut reading = Reading::default();
    if bytes.len() > MAX_LEN {
        let message = format!("found {} bytes, expected {MAX_LEN} at most", bytes.len());
        reading.problems.stopped(None, message);
        return Err(reading.problems);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let walk = Walk { reading: &mut reading, level: Level::File };
    match walk.deserialize(&mut json).and_then(|()| json.end()) {
        Ok(()) => {
            reading.finish();
            // In the fields that are anybody's, serde_json looks at no text.
            if let Err(error) = str::from_utf8(bytes) {
                reading.stop_at(bytes, error.valid_up_to());
            }
        }
        Err(error) => reading.stop(bytes, &error),
    }
    if reading.problems.is_empty() {
        Ok(Picture::new(reading.sessions))
    } else {
        Err(reading.problems)
    }
}

/// What has been read so far.
#[derive(Default)]
struct Reading {
    problems: Problems,
    sessions: Vec<KnownSession>,
    is_object: bool,
    /// The first field that no sessions file has.
    stranger: Option<String>,
    has_schema: bool,
    has_sessions: bool,
}

impl Reading {
    /// The end of the file has come: say what is missing.
    fn finish(&mut self) {
        if let Some(name) = self.stranger.take_if(|_| !self.has_schema && !self.has_sessions) {
            // Not a sessions file with mistakes but another document.
            self.problems = Problems::default();
            let found = format_args!("a document with a field {}", Quoted(&name));
            self.problems.found(&Path::Root, found, AS_MADE);
            return;
        }
        let missing = |there: bool| self.is_object && !there;
        if missing(self.has_schema) {
            self.problems.found(&Path::Root.field("schema"), "nothing", Quoted(SCHEMA));
        }
        if missing(self.has_sessions) {
            self.problems.found(&Path::Root.field("sessions"), "nothing", "a list");
        }
    }

    /// At this offset there is no UTF-8.
    fn stop_at(&mut self, bytes: &[u8], offset: usize) {
        let before = bytes.get(..offset).unwrap_or_default();
        let lines = before.split(|&byte| byte == b'\n');
        let column = lines.clone().next_back().map_or(0, <[u8]>::len) + 1;
        self.problems.stopped(
            Some((lines.count(), column)),
            "not JSON: invalid unicode code point".to_owned(),
        );
    }

    /// The end of what is JSON has come.
    fn stop(&mut self, bytes: &[u8], error: &serde_json::Error) {
        let (line, column) = (error.line(), error.column());
        let message = error.to_string();
        let place = format!(" at line {line} column {column}");
        let message = message.strip_suffix(&place).unwrap_or(&message);
        let message =
            if error.is_data() { message.to_owned() } else { format!("not JSON: {message}") };
        // A template in YAML begins with a word.
        let begins = bytes.trim_ascii_start().first();
        let is_other = error.is_syntax() && !matches!(begins, Some(b'{' | b'['));
        let message = if is_other { format!("{message}; expected {AS_MADE}") } else { message };
        self.problems.stopped(Some((line, column)), message);
    }

    /// Read a field of the file; its value comes next.
    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        fields: &mut A,
    ) -> Result<(), A::Error> {
        let again = match name {
            "schema" => std::mem::replace(&mut self.has_schema, true),
            "sessions" => std::mem::replace(&mut self.has_sessions, true),
            _ => false,
        };
        match name {
            "schema" | "sessions" if again => {
                let path = Path::Root;
                self.problems.found(&path.field(name), "the field again", "it once");
            }
            "schema" => {
                let mut left = MAX_VALUES;
                let value = fields.next_value_seed(Tree { left: &mut left })?;
                if !matches!(&value, Json::Text(text) if text == SCHEMA) {
                    self.problems.found(&Path::Root.field(name), value, Quoted(SCHEMA));
                }
                return Ok(());
            }
            "sessions" => {
                return fields.next_value_seed(Walk { reading: self, level: Level::Sessions });
            }
            name if is_foreign(name) => {}
            name => {
                self.stranger.get_or_insert_with(|| name.to_owned());
                fields::unknown(&Path::Root, name, &["schema", "sessions"], &mut self.problems);
            }
        }
        fields.next_value::<IgnoredAny>().map(|_| ())
    }
}

/// What is read next.
#[derive(Clone, Copy)]
enum Level {
    /// The file: an object.
    File,
    /// Its field `sessions`: a list.
    Sessions,
}

struct Walk<'r> {
    reading: &'r mut Reading,
    level: Level,
}

impl Walk<'_> {
    /// There is something else in this place.
    fn other<E>(self, found: &Json) -> Result<(), E> {
        let problems = &mut self.reading.problems;
        match self.level {
            Level::File => problems.found(&Path::Root, found, "an object"),
            Level::Sessions => problems.found(&Path::Root.field("sessions"), found, "a list"),
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sessions file")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        if let Level::Sessions = self.level {
            while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return self.other(&Json::Object(Vec::new()));
        }
        self.reading.is_object = true;
        while let Some(name) = fields.next_key::<String>()? {
            self.reading.field(&name, &mut fields)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        if let Level::File = self.level {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return self.other(&Json::List(Vec::new()));
        }
        let Reading { problems, sessions, .. } = self.reading;
        for n in 0.. {
            let mut left = MAX_VALUES;
            let Some(json) = items.next_element_seed(Tree { left: &mut left })? else { break };
            if n >= MAX_SESSIONS {
                return Err(A::Error::custom(format!("found more than {MAX_SESSIONS} sessions")));
            }
            let path = Path::Root.field("sessions");
            sessions.extend(fields::session(json, &path.item(n), problems));
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.other(&Json::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<(), E> {
        self.other(&Json::Bool(truth))
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.other(&Json::Natural(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.other(&Json::Number(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.other(&Json::Number(format!("{number:?}")))
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.other(&Json::Text(text.to_owned()))
    }
}
