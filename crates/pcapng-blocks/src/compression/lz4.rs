//! LZ4 frames of every kind, one after another, as `lz4` reads them.
//!
//! The decoder of lz4_flex takes one frame of the current kind. Those that are to be skipped it
//! refuses, and in a legacy frame, which has no end of its own, it does not see where the next one
//! begins.

use std::io::{self, BufReader, Read};

use lz4_flex::frame::FrameDecoder;

/// What a block of a legacy frame holds, but for the last.
const LEGACY_BLOCK: usize = 8 << 20;

/// What it takes at most: LZ4_compressBound.
const LEGACY_COMPRESSED: usize = LEGACY_BLOCK + LEGACY_BLOCK / 255 + 16;

const LEGACY: [u8; 4] = [0x02, 0x21, 0x4C, 0x18];
const CURRENT: [u8; 4] = [0x04, 0x22, 0x4D, 0x18];

/// The frames of a stream.
pub(super) struct Frames<R: Read> {
    decoder: FrameDecoder<Input<R>>,
    place: Place,
    /// What a block of a legacy frame held, and how much of that was given out.
    block: Vec<u8>,
    given: usize,
}

/// Where in the stream we are.
#[derive(Clone, Copy)]
enum Place {
    Between,
    Current,
    Legacy,
}

/// A signature that has been read already, and what stands behind it.
struct Input<R> {
    magic: io::Cursor<Vec<u8>>,
    behind: BufReader<R>,
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.magic.read(buffer)? {
            0 => self.behind.read(buffer),
            n => Ok(n),
        }
    }
}

impl<R: Read> Frames<R> {
    pub(super) fn new(input: R) -> Frames<R> {
        let behind = BufReader::new(input);
        let decoder = FrameDecoder::new(Input { magic: io::Cursor::default(), behind });
        Frames { decoder, place: Place::Between, block: Vec::new(), given: 0 }
    }

    /// A signature or the length of a block; none at the end.
    fn word(&mut self) -> io::Result<Option<[u8; 4]>> {
        let mut word = Vec::with_capacity(4);
        self.decoder.get_mut().take(4).read_to_end(&mut word)?;
        match word[..] {
            [] => Ok(None),
            [a, b, c, d] => Ok(Some([a, b, c, d])),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Begin the frame with this signature.
    fn begin(&mut self, magic: [u8; 4]) -> io::Result<()> {
        if super::is_skippable(&magic) {
            self.place = Place::Between;
            return super::skip_frame(self.decoder.get_mut());
        }
        if magic == LEGACY {
            self.place = Place::Legacy;
        } else {
            // Or no frame at all, which the decoder then says.
            self.place = Place::Current;
            self.decoder.get_mut().magic = io::Cursor::new(magic.to_vec());
        }
        Ok(())
    }

    /// Read the block of a legacy frame that has this length.
    fn legacy_block(&mut self, length: [u8; 4]) -> io::Result<()> {
        let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
        let length = u32::from_le_bytes(length) as usize;
        if length > LEGACY_COMPRESSED {
            return Err(invalid(format!("a block of {length} bytes in a legacy LZ4 frame")));
        }
        let mut compressed = Vec::new();
        self.decoder.get_mut().take(length as u64).read_to_end(&mut compressed)?;
        if compressed.len() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.given = 0;
        self.block.resize(LEGACY_BLOCK, 0);
        let result = lz4_flex::block::decompress_into(&compressed, &mut self.block);
        self.block.truncate(*result.as_ref().unwrap_or(&0));
        result.map_err(|error| invalid(error.to_string()))?;
        Ok(())
    }
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut rest = self.block.get(self.given..).unwrap_or_default();
            if !rest.is_empty() || buffer.is_empty() {
                let n = rest.read(buffer)?;
                self.given += n;
                return Ok(n);
            }
            if let Place::Current = self.place {
                match self.decoder.read(buffer)? {
                    0 => self.place = Place::Between,
                    n => return Ok(n),
                }
            }
            let Some(word) = self.word()? else { return Ok(0) };
            let is_magic = word == LEGACY || word == CURRENT || super::is_skippable(&word);
            match self.place {
                Place::Legacy if !is_magic => self.legacy_block(word)?,
                _ => self.begin(word)?,
            }
        }
    }
}
