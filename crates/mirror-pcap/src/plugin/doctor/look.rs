//! What the doctor looks at.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use mirror_session::file;

use super::{Diagnosis, Finding, Installed};
use crate::{
    failure::words,
    plugin::{
        FILE, SESSIONS_FILE,
        candidate::{self, Flaw},
        folder::{self, Unsafe},
        is_privileged, read, shown,
        wireshark::{NoWireshark, Wireshark, how_it_ended, usual_plugins},
    },
};

/// Files of a folder that are looked at; no plugin folder has nearly as many.
const MAX_FILES: usize = 4096;

/// Problems of a sessions file that are told.
const MAX_PROBLEMS: usize = 3;

/// Look at everything.
pub(super) fn at(tshark: Option<&Path>) -> Diagnosis {
    let mut findings = Findings(Vec::new());
    let (mut plugins, mut sessions) = (Vec::new(), None);
    let wireshark = match Wireshark::find(tshark) {
        Ok(wireshark) => {
            let mut look = Look { wireshark: &wireshark, findings: &mut findings };
            plugins = look.at_plugins();
            look.at_what_is_disabled();
            sessions = look.at_sessions();
            Some(wireshark)
        }
        Err(problem) => {
            let code = match problem {
                NoWireshark::NotInPath | NoWireshark::NotAProgram(_) | NoWireshark::Unsafe(_) => {
                    "no-tshark"
                }
                NoWireshark::Failed(..) => "tshark-fails",
            };
            findings.add(code, None, problem.to_string());
            None
        }
    };
    Diagnosis { wireshark, plugins, sessions, findings: findings.0 }
}

struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, code: &'static str, path: Option<&Path>, message: impl Into<String>) {
        let path = path.map(|path| path.to_string_lossy().into_owned());
        self.0.push(Finding { code, path, message: message.into() });
    }

    fn is_about(&self, path: &str) -> bool {
        self.0.iter().any(|finding| finding.path.as_deref() == Some(path))
    }

    fn has(&self, code: &str) -> bool {
        self.0.iter().any(|finding| finding.code == code)
    }
}

struct Look<'l> {
    wireshark: &'l Wireshark,
    findings: &'l mut Findings,
}

impl Look<'_> {
    /// Every file that is our plugin or is called so, wherever Wireshark or a person may have it.
    fn at_plugins(&mut self) -> Vec<Installed> {
        let folders = &self.wireshark.folders;
        let (personal, global) = (folders.personal(), folders.global());
        // In the order in which Wireshark looks; root's looks at the second only.
        let mut found = self.candidates(&global);
        found.extend(self.candidates(&personal));
        let mut plugins: Vec<Installed> = Vec::new();
        for (at, path) in found.iter().enumerate() {
            // What tshark does not load is not loaded here either: a user's when it is run by root,
            // and of one name the second.
            let is_ignored = is_privileged() && path.starts_with(&personal);
            let mut before = found.iter().take(at);
            let is_second = before.any(|other| other.file_name() == path.file_name());
            plugins.extend(self.at_candidate(path, !is_ignored && !is_second));
        }

        let (loaded, problem) = match self.wireshark.loaded() {
            Ok((loaded, said)) if said.status.success() => (loaded, last_words(&said.stderr)),
            Ok((_, said)) => (Vec::new(), Some(how_it_ended(&said))),
            Err(error) => (Vec::new(), Some(words(&error))),
        };
        for plugin in &mut plugins {
            let file = plugin.file.canonicalize().ok();
            plugin.loaded =
                file.is_some() && loaded.iter().any(|path| path.canonicalize().ok() == file);
        }
        self.at_duplicates(&found, &plugins);
        self.at_wrong_folders(&[personal.clone(), global]);
        self.at_variable(&plugins);
        for plugin in &plugins {
            let is_ignored = is_privileged() && plugin.file.starts_with(&personal);
            if is_ignored && !plugins.iter().any(|plugin| plugin.loaded) {
                self.findings.add(
                    "root",
                    Some(&plugin.file),
                    "Wireshark ignores the plugins of a \
                    user when root runs it; run it as an ordinary user, or install with --system",
                );
            }
        }
        if !plugins.iter().any(|plugin| plugin.loaded) {
            match self.wireshark.untried(is_privileged()) {
                Some(problem) => self.at_unsafe(problem),
                None => self.at_none_loaded(&plugins, problem),
            }
        }
        if let Some(status) = self.wireshark.crash
            && !["crashes", "not-loaded", "tshark-fails"].iter().any(|code| self.findings.has(code))
        {
            let message = format!("tshark crashes while it loads its plugins ({status})");
            self.findings.add("tshark-fails", None, message);
        }
        plugins
    }

    /// What is left to say when the plugin is not loaded, and nothing that was found explains it.
    fn at_none_loaded(&mut self, plugins: &[Installed], problem: Option<String>) {
        let release = self.wireshark.release;
        match plugins.first() {
            Some(plugin) if !self.findings.is_about(&plugin.path) => {
                let problem = problem
                    .unwrap_or_else(|| "tshark does not load it, and does not say why".to_owned());
                let advice = match self.wireshark.crash {
                    Some(_) => {
                        "; if it does so without this file too, another plugin is the reason"
                    }
                    None => "",
                };
                let message = format!("{problem}{advice}");
                self.findings.add("not-loaded", Some(&plugin.file), message);
            }
            None if self.findings.0.is_empty() && self.wireshark.crash.is_none() => {
                let message = format!(
                    "no plugin for Wireshark {release} in these folders; mirror-pcap plugin install"
                );
                self.findings.add("not-installed", None, message);
            }
            _ => {}
        }
    }

    /// The files in a folder that are called like our plugin, or are it under another name.
    fn candidates(&mut self, folder: &Path) -> Vec<PathBuf> {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
            Err(error) => {
                let message = format!("cannot be read: {}", words(&error));
                self.findings.add("unreadable", Some(folder), message);
                return Vec::new();
            }
        };
        let paths = entries.flatten().take(MAX_FILES).map(|entry| entry.path());
        let libraries = paths.filter(|path| path.extension().is_some_and(|e| e == "so"));
        let mut found: Vec<_> = libraries
            .filter(|path| path.ends_with(FILE) || candidate::ours(path).is_ok())
            .collect();
        found.sort();
        if !found.is_empty()
            && let Err(problem) = folder::check(folder)
        {
            self.at_unsafe(&problem);
        }
        found
    }

    /// What others can change, told once.
    fn at_unsafe(&mut self, problem: &Unsafe) {
        let path = problem.path();
        if self.findings.is_about(&path.to_string_lossy()) {
            return;
        }
        if problem.is_of_a_file() {
            self.findings.add("unsafe-file", Some(path), problem.to_string());
        } else {
            self.findings.add("unsafe-folder", Some(path), problem.to_string());
        }
    }

    /// What keeps Wireshark from loading the file, found out by loading it if `is_loaded` by tshark
    /// too and nobody else can change it.
    fn at_candidate(&mut self, path: &Path, is_loaded: bool) -> Option<Installed> {
        let (symbols, _) = match candidate::ours(path) {
            Ok(ours) => ours,
            Err(flaw) => {
                self.add(path, &flaw);
                return None;
            }
        };
        let safe = folder::check_file(path);
        let is_tried = is_loaded && safe.is_ok();
        let flaw = candidate::fits(&symbols, self.wireshark)
            .and_then(|()| if is_tried { candidate::loads(path, self.wireshark) } else { Ok(()) });
        if let Err(flaw) = flaw {
            self.add(path, &flaw);
        }
        if let Err(problem) = safe {
            self.at_unsafe(&problem);
        }
        Some(Installed {
            path: path.to_string_lossy().into_owned(),
            version: symbols.version,
            wireshark: symbols.wants.to_string(),
            loaded: false,
            file: path.to_owned(),
        })
    }

    fn add(&mut self, path: &Path, flaw: &Flaw) {
        let advice = match flaw {
            Flaw::Unreadable(_) => "chmod a+r",
            Flaw::NotOurs => "move it away",
            _ => "replace it with mirror-pcap plugin install",
        };
        self.findings.add(flaw.code(), Some(path), format!("{flaw}; {advice}"));
    }

    fn at_duplicates(&mut self, found: &[PathBuf], plugins: &[Installed]) {
        let Some((first, more)) = found.split_first() else { return };
        for path in more {
            let same_name = path.file_name() == first.file_name();
            let effect = if same_name {
                "Wireshark loads only one of the two"
            } else {
                "Wireshark ends when both register the same protocol"
            };
            // Whoever is not ours has been told of already.
            if same_name || plugins.iter().any(|plugin| plugin.file == *path) {
                let message = format!("is there beside {}, and {effect}; remove one", shown(first));
                self.findings.add("duplicate", Some(path), message);
            }
        }
    }

    /// A plugin where Wireshark does not look: in the folder above, or in that of another release
    /// though it was built for this one.
    fn at_wrong_folders(&mut self, right: &[PathBuf]) {
        let folders = &self.wireshark.folders;
        let release = self.wireshark.release;
        let roots = [&folders.plugins, &folders.global_plugins].map(|path| {
            let is_of_release = path.ends_with(release.to_string());
            path.parent().filter(|_| is_of_release).unwrap_or(path).to_owned()
        });
        let mut places: Vec<PathBuf> = roots.into_iter().flat_map(|root| below(&root)).collect();
        places.push(folders.configuration.join("plugins"));
        places
            .extend(env::var_os("HOME").map(|home| PathBuf::from(home).join(".wireshark/plugins")));
        places.sort();
        places.dedup();
        for place in places.iter().filter(|place| !right.contains(place)) {
            let path = place.join(FILE);
            let Ok((symbols, _)) = candidate::ours(&path) else { continue };
            // One for each release is as it should be.
            let is_in_its_own = place.ends_with(format!("{}/epan", symbols.wants));
            if !is_in_its_own {
                let right = right.first().map(|folder| shown(folder)).unwrap_or_default();
                let message = format!(
                    "Wireshark does not look there; mirror-pcap plugin install puts it into {right}"
                );
                self.findings.add("wrong-folder", Some(&path), message);
            }
        }
    }

    /// `WIRESHARK_PLUGIN_DIR` takes the place of the folder for all users, but not for root.
    fn at_variable(&mut self, plugins: &[Installed]) {
        let Some(folder) = env::var_os("WIRESHARK_PLUGIN_DIR").map(PathBuf::from) else { return };
        if plugins.iter().any(|plugin| plugin.loaded) {
            return;
        }
        let release = self.wireshark.release.to_string();
        let within = |folder: &Path| folder.join(&release).join("epan").join(FILE);
        if is_privileged() && within(&folder).exists() {
            let message = "WIRESHARK_PLUGIN_DIR names its folder, and Wireshark ignores that when \
                root runs it; run it as an ordinary user, or install with --system";
            self.findings.add("plugin-dir", Some(&within(&folder)), message);
        }
        let usual = usual_plugins().map(|folder| within(&folder)).filter(|path| path.exists());
        if let Some(path) = usual.filter(|_| !is_privileged()) {
            let message = format!(
                "WIRESHARK_PLUGIN_DIR is set, so Wireshark looks into {} instead; unset it",
                shown(&folder)
            );
            self.findings.add("plugin-dir", Some(&path), message);
        }
    }

    /// Protocols that someone has switched off, in a profile or everywhere.
    fn at_what_is_disabled(&mut self) {
        let folders = &self.wireshark.folders;
        let profiles = fs::read_dir(folders.configuration.join("profiles"));
        let profiles = profiles.into_iter().flatten().flatten().map(|entry| entry.path());
        let mut places = vec![folders.global_configuration.clone(), folders.configuration.clone()];
        places.extend(profiles.take(MAX_FILES));
        for place in places {
            let path = place.join("disabled_protos");
            let Ok(bytes) = read(&path) else { continue };
            if bytes.split(|&byte| byte == b'\n').any(|line| line.trim_ascii() == b"vpcmirror") {
                let message = "the protocol is disabled; in Wireshark, Analyze > Enabled Protocols";
                self.findings.add("disabled", Some(&path), message);
            }
        }
    }

    /// The sessions file, without which there are no names.
    fn at_sessions(&mut self) -> Option<(PathBuf, Option<u64>)> {
        let path = self.wireshark.folders.configuration.join(SESSIONS_FILE);
        let bytes = match read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                let message = format!("cannot be read: {}", words(&error));
                self.findings.add("sessions-file", Some(&path), message);
                return Some((path, None));
            }
        };
        match file::read(&bytes) {
            Ok(picture) => Some((path, Some(picture.sessions().len() as u64))),
            Err(problems) => {
                let text = problems.to_string();
                let lines: Vec<_> = text.lines().take(MAX_PROBLEMS).collect();
                self.findings.add("sessions-file", Some(&path), lines.join("; "));
                Some((path, None))
            }
        }
    }
}

/// What tshark said of our plugin while it loaded its plugins.
fn last_words(stderr: &str) -> Option<String> {
    stderr.lines().rfind(|line| line.contains(FILE)).map(|line| format!("tshark says: {line}"))
}

/// A folder and those below it, two levels deep.
fn below(root: &Path) -> Vec<PathBuf> {
    let mut folders = vec![root.to_owned()];
    let mut level = 0..1;
    for _ in 0..2 {
        let end = folders.len();
        for at in level {
            let Some(folder) = folders.get(at) else { continue };
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            let found: Vec<_> =
                entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
            folders.extend(found.into_iter().take(MAX_FILES));
        }
        level = end..folders.len();
    }
    folders
}
