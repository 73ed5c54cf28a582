//! VXLAN, GENEVE, and what a traffic mirror puts around a frame.
//!
//! The shape of the wrapper is that of a capture of 2019 in which AWS mirrored
//! an instance: IPv4 with TTL 255, identification 0 and DF clear, a UDP source port in
//! 0xFF80-0xFFFF that hashes the flow, no UDP checksum, VXLAN flags 0x08 and
//! every reserved bit 0. Behind a Gateway Load Balancer a GENEVE header is around that,
//! with 32 bytes of options of class 0x0108.

use std::net::{IpAddr, Ipv4Addr};

use super::ip::{Datagram, Ipv4, Ipv6};
use super::link::{Mac, ethernet};
use super::transport::{Transport, Udp};

/// A VXLAN header (RFC 7348, section 5).
#[derive(Clone, Copy, Debug)]
pub struct Vxlan {
    /// The flags; 0x08 is the I flag.
    pub flags: u8,
    /// The three bytes before the VNI; the last is the next protocol of GPE.
    pub reserved: [u8; 3],
    /// The network identifier, 24 bits.
    pub vni: u32,
    /// The byte behind the VNI.
    pub last: u8,
}

impl Vxlan {
    /// A header as RFC 7348 wants it.
    pub fn new(vni: u32) -> Vxlan {
        Vxlan { flags: 0x08, reserved: [0; 3], vni, last: 0 }
    }

    /// The header and the frame behind it.
    pub fn carry(&self, frame: &[u8]) -> Vec<u8> {
        let [_, a, b, c] = self.vni.to_be_bytes();
        let [x, y, z] = self.reserved;
        [&[self.flags, x, y, z, a, b, c, self.last], frame].concat()
    }
}

/// A GENEVE header (RFC 8926, section 3.4) with the options of a Gateway Load Balancer.
#[derive(Clone, Copy, Debug)]
pub struct Geneve {
    /// The endpoint: the hexadecimal digits behind `vpce-`. None leaves the option out.
    pub endpoint: Option<u64>,
    /// The attachment.
    pub attachment: u64,
    /// The flow cookie.
    pub cookie: u32,
}

impl Geneve {
    /// The header around a datagram, whose EtherType it names.
    pub fn carry(&self, datagram: &Datagram) -> Vec<u8> {
        let mut options = Vec::new();
        if let Some(endpoint) = self.endpoint {
            //               class---  type  length in words
            options.extend([0x01, 0x08, 1, 2]);
            options.extend(endpoint.to_be_bytes());
        }
        options.extend([0x01, 0x08, 2, 2]);
        options.extend(self.attachment.to_be_bytes());
        options.extend([0x01, 0x08, 3, 1]);
        options.extend(self.cookie.to_be_bytes());

        let mut bytes = vec![(options.len() / 4) as u8, 0];
        bytes.extend(datagram.ether_type.to_be_bytes());
        bytes.extend([0; 4]); // VNI 0, reserved
        bytes.extend(options);
        bytes.extend(&datagram.bytes);
        bytes
    }
}

/// A source port for the tunnel: 0xFF80 and seven bits that depend on addresses,
/// protocol and ports of the inner flow, and are the same in both directions.
pub fn entropy_port(frame: &[u8]) -> u16 {
    let ether_type = frame.get(12..14).unwrap_or(&[0, 0]);
    let (protocol, addresses, ports) = match ether_type {
        [0x08, 0x00] => (frame.get(23), frame.get(26..34), frame.get(34..38)),
        [0x86, 0xDD] => (frame.get(20), frame.get(22..54), frame.get(54..58)),
        _ => (None, None, None),
    };
    let has_ports = matches!(protocol, Some(6 | 17));
    let ports = ports.filter(|_| has_ports).unwrap_or(&[]);
    // Addition does not care about order, so source and destination may swap.
    let words = addresses.unwrap_or(&[]).chunks(2).chain(ports.chunks(2));
    let sum: u32 = words.map(|w| u32::from(w[0]) * 31 + u32::from(w[1])).sum();
    let sum = sum + u32::from(protocol.copied().unwrap_or(0));
    0xFF80 | ((sum ^ sum >> 7) & 0x7F) as u16
}

/// A traffic mirror session, as its target sees it.
#[derive(Clone, Copy, Debug)]
pub struct Mirror {
    /// Address of the source interface.
    pub source: IpAddr,
    /// Address of the target.
    pub target: IpAddr,
    /// The VXLAN header of every packet.
    pub vxlan: Vxlan,
    /// The UDP destination port, 4789.
    pub port: u16,
    /// Longest part of a frame that is mirrored, if the session has a PacketLength.
    pub packet_length: Option<usize>,
    /// The Gateway Load Balancer in between, if any.
    pub geneve: Option<Geneve>,
}

impl Mirror {
    /// MAC of the target's interface.
    pub const TARGET_MAC: Mac = [0x02, 0x99, 0x0A, 0x00, 0x02, 0x63];
    /// MAC of the router in the target's subnet, from which mirrored packets come.
    pub const ROUTER_MAC: Mac = [0x02, 0x01, 0x0A, 0x00, 0x02, 0x01];
    /// Address of the Gateway Load Balancer, which speaks GENEVE to the target.
    pub const BALANCER: Ipv4Addr = Ipv4Addr::new(10, 0, 3, 10);
    /// Address of the target when it stands behind a Gateway Load Balancer.
    pub const APPLIANCE: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 99);

    /// A session that mirrors whole packets straight to an interface.
    pub fn new(source: impl Into<IpAddr>, target: impl Into<IpAddr>, vni: u32) -> Mirror {
        Mirror {
            source: source.into(),
            target: target.into(),
            vxlan: Vxlan::new(vni),
            port: 4789,
            packet_length: None,
            geneve: None,
        }
    }

    /// Mirror only the first `length` bytes of each frame.
    pub fn packet_length(mut self, length: usize) -> Mirror {
        self.packet_length = Some(length);
        self
    }

    /// Send through a Gateway Load Balancer.
    pub fn geneve(mut self, geneve: Geneve) -> Mirror {
        self.geneve = Some(geneve);
        self
    }

    /// The UDP datagram with the VXLAN header and the frame, or as much as is mirrored.
    pub fn udp(&self, frame: &[u8]) -> Udp {
        let kept = self.packet_length.map_or(frame, |most| &frame[..most.min(frame.len())]);
        let udp = Udp::new(entropy_port(frame), self.port, self.vxlan.carry(kept));
        if self.source.is_ipv4() { udp.zero_checksum() } else { udp }
    }

    /// The IP datagram that arrives.
    pub fn datagram(&self, frame: &[u8]) -> Datagram {
        let inside = outer(self.source, self.target, self.udp(frame));
        match self.geneve {
            None => inside,
            Some(geneve) => {
                let port = 0xC000 | entropy_port(frame);
                let udp = Udp::new(port, 6081, geneve.carry(&inside)).zero_checksum();
                outer(Mirror::BALANCER.into(), Mirror::APPLIANCE.into(), udp)
            }
        }
    }

    /// The Ethernet frame that arrives.
    pub fn frame(&self, frame: &[u8]) -> Vec<u8> {
        ethernet(Mirror::TARGET_MAC, Mirror::ROUTER_MAC, &self.datagram(frame))
    }
}

fn outer(source: IpAddr, target: IpAddr, payload: impl Into<Transport>) -> Datagram {
    match (source, target) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            Ipv4 { ttl: 255, dont_fragment: false, ..Ipv4::new(a, b) }.carry(payload)
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => Ipv6 { hop_limit: 255, ..Ipv6::new(a, b) }.carry(payload),
        (a, b) => panic!("{a} and {b} are of different families"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::ip::ip;
    use super::super::transport::Tcp;
    use super::*;

    const ENI: [u8; 4] = [10, 0, 1, 15];
    const TARGET: [u8; 4] = [10, 0, 2, 99];

    #[test]
    fn the_wrapper_is_fifty_bytes_as_aws_sends_them() {
        let frame = [0xAB; 4];
        let bytes = Mirror::new(ENI, TARGET, 308_308).frame(&frame);
        let want = [
            //  target, router, IPv4
            [2, 0x99, 10, 0, 2, 0x63, 2, 1, 10, 0, 2, 1, 8, 0].as_slice(),
            //  v/ihl     total-  id--  flags  ttl  udp  checksum
            &[0x45, 0, 0, 40, 0, 0, 0, 0, 255, 17, 0xA4, 0x53],
            &ENI,
            &TARGET,
            //  ports-----------------  length  checksum
            &[0xFF, 0x80, 0x12, 0xB5, 0, 20, 0, 0],
            //  flags, reserved  VNI-------------  reserved
            &[0x08, 0, 0, 0, 0x04, 0xB4, 0x54, 0],
            &frame,
        ];
        assert_eq!(bytes, want.concat());
    }

    #[test]
    fn geneve_adds_sixty_eight_bytes() {
        let plain = Mirror::new(ENI, TARGET, 1);
        let endpoint = Some(0xA1B2_C3D4_E5F6_7890);
        let behind = plain.geneve(Geneve { endpoint, attachment: 2, cookie: 3 });
        assert_eq!(behind.frame(&[0; 60]).len(), plain.frame(&[0; 60]).len() + 68);
        let geneve = &behind.frame(&[0; 60])[42..];
        //                       32 bytes of options, IPv4
        assert_eq!(geneve[..8], [8, 0, 8, 0, 0, 0, 0, 0]);
        assert_eq!(geneve[8..12], [0x01, 0x08, 1, 2]);
        assert_eq!(geneve[12..20], [0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0xF6, 0x78, 0x90]);
    }

    #[test]
    fn both_directions_of_a_flow_share_a_port() {
        let mac = [2, 0, 0, 0, 0, 1];
        let there = ethernet(mac, mac, &ip(ENI, TARGET, Tcp::new(51000, 443, Tcp::SYN)));
        let back = ethernet(mac, mac, &ip(TARGET, ENI, Tcp::new(443, 51000, Tcp::ACK)));
        let other = ethernet(mac, mac, &ip(TARGET, ENI, Tcp::new(444, 51000, Tcp::ACK)));
        assert_eq!(entropy_port(&there), entropy_port(&back));
        assert_ne!(entropy_port(&there), entropy_port(&other));
        assert!(entropy_port(&there) >= 0xFF80);
    }

    #[test]
    fn a_cut_session_mirrors_no_more_than_its_packet_length() {
        let mirror = Mirror::new(ENI, TARGET, 1).packet_length(100);
        assert_eq!(mirror.frame(&[0; 400]).len(), 150);
        assert_eq!(mirror.frame(&[0; 60]).len(), 110);
    }
}
