//! The small network that the cases take place in.
//!
//! One VPC, 10.0.0.0/16 and 2001:db8:1234:ab00::/56, with mirrored interfaces in
//! subnet 10.0.1.0/24 and the target in 10.0.2.0/24. The world outside has documentation
//! addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::capture::{Capture, Interface, Packet};
use crate::options::Opt;
use crate::order::Order;
use crate::packet::{
    Conversation, Datagram, LINK_ETHERNET, Mac, Mirror, Opener, Udp, dns_answer, dns_query,
    ethernet, http_get, http_ok, ip,
};

/// The mirrored interface of most cases.
pub(super) const ENI: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 15);
/// Its IPv6 address.
pub(super) const ENI_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x1234, 0xab01, 0, 0, 0, 0x15);
/// Its MAC.
pub(super) const ENI_MAC: Mac = [0x02, 0x15, 0x0A, 0x00, 0x01, 0x0F];
/// A second mirrored interface.
pub(super) const ENI_B: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 16);
/// Its MAC.
pub(super) const ENI_B_MAC: Mac = [0x02, 0x16, 0x0A, 0x00, 0x01, 0x10];
/// The router, as interfaces in 10.0.1.0/24 see it.
pub(super) const ROUTER_MAC: Mac = [0x02, 0x01, 0x0A, 0x00, 0x01, 0x01];
/// The target.
pub(super) const TARGET: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 99);
/// The target's IPv6 address.
pub(super) const TARGET_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x1234, 0xab02, 0, 0, 0, 0x99);
/// The VPC's resolver.
pub(super) const RESOLVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
/// A server outside.
pub(super) const SERVER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);
/// The same server's IPv6 address.
pub(super) const SERVER_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xbeef, 0, 0, 0, 0, 9);
/// A client outside.
pub(super) const CLIENT: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 77);
/// The network identifier of most cases.
pub(super) const VNI: u32 = 308_308;

/// 2026-01-01 00:00:00 UTC.
pub(super) const NEW_YEAR: u64 = 1_767_225_600;

/// The session of most cases.
pub(super) fn mirror() -> Mirror {
    Mirror::new(ENI, TARGET, VNI)
}

/// A frame that leaves the mirrored interface.
pub(super) fn egress(datagram: &Datagram) -> Vec<u8> {
    ethernet(ROUTER_MAC, ENI_MAC, datagram)
}

/// A frame that arrives at the mirrored interface.
pub(super) fn ingress(datagram: &Datagram) -> Vec<u8> {
    ethernet(ENI_MAC, ROUTER_MAC, datagram)
}

/// A frame that is no mirror traffic: an answer to somebody who is logged in at the target.
pub(super) fn ssh_at_the_target() -> Vec<u8> {
    let segment = crate::packet::Tcp::new(22, 50022, 24).at(700, 900).payload([0x5A; 36]);
    ethernet(Mirror::ROUTER_MAC, Mirror::TARGET_MAC, &ip(TARGET, CLIENT, segment))
}

/// A conversation that the mirrored interface opens.
pub(super) fn conversation(
    interface: impl Into<IpAddr>,
    port: u16,
    peer: impl Into<IpAddr>,
    peer_port: u16,
) -> Conversation {
    Conversation {
        interface_mac: ENI_MAC,
        router_mac: ROUTER_MAC,
        interface: SocketAddr::new(interface.into(), port),
        peer: SocketAddr::new(peer.into(), peer_port),
        opener: Opener::Interface,
    }
}

/// A request and its answer over HTTP, ten frames.
pub(super) fn web_frames(port: u16) -> Vec<Vec<u8>> {
    let exchange = [http_get("www.example.com", "/"), http_ok("hello\n")];
    conversation(ENI, port, SERVER, 80).frames(&exchange)
}

/// A DNS question that leaves the interface, and the answer that arrives.
pub(super) fn dns_frames(id: u16, server: Ipv4Addr) -> [Vec<u8>; 2] {
    let port = 40_000 + id;
    let query = Udp::new(port, 53, dns_query(id, "www.example.com"));
    let answer = Udp::new(53, port, dns_answer(id, "www.example.com", SERVER.octets()));
    [egress(&ip(ENI, server, query)), ingress(&ip(server, ENI, answer))]
}

/// An Ethernet interface with nanoseconds, as a capture at the target has.
pub(super) fn eth0() -> Interface {
    Interface::new(LINK_ETHERNET).option(Opt::if_name("eth0")).option(Opt::tsresol(9))
}

/// Times in nanoseconds, each some microseconds after the one before.
pub(super) struct Clock(u64);

impl Clock {
    /// A clock that starts with the year.
    pub(super) fn new() -> Clock {
        Clock(NEW_YEAR * 1_000_000_000)
    }

    /// The time of the next packet; the step is odd, so that every digit matters.
    pub(super) fn tick(&mut self) -> u64 {
        self.0 += 137_911;
        self.0
    }
}

/// A little-endian capture with `eth0` and these packets, one tick apart.
pub(super) fn capture_of(packets: &[Vec<u8>]) -> Capture {
    let mut capture = Capture::new(Order::Little);
    capture.interface(eth0());
    let mut clock = Clock::new();
    for packet in packets {
        capture.packet(Packet::new(0, clock.tick(), packet));
    }
    capture
}
