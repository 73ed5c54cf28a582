//! The arguments of `filter export`.

use clap::{Args, ValueEnum};

use super::FilterSource;

/// Write a filter in another format, with its rules and their order unchanged
///
/// From any document into any other, on standard output. A template or configuration gets names
/// made of the filter's name and the numbers of the rules; ids of AWS stay behind there. What the
/// format cannot say is an error.
#[derive(Debug, Args)]
#[command(after_long_help = super::super::DOCUMENTS_EXIT_STATUS)]
pub(crate) struct FilterExport {
    #[command(flatten)]
    pub(crate) source: FilterSource,

    /// Format to write
    #[arg(long, value_enum)]
    pub(crate) format: ExportFormat,
}

/// A format to write a filter in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// What aws ec2 describe-traffic-mirror-filters prints
    Describe,
    /// A CloudFormation template in YAML
    #[value(name = "cloudformation")]
    CloudFormation,
    /// Terraform configuration
    Terraform,
}
