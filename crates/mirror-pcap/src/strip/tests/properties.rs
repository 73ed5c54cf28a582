//! Properties of `strip` over captures made at random.

use mirror_testkit::decode::pcapng;
use proptest::prelude::*;

use super::{
    story::{Detail, Story, Told},
    support::{Steps, drive, sound, strip, strip_args},
};
use crate::strip::Stripper;

fn told() -> impl Strategy<Value = Told> {
    let comment = prop_oneof![Just(Detail::Short), Just(Detail::Full), Just(Detail::None)];
    let lengths = prop::option::of(prop_oneof![Just(40u32), Just(64), Just(100)]);
    (any::<bool>(), any::<bool>(), comment, lengths, prop::option::weighted(0.2, 1u32..3)).prop_map(
        |(only_mirrored, keep_nocopy, comment, packet_length, vni)| Told {
            only_mirrored,
            keep_nocopy,
            comment,
            packet_length,
            vni,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Every block of the output is the one that the story wants there, and the counts
    /// are those that the story has kept.
    #[test]
    fn every_block_is_what_a_slow_and_obvious_strip_makes(
        seed in any::<u64>(), steps in 1usize..80, told in told(),
    ) {
        let story = Story::tell(seed, steps, told.clone());
        let input = story.bytes();
        let stripped = strip(&told.options(), &input);
        let compared = story.compare(&pcapng(&input).blocks, &sound(&stripped.bytes));
        prop_assert_eq!(compared, Ok(()));
        prop_assert_eq!(stripped.counts.totals(), story.totals);
        prop_assert_eq!(stripped.counts.reasons(), story.reasons);
        prop_assert_eq!(stripped.counts.notes(), story.notes);
    }

    /// Never strip twice: not a byte changes, whatever the workload speaks.
    #[test]
    fn strip_of_a_stripped_capture_changes_nothing(
        seed in any::<u64>(), steps in 1usize..80, told in told(),
    ) {
        let once = strip(&told.options(), &Story::tell(seed, steps, told.clone()).bytes());
        let twice = strip(&told.options(), &once.bytes);
        prop_assert_eq!(twice.counts.totals()[0], 0);
        prop_assert!(once.bytes == twice.bytes, "{}\n{}", once.picture(), twice.picture());
    }

    /// However the bytes arrive, the output is the same.
    #[test]
    fn the_size_of_reads_does_not_matter(
        seed in any::<u64>(), steps in 1usize..60, told in told(),
    ) {
        let input = Story::tell(seed, steps, told.clone()).bytes();
        let args = strip_args(&told.options());
        let run = |step| drive(&mut Stripper::new(&args, None), Steps(&input, step)).unwrap();
        let whole = run(usize::MAX);
        prop_assert!(run(1) == whole);
        prop_assert!(run(7) == whole);
        prop_assert!(run(4096) == whole);
    }
}

/// Frames that are VXLAN themselves, two and three deep.
#[test]
fn a_workload_that_speaks_vxlan_keeps_its_own() {
    let case = mirror_testkit::cases::all();
    let case = case.iter().find(|case| case.folder == "captures/nested-vxlan").unwrap();
    for options in ["", "--comment none", "--comment full", "--only-mirrored"] {
        let once = strip(options, &case.bytes);
        assert_eq!(once.counts.totals(), [3, 0, 0], "{options}");
        // Whoever asks otherwise the second time gets the same.
        for second in ["", "--comment none", "--comment full"] {
            let twice = strip(second, &once.bytes);
            assert_eq!(twice.counts.totals(), [0, 3, 0], "{options}, then {second}");
            assert!(twice.bytes == once.bytes, "{options}, then {second}");
        }
    }
}

/// Sound or damaged, and of every format.
#[test]
fn the_size_of_reads_does_not_matter_to_any_case() {
    let args = strip_args("");
    for case in mirror_testkit::cases::all() {
        let run = |step| drive(&mut Stripper::new(&args, None), Steps(&case.bytes, step)).ok();
        let whole = run(usize::MAX);
        assert!(run(1) == whole, "{}", case.folder);
        assert!(run(4096) == whole, "{}", case.folder);
    }
}
