#![forbid(unsafe_code)]
//! What a viewer of captures shows of a packet: the mirror session that it came from.
//!
//! A viewer reads a capture once in order, and then asks about one packet at a time, in whatever
//! order someone scrolls, and asks again. Each pass says the same ([`Dissector::show`]): the answer
//! depends on the packet, on what documents say, and, for directions, on what the packets before it
//! have shown, as in `strip`. That is learnt while the capture is read, and what it says of a packet
//! is kept. Of cuts nothing is learnt: one is believed only at a length that documents name.
//!
//! * **A stripped packet** is one on an interface whose description is an annotation: `strip`
//!   writes such interfaces and nobody else does. Then that is the session, whatever the frame
//!   holds, for the workload may speak VXLAN itself. Of the frame's comments the last counts that
//!   is an annotation *of this session*: a comment on a packet of another interface convinces
//!   nobody, and neither does one that names another session. What rewrites captures (editcap,
//!   mergecap, tshark) keeps the descriptions of interfaces, so nothing is lost by asking for one.
//! * **A wrapped packet** is what [`mirror_wire::decapsulate`] says it is.
//!
//! What documents say ([`Picture`]) comes from a sessions file, from rows of a table that people
//! edit in the viewer ([`Row`]), or from both ([`join`]). In a stripped capture the annotation's
//! word stands and they fill in what it leaves out.
//!
//! The texts ([`Text`]) end with a NUL and have nothing in them that a terminal obeys, because they
//! go to a program in C and from there to screens. That program is no matter of this crate, and
//! neither are files.

mod dissector;
mod learnt;
mod recent;
mod row;
mod session;
mod text;

pub use dissector::{Dissector, Doubt, Packet, Settings, Shown};
pub use mirror_session::{Direction, Picture, file, printable};
pub use mirror_wire::{LinkType, VXLAN_PORT};
pub use row::{Row, RowError, join};
pub use session::Session;
pub use text::Text;
