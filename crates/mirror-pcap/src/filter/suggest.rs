//! `filter suggest`: rules for traffic that somebody has shown.
//!
//! ```text
//! captures ─► Traffic: flows, folded ─► mirror_filter::suggest ─► rules
//!     └──────────────────────────────────────────────────────────► Checked ─► Report
//! ```
//!
//! The captures are read twice. The first time each packet is folded into its flow, and flows are
//! kept up to a limit; the second time every packet is held against the rules that were found, by
//! the simulator itself. So what is claimed of the rules is what `simulate` would say of them,
//! whatever the search has overlooked.

mod checked;
mod report;
mod traffic;
mod unseen;

use std::path::Path;

use anyhow::anyhow;
use mirror_aws::{KnownFilter, Open, Place};
use mirror_filter::{Filter, suggest};
use mirror_session::Eni;

use super::export;
use crate::{
    cli::{self, ExportFormat, SuggestFormat},
    documents,
    failure::{Exit, Failure},
    simulate,
};
use checked::Checked;
use report::Report;
use traffic::Traffic;

/// What people call a filter that has no other name yet.
const NAME: &str = "suggested";

/// Run the command.
pub(super) fn run(args: &cli::FilterSuggest) -> Result<Exit, Failure> {
    for path in args.include.iter().chain(&args.exclude) {
        must_be_file(path)?;
    }
    let estate = documents::read(&args.documents)?;
    let of_interfaces = documents::warnings(&estate, |open| open == Open::Interface);
    documents::tell(&of_interfaces, documents::MAX_WARNINGS);
    let interface = cli::Simulate {
        eni: args.eni.clone(),
        mac: args.mac,
        local: args.local.clone(),
        vpc: args.vpc.clone(),
        no_unwrap: args.no_unwrap,
        quiet: true,
        ..cli::Simulate::default()
    };
    let watch = Watch { interface, enis: simulate::interfaces(&estate).collect() };
    let include = Traffic::of(&watch, &args.include)?;
    let exclude = Traffic::of(&watch, &args.exclude)?;

    let filter = Filter {
        name: Some(NAME.to_owned()),
        // The switch takes all of it or nothing, so what is wanted decides.
        amazon_dns: include.amazon_dns > 0,
        rules: suggest::suggest(&include.samples(), &exclude.samples(), &args.vpc),
        ..Filter::default()
    };
    let known = known(filter);
    let report = Report {
        filter: &known.filter,
        include: Checked::of(&watch, &known, &args.include)?,
        exclude: Checked::of(&watch, &known, &args.exclude)?,
        unseen: unseen::unseen(&known.filter, &include, &exclude, &args.vpc)?,
        overlooked: include.overlooked + exclude.overlooked,
        filtered: include.filtered,
    };
    let format = match args.format {
        SuggestFormat::Text => None,
        SuggestFormat::Json => {
            super::json::print(&report.json())?;
            return Ok(report.exit());
        }
        SuggestFormat::Describe => Some(ExportFormat::Describe),
        SuggestFormat::CloudFormation => Some(ExportFormat::CloudFormation),
        SuggestFormat::Terraform => Some(ExportFormat::Terraform),
    };
    let text = match format {
        None => report.rules() + &report.text(),
        Some(format) => {
            report.tell();
            export::text(&known.filter, format).map_err(|error| Failure::usage(anyhow!(error)))?
        }
    };
    crate::print(|out| {
        out.extend_from_slice(text.as_bytes());
        Ok(())
    })?;
    Ok(report.exit())
}

/// Where captures were taken, as far as arguments and documents tell.
struct Watch {
    interface: cli::Simulate,
    enis: Vec<Eni>,
}

impl Watch {
    /// Judge each packet of a capture by a filter.
    fn survey(
        &self,
        filter: &KnownFilter,
        capture: &Path,
        see: &mut dyn FnMut(simulate::Surveyed<'_>),
    ) -> Result<simulate::Survey, Failure> {
        simulate::survey(&self.interface, &self.enis, filter, capture, see)
    }
}

/// A filter that stands in no document.
fn known(filter: Filter) -> KnownFilter {
    let rules = vec![Place::default(); filter.rules.len()];
    KnownFilter { filter, place: Place::default(), rules, label: None }
}

/// A pipe would be empty when it is read again.
fn must_be_file(path: &Path) -> Result<(), Failure> {
    let name = path.display();
    if path.as_os_str() == "-" || path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        let wrong = anyhow!("is no file, expected one: captures are read twice");
        return Err(Failure::input(name, wrong));
    }
    Ok(())
}
