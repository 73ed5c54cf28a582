//! The arguments of `filter`.

use std::ffi::OsString;

use clap::{Args, Subcommand, ValueEnum};

mod export;
mod suggest;
mod test;

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

/// A format for people or one for scripts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum TextOrJson {
    /// For people
    #[default]
    Text,
    /// For scripts
    Json,
}
