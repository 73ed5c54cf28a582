//! What is wrong with a filter, exactly.
//!
//! Every finding is true of the filter as it stands, and where it is about packets it shows one.
//! Verdicts are about all rules together: a rule that three others cover is shadowed though none of
//! them covers it alone. Pairs of rules are looked at only to explain.
//!
//! What is said to be mirrored or not is so with network services too, which no rule decides: a rule
//! that makes a difference for their packets only is redundant. Only that a rule is shadowed is said
//! of rules as such, and holds for those packets as well.
//!
//! What people mean is no finding. A reject in front of a wider accept is what rejects are for, and
//! a reject of everything behind all other rules is AWS's own default, written out.
//!
//! A finding has a [`Code`], which scripts may rely on, and a message for people. It speaks of
//! rules; where they stand in which document is for others to know.

mod answers;
mod coverage;
mod merge;
mod redundant;
mod shadow;

use std::fmt;
use std::net::IpAddr;

use mirror_wire::Direction;

use super::cube::Family;
use super::diagram::{Budget, TooComplex};
use super::space::Space;
use crate::{Action, Cidr, Filter, Packet, PortRange, Services};

/// The most rules that a filter of AWS has.
//= https://docs.aws.amazon.com/vpc/latest/mirroring/traffic-mirroring-quotas.html
//# Rules per filter: 10
const QUOTA: usize = 10;

/// What is known around a filter.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The ranges of the VPC, which tell where its DNS server is.
    pub vpcs: Vec<Cidr>,
    /// The addresses of mirror targets. None: they are not known.
    pub targets: Vec<IpAddr>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Most likely not what was meant.
    Warning,
    /// Can't be what was meant, or AWS would refuse it.
    Error,
}

impl Severity {
    /// `info`, `warning` or `error`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Code {
    /// More rules than a filter has.
    Quota,
    /// Nothing of a direction is mirrored.
    DirectionEmpty,
    /// No packet can match the rule.
    Unmatchable,
    /// Rules before it take all packets that the rule could match.
    Shadowed,
    /// Rules before it that do the opposite take some of its packets, and not as an exception.
    PartlyShadowed,
    /// Without the rule the filter does the same.
    Redundant,
    /// Two rules can be written as one.
    Mergeable,
    /// It mirrors packets whose answers are not mirrored.
    NoReturn,
    /// Both directions name the same port as destination, or as source.
    AsymPorts,
    /// It mirrors all of one family and nothing of the other.
    NoV6Twin,
    /// It mirrors everything but Amazon DNS.
    NoAmazonDns,
    /// It mirrors mirrored packets.
    MirrorsMirror,
    /// It accepts what is never mirrored.
    MirrorsControl,
}

impl Code {
    /// All of them.
    pub const ALL: [Code; 13] = [
        Code::Quota,
        Code::DirectionEmpty,
        Code::Unmatchable,
        Code::Shadowed,
        Code::PartlyShadowed,
        Code::Redundant,
        Code::Mergeable,
        Code::NoReturn,
        Code::AsymPorts,
        Code::NoV6Twin,
        Code::NoAmazonDns,
        Code::MirrorsMirror,
        Code::MirrorsControl,
    ];

    /// The stable word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Code::Quota => "quota",
            Code::DirectionEmpty => "direction-empty",
            Code::Unmatchable => "unmatchable",
            Code::Shadowed => "shadowed",
            Code::PartlyShadowed => "partly-shadowed",
            Code::Redundant => "redundant",
            Code::Mergeable => "mergeable",
            Code::NoReturn => "no-return",
            Code::AsymPorts => "asym-ports",
            Code::NoV6Twin => "no-v6-twin",
            Code::NoAmazonDns => "no-amazon-dns",
            Code::MirrorsMirror => "mirrors-mirror",
            Code::MirrorsControl => "mirrors-control",
        }
    }

    /// How bad it is; where there are two answers, the worse one is the second, and each finding
    /// says which of them it is.
    pub const fn severities(self) -> &'static [Severity] {
        use Severity::{Error, Info, Warning};
        match self {
            Code::Unmatchable => &[Error],
            Code::Shadowed => &[Warning, Error],
            Code::MirrorsMirror | Code::DirectionEmpty => &[Info, Warning],
            Code::Quota | Code::Redundant | Code::NoReturn | Code::AsymPorts => &[Warning],
            Code::PartlyShadowed
            | Code::Mergeable
            | Code::NoV6Twin
            | Code::NoAmazonDns
            | Code::MirrorsControl => &[Info],
        }
    }

    /// What it means, as a sentence without its full stop.
    pub const fn sentence(self) -> &'static str {
        match self {
            Code::Quota => "AWS takes ten rules in a filter, both directions together",
            Code::DirectionEmpty => {
                "nothing of a direction is mirrored; info if a rule says so, by rejecting all of it"
            }
            Code::Unmatchable => "no packet can match the rule",
            Code::Shadowed => "rules before it take all packets that the rule could match",
            Code::PartlyShadowed => {
                "accepts before it take some of what the rule rejects, or a reject takes some of \
                 the ports that it accepts and is not within them"
            }
            Code::Redundant => "without the rule the filter does the same",
            Code::Mergeable => "two rules can be written as one",
            Code::NoReturn => "packets are mirrored whose answers are not",
            Code::AsymPorts => {
                "both directions name the same port at the same end, where an answer has it at the \
                 other"
            }
            Code::NoV6Twin => "all of one IP version is mirrored and nothing of the other",
            Code::NoAmazonDns => "everything is mirrored but Amazon DNS, which has a switch",
            Code::MirrorsMirror => {
                "a rule names the port to which mirrors send, so that packets are wrapped twice; \
                 warning if it sends them to a known target"
            }
            Code::MirrorsControl => "the rule accepts, and names, what is never mirrored",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Something that is wrong with a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// In which direction; nothing if it is about the filter.
    pub direction: Option<Direction>,
    /// The index of the rule that it is about; nothing if it is about none in particular.
    pub rule: Option<usize>,
    /// The indices of the other rules that take part in it.
    pub by: Vec<usize>,
    /// What is wrong, in words: one line, no full stop, without the rule's number.
    pub message: String,
    /// A packet that shows it.
    pub witness: Option<Packet>,
}

/// All that is wrong with a filter, in the order of its rules; what is about no rule comes first.
pub fn lint(filter: &Filter, around: &Surroundings) -> Result<Vec<Finding>, TooComplex> {
    lint_within(filter, around, &Budget::default())
}

/// The same of one of several filters, which share a budget.
pub fn lint_within(
    filter: &Filter,
    around: &Surroundings,
    budget: &Budget,
) -> Result<Vec<Finding>, TooComplex> {
    let services = Services::new(&around.vpcs);
    let findings = Vec::new();
    let mut lint = Lint { filter, around, services: &services, budget, findings };
    lint.quota();
    lint.unmatchable();
    let mut spaces = Vec::new();
    for direction in [Direction::Ingress, Direction::Egress] {
        for family in Family::BOTH {
            let mut space = Space::new(filter, direction, family, &services, budget)?;
            let dead = lint.shadowed(&mut space)?;
            lint.redundant(&mut space, &dead)?;
            lint.mergeable(&mut space, &dead)?;
            spaces.push(space);
        }
    }
    let empty = lint.coverage(&mut spaces)?;
    lint.answers(&mut spaces, &empty)?;
    let mut findings = lint.findings;
    let number = |finding: &Finding| Some(filter.rules.get(finding.rule?)?.number);
    findings.sort_by_key(|one| (one.direction, number(one), one.rule, one.code));
    Ok(findings)
}

/// A filter that is being looked at.
struct Lint<'f> {
    filter: &'f Filter,
    around: &'f Surroundings,
    services: &'f Services,
    budget: &'f Budget,
    findings: Vec<Finding>,
}

impl Lint<'_> {
    /// Note something about a rule.
    fn note(
        &mut self,
        code: Code,
        severity: Severity,
        rule: usize,
        by: Vec<usize>,
        message: String,
        witness: Option<Packet>,
    ) {
        let direction = self.filter.rules.get(rule).map(|rule| rule.direction);
        let rule = Some(rule);
        self.findings.push(Finding { code, severity, direction, rule, by, message, witness });
    }

    /// Note something about the filter, or a direction of it.
    fn note_whole(
        &mut self,
        code: Code,
        severity: Severity,
        direction: Option<Direction>,
        by: Vec<usize>,
        message: String,
        witness: Option<Packet>,
    ) {
        self.findings.push(Finding { code, severity, direction, rule: None, by, message, witness });
    }

    /// Rules of both directions by number: `ingress rules 10 and 20 (accept), egress rule 10 (accept)`.
    fn named_by_direction(&self, rules: &[usize]) -> String {
        let of = |direction: Direction| {
            let is = |at: &&usize| {
                self.filter.rules.get(**at).is_some_and(|rule| rule.direction == direction)
            };
            let own: Vec<usize> = rules.iter().filter(is).copied().collect();
            (!own.is_empty()).then(|| format!("{direction} {}", self.named(&own)))
        };
        let both = [Direction::Ingress, Direction::Egress].into_iter().filter_map(of);
        both.collect::<Vec<_>>().join(", ")
    }

    /// Rules by number, with what they do: `rule 10 (reject)`, `rules 10 and 20 (reject)`.
    fn named(&self, rules: &[usize]) -> String {
        /// Rules that a message lists. Scripts get them all.
        const MOST: usize = 5;
        let found: Vec<(u32, Action)> = rules
            .iter()
            .filter_map(|&at| self.filter.rules.get(at))
            .map(|rule| (rule.number, rule.action))
            .collect();
        let same = found.iter().all(|one| Some(one.1) == found.first().map(|first| first.1));
        let mut names: Vec<String> = found
            .iter()
            .take(MOST)
            .map(
                |(number, action)| {
                    if same { number.to_string() } else { format!("{number} ({action})") }
                },
            )
            .collect();
        if let Some(more) = found.len().checked_sub(MOST).filter(|&more| more > 0) {
            names.push(format!("{more} more"));
        }
        let last = names.pop().unwrap_or_default();
        let list = match names.as_slice() {
            [] => format!("rule {last}"),
            names => format!("rules {} and {last}", names.join(", ")),
        };
        match found.first() {
            Some((_, action)) if same => format!("{list} ({action})"),
            _ => list,
        }
    }

    fn quota(&mut self) {
        let found = self.filter.rules.len();
        if found > QUOTA {
            let message = format!(
                "found {found} rules, and AWS takes {QUOTA} in a filter, both directions together"
            );
            self.note_whole(Code::Quota, Severity::Warning, None, Vec::new(), message, None);
        }
    }

    /// Rules that no packet can match, whatever the others say.
    fn unmatchable(&mut self) {
        for (at, rule) in self.filter.rules.iter().enumerate() {
            if !super::cube::Cube::of_rule(rule).is_empty() {
                continue;
            }
            let message =
                if Family::of(rule.source.address()) == Family::of(rule.destination.address()) {
                    "no packet matches: only TCP (6) and UDP (17) have ports".to_owned()
                } else {
                    "no packet matches: its ranges are of IPv4 and of IPv6".to_owned()
                };
            self.note(Code::Unmatchable, Severity::Error, at, Vec::new(), message, None);
        }
    }
}

/// Whether a rule names ports. A range of those that clients draw from names none: it says what is
/// at the other end. They differ from system to system, and these are in all of their ranges.
//= https://www.rfc-editor.org/rfc/rfc6335#section-6
//# the Dynamic Ports, also known as the Private or Ephemeral Ports, from 49152-65535
fn named(ports: Option<PortRange>) -> Option<PortRange> {
    /// The last that Linux draws.
    const LAST: u16 = 60_999;
    ports.filter(|ports| !(ports.contains(49_152) && ports.contains(LAST)))
}

#[cfg(test)]
mod tests;
