//! Where a rewritten capture goes, all or nothing.
//!
//! A regular file is written under a temporary name beside it and renamed when
//! it is complete: until then an existing file is untouched, whatever happens,
//! and the input may be the output. Pipes, devices and standard output cannot
//! be renamed and are written directly.

mod encoder;
mod replace;
pub(crate) mod signals;
mod sink;

use std::{
    fs::{self, File, OpenOptions},
    io::{self, IsTerminal},
    os::fd::AsFd,
    path::{Path, PathBuf},
    thread,
};

use anyhow::anyhow;
use pcapng_blocks::Compression;

pub(crate) use self::sink::Sink;
use self::{encoder::Encoder, replace::Replacement};
use crate::failure::Failure;

/// A place to write to, opened.
pub(crate) struct Output {
    /// The name to report it by.
    pub(crate) name: String,
    file: File,
    compression: Compression,
    replacement: Option<Replacement>,
}

impl Output {
    /// Open `path`; standard output for `-`, and for nothing if it is no terminal.
    pub(crate) fn create(path: Option<&Path>) -> Result<Output, Failure> {
        let Some(path) = path.filter(|path| path.as_os_str() != "-") else {
            if path.is_none() && io::stdout().is_terminal() {
                return Err(Failure::usage(anyhow!(
                    "standard output is a terminal; name a file to write to, or - to insist"
                )));
            }
            let name = "standard output".to_owned();
            let file = io::stdout().as_fd().try_clone_to_owned().map(File::from);
            let file = file.map_err(|error| Failure::output(&name, error))?;
            return Ok(Output { name, file, compression: Compression::None, replacement: None });
        };
        let name = path.to_string_lossy().into_owned();
        let compression = Compression::of_name(&name);
        let fail = |error| Failure::output(&name, error);
        let path = resolve(path).map_err(fail)?;
        let (file, replacement) = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {
                return Err(fail(io::Error::other("is a folder, expected a file")));
            }
            Ok(metadata) if !metadata.is_file() => {
                (OpenOptions::new().write(true).open(&path).map_err(fail)?, None)
            }
            Ok(metadata) => {
                // What may not be written is not replaced either.
                OpenOptions::new().write(true).open(&path).map_err(fail)?;
                let (replacement, file) =
                    Replacement::begin(path, Some(&metadata)).map_err(fail)?;
                (file, Some(replacement))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let (replacement, file) = Replacement::begin(path, None).map_err(fail)?;
                (file, Some(replacement))
            }
            Err(error) => return Err(fail(error)),
        };
        Ok(Output { name, file, compression, replacement })
    }

    /// Begin to write, on a thread of its own if there are to be two `threads`;
    /// so many as there are processors if it is not said.
    pub(crate) fn start(&self, threads: Option<u8>) -> Result<Sink, Failure> {
        let threads = threads.unwrap_or_else(|| match thread::available_parallelism() {
            Ok(n) if n.get() > 1 => 2,
            _ => 1,
        });
        self.file
            .try_clone()
            .and_then(|file| Encoder::new(file, self.compression))
            .map(|encoder| Sink::new(encoder, threads))
            .map_err(|error| Failure::output(&self.name, error))
    }

    /// Say that what was written is complete: from now on it has its name.
    pub(crate) fn commit(self, sync: bool) -> Result<(), Failure> {
        let Some(replacement) = self.replacement else {
            // Pipes and most devices cannot be synced and say so; that is no failure.
            return match if sync { self.file.sync_all() } else { Ok(()) } {
                Err(error) if error.kind() != io::ErrorKind::InvalidInput => {
                    Err(Failure::output(&self.name, error))
                }
                _ => Ok(()),
            };
        };
        replacement.commit(&self.file, sync).map_err(|error| Failure::output(&self.name, error))
    }
}

/// Write a small file in one piece, with the same care.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let output = Output::create(Some(path))?;
    let mut sink = output.start(Some(1))?;
    sink.buffer().extend_from_slice(bytes);
    sink.finish().map_err(|error| Failure::output(&output.name, error))?;
    output.commit(false)
}

/// Follow symbolic links to the file that would be written, whether it exists or not.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    // As many as Linux follows.
    for _ in 0..40 {
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_symlink() => {
                let link = fs::read_link(&path)?;
                path = match path.parent() {
                    Some(folder) => folder.join(link),
                    None => link,
                };
                // What /proc names is open already and may have no path at all.
                if path.starts_with("/proc") {
                    return Ok(path);
                }
            }
            _ => return Ok(path),
        }
    }
    Err(io::Error::other("too many levels of symbolic links"))
}
