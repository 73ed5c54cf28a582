//! A file that is there whole or not at all.
//!
//! It is written as a temporary beside its target, which is renamed when it is complete. Where
//! nothing can be renamed and the target is not there yet, it is written under its own name from
//! the start, in sequence, and removed if it does not become complete: only who kills the run
//! (`kill -9`) gets to see a part of it.

use std::{
    fs::{self, File, Metadata},
    io,
    path::{Path, PathBuf},
};

use super::{
    attributes::Attributes,
    place,
    signals::{self, Temporary},
    temporary::{self, folder},
};
use crate::failure::words;

/// A file on its way to its target's name, which is removed if it does not get there.
pub(super) struct Replacement {
    /// The temporary; the target itself where nothing can be renamed.
    path: PathBuf,
    target: PathBuf,
    /// What the file that is replaced hands on.
    keep: Option<Attributes>,
}

impl Replacement {
    /// Create the file that will be `target`; `existing` is the one that it replaces.
    pub(super) fn begin(
        target: PathBuf,
        existing: Option<(&File, &Metadata)>,
    ) -> io::Result<(Replacement, File)> {
        // Before anything else, for it tells what is not the name of a file.
        temporary::path(&target, "0")?;
        if let Some((_, metadata)) = existing
            && let Some(why) = place::why_irreplaceable(&target, metadata)?
        {
            return Err(io::Error::other(why));
        }
        let keep = existing.map(|(file, metadata)| Attributes::of(file, metadata)).transpose()?;
        signals::watch();
        // Held until the file is known to the watch.
        let mut temporaries = signals::temporaries();
        let (path, file) = match &keep {
            None => make_new(&target)?,
            Some(keep) => make_beside(&target, keep.mode_at_first())?,
        };
        let in_place = if path == target { Some(file.try_clone()?) } else { None };
        temporaries.push(Temporary { path: path.clone(), target: target.clone(), in_place });
        Ok((Replacement { path, target, keep }, file))
    }

    /// What removes it, to be dropped when it is closed, if it is written under its own name.
    pub(super) fn unfinished(&self) -> Option<Unfinished> {
        (self.path == self.target).then(|| Unfinished(self.path.clone()))
    }

    /// What it will be called.
    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    /// Where it lies until it is complete.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Leave owner and mode as they are, and not as those of the file that is replaced.
    pub(super) fn keep_nothing(&mut self) {
        self.keep = None;
    }

    /// Whether both would end up with the same name.
    pub(super) fn has_target_of(&self, other: &Replacement) -> bool {
        let place = |path: &Path| folder(path).canonicalize().ok();
        self.target.file_name() == other.target.file_name()
            && place(&self.target) == place(&other.target)
    }

    /// Do all that can still fail before the file gets its target's name.
    pub(super) fn settle(&self, file: &File, sync: bool) -> io::Result<()> {
        if let Some(keep) = &self.keep {
            keep.give_to(file)?;
        }
        if sync { file.sync_all() } else { Ok(()) }
    }

    /// Give the file its target's name, if it has not got it.
    pub(super) fn commit(self, sync: bool) -> io::Result<()> {
        // Opened beforehand: what fails after the rename can no longer be taken back.
        let folder = sync.then(|| File::open(folder(&self.target))).transpose()?;
        let mut temporaries = signals::temporaries();
        if self.path != self.target {
            fs::rename(&self.path, &self.target)?;
        }
        temporaries.retain(|temporary| temporary.path != self.path);
        drop(temporaries);
        match folder.map(|folder| folder.sync_all()) {
            // Some file systems cannot sync a folder and say so.
            Some(Err(error)) if error.kind() != io::ErrorKind::InvalidInput => {
                let what = "is complete, but its name may not survive a crash: its folder could \
                            not be synced";
                Err(io::Error::new(error.kind(), format!("{what}: {}", words(&error))))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Replacement {
    /// Without a commit the temporary goes; after one it is no longer known.
    fn drop(&mut self) {
        if self.path != self.target {
            signals::remove_unfinished(&self.path);
        }
    }
}

/// A file that is written under its own name, which goes if it does not become complete.
pub(super) struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        signals::remove_unfinished(&self.0);
    }
}

/// Create the file that will be `target`, which is not there yet.
fn make_new(target: &Path) -> io::Result<(PathBuf, File)> {
    let create = || File::create_new(target).map(|file| (target.to_owned(), file));
    if place::may_refuse(folder(target)) {
        // Asked with the file itself, so that where nothing can be removed either, as on Mountpoint
        // for Amazon S3 unless it is told, nothing is left behind.
        let made = create()?;
        let aside = temporary::path(target, &temporary::unforeseeable())?;
        match fs::rename(target, &aside) {
            Ok(()) => {
                drop(made);
                fs::remove_file(&aside)?;
            }
            Err(error) if place::is_refusal(&error) => return Ok(made),
            Err(error) => {
                drop(made);
                let _ = fs::remove_file(target);
                return Err(error);
            }
        }
    }
    // As the umask says.
    temporary::create(target, 0o666)?.map_or_else(create, Ok)
}

/// Create a temporary for `target`, which is there.
fn make_beside(target: &Path, mode: u32) -> io::Result<(PathBuf, File)> {
    // Of a file that may be written, nobody expects that it cannot be replaced.
    let explain = |error: io::Error| {
        io::Error::new(
            error.kind(),
            format!("no temporary file can be made beside it: {}", words(&error)),
        )
    };
    temporary::create(target, mode).map_err(explain)?.ok_or_else(|| {
        io::Error::other("cannot be replaced where nothing can be renamed; name a new file")
    })
}
