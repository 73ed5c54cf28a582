//! `filter export`: any filter into any format, and what others make of it.

use std::{fs, path::PathBuf};

use serde_json::Value;

use crate::{
    harness::{Scratch, mirror_pcap, root},
    python::Python,
};

/// Names and descriptions that some format takes for something else.
const ODD: &str = r#"{"TrafficMirrorFilters": [{
  "TrafficMirrorFilterId": "tmf-0a", "NetworkServices": ["amazon-dns"],
  "Description": "1e3", "Tags": [{ "Key": "Name", "Value": "true" }],
  "IngressFilterRules": [{
    "TrafficDirection": "ingress", "RuleNumber": 100, "RuleAction": "accept", "Protocol": 6,
    "SourceCidrBlock": "::/0", "DestinationCidrBlock": "2001:db8::/32",
    "SourcePortRange": { "FromPort": 443, "ToPort": 443 },
    "Description": "%{b} $$ \"q\" \\n \n x: #y\u0007\u202e 日本"
  }],
  "EgressFilterRules": [{
    "TrafficDirection": "egress", "RuleNumber": 7, "RuleAction": "reject",
    "SourceCidrBlock": "0.0.0.0/0", "DestinationCidrBlock": "10.0.0.0/8", "Description": "- no"
  }]
}]}"#;

/// Documents with one filter, each with the parameters that it needs.
fn documents(scratch: &Scratch) -> Vec<(PathBuf, Vec<String>)> {
    let mut documents = vec![(scratch.write("odd.json", ODD), Vec::new())];
    for case in fs::read_dir(root().join("testdata/aws")).unwrap() {
        let folder = case.unwrap().path();
        for name in ["template.yaml", "template.json", "plan.json", "state.json", "filters.json"] {
            let params = fs::read_to_string(folder.join("params.txt")).unwrap_or_default();
            let params = params.lines().flat_map(|line| ["--param".to_owned(), line.to_owned()]);
            documents.push((folder.join(name), params.collect()));
        }
    }
    let of_lab = ["cfn.yaml", "cdk-synth.template.json", "terraform-plan.json"];
    let lab = root().join("testdata/aws/lab-d");
    documents.extend(of_lab.map(|name| (lab.join(name), Vec::new())));
    // One page of an answer is no document.
    documents.retain(|(path, _)| path.exists() && !path.to_string_lossy().contains("api-pages"));
    documents
}

fn export(document: &PathBuf, params: &[String], format: &str) -> Option<Vec<u8>> {
    let seen =
        mirror_pcap().args(["filter", "export", "--format", format]).args(params).arg(document);
    let seen = seen.ends();
    // Of several filters, or none, it says so.
    let has_one = seen.status.success();
    assert!(
        has_one || seen.stderr.contains("expected one") || seen.stderr.contains("no mirror filter"),
        "{}",
        seen.stderr
    );
    has_one.then_some(seen.stdout)
}

/// What `filter show` says of the one filter, without what differs between documents.
fn shown(document: &PathBuf, params: &[String]) -> Value {
    let seen =
        mirror_pcap().args(["filter", "show", "--format", "json"]).args(params).arg(document);
    let json: Value = serde_json::from_slice(&seen.succeeds().stdout).unwrap();
    let mut filter = json["filters"][0].clone();
    let mut strip = |value: &mut Value| {
        let object = value.as_object_mut().unwrap();
        object.remove("location");
        object.remove("id");
    };
    filter["rules"].as_array_mut().unwrap().iter_mut().for_each(&mut strip);
    strip(&mut filter);
    filter
}

#[test]
fn every_filter_of_testdata_is_the_same_in_every_format() {
    let scratch = Scratch::new();
    let mut exported = 0;
    for (document, params) in documents(&scratch) {
        for (format, name) in [("describe", "out.json"), ("cloudformation", "out.yaml")] {
            let Some(text) = export(&document, &params, format) else { continue };
            let out = scratch.write(name, text);
            let (was, mut is) = (shown(&document, &params), shown(&out, &[]));
            // In a template what has no name is called by its place.
            if was["name"].is_null() {
                is["name"] = Value::Null;
            }
            assert_eq!(was, is, "{} as {format}", document.display());
            exported += 1;
        }
    }
    assert!(exported > 20, "{exported} of testdata have one filter");
}

/// cfn-lint knows the resources of AWS; what it says of IPv6 ranges is a fault of its own, and a
/// literal `${` in a description is one that somebody meant.
#[test]
fn cfn_lint_finds_nothing_in_a_template() {
    let Some(python) = Python::with("cfnlint", "templates of filter export") else { return };
    let scratch = Scratch::new();
    let mut args = vec!["--format".to_owned(), "json".to_owned()];
    for (n, (document, params)) in documents(&scratch).iter().enumerate() {
        let Some(text) = export(document, params, "cloudformation") else { continue };
        let out = scratch.write(format!("{n}.yaml"), text);
        args.push(out.to_str().unwrap().to_owned());
    }
    let script = "import sys; from cfnlint.runner import main; sys.exit(main())";
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    // Its exit status says of which severities the findings are.
    let found = python.run(script, &args, &[2, 4, 6, 8, 10, 12, 14]);
    for finding in serde_json::from_str::<Value>(&found).unwrap().as_array().unwrap() {
        let message = finding["Message"].as_str().unwrap();
        let is_of_ipv6 = message.contains("::") && message.ends_with("is not a 'ipv4-network'");
        let is_false = is_of_ipv6 || finding["Rule"]["Id"] == "E1029";
        assert!(is_false, "{}: {message}", finding["Filename"]);
    }
}

/// python-hcl2 leaves the quotes and escapes of a text; what they stand for is in HCL's
/// specification.
const HCL: &str = r##"
import hcl2, json, re, sys
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
def text(value):
    if isinstance(value, dict):
        return {text(k): text(v) for k, v in value.items() if k != "__is_block__"}
    if isinstance(value, list):
        return [text(v) for v in value]
    if isinstance(value, str) and value.startswith('"'):
        def one(match):
            code = match[1] or match[2]
            return chr(int(code, 16)) if code else ESCAPES[match[3]] if match[3] else match[4] + "{"
        pattern = r'\\u([0-9a-f]{4})|\\U([0-9a-f]{8})|\\(.)|([$%])\4\{'
        return re.sub(pattern, one, value[1:-1])
    return value
with open(sys.argv[1]) as file:
    json.dump(text(hcl2.load(file)), sys.stdout)
"##;

#[test]
fn terraform_reads_the_values_that_were_written() {
    let Some(python) = Python::with("hcl2", "configuration of filter export") else { return };
    let scratch = Scratch::new();
    for (document, params) in documents(&scratch) {
        let Some(hcl) = export(&document, &params, "terraform") else { continue };
        let out = scratch.write("out.tf", hcl);
        let read: Value =
            serde_json::from_str(&python.run(HCL, &[out.to_str().unwrap()], &[])).unwrap();
        let was = shown(&document, &params);
        let resources: Vec<(&String, &Value)> = read["resource"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|one| one.as_object().unwrap())
            .flat_map(|(kind, named)| named.as_object().unwrap().values().map(move |v| (kind, v)))
            .collect();
        let (filter, rules) = resources.split_first().unwrap();
        assert_eq!(filter.0, "aws_ec2_traffic_mirror_filter");
        assert_eq!(filter.1["tags"]["Name"], was["name"]);
        assert_eq!(filter.1["description"], was["description"]);
        assert_eq!(!filter.1["network_services"].is_null(), was["amazon_dns"] == true);
        let written = was["rules"].as_array().unwrap();
        assert_eq!(rules.len(), written.len(), "{}", document.display());
        for ((kind, is), was) in rules.iter().zip(written) {
            assert_eq!(*kind, "aws_ec2_traffic_mirror_filter_rule");
            for (hcl, shown) in [
                ("traffic_direction", "direction"),
                ("rule_number", "number"),
                ("rule_action", "action"),
                ("protocol", "protocol"),
                ("source_cidr_block", "source"),
                ("destination_cidr_block", "destination"),
                ("description", "description"),
            ] {
                assert_eq!(is[hcl], was[shown], "{} {hcl}", document.display());
            }
            for side in ["source", "destination"] {
                let (is, was) =
                    (&is[format!("{side}_port_range")][0], &was[format!("{side}_ports")]);
                assert_eq!((&is["from_port"], &is["to_port"]), (&was["from"], &was["to"]));
            }
        }
    }
}

#[test]
fn what_a_format_cannot_say_is_an_error() {
    let scratch = Scratch::new();
    let text = ODD.replace("1e3", "{{resolve:ssm:a}}");
    scratch.write("a.json", text);
    let run = |format| {
        mirror_pcap().within(&scratch).args(["filter", "export", "--format", format, "a.json"])
    };
    run("cloudformation").fails_with(2).stdout("").stderr(
        "mirror-pcap: a.json: can't be written as CloudFormation: the description has {{resolve:, \
         which CloudFormation replaces\n",
    );
    run("terraform").succeeds().stderr("");
    run("hcl").fails_with(2).stderr_has("[possible values: describe, cloudformation, terraform]");
}

#[test]
fn one_of_several_filters_is_named() {
    let document = root().join("testdata/aws/cfn-imported-ranges/template.yaml");
    let params = fs::read_to_string(document.with_file_name("params.txt")).unwrap();
    let params: Vec<&str> = params.lines().flat_map(|line| ["--param", line]).collect();
    let run = |document: &str| {
        mirror_pcap()
            .args(["filter", "export", "--format", "terraform"])
            .args(&params)
            .arg(document)
    };
    let document = document.to_str().unwrap();
    run(document).fails_with(2).stderr_has("found 3 filters, expected one; give DOC#ID");
    let seen = run(&format!("{document}#MirrorAllTraffic")).succeeds();
    let text = String::from_utf8(seen.stdout).unwrap();
    assert_eq!(text.matches("resource \"aws_ec2_traffic_mirror_filter\"").count(), 1, "{text}");
}
