//! How a run ends: the exit codes, and the failures behind two of them.

use std::{fmt, io, process::ExitCode};

use anyhow::anyhow;
pub(crate) use mirror_session::printable;

use crate::output::signals;

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
        Failure::Usage(error.into().context(printable(&name.to_string())))
    }

    /// `error` came of writing `name`.
    pub(crate) fn output(name: impl fmt::Display, error: io::Error) -> Failure {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Failure::BrokenPipe;
        }
        Failure::Output(anyhow!(error).context(printable(&name.to_string())))
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
            // `{:#}` joins the chain of causes with colons.
            Failure::Usage(error) | Failure::Output(error) => Some(format!("{error:#}")),
            Failure::Stopped { name, signal } => Some(format!(
                "{}: stopped by {} before a capture had begun",
                printable(name),
                signals::name(*signal)
            )),
            Failure::BrokenPipe => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_pipe_is_a_quiet_success() {
        let failure = Failure::output("-", io::ErrorKind::BrokenPipe.into());
        assert_eq!(failure.exit(), Exit::Done);
        assert_eq!(failure.message(), None);
    }
}
