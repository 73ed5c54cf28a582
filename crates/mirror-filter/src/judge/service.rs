//! Network services that mirroring treats apart, whatever rules say.
//!
//! AWS names them and not how it knows them. They are told here by their addresses, which are
//! reserved for them in every VPC, and by ports where an address serves more than one purpose or
//! none is reserved. That this is how a mirror tells them too is an
//! [`Assumption`](super::Assumption).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use mirror_wire::{Flow, Missing, Ports};

use crate::Cidr;

/// A network service that isn't judged by rules.
//= https://docs.aws.amazon.com/vpc/latest/mirroring/traffic-mirroring-network-limitations.html
//# The following types of traffic are not mirrored: ARP, DHCP, instance metadata service, NTP, and
//# Windows activation
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// The Amazon resolver: mirrored if the filter has `amazon-dns`, and otherwise never.
    AmazonDns,
    /// The Amazon Time Sync Service. Other time servers are judged by the rules.
    AmazonTime,
    /// Address resolution.
    Arp,
    /// DHCP and DHCPv6.
    Dhcp,
    /// The instance metadata service.
    InstanceMetadata,
    /// Activation of Windows.
    WindowsActivation,
}

impl Service {
    /// The stable word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Service::AmazonDns => "amazon-dns",
            Service::AmazonTime => "amazon-time",
            Service::Arp => "arp",
            Service::Dhcp => "dhcp",
            Service::InstanceMetadata => "instance-metadata",
            Service::WindowsActivation => "windows-activation",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

const RESOLVER_V4: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 253);
const RESOLVER_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x253);

/// Where the network services are.
#[derive(Clone, Debug, Default)]
pub struct Services {
    /// The second address of each VPC.
    vpc_resolvers: Vec<Ipv4Addr>,
}

/// What a packet has to do with network services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Concern {
    /// It is of this one.
    Of(Service),
    /// It is of Amazon DNS, or of something else with the same address: its ports would tell.
    PerhapsDns(Missing),
    /// None, as far as its addresses tell; this one may be DNS of a VPC that nobody named.
    PerhapsUnnamedDns,
    /// None.
    None,
}

impl Services {
    /// The services as seen from VPCs with these ranges. The resolver of a VPC is two addresses
    /// behind the first of its (primary) IPv4 range; IPv6 ranges have none.
    pub fn new(vpcs: &[Cidr]) -> Services {
        let resolvers = vpcs.iter().filter_map(|vpc| match vpc.address() {
            IpAddr::V4(first) => first.to_bits().checked_add(2).map(Ipv4Addr::from_bits),
            IpAddr::V6(_) => None,
        });
        Services { vpc_resolvers: resolvers.collect() }
    }

    #[inline]
    pub(super) fn concern(&self, flow: &Flow) -> Concern {
        let here = [flow.source, flow.destination].into_iter().find_map(of_address);
        if let Some(service) = here {
            return Concern::Of(service);
        }
        match flow.ports {
            Ports::Known { source, destination } => {
                let is_udp = flow.protocol == Some(17);
                if is_udp && is_dhcp(source, destination, flow.source.is_ipv4()) {
                    return Concern::Of(Service::Dhcp);
                }
                let ends = [(flow.source, source), (flow.destination, destination)];
                let mut servers = ends.into_iter().filter(|(_, port)| *port == 53);
                if servers.clone().any(|(address, _)| self.is_resolver(address)) {
                    return Concern::Of(Service::AmazonDns);
                }
                let unnamed = self.vpc_resolvers.is_empty()
                    && servers.any(|(address, _)| may_be_resolver(address));
                if unnamed { Concern::PerhapsUnnamedDns } else { Concern::None }
            }
            Ports::Missing(missing) => {
                let at_resolver =
                    self.is_resolver(flow.source) || self.is_resolver(flow.destination);
                if at_resolver { Concern::PerhapsDns(missing) } else { Concern::None }
            }
            Ports::Absent => Concern::None,
        }
    }

    fn is_resolver(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(v4) => v4 == RESOLVER_V4 || self.vpc_resolvers.contains(&v4),
            IpAddr::V6(v6) => v6 == RESOLVER_V6,
        }
    }
}

/// The services that have addresses of their own.
#[inline]
fn of_address(address: IpAddr) -> Option<Service> {
    match address {
        IpAddr::V4(v4) => match v4.octets() {
            [169, 254, 169, 123] => Some(Service::AmazonTime),
            [169, 254, 169, 250 | 251] => Some(Service::WindowsActivation),
            [169, 254, 169, 254] => Some(Service::InstanceMetadata),
            _ => None,
        },
        IpAddr::V6(v6) => match v6.segments() {
            [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x123] => Some(Service::AmazonTime),
            [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] => Some(Service::InstanceMetadata),
            _ => None,
        },
    }
}

fn is_dhcp(source: u16, destination: u16, v4: bool) -> bool {
    let ports = if v4 { 67..=68 } else { 546..=547 };
    ports.contains(&source) && ports.contains(&destination)
}

/// Whether this is the second address of a range that a VPC can have: at most 28 bits are fixed.
fn may_be_resolver(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if v4.is_private() && v4.to_bits() & 0xf == 2)
}
