//! Help texts, completions and manual pages.

use crate::harness::{mirror_pcap, same};

const COMMANDS: [&[&str]; 21] = [
    &["strip"],
    &["wrap"],
    &["sessions"],
    &["config"],
    &["config", "show"],
    &["simulate"],
    &["filter"],
    &["filter", "show"],
    &["filter", "explain"],
    &["filter", "lint"],
    &["filter", "diff"],
    &["filter", "test"],
    &["filter", "suggest"],
    &["filter", "export"],
    &["plugin"],
    &["plugin", "install"],
    &["plugin", "uninstall"],
    &["plugin", "doctor"],
    &["plugin", "profile"],
    &["completions"],
    &["man"],
];

/// The help of every command, and of the program, short and long.
fn helps() -> Vec<(String, String)> {
    let mut texts = Vec::new();
    for command in COMMANDS.into_iter().chain([&[][..]]) {
        for flag in ["-h", "--help"] {
            let seen = mirror_pcap().args(command).arg(flag).succeeds().stderr("");
            let text = String::from_utf8(seen.stdout).unwrap();
            texts.push((format!("{} {flag}", command.join(" ")), text));
        }
    }
    texts
}

#[test]
fn every_help_text_fits_100_columns() {
    for (what, text) in helps() {
        assert!(text.contains("Usage: mirror-pcap"), "{what}:\n{text}");
        for line in text.lines() {
            assert!(line.chars().count() <= 100, "{what}: {line}");
        }
    }
}

/// A narrow terminal, as told by the shell.
#[test]
fn help_follows_the_width_of_the_terminal() {
    let seen = mirror_pcap().env("COLUMNS", "60").args(["strip", "--help"]).succeeds();
    let text = String::from_utf8(seen.stdout).unwrap();
    // The usage line is not broken.
    let wide: Vec<_> = text.lines().filter(|line| line.chars().count() > 60).collect();
    assert!(wide.is_empty(), "{wide:?}");
}

#[test]
fn long_help_says_how_a_run_may_end() {
    for (what, text) in helps() {
        let is_long = what.ends_with(" --help");
        let others = ["", "config", "filter", "plugin", "completions", "man"];
        let works = is_long && !others.contains(&what.trim_end_matches("--help").trim_end());
        assert_eq!(text.contains("Exit status:\n  0  done"), works, "{what}");
    }
}

#[test]
fn the_program_alone_explains_itself() {
    let help = mirror_pcap().arg("-h").succeeds();
    let alone = mirror_pcap().fails_with(2).stdout("");
    same(&alone.stderr, &String::from_utf8(help.stdout).unwrap());
    mirror_pcap().arg("--version").succeeds().stdout("mirror-pcap 0.1.0\n").stderr("");
    mirror_pcap().arg("frob").fails_with(2).stdout("").stderr(
        "\
error: unrecognized subcommand 'frob'

Usage: mirror-pcap <COMMAND>

For more information, try '--help'.
",
    );
}

#[test]
fn completions_know_every_command_and_option() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let seen = mirror_pcap().args(["completions", shell]).succeeds().stderr("");
        let text = String::from_utf8(seen.stdout).unwrap();
        let options = ["only-mirrored", "packet-length", "endpoint", "only-known"];
        for word in COMMANDS.concat().into_iter().chain(options) {
            assert!(text.contains(word), "{shell}: {word}");
        }
    }
    let seen = mirror_pcap().args(["completions", "tcsh"]).fails_with(2).stdout("");
    assert!(seen.stderr.contains("[possible values: bash, elvish, fish, powershell, zsh]"));
}

/// A script with a fault would break every shell that loads it.
#[test]
fn the_completion_script_for_bash_is_one_that_bash_takes() {
    let seen = mirror_pcap().args(["completions", "bash"]).succeeds();
    let script = String::from_utf8(seen.stdout).unwrap();
    let Ok(output) = std::process::Command::new("bash").args(["-n", "-c", &script]).output() else {
        return crate::harness::skipped("no bash to check its completion script with");
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn manual_pages_have_the_parts_that_man_wants() {
    let page = |args: &[&str]| {
        let seen = mirror_pcap().arg("man").args(args).succeeds().stderr("");
        String::from_utf8(seen.stdout).unwrap()
    };
    let program = page(&[]);
    assert!(program.contains(".TH mirror-pcap 1 "), "{program}");
    let strip = page(&["strip"]);
    assert!(strip.contains(".TH mirror-pcap-strip 1 "), "{strip}");
    assert!(strip.contains("mirror\\-pcap\\-strip \\- Take the VXLAN wrapper off"), "{strip}");
    assert!(strip.contains("\\-\\-only\\-mirrored"), "{strip}");
    for page in COMMANDS.map(page).into_iter().chain([program, strip]) {
        for section in [".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION"] {
            assert!(page.contains(section), "{section}\n{page}");
        }
    }
    assert!(page(&["config", "show"]).contains("mirror\\-pcap\\-config\\-show \\- Print what"));
    for (wrong, text) in [
        (
            &["frob"][..],
            "no such command, expected one of: strip, wrap, sessions, config, simulate, filter, plugin, completions, man",
        ),
        (&["config", "frob"], "no such command, expected one of: show"),
        (
            &["plugin", "frob"],
            "no such command, expected one of: install, uninstall, doctor, profile",
        ),
        (&["strip", "frob"], "strip has no commands"),
    ] {
        let seen = mirror_pcap().arg("man").args(wrong).fails_with(2).stdout("");
        same(&seen.stderr, &format!("mirror-pcap: {text}\n"));
    }
}
