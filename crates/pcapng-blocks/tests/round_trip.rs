//! Sound captures of any shape, against a decoder and a crate that share no
//! code with this one.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that meets the impossible should stop"
)]

mod common;

use common::{Pieces, Reading, Told, captures};
use mirror_testkit::{Order, decode};
use pcap_file::pcapng::{Block, PcapNgReader};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

fn undamaged(bytes: &[u8]) -> Reading {
    let reading = Reading::of(bytes);
    assert!(reading.damages.is_empty(), "{:#?}", reading.damages);
    reading
}

/// The packets of a capture as the testkit's decoder tells them.
fn decoded(bytes: &[u8]) -> Vec<Told> {
    let decoded = decode::pcapng(bytes);
    assert_eq!(decoded.stop, None);
    let packet = |block: &decode::Block| {
        let (interface, time, data, original) = match &block.content {
            decode::Content::Packet { interface, time, data, original, .. } => {
                (*interface, Some(*time), data, *original)
            }
            decode::Content::Simple { original, data } => (0, None, data, *original),
            _ => return None,
        };
        let options = block.options.list.clone();
        let (order, data) = (block.order, data.clone());
        Some(Told { order, interface, time, data, original, options })
    };
    decoded.blocks.iter().filter_map(packet).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_capture_copied_block_by_block_is_the_same_byte_for_byte(bytes in captures(false)) {
        prop_assert_eq!(undamaged(&bytes).copied, bytes);
    }

    #[test]
    fn the_packets_are_those_that_the_independent_decoder_finds(bytes in captures(false)) {
        prop_assert_eq!(undamaged(&bytes).packets, decoded(&bytes));
    }

    #[test]
    fn the_packets_are_those_that_pcap_file_finds(bytes in captures(true)) {
        let ours = undamaged(&bytes).packets;
        let mut theirs = PcapNgReader::new(&bytes[..]).unwrap();
        let mut ours = ours.iter();
        while let Some(block) = theirs.next_block() {
            match block.unwrap() {
                Block::EnhancedPacket(packet) => {
                    let our = ours.next().unwrap();
                    // It reads the words as nanoseconds whatever the interface says.
                    prop_assert_eq!(our.time.map(u128::from), Some(packet.timestamp.as_nanos()));
                    prop_assert_eq!(our.interface, packet.interface_id);
                    prop_assert_eq!(our.original, packet.original_len);
                    prop_assert_eq!(&our.data[..], &packet.data[..]);
                    prop_assert_eq!(our.options.len(), packet.options.len());
                }
                Block::Packet(packet) => {
                    let our = ours.next().unwrap();
                    // It reads the two words as one number, which turns them round in
                    // little-endian sections; the upper comes first in both.
                    let time = match our.order {
                        Order::Little => our.time.map(|time| time.rotate_left(32)),
                        Order::Big => our.time,
                    };
                    prop_assert_eq!(time, Some(packet.timestamp));
                    prop_assert_eq!(our.interface, u32::from(packet.interface_id));
                    prop_assert_eq!(our.original, packet.original_len);
                    prop_assert_eq!(&our.data[..], &packet.data[..]);
                    prop_assert_eq!(our.options.len(), packet.options.len());
                }
                Block::SimplePacket(packet) => {
                    let our = ours.next().unwrap();
                    prop_assert_eq!((our.time, our.interface), (None, 0));
                    prop_assert_eq!(our.original, packet.original_len);
                    // It takes all that the block holds, padding too.
                    prop_assert!(packet.data.starts_with(&our.data));
                    prop_assert!(packet.data.len() < our.data.len() + 4);
                }
                _ => {}
            }
        }
        prop_assert_eq!(ours.next(), None);
    }

    /// Damaged ones too: where the pieces are cut must not matter to anything.
    #[test]
    fn however_the_bytes_arrive_the_events_are_the_same(
        bytes in captures(false),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        most in prop::sample::select(vec![1_usize, 3, 4096]),
    ) {
        let mut bytes = bytes;
        for (place, value) in changes {
            let at = place.index(bytes.len());
            bytes[at] = value;
        }
        let whole = Reading::of(&bytes[..]);
        prop_assert_eq!(&Reading::of(Pieces { bytes: &bytes, most }), &whole);
        whole.check_bounded(&bytes);
    }

    /// What is copied of a damaged capture is a sound one, if it was sound up to
    /// the damage, and what was sound is in it.
    #[test]
    fn a_cut_capture_is_copied_up_to_where_its_last_whole_block_ends(
        bytes in captures(false),
        place in any::<prop::sample::Index>(),
    ) {
        let cut = &bytes[..place.index(bytes.len())];
        let reading = Reading::of(cut);
        prop_assert!(cut.starts_with(&reading.copied));
        let decoded = decode::pcapng(cut);
        let end = decoded.stop.map_or(cut.len(), |stop| stop.offset);
        prop_assert_eq!(reading.copied.len(), end);
    }
}

/// The strategy above must not quietly make only small or uniform captures.
#[test]
fn the_captures_of_these_tests_are_of_every_kind() {
    let mut runner = TestRunner::deterministic();
    let (mut kinds, mut orders) = (std::collections::BTreeSet::new(), 0);
    for _ in 0..200 {
        let bytes = captures(false).new_tree(&mut runner).unwrap().current();
        let blocks = decode::pcapng(&bytes).blocks;
        kinds.extend(blocks.iter().map(|block| block.kind).filter(|kind| *kind < 0x100));
        let first = blocks[0].order;
        orders += usize::from(blocks.iter().any(|block| block.order != first));
        assert!(first == Order::Little || first == Order::Big);
    }
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), [1, 2, 3, 5, 6, 10]);
    assert!(orders > 20, "{orders} captures of both byte orders");
}
