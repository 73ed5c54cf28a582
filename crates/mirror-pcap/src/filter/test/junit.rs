//! The results as JUnit XML, which is what CI systems read.
//!
//! Nobody owns the format. What is written is what the schema of Jenkins' xUnit plugin allows, the
//! strictest of those around: a suite for each file, a case for each test, a failure in one that
//! doesn't hold. No times, so that the same results are the same text.

use std::io::{self, Cursor};

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};

use super::{
    Outcome, Suite,
    report::{count, kind},
};
use crate::failure::{Failure, printable};

/// The document.
pub(super) fn document(suites: &[Suite]) -> Result<Vec<u8>, Failure> {
    let mut writer = Writer::new_with_indent(Cursor::new(Vec::new()), b' ', 2);
    // Writing to memory can't fail.
    write(suites, &mut writer).map_err(Failure::usage)?;
    let mut bytes = writer.into_inner().into_inner();
    bytes.push(b'\n');
    Ok(bytes)
}

type Xml = Writer<Cursor<Vec<u8>>>;

fn write(suites: &[Suite], writer: &mut Xml) -> io::Result<()> {
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let (tests, failed) = counts(suites);
    writer
        .create_element("testsuites")
        .with_attribute(("name", "mirror-pcap filter test"))
        .with_attribute(("tests", tests.as_str()))
        .with_attribute(("failures", failed.as_str()))
        // What can't be read ends the run, so it is never here; older schemas want to hear so.
        .with_attribute(("errors", "0"))
        .write_inner_content(|writer| suites.iter().try_for_each(|one| suite(one, writer)))?;
    Ok(())
}

fn counts(suites: &[Suite]) -> (String, String) {
    let (tests, failed) = count(suites);
    (tests.to_string(), failed.to_string())
}

fn suite(suite: &Suite, writer: &mut Xml) -> io::Result<()> {
    let (tests, failed) = counts(std::slice::from_ref(suite));
    let file = text(&suite.file);
    writer
        .create_element("testsuite")
        .with_attribute(("name", file.as_str()))
        .with_attribute(("tests", tests.as_str()))
        .with_attribute(("failures", failed.as_str()))
        // What can't be read ends the run, so it is never here; older schemas want to hear so.
        .with_attribute(("errors", "0"))
        .write_inner_content(|writer| {
            suite.results.iter().try_for_each(|one| case(one, &file, writer))
        })?;
    Ok(())
}

fn case(outcome: &Outcome, file: &str, writer: &mut Xml) -> io::Result<()> {
    let Outcome { test, unmet } = outcome;
    let name = text(&test.name);
    let case = writer
        .create_element("testcase")
        .with_attribute(("name", name.as_str()))
        .with_attribute(("classname", file));
    let Some(first) = unmet.first() else {
        case.write_empty()?;
        return Ok(());
    };
    let line = test.place.line.map(|line| format!(":{line}")).unwrap_or_default();
    let messages: Vec<String> = unmet.iter().map(|one| text(&one.message)).collect();
    let told = format!("{file}{line}\n{}", messages.join("\n"));
    case.write_inner_content(|writer| {
        writer
            .create_element("failure")
            .with_attribute(("type", kind(&test.what)))
            .with_attribute(("message", text(&first.message).as_str()))
            .write_text_content(BytesText::new(&told))?;
        Ok(())
    })?;
    Ok(())
}

/// A text on one line, without the two characters that can be printed and that XML can't hold.
fn text(text: &str) -> String {
    printable(text).replace(['\u{FFFE}', '\u{FFFF}'], "\u{FFFD}")
}
