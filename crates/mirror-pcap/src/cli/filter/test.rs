//! The arguments of `filter test`.

use std::path::PathBuf;

use clap::Args;

use super::TextOrJson;

const EXIT_STATUS: &str = "\
Exit status:
  0  done: everything holds
  1  something does not hold
  2  bad arguments, or a file that cannot be read as asked; nothing was tested
  3  the output failed";

/// Check that filters do what is expected of them
///
/// Reads files of tests, as described in docs/filter-tests.md, each about one filter. A flow may be
/// one packet or whole ranges of addresses and ports, of which every packet is proved to be
/// mirrored or not; where one is not, it is shown. A capture tells how many of its packets must
/// be, another document that it must do the same.
#[derive(Debug, Args)]
#[command(after_long_help = EXIT_STATUS)]
pub(crate) struct FilterTest {
    /// Files of tests, in YAML or JSON; - for standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// Print text, or JSON as described in docs/json.md
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: TextOrJson,

    /// Write the results as JUnit XML, for CI systems; - for standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
}
