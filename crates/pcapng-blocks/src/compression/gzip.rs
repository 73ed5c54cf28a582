//! gzip members, as gzip itself reads them: one after another, then perhaps zeros.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;

/// As large as flate2's own.
const BUFFER_LEN: usize = 32 << 10;

/// The members of a stream; none behind its end.
pub(super) struct Members<R>(Option<GzDecoder<BufReader<R>>>);

impl<R: Read> Members<R> {
    pub(super) fn new(input: R) -> Members<R> {
        Members(Some(GzDecoder::new(BufReader::with_capacity(BUFFER_LEN, input))))
    }
}

impl<R: Read> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(member) = &mut self.0 else { return Ok(0) };
            match member.read(buffer)? {
                0 if !buffer.is_empty() => {}
                n => return Ok(n),
            }
            let is_last = ends(member.get_mut())?;
            let next = self.0.take().filter(|_| !is_last);
            self.0 = next.map(|member| GzDecoder::new(member.into_inner()));
        }
    }
}

/// Whether no member follows: there is nothing, or nothing but zeros, which tapes and devices leave
/// to fill their last block.
fn ends(input: &mut impl BufRead) -> io::Result<bool> {
    let mut zeros = 0;
    loop {
        let bytes = input.fill_buf()?;
        let Some(first) = bytes.first() else { return Ok(true) };
        if *first != 0 {
            break;
        }
        let len = bytes.iter().take_while(|byte| **byte == 0).count();
        input.consume(len);
        zeros += len as u64;
    }
    if zeros == 0 {
        return Ok(false);
    }
    let what = format!("{zeros} zeros behind gzip's end, and then something else");
    Err(io::Error::new(io::ErrorKind::InvalidData, what))
}
