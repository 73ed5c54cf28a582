//! A TCP conversation from SYN to FIN, as seen at the interface that is mirrored.
//!
//! In a VPC every frame goes through the router: what leaves an interface is addressed to
//! the router's MAC, and what arrives comes from it. That is what tells direction.

use std::net::SocketAddr;

use super::ip::ip;
use super::link::{Mac, ethernet};
use super::transport::Tcp;

/// Who opens a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opener {
    /// The mirrored interface.
    Interface,
    /// The other side.
    Peer,
}

/// The two ends of a TCP conversation.
#[derive(Clone, Copy, Debug)]
pub struct Conversation {
    /// MAC of the mirrored interface.
    pub interface_mac: Mac,
    /// MAC of the router in its subnet.
    pub router_mac: Mac,
    /// Address and port of the mirrored interface.
    pub interface: SocketAddr,
    /// Address and port of the other side.
    pub peer: SocketAddr,
    /// Who sends the SYN and asks.
    pub opener: Opener,
}

impl Conversation {
    /// The frames, in order: handshake, each message of the exchange with its acknowledgement
    /// (the opener speaks first, then the other, and so on), and the end. A message
    /// longer than 1,400 bytes takes several segments.
    pub fn frames(&self, exchange: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        let mut next = [1000_u32, 5000]; // sequence numbers of opener and answerer
        let syn_options = [2, 4, 0x05, 0x78, 1, 1, 4, 2]; // MSS 1400, SACK permitted
        let mut send = |by: usize, flags: u8, options: &[u8], payload: &[u8]| {
            let sequence = next[by];
            let acknowledged = if flags & Tcp::ACK == 0 { 0 } else { next[1 - by] };
            let taken = u32::from(flags & (Tcp::SYN | Tcp::FIN) != 0);
            next[by] += payload.len() as u32 + taken;
            let segment = |source, destination| {
                Tcp::new(source, destination, flags)
                    .at(sequence, acknowledged)
                    .options(options)
                    .payload(payload)
            };
            frames.push(self.frame(by == 0, segment));
        };

        send(0, Tcp::SYN, &syn_options, &[]);
        send(1, Tcp::SYN | Tcp::ACK, &syn_options, &[]);
        send(0, Tcp::ACK, &[], &[]);
        for (turn, message) in exchange.iter().enumerate() {
            let by = turn % 2;
            for part in message.chunks(1400) {
                send(by, Tcp::PSH | Tcp::ACK, &[], part);
                send(1 - by, Tcp::ACK, &[], &[]);
            }
        }
        send(0, Tcp::FIN | Tcp::ACK, &[], &[]);
        send(1, Tcp::FIN | Tcp::ACK, &[], &[]);
        send(0, Tcp::ACK, &[], &[]);
        frames
    }

    fn frame(&self, by_opener: bool, segment: impl Fn(u16, u16) -> Tcp) -> Vec<u8> {
        let leaves = by_opener == (self.opener == Opener::Interface);
        let (from, to) =
            if leaves { (self.interface, self.peer) } else { (self.peer, self.interface) };
        let datagram = ip(from.ip(), to.ip(), segment(from.port(), to.port()));
        if leaves {
            ethernet(self.router_mac, self.interface_mac, &datagram)
        } else {
            ethernet(self.interface_mac, self.router_mac, &datagram)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn conversation(opener: Opener) -> Conversation {
        Conversation {
            interface_mac: [2, 0, 0, 0, 0, 1],
            router_mac: [2, 0, 0, 0, 0, 2],
            interface: "10.0.1.15:51000".parse().unwrap(),
            peer: "203.0.113.9:80".parse().unwrap(),
            opener,
        }
    }

    /// What a receiver checks: each side's numbers continue, and each acknowledges all
    /// that the other has sent.
    #[test]
    fn sequence_numbers_continue_and_are_acknowledged() {
        let exchange = [vec![1; 10], vec![2; 3000], vec![3; 1]];
        let frames = conversation(Opener::Interface).frames(&exchange);
        let mut sent: BTreeMap<u16, u32> = BTreeMap::new();
        for frame in &frames {
            let number = |at: usize| u32::from_be_bytes(frame[at..at + 4].try_into().unwrap());
            let port = |at: usize| u16::from_be_bytes([frame[at], frame[at + 1]]);
            let flags = frame[47];
            let payload = frame.len() - 34 - usize::from(frame[46] >> 4) * 4;
            let before = sent.get(&port(34)).copied().unwrap_or(number(38));
            assert_eq!(number(38), before);
            if flags & Tcp::ACK != 0 {
                assert_eq!(Some(&number(42)), sent.get(&port(36)));
            }
            let taken = u32::from(flags & (Tcp::SYN | Tcp::FIN) != 0);
            sent.insert(port(34), before + payload as u32 + taken);
        }
        // Handshake, five segments each with its acknowledgement, the end.
        assert_eq!(frames.len(), 3 + 2 * 5 + 3);
    }

    #[test]
    fn the_syn_leaves_or_arrives_by_who_opens() {
        for (opener, destination) in [(Opener::Interface, 2), (Opener::Peer, 1)] {
            let syn = &conversation(opener).frames(&[])[0];
            assert_eq!((syn[5], syn[47]), (destination, Tcp::SYN));
        }
    }
}
