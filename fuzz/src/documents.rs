//! Documents: those of others, and the sessions file.

use std::collections::HashSet;
use std::net::Ipv4Addr;

use mirror_aws::{
    Document, Estate, KnownFilter, Parameters, Problem, Severity, expectations, export, read,
};
use mirror_session::{By, Found, KnownSession, Picture, SessionKey, file};
use mirror_wire::{Mac, Vni};

/// What `--param` may give, each chosen by a bit of the first byte.
const PARAMS: [&str; 7] = [
    "Vpc=10.0.0.0/16",
    "Vni=308308",
    "Eni=eni-0d000000000000001",
    "List=0.0.0.0/0,10.0.0.0/8",
    "On=true",
    "AWS::Region=eu-west-1",
    "Lookup.Id=eni-0d000000000000002",
];

/// A document of any kind gives what it says or what is wrong with it, each with a place in it;
/// what it says is the same the next time, and survives the sessions file.
///
/// Byte 0 chooses how the file is called and which parameters are given, the others are the
/// document.
pub fn documents(data: &[u8]) {
    let Some((&setup, bytes)) = data.split_first() else { return };
    let name = if setup & 1 == 0 { "document.json" } else { "document.yaml" };
    let document = Document { name, bytes };
    let lines = 1 + bytes.iter().filter(|byte| **byte == b'\n' || **byte == b'\r').count();
    let check_problem = |problem: &Problem| {
        check_text(&problem.to_string());
        let place = &problem.place;
        assert!(place.document == name || place.document.is_empty(), "{place:?}");
        // UTF-16 has other line breaks than bytes, and YAML counts its own.
        let line = place.line.and_then(|line| usize::try_from(line).ok());
        assert!(line.is_none_or(|line| (1..=lines + 1).contains(&line)), "{problem} of {lines}");
    };
    match read(&[document], &params(setup)) {
        Ok(estate) => {
            for warning in &estate.warnings {
                assert_eq!(warning.severity, Severity::Warning, "{warning}");
                check_problem(warning);
            }
            for one in &estate.unresolved {
                check_problem(&one.error());
                check_problem(&one.warning());
            }
            check_estate(&estate, name);
            // The same file once more says nothing more.
            let twice = read(&[document, document], &params(setup));
            assert!(twice.is_ok_and(|twice| alike(&twice, &estate)), "not the same a second time");
        }
        Err(problems) => {
            assert!(problems.errors() > 0, "failed without an error: {problems}");
            problems.iter().for_each(check_problem);
            let again = read(&[document], &params(setup));
            assert_eq!(again.err().as_ref(), Some(&problems), "not the same a second time");
        }
    }
}

/// A file of tests gives what it says or what is wrong with it, each with a place in it, and the
/// same the next time.
pub fn expectations(data: &[u8]) {
    let document = Document { name: "t.yaml", bytes: data };
    match expectations::read(&document) {
        Ok(file) => {
            assert!(!file.tests.is_empty() && !file.filter.is_empty());
            assert!(file.tests.iter().all(|test| test.place.path.starts_with("/tests/")));
            let again = expectations::read(&document).map(|again| again.tests);
            assert_eq!(again, Ok(file.tests), "not the same a second time");
        }
        Err(problems) => {
            assert!(problems.errors() > 0, "failed without an error: {problems}");
            problems.iter().for_each(|problem| check_text(&problem.to_string()));
        }
    }
}

/// A filter that is written in another format is the same filter.
fn check_export(known: &KnownFilter) {
    let rules = |filter: &KnownFilter| -> Vec<String> {
        filter.filter.rules.iter().map(ToString::to_string).collect()
    };
    for (format, name) in
        [(export::Format::Describe, "out.json"), (export::Format::CloudFormation, "out.yaml")]
    {
        // What a format can't say it says so.
        let Ok(text) = export::write(&known.filter, format) else { continue };
        let document = Document { name, bytes: text.as_bytes() };
        match read(&[document], &Parameters::new()).map(|estate| estate.filters) {
            Ok(filters) => {
                let [back] = filters.as_slice() else { unreachable!("{text}") };
                assert_eq!(rules(back), rules(known), "{text}");
                assert_eq!(back.filter.amazon_dns, known.filter.amazon_dns, "{text}");
            }
            Err(problems) => unreachable!("{problems}\n{text}"),
        }
    }
}

fn params(setup: u8) -> Parameters {
    let mut params = Parameters::new();
    for (bit, text) in PARAMS.iter().enumerate() {
        if setup >> (bit + 1) & 1 == 1 {
            assert_eq!(params.add(text), Ok(()));
        }
    }
    params
}

fn alike(one: &Estate, other: &Estate) -> bool {
    one.filters == other.filters
        && one.sessions == other.sessions
        && one.picture == other.picture
        && one.enis == other.enis
        && one.sinks == other.sinks
        && one.unresolved == other.unresolved
        && one.warnings == other.warnings
}

fn check_estate(estate: &Estate, name: &str) {
    for known in &estate.filters {
        check_export(known);
        let rules = &known.filter.rules;
        assert_eq!(rules.len(), known.rules.len(), "a place for each rule");
        assert!(known.rules.iter().all(|place| place.document == name), "{:?}", known.rules);
        let order: Vec<_> = rules.iter().map(|rule| (rule.direction as u8, rule.number)).collect();
        assert!(order.is_sorted(), "{order:?}");
        rules.iter().for_each(|rule| check_text(&rule.to_string()));
    }
    let in_picture: HashSet<_> = estate.picture.sessions().iter().map(signs).collect();
    for one in &estate.sessions {
        assert!(one.filter.is_none_or(|index| index < estate.filters.len()), "{one:?}");
        assert!(one.sink.is_none_or(|sink| estate.sinks.contains(&sink)), "{one:?}");
        assert!(in_picture.contains(&signs(&one.session)), "{one:?} is not in the picture");
    }
    if let Some(text) = check_picture(&estate.picture) {
        // Like config show --json, and --config of what it printed.
        let document = Document { name: "sessions.json", bytes: text.as_bytes() };
        let again = read(&[document], &Parameters::new()).map(|again| again.picture);
        assert_eq!(again.as_ref(), Ok(&estate.picture), "{text}");
    }
}

/// Of a session what a picture never tidies, but for an empty id.
fn signs(session: &KnownSession) -> (Option<&String>, Option<Vni>, Option<u16>) {
    let id = session.id.as_ref().filter(|id| !id.is_empty());
    (id, session.vni, session.number)
}

/// A sessions file that is read is written as one that says the same, in characters that a terminal
/// shows, and what is wrong with any other is said with its place. As a document among others it
/// says the same; refused there is only what contradicts itself, or what is in fields that this
/// reader passes over.
pub fn sessions_file(data: &[u8]) {
    match file::read(data) {
        Ok(picture) => {
            check_picture(&picture);
            check_finding(&picture);
            let document = Document { name: "sessions.json", bytes: data };
            match read(&[document], &Parameters::new()) {
                Ok(estate) => assert_eq!(estate.picture, picture),
                Err(problems) => {
                    let may_differ = !picture.conflicts().is_empty() || may_have_foreign(data);
                    assert!(may_differ, "{problems}");
                }
            }
        }
        Err(problems) => {
            assert!(!problems.list().is_empty(), "failed without a problem");
            for problem in problems.list() {
                check_text(&problem.to_string());
                assert!(problem.path.is_empty() || problem.path.starts_with('/'), "{problem:?}");
            }
        }
    }
}

/// Whether there may be a field that begins with `x-`, in clear or escaped.
fn may_have_foreign(data: &[u8]) -> bool {
    data.windows(2).any(|pair| pair == b"x-" || pair == b"\\u")
}

/// Written and read it is the same, provided that every MAC is of one interface; of a group's there
/// is a conflict, and no such file. Gives the file.
fn check_picture(picture: &Picture) -> Option<String> {
    for conflict in picture.conflicts() {
        check_text(&conflict);
    }
    let enis = picture.sessions().iter().filter_map(|session| session.eni.as_ref());
    let text = file::write(picture);
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    if enis.filter_map(|eni| eni.mac).any(Mac::is_multicast) {
        return None;
    }
    let again = file::read(text.as_bytes());
    let again = again.unwrap_or_else(|problems| unreadable(&problems.to_string(), &text));
    assert_eq!(&again, picture, "{text}");
    assert_eq!(file::write(&again), text);
    Some(text)
}

#[expect(clippy::panic, reason = "what a target finds it shows by panicking")]
fn unreadable(problems: &str, text: &str) -> ! {
    panic!("{problems} in\n{text}")
}

/// Packets of a session are found to be of one with their VNI and source, or of none.
fn check_finding(picture: &Picture) {
    // Each look-up is a few; a large picture has nothing new to say.
    for session in picture.sessions().iter().take(100) {
        let Some(vni) = session.vni else { continue };
        let addresses = session.eni.iter().flat_map(|eni| eni.addresses.iter().copied());
        for source in addresses.take(4).chain([Ipv4Addr::LOCALHOST.into()]) {
            let key = SessionKey { endpoint: None, source, vni };
            match picture.find(&key) {
                Found::Session { session, by } => {
                    assert_eq!(session.vni, Some(vni));
                    let eni = session.eni.as_ref();
                    let has = eni.is_some_and(|eni| eni.addresses.contains(&source));
                    assert_eq!(by == By::SourceAndVni, has, "{session:?} for {source}");
                }
                Found::Ambiguous(count) => assert!(count > 1),
                Found::Unknown => {}
            }
        }
    }
}

/// One line of printable ASCII.
fn check_text(line: &str) {
    assert!(!line.is_empty() && line.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{line:?}");
}
