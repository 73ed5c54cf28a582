//! What is wrong with a document: where, what was found, what was expected.
//!
//! A person mends documents by hand, so every problem of all documents is reported at once, and
//! each names its place the way an editor (`template.yaml:31`) and the one who wrote the document
//! by program (`/Resources/In/Properties/RuleNumber`) can find it.
//!
//! Whatever comes from a document is printed in printable ASCII, quoted and cut: a terminal obeys
//! what it is sent. A document can be wrong in a million places, so [`Problems`] counts all and
//! keeps the first thousand errors and the first thousand warnings.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::iter::Chain;
use std::slice::Iter;

use crate::unresolved::Blank;

/// How many errors are kept, and how many warnings; more are counted.
const KEPT: usize = 1_000;

/// How many characters of a path are shown. No path of a real document comes near.
pub(crate) const LONGEST_PATH: usize = 1_000;

/// How many places are named of a problem that several have.
const NAMED: usize = 3;

/// How many characters of a value are shown.
pub(crate) const SHOWN: usize = 60;

/// Where something stands in a document.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The document's name, as it was given to [`read`](crate::read).
    pub document: String,
    /// The path in it, as a JSON pointer (RFC 6901); empty for the document itself. What is longer
    /// than a thousand characters is cut.
    pub path: String,
    /// The line, counted from 1; none of a whole document, and where a text within it was read.
    pub line: Option<u32>,
    /// In a plan or state, the address of the resource and what of it stands there, as
    /// `aws_ec2_traffic_mirror_session.web[0].session_number`: what Terraform and people call it.
    pub resource: Option<Box<str>>,
}

impl Place {
    /// What a person finds it by within the document: the address or, failing that, the path.
    pub fn name(&self) -> &str {
        self.resource.as_deref().unwrap_or(&self.path)
    }

    /// This place where another has just been named: without its document, if that is the same.
    pub fn beside(&self, named: &Place) -> String {
        if self.document != named.document {
            return self.to_string();
        }
        let text = Place { document: String::new(), ..self.clone() }.to_string();
        match (text.strip_prefix(':'), self.line) {
            (Some(rest), Some(_)) => format!("line {rest}"),
            (Some(rest), None) => rest.trim_start().to_owned(),
            (None, _) => text,
        }
    }
}

impl fmt::Display for Place {
    /// `template.yaml:31: /Resources/In`; without line or path `session.json`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape(&self.document, f)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.name().is_empty() {
            f.write_str(": ")?;
            escape(self.name(), f)?;
        }
        Ok(())
    }
}

/// Whether the documents can be used in spite of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// No: something would be missing, or would be a guess.
    Error,
    /// Yes, but a person should know.
    Warning,
}

/// A mistake that is about the filter or session that a document describes, not about the document.
///
/// A person who checks a filter wants these told like all that is wrong with filters; documents
/// with them are read no further than any others with errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Mistake {
    /// Two rules of one direction have the same number.
    DuplicateNumber,
    /// A rule's ranges are of two IP versions.
    FamilyMismatch,
    /// A range of addresses has bits behind its prefix.
    HostBits,
    /// A rule names ports, and no protocol.
    PortsWithoutProtocol,
    /// A session's number isn't one that a session can have.
    SessionNumber,
    /// No packet can match a rule.
    Unmatchable,
}

impl Mistake {
    /// The stable word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Mistake::DuplicateNumber => "duplicate-number",
            Mistake::FamilyMismatch => "family-mismatch",
            Mistake::HostBits => "host-bits",
            Mistake::PortsWithoutProtocol => "ports-without-protocol",
            Mistake::SessionNumber => "session-number",
            Mistake::Unmatchable => "unmatchable",
        }
    }
}

/// One thing that is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where; of what no one document says, nowhere.
    pub place: Place,
    /// Whether the documents can be used in spite of it.
    pub severity: Severity,
    /// What was found and what was expected: one line of printable ASCII, no full stop.
    pub message: String,
    /// Which mistake it is, if it is one of those that have a word.
    pub mistake: Option<Mistake>,
    /// What is to be mended, if that may be the same for several: they are one problem.
    cause: Option<Box<str>>,
}

impl Problem {
    /// An error with its message.
    pub(crate) fn error(place: Place, message: impl Into<String>) -> Problem {
        let (severity, message) = (Severity::Error, message.into());
        Problem { place, severity, message, mistake: None, cause: None }
    }

    /// A warning with its message.
    pub(crate) fn warning(place: Place, message: impl Into<String>) -> Problem {
        Problem { severity: Severity::Warning, ..Problem::error(place, message) }
    }
}

impl Problem {
    /// The same, known as a mistake.
    pub(crate) fn being(self, mistake: Mistake) -> Problem {
        Problem { mistake: Some(mistake), ..self }
    }

    /// The same, one with all that have this cause.
    pub(crate) fn caused_by(self, cause: &str) -> Problem {
        Problem { cause: Some(cause.into()), ..self }
    }

    /// What it has in common with those that are the same problem. Errors of different causes are
    /// mended one by one, so each of them is one; a warning that says the same says nothing new.
    fn kind(&self) -> Option<(Severity, &str)> {
        match (&self.cause, self.severity) {
            (Some(cause), severity) => Some((severity, cause)),
            (None, Severity::Warning) => Some((Severity::Warning, &self.message)),
            (None, Severity::Error) => None,
        }
    }
}

/// A problem, with all the places that have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told<'p> {
    /// The problem where it is met first.
    pub problem: &'p Problem,
    /// The number of that among those that were given.
    pub first: usize,
    /// The next places, not all if there are many.
    also: Vec<&'p Place>,
    /// How many places there are.
    count: usize,
}

/// Problems as they are told: each once, with its first places, in the order of these.
pub fn once<'p>(problems: impl IntoIterator<Item = &'p Problem>) -> Vec<Told<'p>> {
    let mut told: Vec<Told<'p>> = Vec::new();
    let mut known: HashMap<(Severity, &str), usize> = HashMap::new();
    for (first, problem) in problems.into_iter().enumerate() {
        let at = problem.kind().map_or(told.len(), |kind| *known.entry(kind).or_insert(told.len()));
        match told.get_mut(at) {
            Some(one) => {
                one.count += 1;
                if one.also.len() + 1 < NAMED {
                    one.also.push(&problem.place);
                }
            }
            None => told.push(Told { problem, first, also: Vec::new(), count: 1 }),
        }
    }
    told
}

impl Told<'_> {
    /// What was found and what was expected, and where else.
    pub fn message(&self) -> String {
        let Told { problem, also, count, .. } = self;
        if *count == 1 || problem.place.document.is_empty() {
            return problem.message.clone();
        }
        let places: Vec<String> = also.iter().map(|place| place.beside(&problem.place)).collect();
        let places = places.join(" and ");
        format!("{} (in {count} places, also {places})", problem.message)
    }
}

impl fmt::Display for Told<'_> {
    /// As the problem, with the other places behind it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.write(&self.message(), f)
    }
}

impl Problem {
    fn write(&self, message: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let warning = match self.severity {
            Severity::Error => "",
            Severity::Warning => "warning: ",
        };
        // What the documents come to together has no place.
        if self.place.document.is_empty() {
            return write!(f, "{warning}{message}");
        }
        write!(f, "{}: {warning}{message}", self.place)
    }
}

impl fmt::Display for Problem {
    /// `template.yaml:31: /Resources/In/Properties/RuleNumber: found "x", expected an integer`;
    /// a warning says `warning: ` before its message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(&self.message, f)
    }
}

/// All that is wrong with some documents: errors first, each kind in the order in which it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    errors: Kept,
    warnings: Kept,
    reading: Box<Reading>,
}

/// What is kept while documents are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Reading {
    /// What is told once.
    told: HashSet<String>,
    /// Values that can't be known, of what is being read.
    blanks: Vec<Blank>,
    /// How many of these there were.
    count: usize,
}

/// The first problems of a severity, and how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Kept {
    first: Vec<Problem>,
    count: usize,
}

impl Kept {
    fn more(&self) -> usize {
        self.count.saturating_sub(self.first.len())
    }
}

impl Problems {
    /// Note a problem.
    pub(crate) fn push(&mut self, problem: Problem) {
        self.say(problem.severity, || problem);
    }

    /// Note a problem, which is made only if it is kept.
    pub(crate) fn say(&mut self, severity: Severity, problem: impl FnOnce() -> Problem) {
        let kept = match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        kept.count += 1;
        if kept.first.len() < KEPT {
            kept.first.push(problem());
        }
    }

    /// Note a warning that says the same wherever it would stand, once.
    pub(crate) fn say_once(&mut self, what: String, problem: impl FnOnce() -> Problem) {
        if self.reading.told.len() < KEPT && self.reading.told.insert(what) {
            self.say(Severity::Warning, problem);
        }
    }

    /// Note a value that can't be known. Whether that is a problem is found by who takes it.
    pub(crate) fn blank(&mut self, place: Place, why: &str, param: Option<&String>) {
        let Reading { blanks, count, .. } = &mut *self.reading;
        blanks.push(Blank { order: *count, place, why: why.to_owned(), param: param.cloned() });
        *count += 1;
    }

    /// What couldn't be known since somebody asked last.
    pub(crate) fn take_blanks(&mut self) -> Vec<Blank> {
        std::mem::take(&mut self.reading.blanks)
    }

    /// Have who asks next told of these too.
    pub(crate) fn put_back(&mut self, blanks: Vec<Blank>) {
        self.reading.blanks.extend(blanks);
    }

    /// Note that there are so many errors more, of which nothing else is known.
    pub(crate) fn count_errors(&mut self, more: usize) {
        self.errors.count += more;
    }

    /// Note an error: `found …, expected …`.
    pub(crate) fn found(&mut self, place: Place, found: impl fmt::Display, expected: &str) {
        self.push(Problem::error(place, format!("found {found}, expected {expected}")));
    }

    /// Note an error that is a mistake: `found …, expected …`.
    pub(crate) fn mistaken(
        &mut self,
        mistake: Mistake,
        place: Place,
        found: impl fmt::Display,
        expected: &str,
    ) {
        let problem = Problem::error(place, format!("found {found}, expected {expected}"));
        self.push(problem.being(mistake));
    }

    /// Say which mistake those errors are that were noted behind the first `errors`.
    pub(crate) fn since_are(&mut self, errors: usize, mistake: Mistake) {
        for problem in self.errors.first.iter_mut().skip(errors) {
            problem.mistake = Some(mistake);
        }
    }

    /// How many of the problems are errors.
    pub fn errors(&self) -> usize {
        self.errors.count
    }

    /// How many of the problems are warnings.
    pub fn warnings(&self) -> usize {
        self.warnings.count
    }

    /// The first thousand errors, then the first thousand warnings.
    pub fn iter(&self) -> Chain<Iter<'_, Problem>, Iter<'_, Problem>> {
        self.errors.first.iter().chain(self.warnings.first.iter())
    }

    /// The warnings; behind those that were kept, how many there are more.
    pub(crate) fn into_warnings(self) -> Vec<Problem> {
        let more = self.warnings.more();
        let mut warnings = self.warnings.first;
        if more > 0 {
            let message = format!("{} more", counted(more, "warning"));
            warnings.push(Problem::warning(Place::default(), message));
        }
        warnings
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = Chain<Iter<'a, Problem>, Iter<'a, Problem>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    /// One line for each, those that are the same once, without a line feed at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, told) in once(self).iter().enumerate() {
            let feed = if n == 0 { "" } else { "\n" };
            write!(f, "{feed}{told}")?;
        }
        match (self.errors.more(), self.warnings.more()) {
            (0, 0) => Ok(()),
            (errors, 0) => write!(f, "\nand {} more", counted(errors, "error")),
            (0, warnings) => write!(f, "\nand {} more", counted(warnings, "warning")),
            (errors, warnings) => {
                let (errors, warnings) = (counted(errors, "error"), counted(warnings, "warning"));
                write!(f, "\nand {errors} and {warnings} more")
            }
        }
    }
}

impl std::error::Error for Problems {}

/// A text from a document, as a message shows it: in quotes, in printable ASCII, and cut.
pub(crate) struct Shown<'a>(pub(crate) &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, dots) = match self.0.char_indices().nth(SHOWN) {
            Some((end, _)) => (self.0.get(..end).unwrap_or_default(), "..."),
            None => (self.0, ""),
        };
        f.write_str("\"")?;
        for c in text.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                ' '..='~' => write!(f, "{c}")?,
                _ => write!(f, "{}", c.escape_default())?,
            }
        }
        write!(f, "{dots}\"")
    }
}

/// The name of a document or a path in one: printable ASCII, long ones cut in the middle of nothing
/// but their end.
fn escape(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (n, c) in text.chars().enumerate() {
        match c {
            _ if n == LONGEST_PATH => return f.write_str("..."),
            ' '..='~' => write!(f, "{c}")?,
            _ => write!(f, "{}", c.escape_default())?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(document: &str, path: &str, line: Option<u32>) -> Place {
        Place { document: document.into(), path: path.into(), line, resource: None }
    }

    #[test]
    fn a_problem_names_document_line_and_path_as_far_as_they_are_known() {
        let says = |place| Problem::error(place, "found 7, expected a string").to_string();
        assert_eq!(
            says(place("t.yaml", "/Resources/In", Some(31))),
            "t.yaml:31: /Resources/In: found 7, expected a string"
        );
        assert_eq!(says(place("s.json", "/0", None)), "s.json: /0: found 7, expected a string");
        assert_eq!(says(place("s.json", "", None)), "s.json: found 7, expected a string");
        let resource = Some("aws_instance.web[0].id".into());
        assert_eq!(
            says(Place { resource, ..place("p.json", "/values/0/id", Some(3)) }),
            "p.json:3: aws_instance.web[0].id: found 7, expected a string"
        );
    }

    #[test]
    fn a_warning_says_that_it_is_one() {
        let warning = Problem::warning(place("s.json", "", None), "no rules");
        assert_eq!(warning.to_string(), "s.json: warning: no rules");
        let nowhere = Problem::warning(Place::default(), "two sessions with one VNI");
        assert_eq!(nowhere.to_string(), "warning: two sessions with one VNI");
    }

    #[test]
    fn nothing_of_a_document_reaches_a_terminal_unescaped() {
        let evil = "\u{1b}[2J\n\u{202e}\"\\";
        assert_eq!(Shown(evil).to_string(), r#""\u{1b}[2J\n\u{202e}\"\\""#);
        let text = Problem::error(place(evil, evil, None), "found x, expected y").to_string();
        assert!(text.chars().all(|c| matches!(c, ' '..='~')), "{text}");
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        assert_eq!(
            Shown(&"\u{e4}".repeat(60)).to_string(),
            format!("\"{}\"", r"\u{e4}".repeat(60))
        );
        assert_eq!(
            Shown(&"\u{e4}".repeat(61)).to_string(),
            format!("\"{}...\"", r"\u{e4}".repeat(60))
        );
        assert_eq!(place(&"k".repeat(2_000), "", None).to_string().len(), 1_003);
    }

    #[test]
    fn a_million_problems_are_counted_and_a_thousand_kept() {
        let mut problems = Problems::default();
        for _ in 0..KEPT + 5 {
            problems.found(place("d", "", None), 1, "2");
        }
        problems.push(Problem::warning(place("d", "", None), "odd"));
        assert_eq!((problems.errors(), problems.warnings()), (1_005, 1));
        assert_eq!(problems.iter().count(), 1_001);
        assert!(problems.to_string().ends_with("expected 2\nd: warning: odd\nand 5 errors more"));
    }

    #[test]
    fn an_error_behind_a_thousand_warnings_is_told_before_them() {
        let mut problems = Problems::default();
        for n in 0..KEPT + 1 {
            problems.push(Problem::warning(place("d", "", None), format!("odd {n}")));
        }
        problems.found(place("d", "", None), 1, "2");
        let text = problems.to_string();
        assert!(text.starts_with("d: found 1, expected 2\nd: warning: odd 0\n"), "{text}");
        assert!(text.ends_with("\nand 1 warning more"), "{text}");
        let warnings = problems.into_warnings();
        assert_eq!(warnings.len(), KEPT + 1);
        assert_eq!(warnings[KEPT].to_string(), "warning: 1 warning more");
    }

    /// Whoever mends them goes from one to the next; nobody mends a warning eight times.
    #[test]
    fn what_several_places_have_is_one_problem_with_the_first_of_them() {
        let at = |line: u32| place("d", &format!("/{line}"), Some(line));
        let odd = |line| Problem::warning(at(line), "odd");
        let lacks = |line, why: &str| Problem::error(at(line), why).caused_by("P");
        let mut all: Vec<Problem> = vec![lacks(1, "no P"), odd(2)];
        let say = |all: &[Problem]| {
            once(all).iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        };
        assert_eq!(say(&all), "d:1: /1: no P; d:2: /2: warning: odd");
        all.extend([odd(3), lacks(4, "C is unknown, as there is no P")]);
        assert_eq!(
            say(&all),
            "d:1: /1: no P (in 2 places, also line 4: /4); \
             d:2: /2: warning: odd (in 2 places, also line 3: /3)"
        );
        all.extend((5..9).map(odd));
        all.push(Problem { place: place("e", "/9", None), ..odd(9) });
        assert!(
            say(&all).ends_with("(in 7 places, also line 3: /3 and line 5: /5)"),
            "{}",
            say(&all)
        );
        let other = [odd(2), Problem { place: place("e", "/9", None), ..odd(9) }];
        assert_eq!(say(&other), "d:2: /2: warning: odd (in 2 places, also e: /9)");
        // Each of these is to be mended.
        let errors = [2, 3].map(|line| Problem::error(at(line), "found 1, expected 2"));
        assert_eq!(say(&errors).matches("found 1").count(), 2);
    }

    #[test]
    fn what_is_told_once_is_told_once() {
        let mut problems = Problems::default();
        for what in ["a", "b", "a"] {
            problems.say_once(what.into(), || Problem::warning(Place::default(), what));
        }
        assert_eq!(problems.to_string(), "warning: a\nwarning: b");
    }
}
