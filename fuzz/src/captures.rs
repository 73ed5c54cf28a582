//! Captures, in one piece and in many.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read},
};

use pcapng_blocks::{Block, Clock, Content, Event, Interface, Options, Packet, Reader, decompress};

/// Enough of a compressed stream: what comes after is no different.
const MOST_DECOMPRESSED: u64 = 1 << 20;

/// A capture reads the same however its bytes arrive; blocks are copied as they
/// are; and a copy with everything patched that may be patched is as sound.
pub fn pcapng(data: &[u8]) {
    let reading = read_in_pieces(data);
    if data.starts_with(&[0x0A, 0x0D, 0x0D, 0x0A]) {
        reading.check_copies(data);
    }
    reading.check_rewritten();
}

/// A classic capture reads the same however its bytes arrive, and the pcapng
/// that its copy is holds the same packets.
pub fn pcap(data: &[u8]) {
    let reading = read_in_pieces(data);
    if data.starts_with(&[0x0A, 0x0D, 0x0D, 0x0A]) {
        return;
    }
    reading.check_rewritten();
    let copied: Vec<u8> = reading.copies.concat();
    let again = Reading::of(&copied[..]);
    assert!(reading.copies.is_empty() || !again.damaged, "{:?}", again.lines);
    assert_eq!(again.packets, reading.packets);
    assert_eq!(again.copies, reading.copies);
}

/// A stream of any kind is decompressed the same however its bytes arrive, and
/// what comes out can be read as a capture, or not.
pub fn compressed(data: &[u8]) {
    let whole = decompressed(data);
    let pieces = decompressed(Pieces { bytes: data, most: 1 });
    match (whole, pieces) {
        (Ok(whole), Ok(pieces)) => {
            assert_eq!(whole, pieces);
            let _ = Reading::of(&whole[..]);
        }
        // How much comes out before the fault is the codec's affair.
        (whole, pieces) => assert_eq!(whole.is_err(), pieces.is_err()),
    }
    // A fault in the stream is damage in the capture.
    if let Ok((stream, _)) = decompress(data) {
        let _ = Reading::of(stream.take(MOST_DECOMPRESSED));
    }
}

fn decompressed(input: impl Read + Send) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let (stream, _) = decompress(input)?;
    stream.take(MOST_DECOMPRESSED).read_to_end(&mut out)?;
    Ok(out)
}

/// Gives at most so many bytes a read.
struct Pieces<'a> {
    bytes: &'a [u8],
    most: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = self.most.min(buffer.len());
        let (buffer, _) = buffer.split_at_mut(most);
        self.bytes.read(buffer)
    }
}

fn read_in_pieces(data: &[u8]) -> Reading {
    let whole = Reading::of(data);
    for most in [4096, 1] {
        let pieces = Reading::of(Pieces { bytes: data, most });
        assert_eq!(whole, pieces, "pieces of {most}");
    }
    // A block has 12 bytes at least, a record 16; and three more of section,
    // interface and end.
    assert!(whole.lines.len() <= data.len() / 12 + 3, "{} events", whole.lines.len());
    whole
}

/// All that a reader says of a capture.
#[derive(Debug, Default, PartialEq, Eq)]
struct Reading {
    /// Each event in words, or why there is none.
    lines: Vec<String>,
    /// Each packet in words.
    packets: Vec<String>,
    /// Where each block begins that is no damage.
    offsets: Vec<u64>,
    /// Each block as it is copied.
    copies: Vec<Vec<u8>>,
    /// All blocks with everything patched that a rewriter patches.
    rewritten: Vec<u8>,
    damaged: bool,
}

impl Reading {
    fn of(input: impl Read) -> Reading {
        let mut reading = Reading::default();
        let mut reader = match Reader::open(input) {
            Ok(reader) => reader,
            Err(error) => {
                reading.lines.push(error.to_string());
                reading.damaged = true;
                return reading;
            }
        };
        let mut described = Vec::new();
        while let Some(event) = reader.next() {
            match event {
                Event::Block(block) => reading.block(&block, &mut described),
                Event::Damage(damage) => {
                    assert!(!damage.packet || !damage.fatal, "a packet lost with all behind it");
                    reading.lines.push(format!("{damage} {} {}", damage.packet, damage.fatal));
                    reading.damaged = true;
                }
            }
            let _ = reader.must_wait();
        }
        assert!(reader.next().is_none(), "something behind the end");
        assert!(!reader.must_wait(), "waiting behind the end");
        reading
    }

    /// `described` are the interfaces of this section, by their numbers.
    fn block(&mut self, block: &Block<'_>, described: &mut Vec<(u32, Clock)>) {
        let described_as = |described: &[(u32, Clock)], id| {
            described
                .binary_search_by_key(&id, |(id, _)| *id)
                .ok()
                .and_then(|at| described.get(at))
                .map(|(_, clock)| *clock)
        };
        let mut copy = Vec::new();
        block.copy(&mut copy);
        assert!(copy.len() >= 12 && copy.len().is_multiple_of(4), "{} bytes", copy.len());
        let what = match block.content {
            Content::Section(section) => {
                described.clear();
                block.copy_section(&mut self.rewritten);
                format!("section {}", section.is_known())
            }
            Content::Interface(interface) => {
                assert!(described.last().is_none_or(|(last, _)| *last < interface.id));
                described.push((interface.id, interface.clock()));
                block.copy_interface(&mut self.rewritten, interface.snaplen);
                self.interface(&interface)
            }
            Content::Packet(packet) => {
                let clock = described_as(described, packet.interface);
                assert!(clock.is_some(), "{} of {described:?}", packet.interface);
                self.packet(block, &packet, &copy, clock)
            }
            Content::Statistics { interface } => {
                assert!(described_as(described, interface).is_some());
                assert!(block.copy_renumbered(&mut self.rewritten, interface));
                format!("statistics of {interface}")
            }
            Content::Other { .. } | Content::Foreign => {
                block.copy(&mut self.rewritten);
                format!("{:?}", block.content)
            }
        };
        self.lines.push(format!("{} {:?} {what}", block.offset, block.order));
        self.offsets.push(block.offset);
        self.copies.push(copy);
    }

    fn interface(&mut self, interface: &Interface<'_>) -> String {
        let clock = interface.clock();
        assert!(interface.fcs_len() <= 31);
        walk(interface.options);
        format!(
            "interface {} {} {} {clock:?}",
            interface.id, interface.link_type, interface.snaplen
        )
    }

    fn packet(
        &mut self,
        block: &Block<'_>,
        packet: &Packet<'_>,
        copy: &[u8],
        clock: Option<Clock>,
    ) -> String {
        assert!(packet.data.len() + 16 <= copy.len(), "more data than block");
        assert!(packet.fcs_len(4) <= 15);
        walk(packet.options);
        let before = self.rewritten.len();
        assert!(block.copy_renumbered(&mut self.rewritten, packet.interface));
        assert_eq!(self.rewritten.get(before..), Some(copy), "its own number changes nothing");
        // Some other number changes the number, or cannot be written at all.
        let mut other = Vec::new();
        let number = packet.interface ^ 0x0001_0001;
        let want = if block.copy_renumbered(&mut other, number) { copy.len() } else { 0 };
        assert_eq!(other.len(), want);
        let moment =
            clock.zip(packet.timestamp).map(|(clock, stamp)| clock.split(stamp, 1_000_000));
        // Its bytes in words would take longer than all the rest.
        let mut data = DefaultHasher::new();
        packet.data.hash(&mut data);
        self.packets.push(format!(
            "{} {:?} {:?} {} of {}, {:x}",
            packet.interface,
            packet.timestamp,
            moment,
            packet.data.len(),
            packet.original_len,
            data.finish()
        ));
        format!("{:?} packet {}", packet.form, self.packets.len())
    }

    /// Every block of a pcapng file is copied as it stands there, and an
    /// undamaged file is nothing but its blocks.
    fn check_copies(&self, data: &[u8]) {
        let mut end = 0;
        for (offset, copy) in self.offsets.iter().zip(&self.copies) {
            assert!(self.damaged || end == *offset, "a gap before byte {offset}");
            end = offset + copy.len() as u64;
            let place = usize::try_from(*offset).ok().and_then(|at| data.get(at..at + copy.len()));
            assert_eq!(place, Some(&copy[..]), "the block at byte {offset}");
        }
        assert!(self.damaged || end == data.len() as u64);
    }

    /// What was rewritten is no less sound than what was read.
    fn check_rewritten(&self) {
        if self.damaged {
            return;
        }
        let again = Reading::of(&self.rewritten[..]);
        assert!(!again.damaged, "{:?}", again.lines);
        assert_eq!(again.packets, self.packets);
        assert_eq!(again.offsets.len(), self.offsets.len());
    }
}

/// An option list ends, and what was found of it lies in it in order.
fn walk(options: Options<'_>) {
    let mut used = 0;
    let mut faults = 0;
    for option in options.iter() {
        assert_eq!(faults, 0, "something behind a fault");
        match option {
            Ok(option) => used += 4 + option.value.len().next_multiple_of(4),
            Err(fault) => {
                assert_eq!((fault.at, fault.at + fault.left), (used, options.bytes().len()));
                assert!(fault.needs > fault.left);
                faults += 1;
            }
        }
    }
    assert!(used <= options.bytes().len());
    assert!(options.comments().count() <= used / 4);
}
