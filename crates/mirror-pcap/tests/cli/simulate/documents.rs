//! What is simulated: filters and sessions out of documents.

use std::path::Path;

use serde_json::{Value, json as value};

use super::{each, https, json, knowing, lab, simulate, source, with_verdict};
use crate::harness::{Run, Scratch, mirror_pcap, same, testdata};

/// Whatever the filter was written in, it takes the same packets by the same rules.
#[test]
fn every_form_of_lab_d_gives_the_same_verdicts() {
    let by = |document: &str| {
        let run = mirror_pcap().args(["simulate", "--mac", "0a:5e:c0:de:00:01"]);
        each(run.arg(source()).arg("--filter").arg(lab(document)))
    };
    let want = by("describe-traffic-mirror-filters.json");
    assert_eq!(want.iter().filter(|(verdict, _, _)| verdict == "mirrored").count(), 25);
    for document in [
        "describe-traffic-mirror-filter-rules.json",
        "cfn.yaml",
        "cdk-synth.template.json",
        "terraform-plan.json",
        "terraform-state.json",
    ] {
        assert_eq!(by(document), want, "{document}");
    }
}

/// A filter as the AWS CLI prints it.
fn filter(id: &str, rules: &[Value], dns: bool) -> Value {
    let of = |direction: &str| -> Vec<&Value> {
        rules.iter().filter(|rule| rule["TrafficDirection"] == direction).collect()
    };
    value!({
        "TrafficMirrorFilterId": id, "IngressFilterRules": of("ingress"),
        "EgressFilterRules": of("egress"),
        "NetworkServices": if dns { vec!["amazon-dns"] } else { vec![] }
    })
}

fn rule(direction: &str, number: u32, action: &str) -> Value {
    value!({
        "TrafficDirection": direction, "RuleNumber": number, "RuleAction": action,
        "SourceCidrBlock": "0.0.0.0/0", "DestinationCidrBlock": "0.0.0.0/0"
    })
}

fn session(id: &str, eni: &str, filter: &str, number: u32) -> Value {
    value!({
        "TrafficMirrorSessionId": id, "NetworkInterfaceId": eni, "TrafficMirrorFilterId": filter,
        "TrafficMirrorTargetId": "tmt-0e", "SessionNumber": number, "VirtualNetworkId": number
    })
}

const ENI: &str = "eni-0d000000000000001";

/// A run over the source of Lab D that knows these filters and sessions.
fn with(scratch: &Scratch, filters: &[Value], sessions: &[Value]) -> Run {
    scratch.write("filters", value!({"TrafficMirrorFilters": filters}).to_string());
    scratch.write("sessions", value!({"TrafficMirrorSessions": sessions}).to_string());
    let run = mirror_pcap().within(scratch).arg("simulate");
    let run = run.args(["--config", "filters", "--config", "sessions", "--config"]);
    run.arg(lab("describe-network-interfaces.json")).arg(source())
}

#[test]
fn sessions_are_asked_in_the_order_of_their_numbers() {
    let scratch = Scratch::new();
    let filters = [
        filter("tmf-0a", &[rule("egress", 1, "reject")], false),
        filter("tmf-0b", &[rule("egress", 7, "accept")], true),
    ];
    let sessions = [session("tms-2", ENI, "tmf-0b", 2), session("tms-1", ENI, "tmf-0a", 1)];
    let run = || with(&scratch, &filters, &sessions).args(["--vpc", "10.0.0.0/16"]);
    let all = each(run());
    // What session 1 rejects goes on to session 2, which is an assumption and said to be.
    assert_eq!(all[0], ("mirrored".to_owned(), Some(7), "rule".to_owned()));
    assert_eq!(all[48], ("mirrored".to_owned(), None, "amazon-dns".to_owned()));
    let seen = run().args(["--session", "tms-1", "--each", "--quiet"]).succeeds();
    let first: Value =
        serde_json::from_slice(seen.stdout.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
    assert_eq!((&first["verdict"], &first["rule"]), (&value!("not_mirrored"), &value!(1)));

    scratch.write("filters", value!({"TrafficMirrorFilters": filters}).to_string());
    let run = mirror_pcap().within(&scratch).args(["simulate", "--config", "filters"]);
    let run = run.args(["--config", "sessions", "--config"]);
    let report = json(run.arg(lab("describe-network-interfaces.json")).arg(source()));
    let assumed = report["assumptions"].as_array().unwrap();
    assert!(assumed.iter().any(|one| one["assumption"] == "reject-goes-on"), "{assumed:?}");
}

#[test]
fn what_documents_leave_open_is_told_before_any_packet_is_read() {
    let scratch = Scratch::new();
    let filters = [filter("tmf-0a", &[rule("egress", 1, "reject")], false)];
    let interfaces = lab("describe-network-interfaces.json");
    let known = session("tms-1", ENI, "tmf-0a", 1);
    let foreign = session("tms-2", "eni-2", "tmf-0f", 1);
    let both = [known.clone(), foreign];
    let complaint = |run: Run| {
        let seen = run.arg("--quiet").fails_with(2).stdout("");
        seen.stderr.lines().last().unwrap().to_owned()
    };
    same(
        &complaint(with(&scratch, &filters, &both)),
        "mirror-pcap: no document describes the filter of tms-2; --session names those to simulate",
    );
    with(&scratch, &filters, &both).args(["--session", "tms-1"]).succeeds();
    with(&scratch, &filters, &both).args(["--eni", ENI]).succeeds();
    same(
        &complaint(with(&scratch, &filters, &both).args(["--session", "tms-9"])),
        "mirror-pcap: --session tms-9: not in the documents, which have tms-1, tms-2",
    );
    same(
        &complaint(with(&scratch, &filters, &both).args(["--eni", "eni-9"])),
        "mirror-pcap: --eni eni-9: no document describes it; --mac and --local say what is its own",
    );
    let two = [known, session("tms-2", "eni-0d000000000000002", "tmf-0a", 1)];
    same(
        &complaint(with(&scratch, &filters, &two).args(["--local", "10.0.1.10"])),
        "mirror-pcap: --mac and --local are of one interface, and the documents have sessions of 2 \
         interfaces; name one with --eni",
    );
    let nothing = mirror_pcap().arg("simulate").arg("--config").arg(interfaces).arg(source());
    same(&complaint(nothing), "mirror-pcap: --config: the documents have no session to simulate");
}

#[test]
fn a_filter_is_named_behind_the_last_hash_unless_a_file_has_that_name() {
    let scratch = Scratch::new();
    let one = |id| filter(id, &[rule("egress", 1, "accept")], false);
    let two = value!({"TrafficMirrorFilters": [one("tmf-0a"), one("tmf-0b")]}).to_string();
    scratch.write("two", &two);
    scratch.write("one", value!({"TrafficMirrorFilters": [one("tmf-0c")]}).to_string());
    scratch.write("two#tmf-0a", value!({"TrafficMirrorFilters": [one("tmf-0d")]}).to_string());
    scratch.write("empty", "{\"TrafficMirrorFilters\": []}");
    let with = |filter: &str| {
        let run = mirror_pcap().within(&scratch).args(["simulate", "--local", "10.0.1.10"]);
        run.args(["--filter", filter]).arg(source())
    };
    for (filter, id) in [
        ("one", "tmf-0c"),
        ("one#tmf-0c", "tmf-0c"),
        ("two#tmf-0b", "tmf-0b"),
        ("two#tmf-0a", "tmf-0d"),
    ] {
        assert_eq!(json(with(filter))["rules"][0]["filter"], id, "{filter}");
    }
    for (filter, said) in [
        ("two", "two: found 2 filters, expected one; give DOC#ID: it has tmf-0a, tmf-0b"),
        ("two#x", "two: found no filter \"x\"; it has tmf-0a, tmf-0b"),
        ("one#\u{1b}", "one: found no filter \"\\u{1b}\"; it has tmf-0c"),
        ("empty", "empty: found no mirror filter"),
        ("none#tmf-0a", "none: No such file or directory"),
    ] {
        with(filter).fails_with(2).stdout("").stderr(&format!("mirror-pcap: {said}\n"));
    }
}

/// Of a document that has sessions beside the filter, the filter alone is asked about. That a packet
/// came through one of these sessions made its interface another one than that of the filter, and
/// every packet undecided.
#[test]
fn a_filter_judges_what_came_through_sessions_that_its_document_describes() {
    let scratch = Scratch::new();
    let wrapped = testdata().join("captures/lab-d/input.pcapng");
    let rules = ["ingress", "egress"].map(|direction| rule(direction, 5, "accept"));
    let session = |id: &str, eni: &str, vni: u32| {
        let mut session = session(id, eni, "tmf-0f", 1);
        session["VirtualNetworkId"] = vni.into();
        session
    };
    let document = |sessions: &[Value]| {
        value!({
            "TrafficMirrorFilters": [filter("tmf-0a", &rules, true)],
            "TrafficMirrorSessions": sessions,
            "NetworkInterfaces": [{
                "NetworkInterfaceId": ENI, "MacAddress": "02:15:0a:00:01:0f",
                "PrivateIpAddress": "10.0.1.15"
            }, {
                "NetworkInterfaceId": "eni-2", "MacAddress": "02:15:0a:00:02:0f",
                "PrivateIpAddress": "10.0.2.15"
            }],
        })
        .to_string()
    };
    let of_it = session("tms-1", ENI, 308_308);
    let of_another = session("tms-2", "eni-2", 7);
    scratch.write("none", document(&[]));
    scratch.write("one", document(std::slice::from_ref(&of_it)));
    scratch.write("two", document(&[of_it, of_another]));
    mirror_pcap().arg("strip").arg(&wrapped).arg(scratch.path("stripped")).succeeds();
    let by = |document: &str, capture: &Path, more: &[&str]| {
        let run = mirror_pcap().within(&scratch).args(["simulate", "--filter", document]);
        json(run.arg(capture).args(more))
    };
    for capture in [&wrapped, &scratch.path("stripped")] {
        let without = by("none", capture, &[]);
        assert_eq!(without["verdicts"]["mirrored"]["packets"], 34, "all of IPv4");
        for document in ["one", "two"] {
            for more in [&[][..], &["--eni", ENI]] {
                let with = by(document, capture, more);
                assert_eq!(with["reasons"]["unknown-session"], Value::Null, "{document} {more:?}");
                assert_eq!(with["from_sessions"], 58);
                assert_eq!(with["rules"], without["rules"], "{document} {more:?}");
            }
        }
        // Of the other interface, these packets say nothing.
        let other = by("two", capture, &["--eni", "eni-2"]);
        assert_eq!(other["verdicts"]["mirrored"]["packets"], 0);
        assert_eq!(other["reasons"]["unknown-session"]["packets"], 58);
    }
}

#[test]
fn rules_that_aws_would_refuse_are_told_all_at_once() {
    let scratch = Scratch::new();
    scratch.write(
        "f",
        value!({"TrafficMirrorFilters": [filter("tmf-0a", &[
            rule("egress", 1, "accept"), rule("egress", 1, "reject")
        ], false)]})
        .to_string(),
    );
    let run = mirror_pcap().within(&scratch).args(["simulate", "--filter", "f"]).arg(source());
    run.fails_with(2).stdout("").stderr_has("rule 1 (egress): number already used");
}

/// Each interface sees the packet its own way.
#[test]
fn a_packet_between_two_interfaces_is_judged_for_both() {
    let scratch = Scratch::new();
    let other = "eni-0d000000000000077";
    scratch.write(
        "other",
        value!({"NetworkInterfaces": [{
            "NetworkInterfaceId": other, "MacAddress": "0a:5e:c0:de:00:aa",
            "PrivateIpAddress": "10.0.3.20"
        }]})
        .to_string(),
    );
    let filters = [
        filter("tmf-0a", &[rule("egress", 1, "accept")], false),
        filter("tmf-0b", &[rule("ingress", 2, "accept")], false),
    ];
    let sessions = [session("tms-1", ENI, "tmf-0a", 1), session("tms-2", other, "tmf-0b", 1)];
    let run = || with(&scratch, &filters, &sessions).args(["--config", "other"]);
    let seen = run().args(["--each", "--quiet"]).succeeds();
    let text = String::from_utf8(seen.stdout).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of: Vec<_> = lines.iter().filter(|line| line["packet"] == 21).collect();
    let seen: Vec<_> =
        of.iter().map(|line| (&line["eni"], &line["direction"], &line["rule"])).collect();
    assert_eq!(
        seen,
        [
            (&value!(ENI), &value!("egress"), &value!(1)),
            (&value!(other), &value!("ingress"), &value!(2))
        ]
    );
    assert_eq!(lines.len(), 67 + 6, "the six packets of that conversation");
}

#[test]
fn only_the_sessions_asked_for_are_simulated() {
    let all =
        with_verdict(simulate(&source()).args(["--session", "tms-0d00000000000000d"]), "mirrored");
    assert_eq!(all, https());
    knowing(mirror_pcap().arg("simulate"))
        .arg(source())
        .args(["--eni", "eni-0d000000000000002"])
        .fails_with(2)
        .stderr_has("no session to simulate");
}

/// The source of Lab D as its target gets it, from a session of its own.
fn wrapped(scratch: &Scratch, vni: &str, source_address: &str) {
    let wrap = mirror_pcap().args(["wrap", "-q", "--vni", vni, "--source", source_address]);
    wrap.args(["--force", "--target", "10.0.2.20"])
        .arg(source())
        .arg(scratch.path("in"))
        .succeeds();
}

/// Two interfaces that no document describes were taken for one, and the first session that takes a
/// packet mirrored what came from the second.
#[test]
fn sessions_of_interfaces_that_nobody_knows_are_not_of_one() {
    let scratch = Scratch::new();
    let filters = [
        filter("tmf-0a", &[rule("egress", 1, "accept")], false),
        filter("tmf-0b", &[rule("egress", 7, "accept")], false),
    ];
    scratch.write("filters", value!({"TrafficMirrorFilters": filters}).to_string());
    let session = |id: &str, vni: u32, filter: &str| {
        value!({
            "id": id, "name": null, "description": null, "number": vni, "vni": vni,
            "packet_length": null, "eni": null, "target": null,
            "filter": { "id": filter, "name": null, "description": null }
        })
    };
    let sessions = [session("tms-1", 1, "tmf-0a"), session("tms-2", 2, "tmf-0b")];
    let document = value!({"schema": "mirror-pcap/sessions/1", "sessions": sessions});
    scratch.write("sessions", document.to_string());
    for (vni, rule) in [("1", 1), ("2", 7)] {
        wrapped(&scratch, vni, "10.0.1.10");
        let run = || {
            let run =
                mirror_pcap().within(&scratch).args(["simulate", "in", "--config", "filters"]);
            run.args(["--config", "sessions"])
        };
        let seen = run().args(["--each", "--quiet"]).succeeds();
        let first = seen.stdout.split(|byte| *byte == b'\n').next().unwrap();
        let first: Value = serde_json::from_slice(first).unwrap();
        assert_eq!((&first["verdict"], &first["rule"]), (&value!("mirrored"), &value!(rule)));
        if vni == "2" {
            let seen = run().succeeds();
            let text = String::from_utf8(seen.stdout).unwrap();
            assert!(text.contains("  never hit: tms-1 egress 1\n"), "{text}");
        }
    }
}

/// The only interface of the documents was taken for that of every session.
#[test]
fn a_session_that_is_none_of_the_only_interface_is_unknown() {
    let scratch = Scratch::new();
    wrapped(&scratch, "9", "10.0.1.99");
    let report = json(simulate(Path::new("in")).within(&scratch));
    assert_eq!(report["verdicts"]["mirrored"]["packets"], 0);
    assert_eq!(report["reasons"]["unknown-session"]["packets"], 60);
}

/// A document that knows sessions beside the filter left all that came from one of them undecided.
#[test]
fn what_a_filter_would_do_is_asked_whatever_sessions_its_document_knows() {
    let scratch = Scratch::new();
    wrapped(&scratch, "308308", "10.0.1.10");
    let told = |document: &str| {
        let run = mirror_pcap().within(&scratch).args(["simulate", "in", "--filter"]);
        let run = run.arg(lab(document)).args(["--mac", "0a:5e:c0:de:00:01"]);
        with_verdict(run, "mirrored")
    };
    let mirrored = told("describe-traffic-mirror-filters.json");
    assert_eq!(mirrored, https());
    assert_eq!(told("terraform-state.json"), mirrored);
}

/// But not of an interface that isn't the one that was named.
#[test]
fn a_session_of_another_interface_than_the_named_one_is_not_asked_about() {
    let scratch = Scratch::new();
    let resource = |kind: &str, properties: Value| value!({ "Type": format!("AWS::EC2::{kind}"), "Properties": properties });
    let session = |eni: &str, vni: u32| {
        resource(
            "TrafficMirrorSession",
            value!({
                "NetworkInterfaceId": eni, "SessionNumber": 1, "VirtualNetworkId": vni,
                "TrafficMirrorFilterId": { "Ref": "Filter" }, "TrafficMirrorTargetId": "tmt-0e"
            }),
        )
    };
    let all = value!({
        "TrafficMirrorFilterId": { "Ref": "Filter" }, "TrafficDirection": "egress",
        "RuleNumber": 1, "RuleAction": "accept", "SourceCidrBlock": "0.0.0.0/0",
        "DestinationCidrBlock": "0.0.0.0/0"
    });
    let template = value!({ "Resources": {
        "Filter": resource("TrafficMirrorFilter", value!({})),
        "Rule": resource("TrafficMirrorFilterRule", all),
        "One": session("eni-0a", 1), "Two": session("eni-0b", 2)
    }});
    scratch.write("template", template.to_string());
    for (vni, reason) in [("1", "rule"), ("2", "unknown-session")] {
        wrapped(&scratch, vni, "10.0.1.10");
        let run = mirror_pcap().within(&scratch).args(["simulate", "in", "--filter", "template"]);
        let seen = run.args(["--eni", "eni-0a", "--each", "--quiet"]).succeeds();
        let first = seen.stdout.split(|byte| *byte == b'\n').next().unwrap();
        let first: Value = serde_json::from_slice(first).unwrap();
        assert_eq!(first["reason"], reason, "{vni}");
    }
}
