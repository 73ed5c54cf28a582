//! `sessions` counts what tshark counts.

use super::{quietly, tools::tool};
use crate::harness::{Scratch, mirror_pcap, testdata};

/// tshark's own statistics, by the name of the interface that strip has made of each session.
#[test]
fn packets_and_bytes_of_a_session_are_those_that_tshark_counts_on_its_interface() {
    let Some(tshark) = tool("tshark") else { return };
    let mut compared = 0;
    for case in
        ["lab-d", "gwlb", "packet-length-cut", "two-sources-one-vni", "same-flow-two-vnis", "sll2"]
    {
        let scratch = Scratch::new();
        let output = scratch.path("out.pcapng");
        let input = testdata().join(format!("captures/{case}/input.pcapng"));
        quietly(&["strip"], &input, &output);
        let seen = mirror_pcap().args(["sessions", "--json"]).arg(&input).succeeds();
        let json: serde_json::Value = serde_json::from_slice(&seen.stdout).unwrap();
        for session in json["sessions"].as_array().unwrap() {
            let (source, vni) = (session["source"].as_str().unwrap(), &session["vni"]);
            let mut name = format!("vni-{vni}@{source}");
            if let Some(endpoint) = session["endpoint"].as_str() {
                name += &format!("@{endpoint}");
            }
            for (ways, count) in [("", "packets"), ("1", "ingress"), ("2", "egress")] {
                let mut filter = format!("frame.interface_name == \"{name}\"");
                if !ways.is_empty() {
                    filter += &format!(" && frame.packet_flags_direction == {ways}");
                }
                let (frames, bytes) = stat(tshark, &output, &filter);
                assert_eq!(session[count], frames, "{case} {filter}");
                if ways.is_empty() {
                    assert_eq!(session["bytes"], bytes, "{case} {filter}");
                }
                compared += frames;
            }
        }
    }
    assert!(compared > 200, "{compared}");
}

/// Frames and bytes that `-z io,stat` counts with this filter.
fn stat(tshark: super::tools::Tool, path: &std::path::Path, filter: &str) -> (u64, u64) {
    let stat = format!("io,stat,0,{filter}");
    let said = tshark.run(["-n", "-q", "-r", path.to_str().unwrap(), "-z", &stat]).content().text();
    let row = said.lines().find(|line| line.contains("<>")).unwrap_or_else(|| panic!("{said}"));
    let numbers: Vec<u64> = row.split('|').filter_map(|cell| cell.trim().parse().ok()).collect();
    match numbers[..] {
        [frames, bytes] => (frames, bytes),
        _ => panic!("{said}"),
    }
}
