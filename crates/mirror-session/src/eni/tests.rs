use mirror_wire::Direction;
use proptest::prelude::*;

use super::*;

const MAC: &str = "02:00:00:00:00:0e";
const GATEWAY: &str = "02:00:00:00:00:01";
const BROADCAST: &str = "ff:ff:ff:ff:ff:ff";

const PRIMARY: &str = "10.0.1.15";
const SECOND: &str = "10.0.1.99";
const V6: &str = "2001:db8::15";
const DELEGATED: &str = "10.0.2.17"; // in 10.0.2.16/28
const PEER: &str = "203.0.113.9";
const OTHER: &str = "198.51.100.7";

const EGRESS: Sensed = Sensed { direction: Some(Direction::Egress), conflict: false };
const INGRESS: Sensed = Sensed { direction: Some(Direction::Ingress), conflict: false };

fn eni(mac: Option<&str>) -> Eni {
    Eni {
        mac: mac.map(|mac| mac.parse().unwrap()),
        addresses: [PRIMARY, SECOND, V6].map(|text| text.parse().unwrap()).to_vec(),
        prefixes: vec!["10.0.2.16/28".parse().unwrap()],
        ..Eni::default()
    }
}

/// A frame: MACs and addresses, each source then destination.
fn frame(macs: [&str; 2], addresses: Option<[&str; 2]>) -> Inner {
    Inner {
        source: macs[0].parse().unwrap(),
        destination: macs[1].parse().unwrap(),
        addresses: addresses.map(|[s, d]| (s.parse().unwrap(), d.parse().unwrap())),
        promised_len: None,
    }
}

#[test]
fn the_mac_decides_whatever_is_inside() {
    let eni = eni(Some(MAC));
    for addresses in [None, Some([OTHER, PEER]), Some([PRIMARY, SECOND])] {
        assert_eq!(eni.direction(&frame([MAC, GATEWAY], addresses)), EGRESS, "{addresses:?}");
        assert_eq!(eni.direction(&frame([GATEWAY, MAC], addresses)), INGRESS, "{addresses:?}");
    }
    assert_eq!(eni.direction(&frame([MAC, BROADCAST], None)), EGRESS, "ARP");
}

#[test]
fn each_own_address_and_prefix_decides_where_the_mac_is_silent() {
    for (eni, why) in [(eni(None), "no MAC known"), (eni(Some(MAC)), "another MAC in the frame")] {
        for own in [PRIMARY, SECOND, V6, DELEGATED] {
            let peer = if own == V6 { "2001:db8::9" } else { PEER };
            let macs = [GATEWAY, GATEWAY];
            assert_eq!(eni.direction(&frame(macs, Some([own, peer]))), EGRESS, "{own}, {why}");
            assert_eq!(eni.direction(&frame(macs, Some([peer, own]))), INGRESS, "{own}, {why}");
        }
    }
}

#[test]
fn without_a_sign_nothing_is_told() {
    let macs = [GATEWAY, BROADCAST];
    for eni in [eni(None), eni(Some(MAC)), Eni::default()] {
        for addresses in [None, Some([PEER, OTHER]), Some(["10.0.2.15", "10.0.2.32"])] {
            assert_eq!(eni.direction(&frame(macs, addresses)), Sensed::UNKNOWN, "{addresses:?}");
        }
    }
}

#[test]
fn own_addresses_at_both_ends_tell_nothing_and_contradict_nothing() {
    let inside = Some([DELEGATED, SECOND]);
    assert_eq!(eni(None).direction(&frame([MAC, GATEWAY], inside)), Sensed::UNKNOWN);
    assert_eq!(eni(Some(MAC)).direction(&frame([MAC, GATEWAY], inside)), EGRESS);
    // A load balancer sends a pod's request to another pod of the same node.
    assert_eq!(eni(Some(MAC)).direction(&frame([GATEWAY, MAC], inside)), INGRESS);
}

#[test]
fn what_contradicts_is_a_conflict() {
    let eni = eni(Some(MAC));
    assert_eq!(eni.direction(&frame([MAC, GATEWAY], Some([PEER, PRIMARY]))), Sensed::CONFLICT);
    assert_eq!(eni.direction(&frame([GATEWAY, MAC], Some([PRIMARY, PEER]))), Sensed::CONFLICT);
    for addresses in [None, Some([PRIMARY, PEER]), Some([PEER, PRIMARY]), Some([OTHER, PEER])] {
        let both = frame([MAC, MAC], addresses);
        assert_eq!(eni.direction(&both), Sensed::CONFLICT, "{addresses:?}");
    }
}

#[test]
fn a_group_address_is_no_enis_mac() {
    let eni = eni(Some(BROADCAST));
    assert_eq!(eni.direction(&frame([GATEWAY, BROADCAST], None)), Sensed::UNKNOWN);
    assert_eq!(eni.direction(&frame([GATEWAY, BROADCAST], Some([PRIMARY, PEER]))), EGRESS);
}

#[test]
fn mirrored_packets_come_from_the_first_address_of_each_family() {
    let sources: Vec<IpAddr> = eni(None).sources().collect();
    assert_eq!(sources, [PRIMARY, V6].map(|text| text.parse::<IpAddr>().unwrap()));
    let v6_first = Eni { addresses: vec![V6.parse().unwrap()], ..Eni::default() };
    assert_eq!(v6_first.sources().count(), 1);
    assert_eq!(Eni::default().sources().count(), 0);
}

#[test]
fn prefixes_are_read_as_they_are_written() {
    for text in ["10.0.1.16/28", "10.0.1.15/32", "0.0.0.0/0", "2001:db8::/80", "::/0", "::1/128"] {
        assert_eq!(text.parse::<Prefix>().unwrap().to_string(), text);
    }
}

#[test]
fn what_is_no_prefix_is_refused() {
    for text in [
        "",
        "/",
        "10.0.1.16",
        "10.0.1.16/",
        "/28",
        "10.0.1.16/33",
        "::/129",
        "10.0.1.16/256",
        "10.0.1.16/+28",
        "10.0.1.16/028",
        "0.0.0.0/00",
        "10.0.1.16/-1",
        "10.0.1.16/28/28",
        "10.0.1/28",
        " 10.0.1.16/28",
        "10.0.1.16/28 ",
    ] {
        assert_eq!(text.parse::<Prefix>(), Err(ParsePrefixError::Malformed), "{text:?}");
    }
}

#[test]
fn bits_behind_a_prefix_are_refused_with_the_prefix_that_may_be_meant() {
    for (text, within) in [
        ("10.0.1.17/28", "10.0.1.16/28"),
        ("2001:db8::1/64", "2001:db8::/64"),
        ("1.0.0.0/0", "0.0.0.0/0"),
    ] {
        let within = within.parse().unwrap();
        assert_eq!(text.parse::<Prefix>(), Err(ParsePrefixError::HostBits { within }), "{text}");
    }
}

#[test]
fn a_prefix_ends_where_its_bits_do() {
    let prefix: Prefix = "10.0.1.16/28".parse().unwrap();
    for (address, is_in) in [
        ("10.0.1.15", false),
        ("10.0.1.16", true),
        ("10.0.1.31", true),
        ("10.0.1.32", false),
        ("::ffff:10.0.1.16", false),
        ("::a00:110", false),
    ] {
        assert_eq!(prefix.contains(address.parse().unwrap()), is_in, "{address}");
    }
    let all: Prefix = "0.0.0.0/0".parse().unwrap();
    assert!(all.contains(PEER.parse().unwrap()));
    assert!(!all.contains(V6.parse().unwrap()), "IPv4's everything isn't IPv6's");
}

/// Addresses that have much in common, so that prefixes contain some of them.
fn any_address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        (0u32..256).prop_map(|low| IpAddr::V4((0x0a00_0100 + low).into())),
        any::<IpAddr>(),
        (0u128..256).prop_map(|low| IpAddr::V6((0x2001_0db8_u128 << 96 | low).into())),
    ]
}

/// The bits of an address, the first first.
fn bit_list(address: IpAddr) -> Vec<bool> {
    let bytes = match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_prefix_contains_what_begins_with_the_same_bits(
        network in any_address(),
        address in any_address(),
        len in 0u8..=128,
    ) {
        let (network_bits, bits) = (bit_list(network), bit_list(address));
        let prefix = Prefix::new(network, len);
        prop_assert_eq!(prefix.is_some(), usize::from(len) <= network_bits.len());
        if let Some(prefix) = prefix {
            let len = usize::from(len);
            let want = bits.len() == network_bits.len() && bits[..len] == network_bits[..len];
            prop_assert_eq!(prefix.contains(address), want);
            prop_assert_eq!(prefix.to_string().parse(), Ok(prefix));
        }
    }

    /// The oracle asks four questions in words: could the ENI have sent it, by its MAC or by its
    /// addresses; could it have received it?
    #[test]
    fn direction_agrees_with_the_rules_in_words(
        knows_mac in any::<bool>(),
        macs in (0usize..3, 0usize..3),
        addresses in prop::option::of((0usize..6, 0usize..6)),
    ) {
        let macs = [macs.0, macs.1].map(|n| [MAC, GATEWAY, BROADCAST][n]);
        let pool = [PRIMARY, SECOND, V6, DELEGATED, PEER, OTHER];
        let own = &pool[..4];
        let addresses = addresses.map(|(s, d)| [pool[s], pool[d]]);
        let eni = eni(knows_mac.then_some(MAC));

        let sent_by_mac = knows_mac && macs[0] == MAC;
        let received_by_mac = knows_mac && macs[1] == MAC;
        let sent_by_address = addresses.is_some_and(|[s, d]| own.contains(&s) && !own.contains(&d));
        let received_by_address =
            addresses.is_some_and(|[s, d]| own.contains(&d) && !own.contains(&s));

        let sent = sent_by_mac || sent_by_address;
        let received = received_by_mac || received_by_address;
        let want = match (sent, received) {
            (true, true) => Sensed::CONFLICT,
            (true, false) => EGRESS,
            (false, true) => INGRESS,
            (false, false) => Sensed::UNKNOWN,
        };
        prop_assert_eq!(eni.direction(&frame(macs, addresses)), want);
    }
}
