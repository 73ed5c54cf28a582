//! How a run ends: the exit codes, and the failures behind two of them.

use std::{fmt, io, process::ExitCode};

use anyhow::anyhow;
pub(crate) use mirror_session::printable;

use crate::{
    output::signals,
    remote::{self, Way},
};

/// How a run ended that did what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything was done.
    Done,
    /// It found what it was asked to look for: mistakes, differences, tests that fail.
    Findings,
    /// Bad arguments, or an input that cannot be read as asked.
    Usage,
    /// The output could not be written.
    Output,
    /// Finished, but the input was damaged; what could be read was written.
    Damaged,
    /// Ended by a signal.
    Signal(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Done => 0,
            Exit::Findings => 1,
            Exit::Usage => 2,
            Exit::Output => 3,
            Exit::Damaged => 4,
            Exit::Signal(number) => 128 + number,
        })
    }
}

/// Why a run did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The arguments, or the input.
    Usage(anyhow::Error),
    /// The output.
    Output(anyhow::Error),
    /// A signal came before there was anything to write.
    Stopped {
        /// The name of the input.
        name: String,
        /// The signal.
        signal: u8,
    },
    /// Whoever read the output has gone; nobody is left to be told.
    BrokenPipe,
}

impl Failure {
    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Failure {
        Failure::Usage(error.into())
    }

    /// `error` came of opening or reading `name`.
    pub(crate) fn input<E>(name: impl fmt::Display, error: E) -> Failure
    where
        E: Into<anyhow::Error>,
    {
        let (name, error) = (name.to_string(), error.into());
        if let Some(advice) = error.downcast_ref().and_then(|error| missing(&name, error, Way::In))
        {
            return advice;
        }
        Failure::Usage(error.context(printable(&name)))
    }

    /// `error` came of writing `name`.
    pub(crate) fn output(name: impl fmt::Display, error: io::Error) -> Failure {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Failure::BrokenPipe;
        }
        let name = name.to_string();
        if let Some(advice) = missing(&name, &error, Way::Out) {
            return advice;
        }
        Failure::Output(anyhow!(error).context(printable(&name)))
    }

    pub(crate) fn exit(&self) -> Exit {
        match self {
            Failure::Usage(_) => Exit::Usage,
            Failure::Output(_) => Exit::Output,
            Failure::Stopped { signal, .. } => Exit::Signal(*signal),
            Failure::BrokenPipe => Exit::Done,
        }
    }

    /// What to say of it, on one line.
    pub(crate) fn message(&self) -> Option<String> {
        match self {
            Failure::Usage(error) | Failure::Output(error) => Some(told(error)),
            Failure::Stopped { name, signal } => Some(format!(
                "{}: stopped by {} before a capture had begun",
                printable(name),
                signals::name(*signal)
            )),
            Failure::BrokenPipe => None,
        }
    }
}

/// What to do if it was no file that was named, but something elsewhere.
fn missing(name: &str, error: &io::Error, way: Way) -> Option<Failure> {
    let advice = match error.kind() {
        io::ErrorKind::NotFound => remote::advice(name, way)?,
        _ => return None,
    };
    Some(Failure::Usage(anyhow!(printable(&advice)).context(printable(name))))
}

/// An error with its causes, joined by colons.
fn told(error: &anyhow::Error) -> String {
    let words = error.chain().map(|cause| match cause.downcast_ref() {
        Some(error) => words(error),
        None => cause.to_string(),
    });
    words.collect::<Vec<_>>().join(": ")
}

/// What the system says of an error.
pub(crate) fn words(error: &io::Error) -> String {
    without_numbers(&error.to_string())
}

/// `text` without the number that the standard library puts behind the system's words, which say
/// the same. Libraries hand on such texts within their own, so it may stand anywhere.
pub(crate) fn without_numbers(text: &str) -> String {
    let mut parts = text.split(" (os error ");
    let mut words = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        words += rest.strip_prefix(')').unwrap_or(part);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_told_without_its_number() {
        let missing = || io::Error::from_raw_os_error(2);
        assert_eq!(words(&missing()), "No such file or directory");
        // As a library hands it on.
        let within = io::Error::other(format!("frame: {}: given up", missing()));
        assert_eq!(words(&within), "frame: No such file or directory: given up");
        // The name of a file may be anything.
        let failure = Failure::input("x (os error 2)", missing());
        let want = "x (os error 2): No such file or directory";
        assert_eq!(failure.message().as_deref(), Some(want));
    }

    #[test]
    fn a_broken_pipe_is_a_quiet_success() {
        let failure = Failure::output("-", io::ErrorKind::BrokenPipe.into());
        assert_eq!(failure.exit(), Exit::Done);
        assert_eq!(failure.message(), None);
    }
}
