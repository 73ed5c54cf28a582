//! The byte order of a section, known only at run time.
//!
//! A branch on a value that never changes within a section costs nothing next
//! to the memory traffic of a packet, and spares every caller a type parameter.

/// In which order a section's numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    /// Least significant byte first, as x86 and Arm machines write.
    Little,
    /// Most significant byte first.
    Big,
}

impl ByteOrder {
    /// Read 16 bits.
    #[inline]
    pub fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            ByteOrder::Little => u16::from_le_bytes(bytes),
            ByteOrder::Big => u16::from_be_bytes(bytes),
        }
    }

    /// Read 32 bits.
    #[inline]
    pub fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            ByteOrder::Little => u32::from_le_bytes(bytes),
            ByteOrder::Big => u32::from_be_bytes(bytes),
        }
    }

    /// Read 64 bits.
    #[inline]
    pub fn u64(self, bytes: [u8; 8]) -> u64 {
        match self {
            ByteOrder::Little => u64::from_le_bytes(bytes),
            ByteOrder::Big => u64::from_be_bytes(bytes),
        }
    }

    /// Write 16 bits.
    #[inline]
    pub fn bytes16(self, value: u16) -> [u8; 2] {
        match self {
            ByteOrder::Little => value.to_le_bytes(),
            ByteOrder::Big => value.to_be_bytes(),
        }
    }

    /// Write 32 bits.
    #[inline]
    pub fn bytes32(self, value: u32) -> [u8; 4] {
        match self {
            ByteOrder::Little => value.to_le_bytes(),
            ByteOrder::Big => value.to_be_bytes(),
        }
    }

    /// Write 64 bits.
    #[inline]
    pub fn bytes64(self, value: u64) -> [u8; 8] {
        match self {
            ByteOrder::Little => value.to_le_bytes(),
            ByteOrder::Big => value.to_be_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_is_the_lowest_or_the_highest() {
        let (little, big) = (ByteOrder::Little, ByteOrder::Big);
        assert_eq!(little.bytes64(0x0102_0304_0506_0708), [8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(big.bytes64(0x0102_0304_0506_0708), [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(little.bytes32(0x0102_0304), [4, 3, 2, 1]);
        assert_eq!(big.bytes32(0x0102_0304), [1, 2, 3, 4]);
        assert_eq!(little.u32([4, 3, 2, 1]), 0x0102_0304);
        assert_eq!(big.u16([1, 2]), 0x0102);
    }
}
