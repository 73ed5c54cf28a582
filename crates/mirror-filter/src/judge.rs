//! Whether a mirror would mirror a packet, and why.
//!
//! Rules are most of the answer and not all of it. Some network services are never mirrored or by a
//! switch of their own; an ENI may have several sessions, which are asked in the order of their
//! numbers until one takes the packet; and a packet may lack what would decide. What comes out is a
//! [`Verdict`] with a [`Reason`] and the [`Assumption`]s that it rests on: where AWS's text is
//! silent, the silence is in the answer.
//!
//! Outside of all this are security groups, congestion, and whether the instance can mirror: the
//! rules *select*, and this says what they select.

mod assumption;
mod service;

use std::borrow::Borrow;
use std::fmt;

use mirror_wire::{Direction, Missing, NoFlow, Ports, Seen};

pub use assumption::{Assumption, Assumptions};
pub(crate) use service::Extent;
pub use service::{Service, Services};

use self::service::Concern;
use crate::{Action, Compiled, Decision};

/// What would become of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// The rules, or `amazon-dns`, select it.
    Mirrored,
    /// They don't.
    NotMirrored,
    /// It is of a kind that isn't mirrored whatever they say.
    NeverMirrored,
    /// What would decide isn't known.
    Undecided,
}

impl Verdict {
    /// The stable word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Verdict::Mirrored => "mirrored",
            Verdict::NotMirrored => "not_mirrored",
            Verdict::NeverMirrored => "never_mirrored",
            Verdict::Undecided => "undecided",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why it would.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The first rule that matches says so.
    Rule,
    /// No rule of its direction matches.
    NoRule,
    /// It lacks what a rule asks for, and whatever that is, the rules come to the same.
    RulesAgree,
    /// It is of this service.
    Service(Service),
    /// It is neither IP nor ARP.
    NotIp,
    /// Dropped by a security group or network ACL: inbound before the mirror saw it, outbound perhaps.
    Dropped,
    /// A rule asks for a field that is in another fragment.
    LaterFragment,
    /// A rule asks for what was cut off.
    Cut,
    /// Its headers contradict each other.
    Malformed,
    /// Neither end is the ENI's, or nothing says which is.
    NeitherEndLocal,
    /// Both ends are.
    BothEndsLocal,
    /// What is known of its direction contradicts itself.
    DirectionConflict,
    /// It is of a link type that isn't looked into.
    LinkType,
    /// It came from a mirror session, and which interface that is of isn't known.
    UnknownSession,
    /// Its block in the capture is broken.
    Damaged,
    /// The table that it stands in doesn't say between which addresses it went.
    NoAddresses,
}

impl Reason {
    /// The stable word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Reason::Rule => "rule",
            Reason::NoRule => "no-rule",
            Reason::RulesAgree => "rules-agree",
            Reason::Service(service) => service.as_str(),
            Reason::NotIp => "not-ip",
            Reason::Dropped => "dropped",
            Reason::LaterFragment => "later-fragment",
            Reason::Cut => "cut",
            Reason::Malformed => "malformed",
            Reason::NeitherEndLocal => "neither-end-local",
            Reason::BothEndsLocal => "both-ends-local",
            Reason::DirectionConflict => "direction-conflict",
            Reason::LinkType => "link-type",
            Reason::UnknownSession => "unknown-session",
            Reason::Damaged => "damaged",
            Reason::NoAddresses => "no-addresses",
        }
    }
}

impl From<Missing> for Reason {
    fn from(missing: Missing) -> Reason {
        match missing {
            Missing::Fragment => Reason::LaterFragment,
            Missing::Cut => Reason::Cut,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A verdict and all that belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What would become of the packet.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// The session that decided, by its place: the one that takes the packet; else the first of
    /// which a rule rejects it, or asks for what it lacks.
    pub session: Option<usize>,
    /// That rule, by its index in the filter. `None` where no single rule decides.
    pub rule: Option<usize>,
    /// What the verdict rests on that AWS doesn't document.
    pub assumptions: Assumptions,
}

impl Judgement {
    /// A verdict that needed no session.
    pub fn of(verdict: Verdict, reason: Reason) -> Judgement {
        let assumptions = Assumptions::default();
        Judgement { verdict, reason, session: None, rule: None, assumptions }
    }

    fn assuming(mut self, one: Assumption) -> Judgement {
        self.assumptions.insert(one);
        self
    }

    fn by(mut self, session: usize, rule: Option<usize>) -> Judgement {
        (self.session, self.rule) = (Some(session), rule);
        self
    }
}

/// Why a packet has no direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoDirection {
    /// Neither end is the ENI's, or nothing says which is.
    Neither,
    /// Both ends are.
    Both,
    /// Signs contradict each other.
    Conflict,
}

impl From<NoDirection> for Reason {
    fn from(why: NoDirection) -> Reason {
        match why {
            NoDirection::Neither => Reason::NeitherEndLocal,
            NoDirection::Both => Reason::BothEndsLocal,
            NoDirection::Conflict => Reason::DirectionConflict,
        }
    }
}

/// Judge a packet of an ENI.
///
/// `sessions` are the filters of the ENI's sessions in ascending order of their numbers. `packet` is
/// what was read of it, `direction` how the ENI saw it.
pub fn judge<S: Borrow<Compiled>>(
    services: &Services,
    sessions: &[S],
    packet: Result<&Seen, NoFlow>,
    direction: Result<Direction, NoDirection>,
) -> Judgement {
    let seen = match packet {
        Ok(seen) => seen,
        Err(NoFlow::ARP) => {
            return Judgement::of(Verdict::NeverMirrored, Reason::Service(Service::Arp));
        }
        Err(NoFlow::NotIp { .. }) => {
            return Judgement::of(Verdict::NotMirrored, Reason::NotIp).assuming(Assumption::NotIp);
        }
        Err(NoFlow::Cut) => return Judgement::of(Verdict::Undecided, Reason::Cut),
        Err(NoFlow::Malformed) => return Judgement::of(Verdict::Undecided, Reason::Malformed),
    };
    let concern = services.concern(&seen.flow);
    match concern {
        // Which way it goes makes no difference to a service.
        Concern::Of(service) => of_service(service, sessions),
        Concern::PerhapsDns(missing) => {
            Judgement::of(Verdict::Undecided, missing.into()).assuming(Assumption::AmazonDns)
        }
        Concern::PerhapsUnnamedDns | Concern::None => match direction {
            Ok(direction) => {
                let mut judgement = by_rules(sessions, seen, direction);
                if concern == Concern::PerhapsUnnamedDns {
                    judgement.assumptions.insert(Assumption::NoVpc);
                }
                judgement
            }
            Err(why) => Judgement::of(Verdict::Undecided, why.into()),
        },
    }
}

fn of_service<S: Borrow<Compiled>>(service: Service, sessions: &[S]) -> Judgement {
    let never = Judgement::of(Verdict::NeverMirrored, Reason::Service(service));
    match service {
        Service::Arp | Service::Dhcp => never,
        Service::AmazonTime | Service::InstanceMetadata | Service::WindowsActivation => {
            never.assuming(Assumption::ServiceAddresses)
        }
        Service::AmazonDns => {
            let takes = sessions.iter().position(|session| session.borrow().amazon_dns());
            let judgement = match takes {
                Some(session) => Judgement::of(Verdict::Mirrored, never.reason).by(session, None),
                None => never,
            };
            judgement.assuming(Assumption::AmazonDns)
        }
    }
}

/// Ask the sessions in turn.
//= https://docs.aws.amazon.com/vpc/latest/mirroring/traffic-mirroring-sessions.html
//# The first session with a matching filter is the one that mirrors the packets.
fn by_rules<S: Borrow<Compiled>>(sessions: &[S], seen: &Seen, direction: Direction) -> Judgement {
    // What holds if no later session takes the packet: the first that could not be decided, else
    // the first that rejects.
    let mut open: Option<Judgement> = None;
    let mut rejected: Option<Judgement> = None;
    let mut taken = None;
    for (at, session) in sessions.iter().enumerate() {
        let of = |verdict, reason| Judgement::of(verdict, reason);
        match session.borrow().decide(direction, &seen.flow) {
            Decision::NoRule => {}
            Decision::Rule { rule, action: Action::Reject } => {
                let judgement = of(Verdict::NotMirrored, Reason::Rule).by(at, Some(rule));
                rejected.get_or_insert(judgement);
            }
            Decision::Agreed { action: Action::Reject, .. } => {
                let judgement = of(Verdict::NotMirrored, Reason::RulesAgree).by(at, None);
                rejected.get_or_insert(judgement);
            }
            Decision::Undecided { rule, missing } => {
                let judgement = of(Verdict::Undecided, missing.into()).by(at, Some(rule));
                open.get_or_insert(judgement);
            }
            Decision::Rule { rule, action: Action::Accept } => {
                taken = Some(of(Verdict::Mirrored, Reason::Rule).by(at, Some(rule)));
                break;
            }
            Decision::Agreed { action: Action::Accept, .. } => {
                taken = Some(of(Verdict::Mirrored, Reason::RulesAgree).by(at, None));
                break;
            }
        }
    }
    let mut judgement = match (taken, open, rejected) {
        (Some(taken), None, _) => taken,
        // If not by the earlier session, then by this one.
        (Some(_), Some(_), _) => Judgement::of(Verdict::Mirrored, Reason::RulesAgree),
        (None, Some(open), _) => open,
        (None, None, Some(rejected)) => rejected,
        (None, None, None) => Judgement::of(Verdict::NotMirrored, Reason::NoRule),
    };

    // Only if it made a difference.
    let went_on = match (rejected, taken.or(open)) {
        (Some(rejected), Some(later)) => rejected.session < later.session,
        _ => false,
    };
    let Seen { flow, fragment, extensions, icmp_type } = *seen;
    let is_udp = flow.protocol.is_none_or(|protocol| protocol == 17);
    let is_ndp = flow.protocol == Some(58) && icmp_type.is_some_and(|t| (133..=137).contains(&t));
    for (is, assumption) in [
        (went_on, Assumption::RejectGoesOn),
        (fragment, Assumption::Fragments),
        (extensions, Assumption::Extensions),
        (is_ndp, Assumption::NeighborDiscovery),
        (is_udp && matches!(flow.ports, Ports::Missing(_)), Assumption::PortlessUdp),
    ] {
        if is {
            judgement.assumptions.insert(assumption);
        }
    }
    judgement
}

#[cfg(test)]
mod tests;
