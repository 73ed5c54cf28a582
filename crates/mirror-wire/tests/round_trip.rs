//! What `Wrapper` puts around a frame, `decapsulate` takes off, whatever a network or a capture
//! tool put around that.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests may fail loudly; that is their job"
)]

mod support;

use std::net::IpAddr;

use mirror_wire::{
    Captured, Endpoint, LinkType, NotMirrored, VXLAN_PORT, Vni, Wrapper, decapsulate,
};
use proptest::prelude::*;
use support::{Around, around};

const PORTS: [u16; 1] = [VXLAN_PORT];

#[derive(Clone, Debug)]
struct Session {
    source: IpAddr,
    target: IpAddr,
    vni: Vni,
    /// `None`: plain VXLAN. `Some(None)`: GENEVE that names no endpoint.
    geneve: Option<Option<Endpoint>>,
}

impl Session {
    fn wrapper(&self) -> Wrapper {
        let wrapper = Wrapper::new(self.source, self.target, self.vni).unwrap();
        self.geneve.map_or(wrapper, |endpoint| wrapper.with_geneve(endpoint))
    }

    fn endpoint(&self) -> Option<Endpoint> {
        self.geneve.flatten()
    }
}

fn session() -> impl Strategy<Value = Session> {
    let addresses = prop_oneof![
        any::<([u8; 4], [u8; 4])>().prop_map(|(a, b)| (IpAddr::from(a), IpAddr::from(b))),
        any::<([u8; 16], [u8; 16])>().prop_map(|(a, b)| (IpAddr::from(a), IpAddr::from(b))),
    ];
    let geneve = proptest::option::of(proptest::option::of(any::<u64>().prop_map(Endpoint::new)));
    (addresses, 0..1_u32 << 24, geneve).prop_map(|((source, target), vni, geneve)| Session {
        source,
        target,
        vni: Vni::new(vni).unwrap(),
        geneve,
    })
}

/// Captured bytes of a frame, and how many more it had on the wire.
fn frame() -> impl Strategy<Value = (Vec<u8>, u32)> {
    (proptest::collection::vec(any::<u8>(), 0..200), prop_oneof![Just(0), 0..9000_u32])
        .prop_filter("a frame has a byte", |(bytes, more)| !bytes.is_empty() || *more > 0)
}

/// A wrapped frame as it was captured: its bytes up to the end of what was captured of the frame,
/// its original length, and where its headers end.
struct Wrapped {
    bytes: Vec<u8>,
    original_len: u32,
    header_len: usize,
}

fn wrapped(session: &Session, inner: &[u8], inner_len: u32, around_it: &Around) -> Wrapped {
    let headers = session.wrapper().headers(inner, inner_len).unwrap();
    let headers = around(&headers, around_it);
    let header_len = headers.len();
    let original_len = u32::try_from(header_len).unwrap() + inner_len;
    Wrapped { bytes: [&headers, inner].concat(), original_len, header_len }
}

fn len(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap()
}

proptest! {
    #[test]
    fn what_was_wrapped_comes_off(
        session in session(),
        (inner, more) in frame(),
        around_it in support::any_around(),
    ) {
        let inner_len = len(&inner) + more;
        let packet = wrapped(&session, &inner, inner_len, &around_it);
        let captured = Captured {
            link: around_it.link,
            bytes: &packet.bytes,
            original_len: packet.original_len,
            fcs_len: 0,
        };
        let found = decapsulate(&captured, &PORTS).unwrap();
        prop_assert_eq!(found.inner, &inner[..]);
        prop_assert_eq!(found.inner_len, inner_len);
        prop_assert_eq!(found.source, session.source);
        prop_assert_eq!(found.destination, session.target);
        prop_assert_eq!(found.vni, session.vni);
        prop_assert_eq!(found.geneve, session.geneve.is_some());
        prop_assert_eq!(found.endpoint, session.endpoint());
        prop_assert!(!found.reserved_bits);
        prop_assert_eq!(found.vxlan_offset, packet.header_len - 8);

        // A tool that lost the original length changes nothing.
        let lost = Captured { original_len: len(&packet.bytes), ..captured };
        prop_assert_eq!(decapsulate(&lost, &PORTS), Ok(found));
    }

    #[test]
    fn padding_and_check_sequence_change_nothing(
        session in session(),
        inner in proptest::collection::vec(any::<u8>(), 1..200),
        around_it in support::any_around(),
        behind in proptest::collection::vec(any::<u8>(), 0..50),
        fcs_len in 0..5_u8,
    ) {
        let mut packet = wrapped(&session, &inner, len(&inner), &around_it);
        packet.bytes.extend(&behind);
        packet.bytes.extend(vec![0xfc; usize::from(fcs_len)]);
        let captured = Captured {
            link: around_it.link,
            bytes: &packet.bytes,
            original_len: len(&packet.bytes),
            fcs_len,
        };
        let found = decapsulate(&captured, &PORTS).unwrap();
        prop_assert_eq!((found.inner, found.inner_len), (&inner[..], len(&inner)));
    }

    /// Segmentation offload: the lengths are zero, and only the capture knows where the packet ends.
    #[test]
    fn without_lengths_the_frame_ends_before_the_check_sequence(
        source in any::<[u8; 4]>(),
        (inner, more) in frame(),
        fcs_len in 0..5_u8,
    ) {
        let vni = Vni::new(1).unwrap();
        let session = Session { source: source.into(), target: [1; 4].into(), vni, geneve: None };
        let inner_len = len(&inner) + more;
        let plain = Around::plain();
        let mut packet = wrapped(&session, &inner, inner_len, &plain);
        packet.bytes[16..18].fill(0);
        packet.bytes[38..40].fill(0);
        let whole = more == 0;
        if whole {
            packet.bytes.extend(vec![0xfc; usize::from(fcs_len)]);
        }
        let captured = Captured {
            link: LinkType::Ethernet,
            bytes: &packet.bytes,
            original_len: packet.original_len + u32::from(fcs_len),
            fcs_len,
        };
        let found = decapsulate(&captured, &PORTS).unwrap();
        prop_assert_eq!((found.inner, found.inner_len), (&inner[..], inner_len));
    }

    #[test]
    fn a_prefix_is_cut_in_its_headers_or_gives_a_prefix_of_the_frame(
        session in session(),
        inner in proptest::collection::vec(any::<u8>(), 1..40),
        around_it in support::any_around(),
    ) {
        let packet = wrapped(&session, &inner, len(&inner), &around_it);
        for end in 0..packet.bytes.len() {
            let captured = Captured {
                link: around_it.link,
                bytes: &packet.bytes[..end],
                original_len: packet.original_len,
                fcs_len: 0,
            };
            let found = decapsulate(&captured, &PORTS);
            if end < packet.header_len {
                prop_assert_eq!(found, Err(NotMirrored::HeadersCut), "{} bytes", end);
            } else {
                let found = found.unwrap();
                prop_assert_eq!(found.inner, &inner[..end - packet.header_len]);
                prop_assert_eq!(found.inner_len, len(&inner));
            }
            // When the original length is lost too, it may look like something else, but never
            // like another frame.
            let lost = Captured { original_len: len(captured.bytes), ..captured };
            match decapsulate(&lost, &PORTS) {
                Ok(found) => prop_assert_eq!(found.inner_len, len(&inner)),
                Err(reason) => {
                    let expected = matches!(reason, NotMirrored::HeadersCut | NotMirrored::Other);
                    prop_assert!(expected, "{} bytes: {}", end, reason);
                }
            }
        }
    }
}
