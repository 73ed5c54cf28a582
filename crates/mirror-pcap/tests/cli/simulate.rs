//! `simulate`: which packets a filter takes, on captures and tables whose answer is known.

mod direction;
mod documents;
mod flows;
mod limits;
mod written;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{Run, Scratch, corpus, mirror_pcap, testdata};

/// A document of Lab D.
fn lab(name: &str) -> PathBuf {
    testdata().join("aws/lab-d").join(name)
}

/// The capture at the source of Lab D.
fn source() -> PathBuf {
    testdata().join("captures/lab-source/input.pcapng")
}

/// What the AWS CLI says of Lab D.
fn knowing(run: Run) -> Run {
    let names = ["network-interfaces", "traffic-mirror-filters", "traffic-mirror-sessions"];
    names
        .iter()
        .chain(&["traffic-mirror-targets"])
        .fold(run, |run, name| run.arg("--config").arg(lab(&format!("describe-{name}.json"))))
}

/// A simulation of Lab D over a capture.
fn simulate(capture: &Path) -> Run {
    knowing(mirror_pcap().arg("simulate")).arg(capture)
}

#[track_caller]
fn json(run: Run) -> Value {
    let seen = run.arg("--json").succeeds();
    serde_json::from_slice(&seen.stdout).unwrap()
}

/// Verdict, rule and reason of each packet.
#[track_caller]
fn each(run: Run) -> Vec<(String, Option<u64>, String)> {
    let seen = run.args(["--each", "--quiet"]).succeeds().stderr("");
    let text = String::from_utf8(seen.stdout).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    lines
        .iter()
        .map(|line| (word(&line["verdict"]), line["rule"].as_u64(), word(&line["reason"])))
        .collect()
}

/// The numbers of the packets with this verdict.
#[track_caller]
fn with_verdict(run: Run, verdict: &str) -> Vec<usize> {
    let each = each(run).into_iter().zip(1..);
    each.filter(|((found, _, _), _)| found == verdict).map(|(_, number)| number).collect()
}

/// The HTTPS that the interface of Lab D opens to the world, of both families, with the connections
/// to the addresses beside the VPC's, and the one fragment that shows its port.
fn https() -> Vec<usize> {
    (1..=20).chain([33, 36, 37, 40, 61]).collect()
}

#[test]
fn lab_d_takes_the_https_of_both_families_and_says_why() {
    simulate(Path::new("in"))
        .within(&with_source())
        .args(["--vpc", "10.0.0.0/16"])
        .succeeds()
        .stderr("")
        .stdout(
            "\
in: 67 packets read, 25 mirrored, 31 not mirrored, 8 never mirrored, 3 undecided
  rule                                                  packets  bytes  flows
  ingress 10 reject all 10.0.0.0/16 > 0.0.0.0/0               2    116      1
  ingress 20 reject all 2001:db8:1234:ab00::/56 > ::/0        2    156      1
  ingress 100 accept tcp 0.0.0.0/0 443 > 0.0.0.0/0            5    345      1
  ingress 110 accept tcp ::/0 443 > ::/0                      4    359      1
  egress 10 reject all 0.0.0.0/0 > 10.0.0.0/16                6    332      3
  egress 20 reject all ::/0 > 2001:db8:1234:ab00::/56         6    452      3
  egress 100 accept tcp 0.0.0.0/0 > 0.0.0.0/0 443             8    523      3
  egress 110 accept tcp ::/0 > ::/0 443                       8    683      3
  ingress no rule: reject                                     7    437
  egress no rule: reject                                      7    417
  not mirrored: 1 not-ip
  never mirrored: 2 amazon-dns, 2 arp, 1 amazon-time, 1 dhcp, 1 instance-metadata, 1 windows-activation
  undecided: 1 cut, 1 later-fragment, 1 neither-end-local
  the target would receive 3,260 bytes in 25 packets, 2,865,264 bit/s on average, 26,080 in the busiest second; the longest frame has 157 bytes
  assumed (amazon-dns): Amazon DNS is port 53 of 169.254.169.253, fd00:ec2::253 and the second address of each VPC, and amazon-dns decides it whatever the rules say
  assumed (fragments): rules see of a fragment what it bears itself
  assumed (neighbor-discovery): neighbor discovery is judged by the rules, unlike ARP
  assumed (not-ip): a frame that is neither IP nor ARP matches no rule
  assumed (portless-udp): UDP whose ports are missing is not DHCP
  assumed (service-addresses): all traffic with the link-local addresses of instance metadata, Amazon time and Windows activation is theirs
  the rules select this much; security groups, network ACLs and congestion are outside of a simulation
",
        );
}

fn with_source() -> Scratch {
    let scratch = Scratch::new();
    scratch.copy("captures/lab-source/input.pcapng", "in");
    scratch
}

#[test]
fn each_packet_has_a_line_with_its_rule() {
    let run = || simulate(&source()).args(["--vpc", "10.0.0.0/16"]);
    assert_eq!(with_verdict(run(), "mirrored"), https());
    assert_eq!(
        with_verdict(run(), "never_mirrored"),
        [49, 50, 53, 54, 55, 56, 57, 58],
        "DNS of the VPC, ARP, DHCP, metadata, time, activation"
    );
    assert_eq!(with_verdict(run(), "undecided"), [62, 66, 67]);
    let seen = run().args(["--each"]).succeeds();
    let text = String::from_utf8(seen.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        (lines[0], lines[61], lines[64]),
        (
            r#"{"packet":1,"eni":"eni-0d000000000000001","direction":"egress","verdict":"mirrored","session":"tms-0d00000000000000d","rule":100,"reason":"rule"}"#,
            r#"{"packet":62,"eni":"eni-0d000000000000001","direction":"ingress","verdict":"undecided","session":"tms-0d00000000000000d","rule":100,"reason":"later-fragment"}"#,
            r#"{"packet":65,"eni":"eni-0d000000000000001","direction":"egress","verdict":"not_mirrored","session":null,"rule":null,"reason":"not-ip"}"#,
        )
    );
    assert!(seen.stderr.contains("25 mirrored"), "the report stands on standard error");
}

#[test]
fn a_filter_alone_is_simulated_for_one_interface() {
    let filter = || {
        let run = mirror_pcap().args(["simulate", "--mac", "0a:5e:c0:de:00:01"]);
        run.arg(source()).arg("--filter").arg(lab("describe-traffic-mirror-filters.json"))
    };
    assert_eq!(with_verdict(filter(), "mirrored"), https());
    let report = json(filter());
    assert_eq!(report["rules"][0]["session"], Value::Null);
    assert_eq!(report["rules"][0]["filter"], "tmf-0d00000000000000d");
    let assumed: Vec<&str> = report["assumptions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["assumption"].as_str().unwrap())
        .collect();
    assert!(assumed.contains(&"no-vpc"), "{assumed:?}");

    let nowhere = mirror_pcap().arg("simulate").arg(source()).arg("--filter");
    let seen = nowhere.arg(lab("describe-traffic-mirror-filters.json")).succeeds();
    let text = String::from_utf8(seen.stdout).unwrap();
    assert!(text.contains("undecided: 60 neither-end-local\n"), "{text}");
    assert!(text.contains("--eni, --mac or --local say what is\n"), "{text}");
}

#[test]
fn a_damaged_capture_is_judged_as_far_as_it_goes() {
    let scratch = Scratch::new();
    let bytes = std::fs::read(source()).unwrap();
    scratch.write("cut", &bytes[..bytes.len() - 30]);
    let seen = simulate(Path::new("cut")).within(&scratch).arg("--json").fails_with(4);
    let report: Value = serde_json::from_slice(&seen.stdout).unwrap();
    assert_eq!(report["packets"], 66, "the last one is no packet any more");
    assert_eq!(report["verdicts"]["mirrored"]["packets"], 25);
    assert!(seen.stderr.starts_with("mirror-pcap: cut: byte "), "{}", seen.stderr);

    let damaged = testdata().join("damaged/007-captured-length-beyond-block/input.pcapng");
    let seen = simulate(&damaged).arg("--json").fails_with(4);
    let report: Value = serde_json::from_slice(&seen.stdout).unwrap();
    assert_eq!(report["reasons"]["damaged"]["packets"], 3);
}

#[test]
fn what_cannot_be_read_is_refused_before_any_work() {
    for (args, said) in [
        (&["simulate", "in"][..], "--filter <DOC[#ID]>"),
        (&["simulate", "--filter", "in"], "<IN>"),
        (&["simulate", "--filter", "f", "--config", "c", "in"], "cannot be used with"),
        (&["simulate", "--filter", "f", "--vpc", "10.0.1.0/16", "in"], "expected 10.0.0.0/16"),
        (&["simulate", "--filter", "f", "--local", "10.0.1", "in"], "--local"),
        (&["simulate", "--filter", "f", "--each", "--write", "o", "in"], "cannot be used with"),
        (&["simulate", "--filter", "f", "--write", "o", "--wrapped", "in"], "cannot be used with"),
    ] {
        mirror_pcap().within(&with_source()).args(args).fails_with(2).stdout("").stderr_has(said);
    }
}

/// AWS mirrored these, with a filter that took everything; so a simulation of one must.
#[test]
fn what_aws_did_mirror_would_be_mirrored() {
    let Some(corpus) = corpus() else { return };
    let capture = corpus.join("suricata-verify/tests__vxlan-decoder-03__vxlan.pcap");
    let run = mirror_pcap().args(["simulate", "--vpc", "172.31.0.0/16"]).arg(capture);
    let report = json(run.arg("--filter").arg(testdata().join("documents/filters.json")));
    assert_eq!(report["verdicts"]["mirrored"]["packets"], 100);
    assert_eq!(report["from_sessions"], 100);
    assert!(report["network_services"]["amazon-dns"]["packets"].as_u64().unwrap() > 0);
}
