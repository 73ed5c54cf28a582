//! Sessions as rows of a table, which people edit in the viewer.
//!
//! A row is what fits into a line of text fields, so it says less than a sessions file. Its columns
//! are fixed: viewers keep such tables as files with nothing but values in them, and one more
//! column would make every file of before unreadable.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use mirror_session::{
    Eni, FilterName, KnownSession, ParsePrefixError, Picture, Prefix, Target, TargetKind,
};
use mirror_wire::{Endpoint, Vni};

use crate::printable;

/// A row as people write it. What is empty isn't known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Row<'a> {
    /// The VXLAN network identifier; the one that must be there.
    pub vni: &'a str,
    /// The source ENI's addresses, the primary ones first, and prefixes delegated to it; between
    /// them spaces or commas.
    pub source: &'a str,
    /// The session's name.
    pub name: &'a str,
    /// `tms-…`.
    pub session: &'a str,
    /// The session number.
    pub number: &'a str,
    /// The source ENI's id.
    pub eni: &'a str,
    /// The mirror target's id.
    pub target: &'a str,
    /// The mirror filter's id.
    pub filter: &'a str,
    /// The id of the Gateway Load Balancer endpoint that is the target.
    pub endpoint: &'a str,
    /// The source ENI's MAC address.
    pub mac: &'a str,
    /// The PacketLength.
    pub packet_length: &'a str,
}

/// What is wrong with a row: the column, what was found and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    column: &'static str,
    found: String,
    expected: &'static str,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RowError { column, found, expected } = self;
        write!(f, "{column}: found \"{}\", expected {expected}", printable(found))
    }
}

impl std::error::Error for RowError {}

/// How much of a wrong value is shown, in characters.
const SHOWN: usize = 60;

impl Row<'_> {
    /// The session that the row describes.
    ///
    /// # Errors
    ///
    /// The first column that can't be read.
    pub fn session(&self) -> Result<KnownSession, RowError> {
        let vni = number("vni", self.vni, "a number from 0 to 16777215", Vni::new)?;
        if vni.is_none() {
            return Err(error("vni", self.vni, "a number from 0 to 16777215"));
        }
        let mut eni = Eni {
            id: text(self.eni),
            mac: parsed("mac", self.mac, "six pairs of hexadecimal digits, 0a:1b:2c:3d:4e:5f")?,
            ..Eni::default()
        };
        for item in self.source.split([' ', ',']).filter(|item| !item.is_empty()) {
            add_address(item, &mut eni)?;
        }
        let endpoint: Option<Endpoint> =
            parsed("endpoint", self.endpoint, "the id of an endpoint, vpce-0a1b2c3d4e5f60718")?;
        let kind =
            endpoint.map(|endpoint| TargetKind::GatewayLoadBalancerEndpoint(endpoint.to_string()));
        let target = Target { id: text(self.target), kind, ..Target::default() };
        let filter = FilterName { id: text(self.filter), ..FilterName::default() };
        Ok(KnownSession {
            id: text(self.session),
            name: text(self.name),
            description: None,
            number: number("number", self.number, "a number from 1 to 32766", |number| {
                u16::try_from(number).ok().filter(|number| (1..=32_766).contains(number))
            })?,
            vni,
            packet_length: number(
                "packet_length",
                self.packet_length,
                "a number of bytes, 1 or more",
                |length| (length > 0).then_some(length),
            )?,
            eni: (eni != Eni::default()).then_some(eni),
            target: (target != Target::default()).then_some(target),
            filter: (filter != FilterName::default()).then_some(filter),
        })
    }
}

/// Put an address or a prefix where it belongs.
fn add_address(item: &str, eni: &mut Eni) -> Result<(), RowError> {
    const EXPECTED: &str = "addresses, and prefixes such as 10.0.1.16/28, with spaces between them";
    if let Ok(address) = item.parse::<IpAddr>() {
        eni.addresses.push(address);
        return Ok(());
    }
    match item.parse::<Prefix>() {
        Ok(prefix) => eni.prefixes.push(prefix),
        Err(ParsePrefixError::HostBits { .. }) => {
            return Err(error("source", item, "a prefix whose bits behind the length are zero"));
        }
        Err(_) => return Err(error("source", item, EXPECTED)),
    }
    Ok(())
}

fn text(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_owned())
}

fn parsed<T: FromStr>(
    column: &'static str,
    value: &str,
    expected: &'static str,
) -> Result<Option<T>, RowError> {
    if value.is_empty() {
        return Ok(None);
    }
    value.parse().map(Some).map_err(|_| error(column, value, expected))
}

/// A number in decimal digits that `make` can make something of.
fn number<T>(
    column: &'static str,
    value: &str,
    expected: &'static str,
    make: impl FnOnce(u32) -> Option<T>,
) -> Result<Option<T>, RowError> {
    if value.is_empty() {
        return Ok(None);
    }
    // `u32::from_str` alone would take a sign.
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let number = value.parse().ok().filter(|_| digits).and_then(make);
    number.map(Some).ok_or_else(|| error(column, value, expected))
}

fn error(column: &'static str, found: &str, expected: &'static str) -> RowError {
    RowError { column, found: found.chars().take(SHOWN).collect(), expected }
}

/// What a sessions file and the rows say together.
///
/// A row stands in for the sessions of the file that have its VNI and one of its source addresses,
/// or its VNI and, like it, no address: who edits the table means to put the file right.
pub fn join(file: Picture, rows: Vec<KnownSession>) -> Picture {
    let mut sessions = file.into_sessions();
    sessions.retain(|session| !rows.iter().any(|row| stands_in(row, session)));
    sessions.extend(rows);
    Picture::new(sessions)
}

fn stands_in(row: &KnownSession, session: &KnownSession) -> bool {
    let sources = |session: &KnownSession| -> Vec<IpAddr> {
        session.eni.iter().flat_map(Eni::sources).collect()
    };
    let (of_row, of_session) = (sources(row), sources(session));
    let same_source = if of_row.is_empty() {
        of_session.is_empty()
    } else {
        of_row.iter().any(|source| of_session.contains(source))
    };
    row.vni == session.vni && same_source
}

#[cfg(test)]
mod tests;
