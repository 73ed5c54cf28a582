//! The arguments of `filter suggest`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use mirror_filter::Cidr;
use mirror_wire::Mac;

use crate::cli::{
    Documents,
    simulate::{local, range},
};

const EXIT_STATUS: &str = "\
Exit status:
  0  done: all that is wanted is mirrored, and nothing that is not
  1  the rules leave something open, and it is said what
  2  bad arguments, or a capture that cannot be read as asked
  3  the output failed
  4  finished, but a capture was damaged: what could be read was looked at";

/// Find a short list of rules for traffic that is wanted and traffic that is not
///
/// Reads captures taken at the source of a mirror and prints at most ten rules that mirror what the
/// first ones have and not what the others have. Rules are made for services, not for the flows of
/// one day: what else they would mirror is said. Afterwards every packet is held against them.
#[derive(Debug, Args)]
#[command(after_long_help = EXIT_STATUS)]
pub(crate) struct FilterSuggest {
    /// Capture of traffic that is to be mirrored; may be repeated
    ///
    /// Both kinds of captures are read as for simulate, but twice, so they must be files.
    #[arg(long, required = true, value_name = "CAPTURE")]
    pub(crate) include: Vec<PathBuf>,

    /// Capture of traffic that is not to be mirrored; may be repeated
    #[arg(long, value_name = "CAPTURE")]
    pub(crate) exclude: Vec<PathBuf>,

    /// Range of the VPC, whose second address is the Amazon resolver; may be repeated
    ///
    /// Rules that need a range take these first.
    #[arg(long, value_name = "CIDR", value_parser = range)]
    pub(crate) vpc: Vec<Cidr>,

    #[command(flatten)]
    pub(crate) documents: Documents,

    /// Network interface of the documents that the captures were taken at
    #[arg(long, value_name = "ID", requires = "config")]
    pub(crate) eni: Option<String>,

    /// MAC address of the interface: frames from it are egress, those to it ingress
    #[arg(long, value_name = "MAC")]
    pub(crate) mac: Option<Mac>,

    /// Address or range that is the interface's own; may be repeated
    #[arg(long, value_name = "CIDR", value_parser = local)]
    pub(crate) local: Vec<Cidr>,

    /// Take no wrapper off: the interface speaks VXLAN itself
    #[arg(long)]
    pub(crate) no_unwrap: bool,

    /// What to print
    ///
    /// Of a document, what the captures came to stands on standard error.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: SuggestFormat,
}

/// A way to print suggested rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SuggestFormat {
    /// For people
    #[default]
    Text,
    /// For scripts, as described in docs/json.md
    Json,
    /// What aws ec2 describe-traffic-mirror-filters prints
    Describe,
    /// A CloudFormation template in YAML
    #[value(name = "cloudformation")]
    CloudFormation,
    /// Terraform configuration
    Terraform,
}
