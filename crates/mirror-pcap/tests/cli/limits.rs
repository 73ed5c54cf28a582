//! Memory: the same for a capture of any length, whatever the capture claims.
//!
//! A run is measured at its very end. Its standard error is a pipe that is full
//! already, so that it hangs in its report when all the work is done and its
//! peak can be read at leisure.

mod readers;

use std::{
    fs::{self, File},
    io::{self, BufWriter, Read, Write},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use mirror_testkit::{
    Capture, Interface, Opt, Order, Packet,
    packet::{LINK_ETHERNET, Mirror, Udp, ethernet, ip},
};

use crate::{
    harness::{Scratch, mirror_pcap, wait},
    output::with_bench,
};

const PATIENCE: Duration = Duration::from_secs(120);
const MIB: u64 = 1 << 20;
const LIMIT: u64 = 16 * MIB;

/// Sixteen MiB are for all. A release build has a little over four resident of its own file, so beside
/// the program there are eleven.
pub(crate) const BESIDE_PROGRAM: u64 = 11 * MIB;

/// What was resident of a process, in bytes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Resident {
    /// The most that ever was.
    peak: u64,
    /// Of that, what was the program itself: a debug build is large, and grows with every command.
    program: u64,
}

impl Resident {
    /// Of a process; nothing of one that has ended.
    pub(crate) fn of(child: &Child) -> Resident {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let bytes = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name));
            let value = value.map(|value| value.trim().trim_end_matches(" kB"));
            value.map_or(0, |value| value.parse::<u64>().unwrap() * 1024)
        };
        Resident { peak: bytes("VmHWM:"), program: bytes("RssFile:") }
    }

    /// The most that there was beside the program.
    pub(crate) fn beside_program(self) -> u64 {
        self.peak - self.program
    }
}

/// What a measured run has done.
struct Measured {
    resident: Resident,
    stderr: String,
}

impl Measured {
    #[track_caller]
    fn stays_below(&self, limit: u64) {
        let Measured { resident, stderr } = self;
        assert!(resident.peak > MIB, "{} bytes: not measured", resident.peak);
        let (beside, limit) = (resident.beside_program(), limit - LIMIT + BESIDE_PROGRAM);
        assert!(beside <= limit, "{beside} bytes, {} more than allowed\n{stderr}", beside - limit);
    }
}

/// Strip `input` to `out`, with these options, and see how much memory it takes
/// until it ends with `code`.
#[track_caller]
fn measured(scratch: &Scratch, input: &str, out: &str, options: &[&str], code: i32) -> Measured {
    let _ = fs::remove_file(scratch.path(out));
    let (mut read, mut write) = io::pipe().unwrap();
    let full = rustix::pipe::fcntl_getpipe_size(&write).unwrap();
    write.write_all(&vec![b'#'; full]).unwrap();
    let run = mirror_pcap().within(scratch).arg("strip").args([input, out]).args(options);
    let mut command = run.command();
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(write).spawn().unwrap();
    drop(command);

    let start = Instant::now();
    let proc = format!("/proc/{}", child.id());
    let mut asleep = 0;
    // Once the output has its name, or the input was refused, it sleeps for no
    // other reason than what it has to say.
    while asleep < 5 {
        assert!(child.try_wait().unwrap().is_none(), "it has ended without a word");
        assert!(start.elapsed() < PATIENCE, "still working");
        let stat = fs::read_to_string(format!("{proc}/stat")).unwrap();
        let done = code == 2 || scratch.path(out).exists();
        let sleeps = done && stat.contains(") S ");
        asleep = if sleeps { asleep + 1 } else { 0 };
        thread::sleep(Duration::from_millis(2));
    }
    let resident = Resident::of(&child);

    let mut said = Vec::new();
    read.read_to_end(&mut said).unwrap();
    let status = wait(&mut child);
    let stderr = String::from_utf8(said.split_off(full)).unwrap();
    assert_eq!(status.code(), Some(code), "{stderr}");
    Measured { resident, stderr }
}

/// A frame mirrored by the ENI with this number.
fn mirrored(eni: u32, vni: u32) -> Vec<u8> {
    let [_, a, b, c] = eni.to_be_bytes();
    let frame = ethernet(
        [2; 6],
        [2, 0, 0, a, b, c],
        &ip([10, a, b, c], [192, 0, 2, 1], Udp::new(1, 2, "x")),
    );
    Mirror::new([10, a, b, c], [10, 255, 2, 99], vni).frame(&frame)
}

/// A capture of two packets each of so many sessions, written piece by piece.
fn with_sessions(count: u32) -> Scratch {
    let scratch = Scratch::new();
    let mut out = BufWriter::new(File::create(scratch.path("in.pcapng")).unwrap());
    let mut capture = Capture::new(Order::Little);
    capture.interface(Interface::new(LINK_ETHERNET));
    out.write_all(&capture.bytes()).unwrap();
    let front = Capture::new(Order::Little).bytes().len();
    for time in 0..2 {
        for session in 0..count {
            let mut one = Capture::new(Order::Little);
            one.packet(Packet::new(0, time, mirrored(session, session % 7)));
            out.write_all(&one.bytes()[front..]).unwrap();
        }
    }
    out.into_inner().unwrap();
    scratch
}

#[test]
fn fifty_megabytes_take_no_more_memory_than_five() {
    let large = with_bench(78_000);
    assert!(fs::metadata(large.path("in.pcapng")).unwrap().len() > 50 * MIB);
    let small = with_bench(7_800);
    // With two threads, how many buffers there are is a matter of who is quicker.
    for (threads, tolerance) in [("1", MIB), ("2", 5 * MIB)] {
        let options = ["--threads", threads];
        let large = measured(&large, "in.pcapng", "out.pcapng", &options, 0);
        large.stays_below(LIMIT);
        let small = measured(&small, "in.pcapng", "out.pcapng", &options, 0);
        let (large, small) = (large.resident.peak, small.resident.peak);
        assert!(large < small + tolerance, "{large} of {small}");
    }
}

#[test]
fn compressed_captures_stay_below_the_limit_too() {
    let scratch = with_bench(20_000);
    for ending in ["gz", "zst", "lz4"] {
        let name = format!("out.{ending}");
        measured(&scratch, "in.pcapng", &name, &[], 0).stays_below(LIMIT);
        measured(&scratch, &name, "again", &[], 0).stays_below(LIMIT);
    }
}

#[test]
fn a_thousand_sessions_stay_below_the_limit() {
    let scratch = with_sessions(1000);
    let run = measured(&scratch, "in.pcapng", "out.pcapng", &[], 0);
    run.stays_below(LIMIT);
    assert!(run.stderr.contains("2,000 packets read, 2,000 stripped"), "{}", run.stderr);
}

#[test]
fn each_session_more_costs_256_bytes() {
    let scratch = with_sessions(60_000);
    let run = measured(&scratch, "in.pcapng", "out.pcapng", &[], 0);
    run.stays_below(LIMIT + 60_000 * 256);
    assert!(run.stderr.contains("120,000 packets read, 120,000 stripped"), "{}", run.stderr);
}

/// Beyond what is told apart, packets are counted under a reason.
#[test]
fn an_inventory_of_seventy_thousand_sessions_is_bounded() {
    let scratch = with_sessions(70_000);
    let mut command =
        mirror_pcap().within(&scratch).args(["sessions", "--json", "in.pcapng"]).command();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    // All is made before anything is printed: with the first byte, the most is reached.
    let mut json = vec![0];
    stdout.read_exact(&mut json).unwrap();
    let resident = Resident::of(&child);
    stdout.read_to_end(&mut json).unwrap();
    assert!(wait(&mut child).success());
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["sessions"].as_array().unwrap().len(), 65_536);
    assert_eq!(json["packets"]["wrapped"], 2 * 65_536);
    assert_eq!(json["reasons"]["too-many-sessions"]["packets"], 2 * (70_000 - 65_536));
    let measured = Measured { resident, stderr: String::new() };
    measured.stays_below(LIMIT + 65_536 * 1536);
}

/// As many as there are codes, in each packet.
#[test]
fn packets_with_65535_options_stay_below_the_limit() {
    let scratch = Scratch::new();
    let mut capture = Capture::new(Order::Little);
    capture.interface(Interface::new(LINK_ETHERNET));
    for n in 0..5 {
        let packet = Packet::new(0, n, mirrored(1, 1));
        let options = (0..=u16::MAX).skip(1).filter(|code| ![19372, 19373].contains(code));
        capture.packet(options.fold(packet, |packet, code| packet.option(Opt::new(code, []))));
    }
    scratch.write("in.pcapng", capture.bytes());
    let run = measured(&scratch, "in.pcapng", "out.pcapng", &[], 0);
    run.stays_below(LIMIT);
    assert!(run.stderr.contains("5 packets read, 5 stripped"), "{}", run.stderr);
}

#[test]
fn blocks_of_a_megabyte_stay_below_the_limit() {
    let scratch = Scratch::new();
    let mut capture = Capture::new(Order::Little);
    capture.interface(Interface::new(LINK_ETHERNET));
    for n in 0..60 {
        capture.packet(Packet::new(0, n, mirrored(1, 1)));
        capture.custom(32473, true, &vec![7; MIB as usize - 32]);
    }
    scratch.write("in.pcapng", capture.bytes());
    for threads in ["1", "2"] {
        let run = measured(&scratch, "in.pcapng", "out.pcapng", &["--threads", threads], 0);
        run.stays_below(LIMIT);
    }
}

/// Several in a row, to somebody who takes his time: the queue to the writer holds one.
#[test]
fn large_blocks_do_not_queue_up() {
    let scratch = Scratch::new();
    let mut capture = Capture::new(Order::Big);
    capture.interface(Interface::new(LINK_ETHERNET));
    for _ in 0..8 {
        capture.custom(32473, true, &vec![7; 20 * MIB as usize]);
    }
    scratch.write("in.pcapng.zst", zstd(&capture.bytes()));
    let mut command = mirror_pcap()
        .within(&scratch)
        .args(["strip", "-q", "--threads=2", "in.pcapng.zst", "-"])
        .command();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let (mut piece, mut read, mut resident) = (vec![0; MIB as usize], 0, Resident::default());
    loop {
        // The writer waits meanwhile, and the reader fills what it may.
        thread::sleep(Duration::from_millis(1));
        let now = Resident::of(&child);
        if now.peak > resident.peak {
            resident = now;
        }
        match stdout.read(&mut piece).unwrap() {
            0 => break,
            n => read += n as u64,
        }
    }
    assert!(wait(&mut child).success());
    assert!(read > 8 * 20 * MIB);
    let measured = Measured { resident, stderr: String::new() };
    measured.stays_below(LIMIT + 4 * 20 * MIB);
}

/// The block is held once to be read and once to be written, and then let go.
#[test]
fn one_block_of_twenty_megabytes_costs_its_length_a_few_times() {
    let scratch = Scratch::new();
    let mut capture = Capture::new(Order::Big);
    capture.interface(Interface::new(LINK_ETHERNET));
    capture.custom(32473, true, &vec![7; 20 * MIB as usize]);
    capture.packet(Packet::new(0, 1, mirrored(1, 1)));
    scratch.write("in.pcapng", capture.bytes());
    let run = measured(&scratch, "in.pcapng", "out.pcapng", &[], 0);
    run.stays_below(LIMIT + 4 * 20 * MIB);
    assert!(run.stderr.contains("1 packet read, 1 stripped"), "{}", run.stderr);
}

#[test]
fn a_length_that_is_only_claimed_costs_nothing() {
    for claimed in [100_000_000_u32, 134_217_728, 0x7FFF_FFFC, 0xFFFF_FFFC] {
        for kind in [6_u32, 0x0000_0BAD, 0x0A0D_0D0A] {
            let scratch = Scratch::new();
            let mut capture = Capture::new(Order::Little);
            capture.interface(Interface::new(LINK_ETHERNET)).packet(Packet::new(
                0,
                1,
                mirrored(1, 1),
            ));
            capture.raw(&kind.to_le_bytes()).raw(&claimed.to_le_bytes());
            capture.raw(&0x1A2B_3C4D_u32.to_le_bytes()).raw(&[0; 100]);
            scratch.write("in.pcapng", capture.bytes());
            let run = measured(&scratch, "in.pcapng", "out.pcapng", &[], 4);
            run.stays_below(LIMIT);
            assert!(run.stderr.contains(&claimed.to_string()), "{}", run.stderr);
            assert!(run.stderr.contains("1 stripped"), "{}", run.stderr);
        }
    }
}

/// Records and option lists have lengths as well.
#[test]
fn a_long_record_that_is_only_claimed_costs_nothing() {
    use mirror_testkit::{Fraction, Pcap};
    for claimed in [262_144, 100_000_000, u32::MAX] {
        let scratch = Scratch::new();
        let mut capture = Pcap::new(Order::Little, Fraction::Nano, 1);
        capture.record(1, 1, &mirrored(1, 1), 200).header(1, 2, claimed, claimed).raw(&[0; 50]);
        scratch.write("in.pcap", capture.bytes());
        let run = measured(&scratch, "in.pcap", "out.pcapng", &[], 4);
        run.stays_below(LIMIT);
        assert!(run.stderr.contains("1 stripped"), "{}", run.stderr);
    }
}

/// Forty megabytes of zeros, and of the smallest packets, in a few thousand bytes.
#[test]
fn a_bomb_is_read_in_passing() {
    let mut zeros = Capture::new(Order::Little);
    zeros.interface(Interface::new(LINK_ETHERNET)).packet(Packet::new(0, 1, mirrored(1, 1)));
    zeros.raw(&vec![0; 40 * MIB as usize]);

    let mut packets = Capture::new(Order::Little);
    packets.interface(Interface::new(LINK_ETHERNET));
    let front = packets.bytes().len();
    packets.packet(Packet::new(0, 1, []));
    let empty = packets.bytes()[front..].to_vec();
    packets.raw(&empty.repeat(1_000_000));

    let mut interfaces = Capture::new(Order::Little);
    let front = interfaces.bytes().len();
    // The most that are read, with the longest names; each byte of them is no UTF-8.
    let name = Opt::new(2, [0xFF; 255]);
    interfaces.interface(Interface::new(LINK_ETHERNET).option(name));
    let one = interfaces.bytes()[front..].to_vec();
    interfaces.raw(&one.repeat((1 << 17) - 1));

    for (name, bytes, code, read) in [
        ("zeros", zeros.bytes(), 4, "1 packet read"),
        ("packets", packets.bytes(), 0, "1,000,001 packets read"),
        ("interfaces", interfaces.bytes(), 0, "0 packets read"),
    ] {
        let scratch = Scratch::new();
        for (ending, compressed) in
            [("gz", gzip(&bytes)), ("zst", zstd(&bytes)), ("lz4", lz4(&bytes))]
        {
            let name = &format!("{name}.{ending}");
            scratch.write(name, &compressed);
            assert!(compressed.len() * 50 < bytes.len(), "{name} is no bomb");
            let run = measured(&scratch, name, "out.pcapng", &[], code);
            run.stays_below(LIMIT + 16 * MIB);
            assert!(run.stderr.contains(read), "{name}: {}", run.stderr);
        }
    }
}

/// A window that a few bytes ask for is as large as the decoder would allow.
#[test]
fn a_zstd_frame_that_asks_for_a_huge_window_is_refused_or_small() {
    let scratch = Scratch::new();
    for exponent in [17_u8, 21, 31] {
        // RFC 8878: magic, a frame header with a window descriptor alone, then an
        // RLE block of a byte, not the last.
        let frame = [0x28, 0xB5, 0x2F, 0xFD, 0x00, exponent << 3, 0x0A, 0x00, 0x00, 0x00];
        scratch.write("window.zst", frame);
        let run = measured(&scratch, "window.zst", "out.pcapng", &[], 2);
        run.stays_below(LIMIT);
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

pub(crate) fn lz4(bytes: &[u8]) -> Vec<u8> {
    let mut writer = lz4_flex::frame::FrameEncoder::new(Vec::new());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}
