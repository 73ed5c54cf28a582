//! Interval decision diagrams: for every packet of a family at once, which rule decides it.
//!
//! A node asks for one coordinate and has an edge for each interval of its values; the coordinates
//! are asked for in one order (see [`cube`](super::cube)), a leaf is a number. Two rules keep a
//! diagram small, and make it *canonical*, so that two that decide alike are the same node:
//!
//! * Nodes with the same edges are one node (hash-consing). Neighbouring edges to one node are one
//!   edge.
//! * A node whose edges all lead to one place isn't made: its level is skipped.
//!
//! The second is also what makes ports exact: nothing ever asks for the ports of a protocol that
//! has none, for no cube does.
//!
//! Rules are painted from the last to the first, each over what is there. So after rule *i* was
//! painted, the diagram is that of the filter from rule *i* on: all that the search for redundant
//! rules needs comes along the way.
//!
//! Worst cases grow with a power of the number of rules. Real filters are nowhere near it, but
//! documents are hostile input, so work and memory have a bound, and an operation that meets it
//! fails with [`TooComplex`].

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::rc::Rc;

use super::cube::{Cube, Family, Interval, LEVELS};

/// The most edges that a diagram may need, of 32 bytes each.
const MAX_EDGES: usize = 2 << 20;

/// The most edges that all operations on a diagram may look at: a second or two.
const MAX_WORK: u64 = 30_000_000;

/// The same of all diagrams that share a budget: as many as one filter has.
const MAX_SHARED_WORK: u64 = 4 * MAX_WORK;

/// Edges that take as much as naming a rule in a finding, which has to be held and printed: some
/// hundred bytes.
const EDGES_OF_A_NAME: u64 = 100;

/// Edges below which it isn't worth while to look for those that nobody needs any more.
const FEW_EDGES: usize = 64 << 10;

/// A filter is too complex for the exact analysis: its rules cut each other into millions of
/// pieces, or are so many that their pairs take too long. No filter that AWS would take, with its
/// ten rules, comes near.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooComplex;

impl fmt::Display for TooComplex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "there are too many rules, or they cut each other into too many pieces, to be analysed",
        )
    }
}

impl std::error::Error for TooComplex {}

/// What several analyses may take together. Each alone is bounded, but a document may have filters
/// by the hundred.
#[derive(Clone, Debug)]
pub struct Budget {
    left: Rc<Cell<u64>>,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { left: Rc::new(Cell::new(MAX_SHARED_WORK)) }
    }
}

impl Budget {
    fn take(&self, work: u64) -> Result<(), TooComplex> {
        self.left.set(self.left.get().checked_sub(work).ok_or(TooComplex)?);
        Ok(())
    }

    /// How much there is still.
    #[cfg(test)]
    pub(super) fn left(&self) -> u64 {
        self.left.get()
    }

    /// Note that a finding names so many rules.
    pub(super) fn name(&self, rules: usize) -> Result<(), TooComplex> {
        self.take(EDGES_OF_A_NAME.saturating_mul(rules as u64))
    }
}

/// A node or a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Ref(u32);

const LEAF: u32 = 1 << 31;

impl Ref {
    /// The leaf with a number below 2³¹.
    pub(super) const fn leaf(value: u32) -> Ref {
        Ref(value | LEAF)
    }

    pub(super) fn value(self) -> Option<u32> {
        (self.0 & LEAF != 0).then_some(self.0 & !LEAF)
    }
}

/// All values from the edge before on, up to `high`, lead to `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Edge {
    high: u128,
    to: Ref,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Node {
    level: usize,
    edges: Rc<[Edge]>,
}

/// Where diagrams of one family live together.
#[derive(Debug)]
pub(super) struct Arena {
    family: Family,
    nodes: Vec<Node>,
    known: HashMap<Node, Ref>,
    edges: usize,
    /// Edges that were needed when last looked.
    needed: usize,
    work: u64,
    budget: Budget,
}

impl Arena {
    pub(super) fn new(family: Family, budget: &Budget) -> Arena {
        let (nodes, known, budget) = (Vec::new(), HashMap::new(), budget.clone());
        Arena { family, nodes, known, edges: 0, needed: 0, work: 0, budget }
    }

    pub(super) fn family(&self) -> Family {
        self.family
    }

    /// How many nodes there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// How many edges were counted, and how many there are.
    #[cfg(test)]
    pub(super) fn edges_counted(&self) -> (usize, usize) {
        (self.edges, self.nodes.iter().map(|node| node.edges.len()).sum())
    }

    fn inside(&self, at: Ref) -> Option<&Node> {
        match at.value() {
            Some(_) => None,
            None => self.nodes.get(at.0 as usize),
        }
    }

    /// The level that a node asks for; of a leaf, one behind the last.
    fn level(&self, at: Ref) -> usize {
        self.inside(at).map_or(LEVELS, |node| node.level)
    }

    /// The edges that lead away from `at` at a level, which it may skip.
    fn edges(&self, at: Ref, level: usize) -> Rc<[Edge]> {
        match self.inside(at) {
            Some(node) if node.level == level => Rc::clone(&node.edges),
            _ => Rc::new([Edge { high: self.family.top(level), to: at }]),
        }
    }

    /// Note that so many edges are looked at, or something that takes as long.
    pub(super) fn look(&mut self, edges: usize) -> Result<(), TooComplex> {
        let work = edges as u64 + 1;
        self.work += work;
        self.budget.take(work)?;
        if self.work > MAX_WORK { Err(TooComplex) } else { Ok(()) }
    }

    /// The node with these edges, of which neighbours differ.
    fn node(&mut self, level: usize, edges: Vec<Edge>) -> Result<Ref, TooComplex> {
        if let [only] = edges.as_slice() {
            return Ok(only.to);
        }
        let node = Node { level, edges: edges.into() };
        if let Some(&known) = self.known.get(&node) {
            return Ok(known);
        }
        self.edges += node.edges.len();
        let at = u32::try_from(self.nodes.len()).ok().filter(|at| at & LEAF == 0);
        let at = at.filter(|_| self.edges <= MAX_EDGES).map(Ref).ok_or(TooComplex)?;
        self.nodes.push(node.clone());
        self.known.insert(node, at);
        Ok(at)
    }

    /// The same diagram, but `leaf` for every packet of a cube.
    pub(super) fn paint(&mut self, root: Ref, cube: &Cube, leaf: Ref) -> Result<Ref, TooComplex> {
        self.painted(root, 0, cube, leaf, &mut HashMap::new())
    }

    fn painted(
        &mut self,
        at: Ref,
        from: usize,
        cube: &Cube,
        leaf: Ref,
        done: &mut HashMap<(Ref, usize), Ref>,
    ) -> Result<Ref, TooComplex> {
        let Some(narrow) = cube.narrow_from(from) else { return Ok(leaf) };
        let level = narrow.min(self.level(at));
        if let Some(&done) = done.get(&(at, level)) {
            return Ok(done);
        }
        let (old, side) = (self.edges(at, level), cube.side(level));
        self.look(old.len())?;
        let mut edges = Vec::with_capacity(old.len() + 2);
        for (low, edge) in bounds(&old) {
            if edge.high < side.low || side.high < low {
                push(&mut edges, edge.high, edge.to);
                continue;
            }
            if let Some(before) = side.low.checked_sub(1).filter(|&before| before >= low) {
                push(&mut edges, before, edge.to);
            }
            let to = self.painted(edge.to, level + 1, cube, leaf, done)?;
            push(&mut edges, side.high.min(edge.high), to);
            if side.high < edge.high {
                push(&mut edges, edge.high, edge.to);
            }
        }
        let made = self.node(level, edges)?;
        done.insert((at, level), made);
        Ok(made)
    }

    /// The diagram whose leaf for each packet is `made` of the leaves of two others.
    pub(super) fn joined(
        &mut self,
        a: Ref,
        b: Ref,
        made: &mut impl FnMut(u32, u32) -> u32,
    ) -> Result<Ref, TooComplex> {
        let mut settled = |a: Ref, b: Ref| Some(Ref::leaf(made(a.value()?, b.value()?)));
        self.join(a, b, &mut settled, &mut HashMap::new())
    }

    /// The diagram whose leaf for each packet is that of `over` or, where that is zero, of `root`.
    pub(super) fn laid_over(&mut self, root: Ref, over: Ref) -> Result<Ref, TooComplex> {
        let mut settled = |root: Ref, over: Ref| match over.value() {
            Some(0) => Some(root),
            other => other.map(Ref::leaf),
        };
        self.join(root, over, &mut settled, &mut HashMap::new())
    }

    /// The diagram that two others make, from where `settled` says so downwards: at two leaves at
    /// the latest.
    fn join(
        &mut self,
        a: Ref,
        b: Ref,
        settled: &mut impl FnMut(Ref, Ref) -> Option<Ref>,
        done: &mut HashMap<(Ref, Ref), Ref>,
    ) -> Result<Ref, TooComplex> {
        if let Some(settled) = settled(a, b) {
            return Ok(settled);
        }
        if let Some(&done) = done.get(&(a, b)) {
            return Ok(done);
        }
        let level = self.level(a).min(self.level(b));
        let (left, right) = (self.edges(a, level), self.edges(b, level));
        self.look(left.len() + right.len())?;
        let mut edges = Vec::with_capacity(left.len() + right.len());
        let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
        while let (Some(&&one), Some(&&other)) = (left.peek(), right.peek()) {
            let to = self.join(one.to, other.to, settled, done)?;
            push(&mut edges, one.high.min(other.high), to);
            // Both end at the top, so neither side is left over.
            if one.high <= other.high {
                left.next();
            }
            if other.high <= one.high {
                right.next();
            }
        }
        let joined = self.node(level, edges)?;
        done.insert((a, b), joined);
        Ok(joined)
    }

    /// The leaves of the packets of a cube.
    pub(super) fn leaves(&mut self, root: Ref, cube: &Cube) -> Result<BTreeSet<u32>, TooComplex> {
        let mut leaves = BTreeSet::new();
        self.leaves_below(root, cube, &mut leaves, &mut HashSet::new())?;
        Ok(leaves)
    }

    fn leaves_below(
        &mut self,
        at: Ref,
        cube: &Cube,
        leaves: &mut BTreeSet<u32>,
        seen: &mut HashSet<Ref>,
    ) -> Result<(), TooComplex> {
        if let Some(leaf) = at.value() {
            leaves.insert(leaf);
            return Ok(());
        }
        if !seen.insert(at) {
            return Ok(());
        }
        let level = self.level(at);
        let (edges, side) = (self.edges(at, level), cube.side(level));
        self.look(edges.len())?;
        for (low, edge) in bounds(&edges) {
            if low <= side.high && side.low <= edge.high {
                self.leaves_below(edge.to, cube, leaves, seen)?;
            }
        }
        Ok(())
    }

    /// The leaves in `there` of the packets of a cube whose leaf in `here` is `leaf`, as far as one
    /// that is `enough`.
    pub(super) fn leaves_where(
        &mut self,
        here: Ref,
        leaf: u32,
        cube: &Cube,
        there: Ref,
        enough: &dyn Fn(u32) -> bool,
    ) -> Result<BTreeSet<u32>, TooComplex> {
        let mut leaves = BTreeSet::new();
        let mut walk = Walk { leaf, cube, enough, leaves: &mut leaves, seen: HashSet::new() };
        self.walk(here, there, &mut walk)?;
        Ok(leaves)
    }

    /// Whether it came to a leaf that is enough.
    fn walk(&mut self, here: Ref, there: Ref, walk: &mut Walk<'_>) -> Result<bool, TooComplex> {
        match (here.value(), there.value()) {
            (Some(leaf), _) if leaf != walk.leaf => return Ok(false),
            (Some(_), Some(leaf)) => {
                walk.leaves.insert(leaf);
                return Ok((walk.enough)(leaf));
            }
            _ => {}
        }
        if !walk.seen.insert((here, there)) {
            return Ok(false);
        }
        let level = self.level(here).min(self.level(there));
        let (left, right) = (self.edges(here, level), self.edges(there, level));
        self.look(left.len() + right.len())?;
        let side = walk.cube.side(level);
        let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
        let mut low = 0;
        while let (Some(&&one), Some(&&other)) = (left.peek(), right.peek()) {
            let high = one.high.min(other.high);
            if low <= side.high && side.low <= high && self.walk(one.to, other.to, walk)? {
                return Ok(true);
            }
            low = high.saturating_add(1);
            if one.high <= other.high {
                left.next();
            }
            if other.high <= one.high {
                right.next();
            }
        }
        Ok(false)
    }

    /// A path through a cube to a leaf that is `wanted`.
    ///
    /// At each level the pieces that are left (the intervals of the edges, cut to the cube) are
    /// `ranked`, and tried in that order; `ranked` says with which value each would be passed.
    pub(super) fn path(
        &mut self,
        root: Ref,
        cube: &Cube,
        wanted: &dyn Fn(u32) -> bool,
        ranked: &dyn Fn(usize, Interval) -> (usize, u128),
    ) -> Result<Option<[u128; LEVELS]>, TooComplex> {
        let mut search = Search { cube, wanted, ranked, failed: HashSet::new() };
        let mut path = [0; LEVELS];
        let found = self.search(root, 0, &mut search, &mut path)?;
        Ok(found.then_some(path))
    }

    fn search(
        &mut self,
        at: Ref,
        level: usize,
        search: &mut Search<'_>,
        path: &mut [u128; LEVELS],
    ) -> Result<bool, TooComplex> {
        if level == LEVELS {
            return Ok(at.value().is_some_and(search.wanted));
        }
        if search.failed.contains(&(at, level)) {
            return Ok(false);
        }
        let (edges, side) = (self.edges(at, level), search.cube.side(level));
        self.look(edges.len())?;
        let mut pieces: Vec<((usize, u128), Ref)> = bounds(&edges)
            .filter_map(|(low, edge)| {
                let piece = Interval { low, high: edge.high }.meet(side)?;
                Some(((search.ranked)(level, piece), edge.to))
            })
            .collect();
        pieces.sort_unstable_by_key(|&(rank, _)| rank);
        for ((_, value), to) in pieces {
            if let Some(place) = path.get_mut(level) {
                *place = value;
            }
            if self.search(to, level + 1, search, path)? {
                return Ok(true);
            }
        }
        search.failed.insert((at, level));
        Ok(false)
    }

    /// Forget the nodes that no diagram in `roots` needs, if they are many. Other diagrams are
    /// meaningless afterwards.
    pub(super) fn tidy(&mut self, roots: &mut [Ref]) {
        if self.edges < FEW_EDGES.max(self.needed * 2) {
            return;
        }
        let old = std::mem::take(&mut self.nodes);
        self.known.clear();
        self.edges = 0;
        let mut moved: Vec<Option<Ref>> = vec![None; old.len()];
        let mut needed = vec![false; old.len()];
        for root in roots.iter().filter(|root| root.value().is_none()) {
            mark(*root, &old, &mut needed);
        }
        let at = |moved: &[Option<Ref>], to: Ref| match to.value() {
            Some(_) => to,
            None => moved.get(to.0 as usize).copied().flatten().unwrap_or(to),
        };
        // A node is younger than those it leads to, so they have moved before it.
        for (index, node) in old.into_iter().enumerate() {
            if needed.get(index) != Some(&true) {
                continue;
            }
            let edges: Rc<[Edge]> =
                node.edges.iter().map(|edge| Edge { to: at(&moved, edge.to), ..*edge }).collect();
            let node = Node { level: node.level, edges };
            // There are no more than before.
            let place = Ref(u32::try_from(self.nodes.len()).unwrap_or(LEAF));
            self.edges += node.edges.len();
            self.nodes.push(node.clone());
            self.known.insert(node, place);
            if let Some(slot) = moved.get_mut(index) {
                *slot = Some(place);
            }
        }
        for root in roots {
            *root = at(&moved, *root);
        }
        self.needed = self.edges;
    }
}

struct Walk<'w> {
    leaf: u32,
    cube: &'w Cube,
    enough: &'w dyn Fn(u32) -> bool,
    leaves: &'w mut BTreeSet<u32>,
    seen: HashSet<(Ref, Ref)>,
}

struct Search<'s> {
    cube: &'s Cube,
    wanted: &'s dyn Fn(u32) -> bool,
    ranked: &'s dyn Fn(usize, Interval) -> (usize, u128),
    failed: HashSet<(Ref, usize)>,
}

/// Note the nodes below `at`, itself too. No deeper than there are levels.
fn mark(at: Ref, nodes: &[Node], needed: &mut [bool]) {
    let Some(node) = nodes.get(at.0 as usize) else { return };
    match needed.get_mut(at.0 as usize) {
        Some(known) if !*known => *known = true,
        _ => return,
    }
    for edge in node.edges.iter().filter(|edge| edge.to.value().is_none()) {
        mark(edge.to, nodes, needed);
    }
}

/// Edges, each with the lowest of its values.
fn bounds(edges: &[Edge]) -> impl Iterator<Item = (u128, &Edge)> {
    edges.iter().scan(0_u128, |low, edge| {
        let this = *low;
        // Behind the top there is no edge to have it.
        *low = edge.high.saturating_add(1);
        Some((this, edge))
    })
}

/// Add an edge, or make the last one longer if it leads to the same place.
fn push(edges: &mut Vec<Edge>, high: u128, to: Ref) {
    match edges.last_mut() {
        Some(last) if last.to == to => last.high = high,
        _ => edges.push(Edge { high, to }),
    }
}
