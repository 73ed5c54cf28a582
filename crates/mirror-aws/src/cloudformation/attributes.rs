//! Which attributes of resources a template states itself.
//!
//! `Fn::GetAtt` asks for what a resource has once it is deployed. For some attributes that is what
//! a property of the resource says, and some are its id. The table has those that lead to
//! addresses and to ids of mirroring; for all others the value has to be given. Where a property
//! and an attribute have one name but may differ (an IPv6 range that Amazon assigns) it has none.

/// Where the value of an attribute comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// It is the resource's id, as with `Ref`.
    Id,
    /// A property states it, if it is there.
    Property(&'static str),
    /// Only an account knows it.
    Unknown,
}

/// Where an attribute of a resource of this type comes from.
pub(super) fn source(kind: &str, attribute: &str) -> Source {
    let Some(kind) = kind.strip_prefix("AWS::") else { return Source::Unknown };
    match (kind, attribute) {
        ("EC2::TrafficMirrorFilter" | "EC2::TrafficMirrorSession", "Id")
        | ("EC2::TrafficMirrorTarget" | "EC2::NetworkInterface", "Id")
        | ("EC2::TrafficMirrorFilterRule", "Id" | "TrafficMirrorFilterRuleId")
        | ("EC2::VPCEndpoint", "Id")
        | ("EC2::VPC", "VpcId")
        | ("EC2::Subnet", "SubnetId")
        | ("EC2::Instance", "InstanceId")
        | ("ElasticLoadBalancingV2::LoadBalancer", "LoadBalancerArn") => Source::Id,
        ("EC2::VPC" | "EC2::Subnet", "CidrBlock") => Source::Property("CidrBlock"),
        ("EC2::Subnet", "VpcId") => Source::Property("VpcId"),
        ("EC2::NetworkInterface", "PrimaryPrivateIpAddress") | ("EC2::Instance", "PrivateIp") => {
            Source::Property("PrivateIpAddress")
        }
        _ => Source::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_of_a_vpc_is_stated_and_its_ipv6_range_is_assigned() {
        assert_eq!(source("AWS::EC2::VPC", "CidrBlock"), Source::Property("CidrBlock"));
        assert_eq!(source("AWS::EC2::VPC", "Ipv6CidrBlocks"), Source::Unknown);
    }

    #[test]
    fn a_custom_resource_can_answer_anything_to_any_name() {
        assert_eq!(source("Custom::Vpc", "CidrBlock"), Source::Unknown);
        assert_eq!(source("AWS::CloudFormation::CustomResource", "CidrBlock"), Source::Unknown);
    }

    #[test]
    fn the_ids_of_mirroring_are_attributes_too() {
        for kind in ["Filter", "Session", "Target"] {
            assert_eq!(source(&format!("AWS::EC2::TrafficMirror{kind}"), "Id"), Source::Id);
        }
    }
}
