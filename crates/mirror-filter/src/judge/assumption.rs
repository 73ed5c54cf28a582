//! What AWS leaves open and a verdict had to assume.
//!
//! A prediction that rests on a guess is worth less than one that doesn't, and whoever reads it
//! must be able to tell. So each guess has a name; a judgement carries those that it rests on, and
//! no others.

use std::fmt;

/// Something that AWS doesn't document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Assumption {
    /// What counts as Amazon DNS.
    AmazonDns,
    /// Direction as the capture tells it.
    CapturedAtEni,
    /// Protocol and ports behind IPv6 extension headers.
    Extensions,
    /// Fragments.
    Fragments,
    /// Neighbour discovery.
    NeighborDiscovery,
    /// DNS servers that could be the VPC's.
    NoVpc,
    /// Frames that are neither IP nor ARP.
    NotIp,
    /// UDP without ports.
    PortlessUdp,
    /// A reject in an earlier session.
    RejectGoesOn,
    /// What counts as a network service.
    ServiceAddresses,
}

impl Assumption {
    const ALL: [Assumption; 10] = [
        Assumption::AmazonDns,
        Assumption::CapturedAtEni,
        Assumption::Extensions,
        Assumption::Fragments,
        Assumption::NeighborDiscovery,
        Assumption::NoVpc,
        Assumption::NotIp,
        Assumption::PortlessUdp,
        Assumption::RejectGoesOn,
        Assumption::ServiceAddresses,
    ];

    /// The stable word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Assumption::AmazonDns => "amazon-dns",
            Assumption::CapturedAtEni => "captured-at-eni",
            Assumption::Extensions => "ipv6-extensions",
            Assumption::Fragments => "fragments",
            Assumption::NeighborDiscovery => "neighbor-discovery",
            Assumption::NoVpc => "no-vpc",
            Assumption::NotIp => "not-ip",
            Assumption::PortlessUdp => "portless-udp",
            Assumption::RejectGoesOn => "reject-goes-on",
            Assumption::ServiceAddresses => "service-addresses",
        }
    }

    /// What was assumed, as a sentence without its full stop.
    pub const fn sentence(self) -> &'static str {
        match self {
            Assumption::AmazonDns => {
                "Amazon DNS is port 53 of 169.254.169.253, fd00:ec2::253 and the second address of \
                 each VPC, and amazon-dns decides it whatever the rules say"
            }
            Assumption::CapturedAtEni => {
                "the capture was taken at the source ENI, so that inbound and outbound are its own"
            }
            Assumption::Extensions => {
                "rules see the protocol and ports behind IPv6 extension headers"
            }
            Assumption::Fragments => "rules see of a fragment what it bears itself",
            Assumption::NeighborDiscovery => {
                "neighbor discovery is judged by the rules, unlike ARP"
            }
            Assumption::NoVpc => {
                "as no VPC was named, DNS with what could be a VPC's resolver is judged by the \
                 rules; --vpc names one"
            }
            Assumption::NotIp => "a frame that is neither IP nor ARP matches no rule",
            Assumption::PortlessUdp => "UDP whose ports are missing is not DHCP",
            Assumption::RejectGoesOn => {
                "what one session's rules reject is judged by the ENI's next session"
            }
            Assumption::ServiceAddresses => {
                "all traffic with the link-local addresses of instance metadata, Amazon time and \
                 Windows activation is theirs"
            }
        }
    }
}

impl fmt::Display for Assumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A set of assumptions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Assumptions(u16);

impl Assumptions {
    /// Add one.
    pub fn insert(&mut self, one: Assumption) {
        self.0 |= 1 << one as u16;
    }

    /// Add all of another set.
    pub fn extend(&mut self, others: Assumptions) {
        self.0 |= others.0;
    }

    /// Those in it, in the order of their words.
    pub fn iter(self) -> impl Iterator<Item = Assumption> {
        let mut all: Vec<Assumption> =
            Assumption::ALL.into_iter().filter(|one| self.0 & (1 << *one as u16) != 0).collect();
        all.sort_by_key(|one| one.as_str());
        all.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_into_it() {
        let mut all = Assumptions::default();
        for one in Assumption::ALL {
            let mut set = Assumptions::default();
            set.insert(one);
            assert_eq!(set.iter().collect::<Vec<_>>(), [one]);
            all.extend(set);
        }
        let words: Vec<&str> = all.iter().map(Assumption::as_str).collect();
        assert_eq!(words.len(), Assumption::ALL.len());
        assert!(words.is_sorted_by(|a, b| a < b), "sorted, none twice: {words:?}");
        let sentences: std::collections::BTreeSet<&str> =
            Assumption::ALL.iter().map(|one| one.sentence()).collect();
        assert_eq!(sentences.len(), Assumption::ALL.len());
        assert!(!sentences.iter().any(|sentence| sentence.ends_with('.')));
    }
}
