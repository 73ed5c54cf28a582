//! `plugin`: the dissector put where Wireshark finds it, and the reasons when it does not show.
//!
//! Wireshark says nothing about a plugin in the wrong folder, and next to nothing about one that was
//! built for another release. So `install` leaves nothing of that to the user, and `doctor` knows
//! the ways in which it goes wrong all the same. Both ask tshark what it does (`wireshark`), and
//! plugin-probe what a file is (`candidate`); where Wireshark looks is nowhere assumed.
//!
//! What lies in a plugin folder runs with the rights of whoever starts Wireshark. So nothing is
//! installed where others can write (`folder`), nor is anything taken from there, or loaded to see
//! whether it works; what is not ours is never replaced or removed; and a person's changes to what
//! we wrote are theirs (`seal`).

mod candidate;
mod doctor;
mod folder;
mod install;
mod profile;
mod seal;
mod wireshark;

use std::{
    io::{self, Write},
    path::Path,
};

use anyhow::anyhow;
use rustix::process::{getegid, geteuid, getgid, getuid};

use crate::{
    cli::{self, PluginCommand},
    failure::{Exit, Failure, printable},
};

/// The plugin's file, wherever it lies.
const FILE: &str = "vpcmirror.so";

/// Where the plugin looks for sessions if no preference says otherwise, in the folder of the
/// personal configuration.
const SESSIONS_FILE: &str = "vpcmirror_sessions.json";

/// Run the command.
pub(crate) fn run(args: &cli::Plugin) -> Result<Exit, Failure> {
    match &args.command {
        PluginCommand::Install(args) => install::install(args),
        PluginCommand::Uninstall(args) => install::uninstall(args),
        PluginCommand::Doctor(args) => doctor::run(args),
        PluginCommand::Profile(args) => profile::run(args),
        // Whatever the plugin has done to this process: it ends here.
        PluginCommand::Probe(args) => {
            plugin_probe::child(&args.plugin, &args.libraries)
                .map_err(|error| Failure::output("standard output", error))?;
            Ok(Exit::Done)
        }
    }
}

/// Whether Wireshark, started as this process was, looks into no folder but its own: root's rights,
/// or borrowed ones, must not run what somebody has put into a home.
fn is_privileged() -> bool {
    getuid() != geteuid() || getgid() != getegid() || getuid().is_root() || getgid().is_root()
}

/// Tell what was done, on standard error as all such talk.
fn tell(text: &str) {
    // Nobody is left to hear that stderr is gone.
    let _ = io::stderr().write_all(format!("{text}\n").as_bytes());
}

/// A path for people.
fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy())
}

/// The bytes of a regular file, if it is no longer than any plugin or text of ours is.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    const MAX: u64 = 256 << 20;
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("is no regular file"));
    }
    if metadata.len() > MAX {
        return Err(io::Error::other(format!("is longer than {MAX} bytes")));
    }
    std::fs::read(path)
}

/// A complaint about the file or folder at `path`.
fn refusal(path: &Path, problem: impl std::fmt::Display) -> Failure {
    Failure::input(path.to_string_lossy(), anyhow!("{problem}"))
}
