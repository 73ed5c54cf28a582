//! pcapng as a list of blocks.

use super::Stop;
use crate::capture::{DSB, EPB, IDB, ISB, PB, SHB, SPB};
use crate::order::Order;

/// A pcapng file, as far as it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pcapng {
    /// The blocks, in order.
    pub blocks: Vec<Block>,
    /// Where reading stopped, if that was not the end.
    pub stop: Option<Stop>,
}

/// One block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Where it begins in the file.
    pub offset: usize,
    /// The section it belongs to, from 0.
    pub section: usize,
    /// Byte order of that section.
    pub order: Order,
    /// Its type.
    pub kind: u32,
    /// All bytes between the two lengths.
    pub body: Vec<u8>,
    /// The length behind the body, if it differs from the one in front.
    pub trailer: Option<u32>,
    /// What the body says.
    pub content: Content,
    /// Its options; empty for blocks whose options are not read here.
    pub options: Options,
}

/// What the body of a block says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Section Header Block.
    Section {
        /// Major and minor version.
        version: (u16, u16),
        /// The length that it states; -1 is unknown.
        length: i64,
    },
    /// Interface Description Block.
    Interface {
        /// Its number in the section.
        id: u32,
        /// Its link type.
        link: u16,
        /// Its snaplen.
        snaplen: u32,
    },
    /// Enhanced Packet Block or obsolete Packet Block.
    Packet {
        /// The interface that it names, declared or not.
        interface: u32,
        /// The two time words, the upper one in the upper half.
        time: u64,
        /// The captured length that it states.
        captured: u32,
        /// The length on the wire that it states.
        original: u32,
        /// The captured bytes; as many as there are, if fewer than stated.
        data: Vec<u8>,
        /// The count of dropped packets, which only Packet Blocks have.
        drops: Option<u16>,
    },
    /// Simple Packet Block.
    Simple {
        /// The length on the wire that it states.
        original: u32,
        /// The captured bytes, by the snaplen of interface 0.
        data: Vec<u8>,
    },
    /// Interface Statistics Block.
    Statistics {
        /// The interface that it names.
        interface: u32,
        /// The two time words.
        time: u64,
    },
    /// Decryption Secrets Block.
    Secrets {
        /// The kind of secrets.
        kind: u32,
        /// The secrets.
        data: Vec<u8>,
    },
    /// Any other type.
    Other,
    /// A block in a section of a version that nobody knows.
    Unread,
    /// The body is too short for what its type must hold.
    TooShort,
}

/// An option list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Codes and values, in order, without `opt_endofopt`.
    pub list: Vec<(u16, Vec<u8>)>,
    /// Whether `opt_endofopt` closed the list.
    pub ended: bool,
    /// What was wrong with the rest of the list.
    pub trouble: Option<String>,
}

impl Options {
    /// The values of all options with this code.
    pub fn values(&self, code: u16) -> impl Iterator<Item = &[u8]> {
        self.list.iter().filter(move |(c, _)| *c == code).map(|(_, value)| value.as_slice())
    }

    fn parse(order: Order, bytes: &[u8]) -> Options {
        let mut options = Options::default();
        let mut at = 0;
        while at < bytes.len() {
            let (Some(code), Some(length)) =
                (order.read_u16(bytes, at), order.read_u16(bytes, at + 2))
            else {
                options.trouble = Some(format!("{} bytes after the last option", bytes.len() - at));
                break;
            };
            if code == 0 {
                options.ended = true;
                let rest = bytes.len() - at - 4;
                if rest > 0 {
                    options.trouble = Some(format!("{rest} bytes after opt_endofopt"));
                }
                break;
            }
            let Some(value) = bytes.get(at + 4..at + 4 + usize::from(length)) else {
                let left = bytes.len() - at - 4;
                options.trouble =
                    Some(format!("option {code} has length {length}, but {left} bytes are left"));
                break;
            };
            options.list.push((code, value.to_vec()));
            at += 4 + usize::from(length).next_multiple_of(4);
        }
        options
    }
}

/// What a section has taught about the blocks to come.
struct Section {
    number: usize,
    order: Order,
    known_version: bool,
    snaplens: Vec<u32>,
}

/// Read a pcapng file; what is no pcapng file stops at byte 0.
pub fn pcapng(bytes: &[u8]) -> Pcapng {
    let mut blocks = Vec::new();
    let mut section: Option<Section> = None;
    let mut offset = 0;
    let stop = loop {
        if offset == bytes.len() {
            break None;
        }
        match block(bytes, offset, &mut section) {
            Ok(block) => {
                offset += block.body.len() + 12;
                blocks.push(block);
            }
            Err(why) => break Some(Stop { offset, why }),
        }
    };
    Pcapng { blocks, stop }
}

fn block(bytes: &[u8], offset: usize, section: &mut Option<Section>) -> Result<Block, String> {
    let left = &bytes[offset..];
    if left.len() < 12 {
        return Err(format!("{} bytes left, a block has at least 12", left.len()));
    }
    // The type of a section header reads the same in both orders, so that it can be
    // recognised before the order is known.
    if left[..4] == [0x0A, 0x0D, 0x0D, 0x0A] {
        let order = match left[8..12] {
            [0x4D, 0x3C, 0x2B, 0x1A] => Order::Little,
            [0x1A, 0x2B, 0x3C, 0x4D] => Order::Big,
            [a, b, c, d] => {
                return Err(format!("byte-order magic is {a:02x}{b:02x}{c:02x}{d:02x}"));
            }
            _ => unreachable!("a range of four bytes"),
        };
        let number = section.as_ref().map_or(0, |before| before.number + 1);
        *section = Some(Section { number, order, known_version: true, snaplens: Vec::new() });
    }
    let Some(section) = section else {
        return Err("no section header at the beginning".to_owned());
    };
    let order = section.order;
    let length = order.read_u32(left, 4).unwrap_or(0);
    if length < 12 {
        return Err(format!("length is {length}, a block has at least 12"));
    }
    if length % 4 != 0 {
        return Err(format!("length is {length}, not a multiple of four"));
    }
    let Some(whole) = left.get(..length as usize) else {
        return Err(format!("length is {length}, but {} bytes are left", left.len()));
    };
    let body = &whole[8..whole.len() - 4];
    let trailer = order.read_u32(whole, whole.len() - 4).filter(|t| *t != length);
    let kind = order.read_u32(whole, 0).unwrap_or(0);
    let (content, options) = if kind == SHB || section.known_version {
        content(kind, body, section).unwrap_or((Content::TooShort, Options::default()))
    } else {
        (Content::Unread, Options::default())
    };
    let number = section.number;
    let body = body.to_vec();
    Ok(Block { offset, section: number, order, kind, body, trailer, content, options })
}

fn content(kind: u32, body: &[u8], section: &mut Section) -> Option<(Content, Options)> {
    let order = section.order;
    let u16 = |at| order.read_u16(body, at);
    let u32 = |at| order.read_u32(body, at);
    let (content, options_at) = match kind {
        SHB => {
            let version = (u16(4)?, u16(6)?);
            section.known_version = matches!(version, (1, 0 | 2));
            let length = order.read_u64(body, 8)?.cast_signed();
            (Content::Section { version, length }, 16)
        }
        IDB => {
            let (link, snaplen) = (u16(0)?, u32(4)?);
            let id = section.snaplens.len() as u32;
            section.snaplens.push(snaplen);
            (Content::Interface { id, link, snaplen }, 8)
        }
        EPB | PB => {
            let (interface, drops) = match kind {
                PB => (u32::from(u16(0)?), Some(u16(2)?)),
                _ => (u32(0)?, None),
            };
            let time = order.read_time(body, 4)?;
            let (captured, original) = (u32(12)?, u32(16)?);
            let data = prefix(&body[20..], captured);
            let options_at = 20 + (captured as usize).next_multiple_of(4);
            (Content::Packet { interface, time, captured, original, data, drops }, options_at)
        }
        SPB => {
            let original = u32(0)?;
            let snaplen = section.snaplens.first().copied().filter(|most| *most != 0);
            let captured = original.min(snaplen.unwrap_or(u32::MAX));
            (Content::Simple { original, data: prefix(&body[4..], captured) }, usize::MAX)
        }
        ISB => {
            let (interface, time) = (u32(0)?, order.read_time(body, 4)?);
            (Content::Statistics { interface, time }, 12)
        }
        DSB => {
            let (kind, length) = (u32(0)?, u32(4)?);
            let options_at = 8 + (length as usize).next_multiple_of(4);
            (Content::Secrets { kind, data: prefix(&body[8..], length) }, options_at)
        }
        _ => (Content::Other, usize::MAX),
    };
    let options = body.get(options_at..).map(|list| Options::parse(order, list));
    Some((content, options.unwrap_or_default()))
}

/// The first `length` bytes, or all of them if there are fewer.
fn prefix(bytes: &[u8], length: u32) -> Vec<u8> {
    bytes[..bytes.len().min(length as usize)].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by hand, so that the decoder is held against the specification
    /// and not against our own encoder.
    #[rustfmt::skip]
    const BIG: [u8; 132] = [
        // type                 length       magic                   1.    0.
        0x0A, 0x0D, 0x0D, 0x0A, 0, 0, 0, 28, 0x1A, 0x2B, 0x3C, 0x4D, 0, 1, 0, 0,
        // length of the section: unknown                length
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 28,
        // IDB      length       link  res.  snaplen      length
        0, 0, 0, 1, 0, 0, 0, 32, 0, 1, 0, 0, 0, 0, 1, 0,
        // tsresol  9        end         length
        0, 9, 0, 1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32,
        // EPB      length       interface   high        low
        0, 0, 0, 6, 0, 0, 0, 52, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2,
        // captured original    data, padding           comment
        0, 0, 0, 5, 0, 0, 0, 9, 1, 2, 3, 4, 5, 0, 0, 0, 0, 1, 0, 3, b'a', b'b', b'c', 0,
        // end                  length
        0, 0, 0, 0,             0, 0, 0, 52,
        // SPB      length       original     data        length
        0, 0, 0, 3, 0, 0, 0, 20, 0, 0, 0, 4,  9, 8, 7, 6, 0, 0, 0, 20,
    ];

    #[test]
    fn a_big_endian_section_is_read_by_the_specification() {
        let file = pcapng(&BIG);
        assert_eq!(file.stop, None);
        let contents: Vec<&Content> = file.blocks.iter().map(|block| &block.content).collect();
        assert_eq!(
            contents,
            [
                &Content::Section { version: (1, 0), length: -1 },
                &Content::Interface { id: 0, link: 1, snaplen: 256 },
                &Content::Packet {
                    interface: 0,
                    time: 0x1_0000_0002,
                    captured: 5,
                    original: 9,
                    data: vec![1, 2, 3, 4, 5],
                    drops: None
                },
                &Content::Simple { original: 4, data: vec![9, 8, 7, 6] },
            ]
        );
        let options = &file.blocks[2].options;
        assert_eq!((options.values(1).next(), options.ended), (Some(&b"abc"[..]), true));
        assert_eq!(file.blocks[2].offset, 60);
    }

    #[test]
    fn every_shorter_file_is_read_up_to_the_block_that_is_cut() {
        let ends = [0, 28, 60, 112, 132];
        for n in 0..BIG.len() {
            let file = pcapng(&BIG[..n]);
            let whole = ends.iter().filter(|end| **end <= n).count() - 1;
            assert_eq!(file.blocks.len(), whole, "{n}");
            let stop = file.stop.map(|stop| stop.offset);
            assert_eq!(stop, (!ends.contains(&n)).then_some(ends[whole]), "{n}");
        }
    }

    /// The snaplen of interface 0 cuts a Simple Packet Block; a snaplen of 0 cuts nothing.
    #[test]
    fn a_simple_packet_is_as_long_as_snaplen_and_original_allow() {
        for (snaplen, original, want) in [(2, 4, 2), (0, 4, 4), (9, 3, 3)] {
            let mut bytes = BIG;
            bytes[43] = snaplen;
            bytes[42] = 0;
            bytes[123] = original;
            let file = pcapng(&bytes);
            let Content::Simple { data, .. } = &file.blocks[3].content else {
                panic!("{:?}", file.blocks[3]);
            };
            assert_eq!(data.len(), want);
        }
    }
}
