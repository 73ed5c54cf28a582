//! What README.md and SECURITY.md promise: each promise names tests, and they are there.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{document, rows};
use crate::harness::root;

/// Every source file of the tests and crates, with its text.
fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
}

/// Whether `text` has a test of this name: a function with the attribute, and no other between.
fn has_test(text: &str, name: &str) -> bool {
    text.match_indices(&format!("fn {name}(")).any(|(at, _)| {
        let before = &text[..at];
        let attribute = before.rfind("#[test]");
        attribute.is_some_and(|from| !before[from..].contains("fn "))
    })
}

#[test]
fn every_promise_names_tests_that_are_there() {
    let mut texts = Vec::new();
    for folder in ["crates", "fuzz"] {
        sources(&root().join(folder), &mut texts);
    }
    let mut named = 0;
    for name in ["README.md", "SECURITY.md"] {
        for row in rows(&document(name), "Promise") {
            let [promise, tests] = row.as_slice() else { panic!("{row:?}") };
            let tests: Vec<_> = tests.split('`').skip(1).step_by(2).collect();
            assert!(!tests.is_empty(), "{name}: nothing holds {promise:?}");
            for test in tests {
                let (file, function) = test.split_once("::").unwrap_or_else(|| panic!("{test}"));
                let is_there = texts.iter().any(|(path, text)| {
                    path.file_stem().is_some_and(|stem| stem == file) && has_test(text, function)
                });
                assert!(is_there, "{name}: no test {test}");
                named += 1;
            }
        }
    }
    assert!(named > 30, "{named} tests were recognised");
}

#[test]
fn a_test_is_known_by_its_attribute() {
    let text = "#[test]\n#[cfg(unix)]\nfn a() {}\nfn b() {}\n";
    assert!(has_test(text, "a") && !has_test(text, "b") && !has_test(text, "c"));
}
