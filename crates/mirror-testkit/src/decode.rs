//! Captures read back, by a decoder that is slow, obvious and nobody else's.
//!
//! It reads the whole file at once, copies everything it shows, and judges nothing: a
//! packet of an undeclared interface is shown with the number it names. Where a
//! file is damaged the decoder goes on as far as block lengths can be believed and
//! then says where it stopped and why. It does not search for the next sound block;
//! so a picture of a damaged file shows what is certain, not all that can be saved.

mod describe;
mod dump;
mod pcap;
mod pcapng;

pub use describe::describe;
pub use dump::dump;
pub use pcap::{PcapFile, Record, pcap};
pub use pcapng::{Block, Content, Options, Pcapng, pcapng};

/// Where reading ended before the end of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Offset of the block or record that can't be read.
    pub offset: usize,
    /// Why, in words.
    pub why: String,
}
