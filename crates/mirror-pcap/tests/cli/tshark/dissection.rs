//! A capture as tshark sees it.
//!
//! What a mirrored frame is, and where it begins and ends, is taken from the places of
//! tshark's own dissection and never from our reading of the headers: the frame begins
//! where tshark finds Ethernet behind VXLAN, and ends where it ends the UDP payload.

use std::{ffi::OsString, net::IpAddr, path::Path};

use serde_json::Value;

use super::tools::Tool;

/// A capture, as far as tshark reads it.
pub(super) struct Dissection {
    pub(super) packets: Vec<Packet>,
    pub(super) code: Option<i32>,
    pub(super) complaint: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Packet {
    pub(super) bytes: Vec<u8>,
    /// On the wire.
    pub(super) length: usize,
    /// Seconds since 1970, with nine decimals; Simple Packet Blocks have none.
    pub(super) time: Option<String>,
    pub(super) section: Option<String>,
    pub(super) interface: Option<String>,
    pub(super) comments: Vec<String>,
    /// Drop count, packet identifier and queue.
    pub(super) numbers: [Option<String>; 3],
    pub(super) flags: Option<String>,
    pub(super) mirrored: Option<Mirrored>,
    /// A custom block, which tshark lists among the packets, and one not to be copied.
    pub(super) is_no_copy: bool,
}

/// The first frame behind VXLAN in a packet.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mirrored {
    /// As far as it was captured.
    pub(super) frame: Vec<u8>,
    /// What the UDP header leaves for it; nothing if that says 0.
    pub(super) length: Option<usize>,
    /// From the Ethernet header to the end of the packet that its IP header promises.
    pub(super) promised: Option<usize>,
    pub(super) vni: u32,
    /// The address of the IP header outside VXLAN.
    pub(super) source: IpAddr,
    pub(super) port: u16,
    /// Of a Gateway Load Balancer, if its GENEVE is around.
    pub(super) endpoint: Option<u64>,
}

/// Read `path` with tshark.
pub(super) fn dissect(tshark: Tool, path: &Path) -> Dissection {
    let mut args: Vec<OsString> = vec!["-n".into(), "-r".into(), path.into()];
    args.extend(
        [
            "-T",
            "json",
            "-x",
            "--no-duplicate-keys",
            // The bytes of every layer are printed in any case; fields only of these.
            "-j",
            "frame frame.interface_id pkt_comment udp",
            // What only several packets together hold is no business of a packet.
            "-o",
            "ip.defragment:FALSE",
            "-o",
            "ipv6.defragment:FALSE",
        ]
        .map(OsString::from),
    );
    let said = tshark.run(args);
    let text = said.text();
    // A file that it can't read at all gets no list.
    let list: Value = if text.trim().is_empty() {
        Value::Array(Vec::new())
    } else {
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let packets = list.as_array().unwrap().iter();
    let packets = packets.map(|packet| Packet::new(&packet["_source"]["layers"]));
    Dissection { packets: packets.collect(), code: said.code, complaint: said.complaint }
}

impl Packet {
    fn new(layers: &Value) -> Packet {
        let frame = &layers["frame"];
        let field = |name: &str| frame[name].as_str().map(str::to_owned);
        // A frame of no bytes has no place either.
        let bytes = first(Layer::all(layers, "frame_raw")).map_or_else(Vec::new, |all| all.bytes);
        let comments = texts(&layers["pkt_comment"]["frame.comment"]);
        let mirrored = Mirrored::find(layers, &bytes);
        Packet {
            length: field("frame.len").unwrap().parse().unwrap(),
            time: field("frame.time_epoch"),
            section: field("frame.section_number"),
            interface: frame["frame.interface_id_tree"]["frame.interface_name"]
                .as_str()
                .map(str::to_owned),
            comments,
            numbers: ["frame.drop_count", "frame.packet_id", "frame.interface_queue"].map(field),
            flags: field("frame.packet_flags"),
            is_no_copy: frame["frame.cb_copy"] == "0",
            bytes,
            mirrored,
        }
    }
}

impl Mirrored {
    fn find(layers: &Value, packet: &[u8]) -> Option<Mirrored> {
        let vxlan = first(Layer::all(layers, "vxlan_raw"))?;
        let &[_, _, _, _, a, b, c, _] = vxlan.bytes.as_slice() else {
            // Cut inside the header.
            return None;
        };
        let start = vxlan.at + vxlan.bytes.len();
        // What tshark shows of data that it has put together has places of its own.
        if packet.get(vxlan.at..start)? != vxlan.bytes {
            return None;
        }
        Layer::all(layers, "eth_raw").into_iter().find(|eth| eth.at == start)?;

        let udp = last(Layer::all(layers, "udp_raw"), vxlan.at)?;
        let udp_fields = match &layers["udp"] {
            Value::Array(list) => list.iter().collect(),
            one => vec![one],
        };
        let payload = udp_fields
            .iter()
            .flat_map(|fields| Layer::all(fields, "udp.payload_raw"))
            .find(|payload| payload.at == vxlan.at)?;
        let number = |at: usize| u16::from_be_bytes([udp.bytes[at], udp.bytes[at + 1]]);

        let geneve = last(Layer::all(layers, "geneve_raw"), vxlan.at);
        Some(Mirrored {
            frame: payload.bytes[vxlan.bytes.len()..].to_vec(),
            length: usize::from(number(4)).checked_sub(8 + vxlan.bytes.len()),
            promised: promised(layers, start),
            vni: u32::from_be_bytes([0, a, b, c]),
            source: source(layers, udp.at)?,
            port: number(2),
            endpoint: geneve.and_then(|geneve| endpoint(&geneve.bytes[8..])),
        })
    }
}

/// The source address of the last IP header before a place.
fn source(layers: &Value, before: usize) -> Option<IpAddr> {
    let v4 = last(Layer::all(layers, "ip_raw"), before).map(|ip| {
        let address: [u8; 4] = ip.bytes[12..16].try_into().unwrap();
        (ip.at, IpAddr::from(address))
    });
    let v6 = last(Layer::all(layers, "ipv6_raw"), before).map(|ip| {
        let address: [u8; 16] = ip.bytes[8..24].try_into().unwrap();
        (ip.at, IpAddr::from(address))
    });
    v4.into_iter().chain(v6).max_by_key(|(at, _)| *at).map(|(_, address)| address)
}

/// From `start` to the end that the first IP header behind it promises, if it does.
fn promised(layers: &Value, start: usize) -> Option<usize> {
    let find = |name: &str, field: usize, header: usize| {
        let behind = Layer::all(layers, name).into_iter().filter(|ip| ip.at > start).collect();
        let ip = first(behind)?;
        let bytes = ip.bytes.get(field..field + 2)?.try_into().unwrap();
        let length = usize::from(u16::from_be_bytes(bytes));
        Some((ip.at, (length > 0).then_some(ip.at - start + header + length)))
    };
    // The length of IPv6 leaves its own header out.
    let (v4, v6) = (find("ip_raw", 2, 0), find("ipv6_raw", 4, 40));
    v4.into_iter().chain(v6).min_by_key(|(at, _)| *at).and_then(|(_, length)| length)
}

/// The endpoint in a list of GENEVE options: AWS' class 0x0108, type 1.
fn endpoint(mut options: &[u8]) -> Option<u64> {
    while let [class_high, class_low, kind, length, rest @ ..] = options {
        let (value, next) = rest.split_at_checked(usize::from(length & 0x1F) * 4)?;
        if (*class_high, *class_low, *kind) == (1, 8, 1) {
            return Some(u64::from_be_bytes(value.try_into().ok()?));
        }
        options = next;
    }
    None
}

/// Bytes of a packet that tshark gave to one layer or field.
struct Layer {
    at: usize,
    bytes: Vec<u8>,
}

impl Layer {
    /// All that have this name: tshark writes one as `[hex, place, length, ...]` and several as
    /// a list of those.
    fn all(layers: &Value, name: &str) -> Vec<Layer> {
        let Some(list) = layers[name].as_array() else {
            return Vec::new();
        };
        let one = std::slice::from_ref(&layers[name]);
        let several = if list.first().is_some_and(Value::is_array) { list } else { one };
        several.iter().filter_map(Layer::new).collect()
    }

    fn new(value: &Value) -> Option<Layer> {
        let at = usize::try_from(value[1].as_u64()?).unwrap();
        Some(Layer { at, bytes: from_hex(value[0].as_str()?) })
    }
}

fn first(layers: Vec<Layer>) -> Option<Layer> {
    layers.into_iter().min_by_key(|layer| layer.at)
}

/// The last before a place.
fn last(layers: Vec<Layer>, before: usize) -> Option<Layer> {
    layers.into_iter().filter(|layer| layer.at < before).max_by_key(|layer| layer.at)
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn from_hex(text: &str) -> Vec<u8> {
    let digit = |c: u8| char::from(c).to_digit(16).unwrap() as u8;
    text.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}
