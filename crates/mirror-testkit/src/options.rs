//! Options of pcapng blocks, kept as values until a section's byte order is known.
//!
//! An option's code says how its value is read, and numbers in it follow the
//! section. So an [`Opt`] holds the number and is encoded late; the same list of
//! options then serves a little-endian and a big-endian section.

use crate::order::Order;

/// One option: its code and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opt {
    code: u16,
    value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Bytes(Vec<u8>),
    U32(u32),
    U64(u64),
    /// Upper and lower half of a time, the upper first.
    Time(u64),
    /// A Private Enterprise Number, then bytes that are its owner's.
    Private(u32, Vec<u8>),
    /// One byte that says what the number after it means.
    TypedU64(u8, u64),
}

impl Opt {
    /// An option of any code with these bytes as its value.
    pub fn new(code: u16, value: impl AsRef<[u8]>) -> Opt {
        Opt { code, value: Value::Bytes(value.as_ref().to_vec()) }
    }

    /// `opt_comment`, any block.
    pub fn comment(text: &str) -> Opt {
        Opt::new(1, text)
    }

    /// `shb_hardware`.
    pub fn shb_hardware(text: &str) -> Opt {
        Opt::new(2, text)
    }

    /// `shb_os`.
    pub fn shb_os(text: &str) -> Opt {
        Opt::new(3, text)
    }

    /// `shb_userappl`.
    pub fn shb_userappl(text: &str) -> Opt {
        Opt::new(4, text)
    }

    /// `if_name`.
    pub fn if_name(text: &str) -> Opt {
        Opt::new(2, text)
    }

    /// `if_description`.
    pub fn if_description(text: &str) -> Opt {
        Opt::new(3, text)
    }

    /// `if_IPv4addr`: the address, then its mask.
    pub fn if_ipv4(address: [u8; 4], mask: [u8; 4]) -> Opt {
        Opt::new(4, [address, mask].concat())
    }

    /// `if_MACaddr`.
    pub fn if_mac(mac: [u8; 6]) -> Opt {
        Opt::new(6, mac)
    }

    /// `if_speed`, in bits a second.
    pub fn if_speed(bits: u64) -> Opt {
        Opt { code: 8, value: Value::U64(bits) }
    }

    /// `if_tsresol`: 9 is 10^-9 s, 0x80 | 10 is 2^-10 s.
    pub fn tsresol(exponent: u8) -> Opt {
        Opt::new(9, [exponent])
    }

    /// `if_filter`, as text for libpcap.
    pub fn if_filter(text: &str) -> Opt {
        Opt::new(11, [&[0], text.as_bytes()].concat())
    }

    /// `if_os`.
    pub fn if_os(text: &str) -> Opt {
        Opt::new(12, text)
    }

    /// `if_fcslen`: how many bytes of frame check sequence each packet ends with.
    pub fn fcslen(length: u8) -> Opt {
        Opt::new(13, [length])
    }

    /// `if_tsoffset`, in seconds.
    pub fn tsoffset(seconds: i64) -> Opt {
        Opt { code: 14, value: Value::U64(seconds as u64) }
    }

    /// `epb_flags`: bits 0-1 direction (1 inbound, 2 outbound), 5-8 length of the FCS.
    pub fn flags(bits: u32) -> Opt {
        Opt { code: 2, value: Value::U32(bits) }
    }

    /// `epb_hash`: 2 is CRC32, 3 MD5, 4 SHA-1, 5 Toeplitz.
    pub fn hash(algorithm: u8, value: &[u8]) -> Opt {
        Opt::new(3, [&[algorithm], value].concat())
    }

    /// `epb_dropcount`: packets lost between this one and the one before.
    pub fn dropcount(packets: u64) -> Opt {
        Opt { code: 4, value: Value::U64(packets) }
    }

    /// `epb_packetid`.
    pub fn packetid(id: u64) -> Opt {
        Opt { code: 5, value: Value::U64(id) }
    }

    /// `epb_queue`.
    pub fn queue(number: u32) -> Opt {
        Opt { code: 6, value: Value::U32(number) }
    }

    /// `epb_verdict`: type 1 is Linux eBPF TC, 2 Linux eBPF XDP; both hold 64 bits.
    pub fn verdict(kind: u8, value: u64) -> Opt {
        Opt { code: 7, value: Value::TypedU64(kind, value) }
    }

    /// `epb_processid_threadid`, as two 32-bit numbers.
    pub fn process_thread(process: u32, thread: u32) -> Opt {
        Opt { code: 8, value: Value::Time(u64::from(process) << 32 | u64::from(thread)) }
    }

    /// `isb_starttime`, in units of the interface.
    pub fn starttime(word: u64) -> Opt {
        Opt { code: 2, value: Value::Time(word) }
    }

    /// `isb_endtime`, in units of the interface.
    pub fn endtime(word: u64) -> Opt {
        Opt { code: 3, value: Value::Time(word) }
    }

    /// `isb_ifrecv`.
    pub fn ifrecv(packets: u64) -> Opt {
        Opt { code: 4, value: Value::U64(packets) }
    }

    /// `isb_ifdrop`.
    pub fn ifdrop(packets: u64) -> Opt {
        Opt { code: 5, value: Value::U64(packets) }
    }

    /// A custom option: code 2988 (text) and 2989 (bytes) may be copied to a new file,
    /// 19372 and 19373 may not.
    pub fn custom(code: u16, pen: u32, value: &[u8]) -> Opt {
        Opt { code, value: Value::Private(pen, value.to_vec()) }
    }

    fn value(&self, order: Order) -> Vec<u8> {
        match &self.value {
            Value::Bytes(bytes) => bytes.clone(),
            Value::U32(number) => order.u32(*number).to_vec(),
            Value::U64(number) => order.u64(*number).to_vec(),
            Value::Time(word) => order.time(*word).to_vec(),
            Value::Private(pen, bytes) => [&order.u32(*pen)[..], bytes].concat(),
            Value::TypedU64(kind, number) => [&[*kind][..], &order.u64(*number)].concat(),
        }
    }
}

/// How an option list is laid out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) order: Order,
    /// What fills a value up to a multiple of four.
    pub(crate) pad: u8,
    /// Whether `opt_endofopt` closes the list.
    pub(crate) end: bool,
}

/// The bytes of an option list; an empty list is no bytes, without an end option.
pub(crate) fn encode(options: &[Opt], layout: Layout) -> Vec<u8> {
    let mut bytes = Vec::new();
    for option in options {
        let value = option.value(layout.order);
        let length = u16::try_from(value.len()).expect("an option value has a 16-bit length");
        bytes.extend(layout.order.u16(option.code));
        bytes.extend(layout.order.u16(length));
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), layout.pad);
    }
    if layout.end && !options.is_empty() {
        bytes.extend([0; 4]);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_section_and_text_does_not() {
        let list = [Opt::flags(0x0102), Opt::comment("abc")];
        let layout = |order| Layout { order, pad: 0, end: true };

        //             code  length  value-----  code  length  text-----, pad  end----------
        let little =
            [[2, 0, 4, 0, 2, 1, 0, 0].as_slice(), &[1, 0, 3, 0, b'a', b'b', b'c', 0, 0, 0, 0, 0]];
        let big =
            [[0, 2, 0, 4, 0, 0, 1, 2].as_slice(), &[0, 1, 0, 3, b'a', b'b', b'c', 0, 0, 0, 0, 0]];

        assert_eq!(encode(&list, layout(Order::Little)), little.concat());
        assert_eq!(encode(&list, layout(Order::Big)), big.concat());
    }

    #[test]
    fn padding_and_the_end_option_are_the_callers_choice() {
        let layout = Layout { order: Order::Little, pad: 0xAA, end: false };
        assert_eq!(encode(&[Opt::tsresol(9)], layout), [9, 0, 1, 0, 9, 0xAA, 0xAA, 0xAA]);
        assert_eq!(encode(&[], Layout { end: true, ..layout }), []);
    }
}
