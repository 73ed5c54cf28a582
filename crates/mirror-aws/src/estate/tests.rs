//! Documents that fit together only in part.

use serde_json::{Value, json};

use super::*;
use crate::{Document, Parameters, read};

fn reading(documents: &[Value]) -> Result<Estate, Problems> {
    let texts: Vec<String> = documents.iter().map(ToString::to_string).collect();
    let documents: Vec<Document<'_>> = texts
        .iter()
        .zip(["a", "b", "c", "d"])
        .map(|(text, name)| Document { name, bytes: text.as_bytes() })
        .collect();
    read(&documents, &Parameters::new())
}

#[track_caller]
fn estate(documents: &[Value]) -> Estate {
    reading(documents).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The errors and warnings, one a line.
fn says(documents: &[Value]) -> Vec<String> {
    match reading(documents) {
        Ok(estate) => estate.warnings.iter().map(ToString::to_string).collect(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

fn rule(id: &str, filter: &str, number: u32) -> Value {
    json!({
        "TrafficMirrorFilterRuleId": id, "TrafficMirrorFilterId": filter,
        "TrafficDirection": "ingress", "RuleNumber": number, "RuleAction": "accept",
        "SourceCidrBlock": "0.0.0.0/0", "DestinationCidrBlock": "0.0.0.0/0"
    })
}

fn filter(id: &str, ingress: &[Value]) -> Value {
    json!({"TrafficMirrorFilters": [{
        "TrafficMirrorFilterId": id, "IngressFilterRules": ingress, "EgressFilterRules": [],
        "NetworkServices": []
    }]})
}

fn rules(rules: &[Value]) -> Value {
    json!({"TrafficMirrorFilterRules": rules})
}

fn session(id: &str, eni: &str, vni: u32) -> Value {
    json!({
        "TrafficMirrorSessionId": id, "NetworkInterfaceId": eni, "TrafficMirrorFilterId": "tmf-0f",
        "TrafficMirrorTargetId": "tmt-0e", "SessionNumber": 1, "VirtualNetworkId": vni
    })
}

fn interface(id: &str, mac: &str, address: &str) -> Value {
    json!({"NetworkInterfaceId": id, "MacAddress": mac, "PrivateIpAddress": address})
}

fn numbers(filter: &KnownFilter) -> Vec<u32> {
    filter.filter.rules.iter().map(|rule| rule.number).collect()
}

#[test]
fn rules_come_from_several_documents_each_once_and_in_order() {
    let estate = estate(&[
        filter("tmf-0f", &[rule("tmfr-2", "tmf-0f", 20)]),
        rules(&[rule("tmfr-3", "tmf-0f", 30), rule("tmfr-2", "tmf-0f", 20)]),
        rules(&[rule("tmfr-1", "tmf-0f", 10)]),
    ]);
    assert_eq!(numbers(&estate.filters[0]), [10, 20, 30]);
    let documents: Vec<&str> =
        estate.filters[0].rules.iter().map(|place| place.document.as_str()).collect();
    assert_eq!(documents, ["c", "a", "b"], "each place is that of its rule");
}

#[test]
fn a_rule_or_filter_described_in_two_ways_names_both_places() {
    assert_eq!(
        says(&[
            filter("tmf-0f", &[rule("tmfr-1", "tmf-0f", 10)]),
            rules(&[rule("tmfr-1", "tmf-0f", 11)]),
        ]),
        ["b:1: /TrafficMirrorFilterRules/0: rule \"tmfr-1\" is described differently at a:1: \
          /TrafficMirrorFilters/0/IngressFilterRules/0"]
    );
    let mut dns = filter("tmf-0f", &[]);
    dns["TrafficMirrorFilters"][0]["NetworkServices"] = json!(["amazon-dns"]);
    assert_eq!(
        says(&[filter("tmf-0f", &[]), dns]).first().unwrap(),
        "b:1: /TrafficMirrorFilters/0: filter \"tmf-0f\" is described differently at a:1: \
         /TrafficMirrorFilters/0"
    );
}

#[test]
fn a_number_used_twice_in_one_direction_is_an_error_and_in_both_is_not() {
    let mut other = rule("tmfr-2", "tmf-0f", 10);
    let one = rule("tmfr-1", "tmf-0f", 10);
    assert_eq!(
        says(&[filter("tmf-0f", &[one.clone(), other.clone()])]),
        [
            "a:1: /TrafficMirrorFilters/0/IngressFilterRules/1: rule 10 (ingress): number already used \
          at a:1: /TrafficMirrorFilters/0/IngressFilterRules/0"
        ]
    );
    other["TrafficDirection"] = json!("egress");
    assert_eq!(says(&[filter("tmf-0f", &[one]), rules(&[other])]), [""; 0]);
}

#[test]
fn a_filter_known_by_its_rules_alone_is_made_of_them() {
    let estate = estate(&[rules(&[rule("tmfr-1", "tmf-0f", 10), rule("tmfr-2", "tmf-0a", 10)])]);
    let ids: Vec<Option<&str>> =
        estate.filters.iter().map(|one| one.filter.id.as_deref()).collect();
    assert_eq!(ids, [Some("tmf-0f"), Some("tmf-0a")]);
    assert_eq!(estate.warnings.len(), 2);
    assert!(estate.warnings[0].to_string().ends_with("read as no"), "{}", estate.warnings[0]);
}

#[test]
fn a_filter_without_rules_is_told_and_one_whose_rules_were_cut_away_is_an_error() {
    let dns = json!({"TrafficMirrorFilters": [{
        "TrafficMirrorFilterId": "tmf-0f", "IngressFilterRules": [], "EgressFilterRules": [],
        "NetworkServices": ["amazon-dns"]
    }]});
    assert_eq!(
        says(&[dns]),
        [
            "a:1: /TrafficMirrorFilters/0: warning: found a filter without rules: only Amazon DNS is \
          mirrored"
        ]
    );
    assert_eq!(
        says(&[filter("tmf-0f", &[])]),
        [
            "a:1: /TrafficMirrorFilters/0: warning: found a filter without rules: nothing is mirrored"
        ]
    );
    let cut = json!([{"TrafficMirrorFilterId": "tmf-0f"}]);
    assert_eq!(
        says(std::slice::from_ref(&cut)),
        [
            "a:1: /0: found no IngressFilterRules or no EgressFilterRules, expected both; [] says that \
          there are none"
        ]
    );
    let estate = estate(&[cut, rules(&[rule("tmfr-1", "tmf-0f", 10)])]);
    assert_eq!(numbers(&estate.filters[0]), [10]);
    assert_eq!(estate.warnings, []);
}

#[test]
fn sessions_of_foreign_accounts_keep_the_ids_that_nobody_describes() {
    let sessions: Vec<Value> =
        (1..=3).map(|n| session(&format!("tms-{n}"), &format!("eni-{n}"), n)).collect();
    let estate = estate(&[json!({"TrafficMirrorSessions": sessions})]);
    let first = &estate.sessions[0].session;
    assert_eq!(first.eni.as_ref().unwrap().id.as_deref(), Some("eni-1"));
    assert_eq!(first.filter.as_ref().unwrap().id.as_deref(), Some("tmf-0f"));
    assert_eq!(first.target.as_ref().unwrap().id.as_deref(), Some("tmt-0e"));
    assert_eq!(estate.sessions[0].filter, None);
    let says: Vec<String> = estate.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        says,
        [
            "a:1: /TrafficMirrorSessions/0: warning: 3 sessions are found by VNI alone, as no \
             document describes their network interfaces, the first \"eni-1\"",
            "a:1: /TrafficMirrorSessions/0: warning: 3 sessions name a target that no document \
             describes, the first \"tmt-0e\"",
            "a:1: /TrafficMirrorSessions/0: warning: 3 sessions name a filter that no document \
             describes, the first \"tmf-0f\"",
        ]
    );
}

#[test]
fn a_session_described_twice_counts_once_or_is_an_error() {
    let one = |vni| json!({"TrafficMirrorSessions": [session("tms-1", "eni-1", vni)]});
    let mut twice = one(7);
    twice["NextToken"] = Value::Null;
    assert_eq!(estate(&[one(7), twice]).sessions.len(), 1);
    assert!(
        says(&[one(7), one(8)]).contains(
            &"b:1: /TrafficMirrorSessions/0: session \"tms-1\" is described differently at a:1: \
              /TrafficMirrorSessions/0"
                .to_owned()
        )
    );
}

#[test]
fn two_descriptions_of_an_interface_add_up_unless_they_contradict_each_other() {
    let interfaces = |all: &[Value]| json!({"NetworkInterfaces": all});
    let one = interface("eni-1", "02:00:00:00:00:01", "10.0.1.10");
    let instance = json!({"format_version": "1.0", "values": {"root_module": {"resources": [{
        "address": "aws_instance.web", "mode": "managed", "type": "aws_instance", "name": "web",
        "values": {
            "primary_network_interface_id": "eni-1", "private_ip": "10.0.1.10",
            "ipv6_addresses": ["2001:db8::10"]
        }
    }]}}});
    let estate = estate(&[instance, interfaces(std::slice::from_ref(&one))]);
    let [eni] = estate.enis.as_slice() else { panic!("{:?}", estate.enis) };
    assert_eq!(eni.mac.unwrap().to_string(), "02:00:00:00:00:01");
    assert_eq!(eni.addresses.len(), 2);

    for other in [
        interface("eni-1", "02:00:00:00:00:02", "10.0.1.10"),
        interface("eni-1", "02:00:00:00:00:01", "10.0.1.11"),
    ] {
        assert_eq!(
            says(&[interfaces(&[one.clone(), other])]),
            [
                "a:1: /NetworkInterfaces/1: network interface \"eni-1\" is described differently at a:1: \
              /NetworkInterfaces/0"
            ]
        );
    }
}

#[test]
fn the_primary_address_comes_first_wherever_it_stands() {
    let estate = estate(&[json!({"NetworkInterfaces": [{
        "NetworkInterfaceId": "eni-1", "MacAddress": "02:00:00:00:00:01",
        "PrivateIpAddresses": [
            {"PrivateIpAddress": "10.0.1.11", "Primary": false},
            {"PrivateIpAddress": "10.0.1.10", "Primary": true}
        ],
        "Ipv6Addresses": [
            {"Ipv6Address": "2001:db8::11"},
            {"Ipv6Address": "2001:db8::10", "IsPrimaryIpv6": true}
        ],
        "Ipv4Prefixes": [{"Ipv4Prefix": "10.0.9.0/28"}]
    }]})]);
    let addresses: Vec<String> = estate.enis[0].addresses.iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["10.0.1.10", "10.0.1.11", "2001:db8::10", "2001:db8::11"]);
    assert_eq!(estate.enis[0].prefixes[0].to_string(), "10.0.9.0/28");
}

#[test]
fn a_page_that_is_not_the_last_says_so() {
    let mut page = filter("tmf-0f", &[rule("tmfr-1", "tmf-0f", 10)]);
    page["NextToken"] = json!("eyJ2Ijo");
    assert_eq!(
        says(std::slice::from_ref(&page)),
        [
            "a:1: /NextToken: warning: found NextToken: these are not all TrafficMirrorFilters, give \
          the pages after it too"
        ]
    );
    let last = filter("tmf-0a", &[rule("tmfr-2", "tmf-0a", 10)]);
    assert_eq!(says(&[page.clone(), last.clone()]), [""; 0]);
    assert_eq!(says(&[last.clone(), page.clone()]), [""; 0]);
    assert_eq!(says(&[json!([page.clone(), last])]), [""; 0], "pages in a list");
    assert_eq!(
        says(&[page, rules(&[rule("tmfr-1", "tmf-0f", 10)])]).len(),
        1,
        "the last page of something else"
    );
}

#[test]
fn names_of_one_template_mean_nothing_in_another() {
    let template = |number: u32| {
        json!({"Resources": {
            "Filter": {"Type": "AWS::EC2::TrafficMirrorFilter"},
            "Rule": {"Type": "AWS::EC2::TrafficMirrorFilterRule", "Properties": {
                "TrafficMirrorFilterId": {"Ref": "Filter"}, "TrafficDirection": "egress",
                "RuleNumber": number, "RuleAction": "accept",
                "SourceCidrBlock": "0.0.0.0/0", "DestinationCidrBlock": "0.0.0.0/0"
            }}
        }})
    };
    let estate = estate(&[template(1), template(2)]);
    let found: Vec<(&str, Vec<u32>)> =
        estate.filters.iter().map(|one| (one.place.document.as_str(), numbers(one))).collect();
    assert_eq!(found, [("a", vec![1]), ("b", vec![2])]);
    assert!(estate.filters.iter().all(|one| one.is_called("Filter")));
}

#[test]
fn a_rule_that_two_filters_have_is_said() {
    let documents =
        [filter("tmf-0a", &[rule("tmfr-1", "tmf-0a", 1)]), rules(&[rule("tmfr-1", "tmf-0b", 1)])];
    let said = says(&documents);
    assert_eq!(
        said[0],
        "b:1: /TrafficMirrorFilterRules/0: rule \"tmfr-1\" is of another filter at a:1: \
         /TrafficMirrorFilters/0/IngressFilterRules/0"
    );
    // A rule of one filter may be in two answers.
    let again =
        [filter("tmf-0a", &[rule("tmfr-1", "tmf-0a", 1)]), rules(&[rule("tmfr-1", "tmf-0a", 1)])];
    assert_eq!(estate(&again).filters[0].filter.rules.len(), 1);
}

/// `/TrafficMirrorFilters/1` is how `/TrafficMirrorFilters/10` begins.
#[test]
fn a_rule_of_the_eleventh_filter_is_not_within_the_second() {
    let mut filters: Vec<Value> = (0..10)
        .map(|n| json!({"TrafficMirrorFilterId": format!("tmf-{n}"), "IngressFilterRules": [], "EgressFilterRules": []}))
        .collect();
    filters[1] = json!({"TrafficMirrorFilterId": "tmf-1"});
    filters.push(json!({
        "TrafficMirrorFilterId": "tmf-1", "EgressFilterRules": [],
        "IngressFilterRules": [rule("tmfr-1", "tmf-1", 1)]
    }));
    let estate = estate(&[json!({"TrafficMirrorFilters": filters})]);
    assert_eq!(estate.filters[1].filter.rules.len(), 1);
}

#[test]
fn an_interface_with_two_primary_addresses_is_an_error() {
    let mut one = interface("eni-0a", "02:00:00:00:00:01", "10.0.0.1");
    one["PrivateIpAddresses"] = json!([{"PrivateIpAddress": "10.0.0.2", "Primary": true}]);
    assert_eq!(
        says(&[json!({"NetworkInterfaces": [one]})]),
        [
            "a:1: /NetworkInterfaces/0/PrivateIpAddresses/0/PrivateIpAddress: found \"10.0.0.2\", expected \
          10.0.0.1, which PrivateIpAddress says is the primary one"
        ]
    );
}
