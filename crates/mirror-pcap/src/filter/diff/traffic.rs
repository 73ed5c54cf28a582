//! What the difference between two filters comes to on captures.
//!
//! The filters are compared for every packet there can be; which of those there are is another
//! question, and the simulator's. Each packet is judged by both, and is in one of five parts. What
//! one filter alone mirrors is by a pair of rules that disagree about it, or beside them: Amazon DNS,
//! for which a switch decides, and packets that lack what a rule asks for, where the rules come to
//! the same.

use std::collections::{BTreeMap, HashMap};

use mirror_aws::KnownFilter;
use mirror_filter::{Reason, Verdict, analysis::Difference};
use mirror_session::Eni;
use mirror_wire::Direction;
use serde::Serialize;

use crate::{
    cli,
    documents::is_stdin,
    failure::{Failure, printable},
    number::{counted, grouped},
    simulate::{Surveyed, Tally, survey_both},
    table::{Align, Table},
};

/// Packets of some captures, by what would become of them.
#[derive(Serialize)]
pub(super) struct Traffic {
    captures: Vec<String>,
    packets: u64,
    bytes: u64,
    both: Tally,
    neither: Tally,
    gained: Part,
    lost: Part,
    undecided: Part,
    /// Packets that came from a mirror session, and so were filtered already.
    from_sessions: u64,
    /// Of each difference, in its order.
    #[serde(skip)]
    pub(super) pairs: Vec<Tally>,
    /// Where the captures are damaged.
    #[serde(skip)]
    pub(super) damage: String,
}

/// Packets of one kind, with the reasons of those that need one.
#[derive(Default, Serialize)]
struct Part {
    #[serde(flatten)]
    all: Tally,
    /// Of the undecided, why. Of the others, of those that no pair of rules decides.
    reasons: BTreeMap<&'static str, Tally>,
}

impl Part {
    fn add(&mut self, weight: Tally, reason: Option<Reason>) {
        self.all.add(weight);
        if let Some(reason) = reason {
            self.reasons.entry(reason.as_str()).or_default().add(weight);
        }
    }

    fn reasons(&self) -> String {
        let reasons = self.reasons.iter();
        let texts = reasons.map(|(word, tally)| format!("{} {word}", grouped(tally.packets)));
        texts.collect::<Vec<_>>().join(", ")
    }
}

/// The rules that decide a packet, one of each filter; nothing where none matches.
type Pair = (Direction, Option<usize>, Option<usize>);

impl Traffic {
    /// Judge each packet of the captures by both filters.
    pub(super) fn of(
        args: &cli::FilterDiff,
        enis: &[Eni],
        filters: [&KnownFilter; 2],
        differences: &[Difference],
    ) -> Result<Traffic, Failure> {
        let interface = cli::Simulate {
            eni: args.eni.clone(),
            mac: args.mac,
            local: args.local.clone(),
            vpc: args.vpc.clone(),
            no_unwrap: args.no_unwrap,
            quiet: true,
            ..cli::Simulate::default()
        };
        let mut traffic = Traffic {
            captures: Vec::new(),
            packets: 0,
            bytes: 0,
            both: Tally::default(),
            neither: Tally::default(),
            gained: Part::default(),
            lost: Part::default(),
            undecided: Part::default(),
            from_sessions: 0,
            pairs: vec![Tally::default(); differences.len()],
            damage: String::new(),
        };
        let places: HashMap<Pair, usize> =
            differences.iter().map(|one| (one.direction, one.a, one.b)).zip(0..).collect();
        for capture in &args.capture {
            let survey = survey_both(&interface, enis, filters, capture, &mut |a, b| {
                traffic.add(&places, &a, &b);
            })?;
            traffic.from_sessions += survey.filtered;
            traffic.damage += &survey.damage;
            traffic.captures.push(match is_stdin(capture) {
                true => "standard input".to_owned(),
                false => capture.to_string_lossy().into_owned(),
            });
        }
        Ok(traffic)
    }

    fn add(&mut self, places: &HashMap<Pair, usize>, a: &Surveyed<'_>, b: &Surveyed<'_>) {
        let weight = a.weight;
        self.packets += weight.packets;
        self.bytes = self.bytes.saturating_add(weight.bytes);
        let part = match (a.verdict, b.verdict) {
            (Verdict::Undecided, _) => return self.undecided.add(weight, Some(a.reason)),
            (_, Verdict::Undecided) => return self.undecided.add(weight, Some(b.reason)),
            (Verdict::Mirrored, Verdict::Mirrored) => return self.both.add(weight),
            (Verdict::Mirrored, _) => &mut self.lost,
            (_, Verdict::Mirrored) => &mut self.gained,
            _ => return self.neither.add(weight),
        };
        let pair = a.direction.zip(decided(a).zip(decided(b)));
        let place = pair.and_then(|(direction, (a, b))| places.get(&(direction, a, b)));
        match place.and_then(|&place| self.pairs.get_mut(place)) {
            Some(of_pair) => {
                of_pair.add(weight);
                part.add(weight, None);
            }
            None => {
                let beside = [a, b].into_iter().find(|one| decided(one).is_none());
                part.add(weight, Some(beside.unwrap_or(a).reason));
            }
        }
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let names: Vec<String> = self.captures.iter().map(|name| printable(name)).collect();
        let packets = counted(self.packets, "packet", "packets");
        let mut text = format!("{}: {packets} read\n", names.join(", "));
        let (left, right) = (Align::Left, Align::Right);
        let mut table = Table::new([("mirrored", left), ("packets", right), ("bytes", right)]);
        for (what, tally) in [
            ("by both", self.both),
            ("by a alone (lost)", self.lost.all),
            ("by b alone (gained)", self.gained.all),
            ("by neither", self.neither),
            ("undecided", self.undecided.all),
        ] {
            table.push([what.to_owned(), grouped(tally.packets), grouped(tally.bytes)]);
        }
        text += &table.text();
        for (what, part) in [
            ("lost, and not by a pair of rules", &self.lost),
            ("gained, and not by a pair of rules", &self.gained),
            ("undecided", &self.undecided),
        ] {
            if !part.reasons.is_empty() {
                text += &format!("  {what}: {}\n", part.reasons());
            }
        }
        let nowhere = self.undecided.reasons.get(Reason::NeitherEndLocal.as_str());
        if nowhere.is_some_and(|tally| tally.packets > self.packets / 2) {
            text += "  of most packets no end is known to be the interface's: --eni, --mac or \
                     --local say what is\n";
        }
        if self.from_sessions > 0 {
            let packets = counted(self.from_sessions, "packet", "packets");
            text += &format!("  {packets} came from a mirror, whose filter has seen them first\n");
        }
        text
    }
}

/// The rule that decides a packet, or that none matches; nothing if rules are not what decides.
fn decided(one: &Surveyed<'_>) -> Option<Option<usize>> {
    match one.reason {
        Reason::Rule => Some(one.rule),
        Reason::NoRule => Some(None),
        _ => None,
    }
}
