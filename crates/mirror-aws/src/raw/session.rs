//! Sessions and targets, which are kept without what only a deployment can tell.

use mirror_session::TargetKind;
use mirror_wire::Vni;

use super::{Dialect, Key, Label, RawSession, RawTarget, Reader};
use crate::at::At;
use crate::node::NodeKind;
use crate::problem::{Mistake, Problems};
use crate::unresolved::Field;

/// Makes the kind of target from its id.
type Make = fn(String) -> TargetKind;

/// The fields of a target that say what it is, and the word that `Type` has for each.
const KINDS: [(&str, &str, Make); 3] = [
    ("NetworkInterfaceId", "network-interface", TargetKind::NetworkInterface),
    ("NetworkLoadBalancerArn", "network-load-balancer", TargetKind::NetworkLoadBalancer),
    (
        "GatewayLoadBalancerEndpointId",
        "gateway-load-balancer-endpoint",
        TargetKind::GatewayLoadBalancerEndpoint,
    ),
];

impl Reader<'_> {
    /// A session.
    pub(crate) fn session(&mut self, at: &At<'_>, label: Option<Label<'_>>) {
        let own = [
            "TrafficMirrorSessionId",
            "OwnerId",
            "Description",
            "NetworkInterfaceId",
            "PacketLength",
            "SessionNumber",
            "Tags",
            "TrafficMirrorFilterId",
            "TrafficMirrorTargetId",
            "VirtualNetworkId",
        ];
        if !at.map(self.problems) {
            self.raw.perhaps.extend(self.problems.take_blanks());
            return;
        }
        let from = if self.dialect == Dialect::Template { 2 } else { 0 };
        self.check_fields(at, "session", own.get(from..).unwrap_or_default());

        let errors = self.problems.errors();
        let names = self.names(at, "TrafficMirrorSessionId", label).unwrap_or_default();
        let before = self.problems.errors();
        let number = self
            .require(at, "SessionNumber")
            .and_then(|field| u16::try_from(field.integer(1..=32_766, self.problems)?).ok());
        self.problems.since_are(before, Mistake::SessionNumber);
        let mut blanks = Vec::new();
        let mut read = |field, problems: &mut Problems| {
            blanks.extend(problems.take_blanks().into_iter().map(|blank| (field, blank)));
        };
        read(Field::Number, self.problems);
        let vni = self.vni(at);
        read(Field::Vni, self.problems);
        let packet_length = self.packet_length(at);
        read(Field::PacketLength, self.problems);
        let eni = self.named(at, "NetworkInterfaceId");
        read(Field::Interface, self.problems);
        let filter = self.named(at, "TrafficMirrorFilterId");
        read(Field::Filter, self.problems);
        let target = self.named(at, "TrafficMirrorTargetId");
        read(Field::Target, self.problems);
        // Damaged, and nobody can mean it.
        if self.problems.errors() > errors {
            return;
        }
        let place = at.place();
        self.raw.sessions.push(RawSession {
            names,
            number,
            vni,
            packet_length,
            eni,
            filter,
            target,
            place,
            blanks,
        });
    }

    /// The VNI. AWS draws one where a template or plan has none.
    fn vni(&mut self, at: &At<'_>) -> Option<Vni> {
        let field = match self.dialect {
            Dialect::Api => self.require(at, "VirtualNetworkId")?,
            Dialect::Template | Dialect::Terraform => self.get(at, "VirtualNetworkId")?,
        };
        if matches!(field.node().kind, NodeKind::Unresolved { param: None, .. }) {
            return None;
        }
        // Terraform's own check lets 16777216 pass, which has no 24 bits.
        let number = field.integer(1..=0x00ff_ffff, self.problems)?;
        Vni::new(u32::try_from(number).ok()?)
    }

    fn packet_length(&mut self, at: &At<'_>) -> Option<u32> {
        let field = self.get(at, "PacketLength")?;
        let unset = if self.dialect == Dialect::Terraform { 0 } else { 1 };
        let length = field.integer(unset..=8_500, self.problems).filter(|&length| length > 0)?;
        //= https://docs.aws.amazon.com/vpc/latest/mirroring/traffic-mirroring-sessions.html
        //# cannot be less than 35 bytes (for IPv4 traffic) and 55 (for IPv6)
        if length < 55 {
            let floor =
                if length < 35 { "35, the least for IPv4" } else { "55, the least for IPv6" };
            let message = format!("found packet length {length}, which is below {floor}");
            field.warning(message, self.problems);
        }
        u32::try_from(length).ok()
    }

    /// A field that names another resource.
    fn named(&mut self, at: &At<'_>, name: &'static str) -> Option<Key> {
        let field = self.require(at, name)?;
        self.key(&field)
    }

    /// A target.
    pub(crate) fn target(&mut self, at: &At<'_>, label: Option<Label<'_>>) {
        let own = [
            "TrafficMirrorTargetId",
            "OwnerId",
            "Type",
            "Description",
            "NetworkInterfaceId",
            "NetworkLoadBalancerArn",
            "GatewayLoadBalancerEndpointId",
            "Tags",
        ];
        let is_map = at.map(self.problems);
        if is_map {
            let from = if self.dialect == Dialect::Template { 3 } else { 0 };
            self.check_fields(at, "target", own.get(from..).unwrap_or_default());
        }
        let names = is_map.then(|| self.names(at, "TrafficMirrorTargetId", label));
        let names = names.flatten().unwrap_or_default();
        let (kind, eni) = is_map.then(|| self.kind(at)).flatten().unzip();
        let blanks = self.problems.take_blanks();
        let keys = self.keys(names.id.as_ref(), label);
        // Damaged, and nobody can mean it.
        if keys.is_empty() {
            return;
        }
        let eni = eni.flatten();
        self.raw.targets.push(RawTarget { keys, names, kind, eni, place: at.place(), blanks });
    }

    /// What a target is, just one of three fields, and by what an interface is known.
    fn kind(&mut self, at: &At<'_>) -> Option<(TargetKind, Option<Key>)> {
        let told = match self.dialect {
            Dialect::Api => {
                let words = KINDS.map(|(_, word, _)| (word, word));
                let field = self.require(at, "Type")?;
                let word = field.one_of(&words, self.problems)?;
                Some((field, word))
            }
            Dialect::Template | Dialect::Terraform => None,
        };
        let mut given = KINDS.iter().filter_map(|&(name, word, kind)| {
            self.get(at, name).map(|field| (name, word, kind, field))
        });
        let (first, second) = (given.next(), given.next());
        drop(given);
        let names = KINDS.map(|(name, _, _)| self.name(name)).join(", ");
        let (name, word, kind, field) = match (first, second) {
            (Some(first), None) => first,
            (Some((one, ..)), Some((two, ..))) => {
                let found = format!("both {} and {}", self.name(one), self.name(two));
                self.problems.found(at.place(), found, &format!("one of {names}"));
                return None;
            }
            (None, _) => {
                self.problems.found(at.place(), "none", &format!("one of {names}"));
                return None;
            }
        };
        if let Some((told, other)) = told
            && other != word
        {
            told.wrong(&format!("{word}, as the target has {name}"), self.problems);
            return None;
        }
        let key = self.key(&field)?;
        let (Key::Id(text) | Key::Local(_, text)) = &key;
        let kind = kind(text.clone());
        let eni = matches!(kind, TargetKind::NetworkInterface(_)).then_some(key);
        Some((kind, eni))
    }
}
