//! `simulate`: what a mirror filter would make of a capture.
//!
//! ```text
//! packet ─► Subject: the frame, unwrapped if need be ─► locate: of which interface, which way
//!        ─► mirror_filter::judge ─► Counts ─► Report
//!                              └──► a line for each packet, or the packets themselves
//! ```
//!
//! A packet is judged once for each simulated interface that it is of, mostly one. What comes of it
//! is counted; with `--each` it is a line, with `--write` the packets that would be mirrored. All of
//! that goes forward only, so a pipe is as good as a file.

mod counts;
mod ends;
mod flow_count;
mod locate;
mod rate;
mod report;
mod rows;
mod scene;
mod survey;
mod write;

use std::mem;

use anyhow::anyhow;
use mirror_aws::{Estate, Open};
use mirror_filter::{Assumption, Judgement, Reason, Service, Verdict, judge};
use mirror_session::{Found, Picture};
use mirror_wire::{Direction, Flow, LinkType, NoFlow, Seen};
use pcapng_blocks::{Block, Content, Event, Packet, code};
use serde::Serialize;

use self::{
    counts::{Counts, Judged},
    locate::{Located, Signs, locate, locate_at},
    report::Report,
    scene::Scene,
    write::Writer,
};
use crate::{
    cli,
    documents::{self, Source, is_stdin, reads_stdin},
    failure::{Exit, Failure, printable},
    input, json,
    output::{InPlace, Output, Replaces},
    report::Counts as Problems,
    rewrite::{Rewriter, read, rewrite},
    strip::{
        arrival::{Arrival, Arrivals},
        before::before,
        judge::{Decision, Judge, Options},
    },
};

pub(crate) use self::{
    counts::Tally,
    survey::{Survey, Surveyed, interfaces, survey, survey_both},
};

/// Run the command.
pub(crate) fn run(args: &cli::Simulate) -> Result<Exit, Failure> {
    if !args.more.is_empty() {
        let names = 1 + args.more.len();
        return Err(Failure::usage(cli::too_many("simulate", "one, IN", names)));
    }
    let documents = cli::Documents { config: args.config.clone(), param: args.param.clone() };
    let capture = args.input.as_deref().map(|path| (path, "capture"));
    if let Some((path, what)) = capture.or(args.flows.as_deref().map(|path| (path, "table"))) {
        documents::leave_stdin_to(path, what, &documents)?;
        if is_stdin(path) && args.filter.as_deref().is_some_and(reads_stdin) {
            let wrong = anyhow!("--filter: standard input is the {what} already");
            return Err(Failure::usage(wrong));
        }
    }
    match &args.filter {
        Some(filter) => {
            let source = Source::read_with(filter, &documents::parameters(&args.param)?)?;
            if !args.quiet {
                source.tell(|_| true);
            }
            let scene = Scene::of_filter(args, &source.estate, source.one()?)?;
            simulate(args, &scene, &source.estate)
        }
        None => {
            let estate = documents::read(&documents)?;
            if !args.quiet {
                let of_sessions = |open| !matches!(open, Open::Filter(_) | Open::AnyFilter);
                let warnings = documents::warnings(&estate, of_sessions);
                documents::tell(&warnings, documents::MAX_WARNINGS);
            }
            let scene = Scene::of_documents(args, &estate)?;
            simulate(args, &scene, &estate)
        }
    }
}

fn simulate(args: &cli::Simulate, scene: &Scene<'_>, estate: &Estate) -> Result<Exit, Failure> {
    let Some(path) = &args.input else { return rows::run(args, scene) };
    let mut input = input::open(path)?;
    let writer = match &args.write {
        Some(_) => Some(Writer::new(args, scene, estate)?),
        None => None,
    };
    let mut simulator = Simulator::new(args, scene, estate, writer);
    let stdout = std::path::Path::new("-");
    let output = match (&args.write, args.each) {
        (Some(path), _) => {
            let (in_place, force) = (InPlace::Never, args.force);
            let replaces = Replaces::OurCaptures { input: input.id, in_place, force };
            let output = Output::create(Some(path), replaces)?;
            if !args.quiet && output.replaces_stdout() {
                let name = printable(&output.name);
                return Err(Failure::usage(anyhow!("--write: the report goes to {name} as well")));
            }
            Some(output)
        }
        (None, true) => Some(Output::create(Some(stdout), Replaces::NoCapture("--each"))?),
        (None, false) => None,
    };
    match &output {
        Some(output) => {
            let writing = cli::Writing { sync: false, threads: None, force: args.force };
            rewrite(&mut input, output, writing, args.quiet, &mut simulator)?;
        }
        None => read(&mut input, args.quiet, &mut simulator),
    }
    if let Some(output) = output {
        output.commit(false)?;
    }
    let Simulator { counts, problems, writer, .. } = &simulator;
    let report = Report { input: &input.name, scene, counts, rows: None, columns: &[] };
    let written = writer.as_ref().map(Writer::remark);
    report.print(args, &problems.damage_text(&input), written.as_deref())?;
    Ok(if problems.is_damaged() { Exit::Damaged } else { Exit::Done })
}

/// Judges packet by packet.
struct Simulator<'s> {
    scene: &'s Scene<'s>,
    /// Takes wrappers off.
    judge: Judge<'s>,
    picture: &'s Picture,
    unwrap: bool,
    each: bool,
    arrivals: Arrivals,
    counts: Counts,
    /// Where the packet is; kept for its room.
    located: Vec<Located>,
    /// What is wrong with the capture.
    problems: Problems,
    writer: Option<Writer<'s>>,
    /// Is shown each judgement.
    see: Option<&'s mut dyn FnMut(Surveyed<'_>)>,
}

/// What is judged of a packet.
struct Subject<'a> {
    link: LinkType,
    bytes: &'a [u8],
    /// Its length on the wire, without the check sequence.
    len: u32,
    origin: Origin,
    /// What an annotation, or the wrapper, says of its direction.
    direction: Option<Direction>,
    direction_conflict: bool,
}

/// Where a packet comes from.
#[derive(Clone, Copy)]
enum Origin {
    /// The capture's interface.
    Here,
    /// A mirror session, of this simulated interface if that is known.
    Session(Option<usize>),
}

/// A line of `--each`.
#[derive(Serialize)]
struct Each<'a> {
    packet: u64,
    eni: Option<&'a str>,
    direction: Option<&'static str>,
    verdict: &'static str,
    session: Option<&'a str>,
    rule: Option<u32>,
    reason: &'static str,
}

impl<'a> Each<'a> {
    pub(super) fn new(
        scene: &'a Scene<'_>,
        packet: u64,
        source: Option<usize>,
        direction: Option<Direction>,
        judgement: &Judgement,
    ) -> Each<'a> {
        let source = source.and_then(|source| scene.sources.get(source));
        let session = source.zip(judgement.session).and_then(|(s, at)| s.sessions.get(at));
        let rule = session.zip(judgement.rule).and_then(|(session, rule)| session.rule(rule));
        Each {
            packet,
            eni: source.and_then(|source| source.eni.id.as_deref()),
            direction: direction.map(Direction::as_str),
            verdict: judgement.verdict.as_str(),
            session: session.and_then(|session| session.id().or(session.name())),
            rule: rule.map(|rule| rule.number),
            reason: judgement.reason.as_str(),
        }
    }

    pub(super) fn push(&self, out: &mut Vec<u8>) {
        // Numbers and texts always have a JSON.
        if let Ok(line) = json::line(self) {
            out.extend_from_slice(line.as_bytes());
        }
    }
}

impl Rewriter for Simulator<'_> {
    fn take(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        let block = match event {
            Event::Block(block) => block,
            Event::Damage(damage) => {
                self.problems.damage(damage);
                if damage.packet {
                    self.counts.read += 1;
                    let judgement = Judgement::of(Verdict::Undecided, Reason::Damaged);
                    self.undecided(&judgement, out);
                }
                return;
            }
        };
        match &block.content {
            Content::Packet(packet) => return self.packet(block, packet, out),
            Content::Section(_) => self.arrivals.clear(),
            Content::Interface(interface) => self.arrivals.add(interface),
            _ => {}
        }
        if let Some(writer) = &mut self.writer {
            writer.other(block, out);
        }
    }
}

impl<'s> Simulator<'s> {
    fn new(
        args: &cli::Simulate,
        scene: &'s Scene<'_>,
        estate: &'s Estate,
        writer: Option<Writer<'s>>,
    ) -> Simulator<'s> {
        let picture = &estate.picture;
        let options = Options { picture: Some(picture), ..Options::default() };
        Simulator {
            scene,
            judge: Judge::new(options),
            picture,
            unwrap: !args.no_unwrap,
            each: args.each,
            arrivals: Arrivals::default(),
            counts: Counts::new(scene),
            located: Vec::new(),
            problems: Problems::default(),
            writer,
            see: None,
        }
    }
}

impl Simulator<'_> {
    fn packet(&mut self, block: &Block<'_>, packet: &Packet<'_>, out: &mut Vec<u8>) {
        self.counts.read += 1;
        let Some(subject) = self.subject(packet) else {
            let judgement = Judgement::of(Verdict::Undecided, Reason::LinkType);
            return self.undecided(&judgement, out);
        };
        if matches!(subject.origin, Origin::Session(_)) {
            self.counts.filtered += 1;
        }
        let seen = Seen::parse(subject.link, subject.bytes);
        let seen = seen.as_ref().map_err(|why| *why);
        let flow = seen.ok().map(|seen| &seen.flow);
        let len = u64::from(locate::frame_len(subject.link, subject.len));
        let time = self.time(packet);
        let mut places = mem::take(&mut self.located);
        places.clear();
        self.locate(packet, &subject, flow, &mut places);
        for (at, located) in places.iter().enumerate() {
            let mut judgement = self.judgement(&subject, located, seen);
            let direction = located.direction.ok();
            if located.captured_at_eni && matches!(judgement.reason, Reason::Rule | Reason::NoRule)
            {
                judgement.assumptions.insert(Assumption::CapturedAtEni);
            }
            let one = Judged {
                judgement: &judgement,
                source: located.source,
                direction,
                flow,
                weight: Tally { packets: 1, bytes: len },
                again: at > 0,
                time,
            };
            self.counts.judged(self.scene, &one);
            if let Some(see) = &mut self.see {
                see(Surveyed::of(&one));
            }
            if self.each {
                Each::new(self.scene, self.counts.read, located.source, direction, &judgement)
                    .push(out);
            }
            if let Some(writer) = &mut self.writer
                && judgement.verdict == Verdict::Mirrored
            {
                writer.mirrored(
                    &write::Chosen { judgement, source: located.source, direction },
                    &write::Frame {
                        block,
                        packet,
                        link: subject.link,
                        bytes: subject.bytes,
                        len: subject.len,
                    },
                    out,
                );
            }
        }
        self.located = places;
        if let Some(writer) = &mut self.writer {
            writer.end_packet(block, packet, out);
        }
    }

    /// Count a packet of which nothing is known, not even an interface that it could be of.
    fn undecided(&mut self, judgement: &Judgement, out: &mut Vec<u8>) {
        let one = Judged {
            judgement,
            source: None,
            direction: None,
            flow: None,
            weight: Tally { packets: 1, bytes: 0 },
            again: false,
            time: None,
        };
        self.counts.judged(self.scene, &one);
        if let Some(see) = &mut self.see {
            see(Surveyed::of(&one));
        }
        if self.each {
            Each::new(self.scene, self.counts.read, None, None, judgement).push(out);
        }
    }

    /// The frame to judge; none of a link type that isn't looked into.
    fn subject<'a>(&mut self, packet: &Packet<'a>) -> Option<Subject<'a>>
    where
        Self: 'a,
    {
        let Simulator { judge, arrivals, problems, scene, picture, .. } = self;
        let source_of = |known| match known {
            Some(known) => scene.of_session(known),
            None => scene.of_unknown_session(),
        };
        let arrival: &Arrival = arrivals.get(packet.interface)?;
        // A mirror's packet arrives from a router. What an interface itself sends or gets is its own,
        // be it VXLAN.
        let is_own = arrival.link.and_then(|link| locate::macs(link, packet.data));
        let is_own = is_own.is_some_and(|(a, b)| scene.has_mac(a) || scene.has_mac(b));
        if self.unwrap
            && !is_own
            && let Decision::Strip(stripped) = judge.decide(packet, arrivals, &mut problems.hints)
        {
            return Some(Subject {
                link: LinkType::Ethernet,
                bytes: stripped.inner,
                len: stripped.original_len,
                origin: Origin::Session(source_of(stripped.known)),
                direction: stripped.direction,
                direction_conflict: stripped.direction_conflict,
            });
        }
        let captured = u32::try_from(packet.data.len()).unwrap_or(u32::MAX);
        let fcs_len = u32::from(packet.fcs_len(arrival.fcs_len));
        let len = packet.original_len.max(captured).saturating_sub(fcs_len);
        let (origin, direction) = match before(packet, arrival) {
            Some(before) => {
                let known = match picture.find(&before.key) {
                    Found::Session { session, .. } => Some(session),
                    Found::Ambiguous(_) | Found::Unknown => None,
                };
                (Origin::Session(source_of(known)), before.direction)
            }
            None => (Origin::Here, None),
        };
        Some(Subject {
            link: arrival.link?,
            bytes: packet.data,
            len,
            origin,
            direction,
            direction_conflict: false,
        })
    }

    #[inline]
    fn locate(
        &self,
        packet: &Packet<'_>,
        subject: &Subject<'_>,
        flow: Option<&Flow>,
        located: &mut Vec<Located>,
    ) {
        let flags = packet.options.u32(code::EPB_FLAGS);
        let is_here = matches!(subject.origin, Origin::Here);
        let signs = Signs {
            macs: locate::macs(subject.link, subject.bytes),
            addresses: flow.map(|flow| (flow.source, flow.destination)),
            annotated: subject.direction,
            captured: locate::captured(subject.link, subject.bytes, flags).filter(|_| is_here),
        };
        match subject.origin {
            Origin::Here => locate(self.scene, &signs, located),
            Origin::Session(Some(source)) => {
                let mut one = locate_at(self.scene, source, &signs);
                if subject.direction_conflict {
                    one.direction = Err(mirror_filter::NoDirection::Conflict);
                }
                located.push(one);
            }
            Origin::Session(None) => located.push(Located::NOWHERE),
        }
    }

    fn judgement(
        &self,
        subject: &Subject<'_>,
        located: &Located,
        seen: Result<&Seen, NoFlow>,
    ) -> Judgement {
        let source = located.source.and_then(|source| self.scene.sources.get(source));
        let filters = source.map_or(&[][..], |source| source.filters.as_slice());
        let judgement = judge(&self.scene.services, filters, seen, located.direction);
        if source.is_some() {
            return judgement;
        }
        let unknown = match subject.origin {
            Origin::Session(_) => Reason::UnknownSession,
            Origin::Here => Reason::NeitherEndLocal,
        };
        match judgement.reason {
            // Whether it is mirrored depends on whose it is.
            Reason::Service(Service::AmazonDns) | Reason::NeitherEndLocal => {
                Judgement::of(Verdict::Undecided, unknown)
            }
            _ => judgement,
        }
    }

    /// In nanoseconds since 1970.
    fn time(&self, packet: &Packet<'_>) -> Option<i128> {
        let clock = self.arrivals.get(packet.interface)?.clock;
        let (seconds, nanoseconds) = clock.split(packet.timestamp?, 1_000_000_000)?;
        Some(i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds))
    }
}
