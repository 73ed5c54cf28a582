//! The README and the labs: examples, options, words and exit statuses.

use std::{
    collections::BTreeSet,
    env, fs,
    path::Path,
    process::{Command, Output},
};

use super::{code, document, rows};
use crate::harness::{Scratch, mirror_pcap, root, same, skipped, testdata};

/// A command of a `console` block, with what it prints.
struct Example {
    command: String,
    output: String,
}

fn examples(text: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match (inside, line) {
            (false, "```console") => inside = true,
            (true, "```") => inside = false,
            (true, line) => match (line.strip_prefix("$ "), examples.last_mut()) {
                (Some(command), _) => {
                    examples.push(Example { command: command.to_owned(), output: String::new() });
                }
                // As a shell asks for the rest of a line.
                (None, Some(example)) if line.starts_with("> ") && example.output.is_empty() => {
                    example.command += &format!("\n{line}");
                }
                (None, Some(example)) => example.output += &format!("{line}\n"),
                (None, None) => panic!("output before any command: {line}"),
            },
            (false, _) => {}
        }
    }
    examples
}

/// Run a line as someone would type it in a copy of the repository.
fn run(line: &str, scratch: &Scratch) -> Output {
    let built = Path::new(env!("CARGO_BIN_EXE_mirror-pcap")).parent().unwrap();
    let mut path = built.as_os_str().to_owned();
    path.push(":");
    path.push(env::var_os("PATH").unwrap_or_default());
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(scratch.folder()).env_clear();
    // An empty home, so that nobody's Wireshark preferences decide.
    command.env("PATH", path).env("HOME", scratch.folder()).env("LC_ALL", "C.UTF-8");
    command.output().unwrap()
}

/// Whether tshark is there; if it is not and must be, the test fails.
fn has_tshark(scratch: &Scratch) -> bool {
    let is_there = run("tshark --version", scratch).status.success();
    let is_required = env::var_os("MIRROR_PCAP_REQUIRE_TSHARK").is_some_and(|value| value == "1");
    assert!(is_there || !is_required, "tshark is required and not there");
    is_there
}

#[test]
fn examples_print_what_the_readme_shows() {
    examples_print_what_is_shown_in("README.md");
}

#[test]
fn examples_print_what_the_labs_show() {
    examples_print_what_is_shown_in("docs/labs.md");
}

/// All in one folder and in order, so that one example may use what another wrote.
fn examples_print_what_is_shown_in(name: &str) {
    let scratch = Scratch::new();
    std::os::unix::fs::symlink(testdata(), scratch.path("testdata")).unwrap();
    let has_tshark = has_tshark(&scratch);
    if !has_tshark {
        skipped(&format!("the examples of {name} that need tshark, which is not there"));
    }

    let mut ours = 0;
    let mut missing = Vec::new();
    for Example { command, output } in examples(&document(name)) {
        let line = command.replace("cargo run --release -- ", "mirror-pcap ").replace("\n> ", "\n");
        let is_ours = line.starts_with("mirror-pcap ");
        assert!(
            is_ours || line.starts_with("tshark "),
            "no example that a test can run: {command}"
        );
        if (!is_ours && !has_tshark) || missing.iter().any(|name| line.contains(name)) {
            // Nor can those be run that read what it would have written.
            missing.extend(written_by(&line));
            continue;
        }
        let run = run(&line, &scratch);
        let mut said = String::from_utf8(run.stdout).unwrap();
        // Of others, not what they say about running as root.
        if is_ours {
            ours += 1;
            said += &String::from_utf8(run.stderr).unwrap();
        }
        // Two filters that differ are what was asked about.
        let is_finding = line.starts_with("mirror-pcap filter ") && run.status.code() == Some(1);
        assert!(run.status.success() || is_finding, "{command}: {}\n{said}", run.status);
        same(&format!("$ {command}\n{said}"), &format!("$ {command}\n{output}"));
    }
    assert!(ours > 2, "examples were not recognised");
}

/// The files that a line writes by a redirection or as tshark does.
fn written_by(line: &str) -> Vec<String> {
    let mut words = line.split_whitespace();
    let mut names = Vec::new();
    while let Some(word) = words.next() {
        if word == ">" || word == "-w" {
            names.extend(words.next().map(str::to_owned));
        }
    }
    names
}

/// Each finds something, and not everything, in a capture that has all that they look for.
#[test]
fn display_filters_find_what_they_are_for() {
    let scratch = Scratch::new();
    if !has_tshark(&scratch) {
        return skipped("the README's display filters: tshark is not there");
    }
    let capture = testdata().join("captures/packet-length-cut/input.pcapng");
    mirror_pcap().arg("strip").arg(capture).arg(scratch.path("out.pcapng")).succeeds();
    for row in rows(&document("README.md"), "To see") {
        let filter = code(&row[1]);
        let found = run(&format!("tshark -r out.pcapng -Y '{filter}'"), &scratch);
        assert!(found.status.success(), "{filter}: {}", String::from_utf8_lossy(&found.stderr));
        let found = String::from_utf8_lossy(&found.stdout).lines().count();
        // The capture is of one session.
        let is_session = row[0] == "one mirror session";
        assert!(found > 0 && (found < 16 || is_session), "{filter} finds {found} of 16 packets");
    }
}

/// The long options in the help text of a command, which may be of two words.
pub(super) fn options_of(command: &str) -> BTreeSet<String> {
    let help = mirror_pcap().args(command.split(' ')).arg("--help").succeeds();
    let help = String::from_utf8(help.stdout).unwrap();
    let lines = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    let options = lines.filter_map(|line| line.split_once("--")).map(|(_, rest)| rest);
    options.filter_map(|rest| rest.split([' ', ',']).next()).map(str::to_owned).collect()
}

pub(super) fn without_help(mut options: BTreeSet<String>) -> BTreeSet<String> {
    assert!(options.remove("help"), "{options:?}");
    options
}

#[test]
fn the_table_of_options_is_that_of_strip() {
    let listed: BTreeSet<_> = rows(&document("README.md"), "Option")
        .iter()
        .map(|row| code(&row[0]).split(' ').next().unwrap().trim_start_matches('-').to_owned())
        .collect();
    assert_eq!(listed, without_help(options_of("strip")));
}

/// The options that the README names from `from` to the next example.
pub(super) fn options_named(from: &str) -> BTreeSet<String> {
    let text = document("README.md");
    let (_, paragraph) = text.split_once(from).unwrap_or_else(|| panic!("no {from}"));
    let paragraph = paragraph.split("```").next().unwrap();
    paragraph.split('`').filter_map(|part| part.strip_prefix("--")).map(str::to_owned).collect()
}

#[test]
fn the_table_of_what_simulate_takes_is_that_of_its_help() {
    let listed: BTreeSet<_> = rows(&document("README.md"), "`simulate` takes")
        .iter()
        .map(|row| code(&row[0]).split(' ').next().unwrap().trim_start_matches('-').to_owned())
        .collect();
    assert_eq!(listed, without_help(options_of("simulate")));
}

#[test]
fn the_paragraph_on_wrap_has_its_options() {
    assert_eq!(options_named("**Back.**"), without_help(options_of("wrap")));
}

#[test]
fn the_paragraph_on_sessions_has_its_options() {
    assert_eq!(options_named("It takes as many captures"), without_help(options_of("sessions")));
}

#[test]
fn the_paragraph_on_config_show_has_its_options() {
    let named = options_named("`mirror-pcap config show` prints what the documents come to");
    assert_eq!(named, without_help(options_of("config show")));
}

#[test]
fn the_paragraphs_on_filters_have_the_options_of_their_commands() {
    for command in ["show", "explain", "lint", "diff"] {
        let command = format!("filter {command}");
        let named = options_named(&format!("`mirror-pcap {command}` "));
        assert_eq!(named, without_help(options_of(&command)), "{command}");
    }
}

/// Word and severities of every code, as lint itself tells them.
#[test]
fn the_table_of_codes_is_that_of_lint() {
    let filter = testdata().join("documents/filters.json");
    let run = mirror_pcap().args(["filter", "lint", "--format", "sarif"]).arg(filter).succeeds();
    let sarif: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap().clone();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let told: Vec<[String; 3]> = rules
        .iter()
        .map(|rule| {
            let severities = rule["properties"]["severities"].as_array().unwrap();
            let severities: Vec<String> = severities.iter().map(text).collect();
            let sentence = text(&rule["shortDescription"]["text"]);
            [text(&rule["id"]), severities.join(" or "), sentence.trim_end_matches('.').to_owned()]
        })
        .collect();
    let listed: Vec<[String; 3]> = rows(&document("README.md"), "Code")
        .iter()
        .map(|row| [code(&row[0]).to_owned(), row[1].clone(), row[2].clone()])
        .collect();
    assert_eq!(listed, told);
}

/// Each command has a paragraph, with all of its options and no others.
#[test]
fn the_section_on_the_plugin_has_its_options() {
    let text = document("README.md");
    let (_, section) = text.split_once("\n## In Wireshark\n").expect("a section on Wireshark");
    let section = section.split("\n## ").next().unwrap();
    for command in ["plugin install", "plugin uninstall", "plugin doctor", "plugin profile"] {
        let name = format!("`mirror-pcap {command}`");
        let paragraph = section.split("\n\n").find(|paragraph| paragraph.contains(&name));
        let codes = paragraph.unwrap_or_else(|| panic!("nothing on {name}")).split('`');
        let named = codes.skip(1).step_by(2).filter_map(|code| code.strip_prefix("--"));
        let named: BTreeSet<_> =
            named.map(|code| code.split(' ').next().unwrap().to_owned()).collect();
        assert_eq!(named, without_help(options_of(command)), "{command}");
    }
}

/// What the doctor may find stands in the code as words and in the README as a table.
#[test]
fn the_table_of_findings_is_complete() {
    let look = fs::read_to_string(root().join("crates/mirror-pcap/src/plugin/doctor/look.rs"));
    let look = look.unwrap();
    let calls = look.split("findings.add(").skip(1);
    let mut codes: BTreeSet<String> = calls
        .filter_map(|call| call.trim_start().strip_prefix('"')?.split('"').next())
        .map(str::to_owned)
        .collect();
    codes.extend(quoted(&source(
        "crates/mirror-pcap/src/plugin/candidate.rs",
        "fn code(&self) -> &'static str {",
        "\n    }",
    )));
    // One call has its word from a choice above it.
    codes.extend(quoted(&source(
        "crates/mirror-pcap/src/plugin/doctor/look.rs",
        "let code = match problem {",
        "};",
    )));
    assert_eq!(words("Finding"), codes);
}

/// The words of all tables with this heading.
fn words(heading: &str) -> BTreeSet<String> {
    rows(&document("README.md"), heading).iter().map(|row| code(&row[0]).to_owned()).collect()
}

/// Everything between quotes in the lines of `part`.
fn quoted(part: &str) -> BTreeSet<String> {
    part.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The part of a source file between `from` and the first `end` behind it.
pub(super) fn source(path: &str, from: &str, end: &str) -> String {
    let text = fs::read_to_string(root().join(path)).unwrap();
    let (_, part) = text.split_once(from).unwrap_or_else(|| panic!("{path}: no {from}"));
    part.split_once(end).unwrap_or_else(|| panic!("{path}: no end")).0.to_owned()
}

/// Words that no capture here provokes are in the tables too, so the source is asked.
#[test]
fn the_tables_of_reasons_and_notes_are_complete() {
    let report = "crates/mirror-pcap/src/report.rs";
    let mut reasons = quoted(&source(report, "mod reason {", "\n}"));
    let of_headers =
        source("crates/mirror-wire/src/error.rs", "fn reason(&self) -> &'static str {", "\n    }");
    reasons.extend(quoted(&of_headers));
    assert_eq!(words("Reason"), reasons);
    assert_eq!(words("Note"), quoted(&source(report, "mod note {", "\n}")));
}

#[test]
fn the_exit_statuses_are_those_of_the_help() {
    let text = document("README.md");
    let (_, section) = text.split_once("### Exit status").expect("a section on exit status");
    let listed = section.split("```").nth(1).unwrap().trim_start_matches("text\n");
    for command in ["strip", "wrap", "simulate"] {
        let help = mirror_pcap().args([command, "--help"]).succeeds();
        let help = String::from_utf8(help.stdout).unwrap();
        let (_, statuses) = help.split_once("Exit status:\n").unwrap();
        same(statuses, listed);
    }
}
