// SPDX-License-Identifier: GPL-2.0-or-later
//! What the headers of Wireshark say, and `shim.h`: written by bindgen.
#![allow(
    missing_docs,
    non_camel_case_types,
    non_upper_case_globals,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    clippy::indexing_slicing,
    clippy::undocumented_unsafe_blocks,
    dead_code,
    reason = "bindgen writes it, in the manner of C"
)]

include!(concat!(env!("OUT_DIR"), "/wireshark.rs"));
