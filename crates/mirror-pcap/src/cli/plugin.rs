//! `plugin`: its arguments and help texts.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Documents;

const EXIT_STATUS: &str = "\
Exit status:
  0  done
  2  bad arguments, no Wireshark, or not what can be installed here; nothing was changed
  3  it could not be written; what was there before is untouched";

const DOCTOR_EXIT_STATUS: &str = "\
Exit status:
  0  done
  1  something is wrong
  2  bad arguments
  3  the output failed";

/// Put the Wireshark plugin where Wireshark finds it, and find out why it does not
#[derive(Debug, Args)]
pub(crate) struct Plugin {
    #[command(subcommand)]
    pub(crate) command: PluginCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    Install(Install),
    Uninstall(Uninstall),
    Doctor(Doctor),
    Profile(Profile),
    #[command(hide = true)]
    Probe(Probe),
}

/// Which Wireshark is meant.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The tshark to ask, which belongs to the Wireshark that is meant [default: that of PATH]
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) tshark: Option<PathBuf>,
}

/// Install the plugin into the folder where this user's Wireshark looks for plugins
///
/// The file is looked at before it is put there: it must be this plugin, built for the release of
/// Wireshark that is there, and loadable, which is tried in a process of its own. Afterwards tshark
/// must list it, else it is taken away again. What is not the plugin is never overwritten, nor is
/// anything written where others could change it.
#[derive(Debug, Args)]
#[command(after_long_help = EXIT_STATUS)]
pub(crate) struct Install {
    /// Plugin to install [default: the one for this Wireshark that scripts/build-plugin has made]
    #[arg(value_name = "FILE", conflicts_with = "from")]
    pub(crate) file: Option<PathBuf>,

    /// Folder with plugins for several releases, X.Y/epan/vpcmirror.so
    #[arg(long, value_name = "DIR")]
    pub(crate) from: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) documents: Documents,

    /// Install for all users, into the folder of Wireshark itself
    ///
    /// That takes root, and is the only folder in which Wireshark looks when root runs it.
    #[arg(long)]
    pub(crate) system: bool,

    #[command(flatten)]
    pub(crate) which: Which,
}

/// Remove what install has put there
///
/// The plugin, and the sessions file if it is as install wrote it. A sessions file that someone has
/// changed, and the profile, stay.
#[derive(Debug, Args)]
#[command(after_long_help = EXIT_STATUS)]
pub(crate) struct Uninstall {
    /// Remove it for all users, from the folder of Wireshark itself
    #[arg(long)]
    pub(crate) system: bool,

    #[command(flatten)]
    pub(crate) which: Which,
}

/// Say why the plugin does not show in Wireshark
///
/// Looks at the Wireshark that is there, at the folders where it looks for plugins and where people
/// put them by mistake, and at every plugin in them; asks tshark what it has loaded; and says of all
/// that is wrong what to do. Nothing is changed.
#[derive(Debug, Args)]
#[command(after_long_help = DOCTOR_EXIT_STATUS)]
pub(crate) struct Doctor {
    /// Format of the answer; JSON is described in docs/json.md
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: DoctorFormat,

    #[command(flatten)]
    pub(crate) which: Which,
}

/// Install a Wireshark profile with columns, colours and filter buttons for mirrored traffic
///
/// The profile is called "VPC mirroring": choose it in Wireshark's status bar, or with -C. The
/// colours come before those that you have now. Other profiles are not touched, nor is this one once
/// someone has changed it.
#[derive(Debug, Args)]
#[command(after_long_help = EXIT_STATUS)]
pub(crate) struct Profile {
    /// Overwrite the profile even if someone has changed it
    #[arg(long)]
    pub(crate) force: bool,

    #[command(flatten)]
    pub(crate) which: Which,
}

/// Load a plugin and say how it went: the child of install and doctor
#[derive(Debug, Args)]
pub(crate) struct Probe {
    pub(crate) plugin: PathBuf,
    pub(crate) libraries: Vec<PathBuf>,
}

/// How the doctor answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DoctorFormat {
    /// For people
    #[default]
    Text,
    /// For scripts
    Json,
}
