//! Opening a capture: a file or standard input, compressed or not.
//!
//! A live pipe needs care that a file does not. When the user ends a capture
//! with Ctrl-C, the signal reaches us as well as the program that feeds us;
//! dying of it would throw away everything captured so far. So on a pipe the
//! first signal only means "no more": what is already on its way is read until
//! the pipe is quiet, two seconds at most, and the output is completed.

use std::{
    fs::File,
    io::{self, IsTerminal, Read},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::MetadataExt,
    },
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use pcapng_blocks::{Compression, OpenError, Reader, decompress};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::{
    failure::Failure,
    output::{FileId, signals, stdout_id},
    streams,
};

/// How long a pipe may be quiet before it counts as dry, once we were told to stop.
const GRACE: Duration = Duration::from_millis(300);

/// How long a pipe that is never quiet is read on: whoever feeds it has not been
/// told to stop, and will not.
const PATIENCE: Duration = Duration::from_secs(2);

/// A capture that is being read.
pub(crate) struct Input {
    pub(crate) reader: Reader<Box<dyn Read + Send>>,
    pub(crate) compression: Compression,
    /// The name to report it by.
    pub(crate) name: String,
    /// The length of the file, if it is one.
    pub(crate) len: Option<u64>,
    /// Its device and inode.
    pub(crate) id: FileId,
    /// Bytes read of it so far.
    pub(crate) position: Arc<AtomicU64>,
    /// Whether we ended the reading, not the input: then it may end anywhere.
    pub(crate) stopped: Arc<AtomicBool>,
}

/// Open `path`, or standard input for `-`.
pub(crate) fn open(path: &Path) -> Result<Input, Failure> {
    streams::check_input(path).map_err(|error| Failure::input("standard input", error))?;
    let (name, file) = if path.as_os_str() == "-" {
        if io::stdin().is_terminal() {
            let error = anyhow::anyhow!("is a terminal; expected a capture from a pipe or file");
            return Err(Failure::input("standard input", error));
        }
        let file = io::stdin().as_fd().try_clone_to_owned().map(File::from);
        ("standard input".to_owned(), file)
    } else {
        (path.to_string_lossy().into_owned(), File::open(path))
    };
    let file = file.map_err(|error| Failure::input(&name, error))?;
    let metadata = file.metadata().map_err(|error| Failure::input(&name, error))?;
    if metadata.is_dir() {
        return Err(Failure::input(&name, anyhow::anyhow!("is a folder, expected a capture")));
    }
    let id = (metadata.dev(), metadata.ino());
    let position = Arc::new(AtomicU64::new(0));
    let stopped = Arc::new(AtomicBool::new(false));
    let counted = Counted { position: Arc::clone(&position), inner: file };
    let (bytes, compression) = if metadata.is_file() {
        decompress(counted)
    } else {
        signals::finish_on_first();
        decompress(Live { inner: counted, until: None, stopped: Arc::clone(&stopped) })
    }
    .map_err(|error| Failure::input(&name, error))?;
    let reader = Reader::open(bytes).map_err(|error| match signals::stopped_by() {
        Some(signal) => Failure::Stopped { name: name.clone(), signal },
        None if matches!(error, OpenError::Empty) && stdout_id() == Some(id) => {
            let why = "is empty: standard output goes into it, and a shell empties what > names";
            Failure::input(&name, anyhow::anyhow!(why))
        }
        None => Failure::input(&name, error),
    })?;
    let len = metadata.is_file().then_some(metadata.len());
    Ok(Input { reader, compression, name, len, id, position, stopped })
}

/// Counts what is read.
struct Counted {
    position: Arc<AtomicU64>,
    inner: File,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.position.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// A pipe, FIFO or device: read until it ends, or until it is dry after a signal.
struct Live {
    inner: Counted,
    /// When to stop, once we were told to.
    until: Option<Instant>,
    stopped: Arc<AtomicBool>,
}

impl Read for Live {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.until.is_none()
            && let Some(stop) = signals::stop_pipe()
        {
            wait(&[self.inner.inner.as_fd(), stop], None)?;
            if signals::stopped_by().is_some() {
                self.until = Some(Instant::now() + PATIENCE);
            }
        }
        if let Some(until) = self.until {
            let left = until.saturating_duration_since(Instant::now());
            let arrived = wait(&[self.inner.inner.as_fd()], Some(left.min(GRACE)))?;
            if left.is_zero() || !arrived {
                self.stopped.store(true, Ordering::Relaxed);
                return Ok(0);
            }
        }
        self.inner.read(buffer)
    }
}

/// Wait until one of `fds` has something to read; false if none has in time.
fn wait(fds: &[BorrowedFd<'_>], time: Option<Duration>) -> io::Result<bool> {
    let time = time.map(|time| Timespec {
        tv_sec: time.as_secs().cast_signed(),
        tv_nsec: i64::from(time.subsec_nanos()),
    });
    let mut fds: Vec<_> =
        fds.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    loop {
        match poll(&mut fds, time.as_ref()) {
            Ok(ready) => return Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
