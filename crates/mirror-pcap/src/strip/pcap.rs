//! The output as classic pcap, for tools that read nothing else.
//!
//! The format has one link type, one resolution and no place for anything but
//! packets. What cannot be told in it is left out and counted, never bent.

use pcapng_blocks::{Block, Content, Packet};

use super::{
    Writer,
    arrival::{Arrival, Arrivals},
    judge::Stripped,
};
use crate::report::{Counts, Reason, note, reason};

const ETHERNET: u16 = 1;
const SNAPLEN: u32 = 262_144;

/// Writes a little-endian pcap file.
#[derive(Default)]
pub(super) struct Pcap {
    /// Parts of a second that are counted; known once the header is written.
    per_second: Option<u32>,
}

impl Pcap {
    /// The header is due with the first interface, whose resolution decides.
    fn header(&mut self, arrival: Option<&Arrival>, out: &mut Vec<u8>) -> u32 {
        if let Some(per_second) = self.per_second {
            return per_second;
        }
        let nano = arrival.is_some_and(|arrival| arrival.clock.finer_than_microseconds());
        let (magic, per_second) =
            if nano { (0xA1B2_3C4D, 1_000_000_000) } else { (0xA1B2_C3D4_u32, 1_000_000) };
        out.extend_from_slice(&magic.to_le_bytes());
        out.extend_from_slice(&2u16.to_le_bytes());
        out.extend_from_slice(&4u16.to_le_bytes());
        out.extend_from_slice(&[0; 8]);
        out.extend_from_slice(&SNAPLEN.to_le_bytes());
        out.extend_from_slice(&u32::from(ETHERNET).to_le_bytes());
        self.per_second = Some(per_second);
        per_second
    }

    fn record(
        &mut self,
        packet: &Packet<'_>,
        arrival: &Arrival,
        data: &[u8],
        original_len: u32,
        out: &mut Vec<u8>,
    ) -> Result<(), Reason> {
        let per_second = self.header(Some(arrival), out);
        let timestamp = packet.timestamp.ok_or(reason::NO_TIMESTAMP)?;
        let (seconds, part) =
            arrival.clock.split(timestamp, per_second).ok_or(reason::TIME_RANGE)?;
        let seconds = u32::try_from(seconds).map_err(|_| reason::TIME_RANGE)?;
        // Whoever reads more than the header says it may believe takes it for damage.
        let captured = u32::try_from(data.len()).ok().filter(|len| *len <= SNAPLEN);
        let captured = captured.ok_or(reason::TOO_LONG)?;
        for word in [seconds, part, captured, original_len] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.extend_from_slice(data);
        Ok(())
    }
}

impl Writer for Pcap {
    fn section(&mut self, _: &Block<'_>, _: &mut Vec<u8>) {}

    fn interface(&mut self, _: &Block<'_>, arrivals: &Arrivals, id: u32, out: &mut Vec<u8>) {
        self.header(arrivals.get(id), out);
    }

    fn stripped(
        &mut self,
        stripped: &Stripped<'_>,
        _: &Block<'_>,
        packet: &Packet<'_>,
        arrivals: &Arrivals,
        _: &mut Counts,
        out: &mut Vec<u8>,
    ) -> Result<(), Reason> {
        let arrival = arrivals.get(packet.interface).ok_or(reason::LINK_TYPE)?;
        self.record(packet, arrival, stripped.inner, stripped.original_len, out)
    }

    fn kept(
        &mut self,
        _: &Block<'_>,
        packet: &Packet<'_>,
        arrivals: &Arrivals,
        out: &mut Vec<u8>,
    ) -> Result<(), Reason> {
        let arrival = arrivals.get(packet.interface).ok_or(reason::LINK_TYPE)?;
        if arrival.link_type != ETHERNET {
            return Err(reason::LINK_TYPE);
        }
        // The header says for the whole file that there is no frame check sequence.
        let captured = u32::try_from(packet.data.len()).map_err(|_| reason::TOO_LONG)?;
        let fcs_len = u32::from(packet.fcs_len(arrival.fcs_len));
        let original_len = packet.original_len.max(captured).saturating_sub(fcs_len);
        let data = packet.data.get(..captured.min(original_len) as usize).unwrap_or_default();
        let original_len = if fcs_len == 0 { packet.original_len } else { original_len };
        self.record(packet, arrival, data, original_len, out)
    }

    fn other(&mut self, block: &Block<'_>, counts: &mut Counts, _: &mut Vec<u8>) {
        counts.note(note::NOT_IN_PCAP);
        if let Content::Foreign = block.content {
            counts.note(note::UNKNOWN_VERSION);
        }
    }

    /// Without any interface the header is still missing, and no file is no capture.
    fn finish(&mut self, out: &mut Vec<u8>) {
        self.header(None, out);
    }

    fn remark(&self) -> Option<String> {
        None
    }
}
