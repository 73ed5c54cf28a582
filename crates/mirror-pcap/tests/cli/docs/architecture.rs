//! ARCHITECTURE.md: the crates, what they depend on, and what is absent.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use super::document;
use crate::harness::root;

/// Normal dependencies and those for tests, within the workspace.
type Edges = BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)>;

fn metadata() -> Value {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn edges_of_cargo() -> Edges {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let ours: BTreeSet<String> = packages.iter().map(name).collect();
    let mut edges = Edges::new();
    for package in packages {
        let (normal, dev) = edges.entry(name(package)).or_default();
        for dependency in package["dependencies"].as_array().unwrap() {
            if ours.contains(&name(dependency)) {
                let of = if dependency["kind"] == "dev" { &mut *dev } else { &mut *normal };
                of.insert(name(dependency));
            }
        }
    }
    edges
}

/// Lines such as `a -> b, c; dev d`.
fn edges_stated() -> Edges {
    let text = document("ARCHITECTURE.md");
    let list = |names: &str| -> BTreeSet<String> {
        let names = names.split(',').map(str::trim).filter(|name| *name != "nothing");
        names.map(str::to_owned).collect()
    };
    let lines = text.lines().filter_map(|line| line.split_once(" -> "));
    lines
        .map(|(name, to)| {
            let (normal, dev) = match to.split_once("; dev ") {
                Some((normal, dev)) => (list(normal), list(dev)),
                None => (list(to), BTreeSet::new()),
            };
            (name.trim().to_owned(), (normal, dev))
        })
        .collect()
}

#[test]
fn dependencies_are_those_stated() {
    assert_eq!(edges_stated(), edges_of_cargo());
}

#[test]
fn every_crate_is_on_the_map() {
    let text = document("ARCHITECTURE.md");
    let root = root();
    for package in metadata()["packages"].as_array().unwrap() {
        let manifest = PathBuf::from(package["manifest_path"].as_str().unwrap());
        let folder = manifest.parent().unwrap().canonicalize().unwrap();
        let folder = folder.strip_prefix(&root).unwrap().display().to_string();
        assert!(text.contains(&format!("**`{folder}`**")), "{folder} is not on the map");
    }
}

/// The sources of a crate, without the tests.
fn sources(folder: &Path, texts: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, texts);
        } else if path.file_name().is_some_and(|name| name != "tests.rs") {
            let text = fs::read_to_string(&path).unwrap();
            let product = text.split("#[cfg(test)]").next().unwrap().to_owned();
            texts.push((path, product));
        }
    }
}

/// The lints see printing and unsafe code; what they do not see is looked for here.
#[test]
fn libraries_know_no_file_environment_or_terminal() {
    let absent =
        ["std::fs", "std::env", "std::process", "std::net::Tcp", "File::", "stdout(", "stderr("];
    let mut seen = 0;
    for name in ["pcapng-blocks", "mirror-wire", "mirror-session", "mirror-filter", "mirror-aws"] {
        let mut texts = Vec::new();
        sources(&root().join("crates").join(name).join("src"), &mut texts);
        for (path, text) in texts {
            let lib = path.ends_with("lib.rs");
            assert!(!lib || text.contains("#![forbid(unsafe_code)]"), "{}", path.display());
            for word in absent {
                assert!(!text.contains(word), "{} has {word}", path.display());
            }
            seen += 1;
        }
    }
    assert!(seen > 20, "sources were not found");
}

/// The oracle of the tests must not become part of what it judges.
#[test]
fn pcap_file_is_in_tests_only() {
    let metadata = metadata();
    let dependencies = metadata["packages"].as_array().unwrap().iter().flat_map(|package| {
        package["dependencies"].as_array().unwrap().iter().map(move |d| (&package["name"], d))
    });
    let uses: Vec<_> = dependencies.filter(|(_, d)| d["name"] == "pcap-file").collect();
    assert!(!uses.is_empty(), "it is no oracle any more; mend ARCHITECTURE.md");
    for (package, dependency) in uses {
        assert_eq!(dependency["kind"], "dev", "{package}");
    }
}

/// The plugin is a workspace of its own, and cargo inherits nothing over that border.
#[test]
fn the_plugin_has_the_versions_lints_and_profile_of_the_workspace() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let (workspace, plugin) = (read("Cargo.toml"), read("plugin/Cargo.toml"));
    for (of_workspace, of_plugin) in [
        ("workspace.lints.rust", "lints.rust"),
        ("workspace.lints.clippy", "lints.clippy"),
        ("profile.release", "profile.release"),
    ] {
        let want = table(&workspace, of_workspace);
        assert!(!want.is_empty(), "[{of_workspace}]");
        assert_eq!(table(&plugin, of_plugin), want, "[{of_plugin}] of the plugin");
    }
    let package = table(&plugin, "package");
    for line in table(&workspace, "workspace.package") {
        if !line.starts_with("license") {
            assert!(package.contains(&line), "{line} is not the plugin's");
        }
    }
}

/// The lines of a table of TOML, without comments.
fn table(toml: &str, name: &str) -> BTreeSet<String> {
    let lines = toml.lines().skip_while(|line| *line != format!("[{name}]")).skip(1);
    lines
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(" #").next())
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

/// The table of versions in the workspace's Cargo.toml.
fn versions() -> Vec<String> {
    let text = document("Cargo.toml");
    let (_, table) = text.split_once("[workspace.dependencies]\n").expect("there is one");
    let table = table.split("\n[").next().unwrap();
    table.lines().filter(|line| line.contains(" = ")).map(str::to_owned).collect()
}

#[test]
fn every_dependency_has_its_reason() {
    let mut others = 0;
    for line in versions().iter().filter(|line| !line.contains("{ path = ")) {
        assert!(line.contains(" # "), "no reason: {line}");
        others += 1;
    }
    assert!(others > 15, "{others} dependencies were recognised");
}

/// As `scripts/deps` counts them.
#[test]
fn the_crates_of_others_are_as_many_as_stated() {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let words = "tree --quiet --locked --offline --package mirror-pcap --edges normal,no-proc-macro \
                 --target x86_64-unknown-linux-gnu --prefix none --format {p}";
    let output = Command::new(cargo).args(words.split(' ')).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    // Ours stand with their folder.
    let crates: BTreeSet<_> = text
        .lines()
        .map(|line| line.trim_end_matches(" (*)"))
        .filter(|line| !line.contains('/') && !line.is_empty())
        .collect();
    let stated = format!("In the command are {} crates of others", crates.len());
    assert!(document("ARCHITECTURE.md").contains(&stated), "not in ARCHITECTURE.md: {stated}");
}
