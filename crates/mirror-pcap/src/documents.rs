//! The documents of `--config`: files in, joined knowledge out.
//!
//! `mirror_aws` reads names and bytes; here they are found, bounded and handed over, and what is
//! wrong with them is told. A person mends documents by hand, so all errors are told in one go, and
//! nothing is read of any capture before they are gone. Warnings don't stop a run.
//!
//! A value that can't be known is an error of that command alone which can't answer without it
//! ([`demand`]), and a warning where the answer is another one with it.
//!
//! Where filters of a document are meant, `source` finds them.

mod source;

use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use anyhow::anyhow;
use mirror_aws::{Document, Estate, Open, Parameters, Problem, Problems, Unresolved, once};

pub(crate) use self::source::{Source, Text, Unread, called, names_of, reads_stdin};

use crate::{
    cli,
    failure::{Failure, printable},
    number::counted,
    streams,
};

/// The most that is read of a document: one byte more than `mirror_aws` takes, so that it sees that
/// there is more.
const MAX_READ: u64 = (64 << 20) + 1;

/// Warnings told before a run that is about something else.
pub(crate) const MAX_WARNINGS: usize = 20;

/// Values told that a run can't do without; `mirror_aws` keeps as many errors.
const MAX_DEMANDED: usize = 1_000;

/// Read and join the documents; `None` if none were named.
///
/// What a person should know about them is told on standard error, unless `quiet`.
pub(crate) fn load(args: &cli::Documents, quiet: bool) -> Result<Option<Estate>, Failure> {
    if args.config.is_empty() {
        return Ok(None);
    }
    let estate = read(args)?;
    if !quiet {
        // What sessions are called and where they are doesn't depend on rules.
        let of_sessions = |open| !matches!(open, Open::Filter(_) | Open::AnyFilter);
        tell(&warnings(&estate, of_sessions), MAX_WARNINGS);
    }
    Ok(Some(estate))
}

/// What a person should know of the documents, and of what can't be known that which is `asked`
/// about.
pub(crate) fn warnings(estate: &Estate, asked: impl Fn(Open) -> bool) -> Vec<Problem> {
    let unresolved = estate.leaving(asked).map(Unresolved::warning);
    unresolved.chain(estate.warnings.iter().cloned()).collect()
}

/// An error if there is anything that can't be known and is `asked` about.
pub(crate) fn demand(estate: &Estate, asked: impl Fn(Open) -> bool) -> Result<(), Failure> {
    let problems: Vec<Problem> = estate.leaving(asked).map(Unresolved::error).collect();
    if problems.is_empty() {
        return Ok(());
    }
    let told = once(&problems);
    let mut lines: Vec<String> = told.iter().take(MAX_DEMANDED).map(ToString::to_string).collect();
    if let Some(more) = told.len().checked_sub(MAX_DEMANDED).filter(|&more| more > 0) {
        lines.push(format!("and {more} more"));
    }
    Err(Failure::usage(anyhow!(listed(told.len(), &lines))))
}

/// Read and join the documents, and tell nothing.
pub(crate) fn read(args: &cli::Documents) -> Result<Estate, Failure> {
    if args.config.iter().filter(|path| is_stdin(path)).count() > 1 {
        return Err(Failure::usage(anyhow!("standard input can be one of the documents only")));
    }
    read_with(&args.config, &parameters(&args.param)?)
}

/// Read and join the documents with parameters that others may share.
pub(crate) fn read_with(config: &[PathBuf], params: &Parameters) -> Result<Estate, Failure> {
    let files = config.iter().map(|path| open(path)).collect::<Result<Vec<_>, _>>()?;
    let documents: Vec<_> = files.iter().map(|(name, bytes)| Document { name, bytes }).collect();
    mirror_aws::read(&documents, params).map_err(|problems| Failure::usage(anyhow!(all(&problems))))
}

/// The values of `--param`.
pub(crate) fn parameters(given: &[String]) -> Result<Parameters, Failure> {
    let mut params = Parameters::new();
    for param in given {
        params.add(param).map_err(|error| Failure::usage(anyhow!("--param: {error}")))?;
    }
    Ok(params)
}

/// Complain if standard input is a document and `input`, a capture or `what` it is called, as well.
pub(crate) fn leave_stdin_to(
    input: &Path,
    what: &str,
    args: &cli::Documents,
) -> Result<(), Failure> {
    if is_stdin(input) && args.config.iter().any(|path| is_stdin(path)) {
        return Err(Failure::usage(anyhow!("--config: standard input is the {what} already")));
    }
    Ok(())
}

/// Tell at most so many warnings, each on a line of standard error.
pub(crate) fn tell(warnings: &[Problem], most: usize) {
    let mut text = String::new();
    let warnings = once(warnings);
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
    streams::check_input(path).map_err(|error| Failure::input("standard input", error))?;
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
    let more = problems.errors() + problems.warnings() - problems.iter().count();
    let lines: Vec<String> = problems.to_string().lines().map(str::to_owned).collect();
    listed(once(problems).len() + more, &lines)
}

/// So many problems, told in these lines.
fn listed(count: usize, lines: &[String]) -> String {
    let mut text = format!("{} in the documents", counted(count as u64, "problem", "problems"));
    for line in lines {
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
