//! A temporary file beside the one that it will become.
//!
//! Its name can be foretold, `.NAME.N.mirror-pcap`, and it is locked while it is in use: so what a
//! killed process left behind is known for what it is, and taken away by the next run with the same
//! output. A name that is in use by another run, or belongs to someone else, is passed over; where
//! all of them are, in a folder that others fill, a name is taken that nobody can foretell.
//!
//! It is created under another name, `.NAME.N.new.mirror-pcap`, and then renamed, which shows
//! whether that can be done there. Who has the first name has the second one to himself.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    hash::{BuildHasher, RandomState},
    io,
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::{MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use super::place;

/// Names that are tried before one is taken that nobody can foretell.
const MAX_ATTEMPTS: u32 = 100;

/// Create and lock a temporary for `target`. `None` where nothing can be renamed.
pub(super) fn create(target: &Path, mode: u32) -> io::Result<Option<(PathBuf, File)>> {
    for attempt in 0..=MAX_ATTEMPTS {
        let turn = if attempt < MAX_ATTEMPTS { attempt.to_string() } else { unforeseeable() };
        let first = path(target, &format!("{turn}.new"))?;
        let path = path(target, &turn)?;
        if !is_free(&path)? {
            continue;
        }
        let Some(file) = try_create(&first, mode)? else { continue };
        // Now that the first name is ours, nobody gets the second one any more; but one may have.
        if !is_free(&path)? {
            fs::remove_file(&first)?;
            continue;
        }
        let Err(error) = fs::rename(&first, &path) else { return Ok(Some((path, file))) };
        // Some remove an open file by renaming it.
        drop(file);
        let _ = fs::remove_file(&first);
        return if place::is_refusal(&error) { Ok(None) } else { Err(error) };
    }
    Err(io::Error::other("every name for its temporary file is taken"))
}

/// The path of the temporary for `target` that is told from others by `turn`.
pub(super) fn path(target: &Path, turn: &str) -> io::Result<PathBuf> {
    // `Path` overlooks a slash or dot at the end; the rename would not.
    let is_folder =
        [&b"/"[..], b"/."].iter().any(|end| target.as_os_str().as_bytes().ends_with(end));
    let name = target.file_name().filter(|_| !is_folder);
    let name = name.ok_or_else(|| io::Error::other("is not the name of a file"))?;
    // File names have 255 bytes at most; the ending must find room.
    let name = name.as_bytes().get(..200).unwrap_or(name.as_bytes());
    let name = [b".", name, format!(".{turn}.mirror-pcap").as_bytes()].concat();
    Ok(folder(target).join(OsString::from_vec(name)))
}

/// The folder that `path` is in.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// What nobody can foretell: the standard library takes its keys from the system.
pub(super) fn unforeseeable() -> String {
    format!("{:016x}", RandomState::new().hash_one(()))
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
                if !is_free(path)? {
                    return Ok(None);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Whether nothing has this name, or nothing any more.
fn is_free(path: &Path) -> io::Result<bool> {
    // Looked at without following: in a shared folder it may be anything.
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(true) };
    let is_ours = metadata.is_file()
        && metadata.nlink() == 1
        && metadata.uid() == rustix::process::geteuid().as_raw();
    if is_ours { remove_stale(path) } else { Ok(false) }
}

/// Remove what a killed run of ours left behind, if `path` leads to that and no other uses it.
fn remove_stale(path: &Path) -> io::Result<bool> {
    // It may have become something else since: a link, a FIFO that nobody reads.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let opened = OpenOptions::new().write(true).custom_flags(flags).open(path);
    let Ok(file) = opened else { return Ok(false) };
    remove_unlocked(&file, path)
}

/// Remove `file`, which was opened as `path`, if no other uses it and it still has this name.
fn remove_unlocked(file: &File, path: &Path) -> io::Result<bool> {
    // If it has not, whoever was quicker has it now.
    let is_stale = file.try_lock().is_ok() && is_named(file, path);
    if is_stale {
        fs::remove_file(path)?;
    }
    Ok(is_stale)
}

/// Whether `path` still names `file`.
fn is_named(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may fail loudly")]
mod tests {
    use std::{collections::HashSet, os::unix::fs::symlink, sync::Mutex, thread};

    use super::*;

    /// Between the look at a name and the opening of it, it may become something else.
    #[test]
    fn what_a_name_leads_to_is_not_taken_for_a_stale_temporary() {
        let scratch = tempfile::tempdir().unwrap();
        let [precious, name] = ["precious", "name"].map(|name| scratch.path().join(name));
        fs::write(&precious, "as it was").unwrap();
        symlink(&precious, &name).unwrap();
        assert!(!remove_stale(&name).unwrap());
        assert!(name.is_symlink() && fs::read(&precious).unwrap() == b"as it was");
        fs::remove_file(&name).unwrap();
        // Without a reader, whoever opened it for writing would wait for ever.
        let fifo = rustix::fs::FileType::Fifo;
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &name, fifo, mode, 0).unwrap();
        assert!(!remove_stale(&name).unwrap());
        assert!(name.exists());
    }

    /// Between the opening of a stale one and the lock, another run may have been quicker.
    #[test]
    fn a_file_that_has_taken_the_name_of_a_stale_one_is_not_removed() {
        let scratch = tempfile::tempdir().unwrap();
        let name = scratch.path().join("name");
        let stale = File::create(&name).unwrap();
        fs::rename(&name, scratch.path().join("away")).unwrap();
        fs::write(&name, "of another run").unwrap();
        assert!(!remove_unlocked(&stale, &name).unwrap());
        assert_eq!(fs::read(&name).unwrap(), b"of another run");
        // And one that is in use is not stale.
        let (used, seen) = (File::open(&name).unwrap(), File::open(&name).unwrap());
        used.lock().unwrap();
        assert!(!remove_unlocked(&seen, &name).unwrap());
        drop(used);
        assert!(remove_unlocked(&seen, &name).unwrap());
        assert!(!name.exists());
    }

    /// Each thread is a run, for locks are of those who opened a file.
    #[test]
    fn no_two_runs_have_one_temporary_and_none_is_left() {
        let scratch = tempfile::tempdir().unwrap();
        let target = scratch.path().join("out");
        let in_use = Mutex::new(HashSet::new());
        let run = |turn: usize| {
            let (path, file) = create(&target, 0o600).unwrap().unwrap();
            assert!(in_use.lock().unwrap().insert(path.clone()), "{path:?} is used twice");
            thread::yield_now();
            assert!(is_named(&file, &path), "{path:?} is another's");
            assert!(in_use.lock().unwrap().remove(&path));
            match turn % 3 {
                // As one that is killed.
                0 => {}
                1 => fs::remove_file(&path).unwrap(),
                _ => fs::rename(&path, &target).unwrap(),
            }
        };
        thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || (0..300).for_each(|turn| run(thread + turn)));
            }
        });
        let names = fs::read_dir(scratch.path()).unwrap();
        // One of each run that has a name of its own, what they became, and some for bad luck.
        assert!(names.count() <= 20);
    }

    #[test]
    fn where_all_names_are_taken_there_is_one_that_nobody_foretells() {
        let scratch = tempfile::tempdir().unwrap();
        let target = scratch.path().join("out");
        for turn in 0..MAX_ATTEMPTS {
            let turn = if turn % 2 == 0 { turn.to_string() } else { format!("{turn}.new") };
            fs::create_dir(path(&target, &turn).unwrap()).unwrap();
        }
        let made: HashSet<_> = (0..3).map(|_| create(&target, 0o600).unwrap().unwrap().0).collect();
        assert_eq!(made.len(), 3, "{made:?}");
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 103);
    }
}
