//! Every capture there is, before and after.
//!
//! For each packet either the frame that tshark saw behind VXLAN came out, or the packet as
//! it was; in order, at its time, with its comments, under the right interface. Where tshark
//! and we disagree for a reason, [`KNOWN`] says which.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::{
    dissection::{Dissection, Packet, dissect},
    tools::{Tool, tool},
};
use crate::harness::{Scratch, corpus, mirror_pcap, testdata};

/// Capture, complaint and why it is right as it is.
const KNOWN: &[(&str, &str, &str)] = &[
    (
        "damaged/070-pcap-zero-tail/input.pcap",
        "5 packets before, 3 after",
        "zeros at the end of a file are no packets of 1970",
    ),
    (
        "captures/fcs/input.pcapng",
        "packet 13: stripped, although tshark sees no VXLAN: \
         vpcmirror: vni=308308 source=10.0.1.15",
        "five bytes of a frame are no Ethernet to tshark, but they are what was mirrored",
    ),
    (
        "captures/mixed-traffic/input.pcapng",
        "packet 16: kept, although tshark sees VXLAN with VNI 308308",
        "VXLAN-GPE with IPv4 in it; tshark ignores the P bit and shows nonsense as Ethernet",
    ),
    (
        "captures/mixed-traffic/input.pcapng",
        "packet 17: kept, although tshark sees VXLAN with VNI 308308",
        "the I flag is not set, so there is no valid VNI; tshark does not look at it",
    ),
    (
        "captures/mixed-traffic/input.pcapng",
        "packet 22: kept, although tshark sees VXLAN with VNI 308308",
        "the first fragment of two",
    ),
    (
        "captures/mixed-traffic/input.pcapng",
        "packet 29: kept, although tshark sees VXLAN with VNI 308308",
        "a Simple Packet Block, which cannot name a session's interface",
    ),
    (
        "captures/mixed-traffic/input.pcapng",
        "packet 31: kept, although tshark sees VXLAN with VNI 308308",
        "an obsolete Packet Block, kept as it is",
    ),
    (
        "captures/null/input.pcapng",
        "packet 15: stripped, although tshark sees no VXLAN: \
         vpcmirror: vni=308308 source=2001:db8:1234:ab01::15",
        "Linux' number of IPv6 in a BSD header, which tshark does not know",
    ),
    (
        "captures/outer-qinq/input.pcapng",
        "packet 12: kept, although tshark sees VXLAN with VNI 308308",
        "four VLAN tags; we look behind three",
    ),
    (
        "captures/reserved-bits/input.pcapng",
        "packet 7: kept, although tshark sees VXLAN with VNI 308308",
        "VXLAN-GPE with IPv4 in it, again",
    ),
    (
        "damaged/010-bad-option-list/input.pcapng",
        "tshark ended with Some(2): (pcapng: Not enough data to handle option of length 200)",
        "an option list that can't be read is copied as it is, and was no better before",
    ),
    (
        "damaged/016-unknown-version-section/input.pcapng",
        "tshark ended with Some(2): (pcapng: unknown SHB version 2.0)",
        "a section of a version that nobody knows is copied as it is",
    ),
    (
        "damaged/048-interface-option-past-the-end/input.pcapng",
        "tshark ended with Some(2): (pcapng: Not enough data to handle option of length 65535)",
        "as damaged/010, of an interface",
    ),
    (
        "damaged/049-section-option-past-the-end/input.pcapng",
        "tshark ended with Some(2): (pcapng: Not enough data to handle option of length 65535)",
        "as damaged/010, of a section",
    ),
    (
        "damaged/050-secrets-past-the-end/input.pcapng",
        "tshark ended with Some(2): (pcapng: secrets block is too large: 2147483647)",
        "a block whose frame is sound is copied, whatever is in it",
    ),
    (
        "damaged/051-names-past-the-end/input.pcapng",
        "tshark ended with Some(2): (pcapng: 12 bytes left in the block < NRB record length + padding 65536)",
        "as damaged/050",
    ),
    (
        "damaged/052-custom-without-number/input.pcapng",
        "tshark ended with Some(2): (pcapng: total block length 12 of a CB is too small (< 16))",
        "as damaged/050",
    ),
    (
        "damaged/069-pcap-more-than-a-second/input.pcap",
        "packet 4: differs in time",
        "a fraction of more than a second is carried over into the seconds; tshark shows it as it is",
    ),
    (
        "damaged/069-pcap-more-than-a-second/input.pcap",
        "packet 5: differs in time",
        "a fraction of more than a second is carried over into the seconds; tshark shows it as it is",
    ),
    (
        "gopacket/pcapgo__tests__be__test901.pcapng",
        "tshark ended with Some(2): (pcapng: unknown SHB version 2.0)",
        "as damaged/016",
    ),
    (
        "libpcap/tests__pcapng-invalid-vers-1.pcapng",
        "tshark ended with Some(2): (pcapng: unknown SHB version 0.1)",
        "as damaged/016",
    ),
    (
        "captures/sections/input.pcapng",
        "packet 4: differs in interface",
        "tshark 4.0 takes the names of the first section's interfaces for those of all",
    ),
    ("captures/sections/input.pcapng", "packet 5: differs in interface", "as packet 4"),
    ("captures/sections/input.pcapng", "packet 6: differs in interface", "as packet 4"),
    ("captures/sections/input.pcapng", "packet 7: differs in interface", "as packet 4"),
    (
        "tcpdump/tests__bigtcp-ipv4-vxlan-ipv4.pcap",
        "packet 1: stripped, although tshark sees no VXLAN: \
         vpcmirror: vni=5001 source=10.25.132.11",
        "a UDP length of 0 says that the datagram is too long for the field; tshark says bad",
    ),
    (
        "tcpdump/tests__bigtcp-ipv6-vxlan-ipv6.pcap",
        "packet 1: stripped, although tshark sees no VXLAN: \
         vpcmirror: vni=5001 source=2604:1380:4091:ce00::d",
        "as over IPv4",
    ),
];

/// What a folder of captures had to show.
#[derive(Default)]
struct Verdict {
    packets: usize,
    stripped: usize,
    /// But those that are known.
    complaints: Vec<String>,
}

#[test]
#[ignore = "takes long; scripts/test --all runs it"]
fn tshark_agrees_on_every_capture_of_the_project() {
    let Some(tshark) = tool("tshark") else { return };
    let verdict = check_all(tshark, &testdata());
    assert!(verdict.complaints.is_empty(), "\n{}", verdict.complaints.join("\n"));
    // Who compares nothing finds nothing.
    assert!(verdict.stripped >= 300, "{}", verdict.stripped);
}

#[test]
#[ignore = "takes long; scripts/test --all runs it"]
fn tshark_agrees_on_every_capture_by_others() {
    let (Some(tshark), Some(corpus)) = (tool("tshark"), corpus()) else { return };
    let verdict = check_all(tshark, &corpus);
    assert!(verdict.complaints.is_empty(), "\n{}", verdict.complaints.join("\n"));
    // One of them is the hundred packets of a real mirror.
    assert!(verdict.stripped >= 100 && verdict.packets >= 1000, "{}", verdict.packets);
}

/// Every capture below `folder`, four at a time: tshark mostly waits for itself to start.
fn check_all(tshark: Tool, folder: &Path) -> Verdict {
    let captures = captures_below(folder);
    let (next, all) = (AtomicUsize::new(0), Mutex::new(Verdict::default()));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(path) = captures.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let name = path.strip_prefix(folder).unwrap().to_string_lossy();
                    let found = check(tshark, path);
                    let known = |text: &str| {
                        KNOWN.iter().any(|(capture, what, _)| (*capture, *what) == (&name, text))
                    };
                    let new = found.complaints.iter().filter(|text| !known(text));
                    let mut all = all.lock().unwrap();
                    all.packets += found.packets;
                    all.stripped += found.stripped;
                    all.complaints.extend(new.map(|text| format!("{name}: {text}")));
                }
            });
        }
    });
    let mut all = all.into_inner().unwrap();
    all.complaints.sort();
    all
}

/// All files but documents, sorted.
fn captures_below(folder: &Path) -> Vec<PathBuf> {
    let (mut captures, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if [".pcap", ".pcapng", ".ntar", ".gz", ".zst", ".lz4"]
                .iter()
                .any(|end| name.ends_with(end))
            {
                captures.push(path);
            }
        }
    }
    captures.sort();
    captures
}

/// What tshark's view of `input` and that of its stripped output disagree on.
fn check(tshark: Tool, input: &Path) -> Verdict {
    let scratch = Scratch::new();
    let output = scratch.path("out.pcapng");
    let seen = mirror_pcap().arg("strip").args([input, &output]).ends();
    let before = dissect(tshark, input);
    match seen.status.code() {
        Some(0 | 4) => compare(before, &dissect(tshark, &output)),
        Some(2) if before.packets.is_empty() => Verdict::default(),
        code => Verdict {
            complaints: vec![format!("strip ended with {code:?}: {}", seen.stderr.trim_end())],
            ..Verdict::default()
        },
    }
}

fn compare(mut before: Dissection, after: &Dissection) -> Verdict {
    before.packets.retain(|packet| !packet.is_no_copy);
    let mut verdict = Verdict { packets: before.packets.len(), ..Verdict::default() };
    let found = &mut verdict.complaints;
    if (after.code, after.complaint.as_str()) != (Some(0), "") {
        let reason = after.complaint.lines().last().unwrap_or_default();
        found.push(format!("tshark ended with {:?}: {reason}", after.code));
    }
    // Of a damaged capture tshark reads no more than what comes before the damage.
    let (a, b) = (before.packets.len(), after.packets.len());
    if (before.code == Some(0) && a != b) || a > b {
        found.push(format!("{a} packets before, {b} after"));
    }
    for (n, (before, after)) in before.packets.iter().zip(&after.packets).enumerate() {
        if let Err(why) = compare_packet(before, after) {
            found.push(format!("packet {}: {why}", n + 1));
        }
        verdict.stripped += usize::from(before.comments.len() < after.comments.len());
    }
    verdict
}

/// The differences that there may be are those between a wrapped and a stripped packet.
fn compare_packet(before: &Packet, after: &Packet) -> Result<(), String> {
    let Some(added) = after.comments.strip_prefix(before.comments.as_slice()) else {
        return Err(format!("comments were {:?}, are {:?}", before.comments, after.comments));
    };
    let mut want = before.clone();
    // Classic pcap has neither sections nor interfaces.
    if before.section.is_none() {
        want.section.clone_from(&after.section);
    }
    if before.interface.is_none() {
        want.interface.clone_from(&after.interface);
    }
    if let [annotation] = added {
        want = stripped(want, annotation)?;
    } else if let Some(mirrored) = &before.mirrored
        && mirrored.port == 4789
    {
        return Err(format!("kept, although tshark sees VXLAN with VNI {}", mirrored.vni));
    }
    let differences = [
        ("bytes", want.bytes == after.bytes),
        ("length", want.length == after.length),
        ("time", want.time == after.time),
        ("section", want.section == after.section),
        ("interface", want.interface == after.interface),
        ("comments", want.comments == after.comments),
        ("numbers", want.numbers == after.numbers),
        ("flags", want.flags == after.flags),
    ];
    match differences.iter().filter(|(_, same)| !same).map(|(what, _)| *what).collect::<Vec<_>>() {
        what if what.is_empty() => Ok(()),
        what => Err(format!("differs in {}", what.join(", "))),
    }
}

/// What `packet` must become by tshark's dissection, and by what our annotation claims of it.
fn stripped(mut packet: Packet, annotation: &str) -> Result<Packet, String> {
    let Some(mirrored) = &packet.mirrored else {
        return Err(format!("stripped, although tshark sees no VXLAN: {annotation}"));
    };
    let said = |key: &str| {
        let words = annotation.split(' ').filter_map(|word| word.split_once('='));
        words.filter(|(k, _)| *k == key).map(|(_, value)| value).next()
    };
    let (vni, source) = (mirrored.vni.to_string(), mirrored.source.to_string());
    if (said("vni"), said("source")) != (Some(&vni), Some(&source)) {
        return Err(format!("tshark sees VNI {vni} from {source}, not {annotation}"));
    }
    let endpoint = mirrored.endpoint.map_or_else(String::new, |id| match u32::try_from(id) {
        Ok(id) => format!("@vpce-{id:08x}"),
        Err(_) => format!("@vpce-{id:017x}"),
    });
    packet.bytes.clone_from(&mirrored.frame);
    // A frame that the mirror cut had the length that its IP header says.
    packet.length = match said("cut_from") {
        Some(length) => mirrored
            .promised
            .filter(|promised| promised.to_string() == length)
            .ok_or_else(|| format!("tshark sees {:?}, not {annotation}", mirrored.promised))?,
        None => mirrored.length.unwrap_or(mirrored.frame.len()),
    };
    packet.interface = Some(format!("vni-{vni}@{source}{endpoint}"));
    packet.comments.push(annotation.to_owned());
    packet.flags = match said("direction") {
        Some("ingress") => Some("0x00000001".to_owned()),
        Some("egress") => Some("0x00000002".to_owned()),
        _ => None,
    };
    Ok(packet)
}

/// Files that tshark gives up on even as they are: option lists with a fault in them, a
/// section of a version that it does not know, and blocks with something else than they say.
const UNREADABLE: [&str; 7] = [
    "010-bad-option-list",
    "016-unknown-version-section",
    "048-interface-option-past-the-end",
    "049-section-option-past-the-end",
    "050-secrets-past-the-end",
    "051-names-past-the-end",
    "052-custom-without-number",
];

#[test]
#[ignore = "takes long; scripts/test --all runs it"]
fn tshark_reads_what_every_option_makes_and_so_do_we() {
    let Some(tshark) = tool("tshark") else { return };
    let captures = captures_below(&testdata());
    let (next, complaints) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(path) = captures.get(next.fetch_add(1, Ordering::Relaxed)) {
                    for options in [&["--only-mirrored"][..], &["--format=pcap"]] {
                        if let Some(why) = unread(tshark, path, options) {
                            complaints.lock().unwrap().push(why);
                        }
                    }
                }
            });
        }
    });
    let complaints = complaints.into_inner().unwrap();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
    assert!(captures.len() >= 40);
}

/// Why what strip makes of a capture cannot be read.
fn unread(tshark: Tool, path: &Path, options: &[&str]) -> Option<String> {
    let name = path.display();
    let scratch = Scratch::new();
    let output = scratch.path("out");
    let seen = mirror_pcap().args(["strip", "-q"]).args(options).args([path, &output]).ends();
    match seen.status.code() {
        Some(0 | 4) => {}
        Some(2) => return None,
        code => return Some(format!("{name} {options:?}: strip ended with {code:?}")),
    }
    let again = mirror_pcap().args(["strip", "-q"]).args([&output, &scratch.path("again")]).ends();
    if again.status.code() != Some(0) || !again.stderr.is_empty() {
        return Some(format!("{name} {options:?}: we complain: {}", again.stderr));
    }
    let pcapng = options != ["--format=pcap"];
    if pcapng && UNREADABLE.iter().any(|part| name.to_string().contains(part)) {
        return None;
    }
    let said = tshark.run(["-n".as_ref(), "-r".as_ref(), output.as_os_str()]);
    (said.code != Some(0) || !said.complaint.is_empty())
        .then(|| format!("{name} {options:?}: tshark complains: {}", said.complaint))
}
