//! No bytes make the crate panic, and nothing it hands out lies outside the packet.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests may fail loudly; that is their job"
)]

mod support;

use mirror_wire::{
    Captured, Endpoint, Imprint, Inner, LinkType, Mirrored, NotMirrored, VXLAN_PORT, Vni, Wrapper,
    decapsulate,
};
use proptest::prelude::*;
use support::{any_around, any_link, around};

/// What always holds of an answer.
fn check(
    packet: &Captured<'_>,
    found: Result<Mirrored<'_>, NotMirrored>,
) -> Result<(), TestCaseError> {
    let Ok(found) = found else {
        return Ok(());
    };
    let frame = found.vxlan_offset + 8;
    prop_assert_eq!(Some(found.inner), packet.bytes.get(frame..frame + found.inner.len()));
    prop_assert!(found.inner_len >= 1);
    prop_assert!(u64::from(found.inner_len) >= found.inner.len() as u64);
    prop_assert!(found.geneve || found.endpoint.is_none());
    Inner::parse(found.inner);
    Imprint::of(found.inner);
    Ok(())
}

/// A valid packet to spoil: its link type and bytes.
fn valid() -> impl Strategy<Value = (LinkType, Vec<u8>)> {
    (any::<bool>(), any::<Option<Option<u64>>>(), any_around()).prop_map(
        |(v6, geneve, around_it)| {
            let (source, target) = if v6 {
                ([0x20; 16].into(), [0x21; 16].into())
            } else {
                ([10, 0, 1, 15].into(), [10, 0, 2, 1].into())
            };
            let mut wrapper = Wrapper::new(source, target, Vni::new(308_308).unwrap()).unwrap();
            if let Some(endpoint) = geneve {
                wrapper = wrapper.with_geneve(endpoint.map(Endpoint::new));
            }
            let inner = [0x5a; 60];
            let headers = around(&wrapper.headers(&inner, 60).unwrap(), &around_it);
            (around_it.link, [headers, inner.to_vec()].concat())
        },
    )
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_survived(
        link in any_link(),
        bytes in proptest::collection::vec(any::<u8>(), 0..160),
        original_len in any::<u32>(),
        fcs_len in any::<u8>(),
        port in any::<u16>(),
    ) {
        let packet = Captured { link, bytes: &bytes, original_len, fcs_len };
        check(&packet, decapsulate(&packet, &[VXLAN_PORT, port]))?;
        Inner::parse(&bytes);
        Imprint::of(&bytes);
    }

    #[test]
    fn a_flipped_byte_is_survived(
        (link, mut bytes) in valid(),
        place in any::<prop::sample::Index>(),
        flip in 1..=u8::MAX,
        original_len in prop_oneof![Just(0), Just(70), any::<u32>()],
        fcs_len in prop_oneof![Just(0), Just(4), any::<u8>()],
        end in any::<prop::sample::Index>(),
    ) {
        let place = place.index(bytes.len());
        bytes[place] ^= flip;
        for bytes in [&bytes[..], &bytes[..end.index(bytes.len())]] {
            let packet = Captured { link, bytes, original_len, fcs_len };
            check(&packet, decapsulate(&packet, &[VXLAN_PORT]))?;
        }
    }

    #[test]
    fn every_byte_of_the_headers_flipped_whole_is_survived((link, valid) in valid()) {
        for place in 0..valid.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut bytes = valid.clone();
                bytes[place] ^= flip;
                let original_len = u32::try_from(bytes.len()).unwrap();
                let packet = Captured { link, bytes: &bytes, original_len, fcs_len: 0 };
                check(&packet, decapsulate(&packet, &[VXLAN_PORT]))?;
            }
        }
    }

    #[test]
    fn any_frame_can_be_wrapped(
        bytes in proptest::collection::vec(any::<u8>(), 0..160),
        inner_len in any::<u32>(),
        ip in prop_oneof![Just([0x08, 0x00]), Just([0x86, 0xdd]), Just([0x81, 0x00])],
    ) {
        let mut frame = bytes;
        if let Some(ether_type) = frame.get_mut(12..14) {
            ether_type.copy_from_slice(&ip);
        }
        let wrapper =
            Wrapper::new([0x20; 16].into(), [0x21; 16].into(), Vni::new(1).unwrap()).unwrap();
        let headers = wrapper.headers(&frame, inner_len);
        prop_assert_eq!(headers.is_ok(), inner_len <= 65_519);
        if let Ok(headers) = headers {
            let source_port = u16::from_be_bytes([headers[54], headers[55]]);
            prop_assert!((65_408..=65_535).contains(&source_port));
        }
    }
}
