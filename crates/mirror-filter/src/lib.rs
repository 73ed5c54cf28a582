#![forbid(unsafe_code)]
//! Mirror filters: what their rules say, in the words of AWS, and what they do with a packet.
//!
//! A filter is two lists of rules, one for each direction as the source ENI sees it. In each, the
//! rule with the lowest number that matches a packet decides whether it is mirrored; a packet that
//! no rule matches is not. The order in which a document lists rules means nothing, so [`Filter`]
//! keeps them in any, and whoever evaluates sorts. [`Filter::compile`] does, and checks them;
//! [`Compiled::decide`] is then asked for each packet. What a mirror does beside the rules (several
//! sessions, network services) is in [`judge()`]. [`mod@flows`] reads tables of flows, for those who have no capture.
//!
//! What a value can be is checked where it is made: a [`Cidr`] has no host bits, a [`PortRange`]
//! isn't reversed. What a document left out and what it means is not known here: `None` for a
//! protocol is "all", however it was written.
//!
//! ```
//! use mirror_filter::{Action, Decision, Filter, PortRange, Rule};
//! use mirror_wire::{Direction, Flow, Ports};
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
//!
//! let filter = Filter { rules: vec![rule], ..Filter::default() }.compile().unwrap();
//! let reply = Flow {
//!     source: [203, 0, 113, 9].into(),
//!     destination: [10, 0, 1, 15].into(),
//!     protocol: Some(6),
//!     ports: Ports::Known { source: 443, destination: 51_000 },
//! };
//! assert_eq!(
//!     filter.decide(Direction::Ingress, &reply),
//!     Decision::Rule { rule: 0, action: Action::Accept }
//! );
//! assert_eq!(filter.decide(Direction::Egress, &reply), Decision::NoRule);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod analysis;
mod cidr;
mod compile;
mod engine;
mod explain;
pub mod flows;
mod judge;
mod packet;
mod rule;
pub mod suggest;

pub use cidr::{Cidr, ParseCidrError};
pub use compile::{Compiled, Fault, RuleFault};
pub use engine::Decision;
pub use explain::{Fit, Mismatch, Tried, explain};
pub use judge::{
    Assumption, Assumptions, Judgement, NoDirection, Reason, Service, Services, Verdict, judge,
};
pub use packet::{Packet, ParsePacketError};
pub use rule::{Action, Filter, PortRange, Rule, UnknownAction};
