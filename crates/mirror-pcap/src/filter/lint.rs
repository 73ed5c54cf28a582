//! `filter lint`: what is wrong with the filters and sessions of documents.
//!
//! Findings come from three sides: the analysis of each filter, what its sessions say, and mistakes
//! that the reader of documents met. The last may be so bad that there is no filter to analyse (a
//! number twice, two IP versions in a rule); then they are the findings, and the rest is looked at
//! once they are mended. A document with other faults than those of filters isn't linted at all.
//!
//! What rests on values that can't be known is left out, unless it was asked for by name, and what
//! was left out is a finding: else a filter that nobody looked at would pass.

mod codes;
mod print;
mod sarif;
mod sessions;
mod unresolved;

use std::{
    collections::HashSet,
    io::{self, Write},
};

use anyhow::anyhow;
use mirror_aws::{Estate, KnownFilter, Open, Place, Problem};
use mirror_filter::{
    Packet, Rule,
    analysis::{self, Budget, Severity, Surroundings},
};
use mirror_wire::Direction;

use crate::{
    cli::{self, LintFormat},
    documents::{Source, Text, Unread, names_of, parameters},
    failure::{Exit, Failure, printable},
};

/// A finding and where it stands.
struct Found<'s> {
    code: &'static str,
    severity: Severity,
    /// The filter that it is about; none if it is about a session, or could not be read.
    filter: Option<&'s KnownFilter>,
    direction: Option<Direction>,
    rule: Option<&'s Rule>,
    by: Vec<&'s Rule>,
    message: String,
    witness: Option<Packet>,
    place: Place,
}

/// Run the command.
pub(super) fn run(args: &cli::FilterLint) -> Result<Exit, Failure> {
    match Source::read_all(&args.filters, &parameters(&args.param)?) {
        Ok(source) => {
            let estate = &source.estate;
            if estate.filters.is_empty()
                && estate.sessions.is_empty()
                && estate.unresolved.is_empty()
            {
                let wrong = anyhow!("found no mirror filter or session");
                return Err(Failure::input(source.name(), wrong));
            }
            source.demand_named()?;
            let found = findings(&source, args)?;
            // The others are among the findings.
            source.tell(|one| one.mistake.is_none());
            told(&source.texts, &found, args)
        }
        Err(Unread::Problems { texts, problems })
            if problems.iter().count() == problems.errors() + problems.warnings()
                && problems.iter().all(|one| {
                    one.mistake.is_some() || one.severity == mirror_aws::Severity::Warning
                }) =>
        {
            let found: Vec<Found<'_>> = problems.iter().filter_map(mistaken).collect();
            // Nobody is left to hear that stderr is gone.
            let _ = writeln!(
                io::stderr(),
                "mirror-pcap: {}: AWS would refuse this; what else is wrong can be told once it is \
                 mended",
                printable(&names_of(&texts))
            );
            told(&texts, &found, args)
        }
        Err(unread) => Err(unread.into()),
    }
}

/// Print findings, and see whether they are bad enough.
fn told(texts: &[Text], found: &[Found<'_>], args: &cli::FilterLint) -> Result<Exit, Failure> {
    match args.format {
        LintFormat::Text => print::text(texts, found)?,
        LintFormat::Json => print::json(texts, found)?,
        LintFormat::Sarif => sarif::print(texts, found)?,
    }
    let fails = found.iter().any(|one| args.fail_level.fails(one.severity));
    Ok(if fails { Exit::Findings } else { Exit::Done })
}

fn findings<'s>(source: &'s Source, args: &cli::FilterLint) -> Result<Vec<Found<'s>>, Failure> {
    let estate = &source.estate;
    let mut found: Vec<Found<'_>> = estate.warnings.iter().filter_map(mistaken).collect();
    // However many filters there are.
    let budget = Budget::default();
    let open: HashSet<Open> = estate.unresolved.iter().map(|one| one.leaves).collect();
    for (at, one) in (0..).zip(&estate.filters) {
        if !source.means(at) || open.contains(&Open::Filter(at)) || open.contains(&Open::AnyFilter)
        {
            continue;
        }
        let mut targets = targets(estate, at);
        targets.extend(&args.target);
        let around = Surroundings { vpcs: args.vpc.clone(), targets };
        let all = analysis::lint_within(&one.filter, &around, &budget)
            .map_err(|error| Failure::input(source.name(), error))?;
        let rule = |at: usize| one.filter.rules.get(at);
        found.extend(all.into_iter().map(|finding| Found {
            code: finding.code.as_str(),
            severity: finding.severity,
            filter: Some(one),
            direction: finding.direction,
            rule: finding.rule.and_then(rule),
            by: finding.by.iter().filter_map(|&at| rule(at)).collect(),
            message: finding.message,
            witness: finding.witness,
            place: finding.rule.and_then(|at| one.rules.get(at)).unwrap_or(&one.place).clone(),
        }));
    }
    // A session whose filter nobody describes is of the documents all the same.
    let is_meant = |at: Option<usize>| at.is_none_or(|at| source.means(at));
    found.extend(sessions::findings(estate, is_meant));
    if !source.is_named() {
        found.extend(unresolved::findings(estate));
    }
    Ok(found)
}

/// What the reader of the document says, if it is about filters or sessions.
fn mistaken<'s>(problem: &Problem) -> Option<Found<'s>> {
    let severity = match problem.severity {
        mirror_aws::Severity::Error => Severity::Error,
        mirror_aws::Severity::Warning => Severity::Warning,
    };
    Some(Found {
        code: problem.mistake?.as_str(),
        severity,
        filter: None,
        direction: None,
        rule: None,
        by: Vec::new(),
        message: problem.message.clone(),
        witness: None,
        place: problem.place.clone(),
    })
}

/// The addresses that the sessions of a filter send to, as far as the documents have them.
fn targets(estate: &Estate, filter: usize) -> Vec<std::net::IpAddr> {
    let of_filter = estate.sessions.iter().filter(|one| one.filter == Some(filter));
    let enis = of_filter.filter_map(|one| estate.enis.get(one.sink?));
    let mut addresses: Vec<_> = enis.flat_map(|eni| eni.addresses.iter().copied()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}
