//! Behind what disks and crashes do to a capture, reading goes on: at most the packets that were
//! touched are lost, and one more.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that meets the impossible should stop"
)]

use std::ops::Range;

use mirror_testkit::{Capture, Fraction, Interface, Order, Packet, Pcap, random::Random};
use pcapng_blocks::{Content, Event, Reader};

/// A capture, and where each of its packets lies.
struct Sound {
    name: &'static str,
    bytes: Vec<u8>,
    packets: Vec<(Range<usize>, Vec<u8>)>,
}

/// Sizes as traffic has them, and now and then what a network card has put together.
fn data(random: &mut Random, number: usize) -> Vec<u8> {
    let len = match random.between(0, 9) {
        0..=4 => random.between(60, 200),
        5..=8 => random.between(200, 1514),
        _ => random.between(2000, 9000),
    };
    // As traffic does it, begins with what is small, and has zeros.
    let mut data = random.bytes(len as usize);
    data[..4].copy_from_slice(&(number as u32).to_be_bytes());
    let (from, to) = (random.between(4, len) as usize, random.between(4, len) as usize);
    data[from.min(to)..from.max(to)].fill(0);
    data
}

const PACKETS: usize = 300;
const START: u64 = 1_760_000_000;

fn pcapng(order: Order) -> Sound {
    let mut random = Random::new(1);
    let mut capture = Capture::new(order);
    capture.interface(Interface::new(1)).interface(Interface::new(1));
    let mut packets = Vec::new();
    for number in 0..PACKETS {
        let data = data(&mut random, number);
        let start = capture.offset();
        let time = START * 1_000_000 + number as u64 * 1_713;
        capture.packet(Packet::new(number as u32 % 2, time, &data));
        packets.push((start..capture.offset(), data));
    }
    let name = if order == Order::Little { "pcapng, little" } else { "pcapng, big" };
    Sound { name, bytes: capture.bytes(), packets }
}

fn pcap(order: Order, fraction: Fraction) -> Sound {
    let mut random = Random::new(2);
    let mut capture = Pcap::new(order, fraction, 1);
    let unit = if fraction == Fraction::Nano { 1_000_000_000 } else { 1_000_000 };
    let mut packets = Vec::new();
    let mut start = capture.bytes().len();
    for number in 0..PACKETS {
        let data = data(&mut random, number);
        let time = number as u64 * 1_713_271 * unit / 1_000_000_000;
        let seconds = (START + time / unit) as u32;
        capture.record(seconds, (time % unit) as u32, &data, data.len() as u32);
        let end = start + 16 + data.len();
        packets.push((start..end, data));
        start = end;
    }
    let name = if order == Order::Little { "pcap, little" } else { "pcap, big" };
    Sound { name, bytes: capture.bytes(), packets }
}

fn read(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    let mut reader = Reader::open(bytes).unwrap();
    while let Some(event) = reader.next() {
        if let Event::Block(block) = event
            && let Content::Packet(packet) = block.content
        {
            packets.push(packet.data.to_vec());
        }
    }
    packets
}

impl Sound {
    /// `bytes` is the capture after damage to this range of it.
    fn check(&self, what: &str, bytes: &[u8], damaged: &Range<usize>) {
        let found = read(bytes);
        let touched = |place: &Range<usize>| place.start < damaged.end && damaged.start < place.end;
        let mut want = self.packets.iter();
        let (mut strange, mut missing) = (0, 0);
        // Both lists are in order, and no two packets are the same.
        for packet in &found {
            let Some(ahead) = want.clone().position(|(_, data)| data == packet) else {
                strange += 1;
                continue;
            };
            missing += want.by_ref().take(ahead).filter(|(place, _)| !touched(place)).count();
            want.next();
        }
        missing += want.filter(|(place, _)| !touched(place)).count();
        let touched = self.packets.iter().filter(|(place, _)| touched(place)).count();
        let name = self.name;
        assert!(missing <= 1, "{name}, {what} at {damaged:?}: {missing} lost that were whole");
        // A packet may be given out of which a part was damaged, and no other.
        assert!(strange <= touched, "{name}, {what} at {damaged:?}: {strange} never captured");
    }
}

fn at_random_places(places: usize, damage: impl Fn(&mut Random, &Sound)) {
    let captures = [
        pcapng(Order::Little),
        pcapng(Order::Big),
        pcap(Order::Little, Fraction::Micro),
        pcap(Order::Big, Fraction::Nano),
    ];
    for (seed, sound) in captures.iter().enumerate() {
        assert_eq!(read(&sound.bytes).len(), PACKETS);
        let mut random = Random::new(seed as u64);
        for _ in 0..places {
            damage(&mut random, sound);
        }
    }
}

fn zeroed(len: usize, aligned: bool) {
    let what = format!("{len} zeros");
    at_random_places(250, |random, sound| {
        let front = sound.packets[0].0.start as u64;
        let mut start = random.between(front, sound.bytes.len() as u64 - 1) as usize;
        if aligned {
            start = (start / len * len).max(len);
        }
        let end = (start + len).min(sound.bytes.len());
        let mut bytes = sound.bytes.clone();
        bytes[start..end].fill(0);
        sound.check(&what, &bytes, &(start..end));
    });
}

#[test]
fn a_zeroed_page_costs_what_stood_in_it() {
    zeroed(4096, true);
}

#[test]
fn a_zeroed_disk_sector_costs_what_stood_in_it() {
    zeroed(512, true);
}

#[test]
fn a_zeroed_run_of_64_kib_costs_what_stood_in_it() {
    zeroed(64 << 10, false);
}

#[test]
fn a_byte_too_many_costs_the_packet_that_it_is_in() {
    at_random_places(250, |random, sound| {
        let front = sound.packets[0].0.start as u64;
        let at = random.between(front, sound.bytes.len() as u64 - 1) as usize;
        let mut bytes = sound.bytes.clone();
        let byte = if random.between(0, 1) == 0 { 0 } else { random.word() as u8 };
        bytes.insert(at, byte);
        sound.check("a byte inserted", &bytes, &(at..at + 1));
    });
}

#[test]
fn a_byte_too_few_costs_the_packet_that_it_was_in() {
    at_random_places(250, |random, sound| {
        let front = sound.packets[0].0.start as u64;
        let at = random.between(front, sound.bytes.len() as u64 - 1) as usize;
        let mut bytes = sound.bytes.clone();
        bytes.remove(at);
        sound.check("a byte removed", &bytes, &(at..at + 1));
    });
}
