//! From traffic to rules: a short list that mirrors what was shown to be wanted, and nothing of what
//! was shown not to be.
//!
//! The shortest list is hard to find (NP-hard already for rectangles), and it would not be the best:
//! what somebody shows is a sample, and rules are for the traffic of tomorrow. So this doesn't look
//! for the tightest rules or the fewest, but for those that a person would write:
//!
//! * A flow is folded into its *service*: a protocol, and the port of one side. The other port, and
//!   the addresses, are chance.
//! * One rule accepts a service from and to everywhere. Where that would take unwanted flows along,
//!   ranges that people think in (the VPC, private addresses, a /24) are rejected before it, or the
//!   rule is narrowed to such ranges, whichever is shorter.
//! * A conversation is wanted or unwanted as a whole. Rules are found once, seen from the interface,
//!   and written for both directions, unless the samples themselves tell the directions apart.
//! * Where a filter's ten rules are not enough, services are joined into wider ranges, as long as
//!   that takes in nothing unwanted; then the ones with the fewest packets are left out.
//!
//! All of it is search without a proof. The caller checks the result with the engine against every
//! flow, and says what is left and what else would be mirrored.

mod growth;
mod plan;
mod region;
mod service;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use mirror_wire::{Direction, Flow};

use crate::{Action, Cidr, Rule};
use plan::Plan;
use region::{Family, Point, Region};

/// As many rules as AWS allows a filter, both directions together.
pub const MAX_RULES: usize = 10;

/// A flow that was seen, in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The direction, as the mirrored interface sees it.
    pub direction: Direction,
    /// The flow.
    pub flow: Flow,
    /// How many packets it had. More of them weigh more where not all can be had.
    pub packets: u64,
}

/// Rules that mirror the flows of `include` and not those of `exclude`, as far as was found
/// possible; at most [`MAX_RULES`], in order of direction, ingress first, then number.
///
/// `ranges` are those that mean something to the person: of the VPC, above all. Flows that lack
/// a field are passed over: no rule can be relied on for them.
pub fn suggest(include: &[Sample], exclude: &[Sample], ranges: &[Cidr]) -> Vec<Rule> {
    let include = Wanted::new(include);
    let exclude = Wanted::new(exclude);
    let mut problems: Vec<Problem> = Vec::new();
    for family in [Family::V4, Family::V6] {
        problems.extend(Problem::of(family, &include, &exclude));
    }
    let plans = share(&problems, ranges);
    number(&problems, &plans)
}

/// Points by family and direction, with their packets.
struct Wanted(BTreeMap<(Family, bool), BTreeMap<Point, u64>>);

impl Wanted {
    fn new(samples: &[Sample]) -> Wanted {
        let mut points: BTreeMap<_, BTreeMap<Point, u64>> = BTreeMap::new();
        for sample in samples {
            let Some((family, point)) = Point::of(sample.direction, &sample.flow) else { continue };
            let is_ingress = sample.direction == Direction::Ingress;
            let packets = points.entry((family, is_ingress)).or_default().entry(point).or_default();
            *packets = packets.saturating_add(sample.packets);
        }
        Wanted(points)
    }

    fn points(&self, family: Family, direction: Direction) -> BTreeMap<Point, u64> {
        let key = (family, direction == Direction::Ingress);
        self.0.get(&key).cloned().unwrap_or_default()
    }
}

/// What has to be told apart in one family, in one direction or in both alike.
struct Problem {
    family: Family,
    directions: Vec<Direction>,
    /// Wanted, with packets.
    include: BTreeMap<Point, u64>,
    /// Unwanted.
    exclude: BTreeSet<Point>,
}

impl Problem {
    fn of(family: Family, include: &Wanted, exclude: &Wanted) -> Vec<Problem> {
        let both = [Direction::Ingress, Direction::Egress];
        let [one, other] = both.map(|direction| {
            let include = include.points(family, direction);
            let mut exclude: BTreeSet<Point> =
                exclude.points(family, direction).into_keys().collect();
            // What is both wanted and unwanted no rule can tell apart. It is wanted, then.
            exclude.retain(|point| !include.contains_key(point));
            Problem { family, directions: vec![direction], include, exclude }
        });
        let clash = |a: &Problem, b: &Problem| b.exclude.iter().any(|p| a.include.contains_key(p));
        let apart = clash(&one, &other) || clash(&other, &one);
        let mut problems = if apart {
            vec![one, other]
        } else {
            let mut joined = Problem { directions: both.to_vec(), ..one };
            for (point, packets) in other.include {
                *joined.include.entry(point).or_default() += packets;
            }
            joined.exclude.extend(other.exclude);
            vec![joined]
        };
        problems.retain(|problem| !problem.include.is_empty());
        problems
    }
}

/// The plan for each problem, such that all of them together keep to [`MAX_RULES`]: the fewest
/// packets left out, then the least widening, then the lowest price.
fn share(problems: &[Problem], ranges: &[Cidr]) -> Vec<Plan> {
    /// Packets left out, bits of widening, price.
    type Cost = (u64, f64, usize);
    let sum = |a: &Cost, b: &Cost| (a.0.saturating_add(b.0), a.1 + b.1, a.2 + b.2);
    let less =
        |a: &Cost, b: &Cost| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2)).is_lt();
    // best[rules]: with at most so many rules, the plans for the problems so far.
    let mut best: Vec<(Cost, Vec<Plan>)> = vec![((0, 0.0, 0), Vec::new()); MAX_RULES + 1];
    for problem in problems {
        let copies = problem.directions.len();
        let points: Vec<(Point, u64)> = problem.include.iter().map(|(p, n)| (*p, *n)).collect();
        let exclude: Vec<Point> = problem.exclude.iter().copied().collect();
        let solver = plan::Solver::new(problem.family, &points, &exclude, ranges);
        let plans: Vec<Plan> = (0..=MAX_RULES / copies).map(|most| solver.solve(most)).collect();
        let mut next = Vec::with_capacity(best.len());
        for most in 0..=MAX_RULES {
            let mut chosen: Option<(Cost, Vec<Plan>)> = None;
            for (rules, plan) in plans.iter().enumerate() {
                let before = most.checked_sub(rules * copies).and_then(|left| best.get(left));
                let Some((cost, before)) = before else { continue };
                let own = (plan.left, plan.widened, plan.price * copies);
                let cost = sum(cost, &own);
                if chosen.as_ref().is_none_or(|(least, _)| less(&cost, least)) {
                    chosen = Some((cost, [before.as_slice(), std::slice::from_ref(plan)].concat()));
                }
            }
            next.extend(chosen);
        }
        best = next;
    }
    best.pop().map(|(_, plans)| plans).unwrap_or_default()
}

/// The rules of the plans: rejects from 10, accepts from 100 on.
fn number(problems: &[Problem], plans: &[Plan]) -> Vec<Rule> {
    let mut rules = Vec::new();
    for direction in [Direction::Ingress, Direction::Egress] {
        for (action, first) in [(Action::Reject, 10), (Action::Accept, 100)] {
            let of_plan = |(problem, plan): (&Problem, &Plan)| -> Vec<Region> {
                let regions = match action {
                    Action::Reject => &plan.rejects,
                    Action::Accept => &plan.accepts,
                };
                let concerned = problem.directions.contains(&direction);
                regions.iter().filter(|_| concerned).copied().collect()
            };
            let regions = problems.iter().zip(plans).flat_map(of_plan);
            let numbers = (first..).step_by(10);
            rules.extend(
                numbers.zip(regions).map(|(number, region)| region.rule(direction, number, action)),
            );
        }
    }
    rules
}
