//! Where frames (blocks or records) stand one behind the other in a run of bytes.
//!
//! A frame by itself proves little: a packet may hold bytes that look like one, even a whole
//! capture that somebody transferred. So frames are looked at as chains, each beginning where the
//! one before it ends, and where two chains contradict one another the evidence decides:
//!
//! * A chain that lies in a packet ends where the packet does, while the chain which that packet
//!   stands in goes on. The length behind a broken block is evidence too: it says where the block
//!   began, and a chain that begins behind that place lies in it.
//! * The copy of the length at its end makes a chain of blocks the same when it is read backwards:
//!   two that differ never join. So whoever writes packets cannot lead a chain of his own back into
//!   the true one, and sooner or later his ends.
//! * Two that both go on to the end of what is looked at are both doubtful.
//!
//! Everything is found in one pass from the back, and asked in passes that never go back, so the
//! time is in proportion to the bytes, whatever they are.

use crate::ByteOrder;

/// The longest frame that a chain can begin with: longer than any packet but those of D-Bus.
pub(crate) const LONGEST: usize = 256 << 10;

/// How far from where it should begin a block may seem to: some bytes of it may be missing.
const SLACK: u64 = 8;

/// What the head of a frame says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    /// The bytes that the frame takes.
    pub(crate) len: usize,
    pub(crate) order: ByteOrder,
    /// Whether it may follow a frame of the other byte order.
    pub(crate) opens_section: bool,
}

/// A kind of frames.
pub(crate) trait Frames {
    /// The bytes without which nothing can be said of a frame.
    const HEAD: usize;

    /// What a head says, if one can begin like this.
    fn head(&self, bytes: &[u8]) -> Option<Head>;

    /// Whether the end of a frame agrees with its head.
    fn is_whole(&self, frame: &[u8], head: Head) -> bool;

    /// The length of the frame that ends behind `bytes`, if that is written there.
    fn len_of_last(&self, bytes: &[u8], order: ByteOrder) -> Option<usize>;

    /// Whether reading may go on with the frame that begins here; `is_next`, if it is the one behind
    /// the lost one, and nothing else was lost.
    fn may_start(&self, bytes: &[u8], is_next: bool) -> bool;
}

/// A packet whose head is sound although it is not whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    /// What lies before this is in the packet, by its captured length.
    pub(crate) data_end: u64,
    /// Where the packet's frame would end, by its first length; none if the capture ends before.
    pub(crate) end: Option<u64>,
}

/// Where reading can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    /// The length that is written before it is that of one frame which takes all that was lost.
    pub(crate) is_next: bool,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Place(Place),
    /// Nothing, or nothing that is not contradicted, before [`Chains::usable`].
    Nothing,
}

/// A whole frame.
#[derive(Debug)]
struct Node {
    start: u32,
    chain: u32,
    /// Frames from here to the end of the chain.
    count: u32,
    order: ByteOrder,
    opens_section: bool,
    before: Before,
}

/// What stands before a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    /// Another one of its chain.
    Frame,
    /// No whole frame, but the length of one that began here.
    Length(u64),
    Nothing,
}

/// What all frames of a chain have in common.
#[derive(Debug)]
struct Chain {
    end: u32,
    /// Whether nothing ends it but the end of what was looked at: it may go on, or, at the end of
    /// the input, has nothing behind it.
    goes_on: bool,
}

/// The frames of a run of bytes.
#[derive(Debug)]
pub(crate) struct Chains {
    base: u64,
    usable: u64,
    at_end: bool,
    /// Between two frames, a broken one has more room than this.
    gap: u64,
    nodes: Vec<Node>,
    chains: Vec<Chain>,
    /// Where the frame before a chain began, by its second length, and the first node of the chain;
    /// in order.
    origins: Vec<(u64, usize)>,
}

impl Chains {
    /// Look at `bytes`, which begin at `base`; `at_end` says that nothing follows them.
    pub(crate) fn of<F: Frames>(frames: &F, bytes: &[u8], base: u64, at_end: bool) -> Chains {
        let len = bytes.len();
        // At the end of the bytes a frame cannot be told from what only looks like a head.
        let usable = if at_end { len } else { len.saturating_sub(LONGEST) };
        let mut found = Chains {
            base,
            usable: base + usable as u64,
            at_end,
            gap: F::HEAD as u64,
            nodes: Vec::new(),
            chains: Vec::new(),
            origins: Vec::new(),
        };
        // One more than the index of the node that begins at a place.
        let mut places = vec![0_u32; len + 1];
        for start in (0..len).rev() {
            let rest = bytes.get(start..).unwrap_or_default();
            if let Some(head) = frames.head(rest)
                && let Some((frame, behind)) = rest.split_at_checked(head.len)
                && frames.is_whole(frame, head)
            {
                found.add(frames, start, head, behind, &mut places);
            }
        }
        found.nodes.reverse();
        for (index, node) in found.nodes.iter_mut().enumerate() {
            let before = bytes.get(..node.start as usize).unwrap_or_default();
            let start = base + u64::from(node.start);
            if node.before == Before::Nothing
                && let Some(len) = frames.len_of_last(before, node.order)
                && let Some(origin) = start.checked_sub(len as u64)
            {
                node.before = Before::Length(origin);
                found.origins.push((origin, index));
            }
        }
        found.origins.sort_unstable();
        found
    }

    /// Add the frame that begins at `start`; all behind it have been added.
    fn add<F: Frames>(
        &mut self,
        frames: &F,
        start: usize,
        head: Head,
        behind: &[u8],
        places: &mut [u32],
    ) {
        let joins = |order, opens_section| opens_section || order == head.order;
        let end = start + head.len;
        let next = places.get(end).and_then(|place| place.checked_sub(1));
        let next = next.and_then(|index| self.nodes.get_mut(index as usize));
        let (chain, count) = match next {
            Some(next) if joins(next.order, next.opens_section) => {
                next.before = Before::Frame;
                (next.chain, next.count + 1)
            }
            _ => {
                let goes_on = match frames.head(behind) {
                    // A length that reaches beyond the end of the input may be any word.
                    Some(next) => {
                        !self.at_end
                            && (behind.len() + 1..=LONGEST).contains(&next.len)
                            && joins(next.order, next.opens_section)
                    }
                    None if self.at_end => behind.is_empty(),
                    None => behind.len() < F::HEAD,
                };
                let (Ok(end), Ok(chain)) = (u32::try_from(end), u32::try_from(self.chains.len()))
                else {
                    return;
                };
                self.chains.push(Chain { end, goes_on });
                (chain, 1)
            }
        };
        let Head { order, opens_section, .. } = head;
        let Ok(at) = u32::try_from(start) else { return };
        let before = Before::Nothing;
        self.nodes.push(Node { start: at, chain, count, order, opens_section, before });
        if let (Some(place), Ok(index)) = (places.get_mut(start), u32::try_from(self.nodes.len())) {
            *place = index;
        }
    }

    /// Where what is found ends to be of use.
    pub(crate) fn usable(&self) -> u64 {
        self.usable
    }

    /// Whether that is the end of the input.
    pub(crate) fn at_end(&self) -> bool {
        self.at_end
    }

    /// Whether a place can be looked for here.
    pub(crate) fn covers(&self, offset: u64) -> bool {
        (self.base..self.usable).contains(&offset)
    }

    /// Where reading can go on, from `from` on, after all was lost from `lost` on.
    pub(crate) fn find(
        &self,
        lost: u64,
        from: u64,
        claim: Option<Claim>,
        mut may_start: impl FnMut(u64, bool) -> bool,
    ) -> Found {
        let first = self.nodes.partition_point(|node| self.start(node) < from);
        // Of the evidence that is asked for each node, none is looked at twice.
        let mut told = self.origins.partition_point(|(origin, _)| origin + SLACK < lost);
        for (index, node) in self.nodes.iter().enumerate().skip(first) {
            if self.start(node) >= self.usable {
                break;
            }
            if !self.is_believed(node, lost) || self.is_in(node, claim) {
                continue;
            }
            if !may_start(self.start(node), node.before == Before::Length(lost)) {
                continue;
            }
            return self.undisputed(index, lost, &mut told, &mut may_start);
        }
        Found::Nothing
    }

    /// `index`, or the node that has the better evidence.
    fn undisputed(
        &self,
        mut index: usize,
        lost: u64,
        told: &mut usize,
        may_start: &mut impl FnMut(u64, bool) -> bool,
    ) -> Found {
        loop {
            let (Some(node), Some(chain)) = (self.nodes.get(index), self.chain_of(index)) else {
                return Found::Nothing;
            };
            if let Some(other) = self.around(index, told, may_start) {
                if chain.goes_on {
                    return Found::Nothing;
                }
                index = other;
                continue;
            }
            match self.across(index, may_start) {
                Some(other) => index = other,
                None => {
                    let is_next = node.before == Before::Length(lost);
                    return Found::Place(Place { offset: self.start(node), is_next });
                }
            }
        }
    }

    /// A chain behind a frame that began before node `index`, and so has it inside; it goes on at
    /// least as far.
    fn around(
        &self,
        index: usize,
        told: &mut usize,
        may_start: &mut impl FnMut(u64, bool) -> bool,
    ) -> Option<usize> {
        let node = self.nodes.get(index)?;
        let chain = self.chain_of(index)?;
        while let Some((origin, other)) = self.origins.get(*told) {
            if *origin > self.start(node) {
                return None;
            }
            *told += 1;
            let (around, other_node) = (self.chain_of(*other)?, self.nodes.get(*other)?);
            let reaches = around.goes_on || !chain.goes_on && around.end >= chain.end;
            // Blocks read the other way round, one byte aside, can make a chain too.
            let is_another = *other > index && other_node.chain != node.chain;
            if is_another && reaches && may_start(self.start(other_node), false) {
                return Some(*other);
            }
        }
        None
    }

    /// A chain that lies across the end of the chain of node `index`, and is the longer one.
    fn across(&self, index: usize, may_start: &mut impl FnMut(u64, bool) -> bool) -> Option<usize> {
        let node = self.nodes.get(index)?;
        let chain = self.chain_of(index)?;
        if chain.goes_on {
            return None;
        }
        let end = u64::from(chain.end) + self.gap;
        let mut behind = self.nodes.iter().enumerate().skip(index + 1);
        let found = behind.find(|(other, other_node)| {
            u64::from(other_node.start) >= end
                || other_node.chain != node.chain
                    && self.chain_of(*other).is_some_and(|other| {
                        other.goes_on || other.end > chain.end && other_node.count >= node.count
                    })
                    && may_start(self.start(other_node), false)
        });
        found.filter(|(_, other)| u64::from(other.start) < end).map(|(other, _)| other)
    }

    fn start(&self, node: &Node) -> u64 {
        self.base + u64::from(node.start)
    }

    fn chain_of(&self, index: usize) -> Option<&Chain> {
        self.chains.get(self.nodes.get(index)?.chain as usize)
    }

    /// Whether there is enough to be more than chance.
    fn is_believed(&self, node: &Node, lost: u64) -> bool {
        let goes_on = self.chains.get(node.chain as usize).is_some_and(|chain| chain.goes_on);
        node.count >= 3 || goes_on || node.before == Before::Length(lost)
    }

    /// Whether a chain from here lies in the packet that makes a claim.
    fn is_in(&self, node: &Node, claim: Option<Claim>) -> bool {
        let Some(claim) = claim else { return false };
        let Some(chain) = self.chains.get(node.chain as usize) else { return false };
        let end = self.base + u64::from(chain.end);
        self.start(node) < claim.data_end
            && claim.end.is_none_or(|claimed| !chain.goes_on && end <= claimed + SLACK)
    }
}

#[cfg(test)]
mod tests;
