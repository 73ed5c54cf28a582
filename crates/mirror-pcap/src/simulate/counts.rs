//! What is counted while packets are judged.
//!
//! The counts close. Each packet read is judged once, or once for each interface that it is of; each
//! judgement has one verdict and one reason; and what the rules, the implicit reject and the
//! services took are parts of the verdicts. [`Counts::judged`] is the one place where they grow.

use std::collections::BTreeMap;

use mirror_filter::{Assumptions, Judgement, Reason, Verdict};
use mirror_wire::{Direction, Flow};
use serde::Serialize;

use super::{
    flow_count::FlowCount,
    rate::Rate,
    scene::{Scene, Session},
};

/// Packets and the bytes of their frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Tally {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Tally) {
        self.packets = self.packets.saturating_add(other.packets);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// A packet that was judged, or a row that stands for several.
pub(super) struct Judged<'a> {
    pub(super) judgement: &'a Judgement,
    /// The interface that it was judged for.
    pub(super) source: Option<usize>,
    pub(super) direction: Option<Direction>,
    pub(super) flow: Option<&'a Flow>,
    pub(super) weight: Tally,
    /// Whether the same packet was judged before, for another interface.
    pub(super) again: bool,
    /// When it was, in nanoseconds since 1970.
    pub(super) time: Option<i128>,
}

/// Everything counted in a run.
pub(super) struct Counts {
    /// Packets read.
    pub(super) read: u64,
    /// Judgements of packets that were judged before.
    pub(super) again: u64,
    pub(super) mirrored: Tally,
    pub(super) not_mirrored: Tally,
    pub(super) never_mirrored: Tally,
    pub(super) undecided: Tally,
    /// By verdict and reason, as they came. A run has few and meets them again and again, so they
    /// are looked through in a row.
    reasons: Vec<((Verdict, Reason), Tally)>,
    /// Of each rule, by its number among all.
    pub(super) rules: Vec<Tally>,
    pub(super) flows: FlowCount,
    pub(super) implicit_ingress: Tally,
    pub(super) implicit_egress: Tally,
    /// By service, mirrored or not.
    pub(super) services: BTreeMap<&'static str, Tally>,
    pub(super) assumptions: Assumptions,
    pub(super) rate: Rate,
    /// Packets that came from a mirror session.
    pub(super) filtered: u64,
}

impl Counts {
    pub(super) fn new(scene: &Scene<'_>) -> Counts {
        let rules = scene.rules();
        Counts {
            read: 0,
            again: 0,
            mirrored: Tally::default(),
            not_mirrored: Tally::default(),
            never_mirrored: Tally::default(),
            undecided: Tally::default(),
            reasons: Vec::new(),
            rules: vec![Tally::default(); rules],
            flows: FlowCount::new(rules),
            implicit_ingress: Tally::default(),
            implicit_egress: Tally::default(),
            services: BTreeMap::new(),
            assumptions: Assumptions::default(),
            rate: Rate::default(),
            filtered: 0,
        }
    }

    /// Count a judgement.
    pub(super) fn judged(&mut self, scene: &Scene<'_>, one: &Judged<'_>) {
        let Judgement { verdict, reason, assumptions, .. } = *one.judgement;
        if one.again {
            self.again = self.again.saturating_add(one.weight.packets);
        }
        self.of_mut(verdict).add(one.weight);
        match self.reasons.iter_mut().find(|(known, _)| *known == (verdict, reason)) {
            Some((_, tally)) => tally.add(one.weight),
            None => self.reasons.push(((verdict, reason), one.weight)),
        }
        self.assumptions.extend(assumptions);
        self.rate.seen(one.time);
        let session = one
            .source
            .zip(one.judgement.session)
            .and_then(|(source, session)| scene.sources.get(source)?.sessions.get(session));
        match (reason, one.direction) {
            (Reason::Rule, _) => {
                let rule = session.zip(one.judgement.rule).map(|(s, rule)| s.first_rule + rule);
                if let Some((rule, tally)) =
                    rule.and_then(|rule| Some((rule, self.rules.get_mut(rule)?)))
                {
                    tally.add(one.weight);
                    if let Some(flow) = one.flow {
                        self.flows.add(rule, flow);
                    }
                }
            }
            (Reason::NoRule, Some(Direction::Ingress)) => self.implicit_ingress.add(one.weight),
            (Reason::NoRule, Some(Direction::Egress)) => self.implicit_egress.add(one.weight),
            (Reason::Service(service), _) => {
                self.services.entry(service.as_str()).or_default().add(one.weight);
            }
            _ => {}
        }
        if verdict == Verdict::Mirrored {
            let limit = session.and_then(Session::limit);
            self.rate.mirrored(one.time, one.weight, limit);
        }
    }

    /// What each reason took of each verdict, by its word.
    pub(super) fn reasons(&self) -> impl Iterator<Item = (Verdict, &'static str, Tally)> {
        self.reasons.iter().map(|((verdict, reason), tally)| (*verdict, reason.as_str(), *tally))
    }

    pub(super) fn of(&self, verdict: Verdict) -> Tally {
        match verdict {
            Verdict::Mirrored => self.mirrored,
            Verdict::NotMirrored => self.not_mirrored,
            Verdict::NeverMirrored => self.never_mirrored,
            Verdict::Undecided => self.undecided,
        }
    }

    fn of_mut(&mut self, verdict: Verdict) -> &mut Tally {
        match verdict {
            Verdict::Mirrored => &mut self.mirrored,
            Verdict::NotMirrored => &mut self.not_mirrored,
            Verdict::NeverMirrored => &mut self.never_mirrored,
            Verdict::Undecided => &mut self.undecided,
        }
    }
}
