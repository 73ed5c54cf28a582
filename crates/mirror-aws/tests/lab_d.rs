//! One filter and one session in every format that is read: they have to come out the same.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail loudly; that is their job"
)]

use mirror_aws::{Document, Estate, Parameters, read};
use mirror_session::{By, Found, SessionKey};
use mirror_wire::Vni;

/// Its eight rules, as an operator says them.
const RULES: [&str; 8] = [
    "ingress 10 reject all 10.0.0.0/16 > 0.0.0.0/0",
    "ingress 20 reject all 2001:db8:1234:ab00::/56 > ::/0",
    "ingress 100 accept tcp 0.0.0.0/0 443 > 0.0.0.0/0",
    "ingress 110 accept tcp ::/0 443 > ::/0",
    "egress 10 reject all 0.0.0.0/0 > 10.0.0.0/16",
    "egress 20 reject all ::/0 > 2001:db8:1234:ab00::/56",
    "egress 100 accept tcp 0.0.0.0/0 > 0.0.0.0/0 443",
    "egress 110 accept tcp ::/0 > ::/0 443",
];

const ANSWERS: [&str; 4] = [
    "describe-traffic-mirror-filters.json",
    "describe-traffic-mirror-sessions.json",
    "describe-traffic-mirror-targets.json",
    "describe-network-interfaces.json",
];

fn file(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/aws/lab-d");
    std::fs::read(format!("{folder}/{name}")).unwrap()
}

fn lab_d(names: &[&str]) -> Estate {
    let files: Vec<Vec<u8>> = names.iter().map(|name| file(name)).collect();
    let documents: Vec<Document<'_>> =
        names.iter().zip(&files).map(|(name, bytes)| Document { name, bytes }).collect();
    read(&documents, &Parameters::new()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn rules(estate: &Estate) -> Vec<String> {
    assert_eq!(estate.filters.len(), 1);
    estate.filters[0].filter.rules.iter().map(ToString::to_string).collect()
}

#[test]
fn the_rules_are_the_same_in_every_format() {
    for names in [
        &ANSWERS[..],
        &["describe-traffic-mirror-filters.json"],
        &["describe-traffic-mirror-filter-rules.json"],
        &["describe-traffic-mirror-filters.json", "describe-traffic-mirror-filter-rules.json"],
        &["cfn.yaml"],
        &["cdk-synth.template.json"],
        &["terraform-plan.json"],
        &["terraform-state.json"],
        &["terraform-state.json", "describe-traffic-mirror-filter-rules.json"],
    ] {
        let estate = lab_d(names);
        assert_eq!(rules(&estate), RULES, "{names:?}");
        let filter = &estate.filters[0];
        assert!(!filter.filter.amazon_dns);
        assert_eq!(filter.rules.len(), 8);
        assert!(filter.rules.iter().all(|place| names.contains(&place.document.as_str())));
    }
}

#[test]
fn the_session_is_the_same_in_every_format_with_the_ids_that_the_format_has() {
    for (names, has_ids) in [
        (&ANSWERS[..], true),
        (&["terraform-state.json"], true),
        (&["terraform-plan.json"], false),
        (&["cfn.yaml"], false),
        (&["cdk-synth.template.json"], false),
    ] {
        let estate = lab_d(names);
        assert_eq!(estate.sessions.len(), 1, "{names:?}");
        let session = &estate.sessions[0].session;
        let id = |id: &str| has_ids.then(|| id.to_owned());
        assert_eq!(session.id, id("tms-0d00000000000000d"), "{names:?}");
        assert_eq!(session.filter.as_ref().unwrap().id, id("tmf-0d00000000000000d"), "{names:?}");
        assert_eq!(session.target.as_ref().unwrap().id, id("tmt-0d00000000000000d"), "{names:?}");
        // A template's session has its name there for want of an id.
        assert_eq!(session.name.is_some(), !has_ids, "{names:?}");
        assert_eq!(session.number, Some(1));
        assert_eq!(session.vni.unwrap().get(), 308_308);
        assert_eq!(session.packet_length, None);
        assert_eq!(session.eni.as_ref().unwrap().id.as_deref(), Some("eni-0d000000000000001"));
        assert_eq!(
            session.target.as_ref().unwrap().kind,
            Some(mirror_session::TargetKind::NetworkInterface("eni-0d000000000000002".into()))
        );
        assert_eq!(estate.sessions[0].filter, Some(0), "{names:?}");
    }
}

#[test]
fn with_the_interfaces_a_packet_finds_its_session_by_source_and_without_by_vni_alone() {
    let key = SessionKey {
        endpoint: None,
        source: "10.0.1.10".parse().unwrap(),
        vni: Vni::new(308_308).unwrap(),
    };
    for names in [
        &ANSWERS[..],
        &["terraform-state.json", "describe-network-interfaces.json"],
        &["cfn.yaml", "describe-network-interfaces.json"],
    ] {
        let estate = lab_d(names);
        assert!(
            matches!(estate.picture.find(&key), Found::Session { by: By::SourceAndVni, .. }),
            "{names:?}"
        );
        assert_eq!(estate.warnings, [], "{names:?}");
    }
    let alone = lab_d(&["cfn.yaml"]);
    assert!(matches!(alone.picture.find(&key), Found::Session { by: By::VniAlone, .. }));
    let warnings: Vec<String> = alone.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        ["cfn.yaml:125: /Resources/Session/Properties: warning: found by VNI alone, as no \
          document describes its network interface: \"eni-0d000000000000001\""]
    );
}

#[test]
fn a_person_s_own_parameters_win_over_the_defaults_of_a_template() {
    let bytes = file("cfn.yaml");
    let documents = [Document { name: "cfn.yaml", bytes: &bytes }];
    let mut params = Parameters::new();
    for text in ["VpcCidr=172.31.0.0/16", "EnableIpv6=false", "Vni=7"] {
        params.add(text).unwrap();
    }
    let estate = read(&documents, &params).unwrap();
    assert_eq!(
        rules(&estate),
        [
            "ingress 10 reject all 172.31.0.0/16 > 0.0.0.0/0",
            "ingress 100 accept tcp 0.0.0.0/0 443 > 0.0.0.0/0",
            "egress 10 reject all 0.0.0.0/0 > 172.31.0.0/16",
            "egress 100 accept tcp 0.0.0.0/0 > 0.0.0.0/0 443",
        ]
    );
    assert_eq!(estate.sessions[0].session.vni.unwrap().get(), 7);

    params.add("VpcCdir=10.0.0.0/8").unwrap();
    let problems = read(&documents, &params).unwrap_err().to_string();
    assert!(
        problems.starts_with("found --param VpcCdir, which no document asks for\n"),
        "{problems}"
    );
}

#[test]
fn an_answer_may_be_cut_by_query_to_its_list_or_to_one_element() {
    for name in ANSWERS {
        let whole: serde_json::Value = serde_json::from_slice(&file(name)).unwrap();
        let list = whole.as_object().unwrap().values().next().unwrap();
        let one = &list[0];
        for (cut, what) in [(list, "list"), (one, "element")] {
            let bytes = cut.to_string().into_bytes();
            let documents = [Document { name, bytes: &bytes }];
            let cut = read(&documents, &Parameters::new()).unwrap_or_else(|p| panic!("{p}"));
            let whole = lab_d(&[name]);
            assert_eq!(cut.sessions.len(), whole.sessions.len(), "{name} {what}");
            assert_eq!(cut.filters.len(), whole.filters.len(), "{name} {what}");
            if what == "list" {
                assert_eq!(cut.enis, whole.enis, "{name}");
            } else {
                assert_eq!(cut.enis.first(), whole.enis.first(), "{name}");
            }
        }
    }
}

#[test]
fn the_same_document_twice_says_no_more_than_once() {
    for name in ["cfn.yaml", "terraform-plan.json", "terraform-state.json", ANSWERS[0]] {
        let (once, twice) = (lab_d(&[name]), lab_d(&[name, name]));
        assert_eq!(once.filters, twice.filters);
        assert_eq!(once.sessions, twice.sessions);
        assert_eq!(once.warnings, twice.warnings);
    }
}

#[test]
fn what_was_written_as_a_sessions_file_reads_as_the_same_sessions() {
    let estate = lab_d(&ANSWERS);
    let text = mirror_session::file::write(&estate.picture);
    let documents = [Document { name: "sessions.json", bytes: text.as_bytes() }];
    let again = read(&documents, &Parameters::new()).unwrap();
    assert_eq!(again.picture.sessions(), estate.picture.sessions());
}
