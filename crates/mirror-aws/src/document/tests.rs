use super::*;
use crate::read as read_all;

/// What reading one document says, errors and warnings, one a line.
fn says(name: &str, bytes: &[u8]) -> String {
    match read_all(&[Document { name, bytes }], &Parameters::new()) {
        Ok(estate) => estate.warnings.iter().map(|warning| format!("{warning}\n")).collect(),
        Err(problems) => format!("{problems}\n"),
    }
}

/// The shortest answer that says something.
const TARGET: &str = r#"{"TrafficMirrorTargets": [{"TrafficMirrorTargetId": "tmt-0e",
    "Type": "network-interface", "NetworkInterfaceId": "eni-0e"}]}"#;

#[test]
fn what_a_document_is_does_not_depend_on_its_name() {
    for name in ["a.json", "a.yaml", "a.template", "a", "-"] {
        assert_eq!(says(name, TARGET.as_bytes()), "");
    }
}

#[test]
fn a_byte_order_mark_and_the_utf_16_of_a_redirection_are_read() {
    assert_eq!(says("a", format!("\u{feff}{TARGET}").as_bytes()), "");
    let utf16 = |unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
        format!("\u{feff}{TARGET}").encode_utf16().flat_map(unit).collect()
    };
    assert_eq!(says("a", &utf16(u16::to_le_bytes)), "");
    assert_eq!(says("a", &utf16(u16::to_be_bytes)), "");
}

/// A template with a rule, in YAML, as it is uploaded.
const TEMPLATE: &str = "
Resources:
  F: { Type: AWS::EC2::TrafficMirrorFilter }
  R:
    Type: AWS::EC2::TrafficMirrorFilterRule
    Properties:
      TrafficMirrorFilterId: !Ref F
      TrafficDirection: ingress
      RuleNumber: 1
      RuleAction: accept
      Protocol: 6
      SourceCidrBlock: 0.0.0.0/0
      DestinationCidrBlock: 0.0.0.0/0
";

#[test]
fn the_template_that_get_template_prints_is_read_as_a_message_of_ours_advises() {
    let stages = r#""StagesAvailable": ["Original", "Processed"]"#;
    let text = serde_json::to_string(TEMPLATE).unwrap();
    let object = r#"{"Resources": {"F": {"Type": "AWS::EC2::TrafficMirrorFilter"}}}"#;
    for (document, rules) in [
        (format!("{{\"TemplateBody\": {text}, {stages}}}"), 1),
        (text, 1),
        (format!("{{\"TemplateBody\": {object}, {stages}}}"), 0),
        (format!("{{\"TemplateBody\": {}, {stages}}}", serde_json::to_string(object).unwrap()), 0),
        (format!("TemplateBody: |{}", TEMPLATE.replace('\n', "\n  ")), 1),
    ] {
        let documents = [Document { name: "t", bytes: document.as_bytes() }];
        let estate = read_all(&documents, &Parameters::new())
            .unwrap_or_else(|problems| panic!("{document}: {problems}"));
        assert_eq!(estate.filters[0].filter.rules.len(), rules, "{document}");
    }
    // The line of the text is none of the document.
    let wrong = serde_json::to_string(&TEMPLATE.replace("Protocol: 6", "Protocol: x")).unwrap();
    assert_eq!(
        says("t", format!("{{\"TemplateBody\": {wrong}}}").as_bytes()),
        "t:1: /TemplateBody/Resources/R/Properties/Protocol: found \"x\", expected an integer from -1 to \
         255\n"
    );
    assert_eq!(
        says("t", br#"{"TemplateBody": "hello"}"#),
        "t: /TemplateBody: found no template, expected one\n"
    );
}

#[test]
fn a_misspelt_key_beside_one_that_is_known_is_said() {
    let text = format!(r#"{{"TraficMirrorSessions": [], {}"#, &TARGET[1..]);
    assert_eq!(
        says("a", text.as_bytes()),
        "a:1: /TraficMirrorSessions: warning: found \"TraficMirrorSessions\", which is not known here\n"
    );
}

#[test]
fn what_is_no_document_says_what_was_found_and_what_is_read() {
    const EXPECTED: &str = "expected an answer of aws ec2 describe-..., a CloudFormation template, \
                            the output of terraform show -json, or a sessions file\n";
    assert_eq!(says("a", b""), format!("a: found an empty document, {EXPECTED}"));
    assert_eq!(says("a", b"# nothing\n"), format!("a: found an empty document, {EXPECTED}"));
    assert_eq!(says("a", b"hello"), format!("a: found a text, {EXPECTED}"));
    assert_eq!(says("a", b"7"), format!("a: found a text, {EXPECTED}"));
    assert_eq!(
        says("a", b"resource \"aws_ec2_traffic_mirror_filter\" \"f\""),
        "a: found Terraform configuration, expected the output of terraform show -json\n"
    );
    assert_eq!(
        says("a", br#"{"version": 4, "serial": 1, "lineage": "x", "resources": []}"#),
        "a: found a Terraform state file, expected the output of terraform show -json\n"
    );
    assert_eq!(
        says("a", br#"{"schema": "mirror-pcap/sessions/2"}"#),
        "a: found schema \"mirror-pcap/sessions/2\", expected \"mirror-pcap/sessions/1\"\n"
    );
    assert_eq!(
        says("a", br#"{"Reservations": []}"#),
        "a:1: found an object, expected a mirror filter, rule, session or target, or a network \
         interface, as AWS describes it\n"
    );
}

#[test]
fn a_document_that_says_nothing_of_mirroring_is_not_passed_over_in_silence() {
    let nothing = "a: warning: found nothing about traffic mirroring\n";
    for text in [
        r#"{"TrafficMirrorFilters": []}"#,
        r#"{"NetworkInterfaces": null}"#,
        "[]",
        r#"{"format_version": "1.0"}"#,
        r#"{"format_version": "1.0", "values": {"root_module": {}}}"#,
        r#"{"Resources": {"B": {"Type": "AWS::S3::Bucket"}}}"#,
    ] {
        assert_eq!(says("a", text.as_bytes()), nothing, "{text}");
    }
}

#[test]
fn a_key_that_stands_twice_is_an_error_wherever_it_stands() {
    assert_eq!(
        says("a", br#"{"TrafficMirrorTargets": [], "x": [{"y": 1, "z": 2, "y": 1}]}"#),
        "a:1: /x/0/y: found \"y\" a second time, expected it once\n"
    );
    assert_eq!(
        says("a.yaml", b"Resources:\n  A: {Type: X}\nParameters: {}\nResources: {}\n"),
        "a.yaml:4: /Resources: found \"Resources\" a second time, expected it once\n"
    );
    assert_eq!(
        says("a", br#"{"k": 1, "k": 2, "k": 3}"#).lines().count(),
        2,
        "each repetition is a problem"
    );
}

#[test]
fn a_document_longer_than_64_mib_is_refused_unread() {
    let long = vec![b'['; MAX_DOCUMENT + 1];
    assert_eq!(says("a", &long), "a: found 67108865 bytes, expected at most 67108864\n");
}

#[test]
fn a_sessions_file_is_read_and_its_problems_keep_their_places() {
    let good = br#"{"schema": "mirror-pcap/sessions/1", "sessions": []}"#;
    assert_eq!(says("s.json", good), "s.json: warning: found no session\n");
    let bad = br#"{"schema": "mirror-pcap/sessions/1", "sessions": [{"vni": -1}]}"#;
    let text = says("s.json", bad);
    assert!(text.starts_with("s.json: /sessions/0/vni: "), "{text}");
}

/// docs/json.md: a field whose name begins with `x-` may have any value.
#[test]
fn in_a_sessions_file_only_what_is_read_may_not_stand_twice() {
    let nothing = "s.json: warning: found no session\n";
    let foreign =
        br#"{"schema": "mirror-pcap/sessions/1", "sessions": [], "x-a": {"b": 1, "b": 2}}"#;
    assert_eq!(says("s.json", foreign), nothing);
    let twice = br#"{"schema": "mirror-pcap/sessions/1", "sessions": [{"vni": 1, "vni": 2}]}"#;
    assert_eq!(
        says("s.json", twice),
        "s.json: /sessions/0/vni: found the field again, expected it once\n"
    );
    let schema = br#"{"schema": "mirror-pcap/sessions/1", "schema": "", "sessions": []}"#;
    assert_eq!(
        says("s.json", schema),
        "s.json: /schema: found the field again, expected it once\n"
    );
}
