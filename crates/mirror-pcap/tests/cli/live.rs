//! A live capture: what has arrived comes out before anything more is written.

use std::{
    fs,
    io::{Read, Write},
    process::{ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use mirror_testkit::{
    Capture, Fraction, Interface, Opt, Order, Packet, Pcap,
    packet::{LINK_ETHERNET, Mirror, Tcp, ethernet, ip},
};

use crate::{
    harness::{Run, Scratch, mirror_pcap, wait},
    output::can,
};

/// Long enough for any machine, and never waited for to its end by a test that passes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A mirrored frame of session `n` % 2.
fn mirrored(n: u8) -> Vec<u8> {
    let segment = Tcp::new(51_000, 443, Tcp::ACK).payload([n; 100]);
    let frame = ethernet(
        [2, 0, 0, 0, 0, 1],
        [2, 0, 0, 0, 0, 2],
        &ip([10, 0, 1, 15], [192, 0, 2, 1], segment),
    );
    Mirror::new([10, 0, 1, 15], [10, 0, 2, 99], 308_308 + u32::from(n % 2)).frame(&frame)
}

/// What a capture is made of, piece by piece as it would arrive: a head, then packets.
fn pcapng(order: Order) -> Vec<Vec<u8>> {
    let interface = Interface::new(LINK_ETHERNET).option(Opt::if_name("eth0"));
    let mut capture = Capture::new(order);
    capture.interface(interface.option(Opt::tsresol(9)));
    let mut wholes = vec![capture.bytes()];
    for n in 0..6 {
        let time = 1_767_225_600_000_000_000 + u64::from(n);
        capture.packet(Packet::new(0, time, mirrored(n)));
        wholes.push(capture.bytes());
    }
    pieces(&wholes)
}

fn pcap(order: Order, fraction: Fraction) -> Vec<Vec<u8>> {
    let mut capture = Pcap::new(order, fraction, LINK_ETHERNET.into());
    let mut wholes = vec![capture.bytes()];
    for n in 0..6 {
        let frame = mirrored(n);
        capture.record(1_767_225_600, n.into(), &frame, frame.len() as u32);
        wholes.push(capture.bytes());
    }
    pieces(&wholes)
}

/// What each has more than the one before it.
fn pieces(wholes: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut before = 0;
    let pieces = wholes.iter().map(|whole| {
        let piece = whole[before..].to_vec();
        before = whole.len();
        piece
    });
    pieces.collect()
}

/// A run between a pipe that is fed by hand and one that is watched.
struct Live {
    child: std::process::Child,
    stdin: Option<ChildStdin>,
    arrived: Receiver<Vec<u8>>,
    got: Vec<u8>,
}

impl Live {
    fn start(run: &Run) -> Live {
        let mut command = run.command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take();
        let mut stdout = child.stdout.take().unwrap();
        let (send, arrived) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = stdout.read(&mut buffer) {
                let _ = send.send(buffer[..n].to_vec());
            }
        });
        Live { child, stdin, arrived, got: Vec::new() }
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.stdin.as_mut().unwrap().write_all(bytes).unwrap();
    }

    /// Wait until just `want` has come out since the start.
    #[track_caller]
    fn gives(&mut self, want: &[u8]) {
        while self.got.len() < want.len() {
            match self.arrived.recv_timeout(PATIENCE) {
                Ok(bytes) => self.got.extend(bytes),
                Err(_) => panic!("{} bytes came out, expected {}", self.got.len(), want.len()),
            }
        }
        assert!(self.got == want, "other bytes than of a file");
    }

    /// Nothing comes out for a while.
    #[track_caller]
    fn is_quiet(&self) {
        let more = self.arrived.recv_timeout(Duration::from_millis(30));
        assert!(more.is_err(), "{} bytes came out too early", more.unwrap().len());
    }

    #[track_caller]
    fn ends_well(mut self) {
        drop(self.stdin.take());
        let status = wait(&mut self.child);
        assert!(status.success(), "{status}");
        let rest: usize = self.arrived.iter().map(|bytes| bytes.len()).sum();
        assert_eq!(rest, 0, "bytes came out at the end");
    }
}

/// What the same command makes of so much of the capture in a file.
fn expected(args: &[&str], front: &[Vec<u8>]) -> Vec<u8> {
    let scratch = Scratch::new();
    scratch.write("in", front.concat());
    mirror_pcap().within(&scratch).args(args).args(["-q", "in", "-"]).succeeds().stdout
}

fn live(args: &[&str]) -> Live {
    Live::start(&mirror_pcap().args(args).args(["-q", "-", "-"]))
}

fn each_packet_comes_out_at_once(args: &[&str], input: &[Vec<u8>]) {
    let mut run = live(args);
    for n in 0..input.len() {
        run.feed(&input[n]);
        run.gives(&expected(args, &input[..=n]));
    }
    run.ends_well();
}

#[test]
fn each_packet_of_a_pcapng_comes_out_before_the_next_is_written() {
    for order in [Order::Little, Order::Big] {
        each_packet_comes_out_at_once(&["strip"], &pcapng(order));
    }
}

#[test]
fn with_one_thread_too() {
    each_packet_comes_out_at_once(&["strip", "--threads", "1"], &pcapng(Order::Little));
}

#[test]
fn each_packet_of_a_classic_pcap_comes_out_before_the_next_is_written() {
    for fraction in [Fraction::Micro, Fraction::Nano] {
        for order in [Order::Little, Order::Big] {
            each_packet_comes_out_at_once(&["strip"], &pcap(order, fraction));
            each_packet_comes_out_at_once(&["strip", "--format=pcap"], &pcap(order, fraction));
        }
    }
}

#[test]
fn other_outputs_are_live_as_well() {
    let wrap = ["wrap", "--vni=7", "--source=10.0.0.1", "--target=10.0.0.2"];
    each_packet_comes_out_at_once(&wrap, &pcapng(Order::Little));
    each_packet_comes_out_at_once(&["strip", "--only-mirrored"], &pcapng(Order::Little));
}

#[test]
fn blocks_that_arrive_in_pieces_come_out_when_they_are_whole() {
    let inputs = [pcapng(Order::Little), pcapng(Order::Big), pcap(Order::Little, Fraction::Nano)];
    for input in inputs {
        for threads in ["1", "2"] {
            let args = ["strip", "--threads", threads];
            let mut run = live(&args);
            for n in 0..input.len() {
                let before = run.got.len();
                // In the frame's length, in the middle, before the last byte.
                for at in [6, input[n].len() / 2, input[n].len() - 1] {
                    let from =
                        [0, 6, input[n].len() / 2].into_iter().filter(|from| *from < at).max();
                    run.feed(&input[n][from.unwrap()..at]);
                    if n > 0 {
                        run.is_quiet();
                    }
                }
                assert!(n == 0 || run.got.len() == before);
                run.feed(&input[n][input[n].len() - 1..]);
                run.gives(&expected(&args, &input[..=n]));
            }
            run.ends_well();
        }
    }
}

/// The end of one block and the start of the next in one piece, as pipes have it.
#[test]
fn what_is_whole_comes_out_although_the_next_has_begun() {
    let input = pcapng(Order::Little);
    let mut run = live(&["strip"]);
    run.feed(&input[0]);
    let mut begun = 0;
    for n in 1..input.len() {
        run.feed(&input[n][begun..]);
        if let Some(next) = input.get(n + 1) {
            begun = 9;
            run.feed(&next[..begun]);
        }
        run.gives(&expected(&["strip"], &input[..=n]));
    }
    run.ends_well();
}

#[test]
fn a_regular_file_as_output_grows_with_the_capture() {
    let input = pcapng(Order::Little);
    let scratch = Scratch::new();
    let mut run = Live::start(&mirror_pcap().within(&scratch).args(["strip", "-q", "-", "out"]));
    for n in 0..input.len() {
        run.feed(&input[n]);
        let want = expected(&["strip"], &input[..=n]);
        let start = std::time::Instant::now();
        while fs::read(scratch.path(".out.0.mirror-pcap")).unwrap_or_default() != want {
            assert!(start.elapsed() < PATIENCE, "packet {n} is not in the file");
            thread::sleep(Duration::from_millis(1));
        }
    }
    run.ends_well();
    assert_eq!(scratch.read("out"), expected(&["strip"], &input));
}

/// As `tcpdump -U -w - | mirror-pcap strip - - | tshark -l -r -`.
#[test]
fn tshark_shows_each_packet_before_the_next_is_written() {
    if !can(&["tshark", "--version"]) {
        return;
    }
    let input = pcap(Order::Little, Fraction::Nano);
    let mut command = mirror_pcap().args(["strip", "-q", "-", "-"]).command();
    let mut strip = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let scratch = Scratch::new();
    let mut command = Command::new("tshark");
    // -n and a home of its own: no names are asked for, no settings read.
    command.args(["-n", "-l", "-r", "-", "-T", "fields", "-e", "frame.interface_name"]);
    command.args(["-e", "tcp.payload"]).env("HOME", scratch.folder());
    command.stdin(strip.stdout.take().unwrap()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut tshark = command.spawn().unwrap();
    drop(command);

    let mut stdout = tshark.stdout.take().unwrap();
    let (send, lines) = channel();
    thread::spawn(move || {
        let mut byte = [0];
        let mut line = String::new();
        while let Ok(1) = stdout.read(&mut byte) {
            if byte == *b"\n" {
                let _ = send.send(std::mem::take(&mut line));
            } else {
                line.push(byte[0].into());
            }
        }
    });
    let mut stdin = strip.stdin.take().unwrap();
    stdin.write_all(&input[0]).unwrap();
    for (n, piece) in (0_u8..).zip(&input[1..]) {
        stdin.write_all(piece).unwrap();
        let line = lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no line of packet {n}"));
        let payload = format!("{n:02x}").repeat(100);
        let vni = 308_308 + u32::from(n % 2);
        assert_eq!(line, format!("vni-{vni}@10.0.1.15\t{payload}"));
    }
    drop(stdin);
    assert!(wait(&mut strip).success() && wait(&mut tshark).success());
    assert_eq!(lines.iter().count(), 0);
}
