//! Tables of flows: what people have of traffic when they have no capture.
//!
//! Two programs write such tables every day. `tshark -T fields` writes a row for each packet, with
//! columns of the names that display filters have; VPC flow logs have a row for some minutes of a
//! flow, with columns of AWS's names and counts of packets and bytes. One reader takes both, for
//! they differ only in how columns are divided and named:
//!
//! | Meaning | Columns, the first that has a value |
//! |---|---|
//! | source address | `ip.src`, `ipv6.src`, `pkt-srcaddr`, `srcaddr` |
//! | destination address | `ip.dst`, `ipv6.dst`, `pkt-dstaddr`, `dstaddr` |
//! | protocol | `ip.proto`, `ipv6.nxt`, `protocol` |
//! | source port | `tcp.srcport`, `udp.srcport`, by the protocol; `srcport` |
//! | destination port | `tcp.dstport`, `udp.dstport`, by the protocol; `dstport` |
//! | a later fragment, if it isn't 0 | `ip.frag_offset`, `ipv6.fraghdr.offset` |
//! | ICMPv6 type | `icmpv6.type` |
//! | EtherType, for rows without addresses, or with those of both IP versions | `eth.type` |
//! | MAC addresses | `eth.src`, `eth.dst` |
//! | direction | `direction`, `flow-direction`: `ingress` or `egress`; `frame.packet_flags_direction`: 1 or 2 |
//! | network interface | `interface-id` |
//! | packets, 1 without it | `packets` |
//! | bytes | `frame.len`, `bytes` |
//! | time | `frame.time_epoch`, `start`, with `end` |
//! | whether a security group or network ACL let it pass | `action`: `ACCEPT` or `REJECT` |
//! | whether the row tells of traffic | `log-status`: `OK`, `NODATA` or `SKIPDATA` |
//!
//! `-` is AWS's word for nothing. A column with another name is passed over ([`Table::ignored`]).
//! A cell with several values, which tshark prints of a packet with several headers of a kind, is
//! an error: which one rules see is not to be guessed. Nor is it of a packet in a packet of the other
//! IP version, which has addresses in the columns of both: what tells the outer one is the EtherType,
//! or that one of the two says it has the other inside.

mod cell;

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use mirror_wire::{Direction, Flow, Mac, Missing, NoFlow, Ports, Seen};

use self::cell::{Separator, cells};

/// The longest line that is read, in bytes.
pub const MAX_LINE: usize = 1 << 16;

/// The columns of a table.
#[derive(Clone, Debug)]
pub struct Table {
    separator: Separator,
    columns: Vec<Option<Column>>,
    ignored: Vec<String>,
}

/// A row: packets of one flow.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What rules look at; none if the row has neither addresses nor an EtherType, as of a packet
    /// whose addresses stand in columns that aren't there.
    pub seen: Option<Result<Seen, NoFlow>>,
    /// Source and destination MAC address.
    pub macs: Option<(Mac, Mac)>,
    /// The direction that it names.
    pub direction: Option<Direction>,
    /// Whether that is the capture's word, not the interface's.
    pub captured: bool,
    /// The id of the interface that it names.
    pub interface: Option<String>,
    /// Packets in it.
    pub packets: u64,
    /// Bytes of them all.
    pub bytes: u64,
    /// From when to when, in nanoseconds since 1970.
    pub time: Option<(i128, i128)>,
    /// Whether it was dropped by a security group or network ACL; by which of them, no log says.
    pub dropped: bool,
}

/// What a line of a table is.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// Traffic.
    Row(Box<Row>),
    /// A flow log's word that there was none.
    NoData,
    /// A flow log's word that there was some which it doesn't tell.
    SkipData,
    /// Nothing.
    Empty,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Source(u8),
    Destination(u8),
    Protocol(u8),
    Next,
    TcpSource,
    TcpDestination,
    UdpSource,
    UdpDestination,
    AnySource,
    AnyDestination,
    FragmentOffset(u8),
    IcmpType,
    EtherType,
    MacSource,
    MacDestination,
    Direction,
    Flags,
    Interface,
    Packets,
    Bytes(u8),
    Time,
    Start,
    End,
    Action,
    Status,
}

/// Each name, and what stands in its column. Of columns with the same meaning the number says which
/// is looked at first.
const COLUMNS: [(&str, Column); 35] = [
    ("action", Column::Action),
    ("bytes", Column::Bytes(1)),
    ("direction", Column::Direction),
    ("dstaddr", Column::Destination(3)),
    ("dstport", Column::AnyDestination),
    ("end", Column::End),
    ("eth.dst", Column::MacDestination),
    ("eth.src", Column::MacSource),
    ("eth.type", Column::EtherType),
    ("flow-direction", Column::Direction),
    ("frame.len", Column::Bytes(0)),
    ("frame.packet_flags_direction", Column::Flags),
    ("frame.time_epoch", Column::Time),
    ("icmpv6.type", Column::IcmpType),
    ("interface-id", Column::Interface),
    ("ip.dst", Column::Destination(0)),
    ("ip.frag_offset", Column::FragmentOffset(0)),
    ("ip.proto", Column::Protocol(0)),
    ("ip.src", Column::Source(0)),
    ("ipv6.dst", Column::Destination(1)),
    ("ipv6.fraghdr.offset", Column::FragmentOffset(1)),
    ("ipv6.nxt", Column::Next),
    ("ipv6.src", Column::Source(1)),
    ("log-status", Column::Status),
    ("packets", Column::Packets),
    ("pkt-dstaddr", Column::Destination(2)),
    ("pkt-srcaddr", Column::Source(2)),
    ("protocol", Column::Protocol(1)),
    ("srcaddr", Column::Source(3)),
    ("srcport", Column::AnySource),
    ("start", Column::Start),
    ("tcp.dstport", Column::TcpDestination),
    ("tcp.srcport", Column::TcpSource),
    ("udp.dstport", Column::UdpDestination),
    ("udp.srcport", Column::UdpSource),
];

/// The names of all columns that are read, in their order.
pub fn column_names() -> impl Iterator<Item = &'static str> {
    COLUMNS.iter().map(|(name, _)| *name)
}

/// Why a table can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableError {
    /// A line is not UTF-8.
    NotText,
    /// A line is longer than [`MAX_LINE`].
    TooLong,
    /// A quote is opened and not closed.
    OpenQuote,
    /// The first line names no column of addresses.
    NoAddresses,
    /// A column is there twice.
    Twice(String),
    /// A row has another number of cells than the first line.
    Cells {
        /// Cells in the row.
        found: usize,
        /// Columns.
        expected: usize,
    },
    /// A cell has several values.
    Several {
        /// The column.
        column: &'static str,
        /// The cell.
        found: String,
    },
    /// A cell isn't what stands in such a column.
    Cell {
        /// The column.
        column: &'static str,
        /// The cell.
        found: String,
        /// What would.
        expected: &'static str,
    },
    /// A row has one address only, or two of different families.
    Addresses,
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TableError::NotText => f.write_str("found bytes that are not UTF-8, expected text"),
            TableError::TooLong => {
                write!(f, "found a line of more than {MAX_LINE} bytes, expected a row")
            }
            TableError::OpenQuote => f.write_str("found a quote that isn't closed on its line"),
            TableError::NoAddresses => f.write_str(
                "found no columns of addresses, expected a first line with names such as ip.src \
                 and ip.dst, or srcaddr and dstaddr",
            ),
            TableError::Twice(name) => write!(f, "found column {} twice", Shown(name)),
            TableError::Cells { found, expected } => {
                let s = if *found == 1 { "" } else { "s" };
                write!(f, "found {found} cell{s}, expected {expected} as in the first line")
            }
            TableError::Several { column, found } => write!(
                f,
                "column {column}: found several values, {}, expected one; tshark prints the first \
                 with -E occurrence=f",
                Shown(found)
            ),
            TableError::Cell { column, found, expected } => {
                write!(f, "column {column}: found {}, expected {expected}", Shown(found))
            }
            TableError::Addresses => f.write_str("expected two addresses of one family, or none"),
        }
    }
}

impl std::error::Error for TableError {}

/// A text of a table in quotes, printable, and not longer than it helps.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for c in self.0.chars().take(60) {
            if matches!(c, ' '..='~') {
                write!(f, "{c}")?;
            } else {
                write!(f, "{}", c.escape_unicode())?;
            }
        }
        f.write_str(if self.0.chars().nth(60).is_some() { "...\"" } else { "\"" })
    }
}

impl Table {
    /// Read the first line: which columns there are, and what divides them. A tab if there is one,
    /// else a comma, else spaces.
    ///
    /// # Errors
    ///
    /// If it isn't the first line of a table that says anything about flows.
    pub fn new(line: &[u8]) -> Result<Table, TableError> {
        let text = text(line)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let separator = Separator::of(text);
        let mut columns: Vec<Option<Column>> = Vec::new();
        let mut ignored = Vec::new();
        for name in cells(text, separator)? {
            // Athena has underscores where AWS has hyphens.
            let hyphens = name.replace('_', "-");
            let is = |known: &&str| *known == name || (!name.contains('.') && **known == hyphens);
            let column = COLUMNS.iter().find(|(known, _)| is(known)).map(|(_, column)| *column);
            match column {
                Some(column) if columns.contains(&Some(column)) => {
                    return Err(TableError::Twice(name.into_owned()));
                }
                Some(_) => {}
                None => ignored.push(name.into_owned()),
            }
            columns.push(column);
        }
        let has = |is: fn(&Column) -> bool| columns.iter().flatten().any(is);
        if !has(|column| matches!(column, Column::Source(_)))
            || !has(|column| matches!(column, Column::Destination(_)))
        {
            return Err(TableError::NoAddresses);
        }
        Ok(Table { separator, columns, ignored })
    }

    /// The names of the columns that mean nothing here.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// Whether rows have times.
    pub fn has_times(&self) -> bool {
        self.columns.contains(&Some(Column::Time)) || self.columns.contains(&Some(Column::Start))
    }

    /// Whether rows say how many packets they stand for: then lengths of single packets aren't
    /// known.
    pub fn has_counts(&self) -> bool {
        self.columns.contains(&Some(Column::Packets))
    }

    /// Read a line.
    ///
    /// # Errors
    ///
    /// If a cell isn't what its column says; the place of the row is for who counts them.
    pub fn line(&self, line: &[u8]) -> Result<Line, TableError> {
        let text = text(line)?;
        if text.trim_matches(' ').is_empty() {
            return Ok(Line::Empty);
        }
        let cells = cells(text, self.separator)?;
        if cells.len() != self.columns.len() {
            let (found, expected) = (cells.len(), self.columns.len());
            return Err(TableError::Cells { found, expected });
        }
        let cells = Cells { columns: &self.columns, cells: &cells };
        let status = cells.get(Column::Status)?;
        match status {
            Some("NODATA") => return Ok(Line::NoData),
            Some("SKIPDATA") => return Ok(Line::SkipData),
            Some("OK") | None => {}
            Some(_) => return Err(cells.wrong(Column::Status, "OK, NODATA or SKIPDATA")),
        }
        cells.row().map(|row| Line::Row(Box::new(row)))
    }
}

fn text(line: &[u8]) -> Result<&str, TableError> {
    if line.len() > MAX_LINE {
        return Err(TableError::TooLong);
    }
    let text = std::str::from_utf8(line).map_err(|_| TableError::NotText)?;
    Ok(text.trim_end_matches(['\n', '\r']))
}

/// The columns that tshark fills of an IPv4 header, and of an IPv6 header.
const V4: u8 = 0;
const V6: u8 = 1;

/// Which columns have the addresses that rules see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outer {
    /// Those that have any.
    Only,
    /// Of two IP versions, these.
    Columns(u8),
    /// Of two IP versions, nothing says which.
    Unknown,
}

/// A row that is being read.
struct Cells<'a> {
    columns: &'a [Option<Column>],
    cells: &'a [Cow<'a, str>],
}

impl<'a> Cells<'a> {
    /// The cell of a column, if there is one and something in it.
    fn get(&self, column: Column) -> Result<Option<&'a str>, TableError> {
        let mut both = self.columns.iter().zip(self.cells);
        let Some((_, cell)) = both.find(|(known, _)| **known == Some(column)) else {
            return Ok(None);
        };
        let value = cell.trim();
        if value.is_empty() || value == "-" {
            return Ok(None);
        }
        if value.contains([',', ';']) {
            let (column, found) = (name(column), value.to_owned());
            return Err(TableError::Several { column, found });
        }
        Ok(Some(value))
    }

    fn wrong(&self, column: Column, expected: &'static str) -> TableError {
        let found = self.get(column).ok().flatten().map(str::to_owned);
        TableError::Cell { column: name(column), found: found.unwrap_or_default(), expected }
    }

    fn parse<T>(
        &self,
        column: Column,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, TableError> {
        match self.get(column)? {
            Some(cell) => match parse(cell) {
                Some(value) => Ok(Some(value)),
                None => Err(self.wrong(column, expected)),
            },
            None => Ok(None),
        }
    }

    fn number(&self, column: Column) -> Result<Option<u64>, TableError> {
        self.parse(column, "a number", number)
    }

    fn small<T: TryFrom<u64>>(
        &self,
        column: Column,
        expected: &'static str,
    ) -> Result<Option<T>, TableError> {
        self.parse(column, expected, |text| T::try_from(number(text)?).ok())
    }

    /// Of a packet in a packet of the other IP version, which has addresses in the columns of both,
    /// those of the outer one.
    fn outer(&self) -> Result<Outer, TableError> {
        let [v4, v6] = [V4, V6].map(|place| self.get(Column::Source(place)));
        if v4?.is_none() || v6?.is_none() {
            return Ok(Outer::Only);
        }
        match self.number(Column::EtherType)? {
            Some(0x0800) => return Ok(Outer::Columns(V4)),
            Some(0x86dd) => return Ok(Outer::Columns(V6)),
            _ => {}
        }
        // Either may say that it has the other inside, if not both do.
        let has_v6 = self.number(Column::Protocol(0))? == Some(41);
        let has_v4 = self.number(Column::Next)? == Some(4);
        Ok(match (has_v6, has_v4) {
            (true, false) => Outer::Columns(V4),
            (false, true) => Outer::Columns(V6),
            _ => Outer::Unknown,
        })
    }

    /// The first address of the columns that can have it.
    fn address(
        &self,
        column: fn(u8) -> Column,
        outer: Outer,
    ) -> Result<Option<IpAddr>, TableError> {
        let places = match outer {
            Outer::Only => 0..4,
            Outer::Columns(place) => place..place + 1,
            Outer::Unknown => 0..0,
        };
        for place in places {
            let address = self.parse(column(place), "an address", |text| text.parse().ok())?;
            if address.is_some() {
                return Ok(address);
            }
        }
        Ok(None)
    }

    fn row(&self) -> Result<Row, TableError> {
        let outer = self.outer()?;
        let ends = [Column::Source, Column::Destination].map(|column| self.address(column, outer));
        let [source, destination] = ends;
        let seen = match (source?, destination?) {
            (Some(source), Some(destination)) if source.is_ipv4() == destination.is_ipv4() => {
                Some(Ok(self.seen(source, destination, outer)?))
            }
            (None, None) if outer == Outer::Unknown => None,
            (None, None) => {
                let ether_type = self.small(Column::EtherType, "an EtherType")?;
                ether_type.map(|one| match one {
                    // IP without addresses: in columns that aren't there, or cut off.
                    0x0800 | 0x86dd => Err(NoFlow::Cut),
                    _ => Err(NoFlow::NotIp { ether_type }),
                })
            }
            _ => return Err(TableError::Addresses),
        };
        let mac = |column| self.parse(column, "a MAC address", |text| text.parse().ok());
        let told = self.parse(Column::Direction, "ingress or egress", |text| {
            text.to_ascii_lowercase().parse().ok()
        })?;
        let captured = match self.number(Column::Flags)? {
            Some(1) => Some(Direction::Ingress),
            Some(2) => Some(Direction::Egress),
            _ => None,
        };
        let packets = self.number(Column::Packets)?.unwrap_or(1);
        let bytes = match self.number(Column::Bytes(0))? {
            Some(len) => Some(len.saturating_mul(packets)),
            None => self.number(Column::Bytes(1))?,
        };
        let time = self.parse(Column::Time, "seconds since 1970", nanoseconds)?;
        let time = match time {
            Some(time) => Some((time, time)),
            None => {
                let [start, end] = [Column::Start, Column::End]
                    .map(|column| self.parse(column, "seconds since 1970", nanoseconds));
                let (start, end) = (start?, end?);
                start.map(|start| (start, end.unwrap_or(start).max(start)))
            }
        };
        let action = self.parse(Column::Action, "ACCEPT or REJECT", |text| match text {
            "ACCEPT" => Some(false),
            "REJECT" => Some(true),
            _ => None,
        })?;
        Ok(Row {
            seen,
            macs: mac(Column::MacSource)?.zip(mac(Column::MacDestination)?),
            direction: told.or(captured),
            captured: told.is_none() && captured.is_some(),
            interface: self.get(Column::Interface)?.map(str::to_owned),
            packets,
            bytes: bytes.unwrap_or(0),
            time,
            dropped: action.unwrap_or(false),
        })
    }

    fn seen(&self, source: IpAddr, destination: IpAddr, outer: Outer) -> Result<Seen, TableError> {
        let protocol = |column| self.small::<u8>(column, "a protocol number, 0 to 255");
        let port = |column| self.small::<u16>(column, "a port, 0 to 65535");
        let icmp_type = self.small::<u8>(Column::IcmpType, "an ICMPv6 type, 0 to 255")?;
        let tcp = (port(Column::TcpSource)?, port(Column::TcpDestination)?);
        let udp = (port(Column::UdpSource)?, port(Column::UdpDestination)?);
        let any = (port(Column::AnySource)?, port(Column::AnyDestination)?);
        let mut extensions = false;
        // Of IPv4 inside of this it would be the inner one.
        let stated = match protocol(Column::Protocol(0))?.filter(|_| outer != Outer::Columns(V6)) {
            Some(stated) => Some(stated),
            None => match (source.is_ipv6(), protocol(Column::Next)?) {
                (true, Some(0 | 43 | 44 | 51 | 60)) if outer == Outer::Columns(V6) => {
                    // And what came behind that header may be of the inner one as well.
                    extensions = true;
                    None
                }
                (true, Some(0 | 43 | 44 | 51 | 60)) => {
                    // An extension header: only what came behind it tells the protocol.
                    extensions = true;
                    match (tcp, udp, icmp_type) {
                        ((Some(_), _), _, _) => Some(6),
                        (_, (Some(_), _), _) => Some(17),
                        (_, _, Some(_)) => Some(58),
                        _ => None,
                    }
                }
                (true, Some(next)) => Some(next),
                _ => protocol(Column::Protocol(1))?,
            },
        };
        let offset = Column::FragmentOffset(if source.is_ipv4() { V4 } else { V6 });
        let fragment = self.number(offset)?.is_some_and(|offset| offset != 0);
        let missing = Ports::Missing(if fragment { Missing::Fragment } else { Missing::Cut });
        let of = |(source, destination): (Option<u16>, Option<u16>)| {
            source.zip(destination).or(any.0.zip(any.1))
        };
        // Of an ICMP error tshark prints the ports of the packet that it quotes.
        let ports = match stated {
            Some(6) => of(tcp),
            Some(17) => of(udp),
            _ => None,
        };
        let ports = match (stated, ports) {
            (Some(6 | 17) | None, _) if fragment => missing,
            (Some(6 | 17), Some((source, destination))) => Ports::Known { source, destination },
            (Some(6 | 17) | None, _) => missing,
            (Some(_), _) => Ports::Absent,
        };
        let flow = Flow { source, destination, protocol: stated, ports };
        Ok(Seen { flow, fragment, extensions, icmp_type })
    }
}

/// Decimal, or as tshark prints some fields, hexadecimal.
fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            u64::from_str_radix(digits, 16).ok()
        }
        // The parser takes signs.
        None if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    }
}

/// `1767225600.137911000`, in nanoseconds.
fn nanoseconds(text: &str) -> Option<i128> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds = number(seconds)?;
    if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction: i128 = format!("{fraction:0<9}").parse().ok()?;
    Some(i128::from(seconds) * 1_000_000_000 + fraction)
}

fn name(column: Column) -> &'static str {
    let known = COLUMNS.iter().find(|(_, known)| *known == column);
    known.map_or("", |(name, _)| name)
}

#[cfg(test)]
mod tests;
