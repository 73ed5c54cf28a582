//! The eight-byte VXLAN header that carries a mirrored frame.
//!
//! Only the I flag decides. Reserved bits are told and not judged: RFC 7348 has receivers ignore
//! them, and machines in the field set them, so a tool that refused such a packet would hide the
//! one that someone is looking for. The one exception is the Generic Protocol Extension, which
//! gives some of them a meaning: when they say that something other than Ethernet follows, there
//! is no frame to hand out. They say so only in a header whose first half is the extension's in
//! every bit; where one is set there that the extension reserves as well, nobody has spoken it.

use crate::{NotMirrored, Vni};

/// The UDP port of VXLAN.
//= https://www.rfc-editor.org/rfc/rfc7348#section-5
//# IANA has assigned the value 4789 for the VXLAN UDP port
pub const VXLAN_PORT: u16 = 4789;

/// Bytes of a VXLAN header.
pub(crate) const VXLAN_LEN: usize = 8;

/// The I flag: the VNI is valid.
pub(crate) const FLAG_I: u8 = 0x08;

/// The P flag of VXLAN-GPE: byte 3 is a Next Protocol field.
//= https://datatracker.ietf.org/doc/html/draft-ietf-nvo3-vxlan-gpe-13#section-3.1
//# The P bit is set to indicate that the Next Protocol field is present.
const FLAG_P: u8 = 0x04;

/// Bits of the first byte that VXLAN-GPE sets to 0: two that it reserves, and its version.
//= https://datatracker.ietf.org/doc/html/draft-ietf-nvo3-vxlan-gpe-13#section-3.1
//# Indicates VXLAN-GPE protocol version. The initial version is 0.
const GPE_ZERO: u8 = 0xf0;

/// The Next Protocol of VXLAN-GPE that means Ethernet.
const NEXT_ETHERNET: u8 = 3;

/// What a VXLAN header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vxlan {
    pub vni: Vni,
    /// Any bit set that RFC 7348 reserves.
    pub reserved_bits: bool,
}

impl Vxlan {
    /// Read a header that a frame follows.
    ///
    /// # Errors
    ///
    /// `NoVni` without the I flag; `Gpe` when something other than Ethernet follows.
    #[inline]
    pub fn read(header: &[u8; VXLAN_LEN]) -> Result<Vxlan, NotMirrored> {
        let [flags, reserved @ .., next_protocol, a, b, c, last] = *header;
        //= https://www.rfc-editor.org/rfc/rfc7348#section-5
        //# the I flag MUST be set to 1 for a valid VXLAN Network ID (VNI)
        if flags & FLAG_I == 0 {
            return Err(NotMirrored::NoVni { flags });
        }
        let is_gpe = flags & (FLAG_P | GPE_ZERO) == FLAG_P && reserved == [0; 2];
        // Zero is no protocol of the extension: someone just set the bit.
        if is_gpe && next_protocol != 0 && next_protocol != NEXT_ETHERNET {
            return Err(NotMirrored::Gpe { next_protocol });
        }
        //= https://www.rfc-editor.org/rfc/rfc7348#section-5
        //# The other 7 bits (designated "R") are reserved fields and MUST be set to zero on
        //# transmission and ignored on receipt.
        let reserved_bits = (flags & !FLAG_I) | next_protocol | last != 0 || reserved != [0; 2];
        Ok(Vxlan { vni: Vni::from_bytes([a, b, c]), reserved_bits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    //                  flags rsvd------------  VNI-------------  rsvd
    const H: [u8; 8] = [0x08, 0x00, 0x00, 0x00, 0x12, 0x34, 0x56, 0x00];

    #[test]
    fn vni_is_the_middle_three_bytes() {
        let vxlan = Vxlan::read(&H).unwrap();
        assert_eq!((vxlan.vni.get(), vxlan.reserved_bits), (0x12_34_56, false));
    }

    /// One bit at a time: a copied mask is the classic mistake in flag tables.
    #[test]
    fn only_the_i_flag_makes_a_vni_valid() {
        for bit in 0..8 {
            let mut h = H;
            h[0] = 1 << bit;
            let want = if bit == 3 { None } else { Some(NotMirrored::NoVni { flags: h[0] }) };
            assert_eq!(Vxlan::read(&h).err(), want, "bit {bit}");
        }
    }

    #[test]
    fn each_reserved_bit_is_told_and_changes_nothing_else() {
        let of_vni = 32..56;
        for bit in (0..64).filter(|bit| !of_vni.contains(bit) && *bit != 4) {
            let mut h = H;
            h[bit / 8] |= 0x80 >> (bit % 8);
            let vxlan = Vxlan::read(&h).unwrap();
            assert_eq!((vxlan.vni.get(), vxlan.reserved_bits), (0x12_34_56, true), "bit {bit}");
        }
    }

    /// Bits that stand at the same place in two reserved bytes.
    #[test]
    fn reserved_bits_do_not_cancel_each_other_out() {
        for bytes in [&[0, 3][..], &[0, 7], &[3, 7], &[1, 2]] {
            let mut h = H;
            bytes.iter().for_each(|&byte| h[byte] |= 0x40);
            assert!(Vxlan::read(&h).unwrap().reserved_bits, "{bytes:?}");
        }
    }

    #[test]
    fn gpe_is_refused_unless_it_carries_ethernet() {
        for next_protocol in 0..=u8::MAX {
            let mut h = H;
            h[0] |= FLAG_P;
            h[3] = next_protocol;
            let want = match next_protocol {
                0 | 3 => None,
                _ => Some(NotMirrored::Gpe { next_protocol }),
            };
            assert_eq!(Vxlan::read(&h).err(), want, "next protocol {next_protocol}");
            // Without the P flag it is a reserved byte like any other.
            h[0] = FLAG_I;
            assert_eq!(Vxlan::read(&h).unwrap().reserved_bits, next_protocol != 0);
        }
    }

    /// The two flags B and O are the extension's own; the byte behind the VNI is reserved by both, and
    /// tells nothing.
    #[test]
    fn a_bit_that_gpe_reserves_makes_it_no_gpe() {
        let of_vni = 32..56;
        let of_next_protocol = 24..32;
        let says_nothing = [4, 5, 6, 7, 56, 57, 58, 59, 60, 61, 62, 63];
        for bit in (0..64).filter(|bit| !of_vni.contains(bit) && !of_next_protocol.contains(bit)) {
            let mut h = [0x0c, 0, 0, 1, 0x12, 0x34, 0x56, 0];
            h[bit / 8] |= 0x80 >> (bit % 8);
            let want = match says_nothing.contains(&bit) {
                true => Err(NotMirrored::Gpe { next_protocol: 1 }),
                false => Ok(0x12_34_56),
            };
            assert_eq!(Vxlan::read(&h).map(|vxlan| vxlan.vni.get()), want, "bit {bit}");
        }
    }
}
