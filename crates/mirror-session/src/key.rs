//! What tells one mirror session from another.

use std::fmt;
use std::net::IpAddr;

use mirror_wire::{Endpoint, Vni};

/// A mirror session, as far as a packet at the target tells it.
///
/// The crate's documentation says why it takes all three. Keys are ordered by endpoint (none
/// first), then source (IPv4 first), then VNI.
///
/// The text of a key is printable ASCII without spaces: `vni-308308@10.0.1.15`, and with an
/// endpoint `vni-308308@10.0.1.15@vpce-0a1b2c3d`. A capture interface bears it as its name when the
/// session's own id isn't known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey {
    /// The Gateway Load Balancer endpoint that GENEVE named, if the packet came so.
    pub endpoint: Option<Endpoint>,
    /// Source address of the IP header right outside VXLAN: the source ENI's primary address.
    pub source: IpAddr,
    //= https://docs.aws.amazon.com/vpc/latest/mirroring/traffic-mirroring-packet-formats.html
    //# If you do not assign a value, we assign a random value that is unique to all sessions in the
    //# account.
    /// The VXLAN network identifier.
    pub vni: Vni,
}

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SessionKey { endpoint, source, vni } = self;
        write!(f, "vni-{vni}@{source}")?;
        match endpoint {
            Some(endpoint) => write!(f, "@{endpoint}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(endpoint: Option<u64>, source: &str, vni: u32) -> SessionKey {
        SessionKey {
            endpoint: endpoint.map(Endpoint::new),
            source: source.parse().unwrap(),
            vni: Vni::new(vni).unwrap(),
        }
    }

    #[test]
    fn the_text_names_vni_and_source_and_the_endpoint_if_there_is_one() {
        assert_eq!(key(None, "10.0.1.15", 308_308).to_string(), "vni-308308@10.0.1.15");
        assert_eq!(key(None, "2001:db8::15", 0).to_string(), "vni-0@2001:db8::15");
        assert_eq!(
            key(Some(0x0a1b_2c3d), "10.0.1.15", 7).to_string(),
            "vni-7@10.0.1.15@vpce-0a1b2c3d"
        );
    }

    #[test]
    fn each_part_alone_makes_another_session() {
        let one = key(None, "10.0.1.15", 7);
        assert_ne!(one, key(Some(0), "10.0.1.15", 7), "an endpoint of zeros is an endpoint");
        assert_ne!(one, key(None, "10.0.1.16", 7));
        assert_ne!(one, key(None, "::ffff:10.0.1.15", 7), "families are never mixed");
        assert_ne!(one, key(None, "10.0.1.15", 8));
    }

    #[test]
    fn keys_are_ordered_by_endpoint_then_source_then_vni() {
        let sorted = [
            key(None, "10.0.1.15", 9),
            key(None, "10.0.1.16", 1),
            key(None, "::1", 0),
            key(Some(1), "10.0.0.1", 0),
            key(Some(1), "10.0.0.1", 2),
        ];
        assert!(sorted.is_sorted());
    }
}
