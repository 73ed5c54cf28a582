//! Plugins that a compiler makes on the spot, read as data.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests may fail loudly"
)]

use std::{fs, path::Path, process::Command, sync::OnceLock};

use plugin_probe::{Host, NotAPlugin, Release, Symbols};
use proptest::prelude::*;

const PLUGIN: &str = "
    const char plugin_version[] = \"0.1.0\";
    const int plugin_want_major = 4;
    const int plugin_want_minor = 17;
    void plugin_register(void) {}
";

/// What the compiler makes of `source`, with these options.
fn compiled(source: &str, options: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in.c"), folder.path().join("out"));
    fs::write(&input, source).unwrap();
    let mut command = Command::new("cc");
    let made = command.arg("-o").args([&output, &input]).args(options).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    fs::read(output).unwrap()
}

fn library(source: &str) -> Vec<u8> {
    compiled(source, &["-shared", "-fPIC"])
}

fn marked(marker: &str) -> Vec<u8> {
    library(&format!("{PLUGIN} const char vpcmirror_plugin[] = \"{marker}\";"))
}

#[test]
fn version_and_release_are_read_without_loading() {
    // Whoever loads this one dies.
    let source = format!(
        "{PLUGIN} void abort(void);
         __attribute__((constructor)) static void at_once(void) {{ abort(); }}"
    );
    let symbols = Symbols::read(&library(&source)).unwrap();
    assert_eq!(symbols.version, "0.1.0");
    assert_eq!(symbols.wants, Release { major: 4, minor: 17 });
    assert_eq!(symbols.wants.to_string(), "4.17");
    assert!(!symbols.is_ours);
}

#[test]
fn only_the_marker_makes_a_plugin_ours() {
    assert!(Symbols::read(&marked("vpcmirror 0.1.0")).unwrap().is_ours);
    assert!(!Symbols::read(&marked("vpcmirrors 0.1.0")).unwrap().is_ours);
    assert!(!Symbols::read(&marked("")).unwrap().is_ours);
    assert!(!Symbols::read(&library(PLUGIN)).unwrap().is_ours);
}

/// Writable data and a stripped file are read as well.
#[test]
fn how_it_was_compiled_does_not_matter() {
    let source = PLUGIN.replace("const ", "");
    for options in [&["-shared", "-fPIC", "-s"][..], &["-shared", "-fPIC", "-O2", "-g"]] {
        for source in [PLUGIN, &source] {
            let symbols = Symbols::read(&compiled(source, options)).unwrap();
            assert_eq!((symbols.version.as_str(), symbols.wants.minor), ("0.1.0", 17));
        }
    }
}

/// A zero that may be written to has no bytes in the file, and 4.0 has one.
#[test]
fn a_minor_of_zero_is_read_wherever_it_lies() {
    for number in ["const int plugin_want_minor = 0;", "int plugin_want_minor = 0;"] {
        let source = PLUGIN.replace("const int plugin_want_minor = 17;", number);
        let symbols = Symbols::read(&library(&source)).unwrap();
        assert_eq!(symbols.wants.to_string(), "4.0", "{number}");
    }
}

#[test]
fn all_missing_symbols_are_told_at_once() {
    let source = "extern const int plugin_want_minor; void plugin_register(void);
        const int *used(void) { plugin_register(); return &plugin_want_minor; }
        static const int plugin_want_major = 4; const int *also(void) { return &plugin_want_major; }
        const char plugin_version[] = \"1\";";
    // Those that it wants of others, and those that it keeps to itself, it does not have.
    let error = Symbols::read(&library(source)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "is no Wireshark plugin: it does not export plugin_want_major, plugin_want_minor, \
         plugin_register"
    );
}

#[test]
fn values_that_are_none_are_refused() {
    for (from, to, name) in [
        ("= 4;", "= -4;", "plugin_want_major"),
        ("\"0.1.0\"", "{0xFF, 0xFE, 0}", "plugin_version"),
        ("\"0.1.0\"", "{[0 ... 999] = 'a'}", "plugin_version"),
    ] {
        let source = PLUGIN.replacen(from, to, 1);
        assert_ne!(source, PLUGIN);
        assert_eq!(Symbols::read(&library(&source)), Err(NotAPlugin::BadValue(name)), "{to}");
    }
}

#[test]
fn what_is_no_library_is_told_as_such() {
    let says = |bytes: &[u8]| Symbols::read(bytes).unwrap_err().to_string();
    assert_eq!(says(b""), "is no ELF file, expected a shared library");
    assert_eq!(says(b"MZ\x90\0"), "is no ELF file, expected a shared library");
    assert!(says(b"\x7fELF").starts_with("is a damaged ELF file: "));
    let object = compiled(PLUGIN, &["-c"]);
    assert_eq!(says(&object), "is an ELF file but no shared library, expected one");
}

/// Each program names the libwireshark that it is linked with, and where it wants it looked for.
#[test]
fn the_host_is_the_library_that_the_program_names() {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("libwireshark.so");
    fs::write(folder.path().join("l.c"), "int a;").unwrap();
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-Wl,-soname,libwireshark.so.99", "-o"]).arg(&library);
    assert!(cc.arg(folder.path().join("l.c")).status().unwrap().success());
    let main = "extern int a; int main(void) { return a; }";
    let (path, library) = (Path::new("/opt/ws/bin/tshark"), library.to_str().unwrap());
    let host = |options: &[&str]| {
        let options: Vec<_> = [&["-Wl,--no-as-needed", library], options].concat();
        Host::read(path, &compiled(main, &options)).unwrap()
    };
    assert_eq!(host(&[]).libraries, [Path::new("libwireshark.so.99")]);
    let with_folders = host(&["-Wl,-rpath,$ORIGIN/../lib:/usr/local/lib"]);
    assert_eq!(
        with_folders.libraries,
        ["/opt/ws/bin/../lib/libwireshark.so.99", "/usr/local/lib/libwireshark.so.99"]
            .into_iter()
            .chain(["libwireshark.so.99"])
            .map(Path::new)
            .collect::<Vec<_>>()
    );
    assert_eq!(with_folders.machine, Symbols::read(&marked("")).unwrap().machine);
    let other = compiled("int main(void) { return 0; }", &[]);
    assert!(Host::read(path, &other).unwrap().libraries.is_empty());
    assert_eq!(Host::read(path, b"#!/bin/sh\n"), Err(NotAPlugin::NotElf));
}

proptest! {
    /// Damaged files give an error or some symbols; they never take long, and nothing panics.
    #[test]
    fn damaged_files_are_read_or_refused(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
        end in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        static SOUND: OnceLock<Vec<u8>> = OnceLock::new();
        let mut bytes = SOUND.get_or_init(|| marked("vpcmirror 0.1.0")).clone();
        for (at, byte) in damage {
            // Mostly where the tables are.
            let at = at.index(if byte % 2 == 0 { 0x400 } else { bytes.len() });
            bytes[at] = byte;
        }
        if is_cut {
            bytes.truncate(end.index(bytes.len()));
        }
        let _ = Symbols::read(&bytes);
        let _ = Host::read(Path::new("/bin/tshark"), &bytes);
    }
}
