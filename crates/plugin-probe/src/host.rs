//! The library that a plugin is loaded into: libwireshark, as tshark itself finds it.
//!
//! A plugin names no library; its symbols are those of the program that loads it. So before it can
//! be loaded outside of tshark, the libraries of tshark must be there. Which they are stands in
//! tshark: `libwireshark.so.16` of one release is `.so.18` of another, and an installation under
//! `/opt` has its own beside those of the system.

use std::path::{Path, PathBuf};

use object::{
    File,
    elf::{DT_NEEDED, DT_RPATH, DT_RUNPATH},
    read::elf::{Dyn, ElfFile, FileHeader, SectionHeader},
};

use crate::symbols::{Machine, NotAPlugin, parse};

/// The Wireshark program that is there, as far as a plugin needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// What it was compiled for, and a plugin must be.
    pub machine: Machine,
    /// Where its libwireshark may be, the likeliest first; the last is a bare name, which the
    /// system's loader finds.
    pub libraries: Vec<PathBuf>,
}

impl Host {
    /// Read which libwireshark the program with these bytes, which lies at `path`, is linked with.
    ///
    /// # Errors
    ///
    /// If it is no ELF program; a script around one, for example.
    pub fn read(path: &Path, bytes: &[u8]) -> Result<Host, NotAPlugin> {
        let file = parse(bytes)?;
        let (needed, folders) = match &file {
            File::Elf32(elf) => dynamic(elf),
            File::Elf64(elf) => dynamic(elf),
            _ => return Err(NotAPlugin::NotElf),
        };
        let origin = path.parent().unwrap_or(Path::new("/"));
        let folders: Vec<PathBuf> = folders
            .iter()
            .flat_map(|folders| folders.split(':'))
            .filter(|folder| !folder.is_empty())
            .map(|folder| {
                let rest = ["$ORIGIN", "${ORIGIN}"].iter().find_map(|o| folder.strip_prefix(o));
                match rest {
                    Some(rest) => origin.join(rest.trim_start_matches('/')),
                    None => PathBuf::from(folder),
                }
            })
            .collect();
        let name = needed.into_iter().find(|name| name.starts_with("libwireshark."));
        let libraries = name.map(|name| {
            let mut libraries: Vec<_> = folders.iter().map(|folder| folder.join(&name)).collect();
            libraries.push(PathBuf::from(name));
            libraries
        });
        Ok(Host { machine: Machine::of(&file), libraries: libraries.unwrap_or_default() })
    }
}

/// The libraries that a file needs, and the folders that it wants them looked for in.
fn dynamic<Elf: FileHeader>(file: &ElfFile<'_, Elf>) -> (Vec<String>, Vec<String>) {
    let (endian, data, sections) = (file.endian(), file.data(), file.elf_section_table());
    let (mut needed, mut folders) = (Vec::new(), Vec::new());
    for section in sections.iter() {
        let Ok(Some((entries, link))) = section.dynamic(endian, data) else { continue };
        let Ok(strings) = sections.strings(endian, data, link) else { continue };
        for entry in entries {
            let list = match entry.d_tag(endian) {
                DT_NEEDED => &mut needed,
                DT_RUNPATH | DT_RPATH => &mut folders,
                _ => continue,
            };
            if let Ok(text) = entry.string(endian, strings) {
                list.extend(std::str::from_utf8(text).map(str::to_owned));
            }
        }
    }
    (needed, folders)
}
