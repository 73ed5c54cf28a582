use mirror_testkit::{
    Capture, Interface as Described, Opt, Order, Packet as Made, Section as Header,
};

use super::*;
use crate::{Event, Reader, story::story};

const BOTH: [Order; 2] = [Order::Little, Order::Big];

/// Do something with the block number `at` of a capture, counted from 0.
fn with_block<T>(bytes: &[u8], at: usize, what: impl FnOnce(&Block<'_>) -> T) -> T {
    let mut reader = Reader::open(bytes).unwrap();
    for _ in 0..at {
        reader.next().unwrap();
    }
    match reader.next() {
        Some(Event::Block(block)) => what(&block),
        other => panic!("{other:?}"),
    }
}

/// What a copy of the block puts behind the `x` that was there before, and the
/// positions in it that differ from the block's own bytes.
fn copied(block: &Block<'_>, copy: impl FnOnce(&mut Vec<u8>)) -> (Vec<u8>, Vec<usize>) {
    let mut out = b"x".to_vec();
    copy(&mut out);
    assert_eq!(out.remove(0), b'x');
    let own = block.bytes.unwrap();
    assert_eq!(out.len(), own.len());
    let changed = (0..own.len()).filter(|i| out[*i] != own[*i]).collect();
    (out, changed)
}

/// What an interface described with these options says of itself: its clock and
/// the length of the frame check sequence.
fn described(order: Order, options: &[Opt]) -> (Clock, u8) {
    let mut described = Described::new(1);
    described.options = options.to_vec();
    with_block(Capture::new(order).interface(described).bytes().as_slice(), 1, |block| {
        let Content::Interface(interface) = block.content else { panic!("{block:?}") };
        (interface.clock(), interface.fcs_len())
    })
}

#[test]
fn a_section_is_copied_with_its_length_unknown_and_nothing_else_changed() {
    for order in BOTH {
        let mut capture = Capture::new(Header::new(order).known_length().option(Opt::comment("a")));
        capture.interface(Described::new(1));
        with_block(&capture.bytes(), 0, |block| {
            let (out, changed) = copied(block, |out| block.copy_section(out));
            assert_eq!(out[16..24], [0xFF; 8]);
            assert_eq!(changed, (16..24).collect::<Vec<_>>());
        });
    }
}

#[test]
fn a_section_whose_length_is_unknown_already_is_copied_as_it_is() {
    with_block(&Capture::new(Order::Big).bytes(), 0, |block| {
        assert_eq!(copied(block, |out| block.copy_section(out)).1, []);
    });
}

//= https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcapng#section-4.1
//= type=test
//# they MUST NOT, as per the previous sentence, write an SHB with a Minor Version of 2,
//# even if they read an SHB with a Minor Version of 2
#[test]
fn version_1_2_is_copied_as_1_0() {
    for (order, minor) in [(Order::Little, 14), (Order::Big, 15)] {
        with_block(&Capture::new(Header::new(order).version(1, 2)).bytes(), 0, |block| {
            let (out, changed) = copied(block, |out| block.copy_section(out));
            assert_eq!(out[14..16], [0, 0]);
            assert_eq!(changed, [minor]);
        });
    }
}

/// Its blocks are copied as they are, so its length stays true.
#[test]
fn a_section_of_unknown_version_is_copied_as_it_is() {
    let header = Header::new(Order::Little).version(2, 2).known_length();
    with_block(&Capture::new(header).bytes(), 0, |block| {
        assert_eq!(copied(block, |out| block.copy_section(out)).1, []);
    });
}

#[test]
fn an_interface_is_copied_with_another_snaplen_and_nothing_else_changed() {
    for order in BOTH {
        let mut capture = Capture::new(order);
        let described = Described::new(0xABCD).snaplen(0x1234_5678).option(Opt::if_name("eth0"));
        let bytes = capture.interface(described).bytes();
        with_block(&bytes, 1, |block| {
            let (out, changed) = copied(block, |out| block.copy_interface(out, 0x9ABC_DEF0));
            assert_eq!(out[12..16], order.u32(0x9ABC_DEF0));
            assert_eq!(changed, [12, 13, 14, 15]);
        });
    }
}

/// One packet of each form, with everything in it that a copy could lose.
fn forms(order: Order) -> Vec<u8> {
    let full = || {
        Made::new(0, 0x0123_4567_89AB_CDEF, [0xAB; 5])
            .original(3)
            .option(Opt::comment("odd"))
            .option(Opt::new(0x8001, [1, 2, 3]))
            .without_end()
    };
    let mut capture = Capture::new(order);
    capture.pad_with(0xEE).interface(Described::new(1));
    capture.packet(full()).packet_block(0x1122, full()).simple_packet(&[1, 2, 3], 3);
    capture.statistics(0, 5, &[Opt::ifrecv(6)]).custom(9, true, &[0; 8]);
    capture.bytes()
}

#[test]
fn what_is_changed_in_one_kind_of_block_is_left_alone_in_the_others() {
    let bytes = forms(Order::Little);
    for at in 0..7 {
        with_block(&bytes, at, |block| {
            if at != 0 {
                assert_eq!(copied(block, |out| block.copy_section(out)).1, [], "block {at}");
            }
            if at != 1 {
                assert_eq!(copied(block, |out| block.copy_interface(out, 9)).1, [], "block {at}");
            }
            if at < 2 {
                let (_, changed) = copied(block, |out| assert!(block.copy_renumbered(out, 9)));
                assert_eq!(changed, [], "block {at}");
            }
        });
    }
}

#[test]
fn every_block_is_copied_as_it_is() {
    for order in BOTH {
        let bytes = forms(order);
        let mut reader = Reader::open(&bytes[..]).unwrap();
        let mut out = Vec::new();
        while let Some(Event::Block(block)) = reader.next() {
            block.copy(&mut out);
        }
        assert_eq!(out, bytes);
    }
}

#[test]
fn renumbering_changes_the_number_and_nothing_else() {
    for order in BOTH {
        let bytes = forms(order);
        let number = 0x0102_0304;
        for at in [2, 5] {
            with_block(&bytes, at, |block| {
                let (out, changed) =
                    copied(block, |out| assert!(block.copy_renumbered(out, number)));
                assert_eq!(out[8..12], order.u32(number));
                assert_eq!(changed, [8, 9, 10, 11], "block {at}");
            });
        }
        with_block(&bytes, 3, |block| {
            let (out, changed) = copied(block, |out| assert!(block.copy_renumbered(out, 0xFFFF)));
            // The count of dropped packets beside it stays.
            assert_eq!((&out[8..10], &out[10..12]), (&[0xFF; 2][..], &order.u16(0x1122)[..]));
            assert_eq!(changed, [8, 9]);
        });
        with_block(&bytes, 6, |block| {
            let (_, changed) = copied(block, |out| assert!(block.copy_renumbered(out, number)));
            assert_eq!(changed, []);
        });
    }
}

#[test]
fn a_number_that_the_form_of_a_packet_cannot_name_writes_nothing() {
    let bytes = forms(Order::Little);
    for (at, number, fits) in [(3, 0x1_0000, false), (4, 1, false), (4, 0, true)] {
        with_block(&bytes, at, |block| {
            let mut out = Vec::new();
            assert_eq!(block.copy_renumbered(&mut out, number), fits);
            assert_eq!(out.is_empty(), !fits);
        });
    }
}

#[test]
fn the_clock_of_an_interface_is_its_resolution_and_offset_in_its_byte_order() {
    for order in BOTH {
        let clock = |options: &[Opt]| described(order, options).0;
        assert_eq!(clock(&[]), Clock::MICROSECONDS);
        assert_eq!(clock(&[Opt::tsresol(9)]), Clock::NANOSECONDS);
        assert_eq!(
            clock(&[Opt::tsoffset(-3600), Opt::tsresol(0x8A)]),
            Clock { resolution: 0x8A, offset: -3600 }
        );
        assert_eq!(clock(&[Opt::tsresol(9), Opt::tsresol(3)]), Clock::NANOSECONDS);
        // Written with the wrong length, they say nothing, and one of the right length does.
        for value in [&[][..], &[9, 0], &[9; 4]] {
            assert_eq!(clock(&[Opt::new(9, value)]), Clock::MICROSECONDS);
            assert_eq!(clock(&[Opt::new(9, value), Opt::tsresol(9)]), Clock::NANOSECONDS);
        }
        for value in [&[][..], &[1; 4], &[1; 9]] {
            assert_eq!(clock(&[Opt::new(14, value)]), Clock::MICROSECONDS);
            let and_good = clock(&[Opt::new(14, value), Opt::tsoffset(1), Opt::tsoffset(2)]);
            assert_eq!(and_good, Clock { offset: 1, ..Clock::MICROSECONDS });
        }
    }
}

#[test]
fn a_small_length_of_the_frame_check_sequence_is_bytes_and_a_large_one_bits() {
    let length = |options: &[Opt]| described(Order::Little, options).1;
    assert_eq!(length(&[]), 0);
    for (written, bytes) in [(0, 0), (1, 1), (4, 4), (8, 1), (16, 2), (32, 4), (39, 4)] {
        assert_eq!(length(&[Opt::fcslen(written)]), bytes, "{written}");
    }
    // More than four bytes is none.
    for written in (5..8).chain(40..=255) {
        assert_eq!(length(&[Opt::fcslen(written)]), 0, "{written}");
    }
    assert_eq!(length(&[Opt::fcslen(4), Opt::fcslen(0)]), 4);
    assert_eq!(length(&[Opt::new(13, [4, 0])]), 0);
    assert_eq!(length(&[Opt::new(13, [0, 0]), Opt::fcslen(4)]), 4);
    assert_eq!(length(&[Opt::new(13, [])]), 0);
}

/// One bit at a time: a shifted mask is the classic mistake in flag tables.
#[test]
fn the_flags_of_a_packet_override_the_frame_check_sequence_of_its_interface() {
    for order in BOTH {
        for bit in 0..32 {
            let mut capture = Capture::new(order);
            capture.interface(Described::new(1));
            capture.packet(Made::new(0, 0, []).option(Opt::flags(1 << bit)));
            with_block(&capture.bytes(), 2, |block| {
                let Content::Packet(packet) = block.content else { panic!("{block:?}") };
                let want = match bit {
                    5..=7 => 1 << (bit - 5),
                    // Eight bytes are none; so it says that there is none.
                    8 => 0,
                    _ => 3,
                };
                assert_eq!(packet.fcs_len(3), want, "bit {bit}");
            });
        }
    }
}

#[test]
fn without_flags_the_interface_says_how_long_the_frame_check_sequence_is() {
    let lists = [vec![], vec![Opt::comment("no flags")], vec![Opt::new(2, [0xFF; 3])]];
    for list in lists {
        let packet = list.into_iter().fold(Made::new(0, 0, []), Made::option);
        let mut capture = Capture::new(Order::Little);
        capture.interface(Described::new(1)).packet(packet);
        with_block(&capture.bytes(), 2, |block| {
            let Content::Packet(packet) = block.content else { panic!("{block:?}") };
            assert_eq!(packet.fcs_len(4), 4);
        });
    }
}

#[test]
fn data_and_options_are_told_apart_whatever_the_padding() {
    for len in 0..9 {
        let mut capture = Capture::new(Order::Little);
        capture.pad_with(0xEE).interface(Described::new(1));
        let made = || Made::new(0, 0, vec![7; len]).option(Opt::comment("c"));
        capture.packet(made()).packet_block(0, made());
        for at in [2, 3] {
            with_block(&capture.bytes(), at, |block| {
                let Content::Packet(packet) = block.content else { panic!("{block:?}") };
                assert_eq!(packet.data, vec![7; len]);
                assert_eq!(packet.options.comments().collect::<Vec<_>>(), [b"c"]);
            });
        }
    }
}

#[test]
fn only_packets_are_packets() {
    let story = story(&forms(Order::Big));
    assert_eq!(story.len(), 7);
    for (at, line) in story.iter().enumerate() {
        with_block(&forms(Order::Big), at, |block| {
            assert_eq!(block.is_packet(), (2..5).contains(&at), "{line}");
        });
    }
    for kind in 0..16 {
        assert_eq!(kind::is_packet(kind), [2, 3, 6].contains(&kind), "{kind}");
    }
}
