//! What a signal leaves behind: no temporary file, and a word about what happened.
//!
//! One thread waits for SIGINT, SIGTERM and SIGHUP. While a file is being
//! written it knows the temporary and removes it; the lock makes that and the
//! final rename exclude one another, so the message says the truth.
//!
//! A signal that was ignored when we were started stays ignored: `nohup` and a
//! shell's background jobs rely on that.

use std::{
    fs::{self, File},
    io::{self, IsTerminal, Write},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::fs::FileExt,
    },
    path::{Path, PathBuf},
    process,
    sync::{
        Mutex, MutexGuard, Once, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU8, Ordering},
        mpsc,
    },
    thread,
};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ},
    flag,
    iterator::Signals,
};

use crate::failure::printable;

/// The files that exist only until they get their names.
static TEMPORARIES: Mutex<Vec<Temporary>> = Mutex::new(Vec::new());
static WATCH: Once = Once::new();
static FINISH_ON_FIRST: AtomicBool = AtomicBool::new(false);
/// The first signal, once it has come; 0 is none.
static STOPPED_BY: AtomicU8 = AtomicU8::new(0);
/// Becomes readable when the first signal has come.
static STOP_PIPE: OnceLock<(OwnedFd, OwnedFd)> = OnceLock::new();

#[derive(Debug)]
pub(super) struct Temporary {
    pub(super) path: PathBuf,
    pub(super) target: PathBuf,
    /// The file, if it is written under its target's name.
    pub(super) in_place: Option<File>,
}

impl Temporary {
    /// Remove it. If that cannot be done and anybody would miss it, a sentence about what is left.
    fn remove(&mut self) -> Option<String> {
        let removed = fs::remove_file(&self.path);
        let file = self.in_place.take().filter(|_| removed.is_err())?;
        // Mountpoint for Amazon S3 removes nothing that is being written, but gives up (EINVAL) what
        // is not written in sequence. Elsewhere that makes a gap, and then there is nothing.
        let len = file.metadata().map_or(0, |file| file.len());
        let spoilt = file.write_at(&[0], len.saturating_add(1));
        let is_given_up = spoilt.is_err_and(|error| error.kind() == io::ErrorKind::InvalidInput);
        let _ = file.set_len(0);
        // Some remove an open file by renaming it.
        drop(file);
        let is_left = fs::remove_file(&self.path).is_err() && self.path.exists() && !is_given_up;
        let name = printable(&self.target.to_string_lossy());
        is_left.then(|| format!("{name} could not be removed and may not be complete"))
    }
}

/// Remove the file at `path`, if it has not got its name.
pub(super) fn remove_unfinished(path: &Path) {
    let mut temporaries = temporaries();
    if let Some(at) = temporaries.iter().position(|temporary| temporary.path == path)
        && let Some(what) = temporaries.remove(at).remove()
    {
        let _ = writeln!(io::stderr(), "mirror-pcap: {what}");
    }
}

/// The temporaries, so that nothing is removed while they are held.
pub(super) fn temporaries() -> MutexGuard<'static, Vec<Temporary>> {
    TEMPORARIES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begin to watch for signals, if that has not begun yet.
pub(super) fn watch() {
    WATCH.call_once(|| {
        let ignored = ignored();
        let signals = [SIGINT, SIGTERM, SIGHUP];
        let signals = signals.into_iter().filter(move |signal| ignored & (1 << (signal - 1)) == 0);
        let (ready, watching) = mpsc::channel();
        // Without a watch, signals end the process as ever: worse, but no failure.
        // So the thread comes first and only then the handlers that need it.
        let _ = thread::Builder::new().spawn(move || {
            let Ok(mut signals) = Signals::new(signals) else { return };
            let _ = ready.send(());
            for signal in signals.forever() {
                let number = u8::try_from(signal).unwrap_or(u8::MAX);
                if FINISH_ON_FIRST.load(Ordering::Relaxed)
                    && STOPPED_BY.swap(number, Ordering::Relaxed) == 0
                {
                    if let Some((_, write)) = STOP_PIPE.get() {
                        let _ = rustix::io::write(write, &[0]);
                    }
                } else {
                    abandon(number);
                }
            }
        });
        // Fails as soon as nobody is left who could send.
        let _ = watching.recv();
    });
}

/// The signals that are ignored, signal 1 in the lowest bit; none if the system
/// does not tell.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

/// Let a write beyond the limit on the size of files fail like any other, where
/// the signal for it would end the process without a word.
pub(crate) fn survive_file_size_limit() {
    static EXCEEDED: AtomicBool = AtomicBool::new(false);
    let _ = flag::register(SIGXFSZ, &EXCEEDED);
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

/// The first signal, if it has come and was to mean "no more input".
pub(crate) fn stopped_by() -> Option<u8> {
    Some(STOPPED_BY.load(Ordering::Relaxed)).filter(|signal| *signal != 0)
}

/// A signal's name.
pub(crate) fn name(signal: u8) -> &'static str {
    match i32::from(signal) {
        SIGINT => "SIGINT",
        SIGTERM => "SIGTERM",
        _ => "SIGHUP",
    }
}

/// What becomes readable when the first signal has come.
pub(crate) fn stop_pipe() -> Option<BorrowedFd<'static>> {
    STOP_PIPE.get().map(|(read, _)| read.as_fd())
}

fn abandon(signal: u8) -> ! {
    let name = name(signal);
    let mut temporaries = temporaries();
    let is_new = temporaries.first().is_some_and(|temporary| temporary.in_place.is_some());
    let left: Vec<_> = temporaries.iter_mut().map(Temporary::remove).collect();
    let mut message = format!("mirror-pcap: ended by {name}");
    // The first is the capture; the report of a run hardly matters beside it.
    if let (Some(left), Some(temporary)) = (left.first(), temporaries.first()) {
        let target = &temporary.target;
        let state = if !is_new && target.exists() { "is unchanged" } else { "was not written" };
        let state = || format!("{} {state}", printable(&target.to_string_lossy()));
        message += &format!("; {}", left.clone().unwrap_or_else(state));
    }
    message.push('\n');
    let mut stderr = io::stderr();
    if stderr.is_terminal() {
        // There may be a progress bar on the line.
        message.insert_str(0, "\r\x1b[2K");
    }
    let _ = stderr.write_all(message.as_bytes());
    // The lock is still held, so no rename comes in between.
    process::exit(128 + i32::from(signal));
}
