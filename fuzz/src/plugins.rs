//! Files that somebody gives to be installed as a plugin.

use std::path::Path;

use plugin_probe::{Host, Symbols};

/// Whatever the file is, it is a plugin whose texts can be shown on a line, or is refused.
pub fn plugin(data: &[u8]) {
    match Symbols::read(data) {
        Ok(symbols) => assert!(symbols.version.len() < 64, "{}", symbols.version.len()),
        Err(problem) => assert!(!problem.to_string().contains('\n'), "{problem}"),
    }
    if let Ok(host) = Host::read(Path::new("/opt/bin/tshark"), data) {
        assert!(host.libraries.iter().all(|path| !path.as_os_str().is_empty()));
    }
}
