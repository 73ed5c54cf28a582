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
//! | Is it a copy of a packet that another session has mirrored too? | [`Imprint`] |
//! | What do the rules of a mirror filter see of a packet? | [`Flow`] |
//! | What would a mirror put around this frame? | [`Wrapper`] |
//!
//! ```
//! use mirror_wire::{Captured, LinkType, VXLAN_PORT, Vni, Wrapper, decapsulate};
//!
//! let frame = [0x5a; 60];
//! let (source, target) = ([10, 0, 1, 15].into(), [10, 0, 2, 1].into());
//! let wrapper = Wrapper::new(source, target, Vni::new(308_308).unwrap())?;
//! let bytes = [&wrapper.headers(&frame, 60)?[..], &frame].concat();
//!
//! // As a capture has it that kept the first 100 bytes.
//! let packet =
//!     Captured { link: LinkType::Ethernet, bytes: &bytes[..100], original_len: 110, fcs_len: 0 };
//! let mirrored = decapsulate(&packet, &[VXLAN_PORT])?;
//! assert_eq!((mirrored.source, mirrored.vni.get()), (source, 308_308));
//! assert_eq!((mirrored.inner, mirrored.inner_len), (&frame[..50], 60));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Packets are hostile input that arrives at millions a second: nothing here allocates, does I/O,
//! or can panic on any bytes, and every length that comes from a packet is bounded before use.

mod decapsulate;
mod direction;
mod error;
mod flow;
mod geneve;
mod headers;
mod imprint;
mod inner;
mod ip;
mod link;
mod name;
mod rest;
mod tuple_hash;
mod udp;
mod vxlan;
mod wrap;

pub use decapsulate::{Captured, Mirrored, decapsulate};
pub use direction::{Direction, UnknownDirection};
pub use error::NotMirrored;
pub use flow::{Flow, Missing, NoFlow, Ports, Seen};
pub use geneve::GENEVE_PORT;
pub use headers::Headers;
pub use imprint::Imprint;
pub use inner::Inner;
pub use link::LinkType;
pub use name::{Endpoint, Mac, ParseEndpointError, ParseMacError, Vni};
pub use vxlan::VXLAN_PORT;
pub use wrap::{MixedFamilies, TooLong, Wrapper};
