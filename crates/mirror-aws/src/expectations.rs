//! What a person expects of a filter, as a file: the tests of `filter test`.
//!
//! ```yaml
//! filter: web.yaml
//! tests:
//!   - name: HTTPS from anywhere is mirrored
//!     flow: { direction: ingress, protocol: tcp, source: 0.0.0.0/0, destination_port: 443 }
//!     expect: mirrored
//! ```
//!
//! A test that is misread passes for the wrong reason, so reading is strict: a key that isn't known,
//! a test of two kinds, a value of another type are errors with their lines, and all of them are
//! told. What the file names (documents, captures) stays a name here; nothing is opened.
//!
//! This reads the file. What it means is for whoever runs the tests.

mod flow;
mod share;

use mirror_filter::analysis::{Code, Flows};
use mirror_filter::{Cidr, Verdict};

use crate::at::At;
use crate::document;
use crate::node::NodeKind;
use crate::problem::{Place, Problem, Problems, Shown};
use crate::{Document, Parameters};

pub use share::{Amount, Relation, Share};

/// A file of tests.
#[derive(Clone, Debug)]
pub struct Expectations {
    /// `DOC[#ID]`, relative to the folder of the file.
    pub filter: String,
    /// The values of the filter's parameters.
    pub params: Parameters,
    /// The ranges of the VPC.
    pub vpc: Vec<Cidr>,
    /// The addresses and ranges of the mirrored interface, which tell the direction of packets.
    pub local: Vec<Cidr>,
    /// The tests, at least one.
    pub tests: Vec<Test>,
}

/// One test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// What a person calls it.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// What has to hold.
    pub what: Expectation,
}

/// What has to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// All packets of some flows have one verdict.
    Flow {
        /// The flows: one, or one for each direction or family that was left open.
        flows: Vec<Flows>,
        /// Mirrored, not mirrored, or never mirrored.
        verdict: Verdict,
        /// The number of the rule that decides them all.
        rule: Option<u32>,
    },
    /// So many packets of a capture have a verdict.
    Capture {
        /// Its name, relative to the folder of the file.
        capture: String,
        /// How many, for each verdict that was named.
        shares: Vec<(Verdict, Share)>,
    },
    /// Another filter does the same with every whole packet.
    EqualTo {
        /// `DOC[#ID]`, relative to the folder of the file.
        filter: String,
    },
    /// An analysis finds no more than so much.
    Lint {
        /// How many findings there may be.
        max: usize,
        /// The codes that count; none for all findings that are more than worth knowing.
        codes: Vec<Code>,
    },
}

/// The verdicts that can be expected of packets, by the words of the file.
const VERDICTS: [(&str, Verdict); 4] = [
    ("mirrored", Verdict::Mirrored),
    ("not-mirrored", Verdict::NotMirrored),
    ("never-mirrored", Verdict::NeverMirrored),
    ("undecided", Verdict::Undecided),
];

/// Read a file of tests.
///
/// # Errors
///
/// All that is wrong with it.
pub fn read(file: &Document<'_>) -> Result<Expectations, Problems> {
    let mut problems = Problems::default();
    let read = document::tree(file, &mut problems).and_then(|node| {
        let root = At::root(file.name, &node);
        whole(&root, &mut problems)
    });
    match read {
        Some(expectations) if problems.errors() == 0 => Ok(expectations),
        _ => Err(problems),
    }
}

fn whole(root: &At<'_>, problems: &mut Problems) -> Option<Expectations> {
    if !root.map(problems) {
        return None;
    }
    known(root, &["filter", "params", "context", "tests"], problems);
    let filter = root.require("filter", problems).and_then(|at| name(&at, problems));
    let mut params = Parameters::new();
    if let Some(at) = root.get("params").filter(|at| at.map(problems)) {
        for (key, value) in at.entries() {
            let Some(text) = value.string(problems) else { continue };
            let added = params.add(&format!("{key}={text}"));
            if key.contains('=') || added.is_err() {
                problems.found(value.place(), format!("parameter {}", Shown(key)), "a name");
            }
        }
    }
    let (mut vpc, mut local) = (Vec::new(), Vec::new());
    if let Some(context) = root.get("context").filter(|at| at.map(problems)) {
        known(&context, &["eni", "vpc"], problems);
        vpc = ranges(&context, "vpc", problems);
        local = ranges(&context, "eni", problems);
    }
    let tests = root.require("tests", problems);
    let tests: Vec<_> = tests.iter().flat_map(|at| at.list(problems)).collect();
    if tests.is_empty() && problems.errors() == 0 {
        // What tests nothing must not pass.
        problems.push(Problem::error(root.place(), "found no tests, expected at least one"));
    }
    let tests = tests.iter().filter_map(|at| test(at, problems)).collect();
    Some(Expectations { filter: filter?, params, vpc, local, tests })
}

fn test(at: &At<'_>, problems: &mut Problems) -> Option<Test> {
    if !at.map(problems) {
        return None;
    }
    known(at, &["name", "flow", "capture", "equal_to", "lint", "expect", "rule"], problems);
    let kinds = ["flow", "capture", "equal_to", "lint"];
    let given: Vec<(&str, At<'_>)> =
        kinds.into_iter().filter_map(|kind| Some((kind, at.get(kind)?))).collect();
    let [(kind, subject)] = given.as_slice() else {
        let found: Vec<&str> = given.iter().map(|(kind, _)| *kind).collect();
        let found = if found.is_empty() { "none".to_owned() } else { found.join(" and ") };
        let message = format!("found {found} of {}, expected one of them", kinds.join(", "));
        problems.push(Problem::error(at.place(), message));
        return None;
    };
    let rule = at.get("rule");
    let expect = at.get("expect");
    for (key, value, of) in
        [("rule", &rule, &["flow"][..]), ("expect", &expect, &["flow", "capture"])]
    {
        if let Some(value) = value.as_ref().filter(|_| !of.contains(kind)) {
            let message =
                format!("found {key} beside {kind}, expected it with {}", of.join(" or "));
            problems.push(Problem::error(value.place(), message));
        }
    }
    let what = match *kind {
        "flow" => {
            let flows = flow::read(subject, problems);
            let verdict = at.require("expect", problems).and_then(|at| {
                let words = VERDICTS.iter().filter(|(_, one)| *one != Verdict::Undecided);
                at.one_of(&words.copied().collect::<Vec<_>>(), problems)
            });
            let rule = match rule.map(|at| at.integer(0..=i64::from(i32::MAX), problems)) {
                Some(number) => Some(u32::try_from(number?).ok()?),
                None => None,
            };
            Expectation::Flow { flows: flows?, verdict: verdict?, rule }
        }
        "capture" => {
            let capture = name(subject, problems);
            let shares = at.require("expect", problems).map(|at| share::read(&at, problems));
            Expectation::Capture { capture: capture?, shares: shares? }
        }
        "equal_to" => Expectation::EqualTo { filter: name(subject, problems)? },
        _ => lint(subject, problems)?,
    };
    let name = match at.get("name") {
        Some(name) => name.string(problems)?,
        // For want of a name its number, counted as people do.
        None => {
            let number = at.place().path.rsplit('/').next().and_then(|n| n.parse::<usize>().ok());
            format!("{kind} {}", number.unwrap_or_default() + 1)
        }
    };
    Some(Test { name, place: at.place(), what })
}

fn lint(at: &At<'_>, problems: &mut Problems) -> Option<Expectation> {
    if !at.map(problems) {
        return None;
    }
    known(at, &["max", "codes"], problems);
    let max = match at.get("max") {
        Some(at) => at.integer(0..=1_000_000, problems).and_then(|max| usize::try_from(max).ok()),
        None => Some(0),
    };
    let mut codes = Vec::new();
    if let Some(list) = at.get("codes") {
        let words = Code::ALL.map(|code| (code.as_str(), code));
        let items: Vec<_> = list.list(problems).collect();
        codes = items.iter().filter_map(|code| code.one_of(&words, problems)).collect();
        if items.is_empty() {
            list.wrong("at least one code", problems);
        }
    }
    Some(Expectation::Lint { max: max?, codes })
}

/// Report the keys that aren't known.
fn known(at: &At<'_>, keys: &[&str], problems: &mut Problems) {
    for (key, value) in at.entries() {
        if !keys.contains(&key) {
            let found = format!("key {}", Shown(key));
            problems.found(value.place(), found, &format!("one of {}", keys.join(", ")));
        }
    }
}

/// The name of a file, with or without the id of a filter in it. Standard input is none: it would be
/// something else in each run.
fn name(at: &At<'_>, problems: &mut Problems) -> Option<String> {
    let text = at.string(problems)?;
    if text.is_empty() || text == "-" || text.starts_with("-#") {
        at.wrong("the name of a file", problems);
        return None;
    }
    Some(text)
}

/// An address or range, or a list of them.
fn ranges(at: &At<'_>, key: &str, problems: &mut Problems) -> Vec<Cidr> {
    let Some(at) = at.get(key) else { return Vec::new() };
    let items = match at.node().kind {
        NodeKind::List(_) => at.items().collect(),
        _ => vec![at],
    };
    items.iter().filter_map(|item| range(item, problems)).collect()
}

/// An address, or a range without host bits: a range with them may be meant as an address.
fn range(at: &At<'_>, problems: &mut Problems) -> Option<Cidr> {
    const EXPECTED: &str = "an address or a range without host bits, as 10.0.1.15 or 10.0.0.0/16";
    let text = at.string(problems)?;
    if let Ok(address) = text.parse() {
        return Some(Cidr::host(address));
    }
    match Cidr::parse(&text) {
        Ok((range, false)) => Some(range),
        _ => {
            at.wrong(EXPECTED, problems);
            None
        }
    }
}

#[cfg(test)]
mod tests;
