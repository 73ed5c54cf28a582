//! The interfaces that the packets of a section arrived on.
//!
//! Of each only what the packets need later: how to read them, and what a
//! session's interface takes over. Names are cut to a length that no real one
//! has, so that a capture of nothing but interfaces stays small in memory.

use mirror_session::{Annotation, SessionKey};
use mirror_wire::LinkType;
use pcapng_blocks::{Clock, Interface, code};

/// Longer than any name of an interface: Windows' have about 50 bytes.
const MAX_NAME_LEN: usize = 255;

/// Bytes of names that are kept for one section; real ones have a few hundred.
const MAX_NAMES_LEN: usize = 1 << 20;

/// One interface of the input.
pub(crate) struct Arrival {
    /// LINKTYPE as it stands in the file.
    pub(crate) link_type: u16,
    /// What it is, if mirrored packets can arrive on it.
    pub(crate) link: Option<LinkType>,
    pub(crate) snaplen: u32,
    pub(crate) fcs_len: u8,
    pub(crate) clock: Clock,
    /// What its description says, if it is a session's interface that an earlier run has written.
    pub(crate) session: Option<Box<SessionInterface>>,
    pub(crate) name: Option<Box<str>>,
}

/// What an earlier run has said of a session in the description of its interface.
pub(crate) struct SessionInterface {
    pub(crate) key: SessionKey,
    /// The session's id.
    pub(crate) id: Option<Box<str>>,
    pub(crate) name: Option<Box<str>>,
}

/// The interfaces of the current section, by number.
#[derive(Default)]
pub(crate) struct Arrivals {
    list: Vec<Option<Arrival>>,
    /// Bytes of names in it.
    names_len: usize,
}

impl Arrivals {
    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.names_len = 0;
    }

    pub(crate) fn add(&mut self, interface: &Interface<'_>) {
        let options = &interface.options;
        let name = self.name(options.get(code::IF_NAME));
        let session = self.session(options.get(code::IF_DESCRIPTION));
        let arrival = Arrival {
            link_type: interface.link_type,
            link: LinkType::from_code(interface.link_type),
            snaplen: interface.snaplen,
            fcs_len: interface.fcs_len(),
            clock: interface.clock(),
            session,
            name,
        };
        let id = interface.id as usize;
        // Descriptions that are broken have a number but were never handed out.
        self.list.resize_with(id, || None);
        self.list.push(Some(arrival));
    }

    fn name(&mut self, bytes: Option<&[u8]>) -> Option<Box<str>> {
        let bytes = bytes?;
        let name = String::from_utf8_lossy(bytes.get(..MAX_NAME_LEN).unwrap_or(bytes));
        // Some writers end strings with a NUL.
        let name = name.trim_end_matches('\0');
        self.keep(name)
    }

    fn session(&mut self, description: Option<&[u8]>) -> Option<Box<SessionInterface>> {
        let annotation = Annotation::parse(description?).ok()?;
        let mut text = |text: &Option<String>| self.keep(text.as_deref()?);
        let (id, name) = (text(&annotation.session), text(&annotation.name));
        Some(Box::new(SessionInterface { key: annotation.key(), id, name }))
    }

    /// A text to keep, unless it is empty or there are too many.
    fn keep(&mut self, text: &str) -> Option<Box<str>> {
        let fits = self.names_len + text.len() <= MAX_NAMES_LEN;
        if text.is_empty() || !fits {
            return None;
        }
        self.names_len += text.len();
        Some(text.into())
    }

    /// The interface `id`; the reader gives out no packet of one that was not described.
    #[inline]
    pub(crate) fn get(&self, id: u32) -> Option<&Arrival> {
        self.list.get(id as usize)?.as_ref()
    }
}
