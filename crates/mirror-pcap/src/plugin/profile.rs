//! `plugin profile`: how Wireshark looks for those who look at mirrored traffic.
//!
//! A profile is a folder of small files that Wireshark writes itself whenever someone changes
//! something. So each has a seal, and what has been changed is overwritten only if that is asked
//! for. Everything in it works without the plugin too, and shows nothing then.

use std::{fs, io, path::Path};

use anyhow::anyhow;

use super::{
    folder, read, refusal,
    seal::{self, Kind},
    shown, tell,
    wireshark::Wireshark,
};
use crate::{
    cli,
    failure::{Exit, Failure},
    output::{Output, Replaces},
};

/// Its name in Wireshark, and of its folder.
const NAME: &str = "VPC mirroring";

/// The columns: session, direction and VNI, and what Wireshark has by itself. Sessions without a
/// name have an id at least; for them there is a column that can be shown by a click.
const PREFERENCES: &str = r#"
gui.column.hidden: %Cus:vpcmirror.session.id:0:R
gui.column.format:
	"No.", "%m",
	"Time", "%t",
	"Session", "%Cus:vpcmirror.session.name:0:R",
	"Session ID", "%Cus:vpcmirror.session.id:0:R",
	"Direction", "%Cus:vpcmirror.direction:0:R",
	"VNI", "%Cus:vpcmirror.vni:0:R",
	"Source", "%s",
	"Destination", "%d",
	"Protocol", "%p",
	"Length", "%L",
	"Info", "%i"
"#;

/// Pale colours for the directions, but not where TCP has something to complain about, for which
/// Wireshark has a colour of its own.
const COLOURS: &str = "\
@VPC mirroring: VNI of no known session@vpcmirror.vni.unknown@[65535,55255,32896][4718,10030,11796]
@VPC mirroring: cut@vpcmirror.cut@[65535,63479,42148][4718,10030,11796]
@VPC mirroring: ingress@vpcmirror.direction == \"ingress\" && !tcp.analysis.flags@[57054,62451,65535][4718,10030,11796]
@VPC mirroring: egress@vpcmirror.direction == \"egress\" && !tcp.analysis.flags@[60395,65535,57054][4718,10030,11796]
";

const BUTTONS: &str = r#"
"TRUE","mirrored","vpcmirror","Frames of a mirror session"
"TRUE","ingress","vpcmirror.direction == \x22ingress\x22","What the mirrored interface received"
"TRUE","egress","vpcmirror.direction == \x22egress\x22","What the mirrored interface sent"
"TRUE","cut","vpcmirror.cut","Frames that the session has cut"
"TRUE","unknown VNI","vpcmirror.vni.unknown","Frames of no session that is known"
"#;

/// Run the command.
pub(super) fn run(args: &cli::Profile) -> Result<Exit, Failure> {
    let wireshark = Wireshark::find(args.which.tshark.as_deref()).map_err(Failure::usage)?;
    let folders = &wireshark.folders;
    let colours = [&folders.configuration, &folders.global_configuration]
        .into_iter()
        .map(|folder| folder.join("colorfilters"))
        .find(|path| path.is_file());
    let theirs = match &colours {
        Some(path) => read(path).map_err(|error| Failure::input(shown(path), error))?,
        None => Vec::new(),
    };
    let files = [
        ("preferences", PREFERENCES.trim_start().to_owned()),
        ("colorfilters", COLOURS.to_owned() + &String::from_utf8_lossy(&theirs)),
        ("dfilter_buttons", BUTTONS.trim_start().to_owned()),
    ];
    let folder = folders.configuration.join("profiles").join(NAME);
    // First all that could be against it, so that there is the whole profile or none.
    folder::check(&folder).map_err(|problem| Failure::usage(anyhow!("{problem}")))?;
    for (name, _) in &files {
        refuse_what_was_changed(&folder.join(name), args.force)?;
    }
    folder::make(&folder).map_err(|error| Failure::output(shown(&folder), error))?;
    for (name, text) in &files {
        let output = Output::create(Some(&folder.join(name)), Replaces::NoCapture("a profile"))?;
        output.write_whole(seal::sealed(text, Kind::Comment).as_bytes())?;
        output.commit(true)?;
    }
    tell(&format!("{}: profile installed; wireshark -C '{NAME}'", shown(&folder)));
    Ok(Exit::Done)
}

fn refuse_what_was_changed(path: &Path, is_forced: bool) -> Result<(), Failure> {
    let is_file = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        metadata => metadata.is_ok_and(|metadata| metadata.is_file()),
    };
    if !is_file {
        return Err(refusal(path, "is no regular file, so it is left alone; move it away"));
    }
    let bytes = read(path).map_err(|error| Failure::input(shown(path), error))?;
    if seal::is_intact(&bytes) || is_forced {
        return Ok(());
    }
    Err(refusal(path, "somebody has changed it, and --force would overwrite that"))
}
