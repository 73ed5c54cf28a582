//! Writes the captures of `testdata/` and their text pictures, or checks them.
#![forbid(unsafe_code)]

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use mirror_testkit::cases;

const USAGE: &str = "\
Write the captures of testdata/ and their text pictures

Usage: make-testdata DIR [--check]

  DIR      the folder testdata/; READMEs in it are left alone
  --check  write nothing, compare, and name every difference

Exit status: 0 done, or no difference; 1 differences; 2 usage, or DIR can't be written
";

fn main() -> ExitCode {
    let mut check = false;
    let mut folder = None;
    for argument in std::env::args_os().skip(1) {
        if argument == "--check" {
            check = true;
        } else if folder.is_none() && !argument.to_string_lossy().starts_with('-') {
            folder = Some(PathBuf::from(argument));
        } else {
            return say(USAGE, 2);
        }
    }
    let Some(folder) = folder else {
        return say(USAGE, 2);
    };
    if check {
        let found = cases::differences(&folder);
        let code = u8::from(!found.is_empty());
        return say(&found.iter().map(|line| format!("{line}\n")).collect::<String>(), code);
    }
    match cases::write(&folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => say(&format!("make-testdata: {}: {error}\n", folder.display()), 2),
    }
}

fn say(text: &str, code: u8) -> ExitCode {
    // If stderr is closed there is nobody to tell.
    let _ = std::io::stderr().write_all(text.as_bytes());
    ExitCode::from(code)
}
