//! How a run ends: the exit codes, and the failures behind two of them.

use std::{fmt, io, process::ExitCode};

use anyhow::anyhow;

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

/// `text` with everything escaped that a terminal might obey, and on one line.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_obeyed(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// Whether a terminal might obey `c` rather than show it.
pub(crate) fn is_obeyed(c: char) -> bool {
    // Control characters include C1; the rest turn text around, or hide it or themselves.
    c.is_control()
        || matches!(c, '\u{AD}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{180E}' | '\u{3164}'
            | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_printed() {
        assert_eq!(printable("a\u{1b}]0;x\u{7}\u{9b}\n"), r"a\u{1b}]0;x\u{7}\u{9b}\n");
        assert_eq!(printable("\u{202e}gnp.exe"), r"\u{202e}gnp.exe");
        // It was not taken for what it is: a character that turns text around.
        assert_eq!(printable("a\u{61c}b"), r"a\u{61c}b");
        assert_eq!(printable("Übung.pcapng"), "Übung.pcapng");
    }

    #[test]
    fn a_broken_pipe_is_a_quiet_success() {
        let failure = Failure::output("-", io::ErrorKind::BrokenPipe.into());
        assert_eq!(failure.exit(), Exit::Done);
        assert_eq!(failure.message(), None);
    }
}
