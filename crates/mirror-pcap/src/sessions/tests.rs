//! The inventory of bytes: whatever they are, its counts close.

use clap::Parser;
use mirror_testkit::cases;
use pcapng_blocks::{Compression, Reader};
use proptest::prelude::*;

use super::inventory::{Inventory, Packets};
use crate::{
    cli::{self, Cli, Command},
    strip::tests::support::strip,
};

fn args() -> cli::Sessions {
    match Cli::try_parse_from(["mirror-pcap", "sessions", "in"]) {
        Ok(Cli { command: Command::Sessions(args) }) => args,
        other => panic!("{other:?}"),
    }
}

/// The counts of a capture, which must close; `None` if it is none.
fn packets(capture: &[u8]) -> Option<Packets> {
    let mut reader = Reader::open(capture).ok()?;
    let mut inventory = Inventory::new(&args(), None);
    inventory.begin("in", Compression::None);
    while let Some(event) = reader.next() {
        inventory.take(&event);
    }
    inventory.end();
    let packets = inventory.packets();
    let Packets { read, wrapped, stripped, other, damaged } = packets;
    assert_eq!(read, wrapped + stripped + other + damaged, "{packets:?}");
    for session in inventory.sessions() {
        assert_eq!(session.directions().iter().sum::<u64>(), session.packets());
        let cuts = session.cuts();
        assert_eq!(cuts.iter().map(|(_, packets, _)| packets).sum::<u64>(), session.cut());
        assert!(session.cut() <= session.packets());
    }
    let duplicates = inventory.duplicates();
    let tally = duplicates.tally();
    let pairs: u64 = duplicates.pairs().iter().map(|(_, tally)| tally.packets).sum();
    assert_eq!(pairs + duplicates.others(), tally.packets);
    assert!(tally.forwarded <= tally.packets && tally.packets <= wrapped + stripped);
    let unwrapped: u64 = duplicates.unwrapped().iter().map(|(_, packets)| packets).sum();
    assert!(unwrapped <= other);
    // No panic, whatever is in it.
    let text = super::text::text(&inventory);
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    assert!(super::json::text(&inventory).is_ok());
    Some(packets)
}

#[test]
fn what_strip_strips_is_what_is_wrapped() {
    let mut wrapped = 0;
    for case in cases::all() {
        let Some(packets) = packets(&case.bytes) else { continue };
        let [stripped, kept, left_out] = strip("", &case.bytes).counts.totals();
        assert_eq!(packets.wrapped, stripped, "{}", case.folder);
        assert_eq!(packets.stripped + packets.other, kept, "{}", case.folder);
        assert_eq!(packets.damaged, left_out, "{}", case.folder);
        wrapped += stripped;
    }
    assert!(wrapped > 200, "{wrapped}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A capture, stripped or not, with some bytes changed and its end gone.
    #[test]
    fn the_counts_of_a_broken_capture_close(
        case in 0_usize..1000,
        is_stripped: bool,
        changes in prop::collection::vec((0_usize..1 << 20, any::<u8>()), 0..20),
        end in 0_usize..1 << 20,
    ) {
        let cases = cases::all();
        let mut bytes = cases[case % cases.len()].bytes.clone();
        if is_stripped && Reader::open(&bytes[..]).is_ok() {
            bytes = strip("", &bytes).bytes;
        }
        let len = bytes.len();
        for (at, byte) in changes {
            bytes[at % len] = byte;
        }
        if end % 4 == 0 {
            bytes.truncate(end % len);
        }
        packets(&bytes);
    }
}
