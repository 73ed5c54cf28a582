#![no_std]
#![forbid(unsafe_code)]
//! Headers down to the mirrored frame, and back.
//!
//! What a traffic mirror delivers is a frame inside `Ethernet / IP / UDP 4789 / VXLAN`, and behind
//! a Gateway Load Balancer all of that inside one GENEVE. This crate decides which captured packets
//! are such packets, hands out the frame with its two lengths (captured, and on the wire), and can
//! build the same headers again. The decision stands in one place, [`decapsulate`], because two
//! programs have to agree on it: the one that strips captures and the one that shows them.
//!
//! | Question | Answer |
//! |---|---|
//! | Is this packet a mirrored frame, and whose? | [`decapsulate`], [`Mirrored`], [`NotMirrored`] |
//! | Which addresses are in that frame, how long was it before the mirror cut it? | [`Inner`] |
//! | What would a mirror put around this frame? | [`Wrapper`] |
//!
//! Packets are hostile input that arrives at millions a second: nothing here allocates, does I/O,
//! or can panic on any bytes, and every length that comes from a packet is bounded before use.

mod decapsulate;
mod error;
mod flow;
mod geneve;
mod inner;
mod ip;
mod link;
mod name;
mod rest;
mod udp;
mod vxlan;
mod wrap;

pub use decapsulate::{Captured, Mirrored, decapsulate};
pub use error::NotMirrored;
pub use geneve::GENEVE_PORT;
pub use inner::Inner;
pub use link::LinkType;
pub use name::{Endpoint, Mac, ParseEndpointError, ParseMacError, Vni};
pub use vxlan::VXLAN_PORT;
pub use wrap::{Headers, MixedFamilies, TooLong, Wrapper};
