//! The commands that are put to every trial, a line each.
//!
//! Faults, kills, full disks and hostile texts are tried on all of these, so whoever adds a
//! command adds its lines here and nothing there. (`plugin`, which finds its files itself, has trials
//! of its own in the same words: `plugin/faults.rs`.)

use serde_json::json;

use crate::harness::Scratch;

/// Commands that write files. `in.pcapng` is the capture to read, the other files are those of
/// [`furnish`]; whatever is written has a name that begins with `out`.
pub(crate) const WRITERS: &[&str] = &[
    "strip -q --threads 1 in.pcapng out.pcapng",
    "strip -q --threads 2 in.pcapng out.pcapng",
    "strip -q --threads 1 --sync in.pcapng out.pcapng --json out.json",
    "strip -q --threads 2 --sync --format pcap in.pcapng out",
    "strip -q in.pcapng out.pcapng.gz",
    "strip -q in.pcapng out.pcapng.zst",
    "strip -q --sync in.pcapng out.pcapng.lz4",
    "wrap -q --vni 1 --source 10.0.0.1 --target 10.0.0.2 in.pcapng out.pcapng",
    "simulate -q --filter filter.json --local 10.0.1.0/24 in.pcapng --write out.pcapng",
    "simulate -q --config estate.json in.pcapng --write out.pcapng --wrapped --target 10.0.2.99",
    "filter test tests.yaml --junit out.xml",
];

/// Commands that print what they were asked for. Beside `in.pcapng` there are the files of
/// [`furnish`].
pub(crate) const PRINTERS: &[&str] = &[
    "strip -q --threads 1 in.pcapng -",
    "strip -q --threads 2 in.pcapng -",
    "strip -q --threads 1 in.pcapng /dev/null --json -",
    "wrap -q --vni 1 --source 10.0.0.1 --target 10.0.0.2 in.pcapng -",
    "config show sessions.json",
    "config show --json sessions.json",
    "sessions in.pcapng",
    "sessions --json in.pcapng",
    "simulate -q --filter filter.json --local 10.0.1.0/24 in.pcapng --write -",
    "simulate -q --filter filter.json --local 10.0.1.0/24 --each in.pcapng",
    "simulate --filter filter.json --local 10.0.1.0/24 in.pcapng",
    "simulate --config estate.json --json in.pcapng",
    "filter show filter.json",
    "filter explain filter.json --flow ingress\ttcp\t203.0.113.1:443\t>\t10.0.1.15:51000",
    "filter lint --fail-level never filter.json",
    "filter lint --fail-level never --format sarif filter.json",
    "filter diff filter.json filter.json",
    "filter test tests.yaml",
    "filter test tests.yaml --junit -",
    "filter suggest --include in.pcapng",
    "filter export --format terraform filter.json",
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

/// Write the documents that the lines name: about the traffic of [`mirror_testkit::bench`].
pub(crate) fn furnish(scratch: &Scratch) {
    let eni = json!({ "id": "eni-0a", "addresses": ["10.0.1.15"] });
    let session = json!({ "vni": 308_308, "number": 1, "eni": eni });
    let sessions = json!({ "schema": "mirror-pcap/sessions/1", "sessions": [session] });
    scratch.write("sessions.json", sessions.to_string());

    let rule = |direction: &str, number: u32, action: &str, from: &str, to: &str| {
        json!({
            "TrafficMirrorFilterRuleId": format!("tmfr-{direction}-{number}"),
            "TrafficDirection": direction, "RuleNumber": number, "RuleAction": action,
            "SourceCidrBlock": from, "DestinationCidrBlock": to,
        })
    };
    let filter = json!({
        "TrafficMirrorFilterId": "tmf-0a",
        "IngressFilterRules": [rule("ingress", 1, "accept", "0.0.0.0/0", "10.0.0.0/16")],
        "EgressFilterRules": [
            rule("egress", 1, "reject", "10.0.0.0/16", "203.0.113.3/32"),
            rule("egress", 2, "accept", "10.0.0.0/16", "0.0.0.0/0"),
        ],
    });
    scratch.write("filter.json", json!({ "TrafficMirrorFilters": [filter] }).to_string());

    let of = |kind: &str, properties| json!({ "Type": format!("AWS::EC2::{kind}"), "Properties": properties });
    let to = |name: &str| json!({ "Ref": name });
    let rule = |direction: &str| {
        of(
            "TrafficMirrorFilterRule",
            json!({
                "TrafficMirrorFilterId": to("Filter"), "TrafficDirection": direction,
                "RuleNumber": 1, "RuleAction": "accept",
                "SourceCidrBlock": "0.0.0.0/0", "DestinationCidrBlock": "0.0.0.0/0",
            }),
        )
    };
    let session = json!({
        "NetworkInterfaceId": to("Source"), "TrafficMirrorTargetId": to("Target"),
        "TrafficMirrorFilterId": to("Filter"), "SessionNumber": 1, "VirtualNetworkId": 308_308,
    });
    let estate = json!({ "Resources": {
        "Source": of("NetworkInterface", json!({ "PrivateIpAddress": "10.0.1.15" })),
        "Target": of("TrafficMirrorTarget", json!({ "NetworkInterfaceId": "eni-0e" })),
        "Filter": of("TrafficMirrorFilter", json!({})),
        "In": rule("ingress"), "Out": rule("egress"),
        "Session": of("TrafficMirrorSession", session),
    }});
    scratch.write("estate.json", estate.to_string());

    // As many as make results that a small disk does not take.
    let mut tests = "filter: filter.json\ncontext: { eni: [10.0.1.15] }\ntests:\n\
                     - { capture: in.pcapng, expect: { undecided: '>= 0%' } }\n"
        .to_owned();
    for port in 1..=2_000 {
        tests += &format!(
            "- {{ flow: 'ingress tcp 203.0.113.1:443 > 10.0.1.15:{port}', expect: mirrored }}\n"
        );
    }
    scratch.write("tests.yaml", tests);
}

/// What a command says on standard output; on standard error it is text in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speech {
    /// Text for people, or nothing.
    Text,
    /// One JSON document.
    Json,
    /// One XML document.
    Xml,
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

/// The same of filters: `filter.json` is a document with one, `tests.yaml` has expectations of it,
/// and `flows.csv` is a table.
pub(crate) const SPEAKERS_OF_FILTERS: &[(&str, Speech)] = &[
    ("filter show filter.json", Speech::Text),
    ("filter show --format json filter.json", Speech::Json),
    ("filter lint filter.json", Speech::Text),
    ("filter lint --format json filter.json", Speech::Json),
    ("filter lint --format sarif filter.json", Speech::Json),
    ("filter explain filter.json --flow ingress\ttcp\t192.0.2.1:1\t>\t10.0.1.15:2", Speech::Text),
    ("filter diff filter.json filter.json", Speech::Text),
    ("filter diff filter.json filter.json --capture in.pcapng", Speech::Text),
    ("filter diff --format json filter.json filter.json", Speech::Json),
    ("filter test tests.yaml", Speech::Text),
    ("filter test --format json tests.yaml", Speech::Json),
    ("filter test --junit - tests.yaml", Speech::Xml),
    ("filter suggest --include in.pcapng --local 10.0.1.15", Speech::Text),
    ("filter suggest --include in.pcapng --local 10.0.1.15 --format json", Speech::Json),
    ("filter suggest --include in.pcapng --local 10.0.1.15 --format terraform", Speech::Text),
    ("filter export --format describe filter.json", Speech::Json),
    ("filter export --format cloudformation filter.json", Speech::Text),
    ("filter export --format terraform filter.json", Speech::Text),
    ("simulate --filter filter.json --local 10.0.1.15 in.pcapng", Speech::Text),
    ("simulate --filter filter.json --local 10.0.1.15 --json in.pcapng", Speech::Json),
    ("simulate --filter filter.json --local 10.0.1.15 --each --quiet in.pcapng", Speech::Text),
    ("simulate --filter filter.json --local 10.0.1.15 --flows flows.csv", Speech::Text),
];

/// Commands that repeat the names of files which are no captures or documents.
pub(crate) const SPEAKERS_OF_PLUGINS: &[(&str, Speech)] = &[
    ("plugin install in.pcapng --tshark filter.json", Speech::Text),
    ("plugin profile --tshark in.pcapng", Speech::Text),
    ("plugin doctor --tshark in.pcapng", Speech::Text),
    ("plugin doctor --format json --tshark in.pcapng", Speech::Json),
];

/// Where a command tells what it has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Stdout,
    Stderr,
}

/// Commands that read `in.pcapng`, a capture, whole, and hold nothing of it but what they count.
pub(crate) const READERS: &[(&str, Told)] = &[
    ("strip in.pcapng /dev/null", Told::Stderr),
    ("strip --only-mirrored --format pcap in.pcapng /dev/null", Told::Stderr),
    ("wrap --vni 1 --source 10.0.0.1 --target 10.0.0.2 in.pcapng /dev/null", Told::Stderr),
    ("sessions in.pcapng", Told::Stdout),
    ("sessions --json in.pcapng", Told::Stdout),
    ("simulate --filter filter.json --local 10.0.1.0/24 in.pcapng", Told::Stdout),
    ("simulate --filter filter.json --local 10.0.1.0/24 --json in.pcapng", Told::Stdout),
    ("simulate --filter filter.json --local 10.0.1.0/24 --write /dev/null in.pcapng", Told::Stdout),
    (
        "simulate --config estate.json --wrapped --target 10.0.2.99 --write /dev/null in.pcapng",
        Told::Stdout,
    ),
    ("filter diff filter.json estate.json --capture in.pcapng", Told::Stdout),
    ("filter suggest --include in.pcapng", Told::Stdout),
];
