//! Standard input can be read once, so an invocation that names it twice is refused: the second
//! reader would find nothing, and take that for an empty file.

use crate::harness::{Scratch, mirror_pcap, testdata};

/// Invocations that read standard input twice, and what is said of them.
const TWICE: &[(&str, &str)] = &[
    ("strip --config - - out", "--config: standard input is the capture already"),
    ("strip --config - --config - in out", "standard input can be one of the documents only"),
    ("sessions - -", "standard input can be one of the captures only"),
    ("sessions --config - -", "--config: standard input is the capture already"),
    ("sessions --config - in -", "--config: standard input is the capture already"),
    ("sessions --config - --config - in", "standard input can be one of the documents only"),
    ("wrap --config - --session x - out", "--config: standard input is the capture already"),
    (
        "wrap --config - --config - --session x in",
        "standard input can be one of the documents only",
    ),
    ("config show - -", "standard input can be one of the documents only"),
    ("simulate --filter - -", "--filter: standard input is the capture already"),
    ("simulate --filter=-#tmf-0a -", "--filter: standard input is the capture already"),
    ("simulate --filter - --flows -", "--filter: standard input is the table already"),
    ("simulate --config - -", "--config: standard input is the capture already"),
    ("simulate --config - --flows -", "--config: standard input is the table already"),
    ("simulate --config - --config - in", "standard input can be one of the documents only"),
    ("filter diff - -", "standard input can be one of the files only"),
    ("filter diff -- -#a -#b", "standard input can be one of the files only"),
    ("filter diff - b --capture -", "standard input can be one of the files only"),
    ("filter diff a b --capture - --capture -", "standard input can be one of the files only"),
    ("filter diff a b --capture - --config -", "standard input can be one of the files only"),
    ("filter test - -", "standard input can be one of the files only"),
    (
        "filter suggest --include in --config - --config -",
        "standard input can be one of the documents only",
    ),
];

/// A simulation whose filter and capture both came from standard input read the filter, and then a
/// capture without a byte.
#[test]
fn standard_input_is_not_read_twice() {
    let scratch = Scratch::new();
    scratch.copy("captures/lab-d/input.pcapng", "in");
    for (line, said) in TWICE {
        let run = mirror_pcap().within(&scratch).args(line.split(' ')).stdin("{}");
        run.fails_with(2).stdout("").stderr(&format!("mirror-pcap: {said}\n"));
        assert!(!scratch.path("out").exists(), "{line}");
    }
}

#[test]
fn a_filter_from_standard_input_is_simulated() {
    let filter = std::fs::read(testdata().join("aws/lab-d/describe-traffic-mirror-filters.json"));
    let capture = testdata().join("captures/lab-source/input.pcapng");
    let run =
        mirror_pcap().args(["simulate", "--filter", "-", "--local", "10.0.1.10"]).arg(capture);
    let seen = run.stdin(filter.unwrap()).succeeds();
    assert!(String::from_utf8(seen.stdout).unwrap().contains(" 67 packets read, "));
}
