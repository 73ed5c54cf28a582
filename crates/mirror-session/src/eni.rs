//! What documents say of a source ENI, and which way its packets went.
//!
//! From the packets alone the ENI's MAC has to be learnt and its other addresses stay unknown
//! ([`DirectionSense`](crate::DirectionSense)). A document names both, so nothing is learnt here,
//! and one packet is judged like every other.
//!
//! The MAC is asked first. It is the ENI's on every frame that it sends and on every frame
//! addressed to it alone, whatever is inside, ARP included. Addresses are not: an ENI that routes
//! (source/destination check off) carries packets of which neither end is its own. They decide
//! where the MAC is silent, because the document doesn't have it or the frame doesn't bear it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use mirror_wire::{Inner, Mac};

use crate::Sensed;
use crate::direction::Sign;

/// A network interface as documents describe it. What they don't say is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Eni {
    /// `eni-…`.
    pub id: Option<String>,
    /// Its tag `Name`, or its place in a template.
    pub name: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// Its MAC address.
    pub mac: Option<Mac>,
    /// Its private addresses, IPv4 and IPv6; the first of each family is the primary one.
    pub addresses: Vec<IpAddr>,
    /// Prefixes that were delegated to it: each address in them is its own too.
    pub prefixes: Vec<Prefix>,
}

impl Eni {
    /// The addresses that a mirrored packet of this ENI may come from: the primary one of each
    /// family.
    //= https://docs.aws.amazon.com/vpc/latest/mirroring/traffic-mirroring-packet-formats.html
    //# Source IP address — The primary IP address of the source network interface.
    pub fn sources(&self) -> impl Iterator<Item = IpAddr> {
        let of = |v4: bool| self.addresses.iter().find(move |address| address.is_ipv4() == v4);
        [of(true), of(false)].into_iter().flatten().copied()
    }

    /// Whether the address is one of the ENI's, or in a prefix of the ENI's.
    #[inline]
    pub fn holds(&self, address: IpAddr) -> bool {
        self.addresses.contains(&address)
            || self.prefixes.iter().any(|prefix| prefix.contains(address))
    }

    /// Which way a frame of a session of this ENI went.
    ///
    /// A contradiction (the MAC at both ends; the MAC says egress, the addresses say ingress) is a
    /// conflict. Own addresses at both ends contradict nothing: a load balancer in between returns
    /// such packets. They merely tell nothing.
    ///
    /// Where nothing is told and nothing contradicts, the packets alone may still know:
    /// [`DirectionSense::observe`](crate::DirectionSense::observe).
    #[inline]
    pub fn direction(&self, inner: &Inner) -> Sensed {
        // A document that gives a group address as MAC is mistaken. Believed, it would make
        // ingress of all broadcasts.
        let by_mac = match self.mac.filter(|mac| !mac.is_multicast()) {
            Some(mac) => Sign::of(inner.source == mac, inner.destination == mac),
            None => Sign::Silent,
        };
        let by_address = match inner.addresses {
            Some((source, destination)) => Sign::of(self.holds(source), self.holds(destination)),
            None => Sign::Silent,
        };
        match (by_mac, by_address) {
            (Sign::BothEnds, _) => Sensed::CONFLICT,
            (Sign::Tells(mac), Sign::Tells(address)) if mac != address => Sensed::CONFLICT,
            (Sign::Tells(direction), _) | (Sign::Silent, Sign::Tells(direction)) => {
                Sensed::told(direction)
            }
            (Sign::Silent, Sign::Silent | Sign::BothEnds) => Sensed::UNKNOWN,
        }
    }
}

/// A range of addresses that begins alike, as AWS delegates it to an ENI: `10.0.1.16/28`.
///
/// The bits of [`address`](Prefix::address) behind the prefix are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    address: IpAddr,
    len: u8,
}

impl Prefix {
    /// The prefix of `len` bits that `address` is in; `None` if addresses of its family have fewer
    /// bits.
    pub fn new(address: IpAddr, len: u8) -> Option<Prefix> {
        (len <= family_bits(address)).then(|| Prefix { address: masked(address, len), len })
    }

    /// The first address in it.
    pub const fn address(self) -> IpAddr {
        self.address
    }

    /// How many bits its addresses share.
    pub const fn bits(self) -> u8 {
        self.len
    }

    /// Whether the address is in it. One of the other family never is.
    #[inline]
    pub fn contains(self, address: IpAddr) -> bool {
        // How many bits they begin with alike.
        let alike = match (self.address, address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
            (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
        };
        alike >= u32::from(self.len)
    }
}

/// How many bits the addresses of this one's family have.
fn family_bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The address with all but its first `len` bits zero.
fn masked(address: IpAddr, len: u8) -> IpAddr {
    let behind = u32::from(family_bits(address).saturating_sub(len));
    match address {
        // A shift by all bits of the number has no answer: nothing is left of it.
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(behind).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(behind).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & mask).into())
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.len)
    }
}

/// Why a text is no prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParsePrefixError {
    /// It isn't an address, a slash, and a number of bits that such an address has.
    Malformed,
    /// Bits behind the prefix are set. Someone meant an address, or counted wrong.
    HostBits {
        /// The prefix that the text is in.
        within: Prefix,
    },
}

impl fmt::Display for ParsePrefixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParsePrefixError::Malformed => f.write_str("expected ADDRESS/BITS"),
            ParsePrefixError::HostBits { within } => {
                write!(f, "expected no bits set behind the prefix, as in {within}")
            }
        }
    }
}

impl std::error::Error for ParsePrefixError {}

impl FromStr for Prefix {
    type Err = ParsePrefixError;

    fn from_str(text: &str) -> Result<Prefix, ParsePrefixError> {
        let (address, len) = text.split_once('/').ok_or(ParsePrefixError::Malformed)?;
        let address = address.parse().map_err(|_| ParsePrefixError::Malformed)?;
        // `u8::from_str` alone would take a sign and zeros in front.
        let plain = len.bytes().all(|byte| byte.is_ascii_digit()) && !len.starts_with('0');
        let len = len.parse().ok().filter(|_| plain || len == "0");
        let prefix =
            len.and_then(|len| Prefix::new(address, len)).ok_or(ParsePrefixError::Malformed)?;
        if prefix.address == address {
            Ok(prefix)
        } else {
            Err(ParsePrefixError::HostBits { within: prefix })
        }
    }
}

#[cfg(test)]
mod tests;
