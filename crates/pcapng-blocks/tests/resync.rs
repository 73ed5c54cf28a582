//! Behind a broken block the next one is found again, and nothing is found that nobody wrote.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that meets the impossible should stop"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::Reading;
use mirror_testkit::{Capture, Fraction, Interface, Order, Packet, Pcap, random::Random};
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
        for _ in 0..100 {
            let at = random.between(starts[0] as u64, bytes.len() as u64 - 1) as usize;
            bytes[at] ^= random.between(1, 255) as u8;
            damaged.insert(starts.partition_point(|start| *start <= at) - 1);
        }
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

/// A capture of somebody's packets among those of others.
struct Attacked {
    order: Order,
    bytes: Vec<u8>,
    /// Where the first of his packets begins, and the first behind his last.
    start: usize,
    end: usize,
    others: usize,
}

/// When that was, in microseconds.
const TIME: u64 = 1_760_000_000_000_000;

impl Attacked {
    fn new(order: Order, his: &[Vec<u8>]) -> Attacked {
        let mut capture = Capture::new(order);
        capture.interface(Interface::new(1));
        let mut time = TIME;
        let mut packet = |capture: &mut Capture, data: &[u8]| {
            time += 1;
            capture.packet(Packet::new(0, time, data));
        };
        for n in 0..8 {
            packet(&mut capture, &[n; 70]);
        }
        let start = capture.offset();
        his.iter().for_each(|data| packet(&mut capture, data));
        let end = capture.offset();
        for n in 8..20 {
            packet(&mut capture, &[n; 70]);
        }
        Attacked { order, bytes: capture.bytes(), start, end, others: 20 }
    }

    /// Whatever was done to his packets, what is in them is not believed, and what others
    /// sent is there.
    #[track_caller]
    fn check(&self, bytes: &[u8], what: &str) {
        let reading = Reading::of(bytes);
        let of_others =
            reading.packets.iter().filter(|packet| packet.data == [packet.data[0]; 70]).count();
        let order = self.order;
        assert_eq!(of_others, self.others, "{order:?}, {what}: {:#?}", reading.damages);
        let forged = reading.packets.iter().any(|packet| packet.data.starts_with(b"forged"));
        assert!(!forged, "{order:?}, {what}: {:#?}", reading.damages);
    }

    fn zeroed(&self, from: usize, to: usize) {
        let mut bytes = self.bytes.clone();
        bytes[from..to].fill(0);
        self.check(&bytes, &format!("{from} to {to} zeroed"));
    }
}

const ORDERS: [Order; 2] = [Order::Little, Order::Big];

/// Neither where its head is gone, nor its end, nor with a byte too many or too few.
#[test]
fn blocks_in_a_packet_do_not_win_over_the_block_that_they_lie_in() {
    for order in ORDERS {
        let attacked = Attacked::new(order, &[forged(order)]);
        let (start, end) = (attacked.start, attacked.end);
        for to in start + 1..end - 4 {
            attacked.zeroed(start, to);
        }
        for from in start + 68..end {
            attacked.zeroed(from, end);
        }
        for at in start..end {
            for byte in [0, 1, 0xFF] {
                let mut bytes = attacked.bytes.clone();
                bytes[at] = byte;
                attacked.check(&bytes, &format!("{byte} at {at}"));
                let mut bytes = attacked.bytes.clone();
                bytes.insert(at, byte);
                attacked.check(&bytes, &format!("{byte} inserted at {at}"));
            }
            let mut bytes = attacked.bytes.clone();
            bytes.remove(at);
            attacked.check(&bytes, &format!("{at} removed"));
        }
    }
}

/// Packets with a chain of blocks across them, each of which begins in one packet and ends in the
/// next; and before the first, the length of the block that the first packet is.
fn chained(order: Order, count: usize) -> Vec<Vec<u8>> {
    let stride = 1000 + 32;
    let packet = |n: usize| {
        let before = if n == 0 { 28 + 100 } else { stride };
        let mut data = vec![0x5A; 96];
        data.extend(order.u32(before));
        for word in [6, stride, 0, (TIME >> 32) as u32, TIME as u32, 900, 900] {
            data.extend(order.u32(word));
        }
        data.extend(b"forged");
        data.resize(1000, 0x5A);
        data
    };
    (0..count).map(packet).collect()
}

#[test]
fn a_chain_across_packets_does_not_win_over_the_chain_of_these_packets() {
    for order in ORDERS {
        for count in [1, 2, 3, 30, 200] {
            let attacked = Attacked::new(order, &chained(order, count));
            for to in [1, 4, 8, 28, 100, 128] {
                attacked.zeroed(attacked.start, attacked.start + to);
            }
        }
    }
}

/// What is in doubt is lost: only his packets are in it.
#[test]
fn of_two_chains_that_go_on_and_on_neither_is_believed() {
    for order in ORDERS {
        let attacked = Attacked::new(order, &chained(order, 1500));
        attacked.zeroed(attacked.start, attacked.start + 8);
    }
}

/// A pcap file that somebody transfers, in pieces that end anywhere in its records, and the
/// capture of that.
#[test]
fn records_of_a_capture_that_is_transferred_do_not_win_over_those_that_they_lie_in() {
    for order in ORDERS {
        let mut inner = Pcap::new(order, Fraction::Micro, 1);
        for n in 0..300_u32 {
            let mut data = vec![n as u8; 90 + n as usize % 7];
            data[..6].copy_from_slice(b"forged");
            inner.record(1_759_990_000 + n, n, &data, data.len() as u32);
        }
        let inner = inner.bytes();
        let (mut capture, mut starts) = (Pcap::new(order, Fraction::Micro, 1), Vec::new());
        for (n, piece) in inner.chunks(997).enumerate() {
            let data = [&[0x5A; 54][..], piece].concat();
            starts.push(capture.bytes().len());
            capture.record(1_760_000_000, n as u32, &data, data.len() as u32);
        }
        let sound = capture.bytes();
        // The last piece ends where a record does, and then nothing shows that it lies in another.
        for (n, start) in starts[..starts.len() - 1].iter().enumerate().skip(1) {
            for len in [16, 70, 300, 600] {
                let mut bytes = sound.clone();
                let end = (start + len).min(sound.len());
                bytes[*start..end].fill(0);
                let reading = Reading::of(&bytes[..]);
                let forged =
                    reading.packets.iter().filter(|one| one.data.starts_with(b"forged")).count();
                assert_eq!(forged, 0, "piece {n}, {len} zeroed: {:#?}", reading.damages);
                assert_eq!(reading.packets.len(), starts.len() - 1, "{:#?}", reading.damages);
            }
        }
    }
}
