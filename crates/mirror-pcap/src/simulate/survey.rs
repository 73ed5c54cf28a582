//! A capture judged for another command: what the simulator knows of each packet, and no report.

use std::path::Path;

use mirror_aws::{Estate, KnownFilter};
use mirror_filter::{Reason, Verdict};
use mirror_session::{Eni, Picture};
use mirror_wire::{Direction, Flow};

use super::{Simulator, counts::Judged, scene::Scene};
use crate::{cli, failure::Failure, input, rewrite::read};

/// A packet that was judged.
#[derive(Clone, Copy)]
pub(crate) struct Surveyed<'a> {
    pub(crate) verdict: Verdict,
    pub(crate) reason: Reason,
    pub(crate) direction: Option<Direction>,
    pub(crate) flow: Option<&'a Flow>,
}

impl<'a> Surveyed<'a> {
    pub(super) fn of(one: &Judged<'a>) -> Surveyed<'a> {
        Surveyed {
            verdict: one.judgement.verdict,
            reason: one.judgement.reason,
            direction: one.direction,
            flow: one.flow,
        }
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
    let estate = Estate {
        filters: Vec::new(),
        sessions: Vec::new(),
        picture: Picture::new(Vec::new()),
        enis: enis.to_vec(),
        warnings: Vec::new(),
    };
    let scene = Scene::of_filter(args, &estate, filter)?;
    let mut input = input::open(capture)?;
    let mut simulator = Simulator::new(args, &scene, &estate, None);
    simulator.see = Some(see);
    read(&mut input, true, &mut simulator);
    let Simulator { counts, problems, .. } = &simulator;
    let damage = problems.damage_text(&input);
    Ok(Survey { damage, filtered: counts.filtered })
}
