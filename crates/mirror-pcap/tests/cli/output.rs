//! Where the output goes: all or nothing, whatever is in the way.

use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    io::{self, Read},
    os::unix::{
        ffi::OsStrExt,
        fs::{FileTypeExt, MetadataExt, PermissionsExt, chown, symlink},
    },
    path::Path,
    process::{Command, Stdio},
    thread,
};

use mirror_testkit::bench::{self, InnerSize, Plan};

use crate::commands::{PRINTERS, WRITERS, furnish, outputs};
use crate::harness::{Run, Scratch, mirror_pcap, same, skipped, wait};

pub(crate) const OLD: &[u8] = b"what was there before";

/// A folder with `in.pcapng`, a small capture.
pub(crate) fn with_input() -> Scratch {
    let scratch = Scratch::new();
    scratch.copy("captures/lab-d/input.pcapng", "in.pcapng");
    scratch
}

/// A folder with `in.pcapng`, a capture of so many packets of about 650 bytes.
pub(crate) fn with_bench(packets: u64) -> Scratch {
    let scratch = Scratch::new();
    let mut out = io::BufWriter::new(File::create(scratch.path("in.pcapng")).unwrap());
    bench::write(&mut out, &Plan { packets, seed: 1, inner: InnerSize::Imix }).unwrap();
    out.into_inner().unwrap();
    scratch
}

pub(crate) fn strip(scratch: &Scratch, args: &[&str]) -> Run {
    mirror_pcap().within(scratch).args(["strip", "-q"]).args(args)
}

/// What strip makes of `in.pcapng`.
pub(crate) fn stripped(scratch: &Scratch) -> Vec<u8> {
    let seen = strip(scratch, &["in.pcapng", "-"]).succeeds();
    assert!(!seen.stdout.is_empty());
    seen.stdout
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether this program can be run; a test that needs it says so if not.
pub(crate) fn can(program: &[&str]) -> bool {
    let [name, args @ ..] = program else { return false };
    let ran = Command::new(name).args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let can = ran.is_ok_and(|status| status.success());
    if !can {
        skipped(&format!("`{}` does not work here", program.join(" ")));
    }
    can
}

/// Words before the command so that it runs as nobody, with a folder of its own;
/// none if that is not to be had.
pub(crate) fn as_nobody(scratch: &Scratch) -> Option<Vec<&'static str>> {
    if !is_root() {
        return Some(vec!["env"]);
    }
    let by = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let mut trial = by.to_vec();
    trial.extend([env!("CARGO_BIN_EXE_mirror-pcap"), "--version"]);
    if !can(&trial) {
        return None;
    }
    chown(scratch.folder(), Some(65534), Some(65534)).unwrap();
    for name in scratch.names() {
        chown(scratch.path(name), Some(65534), Some(65534)).unwrap();
    }
    Some(by.to_vec())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

#[test]
fn a_full_disk_leaves_the_old_file_and_no_temporary() {
    if !is_root() || !can(&["unshare", "-m", "sh", "-c", "mount -t tmpfs none /mnt"]) {
        return skipped("a full disk: only root may mount one");
    }
    let scratch = with_bench(2000);
    furnish(&scratch);
    for line in WRITERS {
        let args = line.replace(" out", " disk/out");
        // The mount is seen by this shell alone, and goes with it.
        let script = format!(
            "mkdir -p disk && mount -t tmpfs -o size=64k none disk && printf old > disk/{name} \
             && \"$0\" {args}; echo \"exit $?, $(cat disk/{name}), $(ls -A disk)\"",
            name = outputs(line)[0],
        );
        let seen = mirror_pcap()
            .within(&scratch)
            .under(["unshare", "-m", "sh", "-c", script.as_str()])
            .succeeds();
        let name = outputs(line)[0];
        let want = format!("mirror-pcap: disk/{name}: No space left on device\n");
        seen.stdout(&format!("exit 3, old, {name}\n")).stderr(&want);
    }
}

/// The signal that comes with it would end the process without a word.
#[test]
fn a_limit_on_the_size_of_files_fails_like_a_full_disk() {
    if !can(&["prlimit", "--fsize=65536", "true"]) {
        return;
    }
    let scratch = with_bench(2000);
    scratch.write("out.pcapng", OLD);
    for threads in ["1", "2"] {
        strip(&scratch, &["--threads", threads, "in.pcapng", "out.pcapng"])
            .under(["prlimit", "--fsize=65536"])
            .fails_with(3)
            .stderr("mirror-pcap: out.pcapng: File too large\n");
        assert_eq!(scratch.read("out.pcapng"), OLD);
        assert_eq!(scratch.names(), ["in.pcapng", "out.pcapng"]);
    }
    let mut command = mirror_pcap().under(["prlimit", "--fsize=100"]).arg("man").command();
    let out = File::create(scratch.path("page")).unwrap();
    let output = command.stdout(out).stderr(Stdio::piped()).output().unwrap();
    same(
        &String::from_utf8(output.stderr).unwrap(),
        "mirror-pcap: standard output: File too large\n",
    );
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn a_full_device_is_a_failed_output_of_every_command() {
    let scratch = with_input();
    strip(&scratch, &["in.pcapng", "/dev/full"])
        .fails_with(3)
        .stderr("mirror-pcap: /dev/full: No space left on device\n");
    strip(&scratch, &["--json", "/dev/full", "in.pcapng", "out.pcapng"])
        .fails_with(3)
        .stderr("mirror-pcap: /dev/full: No space left on device\n");
    furnish(&scratch);
    let commands = ["strip -q in.pcapng", "strip -q in.pcapng /dev/stdout"];
    for line in commands.iter().chain(PRINTERS) {
        let mut command = mirror_pcap().within(&scratch).args(line.split(' ')).command();
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = command.stdout(full).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        // Some tell what they have to beside what they print.
        let why = "mirror-pcap: standard output: No space left on device\n";
        assert!(stderr.ends_with(why), "{line}: {stderr}");
        assert_eq!(output.status.code(), Some(3), "{line}");
    }
}

#[test]
fn a_folder_that_takes_no_new_file_keeps_the_old_one() {
    let scratch = with_input();
    scratch.write("old.pcapng", OLD);
    let Some(nobody) = as_nobody(&scratch) else { return };
    set_mode(scratch.folder(), 0o555);
    strip(&scratch, &["in.pcapng", "new.pcapng"])
        .under(&nobody)
        .fails_with(3)
        .stderr("mirror-pcap: new.pcapng: Permission denied\n");
    let want = "mirror-pcap: old.pcapng: no temporary file can be made beside it: Permission \
                denied\n";
    strip(&scratch, &["in.pcapng", "old.pcapng"]).under(&nobody).fails_with(3).stderr(want);
    set_mode(scratch.folder(), 0o755);
    assert_eq!(scratch.names(), ["in.pcapng", "old.pcapng"]);
    assert_eq!(scratch.read("old.pcapng"), OLD);
}

#[test]
fn a_file_that_may_not_be_written_is_not_replaced() {
    let scratch = with_input();
    let old = scratch.write("old.pcapng", OLD);
    set_mode(&old, 0o444);
    let Some(nobody) = as_nobody(&scratch) else { return };
    strip(&scratch, &["in.pcapng", "old.pcapng"])
        .under(&nobody)
        .fails_with(3)
        .stderr("mirror-pcap: old.pcapng: Permission denied\n");
    assert_eq!(scratch.names(), ["in.pcapng", "old.pcapng"]);
    assert_eq!(scratch.read("old.pcapng"), OLD);
}

#[test]
fn a_link_stays_and_what_it_leads_to_is_replaced() {
    let scratch = with_input();
    let want = stripped(&scratch);
    fs::create_dir(scratch.path("away")).unwrap();
    scratch.write("away/real.pcapng", OLD);
    symlink("away/real.pcapng", scratch.path("near")).unwrap();
    symlink("../near", scratch.path("away/far")).unwrap();
    symlink("away/none.pcapng", scratch.path("dangling")).unwrap();
    strip(&scratch, &["in.pcapng", "away/far"]).succeeds();
    strip(&scratch, &["in.pcapng", "dangling"]).succeeds();
    assert_eq!(scratch.read("away/real.pcapng"), want);
    assert_eq!(scratch.read("away/none.pcapng"), want);
    for link in ["away/far", "near", "dangling"] {
        assert!(scratch.path(link).is_symlink(), "{link}");
    }
    assert_eq!(scratch.names(), ["away", "dangling", "in.pcapng", "near"]);
    assert_eq!(fs::read_dir(scratch.path("away")).unwrap().count(), 3);
}

#[test]
fn links_in_a_circle_end() {
    let scratch = with_input();
    symlink("b", scratch.path("a")).unwrap();
    symlink("a", scratch.path("b")).unwrap();
    strip(&scratch, &["in.pcapng", "a"])
        .fails_with(3)
        .stderr("mirror-pcap: a: Too many levels of symbolic links\n");
    assert_eq!(scratch.names(), ["a", "b", "in.pcapng"]);
}

#[test]
fn names_that_cannot_be_files_are_refused_before_the_work() {
    let scratch = with_input();
    fs::create_dir(scratch.path("folder")).unwrap();
    symlink("none/", scratch.path("link")).unwrap();
    let cases = [
        ("folder", "is a folder, expected a file"),
        ("folder/", "is a folder, expected a file"),
        ("..", "is a folder, expected a file"),
        ("none/", "is not the name of a file"),
        ("none/.", "is not the name of a file"),
        ("link", "is not the name of a file"),
        ("none/out.pcapng", "No such file or directory"),
        ("in.pcapng/out.pcapng", "Not a directory"),
    ];
    for (name, why) in cases {
        // The input never ends: only a refusal beforehand can.
        let mut command = strip(&scratch, &["-", name]).command();
        let (read, mut write) = io::pipe().unwrap();
        io::Write::write_all(&mut write, &scratch.read("in.pcapng")[..1000]).unwrap();
        let mut child = command.stdin(read).stderr(Stdio::piped()).spawn().unwrap();
        assert_eq!(wait(&mut child).code(), Some(3), "{name}");
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        same(&stderr, &format!("mirror-pcap: {name}: {why}\n"));
    }
    let long = "x".repeat(256);
    strip(&scratch, &["in.pcapng", &long])
        .fails_with(3)
        .stderr(&format!("mirror-pcap: {long}: File name too long\n"));
    assert_eq!(scratch.names(), ["folder", "in.pcapng", "link"]);
}

#[test]
fn the_longest_name_and_names_that_are_no_text_work() {
    let scratch = with_input();
    let want = stripped(&scratch);
    let names: [&[u8]; 4] = [&[b'x'; 255], b"caf\xe9.pcapng", b" -\n", b"\xff"];
    for name in names {
        let path = scratch.path(OsStr::from_bytes(name));
        for _ in 0..2 {
            strip(&scratch, &["in.pcapng"]).arg(&path).succeeds();
        }
        assert_eq!(fs::read(&path).unwrap(), want);
        // As input too, and reported in characters that a terminal survives.
        let seen = mirror_pcap().within(&scratch).arg("strip").arg(&path).succeeds();
        assert!(seen.stderr.contains("58 kept"), "{}", seen.stderr);
        assert_eq!(seen.stdout, want);
        fs::remove_file(&path).unwrap();
    }
    assert_eq!(scratch.names(), ["in.pcapng"]);
    strip(&scratch, &["\u{1b}]0;x\u{7}\r", "out"])
        .fails_with(2)
        .stderr("mirror-pcap: \\u{1b}]0;x\\u{7}\\r: No such file or directory\n");
}

#[test]
fn a_fifo_is_written_directly_and_stays() {
    let scratch = with_input();
    let want = stripped(&scratch);
    let fifo = scratch.path("fifo");
    if !can(&["mkfifo", fifo.to_str().unwrap()]) {
        return;
    }
    symlink("fifo", scratch.path("link")).unwrap();
    for name in ["fifo", "link"] {
        let fifo = fifo.clone();
        let reader = thread::spawn(move || fs::read(fifo).unwrap());
        strip(&scratch, &["--sync", "in.pcapng", name]).succeeds();
        assert_eq!(reader.join().unwrap(), want);
    }
    assert!(fs::metadata(&fifo).unwrap().file_type().is_fifo());
    // And read from.
    let (source, fifo) = (scratch.read("in.pcapng"), fifo.clone());
    let writer = thread::spawn(move || fs::write(fifo, source).unwrap());
    assert_eq!(strip(&scratch, &["fifo", "-"]).succeeds().stdout, want);
    writer.join().unwrap();
    assert_eq!(scratch.names(), ["fifo", "in.pcapng", "link"]);
}

#[test]
fn devices_are_written_directly_and_stay() {
    let scratch = with_input();
    strip(&scratch, &["--sync", "in.pcapng", "/dev/null", "--json", "/dev/null"]).succeeds();
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
}

/// `>(command)` of a shell names a pipe /dev/fd/N, which has no folder to put a temporary in.
#[test]
fn what_is_open_already_is_written_through_its_descriptor() {
    let scratch = with_input();
    let want = stripped(&scratch);
    for name in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/dev/fd/3", "/proc/self/fd/3"] {
        let by = ["sh", "-c", "exec \"$0\" \"$@\" 3>&1"];
        let seen = strip(&scratch, &["in.pcapng", name]).under(by).succeeds();
        assert_eq!(seen.stdout, want, "{name}");
    }
    // A file keeps what `>>` promised, and its inode, which others may have open.
    for name in ["-", "/dev/stdout", "/dev/fd/1"] {
        let out = scratch.write("out", OLD);
        let before = fs::metadata(&out).unwrap().ino();
        let file = OpenOptions::new().append(true).open(&out).unwrap();
        let status = strip(&scratch, &["in.pcapng", name]).command().stdout(file).status().unwrap();
        assert!(status.success());
        assert_eq!(fs::read(&out).unwrap(), [OLD, &want].concat(), "{name}");
        assert_eq!(fs::metadata(&out).unwrap().ino(), before);
    }
    // Of other descriptors as well; one that is not appended to is emptied first.
    for (how, kept) in [(">>", OLD), ("<>", b"")] {
        let out = scratch.write("out", OLD);
        let by = format!("exec \"$0\" \"$@\" 3{how}out");
        strip(&scratch, &["in.pcapng", "/dev/fd/3"]).under(["sh", "-c", &by]).succeeds();
        assert!(fs::read(&out).unwrap() == [kept, &want].concat(), "{how}");
    }
    assert_eq!(scratch.names(), ["in.pcapng", "out"]);
}

#[test]
fn the_input_may_be_the_output() {
    let scratch = with_input();
    let (source, want) = (scratch.read("in.pcapng"), stripped(&scratch));
    strip(&scratch, &["in.pcapng", "in.pcapng"]).succeeds();
    assert_eq!(scratch.read("in.pcapng"), want);

    scratch.write("in.pcapng", &source);
    symlink("in.pcapng", scratch.path("link")).unwrap();
    strip(&scratch, &["in.pcapng", "link"]).succeeds();
    assert_eq!(scratch.read("in.pcapng"), want);
    scratch.write("in.pcapng", &source);
    strip(&scratch, &["link", "in.pcapng"]).succeeds();
    assert_eq!(scratch.read("in.pcapng"), want);

    // Another name of the same file is another place: only what was named changes.
    scratch.write("in.pcapng", &source);
    fs::hard_link(scratch.path("in.pcapng"), scratch.path("twin")).unwrap();
    strip(&scratch, &["in.pcapng", "twin"]).succeeds();
    assert_eq!(scratch.read("in.pcapng"), source);
    assert_eq!(scratch.read("twin"), want);
    assert_eq!(scratch.names(), ["in.pcapng", "link", "twin"]);
}

/// It would be read as fast as it grows, until the disk is full.
#[test]
fn a_file_is_not_appended_to_itself() {
    let scratch = with_input();
    let source = scratch.read("in.pcapng");
    let both = OpenOptions::new().append(true).open(scratch.path("in.pcapng")).unwrap();
    let mut command = strip(&scratch, &["in.pcapng", "-"]).command();
    let output = command.stdout(both).output().unwrap();
    same(
        &String::from_utf8(output.stderr).unwrap(),
        "mirror-pcap: standard output is the input as well\n",
    );
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(scratch.read("in.pcapng"), source);
}

/// It was emptied before it was recognised.
#[test]
fn the_input_is_recognised_by_its_descriptor_before_anything_happens_to_it() {
    let scratch = with_input();
    let source = scratch.read("in.pcapng");
    let by = ["sh", "-c", "exec \"$0\" \"$@\" 3<>in.pcapng"];
    let seen = strip(&scratch, &["in.pcapng", "/proc/self/fd/3"]).under(by).fails_with(2);
    seen.stderr("mirror-pcap: /proc/self/fd/3 is the input as well\n");
    assert!(scratch.read("in.pcapng") == source);
}

/// The counts took the place of the capture they were about.
#[test]
fn a_report_replaces_neither_the_input_nor_what_standard_output_is() {
    let scratch = with_input();
    let source = scratch.read("in.pcapng");
    strip(&scratch, &["in.pcapng", "out.pcapng", "--json", "in.pcapng"]).fails_with(2).stderr(
        "mirror-pcap: in.pcapng: is a capture, and what --json FILE writes takes the place of \
             none; name another file, or remove this one first\n",
    );
    assert!(scratch.read("in.pcapng") == source);
    let by = ["sh", "-c", "exec \"$0\" \"$@\" >both"];
    strip(&scratch, &["in.pcapng", "-", "--json", "both"])
        .under(by)
        .fails_with(2)
        .stderr("mirror-pcap: --json: the capture goes to both as well\n");
    assert_eq!(scratch.names(), ["both", "in.pcapng"]);
}

/// Nothing has that name yet, so no two files tell that it is one.
#[test]
fn a_report_does_not_take_the_name_that_the_capture_is_to_have() {
    let scratch = with_input();
    symlink("new.pcapng", scratch.path("link")).unwrap();
    for json in ["new.pcapng", "./new.pcapng", "link"] {
        strip(&scratch, &["in.pcapng", "new.pcapng", "--json", json])
            .fails_with(2)
            .stderr(&format!("mirror-pcap: --json: the capture goes to {json} as well\n"));
        assert_eq!(scratch.names(), ["in.pcapng", "link"]);
    }
    fs::create_dir(scratch.path("sub")).unwrap();
    for json in ["new.json", "sub/new.pcapng"] {
        let _ = fs::remove_file(scratch.path("new.pcapng"));
        strip(&scratch, &["in.pcapng", "new.pcapng", "--json", json]).succeeds();
    }
}

/// The capture had its name already when the report failed.
#[test]
fn a_report_that_fails_leaves_the_old_capture() {
    let scratch = with_input();
    scratch.write("out.pcapng", OLD);
    strip(&scratch, &["in.pcapng", "out.pcapng", "--json", "/dev/full"])
        .fails_with(3)
        .stderr("mirror-pcap: /dev/full: No space left on device\n");
    assert_eq!(scratch.read("out.pcapng"), OLD);
    assert_eq!(scratch.names(), ["in.pcapng", "out.pcapng"]);
}

#[test]
fn a_replaced_file_keeps_its_mode_and_a_new_one_obeys_the_umask() {
    let scratch = with_input();
    let out = scratch.write("out.pcapng", OLD);
    for wanted in [0o600, 0o640, 0o644, 0o666, 0o700] {
        set_mode(&out, wanted);
        strip(&scratch, &["in.pcapng", "out.pcapng"])
            .under(["sh", "-c", "umask 027; exec \"$0\" \"$@\""])
            .succeeds();
        assert_eq!(format!("{:o}", mode(&out)), format!("{wanted:o}"));
    }
    set_mode(&out, 0o4755);
    strip(&scratch, &["in.pcapng", "out.pcapng"]).succeeds();
    assert_eq!(mode(&out), 0o755, "nobody runs a capture as its owner");
    for (umask, wanted) in [("022", 0o644), ("027", 0o640), ("077", 0o600), ("000", 0o666)] {
        let script = format!("umask {umask}; exec \"$0\" \"$@\"");
        let name = format!("new-{umask}");
        strip(&scratch, &["in.pcapng", &name]).under(["sh", "-c", &script]).succeeds();
        assert_eq!(format!("{:o}", mode(&scratch.path(name))), format!("{wanted:o}"));
    }
}

#[test]
fn root_keeps_the_owner_of_what_it_replaces() {
    if !is_root() {
        return skipped("owners: only root may change them");
    }
    let scratch = with_input();
    let out = scratch.write("out.pcapng", OLD);
    chown(&out, Some(1234), Some(2345)).unwrap();
    set_mode(&out, 0o640);
    strip(&scratch, &["in.pcapng", "out.pcapng"]).succeeds();
    let now = fs::metadata(&out).unwrap();
    assert_eq!((now.uid(), now.gid(), mode(&out)), (1234, 2345, 0o640));
}

#[test]
fn what_one_group_was_allowed_another_is_not() {
    let scratch = with_input();
    if !is_root() {
        return skipped("groups: only root can make a file of a group it is not in");
    }
    let Some(nobody) = as_nobody(&scratch) else { return };
    let out = scratch.write("out.pcapng", OLD);
    chown(&out, Some(65534), Some(2345)).unwrap();
    set_mode(&out, 0o660);
    strip(&scratch, &["in.pcapng", "out.pcapng"]).under(&nobody).succeeds();
    let now = fs::metadata(&out).unwrap();
    assert_eq!((now.uid(), now.gid()), (65534, 65534));
    assert_eq!(format!("{:o}", mode(&out)), "600");
}

#[test]
fn a_name_like_a_temporary_that_is_none_of_ours_is_left_alone() {
    let scratch = with_input();
    let want = stripped(&scratch);
    scratch.write("precious", OLD);
    fs::create_dir(scratch.path(".out.pcapng.0.mirror-pcap")).unwrap();
    symlink("precious", scratch.path(".out.pcapng.1.mirror-pcap")).unwrap();
    fs::hard_link(scratch.path("precious"), scratch.path(".out.pcapng.2.mirror-pcap")).unwrap();
    let before = scratch.names();
    strip(&scratch, &["in.pcapng", "out.pcapng"]).succeeds();
    assert_eq!(scratch.read("out.pcapng"), want);
    assert_eq!(scratch.read("precious"), OLD);
    fs::remove_file(scratch.path("out.pcapng")).unwrap();
    assert_eq!(scratch.names(), before);
}

/// In a folder that others may write as well, whatever it is called.
#[test]
fn a_temporary_of_another_user_is_left_alone() {
    if !is_root() {
        return skipped("files of others: only root can make them");
    }
    let scratch = with_input();
    for name in [".out.pcapng.0.mirror-pcap", ".out.pcapng.1.new.mirror-pcap"] {
        let path = scratch.write(name, "of somebody else");
        chown(path, Some(1234), None).unwrap();
    }
    let before = scratch.names();
    strip(&scratch, &["in.pcapng", "out.pcapng"]).succeeds();
    fs::remove_file(scratch.path("out.pcapng")).unwrap();
    assert_eq!(scratch.names(), before);
}

/// A run was refused: a hundred temporaries for it are in use.
#[test]
fn names_by_the_hundred_that_others_took_block_nobody() {
    let scratch = with_input();
    let want = stripped(&scratch);
    for n in 0..120 {
        fs::create_dir(scratch.path(format!(".out.pcapng.{n}.mirror-pcap"))).unwrap();
    }
    let before = scratch.names();
    strip(&scratch, &["in.pcapng", "out.pcapng"]).succeeds();
    assert_eq!(scratch.read("out.pcapng"), want);
    fs::remove_file(scratch.path("out.pcapng")).unwrap();
    assert_eq!(scratch.names(), before);
}

#[test]
fn closed_standard_streams_that_nobody_needs_are_no_fault() {
    let scratch = with_input();
    let want = stripped(&scratch);
    let cases = [
        ("strip in.pcapng out.pcapng", ">&-", 0),
        ("strip in.pcapng out.pcapng", "2>&-", 0),
        ("strip in.pcapng out.pcapng", "<&- >&- 2>&-", 0),
        ("strip none out.pcapng", "2>&-", 2),
        ("strip", "2>&-", 2),
    ];
    for (args, closed, code) in cases {
        let _ = fs::remove_file(scratch.path("out.pcapng"));
        let script = format!("\"$0\" {args} {closed}");
        mirror_pcap().within(&scratch).under(["sh", "-c", &script]).fails_with(code);
        if code == 0 && args.contains("out.pcapng") {
            assert_eq!(scratch.read("out.pcapng"), want, "{closed}");
        }
    }
}

/// A capture that nobody received counted as written, and a report as printed.
#[test]
fn a_closed_standard_output_is_told_by_whoever_prints() {
    let scratch = with_input();
    furnish(&scratch);
    let others = ["strip -q in.pcapng", "strip -q in.pcapng /dev/stdout", "--version", "wrap -h"];
    for line in PRINTERS.iter().chain(&others) {
        // The last is how Python and others throw away what nobody wants.
        for (how, fails) in [(">&-", true), (">/dev/null", false), ("1<>/dev/null", false)] {
            let shell = format!("exec \"$0\" \"$@\" {how}");
            let by = ["sh", "-c", &shell];
            let seen = mirror_pcap().within(&scratch).under(by).args(line.split(' ')).ends();
            // One of them says with 1 that it found nothing.
            let is_failed = seen.status.code() == Some(3);
            assert_eq!(is_failed, fails, "{line} {how}: {}", seen.stderr);
            let is_told = seen.stderr.ends_with("mirror-pcap: standard output: is closed\n");
            assert_eq!(is_told, fails, "{line} {how}: {}", seen.stderr);
        }
    }
}

#[test]
fn a_closed_standard_input_is_told_by_whoever_reads_it() {
    let scratch = with_input();
    furnish(&scratch);
    let lines = [
        "strip - out.pcapng",
        "strip /dev/stdin out.pcapng",
        "strip --config - in.pcapng out.pcapng",
        "wrap --vni 1 --source 10.0.0.1 --target 10.0.0.2 - out.pcapng",
        "sessions -",
        "simulate --filter filter.json -",
        "simulate --filter filter.json --flows -",
        "filter show -",
        "filter test -",
        "config show -",
    ];
    for line in lines {
        let by = ["sh", "-c", "exec \"$0\" \"$@\" <&-"];
        let seen = mirror_pcap().within(&scratch).under(by).args(line.split(' ')).fails_with(2);
        seen.stdout("").stderr("mirror-pcap: standard input: is closed\n");
        // What somebody has opened is only empty.
        for how in ["</dev/null", "<>/dev/null"] {
            let by = ["sh", "-c", &format!("exec \"$0\" \"$@\" {how}")];
            let seen = mirror_pcap().within(&scratch).under(by).args(line.split(' ')).ends();
            assert!(!seen.stderr.contains("is closed"), "{line}: {}", seen.stderr);
        }
    }
    assert!(!scratch.path("out.pcapng").exists());
}

#[test]
fn sync_waits_for_the_file_before_the_rename_and_for_the_folder_after_it() {
    if !can(&["strace", "-o", "/dev/null", "true"]) {
        return;
    }
    let scratch = with_input();
    let trace = "trace=fsync,fdatasync,rename,renameat,renameat2";
    let by = ["strace", "-f", "-y", "-o", "trace", "-e", trace];
    let calls = |args: &[&str]| -> Vec<String> {
        strip(&scratch, args).under(by).succeeds();
        let text = String::from_utf8(scratch.read("trace")).unwrap();
        let calls = text.lines().filter(|line| line.contains('(') && !line.contains("---"));
        calls.map(|line| line.split_once(' ').unwrap().1.trim_start().to_owned()).collect()
    };
    let synced = calls(&["--sync", "in.pcapng", "out.pcapng"]);
    let [tried, file, rename, folder] = synced.as_slice() else { panic!("{synced:#?}") };
    assert!(tried.starts_with("rename") && tried.contains(".out.pcapng.0.new."), "{tried}");
    assert!(file.starts_with("fsync(") && file.contains(".out.pcapng.0.mirror-pcap"), "{file}");
    assert!(rename.starts_with("rename") && rename.contains("\"out.pcapng\""), "{rename}");
    let name = format!("<{}>)", fs::canonicalize(scratch.folder()).unwrap().display());
    assert!(folder.starts_with("fsync(") && folder.contains(&name), "{folder}");

    // Of two, both before either has its name.
    let both = calls(&["--sync", "in.pcapng", "out.pcapng", "--json", "out.json"]);
    let is_naming = |call: &&String| call.starts_with("rename") && !call.contains(".new.");
    let before = both.iter().take_while(|call| !is_naming(call));
    let synced = before.filter(|call| call.starts_with("fsync(")).count();
    assert_eq!((synced, both.iter().filter(is_naming).count()), (2, 2), "{both:#?}");

    // Some file systems cannot sync a folder and say so.
    strip(&scratch, &["--sync", "in.pcapng", "out.pcapng"])
        .under(["strace", "-f", "-o", "/dev/null", "-e", "inject=fsync:error=EINVAL:when=2"])
        .succeeds();

    let plain = calls(&["in.pcapng", "out.pcapng"]);
    assert!(plain.len() == 2 && plain[1].starts_with("rename"), "{plain:#?}");
}

#[test]
fn a_report_that_cannot_be_written_stops_the_run_before_the_work() {
    let scratch = with_input();
    scratch.write("out.pcapng", OLD);
    let refused = [
        ("none/counts.json", 3, "none/counts.json: No such file or directory"),
        (".", 3, ".: is a folder, expected a file"),
        ("out.pcapng", 2, "--json: the capture goes to out.pcapng as well"),
        ("./out.pcapng", 2, "--json: the capture goes to ./out.pcapng as well"),
    ];
    for (json, code, why) in refused {
        strip(&scratch, &["in.pcapng", "out.pcapng", "--json", json])
            .fails_with(code)
            .stderr(&format!("mirror-pcap: {why}\n"));
        assert_eq!(scratch.read("out.pcapng"), OLD);
        assert_eq!(scratch.names(), ["in.pcapng", "out.pcapng"]);
    }
    let seen = strip(&scratch, &["in.pcapng", "-", "--json", "-"]).fails_with(2);
    seen.stdout("").stderr("mirror-pcap: --json: the capture goes to standard output as well\n");
    // A terminal shows both; so does a device that takes both.
    strip(&scratch, &["in.pcapng", "/dev/null", "--json", "-"]).succeeds();
}

#[test]
fn a_read_only_report_stays_what_it_was() {
    let scratch = with_input();
    let json = scratch.write("counts.json", OLD);
    set_mode(&json, 0o444);
    let Some(nobody) = as_nobody(&scratch) else { return };
    strip(&scratch, &["in.pcapng", "out.pcapng", "--json", "counts.json"])
        .under(&nobody)
        .fails_with(3)
        .stderr("mirror-pcap: counts.json: Permission denied\n");
    assert_eq!(scratch.read("counts.json"), OLD);
    assert_eq!(scratch.names(), ["counts.json", "in.pcapng"]);
}

/// Whoever has the other half of a socket or a copy of a pipe may set it so.
#[test]
fn a_pipe_that_would_rather_not_wait_is_waited_for() {
    let scratch = with_bench(2000);
    let want = stripped(&scratch);
    for threads in ["1", "2"] {
        let (mut read, write) = io::pipe().unwrap();
        rustix::fs::fcntl_setfl(&write, rustix::fs::OFlags::NONBLOCK).unwrap();
        let mut command = strip(&scratch, &["--threads", threads, "in.pcapng", "-"]).command();
        let mut child = command.stdout(write).stderr(Stdio::piped()).spawn().unwrap();
        // `command` still has the write end.
        drop(command);
        thread::sleep(std::time::Duration::from_millis(50));
        let mut got = Vec::new();
        read.read_to_end(&mut got).unwrap();
        let status = wait(&mut child);
        assert!(status.success() && got == want, "{status}, {} of {} bytes", got.len(), want.len());
    }
}

#[test]
fn who_reads_no_further_ends_it_quietly() {
    let scratch = with_bench(5000);
    let commands: [&[&str]; 4] = [
        &["strip", "in.pcapng"],
        &["strip", "in.pcapng", "-", "--threads=1"],
        &["strip", "in.pcapng", "--format=pcap"],
        &["wrap", "in.pcapng", "-", "--vni=1", "--source=10.0.0.1", "--target=10.0.0.2"],
    ];
    for args in commands {
        let mut command = mirror_pcap().within(&scratch).args(args).command();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut head = [0; 100];
        child.stdout.take().unwrap().read_exact(&mut head).unwrap();
        let status = wait(&mut child);
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        same(&stderr, "");
        assert_eq!(status.code(), Some(0), "{args:?}");
    }
    // These are so short that only a pipe broken beforehand is surely broken.
    let texts: [&[&str]; 8] = [
        &["--help"],
        &["strip", "--help"],
        &["--version"],
        &["man"],
        &["completions", "zsh"],
        &["strip", "--json=-", "in.pcapng", "out.pcapng", "-q"],
        &["sessions", "in.pcapng"],
        &["sessions", "--json", "in.pcapng"],
    ];
    for args in texts {
        let mut command = mirror_pcap().within(&scratch).args(args).command();
        let (read, write) = io::pipe().unwrap();
        drop(read);
        let output = command.stdout(write).stderr(Stdio::piped()).output().unwrap();
        same(&String::from_utf8(output.stderr).unwrap(), "");
        assert_eq!(output.status.code(), Some(0), "{args:?}");
    }
}
