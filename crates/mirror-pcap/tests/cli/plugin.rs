//! `plugin`: the way of a plugin into Wireshark, and each way in which it does not get there.
//!
//! The plugins here are a few lines of C, good and bad on purpose; the Wireshark is the one that is
//! installed. It ignores the plugins of root's home, so where the tests run as root the command and
//! tshark run as an ordinary user, as they do elsewhere.

mod doctor;
mod faults;
mod install;
mod profile;
mod users;

use std::{
    env,
    ffi::OsString,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use crate::{
    harness::{Run, Scratch, Seen, mirror_pcap, skipped},
    tshark::tools::tool,
};

/// The user and group of nobody in particular.
const NOBODY: u32 = 65534;

/// A user with a home, a Wireshark, and nothing else.
struct World {
    scratch: Scratch,
    /// Of the Wireshark that is installed: `4.0`, and `4.0.17`.
    release: String,
    version: String,
    as_root: bool,
    variables: Vec<(String, String)>,
}

impl World {
    /// `None` where there is no tshark, which is said aloud.
    fn new() -> Option<World> {
        let (version, release) = installed_version()?.clone();
        let scratch = Scratch::new();
        fs::set_permissions(scratch.folder(), fs::Permissions::from_mode(0o755)).unwrap();
        let world = World { scratch, release, version, as_root: false, variables: Vec::new() };
        world.folder("home");
        world.folder("empty");
        Some(world)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path(name)
    }

    /// A folder of the user's, with those above it.
    fn folder(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(&path).unwrap();
        for folder in path.ancestors().take_while(|path| *path != self.scratch.folder()) {
            own(folder);
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
        }
        path
    }

    /// A file of the user's.
    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        self.folder(Path::new(name).parent().unwrap().to_str().unwrap());
        let path = self.scratch.write(name, bytes);
        own(&path);
        path
    }

    /// Where this user's plugins belong, below the test's folder.
    fn place(&self) -> String {
        format!("home/.local/lib/wireshark/plugins/{}/epan", self.release)
    }

    /// Where the plugins of all users lie.
    fn global(&self) -> PathBuf {
        let text = tool("tshark").unwrap().run(["-G", "folders"]).text();
        let line = text.lines().find_map(|line| line.strip_prefix("Global Plugins:")).unwrap();
        PathBuf::from(line.trim())
    }

    fn installed(&self) -> PathBuf {
        self.path(&self.place()).join("vpcmirror.so")
    }

    /// What the compiler makes of a plugin.
    fn compiled(&self, plugin: &Plugin) -> Vec<u8> {
        let (input, output) = (self.scratch.write("in.c", &plugin.0), self.path("out.so"));
        let mut cc = Command::new("cc");
        // No warnings of functions that nobody has declared: there are some on purpose.
        let made = cc.args(["-shared", "-fPIC", "-w", "-o"]).args([&output, &input]).output();
        let made = made.unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        fs::read(output).unwrap()
    }

    /// A plugin as it should be.
    fn good(&self) -> Plugin {
        Plugin::of(&self.release)
    }

    /// The command in a folder of the test, which is where nothing was built.
    fn copied_command(&self) -> PathBuf {
        let copy = self.folder("built/debug").join("mirror-pcap");
        if !copy.exists() {
            copied(Path::new(env!("CARGO_BIN_EXE_mirror-pcap")), &copy);
        }
        copy
    }

    /// A script of the user's.
    fn script(&self, name: &str, text: &str) -> PathBuf {
        let (text, script) = (self.scratch.write("text", text), self.path(name));
        copied(&text, &script);
        own(&script);
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        script
    }

    /// `mirror-pcap plugin …` as this user.
    fn plugin(&self, args: &[&str]) -> Run {
        let mut run = mirror_pcap().within(&self.scratch).arg("plugin").args(args);
        if is_root() && !self.as_root {
            if !is_for_everybody() {
                run = run.copied_to(self.copied_command());
            }
            let user = [format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")];
            run = run.under(
                [program("setpriv").into_os_string(), "--clear-groups".into()]
                    .into_iter()
                    .chain(user.map(OsString::from)),
            );
        }
        run = run.env("HOME", self.path("home")).env("PATH", env::var_os("PATH").unwrap());
        self.variables.iter().fold(run, |run, (name, value)| run.env(name, value))
    }

    /// Install this plugin where it belongs, without the command.
    fn has(&self, plugin: &Plugin) -> PathBuf {
        self.write(&format!("{}/vpcmirror.so", self.place()), self.compiled(plugin))
    }

    /// What a run said, with the test's folder as `~` and the version as `X.Y.Z`.
    #[track_caller]
    fn tidy(&self, text: &str) -> String {
        text.replace(self.scratch.folder().to_str().unwrap(), "~")
            .replace(&self.version, "X.Y.Z")
            .replace(&self.release, "X.Y")
    }

    #[track_caller]
    fn fails(&self, args: &[&str], code: i32, want: &str) -> Seen {
        let seen = self.plugin(args).fails_with(code).stdout("");
        crate::harness::same(&self.tidy(&seen.stderr), &format!("mirror-pcap: {want}\n"));
        seen
    }
}

/// Copy a program. Not by this process: another thread that starts a command right now would hand
/// on the open file, and nobody could run it until then.
fn copied(from: &Path, to: &Path) {
    assert!(Command::new("cp").args(["-f", "--"]).args([from, to]).status().unwrap().success());
}

/// The version of tshark and its release series, asked once.
fn installed_version() -> Option<&'static (String, String)> {
    static VERSION: OnceLock<Option<(String, String)>> = OnceLock::new();
    let version = VERSION.get_or_init(|| {
        let text = tool("tshark")?.run(["--version"]).text();
        let version = text.split(' ').find(|word| word.contains('.')).unwrap();
        let version = version.trim_end_matches(['.', '\n']).to_owned();
        let release = version.rsplit_once('.').unwrap().0.to_owned();
        Some((version, release))
    });
    version.as_ref()
}

/// The source of a plugin.
struct Plugin(String);

impl Plugin {
    /// It needs libwireshark, as every plugin does.
    fn of(release: &str) -> Plugin {
        let (major, minor) = release.split_once('.').unwrap();
        Plugin(format!(
            "const char plugin_version[] = \"0.1.0\";
             const int plugin_want_major = {major}; const int plugin_want_minor = {minor};
             const char vpcmirror_plugin[] = \"vpcmirror 0.1.0\";
             const char *epan_get_version(void);
             void plugin_register(void) {{ epan_get_version(); }}
             "
        ))
    }

    fn with(&self, more: &str) -> Plugin {
        Plugin(format!("{}{more}", self.0))
    }

    #[track_caller]
    fn but(&self, from: &str, to: &str) -> Plugin {
        assert!(self.0.contains(from), "{from}");
        Plugin(self.0.replace(from, to))
    }
}

/// Loaded, it takes its program with it.
const CRASHES: &str =
    "void abort(void); __attribute__((constructor)) static void crash(void) { abort(); }";

/// Loaded, it makes a file of this name.
fn marks(path: &Path) -> String {
    format!(
        "int creat(const char *, unsigned);
         __attribute__((constructor)) static void mark(void) {{ creat({path:?}, 0644); }}"
    )
}

fn is_root() -> bool {
    // The folder of a process belongs to who runs it.
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Give it to the user as whom the command runs.
fn own(path: &Path) {
    if is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

/// Whether every user may run the command where it was built; root may have built it at home.
fn is_for_everybody() -> bool {
    let path = Path::new(env!("CARGO_BIN_EXE_mirror-pcap")).canonicalize().unwrap();
    path.ancestors().all(|path| fs::metadata(path).unwrap().mode() & 0o005 == 0o005)
}

/// A program where the test itself finds it, whatever the PATH is that it gives to others.
fn program(name: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap();
    let found = env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("no {name} in PATH"))
}

/// The rest of the test is about root, who is somebody else here.
fn not_root() {
    skipped("what root is told about plugins: the tests do not run as root");
}
