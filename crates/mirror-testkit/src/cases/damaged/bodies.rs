//! Sound frames around bodies that are not: lengths, numbers and options that lie.

use super::{Good, Named, mirror, set, web_frames};
use crate::capture::{CUSTOM_COPY, DSB, IDB, ISB, Interface, NRB, PB, Packet, SPB, Section};
use crate::options::Opt;
use crate::order::Order;
use crate::packet::LINK_ETHERNET;

pub(super) const CASES: [Named; 18] = [
    ("036-packet-block-captured-length", packet_block_captured_length),
    ("037-packet-block-body-too-short", || with_block(PB, &[0; 12])),
    ("038-simple-packet-body-too-short", || with_block(SPB, &[])),
    ("039-simple-packet-beyond-block", || with_block(SPB, &[0, 1, 0, 0, 1, 2, 3, 4])),
    ("040-statistics-body-too-short", || with_block(ISB, &[0; 8])),
    ("041-captured-length-one-more", || with_captured(|length| length.next_multiple_of(4) + 1)),
    ("042-captured-length-rounds-to-zero", || with_captured(|_| 0xFFFF_FFFD)),
    ("043-original-below-captured", original_below_captured),
    ("044-largest-time", largest_time),
    ("045-resolution-out-of-range", resolution_out_of_range),
    ("046-options-of-wrong-length", options_of_wrong_length),
    ("047-options-without-end", options_without_end),
    ("048-interface-option-past-the-end", interface_option_past_the_end),
    ("049-section-option-past-the-end", section_option_past_the_end),
    ("050-secrets-past-the-end", || with_block(DSB, b"KLST\xFF\xFF\xFF\x7Fsecret..")),
    ("051-names-past-the-end", || {
        with_block(NRB, b"\x01\x00\xFF\xFF\x0A\x00\x01\x0Fweb.\x00\x00\x00\x00")
    }),
    ("052-custom-without-number", || with_block(CUSTOM_COPY, &[])),
    ("053-unknown-block", || with_block(0x7FFF_FFFE, b"whatever this is")),
];

/// A block between sound mirrored packets.
fn with_block(kind: u32, body: &[u8]) -> Vec<u8> {
    let mut good = Good::start();
    good.capture.block(kind, body);
    good.end(4)
}

fn packet_block_captured_length() -> Vec<u8> {
    let mut good = Good::start();
    for length in [0xFFFF_FF00, 2000] {
        let packet = good.packet().captured(length).original(length);
        good.capture.packet_block(0, packet);
    }
    good.end(4)
}

/// A packet that claims to have this many captured bytes.
fn with_captured(wrong: fn(u32) -> u32) -> Vec<u8> {
    let mut good = Good::start();
    let mut block = good.block();
    let length = u32::from_le_bytes([block[20], block[21], block[22], block[23]]);
    set(&mut block, 20, wrong(length));
    good.capture.raw(&block);
    good.end(4)
}

fn original_below_captured() -> Vec<u8> {
    let mut good = Good::start();
    for original in [0, 40] {
        let packet = good.packet().original(original);
        good.capture.packet(packet);
    }
    good.end(4)
}

fn largest_time() -> Vec<u8> {
    let mut good = Good::start();
    for time in [u64::MAX, 0] {
        let frame = &web_frames(51_001)[0];
        good.capture.packet(Packet::new(0, time, mirror().frame(frame)));
    }
    good.end(4)
}

fn resolution_out_of_range() -> Vec<u8> {
    let mut good = Good::start();
    let frame = mirror().frame(&web_frames(51_001)[0]);
    // 10^-127, and 2^-127.
    for (number, resolution) in [(1, 0x7F), (2, 0xFF)] {
        good.capture.interface(Interface::new(LINK_ETHERNET).option(Opt::tsresol(resolution)));
        good.capture.packet(Packet::new(number, 5, &frame));
    }
    good.end(4)
}

fn options_of_wrong_length() -> Vec<u8> {
    let mut good = Good::start();
    let two = Opt::new(9, [9, 9]);
    let offset = Opt::new(14, [1, 2, 3]);
    good.capture.interface(Interface::new(LINK_ETHERNET).option(two).option(offset));
    let frame = mirror().frame(&web_frames(51_001)[0]);
    let flags = Opt::new(2, [1, 0, 0]);
    good.capture.packet(Packet::new(1, 5, &frame).option(flags).option(Opt::new(3, [])));
    good.end(4)
}

fn options_without_end() -> Vec<u8> {
    let mut good = Good::start();
    let packet = good.packet().option(Opt::comment("no end of options")).without_end();
    good.capture.packet(packet);
    good.end(4)
}

fn interface_option_past_the_end() -> Vec<u8> {
    let mut good = Good::start();
    //                                   link, snaplen      if_name, 65535 bytes
    good.capture.block(IDB, b"\x01\x00\x00\x00\x00\x00\x04\x00\x02\x00\xFF\xFFeth1");
    let frame = mirror().frame(&web_frames(51_001)[0]);
    good.capture.packet(Packet::new(1, 5, &frame));
    good.end(4)
}

fn section_option_past_the_end() -> Vec<u8> {
    let mut good = Good::start();
    let at = good.capture.offset();
    good.capture.section(Section::new(Order::Little).option(Opt::comment("four")));
    good.capture.interface(super::eth0());
    let mut bytes = good.end(4);
    // Behind type, length, magic, version and the section's length: the comment's length.
    bytes[at + 26..at + 28].copy_from_slice(&[0xFF, 0xFF]);
    bytes
}
