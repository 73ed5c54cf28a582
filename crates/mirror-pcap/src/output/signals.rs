//! What a signal leaves behind: no temporary file, and a word about what happened.
//!
//! One thread waits for SIGINT, SIGTERM and SIGHUP. While a file is being
//! written it knows the temporary and removes it; the lock makes that and the
//! final rename exclude one another, so the message says the truth.

use std::{
    fs,
    io::{self, Write},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::PathBuf,
    process,
    sync::{
        Mutex, MutexGuard, Once, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::failure::printable;

/// The files that exist only until they get their names.
static TEMPORARIES: Mutex<Vec<Temporary>> = Mutex::new(Vec::new());
static WATCH: Once = Once::new();
static FINISH_ON_FIRST: AtomicBool = AtomicBool::new(false);
static STOPPING: AtomicBool = AtomicBool::new(false);
/// Becomes readable when the first signal has come.
static STOP_PIPE: OnceLock<(OwnedFd, OwnedFd)> = OnceLock::new();

#[derive(Clone, Debug)]
pub(super) struct Temporary {
    pub(super) path: PathBuf,
    pub(super) target: PathBuf,
}

/// The temporaries, so that nothing is removed while they are held.
pub(super) fn temporaries() -> MutexGuard<'static, Vec<Temporary>> {
    TEMPORARIES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begin to watch for signals, if that has not begun yet.
pub(super) fn watch() {
    WATCH.call_once(|| {
        // Without a watch, signals end the process as ever: worse, but no failure.
        let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) else { return };
        thread::spawn(move || {
            for signal in signals.forever() {
                if FINISH_ON_FIRST.load(Ordering::Relaxed)
                    && !STOPPING.swap(true, Ordering::Relaxed)
                {
                    if let Some((_, write)) = STOP_PIPE.get() {
                        let _ = rustix::io::write(write, &[0]);
                    }
                } else {
                    abandon(signal);
                }
            }
        });
    });
}

/// Let the first signal mean "no more input" rather than "give up".
pub(crate) fn finish_on_first() {
    if let Ok(pipe) = rustix::pipe::pipe()
        && STOP_PIPE.set(pipe).is_ok()
    {
        FINISH_ON_FIRST.store(true, Ordering::Relaxed);
        watch();
    }
}

/// Whether the first signal has come.
pub(crate) fn stopping() -> bool {
    STOPPING.load(Ordering::Relaxed)
}

/// What becomes readable when the first signal has come.
pub(crate) fn stop_pipe() -> Option<BorrowedFd<'static>> {
    STOP_PIPE.get().map(|(read, _)| read.as_fd())
}

fn abandon(signal: i32) -> ! {
    let name = match signal {
        SIGINT => "SIGINT",
        SIGTERM => "SIGTERM",
        _ => "SIGHUP",
    };
    let temporaries = temporaries();
    let mut message = format!("mirror-pcap: ended by {name}\n");
    for temporary in temporaries.iter() {
        let _ = fs::remove_file(&temporary.path);
        let target = printable(&temporary.target.to_string_lossy());
        let state = if temporary.target.exists() { "is unchanged" } else { "was not written" };
        message = format!("mirror-pcap: ended by {name}; {target} {state}\n");
    }
    let _ = io::stderr().write_all(message.as_bytes());
    // The lock is still held, so no rename comes in between.
    process::exit(128 + signal);
}
