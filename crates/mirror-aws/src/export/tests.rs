use mirror_filter::{Action, Cidr, PortRange};
use proptest::prelude::*;

use super::*;
use crate::{Document, Parameters, read};

/// What an exported document is read as.
fn read_back(name: &str, text: &str) -> Filter {
    let document = Document { name, bytes: text.as_bytes() };
    let estate = read(&[document], &Parameters::new())
        .unwrap_or_else(|problems| panic!("{problems}\n{text}"));
    assert_eq!(estate.filters.len(), 1, "{text}");
    estate.filters[0].filter.clone()
}

fn rule(direction: Direction, number: u32) -> Rule {
    Rule {
        direction,
        number,
        action: Action::Accept,
        protocol: Some(6),
        source: "0.0.0.0/0".parse().unwrap(),
        destination: "10.0.0.0/16".parse().unwrap(),
        source_ports: None,
        destination_ports: PortRange::new(443, 443),
        description: None,
        id: None,
    }
}

fn web() -> Filter {
    Filter {
        id: Some("tmf-0a".into()),
        name: Some("web servers".into()),
        description: Some("HTTPS: \"${all}\"".into()),
        amazon_dns: true,
        rules: vec![
            Rule { id: Some("tmfr-0b".into()), ..rule(Direction::Ingress, 100) },
            Rule {
                action: Action::Reject,
                protocol: None,
                source: "::/0".parse().unwrap(),
                destination: "2001:db8::/32".parse().unwrap(),
                destination_ports: None,
                description: Some("within".into()),
                ..rule(Direction::Egress, 10)
            },
        ],
    }
}

#[test]
fn a_template_reads_as_one_that_a_person_wrote() {
    assert_eq!(
        write(&web(), Format::CloudFormation).unwrap(),
        r#"AWSTemplateFormatVersion: "2010-09-09"
Resources:
  WebServers:
    Type: AWS::EC2::TrafficMirrorFilter
    Properties:
      Description: "HTTPS: \"${all}\""
      NetworkServices: [amazon-dns]
      Tags:
        - { Key: Name, Value: web servers }
  WebServersIngress100:
    Type: AWS::EC2::TrafficMirrorFilterRule
    Properties:
      TrafficMirrorFilterId: !Ref WebServers
      TrafficDirection: ingress
      RuleNumber: 100
      RuleAction: accept
      Protocol: 6
      SourceCidrBlock: 0.0.0.0/0
      DestinationCidrBlock: 10.0.0.0/16
      DestinationPortRange: { FromPort: 443, ToPort: 443 }
  WebServersEgress10:
    Type: AWS::EC2::TrafficMirrorFilterRule
    Properties:
      TrafficMirrorFilterId: !Ref WebServers
      TrafficDirection: egress
      RuleNumber: 10
      RuleAction: reject
      SourceCidrBlock: "::/0"
      DestinationCidrBlock: "2001:db8::/32"
      Description: within
"#
    );
}

#[test]
fn a_configuration_reads_as_one_that_a_person_wrote() {
    assert_eq!(
        write(&web(), Format::Terraform).unwrap(),
        r#"resource "aws_ec2_traffic_mirror_filter" "web_servers" {
  description      = "HTTPS: \"$${all}\""
  network_services = ["amazon-dns"]

  tags = {
    Name = "web servers"
  }
}

resource "aws_ec2_traffic_mirror_filter_rule" "web_servers_ingress_100" {
  traffic_mirror_filter_id = aws_ec2_traffic_mirror_filter.web_servers.id
  traffic_direction        = "ingress"
  rule_number              = 100
  rule_action              = "accept"
  protocol                 = 6
  source_cidr_block        = "0.0.0.0/0"
  destination_cidr_block   = "10.0.0.0/16"

  destination_port_range {
    from_port = 443
    to_port   = 443
  }
}

resource "aws_ec2_traffic_mirror_filter_rule" "web_servers_egress_10" {
  description              = "within"
  traffic_mirror_filter_id = aws_ec2_traffic_mirror_filter.web_servers.id
  traffic_direction        = "egress"
  rule_number              = 10
  rule_action              = "reject"
  source_cidr_block        = "::/0"
  destination_cidr_block   = "2001:db8::/32"
}
"#
    );
    assert_eq!(
        write(&Filter::default(), Format::Terraform).unwrap(),
        "resource \"aws_ec2_traffic_mirror_filter\" \"filter\" {}\n"
    );
}

/// The rules were lost with the body of a filter that has nothing in it.
#[test]
fn a_filter_without_any_text_has_its_rules_in_terraform() {
    let rules = vec![rule(Direction::Ingress, 1), rule(Direction::Egress, 2)];
    let filter = Filter { rules, ..Filter::default() };
    let text = write(&filter, Format::Terraform).unwrap();
    assert_eq!(
        text.matches("resource \"aws_ec2_traffic_mirror_filter_rule\"").count(),
        2,
        "{text}"
    );
}

#[test]
fn an_answer_keeps_the_ids_and_makes_up_only_the_one_that_it_must_have() {
    let text = write(&web(), Format::Describe).unwrap();
    assert_eq!(read_back("a.json", &text), web());
    let without = Filter { id: None, ..web() };
    let text = write(&without, Format::Describe).unwrap();
    assert_eq!(read_back("a.json", &text).id.as_deref(), Some(PLACEHOLDER));
}

#[test]
fn names_of_resources_are_legal_unique_and_stable() {
    let called = |name: &str| {
        let filter = Filter { name: Some(name.into()), ..Filter::default() };
        (names::logical_id(&filter), names::snake(&filter))
    };
    for (name, logical, snake) in [
        ("web", "Web", "web"),
        ("web-servers (eu)", "WebServersEu", "web_servers_eu"),
        ("mirror.module.x[0]", "MirrorModuleX0", "mirror_module_x_0"),
        ("443 only", "Filter443Only", "filter_443_only"),
        // Keys that YAML reads as true and false.
        ("true", "FilterTrue", "filter_true"),
        ("no", "FilterNo", "filter_no"),
        ("日本", "Filter", "filter"),
        ("", "Filter", "filter"),
        ("\"}\n!", "Filter", "filter"),
    ] {
        assert_eq!(called(name), (logical.to_owned(), snake.to_owned()), "{name}");
    }
    assert_eq!(called(&"a b".repeat(1_000)).0.len(), 64);

    let twice = [Direction::Ingress; 3].map(|direction| rule(direction, 10)).to_vec();
    let filter = Filter { rules: twice, ..Filter::default() };
    let ids = ["FilterIngress10", "FilterIngress10x", "FilterIngress10xx"];
    assert_eq!(names::logical_ids(&filter), ids);
}

#[test]
fn what_a_format_has_no_words_for_is_refused_all_at_once() {
    let filter = Filter {
        description: Some("{{resolve:ssm:secret}}".into()),
        rules: vec![
            Rule { protocol: Some(0), ..rule(Direction::Ingress, 7) },
            Rule { description: Some("x{{resolve:".into()), ..rule(Direction::Egress, 8) },
        ],
        ..Filter::default()
    };
    assert_eq!(
        write(&filter, Format::CloudFormation).unwrap_err().to_string(),
        "can't be written as CloudFormation: the description has {{resolve:, which CloudFormation \
         replaces; the description of egress rule 8 has {{resolve:, which CloudFormation replaces; \
         ingress rule 7 is for protocol 0, which is read as all"
    );
    // The braces mean nothing to others.
    assert_eq!(write(&filter, Format::Terraform).unwrap_err().list.len(), 1);
    assert_eq!(write(&filter, Format::Describe).unwrap_err().list.len(), 1);
}

/// What a text is between its quotes, by the HCL specification: escapes of quoted literals, and
/// the two of templates. Any other `${` or `%{` would be an expression.
fn unquoted(hcl: &str) -> String {
    let inner = hcl.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap();
    let mut text = String::new();
    let mut rest = inner;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if let Some(behind) = rest.strip_prefix(&format!("{c}{{")).filter(|_| c == '$' || c == '%')
        {
            text += &format!("{c}{{");
            rest = behind;
            continue;
        }
        assert!(!(matches!(c, '$' | '%') && rest.starts_with('{')), "an expression in {hcl}");
        assert!(!matches!(c, '"' | '\n' | '\r'), "an end in {hcl}");
        if c != '\\' {
            text.push(c);
            continue;
        }
        let escape = rest.chars().next().unwrap();
        rest = &rest[1..];
        let digits = match escape {
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        let code = &rest[..digits];
        rest = &rest[digits..];
        text.push(match escape {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '"' | '\\' => escape,
            'u' | 'U' => char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap(),
            _ => panic!("no escape of HCL in {hcl}"),
        });
    }
    text
}

/// Texts that some format takes for something else.
fn text() -> impl Strategy<Value = String> {
    let odd = [
        "no",
        "ON",
        "y",
        "Null",
        "~",
        "true",
        "1e3",
        "0x1F",
        "1_000",
        "12:30:45",
        "2010-09-09",
        "!Ref Web",
        "!",
        "&a",
        "*a",
        "- a",
        "a: b",
        "a #b",
        "#",
        "{a}",
        "[a",
        "|",
        ">-",
        "%",
        "@",
        "`",
        "'",
        "\"",
        "\\",
        "a\\n",
        " a",
        "a ",
        "a\tb",
        "a\nb\n",
        "\r",
        "\u{0}",
        "\u{7f}",
        "\u{85}",
        "\u{a0}",
        "\u{2028}",
        "\u{feff}",
        "\u{202e}",
        "\u{3164}\u{2800}",
        "\u{1f600}",
        "\u{e0001}",
        "é",
        "e\u{301}",
        "${a}",
        "$${a}",
        "$$${",
        "$",
        "$$",
        "%{if}",
        "%%{",
        "${",
        "key=value",
        "<<",
        "a,b",
        "? a",
        "---",
        "...",
        "tmf-0a",
        "=",
    ];
    prop_oneof![
        proptest::sample::select(odd.to_vec()).prop_map(str::to_owned),
        proptest::collection::vec(proptest::sample::select(odd.to_vec()), 1..4)
            .prop_map(|parts| parts.concat()),
        any::<String>(),
    ]
}

fn ranges() -> impl Strategy<Value = (Cidr, Cidr)> {
    let v4 = (any::<[std::net::Ipv4Addr; 2]>(), 0_u8..=32, 0_u8..=32);
    let v6 = (any::<[std::net::Ipv6Addr; 2]>(), 0_u8..=128, 0_u8..=128);
    prop_oneof![
        v4.prop_map(|([a, b], m, n)| (
            Cidr::new(a.into(), m).unwrap(),
            Cidr::new(b.into(), n).unwrap()
        )),
        v6.prop_map(|([a, b], m, n)| (
            Cidr::new(a.into(), m).unwrap(),
            Cidr::new(b.into(), n).unwrap()
        )),
    ]
}

fn a_rule() -> impl Strategy<Value = Rule> {
    let ports = || {
        proptest::option::of(
            any::<[u16; 2]>().prop_map(|[a, b]| PortRange::new(a.min(b), a.max(b)).unwrap()),
        )
    };
    let number = prop_oneof![0_u32..20, 0..=u32::try_from(i32::MAX).unwrap()];
    let protocol = prop_oneof![Just(None), Just(Some(6)), Just(Some(17)), (1_u8..).prop_map(Some)];
    let texts = proptest::option::of(text());
    (any::<[bool; 2]>(), number, protocol, ranges(), ports(), ports(), texts).prop_map(
        |([ingress, accept], number, protocol, (source, destination), from, to, description)| {
            let has_ports = matches!(protocol, Some(6 | 17));
            Rule {
                direction: if ingress { Direction::Ingress } else { Direction::Egress },
                number,
                action: if accept { Action::Accept } else { Action::Reject },
                protocol,
                source,
                destination,
                source_ports: from.filter(|_| has_ports),
                destination_ports: to.filter(|_| has_ports),
                description: description.filter(|text| !text.is_empty()),
                id: None,
            }
        },
    )
}

/// Any filter, its rules in the order in which they are read.
fn a_filter() -> impl Strategy<Value = Filter> {
    let rules = proptest::collection::vec(a_rule(), 0..10).prop_map(|mut rules| {
        rules.sort_by_key(|rule| (rule.direction == Direction::Egress, rule.number));
        rules.dedup_by_key(|rule| (rule.direction, rule.number));
        rules
    });
    let texts = || proptest::option::of(text().prop_filter("", |text| !text.is_empty()));
    (texts(), texts(), any::<bool>(), rules).prop_map(|(name, description, amazon_dns, rules)| {
        Filter { id: None, name, description, amazon_dns, rules }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn an_exported_filter_is_read_as_it_was(filter in a_filter()) {
        let resolves = |text: Option<&String>| text.is_some_and(|text| text.contains("{{resolve:"));
        prop_assume!(!resolves(filter.name.as_ref()) && !resolves(filter.description.as_ref()));

        let json = write(&filter, Format::Describe).unwrap();
        let back = read_back("a.json", &json);
        prop_assert_eq!(&Filter { id: None, ..back }, &filter, "{}", json);

        let yaml = write(&filter, Format::CloudFormation).unwrap();
        let back = read_back("a.yaml", &yaml);
        // A resource without a tag is called by its name in the template.
        let name = filter.name.clone().or(Some("Filter".into()));
        prop_assert_eq!(&back, &Filter { name, ..filter.clone() }, "{}", yaml);

        let hcl = write(&filter, Format::Terraform).unwrap();
        for text in [json, yaml, hcl] {
            let hides = |c| !is_visible(c) || is_hidden(c);
            let hidden = text.chars().find(|&c| c != '\n' && hides(c));
            prop_assert_eq!(hidden, None, "{}", text);
        }
    }

    #[test]
    fn a_quoted_text_of_terraform_is_that_text(text in text()) {
        prop_assert_eq!(unquoted(&terraform::quoted(&text)), text);
    }
}
