//! Classic pcap as a list of records.

use super::Stop;
use crate::order::Order;
use crate::pcap::Fraction;

/// A classic pcap file, as far as it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PcapFile {
    /// Byte order of all its headers.
    pub order: Order,
    /// What the second word of a time counts.
    pub fraction: Fraction,
    /// Major and minor version.
    pub version: (u16, u16),
    /// The snaplen.
    pub snaplen: u32,
    /// The whole link type word; the link type is its lower half.
    pub link: u32,
    /// The records, in order.
    pub records: Vec<Record>,
    /// Where reading stopped, if that was not the end.
    pub stop: Option<Stop>,
}

/// One packet of a classic pcap file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Seconds and fraction, as they stand there.
    pub time: (u32, u32),
    /// The length on the wire.
    pub original: u32,
    /// The captured bytes.
    pub data: Vec<u8>,
}

/// Read a classic pcap file; none if its header is not one.
pub fn pcap(bytes: &[u8]) -> Option<PcapFile> {
    let (order, fraction) = match bytes.get(..4)? {
        [0xD4, 0xC3, 0xB2, 0xA1] => (Order::Little, Fraction::Micro),
        [0x4D, 0x3C, 0xB2, 0xA1] => (Order::Little, Fraction::Nano),
        [0xA1, 0xB2, 0xC3, 0xD4] => (Order::Big, Fraction::Micro),
        [0xA1, 0xB2, 0x3C, 0x4D] => (Order::Big, Fraction::Nano),
        _ => return None,
    };
    let version = (order.read_u16(bytes, 4)?, order.read_u16(bytes, 6)?);
    let (snaplen, link) = (order.read_u32(bytes, 16)?, order.read_u32(bytes, 20)?);
    let mut records = Vec::new();
    let mut offset = 24;
    let stop = loop {
        let left = &bytes[offset..];
        if left.is_empty() {
            break None;
        }
        let word = |at| order.read_u32(left, at);
        let (Some(seconds), Some(part), Some(captured), Some(original)) =
            (word(0), word(4), word(8), word(12))
        else {
            let why = format!("{} bytes left, a record has at least 16", left.len());
            break Some(Stop { offset, why });
        };
        let Some(data) = left[16..].get(..captured as usize) else {
            let have = left.len() - 16;
            let why = format!("captured length is {captured}, but {have} bytes are left");
            break Some(Stop { offset, why });
        };
        records.push(Record { time: (seconds, part), original, data: data.to_vec() });
        offset += 16 + data.len();
    };
    Some(PcapFile { order, fraction, version, snaplen, link, records, stop })
}
