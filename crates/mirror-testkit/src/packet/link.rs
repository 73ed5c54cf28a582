//! Link layers: Ethernet, the two Linux cooked ones, NULL, and no link layer at all.

use super::ip::Datagram;
use crate::crc32::crc32;
use crate::order::Order;

/// A hardware address.
pub type Mac = [u8; 6];

/// Link type of Ethernet.
pub const LINK_ETHERNET: u16 = 1;
/// Link type of NULL, the BSD loopback.
pub const LINK_NULL: u16 = 0;
/// Link type of IP without a link layer.
pub const LINK_RAW: u16 = 101;
/// Link type of Linux cooked captures, version 1.
pub const LINK_SLL: u16 = 113;
/// Link type of Linux cooked captures, version 2.
pub const LINK_SLL2: u16 = 276;

/// An Ethernet II frame without padding or frame check sequence.
pub fn ethernet(destination: Mac, source: Mac, datagram: &Datagram) -> Vec<u8> {
    let mut bytes = [destination, source].concat();
    bytes.extend(datagram.ether_type.to_be_bytes());
    bytes.extend(&datagram.bytes);
    bytes
}

/// The frame, filled with zeros up to `length` as a network card does below 60 bytes.
pub fn padded(mut frame: Vec<u8>, length: usize) -> Vec<u8> {
    frame.resize(frame.len().max(length), 0);
    frame
}

/// The frame with its frame check sequence behind it.
pub fn with_fcs(mut frame: Vec<u8>) -> Vec<u8> {
    frame.extend(crc32(&frame).to_le_bytes());
    frame
}

/// A packet as `tcpdump -i any` used to keep it. Packet type: 0 to us, 1 broadcast,
/// 4 sent by us.
pub fn sll(packet_type: u16, sender: Mac, datagram: &Datagram) -> Vec<u8> {
    let mut bytes = packet_type.to_be_bytes().to_vec();
    bytes.extend([0, 1, 0, 6]); // ARPHRD_ETHER, length of the address
    bytes.extend(sender);
    bytes.extend([0, 0]);
    bytes.extend(datagram.ether_type.to_be_bytes());
    bytes.extend(&datagram.bytes);
    bytes
}

/// A packet as `tcpdump -i any` keeps it now, with the number of the interface.
pub fn sll2(packet_type: u8, interface: u32, sender: Mac, datagram: &Datagram) -> Vec<u8> {
    let mut bytes = datagram.ether_type.to_be_bytes().to_vec();
    bytes.extend([0, 0]);
    bytes.extend(interface.to_be_bytes());
    bytes.extend([0, 1, packet_type, 6]); // ARPHRD_ETHER, ..., length of the address
    bytes.extend(sender);
    bytes.extend([0, 0]);
    bytes.extend(&datagram.bytes);
    bytes
}

/// A packet of a BSD loopback: 2 is IPv4 everywhere; IPv6 is 24, 28 or 30 by system. The
/// family is in the byte order of the machine that captured.
pub fn null(order: Order, family: u32, datagram: &Datagram) -> Vec<u8> {
    let mut bytes = order.u32(family).to_vec();
    bytes.extend(&datagram.bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENDER: Mac = [2, 0, 0, 0, 0, 1];

    #[test]
    fn cooked_headers_are_sixteen_and_twenty_bytes() {
        let datagram = Datagram::new(0x0800, [0x45]);
        let one = sll(4, SENDER, &datagram);
        //               type-  arphrd len-  address---------------  protocol
        let want = [0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0, 0x45];
        assert_eq!(one, want);
        let two = sll2(4, 3, SENDER, &datagram);
        //          protocol       interface-  arphrd type len address-----
        let want = [8, 0, 0, 0, 0, 0, 0, 3, 0, 1, 4, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x45];
        assert_eq!(two, want);
    }

    /// Over a frame and its check sequence the register ends at a constant, whatever
    /// the frame (the residue, inverted: 0x2144DF1C).
    #[test]
    fn a_receiver_finds_the_residue_of_a_good_frame() {
        assert_eq!(crc32(&with_fcs(vec![1, 2, 3])), 0x2144_DF1C);
        assert_eq!(crc32(&with_fcs(vec![0xFF; 60])), 0x2144_DF1C);
    }

    #[test]
    fn padding_never_shortens() {
        assert_eq!(padded(vec![1], 3), [1, 0, 0]);
        assert_eq!(padded(vec![1, 2], 1), [1, 2]);
    }
}
