//! What becomes of every capture in `testdata/`, as text that a reviewer reads.
//!
//! Beside each input lie `expected*.txt`: the picture of the output, drawn by the
//! decoder of the test kit, and the report (exit status, standard error, JSON).
//! `scripts/bless` rewrites them; what changed is then a diff like any other, and
//! accepted by whoever reviews it, not by this test.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use mirror_testkit::decode::dump;

use crate::harness::{Run, Scratch, mirror_pcap, testdata};

/// A case of `testdata/`.
struct Case {
    /// `captures/lab-d`.
    name: String,
    folder: PathBuf,
    /// `input.pcapng` or `input.pcap`.
    file: &'static str,
}

impl Case {
    fn named(name: &str) -> Case {
        let folder = testdata().join(name);
        let file = ["input.pcapng", "input.pcap"].into_iter().find(|f| folder.join(f).is_file());
        let file = file.unwrap_or_else(|| panic!("{name} has no input"));
        Case { name: name.to_owned(), folder, file }
    }

    fn all() -> Vec<Case> {
        let mut cases = Vec::new();
        for theme in ["captures", "damaged"] {
            let folders = fs::read_dir(testdata().join(theme)).unwrap();
            let mut names: Vec<_> = folders
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .map(|name| format!("{theme}/{name}"))
                .collect();
            names.sort();
            cases.extend(names.iter().map(|name| Case::named(name)));
        }
        assert!(cases.len() > 30, "{} cases", cases.len());
        cases
    }
}

/// The expectations, compared or rewritten.
#[derive(Default)]
struct Goldens {
    differences: String,
    files: BTreeSet<PathBuf>,
}

impl Goldens {
    /// Hold `got` against `case/expected<what>.txt`.
    fn check(&mut self, case: &Case, what: &str, got: &str) {
        let name = format!("expected{what}.txt");
        let path = case.folder.join(&name);
        let want = fs::read_to_string(&path).unwrap_or_default();
        if got != want {
            if env::var_os("MIRROR_PCAP_BLESS").is_some_and(|value| value == "1") {
                fs::write(&path, got).unwrap();
            } else {
                self.differences += &format!("{}/{name}:\n{}", case.name, difference(&want, got));
            }
        }
        self.files.insert(path);
    }

    #[track_caller]
    fn done(&self) {
        assert!(
            self.differences.is_empty(),
            "\n{}if that is right, run scripts/bless and review what it changes",
            self.differences
        );
    }
}

/// The lines that differ, each text's own between what both have in common.
fn difference(want: &str, got: &str) -> String {
    let (want, got): (Vec<_>, Vec<_>) = (want.lines().collect(), got.lines().collect());
    let same = want.iter().zip(&got).take_while(|(a, b)| a == b).count();
    let (want, got) = (&want[same..], &got[same..]);
    let tail = want.iter().rev().zip(got.iter().rev()).take_while(|(a, b)| a == b).count();
    let mut text = format!("  from line {} on\n", same + 1);
    for (mark, lines) in [('-', &want[..want.len() - tail]), ('+', &got[..got.len() - tail])] {
        text.extend(lines.iter().map(|line| format!("{mark} {line}\n")));
    }
    text
}

/// Run `command` on an input of this name; the picture of `out` and the report.
fn seen(scratch: &Scratch, run: Run, out: &str) -> (String, String) {
    let seen = run.within(scratch).ends();
    let output = scratch.path(out);
    let picture = match fs::read(&output) {
        Ok(bytes) => dump(&bytes),
        Err(_) => "no output\n".to_owned(),
    };
    let code = seen.status.code().expect("it exits by itself");
    let mut report = format!("exit status {code}\n\nstandard error:\n{}", seen.stderr);
    if let Ok(json) = fs::read_to_string(scratch.path("report.json")) {
        report += &format!("\nreport.json:\n{json}");
    }
    assert_eq!(seen.stdout, b"");
    (picture, report)
}

/// `strip` with these options over a case.
fn strip(case: &Case, options: &[&str], out: &str) -> (String, String) {
    let scratch = Scratch::new();
    scratch.copy(&format!("{}/{}", case.name, case.file), case.file);
    let args = ["strip", case.file, out, "--json", "report.json"];
    seen(&scratch, mirror_pcap().args(args).args(options), out)
}

/// What `sessions` prints over a case, for people and for scripts.
fn inventory(case: &Case) -> String {
    let scratch = Scratch::new();
    scratch.copy(&format!("{}/{}", case.name, case.file), case.file);
    let run = || mirror_pcap().within(&scratch).args(["sessions", case.file]);
    let (table, json) = (run().ends(), run().arg("--json").ends());
    assert_eq!((table.status, &table.stderr), (json.status, &json.stderr));
    let code = table.status.code().expect("it exits by itself");
    let [table_text, json_text] = [&table.stdout, &json.stdout].map(|b| str::from_utf8(b).unwrap());
    format!(
        "exit status {code}\n\nstandard error:\n{}\nstandard output:\n{table_text}\n--json:\n{json_text}",
        table.stderr
    )
}

/// `wrap` with these options over what `strip` makes of a case.
fn wrap(case: &Case, options: &[&str]) -> (String, String) {
    let scratch = Scratch::new();
    let input = case.folder.join(case.file);
    mirror_pcap().arg("strip").arg(input).arg(scratch.path("frames.pcapng")).succeeds();
    let session = ["--source", "10.0.1.15", "--target", "10.0.2.99", "--vni", "308308"];
    let run = mirror_pcap().args(["wrap", "frames.pcapng", "out.pcapng"]).args(session);
    seen(&scratch, run.args(options), "out.pcapng")
}

/// All in one test, so that a file which nothing makes any more is found.
#[test]
fn every_capture_becomes_what_its_folder_says() {
    let mut goldens = Goldens::default();
    for case in Case::all() {
        let (picture, report) = strip(&case, &[], "out.pcapng");
        goldens.check(&case, "", &picture);
        goldens.check(&case, "-report", &report);
        goldens.check(&case, "-sessions", &inventory(&case));
    }

    for name in ["mixed-traffic", "sll2", "two-resolutions", "epb-options", "sections"] {
        let case = Case::named(&format!("captures/{name}"));
        let (picture, report) = strip(&case, &["--only-mirrored"], "out.pcapng");
        goldens.check(&case, "-only-mirrored", &picture);
        goldens.check(&case, "-only-mirrored-report", &report);
    }

    for name in ["mixed-traffic", "sll2", "two-resolutions", "epb-options", "pcap-nano-big"] {
        let case = Case::named(&format!("captures/{name}"));
        let (picture, report) = strip(&case, &["--format", "pcap"], "out");
        goldens.check(&case, "-pcap", &picture);
        goldens.check(&case, "-pcap-report", &report);
    }

    for (name, what, options) in [
        ("lab-d", "-wrap", &[][..]),
        ("lab-d", "-wrap-packet-length", &["--packet-length", "100"]),
        ("late-interfaces", "-wrap-mtu", &["--mtu", "150"]),
        ("two-resolutions", "-wrap-geneve", &["--geneve", "--endpoint", "vpce-0a1b2c3d4e5f67890"]),
    ] {
        let case = Case::named(&format!("captures/{name}"));
        let (picture, report) = wrap(&case, options);
        goldens.check(&case, what, &picture);
        goldens.check(&case, &format!("{what}-report"), &report);
    }

    for case in Case::all() {
        for entry in fs::read_dir(&case.folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with("expected") && !goldens.files.contains(&path) {
                goldens.differences += &format!("{}: no test makes it\n", path.display());
            }
        }
    }
    goldens.done();
}

/// Whatever a capture holds, a command ends as documented and says no word of a panic.
#[test]
fn every_command_over_every_capture_ends_as_documented() {
    let session: &[&str] = &["--source", "10.0.1.15", "--target", "10.0.2.99", "--vni", "1"];
    let documents = testdata().join("documents/sessions.json");
    let documents = documents.to_str().unwrap();
    let filter = testdata().join("aws/lab-d/describe-traffic-mirror-filters.json");
    let filter = filter.to_str().unwrap();
    let lab = testdata().join("aws/lab-d/describe-traffic-mirror-sessions.json");
    let (lab, lab_filters) = (lab.to_str().unwrap(), filter);
    let commands: &[(&str, &[&str])] = &[
        ("strip", &["--only-mirrored", "--comment", "full"]),
        ("strip", &["--config", documents, "--comment", "full"]),
        ("strip", &["--config", documents, "--only-known", "--only-mirrored"]),
        ("strip", &["--vni", "77", "--port", "8472", "--threads", "1"]),
        ("strip", &["--format", "pcap", "--only-mirrored"]),
        ("simulate", &["--filter", filter, "--json", "--write"]),
        (
            "simulate",
            &["--config", lab, "--config", lab_filters, "--local", "10.0.0.0/16", "--write"],
        ),
        ("wrap", session),
        ("wrap", &[session, &["--geneve", "--packet-length", "64", "--mtu", "68"]].concat()),
    ];
    for case in Case::all() {
        for (command, options) in commands {
            let scratch = Scratch::new();
            let run = mirror_pcap().arg(command).arg(case.folder.join(case.file));
            // What simulate writes is named by its last option.
            let seen = match *command {
                "simulate" => run.args(*options).arg(scratch.path("out")).ends(),
                _ => run.arg(scratch.path("out")).args(*options).ends(),
            };
            let code = seen.status.code();
            let context = format!("{} {command} {options:?}: {code:?}\n{}", case.name, seen.stderr);
            let damaged = case.name.starts_with("damaged/");
            assert!(code == Some(0) || damaged && matches!(code, Some(2 | 4)), "{context}");
            // Nothing is left behind but the output, and that only if there is one.
            let left: &[&str] = if code == Some(2) { &[] } else { &["out"] };
            assert_eq!(scratch.names(), left, "{context}");
        }
    }
}

/// The same of the commands that read and print.
#[test]
fn every_inventory_of_every_capture_ends_as_documented() {
    let documents = testdata().join("documents/sessions.json");
    let documents = documents.to_str().unwrap();
    let every: &[&[&str]] =
        &[&["--config", documents, "--json"], &["--port=8472", "--packet-length=128"]];
    for case in Case::all() {
        for options in every {
            let run = mirror_pcap().arg("sessions").arg(case.folder.join(case.file));
            let seen = run.args(*options).ends();
            let code = seen.status.code();
            let context = format!("{} {options:?}: {code:?}\n{}", case.name, seen.stderr);
            let damaged = case.name.starts_with("damaged/");
            assert!(code == Some(0) || damaged && matches!(code, Some(2 | 4)), "{context}");
            assert_eq!(seen.stdout.is_empty(), code == Some(2), "{context}");
        }
    }
}

/// The picture's `path` is relative, so that goldens are the same on every machine.
#[test]
fn goldens_name_no_folder_of_this_machine() {
    let here = testdata();
    let here = here.parent().and_then(Path::to_str).unwrap();
    for case in Case::all() {
        for what in ["", "-report", "-sessions"] {
            let path = case.folder.join(format!("expected{what}.txt"));
            let text = fs::read_to_string(path).unwrap_or_default();
            assert!(!text.contains(here), "{}", case.name);
        }
    }
}
