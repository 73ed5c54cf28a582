//! Folders in which nobody but their owner can put a plugin.
//!
//! Whoever can write into a plugin folder, or rename a folder above it, decides what runs when
//! Wireshark is started. So the whole way down to a file is looked at, links and all, as sshd does
//! with the keys of its users.

use std::{
    fmt, fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use rustix::process::geteuid;

/// Why what lies in a folder is not its owner's alone.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unsafe {
    path: PathBuf,
    reason: Reason,
}

#[derive(Debug, PartialEq, Eq)]
enum Reason {
    WorldWritable,
    GroupWritable,
    OwnedBy(u32),
    NotAFolder,
    Unreadable(io::ErrorKind),
}

impl fmt::Display for Unsafe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = super::shown(&self.path);
        match self.reason {
            Reason::WorldWritable => {
                write!(
                    f,
                    "{path} can be written by everybody, so no plugin is safe there; chmod o-w"
                )
            }
            Reason::GroupWritable => {
                write!(
                    f,
                    "{path} can be written by its group, so no plugin is safe there; chmod g-w"
                )
            }
            Reason::OwnedBy(user) => {
                write!(
                    f,
                    "{path} belongs to another user, number {user}, so no plugin is safe there"
                )
            }
            Reason::NotAFolder => write!(f, "{path} is no folder, expected one"),
            Reason::Unreadable(kind) => write!(f, "{path} cannot be looked at: {kind}"),
        }
    }
}

impl Unsafe {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Make sure that only this user, or root, can change what lies in `folder`. What does not exist yet
/// is nobody's.
pub(super) fn check(folder: &Path) -> Result<(), Unsafe> {
    walk(folder, 0)
}

fn walk(folder: &Path, depth: usize) -> Result<(), Unsafe> {
    let me = geteuid().as_raw();
    for path in folder.ancestors() {
        if path.as_os_str().is_empty() {
            continue;
        }
        let found = |reason| Err(Unsafe { path: path.to_owned(), reason });
        let metadata = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return found(Reason::Unreadable(error.kind())),
        };
        if metadata.uid() != me && metadata.uid() != 0 {
            return found(Reason::OwnedBy(metadata.uid()));
        }
        if metadata.is_symlink() {
            // Its owner is checked above, and here what it leads to.
            let target = match path.canonicalize() {
                // Links are gone from what this gives, so it is asked once.
                Ok(target) if depth == 0 => target,
                Ok(_) => continue,
                Err(error) => return found(Reason::Unreadable(error.kind())),
            };
            walk(&target, depth + 1)?;
            continue;
        }
        if !metadata.is_dir() {
            return found(Reason::NotAFolder);
        }
        // In a folder such as /tmp, what belongs to one user is left alone by the others.
        let is_shared = path != folder && metadata.mode() & 0o1000 != 0;
        if metadata.mode() & 0o002 != 0 && !is_shared {
            return found(Reason::WorldWritable);
        }
        // Above the folder itself, groups that root has let in are root's affair: Debian does so
        // with /usr/local.
        let is_roots = path != folder && metadata.uid() == 0;
        if metadata.mode() & 0o020 != 0 && !is_shared && !is_roots {
            return found(Reason::GroupWritable);
        }
    }
    Ok(())
}

/// Make `folder` and what is missing above it, writable by this user alone.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o755).create(folder)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn every_folder_on_the_way_is_looked_at() {
        let scratch = tempfile::tempdir().unwrap();
        let (home, deep) = (scratch.path().join("home"), scratch.path().join("home/a/b"));
        make(&deep).unwrap();
        assert_eq!(check(&deep), Ok(()));
        // What is not there yet is made by us.
        assert_eq!(check(&deep.join("c/d")), Ok(()));
        for path in [&home, &deep] {
            for (bits, reason) in [
                (0o757, Reason::WorldWritable),
                (0o777, Reason::WorldWritable),
                (0o775, Reason::GroupWritable),
            ] {
                mode(path, bits);
                // Above the folder, root's groups are root's affair.
                let is_accepted = path == &home && bits == 0o775 && geteuid().is_root();
                let want = Err(Unsafe { path: path.clone(), reason });
                assert!(is_accepted || check(&deep) == want, "{bits:o} {:?}", check(&deep));
                mode(path, 0o755);
            }
        }
        // The sticky bit protects what is in a folder, but does not keep others from adding to it.
        mode(&home, 0o1777);
        assert_eq!(check(&deep), Ok(()));
        mode(&deep, 0o1777);
        assert!(check(&deep).is_err());
    }

    #[test]
    fn a_link_is_as_safe_as_what_it_leads_to() {
        let scratch = tempfile::tempdir().unwrap();
        let (link, target) = (scratch.path().join("link"), scratch.path().join("there/epan"));
        make(&target).unwrap();
        symlink(scratch.path().join("there"), &link).unwrap();
        assert_eq!(check(&link.join("epan")), Ok(()));
        mode(&scratch.path().join("there"), 0o777);
        let problem = check(&link.join("epan")).unwrap_err();
        assert_eq!(problem.path(), scratch.path().join("there").canonicalize().unwrap());
        // Nor is a link that leads nowhere a folder that can be made.
        symlink("/nowhere/at/all", scratch.path().join("dangling")).unwrap();
        assert!(check(&scratch.path().join("dangling")).is_err());
        fs::write(scratch.path().join("file"), "").unwrap();
        let problem = check(&scratch.path().join("file/epan")).unwrap_err();
        assert!(problem.to_string().contains("file"), "{problem}");
    }
}
