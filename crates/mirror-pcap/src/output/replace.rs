//! A file written beside the one that it replaces.
//!
//! The temporary has a name that can be foretold, `.NAME.N.mirror-pcap`, and is
//! locked while it is in use: so what a killed process left behind is known for
//! what it is, and taken away by the next run with the same output. A name that
//! is in use by another run, or belongs to someone else, is passed over.

use std::{
    ffi::OsString,
    fs::{self, File, Metadata, OpenOptions, TryLockError},
    io,
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown},
    },
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use super::signals::{self, Temporary};

/// Runs with the same output at the same time, before it looks like an attack.
const MAX_ATTEMPTS: u32 = 100;

/// A temporary file that will be renamed to its target, or removed.
pub(super) struct Replacement {
    path: PathBuf,
    target: PathBuf,
    /// Owner, group and mode of the file that is replaced.
    keep: Option<(u32, u32, u32)>,
}

impl Replacement {
    /// Create the temporary for `target`; `existing` describes the file that it replaces.
    pub(super) fn begin(
        target: PathBuf,
        existing: Option<&Metadata>,
    ) -> io::Result<(Replacement, File)> {
        // A set-user-ID bit means nothing on a capture, and much if the owner changes.
        let keep = existing.map(|file| (file.uid(), file.gid(), file.mode() & 0o777));
        // Of a file that may be written, nobody expects that it cannot be replaced.
        let explain = |error: io::Error| match existing {
            Some(_) => io::Error::new(
                error.kind(),
                format!("no temporary file can be made beside it: {error}"),
            ),
            None => error,
        };
        signals::watch();
        for attempt in 0..MAX_ATTEMPTS {
            let path = temporary_path(&target, attempt)?;
            // Held until the temporary is known to the watch.
            let mut temporaries = signals::temporaries();
            // A new file is as the umask says. One that replaces another is ours
            // alone until it has its owner and group.
            let mode = keep.map_or(0o666, |(_, _, mode)| mode & 0o700);
            if let Some(file) = try_create(&path, mode).map_err(explain)? {
                temporaries.push(Temporary { path: path.clone(), target: target.clone() });
                return Ok((Replacement { path, target, keep }, file));
            }
        }
        Err(io::Error::other(format!("{MAX_ATTEMPTS} temporary files for it are in use")))
    }

    /// Where the temporary lies.
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

    /// Do all that can still fail before the temporary gets its target's name.
    pub(super) fn settle(&self, file: &File, sync: bool) -> io::Result<()> {
        if let Some((owner, group, mode)) = self.keep {
            // Only root may give files away; others may choose among their own groups.
            let _ = fchown(file, Some(owner), None);
            let is_kept = fchown(file, None, Some(group)).is_ok();
            // What one group was allowed, another was not.
            let mode = if is_kept { mode } else { mode & !0o070 };
            file.set_permissions(PermissionsExt::from_mode(mode))?;
        }
        if sync { file.sync_all() } else { Ok(()) }
    }

    /// Give the temporary its target's name.
    pub(super) fn commit(self, sync: bool) -> io::Result<()> {
        // Opened beforehand: what fails after the rename can no longer be taken back.
        let folder = sync.then(|| File::open(folder(&self.target))).transpose()?;
        let mut temporaries = signals::temporaries();
        fs::rename(&self.path, &self.target)?;
        temporaries.retain(|temporary| temporary.path != self.path);
        drop(temporaries);
        match folder.map(|folder| folder.sync_all()) {
            // Some file systems cannot sync a folder and say so.
            Some(Err(error)) if error.kind() != io::ErrorKind::InvalidInput => {
                let what = "is complete, but its name may not survive a crash: its folder could \
                            not be synced";
                Err(io::Error::new(error.kind(), format!("{what}: {error}")))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Replacement {
    /// Without a commit the temporary goes; after one it is no longer known.
    fn drop(&mut self) {
        let mut temporaries = signals::temporaries();
        if let Some(at) = temporaries.iter().position(|temporary| temporary.path == self.path) {
            temporaries.remove(at);
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The folder that `path` is in.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn temporary_path(target: &Path, attempt: u32) -> io::Result<PathBuf> {
    // `Path` overlooks a slash or dot at the end; the rename would not.
    let is_folder =
        [&b"/"[..], b"/."].iter().any(|end| target.as_os_str().as_bytes().ends_with(end));
    let name = target.file_name().filter(|_| !is_folder);
    let name = name.ok_or_else(|| io::Error::other("is not the name of a file"))?;
    // File names have 255 bytes at most; the ending must find room.
    let name = name.as_bytes().get(..200).unwrap_or(name.as_bytes());
    let name = [b".", name, format!(".{attempt}.mirror-pcap").as_bytes()].concat();
    Ok(folder(target).join(OsString::from_vec(name)))
}

/// Create and lock a temporary. `None` if the name is taken by someone else.
fn try_create(path: &Path, mode: u32) -> io::Result<Option<File>> {
    // A stale one is removed and the name tried again; a race may cost a turn.
    for _ in 0..3 {
        let mut options = OpenOptions::new();
        let created = options.write(true).create_new(true).mode(mode).open(path);
        match created {
            Ok(file) => {
                // Whoever thought it stale in this very moment has the lock, and
                // has removed the name or will. Where there are no locks, nobody
                // removes anything.
                let free = !matches!(file.try_lock(), Err(TryLockError::WouldBlock));
                if free && is_named(&file, path) {
                    return Ok(Some(file));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if !remove_if_stale(path)? {
                    return Ok(None);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Remove a temporary that a killed run of ours left behind.
fn remove_if_stale(path: &Path) -> io::Result<bool> {
    // Looked at without following: in a shared folder it may be anything.
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(true) };
    let ours = metadata.is_file()
        && metadata.nlink() == 1
        && metadata.uid() == rustix::process::geteuid().as_raw();
    if !ours {
        return Ok(false);
    }
    // It may have become something else since: a link, a FIFO that nobody reads.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let opened = OpenOptions::new().write(true).custom_flags(flags).open(path);
    let Ok(file) = opened else { return Ok(false) };
    match file.try_lock() {
        Ok(()) if is_named(&file, path) => fs::remove_file(path).map(|()| true),
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => Ok(false),
    }
}

/// Whether `path` still names `file`.
fn is_named(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}
