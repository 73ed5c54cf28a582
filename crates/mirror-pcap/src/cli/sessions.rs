//! The arguments of `sessions`.

use std::path::PathBuf;

use clap::Args;

use super::Documents;

const EXIT_STATUS: &str = "\
Exit status:
  0  done
  2  bad arguments, or a capture or document that cannot be read as asked
  3  the output failed
  4  finished, but a capture was damaged: what could be read was counted";

/// List the mirror sessions in captures, and what else is in there
///
/// Reads captures taken at a mirror target, stripped or not, and prints all that they tell of their
/// mirror sessions: how much came of each and when, which way it went, to what lengths frames were
/// cut and why, and what came twice because both ends are mirrored. Then the traffic that was no
/// mirror's. It writes nothing but that.
#[derive(Debug, Args)]
#[command(after_long_help = EXIT_STATUS)]
pub(crate) struct Sessions {
    /// Captures to read, as for strip, counted together; - for standard input
    #[arg(required = true, value_name = "IN")]
    pub(crate) inputs: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) documents: Documents,

    /// UDP destination ports that carry VXLAN, instead of 4789; may be repeated
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Vec<u16>,

    /// PacketLength of the mirror sessions: frames of just this length were cut; may be repeated
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) packet_length: Vec<u32>,

    /// Print JSON, as described in docs/json.md
    #[arg(long)]
    pub(crate) json: bool,
}
