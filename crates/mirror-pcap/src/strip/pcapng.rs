//! The output as pcapng: every block where it was, sessions as interfaces.
//!
//! Interfaces have no number in the file but their place among the others, so
//! an interface written for a session shifts every one described after it.
//! Hence a table from numbers of the input to numbers of the output, applied to
//! the three kinds of block that name one. Simple Packet Blocks name none and
//! mean number 0, which stays 0: a session's interface comes after the one its
//! packets arrived on. Custom blocks may hide numbers where nobody can see them;
//! the format lets their author say so, and those are left behind.

use std::{cell::OnceCell, collections::HashMap};

use mirror_session::{Annotation, Detail, Direction, SessionId};
use pcapng_blocks::{
    Block, ByteOrder, Content, EnhancedPacket, Opt, OptionsWriter, Packet, code, kind, push_block,
    push_packet,
};

use super::{Writer, arrival::Arrivals, judge::Stripped};
use crate::{
    cli::{self, Comment},
    report::{Counts, Reason, note, reason},
    rewrite::{copy_options, copy_other, is_broken},
};

/// One snaplen for all, where the output must have one: the most that libpcap captures.
const ONE_SNAPLEN: u32 = 262_144;

/// Interfaces for sessions in one section; sessions beyond stay wrapped.
const MAX_SESSION_INTERFACES: usize = 65_536;

/// Bytes of descriptions that may wait until something needs them.
const MAX_WAITING: usize = 4 << 20;

const ETHERNET: u16 = 1;

/// Sessions that are kept at hand; those beyond take the places of others.
const RECENT_LEN: usize = 1024;

pub(super) struct Pcapng {
    comment: Comment,
    keep_nocopy: bool,
    only_mirrored: bool,
    /// The numbers that the interfaces of the input have in the output.
    numbers: Vec<Number>,
    /// Bytes in `numbers`.
    waiting: usize,
    /// The number of the next interface that is written.
    next: u32,
    sessions: HashMap<(u32, SessionId), u32>,
    /// By the low bits of the session's number, so that few sessions take few places.
    recent: Vec<Option<Recent>>,
    /// The link types written.
    link_types: Vec<u16>,
}

/// What packets of one session that arrive on one interface have in common.
struct Recent {
    arrival: u32,
    session: SessionId,
    /// The session's interface in the output.
    number: u32,
    /// The byte order of the section.
    order: ByteOrder,
    /// The comment on a packet, up to what is of that packet alone.
    head: Option<String>,
    /// The whole option list of a packet that brings no options and was not cut, for
    /// each direction that it may have, made when it is needed. Most packets are such.
    lists: [OnceCell<Box<[u8]>>; 3],
}

/// What became of an interface of the input.
enum Number {
    /// It is written, as this.
    Is(u32),
    /// It waits for something that needs it.
    Waits(Box<[u8]>),
    /// Its description was broken and nothing can refer to it.
    None,
}

impl Pcapng {
    pub(super) fn new(args: &cli::Strip) -> Pcapng {
        Pcapng {
            comment: args.comment,
            keep_nocopy: args.keep_nocopy,
            only_mirrored: args.only_mirrored,
            numbers: Vec::new(),
            waiting: 0,
            next: 0,
            sessions: HashMap::new(),
            recent: Vec::new(),
            link_types: Vec::new(),
        }
    }

    fn number(&mut self, link_type: u16) -> u32 {
        if !self.link_types.contains(&link_type) && self.link_types.len() < 8 {
            self.link_types.push(link_type);
        }
        let number = self.next;
        self.next += 1;
        number
    }

    /// The number in the output of an interface of the input, written now if it waited.
    fn arrival(&mut self, arrivals: &Arrivals, id: u32, out: &mut Vec<u8>) -> Option<u32> {
        match self.numbers.get_mut(id as usize)? {
            Number::Is(number) => Some(*number),
            Number::None => None,
            waits @ Number::Waits(_) => {
                let Number::Waits(bytes) = std::mem::replace(waits, Number::None) else {
                    return None;
                };
                self.waiting -= bytes.len();
                out.extend_from_slice(&bytes);
                let number = self.number(arrivals.get(id)?.link_type);
                *self.numbers.get_mut(id as usize)? = Number::Is(number);
                Some(number)
            }
        }
    }

    /// What the packet has in common with others of its session; the session's interface
    /// is written now if it is new.
    #[inline]
    fn recent(
        &mut self,
        stripped: &Stripped<'_>,
        order: ByteOrder,
        arrivals: &Arrivals,
        arrival: u32,
        out: &mut Vec<u8>,
    ) -> Result<&Recent, Reason> {
        let session = stripped.session;
        let slot = session.index() % RECENT_LEN;
        let known = match self.recent.get(slot) {
            Some(Some(recent)) => (recent.arrival, recent.session) == (arrival, session),
            _ => false,
        };
        if !known {
            let number = match self.sessions.get(&(arrival, session)) {
                Some(number) => *number,
                None => self.add_session(stripped, order, arrivals, arrival, out)?,
            };
            let head = match self.comment {
                Comment::Short => Some(stripped.annotation().head(Detail::Short)),
                Comment::Full => Some(stripped.annotation().head(Detail::Full)),
                Comment::None => None,
            };
            if slot >= self.recent.len() {
                self.recent.resize_with(slot + 1, || None);
            }
            if let Some(recent) = self.recent.get_mut(slot) {
                let lists = Default::default();
                *recent = Some(Recent { arrival, session, number, order, head, lists });
            }
        }
        self.recent.get(slot).and_then(Option::as_ref).ok_or(reason::TOO_MANY_SESSIONS)
    }

    fn add_session(
        &mut self,
        stripped: &Stripped<'_>,
        order: ByteOrder,
        arrivals: &Arrivals,
        arrival: u32,
        out: &mut Vec<u8>,
    ) -> Result<u32, Reason> {
        if self.sessions.len() >= MAX_SESSION_INTERFACES {
            return Err(reason::TOO_MANY_SESSIONS);
        }
        let on = arrivals.get(arrival).ok_or(reason::LINK_TYPE)?;
        let mut annotation = stripped.annotation();
        annotation.on = on.name.as_deref().map(str::to_owned);
        let snaplen = if self.only_mirrored { ONE_SNAPLEN } else { on.snaplen };
        push_block(out, order, kind::INTERFACE, |body| {
            body.extend_from_slice(&order.bytes16(ETHERNET));
            body.extend_from_slice(&[0; 2]);
            body.extend_from_slice(&order.bytes32(snaplen));
            let mut options = OptionsWriter::new(body, order);
            options.push(code::IF_NAME, annotation.interface_name().as_bytes());
            options.push(code::IF_DESCRIPTION, annotation.to_string().as_bytes());
            options.push(code::IF_TSRESOL, &[on.clock.resolution]);
            if on.clock.offset != 0 {
                let offset = order.bytes64(on.clock.offset.cast_unsigned());
                options.push(code::IF_TSOFFSET, &offset);
            }
            options.finish();
        });
        let number = self.number(ETHERNET);
        self.sessions.insert((arrival, stripped.session), number);
        Ok(number)
    }
}

impl Recent {
    /// The option list of a packet that brings no options and was not cut.
    #[inline]
    fn list(&self, direction: Option<Direction>) -> &[u8] {
        let [unknown, ingress, egress] = &self.lists;
        let list = match direction {
            None => unknown,
            Some(Direction::Ingress) => ingress,
            Some(Direction::Egress) => egress,
        };
        list.get_or_init(|| {
            let mut list = Vec::new();
            let mut options = OptionsWriter::new(&mut list, self.order);
            if let Some(flags) = flags(direction) {
                options.push_u32(code::EPB_FLAGS, flags);
            }
            self.push_comment(&mut options, direction, None);
            options.finish();
            list.into()
        })
    }

    fn push_comment(
        &self,
        options: &mut OptionsWriter<'_>,
        direction: Option<Direction>,
        cut_from: Option<u32>,
    ) {
        if let Some(head) = &self.head {
            options.push_with(code::COMMENT, |comment| {
                comment.extend_from_slice(head.as_bytes());
                Annotation::push_tail(comment, direction, cut_from);
            });
        }
    }
}

impl Writer for Pcapng {
    fn section(&mut self, block: &Block<'_>, out: &mut Vec<u8>) {
        self.numbers.clear();
        self.waiting = 0;
        self.next = 0;
        self.sessions.clear();
        self.recent.clear();
        block.copy_section(out);
    }

    fn interface(&mut self, block: &Block<'_>, arrivals: &Arrivals, id: u32, out: &mut Vec<u8>) {
        // Broken descriptions before this one have numbers too.
        self.numbers.resize_with(id as usize, || Number::None);
        let start = out.len();
        if self.only_mirrored {
            block.copy_interface(out, ONE_SNAPLEN);
            let len = out.len() - start;
            if self.waiting + len <= MAX_WAITING {
                self.waiting += len;
                self.numbers.push(Number::Waits(out.drain(start..).collect()));
                return;
            }
        } else {
            block.copy(out);
        }
        let number = self.number(arrivals.get(id).map_or(ETHERNET, |arrival| arrival.link_type));
        self.numbers.push(Number::Is(number));
    }

    #[inline]
    fn stripped(
        &mut self,
        stripped: &Stripped<'_>,
        block: &Block<'_>,
        packet: &Packet<'_>,
        arrivals: &Arrivals,
        counts: &mut Counts,
        out: &mut Vec<u8>,
    ) -> Result<(), Reason> {
        let timestamp = packet.timestamp.ok_or(reason::NO_TIMESTAMP)?;
        let keep_nocopy = self.keep_nocopy;
        let recent = self.recent(stripped, block.order, arrivals, packet.interface, out)?;
        let rewritten = EnhancedPacket {
            interface: recent.number,
            timestamp,
            data: stripped.inner,
            original_len: stripped.original_len,
        };
        let written = push_packet(out, block.order, &rewritten, |options| {
            if packet.options.is_empty() && stripped.cut_from.is_none() {
                return options.copy_list(recent.list(stripped.direction));
            }
            if is_broken(packet.options) {
                // Nothing could be found behind the fault.
                counts.note(note::BAD_OPTIONS);
                return options.copy_list(packet.options.bytes());
            }
            // The flags described the wrapper's frame: now they say the direction, or go.
            let mut flags = flags(stripped.direction);
            let change = |option: &Opt<'_>, out: &mut OptionsWriter<'_>| {
                if option.code != code::EPB_FLAGS {
                    return false;
                }
                if let Some(flags) = flags.take() {
                    out.push_u32(code::EPB_FLAGS, flags);
                }
                true
            };
            copy_options(packet.options, keep_nocopy, counts, options, change);
            if let Some(flags) = flags {
                options.push_u32(code::EPB_FLAGS, flags);
            }
            recent.push_comment(options, stripped.direction, stripped.cut_from);
        });
        if written { Ok(()) } else { Err(reason::TOO_LONG) }
    }

    fn kept(
        &mut self,
        block: &Block<'_>,
        packet: &Packet<'_>,
        arrivals: &Arrivals,
        out: &mut Vec<u8>,
    ) -> Result<(), Reason> {
        let number = self.arrival(arrivals, packet.interface, out).ok_or(reason::DAMAGED)?;
        if number == packet.interface {
            block.copy(out);
        } else if !block.copy_renumbered(out, number) {
            return Err(reason::INTERFACE_NUMBER);
        }
        Ok(())
    }

    fn other(&mut self, block: &Block<'_>, counts: &mut Counts, out: &mut Vec<u8>) {
        match block.content {
            Content::Statistics { interface } => {
                // Those of an interface that no packet needed go with it.
                match self.numbers.get(interface as usize) {
                    Some(Number::Is(number)) => {
                        block.copy_renumbered(out, *number);
                    }
                    _ => counts.note(note::STATISTICS_LEFT_OUT),
                }
            }
            // Nobody can tell whether it is a mirrored packet.
            Content::Foreign if self.only_mirrored => counts.note(note::UNKNOWN_VERSION),
            _ => copy_other(block, self.keep_nocopy, counts, out),
        }
    }

    fn finish(&mut self, _: &mut Vec<u8>) {}

    fn remark(&self) -> Option<String> {
        if self.link_types.len() < 2 {
            return None;
        }
        let types: Vec<String> = self.link_types.iter().map(ToString::to_string).collect();
        let remedy =
            if self.only_mirrored { "" } else { "; --only-mirrored leaves the others out" };
        Some(format!(
            "the output mixes link types ({}): tcpdump and Zeek want one in a file{remedy}",
            types.join(", ")
        ))
    }
}

/// `epb_flags` of a stripped packet: the direction, which is that of the source ENI.
fn flags(direction: Option<Direction>) -> Option<u32> {
    direction.map(|direction| match direction {
        Direction::Ingress => 0b01,
        Direction::Egress => 0b10,
    })
}
