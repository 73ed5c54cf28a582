//! The sections of a template, found by name.
//!
//! A template says things once and means them from everywhere: a rule refers to a filter that
//! stands below it, a condition to one that stands above. So the sections are indexed before
//! anything is evaluated. No name stands twice in one: that is refused of every kind of document,
//! before anybody reads it.

use std::collections::HashMap;

use crate::at::At;
use crate::node::{Node, NodeKind};
use crate::problem::Problems;

/// A section by name.
pub(super) type Section<'t> = HashMap<&'t str, &'t Node>;

/// What can be referred to in a template, by name.
pub(super) struct Template<'t> {
    /// Values to be given when a stack is made.
    pub(super) parameters: Section<'t>,
    /// Tables of constants.
    pub(super) mappings: Section<'t>,
    /// Named truths.
    pub(super) conditions: Section<'t>,
    /// What the stack consists of, by logical id.
    pub(super) resources: Section<'t>,
}

impl<'t> Template<'t> {
    /// Index the sections of a template.
    pub(super) fn new(root: &At<'t>, problems: &mut Problems) -> Template<'t> {
        let mut section = |name: &str| -> Section<'t> {
            // `Conditions:` with nothing behind it is a section too.
            let Some(section) = root.get(name) else { return Section::new() };
            section.map(problems);
            let entries = section.node().entries().iter();
            entries.map(|entry| (entry.key.as_str(), &entry.value)).collect()
        };
        Template {
            parameters: section("Parameters"),
            mappings: section("Mappings"),
            conditions: section("Conditions"),
            resources: section("Resources"),
        }
    }
}

/// What a value is, for a message that needn't repeat it.
pub(super) fn describe(kind: &NodeKind) -> &'static str {
    match kind {
        NodeKind::Null => "null",
        NodeKind::Bool(_) => "a truth value",
        NodeKind::Number(_) => "a number",
        NodeKind::String(_) => "a text",
        NodeKind::List(_) => "a list",
        NodeKind::Map(_) => "an object",
        NodeKind::Resource(_) => "the id of a resource",
        NodeKind::Unresolved { .. } => "an unknown value",
    }
}
