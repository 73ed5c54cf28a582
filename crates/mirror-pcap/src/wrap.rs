//! `wrap`: what a traffic mirror would have delivered.
//!
//! The reverse of `strip`, and so its measure: stripping what was wrapped gives
//! the same frames back. No filter is applied here and no frame is judged; each
//! frame of an Ethernet interface gets the wrapper. What a mirror could not have
//! sent (another link type, a frame too long for the wrapper) is left out.

pub(crate) mod session;
#[cfg(test)]
mod tests;

use mirror_aws::Estate;
use mirror_session::Annotation;
use mirror_wire::{LinkType, Wrapper};
use pcapng_blocks::{
    Block, ByteOrder, Content, EnhancedPacket, Event, Form, Interface, Opt, OptionsWriter, Packet,
    Timestamp, code, kind, push_block, push_packet,
};

use crate::{
    cli::{self, Format, Writing},
    documents,
    failure::{Exit, Failure},
    input,
    output::{InPlace, Output, Replaces},
    report::{Counts, Reason, Report, note, reason},
    rewrite::{Rewriter, copy_options, copy_other, is_broken, rewrite},
};

/// Run the command.
pub(crate) fn run(args: &cli::Wrap) -> Result<Exit, Failure> {
    if !args.more.is_empty() {
        let names = 2 + args.more.len();
        return Err(Failure::usage(cli::too_many("wrap", "two, IN and OUT", names)));
    }
    documents::leave_stdin_to(&args.input, "capture", &args.documents)?;
    let estate = documents::load(&args.documents, args.quiet)?;
    let mut wrap = Wrap::new(args, estate.as_ref())?;
    let mut input = input::open(&args.input)?;
    let Writing { force, .. } = args.writing;
    let replaces = Replaces::OurCaptures { input: input.id, in_place: InPlace::Never, force };
    let output = Output::create(args.output.as_deref(), replaces)?;
    rewrite(&mut input, &output, args.writing, args.quiet, &mut wrap)?;
    output.commit(args.writing.sync)?;
    let (counts, done) = (&wrap.counts, "wrapped");
    let (sessions, remarks) = Default::default();
    Report { input: &input, counts, done, sessions, remarks }.print(args.quiet);
    Ok(if wrap.counts.is_damaged() { Exit::Damaged } else { Exit::Done })
}

struct Wrap {
    wrapper: Wrapper,
    /// The most that is mirrored of a frame.
    limit: Option<u32>,
    /// The interfaces of the section; none where the description was broken.
    interfaces: Vec<Option<Arrival>>,
    /// The number of the next interface that is written.
    next: u32,
    /// Where frames are put together.
    frame: Vec<u8>,
    counts: Counts,
}

/// An interface of the input.
#[derive(Clone, Copy)]
struct Arrival {
    /// Its number in the output.
    number: u32,
    is_ethernet: bool,
    fcs_len: u8,
}

impl Rewriter for Wrap {
    fn take(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        let block = match event {
            Event::Block(block) => block,
            Event::Damage(damage) => return self.counts.damage(damage),
        };
        match &block.content {
            Content::Section(_) => {
                self.interfaces.clear();
                self.next = 0;
                block.copy_section(out);
            }
            Content::Interface(interface) => self.interface(block, interface, out),
            Content::Packet(packet) => {
                self.counts.read += 1;
                match self.packet(block, packet, out) {
                    Ok(()) => self.counts.wrapped(),
                    Err(why) => self.counts.left_out(why),
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
}

impl Wrap {
    fn new(args: &cli::Wrap, estate: Option<&Estate>) -> Result<Wrap, Failure> {
        if args.output.as_deref().is_some_and(Format::is_pcap) {
            return Err(Failure::usage(anyhow::anyhow!("wrap writes pcapng, not pcap")));
        }
        let (wrapper, limit) = session::wrapper(args, estate)?;
        if limit == Some(0) {
            let message = "--mtu: leaves no room for a frame within the wrapper";
            return Err(Failure::usage(anyhow::anyhow!(message)));
        }
        Ok(Wrap {
            wrapper,
            limit,
            interfaces: Vec::new(),
            next: 0,
            frame: Vec::new(),
            counts: Counts::default(),
        })
    }

    fn arrival(&self, id: u32) -> Option<Arrival> {
        *self.interfaces.get(id as usize)?
    }

    fn interface(&mut self, block: &Block<'_>, interface: &Interface<'_>, out: &mut Vec<u8>) {
        let is_ethernet = LinkType::from_code(interface.link_type) == Some(LinkType::Ethernet);
        let fcs_len = interface.fcs_len();
        self.interfaces.resize(interface.id as usize, None);
        self.interfaces.push(Some(Arrival { number: self.next, is_ethernet, fcs_len }));
        self.next += 1;

        let room = u32::try_from(self.wrapper.header_len()).unwrap_or(u32::MAX);
        copy_interface(block, interface, room, &mut self.counts, out);
    }

    fn packet(
        &mut self,
        block: &Block<'_>,
        packet: &Packet<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Reason> {
        let arrival = self.arrival(packet.interface).ok_or(reason::DAMAGED)?;
        if !arrival.is_ethernet {
            return Err(reason::LINK_TYPE);
        }
        if packet.form == Form::Simple {
            return Err(reason::SIMPLE_PACKET);
        }
        let timestamp = packet.timestamp.ok_or(reason::NO_TIMESTAMP)?;

        // Whoever wrote less than was captured for the original length was wrong.
        let captured = u32::try_from(packet.data.len()).map_err(|_| reason::TOO_LONG)?;
        let on_wire = packet.original_len.max(captured);
        let fcs_len = u32::from(packet.fcs_len(arrival.fcs_len));
        let whole = on_wire.saturating_sub(fcs_len);
        let data = packet.data.get(..captured.min(whole) as usize).unwrap_or_default();
        let frame = Frame { interface: arrival.number, timestamp, data, whole };
        let Wrap { wrapper, limit, frame: buffer, counts, .. } = self;
        let wrapped = push_wrapped(out, block.order, wrapper, *limit, &frame, buffer, |options| {
            if packet.options.is_empty() {
                return;
            }
            if is_broken(packet.options) {
                // What comes before the fault is kept, but for the annotation.
                counts.note(note::BAD_OPTIONS);
            }
            copy_options(packet.options, false, counts, options, is_of_the_source);
        })?;
        if wrapped.is_cut {
            self.counts.note(note::CUT);
        }
        Ok(())
    }
}

/// Copy an interface as it is, with `room` for the wrapper in its snaplen; one
/// that strip has made for a session becomes an ordinary one.
pub(crate) fn copy_interface(
    block: &Block<'_>,
    interface: &Interface<'_>,
    room: u32,
    counts: &mut Counts,
    out: &mut Vec<u8>,
) {
    let is_ethernet = LinkType::from_code(interface.link_type) == Some(LinkType::Ethernet);
    let fcs_len = interface.fcs_len();
    let snaplen = match interface.snaplen {
        0 => 0,
        snaplen => snaplen.saturating_add(room),
    };
    let list = interface.options;
    let description = list.get(code::IF_DESCRIPTION);
    let annotation = description.and_then(|text| Annotation::parse(text).ok());
    if !is_ethernet || (annotation.is_none() && fcs_len == 0) {
        return block.copy_interface(out, if is_ethernet { snaplen } else { interface.snaplen });
    }
    if is_broken(list) {
        counts.note(note::BAD_OPTIONS);
    }
    push_block(out, block.order, kind::INTERFACE, |body| {
        body.extend_from_slice(&block.order.bytes16(interface.link_type));
        body.extend_from_slice(&[0; 2]);
        body.extend_from_slice(&block.order.bytes32(snaplen));
        let mut options = OptionsWriter::new(body, block.order);
        for option in list.iter().map_while(Result::ok) {
            match (option.code, &annotation) {
                (code::IF_FCSLEN, _) | (code::IF_DESCRIPTION, Some(_)) => {}
                (code::IF_NAME, Some(annotation)) => {
                    if let Some(name) = &annotation.on {
                        options.push(code::IF_NAME, name.as_bytes());
                    }
                }
                _ => {
                    options.push(option.code, option.value);
                }
            }
        }
        options.finish();
    });
}

/// A frame to wrap.
pub(crate) struct Frame<'a> {
    /// Of the output.
    pub(crate) interface: u32,
    pub(crate) timestamp: Timestamp,
    /// The captured bytes, without any check sequence.
    pub(crate) data: &'a [u8],
    /// Its length on the wire.
    pub(crate) whole: u32,
}

/// What became of a frame.
pub(crate) struct Wrapped {
    /// Whether it was cut, as a mirror would have.
    pub(crate) is_cut: bool,
}

/// Write a frame within its wrapper, no more than `limit` bytes of it. `buffer`
/// is where it is put together.
pub(crate) fn push_wrapped(
    out: &mut Vec<u8>,
    order: ByteOrder,
    wrapper: &Wrapper,
    limit: Option<u32>,
    frame: &Frame<'_>,
    buffer: &mut Vec<u8>,
    options: impl FnOnce(&mut OptionsWriter<'_>),
) -> Result<Wrapped, Reason> {
    let mirrored = limit.map_or(frame.whole, |limit| frame.whole.min(limit));
    let data = frame.data.get(..mirrored as usize).unwrap_or(frame.data);
    let headers = wrapper.headers(data, mirrored).map_err(|_| reason::TOO_LONG)?;
    buffer.clear();
    buffer.extend_from_slice(headers.as_bytes());
    buffer.extend_from_slice(data);
    let header_len = u32::try_from(wrapper.header_len()).unwrap_or(u32::MAX);
    let wrapped = EnhancedPacket {
        interface: frame.interface,
        timestamp: frame.timestamp,
        data: buffer,
        original_len: mirrored.saturating_add(header_len),
    };
    if !push_packet(out, order, &wrapped, options) {
        return Err(reason::TOO_LONG);
    }
    Ok(Wrapped { is_cut: mirrored < frame.whole })
}

/// Whether an option described the frame at its source, and not the packet at
/// the target; for [`copy_options`].
pub(crate) fn is_of_the_source(option: &Opt<'_>, _: &mut OptionsWriter<'_>) -> bool {
    match option.code {
        code::EPB_FLAGS => true,
        code::COMMENT => Annotation::parse(option.value).is_ok(),
        _ => false,
    }
}
