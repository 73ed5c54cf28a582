//! The classic format, which has no second length: what is lost is lost to the end.

use super::{NEW_YEAR, Named, mirror, pcap_start, web_frames};
use crate::capture::Capture;
use crate::order::Order;

pub(super) const CASES: [Named; 8] = [
    ("064-pcap-cut-in-record-header", cut_in_record_header),
    ("065-pcap-snaplen-0", || with_snaplen(0)),
    ("066-pcap-snaplen-largest", || with_snaplen(u32::MAX)),
    ("067-pcap-length-in-other-order", length_in_other_order),
    ("068-pcap-original-below-captured", original_below_captured),
    ("069-pcap-more-than-a-second", more_than_a_second),
    ("070-pcap-zero-tail", zero_tail),
    ("071-pcap-with-pcapng-behind-it", with_pcapng_behind_it),
];

/// One more mirrored packet.
fn packet() -> Vec<u8> {
    mirror().frame(&web_frames(51_000)[3])
}

fn cut_in_record_header() -> Vec<u8> {
    pcap_start().raw(&[0; 9]).bytes()
}

/// A snaplen that means nothing, and a record that it would allow or forbid.
fn with_snaplen(snaplen: u32) -> Vec<u8> {
    let data = packet();
    let mut capture = pcap_start();
    capture.record(NEW_YEAR as u32, 600_000, &data, data.len() as u32);
    capture.header(NEW_YEAR as u32, 700_000, 0x0FFF_FFFF, 0x0FFF_FFFF).raw(&data);
    let mut bytes = capture.bytes();
    bytes[16..20].copy_from_slice(&snaplen.to_le_bytes());
    bytes
}

fn length_in_other_order() -> Vec<u8> {
    let data = packet();
    let length = data.len() as u32;
    let mut capture = pcap_start();
    capture.header(NEW_YEAR as u32, 600_000, length.swap_bytes(), length).raw(&data);
    capture.record(NEW_YEAR as u32, 700_000, &data, length).bytes()
}

fn original_below_captured() -> Vec<u8> {
    let data = packet();
    let mut capture = pcap_start();
    for original in [0, 40] {
        capture.record(NEW_YEAR as u32, 600_000, &data, original);
    }
    capture.bytes()
}

fn more_than_a_second() -> Vec<u8> {
    let data = packet();
    let mut capture = pcap_start();
    for (seconds, fraction) in [(NEW_YEAR as u32, u32::MAX), (u32::MAX, u32::MAX)] {
        capture.record(seconds, fraction, &data, data.len() as u32);
    }
    capture.bytes()
}

fn zero_tail() -> Vec<u8> {
    pcap_start().raw(&[0; 40]).bytes()
}

fn with_pcapng_behind_it() -> Vec<u8> {
    pcap_start().raw(&Capture::new(Order::Little).bytes()).bytes()
}
