//! `wrap` without files, measured by `strip`.

use std::net::IpAddr;

use clap::Parser;
use mirror_testkit::{
    Capture, Interface, Opt, Order, Packet, Section,
    decode::{Block, Content},
    packet::{Datagram, Udp, ethernet, ip, padded, with_fcs},
    random::Random,
};
use proptest::prelude::*;

use super::Wrap;
use crate::{
    cli::{Cli, Command},
    strip::tests::support::{Rewritten, comments, drive, packet, sound, strip},
};

const V4: &str = "--vni 308308 --source 10.0.1.15 --target 10.0.2.99";
const V6: &str = "--vni 308308 --source 2001:db8::15 --target 2001:db8::99";

/// Wrap a capture that can be opened.
#[track_caller]
fn wrap(options: &str, capture: &[u8]) -> Rewritten {
    let words = "mirror-pcap wrap in out.pcapng".split(' ').chain(options.split_whitespace());
    let args = match Cli::try_parse_from(words) {
        Ok(Cli { command: Command::Wrap(args) }) => args,
        other => panic!("{options}: {other:?}"),
    };
    let mut wrap = Wrap::new(&args, None).expect("the addresses are of one family");
    let bytes = drive(&mut wrap, capture).expect("it is a capture");
    wrap.counts.totals();
    sound(&bytes);
    Rewritten { bytes, counts: wrap.counts }
}

/// A frame that the ENI 10.0.1.15 sent.
fn sent(payload: usize) -> Vec<u8> {
    let udp = Udp::new(51_000, 443, vec![0xAB; payload]);
    ethernet([2, 1, 0, 0, 0, 1], [2, 0x15, 0, 0, 0, 1], &ip([10, 0, 1, 15], [203, 0, 113, 9], udp))
}

fn capture() -> Capture {
    let mut capture = Capture::new(Order::Little);
    capture.interface(Interface::new(1).option(Opt::if_name("eth0")));
    capture
}

/// What must come back of a packet.
#[derive(Clone, Debug, PartialEq)]
struct Wanted {
    section: usize,
    time: u64,
    original: u32,
    data: Vec<u8>,
    /// But for flags: they say the direction now.
    options: Vec<(u16, Vec<u8>)>,
    /// Resolution and offset of the interface.
    clock: (u8, i64),
}

/// Captures of frames as an ENI sends and receives them, and what must come back.
struct Frames {
    random: Random,
    order: Order,
    capture: Capture,
    section: usize,
    /// Of each interface of the section: clock, and whether a check sequence is there.
    interfaces: Vec<((u8, i64), bool)>,
    wanted: Vec<Wanted>,
    /// Blocks that are neither section, interface nor packet, to be copied.
    others: usize,
}

impl Frames {
    fn made(seed: u64, steps: usize) -> Frames {
        let mut random = Random::new(seed);
        let order = if random.between(0, 1) == 0 { Order::Little } else { Order::Big };
        let mut frames = Frames {
            random,
            order,
            capture: Capture::new(order),
            section: 0,
            interfaces: Vec::new(),
            wanted: Vec::new(),
            others: 0,
        };
        frames.interface();
        for _ in 0..steps {
            match frames.random.between(0, 19) {
                0 => frames.section(),
                1 => frames.interface(),
                2 => {
                    frames.capture.name_resolution(&[([10, 0, 1, 15].into(), &["web"])]);
                    frames.others += 1;
                }
                3 => {
                    frames.capture.secrets(0x544C_534B, b"CLIENT_RANDOM");
                    frames.others += 1;
                }
                4 => {
                    let id = frames.any_interface();
                    frames.capture.statistics(id, 9, &[Opt::ifrecv(1)]);
                    frames.others += 1;
                }
                _ => frames.packet(),
            }
        }
        frames
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        let last = list.len() as u64 - 1;
        list[usize::try_from(self.random.between(0, last)).unwrap()]
    }

    fn section(&mut self) {
        self.order = self.pick(&[Order::Little, Order::Big]);
        self.capture.section(Section::new(self.order).known_length());
        self.section += 1;
        self.interfaces.clear();
        self.interface();
    }

    fn interface(&mut self) {
        let clock = self.pick(&[(6, 0), (9, 0), (9, 1_700_000_000), (0x80 | 10, -60)]);
        let fcs = self.pick(&[false, false, false, true]);
        let snaplen = self.pick(&[0, 262_144, u32::MAX]);
        let mut interface = Interface::new(1).snaplen(snaplen).option(Opt::if_name("eth0"));
        if clock != (6, 0) {
            interface = interface.option(Opt::tsresol(clock.0)).option(Opt::tsoffset(clock.1));
        }
        if fcs {
            interface = interface.option(Opt::fcslen(4));
        }
        self.capture.interface(interface);
        self.interfaces.push((clock, fcs));
    }

    fn any_interface(&mut self) -> u32 {
        let last = self.interfaces.len() as u64 - 1;
        u32::try_from(self.random.between(0, last)).unwrap()
    }

    /// A frame whose IP length is true.
    fn frame(&mut self) -> Vec<u8> {
        let payload = usize::try_from(self.random.between(0, 300)).unwrap();
        let payload = self.random.bytes(payload);
        let own: IpAddr = self.pick(&[[10, 0, 1, 15], [10, 0, 1, 200]]).into();
        let peer: IpAddr = [203, 0, 113, 9].into();
        let away = self.pick(&[true, false]);
        let mut datagram = match self.random.between(0, 6) {
            0 => Datagram::new(0x0806, self.random.bytes(28)),
            1 => Datagram::new(0x88CC, payload),
            2 => {
                let (a, b): (IpAddr, IpAddr) =
                    ("2001:db8::15".parse().unwrap(), "2001:db8::9".parse().unwrap());
                ip(a, b, Udp::new(1, 2, payload))
            }
            // A workload that speaks VXLAN itself.
            3 => ip(
                own,
                peer,
                Udp::new(1, 4789, [&[8, 0, 0, 0, 0, 0, 77, 0], &payload[..]].concat()),
            ),
            _ if away => ip(own, peer, Udp::new(51_000, 443, payload)),
            _ => ip(peer, own, Udp::new(443, 51_000, payload)),
        };
        for _ in 0..self.pick(&[0, 0, 0, 1, 2]) {
            datagram = datagram.tagged(0x8100, 7);
        }
        let (eni, router) = ([2, 0x15, 0, 0, 0, 1], [2, 1, 0, 0, 0, 1]);
        let (to, from) = if away { (router, eni) } else { (eni, router) };
        let frame = ethernet(to, from, &datagram);
        if self.random.between(0, 5) == 0 { padded(frame, 60) } else { frame }
    }

    fn packet(&mut self) {
        let id = self.any_interface();
        let (clock, fcs) = self.interfaces[id as usize];
        let frame = self.frame();
        let time = self.random.word();
        let original = u32::try_from(frame.len()).unwrap();
        let keep = if self.random.between(0, 4) == 0 {
            usize::try_from(self.random.between(0, frame.len() as u64)).unwrap()
        } else {
            usize::MAX
        };
        let on_wire = if fcs { with_fcs(frame.clone()) } else { frame.clone() };
        let original_on_wire = u32::try_from(on_wire.len()).unwrap();
        let mut block = Packet::new(id, time, on_wire);
        if keep != usize::MAX {
            block = block.cut(keep);
        }
        block = block.original(original_on_wire);
        let mut options: Vec<(u16, Vec<u8>)> = Vec::new();
        for _ in 0..self.pick(&[0, 0, 1, 3]) {
            let (code, value, stays) = match self.random.between(0, 6) {
                0 => (1, b"a comment".to_vec(), true),
                1 => (1, b"vpcmirror: vni=5 source=10.0.0.5".to_vec(), false),
                2 => (2, self.order.u32(2).to_vec(), false),
                3 => (3, vec![2, 1, 2, 3, 4], false),
                4 => (19_372, self.order.u32(1).to_vec(), false),
                5 => (4, self.order.u64(77).to_vec(), true),
                _ => (0x8001, vec![9; 3], true),
            };
            block = block.option(Opt::new(code, &value));
            if stays {
                options.push((code, value));
            }
        }
        if self.random.between(0, 9) == 0 {
            // Becomes an Enhanced Packet Block.
            self.capture.packet_block(3, block);
        } else {
            self.capture.packet(block);
        }
        let data = frame[..frame.len().min(keep)].to_vec();
        let section = self.section;
        self.wanted.push(Wanted { section, time, original, data, options, clock });
    }
}

/// The packets of a stripped capture, their annotation and flags taken off.
fn back(blocks: &[Block]) -> Vec<Wanted> {
    let mut clocks = Vec::new();
    let mut packets = Vec::new();
    for block in blocks {
        match &block.content {
            Content::Section { .. } => clocks.clear(),
            Content::Interface { .. } => {
                let resolution = block.options.values(9).next().map_or(6, |value| value[0]);
                let offset = block.options.values(14).next();
                let offset = offset.and_then(|value| block.order.read_u64(value, 0));
                clocks.push((resolution, offset.unwrap_or(0).cast_signed()));
            }
            Content::Packet { interface, .. } => {
                let (_, time, original, data) = packet(block);
                let mut options = block.options.list.clone();
                let (code, text) = options.pop().expect("an annotation");
                assert_eq!(code, 1);
                assert!(text.starts_with(b"vpcmirror: vni=308308 source="), "{block:?}");
                options.retain(|(code, _)| *code != 2);
                let clock = clocks[*interface as usize];
                let section = block.section;
                packets.push(Wanted {
                    section,
                    time,
                    original,
                    data: data.to_vec(),
                    options,
                    clock,
                });
            }
            _ => {}
        }
    }
    packets
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// In bytes, lengths, time words, comments and other options, for each packet, on an
    /// interface that counts time as its own did.
    #[test]
    fn strip_gives_back_what_wrap_was_given(
        seed in any::<u64>(), steps in 1usize..60,
        options in prop_oneof![
            Just(V4.to_owned()),
            Just(V6.to_owned()),
            Just(format!("{V4} --geneve")),
            Just(format!("{V6} --geneve --endpoint vpce-0a1b2c3d4e5f67890")),
        ],
    ) {
        let frames = Frames::made(seed, steps);
        let count = frames.wanted.len() as u64;
        let wrapped = wrap(&options, &frames.capture.bytes());
        prop_assert_eq!(wrapped.counts.totals(), [count, 0, 0]);
        let stripped = strip("", &wrapped.bytes);
        prop_assert_eq!(stripped.counts.totals(), [count, 0, 0], "{:?}", stripped.counts);
        let blocks = stripped.blocks();
        prop_assert_eq!(back(&blocks), frames.wanted);
        let others = blocks.iter().filter(|block| {
            matches!(block.content, Content::Statistics { .. } | Content::Secrets { .. })
                || matches!(block.content, Content::Other)
        });
        prop_assert_eq!(others.count(), frames.others);
    }

    /// And what the session cut is known again, if its PacketLength is.
    #[test]
    fn strip_tells_how_long_a_frame_was_before_the_cut(
        payloads in prop::collection::vec(0usize..400, 1..30), length in 42u32..300,
    ) {
        let mut capture = capture();
        for payload in &payloads {
            capture.packet(Packet::new(0, 1, sent(*payload)));
        }
        let wrapped = wrap(&format!("{V4} --packet-length {length}"), &capture.bytes());
        let stripped = strip(&format!("--packet-length {length}"), &wrapped.bytes);
        for (block, payload) in stripped.packets().iter().zip(&payloads) {
            let whole = sent(*payload);
            let (_, _, original, data) = packet(block);
            let most = whole.len().min(length as usize);
            prop_assert_eq!(data, &whole[..most]);
            prop_assert_eq!(original as usize, whole.len());
            let cut = format!(" cut_from={}", whole.len());
            prop_assert_eq!(comments(block)[0].ends_with(&cut), most < whole.len());
        }
        let cut = payloads.iter().filter(|payload| *payload + 42 > length as usize).count();
        let noted = wrapped.counts.notes().get("cut").copied().unwrap_or(0);
        prop_assert_eq!(noted, cut as u64);
    }

    /// Whatever the bytes: no panic, a sound output, counts that close.
    #[test]
    fn any_damage_is_taken(
        case in 0usize..mirror_testkit::cases::all().len(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 1u8..), 0..4),
        end in any::<prop::sample::Index>(),
    ) {
        let mut bytes = mirror_testkit::cases::all().swap_remove(case).bytes;
        for (at, mask) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= mask;
        }
        bytes.truncate(end.index(bytes.len() + 1).max(1));
        let words = format!("mirror-pcap wrap in out {V6} --geneve --packet-length 60");
        let Ok(Cli { command: Command::Wrap(args) }) = Cli::try_parse_from(words.split(' ')) else {
            panic!("{words}");
        };
        let mut wrap = Wrap::new(&args, None).unwrap();
        if let Ok(out) = drive(&mut wrap, &bytes[..]) {
            wrap.counts.totals();
            sound(&out);
        }
    }
}

/// Taking off and putting on again is the identity from the second time on.
#[test]
fn a_wrapped_capture_stripped_and_wrapped_again_is_the_same_packets() {
    for case in mirror_testkit::cases::all() {
        if case.folder != "captures/lab-d" && case.folder != "captures/late-interfaces" {
            continue;
        }
        let frames = strip("--only-mirrored", &case.bytes);
        let once = wrap(V4, &frames.bytes);
        let again = wrap(V4, &strip("--only-mirrored", &once.bytes).bytes);
        let data = |capture: &Rewritten| -> Vec<Vec<u8>> {
            capture.packets().iter().map(|block| packet(block).3.to_vec()).collect()
        };
        assert_eq!(data(&once), data(&again), "{}", case.folder);
        assert!(again.packets().iter().all(|block| comments(block).is_empty()));
    }
}

#[test]
fn what_a_mirror_could_not_have_sent_is_left_out() {
    let mut capture = capture();
    capture
        .interface(Interface::new(101))
        .packet(Packet::new(1, 1, [0x45; 20]))
        .simple_packet(&sent(4), 46)
        .packet(Packet::new(0, 2, vec![0; 65_500]))
        .packet(Packet::new(0, 3, sent(4)));
    let out = wrap(V4, &capture.bytes());
    assert_eq!(out.counts.totals(), [1, 0, 3]);
    let reasons: Vec<_> = out.counts.reasons().into_iter().collect();
    assert_eq!(reasons, [("link-type", 1), ("simple-packet", 1), ("too-long", 1)]);
}

/// 65,535 bytes of IP packet, of which 20 are its header, 8 UDP's and 8 VXLAN's.
#[test]
fn the_longest_frame_that_fits_is_wrapped() {
    for (length, fits) in [(65_499, true), (65_500, false)] {
        let mut capture = capture();
        capture.packet(Packet::new(0, 1, vec![0; length]));
        let out = wrap(V4, &capture.bytes());
        assert_eq!(out.counts.totals(), if fits { [1, 0, 0] } else { [0, 0, 1] });
    }
}

/// AWS reckons with 54 bytes around a frame over IPv4, and 74 over IPv6.
#[test]
fn the_mtu_of_the_target_cuts_too_and_the_smaller_limit_decides() {
    let mut capture = capture();
    capture.packet(Packet::new(0, 1, sent(1000)));
    for (options, length) in [
        ("--mtu 200", 146),
        ("--mtu 200 --packet-length 100", 100),
        ("--mtu 200 --packet-length 150", 146),
        ("--mtu 1096", 1042),
        ("--mtu 1095", 1041),
    ] {
        let out = wrap(&format!("{V4} {options}"), &capture.bytes());
        let packets = out.packets();
        let (_, _, original, data) = packet(&packets[0]);
        assert_eq!((original, data.len()), (length + 50, length as usize + 50), "{options}");
    }
    let out = wrap(&format!("{V6} --mtu 200"), &capture.bytes());
    assert_eq!(packet(&out.packets()[0]).2, 126 + 70);
}

/// An interface that strip has made becomes one that it could have been captured on.
#[test]
fn a_session_interface_becomes_the_one_that_it_came_from() {
    let text = "vpcmirror: vni=308308 source=10.0.1.15 on=\"web 1\"";
    let mut capture = Capture::new(Order::Big);
    capture
        .interface(
            Interface::new(1)
                .snaplen(200)
                .option(Opt::if_name("vni-308308@10.0.1.15"))
                .option(Opt::if_description(text))
                .option(Opt::tsresol(9)),
        )
        .interface(
            Interface::new(1)
                .snaplen(0)
                .option(Opt::if_name("vni-1@10.0.1.15"))
                .option(Opt::if_description("vpcmirror: vni=1 source=10.0.1.15")),
        )
        .interface(Interface::new(101).snaplen(7).option(Opt::if_description(text)));
    let blocks = wrap(V4, &capture.bytes()).blocks();
    let interfaces: Vec<_> = blocks
        .iter()
        .filter_map(|block| match block.content {
            Content::Interface { snaplen, .. } => Some((snaplen, block.options.list.clone())),
            _ => None,
        })
        .collect();
    let want = [
        (250, vec![(2, b"web 1".to_vec()), (9, vec![9])]),
        (0, vec![]),
        (7, vec![(3, text.into())]),
    ];
    assert_eq!(interfaces, want);
}

/// The target gets no check sequence. What stands before a fault in the options is kept.
#[test]
fn an_interface_loses_what_is_not_true_of_the_target() {
    let mut capture = Capture::new(Order::Little);
    let fcs = [13, 0, 1, 0, 4, 0, 0, 0];
    let bad = [2, 0, 200, 0];
    let head = [1, 0, 0, 0, 0, 0, 4, 0];
    capture
        .interface(Interface::new(1).option(Opt::fcslen(4)).option(Opt::if_name("eth0")))
        .block(1, &[&head[..], &fcs, &bad].concat());
    let blocks = wrap(V4, &capture.bytes()).blocks();
    assert_eq!(blocks[1].options.list, [(2, b"eth0".to_vec())]);
    assert_eq!(blocks[2].body.len(), 8);
}

/// Flags and hash described the frame at its source.
#[test]
fn a_packet_loses_what_is_not_true_at_the_target() {
    let mut capture = capture();
    let packet = Packet::new(0, 1, sent(4))
        .option(Opt::flags(2))
        .option(Opt::hash(2, &[1, 2, 3, 4]))
        .option(Opt::custom(19_372, 32_473, b"not to be copied"))
        .option(Opt::comment("vpcmirror: vni=7 source=10.0.1.15"))
        .option(Opt::comment("kept"));
    capture.packet(packet);
    let out = wrap(V4, &capture.bytes());
    assert_eq!(out.packets()[0].options.list, [(1, b"kept".to_vec())]);
    assert_eq!(out.counts.notes().into_iter().collect::<Vec<_>>(), [("no-copy-options", 1)]);
}

/// A packet of fewer bytes on the wire than were captured never was.
#[test]
fn an_original_length_below_the_captured_one_is_not_believed() {
    let mut capture = capture();
    capture.packet(Packet::new(0, 1, sent(4)).original(10));
    let out = strip("", &wrap(V4, &capture.bytes()).bytes);
    assert_eq!(packet(&out.packets()[0]).3, sent(4));
    assert_eq!(packet(&out.packets()[0]).2, 46);
}

#[test]
fn blocks_not_to_be_copied_are_left_behind() {
    let mut capture = capture();
    capture.custom(1, false, &[1]).custom(1, true, &[2]);
    let out = wrap(V4, &capture.bytes());
    assert_eq!(out.counts.notes().into_iter().collect::<Vec<_>>(), [("no-copy-blocks", 1)]);
    assert_eq!(out.blocks().len(), 3);
}

#[test]
fn numbers_that_were_never_declared_are_damage() {
    let mut capture = capture();
    capture.packet(Packet::new(1, 1, sent(4))).packet(Packet::new(0, 2, sent(4)));
    let out = wrap(V4, &capture.bytes());
    assert_eq!(out.counts.totals(), [1, 0, 1]);
    assert!(out.counts.is_damaged());
}

#[test]
fn a_broken_interface_is_not_written_and_those_behind_it_move_up() {
    let mut capture = Capture::new(Order::Little);
    capture
        .block(1, &[1, 0, 0, 0])
        .interface(Interface::new(1))
        .packet(Packet::new(1, 1, sent(4)))
        .packet_block(0, Packet::new(1, 2, sent(4)))
        .statistics(1, 3, &[])
        .statistics(0, 4, &[]);
    let out = wrap(V4, &capture.bytes());
    assert_eq!(out.counts.totals(), [2, 0, 0]);
    assert_eq!(out.counts.problems().len(), 2);
    let last = out.blocks().pop().unwrap();
    assert!(matches!(last.content, Content::Statistics { interface: 0, time: 3 }), "{last:?}");
}
