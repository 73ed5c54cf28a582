//! Templates in the shapes that people have published, each with what it comes to.

use super::*;
use crate::unresolved::needing_all;
use crate::{Document, Estate};

fn read_all(template: &str, params: &[&str]) -> Result<Estate, Problems> {
    let documents = [Document { name: "t.yaml", bytes: template.as_bytes() }];
    needing_all(crate::read(&documents, &given(params)))
}

/// Filters with their rules, then sessions.
fn described(estate: &Estate) -> String {
    let mut lines = Vec::new();
    for known in &estate.filters {
        let filter = &known.filter;
        let dns = if filter.amazon_dns { " amazon-dns" } else { "" };
        lines.push(format!("{}{dns}", filter.name.as_deref().unwrap_or("?")));
        lines.extend(filter.rules.iter().map(|rule| format!("  {rule}")));
    }
    for one in &estate.sessions {
        let session = &one.session;
        let eni = session.eni.as_ref().and_then(|eni| eni.id.as_deref().or(eni.name.as_deref()));
        let target = session.target.as_ref().and_then(|target| target.kind.as_ref());
        lines.push(format!(
            "{} {:?} vni {:?} of {} to {:?}",
            session.name.as_deref().unwrap_or("?"),
            session.number,
            session.vni.map(mirror_wire::Vni::get),
            eni.unwrap_or("?"),
            target
        ));
    }
    lines.join("\n")
}

/// Ranges that another stack exports, ports from 0 to 65535, several filters of which a session
/// uses one.
#[test]
fn ranges_imported_from_a_network_stack() {
    let template = "
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  WebEni: { Type: String, Description: The interface to mirror }
Resources:
  Collector:
    Type: AWS::EC2::TrafficMirrorTarget
    Properties:
      Description: !Sub Collector for ${WebEni}
      NetworkLoadBalancerArn: !ImportValue ids-LoadBalancer
  Web:
    Type: AWS::EC2::TrafficMirrorSession
    Properties:
      NetworkInterfaceId: !Ref WebEni
      SessionNumber: 1
      Tags: [{ Key: Name, Value: !Sub '${AWS::StackName}-web' }]
      TrafficMirrorFilterId: !Ref Clients
      TrafficMirrorTargetId: !Ref Collector
      VirtualNetworkId: 4242
  Clients:
    Type: AWS::EC2::TrafficMirrorFilter
    Properties:
      Tags: [{ Key: Name, Value: !Sub '${AWS::StackName}-clients' }]
  ClientsNotInternal:
    Type: AWS::EC2::TrafficMirrorFilterRule
    Properties:
      TrafficMirrorFilterId: !Ref Clients
      TrafficDirection: ingress
      RuleNumber: 2
      RuleAction: reject
      Protocol: 6 # tcp
      SourceCidrBlock: !ImportValue net-Cidr
      SourcePortRange: { FromPort: 0, ToPort: 65535 }
      DestinationCidrBlock: !ImportValue net-Cidr
      DestinationPortRange: { FromPort: 0, ToPort: 65535 }
  ClientsAll:
    Type: AWS::EC2::TrafficMirrorFilterRule
    Properties:
      TrafficMirrorFilterId: !Ref Clients
      TrafficDirection: ingress
      RuleNumber: 100
      RuleAction: accept
      Protocol: 6
      SourceCidrBlock: 0.0.0.0/0
      DestinationCidrBlock: 0.0.0.0/0
  Targets:
    Type: AWS::EC2::TrafficMirrorFilter
  TargetsOnly:
    Type: AWS::EC2::TrafficMirrorFilterRule
    Properties:
      TrafficMirrorFilterId: !Ref Targets
      TrafficDirection: egress
      RuleNumber: 1
      RuleAction: accept
      SourceCidrBlock: 0.0.0.0/0
      DestinationCidrBlock: !ImportValue net-Cidr
";
    assert_eq!(
        read_all(template, &[]).unwrap_err().to_string(),
        "\
t.yaml:10: /Resources/Collector/Properties/NetworkLoadBalancerArn: unresolved: \"ids-LoadBalancer\" is imported from another stack; give --param ids-LoadBalancer=VALUE
t.yaml:14: /Resources/Web/Properties/NetworkInterfaceId: unresolved: parameter \"WebEni\" has no default; give --param WebEni=VALUE
t.yaml:32: /Resources/ClientsNotInternal/Properties/SourceCidrBlock: unresolved: \"net-Cidr\" is imported from another stack; give --param net-Cidr=VALUE (in 3 places, also line 34: /Resources/ClientsNotInternal/Properties/DestinationCidrBlock and line 56: /Resources/TargetsOnly/Properties/DestinationCidrBlock)"
    );
    let params = ["WebEni=eni-0a", "net-Cidr=10.0.0.0/16", "ids-LoadBalancer=arn:aws:x"];
    assert_eq!(
        described(&read_all(template, &params).unwrap()),
        "\
${AWS::StackName}-clients
  ingress 2 reject tcp 10.0.0.0/16 0-65535 > 10.0.0.0/16 0-65535
  ingress 100 accept tcp 0.0.0.0/0 > 0.0.0.0/0
Targets
  egress 1 accept all 0.0.0.0/0 > 10.0.0.0/16
${AWS::StackName}-web Some(1) vni Some(4242) of eni-0a to Some(NetworkLoadBalancer(\"arn:aws:x\"))"
    );
}

/// Interfaces that a function of the stack looks up, no protocol, no VNI, quoted types, a VPC and
/// instances around it.
#[test]
fn interfaces_from_a_custom_resource() {
    let template = "
Parameters:
  Prefix: { Type: String, Default: lab }
  Key: { Type: AWS::EC2::KeyPair::KeyName }
Mappings:
  Images: { eu-west-1: { '64': ami-1 } }
Resources:
  Vpc: { Type: AWS::EC2::VPC, Properties: { CidrBlock: 10.66.0.0/16 } }
  Web:
    Type: AWS::EC2::Instance
    Properties:
      ImageId: { 'Fn::FindInMap': [Images, !Ref AWS::Region, '64'] }
      KeyName: !Ref Key
      UserData:
        Fn::Base64: !Sub |
          #!/bin/bash
          echo ${AWS::Region}
  Lookup:
    Type: 'Custom::Interface'
    Properties: { ServiceToken: !GetAtt Function.Arn, InstanceId: !Ref Web }
  Target:
    Type: AWS::EC2::TrafficMirrorTarget
    Properties: { NetworkInterfaceId: !GetAtt LookupTarget.ENI }
  LookupTarget: { Type: 'Custom::Interface' }
  Filter:
    Type: \"AWS::EC2::TrafficMirrorFilter\"
    Properties:
      NetworkServices: [\"amazon-dns\"]
      Tags: [{ Key: Name, Value: !Sub '${Prefix}-filter' }]
  In:
    Type: \"AWS::EC2::TrafficMirrorFilterRule\"
    Properties:
      TrafficMirrorFilterId: !Ref Filter
      TrafficDirection: \"ingress\"
      RuleNumber: 10
      DestinationCidrBlock: \"0.0.0.0/0\"
      SourceCidrBlock: \"0.0.0.0/0\"
      RuleAction: \"accept\"
      # Protocol: 6
  Session:
    Type: AWS::EC2::TrafficMirrorSession
    Properties:
      NetworkInterfaceId: !GetAtt Lookup.ENI
      SessionNumber: 10
      TrafficMirrorFilterId: !Ref Filter
      TrafficMirrorTargetId: !Ref Target
";
    let params = ["Lookup.ENI=eni-0a", "LookupTarget.ENI=eni-0b", "Key=k"];
    assert_eq!(
        described(&read_all(template, &params).unwrap()),
        "\
lab-filter amazon-dns
  ingress 10 accept all 0.0.0.0/0 > 0.0.0.0/0
Session Some(10) vni None of eni-0a to Some(NetworkInterface(\"eni-0b\"))"
    );
    let problems = read_all(template, &[]).unwrap_err().to_string();
    assert!(problems.contains("; give --param Lookup.ENI=VALUE"), "{problems}");
    assert!(problems.contains("; give --param LookupTarget.ENI=VALUE"), "{problems}");
}

/// What the CDK writes: words in upper case, functions in long form, a rule for each range of a
/// VPC, a target behind a Gateway Load Balancer's endpoint.
#[test]
fn the_output_of_a_cdk_program() {
    let template = r#"{
 "Parameters": {"BootstrapVersion": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/cdk/version"}},
 "Rules": {"CheckBootstrapVersion": {"Assertions": []}},
 "Conditions": {"CDKMetadataAvailable": {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-1"]}},
 "Resources": {
  "CDKMetadata": {"Type": "AWS::CDK::Metadata", "Condition": "CDKMetadataAvailable"},
  "Endpoint1A2B": {"Type": "AWS::EC2::VPCEndpoint", "Properties": {"VpcEndpointType": "GatewayLoadBalancer"}},
  "Filter9C": {"Type": "AWS::EC2::TrafficMirrorFilter", "Metadata": {"aws:cdk:path": "Mirror/Filter"},
   "Properties": {"NetworkServices": ["amazon-dns"], "Tags": [{"Key": "Name", "Value": {"Fn::Join": ["", [{"Ref": "AWS::StackName"}, "-filter"]]}}]}},
  "FRule10In": {"Type": "AWS::EC2::TrafficMirrorFilterRule", "Properties": {
   "DestinationCidrBlock": "10.0.0.0/16", "RuleAction": "REJECT", "RuleNumber": 10, "SourceCidrBlock": "10.0.0.0/16",
   "TrafficDirection": "INGRESS", "TrafficMirrorFilterId": {"Ref": "Filter9C"}}},
  "FRule11Out": {"Type": "AWS::EC2::TrafficMirrorFilterRule", "Properties": {
   "DestinationCidrBlock": "10.1.0.0/16", "RuleAction": "REJECT", "RuleNumber": 11, "SourceCidrBlock": "10.1.0.0/16",
   "TrafficDirection": "EGRESS", "TrafficMirrorFilterId": {"Fn::GetAtt": ["Filter9C", "Id"]}}},
  "Target5E": {"Type": "AWS::EC2::TrafficMirrorTarget", "Properties": {"GatewayLoadBalancerEndpointId": {"Ref": "Endpoint1A2B"}}}
 }}"#;
    let estate = read_all(template, &["Endpoint1A2B=vpce-0a1b2c3d4e5f60718"]).unwrap();
    assert_eq!(
        described(&estate),
        "\
${AWS::StackName}-filter amazon-dns
  ingress 10 reject all 10.0.0.0/16 > 10.0.0.0/16
  egress 11 reject all 10.1.0.0/16 > 10.1.0.0/16"
    );
}

/// A template in which mirroring is a small part, with conditions, rules on parameters, and programs
/// in texts that look like properties.
#[test]
fn mirroring_in_a_template_of_other_things() {
    let template = "
AWSTemplateFormatVersion: '2010-09-09'
Metadata:
  AWS::CloudFormation::Interface: { ParameterGroups: [{ Label: { default: X }, Parameters: [On] }] }
Parameters:
  On: { Type: String, AllowedValues: ['true', 'false'], Default: 'false' }
  Server: { Type: String, AllowedPattern: '^s-[a-f0-9]{17}$' }
Rules:
  Needed:
    RuleCondition: !Equals [!Ref On, 'true']
    Assertions: [{ Assert: !Not [!Equals [!Ref Server, NONE]], AssertDescription: x }]
Conditions:
  IsOn: !Equals [!Ref On, 'true']
  IsServer: !Equals [!Ref Server, x]
Resources:
  Function:
    Type: AWS::Lambda::Function
    DependsOn: [Role]
    Properties:
      Code:
        ZipFile: |
          filter = ec2.create_traffic_mirror_filter_rule(
              TrafficDirection='INGRESS', RuleNumber=100)
  Alarm: { Type: AWS::CloudWatch::Alarm, Condition: IsServer }
  Filter: { Type: AWS::EC2::TrafficMirrorFilter, DependsOn: Function, DeletionPolicy: Delete }
  All:
    Type: AWS::EC2::TrafficMirrorFilterRule
    Properties:
      TrafficMirrorFilterId: !GetAtt Filter.Id
      TrafficDirection: !If [IsOn, egress, ingress]
      RuleNumber: 100
      RuleAction: accept
      SourceCidrBlock: 0.0.0.0/0
      DestinationCidrBlock: 0.0.0.0/0
      Protocol: !If [IsOn, 6, !Ref AWS::NoValue]
Outputs:
  FilterId: { Value: !Ref Filter, Export: { Name: !Sub '${AWS::StackName}-filter' } }
";
    assert_eq!(
        described(&read_all(template, &[]).unwrap()),
        "Filter\n  ingress 100 accept all 0.0.0.0/0 > 0.0.0.0/0"
    );
    assert_eq!(
        described(&read_all(template, &["On=true", "Server=s-1"]).unwrap()),
        "Filter\n  egress 100 accept tcp 0.0.0.0/0 > 0.0.0.0/0"
    );
}

/// IPv4 and IPv6 side by side; the IPv6 range is assigned, so nobody but the deployment knows it.
#[test]
fn both_families_of_a_vpc_in_the_template() {
    let rule = |name: &str, number: u32, direction: &str, source: &str, destination: &str| {
        format!(
            "
  {name}:
    Type: AWS::EC2::TrafficMirrorFilterRule
    Properties:
      TrafficMirrorFilterId: !Ref Filter
      TrafficDirection: {direction}
      RuleNumber: {number}
      RuleAction: accept
      SourceCidrBlock: {source}
      DestinationCidrBlock: {destination}"
        )
    };
    let v6 = "!Select [0, !GetAtt Vpc.Ipv6CidrBlocks]";
    let template = format!(
        "
Resources:
  Vpc: {{ Type: AWS::EC2::VPC, Properties: {{ CidrBlock: 10.0.0.0/16 }} }}
  Filter: {{ Type: AWS::EC2::TrafficMirrorFilter }}{}{}{}{}
",
        rule("In4", 100, "ingress", "0.0.0.0/0", "!GetAtt Vpc.CidrBlock"),
        rule("In6", 101, "ingress", "::/0", v6),
        rule("Out4", 200, "egress", "!GetAtt Vpc.CidrBlock", "0.0.0.0/0"),
        rule("Out6", 201, "egress", v6, "::/0"),
    );
    let problems = read_all(&template, &[]).unwrap_err();
    assert_eq!(problems.errors(), 2, "{problems}");
    assert_eq!(
        described(&read_all(&template, &["Vpc.Ipv6CidrBlocks=2001:db8::/56"]).unwrap()),
        "\
Filter
  ingress 100 accept all 0.0.0.0/0 > 10.0.0.0/16
  ingress 101 accept all ::/0 > 2001:db8::/56
  egress 200 accept all 10.0.0.0/16 > 0.0.0.0/0
  egress 201 accept all 2001:db8::/56 > ::/0"
    );
}

/// YAML 1.1, which CloudFormation reads, has truth values that YAML 1.2 has not. Read as a text,
/// the condition would not hold, and the rule would be one for all protocols.
#[test]
fn a_default_of_yes_is_true() {
    let template = |default: &str| {
        format!(
            "
Parameters:
  Web: {{ Type: String, Default: {default} }}
Conditions:
  IsWeb: !Equals [!Ref Web, 'true']
  IsEight: !Equals [!Ref Web, '8']
Resources:
  F: {{ Type: AWS::EC2::TrafficMirrorFilter }}
  R:
    Type: AWS::EC2::TrafficMirrorFilterRule
    Properties:
      TrafficMirrorFilterId: !Ref F
      TrafficDirection: ingress
      RuleNumber: 1
      RuleAction: accept
      SourceCidrBlock: 0.0.0.0/0
      DestinationCidrBlock: 0.0.0.0/0
      Protocol: !If [IsWeb, 6, !If [IsEight, 17, !Ref AWS::NoValue]]
"
        )
    };
    let rule = |default: &str| read_all(&template(default), &[]);
    for (default, protocol) in [("yes", "tcp"), ("'yes'", "all"), ("off", "all"), ("8", "udp")] {
        let estate = rule(default).unwrap();
        let rule = estate.filters[0].filter.rules[0].to_string();
        assert!(rule.contains(&format!("accept {protocol} ")), "{default}: {rule}");
    }
    let problems = rule("010").unwrap_err().to_string();
    assert!(
        problems.contains("the default of parameter \"Web\" is unknown, as \"010\" without quotes")
            && problems.ends_with("give --param Web=VALUE"),
        "{problems}"
    );
}

/// A property that is left empty is null, which CloudFormation refuses; as an absent one it would
/// make the rule one for all protocols.
#[test]
fn a_protocol_that_is_left_empty_is_not_all_protocols() {
    let template = "
Resources:
  F: { Type: AWS::EC2::TrafficMirrorFilter, Properties: }
  R:
    Type: AWS::EC2::TrafficMirrorFilterRule
    Properties:
      TrafficMirrorFilterId: !Ref F
      TrafficDirection: ingress
      RuleNumber: 1
      RuleAction: accept
      SourceCidrBlock: 0.0.0.0/0
      DestinationCidrBlock: 0.0.0.0/0
      Protocol:
      DestinationPortRange: !If [Never, 1, null]
  Eni:
    Type: AWS::EC2::NetworkInterface
    Properties: { PrivateIpAddress: }
Conditions: { Never: !Equals [1, 2] }
";
    let problems = read_all(template, &[]).unwrap_err().to_string();
    let null = "found null, expected a value; CloudFormation refuses null";
    assert!(problems.contains(&format!("t.yaml:13: /Resources/R/Properties/Protocol: {null}")));
    assert!(problems.contains(&format!("/R/Properties/DestinationPortRange: {null}")));
    assert!(problems.contains(&format!("/Eni/Properties/PrivateIpAddress: {null}")), "{problems}");
    assert!(problems.contains("/Resources/F/Properties: found null, expected an object"));
}
