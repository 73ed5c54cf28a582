//! Packets, folded into flows: what rules are looked for.
//!
//! By a filter without rules every packet that rules could judge comes out as one that no rule
//! matches, and what no rule can have any say in (services, no direction) as something else.

use std::{collections::HashMap, path::PathBuf};

use mirror_filter::{Filter, Reason, Service, suggest::Sample};
use mirror_wire::{Direction, Flow, Missing, Ports};

use super::{Watch, known};
use crate::failure::Failure;

/// Flows that are kept. More than that don't make the rules better, and each takes memory.
const MAX_FLOWS: usize = 65_536;

/// What some captures have.
#[derive(Default)]
pub(super) struct Traffic {
    /// Packets of each flow, in each direction.
    flows: HashMap<(Direction, Flow), u64>,
    /// Packets of flows beyond those that are kept.
    pub(super) overlooked: u64,
    /// Packets of Amazon DNS.
    pub(super) amazon_dns: u64,
    /// Packets that came from a mirror.
    pub(super) filtered: u64,
}

impl Traffic {
    pub(super) fn of(watch: &Watch, captures: &[PathBuf]) -> Result<Traffic, Failure> {
        let nothing = known(Filter::default());
        let mut traffic = Traffic::default();
        for capture in captures {
            let survey = watch.survey(&nothing, capture, &mut |one| match one.reason {
                Reason::NoRule => {
                    if let (Some(direction), Some(flow)) = (one.direction, one.flow) {
                        traffic.add(direction, *flow);
                    }
                }
                Reason::Service(Service::AmazonDns) => traffic.amazon_dns += 1,
                _ => {}
            })?;
            traffic.filtered += survey.filtered;
        }
        Ok(traffic)
    }

    fn add(&mut self, direction: Direction, flow: Flow) {
        let key = (direction, flow);
        if let Some(packets) = self.flows.get_mut(&key) {
            *packets += 1;
        } else if self.flows.len() < MAX_FLOWS {
            self.flows.insert(key, 1);
        } else {
            self.overlooked += 1;
        }
    }

    /// The flows, in an order that is the same for the same captures.
    pub(super) fn samples(&self) -> Vec<Sample> {
        let sample = |(&(direction, flow), &packets): (&(Direction, Flow), &u64)| Sample {
            direction,
            flow,
            packets,
        };
        let mut samples: Vec<Sample> = self.flows.iter().map(sample).collect();
        samples.sort_by_key(|Sample { direction, flow, .. }| {
            let is_egress = *direction == Direction::Egress;
            let ports = match flow.ports {
                Ports::Known { source, destination } => (0, source, destination),
                Ports::Absent => (1, 0, 0),
                Ports::Missing(Missing::Fragment) => (2, 0, 0),
                Ports::Missing(Missing::Cut) => (3, 0, 0),
            };
            (is_egress, flow.source, flow.destination, flow.protocol, ports)
        });
        samples
    }

    /// Whether a flow was seen.
    pub(super) fn has(&self, direction: Direction, flow: &Flow) -> bool {
        self.flows.contains_key(&(direction, *flow))
    }
}
