//! What must be known of a section to understand its blocks.
//!
//! A block says little by itself: its numbers need the section's byte order,
//! its interface must have been described before, and a Simple Packet Block
//! does not even say how long it is. So each block is read against what the
//! section has said so far, and a block that does not fit is damage with its
//! own place, never a reason to misread the next one.

use crate::{
    Block, ByteOrder, Content, Damage, Interface, Options, Packet, Problem, Section,
    chains::{Frames, Head},
    classic, kind,
    reader::MAX_BLOCK_LEN,
};

/// The most interfaces of one section that are kept track of. Each costs a few
/// bytes here and more with whoever rewrites, so a file of nothing but
/// interfaces must not fill the memory. What has 65,536 sessions on as many
/// interfaces can still be read.
pub(crate) const MAX_INTERFACES: usize = 1 << 17;

/// What must be known of a section to understand its blocks.
#[derive(Debug)]
pub(crate) struct SectionState {
    pub(crate) order: ByteOrder,
    trust: Trust,
    /// Each interface described; none for a broken description.
    interfaces: Vec<Option<Described>>,
}

/// What must be known of an interface.
#[derive(Clone, Copy, Debug)]
struct Described {
    snaplen: u32,
    /// The upper half of the last time stamp.
    last: Option<u32>,
}

/// How far a section can be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    Known,
    /// Of a version that we don't know: blocks have an extent, nothing else.
    Foreign,
    /// Its header is broken, so nothing in it has a place in the output.
    Broken,
}

/// The byte order of a section, by the byte-order magic in its header.
pub(crate) fn announced_order(magic: [u8; 4]) -> Option<ByteOrder> {
    match magic {
        [0x4D, 0x3C, 0x2B, 0x1A] => Some(ByteOrder::Little),
        [0x1A, 0x2B, 0x3C, 0x4D] => Some(ByteOrder::Big),
        _ => None,
    }
}

impl SectionState {
    /// A section of which nothing was read but its byte order.
    pub(crate) fn new(order: ByteOrder) -> SectionState {
        SectionState { order, trust: Trust::Broken, interfaces: Vec::new() }
    }

    /// Understand the block that `bytes` holds, frame and all.
    #[inline(always)] // from a call it would be copied, and again on its way out of the reader
    pub(crate) fn read<'a>(
        &mut self,
        kind: u32,
        offset: u64,
        bytes: &'a [u8],
    ) -> Result<Block<'a>, Damage> {
        let body = bytes.get(8..bytes.len().saturating_sub(4)).unwrap_or_default();
        let content = if kind == kind::SECTION {
            self.section(body)
        } else {
            match self.trust {
                Trust::Known => self.content(kind, body),
                Trust::Foreign => Ok(Content::Foreign),
                Trust::Broken => Err(Problem::BrokenSection),
            }
        };
        match content {
            Ok(content) => Ok(Block { offset, order: self.order, content, bytes: Some(bytes) }),
            Err(problem) => Err(self.damage(kind, offset, problem)),
        }
    }

    /// A whole block that something is wrong with.
    #[cold]
    fn damage(&self, kind: u32, offset: u64, problem: Problem) -> Damage {
        // In a section of a version that nobody knows, block types mean nothing.
        let packet = kind::is_packet(kind) && self.trust != Trust::Foreign;
        Damage { offset, problem, packet, passed_to: None, fatal: false }
    }

    /// A block whose frame is unsound, so that its body is not looked at.
    pub(crate) fn lost(&mut self, kind: u32, offset: u64, problem: Problem) -> Damage {
        if kind == kind::INTERFACE {
            // An interface that cannot be read still has a number. If there are
            // too many, this one is lost either way.
            let _ = self.number(None);
        }
        self.damage(kind, offset, problem)
    }

    /// Whether `bytes`, what is left in the window, are enough for the next event.
    pub(crate) fn has_block(&self, bytes: &[u8]) -> bool {
        let order = match bytes.as_chunks::<4>().0 {
            [kind, _, magic, ..] if u32::from_le_bytes(*kind) == kind::SECTION => {
                let Some(order) = announced_order(*magic) else { return false };
                order
            }
            [kind, ..] if u32::from_le_bytes(*kind) == kind::SECTION => return false,
            _ => self.order,
        };
        let [_, length, ..] = bytes.as_chunks::<4>().0 else { return false };
        let length = order.u32(*length) as usize;
        // Behind what is broken, more is needed than the block itself.
        let tail = bytes.get(..length).and_then(<[u8]>::last_chunk);
        tail.is_some_and(|tail| order.u32(*tail) as usize == length)
    }

    fn section<'a>(&mut self, body: &[u8]) -> Result<Content<'a>, Problem> {
        let [_, [j0, j1, n0, n1], _, _, ..] = body.as_chunks::<4>().0 else {
            let kind = "section header block";
            return Err(Problem::ShortBody { kind, needs: 16, has: body.len() });
        };
        let version = (self.order.u16([*j0, *j1]), self.order.u16([*n0, *n1]));
        let section = Section { version };
        self.trust = if section.is_known() { Trust::Known } else { Trust::Foreign };
        Ok(Content::Section(section))
    }

    #[inline]
    fn content<'a>(&mut self, kind: u32, body: &'a [u8]) -> Result<Content<'a>, Problem> {
        let order = self.order;
        match kind {
            kind::ENHANCED_PACKET => {
                let packet = Packet::enhanced(order, body)?;
                self.arrived(&packet)?;
                Ok(Content::Packet(packet))
            }
            kind::PACKET => {
                let packet = Packet::obsolete(order, body)?;
                self.arrived(&packet)?;
                Ok(Content::Packet(packet))
            }
            kind::SIMPLE_PACKET => {
                let snaplen = self.described(0)?.snaplen;
                Packet::simple(order, body, snaplen).map(Content::Packet)
            }
            kind::INTERFACE => self.interface(body).map(Content::Interface),
            kind::STATISTICS => {
                let [id, _, _, ..] = body.as_chunks::<4>().0 else {
                    let kind = "interface statistics block";
                    return Err(Problem::ShortBody { kind, needs: 12, has: body.len() });
                };
                let interface = order.u32(*id);
                self.described(interface)?;
                Ok(Content::Statistics { interface })
            }
            kind => Ok(Content::Other { kind }),
        }
    }

    /// An interface that has been described.
    #[inline]
    fn described(&mut self, id: u32) -> Result<&mut Described, Problem> {
        let described = self.interfaces.len();
        match usize::try_from(id).ok().and_then(|id| self.interfaces.get_mut(id)) {
            Some(Some(interface)) => Ok(interface),
            Some(None) => Err(Problem::BrokenInterface { id }),
            None => Err(Problem::UnknownInterface { id, described }),
        }
    }

    /// Remember when a packet arrived on its interface.
    #[inline]
    fn arrived(&mut self, packet: &Packet<'_>) -> Result<(), Problem> {
        let interface = self.described(packet.interface)?;
        interface.last = packet.timestamp.map(|time| time.high);
        Ok(())
    }

    /// How much of a block, which is not whole, is taken by the data of a packet, if its head is
    /// sound and so its first length can be true. `bytes` are what there is of it.
    pub(crate) fn data_len(&self, bytes: &[u8]) -> Option<usize> {
        let [kind, length, ..] = bytes.as_chunks::<4>().0 else { return None };
        let (kind, length) = (self.order.u32(*kind), self.order.u32(*length) as usize);
        if !is_possible(kind, length) {
            return None;
        }
        let words = bytes.get(..length).unwrap_or(bytes).as_chunks::<4>().0;
        let places = match kind {
            kind::ENHANCED_PACKET | kind::PACKET | kind::SIMPLE_PACKET => words.get(2..),
            _ => return Some(0),
        };
        // A packet of which nobody knows more.
        if self.trust != Trust::Known {
            return Some(length);
        }
        let (id, high, front, captured) = match (kind, places?) {
            (kind::SIMPLE_PACKET, [original, ..]) => (0, None, 12, self.order.u32(*original)),
            (kind::ENHANCED_PACKET, [id, high, _, captured, _, ..]) => {
                (self.order.u32(*id), Some(self.order.u32(*high)), 28, self.order.u32(*captured))
            }
            (kind::PACKET, [[i0, i1, _, _], high, _, captured, _, ..]) => {
                let id = u32::from(self.order.u16([*i0, *i1]));
                (id, Some(self.order.u32(*high)), 28, self.order.u32(*captured))
            }
            // Cut before its length, or without room for it.
            _ => return Some(length),
        };
        let interface = usize::try_from(id).ok().and_then(|id| self.interfaces.get(id))?;
        let (snaplen, last) = interface.map_or((0, None), |one| (one.snaplen, one.last));
        // Within some years. Where bytes are missing or too many, it is another age.
        let is_near = |high: u32, last: u32| high.abs_diff(last) <= last / 16 + 16;
        if high.zip(last).is_some_and(|(high, last)| !is_near(high, last)) {
            return None;
        }
        let captured = match high {
            None if snaplen != 0 => captured.min(snaplen),
            _ => captured,
        };
        let end = (captured as usize).checked_add(front)?;
        (end <= length - 4).then_some(end)
    }

    fn interface<'a>(&mut self, body: &'a [u8]) -> Result<Interface<'a>, Problem> {
        let order = self.order;
        let ([[l0, l1, _, _], snaplen, ..], Some(options)) =
            (body.as_chunks::<4>().0, body.get(8..))
        else {
            self.number(None)?;
            let kind = "interface description block";
            return Err(Problem::ShortBody { kind, needs: 8, has: body.len() });
        };
        let snaplen = order.u32(*snaplen);
        let id = self.number(Some(Described { snaplen, last: None }))?;
        let link_type = order.u16([*l0, *l1]);
        Ok(Interface { id, link_type, snaplen, options: Options::new(order, options) })
    }

    /// Give the next interface its number and remember it; none if its description
    /// is broken.
    fn number(&mut self, interface: Option<Described>) -> Result<u32, Problem> {
        match u32::try_from(self.interfaces.len()) {
            Ok(id) if self.interfaces.len() < MAX_INTERFACES => {
                self.interfaces.push(interface);
                Ok(id)
            }
            _ => Err(Problem::TooManyInterfaces),
        }
    }
}

/// Whether a block of this kind, one of the usual ones, can have this length.
fn is_possible(kind: u32, length: usize) -> bool {
    kind::is_usual(kind)
        && length.is_multiple_of(4)
        && (12..=MAX_BLOCK_LEN as usize).contains(&length)
}

/// Blocks of either order: a section may begin with every block.
impl Frames for SectionState {
    const HEAD: usize = 8;

    #[inline]
    fn head(&self, bytes: &[u8]) -> Option<Head> {
        let [kind, length, fields @ ..] = bytes.as_chunks::<4>().0 else { return None };
        let opens_section = u32::from_le_bytes(*kind) == kind::SECTION;
        let order = if opens_section {
            announced_order(*fields.first()?)?
        } else {
            // No usual kind reads as another one in the other order.
            let is_little = kind::is_usual(u32::from_le_bytes(*kind));
            if is_little { ByteOrder::Little } else { ByteOrder::Big }
        };
        let kind = order.u32(*kind);
        let len = order.u32(*length) as usize;
        let needs = match (kind, fields) {
            // The least that its fields take, with what it says of its data.
            (kind::ENHANCED_PACKET | kind::PACKET, [_, _, _, captured, ..]) => {
                32 + u64::from(order.u32(*captured))
            }
            (kind::SECTION, _) => 28,
            (kind::INTERFACE, _) => 20,
            (kind::STATISTICS, _) => 24,
            _ => 12,
        };
        (is_possible(kind, len) && len as u64 >= needs).then_some(Head {
            len,
            order,
            opens_section,
        })
    }

    #[inline]
    fn is_whole(&self, frame: &[u8], head: Head) -> bool {
        self.len_of_last(frame, head.order) == Some(head.len)
    }

    fn len_of_last(&self, bytes: &[u8], order: ByteOrder) -> Option<usize> {
        let len = order.u32(*bytes.last_chunk()?) as usize;
        (len >= 12).then_some(len)
    }

    /// In this section, or where another begins; and a packet only on an interface that was
    /// described, unless it was the description that was lost.
    fn may_start(&self, bytes: &[u8], is_next: bool) -> bool {
        let [kind, _, id, ..] = bytes.as_chunks::<4>().0 else { return false };
        if u32::from_le_bytes(*kind) == kind::SECTION {
            return true;
        }
        let [i0, i1, _, _] = *id;
        let id = match self.order.u32(*kind) {
            kind::ENHANCED_PACKET | kind::STATISTICS => self.order.u32(*id),
            kind::PACKET => u32::from(self.order.u16([i0, i1])),
            kind::SIMPLE_PACKET => 0,
            kind => return kind::is_usual(kind),
        };
        self.trust != Trust::Known
            || is_next
            || usize::try_from(id).is_ok_and(|id| id < self.interfaces.len())
    }
}

/// The section and the interface that a classic file is read as are parsed like
/// any other, so that there is one way to make them.
pub(crate) fn read_front<'a>(
    order: ByteOrder,
    front: &'a [u8],
    what: classic::Front,
) -> Result<Block<'a>, Damage> {
    let mut section = SectionState { trust: Trust::Known, ..SectionState::new(order) };
    let kind = match what {
        classic::Front::Section => kind::SECTION,
        classic::Front::Interface => kind::INTERFACE,
    };
    section.read(kind, 0, front)
}

#[cfg(test)]
mod tests;
