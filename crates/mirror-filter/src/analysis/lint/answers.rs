//! Packets that are mirrored and whose answers are not.
//!
//! Rules know no connections: what comes back needs a rule of its own in the other direction, with
//! source and destination exchanged. A conversation of which one side is missing can't be followed
//! by those who reassemble it, and the usual reason is a port that stands at the wrong end.

use std::collections::BTreeSet;

use mirror_wire::Direction;

use super::{Code, Lint, Severity, named};
use crate::analysis::cube::{
    Cube, DESTINATION, DESTINATION_PORT, Interval, PROTOCOL, SOURCE, SOURCE_PORT,
};
use crate::analysis::diagram::{Ref, TooComplex};
use crate::analysis::space::{NONE, Painted, Space, leaf, paint};
use crate::{Action, Packet, PortRange, Rule};

impl Lint<'_> {
    /// That nothing of a direction is mirrored has been said of those in `empty`; that all packets
    /// of the other one lack their answers follows.
    pub(super) fn answers(
        &mut self,
        spaces: &mut [Space],
        empty: &BTreeSet<Direction>,
    ) -> Result<(), TooComplex> {
        let mut explained = BTreeSet::new();
        for at in 0..spaces.len() {
            let Some(here) = spaces.get(at) else { continue };
            let back = spaces
                .iter()
                .find(|one| one.direction != here.direction && one.family() == here.family());
            let Some(back) = back.filter(|back| !empty.contains(&back.direction)) else { continue };
            let there = back.rules.clone();
            let Some(here) = spaces.get_mut(at) else { continue };
            self.unanswered(here, &there, &mut explained)?;
        }
        Ok(())
    }

    fn unanswered(
        &mut self,
        space: &mut Space,
        there: &[Painted],
        explained: &mut BTreeSet<usize>,
    ) -> Result<(), TooComplex> {
        // The other direction as its packets' questions see it.
        let mut answers = Ref::leaf(NONE);
        for (place, rule) in there.iter().enumerate().rev() {
            let cubes = rule.cubes.iter().map(Cube::swapped).collect();
            answers = paint(&mut space.arena, answers, &Painted { cubes, ..*rule }, leaf(place)?)?;
            space.tidy(std::slice::from_mut(&mut answers));
        }
        // The rule of each packet that is mirrored without its answer.
        let accepting = |rules: &[Painted]| -> Vec<bool> {
            let of = rules.iter().map(|rule| rule.action == Action::Accept);
            std::iter::once(false).chain(of).collect()
        };
        let (asks, answered) = (accepting(&space.rules), accepting(there));
        let is = |list: &[bool], leaf: u32| list.get(leaf as usize).copied().unwrap_or_default();
        let mut lonely = |ask: u32, answer: u32| {
            if is(&asks, ask) && !is(&answered, answer) { ask } else { NONE }
        };
        // An answer of a service is of that service, so it is judged as its question is.
        let judged = space.judged;
        let lonely = space.arena.joined(judged, answers, &mut lonely)?;
        // No program has port 0, so who asks for 1-65535 asks for all.
        let mut real = Cube::whole(space.family());
        for level in [SOURCE_PORT, DESTINATION_PORT] {
            real.set(level, Interval { low: 1, ..real.side(level) });
        }
        for own in space.arena.leaves(lonely, &real)? {
            let Some(rule) = space.rule(own).cloned() else { continue };
            if explained.contains(&rule.index) {
                continue;
            }
            let mut witness = None;
            for cube in rule.cubes.iter().filter_map(|cube| cube.meet(&real)) {
                if witness.is_none() {
                    let (arena, way) = (&mut space.arena, space.direction);
                    let wanted = |leaf| leaf == own;
                    witness = crate::analysis::witness::find(arena, lonely, way, &cube, &wanted)?;
                }
            }
            let Some(witness) = witness else { continue };
            let Some(asked) = self.filter.rules.get(rule.index) else { continue };
            if let Some((by, end, ports)) = self.at_the_same_end(asked, there) {
                explained.insert(by);
                let number = self.filter.rules.get(by).map_or(0, |rule| rule.number);
                let message = format!(
                    "{end} port {ports} here and in {} rule {number}: answers have it at the other \
                     end",
                    answer(&witness).direction
                );
                let code = Code::AsymPorts;
                self.note(code, Severity::Warning, rule.index, vec![by], message, Some(witness));
                continue;
            }
            let answer = answer(&witness);
            let decided = space.arena.leaves(answers, &Cube::of_packet(&witness))?;
            let by: Vec<usize> = decided
                .into_iter()
                .filter_map(|leaf| Some(there.get((leaf as usize).checked_sub(1)?)?.index))
                .collect();
            let who = match by.as_slice() {
                [] => "no rule matches".to_owned(),
                by => format!("{} takes", self.named(by)),
            };
            let message = format!("mirrors packets without their answers: {who} {answer}");
            self.note(Code::NoReturn, Severity::Warning, rule.index, by, message, Some(witness));
        }
        Ok(())
    }

    /// A rule of the other direction that would be the answer to this one, had it the ports at the
    /// other end, if there is none that has.
    fn at_the_same_end(
        &self,
        rule: &Rule,
        there: &[Painted],
    ) -> Option<(usize, &'static str, PortRange)> {
        let (end, ports) = match (named(rule.source_ports), named(rule.destination_ports)) {
            (None, Some(ports)) => ("destination", ports),
            (Some(ports), None) => ("source", ports),
            _ => return None,
        };
        let [own] = Cube::of_rule(rule).try_into().ok()?;
        // Of the other direction, the rules that accept what comes back, ports apart.
        let others = there.iter().filter(|other| {
            other.action == rule.action
                && other.cubes.iter().map(Cube::swapped).any(|back: Cube| {
                    let apart = [PROTOCOL, SOURCE, DESTINATION];
                    apart.iter().all(|&level| back.side(level).meet(own.side(level)).is_some())
                })
        });
        let mut found = None;
        for other in others {
            let Some(twin) = self.filter.rules.get(other.index) else { continue };
            let (source, destination) = (named(twin.source_ports), named(twin.destination_ports));
            let (same_end, other_end) =
                if end == "source" { (source, destination) } else { (destination, source) };
            match (same_end, other_end) {
                (Some(same), None) if same == ports && twin.protocol == rule.protocol => {
                    found = found.or(Some((other.index, end, ports)));
                }
                // It has the answers, so what lacks them does so for another reason.
                (None, back) if back.is_none_or(|back| meet(back, ports)) => return None,
                _ => {}
            }
        }
        found
    }
}

fn meet(one: PortRange, other: PortRange) -> bool {
    one.from() <= other.to() && other.from() <= one.to()
}

/// The packet that answers a packet.
pub(super) fn answer(packet: &Packet) -> Packet {
    use mirror_wire::Direction::{Egress, Ingress};
    Packet {
        direction: if packet.direction == Ingress { Egress } else { Ingress },
        protocol: packet.protocol,
        source: packet.destination,
        destination: packet.source,
        ports: packet.ports.map(|(source, destination)| (destination, source)),
    }
}
