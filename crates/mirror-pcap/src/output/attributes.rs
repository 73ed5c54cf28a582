//! What a file that is replaced hands on: owner, group, mode, ACL and extended attributes.
//!
//! Nobody is to do with the new file what he could not with the old one. So what cannot be handed
//! on takes with it what it granted: the rights of a group that the new file is not of, and all
//! rights but the owner's where there is an ACL that the new file does not get.

use std::{
    fs::{File, Metadata},
    io,
    os::unix::fs::{MetadataExt, PermissionsExt, fchown},
};

use rustix::{
    fs::{XattrFlags, fgetxattr, flistxattr, fremovexattr, fsetxattr},
    io::Errno,
};

/// The ACL as Linux keeps it.
const ACL: &[u8] = b"system.posix_acl_access";

/// The same over NFS 4.
const NFS_ACL: &[u8] = b"system.nfs4_acl";

/// Attributes that say something about the content (a signature), or mean nothing on a capture and
/// much if the owner changes (a program's capabilities).
const OF_CONTENT: [&[u8]; 3] = [b"security.ima", b"security.evm", b"security.capability"];

/// The largest value, and the longest list, that Linux has.
const MAX_LEN: usize = 1 << 16;

#[derive(Debug)]
pub(super) struct Attributes {
    owner: u32,
    group: u32,
    mode: u32,
    acl: Option<(Vec<u8>, Vec<u8>)>,
    extended: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Attributes {
    pub(super) fn of(file: &File, metadata: &Metadata) -> io::Result<Attributes> {
        let (mut acl, mut extended) = (None, Vec::new());
        for name in names(file)? {
            let is_acl = name == ACL || name == NFS_ACL;
            let is_kept = [&b"user."[..], b"security."].iter().any(|kind| name.starts_with(kind));
            if !is_acl && (!is_kept || OF_CONTENT.contains(&&name[..])) {
                continue;
            }
            match value(file, &name) {
                Ok(value) if is_acl => acl = Some((name, value)),
                Ok(value) => extended.push((name, value)),
                // Gone in the meantime, or not for us.
                Err(Errno::NODATA) => {}
                Err(error) if !is_acl && is_refusal(error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Attributes {
            owner: metadata.uid(),
            group: metadata.gid(),
            // A set-user-ID bit means nothing on a capture, and much if the owner changes.
            mode: metadata.mode() & 0o777,
            acl,
            extended,
        })
    }

    /// The mode of the new file until it is complete: ours alone.
    pub(super) fn mode_at_first(&self) -> u32 {
        self.mode & 0o700
    }

    /// Hand all of it on to `file`, as far as we may and its place can take it.
    pub(super) fn give_to(&self, file: &File) -> io::Result<()> {
        for (name, value) in &self.extended {
            match fsetxattr(file, &name[..], value, XattrFlags::empty()) {
                Err(error) if !is_refusal(error) => return Err(error.into()),
                _ => {}
            }
        }
        // Only root may give files away; others may choose among their own groups.
        let _ = fchown(file, Some(self.owner), None);
        let is_of_group = fchown(file, None, Some(self.group)).is_ok();
        if let Some((name, acl)) = self.acl.as_ref().filter(|_| is_of_group) {
            // The mode is part of it.
            if fsetxattr(file, &name[..], acl, XattrFlags::empty()).is_ok() {
                return Ok(());
            }
        }
        // There may be one from the folder, for every new file.
        let is_free = match fremovexattr(file, ACL) {
            Ok(()) | Err(Errno::NODATA) => true,
            Err(error) => error == Errno::OPNOTSUPP || error == Errno::NOSYS,
        };
        let mode = match (self.acl.is_none() && is_free, is_of_group) {
            (true, true) => self.mode,
            (true, false) => self.mode & !0o070,
            (false, _) => self.mode & 0o700,
        };
        file.set_permissions(PermissionsExt::from_mode(mode))
    }
}

/// The names of the extended attributes of `file`, and of the ACL, which Linux counts among them.
fn names(file: &File) -> io::Result<Vec<Vec<u8>>> {
    let mut list = vec![0; MAX_LEN];
    match flistxattr(file, &mut list[..]) {
        Ok(len) => list.truncate(len),
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => list.clear(),
        Err(error) => return Err(error.into()),
    }
    let names = list.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(names.map(<[u8]>::to_vec).collect())
}

fn value(file: &File, name: &[u8]) -> Result<Vec<u8>, Errno> {
    let mut value = vec![0; MAX_LEN];
    let len = fgetxattr(file, name, &mut value[..])?;
    value.truncate(len);
    Ok(value)
}

/// Whether it is not for us, or not for this place, to have this attribute.
fn is_refusal(error: Errno) -> bool {
    matches!(error, Errno::PERM | Errno::ACCESS | Errno::OPNOTSUPP | Errno::NOSYS)
}
