//! Which files a run opens, and that it does nothing else that reaches out of it.
//!
//! A run is traced, and every file that it opens must be one of its arguments, its temporary beside
//! one, or of the system. A template that refers to others has them at hand, to be read by mistake.

use crate::{
    commands::{PRINTERS, WRITERS, furnish},
    faults::can_trace,
    harness::{Scratch, mirror_pcap},
    output::with_bench,
};

/// The loader, the C library, and what tells how many processors there are.
const SYSTEM: [&str; 7] =
    ["/lib", "/usr/lib", "/etc/ld.so", "/proc/self/", "/sys/", "/dev/null", "/nix/"];

/// A filter, and all ways in which a template can refer to another file.
const REFERRING: &str = "\
Resources:
  Nested: { Type: 'AWS::CloudFormation::Stack', Properties: { TemplateURL: nested.yaml } }
  Filter:
    Type: AWS::EC2::TrafficMirrorFilter
    Properties: { Description: !ImportValue nested.yaml }
  Session:
    Type: AWS::EC2::TrafficMirrorSession
    Properties:
      NetworkInterfaceId: !GetAtt Nested.Outputs.Eni
      TrafficMirrorTargetId: !ImportValue nested.yaml
      TrafficMirrorFilterId: !Ref Filter
      SessionNumber: 1
      VirtualNetworkId: 1
";

#[test]
fn no_file_is_opened_but_those_that_were_named() {
    if !can_trace() {
        return;
    }
    let scratch = with_bench(40);
    furnish(&scratch);
    scratch.write("referring.yaml", REFERRING);
    scratch.write("nested.yaml", "Resources: {}\n");
    let traces = Scratch::new();
    let trace = traces.path("trace").display().to_string();
    // A pair of sockets that signals go through leads nowhere else.
    let calls = "trace=?open,openat,?openat2,?creat,execve,?execveat,socket,connect,bind";
    let by = ["strace", "-f", "-qq", "-o", &trace, "-e", calls];
    let referring = ["config show referring.yaml", "filter show referring.yaml"];
    let mut named = 0;
    for line in WRITERS.iter().chain(PRINTERS).chain(&referring) {
        let seen = mirror_pcap().within(&scratch).under(by).args(line.split(' ')).ends();
        assert_eq!(seen.status.code(), Some(0), "{line}: {}", seen.stderr);
        // What others would tell is not known.
        let is_asked = *line == "config show referring.yaml";
        assert_eq!(seen.stderr.contains("--param Nested.Outputs.Eni=VALUE"), is_asked, "{line}");
        for name in scratch.names().into_iter().filter(|name| name.starts_with("out")) {
            std::fs::remove_file(scratch.path(name)).unwrap();
        }
        let trace = String::from_utf8(traces.read("trace")).unwrap();
        let mut programs = 0;
        for call in trace.lines().filter_map(|line| line.split_once(' ')).map(|(_, call)| call) {
            let call = call.trim_start();
            let name = call.split('(').next().unwrap();
            match name {
                "execve" => programs += 1,
                "open" | "openat" | "openat2" | "creat" => {
                    let path = call.split('"').nth(1).unwrap();
                    let is_named = line.split(' ').any(|word| word == path);
                    let is_beside = path == "." || path.ends_with(".mirror-pcap");
                    // A file of tests names others.
                    let is_of_tests =
                        line.contains("tests.yaml") && ["filter.json", "in.pcapng"].contains(&path);
                    let is_of_system = SYSTEM.iter().any(|place| path.starts_with(place));
                    let is_meant = is_named || is_beside || is_of_tests || is_of_system;
                    assert!(is_meant, "{line}: {call}");
                    named += usize::from(is_named);
                }
                // What goes on in a call of one thread while another makes one, signals, ends.
                _ if call.starts_with(['<', '-', '+']) => {}
                _ => panic!("{line}: {call}"),
            }
        }
        assert_eq!(programs, 1, "{line}: {trace}");
    }
    assert!(named > 40, "{named} files were named and opened");
}
