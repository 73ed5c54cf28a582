//! Cases about who mirrors what: sessions, their keys, what they cut.

use std::net::{Ipv4Addr, SocketAddr};

use super::Case;
use super::lab::{
    CLIENT, Clock, ENI, ENI_B, ENI_B_MAC, ENI_MAC, ENI_V6, NEW_YEAR, ROUTER_MAC, SERVER, SERVER_V6,
    TARGET, VNI, capture_of, conversation, dns_frames, egress, eth0, ingress, mirror,
    ssh_at_the_target, web_frames,
};
use crate::capture::{Capture, Interface, Packet, Section};
use crate::options::Opt;
use crate::order::Order;
use crate::packet::{
    Conversation, Datagram, Geneve, Icmp, Ipv4, LINK_ETHERNET, LINK_SLL2, Mirror, Opener, Tcp, Udp,
    Vxlan, arp, ethernet, http_get, http_ok, ip, ones_complement_sum, sll2, tls_application_data,
    tls_client_hello, tls_server_hello,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::pcapng("lab-d", lab_d()),
        Case::pcapng("packet-length-cut", packet_length_cut()),
        Case::pcapng("gwlb", gwlb()),
        Case::pcapng("nested-vxlan", nested_vxlan()),
        Case::pcapng("two-sources-one-vni", two_sources_one_vni()),
        Case::pcapng("two-resolutions", two_resolutions()),
        Case::pcapng("same-flow-two-vnis", same_flow_two_vnis()),
        Case::pcapng("forwarded", forwarded()),
        Case::pcapng("two-devices", two_devices()),
        Case::pcapng("vxlan-device", vxlan_device()),
    ]
}

fn lab_d() -> Vec<u8> {
    let web = [http_get("www.example.com", "/"), http_ok("hello\n")];
    let secure = [
        tls_client_hello("www.example.com"),
        tls_server_hello(),
        tls_application_data(90),
        tls_application_data(300),
    ];
    let served = Conversation { opener: Opener::Peer, ..conversation(ENI, 80, CLIENT, 52_044) };
    let conversations = [
        conversation(ENI, 51_000, SERVER, 80).frames(&web),
        conversation(ENI, 51_001, SERVER, 443).frames(&secure),
        conversation(ENI_V6, 51_002, SERVER_V6, 80).frames(&web),
        conversation(ENI_V6, 51_003, SERVER_V6, 443).frames(&secure),
        served.frames(&web),
    ];

    let header = Section::new(Order::Little)
        .option(Opt::shb_hardware("x86_64"))
        .option(Opt::shb_os("Linux 6.8.0"))
        .option(Opt::shb_userappl("dumpcap 4.4.6"))
        .option(Opt::comment("Lab D: one instance, mirrored to 10.0.2.99"));
    let interface = Interface::new(LINK_ETHERNET)
        .option(Opt::if_name("eth0"))
        .option(Opt::if_filter("udp port 4789"))
        .option(Opt::if_os("Linux 6.8.0"))
        .option(Opt::tsresol(9));
    let mut capture = Capture::new(header);
    capture.interface(interface);
    capture.name_resolution(&[
        (ENI.into(), &["web-1.internal"]),
        (SERVER.into(), &["www.example.com", "example.com"]),
        (SERVER_V6.into(), &["www.example.com"]),
    ]);
    let mut clock = Clock::new();
    let mut packets = 0;
    // The conversations go on side by side: the first frame of each, the second of each.
    let longest = conversations.iter().map(Vec::len).max().unwrap_or(0);
    for turn in 0..longest {
        for frame in conversations.iter().filter_map(|frames| frames.get(turn)) {
            capture.packet(Packet::new(0, clock.tick(), mirror().frame(frame)));
            packets += 1;
        }
    }
    let end = clock.tick();
    let counts = [
        Opt::starttime(NEW_YEAR * 1_000_000_000),
        Opt::endtime(end),
        Opt::ifrecv(packets),
        Opt::ifdrop(0),
    ];
    capture.statistics(0, end, &counts).bytes()
}

fn packet_length_cut() -> Vec<u8> {
    let cut = mirror().packet_length(128);
    let exchange = [http_get("www.example.com", "/long"), http_ok(&"0123456789".repeat(250))];
    let mut frames = conversation(ENI, 51_000, SERVER, 80).frames(&exchange);
    let long = Udp::new(51_010, 4433, [0xC1; 1200]);
    frames.push(egress(&ip(ENI_V6, SERVER_V6, long)));
    // As long as the cut: whole, but not to be told from a cut frame by its length alone.
    frames.push(egress(&ip(ENI, SERVER, Udp::new(51_011, 4433, [0xC2; 128 - 42]))));
    // Behind a VLAN tag the promise of the IP header is four bytes further out.
    frames.push(egress(&ip(ENI, SERVER, Udp::new(51_012, 4433, [0xC3; 400])).tagged(0x8100, 7)));
    frames.push(egress(&arp(false, (ENI_MAC, ENI), ([0; 6], Ipv4Addr::new(10, 0, 1, 1)))));
    let packets: Vec<Vec<u8>> = frames.iter().map(|frame| cut.frame(frame)).collect();
    capture_of(&packets).bytes()
}

fn gwlb() -> Vec<u8> {
    let to_endpoint = |endpoint: Option<u64>, cookie: u32| {
        let geneve = Geneve { endpoint, attachment: 0x0123_4567_89AB_CDEF, cookie };
        Mirror::new(ENI, Ipv4Addr::new(10, 0, 4, 20), VNI).geneve(geneve)
    };
    let first = to_endpoint(Some(0xA1B2_C3D4_E5F6_7890), 0xC00C_1E01);
    let second = to_endpoint(Some(0x0000_0000_0BAD_CAFE), 0xC00C_1E02);
    let mut packets: Vec<Vec<u8>> = web_frames(51_000).iter().map(|f| first.frame(f)).collect();
    let [query, answer] = dns_frames(1, SERVER);
    // The same source and VNI behind another endpoint: another session.
    packets.push(second.frame(&query));
    packets.push(second.frame(&answer));
    // No endpoint option.
    packets.push(to_endpoint(None, 0xC00C_1E03).frame(&query));
    let large = egress(&ip(ENI, SERVER, Udp::new(51_010, 4433, [0xC1; 1300])));
    packets.push(first.packet_length(96).frame(&large));
    // The balancer's ordinary business: GENEVE with a packet that is nobody's mirror.
    let ordinary = first.geneve.expect("the session goes through GENEVE");
    let datagram = ip(CLIENT, ENI, Tcp::new(52_000, 443, Tcp::SYN));
    let udp = Udp::new(61_000, 6081, ordinary.carry(&datagram)).zero_checksum();
    let outside = Ipv4::new(Mirror::BALANCER, Mirror::APPLIANCE).carry(udp);
    packets.push(ethernet(Mirror::TARGET_MAC, Mirror::ROUTER_MAC, &outside));
    capture_of(&packets).bytes()
}

fn nested_vxlan() -> Vec<u8> {
    let pod_a = [0x02, 0xAA, 0, 0, 0, 1];
    let pod_b = [0x02, 0xAA, 0, 0, 0, 2];
    let (address_a, address_b) = (Ipv4Addr::new(192, 0, 2, 11), Ipv4Addr::new(192, 0, 2, 22));
    let node_b = Ipv4Addr::new(10, 0, 5, 5);
    let ping = ethernet(pod_b, pod_a, &ip(address_a, address_b, Icmp::request(7, 1, "nested")));
    let pong = ethernet(pod_a, pod_b, &ip(address_b, address_a, Icmp::reply(7, 1, "nested")));
    let overlay = |frame: &[u8]| Udp::new(55_555, 4789, Vxlan::new(77).carry(frame));

    let mut packets = vec![
        mirror().frame(&egress(&ip(ENI, node_b, overlay(&ping)))),
        mirror().frame(&ingress(&ip(node_b, ENI, overlay(&pong)))),
    ];
    // Three deep: the workload's own frame is again VXLAN.
    let deeper = ip(address_a, address_b, Udp::new(55_556, 4789, Vxlan::new(78).carry(&ping)));
    let deeper = ethernet(pod_b, pod_a, &deeper);
    packets.push(mirror().frame(&egress(&ip(ENI, node_b, overlay(&deeper)))));
    capture_of(&packets).bytes()
}

fn two_sources_one_vni() -> Vec<u8> {
    let other = Mirror::new(ENI_B, TARGET, VNI);
    let second =
        Conversation { interface_mac: ENI_B_MAC, ..conversation(ENI_B, 51_000, SERVER, 80) };
    let exchange = [http_get("www.example.com", "/"), http_ok("hello\n")];
    let mut packets = Vec::new();
    for (one, two) in web_frames(51_000).iter().zip(second.frames(&exchange)) {
        packets.push(mirror().frame(one));
        packets.push(other.frame(&two));
    }
    capture_of(&packets).bytes()
}

fn two_resolutions() -> Vec<u8> {
    // Both interfaces' times are of the same hour: the second counts from a later zero.
    let offset = 1_700_000_000;
    let micro = Interface::new(LINK_ETHERNET).option(Opt::if_name("eth0"));
    let nano = Interface::new(LINK_ETHERNET)
        .option(Opt::if_name("eth1"))
        .option(Opt::tsresol(9))
        .option(Opt::tsoffset(offset));
    let mut capture = Capture::new(Order::Little);
    capture.interface(micro).interface(nano);
    let mut clock = Clock::new();
    for (number, frame) in web_frames(51_000).iter().enumerate() {
        let now = clock.tick();
        let packet = mirror().frame(frame);
        if number % 2 == 0 {
            capture.packet(Packet::new(0, now / 1000, packet));
        } else {
            capture.packet(Packet::new(1, now - offset as u64 * 1_000_000_000, packet));
        }
    }
    capture.bytes()
}

fn same_flow_two_vnis() -> Vec<u8> {
    // Both ends of one conversation are mirrored, so every packet arrives twice: as it
    // leaves the one and as it reaches the other.
    let at_client = conversation(ENI, 51_000, ENI_B, 80);
    let at_server = Conversation {
        interface_mac: ENI_B_MAC,
        router_mac: ROUTER_MAC,
        interface: SocketAddr::new(ENI_B.into(), 80),
        peer: SocketAddr::new(ENI.into(), 51_000),
        opener: Opener::Peer,
    };
    let exchange = [http_get("web-2.internal", "/"), http_ok("hello\n")];
    let mut capture = Capture::new(Order::Little);
    capture.interface(eth0());
    let mut clock = Clock::new();
    let sides = at_client.frames(&exchange).into_iter().zip(at_server.frames(&exchange));
    for (client, server) in sides {
        let copies = [mirror().frame(&client), Mirror::new(ENI_B, TARGET, 308_309).frame(&server)];
        for copy in copies {
            capture.packet(Packet::new(0, clock.tick(), copy));
        }
    }
    capture.packet(Packet::new(0, clock.tick(), ssh_at_the_target()));
    capture.bytes()
}

/// The frame as a router with these MACs hands it on: IPv4, its time to live one less.
fn handed_on(frame: &[u8]) -> Vec<u8> {
    let mut packet = frame[14..].to_vec();
    packet[8] -= 1;
    packet[10..12].fill(0);
    let checksum = !ones_complement_sum(&packet[..20]);
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    ethernet(ENI_B_MAC, ROUTER_MAC, &Datagram::new(0x0800, packet))
}

fn forwarded() -> Vec<u8> {
    let there = |n: u8| egress(&ip(ENI, ENI_B, Udp::new(51_000, 4433, [n; 60])));
    let behind = Mirror::new(ENI_B, TARGET, 308_309);
    let mut packets = Vec::new();
    for frame in (0..5).map(there) {
        packets.push(mirror().frame(&frame));
        packets.push(behind.frame(&handed_on(&frame)));
    }
    // Traceroute: each of these may live one router longer than the one before.
    for ttl in 1..4 {
        let probe = Ipv4 { ttl, ..Ipv4::new(ENI, SERVER) }.carry(Udp::new(51_001, 33_434, [0; 32]));
        packets.push(mirror().frame(&egress(&probe)));
    }
    capture_of(&packets).bytes()
}

/// A packet of `tcpdump -i any`: where its datagram was seen, one after the other.
fn on_devices(seen: &[(u32, Datagram)]) -> Vec<u8> {
    let mut capture = Capture::new(Order::Little);
    capture
        .interface(Interface::new(LINK_SLL2).option(Opt::if_name("any")).option(Opt::tsresol(9)));
    let mut clock = Clock::new();
    for (device, datagram) in seen {
        let packet = sll2(0, *device, Mirror::ROUTER_MAC, datagram);
        capture.packet(Packet::new(0, clock.tick(), packet));
    }
    capture.bytes()
}

fn two_devices() -> Vec<u8> {
    let mut frames = web_frames(51_000);
    // The same acknowledgement three times: sent again, not seen again.
    let ack = ingress(&ip(SERVER, ENI, Tcp::new(80, 51_000, Tcp::ACK).at(1, 1)));
    frames.extend([ack.clone(), ack.clone(), ack]);
    let twice = |frame: &Vec<u8>| [2, 3].map(|device| (device, mirror().datagram(frame)));
    on_devices(&frames.iter().flat_map(twice).collect::<Vec<_>>())
}

fn vxlan_device() -> Vec<u8> {
    let frames = web_frames(51_000);
    let mut seen = Vec::new();
    // The packets of one interrupt go through one device, and then through the next.
    for batch in frames.chunks(3) {
        seen.extend(batch.iter().map(|frame| (2, mirror().datagram(frame))));
        seen.extend(batch.iter().map(|frame| (4, Datagram::new(0x0800, &frame[14..]))));
    }
    seen.push((2, Datagram::new(0x0800, &ssh_at_the_target()[14..])));
    on_devices(&seen)
}
