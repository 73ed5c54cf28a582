//! Every system call that an output goes through, failing once.
//!
//! A run is traced to learn its calls, and repeated with one of them failing, again and again
//! until each has failed (strace does it). However it ends, the promise is the same: exit status
//! 3 with the name and the reason, or all was done; what was there before is there, or all of the
//! new; and no temporary.
//!
//! `scripts/faults --all` fails each with every error there is, and the calls that have to do
//! with anything else as well.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fs::{self, File},
    io::{self, Read, Write},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use mirror_testkit::random::Random;

use crate::{
    commands::{PRINTERS, WRITERS, furnish, outputs},
    harness::{Scratch, mirror_pcap, same, wait},
    output::{OLD, can, with_bench},
};

/// System calls, with the names that they have on one machine or another.
pub(crate) const CALLS: [&str; 12] = [
    "write",
    "?fsync,?fdatasync",
    "?rename,?renameat,?renameat2",
    "openat",
    "close",
    "fchmod",
    "fchown",
    "flock",
    "ftruncate",
    "statx",
    "read",
    "?flistxattr,?fgetxattr,?fsetxattr,?fremovexattr",
];

/// Errors, and what is said of them.
const ERRORS: [(&str, &str); 4] = [
    ("ENOSPC", "No space left on device"),
    ("EINTR", "Interrupted system call"),
    ("EIO", "Input/output error"),
    ("EDQUOT", "Disk quota exceeded"),
];

/// Whether to try all there is, and not only what is likely to go wrong.
pub(crate) fn all() -> bool {
    env::var_os("MIRROR_PCAP_FAULTS").is_some_and(|value| value == "all")
}

/// Tell how far the long form has come, which takes long.
pub(crate) fn progress(line: &str, count: usize, what: &str, since: Instant) {
    if all() {
        let seconds = since.elapsed().as_secs_f64();
        let _ = writeln!(io::stderr(), "{count} {what} in {seconds:.0} s: {line}");
    }
}

/// A system call as strace tells it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// When it began.
    time: f64,
    /// Its name and arguments.
    text: String,
    result: String,
}

impl Call {
    pub(crate) fn is(&self, names: &str) -> bool {
        let name = self.text.split('(').next().unwrap();
        names.split(',').any(|one| one.trim_start_matches('?') == name)
    }

    pub(crate) fn is_injected(&self) -> bool {
        self.result.ends_with("(INJECTED)")
    }

    /// Whether it has to do with a file that is written.
    pub(crate) fn is_of_output(&self) -> bool {
        self.is_of_temporary() || self.text.contains("/out") || self.text.contains("\"out")
    }

    pub(crate) fn is_of_temporary(&self) -> bool {
        self.text.contains(".mirror-pcap")
    }

    /// Whether it opens or syncs the folder that a file gets its name in.
    fn is_of_folder(&self, scratch: &Scratch) -> bool {
        let folder = fs::canonicalize(scratch.folder()).unwrap();
        let synced = self.is(CALLS[1]) && self.text.contains(&format!("<{}>", folder.display()));
        synced || self.is("openat") && self.text.contains(" \".\",")
    }

    /// Whether it has to do with what is read.
    fn is_of_input(&self) -> bool {
        ["in.pcapng", ".json", ".yaml"].iter().any(|name| self.text.contains(name))
    }

    pub(crate) fn is_of_stderr(&self) -> bool {
        self.text.starts_with("write(2<")
    }

    /// Nothing of ours runs yet while the loader works.
    fn is_of_loader(&self) -> bool {
        self.text.contains(".so") || self.text.contains("/etc/ld")
    }
}

/// The calls of each thread, in the files that strace has put into `traces`.
pub(crate) fn calls(traces: &Scratch) -> Vec<Vec<Call>> {
    let of_thread = |name: String| -> Vec<Call> {
        let text = String::from_utf8(traces.read(&name)).unwrap();
        let calls = text.lines().filter_map(|line| {
            let (time, call) = line.trim_start().split_once(' ')?;
            // What is no call, such as a signal, has no result.
            let (text, result) = call.rsplit_once(" = ")?;
            let [text, result] = [text, result].map(str::to_owned);
            Some(Call { time: time.parse().unwrap(), text, result })
        });
        calls.collect()
    };
    traces.names().into_iter().map(of_thread).collect()
}

/// The words that run a command under strace, with this fault if any.
pub(crate) fn strace(traces: &Scratch, fault: Option<(&str, usize, &str)>) -> Vec<String> {
    let mut words = strace_of_one_process(traces, fault);
    words.insert(1, "-ff".to_owned());
    words
}

/// The same, but only in the first thread and in no other process.
pub(crate) fn strace_of_one_process(
    traces: &Scratch,
    fault: Option<(&str, usize, &str)>,
) -> Vec<String> {
    for name in traces.names() {
        fs::remove_file(traces.path(name)).unwrap();
    }
    let file = traces.path("trace").display().to_string();
    let trace = format!("trace={}", CALLS.join(","));
    let words = ["strace", "-ttt", "-y", "-qq", "-o", &file, "-e", &trace];
    let mut words: Vec<_> = words.map(str::to_owned).into();
    if let Some((call, n, error)) = fault {
        words.extend(["-e".to_owned(), format!("inject={call}:error={error}:when={n}")]);
    }
    words
}

pub(crate) fn can_trace() -> bool {
    can(&["strace", "-ff", "-o", "/dev/null", "-e", "inject=fsync:error=EIO:when=1", "true"])
}

/// The faults to try: of each call that `is_meant`, its kind and which of its kind it is in its
/// thread; with one error in turn, or with all.
pub(crate) fn faults(
    threads: &[Vec<Call>],
    is_meant: impl Fn(&Call) -> bool,
) -> Vec<(&'static str, usize, (&'static str, &'static str))> {
    let mut places = BTreeSet::new();
    for calls in threads {
        for (kind, names) in CALLS.iter().enumerate() {
            let of_kind = calls.iter().filter(|call| call.is(names)).enumerate();
            places.extend(of_kind.filter(|(_, call)| is_meant(call)).map(|(n, _)| (kind, n + 1)));
        }
    }
    let mut faults = Vec::new();
    for (turn, (kind, n)) in places.into_iter().enumerate() {
        let errors = if all() { ERRORS.to_vec() } else { vec![ERRORS[turn % ERRORS.len()]] };
        faults.extend(errors.into_iter().map(|error| (CALLS[kind], n, error)));
    }
    faults
}

/// What is there of the files that `line` writes; none where there is none.
pub(crate) fn found(scratch: &Scratch, line: &str) -> BTreeMap<String, Option<Vec<u8>>> {
    let outputs = outputs(line).into_iter();
    outputs.map(|name| (name.to_owned(), fs::read(scratch.path(name)).ok())).collect()
}

pub(crate) fn temporaries(scratch: &Scratch) -> Vec<String> {
    scratch.names().into_iter().filter(|name| name.ends_with(".mirror-pcap")).collect()
}

#[test]
fn any_call_that_fails_while_a_file_is_written_leaves_the_old_one_or_the_whole_new_one() {
    if !can_trace() {
        return;
    }
    let scratch = with_bench(1700);
    furnish(&scratch);
    let traces = Scratch::new();
    let mut tried = 0;
    for line in WRITERS {
        let begun = (Instant::now(), tried);
        let run = |fault| {
            for name in outputs(line) {
                scratch.write(name, OLD);
            }
            let by = strace(&traces, fault);
            let seen = mirror_pcap().within(&scratch).under(by).args(line.split(' ')).ends();
            (seen.status.code(), seen.stderr, calls(&traces), found(&scratch, line))
        };
        let (code, _, threads, whole) = run(None);
        assert_eq!(code, Some(0), "{line}");
        let is_meant =
            |call: &Call| all() || call.is_of_output() || call.is("?fsync") || call.is("openat");
        let is_meant = |call: &Call| is_meant(call) && !call.is_of_loader();
        for (call, n, (error, reason)) in faults(&threads, is_meant) {
            let (code, stderr, threads, left) = run(Some((call, n, error)));
            let calls: Vec<_> = threads.concat();
            let failed: Vec<_> = calls.iter().filter(|call| call.is_injected()).collect();
            let context = format!("{line}\n{failed:#?}\nexit status {code:?}\n{stderr}");
            if failed.is_empty() || failed.iter().any(|call| call.is_of_loader()) {
                continue;
            }
            tried += 1;
            let is_named = |call: &&Call| call.is(CALLS[2]) && !call.text.contains(".new.");
            let renamed = calls.iter().filter(is_named).filter(|call| call.result == "0");
            let renamed = renamed.map(|call| call.time).fold(f64::INFINITY, f64::min);
            // What comes after the rename is too late to be taken back.
            let is_late = failed.iter().all(|call| call.time > renamed);
            let must_fail = failed.iter().any(|call| {
                let lost = ["write", CALLS[1], CALLS[2], "openat", "fchmod"];
                let of_output = call.is_of_output() && lost.iter().any(|names| call.is(names))
                    // The old file is opened too, to see that it may be.
                    || call.is_of_temporary() && call.is("close");
                error != "EINTR" && (of_output && !is_late || call.is_of_folder(&scratch))
            });
            // Others are never interrupted; if they were, that would be told.
            let retried = ["write", CALLS[1], "openat", "close"];
            let is_retried = error == "EINTR"
                && failed.iter().all(|call| retried.iter().any(|names| call.is(names)));
            assert!(!must_fail || code == Some(3), "{context}");
            assert!(!is_retried || code == Some(0), "{context}");
            assert_eq!(temporaries(&scratch), [""; 0], "{context}");
            match code {
                Some(0) => {
                    assert!(left == whole, "{context}");
                    same(&stderr, "");
                }
                Some(3) => {
                    if failed.iter().any(|call| call.is_of_stderr()) {
                        continue;
                    }
                    let [said] = stderr.lines().collect::<Vec<_>>()[..] else {
                        panic!("{context}")
                    };
                    if said.starts_with("mirror-pcap: standard output: ") {
                        assert!(all() && left == whole, "{context}");
                        continue;
                    }
                    let is_of = |name| said.starts_with(&format!("mirror-pcap: {name}: "));
                    assert!(outputs(line).into_iter().any(is_of), "{context}");
                    assert!(said.ends_with(reason), "{context}");
                    for (each, bytes) in &left {
                        // None has its name before all are as good as written.
                        let is_right =
                            bytes.as_deref() == Some(OLD) || is_late && *bytes == whole[each];
                        assert!(is_right, "{each}: {context}");
                    }
                }
                // The input could not be read, or not to its end.
                Some(2 | 4) => {
                    assert!(failed.iter().any(|call| call.is_of_input()), "{context}");
                    assert!(stderr.contains(reason), "{context}");
                    let is_old = left.values().all(|bytes| bytes.as_deref() == Some(OLD));
                    assert!(is_old || code == Some(4), "{context}");
                }
                // A test about a capture that could not be read to its end is one that fails.
                Some(1) => {
                    assert!(failed.iter().any(|call| call.is_of_input()), "{context}");
                    let says = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(reason);
                    assert!(
                        left.values().all(|bytes| bytes.as_deref().is_some_and(says)),
                        "{context}"
                    );
                }
                _ => panic!("{context}"),
            }
        }
        progress(line, tried - begun.1, "faults", begun.0);
    }
    assert!(tried >= 60, "only {tried} calls failed");
    if all() {
        println!("{tried} calls of {} commands failed, each once", WRITERS.len());
    }
}

/// The error of the close was dropped with the file, and a disk that is full only then (NFS, a
/// quota) cost a file that was said to be written.
#[test]
fn what_is_printed_and_cannot_be_written_is_told() {
    if !can_trace() {
        return;
    }
    let scratch = with_bench(1700);
    let traces = Scratch::new();
    furnish(&scratch);
    for line in PRINTERS {
        let begun = Instant::now();
        let run = |fault| {
            let by = strace(&traces, fault);
            let mut command =
                mirror_pcap().within(&scratch).under(by).args(line.split(' ')).command();
            let out = File::create(scratch.path("printed")).unwrap();
            let output = command.stdin(Stdio::null()).stdout(out).output().unwrap();
            (output.status.code(), String::from_utf8(output.stderr).unwrap(), calls(&traces))
        };
        let (code, usual, threads) = run(None);
        assert_eq!(code, Some(0), "{line}");
        let is_of_printed = |call: &Call| call.text.contains("/printed>");
        let is_meant = |call: &Call| is_of_printed(call) && (call.is("write") || call.is("close"));
        let mut closed = false;
        let mut failed = 0;
        for (call, n, (error, reason)) in faults(&threads, is_meant) {
            // Another copy of the descriptor, once all has been written and one was closed.
            if call == "close" && std::mem::replace(&mut closed, true) && !all() {
                continue;
            }
            let (code, stderr, threads) = run(Some((call, n, error)));
            let calls = threads.concat();
            let hit: Vec<_> = calls.iter().filter(|call| call.is_injected()).collect();
            let is_mute = hit.iter().any(|call| call.is_of_stderr());
            let hit = hit.iter().any(|call| is_of_printed(call));
            let context = format!("{line}\n{call} {n} {error}: {code:?}\n{stderr}");
            match error {
                "EINTR" => assert!(code == Some(0) && stderr == usual, "{context}"),
                _ if hit && !(closed && all()) => {
                    assert_eq!(code, Some(3), "{context}");
                    let why = format!("mirror-pcap: standard output: {reason}\n");
                    same(&stderr, &if is_mute { usual.clone() } else { usual.clone() + &why });
                    failed += 1;
                }
                _ => assert!(matches!(code, Some(0 | 3)), "{context}"),
            }
        }
        assert!(failed > 0, "{line}: nothing failed");
        progress(line, failed, "faults", begun);
    }
}

/// `kill -9`, a crash, a power cut: nobody gets to tidy.
#[test]
fn a_run_killed_at_any_moment_leaves_the_old_file_or_the_whole_new_one() {
    let scratch = with_bench(4000);
    furnish(&scratch);
    let mut random = Random::new(1);
    let kills = if all() { 200 } else { 3 };
    for line in WRITERS {
        let spawn = || -> Child {
            let mut command = mirror_pcap().within(&scratch).args(line.split(' ')).command();
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().unwrap()
        };
        let start = Instant::now();
        assert!(wait(&mut spawn()).success(), "{line}");
        let usual = start.elapsed().as_micros() as u64;
        let whole = found(&scratch, line);
        for kill in 0..kills {
            for name in outputs(line) {
                let _ = fs::remove_file(scratch.path(name));
                if kill % 2 == 0 {
                    scratch.write(name, OLD);
                }
            }
            let before = found(&scratch, line);
            let mut child = spawn();
            thread::sleep(Duration::from_micros(random.between(0, usual)));
            child.kill().unwrap();
            wait(&mut child);
            for (name, bytes) in found(&scratch, line) {
                let is_right = bytes == before[&name] || bytes == whole[&name];
                assert!(is_right, "{line}: {name} is neither old nor new, killed in run {kill}");
            }
            // One that was left behind is taken over, and not joined by another.
            let temporaries = temporaries(&scratch);
            assert!(temporaries.len() <= outputs(line).len(), "{line}: {temporaries:?}");
        }
        // A whole one need not show who wrote it, and would not be replaced.
        for name in outputs(line) {
            let _ = fs::remove_file(scratch.path(name));
        }
        assert!(wait(&mut spawn()).success(), "{line}");
        assert!(found(&scratch, line) == whole, "{line}");
        assert_eq!(temporaries(&scratch), [""; 0], "{line}");
        for name in outputs(line) {
            fs::remove_file(scratch.path(name)).unwrap();
        }
        progress(line, kills, "kills", start);
    }
}

/// Somebody cleans up, with an `rm -r` in another window.
#[test]
fn a_folder_that_vanishes_while_it_is_written_into_is_told() {
    let scratch = with_bench(40);
    furnish(&scratch);
    let (names, source) = (scratch.names(), scratch.read("in.pcapng"));
    // What reads no capture is over before anybody could clean up.
    let is_slow = |line: &&&str| outputs(line).len() == 1 && line.contains(" in.pcapng");
    for line in WRITERS.iter().filter(is_slow) {
        let [name] = outputs(line)[..] else { continue };
        fs::create_dir(scratch.path("folder")).unwrap();
        let words = line.split(' ').map(|word| match word {
            "in.pcapng" => "-".to_owned(),
            word if word == name => format!("folder/{name}"),
            word => word.to_owned(),
        });
        let mut command = mirror_pcap().within(&scratch).args(words).command();
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&source[..source.len() / 2]).unwrap();
        let start = Instant::now();
        while fs::read_dir(scratch.path("folder")).unwrap().count() == 0 {
            assert!(start.elapsed() < Duration::from_secs(60), "{line}: it makes no temporary");
            thread::sleep(Duration::from_millis(1));
        }
        fs::remove_dir_all(scratch.path("folder")).unwrap();
        let _ = stdin.write_all(&source[source.len() / 2..]);
        drop(stdin);
        let status = wait(&mut child);
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        let why = "No such file or directory";
        same(&stderr, &format!("mirror-pcap: folder/{name}: {why}\n"));
        assert_eq!(status.code(), Some(3), "{line}");
        assert_eq!(scratch.names(), names);
    }
}
