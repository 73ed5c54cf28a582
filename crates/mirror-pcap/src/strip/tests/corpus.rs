//! Captures that others have made.
//!
//! They are not part of the project. Where they lie is said by `MIRROR_PCAP_CORPUS`;
//! else a folder beside the project that has `corpus/public/MANIFEST.md` is taken.
//! Without any, the tests say so and pass.

use std::{
    env, fs,
    io::{Read, Write},
    path::{Path, PathBuf},
};

use mirror_testkit::{
    capture::CUSTOM_NO_COPY,
    decode::{Block, Content, Pcapng, dump, pcap, pcapng},
};
use pcapng_blocks::{Compression, decompress};

use super::support::{drive, packet, packets, sound, strip_args};
use crate::strip::Stripper;

/// Every capture there is, by name, decompressed; whether it was compressed.
fn corpus() -> Vec<(String, Vec<u8>, bool)> {
    let Some(folder) = folder() else {
        // Past the capture of test output: what was not tested should not look tested.
        let text = "SKIPPED: no captures of others; MIRROR_PCAP_CORPUS names their folder\n";
        let _ = std::io::stderr().write_all(text.as_bytes());
        return Vec::new();
    };
    let mut files = Vec::new();
    gather(&folder, &mut files);
    files.sort();
    let captures: Vec<_> = files
        .iter()
        .filter_map(|path| {
            let bytes = fs::read(path).unwrap();
            let (mut reader, compression) = decompress(&bytes[..]).ok()?;
            let mut plain = Vec::new();
            let _ = reader.read_to_end(&mut plain);
            let name = path.strip_prefix(&folder).unwrap().display().to_string();
            Some((name, plain, compression != Compression::None))
        })
        .collect();
    assert!(captures.len() > 50, "{}: {} files", folder.display(), captures.len());
    captures
}

fn folder() -> Option<PathBuf> {
    if let Some(folder) = env::var_os("MIRROR_PCAP_CORPUS") {
        return Some(folder.into());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().ok()?;
    let beside = fs::read_dir(root.parent()?).ok()?;
    let mut folders: Vec<_> =
        beside.filter_map(|entry| Some(entry.ok()?.path().join("corpus/public"))).collect();
    folders.sort();
    folders.into_iter().find(|folder| folder.join("MANIFEST.md").is_file())
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.extension().and_then(|ending| ending.to_str()) {
            _ if path.is_dir() => gather(&path, files),
            Some("md" | "txt") | None => {}
            Some(_) => files.push(path),
        }
    }
}

/// A packet as any format has it: time, length on the wire, data, comments.
#[derive(Clone, Debug, PartialEq)]
struct Plain {
    time: u64,
    original: u32,
    data: Vec<u8>,
    options: Vec<(u16, Vec<u8>)>,
}

/// The packets of a file, and whether all of it could be read.
fn plain(bytes: &[u8]) -> (Vec<Plain>, bool) {
    if let Some(file) = pcap(bytes) {
        let units =
            if file.fraction == mirror_testkit::Fraction::Nano { 1_000_000_000 } else { 1_000_000 };
        let records = file.records.iter().map(|record| Plain {
            time: u64::from(record.time.0) * units + u64::from(record.time.1),
            original: record.original,
            data: record.data.clone(),
            options: Vec::new(),
        });
        return (records.collect(), file.stop.is_none());
    }
    let Pcapng { blocks, stop } = pcapng(bytes);
    let whole = stop.is_none() && is_sound(&blocks);
    (plain_blocks(blocks), whole)
}

fn plain_blocks(blocks: Vec<Block>) -> Vec<Plain> {
    packets(blocks)
        .iter()
        .map(|block| {
            let (_, time, original, data) = packet(block);
            let options = block.options.list.clone();
            Plain { time, original, data: data.to_vec(), options }
        })
        .collect()
}

/// Whether every block is what it should be, and names described interfaces only.
fn is_sound(blocks: &[Block]) -> bool {
    let mut described = 0;
    blocks.iter().all(|block| {
        let named = match &block.content {
            Content::Section { .. } => {
                described = 0;
                None
            }
            Content::Interface { .. } => {
                described += 1;
                None
            }
            Content::Packet { interface, data, captured, .. } => {
                if data.len() < *captured as usize {
                    return false;
                }
                Some(*interface)
            }
            Content::Statistics { interface, .. } => Some(*interface),
            Content::Simple { .. } => Some(0),
            Content::TooShort => return false,
            _ => None,
        };
        block.trailer.is_none() && named.is_none_or(|id| id < described)
    })
}

/// What must become of a sound pcapng file in which nothing is mirrored.
fn untouched(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let blocks = pcapng(bytes).blocks;
    for block in &blocks {
        let len = block.body.len() + 12;
        let mut copy = bytes[block.offset..block.offset + len].to_vec();
        match &block.content {
            _ if block.kind == CUSTOM_NO_COPY => continue,
            Content::Section { version: (1, 0 | 2), .. } => {
                copy[14..16].fill(0);
                copy[16..24].fill(0xFF);
            }
            _ => {}
        }
        out.extend(copy);
    }
    out
}

#[test]
fn a_sound_capture_without_mirrored_packets_comes_out_byte_for_byte() {
    let captures = corpus();
    let mut seen = 0;
    for (name, bytes, compressed) in &captures {
        let mut stripper = Stripper::new(&strip_args(""), None);
        let Ok(out) = drive(&mut stripper, &bytes[..]) else { continue };
        let [stripped, _, left_out] = stripper.counts.totals();
        let sound_input = pcap(bytes).is_none() && plain(bytes).1;
        if stripped == 0 && sound_input && !compressed {
            assert_eq!(left_out, 0, "{name}");
            assert!(!stripper.counts.is_damaged(), "{name}: {:?}", stripper.counts.problems());
            let want = untouched(bytes);
            assert!(out == want, "{name}\n{}--- not\n{}", dump(&out), dump(&want));
            seen += 1;
        }
    }
    assert!(captures.is_empty() || seen > 30, "{seen}");
}

/// In order, with their time and all that was said of them, and none made up.
#[test]
fn every_packet_is_what_it_was_or_the_frame_inside() {
    let captures = corpus();
    let mut stripped_in_all = 0;
    for (name, bytes, _) in &captures {
        let mut stripper = Stripper::new(&strip_args(""), None);
        let Ok(out) = drive(&mut stripper, &bytes[..]) else { continue };
        let [stripped, _, left_out] = stripper.counts.totals();
        stripped_in_all += stripped;
        let (input, whole) = plain(bytes);
        let output = plain_blocks(sound(&out));
        let mut unwrapped = 0;
        let mut rest = input.iter();
        for got in &output {
            let found = rest.by_ref().find_map(|before| {
                if got == before {
                    return Some(false);
                }
                is_inner(before, got).then_some(true)
            });
            match found {
                Some(inner) => unwrapped += u64::from(inner),
                None => panic!("{name}: of no packet of the input: {got:?}"),
            }
        }
        assert_eq!(unwrapped, stripped, "{name}");
        if whole {
            assert_eq!((output.len(), left_out), (input.len(), 0), "{name}");
        }
    }
    assert!(captures.is_empty() || stripped_in_all >= 100, "{stripped_in_all}");
}

/// Whether `got` may be the frame out of `before`: of the same moment, behind a VXLAN
/// header, with the options that were there and a comment that names the VNI.
fn is_inner(before: &Plain, got: &Plain) -> bool {
    let Some((code, comment)) = got.options.last() else { return false };
    let comment = String::from_utf8_lossy(comment);
    let Some(text) = comment.strip_prefix("vpcmirror: vni=") else { return false };
    let Some(Ok(vni)) = text.split(' ').next().map(str::parse::<u32>) else { return false };
    let [_, a, b, c] = vni.to_be_bytes();
    // Behind at least 20 bytes of IP and 8 of UDP; what follows the frame is padding.
    let behind_vxlan = (36..=before.data.len()).any(|at| {
        before.data[at..].starts_with(&got.data)
            && matches!(before.data[at - 8..at], [flags, _, _, _, x, y, z, _]
                if flags & 0x08 != 0 && [x, y, z] == [a, b, c])
    });
    // Of hashes, flags and what asks not to be copied this says nothing.
    let stay = |code: u16| !matches!(code, 2 | 3 | 19_372 | 19_373);
    let options = |packet: &Plain| -> Vec<(u16, Vec<u8>)> {
        packet.options.iter().filter(|(code, _)| stay(*code)).cloned().collect()
    };
    let mut want = options(before);
    want.extend(got.options.last().cloned());
    *code == 1 && got.time == before.time && behind_vxlan && options(got) == want
}

/// Also with every other way to write.
#[test]
fn no_capture_of_others_is_refused_by_any_way_to_write() {
    for (name, bytes, _) in corpus() {
        let read = |options: &str| {
            let mut stripper = Stripper::new(&strip_args(options), None);
            let out = drive(&mut stripper, &bytes[..]).ok()?;
            if options.contains("format pcap") {
                assert_eq!(pcap(&out).map(|file| file.stop), Some(None), "{name}");
            } else {
                sound(&out);
            }
            Some(stripper.counts.totals().iter().sum::<u64>())
        };
        let plain = read("");
        assert_eq!(read("--format pcap"), plain, "{name}");
        assert_eq!(read("--only-mirrored --comment full"), plain, "{name}");
        assert_eq!(read("--keep-nocopy --comment none --port 4789 --port 8472"), plain, "{name}");
    }
}
