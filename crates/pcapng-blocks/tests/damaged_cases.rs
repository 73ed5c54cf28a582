//! The damaged captures of `testdata/`, each with what is found in it and what is said of the rest.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that meets the impossible should stop"
)]

mod common;

use common::Reading;
use mirror_testkit::cases;

/// The damaged captures of `testdata/`: how many packets are given out, and what is
/// said of the rest.
const DAMAGED: &[(&str, usize, &[&str])] = &[
    (
        "001-cut-in-block-header",
        3,
        &["byte 492: the capture ends 6 bytes into a block or record of 12 (fatal)"],
    ),
    (
        "002-cut-in-packet",
        3,
        &["byte 492: the capture ends 162 bytes into a block or record of 192 (fatal)"],
    ),
    (
        "003-trailer-mismatch",
        7,
        &["byte 492: block length is 192 before the body but 188 after it (packet)"],
    ),
    (
        "004-length-not-multiple-of-four",
        7,
        &[
            "byte 492: block length is 150, expected a multiple of 4 and at least 12; passed over up to byte 684",
        ],
    ),
    (
        "005-length-under-12",
        7,
        &[
            "byte 492: block length is 8, expected a multiple of 4 and at least 12; passed over up to byte 684",
        ],
    ),
    (
        "006-length-huge",
        7,
        &[
            "byte 492: block length is 4294967280, more than the 134479872 that are read; passed over up to byte 684",
        ],
    ),
    (
        "007-captured-length-beyond-block",
        7,
        &[
            "byte 492: packet claims 4294967040 captured bytes but its block holds 160 (packet)",
            "byte 684: packet claims 4294967295 captured bytes but its block holds 104 (packet)",
            "byte 820: packet claims 2000 captured bytes but its block holds 176 (packet)",
        ],
    ),
    (
        "008-undeclared-interface",
        7,
        &[
            "byte 492: names interface 1, but this section has described only 1 so far (packet)",
            "byte 636: names interface 4294967295, but this section has described only 1 so far (packet)",
            "byte 780: names interface 7, but this section has described only 1 so far (packet)",
            "byte 924: names interface 3, but this section has described only 1 so far",
        ],
    ),
    (
        "009-packet-body-too-short",
        7,
        &[
            "byte 492: enhanced packet block has a body of 16 bytes, expected at least 20 (packet)",
            "byte 520: enhanced packet block has a body of 0 bytes, expected at least 20 (packet)",
        ],
    ),
    ("010-bad-option-list", 9, &[]),
    (
        "011-zero-tail",
        6,
        &["byte 1028: block length is 0, expected a multiple of 4 and at least 12 (fatal)"],
    ),
    (
        "012-bad-magic-in-second-section",
        6,
        &[
            "byte 492: section header has 1a 2b 3c 4e for a byte-order magic, expected 1a 2b 3c 4d or its reverse",
            "byte 520: belongs to a section whose header is broken",
            "byte 560: belongs to a section whose header is broken (packet)",
        ],
    ),
    (
        "013-pcap-record-too-long",
        4,
        &[
            "byte 400: record claims 2147483647 captured bytes, more than the 262144 possible; passed over up to byte 574",
        ],
    ),
    (
        "014-pcap-cut",
        3,
        &["byte 400: the capture ends 56 bytes into a block or record of 174 (fatal)"],
    ),
    (
        "015-interface-body-too-short",
        7,
        &["byte 492: interface description block has a body of 4 bytes, expected at least 8"],
    ),
    ("016-unknown-version-section", 6, &[]),
    ("017-not-utf8-comment", 9, &[]),
    (
        "018-trailing-garbage",
        6,
        &["byte 1028: the capture ends 42 bytes into a block or record of 1648115308 (fatal)"],
    ),
    (
        "019-length-zero",
        7,
        &[
            "byte 492: block length is 0, expected a multiple of 4 and at least 12; passed over up to byte 684",
        ],
    ),
    (
        "020-first-length-too-small",
        7,
        &["byte 492: block length is 8 before the body but 192 after it (packet)"],
    ),
    (
        "021-first-length-four-more",
        7,
        &["byte 492: block length is 196 before the body but 192 after it (packet)"],
    ),
    (
        "022-first-length-four-less",
        7,
        &["byte 492: block length is 188 before the body but 192 after it (packet)"],
    ),
    (
        "023-first-length-huge",
        7,
        &["byte 492: block length is 4294967280 before the body but 192 after it (packet)"],
    ),
    (
        "024-first-length-in-other-order",
        7,
        &["byte 492: block length is 3221225472 before the body but 192 after it (packet)"],
    ),
    (
        "025-first-length-past-the-end",
        7,
        &["byte 492: block length is 1048576 before the body but 192 after it (packet)"],
    ),
    (
        "026-second-length-zero",
        7,
        &["byte 492: block length is 192 before the body but 0 after it (packet)"],
    ),
    (
        "027-second-length-huge",
        7,
        &["byte 492: block length is 192 before the body but 4294967295 after it (packet)"],
    ),
    (
        "028-both-lengths-in-other-order",
        7,
        &[
            "byte 492: block length is 3221225472, more than the 134479872 that are read; passed over up to byte 684",
        ],
    ),
    (
        "029-cut-behind-length",
        3,
        &["byte 492: the capture ends 8 bytes into a block or record of 192 (fatal)"],
    ),
    (
        "030-cut-in-second-length",
        3,
        &["byte 492: the capture ends 190 bytes into a block or record of 192 (fatal)"],
    ),
    (
        "031-cut-where-a-block-ends",
        3,
        &["byte 492: the capture ends 188 bytes into a block or record of 192 (fatal)"],
    ),
    (
        "032-zeros-between-blocks",
        7,
        &[
            "byte 492: block length is 0, expected a multiple of 4 and at least 12; passed over up to byte 500",
        ],
    ),
    (
        "033-text-between-blocks",
        7,
        &[
            "byte 492: block length is 757932092, more than the 134479872 that are read; passed over up to byte 500",
        ],
    ),
    (
        "034-byte-missing",
        7,
        &[
            "byte 492: block length is 192 before the body but 100663296 after it; passed over up to byte 683",
        ],
    ),
    (
        "035-byte-inserted",
        7,
        &[
            "byte 492: block length is 192 before the body but 49152 after it; passed over up to byte 685",
        ],
    ),
    (
        "036-packet-block-captured-length",
        7,
        &[
            "byte 492: packet claims 4294967040 captured bytes but its block holds 160 (packet)",
            "byte 684: packet claims 2000 captured bytes but its block holds 104 (packet)",
        ],
    ),
    (
        "037-packet-block-body-too-short",
        7,
        &["byte 492: packet block has a body of 12 bytes, expected at least 20 (packet)"],
    ),
    (
        "038-simple-packet-body-too-short",
        7,
        &["byte 492: simple packet block has a body of 0 bytes, expected at least 4 (packet)"],
    ),
    (
        "039-simple-packet-beyond-block",
        7,
        &["byte 492: packet claims 256 captured bytes but its block holds 4 (packet)"],
    ),
    (
        "040-statistics-body-too-short",
        7,
        &["byte 492: interface statistics block has a body of 8 bytes, expected at least 12"],
    ),
    (
        "041-captured-length-one-more",
        7,
        &["byte 492: packet claims 161 captured bytes but its block holds 160 (packet)"],
    ),
    (
        "042-captured-length-rounds-to-zero",
        7,
        &["byte 492: packet claims 4294967293 captured bytes but its block holds 160 (packet)"],
    ),
    ("043-original-below-captured", 9, &[]),
    ("044-largest-time", 9, &[]),
    ("045-resolution-out-of-range", 9, &[]),
    ("046-options-of-wrong-length", 8, &[]),
    ("047-options-without-end", 8, &[]),
    ("048-interface-option-past-the-end", 8, &[]),
    ("049-section-option-past-the-end", 7, &[]),
    ("050-secrets-past-the-end", 7, &[]),
    ("051-names-past-the-end", 7, &[]),
    ("052-custom-without-number", 7, &[]),
    ("053-unknown-block", 7, &[]),
    (
        "054-section-body-too-short",
        5,
        &[
            "byte 492: section header block has a body of 8 bytes, expected at least 16",
            "byte 512: belongs to a section whose header is broken",
            "byte 552: belongs to a section whose header is broken (packet)",
            "byte 744: belongs to a section whose header is broken (packet)",
        ],
    ),
    (
        "055-section-cut-in-magic",
        3,
        &["byte 492: the capture ends 10 bytes into a block or record of 28 (fatal)"],
    ),
    (
        "056-section-in-the-wrong-order",
        3,
        &["byte 520: the capture ends 712 bytes into a block or record of 671088640 (fatal)"],
    ),
    (
        "057-section-lengths-differ",
        3,
        &[
            "byte 492: block length is 28 before the body but 32 after it",
            "byte 520: belongs to a section whose header is broken",
            "byte 560: belongs to a section whose header is broken (packet)",
            "byte 752: belongs to a section whose header is broken (packet)",
            "byte 888: belongs to a section whose header is broken (packet)",
            "byte 1096: belongs to a section whose header is broken (packet)",
        ],
    ),
    (
        "058-section-length-under-12",
        3,
        &[
            "byte 492: block length is 4 before the body but 28 after it",
            "byte 520: belongs to a section whose header is broken",
            "byte 560: belongs to a section whose header is broken (packet)",
            "byte 752: belongs to a section whose header is broken (packet)",
            "byte 888: belongs to a section whose header is broken (packet)",
            "byte 1096: belongs to a section whose header is broken (packet)",
        ],
    ),
    ("059-section-length-lies", 7, &[]),
    (
        "060-packets-without-interface",
        7,
        &[
            "byte 520: names interface 0, but this section has described only 0 so far (packet)",
            "byte 664: names interface 0, but this section has described only 0 so far (packet)",
            "byte 792: names interface 0, but this section has described only 0 so far",
        ],
    ),
    (
        "061-interface-lengths-differ",
        7,
        &[
            "byte 492: block length is 40 before the body but 12 after it",
            "byte 532: names interface 1, whose description is broken (packet)",
        ],
    ),
    (
        "062-interface-first-length-wrong",
        7,
        &[
            "byte 492: block length is 7 before the body but 40 after it",
            "byte 532: names interface 1, whose description is broken (packet)",
        ],
    ),
    (
        "063-cut-in-interface",
        3,
        &["byte 492: the capture ends 14 bytes into a block or record of 40 (fatal)"],
    ),
    (
        "064-pcap-cut-in-record-header",
        3,
        &["byte 400: the capture ends 9 bytes into a block or record of 16 (fatal)"],
    ),
    (
        "065-pcap-snaplen-0",
        4,
        &[
            "byte 574: record claims 268435455 captured bytes, more than the 262144 possible (fatal)",
        ],
    ),
    (
        "066-pcap-snaplen-largest",
        4,
        &[
            "byte 574: record claims 268435455 captured bytes, more than the 134217728 possible (fatal)",
        ],
    ),
    (
        "067-pcap-length-in-other-order",
        4,
        &[
            "byte 400: record claims 2650800128 captured bytes, more than the 262144 possible; passed over up to byte 574",
        ],
    ),
    ("068-pcap-original-below-captured", 5, &[]),
    ("069-pcap-more-than-a-second", 5, &[]),
    (
        "070-pcap-zero-tail",
        3,
        &[
            "byte 400: a record of 0 of 0 bytes at 0 seconds does not fit those before it, and none that fits follows (fatal)",
        ],
    ),
    (
        "071-pcap-with-pcapng-behind-it",
        3,
        &[
            "byte 400: record claims 439041101 captured bytes, more than the 262144 possible (fatal)",
        ],
    ),
    (
        "072-zeros-over-three-blocks",
        5,
        &[
            "byte 492: block length is 192 before the body but 0 after it; passed over up to byte 1028",
        ],
    ),
    (
        "073-blocks-in-a-packet-without-head",
        7,
        &[
            "byte 492: block length is 0, expected a multiple of 4 and at least 12; passed over up to byte 1180",
        ],
    ),
];

#[test]
fn the_damaged_cases_give_every_packet_that_can_be_found() {
    let cases = cases::all();
    let damaged = cases.iter().filter(|case| case.folder.starts_with("damaged/"));
    assert_eq!(damaged.count(), DAMAGED.len(), "each case has its line above");
    for (name, packets, damages) in DAMAGED {
        let case = cases.iter().find(|case| case.folder == format!("damaged/{name}")).unwrap();
        let reading = Reading::of(&case.bytes[..]);
        assert_eq!(reading.packets.len(), *packets, "{name}");
        assert_eq!(reading.damages, *damages, "{name}");
    }
}
