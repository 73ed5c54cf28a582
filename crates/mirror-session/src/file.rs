//! The sessions file: a picture as JSON, to keep, to hand on, and to write by hand.
//!
//! Where no AWS document can be had (another cloud, another account, a colleague's capture) someone
//! writes down what is known. What is needed for names is little:
//!
//! ```
//! use mirror_session::{By, Found, file};
//!
//! let picture = file::read(br#"
//!     {
//!       "schema": "mirror-pcap/sessions/1",
//!       "sessions": [
//!         { "name": "web 1", "vni": 308308, "eni": { "addresses": ["10.0.1.15"] } },
//!         { "name": "web 2", "vni": 308309, "x-ticket": "OPS-17" }
//!       ]
//!     }
//! "#)?;
//!
//! let key = "vpcmirror: vni=308309 source=10.0.1.99";
//! let key = mirror_session::Annotation::parse(key.as_bytes())?.key();
//! let Found::Session { session, by } = picture.find(&key) else { panic!() };
//! assert_eq!((session.name.as_deref(), by), (Some("web 2"), By::VniAlone));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What is [written](write()) has every field, `null` where nothing is known; what is
//! [read](read()) may leave out each. A field that isn't known is an error, because a typo
//! would else be a session without its address; only what begins with `x-` is anybody's. Numbers are
//! numbers, addresses are text, and nothing is converted.
//!
//! The file may be hostile as any other. A list of sessions is read one session at a time, so what
//! is kept is what the sessions say and no tree of the whole.

mod json;
mod problem;
mod read;
mod write;

pub use problem::{Problem, Problems};
pub use read::read;
pub use write::write;

/// What the file says it is, in its field `schema`.
pub const SCHEMA: &str = "mirror-pcap/sessions/1";

/// The longest file that is read, in bytes.
pub const MAX_LEN: usize = 64 << 20;

/// The most sessions that a file may have. An AWS account has at most 10,000.
pub const MAX_SESSIONS: usize = 100_000;

#[cfg(test)]
mod tests;
