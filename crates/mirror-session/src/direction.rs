//! Which way a packet went, seen from the source ENI, told from the packets alone.
//!
//! The wrapper carries no direction. Two things inside tell it, in this order:
//!
//! * **Addresses.** The wrapper's source is the ENI's primary address. A packet sent from it is
//!   egress, a packet sent to it is ingress. That is silent about the ENI's other addresses, IPv6
//!   and whatever isn't IP.
//! * **The ENI's MAC.** It is the inner source of egress frames and the inner destination of
//!   ingress frames, but nothing names it: it has to be learnt from packets whose addresses tell,
//!   and it is believed only once packets of *both* directions named the same one. An observer that
//!   looked at one direction only could as well have learnt the MAC of the gateway.
//!
//! What has been learnt is one of these; each arrow is one packet whose addresses tell, and
//! that names `m` (or another MAC) as the ENI's:
//!
//! ```text
//! Nothing ──m──> OneSided(d, m) ──m, other direction──> Agreed(m)
//!                      │ another                           │ another
//!                      └──────────────> Never <────────────┘
//! ```
//!
//! There is no way out of `Never`: where a session's packets disagree about the MAC (an overlay
//! that rewrites them, two machines with one address), it tells nothing, and the addresses alone
//! decide. Three kinds of packet teach nothing: one that contradicts what was agreed (a forged
//! address must not unlearn a true MAC), one whose two MACs are the same, and one that would name a
//! group address.

use std::net::IpAddr;

use mirror_wire::{Direction, Inner, Mac};

/// What one session's packets have shown of their directions so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct DirectionSense {
    learnt: Learnt,
}

/// The answer for one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sensed {
    /// The direction, if it can be told.
    pub direction: Option<Direction>,
    /// It can't be told because signs contradict each other, rather than for want of a sign.
    pub conflict: bool,
}

/// The states of the module's documentation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Learnt {
    #[default]
    Nothing,
    OneSided(Direction, Mac),
    Agreed(Mac),
    Never,
}

/// What one kind of sign (addresses, MACs) says of one packet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    Silent,
    Tells(Direction),
    /// The ENI's at both ends.
    BothEnds,
}

impl Sign {
    /// Whether the packet's source is the ENI's, and whether its destination is.
    pub(crate) fn of(at_source: bool, at_destination: bool) -> Sign {
        match (at_source, at_destination) {
            (false, false) => Sign::Silent,
            (true, false) => Sign::Tells(Direction::Egress),
            (false, true) => Sign::Tells(Direction::Ingress),
            (true, true) => Sign::BothEnds,
        }
    }
}

impl Sensed {
    pub(crate) const UNKNOWN: Sensed = Sensed { direction: None, conflict: false };
    pub(crate) const CONFLICT: Sensed = Sensed { direction: None, conflict: true };

    pub(crate) fn told(direction: Direction) -> Sensed {
        Sensed { direction: Some(direction), conflict: false }
    }
}

impl DirectionSense {
    /// Judge the next packet of the session, and learn from it.
    ///
    /// `outer_source` is the source address of the IP header right outside VXLAN (the
    /// `source` of the session's key).
    #[inline]
    pub fn observe(&mut self, outer_source: IpAddr, inner: &Inner) -> Sensed {
        //= https://docs.aws.amazon.com/vpc/latest/mirroring/traffic-mirroring-packet-formats.html
        //# Source IP address — The primary IP address of the source network interface.
        let by_address = match inner.addresses {
            Some((source, destination)) => {
                Sign::of(source == outer_source, destination == outer_source)
            }
            None => Sign::Silent,
        };
        let by_mac = match self.learnt {
            Learnt::Agreed(mac) => Sign::of(inner.source == mac, inner.destination == mac),
            Learnt::Nothing | Learnt::OneSided(..) | Learnt::Never => Sign::Silent,
        };

        let direction = match (by_address, by_mac) {
            // A packet from the ENI's address to itself: forged, or of a test. Its addresses tell
            // that something is odd here, not which way it went, so the MAC isn't asked.
            (Sign::BothEnds, _) | (Sign::Silent, Sign::Silent) => return Sensed::UNKNOWN,
            (_, Sign::BothEnds) => return Sensed::CONFLICT,
            (Sign::Tells(address), Sign::Tells(mac)) if address != mac => return Sensed::CONFLICT,
            (Sign::Tells(address), _) => {
                self.learn(address, inner);
                address
            }
            (Sign::Silent, Sign::Tells(mac)) => mac,
        };
        Sensed::told(direction)
    }

    /// Learn the ENI's MAC from a packet that went in `direction` by its addresses.
    fn learn(&mut self, direction: Direction, inner: &Inner) {
        let named = match direction {
            Direction::Ingress => inner.destination,
            Direction::Egress => inner.source,
        };
        if named.is_multicast() || inner.source == inner.destination {
            return;
        }
        self.learnt = match self.learnt {
            Learnt::Nothing => Learnt::OneSided(direction, named),
            Learnt::OneSided(_, mac) | Learnt::Agreed(mac) if mac != named => Learnt::Never,
            Learnt::OneSided(before, mac) if before != direction => Learnt::Agreed(mac),
            settled => settled,
        };
    }
}

#[cfg(test)]
mod tests;
