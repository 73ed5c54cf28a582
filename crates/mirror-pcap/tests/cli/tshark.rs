//! tshark and its kin are the second opinion on all that we write.
//!
//! Our own reader can't judge our own writer. Here every capture we have, made by us or by
//! others, is read by tshark before and after, and what a mirrored frame is comes from
//! tshark's dissection of the input. tcpdump and capinfos read what is meant for them.

mod aws;
mod dissection;
mod everything;
mod names;
mod options;
mod pcap;
mod sessions;
pub(crate) mod tools;
mod wrap;

use std::path::Path;

use crate::harness::mirror_pcap;

/// Run the command in a way that must succeed, but for `--quiet`.
#[track_caller]
fn quietly(args: &[&str], input: &Path, output: &Path) {
    let (command, options) = args.split_first().unwrap();
    mirror_pcap()
        .arg(command)
        .args(options)
        .arg("--quiet")
        .args([input, output])
        .succeeds()
        .stderr("");
}
