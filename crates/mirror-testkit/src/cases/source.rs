//! The case of a capture taken at the source: what an interface sends and gets, before any mirror.
//!
//! It is the interface of `testdata/aws/lab-d`, whose filter takes the HTTPS that the interface
//! opens to the world outside of its VPC. So here is that, and all that is nearly that.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::Case;
use super::lab::{CLIENT, Clock, RESOLVER, SERVER, SERVER_V6, eth0};
use crate::capture::{Capture, Packet};
use crate::order::Order;
use crate::packet::{
    Conversation, Datagram, Icmp, Ipv4, Mac, Opener, Tcp, Transport, Udp, arp, dns_answer,
    dns_query, ethernet, ip, tls_client_hello, tls_server_hello,
};

/// The interface that the documents of Lab D describe.
pub(super) const ENI: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 10);
pub(super) const ENI_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x1234, 0xab01, 0, 0, 0, 0x10);
const ENI_MAC: Mac = [0x0A, 0x5E, 0xC0, 0xDE, 0x00, 0x01];
const ROUTER_MAC: Mac = [0x0A, 0x5E, 0xC0, 0xDE, 0x00, 0xFE];
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 1);

/// A name server outside.
const NAME_SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 53);

pub(super) fn cases() -> Vec<Case> {
    vec![Case::pcapng("lab-source", lab_source())]
}

pub(super) fn egress(datagram: &Datagram) -> Vec<u8> {
    ethernet(ROUTER_MAC, ENI_MAC, datagram)
}

pub(super) fn ingress(datagram: &Datagram) -> Vec<u8> {
    ethernet(ENI_MAC, ROUTER_MAC, datagram)
}

pub(super) fn conversation(
    interface: (impl Into<IpAddr>, u16),
    peer: (impl Into<IpAddr>, u16),
    opener: Opener,
) -> Conversation {
    Conversation {
        interface_mac: ENI_MAC,
        router_mac: ROUTER_MAC,
        interface: SocketAddr::new(interface.0.into(), interface.1),
        peer: SocketAddr::new(peer.0.into(), peer.1),
        opener,
    }
}

/// HTTPS that the interface opens, ten frames of each family.
fn https() -> Vec<Vec<u8>> {
    let exchange = [tls_client_hello("www.example.com"), tls_server_hello()];
    let v4 = conversation((ENI, 51_000), (SERVER, 443), Opener::Interface);
    let v6 = conversation((ENI_V6, 51_001), (SERVER_V6, 443), Opener::Interface);
    [v4.frames(&exchange), v6.frames(&exchange)].concat()
}

/// The same within the VPC, six frames of each family.
fn https_within() -> Vec<Vec<u8>> {
    let peer = Ipv4Addr::new(10, 0, 3, 20);
    let peer_v6 = Ipv6Addr::new(0x2001, 0xdb8, 0x1234, 0xab03, 0, 0, 0, 0x20);
    let v4 = conversation((ENI, 51_002), (peer, 443), Opener::Interface);
    let v6 = conversation((ENI_V6, 51_003), (peer_v6, 443), Opener::Interface);
    [v4.frames(&[]), v6.frames(&[])].concat()
}

/// The first packets of connections to the last addresses of the VPC's ranges and the first beyond
/// them.
fn edges() -> Vec<Vec<u8>> {
    let syn = |source: IpAddr, destination: &str, port| {
        let destination: IpAddr = destination.parse().expect("an address");
        egress(&ip(source, destination, Tcp::new(port, 443, Tcp::SYN)))
    };
    let v4 = ["9.255.255.255", "10.0.0.0", "10.0.255.255", "10.1.0.0"];
    let v6 = [
        "2001:db8:1234:aaff:ffff:ffff:ffff:ffff",
        "2001:db8:1234:ab00::",
        "2001:db8:1234:abff:ffff:ffff:ffff:ffff",
        "2001:db8:1234:ac00::",
    ];
    let v4 = v4.iter().zip(51_010..).map(|(to, port)| syn(ENI.into(), to, port));
    let v6 = v6.iter().zip(51_020..).map(|(to, port)| syn(ENI_V6.into(), to, port));
    v4.chain(v6).collect()
}

/// What has port 443 and is something else: QUIC, and HTTPS that the interface serves.
fn other_443() -> Vec<Vec<u8>> {
    let quic = [0xC0, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8];
    let mut frames = vec![
        egress(&ip(ENI, SERVER, Udp::new(51_030, 443, quic))),
        ingress(&ip(SERVER, ENI, Udp::new(443, 51_030, quic))),
    ];
    frames.extend(conversation((ENI, 443), (CLIENT, 50_100), Opener::Peer).frames(&[]));
    frames
}

/// Names asked of the VPC's resolver and of another server.
fn dns() -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for (server, id) in [(RESOLVER, 7), (NAME_SERVER, 8)] {
        let query = Udp::new(40_000 + id, 53, dns_query(id, "www.example.com"));
        let address = SERVER.octets();
        let answer = Udp::new(53, 40_000 + id, dns_answer(id, "www.example.com", address));
        frames.push(egress(&ip(ENI, server, query)));
        frames.push(ingress(&ip(server, ENI, answer)));
    }
    frames
}

/// What is never mirrored, and what only looks so.
fn services() -> Vec<Vec<u8>> {
    let link_local = |last| Ipv4Addr::new(169, 254, 169, last);
    let request = arp(false, (ENI_MAC, ENI), ([0; 6], GATEWAY));
    let ntp = [0x23, 0, 6, 0xEC];
    let unset = Ipv4Addr::UNSPECIFIED;
    let discover = ip(unset, Ipv4Addr::BROADCAST, Udp::new(68, 67, [1, 1, 6, 0]));
    vec![
        ethernet([0xFF; 6], ENI_MAC, &request),
        ingress(&arp(true, (ROUTER_MAC, GATEWAY), (ENI_MAC, ENI))),
        ethernet([0xFF; 6], ENI_MAC, &discover),
        egress(&ip(ENI, link_local(254), Tcp::new(51_040, 80, Tcp::SYN))),
        egress(&ip(ENI, link_local(123), Udp::new(123, 123, ntp))),
        egress(&ip(ENI, link_local(250), Tcp::new(51_041, 1688, Tcp::SYN))),
        // Other time servers are mirrored like anything else.
        egress(&ip(ENI, NAME_SERVER, Udp::new(123, 123, ntp))),
        egress(&ip(ENI, SERVER, Icmp::request(5, 1, "ping"))),
    ]
}

/// A segment from an HTTPS server in two fragments, and one fragment of UDP.
fn fragments() -> Vec<Vec<u8>> {
    let segment = Tcp::new(443, 51_000, Tcp::ACK).at(9_000, 1_000).payload([0x17; 44]);
    let whole = Transport::from(segment).bytes(SERVER.into(), ENI.into());
    let (first, later) = whole.split_at(32);
    let piece = |protocol, offset: u16, more, bytes: &[u8]| {
        let header = Ipv4::new(SERVER, ENI).fragment(0x4321, offset, more);
        ingress(&header.carry(Transport::Other(protocol, bytes.to_vec())))
    };
    vec![piece(6, 0, true, first), piece(6, 4, false, later), piece(17, 4, false, later)]
}

/// Neighbour discovery, a frame that is no IP, and one of somebody else.
fn odd() -> Vec<Vec<u8>> {
    let mut solicitation = vec![135, 0, 0, 0, 0, 0, 0, 0];
    solicitation.extend(SERVER_V6.octets());
    let solicited: Ipv6Addr = "ff02::1:ff00:9".parse().expect("an address");
    let lldp = Datagram::new(0x88CC, [0x02, 0x07, 0x04, 0, 0, 0, 0, 0, 0]);
    let strangers = ip(Ipv4Addr::new(10, 0, 1, 77), CLIENT, Tcp::new(443, 1, Tcp::ACK));
    vec![
        ethernet(
            [0x33, 0x33, 0xFF, 0, 0, 9],
            ENI_MAC,
            &ip(ENI_V6, solicited, Transport::Other(58, solicitation)),
        ),
        ethernet([0x01, 0x80, 0xC2, 0, 0, 0x0E], ENI_MAC, &lldp),
        ethernet(ROUTER_MAC, [0x0A, 0x5E, 0xC0, 0xDE, 0x00, 0x77], &strangers),
    ]
}

fn lab_source() -> Vec<u8> {
    let mut clock = Clock::new();
    let mut capture = Capture::new(Order::Little);
    capture.interface(eth0());
    let frames =
        [https(), https_within(), edges(), other_443(), dns(), services(), fragments(), odd()];
    for frame in frames.concat() {
        capture.packet(Packet::new(0, clock.tick(), frame));
    }
    // The capture's own snaplen cut it between its addresses and its ports.
    let cut = egress(&ip(ENI, SERVER, Tcp::new(51_000, 443, Tcp::ACK)));
    capture.packet(Packet::new(0, clock.tick(), cut).cut(36));
    capture.bytes()
}
