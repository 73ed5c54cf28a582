use super::*;

const SECTIONS: &str = "
Parameters:
  VpcCidr: { Type: String, Default: 10.0.0.0/16 }
  Open: { Type: String }
Resources:
  Vpc: { Type: AWS::EC2::VPC, Properties: { CidrBlock: !Ref VpcCidr } }
  OpenVpc: { Type: AWS::EC2::VPC, Properties: { CidrBlock: !Ref Open } }
  IpamVpc: { Type: AWS::EC2::VPC, Properties: { Ipv4NetmaskLength: 16 } }
  Subnet:
    Type: AWS::EC2::Subnet
    Properties: { CidrBlock: !Select [0, !Cidr [!GetAtt Vpc.CidrBlock, 4, 8]] }
  Custom: { Type: Custom::Vpc, Properties: { CidrBlock: 10.9.0.0/16 } }
  Filter: { Type: AWS::EC2::TrafficMirrorFilter }
  Nlb: { Type: AWS::ElasticLoadBalancingV2::LoadBalancer }
";

#[track_caller]
fn comes_to(expression: &str, params: &[&str], expected: &str) {
    assert_eq!(value(SECTIONS, expression, params), expected, "{expression} {params:?}");
}

#[test]
fn a_reference_is_to_a_parameter_or_a_resource() {
    comes_to("!Ref VpcCidr", &[], "10.0.0.0/16");
    comes_to("!Ref VpcCidr", &["VpcCidr=10.1.0.0/16"], "10.1.0.0/16");
    comes_to("!Ref Filter", &[], "@Filter");
    comes_to("!Ref Nope", &[], "?: \"Nope\" is no parameter or resource of the template");
    comes_to("!Ref Nope", &["Nope=1"], "?: \"Nope\" is no parameter or resource of the template");
}

/// Mirroring is joined within the template, whatever ids are known.
#[test]
fn a_given_id_replaces_a_reference_to_anything_but_mirroring() {
    comes_to("!Ref Nlb", &["Nlb=arn:aws:x"], "arn:aws:x");
    comes_to("!Ref Filter", &["Filter=tmf-1"], "@Filter");
}

#[test]
fn an_id_is_also_an_attribute() {
    comes_to("!GetAtt Filter.Id", &[], "@Filter");
    comes_to("Fn::GetAtt: [Filter, Id]", &[], "@Filter");
    comes_to("!GetAtt Vpc.VpcId", &[], "@Vpc");
}

#[test]
fn an_attribute_that_the_template_states_is_known() {
    comes_to("!GetAtt Vpc.CidrBlock", &[], "10.0.0.0/16");
    comes_to("!GetAtt [Vpc, CidrBlock]", &["VpcCidr=10.1.0.0/16"], "10.1.0.0/16");
    comes_to("!GetAtt Subnet.CidrBlock", &[], "10.0.0.0/24");
    comes_to("!Sub '${Vpc.CidrBlock}'", &[], "10.0.0.0/16");
}

#[test]
fn an_attribute_that_only_an_account_knows_is_asked_for() {
    for path in ["Vpc.Ipv6CidrBlocks", "Custom.CidrBlock", "IpamVpc.CidrBlock", "Custom.A.B"] {
        let expected = format!("?{path}: \"{path}\" is known once it is deployed");
        comes_to(&format!("!GetAtt {path}"), &[], &expected);
        comes_to(&format!("!GetAtt {path}"), &[&format!("{path}=x")], "x");
    }
    // What it was made from is what is missing.
    comes_to("!GetAtt OpenVpc.CidrBlock", &[], "?Open: parameter \"Open\" has no default");
    comes_to("!GetAtt OpenVpc.CidrBlock", &["OpenVpc.CidrBlock=10.2.0.0/16"], "10.2.0.0/16");
}

#[test]
fn a_given_attribute_can_be_a_list() {
    let first = "!Select [1, !GetAtt Vpc.Ipv6CidrBlocks]";
    comes_to(first, &["Vpc.Ipv6CidrBlocks=2001:db8::/56, 2001:db8:1::/56"], "2001:db8:1::/56");
    comes_to(
        first,
        &[],
        "?Vpc.Ipv6CidrBlocks: \"Vpc.Ipv6CidrBlocks\" is known once it is deployed",
    );
}

#[test]
fn attributes_of_nothing_are_said() {
    comes_to("!GetAtt Nope.Id", &[], "?: \"Nope\" is no resource of the template");
    comes_to("!GetAtt VpcCidr.Id", &[], "?: \"VpcCidr\" is no resource of the template");
    comes_to("!GetAtt Filter", &[], "?: Fn::GetAtt of \"Filter\" names no attribute");
}

#[test]
fn pseudo_parameters_are_known_when_they_are_given() {
    for name in reference::PSEUDO {
        let expected = format!("?{name}: the template doesn't say {name}");
        comes_to(&format!("!Ref {name}"), &[], &expected);
    }
    comes_to("!Ref AWS::Region", &["AWS::Region=eu-west-1"], "eu-west-1");
    comes_to("!Sub 'x.${AWS::Region}'", &["AWS::Region=eu-west-1"], "x.eu-west-1");
    comes_to("!Ref AWS::NotificationARNs", &["AWS::NotificationARNs=a,b"], "[a, b]");
    comes_to("!Ref AWS::NoValue", &[], "nothing");
    comes_to("!Ref AWS::Nope", &[], "?: \"AWS::Nope\" is no parameter or resource of the template");
}

#[test]
fn an_import_is_given_by_the_name_of_the_export() {
    comes_to("!ImportValue net-Vpc", &[], "?net-Vpc: \"net-Vpc\" is imported from another stack");
    comes_to("!ImportValue net-Vpc", &["net-Vpc=10.0.0.0/8"], "10.0.0.0/8");
    let made = "Fn::ImportValue: !Sub '${AWS::StackName}-Vpc'";
    comes_to(made, &[], "?AWS::StackName: the template doesn't say AWS::StackName");
    comes_to(made, &["AWS::StackName=net", "net-Vpc=10.0.0.0/8"], "10.0.0.0/8");
    // No one can be told to type this.
    comes_to("!ImportValue 'a b=$(c)'", &[], "?: \"a b=$(c)\" is imported from another stack");
}

#[test]
fn zones_can_be_given() {
    let first = "!Select [0, !GetAZs '']";
    comes_to(first, &[], "?GetAZs: the availability zones are those of an account");
    comes_to(first, &["GetAZs=eu-west-1a,eu-west-1b"], "eu-west-1a");
}

#[test]
fn attributes_in_a_circle_are_unknown() {
    let circle = "
Resources:
  A: { Type: AWS::EC2::VPC, Properties: { CidrBlock: !GetAtt B.CidrBlock } }
  B: { Type: AWS::EC2::VPC, Properties: { CidrBlock: !GetAtt A.CidrBlock } }
";
    assert_eq!(value(circle, "!GetAtt A.CidrBlock", &[]), "?: \"A.CidrBlock\" depends on itself");
}
