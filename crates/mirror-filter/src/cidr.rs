//! Address ranges as rules write them.
//!
//! AWS clears the bits behind the prefix of what it is given, and Terraform refuses them. So a
//! range here never has any, and reading one says whether it had, for a person who wrote
//! `10.0.1.7/16` may have meant something else.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A range of IPv4 or IPv6 addresses: a network address and the length of its prefix.
///
/// Ordered by family (IPv4 first), address, then length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    address: IpAddr,
    prefix_len: u8,
}

impl Cidr {
    /// The range around `address` with a prefix of `prefix_len` bits; host bits are cleared.
    /// Nothing for a prefix longer than the address.
    pub fn new(address: IpAddr, prefix_len: u8) -> Option<Cidr> {
        Some(Cidr { address: masked(address, prefix_len)?, prefix_len })
    }

    /// All addresses of the family of `address`.
    pub(crate) fn everywhere(address: IpAddr) -> Cidr {
        let zero = match address {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        Cidr { address: zero, prefix_len: 0 }
    }

    /// The range of one address.
    pub fn host(address: IpAddr) -> Cidr {
        Cidr { address, prefix_len: if address.is_ipv4() { 32 } else { 128 } }
    }

    /// Read `10.0.0.0/16` or `2001:db8::/32`, and whether host bits had to be cleared.
    pub fn parse(text: &str) -> Result<(Cidr, bool), ParseCidrError> {
        let Some((address, len)) = text.split_once('/') else {
            return Err(ParseCidrError::NoPrefix);
        };
        let address: IpAddr = address.parse().map_err(|_| ParseCidrError::Address)?;
        // u8's parser takes signs and leading zeros.
        let digits = len.bytes().all(|byte| byte.is_ascii_digit());
        let prefix_len = match len.parse() {
            Ok(prefix_len) if digits && (len == "0" || !len.starts_with('0')) => prefix_len,
            _ => return Err(ParseCidrError::Prefix),
        };
        let cidr = Cidr::new(address, prefix_len).ok_or(ParseCidrError::Prefix)?;
        Ok((cidr, cidr.address != address))
    }

    /// The first address of the range.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// The last address of the range.
    pub fn last(&self) -> IpAddr {
        let len = u32::from(self.prefix_len);
        // A shift by all bits is none in Rust, hence the check for it.
        match self.address {
            IpAddr::V4(v4) => {
                Ipv4Addr::from_bits(v4.to_bits() | u32::MAX.checked_shr(len).unwrap_or(0)).into()
            }
            IpAddr::V6(v6) => {
                Ipv6Addr::from_bits(v6.to_bits() | u128::MAX.checked_shr(len).unwrap_or(0)).into()
            }
        }
    }

    /// How many leading bits are fixed: 0 to 32, or to 128.
    pub fn prefix_len(&self) -> u8 {
        self.prefix_len
    }

    /// Whether an address is in the range. An IPv4 range has no IPv6 address, mapped ones
    /// included, and the other way round.
    pub fn contains(&self, address: IpAddr) -> bool {
        // A longer prefix than the other family has can't be masked, and isn't equal either.
        masked(address, self.prefix_len) == Some(self.address)
    }
}

impl FromStr for Cidr {
    type Err = ParseCidrError;

    /// As [`Cidr::parse`], silent about host bits.
    fn from_str(text: &str) -> Result<Cidr, ParseCidrError> {
        Cidr::parse(text).map(|(cidr, _)| cidr)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_len)
    }
}

/// The address with all bits behind the prefix cleared, if it has that many.
fn masked(address: IpAddr, prefix_len: u8) -> Option<IpAddr> {
    let len = u32::from(prefix_len);
    // A shift by all bits is none in Rust, hence the check for it.
    Some(match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32_u32.checked_sub(len)?).unwrap_or(0);
            Ipv4Addr::from_bits(v4.to_bits() & mask).into()
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128_u32.checked_sub(len)?).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & mask).into()
        }
    })
}

/// Why a text is no range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseCidrError {
    /// There is no `/`.
    NoPrefix,
    /// What stands before the `/` is no IPv4 or IPv6 address.
    Address,
    /// What stands behind the `/` is no number, or more bits than the address has.
    Prefix,
}

impl fmt::Display for ParseCidrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ParseCidrError::NoPrefix => "range has no prefix length, as in 10.0.0.0/16",
            ParseCidrError::Address => "range does not begin with an IPv4 or IPv6 address",
            ParseCidrError::Prefix => "prefix length is no number of bits that the address has",
        })
    }
}

impl std::error::Error for ParseCidrError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn a_range_is_read_and_written_back() {
        for text in ["0.0.0.0/0", "10.0.0.0/16", "10.0.1.7/32", "::/0", "2001:db8::/56", "::1/128"]
        {
            assert_eq!(Cidr::parse(text).map(|(cidr, _)| cidr.to_string()), Ok(text.to_owned()));
            assert!(!Cidr::parse(text).unwrap().1, "{text} has no host bits");
        }
    }

    #[test]
    fn host_bits_are_cleared_and_reported() {
        assert_eq!(Cidr::parse("10.0.1.7/16"), Ok((cidr("10.0.0.0/16"), true)));
        assert_eq!(Cidr::parse("2001:db8::1/64"), Ok((cidr("2001:db8::/64"), true)));
        assert_eq!(Cidr::parse("128.0.0.0/0"), Ok((cidr("0.0.0.0/0"), true)));
    }

    #[test]
    fn what_is_no_range_is_refused_with_the_part_that_is_wrong() {
        use ParseCidrError::{Address, NoPrefix, Prefix};
        for (text, error) in [
            ("", NoPrefix),
            ("10.0.0.0", NoPrefix),
            ("10.0.0/16", Address),
            ("010.0.0.0/16", Address),
            (" 10.0.0.0/16", Address),
            ("/16", Address),
            ("${Vpc}/16", Address),
            ("10.0.0.0/", Prefix),
            ("10.0.0.0/33", Prefix),
            ("10.0.0.0/+8", Prefix),
            ("10.0.0.0/08", Prefix),
            ("10.0.0.0/16 ", Prefix),
            ("10.0.0.0/16/16", Prefix),
            ("::/129", Prefix),
            ("::/256", Prefix),
        ] {
            assert_eq!(Cidr::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn edges_of_the_lab_ranges() {
        for (range, inside, outside) in [
            ("10.0.0.0/16", ["10.0.0.0", "10.0.255.255"], ["9.255.255.255", "10.1.0.0"]),
            (
                "2001:db8:1234:ab00::/56",
                ["2001:db8:1234:ab00::", "2001:db8:1234:abff:ffff:ffff:ffff:ffff"],
                ["2001:db8:1234:aaff:ffff:ffff:ffff:ffff", "2001:db8:1234:ac00::"],
            ),
        ] {
            let range = cidr(range);
            assert!(inside.iter().all(|address| range.contains(address.parse().unwrap())));
            assert!(!outside.iter().any(|address| range.contains(address.parse().unwrap())));
        }
    }

    #[test]
    fn the_last_address_of_a_range_is_the_last_inside() {
        for (range, last) in [
            ("10.0.0.0/16", "10.0.255.255"),
            ("10.0.1.15/32", "10.0.1.15"),
            ("0.0.0.0/0", "255.255.255.255"),
            ("128.0.0.0/1", "255.255.255.255"),
            ("2001:db8:1234:ab00::/56", "2001:db8:1234:abff:ffff:ffff:ffff:ffff"),
            ("::1/128", "::1"),
            ("::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ] {
            assert_eq!(cidr(range).last(), last.parse::<IpAddr>().unwrap(), "{range}");
        }
    }

    #[test]
    fn all_of_one_family_is_nothing_of_the_other() {
        assert!(!cidr("0.0.0.0/0").contains("::1".parse().unwrap()));
        assert!(!cidr("0.0.0.0/0").contains("::ffff:10.0.0.1".parse().unwrap()));
        assert!(!cidr("::/0").contains("10.0.0.1".parse().unwrap()));
        assert!(!cidr("::/128").contains("0.0.0.0".parse().unwrap()));
    }

    /// The bits of an address, first to last, as `0` and `1`.
    fn bits(address: IpAddr) -> String {
        match address {
            IpAddr::V4(v4) => format!("{:032b}", v4.to_bits()),
            IpAddr::V6(v6) => format!("{:0128b}", v6.to_bits()),
        }
    }

    proptest! {
        #[test]
        fn an_address_is_inside_when_its_first_bits_are_the_prefix(
            base: IpAddr, other: IpAddr, flip in 0_u32..128, len in 0_u8..=128,
        ) {
            let most = if base.is_ipv4() { 32 } else { 128 };
            let Some(range) = Cidr::new(base, len) else {
                prop_assert!(len > most);
                return Ok(());
            };
            // An address near the base, which a random one hardly ever is.
            let near = match base {
                IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() ^ (1 << (flip % 32))).into(),
                IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() ^ (1 << flip)).into(),
            };
            for address in [base, near, other] {
                let same = base.is_ipv4() == address.is_ipv4()
                    && bits(base)[..usize::from(len)] == bits(address)[..usize::from(len)];
                prop_assert_eq!(range.contains(address), same, "{} in {}", address, range);
            }
            prop_assert_eq!(Cidr::parse(&range.to_string()), Ok((range, false)));
        }
    }
}
