//! Whether one test holds.
//!
//! A test about ranges is about every packet in them. What the rules do with all of these is proved
//! by the decision diagram, and where one of them is treated otherwise, the diagram has it. Beside
//! the rules stand the network services that mirroring treats apart. Where all packets are of
//! services, these decide; where some are, the test is about the others, as people mean it.

use std::{collections::BTreeMap, path::Path};

use anyhow::anyhow;
use mirror_aws::{
    KnownFilter, Parameters,
    expectations::{Expectation, Relation, Share, Test},
};
use mirror_filter::{
    Action, Cidr, Compiled, Filter, Packet, Service, Services, Verdict,
    analysis::{
        Analysis, Budget, Code, Flows, Outcome, Severity, Surroundings, TooComplex, compare_within,
        lint_within,
    },
    judge,
};
use mirror_wire::{Direction, Flow, Ports, Seen};

use super::{Source, Unmet};
use crate::{
    cli,
    failure::{Failure, printable},
    number::{counted, grouped},
    simulate::survey,
};

/// What of one flow that doesn't hold is told; more is counted by nobody.
const MAX_TOLD: usize = 5;

/// Checks the tests of one file.
pub(super) struct Checker<'c> {
    known: &'c KnownFilter,
    /// What tells the direction of a capture's packets.
    interface: cli::Simulate,
    filter: &'c Filter,
    compiled: Compiled,
    analysis: Analysis,
    /// Of all tests that lint or compare: a file may have any number.
    budget: Budget,
    services: Services,
    vpc: &'c [Cidr],
    folder: &'c Path,
    params: &'c Parameters,
}

impl<'c> Checker<'c> {
    pub(super) fn new(
        source: &'c Source,
        folder: &'c Path,
        params: &'c Parameters,
        vpc: &'c [Cidr],
        local: &[Cidr],
    ) -> Result<Checker<'c>, Failure> {
        let known = source.one()?;
        let filter = &known.filter;
        let (vpcs, local) = (vpc.to_vec(), local.to_vec());
        let interface = cli::Simulate { local, vpc: vpcs, quiet: true, ..cli::Simulate::default() };
        let compiled = filter.compile().map_err(|faults| {
            let all: Vec<String> = faults.iter().map(ToString::to_string).collect();
            Failure::input(&known.place, anyhow!(all.join("; ")))
        })?;
        let services = Services::new(vpc);
        let analysis = Analysis::new(filter, &services).map_err(too_complex)?;
        let budget = Budget::default();
        Ok(Checker {
            known,
            interface,
            filter,
            compiled,
            analysis,
            budget,
            services,
            vpc,
            folder,
            params,
        })
    }

    /// What of a test doesn't hold.
    pub(super) fn check(&mut self, test: &Test) -> Result<Vec<Unmet>, Failure> {
        match &test.what {
            Expectation::Flow { flows, verdict, rule } => {
                let mut unmet = Vec::new();
                for flows in flows {
                    unmet.extend(self.flow(flows, *verdict, *rule).map_err(too_complex)?);
                }
                unmet.truncate(MAX_TOLD);
                Ok(unmet)
            }
            Expectation::EqualTo { filter } => self.equal_to(filter),
            Expectation::Capture { capture, shares } => self.capture(capture, shares),
            Expectation::Lint { max, codes } => self.lint(*max, codes),
        }
    }

    fn flow(
        &mut self,
        flows: &Flows,
        expected: Verdict,
        rule: Option<u32>,
    ) -> Result<Vec<Unmet>, TooComplex> {
        let outcomes = self.analysis.outcomes(flows)?;
        if outcomes.is_empty() {
            return Ok(self.services(flows, expected, rule)?.into_iter().collect());
        }
        let unmet = outcomes.iter().filter_map(|outcome| self.unmet(outcome, expected, rule));
        Ok(unmet.collect())
    }

    /// What becomes of packets that are all of network services, if that isn't what is expected. No
    /// rule decides it.
    fn services(
        &mut self,
        flows: &Flows,
        expected: Verdict,
        rule: Option<u32>,
    ) -> Result<Option<Unmet>, TooComplex> {
        let mut right: Vec<Service> = Vec::new();
        while let Some((service, packet)) =
            self.analysis.of_service(flows, &|one| !right.contains(&one))?
        {
            let flow = packet.flow();
            let seen = Seen { flow, fragment: false, extensions: false, icmp_type: None };
            let judged = judge(&self.services, &[&self.compiled], Ok(&seen), Ok(packet.direction));
            if judged.verdict != expected || rule.is_some() {
                let (is, wanted) = (said(judged.verdict), wanted(expected, rule));
                let message =
                    format!("{packet} {is}, whatever the rules say ({service}), {wanted}");
                return Ok(Some(Unmet { message, witness: Some(packet.to_string()) }));
            }
            right.push(service);
        }
        Ok(None)
    }

    /// What the rules do with some packets, if that isn't what is expected.
    fn unmet(&self, outcome: &Outcome, expected: Verdict, rule: Option<u32>) -> Option<Unmet> {
        let verdict = match outcome.action {
            Action::Accept => Verdict::Mirrored,
            Action::Reject => Verdict::NotMirrored,
        };
        let by = outcome.rule.and_then(|rule| self.filter.rules.get(rule)).map(|rule| rule.number);
        if verdict == expected && (rule.is_none() || rule == by) {
            return None;
        }
        let because = match by {
            Some(number) => format!("by rule {number}"),
            None => "as no rule matches".to_owned(),
        };
        let (packet, is) = (outcome.example, said(verdict));
        let message = format!("{packet} {is} {because}, {}", wanted(expected, rule));
        Some(Unmet { message, witness: Some(packet.to_string()) })
    }

    fn capture(&self, capture: &str, shares: &[(Verdict, Share)]) -> Result<Vec<Unmet>, Failure> {
        let path = self.folder.join(capture);
        let mut counts: BTreeMap<Verdict, u64> = BTreeMap::new();
        // Of each verdict one packet that shows it, where it can be told.
        let mut examples: BTreeMap<Verdict, String> = BTreeMap::new();
        let survey = survey(&self.interface, &[], self.known, &path, &mut |one| {
            *counts.entry(one.verdict).or_default() += 1;
            if let Some(flow) = one.flow {
                examples.entry(one.verdict).or_insert_with(|| example(one.direction, flow));
            }
        })?;
        let mut unmet = Vec::new();
        if !survey.damage.is_empty() {
            unmet.push(Unmet::new(printable(survey.damage.trim_end())));
        }
        let all: u64 = counts.values().sum();
        for (verdict, share) in shares {
            let found = counts.get(verdict).copied().unwrap_or_default();
            if share.holds(found, all) {
                continue;
            }
            let of = counted(all, "packet", "packets");
            let are = words(*verdict);
            let found = grouped(found);
            let mut message = format!("{found} of {of} are {are}, expected {share}");
            // Too few of one are too many of another, so one of those shows what is wrong.
            let other = examples.iter().find(|(other, _)| *other != verdict);
            let shown = match share.relation {
                Relation::AtMost => examples.get(verdict).map(|example| (verdict, example)),
                Relation::AtLeast | Relation::Exactly => other,
            };
            if let Some((verdict, example)) = shown {
                message += &format!("; {example} is {}", words(*verdict));
            }
            unmet.push(Unmet::new(message));
        }
        Ok(unmet)
    }

    fn lint(&self, max: usize, codes: &[Code]) -> Result<Vec<Unmet>, Failure> {
        let around = Surroundings { vpcs: self.vpc.to_vec(), ..Surroundings::default() };
        let mut findings = lint_within(self.filter, &around, &self.budget).map_err(too_complex)?;
        findings.retain(|finding| match codes {
            [] => finding.severity >= Severity::Warning,
            codes => codes.contains(&finding.code),
        });
        if findings.len() <= max {
            return Ok(Vec::new());
        }
        let found = counted(findings.len() as u64, "finding", "findings");
        let mut unmet = vec![Unmet::new(format!("{found}, expected no more than {max}"))];
        unmet.extend(findings.iter().take(MAX_TOLD).map(|finding| {
            let rule = finding.rule.and_then(|rule| self.filter.rules.get(rule));
            let of = rule.map(|rule| format!("{} rule {}: ", rule.direction, rule.number));
            let of = of.unwrap_or_default();
            let message = format!("{}: {of}{}", finding.code, printable(&finding.message));
            Unmet { message, witness: finding.witness.map(|packet| packet.to_string()) }
        }));
        Ok(unmet)
    }

    fn equal_to(&self, other: &str) -> Result<Vec<Unmet>, Failure> {
        let source = Source::read_with(self.folder.join(other).as_os_str(), self.params)?;
        let other = &source.one()?.filter;
        let mut unmet = Vec::new();
        if self.filter.amazon_dns != other.amazon_dns {
            let (this, that) = match self.filter.amazon_dns {
                true => ("is", "isn't"),
                false => ("isn't", "is"),
            };
            unmet.push(Unmet::new(format!("Amazon DNS {this} mirrored, and {that} by the other")));
        }
        let by = |filter: &Filter, rule: Option<usize>| -> (&str, String) {
            let rule = rule.and_then(|rule| filter.rules.get(rule));
            match rule {
                Some(rule) if rule.action == Action::Accept => {
                    ("is mirrored", format!("rule {}", rule.number))
                }
                Some(rule) => ("is not mirrored", format!("rule {}", rule.number)),
                None => ("is not mirrored", "no rule".to_owned()),
            }
        };
        let found = compare_within(self.filter, other, &self.services, &self.budget)
            .map_err(too_complex)?;
        for difference in found.differences {
            let ((is, this), (is_there, that)) =
                (by(self.filter, difference.a), by(other, difference.b));
            let packet = difference.example;
            let message =
                format!("{packet} {is} ({this}), by the other filter it {is_there} ({that})");
            unmet.push(Unmet { message, witness: Some(packet.to_string()) });
        }
        unmet.truncate(MAX_TOLD);
        Ok(unmet)
    }
}

fn too_complex(error: TooComplex) -> Failure {
    Failure::usage(error)
}

/// A verdict as the predicate of a sentence.
fn said(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Mirrored => "is mirrored",
        Verdict::NotMirrored => "is not mirrored",
        Verdict::NeverMirrored => "is never mirrored",
        Verdict::Undecided => "is undecided",
    }
}

/// A flow as an operator says it, as far as it is known.
pub(in crate::filter) fn example(direction: Option<Direction>, flow: &Flow) -> String {
    let ports = match flow.ports {
        Ports::Known { source, destination } => Some((source, destination)),
        Ports::Absent | Ports::Missing(_) => None,
    };
    let Flow { source, destination, protocol, .. } = *flow;
    match (direction, protocol) {
        (Some(direction), Some(protocol)) => {
            Packet { direction, protocol, source, destination, ports }.to_string()
        }
        _ => format!("{source} > {destination}"),
    }
}

/// A verdict in words.
fn words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Mirrored => "mirrored",
        Verdict::NotMirrored => "not mirrored",
        Verdict::NeverMirrored => "never mirrored",
        Verdict::Undecided => "undecided",
    }
}

fn wanted(verdict: Verdict, rule: Option<u32>) -> String {
    let verdict = words(verdict);
    match rule {
        Some(number) => format!("expected {verdict} by rule {number}"),
        None => format!("expected {verdict}"),
    }
}
