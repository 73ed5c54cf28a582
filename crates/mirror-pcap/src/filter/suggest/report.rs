//! What was found, and how far it holds.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

use mirror_filter::{Action, Filter, Rule, Verdict};
use serde::Serialize;

use super::{
    checked::{Checked, CheckedJson},
    unseen::Unseen,
};
use crate::{
    failure::{Exit, printable},
    filter::show::PortsJson,
    number::{counted, grouped},
};

/// Suggested rules and what they do.
pub(super) struct Report<'r> {
    pub(super) filter: &'r Filter,
    pub(super) include: Checked,
    pub(super) exclude: Checked,
    pub(super) unseen: Vec<Unseen>,
    /// Packets of flows beyond those that rules were looked for.
    pub(super) overlooked: u64,
    /// Packets of what is wanted that had been through a mirror's filter.
    pub(super) filtered: u64,
}

impl Report<'_> {
    /// Whether all that is wanted, as far as it can be had, is mirrored, and nothing else of what
    /// was shown.
    fn is_complete(&self) -> bool {
        let Checked { not_mirrored, undecided, .. } = self.include;
        not_mirrored + undecided + self.exclude.mirrored + self.exclude.undecided == 0
    }

    pub(super) fn exit(&self) -> Exit {
        let is_damaged = [&self.include, &self.exclude].iter().any(|one| !one.damage.is_empty());
        match (is_damaged, self.is_complete()) {
            (true, _) => Exit::Damaged,
            (false, true) => Exit::Done,
            (false, false) => Exit::Findings,
        }
    }

    /// The rules, as an operator says them.
    pub(super) fn rules(&self) -> String {
        let mut text = String::new();
        if self.filter.amazon_dns {
            text += "network service amazon-dns\n";
        }
        for rule in &self.filter.rules {
            let _ = writeln!(text, "{rule}");
        }
        if text.is_empty() {
            text += "no rules\n";
        }
        text
    }

    /// What they do with the captures, and with what is in none.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for damage in [&self.include.damage, &self.exclude.damage] {
            for line in damage.lines() {
                let _ = writeln!(text, "{}", printable(line));
            }
        }
        text.push('\n');
        self.side("wanted", &self.include, Verdict::NotMirrored, &mut text);
        self.side("not wanted", &self.exclude, Verdict::Mirrored, &mut text);
        if self.filtered > 0 {
            let packets = counted(self.filtered, "packet", "packets");
            let _ =
                writeln!(text, "  {packets} came from a mirror, whose filter has seen them first");
        }
        if self.overlooked > 0 {
            let packets = counted(self.overlooked, "packet is", "packets are");
            let _ =
                writeln!(text, "  {packets} of flows beyond the 65,536 that rules were made for");
        }
        if !self.unseen.is_empty() {
            text += "also mirrored, though not shown:\n";
        }
        for one in &self.unseen {
            let _ = writeln!(text, "  {} {}: {}", one.direction, one.rule, one.text);
            match &one.witness {
                Some(witness) => {
                    let _ = writeln!(text, "    such as {witness}");
                }
                None => text += "    nothing else was found\n",
            }
        }
        if self.filter.amazon_dns {
            text += "  all Amazon DNS, which one switch decides\n";
        }
        text
    }

    /// One side of the captures, and what of it should not be so.
    fn side(&self, what: &str, checked: &Checked, wrong: Verdict, text: &mut String) {
        if checked.packets == 0 {
            let _ = writeln!(text, "{what}: no packets");
            return;
        }
        let of = counted(checked.packets, "packet", "packets");
        let _ = writeln!(text, "{what}: {} of {of} mirrored", grouped(checked.mirrored));
        for ((verdict, reason), packets) in &checked.reasons {
            let is_wrong = *verdict == wrong || *verdict == Verdict::Undecided;
            let is_told =
                is_wrong || *verdict == Verdict::NeverMirrored && wrong == Verdict::NotMirrored;
            if is_told {
                let verdict = verdict.as_str().replace('_', " ");
                let packets = grouped(*packets);
                let hint = match *reason {
                    "neither-end-local" | "both-ends-local" => {
                        ": --eni, --mac or --local say what is the interface's own"
                    }
                    _ => "",
                };
                let _ = writeln!(text, "  {packets} {verdict} ({reason}){hint}");
            }
        }
        let flows = [wrong, Verdict::Undecided].into_iter().flat_map(|one| checked.named(one));
        for flow in flows {
            let _ = writeln!(text, "    {flow}");
        }
    }

    /// The same on standard error, beside a document.
    pub(super) fn tell(&self) {
        // Nobody is left to hear that stderr is gone.
        let _ = io::stderr().write_all(self.text().trim_start().as_bytes());
    }

    pub(super) fn json(&self) -> Json<'_> {
        Json {
            schema: "mirror-pcap/filter-suggest/1",
            complete: self.is_complete(),
            amazon_dns: self.filter.amazon_dns,
            rules: self.filter.rules.iter().map(RuleJson::new).collect(),
            include: self.include.json(&[Verdict::NotMirrored, Verdict::Undecided]),
            exclude: self.exclude.json(&[Verdict::Mirrored]),
            unseen: &self.unseen,
            overlooked: self.overlooked,
            filtered: self.filtered,
        }
    }
}

/// The report as JSON.
#[derive(Serialize)]
pub(super) struct Json<'a> {
    schema: &'static str,
    complete: bool,
    amazon_dns: bool,
    rules: Vec<RuleJson>,
    include: CheckedJson<'a>,
    exclude: CheckedJson<'a>,
    unseen: &'a [Unseen],
    overlooked: u64,
    filtered: u64,
}

#[derive(Serialize)]
struct RuleJson {
    direction: &'static str,
    number: u32,
    action: &'static str,
    protocol: Option<u8>,
    source: String,
    destination: String,
    source_ports: Option<PortsJson>,
    destination_ports: Option<PortsJson>,
}

impl RuleJson {
    fn new(rule: &Rule) -> RuleJson {
        let action: Action = rule.action;
        RuleJson {
            direction: rule.direction.as_str(),
            number: rule.number,
            action: action.as_str(),
            protocol: rule.protocol,
            source: rule.source.to_string(),
            destination: rule.destination.to_string(),
            source_ports: rule.source_ports.map(PortsJson::of),
            destination_ports: rule.destination_ports.map(PortsJson::of),
        }
    }
}
