//! One JSON value as it stands in the file.
//!
//! Not `serde_json::Value`, which keeps only the last of two fields with one name: of a name that
//! is given twice the reader has to say so. Fields that begin with `x-` are passed over here
//! already; they may hold anything, of any size.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::text::Quoted;

/// Any value.
pub(super) enum Json {
    Null,
    Bool(bool),
    Natural(u64),
    /// Any other number, as text.
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// As a message names what was found.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Json::Null => f.write_str("null"),
            Json::Bool(truth) => truth.fmt(f),
            Json::Natural(number) => number.fmt(f),
            Json::Number(number) => f.write_str(number),
            Json::Text(text) => Quoted(text).fmt(f),
            Json::List(_) => f.write_str("a list"),
            Json::Object(_) => f.write_str("an object"),
        }
    }
}

/// Whether a field of this name is anybody's, and not read.
pub(super) fn is_foreign(field: &str) -> bool {
    field.starts_with("x-")
}

/// Reads a value that consists of so many values at most.
pub(super) struct Tree<'l> {
    pub(super) left: &'l mut usize,
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        let more = self.left.checked_sub(1);
        *self.left =
            more.ok_or_else(|| D::Error::custom("found too many values in one session"))?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Json, E> {
        Ok(Json::Bool(truth))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Natural(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        // The other form writes 1e300 with all its zeros.
        Ok(Json::Number(format!("{number:?}")))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Tree { left: self.left })? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Json, A::Error> {
        let mut object = Vec::new();
        while let Some(name) = fields.next_key::<String>()? {
            if is_foreign(&name) {
                fields.next_value::<IgnoredAny>()?;
            } else {
                object.push((name, fields.next_value_seed(Tree { left: self.left })?));
            }
        }
        Ok(Json::Object(object))
    }
}
