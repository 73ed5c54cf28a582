//! Answers that were given lately.
//!
//! Nearly all packets ask what one of the packets before them asked, and the answer takes a map and
//! some text. So the last answers are kept, in a fixed number of places that a question is led to
//! by a few of its bits. Whoever makes all questions fall on one place gains nothing but the time
//! that an answer takes; and an answer depends on its question alone, so nothing shows whether it
//! was kept.

/// The last answers, in so many places.
#[derive(Debug)]
pub(crate) struct Recent<K, V, const PLACES: usize> {
    places: Box<[Option<(K, V)>]>,
}

impl<K, V, const PLACES: usize> Default for Recent<K, V, PLACES> {
    fn default() -> Recent<K, V, PLACES> {
        Recent { places: std::iter::repeat_with(|| None).take(PLACES).collect() }
    }
}

impl<K, V, const PLACES: usize> Recent<K, V, PLACES> {
    /// The answer to the question that `is_it` knows; found out by `answer` if it isn't there.
    ///
    /// `bits` leads to its place, and has to be the same for the same question.
    #[inline]
    pub(crate) fn get(
        &mut self,
        bits: u32,
        is_it: impl FnOnce(&K) -> bool,
        answer: impl FnOnce() -> (K, V),
    ) -> Option<&mut V> {
        let place = self.places.get_mut(bits as usize % PLACES)?;
        if !place.as_ref().is_some_and(|(kept, _)| is_it(kept)) {
            *place = Some(answer());
        }
        place.as_mut().map(|(_, value)| value)
    }

    /// The questions whose answers are kept.
    #[cfg(test)]
    pub(crate) fn questions(&self) -> impl Iterator<Item = &K> {
        self.places.iter().flatten().map(|(question, _)| question)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The oracle keeps nothing.
        #[test]
        fn what_is_kept_is_what_would_be_found_out(
            questions in prop::collection::vec((0u32..80, 0u32..3), 0..200),
        ) {
            let mut recent = Recent::<_, _, 64>::default();
            for (bits, more) in questions {
                let question = (bits, more);
                let answer = recent.get(
                    bits,
                    |kept| *kept == question,
                    || (question, bits * 10 + more),
                );
                prop_assert_eq!(answer.copied(), Some(bits * 10 + more));
            }
        }
    }

    #[test]
    fn a_question_that_was_just_answered_is_not_asked_again() {
        let mut recent = Recent::<_, _, 64>::default();
        let mut asked = 0;
        for question in [1, 1, 1, 65, 65, 1] {
            recent.get(
                question,
                |kept| *kept == question,
                || {
                    asked += 1;
                    (question, ())
                },
            );
        }
        assert_eq!(asked, 3, "1, then 65 in its place, then 1 again");
    }
}
