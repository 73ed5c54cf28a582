//! The two ways that a mirrored packet can have gone.
//!
//! Sessions, filter rules and reports all speak of direction, and all of them mean the same thing:
//! what the source ENI saw, not what the mirror target sees, where every packet comes in. It isn't
//! in the wrapper, so nothing in this crate finds it out; the word is here because it is the one
//! that the crates above must share.

use core::{error, fmt, str::FromStr};

/// Which way a packet went, seen from the source ENI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// The source ENI received it.
    Ingress,
    /// The source ENI sent it.
    Egress,
}

impl Direction {
    /// `ingress` or `egress`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Direction::Ingress => "ingress",
            Direction::Egress => "egress",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Direction {
    type Err = UnknownDirection;

    /// Exactly `ingress` or `egress`, in lower case.
    fn from_str(text: &str) -> Result<Direction, UnknownDirection> {
        match text {
            "ingress" => Ok(Direction::Ingress),
            "egress" => Ok(Direction::Egress),
            _ => Err(UnknownDirection),
        }
    }
}

/// A text is neither `ingress` nor `egress`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownDirection;

impl fmt::Display for UnknownDirection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("direction is neither ingress nor egress")
    }
}

impl error::Error for UnknownDirection {}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::{format, string::ToString};

    use super::*;

    #[test]
    fn the_names_are_read_as_they_are_written_and_no_other_way() {
        for direction in [Direction::Ingress, Direction::Egress] {
            assert_eq!(direction.to_string().parse(), Ok(direction));
        }
        for text in ["", "Ingress", "EGRESS", "in", "egress "] {
            assert_eq!(text.parse::<Direction>(), Err(UnknownDirection), "{text:?}");
        }
    }

    #[test]
    fn a_table_can_pad_them() {
        assert_eq!(format!("{:8}|", Direction::Egress), "egress  |");
    }
}
