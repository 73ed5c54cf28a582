#![forbid(unsafe_code)]
//! Mirror filters as data: what their rules say, in the words of AWS.
//!
//! A filter is two lists of rules, one for each direction as the source ENI sees it. In each, the
//! rule with the lowest number that matches a packet decides whether it is mirrored; a packet that
//! no rule matches is not. The order in which a document lists rules means nothing, so [`Filter`]
//! keeps them in any, and whoever evaluates sorts.
//!
//! What a value can be is checked where it is made: a [`Cidr`] has no host bits, a [`PortRange`]
//! isn't reversed. What a document left out and what it means is not known here: `None` for a
//! protocol is "all", however it was written.
//!
//! ```
//! use mirror_filter::{Action, PortRange, Rule};
//! use mirror_wire::Direction;
//!
//! let rule = Rule {
//!     direction: Direction::Ingress,
//!     number: 100,
//!     action: Action::Accept,
//!     protocol: Some(6),
//!     source: "0.0.0.0/0".parse()?,
//!     destination: "10.0.0.0/16".parse()?,
//!     source_ports: PortRange::new(443, 443),
//!     destination_ports: None,
//!     description: None,
//!     id: None,
//! };
//! assert_eq!(rule.to_string(), "ingress 100 accept tcp 0.0.0.0/0 443 > 10.0.0.0/16");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cidr;
mod rule;

pub use cidr::{Cidr, ParseCidrError};
pub use rule::{Action, Filter, PortRange, Rule, UnknownAction};
