//! The case of all that stands between mirrored packets in a capture of an afternoon, and the one
//! of VXLAN headers as machines in the field write them.

use std::net::Ipv4Addr;

use super::Case;
use super::lab::{
    CLIENT, Clock, ENI, ENI_MAC, RESOLVER, SERVER, TARGET, VNI, dns_frames, egress, eth0, mirror,
    ssh_at_the_target,
};
use crate::capture::{Capture, Packet};
use crate::options::Opt;
use crate::order::Order;
use crate::packet::{
    Icmp, Ipv4, Mirror, Transport, Udp, Vxlan, arp, dns_answer, dns_query, ethernet, ip,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::pcapng("mixed-traffic", mixed_traffic()),
        Case::pcapng("reserved-bits", reserved_bits()),
    ]
}

/// One frame behind seven VXLAN headers; only behind the last is no Ethernet.
fn reserved_bits() -> Vec<u8> {
    let [query, _] = dns_frames(1, SERVER);
    let mut clock = Clock::new();
    let mut capture = Capture::new(Order::Little);
    capture.interface(eth0());
    for (flags, reserved, last) in [
        (0x08, [0x00, 0x00, 0x00], 0x00),
        (0xFF, [0x01, 0x00, 0x00], 0x00),
        (0x0C, [0x00, 0x00, 0x00], 0x00),
        (0x88, [0x80, 0x12, 0x34], 0x00),
        (0x0F, [0xFF, 0xFF, 0xFF], 0xFF),
        (0x0C, [0x00, 0x00, 0x03], 0x00),
        (0x0C, [0x00, 0x00, 0x01], 0xAB),
    ] {
        let frame = if reserved[2] == 1 { &query[14..] } else { &query };
        let vxlan = Vxlan { flags, reserved, last, ..Vxlan::new(VNI) };
        capture.packet(Packet::new(0, clock.tick(), Mirror { vxlan, ..mirror() }.frame(frame)));
    }
    capture.bytes()
}

/// What the target itself exchanges with the world.
fn own_traffic() -> Vec<Vec<u8>> {
    let (here, router) = (Mirror::TARGET_MAC, Mirror::ROUTER_MAC);
    let gateway = Ipv4Addr::new(10, 0, 2, 1);
    vec![
        ethernet([0xFF; 6], here, &arp(false, (here, TARGET), ([0; 6], gateway))),
        ethernet(here, router, &arp(true, (router, gateway), (here, TARGET))),
        ethernet(
            router,
            here,
            &ip(TARGET, RESOLVER, Udp::new(40_001, 53, dns_query(9, "example.org"))),
        ),
        ethernet(
            here,
            router,
            &ip(
                RESOLVER,
                TARGET,
                Udp::new(53, 40_001, dns_answer(9, "example.org", [192, 0, 2, 80])),
            ),
        ),
        ethernet(here, router, &ip(CLIENT, TARGET, Icmp::request(3, 1, "ping"))),
        ethernet(router, here, &ip(TARGET, CLIENT, Icmp::reply(3, 1, "ping"))),
        ssh_at_the_target(),
    ]
}

/// Packets that are nearly mirrored ones.
fn near_misses(frame: &[u8]) -> Vec<Vec<u8>> {
    let with = |vxlan: Vxlan| Mirror { vxlan, ..mirror() }.frame(frame);
    let vxlan = Vxlan::new(VNI);
    vec![
        // The port that Linux used before 4789 was assigned.
        Mirror { port: 8472, ..mirror() }.frame(frame),
        // Generic Protocol Extension, next protocol 1: IPv4, no Ethernet.
        Mirror { vxlan: Vxlan { flags: 0x0C, reserved: [0, 0, 1], ..vxlan }, ..mirror() }
            .frame(&frame[14..]),
        with(Vxlan { flags: 0x00, ..vxlan }),
        // These are mirrored: reserved bits are to be ignored by receivers.
        with(Vxlan { flags: 0x88, ..vxlan }),
        with(Vxlan { reserved: [0x01, 0x02, 0x03], ..vxlan }),
        with(Vxlan { last: 0x01, ..vxlan }),
        // Other bits of the wrapper's IP header: options.
        options_in_the_wrapper(frame),
    ]
}

fn options_in_the_wrapper(frame: &[u8]) -> Vec<u8> {
    let header = Ipv4 { ttl: 255, ..Ipv4::new(ENI, TARGET) }.options(&[0x94, 4, 0, 0]);
    ethernet(Mirror::TARGET_MAC, Mirror::ROUTER_MAC, &header.carry(mirror().udp(frame)))
}

/// A mirrored packet that a router on the way had to divide.
fn fragments(frame: &[u8]) -> [Vec<u8>; 2] {
    let whole = Transport::from(mirror().udp(frame)).bytes(ENI.into(), TARGET.into());
    let (first, later) = whole.split_at(64);
    let piece = |offset: u16, more: bool, bytes: &[u8]| {
        let header = Ipv4 { ttl: 254, ..Ipv4::new(ENI, TARGET) }.fragment(0x1234, offset, more);
        let datagram = header.carry(Transport::Other(17, bytes.to_vec()));
        ethernet(Mirror::TARGET_MAC, Mirror::ROUTER_MAC, &datagram)
    };
    [piece(0, true, first), piece(8, false, later)]
}

fn mixed_traffic() -> Vec<u8> {
    let mut clock = Clock::new();
    let mut capture = Capture::new(Order::Little);
    capture.interface(eth0());
    let [query, answer] = dns_frames(1, SERVER);
    let mut mirrored = [&query, &answer].into_iter().cycle();

    for other in own_traffic() {
        capture.packet(Packet::new(0, clock.tick(), other));
        let frame = mirrored.next().expect("a cycle has no end");
        capture.packet(Packet::new(0, clock.tick(), mirror().frame(frame)));
    }
    for packet in near_misses(&query) {
        capture.packet(Packet::new(0, clock.tick(), packet));
    }
    for packet in fragments(&answer) {
        capture.packet(Packet::new(0, clock.tick(), packet));
    }
    // The wrapper itself is cut: in its IP, UDP and VXLAN header.
    for length in [30, 38, 46] {
        capture.packet(Packet::new(0, clock.tick(), mirror().frame(&query)).cut(length));
    }
    // A datagram that ends with its VXLAN header.
    capture.packet(Packet::new(0, clock.tick(), mirror().frame(&[])));
    // A UDP length that has no room for a VXLAN header.
    let short = Ipv4 { ttl: 255, ..Ipv4::new(ENI, TARGET) }.carry(mirror().udp(&query).length(12));
    let short = ethernet(Mirror::TARGET_MAC, Mirror::ROUTER_MAC, &short);
    capture.packet(Packet::new(0, clock.tick(), short));

    // Blocks of other kinds, each between two mirrored packets.
    let between = |capture: &mut Capture, clock: &mut Clock| {
        capture.packet(Packet::new(0, clock.tick(), mirror().frame(&answer)));
    };
    let simple = mirror().frame(&query);
    capture.simple_packet(&simple, simple.len() as u32);
    between(&mut capture, &mut clock);
    let old = Packet::new(0, clock.tick(), mirror().frame(&query)).option(Opt::flags(1));
    capture.packet_block(0xFFFF, old);
    between(&mut capture, &mut clock);
    let secrets = format!("CLIENT_RANDOM {} {}\n", "11".repeat(32), "00".repeat(48));
    capture.secrets(0x544C_534B, secrets.as_bytes());
    between(&mut capture, &mut clock);
    capture.custom(32_473, true, b"may be copied");
    between(&mut capture, &mut clock);
    capture.custom(32_473, false, b"not to be copied");
    between(&mut capture, &mut clock);
    capture.journal("__REALTIME_TIMESTAMP=1767225600000000\nMESSAGE=hello\n");
    between(&mut capture, &mut clock);
    capture.block(0x8000_0001, &[0xAB; 24]);
    capture.block(0x0000_1234, &[0xCD; 8]);
    // ARP is never mirrored by AWS; others do.
    let request = egress(&arp(false, (ENI_MAC, ENI), ([0; 6], Ipv4Addr::new(10, 0, 1, 1))));
    capture.packet(Packet::new(0, clock.tick(), mirror().frame(&request)));
    capture.bytes()
}
