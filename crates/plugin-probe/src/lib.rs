//! What a built Wireshark plugin says of itself, and whether it can be loaded.
//!
//! A plugin is code that runs inside Wireshark, whole, as soon as it lies in the right folder. So a
//! file is looked at in two steps, the harmless one first:
//!
//! 1. [`Symbols::read`] reads the ELF file as data. Who it is, what version it has and what
//!    Wireshark it was built for is known before a single instruction of it has run; whatever is
//!    wrong there ends the matter.
//! 2. [`try_loading`] loads it as Wireshark would, every symbol resolved at once against the
//!    library of the Wireshark that is there ([`Host`]). That runs its constructors, and a plugin
//!    may crash or hang in them; so it happens in a child process, which [`child`] is the whole
//!    life of. The parent only reads how the child ended.
//!
//! Neither calls `plugin_register`: outside of Wireshark there is nothing to register with. That
//! the dissector works is for tshark to say.
//!
//! This is the one crate of the workspace with unsafe code, all of it in `load.rs`, and all of it
//! in the child.

mod host;
mod load;
mod symbols;

pub use host::Host;
pub use load::{Outcome, child, try_loading};
pub use symbols::{Machine, NotAPlugin, Release, Symbols};
