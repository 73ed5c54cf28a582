//! Places that do not let one do with a file what others do: rename it, replace it, remove it.

use std::{
    ffi::OsStr,
    fs,
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, chown, symlink},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use crate::{
    commands::{WRITERS, furnish, outputs},
    faults::{CALLS, Call, calls, can_trace, faults, found, strace, temporaries},
    harness::{Run, Scratch, mirror_pcap, root, same, skipped, wait},
    output::{OLD, as_nobody, can, is_root, set_mode, strip, stripped, with_bench, with_input},
    signals::{end, len, send, spawn, until},
};

/// Words that run a command where nothing can be renamed, as `error` says.
fn without_rename(error: &str) -> Vec<String> {
    let fault = format!("inject={}:error={error}", CALLS[2]);
    ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &fault].map(str::to_owned).into()
}

/// Run `run`, whose input never ends: it fails with `why` all the same, so before the work.
fn refuses_at_once(scratch: &Scratch, run: &Run, why: &str) {
    let (read, mut write) = io::pipe().unwrap();
    write.write_all(&scratch.read("in.pcapng")[..1000]).unwrap();
    let mut command = run.command();
    let mut child = command.stdin(read).stderr(Stdio::piped()).spawn().unwrap();
    assert_eq!(wait(&mut child).code(), Some(3));
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    same(&stderr, &format!("mirror-pcap: {why}\n"));
}

#[test]
fn where_nothing_can_be_renamed_a_new_file_is_written_under_its_name() {
    if !can_trace() {
        return;
    }
    let scratch = with_bench(40);
    furnish(&scratch);
    let names = scratch.names();
    for (turn, line) in WRITERS.iter().enumerate() {
        let run = |by: &[String]| {
            mirror_pcap().within(&scratch).under(by).args(line.split(' ')).succeeds().stderr("");
            let whole = found(&scratch, line);
            outputs(line).iter().for_each(|name| fs::remove_file(scratch.path(name)).unwrap());
            assert_eq!(scratch.names(), names, "{line}");
            whole
        };
        let error = ["ENOSYS", "EOPNOTSUPP", "EPERM", "EACCES"][turn % 4];
        assert!(run(&without_rename(error)) == run(&[]), "{line}");
    }
    // As ever: what the umask says, and what a link leads to.
    symlink("away.pcapng", scratch.path("link")).unwrap();
    let mut by = without_rename("ENOSYS");
    by.splice(0..0, ["sh", "-c", "umask 027; exec \"$0\" \"$@\""].map(str::to_owned));
    strip(&scratch, &["in.pcapng", "link"]).under(&by).succeeds();
    assert!(scratch.read("away.pcapng") == stripped(&scratch));
    assert_eq!(fs::metadata(scratch.path("away.pcapng")).unwrap().mode() & 0o777, 0o640);
    assert!(scratch.path("link").is_symlink());
}

#[test]
fn where_nothing_can_be_renamed_nothing_is_replaced() {
    if !can_trace() {
        return;
    }
    let scratch = with_input();
    scratch.write("out.pcapng", OLD);
    let run = strip(&scratch, &["-", "out.pcapng"]).under(without_rename("ENOSYS"));
    let why = "out.pcapng: cannot be replaced where nothing can be renamed; name a new file";
    refuses_at_once(&scratch, &run, why);
    assert_eq!(scratch.read("out.pcapng"), OLD);
    assert_eq!(scratch.names(), ["in.pcapng", "out.pcapng"]);
}

#[test]
fn a_file_that_is_written_under_its_name_goes_if_any_call_fails() {
    if !can_trace() {
        return;
    }
    let scratch = with_bench(1700);
    let traces = Scratch::new();
    let line = "strip -q --threads 2 --sync in.pcapng out.pcapng --json out.json";
    let run = |fault| {
        outputs(line).iter().for_each(|name| drop(fs::remove_file(scratch.path(name))));
        let mut by = strace(&traces, fault);
        by.extend(["-e".to_owned(), format!("inject={}:error=ENOSYS", CALLS[2])]);
        let seen = mirror_pcap().within(&scratch).under(by).args(line.split(' ')).ends();
        (seen.status.code(), seen.stderr, calls(&traces), found(&scratch, line))
    };
    let (code, _, threads, whole) = run(None);
    assert_eq!(code, Some(0));
    let mut failed = 0;
    // The names are those of files from the start; what concerns these is meant.
    let is_meant = |call: &Call| call.is_of_output() && !call.is(CALLS[2]);
    for (call, n, (error, reason)) in faults(&threads, is_meant) {
        let (code, stderr, threads, left) = run(Some((call, n, error)));
        let hit: Vec<_> = threads.concat().into_iter().filter(Call::is_injected).collect();
        let context = format!("{call} {n} {error}: {code:?}\n{stderr}\n{hit:#?}");
        assert_eq!(temporaries(&scratch), [""; 0], "{context}");
        if code == Some(0) {
            assert!(left == whole, "{context}");
            continue;
        }
        assert_eq!(code, Some(3), "{context}");
        let is_mute = hit.iter().any(Call::is_of_stderr);
        assert!(is_mute || stderr.trim_end().ends_with(reason), "{context}");
        // The folder is synced last, when one file after the other is complete.
        let is_late = hit.iter().any(|call| call.is(CALLS[1]) && !call.is_of_output());
        assert!(is_late || left.values().all(Option::is_none), "{context}");
        failed += 1;
    }
    assert!(failed >= 5, "only {failed} calls failed");
}

/// Strip `in.pcapng` to `folder`, under its own name there, and end that by a signal in mid-write;
/// the name, and what was said.
fn ended_in_mid_write(
    scratch: &Scratch,
    folder: &str,
    threads: &str,
    by: &[String],
) -> (String, String) {
    let whole = stripped(scratch).len() as u64;
    for attempt in 0..50 {
        let name = format!("{folder}/new-{threads}-{attempt}");
        let run = strip(scratch, &["--threads", threads, "in.pcapng", &name]);
        let words = ["env", "--default-signal=TERM"].map(str::to_owned).into_iter();
        let mut child = spawn(&run.under(words.chain(by.to_owned())));
        until("it writes, or has ended", || {
            len(scratch, &name) > 0 || child.try_wait().unwrap().is_some()
        });
        if child.try_wait().unwrap().is_none() {
            send(&child, Signal::STOP);
            let is_in_time = (1..whole).contains(&len(scratch, &name));
            if is_in_time {
                send(&child, Signal::TERM);
            }
            send(&child, Signal::CONT);
            if is_in_time {
                let (status, stderr) = end(&mut child);
                assert_eq!(status, Some(143), "{stderr}");
                return (name, stderr);
            }
        }
        wait(&mut child);
    }
    panic!("it was always too quick");
}

#[test]
fn a_file_that_is_written_under_its_name_goes_with_a_signal() {
    if !can_trace() {
        return;
    }
    let scratch = with_bench(60_000);
    fs::create_dir(scratch.path("folder")).unwrap();
    // strace lets go of being the parent, so that the child is the command.
    let mut by = without_rename("ENOSYS");
    by.insert(1, "-D".to_owned());
    for threads in ["1", "2"] {
        let (name, said) = ended_in_mid_write(&scratch, "folder", threads, &by);
        same(&said, &format!("mirror-pcap: ended by SIGTERM; {name} was not written\n"));
        assert!(!scratch.path(name).exists());
    }
}

/// A file system made by a program, on a folder of a test; gone with it.
struct Mounted {
    folder: PathBuf,
    server: Child,
}

impl Mounted {
    /// None, said aloud, if that cannot be had here. `words` serve it, in the foreground.
    fn new(folder: PathBuf, words: &[&OsStr]) -> Option<Mounted> {
        fs::create_dir(&folder).unwrap();
        let before = fs::metadata(&folder).unwrap().dev();
        let mut command = Command::new(words[0]);
        let mut server = command.args(&words[1..]).arg(&folder).spawn().ok()?;
        let start = Instant::now();
        while fs::metadata(&folder).unwrap().dev() == before {
            if server.try_wait().unwrap().is_some() {
                skipped("a file system of a program: it cannot be mounted");
                return None;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "it is never mounted");
            thread::sleep(Duration::from_millis(5));
        }
        Some(Mounted { folder, server })
    }

    /// Files and their sizes.
    fn files(&self) -> Vec<(String, u64)> {
        let entries = fs::read_dir(&self.folder).unwrap().map(Result::unwrap);
        let of = |entry: fs::DirEntry| {
            (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().len())
        };
        let mut files: Vec<_> = entries.map(of).collect();
        files.sort();
        files
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("fusermount3").args(["-u", "-z"]).arg(&self.folder).status();
        let _ = self.server.wait();
    }
}

/// AWS's own examples keep captures there.
#[test]
fn mountpoint_for_amazon_s3_takes_new_files_and_no_remains() {
    let script = root().join("crates/mirror-pcap/tests/cli/places/mountpoint.py");
    let script = script.to_str().unwrap();
    // The system's own has what the system's packages bring.
    let can = |python: &&str| {
        Command::new(python).arg(script).output().is_ok_and(|output| output.status.success())
    };
    let Some(python) = ["python3", "/usr/bin/python3"].into_iter().find(can) else {
        return skipped("Mountpoint for Amazon S3: there is no Python with fusepy");
    };
    let scratch = with_bench(60_000);
    let want = stripped(&scratch);
    let words = [OsStr::new(python), OsStr::new(script)];
    let Some(mounted) = Mounted::new(scratch.path("s3"), &words) else { return };
    let run = |args: &[&str]| strip(&scratch, args);

    run(&["--sync", "in.pcapng", "s3/out.pcapng", "--json", "s3/counts.json"]).succeeds();
    assert!(scratch.read("s3/out.pcapng") == want);
    assert!(scratch.read("s3/counts.json").starts_with(b"{"));
    let files = mounted.files();
    assert_eq!(files.len(), 2, "{files:?}");
    // What is there stays.
    run(&["in.pcapng", "s3/out.pcapng"]).fails_with(3).stderr_has("mirror-pcap: s3/out.pcapng: ");
    assert_eq!(mounted.files(), files);
    // An object that is not complete never comes to be.
    for threads in ["1", "2"] {
        let (name, said) = ended_in_mid_write(&scratch, "s3", threads, &[]);
        same(&said, &format!("mirror-pcap: ended by SIGTERM; {name} was not written\n"));
        until("it is given up", || !scratch.path(&name).exists());
    }
    // One that should not stay but has to is told.
    let seen = run(&["in.pcapng", "s3/new.pcapng", "--json", "/dev/full"]).fails_with(3);
    let first = "mirror-pcap: s3/new.pcapng could not be removed and may not be complete\n";
    assert!(seen.stderr.starts_with(first), "{}", seen.stderr);
    assert!(scratch.read("s3/new.pcapng") == want);
}

/// The same without root's help from strace, and with a program that people have.
#[test]
fn a_file_system_that_refuses_to_rename_takes_new_files() {
    if !can(&["bindfs", "--version"]) {
        return;
    }
    let scratch = with_bench(2000);
    let want = stripped(&scratch);
    fs::create_dir(scratch.path("behind")).unwrap();
    let behind = scratch.path("behind");
    let words = ["bindfs", "-f", "--rename-deny", "--chmod-deny"].map(OsStr::new);
    let words = [&words[..], &[behind.as_os_str()]].concat();
    let Some(mounted) = Mounted::new(scratch.path("bound"), &words) else { return };
    strip(&scratch, &["in.pcapng", "bound/out.pcapng"]).succeeds();
    assert!(scratch.read("bound/out.pcapng") == want);
    let files = mounted.files();
    assert_eq!(files.len(), 1, "{files:?}");
    let why = "bound/out.pcapng: cannot be replaced where nothing can be renamed; name a new file";
    refuses_at_once(&scratch, &strip(&scratch, &["-", "bound/out.pcapng"]), why);
    strip(&scratch, &["in.pcapng", "bound/new.pcapng", "--json", "/dev/full"]).fails_with(3);
    assert_eq!(mounted.files(), files);
}

/// And one that can rename, made by a program as well, is as good as any.
#[test]
fn a_file_system_of_a_program_that_can_rename_replaces_files() {
    if !can(&["bindfs", "--version"]) {
        return;
    }
    let scratch = with_bench(2000);
    let want = stripped(&scratch);
    fs::create_dir(scratch.path("behind")).unwrap();
    let behind = scratch.path("behind");
    let words = [OsStr::new("bindfs"), OsStr::new("-f"), behind.as_os_str()];
    let Some(mounted) = Mounted::new(scratch.path("bound"), &words) else { return };
    for _ in 0..2 {
        strip(&scratch, &["in.pcapng", "bound/out.pcapng"]).succeeds();
        assert!(scratch.read("bound/out.pcapng") == want);
        assert_eq!(mounted.files().len(), 1);
    }
    // Until it is complete it has no name here either.
    let source = scratch.read("in.pcapng");
    let mut command = strip(&scratch, &["-", "bound/new.pcapng"]).command();
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&source[..source.len() / 2]).unwrap();
    until("something is written", || {
        mounted.files().iter().any(|(name, len)| name != "out.pcapng" && *len > 0)
    });
    assert!(!scratch.path("bound/new.pcapng").exists());
    drop(stdin);
    wait(&mut child);
}

#[test]
fn a_file_that_rename_may_not_replace_is_told_before_the_work() {
    if !is_root() {
        return skipped("files of others: only root can make them");
    }
    let scratch = with_input();
    fs::create_dir(scratch.path("shared")).unwrap();
    scratch.write("shared/out.pcapng", OLD);
    scratch.write("shared/mine.pcapng", OLD);
    let Some(nobody) = as_nobody(&scratch) else { return };
    set_mode(&scratch.path("shared"), 0o1777);
    set_mode(&scratch.path("shared/out.pcapng"), 0o666);
    chown(scratch.path("shared"), Some(0), Some(0)).unwrap();
    chown(scratch.path("shared/mine.pcapng"), Some(65534), Some(65534)).unwrap();
    let why = "shared/out.pcapng: is somebody else's, in a folder where only owners replace files \
               (sticky); name a new file";
    refuses_at_once(&scratch, &strip(&scratch, &["-", "shared/out.pcapng"]).under(&nobody), why);
    assert_eq!(scratch.read("shared/out.pcapng"), OLD);
    // One's own file is replaced; any file, by whom the folder belongs to; and by root.
    let owned_by = |folder: u32, file: u32| {
        chown(scratch.path("shared"), Some(folder), None).unwrap();
        chown(scratch.write("shared/out.pcapng", OLD), Some(file), None).unwrap();
    };
    strip(&scratch, &["in.pcapng", "shared/mine.pcapng"]).under(&nobody).succeeds();
    owned_by(65534, 0);
    strip(&scratch, &["in.pcapng", "shared/out.pcapng"]).under(&nobody).succeeds();
    owned_by(1234, 1235);
    strip(&scratch, &["in.pcapng", "shared/out.pcapng"]).succeeds();
    // And any file where all may.
    owned_by(0, 0);
    set_mode(&scratch.path("shared"), 0o777);
    set_mode(&scratch.path("shared/out.pcapng"), 0o666);
    strip(&scratch, &["in.pcapng", "shared/out.pcapng"]).under(&nobody).succeeds();
    assert_eq!(fs::read_dir(scratch.path("shared")).unwrap().count(), 2);
}

/// As containers have it that are given a file.
#[test]
fn a_file_that_is_mounted_by_itself_is_told_before_the_work() {
    if !is_root() || !can(&["unshare", "-m", "true"]) {
        return skipped("a mounted file: only root may mount one");
    }
    let scratch = with_input();
    scratch.write("out.pcapng", OLD);
    scratch.write("behind", OLD);
    let by = ["unshare", "-m", "sh", "-c", "mount --bind behind out.pcapng && exec \"$0\" \"$@\""];
    let why = "out.pcapng: is mounted by itself and cannot be replaced; name a new file in another \
               folder";
    refuses_at_once(&scratch, &strip(&scratch, &["-", "out.pcapng"]).under(by), why);
    assert_eq!(scratch.read("behind"), OLD);
    assert_eq!(scratch.names(), ["behind", "in.pcapng", "out.pcapng"]);
}

/// Where evidence is only added.
#[test]
fn an_append_only_folder_takes_new_files_and_no_remains() {
    let scratch = with_input();
    let want = stripped(&scratch);
    fs::create_dir(scratch.path("kept")).unwrap();
    scratch.write("kept/old.pcapng", OLD);
    let folder = scratch.path("kept");
    let change = |how: &str| can(&["chattr", how, folder.to_str().unwrap()]);
    if !change("+a") {
        return;
    }
    let new = strip(&scratch, &["in.pcapng", "kept/new.pcapng"]).ends();
    let old = strip(&scratch, &["in.pcapng", "kept/old.pcapng"]).ends();
    let left = strip(&scratch, &["in.pcapng", "kept/lost.pcapng", "--json", "/dev/full"]).ends();
    assert!(change("-a"));
    assert_eq!(new.status.code(), Some(0), "{}", new.stderr);
    assert!(fs::read(folder.join("new.pcapng")).unwrap() == want);
    assert_eq!(old.status.code(), Some(3));
    let why = "kept/old.pcapng: is in a folder whose files cannot be replaced (append-only); name a \
               new file";
    same(&old.stderr, &format!("mirror-pcap: {why}\n"));
    assert_eq!(fs::read(folder.join("old.pcapng")).unwrap(), OLD);
    // What must stay is emptied at least.
    assert_eq!(left.status.code(), Some(3));
    assert!(left.stderr.contains("kept/lost.pcapng could not be removed"), "{}", left.stderr);
    assert_eq!(fs::read(folder.join("lost.pcapng")).unwrap(), b"");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 3);
}
