use std::io::Read;

use mirror_testkit::Order;

use super::*;
use crate::story::{ethernet, framed, packet, story};

const ORDER: ByteOrder = ByteOrder::Little;

/// These words, as blocks have them.
fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A capture whose third block has a first length that no block has, with this behind its kind
/// and length; then one packet.
fn broken(behind: &[u8]) -> Vec<String> {
    let mut capture = ethernet(Order::Little);
    capture.raw(&words(&[6, 8])).raw(behind).packet(packet(0));
    story(&capture.bytes())[2..].to_vec()
}

/// A block ends where its second length says, if one begins there; not where any word says so.
#[test]
fn a_second_length_counts_only_with_a_whole_block_behind_it() {
    let packet = "80: Enhanced on 0 at Some(7), 4 of 4 bytes, 0 of options".to_owned();
    let lost = "byte 48: block length is 8 before the body but 32 after it [packet]".to_owned();
    // What looks like a second length after 16 bytes: with nothing, with a head alone, and with a
    // block whose lengths differ behind it.
    for inside in [[0, 0, 0], [6, 32, 0], [5, 12, 16]] {
        let body = [&[0, 16][..], &inside, &[32]].concat();
        assert_eq!(broken(&words(&body)), [lost.clone(), packet.clone()], "{inside:?}");
    }
    // Nor has the true one to be where the block before it ends.
    let passed = "byte 48: block length is 8, expected a multiple of 4 and at least 12; passed \
                  over up to byte 80";
    assert_eq!(broken(&words(&[0, 16, 0, 0, 0, 31])), [passed.to_owned(), packet]);
}

/// Every broken place costs a look at what is behind it, but none is looked at again for the next.
#[test]
fn nothing_is_looked_at_more_than_three_times() {
    // Three sound blocks, a broken one, and so on, in every size of it.
    for broken in [12_usize, 100, 3000, 200_000] {
        let mut capture = ethernet(Order::Little);
        let mut sound = 2;
        while capture.offset() < 3 << 20 {
            capture.packet(packet(0)).packet(packet(0)).packet(packet(0));
            sound += 3;
            capture.raw(&framed(Order::Little, 6, 7, &vec![0xEE; broken], 9));
        }
        let bytes = capture.bytes();
        let mut reader = crate::Reader::open(&bytes[..]).unwrap();
        let mut blocks = 0;
        while let Some(event) = reader.next() {
            blocks += usize::from(matches!(event, crate::Event::Block(_)));
        }
        assert_eq!(blocks, sound, "{broken}");
        let looked_at = reader.looked_at();
        assert!(looked_at <= 3 * bytes.len() as u64, "{looked_at} of {}", bytes.len());
    }
}

/// Zeros by the gigabyte are what a hole in a file reads as.
#[test]
fn zeros_are_passed_over_unseen_and_the_block_behind_them_is_found_in_either_order() {
    for order in [Order::Little, Order::Big] {
        for zeros in [4095, 4096, 4097, 8190, 1 << 20, (20 << 20) + 1] {
            let mut capture = ethernet(order);
            capture.raw(&vec![0; zeros]).packet(packet(0));
            let bytes = capture.bytes();
            let mut reader = crate::Reader::open(&bytes[..]).unwrap();
            let mut last = None;
            while let Some(event) = reader.next() {
                last = match event {
                    crate::Event::Block(block) => Some(block.offset),
                    crate::Event::Damage(damage) => damage.passed_to,
                };
            }
            assert_eq!(last, Some(48 + zeros as u64));
            assert!(reader.looked_at() < 1 << 20);
        }
    }
}

#[test]
fn a_block_begins_with_a_kind_that_is_usual_and_a_length_that_can_be() {
    let section = kind::SECTION;
    for (words, begins) in [
        (&[][..], true),
        (&[6], true),
        (&[6, 32], true),
        (&[1, 12], true),
        (&[6, MAX_BLOCK_LEN], true),
        (&[6, 8], false),
        (&[6, 33], false),
        (&[6, MAX_BLOCK_LEN + 4], false),
        (&[0, 32], false),
        (&[11, 32], false),
        (&[11], false),
        (&[kind::CUSTOM_NO_COPY, 32], true),
        (&[section], true),
        // Only its magic tells in which order its length is.
        (&[section, 0x1c00_0000], true),
        (&[section, 28, 0x1a2b_3c4d], true),
        (&[section, 28, 0x4d3c_2b1a], true),
        (&[section, 28, 0x1a2b_3c4e], false),
    ] {
        let bytes = [&[0; 16][..], &self::words(words)].concat();
        let found = begins_block(&mut Window::new(&bytes[..]), ORDER, 16);
        assert_eq!(found, begins, "{words:x?}");
    }
}

/// Somebody may be waiting for what is in the window already.
#[test]
fn no_more_is_read_than_is_looked_at() {
    struct Live<'b>(&'b [u8]);
    impl Read for Live<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.0.is_empty() {
                return Err(std::io::Error::other("this would wait"));
            }
            self.0.read(buffer)
        }
    }
    let bytes = [&[0; 16][..], &words(&[6, 32, 0])].concat();
    let mut window = Window::new(Live(&bytes));
    assert!(begins_block(&mut window, ORDER, 16));
    assert!(window.take_error().is_none());
}
