// SPDX-License-Identifier: GPL-2.0-or-later
//! No panic leaves this half.
//!
//! A panic that reached C would end the process, and with it whatever someone was looking at in
//! Wireshark. So every function that C calls runs its body in [`guard`]. What the panic says is on
//! standard error, by std's hook; what becomes of the packet is up to C.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// The functions that C calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    PluginRegister,
    Register,
    Handoff,
    Show,
    Load,
    CheckRow,
}

/// Run `body`; `else_answer` if it panics.
pub(crate) fn guard<T>(entry: Entry, else_answer: T, body: impl FnOnce() -> T) -> T {
    // What a panic leaves half done is of no matter: `load` replaces the whole dissector, and
    // `show` changes nothing but answers that are kept and what directions are learnt from.
    catch_unwind(AssertUnwindSafe(|| {
        #[cfg(feature = "test-hooks")]
        let _live = crate::test_hooks::enter(entry);
        #[cfg(not(feature = "test-hooks"))]
        let _ = entry;
        body()
    }))
    .unwrap_or(else_answer)
}
