//! `filter suggest`: rules for what captures have, judged on captures that it was not given.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use mirror_testkit::{
    Capture, Interface, Opt, Order, Packet,
    packet::{
        Conversation, LINK_ETHERNET, Mac, Opener, Udp, arp, dns_answer, dns_query, ethernet, ip,
    },
};
use serde_json::Value;

use crate::harness::{Run, Scratch, corpus, mirror_pcap, skipped, testdata};

const ENI_MAC: Mac = [0x02, 0x15, 0x0A, 0x00, 0x01, 0x0F];
const ROUTER_MAC: Mac = [0x02, 0x01, 0x0A, 0x00, 0x01, 0x01];

/// Frames at the interface 10.0.1.15, 2001:db8:1234:ab01::15.
#[derive(Default)]
struct Traffic(Vec<Vec<u8>>);

impl Traffic {
    /// A TCP conversation, opened by the first of the two; each end is `address:port`, and the
    /// interface's address may be `eni`.
    fn tcp(mut self, opener: &str, other: &str) -> Traffic {
        let (from, to) = (end(opener, other), end(other, opener));
        let by_interface = opener.starts_with("eni");
        let (interface, peer) = if by_interface { (from, to) } else { (to, from) };
        let opener = if by_interface { Opener::Interface } else { Opener::Peer };
        let conversation = Conversation {
            interface_mac: ENI_MAC,
            router_mac: ROUTER_MAC,
            interface,
            peer,
            opener,
        };
        self.0.extend(conversation.frames(&[vec![1; 100], vec![2; 200]]));
        self
    }

    /// A question from the interface over UDP, and its answer.
    fn udp(mut self, from: &str, to: &str) -> Traffic {
        let (from, to) = (end(from, to), end(to, from));
        let query = Udp::new(from.port(), to.port(), dns_query(7, "www.example.com"));
        let answer = dns_answer(7, "www.example.com", [203, 0, 113, 9]);
        let answer = Udp::new(to.port(), from.port(), answer);
        self.0.push(ethernet(ROUTER_MAC, ENI_MAC, &ip(from.ip(), to.ip(), query)));
        self.0.push(ethernet(ENI_MAC, ROUTER_MAC, &ip(to.ip(), from.ip(), answer)));
        self
    }

    fn arp(mut self) -> Traffic {
        let request = arp(false, (ENI_MAC, [10, 0, 1, 15]), ([0; 6], [10, 0, 1, 1]));
        self.0.push(ethernet([0xff; 6], ENI_MAC, &request));
        self
    }

    fn write(&self, scratch: &Scratch, name: &str) {
        let mut capture = Capture::new(Order::Little);
        capture.interface(Interface::new(LINK_ETHERNET).option(Opt::tsresol(9)));
        for (n, frame) in self.0.iter().enumerate() {
            capture.packet(Packet::new(0, 1_767_225_600_000_000_000 + 1_000 * n as u64, frame));
        }
        scratch.write(name, capture.bytes());
    }
}

/// One end; `eni` is the interface's address of the family of the other end.
fn end(text: &str, other: &str) -> SocketAddr {
    let Some(port) = text.strip_prefix("eni:") else { return text.parse().unwrap() };
    let address: IpAddr = match other.starts_with('[') {
        true => "2001:db8:1234:ab01::15".parse().unwrap(),
        false => "10.0.1.15".parse().unwrap(),
    };
    SocketAddr::new(address, port.parse().unwrap())
}

const INTERFACE: [&str; 8] = [
    "--local",
    "10.0.1.15",
    "--local",
    "2001:db8:1234:ab01::15",
    "--vpc",
    "10.0.0.0/16",
    "--vpc",
    "2001:db8:1234:ab00::/56",
];

fn suggest(scratch: &Scratch, more: &[&str]) -> Run {
    mirror_pcap().within(scratch).args(["filter", "suggest"]).args(INTERFACE).args(more)
}

fn json(scratch: &Scratch, more: &[&str], exit: i32) -> Value {
    let seen = suggest(scratch, more).args(["--format", "json"]).fails_with(exit).stderr("");
    serde_json::from_slice(&seen.stdout).unwrap()
}

/// Verdicts of a capture by a filter, from `filter test`, which is not `suggest`.
fn holds(scratch: &Scratch, filter: &str, capture: &str, expect: &str) -> bool {
    let context = "{ vpc: 10.0.0.0/16, eni: [10.0.1.15, '2001:db8:1234:ab01::15'] }";
    holds_at(scratch, context, filter, capture, expect)
}

/// The same at another interface.
fn holds_at(scratch: &Scratch, context: &str, filter: &str, capture: &str, expect: &str) -> bool {
    let test = format!(
        "filter: {filter}
context: {context}
tests:
  - capture: {capture}
    expect: {expect}
"
    );
    scratch.write("holds.yaml", test);
    let seen = mirror_pcap().within(scratch).args(["filter", "test", "holds.yaml"]).ends();
    assert!(matches!(seen.status.code(), Some(0 | 1)), "{}", seen.stderr);
    seen.status.success()
}

/// The HTTPS of Lab D, and what else there is at its edges.
fn lab(scratch: &Scratch) {
    Traffic::default()
        .tcp("eni:51000", "203.0.113.9:443")
        .tcp("eni:51001", "9.255.255.255:443")
        .tcp("eni:51002", "[2001:db8:beef::9]:443")
        .tcp("eni:51003", "[2001:db8:1234:ac00::1]:443")
        .write(scratch, "https.pcapng");
    Traffic::default()
        .arp()
        .tcp("eni:51004", "203.0.113.9:80")
        .udp("eni:51005", "203.0.113.9:443")
        .tcp("198.51.100.77:52000", "eni:443")
        .tcp("10.0.3.4:52001", "eni:443")
        .udp("eni:40000", "10.0.0.2:53")
        .udp("eni:40001", "203.0.113.53:53")
        .tcp("eni:51006", "[2001:db8:beef::9]:80")
        .tcp("eni:51007", "10.0.0.1:443")
        .tcp("eni:51008", "10.0.255.255:443")
        .tcp("eni:51009", "[2001:db8:1234:ab00::1]:443")
        .tcp("eni:51010", "[2001:db8:1234:abff::1]:443")
        .write(scratch, "rest.pcapng");
}

#[test]
fn lab_d_comes_out_of_its_traffic() {
    let scratch = Scratch::new();
    lab(&scratch);
    let seen = suggest(&scratch, &["--include", "https.pcapng", "--exclude", "rest.pcapng"]);
    seen.succeeds().stderr("").stdout(
        "\
ingress 10 reject all 10.0.0.0/16 > 0.0.0.0/0
ingress 20 reject all 2001:db8:1234:ab00::/56 > ::/0
ingress 100 accept tcp 0.0.0.0/0 443 > 0.0.0.0/0
ingress 110 accept tcp ::/0 443 > ::/0
egress 10 reject all 0.0.0.0/0 > 10.0.0.0/16
egress 20 reject all ::/0 > 2001:db8:1234:ab00::/56
egress 100 accept tcp 0.0.0.0/0 > 0.0.0.0/0 443
egress 110 accept tcp ::/0 > ::/0 443

wanted: 40 of 40 packets mirrored
not wanted: 0 of 87 packets mirrored
also mirrored, though not shown:
  ingress 100: tcp from any IPv4 address (2 shown) port 443 to any IPv4 address (1 shown) any port (2 shown); 2 flows shown
    such as ingress tcp 192.0.2.77:443 > 10.0.1.15:49152
  ingress 110: tcp from any IPv6 address (2 shown) port 443 to any IPv6 address (1 shown) any port (2 shown); 2 flows shown
    such as ingress tcp [2001:db8:77::77]:443 > [2001:db8:1234:ab01::15]:49152
  egress 100: tcp from any IPv4 address (1 shown) any port (2 shown) to any IPv4 address (2 shown) port 443; 2 flows shown
    such as egress tcp 10.0.1.15:49152 > 192.0.2.77:443
  egress 110: tcp from any IPv6 address (1 shown) any port (2 shown) to any IPv6 address (2 shown) port 443; 2 flows shown
    such as egress tcp [2001:db8:1234:ab01::15]:49152 > [2001:db8:77::77]:443
",
    );
}

/// Which documents it prints is no matter for what they mean.
#[test]
fn every_format_has_the_same_rules() {
    let scratch = Scratch::new();
    lab(&scratch);
    let captures = ["--include", "https.pcapng", "--exclude", "rest.pcapng"];
    for (format, name) in [("describe", "out.json"), ("cloudformation", "out.yaml")] {
        let seen = suggest(&scratch, &captures).args(["--format", format]).succeeds();
        let seen = seen.stderr_has("wanted: 40 of 40 packets mirrored\n");
        scratch.write(name, seen.stdout);
        assert!(holds(&scratch, name, "https.pcapng", "{ mirrored: 100% }"));
        assert!(holds(&scratch, name, "rest.pcapng", "{ mirrored: 0, never-mirrored: 3 }"));
    }
    let seen = suggest(&scratch, &captures).args(["--format", "terraform"]).succeeds();
    let text = String::from_utf8(seen.stdout).unwrap();
    assert_eq!(text.matches("aws_ec2_traffic_mirror_filter_rule\"").count(), 8, "{text}");
}

/// The same services on another day: other clients, other ports, other servers.
fn day(first: bool) -> Traffic {
    let pick = |one: &'static str, other: &'static str| if first { one } else { other };
    Traffic::default()
        .tcp(pick("198.51.100.7:40100", "192.0.2.200:61000"), "eni:8443")
        .tcp(pick("198.51.100.8:40200", "203.0.113.201:1025"), "eni:8443")
        .tcp(pick("[2001:db8:77::1]:40300", "[2001:db8:99::9]:2000"), "eni:8443")
        .tcp(pick("eni:45000", "eni:59999"), pick("10.0.5.7:5432", "10.0.5.8:5432"))
        .tcp(pick("eni:45001", "eni:33000"), pick("10.0.5.7:5432", "10.0.5.9:5432"))
        .udp(pick("eni:45002", "eni:1111"), pick("203.0.113.53:53", "198.51.100.53:53"))
}

/// What nobody wants, likewise.
fn noise(first: bool) -> Traffic {
    let pick = |one: &'static str, other: &'static str| if first { one } else { other };
    Traffic::default()
        .arp()
        .tcp(pick("198.51.100.7:40400", "192.0.2.99:50000"), "eni:22")
        .tcp(pick("eni:46000", "eni:47000"), pick("203.0.113.9:443", "198.51.100.9:443"))
        .tcp(pick("eni:46001", "eni:47001"), "10.0.9.9:5432")
        .udp(pick("eni:46002", "eni:47002"), "10.0.0.2:53")
}

#[test]
fn rules_of_one_day_hold_on_the_next() {
    let scratch = Scratch::new();
    day(true).write(&scratch, "wanted.pcapng");
    noise(true).write(&scratch, "noise.pcapng");
    day(false).write(&scratch, "wanted-2.pcapng");
    noise(false).write(&scratch, "noise-2.pcapng");
    let captures = ["--include", "wanted.pcapng", "--exclude", "noise.pcapng"];
    let found = json(&scratch, &captures, 0);
    assert!(found["rules"].as_array().unwrap().len() <= 10, "{found}");
    assert_eq!(found["complete"], true);
    let seen = suggest(&scratch, &captures).args(["--format", "describe"]).succeeds();
    scratch.write("rules.json", seen.stdout);
    assert!(holds(&scratch, "rules.json", "wanted-2.pcapng", "{ mirrored: 100% }"), "{found}");
    assert!(holds(&scratch, "rules.json", "noise-2.pcapng", "{ mirrored: 0 }"), "{found}");
    // The witnesses are true: by the rules, and not of what was shown.
    for one in found["unseen"].as_array().unwrap() {
        let witness = one["witness"].as_str().unwrap();
        let test = format!(
            "filter: rules.json\ntests: [{{ flow: '{witness}', expect: mirrored, rule: {} }}]\n",
            one["rule"]
        );
        scratch.write("witness.yaml", test);
        mirror_pcap().within(&scratch).args(["filter", "test", "witness.yaml"]).succeeds();
    }
}

/// A capture, its interface and VPC, what of it is wanted, and the half that is given: in display
/// filters of tshark. Of the other half nothing was shown.
type Split<'t> = (PathBuf, &'t [&'t str], &'t str, &'t str, &'t str);

#[test]
fn rules_for_one_half_of_a_capture_hold_for_the_other() {
    let lab = &["10.0.1.10", "2001:db8:1234:ab01::10"][..];
    let target = &["10.0.1.15", "2001:db8:1234:ab01::15"][..];
    let ours = |name: &str| testdata().join("captures").join(name).join("input.pcapng");
    let (vpc, every_other) = ("10.0.0.0/16", "frame.number % 2 == 0");
    let mut splits: Vec<Split<'_>> = vec![
        (ours("lab-d"), target, vpc, "tcp.port == 443", every_other),
        (ours("lab-d"), target, vpc, "tcp.port == 80", every_other),
        (ours("lab-web"), lab, vpc, "tcp.port == 443", every_other),
        (ours("lab-web"), lab, vpc, "tcp.port == 8080", every_other),
        (ours("lab-alb"), lab, vpc, "tcp.port == 80", every_other),
    ];
    // Mirrored by AWS: SSH is what came later too, from other ports, and DNS is the VPC's own.
    let by_aws =
        corpus().map(|folder| folder.join("suricata-verify/tests__vxlan-decoder-03__vxlan.pcap"));
    let at = &["172.31.0.238"];
    splits.extend(by_aws.map(|capture| {
        (capture, &at[..], "172.31.0.0/16", "tcp.port == 22", "frame.number <= 50")
    }));
    for (capture, interface, vpc, wanted, given) in splits {
        let scratch = Scratch::new();
        let about = format!("{} {wanted}", capture.display());
        for (name, filter) in [
            ("wanted", format!("({given}) && ({wanted})")),
            ("noise", format!("({given}) && !({wanted})")),
            ("wanted-2", format!("!({given}) && ({wanted})")),
            ("noise-2", format!("!({given}) && !({wanted})")),
        ] {
            let mut tshark = std::process::Command::new("tshark");
            tshark.current_dir(scratch.folder()).args(["-n", "-r"]).arg(&capture);
            tshark.args(["-Y", &filter, "-F", "pcapng", "-w", &format!("{name}.pcapng")]);
            let Ok(done) = tshark.output() else {
                let is_required =
                    std::env::var_os("MIRROR_PCAP_REQUIRE_TSHARK").is_some_and(|v| v == "1");
                assert!(!is_required, "tshark is required and not there");
                return skipped("captures in halves: tshark is not there");
            };
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        }
        let locals = interface.iter().flat_map(|one| ["--local", one]);
        let args: Vec<&str> = locals.chain(["--vpc", vpc]).collect();
        let given = ["--include", "wanted.pcapng", "--exclude", "noise.pcapng"];
        let suggest =
            || mirror_pcap().within(&scratch).args(["filter", "suggest"]).args(&args).args(given);
        let found = suggest().args(["--format", "json"]).succeeds();
        let found: Value = serde_json::from_slice(&found.stdout).unwrap();
        scratch.write("rules.json", suggest().args(["--format", "describe"]).succeeds().stdout);
        let eni: Vec<String> = interface.iter().map(|one| format!("'{one}'")).collect();
        let context = format!("{{ vpc: {vpc}, eni: [{}] }}", eni.join(", "));
        let holds = |capture: &str, expect: &str| {
            holds_at(&scratch, &context, "rules.json", capture, expect)
        };
        assert!(holds("wanted-2.pcapng", "{ mirrored: 100% }"), "{about}: {found}");
        assert!(holds("noise-2.pcapng", "{ mirrored: 0 }"), "{about}: {found}");
        // And what else each rule would mirror is said, with a packet that is in neither capture.
        let accepts =
            found["rules"].as_array().unwrap().iter().filter(|rule| rule["action"] == "accept");
        let numbers = |rules: Vec<&Value>, key: &str| -> Vec<(Value, Value)> {
            rules.into_iter().map(|one| (one["direction"].clone(), one[key].clone())).collect()
        };
        let unseen = found["unseen"].as_array().unwrap();
        assert_eq!(
            numbers(unseen.iter().collect(), "rule"),
            numbers(accepts.collect(), "number"),
            "{about}"
        );
        for one in unseen {
            let flow = one["witness"].as_str().unwrap();
            let explain = ["filter", "explain", "rules.json", "--vpc", vpc, "--format", "json"];
            let seen = mirror_pcap().within(&scratch).args(explain).args(["--flow", flow]);
            let told: Value = serde_json::from_slice(&seen.succeeds().stdout).unwrap();
            assert_eq!((&told["verdict"], &told["rule"]), (&"mirrored".into(), &one["rule"]));
        }
    }
}

/// A packet was shown for it to the VPC's resolver, which no rule mirrors.
#[test]
fn what_else_a_rule_mirrors_is_not_a_service() {
    let scratch = Scratch::new();
    Traffic::default()
        .udp("eni:40000", "10.0.0.1:53")
        .udp("eni:40000", "10.0.0.3:53")
        .write(&scratch, "wanted.pcapng");
    Traffic::default().udp("eni:40000", "10.0.0.7:53").write(&scratch, "noise.pcapng");
    let captures = ["--include", "wanted.pcapng", "--exclude", "noise.pcapng"];
    let found = json(&scratch, &captures, 0);
    scratch.write(
        "rules.json",
        suggest(&scratch, &captures).args(["--format", "describe"]).succeeds().stdout,
    );
    for one in found["unseen"].as_array().unwrap() {
        let Some(flow) = one["witness"].as_str() else { continue };
        let explain =
            ["filter", "explain", "rules.json", "--vpc", "10.0.0.0/16", "--format", "json"];
        let seen = mirror_pcap().within(&scratch).args(explain).args(["--flow", flow]).succeeds();
        let told: Value = serde_json::from_slice(&seen.stdout).unwrap();
        assert_eq!(told["verdict"], "mirrored", "{flow}: {found}");
    }
}

#[test]
fn amazon_dns_is_a_switch_and_no_rule() {
    let scratch = Scratch::new();
    Traffic::default().udp("eni:40000", "10.0.0.2:53").write(&scratch, "dns.pcapng");
    let found = json(&scratch, &["--include", "dns.pcapng"], 0);
    assert_eq!(found["amazon_dns"], true);
    assert_eq!(found["rules"].as_array().unwrap().len(), 0);
    assert_eq!(found["include"]["mirrored"], 2);
    // Wanted and unwanted at once can't be had.
    let both = ["--include", "dns.pcapng", "--exclude", "dns.pcapng"];
    let found = json(&scratch, &both, 1);
    assert_eq!(found["exclude"]["mirrored"], 2);
}

#[test]
fn what_is_left_is_said() {
    let scratch = Scratch::new();
    Traffic::default().tcp("eni:40000", "203.0.113.9:443").arp().write(&scratch, "both.pcapng");
    let both = ["--include", "both.pcapng", "--exclude", "both.pcapng"];
    let seen = suggest(&scratch, &both).fails_with(1);
    let text = String::from_utf8(seen.stdout).unwrap();
    assert!(
        text.contains("wanted: 10 of 11 packets mirrored\n  1 never mirrored (arp)\n"),
        "{text}"
    );
    assert!(text.contains("not wanted: 10 of 11 packets mirrored\n"), "{text}");
    assert!(text.contains("\n    egress tcp 10.0.1.15:40000 > 203.0.113.9:443\n"), "{text}");

    // Without the interface's address nothing says which way a packet went.
    let seen = mirror_pcap().within(&scratch).args(["filter", "suggest"]);
    let seen = seen.args(["--include", "both.pcapng"]).fails_with(1);
    let text = String::from_utf8(seen.stdout).unwrap();
    assert!(text.starts_with("no rules\n"), "{text}");
    assert!(text.contains("10 undecided (neither-end-local): --eni, --mac or --local"), "{text}");
}

#[test]
fn captures_must_be_files_and_damage_is_told() {
    let scratch = Scratch::new();
    Traffic::default().tcp("eni:40000", "203.0.113.9:443").write(&scratch, "a.pcapng");
    suggest(&scratch, &["--include", "-"])
        .fails_with(2)
        .stdout("")
        .stderr("mirror-pcap: -: is no file, expected one: captures are read twice\n");
    suggest(&scratch, &["--include", "none.pcapng"]).fails_with(2).stderr_has("none.pcapng: ");
    suggest(&scratch, &[]).fails_with(2).stderr_has("--include <CAPTURE>");
    let whole = scratch.read("a.pcapng");
    scratch.write("cut.pcapng", &whole[..whole.len() - 10]);
    let seen = suggest(&scratch, &["--include", "cut.pcapng"]).fails_with(4);
    let text = String::from_utf8(seen.stdout).unwrap();
    assert!(text.contains("cut.pcapng: "), "{text}");
}

/// Flows beyond the limit are not looked at for rules, and judged all the same.
#[test]
fn more_flows_than_are_kept_are_judged_all_the_same() {
    let scratch = Scratch::new();
    let mut traffic = Traffic::default();
    for n in 0..70_000_u32 {
        let [_, a, b, c] = n.to_be_bytes();
        let datagram = ip([10, 0, 1, 15], [100, a + 64, b, c], Udp::new(5_000, 6_000, []));
        traffic.0.push(ethernet(ROUTER_MAC, ENI_MAC, &datagram));
    }
    traffic.write(&scratch, "many.pcapng");
    let found = json(&scratch, &["--include", "many.pcapng"], 0);
    assert_eq!(found["overlooked"], 70_000 - 65_536);
    assert_eq!(found["include"]["mirrored"], 70_000);
}

/// A filter's rules as a display filter of tshark, which knows nothing of ours.
fn display_filter(rules: &Value) -> String {
    let mut expression = "frame.number == 0".to_owned();
    for direction in ["ingress", "egress"] {
        let mut of_direction = "frame.number == 0".to_owned();
        for rule in rules.as_array().unwrap().iter().rev() {
            if rule["direction"] != direction {
                continue;
            }
            let text = |name: &str| rule[name].as_str().unwrap();
            let is_v6 = text("source").contains(':');
            let (ip, protocol) = if is_v6 { ("ipv6", "ipv6.nxt") } else { ("ip", "ip.proto") };
            let mut parts = vec![
                format!("{ip}.src == {}", text("source")),
                format!("{ip}.dst == {}", text("destination")),
            ];
            parts.extend(rule["protocol"].as_u64().map(|number| format!("{protocol} == {number}")));
            for (name, field) in [("source_ports", "srcport"), ("destination_ports", "dstport")] {
                let ports = &rule[name];
                if let (Some(from), Some(to)) = (ports["from"].as_u64(), ports["to"].as_u64()) {
                    let transport = if rule["protocol"] == 6 { "tcp" } else { "udp" };
                    parts.push(format!(
                        "{transport}.{field} >= {from} && {transport}.{field} <= {to}"
                    ));
                }
            }
            let matches = parts.join(" && ");
            of_direction = match text("action") {
                "accept" => format!("(({matches}) || ({of_direction}))"),
                _ => format!("(!({matches}) && ({of_direction}))"),
            };
        }
        let side = if direction == "egress" { "src" } else { "dst" };
        expression += &format!(" || (eth.{side} == 02:15:0a:00:01:0f && {of_direction})");
    }
    // The resolver is beside the rules.
    format!("({expression}) && !(ip.addr == 10.0.0.2 && udp.port == 53)")
}

#[test]
fn tshark_selects_the_same_packets_by_the_suggested_rules() {
    let scratch = Scratch::new();
    let is_required = std::env::var_os("MIRROR_PCAP_REQUIRE_TSHARK").is_some_and(|v| v == "1");
    let tshark = |capture: &str, filter: &str| {
        let mut command = std::process::Command::new("tshark");
        command.current_dir(scratch.folder()).args(["-n", "-r", capture, "-Y", filter]);
        command.args(["-T", "fields", "-e", "frame.number"]).output().ok()
    };
    lab(&scratch);
    day(true).write(&scratch, "wanted.pcapng");
    noise(true).write(&scratch, "noise.pcapng");
    day(false).write(&scratch, "wanted-2.pcapng");
    noise(false).write(&scratch, "noise-2.pcapng");
    for (include, exclude, others) in [
        ("https.pcapng", "rest.pcapng", ["https.pcapng", "rest.pcapng"]),
        ("wanted.pcapng", "noise.pcapng", ["wanted-2.pcapng", "noise-2.pcapng"]),
    ] {
        let found = json(&scratch, &["--include", include, "--exclude", exclude], 0);
        let filter = display_filter(&found["rules"]);
        for (capture, all) in
            [(include, true), (exclude, false), (others[0], true), (others[1], false)]
        {
            let everything = tshark(capture, "frame");
            let Some(everything) = everything else {
                assert!(!is_required, "tshark is required and not there");
                return skipped("suggested rules as tshark sees them: it is not there");
            };
            let selected = tshark(capture, &filter).unwrap();
            assert!(selected.status.success(), "{}", String::from_utf8_lossy(&selected.stderr));
            let wanted = if all { everything.stdout } else { Vec::new() };
            assert_eq!(selected.stdout, wanted, "{capture} by {filter}");
        }
    }
}
