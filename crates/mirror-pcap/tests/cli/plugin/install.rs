//! `plugin install` and `plugin uninstall`.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
};

use super::{CRASHES, World, is_root, not_root, own};
use crate::harness::testdata;

#[test]
fn an_installed_plugin_is_one_that_tshark_lists() {
    let Some(world) = World::new() else { return };
    let file = world.write("build/plugin.so", world.compiled(&world.good()));
    let seen = world.plugin(&["install", "build/plugin.so"]).succeeds().stdout("");
    assert_eq!(
        world.tidy(&seen.stderr),
        "~/home/.local/lib/wireshark/plugins/X.Y/epan/vpcmirror.so: version 0.1.0 for Wireshark X.Y \
         installed\n"
    );
    let installed = world.installed();
    assert_eq!(fs::read(&installed).unwrap(), fs::read(file).unwrap());
    assert_eq!(fs::metadata(&installed).unwrap().mode() & 0o777, 0o644);
    // Nothing else is left in the folder.
    assert_eq!(fs::read_dir(installed.parent().unwrap()).unwrap().count(), 1);
    let seen = world.plugin(&["doctor"]).succeeds().stderr("");
    let text = world.tidy(&String::from_utf8(seen.stdout).unwrap());
    assert!(text.contains("plugin 0.1.0 for Wireshark X.Y, loaded: ~/home/.local/"), "{text}");
    assert!(text.ends_with("nothing is wrong\n"), "{text}");
}

#[test]
fn another_install_replaces_the_first_and_uninstall_removes_it() {
    let Some(world) = World::new() else { return };
    for version in ["0.1.0", "0.1.1"] {
        if world.installed().exists() {
            fs::set_permissions(world.installed(), fs::Permissions::from_mode(0o600)).unwrap();
        }
        let plugin = world.good().but("0.1.0", version);
        world.write("plugin.so", world.compiled(&plugin));
        world.plugin(&["install", "plugin.so"]).succeeds().stderr_has(version);
        // Whatever was allowed before, everybody may load it now.
        assert_eq!(fs::metadata(world.installed()).unwrap().mode() & 0o777, 0o644);
        assert_eq!(
            fs::read(world.installed()).unwrap(),
            fs::read(world.path("plugin.so")).unwrap()
        );
    }
    world.plugin(&["uninstall"]).succeeds().stderr_has("vpcmirror.so: removed\n");
    assert!(!world.installed().exists());
    world.plugin(&["uninstall"]).succeeds().stderr_has("vpcmirror.so: is not there\n");
}

/// Each file is refused for what it is, and nothing is changed.
#[test]
fn what_would_not_work_is_not_installed() {
    let Some(world) = World::new() else { return };
    let good = world.good();
    let (major, _) = world.release.split_once('.').unwrap();
    let refused = |plugin, want: &str| {
        world.write("plugin.so", world.compiled(&plugin));
        world.fails(&["install", "plugin.so"], 2, &format!("plugin.so: {want}"));
        assert!(!world.path("home/.local").join("lib/wireshark/plugins/vpcmirror.so").exists());
        assert!(!world.installed().exists());
    };
    refused(
        good.but(&format!("want_major = {major}"), "want_major = 9"),
        &format!(
            "was built for Wireshark 9.{}, and this is X.Y, which takes only what was built for X.Y",
            world.release.split_once('.').unwrap().1
        ),
    );
    refused(
        good.but("plugin_register", "plugin_regsiter"),
        "is no Wireshark plugin: it does not export plugin_register",
    );
    refused(
        good.but("vpcmirror_plugin", "another"),
        "is another Wireshark plugin, expected VPC Traffic Mirroring (vpcmirror_plugin)",
    );
    refused(good.with(CRASHES), "crashes when it is loaded (signal 6)");
    refused(
        good.with(
            "void exit(int); __attribute__((constructor)) static void end(void) { exit(0); }",
        ),
        "ends the program that loads it (exit status: 0)",
    );
    let missing = good.with("void no_such_function(void); void f(void) { no_such_function(); }");
    world.write("plugin.so", world.compiled(&missing));
    let seen = world.plugin(&["install", "plugin.so"]).fails_with(2).stdout("");
    assert!(seen.stderr.contains("cannot be loaded: "), "{}", seen.stderr);
    assert!(seen.stderr.contains("undefined symbol: no_such_function"), "{}", seen.stderr);
    world.write("plugin.so", "#!/bin/sh\n");
    let want = "plugin.so: is no ELF file, expected a shared library";
    world.fails(&["install", "plugin.so"], 2, want);
    world.fails(&["install", "none.so"], 2, "none.so: cannot be read: No such file or directory");
    assert!(!world.installed().exists());
}

/// The crash is in what only Wireshark calls, so that only tshark can show it.
#[test]
fn a_plugin_that_crashes_tshark_is_taken_away_again() {
    let Some(world) = World::new() else { return };
    let crashes = world.good().but("epan_get_version(); }", "abort(); }");
    let before = world.has(&world.good());
    let before = fs::read(before).unwrap();
    world.write("plugin.so", world.compiled(&crashes));
    let want = "plugin.so: was taken away again: with it tshark crashed (signal 6)";
    world.fails(&["install", "plugin.so"], 2, want);
    assert!(fs::read(world.installed()).unwrap() == before, "the one before was not put back");
    fs::remove_file(world.installed()).unwrap();
    world.fails(&["install", "plugin.so"], 2, want);
    assert!(!world.installed().exists());
}

#[test]
fn a_file_that_is_not_ours_is_left_alone() {
    let Some(world) = World::new() else { return };
    world.write("plugin.so", world.compiled(&world.good()));
    let theirs = world.good().but("vpcmirror_plugin", "another");
    let path = world.has(&theirs);
    let bytes = fs::read(&path).unwrap();
    let want = "~/home/.local/lib/wireshark/plugins/X.Y/epan/vpcmirror.so: is another Wireshark \
        plugin, expected VPC Traffic Mirroring (vpcmirror_plugin); it is left alone, move it away";
    world.fails(&["install", "plugin.so"], 2, want);
    world.fails(&["uninstall"], 2, want);
    assert!(fs::read(&path).unwrap() == bytes);
    // Nor is anything written through a link, or a link removed.
    fs::remove_file(&path).unwrap();
    let target = world.write("elsewhere.so", world.compiled(&world.good()));
    symlink(&target, &path).unwrap();
    let want = "~/home/.local/lib/wireshark/plugins/X.Y/epan/vpcmirror.so: is no regular file, so \
        it is left alone; move it away";
    world.fails(&["install", "plugin.so"], 2, want);
    world.fails(&["uninstall"], 2, want);
    assert!(path.is_symlink() && target.exists());
}

#[test]
fn nothing_is_installed_where_others_could_change_it() {
    let Some(world) = World::new() else { return };
    world.write("plugin.so", world.compiled(&world.good()));
    let place = world.folder(&world.place());
    for (folder, mode, who) in [
        (place.clone(), 0o777, "everybody, so no plugin is safe there; chmod o-w"),
        (place.clone(), 0o775, "its group, so no plugin is safe there; chmod g-w"),
        (world.path("home/.local"), 0o775, "its group, so no plugin is safe there; chmod g-w"),
        (world.path("home"), 0o757, "everybody, so no plugin is safe there; chmod o-w"),
    ] {
        fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
        let want = format!("{} can be written by {who}", folder.display());
        world.fails(&["install", "plugin.so"], 2, &world.tidy(&want));
        assert!(!world.installed().exists());
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
    // The same behind a link.
    fs::remove_dir(&place).unwrap();
    let elsewhere = world.folder("elsewhere/epan");
    fs::set_permissions(world.path("elsewhere"), fs::Permissions::from_mode(0o777)).unwrap();
    symlink(&elsewhere, &place).unwrap();
    world.plugin(&["install", "plugin.so"]).fails_with(2).stderr_has("elsewhere can be written by");
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    fs::set_permissions(world.path("elsewhere"), fs::Permissions::from_mode(0o755)).unwrap();
    world.plugin(&["install", "plugin.so"]).succeeds();
}

#[test]
fn a_folder_of_somebody_else_is_refused() {
    if !is_root() {
        return crate::harness::skipped("a plugin folder of another user: that takes root");
    }
    let Some(world) = World::new() else { return };
    world.write("plugin.so", world.compiled(&world.good()));
    let place = world.folder(&world.place());
    std::os::unix::fs::chown(&place, Some(12_345), None).unwrap();
    let want = "~/home/.local/lib/wireshark/plugins/X.Y/epan belongs to another user, number 12345, \
        so no plugin is safe there";
    world.fails(&["install", "plugin.so"], 2, want);
}

/// Of several, the one for the Wireshark that is there.
#[test]
fn the_file_is_chosen_by_release() {
    let Some(world) = World::new() else { return };
    world.fails(&["install", "--from", "empty"], 2, "empty: has no plugin X.Y/epan/vpcmirror.so");
    // Beside the command as it was built there may be a plugin that was built.
    let plugin = |args: &[&str]| world.plugin(args).copied_to(world.copied_command());
    let seen = plugin(&["install"]).fails_with(2);
    assert!(seen.stderr.contains("make one with scripts/build-plugin"), "{}", seen.stderr);
    let path = format!("target/plugin/{}/epan/vpcmirror.so", world.release);
    world.write(&path, world.compiled(&world.good()));
    let other = world.good().but(&format!("_minor = {}", &world.release[2..]), "_minor = 99");
    world.write("target/plugin/9.9/epan/vpcmirror.so", world.compiled(&other));
    plugin(&["install", "--from", "target/plugin"]).succeeds();
    plugin(&["uninstall"]).succeeds();
    // The current folder is looked at too, unless others could have put something there.
    plugin(&["install"]).succeeds();
    plugin(&["uninstall"]).succeeds();
    for (path, mode, back) in [("target", 0o777, 0o755), (&path, 0o666, 0o644)] {
        let path = world.path(path);
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let seen = plugin(&["install"]).fails_with(2).stdout("");
        let want = format!("{} can be written by everybody", path.display());
        assert!(seen.stderr.contains(&want), "{}", seen.stderr);
        fs::set_permissions(&path, fs::Permissions::from_mode(back)).unwrap();
    }
    // First comes what was built together with the command.
    let newer = world.good().but("0.1.0", "0.1.1");
    let path = format!("built/plugin/{}/epan/vpcmirror.so", world.release);
    world.write(&path, world.compiled(&newer));
    plugin(&["install"]).succeeds().stderr_has("version 0.1.1");
}

#[test]
fn documents_become_the_sessions_file() {
    let Some(world) = World::new() else { return };
    world.write("plugin.so", world.compiled(&world.good()));
    let document =
        world.write("d.json", fs::read(testdata().join("documents/sessions.json")).unwrap());
    let install = || world.plugin(&["install", "plugin.so", "--config"]).arg(&document);
    install().succeeds().stderr_has("vpcmirror_sessions.json: 2 sessions\n");
    let path = world.path("home/.config/wireshark/vpcmirror_sessions.json");
    let shown = |file| {
        let run = crate::harness::mirror_pcap().args(["config", "show", "--json"]).arg(file);
        run.succeeds().stdout
    };
    assert!(shown(&path) == shown(&document), "the file says something else than the document");
    // Another run may replace what the first has written, and uninstall take it away.
    install().succeeds();
    world.plugin(&["doctor"]).succeeds();
    world.plugin(&["uninstall"]).succeeds().stderr_has("vpcmirror_sessions.json: removed\n");
    assert!(!path.exists());
    // What a person has written or changed is theirs.
    install().succeeds();
    let changed = fs::read_to_string(&path).unwrap().replace("web 1", "web one");
    fs::write(&path, &changed).unwrap();
    let refused = install().fails_with(2).stdout("");
    assert!(refused.stderr.contains("is not as install wrote it"), "{}", refused.stderr);
    world.plugin(&["uninstall"]).succeeds().stderr_has("stays, it is not as install wrote it\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), changed);
}

#[test]
fn bad_documents_install_nothing() {
    let Some(world) = World::new() else { return };
    world.write("plugin.so", world.compiled(&world.good()));
    world.write("d.json", r#"{"schema": "mirror-pcap/sessions/1", "sessions": 7}"#);
    let args = ["install", "plugin.so", "--config", "d.json"];
    world.plugin(&args).fails_with(2).stderr_has("1 problem in the documents\n");
    assert!(!world.path("home/.local").exists() && !world.path("home/.config").exists());
}

/// For all users: the folder that tshark names, here by its variable.
#[test]
fn system_installs_into_the_global_folder() {
    let Some(mut world) = World::new() else { return };
    let global = world.folder("global");
    world.variables.push(("WIRESHARK_PLUGIN_DIR".into(), global.to_str().unwrap().into()));
    world.write("plugin.so", world.compiled(&world.good()));
    world.plugin(&["install", "--system", "plugin.so"]).succeeds();
    let installed = global.join(&world.release).join("epan/vpcmirror.so");
    assert!(installed.exists() && !world.installed().exists());
    world.fails(
        &["install", "plugin.so"],
        2,
        "~/global/X.Y/epan/vpcmirror.so: is there already, and Wireshark loads one of them only; \
         remove it first",
    );
    world.plugin(&["uninstall", "--system"]).succeeds();
    assert!(!installed.exists());
    // What may not be written is told as such.
    fs::set_permissions(global.join(&world.release), fs::Permissions::from_mode(0o555)).unwrap();
    fs::remove_dir(installed.parent().unwrap()).unwrap();
    world
        .plugin(&["install", "--system", "plugin.so"])
        .fails_with(3)
        .stderr_has("Permission denied");
    fs::set_permissions(global.join(&world.release), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn root_is_told_that_wireshark_ignores_its_home() {
    let Some(mut world) = World::new() else { return };
    if !is_root() {
        return not_root();
    }
    world.as_root = true;
    world.write("plugin.so", world.compiled(&world.good()));
    world.fails(
        &["install", "plugin.so"],
        2,
        "as root Wireshark ignores ~/home/.local/lib/wireshark/plugins/X.Y/epan, where plugins of \
         one user lie; install as the user who runs Wireshark, or for all users with --system",
    );
}

#[test]
fn without_tshark_nothing_is_guessed() {
    let Some(world) = World::new() else { return };
    world.write("plugin.so", world.compiled(&world.good()));
    let empty = world.path("empty");
    for args in [&["install", "plugin.so"][..], &["uninstall"], &["profile"]] {
        let seen = world.plugin(args).env("PATH", &empty).fails_with(2).stdout("");
        assert!(seen.stderr.starts_with("mirror-pcap: no tshark in PATH"), "{}", seen.stderr);
    }
    let program = world.write("nothing", "");
    own(&program);
    world.fails(
        &["install", "plugin.so", "--tshark", "nothing"],
        2,
        "nothing is no program that can be run, expected tshark",
    );
    world.script("nothing", "#!/bin/sh\necho \"TcpDump 4.99.3\"\n");
    world.fails(
        &["install", "plugin.so", "--tshark", "./nothing"],
        2,
        "./nothing: does not say which version it is, expected tshark",
    );
    // A script around tshark is as good as tshark.
    world.script("nothing", "#!/bin/sh\nexec tshark \"$@\"\n");
    world.plugin(&["install", "plugin.so", "--tshark", "./nothing"]).succeeds();
}

/// In a view of the file system in which the global folder is another, empty one.
#[test]
fn root_installs_for_all_users() {
    let Some(mut world) = World::new() else { return };
    let global = world.global();
    let can = std::process::Command::new("unshare")
        .args(["-m", "mount", "--bind"])
        .args([world.path("empty"), global.clone()])
        .output();
    if !is_root() || !can.is_ok_and(|out| out.status.success()) {
        return crate::harness::skipped("plugins for all users: only root may install them");
    }
    world.as_root = true;
    let folder = world.folder("global");
    std::os::unix::fs::chown(&folder, Some(0), Some(0)).unwrap();
    let script =
        format!("mount --bind '{}' '{}' && exec \"$0\" \"$@\"", folder.display(), global.display());
    let run = |args: &[&str]| {
        let run = world.plugin(args);
        run.under(["unshare", "-m", "sh", "-c", script.as_str()])
    };
    world.write("plugin.so", world.compiled(&world.good()));
    run(&["install", "--system", "plugin.so"])
        .succeeds()
        .stderr_has("/epan/vpcmirror.so: version 0.1.0");
    let installed = folder.join("epan/vpcmirror.so");
    assert_eq!(fs::metadata(&installed).unwrap().mode() & 0o777, 0o644);
    let seen = run(&["doctor"]).succeeds();
    let text = String::from_utf8(seen.stdout).unwrap();
    assert!(text.contains(", loaded: ") && text.contains(", ignored for root\n"), "{text}");
    // One that crashes for everybody is found too, with tshark run as somebody who loads nothing.
    fs::write(&installed, world.compiled(&world.good().with(CRASHES))).unwrap();
    let seen = run(&["doctor"]).fails_with(1);
    let text = String::from_utf8(seen.stdout).unwrap();
    assert!(text.contains("  crashes: ") && text.contains("(signal 6)"), "{text}");
    run(&["uninstall", "--system"]).succeeds();
    assert!(!installed.exists());
}
