//! The cases of the labs (`docs/labs.md`), taken at a source whose traffic can be read.
//!
//! The source of `lab-source` is there for what rules nearly take, and all that it says is
//! encrypted. Here is HTTP, so that who has a filter right sees requests; and ping, so that a filter
//! for one of the two does not show the other. The interface is the same.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Case;
use super::lab::{CLIENT, RESOLVER, SERVER, SERVER_V6, capture_of};
use super::source::{ENI, ENI_V6, conversation, egress, ingress};
use crate::packet::{
    Icmp, Opener, Udp, dns_answer, dns_query, http_get, http_ok, ip, tls_client_hello,
    tls_server_hello,
};

/// A client outside with IPv6.
const CLIENT_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xcafe, 0, 0, 0, 0, 0x77);
/// A server within the VPC.
const NEIGHBOUR: Ipv4Addr = Ipv4Addr::new(10, 0, 3, 20);
const NEIGHBOUR_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x1234, 0xab03, 0, 0, 0, 0x20);

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::pcapng("lab-web", capture_of(&web()).bytes()),
        Case::pcapng("lab-alb", capture_of(&load_balancer()).bytes()),
    ]
}

/// One request for `path`, and its answer of `length` bytes.
fn exchange(path: &str, length: usize) -> [Vec<u8>; 2] {
    [http_get("www.example.com", path), http_ok(&"mirror\n".repeat(length / 7))]
}

/// HTTP and HTTPS that the interface opens to the world, 40 frames.
fn opened() -> Vec<Vec<u8>> {
    let hello = [tls_client_hello("www.example.com"), tls_server_hello()];
    let open = Opener::Interface;
    [
        conversation((ENI, 51_000), (SERVER, 80), open).frames(&exchange("/four", 1_050)),
        conversation((ENI_V6, 51_001), (SERVER_V6, 80), open).frames(&exchange("/six", 1_050)),
        conversation((ENI, 51_002), (SERVER, 443), open).frames(&hello),
        conversation((ENI_V6, 51_003), (SERVER_V6, 443), open).frames(&hello),
    ]
    .concat()
}

/// Port 8080: served to the world and to the VPC, and somebody else's, 40 frames.
fn port_8080() -> Vec<Vec<u8>> {
    let served = |peer| conversation((ENI, 8080), (peer, 52_000), Opener::Peer);
    [
        served(CLIENT).frames(&exchange("/served", 70)),
        conversation((ENI_V6, 8080), (CLIENT_V6, 52_001), Opener::Peer)
            .frames(&exchange("/served-six", 70)),
        served(NEIGHBOUR).frames(&exchange("/within", 70)),
        conversation((ENI, 51_004), (SERVER, 8080), Opener::Interface)
            .frames(&exchange("/elsewhere", 70)),
    ]
    .concat()
}

/// Pings that the interface sends, over both families and within the VPC, and one that it gets.
fn pings() -> Vec<Vec<u8>> {
    let payload = [0x61; 56];
    vec![
        egress(&ip(ENI, SERVER, Icmp::request(5, 1, payload))),
        ingress(&ip(SERVER, ENI, Icmp::reply(5, 1, payload))),
        egress(&ip(ENI_V6, SERVER_V6, Icmp::request(6, 1, payload))),
        ingress(&ip(SERVER_V6, ENI_V6, Icmp::reply(6, 1, payload))),
        egress(&ip(ENI, NEIGHBOUR, Icmp::request(7, 1, payload))),
        ingress(&ip(NEIGHBOUR, ENI, Icmp::reply(7, 1, payload))),
        ingress(&ip(CLIENT, ENI, Icmp::request(8, 1, payload))),
        egress(&ip(ENI, CLIENT, Icmp::reply(8, 1, payload))),
    ]
}

/// A name asked of the VPC's resolver, and of a server outside.
fn names() -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for (server, id) in [(RESOLVER, 7), (SERVER, 8)] {
        let query = Udp::new(40_000 + id, 53, dns_query(id, "www.example.com"));
        let answer = dns_answer(id, "www.example.com", SERVER.octets());
        frames.push(egress(&ip(ENI, server, query)));
        frames.push(ingress(&ip(server, ENI, Udp::new(53, 40_000 + id, answer))));
    }
    frames
}

fn web() -> Vec<Vec<u8>> {
    [opened(), port_8080(), pings(), names()].concat()
}

/// What a load balancer that faces the world has at its interface: two clients, and for each of
/// them a request to a server within the VPC, as one asks and the other is asked.
fn load_balancer() -> Vec<Vec<u8>> {
    let asked = exchange("/asked", 70);
    [
        conversation((ENI, 80), (CLIENT, 50_100), Opener::Peer).frames(&asked),
        conversation((ENI, 33_000), (NEIGHBOUR, 8080), Opener::Interface).frames(&asked),
        conversation((ENI_V6, 80), (CLIENT_V6, 50_101), Opener::Peer).frames(&asked),
        conversation((ENI_V6, 33_001), (NEIGHBOUR_V6, 8080), Opener::Interface).frames(&asked),
    ]
    .concat()
}
