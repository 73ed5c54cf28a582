//! Every input of `corpus/`, through its target: what was once worth keeping
//! stays checked, by plain `cargo test` and in a second.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that meets the impossible should stop"
)]

use std::{fs, path::Path};

use mirror_fuzz::TARGETS;

/// The inputs of a target, by name.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut inputs: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (format!("{target}/{name}"), fs::read(path).unwrap())
        })
        .collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "{} is empty", folder.display());
    inputs
}

/// The fault of an input is shown by its panic; which input it was, by this.
fn replay(target: &str, input: &(String, Vec<u8>), run: fn(&[u8])) {
    let (name, bytes) = input;
    let outcome = std::panic::catch_unwind(|| run(bytes));
    assert!(outcome.is_ok(), "{name} through {target}");
}

#[test]
fn every_input_holds_in_its_target() {
    for (target, run) in TARGETS {
        for input in corpus(target) {
            replay(target, &input, run);
        }
    }
}

/// An input that says something to one parser is garbage of a rare kind to another.
#[test]
fn every_input_holds_in_every_other_target() {
    let inputs: Vec<_> = TARGETS.iter().flat_map(|(target, _)| corpus(target)).collect();
    for (target, run) in TARGETS {
        for input in &inputs {
            replay(target, input, run);
        }
    }
}

/// Cut short and with each byte set to what parsers trip over.
#[test]
fn every_small_input_holds_cut_anywhere_and_with_any_byte_changed() {
    for (target, run) in TARGETS {
        for (name, bytes) in corpus(target).iter().filter(|(_, bytes)| bytes.len() <= 256) {
            for n in 0..bytes.len() {
                replay(target, &(format!("{name} cut to {n}"), bytes[..n].to_vec()), run);
                for value in [0, 0xFF, bytes[n] ^ 0x80] {
                    let mut changed = bytes.clone();
                    changed[n] = value;
                    replay(target, &(format!("{name} with {value:#x} at {n}"), changed), run);
                }
            }
        }
    }
}

/// Large ones belong into a scratch folder: every checkout carries these.
#[test]
fn the_corpus_is_small_and_every_folder_is_a_target() {
    let all: Vec<_> = TARGETS.iter().flat_map(|(target, _)| corpus(target)).collect();
    assert!(all.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() < 300 << 10);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(TARGETS.iter().any(|(target, _)| **target == *name), "{name:?} is no target");
    }
}

/// A target that is not fuzzed is none.
#[test]
fn every_target_has_its_libfuzzer_program() {
    for (target, _) in TARGETS {
        let path = format!("libfuzzer/fuzz_targets/{target}.rs");
        let source = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
        assert!(source.contains(&format!("mirror_fuzz::{target}(data)")), "{target}");
    }
}
