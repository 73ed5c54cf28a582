//! From buffers to the kernel, overlapped with the reading where that helps.
//!
//! Nearly all the time of a rewriting goes into the kernel's copying of pages,
//! a third of it in `read` and two in `write`. A second thread that only writes
//! lets the two overlap, and that is the whole secret of being as fast as `cp`.
//! Buffers go round: filled here, written there, sent back. The queue is short
//! and nobody spins, so with one processor the threads take turns and little is
//! lost.

use std::{
    io, mem,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, JoinHandle},
};

use super::encoder::Encoder;

/// Large enough that a `write` call costs nothing, small enough for four of them.
const BUFFER_LEN: usize = 1 << 20;

/// Filled buffers that may wait for the writer.
const QUEUE_LEN: usize = 2;

/// A buffer that holds a longer block is waited for, so that there is one at a time.
const LARGE: usize = 4 * BUFFER_LEN;

/// A buffer to fill and the file behind it.
pub(crate) struct Sink {
    buffer: Vec<u8>,
    lane: Lane,
}

enum Lane {
    Inline(Encoder),
    Threaded {
        full: SyncSender<Filled>,
        empty: Receiver<Vec<u8>>,
        /// Buffers that were sent and have not come back.
        away: usize,
        writer: JoinHandle<io::Result<()>>,
    },
    /// A write has failed and was reported.
    Failed,
}

/// A buffer on its way to the writer.
struct Filled {
    bytes: Vec<u8>,
    /// Whether a compression must not hold back any of it.
    urgent: bool,
}

impl Sink {
    pub(super) fn new(mut encoder: Encoder, threads: u8) -> io::Result<Sink> {
        let buffer = Vec::with_capacity(BUFFER_LEN + BUFFER_LEN / 8);
        if threads < 2 {
            return Ok(Sink { buffer, lane: Lane::Inline(encoder) });
        }
        let (full, filled) = sync_channel::<Filled>(QUEUE_LEN);
        let (give_back, empty) = sync_channel(QUEUE_LEN + 2);
        let writer = thread::Builder::new().spawn(move || {
            for Filled { mut bytes, urgent } in filled {
                encoder.write(&bytes, urgent)?;
                recycle(&mut bytes);
                // Fails only when nobody needs buffers any more.
                let _ = give_back.try_send(bytes);
            }
            encoder.finish()
        })?;
        Ok(Sink { buffer, lane: Lane::Threaded { full, empty, away: 0, writer } })
    }

    /// Where to put what is to be written.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Hand the buffer on if it is full.
    #[inline]
    pub(crate) fn relieve(&mut self) -> io::Result<()> {
        if self.buffer.len() < BUFFER_LEN { Ok(()) } else { self.hand_on(false) }
    }

    /// Hand on what there is, because more may be long in coming; a compression
    /// is not to hold any of it back. Does not wait until it is written.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.hand_on(true)
    }

    fn hand_on(&mut self, urgent: bool) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let large = self.buffer.len() > LARGE;
        match &mut self.lane {
            Lane::Inline(encoder) => {
                encoder.write(&self.buffer, urgent)?;
                recycle(&mut self.buffer);
            }
            Lane::Threaded { full, empty, away, .. } => {
                let next = empty.try_recv().inspect(|_| *away -= 1).unwrap_or_default();
                let bytes = mem::replace(&mut self.buffer, next);
                if full.send(Filled { bytes, urgent }).is_err() {
                    return self.join();
                }
                *away += 1;
                while large && *away > 0 {
                    if empty.recv().is_err() {
                        return self.join();
                    }
                    *away -= 1;
                }
            }
            Lane::Failed => {}
        }
        Ok(())
    }

    /// Write everything, and wait until it is written.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.hand_on(false)?;
        self.join()
    }

    fn join(&mut self) -> io::Result<()> {
        match mem::replace(&mut self.lane, Lane::Failed) {
            Lane::Inline(encoder) => encoder.finish(),
            Lane::Threaded { full, writer, .. } => {
                // The writer ends when it has written all and nobody can send more.
                drop(full);
                writer.join().unwrap_or_else(|_| Err(io::Error::other("the writer panicked")))
            }
            Lane::Failed => Ok(()),
        }
    }
}

/// Empty a buffer, and let go of what one huge block has made of it.
fn recycle(buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.shrink_to(4 * BUFFER_LEN);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may fail loudly")]
mod tests {
    use std::fs::OpenOptions;

    use pcapng_blocks::Compression;

    use super::*;

    /// There are four, and one block of 16 MiB after another would have made each as long.
    #[test]
    fn what_a_huge_block_has_made_of_a_buffer_is_let_go() {
        for threads in [1, 2] {
            let null = OpenOptions::new().write(true).open("/dev/null").unwrap();
            let encoder = Encoder::new(null, Compression::None).unwrap();
            let mut sink = Sink::new(encoder, threads).unwrap();
            // The second kind has room for more than it holds, as a vector that has grown.
            for len in [2 * LARGE, BUFFER_LEN].repeat(QUEUE_LEN) {
                sink.buffer().reserve(2 * LARGE);
                sink.buffer().resize(len, 0);
                sink.relieve().unwrap();
                if let (Lane::Threaded { away, .. }, true) = (&sink.lane, len > LARGE) {
                    assert_eq!(*away, 0, "a huge one is waited for");
                }
            }
            // Each of them comes round again.
            for _ in 0..4 * QUEUE_LEN {
                assert!(sink.buffer().is_empty());
                assert!(sink.buffer().capacity() <= LARGE, "{threads} threads");
                sink.buffer().push(0);
                sink.flush().unwrap();
            }
            sink.finish().unwrap();
        }
    }
}
