//! What is said of a simulation: for people a table, for scripts JSON.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use mirror_filter::{Reason, Verdict};
use mirror_wire::Direction;
use serde::Serialize;

use super::{
    counts::{Counts, Tally},
    rows::{Rows, remarks},
    scene::{Scene, Session},
};
use crate::{
    cli,
    failure::{Failure, printable},
    json,
    number::{counted, grouped},
    table::{Align, Table},
};

/// Rules listed for people; scripts get them all.
const MAX_LISTED: usize = 200;

/// What stands under every simulation.
const OUTSIDE: &str = "the rules select this much; security groups, network ACLs and congestion \
                       are outside of a simulation";

const VERDICTS: [(Verdict, &str); 4] = [
    (Verdict::Mirrored, "mirrored"),
    (Verdict::NotMirrored, "not mirrored"),
    (Verdict::NeverMirrored, "never mirrored"),
    (Verdict::Undecided, "undecided"),
];

/// A finished simulation.
pub(super) struct Report<'a> {
    pub(super) input: &'a str,
    pub(super) scene: &'a Scene<'a>,
    pub(super) counts: &'a Counts,
    /// Of a table of flows.
    pub(super) rows: Option<&'a Rows>,
    /// Its columns without meaning.
    pub(super) columns: &'a [&'a str],
}

/// A rule, with what it took.
struct Listed<'a> {
    session: &'a Session<'a>,
    rule: &'a mirror_filter::Rule,
    tally: Tally,
    flows: u64,
}

impl<'a> Report<'a> {
    /// Tell people or scripts: on standard output, or on standard error where that has something
    /// else. `damage` is told on standard error in any case, `written` with the report.
    pub(super) fn print(
        &self,
        args: &cli::Simulate,
        damage: &str,
        written: Option<&str>,
    ) -> Result<(), Failure> {
        // Nobody is left to hear that stderr is gone.
        let _ = io::stderr().write_all(damage.as_bytes());
        if args.quiet {
            return Ok(());
        }
        let text = if args.json { self.json()? } else { self.text(written) };
        let to_stdout = args.write.as_deref().is_some_and(|path| path.as_os_str() == "-");
        if args.each || to_stdout {
            let _ = io::stderr().write_all(text.as_bytes());
            return Ok(());
        }
        crate::print(|out| {
            out.extend_from_slice(text.as_bytes());
            Ok(())
        })
        .map(|_| ())
    }

    fn rules(&self) -> impl Iterator<Item = Listed<'a>> {
        let Report { scene, counts, .. } = *self;
        let sessions = scene.sources.iter().flat_map(|source| &source.sessions);
        sessions.flat_map(move |session| {
            let rules = session.filter.filter.rules.iter().enumerate();
            rules.map(move |(at, rule)| {
                let number = session.first_rule + at;
                let tally = counts.rules.get(number).copied().unwrap_or_default();
                Listed { session, rule, tally, flows: counts.flows.of(number) }
            })
        })
    }

    /// Whether a rule's number says too little of it.
    fn has_several_sessions(&self) -> bool {
        self.scene.sources.iter().map(|source| source.sessions.len()).sum::<usize>() > 1
    }

    fn text(&self, written: Option<&str>) -> String {
        let counts = self.counts;
        let mut text = format!(
            "{}: {} read",
            printable(self.input),
            counted(counts.read, "packet", "packets")
        );
        for (verdict, word) in VERDICTS {
            text += &format!(", {} {word}", grouped(counts.of(verdict).packets));
        }
        text.push('\n');
        if counts.again > 0 {
            text += &format!(
                "  {} of two interfaces, judged for each of them\n",
                counted(counts.again, "packet is", "packets are")
            );
        }
        text += &self.table();
        for (verdict, word) in VERDICTS {
            let of = counts.reasons().filter(|(of, ..)| *of == verdict);
            // What the rules did stands in the table.
            let of = of.filter(|(_, reason, _)| !matches!(*reason, "rule" | "no-rule"));
            let mut of: Vec<_> = of.map(|(_, reason, tally)| (reason, tally.packets)).collect();
            of.sort_by_key(|&(reason, packets)| (u64::MAX - packets, reason));
            if !of.is_empty() {
                let of: Vec<_> =
                    of.iter().map(|(reason, n)| format!("{} {reason}", grouped(*n))).collect();
                text += &format!("  {word}: {}\n", of.join(", "));
            }
        }
        let lost = (Verdict::Undecided, Reason::NeitherEndLocal.as_str());
        let lost = counts.reasons().find(|(verdict, reason, _)| (*verdict, *reason) == lost);
        if lost.is_some_and(|(.., tally)| tally.packets > counts.read / 2) {
            text += "  of most packets no end is known to be the interface's: --eni, --mac or \
                     --local say what is\n";
        }
        text += &self.never_hit();
        text += &self.estimate();
        if let Some(written) = written {
            text += &format!("  {written}\n");
        }
        if counts.filtered > 0 {
            text += &format!(
                "  {} came from a mirror session: filtered already, so what a wider filter would \
                 add is not in it\n",
                counted(counts.filtered, "packet", "packets")
            );
        }
        for remark in self.rows.map(|rows| remarks(rows, self.columns)).unwrap_or_default() {
            text += &format!("  {remark}\n");
        }
        for assumption in counts.assumptions.iter() {
            text += &format!("  assumed ({assumption}): {}\n", assumption.sentence());
        }
        text += &format!("  {OUTSIDE}\n");
        text
    }

    fn table(&self) -> String {
        let counts = self.counts;
        let mut table = Table::new([
            ("session", Align::Left),
            ("rule", Align::Left),
            ("packets", Align::Right),
            ("bytes", Align::Right),
            ("flows", Align::Right),
        ]);
        table.show_if("session", self.has_several_sessions());
        let estimated = if counts.flows.is_exact() { "" } else { "~" };
        for one in self.rules().take(MAX_LISTED) {
            let session = one.session.id().or(one.session.name());
            table.push([
                session.map(printable).unwrap_or_default(),
                one.rule.to_string(),
                grouped(one.tally.packets),
                grouped(one.tally.bytes),
                format!("{estimated}{}", grouped(one.flows)),
            ]);
        }
        for (direction, tally) in [
            (Direction::Ingress, counts.implicit_ingress),
            (Direction::Egress, counts.implicit_egress),
        ] {
            table.push([
                String::new(),
                format!("{direction} no rule: reject"),
                grouped(tally.packets),
                grouped(tally.bytes),
                String::new(),
            ]);
        }
        let mut text = table.text();
        let more = counts.rules.len().saturating_sub(MAX_LISTED) as u64;
        if more > 0 {
            let more = counted(more, "more rule", "more rules");
            text += &format!("  and {more}; --json lists them all\n");
        }
        if !counts.flows.is_exact() {
            text += "  flows are estimated, as there are more than 65,536\n";
        }
        text
    }

    fn never_hit(&self) -> String {
        let with_session = self.has_several_sessions();
        let unhit: Vec<String> = self
            .rules()
            .filter(|one| one.tally.packets == 0)
            .map(|one| {
                let session = one.session.id().or(one.session.name()).filter(|_| with_session);
                let session = session.map(|session| printable(session) + " ").unwrap_or_default();
                format!("{session}{} {}", one.rule.direction, one.rule.number)
            })
            .collect();
        let shown: Vec<&str> = unhit.iter().take(20).map(String::as_str).collect();
        match unhit.len().saturating_sub(20) {
            _ if unhit.is_empty() => String::new(),
            0 => format!("  never hit: {}\n", shown.join(", ")),
            more => format!("  never hit: {} and {more} more\n", shown.join(", ")),
        }
    }

    fn estimate(&self) -> String {
        let counts = self.counts;
        let rate = &counts.rate;
        if counts.mirrored.packets == 0 {
            return String::new();
        }
        let mut text = format!(
            "  the target would receive {} in {}",
            counted(rate.bytes, "byte", "bytes"),
            counted(counts.mirrored.packets, "packet", "packets")
        );
        if let Some(average) = rate.average() {
            text += &format!(", {} bit/s on average", grouped(average));
        }
        if let Some(busiest) = rate.busiest() {
            text += &format!(", {} in the busiest second", grouped(busiest));
        }
        if rate.cut > 0 {
            text += &format!("; {} cut", grouped(rate.cut));
        }
        text += &format!("; the longest frame has {}\n", counted(rate.longest, "byte", "bytes"));
        text
    }

    fn json(&self) -> Result<String, Failure> {
        let counts = self.counts;
        let words = |map: &BTreeMap<&'static str, Tally>| -> BTreeMap<&'static str, JsonTally> {
            map.iter().map(|(word, tally)| (*word, (*tally).into())).collect()
        };
        let mut reasons: BTreeMap<&'static str, Tally> = BTreeMap::new();
        for (_, reason, tally) in counts.reasons() {
            reasons.entry(reason).or_default().add(tally);
        }
        let rate = &counts.rate;
        let json = Json {
            schema: "mirror-pcap/simulate/1",
            input: self.input,
            packets: counts.read,
            judged_again: counts.again,
            from_sessions: counts.filtered,
            verdicts: Verdicts {
                mirrored: counts.mirrored.into(),
                not_mirrored: counts.not_mirrored.into(),
                never_mirrored: counts.never_mirrored.into(),
                undecided: counts.undecided.into(),
            },
            rules: self.rules().map(|one| JsonRule::new(&one)).collect(),
            flows_exact: counts.flows.is_exact(),
            implicit_reject: ImplicitReject {
                ingress: counts.implicit_ingress.into(),
                egress: counts.implicit_egress.into(),
            },
            network_services: words(&counts.services),
            reasons: words(&reasons),
            estimate: Estimate {
                bytes: rate.bytes,
                bits_per_second: rate.average(),
                busiest_second: rate.busiest(),
                cut: rate.cut,
                longest: rate.longest,
            },
            assumptions: counts
                .assumptions
                .iter()
                .map(|one| JsonAssumption { assumption: one.as_str(), sentence: one.sentence() })
                .collect(),
            rows: self.rows.map(|rows| JsonRows {
                read: rows.read,
                no_data: rows.no_data,
                skip_data: rows.skip_data,
            }),
        };
        json::document(&json)
    }
}

#[derive(Serialize)]
struct Json<'a> {
    schema: &'static str,
    input: &'a str,
    packets: u64,
    judged_again: u64,
    from_sessions: u64,
    verdicts: Verdicts,
    rules: Vec<JsonRule<'a>>,
    flows_exact: bool,
    implicit_reject: ImplicitReject,
    network_services: BTreeMap<&'static str, JsonTally>,
    reasons: BTreeMap<&'static str, JsonTally>,
    estimate: Estimate,
    assumptions: Vec<JsonAssumption>,
    rows: Option<JsonRows>,
}

#[derive(Serialize)]
struct JsonTally {
    packets: u64,
    bytes: u64,
}

impl From<Tally> for JsonTally {
    fn from(Tally { packets, bytes }: Tally) -> JsonTally {
        JsonTally { packets, bytes }
    }
}

#[derive(Serialize)]
struct Verdicts {
    mirrored: JsonTally,
    not_mirrored: JsonTally,
    never_mirrored: JsonTally,
    undecided: JsonTally,
}

#[derive(Serialize)]
struct ImplicitReject {
    ingress: JsonTally,
    egress: JsonTally,
}

#[derive(Serialize)]
struct JsonRule<'a> {
    session: Option<&'a str>,
    filter: Option<&'a str>,
    direction: &'static str,
    number: u32,
    action: &'static str,
    packets: u64,
    bytes: u64,
    flows: u64,
}

impl<'a> JsonRule<'a> {
    fn new(one: &Listed<'a>) -> JsonRule<'a> {
        let Listed { session, rule, tally, flows } = one;
        JsonRule {
            session: session.id().or(session.name()),
            filter: session.filter_name(),
            direction: rule.direction.as_str(),
            number: rule.number,
            action: rule.action.as_str(),
            packets: tally.packets,
            bytes: tally.bytes,
            flows: *flows,
        }
    }
}

#[derive(Serialize)]
struct Estimate {
    bytes: u64,
    bits_per_second: Option<u64>,
    busiest_second: Option<u64>,
    cut: u64,
    longest: u64,
}

#[derive(Serialize)]
struct JsonAssumption {
    assumption: &'static str,
    sentence: &'static str,
}

#[derive(Serialize)]
struct JsonRows {
    read: u64,
    no_data: u64,
    skip_data: u64,
}
