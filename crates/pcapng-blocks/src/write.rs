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

    /// Copy a whole list, byte for byte, and end it there: one that was made
    /// before, or one that cannot be read, where what would be pushed behind it
    /// could not be found either.
    #[inline]
    pub fn copy_list(&mut self, bytes: &[u8]) {
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

#[cfg(test)]
mod tests {
    use mirror_testkit::{Capture, Interface, Order, decode};

    use super::*;

    const BOTH: [(ByteOrder, Order); 2] =
        [(ByteOrder::Little, Order::Little), (ByteOrder::Big, Order::Big)];

    const PACKET: EnhancedPacket<'_> = EnhancedPacket {
        interface: 1,
        timestamp: Timestamp { high: 2, low: 3 },
        data: &[0xAB; 5],
        original_len: 60,
    };

    /// The packet as the testkit's decoder reads it, behind a section and two interfaces.
    fn decoded(
        (order, its): (ByteOrder, Order),
        options: impl FnOnce(&mut OptionsWriter<'_>),
    ) -> decode::Block {
        let mut out =
            Capture::new(its).interface(Interface::new(1)).interface(Interface::new(1)).bytes();
        assert!(push_packet(&mut out, order, &PACKET, options));
        let decoded = decode::pcapng(&out);
        assert_eq!(decoded.stop, None);
        decoded.blocks[3].clone()
    }

    #[test]
    fn a_block_has_its_length_on_both_sides_and_zeros_for_padding() {
        for (order, its) in BOTH {
            for len in 0..6 {
                let mut out = b"before".to_vec();
                assert!(push_block(&mut out, order, 0x0BAD, |body| body.resize(6 + 8 + len, 7)));
                let total = u32::try_from(12 + len.next_multiple_of(4)).unwrap();
                let want = [
                    b"before",
                    &its.u32(0x0BAD)[..],
                    &its.u32(total),
                    &vec![7; len],
                    &vec![0; len.next_multiple_of(4) - len],
                    &its.u32(total),
                ];
                assert_eq!(out, want.concat());
            }
        }
    }

    #[test]
    fn a_packet_without_options_has_no_option_list() {
        for both in BOTH {
            let block = decoded(both, |_| {});
            assert_eq!(block.body.len(), 20 + 8);
            assert_eq!(block.body[25..], [0; 3], "padding");
            assert_eq!(
                block.content,
                decode::Content::Packet {
                    interface: 1,
                    time: 2 << 32 | 3,
                    captured: 5,
                    original: 60,
                    data: vec![0xAB; 5],
                    drops: None,
                }
            );
        }
    }

    //= https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcapng#section-3.5
    //= type=test
    //# Code that writes pcapng files MUST put an opt_endofopt option at the end of an
    //# option list
    #[test]
    fn options_are_padded_in_order_and_ended() {
        for both in BOTH {
            let block = decoded(both, |options| {
                assert!(options.push(code::COMMENT, b"hello"));
                options.push_u32(code::EPB_FLAGS, 0x0102_0304);
                assert!(options.push(0x8001, &[]));
                assert!(options.push_with(code::COMMENT, |out| out.extend_from_slice(b"bye!")));
            });
            let flags = both.1.u32(0x0102_0304).to_vec();
            let list =
                [(1, b"hello".to_vec()), (2, flags), (0x8001, vec![]), (1, b"bye!".to_vec())];
            assert_eq!(block.options.list, list);
            assert!(block.options.ended);
            assert_eq!(block.options.trouble, None);
        }
    }

    #[test]
    fn a_value_too_long_for_an_option_is_taken_back() {
        for both in BOTH {
            let block = decoded(both, |options| {
                assert!(!options.push(code::COMMENT, &[b'a'; 65_536]));
                assert!(options.push(code::COMMENT, &[b'b'; 65_535]));
                assert!(!options.push_with(code::COMMENT, |out| out.resize(out.len() + 70_000, 0)));
            });
            assert_eq!(block.options.list, [(1, vec![b'b'; 65_535])]);
            assert!(block.options.ended);
        }
        // Alone, it leaves no trace at all.
        let block = decoded(BOTH[0], |options| {
            options.push(code::COMMENT, &[b'a'; 65_536]);
        });
        assert_eq!(block.body.len(), 28);
    }

    #[test]
    fn a_list_that_cannot_be_read_is_copied_and_not_ended() {
        //         code  length    value
        let list = [2, 0, 0xFF, 0, 1, 2, 3, 4];
        for both in BOTH {
            let block = decoded(both, |options| options.copy_list(&list));
            assert_eq!(block.body[28..], list);
            // Never the case for a list of a block: the frame stays sound.
            let block = decoded(both, |options| options.copy_list(&list[..5]));
            assert_eq!(block.body[28..], [2, 0, 0xFF, 0, 1, 0, 0, 0]);
        }
    }
}
