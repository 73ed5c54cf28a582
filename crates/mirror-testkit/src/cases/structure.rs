//! Cases about how a pcapng file is put together.

use super::Case;
use super::lab::{
    Clock, NEW_YEAR, SERVER, dns_frames, eth0, mirror, ssh_at_the_target, web_frames,
};
use crate::capture::{Capture, Interface, Packet, Section};
use crate::options::Opt;
use crate::order::Order;
use crate::packet::{LINK_ETHERNET, LINK_SLL, Mirror, sll};

pub(super) fn cases() -> Vec<Case> {
    vec![Case::pcapng("sections", sections()), Case::pcapng("late-interfaces", late_interfaces())]
}

fn sections() -> Vec<u8> {
    let frames = web_frames(51_000);
    let mut clock = Clock::new();
    let mut capture =
        Capture::new(Section::new(Order::Little).known_length().option(Opt::shb_userappl("first")));
    capture.interface(eth0());
    for frame in &frames[..3] {
        capture.packet(Packet::new(0, clock.tick(), mirror().frame(frame)));
    }

    // Interfaces are numbered anew: 0 is something else here, and eth0 is 1.
    capture.section(Section::new(Order::Big).option(Opt::shb_userappl("second")));
    capture.interface(Interface::new(LINK_SLL).option(Opt::if_name("any")));
    capture.interface(eth0().option(Opt::if_speed(10_000_000_000)));
    for (number, frame) in frames[3..7].iter().enumerate() {
        let now = clock.tick();
        if number % 2 == 0 {
            let cooked = sll(0, Mirror::ROUTER_MAC, &mirror().datagram(frame));
            capture.packet(Packet::new(0, now / 1000, cooked).option(Opt::flags(1)));
        } else {
            capture.packet(Packet::new(1, now, mirror().frame(frame)).option(Opt::flags(1)));
        }
    }
    capture.statistics(1, clock.tick(), &[Opt::ifrecv(2)]);

    // Minor version 2 stood in a draft; readers take it for 0.
    capture.section(Section::new(Order::Little).version(1, 2).known_length());
    capture.interface(Interface::new(LINK_ETHERNET).option(Opt::tsresol(6)));
    for frame in &frames[7..] {
        capture.packet(Packet::new(0, clock.tick() / 1000, mirror().frame(frame)));
    }
    capture.bytes()
}

fn late_interfaces() -> Vec<u8> {
    let frames = web_frames(51_000);
    let mut clock = Clock::new();
    let mut capture = Capture::new(Order::Little);
    capture.interface(eth0());
    capture.packet(Packet::new(0, clock.tick(), mirror().frame(&frames[0])));
    capture.packet(Packet::new(0, clock.tick(), mirror().frame(&frames[1])));
    // An interface that came up during the capture.
    let late = Interface::new(LINK_ETHERNET).option(Opt::if_name("eth1")).option(Opt::tsresol(9));
    capture.interface(late);
    for (number, frame) in frames[2..].iter().enumerate() {
        let interface = number as u32 % 2;
        capture.packet(Packet::new(interface, clock.tick(), mirror().frame(frame)));
    }
    capture.packet(Packet::new(1, clock.tick(), ssh_at_the_target()));
    let [query, _] = dns_frames(1, SERVER);
    capture.packet(Packet::new(0, clock.tick(), mirror().frame(&query)));
    let end = clock.tick();
    let start = Opt::starttime(NEW_YEAR * 1_000_000_000);
    for (interface, packets) in [(0, 7), (1, 5)] {
        let counts = [start.clone(), Opt::endtime(end), Opt::ifrecv(packets), Opt::ifdrop(0)];
        capture.statistics(interface, end, &counts);
    }
    capture.bytes()
}
