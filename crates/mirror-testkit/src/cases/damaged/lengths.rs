//! The two lengths around a block, wrong in every way, and bytes where no block is.

use super::{
    Good, LINK_ETHERNET, NEW_YEAR, Named, mirror, set, ssh_at_the_target, web_frames, with_length,
};
use crate::{
    capture::{Capture, Interface, Packet},
    order::Order,
};

pub(super) const CASES: [Named; 19] = [
    ("019-length-zero", || with_length(0)),
    ("020-first-length-too-small", || with_first_length(|_| 8)),
    ("021-first-length-four-more", || with_first_length(|length| length + 4)),
    ("022-first-length-four-less", || with_first_length(|length| length - 4)),
    ("023-first-length-huge", || with_first_length(|_| 0xFFFF_FFF0)),
    ("024-first-length-in-other-order", || with_first_length(u32::swap_bytes)),
    ("025-first-length-past-the-end", || with_first_length(|_| 0x0010_0000)),
    ("026-second-length-zero", || with_second_length(0)),
    ("027-second-length-huge", || with_second_length(0xFFFF_FFFF)),
    ("028-both-lengths-in-other-order", both_lengths_in_other_order),
    ("029-cut-behind-length", || cut(|_| 8)),
    ("030-cut-in-second-length", || cut(|length| length - 2)),
    ("031-cut-where-a-block-ends", || cut(|length| length - 4)),
    ("032-zeros-between-blocks", || between(&[0; 8])),
    ("033-text-between-blocks", || between(b"-- 8< --")),
    ("034-byte-missing", byte_missing),
    ("035-byte-inserted", byte_inserted),
    ("072-zeros-over-three-blocks", zeros_over_three_blocks),
    ("073-blocks-in-a-packet-without-head", blocks_in_a_packet_without_head),
];

/// A block whose first length is wrong, and sound ones behind it.
fn with_first_length(wrong: fn(u32) -> u32) -> Vec<u8> {
    let mut good = Good::start();
    let mut block = good.block();
    let length = wrong(block.len() as u32);
    set(&mut block, 4, length);
    good.capture.raw(&block);
    good.end(4)
}

fn with_second_length(length: u32) -> Vec<u8> {
    let mut good = Good::start();
    let mut block = good.block();
    let at = block.len() - 4;
    set(&mut block, at, length);
    good.capture.raw(&block);
    good.end(4)
}

fn both_lengths_in_other_order() -> Vec<u8> {
    let length = {
        let mut good = Good::start();
        good.block().len() as u32
    };
    with_length(length.swap_bytes())
}

/// A last block of which only so much is there.
fn cut(left: fn(usize) -> usize) -> Vec<u8> {
    let mut good = Good::start();
    let block = good.block();
    good.capture.raw(&block[..left(block.len())]);
    good.end(0)
}

fn between(bytes: &[u8]) -> Vec<u8> {
    let mut good = Good::start();
    good.capture.raw(bytes);
    good.end(4)
}

fn byte_missing() -> Vec<u8> {
    let mut good = Good::start();
    let mut block = good.block();
    block.remove(60);
    good.capture.raw(&block);
    good.end(4)
}

fn byte_inserted() -> Vec<u8> {
    let mut good = Good::start();
    let mut block = good.block();
    block.insert(60, 0xAA);
    good.capture.raw(&block);
    good.end(4)
}

fn zeros_over_three_blocks() -> Vec<u8> {
    let mut good = Good::start();
    let mut blocks = [good.block(), good.block(), good.block()].concat();
    let end = blocks.len() - 50;
    blocks[100..end].fill(0);
    good.capture.raw(&blocks);
    good.end(2)
}

/// Somebody transfers a capture, and a packet of that loses its head.
fn blocks_in_a_packet_without_head() -> Vec<u8> {
    let mut inside = Capture::new(Order::Little);
    inside.interface(Interface::new(LINK_ETHERNET));
    for time in 0..4 {
        inside.packet(Packet::new(0, NEW_YEAR + time, ssh_at_the_target()));
    }
    let mut good = Good::start();
    let frame = mirror().frame(&[&web_frames(51_000)[0][..], &inside.bytes()].concat());
    let mut alone = Capture::new(Order::Little);
    let start = alone.offset();
    alone.packet(Packet::new(0, good.clock.tick(), frame));
    let mut block = alone.bytes()[start..].to_vec();
    block[..64].fill(0);
    good.capture.raw(&block);
    good.end(4)
}
