//! Every code that a finding can have: those of the analysis, and those of documents.

use mirror_filter::analysis::{
    Code,
    Severity::{self, Error, Info, Warning},
};

/// A kind of finding.
pub(super) struct Known {
    /// The stable word.
    pub(super) code: &'static str,
    /// How bad it may be, the worst last.
    pub(super) severities: &'static [Severity],
    /// What it means, without its full stop.
    pub(super) sentence: &'static str,
}

/// What documents say of rules and sessions without any analysis.
const OF_DOCUMENTS: [Known; 9] = [
    Known {
        code: "duplicate-number",
        severities: &[Error],
        sentence: "two rules of one direction have the same number",
    },
    Known {
        code: "family-mismatch",
        severities: &[Error],
        sentence: "a rule's ranges are of two IP versions",
    },
    Known {
        code: "host-bits",
        severities: &[Warning],
        sentence: "a range of addresses has bits behind its prefix",
    },
    Known {
        code: "ports-without-protocol",
        severities: &[Warning, Error],
        sentence: "a rule names ports and no protocol that has them; warning if AWS shows it",
    },
    Known {
        code: "session-number",
        severities: &[Warning, Error],
        sentence: "a session's number is none from 1 to 32766, or that of another session of the \
                   interface",
    },
    Known {
        code: "sessions-per-eni",
        severities: &[Error],
        sentence: "AWS takes three sessions of a network interface",
    },
    Known {
        code: "source-is-target",
        severities: &[Error],
        sentence: "AWS takes no session of a network interface that is a target",
    },
    Known {
        code: "sources-per-target",
        severities: &[Info, Error],
        sentence: "AWS takes ten sources of a network interface as target, 100 if its instance is \
                   of the largest size",
    },
    Known {
        code: "unresolved",
        severities: &[Info, Warning],
        sentence: "a value that is not known keeps something from being looked at; info if no \
                   --param can make it known and no filter rests on it",
    },
];

/// All of them, in the order of their words.
pub(super) fn all() -> Vec<Known> {
    let of_analysis = Code::ALL.map(|code| Known {
        code: code.as_str(),
        severities: code.severities(),
        sentence: code.sentence(),
    });
    let mut all: Vec<Known> = of_analysis.into_iter().chain(OF_DOCUMENTS).collect();
    all.sort_by_key(|known| known.code);
    all
}
