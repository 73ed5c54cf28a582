//! Cases about the IP layer of the wrapper, and what a snaplen leaves of it.

use super::Case;
use super::lab::{
    ENI, ENI_V6, SERVER, TARGET_V6, VNI, capture_of, dns_frames, egress, mirror, web_frames,
};
use crate::capture::{Capture, Interface, Packet};
use crate::options::Opt;
use crate::order::Order;
use crate::packet::{
    Datagram, Ipv6, LINK_ETHERNET, Mirror, Tcp, ethernet, ip, tls_application_data,
};

pub(super) fn cases() -> Vec<Case> {
    vec![Case::pcapng("outer-ipv6", outer_ipv6()), Case::pcapng("snaplen-cut", snaplen_cut())]
}

fn outer_ipv6() -> Vec<u8> {
    let session = Mirror::new(ENI_V6, TARGET_V6, VNI);
    let arrive = |datagram: &Datagram| ethernet(Mirror::TARGET_MAC, Mirror::ROUTER_MAC, datagram);
    let mut packets: Vec<Vec<u8>> =
        web_frames(51_000).iter().map(|frame| session.frame(frame)).collect();
    let [query, answer] = dns_frames(1, SERVER);
    let header = Ipv6 { hop_limit: 255, ..Ipv6::new(ENI_V6, TARGET_V6) };
    packets.push(arrive(&header.clone().hop_by_hop().carry(session.udp(&query))));
    let chain = header.clone().hop_by_hop().destination_options();
    packets.push(arrive(&chain.carry(session.udp(&answer))));
    // A Fragment header that says "all of it" is no fragment (RFC 6946).
    packets.push(arrive(&header.clone().fragment(9, 0, false).carry(session.udp(&query))));
    // No checksum, which RFC 6935 allows tunnels.
    packets.push(arrive(&header.clone().carry(session.udp(&answer).zero_checksum())));
    packets.push(arrive(&header.carry(Tcp::new(4789, 4789, Tcp::SYN))));
    capture_of(&packets).bytes()
}

fn snaplen_cut() -> Vec<u8> {
    let data = tls_application_data(1411);
    let large = ip(ENI, SERVER, Tcp::new(51_001, 443, 24).at(1001, 5001).payload(data));
    let large = mirror().frame(&egress(&large));
    assert_eq!(large.len(), 1520, "the length that the case is about");
    let ack = egress(&ip(ENI, SERVER, Tcp::new(51_001, 443, 16).at(2417, 5001)));
    // The session cut this frame to 300 bytes, and then the capture cut the packet.
    let twice = mirror().packet_length(300).frame(&large[50..]);

    let mut capture = Capture::new(Order::Little);
    let interface = Interface::new(LINK_ETHERNET).snaplen(200);
    capture.interface(interface.option(Opt::if_name("eth0")).option(Opt::tsresol(9)));
    let mut clock = super::lab::Clock::new();
    for packet in [large, mirror().frame(&ack), twice] {
        capture.packet(Packet::new(0, clock.tick(), packet).cut(200));
    }
    capture.bytes()
}
