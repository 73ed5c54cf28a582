//! From bytes to blocks.
//!
//! The framing of pcapng is all that this module trusts, and it trusts it
//! step by step: a length must be possible, then the bytes must be there, then
//! the copy of the length behind them must agree. A block that breaks a rule
//! inside a sound frame is one lost block. Behind a frame that is not sound, the
//! next ones are looked for (see `resync`); if its second length says that it ends
//! where they begin, it is one lost block too, and else all up to there is passed
//! over.

use std::{io::Read, mem};

use crate::{
    Block, ByteOrder, Damage, OpenError, Problem,
    chains::Claim,
    classic::Classic,
    kind,
    resync::{Resync, begins_block},
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
    if !window.fill(8) {
        return match (window.take_error(), window.bytes().len() as u64) {
            (Some(error), _) => Err((fatal(offset, Problem::Read(error)), 0)),
            (None, 0) => Ok(None),
            (None, left) => Err((fatal(offset, Problem::Cut { needs: 12, left }), 0)),
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
            return Err((fatal(offset, cut(window, 28)), 0));
        }
        let magic = window.bytes().get(8..).and_then(<[u8]>::first_chunk);
        let magic = magic.copied().unwrap_or_default();
        let order = announced_order(magic);
        // Not to be believed before the whole block was found sound. What follows is in any case
        // no more of the section before.
        *section = SectionState::new(order.unwrap_or(section.order));
        if order.is_none() {
            return Err(search(window, section, resync, Problem::BadMagic { found: magic }));
        }
    }
    let kind = section.order.u32(kind_bytes);
    let length = section.order.u32(length_bytes);
    if length < 12 || !length.is_multiple_of(4) {
        return Err(search(window, section, resync, Problem::BadLength { length }));
    }
    let len = length as usize;
    if length > MAX_BLOCK_LEN {
        return Err(search(window, section, resync, Problem::TooLong { length }));
    }
    if !window.fill(len) {
        if window.has_failed() {
            return Err((fatal(offset, cut(window, len)), 0));
        }
        let left = window.bytes().len() as u64;
        return Err(search(window, section, resync, Problem::Cut { needs: len as u64, left }));
    }
    let tail = window.bytes().get(len - 4..).and_then(<[u8]>::first_chunk);
    let tail = section.order.u32(tail.copied().unwrap_or_default());
    if tail != length {
        let problem = Problem::LengthMismatch { head: length, tail };
        // If a block begins where this one should end, the second length is the wrong one; but not
        // within what the packet has captured.
        let is_sound = section.data_len(window.bytes()).is_some();
        if is_sound && begins_block(window, section.order, len) {
            return Err((section.lost(kind, offset, problem), len));
        }
        return Err(search(window, section, resync, problem));
    }
    Ok(Some(Frame { kind, len }))
}

/// Damage with nothing behind it.
fn fatal(offset: u64, problem: Problem) -> Damage {
    Damage { offset, problem, packet: false, passed_to: None, fatal: true }
}

/// Pass over the block that the window begins with, and over all behind it until others are found.
#[cold]
fn search<R: Read>(
    window: &mut Window<R>,
    section: &mut SectionState,
    resync: &mut Resync,
    problem: Problem,
) -> (Damage, usize) {
    let offset = window.offset();
    let [kind, length, ..] = window.bytes().as_chunks::<4>().0 else {
        return (fatal(offset, problem), 0);
    };
    let (kind, length) = (section.order.u32(*kind), section.order.u32(*length));
    let is_cut = matches!(problem, Problem::Cut { .. });
    let claim = section.data_len(window.bytes()).map(|data_len| Claim {
        data_end: offset + data_len as u64,
        end: (!is_cut).then_some(offset + u64::from(length)),
    });
    let damage = match resync.find(window, section, claim) {
        // Else nobody knows what it was.
        Some(place) if place.is_next && kind::is_usual(kind) => {
            let tail = u32::try_from(place.offset - offset).unwrap_or_default();
            let differ = Problem::LengthMismatch { head: length, tail };
            section.lost(kind, offset, if tail == length { problem } else { differ })
        }
        Some(place) => {
            let passed_to = Some(place.offset);
            Damage { offset, problem, packet: false, passed_to, fatal: false }
        }
        // What failed is told next.
        None if window.has_failed() => {
            let passed_to = Some(window.offset());
            Damage { offset, problem, packet: false, passed_to, fatal: false }
        }
        None => {
            let (needs, left) = (u64::from(length), window.offset() - offset);
            let is_cut = matches!(problem, Problem::TooLong { .. }) && left < needs;
            fatal(offset, if is_cut { Problem::Cut { needs, left } } else { problem })
        }
    };
    (damage, 0)
}

/// Why the block that the window begins with, which needs `len` bytes, is not there.
fn cut<R: Read>(window: &mut Window<R>, len: usize) -> Problem {
    match window.take_error() {
        Some(error) => Problem::Read(error),
        None => {
            let left = window.bytes().len() as u64;
            Problem::Cut { needs: len as u64, left }
        }
    }
}

#[cfg(test)]
impl<R> Reader<R> {
    /// Bytes that were looked at to find blocks.
    pub(crate) fn looked_at(&self) -> u64 {
        match &self.source {
            Source::Pcapng(_, resync) => resync.looked_at,
            Source::Pcap(classic) => classic.looked_at(),
        }
    }
}

#[cfg(test)]
mod tests;
