//! Every prefix of every capture in `testdata/`, and every byte of it flipped.
//!
//! Nothing is expected of what is lost, but whatever the bytes: no panic, counts
//! that close, an output that any reader takes, and not much more of it than came in.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use mirror_testkit::{
    cases,
    decode::{Block, Content},
};

use pcapng_blocks::decompress;

use super::support::{drive, packets, sound, strip_args};
use crate::{cli, strip::Stripper};

/// A stripped packet gains flags, a comment and the end of options; a record of a
/// classic file becomes a block.
const MOST_PER_PACKET: usize = 256;

/// An interface of a session: its name, and its description with the name of the
/// interface that it arrived on, each byte of which may be written as `\u0000`.
const MOST_PER_SESSION: usize = 512 + 6 * 255;

/// The file header of a classic capture becomes two blocks.
const MOST_PER_FILE: usize = 64;

/// What must hold of any bytes; how many packets were read.
#[track_caller]
fn check(args: &cli::Strip, bytes: &[u8]) -> u64 {
    let mut stripper = Stripper::new(args, None);
    let Ok(out) = drive(&mut stripper, bytes) else { return 0 };
    let [stripped, kept, left_out] = stripper.counts.totals();
    let blocks = sound(&out);
    let sessions = blocks.iter().filter(|block| is_session(block)).count();
    let simple = blocks.iter().filter(|b| matches!(b.content, Content::Simple { .. })).count();
    let written = packets(blocks).len() + simple;
    assert_eq!(written as u64, stripped + kept);
    let most =
        bytes.len() + MOST_PER_FILE + MOST_PER_PACKET * written + MOST_PER_SESSION * sessions;
    assert!(out.len() <= most, "{} bytes became {}", bytes.len(), out.len());
    stripped + kept + left_out
}

fn is_session(block: &Block) -> bool {
    matches!(block.content, Content::Interface { .. })
        && block.options.values(3).any(|text| text.starts_with(b"vpcmirror: "))
}

#[test]
#[ignore = "takes long; scripts/test --all runs it"]
fn every_prefix_of_every_case_is_taken() {
    let args = strip_args("");
    for case in cases::all() {
        let mut before = 0;
        for end in 0..=case.bytes.len() {
            let read = check(&args, &case.bytes[..end]);
            // A packet that was found in a shorter prefix is found in a longer one, unless what
            // follows refutes what seemed to go on behind damage.
            let is_sound = case.folder.starts_with("captures/");
            assert!(read >= before || !is_sound, "{} cut at {end}", case.folder);
            before = read;
        }
    }
}

/// The others are damaged already, each by itself.
fn sound_cases() -> impl Iterator<Item = cases::Case> {
    cases::all().into_iter().filter(|case| case.folder.starts_with("captures/"))
}

fn flip_every_byte(options: &str, masks: &[u8]) {
    let args = strip_args(options);
    for case in sound_cases() {
        let mut bytes = case.bytes.clone();
        for at in 0..bytes.len() {
            let sound = bytes[at];
            for mask in masks {
                bytes[at] ^= mask;
                check(&args, &bytes);
                bytes[at] = sound;
            }
        }
    }
}

#[test]
#[ignore = "takes long; scripts/test --all runs it"]
fn every_byte_with_its_lowest_bit_flipped_is_taken() {
    flip_every_byte("", &[0x01]);
}

#[test]
#[ignore = "takes long; scripts/test --all runs it"]
fn every_byte_with_its_highest_bit_flipped_is_taken() {
    flip_every_byte("--only-mirrored", &[0x80]);
}

/// The least that a length can be, and a type that is nobody's.
#[test]
#[ignore = "takes long; scripts/test --all runs it"]
fn every_byte_set_to_zero_is_taken() {
    let args = strip_args("");
    for case in sound_cases() {
        let mut bytes = case.bytes.clone();
        for at in 0..bytes.len() {
            let sound = std::mem::replace(&mut bytes[at], 0);
            check(&args, &bytes);
            bytes[at] = sound;
        }
    }
}

#[test]
#[ignore = "takes long; scripts/test --all runs it"]
fn every_byte_inverted_is_taken() {
    flip_every_byte("--comment full --keep-nocopy", &[0xFF]);
}

/// What the compression makes of it is another capture, or none; the packets that are read.
fn read_compressed(bytes: &[u8]) -> u64 {
    let (capture, _) = decompress(bytes).expect("reading from memory cannot fail");
    let mut stripper = Stripper::new(&strip_args(""), None);
    let Ok(out) = drive(&mut stripper, capture) else { return 0 };
    let [stripped, kept, left_out] = stripper.counts.totals();
    sound(&out);
    stripped + kept + left_out
}

#[test]
fn every_prefix_of_a_compressed_capture_and_every_byte_of_it_changed_is_taken() {
    let case = cases::all().into_iter().find(|case| case.folder == "captures/late-interfaces");
    let capture = case.unwrap().bytes;
    let mut whole = GzEncoder::new(Vec::new(), Compression::default());
    whole.write_all(&capture).unwrap();
    let mut whole = whole.finish().unwrap();
    let (mut before, all) = (0, read_compressed(&whole));
    for end in 0..whole.len() {
        let read = read_compressed(&whole[..end]);
        assert!(before <= read && read <= all, "cut at {end}: {before}, then {read} of {all}");
        before = read;
    }
    // What lacks nothing but the checksum lacks no packet.
    assert_eq!(before, all);
    for at in 0..whole.len() {
        let sound = whole[at];
        for value in [0, 0xFF, sound ^ 0x80, sound ^ 0x01] {
            whole[at] = value;
            read_compressed(&whole);
        }
        whole[at] = sound;
    }
}
