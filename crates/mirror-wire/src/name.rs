//! The numbers that say where a frame came from, in the form people write them.
//!
//! Each is a newtype, because a VNI, an endpoint and a MAC address are all just numbers that end up
//! side by side in one report line, and a swapped pair would look plausible.

use core::{error, fmt, str::FromStr};

/// A VXLAN Network Identifier: 24 bits, which name the mirror session together with its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vni(u32);

impl Vni {
    /// The VNI of this number, if it fits 24 bits.
    pub const fn new(vni: u32) -> Option<Vni> {
        if vni <= 0xff_ffff { Some(Vni(vni)) } else { None }
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }

    pub(crate) const fn from_bytes([a, b, c]: [u8; 3]) -> Vni {
        Vni(u32::from_be_bytes([0, a, b, c]))
    }

    pub(crate) const fn to_bytes(self) -> [u8; 3] {
        let [_, a, b, c] = self.0.to_be_bytes();
        [a, b, c]
    }
}

impl fmt::Display for Vni {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A Gateway Load Balancer endpoint, by the 64 bits that GENEVE carries of its id.
///
/// Written as AWS writes it: `vpce-` and 17 hexadecimal digits, or 8 for the older, shorter ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint(u64);

impl Endpoint {
    /// The endpoint with this id.
    pub const fn new(id: u64) -> Endpoint {
        Endpoint(id)
    }

    /// The id as a number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 <= u64::from(u32::MAX) {
            write!(f, "vpce-{:08x}", self.0)
        } else {
            write!(f, "vpce-{:017x}", self.0)
        }
    }
}

/// A text that isn't an endpoint id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseEndpointError;

impl fmt::Display for ParseEndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected \"vpce-\" and 1 to 17 lower-case hexadecimal digits of 64 bits")
    }
}

impl error::Error for ParseEndpointError {}

impl FromStr for Endpoint {
    type Err = ParseEndpointError;

    fn from_str(text: &str) -> Result<Endpoint, ParseEndpointError> {
        let digits = text.strip_prefix("vpce-").ok_or(ParseEndpointError)?;
        // `from_str_radix` alone would take a sign, capitals, and any number of zeros.
        let hex = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !hex || !(1..=17).contains(&digits.len()) {
            return Err(ParseEndpointError);
        }
        u64::from_str_radix(digits, 16).map(Endpoint).map_err(|_| ParseEndpointError)
    }
}

/// A MAC address, written `0a:1b:2c:3d:4e:5f`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac([u8; 6]);

impl Mac {
    /// The address of these bytes, in the order in which they are sent.
    pub const fn new(octets: [u8; 6]) -> Mac {
        Mac(octets)
    }

    /// The bytes, in the order in which they are sent.
    pub const fn octets(self) -> [u8; 6] {
        self.0
    }

    /// Whether the address is of a group; the broadcast address is one.
    pub const fn is_multicast(self) -> bool {
        let [first, ..] = self.0;
        first & 1 != 0
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// A text that isn't a MAC address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseMacError;

impl fmt::Display for ParseMacError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected six pairs of hexadecimal digits with colons between them")
    }
}

impl error::Error for ParseMacError {}

impl FromStr for Mac {
    type Err = ParseMacError;

    fn from_str(text: &str) -> Result<Mac, ParseMacError> {
        let mut octets = [0; 6];
        let mut pairs = text.split(':');
        for octet in &mut octets {
            let pair = pairs.next().ok_or(ParseMacError)?;
            if pair.len() != 2 || !pair.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(ParseMacError);
            }
            *octet = u8::from_str_radix(pair, 16).map_err(|_| ParseMacError)?;
        }
        if pairs.next().is_some() { Err(ParseMacError) } else { Ok(Mac(octets)) }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;

    use super::*;

    #[test]
    fn a_vni_has_24_bits() {
        assert_eq!(Vni::new(0).map(Vni::get), Some(0));
        assert_eq!(Vni::new(0xff_ffff).map(Vni::get), Some(16_777_215));
        assert_eq!(Vni::new(0x100_0000), None);
        assert_eq!(Vni::new(u32::MAX), None);
        assert_eq!(Vni::new(308_308).unwrap().to_string(), "308308");
        assert_eq!(Vni::new(308_308).unwrap().to_bytes(), [0x04, 0xb4, 0x54]);
        assert_eq!(Vni::from_bytes([0x04, 0xb4, 0x54]).get(), 308_308);
    }

    #[test]
    fn endpoints_are_written_as_aws_writes_them() {
        for (id, text) in [
            (0, "vpce-00000000"),
            (0x1a2b_3c4d, "vpce-1a2b3c4d"),
            (0xffff_ffff, "vpce-ffffffff"),
            (0x1_0000_0000, "vpce-00000000100000000"),
            (0x0a1b_2c3d_4e5f_6071, "vpce-00a1b2c3d4e5f6071"),
            (u64::MAX, "vpce-0ffffffffffffffff"),
        ] {
            assert_eq!(Endpoint::new(id).to_string(), text);
            assert_eq!(text.parse(), Ok(Endpoint::new(id)));
        }
        assert_eq!("vpce-a".parse(), Ok(Endpoint::new(10)));
    }

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for text in [
            "",
            "vpce-",
            "vpce-g",
            "vpce-A",
            "vpce-+1",
            "vpce--1",
            "vpce- 1",
            "vpce-1 ",
            "vpc-1",
            "1a2b3c4d",
            "VPCE-1",
            "vpce-10000000000000000",  // 17 digits, 65 bits
            "vpce-000000000000000001", // 18 digits
            "vpce-é",
        ] {
            assert_eq!(text.parse::<Endpoint>(), Err(ParseEndpointError), "{text:?}");
        }
    }

    #[test]
    fn mac_addresses_are_read_in_either_case_and_written_in_lower() {
        let mac = Mac::new([0x02, 0x2f, 0x8f, 0xb0, 0xcf, 0x75]);
        assert_eq!("02:2f:8f:b0:cf:75".parse(), Ok(mac));
        assert_eq!("02:2F:8f:B0:Cf:75".parse(), Ok(mac));
        assert_eq!(mac.to_string(), "02:2f:8f:b0:cf:75");
        assert_eq!(mac.octets(), [0x02, 0x2f, 0x8f, 0xb0, 0xcf, 0x75]);
    }

    #[test]
    fn what_is_no_mac_address_is_refused() {
        for text in [
            "",
            "02:2f:8f:b0:cf",
            "02:2f:8f:b0:cf:75:00",
            "02:2f:8f:b0:cf:",
            "02:2f:8f:b0:cf:7",
            "02:2f:8f:b0:cf:755",
            "02:2f:8f:b0:cf:+5",
            "02:2f:8f:b0:cf:0g",
            "02-2f-8f-b0-cf-75",
            "022f8fb0cf75",
            "02:2f:8f:b0:cf:é",
            " 02:2f:8f:b0:cf:75",
        ] {
            assert_eq!(text.parse::<Mac>(), Err(ParseMacError), "{text:?}");
        }
    }

    #[test]
    fn the_lowest_bit_sent_makes_a_group_address() {
        for bit in 0..48 {
            let mut octets = [0; 6];
            octets[bit / 8] = 1 << (bit % 8);
            assert_eq!(Mac::new(octets).is_multicast(), bit == 0, "bit {bit}");
        }
    }
}
