//! Option lists: what may follow the fixed part of a block.
//!
//! Reading never fails as a whole. A list that goes wrong yields what came
//! before, then one [`BadOptions`]: a rewriter that must keep everything copies
//! such a list byte for byte, and a reader that wants one value takes it if it
//! came before the fault. Values are given as they are; text need not be UTF-8.

use std::fmt;

use crate::ByteOrder;

/// Codes of options, by the draft's names.
pub mod code {
    /// End of the list.
    pub const END: u16 = 0;
    /// `opt_comment`, of any block.
    pub const COMMENT: u16 = 1;
    /// `opt_custom` with text, not to be copied by a rewriter.
    pub const CUSTOM_TEXT_NO_COPY: u16 = 19372;
    /// `opt_custom` with bytes, not to be copied by a rewriter.
    pub const CUSTOM_BYTES_NO_COPY: u16 = 19373;

    /// `if_name`, of an Interface Description Block.
    pub const IF_NAME: u16 = 2;
    /// `if_description`.
    pub const IF_DESCRIPTION: u16 = 3;
    /// `if_tsresol`: the resolution of time stamps.
    pub const IF_TSRESOL: u16 = 9;
    /// `if_fcslen`: the length of the frame check sequence.
    pub const IF_FCSLEN: u16 = 13;
    /// `if_tsoffset`: seconds to add to time stamps.
    pub const IF_TSOFFSET: u16 = 14;

    /// `epb_flags`, of an Enhanced Packet Block; `pack_flags` of a Packet Block.
    pub const EPB_FLAGS: u16 = 2;
    /// `epb_hash`; `pack_hash` of a Packet Block.
    pub const EPB_HASH: u16 = 3;
    /// `epb_dropcount`.
    pub const EPB_DROPCOUNT: u16 = 4;
}

/// One option: its code and its value without padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opt<'a> {
    /// What the value means, within this kind of block.
    pub code: u16,
    /// The value as it stands in the file, in the section's byte order.
    pub value: &'a [u8],
}

/// An option that does not fit in its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadOptions {
    /// Where it begins, counted from the start of the list.
    pub at: usize,
    /// The bytes that it needs, with its header and padding.
    pub needs: usize,
    /// The bytes that are left.
    pub left: usize,
}

impl fmt::Display for BadOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BadOptions { at, needs, left } = self;
        write!(f, "option at byte {at} of the list needs {needs} bytes but has only {left}")
    }
}

/// The options of a block, not yet looked at.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    order: ByteOrder,
    bytes: &'a [u8],
}

impl<'a> Options<'a> {
    /// The options in `bytes`, all that follows the fixed part of a block.
    pub fn new(order: ByteOrder, bytes: &'a [u8]) -> Options<'a> {
        Options { order, bytes }
    }

    /// Whether there is nothing at all, not even an end of options.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The byte order of the values.
    pub fn order(&self) -> ByteOrder {
        self.order
    }

    /// The list as it stands in the file.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// One option after the other, up to the end of options, the end of the
    /// list, or the first that does not fit.
    //= https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcapng#section-3.5
    //# Code that reads pcapng files MUST NOT assume an option list will have an
    //# opt_endofopt option at the end
    pub fn iter(&self) -> Iter<'a> {
        Iter { order: self.order, bytes: self.bytes, at: 0 }
    }

    /// The value of the first option with this code, if it comes before any fault.
    pub fn get(&self, code: u16) -> Option<&'a [u8]> {
        self.iter().map_while(Result::ok).find(|option| option.code == code).map(|o| o.value)
    }

    /// The comments, in order, up to any fault.
    pub fn comments(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.iter().map_while(Result::ok).filter(|o| o.code == code::COMMENT).map(|o| o.value)
    }

    /// The value of the first option with this code that has this length, if it comes before any
    /// fault. One of another length says nothing, wherever it stands: so Wireshark reads them.
    pub fn sized<const N: usize>(&self, code: u16) -> Option<&'a [u8; N]> {
        let options = self.iter().map_while(Result::ok).filter(|option| option.code == code);
        options.filter_map(|option| option.value.try_into().ok()).next()
    }

    /// The value of four bytes with this code, as a number.
    pub fn u32(&self, code: u16) -> Option<u32> {
        Some(self.order.u32(*self.sized(code)?))
    }
}

/// The options of a list, one by one; made by [`Options::iter`].
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    order: ByteOrder,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = Result<Opt<'a>, BadOptions>;

    fn next(&mut self) -> Option<Self::Item> {
        let list = std::mem::take(&mut self.bytes);
        if list.is_empty() {
            return None;
        }
        let bad = |needs| Some(Err(BadOptions { at: self.at, needs, left: list.len() }));
        let Some(([c0, c1, l0, l1], rest)) = list.split_first_chunk() else { return bad(4) };
        let code = self.order.u16([*c0, *c1]);
        let len = usize::from(self.order.u16([*l0, *l1]));
        if code == code::END {
            return None;
        }
        let padded = len.next_multiple_of(4);
        let (Some(value), Some(rest)) = (rest.get(..len), rest.get(padded..)) else {
            return bad(4 + padded);
        };
        self.bytes = rest;
        self.at += 4 + padded;
        Some(Ok(Opt { code, value }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(bytes: &[u8]) -> Vec<Result<Opt<'_>, BadOptions>> {
        Options::new(ByteOrder::Little, bytes).iter().collect()
    }

    //                   code  length  value           padding
    const HI: [u8; 8] = [1, 0, 2, 0, b'h', b'i', 0xAA, 0xBB];

    #[test]
    fn a_list_may_end_without_end_of_options() {
        assert_eq!(list(&HI), [Ok(Opt { code: 1, value: b"hi" })]);
    }

    #[test]
    fn nothing_is_read_behind_the_end_of_options() {
        // Its length should be 0, but the code alone ends the list.
        for end in [[0, 0, 0, 0], [0, 0, 8, 0]] {
            let bytes = [&HI[..], &end, &HI[..]].concat();
            assert_eq!(list(&bytes).len(), 1);
        }
    }

    #[test]
    fn the_other_byte_order_is_read_as_well() {
        let bytes = [0, 1, 0, 1, b'x', 0, 0, 0];
        let options = Options::new(ByteOrder::Big, &bytes);
        assert_eq!(options.get(code::COMMENT), Some(&b"x"[..]));
    }

    #[test]
    fn comments_are_given_in_order_and_up_to_a_fault() {
        let other = [2, 0, 1, 0, b'x', 0, 0, 0];
        let bye = [1, 0, 3, 0, b'b', b'y', b'e', 0];
        let fault = [1, 0, 200, 0];
        let bytes = [&HI[..], &other, &bye, &fault, &HI].concat();
        let options = Options::new(ByteOrder::Little, &bytes);
        assert_eq!(options.comments().collect::<Vec<_>>(), [&b"hi"[..], b"bye"]);
        assert!(!options.is_empty());
        // An end of options is something, though no option.
        let end = Options::new(ByteOrder::Little, &[0; 4]);
        assert!(!end.is_empty() && end.iter().next().is_none());
        assert!(Options::new(ByteOrder::Little, &[]).is_empty());
    }

    #[test]
    fn a_value_of_another_length_says_nothing_wherever_it_stands() {
        //           code  length  value            of which the second has four bytes
        let short = [9, 0, 2, 0, 7, 7, 0, 0];
        let one = [9, 0, 4, 0, 1, 0, 0, 0];
        let two = [9, 0, 4, 0, 2, 0, 0, 0];
        let long = [9, 0, 5, 0, 7, 7, 7, 7, 7, 0, 0, 0];
        let empty = [9, 0, 0, 0];
        let other = [8, 0, 4, 0, 3, 0, 0, 0];
        let fault = [9, 0, 200, 0];
        for (list, want) in [
            (&[&one[..], &two][..], Some(1)),
            (&[&short, &empty, &long, &other, &two, &one], Some(2)),
            (&[&one, &long], Some(1)),
            (&[&short, &fault, &one], None),
            (&[&long], None),
        ] {
            let bytes = list.concat();
            let options = Options::new(ByteOrder::Little, &bytes);
            assert_eq!(options.u32(9), want, "{bytes:?}");
            assert_eq!(options.sized::<4>(9).is_some(), want.is_some());
        }
    }

    #[test]
    fn what_came_before_a_fault_is_still_given() {
        let bytes = [&HI[..], &[2, 0, 200, 0, 1, 2, 3, 4]].concat();
        let fault = BadOptions { at: 8, needs: 204, left: 8 };
        assert_eq!(list(&bytes), [Ok(Opt { code: 1, value: b"hi" }), Err(fault)]);
        assert_eq!(
            fault.to_string(),
            "option at byte 8 of the list needs 204 bytes but has only 8"
        );
    }

    #[test]
    fn a_value_whose_padding_is_missing_is_a_fault() {
        assert_eq!(list(&HI[..6]), [Err(BadOptions { at: 0, needs: 8, left: 6 })]);
    }

    #[test]
    fn every_shorter_header_is_a_fault() {
        for n in 1..4 {
            assert_eq!(list(&HI[..n]), [Err(BadOptions { at: 0, needs: 4, left: n })]);
        }
    }
}
