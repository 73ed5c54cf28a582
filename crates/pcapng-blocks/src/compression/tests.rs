use std::io::Write;

use super::*;

fn back(bytes: &[u8]) -> (io::Result<Vec<u8>>, Compression) {
    let (mut reader, compression) = decompress(bytes).unwrap();
    let mut all = Vec::new();
    (reader.read_to_end(&mut all).map(|_| all), compression)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    let mut writer = lz4_flex::frame::FrameEncoder::new(Vec::new());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// Two compressed halves appended to one another, as `cat a.gz b.gz` makes them.
#[test]
fn each_kind_is_told_by_its_first_bytes_and_may_come_in_several_parts() {
    type Compress = fn(&[u8]) -> Vec<u8>;
    let kinds: [(Compression, Compress); 4] = [
        (Compression::None, <[u8]>::to_vec),
        (Compression::Gzip, gzip),
        (Compression::Zstd, |bytes| zstd::encode_all(bytes, 1).unwrap()),
        (Compression::Lz4, lz4),
    ];
    for (kind, compress) in kinds {
        let twice = [compress(b"one, "), compress(b"two")].concat();
        let (text, found) = back(&twice);
        assert_eq!(text.unwrap(), b"one, two", "{kind:?}");
        assert_eq!(found, kind);
    }
}

#[test]
fn a_stream_shorter_than_a_signature_is_passed_through() {
    let zstd = [0x28, 0xB5, 0x2F];
    for n in 0..=zstd.len() {
        let (bytes, compression) = back(&zstd[..n]);
        assert_eq!((bytes.unwrap().as_slice(), compression), (&zstd[..n], Compression::None));
    }
}

#[test]
fn a_cut_stream_is_an_error_after_what_could_be_read() {
    let whole = gzip(&[7; 5000]);
    let (mut reader, _) = decompress(&whole[..whole.len() - 9]).unwrap();
    let mut all = Vec::new();
    assert!(reader.read_to_end(&mut all).is_err());
    assert!(!all.is_empty());
}

#[test]
fn names_are_told_by_their_ending() {
    assert_eq!(Compression::of_name("a.pcapng.zst"), Compression::Zstd);
    assert_eq!(Compression::of_name("a.pcap.gz"), Compression::Gzip);
    assert_eq!(Compression::of_name(".lz4"), Compression::Lz4);
    assert_eq!(Compression::of_name("a.gz.pcapng"), Compression::None);
    assert_eq!(Compression::of_name("gz"), Compression::None);
}

/// What `lz4 -l`, `lz4`, `zstd`, `pzstd` and `gzip -n` make of these two words, each.
const LEGACY: [&[u8]; 2] = [b"\x02!L\x18\x06\0\0\0Pone, ", b"\x02!L\x18\x04\0\0\x000two"];
const PZSTD: &[u8] = b"P*M\x18\x04\0\0\0\x12\0\0\0(\xb5/\xfd\x04X)\0\0one, \xe9S\xcc\xcb";
const SKIPPED: [&[u8]; 3] =
    [b"P*M\x18\0\0\0\0", b"_*M\x18\x03\0\0\0abc", b"V*M\x18\x08\0\0\0\x02!L\x18\x02!L\x18"];

/// In front, between and behind, as `zstd -d` and `lz4 -d` read them.
#[test]
fn frames_that_are_to_be_skipped_are() {
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
    let both = |one: &dyn Fn(&[u8]) -> Vec<u8>| [one(b"one, "), one(b"two")];
    let kinds = [
        (Compression::Zstd, both(&zstd)),
        (Compression::Lz4, both(&lz4)),
        (Compression::Lz4, LEGACY.map(<[u8]>::to_vec)),
        (Compression::Lz4, [lz4(b"one, "), LEGACY[1].to_vec()]),
        (Compression::Lz4, [LEGACY[0].to_vec(), lz4(b"two")]),
        (Compression::Zstd, [PZSTD.to_vec(), zstd(b"two")]),
    ];
    for (kind, [one, two]) in &kinds {
        for skipped in SKIPPED {
            for stream in [
                [one, two, skipped].concat(),
                [one, skipped, two].concat(),
                [skipped, one, two].concat(),
                [SKIPPED[1], skipped, one, skipped, SKIPPED[2], two, skipped, skipped].concat(),
            ] {
                let (text, found) = back(&stream);
                assert_eq!((text.unwrap().as_slice(), found), (&b"one, two"[..], *kind));
                for cut in stream.len() - skipped.len() + 1..stream.len() {
                    if stream.ends_with(skipped) {
                        assert!(back(&stream[..cut]).0.is_err(), "{kind:?} cut at {cut}");
                    }
                }
            }
        }
    }
    // There is nothing in it, and so no capture.
    assert_eq!(back(SKIPPED[1]).0.unwrap(), b"");
}

/// Blocks of 8 MiB, then a shorter one, then another frame: as `lz4 -l` makes them of a file.
#[test]
fn a_legacy_frame_has_blocks_until_another_frame_begins() {
    let text: Vec<u8> = (0..20_000_000_u32).map(|n| (n / 1000).to_le_bytes()[0]).collect();
    let mut stream = LEGACY[0][..4].to_vec();
    for block in text.chunks(8 << 20) {
        let block = lz4_flex::block::compress(block);
        stream.extend(u32::try_from(block.len()).unwrap().to_le_bytes());
        stream.extend(block);
    }
    stream.extend(LEGACY[1]);
    stream.extend(lz4(b", three"));
    let (found, kind) = back(&stream);
    assert_eq!(kind, Compression::Lz4);
    assert!(found.unwrap() == [&text[..], b"two, three"].concat());
}

#[test]
fn a_legacy_frame_that_is_cut_or_lies_is_an_error() {
    for n in 4..LEGACY[0].len() {
        let cut = back(&LEGACY[0][..n]).0;
        assert_eq!(cut.is_ok(), n == 4, "{n}");
    }
    let most = 8_421_520_u32;
    for (length, error) in [
        (most, "unexpected end of file"),
        (most + 1, "a block of 8421521 bytes in a legacy LZ4 frame"),
    ] {
        let stream = [&LEGACY[0][..4], &length.to_le_bytes(), b"Pone, "].concat();
        assert_eq!(back(&stream).0.unwrap_err().to_string(), error);
    }
    // It says that there is more to come, and more than a block can hold.
    let endless = [&[0x1F, b'a', 1, 0][..], &[0xFF; 40_000], &[0, 0]].concat();
    let length = u32::try_from(endless.len()).unwrap().to_le_bytes();
    assert!(back(&[&LEGACY[0][..4], &length, &endless].concat()).0.is_err());
    assert!(back(&[&LEGACY[0][..4], &[0; 4]].concat()).0.is_err());
}

/// As gzip reads them: zeros are passed over if nothing follows, members if nothing is between.
#[test]
fn zeros_behind_gzip_are_passed_over_and_what_follows_them_is_an_error() {
    let (one, two) = (gzip(b"one, "), gzip(b"two"));
    for zeros in [1, 2, 511, 100_000] {
        let zeros = vec![0; zeros];
        assert_eq!(back(&[&one[..], &two, &zeros].concat()).0.unwrap(), b"one, two");
        for behind in [&two[..], b"x"] {
            let (mut reader, _) =
                decompress(Cursor::new([&one[..], &zeros, behind].concat())).unwrap();
            let mut all = Vec::new();
            let error = reader.read_to_end(&mut all).unwrap_err();
            assert_eq!(all, b"one, ");
            let n = zeros.len();
            let text = format!("{n} zeros behind gzip's end, and then something else");
            assert_eq!(error.to_string(), text);
        }
    }
    assert!(back(&[&one[..], b"x"].concat()).0.is_err());
}
