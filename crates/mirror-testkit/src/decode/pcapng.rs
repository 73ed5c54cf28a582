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
