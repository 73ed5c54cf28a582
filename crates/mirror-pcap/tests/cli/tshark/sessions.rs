//! `sessions` counts what tshark counts.

use std::path::{Path, PathBuf};

use mirror_testkit::cases;
use serde_json::Value;

use super::{
    quietly,
    tools::{Tool, tool},
};
use crate::harness::{Scratch, corpus, mirror_pcap, testdata};

/// All that is sound in `testdata/`, and a real mirror's packets.
fn inputs() -> Vec<PathBuf> {
    // tshark 4.0 takes the names of the first section's interfaces for those of all.
    let is_told = |folder: &str| folder.starts_with("captures/") && folder != "captures/sections";
    let cases = cases::all().into_iter().filter(|case| is_told(&case.folder));
    let mut inputs: Vec<_> =
        cases.map(|case| testdata().join(&case.folder).join(case.file)).collect();
    let real = "suricata-verify/tests__vxlan-decoder-03__vxlan.pcap";
    inputs.extend(corpus().map(|corpus| corpus.join(real)));
    inputs
}

/// tshark's own statistics, by the name of the interface that strip has made of each session.
#[test]
fn packets_and_bytes_of_a_session_are_those_that_tshark_counts_on_its_interface() {
    let Some(tshark) = tool("tshark") else { return };
    let mut compared = 0;
    for input in inputs() {
        let scratch = Scratch::new();
        let output = scratch.path("out.pcapng");
        quietly(&["strip"], &input, &output);
        let seen = mirror_pcap().args(["sessions", "--json"]).arg(&input).succeeds();
        let json: Value = serde_json::from_slice(&seen.stdout).unwrap();
        let (mut filters, mut ours) = (Vec::new(), Vec::new());
        for session in json["sessions"].as_array().unwrap() {
            let number = |name: &str| session[name].as_u64().unwrap();
            let filter = format!("frame.interface_name == \"{}\"", interface(session));
            filters.push(filter.clone());
            ours.extend([number("packets"), number("bytes")]);
            for (way, count) in [("== 1", "ingress"), ("== 2", "egress")] {
                filters.push(format!("{filter} && frame.packet_flags_direction {way}"));
                ours.push(number(count));
            }
            compared += number("packets");
        }
        if filters.is_empty() {
            continue;
        }
        let columns = stat(tshark, &output, &filters);
        assert_eq!(columns.len(), filters.len(), "{}", input.display());
        let theirs: Vec<u64> = columns
            .iter()
            .enumerate()
            .flat_map(|(at, &(frames, bytes))| match at % 3 {
                0 => vec![frames, bytes],
                _ => vec![frames],
            })
            .collect();
        assert_eq!(ours, theirs, "{}: {filters:?}", input.display());
    }
    // Those of testdata alone.
    assert!(compared >= 300, "{compared}");
}

/// The name of the interface that strip makes of a session.
fn interface(session: &Value) -> String {
    let (vni, source) = (&session["vni"], session["source"].as_str().unwrap());
    let endpoint = session["endpoint"].as_str().map(|endpoint| format!("@{endpoint}"));
    format!("vni-{vni}@{source}{}", endpoint.unwrap_or_default())
}

/// Frames and bytes that `-z io,stat` counts with each of these filters.
fn stat(tshark: Tool, path: &Path, filters: &[String]) -> Vec<(u64, u64)> {
    let stat = format!("io,stat,0,{}", filters.join(","));
    let said = tshark.run(["-n", "-q", "-r", path.to_str().unwrap(), "-z", &stat]).content().text();
    let row = said.lines().find(|line| line.contains("<>")).unwrap_or_else(|| panic!("{said}"));
    let numbers: Vec<u64> = row.split('|').filter_map(|cell| cell.trim().parse().ok()).collect();
    numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
}
