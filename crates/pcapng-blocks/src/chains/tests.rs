use mirror_testkit::random::Random;

use super::*;

/// Frames so small that random bytes are full of them: a length, anything, and the length again.
struct Toy;

impl Frames for Toy {
    const HEAD: usize = 2;

    fn head(&self, bytes: &[u8]) -> Option<Head> {
        let &[len @ 2..=9, _, ..] = bytes else { return None };
        Some(Head { len: len.into(), order: ByteOrder::Little, opens_section: false })
    }

    fn is_whole(&self, frame: &[u8], head: Head) -> bool {
        frame.last().is_some_and(|last| usize::from(*last) == head.len)
    }

    fn len_of_last(&self, bytes: &[u8], _: ByteOrder) -> Option<usize> {
        let len = usize::from(*bytes.last()?);
        (len >= 2).then_some(len)
    }

    fn may_start(&self, _: &[u8], _: bool) -> bool {
        true
    }
}

/// The end of the frame that begins here, if there is one.
fn frame(bytes: &[u8], start: usize) -> Option<usize> {
    let len = usize::from(*bytes.get(start)?);
    let end = start + len;
    ((2..=9).contains(&len) && bytes.get(end - 1) == Some(&bytes[start])).then_some(end)
}

/// Each frame followed by hand: how many there are from here on, where the last ends, and whether
/// nothing but the end of all ends it.
fn walk(bytes: &[u8], start: usize, at_end: bool) -> (u32, usize, bool) {
    let (mut count, mut at) = (0, start);
    while let Some(end) = frame(bytes, at) {
        (count, at) = (count + 1, end);
    }
    let goes_on = match &bytes[at..] {
        [] => true,
        _ if at_end => false,
        [_] => true,
        [len, ..] => (2..=9).contains(len) && usize::from(*len) > bytes.len() - at,
    };
    (count, at, goes_on)
}

/// What the module says in words, in the time that it takes.
fn slow(bytes: &[u8], lost: usize, claim: Option<Claim>, at_end: bool) -> Found {
    let starts: Vec<usize> = (0..bytes.len()).filter(|at| frame(bytes, *at).is_some()).collect();
    let is_first = |at: usize| !starts.iter().any(|start| frame(bytes, *start) == Some(at));
    // Where the broken frame before a chain began.
    let origin = |at: usize| {
        let len = usize::from(*bytes[..at].last()?);
        (is_first(at) && len >= 2).then(|| at.checked_sub(len)).flatten()
    };
    let is_next = |at: usize| origin(at) == Some(lost);
    let same = |a: usize, b: usize| walk(bytes, a, at_end).1 == walk(bytes, b, at_end).1;
    let first = starts.iter().copied().find(|at| {
        let (count, end, goes_on) = walk(bytes, *at, at_end);
        let in_claim = claim.is_some_and(|claim| {
            (*at as u64) < claim.data_end
                && claim.end.is_none_or(|claimed| !goes_on && end as u64 <= claimed + SLACK)
        });
        *at > lost && (count >= 3 || goes_on || is_next(*at)) && !in_claim
    });
    let Some(mut at) = first else { return Found::Nothing };
    loop {
        let (count, end, goes_on) = walk(bytes, at, at_end);
        let later = || starts.iter().copied().filter(move |other| *other > at);
        // Told in the order of what they tell of.
        let around = later()
            .filter(|other| origin(*other).is_some_and(|o| o + 8 >= lost && o <= at))
            .filter(|other| !same(*other, at))
            .filter(|other| {
                let (_, other_end, other_goes_on) = walk(bytes, *other, at_end);
                other_goes_on || !goes_on && other_end >= end
            })
            .min_by_key(|other| (origin(*other), *other));
        if let Some(other) = around {
            if goes_on {
                return Found::Nothing;
            }
            at = other;
            continue;
        }
        let across = later().filter(|other| !goes_on && *other < end + 2).find(|other| {
            let (other_count, other_end, other_goes_on) = walk(bytes, *other, at_end);
            !same(*other, at) && (other_goes_on || other_end > end && other_count >= count)
        });
        match across {
            Some(other) => at = other,
            None => {
                return Found::Place(Place { offset: at as u64, is_next: is_next(at) });
            }
        }
    }
}

#[test]
fn what_is_found_in_one_pass_is_what_following_every_frame_by_hand_finds() {
    let mut random = Random::new(7);
    let (mut places, mut doubts) = (0, 0);
    for round in 0..20_000 {
        let len = usize::try_from(random.between(0, 60)).unwrap();
        let most = random.between(3, 9);
        let byte = |_| u8::try_from(random.between(0, most)).unwrap();
        let bytes: Vec<u8> = (0..len).map(byte).collect();
        let lost = usize::try_from(random.between(0, 20)).unwrap();
        let claim = (random.between(0, 2) == 0).then(|| {
            let data_end = random.between(0, 40);
            let end = (random.between(0, 2) > 0).then(|| data_end + random.between(0, 9));
            Claim { data_end, end }
        });
        // The usable part is all of it here, for the other half is longer than these bytes.
        let found =
            Chains::of(&Toy, &bytes, 0, true)
                .find(lost as u64, lost as u64 + 1, claim, |_, _| true);
        let want = slow(&bytes, lost, claim, true);
        assert_eq!(found, want, "{round}: {bytes:?}, {lost} lost, {claim:?}");
        places += u32::from(matches!(found, Found::Place(_)));
        doubts += u32::from(found == Found::Nothing);
        // And every chain of it is as long as it looks, whether or not more is to come.
        let chains = Chains::of(&Toy, &bytes, 0, false);
        for node in &chains.nodes {
            let chain = &chains.chains[node.chain as usize];
            let want = walk(&bytes, node.start as usize, false);
            assert_eq!((node.count, chain.end as usize, chain.goes_on), want, "{bytes:?}");
        }
        let starts = (0..len).filter(|at| frame(&bytes, *at).is_some());
        assert!(starts.eq(chains.nodes.iter().map(|node| node.start as usize)));
    }
    assert!(places > 1_000 && doubts > 1_000, "{places}, {doubts}");
}
