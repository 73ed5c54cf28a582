//! `DOC[#ID]`: from arguments to the filters they mean.
//!
//! A person who has a file `web#2.yaml` means that file, so a file of the whole name wins; else
//! what stands behind the last `#` is an id. A document with one filter needs none. Where one
//! filter is wanted and there are several, the error lists what they are called: the next try
//! succeeds. Of several documents, which are read together, those without an id add what they know
//! to the filters that the others name; if none has one, all filters are meant.
//!
//! What can't be known is an error once it is asked for: [`Source::one`] and [`Source::whole`] do,
//! [`Source::filters`] leaves it to the caller.

use std::{
    collections::{BTreeSet, HashSet},
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use anyhow::anyhow;
use mirror_aws::{Document, Estate, KnownFilter, Open, Parameters, Place, Problem, Problems};

use super::{all, demand, is_stdin, open, parameters, tell, titled};
use crate::{
    cli,
    failure::{Failure, printable},
    number::counted,
};

/// Filters that an error lists.
const MAX_LISTED: usize = 20;

/// The name of a document, as it was given, and its text, to show lines of.
pub(crate) type Text = (String, Vec<u8>);

/// Documents, read together, and the filters of them that are meant.
pub(crate) struct Source {
    /// The documents.
    pub(crate) texts: Vec<Text>,
    /// What they say.
    pub(crate) estate: Estate,
    /// The indices in [`Estate::filters`] of those that are meant.
    meant: BTreeSet<usize>,
    /// Whether they were named.
    is_named: bool,
}

/// Documents that can't be used.
pub(crate) enum Unread {
    /// One isn't there, or isn't what was asked for.
    Failure(Failure),
    /// There is something wrong in them.
    Problems {
        /// The documents.
        texts: Vec<Text>,
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
        let source = Source::read_with(&args.filter, &parameters(&args.param)?)?;
        source.tell(|_| true);
        Ok(source)
    }

    /// Read what an argument names: at least one filter.
    pub(crate) fn read_with(filter: &OsStr, params: &Parameters) -> Result<Source, Failure> {
        let source = Source::read_all(&[filter.to_owned()], params)?;
        if source.meant.is_empty() {
            return Err(Failure::input(source.name(), anyhow!("found no mirror filter")));
        }
        Ok(source)
    }

    /// Read what several arguments name, together.
    pub(crate) fn read_all(filters: &[OsString], params: &Parameters) -> Result<Source, Unread> {
        if filters.iter().filter(|filter| reads_stdin(filter)).count() > 1 {
            let wrong = anyhow!("standard input can be one of the documents only");
            return Err(Failure::usage(wrong).into());
        }
        let (paths, ids): (Vec<_>, Vec<_>) = filters.iter().map(|filter| split(filter)).unzip();
        let mut texts = paths.iter().map(|path| open(path)).collect::<Result<Vec<Text>, _>>()?;
        let names: Vec<String> = texts.iter().map(|(name, _)| name.clone()).collect();
        // One may be named for several of its filters.
        let mut seen = HashSet::new();
        texts.retain(|(name, _)| seen.insert(name.clone()));
        let documents: Vec<_> =
            texts.iter().map(|(name, bytes)| Document { name, bytes }).collect();
        let estate = match mirror_aws::read(&documents, params) {
            Ok(estate) => estate,
            Err(problems) => {
                return Err(Unread::Problems { texts, problems: Box::new(problems) });
            }
        };
        let named = names.iter().zip(ids).filter_map(|(name, id)| Some((name, id?)));
        let named: Vec<(&String, String)> = named.collect();
        let is_named = !named.is_empty();
        let meant = match is_named {
            true => named
                .iter()
                .map(|(name, id)| called_so(&estate, name, id))
                .collect::<Result<_, _>>()?,
            false => (0..estate.filters.len()).collect(),
        };
        Ok(Source { texts, estate, meant, is_named })
    }

    /// Tell warnings on standard error, those that are `wanted`. What is odd about sessions (an
    /// interface that nobody describes) is for those who ask about sessions.
    pub(crate) fn tell(&self, wanted: impl Fn(&Problem) -> bool) {
        let estate = &self.estate;
        let sessions: HashSet<(&str, &str)> = estate
            .sessions
            .iter()
            .map(|one| (one.place.document.as_str(), one.place.path.as_str()))
            .collect();
        // Of the session, or of one of its fields.
        let of_session = |one: &Problem| {
            let Place { document, path, .. } = &one.place;
            let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
            let mut around = ends.filter_map(|end| path.get(..end));
            document.is_empty() || around.any(|path| sessions.contains(&(document, path)))
        };
        let warnings = estate.warnings.iter().filter(|one| !of_session(one) && wanted(one));
        tell(&warnings.cloned().collect::<Vec<_>>(), usize::MAX);
    }

    /// What messages call the documents.
    pub(crate) fn name(&self) -> String {
        names_of(&self.texts)
    }

    /// The filters that are meant, of which not all may be known.
    pub(crate) fn filters(&self) -> impl Iterator<Item = &KnownFilter> {
        self.meant.iter().filter_map(|&at| self.estate.filters.get(at))
    }

    /// Whether the filter with this index is meant.
    pub(crate) fn means(&self, at: usize) -> bool {
        self.meant.contains(&at)
    }

    /// The filters that are meant, all of them known.
    pub(crate) fn whole(&self) -> Result<impl Iterator<Item = &KnownFilter>, Failure> {
        self.demand_filters()?;
        Ok(self.filters())
    }

    /// The one filter that is meant, known.
    pub(crate) fn one(&self) -> Result<&KnownFilter, Failure> {
        let mut filters = self.filters();
        match (filters.next(), filters.next()) {
            (Some(one), None) => self.demand_filters().map(|()| one),
            _ => {
                let count = counted(self.meant.len() as u64, "filter", "filters");
                let names = names(self.estate.filters.iter());
                let wrong = anyhow!("found {count}, expected one; give DOC#ID: it has {names}");
                Err(Failure::input(self.name(), wrong))
            }
        }
    }

    /// Whether filters were named.
    pub(crate) fn is_named(&self) -> bool {
        self.is_named
    }

    /// An error if filters were named, and what they do isn't known.
    pub(crate) fn demand_named(&self) -> Result<(), Failure> {
        if self.is_named { self.demand_filters() } else { Ok(()) }
    }

    fn demand_filters(&self) -> Result<(), Failure> {
        demand(&self.estate, |open| match open {
            Open::Filter(at) => self.means(at),
            Open::AnyFilter => true,
            _ => false,
        })
    }
}

/// What messages call documents.
pub(crate) fn names_of(texts: &[Text]) -> String {
    let names: Vec<&str> = texts.iter().map(|(name, _)| name.as_str()).collect();
    names.join(", ")
}

/// The index of the one filter in a document that goes by this id or name.
fn called_so(estate: &Estate, document: &str, id: &str) -> Result<usize, Failure> {
    let is_here = |one: &&KnownFilter| {
        one.rules.iter().chain([&one.place]).any(|place| place.document == document)
    };
    let all = || estate.filters.iter().filter(is_here);
    let fitting = |one: &KnownFilter| is_here(&one) && one.is_called(id);
    let found: Vec<usize> =
        (0..).zip(&estate.filters).filter(|(_, one)| fitting(one)).map(|(at, _)| at).collect();
    let id = printable(id);
    let wrong = match found.as_slice() {
        [one] => return Ok(*one),
        [] => format!("found no filter \"{id}\""),
        several => format!("found {} filters \"{id}\", expected one", several.len()),
    };
    let wrong = match all().next() {
        None => anyhow!("{wrong}"),
        Some(_) => anyhow!("{wrong}; it has {}", names(all())),
    };
    Err(Failure::input(document, wrong))
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
fn names<'f>(filters: impl Iterator<Item = &'f KnownFilter> + Clone) -> String {
    let listed = filters.clone().take(MAX_LISTED).map(|one| {
        let name = called(one);
        let is_shared = filters.clone().filter(|other| called(other) == name).nth(1).is_some();
        match one.label.as_deref().map(printable) {
            Some(label) if is_shared && label != name => format!("{label} {name}"),
            _ => name,
        }
    });
    let mut names: Vec<String> = listed.collect();
    if let Some(more) = filters.count().checked_sub(MAX_LISTED).filter(|&more| more > 0) {
        names.push(format!("{more} more"));
    }
    names.join(", ")
}
