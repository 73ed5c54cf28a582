use mirror_testkit::{Capture, Interface, Opt, Order, Packet, Section};

use super::MAX_INTERFACES;
use crate::{
    Damage, Event, Problem, Reader,
    story::{ethernet, framed, packet, story},
};

const BOTH: [Order; 2] = [Order::Little, Order::Big];

#[test]
fn each_kind_of_block_is_told_in_both_byte_orders() {
    for order in BOTH {
        let mut capture = Capture::new(Section::new(order).option(Opt::comment("hi")));
        capture
            .interface(Interface::new(113).snaplen(96).option(Opt::tsresol(9)))
            .interface(Interface::new(1).snaplen(0))
            .packet(Packet::new(1, 0x1_0000_0002, [1; 5]).original(60).option(Opt::flags(1)))
            .packet_block(3, Packet::new(1, 4, [2; 8]))
            .simple_packet(&[3; 10], 10)
            .statistics(1, 9, &[])
            .name_resolution(&[])
            .custom(1, false, b"");
        assert_eq!(
            story(&capture.bytes()),
            [
                format!("0: section {order:?} (1, 0)"),
                "40: interface 0 link 113 snaplen 96".into(),
                "72: interface 1 link 1 snaplen 0".into(),
                "92: Enhanced on 1 at Some(4294967298), 5 of 60 bytes, 12 of options".into(),
                "144: Obsolete on 1 at Some(4), 8 of 8 bytes, 0 of options".into(),
                "184: Simple on 0 at None, 10 of 10 bytes, 0 of options".into(),
                "212: statistics of 1".into(),
                "236: block 0x4".into(),
                "252: block 0x40000bad".into(),
            ]
        );
    }
}

#[test]
fn a_section_may_change_the_byte_order_and_counts_interfaces_anew() {
    let mut capture = ethernet(Order::Little);
    capture.interface(Interface::new(1));
    capture.section(Order::Big).packet(packet(1));
    capture.interface(Interface::new(101)).packet(packet(0));
    assert_eq!(
        story(&capture.bytes())[3..],
        [
            "68: section Big (1, 0)",
            "byte 96: names interface 1, but this section has described only 0 so far [packet]",
            "132: interface 0 link 101 snaplen 262144",
            "152: Enhanced on 0 at Some(7), 4 of 4 bytes, 0 of options",
        ]
    );
}

/// Whatever is wrong inside a sound frame, the packet behind it is found.
#[test]
fn a_bad_block_in_a_sound_frame_is_one_lost_block() {
    for order in BOTH {
        let words = |words: &[u32]| words.iter().flat_map(|w| order.u32(*w)).collect::<Vec<_>>();
        let cases = [
            (
                6,
                words(&[0; 4]),
                "enhanced packet block has a body of 16 bytes, expected at least 20 [packet]",
            ),
            (
                2,
                words(&[0; 4]),
                "packet block has a body of 16 bytes, expected at least 20 [packet]",
            ),
            (
                3,
                words(&[]),
                "simple packet block has a body of 0 bytes, expected at least 4 [packet]",
            ),
            (
                1,
                words(&[1]),
                "interface description block has a body of 4 bytes, expected at least 8",
            ),
            (
                5,
                words(&[0, 0]),
                "interface statistics block has a body of 8 bytes, expected at least 12",
            ),
            (
                6,
                words(&[0, 0, 0, 5, 5, 0]),
                "packet claims 5 captured bytes but its block holds 4 [packet]",
            ),
            (
                6,
                words(&[0, 0, 0, u32::MAX, 0, 0]),
                "packet claims 4294967295 captured bytes but its block holds 4 [packet]",
            ),
            (
                6,
                words(&[0, 0, 0, 1, 1]),
                "packet claims 1 captured byte but its block holds 0 [packet]",
            ),
            (
                2,
                words(&[0, 0, 0, u32::MAX - 2, 0, 0]),
                "packet claims 4294967293 captured bytes but its block holds 4 [packet]",
            ),
            (3, words(&[9, 0, 0]), "packet claims 9 captured bytes but its block holds 8 [packet]"),
            (
                6,
                words(&[1, 0, 0, 0, 0]),
                "names interface 1, but this section has described only 1 so far [packet]",
            ),
            (
                6,
                words(&[u32::MAX, 0, 0, 0, 0]),
                "names interface 4294967295, but this section has described only 1 so far [packet]",
            ),
            (
                5,
                words(&[1, 0, 0]),
                "names interface 1, but this section has described only 1 so far",
            ),
        ];
        for (kind, body, message) in cases {
            let mut capture = ethernet(order);
            capture.block(kind, &body);
            let next = capture.offset();
            capture.packet(packet(0));
            let story = story(&capture.bytes());
            assert_eq!(
                story[2..],
                [
                    format!("byte 48: {message}"),
                    format!("{next}: Enhanced on 0 at Some(7), 4 of 4 bytes, 0 of options"),
                ]
            );
        }
    }
}

/// A later packet must not slip to another interface because one description
/// could not be read, for whichever reason.
#[test]
fn a_broken_description_keeps_its_number() {
    let short = framed(Order::Little, 1, 16, &[0; 4], 16);
    let differing = framed(Order::Little, 1, 20, &[0; 8], 24);
    for broken in [short, differing] {
        let mut capture = ethernet(Order::Little);
        capture.raw(&broken).interface(Interface::new(101)).packet(packet(2)).packet(packet(1));
        capture.statistics(1, 0, &[]);
        let story = story(&capture.bytes());
        assert!(story[3].contains("interface 2 link 101"), "{story:?}");
        assert!(story[4].contains("Enhanced on 2"), "{story:?}");
        assert!(story[5].ends_with("names interface 1, whose description is broken [packet]"));
        assert!(story[6].ends_with("names interface 1, whose description is broken"));
    }
}

/// Sound or broken in either way, they are counted up to the same limit: a file
/// of nothing else must not fill the memory.
#[test]
fn interfaces_are_counted_up_to_a_limit() {
    let sound = framed(Order::Little, 1, 20, &[0; 8], 20);
    let differing = framed(Order::Little, 1, 20, &[0; 8], 16);
    let short = framed(Order::Little, 1, 16, &[0; 4], 16);
    for one in [sound, differing, short] {
        let head = Capture::new(Order::Little).bytes();
        let last = Capture::new(Order::Little).packet(packet(u32::MAX)).bytes()[28..].to_vec();
        let capture = [head, one.repeat(MAX_INTERFACES + 2), last].concat();
        let mut reader = Reader::open(&capture[..]).unwrap();
        let mut refused = 0;
        let mut end = None;
        while let Some(event) = reader.next() {
            match event {
                Event::Damage(Damage { problem: Problem::TooManyInterfaces, .. }) => refused += 1,
                Event::Damage(damage) => end = Some(damage.problem.to_string()),
                Event::Block(_) => {}
            }
        }
        let limit = "names interface 4294967295, but this section has described only 131072 so far";
        assert_eq!(end.as_deref(), Some(limit));
        // The frame of `differing` is the first thing wrong with it.
        assert_eq!(refused, if one.ends_with(&[16, 0, 0, 0]) && one.len() == 20 { 0 } else { 2 });
    }
    assert_eq!(
        Problem::TooManyInterfaces.to_string(),
        "more than 131072 interfaces in this section"
    );
}

/// Whose packets would they be? Not those of the section before.
#[test]
fn the_blocks_of_a_broken_section_are_lost_up_to_the_next() {
    let section = Capture::new(Order::Big).bytes();
    let short = framed(Order::Big, 0x0A0D_0D0A, 24, &section[8..20], 24);
    let differing = [&section[..24], &[0; 4]].concat();
    let messages = [
        "section header block has a body of 12 bytes, expected at least 16",
        "block length is 28 before the body but 0 after it",
    ];
    for (broken, message) in [short, differing].iter().zip(messages) {
        let mut capture = ethernet(Order::Little);
        let behind = ethernet(Order::Big).packet(packet(0)).bytes()[28..].to_vec();
        capture.raw(broken).raw(&behind).section(Order::Little);
        let at = 48 + broken.len();
        assert_eq!(
            story(&capture.bytes())[2..],
            [
                format!("byte 48: {message}"),
                format!("byte {at}: belongs to a section whose header is broken"),
                format!("byte {}: belongs to a section whose header is broken [packet]", at + 20),
                format!("{}: section Little (1, 0)", at + 56),
            ]
        );
    }
}

#[test]
fn of_a_section_of_unknown_version_only_the_framing_is_read() {
    for version in [(0, 0), (0, 1), (1, 1), (1, 3), (2, 0), (2, 2), (256, 0)] {
        let mut capture = Capture::new(Section::new(Order::Big).version(version.0, version.1));
        // No interface, a body too short, lengths that differ: none of it means anything.
        capture.packet(packet(9)).block(6, &[]).raw(&framed(Order::Big, 6, 12, &[], 16));
        capture.raw(&framed(Order::Big, 1, 12, &[], 16)).section(Order::Big);
        assert_eq!(
            story(&capture.bytes()),
            [
                format!("0: section Big {version:?}"),
                "28: foreign".into(),
                "64: foreign".into(),
                "byte 76: block length is 12 before the body but 16 after it".into(),
                "byte 88: block length is 12 before the body but 16 after it".into(),
                "100: section Big (1, 0)".into(),
            ]
        );
    }
}

//= https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcapng#section-4.1
//= type=test
//# Readers of pcapng files MUST treat a Minor Version of 2 as equivalent to a Minor
//# Version of 0
#[test]
fn version_1_2_is_read_as_1_0() {
    let mut capture = Capture::new(Section::new(Order::Little).version(1, 2));
    capture.interface(Interface::new(1)).packet(packet(0));
    assert_eq!(
        story(&capture.bytes())[2],
        "48: Enhanced on 0 at Some(7), 4 of 4 bytes, 0 of options"
    );
}

//= https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcapng#section-4.4
//= type=test
//# the SnapLen value MUST be used to determine the size of the Packet Data field length
#[test]
fn a_simple_packet_ends_where_the_snaplen_of_the_first_interface_says() {
    for (snaplen, original, captured) in [(6, 6, 6), (6, 100, 6), (6, 5, 5), (0, 8, 8), (100, 3, 3)]
    {
        let mut capture = Capture::new(Order::Big);
        capture
            .interface(Interface::new(1).snaplen(snaplen))
            .interface(Interface::new(1).snaplen(1));
        capture.simple_packet(&[5; 8], original);
        let want = format!("68: Simple on 0 at None, {captured} of {original} bytes, 0 of options");
        assert_eq!(story(&capture.bytes())[3], want);
    }
    let mut orphan = Capture::new(Order::Little);
    orphan.simple_packet(&[1; 4], 4);
    assert_eq!(
        story(&orphan.bytes())[1],
        "byte 28: names interface 0, but this section has described only 0 so far [packet]"
    );
}

/// Its length, be it a small one, says nothing before the magic does.
#[test]
fn a_section_is_not_there_before_its_magic() {
    let section = super::SectionState::new(crate::ByteOrder::Little);
    let head = [crate::kind::SECTION.to_le_bytes(), 8_u32.to_le_bytes()].concat();
    assert!(!section.has_block(&head));
    let foreign = [&head[..], b"none"].concat();
    assert!(!section.has_block(&foreign), "an error, and what is behind it is needed");
}
