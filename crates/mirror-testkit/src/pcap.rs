//! A classic pcap capture: one header, then records.

use crate::order::Order;

/// What the second half of a record's time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fraction {
    /// Microseconds, magic 0xA1B2C3D4.
    Micro,
    /// Nanoseconds, magic 0xA1B23C4D.
    Nano,
}

/// A capture under construction.
#[derive(Clone, Debug)]
pub struct Pcap {
    order: Order,
    bytes: Vec<u8>,
}

impl Pcap {
    /// An empty capture. `link` is the whole 32-bit word: above the link type, bit 26 and
    /// bits 28-31 may hold the length of a frame check sequence in units of 16 bits.
    pub fn new(order: Order, fraction: Fraction, link: u32) -> Pcap {
        let magic = match fraction {
            Fraction::Micro => 0xA1B2_C3D4,
            Fraction::Nano => 0xA1B2_3C4D,
        };
        let mut bytes = order.u32(magic).to_vec();
        bytes.extend(order.u16(2));
        bytes.extend(order.u16(4));
        bytes.extend([0; 8]);
        bytes.extend(order.u32(262_144));
        bytes.extend(order.u32(link));
        Pcap { order, bytes }
    }

    /// A record: its time, the bytes captured, the length on the wire.
    pub fn record(&mut self, seconds: u32, fraction: u32, data: &[u8], original: u32) -> &mut Pcap {
        self.header(seconds, fraction, data.len() as u32, original).raw(data)
    }

    /// The header of a record alone, with any captured length.
    pub fn header(&mut self, sec: u32, fraction: u32, captured: u32, original: u32) -> &mut Pcap {
        for word in [sec, fraction, captured, original] {
            self.bytes.extend(self.order.u32(word));
        }
        self
    }

    /// Bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Pcap {
        self.bytes.extend(bytes);
        self
    }

    /// The capture as a file holds it.
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_and_record_are_laid_out_as_libpcap_writes_them() {
        let bytes = Pcap::new(Order::Big, Fraction::Nano, 1).record(1, 2, &[0xAB], 3).bytes();
        let want = [
            //  magic------------------  2---  4---  zone------  sigfigs---
            [0xA1, 0xB2, 0x3C, 0x4D, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0].as_slice(),
            //  snaplen--  link------
            &[0, 4, 0, 0, 0, 0, 0, 1],
            //  seconds---  fraction--  captured--  original--  data
            &[0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 0xAB],
        ];
        assert_eq!(bytes, want.concat());
    }
}
