//! `DOC[#ID]`: from an argument to the filters it means.
//!
//! A person who has a file `web#2.yaml` means that file, so a file of the whole name wins; else
//! what stands behind the last `#` is an id. A document with one filter needs none. Where one
//! filter is wanted and there are several, the error lists what they are called: the next try
//! succeeds.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use anyhow::anyhow;
use mirror_aws::{Document, Estate, KnownFilter, Parameters, Problem, Problems};

use super::{all, is_stdin, open, parameters, tell, titled};
use crate::{
    cli,
    failure::{Failure, printable},
    number::counted,
};

/// Filters that an error lists.
const MAX_LISTED: usize = 20;

/// A document, read, and the filters of it that are meant.
pub(crate) struct Source {
    /// The document's name, as messages have it.
    pub(crate) name: String,
    /// Its text, to show lines of.
    pub(crate) bytes: Vec<u8>,
    /// What it says.
    pub(crate) estate: Estate,
    /// The indices in [`Estate::filters`] of those that are meant.
    meant: Vec<usize>,
}

/// A document that can't be used.
pub(crate) enum Unread {
    /// It isn't there, or isn't what was asked for.
    Failure(Failure),
    /// There is something wrong in it.
    Problems {
        /// The document's name.
        name: String,
        /// Its text.
        bytes: Vec<u8>,
        /// All that is wrong.
        problems: Box<Problems>,
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
            Unread::Problems { problems, .. } => Failure::usage(anyhow!(all(&problems))),
        }
    }
}

impl Source {
    /// Read what the arguments name. Warnings are told on standard error.
    pub(crate) fn read(args: &cli::FilterSource) -> Result<Source, Failure> {
        let source = Source::read_quietly(args)?;
        source.tell(|_| true);
        Ok(source)
    }

    /// Tell warnings on standard error, those that are `wanted`. What is odd about sessions (an
    /// interface that nobody describes) is for those who ask about sessions.
    pub(crate) fn tell(&self, wanted: impl Fn(&Problem) -> bool) {
        let estate = &self.estate;
        let of_session = |one: &Problem| {
            one.place.document.is_empty()
                || estate.sessions.iter().any(|session| session.place == one.place)
        };
        let warnings = estate.warnings.iter().filter(|one| !of_session(one) && wanted(one));
        tell(&warnings.cloned().collect::<Vec<_>>(), usize::MAX);
    }

    /// Read what the arguments name, and tell nothing.
    pub(crate) fn read_quietly(args: &cli::FilterSource) -> Result<Source, Unread> {
        Source::read_with(&args.filter, &parameters(&args.param)?)
    }

    /// Read what an argument names.
    pub(crate) fn read_with(filter: &OsStr, params: &Parameters) -> Result<Source, Unread> {
        let (path, id) = split(filter);
        let (name, bytes) = open(&path)?;
        let read = mirror_aws::read(&[Document { name: &name, bytes: &bytes }], params);
        let estate = match read {
            Ok(estate) => estate,
            Err(problems) => {
                return Err(Unread::Problems { name, bytes, problems: Box::new(problems) });
            }
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
    pub(crate) fn filters(&self) -> impl Iterator<Item = &KnownFilter> {
        self.meant.iter().filter_map(|&at| self.estate.filters.get(at))
    }

    /// The one filter that is meant.
    pub(crate) fn one(&self) -> Result<&KnownFilter, Failure> {
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

/// The file, and what stands behind the last `#` unless that is part of the file's name. The file's
/// name need not be UTF-8.
fn split(filter: &OsStr) -> (PathBuf, Option<String>) {
    let whole = Path::new(filter);
    let bytes = filter.as_bytes();
    match bytes.iter().rposition(|byte| *byte == b'#').and_then(|at| bytes.split_at_checked(at)) {
        Some((path, [b'#', id @ ..])) if !whole.exists() => {
            (OsStr::from_bytes(path).into(), Some(String::from_utf8_lossy(id).into_owned()))
        }
        _ => (whole.into(), None),
    }
}

/// Whether an argument means a document on standard input.
pub(crate) fn reads_stdin(filter: &OsStr) -> bool {
    is_stdin(&split(filter).0)
}

/// What a person calls a filter.
pub(crate) fn called(one: &KnownFilter) -> String {
    let filter = &one.filter;
    titled(filter.id.as_deref(), filter.name.as_deref())
        .or_else(|| one.label.as_deref().map(printable))
        .unwrap_or_else(|| "a filter without a name".to_owned())
}

/// What the filters are called, each so that the next try finds it: of two with one name, what their
/// document calls them stands first.
fn names(filters: &[KnownFilter]) -> String {
    let listed = filters.iter().take(MAX_LISTED).map(|one| {
        let name = called(one);
        let is_shared = filters.iter().filter(|other| called(other) == name).nth(1).is_some();
        match one.label.as_deref().map(printable) {
            Some(label) if is_shared && label != name => format!("{label} {name}"),
            _ => name,
        }
    });
    let mut names: Vec<String> = listed.collect();
    if let Some(more) = filters.len().checked_sub(MAX_LISTED).filter(|&more| more > 0) {
        names.push(format!("{more} more"));
    }
    names.join(", ")
}
