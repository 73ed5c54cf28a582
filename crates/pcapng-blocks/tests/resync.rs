//! Behind a broken block the next one is found again, and nothing is found that nobody wrote.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that meets the impossible should stop"
)]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use common::Reading;
use mirror_testkit::{Capture, Interface, Order, Packet, random::Random};
use pcapng_blocks::{Content, Event, Reader};

const PACKETS: u64 = 10_000;

/// The data of every packet that is read, by its time.
fn packets(bytes: &[u8]) -> BTreeMap<u64, Vec<u8>> {
    let mut packets = BTreeMap::new();
    let mut reader = Reader::open(bytes).unwrap();
    while let Some(event) = reader.next() {
        if let Event::Block(block) = event
            && let Content::Packet(packet) = block.content
            && let Some(time) = packet.timestamp
        {
            let time = u64::from(time.high) << 32 | u64::from(time.low);
            packets.insert(time, packet.data.to_vec());
        }
    }
    packets
}

/// A hundred bytes changed in ten thousand packets: what is lost is the packets that they stand
/// in, and no more than one beside.
#[test]
fn a_hundred_damages_cost_a_hundred_packets() {
    for seed in 0..6 {
        let mut random = Random::new(seed);
        let mut capture = Capture::new(if seed % 2 == 0 { Order::Little } else { Order::Big });
        capture.interface(Interface::new(1));
        let mut starts = Vec::new();
        for time in 0..PACKETS {
            starts.push(capture.offset());
            let length = random.between(60, 300) as usize;
            capture.packet(Packet::new(0, time, random.bytes(length)));
        }
        let sound = capture.bytes();
        let whole = packets(&sound);
        assert_eq!(whole.len() as u64, PACKETS);

        let mut bytes = sound.clone();
        let mut damaged = BTreeSet::new();
        // A length that became as large as what is left is that of a block which was cut, so the
        // last of them is not touched.
        let last = bytes.len() - (64 << 10) - 1;
        for _ in 0..100 {
            let at = random.between(starts[0] as u64, last as u64) as usize;
            bytes[at] ^= random.between(1, 255) as u8;
            damaged.insert(starts.partition_point(|start| *start <= at) - 1);
        }
        // A megabyte and more in a length of 24 bits: see above.
        let is_cut = |start: usize| {
            let length: [u8; 4] = bytes[start + 4..start + 8].try_into().unwrap();
            let length =
                if seed % 2 == 0 { u32::from_le_bytes(length) } else { u32::from_be_bytes(length) };
            let left = bytes.len() - start;
            length.is_multiple_of(4) && (left..=512 << 10).contains(&(length as usize))
        };
        assert!(!damaged.iter().any(|n| is_cut(starts[*n])), "seed {seed}");
        let found = packets(&bytes);
        let kept = whole.iter().filter(|(time, data)| found.get(time) == Some(data)).count() as u64;
        let lost = PACKETS - kept;
        assert!(lost <= damaged.len() as u64 + 1, "seed {seed}: {lost} of {} lost", damaged.len());
        let forged = found.iter().filter(|(time, data)| whole.get(time) != Some(data)).count();
        assert!(forged <= damaged.len(), "seed {seed}: {forged} packets that nobody captured");
    }
}

/// A packet that somebody sent, with blocks in it as they stand in a file and the end of a block
/// before them.
fn forged(order: Order) -> Vec<u8> {
    let mut inside = Capture::new(order);
    let front = inside.offset();
    inside.interface(Interface::new(1)).packet(Packet::new(0, 666, b"forged"));
    let blocks = inside.bytes()[front..].to_vec();
    let mut data = vec![0; 36];
    // 28 bytes stand before the data, and this ends after 40 of it.
    let end = match order {
        Order::Little => 68_u32.to_le_bytes(),
        Order::Big => 68_u32.to_be_bytes(),
    };
    data.extend(end);
    data.extend(blocks.repeat(20));
    data
}

/// Wherever the capture ends within such a packet, it is a packet that was cut.
#[test]
fn nobody_who_sends_packets_writes_blocks_into_a_capture_that_is_cut() {
    for order in [Order::Little, Order::Big] {
        let mut capture = Capture::new(order);
        capture.interface(Interface::new(1)).packet(Packet::new(0, 1, [1; 60]));
        let start = capture.offset();
        capture.packet(Packet::new(0, 2, forged(order)));
        let bytes = capture.bytes();
        for end in start..bytes.len() {
            let reading = Reading::of(&bytes[..end]);
            assert_eq!(reading.packets.len(), 1, "cut at {end}");
        }
    }
}

/// Each of them would be looked through to its end, again and again.
#[test]
fn blocks_without_an_end_are_not_looked_through_for_ever() {
    let mut bytes = Capture::new(Order::Little).bytes();
    for _ in 0..700_000 {
        // Of no known kind, its two lengths different.
        bytes.extend([[0xEE, 0xEE, 0, 0], [12, 0, 0, 0], [16, 0, 0, 0]].concat());
    }
    let start = Instant::now();
    let mut reader = Reader::open(&bytes[..]).unwrap();
    let mut damages = 0;
    while let Some(event) = reader.next() {
        damages += usize::from(matches!(event, Event::Damage(_)));
    }
    assert_eq!(damages, 700_000);
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}
