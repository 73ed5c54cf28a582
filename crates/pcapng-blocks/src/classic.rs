//! Classic pcap files, read as one pcapng section with one interface.
//!
//! The section has the byte order of the file, and the interface counts the
//! units that the file does, so a time stamp becomes seconds times units plus
//! fraction: the same moment to the last digit. The resolution is always
//! written out, the frame check sequence that the link type field may announce
//! becomes `if_fcslen`, and records stay where they lie until they are copied.
//!
//! A record has one length, so nothing but the next record shows that it was true. One that is not
//! like those before it counts only if another follows; behind one that is none, records are looked
//! for that are (see `resync`).

use std::io::Read;

use crate::{
    Block, ByteOrder, Content, Damage, Form, OpenError, Options, Packet, Problem, Timestamp,
    chains::{Frames, Head},
    kind,
    options::code,
    reader::MAX_BLOCK_LEN,
    resync::Resync,
    section::read_front,
    window::Window,
    write::{OptionsWriter, push_block},
};

const FILE_HEADER_LEN: usize = 24;
const RECORD_HEADER_LEN: usize = 16;

/// The longest packet that libpcap and Wireshark believe in, of nearly every link type.
const USUAL_MAX_PACKET: u32 = 262_144;

/// The longest of any link type, D-Bus. As a block it is still one that is read.
const MAX_PACKET: u32 = 128 << 20;
const _: () = assert!(MAX_PACKET < MAX_BLOCK_LEN - 1024);

/// A packet that is no longer surprises nobody: a jumbo frame, and a little.
const USUAL_PACKET: u32 = 9216;

/// Seconds that may lie between one record and any other of a capture: three years.
const ERA: u32 = 100_000_000;

/// Seconds that may lie between one record and the next, if the one is odd: a week.
const WEEK: u32 = 604_800;

/// The two blocks that come before the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Front {
    Section,
    Interface,
}

#[derive(Debug)]
pub(crate) struct Classic {
    records: Records,
    resync: Resync,
    section: Vec<u8>,
    interface: Vec<u8>,
    /// What of the front is still to be given out.
    front: Option<Front>,
}

/// What the records of a capture have in common.
#[derive(Debug)]
struct Records {
    order: ByteOrder,
    /// Units of a record's fraction in a second.
    per_second: u32,
    max_packet: u32,
    /// The seconds of the last record.
    last: Option<u32>,
    /// Whether it was one that no usual writer writes: then others may be so too.
    was_odd: bool,
    /// The longest captured length so far, or one that is usual.
    longest: u32,
}

/// The head of a record.
#[derive(Clone, Copy, Debug)]
struct RecordHead {
    seconds: u32,
    fraction: u32,
    captured: u32,
    original: u32,
}

impl Classic {
    /// `magic` is the first four bytes of the window.
    pub(crate) fn open<R: Read>(
        magic: [u8; 4],
        window: &mut Window<R>,
    ) -> Result<Classic, OpenError> {
        //= https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcap#section-4
        //# If the value is 0xA1B2C3D4, timestamps in Packet Records (see Figure 3) are in
        //# seconds and microseconds; if it is 0xA1B23C4D, timestamps in Packet Records are
        //# in seconds and nanoseconds.
        let (order, nano) = match magic {
            [0xD4, 0xC3, 0xB2, 0xA1] => (ByteOrder::Little, false),
            [0xA1, 0xB2, 0xC3, 0xD4] => (ByteOrder::Big, false),
            [0x4D, 0x3C, 0xB2, 0xA1] => (ByteOrder::Little, true),
            [0xA1, 0xB2, 0x3C, 0x4D] => (ByteOrder::Big, true),
            [0x34, 0xCD, 0xB2, 0xA1] | [0xA1, 0xB2, 0xCD, 0x34] => {
                let what = "the pcap variant with extended records (magic a1 b2 cd 34)";
                return Err(OpenError::Unsupported { what: what.to_owned() });
            }
            _ => {
                let _ = window.fill(8);
                let found = window.bytes().iter().take(8).copied().collect();
                return Err(OpenError::NotACapture { found });
            }
        };
        if !window.fill(FILE_HEADER_LEN) {
            return Err(match window.take_error() {
                Some(error) => OpenError::Read(error),
                None => OpenError::Cut { left: window.bytes().len() as u64 },
            });
        }
        let [_, [j0, j1, n0, n1], _, _, snaplen, link, ..] = window.bytes().as_chunks::<4>().0
        else {
            return Err(OpenError::Cut { left: window.bytes().len() as u64 });
        };
        let version = (order.u16([*j0, *j1]), order.u16([*n0, *n1]));
        // Before 2.3, records had their two lengths the other way round, and in
        // files of 2.3 they come either way. Nobody has written those in decades.
        if version.0 != 2 || version.1 < 4 {
            let what = format!("pcap version {}.{}", version.0, version.1);
            return Err(OpenError::Unsupported { what });
        }
        let (snaplen, link) = (order.u32(*snaplen), order.u32(*link));
        window.consume(FILE_HEADER_LEN);
        Ok(Classic {
            records: Records {
                order,
                per_second: if nano { 1_000_000_000 } else { 1_000_000 },
                max_packet: snaplen.clamp(USUAL_MAX_PACKET, MAX_PACKET),
                last: None,
                was_odd: false,
                longest: USUAL_PACKET,
            },
            resync: Resync::new(),
            section: section_block(order),
            interface: interface_block(order, nano, snaplen, link),
            front: Some(Front::Section),
        })
    }

    /// The next event, and the bytes of the window that it is made of.
    pub(crate) fn next<'a, R: Read>(
        &'a mut self,
        window: &'a mut Window<R>,
    ) -> (Option<Result<Block<'a>, Damage>>, usize) {
        let order = self.records.order;
        match self.front {
            Some(Front::Section) => {
                self.front = Some(Front::Interface);
                return (Some(read_front(order, &self.section, Front::Section)), 0);
            }
            Some(Front::Interface) => {
                self.front = None;
                return (Some(read_front(order, &self.interface, Front::Interface)), 0);
            }
            None => {}
        }
        let offset = window.offset();
        match self.records.next_frame(window) {
            Ok(Some((head, len))) => {
                self.records.was_odd = !self.records.is_possible(head);
                self.records.last = Some(head.seconds);
                self.records.longest = self.records.longest.max(head.captured);
                let bytes = window.bytes().get(RECORD_HEADER_LEN..len).unwrap_or_default();
                let content = Content::Packet(self.records.packet(head, bytes));
                (Some(Ok(Block { offset, order, content, bytes: None })), len)
            }
            Ok(None) => (None, 0),
            Err((problem, is_end)) => {
                let place = if is_end {
                    None
                } else {
                    self.resync.find(window, &self.records, None).map(|place| place.offset)
                };
                // What failed is told next.
                let failed = window.has_failed().then(|| window.offset());
                let passed_to = place.or(failed);
                let fatal = passed_to.is_none();
                (Some(Err(Damage { offset, problem, packet: false, passed_to, fatal })), 0)
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn looked_at(&self) -> u64 {
        self.resync.looked_at
    }

    /// Whether `bytes`, what is left in the window, are enough for the next event.
    pub(crate) fn has_record(&self, bytes: &[u8]) -> bool {
        match self.records.record_head(bytes) {
            _ if self.front.is_some() => true,
            Some(head) => {
                let behind = if self.records.is_usual(head) { 0 } else { RECORD_HEADER_LEN };
                bytes.len() >= RECORD_HEADER_LEN + head.captured as usize + behind
            }
            None => false,
        }
    }
}

impl Records {
    fn record_head(&self, bytes: &[u8]) -> Option<RecordHead> {
        let [seconds, fraction, captured, original, ..] = bytes.as_chunks::<4>().0 else {
            return None;
        };
        let [seconds, fraction, captured, original] =
            [seconds, fraction, captured, original].map(|word| self.order.u32(*word));
        Some(RecordHead { seconds, fraction, captured, original })
    }

    /// The record that the window begins with, and its length. An error comes with whether nothing
    /// is to be looked for behind it.
    fn next_frame<R: Read>(
        &self,
        window: &mut Window<R>,
    ) -> Result<Option<(RecordHead, usize)>, (Problem, bool)> {
        let cut = |window: &mut Window<R>, needs| match window.take_error() {
            Some(error) => Problem::Read(error),
            None => Problem::Cut { needs: needs as u64, left: window.bytes().len() as u64 },
        };
        if !window.fill(RECORD_HEADER_LEN) {
            let is_end = window.bytes().is_empty() && !window.has_failed();
            return if is_end { Ok(None) } else { Err((cut(window, RECORD_HEADER_LEN), true)) };
        }
        let Some(head) = self.record_head(window.bytes()) else { return Ok(None) };
        let RecordHead { seconds, captured, original, .. } = head;
        if captured > self.max_packet {
            return Err((Problem::LongRecord { captured, limit: self.max_packet }, false));
        }
        let len = RECORD_HEADER_LEN + captured as usize;
        if !window.fill(len) {
            // It may be a packet that somebody sent, with something in it that looks like records.
            let is_true = self.is_possible(head) || self.was_odd || window.has_failed();
            return Err((cut(window, len), is_true));
        }
        if self.is_usual(head) || self.is_followed(window, head, len) {
            return Ok(Some((head, len)));
        }
        Err((Problem::OddRecord { seconds, captured, original }, false))
    }

    /// Whether a record is like those before it.
    #[inline]
    fn is_usual(&self, head: RecordHead) -> bool {
        self.is_possible(head) && head.captured <= self.longest
    }

    /// Whether a record can be of this capture.
    #[inline]
    fn is_possible(&self, head: RecordHead) -> bool {
        self.last.is_none_or(|last| head.seconds.abs_diff(last) <= ERA) && self.is_sound(head)
    }

    /// Whether a record can be of some capture, whatever its seconds.
    #[inline]
    fn is_sound(&self, head: RecordHead) -> bool {
        head.fraction < self.per_second
            && head.captured <= head.original
            && (1..=self.max_packet).contains(&head.original)
    }

    /// Whether a record begins `at` bytes into the window that may follow this one, or the capture
    /// ends there.
    #[cold]
    fn is_followed<R: Read>(&self, window: &mut Window<R>, head: RecordHead, at: usize) -> bool {
        if !window.fill(at + RECORD_HEADER_LEN) {
            return true;
        }
        let Some(next) = self.record_head(window.bytes().get(at..).unwrap_or_default()) else {
            return false;
        };
        if next.seconds.abs_diff(head.seconds) <= WEEK {
            return next.captured <= self.max_packet && (next.seconds, next.original) != (0, 0);
        }
        // Captures that were merged, or whose clock was set, have times of all kinds. Then two more
        // whole records have to follow, or the end.
        let mut at = at;
        for _ in 0..2 {
            if !window.fill(at + RECORD_HEADER_LEN) {
                return window.bytes().len() == at;
            }
            let Some(next) = self.record_head(window.bytes().get(at..).unwrap_or_default()) else {
                return false;
            };
            at += RECORD_HEADER_LEN + next.captured as usize;
            if !self.is_sound(next) {
                // Whatever it says, if nothing is left behind it.
                return (1..=next.original.min(self.max_packet)).contains(&next.captured)
                    && window.fill(at)
                    && !window.fill(at + 1);
            }
        }
        true
    }

    fn packet<'a>(&self, head: RecordHead, data: &'a [u8]) -> Packet<'a> {
        // At most 2^32 * 10^9 + 2^32 < 2^63. A fraction of a second or more is
        // wrong but counts as what it says, as in libpcap's readers.
        let units = u64::from(head.seconds) * u64::from(self.per_second) + u64::from(head.fraction);
        Packet {
            form: Form::Record,
            interface: 0,
            timestamp: Some(Timestamp::from_units(units)),
            data,
            original_len: head.original,
            options: Options::new(self.order, &[]),
        }
    }
}

impl Frames for Records {
    const HEAD: usize = RECORD_HEADER_LEN;

    #[inline]
    fn head(&self, bytes: &[u8]) -> Option<Head> {
        let head = self.record_head(bytes)?;
        let len = RECORD_HEADER_LEN + head.captured as usize;
        self.is_possible(head).then_some(Head { len, order: self.order, opens_section: false })
    }

    /// Nothing stands behind a record.
    fn is_whole(&self, _: &[u8], _: Head) -> bool {
        true
    }

    fn len_of_last(&self, _: &[u8], _: ByteOrder) -> Option<usize> {
        None
    }

    fn may_start(&self, _: &[u8], _: bool) -> bool {
        true
    }
}

fn section_block(order: ByteOrder) -> Vec<u8> {
    let mut out = Vec::new();
    push_block(&mut out, order, kind::SECTION, |body| {
        body.extend_from_slice(&order.bytes32(0x1A2B_3C4D));
        body.extend_from_slice(&order.bytes16(1));
        body.extend_from_slice(&order.bytes16(0));
        body.extend_from_slice(&[0xFF; 8]);
    });
    out
}

/// `link` is the last word of the file header: LINKTYPE and frame check sequence.
//= https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcap#section-4
//# FCS len (4 bits):  an unsigned integer that indicates the number of
//# 16-bit (2-octet) words of FCS that are appended to each packet, if
//# the P bit is set
fn interface_block(order: ByteOrder, nano: bool, snaplen: u32, link: u32) -> Vec<u8> {
    let [l0, l1, ..] = link.to_le_bytes();
    let link_type = u16::from_le_bytes([l0, l1]);
    let has_fcs_len = link & 0x0400_0000 != 0;
    let [.., top] = link.to_le_bytes();
    let fcs_len = if has_fcs_len { 2 * (top >> 4) } else { 0 };
    let mut out = Vec::new();
    push_block(&mut out, order, kind::INTERFACE, |body| {
        body.extend_from_slice(&order.bytes16(link_type));
        body.extend_from_slice(&[0; 2]);
        body.extend_from_slice(&order.bytes32(snaplen));
        let mut options = OptionsWriter::new(body, order);
        options.push(code::IF_TSRESOL, &[if nano { 9 } else { 6 }]);
        if fcs_len != 0 {
            // From 8 on it is read as bits; see Interface::fcs_len.
            options.push(code::IF_FCSLEN, &[if fcs_len < 8 { fcs_len } else { fcs_len * 8 }]);
        }
        options.finish();
    });
    out
}

#[cfg(test)]
mod tests;
