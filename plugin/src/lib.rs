// SPDX-License-Identifier: GPL-2.0-or-later
//! The dissector of mirror-pcap, as a plugin of Wireshark.
//!
//! It has two halves. The C half (`dissect.c`, `preferences.c`, `statistics.c`) does all that may
//! throw one of Wireshark's exceptions, and what is a macro; `shim.h` says why. This half registers,
//! and answers what a packet is. It is a border and little else: what is shown is decided in
//! mirror-dissect, which knows nothing of Wireshark and is tested without it.
//!
//! * [`register`]: the names of the protocol and of its fields;
//! * [`answer`]: what C asks, as functions that never unwind;
//! * [`load`]: the preferences, and the one file that is read.

mod answer;
mod guard;
mod load;
mod register;
#[cfg(feature = "test-hooks")]
mod test_hooks;
mod wireshark;

use std::ffi::c_int;

use guard::{Entry, guard};

/// What Wireshark looks for: the version of the plugin.
#[unsafe(no_mangle)]
pub static plugin_version: [u8; VERSION.len()] = *VERSION;

/// By what `mirror-pcap plugin` knows the file among other people's plugins. Wireshark does not ask.
#[unsafe(no_mangle)]
pub static vpcmirror_plugin: [u8; MARKER.len()] = *MARKER;

const MARKER: &[u8; concat!("vpcmirror ", env!("CARGO_PKG_VERSION"), "\0").len()] = {
    let text = concat!("vpcmirror ", env!("CARGO_PKG_VERSION"), "\0").as_bytes();
    match text.first_chunk() {
        Some(marker) => marker,
        None => unreachable!(),
    }
};

/// The version of Wireshark that it was built for, which has to be the one that loads it.
#[unsafe(no_mangle)]
pub static plugin_want_major: c_int = wireshark::WIRESHARK_VERSION_MAJOR.cast_signed();

/// The same, its minor number.
#[unsafe(no_mangle)]
pub static plugin_want_minor: c_int = wireshark::WIRESHARK_VERSION_MINOR.cast_signed();

const VERSION: &[u8; concat!(env!("CARGO_PKG_VERSION"), "\0").len()] = {
    let text = concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes();
    match text.first_chunk() {
        Some(version) => version,
        None => unreachable!(),
    }
};

/// What kind of plugin it is; asked from 4.4 on.
#[unsafe(no_mangle)]
pub extern "C" fn plugin_describe() -> u32 {
    const DISSECTOR: u32 = 1;
    DISSECTOR
}

/// Called once, when the plugin is loaded.
#[unsafe(no_mangle)]
pub extern "C" fn plugin_register() {
    guard(Entry::PluginRegister, (), register::plugin);
}
