use proptest::prelude::*;

use super::*;

const ENI: &str = "10.0.1.15";
const PEER: &str = "203.0.113.9";
const OTHER: &str = "10.0.1.99"; // a second address of the ENI, say

const ENI_MAC: &str = "02:00:00:00:00:0e";
const GATEWAY: &str = "02:00:00:00:00:01";
const THIRD: &str = "02:00:00:00:00:03";
const BROADCAST: &str = "ff:ff:ff:ff:ff:ff";
const MULTICAST: &str = "01:00:5e:00:00:fb";

const EGRESS: Sensed = Sensed { direction: Some(Direction::Egress), conflict: false };
const INGRESS: Sensed = Sensed { direction: Some(Direction::Ingress), conflict: false };
const UNKNOWN: Sensed = Sensed { direction: None, conflict: false };
const CONFLICT: Sensed = Sensed { direction: None, conflict: true };

fn mac(text: &str) -> Mac {
    text.parse().unwrap()
}

/// A frame: MACs and addresses, each source then destination.
fn frame(macs: [&str; 2], addresses: Option<[&str; 2]>) -> Inner {
    Inner {
        source: mac(macs[0]),
        destination: mac(macs[1]),
        addresses: addresses.map(|[s, d]| (s.parse().unwrap(), d.parse().unwrap())),
        promised_len: None,
    }
}

/// A session and the packets shown to it.
#[derive(Default)]
struct Show(DirectionSense);

impl Show {
    fn packet(&mut self, macs: [&str; 2], addresses: Option<[&str; 2]>) -> Sensed {
        self.0.observe(ENI.parse().unwrap(), &frame(macs, addresses))
    }
    /// Sent from the ENI's address, by this MAC.
    fn egress(&mut self, source_mac: &str) -> Sensed {
        self.packet([source_mac, GATEWAY], Some([ENI, PEER]))
    }
    /// Sent to the ENI's address, and to this MAC.
    fn ingress(&mut self, destination_mac: &str) -> Sensed {
        self.packet([GATEWAY, destination_mac], Some([PEER, ENI]))
    }
    fn arp(&mut self, macs: [&str; 2]) -> Sensed {
        self.packet(macs, None)
    }
    /// Does the session know [`ENI_MAC`]?
    fn knows(&self) -> bool {
        Show(self.0).arp([ENI_MAC, GATEWAY]) == EGRESS
    }
    fn agreed() -> Show {
        let mut show = Show::default();
        show.egress(ENI_MAC);
        show.ingress(ENI_MAC);
        assert_eq!(show.0.learnt, Learnt::Agreed(mac(ENI_MAC)));
        show
    }
}

#[test]
fn the_first_packet_is_told_by_its_addresses() {
    assert_eq!(Show::default().egress(ENI_MAC), EGRESS);
    assert_eq!(Show::default().ingress(ENI_MAC), INGRESS);
}

#[test]
fn addresses_that_are_not_the_enis_tell_nothing_at_first() {
    let mut show = Show::default();
    assert_eq!(show.packet([ENI_MAC, GATEWAY], Some([OTHER, PEER])), UNKNOWN);
    assert_eq!(show.arp([ENI_MAC, BROADCAST]), UNKNOWN);
    assert_eq!(show.0.learnt, Learnt::Nothing);
}

#[test]
fn a_packet_from_the_eni_to_itself_is_unknown_and_teaches_nothing() {
    let mut show = Show::default();
    assert_eq!(show.packet([ENI_MAC, GATEWAY], Some([ENI, ENI])), UNKNOWN);
    assert_eq!(show.0.learnt, Learnt::Nothing);
    // Even when the MAC would tell.
    assert_eq!(Show::agreed().packet([ENI_MAC, GATEWAY], Some([ENI, ENI])), UNKNOWN);
}

#[test]
fn one_direction_alone_does_not_teach_the_mac() {
    let mut show = Show::default();
    for _ in 0..3 {
        show.egress(ENI_MAC);
        assert_eq!(show.0.learnt, Learnt::OneSided(Direction::Egress, mac(ENI_MAC)));
        assert_eq!(show.arp([ENI_MAC, GATEWAY]), UNKNOWN);
    }
    let mut show = Show::default();
    for _ in 0..3 {
        show.ingress(ENI_MAC);
        assert_eq!(show.0.learnt, Learnt::OneSided(Direction::Ingress, mac(ENI_MAC)));
        assert_eq!(show.arp([GATEWAY, ENI_MAC]), UNKNOWN);
    }
}

#[test]
fn both_directions_agree_in_either_order() {
    let mut show = Show::default();
    show.ingress(ENI_MAC);
    show.egress(ENI_MAC);
    assert!(show.knows());
    assert!(Show::agreed().knows());
}

#[test]
fn the_agreed_mac_decides_where_addresses_are_silent() {
    let mut show = Show::agreed();
    assert_eq!(show.packet([ENI_MAC, GATEWAY], Some([OTHER, PEER])), EGRESS);
    assert_eq!(show.packet([GATEWAY, ENI_MAC], Some([PEER, OTHER])), INGRESS);
    assert_eq!(show.packet([ENI_MAC, GATEWAY], Some(["2001:db8::1", "2001:db8::2"])), EGRESS);
    assert_eq!(show.packet([GATEWAY, ENI_MAC], Some(["2001:db8::2", "2001:db8::1"])), INGRESS);
    assert_eq!(show.arp([ENI_MAC, BROADCAST]), EGRESS);
    assert_eq!(show.arp([GATEWAY, BROADCAST]), UNKNOWN);
    assert_eq!(show.arp([GATEWAY, THIRD]), UNKNOWN);
}

#[test]
fn addresses_against_the_agreed_mac_are_a_conflict() {
    let mut show = Show::agreed();
    assert_eq!(show.packet([GATEWAY, ENI_MAC], Some([ENI, PEER])), CONFLICT);
    assert_eq!(show.packet([ENI_MAC, GATEWAY], Some([PEER, ENI])), CONFLICT);
}

#[test]
fn the_agreed_mac_at_both_ends_is_a_conflict_whatever_the_addresses() {
    let mut show = Show::agreed();
    for addresses in [Some([ENI, PEER]), Some([PEER, ENI]), Some([OTHER, PEER]), None] {
        assert_eq!(show.packet([ENI_MAC, ENI_MAC], addresses), CONFLICT, "{addresses:?}");
    }
}

#[test]
fn a_contradicting_packet_does_not_unlearn_the_mac() {
    let mut show = Show::agreed();
    show.packet([GATEWAY, ENI_MAC], Some([ENI, PEER]));
    show.packet([ENI_MAC, ENI_MAC], Some([ENI, PEER]));
    assert!(show.knows());
}

#[test]
fn two_macs_in_one_direction_disagree_for_good() {
    let mut show = Show::default();
    show.egress(ENI_MAC);
    show.egress(THIRD);
    assert_eq!(show.0.learnt, Learnt::Never);
    show.egress(ENI_MAC);
    show.ingress(ENI_MAC);
    assert_eq!(show.0.learnt, Learnt::Never);
    assert_eq!(show.arp([ENI_MAC, GATEWAY]), UNKNOWN);
}

#[test]
fn the_two_directions_disagree_for_good() {
    let mut show = Show::default();
    show.egress(ENI_MAC);
    show.ingress(THIRD);
    assert_eq!(show.0.learnt, Learnt::Never);
    // An overlay that shows every frame with the same two MACs.
    let mut show = Show::default();
    assert_eq!(show.packet([ENI_MAC, GATEWAY], Some([ENI, PEER])), EGRESS);
    assert_eq!(show.packet([ENI_MAC, GATEWAY], Some([PEER, ENI])), INGRESS);
    assert_eq!(show.0.learnt, Learnt::Never);
}

#[test]
fn another_mac_after_agreement_ends_it_in_either_direction() {
    let mut show = Show::agreed();
    assert_eq!(show.egress(THIRD), EGRESS);
    assert_eq!(show.0.learnt, Learnt::Never);
    let mut show = Show::agreed();
    assert_eq!(show.ingress(THIRD), INGRESS);
    assert_eq!(show.0.learnt, Learnt::Never);
}

#[test]
fn in_never_the_addresses_still_decide_and_nothing_conflicts() {
    let mut show = Show::agreed();
    show.egress(THIRD);
    assert_eq!(show.packet([GATEWAY, ENI_MAC], Some([ENI, PEER])), EGRESS);
    assert_eq!(show.packet([ENI_MAC, ENI_MAC], Some([PEER, ENI])), INGRESS);
    assert_eq!(show.arp([ENI_MAC, ENI_MAC]), UNKNOWN);
}

#[test]
fn group_addresses_teach_nothing() {
    for group in [BROADCAST, MULTICAST] {
        let mut show = Show::default();
        assert_eq!(show.ingress(group), INGRESS);
        assert_eq!(show.egress(group), EGRESS);
        assert_eq!(show.0.learnt, Learnt::Nothing, "{group}");
        let mut show = Show::agreed();
        show.ingress(group);
        assert!(show.knows(), "{group}");
    }
}

/// Some overlays put the same MAC at both ends of every frame. Were it learnt, each frame after
/// that would be a conflict, although the addresses tell perfectly well.
#[test]
fn a_frame_with_the_same_mac_at_both_ends_teaches_nothing() {
    let mut show = Show::default();
    for _ in 0..2 {
        assert_eq!(show.packet([GATEWAY, GATEWAY], Some([ENI, PEER])), EGRESS);
        assert_eq!(show.packet([GATEWAY, GATEWAY], Some([PEER, ENI])), INGRESS);
    }
    assert_eq!(show.0.learnt, Learnt::Nothing);
}

#[test]
fn a_session_on_ipv6_is_told_by_its_ipv6_address() {
    let mut sense = DirectionSense::default();
    let eni: IpAddr = "2001:db8::15".parse().unwrap();
    let sent = frame([ENI_MAC, GATEWAY], Some(["2001:db8::15", "2001:db8::9"]));
    let received = frame([GATEWAY, ENI_MAC], Some(["2001:db8::9", "2001:db8::15"]));
    let legacy = frame([ENI_MAC, GATEWAY], Some([ENI, PEER]));
    assert_eq!(sense.observe(eni, &sent), EGRESS);
    assert_eq!(sense.observe(eni, &received), INGRESS);
    assert_eq!(sense.observe(eni, &legacy), EGRESS);
}

#[test]
fn a_session_pays_little_for_it() {
    assert!(size_of::<DirectionSense>() <= 32);
}

/// The slow, obvious one: keeps all that it was taught and asks all of it again each time.
#[derive(Default)]
struct Historian {
    lessons: Vec<(Direction, Mac)>,
}

impl Historian {
    fn eni_mac(&self) -> Option<Mac> {
        let taught = |d| self.lessons.iter().any(|&(direction, _)| direction == d);
        let (_, first) = *self.lessons.first()?;
        let unanimous = self.lessons.iter().all(|&(_, mac)| mac == first);
        (unanimous && taught(Direction::Ingress) && taught(Direction::Egress)).then_some(first)
    }

    fn observe(&mut self, outer_source: IpAddr, inner: &Inner) -> Sensed {
        let eni_mac = self.eni_mac();
        let mac_sent = eni_mac == Some(inner.source);
        let mac_received = eni_mac == Some(inner.destination);
        let address_sent = inner.addresses.is_some_and(|(s, _)| s == outer_source);
        let address_received = inner.addresses.is_some_and(|(_, d)| d == outer_source);

        if address_sent && address_received {
            return UNKNOWN;
        }
        let against_the_mac = address_sent && mac_received || address_received && mac_sent;
        let mac_at_both_ends = mac_sent && mac_received;
        if against_the_mac || mac_at_both_ends {
            return CONFLICT;
        }
        let lesson = match (address_sent, address_received) {
            (true, _) => Some((Direction::Egress, inner.source)),
            (_, true) => Some((Direction::Ingress, inner.destination)),
            _ => None,
        };
        let distinct = inner.source != inner.destination;
        self.lessons.extend(lesson.filter(|(_, mac)| distinct && !mac.is_multicast()));
        match (address_sent || mac_sent, address_received || mac_received) {
            (true, _) => EGRESS,
            (_, true) => INGRESS,
            _ => UNKNOWN,
        }
    }
}

/// Mostly what a true session shows, so that agreement comes about; and all else in between.
fn any_frame() -> impl Strategy<Value = Inner> {
    let macs = prop::sample::select(vec![ENI_MAC, GATEWAY, THIRD, BROADCAST]);
    let addresses = prop::sample::select(vec![ENI, PEER, OTHER, "2001:db8::1"]);
    let pair = (addresses.clone(), addresses).prop_map(|(s, d)| [s, d]);
    prop_oneof![
        4 => Just(frame([ENI_MAC, GATEWAY], Some([ENI, PEER]))),
        4 => Just(frame([GATEWAY, ENI_MAC], Some([PEER, ENI]))),
        1 => (macs.clone(), macs, prop::option::of(pair)).prop_map(|(s, d, a)| frame([s, d], a)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn agrees_with_one_who_remembers_all_lessons(
        frames in prop::collection::vec(any_frame(), 0..40),
    ) {
        let outer_source = ENI.parse().unwrap();
        let (mut sense, mut historian) = (DirectionSense::default(), Historian::default());
        for (n, inner) in frames.iter().enumerate() {
            let want = historian.observe(outer_source, inner);
            prop_assert_eq!(sense.observe(outer_source, inner), want, "packet {}", n);
        }
    }
}

/// A solicitation goes to the group of the address that is looked for, from a link-local address:
/// only the MAC tells which way. The ENI's own goes to a group that nobody would take for it.
#[test]
fn a_neighbour_solicitation_to_a_solicited_node_group_is_told_by_the_mac() {
    // Of ff02::1:ff00:10 (RFC 2464, section 7).
    const SOLICITED: &str = "33:33:ff:00:00:10";
    let mut show = Show::agreed();
    let to_group = Some(["fe80::e", "ff02::1:ff00:10"]);
    assert_eq!(show.packet([ENI_MAC, SOLICITED], to_group), EGRESS);
    // One that was flooded to the ENI has its MAC at neither end.
    assert_eq!(show.packet([GATEWAY, SOLICITED], to_group), UNKNOWN);
    // The answers have it at one.
    assert_eq!(show.packet([GATEWAY, ENI_MAC], Some(["fe80::1", "fe80::e"])), INGRESS);
    assert_eq!(show.packet([ENI_MAC, GATEWAY], Some(["fe80::e", "fe80::1"])), EGRESS);
    // And a session that has seen no other packet learns nothing from them.
    let mut show = Show::default();
    assert_eq!(show.packet([ENI_MAC, SOLICITED], to_group), UNKNOWN);
    assert_eq!(show.0.learnt, Learnt::Nothing);
}
