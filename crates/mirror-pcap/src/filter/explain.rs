//! `filter explain`: what becomes of one packet, and why.

use std::fmt::Write;

use anyhow::anyhow;
use mirror_aws::KnownFilter;
use mirror_filter::{Fit, Judgement, Packet, Reason, Services, Tried, Verdict, explain, judge};
use mirror_wire::{Ports, Seen};
use serde::Serialize;

use super::json::{self, Location};
use crate::{
    cli::{self, TextOrJson},
    documents::{Source, called},
    failure::{Exit, Failure},
};

/// Run the command.
pub(super) fn run(args: &cli::FilterExplain) -> Result<Exit, Failure> {
    let source = Source::read(&args.source)?;
    let one = source.one()?;
    let compiled = one.filter.compile().map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        Failure::input(source.name(), anyhow!(faults.join("; ")))
    })?;
    let packet = &args.flow;
    let flow = packet.flow();
    let seen = Seen {
        flow,
        fragment: matches!(flow.ports, Ports::Missing(_)),
        extensions: false,
        icmp_type: None,
    };
    let services = Services::new(&args.vpc);
    let judgement = judge(&services, &[compiled], Ok(&seen), Ok(packet.direction));
    let story = Story { one, packet, judgement, tried: explain(&one.filter, packet) };
    match args.format {
        TextOrJson::Text => {
            let text = story.text();
            crate::print(|out| {
                out.extend_from_slice(text.as_bytes());
                Ok(())
            })
        }
        TextOrJson::Json => json::print(&story.json()),
    }
}

struct Story<'s> {
    one: &'s KnownFilter,
    packet: &'s Packet,
    judgement: Judgement,
    tried: Vec<Tried>,
}

impl Story<'_> {
    /// The place among those tried of the rule that decides: behind it, none is asked.
    fn deciding(&self) -> Option<usize> {
        self.tried.iter().position(|tried| tried.fit == Fit::Matches)
    }

    /// The next that would match, if one rule decides: without it, that one would.
    fn next(&self) -> Option<&Tried> {
        if self.judgement.reason != Reason::Rule {
            return None;
        }
        let behind = self.tried.iter().skip(self.deciding()? + 1);
        behind.into_iter().find(|tried| tried.fit == Fit::Matches)
    }

    /// The rules that are asked.
    fn asked(&self) -> impl Iterator<Item = &Tried> {
        let count = match self.judgement.reason {
            // It is decided before any rule is.
            Reason::Service(_) => 0,
            _ => self.deciding().map_or(self.tried.len(), |at| at + 1),
        };
        self.tried.iter().take(count)
    }

    fn number(&self, rule: usize) -> u32 {
        self.one.filter.rules.get(rule).map_or(0, |rule| rule.number)
    }

    fn text(&self) -> String {
        let verdict = match self.judgement.verdict {
            Verdict::Mirrored => "mirrored",
            Verdict::NotMirrored => "not mirrored",
            Verdict::NeverMirrored => "never mirrored",
            Verdict::Undecided => "undecided",
        };
        let why = match (self.judgement.reason, self.judgement.rule) {
            (Reason::Rule, Some(rule)) => format!("by rule {}", self.number(rule)),
            (Reason::NoRule, _) => format!("no {} rule matches", self.packet.direction),
            (Reason::RulesAgree, _) => "whatever its ports are".to_owned(),
            (Reason::LaterFragment, Some(rule)) => {
                format!("rule {} asks for ports, which a later fragment lacks", self.number(rule))
            }
            (Reason::Service(service), _) => {
                let switch = match self.judgement.verdict {
                    Verdict::Mirrored => "the filter mirrors",
                    _ => "rules do not judge",
                };
                format!("{switch} {service}")
            }
            (reason, _) => reason.to_string(),
        };
        let mut text = format!("{}\n  {}: {verdict}, {why}\n", self.packet, called(self.one));
        let rows: Vec<(String, String)> = self
            .asked()
            .filter_map(|tried| {
                let rule = self.one.filter.rules.get(tried.rule)?;
                Some((rule.to_string(), said(&tried.fit)))
            })
            .collect();
        let wide = rows.iter().map(|(rule, _)| rule.len()).max().unwrap_or_default();
        for (rule, said) in rows {
            // Writing to a String can't fail.
            let _ = writeln!(text, "  {rule:wide$}  {said}");
        }
        if self.judgement.reason == Reason::Rule {
            let without = match self.next().and_then(|next| self.one.filter.rules.get(next.rule)) {
                Some(rule) => format!("{rule} would match"),
                None => "no rule would match: not mirrored".to_owned(),
            };
            let _ = writeln!(text, "  without it {without}");
        }
        for one in self.judgement.assumptions.iter() {
            let _ = writeln!(text, "  assumed: {}", one.sentence());
        }
        text
    }

    fn json(&self) -> Json<'_> {
        let Judgement { verdict, reason, rule, assumptions, .. } = self.judgement;
        Json {
            schema: "mirror-pcap/explain/1",
            flow: self.packet.to_string(),
            verdict: verdict.as_str(),
            reason: reason.as_str(),
            rule: rule.map(|rule| self.number(rule)),
            tried: self.asked().map(|tried| self.step(tried)).collect(),
            next: self.next().map(|next| self.number(next.rule)),
            assumptions: assumptions.iter().map(mirror_filter::Assumption::as_str).collect(),
        }
    }

    fn step(&self, tried: &Tried) -> Step<'_> {
        let (matches, field) = match tried.fit {
            Fit::Matches => (Some(true), None),
            Fit::Fails(why) => (Some(false), Some(why.field())),
            Fit::Unknown { field, .. } => (None, Some(field)),
        };
        Step {
            rule: self.number(tried.rule),
            action: self.one.filter.rules.get(tried.rule).map_or("", |rule| rule.action.as_str()),
            matches,
            field,
            message: said(&tried.fit),
            location: Location::new(self.one.rules.get(tried.rule).unwrap_or(&self.one.place)),
        }
    }
}

/// What came of holding the packet against a rule.
fn said(fit: &Fit) -> String {
    match fit {
        Fit::Matches => "matches".to_owned(),
        Fit::Fails(why) => why.to_string(),
        Fit::Unknown { field, wanted } => format!("asks for {field} {wanted}, which is missing"),
    }
}

#[derive(Serialize)]
struct Json<'a> {
    schema: &'static str,
    flow: String,
    verdict: &'static str,
    reason: &'static str,
    rule: Option<u32>,
    tried: Vec<Step<'a>>,
    next: Option<u32>,
    assumptions: Vec<&'static str>,
}

#[derive(Serialize)]
struct Step<'a> {
    rule: u32,
    action: &'static str,
    matches: Option<bool>,
    field: Option<&'static str>,
    message: String,
    location: Location<'a>,
}
