//! Compressed captures, told by their first bytes.
//!
//! Wireshark users keep captures compressed, so the name says nothing reliable
//! and a pipe has none. A stream that none of the signatures begins is passed
//! through as it is. What their own tools read of a stream is read here too:
//! several parts one after another, frames that are to be skipped, and zeros
//! behind gzip.

use std::io::{self, Cursor, Read};

mod gzip;
mod lz4;

/// How a stream is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, RFC 1952, one or several members.
    Gzip,
    /// Zstandard frames, RFC 8878.
    Zstd,
    /// LZ4 frames, legacy ones too.
    Lz4,
}

impl Compression {
    /// By the first bytes of a stream.
    fn of(first: &[u8]) -> Compression {
        match first {
            [0x1F, 0x8B, ..] => Compression::Gzip,
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Compression::Zstd,
            [0x04, 0x22, 0x4D, 0x18, ..] | [0x02, 0x21, 0x4C, 0x18, ..] => Compression::Lz4,
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
    loop {
        first.clear();
        input.by_ref().take(4).read_to_end(&mut first)?;
        // The signature is the same for both, so what comes behind it tells.
        if !is_skippable(&first) {
            break;
        }
        skip_frame(&mut input)?;
    }
    let compression = Compression::of(&first);
    let input = Cursor::new(first).chain(input);
    let reader: Box<dyn Read + Send + 'r> = match compression {
        Compression::None => Box::new(input),
        Compression::Gzip => Box::new(gzip::Members::new(input)),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(input)?),
        Compression::Lz4 => Box::new(lz4::Frames::new(input)),
    };
    Ok((reader, compression))
}

/// Whether a frame of zstd or LZ4 begins so that is to be skipped, as `pzstd` and writers of
/// seekable files put their sizes and tables into.
//= https://www.rfc-editor.org/rfc/rfc8878#section-3.1.2
//# 0x184D2A5?, which means any value from 0x184D2A50 to 0x184D2A5F. All 16 values are valid to
//# identify a skippable frame.
fn is_skippable(magic: &[u8]) -> bool {
    matches!(magic, [0x50..=0x5F, 0x2A, 0x4D, 0x18])
}

/// Pass over such a frame, behind its signature.
fn skip_frame(input: &mut impl Read) -> io::Result<()> {
    let mut len = [0; 4];
    input.read_exact(&mut len)?;
    let len = u64::from(u32::from_le_bytes(len));
    if io::copy(&mut input.take(len), &mut io::sink())? == len {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

#[cfg(test)]
mod tests;
