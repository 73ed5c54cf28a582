//! What the documents say, held against what is so: examples run, tables are complete.

mod architecture;
mod filter_files;
mod filters;
pub(crate) mod json;
mod promises;
mod readme;
mod sessions_file;
mod simulate;

use std::{fs, path::Path};

use crate::harness::{root, testdata};

fn document(name: &str) -> String {
    let path = root().join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The cells of each row of the tables in `text` whose first heading is `heading`.
fn rows(text: &str, heading: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if cells(line).first().is_some_and(|cell| cell == heading) {
            let body = lines.by_ref().skip(1).take_while(|line| line.starts_with('|'));
            rows.extend(body.map(cells));
        }
    }
    assert!(!rows.is_empty(), "no table begins with {heading:?}");
    rows
}

/// The cells of a row; `\|` is no border.
fn cells(line: &str) -> Vec<String> {
    let Some(line) = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')) else {
        return Vec::new();
    };
    let line = line.replace(r"\|", "\u{0}");
    line.split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect()
}

/// The first `code` of a cell.
fn code(cell: &str) -> &str {
    let mut parts = cell.split('`');
    parts.nth(1).unwrap_or_else(|| panic!("no code in {cell:?}"))
}

#[test]
fn a_row_ends_at_borders_that_are_not_escaped() {
    assert_eq!(cells(r"| `--a x\|y` | z |"), ["`--a x|y`", "z"]);
    assert_eq!(code("`--a x|y`, and `b`"), "--a x|y");
    assert!(cells("no row").is_empty());
}

/// Links within the repository lead to a file that is there, and to a heading in it.
#[test]
fn every_link_leads_somewhere() {
    let names = [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "docs/filter-tests.md",
        "docs/json.md",
        "docs/labs.md",
        "testdata/README.md",
        "testdata/documents/README.md",
        "testdata/filters/README.md",
        "testdata/labs/README.md",
        "fuzz/README.md",
    ];
    let mut seen = 0;
    for name in names {
        let text = document(name);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") {
                continue;
            }
            seen += 1;
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let path = match file {
                "" => root().join(name),
                file => root().join(name).parent().unwrap().join(file),
            };
            assert!(path.exists(), "{name}: {link} leads nowhere");
            assert!(
                heading.is_empty() || has_heading(&path, heading),
                "{name}: {link}: no heading"
            );
        }
    }
    assert!(seen > 5, "links were not recognised");
}

fn has_heading(path: &Path, anchor: &str) -> bool {
    let text = fs::read_to_string(path).unwrap();
    text.lines().filter(|line| line.starts_with('#')).any(|line| {
        let title = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        title.chars().filter(|c| c.is_alphanumeric() || *c == '-').eq(anchor.chars())
    })
}

#[test]
fn every_case_of_testdata_is_in_its_index() {
    let index = rows(&document("testdata/README.md"), "Case");
    let mut listed: Vec<_> =
        index.iter().flat_map(|row| row[0].split(", ")).map(|name| code(name).to_owned()).collect();
    let mut there: Vec<_> = ["captures", "damaged"]
        .iter()
        .flat_map(|theme| fs::read_dir(testdata().join(theme)).unwrap())
        .map(|case| case.unwrap().file_name().into_string().unwrap())
        .collect();
    listed.sort();
    there.sort();
    assert_eq!(listed, there);
}
