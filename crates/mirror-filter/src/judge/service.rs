//! Network services that mirroring treats apart, whatever rules say.
//!
//! AWS names them and not how it knows them. They are told here by their addresses, which are
//! reserved for them in every VPC, and by ports where an address serves more than one purpose or
//! none is reserved. That this is how a mirror tells them too is an
//! [`Assumption`](super::Assumption).
//!
//! [`Services::concern`] asks that of one packet, [`Services::extents`] says it of all, for the
//! analysis of filters. Both read the same tables.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use mirror_wire::{Flow, Missing, Ports};

use crate::{Cidr, PortRange};

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
    pub(crate) const ALL: [Service; 6] = [
        Service::AmazonDns,
        Service::AmazonTime,
        Service::Arp,
        Service::Dhcp,
        Service::InstanceMetadata,
        Service::WindowsActivation,
    ];

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

    /// The ports that are its own, so that a rule with one of them is about it.
    pub(crate) const fn ports(self, is_v4: bool) -> &'static [u16] {
        match self {
            Service::AmazonDns => &[DNS],
            Service::AmazonTime => &[123],
            Service::Dhcp if is_v4 => &DHCP_V4,
            Service::Dhcp => &DHCP_V6,
            Service::WindowsActivation => &[1688],
            Service::Arp | Service::InstanceMetadata => &[],
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The addresses that serve one purpose: all traffic with them is of the service.
const RESERVED: [(IpAddr, Service); 6] = [
    (link_local(123), Service::AmazonTime),
    (link_local(250), Service::WindowsActivation),
    (link_local(251), Service::WindowsActivation),
    (link_local(254), Service::InstanceMetadata),
    (unique_local(0x123), Service::AmazonTime),
    (unique_local(0x254), Service::InstanceMetadata),
];

/// The resolvers of every VPC, beside the one that is two addresses behind its first.
const RESOLVERS: [IpAddr; 2] = [link_local(253), unique_local(0x253)];

const DNS: u16 = 53;
/// Of the server and of the client. A relay sends from one server port to another.
const DHCP_V4: [u16; 2] = [67, 68];
const DHCP_V6: [u16; 2] = [546, 547];

const UDP: u8 = 17;

const fn link_local(host: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, host))
}

const fn unique_local(host: u16) -> IpAddr {
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, host))
}

/// Packets of a service, either way: what a rule that matches them would say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    pub(crate) service: Service,
    /// Nothing for all, or for TCP and UDP if ports are named.
    pub(crate) protocol: Option<u8>,
    pub(crate) source: Cidr,
    pub(crate) destination: Cidr,
    pub(crate) source_ports: Option<PortRange>,
    pub(crate) destination_ports: Option<PortRange>,
}

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

    /// The service that a packet is of, as far as it is known.
    pub fn of(&self, flow: &Flow) -> Option<Service> {
        match self.concern(flow) {
            Concern::Of(service) => Some(service),
            _ => None,
        }
    }

    /// The packets of all services. One that is in several is of the first.
    pub(crate) fn extents(&self) -> Vec<Extent> {
        let either_way = |service, address, ports: Option<PortRange>| {
            let (own, anywhere) = (Cidr::host(address), Cidr::everywhere(address));
            let from = Extent {
                service,
                protocol: None,
                source: own,
                destination: anywhere,
                source_ports: ports,
                destination_ports: None,
            };
            let to = Extent {
                source: anywhere,
                destination: own,
                source_ports: None,
                destination_ports: ports,
                ..from
            };
            [from, to]
        };
        let mut extents = Vec::new();
        for (address, service) in RESERVED {
            extents.extend(either_way(service, address, None));
        }
        for (somewhere, [first, last]) in
            [(Ipv4Addr::UNSPECIFIED.into(), DHCP_V4), (Ipv6Addr::UNSPECIFIED.into(), DHCP_V6)]
        {
            let (anywhere, ports) = (Cidr::everywhere(somewhere), PortRange::new(first, last));
            extents.push(Extent {
                service: Service::Dhcp,
                protocol: Some(UDP),
                source: anywhere,
                destination: anywhere,
                source_ports: ports,
                destination_ports: ports,
            });
        }
        let of_vpcs = self.vpc_resolvers.iter().map(|&resolver| resolver.into());
        for resolver in RESOLVERS.into_iter().chain(of_vpcs) {
            extents.extend(either_way(Service::AmazonDns, resolver, PortRange::new(DNS, DNS)));
        }
        extents
    }

    #[inline]
    pub(super) fn concern(&self, flow: &Flow) -> Concern {
        if let Some(service) = at_reserved(flow) {
            return Concern::Of(service);
        }
        match flow.ports {
            Ports::Known { source, destination } => {
                let is_udp = flow.protocol == Some(UDP);
                if is_udp && is_dhcp(source, destination, flow.source.is_ipv4()) {
                    return Concern::Of(Service::Dhcp);
                }
                let ends = [(flow.source, source), (flow.destination, destination)];
                let mut servers = ends.into_iter().filter(|(_, port)| *port == DNS);
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
        let is_of_vpc = matches!(address, IpAddr::V4(v4) if self.vpc_resolvers.contains(&v4));
        is_of_vpc || RESOLVERS.contains(&address)
    }
}

/// The service that one of a packet's ends is reserved for. Between two of them it is of the first
/// in the table, whichever way it goes.
#[inline]
fn at_reserved(flow: &Flow) -> Option<Service> {
    // Asked of every packet, of which hardly one comes so far.
    if !may_be_reserved(&flow.source) && !may_be_reserved(&flow.destination) {
        return None;
    }
    let is_end = |address: IpAddr| flow.source == address || flow.destination == address;
    RESERVED.iter().find(|(address, _)| is_end(*address)).map(|&(_, service)| service)
}

/// Whether an address begins as all in the table of those reserved do.
#[inline]
fn may_be_reserved(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.to_bits() >> 96 == 0xfd00_0ec2,
    }
}

fn is_dhcp(source: u16, destination: u16, is_v4: bool) -> bool {
    let ports = if is_v4 { DHCP_V4 } else { DHCP_V6 };
    ports.contains(&source) && ports.contains(&destination)
}

/// Whether this is the second address of a range that a VPC can have: at most 28 bits are fixed, and
/// nearly any range will do.
//= https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html
//# You can create a VPC with a publicly routable CIDR block that falls outside of the private IPv4
//# address ranges specified in RFC 1918.
fn may_be_resolver(address: IpAddr) -> bool {
    let IpAddr::V4(v4) = address else { return false };
    let [network, ..] = v4.octets();
    let is_for_hosts = !matches!(network, 0 | 127 | 224..) && !v4.is_link_local();
    is_for_hosts && v4.to_bits() & 0xf == 2
}
