//! More sessions than anyone has.

use mirror_testkit::{Capture, Interface, Order, Packet, decode::Content};

use super::{
    rules::{mirrored, sent},
    support::{packet, strip},
};

const MOST: u32 = 65_536;

/// A mirrored packet of the session with this number.
fn of_session(packet: &mut [u8], session: u32) {
    // Behind Ethernet, 12 bytes into the IPv4 header.
    packet[26..30].copy_from_slice(&(0x0A00_0000 + session).to_be_bytes());
}

#[test]
fn sessions_beyond_the_limit_stay_wrapped() {
    let mut data = mirrored(&sent(0));
    let mut capture = Capture::new(Order::Little);
    capture.interface(Interface::new(1));
    let more = 100;
    for session in 0..MOST + more {
        of_session(&mut data, session);
        capture.packet(Packet::new(0, u64::from(session), &data));
    }
    // Those that are known are still stripped.
    of_session(&mut data, MOST - 1);
    capture.packet(Packet::new(0, u64::MAX, &data));

    let out = strip("", &capture.bytes());
    assert_eq!(out.counts.totals(), [u64::from(MOST) + 1, u64::from(more), 0]);
    assert_eq!(out.counts.reasons().into_iter().collect::<Vec<_>>(), [("too-many-sessions", 100)]);
    let packets = out.packets();
    let last = packet(packets.last().unwrap());
    assert_eq!((last.0, last.1), (MOST, u64::MAX));
    // Kept as they were, on the interface that they arrived on.
    of_session(&mut data, MOST);
    let first_beyond = packet(&packets[MOST as usize]);
    assert_eq!((first_beyond.0, first_beyond.3), (0, &data[..]));

    let out = strip("--only-mirrored", &capture.bytes());
    assert_eq!(out.counts.totals(), [u64::from(MOST) + 1, 0, u64::from(more)]);
}

/// Few sessions, but each arrives on many interfaces: their number is what is limited.
#[test]
fn interfaces_for_sessions_are_limited_in_each_section() {
    let mut data = mirrored(&sent(0));
    let mut capture = Capture::new(Order::Little);
    let arrivals = 257;
    for _ in 0..2 {
        for _ in 0..arrivals {
            capture.interface(Interface::new(1));
        }
        for session in 0..256 {
            of_session(&mut data, session);
            for arrival in 0..arrivals {
                capture.packet(Packet::new(arrival, 0, &data));
            }
        }
        capture.section(Order::Big);
    }
    let out = strip("--comment none", &capture.bytes());
    let read = 2 * 256 * u64::from(arrivals);
    let stripped = 2 * u64::from(MOST);
    assert_eq!(out.counts.totals(), [stripped, read - stripped, 0]);
    let interfaces = |section| {
        let of = |block: &&mirror_testkit::decode::Block| {
            block.section == section && matches!(block.content, Content::Interface { .. })
        };
        out.blocks().iter().filter(of).count()
    };
    assert_eq!(interfaces(0), (MOST + arrivals) as usize);
    assert_eq!(interfaces(1), (MOST + arrivals) as usize);
}
