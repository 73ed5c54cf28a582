//! Loading a plugin, in a process of its own.
//!
//! `dlopen` runs the constructors of what it opens, in this process, with all its rights and
//! memory. There is no way to make that harmless, so it is made far away: the child does nothing
//! before it and little after it, holds no file of anybody, leaves no core behind, and tells its
//! parent one line. A child that crashes has told how it ended too.

use std::{
    ffi::{CStr, OsStr, OsString, c_char, c_int},
    fmt,
    io::{self, Read, Write},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_LOCAL, RTLD_NOW};
use rustix::process::{Resource, Rlimit, setrlimit};

/// What the child's line begins with. Constructors may print, too.
const HEAD: &str = "plugin-probe: ";

/// More than this is not read of what a child says.
const MAX_SAID: u64 = 1 << 16;

/// How loading a plugin went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was loaded, and has this `plugin_version`.
    Loaded(String),
    /// The system's loader refused it, with this message: a symbol that libwireshark does not
    /// have, for example.
    Refused(String),
    /// libwireshark itself could not be loaded, so nothing is known of the plugin.
    NoHost(String),
    /// It ended the process that loaded it.
    Crashed(ExitStatus),
    /// It was not done after this time.
    Hung(Duration),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Loaded(_) => f.write_str("can be loaded"),
            Outcome::Refused(message) => write!(f, "cannot be loaded: {message}"),
            Outcome::NoHost(message) => write!(f, "libwireshark cannot be loaded: {message}"),
            Outcome::Crashed(status) => match status.signal() {
                Some(signal) => write!(f, "crashes when it is loaded (signal {signal})"),
                None => write!(f, "ends the program that loads it ({status})"),
            },
            Outcome::Hung(time) => {
                write!(f, "is not loaded after {} seconds", time.as_secs())
            }
        }
    }
}

/// Load the plugin in a child process: `command`, to which the arguments of [`child`] are added.
///
/// # Errors
///
/// If there can be no child.
pub fn try_loading(
    mut command: Command,
    libraries: &[PathBuf],
    plugin: &Path,
    patience: Duration,
) -> io::Result<Outcome> {
    command.arg(plugin).args(libraries);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    let pipe = child.stdout.take();
    // A grandchild may hold the pipe open for ever: only what is there at the end counts.
    let (send, said) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.map(|pipe| pipe.take(MAX_SAID).read_to_end(&mut bytes));
        let _ = send.send(bytes);
    });
    let Some(status) = wait(&mut child, patience)? else { return Ok(Outcome::Hung(patience)) };
    let said = said.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let line = said.lines().rev().find_map(|line| line.strip_prefix(HEAD));
    let Some((word, rest)) = line.and_then(|line| line.split_once(' ')) else {
        return Ok(Outcome::Crashed(status));
    };
    // The loader begins with the name of the file, which the caller knows better: it may be that
    // of a temporary.
    let file = format!("{}: ", plugin.display());
    let rest = rest.strip_prefix(&file).unwrap_or(rest);
    Ok(match word {
        // What crashes on the way out crashes Wireshark too.
        "loaded" if status.success() => Outcome::Loaded(rest.to_owned()),
        "refused" => Outcome::Refused(rest.to_owned()),
        "no-host" => Outcome::NoHost(rest.to_owned()),
        _ => Outcome::Crashed(status),
    })
}

/// Wait for the end of `child`, and end it after `patience`.
fn wait(child: &mut Child, patience: Duration) -> io::Result<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() > patience {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// The child: load `plugin`, into one of `libraries`, and say how it went.
///
/// Foreign code runs here. Call it in a process that was made for it, and let nothing follow;
/// [`try_loading`] makes one.
///
/// # Errors
///
/// If nobody listens.
pub fn child(plugin: &Path, libraries: &[PathBuf]) -> io::Result<()> {
    // Nobody wants the core of somebody else's crash.
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = setrlimit(Resource::Core, none);
    let (word, rest) = match load(plugin, libraries) {
        Ok(version) => ("loaded", version),
        Err(Unloaded::Plugin(message)) => ("refused", message),
        Err(Unloaded::Host(message)) => ("no-host", message),
    };
    let rest = rest.replace(['\n', '\r'], " ");
    writeln!(io::stdout(), "\n{HEAD}{word} {rest}")
}

/// What could not be loaded, and what the system's loader said.
enum Unloaded {
    Host(String),
    Plugin(String),
}

/// Load libwireshark and then the plugin, which gives its version.
fn load(plugin: &Path, libraries: &[PathBuf]) -> Result<String, Unloaded> {
    let mut host = Err("no library to load it into was named".to_owned());
    for library in libraries {
        // SAFETY: libwireshark and what it needs have constructors that set up their own state,
        // and this process has nothing that they could disturb.
        let opened = unsafe { Library::open(Some(library), RTLD_NOW | RTLD_GLOBAL) };
        host = opened.map_err(|error| what_was_said(&error));
        if host.is_ok() {
            break;
        }
    }
    let host = host.map_err(Unloaded::Host)?;
    // A bare name would be looked for among the system's libraries.
    let name: OsString = if plugin.components().count() == 1 {
        Path::new(".").join(plugin).into_os_string()
    } else {
        plugin.as_os_str().to_owned()
    };
    let version = read(&name).map_err(|error| Unloaded::Plugin(what_was_said(&error)));
    // What was loaded stays until the end of the process: unloading is one more thing that may
    // go wrong, and Wireshark does not do it either.
    std::mem::forget(host);
    version
}

/// What the system's loader said; the error itself only says that there is something.
fn what_was_said(error: &libloading::Error) -> String {
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), ToString::to_string)
}

/// Load the plugin as Wireshark does, and read what it says of itself.
fn read(plugin: &OsStr) -> Result<String, libloading::Error> {
    // SAFETY: none can be given for foreign constructors; whatever they do ends with this process,
    // which was made for that and holds nothing of value.
    let library = unsafe { Library::open(Some(plugin), RTLD_NOW | RTLD_LOCAL)? };
    // SAFETY: no symbol is used as anything but its address, and `plugin_register` isn't called.
    unsafe {
        for name in [&b"plugin_want_major\0"[..], b"plugin_want_minor\0"] {
            library.get::<*const c_int>(name)?;
        }
        library.get::<unsafe extern "C" fn()>(b"plugin_register\0")?;
    }
    // SAFETY: `Symbols::read` has found it to be bytes that end with NUL. Were it otherwise, a crash
    // would be the truth about the plugin.
    let version = unsafe {
        let version = library.get::<*const c_char>(b"plugin_version\0")?;
        CStr::from_ptr(*version).to_string_lossy().into_owned()
    };
    std::mem::forget(library);
    Ok(version)
}
