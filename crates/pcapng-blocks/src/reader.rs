//! From bytes to blocks.
//!
//! The framing of pcapng is all that this module trusts, and it trusts it
//! step by step: a length must be possible, then the bytes must be there, then
//! the copy of the length behind them must agree. A block that breaks a rule
//! inside a sound frame is one lost block; a frame without a believable length
//! ends the reading, for nothing says where the next one begins.

use std::{io::Read, mem};

use crate::{
    Block, ByteOrder, Content, Damage, Interface, OpenError, Options, Packet, Problem, Section,
    classic::{self, Classic},
    kind,
    window::Window,
};

/// The longest block that is read: as much as the longest that Wireshark
/// accepts, a D-Bus message of 128 MiB with its options.
pub const MAX_BLOCK_LEN: u32 = (128 << 20) + (256 << 10);

/// The most interfaces of one section that are kept track of. Each costs a few
/// bytes here and more with whoever rewrites, so a file of nothing but
/// interfaces must not fill the memory.
pub(crate) const MAX_INTERFACES: usize = 1 << 20;

/// The file format of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// pcapng.
    Pcapng,
    /// Classic pcap, of either resolution.
    Pcap,
}

/// What comes next in a capture.
#[derive(Debug)]
pub enum Event<'a> {
    /// A block.
    Block(Block<'a>),
    /// A broken place. Reading goes on behind it unless it is fatal.
    Damage(Damage),
}

/// Reads a capture block by block, in bounded memory.
#[derive(Debug)]
pub struct Reader<R> {
    window: Window<R>,
    /// Bytes of the window that the last event was made of.
    taken: usize,
    source: Source,
    ended: bool,
}

#[derive(Debug)]
enum Source {
    Pcapng(SectionState),
    Pcap(Classic),
}

/// What must be known of a section to understand its blocks.
#[derive(Debug)]
struct SectionState {
    order: ByteOrder,
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

/// One frame found in the window.
struct Frame {
    kind: u32,
    len: usize,
}

impl<R: Read> Reader<R> {
    /// Begin to read a capture, which must not be compressed (see [`crate::decompress`]).
    ///
    /// # Errors
    ///
    /// If it is no capture that can be read, or if it ends within its first header.
    pub fn open(input: R) -> Result<Reader<R>, OpenError> {
        let mut window = Window::new(input);
        if !window.fill(4) {
            return Err(match window.take_error() {
                Some(error) => OpenError::Read(error),
                None if window.bytes().is_empty() => OpenError::Empty,
                None => OpenError::NotACapture { found: window.bytes().to_vec() },
            });
        }
        let source = match window.bytes().first_chunk() {
            Some(&[0x0A, 0x0D, 0x0D, 0x0A]) => {
                // Nothing is announced yet; the first block must be a section header.
                let order = ByteOrder::Little;
                let mut section =
                    SectionState { order, trust: Trust::Broken, interfaces: Vec::new() };
                check_first_section(&mut window, &mut section)?;
                Source::Pcapng(section)
            }
            Some(magic) => Source::Pcap(Classic::open(*magic, &mut window)?),
            None => return Err(OpenError::Empty),
        };
        Ok(Reader { window, taken: 0, source, ended: false })
    }

    /// The file format.
    pub fn format(&self) -> Format {
        match self.source {
            Source::Pcapng(_) => Format::Pcapng,
            Source::Pcap(_) => Format::Pcap,
        }
    }

    /// Whether the next event has to be waited for: the input gave less than it
    /// was asked for, and what it gave holds no further block. The moment to
    /// flush what was written so far.
    pub fn must_wait(&self) -> bool {
        let bytes = self.window.bytes().get(self.taken..).unwrap_or_default();
        self.window.short()
            && !self.ended
            && match &self.source {
                Source::Pcapng(section) => !section.has_block(bytes),
                Source::Pcap(classic) => !classic.has_record(bytes),
            }
    }

    /// The next block or broken place; `None` at the end of the capture.
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend its buffer")]
    pub fn next(&mut self) -> Option<Event<'_>> {
        self.window.consume(mem::take(&mut self.taken));
        if self.ended {
            return None;
        }
        let offset = self.window.offset();
        let event = match &mut self.source {
            Source::Pcapng(section) => match next_frame(&mut self.window, section, offset) {
                Ok(None) => None,
                Ok(Some(frame)) => {
                    self.taken = frame.len;
                    let bytes = self.window.bytes().get(..frame.len).unwrap_or_default();
                    Some(section.read(frame.kind, offset, bytes))
                }
                Err((damage, skip)) => {
                    self.taken = skip;
                    Some(Err(damage))
                }
            },
            Source::Pcap(classic) => {
                let (event, taken) = classic.next(&mut self.window);
                self.taken = taken;
                event
            }
        };
        match event {
            None => {
                self.ended = true;
                None
            }
            Some(Ok(block)) => Some(Event::Block(block)),
            Some(Err(damage)) => {
                self.ended = damage.fatal;
                Some(Event::Damage(damage))
            }
        }
    }
}

/// A file whose very first block is broken was no capture to begin with.
fn check_first_section<R: Read>(
    window: &mut Window<R>,
    section: &mut SectionState,
) -> Result<(), OpenError> {
    let order = section.order;
    let result = match next_frame(window, section, 0) {
        Ok(Some(frame)) => {
            let bytes = window.bytes().get(..frame.len).unwrap_or_default();
            section.read(frame.kind, 0, bytes).map(|_| ()).map_err(|damage| damage.problem)
        }
        Ok(None) => return Err(OpenError::Empty),
        Err((damage, _)) => Err(damage.problem),
    };
    // The block is still in the window and is read again as the first event.
    *section = SectionState { order, trust: Trust::Broken, interfaces: Vec::new() };
    match result {
        Ok(()) => Ok(()),
        Err(Problem::Cut { left, .. }) => Err(OpenError::Cut { left }),
        Err(Problem::Read(error)) => Err(OpenError::Read(error)),
        Err(problem) => Err(OpenError::BadSection(problem)),
    }
}

/// Find the next frame. An error comes with the bytes to skip.
fn next_frame<R: Read>(
    window: &mut Window<R>,
    section: &mut SectionState,
    offset: u64,
) -> Result<Option<Frame>, (Damage, usize)> {
    let fatal = |problem| (Damage { offset, problem, packet: false, fatal: true }, 0);
    if !window.fill(8) {
        return match (window.take_error(), window.bytes().len() as u64) {
            (Some(error), _) => Err(fatal(Problem::Read(error))),
            (None, 0) => Ok(None),
            (None, left) => Err(fatal(Problem::Cut { needs: 12, left })),
        };
    }
    let [kind_bytes, length_bytes, ..] = window.bytes().as_chunks::<4>().0 else {
        return Ok(None);
    };
    let (kind_bytes, length_bytes) = (*kind_bytes, *length_bytes);
    if u32::from_le_bytes(kind_bytes) == kind::SECTION {
        //= https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcapng#section-4.1
        //# This number can be used to distinguish sections that have been saved on
        //# little-endian machines from the ones saved on big-endian machines
        // So the magic comes before the length, which cannot be read without it.
        if !window.fill(12) {
            return Err(fatal(cut(window, offset, 28)));
        }
        let magic = window.bytes().get(8..).and_then(<[u8]>::first_chunk);
        let magic = magic.copied().unwrap_or_default();
        let Some(order) = announced_order(magic) else {
            return Err(fatal(Problem::BadMagic { found: magic }));
        };
        // Not to be believed before the whole block was found sound.
        *section = SectionState { order, trust: Trust::Broken, interfaces: Vec::new() };
    }
    let kind = section.order.u32(kind_bytes);
    let length = section.order.u32(length_bytes);
    if length < 12 || !length.is_multiple_of(4) {
        return Err(fatal(Problem::BadLength { length }));
    }
    let len = length as usize;
    if length > MAX_BLOCK_LEN {
        skip_long_block(window, offset, len).map_err(fatal)?;
        return Err((section.lost(kind, offset, Problem::TooLong { length }), 4));
    }
    if !window.fill(len) {
        return Err(fatal(cut(window, offset, len)));
    }
    let tail = window.bytes().get(len - 4..).and_then(<[u8]>::first_chunk);
    let tail = section.order.u32(tail.copied().unwrap_or_default());
    if tail != length {
        return Err((
            section.lost(kind, offset, Problem::LengthMismatch { head: length, tail }),
            len,
        ));
    }
    Ok(Some(Frame { kind, len }))
}

/// The byte order of a section, by the byte-order magic in its header.
fn announced_order(magic: [u8; 4]) -> Option<ByteOrder> {
    match magic {
        [0x4D, 0x3C, 0x2B, 0x1A] => Some(ByteOrder::Little),
        [0x1A, 0x2B, 0x3C, 0x4D] => Some(ByteOrder::Big),
        _ => None,
    }
}

/// Move behind a block that is too long to hold, up to its second length. The
/// block begins at `offset`, where the window does.
fn skip_long_block<R: Read>(
    window: &mut Window<R>,
    offset: u64,
    len: usize,
) -> Result<(), Problem> {
    let mut rest = len - 4;
    while rest > 0 {
        if !window.fill(1) {
            return Err(cut(window, offset, len));
        }
        let step = window.bytes().len().min(rest);
        window.consume(step);
        rest -= step;
    }
    if window.fill(4) { Ok(()) } else { Err(cut(window, offset, len)) }
}

/// Why a block that begins at `offset` and needs `len` bytes is not there.
fn cut<R: Read>(window: &mut Window<R>, offset: u64, len: usize) -> Problem {
    match window.take_error() {
        Some(error) => Problem::Read(error),
        None => {
            let left = window.offset() - offset + window.bytes().len() as u64;
            Problem::Cut { needs: len as u64, left }
        }
    }
}

impl SectionState {
    /// Understand the block that `bytes` holds, frame and all.
    fn read<'a>(&mut self, kind: u32, offset: u64, bytes: &'a [u8]) -> Result<Block<'a>, Damage> {
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
    fn damage(&self, kind: u32, offset: u64, problem: Problem) -> Damage {
        // In a section of a version that nobody knows, block types mean nothing.
        let packet = kind::is_packet(kind) && self.trust != Trust::Foreign;
        Damage { offset, problem, packet, fatal: false }
    }

    /// A block whose frame is unsound, so that its body is not looked at.
    fn lost(&mut self, kind: u32, offset: u64, problem: Problem) -> Damage {
        if kind == kind::INTERFACE && self.trust == Trust::Known {
            // An interface that cannot be read still has a number. If there are
            // too many, this one is lost either way.
            let _ = self.number(None);
        }
        self.damage(kind, offset, problem)
    }

    /// Whether `bytes`, what is left in the window, are enough for the next event.
    fn has_block(&self, bytes: &[u8]) -> bool {
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
                self.check(packet.interface)?;
                Ok(Content::Packet(packet))
            }
            kind::PACKET => {
                let packet = Packet::obsolete(order, body)?;
                self.check(packet.interface)?;
                Ok(Content::Packet(packet))
            }
            kind::SIMPLE_PACKET => {
                let snaplen = self.check(0)?;
                Packet::simple(order, body, snaplen).map(Content::Packet)
            }
            kind::INTERFACE => self.interface(body).map(Content::Interface),
            kind::STATISTICS => {
                let [id, _, _, ..] = body.as_chunks::<4>().0 else {
                    let kind = "interface statistics block";
                    return Err(Problem::ShortBody { kind, needs: 12, has: body.len() });
                };
                let interface = order.u32(*id);
                self.check(interface)?;
                Ok(Content::Statistics { interface })
            }
            kind => Ok(Content::Other { kind }),
        }
    }

    /// The snaplen of an interface that has been described.
    #[inline]
    fn check(&self, id: u32) -> Result<u32, Problem> {
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
    let mut section = SectionState { order, trust: Trust::Known, interfaces: Vec::new() };
    let kind = match what {
        classic::Front::Section => kind::SECTION,
        classic::Front::Interface => kind::INTERFACE,
    };
    section.read(kind, 0, front)
}
