//! Writing blocks: the few that a rewriter makes itself.
//!
//! Everything goes into a plain byte vector, for that is what is handed to the
//! kernel in the end, and every length is filled in when it is known.

use crate::{ByteOrder, Timestamp, kind, options::code};

/// The fixed part of an Enhanced Packet Block, with its data.
#[derive(Clone, Copy, Debug)]
pub struct EnhancedPacket<'a> {
    /// The interface, counted within the section.
    pub interface: u32,
    /// When it arrived, in the units of the interface.
    pub timestamp: Timestamp,
    /// The captured bytes.
    pub data: &'a [u8],
    /// Bytes on the wire.
    pub original_len: u32,
}

/// Write a block whose body is made by `body`; the framing and the padding are
/// added. A body too long for the format's 32-bit length is cut off again and
/// false is returned.
pub fn push_block(
    out: &mut Vec<u8>,
    order: ByteOrder,
    kind: u32,
    body: impl FnOnce(&mut Vec<u8>),
) -> bool {
    let start = out.len();
    out.extend_from_slice(&order.bytes32(kind));
    out.extend_from_slice(&[0; 4]);
    body(out);
    pad(out, start);
    finish(out, order, start)
}

/// Write an Enhanced Packet Block; `options` may push options, and an end of
/// options is written if it did. Returns false, with nothing written, if the
/// block would be too long for the format.
#[inline]
pub fn push_packet(
    out: &mut Vec<u8>,
    order: ByteOrder,
    packet: &EnhancedPacket<'_>,
    options: impl FnOnce(&mut OptionsWriter<'_>),
) -> bool {
    let start = out.len();
    let Ok(captured) = u32::try_from(packet.data.len()) else { return false };
    let words = [
        kind::ENHANCED_PACKET,
        0,
        packet.interface,
        packet.timestamp.high,
        packet.timestamp.low,
        captured,
        packet.original_len,
    ];
    out.reserve(packet.data.len() + 256);
    out.extend_from_slice(words.map(|word| order.bytes32(word)).as_flattened());
    out.extend_from_slice(packet.data);
    pad(out, start);
    let mut writer = OptionsWriter::new(out, order);
    options(&mut writer);
    writer.finish();
    finish(out, order, start)
}

fn pad(out: &mut Vec<u8>, start: usize) {
    let len = out.len() - start;
    out.resize(start + len.next_multiple_of(4), 0);
}

fn finish(out: &mut Vec<u8>, order: ByteOrder, start: usize) -> bool {
    let len = out.len() - start + 4;
    let Ok(len) = u32::try_from(len) else {
        out.truncate(start);
        return false;
    };
    let len = order.bytes32(len);
    out.extend_from_slice(&len);
    if let Some(head) = out.get_mut(start + 4..start + 8) {
        head.copy_from_slice(&len);
    }
    true
}

/// Writes an option list behind a block's fixed part.
#[derive(Debug)]
pub struct OptionsWriter<'o> {
    out: &'o mut Vec<u8>,
    order: ByteOrder,
    any: bool,
}

impl<'o> OptionsWriter<'o> {
    /// Options at the end of `out`, which must be a multiple of four bytes into its block.
    pub fn new(out: &'o mut Vec<u8>, order: ByteOrder) -> OptionsWriter<'o> {
        OptionsWriter { out, order, any: false }
    }

    /// Write an option with a value made by `value`, in place. A value longer
    /// than the 65,535 bytes an option can hold is taken back and false returned.
    #[inline]
    pub fn push_with(&mut self, code: u16, value: impl FnOnce(&mut Vec<u8>)) -> bool {
        let start = self.out.len();
        self.out.extend_from_slice(&self.order.bytes16(code));
        self.out.extend_from_slice(&[0; 2]);
        value(self.out);
        let Ok(len) = u16::try_from(self.out.len() - start - 4) else {
            self.out.truncate(start);
            return false;
        };
        if let Some(place) = self.out.get_mut(start + 2..start + 4) {
            place.copy_from_slice(&self.order.bytes16(len));
        }
        pad(self.out, start);
        self.any = true;
        true
    }

    /// Write an option; see [`OptionsWriter::push_with`].
    #[inline]
    pub fn push(&mut self, code: u16, value: &[u8]) -> bool {
        self.push_with(code, |out| out.extend_from_slice(value))
    }

    /// Write an option that holds a 32-bit number.
    pub fn push_u32(&mut self, code: u16, value: u32) {
        let value = self.order.bytes32(value);
        self.push(code, &value);
    }

    /// Copy a list that cannot be read, byte for byte, and end it there: what
    /// would be pushed behind it could not be found either.
    pub fn copy_unreadable(&mut self, bytes: &[u8]) {
        let start = self.out.len();
        self.out.extend_from_slice(bytes);
        pad(self.out, start);
        self.any = false;
    }

    /// Write the end of options, if there were any.
    //= https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcapng#section-3.5
    //# Code that writes pcapng files MUST put an opt_endofopt option at the end of an
    //# option list
    pub fn finish(self) {
        if self.any {
            self.out.extend_from_slice(&self.order.bytes16(code::END));
            self.out.extend_from_slice(&[0; 2]);
        }
    }
}
