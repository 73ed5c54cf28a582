//! Every field of every kind of document, damaged in every way: absent, of the wrong type, out of
//! range, given twice, not to be known. Each is an error with the place of the damage (or, for a
//! field that need not be there, fine), and never a panic.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests may fail loudly; that is their job"
)]

use mirror_aws::{Document, Estate, Parameters, Problem, Problems, Severity, Unresolved, read};
use serde_json::{Value, json};

/// The ways in which the same resources are described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Api,
    Template,
    Terraform,
    /// A plan of Terraform, of what is there already.
    Plan,
}

use Format::{Api, Plan, Template, Terraform};

const FORMATS: [Format; 4] = [Api, Template, Terraform, Plan];

/// What happens when a field is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Absent {
    Error,
    Fine,
    /// An error in answers of the API alone, which always have it.
    ApiError,
    /// An error but in answers of the API, where the list it stands in says the same.
    ApiFine,
}

struct Field {
    resource: &'static str,
    name: &'static str,
    absent: Absent,
    /// Values of the wrong type or out of range, in every format.
    wrong: Value,
}

fn field(resource: &'static str, name: &'static str, absent: Absent, wrong: Value) -> Field {
    Field { resource, name, absent, wrong }
}

fn fields() -> Vec<Field> {
    use Absent::{ApiError, ApiFine, Error, Fine};
    let cidr =
        || json!(["", "10.0.0.0", "10.0.0.0/33", "10.0.0/8", "vpc", 7, true, [], {}, "::/0"]);
    let ports = || {
        json!([
            443, "443", true, {},
            {"FromPort": 443}, {"ToPort": 443}, {"FromPort": null, "ToPort": 443},
            {"FromPort": 80, "ToPort": 79}, {"FromPort": 443, "ToPort": 0},
            {"FromPort": 0, "ToPort": 65536}, {"FromPort": -1, "ToPort": -1},
            {"FromPort": "https", "ToPort": 443}, {"FromPort": [1], "ToPort": 443}
        ])
    };
    vec![
        field("rule", "TrafficMirrorFilterId", ApiFine, json!([[], {}])),
        field(
            "rule",
            "RuleNumber",
            Error,
            json!([-1, 2147483648_u32, 1.5, "x", "", "0x10", "010", true, [], {}]),
        ),
        field("rule", "RuleAction", Error, json!(["", "mirror", 1, true, [], {}])),
        field("rule", "TrafficDirection", Error, json!(["", "in", 1, false, [], {}])),
        field("rule", "SourceCidrBlock", Error, cidr()),
        field("rule", "DestinationCidrBlock", Error, cidr()),
        field("rule", "Protocol", ApiFine, json!([-2, 256, 1.5, "tcp", true, [], {}, 1])),
        field("rule", "SourcePortRange", Fine, ports()),
        field("rule", "DestinationPortRange", Fine, ports()),
        field("rule", "Description", Fine, json!([[], {}])),
        field("filter", "TrafficMirrorFilterId", ApiError, json!([[], {}])),
        field(
            "filter",
            "NetworkServices",
            Fine,
            json!(["amazon-dns", 1, true, {}, [1], [[]], ["amazon-ntp"]]),
        ),
        field("filter", "Description", Fine, json!([[], {}])),
        field("filter", "Tags", Fine, json!(["x", 1, true])),
        field("session", "TrafficMirrorSessionId", ApiError, json!([[], {}])),
        field("session", "NetworkInterfaceId", Error, json!([[], {}])),
        field("session", "TrafficMirrorFilterId", Error, json!([[], {}])),
        field("session", "TrafficMirrorTargetId", Error, json!([[], {}])),
        field("session", "SessionNumber", Error, json!([0, 32767, -1, 1.5, "x", true, [], {}])),
        field(
            "session",
            "VirtualNetworkId",
            ApiError,
            json!([0, -1, 16777216, 4294967297_u64, 1.5, "x", true, [], {}]),
        ),
        field("session", "PacketLength", Fine, json!([-1, 8501, 1.5, "x", true, [], {}])),
        field("session", "Description", Fine, json!([[], {}])),
        field("session", "Tags", Fine, json!(["x", 1, true])),
        field("target", "TrafficMirrorTargetId", ApiError, json!([[], {}])),
        field("target", "NetworkInterfaceId", Error, json!([[], {}])),
        field("target", "Description", Fine, json!([[], {}])),
        field("target", "Tags", Fine, json!(["x", 1, true])),
    ]
}

/// Fields that the API alone has.
fn api_fields() -> Vec<Field> {
    use Absent::{Error, Fine};
    vec![
        field("filter", "IngressFilterRules", Error, json!(["x", 1, true, {}, [1], [[]]])),
        field("filter", "EgressFilterRules", Error, json!(["x", 1, true, {}, [1], [[]]])),
        field("target", "Type", Error, json!(["", "x", 1, [], {}, "network-load-balancer"])),
        field("interface", "NetworkInterfaceId", Error, json!([[], {}])),
        field("interface", "MacAddress", Error, json!(["", "02:00:00:00:00", "x", 7, [], {}])),
        field(
            "interface",
            "PrivateIpAddress",
            Fine,
            json!(["10.0.1", "x", "10.0.0.0/16", 7, [], {}]),
        ),
        field(
            "interface",
            "PrivateIpAddresses",
            Fine,
            json!(["x", 1, {}, [1], [{}], [{"PrivateIpAddress": "x"}], [{"PrivateIpAddress": "10.0.1.1", "Primary": "x"}]]),
        ),
        field(
            "interface",
            "Ipv6Addresses",
            Fine,
            json!(["x", 1, {}, [1], [{}], [{"Ipv6Address": "x"}]]),
        ),
        field(
            "interface",
            "Ipv4Prefixes",
            Fine,
            json!(["x", 1, {}, [1], [{}], [{"Ipv4Prefix": "10.0.0.0"}], [{"Ipv4Prefix": "10.0.0.1/28"}]]),
        ),
        field(
            "interface",
            "Ipv6Prefixes",
            Fine,
            json!(["x", 1, {}, [1], [{}], [{"Ipv6Prefix": "x"}]]),
        ),
        field("interface", "TagSet", Fine, json!(["x", 1, true])),
    ]
}

/// A document with one of each, and where each stands in it.
fn base(format: Format) -> Value {
    match format {
        Api => json!({
            "TrafficMirrorFilters": [{
                "TrafficMirrorFilterId": "tmf-0f", "NetworkServices": ["amazon-dns"],
                "Description": "a filter", "Tags": [{"Key": "Name", "Value": "web filter"}],
                "IngressFilterRules": [{
                    "TrafficMirrorFilterRuleId": "tmfr-01", "TrafficMirrorFilterId": "tmf-0f",
                    "RuleNumber": 100, "RuleAction": "accept", "TrafficDirection": "ingress",
                    "SourceCidrBlock": "0.0.0.0/0", "DestinationCidrBlock": "10.0.0.0/16",
                    "Protocol": 6, "SourcePortRange": {"FromPort": 443, "ToPort": 443},
                    "DestinationPortRange": {"FromPort": 1024, "ToPort": 65535},
                    "Description": "a rule"
                }],
                "EgressFilterRules": []
            }],
            "TrafficMirrorSessions": [{
                "TrafficMirrorSessionId": "tms-0a", "NetworkInterfaceId": "eni-0c",
                "TrafficMirrorFilterId": "tmf-0f", "TrafficMirrorTargetId": "tmt-0e",
                "SessionNumber": 1, "VirtualNetworkId": 308308, "PacketLength": 100,
                "Description": "a session", "Tags": [{"Key": "Name", "Value": "web session"}]
            }],
            "TrafficMirrorTargets": [{
                "TrafficMirrorTargetId": "tmt-0e", "Type": "network-interface",
                "NetworkInterfaceId": "eni-0d", "Description": "a target",
                "Tags": [{"Key": "Name", "Value": "collector"}]
            }],
            "NetworkInterfaces": [{
                "NetworkInterfaceId": "eni-0c", "MacAddress": "02:00:00:00:00:01",
                "PrivateIpAddress": "10.0.1.10",
                "PrivateIpAddresses": [{"Primary": true, "PrivateIpAddress": "10.0.1.10"}],
                "Ipv6Addresses": [{"Ipv6Address": "2001:db8::10"}],
                "Ipv4Prefixes": [{"Ipv4Prefix": "10.0.9.0/28"}],
                "Ipv6Prefixes": [{"Ipv6Prefix": "2001:db8:9::/80"}],
                "TagSet": [{"Key": "Name", "Value": "web"}]
            }]
        }),
        Template => json!({
            "Parameters": {"NoDefault": {"Type": "String"}},
            "Resources": {
                "Filter": {"Type": "AWS::EC2::TrafficMirrorFilter", "Properties": {
                    "NetworkServices": ["amazon-dns"], "Description": "a filter",
                    "Tags": [{"Key": "Name", "Value": "web filter"}]
                }},
                "Rule": {"Type": "AWS::EC2::TrafficMirrorFilterRule", "Properties": {
                    "TrafficMirrorFilterId": {"Ref": "Filter"},
                    "RuleNumber": 100, "RuleAction": "accept", "TrafficDirection": "ingress",
                    "SourceCidrBlock": "0.0.0.0/0", "DestinationCidrBlock": "10.0.0.0/16",
                    "Protocol": 6, "SourcePortRange": {"FromPort": 443, "ToPort": 443},
                    "DestinationPortRange": {"FromPort": 1024, "ToPort": 65535},
                    "Description": "a rule"
                }},
                "Session": {"Type": "AWS::EC2::TrafficMirrorSession", "Properties": {
                    "NetworkInterfaceId": "eni-0c", "TrafficMirrorFilterId": {"Ref": "Filter"},
                    "TrafficMirrorTargetId": {"Ref": "Target"}, "SessionNumber": 1,
                    "VirtualNetworkId": 308308, "PacketLength": 100, "Description": "a session",
                    "Tags": [{"Key": "Name", "Value": "web session"}]
                }},
                "Target": {"Type": "AWS::EC2::TrafficMirrorTarget", "Properties": {
                    "NetworkInterfaceId": "eni-0d", "Description": "a target",
                    "Tags": [{"Key": "Name", "Value": "collector"}]
                }}
            }
        }),
        Plan => planned(base(Terraform)),
        Terraform => {
            let resource = |kind: &str, values: Value| {
                let kind = format!("aws_ec2_traffic_mirror_{kind}");
                json!({
                    "address": format!("{kind}.web"), "mode": "managed", "type": kind,
                    "name": "web", "values": values
                })
            };
            json!({"format_version": "1.0", "values": {"root_module": {"resources": [
                resource("filter", json!({
                    "id": "tmf-0f", "network_services": ["amazon-dns"],
                    "description": "a filter", "tags": {"Name": "web filter"}
                })),
                resource("filter_rule", json!({
                    "id": "tmfr-01", "traffic_mirror_filter_id": "tmf-0f",
                    "rule_number": 100, "rule_action": "accept", "traffic_direction": "ingress",
                    "source_cidr_block": "0.0.0.0/0", "destination_cidr_block": "10.0.0.0/16",
                    "protocol": 6, "source_port_range": [{"from_port": 443, "to_port": 443}],
                    "destination_port_range": [{"from_port": 1024, "to_port": 65535}],
                    "description": "a rule"
                })),
                resource("session", json!({
                    "id": "tms-0a", "network_interface_id": "eni-0c",
                    "traffic_mirror_filter_id": "tmf-0f", "traffic_mirror_target_id": "tmt-0e",
                    "session_number": 1, "virtual_network_id": 308308, "packet_length": 100,
                    "description": "a session", "tags": {"Name": "web session"}
                })),
                resource("target", json!({
                    "id": "tmt-0e", "network_interface_id": "eni-0d", "description": "a target",
                    "tags": {"Name": "collector"}
                }))
            ]}}})
        }
    }
}

/// The same, planned: as it is in the state, and without any expression in the configuration.
fn planned(mut state: Value) -> Value {
    json!({
        "format_version": "1.2", "planned_values": state["values"].take(),
        "configuration": {"root_module": {}}
    })
}

/// Where the fields of a resource stand.
fn parent(format: Format, resource: &str) -> &'static str {
    match (format, resource) {
        (Api, "filter") => "/TrafficMirrorFilters/0",
        (Api, "rule") => "/TrafficMirrorFilters/0/IngressFilterRules/0",
        (Api, "session") => "/TrafficMirrorSessions/0",
        (Api, "target") => "/TrafficMirrorTargets/0",
        (Api, "interface") => "/NetworkInterfaces/0",
        (Template, "filter") => "/Resources/Filter/Properties",
        (Template, "rule") => "/Resources/Rule/Properties",
        (Template, "session") => "/Resources/Session/Properties",
        (Template, "target") => "/Resources/Target/Properties",
        (Terraform, "filter") => "/values/root_module/resources/0/values",
        (Plan, "filter") => "/planned_values/root_module/resources/0/values",
        (Terraform, "rule") => "/values/root_module/resources/1/values",
        (Plan, "rule") => "/planned_values/root_module/resources/1/values",
        (Terraform, "session") => "/values/root_module/resources/2/values",
        (Plan, "session") => "/planned_values/root_module/resources/2/values",
        (Terraform, "target") => "/values/root_module/resources/3/values",
        (Plan, "target") => "/planned_values/root_module/resources/3/values",
        other => panic!("{other:?}"),
    }
}

/// A field's name in a format, nothing if the format doesn't have it.
fn spelt(format: Format, field: &Field) -> Option<String> {
    let own_id = matches!(
        (field.resource, field.name),
        ("filter", "TrafficMirrorFilterId")
            | ("session", "TrafficMirrorSessionId")
            | ("target", "TrafficMirrorTargetId")
    );
    match format {
        Api => Some(field.name.into()),
        _ if own_id => None,
        Template => Some(field.name.into()),
        Terraform | Plan => {
            let snake = |c: char| {
                if c.is_uppercase() { format!("_{}", c.to_lowercase()) } else { c.into() }
            };
            Some(field.name.chars().map(snake).collect::<String>()[1..].into())
        }
    }
}

/// A value as a format writes it.
fn written(format: Format, name: &str, value: &Value) -> Value {
    match (format, value) {
        (Terraform | Plan, Value::Object(ports))
            if name.ends_with("PortRange") && !ports.is_empty() =>
        {
            let port = |name: &str| {
                ports.get(&name.replace("_p", "P").replace('f', "F").replace("to", "To"))
            };
            let mut block = serde_json::Map::new();
            for name in ["from_port", "to_port"] {
                if let Some(port) = port(name) {
                    block.insert(name.into(), port.clone());
                }
            }
            json!([block])
        }
        _ => value.clone(),
    }
}

fn reading(text: &str) -> Result<Estate, Problems> {
    read(&[Document { name: "d", bytes: text.as_bytes() }], &Parameters::new())
}

/// The errors of somebody who needs all that a document says.
fn errors(text: &str) -> Vec<Problem> {
    match reading(text) {
        Ok(estate) => estate.unresolved.iter().map(Unresolved::error).collect(),
        Err(problems) => {
            problems.iter().filter(|one| one.severity == Severity::Error).cloned().collect()
        }
    }
}

/// The document is refused, and each error is in `parent` or in its field.
#[track_caller]
fn refused(text: &str, parent: &str, field: &str, case: &str) {
    let errors = errors(text);
    assert!(!errors.is_empty(), "{case}: read without an error");
    for error in &errors {
        let path = &error.place.path;
        // A protocol without ports is wrong where there are ports.
        let ports = field.eq_ignore_ascii_case("protocol") && path.to_lowercase().contains("port");
        let here = *path == *parent || path.starts_with(&format!("{parent}/{field}")) || ports;
        assert!(here, "{case}: {error}");
        assert_eq!(error.place.document, "d");
        let text = error.to_string();
        assert!(text.chars().all(|c| matches!(c, ' '..='~')), "{case}: {text}");
    }
}

/// Each field in each format that has it, with its parent and name there.
fn everywhere() -> Vec<(Format, Field, &'static str, String)> {
    let mut all = Vec::new();
    for format in FORMATS {
        let own = if format == Api { api_fields() } else { Vec::new() };
        for field in fields().into_iter().chain(own) {
            if let Some(name) = spelt(format, &field) {
                let parent = parent(format, field.resource);
                all.push((format, field, parent, name));
            }
        }
    }
    all
}

#[test]
fn undamaged_each_format_is_read_to_the_same() {
    for format in FORMATS {
        let estate =
            reading(&base(format).to_string()).unwrap_or_else(|p| panic!("{format:?}: {p}"));
        let [filter] = estate.filters.as_slice() else { panic!("{format:?}") };
        assert_eq!(
            filter.filter.rules[0].to_string(),
            "ingress 100 accept tcp 0.0.0.0/0 443 > 10.0.0.0/16 1024-65535"
        );
        assert_eq!(filter.filter.name.as_deref(), Some("web filter"));
        assert!(filter.filter.amazon_dns);
        let session = &estate.sessions[0].session;
        assert_eq!(session.vni.map(mirror_wire::Vni::get), Some(308_308));
        assert_eq!((session.number, session.packet_length), (Some(1), Some(100)));
        assert_eq!(session.name.as_deref(), Some("web session"));
        assert_eq!(session.target.as_ref().unwrap().name.as_deref(), Some("collector"));
        assert_eq!(estate.sessions[0].filter, Some(0));
    }
}

#[test]
fn a_field_that_is_absent_or_null_is_an_error_unless_it_need_not_be_there() {
    for (format, field, parent, name) in everywhere() {
        let fine = match field.absent {
            Absent::Error => false,
            Absent::Fine => true,
            Absent::ApiError => format != Api,
            Absent::ApiFine => format == Api,
        };
        for null in [false, true] {
            let mut document = base(format);
            let object = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            object.remove(&name).unwrap_or_else(|| panic!("{format:?} {parent} has no {name}"));
            if null {
                object.insert(name.clone(), Value::Null);
            }
            let case = format!("{format:?} {parent}/{name} null={null}");
            // In a plan what isn't there isn't known.
            let decides = name.ends_with("port_range") || name == "network_services";
            let fine = fine && !(!null && format == Plan && decides);
            // Other producers of what the API answers write null, CloudFormation refuses it.
            let fine = fine && !(null && format == Template);
            // Null is a list of no rules for some producers of these answers.
            let fine = fine || (null && name.ends_with("FilterRules"));
            if fine {
                reading(&document.to_string())
                    .unwrap_or_else(|problems| panic!("{case}: {problems}"));
            } else {
                refused(&document.to_string(), parent, &name, &case);
            }
        }
    }
}

#[test]
fn a_field_of_the_wrong_type_or_out_of_range_is_an_error_at_its_place() {
    let mut cases = 0;
    for (format, field, parent, name) in everywhere() {
        for wrong in field.wrong.as_array().unwrap() {
            let wrong = written(format, field.name, wrong);
            // One service is as good as a list of one, as `--param` would give it.
            if format == Template && name == "NetworkServices" && wrong == "amazon-dns" {
                continue;
            }
            let mut document = base(format);
            *document.pointer_mut(&format!("{parent}/{name}")).unwrap() = wrong.clone();
            // A rule that AWS shows was accepted, whatever its fields say together.
            let families_differ = name.ends_with("CidrBlock") && wrong == "::/0";
            let has_no_ports = name == "Protocol" && wrong == 1;
            if format == Api && (families_differ || has_no_ports) {
                assert_eq!(errors(&document.to_string()), [], "{name} = {wrong}");
                continue;
            }
            refused(
                &document.to_string(),
                parent,
                &name,
                &format!("{format:?} {parent}/{name} = {wrong}"),
            );
            cases += 1;
        }
    }
    assert!(cases > 400, "only {cases}");
}

#[test]
fn a_field_given_twice_is_an_error_even_with_the_same_value() {
    for (format, _, parent, name) in everywhere() {
        let document = base(format);
        let object = document.pointer(parent).unwrap();
        let again = format!("{{{}:{},{}", json!(name), object[&name], &object.to_string()[1..]);
        let text = document.to_string().replacen(&object.to_string(), &again, 1);
        refused(&text, parent, &name, &format!("{format:?} {parent}/{name} twice"));
    }
}

#[test]
fn a_field_of_a_template_that_cannot_be_known_names_the_param_to_give() {
    for (format, field, parent, name) in everywhere() {
        if format != Template {
            continue;
        }
        let mut document = base(Template);
        *document.pointer_mut(&format!("{parent}/{name}")).unwrap() = json!({"Ref": "NoDefault"});
        let says: String =
            errors(&document.to_string()).iter().map(|error| format!("{error}\n")).collect();
        // What only a person reads may stay unknown.
        let matters = !matches!(field.name, "Description" | "Tags");
        assert_eq!(
            says.contains("give --param NoDefault=VALUE"),
            matters,
            "{parent}/{name}: {says}"
        );
        assert_eq!(says.is_empty(), !matters, "{parent}/{name}: {says}");
    }
}

#[test]
fn a_misspelt_field_is_not_dropped_in_silence() {
    for (format, field, parent, name) in everywhere() {
        if field.resource == "interface" {
            continue; // The API tells dozens of things of an interface; few are of interest here.
        }
        let mut document = base(format);
        let object = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        let value = object[&name].clone();
        object.insert(format!("{name}s"), value);
        let problems: Vec<Problem> = match reading(&document.to_string()) {
            Ok(estate) => estate.warnings,
            Err(problems) => problems.iter().cloned().collect(),
        };
        let path = format!("{parent}/{name}s");
        assert!(problems.iter().any(|one| one.place.path == path), "{format:?}: {problems:?}");
    }
}

/// Left out, it would widen the rule: `Protcol` would be no protocol, which is all of them.
#[test]
fn a_field_of_a_rule_that_is_not_known_is_an_error_in_every_format() {
    for format in FORMATS {
        for name in ["protcol", "Protcol", "PROTOCOL", "proto_col", "IcmpType"] {
            let mut document = base(format);
            let rule = document.pointer_mut(parent(format, "rule")).unwrap();
            rule[name] = json!(6);
            refused(&document.to_string(), parent(format, "rule"), name, name);

            let mut document = base(format);
            let rule = document.pointer_mut(parent(format, "rule")).unwrap();
            let is_block = matches!(format, Terraform | Plan);
            let ports = if is_block { "source_port_range" } else { "SourcePortRange" };
            let range = &mut rule[ports];
            let range = if is_block { &mut range[0] } else { range };
            range[name] = json!(6);
            refused(&document.to_string(), parent(format, "rule"), ports, name);
        }
    }
}

#[test]
fn all_problems_of_all_documents_are_told_at_once() {
    let mut documents = Vec::new();
    for format in FORMATS {
        let mut document = base(format);
        for name in ["rule", "session"] {
            let fields =
                document.pointer_mut(parent(format, name)).unwrap().as_object_mut().unwrap();
            fields.retain(|name, _| !name.to_lowercase().contains("number"));
        }
        documents.push(document.to_string());
    }
    let documents: Vec<Document<'_>> = documents
        .iter()
        .zip(["api", "template", "terraform", "plan"])
        .map(|(text, name)| Document { name, bytes: text.as_bytes() })
        .collect();
    let problems = read(&documents, &Parameters::new()).unwrap_err().to_string();
    let mut errors: Vec<&str> = problems.lines().filter(|line| !line.contains("warning")).collect();
    errors.sort_unstable();
    assert_eq!(
        errors,
        [
            "api:1: /TrafficMirrorFilters/0/IngressFilterRules/0: found no RuleNumber, expected one",
            "api:1: /TrafficMirrorSessions/0: found no SessionNumber, expected one",
            "plan:1: aws_ec2_traffic_mirror_filter_rule.web: found no rule_number, expected one",
            "plan:1: aws_ec2_traffic_mirror_session.web: found no session_number, expected one",
            "template:1: /Resources/Rule/Properties: found no RuleNumber, expected one",
            "template:1: /Resources/Session/Properties: found no SessionNumber, expected one",
            "terraform:1: aws_ec2_traffic_mirror_filter_rule.web: found no rule_number, expected one",
            "terraform:1: aws_ec2_traffic_mirror_session.web: found no session_number, expected one",
        ]
    );
}

#[test]
fn every_shorter_prefix_of_each_document_is_an_error() {
    for format in FORMATS {
        let text = base(format).to_string();
        for n in 0..text.len() {
            assert!(reading(&text[..n]).is_err(), "{format:?} cut at {n}");
        }
    }
}
