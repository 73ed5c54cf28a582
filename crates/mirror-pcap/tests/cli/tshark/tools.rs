//! Runs the tools that give the second opinion, without a user's settings.
//!
//! A tool that isn't there can't object, so a test that needs it says aloud that it was
//! skipped. Where the tools are meant to be there, `MIRROR_PCAP_REQUIRE_TSHARK=1` turns
//! that into a failure: a second opinion that was never asked must not look like consent.

use std::{
    env,
    ffi::OsStr,
    process::{Command, Stdio},
};

use crate::harness::skipped;

/// A tool that is installed.
#[derive(Clone, Copy)]
pub(crate) struct Tool(&'static str);

/// How a tool ended.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    /// What it complained of: its stderr without the lines that are always there.
    pub(crate) complaint: String,
}

/// The tool `name`, or a loud skip if it isn't installed.
#[track_caller]
pub(crate) fn tool(name: &'static str) -> Option<Tool> {
    let is_there = command(name).arg("--version").output().is_ok_and(|out| out.status.success());
    if is_there {
        return Some(Tool(name));
    }
    let required = env::var_os("MIRROR_PCAP_REQUIRE_TSHARK").is_some_and(|value| value == "1");
    assert!(!required, "{name} is not installed, and MIRROR_PCAP_REQUIRE_TSHARK=1");
    skipped(&format!("{name} is not installed: what it thinks of our captures was not asked"));
    None
}

impl Tool {
    pub(crate) fn run<A: AsRef<OsStr>>(self, args: impl IntoIterator<Item = A>) -> Said {
        let out = command(self.0).args(args).output().unwrap();
        let stderr = String::from_utf8_lossy(&out.stderr);
        let complaint =
            stderr.lines().filter(|line| !is_usual(line)).fold(String::new(), |mut text, line| {
                text.push_str(line);
                text.push('\n');
                text
            });
        Said { code: out.status.code(), stdout: out.stdout, complaint }
    }
}

impl Said {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// It must have nothing to complain of.
    #[track_caller]
    pub(crate) fn content(self) -> Said {
        assert_eq!((self.code, self.complaint.as_str()), (Some(0), ""));
        self
    }
}

/// What the tools say on stderr when all is well.
fn is_usual(line: &str) -> bool {
    line.starts_with("Running as user \"root\"") || line.starts_with("reading from file ")
}

fn command(name: &str) -> Command {
    let mut command = Command::new(name);
    // tcpdump is in sbin, which the PATH of an ordinary user may lack.
    let path = env::var_os("PATH").unwrap_or_default().into_string().unwrap_or_default();
    command
        .env_clear()
        .env("PATH", format!("{path}:/usr/sbin:/sbin"))
        .env("HOME", "/nonexistent")
        .env("WIRESHARK_CONFIG_DIR", "/nonexistent")
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .stdin(Stdio::null());
    command
}
