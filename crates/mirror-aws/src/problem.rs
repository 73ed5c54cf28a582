//! What is wrong with a document: where, what was found, what was expected.
//!
//! A person mends documents by hand, so every problem of all documents is reported at once, and
//! each names its place the way an editor (`template.yaml:31`) and the one who wrote the document
//! by program (`/Resources/In/Properties/RuleNumber`) can find it.
//!
//! Whatever comes from a document is printed in printable ASCII, quoted and cut: a terminal obeys
//! what it is sent. A document can be wrong in a million places, so [`Problems`] counts all and
//! keeps the first thousand.

use std::fmt;

/// How many problems are kept; more are counted.
const KEPT: usize = 1_000;

/// How many characters of a value are shown.
const SHOWN: usize = 60;

/// Where something stands in a document.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The document's name, as it was given to [`read`](crate::read).
    pub document: String,
    /// The path in it, as a JSON pointer (RFC 6901); empty for the document itself.
    pub path: String,
    /// The line, counted from 1, where the format tells it (YAML).
    pub line: Option<u32>,
}

impl fmt::Display for Place {
    /// `template.yaml:31: /Resources/In`; without line or path `session.json`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape(&self.document, f)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.path.is_empty() {
            f.write_str(": ")?;
            escape(&self.path, f)?;
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

/// One thing that is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where; of what no one document says, nowhere.
    pub place: Place,
    /// Whether the documents can be used in spite of it.
    pub severity: Severity,
    /// What was found and what was expected: one line of printable ASCII, no full stop.
    pub message: String,
}

impl Problem {
    /// An error with its message.
    pub(crate) fn error(place: Place, message: impl Into<String>) -> Problem {
        Problem { place, severity: Severity::Error, message: message.into() }
    }

    /// A warning with its message.
    pub(crate) fn warning(place: Place, message: impl Into<String>) -> Problem {
        Problem { place, severity: Severity::Warning, message: message.into() }
    }
}

impl fmt::Display for Problem {
    /// `template.yaml:31: /Resources/In/Properties/RuleNumber: found "x", expected an integer`;
    /// a warning says `warning: ` before its message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let warning = match self.severity {
            Severity::Error => "",
            Severity::Warning => "warning: ",
        };
        // What the documents come to together has no place.
        if self.place.document.is_empty() {
            return write!(f, "{warning}{}", self.message);
        }
        write!(f, "{}: {warning}{}", self.place, self.message)
    }
}

/// All that is wrong with some documents, in the order in which it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    kept: Vec<Problem>,
    errors: usize,
    warnings: usize,
}

impl Problems {
    /// Note a problem.
    pub(crate) fn push(&mut self, problem: Problem) {
        match problem.severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
        }
        if self.kept.len() < KEPT {
            self.kept.push(problem);
        }
    }

    /// Note an error: `found …, expected …`.
    pub(crate) fn found(&mut self, place: Place, found: impl fmt::Display, expected: &str) {
        self.push(Problem::error(place, format!("found {found}, expected {expected}")));
    }

    /// How many of the problems are errors.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// How many of the problems are warnings.
    pub fn warnings(&self) -> usize {
        self.warnings
    }

    /// The first thousand problems.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.kept.iter()
    }

    /// The problems that were kept.
    pub(crate) fn into_vec(self) -> Vec<Problem> {
        self.kept
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    /// One line for each, without a line feed at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.kept.iter().enumerate() {
            let feed = if n == 0 { "" } else { "\n" };
            write!(f, "{feed}{problem}")?;
        }
        match (self.errors + self.warnings).saturating_sub(self.kept.len()) {
            0 => Ok(()),
            more => write!(f, "\nand {more} problems more"),
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
    /// No path of a real document comes near; a key can be as long as a document.
    const LONGEST: usize = 1_000;
    for (n, c) in text.chars().enumerate() {
        match c {
            _ if n == LONGEST => return f.write_str("..."),
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
        Place { document: document.into(), path: path.into(), line }
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
        assert_eq!(problems.iter().count(), 1_000);
        assert!(problems.to_string().ends_with("expected 2\nand 6 problems more"));
    }
}
