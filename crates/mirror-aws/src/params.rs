//! What a person knows that a template doesn't say: `--param NAME=VALUE`.
//!
//! One option gives values for everything in a template that is decided at its deployment: a
//! parameter by its name, a pseudo parameter (`AWS::Region`), an export by the name under which it
//! is imported, an attribute of a resource as `Resource.Attribute`. A name that no document asked
//! for is most likely misspelt, and a misspelt name would leave a default standing, so it is
//! remembered which were asked for.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::problem::Shown;

/// Values given by name.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    values: BTreeMap<String, String>,
    asked: RefCell<BTreeSet<String>>,
    shared: bool,
}

impl Parameters {
    /// No values.
    pub fn new() -> Parameters {
        Parameters::default()
    }

    /// The same values for documents that are read apart from each other, of which not each has to
    /// ask for all: [`read`](crate::read) doesn't complain of those it didn't need, and whoever
    /// has read the last one looks at [`Parameters::unasked`].
    pub fn shared(self) -> Parameters {
        Parameters { shared: true, ..self }
    }

    /// Add the value that `NAME=VALUE` gives; the value is what stands behind the first `=`, and
    /// may be empty.
    pub fn add(&mut self, text: &str) -> Result<(), ParameterError> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => (name, value),
            _ => return Err(ParameterError::NoName(text.to_owned())),
        };
        match self.values.insert(name.to_owned(), value.to_owned()) {
            Some(before) if before != value => Err(ParameterError::Twice(name.to_owned())),
            _ => Ok(()),
        }
    }

    /// The value of a name, if one was given.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let (name, value) = self.values.get_key_value(name)?;
        self.asked.borrow_mut().insert(name.clone());
        Some(value)
    }

    /// Whether somebody else sees to names that nothing asked for.
    pub(crate) fn is_shared(&self) -> bool {
        self.shared
    }

    /// The names that were given and that nothing asked for.
    pub fn unasked(&self) -> Vec<&str> {
        let asked = self.asked.borrow();
        self.values.keys().filter(|name| !asked.contains(*name)).map(String::as_str).collect()
    }
}

/// Why a parameter can't be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParameterError {
    /// There is no `=` with a name before it.
    NoName(String),
    /// The name has another value already.
    Twice(String),
}

impl fmt::Display for ParameterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParameterError::NoName(text) => {
                write!(f, "found {}, expected NAME=VALUE", Shown(text))
            }
            ParameterError::Twice(name) => {
                write!(f, "found two values for {}, expected one", Shown(name))
            }
        }
    }
}

impl std::error::Error for ParameterError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_all_behind_the_first_equals_sign() {
        let mut params = Parameters::new();
        params.add("A=b=c").unwrap();
        params.add("Empty=").unwrap();
        assert_eq!((params.get("A"), params.get("Empty")), (Some("b=c"), Some("")));
        assert_eq!(params.get("B"), None);
    }

    #[test]
    fn a_name_is_needed_and_has_one_value() {
        let mut params = Parameters::new();
        for text in ["", "A", "=b"] {
            assert_eq!(params.add(text), Err(ParameterError::NoName(text.into())));
        }
        params.add("A=1").unwrap();
        params.add("A=1").unwrap();
        assert_eq!(params.add("A=2"), Err(ParameterError::Twice("A".into())));
    }

    #[test]
    fn names_that_nothing_asked_for_are_known() {
        let mut params = Parameters::new();
        for text in ["VpcCidr=10.0.0.0/16", "VpcCdir=10.0.0.0/16"] {
            params.add(text).unwrap();
        }
        params.get("VpcCidr");
        params.get("Other");
        assert_eq!(params.unasked(), ["VpcCdir"]);
    }
}
