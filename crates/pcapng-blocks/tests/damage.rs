//! Damage of every kind at every place, and lengths that lie.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that meets the impossible should stop"
)]

mod common;

use std::io::{self, Read};

use common::{Pieces, Reading};
use mirror_testkit::{Capture, Fraction, Interface, Opt, Order, Packet, Pcap, Section, cases};
use pcapng_blocks::{Event, Problem, Reader};

/// Small captures with each kind of block in both byte orders, and both kinds of pcap.
fn small() -> Vec<Vec<u8>> {
    let pcapng = |order| {
        let mut capture = Capture::new(Section::new(order).option(Opt::comment("c")));
        capture.interface(Interface::new(1).snaplen(6).option(Opt::tsresol(9)));
        capture.interface(Interface::new(113));
        capture.packet(Packet::new(1, 5, [1; 5]).option(Opt::flags(1)).option(Opt::comment("abc")));
        capture.packet_block(2, Packet::new(0, 6, [2; 4]).option(Opt::flags(2)));
        capture.simple_packet(&[3; 6], 60).statistics(1, 7, &[Opt::ifrecv(2)]);
        capture.custom(9, false, b"x").section(Section::new(order).known_length());
        capture.interface(Interface::new(1)).packet(Packet::new(0, 8, []));
        capture.bytes()
    };
    let pcap = |order, fraction| {
        Pcap::new(order, fraction, 0x2400_0001)
            .record(1, 2, &[1; 5], 60)
            .record(3, 4, &[], 0)
            .bytes()
    };
    vec![
        pcapng(Order::Little),
        pcapng(Order::Big),
        pcap(Order::Little, Fraction::Micro),
        pcap(Order::Big, Fraction::Nano),
    ]
}

#[test]
fn any_prefix_is_read_to_its_last_whole_block() {
    for bytes in small() {
        let whole = Reading::of(&bytes[..]);
        assert!(whole.damages.is_empty());
        for n in 0..bytes.len() {
            let reading = Reading::of(&bytes[..n]);
            reading.check_bounded(&bytes[..n]);
            assert!(whole.copied.starts_with(&reading.copied), "{n}");
            assert!(whole.packets.starts_with(&reading.packets), "{n}");
            // A cut is one damage, and a cut between two blocks none.
            assert!(reading.damages.len() <= 1, "{n}: {:#?}", reading.lines);
        }
    }
}

/// Flips, and the two values that make lengths small and huge.
#[test]
fn any_changed_byte_is_read_in_the_same_way_however_it_arrives() {
    for bytes in small() {
        for at in 0..bytes.len() {
            for value in [0, 0xFF, bytes[at] ^ 0x80, bytes[at].wrapping_add(1)] {
                let mut changed = bytes.clone();
                changed[at] = value;
                let reading = Reading::of(&changed[..]);
                reading.check_bounded(&changed);
                let pieces = Reading::of(Pieces { bytes: &changed, most: 1 });
                assert_eq!(pieces, reading, "{value:#x} at {at}");
            }
        }
    }
}

/// One byte changed within a body costs no more than the blocks that mean
/// something else by it: those before stay.
#[test]
fn what_stands_before_a_changed_byte_is_not_lost() {
    for bytes in small() {
        let whole = Reading::of(&bytes[..]);
        let starts: Vec<usize> = whole.lines.iter().map(|line| offset(line)).collect();
        for at in 28..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0xFF;
            let reading = Reading::of(&changed[..]);
            // The last block that begins before the byte may contain it.
            let before = starts.iter().filter(|start| **start <= at).count() - 1;
            assert_eq!(reading.lines[..before], whole.lines[..before], "{at}");
        }
    }
}

/// Nor is what stands behind it, in pcapng: of every block that has its place without the one
/// that was changed. One length is believed though it is wrong: one after which another block
/// begins.
#[test]
fn what_stands_behind_a_changed_byte_is_not_lost() {
    for order in [Order::Little, Order::Big] {
        let mut capture = Capture::new(order);
        capture.interface(Interface::new(1));
        let mut places = vec![capture.offset()];
        for n in 0..7_u8 {
            match n {
                2 => capture.packet_block(2, Packet::new(0, n.into(), [n; 21])),
                4 => capture.simple_packet(&[n; 30], 30),
                5 => capture.statistics(0, 5, &[Opt::ifrecv(2)]),
                n => capture.packet(Packet::new(0, n.into(), [n; 30]).option(Opt::comment("abc"))),
            };
            places.push(capture.offset());
        }
        let bytes = capture.bytes();
        let whole = Reading::of(&bytes[..]);
        for (n, place) in places.windows(2).enumerate() {
            let sound: Vec<_> =
                whole.lines[2..].iter().filter(|line| offset(line) != place[0]).collect();
            for at in place[0]..place[1] {
                for value in [0, 0xFF, bytes[at] ^ 0x80, bytes[at] ^ 1] {
                    let mut changed = bytes.clone();
                    changed[at] = value;
                    let length = changed[place[0] + 4..place[0] + 8].try_into().unwrap();
                    let length = match order {
                        Order::Little => u32::from_le_bytes(length),
                        Order::Big => u32::from_be_bytes(length),
                    } as usize;
                    if places[n + 2..].contains(&(place[0] + length)) {
                        continue;
                    }
                    let reading = Reading::of(&changed[..]);
                    for line in &sound {
                        assert!(
                            reading.lines.contains(line),
                            "block {n}, {value:#x} at {at}: {line}"
                        );
                    }
                }
            }
        }
    }
}

fn offset(line: &str) -> usize {
    line.split(' ').next().unwrap().parse().unwrap()
}

/// The sound ones, read in each way there is.
#[test]
fn the_sound_cases_are_read_without_damage_and_copied_byte_for_byte() {
    for case in cases::all().iter().filter(|case| case.folder.starts_with("captures/")) {
        let reading = Reading::of(&case.bytes[..]);
        assert!(reading.damages.is_empty(), "{}: {:#?}", case.folder, reading.damages);
        for most in [4096, 1] {
            assert_eq!(
                Reading::of(Pieces { bytes: &case.bytes, most }),
                reading,
                "{}",
                case.folder
            );
        }
        if case.file == "input.pcapng" {
            assert!(reading.copied == case.bytes, "{}", case.folder);
        } else {
            let again = Reading::of(&reading.copied[..]);
            assert_eq!(
                (again.damages.len(), &again.packets),
                (0, &reading.packets),
                "{}",
                case.folder
            );
        }
    }
}

/// Gives what it has, then zeros up to `len`, and remembers the most that it was asked for.
struct Asked<'a> {
    head: &'a [u8],
    zeros: u64,
    most: &'a mut usize,
}

impl Read for Asked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        *self.most = buffer.len().max(*self.most);
        match self.head.read(buffer)? {
            0 => {
                let n = usize::try_from(self.zeros).unwrap_or(usize::MAX).min(buffer.len());
                buffer[..n].fill(0);
                self.zeros -= n as u64;
                Ok(n)
            }
            n => Ok(n),
        }
    }
}

const BUFFER: usize = 256 << 10;

/// A read is asked for as much as there is room, so this is how much was allocated.
#[test]
fn a_length_that_lies_allocates_no_more_than_twice_what_came() {
    let head = Capture::new(Order::Little).interface(Interface::new(1)).bytes();
    let pcap = Pcap::new(Order::Little, Fraction::Micro, 1).bytes();
    for length in [1 << 20, 64 << 20, pcapng_blocks::MAX_BLOCK_LEN] {
        let block = [&head[..], &[6, 0, 0, 0], &u32::to_le_bytes(length)].concat();
        let mut huge = pcap.clone();
        huge[16..20].copy_from_slice(&[0xFF; 4]);
        let record =
            [&huge[..], &[0; 8], &u32::to_le_bytes(length.min(128 << 20)), &[0; 4]].concat();
        for bytes in [block, record] {
            for zeros in [0, 100_000, 600_000] {
                let mut most = 0;
                let mut reader =
                    Reader::open(Asked { head: &bytes, zeros, most: &mut most }).unwrap();
                assert!(matches!(reader.next(), Some(Event::Block(_))));
                assert!(matches!(reader.next(), Some(Event::Block(_))));
                let Some(Event::Damage(damage)) = reader.next() else { panic!("{length}") };
                let left = zeros + bytes.len() as u64 - damage.offset;
                assert!(
                    matches!(damage.problem, Problem::Cut { left: l, .. } if l == left),
                    "{damage}"
                );
                assert!(reader.next().is_none());
                drop(reader);
                let came = usize::try_from(left).unwrap();
                assert!(most <= BUFFER.max(2 * came), "{most} for {came}");
            }
        }
    }
}

/// Four gigabytes that claim to be one block are passed over in the usual memory.
#[test]
fn a_block_of_four_gigabytes_is_passed_over_in_the_usual_memory() {
    let head = Capture::new(Order::Little).interface(Interface::new(1)).bytes();
    let length = 0xFFFF_FFF0_u32;
    let block = [&head[..], &[6, 0, 0, 0], &length.to_le_bytes()].concat();
    let mut most = 0;
    let zeros = u64::from(length) - 8;
    let mut reader = Reader::open(Asked { head: &block, zeros, most: &mut most }).unwrap();
    reader.next();
    reader.next();
    let Some(Event::Damage(damage)) = reader.next() else { panic!() };
    assert!(matches!(damage.problem, Problem::TooLong { length: 0xFFFF_FFF0 }), "{damage}");
    assert!(damage.fatal);
    assert!(reader.next().is_none());
    drop(reader);
    assert!(most <= 3 * BUFFER, "{most}");
}
