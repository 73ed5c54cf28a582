//! What is wrong with a sessions file, all of it at once.

use std::fmt;

/// How many problems are kept. Nobody reads more, and a file may be nothing but problems.
const KEPT: usize = 100;

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The place as a JSON pointer (RFC 6901), printable ASCII: `/sessions/0/eni/mac`. Empty if it
    /// is the file as a whole.
    pub path: String,
    /// Line and column, from 1 on, if the file isn't JSON there.
    pub at: Option<(usize, usize)>,
    /// What was found and what was expected, on one line of printable ASCII.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.at {
            write!(f, "line {line}, column {column}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// All that is wrong with a file, in the order in which it was found; there is at least one.
///
/// The text has a line for each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    list: Vec<Problem>,
    more: usize,
}

impl Problems {
    /// The first 100 of them.
    pub fn list(&self) -> &[Problem] {
        &self.list
    }

    /// How many there are besides those in the list.
    pub fn more(&self) -> usize {
        self.more
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Note that at `path` there is one thing instead of another.
    pub(super) fn found(
        &mut self,
        path: &Path<'_>,
        found: impl fmt::Display,
        expected: impl fmt::Display,
    ) {
        self.add(|| Problem {
            path: path.to_string(),
            at: None,
            message: format!("found {found}, expected {expected}"),
        });
    }

    /// Note that the file can't be read on behind this place.
    pub(super) fn stopped(&mut self, at: Option<(usize, usize)>, message: String) {
        // What ended the reading matters more than the last of many things found before it.
        if self.list.len() >= KEPT {
            self.list.truncate(KEPT - 1);
            self.more += 1;
        }
        self.list.push(Problem { path: String::new(), at, message });
    }

    fn add(&mut self, problem: impl FnOnce() -> Problem) {
        if self.list.len() < KEPT {
            self.list.push(problem());
        } else {
            self.more += 1;
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.list.iter().enumerate() {
            f.write_str(if n == 0 { "" } else { "\n" })?;
            problem.fmt(f)?;
        }
        match self.more {
            0 => Ok(()),
            1 => f.write_str("\nand 1 problem more"),
            more => write!(f, "\nand {more} problems more"),
        }
    }
}

impl std::error::Error for Problems {}

/// A place in the file, made into text only when something is wrong there.
#[derive(Clone, Copy)]
pub(super) enum Path<'p> {
    Root,
    Field(&'p Path<'p>, &'p str),
    Item(&'p Path<'p>, usize),
}

impl<'p> Path<'p> {
    pub(super) fn field(&'p self, name: &'p str) -> Path<'p> {
        Path::Field(self, name)
    }

    pub(super) fn item(&'p self, n: usize) -> Path<'p> {
        Path::Item(self, n)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            // Names of fields are the reader's own, without anything that needs an escape.
            Path::Field(parent, name) => write!(f, "{parent}/{name}"),
            Path::Item(parent, n) => write!(f, "{parent}/{n}"),
        }
    }
}
