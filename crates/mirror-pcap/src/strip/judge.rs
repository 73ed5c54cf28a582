//! What becomes of a packet, and why.
//!
//! The order of the questions matters. Whether a packet was stripped before
//! comes first: the workload may speak VXLAN itself, and what is inside then is
//! its own. Only then the wrapper is looked for, once.
//!
//! What the documents know of a session is looked up at its first packet and kept beside what its
//! packets have shown; so a packet costs the same with documents and without.

use mirror_session::{
    Annotation, By, Direction, Found, KnownSession, Length, Picture, Sensed, SessionId, SessionKey,
    Sessions,
};
use mirror_wire::{Captured, Inner, NotMirrored, VXLAN_PORT, Vni, decapsulate};
use pcapng_blocks::{Form, Packet};

use super::{
    arrival::{Arrival, Arrivals},
    before,
};
use crate::{
    cli,
    documents::titled,
    number::counted,
    report::{Counts, Hints, Reason, SessionCount, note, reason},
};

/// Sessions that a remark names.
const MAX_NAMED: usize = 5;

/// What becomes of a packet.
pub(crate) enum Decision<'a> {
    /// Its wrapper comes off.
    Strip(Stripped<'a>),
    /// It is written as it is.
    Keep(Reason),
    /// It is not written.
    LeaveOut(Reason),
}

/// A mirrored frame and what is known of it.
pub(crate) struct Stripped<'a> {
    pub(crate) session: SessionId,
    pub(crate) key: SessionKey,
    /// What the documents know of the session.
    pub(crate) known: Option<&'a KnownSession>,
    /// The frame, as far as it was captured.
    pub(crate) inner: &'a [u8],
    /// Its length on the wire at the source ENI.
    pub(crate) original_len: u32,
    /// Its length as the mirror sent it.
    pub(crate) delivered_len: u32,
    /// The UDP source port of its wrapper.
    pub(crate) source_port: u16,
    /// The identification in the IP header of its wrapper; 0 if that is of IPv6.
    pub(crate) identification: u16,
    pub(crate) direction: Option<Direction>,
    /// The same length, if the mirror cut the frame.
    pub(crate) cut_from: Option<u32>,
    reserved_bits: bool,
    pub(crate) direction_conflict: bool,
    exceeds_frame: bool,
}

impl Stripped<'_> {
    /// All that is known of its session.
    pub(crate) fn annotation(&self) -> Annotation {
        let mut annotation = Annotation::of(&self.key);
        if let Some(known) = self.known {
            known.annotate(&mut annotation);
        }
        annotation
    }

    /// Count it, now that it is written.
    #[inline]
    pub(crate) fn count(&self, counts: &mut Counts) {
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

/// Which packets are mirrored ones to strip, and what is known of them.
#[derive(Default)]
pub(crate) struct Options<'p> {
    /// UDP ports that carry VXLAN; none is the usual one.
    pub(crate) ports: Vec<u16>,
    /// Strip only these; none is all.
    pub(crate) vnis: Vec<Vni>,
    /// Lengths that sessions are said to cut frames to.
    pub(crate) packet_lengths: Vec<u32>,
    /// What the documents know.
    pub(crate) picture: Option<&'p Picture>,
    /// Strip only sessions that they know.
    pub(crate) only_known: bool,
    /// Leave out what is not mirrored.
    pub(crate) only_mirrored: bool,
}

impl<'p> Options<'p> {
    pub(crate) fn new(args: &cli::Strip, picture: Option<&'p Picture>) -> Options<'p> {
        Options {
            ports: args.port.clone(),
            vnis: args.vni.clone(),
            packet_lengths: args.packet_length.clone(),
            picture,
            only_known: args.only_known,
            only_mirrored: args.only_mirrored,
        }
    }
}

/// Decides packet by packet, remembering sessions.
pub(crate) struct Judge<'p> {
    options: Options<'p>,
    sessions: Sessions,
    /// What the documents say of each of `sessions`; empty without documents.
    looked_up: Vec<LookedUp<'p>>,
}

/// What the documents say of a session in the capture.
struct LookedUp<'p> {
    found: Found<'p>,
    /// Lengths that it cuts frames to, where the documents tell some: with those of the options.
    cuts: Box<[u32]>,
}

impl<'p> LookedUp<'p> {
    fn session(&self) -> Option<&'p KnownSession> {
        match self.found {
            Found::Session { session, .. } => Some(session),
            Found::Ambiguous(_) | Found::Unknown => None,
        }
    }
}

impl<'p> Judge<'p> {
    pub(crate) fn new(mut options: Options<'p>) -> Judge<'p> {
        if options.ports.is_empty() {
            options.ports.push(VXLAN_PORT);
        }
        Judge { options, sessions: Sessions::default(), looked_up: Vec::new() }
    }

    /// The sessions seen so far, in order of appearance, and what the documents know of each.
    pub(crate) fn sessions(&self) -> impl Iterator<Item = (SessionKey, Option<&'p KnownSession>)> {
        let known = |(id, session): (SessionId, &mirror_session::Session)| {
            (session.key, self.looked_up.get(id.index()).and_then(LookedUp::session))
        };
        self.sessions.iter().map(known)
    }

    /// What the documents have of each of them, in the same order; nothing without documents.
    pub(crate) fn found(&self) -> impl Iterator<Item = (SessionKey, Found<'p>)> {
        let keys = self.sessions.iter().map(|(_, session)| session.key);
        keys.zip(self.looked_up.iter().map(|looked_up| looked_up.found))
    }

    /// Another capture begins: its packets are judged as if it were the first.
    pub(crate) fn begin(&mut self) {
        self.sessions.forget_packets();
    }

    /// The session of a packet that was stripped before; `None` if it would be one too many.
    #[inline]
    pub(crate) fn enlist(&mut self, key: &SessionKey) -> Option<SessionId> {
        let id = self.sessions.find(key)?;
        if let Some(picture) = self.options.picture {
            look_up(&mut self.looked_up, id, key, picture, &self.options.packet_lengths);
        }
        Some(id)
    }

    /// What a user should know about how sessions were found in the documents.
    pub(crate) fn remarks(&self) -> Vec<String> {
        let (mut alone, mut unclear) = (Vec::new(), Vec::new());
        for (key, found) in self.found() {
            match found {
                Found::Session { session, by: By::VniAlone } => alone.push(called(session, &key)),
                Found::Ambiguous(_) => unclear.push(key.to_string()),
                Found::Session { by: By::SourceAndVni, .. } | Found::Unknown => {}
            }
        }
        let of = [
            (alone, "found by the VNI alone, as the documents give no source address"),
            (unclear, "not named, as several in the documents fit"),
        ];
        of.into_iter()
            .filter(|(sessions, _)| !sessions.is_empty())
            .map(|(sessions, what)| {
                let count = counted(sessions.len() as u64, "session was", "sessions were");
                format!("{count} {what}: {}", list(&sessions))
            })
            .collect()
    }

    #[inline]
    pub(crate) fn decide<'a>(
        &mut self,
        packet: &Packet<'a>,
        arrivals: &Arrivals,
        hints: &mut Hints,
    ) -> Decision<'a>
    where
        'p: 'a,
    {
        let Some(arrival) = arrivals.get(packet.interface) else {
            return self.keep(reason::LINK_TYPE);
        };
        if packet.form == Form::Simple && self.options.only_mirrored {
            // Its length depends on the snaplen of interface 0, and that changes.
            return Decision::LeaveOut(reason::SIMPLE_PACKET);
        }
        // A packet that was stripped before is mirrored traffic in any case.
        if before::was_stripped(packet, arrival) {
            return Decision::Keep(reason::ALREADY_STRIPPED);
        }
        match packet.form {
            Form::Enhanced | Form::Record => {}
            Form::Obsolete => return self.keep(reason::PACKET_BLOCK),
            Form::Simple => return self.keep(reason::SIMPLE_PACKET),
        }
        match self.strip(packet, arrival, hints) {
            Ok(stripped) => Decision::Strip(stripped),
            Err(why) => self.keep(why),
        }
    }

    /// What becomes of a packet that is not stripped.
    pub(crate) fn keep<'a>(&self, why: Reason) -> Decision<'a> {
        if self.options.only_mirrored { Decision::LeaveOut(why) } else { Decision::Keep(why) }
    }

    #[inline]
    fn strip<'a>(
        &mut self,
        packet: &Packet<'a>,
        arrival: &Arrival,
        hints: &mut Hints,
    ) -> Result<Stripped<'a>, Reason>
    where
        'p: 'a,
    {
        let options = &self.options;
        let captured = Captured {
            link: arrival.link.ok_or(reason::LINK_TYPE)?,
            bytes: packet.data,
            original_len: packet.original_len,
            fcs_len: packet.fcs_len(arrival.fcs_len),
        };
        let mirrored = decapsulate(&captured, &options.ports).map_err(|why| {
            if let NotMirrored::OtherPort(port) = why {
                hints.port(port);
            }
            Reason(why.reason())
        })?;
        if !options.vnis.is_empty() && !options.vnis.contains(&mirrored.vni) {
            hints.vni(mirrored.vni);
            return Err(reason::OTHER_VNI);
        }
        let key =
            SessionKey { endpoint: mirrored.endpoint, source: mirrored.source, vni: mirrored.vni };
        if options.only_known && !is_known(options.picture, &self.sessions, &key) {
            hints.unknown(key);
            return Err(reason::UNKNOWN_SESSION);
        }
        let id = self.sessions.find(&key).ok_or(reason::TOO_MANY_SESSIONS)?;
        let looked_up = match options.picture {
            Some(picture) => {
                look_up(&mut self.looked_up, id, &key, picture, &options.packet_lengths)
            }
            None => None,
        };
        let Some(session) = self.sessions.get_mut(id) else {
            return Err(reason::TOO_MANY_SESSIONS);
        };
        let known = looked_up.and_then(LookedUp::session);
        let mut stripped = Stripped {
            session: id,
            key,
            known,
            inner: mirrored.inner,
            original_len: mirrored.inner_len,
            delivered_len: mirrored.inner_len,
            source_port: mirrored.source_port,
            identification: mirrored.identification,
            direction: None,
            cut_from: None,
            reserved_bits: mirrored.reserved_bits,
            direction_conflict: false,
            exceeds_frame: false,
        };
        let inner = Inner::parse(mirrored.inner);
        if let Some(inner) = &inner {
            // It learns from every packet, whoever is asked first.
            let mut sensed = session.direction.observe(mirrored.source, inner);
            if let Some(known) = known {
                sensed = told(known, inner).unwrap_or(sensed);
            }
            stripped.direction = sensed.direction;
            stripped.direction_conflict = sensed.conflict;
        }
        let promised = inner.and_then(|inner| inner.promised_len);
        let cuts = match looked_up {
            Some(looked_up) if !looked_up.cuts.is_empty() => &looked_up.cuts,
            _ => options.packet_lengths.as_slice(),
        };
        match session.cut.observe(mirrored.inner_len, promised, cuts) {
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

/// What the documents say of session `id`, looked up if this is its first packet.
#[inline(never)] // not in the way of those who have no documents
fn look_up<'l, 'p>(
    looked_up: &'l mut Vec<LookedUp<'p>>,
    id: SessionId,
    key: &SessionKey,
    picture: &'p Picture,
    packet_lengths: &[u32],
) -> Option<&'l LookedUp<'p>> {
    // Sessions are numbered without gaps, so a new one is the next.
    if id.index() == looked_up.len() {
        let found = picture.find(key);
        let mut cuts = match found {
            Found::Session { session, .. } => session.cuts(),
            Found::Ambiguous(_) | Found::Unknown => Vec::new(),
        };
        if !cuts.is_empty() {
            cuts.extend(packet_lengths);
        }
        looked_up.push(LookedUp { found, cuts: cuts.into() });
    }
    looked_up.get(id.index())
}

/// Whether the documents know the session of this key.
///
/// Sessions that they don't know must not fill the table. So it has none of those, and need only be
/// asked for the others once.
#[inline(never)] // not in the way of those who have no documents
fn is_known(picture: Option<&Picture>, sessions: &Sessions, key: &SessionKey) -> bool {
    let is_found = |picture: &Picture| matches!(picture.find(key), Found::Session { .. });
    sessions.seen(key).is_some() || picture.is_some_and(is_found)
}

/// What the documents tell of a packet's direction, be it that it contradicts itself.
#[inline(never)] // as above
fn told(known: &KnownSession, inner: &Inner) -> Option<Sensed> {
    let told = known.eni.as_ref()?.direction(inner);
    (told.direction.is_some() || told.conflict).then_some(told)
}

/// What a session is called in a sentence.
fn called(known: &KnownSession, key: &SessionKey) -> String {
    let title = titled(known.id.as_deref(), known.name.as_deref());
    title.unwrap_or_else(|| key.to_string())
}

/// The first of them, and how many more.
fn list(sessions: &[String]) -> String {
    let named: Vec<_> = sessions.iter().take(MAX_NAMED).map(String::as_str).collect();
    let named = named.join(", ");
    match sessions.len().saturating_sub(MAX_NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
