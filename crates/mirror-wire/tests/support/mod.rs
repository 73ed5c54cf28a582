//! What networks and capture tools put around mirror traffic: VLAN tags, IPv4 options, IPv6
//! extension headers, and other link layers than Ethernet.

use mirror_wire::LinkType;
use proptest::prelude::*;

/// What to put around, or into, the outermost headers of a packet.
#[derive(Clone, Debug)]
pub struct Around {
    pub link: LinkType,
    /// Tag protocol of each VLAN tag; used where the link layer has an EtherType.
    pub tags: Vec<u16>,
    /// Four-byte words of IPv4 options.
    pub options: usize,
    /// Extension headers, for IPv6: their number, and blocks of eight bytes.
    pub extensions: Vec<(u8, usize)>,
    /// The value of `AF_INET6`, and whether a NULL header is little-endian.
    pub family: (u8, bool),
}

impl Around {
    #[allow(dead_code, reason = "not every test file needs it")]
    pub fn plain() -> Around {
        Around {
            link: LinkType::Ethernet,
            tags: Vec::new(),
            options: 0,
            extensions: Vec::new(),
            family: (10, true),
        }
    }
}

pub fn any_link() -> impl Strategy<Value = LinkType> {
    prop_oneof![
        3 => Just(LinkType::Ethernet),
        1 => Just(LinkType::LinuxSll),
        1 => Just(LinkType::LinuxSll2),
        1 => Just(LinkType::Raw),
        1 => Just(LinkType::Null),
        1 => Just(LinkType::Loop),
    ]
}

pub fn any_around() -> impl Strategy<Value = Around> {
    let tag = prop_oneof![Just(0x8100_u16), Just(0x88a8), Just(0x9100), Just(0x9200)];
    // 44 is an atomic fragment.
    let extension = (prop_oneof![Just(0_u8), Just(43), Just(44), Just(51), Just(60)], 0..4_usize);
    let family = (prop_oneof![Just(10_u8), Just(24), Just(28), Just(30)], any::<bool>());
    (
        any_link(),
        proptest::collection::vec(tag, 0..4),
        0..11_usize,
        proptest::collection::vec(extension, 0..9),
        family,
    )
        .prop_map(|(link, tags, options, extensions, family)| Around {
            link,
            tags,
            options,
            extensions,
            family,
        })
}

/// Rebuild headers that begin with Ethernet and IP as `around` says.
pub fn around(headers: &[u8], around: &Around) -> Vec<u8> {
    let (ethernet, packet) = headers.split_at(14);
    let ether_type = u16::from_be_bytes([ethernet[12], ethernet[13]]);
    let packet = if ether_type == 0x0800 {
        with_options(packet, around.options)
    } else {
        with_extensions(packet, &around.extensions)
    };

    // Each tag announces the next; the last announces IP.
    let mut announced = around.tags.clone();
    announced.push(ether_type);
    let first = announced[0].to_be_bytes();
    let tags: Vec<u8> = announced[1..]
        .iter()
        .flat_map(|next| [&[0, 7][..], &next.to_be_bytes()].concat())
        .collect();

    let v6 = ether_type == 0x86dd;
    let (family, little_endian) = (if v6 { around.family.0 } else { 2 }, around.family.1);
    let link = match around.link {
        LinkType::Ethernet => [&ethernet[..12], &first, &tags].concat(),
        LinkType::LinuxSll => {
            [&[0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0], &first[..], &tags].concat()
        }
        LinkType::LinuxSll2 => {
            let behind = [0, 0, 0, 0, 0, 2, 0, 1, 4, 6, 2, 0, 0, 0, 0, 1, 0, 0];
            [&first[..], &behind, &tags].concat()
        }
        LinkType::Raw => Vec::new(),
        LinkType::Null if little_endian => vec![family, 0, 0, 0],
        LinkType::Null | LinkType::Loop => vec![0, 0, 0, family],
    };
    [link, packet].concat()
}

fn with_options(packet: &[u8], words: usize) -> Vec<u8> {
    let (header, behind) = packet.split_at(20);
    let mut header = header.to_vec();
    add(&mut header[2..4], 4 * words);
    header[0] += u8::try_from(words).unwrap();
    [header, vec![1; 4 * words], behind.to_vec()].concat()
}

fn with_extensions(packet: &[u8], extensions: &[(u8, usize)]) -> Vec<u8> {
    let (header, behind) = packet.split_at(40);
    let mut header = header.to_vec();
    let mut next = header[6];
    let mut chain = Vec::new();
    for (kind, blocks) in extensions.iter().rev() {
        let block = match kind {
            44 => vec![next, 0, 0, 0, 0, 0, 0, 1],
            51 => extension(next, 2 * blocks, *blocks),
            _ => extension(next, *blocks, *blocks),
        };
        chain.splice(0..0, block);
        next = *kind;
    }
    header[6] = next;
    add(&mut header[4..6], chain.len());
    [&header, &chain, behind].concat()
}

/// An extension header with this length field, and this many blocks of eight bytes behind the first.
fn extension(next: u8, length: usize, blocks: usize) -> Vec<u8> {
    let mut bytes = vec![0x5a; 8 + 8 * blocks];
    bytes[0] = next;
    bytes[1] = u8::try_from(length).unwrap();
    bytes
}

fn add(field: &mut [u8], more: usize) {
    let value = u16::from_be_bytes([field[0], field[1]]);
    field.copy_from_slice(&(value + u16::try_from(more).unwrap()).to_be_bytes());
}
