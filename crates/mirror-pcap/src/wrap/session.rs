//! What the wrapper of a session says, from the options and from the documents.
//!
//! An option holds instead of what the documents say. What neither says is an error that names the
//! option to give: an address made up would look like one that was found.

use std::net::IpAddr;

use anyhow::anyhow;
use mirror_aws::{Estate, Field, FilteredSession, Open};
use mirror_session::{Eni, KnownSession, TargetKind};
use mirror_wire::{Endpoint, Vni, Wrapper};

use crate::{
    cli,
    documents::{demand, titled},
    failure::{Failure, printable},
};

/// Sessions that a complaint lists.
const MAX_LISTED: usize = 10;

/// PacketLength of a session whose target is a Network Load Balancer, where none is set.
//= https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTrafficMirrorSession.html
//# For sessions with Network Load Balancer (NLB) Traffic Mirror targets the default PacketLength
//# will be set to 8500.
const NLB_PACKET_LENGTH: u32 = 8_500;

/// MTU of a Gateway Load Balancer endpoint.
///
/// <https://docs.aws.amazon.com/vpc/latest/mirroring/traffic-mirroring-network-limitations.html>
const ENDPOINT_MTU: u32 = 8_500;

/// What is put around frames, and the most that is mirrored of one.
pub(super) fn wrapper(
    args: &cli::Wrap,
    estate: Option<&Estate>,
) -> Result<(Wrapper, Option<u32>), Failure> {
    let session = match (&args.session, estate) {
        (Some(name), Some(estate)) => Some(find(name, estate.picture.sessions())?),
        _ => None,
    };
    // All else that may be missing has an option that is asked for.
    if let (Some(session), Some(estate), None) = (session, estate, args.packet_length) {
        demand(estate, |open| match open {
            Open::Session(at, Field::PacketLength) => {
                estate.sessions.get(at).is_some_and(|FilteredSession { session: one, .. }| {
                    one.id == session.id && one.name == session.name
                })
            }
            _ => false,
        })?;
    }
    wrapper_of(args, session, estate)
}

/// The same, of a session that was found already.
pub(crate) fn wrapper_of(
    args: &cli::Wrap,
    session: Option<&KnownSession>,
    estate: Option<&Estate>,
) -> Result<(Wrapper, Option<u32>), Failure> {
    let vni = vni(args, session)?;
    let (source, target) = addresses(args, session, estate)?;
    let kind = session.and_then(|session| session.target.as_ref()?.kind.as_ref());

    let mut wrapper = Wrapper::new(source, target, vni)
        .map_err(|error| Failure::usage(anyhow!("--source and --target: {error}")))?;
    let endpoint: Option<Endpoint> = match kind {
        // In a template the endpoint may have no id yet.
        Some(TargetKind::GatewayLoadBalancerEndpoint(id)) => id.parse().ok(),
        _ => None,
    };
    let behind_gateway = matches!(kind, Some(TargetKind::GatewayLoadBalancerEndpoint(_)));
    if args.geneve || behind_gateway {
        wrapper = wrapper.with_geneve(args.endpoint.or(endpoint));
    }

    let default_len =
        matches!(kind, Some(TargetKind::NetworkLoadBalancer(_))).then_some(NLB_PACKET_LENGTH);
    let packet_length =
        args.packet_length.or(session.and_then(|session| session.packet_length)).or(default_len);
    let mtu = args.mtu.or(behind_gateway.then_some(ENDPOINT_MTU));
    let limits = [packet_length, mtu.map(|mtu| wrapper.longest_inner(mtu))];
    Ok((wrapper, limits.into_iter().flatten().min()))
}

/// The session that goes by an id or, if none does, by a name.
fn find<'e>(name: &str, sessions: &'e [KnownSession]) -> Result<&'e KnownSession, Failure> {
    let by = |is: fn(&KnownSession) -> Option<&String>| {
        let fitting = sessions.iter().filter(move |session| is(session).is_some_and(|n| n == name));
        fitting.collect::<Vec<_>>()
    };
    let by_id = by(|session| session.id.as_ref());
    let fitting = if by_id.is_empty() { by(|session| session.name.as_ref()) } else { by_id };
    let shown = printable(name);
    match fitting.as_slice() {
        [session] => Ok(session),
        [] => {
            let known = list(sessions.iter());
            Err(Failure::usage(anyhow!(
                "--session {shown}: not in the documents, which have {known}"
            )))
        }
        several => {
            let known = list(several.iter().copied());
            let count = several.len();
            Err(Failure::usage(anyhow!(
                "--session {shown}: {count} sessions are called so: {known}"
            )))
        }
    }
}

/// What sessions are called.
fn list<'s>(sessions: impl ExactSizeIterator<Item = &'s KnownSession>) -> String {
    let more = sessions.len().saturating_sub(MAX_LISTED);
    let names: Vec<_> = sessions
        .take(MAX_LISTED)
        .map(|session| titled(session.id.as_deref(), session.name.as_deref()))
        .map(|title| title.unwrap_or_else(|| "one without a name".to_owned()))
        .collect();
    match (names.is_empty(), more) {
        (true, _) => "no session".to_owned(),
        (false, 0) => names.join(", "),
        (false, more) => format!("{} and {more} more", names.join(", ")),
    }
}

fn vni(args: &cli::Wrap, session: Option<&KnownSession>) -> Result<Vni, Failure> {
    let vni = args.vni.or(session.and_then(|session| session.vni));
    vni.ok_or_else(|| missing(args, "its VNI is", "vni"))
}

/// The source and the target: the first two that are of one family, IPv4 first.
fn addresses(
    args: &cli::Wrap,
    session: Option<&KnownSession>,
    estate: Option<&Estate>,
) -> Result<(IpAddr, IpAddr), Failure> {
    let eni = session.and_then(|session| session.eni.as_ref());
    let sources = candidates(args.source, eni);
    let targets = candidates(args.target, estate.and_then(|estate| target(session?, &estate.enis)));
    let (Some(source), Some(target)) = (sources.first(), targets.first()) else {
        return Err(match sources.is_empty() {
            true => missing(args, "the address of its source is", "source"),
            false => missing(args, "the address of its target is", "target"),
        });
    };
    let mut pairs = sources.iter().flat_map(|source| targets.iter().map(move |t| (*source, *t)));
    // If there is no such pair, the first two say so.
    Ok(pairs
        .find(|(source, target)| source.is_ipv4() == target.is_ipv4())
        .unwrap_or((*source, *target)))
}

fn candidates(given: Option<IpAddr>, eni: Option<&Eni>) -> Vec<IpAddr> {
    match given {
        Some(address) => vec![address],
        None => eni.into_iter().flat_map(Eni::sources).collect(),
    }
}

/// The interface that is the session's target, if the documents describe it. A load balancer's
/// addresses are in none.
fn target<'e>(session: &KnownSession, enis: &'e [Eni]) -> Option<&'e Eni> {
    let Some(TargetKind::NetworkInterface(id)) = &session.target.as_ref()?.kind else {
        return None;
    };
    enis.iter().find(|eni| eni.id.as_ref() == Some(id))
}

/// Neither the options nor the documents say it.
fn missing(args: &cli::Wrap, what: &str, option: &str) -> Failure {
    let session = printable(args.session.as_deref().unwrap_or_default());
    Failure::usage(anyhow!("--session {session}: {what} in no document; give --{option}"))
}
