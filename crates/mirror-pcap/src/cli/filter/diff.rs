//! The arguments of `filter diff`.

use std::{ffi::OsString, path::PathBuf};

use clap::Args;
use mirror_filter::Cidr;
use mirror_wire::Mac;

use super::TextOrJson;
use crate::cli::simulate::{local, range};

const EXIT_STATUS: &str = "\
Exit status:
  0  done, and the filters do the same with every whole packet
  1  they do not
  2  bad arguments, or a document or capture that cannot be read as asked
  3  the output failed
  4  they do the same, but a capture was damaged: what could be read was looked at";

/// Compare what two filters do with every packet
///
/// However they are written: filters are the same if they mirror the same packets. If not, each
/// pair of rules that disagree is shown with a packet about which they do. With --capture it is
/// counted what that comes to on real traffic; whether the filters are the same does not depend on
/// it. Network services, such as instance metadata, are mirrored or not whatever rules say: what
/// rules differ in there is told, and makes no difference. Whole packets are compared: a later
/// fragment lacks the ports that one rule may ask for and another not.
#[derive(Debug, Args)]
#[command(after_long_help = EXIT_STATUS)]
pub(crate) struct FilterDiff {
    /// Document with the first filter, as for --config of strip; - for standard input
    ///
    /// DOC#ID names one of several filters by its id, its name, or what the document calls it.
    #[arg(value_name = "A[#ID]")]
    pub(crate) a: OsString,

    /// Document with the second filter
    #[arg(value_name = "B[#ID]")]
    pub(crate) b: OsString,

    /// Value of a parameter in a CloudFormation template; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) param: Vec<String>,

    /// Capture to count what one filter mirrors and the other does not, read as for simulate; may
    /// be repeated
    #[arg(long, value_name = "CAPTURE")]
    pub(crate) capture: Vec<PathBuf>,

    /// Document that knows the interface, beside the two; may be repeated
    #[arg(long, value_name = "FILE", requires = "capture")]
    pub(crate) config: Vec<PathBuf>,

    /// Network interface of the documents that the captures were taken at
    #[arg(long, value_name = "ID", requires = "capture")]
    pub(crate) eni: Option<String>,

    /// MAC address of the interface: frames from it are egress, those to it ingress
    #[arg(long, value_name = "MAC", requires = "capture")]
    pub(crate) mac: Option<Mac>,

    /// Address or range that is the interface's own; may be repeated
    #[arg(long, value_name = "CIDR", value_parser = local, requires = "capture")]
    pub(crate) local: Vec<Cidr>,

    /// Range of the VPC, whose second address is the Amazon resolver; may be repeated
    #[arg(long, value_name = "CIDR", value_parser = range)]
    pub(crate) vpc: Vec<Cidr>,

    /// Take no wrapper off: the interface speaks VXLAN itself
    #[arg(long, requires = "capture")]
    pub(crate) no_unwrap: bool,

    /// Print text, or JSON as described in docs/json.md
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: TextOrJson,
}
