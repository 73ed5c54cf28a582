//! The command as it is built, from the outside: one test binary, a module a theme.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "tests may fail loudly, and so may what they share"
)]
#![allow(dead_code, reason = "the harness serves all themes, and not every one uses all of it")]

mod commands;
mod config;
mod docs;
mod evidence;
mod faults;
mod filter;
mod filter_export;
mod filter_suggest;
mod filter_test;
mod golden;
mod harness;
mod help;
mod hostile;
mod kept;
mod labs;
mod limits;
mod live;
mod opened;
mod output;
mod places;
mod plugin;
mod python;
mod sessions;
mod signals;
mod simulate;
mod stdin;
mod strip;
mod tshark;
mod wrap;
