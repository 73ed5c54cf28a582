//! What a file that is replaced hands on: nobody gets to do more with the new one.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::{MetadataExt, chown},
    path::Path,
    process::Stdio,
};

use rustix::{
    fs::{XattrFlags, fgetxattr, fremovexattr, fsetxattr},
    io::Errno,
};

use crate::{
    faults::can_trace,
    harness::{skipped, wait},
    output::{OLD, as_nobody, is_root, set_mode, strip, with_bench, with_input},
    signals::until,
};

const ACL: &str = "system.posix_acl_access";

/// An entry of an ACL: what it is about, the rights, and of whom.
type Entry = (u16, u16, u32);

// As Linux numbers them (linux/posix_acl.h).
const OWNER: u16 = 1;
const USER: u16 = 2;
const GROUP: u16 = 4;
const MASK: u16 = 16;
const OTHER: u16 = 32;
const NOBODY: u32 = u32::MAX;

/// 1234 may read and write, and the group may not, whatever the mode says: 0660.
const CLOSED: [Entry; 5] = [
    (OWNER, 6, NOBODY),
    (USER, 6, 1234),
    (GROUP, 0, NOBODY),
    (MASK, 6, NOBODY),
    (OTHER, 0, NOBODY),
];

/// An ACL as it is written into the attribute (linux/posix_acl_xattr.h).
fn acl(entries: &[Entry]) -> Vec<u8> {
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, rights, id) in entries {
        bytes.extend([tag.to_le_bytes(), rights.to_le_bytes()].concat());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

/// Whether `path` has the attribute now; said aloud if its file system cannot have it.
fn set(path: &Path, name: &str, value: &[u8]) -> bool {
    let set = fsetxattr(File::open(path).unwrap(), name, value, XattrFlags::empty());
    if set == Err(Errno::OPNOTSUPP) {
        skipped(&format!("{name}: the file system of the tests has none"));
        return false;
    }
    set.unwrap();
    true
}

fn get(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 1 << 16];
    match fgetxattr(File::open(path).unwrap(), name, &mut value[..]) {
        Ok(len) => value.truncate(len),
        Err(Errno::NODATA) => return None,
        Err(error) => panic!("{name}: {error}"),
    }
    Some(value)
}

fn mode(path: &Path) -> String {
    format!("{:o}", fs::metadata(path).unwrap().mode() & 0o7777)
}

/// The group could read what the ACL kept from it, and user 1234 could not any more.
#[test]
fn an_acl_stays() {
    let scratch = with_input();
    let out = scratch.write("out.pcapng", OLD);
    if !set(&out, ACL, &acl(&CLOSED)) {
        return;
    }
    assert_eq!(mode(&out), "660");
    strip(&scratch, &["in.pcapng", "out.pcapng"]).succeeds();
    assert_eq!(get(&out, ACL), Some(acl(&CLOSED)));
    assert_eq!(mode(&out), "660");
}

#[test]
fn an_acl_that_cannot_stay_takes_along_what_others_were_allowed() {
    if !can_trace() {
        return;
    }
    let scratch = with_input();
    let out = scratch.write("out.pcapng", OLD);
    // And this one keeps user 1234 out of what all others may read.
    let open = [
        (OWNER, 6, NOBODY),
        (USER, 0, 1234),
        (GROUP, 4, NOBODY),
        (MASK, 4, NOBODY),
        (OTHER, 4, NOBODY),
    ];
    for entries in [&CLOSED[..], &open] {
        fs::write(&out, OLD).unwrap();
        if !set(&out, ACL, &acl(entries)) {
            return;
        }
        let fault = "inject=fsetxattr:error=EOPNOTSUPP";
        strip(&scratch, &["in.pcapng", "out.pcapng"])
            .under(["strace", "-f", "-qq", "-o", "/dev/null", "-e", fault])
            .succeeds();
        assert_eq!(get(&out, ACL), None);
        assert_eq!(mode(&out), "600");
        assert!(scratch.read("out.pcapng") != OLD);
    }
}

/// What it says of "the group" is about another one then.
#[test]
fn an_acl_of_a_group_that_is_not_ours_goes_with_it() {
    if !is_root() {
        return skipped("groups: only root can make a file of a group it is not in");
    }
    let scratch = with_input();
    let Some(nobody) = as_nobody(&scratch) else { return };
    let out = scratch.write("out.pcapng", OLD);
    chown(&out, Some(65534), Some(2345)).unwrap();
    if !set(&out, ACL, &acl(&CLOSED)) {
        return;
    }
    strip(&scratch, &["in.pcapng", "out.pcapng"]).under(&nobody).succeeds();
    assert_eq!(get(&out, ACL), None);
    assert_eq!(mode(&out), "600");
}

/// New files in such a folder begin with an ACL, which the old file had not.
#[test]
fn the_folder_adds_nobody_to_who_may_read_a_file() {
    let scratch = with_input();
    let out = scratch.write("out.pcapng", OLD);
    set_mode(&out, 0o640);
    let default = [
        (OWNER, 6, NOBODY),
        (USER, 6, 1234),
        (GROUP, 6, NOBODY),
        (MASK, 6, NOBODY),
        (OTHER, 4, NOBODY),
    ];
    if !set(scratch.folder(), "system.posix_acl_default", &acl(&default)) {
        return;
    }
    strip(&scratch, &["in.pcapng", "out.pcapng"]).succeeds();
    assert_eq!(get(&out, ACL), None);
    assert_eq!(mode(&out), "640");
    // A new file begins as the folder says.
    strip(&scratch, &["in.pcapng", "new.pcapng"]).succeeds();
    let new = get(&scratch.path("new.pcapng"), ACL).unwrap();
    assert_eq!(&new[4..], &acl(&default)[4..]);
    if !can_trace() {
        return;
    }
    // If it cannot be taken away, it is left without effect.
    strip(&scratch, &["in.pcapng", "out.pcapng"])
        .under(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=fremovexattr:error=EIO"])
        .succeeds();
    assert_eq!(mode(&out), "600");
}

#[test]
fn extended_attributes_stay_but_those_about_the_content() {
    let scratch = with_input();
    let out = scratch.write("out.pcapng", OLD);
    let kept = [("user.case", &b"2026-117"[..]), ("user.empty", b""), ("user.long", &[7; 1000])];
    for (name, value) in kept {
        if !set(&out, name, value) {
            return;
        }
    }
    // As root alone may say them: a label stays, a program's rights do not.
    let rights = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    if is_root() {
        set(&out, "security.label", b"secret");
        set(&out, "security.capability", &rights);
        // A signature; not every kernel takes one that is none.
        let open = File::open(&out).unwrap();
        let _ = fsetxattr(open, "security.ima", &[1; 21], XattrFlags::empty());
    }
    strip(&scratch, &["in.pcapng", "out.pcapng"]).succeeds();
    for (name, value) in kept {
        assert_eq!(get(&out, name).as_deref(), Some(value), "{name}");
    }
    if is_root() {
        assert_eq!(get(&out, "security.label").as_deref(), Some(&b"secret"[..]));
        assert_eq!(get(&out, "security.capability"), None);
        assert_eq!(get(&out, "security.ima"), None);
    }
    // One that is gone stays gone.
    fremovexattr(File::open(&out).unwrap(), "user.case").unwrap();
    strip(&scratch, &["in.pcapng", "out.pcapng"]).succeeds();
    assert_eq!(get(&out, "user.case"), None);
}

/// What cannot be kept because there is no room is told, like content; what is not for us is not.
#[test]
fn an_attribute_that_finds_no_room_leaves_the_old_file() {
    if !can_trace() {
        return;
    }
    let scratch = with_input();
    let out = scratch.write("out.pcapng", OLD);
    if !set(&out, "user.case", b"2026-117") {
        return;
    }
    for (error, code) in [("ENOSPC", 3), ("EIO", 3), ("EPERM", 0), ("EOPNOTSUPP", 0)] {
        fs::write(&out, OLD).unwrap();
        let fault = format!("inject=fsetxattr:error={error}");
        strip(&scratch, &["in.pcapng", "out.pcapng"])
            .under(["strace", "-f", "-qq", "-o", "/dev/null", "-e", &fault])
            .fails_with(code);
        assert_eq!(scratch.read("out.pcapng") == OLD, code != 0, "{error}");
        assert_eq!(scratch.names(), ["in.pcapng", "out.pcapng"]);
        set(&out, "user.case", b"2026-117");
    }
}

#[test]
fn where_there_are_no_attributes_none_are_missed() {
    if !can_trace() {
        return;
    }
    let scratch = with_input();
    for error in ["EOPNOTSUPP", "ENOSYS"] {
        set_mode(&scratch.write("out.pcapng", OLD), 0o640);
        let fault = format!("inject=flistxattr,fremovexattr:error={error}");
        strip(&scratch, &["in.pcapng", "out.pcapng"])
            .under(["strace", "-f", "-qq", "-o", "/dev/null", "-e", &fault])
            .succeeds();
        assert_eq!(mode(&scratch.path("out.pcapng")), "640", "{error}");
    }
}

/// The capture is secret while it is written, too.
#[test]
fn a_temporary_is_its_owners_alone_until_it_is_complete() {
    let scratch = with_bench(1000);
    let source = scratch.read("in.pcapng");
    for wanted in [0o600, 0o644, 0o666] {
        set_mode(&scratch.write("out.pcapng", OLD), wanted);
        let by = ["sh", "-c", "umask 0; exec \"$0\" \"$@\""];
        let mut command = strip(&scratch, &["-", "out.pcapng"]).under(by).command();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&source[..source.len() / 2]).unwrap();
        let temporary = scratch.path(".out.pcapng.0.mirror-pcap");
        let size = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
        until("something is written", || size(&temporary) > 0);
        assert_eq!(mode(&temporary), "600");
        drop(stdin);
        wait(&mut child);
        assert_eq!(mode(&scratch.path("out.pcapng")), format!("{wanted:o}"));
    }
}
