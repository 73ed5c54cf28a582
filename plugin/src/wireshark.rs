// SPDX-License-Identifier: GPL-2.0-or-later
//! What the headers of Wireshark say, and `shim.h`: written by bindgen.
#![allow(
    missing_docs,
    non_camel_case_types,
    non_upper_case_globals,
    unused_qualifications,
    clippy::all,
    clippy::indexing_slicing,
    clippy::undocumented_unsafe_blocks,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    dead_code,
    reason = "bindgen writes it, in the manner of C"
)]

include!(concat!(env!("OUT_DIR"), "/wireshark.rs"));
