//! A file that is, or ought to be, the plugin, judged for the Wireshark that is there.
//!
//! First what the file says of itself, with nothing of it run; only what Wireshark would load
//! anyway, and what is ours, is loaded, by a child.

use std::{fmt, fs, io, path::Path, process::Command, time::Duration};

use plugin_probe::{Machine, NotAPlugin, Outcome, Release, Symbols};

use super::{read, wireshark::Wireshark};
use crate::failure::{printable, words};

/// No constructor that is worth having takes this long, nor does libwireshark on a slow disk.
const PATIENCE: Duration = Duration::from_secs(30);

/// What keeps Wireshark from loading a file.
#[derive(Debug)]
pub(super) enum Flaw {
    Unreadable(io::Error),
    NotAPlugin(NotAPlugin),
    /// A plugin, but not this one.
    NotOurs,
    OtherMachine {
        of: Machine,
        host: Machine,
    },
    OtherRelease {
        of: Release,
        host: Release,
    },
    NotLoadable(Outcome),
}

impl Flaw {
    /// The word for it in the doctor's answer.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Flaw::Unreadable(_) => "unreadable",
            Flaw::NotAPlugin(NotAPlugin::Missing(_) | NotAPlugin::BadValue(_)) => "missing-symbols",
            Flaw::NotAPlugin(_) => "no-library",
            Flaw::NotOurs => "not-ours",
            Flaw::OtherMachine { .. } => "wrong-machine",
            Flaw::OtherRelease { .. } => "wrong-minor",
            Flaw::NotLoadable(Outcome::Crashed(_) | Outcome::Hung(_)) => "crashes",
            Flaw::NotLoadable(_) => "not-loadable",
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::Unreadable(error) => write!(f, "cannot be read: {}", words(error)),
            Flaw::NotAPlugin(problem) => write!(f, "{problem}"),
            Flaw::NotOurs => f.write_str(
                "is another Wireshark plugin, expected VPC Traffic Mirroring (vpcmirror_plugin)",
            ),
            Flaw::OtherMachine { of, host } => {
                write!(f, "was compiled for {of}, and this Wireshark for {host}")
            }
            Flaw::OtherRelease { of, host } => write!(
                f,
                "was built for Wireshark {of}, and this is {host}, which takes only what was built \
                 for {host}"
            ),
            Flaw::NotLoadable(outcome) => f.write_str(&printable(&outcome.to_string())),
        }
    }
}

/// Read a file that should be our plugin.
pub(super) fn ours(path: &Path) -> Result<(Symbols, Vec<u8>), Flaw> {
    let bytes = read(path).map_err(Flaw::Unreadable)?;
    let symbols = Symbols::read(&bytes).map_err(Flaw::NotAPlugin)?;
    if symbols.is_ours { Ok((symbols, bytes)) } else { Err(Flaw::NotOurs) }
}

/// Whether it was built for this Wireshark.
pub(super) fn fits(symbols: &Symbols, wireshark: &Wireshark) -> Result<(), Flaw> {
    if let Some(host) = &wireshark.host
        && host.machine != symbols.machine
    {
        return Err(Flaw::OtherMachine { of: symbols.machine, host: host.machine });
    }
    if symbols.wants != wireshark.release {
        return Err(Flaw::OtherRelease { of: symbols.wants, host: wireshark.release });
    }
    Ok(())
}

/// Load it in a child process, if libwireshark can be loaded there; else tshark alone will tell.
pub(super) fn loads(path: &Path, wireshark: &Wireshark) -> Result<(), Flaw> {
    let Some(host) = &wireshark.host else { return Ok(()) };
    let program = std::env::current_exe().map_err(Flaw::Unreadable)?;
    let mut command = Command::new(program);
    command.args(["plugin", "probe"]);
    let path = fs::canonicalize(path).map_err(Flaw::Unreadable)?;
    match plugin_probe::try_loading(command, &host.libraries, &path, PATIENCE) {
        Ok(Outcome::Loaded(_) | Outcome::NoHost(_)) => Ok(()),
        Ok(outcome) => Err(Flaw::NotLoadable(outcome)),
        Err(error) => Err(Flaw::Unreadable(error)),
    }
}
