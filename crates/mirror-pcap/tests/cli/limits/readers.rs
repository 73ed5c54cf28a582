//! Bombs and lies, through every command that reads captures.
//!
//! What strip makes of each is in the tests beside; here it is memory alone, and that the run ends.

use std::{
    fs,
    io::{self, Read, Write},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use mirror_testkit::{
    Capture, Fraction, Interface, Opt, Order, Packet, Pcap, packet::LINK_ETHERNET,
};

use super::{LIMIT, MIB, Measured, PATIENCE, Resident, gzip, lz4, mirrored, zstd};
use crate::{
    commands::{READERS, Told, furnish},
    harness::{Scratch, mirror_pcap, wait},
};

/// Run a line of [`READERS`], and see how much memory it takes until it tells what it has done.
#[track_caller]
fn measured(scratch: &Scratch, line: &str, told: Told) -> Measured {
    let (mut read, mut write) = io::pipe().unwrap();
    let full = rustix::pipe::fcntl_getpipe_size(&write).unwrap();
    write.write_all(&vec![b'#'; full]).unwrap();
    let mut command = mirror_pcap().within(scratch).args(line.split(' ')).command();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match told {
        Told::Stdout => command.stdout(write),
        Told::Stderr => command.stderr(write),
    };
    let mut child = command.spawn().unwrap();
    drop(command);
    let start = Instant::now();
    let tasks = format!("/proc/{}/task", child.id());
    let sleeps = || {
        // A thread may end while it is looked at.
        let stat = |task: io::Result<fs::DirEntry>| fs::read_to_string(task?.path().join("stat"));
        fs::read_dir(&tasks).unwrap().all(|task| stat(task).is_ok_and(|stat| stat.contains(") S ")))
    };
    let mut asleep = 0;
    // Its input and output are files that nobody waits for: when all of it sleeps, it has something
    // to say.
    while asleep < 20 {
        assert!(child.try_wait().unwrap().is_none(), "{line}: it has ended without a word");
        assert!(start.elapsed() < PATIENCE, "{line}: still working");
        asleep = if sleeps() { asleep + 1 } else { 0 };
        thread::sleep(Duration::from_millis(2));
    }
    let resident = Resident::of(&child);
    let mut said = Vec::new();
    read.read_to_end(&mut said).unwrap();
    let code = wait(&mut child).code();
    let said = String::from_utf8(said.split_off(full)).unwrap();
    assert!(matches!(code, Some(0 | 1 | 4)), "{line}: {code:?}\n{said}");
    Measured { resident, stderr: format!("{line}\n{said}") }
}

#[test]
#[ignore = "takes long; scripts/test --all runs it"]
fn bombs_are_read_in_passing_by_every_command() {
    let mut zeros = Capture::new(Order::Little);
    zeros.interface(Interface::new(LINK_ETHERNET)).packet(Packet::new(0, 1, mirrored(1, 1)));
    zeros.raw(&vec![0; 40 * MIB as usize]);

    let mut packets = Capture::new(Order::Little);
    packets.interface(Interface::new(LINK_ETHERNET));
    let front = packets.bytes().len();
    packets.packet(Packet::new(0, 1, mirrored(1, 1)));
    let one = packets.bytes()[front..].to_vec();
    packets.raw(&one.repeat(300_000));

    let mut interfaces = Capture::new(Order::Little);
    let front = interfaces.bytes().len();
    let name = Opt::new(2, [0xFF; 255]);
    interfaces.interface(Interface::new(LINK_ETHERNET).option(name));
    let one = interfaces.bytes()[front..].to_vec();
    interfaces.raw(&one.repeat((1 << 17) - 1));

    let scratch = Scratch::new();
    furnish(&scratch);
    for (bytes, compressed) in [
        (zeros.bytes(), gzip(&zeros.bytes())),
        (packets.bytes(), zstd(&packets.bytes())),
        (interfaces.bytes(), lz4(&interfaces.bytes())),
    ] {
        assert!(compressed.len() * 50 < bytes.len(), "{} bytes are no bomb", compressed.len());
        scratch.write("in.pcapng", &compressed);
        for (line, told) in READERS {
            measured(&scratch, line, *told).stays_below(LIMIT + 16 * MIB);
        }
    }
}

#[test]
fn lengths_that_are_only_claimed_cost_no_command_anything() {
    let scratch = Scratch::new();
    furnish(&scratch);
    let claims = |claimed: u32| {
        let block = |kind: u32| {
            let mut capture = Capture::new(Order::Little);
            capture.interface(Interface::new(LINK_ETHERNET));
            capture.packet(Packet::new(0, 1, mirrored(1, 1)));
            capture.raw(&kind.to_le_bytes()).raw(&claimed.to_le_bytes());
            capture.raw(&0x1A2B_3C4D_u32.to_le_bytes()).raw(&[0; 100]).bytes()
        };
        let mut record = Pcap::new(Order::Little, Fraction::Nano, 1);
        record.record(1, 1, &mirrored(1, 1), 200).header(1, 2, claimed, claimed).raw(&[0; 50]);
        [block(6), block(1), block(5), block(0x0000_0BAD), record.bytes()]
    };
    for bytes in [134_217_728, 0xFFFF_FFFC].into_iter().flat_map(claims) {
        scratch.write("in.pcapng", bytes);
        for (line, told) in READERS {
            measured(&scratch, line, *told).stays_below(LIMIT);
        }
    }
}
