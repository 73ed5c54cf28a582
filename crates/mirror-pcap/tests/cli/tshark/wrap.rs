//! What `wrap` puts around a frame, read by someone who has never seen our code.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use super::{
    dissection::dissect,
    quietly,
    tools::{Tool, tool},
};
use crate::harness::{Scratch, testdata};

const OVER_IPV4: [&str; 8] =
    ["wrap", "--force", "--vni", "4242", "--source", "10.0.1.15", "--target", "10.0.2.99"];
const OVER_IPV6: [&str; 8] =
    ["wrap", "--force", "--vni", "4242", "--source", "2001:db8::15", "--target", "2001:db8::99"];

/// What tshark finds wrong: all checksums are computed, which it does not do unasked.
const WRONG: &str = "_ws.malformed || ip.checksum.status == 0 || udp.checksum.status == 0 || \
                     tcp.checksum.status == 0";

/// Frames as at their source: 58 of a laboratory, whole, IPv4 and IPv6.
fn frames(scratch: &Scratch) -> PathBuf {
    let path = scratch.path("frames.pcapng");
    let input = testdata().join("captures/lab-d/input.pcapng");
    quietly(&["strip", "--only-mirrored"], &input, &path);
    path
}

/// The fields of every packet that `filter` lets through, tab between fields, comma between
/// the values of one.
#[track_caller]
fn fields(tshark: Tool, path: &Path, filter: &str, names: &[&str]) -> Vec<String> {
    let mut args: Vec<OsString> = vec!["-n".into(), "-r".into(), path.into()];
    for protocol in ["ip", "udp", "tcp"] {
        args.extend(["-o".into(), format!("{protocol}.check_checksum:TRUE").into()]);
    }
    args.extend(["-Y", filter, "-T", "fields"].map(OsString::from));
    args.extend(names.iter().flat_map(|name| [OsStr::new("-e"), OsStr::new(name)].map(Into::into)));
    tshark.run(args).content().text().lines().map(str::to_owned).collect()
}

/// Every packet is VXLAN with the frame inside, and nothing is wrong with it.
#[track_caller]
fn is_wrapped(tshark: Tool, frames: &Path, wrapped: &Path) {
    assert_eq!(fields(tshark, wrapped, WRONG, &["frame.number"]), [""; 0]);
    let (frames, wrapped) = (dissect(tshark, frames).packets, dissect(tshark, wrapped).packets);
    assert_eq!((frames.len(), wrapped.len()), (58, 58));
    for (n, (frame, wrapped)) in frames.iter().zip(&wrapped).enumerate() {
        let mirrored = wrapped.mirrored.as_ref().unwrap_or_else(|| panic!("packet {}", n + 1));
        assert_eq!(mirrored.frame, frame.bytes, "packet {}", n + 1);
        assert_eq!(mirrored.length, Some(frame.length), "packet {}", n + 1);
        assert_eq!(wrapped.time, frame.time, "packet {}", n + 1);
        // The annotation of the strip before goes with the wrapping.
        assert!(wrapped.comments.is_empty(), "{:?}", wrapped.comments);
        assert_eq!((mirrored.vni, mirrored.port), (4242, 4789));
    }
}

#[test]
fn tshark_sees_vxlan_over_ipv4_as_aws_sends_it() {
    let Some(tshark) = tool("tshark") else { return };
    let scratch = Scratch::new();
    let (frames, wrapped) = (frames(&scratch), scratch.path("wrapped.pcapng"));
    quietly(&OVER_IPV4, &frames, &wrapped);
    is_wrapped(tshark, &frames, &wrapped);
    let seen = fields(
        tshark,
        &wrapped,
        "frame",
        &["vxlan.flags", "vxlan.reserved8", "udp.checksum", "udp.checksum.status"],
    );
    // No checksum (3: not present), as AWS sends it.
    assert_eq!(seen, ["0x0800\t0\t0x0000\t3"; 58]);
    // Outer addresses, and IPv6 inside as well.
    let seen = fields(tshark, &wrapped, "ipv6", &["ip.src", "ip.dst", "ip.ttl", "ip.id"]);
    assert!(seen.len() > 10);
    assert!(seen.iter().all(|line| line == "10.0.1.15\t10.0.2.99\t255\t0x0000"), "{seen:?}");
}

#[test]
fn over_ipv6_the_udp_checksum_is_there_and_right() {
    let Some(tshark) = tool("tshark") else { return };
    let scratch = Scratch::new();
    let (frames, wrapped) = (frames(&scratch), scratch.path("wrapped.pcapng"));
    quietly(&OVER_IPV6, &frames, &wrapped);
    is_wrapped(tshark, &frames, &wrapped);
    // 1: good.
    assert_eq!(fields(tshark, &wrapped, "frame", &["udp.checksum.status"]), ["1"; 58]);
}

#[test]
fn tshark_sees_the_geneve_options_of_a_load_balancer() {
    let Some(tshark) = tool("tshark") else { return };
    let scratch = Scratch::new();
    let (frames, wrapped) = (frames(&scratch), scratch.path("wrapped.pcapng"));
    for session in [OVER_IPV4, OVER_IPV6] {
        let geneve = ["--geneve", "--endpoint", "vpce-0a1b2c3d4e5f67890"];
        quietly(&[&session[..], &geneve].concat(), &frames, &wrapped);
        is_wrapped(tshark, &frames, &wrapped);
        let names = ["geneve.version", "geneve.option.class", "geneve.option.type", "udp.dstport"];
        let seen = fields(tshark, &wrapped, "geneve", &names);
        assert_eq!(seen, ["0\t0x0108,0x0108,0x0108\t0x01,0x02,0x03\t6081,4789"; 58]);
        let all = fields(tshark, &wrapped, "geneve", &["geneve.options"]);
        // Class 0x0108, type 1, two words: the endpoint.
        assert!(all.iter().all(|options| options.starts_with("01080102a1b2c3d4e5f67890")));
        let endpoints = dissect(tshark, &wrapped)
            .packets
            .into_iter()
            .filter_map(|packet| packet.mirrored.and_then(|mirrored| mirrored.endpoint));
        assert!(endpoints.eq([0xA1B2_C3D4_E5F6_7890; 58]));
    }
}

/// The mirror cuts the frame and sends a whole packet: nothing is cut for tshark but inside.
#[test]
fn a_frame_that_the_mirror_cut_is_in_a_whole_packet() {
    let Some(tshark) = tool("tshark") else { return };
    let scratch = Scratch::new();
    let (frames, wrapped) = (frames(&scratch), scratch.path("wrapped.pcapng"));
    quietly(&[&OVER_IPV4[..], &["--packet-length", "100"]].concat(), &frames, &wrapped);
    let outer = "frame.cap_len != frame.len || ip.checksum.status == 0";
    assert_eq!(fields(tshark, &wrapped, outer, &["frame.number"]), [""; 0]);
    let (before, after) = (dissect(tshark, &frames).packets, dissect(tshark, &wrapped).packets);
    let cut = before.iter().zip(&after).filter(|(before, after)| {
        let mirrored = after.mirrored.as_ref().expect("VXLAN");
        let want = &before.bytes[..before.bytes.len().min(100)];
        assert_eq!((mirrored.frame.as_slice(), mirrored.length), (want, Some(want.len())));
        before.bytes.len() > 100
    });
    assert!(cut.count() > 10);
}

/// Both commands together change nothing that tshark sees.
#[test]
fn stripping_what_was_wrapped_gives_the_frames_back() {
    let Some(tshark) = tool("tshark") else { return };
    let scratch = Scratch::new();
    let frames = frames(&scratch);
    let (wrapped, again) = (scratch.path("wrapped.pcapng"), scratch.path("again.pcapng"));
    for session in [OVER_IPV4, OVER_IPV6] {
        quietly(&session, &frames, &wrapped);
        quietly(&["strip", "--only-mirrored"], &wrapped, &again);
        let seen = |path: &Path| -> Vec<_> {
            let packets = dissect(tshark, path).packets;
            packets.into_iter().map(|packet| (packet.bytes, packet.length, packet.time)).collect()
        };
        assert_eq!(seen(&again), seen(&frames));
    }
}
