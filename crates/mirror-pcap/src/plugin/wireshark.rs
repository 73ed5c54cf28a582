//! The Wireshark that is there, as its tshark describes it.
//!
//! tshark loads its plugins before it does anything, even before it prints its version. So one that
//! crashes takes with it the very answers by which it could be found. When that happens tshark is
//! asked again in a way that keeps plugins from it, and remembered to have crashed.

use std::{
    env,
    ffi::{OsStr, OsString},
    fmt, fs,
    io::{self, Read},
    os::unix::{ffi::OsStringExt, fs::PermissionsExt, process::CommandExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use plugin_probe::{Host, Release};

use super::folder::{self, Unsafe};
use crate::failure::{printable, words};

/// No tshark takes this long to start, one that registers all its fields on a slow disk included.
const PATIENCE: Duration = Duration::from_secs(60);

/// More than this is not read of what tshark says.
const MAX_SAID: u64 = 16 << 20;

/// The user and group of nobody in particular.
const NOBODY: u32 = 65534;

/// The Wireshark that is there.
pub(super) struct Wireshark {
    /// Its tshark.
    pub(super) program: PathBuf,
    /// `4.0.17`.
    pub(super) version: String,
    pub(super) release: Release,
    /// What a plugin is loaded into; nothing if tshark is a script around the program.
    pub(super) host: Option<Host>,
    pub(super) folders: Folders,
    /// How tshark ends when it loads the plugins that are there, if it crashes.
    pub(super) crash: Option<ExitStatus>,
    trust: Trust,
}

/// Whose plugins tshark may load when it is asked.
struct Trust {
    without: Without,
    /// Why not everything.
    problem: Option<Unsafe>,
}

/// Where it looks for things.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Folders {
    /// Of the user's preferences and profiles.
    pub(super) configuration: PathBuf,
    /// Of what every user gets.
    pub(super) global_configuration: PathBuf,
    /// Of the user's plugins for this release, and of those that every user gets. Dissectors lie in
    /// `epan` below.
    pub(super) plugins: PathBuf,
    pub(super) global_plugins: PathBuf,
}

/// Why nothing is known of any Wireshark.
#[derive(Debug)]
pub(super) enum NoWireshark {
    NotInPath,
    NotAProgram(PathBuf),
    Unsafe(Unsafe),
    Failed(PathBuf, String),
}

impl fmt::Display for NoWireshark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoWireshark::NotInPath => f.write_str(
                "no tshark in PATH, which Wireshark is asked through; install it, or name it with \
                 --tshark",
            ),
            NoWireshark::NotAProgram(path) => {
                write!(f, "{} is no program that can be run, expected tshark", super::shown(path))
            }
            NoWireshark::Unsafe(problem) => write!(
                f,
                "tshark in PATH: {}, so root does not run it; name the one to run with --tshark",
                problem.fact()
            ),
            NoWireshark::Failed(path, problem) => {
                write!(f, "{}: {problem}", super::shown(path))
            }
        }
    }
}

impl std::error::Error for NoWireshark {}

/// What a run of tshark gave.
pub(super) struct Said {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: String,
}

/// What tshark is kept from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Without {
    Nothing,
    /// What the user has, plugins and scripts, but not what the system has.
    Personal,
    /// Any plugin.
    All,
}

impl Wireshark {
    /// Ask the tshark at `program`, or that of the PATH.
    pub(super) fn find(program: Option<&Path>) -> Result<Wireshark, NoWireshark> {
        let program = match program {
            Some(path) if !is_program(path) => {
                return Err(NoWireshark::NotAProgram(path.to_owned()));
            }
            Some(path) => path.to_owned(),
            None => {
                let path = in_path("tshark").ok_or(NoWireshark::NotInPath)?;
                // With the PATH of somebody else it may be a program of theirs.
                if super::is_privileged() {
                    folder::check_file(&path).map_err(NoWireshark::Unsafe)?;
                }
                path
            }
        };
        let failed = |problem: &str| NoWireshark::Failed(program.clone(), problem.to_owned());
        let ask = |without| {
            let said = run(&program, &["--version"], without);
            said.map_err(|error| failed(&words(&error)))
        };
        let trust = Trust::of_surroundings();
        let mut without = trust.without;
        let mut said = ask(without)?;
        let crash = (!said.status.success()).then_some(said.status);
        for less in [Without::Personal, Without::All] {
            if !said.status.success() && less > without {
                without = less;
                said = ask(without)?;
            }
        }
        if !said.status.success() {
            return Err(failed(&how_it_ended(&said)));
        }
        let text = String::from_utf8_lossy(&said.stdout);
        let (version, release) = text
            .lines()
            .next()
            .and_then(version)
            .ok_or_else(|| failed("does not say which version it is, expected tshark"))?;
        let said =
            run(&program, &["-G", "folders"], without).map_err(|error| failed(&words(&error)))?;
        if !said.status.success() {
            return Err(failed(&format!("asked for its folders, {}", how_it_ended(&said))));
        }
        let folders = Folders::read(&said.stdout)
            .map(|folders| folders.of_a_run_with_all_plugins(without, release))
            .ok_or_else(|| failed("does not say where it looks for plugins"))?;
        let bytes = program.canonicalize().and_then(|path| super::read(&path));
        let host = bytes.ok().and_then(|bytes| Host::read(&program, &bytes).ok());
        let host = host.filter(|host| !host.libraries.is_empty());
        Ok(Wireshark { program, version, release, host, folders, crash, trust })
    }

    /// Why the plugins of this user, or of all users, are not loaded when tshark is asked here,
    /// though Wireshark may load them.
    pub(super) fn untried(&self, is_system: bool) -> Option<&Unsafe> {
        let least = if is_system { Without::All } else { Without::Personal };
        self.trust.problem.as_ref().filter(|_| self.trust.without >= least)
    }

    /// The plugins that it has loaded, each with its path, and what it said while it did.
    pub(super) fn loaded(&self) -> io::Result<(Vec<PathBuf>, Said)> {
        let said = run(&self.program, &["-G", "plugins"], self.trust.without)?;
        let lines = said.stdout.split(|&byte| byte == b'\n');
        let paths = lines.filter_map(|line| line.split(|&byte| byte == b'\t').nth(3));
        let paths = paths.map(|path| PathBuf::from(OsString::from_vec(path.to_vec()))).collect();
        Ok((paths, said))
    }
}

impl Trust {
    /// tshark runs what it finds in the folders of a user: plugins, and scripts even for root. Where
    /// others can write there, as with the HOME of somebody else, it is asked without.
    fn of_surroundings() -> Trust {
        let named = env::var_os("WIRESHARK_PLUGIN_DIR").filter(|_| !super::is_privileged());
        let global = named.map_or(Ok(()), |named| folder::check_all(Path::new(&named)));
        if let Err(problem) = global {
            return Trust { without: Without::All, problem: Some(problem) };
        }
        // Programs of the one are run, and scripts in the other; for root tshark heeds neither.
        let elsewhere = ELSEWHERE.iter().filter(|_| !super::is_privileged());
        let elsewhere =
            elsewhere.filter_map(env::var_os).map(|named| folder::check_all(Path::new(&named)));
        let home = env::var_os("HOME").map(PathBuf::from);
        let below = |path: &str| home.as_deref().map(|home| home.join(path));
        let plugins =
            below(".local/lib/wireshark").into_iter().map(|path| folder::check_all(&path));
        let settings = [own_configuration(), below(".wireshark")].into_iter().flatten();
        let settings = settings.map(|path| {
            let script = path.join("init.lua");
            folder::check(&path)?;
            // To name its plugins, tshark runs each program in there.
            folder::check_all(&path.join("extcap"))?;
            if script.exists() { folder::check_file(&script) } else { Ok(()) }
        });
        match elsewhere.chain(plugins).chain(settings).find_map(Result::err) {
            None => Trust { without: Without::Nothing, problem: None },
            problem => Trust { without: Without::Personal, problem },
        }
    }
}

/// The variables that lead to the user's configuration, beside HOME.
const CONFIGURATION: [&str; 2] = ["WIRESHARK_CONFIG_DIR", "XDG_CONFIG_HOME"];

/// The variables that lead to more programs and scripts that tshark runs.
const ELSEWHERE: [&str; 2] = ["WIRESHARK_EXTCAP_DIR", "WIRESHARK_DATA_DIR"];

/// Where the user's configuration is, as the variables say.
fn own_configuration() -> Option<PathBuf> {
    let of = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let [named, general] = CONFIGURATION.map(of);
    let general = general.or_else(|| of("HOME").map(|home| home.join(".config")));
    named.or_else(|| general.map(|general| general.join("wireshark")))
}

impl Folders {
    /// Read what `tshark -G folders` prints.
    fn read(text: &[u8]) -> Option<Folders> {
        let lines: Vec<_> = text.split(|&byte| byte == b'\n').collect();
        let of = |title: &str| {
            let line = lines.iter().find_map(|line| line.strip_prefix(title.as_bytes()))?;
            let path = line.strip_prefix(b":")?.trim_ascii();
            path.starts_with(b"/").then(|| PathBuf::from(OsString::from_vec(path.to_vec())))
        };
        Some(Folders {
            configuration: of("Personal configuration")?,
            global_configuration: of("Global configuration")?,
            plugins: of("Personal Plugins")?,
            global_plugins: of("Global Plugins")?,
        })
    }

    /// Where the dissectors among the user's plugins lie.
    pub(super) fn personal(&self) -> PathBuf {
        self.plugins.join("epan")
    }

    /// Where the dissectors of all users lie.
    pub(super) fn global(&self) -> PathBuf {
        self.global_plugins.join("epan")
    }

    /// Undo what [`command`] has done to the environment.
    fn of_a_run_with_all_plugins(mut self, without: Without, release: Release) -> Folders {
        let home = env::var_os("HOME").map(PathBuf::from);
        let own = |path: PathBuf| match (&home, path.strip_prefix(NOWHERE)) {
            (Some(home), Ok(rest)) => home.join(rest),
            _ => path,
        };
        if without != Without::Nothing {
            self.plugins = own(self.plugins);
            self.configuration = own_configuration().unwrap_or(self.configuration);
        }
        if without == Without::All {
            let named = env::var_os("WIRESHARK_PLUGIN_DIR").filter(|_| !super::is_privileged());
            let folder = named.map(PathBuf::from).or_else(usual_plugins);
            if let Some(folder) = folder {
                self.global_plugins = folder.join(release.to_string());
            }
        }
        self
    }
}

/// A folder that is nowhere.
const NOWHERE: &str = "/nonexistent";

/// The folder for plugins that Wireshark has where distributions put it; tshark itself cannot be
/// asked when a plugin in there crashes it.
pub(super) fn usual_plugins() -> Option<PathBuf> {
    let multiarch = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let multiarch = multiarch.map(|entry| entry.path());
    let folders = multiarch.chain(["/usr/lib", "/usr/lib64", "/usr/local/lib"].map(PathBuf::from));
    folders.map(|folder| folder.join("wireshark/plugins")).find(|folder| folder.is_dir())
}

/// tshark, about to be run, with the user's surroundings but for what it is kept from.
fn command(program: &Path, without: Without) -> Command {
    let mut command = Command::new(program);
    // What it prints is read here.
    command.env("LC_ALL", "C.UTF-8");
    if without != Without::Nothing {
        command.env("HOME", NOWHERE);
        for name in CONFIGURATION.into_iter().chain(ELSEWHERE) {
            command.env_remove(name);
        }
    }
    if without == Without::All {
        command.env("WIRESHARK_PLUGIN_DIR", NOWHERE);
        if rustix::process::geteuid().is_root() {
            // It heeds that variable for ordinary users only, and root may become one.
            command.uid(NOBODY).gid(NOBODY);
        }
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Run tshark to its end, but not for ever.
fn run(program: &Path, args: &[&str], without: Without) -> io::Result<Said> {
    let mut child = command(program, without).args(args).spawn()?;
    let stdout = collect(child.stdout.take());
    let stderr = collect(child.stderr.take());
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if start.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            let seconds = PATIENCE.as_secs();
            return Err(io::Error::other(format!("has said nothing for {seconds} seconds")));
        }
        thread::sleep(Duration::from_millis(5));
    };
    // Something that it has started may hold the pipe open.
    let rest = |pipe: mpsc::Receiver<Vec<u8>>| {
        pipe.recv_timeout(Duration::from_secs(5)).unwrap_or_default()
    };
    let (stdout, stderr) = (rest(stdout), rest(stderr));
    Ok(Said { status, stdout, stderr: String::from_utf8_lossy(&stderr).into_owned() })
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.map(|pipe| pipe.take(MAX_SAID).read_to_end(&mut bytes));
        let _ = send.send(bytes);
    });
    receive
}

/// How a run of tshark ended that should have gone well, with the last that it said.
pub(super) fn how_it_ended(said: &Said) -> String {
    let ended = match said.status.signal() {
        Some(signal) => format!("tshark crashed (signal {signal})"),
        None => format!("tshark failed ({})", said.status),
    };
    match said.stderr.lines().rfind(|line| !line.trim().is_empty()) {
        Some(line) => format!("{ended} and said: {}", printable(line)),
        None => ended,
    }
}

/// The version in the line `TShark (Wireshark) 4.0.17 (Git v4.0.17 packaged as 4.0.17-0).`
fn version(line: &str) -> Option<(String, Release)> {
    let words = line.strip_prefix("TShark ")?.split(' ');
    words.map(|word| word.trim_end_matches('.')).find_map(|word| {
        let mut parts = word.split('.');
        let mut number = || parts.next().and_then(|part| part.parse().ok());
        let release = Release { major: number()?, minor: number()? };
        Some((printable(word), release))
    })
}

/// The program of this name that a shell would run.
fn in_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(OsStr::new(name)))
        .find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_first_number_with_a_dot() {
        for (line, want) in [
            ("TShark (Wireshark) 4.0.17 (Git v4.0.17 packaged as 4.0.17-0+deb12u3).", "4.0"),
            ("TShark (Wireshark) 4.6.9.", "4.6"),
            ("TShark (Wireshark) 4.4.0rc1 (v4.4.0rc1-0-gb4c2f6f).", "4.4"),
            ("TShark 3.6.2 (Git v3.6.2 packaged as 3.6.2-2)", "3.6"),
        ] {
            assert_eq!(version(line).unwrap().1.to_string(), want, "{line}");
        }
        assert!(version("tcpdump version 4.99.3").is_none());
        assert!(version("TShark (Wireshark).").is_none());
    }

    /// As 4.4 prints it; 4.0 and 4.6 differ in lines that aren't read.
    #[test]
    fn folders_are_found_by_their_titles() {
        let text = "Temp:                \t/tmp\n\
            Personal configuration:\t/home/u/.config/wireshark\n\
            Global configuration:\t/usr/share/wireshark\n\
            Personal Plugins:    \t/home/u/.local/lib/wireshark/plugins/4.4\n\
            Global Plugins:      \t/usr/lib/x86_64-linux-gnu/wireshark/plugins/4.4\n\
            Personal Lua Plugins:\t/home/u/.local/lib/wireshark/plugins\n";
        let folders = Folders::read(text.as_bytes()).unwrap();
        assert_eq!(folders.configuration, Path::new("/home/u/.config/wireshark"));
        assert_eq!(folders.personal(), Path::new("/home/u/.local/lib/wireshark/plugins/4.4/epan"));
        assert_eq!(
            folders.global(),
            Path::new("/usr/lib/x86_64-linux-gnu/wireshark/plugins/4.4/epan")
        );
        assert_eq!(Folders::read(b"Personal Plugins:\t\n"), None);
    }
}
