// SPDX-License-Identifier: GPL-2.0-or-later
//! The preferences, and the sessions file that they name.
//!
//! A user changes the file while Wireshark is open, so it is looked at whenever a capture is opened
//! or read anew, and read if its time or length is another than before. What is wrong with it is
//! told once a version of it, and the rest of the preferences hold all the same.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use mirror_dissect::{Picture, Row, Settings, file, join, printable};

/// Columns of the table of sessions.
pub(crate) const COLUMNS: usize = 11;

/// Problems of a sessions file that are told; the first ones are what people mend first.
const TOLD: usize = 10;

/// What the user has set, as C has it.
pub(crate) struct Preferences<'a> {
    /// The sessions file's path.
    pub(crate) file: &'a [u8],
    /// Nobody named the file: it need not be there.
    pub(crate) is_default_file: bool,
    /// `TRUE` or `FALSE`.
    pub(crate) only_known: &'a [u8],
    pub(crate) ports: &'a [u16],
    pub(crate) rows: Vec<[&'a [u8]; COLUMNS]>,
}

/// What they come to.
pub(crate) struct Loaded {
    pub(crate) settings: Settings,
    /// What is wrong, in words.
    pub(crate) problem: Option<String>,
}

/// Remembers which version of the file was read.
#[derive(Default)]
pub(crate) struct Loader {
    read: Option<Version>,
}

/// What tells a version of a file from another.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Version {
    path: PathBuf,
    /// Time of its last change and its length; `None` if it isn't there.
    state: Option<(Option<SystemTime>, u64)>,
}

impl Loader {
    /// What the preferences come to; `None` if that is what it was before.
    pub(crate) fn load(&mut self, preferences: &Preferences<'_>, changed: bool) -> Option<Loaded> {
        let path = Path::new(OsStr::from_bytes(preferences.file));
        let metadata = fs::metadata(path).ok();
        let state = metadata.map(|metadata| (metadata.modified().ok(), metadata.len()));
        let version = Version { path: path.to_owned(), state };
        if !changed && self.read.as_ref() == Some(&version) {
            return None;
        }
        let nothing_there = preferences.is_default_file && version.state.is_none();
        let read = if nothing_there { Ok(Picture::default()) } else { read(path) };
        self.read = Some(version);
        let mut problems = Vec::new();
        let mut told = |problem| problems.push(problem);
        let picture = read.map_err(&mut told).unwrap_or_default();
        let only_known = truth("only_known", preferences.only_known).map_err(told).unwrap_or(false);
        let rows = preferences.rows.iter();
        // A row that can't be read was refused when it was typed, and told then.
        let rows = rows.filter_map(|row| columns(row).ok()?.session().ok()).collect();
        let settings = Settings {
            ports: preferences.ports.to_vec(),
            only_known,
            picture: join(picture, rows),
        };
        let problem = (!problems.is_empty()).then(|| problems.join("\n"));
        Some(Loaded { settings, problem })
    }
}

/// What a sessions file says.
fn read(path: &Path) -> Result<Picture, String> {
    let name = printable(&path.to_string_lossy());
    let cannot = |error: &dyn std::fmt::Display| format!("vpcmirror: cannot read {name}: {error}");
    // A pipe would keep Wireshark waiting.
    if !fs::metadata(path).map_err(|error| cannot(&error))?.is_file() {
        return Err(cannot(&"not a regular file"));
    }
    let mut bytes = Vec::new();
    let most = file::MAX_LEN as u64 + 1;
    File::open(path)
        .and_then(|file| file.take(most).read_to_end(&mut bytes))
        .map_err(|error| cannot(&error))?;
    file::read(&bytes).map_err(|problems| {
        let list = problems.list();
        let mut message: Vec<String> =
            list.iter().take(TOLD).map(|problem| format!("vpcmirror: {name}: {problem}")).collect();
        let more = list.len().saturating_sub(TOLD) + problems.more();
        if more > 0 {
            message.push(format!("vpcmirror: {name}: and {more} more"));
        }
        message.join("\n")
    })
}

/// What a preference says that is on or off; in capitals or not, as Wireshark reads its own.
fn truth(name: &str, value: &[u8]) -> Result<bool, String> {
    if value.eq_ignore_ascii_case(b"true") {
        return Ok(true);
    }
    if value.eq_ignore_ascii_case(b"false") {
        return Ok(false);
    }
    let found = printable(&String::from_utf8_lossy(value));
    Err(format!("vpcmirror: {name}: found \"{found}\", expected TRUE or FALSE"))
}

/// A row of the table; what isn't UTF-8 in it is an error.
pub(crate) fn columns<'a>(row: &[&'a [u8]; COLUMNS]) -> Result<Row<'a>, String> {
    let mut texts = [""; COLUMNS];
    for (text, column) in texts.iter_mut().zip(row) {
        *text = str::from_utf8(column).map_err(|_| "found a value that is not UTF-8".to_owned())?;
    }
    let [vni, source, name, session, number, eni, target, filter, endpoint, mac, packet_length] =
        texts;
    Ok(Row {
        vni,
        source,
        name,
        session,
        number,
        eni,
        target,
        filter,
        endpoint,
        mac,
        packet_length,
    })
}
