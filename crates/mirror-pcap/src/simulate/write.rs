//! The packets that would be mirrored, as a capture.
//!
//! As they were captured, each with a comment that names the rule; or wrapped, as the target would
//! receive them, and then cut as the session says. Interfaces, names and secrets are kept: what is
//! left out is packets, and those that can't be written so are counted.
//!
//! The comment is like an annotation and not one: it says what a rule would do, not where a frame
//! came from. So stripping what was written says nothing false.
//!
//! ```text
//! vpcmirror-rule: session=tms-0a1b filter=tmf-0f direction=egress rule=100
//! ```

use std::{collections::BTreeMap, fmt::Write};

use mirror_aws::Estate;
use mirror_filter::{Judgement, Reason};
use mirror_session::AnnotationText;
use mirror_wire::{Direction, LinkType, Wrapper};
use pcapng_blocks::{
    Block, Content, EnhancedPacket, Form, OptionsWriter, Packet, code, push_packet,
};

use super::scene::{Scene, Session, Source};
use crate::{
    cli,
    failure::Failure,
    number::{counted, grouped},
    output::RULE_PREFIX,
    report::{self, Counts, note, reason},
    rewrite::{copy_options, copy_other, is_broken},
    wrap::{self, is_of_the_source, push_wrapped, session::wrapper_of},
};

/// Of each session of each source what is put around frames, and the most that is mirrored of one.
type Wrappers = Vec<Vec<(Wrapper, Option<u32>)>>;

/// Writes packets that would be mirrored.
pub(super) struct Writer<'s> {
    /// None if packets are written as they were captured.
    wrappers: Option<Wrappers>,
    /// Bytes of the longest headers among them.
    room: u32,
    /// The interfaces of the section; none where the description was broken.
    interfaces: Vec<Option<Arrival>>,
    /// The number of the next interface that is written.
    next: u32,
    /// The comments of the packet at hand.
    comments: Vec<String>,
    /// Where frames are put together.
    buffer: Vec<u8>,
    counts: Counts,
    written: u64,
    left_out: BTreeMap<&'static str, u64>,
    scene: &'s Scene<'s>,
}

/// An interface of the input.
#[derive(Clone, Copy)]
struct Arrival {
    /// Its number in the output.
    number: u32,
    is_ethernet: bool,
}

/// Why a packet is written, and for whom.
pub(super) struct Chosen {
    pub(super) judgement: Judgement,
    pub(super) source: Option<usize>,
    pub(super) direction: Option<Direction>,
}

/// What was judged.
pub(super) struct Frame<'a> {
    pub(super) block: &'a Block<'a>,
    pub(super) packet: &'a Packet<'a>,
    pub(super) link: LinkType,
    pub(super) bytes: &'a [u8],
    pub(super) len: u32,
}

impl<'s> Writer<'s> {
    pub(super) fn new(
        args: &cli::Simulate,
        scene: &'s Scene<'s>,
        estate: &Estate,
    ) -> Result<Writer<'s>, Failure> {
        if args.write.as_deref().is_some_and(cli::Format::is_pcap) {
            return Err(Failure::usage(anyhow::anyhow!("--write writes pcapng, not pcap")));
        }
        let wrappers = match args.wrapped {
            true => Some(wrappers(args, scene, estate)?),
            false => None,
        };
        let all = wrappers.iter().flatten().flatten();
        let room = all.map(|(wrapper, _)| wrapper.header_len()).max().unwrap_or(0);
        Ok(Writer {
            wrappers,
            room: u32::try_from(room).unwrap_or(u32::MAX),
            interfaces: Vec::new(),
            next: 0,
            comments: Vec::new(),
            buffer: Vec::new(),
            counts: Counts::default(),
            written: 0,
            left_out: BTreeMap::new(),
            scene,
        })
    }

    /// Take a block that is no packet.
    pub(super) fn other(&mut self, block: &Block<'_>, out: &mut Vec<u8>) {
        match &block.content {
            Content::Section(_) => {
                self.interfaces.clear();
                self.next = 0;
                block.copy_section(out);
            }
            Content::Interface(interface) => {
                let link = LinkType::from_code(interface.link_type);
                let is_ethernet = link == Some(LinkType::Ethernet);
                self.interfaces.resize(interface.id as usize, None);
                self.interfaces.push(Some(Arrival { number: self.next, is_ethernet }));
                self.next += 1;
                match self.wrappers {
                    Some(_) => {
                        let room = self.room;
                        wrap::copy_interface(block, interface, room, &mut self.counts, out);
                    }
                    None => block.copy(out),
                }
            }
            Content::Statistics { interface } => {
                if let Some(arrival) = self.arrival(*interface) {
                    block.copy_renumbered(out, arrival.number);
                }
            }
            _ => copy_other(block, false, &mut self.counts, out),
        }
    }

    fn arrival(&self, id: u32) -> Option<Arrival> {
        *self.interfaces.get(id as usize)?
    }

    /// Take a packet that would be mirrored; once for each interface that would.
    pub(super) fn mirrored(&mut self, chosen: &Chosen, frame: &Frame<'_>, out: &mut Vec<u8>) {
        let comment = comment(self.scene, chosen);
        if self.wrappers.is_none() {
            return self.comments.push(comment);
        }
        let written = self.wrapped(chosen, frame, &comment, out);
        self.count(written);
    }

    /// Write the packet at hand, if it would be mirrored and isn't written yet.
    pub(super) fn end_packet(&mut self, block: &Block<'_>, packet: &Packet<'_>, out: &mut Vec<u8>) {
        if self.comments.is_empty() {
            return;
        }
        let written = self.commented(block, packet, out);
        self.comments.clear();
        self.count(written);
    }

    fn count(&mut self, written: Result<(), report::Reason>) {
        match written {
            Ok(()) => self.written += 1,
            Err(why) => *self.left_out.entry(why.0).or_default() += 1,
        }
    }

    /// As it was captured.
    fn commented(
        &mut self,
        block: &Block<'_>,
        packet: &Packet<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), report::Reason> {
        let arrival = self.arrival(packet.interface).ok_or(reason::DAMAGED)?;
        if packet.form == Form::Simple {
            // It has no place for a comment, and no time that another form asks for.
            return Err(reason::SIMPLE_PACKET);
        }
        let Packet { data, original_len, options: list, .. } = *packet;
        let timestamp = packet.timestamp.ok_or(reason::NO_TIMESTAMP)?;
        let enhanced = EnhancedPacket { interface: arrival.number, timestamp, data, original_len };
        let Writer { comments, counts, .. } = self;
        let written = push_packet(out, block.order, &enhanced, |options| {
            if is_broken(list) {
                // Nothing could be found behind the fault.
                counts.note(note::BAD_OPTIONS);
                return options.copy_list(list.bytes());
            }
            for option in list.iter().map_while(Result::ok) {
                match option.code {
                    code::CUSTOM_TEXT_NO_COPY | code::CUSTOM_BYTES_NO_COPY => {
                        counts.note(note::NO_COPY_OPTION);
                    }
                    _ => {
                        options.push(option.code, option.value);
                    }
                }
            }
            for comment in comments.iter() {
                options.push(code::COMMENT, comment.as_bytes());
            }
        });
        if written { Ok(()) } else { Err(reason::TOO_LONG) }
    }

    /// As the target of the session would receive it.
    fn wrapped(
        &mut self,
        chosen: &Chosen,
        frame: &Frame<'_>,
        comment: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), report::Reason> {
        let Frame { block, packet, link, bytes, len } = *frame;
        let arrival = self.arrival(packet.interface).ok_or(reason::DAMAGED)?;
        if !arrival.is_ethernet || link != LinkType::Ethernet {
            return Err(reason::LINK_TYPE);
        }
        if packet.form == Form::Simple {
            return Err(reason::SIMPLE_PACKET);
        }
        let timestamp = packet.timestamp.ok_or(reason::NO_TIMESTAMP)?;
        // Which of several sessions would take it may be open; the first stands for all.
        let session = chosen.judgement.session.unwrap_or(0);
        let wrapper = self.wrappers.as_ref().and_then(|all| all.get(chosen.source?)?.get(session));
        let (wrapper, limit) = *wrapper.ok_or(reason::UNKNOWN_SESSION)?;
        let data = bytes.get(..len as usize).unwrap_or(bytes);
        let frame = wrap::Frame { interface: arrival.number, timestamp, data, whole: len };
        let Writer { buffer, counts, .. } = self;
        let options = |options: &mut OptionsWriter<'_>| {
            if is_broken(packet.options) {
                counts.note(note::BAD_OPTIONS);
            }
            copy_options(packet.options, false, counts, options, is_of_the_source);
            options.push(code::COMMENT, comment.as_bytes());
        };
        let wrapped = push_wrapped(out, block.order, &wrapper, limit, &frame, buffer, options)?;
        if wrapped.is_cut {
            self.counts.note(note::CUT);
        }
        Ok(())
    }

    /// What became of the packets, for people.
    pub(super) fn remark(&self) -> String {
        let mut text = format!("{} written", counted(self.written, "packet", "packets"));
        if !self.left_out.is_empty() {
            let list = self.left_out.iter();
            let list: Vec<_> =
                list.map(|(why, count)| format!("{} {why}", grouped(*count))).collect();
            text += &format!("; left out: {}", list.join(", "));
        }
        let notes = self.counts.notes();
        if !notes.is_empty() {
            let list = notes.iter();
            let list: Vec<_> =
                list.map(|(note, count)| format!("{} {note}", grouped(*count))).collect();
            text += &format!("; noted: {}", list.join(", "));
        }
        text
    }
}

/// What each session puts around frames. What it lacks for that is told before any packet is read.
fn wrappers(args: &cli::Simulate, scene: &Scene<'_>, estate: &Estate) -> Result<Wrappers, Failure> {
    let of = |source: &Source<'_>| -> Result<Vec<_>, Failure> {
        let each = source.sessions.iter().map(|session| {
            let wanted = cli::Wrap {
                input: "-".into(),
                more: Vec::new(),
                output: None,
                session: session.id().or(session.name()).map(str::to_owned),
                documents: cli::Documents::default(),
                vni: None,
                source: None,
                target: args.target,
                packet_length: None,
                mtu: None,
                geneve: false,
                endpoint: None,
                writing: cli::Writing { sync: false, threads: None, force: false },
                quiet: true,
            };
            wrapper_of(&wanted, session.known, Some(estate))
        });
        each.collect()
    };
    scene.sources.iter().map(of).collect()
}

/// What is said of a packet that would be mirrored.
fn comment(scene: &Scene<'_>, chosen: &Chosen) -> String {
    let Chosen { judgement, source, direction } = chosen;
    let mut text = RULE_PREFIX.to_owned();
    let source = source.and_then(|source| scene.sources.get(source));
    let session = source.zip(judgement.session).and_then(|(s, at)| s.sessions.get(at));
    // Writing to a String can't fail.
    let mut put = |key: &str, value: Option<&str>| {
        if let Some(value) = value {
            let _ = write!(text, " {key}={}", AnnotationText(value));
        }
    };
    put("session", session.and_then(|session| session.id().or(session.name())));
    put("filter", session.and_then(Session::filter_name));
    put("eni", source.and_then(|source| source.eni.id.as_deref()));
    put("direction", direction.map(Direction::as_str));
    let rule = session.zip(judgement.rule).and_then(|(session, rule)| session.rule(rule));
    match rule {
        Some(rule) => {
            let _ = write!(text, " rule={}", rule.number);
        }
        None if judgement.reason != Reason::Rule => {
            put("reason", Some(judgement.reason.as_str()));
        }
        None => {}
    }
    text
}
