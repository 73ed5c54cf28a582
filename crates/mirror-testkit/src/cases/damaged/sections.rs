//! Headers of sections and interfaces that are broken, and what is left of those behind them.

use super::{Good, Named, eth0, mirror, set, web_frames};
use crate::capture::{Capture, Packet, SHB, Section};
use crate::order::Order;

pub(super) const CASES: [Named; 10] = [
    ("054-section-body-too-short", section_body_too_short),
    ("055-section-cut-in-magic", section_cut_in_magic),
    ("056-section-in-the-wrong-order", section_in_the_wrong_order),
    ("057-section-lengths-differ", || with_section(|header, at| set(header, at, 32))),
    ("058-section-length-under-12", || with_section(|header, _| set(header, 4, 4))),
    ("059-section-length-lies", section_length_lies),
    ("060-packets-without-interface", packets_without_interface),
    ("061-interface-lengths-differ", interface_lengths_differ),
    ("062-interface-first-length-wrong", interface_first_length_wrong),
    ("063-cut-in-interface", cut_in_interface),
];

/// A second section of four packets, its header spoilt; the function gets the place of
/// the second length as well.
fn with_section(spoil: fn(&mut [u8], usize)) -> Vec<u8> {
    let mut good = Good::start();
    let mut header = Capture::new(Order::Little).bytes();
    let at = header.len() - 4;
    spoil(&mut header, at);
    good.capture.raw(&header).interface(eth0());
    good.end(4)
}

fn section_body_too_short() -> Vec<u8> {
    let mut good = Good::start();
    good.capture.block(SHB, &[0x4D, 0x3C, 0x2B, 0x1A, 1, 0, 0, 0]).interface(eth0());
    good.packets(2);
    good.capture.section(Order::Little).interface(eth0());
    good.end(2)
}

fn section_cut_in_magic() -> Vec<u8> {
    let mut good = Good::start();
    good.capture.raw(&Capture::new(Order::Little).bytes()[..10]);
    good.end(0)
}

/// The header is big-endian throughout, what follows is not.
fn section_in_the_wrong_order() -> Vec<u8> {
    let mut good = Good::start();
    good.capture.raw(&Capture::new(Order::Big).bytes()).interface(eth0());
    good.end(4)
}

fn section_length_lies() -> Vec<u8> {
    let mut good = Good::start();
    let at = good.capture.offset();
    good.capture.section(Section::new(Order::Little).known_length()).interface(eth0());
    let mut bytes = good.end(4);
    bytes[at + 16..at + 24].copy_from_slice(&[0xFF, 0xFF, 0xFF, 0x7F, 0, 0, 0, 0]);
    bytes
}

fn packets_without_interface() -> Vec<u8> {
    let mut good = Good::start();
    let frame = mirror().frame(&web_frames(51_001)[0]);
    good.capture.section(Order::Little);
    good.capture.packet(Packet::new(0, 5, &frame)).simple_packet(&frame, frame.len() as u32);
    good.capture.statistics(0, 5, &[]);
    good.capture.interface(eth0());
    good.end(4)
}

/// The description of a second interface, to be spoilt.
fn interface() -> Vec<u8> {
    let mut alone = Capture::new(Order::Little);
    let start = alone.offset();
    alone.interface(eth0());
    alone.bytes()[start..].to_vec()
}

fn interface_lengths_differ() -> Vec<u8> {
    let mut block = interface();
    let at = block.len() - 4;
    set(&mut block, at, 12);
    with_interface(&block)
}

fn interface_first_length_wrong() -> Vec<u8> {
    let mut block = interface();
    set(&mut block, 4, 7);
    with_interface(&block)
}

/// A packet of it, and others of the first.
fn with_interface(block: &[u8]) -> Vec<u8> {
    let mut good = Good::start();
    good.capture.raw(block);
    let frame = mirror().frame(&web_frames(51_001)[0]);
    good.capture.packet(Packet::new(1, 5, &frame));
    good.end(4)
}

fn cut_in_interface() -> Vec<u8> {
    let mut good = Good::start();
    good.capture.raw(&interface()[..14]);
    good.end(0)
}
