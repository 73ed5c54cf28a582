//! The documents of `--config`: files in, joined knowledge out.
//!
//! `mirror_aws` reads names and bytes; here they are found, bounded and handed over, and what is
//! wrong with them is told. A person mends documents by hand, so all errors are told in one go, and
//! nothing is read of any capture before they are gone. Warnings don't stop a run.

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Read, Write},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use anyhow::anyhow;
use mirror_aws::{Document, Estate, KnownFilter, Parameters, Problem, Problems};

use crate::{
    cli,
    failure::{Failure, printable},
    number::counted,
};

/// The most that is read of a document: one byte more than `mirror_aws` takes, so that it sees that
/// there is more.
const MAX_READ: u64 = (64 << 20) + 1;

/// Warnings told before a run that is about something else.
pub(crate) const MAX_WARNINGS: usize = 20;

/// Filters that a complaint lists.
const MAX_LISTED: usize = 10;

/// Read and join the documents; `None` if none were named.
///
/// What a person should know about them is told on standard error, unless `quiet`.
pub(crate) fn load(args: &cli::Documents, quiet: bool) -> Result<Option<Estate>, Failure> {
    if args.config.is_empty() {
        return Ok(None);
    }
    let estate = read(args)?;
    if !quiet {
        tell(&estate.warnings, MAX_WARNINGS);
    }
    Ok(Some(estate))
}

/// Read and join the documents, and tell nothing.
pub(crate) fn read(args: &cli::Documents) -> Result<Estate, Failure> {
    let params = parameters(&args.param)?;
    if args.config.iter().filter(|path| is_stdin(path)).count() > 1 {
        return Err(Failure::usage(anyhow!("standard input can be one of the documents only")));
    }
    let files = args.config.iter().map(|path| open(path)).collect::<Result<Vec<_>, _>>()?;
    let documents: Vec<_> = files.iter().map(|(name, bytes)| Document { name, bytes }).collect();
    mirror_aws::read(&documents, &params)
        .map_err(|problems| Failure::usage(anyhow!(all(&problems))))
}

/// A filter that an argument names, and the document that it stands in.
pub(crate) struct NamedFilter {
    pub(crate) estate: Estate,
    /// Which of the estate's filters it is.
    pub(crate) index: usize,
}

impl NamedFilter {
    /// The filter.
    pub(crate) fn known(&self) -> Option<&KnownFilter> {
        self.estate.filters.get(self.index)
    }
}

/// Read the document of `DOC` or `DOC#ID`, and find the filter in it.
///
/// A file with the full name comes first, for its name may have a `#` in it; else the last `#`
/// divides. Of a document with one filter it needs no id. What a person should know is told on
/// standard error, unless `quiet`.
pub(crate) fn named_filter(
    argument: &OsStr,
    param: &[String],
    quiet: bool,
) -> Result<NamedFilter, Failure> {
    let (path, id) = split(argument);
    let documents = cli::Documents { config: vec![path.clone()], param: param.to_vec() };
    let estate = read(&documents)?;
    if !quiet {
        tell(&estate.warnings, MAX_WARNINGS);
    }
    let is_meant = |one: &KnownFilter| id.as_ref().is_none_or(|id| one.is_called(id));
    let fitting: Vec<usize> = (0..estate.filters.len())
        .filter(|index| estate.filters.get(*index).is_some_and(is_meant))
        .collect();
    if let [index] = *fitting.as_slice() {
        return Ok(NamedFilter { estate, index });
    }
    let names = |list: &mut dyn Iterator<Item = &KnownFilter>| {
        let names: Vec<String> = list.take(MAX_LISTED).map(called).collect();
        if names.is_empty() { "no filter".to_owned() } else { names.join(", ") }
    };
    let said = match (&id, fitting.as_slice()) {
        (Some(id), []) => format!(
            "no filter is called {}; the document has {}",
            printable(id),
            names(&mut estate.filters.iter())
        ),
        (Some(id), _) => {
            let several = &mut fitting.iter().filter_map(|index| estate.filters.get(*index));
            format!("several filters are called {}: {}", printable(id), names(several))
        }
        (None, _) if estate.filters.is_empty() => "the document has no filter".to_owned(),
        (None, _) => format!(
            "the document has {}: {}; name one of them behind a #",
            counted(estate.filters.len() as u64, "filter", "filters"),
            names(&mut estate.filters.iter())
        ),
    };
    Err(Failure::input(path.to_string_lossy(), anyhow!(said)))
}

/// What a person calls a filter.
pub(crate) fn called(one: &KnownFilter) -> String {
    let filter = &one.filter;
    let name = filter.name.as_deref().filter(|name| one.label.as_deref() != Some(name));
    match (titled(filter.id.as_deref(), name), one.label.as_deref().map(printable)) {
        (Some(title), Some(label)) => format!("{label} {title}"),
        (Some(title), None) => title,
        (None, Some(label)) => label,
        (None, None) => "one without a name".to_owned(),
    }
}

/// The document, and the id of what is meant in it.
fn split(argument: &OsStr) -> (PathBuf, Option<String>) {
    let whole = (PathBuf::from(argument), None);
    if Path::new(argument).exists() {
        return whole;
    }
    let bytes = argument.as_bytes();
    let Some(at) = bytes.iter().rposition(|byte| *byte == b'#') else { return whole };
    let (path, id) = bytes.split_at(at);
    let id = id.get(1..).unwrap_or_default();
    (OsStr::from_bytes(path).into(), Some(String::from_utf8_lossy(id).into_owned()))
}

/// The values of `--param`.
pub(crate) fn parameters(given: &[String]) -> Result<Parameters, Failure> {
    let mut params = Parameters::new();
    for param in given {
        params.add(param).map_err(|error| Failure::usage(anyhow!("--param: {error}")))?;
    }
    Ok(params)
}

/// Complain if standard input is a document and `input`, a capture, as well.
pub(crate) fn leave_stdin_to(input: &Path, args: &cli::Documents) -> Result<(), Failure> {
    if is_stdin(input) && args.config.iter().any(|path| is_stdin(path)) {
        return Err(Failure::usage(anyhow!("--config: standard input is the capture already")));
    }
    Ok(())
}

/// Tell at most so many warnings, each on a line of standard error.
pub(crate) fn tell(warnings: &[Problem], most: usize) {
    let mut text = String::new();
    for warning in warnings.iter().take(most) {
        text += &format!("mirror-pcap: {warning}\n");
    }
    if let Some(more) = warnings.len().checked_sub(most).filter(|&more| more > 0) {
        let more = counted(more as u64, "more warning", "more warnings");
        text += &format!("mirror-pcap: and {more}; mirror-pcap config show tells them all\n");
    }
    // Nobody is left to hear that stderr is gone.
    let _ = io::stderr().write_all(text.as_bytes());
}

pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The name and bytes of a document.
pub(crate) fn open(path: &Path) -> Result<(String, Vec<u8>), Failure> {
    let mut bytes = Vec::new();
    let (name, done) = if is_stdin(path) {
        ("standard input".to_owned(), io::stdin().lock().take(MAX_READ).read_to_end(&mut bytes))
    } else {
        let name = path.to_string_lossy().into_owned();
        let file = File::open(path).map_err(|error| Failure::input(&name, error))?;
        if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
            return Err(Failure::input(&name, anyhow!("is a folder, expected a document")));
        }
        (name, file.take(MAX_READ).read_to_end(&mut bytes))
    };
    done.map_err(|error| Failure::input(&name, error))?;
    Ok((name, bytes))
}

/// All problems, a line each.
pub(crate) fn all(problems: &Problems) -> String {
    let count = (problems.errors() + problems.warnings()) as u64;
    let mut text = format!("{} in the documents", counted(count, "problem", "problems"));
    for line in problems.to_string().lines() {
        text += "\n  ";
        // It is printable already; this is the last place to make sure.
        text += &printable(line);
    }
    text
}

/// What a person calls a resource: its id, and its name in quotes.
pub(crate) fn titled(id: Option<&str>, name: Option<&str>) -> Option<String> {
    match (id, quoted(name)) {
        (Some(id), Some(name)) => Some(format!("{} {name}", printable(id))),
        (Some(id), None) => Some(printable(id)),
        (None, name) => name,
    }
}

/// A text of a document, in quotes; none if it is empty.
pub(crate) fn quoted(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(|text| format!("\"{}\"", printable(text)))
}
