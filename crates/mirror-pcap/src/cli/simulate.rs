//! The arguments of `simulate`.

use std::{ffi::OsString, net::IpAddr, path::PathBuf};

use clap::Args;
use mirror_filter::Cidr;
use mirror_wire::Mac;

use super::EXIT_STATUS;

/// Say of each packet whether a mirror filter would mirror it, and by which rule
///
/// Reads a capture taken at the source of a mirror (or a table of flows) and holds each packet
/// against the rules, as AWS documents that its mirrors do. Prints a table of the rules with what
/// each would take. What would decide and is not known makes a packet undecided; what AWS does not
/// document is named as an assumption. Security groups, network ACLs and congestion are outside of
/// this: the rules select, and that is what is simulated.
#[derive(Debug, Default, Args)]
#[command(after_long_help = EXIT_STATUS)]
pub(crate) struct Simulate {
    /// Capture to read, as for strip; - for standard input
    ///
    /// Of a capture from a mirror target, or one that was stripped, the mirrored packets are judged;
    /// it has been filtered already, and the report says so.
    #[arg(value_name = "IN", required_unless_present = "flows", conflicts_with = "flows")]
    pub(crate) input: Option<PathBuf>,

    /// What a shell makes of a *, to be told
    #[arg(hide = true)]
    pub(crate) more: Vec<PathBuf>,

    /// Filter to simulate, in any document that --config takes, for one interface
    ///
    /// Of a document with several filters, its id or name stands behind a #.
    #[arg(long, value_name = "DOC[#ID]", conflicts_with = "config")]
    #[arg(required_unless_present = "config")]
    pub(crate) filter: Option<OsString>,

    /// Document that knows the sessions, as for strip: each of their interfaces is simulated; may
    /// be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Vec<PathBuf>,

    /// Value of a parameter in a CloudFormation template; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) param: Vec<String>,

    /// Simulate only this session, by its id or name; may be repeated
    #[arg(long, value_name = "ID", requires = "config")]
    pub(crate) session: Vec<String>,

    /// Network interface of the documents that the capture was taken at
    #[arg(long, value_name = "ID")]
    pub(crate) eni: Option<String>,

    /// MAC address of the interface: frames from it are egress, those to it ingress
    #[arg(long, value_name = "MAC")]
    pub(crate) mac: Option<Mac>,

    /// Address or range that is the interface's own; may be repeated
    #[arg(long, value_name = "CIDR", value_parser = local)]
    pub(crate) local: Vec<Cidr>,

    /// Range of the VPC, whose second address is the Amazon resolver; may be repeated
    #[arg(long, value_name = "CIDR", value_parser = range)]
    pub(crate) vpc: Vec<Cidr>,

    /// Table of flows or packets to read instead of a capture; - for standard input
    ///
    /// TSV or CSV whose first line names columns as tshark -T fields does, or the lines of a VPC
    /// flow log. A row is judged like a packet, and counts as many as it says.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["write", "wrapped", "no_unwrap"])]
    pub(crate) flows: Option<PathBuf>,

    /// Take no wrapper off: the interface speaks VXLAN itself
    #[arg(long)]
    pub(crate) no_unwrap: bool,

    /// Write the packets that would be mirrored, always pcapng, each with a comment that names the
    /// rule; - for standard output
    #[arg(long, value_name = "OUT")]
    pub(crate) write: Option<PathBuf>,

    /// Replace OUT even if it is a capture that mirror-pcap is not known to have written, other
    /// than IN
    #[arg(long, requires = "write")]
    pub(crate) force: bool,

    /// Write them as the mirror target would receive them: wrapped, and cut by PacketLength
    #[arg(long, requires = "write", conflicts_with = "filter")]
    pub(crate) wrapped: bool,

    /// Address of the mirror target, for --wrapped; that of a load balancer is in no document
    #[arg(long, value_name = "ADDRESS", requires = "wrapped")]
    pub(crate) target: Option<IpAddr>,

    /// Print a line of JSON for each packet, as described in docs/json.md
    #[arg(long, conflicts_with = "write")]
    pub(crate) each: bool,

    /// Print the report as JSON, as described in docs/json.md
    ///
    /// The report stands on standard output, or on standard error where --each or --write takes
    /// that.
    #[arg(long)]
    pub(crate) json: bool,

    /// Print no report and no progress
    #[arg(short, long, conflicts_with = "json")]
    pub(crate) quiet: bool,
}

/// `10.0.0.0/16`; host bits are someone's mistake.
pub(super) fn range(text: &str) -> Result<Cidr, String> {
    match Cidr::parse(text) {
        Ok((cidr, false)) => Ok(cidr),
        Ok((cidr, true)) => Err(format!("bits are set behind the prefix, expected {cidr}")),
        Err(error) => Err(error.to_string()),
    }
}

/// The same, or an address.
pub(super) fn local(text: &str) -> Result<Cidr, String> {
    match text.parse::<IpAddr>() {
        Ok(address) => {
            let len = if address.is_ipv4() { 32 } else { 128 };
            Cidr::new(address, len).ok_or_else(|| "no address".to_owned())
        }
        Err(_) => range(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_no_host_bits_and_a_local_one_may_be_an_address() {
        assert_eq!(range("10.0.0.0/16").map(|cidr| cidr.to_string()), Ok("10.0.0.0/16".into()));
        assert_eq!(
            range("10.0.1.0/16"),
            Err("bits are set behind the prefix, expected 10.0.0.0/16".into())
        );
        assert_eq!(local("10.0.1.15").map(|cidr| cidr.to_string()), Ok("10.0.1.15/32".into()));
        assert_eq!(local("2001:db8::1").map(|cidr| cidr.prefix_len()), Ok(128));
        assert!(range("10.0.1.15").is_err() && local("10.0.1").is_err());
    }
}
