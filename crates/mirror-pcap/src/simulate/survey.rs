//! A capture judged for another command: what the simulator knows of each packet, and no report.

use std::{cell::RefCell, collections::BTreeSet, path::Path};

use mirror_aws::{Estate, KnownFilter};
use mirror_filter::{Reason, Verdict};
use mirror_session::{Eni, Picture};
use mirror_wire::{Direction, Flow};
use pcapng_blocks::Event;

use super::{
    Simulator,
    counts::{Judged, Tally},
    scene::Scene,
};
use crate::{
    cli,
    failure::Failure,
    input::{self, Input},
    rewrite::{Rewriter, read},
};

/// A packet that was judged.
#[derive(Clone, Copy)]
pub(crate) struct Surveyed<'a> {
    pub(crate) verdict: Verdict,
    pub(crate) reason: Reason,
    pub(crate) direction: Option<Direction>,
    pub(crate) flow: Option<&'a Flow>,
    /// The rule that decides, by its index in the filter.
    pub(crate) rule: Option<usize>,
    /// The packet and the bytes of its frame.
    pub(crate) weight: Tally,
}

impl<'a> Surveyed<'a> {
    pub(super) fn of(one: &Judged<'a>) -> Surveyed<'a> {
        Surveyed {
            verdict: one.judgement.verdict,
            reason: one.judgement.reason,
            direction: one.direction,
            flow: one.flow,
            rule: one.judgement.rule,
            weight: one.weight,
        }
    }

    /// What is left when the next packet is read.
    fn without_flow(self) -> Surveyed<'static> {
        let Surveyed { verdict, reason, direction, rule, weight, .. } = self;
        Surveyed { verdict, reason, direction, flow: None, rule, weight }
    }
}

/// What a capture was like.
pub(crate) struct Survey {
    /// Where it is damaged, for people; empty if it isn't.
    pub(crate) damage: String,
    /// Packets that came from a mirror session, and so were filtered already.
    pub(crate) filtered: u64,
}

/// Judge each packet of a capture by one filter for one interface, and show it to `see`. Of the
/// arguments, those count that say which interface this is; `enis` are those it may name.
///
/// Which session a wrapped packet came from is of no interest: the question is what the filter
/// would do.
pub(crate) fn survey(
    args: &cli::Simulate,
    enis: &[Eni],
    filter: &KnownFilter,
    capture: &Path,
    see: &mut dyn FnMut(Surveyed<'_>),
) -> Result<Survey, Failure> {
    let estate = without_sessions(enis);
    let scene = Scene::of_filter(args, &estate, filter)?;
    let mut input = input::open(capture)?;
    let mut simulator = Simulator::new(args, &scene, &estate, None);
    simulator.see = Some(see);
    read(&mut input, true, &mut simulator);
    Ok(simulator.survey(&input))
}

/// Judge each packet of a capture by two filters, and show both judgements to `see`, without a flow.
/// For the rest this is [`survey`].
pub(crate) fn survey_both(
    args: &cli::Simulate,
    enis: &[Eni],
    filters: [&KnownFilter; 2],
    capture: &Path,
    see: &mut dyn FnMut(Surveyed<'_>, Surveyed<'_>),
) -> Result<Survey, Failure> {
    let estate = without_sessions(enis);
    let [a, b] = filters;
    let scenes = [Scene::of_filter(args, &estate, a)?, Scene::of_filter(args, &estate, b)?];
    let [scene_a, scene_b] = &scenes;
    let judged: Pending = [RefCell::default(), RefCell::default()];
    let [judged_a, judged_b] = &judged;
    let mut keep_a = |one: Surveyed<'_>| judged_a.borrow_mut().push(one.without_flow());
    let mut keep_b = |one: Surveyed<'_>| judged_b.borrow_mut().push(one.without_flow());
    let mut both = Both {
        a: Simulator::new(args, scene_a, &estate, None),
        b: Simulator::new(args, scene_b, &estate, None),
        judged: &judged,
        see,
    };
    both.a.see = Some(&mut keep_a);
    both.b.see = Some(&mut keep_b);
    let mut input = input::open(capture)?;
    read(&mut input, true, &mut both);
    Ok(both.a.survey(&input))
}

/// The interfaces that documents describe, themselves or in their sessions.
pub(crate) fn interfaces(estate: &Estate) -> impl Iterator<Item = Eni> {
    let of_sessions = estate.picture.sessions().iter().filter_map(|one| one.eni.as_ref());
    estate.enis.iter().chain(of_sessions).cloned()
}

fn without_sessions(enis: &[Eni]) -> Estate {
    Estate {
        filters: Vec::new(),
        sessions: Vec::new(),
        picture: Picture::new(Vec::new()),
        enis: enis.to_vec(),
        sinks: BTreeSet::new(),
        unresolved: Vec::new(),
        warnings: Vec::new(),
    }
}

/// What each of two simulators said of the packet that was shown last.
type Pending = [RefCell<Vec<Surveyed<'static>>>; 2];

/// Two simulators that are shown the same. Where a packet was and which way it went does not depend
/// on the filter, so their judgements come in pairs.
struct Both<'s> {
    a: Simulator<'s>,
    b: Simulator<'s>,
    judged: &'s Pending,
    see: &'s mut dyn FnMut(Surveyed<'_>, Surveyed<'_>),
}

impl Rewriter for Both<'_> {
    fn take(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        self.a.take(event, out);
        self.b.take(event, out);
        let [a, b] = self.judged;
        for (a, b) in a.borrow_mut().drain(..).zip(b.borrow_mut().drain(..)) {
            (self.see)(a, b);
        }
    }
}

impl Simulator<'_> {
    fn survey(&self, input: &Input) -> Survey {
        let damage = self.problems.damage_text(input);
        Survey { damage, filtered: self.counts.filtered }
    }
}
