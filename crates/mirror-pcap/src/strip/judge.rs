//! What becomes of a packet, and why.
//!
//! The order of the questions matters. Whether a packet was stripped before
//! comes first: the workload may speak VXLAN itself, and what is inside then is
//! its own. Only then the wrapper is looked for, once.

use mirror_session::{Annotation, Direction, Length, SessionId, SessionKey, Sessions};
use mirror_wire::{Captured, Inner, NotMirrored, VXLAN_PORT, Vni, decapsulate};
use pcapng_blocks::{Form, Packet};

use super::arrival::{Arrival, Arrivals};
use crate::{
    cli,
    report::{Counts, Reason, SessionCount, note, reason},
};

/// What becomes of a packet.
pub(super) enum Decision<'a> {
    /// Its wrapper comes off.
    Strip(Stripped<'a>),
    /// It is written as it is.
    Keep(Reason),
    /// It is not written.
    LeaveOut(Reason),
}

/// A mirrored frame and what is known of it.
pub(super) struct Stripped<'a> {
    pub(super) session: SessionId,
    pub(super) key: SessionKey,
    /// The frame, as far as it was captured.
    pub(super) inner: &'a [u8],
    /// Its length on the wire at the source ENI.
    pub(super) original_len: u32,
    pub(super) direction: Option<Direction>,
    /// The same length, if the mirror cut the frame.
    pub(super) cut_from: Option<u32>,
    reserved_bits: bool,
    direction_conflict: bool,
    exceeds_frame: bool,
}

impl Stripped<'_> {
    /// Count it, now that it is written.
    #[inline]
    pub(super) fn count(&self, counts: &mut Counts) {
        counts.stripped(&SessionCount {
            session: self.session,
            bytes: self.original_len,
            cut: self.cut_from.is_some(),
            direction: self.direction,
        });
        let notes = [
            (self.reserved_bits, note::RESERVED_BITS),
            (self.direction_conflict, note::DIRECTION_CONFLICT),
            (self.exceeds_frame, note::IP_LENGTH_EXCEEDS_FRAME),
        ];
        for (_, note) in notes.into_iter().filter(|(is, _)| *is) {
            counts.note(note);
        }
    }
}

/// Decides packet by packet, remembering sessions.
pub(super) struct Judge {
    ports: Vec<u16>,
    vnis: Vec<Vni>,
    packet_lengths: Vec<u32>,
    only_mirrored: bool,
    sessions: Sessions,
}

impl Judge {
    pub(super) fn new(args: &cli::Strip) -> Judge {
        let ports = if args.port.is_empty() { vec![VXLAN_PORT] } else { args.port.clone() };
        Judge {
            ports,
            vnis: args.vni.clone(),
            packet_lengths: args.packet_length.clone(),
            only_mirrored: args.only_mirrored,
            sessions: Sessions::default(),
        }
    }

    pub(super) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    #[inline]
    pub(super) fn decide<'a>(
        &mut self,
        packet: &Packet<'a>,
        arrivals: &Arrivals,
        counts: &mut Counts,
    ) -> Decision<'a> {
        let Some(arrival) = arrivals.get(packet.interface) else {
            return self.keep(reason::LINK_TYPE);
        };
        if packet.form == Form::Simple && self.only_mirrored {
            // Its length depends on the snaplen of interface 0, and that changes.
            return Decision::LeaveOut(reason::SIMPLE_PACKET);
        }
        // A packet that was stripped before is mirrored traffic in any case.
        if arrival.is_session || is_annotated(packet) {
            return Decision::Keep(reason::ALREADY_STRIPPED);
        }
        match packet.form {
            Form::Enhanced | Form::Record => {}
            Form::Obsolete => return self.keep(reason::PACKET_BLOCK),
            Form::Simple => return self.keep(reason::SIMPLE_PACKET),
        }
        match self.strip(packet, arrival, counts) {
            Ok(stripped) => Decision::Strip(stripped),
            Err(why) => self.keep(why),
        }
    }

    /// What becomes of a packet that is not stripped.
    pub(super) fn keep<'a>(&self, why: Reason) -> Decision<'a> {
        if self.only_mirrored { Decision::LeaveOut(why) } else { Decision::Keep(why) }
    }

    #[inline]
    fn strip<'a>(
        &mut self,
        packet: &Packet<'a>,
        arrival: &Arrival,
        counts: &mut Counts,
    ) -> Result<Stripped<'a>, Reason> {
        let captured = Captured {
            link: arrival.link.ok_or(reason::LINK_TYPE)?,
            bytes: packet.data,
            original_len: packet.original_len,
            fcs_len: packet.fcs_len(arrival.fcs_len),
        };
        let mirrored = decapsulate(&captured, &self.ports).map_err(|why| {
            if let NotMirrored::OtherPort(port) = why {
                counts.hints.port(port);
            }
            Reason(why.reason())
        })?;
        if !self.vnis.is_empty() && !self.vnis.contains(&mirrored.vni) {
            counts.hints.vni(mirrored.vni);
            return Err(reason::OTHER_VNI);
        }
        let key =
            SessionKey { endpoint: mirrored.endpoint, source: mirrored.source, vni: mirrored.vni };
        let id = self.sessions.find(&key).ok_or(reason::TOO_MANY_SESSIONS)?;
        let Some(session) = self.sessions.get_mut(id) else {
            return Err(reason::TOO_MANY_SESSIONS);
        };
        let mut stripped = Stripped {
            session: id,
            key,
            inner: mirrored.inner,
            original_len: mirrored.inner_len,
            direction: None,
            cut_from: None,
            reserved_bits: mirrored.reserved_bits,
            direction_conflict: false,
            exceeds_frame: false,
        };
        let inner = Inner::parse(mirrored.inner);
        if let Some(inner) = &inner {
            let sensed = session.direction.observe(mirrored.source, inner);
            stripped.direction = sensed.direction;
            stripped.direction_conflict = sensed.conflict;
        }
        let promised = inner.and_then(|inner| inner.promised_len);
        match session.cut.observe(mirrored.inner_len, promised, &self.packet_lengths) {
            Length::Whole => {}
            Length::CutFrom(len) => {
                stripped.original_len = len;
                stripped.cut_from = Some(len);
            }
            Length::Exceeds => stripped.exceeds_frame = true,
        }
        Ok(stripped)
    }
}

/// Whether a comment says that the packet was stripped before.
#[inline]
fn is_annotated(packet: &Packet<'_>) -> bool {
    !packet.options.is_empty() && Annotation::last_valid(packet.options.comments()).is_some()
}
