//! What a packet that was stripped before says of itself.
//!
//! An earlier run has left two things: the description of the session's interface, and a comment on
//! the packet. Either is enough, for tools lose interfaces (mergecap), and `--comment none` writes no
//! comments. Who the packet is of, its interface knows best; a comment of the short form has no
//! endpoint. Which way it went and whether it was cut is the packet's own.

use std::borrow::Cow;

use mirror_session::{Annotation, Direction, SessionKey};
use pcapng_blocks::{Packet, code};

use super::arrival::Arrival;

/// What is known of a packet that was stripped before.
pub(crate) struct Before<'a> {
    pub(crate) key: SessionKey,
    /// The session's id.
    pub(crate) id: Option<Cow<'a, str>>,
    pub(crate) name: Option<Cow<'a, str>>,
    pub(crate) direction: Option<Direction>,
    /// Its length on the wire at the source, if the mirror cut it.
    pub(crate) cut_from: Option<u32>,
}

/// Whether an earlier run has stripped the packet.
#[inline]
pub(crate) fn was_stripped(packet: &Packet<'_>, arrival: &Arrival) -> bool {
    arrival.session.is_some() || comment(packet).is_some()
}

/// What an earlier run has said of the packet; `None` if none has stripped it.
#[inline]
pub(crate) fn before<'a>(packet: &Packet<'_>, arrival: &'a Arrival) -> Option<Before<'a>> {
    if packet.options.is_empty() && arrival.session.is_none() {
        return None;
    }
    told(packet, arrival)
}

#[inline(never)] // not in the way of those that come wrapped
fn told<'a>(packet: &Packet<'_>, arrival: &'a Arrival) -> Option<Before<'a>> {
    let comment = comment(packet);
    let Some(session) = &arrival.session else {
        let comment = comment?;
        return Some(Before {
            key: comment.key(),
            id: comment.session.map(Cow::Owned),
            name: comment.name.map(Cow::Owned),
            direction: comment.direction,
            cut_from: comment.cut_from,
        });
    };
    let mut before = Before {
        key: session.key,
        id: session.id.as_deref().map(Cow::Borrowed),
        name: session.name.as_deref().map(Cow::Borrowed),
        direction: None,
        cut_from: None,
    };
    match comment {
        Some(comment) => {
            before.id = before.id.or(comment.session.map(Cow::Owned));
            before.name = before.name.or(comment.name.map(Cow::Owned));
            before.direction = comment.direction;
            before.cut_from = comment.cut_from;
        }
        None => before.direction = flagged(packet),
    }
    Some(before)
}

/// The packet's annotation.
#[inline]
fn comment(packet: &Packet<'_>) -> Option<Annotation> {
    if packet.options.is_empty() {
        return None;
    }
    Annotation::last_valid(packet.options.comments())
}

/// The direction by the packet's flags, which on a session's interface are the source ENI's.
fn flagged(packet: &Packet<'_>) -> Option<Direction> {
    match packet.options.u32(code::EPB_FLAGS)? & 0b11 {
        0b01 => Some(Direction::Ingress),
        0b10 => Some(Direction::Egress),
        _ => None,
    }
}
