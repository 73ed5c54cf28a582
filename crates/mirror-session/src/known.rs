//! A mirror session with its names: all that documents say of it.
//!
//! Documents differ in what they know. `describe-traffic-mirror-sessions` has ids and no addresses,
//! a template has names and no ids, and the owner of a shared target sees sessions whose ENI and
//! filter are another account's. So each part may be missing, and a part that is only referred to
//! has an id and nothing else.

use mirror_wire::{Endpoint, Vni};

use crate::{Annotation, Eni};

/// A mirror session as documents describe it. What they don't say is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct KnownSession {
    /// `tms-…`; a session of a template has none.
    pub id: Option<String>,
    /// Its tag `Name`, or its place in a template.
    pub name: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// The session number: the lowest of an ENI's sessions is asked first.
    pub number: Option<u16>,
    /// The VXLAN network identifier. Without it no packet can be told to be of this session.
    pub vni: Option<Vni>,
    /// The bytes that it mirrors of each packet, counted from the inner Ethernet header on.
    pub packet_length: Option<u32>,
    /// Where its packets come from.
    pub eni: Option<Eni>,
    /// Where it sends them.
    pub target: Option<Target>,
    /// What it selects.
    pub filter: Option<FilterName>,
}

/// A mirror target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Target {
    /// `tmt-…`.
    pub id: Option<String>,
    /// Its tag `Name`, or its place in a template.
    pub name: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// What stands behind it.
    pub kind: Option<TargetKind>,
}

/// What a mirror target is, by the name that AWS has for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TargetKind {
    /// The id of a network interface, `eni-…`.
    NetworkInterface(String),
    /// The ARN of a Network Load Balancer.
    NetworkLoadBalancer(String),
    /// The id of a Gateway Load Balancer endpoint, `vpce-…`.
    GatewayLoadBalancerEndpoint(String),
}

/// A mirror filter by its names; what its rules are is no matter of sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FilterName {
    /// `tmf-…`.
    pub id: Option<String>,
    /// Its tag `Name`, or its place in a template.
    pub name: Option<String>,
    /// Its description.
    pub description: Option<String>,
}

impl KnownSession {
    /// Put into an annotation what is known of its session. What isn't stays as it is there.
    pub fn annotate(&self, annotation: &mut Annotation) {
        fn put<T: Clone>(known: Option<&T>, field: &mut Option<T>) {
            if known.is_some() {
                *field = known.cloned();
            }
        }
        put(self.id.as_ref(), &mut annotation.session);
        put(self.name.as_ref(), &mut annotation.name);
        put(self.number.as_ref(), &mut annotation.number);
        put(self.eni.as_ref().and_then(|eni| eni.id.as_ref()), &mut annotation.eni);
        put(self.target.as_ref().and_then(|target| target.id.as_ref()), &mut annotation.target);
        put(self.filter.as_ref().and_then(|filter| filter.id.as_ref()), &mut annotation.filter);
    }

    /// The lengths in bytes, without repetition, that frames of this session may have been cut to;
    /// for [`CutSense::observe`](crate::CutSense::observe).
    ///
    //= https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTrafficMirrorSession.html
    //# These are bytes after the VXLAN header.
    /// A PacketLength is one of them, and so is the limit of the target where AWS names one. A
    /// limit above the PacketLength cuts nothing. A target that is a network interface cuts at its
    /// MTU, which no document has.
    pub fn cuts(&self) -> Vec<u32> {
        let of_target: &[u32] = match self.target.as_ref().and_then(|target| target.kind.as_ref()) {
            //= https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTrafficMirrorSession.html
            //# For sessions with Network Load Balancer (NLB) Traffic Mirror targets the default
            //# PacketLength will be set to 8500.
            Some(TargetKind::NetworkLoadBalancer(_)) => &[8_500],
            // The endpoint's MTU is 8500, and the mirror takes 54 bytes of it over IPv4, 74 over
            // IPv6: docs.aws.amazon.com/vpc/latest/mirroring/traffic-mirroring-network-limitations.html
            Some(TargetKind::GatewayLoadBalancerEndpoint(_)) => &[8_446, 8_426],
            Some(TargetKind::NetworkInterface(_)) | None => &[],
        };
        let limit = self.packet_length.unwrap_or(u32::MAX);
        let below = of_target.iter().copied().filter(|&cut| cut < limit);
        self.packet_length.into_iter().chain(below).collect()
    }

    /// The Gateway Load Balancer endpoint that its packets come through, if that is its target and
    /// the id is one.
    pub(crate) fn endpoint(&self) -> Option<Endpoint> {
        match self.target.as_ref()?.kind.as_ref()? {
            TargetKind::GatewayLoadBalancerEndpoint(id) => id.parse().ok(),
            TargetKind::NetworkInterface(_) | TargetKind::NetworkLoadBalancer(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDPOINT: &str = "vpce-0a1b2c3d4e5f60718";

    fn to(kind: Option<TargetKind>, packet_length: Option<u32>) -> KnownSession {
        let target = Some(Target { kind, ..Target::default() });
        KnownSession { target, packet_length, ..KnownSession::default() }
    }

    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn an_annotation_gets_all_that_is_known_and_keeps_the_rest() {
        let key = "vpcmirror: vni=7 source=10.0.1.15 name=before endpoint=vpce-0000000a";
        let mut annotation = Annotation::parse(key.as_bytes()).unwrap();
        let nothing = KnownSession::default();
        nothing.annotate(&mut annotation);
        assert_eq!(annotation.to_string(), key);

        let session = KnownSession {
            id: text("tms-0a"),
            name: text("web 1"),
            number: Some(3),
            vni: Vni::new(9),
            eni: Some(Eni { id: text("eni-0c"), name: text("not this"), ..Eni::default() }),
            target: Some(Target { id: text("tmt-0e"), ..Target::default() }),
            filter: Some(FilterName { id: text("tmf-0f"), ..FilterName::default() }),
            ..KnownSession::default()
        };
        session.annotate(&mut annotation);
        assert_eq!(
            annotation.to_string(),
            "vpcmirror: vni=7 source=10.0.1.15 session=tms-0a name=\"web 1\" number=3 eni=eni-0c \
             target=tmt-0e filter=tmf-0f endpoint=vpce-0000000a"
        );
    }

    #[test]
    fn frames_are_cut_at_the_packet_length_and_where_the_target_does() {
        let interface = || Some(TargetKind::NetworkInterface("eni-1".to_owned()));
        let network = || Some(TargetKind::NetworkLoadBalancer("arn:aws:…".to_owned()));
        let gateway = || Some(TargetKind::GatewayLoadBalancerEndpoint(ENDPOINT.to_owned()));
        for (kind, packet_length, cuts) in [
            (None, None, &[][..]),
            (None, Some(100), &[100]),
            (interface(), None, &[]),
            (interface(), Some(100), &[100]),
            (network(), None, &[8_500]),
            (network(), Some(100), &[100]),
            (network(), Some(8_500), &[8_500]),
            (gateway(), None, &[8_446, 8_426]),
            (gateway(), Some(100), &[100]),
            (gateway(), Some(8_426), &[8_426]),
            (gateway(), Some(8_430), &[8_430, 8_426]),
            (gateway(), Some(8_446), &[8_446, 8_426]),
            (gateway(), Some(8_500), &[8_500, 8_446, 8_426]),
        ] {
            let session = to(kind, packet_length);
            assert_eq!(session.cuts(), cuts, "{session:?}");
        }
        assert!(KnownSession::default().cuts().is_empty());
    }

    #[test]
    fn only_the_id_of_a_gateway_load_balancer_endpoint_is_one() {
        let endpoint = |kind: fn(String) -> TargetKind, id: &str| {
            to(Some(kind(id.to_owned())), None).endpoint()
        };
        let gateway = TargetKind::GatewayLoadBalancerEndpoint;
        assert_eq!(endpoint(gateway, ENDPOINT), ENDPOINT.parse().ok());
        assert_eq!(endpoint(gateway, "MyEndpoint"), None);
        assert_eq!(endpoint(TargetKind::NetworkInterface, ENDPOINT), None);
        assert_eq!(endpoint(TargetKind::NetworkLoadBalancer, ENDPOINT), None);
    }
}
