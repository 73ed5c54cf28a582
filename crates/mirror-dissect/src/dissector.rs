//! What is shown of one packet.

use std::net::IpAddr;

use mirror_session::{Annotation, Direction, Found, KnownSession, Picture, SessionKey};
use mirror_wire::{Captured, Inner, LinkType, VXLAN_PORT, decapsulate};

use crate::{Session, learnt::Learnt, recent::Recent};

/// A packet as a viewer has it.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// The viewer's number for it.
    pub number: u32,
    /// Whether the capture is being read, and it is this packet's turn; else it has had its turn,
    /// and someone looks at it again.
    pub is_in_turn: bool,
    /// What the first bytes are; `None` if they are nothing that we look into.
    pub link: Option<LinkType>,
    /// The captured bytes.
    pub bytes: &'a [u8],
    /// Length in bytes on the wire, as the capture tells it.
    pub original_len: u32,
    /// Bytes of frame check sequence at the end of the packet on the wire.
    pub fcs_len: u8,
    /// The number of the capture interface.
    pub interface: u32,
    /// The description of the capture interface; empty if there is none.
    pub description: &'a [u8],
    /// Whether that may be the description of another interface: there are viewers that look for
    /// the interfaces of all sections of a capture in its first one.
    pub doubtful_description: bool,
    /// Whether nobody looks at more than what is odd about the packet: a doubt, or a cut.
    pub only_odd: bool,
}

/// What a user can set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// UDP ports that carry VXLAN.
    pub ports: Vec<u16>,
    /// Of wrapped packets show only those whose session the documents know.
    pub only_known: bool,
    /// What the documents say; empty without documents.
    pub picture: Picture,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { ports: vec![VXLAN_PORT], only_known: false, picture: Picture::default() }
    }
}

/// Why a packet's session could not be named, though there are documents that name sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// They know none with this source and VNI.
    Unknown,
    /// They know so many that it could be.
    Ambiguous(usize),
}

/// What is shown of a packet.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'s> {
    /// The session that it came from.
    pub session: &'s Session,
    /// Why it has no name, if that is odd.
    pub doubt: Option<Doubt>,
    /// Which way it went, seen from the source ENI.
    pub direction: Option<Direction>,
    /// Bytes that the frame had before the session cut it; `None` if it wasn't cut, or nobody says
    /// so.
    pub cut_from: Option<u32>,
    /// Where in the captured bytes the VXLAN header is; `None` if it was stripped.
    pub vxlan: Option<usize>,
}

/// Says of packets which session they came from.
#[derive(Debug, Default)]
pub struct Dissector {
    settings: Settings,
    /// By the description of an interface; `None` for one that is no annotation.
    stripped: Recent<Box<[u8]>, Option<Stripped>, 256>,
    wrapped: Wrapped,
    learnt: Learnt,
}

type Wrapped = Recent<SessionKey, Entry, 256>;

/// What is said of all packets of a session.
#[derive(Debug)]
struct Entry {
    session: Session,
    known: Option<KnownSession>,
    doubt: Option<Doubt>,
    /// Lengths that the documents say frames are cut to.
    cuts: Vec<u32>,
}

/// A session as an interface tells it.
#[derive(Debug)]
struct Stripped {
    annotation: Annotation,
    entry: Entry,
    /// By the text of a comment; `None` for one that doesn't speak of this session. Those that do
    /// differ in direction and cut alone, so few are read more than once.
    comments: Recent<Box<[u8]>, Option<Told>, 8>,
}

/// A comment that is longer is read anew whenever it is asked about. Those that `strip` writes are a
/// few hundred bytes long; others may have 65,535, which nobody shall make us keep by the thousand.
const MAX_KEPT: usize = 1_024;

/// What the comment of a frame says of it.
#[derive(Clone, Copy, Debug)]
struct Told {
    direction: Option<Direction>,
    cut_from: Option<u32>,
}

impl Dissector {
    /// One that knows what these settings say.
    pub fn new(settings: Settings) -> Dissector {
        Dissector { settings, ..Dissector::default() }
    }

    /// Another capture is opened, or the same one read anew: what packets have shown is forgotten.
    pub fn begin(&mut self) {
        self.learnt = Learnt::default();
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What is shown of a packet; `None` if it is no mirrored one, or nothing is odd about it and
    /// only that is asked.
    ///
    /// `comments` are the packet's, in their order. They are asked for only if they may count.
    pub fn show<'s, 'c>(
        &'s mut self,
        packet: &Packet<'_>,
        comments: impl DoubleEndedIterator<Item = &'c [u8]> + Clone,
    ) -> Option<Shown<'s>> {
        let Dissector { settings, stripped, wrapped, learnt } = self;
        let description = packet.description;
        let stripped = match description {
            [] => None,
            _ => stripped
                .get(
                    packet.interface,
                    |kept| **kept == *description,
                    || (description.into(), Stripped::read(description, &settings.picture)),
                )
                .and_then(Option::as_mut),
        };
        if packet.doubtful_description && Annotation::last_valid(comments.clone()).is_some() {
            // An annotation that agrees settles it. Any other leaves open whose the frame is, and
            // into a frame that was stripped nobody must look for a wrapper.
            let stripped = stripped?;
            let told = stripped.told(comments)?;
            return stripped.show(packet, Some(told), learnt);
        }
        match stripped.filter(|_| !packet.doubtful_description) {
            Some(stripped) => {
                let told = stripped.told(comments);
                stripped.show(packet, told, learnt)
            }
            None => show_wrapped(settings, wrapped, packet, learnt),
        }
    }
}

impl Stripped {
    fn read(description: &[u8], picture: &Picture) -> Option<Stripped> {
        let annotation = Annotation::parse(description).ok()?;
        let found = picture.find(&annotation.key());
        let mut entry =
            Entry::new(picture, found, |known| Session::of_annotation(&annotation, known));
        // Whoever stripped it knew the session.
        if annotation.session.is_some() || annotation.name.is_some() {
            entry.doubt = None;
        }
        Some(Stripped { annotation, entry, comments: Recent::default() })
    }

    /// What the last of the packet's comments says that speaks of this session.
    fn told<'c>(&mut self, comments: impl DoubleEndedIterator<Item = &'c [u8]>) -> Option<Told> {
        let Stripped { annotation: session, comments: read, .. } = self;
        comments.rev().find_map(|comment| {
            if comment.len() > MAX_KEPT {
                return Told::read(comment, session);
            }
            let told = read.get(
                bits_of_text(comment),
                |kept| **kept == *comment,
                || (comment.into(), Told::read(comment, session)),
            );
            told.copied().flatten()
        })
    }

    fn show(
        &self,
        packet: &Packet<'_>,
        told: Option<Told>,
        learnt: &mut Learnt,
    ) -> Option<Shown<'_>> {
        // It teaches in its turn, whoever tells its own direction.
        let inner = Inner::parse(packet.bytes);
        let sensed = inner.and_then(|inner| {
            let direction = learnt.direction(packet, &self.annotation.key(), &inner);
            self.entry.direction(&inner, direction)
        });
        let cut_from = told.and_then(|told| told.cut_from);
        if packet.only_odd && self.entry.doubt.is_none() && cut_from.is_none() {
            return None;
        }
        Some(Shown {
            session: &self.entry.session,
            doubt: self.entry.doubt,
            direction: told.and_then(|told| told.direction).or(sensed),
            cut_from,
            vxlan: None,
        })
    }
}

impl Told {
    /// What a comment says, if it speaks of this session. A short one leaves out the endpoint.
    fn read(comment: &[u8], session: &Annotation) -> Option<Told> {
        let Annotation { vni, source, endpoint, direction, cut_from, .. } =
            Annotation::parse(comment).ok()?;
        let same = vni == session.vni
            && source == session.source
            && (endpoint.is_none() || endpoint == session.endpoint);
        same.then_some(Told { direction, cut_from })
    }
}

fn show_wrapped<'s>(
    settings: &Settings,
    recent: &'s mut Wrapped,
    packet: &Packet<'_>,
    learnt: &mut Learnt,
) -> Option<Shown<'s>> {
    let Packet { link, bytes, original_len, fcs_len, only_odd, is_in_turn, .. } = *packet;
    // Where no session is known none is unknown, and nobody has named a length to cut at.
    if only_odd && !is_in_turn && settings.picture.sessions().is_empty() {
        return None;
    }
    let captured = Captured { link: link?, bytes, original_len, fcs_len };
    let mirrored = decapsulate(&captured, &settings.ports).ok()?;
    let key =
        SessionKey { endpoint: mirrored.endpoint, source: mirrored.source, vni: mirrored.vni };
    let entry = recent.get(
        bits(&key),
        |kept| *kept == key,
        || {
            let found = settings.picture.find(&key);
            let session = |known: Option<&_>| Session::of_key(&key, known);
            (key, Entry::new(&settings.picture, found, session))
        },
    )?;
    if settings.only_known && entry.known.is_none() {
        return None;
    }
    let inner = Inner::parse(mirrored.inner);
    let direction = inner.and_then(|inner| {
        let direction = learnt.direction(packet, &key, &inner);
        entry.direction(&inner, direction)
    });
    let cut_from = inner
        .and_then(|inner| inner.promised_len)
        .filter(|promised| *promised > mirrored.inner_len)
        .filter(|_| entry.cuts.contains(&mirrored.inner_len));
    if only_odd && entry.doubt.is_none() && cut_from.is_none() {
        return None;
    }
    Some(Shown {
        session: &entry.session,
        doubt: entry.doubt,
        direction,
        cut_from,
        vxlan: Some(mirrored.vxlan_offset),
    })
}

impl Entry {
    fn new(
        picture: &Picture,
        found: Found<'_>,
        session: impl FnOnce(Option<&KnownSession>) -> Session,
    ) -> Entry {
        let (known, doubt) = match found {
            Found::Session { session, .. } => (Some(session), None),
            Found::Ambiguous(count) => (None, Some(Doubt::Ambiguous(count))),
            // Without documents nothing is known, and that is not odd.
            Found::Unknown => (None, (!picture.sessions().is_empty()).then_some(Doubt::Unknown)),
        };
        Entry {
            session: session(known),
            cuts: known.map(KnownSession::cuts).unwrap_or_default(),
            known: known.cloned(),
            doubt,
        }
    }

    /// Which way a frame went: by the ENI that documents describe, else as `sensed`.
    fn direction(&self, inner: &Inner, sensed: Option<Direction>) -> Option<Direction> {
        let told = self
            .known
            .as_ref()
            .and_then(|known| known.eni.as_ref())
            .map(|eni| eni.direction(inner));
        match told {
            Some(told) if told.direction.is_some() || told.conflict => told.direction,
            _ => sensed,
        }
    }
}

/// The bits of a comment that lead to its place. Comments of a session differ at their ends.
fn bits_of_text(text: &[u8]) -> u32 {
    let end = text.last_chunk::<4>().copied().map_or(0, u32::from_le_bytes);
    let folded = end ^ (end >> 16);
    folded ^ (folded >> 8) ^ u32::try_from(text.len()).unwrap_or(0)
}

/// The bits of a key that lead to its place. VNIs are random or all the same, and sources are often
/// neighbours in a subnet, so the low bits of both tell most sessions apart.
fn bits(key: &SessionKey) -> u32 {
    let source = match key.source {
        IpAddr::V4(source) => source.octets()[3],
        IpAddr::V6(source) => source.octets()[15],
    };
    u32::from(source) ^ key.vni.get().rotate_left(3)
}

#[cfg(test)]
mod tests;
