//! Plans and states in the shapes that `terraform show -json` prints, as far as they are read.

#![allow(clippy::needless_pass_by_value, reason = "json! makes values")]

use serde_json::{Value, json};

use crate::{Document, Estate, Parameters, Problems, read};

fn reading(document: &Value) -> Result<Estate, Problems> {
    let text = document.to_string();
    read(&[Document { name: "plan", bytes: text.as_bytes() }], &Parameters::new())
}

#[track_caller]
fn estate(document: &Value) -> Estate {
    reading(document).unwrap_or_else(|problems| panic!("{problems}"))
}

/// A resource in the values of a module.
fn resource(address: &str, values: Value) -> Value {
    let kind = address.split('.').find(|step| step.starts_with("aws_")).unwrap();
    json!({"address": address, "mode": "managed", "type": kind, "name": "x", "values": values})
}

fn filter(address: &str) -> Value {
    resource(address, json!({"description": address}))
}

/// An accept-all rule whose filter isn't known yet.
fn rule(address: &str, number: u32) -> Value {
    resource(
        address,
        json!({
            "traffic_direction": "ingress", "rule_number": number, "rule_action": "accept",
            "source_cidr_block": "0.0.0.0/0", "destination_cidr_block": "0.0.0.0/0",
            "protocol": null, "source_port_range": [], "destination_port_range": []
        }),
    )
}

/// A session of which only the VNI is known.
fn session(address: &str, vni: u32) -> Value {
    resource(address, json!({"session_number": 1, "virtual_network_id": vni}))
}

/// A resource in the configuration of a module: its arguments, each with what it refers to.
fn configured(kind: &str, name: &str, arguments: &[(&str, &[&str])]) -> Value {
    let expressions: Value = arguments
        .iter()
        .map(|(argument, references)| ((*argument).to_owned(), json!({"references": references})))
        .collect::<serde_json::Map<_, _>>()
        .into();
    json!({"mode": "managed", "type": kind, "name": name, "expressions": expressions})
}

const FILTER: &str = "aws_ec2_traffic_mirror_filter";
const RULE: &str = "aws_ec2_traffic_mirror_filter_rule";
const SESSION: &str = "aws_ec2_traffic_mirror_session";
const TARGET: &str = "aws_ec2_traffic_mirror_target";

fn plan(planned: Value, configuration: Value) -> Value {
    json!({
        "format_version": "1.2",
        "planned_values": {"root_module": planned},
        "configuration": {"root_module": configuration}
    })
}

/// The label of each filter with the numbers of its rules.
fn rules_by_filter(estate: &Estate) -> Vec<(String, Vec<u32>)> {
    let numbers =
        |one: &crate::KnownFilter| one.filter.rules.iter().map(|rule| rule.number).collect();
    estate.filters.iter().map(|one| (one.label.clone().unwrap(), numbers(one))).collect()
}

#[test]
fn a_rule_of_a_plan_finds_its_filter_among_several() {
    let document = plan(
        json!({"resources": [
            filter("aws_ec2_traffic_mirror_filter.a"),
            filter("aws_ec2_traffic_mirror_filter.b"),
            rule("aws_ec2_traffic_mirror_filter_rule.x", 1),
            rule("aws_ec2_traffic_mirror_filter_rule.y", 2)
        ]}),
        json!({"resources": [
            configured(RULE, "x", &[("traffic_mirror_filter_id", &["aws_ec2_traffic_mirror_filter.b.id", "aws_ec2_traffic_mirror_filter.b"])]),
            configured(RULE, "y", &[("traffic_mirror_filter_id", &["aws_ec2_traffic_mirror_filter.a.id", "aws_ec2_traffic_mirror_filter.a"])])
        ]}),
    );
    assert_eq!(
        rules_by_filter(&estate(&document)),
        [
            ("aws_ec2_traffic_mirror_filter.a".into(), vec![2]),
            ("aws_ec2_traffic_mirror_filter.b".into(), vec![1]),
        ]
    );
}

#[test]
fn an_index_that_is_written_and_one_that_is_shared_pick_the_instance() {
    let id = "aws_ec2_traffic_mirror_filter.f[1].id";
    let document = plan(
        json!({"resources": [
            filter("aws_ec2_traffic_mirror_filter.f[0]"),
            filter("aws_ec2_traffic_mirror_filter.f[1]"),
            rule("aws_ec2_traffic_mirror_filter_rule.written", 1),
            rule("aws_ec2_traffic_mirror_filter_rule.shared[0]", 2),
            rule("aws_ec2_traffic_mirror_filter_rule.shared[1]", 3)
        ]}),
        json!({"resources": [
            configured(RULE, "written", &[("traffic_mirror_filter_id", &[id, "aws_ec2_traffic_mirror_filter.f[1]", "aws_ec2_traffic_mirror_filter.f"])]),
            configured(RULE, "shared", &[("traffic_mirror_filter_id", &["aws_ec2_traffic_mirror_filter.f", "count.index"])])
        ]}),
    );
    assert_eq!(
        rules_by_filter(&estate(&document)),
        [
            ("aws_ec2_traffic_mirror_filter.f[0]".into(), vec![2]),
            ("aws_ec2_traffic_mirror_filter.f[1]".into(), vec![1, 3]),
        ]
    );
}

#[test]
fn a_variable_leads_out_of_a_module_and_an_output_into_one() {
    // The root passes to module "rules", once for each key, the filter that module "filters" has
    // made for that key.
    let rules = |key: &str, number: u32| {
        json!({
            "address": format!("module.rules[{key}]"),
            "resources": [rule(&format!("module.rules[{key}].aws_ec2_traffic_mirror_filter_rule.r"), number)]
        })
    };
    let filters = |key: &str| {
        json!({
            "address": format!("module.filters[{key}]"),
            "resources": [filter(&format!("module.filters[{key}].aws_ec2_traffic_mirror_filter.f"))]
        })
    };
    let document = plan(
        json!({"child_modules": [
            filters("\"a.b\""), filters("\"c\""), rules("\"a.b\"", 1), rules("\"c\"", 2)
        ]}),
        json!({"module_calls": {
            "filters": {"module": {
                "outputs": {"id": {"expression": {"references": ["aws_ec2_traffic_mirror_filter.f.id", "aws_ec2_traffic_mirror_filter.f"]}}},
                "resources": [configured(FILTER, "f", &[])]
            }},
            "rules": {
                "expressions": {"filter": {"references": ["module.filters.id", "module.filters", "each.key"]}},
                "module": {"resources": [configured(RULE, "r", &[("traffic_mirror_filter_id", &["var.filter"])])]}
            }
        }}),
    );
    assert_eq!(
        rules_by_filter(&estate(&document)),
        [
            ("module.filters[\"a.b\"].aws_ec2_traffic_mirror_filter.f".into(), vec![1]),
            ("module.filters[\"c\"].aws_ec2_traffic_mirror_filter.f".into(), vec![2]),
        ]
    );
}

#[test]
fn within_the_instances_of_a_module_each_rule_is_of_its_own() {
    let module = |n: u32| {
        json!({
            "address": format!("module.m[{n}]"),
            "resources": [
                filter(&format!("module.m[{n}].aws_ec2_traffic_mirror_filter.f")),
                rule(&format!("module.m[{n}].aws_ec2_traffic_mirror_filter_rule.r"), n)
            ]
        })
    };
    let document = plan(
        json!({"child_modules": [module(0), module(1)]}),
        json!({"module_calls": {"m": {"module": {"resources": [
            configured(RULE, "r", &[("traffic_mirror_filter_id", &["aws_ec2_traffic_mirror_filter.f.id", "aws_ec2_traffic_mirror_filter.f"])])
        ]}}}}),
    );
    let found = rules_by_filter(&estate(&document));
    assert_eq!(found.iter().map(|(_, rules)| rules.clone()).collect::<Vec<_>>(), [[0], [1]]);
}

#[test]
fn a_local_value_leads_nowhere_so_the_one_filter_of_the_module_is_meant() {
    let configuration = json!({"resources": [
        configured(RULE, "r", &[("traffic_mirror_filter_id", &["local.filter"])])
    ]});
    let planned = |filters: &[&str]| {
        let mut all: Vec<Value> = filters.iter().map(|address| filter(address)).collect();
        all.push(rule("aws_ec2_traffic_mirror_filter_rule.r", 1));
        json!({"resources": all})
    };
    let one = plan(planned(&["aws_ec2_traffic_mirror_filter.a"]), configuration.clone());
    assert_eq!(rules_by_filter(&estate(&one))[0].1, [1]);

    for (filters, count) in [
        (&[][..], 0),
        (&["aws_ec2_traffic_mirror_filter.a", "aws_ec2_traffic_mirror_filter.b"][..], 2),
    ] {
        let problems = reading(&plan(planned(filters), configuration.clone())).unwrap_err();
        assert_eq!(
            problems.to_string(),
            format!(
                "plan: /planned_values/root_module/resources/{count}/values/traffic_mirror_filter_id: \
                 unresolved: it is known only after the plan is applied, and of the \
                 aws_ec2_traffic_mirror_filter in the plan {count} may be meant"
            )
        );
    }
}

#[test]
fn a_session_of_a_plan_finds_filter_target_and_instance() {
    let document = plan(
        json!({"resources": [
            filter("aws_ec2_traffic_mirror_filter.f"),
            resource("aws_ec2_traffic_mirror_target.t", json!({"description": null})),
            resource("aws_instance.web", json!({"private_ip": "10.0.1.10"})),
            session("aws_ec2_traffic_mirror_session.s", 7)
        ]}),
        json!({"resources": [
            configured(TARGET, "t", &[("network_load_balancer_arn", &["aws_lb.nlb.arn", "aws_lb.nlb"])]),
            configured(SESSION, "s", &[
                ("traffic_mirror_filter_id", &["aws_ec2_traffic_mirror_filter.f.id"]),
                ("traffic_mirror_target_id", &["aws_ec2_traffic_mirror_target.t.id"]),
                ("network_interface_id", &["aws_instance.web.primary_network_interface_id", "aws_instance.web"])
            ])
        ]}),
    );
    let estate = estate(&document);
    let session = &estate.sessions[0].session;
    assert_eq!(session.name.as_deref(), Some("s"));
    assert_eq!(estate.sessions[0].filter, Some(0));
    assert_eq!(
        session.eni.as_ref().unwrap().addresses,
        ["10.0.1.10".parse::<std::net::IpAddr>().unwrap()]
    );
    assert_eq!(
        session.target.as_ref().unwrap().kind,
        Some(mirror_session::TargetKind::NetworkLoadBalancer("aws_lb.nlb".into()))
    );
    assert_eq!(session.cuts(), [8_500], "what kind of target it is, is known before its name");
}

#[test]
fn what_only_the_apply_can_tell_is_an_error_in_a_rule_and_a_warning_in_a_session() {
    let mut document = plan(
        json!({"resources": [
            filter("aws_ec2_traffic_mirror_filter.f"),
            rule("aws_ec2_traffic_mirror_filter_rule.r", 1),
            session("aws_ec2_traffic_mirror_session.s", 7)
        ]}),
        json!({}),
    );
    let unknown = |address: &str, field: &str| json!({"address": address, "change": {"actions": ["create"], "after_unknown": {"id": true, field: true}}});
    document["resource_changes"] = json!([
        unknown("aws_ec2_traffic_mirror_filter_rule.r", "source_cidr_block"),
        unknown("aws_ec2_traffic_mirror_session.s", "network_interface_id"),
    ]);
    let problems = reading(&document).unwrap_err().to_string();
    let lines: Vec<&str> = problems.lines().collect();
    assert!(lines.contains(
        &"plan: /planned_values/root_module/resources/1/values/source_cidr_block: unresolved: it is \
          known only after the plan is applied"
    ), "{problems}");
    assert!(
        lines
            .iter()
            .any(|line| line
                .contains("/resources/2/values/network_interface_id: warning: unresolved: ")),
        "{problems}"
    );
}

#[test]
fn what_is_read_or_left_behind_is_none_of_ours() {
    let mut data = filter("data.aws_ec2_traffic_mirror_filter.d");
    data["mode"] = json!("data");
    let mut deposed = filter("aws_ec2_traffic_mirror_filter.old");
    deposed["deposed_key"] = json!("0a1b2c3d");
    let document = json!({"format_version": "1.0", "values": {"root_module": {"resources": [
        data, deposed,
        filter("aws_ec2_traffic_mirror_filter.f"),
        {"address": "aws_vpc.v", "mode": "managed", "type": "aws_vpc", "name": "v", "values": {"cidr_block": "x"}}
    ]}}});
    let estate = estate(&document);
    assert_eq!(estate.filters.len(), 1);
    assert_eq!(estate.filters[0].label.as_deref(), Some("aws_ec2_traffic_mirror_filter.f"));
}

#[test]
fn a_deleted_resource_is_not_in_what_a_plan_comes_to() {
    let mut document =
        plan(json!({"resources": [filter("aws_ec2_traffic_mirror_filter.f")]}), json!({}));
    document["prior_state"] = json!({"format_version": "1.0", "values": {"root_module": {"resources": [
        filter("aws_ec2_traffic_mirror_filter.f"), filter("aws_ec2_traffic_mirror_filter.gone")
    ]}}});
    document["resource_changes"] = json!([
        {"address": "aws_ec2_traffic_mirror_filter.gone", "change": {"actions": ["delete"], "after": null}}
    ]);
    assert_eq!(estate(&document).filters.len(), 1);
}

#[test]
fn unset_is_zero_in_a_state_and_null_in_a_plan_and_both_mean_all() {
    for unset in [json!(0), Value::Null] {
        let mut one = rule("aws_ec2_traffic_mirror_filter_rule.r", 1);
        one["values"]["protocol"] = unset;
        one["values"]["traffic_mirror_filter_id"] = json!("tmf-0f");
        one["values"]["description"] = json!("");
        let document =
            json!({"format_version": "1.0", "values": {"root_module": {"resources": [one]}}});
        let estate = estate(&document);
        assert_eq!(estate.filters[0].filter.rules[0].protocol, None);
        assert_eq!(estate.filters[0].filter.rules[0].description, None);
        // It is said that the filter is known by its rule alone, and of the protocol nothing.
        assert_eq!(estate.warnings.len(), 1);
    }
}

#[test]
fn a_bound_that_is_not_set_is_told_from_a_reversed_range() {
    let with = |range: Value| {
        let mut one = rule("aws_ec2_traffic_mirror_filter_rule.r", 1);
        one["values"]["protocol"] = json!(6);
        one["values"]["destination_port_range"] = range;
        one["values"]["traffic_mirror_filter_id"] = json!("tmf-0f");
        let document =
            json!({"format_version": "1.0", "values": {"root_module": {"resources": [one]}}});
        let problems = reading(&document).unwrap_err().to_string();
        problems.split_once("destination_port_range").unwrap().1.to_owned()
    };
    assert_eq!(
        with(json!([{"from_port": 443, "to_port": 0}])),
        "/0: found ports 443-0, expected both ports; Terraform sends one that is not set as 0"
    );
    assert_eq!(
        with(json!([{"from_port": 443, "to_port": 80}])),
        "/0: found ports 443-80, expected 80-443"
    );
    assert_eq!(
        with(json!([{"from_port": 443, "to_port": null}])),
        "/0: found no to_port, expected one"
    );
    assert_eq!(
        with(json!([{"from_port": 1, "to_port": 2}, {"from_port": 1, "to_port": 2}])),
        ": found several blocks, expected one"
    );
}

#[test]
fn references_that_go_round_in_circles_end() {
    let document = plan(
        json!({"child_modules": [{"address": "module.m", "resources": [rule("module.m.aws_ec2_traffic_mirror_filter_rule.r", 1)]}]}),
        json!({"module_calls": {"m": {
            "expressions": {"filter": {"references": ["module.m.filter"]}},
            "module": {
                "outputs": {"filter": {"expression": {"references": ["var.filter"]}}},
                "resources": [configured(RULE, "r", &[("traffic_mirror_filter_id", &["var.filter"])])]
            }
        }}}),
    );
    assert!(reading(&document).unwrap_err().to_string().ends_with("0 may be meant"));
}
