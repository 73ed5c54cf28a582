//! What must be known of a section to understand its blocks.
//!
//! A block says little by itself: its numbers need the section's byte order,
//! its interface must have been described before, and a Simple Packet Block
//! does not even say how long it is. So each block is read against what the
//! section has said so far, and a block that does not fit is damage with its
//! own place, never a reason to misread the next one.

use crate::{
    Block, ByteOrder, Content, Damage, Interface, Options, Packet, Problem, Section, classic, kind,
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
    /// The snaplen of each interface described; none for a broken description.
    interfaces: Vec<Option<u32>>,
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
        Damage { offset, problem, packet, fatal: false }
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
                // Without a magic, the length does not matter any more.
                let Some(order) = announced_order(*magic) else { return true };
                order
            }
            [kind, ..] if u32::from_le_bytes(*kind) == kind::SECTION => return false,
            _ => self.order,
        };
        match bytes.as_chunks::<4>().0 {
            [_, length, ..] => bytes.len() >= order.u32(*length) as usize,
            _ => false,
        }
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
                self.snaplen(packet.interface)?;
                Ok(Content::Packet(packet))
            }
            kind::PACKET => {
                let packet = Packet::obsolete(order, body)?;
                self.snaplen(packet.interface)?;
                Ok(Content::Packet(packet))
            }
            kind::SIMPLE_PACKET => {
                let snaplen = self.snaplen(0)?;
                Packet::simple(order, body, snaplen).map(Content::Packet)
            }
            kind::INTERFACE => self.interface(body).map(Content::Interface),
            kind::STATISTICS => {
                let [id, _, _, ..] = body.as_chunks::<4>().0 else {
                    let kind = "interface statistics block";
                    return Err(Problem::ShortBody { kind, needs: 12, has: body.len() });
                };
                let interface = order.u32(*id);
                self.snaplen(interface)?;
                Ok(Content::Statistics { interface })
            }
            kind => Ok(Content::Other { kind }),
        }
    }

    /// The snaplen of an interface that has been described.
    #[inline]
    fn snaplen(&self, id: u32) -> Result<u32, Problem> {
        let described = self.interfaces.len();
        match usize::try_from(id).ok().and_then(|id| self.interfaces.get(id)) {
            Some(Some(snaplen)) => Ok(*snaplen),
            Some(None) => Err(Problem::BrokenInterface { id }),
            None => Err(Problem::UnknownInterface { id, described }),
        }
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
        let id = self.number(Some(snaplen))?;
        let link_type = order.u16([*l0, *l1]);
        Ok(Interface { id, link_type, snaplen, options: Options::new(order, options) })
    }

    /// Give the next interface its number and remember its snaplen; none if its
    /// description is broken.
    fn number(&mut self, snaplen: Option<u32>) -> Result<u32, Problem> {
        match u32::try_from(self.interfaces.len()) {
            Ok(id) if self.interfaces.len() < MAX_INTERFACES => {
                self.interfaces.push(snaplen);
                Ok(id)
            }
            _ => Err(Problem::TooManyInterfaces),
        }
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
