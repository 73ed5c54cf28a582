use std::net::IpAddr;

use mirror_wire::{Mac, Vni};
use proptest::prelude::*;

use super::*;
use crate::{Eni, FilterName, KnownSession, Picture, Prefix, Target, TargetKind};

/// Everything known of one session, nothing of the other.
const WHOLE: &str = r#"{
  "schema": "mirror-pcap/sessions/1",
  "sessions": [
    {
      "id": null,
      "name": null,
      "description": null,
      "number": null,
      "vni": null,
      "packet_length": null,
      "eni": null,
      "target": null,
      "filter": null
    },
    {
      "id": "tms-0d00000000000000d",
      "name": "web 1",
      "description": "Zürich \"A\"\u000a\u202eback",
      "number": 1,
      "vni": 308308,
      "packet_length": 128,
      "eni": {
        "id": "eni-0d000000000000001",
        "name": "web",
        "description": "mirror source",
        "mac": "0a:5e:c0:de:00:01",
        "addresses": ["10.0.1.10", "10.0.1.11", "2001:db8:1234:ab01::10"],
        "prefixes": ["10.0.1.16/28"]
      },
      "target": {
        "id": "tmt-0d00000000000000d",
        "name": "collector",
        "description": "Lab D",
        "network_interface": null,
        "network_load_balancer": null,
        "gateway_load_balancer_endpoint": "vpce-0a1b2c3d4e5f60718"
      },
      "filter": {
        "id": "tmf-0d00000000000000d",
        "name": "https",
        "description": "external HTTPS only"
      }
    }
  ]
}
"#;

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn whole() -> Picture {
    Picture::new(vec![
        KnownSession::default(),
        KnownSession {
            id: text("tms-0d00000000000000d"),
            name: text("web 1"),
            description: text("Zürich \"A\"\n\u{202e}back"),
            number: Some(1),
            vni: Vni::new(308_308),
            packet_length: Some(128),
            eni: Some(Eni {
                id: text("eni-0d000000000000001"),
                name: text("web"),
                description: text("mirror source"),
                mac: Some("0a:5e:c0:de:00:01".parse().unwrap()),
                addresses: ["10.0.1.10", "10.0.1.11", "2001:db8:1234:ab01::10"]
                    .map(|address| address.parse().unwrap())
                    .to_vec(),
                prefixes: vec!["10.0.1.16/28".parse().unwrap()],
            }),
            target: Some(Target {
                id: text("tmt-0d00000000000000d"),
                name: text("collector"),
                description: text("Lab D"),
                kind: Some(TargetKind::GatewayLoadBalancerEndpoint(
                    "vpce-0a1b2c3d4e5f60718".to_owned(),
                )),
            }),
            filter: Some(FilterName {
                id: text("tmf-0d00000000000000d"),
                name: text("https"),
                description: text("external HTTPS only"),
            }),
        },
    ])
}

/// A file with this between the brackets of its list.
fn file(sessions: &str) -> String {
    format!(r#"{{"schema":"mirror-pcap/sessions/1","sessions":[{sessions}]}}"#)
}

#[track_caller]
fn problems(file: &str, want: &[&str]) {
    let problems = match read(file.as_bytes()) {
        Ok(picture) => panic!("read without a problem: {picture:?}"),
        Err(problems) => problems,
    };
    let got: Vec<String> = problems.list().iter().map(Problem::to_string).collect();
    assert_eq!(got, want, "{file}");
    assert_eq!(problems.more(), 0);
    assert_eq!(problems.to_string(), want.join("\n"));
}

#[test]
fn every_field_is_written_in_the_order_of_the_documentation() {
    assert_eq!(write(&whole()), WHOLE);
    assert_eq!(
        write(&Picture::default()),
        "{\n  \"schema\": \"mirror-pcap/sessions/1\",\n  \"sessions\": []\n}\n"
    );
}

#[test]
fn what_is_written_is_read() {
    assert_eq!(read(WHOLE.as_bytes()), Ok(whole()));
    assert_eq!(read(write(&Picture::default()).as_bytes()), Ok(Picture::default()));
}

#[test]
fn each_kind_of_target_has_its_field() {
    for (field, kind) in [
        ("network_interface", TargetKind::NetworkInterface("eni-1".to_owned())),
        ("network_load_balancer", TargetKind::NetworkLoadBalancer("eni-1".to_owned())),
        (
            "gateway_load_balancer_endpoint",
            TargetKind::GatewayLoadBalancerEndpoint("eni-1".to_owned()),
        ),
    ] {
        let picture = read(file(&format!(r#"{{"target":{{"{field}":"eni-1"}}}}"#)).as_bytes());
        let picture = picture.unwrap();
        let target = picture.sessions()[0].target.clone().unwrap();
        assert_eq!(target.kind, Some(kind));
        assert_eq!(read(write(&picture).as_bytes()), Ok(picture));
    }
}

#[test]
fn a_field_that_is_absent_is_one_that_is_null() {
    assert_eq!(read(file("{}").as_bytes()), read(file(r#"{"eni":null}"#).as_bytes()));
    let nothing = Picture::new(vec![KnownSession::default()]);
    assert_eq!(read(file("{}").as_bytes()), Ok(nothing));
    let empty = r#"{"eni":{"addresses":null},"target":{},"filter":{}}"#;
    let session = KnownSession {
        eni: Some(Eni::default()),
        target: Some(Target::default()),
        filter: Some(FilterName::default()),
        ..KnownSession::default()
    };
    assert_eq!(read(file(empty).as_bytes()), Ok(Picture::new(vec![session])));
}

#[test]
fn fields_of_others_are_passed_over_wherever_they_stand() {
    let file = r#"{
        "x-a": {"schema": 1, "schema": 2, "x": [[[]]]}, "x-a": 1, "x-": null,
        "sessions": [{"vni": 7, "x-vni": [8], "eni": {"x-mac": 1}, "target": {"x-": {}},
                      "filter": {"x-rules": [{}]}}],
        "schema": "mirror-pcap/sessions/1"
    }"#;
    let picture = read(file.as_bytes()).unwrap();
    assert_eq!(picture.sessions()[0].vni, Vni::new(7));
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let file = format!("\u{feff}{WHOLE}");
    assert_eq!(read(file.as_bytes()), Ok(whole()));
}

/// Where each field of [`WHOLE`] is, and what it must be.
const FIELDS: [(&str, &str); 25] = [
    ("/id", "a text"),
    ("/name", "a text"),
    ("/description", "a text"),
    ("/number", "a whole number from 0 to 65535"),
    ("/vni", "a whole number from 0 to 16777215"),
    ("/packet_length", "a whole number from 1 to 4294967295"),
    ("/eni", "an object"),
    ("/eni/id", "a text"),
    ("/eni/name", "a text"),
    ("/eni/description", "a text"),
    ("/eni/mac", "a text"),
    ("/eni/addresses", "a list of texts"),
    ("/eni/prefixes", "a list of texts"),
    ("/eni/addresses/2", "a text"),
    ("/eni/prefixes/0", "a text"),
    ("/target", "an object"),
    ("/target/id", "a text"),
    ("/target/name", "a text"),
    ("/target/description", "a text"),
    ("/target/gateway_load_balancer_endpoint", "a text"),
    ("/target/network_interface", "a text"),
    ("/target/network_load_balancer", "a text"),
    ("/filter", "an object"),
    ("/filter/id", "a text"),
    ("/filter/name", "a text"),
];

#[test]
fn each_field_of_a_wrong_type_is_found_at_its_place() {
    for (place, expected) in FIELDS {
        for (value, found) in [
            ("true", "true"),
            ("-1", "-1"),
            ("1.5", "1.5"),
            ("1e300", "1e300"),
            ("18446744073709551616", "1.8446744073709552e19"),
            ("9e18", "9e18"),
            ("18446744073709551615", "18446744073709551615"),
            ("[]", "a list"),
            ("{}", "an object"),
            ("\"\\u001b[2J 1\"", "\"\\u001b[2J 1\""),
        ] {
            let is_text = value.starts_with('"');
            let fits = match expected {
                "a text" => is_text,
                "an object" => value == "{}",
                "a list of texts" => value == "[]",
                _ => false,
            };
            if fits {
                continue;
            }
            let mut json: serde_json::Value = serde_json::from_str(WHOLE).unwrap();
            let slot = json.pointer_mut(&format!("/sessions/1{place}")).unwrap();
            *slot = serde_json::from_str(value).unwrap();
            let want = format!("/sessions/1{place}: found {found}, expected {expected}");
            problems(&json.to_string(), &[&want]);
        }
    }
}

#[test]
fn numbers_out_of_range_and_values_of_no_meaning_are_found() {
    problems(
        &file(
            r#"{"number": 65536, "vni": 16777216, "packet_length": 0,
                "eni": {"mac": "02:00:00:00:00", "addresses": ["10.0.1.15/24", "10.0.1.256", ""],
                        "prefixes": ["10.0.1.17/28", "10.0.1.0", "10.0.1.0/33"]}},
               {"packet_length": 4294967296, "eni": {"mac": "ff:ff:ff:ff:ff:ff"}}"#,
        ),
        &[
            "/sessions/0/vni: found 16777216, expected a whole number from 0 to 16777215",
            "/sessions/0/number: found 65536, expected a whole number from 0 to 65535",
            "/sessions/0/packet_length: found 0, expected a whole number from 1 to 4294967295",
            "/sessions/0/eni/mac: found \"02:00:00:00:00\", expected the MAC of one interface, \
             like 02:2f:8f:b0:cf:75",
            "/sessions/0/eni/addresses/0: found \"10.0.1.15/24\", expected an IPv4 or IPv6 address",
            "/sessions/0/eni/addresses/1: found \"10.0.1.256\", expected an IPv4 or IPv6 address",
            "/sessions/0/eni/addresses/2: found \"\", expected an IPv4 or IPv6 address",
            "/sessions/0/eni/prefixes/0: found \"10.0.1.17/28\", expected no bits set behind the \
             prefix, as in 10.0.1.16/28",
            "/sessions/0/eni/prefixes/1: found \"10.0.1.0\", expected a prefix like 10.0.1.16/28",
            "/sessions/0/eni/prefixes/2: found \"10.0.1.0/33\", expected a prefix like 10.0.1.16/28",
            "/sessions/1/packet_length: found 4294967296, expected a whole number from 1 to \
             4294967295",
            "/sessions/1/eni/mac: found \"ff:ff:ff:ff:ff:ff\", expected the MAC of one interface, \
             like 02:2f:8f:b0:cf:75",
        ],
    );
}

#[test]
fn the_ends_of_the_ranges_are_in_them() {
    for fields in [
        r#""number": 0, "vni": 0, "packet_length": 1"#,
        r#""number": 65535, "vni": 16777215, "packet_length": 4294967295"#,
    ] {
        assert!(read(file(&format!("{{{fields}}}")).as_bytes()).is_ok(), "{fields}");
    }
}

#[test]
fn each_field_that_is_there_twice_is_found() {
    // As text, because no JSON library would write it. The second value comes first.
    for line in WHOLE.lines().skip(15).filter(|line| line.contains("\": ")) {
        let name = line.trim().split('"').nth(1).unwrap();
        let twice = WHOLE.replacen(line, &format!("\"{name}\": null,\n{line}"), 1);
        if twice.matches(&format!("\"{name}\": null,\n{line}")).count() == 1 {
            let Err(found) = read(twice.as_bytes()) else { panic!("{name} twice is no problem") };
            let [problem] = found.list() else { panic!("{found}") };
            assert!(problem.path.ends_with(&format!("/{name}")), "{problem}");
            assert_eq!(problem.message, "found the field again, expected it once");
        }
    }
    problems(
        r#"{"schema":"mirror-pcap/sessions/1","sessions":[],"schema":1,"sessions":2}"#,
        &[
            "/schema: found the field again, expected it once",
            "/sessions: found the field again, expected it once",
        ],
    );
}

#[test]
fn what_a_list_has_twice_is_found() {
    problems(
        &file(
            r#"{"eni": {"addresses": ["10.0.1.1", "::1", "10.0.1.1", "0::1"],
                        "prefixes": ["::/80", "::/81", "0::0/80"]}}"#,
        ),
        &[
            "/sessions/0/eni/addresses/2: found 10.0.1.1 again, expected each once",
            "/sessions/0/eni/addresses/3: found ::1 again, expected each once",
            "/sessions/0/eni/prefixes/2: found ::/80 again, expected each once",
        ],
    );
}

/// Each of its fields was unknown, each field of a sessions file missing, and nothing said what to
/// do.
#[test]
fn a_document_of_which_a_sessions_file_is_made_is_told_so() {
    const MADE: &str = "expected a sessions file, which `mirror-pcap config show --json` makes of \
                        documents of AWS";
    for (document, field) in [
        (r#"{"TrafficMirrorSessions": [{"VirtualNetworkId": 7}]}"#, "TrafficMirrorSessions"),
        (r#"{"NetworkInterfaces": [], "NextToken": "x"}"#, "NetworkInterfaces"),
        (
            r#"{"AWSTemplateFormatVersion": "2010-09-09", "Resources": {}}"#,
            "AWSTemplateFormatVersion",
        ),
        (r#"{"format_version": "1.0", "values": {}}"#, "format_version"),
    ] {
        problems(document, &[&format!("found a document with a field \"{field}\", {MADE}")]);
    }
    problems(
        "Resources:\n  Session:\n",
        &[&format!("line 1, column 1: not JSON: expected value; {MADE}")],
    );
    // With a field of its own it is a sessions file with mistakes.
    problems(
        r#"{"sessions": [], "Sessions": []}"#,
        &[
            "found a field \"Sessions\", expected one of schema, sessions",
            "/schema: found nothing, expected \"mirror-pcap/sessions/1\"",
        ],
    );
}

#[test]
fn a_field_that_nobody_knows_is_found_in_each_object() {
    problems(
        r#"{"schema":"mirror-pcap/sessions/1","session":1,"sessions":[
            {"VNI": 7, "eni": {"adresses": []}, "target": {"ip\n/~": 1}, "filter": {"rules": []}}]}"#,
        &[
            "found a field \"session\", expected one of schema, sessions",
            "/sessions/0: found a field \"VNI\", expected one of id, name, description, number, \
             vni, packet_length, eni, target, filter",
            "/sessions/0/eni: found a field \"adresses\", expected one of id, name, description, \
             mac, addresses, prefixes",
            "/sessions/0/target: found a field \"ip\\u000a/~\", expected one of id, name, \
             description, network_interface, network_load_balancer, gateway_load_balancer_endpoint",
            "/sessions/0/filter: found a field \"rules\", expected one of id, name, description",
        ],
    );
}

#[test]
fn a_target_is_one_thing() {
    problems(
        &file(
            r#"{"target": {"network_interface": "eni-1",
                           "gateway_load_balancer_endpoint": "vpce-1"}}"#,
        ),
        &["/sessions/0/target: found network_interface and gateway_load_balancer_endpoint, \
           expected one of them"],
    );
}

#[test]
fn a_file_that_is_not_ours_is_found() {
    for (file, found) in [
        ("null", "null"),
        ("true", "true"),
        ("7", "7"),
        ("-7", "-7"),
        ("7.5", "7.5"),
        ("\"x\"", "\"x\""),
        ("[{\"schema\": 1}]", "a list"),
    ] {
        problems(file, &[&format!("found {found}, expected an object")]);
    }
    problems(
        "{}",
        &[
            "/schema: found nothing, expected \"mirror-pcap/sessions/1\"",
            "/sessions: found nothing, expected a list",
        ],
    );
    for (schema, found) in [
        ("\"mirror-pcap/sessions/2\"", "\"mirror-pcap/sessions/2\""),
        ("null", "null"),
        ("[1]", "a list"),
    ] {
        let file = format!(r#"{{"schema": {schema}, "sessions": []}}"#);
        let want = format!("/schema: found {found}, expected \"mirror-pcap/sessions/1\"");
        problems(&file, &[&want]);
    }
    for (sessions, found) in [
        ("null", "null"),
        ("false", "false"),
        ("0", "0"),
        ("-0.5", "-0.5"),
        ("-5", "-5"),
        ("\"\"", "\"\""),
        ("{\"vni\": {}}", "an object"),
    ] {
        let file = format!(r#"{{"schema": "mirror-pcap/sessions/1", "sessions": {sessions}}}"#);
        problems(&file, &[&format!("/sessions: found {found}, expected a list")]);
    }
    problems(
        &file("7, {}, []"),
        &[
            "/sessions/0: found 7, expected an object",
            "/sessions/2: found a list, expected an object",
        ],
    );
}

#[test]
fn where_it_stops_being_json_is_said_behind_what_was_found_before() {
    problems(
        "{\"schema\": 1,\n\"sessions\": [{\"vni\": -1}, {]",
        &[
            "/schema: found 1, expected \"mirror-pcap/sessions/1\"",
            "/sessions/0/vni: found -1, expected a whole number from 0 to 16777215",
            "line 2, column 28: not JSON: key must be a string",
        ],
    );
    problems("", &["line 1, column 0: not JSON: EOF while parsing a value"]);
    problems("{} {}", &["line 1, column 4: not JSON: trailing characters"]);
    for half in [r"\ud800", r"\ud800\u0041", r"\udc00"] {
        let file = file(&format!(r#"{{"name": "{half}"}}"#));
        assert!(read(file.as_bytes()).unwrap_err().list()[0].at.is_some(), "{half}");
    }
    let pair = file(r#"{"name": "\ud83d\ude00"}"#);
    assert_eq!(read(pair.as_bytes()).unwrap().sessions()[0].name, text("\u{1f600}"));
    let raw = file("{\"name\": \"a\tb\"}");
    assert!(read(raw.as_bytes()).unwrap_err().to_string().contains("control character"), "{raw}");
}

#[test]
fn every_shorter_prefix_is_not_json() {
    let end = WHOLE.trim_end().len();
    for len in 0..end {
        let Err(problems) = read(&WHOLE.as_bytes()[..len]) else { panic!("{len} bytes are read") };
        let [problem] = problems.list() else { panic!("{len} bytes: {problems}") };
        assert!(problem.at.is_some(), "{problem}");
    }
    assert!(read(&WHOLE.as_bytes()[..end]).is_ok());
}

/// What is passed over is walked without recursion, so there the brackets end with the file.
#[test]
fn a_million_brackets_are_refused_with_their_place() {
    let heads = [
        "{\"schema\":",
        "{\"sessions\":[",
        "{\"sessions\":[{\"eni\":",
        "",
        "{\"sessions\":{\"a\":",
        "{\"x-a\":",
        "{\"sessions\":[{\"x-a\":",
    ];
    for (n, head) in heads.into_iter().enumerate() {
        for open in ["[", "{\"a\":"] {
            let file = format!("{head}{}", open.repeat(1_000_000));
            let problems = read(file.as_bytes()).unwrap_err();
            let last = problems.list().last().unwrap();
            let column = last.at.unwrap().1;
            if n < 3 {
                assert_eq!(last.message, "not JSON: recursion limit exceeded", "{head}{open}");
                assert!(column < 1_000, "{head}{open}: {column}");
            } else {
                assert!(last.message.starts_with("not JSON: EOF"), "{head}{open}: {last}");
                assert_eq!(column, file.len(), "{head}{open}");
            }
        }
    }
}

#[test]
fn a_session_of_too_many_values_ends_the_reading() {
    let many = |count| file(&format!("{{\"eni\": {{\"addresses\": [{}1]}}}}", "0,".repeat(count)));
    let problems = read(many(100_000).as_bytes()).unwrap_err();
    assert_eq!(problems.list().last().unwrap().message, "found too many values in one session");
    // One less than that is read, and nothing but numbers found in it.
    let problems = read(many(99_990).as_bytes()).unwrap_err();
    assert_eq!((problems.list().len(), problems.more()), (100, 99_891));
}

#[test]
fn a_file_of_too_many_sessions_ends_the_reading() {
    let sessions = "{},".repeat(MAX_SESSIONS);
    let fit = file(sessions.trim_end_matches(','));
    assert_eq!(read(fit.as_bytes()).unwrap().sessions().len(), MAX_SESSIONS);
    let problems = read(file(&format!("{sessions}{{}}")).as_bytes()).unwrap_err();
    assert_eq!(problems.list()[0].message, "found more than 100000 sessions");
}

#[test]
fn a_file_that_is_too_long_is_not_looked_at() {
    let spaces = vec![b' '; MAX_LEN + 1];
    let problems = read(&spaces).unwrap_err();
    assert_eq!(problems.to_string(), "found 67108865 bytes, expected 67108864 at most");
}

#[test]
fn of_many_problems_a_hundred_are_kept_and_the_end_among_them() {
    let sessions = "0,".repeat(150);
    let problems = read(file(&format!("{sessions}0")).as_bytes()).unwrap_err();
    assert_eq!((problems.list().len(), problems.more()), (100, 51));
    assert!(problems.to_string().ends_with("an object\nand 51 problems more"));
    let problems = read(file(&sessions).as_bytes()).unwrap_err();
    assert_eq!((problems.list().len(), problems.more()), (100, 51));
    assert!(problems.list()[99].message.starts_with("not JSON"));
}

fn any_text() -> impl Strategy<Value = Option<String>> {
    let trouble = "\0\t\n\r\u{1b}\"\\/ u{}:~\u{7f}\u{85}\u{a0}é\u{301}\u{202e}\u{2028}\u{feff}\u{ffff}\u{10ffff}\u{3164}\u{2800}";
    let trouble = prop::sample::select(trouble.chars().collect::<Vec<_>>());
    let character = prop_oneof![3 => trouble, 1 => any::<char>()];
    prop::option::of(prop::collection::vec(character, 0..12).prop_map(String::from_iter))
}

fn any_eni() -> impl Strategy<Value = Eni> {
    let mac = prop::option::of(any::<[u8; 6]>().prop_map(|[first, rest @ ..]| {
        let [a, b, c, d, e] = rest;
        Mac::new([first & 0xfe, a, b, c, d, e])
    }));
    let prefix = (any::<IpAddr>(), 0u8..=32).prop_map(|(a, len)| Prefix::new(a, len).unwrap());
    let lists = (prop::collection::vec(any::<IpAddr>(), 0..4), prop::collection::vec(prefix, 0..3));
    (any_text(), any_text(), any_text(), mac, lists).prop_map(
        |(id, name, description, mac, (addresses, prefixes))| Eni {
            id,
            name,
            description,
            mac,
            addresses,
            prefixes,
        },
    )
}

fn any_target() -> impl Strategy<Value = Target> {
    let kind = (0..4, any_text()).prop_map(|(kind, text)| {
        let text = text.unwrap_or_default();
        match kind {
            0 => Some(TargetKind::NetworkInterface(text)),
            1 => Some(TargetKind::NetworkLoadBalancer(text)),
            2 => Some(TargetKind::GatewayLoadBalancerEndpoint(text)),
            _ => None,
        }
    });
    (any_text(), any_text(), any_text(), kind).prop_map(|(id, name, description, kind)| Target {
        id,
        name,
        description,
        kind,
    })
}

fn any_session() -> impl Strategy<Value = KnownSession> {
    let texts = (any_text(), any_text(), any_text());
    let numbers = (any::<Option<u16>>(), any::<Option<u32>>(), any::<Option<u32>>());
    let filter = (any_text(), any_text(), any_text())
        .prop_map(|(id, name, description)| FilterName { id, name, description });
    let parts =
        (prop::option::of(any_eni()), prop::option::of(any_target()), prop::option::of(filter));
    (texts, numbers, parts).prop_map(|(texts, numbers, parts)| KnownSession {
        id: texts.0,
        name: texts.1,
        description: texts.2,
        number: numbers.0,
        vni: numbers.1.and_then(|vni| Vni::new(vni >> 8)),
        packet_length: numbers.2,
        eni: parts.0,
        target: parts.1,
        filter: parts.2,
    })
}

fn any_picture() -> impl Strategy<Value = Picture> {
    prop::collection::vec(any_session(), 0..4).prop_map(Picture::new)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn what_is_written_of_any_picture_is_read_as_the_same(picture in any_picture()) {
        let file = write(&picture);
        prop_assert_eq!(read(file.as_bytes()), Ok(picture), "{}", file);
    }

    #[test]
    fn what_is_written_is_json_of_all_fields_without_a_control_character(picture in any_picture()) {
        let file = write(&picture);
        prop_assert!(file.chars().all(|c| c == '\n' || !c.is_control()), "{file:?}");
        prop_assert!(!file.chars().any(|c| c != '\n' && crate::is_hidden(c)), "{file:?}");

        let json: serde_json::Value = serde_json::from_str(&file).unwrap();
        for (session, known) in json["sessions"].as_array().unwrap().iter().zip(picture.sessions()) {
            prop_assert_eq!(session.as_object().unwrap().len(), 9);
            prop_assert_eq!(session["name"].as_str(), known.name.as_deref());
            let parts = [
                ("eni", 6, known.eni.is_some()),
                ("target", 6, known.target.is_some()),
                ("filter", 3, known.filter.is_some()),
            ];
            for (part, len, is_known) in parts {
                let fields = session[part].as_object().map(serde_json::Map::len);
                prop_assert_eq!(fields, is_known.then_some(len), "{}", part);
            }
        }
    }

    /// Files with a piece lost, doubled, or replaced by something else that JSON has.
    #[test]
    fn damage_is_read_or_refused_in_printable_lines(
        place in any::<prop::sample::Index>(),
        lost in 0usize..12,
        new in prop::sample::select(vec![
            "", "0", "-1", "1e999", "null", "\"", "[", "]", "{", "}", ",", ":", "\u{1b}", "\\u202e",
            "\"\\u001b\"", "\"x\":1,", "\"eni\":[],", "é",
        ]),
    ) {
        let mut bytes = WHOLE.as_bytes().to_vec();
        let at = place.index(bytes.len());
        let end = bytes.len().min(at + lost);
        bytes.splice(at..end, new.bytes());
        match read(&bytes) {
            Ok(picture) => prop_assert_eq!(read(write(&picture).as_bytes()), Ok(picture)),
            Err(problems) => {
                prop_assert!(!problems.list().is_empty());
                for problem in problems.list() {
                    let line = problem.to_string();
                    prop_assert!(line.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{line:?}");
                    prop_assert!(line.len() < 700, "{line}");
                }
            }
        }
    }

    #[test]
    fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read(&bytes).is_err());
    }
}

/// They were passed over with everything else in such a field, and `--config` refused the file.
#[test]
fn bytes_that_are_no_utf_8_are_refused_in_fields_that_are_anybodys_too() {
    for (head, tail, at) in [
        ("{\"x-a\": \"", "\", \"sessions\": [], SCHEMA}", (1, 10)),
        ("{SCHEMA, \"sessions\": [{\n\"x-b\": [\"", "\"]}]}", (2, 10)),
    ] {
        let schema = "\"schema\": \"mirror-pcap/sessions/1\"";
        let [head, tail] = [head, tail].map(|part| part.replace("SCHEMA", schema));
        let file = |middle: &[u8]| [head.as_bytes(), middle, tail.as_bytes()].concat();
        assert!(read(&file("é".as_bytes())).is_ok());
        let problems = read(&file(b"\xff")).unwrap_err();
        let [problem] = problems.list() else { panic!("{problems}") };
        assert_eq!(problem.message, "not JSON: invalid unicode code point");
        assert_eq!(problem.at, Some(at));
    }
}
