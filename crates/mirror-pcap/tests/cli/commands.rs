//! The commands that are put to every trial, a line each.
//!
//! Faults, kills, full disks and hostile texts are tried on all of these, so whoever adds a
//! command adds its lines here and nothing there.

/// Commands that write files. `in.pcapng` is the capture to read; whatever is written has a name
/// that begins with `out`.
pub(crate) const WRITERS: &[&str] = &[
    "strip -q --threads 1 in.pcapng out.pcapng",
    "strip -q --threads 2 in.pcapng out.pcapng",
    "strip -q --threads 1 --sync in.pcapng out.pcapng --json out.json",
    "strip -q --threads 2 --sync --format pcap in.pcapng out",
    "strip -q in.pcapng out.pcapng.gz",
    "strip -q in.pcapng out.pcapng.zst",
    "strip -q --sync in.pcapng out.pcapng.lz4",
    "wrap -q --vni 1 --source 10.0.0.1 --target 10.0.0.2 in.pcapng out.pcapng",
];

/// Commands that print what they were asked for. Beside `in.pcapng` there is `sessions.json`, a
/// document.
pub(crate) const PRINTERS: &[&str] = &[
    "strip -q --threads 1 in.pcapng -",
    "strip -q --threads 2 in.pcapng -",
    "strip -q --threads 1 in.pcapng /dev/null --json -",
    "wrap -q --vni 1 --source 10.0.0.1 --target 10.0.0.2 in.pcapng -",
    "config show sessions.json",
    "config show --json sessions.json",
    "sessions in.pcapng",
    "sessions --json in.pcapng",
    "man strip",
    "completions bash",
    "--help",
];

/// The files that a line of [`WRITERS`] writes.
pub(crate) fn outputs(line: &str) -> Vec<&str> {
    let outputs: Vec<_> = line.split(' ').filter(|word| word.starts_with("out")).collect();
    assert!(!outputs.is_empty(), "{line} writes nothing");
    outputs
}

/// What a command says on standard output; on standard error it is text in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speech {
    /// Text for people, or nothing.
    Text,
    /// One JSON document.
    Json,
}

/// Commands that repeat what captures, documents and people say. `in.pcapng` is a capture,
/// `sessions.json` a document about it, and `out` a name that is free.
pub(crate) const SPEAKERS: &[(&str, Speech)] = &[
    ("strip --threads 1 in.pcapng out", Speech::Text),
    ("strip --config sessions.json --comment full in.pcapng out", Speech::Text),
    ("strip --config sessions.json --only-known in.pcapng out --json -", Speech::Json),
    ("wrap --config sessions.json --session none in.pcapng out", Speech::Text),
    ("wrap --vni 1 --source 10.0.0.1 --target 10.0.0.2 in.pcapng out", Speech::Text),
    ("config show sessions.json", Speech::Text),
    ("config show --json sessions.json", Speech::Json),
    ("sessions --config sessions.json in.pcapng", Speech::Text),
    ("sessions --json --config sessions.json in.pcapng", Speech::Json),
];

/// The same of filters: `filter.json` is a document with one.
pub(crate) const SPEAKERS_OF_FILTERS: &[(&str, Speech)] = &[
    ("filter show filter.json", Speech::Text),
    ("filter show --format json filter.json", Speech::Json),
    ("filter lint filter.json", Speech::Text),
    ("filter lint --format json filter.json", Speech::Json),
    ("filter lint --format sarif filter.json", Speech::Json),
    ("filter diff filter.json filter.json", Speech::Text),
    ("filter diff --format json filter.json filter.json", Speech::Json),
    ("filter export --format describe filter.json", Speech::Json),
    ("filter export --format cloudformation filter.json", Speech::Text),
    ("filter export --format terraform filter.json", Speech::Text),
    ("simulate --filter filter.json --local 10.0.1.15 in.pcapng", Speech::Text),
    ("simulate --filter filter.json --local 10.0.1.15 --json in.pcapng", Speech::Json),
    ("simulate --filter filter.json --local 10.0.1.15 --each --quiet in.pcapng", Speech::Text),
];
