//! `filter test`: whether filters do what is expected of them.
//!
//! A file of tests is about one filter. All files are read before anything is tested, and what is
//! wrong with one ends the run: half of the tests passing would say nothing. What doesn't hold is a
//! result like any other; the exit status is the same in every format.

mod check;
mod junit;
mod report;

use std::path::Path;

use anyhow::anyhow;
use mirror_aws::{
    Document,
    expectations::{self, Expectations, Test},
};

use crate::{
    cli::{self, TextOrJson},
    documents::{self, Source, called},
    failure::{Exit, Failure, printable},
    output::{Output, Replaces},
};
use check::Checker;

pub(super) use check::example;

/// The results of one file.
struct Suite {
    /// The name of the file, as it was given.
    file: String,
    /// What the filter is called.
    filter: String,
    results: Vec<Outcome>,
}

/// The result of one test.
struct Outcome {
    test: Test,
    /// What doesn't hold; nothing if the test holds.
    unmet: Vec<Unmet>,
}

/// Something that doesn't hold.
struct Unmet {
    /// For people, one line, with nothing in it that a terminal would obey.
    message: String,
    /// A packet that shows it, as `explain --flow` takes it.
    witness: Option<String>,
}

impl Unmet {
    fn new(message: impl Into<String>) -> Unmet {
        Unmet { message: message.into(), witness: None }
    }
}

/// Run the command.
pub(super) fn run(args: &cli::FilterTest) -> Result<Exit, Failure> {
    if args.files.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
        return Err(Failure::usage(anyhow!("standard input can be one of the files only")));
    }
    let is_stdout = args.junit.as_deref().is_some_and(|path| path.as_os_str() == "-");
    if is_stdout && args.format == TextOrJson::Json {
        return Err(Failure::usage(anyhow!("--junit: the JSON goes to standard output as well")));
    }
    let files = args.files.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    let replaces = Replaces::NoCapture("what --junit FILE writes");
    let output = args.junit.as_deref().map(|path| Output::create(Some(path), replaces));
    let output = output.transpose()?;
    if let Some(output) = output.as_ref().filter(|output| output.replaces_stdout()) {
        let name = printable(&output.name);
        return Err(Failure::usage(anyhow!("--junit: the results go to {name} as well")));
    }
    let suites = files
        .into_iter()
        .zip(&args.files)
        .map(|((name, file), path)| suite(name, file, path))
        .collect::<Result<Vec<_>, _>>()?;
    if let Some(output) = output {
        output.write_whole(&junit::document(&suites)?)?;
        output.commit(false)?;
    }
    match args.format {
        TextOrJson::Json => {
            super::json::print(&report::Json::new(&suites))?;
        }
        TextOrJson::Text if is_stdout => {}
        TextOrJson::Text => {
            crate::print(|out| {
                out.extend_from_slice(report::text(&suites).as_bytes());
                Ok(())
            })?;
        }
    }
    let holds = suites.iter().flat_map(|suite| &suite.results).all(|one| one.unmet.is_empty());
    Ok(if holds { Exit::Done } else { Exit::Findings })
}

/// The name and content of a file.
fn read(path: &Path) -> Result<(String, Expectations), Failure> {
    let (name, bytes) = documents::open(path)?;
    match expectations::read(&Document { name: &name, bytes: &bytes }) {
        Ok(file) => Ok((name, file)),
        Err(problems) => Err(Failure::usage(anyhow!(documents::all(&problems)))),
    }
}

/// Test what one file says.
fn suite(name: String, file: Expectations, path: &Path) -> Result<Suite, Failure> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let Expectations { filter, params, vpc, local, tests } = file;
    // Of a document that is compared with another, each may ask for some of them.
    let params = params.shared();
    let source = Source::read_with(folder.join(filter).as_os_str(), &params)?;
    let mut checker = Checker::new(&source, folder, &params, &vpc, &local)?;
    let mut results = Vec::with_capacity(tests.len());
    for test in tests {
        let unmet = checker.check(&test)?;
        results.push(Outcome { test, unmet });
    }
    let unasked: Vec<String> = params.unasked().into_iter().map(printable).collect();
    if !unasked.is_empty() {
        let names = unasked.join(", ");
        let wrong = anyhow!("params: found {names}, which no document asks for");
        return Err(Failure::input(&name, wrong));
    }
    Ok(Suite { file: name, filter: called(source.one()?), results })
}
