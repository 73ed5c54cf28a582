//! The results, for people and scripts.

use std::fmt::Write;

use mirror_aws::expectations::Expectation;
use serde::Serialize;

use super::{Outcome, Suite};
use crate::{
    failure::printable,
    filter::json::Location,
    number::{counted, grouped},
};

/// A line for each test, what doesn't hold below it, and the sum.
pub(super) fn text(suites: &[Suite]) -> String {
    let mut text = String::new();
    for suite in suites {
        // Writing to a String can't fail.
        let _ = writeln!(text, "{}: {}", printable(&suite.file), suite.filter);
        for Outcome { test, unmet } in &suite.results {
            let word = if unmet.is_empty() { "ok  " } else { "FAIL" };
            let line = match test.place.line {
                Some(line) if !unmet.is_empty() => format!(" (line {line})"),
                _ => String::new(),
            };
            let _ = writeln!(text, "  {word}  {}{line}", printable(&test.name));
            for one in unmet {
                let _ = writeln!(text, "        {}", one.message);
            }
        }
    }
    let (all, failed) = count(suites);
    let tests = counted(all, "test", "tests");
    let _ = match failed {
        0 => writeln!(text, "{tests}, all hold"),
        _ => writeln!(text, "{tests}, {} failed", grouped(failed)),
    };
    text
}

/// All tests, and those that failed.
pub(super) fn count(suites: &[Suite]) -> (u64, u64) {
    let results = || suites.iter().flat_map(|suite| &suite.results);
    (results().count() as u64, results().filter(|one| !one.unmet.is_empty()).count() as u64)
}

/// What a test is about, in the words of the file.
pub(super) fn kind(what: &Expectation) -> &'static str {
    match what {
        Expectation::Flow { .. } => "flow",
        Expectation::Capture { .. } => "capture",
        Expectation::EqualTo { .. } => "equal_to",
        Expectation::Lint { .. } => "lint",
    }
}

/// The results as JSON.
#[derive(Serialize)]
pub(super) struct Json<'a> {
    schema: &'static str,
    tests: u64,
    failed: u64,
    files: Vec<FileJson<'a>>,
}

#[derive(Serialize)]
struct FileJson<'a> {
    file: &'a str,
    filter: &'a str,
    tests: Vec<TestJson<'a>>,
}

#[derive(Serialize)]
struct TestJson<'a> {
    name: &'a str,
    kind: &'static str,
    holds: bool,
    location: Location<'a>,
    unmet: Vec<UnmetJson<'a>>,
}

#[derive(Serialize)]
struct UnmetJson<'a> {
    message: &'a str,
    witness: Option<&'a str>,
}

impl<'a> Json<'a> {
    pub(super) fn new(suites: &'a [Suite]) -> Json<'a> {
        let (tests, failed) = count(suites);
        let test = |outcome: &'a Outcome| TestJson {
            name: &outcome.test.name,
            kind: kind(&outcome.test.what),
            holds: outcome.unmet.is_empty(),
            location: Location::new(&outcome.test.place),
            unmet: outcome
                .unmet
                .iter()
                .map(|one| UnmetJson { message: &one.message, witness: one.witness.as_deref() })
                .collect(),
        };
        let file = |suite: &'a Suite| FileJson {
            file: &suite.file,
            filter: &suite.filter,
            tests: suite.results.iter().map(test).collect(),
        };
        let files = suites.iter().map(file).collect();
        Json { schema: "mirror-pcap/filter-test/1", tests, failed, files }
    }
}
