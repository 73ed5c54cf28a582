//! A run that is ended in the middle: by a signal, by `kill -9`, by Ctrl-C on a live capture.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    harness::{Run, Scratch, mirror_pcap, same, wait},
    output::{OLD, can, stripped, with_bench},
};

/// Long enough for any machine, and never waited for to its end by a test that passes.
const PATIENCE: Duration = Duration::from_secs(60);

const SIGNALS: [(Signal, &str, i32); 3] =
    [(Signal::INT, "SIGINT", 130), (Signal::TERM, "SIGTERM", 143), (Signal::HUP, "SIGHUP", 129)];

const TEMPORARY: &str = ".out.pcapng.0.mirror-pcap";

/// Strip, with the signals as a terminal's shell would hand them down: whoever
/// runs the tests may have had them ignored.
fn strip(scratch: &Scratch, args: &[&str]) -> Run {
    let by = ["env", "--default-signal=INT,TERM,HUP"];
    mirror_pcap().within(scratch).under(by).arg("strip").args(args)
}

pub(crate) fn spawn(run: &Run) -> Child {
    let mut command = run.command();
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

pub(crate) fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Wait for the end; the exit status as a shell tells it, and what it said.
#[track_caller]
pub(crate) fn end(child: &mut Child) -> (Option<i32>, String) {
    let status = wait(child);
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert!(!stderr.contains("panicked"), "{stderr}");
    (status.code(), stderr)
}

#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        thread::sleep(Duration::from_micros(200));
    }
}

pub(crate) fn len(scratch: &Scratch, name: &str) -> u64 {
    fs::metadata(scratch.path(name)).map_or(0, |file| file.len())
}

/// Feed half of `in.pcapng` and wait until some of it is in the temporary.
fn feed_half(scratch: &Scratch, child: &mut Child) -> std::process::ChildStdin {
    let source = scratch.read("in.pcapng");
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&source[..source.len() / 2]).unwrap();
    until("something is written", || len(scratch, TEMPORARY) > 0);
    stdin
}

#[test]
fn a_killed_run_leaves_the_old_file_and_the_next_one_cleans_up() {
    let scratch = with_bench(1000);
    let want = stripped(&scratch);
    for threads in ["1", "2"] {
        scratch.write("out.pcapng", OLD);
        let run = strip(&scratch, &["--threads", threads, "-", "out.pcapng"]);
        let mut child = spawn(&run);
        let stdin = feed_half(&scratch, &mut child);
        send(&child, Signal::KILL);
        wait(&mut child);
        drop(stdin);
        assert_eq!(scratch.read("out.pcapng"), OLD);
        assert_eq!(scratch.names(), [TEMPORARY, "in.pcapng", "out.pcapng"]);

        strip(&scratch, &["-q", "in.pcapng", "out.pcapng"]).succeeds().stderr("");
        assert_eq!(scratch.read("out.pcapng"), want);
        assert_eq!(scratch.names(), ["in.pcapng", "out.pcapng"]);
    }
}

#[test]
fn runs_with_one_output_do_not_meddle_with_each_other() {
    let scratch = with_bench(1000);
    let (source, want) = (scratch.read("in.pcapng"), stripped(&scratch));
    scratch.write("out.pcapng", OLD);
    let run = strip(&scratch, &["-q", "-", "out.pcapng"]);
    let mut first = spawn(&run);
    let mut second = spawn(&run);
    for child in [&first, &second] {
        let mut stdin = child.stdin.as_ref().unwrap();
        stdin.write_all(&source[..source.len() / 2]).unwrap();
    }
    until("both write", || {
        len(&scratch, TEMPORARY) > 0 && len(&scratch, ".out.pcapng.1.mirror-pcap") > 0
    });
    // A third, in between, neither waits for them nor takes their files for stale.
    strip(&scratch, &["-q", "in.pcapng", "out.pcapng"]).succeeds().stderr("");
    assert_eq!(scratch.names().len(), 4, "{:?}", scratch.names());
    for child in [&mut second, &mut first] {
        scratch.write("out.pcapng", OLD);
        child.stdin.take().unwrap().write_all(&source[source.len() / 2..]).unwrap();
        same(&format!("{:?}", end(child)), "(Some(0), \"\")");
        assert_eq!(scratch.read("out.pcapng"), want);
    }
    assert_eq!(scratch.names(), ["in.pcapng", "out.pcapng"]);
}

/// Start `run` and stop it (SIGSTOP) while it is surely in mid-write.
fn stopped_in_mid_write(scratch: &Scratch, run: &Run) -> Child {
    for _ in 0..50 {
        let mut child = spawn(run);
        until("it writes, or has ended", || {
            len(scratch, TEMPORARY) > 0 || child.try_wait().unwrap().is_some()
        });
        if child.try_wait().unwrap().is_none() {
            send(&child, Signal::STOP);
            if scratch.path(TEMPORARY).exists() {
                return child;
            }
            send(&child, Signal::CONT);
        }
        wait(&mut child);
    }
    panic!("it was always too quick");
}

#[test]
fn a_signal_in_mid_write_takes_the_temporary_along_and_says_what_became_of_the_file() {
    let scratch = with_bench(60_000);
    let run = strip(&scratch, &["in.pcapng", "out.pcapng"]);
    for (signal, name, code) in SIGNALS {
        for (old, state) in [(None, "was not written"), (Some(OLD), "is unchanged")] {
            let _ = fs::remove_file(scratch.path("out.pcapng"));
            if let Some(old) = old {
                scratch.write("out.pcapng", old);
            }
            let mut child = stopped_in_mid_write(&scratch, &run);
            // On a second attempt the first may have made it.
            let before = fs::read(scratch.path("out.pcapng")).ok();
            let state = if before.is_some() { "is unchanged" } else { state };
            send(&child, signal);
            send(&child, Signal::CONT);
            let (status, stderr) = end(&mut child);
            same(&stderr, &format!("mirror-pcap: ended by {name}; out.pcapng {state}\n"));
            assert_eq!(status, Some(code));
            assert!(fs::read(scratch.path("out.pcapng")).ok() == before, "{name}: out changed");
            assert!(!scratch.path(TEMPORARY).exists());
        }
    }
}

#[test]
fn the_report_of_a_run_that_is_ended_goes_as_well() {
    let scratch = with_bench(60_000);
    scratch.write("out.pcapng", OLD);
    let run = strip(&scratch, &["in.pcapng", "out.pcapng", "--json", "counts.json"]);
    let mut child = stopped_in_mid_write(&scratch, &run);
    send(&child, Signal::TERM);
    send(&child, Signal::CONT);
    let (status, stderr) = end(&mut child);
    same(&stderr, "mirror-pcap: ended by SIGTERM; out.pcapng is unchanged\n");
    assert_eq!(status, Some(143));
    assert_eq!(scratch.names(), ["in.pcapng", "out.pcapng"]);
}

/// `nohup`, and a shell's background jobs.
#[test]
fn a_signal_that_was_ignored_from_the_start_stays_ignored() {
    if !can(&["env", "--ignore-signal=HUP", "true"]) {
        return;
    }
    let scratch = with_bench(60_000);
    let want = stripped(&scratch);
    for (signal, name, _) in SIGNALS {
        let ignore = format!("--ignore-signal={}", &name[3..]);
        let run = strip(&scratch, &["-q", "in.pcapng", "out.pcapng"]).under(["env", &ignore]);
        let mut child = stopped_in_mid_write(&scratch, &run);
        send(&child, signal);
        send(&child, Signal::CONT);
        same(&format!("{:?}", end(&mut child)), "(Some(0), \"\")");
        assert!(scratch.read("out.pcapng") == want, "{name}");
    }
}

/// Where the blocks of `source` end.
fn block_ends(source: &[u8]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut at = 0;
    while let Some(length) = source.get(at + 4..at + 8) {
        at += u32::from_le_bytes(length.try_into().unwrap()) as usize;
        ends.push(at);
    }
    ends
}

/// What strip makes of the first `len` bytes of `in.pcapng`, which end a block.
fn stripped_front(scratch: &Scratch, len: usize) -> Vec<u8> {
    let front = scratch.read("in.pcapng")[..len].to_vec();
    let run = mirror_pcap().within(scratch).args(["strip", "-q", "-", "-"]).stdin(front);
    run.succeeds().stdout
}

#[test]
fn the_first_signal_on_a_live_capture_finishes_with_what_has_arrived() {
    let scratch = with_bench(40);
    let source = scratch.read("in.pcapng");
    let cut = block_ends(&source)[20];
    let want = stripped_front(&scratch, cut);
    for (signal, name, _) in SIGNALS {
        let mut child = spawn(&strip(&scratch, &["-", "out.pcapng"]));
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&source[..cut]).unwrap();
        until("it waits", || len(&scratch, TEMPORARY) == want.len() as u64);
        send(&child, signal);
        // The pipe stays open all the time.
        let (status, stderr) = end(&mut child);
        assert_eq!(status, Some(0), "{name}: {stderr}");
        let said = "mirror-pcap: stopped by a signal; what had arrived is written\n";
        assert!(stderr.ends_with(said), "{stderr}");
        assert!(scratch.read("out.pcapng") == want, "{name}");
        assert_eq!(scratch.names(), ["in.pcapng", "out.pcapng"]);
        drop(stdin);
    }
}

#[test]
fn what_is_on_its_way_when_the_signal_comes_is_still_read() {
    let scratch = with_bench(40);
    let source = scratch.read("in.pcapng");
    let (cut, rest) = (block_ends(&source)[20], block_ends(&source)[30]);
    let half = stripped_front(&scratch, cut).len() as u64;
    let want = stripped_front(&scratch, rest);
    let mut child = spawn(&strip(&scratch, &["-q", "-", "out.pcapng"]));
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&source[..cut]).unwrap();
    until("it waits", || len(&scratch, TEMPORARY) == half);
    // It is asleep while both arrive, as when Ctrl-C reaches a whole pipeline.
    send(&child, Signal::STOP);
    stdin.write_all(&source[cut..rest]).unwrap();
    send(&child, Signal::INT);
    send(&child, Signal::CONT);
    assert_eq!(end(&mut child).0, Some(0));
    assert!(scratch.read("out.pcapng") == want);
}

#[test]
fn a_block_that_had_arrived_by_half_when_we_stopped_is_no_damage() {
    let scratch = with_bench(40);
    let source = scratch.read("in.pcapng");
    let cut = block_ends(&source)[20];
    let want = stripped_front(&scratch, cut);
    let mut child = spawn(&strip(&scratch, &["-", "out.pcapng"]));
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&source[..cut + 50]).unwrap();
    until("it waits", || len(&scratch, TEMPORARY) == want.len() as u64);
    send(&child, Signal::INT);
    let (status, stderr) = end(&mut child);
    assert_eq!(status, Some(0), "{stderr}");
    assert!(stderr.contains("19 packets read") && !stderr.contains(": byte "), "{stderr}");
    assert!(scratch.read("out.pcapng") == want);
}

/// Then it is: the feeder has gone, and the rest will never come.
#[test]
fn a_block_that_the_feeder_left_by_half_is_told_as_damage() {
    let scratch = with_bench(40);
    let source = scratch.read("in.pcapng");
    let cut = block_ends(&source)[20];
    let want = stripped_front(&scratch, cut);
    let mut child = spawn(&strip(&scratch, &["-", "out.pcapng"]));
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&source[..cut + 50]).unwrap();
    until("it waits", || len(&scratch, TEMPORARY) == want.len() as u64);
    drop(stdin);
    let (status, stderr) = end(&mut child);
    assert_eq!(status, Some(4), "{stderr}");
    assert!(stderr.contains(&format!("standard input: byte {cut}: ")), "{stderr}");
    assert!(scratch.read("out.pcapng") == want);
}

/// Write a bit of a block every few milliseconds, until nobody reads any more.
fn dribble(mut stdin: impl Write + Send + 'static, bytes: Vec<u8>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for piece in bytes.chunks(16).cycle() {
            if stdin.write_all(piece).is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
    })
}

#[test]
fn the_first_signal_on_a_live_capture_gives_the_inventory_of_what_has_arrived() {
    let scratch = with_bench(40);
    let source = scratch.read("in.pcapng");
    let cut = block_ends(&source)[20];
    let by = ["env", "--default-signal=INT,TERM,HUP"];
    let want = mirror_pcap().args(["sessions", "-"]).stdin(&source[..cut]).succeeds().stdout;
    let mut command = mirror_pcap().under(by).args(["sessions", "-"]).command();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Half a block more, which is no damage.
    stdin.write_all(&source[..cut + 20]).unwrap();
    let status = format!("/proc/{}/status", child.id());
    until("it watches for signals", || {
        let status = fs::read_to_string(&status).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        u64::from_str_radix(caught.trim(), 16).unwrap() & 0b10 != 0
    });
    send(&child, Signal::INT);
    // The pipe stays open all the time.
    let (status, stderr) = end(&mut child);
    assert_eq!(status, Some(0), "{stderr}");
    same(&stderr, "mirror-pcap: stopped by a signal; what had arrived is counted\n");
    let mut got = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut got).unwrap();
    same(&String::from_utf8(got).unwrap(), &String::from_utf8(want).unwrap());
    drop(stdin);
}

#[test]
fn the_second_signal_gives_up() {
    let scratch = with_bench(2000);
    let source = scratch.read("in.pcapng");
    let cut = block_ends(&source)[20];
    let part = stripped_front(&scratch, cut).len() as u64;
    scratch.write("out.pcapng", OLD);
    let mut child = spawn(&strip(&scratch, &["-", "out.pcapng"]));
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&source[..cut]).unwrap();
    until("it waits", || len(&scratch, TEMPORARY) >= part);
    // Never quiet, so that the first signal alone does not end it at once.
    let feeder = dribble(stdin, source[cut..].to_vec());
    send(&child, Signal::INT);
    thread::sleep(Duration::from_millis(100));
    send(&child, Signal::TERM);
    let (status, stderr) = end(&mut child);
    same(&stderr, "mirror-pcap: ended by SIGTERM; out.pcapng is unchanged\n");
    assert_eq!(status, Some(143));
    assert_eq!(scratch.read("out.pcapng"), OLD);
    assert_eq!(scratch.names(), ["in.pcapng", "out.pcapng"]);
    feeder.join().unwrap();
}

/// A feeder that the signal did not reach goes on for ever.
#[test]
fn the_first_signal_ends_even_a_pipe_that_is_never_quiet() {
    let scratch = with_bench(2000);
    let source = scratch.read("in.pcapng");
    let cut = block_ends(&source)[20];
    let mut child = spawn(&strip(&scratch, &["-", "out.pcapng"]));
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&source[..cut]).unwrap();
    until("it waits", || len(&scratch, TEMPORARY) > 0);
    let feeder = dribble(stdin, source[cut..].to_vec());
    let start = Instant::now();
    send(&child, Signal::INT);
    let (status, stderr) = end(&mut child);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert_eq!(status, Some(0), "{stderr}");
    assert!(stderr.contains("stopped by a signal"), "{stderr}");
    assert!(scratch.read("out.pcapng").starts_with(&stripped_front(&scratch, cut)));
    feeder.join().unwrap();
}

#[test]
fn a_signal_before_anything_has_arrived_ends_it() {
    let scratch = Scratch::new();
    let mut child = spawn(&strip(&scratch, &["-", "out.pcapng"]));
    // Its handlers are in place before it reads, so wait for the reading.
    let status = format!("/proc/{}/status", child.id());
    until("it catches SIGINT", || {
        let status = fs::read_to_string(&status).unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0");
        u64::from_str_radix(mask.trim(), 16).unwrap() & 0b10 != 0
    });
    send(&child, Signal::INT);
    let (status, stderr) = end(&mut child);
    assert_eq!(status, Some(130), "{stderr}");
    assert_eq!(
        stderr,
        "mirror-pcap: standard input: stopped by SIGINT before a capture had begun\n"
    );
    assert!(scratch.names().is_empty());
}

/// Without a temporary there is nothing to tidy, and a signal does what it always does.
#[test]
fn a_signal_while_a_pipe_is_written_ends_it_at_once() {
    use std::os::unix::process::ExitStatusExt;
    let scratch = with_bench(5000);
    let run = strip(&scratch, &["in.pcapng", "-"]);
    let (mut read, write) = io::pipe().unwrap();
    let mut command = run.command();
    let mut child = command.stdout(write).stderr(Stdio::piped()).spawn().unwrap();
    drop(command);
    // The pipe takes no more than this much of it.
    read.read_exact(&mut [0; 100]).unwrap();
    send(&child, Signal::INT);
    let status = wait(&mut child);
    assert_eq!(status.signal(), Some(2), "{status}");
}

/// The progress bar has the line; what is said at the end must not be appended to it.
#[test]
fn at_a_terminal_the_last_word_begins_on_a_clean_line() {
    let scratch = with_bench(60_000);
    if !can(&["script", "-qec", "true", "/dev/null"]) {
        return;
    }
    let script = format!("exec {} strip in.pcapng out.pcapng", env!("CARGO_BIN_EXE_mirror-pcap"));
    let mut command = std::process::Command::new("script");
    command.args(["-qec", &script, "/dev/null"]).current_dir(scratch.folder());
    let screen = File::create(scratch.path("screen")).unwrap();
    let mut child = command.stdin(Stdio::null()).stdout(screen).spawn().unwrap();
    until("it writes", || len(&scratch, TEMPORARY) > 0);
    let ours = fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id())).unwrap();
    let ours: i32 = ours.trim().parse().unwrap();
    kill_process(Pid::from_raw(ours).unwrap(), Signal::TERM).unwrap();
    wait(&mut child);
    let screen = String::from_utf8(scratch.read("screen")).unwrap();
    let said = "\r\u{1b}[2Kmirror-pcap: ended by SIGTERM; out.pcapng was not written\r\n";
    assert!(screen.ends_with(said), "{screen:?}");
}
