//! Why a value can't be known.
//!
//! A template is read without an account, so much of it is unknown, and most of that doesn't
//! matter. An unknown value is therefore no problem until someone asks for it: it stays in the
//! tree as [`NodeKind::Unresolved`], and the one who reads the field reports it at that field.
//! A function that is written wrongly is handled the same way, for the same reason.

use crate::node::{Node, NodeKind};
use crate::problem::Shown;

/// The longest name that is suggested; exports have up to 255 characters.
pub(super) const LONGEST_NAME: usize = 255;

/// Why a value can't be known, and what to give so that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unknown {
    /// The middle of a message.
    pub(super) why: String,
    /// The NAME of the `--param NAME=VALUE` that would help.
    pub(super) param: Option<String>,
}

impl Unknown {
    /// Nothing that can be given would help.
    pub(super) fn because(why: impl Into<String>) -> Unknown {
        Unknown { why: why.into(), param: None }
    }

    /// `--param` with this name would help.
    pub(super) fn without(param: &str, why: impl Into<String>) -> Unknown {
        Unknown { why: why.into(), param: suggestion(param) }
    }

    /// The id of a resource, where the text of it is wanted.
    pub(super) fn id_of(resource: &str) -> Unknown {
        let why = format!("the id of resource {} is known once it is deployed", Shown(resource));
        Unknown::without(resource, why)
    }

    /// The value that stands for this in a tree.
    pub(super) fn into_node(self, line: Option<u32>) -> Node {
        let Unknown { why, param } = self;
        Node { kind: NodeKind::Unresolved { why, param }, line }
    }
}

/// A name to suggest for `--param`. What a shell or `NAME=VALUE` would take for something else isn't
/// suggested.
pub(super) fn suggestion(param: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".:-_/".contains(&byte);
    let usable = param.len() <= LONGEST_NAME && param.bytes().all(plain);
    usable.then(|| param.to_owned())
}
