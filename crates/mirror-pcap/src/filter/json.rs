//! What the JSON of all filter commands has in common.

use mirror_aws::Place;
use serde::Serialize;

use crate::failure::{Exit, Failure};

/// Where something stands in a document.
#[derive(Serialize)]
pub(super) struct Location<'a> {
    document: &'a str,
    path: &'a str,
    line: Option<u32>,
}

impl<'a> Location<'a> {
    pub(super) fn new(place: &'a Place) -> Location<'a> {
        Location { document: &place.document, path: &place.path, line: place.line }
    }
}

/// Print a document on standard output.
pub(super) fn print(document: &impl Serialize) -> Result<Exit, Failure> {
    crate::print(|out| {
        serde_json::to_writer_pretty(&mut *out, document)?;
        out.push(b'\n');
        Ok(())
    })
}
