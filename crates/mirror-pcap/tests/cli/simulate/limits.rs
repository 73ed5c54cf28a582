//! Memory: the same for any number of flows, whatever a capture or table claims.

use std::{
    fs,
    io::{self, Read, Write},
    net::Ipv4Addr,
    process::Stdio,
    thread,
    time::Duration,
};

use mirror_testkit::{
    Capture, Interface, Order, Packet,
    packet::{LINK_RAW, Udp, ip},
};
use serde_json::Value;

use super::lab;
use crate::{
    harness::{Run, Scratch, mirror_pcap, wait},
    limits::{BESIDE_PROGRAM, Resident},
};

/// What a run prints, and what was resident until it did: its standard output is a
/// pipe that is full already, so that it hangs there when all the work is done.
#[track_caller]
fn measured(run: &Run) -> (String, Resident) {
    let (mut read, mut write) = io::pipe().unwrap();
    let full = rustix::pipe::fcntl_getpipe_size(&write).unwrap();
    write.write_all(&vec![b'#'; full]).unwrap();
    let mut command = run.command();
    command.stdin(Stdio::null()).stdout(write).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    drop(command);
    let proc = format!("/proc/{}", child.id());
    let mut asleep = 0;
    while asleep < 50 {
        let stat = fs::read_to_string(format!("{proc}/stat")).unwrap();
        asleep = if stat.contains(") S ") { asleep + 1 } else { 0 };
        assert!(child.try_wait().unwrap().is_none(), "it has ended without a word");
        thread::sleep(Duration::from_millis(2));
    }
    let resident = Resident::of(&child);
    let mut said = Vec::new();
    read.read_to_end(&mut said).unwrap();
    assert_eq!(wait(&mut child).code(), Some(0));
    (String::from_utf8(said.split_off(full)).unwrap(), resident)
}

#[test]
fn more_flows_than_are_counted_exactly_stay_below_the_limit() {
    const FLOWS: u32 = 100_000;
    let scratch = Scratch::new();
    let mut capture = Capture::new(Order::Little);
    capture.interface(Interface::new(LINK_RAW));
    for flow in 0..FLOWS {
        let from = Ipv4Addr::from_bits(0x0A00_0000 | (flow % 65_536));
        let port = 1 + (flow / 65_536) as u16;
        let packet = ip(from, Ipv4Addr::new(10, 0, 255, 255), Udp::new(port, 2, ""));
        capture.packet(Packet::new(0, u64::from(flow) * 1_000_000, &packet.bytes));
    }
    scratch.write("in", capture.bytes());
    let run = mirror_pcap().within(&scratch).args(["simulate", "in", "--json", "--filter"]);
    let run = run.arg(lab("describe-traffic-mirror-filters.json"));
    let (report, resident) = measured(&run.args(["--local", "10.0.255.255"]));
    let beside = resident.beside_program();
    assert!(beside > 1 << 20, "{beside} bytes: not measured");
    assert!(beside <= BESIDE_PROGRAM, "{beside} bytes, expected {BESIDE_PROGRAM} at most");
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["flows_exact"], false);
    let rule = &report["rules"][0];
    assert_eq!((&rule["number"], &rule["packets"]), (&10.into(), &(FLOWS - 1).into()));
    let flows = rule["flows"].as_u64().unwrap();
    assert!(flows.abs_diff(u64::from(FLOWS)) < u64::from(FLOWS) * 15 / 100, "{flows} flows");
}

/// A line without an end, and numbers that no table adds up to.
#[test]
fn a_table_of_nonsense_costs_nothing() {
    let scratch = Scratch::new();
    let most = u64::MAX;
    let row = format!("10.0.1.10 203.0.113.9 1 {most} {most}\n");
    let head = "srcaddr dstaddr protocol packets bytes\n";
    scratch.write("sums", [head, &row, &row].concat());
    let with = |table: &str| {
        let run = mirror_pcap().within(&scratch).args(["simulate", "--flows", table, "--filter"]);
        run.arg(lab("describe-traffic-mirror-filters.json")).args([
            "--local",
            "10.0.1.10",
            "--json",
        ])
    };
    let seen = with("sums").succeeds();
    let report: Value = serde_json::from_slice(&seen.stdout).unwrap();
    assert_eq!(report["verdicts"]["not_mirrored"]["bytes"], most);
    scratch.write("line", [head.as_bytes(), &vec![b'1'; 1 << 20]].concat());
    with("line").fails_with(2).stdout("").stderr(
        "mirror-pcap: line: row 1: found a line of more than 65536 bytes, expected a row\n",
    );
}
