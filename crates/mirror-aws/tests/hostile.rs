//! Damaged documents of every kind never make a panic, and are done with in bounded time.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests may fail loudly; that is their job"
)]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use mirror_aws::{Document, Parameters, read};
use proptest::prelude::*;

/// All documents of `testdata/aws`.
fn documents() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/aws");
    let mut all = Vec::new();
    for case in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let Ok(files) = fs::read_dir(case) else { continue };
        for path in files.map(|file| file.unwrap().path()) {
            if path.extension().is_some_and(|one| one == "json" || one == "yaml") {
                all.push(fs::read(path).unwrap());
            }
        }
    }
    assert!(all.len() > 30);
    all.sort();
    all
}

/// Read a document; its problems are printable and name it.
fn survives(bytes: &[u8]) {
    if let Err(problems) = read(&[Document { name: "d", bytes }], &Parameters::new()) {
        let text = problems.to_string();
        assert!(text.chars().all(|c| matches!(c, ' '..='~' | '\n')), "{text}");
        assert!(problems.errors() > 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn bytes_that_are_changed_cut_or_moved(
        which: prop::sample::Index,
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..4_u8, any::<u8>()), 1..8),
    ) {
        let all = documents();
        let mut bytes = all[which.index(all.len())].clone();
        for (at, what, byte) in edits {
            let at = at.index(bytes.len().max(1));
            match what {
                0 if at < bytes.len() => bytes[at] = byte,
                1 => bytes.truncate(at.max(1)),
                2 if at < bytes.len() => bytes.rotate_left(at),
                _ => bytes.insert(at.min(bytes.len()), byte),
            }
        }
        survives(&bytes);
    }

    /// Structure that parses but means something else: every token may be another of the same
    /// document.
    #[test]
    fn tokens_that_trade_places(
        which: prop::sample::Index,
        trades in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..6),
    ) {
        let all = documents();
        let text = String::from_utf8(all[which.index(all.len())].clone()).unwrap();
        let mut tokens: Vec<&str> = text.split_inclusive([' ', ',', '\n', ':', '"']).collect();
        for (one, other) in trades {
            let (one, other) = (one.index(tokens.len()), other.index(tokens.len()));
            tokens.swap(one, other);
        }
        survives(tokens.concat().as_bytes());
    }

    #[test]
    fn arbitrary_yaml_like_text(text in "[ \\-:\\[\\]{}!&*a<|>'\"#,?\n\t%@1]{0,60}") {
        survives(text.as_bytes());
    }
}

#[test]
fn a_million_brackets_or_a_bomb_of_aliases_take_no_time() {
    let million = |text: &str| text.repeat(1_000_000);
    let mut bomb = String::from("Resources: &a0 {x: [y, y, y, y, y, y, y, y, y]}\n");
    for n in 1..40 {
        bomb += &format!("k{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(", "));
    }
    let joins = format!(
        "Resources:\n  F: {{Type: 'AWS::EC2::TrafficMirrorFilter', Properties: {{Description: {}x}}}}\n",
        "!Sub ".repeat(100_000)
    );
    for text in [
        million("["),
        million("{\"a\":"),
        million("- "),
        million("? "),
        million("a: ["),
        million("!Ref "),
        million("&a "),
        million("*a "),
        million("'"),
        million("\u{feff}"),
        format!("{}\n", million("a: &b {")),
        bomb,
        joins,
    ] {
        let began = Instant::now();
        survives(text.as_bytes());
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{}",
            &text[..text.floor_char_boundary(30)]
        );
    }
}

#[test]
fn a_document_with_a_hundred_thousand_problems_tells_of_all_and_shows_a_thousand() {
    let text = format!("{{\"TrafficMirrorSessions\": [{}{{}}]}}", "{},".repeat(99_999));
    let problems = read(&[Document { name: "d", bytes: text.as_bytes() }], &Parameters::new());
    let problems = problems.unwrap_err();
    assert!(problems.errors() >= 100_000);
    assert_eq!(problems.iter().count(), 1_000);
}

#[test]
fn an_account_with_every_session_it_may_have_is_read() {
    // 10,000 sessions, each with an interface and a filter of 10 rules.
    let (mut sessions, mut interfaces, mut filters) = (String::new(), String::new(), String::new());
    for n in 0..10_000 {
        let comma = if n == 0 { "" } else { "," };
        sessions += &format!(
            r#"{comma}{{"TrafficMirrorSessionId":"tms-{n}","NetworkInterfaceId":"eni-{n}",
                "TrafficMirrorFilterId":"tmf-{n}","TrafficMirrorTargetId":"tmt-0",
                "SessionNumber":1,"VirtualNetworkId":{}}}"#,
            n + 1
        );
        interfaces += &format!(
            r#"{comma}{{"NetworkInterfaceId":"eni-{n}","MacAddress":"02:00:00:00:{:02x}:{:02x}",
                "PrivateIpAddress":"10.0.{}.{}"}}"#,
            n / 256,
            n % 256,
            n / 256,
            n % 256
        );
        let rules: Vec<String> = (0..10)
            .map(|rule| {
                format!(
                    r#"{{"TrafficMirrorFilterRuleId":"tmfr-{n}-{rule}","TrafficDirection":"ingress",
                    "RuleNumber":{rule},"RuleAction":"accept","SourceCidrBlock":"0.0.0.0/0",
                    "DestinationCidrBlock":"10.0.0.0/16"}}"#
                )
            })
            .collect();
        filters += &format!(
            r#"{comma}{{"TrafficMirrorFilterId":"tmf-{n}","IngressFilterRules":[{}],
                "EgressFilterRules":[]}}"#,
            rules.join(",")
        );
    }
    let text = format!(
        r#"{{"TrafficMirrorSessions":[{sessions}],"NetworkInterfaces":[{interfaces}],
            "TrafficMirrorFilters":[{filters}],"TrafficMirrorTargets":[{{"TrafficMirrorTargetId":
            "tmt-0","Type":"network-interface","NetworkInterfaceId":"eni-x"}}]}}"#
    );
    let began = Instant::now();
    let estate =
        read(&[Document { name: "d", bytes: text.as_bytes() }], &Parameters::new()).unwrap();
    assert_eq!((estate.sessions.len(), estate.filters.len()), (10_000, 10_000));
    assert!(estate.filters.iter().all(|filter| filter.filter.rules.len() == 10));
    assert!(estate.sessions.iter().all(|session| session.filter.is_some()));
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}

fn refused(text: &str) -> mirror_aws::Problems {
    read(&[Document { name: "d", bytes: text.as_bytes() }], &Parameters::new()).unwrap_err()
}

/// Each problem below the key has it in its path.
#[test]
fn a_key_as_long_as_the_document_is_not_copied_for_each_value_below_it() {
    let key = "k".repeat(1 << 20);
    let duplicates = format!("{{\"{key}\":{{{}\"a\":1}}}}", "\"a\":1,".repeat(50_000));
    let resource = format!(
        "{{\"Resources\":{{\"{key}\":{{\"Type\":\"AWS::EC2::TrafficMirrorFilter\",\"Properties\":{{{}}}}}}}}}",
        (0..50_000).map(|n| format!("\"a{n}\":1")).collect::<Vec<_>>().join(",")
    );
    for (text, errors) in [(duplicates, 50_000), (resource, 50_000)] {
        let began = Instant::now();
        let problems = refused(&text);
        assert_eq!(problems.errors(), errors);
        let longest = problems.iter().map(|one| one.place.path.len()).max().unwrap();
        assert!(longest < 2_000, "{longest}");
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    }
}

/// Sessions of one interface, each of which says all that is known of it.
fn sessions_of(count: usize, interface: &str) -> String {
    let sessions: Vec<String> = (0..count)
        .map(|n| {
            format!(
                r#"{{"TrafficMirrorSessionId":"tms-{n}","NetworkInterfaceId":"eni-0",
                "TrafficMirrorFilterId":"tmf-0","TrafficMirrorTargetId":"tmt-0",
                "SessionNumber":1,"VirtualNetworkId":{}}}"#,
                n + 1
            )
        })
        .collect();
    format!(
        r#"{{"TrafficMirrorSessions":[{}],"NetworkInterfaces":[{{"NetworkInterfaceId":"eni-0",
            "MacAddress":"02:00:00:00:00:01",{interface}}}]}}"#,
        sessions.join(",")
    )
}

#[test]
fn what_many_sessions_share_is_not_copied_without_end() {
    let text = sessions_of(5_000, &format!(r#""Description":"{}""#, "d".repeat(100_000)));
    let problems = refused(&text);
    assert_eq!(problems.errors(), 1, "{problems}");
    let text = problems.to_string();
    assert!(text.contains("too long to be said of each session"), "{text}");
    let addresses = |count: usize| {
        let all = (0..count).map(|n| format!(r#"{{"Ipv6Address":"2001:db8::{n:x}"}}"#));
        format!(r#""Ipv6Addresses":[{}]"#, all.collect::<Vec<_>>().join(","))
    };
    let text = refused(&sessions_of(1, &addresses(50_000))).to_string();
    assert!(text.contains("/Ipv6Addresses: found a list of 50000, expected at most 512"), "{text}");
    let text = sessions_of(1_000, &addresses(100));
    assert!(read(&[Document { name: "d", bytes: text.as_bytes() }], &Parameters::new()).is_ok());

    // Given in as many descriptions of it as there are addresses.
    let text = sessions_of(1, r#""PrivateIpAddress":"10.0.0.1""#);
    let interfaces: Vec<String> = (0..20_000)
        .map(|n| {
            format!(
                r#"{{"NetworkInterfaceId":"eni-0","MacAddress":"02:00:00:00:00:01",
                "Ipv6Addresses":[{{"Ipv6Address":"2001:db8::{n:x}"}}]}}"#
            )
        })
        .collect();
    let more = format!(r#"{{"NetworkInterfaces":[{}]}}"#, interfaces.join(","));
    let documents = [
        Document { name: "a", bytes: text.as_bytes() },
        Document { name: "b", bytes: more.as_bytes() },
    ];
    let problems = read(&documents, &Parameters::new()).unwrap_err().to_string();
    assert!(problems.contains("expected at most 512 of one interface"), "{problems}");
}

#[test]
fn an_error_is_told_before_the_warnings_of_a_field_that_is_new() {
    let text = sessions_of(1_001, r#""PrivateIpAddress":"10.0.0.1""#)
        .replace("\"SessionNumber\"", "\"Encrypted\":true,\"SessionNumber\"")
        .replace("\"VirtualNetworkId\":1001}", "\"VirtualNetworkId\":16777216}");
    let problems = refused(&text);
    assert_eq!((problems.errors(), problems.warnings()), (1, 2), "{problems}");
    let text = problems.to_string();
    let first = text.lines().next().unwrap();
    assert!(first.contains(": /TrafficMirrorSessions/1000/VirtualNetworkId: found 16777216"));
    assert!(text.contains("field \"Encrypted\", which is not known here; it is told once\n"));
}

#[test]
fn a_sessions_file_with_many_errors_counts_them_all() {
    let text =
        format!(r#"{{"schema":"mirror-pcap/sessions/1","sessions":[{}1]}}"#, "1,".repeat(299));
    let problems = refused(&text);
    assert_eq!(problems.errors(), 300);
    assert!(problems.to_string().ends_with("\nand 200 errors more"), "{problems}");
}

/// What a plan doesn't know stands beside what it does, field by field.
#[test]
fn a_plan_of_a_hundred_thousand_fields_or_references_takes_no_time() {
    const FILTER: &str = "aws_ec2_traffic_mirror_filter";
    let fields = |name: &str, value: &str| {
        let all: Vec<String> = (0..100_000).map(|n| format!("\"{name}{n}\":{value}")).collect();
        all.join(",")
    };
    let unknown = format!(
        r#"{{"format_version":"1.2","planned_values":{{"root_module":{{"resources":[
            {{"address":"{FILTER}.f","mode":"managed","type":"{FILTER}","values":{{{}}}}}]}}}},
            "resource_changes":[{{"address":"{FILTER}.f","change":{{"after_unknown":{{{}}}}}}}]}}"#,
        fields("a", "0"),
        fields("b", "true")
    );
    let rules: Vec<String> = (0..5_000)
        .map(|n| {
            format!(
                r#"{{"address":"{FILTER}_rule.r[{n}]","mode":"managed","type":"{FILTER}_rule","values":{{}}}}"#
            )
        })
        .collect();
    let references = format!(
        r#"{{"format_version":"1.2","planned_values":{{"root_module":{{"resources":[{}]}}}},
            "configuration":{{"root_module":{{"resources":[{{"mode":"managed","type":"{FILTER}_rule",
            "name":"r","expressions":{{"traffic_mirror_filter_id":{{"references":[{}"x.y"]}}}}}}]}}}}}}"#,
        rules.join(","),
        r#""local.l","#.repeat(100_000)
    );
    let deep = format!(
        r#"{{"format_version":"1.2","planned_values":{{"root_module":{{"resources":[
            {{"address":"{}{FILTER}.f","mode":"managed","type":"{FILTER}","values":{{}}}}]}}}}}}"#,
        "module.m[0].".repeat(100_000)
    );
    for text in [unknown, references, deep] {
        let began = Instant::now();
        survives(text.as_bytes());
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    }
}
