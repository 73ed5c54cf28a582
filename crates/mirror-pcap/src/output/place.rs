//! What a folder and its file system let one do with a file that is written there.
//!
//! All of it is asked before the work: a capture that took hours is not to be lost over its name.

use std::{
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::Path,
};

use rustix::{
    fs::{AtFlags, CWD, FsWord, StatxAttributes, StatxFlags, statfs, statx},
    thread::{CapabilitySet, CapabilitySets, capabilities},
};

use super::temporary::folder;

/// The kind of file systems that programs make (FUSE), Mountpoint for Amazon S3 among them.
const FUSE_SUPER_MAGIC: FsWord = 0x6573_5546;

/// Whether `error`, of renaming a new file of our own, means that nothing can be renamed there.
pub(super) fn is_refusal(error: &io::Error) -> bool {
    // ENOSYS and EOPNOTSUPP; EPERM and EACCES.
    matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied)
}

/// Whether `folder` is one of those where renaming may be refused, and removing with it.
pub(super) fn may_refuse(folder: &Path) -> bool {
    statfs(folder).is_ok_and(|place| place.f_type == FUSE_SUPER_MAGIC)
        || has(folder, StatxAttributes::APPEND)
}

/// Why no other file can take the place of `file` at `path`, though it may be written.
pub(super) fn why_irreplaceable(path: &Path, file: &Metadata) -> io::Result<Option<&'static str>> {
    const STICKY: u32 = 0o1000;
    let place = folder(path);
    let metadata = fs::metadata(place)?;
    let we = rustix::process::geteuid().as_raw();
    let is_above = |sets: CapabilitySets| sets.effective.contains(CapabilitySet::FOWNER);
    let is_kept_from_us = metadata.mode() & STICKY != 0
        && ![file.uid(), metadata.uid()].contains(&we)
        && !capabilities(None).is_ok_and(is_above);
    Ok(if has(path, StatxAttributes::MOUNT_ROOT) {
        Some("is mounted by itself and cannot be replaced; name a new file in another folder")
    } else if has(place, StatxAttributes::APPEND) {
        Some("is in a folder whose files cannot be replaced (append-only); name a new file")
    } else if is_kept_from_us {
        Some(
            "is somebody else's, in a folder where only owners replace files (sticky); name a new file",
        )
    } else {
        None
    })
}

fn has(path: &Path, attribute: StatxAttributes) -> bool {
    // Which attributes there are is told in any case.
    statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty())
        .is_ok_and(|file| file.stx_attributes.contains(attribute))
}
