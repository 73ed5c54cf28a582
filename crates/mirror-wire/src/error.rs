//! Why a packet is no mirrored packet.
//!
//! Reports count packets by reason, and people grep for the reasons, so the words are stable and
//! few. The detail that a single packet deserves (its port, its flags) is in the variant and in
//! its `Display`.

use core::{error, fmt};

/// Why [`decapsulate`](crate::decapsulate) found no mirrored frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NotMirrored {
    /// Something else: not IP, not UDP, no GENEVE that we look into, or a packet too short to be
    /// anything.
    Other,
    /// UDP to a port that no mirror uses; the value is its destination port.
    OtherPort(u16),
    /// A fragment of what would be a mirrored packet, or a later fragment of UDP, whose port can't
    /// be seen.
    Fragment,
    /// The capture ends before it could be told, although the packet went on.
    HeadersCut,
    /// A VXLAN header whose I flag isn't set; the value is its flags byte.
    NoVni {
        /// The first byte of the VXLAN header.
        flags: u8,
    },
    /// VXLAN-GPE that carries something other than Ethernet.
    Gpe {
        /// Its Next Protocol field.
        next_protocol: u8,
    },
    /// To a mirror's port, but the lengths of the packet leave no room for the VXLAN header.
    BadLength,
    /// A VXLAN header with nothing behind it.
    Empty,
}

impl NotMirrored {
    /// The reason as a stable word for reports.
    pub fn reason(&self) -> &'static str {
        match self {
            NotMirrored::Other | NotMirrored::OtherPort(_) => "not-mirrored",
            NotMirrored::Fragment => "fragment",
            NotMirrored::HeadersCut => "headers-cut",
            NotMirrored::NoVni { .. } => "no-vni",
            NotMirrored::Gpe { .. } => "gpe",
            NotMirrored::BadLength => "bad-length",
            NotMirrored::Empty => "empty",
        }
    }
}

impl fmt::Display for NotMirrored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotMirrored::Other => f.write_str("no mirror traffic"),
            NotMirrored::OtherPort(port) => write!(f, "UDP to port {port}, which no mirror uses"),
            NotMirrored::Fragment => f.write_str("fragment of a UDP packet"),
            NotMirrored::HeadersCut => f.write_str("capture ends within the headers"),
            NotMirrored::NoVni { flags } => {
                write!(f, "VXLAN flags are 0x{flags:02x}, without the I flag (0x08)")
            }
            NotMirrored::Gpe { next_protocol } => {
                write!(f, "VXLAN-GPE carries protocol {next_protocol}, expected 3 (Ethernet)")
            }
            NotMirrored::BadLength => {
                f.write_str("lengths of the packet leave no room for a VXLAN header")
            }
            NotMirrored::Empty => f.write_str("no frame behind the VXLAN header"),
        }
    }
}

impl error::Error for NotMirrored {}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;

    use super::*;

    #[test]
    fn the_words_of_reports_are_stable() {
        let words = [
            (NotMirrored::Other, "not-mirrored"),
            (NotMirrored::OtherPort(53), "not-mirrored"),
            (NotMirrored::Fragment, "fragment"),
            (NotMirrored::HeadersCut, "headers-cut"),
            (NotMirrored::NoVni { flags: 0 }, "no-vni"),
            (NotMirrored::Gpe { next_protocol: 1 }, "gpe"),
            (NotMirrored::BadLength, "bad-length"),
            (NotMirrored::Empty, "empty"),
        ];
        for (reason, word) in words {
            assert_eq!(reason.reason(), word);
        }
    }

    #[test]
    fn messages_give_what_was_found() {
        let flags = NotMirrored::NoVni { flags: 0x07 };
        assert_eq!(flags.to_string(), "VXLAN flags are 0x07, without the I flag (0x08)");
        assert_eq!(NotMirrored::OtherPort(53).to_string(), "UDP to port 53, which no mirror uses");
        let gpe = NotMirrored::Gpe { next_protocol: 4 };
        assert_eq!(gpe.to_string(), "VXLAN-GPE carries protocol 4, expected 3 (Ethernet)");
    }
}
