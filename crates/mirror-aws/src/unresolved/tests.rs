//! What is open is just what rests on a value that isn't known.

use std::net::IpAddr;

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{Document, Estate, Parameters, read};

fn reading(template: &str, params: &[(String, &str)]) -> Estate {
    let mut given = Parameters::new().shared();
    for (name, value) in params {
        given.add(&format!("{name}={value}")).unwrap();
    }
    let documents = [Document { name: "t.yaml", bytes: template.as_bytes() }];
    read(&documents, &given).unwrap_or_else(|problems| panic!("{problems}\n{template}"))
}

/// What is open in a template without any parameter given: the end of the path, and what it leaves.
fn open(resources: &str) -> Vec<(String, Open)> {
    let template = format!("Parameters: {{ P: {{ Type: String }} }}\n{resources}");
    let estate = reading(&template, &[]);
    let end = |one: &Unresolved| one.place.path.rsplit('/').next().unwrap().to_owned();
    assert!(estate.unresolved.iter().all(|one| one.param.as_deref() == Some("P")));
    estate.unresolved.iter().map(|one| (end(one), one.leaves)).collect()
}

const RULE: &str = "TrafficDirection: ingress, RuleAction: accept, SourceCidrBlock: 0.0.0.0/0";

fn rule(name: &str, more: &str, properties: &str) -> String {
    format!(
        "  {name}: {{ Type: AWS::EC2::TrafficMirrorFilterRule, {more}Properties: {{ {RULE}, {properties} }} }}\n"
    )
}

#[test]
fn a_rule_leaves_open_its_filter_and_one_of_no_known_filter_all() {
    let filters = "Conditions: { C: !Equals [!Ref P, x] }\nResources:\n  \
                   A: { Type: AWS::EC2::TrafficMirrorFilter }\n  \
                   B: { Type: AWS::EC2::TrafficMirrorFilter, Condition: C }\n";
    let known = "RuleNumber: 1, DestinationCidrBlock: 10.0.0.0/8";
    let of = |name: &str| format!("TrafficMirrorFilterId: !Ref {name}, {known}");
    assert_eq!(open(filters), [("Condition".to_owned(), Open::Filter(1))]);
    let all = [
        filters,
        &rule("R0", "", &of("A")),
        // Its filter is there if it is.
        &rule("R1", "Condition: C, ", &of("B")),
        &rule("R2", "", &of("P")),
        &rule(
            "R3",
            "",
            "TrafficMirrorFilterId: !Ref A, RuleNumber: !Ref P, DestinationCidrBlock: !Ref P",
        ),
        &rule(
            "R4",
            "",
            "TrafficMirrorFilterId: tmf-1, RuleNumber: 2, DestinationCidrBlock: !Ref P",
        ),
    ];
    let leaves: Vec<Open> = open(&all.concat()).into_iter().map(|(_, leaves)| leaves).collect();
    let a = Open::Filter(0);
    assert_eq!(leaves, [Open::Filter(1), Open::Filter(1), Open::AnyFilter, a, a, Open::Filter(2)]);
}

#[test]
fn a_switch_that_is_not_known_leaves_its_filter_open() {
    let filter = "Resources:\n  F: { Type: AWS::EC2::TrafficMirrorFilter, Properties: { \
                  Description: !Ref P, NetworkServices: [!Ref P] } }\n";
    // A text for people does not.
    assert_eq!(open(filter), [("0".to_owned(), Open::Filter(0))]);
}

/// By the first address packets are found; of a list with a hole nobody knows which that is.
#[test]
fn an_interface_with_an_unknown_address_has_none() {
    let interface = |addresses: &str| {
        format!(
            "Parameters: {{ P: {{ Type: String }} }}\nResources:\n  \
             E: {{ Type: AWS::EC2::NetworkInterface, Properties: {{ {addresses} }} }}\n  \
             S: {{ Type: AWS::EC2::TrafficMirrorSession, Properties: {{ NetworkInterfaceId: !Ref E, \
             SessionNumber: 1, TrafficMirrorFilterId: tmf-1, TrafficMirrorTargetId: tmt-1, \
             VirtualNetworkId: 7 }} }}\n"
        )
    };
    let template =
        interface("PrivateIpAddress: !Ref P, PrivateIpAddresses: [{ PrivateIpAddress: 10.0.0.9 }]");
    let estate = reading(&template, &[]);
    assert_eq!(estate.unresolved.len(), 1);
    assert_eq!(estate.unresolved[0].leaves, Open::Interface);
    assert!(estate.enis[0].addresses.is_empty());
    let estate = reading(&template, &[("P".to_owned(), "10.0.0.5")]);
    assert_eq!(estate.unresolved, []);
    assert_eq!(estate.enis[0].addresses.len(), 2);

    // A primary address stays: without it any packet with the VNI would be of the session.
    for addresses in [
        "PrivateIpAddress: 10.0.0.5, Ipv6Addresses: [{ Ipv6Address: !Ref P }]",
        "PrivateIpAddresses: [{ PrivateIpAddress: !Ref P, Primary: false }, { PrivateIpAddress: \
         10.0.0.5, Primary: true }]",
    ] {
        let estate = reading(&interface(addresses), &[]);
        assert_eq!(estate.unresolved.len(), 1, "{addresses}");
        let known: IpAddr = "10.0.0.5".parse().unwrap();
        assert_eq!(estate.enis[0].addresses, [known], "{addresses}");
    }
}

#[test]
fn one_value_in_many_places_and_behind_a_condition_is_one_problem() {
    let template = "Parameters: { P: { Type: String } }\nConditions: { C: !Equals [!Ref P, x] }\n\
                    Resources:\n  A: { Type: AWS::EC2::TrafficMirrorFilter, Condition: C }\n";
    let template = (0..8).fold(template.to_owned(), |text, n| {
        let rule = rule(
            &format!("R{n}"),
            "",
            &format!(
                "TrafficMirrorFilterId: !Ref A, RuleNumber: {n}, DestinationCidrBlock: !Ref P"
            ),
        );
        text + &rule
    });
    let estate = reading(&template, &[]);
    let problems: Vec<Problem> = estate.unresolved.iter().map(Unresolved::error).collect();
    let told = crate::once(&problems);
    assert_eq!((problems.len(), told.len()), (9, 1));
    let text = told[0].to_string();
    assert!(text.starts_with("t.yaml:4: /Resources/A/Condition: unresolved: "), "{text}");
    assert!(text.contains("; give --param P=VALUE (in 9 places, also line 5: "), "{text}");
    assert_eq!(text.matches("--param").count(), 1);
}

/// The fields of a template whose values are parameters: name, what the value is of, value.
const FIELDS: [(&str, &str, &str); 14] = [
    ("F0.NetworkServices", "f0", "amazon-dns"),
    ("R0.RuleNumber", "f0", "7"),
    ("R0.Protocol", "f0", "6"),
    ("R0.SourceCidrBlock", "f0", "10.0.0.0/8"),
    ("R0.DestinationPortRange", "f0", "443"),
    ("R1.TrafficDirection", "f1", "egress"),
    ("R1.RuleAction", "f1", "reject"),
    ("R1.DestinationCidrBlock", "f1", "10.0.0.0/8"),
    ("S.SessionNumber", "s", "3"),
    ("S.VirtualNetworkId", "s", "9"),
    ("S.PacketLength", "s", "100"),
    ("S.NetworkInterfaceId", "s", "eni-1"),
    ("S.TrafficMirrorTargetId", "s", "tmt-1"),
    ("T.NetworkInterfaceId", "t", "eni-2"),
];

fn template() -> String {
    let mut text = "Parameters:\n".to_owned();
    for n in 0..FIELDS.len() {
        text += &format!("  P{n}: {{ Type: String }}\n");
    }
    text + "Resources:
  F0: { Type: AWS::EC2::TrafficMirrorFilter, Properties: { NetworkServices: [!Ref P0] } }
  R0: { Type: AWS::EC2::TrafficMirrorFilterRule, Properties: { TrafficMirrorFilterId: !Ref F0, TrafficDirection: ingress, RuleNumber: !Ref P1, RuleAction: accept, Protocol: !Ref P2, SourceCidrBlock: !Ref P3, DestinationCidrBlock: 0.0.0.0/0, DestinationPortRange: { FromPort: !Ref P4, ToPort: !Ref P4 } } }
  F1: { Type: AWS::EC2::TrafficMirrorFilter }
  R1: { Type: AWS::EC2::TrafficMirrorFilterRule, Properties: { TrafficMirrorFilterId: !Ref F1, TrafficDirection: !Ref P5, RuleNumber: 1, RuleAction: !Ref P6, SourceCidrBlock: 0.0.0.0/0, DestinationCidrBlock: !Ref P7 } }
  S: { Type: AWS::EC2::TrafficMirrorSession, Properties: { TrafficMirrorFilterId: !Ref F0, SessionNumber: !Ref P8, VirtualNetworkId: !Ref P9, PacketLength: !Ref P10, NetworkInterfaceId: !Ref P11, TrafficMirrorTargetId: !Ref P12 } }
  T: { Type: AWS::EC2::TrafficMirrorTarget, Properties: { NetworkInterfaceId: !Ref P13 } }
"
}

proptest! {
    /// Whatever is missing: what is said to be known is what it is with everything given, and what
    /// rests on a missing value is said to be open.
    #[test]
    fn what_is_not_open_is_as_with_all_values_and_what_lacks_one_is_open(
        missing in prop::collection::btree_set(0..FIELDS.len(), 0..6),
    ) {
        let value = |n: usize| (format!("P{n}"), FIELDS[n].2);
        let all: Vec<_> = (0..FIELDS.len()).map(value).collect();
        let some: Vec<_> = (0..FIELDS.len()).filter(|n| !missing.contains(n)).map(value).collect();
        let (whole, partly) = (reading(&template(), &all), reading(&template(), &some));
        prop_assert_eq!(&whole.unresolved, &[]);
        let lack = |of: &str| missing.iter().any(|n| FIELDS[*n].1 == of);
        for (at, of) in ["f0", "f1"].into_iter().enumerate() {
            let is_open = partly.leaving(|open| open == Open::Filter(at)).next().is_some();
            prop_assert_eq!(is_open, lack(of), "{}", of);
            prop_assert!(is_open || partly.filters[at] == whole.filters[at], "{}", of);
        }
        let params: BTreeSet<_> =
            partly.unresolved.iter().filter_map(|one| one.param.clone()).collect();
        let want: BTreeSet<_> = missing.iter().map(|n| format!("P{n}")).collect();
        prop_assert_eq!(params, want);
        // Of the session, each field alone.
        let (is, was) = (&partly.sessions[0].session, &whole.sessions[0].session);
        let lacks = |n: usize| missing.contains(&n);
        prop_assert_eq!(is.number, was.number.filter(|_| !lacks(8)));
        prop_assert_eq!(is.vni, was.vni.filter(|_| !lacks(9)));
        prop_assert_eq!(is.packet_length, was.packet_length.filter(|_| !lacks(10)));
        prop_assert_eq!(&is.eni, &was.eni.clone().filter(|_| !lacks(11)));
        prop_assert_eq!(&is.target, &was.target.clone().filter(|_| !lacks(12)));
    }
}
