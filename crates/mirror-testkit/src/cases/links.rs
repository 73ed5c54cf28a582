//! Cases about the link layer that the capture at the target has.

use super::Case;
use super::lab::{
    Clock, ENI, ENI_MAC, ENI_V6, NEW_YEAR, SERVER, TARGET_V6, VNI, capture_of, dns_frames, egress,
    eth0, mirror, ssh_at_the_target, web_frames,
};
use crate::capture::{Capture, Interface, Packet};
use crate::options::Opt;
use crate::order::Order;
use crate::packet::{
    Datagram, LINK_ETHERNET, LINK_NULL, LINK_RAW, LINK_SLL, LINK_SLL2, Mirror, Udp, arp, ethernet,
    ip, null, padded, sll, sll2, with_fcs,
};
use crate::pcap::{Fraction, Pcap};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::pcapng("sll", cooked()),
        Case::pcapng("sll2", cooked_2()),
        Case::pcapng("raw", raw()),
        Case::pcapng("null", loopback()),
        Case::pcapng("outer-vlan", outer_vlan()),
        Case::pcapng("outer-qinq", outer_qinq()),
        Case::pcapng("fcs", fcs()),
        Case::pcap("pcap-micro", pcap_micro()),
        Case::pcap("pcap-nano-big", pcap_nano_big()),
    ]
}

/// The same session over IPv6, as far as AWS sends that.
fn mirror_v6() -> Mirror {
    Mirror::new(ENI_V6, TARGET_V6, VNI)
}

/// A capture of one interface of this link type, one tick between packets.
fn capture_on(link: u16, name: &str, packets: &[Vec<u8>]) -> Vec<u8> {
    let mut capture = Capture::new(Order::Little);
    let name = Opt::if_name(name);
    capture.interface(Interface::new(link).option(name).option(Opt::tsresol(9)));
    let mut clock = Clock::new();
    for packet in packets {
        capture.packet(Packet::new(0, clock.tick(), packet));
    }
    capture.bytes()
}

fn cooked() -> Vec<u8> {
    let wrap = |datagram: &Datagram| sll(0, Mirror::ROUTER_MAC, datagram);
    let mut packets: Vec<Vec<u8>> =
        web_frames(51_000).iter().map(|frame| wrap(&mirror().datagram(frame))).collect();
    let [query, answer] = dns_frames(1, SERVER);
    packets.push(wrap(&mirror().datagram(&query).tagged(0x8100, 30)));
    packets.push(wrap(&mirror_v6().datagram(&answer)));
    let ours = Datagram::new(0x0800, &ssh_at_the_target()[14..]);
    packets.push(sll(4, Mirror::TARGET_MAC, &ours));
    capture_on(LINK_SLL, "any", &packets)
}

fn cooked_2() -> Vec<u8> {
    let wrap = |number: u32, datagram: &Datagram| sll2(0, number, Mirror::ROUTER_MAC, datagram);
    // The mirrored packets arrive at two interfaces of the target.
    let mut packets: Vec<Vec<u8>> = web_frames(51_000)
        .iter()
        .zip([2, 2, 3].into_iter().cycle())
        .map(|(frame, number)| wrap(number, &mirror().datagram(frame)))
        .collect();
    let [query, answer] = dns_frames(1, SERVER);
    packets.push(wrap(2, &mirror().datagram(&query).tagged(0x8100, 30)));
    packets.push(wrap(2, &mirror_v6().datagram(&answer)));
    let ours = Datagram::new(0x0800, &ssh_at_the_target()[14..]);
    packets.push(sll2(4, 2, Mirror::TARGET_MAC, &ours));
    capture_on(LINK_SLL2, "any", &packets)
}

fn raw() -> Vec<u8> {
    let mut packets: Vec<Vec<u8>> =
        web_frames(51_000).iter().map(|frame| mirror().datagram(frame).bytes).collect();
    let [query, _] = dns_frames(1, SERVER);
    packets.push(mirror_v6().datagram(&query).bytes);
    packets.push(ssh_at_the_target()[14..].to_vec());
    capture_on(LINK_RAW, "tun0", &packets)
}

fn loopback() -> Vec<u8> {
    let mut packets: Vec<Vec<u8>> = web_frames(51_000)
        .iter()
        .map(|frame| null(Order::Little, 2, &mirror().datagram(frame)))
        .collect();
    let [query, answer] = dns_frames(1, SERVER);
    // A file may hold packets of a machine of the other byte order.
    packets.push(null(Order::Big, 2, &mirror().datagram(&query)));
    // IPv6 is 30 on macOS, 28 on FreeBSD, 24 on NetBSD and OpenBSD, 10 on Linux.
    for family in [30, 28, 24, 10] {
        packets.push(null(Order::Little, family, &mirror_v6().datagram(&answer)));
    }
    packets.push(null(Order::Little, 2, &Datagram::new(0x0800, &ssh_at_the_target()[14..])));
    capture_on(LINK_NULL, "lo0", &packets)
}

/// The Ethernet frame at the target, with tags from the innermost outwards.
fn tagged(frame: &[u8], tags: &[(u16, u16)]) -> Vec<u8> {
    let mut datagram = mirror().datagram(frame);
    for (tpid, vlan) in tags {
        datagram = datagram.tagged(*tpid, *vlan);
    }
    ethernet(Mirror::TARGET_MAC, Mirror::ROUTER_MAC, &datagram)
}

fn outer_vlan() -> Vec<u8> {
    let mut packets: Vec<Vec<u8>> =
        web_frames(51_000).iter().map(|frame| tagged(frame, &[(0x8100, 30)])).collect();
    // Priority 5 in the upper bits of the tag.
    let [query, answer] = dns_frames(1, SERVER);
    packets.push(tagged(&query, &[(0x8100, 5 << 13 | 30)]));
    packets.push(tagged(&answer, &[(0x9100, 30)]));
    capture_of(&packets).bytes()
}

fn outer_qinq() -> Vec<u8> {
    let provider = [(0x8100, 30), (0x88A8, 100)];
    let mut packets: Vec<Vec<u8>> =
        web_frames(51_000).iter().map(|frame| tagged(frame, &provider)).collect();
    let [query, answer] = dns_frames(1, SERVER);
    packets.push(tagged(&query, &[(0x8100, 30), (0x8100, 31), (0x88A8, 100)]));
    // One tag more than is looked through.
    packets.push(tagged(&answer, &[(0x8100, 30), (0x8100, 31), (0x8100, 32), (0x88A8, 100)]));
    capture_of(&packets).bytes()
}

fn fcs() -> Vec<u8> {
    let told_by_interface = eth0().option(Opt::fcslen(4));
    let told_by_packet =
        Interface::new(LINK_ETHERNET).option(Opt::if_name("eth1")).option(Opt::tsresol(9));
    let mut capture = Capture::new(Order::Little);
    capture.interface(told_by_interface).interface(told_by_packet);
    let mut clock = Clock::new();
    for frame in web_frames(51_000) {
        capture.packet(Packet::new(0, clock.tick(), with_fcs(mirror().frame(&frame))));
    }
    // A network card fills a short frame up to 60 bytes. The padding of the mirrored frame is
    // a part of it; the bytes behind the wrapper's datagram are not.
    let short = egress(&ip(ENI, SERVER, Udp::new(51_010, 4433, "abc")));
    let filled = mirror().frame(&padded(short.clone(), 60));
    let trailed = mirror().frame(&short);
    let length = trailed.len();
    let trailed = padded(trailed, length + 10);
    // No inner bytes to speak of: the wrapper itself is below 60 bytes and filled up.
    let tiny = mirror().packet_length(5).frame(&short);
    for packet in [filled, trailed, padded(tiny, 60)] {
        capture.packet(Packet::new(0, clock.tick(), with_fcs(packet)));
    }
    // Here the flags of the packet say that it ends with four bytes of FCS (bits 5-8).
    for frame in dns_frames(1, SERVER) {
        let packet = Packet::new(1, clock.tick(), with_fcs(mirror().frame(&frame)));
        capture.packet(packet.option(Opt::flags(4 << 5 | 1)));
    }
    let plain = Packet::new(0, clock.tick(), with_fcs(padded(ssh_at_the_target(), 60)));
    capture.packet(plain).bytes()
}

fn pcap_micro() -> Vec<u8> {
    let mut capture = Pcap::new(Order::Little, Fraction::Micro, LINK_ETHERNET.into());
    let mut micros = 0;
    for frame in web_frames(51_000) {
        micros += 137_911;
        let packet = mirror().frame(&frame);
        capture.record(NEW_YEAR as u32, micros % 1_000_000, &packet, packet.len() as u32);
    }
    let own = ssh_at_the_target();
    capture.record(NEW_YEAR as u32 + 2, 0, &own, own.len() as u32).bytes()
}

fn pcap_nano_big() -> Vec<u8> {
    let mut capture = Pcap::new(Order::Big, Fraction::Nano, LINK_ETHERNET.into());
    let mut nanos = 0;
    for frame in web_frames(51_000) {
        nanos += 137_911;
        let packet = mirror().frame(&frame);
        capture.record(NEW_YEAR as u32, nanos, &packet, packet.len() as u32);
    }
    // Cut by the snaplen: 100 of the bytes on the wire.
    let large = mirror().frame(&egress(&ip(ENI, SERVER, Udp::new(51_010, 4433, [0xC1; 900]))));
    capture.record(NEW_YEAR as u32, nanos + 1, &large[..100], large.len() as u32);
    let request = arp(false, (ENI_MAC, ENI), ([0; 6], SERVER));
    let own = ethernet([0xFF; 6], Mirror::TARGET_MAC, &request);
    capture.record(NEW_YEAR as u32 + 1, 999_999_999, &own, own.len() as u32).bytes()
}
