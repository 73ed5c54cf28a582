//! The compression that the name of an output asks for.

use std::{
    fs::File,
    io::{self, Write},
};

use pcapng_blocks::Compression;

/// A file that compresses what is written to it, or does not.
pub(super) enum Encoder {
    Plain(File),
    Gzip(flate2::write::GzEncoder<File>),
    Zstd(Box<zstd::stream::write::Encoder<'static, File>>),
    Lz4(Box<lz4_flex::frame::FrameEncoder<File>>),
}

impl Encoder {
    pub(super) fn new(file: File, compression: Compression) -> io::Result<Encoder> {
        Ok(match compression {
            Compression::None => Encoder::Plain(file),
            Compression::Gzip => {
                Encoder::Gzip(flate2::write::GzEncoder::new(file, flate2::Compression::default()))
            }
            Compression::Zstd => {
                // 0 is the library's default level.
                Encoder::Zstd(Box::new(zstd::stream::write::Encoder::new(file, 0)?))
            }
            Compression::Lz4 => Encoder::Lz4(Box::new(lz4_flex::frame::FrameEncoder::new(file))),
        })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Encoder::Plain(file) => file.write_all(bytes),
            Encoder::Gzip(encoder) => encoder.write_all(bytes),
            Encoder::Zstd(encoder) => encoder.write_all(bytes),
            Encoder::Lz4(encoder) => encoder.write_all(bytes),
        }
    }

    /// Write what the compression still holds, and its end.
    pub(super) fn finish(self) -> io::Result<()> {
        match self {
            Encoder::Plain(_) => {}
            Encoder::Gzip(encoder) => drop(encoder.finish()?),
            Encoder::Zstd(encoder) => drop(encoder.finish()?),
            Encoder::Lz4(encoder) => drop(encoder.finish()?),
        }
        Ok(())
    }
}
