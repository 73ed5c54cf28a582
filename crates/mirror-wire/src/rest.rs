//! Where we are in a packet, and how much of it is still to come.
//!
//! Every layer has two lengths: what was captured, and what there was on the wire. Confusing them
//! is how padding, a frame check sequence or a snapped tail ends up in a mirrored frame, so both
//! travel together here, and a header is taken from both at once. When a header isn't there, the
//! pair tells whether the capture stopped too early or the packet never had it.

use crate::{Captured, NotMirrored};

/// The longest frame check sequence of the link types that are looked into.
const MAX_FCS_LEN: u8 = 4;

/// The part of a packet behind the headers taken so far.
#[derive(Clone, Copy)]
pub(crate) struct Rest<'a> {
    /// Captured bytes from here on. May reach beyond `wire`, into padding and the like, until a
    /// length field is obeyed by [`Rest::bound`].
    pub bytes: &'a [u8],
    /// Bytes on the wire from here to the end of the layer that we are in.
    pub wire: u32,
    /// Offset of `bytes` in the captured packet.
    pub at: usize,
    /// Whether a header said where this layer ends, so that nothing inside can be longer. The
    /// length that the capture gives for a packet doesn't count: some tools lose it.
    pub firm: bool,
}

impl<'a> Rest<'a> {
    /// All of `packet`, which ends before its frame check sequence.
    ///
    /// An original length below the captured one is a lie; then the captured bytes are the packet.
    /// So is a check sequence that is longer than any.
    pub fn of_packet(packet: &Captured<'a>) -> Rest<'a> {
        let captured = u32::try_from(packet.bytes.len()).unwrap_or(u32::MAX);
        let fcs_len = if packet.fcs_len > MAX_FCS_LEN { 0 } else { packet.fcs_len };
        let wire = packet.original_len.max(captured).saturating_sub(u32::from(fcs_len));
        Rest { bytes: packet.bytes, wire, at: 0, firm: false }
    }

    /// A frame of which only the captured bytes matter.
    pub fn of_frame(bytes: &'a [u8]) -> Rest<'a> {
        let wire = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        Rest { bytes, wire, at: 0, firm: true }
    }

    /// Take the `N` bytes of a header.
    ///
    /// # Errors
    ///
    /// As [`Rest::missing`].
    #[inline]
    pub fn take<const N: usize>(&mut self, short: NotMirrored) -> Result<&'a [u8; N], NotMirrored> {
        let Some((header, bytes)) = self.bytes.split_first_chunk::<N>() else {
            return Err(self.missing(N, short));
        };
        if beyond(self.wire, N) {
            return Err(short);
        }
        self.bytes = bytes;
        self.advance(N);
        Ok(header)
    }

    /// Take `len` bytes, for what has no fixed length.
    ///
    /// # Errors
    ///
    /// As [`Rest::missing`].
    #[inline]
    pub fn take_slice(&mut self, len: usize, short: NotMirrored) -> Result<&'a [u8], NotMirrored> {
        let Some((taken, bytes)) = self.bytes.split_at_checked(len) else {
            return Err(self.missing(len, short));
        };
        if beyond(self.wire, len) {
            return Err(short);
        }
        self.bytes = bytes;
        self.advance(len);
        Ok(taken)
    }

    /// Why `len` bytes aren't here: the capture ended before the packet did (`HeadersCut`), or the
    /// lengths leave no room for them (`short`).
    #[cold]
    pub fn missing(&self, len: usize, short: NotMirrored) -> NotMirrored {
        if beyond(self.wire, len) { short } else { NotMirrored::HeadersCut }
    }

    /// End this layer at `wire` bytes from here. Captured bytes beyond that are no longer seen.
    #[inline]
    pub fn bound(&mut self, wire: u32) {
        let end = usize::try_from(wire).unwrap_or(usize::MAX);
        self.bytes = self.bytes.get(..end).unwrap_or(self.bytes);
        self.wire = wire;
        self.firm = true;
    }

    /// Step over a header of `len` captured bytes that has told where its layer ends: `wire` bytes
    /// from the header's first. The captured bytes stay as they are.
    #[inline]
    pub fn step_over(&mut self, len: usize, wire: u32) {
        self.bytes = self.bytes.get(len..).unwrap_or_default();
        self.wire = wire;
        self.firm = true;
        self.advance(len);
    }

    /// How far a layer goes of which a length field says `len` bytes from here.
    #[inline]
    pub fn told(&self, len: u32) -> u32 {
        if self.firm { len.min(self.wire) } else { len }
    }

    #[inline]
    fn advance(&mut self, len: usize) {
        self.wire = self.wire.saturating_sub(u32::try_from(len).unwrap_or(u32::MAX));
        self.at += len;
    }
}

/// Whether `len` bytes reach beyond a layer of `wire` bytes.
#[inline]
fn beyond(wire: u32, len: usize) -> bool {
    u32::try_from(len).map_or(true, |len| len > wire)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: [u8; 8] = [0, 1, 2, 3, 4, 5, 6, 7];

    fn captured(original_len: u32, fcs_len: u8) -> Captured<'static> {
        Captured { link: crate::LinkType::Ethernet, bytes: &PACKET, original_len, fcs_len }
    }

    fn rest(original_len: u32, fcs_len: u8) -> Rest<'static> {
        Rest::of_packet(&captured(original_len, fcs_len))
    }

    #[test]
    fn a_header_that_the_capture_cut_is_told_from_one_that_never_was() {
        assert_eq!(rest(9, 0).take::<9>(NotMirrored::Other), Err(NotMirrored::HeadersCut));
        assert_eq!(rest(8, 0).take::<9>(NotMirrored::Other), Err(NotMirrored::Other));
        assert_eq!(rest(9, 0).take_slice(9, NotMirrored::Empty), Err(NotMirrored::HeadersCut));
        assert_eq!(rest(8, 0).take_slice(9, NotMirrored::Empty), Err(NotMirrored::Empty));
    }

    #[test]
    fn the_frame_check_sequence_is_not_part_of_the_packet() {
        assert_eq!(rest(8, 4).take::<4>(NotMirrored::Other), Ok(&[0, 1, 2, 3]));
        assert_eq!(rest(8, 4).take::<5>(NotMirrored::Other), Err(NotMirrored::Other));
        assert_eq!(rest(8, 4).take_slice(5, NotMirrored::Other), Err(NotMirrored::Other));
        // Two of its four bytes were captured.
        assert_eq!(rest(10, 4).wire, 6);
        // Longer than any.
        assert_eq!((rest(8, 5).wire, rest(8, 255).wire), (8, 8));
        // More of it than there is packet.
        let packet = Captured { bytes: &PACKET[..2], ..captured(2, 4) };
        assert_eq!(Rest::of_packet(&packet).wire, 0);
    }

    #[test]
    fn an_original_length_below_the_captured_one_is_not_believed() {
        assert_eq!(rest(0, 0).wire, 8);
        assert_eq!(rest(7, 0).wire, 8);
        assert_eq!(rest(u32::MAX, 0).wire, u32::MAX);
    }

    #[test]
    fn taking_moves_all_three_positions() {
        let mut rest = rest(100, 0);
        assert_eq!(rest.take_slice(3, NotMirrored::Other), Ok(&PACKET[..3]));
        assert_eq!((rest.bytes, rest.wire, rest.at), (&PACKET[3..], 97, 3));
        assert_eq!(rest.take::<2>(NotMirrored::Other), Ok(&[3, 4]));
        assert_eq!((rest.bytes, rest.wire, rest.at), (&PACKET[5..], 95, 5));
    }

    #[test]
    fn a_bound_cuts_what_is_captured_and_never_adds() {
        for (wire, captured) in [(3, 3), (8, 8), (900, 8), (0, 0)] {
            let mut rest = rest(8, 0);
            rest.bound(wire);
            assert_eq!((rest.bytes, rest.wire), (&PACKET[..captured], wire));
        }
    }
}
