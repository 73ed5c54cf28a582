//! Plans and states in the shapes that `terraform show -json` prints, as far as they are read.

#![allow(clippy::needless_pass_by_value, reason = "json! makes values")]

use serde_json::{Value, json};

use crate::unresolved::needing_all;
use crate::{Document, Estate, Parameters, Problems, read};

fn reading(document: &Value) -> Result<Estate, Problems> {
    let text = document.to_string();
    needing_all(read(&[Document { name: "plan", bytes: text.as_bytes() }], &Parameters::new()))
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
    resource(address, json!({"description": address, "network_services": null}))
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

fn warnings(estate: &Estate) -> Vec<String> {
    let unresolved = estate.unresolved.iter().map(crate::Unresolved::warning);
    unresolved.chain(estate.warnings.iter().cloned()).map(|one| one.to_string()).collect()
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
    let estate = estate(&one);
    assert_eq!(rules_by_filter(&estate)[0].1, [1]);
    assert_eq!(
        warnings(&estate),
        ["plan:1: aws_ec2_traffic_mirror_filter_rule.r.traffic_mirror_filter_id: warning: taken \
             for \"aws_ec2_traffic_mirror_filter.a\", the only one in its module, as a plan \
          doesn't repeat \"local.filter\""]
    );

    for (filters, count) in [
        (&[][..], 0),
        (&["aws_ec2_traffic_mirror_filter.a", "aws_ec2_traffic_mirror_filter.b"][..], 2),
    ] {
        let problems = reading(&plan(planned(filters), configuration.clone())).unwrap_err();
        assert_eq!(
            problems.to_string(),
            format!(
                "plan:1: aws_ec2_traffic_mirror_filter_rule.r.traffic_mirror_filter_id: \
                 unresolved: it is known only after the plan is applied, from terraform show -json \
                 of the state then; of the aws_ec2_traffic_mirror_filter in the plan {count} may be \
                 meant"
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
    let missing = "found no traffic_mirror_filter_id, expected one";
    assert!(lines[0].ends_with(missing), "{problems}");

    let ids = json!({
        "traffic_mirror_filter_id": "tmf-1", "traffic_mirror_target_id": "tmt-1", "id": null,
    });
    for at in [1, 2] {
        let values = &mut document["planned_values"]["root_module"]["resources"][at]["values"];
        values.as_object_mut().unwrap().extend(ids.as_object().unwrap().clone());
    }
    document["planned_values"]["root_module"]["resources"][1]["values"]
        .as_object_mut()
        .unwrap()
        .remove("traffic_mirror_target_id");
    let problems = reading(&document).unwrap_err().to_string();
    assert!(problems.starts_with(
        "plan:1: aws_ec2_traffic_mirror_filter_rule.r.source_cidr_block: unresolved: it is known only \
         after the plan is applied, from terraform show -json of the state then\n"
    ), "{problems}");
    document["resource_changes"].as_array_mut().unwrap().remove(0);
    let told = warnings(&estate(&document));
    assert!(
        told[0].starts_with(
            "plan:1: aws_ec2_traffic_mirror_session.s.network_interface_id: warning: unresolved: "
        ),
        "{told:?}"
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
        "[0]: found ports 443-0, expected both ports; Terraform sends one that is not set as 0"
    );
    assert_eq!(
        with(json!([{"from_port": 443, "to_port": 80}])),
        "[0]: found ports 443-80, expected 80-443"
    );
    assert_eq!(
        with(json!([{"from_port": 443, "to_port": null}])),
        "[0]: found no to_port, expected one"
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

/// A plan of these resources, in which rule `in` takes its filter from `references`.
fn plan_of_rule(mut resources: Vec<Value>, references: &[&str]) -> Value {
    resources.push(rule("aws_ec2_traffic_mirror_filter_rule.in", 1));
    let configured = configured(RULE, "in", &[("traffic_mirror_filter_id", references)]);
    plan(json!({"resources": resources}), json!({"resources": [configured]}))
}

#[test]
fn a_rule_of_something_else_is_not_joined_to_the_one_filter_that_is_there() {
    let one = || vec![filter("aws_ec2_traffic_mirror_filter.web")];
    for (references, why) in [
        (
            &["aws_cloudformation_stack.tap.outputs[\"Id\"]", "aws_cloudformation_stack.tap"][..],
            "the configuration takes it from \"aws_cloudformation_stack.tap\"",
        ),
        (
            &["data.aws_ec2_thing.f.id", "data.aws_ec2_thing.f"][..],
            "the configuration takes it from \"data.aws_ec2_thing.f.id\"",
        ),
        (
            &["module.other.filter_id", "module.other"][..],
            "the configuration takes it from \"module.other.filter_id\"",
        ),
        (
            &["local.use", "local.id", "aws_ec2_traffic_mirror_filter.web.id"][..],
            "it may come from \"local.use\", which a plan doesn't repeat",
        ),
        (
            &["local.id", "aws_cloudformation_stack.tap"][..],
            "the configuration takes it from \"aws_cloudformation_stack.tap\"",
        ),
    ] {
        let problems = reading(&plan_of_rule(one(), references)).unwrap_err().to_string();
        assert!(problems.ends_with(&format!("; {why}")), "{references:?}: {problems}");
    }
    // What a variable of the root holds is known, so it is not where an unknown id comes from.
    let references = ["var.create", "aws_ec2_traffic_mirror_filter.web.id", "var.filter_id"];
    let estate = estate(&plan_of_rule(one(), &references));
    assert_eq!((rules_by_filter(&estate)[0].1.as_slice(), estate.warnings.len()), (&[1][..], 0));
}

#[test]
fn a_session_is_not_given_the_interface_that_happens_to_be_in_the_plan() {
    for reference in [
        "aws_spot_instance_request.app.primary_network_interface_id",
        "data.aws_instance.app.network_interface_id",
        "local.eni",
    ] {
        let document = plan(
            json!({"resources": [
                filter("aws_ec2_traffic_mirror_filter.f"),
                resource("aws_instance.collector", json!({"private_ip": "10.0.9.9"})),
                resource("aws_ec2_traffic_mirror_target.t", json!({})),
                session("aws_ec2_traffic_mirror_session.s", 7)
            ]}),
            json!({"resources": [
                configured(TARGET, "t", &[("network_interface_id", &["aws_instance.collector.primary_network_interface_id", "aws_instance.collector"])]),
                configured(SESSION, "s", &[
                    ("traffic_mirror_filter_id", &["aws_ec2_traffic_mirror_filter.f.id"]),
                    ("traffic_mirror_target_id", &["aws_ec2_traffic_mirror_target.t.id"]),
                    ("network_interface_id", &[reference])
                ])
            ]}),
        );
        let estate = estate(&document);
        assert_eq!(estate.sessions[0].session.eni, None, "{reference}");
        assert!(warnings(&estate)[0].contains("network_interface_id: warning: unresolved: "));
    }
}

/// Filters `f` and rules `r`, each with these two keys; the rules take theirs by `references`.
fn repeated(keys: [&str; 2], references: &[&str], for_each: Value) -> Value {
    let mut resources = Vec::new();
    for (n, key) in keys.into_iter().enumerate() {
        resources.push(filter(&format!("aws_ec2_traffic_mirror_filter.f[{key}]")));
        let number = u32::try_from(n).unwrap() + 1;
        resources.push(rule(&format!("aws_ec2_traffic_mirror_filter_rule.r[{key}]"), number));
    }
    let mut configured = configured(RULE, "r", &[("traffic_mirror_filter_id", references)]);
    configured["for_each_expression"] = for_each;
    plan(json!({"resources": resources}), json!({"resources": [configured]}))
}

#[test]
fn a_key_is_an_index_and_a_part_of_a_value_is_none() {
    const F: &str = "aws_ec2_traffic_mirror_filter.f";
    let keys = ["\"web\"", "\"db\""];
    let joined = estate(&repeated(keys, &["each.key", F], json!({})));
    assert_eq!(rules_by_filter(&joined).iter().map(|(_, r)| r.len()).sum::<usize>(), 2);
    assert_eq!(joined.warnings.len(), 0);

    // The values of this map may well be each other's keys.
    for references in [
        &["each.value.filter", "each.value", F][..],
        &["each.value[\"filter\"]", "each.value", F][..],
        &["each.key", "each.value.suffix", "each.value", F][..],
    ] {
        let problems = reading(&repeated(keys, references, json!({}))).unwrap_err().to_string();
        assert!(problems.contains("in the plan 2 may be meant (in 2 places, also "), "{problems}");
    }
    let constant = json!({"constant_value": {"web": "db", "db": "web"}});
    let problems = reading(&repeated(keys, &["each.value", F], constant)).unwrap_err().to_string();
    assert!(problems.contains("in the plan 2 may be meant (in 2 places, also "), "{problems}");

    // Of a set, which a plan can't tell from another map.
    let doubtful = estate(&repeated(keys, &["each.value", F], json!({})));
    assert_eq!(rules_by_filter(&doubtful)[1].1, [2]);
    assert!(warnings(&doubtful)[0].contains("doesn't repeat how each.value is used"));
}

#[test]
fn a_count_may_be_computed_with_so_that_it_is_an_index_is_said() {
    let references = ["count.index", "aws_ec2_traffic_mirror_filter.f"];
    let estate = estate(&repeated(["0", "1"], &references, json!({})));
    assert_eq!(rules_by_filter(&estate)[1].1, [2]);
    assert_eq!(
        warnings(&estate)[0],
        "plan:1: aws_ec2_traffic_mirror_filter_rule.r[0].traffic_mirror_filter_id: warning: \
         taken for the one with the same index, as a plan doesn't repeat how count.index is used"
    );
}

/// A rule of which the plan leaves out some fields.
fn without(fields: &[&str]) -> Value {
    let references = ["aws_ec2_traffic_mirror_filter.web.id", "aws_ec2_traffic_mirror_filter.web"];
    let mut document = plan_of_rule(vec![filter("aws_ec2_traffic_mirror_filter.web")], &references);
    let values = &mut document["planned_values"]["root_module"]["resources"][1]["values"];
    for field in fields {
        values.as_object_mut().unwrap().remove(*field).unwrap();
    }
    document
}

#[test]
fn a_field_that_a_plan_does_not_have_is_unknown_and_null_is_unset() {
    assert_eq!(estate(&without(&[])).filters[0].filter.rules[0].protocol, None);
    for field in ["protocol", "source_port_range", "destination_port_range"] {
        // Nobody says that it is unknown: the list of changes is gone.
        let problems = reading(&without(&[field])).unwrap_err().to_string();
        assert!(problems.contains(&format!(".{field}: unresolved: ")), "{problems}");
    }
    let mut document = without(&[]);
    let filter = &mut document["planned_values"]["root_module"]["resources"][0]["values"];
    filter.as_object_mut().unwrap().remove("network_services").unwrap();
    let problems = reading(&document).unwrap_err().to_string();
    assert!(problems.contains(".network_services: unresolved: "), "{problems}");
}

#[test]
fn what_is_left_of_an_interrupted_replacement_makes_nothing_known() {
    let mut document = without(&["protocol"]);
    let address = "aws_ec2_traffic_mirror_filter_rule.in";
    document["resource_changes"] = json!([
        {"address": address, "change": {"actions": ["create"], "after_unknown": {"id": true, "protocol": true}}},
        {"address": address, "deposed": "0a1b2c3d", "change": {"actions": ["delete"], "after": null, "after_unknown": false}}
    ]);
    let problems = reading(&document).unwrap_err();
    assert_eq!(problems.errors(), 1, "{problems}");
    assert!(problems.to_string().contains(".protocol: unresolved: "), "{problems}");
}

#[test]
fn a_target_of_a_module_that_takes_any_of_three_is_of_the_one_that_is_given() {
    let document = plan(
        json!({"resources": [resource("aws_ec2_traffic_mirror_target.t", json!({
            "network_interface_id": null, "network_load_balancer_arn": "arn:aws:lb",
            "gateway_load_balancer_endpoint_id": null
        }))]}),
        json!({"resources": [configured(TARGET, "t", &[
            ("network_interface_id", &["var.eni"]),
            ("network_load_balancer_arn", &["var.nlb"]),
            ("gateway_load_balancer_endpoint_id", &["var.endpoint"])
        ])]}),
    );
    assert_eq!(estate(&document).warnings.len(), 0);
}

#[test]
fn a_format_of_the_future_is_refused_and_a_plan_that_failed_is_said() {
    let with = |key: &str, value: Value| {
        let mut document = plan(json!({"resources": []}), json!({}));
        document[key] = value;
        reading(&document)
    };
    for version in [json!("9.0"), json!("10.1"), json!(1), json!("1")] {
        let problems = with("format_version", version).unwrap_err().to_string();
        assert!(problems.ends_with("expected \"1.\" and a number"), "{problems}");
    }
    assert!(with("format_version", json!("1.9")).is_ok());
    assert!(warnings(&with("errored", json!(true)).unwrap())[0].contains("ended in an error"));
}

#[test]
fn ten_thousand_modules_each_with_its_own_filter_take_no_time() {
    let module = |n: u32| {
        let module = format!("module.m[{n}]");
        let mut resources = vec![filter(&format!("{module}.aws_ec2_traffic_mirror_filter.f"))];
        for number in 1..=3 {
            let address = format!("{module}.aws_ec2_traffic_mirror_filter_rule.r[{number}]");
            resources.push(rule(&address, number));
        }
        json!({"address": module, "resources": resources})
    };
    let document = plan(
        json!({"child_modules": (0..10_000).map(module).collect::<Vec<_>>()}),
        json!({"module_calls": {"m": {"module": {"resources": [
            configured(RULE, "r", &[("traffic_mirror_filter_id", &["aws_ec2_traffic_mirror_filter.f.id"])])
        ]}}}}),
    );
    let began = std::time::Instant::now();
    let estate = estate(&document);
    assert!(estate.filters.iter().all(|one| one.filter.rules.len() == 3));
    assert!(began.elapsed() < std::time::Duration::from_secs(30), "{:?}", began.elapsed());
}

#[test]
fn a_plan_too_large_to_look_through_says_so_and_not_that_nothing_is_there() {
    let count = 4_000;
    let mut resources = Vec::new();
    for n in 0..count {
        resources.push(filter(&format!("aws_ec2_traffic_mirror_filter.f[{n}]")));
        resources.push(rule(&format!("aws_ec2_traffic_mirror_filter_rule.r[{n}]"), n));
    }
    let references = ["aws_ec2_traffic_mirror_filter.f"];
    let document = plan(
        json!({"resources": resources}),
        json!({"resources": [configured(RULE, "r", &[("traffic_mirror_filter_id", &references)])]}),
    );
    let problems = reading(&document).unwrap_err();
    let said = |text: &str| problems.iter().filter(|one| one.message.ends_with(text)).count();
    assert!(said("4000 may be meant") > 0);
    assert_eq!(said("0 may be meant"), said("4000 may be meant"));
    assert_eq!(problems.errors(), 4_000);
}

#[test]
fn references_without_end_are_not_followed() {
    let references = vec!["local.l"; 100_000];
    let document = plan_of_rule(vec![filter("aws_ec2_traffic_mirror_filter.web")], &references);
    let problems = reading(&document).unwrap_err().to_string();
    assert!(problems.ends_with("the configuration is too large to follow its references"));
}

#[test]
fn what_is_not_known_is_told_in_the_order_of_the_plan() {
    let mut document =
        plan(json!({"resources": [filter("aws_ec2_traffic_mirror_filter.f")]}), json!({}));
    let unknown: serde_json::Map<_, _> =
        (10..60).map(|n| (format!("new_{n}"), json!(true))).collect();
    document["resource_changes"] = json!([
        {"address": "aws_ec2_traffic_mirror_filter.f", "change": {"after_unknown": unknown}}
    ]);
    let mut told = warnings(&estate(&document));
    told.retain(|one| one.contains(".new_"));
    assert!(told.len() == 50 && told.is_sorted(), "{told:?}");
}
