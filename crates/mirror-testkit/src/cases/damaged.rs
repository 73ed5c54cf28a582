//! Cases of files that broke, each in one way.
//!
//! Before the damage are sound mirrored packets; behind it too, wherever a reader
//! can find them again.

mod bodies;
mod classic;
mod lengths;
mod sections;

use super::Case;
use super::lab::{Clock, NEW_YEAR, eth0, mirror, ssh_at_the_target, web_frames};
use crate::capture::{Capture, EPB, IDB, Packet, Section};
use crate::options::Opt;
use crate::order::Order;
use crate::packet::LINK_ETHERNET;
use crate::pcap::{Fraction, Pcap};

/// A case's name, and what makes its capture.
type Named = (&'static str, fn() -> Vec<u8>);

pub(super) fn cases() -> Vec<Case> {
    let pcapng: [Named; 16] = [
        ("001-cut-in-block-header", cut_in_block_header),
        ("002-cut-in-packet", cut_in_packet),
        ("003-trailer-mismatch", trailer_mismatch),
        ("004-length-not-multiple-of-four", length_not_multiple_of_four),
        ("005-length-under-12", length_under_12),
        ("006-length-huge", length_huge),
        ("007-captured-length-beyond-block", captured_length_beyond_block),
        ("008-undeclared-interface", undeclared_interface),
        ("009-packet-body-too-short", packet_body_too_short),
        ("010-bad-option-list", bad_option_list),
        ("011-zero-tail", zero_tail),
        ("012-bad-magic-in-second-section", bad_magic_in_second_section),
        ("015-interface-body-too-short", interface_body_too_short),
        ("016-unknown-version-section", unknown_version_section),
        ("017-not-utf8-comment", not_utf8_comment),
        ("018-trailing-garbage", trailing_garbage),
    ];
    let pcap: [Named; 2] =
        [("013-pcap-record-too-long", pcap_record_too_long), ("014-pcap-cut", pcap_cut)];
    let pcapng = pcapng.into_iter().chain(lengths::CASES).chain(bodies::CASES);
    let pcapng = pcapng.chain(sections::CASES);
    let pcap = pcap.into_iter().chain(classic::CASES);
    let pcapng = pcapng.map(|(name, make)| Case::pcapng(name, make()).damaged());
    let pcap = pcap.map(|(name, make)| Case::pcap(name, make()).damaged());
    pcapng.chain(pcap).collect()
}

/// A capture that goes well until something happens to it.
struct Good {
    capture: Capture,
    clock: Clock,
    frames: std::vec::IntoIter<Vec<u8>>,
}

impl Good {
    fn new() -> Good {
        let mut capture = Capture::new(Order::Little);
        capture.interface(eth0());
        Good { capture, clock: Clock::new(), frames: web_frames(51_000).into_iter() }
    }

    /// A new capture with three mirrored packets.
    fn start() -> Good {
        let mut good = Good::new();
        good.packets(3);
        good
    }

    /// The next sound mirrored packet.
    fn packet(&mut self) -> Packet {
        let frame = self.frames.next().expect("no case takes more frames than there are");
        Packet::new(0, self.clock.tick(), mirror().frame(&frame))
    }

    fn packets(&mut self, count: usize) {
        for _ in 0..count {
            let packet = self.packet();
            self.capture.packet(packet);
        }
    }

    /// The bytes of the next packet as a block of its own, to be spoilt.
    fn block(&mut self) -> Vec<u8> {
        let packet = self.packet();
        let mut alone = Capture::new(Order::Little);
        let start = alone.offset();
        alone.packet(packet);
        alone.bytes()[start..].to_vec()
    }

    /// The whole capture: `count` more packets behind what was done.
    fn end(mut self, count: usize) -> Vec<u8> {
        self.packets(count);
        self.capture.bytes()
    }
}

/// Put a little-endian number into a block.
fn set(block: &mut [u8], at: usize, value: u32) {
    block[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

fn cut_in_block_header() -> Vec<u8> {
    let mut good = Good::start();
    let block = good.block();
    good.capture.raw(&block[..6]);
    good.end(0)
}

fn cut_in_packet() -> Vec<u8> {
    let mut good = Good::start();
    let block = good.block();
    good.capture.raw(&block[..block.len() - 30]);
    good.end(0)
}

fn trailer_mismatch() -> Vec<u8> {
    let mut good = Good::start();
    let mut block = good.block();
    let (at, length) = (block.len() - 4, block.len() as u32);
    set(&mut block, at, length - 4);
    good.capture.raw(&block);
    good.end(4)
}

/// A block whose two lengths are both `length`, and sound ones behind it.
fn with_length(length: u32) -> Vec<u8> {
    let mut good = Good::start();
    let mut block = good.block();
    let at = block.len() - 4;
    set(&mut block, 4, length);
    set(&mut block, at, length);
    good.capture.raw(&block);
    good.end(4)
}

fn length_not_multiple_of_four() -> Vec<u8> {
    with_length(150)
}

fn length_under_12() -> Vec<u8> {
    with_length(8)
}

fn length_huge() -> Vec<u8> {
    with_length(0xFFFF_FFF0)
}

fn captured_length_beyond_block() -> Vec<u8> {
    let mut good = Good::start();
    for length in [0xFFFF_FF00, 0xFFFF_FFFF, 2000] {
        let packet = good.packet().captured(length).original(length);
        good.capture.packet(packet);
    }
    good.end(4)
}

fn undeclared_interface() -> Vec<u8> {
    let mut good = Good::start();
    let frame = mirror().frame(&web_frames(51_001)[0]);
    for interface in [1, 0xFFFF_FFFF] {
        good.capture.packet(Packet::new(interface, good.clock.tick(), &frame));
    }
    good.capture.packet_block(0, Packet::new(7, good.clock.tick(), &frame));
    good.capture.statistics(3, good.clock.tick(), &[Opt::ifrecv(5)]);
    good.end(4)
}

fn packet_body_too_short() -> Vec<u8> {
    let mut good = Good::start();
    good.capture.block(EPB, &[0; 16]);
    good.capture.block(EPB, &[]);
    good.end(4)
}

fn bad_option_list() -> Vec<u8> {
    let mut good = Good::start();
    // The comment claims 200 bytes and has eight.
    let mut block = good.block();
    let at = block.len() - 4;
    //                                       code  length  text
    block.splice(at..at, *b"\x01\x00\xC8\x00too long");
    let length = block.len() as u32;
    set(&mut block, 4, length);
    set(&mut block, length as usize - 4, length);
    good.capture.raw(&block);
    // A good option, and half of the next one's header.
    let mut block = good.block();
    let at = block.len() - 4;
    let list = [&[1, 0, 4, 0][..], b"good", &[2, 0, 8, 0]].concat();
    block.splice(at..at, list);
    let length = block.len() as u32;
    set(&mut block, 4, length);
    set(&mut block, length as usize - 4, length);
    good.capture.raw(&block);
    good.end(4)
}

fn zero_tail() -> Vec<u8> {
    let mut good = Good::start();
    good.packets(3);
    good.capture.raw(&[0; 512]);
    good.end(0)
}

fn bad_magic_in_second_section() -> Vec<u8> {
    let mut good = Good::start();
    let mut second = Capture::new(Section::new(Order::Little));
    second.interface(eth0());
    let packet = good.packet();
    second.packet(packet);
    let mut bytes = second.bytes();
    bytes[8..12].copy_from_slice(&[0x1A, 0x2B, 0x3C, 0x4E]);
    good.capture.raw(&bytes);
    // A third section, sound again.
    good.capture.section(Order::Little);
    good.capture.interface(eth0());
    good.end(3)
}

fn interface_body_too_short() -> Vec<u8> {
    let mut good = Good::start();
    good.capture.block(IDB, &[1, 0, 0, 0]);
    good.end(4)
}

fn unknown_version_section() -> Vec<u8> {
    let mut good = Good::start();
    good.capture.section(Section::new(Order::Little).version(2, 0));
    good.capture.interface(eth0());
    good.packets(2);
    good.capture.section(Order::Little);
    good.capture.interface(eth0());
    good.end(3)
}

fn not_utf8_comment() -> Vec<u8> {
    let mut good = Good::start();
    let comments = [
        Opt::new(1, b"caf\xE9 in Latin-1"),
        Opt::new(1, b"C text\0"),
        Opt::new(1, b"vpcmirror: vni=1\xFF source=10.0.1.15"),
    ];
    let packet = good.packet();
    good.capture.packet(comments.into_iter().fold(packet, Packet::option));
    let escape = Opt::comment("\u{1b}]0;title\u{7} and \u{202e}reversed");
    let packet = Packet::new(0, good.clock.tick(), ssh_at_the_target()).option(escape);
    good.capture.packet(packet);
    good.end(4)
}

fn trailing_garbage() -> Vec<u8> {
    let mut good = Good::start();
    good.packets(3);
    good.capture.raw(b"<html><body>502 Bad Gateway</body></html>\n");
    good.end(0)
}

/// A classic capture with three mirrored packets.
fn pcap_start() -> Pcap {
    let mut capture = Pcap::new(Order::Little, Fraction::Nano, LINK_ETHERNET.into());
    for (number, frame) in web_frames(51_000)[..3].iter().enumerate() {
        let packet = mirror().frame(frame);
        capture.record(NEW_YEAR as u32, number as u32 * 137_911, &packet, packet.len() as u32);
    }
    capture
}

fn pcap_record_too_long() -> Vec<u8> {
    let mut capture = pcap_start();
    let packet = mirror().frame(&web_frames(51_000)[3]);
    capture.header(NEW_YEAR as u32, 600_000, 0x7FFF_FFFF, packet.len() as u32).raw(&packet);
    capture.record(NEW_YEAR as u32, 700_000, &packet, packet.len() as u32).bytes()
}

fn pcap_cut() -> Vec<u8> {
    let mut capture = pcap_start();
    let packet = mirror().frame(&web_frames(51_000)[3]);
    let length = packet.len() as u32;
    capture.header(NEW_YEAR as u32, 600_000, length, length).raw(&packet[..40]).bytes()
}
