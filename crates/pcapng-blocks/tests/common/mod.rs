//! What the tests of whole captures share: sound captures of any shape, and a
//! record of all that a reader says, to be compared with what others say.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::io::{self, Read};

use mirror_testkit::{Capture, Interface, Opt, Order, Packet, Section};
use pcapng_blocks::{ByteOrder, Content, Event, Form, Reader};
use proptest::{collection::vec, prelude::*};

/// One block to write; numbers of interfaces are taken modulo those there are.
#[derive(Clone, Debug)]
pub enum Piece {
    Section {
        big: bool,
        minor: u16,
        known_length: bool,
        comment: Option<String>,
    },
    Interface {
        link: u16,
        snaplen: u32,
        options: Vec<Opt>,
    },
    Packet {
        obsolete: bool,
        interface: u32,
        time: u64,
        data: Vec<u8>,
        original: u32,
        options: Vec<Opt>,
    },
    WithoutEnd {
        interface: u32,
        data: Vec<u8>,
        options: Vec<Opt>,
    },
    Simple {
        original: u16,
    },
    Statistics {
        interface: u32,
        time: u64,
    },
    Secrets {
        data: Vec<u8>,
    },
    Custom {
        copy: bool,
        data: Vec<u8>,
    },
    Unknown {
        kind: u32,
        body: Vec<u8>,
    },
    /// From here on, what fills padding.
    Padding(u8),
}

fn options() -> impl Strategy<Value = Vec<Opt>> {
    let option = prop_oneof![
        "\\PC{0,9}".prop_map(|text| Opt::comment(&text)),
        any::<u32>().prop_map(Opt::flags),
        any::<u64>().prop_map(Opt::packetid),
        (0..4_usize, vec(any::<u8>(), 0..9)).prop_map(|(code, value)| {
            Opt::custom([2988, 2989, 19372, 19373][code], 32473, &printable(value))
        }),
        (0x8000..=u16::MAX, vec(any::<u8>(), 0..9)).prop_map(|(code, value)| Opt::new(code, value)),
    ];
    vec(option, 0..4)
}

/// Custom text options are read as text by others.
fn printable(bytes: Vec<u8>) -> Vec<u8> {
    bytes.into_iter().map(|byte| b' ' + byte % 95).collect()
}

fn interface_options() -> impl Strategy<Value = Vec<Opt>> {
    let option = prop_oneof![
        "\\PC{0,9}".prop_map(|text| Opt::if_name(&text)),
        any::<u8>().prop_map(Opt::tsresol),
        any::<i64>().prop_map(Opt::tsoffset),
        any::<u8>().prop_map(Opt::fcslen),
    ];
    vec(option, 0..4)
}

/// `plain` leaves out what is allowed but refused by other readers.
fn piece(plain: bool) -> impl Strategy<Value = Piece> {
    let section = (any::<bool>(), any::<bool>(), any::<bool>(), proptest::option::of("[a-z]{0,5}"));
    let section = section.prop_map(|(big, two, known_length, comment)| Piece::Section {
        big,
        minor: if two { 2 } else { 0 },
        known_length,
        comment,
    });
    let interface =
        (any::<u16>(), prop_oneof![Just(0), 0..100_u32, any::<u32>()], interface_options());
    let interface =
        interface.prop_map(|(link, snaplen, options)| Piece::Interface { link, snaplen, options });
    let data = || vec(any::<u8>(), 0..40);
    let packet = (any::<bool>(), any::<u32>(), any::<u64>(), data(), any::<u32>(), options());
    let packet = packet.prop_map(|(obsolete, interface, time, data, original, options)| {
        Piece::Packet { obsolete, interface, time, data, original, options }
    });
    let without_end = (any::<u32>(), data(), options());
    let without_end = without_end.prop_map(|(interface, data, options)| Piece::WithoutEnd {
        interface,
        data,
        options,
    });
    // Kinds that the decoders here know are left to their own pieces.
    let unknown = (prop_oneof![0x100_u32..0x0A00, 0x8000_0000..=u32::MAX], vec(any::<u8>(), 0..20));
    let odd = u32::from(!plain);
    prop_oneof![
        1 => section,
        2 => interface,
        6 => packet,
        odd => without_end,
        1 => (0..80_u16).prop_map(|original| Piece::Simple { original }),
        1 => (any::<u32>(), any::<u64>()).prop_map(|(interface, time)| Piece::Statistics { interface, time }),
        1 => vec(any::<u8>(), 0..9).prop_map(|data| Piece::Secrets { data }),
        1 => (any::<bool>(), data()).prop_map(|(copy, data)| Piece::Custom { copy, data }),
        1 => unknown.prop_map(|(kind, body)| Piece::Unknown { kind, body }),
        odd => any::<u8>().prop_map(Piece::Padding),
    ]
}

/// Sound captures of all kinds of blocks and several sections.
pub fn captures(plain: bool) -> impl Strategy<Value = Vec<u8>> {
    (any::<bool>(), vec(piece(plain), 0..30)).prop_map(|(big, pieces)| write(big, &pieces))
}

fn order(big: bool) -> Order {
    if big { Order::Big } else { Order::Little }
}

fn write(big: bool, pieces: &[Piece]) -> Vec<u8> {
    let mut capture = Capture::new(order(big));
    let mut snaplens: Vec<u32> = Vec::new();
    for piece in pieces {
        // Whatever needs an interface gets one.
        let needs = !matches!(piece, Piece::Section { .. } | Piece::Interface { .. });
        if needs && snaplens.is_empty() {
            capture.interface(Interface::new(1).snaplen(60));
            snaplens.push(60);
        }
        let numbered = |interface: &u32| interface % u32::try_from(snaplens.len()).unwrap();
        match piece {
            Piece::Section { big, minor, known_length, comment } => {
                let mut section = Section::new(order(*big)).version(1, *minor);
                if *known_length {
                    section = section.known_length();
                }
                if let Some(comment) = comment {
                    section = section.option(Opt::comment(comment));
                }
                capture.section(section);
                snaplens.clear();
            }
            Piece::Interface { link, snaplen, options } => {
                let options = options.clone();
                capture.interface(Interface { link: *link, snaplen: *snaplen, options });
                snaplens.push(*snaplen);
            }
            Piece::Packet { obsolete, interface, time, data, original, options } => {
                let packet = Packet::new(numbered(interface), *time, data).original(*original);
                let packet = options.iter().cloned().fold(packet, Packet::option);
                if *obsolete {
                    capture.packet_block(0xFFFF, packet);
                } else {
                    capture.packet(packet);
                }
            }
            Piece::WithoutEnd { interface, data, options } => {
                let packet = Packet::new(numbered(interface), 1, data).without_end();
                capture.packet(options.iter().cloned().fold(packet, Packet::option));
            }
            Piece::Simple { original } => {
                let original = u32::from(*original);
                let most = if snaplens[0] == 0 { original } else { original.min(snaplens[0]) };
                capture.simple_packet(&vec![7; most as usize], original);
            }
            Piece::Statistics { interface, time } => {
                capture.statistics(numbered(interface), *time, &[Opt::ifrecv(1)]);
            }
            Piece::Secrets { data } => {
                capture.secrets(0x544C_534B, data);
            }
            Piece::Custom { copy, data } => {
                capture.custom(32473, *copy, data);
            }
            Piece::Unknown { kind, body } => {
                capture.block(*kind, body);
            }
            Piece::Padding(byte) => {
                capture.pad_with(*byte);
            }
        }
    }
    capture.bytes()
}

/// Gives at most so many bytes a read.
pub struct Pieces<'a> {
    pub bytes: &'a [u8],
    pub most: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = self.most.min(buffer.len());
        self.bytes.read(&mut buffer[..most])
    }
}

/// A packet as anyone can tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub order: Order,
    pub interface: u32,
    pub time: Option<u64>,
    pub data: Vec<u8>,
    pub original: u32,
    pub options: Vec<(u16, Vec<u8>)>,
}

/// All that the reader said of a capture.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Each event in words, or why there is none.
    pub lines: Vec<String>,
    pub packets: Vec<Told>,
    /// All blocks as they are copied, one behind the other.
    pub copied: Vec<u8>,
    /// Each damage in words, and whether a packet or the whole rest is lost by it.
    pub damages: Vec<String>,
}

impl Reading {
    pub fn of(input: impl Read) -> Reading {
        let mut reading = Reading::default();
        let mut reader = match Reader::open(input) {
            Ok(reader) => reader,
            Err(error) => {
                reading.lines.push(error.to_string());
                reading.damages.push(error.to_string());
                return reading;
            }
        };
        while let Some(event) = reader.next() {
            match event {
                Event::Block(block) => {
                    reading
                        .lines
                        .push(format!("{} {:?} {:?}", block.offset, block.order, block.content));
                    block.copy(&mut reading.copied);
                    if let Content::Packet(packet) = block.content {
                        let order = match block.order {
                            ByteOrder::Little => Order::Little,
                            ByteOrder::Big => Order::Big,
                        };
                        let list = packet.options.iter().map_while(Result::ok);
                        reading.packets.push(Told {
                            order,
                            interface: packet.interface,
                            time: packet.timestamp.map(pcapng_blocks::Timestamp::units),
                            data: packet.data.to_vec(),
                            original: packet.original_len,
                            options: list
                                .map(|option| (option.code, option.value.to_vec()))
                                .collect(),
                        });
                        assert_eq!(packet.form == Form::Simple, packet.timestamp.is_none());
                    }
                }
                Event::Damage(damage) => {
                    let packet = if damage.packet { " (packet)" } else { "" };
                    let fatal = if damage.fatal { " (fatal)" } else { "" };
                    reading.lines.push(format!("{} {:?}", damage.offset, damage.problem));
                    reading.damages.push(format!("{damage}{packet}{fatal}"));
                }
            }
        }
        reading
    }

    /// A block has at least 12 bytes, so there can't be more events than that
    /// and the three of a section, an interface and an end.
    pub fn check_bounded(&self, bytes: &[u8]) {
        assert!(self.lines.len() <= bytes.len() / 12 + 3, "{} events", self.lines.len());
        assert!(self.copied.len() <= 2 * bytes.len() + 100, "{} bytes copied", self.copied.len());
    }
}
