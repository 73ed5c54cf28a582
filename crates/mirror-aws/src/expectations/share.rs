//! How many packets of a capture: `100%`, `>= 95%`, `0`, `<= 12`.

use std::fmt;
use std::str::FromStr;

use mirror_filter::Verdict;

use super::VERDICTS;
use crate::at::At;
use crate::problem::{Problem, Problems};

/// How many packets there have to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// How the number is to be held against it.
    pub relation: Relation,
    /// The number.
    pub amount: Amount,
}

/// How a number is held against another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Just as many.
    Exactly,
    /// No fewer.
    AtLeast,
    /// No more.
    AtMost,
}

/// A number of packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// Packets.
    Packets(u64),
    /// Of all packets of the capture, in hundredths of a per cent.
    Share(u32),
}

impl Share {
    /// Whether `packets` of `all` are as many as there have to be. Of no packets at all, every
    /// share is too much: nothing was tested.
    pub fn holds(&self, packets: u64, all: u64) -> bool {
        let (found, wanted) = match self.amount {
            Amount::Packets(number) => (u128::from(packets), u128::from(number)),
            Amount::Share(_) if all == 0 => return false,
            // Exact: no division.
            Amount::Share(share) => {
                (u128::from(packets) * 10_000, u128::from(share) * u128::from(all))
            }
        };
        match self.relation {
            Relation::Exactly => found == wanted,
            Relation::AtLeast => found >= wanted,
            Relation::AtMost => found <= wanted,
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.relation {
            Relation::Exactly => "",
            Relation::AtLeast => ">= ",
            Relation::AtMost => "<= ",
        })?;
        match self.amount {
            Amount::Packets(number) => write!(f, "{number}"),
            Amount::Share(share) if share % 100 == 0 => write!(f, "{}%", share / 100),
            Amount::Share(share) => {
                let text = format!("{}.{:02}", share / 100, share % 100);
                write!(f, "{}%", text.trim_end_matches('0'))
            }
        }
    }
}

impl FromStr for Share {
    type Err = ();

    fn from_str(text: &str) -> Result<Share, ()> {
        let (relation, rest) = match (text.strip_prefix(">="), text.strip_prefix("<=")) {
            (Some(rest), _) => (Relation::AtLeast, rest.trim_start()),
            (_, Some(rest)) => (Relation::AtMost, rest.trim_start()),
            (None, None) => (Relation::Exactly, text),
        };
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let amount = match rest.strip_suffix('%') {
            None if digits(rest) => Amount::Packets(rest.parse().map_err(|_| ())?),
            None => return Err(()),
            Some(share) => {
                let (whole, fraction) = share.split_once('.').unwrap_or((share, "0"));
                if !digits(whole) || !digits(fraction) || fraction.len() > 2 {
                    return Err(());
                }
                let whole: u32 = whole.parse().map_err(|_| ())?;
                let fraction: u32 = format!("{fraction:0<2}").parse().map_err(|_| ())?;
                let share = whole.checked_mul(100).and_then(|all| all.checked_add(fraction));
                Amount::Share(share.filter(|share| *share <= 10_000).ok_or(())?)
            }
        };
        Ok(Share { relation, amount })
    }
}

/// A share for each verdict that is named, at least one.
pub(super) fn read(at: &At<'_>, problems: &mut Problems) -> Vec<(Verdict, Share)> {
    if !at.map(problems) {
        return Vec::new();
    }
    super::known(at, &VERDICTS.map(|(word, _)| word), problems);
    let mut shares = Vec::new();
    for (word, verdict) in VERDICTS {
        let Some(value) = at.get(word) else { continue };
        let Some(text) = value.string(problems) else { continue };
        match text.parse() {
            Ok(share) => shares.push((verdict, share)),
            Err(()) => value.wrong("packets or a share, as 12, 100% or \">= 99.5%\"", problems),
        }
    }
    if at.entries().next().is_none() {
        problems.push(Problem::error(at.place(), "found no verdict, expected at least one"));
    }
    shares
}
