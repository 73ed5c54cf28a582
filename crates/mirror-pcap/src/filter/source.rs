//! `DOC[#ID]`: from an argument to the filters it means.
//!
//! A person who has a file `web#2.yaml` means that file, so a file of the whole name wins; else
//! what stands behind the last `#` is an id. A document with one filter needs none. Where one
//! filter is wanted and there are several, the error lists what they are called: the next try
//! succeeds.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use anyhow::anyhow;
use mirror_aws::{Document, Estate, KnownFilter, Parameters, Problem, Problems};

use crate::{
    cli,
    documents::{self, titled},
    failure::{Failure, printable},
    number::counted,
};

/// Filters that an error lists.
const MAX_LISTED: usize = 20;

/// A document, read, and the filters of it that are meant.
pub(super) struct Source {
    /// The document's name, as messages have it.
    pub(super) name: String,
    /// Its text, to show lines of.
    pub(super) bytes: Vec<u8>,
    /// What it says.
    pub(super) estate: Estate,
    /// The indices in [`Estate::filters`] of those that are meant.
    meant: Vec<usize>,
}

/// A document that can't be used.
pub(super) enum Unread {
    /// It isn't there, or isn't what was asked for.
    Failure(Failure),
    /// There is something wrong in it.
    Problems {
        /// The document's name.
        name: String,
        /// Its text.
        bytes: Vec<u8>,
        /// All that is wrong.
        problems: Problems,
    },
}

impl From<Failure> for Unread {
    fn from(failure: Failure) -> Unread {
        Unread::Failure(failure)
    }
}

impl From<Unread> for Failure {
    fn from(unread: Unread) -> Failure {
        match unread {
            Unread::Failure(failure) => failure,
            Unread::Problems { problems, .. } => Failure::usage(anyhow!(documents::all(&problems))),
        }
    }
}

impl Source {
    /// Read what the arguments name. Warnings are told on standard error.
    pub(super) fn read(args: &cli::FilterSource) -> Result<Source, Failure> {
        let source = Source::read_quietly(args)?;
        source.tell(|_| true);
        Ok(source)
    }

    /// Tell warnings on standard error, those that are `wanted`. What is odd about sessions (an
    /// interface that nobody describes) is for those who ask about sessions.
    pub(super) fn tell(&self, wanted: impl Fn(&Problem) -> bool) {
        let estate = &self.estate;
        let of_session = |one: &Problem| {
            one.place.document.is_empty()
                || estate.sessions.iter().any(|session| session.place == one.place)
        };
        let warnings = estate.warnings.iter().filter(|one| !of_session(one) && wanted(one));
        documents::tell(&warnings.cloned().collect::<Vec<_>>(), usize::MAX);
    }

    /// Read what the arguments name, and tell nothing.
    pub(super) fn read_quietly(args: &cli::FilterSource) -> Result<Source, Unread> {
        Source::read_with(&args.filter, &documents::parameters(&args.param)?)
    }

    /// Read what an argument names.
    pub(super) fn read_with(filter: &OsStr, params: &Parameters) -> Result<Source, Unread> {
        let (path, id) = split(filter);
        let (name, bytes) = documents::open(&path)?;
        let read = mirror_aws::read(&[Document { name: &name, bytes: &bytes }], params);
        let estate = match read {
            Ok(estate) => estate,
            Err(problems) => return Err(Unread::Problems { name, bytes, problems }),
        };
        let all = 0..estate.filters.len();
        let meant: Vec<usize> = match &id {
            None => all.collect(),
            Some(id) => all
                .filter(|&at| estate.filters.get(at).is_some_and(|one| one.is_called(id)))
                .collect(),
        };
        let wrong = match (&id, meant.as_slice()) {
            (None, []) => Some("found no mirror filter".to_owned()),
            (Some(id), []) => Some(format!("found no filter \"{}\"", printable(id))),
            (Some(id), [_, _, ..]) => {
                Some(format!("found {} filters \"{}\", expected one", meant.len(), printable(id)))
            }
            _ => None,
        };
        if let Some(wrong) = wrong {
            let wrong = match estate.filters.as_slice() {
                [] => anyhow!("{wrong}"),
                filters => anyhow!("{wrong}; it has {}", names(filters)),
            };
            return Err(Failure::input(&name, wrong).into());
        }
        Ok(Source { name, bytes, estate, meant })
    }

    /// The filters that are meant: at least one.
    pub(super) fn filters(&self) -> impl Iterator<Item = &KnownFilter> {
        self.meant.iter().filter_map(|&at| self.estate.filters.get(at))
    }

    /// The one filter that is meant.
    pub(super) fn one(&self) -> Result<&KnownFilter, Failure> {
        let mut filters = self.filters();
        match (filters.next(), filters.next()) {
            (Some(one), None) => Ok(one),
            _ => {
                let count = counted(self.meant.len() as u64, "filter", "filters");
                let names = names(&self.estate.filters);
                let wrong = anyhow!("found {count}, expected one; give DOC#ID: it has {names}");
                Err(Failure::input(&self.name, wrong))
            }
        }
    }
}

/// The file, and what stands behind the last `#` unless that is part of the file's name.
fn split(filter: &OsStr) -> (PathBuf, Option<String>) {
    let whole = Path::new(filter);
    // A name that isn't UTF-8 has no id that a document could have.
    match filter.to_str().and_then(|text| text.rsplit_once('#')) {
        Some((path, id)) if !whole.exists() => (path.into(), Some(id.to_owned())),
        _ => (whole.into(), None),
    }
}

/// What a person calls a filter.
pub(super) fn called(one: &KnownFilter) -> String {
    let filter = &one.filter;
    titled(filter.id.as_deref(), filter.name.as_deref())
        .or_else(|| one.label.as_deref().map(printable))
        .unwrap_or_else(|| "a filter without a name".to_owned())
}

fn names(filters: &[KnownFilter]) -> String {
    let mut names: Vec<String> = filters.iter().take(MAX_LISTED).map(called).collect();
    if let Some(more) = filters.len().checked_sub(MAX_LISTED).filter(|&more| more > 0) {
        names.push(format!("{more} more"));
    }
    names.join(", ")
}
