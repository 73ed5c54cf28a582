//! From bytes to blocks.
//!
//! The framing of pcapng is all that this module trusts, and it trusts it
//! step by step: a length must be possible, then the bytes must be there, then
//! the copy of the length behind them must agree. A block that breaks a rule
//! inside a sound frame is one lost block, and so is one whose first length is
//! wrong, if the second says where it ends (see `resync`). A frame without any
//! believable length ends the reading, for nothing says where the next one begins.

use std::{io::Read, mem};

use crate::{
    Block, ByteOrder, Damage, OpenError, Problem,
    classic::Classic,
    kind,
    resync::{LONGEST_OF_PACKETS, Resync, begins_block},
    section::{SectionState, announced_order},
    window::Window,
};

/// The longest block that is read: as much as the longest that Wireshark
/// accepts, a D-Bus message of 128 MiB with its options.
pub const MAX_BLOCK_LEN: u32 = (128 << 20) + (256 << 10);

/// The file format of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// pcapng.
    Pcapng,
    /// Classic pcap, of either resolution.
    Pcap,
}

/// What comes next in a capture.
#[derive(Debug)]
pub enum Event<'a> {
    /// A block.
    Block(Block<'a>),
    /// A broken place. Reading goes on behind it unless it is fatal.
    Damage(Damage),
}

/// Reads a capture block by block, in bounded memory.
#[derive(Debug)]
pub struct Reader<R> {
    window: Window<R>,
    /// Bytes of the window that the last event was made of.
    taken: usize,
    source: Source,
    ended: bool,
}

#[derive(Debug)]
enum Source {
    Pcapng(SectionState, Resync),
    Pcap(Classic),
}

/// One frame found in the window.
struct Frame {
    kind: u32,
    len: usize,
}

impl<R: Read> Reader<R> {
    /// Begin to read a capture, which must not be compressed (see [`crate::decompress`]).
    ///
    /// # Errors
    ///
    /// If it is no capture that can be read, or if it ends within its first header.
    pub fn open(input: R) -> Result<Reader<R>, OpenError> {
        let mut window = Window::new(input);
        if !window.fill(4) {
            return Err(match window.take_error() {
                Some(error) => OpenError::Read(error),
                None if window.bytes().is_empty() => OpenError::Empty,
                None => OpenError::NotACapture { found: window.bytes().to_vec() },
            });
        }
        let source = match window.bytes().first_chunk() {
            Some(&[0x0A, 0x0D, 0x0D, 0x0A]) => {
                check_first_section(&mut window)?;
                // Read again as the first event; until then the order means nothing.
                Source::Pcapng(SectionState::new(ByteOrder::Little), Resync::new())
            }
            Some(magic) => Source::Pcap(Classic::open(*magic, &mut window)?),
            None => return Err(OpenError::Empty),
        };
        Ok(Reader { window, taken: 0, source, ended: false })
    }

    /// The file format.
    pub fn format(&self) -> Format {
        match self.source {
            Source::Pcapng(..) => Format::Pcapng,
            Source::Pcap(_) => Format::Pcap,
        }
    }

    /// Whether the next event has to be waited for: the input gave less than it
    /// was asked for, and what it gave holds no further block. The moment to
    /// flush what was written so far.
    pub fn must_wait(&self) -> bool {
        let bytes = self.window.bytes().get(self.taken..).unwrap_or_default();
        // A block that fills the buffer to the brim leaves no room for a short read.
        (self.window.short() || bytes.is_empty())
            && !self.ended
            && match &self.source {
                Source::Pcapng(section, _) => !section.has_block(bytes),
                Source::Pcap(classic) => !classic.has_record(bytes),
            }
    }

    /// The next block or broken place; `None` at the end of the capture.
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend its buffer")]
    pub fn next(&mut self) -> Option<Event<'_>> {
        self.window.consume(mem::take(&mut self.taken));
        if self.ended {
            return None;
        }
        let offset = self.window.offset();
        // A block leaves at once, made where the caller wants it; what is passed on is copied.
        let damage = match &mut self.source {
            Source::Pcapng(section, resync) => {
                match next_frame(&mut self.window, section, resync, offset) {
                    Ok(Some(frame)) => {
                        self.taken = frame.len;
                        let bytes = self.window.bytes().get(..frame.len).unwrap_or_default();
                        match section.read(frame.kind, offset, bytes) {
                            Ok(block) => return Some(Event::Block(block)),
                            Err(damage) => Some(damage),
                        }
                    }
                    Ok(None) => None,
                    Err((damage, skip)) => {
                        self.taken = skip;
                        Some(damage)
                    }
                }
            }
            Source::Pcap(classic) => {
                let (event, taken) = classic.next(&mut self.window);
                self.taken = taken;
                match event {
                    Some(Ok(block)) => return Some(Event::Block(block)),
                    Some(Err(damage)) => Some(damage),
                    None => None,
                }
            }
        };
        self.ended = damage.as_ref().is_none_or(|damage| damage.fatal);
        damage.map(Event::Damage)
    }
}

/// A file whose very first block is broken was no capture to begin with.
fn check_first_section<R: Read>(window: &mut Window<R>) -> Result<(), OpenError> {
    let mut section = SectionState::new(ByteOrder::Little);
    // Behind a first block without a believable length nothing makes it a capture.
    let result = match next_frame(window, &mut section, &mut Resync::none(), 0) {
        Ok(Some(frame)) => {
            let bytes = window.bytes().get(..frame.len).unwrap_or_default();
            section.read(frame.kind, 0, bytes).map(|_| ()).map_err(|damage| damage.problem)
        }
        Ok(None) => return Err(OpenError::Empty),
        Err((damage, _)) => Err(damage.problem),
    };
    match result {
        Ok(()) => Ok(()),
        Err(Problem::Cut { left, .. }) => Err(OpenError::Cut { left }),
        Err(Problem::Read(error)) => Err(OpenError::Read(error)),
        Err(problem) => Err(OpenError::BadSection(problem)),
    }
}

/// Find the next frame. An error comes with the bytes to skip.
#[inline]
fn next_frame<R: Read>(
    window: &mut Window<R>,
    section: &mut SectionState,
    resync: &mut Resync,
    offset: u64,
) -> Result<Option<Frame>, (Damage, usize)> {
    let fatal = |problem| (Damage { offset, problem, packet: false, fatal: true }, 0);
    if !window.fill(8) {
        return match (window.take_error(), window.bytes().len() as u64) {
            (Some(error), _) => Err(fatal(Problem::Read(error))),
            (None, 0) => Ok(None),
            (None, left) => Err(fatal(Problem::Cut { needs: 12, left })),
        };
    }
    let [kind_bytes, length_bytes, ..] = window.bytes().as_chunks::<4>().0 else {
        return Ok(None);
    };
    let (kind_bytes, length_bytes) = (*kind_bytes, *length_bytes);
    if u32::from_le_bytes(kind_bytes) == kind::SECTION {
        //= https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcapng#section-4.1
        //# This number can be used to distinguish sections that have been saved on
        //# little-endian machines from the ones saved on big-endian machines
        // So the magic comes before the length, which cannot be read without it.
        if !window.fill(12) {
            return Err(fatal(cut(window, offset, 28)));
        }
        let magic = window.bytes().get(8..).and_then(<[u8]>::first_chunk);
        let magic = magic.copied().unwrap_or_default();
        let Some(order) = announced_order(magic) else {
            return Err(fatal(Problem::BadMagic { found: magic }));
        };
        // Not to be believed before the whole block was found sound.
        *section = SectionState::new(order);
    }
    let kind = section.order.u32(kind_bytes);
    let length = section.order.u32(length_bytes);
    // The damage if the second length, and not this one, is right.
    let mut second = |section: &mut SectionState, window: &mut Window<R>| {
        let len = resync.length(window, section.order)?;
        let tail = u32::try_from(len).ok()?;
        let problem = Problem::LengthMismatch { head: length, tail };
        Some((section.lost(kind, offset, problem), len))
    };
    if length < 12 || !length.is_multiple_of(4) {
        let problem = Problem::BadLength { length };
        return Err(second(section, window).unwrap_or_else(|| fatal(problem)));
    }
    let len = length as usize;
    if length > MAX_BLOCK_LEN {
        if let Some(found) = second(section, window) {
            return Err(found);
        }
        skip_long_block(window, offset, len).map_err(fatal)?;
        return Err((section.lost(kind, offset, Problem::TooLong { length }), 4));
    }
    if !window.fill(len) {
        let found = if len > LONGEST_OF_PACKETS { second(section, window) } else { None };
        return Err(found.unwrap_or_else(|| fatal(cut(window, offset, len))));
    }
    let tail = window.bytes().get(len - 4..).and_then(<[u8]>::first_chunk);
    let tail = section.order.u32(tail.copied().unwrap_or_default());
    if tail != length {
        // If a block begins where this one should end, the second length is the wrong one.
        if !begins_block(window, section.order, len)
            && let Some(found) = second(section, window)
        {
            return Err(found);
        }
        let problem = Problem::LengthMismatch { head: length, tail };
        return Err((section.lost(kind, offset, problem), len));
    }
    Ok(Some(Frame { kind, len }))
}

/// Move behind a block that is too long to hold, up to its second length. The
/// block begins at `offset`, where the window does.
fn skip_long_block<R: Read>(
    window: &mut Window<R>,
    offset: u64,
    len: usize,
) -> Result<(), Problem> {
    let mut rest = len - 4;
    while rest > 0 {
        if !window.fill(1) {
            return Err(cut(window, offset, len));
        }
        let step = window.bytes().len().min(rest);
        window.consume(step);
        rest -= step;
    }
    if window.fill(4) { Ok(()) } else { Err(cut(window, offset, len)) }
}

/// Why a block that begins at `offset` and needs `len` bytes is not there.
fn cut<R: Read>(window: &mut Window<R>, offset: u64, len: usize) -> Problem {
    match window.take_error() {
        Some(error) => Problem::Read(error),
        None => {
            let left = window.offset() - offset + window.bytes().len() as u64;
            Problem::Cut { needs: len as u64, left }
        }
    }
}

#[cfg(test)]
mod tests;
