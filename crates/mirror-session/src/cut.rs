//! Whether the mirror cut a frame, and how long the frame was before.
//!
//! A session cuts frames at its PacketLength, and at an ENI target at the target's MTU. Nothing on
//! the wire says so: the outer lengths describe what is left. Only the frame's own IP header still
//! promises the old length. That promise alone is not believed, because frames exist that
//! promise more than they ever had (broken senders, TSO taken for a length, deliberate lies), and
//! an original length made up for those would hide from Wireshark the very fault someone looks for.
//!
//! A cut has a mark of its own: all frames of a session that were cut are equally long, and none of
//! that session is longer. So a promise is believed when the frame is as long as a cut that someone
//! named, or when no longer frame came in that session before it. Looking forward only, the first
//! short frame of a session with a false promise is believed: the price of never going back.

/// What one session's frames have shown of its cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CutSense {
    longest: u32,
}

/// How long a frame was on the wire at the source ENI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// As long as it arrived: it promises no more than that, or promises nothing.
    Whole,
    /// The session cut it; it had this many bytes, from the Ethernet header on.
    CutFrom(u32),
    /// It promises more than arrived, yet longer frames of its session were not cut: the
    /// promise is false, and the frame was as long as it arrived.
    Exceeds,
}

impl CutSense {
    /// Judge the next frame of the session.
    ///
    /// * `inner_len`: bytes of the frame as it left the wrapper (not as captured: a capture's
    ///   own snaplen is no cut of the session's).
    /// * `promised`: bytes of the frame by its own IP header, `Inner::promised_len`.
    /// * `cuts`: frame lengths in bytes at which this session is said to cut; none is an empty
    ///   slice.
    pub fn observe(&mut self, inner_len: u32, promised: Option<u32>, cuts: &[u32]) -> Length {
        let longest_before = self.longest;
        self.longest = longest_before.max(inner_len);
        match promised {
            Some(promised) if promised > inner_len => {
                if inner_len >= longest_before || cuts.contains(&inner_len) {
                    Length::CutFrom(promised)
                } else {
                    Length::Exceeds
                }
            }
            _ => Length::Whole,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_frame_that_promises_no_more_than_it_has_is_whole() {
        let mut cut = CutSense::default();
        assert_eq!(cut.observe(100, None, &[]), Length::Whole);
        assert_eq!(cut.observe(100, Some(100), &[]), Length::Whole);
        // Ethernet padding: the frame is longer than its IP packet.
        assert_eq!(cut.observe(60, Some(54), &[]), Length::Whole);
        assert_eq!(cut.observe(60, Some(54), &[60]), Length::Whole);
    }

    #[test]
    fn frames_as_long_as_the_longest_were_cut() {
        let mut cut = CutSense::default();
        assert_eq!(cut.observe(100, Some(1_414), &[]), Length::CutFrom(1_414));
        assert_eq!(cut.observe(60, Some(60), &[]), Length::Whole);
        assert_eq!(cut.observe(100, Some(101), &[]), Length::CutFrom(101));
    }

    #[test]
    fn a_longer_frame_before_makes_the_promise_false() {
        let mut cut = CutSense::default();
        assert_eq!(cut.observe(101, None, &[]), Length::Whole);
        assert_eq!(cut.observe(100, Some(1_414), &[]), Length::Exceeds);
        // One that comes later can't be known.
        assert_eq!(cut.observe(101, Some(1_414), &[]), Length::CutFrom(1_414));
    }

    #[test]
    fn a_cut_that_someone_named_is_believed_at_that_length_only() {
        let mut cut = CutSense::default();
        cut.observe(1_500, None, &[]);
        assert_eq!(cut.observe(100, Some(1_414), &[128, 100]), Length::CutFrom(1_414));
        assert_eq!(cut.observe(99, Some(1_414), &[128, 100]), Length::Exceeds);
        assert_eq!(cut.observe(101, Some(1_414), &[128, 100]), Length::Exceeds);
    }

    #[test]
    fn a_false_promise_counts_as_a_frame_of_its_length() {
        let mut cut = CutSense::default();
        cut.observe(300, None, &[]);
        assert_eq!(cut.observe(200, Some(400), &[]), Length::Exceeds);
        assert_eq!(cut.observe(300, Some(400), &[]), Length::CutFrom(400));
        assert_eq!(cut.observe(301, Some(400), &[]), Length::CutFrom(400));
        assert_eq!(cut.observe(300, Some(400), &[]), Length::Exceeds);
    }

    proptest! {
        /// The oracle keeps every length and asks the question as it is put in words.
        #[test]
        fn agrees_with_one_who_remembers_all_frames(
            frames in prop::collection::vec((0u32..20, prop::option::of(0u32..20)), 0..40),
            cuts in prop::collection::vec(0u32..20, 0..3),
        ) {
            let mut sense = CutSense::default();
            let mut before: Vec<u32> = Vec::new();
            for (len, promised) in frames {
                let believed = cuts.contains(&len) || !before.iter().any(|&other| other > len);
                let want = match promised {
                    None => Length::Whole,
                    Some(p) if p <= len => Length::Whole,
                    Some(p) if believed => Length::CutFrom(p),
                    Some(_) => Length::Exceeds,
                };
                prop_assert_eq!(sense.observe(len, promised, &cuts), want);
                before.push(len);
            }
        }
    }
}
