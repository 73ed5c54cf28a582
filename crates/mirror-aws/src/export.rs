//! A filter back into the documents that it could have come from.
//!
//! The other way round from the rest of this crate: one filter in, the text of a document out, with
//! the same rules in the same order. What a person wrote (names, descriptions) may hold anything,
//! and each format has its own way to take it for something else: YAML reads `no` as false and `1e3`
//! as a number, Terraform interpolates `${…}`, CloudFormation resolves `{{resolve:…}}`. So texts go
//! out quoted wherever that is needed, and what a format has no words for is refused
//! ([`Unwritable`]), never bent.
//!
//! Ids of AWS stay behind in templates and configurations, which make resources of their own. What
//! these are called is derived from the filter's name and the numbers of its rules: the same filter
//! gets the same names, so that a second export differs where the filter does.
//!
//! ```
//! use mirror_aws::export::{Format, write};
//! use mirror_filter::Filter;
//!
//! let filter = Filter { name: Some("no".into()), amazon_dns: true, ..Filter::default() };
//! assert_eq!(
//!     write(&filter, Format::CloudFormation)?,
//!     r#"AWSTemplateFormatVersion: "2010-09-09"
//! Resources:
//!   FilterNo:
//!     Type: AWS::EC2::TrafficMirrorFilter
//!     Properties:
//!       NetworkServices: [amazon-dns]
//!       Tags:
//!         - { Key: Name, Value: "no" }
//! "#
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cloudformation;
mod describe;
mod names;
mod terraform;

use std::fmt;

use mirror_filter::{Filter, Rule};
use mirror_session::is_hidden;
use mirror_wire::Direction;

/// A format to write a filter in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// What `aws ec2 describe-traffic-mirror-filters` prints.
    Describe,
    /// A CloudFormation template, in YAML.
    CloudFormation,
    /// Terraform configuration, in HCL.
    Terraform,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Describe => "the JSON of aws ec2 describe-traffic-mirror-filters",
            Format::CloudFormation => "CloudFormation",
            Format::Terraform => "Terraform",
        })
    }
}

/// The document of a filter, which ends with a line break; or all that its format can't say.
///
/// [Read](crate::read) again it is the same filter, but for ids: a template or configuration has
/// none, and answers of the API have one always, so a filter that has none yet gets
/// [`PLACEHOLDER`].
pub fn write(filter: &Filter, format: Format) -> Result<String, Unwritables> {
    let unwritable = unwritable(filter, format);
    if !unwritable.is_empty() {
        return Err(Unwritables { format, list: unwritable });
    }
    Ok(match format {
        Format::Describe => describe::write(filter),
        Format::CloudFormation => cloudformation::write(filter),
        Format::Terraform => terraform::write(filter),
    })
}

/// The id of a filter that has none, where a document must have one.
pub const PLACEHOLDER: &str = "tmf-00000000000000000";

/// Something that a format can't say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unwritable {
    /// A rule for protocol 0. The formats, or whoever reads them, take it for all protocols.
    ProtocolZero {
        /// The rule's direction.
        direction: Direction,
        /// The rule's number.
        number: u32,
    },
    /// A text with `{{resolve:`, in whose place CloudFormation puts a parameter or a secret.
    DynamicReference {
        /// Whose text it is.
        of: String,
    },
}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unwritable::ProtocolZero { direction, number } => {
                write!(f, "{direction} rule {number} is for protocol 0, which is read as all")
            }
            Unwritable::DynamicReference { of } => {
                write!(f, "{of} has {{{{resolve:, which CloudFormation replaces")
            }
        }
    }
}

/// All that a format can't say of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwritables {
    /// The format.
    pub format: Format,
    /// What it can't say, at least one thing.
    pub list: Vec<Unwritable>,
}

impl fmt::Display for Unwritables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "can't be written as {}: ", self.format)?;
        for (n, one) in self.list.iter().enumerate() {
            write!(f, "{}{one}", if n == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for Unwritables {}

fn unwritable(filter: &Filter, format: Format) -> Vec<Unwritable> {
    let mut list = Vec::new();
    let mut text = |of: &str, text: Option<&String>| {
        let resolves = text.is_some_and(|text| text.contains("{{resolve:"));
        if resolves && format == Format::CloudFormation {
            list.push(Unwritable::DynamicReference { of: of.to_owned() });
        }
    };
    text("the name", filter.name.as_ref());
    text("the description", filter.description.as_ref());
    for Rule { direction, number, description, .. } in &filter.rules {
        text(&format!("the description of {direction} rule {number}"), description.as_ref());
    }
    let zeros = filter.rules.iter().filter(|rule| rule.protocol == Some(0));
    list.extend(
        zeros.map(|rule| Unwritable::ProtocolZero {
            direction: rule.direction,
            number: rule.number,
        }),
    );
    list
}

/// Whether a character can be seen, and is obeyed by no terminal: what does not hide, and what std
/// wouldn't escape for debugging, the quotes aside.
fn is_visible(c: char) -> bool {
    matches!(c, ' '..='~') || !is_hidden(c) && c.escape_debug().nth(1).is_none()
}

/// A text that says something; an empty one is as good as none.
fn said(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

/// Whether a YAML 1.1 reader (yaml.org/type/bool.html, null.html) takes a word for truth or nothing.
fn is_word_of_yaml(text: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests;
