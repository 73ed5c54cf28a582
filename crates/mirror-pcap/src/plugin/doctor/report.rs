//! What the doctor says.

use std::fmt::Write;

use serde::Serialize;

use super::{Diagnosis, Finding, Installed};
use crate::{
    failure::{Failure, printable},
    json,
    number::counted,
    plugin::{is_privileged, shown},
};

/// For people.
pub(super) fn text(diagnosis: &Diagnosis) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    if let Some(wireshark) = &diagnosis.wireshark {
        let folders = &wireshark.folders;
        let _ = writeln!(text, "tshark {}: {}", wireshark.version, shown(&wireshark.program));
        let personal = if is_privileged() { ", ignored for root" } else { "" };
        let _ = writeln!(text, "  plugins of this user: {}{personal}", shown(&folders.personal()));
        let _ = writeln!(text, "  plugins of all users: {}", shown(&folders.global()));
    }
    for plugin in &diagnosis.plugins {
        let Installed { path, version, wireshark, loaded, .. } = plugin;
        let loaded = if *loaded { "loaded" } else { "not loaded" };
        let (path, version) = (printable(path), printable(version));
        let _ = writeln!(text, "plugin {version} for Wireshark {wireshark}, {loaded}: {path}");
    }
    if let Some((path, sessions)) = &diagnosis.sessions {
        let count =
            sessions.map_or("not readable".to_owned(), |n| counted(n, "session", "sessions"));
        let _ = writeln!(text, "sessions file, {count}: {}", shown(path));
    }
    match diagnosis.findings.len() {
        0 => text += "nothing is wrong\n",
        n => {
            let _ = writeln!(text, "{}", counted(n as u64, "thing is wrong", "things are wrong"));
        }
    }
    for Finding { code, path, message } in &diagnosis.findings {
        let path = path.as_ref().map(|path| format!("{}: ", printable(path))).unwrap_or_default();
        let _ = writeln!(text, "  {code}: {path}{}", printable(message));
    }
    text
}

/// What `--format json` prints; see docs/json.md.
#[derive(Serialize)]
struct Document<'d> {
    schema: &'static str,
    root: bool,
    tshark: Option<Tshark>,
    plugins: &'d [Installed],
    sessions_file: Option<SessionsFile>,
    findings: &'d [Finding],
}

#[derive(Serialize)]
struct Tshark {
    path: String,
    version: String,
    personal_plugins: String,
    global_plugins: String,
    configuration: String,
}

#[derive(Serialize)]
struct SessionsFile {
    path: String,
    sessions: Option<u64>,
}

/// For scripts.
pub(super) fn json(diagnosis: &Diagnosis) -> Result<String, Failure> {
    let lossy = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let tshark = diagnosis.wireshark.as_ref().map(|wireshark| Tshark {
        path: lossy(&wireshark.program),
        version: wireshark.version.clone(),
        personal_plugins: lossy(&wireshark.folders.personal()),
        global_plugins: lossy(&wireshark.folders.global()),
        configuration: lossy(&wireshark.folders.configuration),
    });
    let sessions = diagnosis.sessions.as_ref();
    let document = Document {
        schema: "mirror-pcap/doctor/1",
        root: is_privileged(),
        tshark,
        plugins: &diagnosis.plugins,
        sessions_file: sessions
            .map(|(path, sessions)| SessionsFile { path: lossy(path), sessions: *sessions }),
        findings: &diagnosis.findings,
    };
    json::document(&document)
}
