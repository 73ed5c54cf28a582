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

use rustix::process::{getegid, geteuid};

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
        let by_group = metadata.mode() & 0o020 != 0 && !is_private(metadata.gid());
        if by_group && !is_shared && !is_roots {
            return found(Reason::GroupWritable);
        }
    }
    Ok(())
}

/// Make sure that only this user, or root, can change the file at `path`.
pub(super) fn check_file(path: &Path) -> Result<(), Unsafe> {
    let found = |reason| Err(Unsafe { path: path.to_owned(), reason });
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => return found(Reason::Unreadable(error.kind())),
    };
    if metadata.uid() != geteuid().as_raw() && metadata.uid() != 0 {
        return found(Reason::OwnedBy(metadata.uid()));
    }
    if metadata.mode() & 0o002 != 0 {
        return found(Reason::WorldWritable);
    }
    if metadata.mode() & 0o020 != 0 && !is_private(metadata.gid()) {
        return found(Reason::GroupWritable);
    }
    check(path.parent().unwrap_or(Path::new("/")))
}

/// Whether nobody but this user is in the group. Where each user has a group, as on Ubuntu and
/// Fedora, everything that a user makes may be written by it.
fn is_private(group: u32) -> bool {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    group == getegid().as_raw()
        && is_alone_in(group, geteuid().as_raw(), &read("/etc/passwd"), &read("/etc/group"))
}

/// Whether `user` is the only one in `group`, as these files say. Users who come from elsewhere,
/// a directory service for example, are not in them; then nothing is known.
fn is_alone_in(group: u32, user: u32, passwd: &str, groups: &str) -> bool {
    let fields = |line: &str| line.split(':').map(str::to_owned).collect::<Vec<_>>();
    let number = |field: Option<&String>| field.and_then(|field| field.parse::<u32>().ok());
    let members: Vec<_> =
        passwd.lines().map(fields).filter(|fields| number(fields.get(3)) == Some(group)).collect();
    let [me] = members.as_slice() else { return false };
    let is_me = number(me.get(2)) == Some(user);
    let mut groups = groups.lines().map(fields);
    let group = groups.find(|fields| number(fields.get(2)) == Some(group));
    let others = group.and_then(|fields| fields.get(3).cloned());
    let me = me.first().map(String::as_str);
    is_me
        && others
            .is_some_and(|names| names.split(',').all(|name| name.is_empty() || Some(name) == me))
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
                let is_accepted = bits == 0o775
                    && (path == &home && geteuid().is_root() || is_private(getegid().as_raw()));
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
    fn a_group_is_private_if_its_user_is_alone_in_it() {
        let passwd = "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n\
                      bob:x:1001:1001::/home/bob:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n\
                      sync:x:4:65534:sync:/bin:/bin/sync\n";
        let groups = "root:x:0:\nann:x:1000:\nbob:x:1001:bob,ann\nnogroup:x:65534:\n";
        let alone = |group, user| is_alone_in(group, user, passwd, groups);
        assert!(alone(1000, 1000), "ann has a group of her own");
        assert!(!alone(1001, 1001), "ann is in bob's group");
        assert!(!alone(65534, 65534), "so is another user by default");
        assert!(!alone(1000, 1001) && !alone(1002, 1000) && !alone(7, 7));
        assert!(!is_alone_in(1000, 1000, passwd, ""), "the group is nowhere");
        assert!(!is_alone_in(1000, 1000, "", groups), "the user is nowhere");
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
