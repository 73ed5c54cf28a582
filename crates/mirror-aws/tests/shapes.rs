//! Documents in the shapes in which strangers publish theirs: `testdata/aws`, a folder each, with
//! what they come to beside them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may fail loudly; that is their job")]

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use mirror_aws::{Document, Estate, Parameters, Problems, read};
use mirror_session::{KnownSession, TargetKind};

/// The folders of `testdata/aws` that have an `expected.txt`, in order.
fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/aws");
    let mut cases: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() && !path.ends_with("lab-d"))
        .collect();
    cases.sort();
    cases
}

/// Read the documents of a case, in order of their names, with the parameters in `params.txt`.
fn reading(case: &Path) -> Result<Estate, Problems> {
    let mut names: Vec<String> = fs::read_dir(case)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json") || name.ends_with(".yaml"))
        .collect();
    names.sort();
    let files: Vec<Vec<u8>> = names.iter().map(|name| fs::read(case.join(name)).unwrap()).collect();
    let documents: Vec<Document<'_>> =
        names.iter().zip(&files).map(|(name, bytes)| Document { name, bytes }).collect();
    let mut params = Parameters::new();
    for line in fs::read_to_string(case.join("params.txt")).unwrap_or_default().lines() {
        params.add(line).unwrap();
    }
    read(&documents, &params)
}

/// All that the documents come to, as text.
fn text(read: &Result<Estate, Problems>) -> String {
    let estate = match read {
        Ok(estate) => estate,
        Err(problems) => return format!("{problems}\n"),
    };
    let mut text = String::new();
    for known in &estate.filters {
        let filter = &known.filter;
        let dns = if filter.amazon_dns { " amazon-dns" } else { "" };
        writeln!(text, "filter{}{dns}", names(&filter.id, &filter.name, &filter.description))
            .unwrap();
        for rule in &filter.rules {
            writeln!(text, "  {rule}").unwrap();
        }
    }
    for one in &estate.sessions {
        text += &session(&one.session);
        if let Some(filter) = one.filter.and_then(|at| estate.filters.get(at)) {
            writeln!(text, "  {} rules", filter.filter.rules.len()).unwrap();
        }
    }
    for one in &estate.unresolved {
        writeln!(text, "{}", one.warning()).unwrap();
    }
    for warning in &estate.warnings {
        writeln!(text, "{warning}").unwrap();
    }
    text
}

fn names(id: &Option<String>, name: &Option<String>, description: &Option<String>) -> String {
    let id = id.as_ref().map(|id| format!(" {id}"));
    let name = name.as_ref().map(|name| format!(" {name:?}"));
    let description = description.as_ref().map(|text| format!(" ({text})"));
    [id, name, description].into_iter().flatten().collect()
}

fn session(session: &KnownSession) -> String {
    let mut text = format!(
        "session{} number {} vni {}",
        names(&session.id, &session.name, &session.description),
        session.number.map_or("-".into(), |number| number.to_string()),
        session.vni.map_or("-".into(), |vni| vni.to_string()),
    );
    match session.packet_length {
        Some(length) => writeln!(text, " packet length {length}").unwrap(),
        None => text.push('\n'),
    }
    if let Some(eni) = &session.eni {
        write!(text, "  eni{}", names(&eni.id, &eni.name, &eni.description)).unwrap();
        eni.mac.iter().for_each(|mac| write!(text, " {mac}").unwrap());
        eni.addresses.iter().for_each(|address| write!(text, " {address}").unwrap());
        eni.prefixes.iter().for_each(|prefix| write!(text, " {prefix}").unwrap());
        text.push('\n');
    }
    if let Some(target) = &session.target {
        let kind = match &target.kind {
            Some(TargetKind::NetworkInterface(id)) => format!(" interface {id}"),
            Some(TargetKind::NetworkLoadBalancer(arn)) => format!(" load balancer {arn}"),
            Some(TargetKind::GatewayLoadBalancerEndpoint(id)) => format!(" endpoint {id}"),
            None => String::new(),
        };
        let names = names(&target.id, &target.name, &target.description);
        writeln!(text, "  target{names}{kind}").unwrap();
    }
    if let Some(filter) = &session.filter {
        let names = names(&filter.id, &filter.name, &filter.description);
        writeln!(text, "  filter{names}").unwrap();
    }
    text
}

#[test]
fn each_stranger_s_shape_comes_to_what_stands_beside_it() {
    let cases = cases();
    assert!(cases.len() >= 20, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let got = text(&reading(&case));
        let want = fs::read_to_string(case.join("expected.txt")).unwrap_or_default();
        if got != want {
            wrong.push(format!("{}\n--- want\n{want}--- got\n{got}---", case.display()));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The list that a person reads and the folders that there are.
#[test]
fn the_readme_names_each_case() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/aws");
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    for case in cases() {
        let name = case.file_name().unwrap().to_str().unwrap().to_owned();
        assert!(readme.contains(&format!("`{name}`")), "README.md does not name {name}");
    }
}
