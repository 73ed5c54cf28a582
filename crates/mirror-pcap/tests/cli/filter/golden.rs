//! What lint says of every filter of `testdata/filters`, as text that a reviewer reads.
//! `scripts/bless` rewrites it.

use std::{env, fs};

use crate::harness::{mirror_pcap, testdata};

#[test]
fn lint_says_what_is_expected_of_every_filter() {
    let bless = env::var_os("MIRROR_PCAP_BLESS").is_some_and(|value| value == "1");
    let mut seen = 0;
    for case in fs::read_dir(testdata().join("filters")).unwrap() {
        let folder = case.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        for name in ["fires", "nearly"] {
            let scratch = crate::harness::Scratch::new();
            let file = format!("{name}.yaml");
            fs::copy(folder.join(&file), scratch.path(&file)).unwrap();
            let run = mirror_pcap().within(&scratch).args(["filter", "lint", &file]).ends();
            let said = format!(
                "$ mirror-pcap filter lint {file}\n{}{}exit status {}\n",
                String::from_utf8(run.stdout).unwrap(),
                run.stderr,
                run.status.code().unwrap()
            );
            let path = folder.join(format!("expected-{name}.txt"));
            if bless {
                fs::write(&path, &said).unwrap();
            }
            let want = fs::read_to_string(&path).unwrap_or_default();
            assert!(
                said == want,
                "{}: if this is right, run scripts/bless and review what it changes\n{said}",
                path.display()
            );
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen} filters");
}
