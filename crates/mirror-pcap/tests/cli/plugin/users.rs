//! `plugin` where somebody else has a hand in it: another user's HOME, and ways that others can turn.
//!
//! What must not run leaves a mark when it does. So each test begins with the mark being made where
//! nothing is wrong.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown, lchown, symlink},
    path::{Path, PathBuf},
};

use super::{World, is_root, marks, not_root};
use crate::{harness::skipped, tshark::tools::tool};

/// A user who is neither root nor the one as whom the command runs.
const STRANGER: u32 = 12_345;

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

impl World {
    fn doctor_codes(&self) -> Vec<String> {
        let seen = self.plugin(&["doctor", "--format", "json"]).ends();
        let json: serde_json::Value = serde_json::from_slice(&seen.stdout).unwrap();
        let findings = json["findings"].as_array().unwrap().iter();
        findings.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
    }

    /// What has left a mark since this was asked last.
    fn marked(&self) -> Vec<String> {
        let marks = fs::read_dir(self.path("marks")).unwrap().map(|mark| mark.unwrap());
        let take = |mark: fs::DirEntry| {
            fs::remove_file(mark.path()).unwrap();
            mark.file_name().into_string().unwrap()
        };
        let mut marked: Vec<_> = marks.map(take).collect();
        marked.sort();
        marked
    }

    fn is_marked(&self) -> bool {
        !self.marked().is_empty()
    }

    /// A plugin and, where tshark has Lua, two scripts, all of which leave a mark.
    fn has_what_marks(&self) -> PathBuf {
        let marks_of = |name: &str| self.folder("marks").join(name);
        let script = |name| {
            let path = marks_of(name);
            format!("local mark = io.open({path:?}, \"w\") mark:close()\n")
        };
        self.write("home/.local/lib/wireshark/plugins/mark.lua", script("script"));
        self.write("home/.config/wireshark/init.lua", script("init"));
        self.has(&self.good().with(&marks(&marks_of("plugin"))))
    }
}

/// All below a folder, given to this user.
fn give(folder: &Path, user: u32) {
    lchown(folder, Some(user), Some(user)).unwrap();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        give(&entry.path(), user);
    }
}

#[test]
fn root_runs_nothing_of_the_user_whose_home_it_has() {
    if !is_root() {
        return not_root();
    }
    let Some(mut world) = World::new() else { return };
    let plugin = world.has_what_marks();
    assert_eq!(world.doctor_codes(), [""; 0]);
    let has_lua = tool("tshark").unwrap().run(["--version"]).text().contains("with Lua");
    let all = if has_lua { &["init", "plugin", "script"][..] } else { &["plugin"] };
    assert_eq!(world.marked(), all);

    world.as_root = true;
    assert_eq!(world.doctor_codes(), ["unsafe-folder", "root"]);
    assert!(!world.is_marked(), "doctor has run what a user had in the home");
    // Nor does it remove anything there, where the user may have led the way elsewhere.
    let seen = world.plugin(&["uninstall"]).fails_with(2).stdout("");
    assert!(seen.stderr.contains("belongs to another user, number 65534"), "{}", seen.stderr);
    assert!(plugin.exists() && !world.is_marked());
    world.write("plugin.so", world.compiled(&world.good()));
    world.plugin(&["install", "plugin.so"]).fails_with(2).stderr_has("as root Wireshark ignores");
    assert!(!world.is_marked());

    // The variables that lead to the same folders by another way.
    let empty = world.path("empty");
    chown(&empty, Some(0), Some(0)).unwrap();
    let config = world.path("home/.config");
    for (name, value) in
        [("XDG_CONFIG_HOME", config.clone()), ("WIRESHARK_CONFIG_DIR", config.join("wireshark"))]
    {
        world.plugin(&["doctor"]).env("HOME", &empty).env(name, value).ends();
        assert!(!world.is_marked(), "{name}");
    }
}

/// To list its plugins, tshark asks each extcap program which interfaces it has.
#[test]
fn no_extcap_program_is_run_that_others_can_change() {
    if !is_root() {
        return not_root();
    }
    let Some(mut world) = World::new() else { return };
    let folder = world.path("home/.config/wireshark/extcap");
    let mark = world.folder("marks").join("extcap");
    let program = folder.join("mark");
    world.write("home/.config/wireshark/extcap/mark", format!("#!/bin/sh\n: >{mark:?}\n"));
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    give(&world.path("home"), 65_534);
    world.doctor_codes();
    assert_eq!(world.marked(), ["extcap"]);

    // In a folder of root's own in all but this.
    world.as_root = true;
    give(&world.path("home"), 0);
    world.doctor_codes();
    assert_eq!(world.marked(), ["extcap"]);
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    world.doctor_codes();
    assert!(!world.is_marked(), "doctor has run what others can change");

    // Named by a variable, which root's tshark does not heed.
    world.as_root = false;
    give(&world.path("home"), 65_534);
    let named = world.path("named");
    fs::create_dir(&named).unwrap();
    fs::copy(&program, named.join("mark")).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    give(&named, STRANGER);
    world.plugin(&["doctor"]).env("WIRESHARK_EXTCAP_DIR", &named).ends();
    assert!(!world.is_marked());
}

#[test]
fn nor_does_another_user() {
    if !is_root() {
        return skipped("the home of another user: that takes root");
    }
    let Some(world) = World::new() else { return };
    world.has_what_marks();
    give(&world.path("home"), STRANGER);
    assert_eq!(world.doctor_codes(), ["unsafe-folder"]);
    assert!(!world.is_marked());
    // A single file of somebody else's is enough.
    give(&world.path("home"), 65_534);
    assert_eq!(world.doctor_codes(), [""; 0]);
    assert!(world.is_marked());
    let script = world.path("home/.local/lib/wireshark/plugins/mark.lua");
    for (path, marked) in [(world.installed(), &[][..]), (script, &["plugin"])] {
        chown(&path, Some(STRANGER), None).unwrap();
        assert_eq!(world.doctor_codes(), ["unsafe-file"], "{}", path.display());
        assert_eq!(world.marked(), marked, "{}", path.display());
        chown(&path, Some(65_534), None).unwrap();
    }
}

#[test]
fn root_runs_no_tshark_from_the_path_of_a_user() {
    if !is_root() {
        return not_root();
    }
    let Some(mut world) = World::new() else { return };
    let (marks, _) = (world.folder("marks"), world.folder("tools"));
    world.script("tools/tshark", &format!("#!/bin/sh\n: > {}/run\n", marks.display()));
    let tools = world.path("tools").to_str().unwrap().to_owned();
    world.variables.push(("PATH".into(), tools));
    world.doctor_codes();
    assert!(world.is_marked());
    world.as_root = true;
    assert_eq!(world.doctor_codes(), ["no-tshark"]);
    let seen = world.plugin(&["uninstall"]).fails_with(2).stdout("");
    let want = "mirror-pcap: tshark in PATH: ~/tools belongs to another user, number 65534, so root \
        does not run it; name the one to run with --tshark\n";
    assert_eq!(world.tidy(&seen.stderr), want);
    assert!(!world.is_marked());
}

/// `~/.local` leads by two links to where it really is; whoever can turn the second one decides.
#[test]
fn every_link_of_the_way_counts() {
    let Some(world) = World::new() else { return };
    world.has_what_marks();
    world.write("plugin.so", world.compiled(&world.good()));
    let (local, real) = (world.path("home/.local"), world.folder("real").join("local"));
    fs::rename(&local, &real).unwrap();
    let shared = world.folder("shared");
    let links = [(shared.join("link"), real.as_path()), (local, Path::new("../shared/link"))];
    for (link, target) in &links {
        symlink(target, link).unwrap();
        if is_root() {
            lchown(link, Some(65_534), Some(65_534)).unwrap();
        }
    }
    let plugin = real.join(format!("lib/wireshark/plugins/{}/epan/vpcmirror.so", world.release));
    assert!(plugin.exists());
    let is_safe = |world: &World| {
        assert_eq!(world.doctor_codes(), [""; 0]);
        assert!(world.is_marked());
    };
    let is_refused = |world: &World, want: &str| {
        assert_eq!(world.doctor_codes(), ["unsafe-folder"]);
        for args in [&["install", "plugin.so"][..], &["uninstall"]] {
            let seen = world.plugin(args).fails_with(2).stdout("");
            let stderr = world.tidy(&seen.stderr);
            assert!(stderr.starts_with(&format!("mirror-pcap: {want}")), "{args:?}: {stderr}");
        }
        assert!(plugin.exists() && !world.is_marked());
    };
    is_safe(&world);
    mode(&shared, 0o777);
    is_refused(&world, "~/shared can be written by everybody");
    // In a sticky folder nobody else can turn it.
    mode(&shared, 0o1777);
    is_safe(&world);
    // But somebody else's link is theirs.
    if is_root() {
        lchown(&links[0].0, Some(STRANGER), None).unwrap();
        is_refused(&world, "~/shared/link belongs to another user, number 12345");
        lchown(&links[0].0, Some(0), None).unwrap();
        is_safe(&world);
    } else {
        skipped("a link of another user: that takes root");
    }
    world.plugin(&["install", "plugin.so"]).succeeds();
    world.plugin(&["uninstall"]).succeeds();
    assert!(!plugin.exists());
}

/// The sessions file is left where others can change what is removed; the plugin is not.
#[test]
fn uninstall_leaves_what_lies_where_others_write() {
    let Some(world) = World::new() else { return };
    world.write("plugin.so", world.compiled(&world.good()));
    let document = crate::harness::testdata().join("documents/sessions.json");
    world.plugin(&["install", "plugin.so", "--config"]).arg(document).succeeds();
    let config = world.path("home/.config/wireshark");
    mode(&config, 0o777);
    let seen = world.plugin(&["uninstall"]).succeeds();
    let want = "~/home/.config/wireshark/vpcmirror_sessions.json: stays, for \
        ~/home/.config/wireshark can be written by everybody, so no plugin is safe there; chmod o-w\n";
    assert!(world.tidy(&seen.stderr).ends_with(want), "{}", seen.stderr);
    assert!(config.join("vpcmirror_sessions.json").exists() && !world.installed().exists());
    // Nor is anything installed for which tshark would have to be asked with that folder.
    let seen = world.plugin(&["install", "plugin.so"]).fails_with(2).stdout("");
    let want = "mirror-pcap: ~/home/.config/wireshark can be written by everybody";
    assert!(world.tidy(&seen.stderr).starts_with(want), "{}", seen.stderr);
}
