//! Writes down which characters hide, as ranges for `src/text.rs`.
//!
//! Unicode knows, and regex-syntax has its tables and the language in which to ask them. That is
//! done here and not at run time, so that the plugin carries twenty ranges instead of a parser of
//! regular expressions and every property there is.

use std::{env, error::Error, fmt::Write, fs, path::Path};

use regex_syntax::hir::{Class, HirKind};

/// What is not to be seen or moves what is, the space itself aside.
///
/// Controls obey nobody's rules but the terminal's. What Unicode would have ignored where it can't
/// be displayed is shown by most as nothing at all. White space of another kind than the space
/// passes for it. Of the format characters those that stand before numbers are visible. The rest
/// has no property that says so, but a blank for its picture: Braille without dots, a note without
/// head, the filler of Khitan, and two blanks of the hieroglyphs.
const HIDDEN: &str = r"[
    [
        \p{Cc} \p{Default_Ignorable_Code_Point} \p{White_Space} \p{Cf}
        \x{2800} \x{1D159} \x{16FE4} \x{13441}-\x{13442}
    ]
    -- [ \x20 \p{Prepended_Concatenation_Mark} ]
]";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let pattern = format!("(?x){HIDDEN}");
    let HirKind::Class(Class::Unicode(hidden)) = regex_syntax::parse(&pattern)?.into_kind() else {
        return Err("the pattern is no class of characters".into());
    };
    let mut ranges = String::from("&[\n");
    for range in hidden.ranges() {
        let (first, last) = (range.start().escape_unicode(), range.end().escape_unicode());
        writeln!(ranges, "    ('{first}', '{last}'),")?;
    }
    ranges += "]\n";
    fs::write(Path::new(&env::var("OUT_DIR")?).join("hidden.rs"), ranges)?;
    Ok(())
}
