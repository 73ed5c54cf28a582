//! `filter`: mirror filters as documents describe them, looked at without any capture.
//!
//! Each command is a module; `documents` finds the filters that `DOC[#ID]` names, for all of them.
//! What a filter means is for `mirror_filter` alone: here is asked, and told.

mod diff;
mod explain;
mod export;
mod json;
mod lint;
mod show;
mod suggest;
mod test;

use crate::{
    cli::{self, FilterCommand},
    failure::{Exit, Failure},
};

/// Run the command.
pub(crate) fn run(args: &cli::Filter) -> Result<Exit, Failure> {
    match &args.command {
        FilterCommand::Show(args) => show::run(args),
        FilterCommand::Explain(args) => explain::run(args),
        FilterCommand::Lint(args) => lint::run(args),
        FilterCommand::Diff(args) => diff::run(args),
        FilterCommand::Test(args) => test::run(args),
        FilterCommand::Suggest(args) => suggest::run(args),
        FilterCommand::Export(args) => export::run(args),
    }
}
