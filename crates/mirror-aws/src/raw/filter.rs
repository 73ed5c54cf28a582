//! Filters and rules. Whatever a rule can't mean is an error: read as something wider it would
//! claim packets that were never mirrored.

use mirror_filter::{Action, Cidr, PortRange, Rule};
use mirror_wire::Direction;

use super::{Dialect, Key, Label, PORTS, RULE, RawFilter, RawRule, Reader};
use crate::at::At;
use crate::node::NodeKind;
use crate::problem::{Mistake, Problem, Shown};

/// The lists of rules that the API has in a filter.
const LISTS: [(&str, Direction); 2] =
    [("IngressFilterRules", Direction::Ingress), ("EgressFilterRules", Direction::Egress)];

impl Reader<'_> {
    /// A filter; of the API, with the rules in it.
    pub(crate) fn filter(&mut self, at: &At<'_>, label: Option<Label<'_>>) {
        let own = ["TrafficMirrorFilterId", "Description", "NetworkServices", "Tags"];
        // What it is called others refer to, whatever it says.
        if !at.map(self.problems) && self.dialect == Dialect::Api {
            return;
        }
        let known = match self.dialect {
            Dialect::Api => [&own[..], &LISTS.map(|(list, _)| list)].concat(),
            Dialect::Template | Dialect::Terraform => own.into_iter().skip(1).collect(),
        };
        self.check_fields(at, "filter", &known);
        let names = self.names(at, "TrafficMirrorFilterId", label);
        let amazon_dns = self.amazon_dns(at);
        let blanks = self.problems.take_blanks();
        let mut rules_missing = false;
        if self.dialect == Dialect::Api {
            let key = names.as_ref().and_then(|names| names.id.clone()).map(Key::Id);
            for (list, direction) in LISTS {
                rules_missing |= at.member(list).is_none();
                let Some(rules) = at.get(list) else { continue };
                for rule in rules.list(self.problems) {
                    self.rule_of(&rule, None, Some((direction, key.as_ref())));
                }
            }
        }
        let names = names.unwrap_or_default();
        let keys = self.keys(names.id.as_ref(), label);
        // Damaged, and nobody can mean it.
        if keys.is_empty() {
            return;
        }
        let (place, label) = (at.place(), label.map(|label| label.key.to_owned()));
        let raw = RawFilter { keys, names, amazon_dns, rules_missing, place, label, blanks };
        self.raw.filters.push(raw);
    }

    /// Whether Amazon DNS is mirrored. It is the only network service that there is.
    fn amazon_dns(&mut self, at: &At<'_>) -> bool {
        let Some(services) = self.get(at, "NetworkServices") else { return false };
        let mut amazon_dns = false;
        for service in services.list(self.problems) {
            amazon_dns |= service.one_of(&[("amazon-dns", true)], self.problems).is_some();
        }
        amazon_dns
    }

    /// A rule that stands alone and names its filter.
    pub(crate) fn rule(&mut self, at: &At<'_>, label: Option<Label<'_>>) {
        self.rule_of(at, label, None);
    }

    /// A rule; if it stands in a filter's list, of that direction and filter.
    fn rule_of(
        &mut self,
        at: &At<'_>,
        label: Option<Label<'_>>,
        list: Option<(Direction, Option<&Key>)>,
    ) {
        let (filter, rule) = self.filter_and_rule(at, label, list).unwrap_or_default();
        let blanks = self.problems.take_blanks();
        // Damaged, unless something can't be known.
        if (filter.is_some() && rule.is_some()) || !blanks.is_empty() {
            self.raw.rules.push(RawRule { filter, rule, place: at.place(), blanks });
        }
    }

    /// What can be read of a rule, and of which filter it is.
    fn filter_and_rule(
        &mut self,
        at: &At<'_>,
        label: Option<Label<'_>>,
        list: Option<(Direction, Option<&Key>)>,
    ) -> Option<(Option<Key>, Option<Rule>)> {
        let own = [
            "TrafficMirrorFilterRuleId",
            "TrafficMirrorFilterId",
            "TrafficDirection",
            "RuleNumber",
            "RuleAction",
            "Protocol",
            "SourceCidrBlock",
            "DestinationCidrBlock",
            "SourcePortRange",
            "DestinationPortRange",
            "Description",
            "Tags",
        ];
        if !at.map(self.problems) {
            return None;
        }
        let from = usize::from(self.dialect != Dialect::Api);
        self.check_fields(at, RULE, own.get(from..).unwrap_or_default());

        // With the id that AWS gave it: then AWS took it, whatever it says.
        let is_shown =
            self.dialect == Dialect::Api && self.get(at, "TrafficMirrorFilterRuleId").is_some();
        // Each field is read whatever became of the one before, so that all are reported.
        let filter = self.rule_filter(at, list);
        let direction = self.direction(at, list.map(|(direction, _)| direction));
        let number = self.require(at, "RuleNumber").and_then(|field| {
            u32::try_from(field.integer(0..=i64::from(i32::MAX), self.problems)?).ok()
        });
        let action = self.require(at, "RuleAction").and_then(|field| {
            let words = [("accept", Action::Accept), ("reject", Action::Reject)];
            field.one_of(&words, self.problems)
        });
        let protocol = self.protocol(at);
        let ranges = self.cidrs(at, is_shown);
        let source_ports = self.ports(at, "SourcePortRange", protocol, is_shown);
        let destination_ports = self.ports(at, "DestinationPortRange", protocol, is_shown);
        let description = self.description(at);
        let id = match self.dialect {
            Dialect::Api => self
                .get(at, "TrafficMirrorFilterRuleId")
                .and_then(|field| field.string(self.problems)),
            Dialect::Template => label.and_then(|label| label.id).map(str::to_owned),
            Dialect::Terraform => at
                .get("id")
                .filter(|id| !matches!(id.node().kind, NodeKind::Unresolved { .. }))
                .and_then(|field| field.string(self.problems)),
        };
        let rule = || {
            let (source, destination) = ranges?;
            Some(Rule {
                direction: direction?,
                number: number?,
                action: action?,
                protocol: protocol?,
                source,
                destination,
                source_ports: source_ports?,
                destination_ports: destination_ports?,
                description,
                id,
            })
        };
        Some((filter, rule()))
    }

    /// The filter that a rule is of.
    fn rule_filter(&mut self, at: &At<'_>, list: Option<(Direction, Option<&Key>)>) -> Option<Key> {
        let Some((_, around)) = list else {
            let field = self.require(at, "TrafficMirrorFilterId")?;
            return self.key(&field);
        };
        if let (Some(field), Some(Key::Id(around))) =
            (self.get(at, "TrafficMirrorFilterId"), around)
            && field.string(self.problems).is_some_and(|id| id != *around)
        {
            let expected = format!("{}, the filter that the rule stands in", Shown(around));
            field.wrong(&expected, self.problems);
        }
        around.cloned()
    }

    fn direction(&mut self, at: &At<'_>, list: Option<Direction>) -> Option<Direction> {
        let field = self.require(at, "TrafficDirection")?;
        let words = [Direction::Ingress, Direction::Egress].map(|one| (one.as_str(), one));
        let direction = field.one_of(&words, self.problems)?;
        match list {
            Some(list) if list != direction => {
                field.wrong(&format!("{list}, as the list that the rule stands in"), self.problems);
                None
            }
            _ => Some(direction),
        }
    }

    /// The protocol: `Some(None)` for all, nothing if that isn't known.
    #[expect(clippy::option_option, reason = "an error is something else than all protocols")]
    fn protocol(&mut self, at: &At<'_>) -> Option<Option<u8>> {
        let Some(field) = self.get(at, "Protocol") else { return Some(None) };
        let number = field.integer(-1..=255, self.problems)?;
        match (number, self.dialect) {
            // The provider sends nothing for 0, and writes 0 for nothing.
            (0, Dialect::Terraform) => return Some(None),
            (-1 | 0, _) => {
                let message = format!("found protocol {number}, read as all protocols");
                field.warning(message, self.problems);
                return Some(None);
            }
            _ => {}
        }
        u8::try_from(number).ok().map(Some)
    }

    /// Source and destination, of one family unless AWS took others: no packet matches them.
    fn cidrs(&mut self, at: &At<'_>, is_shown: bool) -> Option<(Cidr, Cidr)> {
        let [source, destination] = ["SourceCidrBlock", "DestinationCidrBlock"]
            .map(|name| self.require(at, name).and_then(|field| field.cidr(self.problems)));
        let (source, destination) = (source?, destination?);
        //= https://docs.aws.amazon.com/vpc/latest/mirroring/traffic-mirroring-filters.html
        //# must both be an IPv4 range or an IPv6 range
        if !is_shown && source.address().is_ipv4() != destination.address().is_ipv4() {
            self.problems.mistaken(
                Mistake::FamilyMismatch,
                at.place(),
                format!("source {source} and destination {destination}"),
                "two IPv4 or two IPv6 ranges",
            );
            return None;
        }
        Some((source, destination))
    }

    /// A range of ports: `Some(None)` for any, nothing if that isn't known.
    #[expect(clippy::option_option, reason = "an error is something else than any port")]
    fn ports(
        &mut self,
        at: &At<'_>,
        name: &'static str,
        protocol: Option<Option<u8>>,
        is_shown: bool,
    ) -> Option<Option<PortRange>> {
        let Some(field) = self.get(at, name) else { return Some(None) };
        let range = match self.dialect {
            Dialect::Api | Dialect::Template => field,
            // A block: a list of none or one.
            Dialect::Terraform => {
                let mut blocks = field.list(self.problems);
                match (blocks.next(), blocks.next()) {
                    (Some(block), None) => block,
                    (None, _) => {
                        let is_list = matches!(field.node().kind, NodeKind::List(_));
                        return is_list.then_some(None);
                    }
                    (Some(_), Some(_)) => {
                        self.problems.found(field.place(), "several blocks", "one");
                        return None;
                    }
                }
            }
        };
        if !range.map(self.problems) {
            return None;
        }
        self.check_fields(&range, PORTS, &["FromPort", "ToPort"]);
        let [from, to] = ["FromPort", "ToPort"].map(|name| {
            let port = self.require(&range, name)?.integer(0..=65_535, self.problems)?;
            u16::try_from(port).ok()
        });
        let (from, to) = (from?, to?);
        let Some(ports) = PortRange::new(from, to) else {
            let expected = match (self.dialect, to) {
                (Dialect::Terraform, 0) => {
                    "both ports; Terraform sends one that is not set as 0".into()
                }
                _ => format!("{to}-{from}"),
            };
            let found = format!("ports {from}-{to}");
            self.problems.mistaken(Mistake::Unmatchable, range.place(), found, &expected);
            return None;
        };
        //= https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTrafficMirrorFilterRule.html
        //# applies to the TCP and UDP protocols
        if let Some(protocol) = protocol
            && !matches!(protocol, Some(6 | 17))
        {
            let expected = "protocol 6 (TCP) or 17 (UDP), which alone have ports";
            match protocol {
                None if is_shown => {
                    let message = format!("found ports with all protocols, expected {expected}");
                    let problem = Problem::warning(range.place(), message);
                    self.problems.push(problem.being(Mistake::PortsWithoutProtocol));
                }
                // No packet matches it, and that is found without us.
                Some(_) if is_shown => {}
                _ => {
                    let mistake = match protocol {
                        None => Mistake::PortsWithoutProtocol,
                        Some(_) => Mistake::Unmatchable,
                    };
                    let all = || "all protocols".into();
                    let protocol = protocol.map_or_else(all, |n| format!("protocol {n}"));
                    let found = format!("ports with {protocol}");
                    self.problems.mistaken(mistake, range.place(), found, expected);
                    return None;
                }
            }
        }
        Some(Some(ports))
    }
}
