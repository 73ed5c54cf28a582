//! `filter lint`: what is wrong with the filters of a document.
//!
//! Findings come from three sides: the analysis of each filter, what its sessions say, and mistakes
//! that the reader of documents met. The last may be so bad that there is no filter to analyse (a
//! number twice, two IP versions in a rule); then they are the findings, and the rest is looked at
//! once they are mended. A document with other faults than those of filters isn't linted at all.

mod codes;
mod print;
mod sarif;
mod sessions;

use std::io::{self, Write};

use mirror_aws::{Estate, KnownFilter, Place, Problem};
use mirror_filter::{
    Packet, Rule,
    analysis::{self, Budget, Severity, Surroundings},
};
use mirror_session::TargetKind;
use mirror_wire::Direction;

use crate::{
    cli::{self, LintFormat},
    documents::{Source, Unread},
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
    match Source::read_quietly(&args.source) {
        Ok(source) => {
            let found = findings(&source, args)?;
            // The others are among the findings.
            source.tell(|one| one.mistake.is_none());
            told(&source.name, &source.bytes, &found, args)
        }
        Err(Unread::Problems { name, bytes, problems })
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
                printable(&name)
            );
            told(&name, &bytes, &found, args)
        }
        Err(unread) => Err(unread.into()),
    }
}

/// Print findings, and see whether they are bad enough.
fn told(
    name: &str,
    bytes: &[u8],
    found: &[Found<'_>],
    args: &cli::FilterLint,
) -> Result<Exit, Failure> {
    match args.format {
        LintFormat::Text => print::text(name, bytes, found)?,
        LintFormat::Json => print::json(name, found)?,
        LintFormat::Sarif => sarif::print(name, found)?,
    }
    let fails = found.iter().any(|one| args.fail_level.fails(one.severity));
    Ok(if fails { Exit::Findings } else { Exit::Done })
}

fn findings<'s>(source: &'s Source, args: &cli::FilterLint) -> Result<Vec<Found<'s>>, Failure> {
    let estate = &source.estate;
    let mut found: Vec<Found<'_>> = estate.warnings.iter().filter_map(mistaken).collect();
    // However many filters there are.
    let budget = Budget::default();
    for one in source.filters() {
        let mut targets = targets(estate, one);
        targets.extend(&args.target);
        let around = Surroundings { vpcs: args.vpc.clone(), targets };
        let all = analysis::lint_within(&one.filter, &around, &budget)
            .map_err(|error| Failure::input(&source.name, error))?;
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
    let is_meant = |at: Option<usize>| {
        let filter = at.and_then(|at| estate.filters.get(at));
        // A session whose filter nobody describes is of the document all the same.
        filter.is_none_or(|filter| source.filters().any(|one| std::ptr::eq(one, filter)))
    };
    found.extend(sessions::findings(estate, is_meant));
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

/// The addresses that a filter's sessions send to, as far as the document has them.
fn targets(estate: &Estate, filter: &KnownFilter) -> Vec<std::net::IpAddr> {
    let of_filter = estate.sessions.iter().filter(|one| {
        one.filter
            .and_then(|at| estate.filters.get(at))
            .is_some_and(|known| std::ptr::eq(known, filter))
    });
    let mut addresses = Vec::new();
    for one in of_filter {
        let kind = one.session.target.as_ref().and_then(|target| target.kind.as_ref());
        let Some(TargetKind::NetworkInterface(id)) = kind else { continue };
        let enis = estate.enis.iter().filter(|eni| eni.id.as_ref() == Some(id));
        addresses.extend(enis.flat_map(|eni| eni.addresses.iter().copied()));
    }
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}
