//! Outputs for tools that read less than tshark: classic pcap, one link type, compressed.

use std::{ffi::OsStr, path::Path};

use super::{
    dissection::{Packet, dissect},
    quietly,
    tools::{Tool, tool},
};
use crate::harness::{Scratch, testdata};

fn capture(name: &str) -> std::path::PathBuf {
    let folder = testdata().join("captures").join(name);
    let found = ["input.pcapng", "input.pcap"].map(|file| folder.join(file));
    found.into_iter().find(|path| path.is_file()).unwrap_or_else(|| panic!("no capture {name}"))
}

/// The lines of tcpdump, which must have no complaint.
#[track_caller]
fn tcpdump(tool: Tool, path: &Path) -> Vec<String> {
    let args: [&OsStr; 4] = ["-tt".as_ref(), "--nano".as_ref(), "-nr".as_ref(), path.as_ref()];
    let text = tool.run(args).content().text();
    // Continued lines begin with white space.
    text.lines().filter(|line| !line.starts_with(char::is_whitespace)).map(str::to_owned).collect()
}

/// libpcap wants one link type, snaplen and byte order in a file. `--only-mirrored` is
/// for that, whatever the packets arrived on.
#[test]
fn tcpdump_reads_what_only_mirrored_leaves() {
    let (Some(tool), Some(tshark)) = (tool("tcpdump"), tool("tshark")) else { return };
    let scratch = Scratch::new();
    let output = scratch.path("out.pcapng");
    for name in [
        "sll",
        "sll2",
        "raw",
        "null",
        "fcs",
        "mixed-traffic",
        "late-interfaces",
        "two-resolutions",
        "two-sources-one-vni",
        "gwlb",
    ] {
        let input = capture(name);
        quietly(&["strip", "--only-mirrored"], &input, &output);
        let packets = packets(tshark, &output);
        assert!(packets.len() > 3, "{name}");
        assert_eq!(tcpdump(tool, &output).len(), packets.len(), "{name}");
    }
}

fn packets(tshark: Tool, path: &Path) -> Vec<Packet> {
    let seen = dissect(tshark, path);
    assert_eq!((seen.code, seen.complaint.as_str()), (Some(0), ""), "{}", path.display());
    // Custom and journal blocks are packets to tshark alone, and have no interface.
    seen.packets.into_iter().filter(|packet| packet.interface.is_some()).collect()
}

/// Bytes, length and time of every packet, and how fine the time is.
#[test]
fn classic_pcap_keeps_bytes_lengths_and_times_at_either_resolution() {
    let (Some(tshark), Some(capinfos), Some(tool)) =
        (tool("tshark"), tool("capinfos"), tool("tcpdump"))
    else {
        return;
    };
    let scratch = Scratch::new();
    for (name, kind, precision) in [
        ("pcap-micro", "pcap", "microseconds (6)"),
        ("pcap-nano-big", "nanosecond pcap", "nanoseconds (9)"),
        ("lab-d", "nanosecond pcap", "nanoseconds (9)"),
    ] {
        let (input, output) = (capture(name), scratch.path(format!("{name}.pcap")));
        quietly(&["strip"], &input, &output);

        let before = dissect(tshark, &input).packets;
        let after = dissect(tshark, &output);
        assert_eq!((after.code, after.complaint.as_str()), (Some(0), ""), "{name}");
        assert_eq!(before.len(), after.packets.len(), "{name}");
        for (n, (before, after)) in before.iter().zip(&after.packets).enumerate() {
            let frame = before.mirrored.as_ref().map_or(&before.bytes, |m| &m.frame);
            assert_eq!(&after.bytes, frame, "{name}: packet {}", n + 1);
            assert_eq!(after.time, before.time, "{name}: packet {}", n + 1);
        }

        let text = capinfos.run([&output]).content().text();
        for line in [
            format!("File type:           Wireshark/tcpdump/... - {kind}\n"),
            "File encapsulation:  Ethernet\n".to_owned(),
            format!("File timestamp precision:  {precision}\n"),
            format!("Number of packets:   {}\n", before.len()),
        ] {
            assert!(text.contains(&line), "{name}: no {line:?} in\n{text}");
        }

        let lines = tcpdump(tool, &output);
        assert_eq!(lines.len(), before.len(), "{name}");
        for (line, packet) in lines.iter().zip(&before) {
            let time = packet.time.as_deref().unwrap();
            assert!(line.starts_with(time), "{name}: not at {time}: {line}");
        }
    }
}

/// The first interface decides; a time that is finer is cut, never rounded into the future.
#[test]
fn classic_pcap_cuts_times_to_the_resolution_of_the_first_interface() {
    let Some(tshark) = tool("tshark") else { return };
    let scratch = Scratch::new();
    let (input, output) = (capture("two-resolutions"), scratch.path("out.pcap"));
    quietly(&["strip"], &input, &output);
    let times = |path: &Path| -> Vec<_> {
        dissect(tshark, path).packets.into_iter().map(|packet| packet.time.unwrap()).collect()
    };
    let want: Vec<_> =
        times(&input).iter().map(|time| format!("{}000", &time[..time.len() - 3])).collect();
    assert_ne!(want, times(&input));
    assert_eq!(times(&output), want);
}

#[test]
fn tshark_reads_compressed_outputs_like_plain_ones() {
    let Some(tshark) = tool("tshark") else { return };
    let scratch = Scratch::new();
    let input = capture("lab-d");
    let plain = scratch.path("out.pcapng");
    quietly(&["strip"], &input, &plain);
    let want = packets(tshark, &plain);
    assert!(want.len() > 50);
    for (end, magic) in [
        ("gz", &[0x1F, 0x8B][..]),
        ("zst", &[0x28, 0xB5, 0x2F, 0xFD]),
        ("lz4", &[0x04, 0x22, 0x4D, 0x18]),
    ] {
        let name = format!("out.pcapng.{end}");
        let output = scratch.path(&name);
        quietly(&["strip"], &input, &output);
        assert!(scratch.read(&name).starts_with(magic), "{end}");
        assert_eq!(packets(tshark, &output), want, "{end}");
    }
}
