//! The frames of a story, and the wrappers around them.

use std::net::IpAddr;

use mirror_testkit::packet::{Datagram, Geneve, Mirror, Udp, ethernet, ip, padded, sll, sll2};

use super::{Story, Way};

/// A source ENI with its session.
#[derive(Clone, Copy)]
pub(super) struct Source {
    pub(super) address: IpAddr,
    pub(super) target: IpAddr,
    pub(super) vni: u32,
    pub(super) endpoint: Option<u64>,
    pub(super) geneve: bool,
    pub(super) mac: [u8; 6],
}

const ROUTER: [u8; 6] = [2, 0x11, 0, 0, 0, 1];

/// A frame as it was at the ENI, and what it tells.
pub(super) struct Frame {
    pub(super) bytes: Vec<u8>,
    pub(super) way: Way,
    /// Bytes that must be there to see its IP addresses and length; none without IP.
    pub(super) headers: Option<usize>,
    /// Whether an address of it is the ENI's primary one.
    pub(super) tells: bool,
    /// Its length by its IP header.
    pub(super) promised: u32,
}

impl Story {
    pub(super) fn frame(&mut self, source: Source) -> Frame {
        let way = self.pick(&[Way::In, Way::Out]);
        let (to, from) = match way {
            Way::In => (source.mac, ROUTER),
            Way::Out => (ROUTER, source.mac),
        };
        let payload = usize::try_from(self.random.between(0, 120)).unwrap();
        let payload = self.random.bytes(payload);
        let tags = self.pick(&[0, 0, 0, 1, 2]);
        // The primary address tells the direction, another one does not.
        let tells = self.one_in(2) && source.address.is_ipv4();
        let own: IpAddr = if tells { source.address } else { [10, 0, 200, 200].into() };
        let peer: IpAddr = [203, 0, 113, 9].into();
        let (mut datagram, headers) = match self.random.between(0, 9) {
            0 => {
                let ip = Datagram::new(0x0806, self.random.bytes(28));
                (ip, None)
            }
            1 => (Datagram::new(0x88B5, payload), None),
            2..=3 => {
                let (own, peer) = ("2001:db8:1::15".parse().unwrap(), "2001:db8:2::9".parse());
                let peer: IpAddr = peer.unwrap();
                (datagram(way, own, peer, &payload), Some(40))
            }
            _ => (datagram(way, own, peer, &payload), Some(20)),
        };
        let tells = tells && headers == Some(20);
        for _ in 0..tags {
            datagram = datagram.tagged(0x8100, 7);
        }
        let before = 14 + 4 * tags;
        let promised = u32::try_from(14 + datagram.bytes.len()).unwrap();
        let bytes = ethernet(to, from, &datagram);
        // Ethernet padding is a part of the frame, the IP length says otherwise.
        let bytes = if self.one_in(6) { padded(bytes, 60) } else { bytes };
        let headers = headers.map(|headers| before + headers);
        Frame { bytes, way, headers, tells, promised }
    }

    /// The packet that arrives with this frame, and how many bytes are before the frame.
    pub(super) fn outer(
        &mut self,
        arrival: usize,
        source: Source,
        frame: &[u8],
    ) -> (Vec<u8>, usize) {
        let mut mirror = Mirror::new(source.address, source.target, source.vni);
        if source.geneve {
            let (endpoint, attachment, cookie) = (source.endpoint, 5, 6);
            mirror = mirror.geneve(Geneve { endpoint, attachment, cookie });
        }
        let mut datagram = mirror.datagram(frame);
        let link = self.arrivals[arrival].link;
        if link != 101 && self.one_in(6) {
            datagram = datagram.tagged(self.pick(&[0x8100, 0x88A8]), 30);
        }
        let packet = match link {
            113 => sll(0, ROUTER, &datagram),
            276 => sll2(0, 3, ROUTER, &datagram),
            101 => datagram.bytes,
            _ => ethernet(Mirror::TARGET_MAC, Mirror::ROUTER_MAC, &datagram),
        };
        let before = packet.len() - frame.len();
        (packet, before)
    }
}

fn datagram(way: Way, own: IpAddr, peer: IpAddr, payload: &[u8]) -> Datagram {
    let udp = |from, to| Udp::new(from, to, payload);
    match way {
        Way::In => ip(peer, own, udp(443, 51_000)),
        Way::Out => ip(own, peer, udp(51_000, 443)),
    }
}

/// Sessions that could be mixed up: same VNI, same source, with and without a load
/// balancer, two families.
pub(super) fn sources() -> Vec<Source> {
    let v4 = |last: u8, vni: u32, geneve: bool, endpoint: Option<u64>| Source {
        address: [10, 0, 1, last].into(),
        target: [10, 0, 2, 99].into(),
        vni,
        endpoint,
        geneve,
        mac: [2, 0x15, 0, 0, 1, last],
    };
    let v6 = Source {
        address: "2001:db8:1234:ab01::15".parse().unwrap(),
        target: "2001:db8:1234:ab02::99".parse().unwrap(),
        ..v4(15, 1, false, None)
    };
    vec![
        v4(15, 1, false, None),
        v4(15, 2, false, None),
        v4(16, 1, false, None),
        v4(15, 1, true, Some(0xA1B2_C3D4_E5F6_7890)),
        v4(17, 1, true, None),
        v6,
    ]
}
