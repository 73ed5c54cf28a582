//! Interfaces whose options stand twice or have a length that none has: what tshark takes of them
//! is what we take.

use std::{collections::BTreeSet, path::Path};

use mirror_testkit::{
    Capture, Interface, Opt, Order, Packet,
    packet::{LINK_ETHERNET, Mirror, Udp, ethernet, ip},
};

use super::{
    quietly,
    tools::{Tool, tool},
};
use crate::harness::Scratch;

/// The time of each packet.
fn times(tshark: Tool, path: &Path) -> Vec<String> {
    let fields = ["-n", "-T", "fields", "-e", "frame.time_epoch", "-r", path.to_str().unwrap()];
    tshark.run(fields).content().text().lines().map(str::to_owned).collect()
}

/// An interface for each two values, good or not, of the resolution and of the offset; on each one
/// packet that is stripped and one that is kept, which came at once.
#[test]
fn a_stripped_packet_keeps_its_time_whatever_its_interface_says_twice() {
    let Some(tshark) = tool("tshark") else { return };
    let values = |code: u16, good: [&[u8]; 2], bad: [&[u8]; 3]| {
        good.into_iter().chain(bad).map(|value| Opt::new(code, value)).collect::<Vec<_>>()
    };
    let (minute, hour) = (60_u64.to_le_bytes(), 3_600_u64.to_le_bytes());
    let resolutions = values(9, [&[9], &[3]], [&[], &[9, 0], &[9, 0, 0, 0]]);
    let offsets = values(14, [&minute, &hour], [&[], &[60, 0, 0, 0], &[60; 12]]);

    let own = ip([10, 0, 2, 99], [192, 0, 2, 1], Udp::new(1, 2, "kept"));
    let own = ethernet([2; 6], [4; 6], &own);
    let wrapped = Mirror::new([10, 0, 1, 15], [10, 0, 2, 99], 7).frame(&own);
    let mut capture = Capture::new(Order::Little);
    let mut interfaces = 0;
    for options in [resolutions, offsets] {
        for (first, second) in options.iter().flat_map(|a| options.iter().map(move |b| (a, b))) {
            let interface = Interface::new(LINK_ETHERNET).option(first.clone());
            capture.interface(interface.option(second.clone()));
            for packet in [&wrapped, &own] {
                capture.packet(Packet::new(interfaces, 1_700_000_000_000_000, packet));
            }
            interfaces += 1;
        }
    }
    let scratch = Scratch::new();
    let (input, output) = (scratch.write("in.pcapng", capture.bytes()), scratch.path("out.pcapng"));
    quietly(&["strip"], &input, &output);
    let before = times(tshark, &input);
    assert_eq!(times(tshark, &output), before);
    assert!(before.chunks(2).all(|both| both[0] == both[1]));
    // Microseconds, nanoseconds, milliseconds; a minute and an hour more.
    assert_eq!(before.iter().collect::<BTreeSet<_>>().len(), 5, "{before:?}");
}
