//! What conversations have in common: the service that they are about.
//!
//! Of two ports one is the service's and the other is drawn by chance. Which is which no header
//! says, so: a port below 1024 before one above it; else the one that more conversations share; else
//! the lower one. A flow whose ports say nothing (both drawn by chance) makes a service of its own,
//! and many of those are joined later.

use std::collections::{BTreeMap, HashMap};

use super::region::{Family, Point, Region, Side};
use crate::PortRange;

/// Ports below are given to services, and drawn by nobody.
const WELL_KNOWN: u16 = 1_024;

/// The most regions for each protocol and side. More services than that no filter could list, so
/// the closest ports are joined at once.
const MOST: usize = 16;

/// The most regions for all protocols together: what TCP and UDP can have, and some others. Beyond
/// that it is a scan of protocols, and one rule for all of them is what could be written.
const MOST_OF_ALL: usize = 4 * MOST + 16;

/// The regions of the services of these points: each from and to everywhere.
pub(super) fn services(family: Family, points: &[(Point, u64)]) -> Vec<Region> {
    let mut shared: HashMap<(u8, Side, u16), u64> = HashMap::new();
    for (point, _) in points {
        for side in [Side::Local, Side::Remote] {
            if let Some(port) = point.port(side) {
                *shared.entry((point.protocol, side, port)).or_default() += 1;
            }
        }
    }
    let mut ports: BTreeMap<(u8, Option<Side>), Vec<u16>> = BTreeMap::new();
    for (point, _) in points {
        let side = service_side(point, &shared);
        let of = ports.entry((point.protocol, side)).or_default();
        of.extend(side.and_then(|side| point.port(side)));
    }
    let all = family.all();
    let everything =
        Region { protocol: None, local: all, remote: all, local_ports: None, remote_ports: None };
    let mut regions = Vec::new();
    for ((protocol, side), ports) in ports {
        let region = Region { protocol: Some(protocol), ..everything };
        match side {
            None => regions.push(region),
            Some(side) => {
                let runs = runs(ports).into_iter();
                regions.extend(runs.map(|run| region.with_ports(side, Some(run))));
            }
        }
    }
    if regions.len() > MOST_OF_ALL { vec![everything] } else { regions }
}

/// The side whose port is the service's, none for a protocol without ports.
fn service_side(point: &Point, shared: &HashMap<(u8, Side, u16), u64>) -> Option<Side> {
    let weigh = |side| {
        let port = point.port(side)?;
        let count = shared.get(&(point.protocol, side, port)).copied().unwrap_or_default();
        Some((port < WELL_KNOWN, count, std::cmp::Reverse(port)))
    };
    let (local, remote) = (weigh(Side::Local)?, weigh(Side::Remote)?);
    Some(if local > remote { Side::Local } else { Side::Remote })
}

/// The ports as ranges: neighbours as one, and if there are too many, those across the smallest gaps.
fn runs(mut ports: Vec<u16>) -> Vec<PortRange> {
    ports.sort_unstable();
    ports.dedup();
    let mut gaps: Vec<u16> =
        ports.windows(2).filter_map(|pair| pair.last()?.checked_sub(*pair.first()?)).collect();
    gaps.sort_unstable_by(|a, b| b.cmp(a));
    // Gaps of one are no gaps, and of the others the largest stay.
    let join = gaps.get(MOST - 1).copied().unwrap_or(1).max(1);
    let mut runs: Vec<PortRange> = Vec::new();
    for port in ports {
        let joined = runs.last().and_then(|last| {
            let near = port - last.to() <= join;
            PortRange::new(last.from(), port).filter(|_| near)
        });
        match (joined, runs.last_mut()) {
            (Some(joined), Some(last)) => *last = joined,
            _ => runs.extend(PortRange::new(port, port)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each protocol of a scan was a rule to be joined with each other, which took hours.
    #[test]
    fn a_scan_of_protocols_is_about_all_of_them() {
        let point = |protocol: u8| {
            let [local, remote] = ["10.0.1.15", "203.0.113.9"].map(|text| text.parse().unwrap());
            let ports = matches!(protocol, 6 | 17).then_some((443, 51_000));
            (Point { protocol, local, remote, ports }, 1)
        };
        let of = |protocols: std::ops::RangeInclusive<u8>| {
            services(Family::V4, &protocols.map(point).collect::<Vec<_>>())
        };
        let some = of(0..=40);
        assert_eq!(some.len(), 41);
        assert!(some.iter().all(|region| region.protocol.is_some()));
        // As many as are left apart: TCP and UDP have one port each.
        assert_eq!(of(0..=79).len(), 80);
        assert_eq!(of(0..=80).len(), 1);
        let all = of(0..=255);
        assert_eq!((all.len(), all[0].protocol), (1, None));
    }

    /// The ports of the services of conversations with these local and remote ports.
    fn of_ports(pairs: &[(u16, u16)]) -> Vec<(Option<String>, Option<String>)> {
        let [local, remote] = ["10.0.1.15", "203.0.113.9"].map(|text| text.parse().unwrap());
        let points: Vec<(Point, u64)> = pairs
            .iter()
            .map(|&ports| (Point { protocol: 6, local, remote, ports: Some(ports) }, 1))
            .collect();
        let text = |ports: Option<PortRange>| ports.map(|ports| ports.to_string());
        services(Family::V4, &points)
            .iter()
            .map(|region| (text(region.local_ports), text(region.remote_ports)))
            .collect()
    }

    #[test]
    fn the_port_of_a_service_is_well_known_or_shared_or_the_lower_one() {
        let (local, remote) = (
            |ports: &str| (Some(ports.to_owned()), None),
            |ports: &str| (None, Some(ports.to_owned())),
        );
        // One below 1024, though the other is shared.
        assert_eq!(of_ports(&[(1_023, 30_000), (1_022, 30_000)]), [local("1022-1023")]);
        assert_eq!(of_ports(&[(1_024, 30_000), (1_025, 30_000)]), [remote("30000")]);
        assert_eq!(of_ports(&[(2_000, 8_443), (2_010, 8_443), (2_020, 8_443)]), [remote("8443")]);
        assert_eq!(of_ports(&[(2_000, 8_443)]), [local("2000")]);
        assert_eq!(of_ports(&[(8_443, 2_000)]), [remote("2000")]);
        // Both the same: it has to be one of them.
        assert_eq!(of_ports(&[(123, 123)]), [remote("123")]);
    }

    #[test]
    fn sixteen_ports_stay_apart_and_of_more_the_closest_are_joined() {
        let spread =
            |count: u16| -> Vec<u16> { (0..count).map(|n| 100 + 20 * n + n * n).collect() };
        assert_eq!(ranges(&spread(16)).len(), 16);
        let joined = ranges(&spread(17));
        assert_eq!((joined.len(), joined[0].as_str()), (16, "100-121"));
    }

    fn ranges(ports: &[u16]) -> Vec<String> {
        runs(ports.to_vec()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn neighbours_are_one_range_and_others_are_not() {
        assert_eq!(ranges(&[443, 80, 8081, 8080, 443]), ["80", "443", "8080-8081"]);
        assert_eq!(ranges(&[0, u16::MAX]), ["0", "65535"]);
        assert_eq!(ranges(&[]), [""; 0]);
    }

    #[test]
    fn too_many_ports_are_joined_across_the_smallest_gaps() {
        let many: Vec<u16> = (0..1_000).map(|n| 10_000 + 3 * n).chain([53, 60_000]).collect();
        assert_eq!(ranges(&many), ["53", "10000-12997", "60000"]);
    }
}
