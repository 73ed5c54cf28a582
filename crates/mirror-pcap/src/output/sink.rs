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

/// A buffer to fill and the file behind it.
pub(crate) struct Sink {
    buffer: Vec<u8>,
    lane: Lane,
}

enum Lane {
    Inline(Encoder),
    Threaded {
        full: SyncSender<Vec<u8>>,
        empty: Receiver<Vec<u8>>,
        writer: JoinHandle<io::Result<()>>,
    },
    /// A write has failed and was reported.
    Failed,
}

impl Sink {
    pub(super) fn new(mut encoder: Encoder, threads: u8) -> io::Result<Sink> {
        let buffer = Vec::with_capacity(BUFFER_LEN + BUFFER_LEN / 8);
        if threads < 2 {
            return Ok(Sink { buffer, lane: Lane::Inline(encoder) });
        }
        let (full, filled) = sync_channel::<Vec<u8>>(QUEUE_LEN);
        let (give_back, empty) = sync_channel(QUEUE_LEN + 2);
        let writer = thread::Builder::new().spawn(move || {
            for mut buffer in filled {
                encoder.write(&buffer)?;
                recycle(&mut buffer);
                // Fails only when nobody needs buffers any more.
                let _ = give_back.try_send(buffer);
            }
            encoder.finish()
        })?;
        Ok(Sink { buffer, lane: Lane::Threaded { full, empty, writer } })
    }

    /// Where to put what is to be written.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Hand the buffer on if it is full. Says whether it was.
    #[inline]
    pub(crate) fn relieve(&mut self) -> io::Result<bool> {
        if self.buffer.len() < BUFFER_LEN {
            return Ok(false);
        }
        self.flush()?;
        Ok(true)
    }

    /// Hand on what there is, without waiting until it is written.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        match &mut self.lane {
            Lane::Inline(encoder) => {
                encoder.write(&self.buffer)?;
                recycle(&mut self.buffer);
            }
            Lane::Threaded { full, empty, .. } => {
                let next = empty.try_recv().unwrap_or_default();
                if full.send(mem::replace(&mut self.buffer, next)).is_err() {
                    return self.join();
                }
            }
            Lane::Failed => {}
        }
        Ok(())
    }

    /// Write everything, and wait until it is written.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.flush()?;
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
