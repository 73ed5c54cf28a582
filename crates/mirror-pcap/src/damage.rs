//! The broken places of one capture, counted all and told one by one as long as someone reads them.

use pcapng_blocks::{Compression, Damage, Problem};
use serde::Serialize;

use crate::{
    failure::{printable, without_numbers},
    number::counted,
};

/// Broken places told one by one.
const MAX_TOLD: usize = 10;

/// What is broken in a capture.
#[derive(Debug, Default)]
pub(crate) struct DamageLog {
    first: Vec<Place>,
    total: u64,
}

/// A broken place, as it stands in JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Place {
    offset: u64,
    problem: String,
    passed_to: Option<u64>,
    ended: bool,
    /// Whether it is plain from the problem that reading ended there.
    #[serde(skip)]
    is_end: bool,
}

impl Place {
    /// What became of the rest, for people.
    fn behind(&self) -> String {
        match self.passed_to {
            Some(to) => format!("; passed over up to byte {to}, and the packets in it are lost"),
            None if self.ended && !self.is_end => {
                "; nothing behind it can be read, and the packets in it are lost".to_owned()
            }
            None => String::new(),
        }
    }
}

impl DamageLog {
    pub(crate) fn add(&mut self, damage: &Damage) {
        self.total += 1;
        if self.first.len() < MAX_TOLD {
            let problem = printable(&without_numbers(&damage.problem.to_string()));
            self.first.push(Place {
                offset: damage.offset,
                problem,
                passed_to: damage.passed_to,
                ended: damage.fatal,
                is_end: matches!(damage.problem, Problem::Cut { .. } | Problem::Read(_)),
            });
        }
    }

    /// How many places there are.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// The first of them.
    pub(crate) fn first(&self) -> &[Place] {
        &self.first
    }

    /// A line for each place, as far as they are told, and one for the others.
    pub(crate) fn text(&self, name: &str, compression: Compression) -> String {
        let name = printable(name);
        let of = if compression == Compression::None { "" } else { " of the decompressed capture" };
        let mut text = String::new();
        for place in &self.first {
            let (Place { offset, problem, .. }, behind) = (place, place.behind());
            text += &format!("mirror-pcap: {name}: byte {offset}{of}: {problem}{behind}\n");
        }
        let more = self.total - self.first.len() as u64;
        if more > 0 {
            let more = counted(more, "more problem", "more problems");
            text += &format!("mirror-pcap: {name}: and {more}\n");
        }
        text
    }

    /// What is wrong, as far as it is told.
    #[cfg(test)]
    pub(crate) fn problems(&self) -> Vec<&str> {
        self.first.iter().map(|place| place.problem.as_str()).collect()
    }
}
