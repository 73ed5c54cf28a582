//! The picture of a capture as text: what `input.txt` and expected outputs hold.
//!
//! One line for each block and one, indented, for each of its options. A packet's line
//! has its interface, captured/original length, the raw time word (never
//! converted, so that a difference in the last unit shows), the CRC-32 of its data
//! and a few words on what it is.

use std::fmt::Write;

use super::pcapng::{Block, Content};
use super::{PcapFile, Pcapng, Stop, describe, pcap, pcapng};
use crate::capture::{CUSTOM_COPY, CUSTOM_NO_COPY, EPB, IDB, ISB, JOURNAL, NRB, PB, SHB, SPB};
use crate::crc32::crc32;
use crate::order::Order;
use crate::packet::{LINK_ETHERNET, LINK_NULL, LINK_RAW, LINK_SLL, LINK_SLL2};
use crate::pcap::Fraction;

/// The text picture of a pcapng or classic pcap file, sound or damaged.
pub fn dump(bytes: &[u8]) -> String {
    let mut text = String::new();
    let written = match pcap(bytes) {
        Some(file) => write_pcap(&mut text, &file),
        None => write_pcapng(&mut text, &pcapng(bytes)),
    };
    written.expect("a String takes everything");
    text
}

/// `write!` to a `String`, which cannot fail but must say so.
type Written = std::fmt::Result;

fn write_pcap(out: &mut String, file: &PcapFile) -> Written {
    let unit = match file.fraction {
        Fraction::Micro => "microseconds",
        Fraction::Nano => "nanoseconds",
    };
    let (major, minor) = file.version;
    let link = link_name((file.link & 0xFFFF) as u16);
    write!(out, "pcap, {}, {unit}, version {major}.{minor}", order_name(file.order))?;
    writeln!(out, ", {link} (0x{:08x}), snaplen {}", file.link, file.snaplen)?;
    for (number, record) in file.records.iter().enumerate() {
        let (seconds, fraction) = record.time;
        let lengths = format!("{}/{}", record.data.len(), record.original);
        write!(out, "  record {number:<3} {lengths:<9} {seconds} {fraction}")?;
        data(out, Some((file.link & 0xFFFF) as u16), &record.data)?;
    }
    stopped(out, file.stop.as_ref())
}

fn write_pcapng(out: &mut String, file: &Pcapng) -> Written {
    let mut links = Vec::new();
    for block in &file.blocks {
        if block.kind == SHB {
            writeln!(out, "section {}, {}", block.section, order_name(block.order))?;
            links.clear();
        }
        if let Content::Interface { link, .. } = block.content {
            links.push(link);
        }
        write_block(out, block, &links)?;
        for (code, value) in &block.options.list {
            writeln!(out, "         {}", option(block.kind, block.order, *code, value))?;
        }
        if let Some(trouble) = &block.options.trouble {
            writeln!(out, "         ! {trouble}")?;
        } else if !block.options.ended && !block.options.list.is_empty() {
            writeln!(out, "         ! no opt_endofopt")?;
        }
        if let Some(trailer) = block.trailer {
            writeln!(
                out,
                "         ! length is {} in front, {trailer} behind",
                block.body.len() + 12
            )?;
        }
    }
    stopped(out, file.stop.as_ref())
}

fn stopped(out: &mut String, stop: Option<&Stop>) -> Written {
    match stop {
        Some(Stop { offset, why }) => writeln!(out, "! stops at byte {offset}: {why}"),
        None => Ok(()),
    }
}

fn write_block(out: &mut String, block: &Block, links: &[u16]) -> Written {
    let name = block_name(block.kind);
    match &block.content {
        Content::Section { version: (major, minor), length: -1 } => {
            writeln!(out, "  {name:<6} version {major}.{minor}, length unknown")
        }
        Content::Section { version: (major, minor), length } => {
            writeln!(out, "  {name:<6} version {major}.{minor}, length {length}")
        }
        Content::Interface { id, link, snaplen } => {
            let head = format!("{name} {id}");
            writeln!(out, "  {head:<6} {}, snaplen {snaplen}", link_name(*link))
        }
        Content::Packet { interface, time, captured, original, data: bytes, drops } => {
            let lengths = format!("{captured}/{original}");
            write!(out, "  {name:<6} if {interface:<3} {lengths:<9} {time}")?;
            if let Some(drops) = drops {
                write!(out, "  drops {drops}")?;
            }
            let link = usize::try_from(*interface).ok().and_then(|id| links.get(id));
            if bytes.len() < *captured as usize {
                write!(out, "  ! has {} bytes", bytes.len())?;
            }
            data(out, link.copied(), bytes)
        }
        Content::Simple { original, data: bytes } => {
            let lengths = format!("{}/{original}", bytes.len());
            write!(out, "  {name:<6} {lengths:<9}")?;
            data(out, links.first().copied(), bytes)
        }
        Content::Statistics { interface, time } => {
            writeln!(out, "  {name:<6} if {interface:<3} {time}")
        }
        Content::Secrets { kind, data } => {
            let (length, crc) = (data.len(), crc32(data));
            writeln!(out, "  {name:<6} secrets 0x{kind:08x}, {length} bytes, crc32 {crc:08x}")
        }
        Content::Other => {
            write!(out, "  {name:<6}")?;
            if matches!(block.kind, CUSTOM_COPY | CUSTOM_NO_COPY) {
                let pen = block.order.read_u32(&block.body, 0).unwrap_or(0);
                let copy = if block.kind == CUSTOM_COPY { "copy" } else { "do not copy" };
                write!(out, " {copy}, pen {pen},")?;
            }
            writeln!(out, " {} bytes, crc32 {:08x}", block.body.len(), crc32(&block.body))
        }
        Content::Unread => {
            let (length, crc) = (block.body.len(), crc32(&block.body));
            writeln!(out, "  {name:<6} ! not read, {length} bytes, crc32 {crc:08x}")
        }
        Content::TooShort => {
            writeln!(out, "  {name:<6} ! body of {} bytes is too short", block.body.len())
        }
    }
}

fn data(out: &mut String, link: Option<u16>, bytes: &[u8]) -> Written {
    write!(out, "  crc32 {:08x}", crc32(bytes))?;
    match link {
        Some(link) => writeln!(out, "  {}", describe(link, bytes)),
        None => writeln!(out, "  ! interface not declared"),
    }
}

fn order_name(order: Order) -> &'static str {
    match order {
        Order::Little => "little-endian",
        Order::Big => "big-endian",
    }
}

fn link_name(link: u16) -> String {
    match link {
        LINK_ETHERNET => "ethernet".to_owned(),
        LINK_NULL => "null".to_owned(),
        LINK_RAW => "raw".to_owned(),
        LINK_SLL => "sll".to_owned(),
        LINK_SLL2 => "sll2".to_owned(),
        other => format!("link type {other}"),
    }
}

fn block_name(kind: u32) -> String {
    match kind {
        SHB => "SHB".to_owned(),
        IDB => "IDB".to_owned(),
        PB => "PB".to_owned(),
        SPB => "SPB".to_owned(),
        NRB => "NRB".to_owned(),
        ISB => "ISB".to_owned(),
        EPB => "EPB".to_owned(),
        JOURNAL => "JOURNAL".to_owned(),
        crate::capture::DSB => "DSB".to_owned(),
        CUSTOM_COPY | CUSTOM_NO_COPY => "CUSTOM".to_owned(),
        other => format!("block 0x{other:08x}"),
    }
}

/// How the value of an option is shown.
#[derive(Clone, Copy)]
enum Shown {
    Text,
    Number,
    Signed,
    Bits,
    Time,
    Resolution,
    Private,
    Bytes,
}

fn option(kind: u32, order: Order, code: u16, value: &[u8]) -> String {
    use Shown::{Bits, Bytes, Number, Private, Resolution, Signed, Text, Time};
    let (name, shown) = match (kind, code) {
        (_, 1) => ("opt_comment", Text),
        (_, 2988 | 2989) => ("opt_custom", Private),
        (_, 19372 | 19373) => ("opt_custom_no_copy", Private),
        (SHB, 2) => ("shb_hardware", Text),
        (SHB, 3) => ("shb_os", Text),
        (SHB, 4) => ("shb_userappl", Text),
        (IDB, 2) => ("if_name", Text),
        (IDB, 3) => ("if_description", Text),
        (IDB, 4) => ("if_IPv4addr", Bytes),
        (IDB, 6) => ("if_MACaddr", Bytes),
        (IDB, 8) => ("if_speed", Number),
        (IDB, 9) => ("if_tsresol", Resolution),
        (IDB, 11) => ("if_filter", Bytes),
        (IDB, 12) => ("if_os", Text),
        (IDB, 13) => ("if_fcslen", Number),
        (IDB, 14) => ("if_tsoffset", Signed),
        (EPB, 2) => ("epb_flags", Bits),
        (EPB, 3) => ("epb_hash", Bytes),
        (EPB, 4) => ("epb_dropcount", Number),
        (EPB, 5) => ("epb_packetid", Number),
        (EPB, 6) => ("epb_queue", Number),
        (EPB, 7) => ("epb_verdict", Bytes),
        (EPB, 8) => ("epb_processid_threadid", Bytes),
        (PB, 2) => ("pack_flags", Bits),
        (PB, 3) => ("pack_hash", Bytes),
        (ISB, 2) => ("isb_starttime", Time),
        (ISB, 3) => ("isb_endtime", Time),
        (ISB, 4) => ("isb_ifrecv", Number),
        (ISB, 5) => ("isb_ifdrop", Number),
        _ => return format!("option {code} {}", hex(value)),
    };
    // The code of custom options tells text from bytes, and is worth seeing.
    let name = match shown {
        Private => format!("{name} {code}"),
        _ => name.to_owned(),
    };
    let value = render(shown, order, value).unwrap_or_else(|| hex(value));
    format!("{name} {value}")
}

fn render(shown: Shown, order: Order, value: &[u8]) -> Option<String> {
    let number = || match value.len() {
        1 => Some(u64::from(value[0])),
        4 => order.read_u32(value, 0).map(u64::from),
        8 => order.read_u64(value, 0),
        _ => None,
    };
    Some(match shown {
        Shown::Text => format!("\"{}\"", std::str::from_utf8(value).ok()?.escape_default()),
        Shown::Number => number()?.to_string(),
        Shown::Signed if value.len() == 8 => number()?.cast_signed().to_string(),
        Shown::Bits if value.len() == 4 => format!("0x{:08x}", number()?),
        Shown::Time if value.len() == 8 => order.read_time(value, 0)?.to_string(),
        Shown::Resolution => match *value {
            [exponent] if exponent & 0x80 != 0 => format!("2^-{}", exponent & 0x7F),
            [exponent] => format!("10^-{exponent}"),
            _ => return None,
        },
        Shown::Private => format!("pen {} {}", order.read_u32(value, 0)?, hex(&value[4..])),
        Shown::Signed | Shown::Bits | Shown::Time | Shown::Bytes => return None,
    })
}

fn hex(bytes: &[u8]) -> String {
    let mut text = format!("({} bytes)", bytes.len());
    // A comment of 64 KiB is no more readable in full than by its beginning.
    for byte in &bytes[..bytes.len().min(64)] {
        text.push_str(&format!(" {byte:02x}"));
    }
    if bytes.len() > 64 {
        text.push_str(&format!(" ... crc32 {:08x}", crc32(bytes)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Capture, Interface, Opt, Packet, Pcap};

    #[test]
    fn a_picture_has_a_line_for_each_block_and_each_option() {
        let mut capture = Capture::new(Order::Big);
        capture
            .interface(Interface::new(1).option(Opt::tsresol(0x8A)).option(Opt::tsoffset(-60)))
            .packet(Packet::new(0, 5, b"123456789").original(60).option(Opt::comment("\u{1b}[1mé")))
            .packet(Packet::new(1, 6, []).option(Opt::flags(2)).without_end())
            .statistics(0, 7, &[Opt::endtime(1 << 32)])
            .custom(32_473, false, &[0xAB; 4])
            .raw(&[0; 5]);
        let want = r#"section 0, big-endian
  SHB    version 1.0, length unknown
  IDB 0  ethernet, snaplen 262144
         if_tsresol 2^-10
         if_tsoffset -60
  EPB    if 0   9/60      5  crc32 cbf43926  cut
         opt_comment "\u{1b}[1m\u{e9}"
  EPB    if 1   0/0       6  crc32 00000000  ! interface not declared
         epb_flags 0x00000002
         ! no opt_endofopt
  ISB    if 0   7
         isb_endtime 4294967296
  CUSTOM do not copy, pen 32473, 8 bytes, crc32 935f9d37
! stops at byte 232: 5 bytes left, a block has at least 12
"#;
        let got = dump(&capture.bytes());
        assert!(got == want, "\n--- want\n{want}--- got\n{got}---");
    }

    #[test]
    fn a_classic_capture_has_a_line_for_each_record() {
        let mut capture = Pcap::new(Order::Little, Fraction::Micro, 0x2400_0001);
        let bytes = capture.record(1, 2, b"123456789", 60).raw(&[1]).bytes();
        let want = "\
pcap, little-endian, microseconds, version 2.4, ethernet (0x24000001), snaplen 262144
  record 0   9/60      1 2  crc32 cbf43926  cut
! stops at byte 49: 1 bytes left, a record has at least 16
";
        let got = dump(&bytes);
        assert!(got == want, "\n--- want\n{want}--- got\n{got}---");
    }
}
