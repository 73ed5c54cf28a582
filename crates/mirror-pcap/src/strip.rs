//! `strip`: the wrapper off, everything else kept.
//!
//! ```text
//! Reader ─► event ─► Judge: strip, keep or leave out, and why ─► Writer ─► Sink
//! ```
//!
//! The judge knows packets and sessions and nothing of files; a writer knows
//! one output format and decides nothing; the loop here counts. Everything goes
//! forward only: no packet is looked at twice and none waits for another.

mod arrival;
mod judge;
mod pcap;
mod pcapng;

use std::{io::Read, path::Path, thread};

use pcapng_blocks::{Block, Content, Event, Packet, Reader};

use self::{
    arrival::Arrivals,
    judge::{Decision, Judge},
};
use crate::{
    cli::{self, Format},
    failure::{Exit, Failure},
    input::{self, Input},
    output::{Output, Sink},
    progress::Progress,
    report::{Counts, Reason, Report, reason},
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

    /// What a user should know about the output as a whole.
    fn remark(&self) -> Option<String>;
}

/// Run the command.
pub(crate) fn run(args: &cli::Strip) -> Result<Exit, Failure> {
    let mut input = input::open(&args.input)?;
    let output = Output::create(args.output.as_deref())?;
    let mut sink = output.start(threads(args.writing.threads))?;
    let mut judge = Judge::new(args);
    let mut writer: Box<dyn Writer> = match format(args) {
        Format::Pcapng => Box::new(pcapng::Pcapng::new(args)),
        Format::Pcap => Box::new(pcap::Pcap::default()),
    };
    let mut counts = Counts::default();
    rewrite(&mut input, &mut judge, writer.as_mut(), &mut sink, &mut counts, args.quiet)
        .and_then(|()| sink.finish())
        .map_err(|error| Failure::output(&output.name, error))?;
    output.commit(args.writing.sync)?;

    let report = Report {
        input: &input,
        counts: &counts,
        sessions: judge.sessions(),
        remark: writer.remark(),
    };
    if !args.quiet {
        report.print();
    }
    if let Some(path) = &args.json {
        report.write_json(path)?;
    }
    Ok(if counts.is_damaged() { Exit::Damaged } else { Exit::Done })
}

/// The loop. Errors are of the output; those of the input are counted.
fn rewrite(
    input: &mut Input,
    judge: &mut Judge,
    writer: &mut dyn Writer,
    sink: &mut Sink,
    counts: &mut Counts,
    quiet: bool,
) -> std::io::Result<()> {
    let mut progress = Progress::new(input, quiet);
    let mut arrivals = Arrivals::default();
    while let Some(event) = input.reader.next() {
        match event {
            Event::Block(block) => {
                pass(&block, judge, writer, &mut arrivals, counts, sink.buffer());
            }
            Event::Damage(damage) => counts.damage(&damage),
        }
        if sink.relieve()? {
            progress.tick();
        }
        flush_if_live(&input.reader, sink)?;
    }
    Ok(())
}

/// What a live reader should see soon must not lie in our buffer while we wait.
fn flush_if_live<R: Read>(reader: &Reader<R>, sink: &mut Sink) -> std::io::Result<()> {
    if reader.must_wait() { sink.flush() } else { Ok(()) }
}

/// Bring one block to the output.
fn pass(
    block: &Block<'_>,
    judge: &mut Judge,
    writer: &mut dyn Writer,
    arrivals: &mut Arrivals,
    counts: &mut Counts,
    out: &mut Vec<u8>,
) {
    let packet = match &block.content {
        Content::Packet(packet) => packet,
        Content::Section(_) => {
            arrivals.clear();
            return writer.section(block, out);
        }
        Content::Interface(interface) => {
            arrivals.add(interface);
            return writer.interface(block, arrivals, interface.id, out);
        }
        _ => return writer.other(block, counts, out),
    };
    counts.read += 1;
    let keep = match judge.decide(packet, arrivals, counts) {
        Decision::Strip(stripped) => {
            match writer.stripped(&stripped, block, packet, arrivals, counts, out) {
                Ok(()) => return counts.stripped(&stripped.count()),
                // It stays what it was.
                Err(why) if why == reason::TOO_MANY_SESSIONS => judge.keep(why),
                Err(why) => Decision::LeaveOut(why),
            }
        }
        decision => decision,
    };
    match keep {
        Decision::Keep(why) => match writer.kept(block, packet, arrivals, out) {
            Ok(()) => counts.kept(why),
            Err(why) => counts.left_out(why),
        },
        Decision::LeaveOut(why) => counts.left_out(why),
        // Taken care of above.
        Decision::Strip(_) => {}
    }
}

fn threads(wanted: Option<u8>) -> u8 {
    wanted.unwrap_or_else(|| match thread::available_parallelism() {
        Ok(n) if n.get() > 1 => 2,
        _ => 1,
    })
}

/// By the option, else by the name without its compression.
fn format(args: &cli::Strip) -> Format {
    let of_name = |path: &Path| {
        let name = path.to_string_lossy();
        let name = [".gz", ".zst", ".lz4"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
        if name.ends_with(".pcap") { Format::Pcap } else { Format::Pcapng }
    };
    args.format.unwrap_or_else(|| args.output.as_deref().map_or(Format::Pcapng, of_name))
}
