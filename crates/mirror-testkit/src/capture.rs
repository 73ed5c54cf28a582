//! A pcapng capture written down block by block.
//!
//! The builder does what it is told. It keeps a section's byte order, counts nothing
//! and checks nothing, so that a packet may name an interface that was never
//! declared and a length may lie; the sound captures are sound because the caller
//! wrote sense. What it does get right by itself are the two lengths around every
//! block, padding, and a section length that is asked to be known.
//!
//! ```
//! use mirror_testkit::{Capture, Interface, Opt, Order, Packet};
//!
//! let bytes = Capture::new(Order::Little)
//!     .interface(Interface::new(1).option(Opt::tsresol(9)))
//!     .packet(Packet::new(0, 1_767_225_600_000_000_000, [0; 60]).option(Opt::comment("first")))
//!     .bytes();
//! assert_eq!(bytes.len() % 4, 0);
//! ```

use std::net::IpAddr;

use crate::options::{self, Layout, Opt};
use crate::order::Order;

/// Type of a Section Header Block; the same in either byte order.
pub const SHB: u32 = 0x0A0D_0D0A;
/// Type of an Interface Description Block.
pub const IDB: u32 = 1;
/// Type of the obsolete Packet Block.
pub const PB: u32 = 2;
/// Type of a Simple Packet Block.
pub const SPB: u32 = 3;
/// Type of a Name Resolution Block.
pub const NRB: u32 = 4;
/// Type of an Interface Statistics Block.
pub const ISB: u32 = 5;
/// Type of an Enhanced Packet Block.
pub const EPB: u32 = 6;
/// Type of a systemd journal export block.
pub const JOURNAL: u32 = 9;
/// Type of a Decryption Secrets Block.
pub const DSB: u32 = 10;
/// Type of a Custom Block that a rewriter may copy.
pub const CUSTOM_COPY: u32 = 0x0000_0BAD;
/// Type of a Custom Block that a rewriter should leave behind.
pub const CUSTOM_NO_COPY: u32 = 0x4000_0BAD;

/// What a Section Header Block says.
#[derive(Clone, Debug)]
pub struct Section {
    order: Order,
    version: (u16, u16),
    known_length: bool,
    options: Vec<Opt>,
}

impl Section {
    /// Version 1.0, length unknown, no options.
    pub fn new(order: Order) -> Section {
        Section { order, version: (1, 0), known_length: false, options: Vec::new() }
    }

    /// State this version instead of 1.0.
    pub fn version(mut self, major: u16, minor: u16) -> Section {
        self.version = (major, minor);
        self
    }

    /// State the true length of the section instead of -1.
    pub fn known_length(mut self) -> Section {
        self.known_length = true;
        self
    }

    /// Add an option.
    pub fn option(mut self, option: Opt) -> Section {
        self.options.push(option);
        self
    }
}

impl From<Order> for Section {
    fn from(order: Order) -> Section {
        Section::new(order)
    }
}

/// What an Interface Description Block says.
#[derive(Clone, Debug)]
pub struct Interface {
    /// The link type: 1 is Ethernet, 113 SLL, 276 SLL2, 101 raw IP, 0 NULL.
    pub link: u16,
    /// Bytes kept of each packet at most; 0 is no limit.
    pub snaplen: u32,
    /// The options, in order.
    pub options: Vec<Opt>,
}

impl Interface {
    /// An interface of this link type, snaplen 262144, without options.
    pub fn new(link: u16) -> Interface {
        Interface { link, snaplen: 262_144, options: Vec::new() }
    }

    /// Set the snaplen.
    pub fn snaplen(mut self, snaplen: u32) -> Interface {
        self.snaplen = snaplen;
        self
    }

    /// Add an option.
    pub fn option(mut self, option: Opt) -> Interface {
        self.options.push(option);
        self
    }
}

/// What an Enhanced Packet Block or an obsolete Packet Block says.
#[derive(Clone, Debug)]
pub struct Packet {
    interface: u32,
    time: u64,
    data: Vec<u8>,
    captured: u32,
    original: u32,
    options: Vec<Opt>,
    end: bool,
}

impl Packet {
    /// A packet captured whole. `time` is the raw 64-bit word, in units of the interface.
    pub fn new(interface: u32, time: u64, data: impl AsRef<[u8]>) -> Packet {
        let data = data.as_ref().to_vec();
        let length = data.len() as u32;
        let (captured, original) = (length, length);
        Packet { interface, time, data, captured, original, options: Vec::new(), end: true }
    }

    /// State this length on the wire instead of the length of the data.
    pub fn original(mut self, length: u32) -> Packet {
        self.original = length;
        self
    }

    /// State this captured length, true or not; the data stays as it is.
    pub fn captured(mut self, length: u32) -> Packet {
        self.captured = length;
        self
    }

    /// Keep only the first `length` bytes, as a snaplen does; the original length stays.
    pub fn cut(mut self, length: usize) -> Packet {
        self.data.truncate(length);
        self.captured = self.data.len() as u32;
        self
    }

    /// Add an option.
    pub fn option(mut self, option: Opt) -> Packet {
        self.options.push(option);
        self
    }

    /// Leave out `opt_endofopt`, as some writers do.
    pub fn without_end(mut self) -> Packet {
        self.end = false;
        self
    }
}

/// A capture under construction.
#[derive(Clone, Debug)]
pub struct Capture {
    order: Order,
    pad: u8,
    bytes: Vec<u8>,
    /// Where the open section's length stands and where its blocks begin, if the
    /// length is to be known.
    length_wanted: Option<(usize, usize)>,
}

impl Capture {
    /// A capture whose first section is `section`; an [`Order`] alone will do.
    pub fn new(section: impl Into<Section>) -> Capture {
        let mut capture =
            Capture { order: Order::Little, pad: 0, bytes: Vec::new(), length_wanted: None };
        capture.section(section);
        capture
    }

    /// Begin another section.
    pub fn section(&mut self, section: impl Into<Section>) -> &mut Capture {
        let section = section.into();
        settle_length(&mut self.bytes, self.order, self.length_wanted.take());
        self.order = section.order;
        let start = self.bytes.len();
        let mut body = self.order.u32(0x1A2B_3C4D).to_vec();
        body.extend(self.order.u16(section.version.0));
        body.extend(self.order.u16(section.version.1));
        body.extend([0xFF; 8]);
        body.extend(self.options(&section.options));
        self.block(SHB, &body);
        if section.known_length {
            self.length_wanted = Some((start + 16, self.bytes.len()));
        }
        self
    }

    /// Fill padding from here on with `byte`; the format asks for 0, files hold anything.
    pub fn pad_with(&mut self, byte: u8) -> &mut Capture {
        self.pad = byte;
        self
    }

    /// Interface Description Block.
    pub fn interface(&mut self, interface: Interface) -> &mut Capture {
        let Interface { link, snaplen, options } = interface;
        let mut body = self.order.u16(link).to_vec();
        body.extend([0; 2]);
        body.extend(self.order.u32(snaplen));
        body.extend(self.options(&options));
        self.block(IDB, &body)
    }

    /// Enhanced Packet Block.
    pub fn packet(&mut self, packet: Packet) -> &mut Capture {
        let mut body = self.order.u32(packet.interface).to_vec();
        self.packet_tail(&mut body, packet);
        self.block(EPB, &body)
    }

    /// The obsolete Packet Block, with its count of packets dropped before this one.
    pub fn packet_block(&mut self, drops: u16, packet: Packet) -> &mut Capture {
        let mut body = self.order.u16(packet.interface as u16).to_vec();
        body.extend(self.order.u16(drops));
        self.packet_tail(&mut body, packet);
        self.block(PB, &body)
    }

    /// What an Enhanced Packet Block and a Packet Block have in common.
    fn packet_tail(&self, body: &mut Vec<u8>, packet: Packet) {
        let Packet { interface: _, time, data, captured, original, options, end } = packet;
        body.extend(self.order.time(time));
        body.extend(self.order.u32(captured));
        body.extend(self.order.u32(original));
        body.extend(self.padded(&data));
        let layout = Layout { order: self.order, pad: self.pad, end };
        body.extend(options::encode(&options, layout));
    }

    /// Simple Packet Block of a packet that was `original` bytes long. Its captured
    /// length is written nowhere: readers take the smaller of `original` and the
    /// snaplen of interface 0, so `data` should be as long as that.
    pub fn simple_packet(&mut self, data: &[u8], original: u32) -> &mut Capture {
        let mut body = self.order.u32(original).to_vec();
        body.extend(self.padded(data));
        self.block(SPB, &body)
    }

    /// Name Resolution Block: addresses with their names, and no options.
    pub fn name_resolution(&mut self, records: &[(IpAddr, &[&str])]) -> &mut Capture {
        let mut body = Vec::new();
        for (address, names) in records {
            let (kind, mut value) = match address {
                IpAddr::V4(v4) => (1, v4.octets().to_vec()),
                IpAddr::V6(v6) => (2, v6.octets().to_vec()),
            };
            for name in *names {
                value.extend(name.as_bytes());
                value.push(0);
            }
            body.extend(self.order.u16(kind));
            body.extend(self.order.u16(value.len() as u16));
            body.extend(self.padded(&value));
        }
        body.extend([0; 4]);
        self.block(NRB, &body)
    }

    /// Interface Statistics Block.
    pub fn statistics(&mut self, interface: u32, time: u64, list: &[Opt]) -> &mut Capture {
        let mut body = self.order.u32(interface).to_vec();
        body.extend(self.order.time(time));
        body.extend(self.options(list));
        self.block(ISB, &body)
    }

    /// Decryption Secrets Block; type 0x544C534B is a TLS key log.
    pub fn secrets(&mut self, kind: u32, data: &[u8]) -> &mut Capture {
        let mut body = self.order.u32(kind).to_vec();
        body.extend(self.order.u32(data.len() as u32));
        body.extend(self.padded(data));
        self.block(DSB, &body)
    }

    /// Custom Block of the holder of this Private Enterprise Number.
    pub fn custom(&mut self, pen: u32, copy: bool, data: &[u8]) -> &mut Capture {
        let mut body = self.order.u32(pen).to_vec();
        body.extend(self.padded(data));
        self.block(if copy { CUSTOM_COPY } else { CUSTOM_NO_COPY }, &body)
    }

    /// systemd journal export block.
    pub fn journal(&mut self, entry: &str) -> &mut Capture {
        let body = self.padded(entry.as_bytes());
        self.block(JOURNAL, &body)
    }

    /// A block of any type; a body that needs it is padded.
    pub fn block(&mut self, kind: u32, body: &[u8]) -> &mut Capture {
        let body = self.padded(body);
        let length = self.order.u32(body.len() as u32 + 12);
        self.bytes.extend(self.order.u32(kind));
        self.bytes.extend(length);
        self.bytes.extend(body);
        self.bytes.extend(length);
        self
    }

    /// Bytes as they are, for what no builder would write.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Capture {
        self.bytes.extend(bytes);
        self
    }

    /// How many bytes there are so far: the offset of the next block.
    pub fn offset(&self) -> usize {
        self.bytes.len()
    }

    /// The capture as a file holds it.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        settle_length(&mut bytes, self.order, self.length_wanted);
        bytes
    }

    fn options(&self, list: &[Opt]) -> Vec<u8> {
        options::encode(list, Layout { order: self.order, pad: self.pad, end: true })
    }

    fn padded(&self, data: &[u8]) -> Vec<u8> {
        let mut bytes = data.to_vec();
        bytes.resize(data.len().next_multiple_of(4), self.pad);
        bytes
    }
}

/// Write the length of the section that ends here into its header.
fn settle_length(bytes: &mut [u8], order: Order, wanted: Option<(usize, usize)>) {
    if let Some((field, first_block)) = wanted {
        let length = (bytes.len() - first_block) as u64;
        bytes[field..field + 8].copy_from_slice(&order.u64(length));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_header_is_28_bytes_in_the_order_asked_for() {
        //            type--------  length------  magic-------  1--   0--   length unknown---
        let little = [
            [0x0A, 0x0D, 0x0D, 0x0A, 28, 0, 0, 0, 0x4D, 0x3C, 0x2B, 0x1A, 1, 0, 0, 0].as_slice(),
            &[0xFF; 8],
            &[28, 0, 0, 0],
        ];
        let big = [
            [0x0A, 0x0D, 0x0D, 0x0A, 0, 0, 0, 28, 0x1A, 0x2B, 0x3C, 0x4D, 0, 1, 0, 0].as_slice(),
            &[0xFF; 8],
            &[0, 0, 0, 28],
        ];
        assert_eq!(Capture::new(Order::Little).bytes(), little.concat());
        assert_eq!(Capture::new(Order::Big).bytes(), big.concat());
    }

    #[test]
    fn a_known_length_covers_the_blocks_of_its_own_section_only() {
        let mut capture = Capture::new(Section::new(Order::Big).known_length());
        capture.interface(Interface::new(1));
        assert_eq!(capture.bytes()[16..24], [0, 0, 0, 0, 0, 0, 0, 20]);
        let second = capture.offset();
        capture.section(Section::new(Order::Little).known_length());
        capture.interface(Interface::new(1)).interface(Interface::new(1));
        let bytes = capture.bytes();
        assert_eq!(bytes[16..24], [0, 0, 0, 0, 0, 0, 0, 20]);
        assert_eq!(bytes[second + 16..second + 24], [40, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn an_enhanced_packet_has_its_upper_time_first_and_padded_data() {
        let time = 0x0001_0203_0405_0607;
        let mut capture = Capture::new(Order::Little);
        let start = capture.offset();
        capture.packet(Packet::new(2, time, [0xAB; 5]).original(9));
        let want = [
            //  type------  length----  if--------
            [6, 0, 0, 0, 40, 0, 0, 0, 2, 0, 0, 0].as_slice(),
            //  high------  low-------  captured--  original--
            &[3, 2, 1, 0, 7, 6, 5, 4, 5, 0, 0, 0, 9, 0, 0, 0],
            //  data, padding                                    length
            &[0xAB, 0xAB, 0xAB, 0xAB, 0xAB, 0, 0, 0, 40, 0, 0, 0],
        ];
        assert_eq!(capture.bytes()[start..], want.concat());
    }
}
