//! Documents: what `--config` adds to strip and wrap, and what `config show` makes of them.

use std::path::PathBuf;

use mirror_testkit::{
    Capture, Interface, Order, Packet,
    decode::{Content, pcapng},
    packet::{Mirror, Udp, ethernet, ip},
};
use serde_json::{Value, json};

use crate::harness::{Run, Scratch, mirror_pcap, same, testdata};

/// A document of the small network that the captures take place in.
fn document(name: &str) -> PathBuf {
    testdata().join("documents").join(format!("{name}.json"))
}

/// A run that knows all of that network.
fn knowing(run: Run) -> Run {
    let names = ["sessions", "interfaces", "targets", "filters"];
    names.iter().fold(run, |run, name| run.arg("--config").arg(document(name)))
}

/// A folder with a capture as `in`.
fn with(capture: &str) -> Scratch {
    let scratch = Scratch::new();
    scratch.copy(&format!("captures/{capture}/input.pcapng"), "in");
    scratch
}

fn strip(scratch: &Scratch) -> Run {
    mirror_pcap().within(scratch).args(["strip", "in", "out"])
}

/// A sessions file with these sessions.
fn sessions(list: &Value) -> String {
    json!({ "schema": "mirror-pcap/sessions/1", "sessions": list }).to_string()
}

/// The texts of all options with this code, of interfaces or of packets.
fn texts(scratch: &Scratch, of_packets: bool, code: u16) -> Vec<String> {
    let blocks = pcapng(&scratch.read("out")).blocks.into_iter();
    let of = blocks.filter(|block| match block.content {
        Content::Packet { .. } => of_packets,
        Content::Interface { .. } => !of_packets,
        _ => false,
    });
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
    of.flat_map(|block| block.options.values(code).map(text).collect::<Vec<_>>()).collect()
}

#[test]
fn documents_give_names_and_every_direction() {
    let scratch = with("lab-d");
    knowing(strip(&scratch)).args(["--json", "json"]).succeeds().stdout("").stderr(
        "\
in: 58 packets read, 58 stripped, 0 kept, 0 left out
  session               id                     name   packets  bytes  ingress  egress  unknown  cut
  vni-308308@10.0.1.15  tms-0d000000000000015  web 1       58  5,140       26      32        0    0
",
    );
    assert_eq!(texts(&scratch, false, 2), ["eth0", "tms-0d000000000000015"]);
    assert_eq!(
        texts(&scratch, false, 3),
        ["vpcmirror: vni=308308 source=10.0.1.15 session=tms-0d000000000000015 name=\"web 1\" \
          number=1 eni=eni-0d000000000000015 target=tmt-0d000000000000099 \
          filter=tmf-0d000000000000001 on=eth0"]
    );
    let comments = texts(&scratch, true, 1);
    assert_eq!(comments.len(), 58);
    let head = "vpcmirror: vni=308308 source=10.0.1.15 session=tms-0d000000000000015 \
                name=\"web 1\" direction=";
    for comment in comments {
        let direction = comment.strip_prefix(head);
        assert!(matches!(direction, Some("ingress" | "egress")), "{comment}");
    }
    let report: Value = serde_json::from_slice(&scratch.read("json")).unwrap();
    let session = &report["sessions"][0];
    assert_eq!(session["session"], "tms-0d000000000000015");
    assert_eq!((&session["name"], &session["unknown"]), (&json!("web 1"), &json!(0)));
}

/// What is stripped is stripped, whatever is known later.
#[test]
fn documents_change_nothing_of_what_was_stripped_before() {
    let scratch = with("lab-d");
    strip(&scratch).succeeds();
    let args = ["strip", "out", "again"];
    knowing(mirror_pcap().within(&scratch).args(args)).succeeds().stderr(
        "\
out: 58 packets read, 0 stripped, 58 kept, 0 left out
  kept: 58 already-stripped
",
    );
    assert!(scratch.read("again") == scratch.read("out"));
}

/// What one document lacks another has; which comes first doesn't matter.
#[test]
fn the_order_of_documents_does_not_matter() {
    let scratch = with("same-flow-two-vnis");
    let names = ["filters", "targets", "interfaces", "sessions"];
    let backwards = mirror_pcap().within(&scratch).args(["strip", "-q", "in", "backwards"]);
    names.iter().fold(backwards, |run, name| run.arg("--config").arg(document(name))).succeeds();
    knowing(strip(&scratch)).succeeds();
    assert!(scratch.read("backwards") == scratch.read("out"));
}

/// Behind a longer frame a shorter one is in doubt, unless a document says that the session cuts.
#[test]
fn the_packet_length_of_a_session_tells_its_cuts() {
    let scratch = Scratch::new();
    let frame = |payload: usize| {
        let udp = Udp::new(51_000, 443, vec![0xAB; payload]);
        ethernet([2; 6], [4; 6], &ip([10, 0, 1, 15], [203, 0, 113, 9], udp))
    };
    let mirror = Mirror::new([10, 0, 1, 15], [10, 0, 2, 99], 308_308);
    let mut capture = Capture::new(Order::Little);
    capture
        .interface(Interface::new(1))
        .packet(Packet::new(0, 1, mirror.frame(&frame(200))))
        .packet(Packet::new(0, 2, mirror.packet_length(128).frame(&frame(1_000))));
    scratch.write("in", capture.bytes());
    for (packet_length, report) in [
        (Value::Null, "  noted: 1 ip-length-exceeds-frame\n"),
        (json!(127), "  noted: 1 ip-length-exceeds-frame\n"),
        (json!(128), "2  1,284        0       2        0    1\n"),
    ] {
        let session = json!([{ "vni": 308308, "packet_length": packet_length }]);
        scratch.write("s.json", sessions(&session));
        strip(&scratch).args(["--config", "s.json"]).succeeds().stderr_has(report);
    }
    assert!(texts(&scratch, true, 1)[1].ends_with(" cut_from=1042"));
}

#[test]
fn only_known_strips_what_the_documents_know() {
    let scratch = with("two-sources-one-vni");
    let one = json!([{ "name": "web 1", "vni": 308308, "eni": { "addresses": ["10.0.1.15"] } }]);
    scratch.write("one.json", sessions(&one));
    let only = ["--config", "one.json", "--only-known"];
    strip(&scratch).args(only).succeeds().stderr(
        "\
in: 20 packets read, 10 stripped, 10 kept, 0 left out
  kept: 10 unknown-session
  session               name   packets  bytes  ingress  egress  unknown  cut
  vni-308308@10.0.1.15  web 1       10    680        4       6        0    0
",
    );
    let none = json!([{ "name": "web 3", "vni": 7 }]);
    scratch.write("one.json", sessions(&none));
    strip(&scratch).args(only).args(["--only-mirrored"]).succeeds().stderr(
        "\
in: 20 packets read, 0 stripped, 0 kept, 20 left out
  left out: 20 unknown-session
mirror-pcap: nothing was stripped: the documents don't know the sessions in it, \
         vni-308308@10.0.1.15 (10 packets), vni-308308@10.0.1.16 (10 packets)
",
    );
    let seen = strip(&scratch).arg("--only-known").fails_with(2);
    assert!(seen.stderr.contains("not provided:\n  --config <FILE>\n"), "{}", seen.stderr);
}

#[test]
fn the_report_says_when_only_the_vni_told_a_session() {
    let scratch = with("same-flow-two-vnis");
    let two = json!([
        { "id": "tms-1", "name": "web 1", "vni": 308308 },
        { "name": "a", "vni": 308309 },
        { "name": "b", "vni": 308309 },
    ]);
    scratch.write("two.json", sessions(&two));
    strip(&scratch).args(["--config", "two.json", "-q"]).succeeds().stderr("");
    strip(&scratch).args(["--config", "two.json"]).succeeds().stderr(
        "\
mirror-pcap: warning: vni 308309 is of 2 sessions, and no document knows the address of a, b
in: 21 packets read, 20 stripped, 1 kept, 0 left out
  kept: 1 not-mirrored
  session               id     name   packets  bytes  ingress  egress  unknown  cut
  vni-308308@10.0.1.15  tms-1  web 1       10    679        4       6        0    0
  vni-308309@10.0.1.16  -      -           10    679        6       4        0    0
mirror-pcap: 1 session was found by the VNI alone, as the documents give no source address: \
         tms-1 \"web 1\"
mirror-pcap: 1 session was not named, as several in the documents fit: \
         vni-308309@10.0.1.16
",
    );
}

/// Names are anybody's: of a tag, or of whoever sent the file.
#[test]
fn no_name_of_a_document_is_obeyed() {
    let scratch = with("lab-d");
    let evil = "\u{1b}]0;owned\u{7}\n\u{202e}\"";
    let session = json!([{
        "id": evil, "name": evil, "description": evil, "vni": 308308,
        "eni": { "id": evil, "name": evil, "description": evil, "addresses": ["10.0.1.15"] },
        "target": { "id": evil, "name": evil, "network_interface": evil },
        "filter": { "id": evil, "name": evil, "description": evil },
    }]);
    scratch.write("evil.json", sessions(&session));
    let printable = |text: &str| {
        let bad = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!text.contains(bad), "{text:?}");
    };
    let seen = strip(&scratch).args(["--config", "evil.json", "--comment", "full"]).succeeds();
    printable(&seen.stderr);
    for text in [texts(&scratch, false, 2), texts(&scratch, false, 3), texts(&scratch, true, 1)] {
        assert!(text.iter().all(|text| text.chars().all(|c| matches!(c, ' '..='~'))), "{text:?}");
    }
    for more in [&[][..], &["--json"]] {
        let show = mirror_pcap().within(&scratch).args(["config", "show", "evil.json"]);
        let seen = show.args(more).succeeds();
        printable(&seen.stderr);
        printable(&String::from_utf8(seen.stdout).unwrap());
    }
    let wrap = ["wrap", "out", "wrapped", "--config", "evil.json", "--session"];
    let seen = mirror_pcap().within(&scratch).args(wrap).arg("\u{1b}[2J").fails_with(2);
    printable(&seen.stderr);
    // One line, whatever the names are.
    assert_eq!(seen.stderr.lines().count(), 1, "{}", seen.stderr);
}

/// The folder has plain frames, `out`.
fn frames() -> Scratch {
    let scratch = with("lab-d");
    strip(&scratch).succeeds();
    scratch
}

fn wrap(scratch: &Scratch) -> Run {
    mirror_pcap().within(scratch).args(["wrap", "--force", "out", "wrapped"])
}

#[test]
fn wrap_takes_everything_from_a_session() {
    let scratch = frames();
    let given = ["--vni", "308308", "--source", "10.0.1.15", "--target", "10.0.2.99"];
    wrap(&scratch).args(given).succeeds();
    let want = scratch.read("wrapped");
    for session in ["tms-0d000000000000015", "web 1"] {
        knowing(wrap(&scratch)).args(["--session", session]).succeeds();
        assert!(scratch.read("wrapped") == want, "{session}");
    }
    let given = ["--vni", "7", "--source", "10.0.1.99", "--target", "10.0.2.98"];
    wrap(&scratch).args(given).succeeds();
    let want = scratch.read("wrapped");
    knowing(wrap(&scratch)).args(["--session", "web 2"]).args(given).succeeds();
    assert!(scratch.read("wrapped") == want, "options hold instead of documents");
}

#[test]
fn the_kind_of_target_decides_about_cuts_and_geneve() {
    let scratch = frames();
    let eni = json!({ "addresses": ["10.0.1.15"] });
    let vpce = "vpce-0a1b2c3d4e5f67890";
    let list = json!([
        { "name": "short", "vni": 1, "packet_length": 100, "eni": eni },
        { "name": "gateway", "vni": 1, "eni": eni,
          "target": { "gateway_load_balancer_endpoint": vpce } },
    ]);
    scratch.write("s.json", sessions(&list));
    let target = ["--target", "10.0.2.99"];
    let same_as = |session: &str, options: &[&str]| {
        let known = ["-q", "--config", "s.json", "--session", session];
        wrap(&scratch).args(known).args(target).succeeds().stderr("");
        let got = scratch.read("wrapped");
        let given = ["--vni", "1", "--source", "10.0.1.15"];
        wrap(&scratch).args(given).args(target).args(options).succeeds();
        assert!(got == scratch.read("wrapped"), "{session}");
    };
    same_as("short", &["--packet-length", "100"]);
    same_as("gateway", &["--geneve", "--endpoint", vpce]);
}

/// The limits of AWS, which a frame of 9,000 bytes meets.
#[test]
fn a_target_cuts_where_aws_says() {
    let scratch = Scratch::new();
    let mut capture = Capture::new(Order::Little);
    capture.interface(Interface::new(1)).packet(Packet::new(0, 1, vec![0x42; 9_000]));
    scratch.write("out", capture.bytes());
    let arn =
        "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/m/0123456789abcdef";
    let v4 = json!({ "addresses": ["10.0.1.15"] });
    let v6 = json!({ "addresses": ["2001:db8::15"] });
    let network = json!({ "network_load_balancer": arn });
    let gateway = json!({ "gateway_load_balancer_endpoint": "vpce-0a1b2c3d4e5f67890" });
    for (eni, to, packet_length, target, inner) in [
        (&v4, "10.0.2.99", Value::Null, json!({}), 9_000),
        (&v4, "10.0.2.99", Value::Null, network.clone(), 8_500),
        (&v4, "10.0.2.99", json!(9_000), network, 9_000),
        (&v4, "10.0.2.99", Value::Null, gateway.clone(), 8_446),
        (&v6, "2001:db8::99", Value::Null, gateway.clone(), 8_426),
        (&v4, "10.0.2.99", json!(200), gateway, 200),
    ] {
        let session = json!([{
            "name": "s", "vni": 1, "eni": eni, "target": target, "packet_length": packet_length,
        }]);
        scratch.write("s.json", sessions(&session));
        let known = ["-q", "--config", "s.json", "--session", "s", "--target", to];
        wrap(&scratch).args(known).succeeds();
        let args = ["strip", "-q", "wrapped", "frames"];
        mirror_pcap().within(&scratch).args(args).succeeds();
        let blocks = pcapng(&scratch.read("frames")).blocks;
        let lengths: Vec<_> = blocks
            .iter()
            .filter_map(|block| match &block.content {
                Content::Packet { data, .. } => Some(data.len()),
                _ => None,
            })
            .collect();
        assert_eq!(lengths, [inner], "{session}");
    }
}

#[test]
fn wrap_says_what_no_document_knows() {
    let scratch = frames();
    let list = json!([
        { "name": "no vni", "eni": { "addresses": ["10.0.1.15"] } },
        { "name": "no source", "vni": 1 },
        { "id": "tms-2", "name": "no target", "vni": 2, "eni": { "addresses": ["10.0.1.15"] } },
        { "name": "twice", "vni": 3 },
        { "name": "twice", "vni": 4, "eni": { "addresses": ["10.0.1.16"] } },
    ]);
    scratch.write("s.json", sessions(&list));
    for (session, text) in [
        ("no vni", "its VNI is in no document; give --vni"),
        ("no source", "the address of its source is in no document; give --source"),
        ("no target", "the address of its target is in no document; give --target"),
        ("twice", "2 sessions are called so: \"twice\", \"twice\""),
        (
            "web",
            "not in the documents, which have \"no source\", \"no vni\", \"twice\", \"twice\", \
             tms-2 \"no target\"",
        ),
    ] {
        let known = ["-q", "--config", "s.json", "--session", session];
        let seen = wrap(&scratch).args(known).fails_with(2).stdout("");
        same(&seen.stderr, &format!("mirror-pcap: --session {session}: {text}\n"));
    }
    let families = ["--session", "no target", "--target", "2001:db8::99"];
    let seen = wrap(&scratch).args(["--config", "s.json", "-q"]).args(families).fails_with(2);
    assert!(seen.stderr.contains("source 10.0.1.15 is IPv4 but target"), "{}", seen.stderr);
    let seen = wrap(&scratch).args(["--session", "x"]).fails_with(2);
    assert!(seen.stderr.contains("not provided:\n  --config <FILE>\n"), "{}", seen.stderr);
    assert!(!scratch.path("wrapped").exists());
}

/// A capture is not touched before the documents are right.
#[test]
fn all_problems_of_all_documents_are_told_at_once() {
    let scratch = with("lab-d");
    scratch.write("a.json", sessions(&json!([{ "vni": 16_777_216 }, { "vmi": 1 }])));
    scratch.write("b.json", "{");
    scratch.write("out", "precious");
    strip(&scratch).args(["--config", "a.json", "--config", "b.json"]).fails_with(2).stderr(
        "\
mirror-pcap: 3 problems in the documents
  a.json: /sessions/0/vni: found 16777216, expected a whole number from 0 to 16777215
  a.json: /sessions/1: found a field \"vmi\", expected one of id, name, description, number, vni, \
         packet_length, eni, target, filter
  b.json:1: not JSON: EOF while parsing an object
",
    );
    assert_eq!(scratch.read("out"), b"precious");
}

#[test]
fn a_document_that_cannot_be_read_is_named() {
    let scratch = with("lab-d");
    let show = |args: &[&str]| mirror_pcap().within(&scratch).args(["config", "show"]).args(args);
    show(&["no.json"]).fails_with(2).stderr("mirror-pcap: no.json: No such file or directory\n");
    show(&["."]).fails_with(2).stderr("mirror-pcap: .: is a folder, expected a document\n");
    show(&["-", "-"])
        .fails_with(2)
        .stderr("mirror-pcap: standard input can be one of the documents only\n");
    let both = mirror_pcap().within(&scratch).args(["strip", "-", "out", "--config", "-"]);
    both.fails_with(2).stderr("mirror-pcap: --config: standard input is the capture already\n");
    show(&["-", "--param", "x"])
        .fails_with(2)
        .stderr("mirror-pcap: --param: found \"x\", expected NAME=VALUE\n");
    // A capture is no document.
    let seen = show(&["in"]).fails_with(2).stdout("");
    assert!(seen.stderr.starts_with("mirror-pcap: 1 problem in the documents\n  in"));
    // More than is ever read of one.
    let long = std::fs::File::create(scratch.path("long")).unwrap();
    long.set_len((64 << 20) + 1_000).unwrap();
    let seen = show(&["long"]).fails_with(2).stdout("");
    assert!(seen.stderr.contains("long: found 67108865 bytes"), "{}", seen.stderr);
}

#[test]
fn a_document_may_come_from_standard_input() {
    let scratch = with("lab-d");
    let text = sessions(&json!([{ "name": "web 1", "vni": 308308 }]));
    let seen = strip(&scratch).args(["--config", "-"]).stdin(text).succeeds();
    assert!(seen.stderr.contains("  web 1  "), "{}", seen.stderr);
    let seen = mirror_pcap().args(["config", "show", "-"]).stdin("{").fails_with(2);
    assert!(seen.stderr.contains("\n  standard input:1: "), "{}", seen.stderr);
}

/// Documents that say only too much are told about a little before a capture, wholly by `config`.
#[test]
fn many_warnings_do_not_bury_the_report() {
    let scratch = with("lab-d");
    let twins = (0..30).flat_map(|n| [json!({ "vni": n, "name": "a" }), json!({ "vni": n })]);
    scratch.write("s.json", sessions(&twins.collect()));
    let seen = strip(&scratch).args(["--config", "s.json"]).succeeds();
    let lines: Vec<_> = seen.stderr.lines().collect();
    assert!(lines[19].starts_with("mirror-pcap: warning: "), "{}", seen.stderr);
    assert_eq!(
        lines[20],
        "mirror-pcap: and 10 more warnings; mirror-pcap config show tells them all"
    );
    let seen = mirror_pcap().within(&scratch).args(["config", "show", "s.json"]).succeeds();
    assert_eq!(seen.stderr.lines().count(), 30);
}

#[test]
fn the_tree_has_interfaces_with_their_sessions_in_the_order_of_their_numbers() {
    let names = ["filters", "sessions", "targets", "interfaces"];
    mirror_pcap().args(["config", "show"]).args(names.map(document)).succeeds().stderr("").stdout(
        "\
eni-0d000000000000015 \"web 1\", 02:15:0a:00:01:0f, 10.0.1.15 2001:db8:1234:ab01::15
  session 1: tms-0d000000000000015 \"web 1\", \"everything of web 1\", VNI 308308
    target: tmt-0d000000000000099 \"collector\", network interface eni-0d000000000000099 \
         10.0.2.99 2001:db8:1234:ab02::99
    filter: tmf-0d000000000000001 \"all traffic\", 2 ingress rules, 2 egress rules, amazon-dns
eni-0d000000000000016 \"web 2\", 02:16:0a:00:01:10, 10.0.1.16
  session 1: tms-0d000000000000016 \"web 2\", \"everything of web 2\", VNI 308309
    target: tmt-0d000000000000099 \"collector\", network interface eni-0d000000000000099 \
         10.0.2.99 2001:db8:1234:ab02::99
    filter: tmf-0d000000000000001 \"all traffic\", 2 ingress rules, 2 egress rules, amazon-dns
",
    );

    let eni = |id| json!({ "id": id, "prefixes": ["10.0.1.16/28"] });
    let list = json!([
        { "number": 10, "vni": 10, "eni": eni("eni-b") },
        { "number": 2, "vni": 2, "packet_length": 128, "eni": eni("eni-b"),
          "target": { "gateway_load_balancer_endpoint": "vpce-0a" } },
        { "number": 3, "vni": 3, "eni": eni("eni-a"),
          "target": { "name": "nlb", "network_load_balancer": "arn:aws:x" } },
        { "id": "tms-lost", "filter": { "description": "of another account" } },
    ]);
    mirror_pcap().args(["config", "show", "-"]).stdin(sessions(&list)).succeeds().stdout(
        "\
network interface not known
  session: tms-lost, VNI not known
    filter: \"of another account\"
eni-a, 10.0.1.16/28
  session 3: VNI 3
    target: \"nlb\", Network Load Balancer arn:aws:x
eni-b, 10.0.1.16/28
  session 2: VNI 2, PacketLength 128
    target: Gateway Load Balancer endpoint vpce-0a
  session 10: VNI 10
",
    );
    let show = mirror_pcap().args(["config", "show"]).arg(document("filters"));
    show.succeeds().stderr("").stdout(
        "\
no session in the documents
filters of no session
  tmf-0d000000000000001 \"all traffic\", 2 ingress rules, 2 egress rules, amazon-dns
",
    );
}

#[test]
fn the_sessions_file_it_prints_is_all_that_strip_needs() {
    let scratch = with("same-flow-two-vnis");
    knowing(strip(&scratch)).args(["--comment", "full"]).succeeds();
    let want = scratch.read("out");
    let names = ["filters", "sessions", "targets", "interfaces"].map(document);
    let show = |files: &[PathBuf]| {
        let run = mirror_pcap().within(&scratch).args(["config", "show", "--json"]).args(files);
        run.succeeds().stderr("").stdout
    };
    let file = show(&names);
    let path = scratch.write("s.json", &file);
    strip(&scratch).args(["--comment", "full", "--config", "s.json"]).succeeds();
    assert!(scratch.read("out") == want);
    assert!(show(&[path]) == file);
}

/// Every kind of document, with what has to be given beside it.
#[test]
fn every_document_of_testdata_is_shown_or_says_why_not() {
    let mut shown = 0;
    for case in std::fs::read_dir(testdata().join("aws")).unwrap() {
        let folder = case.unwrap().path();
        let Ok(params) = std::fs::read_dir(&folder).map(|_| folder.join("params.txt")) else {
            continue;
        };
        let mut files: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|e| e == "json" || e == "yaml"))
            .collect();
        files.sort();
        let params = std::fs::read_to_string(params).unwrap_or_default();
        let params: Vec<_> = params.lines().flat_map(|line| ["--param", line]).collect();
        // Some of them are there to be wrong; and those of the lab are one network, many times.
        if folder.ends_with("lab-d") {
            files.retain(|path| path.ends_with("cfn.yaml"));
        }
        let seen = mirror_pcap().args(["config", "show"]).args(&files).args(&params).ends();
        let said = String::from_utf8(seen.stdout).unwrap();
        match seen.status.code() {
            Some(0) => {
                assert!(said.contains("session"), "{folder:?}:\n{said}");
                shown += 1;
            }
            Some(2) => assert!(seen.stderr.contains(" in the documents\n  "), "{}", seen.stderr),
            code => panic!("{folder:?}: {code:?}\n{}", seen.stderr),
        }
    }
    assert!(shown > 10, "{shown} of them were shown");
}

/// Two templates call two things by one name each: filters of different rules, and interfaces.
#[test]
fn what_two_templates_call_by_one_name_is_two_things() {
    let scratch = Scratch::new();
    let template = |rules: u32, vni: u32| {
        let mut template = json!({"Resources": {
            "Eni": {"Type": "AWS::EC2::NetworkInterface", "Properties": {}},
            "Tap": {"Type": "AWS::EC2::TrafficMirrorFilter"},
            "To": {"Type": "AWS::EC2::TrafficMirrorTarget", "Properties": {"NetworkInterfaceId": "eni-0f"}},
            "Session": {"Type": "AWS::EC2::TrafficMirrorSession", "Properties": {
                "NetworkInterfaceId": {"Ref": "Eni"}, "TrafficMirrorFilterId": {"Ref": "Tap"},
                "TrafficMirrorTargetId": {"Ref": "To"}, "SessionNumber": 1, "VirtualNetworkId": vni
            }}
        }});
        for number in 1..=rules {
            template["Resources"][format!("Rule{number}")] = json!({
                "Type": "AWS::EC2::TrafficMirrorFilterRule", "Properties": {
                    "TrafficMirrorFilterId": {"Ref": "Tap"}, "TrafficDirection": "ingress",
                    "RuleNumber": number, "RuleAction": "accept",
                    "SourceCidrBlock": "0.0.0.0/0", "DestinationCidrBlock": "0.0.0.0/0"
                }
            });
        }
        template.to_string()
    };
    scratch.write("a", template(1, 7).as_bytes());
    scratch.write("b", template(2, 8).as_bytes());
    let tree = |vni: u32, rules: &str| {
        format!(
            "\
\"Eni\"
  session 1: \"Session\", VNI {vni}
    target: \"To\", network interface eni-0f
    filter: \"Tap\", {rules}, 0 egress rules
"
        )
    };
    let expected = tree(7, "1 ingress rule") + &tree(8, "2 ingress rules");
    mirror_pcap().within(&scratch).args(["config", "show", "a", "b"]).succeeds().stdout(&expected);
}
