//! TCP, UDP and ICMP, with checksums over the pseudo-header of either family.

use std::net::IpAddr;

use super::ip::ones_complement_sum;

/// What an IP datagram carries.
#[derive(Clone, Debug)]
pub enum Transport {
    /// A TCP segment.
    Tcp(Tcp),
    /// A UDP datagram.
    Udp(Udp),
    /// An ICMP or ICMPv6 message.
    Icmp(Icmp),
    /// Any protocol number with bytes as they are: a fragment, an unknown protocol.
    Other(u8, Vec<u8>),
}

impl Transport {
    /// The protocol number; ICMP has one for each family.
    pub fn protocol(&self, ipv6: bool) -> u8 {
        match self {
            Transport::Tcp(_) => 6,
            Transport::Udp(_) => 17,
            Transport::Icmp(_) if ipv6 => 58,
            Transport::Icmp(_) => 1,
            Transport::Other(protocol, _) => *protocol,
        }
    }

    /// The bytes, as between these two addresses.
    pub fn bytes(&self, source: IpAddr, destination: IpAddr) -> Vec<u8> {
        match self {
            Transport::Tcp(tcp) => tcp.bytes(source, destination),
            Transport::Udp(udp) => udp.bytes(source, destination),
            Transport::Icmp(icmp) => icmp.bytes(source, destination),
            Transport::Other(_, bytes) => bytes.clone(),
        }
    }
}

impl From<Tcp> for Transport {
    fn from(tcp: Tcp) -> Transport {
        Transport::Tcp(tcp)
    }
}

impl From<Udp> for Transport {
    fn from(udp: Udp) -> Transport {
        Transport::Udp(udp)
    }
}

impl From<Icmp> for Transport {
    fn from(icmp: Icmp) -> Transport {
        Transport::Icmp(icmp)
    }
}

/// The checksum of `segment` behind the pseudo-header of its family.
fn checksum(source: IpAddr, destination: IpAddr, protocol: u8, segment: &[u8]) -> u16 {
    let mut bytes = Vec::new();
    for address in [source, destination] {
        match address {
            IpAddr::V4(v4) => bytes.extend(v4.octets()),
            IpAddr::V6(v6) => bytes.extend(v6.octets()),
        }
    }
    bytes.extend(u32::from(protocol).to_be_bytes());
    bytes.extend((segment.len() as u32).to_be_bytes());
    bytes.extend(segment);
    !ones_complement_sum(&bytes)
}

/// A UDP datagram.
#[derive(Clone, Debug)]
pub struct Udp {
    /// Source port.
    pub source: u16,
    /// Destination port.
    pub destination: u16,
    /// Length to state instead of the true one.
    pub length: Option<u16>,
    /// Whether the checksum is left 0, as tunnels do over IPv4.
    pub zero_checksum: bool,
    /// The payload.
    pub payload: Vec<u8>,
}

impl Udp {
    /// A datagram with a true length and checksum.
    pub fn new(source: u16, destination: u16, payload: impl AsRef<[u8]>) -> Udp {
        let payload = payload.as_ref().to_vec();
        Udp { source, destination, length: None, zero_checksum: false, payload }
    }

    /// Leave the checksum 0.
    pub fn zero_checksum(mut self) -> Udp {
        self.zero_checksum = true;
        self
    }

    /// State this length, true or not.
    pub fn length(mut self, length: u16) -> Udp {
        self.length = Some(length);
        self
    }

    fn bytes(&self, source: IpAddr, destination: IpAddr) -> Vec<u8> {
        let length = self.length.unwrap_or((self.payload.len() + 8) as u16);
        let mut bytes = self.source.to_be_bytes().to_vec();
        bytes.extend(self.destination.to_be_bytes());
        bytes.extend(length.to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(&self.payload);
        if !self.zero_checksum {
            // A sum of 0 is sent as 0xFFFF, for 0 means that there is none (RFC 768).
            let sum = match checksum(source, destination, 17, &bytes) {
                0 => 0xFFFF,
                sum => sum,
            };
            bytes[6..8].copy_from_slice(&sum.to_be_bytes());
        }
        bytes
    }
}

/// A TCP segment.
#[derive(Clone, Debug)]
pub struct Tcp {
    /// Source port.
    pub source: u16,
    /// Destination port.
    pub destination: u16,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgement number.
    pub acknowledgement: u32,
    /// The flags: FIN 1, SYN 2, RST 4, PSH 8, ACK 16.
    pub flags: u8,
    /// Options, a multiple of four bytes.
    pub options: Vec<u8>,
    /// The payload.
    pub payload: Vec<u8>,
}

impl Tcp {
    /// FIN.
    pub const FIN: u8 = 1;
    /// SYN.
    pub const SYN: u8 = 2;
    /// PSH.
    pub const PSH: u8 = 8;
    /// ACK.
    pub const ACK: u8 = 16;

    /// A segment without options or payload, sequence numbers 0.
    pub fn new(source: u16, destination: u16, flags: u8) -> Tcp {
        Tcp {
            source,
            destination,
            sequence: 0,
            acknowledgement: 0,
            flags,
            options: Vec::new(),
            payload: Vec::new(),
        }
    }

    /// Set the sequence and acknowledgement numbers.
    pub fn at(mut self, sequence: u32, acknowledgement: u32) -> Tcp {
        self.sequence = sequence;
        self.acknowledgement = acknowledgement;
        self
    }

    /// Set the options; their length must be a multiple of four.
    pub fn options(mut self, options: &[u8]) -> Tcp {
        self.options = options.to_vec();
        self
    }

    /// Set the payload.
    pub fn payload(mut self, payload: impl AsRef<[u8]>) -> Tcp {
        self.payload = payload.as_ref().to_vec();
        self
    }

    fn bytes(&self, source: IpAddr, destination: IpAddr) -> Vec<u8> {
        assert!(self.options.len() <= 40 && self.options.len().is_multiple_of(4), "TCP options");
        let words = (20 + self.options.len()) / 4;
        let mut bytes = self.source.to_be_bytes().to_vec();
        bytes.extend(self.destination.to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.acknowledgement.to_be_bytes());
        bytes.extend([(words as u8) << 4, self.flags]);
        bytes.extend(0xFAF0_u16.to_be_bytes()); // window
        bytes.extend([0; 4]); // checksum, urgent pointer
        bytes.extend(&self.options);
        bytes.extend(&self.payload);
        let sum = checksum(source, destination, 6, &bytes);
        bytes[16..18].copy_from_slice(&sum.to_be_bytes());
        bytes
    }
}

/// An ICMP or ICMPv6 echo; the family decides which.
#[derive(Clone, Debug)]
pub struct Icmp {
    /// Whether this is the reply.
    pub reply: bool,
    /// Identifier.
    pub id: u16,
    /// Sequence number.
    pub sequence: u16,
    /// The bytes to be echoed.
    pub payload: Vec<u8>,
}

impl Icmp {
    /// An echo request.
    pub fn request(id: u16, sequence: u16, payload: impl AsRef<[u8]>) -> Icmp {
        Icmp { reply: false, id, sequence, payload: payload.as_ref().to_vec() }
    }

    /// An echo reply.
    pub fn reply(id: u16, sequence: u16, payload: impl AsRef<[u8]>) -> Icmp {
        Icmp { reply: true, ..Icmp::request(id, sequence, payload) }
    }

    fn bytes(&self, source: IpAddr, destination: IpAddr) -> Vec<u8> {
        let kind = match (source, self.reply) {
            (IpAddr::V4(_), false) => 8,
            (IpAddr::V4(_), true) => 0,
            (IpAddr::V6(_), false) => 128,
            (IpAddr::V6(_), true) => 129,
        };
        let mut bytes = vec![kind, 0, 0, 0];
        bytes.extend(self.id.to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(&self.payload);
        let sum = match source {
            // ICMP sums the message alone, ICMPv6 the pseudo-header too (RFC 4443, 2.3).
            IpAddr::V4(_) => !ones_complement_sum(&bytes),
            IpAddr::V6(_) => checksum(source, destination, 58, &bytes),
        };
        bytes[2..4].copy_from_slice(&sum.to_be_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A4: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 1, 15));
    const B4: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 9));
    const A6: IpAddr = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);

    /// A receiver sums pseudo-header and segment, checksum included, and wants all ones.
    #[test]
    fn a_receiver_finds_every_checksum_right() {
        let all: [Transport; 4] = [
            Tcp::new(51000, 443, Tcp::SYN).options(&[2, 4, 5, 180]).payload("odd").into(),
            Udp::new(51000, 53, "even").into(),
            Udp::new(51000, 53, "").into(),
            Icmp::request(1, 2, "ping!").into(),
        ];
        for transport in &all {
            for (a, b) in [(A4, B4), (A6, A6)] {
                let protocol = transport.protocol(a.is_ipv6());
                let bytes = transport.bytes(a, b);
                if protocol == 1 {
                    assert_eq!(ones_complement_sum(&bytes), 0xFFFF);
                } else {
                    assert_eq!(checksum(a, b, protocol, &bytes), 0, "{transport:?}");
                }
            }
        }
    }

    #[test]
    fn lengths_and_checksums_lie_only_when_told_to() {
        let udp = Transport::from(Udp::new(1, 2, [0xAB; 3]).length(7).zero_checksum());
        assert_eq!(udp.bytes(A4, B4), [0, 1, 0, 2, 0, 7, 0, 0, 0xAB, 0xAB, 0xAB]);
    }
}
