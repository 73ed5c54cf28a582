//! Classic pcap files, read as one pcapng section with one interface.
//!
//! The section has the byte order of the file, and the interface counts the
//! units that the file does, so a time stamp becomes seconds times units plus
//! fraction: the same moment to the last digit. The resolution is always
//! written out, the frame check sequence that the link type field may announce
//! becomes `if_fcslen`, and records stay where they lie until they are copied.

use std::io::Read;

use crate::{
    Block, ByteOrder, Content, Damage, Form, OpenError, Options, Packet, Problem, Timestamp, kind,
    options::code,
    reader::MAX_BLOCK_LEN,
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

/// The two blocks that come before the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Front {
    Section,
    Interface,
}

#[derive(Debug)]
pub(crate) struct Classic {
    order: ByteOrder,
    /// Units of a record's fraction in a second.
    per_second: u64,
    max_packet: u32,
    section: Vec<u8>,
    interface: Vec<u8>,
    /// What of the front is still to be given out.
    front: Option<Front>,
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
            order,
            per_second: if nano { 1_000_000_000 } else { 1_000_000 },
            max_packet: snaplen.clamp(USUAL_MAX_PACKET, MAX_PACKET),
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
        match self.front {
            Some(Front::Section) => {
                self.front = Some(Front::Interface);
                return (Some(read_front(self.order, &self.section, Front::Section)), 0);
            }
            Some(Front::Interface) => {
                self.front = None;
                return (Some(read_front(self.order, &self.interface, Front::Interface)), 0);
            }
            None => {}
        }
        let offset = window.offset();
        // Nothing announces where a record begins, so none is found behind a bad one.
        let fatal =
            |problem| (Some(Err(Damage { offset, problem, packet: false, fatal: true })), 0);
        if !window.fill(RECORD_HEADER_LEN) {
            let left = window.bytes().len() as u64;
            return match window.take_error() {
                Some(error) => fatal(Problem::Read(error)),
                None if left == 0 => (None, 0),
                None => fatal(Problem::Cut { needs: RECORD_HEADER_LEN as u64, left }),
            };
        }
        let captured = match window.bytes().as_chunks::<4>().0 {
            [_, _, captured, ..] => self.order.u32(*captured),
            _ => 0,
        };
        if captured > self.max_packet {
            let limit = self.max_packet;
            return fatal(Problem::LongRecord { captured, limit });
        }
        let len = RECORD_HEADER_LEN + captured as usize;
        if !window.fill(len) {
            let left = window.bytes().len() as u64;
            return fatal(match window.take_error() {
                Some(error) => Problem::Read(error),
                None => Problem::Cut { needs: len as u64, left },
            });
        }
        let bytes = window.bytes().get(..len).unwrap_or_default();
        match self.record(bytes) {
            Some(packet) => {
                let content = Content::Packet(packet);
                (Some(Ok(Block { offset, order: self.order, content, bytes: None })), len)
            }
            None => (None, 0),
        }
    }

    /// Whether `bytes`, what is left in the window, begin with a whole record.
    pub(crate) fn has_record(&self, bytes: &[u8]) -> bool {
        match bytes.as_chunks::<4>().0 {
            _ if self.front.is_some() => true,
            [_, _, captured, ..] => {
                bytes.len() >= RECORD_HEADER_LEN + self.order.u32(*captured) as usize
            }
            _ => false,
        }
    }

    fn record<'a>(&self, bytes: &'a [u8]) -> Option<Packet<'a>> {
        let [seconds, fraction, _, original, ..] = bytes.as_chunks::<4>().0 else { return None };
        let word = |bytes: &[u8; 4]| u64::from(self.order.u32(*bytes));
        // At most 2^32 * 10^9 + 2^32 < 2^63. A fraction of a second or more is
        // wrong but counts as what it says, as in libpcap's readers.
        let units = word(seconds) * self.per_second + word(fraction);
        Some(Packet {
            form: Form::Record,
            interface: 0,
            timestamp: Some(Timestamp::from_units(units)),
            data: bytes.get(RECORD_HEADER_LEN..).unwrap_or_default(),
            original_len: self.order.u32(*original),
            options: Options::new(self.order, &[]),
        })
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
