//! Of which interface a packet is, and which way that saw it go.
//!
//! Documents and options are asked first: they name the interface's MAC and addresses, and what they
//! say is certain. What a capture says of itself comes after them, each from the surest on: the
//! annotation that strip made, the packet type of a cooked header, the flags of the packet. Those
//! two only say "in" and "out" of whatever was captured, so they mean something only if one
//! interface is simulated, and that the capture was taken at it is an assumption.

use std::net::IpAddr;

use mirror_filter::NoDirection;
use mirror_session::Eni;
use mirror_wire::{Direction, Inner, LinkType, Mac};

use super::scene::Scene;

/// An interface that a packet is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Located {
    /// Which; none if that isn't known.
    pub(super) source: Option<usize>,
    pub(super) direction: Result<Direction, NoDirection>,
    /// Whether it rests on the capture having been taken at the interface.
    pub(super) captured_at_eni: bool,
}

impl Located {
    /// Of no interface that is known.
    pub(super) const NOWHERE: Located =
        Located { source: None, direction: Err(NoDirection::Neither), captured_at_eni: false };
}

/// What a packet and its place in the capture tell of its ends.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Signs {
    /// Source and destination of its Ethernet header.
    pub(super) macs: Option<(Mac, Mac)>,
    /// Source and destination of its IP header.
    pub(super) addresses: Option<(IpAddr, IpAddr)>,
    /// What an annotation says; the interface's own view.
    pub(super) annotated: Option<Direction>,
    /// What the capture says.
    pub(super) captured: Option<Direction>,
}

/// Put the interfaces that a packet is of into `located`: mostly one, two if both ends are
/// simulated. The list is the caller's, who has room from the packet before.
pub(super) fn locate(scene: &Scene<'_>, signs: &Signs, located: &mut Vec<Located>) {
    if let Some(only) = scene.only() {
        located.push(locate_at(scene, only, signs));
        return;
    }
    let known = |direction: &Result<_, _>| !matches!(direction, Err(NoDirection::Neither));
    let found = scene.at(signs.macs, signs.addresses).filter_map(|source| {
        let direction = direction(&scene.sources.get(source)?.eni, signs);
        let captured_at_eni = false;
        Some(Located { source: Some(source), direction, captured_at_eni })
    });
    located.extend(found.filter(|one| known(&one.direction)));
    if located.is_empty() {
        located.push(Located::NOWHERE);
    }
}

/// The direction at an interface that the packet is known to be of.
pub(super) fn locate_at(scene: &Scene<'_>, source: usize, signs: &Signs) -> Located {
    let told = scene.sources.get(source).map(|source| direction(&source.eni, signs));
    let told = told.unwrap_or(Err(NoDirection::Neither));
    let (direction, captured_at_eni) = match (told, signs.annotated, signs.captured) {
        // Both ends, or neither: what the capture says is no contradiction.
        (Err(NoDirection::Both | NoDirection::Neither), Some(annotated), _) => {
            (Ok(annotated), false)
        }
        (Err(NoDirection::Both | NoDirection::Neither), None, Some(captured)) => {
            (Ok(captured), true)
        }
        _ => (told, false),
    };
    Located { source: Some(source), direction, captured_at_eni }
}

/// What the interface's own MAC and addresses tell.
fn direction(eni: &Eni, signs: &Signs) -> Result<Direction, NoDirection> {
    // What has no MACs has those of nobody.
    let (source, destination) = signs.macs.unwrap_or((Mac::new([0; 6]), Mac::new([0; 6])));
    let addresses = signs.addresses;
    let sensed = eni.direction(&Inner { destination, source, addresses, promised_len: None });
    match (sensed.direction, addresses) {
        (Some(direction), _) => Ok(direction),
        (None, _) if sensed.conflict => Err(NoDirection::Conflict),
        (None, Some((a, b))) if eni.holds(a) && eni.holds(b) => Err(NoDirection::Both),
        (None, _) => Err(NoDirection::Neither),
    }
}

/// The MACs of an Ethernet frame: source, destination.
pub(super) fn macs(link: LinkType, bytes: &[u8]) -> Option<(Mac, Mac)> {
    if link != LinkType::Ethernet {
        return None;
    }
    let [d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5] = *bytes.first_chunk::<12>()?;
    Some((Mac::new([s0, s1, s2, s3, s4, s5]), Mac::new([d0, d1, d2, d3, d4, d5])))
}

/// What a cooked header or, failing that, `epb_flags` say.
pub(super) fn captured(link: LinkType, bytes: &[u8], flags: Option<u32>) -> Option<Direction> {
    let packet_type = match link {
        LinkType::LinuxSll => bytes.first_chunk().map(|kind| u16::from_be_bytes(*kind)),
        LinkType::LinuxSll2 => bytes.get(10).copied().map(u16::from),
        _ => None,
    };
    match packet_type {
        // To us, broadcast, multicast; 3 is to somebody else.
        Some(0..=2) => return Some(Direction::Ingress),
        Some(4) => return Some(Direction::Egress),
        _ => {}
    }
    match flags? & 0b11 {
        0b01 => Some(Direction::Ingress),
        0b10 => Some(Direction::Egress),
        _ => None,
    }
}

/// Bytes of the frame that this packet is or would be on Ethernet.
pub(super) fn frame_len(link: LinkType, len: u32) -> u32 {
    let header = match link {
        LinkType::Ethernet => return len,
        LinkType::LinuxSll => 16,
        LinkType::LinuxSll2 => 20,
        LinkType::Raw => 0,
        LinkType::Null | LinkType::Loop => 4,
    };
    len.saturating_sub(header).saturating_add(14)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETH: LinkType = LinkType::Ethernet;

    #[test]
    fn a_cooked_header_says_more_than_the_flags() {
        let sll = |kind: u8| [0, kind, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0];
        for (kind, flags, want) in [
            (0, Some(2), Some(Direction::Ingress)),
            (1, None, Some(Direction::Ingress)),
            (2, None, Some(Direction::Ingress)),
            (3, None, None),
            (3, Some(2), Some(Direction::Egress)),
            (4, Some(1), Some(Direction::Egress)),
        ] {
            assert_eq!(captured(LinkType::LinuxSll, &sll(kind), flags), want, "{kind} {flags:?}");
            let mut sll2 = [0; 20];
            sll2[10] = kind;
            assert_eq!(captured(LinkType::LinuxSll2, &sll2, flags), want, "{kind} {flags:?}");
        }
        assert_eq!(captured(LinkType::LinuxSll, &[], None), None);
    }

    /// One value after the other of the two bits, and of the bits beside them.
    #[test]
    fn two_bits_of_the_flags_say_the_direction() {
        let direction = |flags| captured(ETH, &[4; 20], Some(flags));
        let want = [None, Some(Direction::Ingress), Some(Direction::Egress), None];
        for (flags, want) in (0..4).zip(want) {
            assert_eq!(direction(flags), want);
            assert_eq!(direction(flags | 0xFFFF_FFFC), want);
        }
        assert_eq!(captured(ETH, &[], None), None);
    }

    #[test]
    fn a_packet_counts_as_long_as_its_frame() {
        let links = [
            (ETH, 114),
            (LinkType::LinuxSll, 116),
            (LinkType::LinuxSll2, 120),
            (LinkType::Raw, 100),
            (LinkType::Null, 104),
            (LinkType::Loop, 104),
        ];
        assert!(links.into_iter().all(|(link, len)| frame_len(link, len) == 114));
        assert_eq!(frame_len(LinkType::LinuxSll2, 3), 14);
        assert_eq!(frame_len(LinkType::Raw, u32::MAX), u32::MAX);
    }
}
