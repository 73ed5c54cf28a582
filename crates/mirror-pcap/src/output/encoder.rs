//! The compression that the name of an output asks for.

use std::{
    fs::File,
    io::{self, Write},
};

use lz4_flex::frame::{BlockSize, FrameEncoder, FrameInfo};
use pcapng_blocks::Compression;
use rustix::event::{PollFd, PollFlags, poll};

/// A file that compresses what is written to it, or does not.
pub(super) enum Encoder {
    Plain(Patient),
    Gzip(flate2::write::GzEncoder<Patient>),
    Zstd(Box<zstd::stream::write::Encoder<'static, Patient>>),
    Lz4(Box<FrameEncoder<Patient>>),
}

impl Encoder {
    pub(super) fn new(file: File, compression: Compression) -> io::Result<Encoder> {
        let file = Patient(file);
        Ok(match compression {
            Compression::None => Encoder::Plain(file),
            Compression::Gzip => {
                Encoder::Gzip(flate2::write::GzEncoder::new(file, flate2::Compression::default()))
            }
            Compression::Zstd => {
                // 0 is the library's default level.
                Encoder::Zstd(Box::new(zstd::stream::write::Encoder::new(file, 0)?))
            }
            Compression::Lz4 => {
                // Left to itself it takes blocks of 4 MiB, and holds several.
                let info = FrameInfo::new().block_size(BlockSize::Max256KB);
                Encoder::Lz4(Box::new(FrameEncoder::with_frame_info(info, file)))
            }
        })
    }

    /// Write `bytes`; none of them is held back if they are `urgent`, which costs
    /// a compression some of its effect.
    pub(super) fn write(&mut self, bytes: &[u8], urgent: bool) -> io::Result<()> {
        let writer: &mut dyn Write = match self {
            Encoder::Plain(file) => file,
            Encoder::Gzip(encoder) => encoder,
            Encoder::Zstd(encoder) => encoder,
            Encoder::Lz4(encoder) => encoder,
        };
        writer.write_all(bytes)?;
        if urgent { writer.flush() } else { Ok(()) }
    }

    /// Write what the compression still holds, and its end, and close the file.
    pub(super) fn finish(self) -> io::Result<()> {
        let Patient(file) = match self {
            Encoder::Plain(file) => file,
            Encoder::Gzip(encoder) => encoder.finish()?,
            Encoder::Zstd(encoder) => encoder.finish()?,
            Encoder::Lz4(encoder) => encoder.finish()?,
        };
        super::close(file)
    }
}

/// A file that is waited for where it would rather say that it is not ready: a
/// pipe keeps that habit (`O_NONBLOCK`) from whoever else has it open. Nor does an
/// interruption pass for an error.
pub(super) struct Patient(File);

impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    match poll(&mut [PollFd::new(&self.0, PollFlags::OUT)], None) {
                        Ok(_) | Err(rustix::io::Errno::INTR) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                // Not all who write try again: flate2 does not, with the end of a file.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
