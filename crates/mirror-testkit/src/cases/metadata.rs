//! Cases about what a packet block says beside the packet.

use super::Case;
use super::lab::{Clock, SERVER, dns_frames, eth0, mirror, ssh_at_the_target};
use crate::capture::{Capture, Packet};
use crate::options::Opt;
use crate::order::Order;

pub(super) fn cases() -> Vec<Case> {
    vec![Case::pcapng("epb-options", epb_options())]
}

/// The number under which examples are registered with IANA.
const EXAMPLE_PEN: u32 = 32_473;

/// Every option an Enhanced Packet Block may have, and some that nobody knows.
fn every_option() -> Vec<Opt> {
    vec![
        Opt::comment("the first of two comments"),
        Opt::flags(1), // inbound
        Opt::hash(2, &[0xDE, 0xAD, 0xBE, 0xEF]),
        Opt::hash(5, &[0x01, 0x02, 0x03, 0x04]),
        Opt::dropcount(7),
        Opt::packetid(0x0102_0304_0506_0708),
        Opt::queue(3),
        Opt::verdict(1, 0),
        Opt::verdict(2, 2),
        Opt::process_thread(4711, 4712),
        Opt::custom(2988, EXAMPLE_PEN, b"text, may be copied"),
        Opt::custom(2989, EXAMPLE_PEN, &[1, 2, 3]),
        Opt::custom(19372, EXAMPLE_PEN, b"text, not to be copied"),
        Opt::custom(19373, EXAMPLE_PEN, &[4, 5, 6]),
        Opt::new(999, [0xAB; 5]),
        Opt::new(0x8001, [0xCD; 4]),
        Opt::comment("der zweite: Grüße\nin two lines, \"quoted\""),
    ]
}

fn epb_options() -> Vec<u8> {
    let mut clock = Clock::new();
    let [query, answer] = dns_frames(1, SERVER);
    let mut capture = Capture::new(Order::Little);
    capture.interface(eth0());
    let with_all = |packet: Packet| every_option().into_iter().fold(packet, Packet::option);

    capture.packet(with_all(Packet::new(0, clock.tick(), mirror().frame(&query))));
    // The same on a packet that stays as it is.
    capture.packet(with_all(Packet::new(0, clock.tick(), ssh_at_the_target())));
    // A list without opt_endofopt, as some writers leave it.
    let packet = Packet::new(0, clock.tick(), mirror().frame(&answer));
    capture.packet(packet.option(Opt::comment("no end")).option(Opt::flags(2)).without_end());
    // Link errors and a checksum that was not ready: these spoke of the wrapper's frame.
    let packet = Packet::new(0, clock.tick(), mirror().frame(&query));
    capture.packet(packet.option(Opt::flags(0x8000_0201)));
    // Padding bytes that are not zero, in data and options.
    capture.pad_with(0xEE);
    let packet = Packet::new(0, clock.tick(), mirror().frame(&answer));
    capture.packet(packet.option(Opt::comment("x")).option(Opt::comment("yz")));
    capture.bytes()
}
