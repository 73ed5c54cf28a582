//! The resources of all documents, each with its place, before they are joined.
//!
//! The AWS CLI, CloudFormation and Terraform describe the same five things with the same fields:
//! CloudFormation spells them as the API does, Terraform in small letters with underscores
//! (`RuleNumber`, `rule_number`). So each thing is read in one place for all three, and [`Dialect`]
//! says where they differ: above all in what an absent field, null and zero mean.
//!
//! Resources refer to each other by ids of AWS, or within one document by their names there, so
//! both are a [`Key`].

mod eni;
mod filter;
mod session;

use std::borrow::Cow;

use mirror_filter::Rule;
use mirror_session::{Eni, TargetKind};
use mirror_wire::Vni;

use crate::at::{At, Reference};
use crate::node::NodeKind;
use crate::problem::{Place, Problem, Problems, SHOWN, Shown};
use crate::unresolved::{Blank, Field};

pub(crate) use eni::MAX_ADDRESSES;

/// What a rule is called, and its range of ports: what stands in them decides what is mirrored.
const RULE: &str = "rule";
const PORTS: &str = "range of ports";

/// How a document spells its fields, and what it leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Answers of the API, as the AWS CLI prints them.
    Api,
    /// Properties of a CloudFormation template, evaluated.
    Template,
    /// Values of `terraform show -json`. What isn't set is 0 or an empty string in a state, and
    /// null in a plan.
    Terraform,
}

/// What one resource is known by to others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// An id of AWS.
    Id(String),
    /// A name in the document of this index.
    Local(usize, String),
}

/// What a resource is called in its document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label<'a> {
    /// What others there refer to it by: a logical id, an address.
    pub(crate) key: &'a str,
    /// What a person calls it, for want of a `Name` tag.
    pub(crate) name: &'a str,
    /// The id that it has once deployed, if a person gave it.
    pub(crate) id: Option<&'a str>,
}

/// What a resource is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
}

/// A mirror filter, without the rules.
#[derive(Clone, Debug)]
pub(crate) struct RawFilter {
    pub(crate) keys: Vec<Key>,
    pub(crate) names: Names,
    pub(crate) amazon_dns: bool,
    /// The description of it should have listed its rules, and didn't.
    pub(crate) rules_missing: bool,
    pub(crate) place: Place,
    /// What it is called in its document, if that isn't its id.
    pub(crate) label: Option<String>,
    /// What of it can't be known.
    pub(crate) blanks: Vec<Blank>,
}

/// A rule of a mirror filter. What lacks of it can't be known.
#[derive(Clone, Debug)]
pub(crate) struct RawRule {
    pub(crate) filter: Option<Key>,
    pub(crate) rule: Option<Rule>,
    pub(crate) place: Place,
    pub(crate) blanks: Vec<Blank>,
}

/// A mirror session.
#[derive(Clone, Debug)]
pub(crate) struct RawSession {
    pub(crate) names: Names,
    pub(crate) number: Option<u16>,
    pub(crate) vni: Option<Vni>,
    pub(crate) packet_length: Option<u32>,
    pub(crate) eni: Option<Key>,
    pub(crate) filter: Option<Key>,
    pub(crate) target: Option<Key>,
    pub(crate) place: Place,
    /// What of it can't be known.
    pub(crate) blanks: Vec<(Field, Blank)>,
}

/// A mirror target.
#[derive(Clone, Debug)]
pub(crate) struct RawTarget {
    pub(crate) keys: Vec<Key>,
    pub(crate) names: Names,
    pub(crate) kind: Option<TargetKind>,
    /// The interface that it is, if it is one.
    pub(crate) eni: Option<Key>,
    pub(crate) place: Place,
    /// What of it can't be known.
    pub(crate) blanks: Vec<Blank>,
}

/// A network interface.
#[derive(Clone, Debug)]
pub(crate) struct RawEni {
    pub(crate) keys: Vec<Key>,
    pub(crate) eni: Eni,
    pub(crate) place: Place,
    /// What of it can't be known.
    pub(crate) blanks: Vec<Blank>,
}

/// One page of an answer of the API.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// What it lists.
    pub(crate) of: &'static str,
    /// Where it says that there is a page behind it.
    pub(crate) next: Option<Place>,
}

/// The resources of all documents.
#[derive(Clone, Debug, Default)]
pub(crate) struct Raw {
    pub(crate) filters: Vec<RawFilter>,
    pub(crate) rules: Vec<RawRule>,
    pub(crate) sessions: Vec<RawSession>,
    pub(crate) targets: Vec<RawTarget>,
    pub(crate) enis: Vec<RawEni>,
    pub(crate) pages: Vec<Page>,
    /// What would tell whether there is a session.
    pub(crate) perhaps: Vec<Blank>,
}

/// Reads the resources of one document into [`Raw`].
///
/// Its readers take the map that has the fields (of CloudFormation the evaluated `Properties`, of
/// Terraform the `values`) and, where the resource has one, its name in the document. What a reader
/// has found damaged it adds as far as it goes, so that what refers to it doesn't dangle, and leaves
/// out if nobody can mean it: nothing comes of documents with errors but their problems.
pub(crate) struct Reader<'r> {
    pub(crate) dialect: Dialect,
    /// The index of the document: local names of others are not meant.
    pub(crate) document: usize,
    pub(crate) raw: &'r mut Raw,
    pub(crate) problems: &'r mut Problems,
}

impl Reader<'_> {
    /// A field's name, given as the API spells it.
    fn name(&self, api: &'static str) -> Cow<'static, str> {
        match self.dialect {
            Dialect::Api | Dialect::Template => Cow::Borrowed(api),
            Dialect::Terraform => Cow::Owned(snake_case(api)),
        }
    }

    /// A field that is set.
    fn get<'n>(&self, at: &At<'n>, api: &'static str) -> Option<At<'n>> {
        at.get(&self.name(api))
            .filter(|field| self.dialect != Dialect::Terraform || field.node().as_str() != Some(""))
    }

    /// A field that has to be set.
    fn require<'n>(&mut self, at: &At<'n>, api: &'static str) -> Option<At<'n>> {
        let found = self.get(at, api);
        if found.is_none() {
            let message = format!("found no {}, expected one", self.name(api));
            at.error(message, self.problems);
        }
        found
    }

    /// What a field that names another resource names.
    fn key(&mut self, at: &At<'_>) -> Option<Key> {
        Some(match at.reference(self.problems)? {
            Reference::Id(id) if id.is_empty() => {
                at.wrong("an id", self.problems);
                return None;
            }
            Reference::Id(id) => Key::Id(id),
            Reference::Resource(name) => Key::Local(self.document, name),
        })
    }

    /// The keys that others know a resource by.
    fn keys(&self, id: Option<&String>, label: Option<Label<'_>>) -> Vec<Key> {
        let local = label.map(|label| Key::Local(self.document, label.key.to_owned()));
        id.cloned().map(Key::Id).into_iter().chain(local).collect()
    }

    /// Id, `Name` tag and description. A resource of a template or plan that has neither id nor
    /// tag is called by its name there.
    fn names(&mut self, at: &At<'_>, id: &'static str, label: Option<Label<'_>>) -> Option<Names> {
        let id = match self.dialect {
            Dialect::Api => Some(self.require(at, id)?.string(self.problems)?),
            Dialect::Template => label.and_then(|label| label.id).map(str::to_owned),
            Dialect::Terraform => match at.get("id") {
                Some(id) if matches!(id.node().kind, NodeKind::Unresolved { .. }) => None,
                Some(id) => Some(id.string(self.problems)?),
                None => None,
            },
        };
        let tag = self.name_tag(at);
        let name = tag.or_else(|| Some(label.filter(|_| id.is_none())?.name.to_owned()));
        Some(Names { id, name, description: self.description(at) })
    }

    fn description(&mut self, at: &At<'_>) -> Option<String> {
        self.get(at, "Description")?.text(self.problems).filter(|text| !text.is_empty())
    }

    /// The tag `Name`.
    fn name_tag(&mut self, at: &At<'_>) -> Option<String> {
        let problems = &mut *self.problems;
        let tag = match self.dialect {
            Dialect::Terraform => {
                let tags = at.get("tags")?;
                let known = !matches!(tags.node().kind, NodeKind::Unresolved { .. });
                (known && tags.map(problems)).then(|| tags.get("Name")).flatten()
            }
            Dialect::Api | Dialect::Template => {
                // Network interfaces have theirs in TagSet.
                let tags = at.get("Tags").or_else(|| at.get("TagSet"))?;
                // What can't be known in a template's texts for people stays as it is written.
                let unknown = tags.node().as_str().is_some_and(|text| text.starts_with("${"));
                if unknown || matches!(tags.node().kind, NodeKind::Unresolved { .. }) {
                    return None;
                }
                let mut found = None;
                for tag in tags.list(problems) {
                    let is_name =
                        tag.get("Key").is_some_and(|key| key.node().as_str() == Some("Name"));
                    if is_name && found.is_none() {
                        found = tag.get("Value");
                    }
                }
                found
            }
        };
        tag?.text(problems).filter(|text| !text.is_empty())
    }

    /// Report the fields that no reader knows: a misspelt one would be left out silently. A
    /// template has none such, or it would not deploy, and no null. The API may get new ones, and
    /// of most things one that isn't known changes nothing that is read here; a rule it may narrow,
    /// so that the rule can't be read without it.
    fn check_fields(&mut self, at: &At<'_>, what: &'static str, known: &[&'static str]) {
        /// What Terraform adds to each resource.
        const COMPUTED: &[&str] = &["id", "arn", "region", "tags_all", "timeouts"];
        let known: Vec<_> = known.iter().map(|&known| self.name(known)).collect();
        for (key, field) in at.entries() {
            let computed = self.dialect == Dialect::Terraform && COMPUTED.contains(&key);
            let is_null = field.node().kind == NodeKind::Null;
            if computed || known.iter().any(|known| known == key) {
                if is_null && self.dialect == Dialect::Template {
                    field.wrong("a value; CloudFormation refuses null", self.problems);
                }
                continue;
            }
            // Nothing is said by it.
            if is_null && self.dialect != Dialect::Template {
                continue;
            }
            let message = format!("found field {}, which is not known here", Shown(key));
            match (self.dialect, what) {
                (Dialect::Template, _) => {
                    field.error(message, self.problems);
                }
                (Dialect::Api | Dialect::Terraform, RULE | PORTS) => {
                    let message = format!(
                        "{message} and may narrow the {what}; if it doesn't, take it out of the \
                         document"
                    );
                    field.error(message, self.problems);
                }
                // A new field is in every session there is.
                (Dialect::Api | Dialect::Terraform, _) => {
                    let shown: String = key.chars().take(SHOWN).collect();
                    self.problems.say_once(format!("{what} {shown}"), || {
                        Problem::warning(field.place(), format!("{message}; it is told once"))
                    });
                }
            }
        }
    }
}

/// `RuleNumber` as Terraform spells it: `rule_number`.
fn snake_case(api: &str) -> String {
    let mut name = String::with_capacity(api.len() + 4);
    for (n, c) in api.chars().enumerate() {
        if c.is_ascii_uppercase() && n > 0 {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}
