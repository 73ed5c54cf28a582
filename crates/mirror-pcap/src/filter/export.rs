//! `filter export`: a filter from one document into another.

use anyhow::anyhow;
use mirror_aws::export;
use mirror_filter::Filter;

use crate::{
    cli::{self, ExportFormat},
    documents::Source,
    failure::{Exit, Failure},
};

/// Run the command.
pub(super) fn run(args: &cli::FilterExport) -> Result<Exit, Failure> {
    let source = Source::read(&args.source)?;
    let text = text(&source.one()?.filter, args.format)
        .map_err(|failure| Failure::input(source.name(), anyhow!(failure)))?;
    crate::print(|out| {
        out.extend_from_slice(text.as_bytes());
        Ok(())
    })
}

/// The document of a filter.
pub(super) fn text(filter: &Filter, format: ExportFormat) -> Result<String, export::Unwritables> {
    let format = match format {
        ExportFormat::Describe => export::Format::Describe,
        ExportFormat::CloudFormation => export::Format::CloudFormation,
        ExportFormat::Terraform => export::Format::Terraform,
    };
    export::write(filter, format)
}
