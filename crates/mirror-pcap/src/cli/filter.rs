//! The arguments of `filter`.

use std::{ffi::OsString, net::IpAddr};

use clap::{Args, Subcommand, ValueEnum};
use mirror_filter::{Cidr, Packet, analysis::Severity};

const LINT_EXIT_STATUS: &str = "\
Exit status:
  0  done, and nothing found that is as bad as --fail-level
  1  something was found that is
  2  bad arguments, or a document that cannot be read as asked
  3  the output failed";

mod diff;
mod export;
mod suggest;
mod test;

pub(crate) use diff::FilterDiff;
pub(crate) use export::{ExportFormat, FilterExport};
pub(crate) use suggest::{FilterSuggest, SuggestFormat};
pub(crate) use test::FilterTest;

/// Look at mirror filters: what they select, and what is wrong with them
#[derive(Debug, Args)]
pub(crate) struct Filter {
    #[command(subcommand)]
    pub(crate) command: FilterCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FilterCommand {
    Show(FilterShow),
    Explain(FilterExplain),
    Lint(FilterLint),
    Diff(FilterDiff),
    Test(FilterTest),
    Suggest(FilterSuggest),
    Export(FilterExport),
}

/// A filter, or all filters, of a document.
#[derive(Clone, Debug, Args)]
pub(crate) struct FilterSource {
    /// Document with the filter, as for --config of strip; - for standard input
    ///
    /// DOC#ID names one of several filters by its id, its name, or what the document calls it. A
    /// file that is there under the whole name is meant first.
    #[arg(value_name = "DOC[#ID]")]
    pub(crate) filter: OsString,

    /// Value of a parameter in a CloudFormation template; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) param: Vec<String>,
}

/// Print filters as an operator reads them
///
/// Rules stand in the order in which AWS tries them, each with its place in the document. Without
/// an ID, all filters of the document are printed.
#[derive(Debug, Args)]
#[command(after_long_help = super::DOCUMENTS_EXIT_STATUS)]
pub(crate) struct FilterShow {
    #[command(flatten)]
    pub(crate) source: FilterSource,

    /// Print text, or JSON as described in docs/json.md
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: TextOrJson,
}

/// Say what becomes of one packet, and which rules it was held against on the way
///
/// Of each rule that does not match, the first field that fails is named. Behind the rule that
/// decides stands the one that would decide without it.
#[derive(Debug, Args)]
#[command(after_long_help = super::DOCUMENTS_EXIT_STATUS)]
pub(crate) struct FilterExplain {
    #[command(flatten)]
    pub(crate) source: FilterSource,

    /// Packet, as in 'ingress tcp 203.0.113.9:51000 > 10.0.1.15:443'
    ///
    /// Direction as the source ENI sees it, protocol (tcp, udp, icmp, icmpv6 or a number), source
    /// and destination; an IPv6 address stands in brackets before a port. TCP and UDP without ports
    /// is a later fragment, which has none; in a file of filter test it stands for all ports.
    #[arg(long, value_name = "PACKET", value_parser = packet)]
    pub(crate) flow: Packet,

    /// Range of the VPC, which tells where its DNS server is; may be repeated
    #[arg(long, value_name = "CIDR", value_parser = cidr)]
    pub(crate) vpc: Vec<Cidr>,

    /// Print text, or JSON as described in docs/json.md
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: TextOrJson,
}

/// Find what is wrong with filters
///
/// Every finding is exact: it is about all packets and all rules together, and shows a packet where
/// it is about packets. Without an ID, all filters of the documents are checked, and their sessions;
/// what a template or plan leaves open is left out, and told.
#[derive(Debug, Args)]
#[command(after_long_help = LINT_EXIT_STATUS)]
pub(crate) struct FilterLint {
    /// Documents with filters, sessions and targets, as for --config of strip; - for standard input
    ///
    /// They are read together. DOC#ID names one of several filters by its id, its name, or what the
    /// document calls it; then documents without an ID only add what they know of it.
    #[arg(required = true, value_name = "DOC[#ID]")]
    pub(crate) filters: Vec<OsString>,

    /// Value of a parameter in a CloudFormation template; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) param: Vec<String>,

    /// How bad a finding has to be for exit status 1
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t)]
    pub(crate) fail_level: FailLevel,

    /// Range of the VPC, which tells where its DNS server is; may be repeated
    #[arg(long, value_name = "CIDR", value_parser = cidr)]
    pub(crate) vpc: Vec<Cidr>,

    /// Address of a mirror target, beside those that the document knows; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) target: Vec<IpAddr>,

    /// Print text, JSON as described in docs/json.md, or SARIF 2.1.0
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: LintFormat,
}

/// How bad a finding has to be to fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailLevel {
    /// Errors only
    Error,
    /// Errors and warnings
    #[default]
    Warning,
    /// Anything
    Info,
    /// Nothing is that bad
    Never,
}

impl FailLevel {
    /// Whether something as bad as this fails.
    pub(crate) fn fails(self, severity: Severity) -> bool {
        match self {
            FailLevel::Error => severity >= Severity::Error,
            FailLevel::Warning => severity >= Severity::Warning,
            FailLevel::Info => true,
            FailLevel::Never => false,
        }
    }
}

/// A format for findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LintFormat {
    /// For people
    #[default]
    Text,
    /// For scripts
    Json,
    /// For code scanning
    Sarif,
}

/// A format for people or one for scripts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum TextOrJson {
    /// For people
    #[default]
    Text,
    /// For scripts
    Json,
}

fn packet(text: &str) -> Result<Packet, String> {
    text.parse().map_err(|error: mirror_filter::ParsePacketError| error.to_string())
}

fn cidr(text: &str) -> Result<Cidr, String> {
    match Cidr::parse(text) {
        Ok((cidr, false)) => Ok(cidr),
        Ok((cidr, true)) => Err(format!("found host bits, expected {cidr}")),
        Err(error) => Err(error.to_string()),
    }
}
