//! The captures of `testdata/`, each a few lines of Rust.
//!
//! A case is a folder with the capture, its text picture and a README. The first
//! two are made here and never edited by hand; the README is written by a person. So
//! whoever changes a case changes code, and sees in the diff of `input.txt` what
//! that did. Nothing is recorded and nothing is random: the same code gives the same
//! bytes everywhere.

mod damaged;
mod lab;
mod layers;
mod links;
mod metadata;
mod sessions;
mod source;
mod structure;
mod traffic;
mod web;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::decode::dump;

/// A capture of `testdata/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its folder below `testdata/`: `captures/lab-d`.
    pub folder: String,
    /// Its file name: `input.pcapng` or `input.pcap`.
    pub file: &'static str,
    /// The capture.
    pub bytes: Vec<u8>,
}

impl Case {
    fn pcapng(name: &str, bytes: Vec<u8>) -> Case {
        Case { folder: format!("captures/{name}"), file: "input.pcapng", bytes }
    }

    fn pcap(name: &str, bytes: Vec<u8>) -> Case {
        Case { folder: format!("captures/{name}"), file: "input.pcap", bytes }
    }

    fn damaged(self) -> Case {
        let folder = self.folder.replacen("captures/", "damaged/", 1);
        Case { folder, ..self }
    }
}

/// Every case, sound and damaged, in the order of their folders' names by theme.
pub fn all() -> Vec<Case> {
    let themes = [
        sessions::cases(),
        links::cases(),
        layers::cases(),
        structure::cases(),
        metadata::cases(),
        traffic::cases(),
        source::cases(),
        web::cases(),
        damaged::cases(),
    ];
    themes.concat()
}

/// Write every case below `testdata`: the capture and its picture. READMEs stay as they are.
///
/// # Errors
///
/// If a folder or file can't be written.
pub fn write(testdata: &Path) -> io::Result<()> {
    for case in all() {
        let folder = testdata.join(&case.folder);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(case.file), &case.bytes)?;
        fs::write(folder.join("input.txt"), dump(&case.bytes))?;
    }
    Ok(())
}

/// Compare `testdata` with what [`write()`] would put there. Every difference is one line:
/// files that are missing, that differ, that no case makes, and cases without README.
pub fn differences(testdata: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut expected = Vec::new();
    for case in all() {
        let folder = testdata.join(&case.folder);
        for (name, want) in
            [(case.file, case.bytes.clone()), ("input.txt", dump(&case.bytes).into())]
        {
            let path = folder.join(name);
            match fs::read(&path) {
                Ok(have) => found.extend(difference(&have, &want).map(|d| say(&path, &d))),
                Err(error) => found.push(say(&path, &error.to_string())),
            }
            expected.push(path);
        }
        let readme = folder.join("README.md");
        if !readme.is_file() {
            found.push(say(&readme, "missing; a person writes it"));
        }
        expected.push(readme);
    }
    for theme in ["captures", "damaged"] {
        let strays = files_below(&testdata.join(theme));
        let strays = strays.into_iter().filter(|path| !expected.contains(path) && !is_golden(path));
        found.extend(strays.map(|path| say(&path, "belongs to no case")));
    }
    found
}

/// What a command makes of the case; the command's own tests compare it, and find strays.
fn is_golden(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with("expected") && name.ends_with(".txt")
}

fn say(path: &Path, what: &str) -> String {
    format!("{}: {what}", path.display())
}

/// Where two files begin to differ, if they do.
fn difference(have: &[u8], want: &[u8]) -> Option<String> {
    let same = have.iter().zip(want).take_while(|(a, b)| a == b).count();
    if same == have.len() && same == want.len() {
        return None;
    }
    let lengths = format!("{} bytes, the case makes {}", have.len(), want.len());
    let line = have[..same].iter().filter(|byte| **byte == b'\n').count() + 1;
    match std::str::from_utf8(want) {
        Ok(_) => Some(format!("differs at line {line} ({lengths})")),
        Err(_) => Some(format!("differs at byte {same} ({lengths})")),
    }
}

/// All files in the folders of a theme; what can't be listed has none.
fn files_below(theme: &Path) -> Vec<PathBuf> {
    let list = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten();
        entries.filter_map(Result::ok).map(|entry| entry.path()).collect()
    };
    let mut files: Vec<PathBuf> = list(theme).iter().flat_map(|folder| list(folder)).collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::decode::{Content, pcap, pcapng};
    use crate::random::Random;

    fn testdata() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata")
    }

    #[test]
    fn the_committed_files_are_what_the_cases_make() {
        let found = differences(&testdata());
        assert!(found.is_empty(), "run make-testdata:\n{}", found.join("\n"));
    }

    #[test]
    fn no_two_cases_share_a_folder_and_each_is_small() {
        let cases = all();
        let folders: BTreeSet<&String> = cases.iter().map(|case| &case.folder).collect();
        assert_eq!(folders.len(), cases.len());
        for case in &cases {
            assert!(case.bytes.len() < 64 * 1024, "{}: {}", case.folder, case.bytes.len());
        }
    }

    #[test]
    fn sound_captures_are_read_to_their_end_and_without_complaint() {
        for case in all().iter().filter(|case| case.folder.starts_with("captures/")) {
            let picture = dump(&case.bytes);
            let complaint = picture.lines().find(|line| line.trim_start().starts_with("! stops"));
            assert_eq!(complaint, None, "{}", case.folder);
            assert!(!picture.contains("too short"), "{}", case.folder);
            assert!(!picture.contains("not declared"), "{}", case.folder);
        }
    }

    /// Damage must hit something worth saving, so sound mirrored packets come before it.
    #[test]
    fn damaged_captures_begin_with_mirrored_packets() {
        for case in all().iter().filter(|case| case.folder.starts_with("damaged/")) {
            let mirrored = match pcap(&case.bytes) {
                Some(file) => file.records.len(),
                None => pcapng(&case.bytes)
                    .blocks
                    .iter()
                    .filter(|block| matches!(block.content, Content::Packet { .. }))
                    .count(),
            };
            assert!(mirrored >= 2, "{}: {mirrored}", case.folder);
            assert!(dump(&case.bytes).contains("vxlan"), "{}", case.folder);
        }
    }

    #[test]
    fn a_difference_names_the_place() {
        assert_eq!(difference(b"a\nb\n", b"a\nb\n"), None);
        let text = difference(b"a\nb\n", b"a\nc\n").unwrap();
        assert_eq!(text, "differs at line 2 (4 bytes, the case makes 4)");
        let binary = difference(&[1, 2], &[1, 2, 0xFF]).unwrap();
        assert_eq!(binary, "differs at byte 2 (2 bytes, the case makes 3)");
    }

    /// Pictures are made of damaged files too, so the decoder takes any bytes.
    #[test]
    fn the_picture_of_any_damaged_file_can_be_drawn() {
        let mut random = Random::new(1);
        for case in all() {
            for _ in 0..40 {
                let mut bytes = case.bytes.clone();
                let keep = random.between(0, bytes.len() as u64) as usize;
                bytes.truncate(keep);
                for _ in 0..random.between(0, 4) {
                    if !bytes.is_empty() {
                        let at = random.between(0, bytes.len() as u64 - 1) as usize;
                        bytes[at] = random.word() as u8;
                    }
                }
                let picture = dump(&bytes);
                // Only a file cut between two blocks is read without complaint.
                assert!(
                    keep.is_multiple_of(4) || picture.contains('!') || case.file.ends_with("pcap")
                );
            }
        }
    }
}
