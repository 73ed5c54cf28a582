//! A packet in a few words: `vxlan 10.0.1.15 > 10.0.2.99 vni 308308, tcp … syn`.
//!
//! For people who read a picture of a capture and want to know which packet this is.
//! Only what the cases of `testdata/` hold has words; the rest is a number.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::packet::{LINK_ETHERNET, LINK_NULL, LINK_RAW, LINK_SLL, LINK_SLL2};

/// The layers of a packet, outermost first, separated by commas; `cut` at the end if an IP
/// length promises more bytes than there are, or a header is incomplete.
pub fn describe(link: u16, bytes: &[u8]) -> String {
    let mut words = Words { parts: Vec::new(), cut: false };
    let whole = match link {
        LINK_ETHERNET => words.ethernet(bytes),
        LINK_SLL => be16(bytes, 14).and_then(|kind| words.ether_type(kind, bytes.get(16..)?)),
        LINK_SLL2 => be16(bytes, 0).and_then(|kind| words.ether_type(kind, bytes.get(20..)?)),
        LINK_RAW => words.ip(bytes),
        LINK_NULL => bytes.get(4..).and_then(|rest| words.ip(rest)),
        _ => words.say(format!("link type {link}")),
    };
    if words.cut || whole.is_none() {
        words.parts.push("cut".to_owned());
    }
    words.parts.join(", ")
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

struct Words {
    parts: Vec<String>,
    cut: bool,
}

/// Every step answers none when the bytes end before it is through.
type Whole = Option<()>;

impl Words {
    fn say(&mut self, part: String) -> Whole {
        self.parts.push(part);
        Some(())
    }

    fn ethernet(&mut self, bytes: &[u8]) -> Whole {
        self.ether_type(be16(bytes, 12)?, bytes.get(14..)?)
    }

    fn ether_type(&mut self, ether_type: u16, bytes: &[u8]) -> Whole {
        match ether_type {
            0x0800 | 0x86DD => self.ip(bytes),
            0x8100 | 0x88A8 | 0x9100 | 0x9200 => {
                self.say(format!("vlan {}", be16(bytes, 0)? & 0xFFF));
                self.ether_type(be16(bytes, 2)?, bytes.get(4..)?)
            }
            0x0806 => {
                let address =
                    |at| Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes.get(at..at + 4)?).ok()?));
                let (sender, target) = (address(14)?, address(24)?);
                match be16(bytes, 6)? {
                    1 => self.say(format!("arp {sender} asks for {target}")),
                    _ => self.say(format!("arp {sender} answers {target}")),
                }
            }
            other => self.say(format!("ethertype 0x{other:04x}")),
        }
    }

    fn ip(&mut self, bytes: &[u8]) -> Whole {
        match bytes.first()? >> 4 {
            4 => self.ipv4(bytes),
            6 => self.ipv6(bytes),
            version => self.say(format!("ip version {version}")),
        }
    }

    /// The part of `bytes` that belongs to a datagram of this length.
    fn within<'a>(&mut self, bytes: &'a [u8], length: usize) -> &'a [u8] {
        self.cut |= length > bytes.len();
        &bytes[..bytes.len().min(length)]
    }

    fn ipv4(&mut self, bytes: &[u8]) -> Whole {
        let header_len = usize::from(bytes[0] & 0xF) * 4;
        let total = match be16(bytes, 2)? {
            0 => bytes.len(), // segmentation offload
            total => usize::from(total),
        };
        let place = be16(bytes, 6)?;
        let protocol = *bytes.get(9)?;
        let source = IpAddr::from(<[u8; 4]>::try_from(bytes.get(12..16)?).ok()?);
        let destination = IpAddr::from(<[u8; 4]>::try_from(bytes.get(16..20)?).ok()?);
        let payload = self.within(bytes, total).get(header_len..)?;
        if place & 0x3FFF != 0 {
            let offset = u32::from(place & 0x1FFF) * 8;
            let pair = format!("{source} > {destination}");
            return self.say(format!("fragment {pair} protocol {protocol} offset {offset}"));
        }
        self.transport(source, destination, protocol, payload)
    }

    fn ipv6(&mut self, bytes: &[u8]) -> Whole {
        let length = match be16(bytes, 4)? {
            0 => bytes.len(),
            length => usize::from(length) + 40,
        };
        let source = IpAddr::from(<[u8; 16]>::try_from(bytes.get(8..24)?).ok()?);
        let destination = IpAddr::from(<[u8; 16]>::try_from(bytes.get(24..40)?).ok()?);
        let mut next = bytes[6];
        let mut rest = self.within(bytes, length).get(40..)?;
        loop {
            let header_len = match next {
                0 | 43 | 60 => usize::from(*rest.get(1)?) * 8 + 8,
                44 if be16(rest, 2)? & 0xFFF9 != 0 => {
                    let offset = be16(rest, 2)? & 0xFFF8;
                    let pair = format!("{source} > {destination}");
                    return self
                        .say(format!("fragment {pair} protocol {} offset {offset}", rest[0]));
                }
                44 => 8,
                _ => break,
            };
            next = *rest.first()?;
            rest = rest.get(header_len..)?;
        }
        self.transport(source, destination, next, rest)
    }

    fn transport(&mut self, from: IpAddr, to: IpAddr, protocol: u8, bytes: &[u8]) -> Whole {
        match protocol {
            6 => {
                let ends = ends(from, to, bytes)?;
                let flags = *bytes.get(13)?;
                let names = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"];
                let set: Vec<&str> =
                    (0..8).filter(|bit| flags >> bit & 1 == 1).map(|bit| names[bit]).collect();
                self.say(format!("tcp {ends} {}", set.join(" ")).trim_end().to_owned())
            }
            17 => self.udp(from, to, bytes),
            1 | 58 => {
                let kind = match bytes.first()? {
                    8 | 128 => "echo request".to_owned(),
                    0 | 129 => "echo reply".to_owned(),
                    other => format!("type {other}"),
                };
                self.say(format!("icmp {from} > {to} {kind}"))
            }
            other => self.say(format!("ip {from} > {to} protocol {other}")),
        }
    }

    fn udp(&mut self, from: IpAddr, to: IpAddr, bytes: &[u8]) -> Whole {
        let port = be16(bytes, 2)?;
        let payload = match be16(bytes, 4)? {
            0 => bytes.get(8..)?,
            length => bytes[..bytes.len().min(usize::from(length))].get(8..)?,
        };
        match port {
            4789 => {
                let [flags, x, y, next, a, b, c, _] = *payload.first_chunk::<8>()?;
                let vni = u32::from_be_bytes([0, a, b, c]);
                if flags & 0x08 == 0 {
                    return self.say(format!("vxlan {from} > {to} without vni"));
                }
                if flags & 0xF4 == 0x04 && (x, y) == (0, 0) && !matches!(next, 0 | 3) {
                    return self.say(format!("vxlan-gpe {from} > {to} protocol {next}"));
                }
                self.say(format!("vxlan {from} > {to} vni {vni}"));
                self.ethernet(&payload[8..])
            }
            6081 => {
                let options_len = usize::from(*payload.first()? & 0x3F) * 4;
                let kind = be16(payload, 2)?;
                let options = payload.get(8..8 + options_len)?;
                let endpoint = match options {
                    [0x01, 0x08, 1, 2, id @ ..] if id.len() >= 8 => {
                        let id: [u8; 8] = id[..8].try_into().ok()?;
                        match u64::from_be_bytes(id) {
                            // Ids were eight digits long before they were seventeen.
                            id if id >> 32 == 0 => format!(" vpce-{id:08x}"),
                            id => format!(" vpce-{id:017x}"),
                        }
                    }
                    _ => String::new(),
                };
                self.say(format!("geneve {from} > {to}{endpoint}"));
                let rest = &payload[8 + options_len..];
                if kind == 0x6558 { self.ethernet(rest) } else { self.ether_type(kind, rest) }
            }
            _ => {
                let ends = ends(from, to, bytes)?;
                self.say(format!("udp {ends}"))
            }
        }
    }
}

fn ends(from: IpAddr, to: IpAddr, bytes: &[u8]) -> Option<String> {
    let from = SocketAddr::new(from, be16(bytes, 0)?);
    let to = SocketAddr::new(to, be16(bytes, 2)?);
    Some(format!("{from} > {to}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv6Addr;

    use crate::packet::{Datagram, Ipv4, Ipv6, Mirror, Tcp, Transport, Udp, ethernet, ip};

    const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
    const A: [u8; 4] = [10, 0, 1, 15];
    const B: [u8; 4] = [203, 0, 113, 9];

    fn syn() -> Vec<u8> {
        ethernet(MAC, MAC, &ip(A, B, Tcp::new(51000, 443, Tcp::SYN)))
    }

    #[test]
    fn a_mirrored_packet_shows_wrapper_and_flow() {
        let frame = Mirror::new(A, [10, 0, 2, 99], 308_308).frame(&syn());
        let want =
            "vxlan 10.0.1.15 > 10.0.2.99 vni 308308, tcp 10.0.1.15:51000 > 203.0.113.9:443 syn";
        assert_eq!(describe(LINK_ETHERNET, &frame), want);
    }

    #[test]
    fn a_cut_frame_is_called_cut_inside_a_whole_wrapper() {
        let frame = Mirror::new(A, [10, 0, 2, 99], 5).packet_length(50).frame(&syn());
        let want =
            "vxlan 10.0.1.15 > 10.0.2.99 vni 5, tcp 10.0.1.15:51000 > 203.0.113.9:443 syn, cut";
        assert_eq!(describe(LINK_ETHERNET, &frame), want);
    }

    #[test]
    fn fragments_tags_and_strangers_have_words_too() {
        let piece = Ipv4::new(A, B).fragment(7, 185, true).carry(Transport::Other(17, vec![0; 8]));
        let tagged = piece.tagged(0x8100, 12);
        let want = "vlan 12, fragment 10.0.1.15 > 203.0.113.9 protocol 17 offset 1480";
        assert_eq!(describe(LINK_ETHERNET, &ethernet(MAC, MAC, &tagged)), want);
        let stranger = ethernet(MAC, MAC, &Datagram::new(0x88CC, []));
        assert_eq!(describe(LINK_ETHERNET, &stranger), "ethertype 0x88cc");
        let v6 = Ipv6Addr::LOCALHOST;
        let chain = Ipv6::new(v6, v6).hop_by_hop().destination_options().carry(Udp::new(1, 2, ""));
        assert_eq!(describe(LINK_RAW, &chain.bytes), "udp [::1]:1 > [::1]:2");
    }
}
