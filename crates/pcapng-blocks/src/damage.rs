//! What can be wrong with a capture, and where.
//!
//! Two types, for two situations. [`OpenError`]: this is no capture that we can
//! read, nothing was begun. [`Damage`]: it is one, and at this place something
//! in it is broken; what could be read before it (and behind it, unless it is
//! `fatal`) was given out.

use std::{fmt, io};

/// Why a capture could not be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// There is not one byte.
    Empty,
    /// The first bytes are those of no capture format; up to eight are given.
    NotACapture {
        /// The bytes found.
        found: Vec<u8>,
    },
    /// The bytes end before the header of the file does.
    Cut {
        /// How many there are.
        left: u64,
    },
    /// A pcapng file whose first block is not a whole Section Header Block.
    BadSection(Problem),
    /// A pcap file of a variant or version that is not read.
    Unsupported {
        /// What it is.
        what: String,
    },
    /// Reading failed.
    Read(io::Error),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Empty => f.write_str("empty, not a capture"),
            OpenError::NotACapture { found } => {
                f.write_str("not a capture: begins with")?;
                found.iter().try_for_each(|byte| write!(f, " {byte:02x}"))?;
                f.write_str(", expected pcapng (0a 0d 0d 0a) or pcap (d4 c3 b2 a1 and the like)")
            }
            OpenError::Cut { left } => {
                write!(f, "ends after {}, before its first header is whole", bytes(*left))
            }
            OpenError::BadSection(problem) => write!(f, "first block: {problem}"),
            OpenError::Unsupported { what } => write!(f, "{what} is not supported"),
            OpenError::Read(_) => f.write_str("cannot be read"),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            OpenError::Read(error) => Some(error),
            _ => None,
        }
    }
}

/// A broken place in a capture.
#[derive(Debug)]
pub struct Damage {
    /// Where the broken block or record begins, in bytes from the start of the
    /// capture (of the decompressed one, if it was compressed).
    pub offset: u64,
    /// What is wrong with it.
    pub problem: Problem,
    /// Whether a packet was lost: it is a whole block of a packet's kind, in a
    /// section where that can be told.
    pub packet: bool,
    /// Where reading goes on, if what lies before that could not be told apart: the
    /// packets in it are lost, and nobody knows how many. None if it is one block.
    pub passed_to: Option<u64>,
    /// Whether nothing behind it can be found any more.
    pub fatal: bool,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: {}", self.offset, self.problem)?;
        match self.passed_to {
            Some(to) => write!(f, "; passed over up to byte {to}"),
            None => Ok(()),
        }
    }
}

/// What is wrong with a block or record.
#[derive(Debug)]
#[non_exhaustive]
pub enum Problem {
    /// The capture ends in the middle of it.
    Cut {
        /// The bytes that it needs.
        needs: u64,
        /// The bytes that there are.
        left: u64,
    },
    /// A block length that no block can have.
    BadLength {
        /// The length found.
        length: u32,
    },
    /// A block longer than [`crate::MAX_BLOCK_LEN`].
    TooLong {
        /// The length found.
        length: u32,
    },
    /// The length before the body differs from the one after it.
    LengthMismatch {
        /// The length before the body.
        head: u32,
        /// The length after it.
        tail: u32,
    },
    /// A section header without the byte-order magic in either order.
    BadMagic {
        /// The bytes in its place.
        found: [u8; 4],
    },
    /// A body shorter than the fixed part of this kind of block.
    ShortBody {
        /// The kind of block.
        kind: &'static str,
        /// The bytes that the fixed part needs.
        needs: usize,
        /// The bytes that there are.
        has: usize,
    },
    /// A packet that claims more captured bytes than its block holds.
    CapturedLength {
        /// The captured length found.
        captured: u32,
        /// The bytes that there are.
        has: usize,
    },
    /// A packet or statistics of an interface that was not described.
    UnknownInterface {
        /// The interface named.
        id: u32,
        /// How many were described in this section so far.
        described: usize,
    },
    /// A packet or statistics of an interface whose description is broken.
    BrokenInterface {
        /// The interface named.
        id: u32,
    },
    /// More interfaces in a section than are kept track of.
    TooManyInterfaces,
    /// A block of a section whose header is broken.
    BrokenSection,
    /// A pcap record that claims more bytes than any packet has.
    LongRecord {
        /// The captured length found.
        captured: u32,
        /// The largest that is believed.
        limit: u32,
    },
    /// A pcap record such as no capture has, with none behind it.
    OddRecord {
        /// Its seconds since 1970.
        seconds: u32,
        /// The captured length found.
        captured: u32,
        /// The original length found.
        original: u32,
    },
    /// Reading failed, or the compressed stream is broken.
    Read(io::Error),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Cut { needs, left } => {
                write!(f, "the capture ends {} into a block or record of {needs}", bytes(*left))
            }
            Problem::BadLength { length } => {
                write!(f, "block length is {length}, expected a multiple of 4 and at least 12")
            }
            Problem::TooLong { length } => {
                let limit = crate::MAX_BLOCK_LEN;
                write!(f, "block length is {length}, more than the {limit} that are read")
            }
            Problem::LengthMismatch { head, tail } => {
                write!(f, "block length is {head} before the body but {tail} after it")
            }
            Problem::BadMagic { found: [a, b, c, d] } => write!(
                f,
                "section header has {a:02x} {b:02x} {c:02x} {d:02x} for a byte-order magic, \
                 expected 1a 2b 3c 4d or its reverse"
            ),
            Problem::ShortBody { kind, needs, has } => {
                write!(f, "{kind} has a body of {}, expected at least {needs}", bytes(*has))
            }
            Problem::CapturedLength { captured, has } => {
                let s = if *captured == 1 { "" } else { "s" };
                write!(f, "packet claims {captured} captured byte{s} but its block holds {has}")
            }
            Problem::UnknownInterface { id, described } => write!(
                f,
                "names interface {id}, but this section has described only {described} so far"
            ),
            Problem::BrokenInterface { id } => {
                write!(f, "names interface {id}, whose description is broken")
            }
            Problem::TooManyInterfaces => {
                write!(f, "more than {} interfaces in this section", crate::section::MAX_INTERFACES)
            }
            Problem::BrokenSection => f.write_str("belongs to a section whose header is broken"),
            Problem::LongRecord { captured, limit } => {
                write!(f, "record claims {captured} captured bytes, more than the {limit} possible")
            }
            Problem::OddRecord { seconds, captured, original } => write!(
                f,
                "a record of {captured} of {original} bytes at {seconds} seconds does not fit those \
                 before it, and none that fits follows"
            ),
            Problem::Read(error) => write!(f, "reading failed: {error}"),
        }
    }
}

/// `1 byte`, `2 bytes`.
fn bytes<N: Copy + fmt::Display + PartialEq + From<u8>>(count: N) -> String {
    let s = if count == N::from(1) { "" } else { "s" };
    format!("{count} byte{s}")
}
