//! Where a block ends whose first length is not to be believed.
//!
//! A block has its length twice, before its body and behind it. Where the first is surely wrong,
//! the second is looked for: a length that says how far back its block began, with another block
//! right behind it. The longest block that is found so is as long as the window, which is longer
//! than any packet.
//!
//! Only where the first length is *surely* wrong. A block that the capture merely ends in may be a
//! packet that somebody sent, with something in it that looks like the end of a block and like
//! others behind it; whoever sends packets must not get to write blocks.

use std::io::Read;

use crate::{ByteOrder, kind, reader::MAX_BLOCK_LEN, section::announced_order, window::Window};

/// How far is looked.
const LIMIT: usize = 256 << 10;

/// The longest block that a packet can fill. One that claims more, in a capture that has no more,
/// has a wrong length; one that claims less may be cut.
pub(crate) const LONGEST_OF_PACKETS: usize = 512 << 10;

/// Looks for ends, but not for ever: a capture can be nothing but blocks without one.
#[derive(Debug)]
pub(crate) struct Resync {
    failures_left: u32,
}

impl Resync {
    pub(crate) fn new() -> Resync {
        // 16 MiB looked through in vain. What is found is passed over, and costs nothing more.
        Resync { failures_left: 64 }
    }

    /// Finds nothing.
    pub(crate) fn none() -> Resync {
        Resync { failures_left: 0 }
    }

    /// The length of the block that begins where the window does, by its second length.
    #[cold]
    pub(crate) fn length<R: Read>(
        &mut self,
        window: &mut Window<R>,
        order: ByteOrder,
    ) -> Option<usize> {
        self.failures_left = self.failures_left.checked_sub(1)?;
        for end in (12..=LIMIT - 12).step_by(4) {
            if !window.fill(end) {
                break;
            }
            let tail = window.bytes().get(end - 4..end).and_then(<[u8]>::first_chunk);
            let is_tail = tail.is_some_and(|tail| order.u32(*tail) as usize == end);
            if is_tail && begins_block(window, order, end) {
                self.failures_left += 1;
                return Some(end);
            }
        }
        None
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
