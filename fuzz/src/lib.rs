//! What must hold of every parser, on any bytes.
//!
//! One function a target. Each takes the bytes that a fuzzer made up and
//! asserts what the crates promise: that nothing panics, and the invariants
//! that a caller relies on. The functions are plain Rust, so that the inputs
//! worth keeping (`corpus/`) are replayed by `cargo test` on any toolchain;
//! `libfuzzer/` wraps each in a fuzz target, for those who have nightly.
//!
//! | Target | What is read | Compared with |
//! |---|---|---|
//! | [`pcapng`] | a capture | itself read in pieces; its own copy |
//! | [`pcap`] | a classic capture | itself read in pieces; the pcapng it becomes |
//! | [`compressed`] | a stream of any kind | itself read in pieces |
//! | [`decapsulate`] | a packet | the packet wrapped again |
//! | [`annotation`] | a comment | its own text |
//! | [`dissect`] | a description, a comment, a packet | a dissector that has seen nothing before |
//! | [`flow`] | a packet as rules see it, and a filter | the bare IP packet; AWS's text |
//! | [`flows_table`] | a table of flows | a row by itself |
//! | [`documents`] | a document of any kind | itself read again; its sessions file; its filters exported |
//! | [`expectations`] | a file of tests | itself read again |
//! | [`sessions_file`] | a sessions file | what is written of it |
//! | [`plugin`] | a Wireshark plugin, or a tshark | – |
#![forbid(unsafe_code)]

mod captures;
mod dissect;
mod documents;
mod flows;
mod packets;
mod plugins;
mod text;

pub use captures::{compressed, pcap, pcapng};
pub use dissect::dissect;
pub use documents::{documents, expectations, sessions_file};
pub use flows::{flow, flows_table};
pub use packets::decapsulate;
pub use plugins::plugin;
pub use text::annotation;

/// A target, by the name of its corpus folder.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 12] = [
    ("pcapng", pcapng),
    ("pcap", pcap),
    ("compressed", compressed),
    ("decapsulate", decapsulate),
    ("flow", flow),
    ("flows_table", flows_table),
    ("annotation", annotation),
    ("dissect", dissect),
    ("documents", documents),
    ("expectations", expectations),
    ("sessions_file", sessions_file),
    ("plugin", plugin),
];
