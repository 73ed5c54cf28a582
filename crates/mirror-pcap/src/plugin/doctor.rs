//! `plugin doctor`: why the plugin does not show.
//!
//! Wireshark is silent about most of it: a file in the wrong folder is not looked at, a folder is
//! ignored when root runs it, and a protocol that was disabled years ago stays so. What can be seen
//! from outside is looked at here, in the order in which Wireshark would stumble over it, and each
//! finding says what to do.

mod look;
mod report;

use std::path::PathBuf;

use serde::Serialize;

use super::wireshark::Wireshark;
use crate::{
    cli::{self, DoctorFormat},
    failure::{Exit, Failure},
};

/// Everything that was found.
struct Diagnosis {
    wireshark: Option<Wireshark>,
    plugins: Vec<Installed>,
    /// The sessions file that the plugin reads by itself, if there is one, and its sessions if it is
    /// sound.
    sessions: Option<(PathBuf, Option<u64>)>,
    findings: Vec<Finding>,
}

/// Our plugin, where Wireshark looks for plugins.
#[derive(Debug, Serialize)]
struct Installed {
    path: String,
    version: String,
    wireshark: String,
    loaded: bool,
    #[serde(skip)]
    file: PathBuf,
}

/// Something that is wrong.
#[derive(Debug, Serialize)]
struct Finding {
    code: &'static str,
    path: Option<String>,
    message: String,
}

/// Run the command.
pub(super) fn run(args: &cli::Doctor) -> Result<Exit, Failure> {
    let diagnosis = look::at(args.which.tshark.as_deref());
    let text = match args.format {
        DoctorFormat::Text => report::text(&diagnosis),
        DoctorFormat::Json => report::json(&diagnosis)?,
    };
    crate::print(|out| {
        out.extend_from_slice(text.as_bytes());
        Ok(())
    })?;
    Ok(if diagnosis.findings.is_empty() { Exit::Done } else { Exit::Findings })
}
