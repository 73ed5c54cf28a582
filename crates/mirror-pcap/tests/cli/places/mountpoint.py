"""A file system as Mountpoint for Amazon S3 is, in memory: mountpoint.py FOLDER

Without a folder it says only whether it could.

What it does and refuses stands in doc/SEMANTICS.md of awslabs/mountpoint-s3, and how in its source:
new files are written in sequence, become objects when they are closed or synced, and are given up
if a write is out of sequence; nothing is renamed, overwritten, or (without --allow-delete) removed.
"""

import errno
import stat
import sys

try:
    import fusepy as fuse  # as Debian calls it
except ImportError:
    import fuse


class File:
    def __init__(self):
        self.data = bytearray()
        self.state = "new"

    def commit(self):
        if self.state == "lost":
            raise fuse.FuseOSError(errno.EIO)
        self.state = "object"


class Mountpoint(fuse.Operations):
    def __init__(self):
        self.files = {}

    def file(self, path):
        if path not in self.files:
            raise fuse.FuseOSError(errno.ENOENT)
        return self.files[path]

    def getattr(self, path, fh=None):
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
        size = len(self.file(path).data)
        return {"st_mode": stat.S_IFREG | 0o644, "st_nlink": 1, "st_size": size}

    def readdir(self, path, fh):
        return [".", ".."] + [name[1:] for name in self.files]

    def create(self, path, mode, fi=None):
        self.files[path] = File()
        return 0

    def open(self, path, flags):
        if flags & 3 or self.file(path).state != "object":
            raise fuse.FuseOSError(errno.EPERM)
        return 0

    def read(self, path, size, offset, fh):
        return bytes(self.file(path).data[offset : offset + size])

    def write(self, path, data, offset, fh):
        file = self.file(path)
        if file.state != "new":
            raise fuse.FuseOSError(errno.EIO)
        if offset != len(file.data):
            file.state = "lost"
            raise fuse.FuseOSError(errno.EINVAL)
        file.data += data
        return len(data)

    def flush(self, path, fh):
        if self.file(path).data:
            self.file(path).commit()

    def fsync(self, path, datasync, fh):
        self.file(path).commit()

    def release(self, path, fh):
        if self.file(path).state == "lost":
            del self.files[path]
        else:
            self.file(path).commit()

    def refuse(self, *args):
        raise fuse.FuseOSError(errno.EPERM)

    unlink = chmod = chown = refuse

    def lack(self, *args):
        raise fuse.FuseOSError(errno.ENOSYS)

    rename = truncate = link = symlink = lack
    getxattr = setxattr = listxattr = removexattr = lack


if len(sys.argv) < 2:
    sys.exit(0 if hasattr(fuse, "FUSE") else 1)
fuse.FUSE(Mountpoint(), sys.argv[1], foreground=True, nothreads=True, fsname="mountpoint-s3")
