//! Captures as a stream of blocks, losslessly.
//!
//! A capture is a sequence of blocks; a packet is one kind of block among
//! many. Whoever rewrites a capture wants to change a few blocks and hand on
//! all the others exactly as they were, including those that nobody here has
//! heard of. So [`Reader`] gives out each block with its own bytes, decoded
//! only as far as a rewriter needs, and what is not changed is not re-encoded.
//!
//! Three things are hidden here:
//!
//! * *Byte order.* Each section of a pcapng file has its own, and a rewriter
//!   keeps it: then no option value and no unknown block ever needs swapping.
//! * *The older format.* A classic pcap file is read as one section of its own
//!   byte order with one interface, so nothing downstream knows the difference.
//! * *Damage.* Captures are cut short, flipped and forged. Damage is an event
//!   with a place among the blocks, not an error that ends the reading, unless
//!   what follows can no longer be found.
//!
//! Time stamps are never converted here on their way through: the words of a
//! block are copied, and [`Clock`] is there for who must know the second.
//!
//! "The draft" in this crate is draft-ietf-opsawg-pcapng, and for the classic
//! format draft-ietf-opsawg-pcap.
#![forbid(unsafe_code)]

mod block;
mod chains;
mod classic;
mod clock;
mod compression;
mod damage;
mod options;
mod order;
mod reader;
mod resync;
mod section;
#[cfg(test)]
mod story;
mod window;
mod write;

pub use block::{Block, Content, Form, Interface, Packet, Section, kind};
pub use clock::{Clock, Timestamp};
pub use compression::{Compression, decompress};
pub use damage::{Damage, OpenError, Problem};
pub use options::{BadOptions, Opt, Options, code};
pub use order::ByteOrder;
pub use reader::{Event, Format, MAX_BLOCK_LEN, Reader};
pub use write::{EnhancedPacket, OptionsWriter, push_block, push_packet};
