//! The inventory for scripts: `mirror-pcap/inventory/1`, field by field in docs/json.md.

use std::collections::BTreeMap;

use mirror_session::KnownSession;
use serde::Serialize;

use super::{
    cuts::Cause,
    duplicates::Tally,
    inventory::{InputTotal, Inventory, Listed, Packets},
    times::Moment,
};
use crate::{damage::Place, failure::Failure, json};

pub(super) fn text(inventory: &Inventory<'_>) -> Result<String, Failure> {
    let duplicates = inventory.duplicates();
    let Packets { read, wrapped, stripped, other, damaged } = inventory.packets();
    let sessions = inventory.sessions();
    let json = Json {
        schema: "mirror-pcap/inventory/1",
        inputs: inventory.inputs().iter().map(JsonInput::new).collect(),
        packets: JsonPackets { read, wrapped, stripped, other, damaged },
        sessions: sessions.iter().map(JsonSession::new).collect(),
        duplicates: JsonDuplicates {
            packets: duplicates.tally().packets,
            forwarded: duplicates.tally().forwarded,
            pairs: duplicates
                .pairs()
                .into_iter()
                .map(|((a, b), Tally { packets, forwarded })| JsonPair {
                    sessions: [a.index(), b.index()],
                    packets,
                    forwarded,
                })
                .collect(),
            others: duplicates.others(),
            unwrapped: duplicates
                .unwrapped()
                .into_iter()
                .map(|(session, packets)| JsonUnwrapped { session: session.index(), packets })
                .collect(),
        },
        reasons: inventory
            .other()
            .into_iter()
            .map(|one| (one.reason.0, JsonOther { packets: one.packets, bytes: one.bytes }))
            .collect(),
        ports: inventory
            .hints()
            .ports()
            .iter()
            .map(|(port, packets)| JsonPort { port: *port, packets: *packets })
            .collect(),
        missing: inventory.missing().into_iter().map(JsonMissing::new).collect(),
    };
    json::document(&json)
}

#[derive(Serialize)]
struct Json<'a> {
    schema: &'static str,
    inputs: Vec<JsonInput<'a>>,
    packets: JsonPackets,
    sessions: Vec<JsonSession<'a>>,
    duplicates: JsonDuplicates,
    reasons: BTreeMap<&'static str, JsonOther>,
    ports: Vec<JsonPort>,
    missing: Vec<JsonMissing<'a>>,
}

#[derive(Serialize)]
struct JsonInput<'a> {
    name: &'a str,
    packets: u64,
    damage: &'a [Place],
    damages: u64,
}

impl<'a> JsonInput<'a> {
    fn new(input: &'a InputTotal) -> JsonInput<'a> {
        JsonInput {
            name: &input.name,
            packets: input.read,
            damage: input.damage.first(),
            damages: input.damage.total(),
        }
    }
}

#[derive(Serialize)]
struct JsonPackets {
    read: u64,
    wrapped: u64,
    stripped: u64,
    other: u64,
    damaged: u64,
}

#[derive(Serialize)]
struct JsonSession<'a> {
    endpoint: Option<String>,
    source: String,
    vni: u32,
    session: Option<&'a str>,
    name: Option<&'a str>,
    known: Option<bool>,
    packets: u64,
    wrapped: u64,
    stripped: u64,
    bytes: u64,
    rate: Option<u64>,
    first: Option<String>,
    last: Option<String>,
    ingress: u64,
    egress: u64,
    unknown: u64,
    cut: u64,
    cut_lengths: Vec<JsonCut>,
}

impl<'a> JsonSession<'a> {
    fn new(one: &Listed<'a>) -> JsonSession<'a> {
        let [ingress, egress, unknown] = one.directions();
        let (wrapped, stripped) = one.forms();
        JsonSession {
            endpoint: one.key.endpoint.map(|endpoint| endpoint.to_string()),
            source: one.key.source.to_string(),
            vni: one.key.vni.get(),
            session: one.id(),
            name: one.name(),
            known: one.is_known(),
            packets: one.packets(),
            wrapped,
            stripped,
            bytes: one.bytes(),
            rate: one.rate(),
            first: one.span().first().map(Moment::text),
            last: one.span().last().map(Moment::text),
            ingress,
            egress,
            unknown,
            cut: one.cut(),
            cut_lengths: one
                .cuts()
                .into_iter()
                .map(|(length, packets, cause)| JsonCut {
                    length,
                    packets,
                    cause: cause.map(Cause::word),
                    told: cause.map(|cause| cause.is_told),
                })
                .collect(),
        }
    }
}

#[derive(Serialize)]
struct JsonCut {
    length: Option<u32>,
    packets: u64,
    cause: Option<&'static str>,
    told: Option<bool>,
}

#[derive(Serialize)]
struct JsonDuplicates {
    packets: u64,
    forwarded: u64,
    pairs: Vec<JsonPair>,
    others: u64,
    unwrapped: Vec<JsonUnwrapped>,
}

#[derive(Serialize)]
struct JsonPair {
    sessions: [usize; 2],
    packets: u64,
    forwarded: u64,
}

#[derive(Serialize)]
struct JsonUnwrapped {
    session: usize,
    packets: u64,
}

#[derive(Serialize)]
struct JsonOther {
    packets: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct JsonPort {
    port: u16,
    packets: u64,
}

#[derive(Serialize)]
struct JsonMissing<'a> {
    source: Option<String>,
    vni: Option<u32>,
    session: Option<&'a str>,
    name: Option<&'a str>,
}

impl<'a> JsonMissing<'a> {
    fn new(known: &'a KnownSession) -> JsonMissing<'a> {
        let eni = known.eni.as_ref();
        JsonMissing {
            source: eni.and_then(|eni| eni.addresses.first()).map(ToString::to_string),
            vni: known.vni.map(mirror_wire::Vni::get),
            session: known.id.as_deref(),
            name: known.name.as_deref(),
        }
    }
}
