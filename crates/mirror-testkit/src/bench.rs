//! A capture of any length for measurements: mirrored TCP, four sessions, both directions.
//!
//! A million packets are built from a few hundred headers. Only what differs from packet to
//! packet is written into them: lengths, sequence numbers and the three
//! checksums, whose constant part is summed beforehand. So making the file costs
//! little more than writing it, and every checksum in it is still right.

use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use crate::capture::{Capture, EPB, Interface};
use crate::options::Opt;
use crate::order::Order;
use crate::packet::{LINK_ETHERNET, Mac, Mirror, Tcp, ethernet, ip, ones_complement_sum};
use crate::random::Random;

/// Ethernet, IPv4, UDP, VXLAN.
const WRAPPER: usize = 14 + 20 + 8 + 8;
/// All headers: the wrapper, then Ethernet, IPv4 and TCP without options.
const HEADERS: usize = WRAPPER + 14 + 20 + 20;
const OUTER_IP: usize = 14;
const OUTER_UDP: usize = 34;
const INNER_IP: usize = WRAPPER + 14;
const INNER_TCP: usize = WRAPPER + 34;

const SESSIONS: u8 = 4;
const FLOWS: u8 = 16;
const LONGEST: usize = 1514;

/// How long the mirrored frames are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InnerSize {
    /// Half of them 64 to 127 bytes, a fifth 560 to 592, the rest 1400 to 1500.
    Imix,
    /// All of this length.
    Fixed(usize),
}

impl InnerSize {
    /// The lengths a frame may be fixed to: headers without payload up to Ethernet's limit.
    pub const FIXED: RangeInclusive<usize> = HEADERS - WRAPPER..=LONGEST;

    fn next(self, random: &mut Random) -> usize {
        let (low, high) = match self {
            InnerSize::Fixed(length) => return length,
            InnerSize::Imix => match random.between(0, 9) {
                0..=4 => (64, 127),
                5..=6 => (560, 592),
                _ => (1400, 1500),
            },
        };
        random.between(low, high) as usize
    }
}

/// What to make.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many packets.
    pub packets: u64,
    /// Sizes, order, times and payload follow from this number.
    pub seed: u64,
    /// The lengths of the frames.
    pub inner: InnerSize,
}

/// One direction of a flow: its headers without payload, and the sum of what is constant.
struct Direction {
    headers: Vec<u8>,
    outer_sum: u64,
    inner_sum: u64,
    tcp_sum: u64,
}

impl Direction {
    fn new(mirror: &Mirror, frame: &[u8]) -> Direction {
        let mut headers = mirror.frame(frame);
        // Blank what changes, so that the sums are of the rest.
        let changing = [
            OUTER_IP + 2..OUTER_IP + 4,
            OUTER_IP + 10..OUTER_IP + 12,
            INNER_IP + 2..INNER_IP + 4,
            INNER_IP + 10..INNER_IP + 12,
            INNER_TCP + 4..INNER_TCP + 12,
            INNER_TCP + 16..INNER_TCP + 18,
        ];
        for range in changing {
            headers[range].fill(0);
        }
        let sum = |range: std::ops::Range<usize>| u64::from(ones_complement_sum(&headers[range]));
        let addresses = sum(INNER_IP + 12..INNER_IP + 20);
        let (outer_sum, inner_sum) = (sum(OUTER_IP..OUTER_IP + 20), sum(INNER_IP..INNER_IP + 20));
        let tcp_sum = addresses + 6 + sum(INNER_TCP..HEADERS);
        Direction { headers, outer_sum, inner_sum, tcp_sum }
    }

    /// The headers for `length` bytes of payload whose sum is `payload_sum`.
    fn headers(&mut self, seq: u32, ack: u32, length: usize, payload_sum: u64) -> &[u8] {
        let headers = &mut self.headers;
        let mut set = |at: usize, word: usize| {
            headers[at..at + 2].copy_from_slice(&(word as u16).to_be_bytes());
        };
        let outer_total = HEADERS - OUTER_IP + length;
        let inner_total = HEADERS - INNER_IP + length;
        let tcp_length = HEADERS - INNER_TCP + length;
        set(OUTER_IP + 2, outer_total);
        set(OUTER_IP + 10, checksum(self.outer_sum + outer_total as u64));
        set(OUTER_UDP + 4, outer_total - 20);
        set(INNER_IP + 2, inner_total);
        set(INNER_IP + 10, checksum(self.inner_sum + inner_total as u64));
        let numbers = [seq >> 16, seq & 0xFFFF, ack >> 16, ack & 0xFFFF];
        for (n, word) in numbers.iter().enumerate() {
            set(INNER_TCP + 4 + 2 * n, *word as usize);
        }
        let numbers: u64 = numbers.iter().map(|word| u64::from(*word)).sum();
        let tcp = self.tcp_sum + tcp_length as u64 + numbers + payload_sum;
        set(INNER_TCP + 16, checksum(tcp));
        headers
    }
}

/// Fold a sum of words and invert it.
fn checksum(mut sum: u64) -> usize {
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    usize::from(!(sum as u16))
}

/// Both directions of a flow and how far they are.
struct Flow {
    directions: [Direction; 2],
    next: [u32; 2],
}

fn flows() -> Vec<Flow> {
    let router: Mac = [0x02, 0x01, 0x0A, 0x00, 0x01, 0x01];
    let mut flows = Vec::new();
    for session in 0..SESSIONS {
        let eni = Ipv4Addr::new(10, 0, 1, 15 + session);
        let mac: Mac = [0x02, 0x15, 0x0A, 0x00, 0x01, 15 + session];
        let vni = 308_308 + u32::from(session);
        let mirror = Mirror::new(eni, Ipv4Addr::new(10, 0, 2, 99), vni);
        for flow in 0..FLOWS {
            let peer = Ipv4Addr::new(203, 0, 113, 1 + flow);
            let port = 51_000 + u16::from(flow);
            let flags = Tcp::PSH | Tcp::ACK;
            let out = ethernet(router, mac, &ip(eni, peer, Tcp::new(port, 443, flags)));
            let back = ethernet(mac, router, &ip(peer, eni, Tcp::new(443, port, flags)));
            let directions = [Direction::new(&mirror, &out), Direction::new(&mirror, &back)];
            flows.push(Flow { directions, next: [1000, 5000] });
        }
    }
    flows
}

/// Write the capture, in many small pieces: hand in a writer with a buffer. Answers how
/// many bytes there were.
///
/// # Errors
///
/// Those of `out`.
///
/// # Panics
///
/// If a fixed size is outside [`InnerSize::FIXED`].
pub fn write(out: &mut impl Write, plan: &Plan) -> io::Result<u64> {
    if let InnerSize::Fixed(length) = plan.inner {
        assert!(InnerSize::FIXED.contains(&length), "frames of {length} bytes");
    }
    let interface = Interface::new(LINK_ETHERNET).option(Opt::if_name("eth0"));
    let head = Capture::new(Order::Little).interface(interface.option(Opt::tsresol(9))).bytes();
    out.write_all(&head)?;
    let mut written = head.len() as u64;

    let mut random = Random::new(plan.seed);
    let payload = random.bytes(LONGEST);
    let sums: Vec<u64> =
        (0..=LONGEST).map(|n| u64::from(ones_complement_sum(&payload[..n]))).collect();
    let mut flows = flows();
    let mut time = 1_767_225_600_000_000_000_u64;
    let mut block = Vec::with_capacity(2048);
    for _ in 0..plan.packets {
        time += random.between(500, 15_000);
        let choice = random.word();
        let length = plan.inner.next(&mut random) - (HEADERS - WRAPPER);
        let count = flows.len() as u64;
        let flow = &mut flows[(choice % count) as usize];
        let by = (choice >> 63) as usize;
        let (seq, ack) = (flow.next[by], flow.next[1 - by]);
        flow.next[by] = seq.wrapping_add(length as u32);
        let headers = flow.directions[by].headers(seq, ack, length, sums[length]);

        let captured = (HEADERS + length) as u32;
        let total = (captured + 32).next_multiple_of(4);
        let (high, low) = ((time >> 32) as u32, time as u32);
        block.clear();
        for word in [EPB, total, 0, high, low, captured, captured] {
            block.extend_from_slice(&word.to_le_bytes());
        }
        block.extend_from_slice(headers);
        block.extend_from_slice(&payload[..length]);
        block.resize(total as usize - 4, 0);
        block.extend_from_slice(&total.to_le_bytes());
        out.write_all(&block)?;
        written += u64::from(total);
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Content, pcapng};

    fn packets(plan: Plan) -> Vec<Vec<u8>> {
        let mut bytes = Vec::new();
        let written = write(&mut bytes, &plan).unwrap();
        assert_eq!(written, bytes.len() as u64);
        let file = pcapng(&bytes);
        assert_eq!(file.stop, None);
        let data = file.blocks.into_iter().filter_map(|block| match block.content {
            Content::Packet { data, .. } => Some(data),
            _ => None,
        });
        data.collect()
    }

    fn word(frame: &[u8], at: usize) -> u16 {
        u16::from_be_bytes([frame[at], frame[at + 1]])
    }

    fn address(frame: &[u8], at: usize) -> Ipv4Addr {
        Ipv4Addr::from(<[u8; 4]>::try_from(&frame[at..at + 4]).unwrap())
    }

    /// The packet built again from its own fields, the slow way, checksums and all.
    #[test]
    fn every_packet_is_what_the_builders_would_have_made() {
        for inner in [InnerSize::Imix, InnerSize::Fixed(54), InnerSize::Fixed(1514)] {
            for packet in packets(Plan { packets: 300, seed: 5, inner }) {
                let frame = &packet[WRAPPER..];
                let number = |at: usize| u32::from_be_bytes(frame[at..at + 4].try_into().unwrap());
                let segment = Tcp::new(word(frame, 34), word(frame, 36), frame[47])
                    .at(number(38), number(42))
                    .payload(&frame[54..]);
                let datagram = ip(address(frame, 26), address(frame, 30), segment);
                let macs = [0, 6].map(|at| <[u8; 6]>::try_from(&frame[at..at + 6]).unwrap());
                let again = ethernet(macs[0], macs[1], &datagram);
                let vni = u32::from_be_bytes([0, packet[46], packet[47], packet[48]]);
                let mirror = Mirror::new(address(&packet, 26), address(&packet, 30), vni);
                assert_eq!(packet, mirror.frame(&again));
            }
        }
    }

    #[test]
    fn a_seed_determines_every_byte() {
        let plan = Plan { packets: 50, seed: 1, inner: InnerSize::Imix };
        assert_eq!(packets(plan), packets(plan));
        assert_ne!(packets(plan), packets(Plan { seed: 2, ..plan }));
    }

    #[test]
    fn imix_is_about_648_bytes_a_packet_and_speaks_for_all_sessions_and_directions() {
        let all = packets(Plan { packets: 20_000, seed: 1, inner: InnerSize::Imix });
        let mean = all.iter().map(Vec::len).sum::<usize>() / all.len();
        assert!((630..=666).contains(&mean), "{mean}");
        for session in 0..SESSIONS {
            for by in [6, 0] {
                let mac = [0x02, 0x15, 0x0A, 0x00, 0x01, 15 + session];
                let at = WRAPPER + by;
                let share = all.iter().filter(|packet| packet[at..at + 6] == mac).count();
                assert!((2000..3000).contains(&share), "{session} {by} {share}");
            }
        }
    }
}
