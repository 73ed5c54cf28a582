//! Folders and files that nobody but their owner can exchange.
//!
//! Whoever can write into a plugin folder, rename a folder above it, or turn a link on the way to
//! it, decides what runs when Wireshark is started. So the whole way down to a file is gone as the
//! kernel goes it, and each folder and each link on it is looked at, as sshd does with the keys of
//! its users.

use std::{
    ffi::OsString,
    fmt, fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::lgetxattr,
    io::Errno,
    process::{getegid, geteuid},
};

/// Links on one way before it counts as a circle, to the kernel as well.
const MAX_LINKS: usize = 40;

/// How deep a folder of plugins is looked through, and how many files of each.
const MAX_DEPTH: usize = 8;
const MAX_FILES: usize = 4096;

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
        f.write_str(&self.fact())?;
        match self.reason {
            Reason::WorldWritable => f.write_str(", so no plugin is safe there; chmod o-w"),
            Reason::GroupWritable => f.write_str(", so no plugin is safe there; chmod g-w"),
            Reason::OwnedBy(_) => f.write_str(", so no plugin is safe there"),
            Reason::NotAFolder | Reason::Unreadable(_) => Ok(()),
        }
    }
}

impl Unsafe {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What is so, without what follows for plugins.
    pub(super) fn fact(&self) -> String {
        let path = super::shown(&self.path);
        match self.reason {
            Reason::WorldWritable => format!("{path} can be written by everybody"),
            Reason::GroupWritable => format!("{path} can be written by its group"),
            Reason::OwnedBy(user) => format!("{path} belongs to another user, number {user}"),
            Reason::NotAFolder => format!("{path} is no folder, expected one"),
            Reason::Unreadable(kind) => format!("{path} cannot be looked at: {kind}"),
        }
    }

    /// Whether it is a file itself that others can change, and not the way to it.
    pub(super) fn is_of_a_file(&self) -> bool {
        self.path.is_file() && !self.path.is_symlink()
    }
}

/// Make sure that only this user, or root, can change what lies in `folder`. What does not exist yet
/// is nobody's.
pub(super) fn check(folder: &Path) -> Result<(), Unsafe> {
    match follow(folder)? {
        Some((path, metadata)) if !metadata.is_dir() => {
            Err(Unsafe { path, reason: Reason::NotAFolder })
        }
        Some((path, metadata)) => judge(&path, &metadata, Place::End),
        None => Ok(()),
    }
}

/// Make sure that only this user, or root, can change the file at `path`, or what else lies there.
pub(super) fn check_file(path: &Path) -> Result<(), Unsafe> {
    let Some((path, metadata)) = follow(path)? else {
        let reason = Reason::Unreadable(io::ErrorKind::NotFound);
        return Err(Unsafe { path: path.to_owned(), reason });
    };
    judge(&path, &metadata, Place::End)?;
    check(path.parent().unwrap_or(Path::new("/")))
}

/// Make sure that only this user, or root, can change anything in `folder` or below it.
pub(super) fn check_all(folder: &Path) -> Result<(), Unsafe> {
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        check(&folder)?;
        for entry in fs::read_dir(folder).into_iter().flatten().flatten().take(MAX_FILES) {
            let path = entry.path();
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() && depth < MAX_DEPTH => {
                    folders.push((path, depth + 1));
                }
                Ok(metadata) if metadata.is_file() => check_file(&path)?,
                // What leads nowhere, or is no file, is not loaded.
                _ => {}
            }
        }
    }
    Ok(())
}

/// Go the way to `path`, with all links, and make sure that nobody else can lead it elsewhere. Gives
/// what is at its end, if anything is.
fn follow(path: &Path) -> Result<Option<(PathBuf, fs::Metadata)>, Unsafe> {
    let unreadable = |path: &Path, error: io::Error| {
        let reason = Reason::Unreadable(error.kind());
        Unsafe { path: path.to_owned(), reason }
    };
    let whole = std::path::absolute(path).map_err(|error| unreadable(path, error))?;
    // What is still to be gone, the next step last; below `of_links` of them are of the way itself,
    // the others of what a link leads to.
    let mut ahead = steps(&whole);
    let (mut links, mut of_links) = (0, usize::MAX);
    let mut here = PathBuf::from("/");
    while let Some(step) = ahead.pop() {
        if step == ".." {
            here.pop();
            continue;
        }
        let above = fs::symlink_metadata(&here).map_err(|error| unreadable(&here, error))?;
        judge(&here, &above, Place::Way)?;
        if step == "/" {
            here = PathBuf::from("/");
            continue;
        }
        let path = here.join(step);
        let metadata = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && ahead.len() < of_links => {
                return Ok(None);
            }
            // A link that leads nowhere is no folder that can be made.
            metadata => metadata.map_err(|error| unreadable(&path, error))?,
        };
        if !metadata.is_symlink() {
            here = path;
            continue;
        }
        is_own(&path, &metadata)?;
        links += 1;
        if links > MAX_LINKS {
            return Err(unreadable(&path, Errno::LOOP.into()));
        }
        of_links = of_links.min(ahead.len());
        ahead.extend(steps(&fs::read_link(&path).map_err(|error| unreadable(&path, error))?));
    }
    let metadata = fs::symlink_metadata(&here).map_err(|error| unreadable(&here, error))?;
    Ok(Some((here, metadata)))
}

/// The steps of a path, the first one last.
fn steps(path: &Path) -> Vec<OsString> {
    let steps = path.components().filter(|step| *step != Component::CurDir);
    steps.rev().map(|step| step.as_os_str().to_owned()).collect()
}

/// Where on a way something lies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A folder that the way leads through.
    Way,
    /// What it leads to.
    End,
}

fn judge(path: &Path, metadata: &fs::Metadata, place: Place) -> Result<(), Unsafe> {
    let found = |reason| Err(Unsafe { path: path.to_owned(), reason });
    is_own(path, metadata)?;
    let is_on_the_way = place == Place::Way;
    if is_on_the_way && !metadata.is_dir() {
        return found(Reason::NotAFolder);
    }
    // In a folder such as /tmp, what belongs to one user is left alone by the others.
    let is_shared = is_on_the_way && metadata.mode() & 0o1000 != 0;
    if metadata.mode() & 0o002 != 0 && !is_shared {
        return found(Reason::WorldWritable);
    }
    // Above the folder itself, groups that root has let in are root's affair: Debian does so with
    // /usr/local.
    let is_roots = is_on_the_way && metadata.uid() == 0;
    let by_group = metadata.mode() & 0o020 != 0 && (!is_private(metadata.gid()) || has_list(path));
    if by_group && !is_shared && !is_roots {
        return found(Reason::GroupWritable);
    }
    Ok(())
}

fn is_own(path: &Path, metadata: &fs::Metadata) -> Result<(), Unsafe> {
    if metadata.uid() == geteuid().as_raw() || metadata.uid() == 0 {
        return Ok(());
    }
    Err(Unsafe { path: path.to_owned(), reason: Reason::OwnedBy(metadata.uid()) })
}

/// Whether there is an access control list, which may let others in where the mode shows the group.
fn has_list(path: &Path) -> bool {
    lgetxattr(path, "system.posix_acl_access", &mut [0_u8; 0]).is_ok()
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

/// Make `folder` and what is missing above it, writable by this user alone. What somebody else has
/// made in the meantime is refused.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
    check(folder).map_err(|problem| io::Error::other(problem.to_string()))
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

    /// The way is gone as the kernel goes it, which knows better than we do.
    #[test]
    fn a_way_ends_where_the_system_says() {
        let scratch = tempfile::tempdir().unwrap();
        let at = |name: &str| scratch.path().join(name);
        make(&at("a/b/c")).unwrap();
        fs::write(at("a/file"), "").unwrap();
        for (link, target) in [
            ("1", "a"),
            ("a/2", "../1/b"),
            ("3", "a/2/.././2/c"),
            ("a/b/4", "../file"),
            ("a/b/c/5", scratch.path().join("3/..").to_str().unwrap()),
            ("6", "nowhere"),
            ("7", "6/x"),
            ("8", "9"),
            ("9", "8"),
        ] {
            symlink(target, at(link)).unwrap();
        }
        let ways = [
            "a",
            "1",
            "1/b",
            "a/2",
            "3",
            "3/5",
            "3/../4",
            "a/b/4",
            "1/2/c/5/c",
            "1/../1/./2",
            "3/5/4",
            "a/../../",
            "6",
            "7",
            "8",
            "8/x",
        ];
        for way in ways.map(at) {
            let want = way.canonicalize().ok();
            let got = follow(&way).ok().flatten().map(|(path, _)| path);
            assert_eq!(got, want, "{}", way.display());
        }
        // What is missing can be made, unless a link leads to it.
        assert_eq!(follow(&at("3/x/y")).map(|end| end.is_none()), Ok(true));
        assert!(follow(&at("6")).is_err() && follow(&at("7")).is_err());
        let circle = check(&at("8")).unwrap_err().to_string();
        assert!(circle.contains("cannot be looked at"), "{circle}");
    }

    #[test]
    fn a_link_is_as_safe_as_the_folder_that_it_lies_in() {
        let scratch = tempfile::tempdir().unwrap();
        let at = |name: &str| scratch.path().join(name);
        make(&at("there/epan")).unwrap();
        make(&at("shared")).unwrap();
        symlink(at("there"), at("shared/middle")).unwrap();
        symlink("shared/middle", at("first")).unwrap();
        let way = at("first/epan");
        for (bits, want) in [(0o755, None), (0o777, Some(Reason::WorldWritable)), (0o1777, None)] {
            mode(&at("shared"), bits);
            let want = want.map_or(Ok(()), |reason| Err(Unsafe { path: at("shared"), reason }));
            assert_eq!(check(&way), want, "{bits:o}");
        }
        if geteuid().is_root() {
            std::os::unix::fs::lchown(at("shared/middle"), Some(7), None).unwrap();
            let reason = Reason::OwnedBy(7);
            assert_eq!(check(&way), Err(Unsafe { path: at("shared/middle"), reason }));
        }
    }

    #[test]
    fn a_file_is_judged_with_its_way_and_a_folder_with_all_that_is_in_it() {
        let scratch = tempfile::tempdir().unwrap();
        let at = |name: &str| scratch.path().join(name);
        make(&at("a/b")).unwrap();
        fs::write(at("a/b/file"), "").unwrap();
        symlink("/nowhere", at("a/link")).unwrap();
        assert_eq!(check_all(&at("a")), Ok(()));
        assert_eq!(check_file(&at("a/b/file")), Ok(()));
        for (path, bits) in [("a/b/file", 0o646), ("a/b", 0o1777), ("a", 0o757)] {
            let before = fs::metadata(at(path)).unwrap().permissions();
            mode(&at(path), bits);
            let reason = || Reason::WorldWritable;
            let want = || Err(Unsafe { path: at(path), reason: reason() });
            assert_eq!((check_file(&at("a/b/file")), check_all(&at("a"))), (want(), want()));
            assert_eq!(
                make(&at("a/b")).is_err(),
                path != "a/b/file",
                "what is there is judged too"
            );
            fs::set_permissions(at(path), before).unwrap();
        }
        assert!(check_file(&at("a/none")).is_err() && check_all(&at("none")).is_ok());
    }

    /// The group that the mode shows may be a list of users.
    #[test]
    fn a_list_lets_others_in() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("folder");
        make(&folder).unwrap();
        // Version 2; then each with tag, rights and number: the owner, user 7, the group, the mask
        // of both, and others.
        let mut list = 2_u32.to_le_bytes().to_vec();
        for (tag, rights, id) in [
            (1_u16, 7_u16, u32::MAX),
            (2, 7, 7),
            (4, 5, u32::MAX),
            (16, 7, u32::MAX),
            (32, 5, u32::MAX),
        ] {
            list.extend(tag.to_le_bytes());
            list.extend(rights.to_le_bytes());
            list.extend(id.to_le_bytes());
        }
        let flags = rustix::fs::XattrFlags::empty();
        match rustix::fs::setxattr(&folder, "system.posix_acl_access", &list, flags) {
            Err(Errno::NOTSUP) => eprintln!("skipped: the file system has no access control lists"),
            done => {
                done.unwrap();
                let want = Err(Unsafe { path: folder.clone(), reason: Reason::GroupWritable });
                assert_eq!(check(&folder), want);
            }
        }
    }
}
