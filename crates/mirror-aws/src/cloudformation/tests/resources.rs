use super::*;

#[test]
fn resources_of_mirroring_are_found_in_their_order_with_their_places() {
    let template = "
Resources:
  Rule:
    Type: AWS::EC2::TrafficMirrorFilterRule
    Properties:
      RuleNumber: '10'
      TrafficMirrorFilterId: !Ref Filter
  Bucket: { Type: AWS::S3::Bucket }
  Filter: { Type: AWS::EC2::TrafficMirrorFilter }
  Session: { Type: AWS::EC2::TrafficMirrorSession, Properties: { SessionNumber: 1 } }
  Target: { Type: AWS::EC2::TrafficMirrorTarget, Properties: { NetworkInterfaceId: eni-1 } }
  Eni: { Type: AWS::EC2::NetworkInterface, Properties: { PrivateIpAddress: 10.0.0.1 } }
";
    let (found, problems) = read(template, &["Filter=tmf-1"]);
    assert_eq!(problems.to_string(), "");
    let shown: Vec<String> = found
        .iter()
        .map(|one| {
            let Resource { kind, logical_id, place, properties, .. } = one;
            format!("{kind:?} {logical_id} {place} {}", show(properties))
        })
        .collect();
    assert_eq!(
        shown,
        [
            "Rule Rule t.yaml:5: /Resources/Rule/Properties \
             {RuleNumber: 10, TrafficMirrorFilterId: @Filter}",
            "Filter Filter t.yaml:9: /Resources/Filter {}",
            "Session Session t.yaml:10: /Resources/Session/Properties {SessionNumber: 1}",
            "Target Target t.yaml:11: /Resources/Target/Properties {NetworkInterfaceId: eni-1}",
            "NetworkInterface Eni t.yaml:12: /Resources/Eni/Properties {PrivateIpAddress: 10.0.0.1}",
        ]
    );
    let ids: Vec<_> = found.iter().filter_map(|one| one.id.as_deref()).collect();
    assert_eq!(ids, ["tmf-1"], "an id that is given for a resource is kept");
}

#[test]
fn what_people_read_keeps_the_names_that_are_not_known() {
    let template = "
Conditions: { Open: !Equals [!Ref AWS::Region, x] }
Resources:
  Eni: { Type: AWS::EC2::NetworkInterface }
  Filter:
    Type: AWS::EC2::TrafficMirrorFilter
    Properties:
      Description: !Sub '${AWS::StackName}: HTTPS to ${Eni} in ${Eni.VpcId}'
      Tags:
        - { Key: Name, Value: !Join ['-', [!Ref AWS::StackName, filter]] }
        - { Key: Import, Value: !ImportValue net-Name }
        - { Key: Unknown, Value: !If [Open, a, b] }
";
    let (found, problems) = read(template, &[]);
    assert_eq!(problems.to_string(), "");
    assert_eq!(
        show(&found[1].properties),
        "{Description: ${AWS::StackName}: HTTPS to ${Eni} in ${Eni.VpcId}, \
         Tags: [{Key: Name, Value: ${AWS::StackName}-filter}, \
         {Key: Import, Value: ${net-Name}}, \
         {Key: Unknown, Value: ?AWS::Region: condition \"Open\" is unknown, as the template doesn't \
         say AWS::Region}]}"
    );
    let (found, _) = read(template, &["AWS::StackName=lab", "net-Name=n", "AWS::Region=x"]);
    assert_eq!(
        show(&found[1].properties),
        "{Description: lab: HTTPS to ${Eni} in ${Eni.VpcId}, Tags: [{Key: Name, Value: lab-filter}, \
         {Key: Import, Value: n}, {Key: Unknown, Value: a}]}"
    );
}

#[test]
fn what_matters_is_never_filled_with_a_name() {
    let template = "
Resources:
  Rule:
    Type: AWS::EC2::TrafficMirrorFilterRule
    Properties:
      Description: !Sub '${AWS::Region}'
      SourceCidrBlock: !Sub '${AWS::Region}'
";
    let (found, _) = read(template, &[]);
    assert_eq!(
        show(&found[0].properties),
        "{Description: ${AWS::Region}, SourceCidrBlock: ?AWS::Region: the template doesn't say \
         AWS::Region}"
    );
}

#[test]
fn an_interface_that_no_session_mirrors_is_kept_as_far_as_it_is_known() {
    let interface = "
Parameters: { Ip: { Type: String } }
Conditions: { Open: !Equals [!Ref Ip, x] }
Resources:
  Perhaps: { Type: AWS::EC2::NetworkInterface, Condition: Open }
  Eni:
    Type: AWS::EC2::NetworkInterface
    Properties:
      SubnetId: !ImportValue net-Subnet
      PrivateIpAddress: !Ref Ip
      PrivateIpAddresses:
        - { PrivateIpAddress: 10.0.0.1 }
        - { PrivateIpAddress: !Ref Ip }
  # What matters of a target is its name.
  Target: { Type: AWS::EC2::TrafficMirrorTarget, Properties: { NetworkInterfaceId: !Ref Eni } }
";
    let (found, problems) = read(interface, &[]);
    assert_eq!(problems.to_string(), "");
    assert_eq!(show(&found[0].properties), "{PrivateIpAddresses: [{PrivateIpAddress: 10.0.0.1}]}");

    let mirrored = format!(
        "{interface}  Session:\n    Type: AWS::EC2::TrafficMirrorSession\n    Properties: {{ \
         NetworkInterfaceId: !Ref Eni }}\n"
    );
    let (found, problems) = read(&mirrored, &[]);
    assert_eq!(problems.to_string(), "");
    let why = "?Ip: parameter \"Ip\" has no default";
    assert_eq!(
        show(&found[0].properties),
        format!(
            "{{PrivateIpAddress: {why}, PrivateIpAddresses: [{{PrivateIpAddress: 10.0.0.1}}, \
             {{PrivateIpAddress: {why}}}]}}"
        )
    );
}

#[test]
fn wrong_forms_are_reported_all_at_once() {
    let template = "
Resources:
  A: []
  B: {}
  C: { Type: !Ref X }
  D: { Type: AWS::EC2::TrafficMirrorFilterRules }
  E: { Type: AWS::EC2::TrafficMirrorFilter, Condtion: Ipv6 }
  G: { Type: AWS::EC2::TrafficMirrorFilter, Condition: [Ipv6] }
  H: { Type: AWS::EC2::TrafficMirrorFilter, Condition: Nope }
";
    assert_eq!(
        problems_of(template, &[]),
        "\
t.yaml:3: /Resources/A: found a list, expected an object
t.yaml:4: /Resources/B: found no Type, expected one
t.yaml:5: /Resources/C/Type: found an object, expected the name of a type
t.yaml:6: /Resources/D/Type: found \"AWS::EC2::TrafficMirrorFilterRules\", expected a type that CloudFormation has
t.yaml:7: /Resources/E/Condtion: found \"Condtion\", expected what a resource has"
    );
    let (found, _) = read(template, &[]);
    let whys: Vec<_> = found.iter().flat_map(|one| &one.perhaps).map(|one| &one.why).collect();
    assert_eq!(whys, ["Condition names no condition", "\"Nope\" is no condition of the template"]);
}

#[test]
fn sections_of_the_wrong_type_are_reported_and_empty_ones_are_not() {
    let template = "
Parameters: []
Mappings: x
Conditions:
Resources: [{ Type: AWS::EC2::TrafficMirrorFilter }]
";
    assert_eq!(
        problems_of(template, &[]),
        "\
t.yaml:2: /Parameters: found a list, expected an object
t.yaml:3: /Mappings: found \"x\", expected an object
t.yaml:5: /Resources: found a list, expected an object"
    );
    assert_eq!(problems_of("Resources: null", &[]), "");
    assert_eq!(problems_of("{}", &[]), "");
}

#[test]
fn properties_that_are_no_map_are_kept_for_the_reader_to_refuse() {
    for (properties, shown) in [
        ("[1]", "[1]"),
        ("!Ref Nope", "?: \"Nope\" is no parameter or resource of the template"),
        ("!If [Nope, {}, {}]", "?: \"Nope\" is no condition of the template"),
        ("{'Fn::Transform': {Name: X}}", "?: Fn::Transform isn't evaluated"),
        (
            "{RuleNumber: 1, 'Fn::Transform': {Name: X}}",
            "?: \"Fn::Transform\" has other keys beside it",
        ),
        ("{'Fn::ForEach::X': []}", "?: Fn::ForEach::X isn't evaluated"),
    ] {
        let template = format!(
            "Resources: {{ R: {{ Type: AWS::EC2::TrafficMirrorFilterRule, Properties: {properties} }} }}"
        );
        let (found, problems) = read(&template, &[]);
        assert_eq!(problems.to_string(), "");
        assert_eq!(show(&found[0].properties), shown, "{properties}");
    }
}

#[test]
fn a_loop_that_makes_rules_is_refused_and_one_that_does_not_is_passed_over() {
    let template = "
Transform: AWS::LanguageExtensions
Resources:
  Fn::ForEach::Rules:
    - Port
    - ['80', '443']
    - 'Rule${Port}': { Type: AWS::EC2::TrafficMirrorFilterRule, Properties: {} }
  Fn::ForEach::Buckets:
    - Name
    - [a, b]
    - 'Bucket${Name}': { Type: AWS::S3::Bucket }
";
    assert_eq!(
        problems_of(template, &[]),
        "t.yaml:4: /Resources/Fn::ForEach::Rules: found \"Fn::ForEach::Rules\", expected the template \
         that aws cloudformation get-template --template-stage Processed prints"
    );
}

#[test]
fn macros_that_may_make_resources_are_warned_of() {
    let problems = problems_of(
        "Transform: [AWS::Serverless-2016-10-31, Mine, { Name: AWS::Include }, [1]]\nResources: {}",
        &[],
    );
    let end = "; better read the template that aws cloudformation get-template --template-stage \
               Processed prints";
    assert_eq!(
        problems,
        format!(
            "t.yaml:1: /Transform/1: warning: found macro \"Mine\", which is not run{end}\n\
             t.yaml:1: /Transform/2/Name: warning: found an include, which is not followed{end}\n\
             t.yaml:1: /Transform/3: warning: found a list for a macro{end}"
        )
    );
    assert_eq!(problems_of("Transform: AWS::Serverless-2016-10-31", &[]), "");
}

#[test]
fn a_given_value_that_its_parameter_refuses_is_an_error_though_nothing_uses_it() {
    let template = "
Parameters:
  On: { Type: String, AllowedValues: ['yes', 'no'], Default: maybe }
  Count: { Type: Number, Default: x }
";
    assert_eq!(problems_of(template, &[]), "", "a default that nothing uses does no harm");
    assert_eq!(
        problems_of(template, &["On=maybe", "Count=many"]),
        "\
t.yaml:3: /Parameters/On: parameter \"On\" is \"maybe\", not one of its AllowedValues
t.yaml:4: /Parameters/Count: parameter \"Count\" is \"many\", not a number"
    );
}

/// A script gives all parameters of a stack, whichever of them mirroring needs.
#[test]
fn all_parameters_of_the_template_count_as_asked_for() {
    let template = "Parameters: { Key: { Type: String } }\nResources: { Web: { Type: A::B::C } }";
    let root = Node::from_yaml("t.yaml", template.as_bytes()).unwrap();
    let given = given(&["Key=k", "AWS::Region=r", "Kye=k"]);
    resources(&At::root("t.yaml", &root), &given, &mut Problems::default());
    assert_eq!(given.unasked(), ["Kye"]);
}

#[test]
fn what_is_looked_up_at_deployment_is_asked_for_after_all_functions_have_run() {
    let template = "
Resources:
  Rule:
    Type: AWS::EC2::TrafficMirrorFilterRule
    Properties:
      SourceCidrBlock: !Join ['/', ['{{resolve:ssm:net}}', 16]]
      DestinationCidrBlock: !Select [0, !Split ['|', '{{resolve:ssm:|x']]
";
    let shown = |params: &[&str]| show(&read(template, params).0[0].properties);
    assert_eq!(
        shown(&[]),
        "{SourceCidrBlock: ?resolve:ssm:net: \"resolve:ssm:net\" is looked up when it is deployed, \
         DestinationCidrBlock: {{resolve:ssm:}"
    );
    assert_eq!(
        shown(&["resolve:ssm:net=10.0.0.0"]),
        "{SourceCidrBlock: 10.0.0.0/16, DestinationCidrBlock: {{resolve:ssm:}"
    );
}

#[test]
fn a_property_names_a_resource_of_the_right_type() {
    let shown = |field: &str, reference: &str, params: &[&str]| {
        let template = format!(
            "
Resources:
  Filter: {{ Type: AWS::EC2::TrafficMirrorFilter }}
  Target: {{ Type: AWS::EC2::TrafficMirrorTarget }}
  Eni: {{ Type: AWS::EC2::NetworkInterface }}
  Custom: {{ Type: 'Custom::Interface' }}
  Nlb: {{ Type: AWS::ElasticLoadBalancingV2::LoadBalancer }}
  It: {{ Type: AWS::EC2::TrafficMirrorSession, Properties: {{ {field}: !Ref {reference} }} }}
"
        );
        show(read(&template, params).0.last().unwrap().properties.get(field).unwrap())
    };
    assert_eq!(shown("NetworkInterfaceId", "Eni", &[]), "@Eni");
    assert_eq!(shown("TrafficMirrorFilterId", "Filter", &[]), "@Filter");
    assert_eq!(shown("TrafficMirrorTargetId", "Target", &[]), "@Target");
    assert_eq!(shown("NetworkLoadBalancerArn", "Nlb", &[]), "@Nlb");

    let no_filter = "?It.TrafficMirrorFilterId: resource \"Target\" is no mirror filter";
    assert_eq!(shown("TrafficMirrorFilterId", "Target", &[]), no_filter);
    let no_balancer = "?It.NetworkLoadBalancerArn: resource \"Eni\" is no load balancer";
    assert_eq!(shown("NetworkLoadBalancerArn", "Eni", &[]), no_balancer);
    // A custom resource may have any id.
    let custom = "?Custom: the id of resource \"Custom\" is known once it is deployed";
    assert_eq!(shown("NetworkInterfaceId", "Custom", &[]), custom);
    assert_eq!(shown("NetworkInterfaceId", "Custom", &["Custom=eni-1"]), "eni-1");
}

#[test]
fn what_nothing_can_evaluate_can_be_given_as_a_whole() {
    let template = "
Resources:
  Rule:
    Type: AWS::EC2::TrafficMirrorFilterRule
    Properties:
      SourceCidrBlock: !Transform { Name: Cidr }
      SourcePortRange: { FromPort: !Ref Nope, ToPort: 443 }
      RuleNumber: 1
  Filter:
    Type: AWS::EC2::TrafficMirrorFilter
    Properties: { NetworkServices: !Base64 x }
";
    let shown = |params: &[&str]| {
        let (found, _) = read(template, params);
        found.iter().map(|one| show(&one.properties)).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(
        shown(&[]),
        "{SourceCidrBlock: ?Rule.SourceCidrBlock: Fn::Transform isn't evaluated, \
         SourcePortRange: {FromPort: ?Rule.SourcePortRange.FromPort: \"Nope\" is no parameter or \
         resource of the template, ToPort: 443}, RuleNumber: 1}\n\
         {NetworkServices: ?Filter.NetworkServices: Fn::Base64 isn't evaluated}"
    );
    assert_eq!(
        shown(&[
            "Rule.SourceCidrBlock=10.0.0.0/8",
            "Rule.SourcePortRange.FromPort=80",
            "Rule.RuleNumber=7",
            "Filter.NetworkServices=amazon-dns",
        ]),
        "{SourceCidrBlock: 10.0.0.0/8, SourcePortRange: {FromPort: 80, ToPort: 443}, \
         RuleNumber: 1}\n{NetworkServices: [amazon-dns]}",
        "what is known isn't replaced"
    );
}

#[test]
fn an_include_within_the_template_is_said_as_one_at_the_top_is() {
    let include =
        "Fn::Transform: { Name: AWS::Include, Parameters: { Location: s3://b/more.yaml } }";
    for (template, place) in [
        (format!("{include}\nResources: {{}}\n"), "t.yaml:1: /Fn::Transform/Name"),
        (format!("Resources:\n  {include}\n"), "t.yaml:2: /Resources/Fn::Transform/Name"),
    ] {
        let said =
            format!("{place}: warning: found an include, which is not followed; better read ");
        assert!(problems_of(&template, &[]).starts_with(&said), "{}", problems_of(&template, &[]));
    }
}

#[test]
fn nested_stacks_are_said_once() {
    let stack = "{ Type: AWS::CloudFormation::Stack, Properties: { TemplateURL: x } }";
    assert_eq!(
        problems_of(&format!("Resources:\n  A: {stack}\n"), &[]),
        "t.yaml:2: /Resources/A: warning: found a nested stack, which is not read; give its template \
         too"
    );
    assert_eq!(
        problems_of(&format!("Resources:\n  A: {stack}\n  B: {stack}\n"), &[]),
        "t.yaml:2: /Resources/A: warning: found 2 nested stacks, which are not read; give their \
         templates too"
    );
}
