//! The symbols by which Wireshark takes a library for a plugin, read from the file.
//!
//! Wireshark looks for `plugin_version`, `plugin_want_major`, `plugin_want_minor` and
//! `plugin_register`, and refuses a plugin whose wanted release is not its own. The first three are
//! data, so they can be read without loading anything. Ours has one more, [`MARKER`]: other people's
//! plugins have the same four symbols, and must never be taken for ours.

use std::fmt;

use object::{
    Architecture, BinaryFormat, Endianness, File, Object, ObjectKind, ObjectSegment, ObjectSymbol,
    Symbol,
};

/// The data symbol that our plugin has and no other: `vpcmirror `, its version, and a NUL.
const MARKER: &str = "vpcmirror_plugin";

/// A text that is longer than this is not one that we or Wireshark wrote.
const MAX_TEXT: u64 = 64;

/// What a plugin says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbols {
    /// What it was compiled for.
    pub machine: Machine,
    /// Its `plugin_version`.
    pub version: String,
    /// The release of Wireshark that it was built for, the only one that takes it.
    pub wants: Release,
    /// Whether it is this project's plugin.
    pub is_ours: bool,
}

/// A release series of Wireshark, `4.0`: what a plugin is built for, and no other takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    /// The 4 of 4.0.17.
    pub major: u32,
    /// The 0 of 4.0.17.
    pub minor: u32,
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What a program or library was compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    architecture: Architecture,
    is_64: bool,
    endianness: Endianness,
}

impl Machine {
    pub(crate) fn of(file: &File<'_>) -> Machine {
        Machine {
            architecture: file.architecture(),
            is_64: file.is_64(),
            endianness: file.endianness(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = if self.is_64 { 64 } else { 32 };
        write!(f, "{:?} with {bits} bits", self.architecture)
    }
}

/// Why a file is no plugin, and that Wireshark would say so too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotAPlugin {
    /// Not ELF at all.
    NotElf,
    /// Begins as ELF and goes on as something else.
    Damaged(String),
    /// A program or an object file.
    NotALibrary,
    /// These symbols are not exported.
    Missing(Vec<&'static str>),
    /// This one is exported, but its value is not in the file or not what it should be.
    BadValue(&'static str),
}

impl fmt::Display for NotAPlugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotAPlugin::NotElf => f.write_str("is no ELF file, expected a shared library"),
            NotAPlugin::Damaged(problem) => write!(f, "is a damaged ELF file: {problem}"),
            NotAPlugin::NotALibrary => {
                f.write_str("is an ELF file but no shared library, expected one")
            }
            NotAPlugin::Missing(names) => {
                write!(f, "is no Wireshark plugin: it does not export {}", names.join(", "))
            }
            NotAPlugin::BadValue(name) => {
                write!(f, "is no Wireshark plugin: the value of {name} cannot be read")
            }
        }
    }
}

impl std::error::Error for NotAPlugin {}

impl Symbols {
    /// Read the symbols of the file with these bytes. Nothing of it is run.
    ///
    /// # Errors
    ///
    /// If Wireshark would not take it for a plugin. What it would say of the wanted release is not
    /// asked here.
    pub fn read(bytes: &[u8]) -> Result<Symbols, NotAPlugin> {
        let file = parse(bytes)?;
        if file.kind() != ObjectKind::Dynamic {
            return Err(NotAPlugin::NotALibrary);
        }
        let find = |name: &str| {
            let mut symbols = file.dynamic_symbols();
            symbols.find(|symbol| symbol.is_definition() && symbol.name() == Ok(name))
        };
        let wanted =
            ["plugin_version", "plugin_want_major", "plugin_want_minor", "plugin_register"];
        let found = wanted.map(find);
        let [Some(version), Some(major), Some(minor), Some(_)] = &found else {
            let missing = wanted.iter().zip(&found).filter(|(_, found)| found.is_none());
            return Err(NotAPlugin::Missing(missing.map(|(name, _)| *name).collect()));
        };
        let number = |symbol: &Symbol<'_, '_>, name| {
            let bytes = data(&file, symbol.address(), 4).and_then(|bytes| bytes.try_into().ok());
            let bytes = bytes.or_else(|| is_zero(&file, symbol.address(), 4).then_some([0; 4]));
            // A C int, and no release is negative.
            let value = bytes.map(|bytes| match file.endianness() {
                Endianness::Little => i32::from_le_bytes(bytes),
                Endianness::Big => i32::from_be_bytes(bytes),
            });
            value.and_then(|value| u32::try_from(value).ok()).ok_or(NotAPlugin::BadValue(name))
        };
        let marker = find(MARKER).and_then(|symbol| text(&file, &symbol));
        Ok(Symbols {
            machine: Machine::of(&file),
            version: text(&file, version).ok_or(NotAPlugin::BadValue("plugin_version"))?,
            wants: Release {
                major: number(major, "plugin_want_major")?,
                minor: number(minor, "plugin_want_minor")?,
            },
            is_ours: marker.is_some_and(|text| text.starts_with("vpcmirror ")),
        })
    }
}

/// Parse an ELF file.
pub(crate) fn parse(bytes: &[u8]) -> Result<File<'_>, NotAPlugin> {
    if !bytes.starts_with(b"\x7fELF") {
        return Err(NotAPlugin::NotElf);
    }
    let file = File::parse(bytes).map_err(|error| NotAPlugin::Damaged(error.to_string()))?;
    if file.format() == BinaryFormat::Elf { Ok(file) } else { Err(NotAPlugin::NotElf) }
}

/// So many bytes that lie at `address` once the file is loaded.
fn data<'data>(file: &File<'data>, address: u64, len: u64) -> Option<&'data [u8]> {
    file.segments().find_map(|segment| segment.data_range(address, len).ok().flatten())
}

/// Whether what lies at `address` has room in memory but not in the file: then it is all zeros.
fn is_zero(file: &File<'_>, address: u64, len: u64) -> bool {
    file.segments().any(|segment| {
        let (_, in_file) = segment.file_range();
        address.checked_sub(segment.address()).is_some_and(|at| {
            at >= in_file && at.checked_add(len).is_some_and(|end| end <= segment.size())
        })
    })
}

/// The text that begins at a symbol and ends with NUL.
fn text(file: &File<'_>, symbol: &Symbol<'_, '_>) -> Option<String> {
    let address = symbol.address();
    // Near the end of its segment there are fewer bytes than the longest text has.
    let bytes = (1..=MAX_TEXT).rev().find_map(|len| data(file, address, len))?;
    let len = bytes.iter().position(|&byte| byte == 0)?;
    std::str::from_utf8(bytes.get(..len)?).ok().map(str::to_owned)
}
