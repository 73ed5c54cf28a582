//! `--flows`: tables of tshark and of VPC flow logs.

use std::{fs, process::Command};

use serde_json::Value;

use super::{each, knowing, lab, simulate, source};
use crate::harness::{Run, Scratch, mirror_pcap, root, same, skipped};

/// A simulation of Lab D over a table.
fn over(table: &str) -> Run {
    knowing(mirror_pcap().arg("simulate")).args(["--flows", "-"]).stdin(table)
}

const COLUMNS: [&str; 16] = [
    "frame.len",
    "frame.time_epoch",
    "eth.src",
    "eth.dst",
    "eth.type",
    "ip.src",
    "ip.dst",
    "ip.proto",
    "ip.frag_offset",
    "ipv6.src",
    "ipv6.dst",
    "ipv6.nxt",
    "icmpv6.type",
    "tcp.srcport",
    "tcp.dstport",
    "udp.srcport",
];

/// tshark reads the headers for itself, and what it makes of them gives the same verdicts.
#[test]
fn a_table_by_tshark_gives_the_verdicts_of_the_capture() {
    for separator in ["/t", ","] {
        let mut tshark = Command::new("tshark");
        tshark.args(["-n", "-r"]).arg(source()).args(["-T", "fields", "-E", "header=y"]);
        tshark.args(["-E", "occurrence=f", "-E", &format!("separator={separator}")]);
        tshark.args(["-o", "ip.defragment:FALSE"]);
        for column in COLUMNS.iter().chain(&["udp.dstport"]) {
            tshark.args(["-e", column]);
        }
        let Ok(output) = tshark.output() else {
            let required = std::env::var_os("MIRROR_PCAP_REQUIRE_TSHARK").is_some();
            assert!(!required, "tshark is required and not there");
            return skipped("tables by tshark, which is not there");
        };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let table = String::from_utf8(output.stdout).unwrap();
        let args = ["--vpc", "10.0.0.0/16"];
        assert_eq!(each(over(&table).args(args)), each(simulate(&source()).args(args)));

        let of = |run: Run| -> Value {
            let seen = run.args(args).arg("--json").succeeds();
            serde_json::from_slice(&seen.stdout).unwrap()
        };
        let (rows, packets) = (of(over(&table)), of(simulate(&source())));
        for part in ["packets", "verdicts", "rules", "reasons", "estimate", "assumptions"] {
            assert_eq!(rows[part], packets[part], "{part}");
        }
    }
}

/// Its command let tshark put fragments together, so that the last one had the ports.
#[test]
fn the_command_of_the_readme_gives_the_verdict_of_each_packet() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let is_it = |line: &&str| line.starts_with("$ tshark ") && line.ends_with(" > flows.tsv");
    let line = readme.lines().find(is_it).unwrap();
    let words = line.trim_start_matches("$ ").trim_end_matches(" > flows.tsv").split(' ');
    let mut tshark = Command::new("tshark");
    tshark.current_dir(root()).args(words.skip(1));
    let Ok(output) = tshark.output() else {
        let required = std::env::var_os("MIRROR_PCAP_REQUIRE_TSHARK").is_some();
        assert!(!required, "tshark is required and not there");
        return skipped("the README's table by tshark, which is not there");
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let table = String::from_utf8(output.stdout).unwrap();
    let args = ["--vpc", "10.0.0.0/16"];
    let rows = each(over(&table).args(args));
    assert_eq!(rows, each(simulate(&source()).args(args)));
    assert!(rows.iter().any(|(_, _, reason)| reason == "later-fragment"));
}

const LOG: &str = "\
version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status
2 111122223333 eni-0d000000000000001 10.0.1.10 203.0.113.9 51000 443 6 20 4000 1767225600 1767225660 ACCEPT OK
2 111122223333 eni-0d000000000000001 203.0.113.9 10.0.1.10 443 51000 6 18 9000 1767225600 1767225660 ACCEPT OK
2 111122223333 eni-0d000000000000001 198.51.100.9 10.0.1.10 443 22 6 3 120 1767225600 1767225660 REJECT OK
2 111122223333 eni-0d000000000000001 10.0.1.10 198.51.100.9 40000 443 6 2 80 1767225600 1767225660 REJECT OK
2 111122223333 eni-0d000000000000001 - - - - - - - 1767225660 1767225720 - NODATA
2 111122223333 eni-0d000000000000001 - - - - - - - 1767225720 1767225780 - SKIPDATA
";

#[test]
fn a_flow_log_is_weighed_by_its_packets_and_bytes() {
    over(LOG).succeeds().stderr("").stdout(
        "\
standard input: 43 packets read, 38 mirrored, 3 not mirrored, 0 never mirrored, 2 undecided
  rule                                                  packets  bytes  flows
  ingress 10 reject all 10.0.0.0/16 > 0.0.0.0/0               0      0      0
  ingress 20 reject all 2001:db8:1234:ab00::/56 > ::/0        0      0      0
  ingress 100 accept tcp 0.0.0.0/0 443 > 0.0.0.0/0           18  9,000      1
  ingress 110 accept tcp ::/0 443 > ::/0                      0      0      0
  egress 10 reject all 0.0.0.0/0 > 10.0.0.0/16                0      0      0
  egress 20 reject all ::/0 > 2001:db8:1234:ab00::/56         0      0      0
  egress 100 accept tcp 0.0.0.0/0 > 0.0.0.0/0 443            20  4,000      1
  egress 110 accept tcp ::/0 > ::/0 443                       0      0      0
  ingress no rule: reject                                     0      0
  egress no rule: reject                                      0      0
  not mirrored: 3 dropped
  undecided: 2 dropped
  never hit: ingress 10, ingress 20, ingress 110, egress 10, egress 20, egress 110
  the target would receive 15,052 bytes in 38 packets, 2,006 bit/s on average, 120,416 in the busiest second; the longest frame has 500 bytes
  1 row for traffic that was not recorded (SKIPDATA)
  1 row for times without traffic (NODATA)
  rows stand for many packets, so cuts and the busiest second are estimates from averages
  columns that mean nothing here: version, account-id
  the rules select this much; security groups, network ACLs and congestion are outside of a simulation
",
    );
}

/// It was said to be mirrored: AWS says so of what outbound security groups drop, and not of network
/// ACLs.
#[test]
fn of_what_was_dropped_going_out_only_that_is_known_which_rules_reject() {
    let all = each(over(
        "interface-id srcaddr dstaddr srcport dstport protocol flow-direction action\n\
         eni-0d000000000000001 10.0.1.10 198.51.100.9 40000 443 6 egress REJECT\n\
         eni-0d000000000000001 10.0.1.10 198.51.100.9 40000 443 6 egress ACCEPT\n\
         eni-0d000000000000001 10.0.1.10 198.51.100.9 40000 80 6 egress REJECT\n\
         eni-0d000000000000001 10.0.1.10 10.0.3.20 40000 443 6 egress REJECT\n\
         eni-0d000000000000001 10.0.1.10 169.254.169.254 40000 80 6 egress REJECT\n\
         eni-0d000000000000001 198.51.100.9 10.0.1.10 443 40000 6 ingress REJECT\n",
    ));
    let words: Vec<String> =
        all.iter().map(|(verdict, _, reason)| format!("{verdict} {reason}")).collect();
    assert_eq!(
        words,
        [
            "undecided dropped",
            "mirrored rule",
            "not_mirrored no-rule",
            "not_mirrored rule",
            "never_mirrored instance-metadata",
            "not_mirrored dropped",
        ]
    );
}

#[test]
fn a_row_that_cannot_be_read_is_named_by_its_number() {
    for (table, said) in [
        (
            "ip.src,ip.dst,ip.proto\n10.0.1.10,203.0.113.9,6\n\"10.0.1.10,10.0.1.11\",203.0.113.9,6\n",
            "row 2: column ip.src: found several values, \"10.0.1.10,10.0.1.11\", expected one; \
             tshark prints the first with -E occurrence=f",
        ),
        (
            "ip.proto\n6\n",
            "first line: found no columns of addresses, expected a first line with \
             names such as ip.src and ip.dst, or srcaddr and dstaddr",
        ),
        ("srcaddr dstaddr\n10.0.1.10\n", "row 1: found 1 cell, expected 2 as in the first line"),
        ("", "is empty, expected a table of flows"),
    ] {
        let seen = over(table).fails_with(2).stdout("");
        same(&seen.stderr, &format!("mirror-pcap: standard input: {said}\n"));
    }
    let scratch = Scratch::new();
    let run = mirror_pcap().within(&scratch).args(["simulate", "--flows", "none", "--filter"]);
    run.arg(lab("describe-traffic-mirror-filters.json")).fails_with(2).stderr_has("none: No such");
}

/// Without columns of IPv6 nothing is known of its packets, and nothing is guessed.
#[test]
fn a_row_without_addresses_is_undecided() {
    let table = "frame.len,ip.src,ip.dst,ip.proto,tcp.srcport,tcp.dstport\n74,,,,51000,443\n";
    let all = each(over(table));
    assert_eq!(all, [("undecided".to_owned(), None, "no-addresses".to_owned())]);
}
