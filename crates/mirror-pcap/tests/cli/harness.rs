//! Runs the built command as a person or script would, and reads as a sentence:
//!
//! ```text
//! mirror_pcap().within(&scratch).args(["strip", "in", "out"]).fails_with(2).stderr("…");
//! ```
//!
//! Nothing of the caller's surroundings reaches the command but what a test gives
//! it: the environment is empty, standard input is empty, the folder is the
//! test's own. A failing check prints both texts whole, and blames the test's line.

use std::{
    ffi::{OsStr, OsString},
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use mirror_testkit::decode::{Block, Content, pcapng};
use tempfile::TempDir;

/// No run of a test takes this long; one that does hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// The command, about to be run.
pub(crate) fn mirror_pcap() -> Run {
    Run {
        program: env!("CARGO_BIN_EXE_mirror-pcap").into(),
        under: Vec::new(),
        args: Vec::new(),
        env: Vec::new(),
        stdin: Vec::new(),
        folder: None,
    }
}

/// Where the captures of the project lie.
pub(crate) fn testdata() -> PathBuf {
    root().join("testdata")
}

/// Captures by others, which are no part of the project: the folder that
/// `MIRROR_PCAP_CORPUS` names, else one beside the project with a `corpus/public` in it.
/// Without one, that is said aloud.
pub(crate) fn corpus() -> Option<PathBuf> {
    let is_corpus = |folder: &PathBuf| folder.join("MANIFEST.md").is_file();
    if let Some(folder) = std::env::var_os("MIRROR_PCAP_CORPUS").map(PathBuf::from) {
        assert!(is_corpus(&folder), "no MANIFEST.md in {}", folder.display());
        return Some(folder);
    }
    let beside = fs::read_dir(root().parent()?).into_iter().flatten().flatten();
    let found = beside.map(|entry| entry.path().join("corpus/public")).find(is_corpus);
    if found.is_none() {
        skipped("there are no captures by others; MIRROR_PCAP_CORPUS names a folder of them");
    }
    found
}

/// The folder of the whole project.
pub(crate) fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the crate lies in the project")
}

/// A folder of a test's own, gone when the test is over.
pub(crate) struct Scratch(TempDir);

impl Scratch {
    pub(crate) fn new() -> Scratch {
        Scratch(tempfile::Builder::new().prefix("mirror-pcap-test-").tempdir().unwrap())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    #[track_caller]
    pub(crate) fn read(&self, name: impl AsRef<Path>) -> Vec<u8> {
        let path = self.path(name);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// A capture of `testdata/`, as `name` in this folder.
    pub(crate) fn copy(&self, capture: &str, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::copy(testdata().join(capture), &path).unwrap();
        path
    }

    /// The names in the folder, hidden ones too, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

/// A run that is being put together.
pub(crate) struct Run {
    program: OsString,
    under: Vec<OsString>,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    stdin: Vec<u8>,
    folder: Option<PathBuf>,
}

impl Run {
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Run {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Run {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Run a copy of the command.
    pub(crate) fn copied_to(mut self, program: impl AsRef<OsStr>) -> Run {
        self.program = program.as_ref().to_owned();
        self
    }

    /// Run by another program, which gets the command as its last arguments.
    pub(crate) fn under<A: AsRef<OsStr>>(mut self, by: impl IntoIterator<Item = A>) -> Run {
        self.under.extend(by.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Run {
        self.env.push((name.into(), value.as_ref().to_owned()));
        self
    }

    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Run {
        self.stdin = bytes.into();
        self
    }

    /// Run in the folder of the test.
    pub(crate) fn within(mut self, scratch: &Scratch) -> Run {
        self.folder = Some(scratch.folder().to_owned());
        self
    }

    /// The command for tests that need more than this: pipes that stay open,
    /// signals, closed descriptors.
    pub(crate) fn command(&self) -> Command {
        let mut words = self.under.iter().chain([&self.program]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words).args(&self.args).env_clear().envs(self.env.iter().map(|(k, v)| (k, v)));
        // A terminal's width must not decide how a help text breaks.
        command.current_dir(self.folder.as_deref().unwrap_or(Path::new("/")));
        command
    }

    #[track_caller]
    pub(crate) fn succeeds(self) -> Seen {
        self.fails_with(0)
    }

    #[track_caller]
    pub(crate) fn fails_with(self, code: i32) -> Seen {
        let seen = self.ends();
        let got = seen.status.code();
        assert!(got == Some(code), "exit status {got:?}, not {code}; it said:\n{}", seen.stderr);
        seen
    }

    /// Run it, whatever the exit status; it must not panic and not hang.
    #[track_caller]
    pub(crate) fn ends(self) -> Seen {
        let mut command = self.command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (mut stdin, input) = (child.stdin.take().unwrap(), self.stdin);
        // It may end before it has read all, so a broken pipe is no failure of the test.
        let feed = thread::spawn(move || drop(stdin.write_all(&input)));
        let stdout = collect(child.stdout.take().unwrap());
        let stderr = collect(child.stderr.take().unwrap());
        let status = wait(&mut child);
        feed.join().unwrap();
        let stderr = String::from_utf8(stderr.join().unwrap()).expect("stderr is UTF-8");
        assert!(!stderr.contains("panicked"), "it panicked:\n{stderr}");
        assert!(!stderr.contains("(os error "), "the words before it say the same:\n{stderr}");
        Seen { status, stdout: stdout.join().unwrap(), stderr }
    }
}

/// Wait for the end of `child`, but not for ever.
#[track_caller]
pub(crate) fn wait(child: &mut Child) -> ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if start.elapsed() > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            panic!("still running after {PATIENCE:?}");
        }
        thread::sleep(Duration::from_millis(2));
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

/// What a run said and how it ended.
pub(crate) struct Seen {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Seen {
    #[track_caller]
    pub(crate) fn stderr(self, want: &str) -> Seen {
        same(&self.stderr, want);
        self
    }

    #[track_caller]
    pub(crate) fn stdout(self, want: &str) -> Seen {
        same(&String::from_utf8_lossy(&self.stdout), want);
        self
    }

    #[track_caller]
    pub(crate) fn stderr_has(self, part: &str) -> Seen {
        assert!(
            self.stderr.contains(part),
            "\n--- want a part\n{part}\n--- got\n{}---",
            self.stderr
        );
        self
    }
}

/// Both texts whole if they differ.
#[track_caller]
pub(crate) fn same(got: &str, want: &str) {
    assert!(got == want, "\n--- want\n{want}--- got\n{got}---");
}

/// Bytes, original length and comments of each packet.
pub(crate) fn packets(bytes: &[u8]) -> Vec<(Vec<u8>, u32, Vec<String>)> {
    let of = |block: &Block| match &block.content {
        Content::Packet { data, original, .. } => {
            let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
            Some((data.clone(), *original, block.options.values(1).map(text).collect()))
        }
        _ => None,
    };
    pcapng(bytes).blocks.iter().filter_map(of).collect()
}

/// Tell, past the capture of test output, that something was not tested.
pub(crate) fn skipped(what: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}");
}
