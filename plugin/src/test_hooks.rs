// SPDX-License-Identifier: GPL-2.0-or-later
//! Faults on demand, in a plugin that is built to be tested.
//!
//! * `VPCMIRROR_TEST_PANIC=Show` panics in that entry, at its every call.
//! * `VPCMIRROR_TEST_THROW=C` throws one of Wireshark's exceptions in the C half, as a broken packet
//!   might; `VPCMIRROR_TEST_THROW=Rust` throws it below a frame of Rust, where none may be thrown.
//! * Calls that have begun and not ended are counted, and the C half asks for the count before each
//!   packet: an exception of Wireshark that passed through a frame of Rust would have skipped the
//!   destructor that counts down.

use std::env;
use std::ffi::c_int;
use std::sync::atomic::{AtomicI32, Ordering};

use crate::guard::Entry;

static LIVE: AtomicI32 = AtomicI32::new(0);

/// A call that has begun.
pub(crate) struct Live;

impl Drop for Live {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Count a call, and panic if this entry is the one that shall.
#[expect(clippy::panic, reason = "this is what it is for")]
pub(crate) fn enter(entry: Entry) -> Live {
    LIVE.fetch_add(1, Ordering::Relaxed);
    let live = Live;
    if env::var("VPCMIRROR_TEST_PANIC").is_ok_and(|name| name == format!("{entry:?}")) {
        panic!("asked for in {entry:?}");
    }
    if entry == Entry::Show && env::var("VPCMIRROR_TEST_THROW").is_ok_and(|at| at == "Rust") {
        // SAFETY: it is not safe: destructors are skipped. The test is that this is noticed.
        unsafe { crate::wireshark::vpcmirror_test_throw() };
    }
    live
}

/// See `shim.h`.
#[unsafe(no_mangle)]
pub extern "C" fn vpcmirror_rs_live() -> c_int {
    LIVE.load(Ordering::Relaxed)
}
