//! What the simulator says of captures under the suggested rules.

use std::{collections::BTreeMap, path::PathBuf};

use mirror_aws::KnownFilter;
use mirror_filter::Verdict;
use serde::Serialize;

use super::Watch;
use crate::{failure::Failure, filter::test::example, simulate::Surveyed};

/// Flows that are named where something is left.
const MAX_NAMED: usize = 5;

/// Packets by what would become of them.
#[derive(Default)]
pub(super) struct Checked {
    pub(super) packets: u64,
    pub(super) mirrored: u64,
    pub(super) not_mirrored: u64,
    pub(super) never_mirrored: u64,
    pub(super) undecided: u64,
    /// By verdict and reason.
    pub(super) reasons: BTreeMap<(Verdict, &'static str), u64>,
    /// Some flows of each verdict.
    named: BTreeMap<Verdict, Vec<String>>,
    /// Where the captures are damaged.
    pub(super) damage: String,
}

/// The same for scripts.
#[derive(Serialize)]
pub(super) struct CheckedJson<'a> {
    packets: u64,
    mirrored: u64,
    not_mirrored: u64,
    never_mirrored: u64,
    undecided: u64,
    reasons: BTreeMap<&'static str, u64>,
    examples: Vec<&'a str>,
}

impl Checked {
    pub(super) fn of(
        watch: &Watch,
        filter: &KnownFilter,
        captures: &[PathBuf],
    ) -> Result<Checked, Failure> {
        let mut checked = Checked::default();
        for capture in captures {
            let survey = watch.survey(filter, capture, &mut |one| checked.add(&one))?;
            checked.damage += &survey.damage;
        }
        Ok(checked)
    }

    fn add(&mut self, one: &Surveyed<'_>) {
        self.packets += 1;
        *match one.verdict {
            Verdict::Mirrored => &mut self.mirrored,
            Verdict::NotMirrored => &mut self.not_mirrored,
            Verdict::NeverMirrored => &mut self.never_mirrored,
            Verdict::Undecided => &mut self.undecided,
        } += 1;
        *self.reasons.entry((one.verdict, one.reason.as_str())).or_default() += 1;
        let named = self.named.entry(one.verdict).or_default();
        if let Some(flow) = one.flow.filter(|_| named.len() < MAX_NAMED) {
            let text = example(one.direction, flow);
            if !named.contains(&text) {
                named.push(text);
            }
        }
    }

    /// Some flows with this verdict.
    pub(super) fn named(&self, verdict: Verdict) -> &[String] {
        self.named.get(&verdict).map(Vec::as_slice).unwrap_or_default()
    }

    /// As JSON, with examples of the verdicts that there should be none of.
    pub(super) fn json(&self, unwanted: &[Verdict]) -> CheckedJson<'_> {
        let examples = unwanted.iter().flat_map(|verdict| self.named(*verdict));
        let mut reasons = BTreeMap::new();
        for ((_, reason), packets) in &self.reasons {
            *reasons.entry(*reason).or_default() += packets;
        }
        CheckedJson {
            packets: self.packets,
            mirrored: self.mirrored,
            not_mirrored: self.not_mirrored,
            never_mirrored: self.never_mirrored,
            undecided: self.undecided,
            reasons,
            examples: examples.map(String::as_str).collect(),
        }
    }
}
