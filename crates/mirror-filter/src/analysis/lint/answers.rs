//! Packets that are mirrored and whose answers are not.
//!
//! Rules know no connections: what comes back needs a rule of its own in the other direction, with
//! source and destination exchanged. A conversation of which one side is missing can't be followed
//! by those who reassemble it, and the usual reason is a port that stands at the wrong end.

use std::collections::BTreeSet;

use super::{Code, Lint, Severity};
use crate::analysis::cube::Cube;
use crate::analysis::diagram::{Ref, TooComplex};
use crate::analysis::space::{NONE, Painted, Space, leaf, paint};
use crate::{Action, Packet, PortRange, Rule};

impl Lint<'_> {
    pub(super) fn answers(&mut self, spaces: &mut [Space]) -> Result<(), TooComplex> {
        let mut explained = BTreeSet::new();
        for at in 0..spaces.len() {
            let Some(here) = spaces.get(at) else { continue };
            let way = here.direction;
            let back =
                spaces.iter().position(|one| one.direction != way && one.family() == here.family());
            let empty = !spaces.iter().any(|one| one.direction != way && accepts(one));
            // That the other direction has no rule that accepts is said once, not for each rule here.
            let (Some(back), false) = (back, empty) else { continue };
            let Some(there) = spaces.get(back).map(|back| back.rules.clone()) else { continue };
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
        let whole = Cube::whole(space.family());
        for own in space.arena.leaves(lonely, &whole)? {
            let Some(rule) = space.rule(own).cloned() else { continue };
            if explained.contains(&rule.index) {
                continue;
            }
            let mut witness = None;
            for cube in &rule.cubes {
                if witness.is_none() {
                    let (arena, way) = (&mut space.arena, space.direction);
                    let wanted = |leaf| leaf == own;
                    witness = crate::analysis::witness::find(arena, lonely, way, cube, &wanted)?;
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
    /// other end.
    fn at_the_same_end(
        &self,
        rule: &Rule,
        there: &[Painted],
    ) -> Option<(usize, &'static str, PortRange)> {
        let (end, ports) = match (rule.source_ports, rule.destination_ports) {
            (None, Some(ports)) => ("destination", ports),
            (Some(ports), None) => ("source", ports),
            _ => return None,
        };
        let twin = there.iter().filter(|other| other.action == rule.action).find_map(|other| {
            let twin = self.filter.rules.get(other.index)?;
            let same = twin.protocol == rule.protocol
                && (twin.source_ports, twin.destination_ports)
                    == (rule.source_ports, rule.destination_ports);
            let turned = Rule {
                source_ports: rule.destination_ports,
                destination_ports: rule.source_ports,
                ..rule.clone()
            };
            let [turned] = Cube::of_rule(&turned).try_into().ok()?;
            let common = other.cubes.iter().any(|cube| {
                let mut cube: Cube = cube.swapped();
                // Ports apart, their packets have to be each other's answers.
                for level in
                    [crate::analysis::cube::SOURCE_PORT, crate::analysis::cube::DESTINATION_PORT]
                {
                    cube.set(level, turned.side(level));
                }
                cube.meet(&turned).is_some()
            });
            (same && common).then_some(other.index)
        })?;
        Some((twin, end, ports))
    }
}

fn accepts(space: &Space) -> bool {
    space.rules.iter().any(|rule| rule.action == Action::Accept)
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
