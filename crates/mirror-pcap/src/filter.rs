//! `filter`: mirror filters as documents describe them, looked at without any capture.
//!
//! Each command is a module; `source` finds the filters that `DOC[#ID]` names, for all of them. What
//! a filter means is for `mirror_filter` alone: here is asked, and told.

mod export;
mod json;
mod show;
mod source;
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
        FilterCommand::Test(args) => test::run(args),
        FilterCommand::Suggest(args) => suggest::run(args),
        FilterCommand::Export(args) => export::run(args),
    }
}
