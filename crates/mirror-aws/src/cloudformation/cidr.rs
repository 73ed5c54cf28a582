//! `Fn::Cidr`: the first so many parts of an address range.
//!
//! The function speaks of *CIDR bits*, the number of bits that are left for hosts, not of the
//! prefix length: 8 makes a /24 of IPv4, and a /120 of IPv6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use mirror_filter::Cidr;

/// The most ranges that one call makes.
//= https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-cidr.html
//# The number of CIDRs to generate. Valid range is between 1 and 256.
const MOST: u32 = 256;

/// The first `count` ranges with `bits` host bits in `block`. The error is the middle of a message.
pub(super) fn split(block: &str, count: &str, bits: &str) -> Result<Vec<String>, String> {
    let block: Cidr = block.parse().map_err(|error| format!("of Fn::Cidr the {error}"))?;
    let count: u32 = count
        .parse()
        .ok()
        .filter(|count| (1..=MOST).contains(count))
        .ok_or_else(|| format!("Fn::Cidr makes 1 to {MOST} ranges"))?;
    let (first, width) = match block.address() {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()), 32_u8),
        IpAddr::V6(v6) => (v6.to_bits(), 128),
    };
    let prefix_len = bits
        .parse()
        .ok()
        .and_then(|bits: u8| width.checked_sub(bits))
        .filter(|len| *len >= block.prefix_len())
        .ok_or("the CIDR bits of Fn::Cidr aren't in its range")?;
    let spare = prefix_len.saturating_sub(block.prefix_len());
    if 1_u32.checked_shl(spare.into()).is_some_and(|room| count > room) {
        return Err(format!("Fn::Cidr has no room for {count} ranges"));
    }
    Ok((0..count)
        .filter_map(|n| {
            // A shift by all 128 bits is that of the one range that is everything.
            let offset = u128::from(n).checked_shl((width - prefix_len).into()).unwrap_or(0);
            let address = first.checked_add(offset)?;
            let address: IpAddr = match width {
                32 => Ipv4Addr::from_bits(u32::try_from(address).ok()?).into(),
                _ => Ipv6Addr::from_bits(address).into(),
            };
            Some(format!("{address}/{prefix_len}"))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vpc_is_split_into_its_first_subnets() {
        assert_eq!(
            split("10.0.0.0/16", "3", "8").unwrap(),
            ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"]
        );
        assert_eq!(
            split("2001:db8:1234:ab00::/56", "2", "64").unwrap(),
            ["2001:db8:1234:ab00::/64", "2001:db8:1234:ab01::/64"]
        );
    }

    #[test]
    fn the_widest_and_the_narrowest_ranges_are_split_too() {
        assert_eq!(split("0.0.0.0/0", "1", "32").unwrap(), ["0.0.0.0/0"]);
        assert_eq!(split("::/0", "1", "128").unwrap(), ["::/0"]);
        assert_eq!(split("::/0", "2", "127").unwrap(), ["::/1", "8000::/1"]);
        assert_eq!(split("255.255.255.254/31", "2", "0").unwrap().len(), 2);
    }

    #[test]
    fn more_ranges_than_there_are_is_refused() {
        assert!(split("10.0.0.0/24", "256", "0").is_ok());
        assert!(split("10.0.0.0/24", "3", "7").is_err(), "two /25 are in a /24");
        assert!(split("10.0.0.0/24", "1", "9").is_err(), "a /23 is in no /24");
        for count in ["0", "257", "-1", "many", ""] {
            assert!(split("10.0.0.0/8", count, "8").is_err(), "{count:?}");
        }
        for bits in ["33", "-8", "", "256"] {
            assert!(split("10.0.0.0/8", "1", bits).is_err(), "{bits:?}");
        }
        assert!(split("10.0.0.0", "1", "8").is_err());
    }
}
