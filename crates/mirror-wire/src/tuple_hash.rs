//! The hash from which a mirror takes its UDP source port.
//!
//! AWS says that the port is a hash of the original packet's 5-tuple (3-tuple where there are no
//! ports), so that the packets of a connection take one path to the target. Which hash isn't
//! documented; what shows is 7 bits, the same in both directions of a connection. Ours has these
//! two properties and no claim to the same values.
//!
//! <https://docs.aws.amazon.com/vpc/latest/mirroring/traffic-mirroring-packet-formats.html>

use core::net::IpAddr;

use etherparse::{LaxIpSlice, ip_number};

use crate::{link, rest::Rest};

/// A hash of the connection that `frame` belongs to, the same in both directions; 0 if the frame
/// isn't IP or its IP header isn't whole.
pub(crate) fn hash(frame: &[u8]) -> u32 {
    tuple_hash(frame).unwrap_or(0)
}

fn tuple_hash(frame: &[u8]) -> Option<u32> {
    let mut rest = Rest::of_frame(frame);
    link::ethernet(&mut rest).ok()?;
    let (packet, _) = LaxIpSlice::from_slice(rest.bytes).ok()?;
    let payload = packet.payload();
    // Later fragments have no ports, and the first one should go where they go.
    let has_ports =
        matches!(payload.ip_number, ip_number::TCP | ip_number::UDP) && !payload.fragmented;
    let [s0, s1, d0, d1] = match payload.payload.first_chunk::<4>() {
        Some(ports) if has_ports => *ports,
        _ => [0; 4],
    };
    // A sum doesn't know which end came first.
    let ends = end_hash(packet.source_addr(), [s0, s1])
        .wrapping_add(end_hash(packet.destination_addr(), [d0, d1]));
    Some(spread(ends ^ u32::from(payload.ip_number.0)))
}

/// FNV-1a of an address and a port.
fn end_hash(address: IpAddr, port: [u8; 2]) -> u32 {
    let fold = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    let start = port.iter().fold(0x811c_9dc5, fold);
    match address {
        IpAddr::V4(address) => address.octets().iter().fold(start, fold),
        IpAddr::V6(address) => address.octets().iter().fold(start, fold),
    }
}

/// The finalizer of MurmurHash3: every bit of the input moves the seven bits that are used.
fn spread(mut hash: u32) -> u32 {
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rustfmt::skip]
    const TCP: [u8; 38] = [
        2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00,
        0x45, 0, 0, 24, 0, 0, 0, 0, 64, 6, 0, 0,
        10, 0, 1, 15, 203, 0, 113, 9,
        // ports---------------
        0xc7, 0x38, 0x01, 0xbb,
    ];

    fn changed(offset: usize, bytes: &[u8]) -> [u8; 38] {
        let mut frame = TCP;
        frame[offset..offset + bytes.len()].copy_from_slice(bytes);
        frame
    }

    #[test]
    fn both_directions_of_a_connection_hash_alike() {
        let mut reply = changed(26, &[203, 0, 113, 9, 10, 0, 1, 15]);
        reply[34..].copy_from_slice(&[0x01, 0xbb, 0xc7, 0x38]);
        assert_eq!(hash(&reply), hash(&TCP));
        assert_ne!(hash(&TCP), 0);
    }

    #[test]
    fn each_part_of_the_five_tuple_moves_the_hash() {
        for offset in [23, 26, 29, 30, 33, 34, 35, 36, 37] {
            let flipped = TCP[offset] ^ if offset == 23 { 6 ^ 17 } else { 1 };
            assert_ne!(hash(&changed(offset, &[flipped])), hash(&TCP), "byte {offset}");
        }
        // The ports of the two ends swapped, but not their addresses: another connection.
        assert_ne!(hash(&changed(34, &[0x01, 0xbb, 0xc7, 0x38])), hash(&TCP));
    }

    /// Computed by another program; the finalizer of 1 is in many a test of MurmurHash3. A wrapper
    /// is the same wherever it is made.
    #[test]
    fn the_hash_is_the_one_that_is_written_down() {
        assert_eq!(spread(1), 0x514e_28b7);
        assert_eq!(hash(&TCP), 0x29ab_2ce6);
        assert_eq!(hash(&changed(23, &[17])), 0xb949_614f);
    }

    #[test]
    fn without_ports_the_three_tuple_decides() {
        let icmp = changed(23, &[1]);
        let mut other_echo = icmp;
        other_echo[34..].copy_from_slice(&[8, 0, 1, 2]);
        assert_eq!(hash(&icmp), hash(&other_echo));

        let first_fragment = changed(20, &[0x20, 0]);
        let mut later_fragment = changed(20, &[0, 100]);
        later_fragment[34..].copy_from_slice(b"data");
        assert_eq!(hash(&first_fragment), hash(&later_fragment));
    }

    #[test]
    fn what_is_not_ip_hashes_to_nothing() {
        assert_eq!(hash(&changed(12, &[0x08, 0x06])), 0);
        assert_eq!(hash(&TCP[..33]), 0);
        assert_eq!(hash(&[]), 0);
    }

    #[test]
    fn the_bits_used_for_the_port_are_spread_over_flows() {
        let mut seen = [false; 128];
        for port in 49_152..=u16::MAX {
            let frame = changed(34, &port.to_be_bytes());
            seen[usize::try_from(hash(&frame) & 0x7f).unwrap()] = true;
        }
        assert_eq!(seen, [true; 128]);
    }
}
