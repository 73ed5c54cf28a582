//! The rules for one family and direction: rejects first, then accepts, no more than so many.

use super::growth::{self, Ranges};
use super::region::{Family, Point, Region};
use super::service::services;
use crate::Cidr;

/// Rules that were found, and what they cost.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    /// What is rejected, before anything is accepted.
    pub(super) rejects: Vec<Region>,
    /// What is accepted.
    pub(super) accepts: Vec<Region>,
    /// Wanted packets that are not accepted.
    pub(super) left: u64,
    /// The bits that were opened to keep within the number of rules.
    pub(super) widened: f64,
    /// The number of rules, and more where they say less than others.
    pub(super) price: usize,
}

impl Plan {
    pub(super) fn len(&self) -> usize {
        self.rejects.len() + self.accepts.len()
    }

    fn takes(&self, point: &Point) -> bool {
        !self.rejects.iter().any(|region| region.contains(point))
            && self.accepts.iter().any(|region| region.contains(point))
    }
}

/// The points that a plan takes, and how many of its accepts take each.
struct Takers<'p>(Vec<(&'p Point, usize)>);

impl<'p> Takers<'p> {
    fn new(plan: &Plan, points: impl IntoIterator<Item = &'p Point>) -> Takers<'p> {
        let takers = |point| plan.accepts.iter().filter(|region| region.contains(point)).count();
        let points = points.into_iter().filter(|point| plan.takes(point));
        Takers(points.map(|point| (point, takers(point))).collect())
    }

    /// Whether there is a point that no other accept takes.
    fn any_is_only_of(&self, region: &Region) -> bool {
        self.0.iter().any(|(point, takers)| *takers == 1 && region.contains(point))
    }

    /// Whether no other accept takes any.
    fn all_are_of(&self, region: &Region) -> bool {
        self.0.iter().all(|(point, takers)| *takers == 1 && region.contains(point))
    }

    /// Take an accept out of the plan.
    fn leave(&mut self, region: &Region) {
        for (_, takers) in self.0.iter_mut().filter(|(point, _)| region.contains(point)) {
            *takers -= 1;
        }
    }
}

/// A rule that names public addresses holds for those that were seen, and there will be others. It
/// is taken if it saves more than this many rules.
const PUBLIC_ADDRESSES: usize = 2;

/// Finds plans for one problem.
pub(super) struct Solver<'s> {
    include: &'s [(Point, u64)],
    exclude: &'s [Point],
    ranges: Ranges<'s>,
    services: Vec<Region>,
}

impl<'s> Solver<'s> {
    pub(super) fn new(
        family: Family,
        include: &'s [(Point, u64)],
        exclude: &'s [Point],
        ranges: &'s [Cidr],
    ) -> Solver<'s> {
        let services = services(family, include);
        Solver { include, exclude, ranges: Ranges::new(ranges), services }
    }

    /// The best plan that was found with at most so many rules.
    pub(super) fn solve(&self, most: usize) -> Plan {
        let plain = Plan { accepts: self.services.clone(), ..Plan::default() };
        // Whichever is shorter, after what must be joined is joined.
        let plans = [self.rejecting(plain.clone(), most), self.narrowing(&plain, most)];
        let plans = plans.map(|plan| self.fitted(plan, most));
        plans.into_iter().min_by_key(|plan| (plan.left, plan.price)).unwrap_or_default()
    }

    fn price(&self, plan: &Plan) -> usize {
        let is_public = |region: &&Region| {
            self.ranges.is_public(region.remote) || self.ranges.is_public(region.local)
        };
        plan.len() + plan.accepts.iter().filter(is_public).count() * PUBLIC_ADDRESSES
    }

    /// Reject what a plan accepts though it is unwanted.
    fn rejecting(&self, mut plan: Plan, most: usize) -> Plan {
        let mut touched: Vec<Point> =
            self.exclude.iter().filter(|point| plan.takes(point)).copied().collect();
        while let Some(&first) = touched.first() {
            // The rest is left to the fitting, which drops what it can't clean.
            if plan.rejects.len() > most {
                break;
            }
            let clean = |region: &Region| !self.wants(region);
            let covers = |region: &Region| touched.iter().filter(|p| region.contains(p)).count();
            // The last of the best is the first of them: rejecting by addresses reads better.
            let regions = growth::rejects(&first, &self.ranges, clean).into_iter().rev();
            match regions.max_by_key(covers) {
                Some(region) => {
                    touched.retain(|point| !region.contains(point));
                    plan.rejects.push(region);
                }
                None => {
                    touched.retain(|point| *point != first);
                }
            }
        }
        self.pruned(plan)
    }

    /// Narrow what a plan accepts until nothing unwanted is in it; reject where that takes several
    /// rules.
    fn narrowing(&self, plan: &Plan, most: usize) -> Plan {
        let mut narrowed = Plan::default();
        for service in &plan.accepts {
            if !self.exclude.iter().any(|point| service.contains(point)) {
                narrowed.accepts.push(*service);
                continue;
            }
            let regions = self.narrow(service, most);
            // One that would do with a reject before it does with as many rules, and says more.
            match regions.as_slice() {
                [_] => narrowed.accepts.extend(regions),
                _ => narrowed.accepts.push(*service),
            }
        }
        let rejected = self.rejecting(narrowed, most);
        if rejected.len() <= most {
            return rejected;
        }
        // Without any reject, then.
        let all = plan.accepts.iter().flat_map(|service| self.narrow(service, most)).collect();
        let narrowed = self.pruned(Plan { accepts: all, ..Plan::default() });
        if narrowed.len() < rejected.len() { narrowed } else { rejected }
    }

    /// A service as regions that touch nothing unwanted, a few more than `most` of them at most.
    fn narrow(&self, service: &Region, most: usize) -> Vec<Region> {
        let clean = |region: &Region| !self.exclude.iter().any(|point| region.contains(point));
        if clean(service) {
            return vec![*service];
        }
        let mut open: Vec<&Point> =
            self.include.iter().map(|(point, _)| point).filter(|p| service.contains(p)).collect();
        let mut regions = Vec::new();
        while let Some(&first) = open.first() {
            if regions.len() > most {
                break;
            }
            let covers = |region: &Region| open.iter().filter(|p| region.contains(p)).count();
            let grown = growth::accepts(first, service, &self.ranges, clean).into_iter().rev();
            match grown.max_by_key(covers) {
                Some(region) => {
                    open.retain(|point| !region.contains(point));
                    regions.push(region);
                }
                None => open.retain(|point| *point != first),
            }
        }
        regions
    }

    /// A plan of at most so many rules: accepts are joined, or else left out.
    fn fitted(&self, mut plan: Plan, most: usize) -> Plan {
        while plan.len() > most || !self.is_clean(&plan) {
            if plan.accepts.is_empty() {
                plan.rejects.clear();
                break;
            }
            let too_long = plan.len() > most;
            match self.cheapest_join(&plan).filter(|_| too_long) {
                Some((a, b, hull, bits)) => {
                    plan.accepts.swap_remove(b);
                    if let Some(place) = plan.accepts.get_mut(a) {
                        *place = hull;
                    }
                    plan.widened += bits;
                }
                None => self.drop_one(&mut plan, too_long),
            }
            plan = self.pruned(plan);
        }
        plan.left = self.left(&plan);
        plan.price = self.price(&plan);
        plan.rejects.sort_by_key(|region| (region.remote, region.local));
        plan.accepts.sort_by_key(|region| {
            (region.protocol, region.remote_ports, region.local_ports, region.remote, region.local)
        });
        plan
    }

    /// The two accepts that can be joined with the least widening and nothing unwanted in it.
    fn cheapest_join(&self, plan: &Plan) -> Option<(usize, usize, Region, f64)> {
        let mut joins = Vec::new();
        for (b, second) in plan.accepts.iter().enumerate() {
            for (a, first) in plan.accepts.iter().enumerate().take(b) {
                let hull = first.hull(second);
                let bits = hull.openness() - first.openness().max(second.openness());
                joins.push((a, b, hull, bits));
            }
        }
        joins.sort_by(|x, y| x.3.total_cmp(&y.3));
        joins.into_iter().find(|(_, _, hull, _)| {
            let rejected = |p: &Point| plan.rejects.iter().any(|region| region.contains(p));
            !self.exclude.iter().any(|point| hull.contains(point) && !rejected(point))
        })
    }

    /// Leave out the accept with the fewest packets; if there is room for all, the one that takes
    /// in something unwanted.
    fn drop_one(&self, plan: &mut Plan, too_long: bool) {
        let dirty = |region: &Region| {
            let rejected = |p: &Point| plan.rejects.iter().any(|reject| reject.contains(p));
            self.exclude.iter().any(|point| region.contains(point) && !rejected(point))
        };
        let packets = |region: &Region| -> u64 {
            self.include.iter().filter(|(p, _)| region.contains(p)).map(|(_, n)| n).sum()
        };
        let accepts = plan.accepts.iter().enumerate();
        let candidates = accepts.filter(|(_, region)| too_long || dirty(region));
        let least = candidates.min_by_key(|(_, region)| (!dirty(region), packets(region)));
        if let Some((at, _)) = least {
            plan.accepts.remove(at);
        }
    }

    /// The plan without the rules that change nothing for the points.
    fn pruned(&self, mut plan: Plan) -> Plan {
        let (left, clean) = (self.left(&plan), self.is_clean(&plan));
        let holds = |plan: &Plan| self.left(plan) == left && self.is_clean(plan) == clean;
        // Backwards, since what was found first covers most.
        for at in (0..plan.rejects.len()).rev() {
            let mut without = plan.clone();
            without.rejects.remove(at);
            // Of an unclean plan a reject that cleans a part is not without effect.
            if clean && holds(&without) {
                plan = without;
            }
        }
        // An accept is needed if it alone takes something wanted. How many take each point is
        // counted once: with many services and flows, asking the whole plan for each would not end.
        let mut wanted = Takers::new(&plan, self.include.iter().map(|(point, _)| point));
        let mut unwanted = Takers::new(&plan, self.exclude);
        for at in (0..plan.accepts.len()).rev() {
            let Some(region) = plan.accepts.get(at) else { continue };
            let cleans = !clean && unwanted.all_are_of(region);
            if !wanted.any_is_only_of(region) && !cleans {
                wanted.leave(region);
                unwanted.leave(region);
                plan.accepts.remove(at);
            }
        }
        plan
    }

    fn wants(&self, region: &Region) -> bool {
        self.include.iter().any(|(point, _)| region.contains(point))
    }

    fn is_clean(&self, plan: &Plan) -> bool {
        !self.exclude.iter().any(|point| plan.takes(point))
    }

    fn left(&self, plan: &Plan) -> u64 {
        self.include
            .iter()
            .filter(|(point, _)| !plan.takes(point))
            .map(|(_, packets)| packets)
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn point(port: u16, last: u8) -> Point {
        let [local, remote] = [[10, 0, 1, 15], [10, 0, 0, last]].map(Into::into);
        Point { protocol: 6, local, remote, ports: Some((50_000, port)) }
    }

    /// All from 10.0.0.`from` on with ports in a range.
    fn region((from, bits): (u8, u8), (low, more): (u16, u16)) -> Region {
        let around = Region::around(&point(0, from));
        Region {
            local_ports: None,
            remote: Cidr::new([10, 0, 0, from].into(), 32 - bits).unwrap(),
            remote_ports: crate::PortRange::new(low, low + more),
            ..around
        }
    }

    #[test]
    fn how_many_accepts_take_a_point_is_counted_while_they_leave() {
        let (narrow, wide) = (region((0, 0), (80, 0)), region((0, 3), (80, 0)));
        let other = region((0, 3), (443, 0));
        let plan = Plan { accepts: vec![narrow, wide, other], ..Plan::default() };
        let points = [point(80, 0), point(80, 1)];
        let mut takers = Takers::new(&plan, &points);
        assert!(takers.any_is_only_of(&wide) && !takers.any_is_only_of(&narrow));
        assert!(!takers.any_is_only_of(&other));
        assert!(!takers.all_are_of(&wide), "narrow takes one as well");
        takers.leave(&narrow);
        assert!(takers.all_are_of(&wide));
        assert!(!takers.all_are_of(&other));
        takers.leave(&wide);
        assert!(!takers.any_is_only_of(&narrow), "nobody takes any");
    }

    #[test]
    fn what_takes_in_something_unwanted_is_left_out_before_what_has_the_fewest_packets() {
        let (many, few) = (region((0, 3), (80, 0)), region((0, 3), (81, 0)));
        let include = [(point(80, 0), 5), (point(81, 1), 3)];
        let exclude = [point(80, 2)];
        let solver = Solver::new(Family::V4, &include, &exclude, &[]);
        let rejects = vec![region((2, 0), (80, 0))];
        let of = |rejects: &[Region], too_long| {
            let accepts = vec![few, many];
            let mut plan = Plan { rejects: rejects.to_vec(), accepts, ..Plan::default() };
            solver.drop_one(&mut plan, too_long);
            plan.accepts
        };
        assert_eq!(of(&[], false), [few]);
        assert_eq!(of(&[], true), [few]);
        // What is rejected before is not taken in.
        assert_eq!(of(&rejects, true), [many]);
        assert_eq!(of(&rejects, false), [few, many]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        /// Without any rule of a pruned plan something would be wanted and not taken, or taken and
        /// not wanted; asked of the whole plan for each rule.
        #[test]
        fn a_pruned_plan_does_the_same_with_no_rule_too_many(
            regions in prop::collection::vec(((0..8_u8, 0..4_u8), (80..84_u16, 0..3_u16)), 0..8),
            rejects in 0..3_usize,
            wanted in prop::collection::btree_map((80..84_u16, 0..8_u8), 1..9_u64, 0..10),
            unwanted in prop::collection::btree_set((80..84_u16, 0..8_u8), 0..4),
        ) {
            let mut regions = regions.into_iter().map(|(hosts, ports)| region(hosts, ports));
            let rejects: Vec<Region> = regions.by_ref().take(rejects).collect();
            let plan = Plan { rejects, accepts: regions.collect(), ..Plan::default() };
            let include: Vec<(Point, u64)> =
                wanted.into_iter().map(|((port, last), n)| (point(port, last), n)).collect();
            let exclude: Vec<Point> =
                unwanted.into_iter().map(|(port, last)| point(port, last)).collect();
            let solver = Solver::new(Family::V4, &include, &exclude, &[]);
            let left = |plan: &Plan| -> u64 {
                include.iter().filter(|(point, _)| !plan.takes(point)).map(|(_, n)| n).sum()
            };
            let is_clean = |plan: &Plan| !exclude.iter().any(|point| plan.takes(point));
            let pruned = solver.pruned(plan.clone());
            prop_assert_eq!(left(&pruned), left(&plan));
            prop_assert!(is_clean(&pruned) || !is_clean(&plan));
            if !is_clean(&plan) {
                prop_assert_eq!(&pruned.rejects, &plan.rejects);
                return Ok(());
            }
            for at in 0..pruned.accepts.len() {
                let mut without = pruned.clone();
                without.accepts.remove(at);
                prop_assert!(left(&without) > left(&pruned), "{:?}", pruned.accepts[at]);
            }
            for at in 0..pruned.rejects.len() {
                let mut without = pruned.clone();
                without.rejects.remove(at);
                let changes = left(&without) != left(&plan) || !is_clean(&without);
                // A reject goes first, while accepts are there that go after it.
                let mut before = plan.clone();
                before.rejects = without.rejects;
                let changed = left(&before) != left(&plan) || !is_clean(&before);
                prop_assert!(changes || changed, "{:?}", pruned.rejects[at]);
            }
        }
    }
}
