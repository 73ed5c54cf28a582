//! `sessions`: the inventory, of one capture and of several.

use std::{fs, path::Path};

use mirror_testkit::{
    Capture, Interface, Opt, Order, Packet,
    packet::{Ipv4, LINK_ETHERNET, Mirror, Tcp, Udp, ethernet, ip},
};
use serde_json::{Value, json};

use crate::harness::{Run, Scratch, corpus, mirror_pcap, root, same, testdata};

const MAC_A: [u8; 6] = [2, 0, 0, 0, 0, 0x0a];
const MAC_B: [u8; 6] = [2, 0, 0, 0, 0, 0x0b];
const ROUTER: [u8; 6] = [2, 0, 0, 0, 0, 1];

fn sessions(scratch: &Scratch, args: &[&str]) -> Run {
    mirror_pcap().within(scratch).arg("sessions").args(args)
}

/// What it prints with `--json`, however it ends.
fn inventory(scratch: &Scratch, args: &[&str]) -> Value {
    let seen = sessions(scratch, args).arg("--json").ends();
    serde_json::from_slice(&seen.stdout).unwrap_or_else(|error| panic!("{error}: {}", seen.stderr))
}

fn text(run: Run) -> String {
    String::from_utf8(run.succeeds().stderr("").stdout).unwrap()
}

/// The inputs of all cases of `testdata/` that are sound.
fn captures() -> Vec<(String, String)> {
    let mut captures = Vec::new();
    for case in fs::read_dir(testdata().join("captures")).unwrap() {
        let case = case.unwrap().file_name().into_string().unwrap();
        let names = ["input.pcapng", "input.pcap"].map(|name| format!("captures/{case}/{name}"));
        let input = names.into_iter().find(|name| testdata().join(name).is_file()).unwrap();
        captures.push((case, input));
    }
    assert!(captures.len() > 20);
    captures
}

/// A copy of an inventory without what is meant to differ when the capture was stripped. Copies within
/// a session may be known by the wrapper alone, and frames without one may be left out.
fn comparable(inventory: &Value) -> Value {
    let mut sessions = inventory["sessions"].clone();
    for session in sessions.as_array_mut().unwrap() {
        let session = session.as_object_mut().unwrap();
        session.remove("wrapped");
        session.remove("stripped");
        session.remove("known");
    }
    let mut pairs = inventory["duplicates"]["pairs"].as_array().unwrap().clone();
    pairs.retain(|pair| pair["sessions"][0] != pair["sessions"][1]);
    json!({ "sessions": sessions, "pairs": pairs })
}

#[test]
fn a_stripped_capture_has_the_inventory_of_the_wrapped_one() {
    for (case, input) in captures() {
        let scratch = Scratch::new();
        scratch.copy(&input, "in");
        let wrapped = inventory(&scratch, &["in"]);
        for options in [&[][..], &["--comment", "full"], &["--only-mirrored"]] {
            mirror_pcap().within(&scratch).args(["strip", "-q", "in", "out"]).args(options).ends();
            let stripped = inventory(&scratch, &["out"]);
            let was = |name: &str| wrapped["packets"][name].as_u64().unwrap();
            let of_sessions = was("wrapped") + was("stripped");
            assert_eq!(stripped["packets"]["stripped"], of_sessions, "{case}");
            assert_eq!(stripped["packets"]["wrapped"], 0, "{case}");
            if options != ["--only-mirrored"] {
                assert_eq!(stripped["reasons"], wrapped["reasons"], "{case}");
            }
            assert_eq!(comparable(&stripped), comparable(&wrapped), "{case} {options:?}");
        }
    }
}

/// The third packet was cut to 300 bytes by the session, and to 150 by the capture: stripped, it
/// no longer tells what the mirror had sent.
#[test]
fn a_length_that_the_snaplen_hides_is_not_told() {
    let scratch = Scratch::new();
    scratch.copy("captures/snaplen-cut/input.pcapng", "in");
    let options = ["--packet-length", "300"];
    mirror_pcap().within(&scratch).args(["strip", "-q", "in", "out"]).args(options).succeeds();
    let cuts = |json: Value| json["sessions"][0]["cut_lengths"].clone();
    assert_eq!(
        cuts(inventory(&scratch, &["in", "--packet-length", "300"])),
        json!([{ "length": 300, "packets": 1, "cause": "packet-length", "told": true }])
    );
    assert_eq!(
        cuts(inventory(&scratch, &["out"])),
        json!([{ "length": null, "packets": 1, "cause": null, "told": null }])
    );
}

/// Other tools lose interfaces, and comments of the short form have no endpoint.
#[test]
fn the_interface_says_whose_a_packet_is_and_the_comment_which_way_it_went() {
    let scratch = Scratch::new();
    let mut capture = Capture::new(Order::Little);
    let interface =
        "vpcmirror: vni=7 source=10.0.1.15 name=a endpoint=vpce-0000000a direction=ingress";
    capture.interface(Interface::new(LINK_ETHERNET).option(Opt::if_description(interface)));
    capture.interface(Interface::new(LINK_ETHERNET));
    let packet = |interface, comment: &str| {
        Packet::new(interface, 1, [0; 60])
            .original(90)
            .option(Opt::flags(2))
            .option(Opt::comment(comment))
    };
    let short = "vpcmirror: vni=7 source=10.0.1.15 session=tms-1 direction=ingress cut_from=90";
    capture.packet(packet(0, short)).packet(packet(1, short));
    // Its comment is no annotation, so the flags tell; on an interface of its own they would not.
    capture.packet(packet(0, "vpcmirror: vni=7"));
    capture.packet(packet(1, "vpcmirror: vni=7 source=10.0.1.15"));
    scratch.write("in.pcapng", capture.bytes());
    let json = inventory(&scratch, &["in.pcapng"]);
    let told = |n: usize| {
        let session = &json["sessions"][n];
        let names = ["endpoint", "session", "name"].map(|name| session[name].clone());
        let counts = ["ingress", "egress", "unknown", "cut", "bytes"];
        (names, counts.map(|name| session[name].as_u64().unwrap()))
    };
    assert_eq!(told(0), ([json!("vpce-0000000a"), json!("tms-1"), json!("a")], [1, 1, 0, 1, 180]));
    assert_eq!(told(1), ([Value::Null, json!("tms-1"), Value::Null], [1, 0, 1, 1, 180]));
    assert_eq!(json["sessions"][0]["cut_lengths"][0]["length"], 60);
}

/// Without comments the interface names the session, and the flags the direction.
#[test]
fn without_comments_all_is_there_but_the_cuts() {
    for (case, input) in captures() {
        let scratch = Scratch::new();
        scratch.copy(&input, "in");
        mirror_pcap().within(&scratch).args(["strip", "-q", "--comment=none", "in", "out"]).ends();
        let mut both = ["in", "out"].map(|name| comparable(&inventory(&scratch, &[name])));
        for one in &mut both {
            for session in one["sessions"].as_array_mut().unwrap() {
                session["cut"] = 0.into();
                session["cut_lengths"] = json!([]);
            }
        }
        assert_eq!(both[0], both[1], "{case}");
    }
}

#[test]
fn names_in_a_stripped_capture_are_those_of_the_documents() {
    let scratch = Scratch::new();
    scratch.copy("captures/lab-d/input.pcapng", "in");
    let documents: Vec<String> = ["interfaces", "sessions", "targets", "filters"]
        .map(|name| {
            format!("--config={}", testdata().join(format!("documents/{name}.json")).display())
        })
        .into();
    mirror_pcap().within(&scratch).args(["strip", "-q", "in", "out"]).args(&documents).succeeds();
    let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
    let wrapped = inventory(&scratch, &[&["in"], &documents[..]].concat());
    let stripped = inventory(&scratch, &["out"]);
    assert_eq!(wrapped["sessions"][0]["session"], "tms-0d000000000000015");
    assert_eq!(wrapped["sessions"][0]["name"], "web 1");
    assert_eq!(wrapped["sessions"][0]["known"], true);
    assert_eq!(stripped["sessions"][0]["known"], Value::Null);
    assert_eq!(comparable(&stripped), comparable(&wrapped));
}

#[test]
fn several_captures_are_counted_as_one_wrapped_or_not() {
    let scratch = Scratch::new();
    scratch.copy("captures/lab-d/input.pcapng", "in.pcapng");
    mirror_pcap().within(&scratch).args(["strip", "-q", "in.pcapng", "out.pcapng"]).succeeds();
    let seen = text(sessions(&scratch, &["in.pcapng", "out.pcapng"]));
    let (summary, table) = seen.split_once('\n').unwrap();
    let want =
        "2 captures: 116 packets, 116 of 1 mirror session (58 of them stripped before), 0 other";
    assert_eq!(summary, want);
    assert!(table.contains("  vni-308308@10.0.1.15      116  10,280  "), "{table}");
    assert!(table.contains("duplicates: 58 packets came in the same session before\n"), "{table}");

    let json = inventory(&scratch, &["in.pcapng", "out.pcapng"]);
    assert_eq!(json["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&json["sessions"][0]["wrapped"], &json["sessions"][0]["stripped"]),
        (&json!(58), &json!(58))
    );
    assert_eq!(json["inputs"][0]["name"], "in.pcapng");
    assert_eq!(json["inputs"][1]["packets"], 58);
}

/// A connection between two interfaces, each with a session; what the second one delivers is cut.
fn both_ends_mirrored(packet_length: usize) -> (Vec<u8>, u64) {
    let (a, b) = ([10, 0, 1, 15], [10, 0, 1, 16]);
    let session_a = Mirror::new(a, [10, 0, 2, 99], 7);
    let session_b = Mirror::new(b, [10, 0, 2, 99], 8).packet_length(packet_length);
    let mut capture = Capture::new(Order::Little);
    capture.interface(Interface::new(LINK_ETHERNET));
    let mut time = 0;
    let mut add = |capture: &mut Capture, bytes: Vec<u8>| {
        time += 1000;
        capture.packet(Packet::new(0, time, bytes));
    };
    for n in 0..10_u32 {
        let segment = Tcp::new(50_000, 443, Tcp::ACK).at(n * 100, 1).payload([7; 100]);
        let there = ip(a, b, segment);
        let reply = ip(b, a, Tcp::new(443, 50_000, Tcp::ACK).at(1, n * 100 + 100));
        // What one end sends to the router, the router hands to the other.
        add(&mut capture, session_a.frame(&ethernet(ROUTER, MAC_A, &there)));
        add(&mut capture, session_b.frame(&ethernet(MAC_B, ROUTER, &there)));
        add(&mut capture, session_b.frame(&ethernet(ROUTER, MAC_B, &reply)));
        add(&mut capture, session_a.frame(&ethernet(MAC_A, ROUTER, &reply)));
    }
    // Sent again, which is no duplicate, and to somebody who isn't mirrored.
    for _ in 0..2 {
        let out = ip(a, [192, 0, 2, 1], Udp::new(1, 2, "x"));
        add(&mut capture, session_a.frame(&ethernet(ROUTER, MAC_A, &out)));
    }
    (capture.bytes(), 20)
}

#[test]
fn what_both_ends_mirror_comes_twice() {
    for (packet_length, cut) in [(1000, 0), (100, 10)] {
        let scratch = Scratch::new();
        let (capture, twice) = both_ends_mirrored(packet_length);
        scratch.write("in.pcapng", capture);
        let json = inventory(&scratch, &["in.pcapng"]);
        assert_eq!(
            json["duplicates"],
            json!({
                "packets": twice,
                "forwarded": 0,
                "pairs": [{ "sessions": [0, 1], "packets": twice, "forwarded": 0 }],
                "others": 0,
                "unwrapped": []
            })
        );
        assert_eq!(
            json["sessions"][1]["cut"], cut,
            "the copies that are cut are known all the same"
        );
        let text = text(sessions(&scratch, &["in.pcapng"]));
        let want = "\
duplicates: 20 packets came in another session before
  session          and              packets
  vni-7@10.0.1.15  vni-8@10.0.1.16       20
";
        assert!(text.contains(want), "{text}");
    }
}

/// What is told of the duplicates of these captures: packets, forwarded, pairs, unwrapped.
fn copies(scratch: &Scratch, inputs: &[&str]) -> Value {
    let json = inventory(scratch, inputs);
    let duplicates = &json["duplicates"];
    json!([
        duplicates["packets"],
        duplicates["forwarded"],
        duplicates["pairs"],
        duplicates["unwrapped"]
    ])
}

#[test]
fn a_session_that_two_devices_saw_has_each_packet_twice() {
    let scratch = Scratch::new();
    scratch.copy("captures/two-devices/input.pcapng", "in.pcapng");
    let pair = json!([{ "sessions": [0, 0], "packets": 13, "forwarded": 0 }]);
    assert_eq!(copies(&scratch, &["in.pcapng"]), json!([13, 0, pair, []]));
    let text = text(sessions(&scratch, &["in.pcapng"]));
    let want = "\
duplicates: 13 packets came in the same session before
  session               and     packets
  vni-308308@10.0.1.15  itself       13
";
    assert!(text.contains(want), "{text}");
}

#[test]
fn a_frame_that_the_target_has_unwrapped_is_told_of_its_session() {
    let scratch = Scratch::new();
    scratch.copy("captures/vxlan-device/input.pcapng", "in.pcapng");
    let unwrapped = json!([{ "session": 0, "packets": 10 }]);
    assert_eq!(copies(&scratch, &["in.pcapng"]), json!([0, 0, [], unwrapped]));
    let text = text(sessions(&scratch, &["in.pcapng"]));
    let want = "\
duplicates: 10 packets came without the wrapper as well
  session               and         packets
  vni-308308@10.0.1.15  no session       10
other packets
";
    assert!(text.contains(want), "{text}");
}

#[test]
fn a_copy_that_a_router_has_forwarded_is_told_as_such() {
    let scratch = Scratch::new();
    scratch.copy("captures/forwarded/input.pcapng", "in.pcapng");
    let pair = json!([{ "sessions": [0, 1], "packets": 5, "forwarded": 5 }]);
    assert_eq!(copies(&scratch, &["in.pcapng"]), json!([5, 5, pair, []]));
    let text = text(sessions(&scratch, &["in.pcapng"]));
    let want = "\
duplicates: 5 packets came in another session before
  session               and                   packets  forwarded
  vni-308308@10.0.1.15  vni-308309@10.0.1.16        5          5
";
    assert!(text.contains(want), "{text}");
}

/// Its packets have neither identification; that it is another capture is enough.
#[test]
fn a_capture_and_its_stripped_copy_have_each_packet_twice() {
    for name in ["lab-d", "same-flow-two-vnis", "packet-length-cut"] {
        let scratch = Scratch::new();
        scratch.copy(&format!("captures/{name}/input.pcapng"), "in.pcapng");
        let strip = ["strip", "--quiet", "in.pcapng", "out.pcapng"];
        mirror_pcap().within(&scratch).args(strip).succeeds();
        let once = inventory(&scratch, &["in.pcapng"]);
        let before = once["duplicates"]["packets"].as_u64().unwrap();
        let wrapped = once["packets"]["wrapped"].as_u64().unwrap();
        // ARP is no IP packet, and none that is compared.
        let arp = u64::from(name == "packet-length-cut");
        for inputs in [["in.pcapng", "out.pcapng"], ["out.pcapng", "in.pcapng"]] {
            let both = inventory(&scratch, &inputs);
            let twice = both["duplicates"]["packets"].as_u64().unwrap();
            assert_eq!(twice, before + wrapped - arp, "{name} {inputs:?}");
        }
    }
}

/// Sent again by the host, with another identification or with none; and by the mirror.
#[test]
fn what_was_sent_again_is_no_copy() {
    let a = [10, 0, 1, 15];
    let session = Mirror::new(a, [10, 0, 2, 99], 7);
    let frame = |id: u16| {
        let packet = Ipv4 { id, ..Ipv4::new(a, [192, 0, 2, 1]) };
        ethernet(ROUTER, MAC_A, &packet.carry(Udp::new(1, 2, "x")))
    };
    let count = |packets: &[Vec<u8>]| {
        let scratch = Scratch::new();
        let mut capture = Capture::new(Order::Little);
        capture.interface(Interface::new(LINK_ETHERNET));
        for (time, packet) in (1..).zip(packets) {
            capture.packet(Packet::new(0, time, packet));
        }
        scratch.write("in.pcapng", capture.bytes());
        inventory(&scratch, &["in.pcapng"])["duplicates"]["packets"].as_u64().unwrap()
    };
    let wrapped = |id| session.frame(&frame(id));
    assert_eq!(count(&[wrapped(7), wrapped(7)]), 1);
    assert_eq!(count(&[wrapped(7), wrapped(8)]), 0);
    assert_eq!(count(&[wrapped(0), wrapped(0)]), 0);
    // The identification of the wrapper, which AWS leaves 0: another one is another packet.
    let named = |id: u16, wrapper: u16| {
        let mut bytes = wrapped(id);
        bytes[18..20].copy_from_slice(&wrapper.to_be_bytes());
        bytes
    };
    assert_eq!(count(&[named(0, 1), named(0, 1)]), 1);
    assert_eq!(count(&[named(7, 1), named(7, 2)]), 0);
}

#[test]
fn a_cut_is_told_with_its_length_and_likely_cause() {
    let scratch = Scratch::new();
    scratch.write("in.pcapng", both_ends_mirrored(100).0);
    let cause = |text: &str| text.lines().find(|line| line.contains(" 100 ")).unwrap().to_owned();
    let seen = text(sessions(&scratch, &["in.pcapng"]));
    let want = "cut to these lengths\n  session          length  packets  by\n";
    assert!(seen.contains(want), "{seen}");
    assert_eq!(cause(&seen), "  vni-8@10.0.1.16     100       10  likely PacketLength 100");
    let seen = text(sessions(&scratch, &["in.pcapng", "--packet-length", "100"]));
    assert_eq!(cause(&seen), "  vni-8@10.0.1.16     100       10  PacketLength 100");
    let document = r#"{ "schema": "mirror-pcap/sessions/1", "sessions": [
        { "name": "b", "vni": 8, "packet_length": 100, "eni": { "addresses": ["10.0.1.16"] } },
        { "id": "tms-1", "name": "c", "vni": 9, "eni": { "addresses": ["10.0.1.17", "10.0.1.18"] } },
        { "name": "d" } ] }"#;
    scratch.write("s.json", document);
    let seen = text(sessions(&scratch, &["in.pcapng", "--config", "s.json"]));
    assert_eq!(cause(&seen), "  vni-8@10.0.1.16     100       10  PacketLength 100");
}

#[test]
fn what_only_the_documents_or_only_the_capture_has_is_said() {
    let scratch = Scratch::new();
    scratch.write("in.pcapng", both_ends_mirrored(1000).0);
    let document = r#"{ "schema": "mirror-pcap/sessions/1", "sessions": [
        { "name": "b", "vni": 8, "eni": { "addresses": ["10.0.1.16"] } },
        { "id": "tms-1", "name": "c", "vni": 9, "eni": { "addresses": ["10.0.1.17", "10.0.1.18"] } },
        { "name": "d" } ] }"#;
    scratch.write("s.json", document);
    let seen = text(sessions(&scratch, &["in.pcapng", "--config", "s.json"]));
    let want = "\
in the capture, and not in the documents
  vni-7@10.0.1.15
in the documents, and not in the capture
  \"d\", VNI not known
  tms-1 \"c\", VNI 9, from 10.0.1.17
";
    assert!(seen.ends_with(want), "{seen}");
    let json = inventory(&scratch, &["in.pcapng", "--config", "s.json"]);
    assert_eq!(
        (&json["sessions"][0]["known"], &json["sessions"][1]["known"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(
        json["missing"],
        json!([
            { "source": null, "vni": null, "session": null, "name": "d" },
            { "source": "10.0.1.17", "vni": 9, "session": "tms-1", "name": "c" }
        ])
    );
}

/// Which of several sessions it is of was not told, yet it was said that no document knows it, and
/// that the capture has none of them.
#[test]
fn a_session_that_could_be_one_of_several_is_neither_unknown_nor_are_they_missing() {
    let scratch = Scratch::new();
    scratch.write("in.pcapng", both_ends_mirrored(1000).0);
    // Nothing tells the two of VNI 8 apart, nor those of VNI 7 from that with another address.
    let document = r#"{ "schema": "mirror-pcap/sessions/1", "sessions": [
        { "name": "a", "vni": 7 },
        { "name": "b", "vni": 7, "eni": { "addresses": ["10.0.1.99"] } },
        { "name": "c", "vni": 8, "eni": { "addresses": ["10.0.1.16"] } },
        { "name": "d", "vni": 8, "eni": { "addresses": ["10.0.1.16"] } },
        { "name": "e", "vni": 8, "eni": { "addresses": ["10.0.1.17"] } } ] }"#;
    scratch.write("s.json", document);
    let args = ["in.pcapng", "--config", "s.json"];
    let seen = sessions(&scratch, &args).succeeds();
    let want = "\
in the documents, and not in the capture
  \"b\", VNI 7, from 10.0.1.99
  \"e\", VNI 8, from 10.0.1.17
";
    let text = String::from_utf8(seen.stdout).unwrap();
    assert!(text.ends_with(want) && !text.contains("not in the documents"), "{text}");
    let remark = "mirror-pcap: 2 sessions were not named, as several in the documents fit: \
                  vni-7@10.0.1.15, vni-8@10.0.1.16\n";
    assert!(seen.stderr.ends_with(remark), "{}", seen.stderr);
    let json = inventory(&scratch, &args);
    assert_eq!(
        (&json["sessions"][0]["known"], &json["sessions"][1]["known"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(json["missing"].as_array().unwrap().len(), 2);
}

/// What the first capture had taught of a session was held against the second, so none of its
/// frames seemed cut; and stripped, they were.
#[test]
fn a_session_that_was_given_a_packet_length_between_two_captures_cuts_in_the_second() {
    let scratch = Scratch::new();
    scratch.write("before.pcapng", both_ends_mirrored(1000).0);
    scratch.write("after.pcapng", both_ends_mirrored(100).0);
    for name in ["before", "after"] {
        let (wrapped, stripped) = (format!("{name}.pcapng"), format!("{name}-stripped.pcapng"));
        mirror_pcap().within(&scratch).args(["strip", "-q", &wrapped, &stripped]).succeeds();
    }
    let wrapped = inventory(&scratch, &["before.pcapng", "after.pcapng"]);
    assert_eq!(wrapped["sessions"][1]["cut"], 10);
    for [one, other] in [["after", "before-stripped"], ["before-stripped", "after-stripped"]] {
        let names = [one, other].map(|name| format!("{name}.pcapng"));
        let mixed = inventory(&scratch, &names.each_ref().map(String::as_str));
        assert_eq!(comparable(&mixed), comparable(&wrapped), "{one} {other}");
    }
}

#[test]
fn what_cannot_be_opened_is_told_before_anything_is_read() {
    let scratch = Scratch::new();
    scratch.copy("captures/lab-d/input.pcapng", "in.pcapng");
    scratch.copy("damaged/002-cut-in-packet/input.pcapng", "damaged.pcapng");
    scratch.write("text", "hello world\n");
    for (args, text) in [
        (&["in.pcapng", "none"][..], "none: No such file or directory"),
        (&["damaged.pcapng", "none"], "none: No such file or directory"),
        (&["in.pcapng", "."], ".: is a folder, expected a capture"),
        (&["text", "in.pcapng"], "text: not a capture"),
        (&["-", "in.pcapng", "-"], "standard input can be one of the captures only"),
        (&["-", "--config", "-"], "--config: standard input is the capture already"),
    ] {
        let seen = sessions(&scratch, args).fails_with(2).stdout("");
        assert!(seen.stderr.starts_with(&format!("mirror-pcap: {text}")), "{}", seen.stderr);
        assert_eq!(seen.stderr.lines().count(), 1);
    }
}

#[test]
fn more_captures_than_a_process_may_have_open_are_read_one_after_the_other() {
    let scratch = Scratch::new();
    scratch.copy("captures/lab-d/input.pcapng", "in.pcapng");
    let names = vec!["in.pcapng"; 200];
    let run = sessions(&scratch, &names).under(["sh", "-c", "ulimit -n 64; exec \"$0\" \"$@\""]);
    let seen = text(run);
    assert!(seen.starts_with("200 captures: 11,600 packets, 11,600 of 1 mirror session"), "{seen}");
}

#[test]
fn damage_is_told_with_its_capture_and_the_rest_counted() {
    let scratch = Scratch::new();
    scratch.copy("captures/lab-d/input.pcapng", "good.pcapng");
    scratch.copy("damaged/003-trailer-mismatch/input.pcapng", "bad.pcapng");
    let seen = sessions(&scratch, &["bad.pcapng", "good.pcapng"]).fails_with(4);
    assert!(seen.stderr.starts_with("mirror-pcap: bad.pcapng: byte "), "{}", seen.stderr);
    let json = inventory(&scratch, &["bad.pcapng", "good.pcapng"]);
    assert_ne!(json["inputs"][0]["damages"], 0);
    assert_eq!(json["inputs"][1]["damages"], 0);
    assert_eq!(json["inputs"][1]["packets"], 58);
    assert_ne!(json["packets"]["damaged"], 0);
}

#[test]
fn a_pipe_is_as_good_as_a_file() {
    let scratch = Scratch::new();
    let path = scratch.copy("captures/mixed-traffic/input.pcapng", "in.pcapng");
    let file = text(sessions(&scratch, &["in.pcapng"]));
    let pipe = text(sessions(&scratch, &["-"]).stdin(fs::read(path).unwrap()));
    same(&pipe, &file.replacen("in.pcapng", "standard input", 1));
}

/// Names come from whoever wrote the capture.
#[test]
fn hostile_names_reach_no_terminal() {
    let scratch = Scratch::new();
    let mut capture = Capture::new(Order::Little);
    let evil = r#"vpcmirror: vni=7 source=10.0.1.15 session="\u001b]0;x\u0007" name="a\nb\u202ec""#;
    capture.interface(Interface::new(LINK_ETHERNET).option(Opt::if_description(evil)));
    capture.packet(Packet::new(0, 1, [0; 60]));
    let named = r#"vpcmirror: vni=8 source=10.0.1.15 name="\u009b2J""#;
    capture.interface(Interface::new(LINK_ETHERNET));
    capture.packet(Packet::new(1, 2, [0; 60]).option(Opt::comment(named)));
    scratch.write("in\u{1b}[2J.pcapng", capture.bytes());
    let seen = text(sessions(&scratch, &["in\u{1b}[2J.pcapng"]));
    assert!(seen.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{seen:?}");
    assert!(seen.contains(r"\u{1b}]0;x\u{7}") && seen.contains(r"a\nb\u{202e}c"), "{seen}");
    let json = inventory(&scratch, &["in\u{1b}[2J.pcapng"]);
    assert_eq!(json["sessions"][0]["session"], "\u{1b}]0;x\u{7}");
    assert_eq!(json["sessions"][1]["name"], "\u{9b}2J");
}

#[test]
fn packets_without_a_time_have_no_rate_and_that_is_said() {
    let scratch = Scratch::new();
    let mut capture = Capture::new(Order::Little);
    let description = Opt::if_description("vpcmirror: vni=7 source=10.0.1.15");
    capture.interface(Interface::new(LINK_ETHERNET).option(description));
    capture.simple_packet(&[0; 60], 60).simple_packet(&[0; 60], 60);
    scratch.write("in.pcapng", capture.bytes());
    same(
        &text(sessions(&scratch, &["in.pcapng"])),
        "\
in.pcapng: 2 packets, 2 of 1 mirror session, stripped before, 0 other
  session          packets  bytes  bit/s  ingress  egress  unknown  cut  first  last
  vni-7@10.0.1.15        2    120      -        0       0        2    0  -      -
no packet of them has a time that can be told
",
    );
}

/// Two collectors, whose clocks count differently.
#[test]
fn first_and_last_are_compared_as_times() {
    let scratch = Scratch::new();
    let one = |interface: Interface, time| {
        let frame =
            ethernet(ROUTER, MAC_A, &ip([10, 0, 1, 15], [192, 0, 2, 1], Udp::new(1, 2, "x")));
        let frame = Mirror::new([10, 0, 1, 15], [10, 0, 2, 99], 7).frame(&frame);
        Capture::new(Order::Little).interface(interface).packet(Packet::new(0, time, frame)).bytes()
    };
    let second = 1_767_225_600;
    let nanos = Interface::new(LINK_ETHERNET).option(Opt::tsresol(9));
    let offset =
        Interface::new(LINK_ETHERNET).option(Opt::tsresol(0)).option(Opt::tsoffset(second + 2));
    let second = second.unsigned_abs();
    scratch.write("a", one(nanos, second * 1_000_000_000 + 1));
    scratch.write("b", one(offset, 0));
    scratch.write("c", one(Interface::new(LINK_ETHERNET), second * 1_000_000 + 1));
    for order in [["a", "b", "c"], ["c", "b", "a"], ["b", "a", "c"]] {
        let json = inventory(&scratch, &order);
        let session = &json["sessions"][0];
        assert_eq!(session["first"], "2026-01-01T00:00:00.000000001Z", "{order:?}");
        assert_eq!(session["last"], "2026-01-01T00:00:02Z", "{order:?}");
        // Three frames of 43 bytes within two seconds.
        assert_eq!(session["rate"], 3 * 43 * 8 / 2);
    }
}

#[test]
fn where_no_mirror_is_the_ports_are_a_hint() {
    let scratch = Scratch::new();
    let mut capture = Capture::new(Order::Little);
    capture.interface(Interface::new(LINK_ETHERNET));
    let frame = ethernet(ROUTER, MAC_A, &ip([10, 0, 1, 15], [192, 0, 2, 1], Udp::new(1, 2, "x")));
    let mut mirror = Mirror::new([10, 0, 1, 15], [10, 0, 2, 99], 7);
    mirror.port = 8472;
    capture.packet(Packet::new(0, 1, mirror.frame(&frame)));
    scratch.write("in.pcapng", capture.bytes());
    same(
        &text(sessions(&scratch, &["in.pcapng"])),
        "\
in.pcapng: 1 packet, no mirror session, 1 other
other packets
  reason        packets  bytes
  not-mirrored        1     93
  UDP went to port 8472 (1 packet)
  --port names those that carry VXLAN
",
    );
    let other = testdata().join("captures/mixed-traffic/input.pcapng");
    mirror_pcap().within(&scratch).args(["strip", "-q"]).arg(other).arg("out").succeeds();
    let seen = text(sessions(&scratch, &["out"]));
    assert!(seen.contains("UDP went to port 53") && !seen.contains("--port"), "{seen}");
    let seen = text(sessions(&scratch, &["in.pcapng", "--port", "8472"]));
    assert!(seen.starts_with("in.pcapng: 1 packet, 1 of 1 mirror session, 0 other\n"), "{seen}");
}

/// A hundred packets of a real mirror, of which only the counts are in this repository.
#[test]
fn the_real_capture_of_aws_has_one_session() {
    let Some(corpus) = corpus() else { return };
    let capture = corpus.join("suricata-verify/tests__vxlan-decoder-03__vxlan.pcap");
    let seen = mirror_pcap().arg("sessions").arg(capture).succeeds().stderr("");
    let seen = String::from_utf8(seen.stdout).unwrap();
    let (summary, table) = seen.split_once('\n').unwrap();
    assert!(summary.ends_with(": 100 packets, 100 of 1 mirror session, 0 other"), "{summary}");
    same(
        table,
        "  session                   packets   bytes  bit/s  ingress  egress  unknown  cut  first                        last\n  \
         vni-5569041@172.31.0.238      100  21,048  5,461       53      47        0    0  2019-06-27T14:01:10.047299Z  2019-06-27T14:01:40.877673Z\n",
    );
}

/// Every capture by others: it ends as documented, and the counts close.
#[test]
fn the_counts_of_every_capture_by_others_close() {
    let Some(corpus) = corpus() else { return };
    let mut read = 0;
    let mut folders = vec![corpus];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let seen = mirror_pcap().args(["sessions", "--json"]).arg(&path).ends();
            let code = seen.status.code();
            assert!(matches!(code, Some(0 | 2 | 4)), "{}: {code:?}", path.display());
            if code != Some(2) {
                let json: Value = serde_json::from_slice(&seen.stdout).unwrap();
                read += closes(&json, &path);
            }
        }
    }
    assert!(read > 1000, "{read}");
}

/// The sums that docs/json.md promises; how many packets there are.
fn closes(json: &Value, path: &Path) -> u64 {
    let number = |value: &Value| value.as_u64().unwrap();
    let sum = |values: &Value, name: &str| -> u64 {
        values.as_array().unwrap().iter().map(|one| number(&one[name])).sum()
    };
    let packets = ["read", "wrapped", "stripped", "other", "damaged"];
    let [read, wrapped, stripped, other, damaged] = packets.map(|n| number(&json["packets"][n]));
    let path = path.strip_prefix(root()).unwrap_or(path).display();
    assert_eq!(read, wrapped + stripped + other + damaged, "{path}");
    assert_eq!(sum(&json["sessions"], "packets"), wrapped + stripped, "{path}");
    read
}
