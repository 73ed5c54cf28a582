// SPDX-License-Identifier: GPL-2.0-or-later
//! Builds against the headers of one Wireshark, which the plugin is then for.
//!
//! A plugin is bound to a minor version (4.0, 4.4): structures change from one to the next. So no
//! structure, constant or version number of Wireshark is written down here; bindgen reads them from
//! the headers, and the C half includes them.
//!
//! `WIRESHARK_INCLUDE_DIR` names the folder that has `wireshark.h`; without it pkg-config is asked.

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};

/// The C half; headers are listed to be watched.
const SOURCES: [&str; 3] = ["src/dissect.c", "src/preferences.c", "src/statistics.c"];
const HEADERS: [&str; 2] = ["src/wireshark.h", "src/shim.h"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=WIRESHARK_INCLUDE_DIR");
    for file in SOURCES.iter().chain(&HEADERS) {
        println!("cargo::rerun-if-changed={file}");
    }
    let include = include_paths()?;
    watch(&include);
    bindings(&include)?;
    shim(&include);
    Ok(())
}

/// So that another Wireshark in the place of the one before is noticed: between releases of a series
/// structures have changed before.
fn watch(folders: &[PathBuf]) {
    let version = folders.iter().map(|folder| folder.join("ws_version.h"));
    for file in version.filter(|file| file.is_file()) {
        println!("cargo::rerun-if-changed={}", file.display());
    }
}

/// Where the headers of Wireshark are, and those of GLib, which they include.
fn include_paths() -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let probe = |library| {
        // No `-lwireshark`: the functions are in the process that loads the plugin.
        pkg_config::Config::new().cargo_metadata(false).probe(library)
    };
    let Some(folder) = env::var_os("WIRESHARK_INCLUDE_DIR") else {
        return Ok(probe("wireshark")?.include_paths);
    };
    let folder = PathBuf::from(folder);
    if !folder.join("wireshark.h").is_file() {
        return Err(
            format!("no wireshark.h in {} (WIRESHARK_INCLUDE_DIR)", folder.display()).into()
        );
    }
    let mut paths = vec![folder];
    paths.extend(probe("glib-2.0")?.include_paths);
    Ok(paths)
}

/// What Rust needs to know: the structures of registration, and `shim.h`.
fn bindings(include: &[PathBuf]) -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    bindgen::Builder::default()
        .header("src/wireshark.h")
        .header("src/shim.h")
        .clang_args(hooks().then_some("-DVPCMIRROR_TEST_HOOKS"))
        .clang_args(include.iter().map(|path| format!("-isystem{}", path.display())))
        .allowlist_function("proto_register_(plugin|protocol|field_array|subtree_array)")
        .allowlist_function("create_dissector_handle|register_(postdissector|tap|init_routine)")
        .allowlist_function("expert_register_(protocol|field_array)|stats_tree_register_plugin")
        .allowlist_function("prefs_register_protocol|vpcmirror_.*")
        .blocklist_function("vpcmirror_rs_.*") // defined in Rust
        .allowlist_type("hf_register_info|ei_register_info|proto_plugin|field_display_e|ftenum")
        .allowlist_type("vpcmirror_.*")
        .allowlist_var("WIRESHARK_VERSION_(MAJOR|MINOR)|PI_(NOTE|CHAT|COMMENTS_GROUP|UNDECODED)")
        .allowlist_var("PI_PROTOCOL|VPCMIRROR_.*|vpcmirror_.*")
        .opaque_type("_?packet_info|tvbuff|epan_dissect|_GPtrArray")
        .prepend_enum_name(false)
        .generate_comments(false)
        .generate()?
        .write_to_file(out.join("wireshark.rs"))?;
    Ok(())
}

fn shim(include: &[PathBuf]) {
    let mut build = cc::Build::new();
    for path in include {
        // As system headers: their warnings are none of ours.
        build.flag(format!("-isystem{}", path.display()));
    }
    if hooks() {
        build.define("VPCMIRROR_TEST_HOOKS", None);
    }
    build
        .files(SOURCES.map(Path::new))
        .std("c11")
        .flag_if_supported("-fvisibility=hidden")
        .extra_warnings(true)
        .warnings_into_errors(env::var_os("CI").is_some())
        .compile("vpcmirror_shim");
}

/// Whether the plugin is built to be tested.
fn hooks() -> bool {
    env::var_os("CARGO_FEATURE_TEST_HOOKS").is_some()
}
