//! Mirror filters: what is shown of them, explained, found wrong with them, and different.

pub(crate) mod diff;
mod explain;
mod golden;
mod lint;
mod lint_documents;
mod show;
mod unresolved;

use std::path::PathBuf;

use serde_json::Value;

use crate::harness::{Run, Seen, mirror_pcap, testdata};

/// A run of `filter`.
fn filter(command: &str) -> Run {
    mirror_pcap().args(["filter", command])
}

/// The filter of the lab as a template.
fn lab_d() -> PathBuf {
    testdata().join("aws/lab-d/cfn.yaml")
}

/// A template of `testdata/filters`.
fn template(code: &str, name: &str) -> PathBuf {
    testdata().join("filters").join(code).join(format!("{name}.yaml"))
}

fn json(seen: &Seen) -> Value {
    serde_json::from_slice(&seen.stdout).unwrap()
}
