//! Values that can't be known, and what each leaves open.
//!
//! What a template or plan leaves to the deployment is no mistake in it, and whether it matters
//! depends on the question: what a filter does doesn't change with the interface that a session
//! mirrors, nor is a packet's session another one for a rule's range. So such a value doesn't make
//! its document unreadable. Whoever asks a question looks here for what the answer rests on, and
//! then it is an error, which names the `--param` to give; what else is open is a warning, or is
//! nobody's business. In no case is something else taken in its place.

use crate::problem::{Place, Problem, Severity};

/// A value that can't be known, where it matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// Where it should stand.
    pub place: Place,
    /// Why it can't be known.
    pub why: String,
    /// The `NAME` of the `--param NAME=VALUE` that would make it known, if there is one.
    pub param: Option<String>,
    /// What isn't known for want of it.
    pub leaves: Open,
}

/// What isn't known for want of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Open {
    /// What the filter of this index in [`Estate::filters`](crate::Estate::filters) does: the value
    /// is one of a rule's, or says whether there is a rule.
    Filter(usize),
    /// What any filter does: there is a rule of which nobody knows the filter.
    AnyFilter,
    /// A field of the session of this index in [`Estate::sessions`](crate::Estate::sessions), which
    /// is there without it.
    Session(usize, Field),
    /// Whether there is a session; none is there.
    SessionItself,
    /// What a target is; it is there without that.
    Target,
    /// The addresses of an interface; it is there without any.
    Interface,
}

/// A field of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// The session number.
    Number,
    /// The VNI.
    Vni,
    /// How much of each packet is mirrored.
    PacketLength,
    /// The source.
    Interface,
    /// The filter.
    Filter,
    /// The target.
    Target,
}

impl Unresolved {
    /// What to say to somebody who can't do without it.
    pub fn error(&self) -> Problem {
        self.problem(Severity::Error, "")
    }

    /// What to say to somebody who goes on without it.
    pub fn warning(&self) -> Problem {
        let without = match self.leaves {
            Open::Filter(_) | Open::AnyFilter => "what the filter does is not known",
            Open::Session(..) => "the session is kept without it",
            Open::SessionItself => "the session is left out",
            Open::Target => "the target is kept without it",
            Open::Interface => "the interface is kept without its addresses",
        };
        self.problem(Severity::Warning, &format!("; {without}"))
    }

    fn problem(&self, severity: Severity, without: &str) -> Problem {
        let Unresolved { place, why, param, .. } = self;
        let give = match param {
            Some(name) => format!("; give --param {name}=VALUE"),
            None => String::new(),
        };
        let message = format!("unresolved: {why}{without}{give}");
        // However many fields wait for it, and however they come to it.
        let cause = param.as_ref().unwrap_or(why);
        let problem = match severity {
            Severity::Error => Problem::error(place.clone(), message),
            Severity::Warning => Problem::warning(place.clone(), message),
        };
        problem.caused_by(cause)
    }
}

/// A value that can't be known, before it is found what that leaves open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Blank {
    /// How many were met before it.
    pub(crate) order: usize,
    pub(crate) place: Place,
    pub(crate) why: String,
    pub(crate) param: Option<String>,
}

impl Blank {
    pub(crate) fn leaves(self, leaves: Open) -> (usize, Unresolved) {
        let Blank { order, place, why, param } = self;
        (order, Unresolved { place, why, param, leaves })
    }
}

/// What reading comes to for somebody who needs all that filters do, and all that could be given.
#[cfg(test)]
pub(crate) fn needing_all(
    read: Result<crate::Estate, crate::Problems>,
) -> Result<crate::Estate, crate::Problems> {
    let estate = read?;
    let is_needed = |one: &&Unresolved| {
        one.param.is_some() || matches!(one.leaves, Open::Filter(_) | Open::AnyFilter)
    };
    let mut problems = crate::Problems::default();
    estate.unresolved.iter().filter(is_needed).for_each(|one| problems.push(one.error()));
    if problems.errors() == 0 {
        return Ok(estate);
    }
    estate.warnings.into_iter().for_each(|warning| problems.push(warning));
    Err(problems)
}

#[cfg(test)]
mod tests;
