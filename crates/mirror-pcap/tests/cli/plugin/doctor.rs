//! `plugin doctor`: each way in which a plugin does not show, made on purpose.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use serde_json::Value;

use super::{CRASHES, World, is_root, marks, not_root};
use crate::harness::{same, testdata};

impl World {
    /// What the doctor finds: code, place and message of each.
    #[track_caller]
    fn findings(&self) -> Vec<(String, String, String)> {
        let seen = self.plugin(&["doctor", "--format", "json"]).ends();
        assert_eq!(seen.stderr, "");
        let json: Value = serde_json::from_slice(&seen.stdout).unwrap();
        let findings = json["findings"].as_array().unwrap();
        assert_eq!(seen.status.code(), Some(i32::from(!findings.is_empty())), "{json}");
        let of = |finding: &Value, name: &str| {
            finding[name].as_str().map(|text| self.tidy(text)).unwrap_or_default()
        };
        findings
            .iter()
            .map(|finding| (of(finding, "code"), of(finding, "path"), of(finding, "message")))
            .collect()
    }

    /// One finding, and nothing else.
    #[track_caller]
    fn finds(&self, code: &str, path: &str, message: &str) {
        let want = (code.to_owned(), path.to_owned(), message.to_owned());
        assert_eq!(self.findings(), [want]);
    }
}

const PLACE: &str = "~/home/.local/lib/wireshark/plugins/X.Y/epan/vpcmirror.so";

#[test]
fn no_tshark() {
    let Some(mut world) = World::new() else { return };
    let empty = world.path("empty").to_str().unwrap().to_owned();
    world.variables.push(("PATH".into(), empty));
    world.finds(
        "no-tshark",
        "",
        "no tshark in PATH, which Wireshark is asked through; install it, or name it with --tshark",
    );
}

#[test]
fn not_installed() {
    let Some(world) = World::new() else { return };
    world.finds(
        "not-installed",
        "",
        "no plugin for Wireshark X.Y in these folders; mirror-pcap plugin install",
    );
}

#[test]
fn what_is_right_is_told_in_full() {
    let Some(world) = World::new() else { return };
    world.has(&world.good());
    let documents = testdata().join("documents/sessions.json");
    let sessions = crate::harness::mirror_pcap().args(["config", "show", "--json"]).arg(documents);
    world.write("home/.config/wireshark/vpcmirror_sessions.json", sessions.succeeds().stdout);
    let seen = world.plugin(&["doctor"]).succeeds().stderr("");
    let text = world.tidy(&String::from_utf8(seen.stdout).unwrap());
    let (first, rest) = text.split_once('\n').unwrap();
    assert!(first.starts_with("tshark X.Y.Z: /"), "{first}");
    let rest: Vec<_> = rest.lines().filter(|line| !line.contains("of all users")).collect();
    same(
        &(rest.join("\n") + "\n"),
        &format!(
            "  plugins of this user: ~/home/.local/lib/wireshark/plugins/X.Y/epan\n\
             plugin 0.1.0 for Wireshark X.Y, loaded: {PLACE}\n\
             sessions file, 2 sessions: ~/home/.config/wireshark/vpcmirror_sessions.json\n\
             nothing is wrong\n"
        ),
    );
}

#[test]
fn wrong_minor() {
    let Some(world) = World::new() else { return };
    let minor = world.release.split_once('.').unwrap().1;
    world.has(&world.good().but(&format!("_minor = {minor}"), "_minor = 99"));
    let message = "was built for Wireshark 4.99, and this is X.Y, which takes only what was built \
        for X.Y; replace it with mirror-pcap plugin install";
    world.finds("wrong-minor", PLACE, message);
}

#[test]
fn wrong_machine() {
    let Some(world) = World::new() else { return };
    let mut bytes = world.compiled(&world.good());
    // What the ELF header says of the machine: 183 is AArch64, 62 is x86-64.
    let other = if cfg!(target_arch = "aarch64") { 62_u16 } else { 183 };
    bytes[18..20].copy_from_slice(&other.to_ne_bytes());
    world.write(&format!("{}/vpcmirror.so", world.place()), bytes);
    let findings = world.findings();
    assert_eq!(findings.len(), 1, "{findings:?}");
    let (code, place, message) = &findings[0];
    assert_eq!((code.as_str(), place.as_str()), ("wrong-machine", PLACE));
    assert!(message.starts_with("was compiled for "), "{message}");
    assert!(message.ends_with("; replace it with mirror-pcap plugin install"), "{message}");
}

#[test]
fn wrong_folder() {
    let Some(world) = World::new() else { return };
    let bytes = world.compiled(&world.good());
    let release = &world.release;
    for folder in [
        &format!("home/.local/lib/wireshark/plugins/{release}"),
        "home/.local/lib/wireshark/plugins",
        "home/.local/lib/wireshark/plugins/epan",
        "home/.local/lib/wireshark/plugins/9.9/epan",
        "home/.config/wireshark/plugins",
        "home/.wireshark/plugins",
    ] {
        let path = world.write(&format!("{folder}/vpcmirror.so"), &bytes);
        world.finds(
            "wrong-folder",
            &world.tidy(path.to_str().unwrap()),
            "Wireshark does not look there; mirror-pcap plugin install puts it into \
             ~/home/.local/lib/wireshark/plugins/X.Y/epan",
        );
        fs::remove_file(path).unwrap();
    }
    // One of another release in the folder of that release is as it should be, but no help.
    let minor = release.split_once('.').unwrap().1;
    let other = world.compiled(&world.good().but(&format!("_minor = {minor}"), "_minor = 99"));
    world.write("home/.local/lib/wireshark/plugins/4.99/epan/vpcmirror.so", other);
    assert_eq!(world.findings()[0].0, "not-installed");
}

#[test]
fn crash_on_load() {
    let Some(world) = World::new() else { return };
    world.has(&world.good().with(CRASHES));
    let message =
        "crashes when it is loaded (signal 6); replace it with mirror-pcap plugin install";
    world.finds("crashes", PLACE, message);
    // Install helps, even though tshark cannot say anything at the moment.
    world.write("plugin.so", world.compiled(&world.good()));
    world.plugin(&["install", "plugin.so"]).succeeds();
    assert_eq!(world.findings(), []);
}

#[test]
fn crash_when_it_registers() {
    let Some(world) = World::new() else { return };
    world.has(&world.good().but("epan_get_version(); }", "abort(); }"));
    let findings = world.findings();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!((findings[0].0.as_str(), findings[0].1.as_str()), ("not-loaded", PLACE));
    assert!(findings[0].2.starts_with("tshark crashed (signal 6)"), "{findings:?}");
    // What somebody else may have put there is not loaded to see.
    fs::set_permissions(world.path("home/.local"), fs::Permissions::from_mode(0o777)).unwrap();
    let codes: Vec<_> = world.findings().into_iter().map(|(code, ..)| code).collect();
    assert_eq!(codes, ["unsafe-folder"]);
}

/// Another plugin than ours takes tshark with it; that is told, too.
#[test]
fn crash_of_somebody_elses() {
    let Some(world) = World::new() else { return };
    let other = world.good().but("vpcmirror_plugin", "another").with(CRASHES);
    world.write(&format!("{}/another.so", world.place()), world.compiled(&other));
    let findings = world.findings();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].0, "tshark-fails");
}

#[test]
fn missing_symbols() {
    let Some(world) = World::new() else { return };
    world.has(&world.good().but("plugin_want_minor", "minor"));
    let message = "is no Wireshark plugin: it does not export plugin_want_minor; replace it with \
        mirror-pcap plugin install";
    world.finds("missing-symbols", PLACE, message);
    let missing = "void no_such_function(void); void f(void) { no_such_function(); }";
    world.has(&world.good().with(missing));
    let findings = world.findings();
    assert_eq!((findings.len(), findings[0].0.as_str()), (1, "not-loadable"), "{findings:?}");
    assert!(findings[0].2.contains("undefined symbol: no_such_function"), "{findings:?}");
}

#[test]
fn damaged_or_foreign_file() {
    let Some(world) = World::new() else { return };
    let bytes = world.compiled(&world.good());
    let path = world.has(&world.good());
    fs::write(&path, &bytes[..1000]).unwrap();
    assert_eq!(world.findings()[0].0, "no-library");
    fs::write(&path, "").unwrap();
    let message = "is no ELF file, expected a shared library; replace it with mirror-pcap plugin \
        install";
    world.finds("no-library", PLACE, message);
    world.has(&world.good().but("vpcmirror_plugin", "another"));
    let message = "is another Wireshark plugin, expected VPC Traffic Mirroring (vpcmirror_plugin); \
        move it away";
    world.finds("not-ours", PLACE, message);
}

#[test]
fn unreadable() {
    let Some(world) = World::new() else { return };
    let path = world.has(&world.good());
    let folder = path.parent().unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let message = "cannot be read: Permission denied; chmod a+r";
    world.finds("unreadable", PLACE, message);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o000)).unwrap();
    let message = "cannot be read: Permission denied";
    world.finds("unreadable", PLACE.strip_suffix("/vpcmirror.so").unwrap(), message);
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(&path).unwrap();
    symlink("/nowhere/vpcmirror.so", &path).unwrap();
    assert_eq!(world.findings()[0].0, "unreadable");
}

#[test]
fn unsafe_folder() {
    let Some(world) = World::new() else { return };
    world.has(&world.good());
    fs::set_permissions(world.path("home/.local"), fs::Permissions::from_mode(0o777)).unwrap();
    let message =
        "~/home/.local can be written by everybody, so no plugin is safe there; chmod o-w";
    world.finds("unsafe-folder", "~/home/.local", message);
    fs::set_permissions(world.path("home/.local"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn unsafe_file() {
    let Some(world) = World::new() else { return };
    let mark = world.folder("marks").join("mark");
    let path = world.has(&world.good().with(&marks(&mark)));
    assert_eq!(world.findings(), []);
    fs::remove_file(&mark).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    let message =
        format!("{PLACE} can be written by everybody, so no plugin is safe there; chmod o-w");
    world.finds("unsafe-file", PLACE, &message);
    assert!(!mark.exists(), "it was loaded all the same");
}

/// tshark that answers some questions only.
#[test]
fn a_tshark_that_does_not_name_its_folders() {
    let Some(world) = World::new() else { return };
    let script = format!(
        "#!/bin/sh\ncase $2 in folders) echo 'out of \u{fe0f}luck' >&2; exit 3 ;; \
         *) echo 'TShark (Wireshark) {}' ;; esac\n",
        world.version
    );
    world.script("tshark", &script);
    let said = "./tshark: asked for its folders, tshark failed (exit status: 3) and said: out of \
        \\u{fe0f}luck";
    world.fails(&["uninstall", "--tshark", "./tshark"], 2, said);
    let seen = world.plugin(&["doctor", "--tshark", "./tshark"]).fails_with(1);
    let text = String::from_utf8(seen.stdout).unwrap();
    assert_eq!(text, format!("1 thing is wrong\n  tshark-fails: {said}\n"));
}

#[test]
fn two_of_them() {
    let Some(mut world) = World::new() else { return };
    let bytes = world.compiled(&world.good());
    // Nor is the second loaded here.
    let mark = world.folder("marks").join("mark");
    world.has(&world.good().with(&marks(&mark)));
    let global = world.folder("global");
    world.variables.push(("WIRESHARK_PLUGIN_DIR".into(), global.to_str().unwrap().into()));
    world.write(&format!("global/{}/epan/vpcmirror.so", world.release), &bytes);
    let message = "is there beside ~/global/X.Y/epan/vpcmirror.so, and Wireshark loads only \
        one of the two; remove one";
    world.finds("duplicate", PLACE, message);
    assert!(!mark.exists());
    // For people, the same.
    let seen = world.plugin(&["doctor"]).fails_with(1).stderr("");
    let text = world.tidy(&String::from_utf8(seen.stdout).unwrap());
    let end = format!("1 thing is wrong\n  duplicate: {PLACE}: {message}\n");
    assert!(text.ends_with(&end), "{text}");
    // Under two names both are loaded.
    fs::remove_file(world.installed()).unwrap();
    let copy = world.write(&format!("{}/vpcmirror-old.so", world.place()), &bytes);
    let message = "is there beside ~/global/X.Y/epan/vpcmirror.so, and Wireshark ends when both \
        register the same protocol; remove one";
    world.finds("duplicate", &world.tidy(copy.to_str().unwrap()), message);
}

#[test]
fn disabled_protocol() {
    let Some(world) = World::new() else { return };
    world.has(&world.good());
    let message = "the protocol is disabled; in Wireshark, Analyze > Enabled Protocols";
    for folder in ["home/.config/wireshark", "home/.config/wireshark/profiles/mine"] {
        let path = world.write(&format!("{folder}/disabled_protos"), "# disabled\nvpcmirror2\n");
        assert_eq!(world.findings(), []);
        fs::write(&path, "# disabled\nvxlan\nvpcmirror\n").unwrap();
        world.finds("disabled", &world.tidy(path.to_str().unwrap()), message);
        fs::remove_file(path).unwrap();
    }
}

/// It takes the place of the folder for all users, which is out of reach of a test: so there is
/// none here but what it names.
#[test]
fn the_variable_names_another_folder() {
    let Some(mut world) = World::new() else { return };
    let folder = world.folder("elsewhere");
    world.variables.push(("WIRESHARK_PLUGIN_DIR".into(), folder.to_str().unwrap().into()));
    assert_eq!(world.findings()[0].0, "not-installed");
    let bytes = world.compiled(&world.good());
    let path = world.write(&format!("elsewhere/{}/epan/vpcmirror.so", world.release), bytes);
    assert_eq!(world.findings(), []);
    if !is_root() {
        return not_root();
    }
    world.as_root = true;
    let message = "WIRESHARK_PLUGIN_DIR names its folder, and Wireshark ignores that when root runs \
        it; run it as an ordinary user, or install with --system";
    world.finds("plugin-dir", &world.tidy(path.to_str().unwrap()), message);
}

#[test]
fn running_as_root() {
    let Some(mut world) = World::new() else { return };
    if !is_root() {
        return not_root();
    }
    world.as_root = true;
    let path = world.has(&world.good());
    for path in path.ancestors().take_while(|path| *path != world.scratch.folder()) {
        std::os::unix::fs::chown(path, Some(0), Some(0)).unwrap();
    }
    let message = "Wireshark ignores the plugins of a user when root runs it; run it as an ordinary \
        user, or install with --system";
    world.finds("root", PLACE, message);
}

#[test]
fn sessions_file_with_a_mistake() {
    let Some(world) = World::new() else { return };
    world.has(&world.good());
    let text = r#"{"schema": "mirror-pcap/sessions/1", "sessions": [{"vni": "7\u001b"}]}"#;
    world.write("home/.config/wireshark/vpcmirror_sessions.json", text);
    let findings = world.findings();
    assert_eq!((findings.len(), findings[0].0.as_str()), (1, "sessions-file"), "{findings:?}");
    assert!(findings[0].2.contains("/sessions/0/vni"), "{findings:?}");
}

/// Names that a terminal would obey reach it escaped.
#[test]
fn nothing_is_printed_unescaped() {
    let Some(mut world) = World::new() else { return };
    let folder = world.folder("a\u{1b}[31mb");
    world.variables.push(("WIRESHARK_PLUGIN_DIR".into(), folder.to_str().unwrap().into()));
    let name = format!("a\u{1b}[31mb/{}/epan/vpcmirror.so", world.release);
    let plugin = world.good().but("\"0.1.0\"", "\"1\\x1b[2J\"");
    world.write(&name, world.compiled(&plugin));
    let seen = world.plugin(&["doctor"]).succeeds();
    assert!(!seen.stdout.contains(&0x1B), "{}", String::from_utf8_lossy(&seen.stdout));
}

/// Every field that docs/json.md describes is printed, and no other.
#[test]
fn the_json_is_as_described() {
    let Some(mut world) = World::new() else { return };
    let mut printed = BTreeMap::new();
    let mut take = |world: &World| {
        let seen = world.plugin(&["doctor", "--format", "json"]).ends();
        let json: Value = serde_json::from_slice(&seen.stdout).unwrap();
        assert_eq!(json["schema"], "mirror-pcap/doctor/1");
        crate::docs::json::walk(&json, "", &mut printed);
    };
    world.has(&world.good());
    world.write("home/.config/wireshark/vpcmirror_sessions.json", "{");
    take(&world);
    world.write(
        "home/.config/wireshark/vpcmirror_sessions.json",
        r#"{"schema": "mirror-pcap/sessions/1", "sessions": []}"#,
    );
    take(&world);
    fs::remove_file(Path::new(&world.path("home/.config/wireshark/vpcmirror_sessions.json")))
        .unwrap();
    let empty = world.path("empty").to_str().unwrap().to_owned();
    world.variables.push(("PATH".into(), empty));
    take(&world);
    crate::docs::json::are_as_described(&printed, "mirror-pcap/doctor/1");
}

/// What is found is explained, and what is explained has been found: above, on purpose.
#[test]
fn the_readme_has_each_finding_and_each_is_made_here() {
    let readme = include_str!("../../../../../README.md");
    let (_, table) = readme.split_once("| Finding | Meaning |\n|---|---|\n").unwrap();
    let codes: Vec<_> = table
        .lines()
        .map_while(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0))
        .collect();
    assert!(codes.len() > 10, "{codes:?}");
    let sources = [
        include_str!("../../../src/plugin/candidate.rs"),
        include_str!("../../../src/plugin/doctor/look.rs"),
    ];
    let (tests, _) = include_str!("doctor.rs").split_once("fn the_readme_has").unwrap();
    for code in &codes {
        let word = format!("\"{code}\"");
        assert!(tests.contains(&word), "{code} is not made on purpose");
        assert!(sources.iter().any(|source| source.contains(&word)), "{code} is never found");
    }
    // A code is the only word in quotes that has a hyphen, or stands behind an arrow or `add(`.
    let quoted = sources.iter().flat_map(|source| source.split('"').skip(1).step_by(2));
    let is_code = |text: &&str| {
        text.contains('-') && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    };
    for code in quoted.filter(is_code) {
        assert!(codes.contains(&code), "{code} is not in the README");
    }
}
