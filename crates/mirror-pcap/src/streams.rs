//! Whether standard input can be read, and standard output written.
//!
//! What `<&-` and `>&-` of a shell leave, the standard library replaces by /dev/null, and what it
//! hears of a descriptor that is not for writing it takes for success. So a capture that nobody
//! receives would count as written. `closed.c` keeps what is closed recognisable, and here it is
//! recognised, by the way it is open.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    path::Path,
};

use rustix::fs::OFlags;

/// Names of standard input beside `-`.
const STDIN: [&str; 3] = ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];

/// Names of standard output beside `-`.
const STDOUT: [&str; 3] = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

/// Whether `path` is one of the names of standard output.
pub(crate) fn is_stdout(path: &Path) -> bool {
    ["-"].iter().chain(&STDOUT).any(|name| path.as_os_str() == *name)
}

/// Complain if `path` is a name of standard input, and that cannot be read.
pub(crate) fn check_input(path: &Path) -> io::Result<()> {
    let is_stdin = ["-"].iter().chain(&STDIN).any(|name| path.as_os_str() == *name);
    if is_stdin { check(io::stdin().as_fd(), OFlags::WRONLY) } else { Ok(()) }
}

/// Complain if standard output cannot be written.
pub(crate) fn check_stdout() -> io::Result<()> {
    check(io::stdout().as_fd(), OFlags::RDONLY)
}

/// Complain if `stream` is open in the `wrong` way only.
fn check(stream: BorrowedFd<'_>, wrong: OFlags) -> io::Result<()> {
    match rustix::fs::fcntl_getfl(stream) {
        Ok(flags) if flags & OFlags::RWMODE == wrong => Err(io::Error::other("is closed")),
        // What cannot be asked will tell when it is used.
        _ => Ok(()),
    }
}
