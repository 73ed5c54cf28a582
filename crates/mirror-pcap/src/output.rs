//! Where a rewritten capture goes, all or nothing.
//!
//! A regular file is written under a temporary name beside it and renamed when
//! it is complete: until then an existing file is untouched, whatever happens,
//! and the input may be the output. (`replace` has what becomes of that where
//! nothing can be renamed.) Pipes, devices and whatever is open already, such
//! as standard output, cannot be renamed and are written directly.

mod attributes;
mod encoder;
mod evidence;
mod place;
mod replace;
pub(crate) mod signals;
mod sink;
mod temporary;

use std::{
    fs::{self, File, OpenOptions},
    io::{self, IsTerminal},
    os::{
        fd::AsFd,
        unix::fs::{FileTypeExt, PermissionsExt},
    },
    path::{Path, PathBuf},
    thread,
};

use anyhow::anyhow;
use pcapng_blocks::Compression;

use self::{
    encoder::Encoder,
    replace::{Replacement, Unfinished},
    temporary::folder,
};
pub(crate) use self::{
    evidence::{FileId, InPlace, RULE_PREFIX, Replaces, check_text_to_stdout, loses, stdout_id},
    sink::Sink,
};
use crate::{
    failure::Failure,
    streams::{self, is_stdout},
};

/// A place to write to, opened.
pub(crate) struct Output {
    /// The name to report it by.
    pub(crate) name: String,
    compression: Compression,
    // Before the file: as long as that is open it is locked, and nobody else
    // takes the temporary for a stale one and its name for free.
    replacement: Option<Replacement>,
    file: File,
    // After the file: not all who make file systems can remove one that is open.
    unfinished: Option<Unfinished>,
    /// Device and inode of the file that is replaced, or written into.
    existing: Option<FileId>,
    /// What it may take the place of, and what stood in that place when it was asked.
    replaces: (Replaces, Option<FileId>),
    /// Whether what is in the file has to go before anything is written.
    truncate: bool,
}

impl Output {
    /// Open `path`, unless what stands there is not to be lost; standard output for `-`, and for
    /// nothing if it is no terminal.
    pub(crate) fn create(path: Option<&Path>, replaces: Replaces) -> Result<Output, Failure> {
        let Some(path) = path.filter(|path| !is_stdout(path)) else {
            if path.is_none() && io::stdout().is_terminal() {
                return Err(Failure::usage(anyhow!(
                    "standard output is a terminal; name a file to write to, or - to insist"
                )));
            }
            let name = "standard output".to_owned();
            match replaces {
                Replaces::NoCapture(what) => check_text_to_stdout(what)?,
                Replaces::OurCaptures { .. } => {
                    streams::check_stdout().map_err(|error| Failure::output(&name, error))?;
                }
            }
            let file = io::stdout().as_fd().try_clone_to_owned().map(File::from);
            let file = file.map_err(|error| Failure::output(&name, error))?;
            let existing = file.metadata().ok().and_then(|metadata| identity(&metadata));
            return Ok(Output {
                name,
                compression: Compression::None,
                replacement: None,
                file,
                unfinished: None,
                existing,
                replaces: (replaces, None),
                truncate: false,
            });
        };
        let name = path.to_string_lossy().into_owned();
        let stood = replaces.check(path, &name)?;
        let replaces = (replaces, stood);
        open(path, &name, replaces).map_err(|error| Failure::output(&name, error))
    }

    /// Whether what is written here is written to `other` at once: then neither
    /// would be what it should.
    pub(crate) fn is_also(&self, other: &Output) -> bool {
        let same_name = match (&self.replacement, &other.replacement) {
            (Some(a), Some(b)) => a.has_target_of(b),
            _ => false,
        };
        same_name || other.existing.is_some_and(|id| self.takes_the_place_of(id))
    }

    /// Whether the file with this device and inode is lost to what is written here.
    pub(crate) fn takes_the_place_of(&self, id: FileId) -> bool {
        self.existing == Some(id)
    }

    /// Whether standard output is the file that is replaced: what is printed would go with it.
    pub(crate) fn replaces_stdout(&self) -> bool {
        self.replacement.is_some() && self.existing.is_some() && self.existing == stdout_id()
    }

    /// Whether it goes straight into the file with this device and inode.
    pub(crate) fn is_written_into(&self, id: FileId) -> bool {
        self.replacement.is_none()
            && self.takes_the_place_of(id)
            && self.file.metadata().is_ok_and(|file| file.is_file())
    }

    /// Begin to write, on a thread of its own if there are to be two `threads`;
    /// so many as there are processors if it is not said.
    pub(crate) fn start(&self, threads: Option<u8>) -> Result<Sink, Failure> {
        let threads = threads.unwrap_or_else(|| match thread::available_parallelism() {
            Ok(n) if n.get() > 1 => 2,
            _ => 1,
        });
        let truncated = if self.truncate { self.file.set_len(0) } else { Ok(()) };
        truncated
            .and_then(|()| self.file.try_clone())
            .and_then(|file| Encoder::new(file, self.compression))
            .and_then(|encoder| Sink::new(encoder, threads))
            .map_err(|error| Failure::output(&self.name, error))
    }

    /// Write a small file in one piece; [`Output::commit`] gives it its name.
    pub(crate) fn write_whole(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut sink = self.start(Some(1))?;
        sink.buffer().extend_from_slice(bytes);
        sink.finish().map_err(|error| Failure::output(&self.name, error))
    }

    /// Where it lies until it has its name, if that is another place.
    pub(crate) fn temporary(&self) -> Option<&Path> {
        self.replacement.as_ref().map(Replacement::path)
    }

    /// Let everybody read it, and its owner alone write it, whatever the umask says and whatever
    /// was allowed of the file that it replaces.
    pub(crate) fn make_public(&mut self) -> Result<(), Failure> {
        if let Some(replacement) = &mut self.replacement {
            replacement.keep_nothing();
        }
        let mode = PermissionsExt::from_mode(0o644);
        self.file.set_permissions(mode).map_err(|error| Failure::output(&self.name, error))
    }

    /// Say that what was written is complete: from now on it has its name.
    pub(crate) fn commit(self, sync: bool) -> Result<(), Failure> {
        Output::commit_all(vec![self], sync)
    }

    /// The same of several, and none has its name before all are as good as written.
    pub(crate) fn commit_all(outputs: Vec<Output>, sync: bool) -> Result<(), Failure> {
        for output in &outputs {
            output.check_again()?;
            output.settle(sync).map_err(|error| Failure::output(&output.name, error))?;
        }
        // Dropped from the last to the first: see their fields.
        for Output { name, unfinished, file, replacement, .. } in outputs {
            if let Some(replacement) = replacement {
                replacement.commit(sync).map_err(|error| Failure::output(&name, error))?;
            }
            // Closed, and so unlocked, only now: see `temporary`.
            drop(file);
            drop(unfinished);
        }
        Ok(())
    }

    /// Complain if in the meantime something else has come to stand where it goes, and is not to
    /// be lost.
    fn check_again(&self) -> Result<(), Failure> {
        let Some(replacement) = &self.replacement else { return Ok(()) };
        let (replaces, stood) = self.replaces;
        let id = |metadata: fs::Metadata| evidence::id(&metadata);
        let stands = fs::metadata(replacement.target()).ok().map(id);
        let is_expected = stands == stood || stands == self.file.metadata().ok().map(id);
        if is_expected {
            return Ok(());
        }
        replaces.check(replacement.target(), &self.name).map(|_| ())
    }

    fn settle(&self, sync: bool) -> io::Result<()> {
        if let Some(replacement) = &self.replacement {
            return replacement.settle(&self.file, sync);
        }
        // Pipes and most devices cannot be synced and say so; that is no failure.
        match if sync { self.file.sync_all() } else { Ok(()) } {
            Err(error) if error.kind() != io::ErrorKind::InvalidInput => Err(error),
            _ => Ok(()),
        }
    }
}

/// Close standard output as far as that goes, to hear of what was written and is lost.
pub(crate) fn close_stdout() -> io::Result<()> {
    io::stdout().as_fd().try_clone_to_owned().and_then(|copy| close(copy.into()))
}

/// Close a file, and hear what dropping it would keep to itself: over NFS, and with quotas, the
/// first word of a full disk may come here.
fn close(file: File) -> io::Result<()> {
    match nix::unistd::close(file) {
        // The descriptor is gone, and whoever tried again would close another's.
        Ok(()) | Err(nix::errno::Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Open what `path` names: a temporary that will replace it, or itself. Nothing
/// that is there is changed yet.
fn open(path: &Path, name: &str, replaces: (Replaces, Option<FileId>)) -> io::Result<Output> {
    let mut options = OpenOptions::new();
    options.write(true);
    let output = |replacement: Option<Replacement>,
                  file,
                  existing: Option<&fs::Metadata>,
                  truncate| Output {
        name: name.to_owned(),
        compression: Compression::of_name(name),
        unfinished: replacement.as_ref().and_then(Replacement::unfinished),
        replacement,
        file,
        existing: existing.and_then(identity),
        replaces,
        truncate,
    };
    // Asked before links are followed: what is no file needs no other name.
    let existing = match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            return Err(io::Error::other("is a folder, expected a file"));
        }
        Ok(metadata) if !metadata.is_file() => {
            return Ok(output(None, options.open(path)?, Some(&metadata), false));
        }
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let Some(target) = resolve(path)? else {
        // Opened once more, a file would be written from its start, whatever `>>` has said.
        let append = is_appended_to(path);
        let file = options.append(append).open(path)?;
        return Ok(output(None, file, existing.as_ref(), !append));
    };
    // What may not be written is not replaced either.
    let old = existing.as_ref().map(|_| options.open(path)).transpose()?;
    let (replacement, file) = Replacement::begin(target, old.as_ref().zip(existing.as_ref()))?;
    Ok(output(Some(replacement), file, existing.as_ref(), false))
}

/// What tells a file from others. A terminal may show two things, and /dev/null lose two.
fn identity(metadata: &fs::Metadata) -> Option<FileId> {
    (!metadata.file_type().is_char_device()).then(|| evidence::id(metadata))
}

/// Whether `path`, one of `/dev/fd/N` and the like, was opened to append to.
fn is_appended_to(path: &Path) -> bool {
    let Some(number) = path.file_name() else { return false };
    let info = fs::read_to_string(Path::new("/proc/self/fdinfo").join(number)).unwrap_or_default();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
    flags.is_some_and(|flags| flags & rustix::fs::OFlags::APPEND.bits() != 0)
}

/// Follow symbolic links to the file that would be written, whether it exists or
/// not. `None` if a link leads to a file that is open already: /proc has those,
/// and they need not have a path at all.
fn resolve(path: &Path) -> io::Result<Option<PathBuf>> {
    let mut path = path.to_owned();
    // As many as Linux follows.
    for _ in 0..40 {
        if !fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_symlink()) {
            return Ok(Some(path));
        }
        let folder = folder(&path).canonicalize()?;
        if folder.starts_with("/proc") {
            return Ok(None);
        }
        path = folder.join(fs::read_link(&path)?);
    }
    Err(io::Error::other("too many levels of symbolic links"))
}
