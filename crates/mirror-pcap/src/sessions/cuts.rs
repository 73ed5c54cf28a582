//! To what lengths a session's frames were cut, and what does that.
//!
//! All frames that one thing cuts are equally long, so the lengths tell what it was: a PacketLength,
//! or the limit of the target. Where documents say it, it is so; else a length that AWS names is
//! likely it, and any other is likely a PacketLength. What an MTU in use leaves beside the wrapper is
//! one or the other, and nothing in the capture tells which.

use mirror_session::{KnownSession, TargetKind};

/// Different lengths that are told of a session.
const LISTED: usize = 8;

/// Those that are counted, the first that come: the most frequent is hardly the seventeenth.
const COUNTED: usize = 16;

/// What AWS takes of the target's MTU, over IPv4 and over IPv6:
/// docs.aws.amazon.com/vpc/latest/mirroring/traffic-mirroring-network-limitations.html
const OVERHEADS: [u32; 2] = [54, 74];

/// What the wrapper takes of it: IPv4 or IPv6, UDP and VXLAN.
const WRAPPERS: [u32; 2] = [20 + 8 + 8, 40 + 8 + 8];

/// MTUs in use at a target that is a network interface: of jumbo frames, of the way through a
/// transit gateway, and of everybody else.
const MTUS: [u32; 3] = [9_001, 8_500, 1_500];

/// Lengths of one session's cut frames, and how many were cut to each.
#[derive(Clone, Debug, Default)]
pub(super) struct Cuts {
    packets: u64,
    lengths: Vec<(u32, u64)>,
    /// Whose length isn't counted, or isn't known.
    others: u64,
}

impl Cuts {
    /// A frame was cut to this length, if that is known.
    pub(super) fn add(&mut self, length: Option<u32>) {
        self.packets += 1;
        let Some(length) = length else {
            self.others += 1;
            return;
        };
        if let Some((_, packets)) = self.lengths.iter_mut().find(|(known, _)| *known == length) {
            *packets += 1;
        } else if self.lengths.len() < COUNTED {
            self.lengths.push((length, 1));
        } else {
            self.others += 1;
        }
    }

    /// How many frames were cut.
    pub(super) fn packets(&self) -> u64 {
        self.packets
    }

    /// The most frequent lengths with how many frames were cut to each, and last how many were
    /// to others.
    pub(super) fn listed(&self) -> Vec<(Option<u32>, u64)> {
        let mut lengths = self.lengths.clone();
        lengths.sort_by_key(|&(length, packets)| (u64::MAX - packets, length));
        let listed = lengths.iter().take(LISTED).map(|&(length, packets)| (Some(length), packets));
        let mut listed: Vec<_> = listed.collect();
        let others = lengths.iter().skip(LISTED).map(|(_, packets)| packets).sum::<u64>();
        if others + self.others > 0 {
            listed.push((None, others + self.others));
        }
        listed
    }
}

/// What cuts frames to a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cause {
    pub(super) what: What,
    /// Whether somebody said so, in a document or an option, or it only looks like it.
    pub(super) is_told: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// The session's PacketLength.
    PacketLength(u32),
    /// The PacketLength that a session has whose target is a Network Load Balancer.
    NetworkLoadBalancer,
    /// The limit of a Gateway Load Balancer endpoint.
    GatewayLoadBalancerEndpoint,
    /// The MTU of a target that is a network interface.
    Mtu(u32),
    /// Such an MTU, or else a PacketLength that is what the wrapper leaves of it.
    MtuOrPacketLength { mtu: u32, length: u32 },
}

impl Cause {
    /// What cut a frame of a session to this `length`: `known` is what documents say of it, and
    /// `packet_lengths` what the options do.
    pub(super) fn of(length: u32, known: Option<&KnownSession>, packet_lengths: &[u32]) -> Cause {
        let told = |what| Cause { what, is_told: true };
        let is_said = |known: &KnownSession| known.packet_length == Some(length);
        if known.is_some_and(is_said) || packet_lengths.contains(&length) {
            return told(What::PacketLength(length));
        }
        let target = known.and_then(|known| known.target.as_ref()?.kind.as_ref());
        if known.is_some_and(|known| known.cuts().contains(&length)) {
            match target {
                Some(TargetKind::NetworkLoadBalancer(_)) => return told(What::NetworkLoadBalancer),
                Some(TargetKind::GatewayLoadBalancerEndpoint(_)) => {
                    return told(What::GatewayLoadBalancerEndpoint);
                }
                Some(TargetKind::NetworkInterface(_)) | None => {}
            }
        }
        // A target that is known to be another kind of thing has not done it.
        let may_be_nlb = matches!(target, None | Some(TargetKind::NetworkLoadBalancer(_)));
        let may_be_gwlb = matches!(target, None | Some(TargetKind::GatewayLoadBalancerEndpoint(_)));
        let mtu =
            |left: [u32; 2]| MTUS.iter().find(|mtu| left.contains(&mtu.saturating_sub(length)));
        let what = match length {
            8_500 if may_be_nlb => What::NetworkLoadBalancer,
            8_446 | 8_426 if may_be_gwlb => What::GatewayLoadBalancerEndpoint,
            _ => match (mtu(OVERHEADS), mtu(WRAPPERS)) {
                (Some(mtu), _) => What::Mtu(*mtu),
                (None, Some(mtu)) => What::MtuOrPacketLength { mtu: *mtu, length },
                (None, None) => What::PacketLength(length),
            },
        };
        Cause { what, is_told: false }
    }

    /// For people.
    pub(super) fn text(self) -> String {
        let what = match self.what {
            What::PacketLength(length) => format!("PacketLength {length}"),
            What::NetworkLoadBalancer => {
                "PacketLength 8500, which a Network Load Balancer implies".to_owned()
            }
            What::GatewayLoadBalancerEndpoint => "Gateway Load Balancer endpoint".to_owned(),
            What::Mtu(mtu) => format!("target MTU {mtu}"),
            What::MtuOrPacketLength { mtu, length } => {
                format!("target MTU {mtu} or PacketLength {length}")
            }
        };
        if self.is_told { what } else { format!("likely {what}") }
    }

    /// For scripts.
    pub(super) fn word(self) -> &'static str {
        match self.what {
            What::PacketLength(_) => "packet-length",
            What::NetworkLoadBalancer => "network-load-balancer",
            What::GatewayLoadBalancerEndpoint => "gateway-load-balancer-endpoint",
            What::Mtu(_) => "target-mtu",
            What::MtuOrPacketLength { .. } => "target-mtu-or-packet-length",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use mirror_session::Target;
    use proptest::prelude::*;

    use super::*;

    fn known(kind: Option<TargetKind>, packet_length: Option<u32>) -> KnownSession {
        let target = Some(Target { kind, ..Target::default() });
        KnownSession { target, packet_length, ..KnownSession::default() }
    }

    #[test]
    fn a_cause_that_nobody_tells_is_only_likely() {
        for (length, text, word) in [
            (100, "likely PacketLength 100", "packet-length"),
            (
                8_500,
                "likely PacketLength 8500, which a Network Load Balancer implies",
                "network-load-balancer",
            ),
            (8_446, "likely Gateway Load Balancer endpoint", "gateway-load-balancer-endpoint"),
            (8_426, "likely Gateway Load Balancer endpoint", "gateway-load-balancer-endpoint"),
            (8_947, "likely target MTU 9001", "target-mtu"),
            (8_927, "likely target MTU 9001", "target-mtu"),
            (1_446, "likely target MTU 1500", "target-mtu"),
            (1_426, "likely target MTU 1500", "target-mtu"),
            (1_450, "likely PacketLength 1450", "packet-length"),
        ] {
            let cause = Cause::of(length, None, &[]);
            assert_eq!((cause.text().as_str(), cause.word()), (text, word), "{length}");
        }
    }

    /// 9001, 8500 and 1500 without 20 or 40 bytes of IP, and 16 of UDP and VXLAN.
    #[test]
    fn what_a_wrapper_leaves_of_an_mtu_has_two_likely_causes() {
        for (mtu, lengths) in
            [(9_001, [8_965, 8_945]), (8_500, [8_464, 8_444]), (1_500, [1_464, 1_444])]
        {
            for length in lengths {
                let cause = Cause::of(length, None, &[]);
                let text = format!("likely target MTU {mtu} or PacketLength {length}");
                assert_eq!(cause.text(), text);
                assert_eq!(cause.word(), "target-mtu-or-packet-length");
                let told = Cause::of(length, None, &[length]);
                assert_eq!(told.text(), format!("PacketLength {length}"));
            }
        }
    }

    #[test]
    fn what_documents_and_options_tell_is_so() {
        let network = || Some(TargetKind::NetworkLoadBalancer("arn:…".to_owned()));
        let gateway = || Some(TargetKind::GatewayLoadBalancerEndpoint("vpce-1".to_owned()));
        let interface = || Some(TargetKind::NetworkInterface("eni-1".to_owned()));
        for (length, kind, packet_length, text) in [
            (100, None, Some(100), "PacketLength 100"),
            (8_947, None, Some(8_947), "PacketLength 8947"),
            (8_500, network(), None, "PacketLength 8500, which a Network Load Balancer implies"),
            (8_500, network(), Some(8_500), "PacketLength 8500"),
            (8_446, gateway(), None, "Gateway Load Balancer endpoint"),
            (8_446, None, None, "likely Gateway Load Balancer endpoint"),
            // Somewhere behind the load balancer; it is no endpoint in any case.
            (8_446, network(), None, "likely target MTU 8500"),
            (8_426, interface(), None, "likely target MTU 8500"),
            (8_500, interface(), None, "likely PacketLength 8500"),
            (8_947, interface(), None, "likely target MTU 9001"),
            (99, interface(), Some(100), "likely PacketLength 99"),
        ] {
            let known = known(kind, packet_length);
            assert_eq!(Cause::of(length, Some(&known), &[]).text(), text, "{known:?}");
        }
        assert_eq!(Cause::of(1_446, None, &[100, 1_446]).text(), "PacketLength 1446");
    }

    proptest! {
        /// Counts are exact while there are few lengths, and never lose a packet.
        #[test]
        fn agrees_with_a_map(lengths in prop::collection::vec(prop::option::of(0u32..24), 0..200)) {
            let mut cuts = Cuts::default();
            let mut map: BTreeMap<u32, u64> = BTreeMap::new();
            for length in &lengths {
                cuts.add(*length);
                if let Some(length) = length {
                    *map.entry(*length).or_default() += 1;
                }
            }
            prop_assert_eq!(cuts.packets(), lengths.len() as u64);
            let listed = cuts.listed();
            prop_assert_eq!(listed.iter().map(|(_, packets)| packets).sum::<u64>(), cuts.packets());
            prop_assert!(listed.len() <= LISTED + 1);
            let known = listed.iter().filter_map(|(length, packets)| Some(((*length)?, *packets)));
            let known: BTreeMap<u32, u64> = known.collect();
            if map.len() <= LISTED {
                prop_assert_eq!(known, map);
            } else {
                // Whatever is told of a length is true of it.
                prop_assert_eq!(known.len(), LISTED);
                prop_assert!(known.iter().all(|(length, packets)| map[length] == *packets));
            }
        }
    }
}
