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

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: ByteOrder = ByteOrder::Little;

    /// A block of this length, which only its second length tells, and what stands behind it.
    fn block(len: usize, behind: &[u32]) -> Vec<u8> {
        let mut bytes = [6_u32.to_le_bytes(), 0xffff_0000_u32.to_le_bytes()].concat();
        bytes.resize(len - 4, 0);
        bytes.extend(u32::try_from(len).unwrap().to_le_bytes());
        bytes.extend(behind.iter().flat_map(|word| word.to_le_bytes()));
        bytes
    }

    fn length(resync: &mut Resync, bytes: &[u8]) -> Option<usize> {
        resync.length(&mut Window::new(bytes), ORDER)
    }

    #[test]
    fn the_longest_block_that_is_found_is_as_long_as_the_window() {
        for (len, found) in
            [(16, true), (100_000, true), (LIMIT - 12, true), (LIMIT - 8, false), (LIMIT, false)]
        {
            let bytes = block(len, &[6, 32, 0, 0, 0, 0, 0, 32]);
            assert_eq!(length(&mut Resync::new(), &bytes), found.then_some(len), "{len}");
        }
    }

    #[test]
    fn what_is_found_costs_nothing_and_what_is_not_does() {
        let mut resync = Resync::new();
        let found = block(32, &[6, 32]);
        for n in 0..200 {
            assert_eq!(length(&mut resync, &found), Some(32), "{n}");
        }
        for n in 0..64 {
            assert_eq!(length(&mut resync, &[0; 64]), None, "{n}");
        }
        assert_eq!(length(&mut resync, &found), None);
        assert_eq!(length(&mut Resync::none(), &found), None);
    }

    #[test]
    fn a_block_begins_with_a_kind_that_is_usual_and_a_length_that_can_be() {
        let section = kind::SECTION;
        for (words, begins) in [
            (&[][..], true),
            (&[6], true),
            (&[6, 32], true),
            (&[1, 12], true),
            (&[6, MAX_BLOCK_LEN], true),
            (&[6, 8], false),
            (&[6, 33], false),
            (&[6, MAX_BLOCK_LEN + 4], false),
            (&[0, 32], false),
            (&[11, 32], false),
            (&[11], false),
            (&[kind::CUSTOM_NO_COPY, 32], true),
            (&[section], true),
            // Only its magic tells in which order its length is.
            (&[section, 0x1c00_0000], true),
            (&[section, 28, 0x1a2b_3c4d], true),
            (&[section, 28, 0x4d3c_2b1a], true),
            (&[section, 28, 0x1a2b_3c4e], false),
        ] {
            let bytes = block(16, words);
            let found = begins_block(&mut Window::new(&bytes[..]), ORDER, 16);
            assert_eq!(found, begins, "{words:x?}");
        }
    }

    /// Somebody may be waiting for what is in the window already.
    #[test]
    fn no_more_is_read_than_is_looked_at() {
        struct Live<'b>(&'b [u8]);
        impl Read for Live<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                if self.0.is_empty() {
                    return Err(std::io::Error::other("this would wait"));
                }
                self.0.read(buffer)
            }
        }
        let bytes = block(16, &[6, 32, 0]);
        let mut window = Window::new(Live(&bytes));
        assert!(begins_block(&mut window, ORDER, 16));
        assert!(window.take_error().is_none());
    }
}
