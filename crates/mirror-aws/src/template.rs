//! The resources of a CloudFormation template, once [`cloudformation`](crate::cloudformation) has
//! evaluated them.

use crate::at::At;
use crate::cloudformation::{self, Kind};
use crate::params::Parameters;
use crate::raw::{Label, Reader};

/// Read all resources of the template.
pub(crate) fn read(root: &At<'_>, params: &Parameters, reader: &mut Reader<'_>) {
    for resource in cloudformation::resources(root, params, reader.problems) {
        let at = At::made(&resource.place, &resource.properties);
        let name = resource.logical_id.as_str();
        let label = Some(Label { key: name, name, id: resource.id.as_deref() });
        match resource.kind {
            Kind::Session if !resource.perhaps.is_empty() => {
                reader.raw.perhaps.extend(resource.perhaps);
                continue;
            }
            _ => reader.problems.put_back(resource.perhaps),
        }
        match resource.kind {
            Kind::Filter => reader.filter(&at, label),
            Kind::Rule => reader.rule(&at, label),
            Kind::Session => reader.session(&at, label),
            Kind::Target => reader.target(&at, label),
            Kind::NetworkInterface => reader.network_interface(&at, label),
        }
    }
}
