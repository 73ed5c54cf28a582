//! What a filter does with every packet there is.
//!
//! A capture shows what a filter does with the packets in it. Here the question is about all of
//! them, and the answer is exact: nothing is sampled, and what can't be shown with a packet isn't
//! claimed. [`Analysis`] answers for one filter which rules decide some flows ([`Flows`], ranges of
//! addresses and ports), [`differences`] compares two.
//!
//! ```
//! use mirror_filter::analysis::{Analysis, Flows, differences};
//! use mirror_filter::{Action, Filter, Rule, Services};
//! use mirror_wire::Direction;
//!
//! let rule = |number, action, source: &str| Rule {
//!     direction: Direction::Ingress,
//!     number,
//!     action,
//!     protocol: None,
//!     source: source.parse().unwrap(),
//!     destination: "0.0.0.0/0".parse().unwrap(),
//!     source_ports: None,
//!     destination_ports: None,
//!     description: None,
//!     id: None,
//! };
//! let reject = rule(10, Action::Reject, "10.0.0.0/16");
//! let accept = rule(100, Action::Accept, "0.0.0.0/0");
//! let filter = Filter { rules: vec![reject, accept.clone()], ..Filter::default() };
//!
//! // What comes from 10.0.0.0/8 is mirrored in part.
//! let flows = Flows { source: "10.0.0.0/8".parse()?, ..Flows::all_v4(Direction::Ingress) };
//! let outcomes = Analysis::new(&filter, &Services::default())?.outcomes(&flows)?;
//! let words: Vec<String> =
//!     outcomes.iter().map(|one| format!("{:?} {}", one.rule, one.example)).collect();
//! assert_eq!(
//!     words,
//!     [
//!         "Some(0) ingress tcp 10.0.2.99:51000 > 10.0.1.15:443",
//!         "Some(1) ingress tcp 10.1.0.99:51000 > 10.0.1.15:443",
//!     ]
//! );
//!
//! // Without the first rule it isn't the same filter.
//! let without = Filter { rules: vec![accept], ..Filter::default() };
//! assert_eq!(differences(&filter, &without)?.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Rules are not all: network services are never mirrored, or by a switch of their own, whatever
//! rules say. So what is said of a packet is said of one that rules judge, and [`judge`](crate::judge())
//! says the same of it. Only what is about rules as such ([`differences`], that a rule is shadowed or
//! redundant) looks at all packets. Fragments and packets that were cut, which lack ports, aren't
//! asked about: what is said holds for whole packets.
//!
//! A rule that names ports but no protocol is refused when a filter is compiled. Analysed, it stands for
//! TCP and UDP.

mod cube;
mod diagram;
mod difference;
mod lint;
mod space;
mod witness;

use mirror_wire::Direction;

pub use diagram::{Budget, TooComplex};
pub use difference::{Comparison, Difference, compare, compare_within, differences};
pub use lint::{Code, Finding, Severity, Surroundings, lint, lint_within};

use crate::{Action, Cidr, Filter, Packet, PortRange, Service, Services};
use cube::{Cube, Family};
use space::Space;

/// Packets with something in common: those that a rule with these fields would match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flows {
    /// Which way they go.
    pub direction: Direction,
    /// Their protocol; nothing for all.
    pub protocol: Option<u8>,
    /// Where they come from.
    pub source: Cidr,
    /// Where they go. Of another family than `source`, these are no packets.
    pub destination: Cidr,
    /// Source ports, which make it TCP and UDP only; nothing for any, and for packets without.
    pub source_ports: Option<PortRange>,
    /// Destination ports, likewise.
    pub destination_ports: Option<PortRange>,
}

impl Flows {
    /// All IPv4 packets of a direction.
    pub fn all_v4(direction: Direction) -> Flows {
        Flows::all(direction, Family::V4)
    }

    /// All IPv6 packets of a direction.
    pub fn all_v6(direction: Direction) -> Flows {
        Flows::all(direction, Family::V6)
    }

    fn all(direction: Direction, family: Family) -> Flows {
        let (source, destination) = (family.everywhere(), family.everywhere());
        let (source_ports, destination_ports) = (None, None);
        Flows { direction, protocol: None, source, destination, source_ports, destination_ports }
    }

    fn cubes(&self) -> Vec<Cube> {
        let ports = [self.source_ports, self.destination_ports];
        Cube::of(self.protocol, [&self.source, &self.destination], ports)
    }
}

/// What becomes of some of the packets that were asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The index in [`Filter::rules`] of the rule that decides them; nothing if none matches.
    pub rule: Option<usize>,
    /// Whether they are mirrored: what the rule does, reject if there is none.
    pub action: Action,
    /// One of them.
    pub example: Packet,
}

/// What one filter's rules do, for every packet that they judge.
#[derive(Debug)]
pub struct Analysis {
    spaces: Vec<Space>,
}

impl Analysis {
    /// Analyse a filter. Rules may stand in any order; of two with one number, the first is tried
    /// first.
    pub fn new(filter: &Filter, services: &Services) -> Result<Analysis, TooComplex> {
        let (mut spaces, budget) = (Vec::new(), Budget::default());
        for direction in [Direction::Ingress, Direction::Egress] {
            for family in Family::BOTH {
                spaces.push(Space::new(filter, direction, family, services, &budget)?);
            }
        }
        Ok(Analysis { spaces })
    }

    /// Which rules decide some flows, in the order in which rules are tried, those last that no
    /// rule matches. Of one outcome, all packets that were asked about have it; of two, some have
    /// one and some the other. Those of network services have none.
    pub fn outcomes(&mut self, flows: &Flows) -> Result<Vec<Outcome>, TooComplex> {
        let cubes = flows.cubes();
        let Some(family) = cubes.first().map(|cube| cube.family) else { return Ok(Vec::new()) };
        match self.space(flows.direction, family) {
            Some(space) => space.outcomes(space.judged, &cubes),
            None => Ok(Vec::new()),
        }
    }

    /// A packet of some flows that is of a wanted network service, if there is any.
    pub fn of_service(
        &mut self,
        flows: &Flows,
        wanted: &dyn Fn(Service) -> bool,
    ) -> Result<Option<(Service, Packet)>, TooComplex> {
        for cube in flows.cubes() {
            let Some(space) = self.space(flows.direction, cube.family) else { continue };
            if let Some(found) = space.of_service(&cube, wanted)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// A packet of some flows with one action, if there is any: `None` for reject means that all of
    /// them are mirrored that rules judge.
    pub fn any(&mut self, flows: &Flows, action: Action) -> Result<Option<Packet>, TooComplex> {
        for cube in flows.cubes() {
            let Some(space) = self.space(flows.direction, cube.family) else { continue };
            if let Some(found) = space.any(&cube, action)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn space(&mut self, direction: Direction, family: Family) -> Option<&mut Space> {
        self.spaces
            .iter_mut()
            .find(|space| space.direction == direction && space.family() == family)
    }
}

#[cfg(test)]
mod tests;
