//! Where reading goes on behind what is broken.
//!
//! What follows is read into the window, twice the longest frame that is looked for, and searched
//! for chains of frames (see `chains`). What was found serves for all broken places of the first
//! half, so that a capture which is nothing but broken places is not looked through again and again.
//!
//! More is believed only of bytes than of a length. A block that the capture ends in may be a packet
//! that somebody sent, with something in it that looks like blocks: what lies in the data of a packet
//! whose head is sound is not looked at.

use std::io::Read;

use crate::{
    ByteOrder,
    chains::{Chains, Claim, Found, Frames, LONGEST, Place},
    kind,
    reader::MAX_BLOCK_LEN,
    section::announced_order,
    window::Window,
};

/// How much is looked at together.
const SPAN: usize = 2 * LONGEST;

/// Zeros that are passed over without a look at each.
const ZEROS: [u8; 4096] = [0; 4096];

/// Finds where reading goes on.
#[derive(Debug)]
pub(crate) struct Resync {
    is_on: bool,
    chains: Option<Chains>,
    /// Bytes that chains were made of.
    #[cfg(test)]
    pub(crate) looked_at: u64,
}

impl Resync {
    pub(crate) fn new() -> Resync {
        Resync { is_on: true, ..Resync::none() }
    }

    /// Finds nothing.
    pub(crate) fn none() -> Resync {
        Resync {
            is_on: false,
            chains: None,
            #[cfg(test)]
            looked_at: 0,
        }
    }

    /// Move the window, which begins at a broken frame, to where reading can go on. If there is
    /// no such place, the window stays empty at the end of the input.
    #[cold]
    pub(crate) fn find<R: Read, F: Frames>(
        &mut self,
        window: &mut Window<R>,
        frames: &F,
        claim: Option<Claim>,
    ) -> Option<Place> {
        if !self.is_on {
            return None;
        }
        let lost = window.offset();
        let mut from = lost + 1;
        loop {
            let chains = match self.chains.take().filter(|chains| chains.covers(from)) {
                Some(chains) => chains,
                None => {
                    skip_zeros(window);
                    from = from.max(window.offset());
                    let at_end = !window.fill(SPAN);
                    let bytes = window.bytes();
                    let bytes = bytes.get(..SPAN).unwrap_or(bytes);
                    #[cfg(test)]
                    {
                        self.looked_at += bytes.len() as u64;
                    }
                    Chains::of(frames, bytes, window.offset(), at_end)
                }
            };
            let (usable, at_end) = (chains.usable(), chains.at_end());
            let found = chains.find(lost, from, claim, |place, is_next| {
                let at = usize::try_from(place - window.offset()).unwrap_or(usize::MAX);
                frames.may_start(window.bytes().get(at..).unwrap_or_default(), is_next)
            });
            if let Found::Place(place) = found {
                consume_to(window, place.offset);
                // A table for nothing but what was passed over by now.
                self.chains = Some(chains).filter(|chains| chains.covers(place.offset));
                return Some(place);
            }
            if at_end {
                consume_to(window, usable);
                return None;
            }
            // The length before a chain is left in sight.
            consume_to(window, usable - 4);
            from = usable;
        }
    }
}

/// Move the window to a place in it.
fn consume_to<R: Read>(window: &mut Window<R>, offset: u64) {
    let len = offset.saturating_sub(window.offset());
    window.consume(usize::try_from(len).unwrap_or(usize::MAX));
}

/// What a crash or a hole in a file leaves can be longer than all the rest.
fn skip_zeros<R: Read>(window: &mut Window<R>) {
    while window.fill(ZEROS.len()) && window.bytes().starts_with(&ZEROS) {
        // A head in big-endian order begins with zeros.
        window.consume(ZEROS.len() - 4);
    }
}

/// Whether a block seems to begin `at` bytes into the window, or the capture ends there.
pub(crate) fn begins_block<R: Read>(window: &mut Window<R>, order: ByteOrder, at: usize) -> bool {
    // As far as there is something to judge by.
    let _ = window.fill(at + 12);
    let words = window.bytes().get(at..).unwrap_or_default().as_chunks::<4>().0;
    let Some(kind) = words.first() else { return true };
    if u32::from_le_bytes(*kind) == kind::SECTION {
        return words.get(2).is_none_or(|magic| announced_order(*magic).is_some());
    }
    let is_length =
        |length: u32| length >= 12 && length.is_multiple_of(4) && length <= MAX_BLOCK_LEN;
    kind::is_usual(order.u32(*kind))
        && words.get(1).is_none_or(|length| is_length(order.u32(*length)))
}

#[cfg(test)]
mod tests;
