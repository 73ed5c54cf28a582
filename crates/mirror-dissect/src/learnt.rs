//! What the packets of a capture have shown, and what was said of each when it was first read.
//!
//! Only who sees all packets in their order can learn which MAC is the source ENI's, and a viewer
//! sees them so once: when it opens the capture. What was learnt then says of a later packet more
//! than of an earlier one, so the answer depends on when it was asked; therefore it is asked once
//! for each packet and kept under the packet's number, in two bits. Whoever comes back to a packet,
//! in whatever order, is told the same again.

use mirror_session::{Direction, DirectionSense, SessionKey, Sessions};
use mirror_wire::Inner;

use crate::Packet;

/// What a capture has shown so far.
#[derive(Debug, Default)]
pub(crate) struct Learnt {
    sessions: Sessions,
    said: Vec<u8>,
}

/// Bits of an answer, and how many answers a byte holds.
const BITS: u32 = 2;
const IN_A_BYTE: u32 = u8::BITS / BITS;
const MASK: u8 = 0b11;

// What the bits mean. Zeros are what is there before anything was said.
const UNKNOWN: u8 = 1;
const INGRESS: u8 = 2;
const EGRESS: u8 = 3;

impl Learnt {
    /// Which way a packet went, as far as packets alone tell it; `inner` is what it says itself.
    ///
    /// A number that was used before is used anew: a viewer that leaves out packets gives theirs to
    /// the next.
    pub(crate) fn direction(
        &mut self,
        packet: &Packet<'_>,
        key: &SessionKey,
        inner: &Inner,
    ) -> Option<Direction> {
        if !packet.is_in_turn {
            return self.said(packet.number).unwrap_or_else(|| alone(key, inner));
        }
        let session = self.sessions.find(key).and_then(|id| self.sessions.get_mut(id));
        let direction = match session {
            Some(session) => session.direction.observe(key.source, inner).direction,
            // There are more sessions than are remembered.
            None => alone(key, inner),
        };
        self.keep(packet.number, direction);
        direction
    }

    /// What was said of the packet of this number; `None` of one that has had no turn.
    fn said(&self, number: u32) -> Option<Option<Direction>> {
        let (byte, shift) = place(number);
        match self.said.get(byte)? >> shift & MASK {
            UNKNOWN => Some(None),
            INGRESS => Some(Some(Direction::Ingress)),
            EGRESS => Some(Some(Direction::Egress)),
            _ => None,
        }
    }

    fn keep(&mut self, number: u32, direction: Option<Direction>) {
        let (at, shift) = place(number);
        if self.said.len() <= at {
            self.said.resize(at + 1, 0);
        }
        if let Some(byte) = self.said.get_mut(at) {
            let bits = match direction {
                None => UNKNOWN,
                Some(Direction::Ingress) => INGRESS,
                Some(Direction::Egress) => EGRESS,
            };
            *byte = *byte & !(MASK << shift) | bits << shift;
        }
    }
}

/// The byte that holds what was said of a packet, and where in it that begins.
fn place(number: u32) -> (usize, u32) {
    ((number / IN_A_BYTE) as usize, number % IN_A_BYTE * BITS)
}

/// Which way a packet went of which nothing is known but itself.
fn alone(key: &SessionKey, inner: &Inner) -> Option<Direction> {
    DirectionSense::default().observe(key.source, inner).direction
}
