//! What a reader says of a capture, one line an event, for tests to compare, and
//! the captures that several of them begin with.

use std::io::{self, Read};

use mirror_testkit::{Capture, Interface, Order, Packet};

use crate::{Block, Content, Event, OpenError, Reader};

/// The story of a capture that can be opened.
pub(crate) fn story(bytes: &[u8]) -> Vec<String> {
    tell(bytes).unwrap()
}

/// The story of a capture; damage begins with `byte`, everything else with its offset.
pub(crate) fn tell(input: impl Read) -> Result<Vec<String>, OpenError> {
    let mut reader = Reader::open(input)?;
    let mut lines = Vec::new();
    while let Some(event) = reader.next() {
        lines.push(match event {
            Event::Block(block) => format!("{}: {}", block.offset, line(&block)),
            Event::Damage(damage) => {
                let packet = if damage.packet { " [packet]" } else { "" };
                let fatal = if damage.fatal { " [fatal]" } else { "" };
                format!("{damage}{packet}{fatal}")
            }
        });
    }
    // At its end a capture stays.
    assert!(reader.next().is_none());
    Ok(lines)
}

fn line(block: &Block<'_>) -> String {
    match block.content {
        Content::Section(section) => {
            format!("section {:?} {:?}", block.order, section.version)
        }
        Content::Interface(interface) => format!(
            "interface {} link {} snaplen {}",
            interface.id, interface.link_type, interface.snaplen
        ),
        Content::Packet(packet) => format!(
            "{:?} on {} at {:?}, {} of {} bytes, {} of options",
            packet.form,
            packet.interface,
            packet.timestamp.map(crate::Timestamp::units),
            packet.data.len(),
            packet.original_len,
            packet.options.bytes().len()
        ),
        Content::Statistics { interface } => format!("statistics of {interface}"),
        Content::Other { kind } => format!("block {kind:#x}"),
        Content::Foreign => "foreign".to_owned(),
    }
}

/// A capture with one Ethernet interface; 48 bytes long.
pub(crate) fn ethernet(order: Order) -> Capture {
    let mut capture = Capture::new(order);
    capture.interface(Interface::new(1));
    capture
}

/// A packet of four bytes on this interface; 36 bytes long.
pub(crate) fn packet(interface: u32) -> Packet {
    Packet::new(interface, 7, [0xAB; 4])
}

/// A block with these two lengths around its body.
pub(crate) fn framed(order: Order, kind: u32, head: u32, body: &[u8], tail: u32) -> Vec<u8> {
    [&order.u32(kind)[..], &order.u32(head), body, &order.u32(tail)].concat()
}

/// Says "no" when it is asked for more than it has.
pub(crate) struct Failing<'a>(pub(crate) &'a [u8]);

impl Read for Failing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::other("the disk is on fire")),
            n => Ok(n),
        }
    }
}
