//! The rules for interfaces: their numbers, those of sessions, and those that nothing needs.

use mirror_testkit::{
    Capture, Interface, Opt, Order, Packet, Section,
    decode::Content,
    packet::{Datagram, Mirror, ethernet},
};

use super::{
    rules::{
        EGRESS, ENI, ENI_MAC, ROUTER_MAC, TARGET, capture, mirrored, notes, other, reasons,
        received, sent,
    },
    support::{comments, packet, strip},
};

#[test]
fn packet_blocks_and_simple_packets_stay_and_follow_their_interface() {
    let data = mirrored(&sent(4));
    let length = u32::try_from(data.len()).unwrap();
    let mut capture = capture();
    capture
        .packet(Packet::new(0, 1, &data))
        .interface(Interface::new(1).option(Opt::if_name("eth1")))
        .packet_block(7, Packet::new(1, 2, &data).option(Opt::hash(2, &[1, 2, 3, 4])))
        .simple_packet(&data, length);
    let out = strip("", &capture.bytes());
    assert_eq!(reasons(&out), [("packet-block", 1), ("simple-packet", 1)]);
    assert_eq!(out.counts.totals(), [1, 2, 0]);
    let blocks = out.blocks();
    // Section, eth0, session, frame, eth1, Packet Block, Simple Packet Block.
    let kinds: Vec<u32> = blocks.iter().map(|block| block.kind).collect();
    assert_eq!(kinds, [0x0A0D_0D0A, 1, 1, 6, 1, 2, 3]);
    match &blocks[5].content {
        Content::Packet { interface, drops, data: kept, .. } => {
            assert_eq!((*interface, *drops, kept), (2, Some(7), &data));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(blocks[5].options.list, [(3, vec![2, 1, 2, 3, 4])]);
    assert!(matches!(&blocks[6].content, Content::Simple { data: kept, .. } if *kept == data));

    let out = strip("--only-mirrored", &capture.bytes());
    assert_eq!(out.counts.totals(), [1, 0, 2]);
}

/// A Packet Block has 16 bits for its interface.
#[test]
fn a_packet_block_whose_interface_moves_beyond_16_bits_is_left_out() {
    let mut capture = capture();
    capture.packet(Packet::new(0, 1, mirrored(&sent(4))));
    for _ in 1..=65_535 {
        capture.interface(Interface::new(1));
    }
    capture
        .packet_block(0, Packet::new(65_534, 2, other()))
        .packet_block(0, Packet::new(65_535, 3, other()))
        .packet(Packet::new(65_535, 4, other()));
    let out = strip("", &capture.bytes());
    assert_eq!(reasons(&out), [("interface-number", 1), ("not-mirrored", 1), ("packet-block", 1)]);
    assert_eq!(out.counts.totals(), [1, 2, 1]);
    let packets = out.packets();
    let kept: Vec<_> = packets.iter().map(packet).map(|(id, time, ..)| (id, time)).collect();
    assert_eq!(kept, [(1, 1), (65_535, 2), (65_536, 4)]);
}

/// Interface 0 was stripped before and waits; then a session takes number 0, which is
/// what a Simple Packet Block means. And its length is that of the snaplen, which
/// changes.
#[test]
fn simple_packets_have_no_place_among_interfaces_that_wait() {
    let mut capture = Capture::new(Order::Little);
    let annotated = Opt::if_description("vpcmirror: vni=1 source=10.0.0.1");
    capture
        .interface(Interface::new(1).option(annotated))
        .interface(Interface::new(1))
        .packet(Packet::new(1, 1, mirrored(&sent(4))))
        .simple_packet(&sent(4), 46)
        .packet(Packet::new(0, 2, sent(4)));
    let out = strip("--only-mirrored", &capture.bytes());
    assert_eq!(reasons(&out), [("already-stripped", 1), ("simple-packet", 1)]);
    assert_eq!(out.counts.totals(), [1, 1, 1]);
    let packets = out.packets();
    let kept: Vec<_> = packets.iter().map(packet).map(|(id, time, ..)| (id, time)).collect();
    assert_eq!(kept, [(0, 1), (1, 2)]);
}

#[test]
fn numbers_that_were_never_declared_are_damage() {
    let mut capture = capture();
    // The session's interface of the output is number 1; in the input it is nothing.
    capture
        .packet(Packet::new(0, 1, mirrored(&sent(4))))
        .packet(Packet::new(1, 2, mirrored(&sent(4))))
        .packet_block(0, Packet::new(1, 3, mirrored(&sent(4))))
        .statistics(1, 4, &[])
        .packet(Packet::new(0, 5, mirrored(&sent(4))));
    let out = strip("", &capture.bytes());
    assert_eq!(out.counts.totals(), [2, 0, 2]);
    assert_eq!(reasons(&out), [("damaged", 2)]);
    let problem = "names interface 1, but this section has described only 1 so far";
    assert_eq!(out.counts.problems(), [problem; 3]);
    assert!(out.counts.is_damaged());
    let packets = out.packets();
    assert_eq!(packets.iter().map(|block| packet(block).1).collect::<Vec<_>>(), [1, 5]);
}

/// A broken description is not written, so those behind it move up.
#[test]
fn a_broken_interface_has_a_number_in_the_input_only() {
    let mut capture = Capture::new(Order::Little);
    capture
        .block(1, &[1, 0, 0, 0])
        .interface(Interface::new(1).option(Opt::if_name("eth1")))
        .packet(Packet::new(1, 1, other()))
        .packet(Packet::new(0, 2, other()))
        .packet(Packet::new(1, 3, mirrored(&sent(4))))
        .statistics(1, 4, &[]);
    let out = strip("", &capture.bytes());
    assert_eq!(out.counts.totals(), [1, 1, 1]);
    let packets = out.packets();
    let kept: Vec<_> = packets.iter().map(packet).map(|(id, time, ..)| (id, time)).collect();
    assert_eq!(kept, [(0, 1), (1, 3)]);
    let last = out.blocks().pop().unwrap();
    assert!(matches!(last.content, Content::Statistics { interface: 0, time: 4 }), "{last:?}");
}

/// No real interface has a longer name, and a capture may have many.
#[test]
fn the_name_of_an_interface_is_repeated_up_to_255_bytes() {
    let mut capture = Capture::new(Order::Little);
    capture
        .interface(Interface::new(1).option(Opt::if_name(&"x".repeat(300))))
        .packet(Packet::new(0, 1, mirrored(&sent(4))));
    let blocks = strip("", &capture.bytes()).blocks();
    let want = format!("vpcmirror: vni=308308 source=10.0.1.15 on={}", "x".repeat(255));
    assert_eq!(blocks[2].options.values(3).collect::<Vec<_>>(), [want.as_bytes()]);
    // The interface itself keeps it.
    assert_eq!(blocks[1].options.values(2).map(<[u8]>::len).collect::<Vec<_>>(), [300]);
}

/// The first value of the right length counts, so that the words of a stripped packet mean the
/// same as those of one that is kept.
#[test]
fn a_session_counts_time_as_the_interface_that_describes_it_twice() {
    let offset = |seconds: i64| Opt::tsoffset(seconds);
    for options in [
        [Opt::new(9, [9, 0]), Opt::tsresol(9), Opt::new(14, [1; 4]), offset(60)],
        [Opt::tsresol(9), Opt::new(9, []), offset(60), Opt::new(14, [1; 12])],
        [Opt::tsresol(9), Opt::tsresol(3), offset(60), offset(3600)],
    ] {
        let mut capture = Capture::new(Order::Little);
        let interface = options.into_iter().fold(Interface::new(1), Interface::option);
        capture.interface(interface).packet(Packet::new(0, 1, mirrored(&sent(4))));
        let session = &strip("", &capture.bytes()).blocks()[2];
        assert_eq!(session.options.values(9).collect::<Vec<_>>(), [[9]]);
        assert_eq!(session.options.values(14).collect::<Vec<_>>(), [60_u64.to_le_bytes()]);
    }
}

/// One for each section and each interface that it arrives on: only so are its time
/// words true.
#[test]
fn a_session_has_an_interface_for_each_section_and_arrival() {
    let mut capture = Capture::new(Order::Little);
    let two = |capture: &mut Capture| {
        capture.interface(Interface::new(1).snaplen(0).option(Opt::tsresol(9))).interface(
            Interface::new(113)
                .snaplen(4096)
                .option(Opt::if_name("any"))
                .option(Opt::if_speed(1_000))
                .option(Opt::tsresol(0x80 | 20))
                .option(Opt::tsoffset(-3600)),
        );
        let mirror = Mirror::new(ENI, TARGET, 308_308);
        let cooked = mirror_testkit::packet::sll(0, ROUTER_MAC, &mirror.datagram(&sent(4)));
        for _ in 0..2 {
            capture.packet(Packet::new(0, u64::MAX, mirrored(&sent(4)))).packet(Packet::new(
                1,
                1 << 32,
                &cooked,
            ));
        }
    };
    two(&mut capture);
    capture.section(Section::new(Order::Big).version(1, 2));
    two(&mut capture);
    let out = strip("", &capture.bytes());
    let blocks = out.blocks();
    let interfaces: Vec<_> = blocks
        .iter()
        .filter_map(|block| match block.content {
            Content::Interface { id, link, snaplen } if id >= 2 => {
                Some((block.section, id, link, snaplen, block.options.list.clone()))
            }
            _ => None,
        })
        .collect();
    let name = (2, b"vni-308308@10.0.1.15".to_vec());
    let text = "vpcmirror: vni=308308 source=10.0.1.15";
    let of_first = vec![name.clone(), (3, text.into()), (9, vec![9])];
    let of_second = |offset: [u8; 8]| {
        let text = format!("{text} on=any");
        vec![name.clone(), (3, text.into()), (9, vec![0x94]), (14, offset.to_vec())]
    };
    let want = [
        (0, 2, 1, 0, of_first.clone()),
        (0, 3, 1, 4096, of_second((-3600i64).to_le_bytes())),
        (1, 2, 1, 0, of_first),
        (1, 3, 1, 4096, of_second((-3600i64).to_be_bytes())),
    ];
    assert_eq!(interfaces, want);
    let packets = out.packets();
    let seen: Vec<_> = packets.iter().map(packet).map(|(id, time, ..)| (id, time)).collect();
    assert_eq!(seen, [(2, u64::MAX), (3, 1 << 32)].repeat(4));
}

/// The session is one, whatever it arrives on: what was learnt of it holds.
#[test]
fn sessions_last_longer_than_sections() {
    let mut capture = capture();
    let arp = ethernet(ROUTER_MAC, ENI_MAC, &Datagram::new(0x0806, [0; 28]));
    capture
        .packet(Packet::new(0, 1, mirrored(&sent(4))))
        .packet(Packet::new(0, 2, mirrored(&received(4))))
        .section(Order::Big);
    capture.interface(Interface::new(1)).packet(Packet::new(0, 3, mirrored(&arp)));
    assert_eq!(comments(&strip("", &capture.bytes()).packets()[2]), [EGRESS]);
}

#[test]
fn only_mirrored_writes_an_interface_when_a_packet_needs_it() {
    let mut capture = capture();
    capture
        .interface(Interface::new(276).option(Opt::if_name("any")))
        .interface(Interface::new(1).snaplen(96).option(Opt::if_name("eth2")))
        .packet(Packet::new(0, 1, other()))
        .statistics(2, 2, &[])
        .packet(Packet::new(2, 3, other()).option(Opt::comment(EGRESS)))
        .packet(Packet::new(0, 4, mirrored(&sent(4))))
        .statistics(0, 5, &[])
        .statistics(2, 6, &[]);
    let out = strip("--only-mirrored", &capture.bytes());
    assert_eq!(out.counts.totals(), [1, 1, 1]);
    assert_eq!(notes(&out), [("statistics-left-out", 2)]);
    let want = "\
section 0, little-endian
  SHB    version 1.0, length unknown
  IDB 0  ethernet, snaplen 262144
         if_name \"eth2\"
  EPB    if 0   54/54     3  crc32 CRC  tcp 10.0.2.99:22 > 203.0.113.9:50000 ack
         opt_comment \"vpcmirror: vni=308308 source=10.0.1.15 direction=egress\"
  IDB 1  ethernet, snaplen 262144
         if_name \"vni-308308@10.0.1.15\"
         if_description \"vpcmirror: vni=308308 source=10.0.1.15 on=eth0\"
         if_tsresol 10^-6
  EPB    if 1   46/46     4  crc32 CRC  udp 10.0.1.15:51000 > 203.0.113.9:443
         epb_flags 0x00000002
         opt_comment \"vpcmirror: vni=308308 source=10.0.1.15 direction=egress\"
  ISB    if 0   6
";
    assert_eq!(without_crc(&out.picture()), want);
}

/// The picture without checksums, which nobody can check by eye.
fn without_crc(picture: &str) -> String {
    let mut parts = picture.split("crc32 ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "crc32 CRC" + &part[8..])
}

/// Descriptions that wait for a packet are remembered, but not without limit: then
/// they are written as they come.
#[test]
fn interfaces_that_wait_do_not_fill_the_memory() {
    let mut capture = capture();
    for _ in 0..100 {
        capture.interface(Interface::new(113).option(Opt::comment(&"x".repeat(60_000))));
    }
    capture.packet(Packet::new(0, 1, mirrored(&sent(4))));
    let out = strip("--only-mirrored", &capture.bytes());
    assert_eq!(out.counts.totals(), [1, 0, 0]);
    let written = out.blocks().iter().filter(|block| block.kind == 1).count() - 1;
    // 4 MiB may wait, which are 69 of them.
    assert_eq!(written, 31);
    assert_eq!(packet(&out.packets()[0]).0, 31);
}
