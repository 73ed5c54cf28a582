use std::io::{self, Cursor, Read};

use mirror_testkit::{Capture, Interface, Order, Packet};

use super::*;
use crate::story::{Failing, ethernet, framed, packet, story, tell};

const BOTH: [Order; 2] = [Order::Little, Order::Big];

#[test]
fn lengths_that_differ_are_one_lost_block() {
    for order in BOTH {
        let mut capture = ethernet(order);
        capture.raw(&framed(order, 6, 32, &[0; 20], 28));
        capture.raw(&framed(order, 4, 16, &[0; 4], 0));
        capture.packet(packet(0));
        assert_eq!(
            story(&capture.bytes())[2..],
            [
                "byte 48: block length is 32 before the body but 28 after it [packet]",
                "byte 80: block length is 16 before the body but 0 after it",
                "96: Enhanced on 0 at Some(7), 4 of 4 bytes, 0 of options",
            ]
        );
    }
}

#[test]
fn behind_a_length_that_no_block_can_have_the_next_block_is_found() {
    for order in BOTH {
        for length in (0..12).chain([13, 14, 15, 0x7FFF_FFFF, u32::MAX]) {
            let mut capture = ethernet(order);
            capture.raw(&framed(order, 6, length, &[0; 24], length)).packet(packet(0));
            let message = format!(
                "byte 48: block length is {length}, expected a multiple of 4 and at least 12; \
                 passed over up to byte 84"
            );
            let packet = "84: Enhanced on 0 at Some(7), 4 of 4 bytes, 0 of options";
            assert_eq!(story(&capture.bytes())[2..], [&message, packet]);
        }
    }
}

/// The bytes of the long block are never in memory together, so it is only
/// described here, not made.
fn with_long_block(capture: &Capture, kind: u32, length: u32, behind: &[u8]) -> impl Read {
    let head = [&capture.bytes()[..], &kind.to_le_bytes(), &length.to_le_bytes()].concat();
    let body = io::repeat(0).take(u64::from(length) - 12);
    Cursor::new(head).chain(body).chain(Cursor::new([&length.to_le_bytes()[..], behind].concat()))
}

#[test]
fn a_block_too_long_to_hold_is_skipped() {
    let capture = ethernet(Order::Little);
    let behind = ethernet(Order::Little).packet(packet(0)).bytes()[48..].to_vec();
    let length = MAX_BLOCK_LEN + 4;
    let lines = tell(with_long_block(&capture, 6, length, &behind)).unwrap();
    assert_eq!(
        lines[2..],
        [
            "byte 48: block length is 134479876, more than the 134479872 that are read [packet]"
                .to_owned(),
            format!("{}: Enhanced on 0 at Some(7), 4 of 4 bytes, 0 of options", 48 + length),
        ]
    );
}

#[test]
fn a_capture_that_ends_in_a_block_too_long_to_hold_says_how_long_and_how_much_there_was() {
    let mut capture = ethernet(Order::Little);
    capture.raw(&framed(Order::Little, 6, 0xFFFF_FFF0, &[0; 300_000], 0));
    assert_eq!(
        story(&capture.bytes())[2..],
        ["byte 48: the capture ends 300012 bytes into a block or record of 4294967280 [fatal]"]
    );
}

#[test]
fn a_description_too_long_to_hold_keeps_its_number() {
    let behind = ethernet(Order::Little).packet(packet(2)).packet(packet(1)).bytes()[28..].to_vec();
    let capture = ethernet(Order::Little);
    let lines = tell(with_long_block(&capture, 1, MAX_BLOCK_LEN + 4, &behind)).unwrap();
    assert!(lines[3].contains("interface 2"), "{lines:?}");
    assert!(lines[4].contains("Enhanced on 2"), "{lines:?}");
    assert!(lines[5].contains("names interface 1, whose description is broken"), "{lines:?}");
}

/// Whose they are, nobody knows.
#[test]
fn behind_a_second_section_without_a_magic_blocks_are_found_and_lost() {
    let mut capture = ethernet(Order::Little);
    capture.raw(&[0x0A, 0x0D, 0x0D, 0x0A, 28, 0, 0, 0, 0x4D, 0x3C, 0x2B, 0x1B]).raw(&[0; 16]);
    let begin = "byte 48: section header has 4d 3c 2b 1b for a byte-order magic, expected 1a 2b 3c \
                 4d or its reverse";
    assert_eq!(story(&capture.bytes())[2..], [format!("{begin} [fatal]")]);
    capture.packet(packet(0)).section(Order::Big);
    assert_eq!(
        story(&capture.bytes())[2..],
        [
            &format!("{begin}; passed over up to byte 76"),
            "byte 76: belongs to a section whose header is broken [packet]",
            "112: section Big (1, 0)",
        ]
    );
}

/// What a writer's crash leaves behind: every whole block, and where it ends.
#[test]
fn every_shorter_prefix_gives_the_whole_blocks_and_then_says_where_it_ends() {
    let mut capture = ethernet(Order::Little);
    capture.packet(packet(0)).section(Order::Big).interface(Interface::new(1)).packet(packet(0));
    let bytes = capture.bytes();
    let whole = story(&bytes);
    let ends = [28, 48, 84, 112, 132, 168];
    assert_eq!(bytes.len(), 168);
    for n in 28..bytes.len() {
        let got = story(&bytes[..n]);
        let blocks = ends.iter().filter(|end| **end <= n).count();
        assert_eq!(got[..blocks], whole[..blocks], "{n}");
        let begin = ends[blocks - 1];
        if n == begin {
            assert_eq!(got.len(), blocks, "{n}");
            continue;
        }
        let left = n - begin;
        // Before the length can be read, the least a block needs stands for it.
        let needs = match (begin, left) {
            (_, ..8) => 12,
            (84, ..12) => 28,
            _ => ends[blocks] - begin,
        };
        let s = if left == 1 { "" } else { "s" };
        let want = format!(
            "byte {begin}: the capture ends {left} byte{s} into a block or record of {needs} [fatal]"
        );
        assert_eq!(got[blocks..], [want], "{n}");
    }
}

#[test]
fn a_failing_read_is_damage_where_it_happens() {
    let mut capture = ethernet(Order::Little);
    for tail in [
        &[][..],
        &[6, 0, 0, 0],
        &[6, 0, 0, 0, 36, 0, 0, 0, 0],
        &[0x0A, 0x0D, 0x0D, 0x0A, 1, 2, 3, 4],
    ] {
        capture.raw(tail);
        let begin = 48;
        let lines = tell(Failing(&capture.bytes())).unwrap();
        assert_eq!(
            lines[2..],
            [format!("byte {begin}: reading failed: the disk is on fire [fatal]")]
        );
        capture = ethernet(Order::Little);
    }
    let long = framed(Order::Little, 6, u32::MAX - 3, &[], 0);
    let lines = tell(Failing(ethernet(Order::Little).raw(&long).bytes().as_slice())).unwrap();
    assert_eq!(
        lines[2..],
        [
            "byte 48: block length is 4294967292, more than the 134479872 that are read; passed \
             over up to byte 60",
            "byte 60: reading failed: the disk is on fire [fatal]"
        ]
    );
}

#[test]
fn what_cannot_be_opened_says_why() {
    let section = Capture::new(Order::Little).bytes();
    let mut bad_length = section.clone();
    bad_length[4] = 27;
    let mut bad_tail = section.clone();
    bad_tail[24] = 29;
    let short = framed(Order::Little, 0x0A0D_0D0A, 16, &section[8..12], 16);
    let cases = [
        (vec![], "empty, not a capture"),
        (
            b"#!/bin/sh\n".to_vec(),
            "not a capture: begins with 23 21 2f 62 69 6e 2f 73, expected pcapng (0a 0d 0d 0a) or \
             pcap (d4 c3 b2 a1 and the like)",
        ),
        (
            vec![0x0A, 0x0D, 0x0D],
            "not a capture: begins with 0a 0d 0d, expected pcapng (0a 0d 0d 0a) or pcap (d4 c3 b2 \
             a1 and the like)",
        ),
        (section[..4].to_vec(), "ends after 4 bytes, before its first header is whole"),
        (section[..27].to_vec(), "ends after 27 bytes, before its first header is whole"),
        (bad_length, "first block: block length is 27, expected a multiple of 4 and at least 12"),
        (bad_tail, "first block: block length is 28 before the body but 29 after it"),
        (short, "first block: section header block has a body of 4 bytes, expected at least 16"),
    ];
    for (bytes, message) in cases {
        assert_eq!(tell(&bytes[..]).unwrap_err().to_string(), message);
    }
    for n in [0, 4, 20] {
        let error = tell(Failing(&section[..n])).unwrap_err();
        assert_eq!(error.to_string(), "cannot be read");
        let source = std::error::Error::source(&error).unwrap();
        assert_eq!(source.to_string(), "the disk is on fire");
    }
}

/// Gives one piece a read, as a pipe does whose writer flushes.
struct Pieces(Vec<Vec<u8>>);

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(piece) = self.0.first_mut() else { return Ok(0) };
        let n = piece.len().min(buffer.len());
        buffer[..n].copy_from_slice(&piece[..n]);
        piece.drain(..n);
        if piece.is_empty() {
            self.0.remove(0);
        }
        Ok(n)
    }
}

/// After each event, whether the next has to be waited for.
fn waits(pieces: Vec<Vec<u8>>) -> Vec<bool> {
    let mut reader = Reader::open(Pieces(pieces)).unwrap();
    let mut waits = Vec::new();
    while reader.next().is_some() {
        waits.push(reader.must_wait());
    }
    assert!(!reader.must_wait(), "there is nothing to wait for behind the end");
    waits
}

#[test]
fn a_live_capture_must_wait_exactly_where_no_whole_block_is_left() {
    let mut first = ethernet(Order::Little);
    first.packet(packet(0)).packet(packet(0));
    let whole = first.bytes();
    let more = ethernet(Order::Little).packet(packet(0)).bytes()[48..].to_vec();
    // Four blocks in one piece, then one.
    assert_eq!(waits(vec![whole.clone(), more.clone()]), [false, false, false, true, true]);
    // The second packet comes in two pieces, cut anywhere.
    for n in 85..120 {
        let pieces = vec![whole[..n].to_vec(), [&whole[n..], &more].concat()];
        assert_eq!(waits(pieces), [false, false, true, false, true], "{n}");
    }
}

#[test]
fn the_length_of_a_section_header_is_waited_for_in_its_own_byte_order() {
    let little = ethernet(Order::Little).bytes();
    let big = ethernet(Order::Big).bytes();
    assert_eq!(waits(vec![[&little[..], &big].concat()]), [false, false, false, true]);
    assert_eq!(waits(vec![[&big[..], &little].concat()]), [false, false, false, true]);
    for n in 1..28 {
        let pieces = vec![[&little[..], &big[..n]].concat(), big[n..].to_vec()];
        assert_eq!(waits(pieces), [false, true, false, true], "{n}");
    }
    // No byte-order magic: what comes next is damage, and what is behind it is waited for.
    let broken = [&little[..], &[0x0A, 0x0D, 0x0D, 0x0A, 0, 0, 0, 99, 1, 2, 3, 4]].concat();
    assert_eq!(waits(vec![broken]), [false, true, false]);
}

/// Its last bytes fill the buffer to the brim, so nothing shows that there are no more.
#[test]
fn a_live_capture_must_wait_behind_a_block_larger_than_the_buffer() {
    for len in [(256 << 10) - 32, 300_000, (512 << 10) - 32, 5 << 20] {
        let mut capture = ethernet(Order::Little);
        let head = capture.bytes();
        capture.packet(Packet::new(0, 0, vec![1; len]));
        let large = capture.bytes()[48..].to_vec();
        let more = ethernet(Order::Little).packet(packet(0)).bytes()[48..].to_vec();
        assert_eq!(waits(vec![head, large, more]), [false, true, true, true], "{len}");
    }
}

#[test]
fn the_longest_block_that_is_read_is_read() {
    let capture = ethernet(Order::Little);
    let behind = ethernet(Order::Little).packet(packet(0)).bytes()[48..].to_vec();
    let lines = tell(with_long_block(&capture, 4, MAX_BLOCK_LEN, &behind)).unwrap();
    let next = 48 + MAX_BLOCK_LEN;
    assert_eq!(
        lines[2..],
        [
            "48: block 0x4".to_owned(),
            format!("{next}: Enhanced on 0 at Some(7), 4 of 4 bytes, 0 of options"),
        ]
    );
}

/// It may be cut, and what is in it may look like blocks; what lies behind its data is no
/// packet's.
#[test]
fn a_packet_whose_head_is_sound_is_believed_where_the_capture_ends() {
    for order in BOTH {
        for length in [36, 76, 1 << 20, MAX_BLOCK_LEN] {
            let of = |captured: u32| {
                let mut capture = ethernet(order);
                let fields = [0, 0, 7, captured, captured].map(|word| order.u32(word)).concat();
                capture.raw(&framed(order, 6, length, &fields, 32)).packet(packet(0));
                let bytes = capture.bytes();
                // The first length is for more than there is.
                let end = bytes.len().min(48 + length as usize - 1);
                story(&bytes[..end])[2].clone()
            };
            let cut = |left: u32| {
                format!(
                    "byte 48: the capture ends {left} bytes into a block or record of {length} [fatal]"
                )
            };
            assert_eq!(of(length - 32), cut(68.min(length - 1)));
            let found = if length < 68 {
                cut(length - 1)
            } else {
                format!(
                    "byte 48: block length is {length} before the body but 32 after it [packet]"
                )
            };
            assert_eq!(of(0), found);
        }
    }
}
