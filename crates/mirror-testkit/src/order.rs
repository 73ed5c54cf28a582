//! Byte order, which a pcapng section chooses for itself.

/// The byte order of a section or of a classic pcap file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl Order {
    /// Two bytes of `value` in this order.
    pub fn u16(self, value: u16) -> [u8; 2] {
        match self {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        }
    }

    /// Four bytes of `value` in this order.
    pub fn u32(self, value: u32) -> [u8; 4] {
        match self {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        }
    }

    /// Eight bytes of `value` in this order.
    pub fn u64(self, value: u64) -> [u8; 8] {
        match self {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        }
    }

    /// The number in the two bytes at `at`, or none if `bytes` ends before.
    pub fn read_u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let word = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(match self {
            Order::Little => u16::from_le_bytes(word),
            Order::Big => u16::from_be_bytes(word),
        })
    }

    /// The number in the four bytes at `at`, or none if `bytes` ends before.
    pub fn read_u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let word = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(match self {
            Order::Little => u32::from_le_bytes(word),
            Order::Big => u32::from_be_bytes(word),
        })
    }

    /// The number in the eight bytes at `at`, or none if `bytes` ends before.
    pub fn read_u64(self, bytes: &[u8], at: usize) -> Option<u64> {
        let word = bytes.get(at..at.checked_add(8)?)?.try_into().ok()?;
        Some(match self {
            Order::Little => u64::from_le_bytes(word),
            Order::Big => u64::from_be_bytes(word),
        })
    }

    /// The time of a pcapng block: the upper half first, whatever the order.
    pub fn read_time(self, bytes: &[u8], at: usize) -> Option<u64> {
        let high = u64::from(self.read_u32(bytes, at)?);
        let low = u64::from(self.read_u32(bytes, at.checked_add(4)?)?);
        Some(high << 32 | low)
    }

    /// The eight bytes of a time of a pcapng block: the upper half first.
    pub fn time(self, word: u64) -> [u8; 8] {
        let [a, b, c, d] = self.u32((word >> 32) as u32);
        let [e, f, g, h] = self.u32(word as u32);
        [a, b, c, d, e, f, g, h]
    }
}
