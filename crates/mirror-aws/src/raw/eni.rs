//! Network interfaces: the addresses and the MAC by which a packet's direction is told.

use std::net::IpAddr;

use mirror_session::{Eni, Prefix};

use super::{Dialect, Label, Names, RawEni, Reader};
use crate::at::At;
use crate::node::NodeKind;

/// How many addresses or prefixes of one field are read. AWS gives an interface at most a hundred of
/// all together.
pub(crate) const MAX_ADDRESSES: usize = 512;

/// The primary address, and the lists of addresses and prefixes with the field in which their
/// elements have it.
const ADDRESSES: [(&str, &str); 2] =
    [("PrivateIpAddresses", "PrivateIpAddress"), ("Ipv6Addresses", "Ipv6Address")];
const PREFIXES: [(&str, &str); 2] =
    [("Ipv4Prefixes", "Ipv4Prefix"), ("Ipv6Prefixes", "Ipv6Prefix")];

impl Reader<'_> {
    /// A network interface of the API or of a template.
    pub(crate) fn network_interface(&mut self, at: &At<'_>, label: Option<Label<'_>>) {
        // What it is called others refer to, whatever it says.
        if !at.map(self.problems) && self.dialect == Dialect::Api {
            return;
        }
        if self.dialect == Dialect::Template {
            for (_, field) in at.entries().filter(|(_, field)| field.node().kind == NodeKind::Null)
            {
                field.wrong("a value; CloudFormation refuses null", self.problems);
            }
        }
        let names = self.names(at, "NetworkInterfaceId", label).unwrap_or_default();
        let mac = match self.dialect {
            Dialect::Api => self.require(at, "MacAddress"),
            Dialect::Template | Dialect::Terraform => None,
        };
        let mac = mac.and_then(|field| field.mac(self.problems));

        let mut addresses = Vec::new();
        let primary = self.get(at, "PrivateIpAddress");
        addresses.extend(primary.and_then(|field| field.address(self.problems)));
        let said = addresses.first().copied();
        let mut has_primary = said.is_some_and(|said| said.is_ipv4());
        for (list, member) in ADDRESSES {
            for (element, field) in self.members(at, list, member) {
                let Some(address) = field.address(self.problems) else { continue };
                let primary = ["Primary", "IsPrimaryIpv6"].iter().any(|name| {
                    let says = element.get(name);
                    says.and_then(|says| says.boolean(self.problems)) == Some(true)
                });
                has_primary |= primary && address.is_ipv4();
                if let Some(said) = said
                    && primary
                    && said != address
                    && said.is_ipv4() == address.is_ipv4()
                {
                    let expected =
                        format!("{said}, which PrivateIpAddress says is the primary one");
                    field.wrong(&expected, self.problems);
                }
                // The first of its family is the primary one.
                match addresses.iter().position(|one: &IpAddr| one.is_ipv4() == address.is_ipv4()) {
                    _ if addresses.contains(&address) => {}
                    Some(first) if primary => addresses.insert(first, address),
                    _ => addresses.push(address),
                }
            }
        }
        let mut blanks = self.problems.take_blanks();
        // Packets are found by the primary address. One that is known stays known, and nothing is
        // known of the other family.
        if !blanks.is_empty() {
            addresses.retain(|address| has_primary && address.is_ipv4());
        }
        let mut prefixes = Vec::new();
        for (list, member) in PREFIXES {
            for (_, field) in self.members(at, list, member) {
                let prefix = self.prefix(&field).filter(|prefix| !prefixes.contains(prefix));
                prefixes.extend(prefix);
            }
        }
        blanks.extend(self.problems.take_blanks());
        let keys = self.keys(names.id.as_ref(), label);
        let Names { id, name, description } = names;
        let eni = Eni { id, name, description, mac, addresses, prefixes };
        self.keep(RawEni { keys, eni, place: at.place(), blanks });
    }

    /// An `aws_network_interface` of Terraform.
    pub(crate) fn terraform_interface(&mut self, at: &At<'_>, label: Label<'_>) {
        let names = self.names(at, "id", Some(label)).unwrap_or_default();
        let mac = at.get("mac_address").filter(is_known).and_then(|field| field.mac(self.problems));
        // `private_ips` is a set: its order tells nothing.
        let names_of_lists =
            ["private_ip", "private_ip_list", "private_ips", "ipv6_address_list", "ipv6_addresses"];
        let addresses = self.terraform_addresses(at, &names_of_lists);
        let mut prefixes = Vec::new();
        for list in ["ipv4_prefixes", "ipv6_prefixes"] {
            let Some(list) = at.get(list).filter(is_known) else { continue };
            if !self.is_short(&list) {
                continue;
            }
            for field in list.list(self.problems) {
                prefixes.extend(self.prefix(&field));
            }
        }
        let keys = self.keys(names.id.as_ref(), Some(label));
        let Names { id, name, description } = names;
        let eni = Eni { id, name, description, mac, addresses, prefixes };
        let blanks = self.problems.take_blanks();
        self.keep(RawEni { keys, eni, place: at.place(), blanks });
    }

    /// The first network interface of an `aws_instance` of Terraform. Its name is left to the
    /// interface.
    pub(crate) fn terraform_instance(&mut self, at: &At<'_>, label: Label<'_>) {
        let id = at.get("primary_network_interface_id").filter(is_known);
        let id = id.and_then(|field| field.string(self.problems));
        let names_of_lists = ["private_ip", "secondary_private_ips", "ipv6_addresses"];
        let addresses = self.terraform_addresses(at, &names_of_lists);
        let keys = self.keys(id.as_ref(), Some(label));
        let eni = Eni { id, addresses, ..Eni::default() };
        let blanks = self.problems.take_blanks();
        self.keep(RawEni { keys, eni, place: at.place(), blanks });
    }

    /// Add an interface, unless it is damaged so that nobody can mean it.
    fn keep(&mut self, raw: RawEni) {
        if !raw.keys.is_empty() {
            self.raw.enis.push(raw);
        }
    }

    /// The addresses of some fields, each a text or a list of texts.
    fn terraform_addresses(&mut self, at: &At<'_>, names: &[&str]) -> Vec<IpAddr> {
        let mut addresses = Vec::new();
        for name in names {
            let Some(field) = at.get(name).filter(is_known) else { continue };
            if !self.is_short(&field) {
                continue;
            }
            let fields = match field.node().kind {
                NodeKind::List(_) => field.items().collect(),
                _ => vec![field],
            };
            for field in fields {
                if field.node().as_str() == Some("") {
                    continue;
                }
                if let Some(address) = field.address(self.problems)
                    && !addresses.contains(&address)
                {
                    addresses.push(address);
                }
            }
        }
        addresses
    }

    /// The elements of a list that is there, with one of their fields.
    fn members<'n>(
        &mut self,
        at: &At<'n>,
        list: &'static str,
        member: &'static str,
    ) -> Vec<(At<'n>, At<'n>)> {
        let Some(list) = at.get(list).filter(is_known) else { return Vec::new() };
        if !self.is_short(&list) {
            return Vec::new();
        }
        list.list(self.problems)
            .filter(is_known)
            .filter_map(|element| {
                element.require(member, self.problems).map(|field| (element, field))
            })
            .collect()
    }

    /// Whether a list isn't longer than it can be; an error if it is.
    fn is_short(&mut self, list: &At<'_>) -> bool {
        let count = list.node().items().len();
        if count > MAX_ADDRESSES {
            let message = format!("found a list of {count}, expected at most {MAX_ADDRESSES}");
            list.error(message, self.problems);
        }
        count <= MAX_ADDRESSES
    }

    fn prefix(&mut self, at: &At<'_>) -> Option<Prefix> {
        let text = at.string(self.problems)?;
        match text.parse() {
            Ok(prefix) => Some(prefix),
            Err(error) => {
                let message = format!("found {}: {error}", crate::problem::Shown(&text));
                at.error(message, self.problems);
                None
            }
        }
    }
}

/// Whether a value isn't left to the deployment.
fn is_known(at: &At<'_>) -> bool {
    !matches!(at.node().kind, NodeKind::Unresolved { param: None, .. })
}
