//! Tools in Python that know the formats of others better than we do.
//!
//! `MIRROR_PCAP_PYTHON` names an interpreter that has them (`scripts/test` makes one); else it is
//! the one on the `PATH`. What it can't import is said aloud.

use std::{
    env,
    process::{Command, Output},
};

use crate::harness::skipped;

/// A Python that can import `module`.
pub(crate) struct Python {
    interpreter: String,
}

impl Python {
    /// The Python with this module; without one, that is said, unless it must be there.
    pub(crate) fn with(module: &str, for_what: &str) -> Option<Python> {
        let named = env::var("MIRROR_PCAP_PYTHON").ok();
        let python = Python { interpreter: named.clone().unwrap_or_else(|| "python3".to_owned()) };
        let imports = python.try_run(&format!("import {module}"), &[]);
        if imports.is_some_and(|output| output.status.success()) {
            return Some(python);
        }
        assert!(named.is_none(), "MIRROR_PCAP_PYTHON is set, and {module} is not there");
        skipped(&format!("{for_what}: the Python module {module} is not there"));
        None
    }

    fn try_run(&self, script: &str, args: &[&str]) -> Option<Output> {
        Command::new(&self.interpreter).args(["-c", script]).args(args).output().ok()
    }

    /// Run a script; it must succeed, or end with one of these.
    #[track_caller]
    pub(crate) fn run(&self, script: &str, args: &[&str], may_end: &[i32]) -> String {
        let output = self.try_run(script, args).unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let code = output.status.code().unwrap_or(-1);
        assert!(code == 0 || may_end.contains(&code), "{args:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }
}
