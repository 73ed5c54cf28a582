//! Filters and rules, and how an operator says one.

use std::fmt;
use std::str::FromStr;

use mirror_wire::Direction;

use crate::Cidr;
use crate::packet::protocol_name;

/// A mirror filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// `tmf-…`; a template or plan has none.
    pub id: Option<String>,
    /// The `Name` tag; in a template without one, the name of the resource.
    pub name: Option<String>,
    /// The description.
    pub description: Option<String>,
    //= https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyTrafficMirrorFilterNetworkServices.html
    //# When a network service is added to the Traffic Mirror filter, all traffic related to that
    //# network service will be mirrored.
    /// Whether traffic with the Amazon DNS server is mirrored, whatever the rules say. If not, it
    /// never is.
    pub amazon_dns: bool,
    /// The rules of both directions, in the order in which they were found.
    pub rules: Vec<Rule>,
}

/// A rule of a mirror filter. A packet matches when every field agrees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Which packets it judges, as the source ENI sees them.
    pub direction: Direction,
    /// Rules are tried in ascending order. Unique in one direction of a filter; no range is
    /// documented.
    pub number: u32,
    /// Whether matching packets are mirrored.
    pub action: Action,
    /// The IP protocol's number, 0 to 255; nothing for all protocols.
    pub protocol: Option<u8>,
    /// Where the packet comes from.
    pub source: Cidr,
    /// Where it goes, of the same family as `source`.
    pub destination: Cidr,
    /// Source ports, TCP and UDP only; nothing for any, and for packets that have none.
    pub source_ports: Option<PortRange>,
    /// Destination ports, likewise.
    pub destination_ports: Option<PortRange>,
    /// The description.
    pub description: Option<String>,
    /// `tmfr-…`; a template or plan has none.
    pub id: Option<String>,
}

impl fmt::Display for Rule {
    /// `ingress 100 accept tcp 0.0.0.0/0 443 > 10.0.0.0/16`: ports behind their address, nothing
    /// for any; protocols without a common name by number; `all` for all.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} ", self.direction, self.number, self.action)?;
        match self.protocol.map(|number| (number, protocol_name(number))) {
            None => f.write_str("all")?,
            Some((_, Some(name))) => f.write_str(name)?,
            Some((number, None)) => write!(f, "{number}")?,
        }
        write!(f, " {}", self.source)?;
        if let Some(ports) = self.source_ports {
            write!(f, " {ports}")?;
        }
        write!(f, " > {}", self.destination)?;
        if let Some(ports) = self.destination_ports {
            write!(f, " {ports}")?;
        }
        Ok(())
    }
}

/// What a rule does with the packets that it matches first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// They are mirrored.
    Accept,
    /// They are not.
    Reject,
}

impl Action {
    /// `accept` or `reject`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Action::Accept => "accept",
            Action::Reject => "reject",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Action {
    type Err = UnknownAction;

    /// Exactly `accept` or `reject`, in lower case.
    fn from_str(text: &str) -> Result<Action, UnknownAction> {
        match text {
            "accept" => Ok(Action::Accept),
            "reject" => Ok(Action::Reject),
            _ => Err(UnknownAction),
        }
    }
}

/// A text is neither `accept` nor `reject`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownAction;

impl fmt::Display for UnknownAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("action is neither accept nor reject")
    }
}

impl std::error::Error for UnknownAction {}

/// Ports from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortRange {
    from: u16,
    to: u16,
}

impl PortRange {
    /// The range, nothing if it is reversed.
    pub fn new(from: u16, to: u16) -> Option<PortRange> {
        (from <= to).then_some(PortRange { from, to })
    }

    /// The first port.
    pub fn from(&self) -> u16 {
        self.from
    }

    /// The last port.
    pub fn to(&self) -> u16 {
        self.to
    }

    /// Whether a port is in the range.
    pub fn contains(&self, port: u16) -> bool {
        self.from <= port && port <= self.to
    }
}

impl fmt::Display for PortRange {
    /// `443`, or `1024-65535`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from == self.to {
            write!(f, "{}", self.from)
        } else {
            write!(f, "{}-{}", self.from, self.to)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> Rule {
        Rule {
            direction: Direction::Ingress,
            number: 100,
            action: Action::Accept,
            protocol: Some(6),
            source: "0.0.0.0/0".parse().unwrap(),
            destination: "10.0.0.0/16".parse().unwrap(),
            source_ports: PortRange::new(443, 443),
            destination_ports: None,
            description: Some("HTTPS returns".into()),
            id: Some("tmfr-0d".into()),
        }
    }

    #[test]
    fn a_rule_reads_as_an_operator_says_it() {
        assert_eq!(rule().to_string(), "ingress 100 accept tcp 0.0.0.0/0 443 > 10.0.0.0/16");
        let egress = Rule {
            direction: Direction::Egress,
            action: Action::Reject,
            protocol: None,
            source: "::/0".parse().unwrap(),
            destination: "2001:db8::/32".parse().unwrap(),
            source_ports: None,
            destination_ports: PortRange::new(1_024, 65_535),
            ..rule()
        };
        assert_eq!(egress.to_string(), "egress 100 reject all ::/0 > 2001:db8::/32 1024-65535");
    }

    #[test]
    fn a_protocol_reads_by_its_name_where_it_has_a_common_one() {
        for (protocol, name) in
            [(0, "0"), (1, "icmp"), (6, "tcp"), (17, "udp"), (47, "47"), (58, "icmpv6")]
        {
            let text = Rule { protocol: Some(protocol), ..rule() }.to_string();
            assert_eq!(text.split(' ').nth(3), Some(name));
        }
    }

    #[test]
    fn a_range_of_ports_has_both_its_ends_and_is_never_reversed() {
        assert_eq!(PortRange::new(80, 79), None);
        let range = PortRange::new(80, 90).unwrap();
        assert_eq!((range.from(), range.to()), (80, 90));
        assert_eq!([79, 80, 90, 91].map(|port| range.contains(port)), [false, true, true, false]);
        let all = PortRange::new(0, u16::MAX).unwrap();
        assert!(all.contains(0) && all.contains(u16::MAX));
    }

    #[test]
    fn actions_are_read_as_they_are_written() {
        for action in [Action::Accept, Action::Reject] {
            assert_eq!(action.to_string().parse(), Ok(action));
        }
        assert_eq!("ACCEPT".parse::<Action>(), Err(UnknownAction));
    }
}
