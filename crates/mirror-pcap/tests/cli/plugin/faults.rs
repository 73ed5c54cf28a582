//! `plugin install` and `plugin profile` when system calls fail, and when they are killed.
//!
//! As in the trials of other commands, but only of the process itself: what tshark makes of a full
//! disk is its own affair. And so that a run takes no time, tshark is a script here that says what
//! tshark would.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use mirror_testkit::random::Random;

use super::{World, own};
use crate::{
    faults::{CALLS, Call, all, calls, can_trace, faults, progress, strace_of_one_process},
    harness::{Run, Scratch, testdata, wait},
    output::OLD,
};

/// What each command writes, below the home.
const COMMANDS: [(&[&str], &[&str]); 2] = [
    (
        &["install", "plugin.so", "--config", "d.json", "--tshark", "./tshark"],
        &[
            ".local/lib/wireshark/plugins/X.Y/epan/vpcmirror.so",
            ".config/wireshark/vpcmirror_sessions.json",
        ],
    ),
    (
        &["profile", "--force", "--tshark", "./tshark"],
        &[
            ".config/wireshark/profiles/VPC mirroring/preferences",
            ".config/wireshark/profiles/VPC mirroring/colorfilters",
            ".config/wireshark/profiles/VPC mirroring/dfilter_buttons",
        ],
    ),
];

/// A user whose tshark is a script, and what was installed in an earlier run.
struct Installed {
    world: World,
    files: Vec<PathBuf>,
    old: BTreeMap<PathBuf, Vec<u8>>,
    args: &'static [&'static str],
}

impl Installed {
    fn new(world: World, args: &'static [&'static str], files: &[&str]) -> Installed {
        let path = |file: &&str| world.path("home").join(file.replace("X.Y", &world.release));
        let files: Vec<_> = files.iter().map(path).collect();
        let home = world.path("home");
        let (home, installed) = (home.display(), world.installed());
        let (release, version) = (&world.release, &world.version);
        world.script(
            "tshark",
            &format!(
                "#!/bin/sh\ncase $2 in\n\
                 folders) printf 'Personal configuration:\\t{home}/.config/wireshark\\n\
                 Global configuration:\\t/nowhere\\n\
                 Personal Plugins:\\t{home}/.local/lib/wireshark/plugins/{release}\\n\
                 Global Plugins:\\t/nowhere\\n' ;;\n\
                 plugins) printf 'vpcmirror.so\\t0.1.0\\tdissector\\t%s\\n' '{}' ;;\n\
                 *) echo 'TShark (Wireshark) {version}' ;;\nesac\n",
                installed.display(),
            ),
        );
        let document = fs::read_to_string(testdata().join("documents/sessions.json")).unwrap();
        let mut installed = Installed { world, files, old: BTreeMap::new(), args };
        let world = &installed.world;
        world.write("plugin.so", world.compiled(&world.good().but("0.1.0", "0.0.9")));
        world.write("d.json", document.replace("web 1", "web one"));
        installed.run().succeeds();
        installed.old = installed.found();
        let world = &installed.world;
        world.write("plugin.so", world.compiled(&world.good()));
        world.write("d.json", document);
        world.write(
            "home/.config/wireshark/colorfilters",
            "@Mine@frame@[0,0,0][65535,65535,65535]\n",
        );
        installed
    }

    fn run(&self) -> Run {
        self.world.plugin(self.args)
    }

    fn found(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        self.files.iter().filter_map(|path| Some((path.clone(), fs::read(path).ok()?))).collect()
    }

    fn restore(&self) {
        for (path, bytes) in &self.old {
            fs::write(path, bytes).unwrap();
            own(path);
        }
    }

    /// Names in the folders that are written into, of files that have no name yet.
    fn temporaries(&self) -> Vec<String> {
        let folders: BTreeSet<_> = self.files.iter().map(|path| path.parent().unwrap()).collect();
        let entries = folders.into_iter().flat_map(|folder| fs::read_dir(folder).unwrap());
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".mirror-pcap")).collect()
    }
}

#[test]
fn any_call_that_fails_while_plugins_are_installed_leaves_each_file_old_or_new() {
    if !can_trace() {
        return;
    }
    for (args, files) in COMMANDS {
        let Some(world) = World::new() else { return };
        let installed = Installed::new(world, args, files);
        assert_eq!(installed.old.len(), files.len(), "{args:?}");
        assert!(installed.old.values().all(|bytes| bytes != OLD));
        let traces = Scratch::new();
        own(traces.folder());
        let run = |fault| {
            installed.restore();
            let seen = installed.run().under(strace_of_one_process(&traces, fault)).ends();
            (seen.status.code(), seen.stderr, calls(&traces), installed.found())
        };
        let (begun, mut tried) = (Instant::now(), 0);
        let (code, stderr, threads, new) = run(None);
        assert_eq!(code, Some(0), "{stderr}");
        assert!(new != installed.old, "{args:?} writes what was there");
        for (call, n, (error, reason)) in faults(&threads, Call::is_of_temporary) {
            let (code, stderr, threads, left) = run(Some((call, n, error)));
            let calls = threads.concat();
            let failed: Vec<_> = calls.iter().filter(|call| call.is_injected()).collect();
            let context = format!("{args:?}\n{failed:#?}\nexit status {code:?}\n{stderr}");
            if failed.is_empty() {
                continue;
            }
            tried += 1;
            for (path, bytes) in &left {
                let is_right = *bytes == installed.old[path] || *bytes == new[path];
                assert!(is_right, "{}: {context}", path.display());
            }
            assert_eq!(left.len(), files.len(), "{context}");
            assert_eq!(installed.temporaries(), [""; 0], "{context}");
            let writes = ["write", CALLS[1], CALLS[2], "fchmod"];
            let is_lost = failed.iter().any(|call| writes.iter().any(|names| call.is(names)));
            if is_lost && error != "EINTR" {
                assert_eq!(code, Some(3), "{context}");
                assert!(
                    stderr.lines().last().is_some_and(|line| line.ends_with(reason)),
                    "{context}"
                );
            }
            assert!(matches!(code, Some(0 | 2 | 3)), "{context}");
            assert!(code != Some(0) || left == new, "{context}");
        }
        assert!(tried >= 8, "{args:?}: only {tried} calls failed");
        progress(&args.join(" "), tried, "faults", begun);
    }
}

#[test]
fn a_run_of_plugin_killed_at_any_moment_leaves_each_file_old_or_new() {
    let mut random = Random::new(2);
    let kills = if all() { 200 } else { 5 };
    for (args, files) in COMMANDS {
        let Some(world) = World::new() else { return };
        let installed = Installed::new(world, args, files);
        let spawn = || {
            let mut command = installed.run().command();
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().unwrap()
        };
        let begun = Instant::now();
        assert!(wait(&mut spawn()).success(), "{args:?}");
        let usual = begun.elapsed().as_micros() as u64;
        let new = installed.found();
        for kill in 0..kills {
            installed.restore();
            let mut child = spawn();
            thread::sleep(Duration::from_micros(random.between(0, usual)));
            child.kill().unwrap();
            wait(&mut child);
            for (path, bytes) in installed.found() {
                let is_right = bytes == installed.old[&path] || bytes == new[&path];
                assert!(is_right, "{}, killed in run {kill}", path.display());
            }
            assert!(installed.temporaries().len() <= files.len(), "{:?}", installed.temporaries());
        }
        assert!(wait(&mut spawn()).success(), "{args:?}");
        assert!(installed.found() == new, "{args:?}");
        assert_eq!(installed.temporaries(), [""; 0], "{args:?}");
        progress(&args.join(" "), kills, "kills", begun);
    }
}
