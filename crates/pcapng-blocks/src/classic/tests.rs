use std::io::Read;

use mirror_testkit::{Fraction, Order, Pcap, decode};

use super::*;
use crate::{
    Clock, Event, Format, Reader,
    story::{Failing, story, tell},
};

const BOTH: [Order; 2] = [Order::Little, Order::Big];
const FRACTIONS: [Fraction; 2] = [Fraction::Micro, Fraction::Nano];

#[test]
fn each_of_the_four_magics_is_read_as_a_section_with_one_interface() {
    for order in BOTH {
        for (fraction, clock, per_second) in [
            (Fraction::Micro, Clock::MICROSECONDS, 1_000_000),
            (Fraction::Nano, Clock::NANOSECONDS, 1_000_000_000),
        ] {
            let bytes = Pcap::new(order, fraction, 113).record(3, 7, &[1; 5], 60).bytes();
            assert_eq!(
                story(&bytes),
                [
                    format!("0: section {order:?} (1, 0)"),
                    "0: interface 0 link 113 snaplen 262144".into(),
                    format!(
                        "24: Record on 0 at Some({}), 5 of 60 bytes, 0 of options",
                        3 * per_second + 7_u64
                    ),
                ]
            );
            let mut reader = Reader::open(&bytes[..]).unwrap();
            assert_eq!(reader.format(), Format::Pcap);
            reader.next();
            let Some(Event::Block(block)) = reader.next() else { panic!() };
            let Content::Interface(interface) = block.content else { panic!() };
            assert_eq!(interface.clock(), clock);
            assert_eq!(interface.fcs_len(), 0);
        }
    }
}

/// Until 2106, and with a fraction that no second has.
#[test]
fn times_are_exact_at_both_ends() {
    for (second, fraction) in
        [(0, 0), (0, 999_999), (1_767_225_600, 1), (u32::MAX, 999_999_999), (u32::MAX, u32::MAX)]
    {
        for (kind, units) in [(Fraction::Micro, 1_000_000), (Fraction::Nano, 1_000_000_000)] {
            let bytes = Pcap::new(Order::Big, kind, 1).record(second, fraction, &[], 0).bytes();
            let want = u128::from(second) * units + u128::from(fraction);
            assert!(story(&bytes)[2].contains(&format!("Some({want})")), "{second}.{fraction}");
        }
    }
}

/// The block that a record becomes, read by a decoder of its own.
#[test]
fn a_record_is_copied_as_an_enhanced_packet_of_the_interface_asked_for() {
    for order in BOTH {
        let bytes = Pcap::new(order, Fraction::Nano, 1).record(1, 2, &[1, 2, 3], 9).bytes();
        let mut reader = Reader::open(&bytes[..]).unwrap();
        let mut out = Vec::new();
        while let Some(Event::Block(block)) = reader.next() {
            block.copy(&mut out);
            if block.is_packet() {
                assert!(block.copy_renumbered(&mut out, 0x0001_0002));
            }
        }
        let decoded = decode::pcapng(&out);
        assert_eq!(decoded.stop, None);
        let [_, _, packets @ ..] = &decoded.blocks[..] else { panic!("{decoded:?}") };
        assert_eq!(packets.len(), 2);
        for (packet, number) in packets.iter().zip([0, 0x0001_0002]) {
            assert_eq!(packet.order, order);
            assert_eq!(packet.options, decode::Options::default());
            let want = decode::Content::Packet {
                interface: number,
                time: 1_000_000_002,
                captured: 3,
                original: 9,
                data: vec![1, 2, 3],
                drops: None,
            };
            assert_eq!(packet.content, want);
        }
    }
}

//= https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcap#section-4
//= type=test
//# FCS len (4 bits):  an unsigned integer that indicates the number of
//# 16-bit (2-octet) words of FCS that are appended to each packet, if
//# the P bit is set
#[test]
fn the_frame_check_sequence_of_the_link_type_field_is_kept_in_bytes() {
    const P: u32 = 1 << 26;
    for order in BOTH {
        for words in 0..16_u32 {
            // More than four bytes is none.
            let bytes = if words <= 2 { 2 * words } else { 0 };
            for (bits, want) in [(words << 28 | P, bytes), (words << 28, 0)] {
                let bytes = Pcap::new(order, Fraction::Micro, bits | 1).bytes();
                let mut reader = Reader::open(&bytes[..]).unwrap();
                reader.next();
                let Some(Event::Block(block)) = reader.next() else { panic!() };
                let Content::Interface(interface) = block.content else { panic!() };
                assert_eq!(interface.link_type, 1);
                assert_eq!(u32::from(interface.fcs_len()), want, "{bits:#x}");
            }
        }
    }
}

/// The two blocks in front, read by a decoder of its own.
#[test]
fn the_section_and_interface_in_front_are_sound_blocks() {
    for order in BOTH {
        for fraction in FRACTIONS {
            let mut bytes = Pcap::new(order, fraction, 0x2400_0001).bytes();
            bytes[16..20].copy_from_slice(&order.u32(77));
            let mut reader = Reader::open(&bytes[..]).unwrap();
            let mut out = Vec::new();
            while let Some(Event::Block(block)) = reader.next() {
                block.copy(&mut out);
            }
            let decoded = decode::pcapng(&out);
            assert_eq!(decoded.stop, None);
            let [section, interface] = &decoded.blocks[..] else { panic!("{decoded:?}") };
            assert_eq!(section.content, decode::Content::Section { version: (1, 0), length: -1 });
            assert_eq!(
                interface.content,
                decode::Content::Interface { id: 0, link: 1, snaplen: 77 }
            );
            let resolution = if fraction == Fraction::Nano { 9 } else { 6 };
            assert_eq!(interface.options.list, [(9, vec![resolution]), (13, vec![4])]);
            assert!(interface.options.ended);
        }
    }
}

#[test]
fn variants_and_versions_that_are_not_read_are_named() {
    let version = |major: u16, minor: u16| {
        let mut bytes = Pcap::new(Order::Little, Fraction::Micro, 1).bytes();
        bytes[4..6].copy_from_slice(&major.to_le_bytes());
        bytes[6..8].copy_from_slice(&minor.to_le_bytes());
        tell(&bytes[..]).map_err(|error| error.to_string())
    };
    for (major, minor) in [(2, 4), (2, 5)] {
        assert!(version(major, minor).is_ok(), "{major}.{minor}");
    }
    for (major, minor) in [(0, 0), (1, 4), (2, 0), (2, 2), (2, 3), (3, 0), (543, 0)] {
        let message = format!("pcap version {major}.{minor} is not supported");
        assert_eq!(version(major, minor), Err(message));
    }
    // Kuznetzov's variant has longer record headers, which nothing in it announces.
    for magic in [[0x34, 0xCD, 0xB2, 0xA1], [0xA1, 0xB2, 0xCD, 0x34]] {
        let bytes = [&magic[..], &[0; 20]].concat();
        assert_eq!(
            tell(&bytes[..]).unwrap_err().to_string(),
            "the pcap variant with extended records (magic a1 b2 cd 34) is not supported"
        );
    }
}

#[test]
fn every_shorter_header_is_cut() {
    let bytes = Pcap::new(Order::Big, Fraction::Nano, 1).bytes();
    for n in 4..24 {
        assert_eq!(
            tell(&bytes[..n]).unwrap_err().to_string(),
            format!("ends after {n} bytes, before its first header is whole")
        );
    }
    assert_eq!(story(&bytes[..24]).len(), 2);
}

#[test]
fn every_shorter_prefix_gives_the_whole_records_and_then_says_where_it_ends() {
    let mut capture = Pcap::new(Order::Little, Fraction::Micro, 1);
    let bytes = capture.record(1, 2, &[1; 5], 5).record(3, 4, &[2; 3], 3).bytes();
    let whole = story(&bytes);
    let ends = [24, 24 + 21, 24 + 21 + 19];
    for n in 24..bytes.len() {
        let got = story(&bytes[..n]);
        let begin = *ends.iter().filter(|end| **end <= n).max().unwrap();
        let records = ends.iter().filter(|end| **end <= n).count() - 1;
        assert_eq!(got[..2 + records], whole[..2 + records]);
        if begin == n {
            assert_eq!(got.len(), 2 + records);
            continue;
        }
        let left = n - begin;
        let needs = if left < 16 { 16 } else { ends[records + 1] - begin };
        let s = if left == 1 { "" } else { "s" };
        let want = format!(
            "byte {begin}: the capture ends {left} byte{s} into a block or record of {needs} [fatal]"
        );
        assert_eq!(got[2 + records..], [want], "{n}");
    }
}

#[test]
fn a_record_longer_than_any_packet_ends_the_reading() {
    for (snaplen, limit) in
        [(0, 262_144), (65_535, 262_144), (1 << 20, 1 << 20), (u32::MAX, 128 << 20)]
    {
        let mut head = Pcap::new(Order::Little, Fraction::Micro, 1).bytes();
        head[16..20].copy_from_slice(&u32::to_le_bytes(snaplen));
        let record = |captured: u32| {
            let mut capture = Pcap::new(Order::Little, Fraction::Micro, 1);
            [&head[..], &capture.header(0, 0, captured, 1).raw(&[0; 4]).bytes()[24..]].concat()
        };
        assert_eq!(
            story(&record(limit + 1))[2..],
            [format!(
                "byte 24: record claims {} captured bytes, more than the {limit} possible [fatal]",
                limit + 1
            )]
        );
        // The largest that is believed is only cut short here.
        assert_eq!(
            story(&record(limit))[2..],
            [format!(
                "byte 24: the capture ends 20 bytes into a block or record of {} [fatal]",
                limit + 16
            )]
        );
    }
}

#[test]
fn a_failing_read_is_damage_where_it_happens() {
    let bytes = Pcap::new(Order::Little, Fraction::Micro, 1).record(0, 0, &[1; 8], 8).bytes();
    for n in 24..bytes.len() {
        assert_eq!(
            tell(Failing(&bytes[..n])).unwrap()[2..],
            ["byte 24: reading failed: the disk is on fire [fatal]"],
            "{n}"
        );
    }
    for n in 4..24 {
        assert!(matches!(tell(Failing(&bytes[..n])), Err(OpenError::Read(_))), "{n}");
    }
}

#[test]
fn a_live_capture_must_wait_exactly_where_no_whole_record_is_left() {
    let mut capture = Pcap::new(Order::Big, Fraction::Micro, 1);
    let bytes = capture.record(0, 0, &[1; 3], 3).record(0, 0, &[1; 3], 3).bytes();
    for n in 24..bytes.len() {
        // `chain` gives the second part in a read of its own.
        let mut reader = Reader::open(bytes[..n].chain(&bytes[n..])).unwrap();
        let mut waits = Vec::new();
        while reader.next().is_some() {
            waits.push(reader.must_wait());
        }
        // What stands in front of the records is there once the file is open.
        let first = n < 43;
        assert_eq!(waits, [false, first, !first, true], "{n}");
    }
}

const NOW: u32 = 1_760_000_000;

/// What is said of a capture that begins with a usual record, of everything behind that.
fn behind_a_usual_record(more: impl FnOnce(&mut Pcap)) -> Vec<String> {
    let mut capture = Pcap::new(Order::Little, Fraction::Micro, 1);
    capture.record(NOW, 1, &[1; 20], 20);
    more(&mut capture);
    story(&capture.bytes())[3..].to_vec()
}

/// One record that is like no other before it.
fn odd(capture: &mut Pcap, n: usize) {
    match n {
        // Zeros, a fraction of a second or more, and another age in both directions.
        0 => capture.header(0, 0, 0, 0),
        1 => capture.record(NOW, 1_000_000, &[2; 30], 30),
        2 => capture.record(NOW + 100_000_001, 0, &[2; 30], 30),
        3 => capture.record(NOW - 100_000_001, 0, &[2; 30], 30),
        // Lengths that contradict each other, and such as had none before it.
        4 => capture.record(NOW, 0, &[2; 30], 29),
        5 => capture.record(NOW, 0, &[], 0),
        6 => capture.record(NOW, 0, &[2; 30], 262_145),
        _ => capture.record(NOW, 0, &[2; 9217], 9217),
    };
}

#[test]
fn a_record_like_no_other_counts_only_if_another_follows() {
    for n in 0..8 {
        // The capture ends behind it, or within the next head.
        assert!(behind_a_usual_record(|capture| odd(capture, n))[0].contains("Record"), "{n}");
        let cut = behind_a_usual_record(|capture| {
            odd(capture, n);
            capture.raw(&[0xEE; 15]);
        });
        assert!(cut[0].contains("Record"), "{n}: {cut:?}");
        // What follows is none, but what follows that is.
        let passed = behind_a_usual_record(|capture| {
            odd(capture, n);
            capture.raw(&[0xEE; 40]).record(NOW + 1, 2, &[3; 9], 9);
        });
        let [damage, last] = &passed[..] else { panic!("{n}: {passed:?}") };
        assert!(damage.contains("does not fit those before it"), "{n}: {damage}");
        assert!(last.ends_with("9 of 9 bytes, 0 of options"), "{n}: {last}");
        // A record of its own time follows.
        let kept = behind_a_usual_record(|capture| {
            odd(capture, n);
            let time = [0, NOW, NOW + 100_000_001, NOW - 100_000_001];
            let seconds = time.get(n).copied().unwrap_or(NOW) + 604_800;
            capture.record(seconds, 2, &[3; 9], 9);
        });
        assert_eq!(kept.len(), 2, "{n}: {kept:?}");
        assert!(kept.iter().all(|line| line.contains("Record")), "{n}: {kept:?}");
    }
}

#[test]
fn a_usual_record_counts_whatever_follows() {
    for (seconds, len) in [(NOW, 9216), (NOW + 100_000_000, 30), (NOW - 100_000_000, 30)] {
        let lines = behind_a_usual_record(|capture| {
            capture.record(seconds, 999_999, &vec![2; len], 262_144).raw(&[0xEE; 40]);
        });
        assert!(lines[0].contains(&format!("{len} of 262144 bytes")), "{lines:?}");
        assert!(lines[1].contains("[fatal]"), "{lines:?}");
    }
}

/// As for blocks.
#[test]
fn nothing_is_looked_at_more_than_three_times() {
    for broken in [16_usize, 100, 3000, 200_000] {
        let mut capture = Pcap::new(Order::Little, Fraction::Micro, 1);
        let (mut records, mut len) = (0, 0);
        while len < 3 << 20 {
            for _ in 0..3 {
                capture.record(NOW, 1, &[1; 20], 20);
            }
            capture.raw(&vec![0xEE; broken]);
            records += 3;
            len += 3 * 36 + broken;
        }
        let bytes = capture.bytes();
        let mut reader = Reader::open(&bytes[..]).unwrap();
        let mut found = 0;
        while let Some(event) = reader.next() {
            found += usize::from(matches!(event, Event::Block(block) if block.is_packet()));
        }
        assert_eq!(found, records, "{broken}");
        let looked_at = reader.looked_at();
        assert!(looked_at <= 3 * bytes.len() as u64, "{looked_at} of {}", bytes.len());
    }
}

/// Merged captures, packets without times, clocks that were set.
#[test]
fn an_undamaged_capture_is_read_whole_whatever_its_times() {
    const YEAR: u32 = 31_557_600;
    let times: [fn(u32) -> u32; 6] = [
        |n| NOW + 4 * YEAR * n,
        |n| if n % 2 == 0 { 0 } else { NOW + n },
        |n| if n == 7 { 0 } else { NOW + n },
        |n| n.wrapping_mul(2_654_435_761),
        |n| NOW + 700_000 * n,
        |n| if n < 10 { 0 } else { NOW },
    ];
    for (kind, time) in times.iter().enumerate() {
        for len in [60, 20_000] {
            let mut capture = Pcap::new(Order::Little, Fraction::Micro, 1);
            for n in 0..20 {
                capture.record(time(n), n, &vec![7; len], u32::try_from(len).unwrap());
            }
            let story = story(&capture.bytes());
            let read = story.iter().filter(|line| line.contains("Record")).count();
            assert_eq!((read, story.len()), (20, 22), "kind {kind}, {len} bytes: {story:?}");
        }
    }
}
