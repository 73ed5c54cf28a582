//! Captures by other programs, from the test suites of other projects.
//!
//! They are not part of this repository, for each has a licence of its own.
//! `MIRROR_PCAP_CORPUS` names a folder of captures; without it, a folder
//! `corpus/public` with a `MANIFEST.md` is looked for beside the workspace.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that meets the impossible should stop"
)]

mod common;

use std::{
    env, fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use common::{Pieces, Reading};
use mirror_testkit::decode;
use pcapng_blocks::{Compression, decompress};

fn folder() -> Option<PathBuf> {
    if let Some(folder) = env::var_os("MIRROR_PCAP_CORPUS") {
        return Some(folder.into());
    }
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().ok()?;
    let siblings = fs::read_dir(workspace.parent()?).ok()?;
    let mut found = siblings.filter_map(Result::ok).map(|entry| entry.path().join("corpus/public"));
    found.find(|folder| folder.join("MANIFEST.md").is_file())
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn captures_of_others_are_read_in_pieces_as_whole_and_copied_byte_for_byte() {
    let Some(folder) = folder() else {
        // Not through the test harness, which keeps what passing tests print.
        let _ = writeln!(
            io::stderr(),
            "SKIPPED: captures of others; set MIRROR_PCAP_CORPUS to a folder of them"
        );
        return;
    };
    let mut paths = Vec::new();
    files(&folder, &mut paths);
    paths.sort();
    let (mut copied, mut opened) = (0, 0);
    for path in &paths {
        let file = fs::read(path).unwrap();
        let mut bytes = Vec::new();
        let (mut stream, compression) = decompress(&file[..]).unwrap();
        let sound = stream.read_to_end(&mut bytes).is_ok();
        let reading = Reading::of(&bytes[..]);
        reading.check_bounded(&bytes);
        let name = path.display();
        for most in [4096, 1] {
            assert_eq!(Reading::of(Pieces { bytes: &bytes, most }), reading, "{name}");
        }
        opened += usize::from(!reading.lines.is_empty());
        if !sound || !reading.damages.is_empty() {
            continue;
        }
        if let Some(pcap) = decode::pcap(&bytes) {
            assert_eq!(pcap.stop, None, "{name}");
            assert_eq!(reading.packets.len(), pcap.records.len(), "{name}");
            for (packet, record) in reading.packets.iter().zip(pcap.records) {
                assert_eq!(
                    (&packet.data, packet.original),
                    (&record.data, record.original),
                    "{name}"
                );
            }
        } else {
            assert!(reading.copied == bytes, "{name} is not copied byte for byte");
            let decoded = decode::pcapng(&bytes);
            assert_eq!(decoded.stop, None, "{name}");
            copied += usize::from(compression == Compression::None);
        }
    }
    let _ = writeln!(io::stderr(), "{opened} captures of others read, {copied} copied");
    assert!(copied > 0, "no capture in {}", folder.display());
}
