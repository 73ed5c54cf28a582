//! Compressed captures, told by their first bytes.
//!
//! Wireshark users keep captures compressed, so the name says nothing reliable
//! and a pipe has none. A stream that none of the three signatures begins is
//! passed through as it is.

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

/// How a stream is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, RFC 1952, one or several members.
    Gzip,
    /// Zstandard frames, RFC 8878.
    Zstd,
    /// LZ4 frames.
    Lz4,
}

impl Compression {
    /// By the first bytes of a stream.
    fn of(first: &[u8]) -> Compression {
        match first {
            [0x1F, 0x8B, ..] => Compression::Gzip,
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Compression::Zstd,
            [0x04, 0x22, 0x4D, 0x18, ..] => Compression::Lz4,
            _ => Compression::None,
        }
    }

    /// By the ending of a file's name: `.gz`, `.zst`, `.lz4`.
    pub fn of_name(name: &str) -> Compression {
        match name.rsplit_once('.') {
            Some((_, "gz")) => Compression::Gzip,
            Some((_, "zst")) => Compression::Zstd,
            Some((_, "lz4")) => Compression::Lz4,
            _ => Compression::None,
        }
    }
}

/// The stream as it was before compression, if it was compressed.
///
/// Reads the first bytes to find out. A broken stream is an error of a later read.
pub fn decompress<'r>(
    mut input: impl Read + Send + 'r,
) -> io::Result<(Box<dyn Read + Send + 'r>, Compression)> {
    let mut first = Vec::with_capacity(4);
    input.by_ref().take(4).read_to_end(&mut first)?;
    let compression = Compression::of(&first);
    let input = Cursor::new(first).chain(input);
    let reader: Box<dyn Read + Send + 'r> = match compression {
        Compression::None => Box::new(input),
        Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(input)),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(input)?),
        Compression::Lz4 => Box::new(Lz4::new(input)),
    };
    Ok((reader, compression))
}

/// LZ4 frames one after another, as `lz4 a b` and appended files make them; the
/// decoder itself stops at the end of each.
struct Lz4<R: Read>(lz4_flex::frame::FrameDecoder<BufReader<Chain<Cursor<Vec<u8>>, R>>>);

impl<R: Read> Lz4<R> {
    fn new(input: Chain<Cursor<Vec<u8>>, R>) -> Lz4<R> {
        Lz4(lz4_flex::frame::FrameDecoder::new(BufReader::new(input)))
    }
}

impl<R: Read> Read for Lz4<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buffer)? {
                0 if !buffer.is_empty() && !self.0.get_mut().fill_buf()?.is_empty() => {}
                n => return Ok(n),
            }
        }
    }
}

#[cfg(test)]
mod tests {
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
}
