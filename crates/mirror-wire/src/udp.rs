//! UDP to a port of ours, or the reason why it isn't.
//!
//! Everything that can be wrong with a packet is only worth a reason of its own if it would have
//! been ours, so the port is asked first, and then whether the datagram is whole.

use crate::{
    NotMirrored,
    ip::{PROTOCOL_UDP, Packet, Part},
    rest::Rest,
};

const HEADER_LEN: u32 = 8;

/// The ports of a datagram.
#[derive(Clone, Copy)]
pub(crate) struct Ports {
    pub source: u16,
    pub destination: u16,
}

/// Step over the UDP header of `packet`, whose destination port has to be `wanted`, and return
/// its ports. `rest` then ends where the datagram does.
///
/// # Errors
///
/// Any but `NoVni`, `Gpe` and `Empty`.
#[inline]
pub(crate) fn datagram(
    packet: &Packet<'_>,
    rest: &mut Rest<'_>,
    wanted: impl Fn(u16) -> bool,
) -> Result<Ports, NotMirrored> {
    if packet.protocol != PROTOCOL_UDP {
        return Err(NotMirrored::Other);
    }
    if packet.part == Part::LaterFragment {
        return Err(NotMirrored::Fragment);
    }

    let room = rest.wire >= HEADER_LEN;
    let Some([_, _, high, low]) = rest.bytes.first_chunk::<4>() else {
        return Err(if room { NotMirrored::HeadersCut } else { NotMirrored::Other });
    };
    let port = u16::from_be_bytes([*high, *low]);
    if !wanted(port) {
        return Err(if room { NotMirrored::OtherPort(port) } else { NotMirrored::Other });
    }
    if packet.part != Part::Whole {
        return Err(NotMirrored::Fragment);
    }
    if !room {
        return Err(NotMirrored::BadLength);
    }
    let Some([s0, s1, _, _, high, low, _, _]) = rest.bytes.first_chunk::<8>() else {
        return Err(NotMirrored::HeadersCut);
    };
    let source = u16::from_be_bytes([*s0, *s1]);

    // Zero is what a datagram too long for the field says (RFC 2675 section 4). One too short for
    // its own header is left with no room for the next.
    let wire = match u16::from_be_bytes([*high, *low]) {
        0 => rest.wire,
        length => rest.told(u32::from(length)),
    };
    rest.bound(wire);
    rest.step_over(8, wire);
    Ok(Ports { source, destination: port })
}
