//! Everything counted while captures are read.
//!
//! Each packet is counted once: in its session (wrapped, or stripped before), under the reason why
//! it is in none, or as damaged. What grows with the input is limited: sessions by the judge, names
//! and lengths and pairs here.

use std::{borrow::Cow, collections::HashSet, iter, ptr};

use mirror_session::{Direction, Eni, Found, KnownSession, Picture, SessionId, SessionKey};
use mirror_wire::{Imprint, LinkType, NotMirrored};
use pcapng_blocks::{Compression, Content, Event, Packet};

use super::{
    cuts::{Cause, Cuts},
    duplicates::{Arrived, Device, Duplicates, Wrapper},
    times::{Moment, Span},
};
use crate::{
    cli,
    damage::DamageLog,
    report::{Hints, Reason, reason},
    strip::{
        arrival::{Arrival, Arrivals},
        before::{Before, before},
        judge::{Decision, Judge, Options},
    },
};

/// The longest text that an annotation of ours has, in characters.
const MAX_NAME_CHARS: usize = 1_024;

/// Bytes of names, from annotations, that are kept.
const MAX_NAMES_LEN: usize = 4 << 20;

/// The most that can stand around a frame that a mirror sends: with a snaplen, what is missing of a
/// frame that nearly reaches it may be the capture's doing. Ethernet with three tags, and GENEVE
/// with all the options that it can have, between IP headers of 60 bytes.
const MAX_WRAPPER: u32 = 14 + 12 + 60 + 8 + 8 + 252 + 60 + 8 + 8;

/// Counts packets, and knows what the documents do.
pub(super) struct Inventory<'p> {
    judge: Judge<'p>,
    picture: Option<&'p Picture>,
    packet_lengths: Vec<u32>,
    arrivals: Arrivals,
    hints: Hints,
    totals: Totals,
    other: Vec<Other>,
    inputs: Vec<InputTotal>,
}

/// What came of the sessions.
#[derive(Default)]
struct Totals {
    sessions: Vec<SessionTotal>,
    /// Bytes of names in it.
    names_len: usize,
    duplicates: Duplicates,
}

/// One capture.
pub(super) struct InputTotal {
    pub(super) name: String,
    pub(super) compression: Compression,
    /// Packets in it, the broken ones too.
    pub(super) read: u64,
    /// Packets that are broken.
    pub(super) damaged: u64,
    pub(super) damage: DamageLog,
}

/// Packets of no session.
pub(super) struct Other {
    pub(super) reason: Reason,
    pub(super) packets: u64,
    pub(super) bytes: u64,
}

/// What came of a session.
#[derive(Default)]
struct SessionTotal {
    /// Those that came wrapped.
    wrapped: u64,
    /// Those that were stripped before.
    stripped: u64,
    /// Original lengths of them all.
    bytes: u64,
    ingress: u64,
    egress: u64,
    span: Span,
    cuts: Cuts,
    /// What annotations say.
    names: Option<Box<Names>>,
}

#[derive(Default)]
struct Names {
    id: Option<Box<str>>,
    name: Option<Box<str>>,
}

/// A session, as it is told.
pub(super) struct Listed<'i> {
    pub(super) key: SessionKey,
    /// What the documents have of it, if there are any.
    found: Option<Found<'i>>,
    total: &'i SessionTotal,
    packet_lengths: &'i [u32],
}

/// How many packets there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Packets {
    pub(super) read: u64,
    pub(super) wrapped: u64,
    pub(super) stripped: u64,
    pub(super) other: u64,
    pub(super) damaged: u64,
}

/// What is counted of one packet of a session.
struct Seen<'a> {
    is_wrapped: bool,
    /// The frame, as far as it is there.
    frame: &'a [u8],
    /// Its length on the wire at the source.
    bytes: u32,
    direction: Option<Direction>,
    moment: Option<Moment>,
    arrived: Arrived,
    is_cut: bool,
    /// The length that it was cut to, if that is known.
    cut_to: Option<u32>,
}

impl<'p> Inventory<'p> {
    /// `picture` is what documents know of the sessions.
    pub(super) fn new(args: &cli::Sessions, picture: Option<&'p Picture>) -> Inventory<'p> {
        Inventory {
            judge: Judge::new(Options {
                ports: args.port.clone(),
                packet_lengths: args.packet_length.clone(),
                picture,
                ..Options::default()
            }),
            picture,
            packet_lengths: args.packet_length.clone(),
            arrivals: Arrivals::default(),
            hints: Hints::default(),
            totals: Totals::default(),
            other: Vec::new(),
            inputs: Vec::new(),
        }
    }

    /// Another capture begins.
    pub(super) fn begin(&mut self, name: &str, compression: Compression) {
        self.arrivals.clear();
        self.judge.begin();
        self.inputs.push(InputTotal {
            name: name.to_owned(),
            compression,
            read: 0,
            damaged: 0,
            damage: DamageLog::default(),
        });
    }

    /// A capture has ended.
    pub(super) fn end(&mut self) {
        self.totals.duplicates.end();
    }

    /// Count what comes next in it.
    #[inline]
    pub(super) fn take(&mut self, event: &Event<'_>) {
        let Some(input) = self.inputs.last_mut() else { return };
        let block = match event {
            Event::Block(block) => block,
            Event::Damage(damage) => {
                input.read += u64::from(damage.packet);
                input.damaged += u64::from(damage.packet);
                return input.damage.add(damage);
            }
        };
        match &block.content {
            Content::Packet(packet) => {
                input.read += 1;
                if let Err(why) = self.packet(packet) {
                    self.count_other(why, on_wire(packet));
                }
            }
            Content::Section(_) => self.arrivals.clear(),
            Content::Interface(interface) => self.arrivals.add(interface),
            _ => {}
        }
    }

    /// Count a packet in its session; an error is the reason why it is of none.
    #[inline]
    fn packet(&mut self, packet: &Packet<'_>) -> Result<(), Reason> {
        let Inventory { judge, arrivals, hints, totals, inputs, .. } = self;
        let arrival = arrivals.get(packet.interface).ok_or(reason::LINK_TYPE)?;
        let moment = packet.timestamp.and_then(|stamp| Moment::of(arrival.clock, stamp));
        let mut arrived = Arrived {
            millis: moment.map(Moment::millis),
            device: device(inputs.len(), packet, arrival),
            wrapper: None,
        };
        if let Some(before) = before(packet, arrival) {
            let id = judge.enlist(&before.key).ok_or(reason::TOO_MANY_SESSIONS)?;
            let seen = Seen {
                is_wrapped: false,
                frame: packet.data,
                bytes: on_wire(packet),
                direction: before.direction,
                moment,
                arrived,
                is_cut: before.cut_from.is_some(),
                cut_to: cut_to(packet, arrival),
            };
            totals.add(id, &seen);
            totals.name(id, &before);
            return Ok(());
        }
        match judge.decide(packet, arrivals, hints) {
            Decision::Strip(stripped) => {
                let (source_port, identification) = (stripped.source_port, stripped.identification);
                arrived.wrapper = Some(Wrapper { source_port, identification });
                let seen = Seen {
                    is_wrapped: true,
                    frame: stripped.inner,
                    bytes: stripped.original_len,
                    direction: stripped.direction,
                    moment,
                    arrived,
                    is_cut: stripped.cut_from.is_some(),
                    cut_to: Some(stripped.delivered_len),
                };
                totals.add(stripped.session, &seen);
                Ok(())
            }
            Decision::Keep(why) | Decision::LeaveOut(why) => {
                if why.0 == NotMirrored::Other.reason()
                    && totals.duplicates.may_know()
                    && let Some(link) = arrival.link
                    && let Some(imprint) = Imprint::of_packet(link, packet.data)
                {
                    totals.duplicates.observe(&imprint, None, &arrived);
                }
                Err(why)
            }
        }
    }

    fn count_other(&mut self, reason: Reason, bytes: u32) {
        let bytes = u64::from(bytes);
        match self.other.iter_mut().find(|other| other.reason == reason) {
            Some(other) => {
                other.packets += 1;
                other.bytes += bytes;
            }
            None => self.other.push(Other { reason, packets: 1, bytes }),
        }
    }
}

impl Totals {
    /// Count a packet in its session.
    #[inline]
    fn add(&mut self, id: SessionId, seen: &Seen<'_>) {
        if let Some(imprint) = Imprint::of(seen.frame) {
            self.duplicates.observe(&imprint, Some(id), &seen.arrived);
        }
        if id.index() >= self.sessions.len() {
            self.sessions.resize_with(id.index() + 1, SessionTotal::default);
        }
        let Some(total) = self.sessions.get_mut(id.index()) else { return };
        if seen.is_wrapped {
            total.wrapped += 1;
        } else {
            total.stripped += 1;
        }
        total.bytes += u64::from(seen.bytes);
        total.span.add(seen.moment);
        match seen.direction {
            Some(Direction::Ingress) => total.ingress += 1,
            Some(Direction::Egress) => total.egress += 1,
            None => {}
        }
        if seen.is_cut {
            total.cuts.add(seen.cut_to);
        }
    }

    /// Keep what an annotation calls its session, if it is the first to do so.
    #[inline]
    fn name(&mut self, id: SessionId, before: &Before<'_>) {
        let Some(total) = self.sessions.get_mut(id.index()) else { return };
        let is_new = |known: Option<&Box<str>>, text: &Option<Cow<'_, str>>| {
            known.is_none() && text.is_some()
        };
        let names = total.names.as_deref();
        if is_new(names.and_then(|names| names.id.as_ref()), &before.id)
            || is_new(names.and_then(|names| names.name.as_ref()), &before.name)
        {
            let names = total.names.get_or_insert_default();
            for (known, text) in [(&mut names.id, &before.id), (&mut names.name, &before.name)] {
                let Some(text) = text.as_deref().filter(|_| known.is_none()) else { continue };
                let fits = self.names_len + text.len() <= MAX_NAMES_LEN;
                if fits && text.chars().nth(MAX_NAME_CHARS).is_none() {
                    self.names_len += text.len();
                    *known = Some(text.into());
                }
            }
        }
    }
}

/// What can be asked when all is counted.
impl Inventory<'_> {
    pub(super) fn inputs(&self) -> &[InputTotal] {
        &self.inputs
    }

    pub(super) fn is_damaged(&self) -> bool {
        self.inputs.iter().any(|input| input.damage.total() > 0)
    }

    /// The sessions in order of appearance; a [`SessionId`] is a place in it.
    pub(super) fn sessions(&self) -> Vec<Listed<'_>> {
        let found = self.judge.found().map(|(_, found)| Some(found)).chain(iter::repeat(None));
        let listed = self.judge.sessions().zip(found).zip(&self.totals.sessions);
        let listed = listed.map(|(((key, _), found), total)| Listed {
            key,
            found,
            total,
            packet_lengths: &self.packet_lengths,
        });
        listed.collect()
    }

    pub(super) fn packets(&self) -> Packets {
        let of_inputs = |count: fn(&InputTotal) -> u64| self.inputs.iter().map(count).sum();
        let of_sessions =
            |count: fn(&SessionTotal) -> u64| self.totals.sessions.iter().map(count).sum();
        Packets {
            read: of_inputs(|input| input.read),
            wrapped: of_sessions(|total| total.wrapped),
            stripped: of_sessions(|total| total.stripped),
            other: self.other.iter().map(|other| other.packets).sum(),
            damaged: of_inputs(|input| input.damaged),
        }
    }

    pub(super) fn duplicates(&self) -> &Duplicates {
        &self.totals.duplicates
    }

    /// Packets of no session by their reasons, the most frequent first.
    pub(super) fn other(&self) -> Vec<&Other> {
        let mut other: Vec<_> = self.other.iter().collect();
        other.sort_by_key(|other| (u64::MAX - other.packets, other.reason.0));
        other
    }

    /// Where UDP that was no mirror's went.
    pub(super) fn hints(&self) -> &Hints {
        &self.hints
    }

    /// Sessions that the documents know and of which no packet came. Of those that fit a session of
    /// the capture which could be one of several, that can't be said.
    pub(super) fn missing(&self) -> Vec<&KnownSession> {
        let mut seen: HashSet<*const KnownSession> = HashSet::new();
        let mut doubtful = HashSet::new();
        for (SessionKey { source, vni, .. }, found) in self.judge.found() {
            match found {
                Found::Session { session, .. } => {
                    seen.insert(ptr::from_ref(session));
                }
                Found::Ambiguous(_) => doubtful.extend([(vni, Some(source)), (vni, None)]),
                Found::Unknown => {}
            }
        }
        let may_have_come = |known: &KnownSession| {
            let Some(vni) = known.vni else { return false };
            let mut sources = known.eni.iter().flat_map(Eni::sources).map(Some).peekable();
            let unknown = sources.peek().is_none().then_some(None);
            sources.chain(unknown).any(|source| doubtful.contains(&(vni, source)))
        };
        let known = self.picture.map(Picture::sessions).unwrap_or_default();
        let is_missing =
            |known: &&KnownSession| !seen.contains(&ptr::from_ref(*known)) && !may_have_come(known);
        known.iter().filter(is_missing).collect()
    }

    /// What a user should know about how sessions were found in the documents.
    pub(super) fn remarks(&self) -> Vec<String> {
        self.judge.remarks()
    }
}

impl<'i> Listed<'i> {
    /// What the documents know of it.
    fn known(&self) -> Option<&'i KnownSession> {
        match self.found? {
            Found::Session { session, .. } => Some(session),
            Found::Ambiguous(_) | Found::Unknown => None,
        }
    }

    /// Its id, by the documents, else by an annotation.
    pub(super) fn id(&self) -> Option<&'i str> {
        let annotated = || self.total.names.as_ref()?.id.as_deref();
        self.known().and_then(|known| known.id.as_deref()).or_else(annotated)
    }

    /// Its name, as for the id.
    pub(super) fn name(&self) -> Option<&'i str> {
        let annotated = || self.total.names.as_ref()?.name.as_deref();
        self.known().and_then(|known| known.name.as_deref()).or_else(annotated)
    }

    /// Whether the documents know it; `None` without documents, or if it could be one of several.
    pub(super) fn is_known(&self) -> Option<bool> {
        match self.found? {
            Found::Session { .. } => Some(true),
            Found::Unknown => Some(false),
            Found::Ambiguous(_) => None,
        }
    }

    /// Packets that came wrapped, and those that were stripped before.
    pub(super) fn forms(&self) -> (u64, u64) {
        (self.total.wrapped, self.total.stripped)
    }

    pub(super) fn packets(&self) -> u64 {
        self.total.wrapped + self.total.stripped
    }

    pub(super) fn bytes(&self) -> u64 {
        self.total.bytes
    }

    /// Bits per second.
    pub(super) fn rate(&self) -> Option<u64> {
        self.total.span.rate(self.total.bytes)
    }

    pub(super) fn span(&self) -> &Span {
        &self.total.span
    }

    /// Packets received, sent, and those of which that can't be told.
    pub(super) fn directions(&self) -> [u64; 3] {
        let (ingress, egress) = (self.total.ingress, self.total.egress);
        [ingress, egress, self.packets() - ingress - egress]
    }

    /// How many packets were cut.
    pub(super) fn cut(&self) -> u64 {
        self.total.cuts.packets()
    }

    /// To what lengths, how many to each, and by what.
    pub(super) fn cuts(&self) -> Vec<(Option<u32>, u64, Option<Cause>)> {
        let cause = |length| Cause::of(length, self.known(), self.packet_lengths);
        let listed = self.total.cuts.listed();
        listed.into_iter().map(|(length, n)| (length, n, length.map(cause))).collect()
    }
}

/// The device that a packet of capture `input` was captured on.
#[inline]
fn device(input: usize, packet: &Packet<'_>, arrival: &Arrival) -> Device {
    let index = match (arrival.link, packet.data) {
        // A capture of all devices names the one of each packet.
        (Some(LinkType::LinuxSll2), [_, _, _, _, a, b, c, d, ..]) => {
            u32::from_be_bytes([*a, *b, *c, *d])
        }
        _ => 0,
    };
    Device { input, interface: packet.interface, index }
}

/// A packet's length on the wire. Some writers say less than was captured.
fn on_wire(packet: &Packet<'_>) -> u32 {
    u32::try_from(packet.data.len()).map_or(u32::MAX, |captured| captured.max(packet.original_len))
}

/// The length that the mirror cut a packet to that was stripped before, unless the snaplen of the
/// capture may have cut it further.
fn cut_to(packet: &Packet<'_>, arrival: &Arrival) -> Option<u32> {
    let captured = u32::try_from(packet.data.len()).ok()?;
    let is_snapped = (1..=captured.saturating_add(MAX_WRAPPER)).contains(&arrival.snaplen);
    (!is_snapped).then_some(captured)
}
