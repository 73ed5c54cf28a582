//! The arguments of every command, and all help texts, together in one place.

mod filter;
mod plugin;
mod sessions;
mod simulate;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum, builder::Styles};
use mirror_wire::{Endpoint, Vni};

pub(crate) use self::plugin::{
    Doctor, DoctorFormat, Install, Plugin, PluginCommand, Profile, Uninstall,
};
pub(crate) use self::sessions::Sessions;
pub(crate) use self::simulate::Simulate;
pub(crate) use filter::{
    ExportFormat, Filter, FilterCommand, FilterDiff, FilterExplain, FilterExport, FilterLint,
    FilterShow, FilterSource, FilterSuggest, FilterTest, LintFormat, SuggestFormat, TextOrJson,
};

const EXIT_STATUS: &str = "\
Exit status:
  0  done
  2  bad arguments, or an input that cannot be read as asked; nothing was written
  3  the output failed; a file that was there before is untouched
  4  finished, but the input was damaged: what could be read was written";

const DOCUMENTS_EXIT_STATUS: &str = "\
Exit status:
  0  done
  2  bad arguments, or a document that cannot be read as asked
  3  the output failed";

/// The toolkit for cloud traffic mirroring captures.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Strip(Strip),
    Wrap(Wrap),
    Sessions(Sessions),
    Config(Config),
    Simulate(Simulate),
    Filter(Filter),
    Plugin(Plugin),
    Completions(Completions),
    Man(Man),
}

/// Take the VXLAN wrapper off and say of each frame which mirror session it came from
///
/// Reads a capture taken at a mirror target and writes one with the original frames. Each mirror
/// session becomes an interface of its own, so that frame.interface_name tells sessions apart in
/// any Wireshark, and each frame gets a comment that says where it came from. Time stamps,
/// comments, name resolution, decryption secrets and every block that is not a mirrored packet are
/// kept as they are; what stays and why is counted at the end.
#[derive(Debug, Args)]
#[command(after_long_help = EXIT_STATUS)]
pub(crate) struct Strip {
    /// Capture to read: pcapng or pcap, also gzip, zstd or lz4; - for standard input
    pub(crate) input: PathBuf,

    /// Capture to write; - for standard output, which is also used if it is absent
    ///
    /// A name ending in .pcap is written as pcap, one ending in .gz, .zst or .lz4 compressed. A
    /// regular file is written under a temporary name and renamed when it is complete, so a run
    /// that fails leaves any existing file untouched. OUT may be IN, which then has lost its
    /// wrappers for good. Only --force replaces IN where more would be lost, or any other capture
    /// that mirror-pcap is not known to have written.
    pub(crate) output: Option<PathBuf>,

    /// What a shell makes of a *, to be told
    #[arg(hide = true)]
    pub(crate) more: Vec<PathBuf>,

    /// Strip only these VXLAN network identifiers; may be repeated
    #[arg(long, value_name = "N", value_parser = vni)]
    pub(crate) vni: Vec<Vni>,

    /// UDP destination ports that carry VXLAN, instead of 4789; may be repeated
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Vec<u16>,

    #[command(flatten)]
    pub(crate) documents: Documents,

    /// Strip only the sessions that the documents of --config know
    #[arg(long, requires = "config")]
    pub(crate) only_known: bool,

    /// Leave out everything that is neither stripped now nor was before
    ///
    /// Interfaces are then written only if a packet needs them, all with one snaplen, so that
    /// tcpdump and Zeek, which want one link type and snaplen in a file, read the output.
    #[arg(long)]
    pub(crate) only_mirrored: bool,

    /// Comment on each stripped packet
    #[arg(long, value_name = "DETAIL", value_enum, default_value_t)]
    pub(crate) comment: Comment,

    /// PacketLength of the mirror sessions: frames of just this length were cut; may be repeated
    ///
    /// Without it, a frame that promises more than it holds counts as cut only while no longer
    /// frame came in its session.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) packet_length: Vec<u32>,

    /// Keep blocks and options that their writer marked as not to be copied
    #[arg(long)]
    pub(crate) keep_nocopy: bool,

    /// Format of the output, whatever its name
    ///
    /// pcap holds Ethernet only, no comments and no interfaces; it counts microseconds, or
    /// nanoseconds if the first interface counts finer than that. It has no place to say that a
    /// packet was stripped, so such a file should not be stripped again.
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,

    #[command(flatten)]
    pub(crate) writing: Writing,

    /// Write the counts as JSON, as described in docs/json.md; - for standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Print no counts and no progress
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// Wrap frames as a traffic mirror would deliver them to its target
///
/// Reads a capture of Ethernet frames, as taken at the source, and writes what the mirror target
/// would have received: each frame inside VXLAN, cut as the session says. A stripped capture gets
/// its wrapper back; the annotations that strip made are taken off. For tests, teaching and dry
/// runs.
#[derive(Debug, Args)]
#[command(after_long_help = EXIT_STATUS)]
pub(crate) struct Wrap {
    /// Capture to read, as for strip; - for standard input
    pub(crate) input: PathBuf,

    /// Capture to write, always pcapng; - for standard output, which is also used if it is absent
    ///
    /// It may not be IN. Only --force replaces a capture that mirror-pcap is not known to have
    /// written.
    pub(crate) output: Option<PathBuf>,

    /// What a shell makes of a *, to be told
    #[arg(hide = true)]
    pub(crate) more: Vec<PathBuf>,

    /// Session to take all of the following from, by its id or name in the documents of --config
    ///
    /// What is given beside it holds instead of what the documents say. The address of a target
    /// that is a load balancer is in no document: give --target.
    #[arg(long, value_name = "ID", requires = "config")]
    pub(crate) session: Option<String>,

    #[command(flatten)]
    pub(crate) documents: Documents,

    /// VXLAN network identifier of the session
    #[arg(long, value_name = "N", value_parser = vni, required_unless_present = "session")]
    pub(crate) vni: Option<Vni>,

    /// Primary address of the source ENI
    #[arg(long, value_name = "ADDRESS", required_unless_present = "session")]
    pub(crate) source: Option<std::net::IpAddr>,

    /// Address of the mirror target
    #[arg(long, value_name = "ADDRESS", required_unless_present = "session")]
    pub(crate) target: Option<std::net::IpAddr>,

    /// PacketLength of the session: mirror no more than this of each frame
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..=8500))]
    pub(crate) packet_length: Option<u32>,

    /// MTU of the target: cut what does not fit with the 54 bytes (IPv6: 74) that AWS reckons
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(68..=65535))]
    pub(crate) mtu: Option<u32>,

    /// Put GENEVE around it, as behind a Gateway Load Balancer
    ///
    /// The outermost addresses are 192.0.2.1 and 192.0.2.2.
    #[arg(long)]
    pub(crate) geneve: bool,

    /// Gateway Load Balancer endpoint to name in the GENEVE options, such as vpce-0a1b2c3d4e5f67890
    #[arg(long, value_name = "ID", requires = "geneve")]
    pub(crate) endpoint: Option<Endpoint>,

    #[command(flatten)]
    pub(crate) writing: Writing,

    /// Print no counts and no progress
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// Documents about mirror sessions.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Documents {
    /// Document that knows the sessions; may be repeated; - for standard input
    ///
    /// What aws ec2 describe-traffic-mirror-sessions, -targets, -filters, -filter-rules and
    /// describe-network-interfaces print, a CloudFormation template (YAML, JSON), what terraform
    /// show -json prints of a state or plan, or a sessions file (mirror-pcap config show --json).
    /// All that they say is joined.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Vec<PathBuf>,

    /// Value of a parameter in a CloudFormation template; may be repeated
    #[arg(long, value_name = "NAME=VALUE", requires = "config")]
    pub(crate) param: Vec<String>,
}

/// Look at the documents that know mirror sessions
#[derive(Debug, Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    Show(Show),
}

/// Print what the documents come to together: each source ENI with its sessions
///
/// Sessions stand in the order of their numbers, in which AWS asks them. What is odd about the
/// documents is told on standard error.
#[derive(Debug, Args)]
#[command(after_long_help = DOCUMENTS_EXIT_STATUS)]
pub(crate) struct Show {
    /// Documents, as for --config of strip; - for standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// Value of a parameter in a CloudFormation template; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) param: Vec<String>,

    /// Print a sessions file, which --config reads, as described in docs/json.md
    #[arg(long)]
    pub(crate) json: bool,
}

/// How every command that rewrites a capture writes it.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Writing {
    /// Wait until the output is on the disk, with fsync of the file and its folder
    #[arg(long)]
    pub(crate) sync: bool,

    /// Replace OUT even if it is a capture that mirror-pcap is not known to have written
    ///
    /// strip then writes over IN, too, if more than the wrapper is lost of it.
    #[arg(long)]
    pub(crate) force: bool,

    /// Threads to use: 1 reads and writes in turn, 2 at the same time [default: 2 if there are two
    /// processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=2))]
    pub(crate) threads: Option<u8>,
}

/// Print a completion script for a shell
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

/// Print a manual page
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Command to print the page of, such as strip or config show; of mirror-pcap itself if it is
    /// absent
    pub(crate) command: Vec<String>,
}

/// What a comment on a stripped packet says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Comment {
    /// VNI, source, session, name, direction, original length if it was cut
    #[default]
    Short,
    /// All that is known
    Full,
    /// No comment: the interface still names the session
    None,
}

/// A file format to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Keeps everything
    Pcapng,
    /// For tools that read only that
    Pcap,
}

/// What to say if more captures were named than `command` takes: a shell has found them, and the
/// last would have been written over.
pub(crate) fn too_many(command: &str, takes: &str, names: usize) -> anyhow::Error {
    let out = if command == "simulate" { "" } else { " \"done/$f\"" };
    anyhow::anyhow!(
        "{names} names were given, and {command} takes {takes}; for several captures: for f in \
         *.pcapng; do mirror-pcap {command} … \"$f\"{out}; done"
    )
}

impl Format {
    /// Whether the name of an output, without its compression, asks for pcap.
    pub(crate) fn is_pcap(path: &Path) -> bool {
        let name = path.to_string_lossy();
        let plain = [".gz", ".zst", ".lz4"].iter().find_map(|end| name.strip_suffix(end));
        plain.unwrap_or(&name).ends_with(".pcap")
    }
}

fn vni(text: &str) -> Result<Vni, String> {
    text.parse().ok().and_then(Vni::new).ok_or_else(|| "expected a number up to 16777215".into())
}

/// What there is to complain of in the arguments, with nothing added to it or taken away: the text
/// for a terminal has colours, and loses those of the arguments on the way to a file.
pub(crate) fn plain_complaint() -> Option<String> {
    let command = Cli::command().styles(Styles::plain());
    command.try_get_matches().err().map(|error| error.render().ansi().to_string())
}

/// Write a completion script.
pub(crate) fn completions(shell: clap_complete::Shell, out: &mut Vec<u8>) -> io::Result<()> {
    clap_complete::generate(shell, &mut Cli::command(), "mirror-pcap", out);
    Ok(())
}

/// Write a manual page, of the program or of one of its commands.
pub(crate) fn man(names: &[String], out: &mut impl Write) -> io::Result<()> {
    let mut program = Cli::command();
    // Gives the commands their full names, "mirror-pcap strip".
    program.build();
    let mut page = &program;
    for name in names {
        let Some(command) = page.find_subcommand(name) else {
            let shown = page.get_subcommands().filter(|command| !command.is_hide_set());
            let names: Vec<_> = shown.map(clap::Command::get_name).collect();
            // Clap's own, which every command has.
            let names: Vec<_> = names.into_iter().filter(|name| *name != "help").collect();
            let message = match names.as_slice() {
                [] => format!("{} has no commands", page.get_name()),
                names => format!("no such command, expected one of: {}", names.join(", ")),
            };
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        };
        page = command;
    }
    let page = page.clone();
    clap_mangen::Man::new(page.version(env!("CARGO_PKG_VERSION"))).render(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_vni_has_24_bits() {
        assert_eq!(vni("16777215").unwrap().get(), 0xFF_FFFF);
        assert!(vni("16777216").is_err() && vni("-1").is_err() && vni("0x10").is_err());
    }
}
