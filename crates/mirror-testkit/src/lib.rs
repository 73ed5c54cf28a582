//! Captures built from a few lines of Rust, and read back as text.
//!
//! A writer tested with its own reader proves only that the two agree. So this
//! crate has an encoder, a decoder, packet builders and checksums of its own and
//! depends on nothing, neither the product's crates nor others: what it shares with
//! the product is the reading of the specifications, not the code.
//!
//! * [`capture`] and [`pcap`] write captures, sound or deliberately not;
//! * [`packet`] builds what is in them, from a TCP segment out to GENEVE;
//! * [`decode`] reads any capture back and prints it, one line a block;
//! * [`cases`] holds the captures of `testdata/`, [`bench`](mod@bench) a big one.
//!
//! It is for tests only, and a test that meets the impossible should stop: code here
//! indexes and unwraps where the product must not.
#![forbid(unsafe_code)]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "dev-only: fixtures are our own, and a mistake in one should stop the test"
)]

pub mod bench;
pub mod capture;
pub mod cases;
pub mod crc32;
pub mod decode;
pub mod options;
pub mod order;
pub mod packet;
pub mod pcap;
pub mod random;

pub use capture::{Capture, Interface, Packet, Section};
pub use options::Opt;
pub use order::Order;
pub use pcap::{Fraction, Pcap};
