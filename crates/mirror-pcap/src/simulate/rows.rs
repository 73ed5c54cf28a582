//! Tables of flows instead of captures.
//!
//! A row is judged like a packet and counts as many as it says. Of flow logs three things are told
//! that packets don't have: an inbound flow that a security group or network ACL refused was never
//! seen by the mirror, what was not recorded is missing here too, and how long single packets were
//! is not known.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use anyhow::anyhow;
use mirror_filter::{
    Assumption, Judgement, Reason, Verdict,
    flows::{Line, MAX_LINE, Row, Table, TableError},
    judge,
};
use mirror_wire::Direction;

use super::{
    Each,
    counts::{Counts, Judged, Tally},
    locate::{Located, Signs, locate, locate_at},
    report::Report,
    scene::Scene,
};
use crate::{
    cli,
    failure::{Exit, Failure, printable},
    output::{Output, Replaces},
    streams,
};

/// Columns without meaning that are named in the report.
const MAX_NAMED: usize = 20;

/// What a table has beside rows.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Rows of traffic.
    pub(super) read: u64,
    /// Rows that say that there was none.
    pub(super) no_data: u64,
    /// Rows that say that some was not recorded.
    pub(super) skip_data: u64,
    /// Whether rows stand for many packets.
    pub(super) has_counts: bool,
}

/// Run the command over a table.
pub(super) fn run(args: &cli::Simulate, scene: &Scene<'_>) -> Result<Exit, Failure> {
    let path = args.flows.as_deref().unwrap_or(Path::new("-"));
    let (name, mut lines) = open(path)?;
    let at = |row: u64, error: TableError| {
        let place = if row == 0 { "first line".to_owned() } else { format!("row {row}") };
        Failure::input(&name, anyhow!("{place}: {error}"))
    };
    let failed = |error: io::Error| Failure::input(&name, error);

    let mut line = Vec::new();
    if !next(&mut lines, &mut line).map_err(failed)? {
        return Err(Failure::input(&name, anyhow!("is empty, expected a table of flows")));
    }
    let table = Table::new(&line).map_err(|error| at(0, error))?;
    let mut counts = Counts::new(scene);
    let mut rows = Rows { has_counts: table.has_counts(), ..Rows::default() };
    let output = match args.each {
        true => Some(Output::create(Some(Path::new("-")), Replaces::NoCapture("--each"))?),
        false => None,
    };
    let mut sink = output.as_ref().map(|output| output.start(Some(1))).transpose()?;
    let lost = |error| Failure::output("standard output", error);
    let mut number = 0;
    while next(&mut lines, &mut line).map_err(failed)? {
        number += 1;
        match table.line(&line).map_err(|error| at(number, error))? {
            Line::Row(row) => {
                rows.read += 1;
                let mut ignored = Vec::new();
                let out = match &mut sink {
                    Some(sink) => sink.buffer(),
                    None => &mut ignored,
                };
                one(args.each, scene, &row, number, &mut counts, out);
            }
            Line::NoData => rows.no_data += 1,
            Line::SkipData => rows.skip_data += 1,
            Line::Empty => number -= 1,
        }
        if let Some(sink) = &mut sink {
            sink.relieve().map_err(lost)?;
        }
    }
    if let Some(sink) = sink {
        sink.finish().map_err(lost)?;
    }
    if let Some(output) = output {
        output.commit(false)?;
    }
    let columns: Vec<&str> = table.ignored().iter().take(MAX_NAMED).map(String::as_str).collect();
    let report =
        Report { input: &name, scene, counts: &counts, rows: Some(&rows), columns: &columns };
    report.print(args, "", None)?;
    Ok(Exit::Done)
}

/// The table, by the name to report it by.
fn open(path: &Path) -> Result<(String, Box<dyn BufRead>), Failure> {
    streams::check_input(path).map_err(|error| Failure::input("standard input", error))?;
    if path.as_os_str() == "-" {
        return Ok(("standard input".to_owned(), Box::new(io::stdin().lock())));
    }
    let name = path.to_string_lossy().into_owned();
    let file = File::open(path).map_err(|error| Failure::input(&name, error))?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(Failure::input(&name, anyhow!("is a folder, expected a table of flows")));
    }
    Ok((name, Box::new(BufReader::with_capacity(1 << 18, file))))
}

/// Read the next line; false at the end. Of one that is too long no more than that shows.
fn next(lines: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let most = MAX_LINE as u64 + 2;
    lines.take(most).read_until(b'\n', line)?;
    Ok(!line.is_empty())
}

fn one(
    each: bool,
    scene: &Scene<'_>,
    row: &Row,
    number: u64,
    counts: &mut Counts,
    out: &mut Vec<u8>,
) {
    counts.read = counts.read.saturating_add(row.packets);
    let seen = row.seen.as_ref();
    let flow = seen.and_then(|seen| seen.as_ref().ok()).map(|seen| &seen.flow);
    let (annotated, captured) =
        if row.captured { (None, row.direction) } else { (row.direction, None) };
    let signs = Signs {
        macs: row.macs,
        addresses: flow.map(|flow| (flow.source, flow.destination)),
        annotated,
        captured,
    };
    let weight = Tally { packets: row.packets, bytes: row.bytes };
    let mut places = Vec::new();
    locate_row(scene, row, &signs, &mut places);
    for (at, mut located) in places.into_iter().enumerate() {
        // What the row itself says holds of the interface that it names.
        if let (Some(direction), false) = (row.direction, row.captured)
            && row.interface.is_some()
            && located.source.is_some()
        {
            located.direction = Ok(direction);
        }
        let judgement = judgement(scene, row, &located);
        let direction = located.direction.ok();
        if let Some((start, _)) = row.time {
            counts.rate.seen(Some(start));
        }
        counts.judged(
            scene,
            &Judged {
                judgement: &judgement,
                source: located.source,
                direction,
                flow,
                weight,
                again: at > 0,
                time: row.time.map(|(_, end)| end),
            },
        );
        if each {
            Each::new(scene, number, located.source, direction, &judgement).push(out);
        }
    }
}

fn locate_row(scene: &Scene<'_>, row: &Row, signs: &Signs, located: &mut Vec<Located>) {
    let named = row.interface.as_deref().and_then(|id| scene.of_id(id));
    match named {
        Some(source) => located.push(locate_at(scene, source, signs)),
        None => locate(scene, signs, located),
    }
}

fn judgement(scene: &Scene<'_>, row: &Row, located: &Located) -> Judgement {
    let Some(seen) = &row.seen else {
        return Judgement::of(Verdict::Undecided, Reason::NoAddresses);
    };
    let source = located.source.and_then(|source| scene.sources.get(source));
    let Some(source) = source else {
        let judgement = judge::<mirror_filter::Compiled>(
            &scene.services,
            &[],
            seen.as_ref().map_err(|why| *why),
            located.direction,
        );
        let of_dns = Reason::Service(mirror_filter::Service::AmazonDns);
        return match judgement.reason == of_dns {
            true => Judgement::of(Verdict::Undecided, Reason::NeitherEndLocal),
            false => judgement,
        };
    };
    //= https://docs.aws.amazon.com/vpc/latest/mirroring/traffic-mirroring-considerations.html
    //# Inbound traffic that is dropped at the traffic mirror source, because of the inbound security
    //# group rules or the inbound network ACL rules, is not mirrored.
    if row.dropped && located.direction == Ok(Direction::Ingress) {
        return Judgement::of(Verdict::NotMirrored, Reason::Dropped);
    }
    let packet = seen.as_ref().map_err(|why| *why);
    let mut judgement = judge(&scene.services, &source.filters, packet, located.direction);
    // Outbound security groups do not keep a packet from the mirror. A network ACL may, AWS does not
    // say, and the log does not tell which of them it was.
    //= https://docs.aws.amazon.com/vpc/latest/mirroring/traffic-mirroring-considerations.html
    //# Mirrored outbound traffic is not subject to the outbound security group rules for the traffic
    //# mirror source.
    if row.dropped && judgement.verdict == Verdict::Mirrored {
        return Judgement::of(Verdict::Undecided, Reason::Dropped);
    }
    let by_rules = matches!(judgement.reason, Reason::Rule | Reason::NoRule | Reason::RulesAgree);
    if located.captured_at_eni && by_rules {
        judgement.assumptions.insert(Assumption::CapturedAtEni);
    }
    judgement
}

/// What a report says of a table beside its counts.
pub(super) fn remarks(rows: &Rows, columns: &[&str]) -> Vec<String> {
    let mut remarks = Vec::new();
    if rows.skip_data > 0 {
        remarks.push(format!(
            "{} for traffic that was not recorded (SKIPDATA)",
            crate::number::counted(rows.skip_data, "row", "rows")
        ));
    }
    if rows.no_data > 0 {
        remarks.push(format!(
            "{} for times without traffic (NODATA)",
            crate::number::counted(rows.no_data, "row", "rows")
        ));
    }
    if rows.has_counts {
        remarks.push(
            "rows stand for many packets, so cuts and the busiest second are estimates from \
             averages"
                .to_owned(),
        );
    }
    if !columns.is_empty() {
        let names: Vec<String> = columns.iter().map(|name| printable(name)).collect();
        remarks.push(format!("columns that mean nothing here: {}", names.join(", ")));
    }
    remarks
}
