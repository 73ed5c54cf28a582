//! Regions that grow from one flow as far as they may.
//!
//! A range of addresses that is right by chance is no help: 10.0.0.0/13 tells a person nothing. So
//! addresses grow in steps that people think in: the ranges that they named, private addresses,
//! whole octets; in IPv6 a subnet, a VPC, a site.

use std::net::IpAddr;

use super::region::{Family, Point, Region, Side, prefix};
use crate::Cidr;

/// RFC 1918, RFC 6598, RFC 4193.
const PRIVATE: [&str; 5] =
    ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"];

/// Ranges that mean something.
pub(super) struct Ranges<'r> {
    named: &'r [Cidr],
    private: Vec<Cidr>,
}

impl<'r> Ranges<'r> {
    pub(super) fn new(named: &'r [Cidr]) -> Ranges<'r> {
        let private = PRIVATE.iter().filter_map(|range| range.parse().ok()).collect();
        Ranges { named, private }
    }

    /// The widest range around an address that says something about it: what was named, else its
    /// private block.
    fn home(&self, address: IpAddr) -> Option<Cidr> {
        let widest = |ranges: &[Cidr]| {
            let around = ranges.iter().filter(|range| range.contains(address));
            around.min_by_key(|range| range.prefix_len()).copied()
        };
        widest(self.named).or_else(|| widest(&self.private))
    }

    /// Whether a range is one of the world's, where an address says little about the next one.
    pub(super) fn is_public(&self, range: Cidr) -> bool {
        range.prefix_len() > 0 && self.home(range.address()).is_none()
    }

    /// The ranges around an address from the widest to itself; `all` addresses among them or not.
    fn steps(&self, address: IpAddr, all: bool) -> Vec<Cidr> {
        let octets: &[u8] = match Family::of(address) {
            Family::V4 => &[16, 24, 32],
            Family::V6 => &[48, 56, 64, 128],
        };
        let mut steps: Vec<Cidr> = all.then(|| Family::of(address).all()).into_iter().collect();
        let home = self.home(address);
        steps.extend(home);
        let within = home.map_or(0, |home| home.prefix_len());
        steps.extend(octets.iter().filter(|&&len| len > within).map(|&len| prefix(address, len)));
        steps
    }
}

/// Grow around an unwanted point without touching a wanted one: what is rejected by addresses,
/// whatever the ports, and what is by ports, whatever the addresses.
pub(super) fn rejects(
    point: &Point,
    ranges: &Ranges<'_>,
    clean: impl Fn(&Region) -> bool,
) -> Vec<Region> {
    let exact = Region::around(point);
    let grow = |region: Region, wider: Region| if clean(&wider) { wider } else { region };
    let ports = |region: Region| {
        let mut region = region;
        for side in [Side::Local, Side::Remote] {
            region = grow(region, region.with_ports(side, None));
        }
        // A rule for all protocols has no ports.
        let has_ports = region.local_ports.is_some() || region.remote_ports.is_some();
        if has_ports { region } else { grow(region, Region { protocol: None, ..region }) }
    };
    let widest = |region: Region, side: Side, all: bool| {
        let steps = ranges.steps(point.address(side), all).into_iter();
        steps.map(|range| region.with_address(side, range)).find(&clean).unwrap_or(region)
    };
    let by_address = widest(widest(ports(exact), Side::Local, true), Side::Remote, false);
    let by_port = ports(widest(widest(exact, Side::Local, true), Side::Remote, true));
    [by_address, by_port].into_iter().filter(|region| clean(region)).collect()
}

/// Narrow a service around a wanted point until it touches no unwanted one.
pub(super) fn accepts(
    point: &Point,
    service: &Region,
    ranges: &Ranges<'_>,
    clean: impl Fn(&Region) -> bool,
) -> Vec<Region> {
    let mut found = Vec::new();
    for order in [[Side::Local, Side::Remote], [Side::Remote, Side::Local]] {
        // The ports of the service, and of the other side any if that can be.
        let exact = Region::around(point);
        let mut region = *service;
        for side in order {
            region = region.with_address(side, Cidr::host(point.address(side)));
        }
        if !clean(&region) {
            for side in [Side::Local, Side::Remote] {
                if service.ports(side).is_none() {
                    region = region.with_ports(side, exact.ports(side));
                }
            }
        }
        if !clean(&region) {
            continue;
        }
        for side in order {
            let steps = ranges.steps(point.address(side), true).into_iter();
            let widest = steps.map(|range| region.with_address(side, range)).find(&clean);
            region = widest.unwrap_or(region);
        }
        found.push(region);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn range(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_grows_by_octets_to_the_widest_range_that_means_something() {
        let named = ["10.0.0.0/16", "10.0.1.0/24", "203.0.113.0/24", "2001:db8:1234:ab00::/56"];
        let named: Vec<Cidr> = named.iter().map(|text| range(text)).collect();
        let steps = |named: &[Cidr], text: &str, all: bool| -> Vec<String> {
            Ranges::new(named).steps(address(text), all).iter().map(ToString::to_string).collect()
        };
        let none = |text: &str| steps(&[], text, false);
        assert_eq!(
            steps(&named, "10.0.1.15", true),
            ["0.0.0.0/0", "10.0.0.0/16", "10.0.1.0/24", "10.0.1.15/32"]
        );
        assert_eq!(
            steps(&named, "10.9.1.15", false),
            ["10.0.0.0/8", "10.9.0.0/16", "10.9.1.0/24", "10.9.1.15/32"]
        );
        assert_eq!(steps(&named, "203.0.113.9", false), ["203.0.113.0/24", "203.0.113.9/32"]);
        assert_eq!(none("203.0.113.9"), ["203.0.0.0/16", "203.0.113.0/24", "203.0.113.9/32"]);
        assert_eq!(
            steps(&named, "2001:db8:1234:ab01::15", true),
            [
                "::/0",
                "2001:db8:1234:ab00::/56",
                "2001:db8:1234:ab01::/64",
                "2001:db8:1234:ab01::15/128",
            ]
        );
        assert_eq!(none("fd00::1")[..2], ["fc00::/7", "fd00::/48"]);
        assert_eq!(none("2001:db8::1").len(), 4);
    }

    #[test]
    fn public_is_what_is_neither_named_nor_private_nor_everything() {
        let named = [range("203.0.113.0/24")];
        let ranges = Ranges::new(&named);
        for (text, is) in [
            ("0.0.0.0/0", false),
            ("::/0", false),
            ("198.51.100.0/24", true),
            ("203.0.113.9/32", false),
            ("10.0.0.0/8", false),
            ("172.31.0.0/16", false),
            ("172.32.0.0/16", true),
            ("100.64.0.0/10", false),
            ("fd00::/8", false),
            ("2001:db8::/32", true),
        ] {
            assert_eq!(ranges.is_public(range(text)), is, "{text}");
        }
    }

    /// Whatever is grown has the point in it and nothing that was to be left out.
    #[test]
    fn what_has_grown_is_as_wide_as_it_may_be() {
        let point = |remote: &str, port| Point {
            protocol: 6,
            local: address("10.0.1.15"),
            remote: address(remote),
            ports: Some((50_000, port)),
        };
        let wanted = [point("203.0.113.9", 443), point("10.0.9.9", 80)];
        let unwanted = point("10.0.9.9", 443);
        let ranges = Ranges::new(&[]);
        let clean = |region: &Region| !wanted.iter().any(|point| region.contains(point));
        let grown = rejects(&unwanted, &ranges, clean);
        let exact = Region::around(&unwanted);
        let (any, all) = (range("0.0.0.0/0"), range("10.0.0.0/8"));
        // By addresses, then by port: the port is of the wanted flows too, until the address is not.
        let by_address = Region { local: any, remote: all, local_ports: None, ..exact };
        assert_eq!(grown, [by_address, by_address]);

        let service = Region { local: any, remote: any, local_ports: None, ..exact };
        let dirty = [point("10.0.7.7", 443)];
        let clean = |region: &Region| !dirty.iter().any(|point| region.contains(point));
        let narrowed = accepts(&unwanted, &service, &ranges, clean);
        let near = Region { remote: range("10.0.9.0/24"), ..service };
        assert_eq!(narrowed, [near, near]);
    }

    /// The ports of the service stay as they are, and of the other side's nothing but this one.
    #[test]
    fn where_addresses_tell_nothing_apart_the_other_port_does() {
        let point = |client| Point {
            protocol: 6,
            local: address("10.0.1.15"),
            remote: address("10.0.9.9"),
            ports: Some((client, 443)),
        };
        let (any, served) = (range("0.0.0.0/0"), crate::PortRange::new(80, 443));
        let (local_ports, remote_ports) = (None, served);
        let service =
            Region { protocol: Some(6), local: any, remote: any, local_ports, remote_ports };
        let clean = |region: &Region| !region.contains(&point(50_001));
        let narrowed = accepts(&point(50_000), &service, &Ranges::new(&[]), clean);
        let alone = Region { local_ports: crate::PortRange::new(50_000, 50_000), ..service };
        assert_eq!(narrowed, [alone, alone]);
    }

    #[test]
    fn what_cannot_be_told_apart_does_not_grow() {
        let point = Point {
            protocol: 1,
            local: address("10.0.1.15"),
            remote: address("10.0.9.9"),
            ports: None,
        };
        let ranges = Ranges::new(&[]);
        assert_eq!(rejects(&point, &ranges, |_| false), []);
        assert_eq!(accepts(&point, &Region::around(&point), &ranges, |_| false), []);
        // And where nothing is in the way, everything is rejected but by its addresses.
        let everything = Region { protocol: None, ..Region::around(&point) };
        let all = range("0.0.0.0/0");
        let home = Region { local: all, remote: range("10.0.0.0/8"), ..everything };
        assert_eq!(rejects(&point, &ranges, |_| true), [home, Region { remote: all, ..home }]);
    }
}
