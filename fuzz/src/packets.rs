//! Packets down to the mirrored frame, and back.

use mirror_wire::{
    Captured, Imprint, Inner, LinkType, Mirrored, VXLAN_PORT, Wrapper, decapsulate as unwrap,
};

/// The first bytes choose how the packet was captured, the others are the packet.
const SETUP_LEN: usize = 4;

/// Ethernet, SLL, SLL2, raw, NULL, LOOP.
const LINK_TYPES: [u16; 6] = [1, 113, 276, 101, 0, 108];

/// What comes out of a wrapper lies inside of the packet, and wrapped again it
/// comes out the same.
///
/// Byte 0 chooses the link type, byte 1 the ports (and whether the original
/// length is a lie), byte 2 the frame check sequence, byte 3 how many bytes the
/// capture cut off.
pub fn decapsulate(data: &[u8]) {
    let Some((&[link, ports, fcs_len, cut], bytes)) = data.split_first_chunk::<SETUP_LEN>() else {
        return;
    };
    let code = LINK_TYPES.get(usize::from(link) % LINK_TYPES.len());
    let Some(link) = code.and_then(|code| LinkType::from_code(*code)) else { return };
    let captured = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let original_len = match ports & 0xC0 {
        0x40 => 0,
        0x80 => u32::MAX,
        0xC0 => captured / 2,
        _ => captured.saturating_add(u32::from(cut)),
    };
    let ports: &[u16] = match ports & 0x03 {
        0 | 1 => &[VXLAN_PORT],
        2 => &[VXLAN_PORT, 8472],
        _ => &[6081],
    };
    let packet = Captured { link, bytes, original_len, fcs_len };
    match unwrap(&packet, ports) {
        Ok(mirrored) => {
            check(&mirrored, bytes);
            wrap_again(&mirrored);
        }
        Err(reason) => {
            assert!(!reason.reason().is_empty());
            assert!(!reason.to_string().contains('\n'));
        }
    }
    // The frame of a session that cuts to a few bytes may be anything.
    let _ = Inner::parse(bytes);
    imprint(bytes);
}

/// A frame and the same behind a VLAN tag have one imprint, and one that was cut has it or another.
fn imprint(frame: &[u8]) {
    let Some(imprint) = Imprint::of(frame) else { return };
    assert!((20..=80).contains(&imprint.bytes().len()), "{imprint:?}");
    let (macs, rest) = frame.split_at(12.min(frame.len()));
    let tagged = [macs, &[0x81, 0, 0, 7], rest].concat();
    // Behind three tags there is no place for a fourth.
    assert!(Imprint::of(&tagged).is_none_or(|other| other == imprint));
    let half = frame.get(..frame.len() / 2).and_then(Imprint::of);
    assert!(half.is_none_or(|half| half.bytes().len() <= imprint.bytes().len()));
}

fn check(mirrored: &Mirrored<'_>, bytes: &[u8]) {
    let Mirrored { inner, inner_len, vxlan_offset, .. } = *mirrored;
    assert!(inner_len >= 1, "a frame of no bytes is no frame");
    assert!(inner.len() as u64 <= u64::from(inner_len), "more captured than there was");
    let vxlan = bytes.get(vxlan_offset..vxlan_offset + 8);
    let flags = vxlan.and_then(<[u8]>::first).copied();
    assert!(flags.is_some_and(|flags| flags & 0x08 != 0), "no VXLAN header at {vxlan_offset}");
    let frame = bytes.get(vxlan_offset + 8..).and_then(|behind| behind.get(..inner.len()));
    assert_eq!(frame, Some(inner), "the frame begins behind the VXLAN header");
    assert!(mirrored.geneve || mirrored.endpoint.is_none(), "an endpoint without GENEVE");
    if let Some(inner) = Inner::parse(inner) {
        assert!(inner.promised_len.is_none_or(|len| len >= 14 + 20), "{inner:?}");
    }
}

/// Like strip(wrap(x)) = x, for a frame that came in on any path.
fn wrap_again(mirrored: &Mirrored<'_>) {
    let Ok(mut wrapper) = Wrapper::new(mirrored.source, mirrored.destination, mirrored.vni) else {
        assert_ne!(mirrored.source.is_ipv4(), mirrored.destination.is_ipv4());
        return;
    };
    if mirrored.geneve {
        wrapper = wrapper.with_geneve(mirrored.endpoint);
    }
    // Too long a frame comes of a lost original length.
    let Ok(headers) = wrapper.headers(mirrored.inner, mirrored.inner_len) else { return };
    assert_eq!(headers.len(), wrapper.header_len());
    let bytes = [&headers[..], mirrored.inner].concat();
    let original_len = u32::try_from(headers.len()).unwrap_or(0) + mirrored.inner_len;
    let packet = Captured { link: LinkType::Ethernet, bytes: &bytes, original_len, fcs_len: 0 };
    let again = unwrap(&packet, &[VXLAN_PORT]);
    let want = Mirrored {
        // The new wrapper has its own.
        source_port: again.map_or(0, |again| again.source_port),
        identification: again.map_or(0, |again| again.identification),
        reserved_bits: false,
        vxlan_offset: headers.len() - 8,
        inner: mirrored.inner,
        ..*mirrored
    };
    assert_eq!(again, Ok(want));
}
