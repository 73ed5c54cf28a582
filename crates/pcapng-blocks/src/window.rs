//! A buffer over an input: ask for bytes, look at them where they lie, move on.
//!
//! Plain `read` calls into a buffer that stays in cache are two to three times
//! as fast here as a memory map, whose page faults cost more than the copying
//! they save, and they work on pipes. The buffer grows only as bytes arrive, so
//! a length that lies about what follows allocates nothing.

use std::io::{self, Read};

/// Fits the second-level cache of anything current; larger gains nothing.
const WINDOW_LEN: usize = 256 << 10;

#[derive(Debug)]
pub(crate) struct Window<R> {
    input: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes of the input before `start`.
    offset: u64,
    finished: bool,
    error: Option<io::Error>,
    /// The last read gave less than was asked for: what comes next may take time.
    short: bool,
}

impl<R: Read> Window<R> {
    pub(crate) fn new(input: R) -> Window<R> {
        Window {
            input,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            offset: 0,
            finished: false,
            error: None,
            short: false,
        }
    }

    /// Where in the input the window begins.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// All bytes in the window.
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Read until the window holds `len` bytes; false if the input ends first.
    #[inline]
    pub(crate) fn fill(&mut self, len: usize) -> bool {
        self.end - self.start >= len || self.read_up_to(len)
    }

    /// Move the start by `len` bytes, at most to the end of the window.
    #[inline]
    pub(crate) fn consume(&mut self, len: usize) {
        let len = len.min(self.end - self.start);
        self.start += len;
        self.offset += len as u64;
    }

    /// Whether the last read came up short, so that the next one may have to wait.
    pub(crate) fn short(&self) -> bool {
        self.short
    }

    /// Whether the input ended elsewhere than at its end.
    pub(crate) fn has_failed(&self) -> bool {
        self.error.is_some()
    }

    /// Why the input ended, if not at its end.
    pub(crate) fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }

    #[cold]
    fn read_up_to(&mut self, len: usize) -> bool {
        while self.end - self.start < len {
            if self.finished {
                return false;
            }
            self.make_room(len);
            let room = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.input.read(room) {
                Ok(0) => self.finished = true,
                Ok(n) => {
                    let n = n.min(room.len());
                    self.short = n < room.len();
                    self.end += n;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.error = Some(error);
                    self.finished = true;
                }
            }
        }
        true
    }

    /// Leave room behind the end for more of a run of `len` bytes, of which some
    /// are missing.
    fn make_room(&mut self, len: usize) {
        // What is left is less than the run that is asked for, so this is cheap; but not if a large
        // one is asked for again and again, each time a little further on.
        if self.start > 0 && (len <= WINDOW_LEN || self.start + len > self.buffer.len()) {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if len <= WINDOW_LEN {
            if self.buffer.len() != WINDOW_LEN {
                // The first read, or the first behind a run that was larger.
                self.buffer.resize(WINDOW_LEN, 0);
                self.buffer.shrink_to(WINDOW_LEN);
            }
        } else if self.end == self.buffer.len() {
            // Doubling, but never past what is asked for: memory follows the
            // bytes that did come, not the length that was claimed.
            self.buffer.resize((len + len / 16).min(self.end * 2).max(WINDOW_LEN), 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives `step` bytes a read and then fails.
    struct Drip {
        left: usize,
        step: usize,
    }

    impl Read for Drip {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.left == 0 {
                return Err(io::Error::other("the disk is on fire"));
            }
            let n = self.step.min(self.left).min(buffer.len());
            buffer[..n].fill(7);
            self.left -= n;
            Ok(n)
        }
    }

    #[test]
    fn bytes_are_counted_however_they_arrive() {
        for step in [1, 3, 4096, WINDOW_LEN + 1] {
            let mut window = Window::new(Drip { left: 10_000, step });
            assert!(window.fill(6000));
            window.consume(5000);
            assert!(window.fill(5000));
            assert_eq!(window.offset(), 5000);
            window.consume(5000);
            assert!(!window.fill(1), "step {step}");
            assert_eq!(window.take_error().unwrap().to_string(), "the disk is on fire");
        }
    }

    #[test]
    fn no_more_is_consumed_than_there_is() {
        let mut window = Window::new(&[7; 100][..]);
        assert!(window.fill(60));
        window.consume(40);
        window.consume(1_000);
        assert_eq!((window.bytes(), window.offset()), (&[][..], 100));
        assert!(!window.fill(1));
    }

    #[test]
    fn a_claimed_length_allocates_only_what_arrives() {
        let mut window = Window::new(Drip { left: 1000, step: 100 });
        assert!(!window.fill(100 << 20));
        assert_eq!(window.buffer.len(), WINDOW_LEN);
        assert_eq!(window.bytes().len(), 1000);
    }

    /// Moving what is there at every read would take the square of its length: here
    /// 70 GB, and not 8 MiB.
    #[test]
    fn a_large_run_in_small_pieces_takes_time_in_proportion() {
        let started = std::time::Instant::now();
        let mut window = Window::new(Drip { left: 8 << 20, step: 512 });
        assert!(window.fill(8 << 20));
        assert!(started.elapsed().as_secs() < 3, "{:?}", started.elapsed());
    }

    #[test]
    fn a_read_that_gives_less_than_there_is_room_for_is_short() {
        for (step, short) in [(100, true), (WINDOW_LEN, false)] {
            let mut window = Window::new(Drip { left: WINDOW_LEN, step });
            assert!(!window.short());
            assert!(window.fill(50));
            assert_eq!(window.short(), short);
        }
    }

    #[test]
    fn an_interrupted_read_is_tried_again() {
        struct Interrupted(bool);
        impl Read for Interrupted {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.0 = !self.0;
                if self.0 {
                    Err(io::ErrorKind::Interrupted.into())
                } else {
                    Ok(buffer.len().min(3))
                }
            }
        }
        let mut window = Window::new(Interrupted(false));
        assert!(window.fill(10));
        assert!(window.take_error().is_none());
    }

    #[test]
    fn the_buffer_shrinks_again_behind_a_large_run() {
        let mut window = Window::new(Drip { left: 10 << 20, step: 1 << 20 });
        assert!(window.fill(5 << 20));
        assert!(window.buffer.len() <= 8 << 20);
        window.consume(5 << 20);
        assert!(window.fill(100));
        window.consume(window.bytes().len());
        assert!(window.fill(100));
        assert_eq!(window.buffer.len(), WINDOW_LEN);
        assert!(window.buffer.capacity() <= 2 * WINDOW_LEN);
    }
}
