//! `strip`: the wrapper off, everything else kept.
//!
//! ```text
//! Reader ─► event ─► Judge: strip, keep or leave out, and why ─► Writer ─► Sink
//! ```
//!
//! The judge knows packets and sessions and nothing of files; a writer knows
//! one output format and decides nothing; the loop here counts. Everything goes
//! forward only: no packet is looked at twice and none waits for another, so a live
//! pipe stays live and memory small.

pub(crate) mod arrival;
pub(crate) mod before;
pub(crate) mod judge;
mod pcap;
mod pcapng;
#[cfg(test)]
pub(crate) mod tests;

use anyhow::anyhow;
use mirror_session::Picture;
use pcapng_blocks::{Block, Content, Event, Packet};

use self::{
    arrival::Arrivals,
    judge::{Decision, Judge, Options},
};
use crate::{
    cli::{self, Format},
    documents,
    failure::{Exit, Failure, printable},
    input,
    output::{InPlace, Output, Replaces, loses},
    report::{Counts, Reason, Report, reason},
    rewrite::{Rewriter, rewrite},
};

/// Writes one output format.
trait Writer {
    /// A new section begins.
    fn section(&mut self, block: &Block<'_>, out: &mut Vec<u8>);

    /// The interface `id` of the input is described.
    fn interface(&mut self, block: &Block<'_>, arrivals: &Arrivals, id: u32, out: &mut Vec<u8>);

    /// A packet that lost its wrapper. An error is the reason why it cannot be
    /// written so; then nothing was.
    fn stripped(
        &mut self,
        stripped: &judge::Stripped<'_>,
        block: &Block<'_>,
        packet: &Packet<'_>,
        arrivals: &Arrivals,
        counts: &mut Counts,
        out: &mut Vec<u8>,
    ) -> Result<(), Reason>;

    /// A packet to be written as it is; errors as for `stripped`.
    fn kept(
        &mut self,
        block: &Block<'_>,
        packet: &Packet<'_>,
        arrivals: &Arrivals,
        out: &mut Vec<u8>,
    ) -> Result<(), Reason>;

    /// Any other block.
    fn other(&mut self, block: &Block<'_>, counts: &mut Counts, out: &mut Vec<u8>);

    /// The input has ended.
    fn finish(&mut self, out: &mut Vec<u8>);

    /// What a user should know about the output as a whole.
    fn remark(&self) -> Option<String>;
}

/// Run the command.
pub(crate) fn run(args: &cli::Strip) -> Result<Exit, Failure> {
    if !args.more.is_empty() {
        let names = 2 + args.more.len();
        return Err(Failure::usage(cli::too_many("strip", "two, IN and OUT", names)));
    }
    documents::leave_stdin_to(&args.input, "capture", &args.documents)?;
    let estate = documents::load(&args.documents, args.quiet)?;
    let mut input = input::open(&args.input)?;
    let force = args.writing.force;
    let in_place = in_place(args);
    let replaces = Replaces::OurCaptures { input: input.id, in_place, force };
    let output = Output::create(args.output.as_deref(), replaces)?;
    // Opened before the work, so that what cannot be written is known before it.
    let replaces = Replaces::NoCapture("what --json FILE writes");
    let json = args.json.as_deref().map(|path| Output::create(Some(path), replaces)).transpose()?;
    if let Some(json) = &json
        && json.is_also(&output)
    {
        let name = printable(&json.name);
        return Err(Failure::usage(anyhow!("--json: the capture goes to {name} as well")));
    }
    let mut stripper = Stripper::new(args, estate.as_ref().map(|estate| &estate.picture));
    rewrite(&mut input, &output, args.writing, args.quiet, &mut stripper)?;

    let Stripper { judge, writer, counts, .. } = &stripper;
    if !force
        && output.takes_the_place_of(input.id)
        && let Some(what) = counts.lost()
    {
        return Err(Failure::input(&output.name, anyhow!(loses(&what))));
    }
    let report = Report {
        input: &input,
        counts,
        done: "stripped",
        sessions: judge.sessions().collect(),
        remarks: judge.remarks().into_iter().chain(writer.remark()).collect(),
    };
    // Nothing gets its name before everything is written.
    if let Some(json) = &json {
        report.write_json(json)?;
    }
    Output::commit_all([Some(output), json].into_iter().flatten().collect(), args.writing.sync)?;
    report.print(args.quiet);
    Ok(if counts.is_damaged() { Exit::Damaged } else { Exit::Done })
}

/// Strips event by event.
pub(crate) struct Stripper<'p> {
    judge: Judge<'p>,
    writer: Box<dyn Writer>,
    arrivals: Arrivals,
    counts: Counts,
}

impl<'p> Stripper<'p> {
    /// `picture` is what documents know of the sessions.
    pub(crate) fn new(args: &cli::Strip, picture: Option<&'p Picture>) -> Stripper<'p> {
        Stripper {
            judge: Judge::new(Options::new(args, picture)),
            writer: match format(args) {
                Format::Pcapng => Box::new(pcapng::Pcapng::new(args)),
                Format::Pcap => Box::new(pcap::Pcap::default()),
            },
            arrivals: Arrivals::default(),
            counts: Counts::default(),
        }
    }

    fn packet(&mut self, block: &Block<'_>, packet: &Packet<'_>, out: &mut Vec<u8>) {
        let Stripper { judge, writer, arrivals, counts } = self;
        counts.read += 1;
        let mut decision = judge.decide(packet, arrivals, &mut counts.hints);
        if let Decision::Strip(stripped) = &decision {
            decision = match writer.stripped(stripped, block, packet, arrivals, counts, out) {
                Ok(()) => return stripped.count(counts),
                // It stays what it was.
                Err(why) if why == reason::TOO_MANY_SESSIONS => judge.keep(why),
                Err(why) => Decision::LeaveOut(why),
            };
        }
        match decision {
            Decision::Keep(why) => match writer.kept(block, packet, arrivals, out) {
                Ok(()) => counts.kept(why),
                Err(why) => counts.left_out(why),
            },
            Decision::LeaveOut(why) => counts.left_out(why),
            // Written, or decided anew, above.
            Decision::Strip(_) => {}
        }
    }
}

impl Rewriter for Stripper<'_> {
    #[inline]
    fn take(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        let block = match event {
            Event::Block(block) => block,
            Event::Damage(damage) => return self.counts.damage(damage),
        };
        match &block.content {
            Content::Packet(packet) => self.packet(block, packet, out),
            Content::Section(_) => {
                self.arrivals.clear();
                self.writer.section(block, out);
            }
            Content::Interface(interface) => {
                self.arrivals.add(interface);
                self.writer.interface(block, &self.arrivals, interface.id, out);
            }
            _ => self.writer.other(block, &mut self.counts, out),
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.writer.finish(out);
    }
}

/// Whether all but the wrapper is there to be kept, if what is read is what is written.
fn in_place(args: &cli::Strip) -> InPlace {
    if args.only_mirrored {
        InPlace::Loses("--only-mirrored leaves out what is not mirrored")
    } else if format(args) == Format::Pcap {
        InPlace::Loses("pcap has no place for sessions and directions")
    } else {
        InPlace::Allowed
    }
}

/// By the option, else by the name.
fn format(args: &cli::Strip) -> Format {
    args.format.unwrap_or_else(|| match args.output.as_deref() {
        Some(path) if Format::is_pcap(path) => Format::Pcap,
        _ => Format::Pcapng,
    })
}
