//! The blocks of a section, decoded as far as a rewriter needs, each with its
//! own bytes.
//!
//! A [`Block`] borrows from the reader's buffer. [`Content`] says what it is;
//! the `copy` methods hand it on, whole or with the one field changed that must
//! be. Nothing here re-encodes what it does not change, so padding, order and
//! everything unknown survive. A record of a classic pcap file has no block
//! bytes of its own; copied, it becomes an Enhanced Packet Block.

use crate::{
    ByteOrder, Clock, Options, Problem, Timestamp,
    options::code,
    write::{EnhancedPacket, push_packet},
};

/// Block types, by the draft's names.
pub mod kind {
    /// Section Header Block; reads the same in both byte orders.
    pub const SECTION: u32 = 0x0A0D_0D0A;
    /// Interface Description Block.
    pub const INTERFACE: u32 = 1;
    /// Packet Block, obsolete.
    pub const PACKET: u32 = 2;
    /// Simple Packet Block.
    pub const SIMPLE_PACKET: u32 = 3;
    /// Interface Statistics Block.
    pub const STATISTICS: u32 = 5;
    /// Enhanced Packet Block.
    pub const ENHANCED_PACKET: u32 = 6;
    /// Custom Block.
    pub(crate) const CUSTOM: u32 = 0x0000_0BAD;
    /// Custom Block that a rewriter should not copy.
    pub const CUSTOM_NO_COPY: u32 = 0x4000_0BAD;

    /// Whether a block of this kind is one that capture files are made of, and not
    /// something that anybody may have made up.
    pub(crate) fn is_usual(kind: u32) -> bool {
        // The last of those that the draft describes: the Decryption Secrets Block.
        matches!(kind, INTERFACE..=10 | SECTION | CUSTOM | CUSTOM_NO_COPY)
    }

    /// Whether a block of this kind holds a packet.
    pub fn is_packet(kind: u32) -> bool {
        matches!(kind, PACKET | SIMPLE_PACKET | ENHANCED_PACKET)
    }
}

/// One block, or one record of a classic pcap file.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// Where it begins, in bytes from the start of the (decompressed) capture.
    pub offset: u64,
    /// The byte order of its section.
    pub order: ByteOrder,
    /// What it is.
    pub content: Content<'a>,
    /// Its bytes with both lengths; none for a record of a pcap file.
    pub(crate) bytes: Option<&'a [u8]>,
}

/// What a block is.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// A Section Header Block: interfaces are counted from 0 again.
    Section(Section),
    /// An Interface Description Block.
    Interface(Interface<'a>),
    /// A packet, in whichever form.
    Packet(Packet<'a>),
    /// An Interface Statistics Block.
    Statistics {
        /// The interface, which has been described.
        interface: u32,
    },
    /// Any other block.
    Other {
        /// Its block type.
        kind: u32,
    },
    /// A block of a section whose version is not known: only its extent is.
    Foreign,
}

/// A section header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// The major and minor version.
    pub version: (u16, u16),
}

impl Section {
    /// Whether the blocks of this section can be understood.
    //= https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcapng#section-4.1
    //# Readers of pcapng files MUST treat a Minor Version of 2 as equivalent to a Minor
    //# Version of 0
    pub fn is_known(self) -> bool {
        matches!(self.version, (1, 0 | 2))
    }
}

/// An interface description.
#[derive(Clone, Copy, Debug)]
pub struct Interface<'a> {
    /// Its number within the section.
    pub id: u32,
    /// LINKTYPE of its packets.
    pub link_type: u16,
    /// Most bytes captured of a packet; 0 for no limit.
    pub snaplen: u32,
    /// Its options.
    pub options: Options<'a>,
}

impl Interface<'_> {
    /// How it counts time, by `if_tsresol` and `if_tsoffset`: the first of each that has the right
    /// length, as for Wireshark.
    pub fn clock(&self) -> Clock {
        let resolution = match self.options.sized(code::IF_TSRESOL) {
            Some(&[resolution]) => resolution,
            None => Clock::MICROSECONDS.resolution,
        };
        let offset = match self.options.sized(code::IF_TSOFFSET) {
            Some(bytes) => self.options.order().u64(*bytes).cast_signed(),
            None => 0,
        };
        Clock { resolution, offset }
    }

    /// Bytes of frame check sequence behind each packet, by `if_fcslen`; four at most.
    ///
    /// The draft says "in bits" and gives 4 as the example; writers have written
    /// both, so a small number is bytes, as Wireshark reads it.
    pub fn fcs_len(&self) -> u8 {
        match self.options.sized(code::IF_FCSLEN) {
            Some(&[bytes @ 0..8]) => check_sequence(bytes),
            Some(&[bits]) => check_sequence(bits / 8),
            None => 0,
        }
    }
}

/// The length of a frame check sequence that is claimed to have so many bytes.
///
/// No link type that we look into has one of more than four, and whoever takes it off a packet must
/// not take what is none. Such a claim says nothing, as for Wireshark.
fn check_sequence(claimed: u8) -> u8 {
    if claimed <= 4 { claimed } else { 0 }
}

/// In which form a packet stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An Enhanced Packet Block.
    Enhanced,
    /// A Packet Block.
    Obsolete,
    /// A Simple Packet Block: of interface 0, without time and options.
    Simple,
    /// A record of a classic pcap file.
    Record,
}

/// A packet.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// The form it has in the file.
    pub form: Form,
    /// The interface, which has been described.
    pub interface: u32,
    /// When it arrived, by the interface's [`Clock`]; none for [`Form::Simple`].
    pub timestamp: Option<Timestamp>,
    /// The bytes captured.
    pub data: &'a [u8],
    /// How many bytes it had on the wire. Some writers put less than was captured.
    pub original_len: u32,
    /// Its options.
    pub options: Options<'a>,
}

impl<'a> Packet<'a> {
    /// Bytes of frame check sequence within the packet: what its own flags say,
    /// else what its interface says.
    //= https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcapng#section-4.3.1
    //# 5-8: FCS length, in octets (0000 if this information is not available). This value
    //# overrides the if_fcslen option of the Interface Description Block
    pub fn fcs_len(&self, interface: u8) -> u8 {
        if self.options.is_empty() {
            return interface;
        }
        match self.options.u32(code::EPB_FLAGS).map(|flags| (flags >> 5).to_le_bytes()) {
            Some([low, ..]) if low & 0x0F != 0 => check_sequence(low & 0x0F),
            _ => interface,
        }
    }

    pub(crate) fn enhanced(order: ByteOrder, body: &'a [u8]) -> Result<Packet<'a>, Problem> {
        let (words, _) = body.as_chunks::<4>();
        let [interface, high, low, captured, original, ..] = words else {
            return Err(Problem::ShortBody {
                kind: "enhanced packet block",
                needs: 20,
                has: body.len(),
            });
        };
        let (data, options) = split_data(body, 20, order.u32(*captured))?;
        Ok(Packet {
            form: Form::Enhanced,
            interface: order.u32(*interface),
            timestamp: Some(Timestamp { high: order.u32(*high), low: order.u32(*low) }),
            data,
            original_len: order.u32(*original),
            options: Options::new(order, options),
        })
    }

    pub(crate) fn obsolete(order: ByteOrder, body: &'a [u8]) -> Result<Packet<'a>, Problem> {
        let (words, _) = body.as_chunks::<4>();
        let [[i0, i1, _, _], high, low, captured, original, ..] = words else {
            return Err(Problem::ShortBody { kind: "packet block", needs: 20, has: body.len() });
        };
        let (data, options) = split_data(body, 20, order.u32(*captured))?;
        Ok(Packet {
            form: Form::Obsolete,
            interface: u32::from(order.u16([*i0, *i1])),
            timestamp: Some(Timestamp { high: order.u32(*high), low: order.u32(*low) }),
            data,
            original_len: order.u32(*original),
            options: Options::new(order, options),
        })
    }

    /// `snaplen` is that of interface 0.
    //= https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcapng#section-4.4
    //# the SnapLen value MUST be used to determine the size of the Packet Data field length
    pub(crate) fn simple(
        order: ByteOrder,
        body: &'a [u8],
        snaplen: u32,
    ) -> Result<Packet<'a>, Problem> {
        let Some((original, _)) = body.split_first_chunk() else {
            let kind = "simple packet block";
            return Err(Problem::ShortBody { kind, needs: 4, has: body.len() });
        };
        let original_len = order.u32(*original);
        let captured = if snaplen == 0 { original_len } else { original_len.min(snaplen) };
        let (data, _) = split_data(body, 4, captured)?;
        let options = Options::new(order, &[]);
        let timestamp = None;
        Ok(Packet { form: Form::Simple, interface: 0, timestamp, data, original_len, options })
    }
}

/// Split a packet's body into its data and the options behind their padding.
fn split_data(body: &[u8], at: usize, captured: u32) -> Result<(&[u8], &[u8]), Problem> {
    let rest = body.get(at..).unwrap_or_default();
    let data = usize::try_from(captured).ok().and_then(|len| rest.get(..len));
    match data {
        // Bodies are a multiple of four, so the padding is there if the data is.
        Some(data) => Ok((data, rest.get(data.len().next_multiple_of(4)..).unwrap_or_default())),
        None => Err(Problem::CapturedLength { captured, has: rest.len() }),
    }
}

impl Block<'_> {
    /// Whether this is a packet, of a section that can be understood.
    pub fn is_packet(&self) -> bool {
        matches!(self.content, Content::Packet(_))
    }

    /// Hand the block on as it is.
    pub fn copy(&self, out: &mut Vec<u8>) {
        match (self.bytes, &self.content) {
            (Some(bytes), _) => out.extend_from_slice(bytes),
            (None, Content::Packet(packet)) => self.encode(out, packet, packet.interface),
            // Only records come without bytes, and records are packets.
            (None, _) => {}
        }
    }

    /// Hand a section header on with what a rewriter must change: the section's
    /// length becomes unknown, and version 1.2 becomes 1.0.
    //= https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcapng#section-4.1
    //# If the Section Length is -1 (0xFFFFFFFFFFFFFFFF), this means that the size of the
    //# section is not specified
    //# [...] they MUST NOT [...] write an SHB with a Minor Version of 2, even if they read
    //# an SHB with a Minor Version of 2
    pub fn copy_section(&self, out: &mut Vec<u8>) {
        let start = out.len();
        self.copy(out);
        if let Content::Section(section) = self.content
            && section.is_known()
        {
            // type 4, length 4, magic 4, major 2, minor 2, section length 8
            patch(out, start + 14, &[0, 0]);
            patch(out, start + 16, &[0xFF; 8]);
        }
    }

    /// Hand an interface description on with this snaplen.
    pub fn copy_interface(&self, out: &mut Vec<u8>, snaplen: u32) {
        let start = out.len();
        self.copy(out);
        if let Content::Interface(_) = self.content {
            // type 4, length 4, link type 2, reserved 2, snaplen 4
            patch(out, start + 12, &self.order.bytes32(snaplen));
        }
    }

    /// Hand a packet or statistics on with its interface renumbered. False, and
    /// nothing written, if the form of the packet cannot name it: a Packet Block
    /// has 16 bits for the number, and a Simple Packet Block always means 0.
    pub fn copy_renumbered(&self, out: &mut Vec<u8>, interface: u32) -> bool {
        let start = out.len();
        match &self.content {
            Content::Packet(packet) => match packet.form {
                Form::Enhanced => {
                    self.copy(out);
                    patch(out, start + 8, &self.order.bytes32(interface));
                }
                Form::Obsolete => {
                    let Ok(interface) = u16::try_from(interface) else { return false };
                    self.copy(out);
                    patch(out, start + 8, &self.order.bytes16(interface));
                }
                Form::Simple => {
                    if interface != 0 {
                        return false;
                    }
                    self.copy(out);
                }
                Form::Record => self.encode(out, packet, interface),
            },
            Content::Statistics { .. } => {
                self.copy(out);
                patch(out, start + 8, &self.order.bytes32(interface));
            }
            _ => self.copy(out),
        }
        true
    }

    fn encode(&self, out: &mut Vec<u8>, packet: &Packet<'_>, interface: u32) {
        let Some(timestamp) = packet.timestamp else { return };
        let Packet { data, original_len, .. } = *packet;
        let packet = EnhancedPacket { interface, timestamp, data, original_len };
        push_packet(out, self.order, &packet, |_| {});
    }
}

fn patch(out: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = out.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests;
