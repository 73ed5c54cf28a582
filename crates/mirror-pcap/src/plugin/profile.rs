//! `plugin profile`: how Wireshark looks for those who look at mirrored traffic.
//!
//! A profile is a folder of small files that Wireshark writes itself whenever someone changes
//! something. So each has a seal, and what has been changed is overwritten only if that is asked
//! for. Everything in it works without the plugin too, and shows nothing then.

use std::{fs, io, path::Path};

use anyhow::anyhow;
use plugin_probe::Release;

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

/// The columns: session, direction and VNI, and what Wireshark has by itself. What a session is
/// called is its name if it has one; for its id there is a column that can be shown by a click.
const PREFERENCES: &str = r#"
gui.column.hidden: %Cus:vpcmirror.session.id:0:R
gui.column.format:
	"No.", "%m",
	"Time", "%t",
	"Session", "%Cus:vpcmirror.session:0:R",
	"Session ID", "%Cus:vpcmirror.session.id:0:R",
	"Direction", "%Cus:vpcmirror.direction:0:R",
	"VNI", "%Cus:vpcmirror.vni:0:R",
	"Source", "%s",
	"Destination", "%d",
	"Protocol", "%p",
	"Length", "%L",
	"Info", "%i"
"#;

/// What a conversation is told by besides addresses and ports: the interface and, where it has one,
/// the MAC addresses. In a stripped capture each session has an interface, so a packet that was
/// mirrored at both of its ends is no retransmission of itself. Every other key but those that
/// Wireshark knows is taken without a word and does nothing.
const DEINTERLACING: &str = "protocols.conversation_deinterlacing_key: .MI\n";

/// The first release that has it; one without calls it unknown.
const HAS_DEINTERLACING: Release = Release { major: 4, minor: 4 };

/// Colours for what is odd, before all others.
const ODD: &str = "\
@VPC mirroring: VNI of no known session@vpcmirror.vni.unknown@[65535,55255,32896][4718,10030,11796]
@VPC mirroring: cut@vpcmirror.cut@[65535,63479,42148][4718,10030,11796]
";

/// Pale colours for the directions, in the place of the plain ones for TCP and UDP.
const DIRECTIONS: &str = "\
@VPC mirroring: ingress@vpcmirror.direction == \"ingress\"@[57054,62451,65535][4718,10030,11796]
@VPC mirroring: egress@vpcmirror.direction == \"egress\"@[60395,65535,57054][4718,10030,11796]
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
        ("preferences", preferences(wireshark.release)),
        ("colorfilters", coloured(&String::from_utf8_lossy(&theirs))),
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

/// The preferences for this release.
fn preferences(release: Release) -> String {
    let conversations = if release >= HAS_DEINTERLACING { DEINTERLACING } else { "" };
    PREFERENCES.trim_start().to_owned() + conversations
}

/// Their colours with ours among them.
///
/// The first rule that fits gives the colour. So those of the directions, which fit nearly every
/// packet, come behind all that warn of something (errors, resets, routing, beginnings and ends of
/// connections) and before the first of the two that say no more than TCP or UDP.
fn coloured(theirs: &str) -> String {
    let is_plain = |line: &&str| {
        let rule = line.strip_prefix('!').unwrap_or(line);
        ["@TCP@", "@UDP@"].iter().any(|plain| rule.starts_with(plain))
    };
    let warn: String = theirs.split_inclusive('\n').take_while(|line| !is_plain(line)).collect();
    let plain = theirs.get(warn.len()..).unwrap_or_default();
    let end = if warn.is_empty() || warn.ends_with('\n') { "" } else { "\n" };
    format!("{ODD}{warn}{end}{DIRECTIONS}{plain}")
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Where ours come among these; of a rule the name is shown.
    fn names(theirs: &str) -> Vec<String> {
        let rules = coloured(theirs);
        let name = |line: &str| line.split('@').nth(1).unwrap_or(line).to_owned();
        rules.lines().map(name).collect()
    }

    const UNKNOWN: &str = "VPC mirroring: VNI of no known session";
    const CUT: &str = "VPC mirroring: cut";
    const INGRESS: &str = "VPC mirroring: ingress";
    const EGRESS: &str = "VPC mirroring: egress";

    #[test]
    fn directions_come_behind_what_wireshark_warns_of() {
        let theirs = "# a comment\n@Bad TCP@x@[0]\n@TCP RST@x@[0]\n@TCP SYN/FIN@x@[0]\n@TCP@tcp@[0]\n\
                      @UDP@udp@[0]\n@Broadcast@x@[0]";
        let [comment, bad, rst, syn] = ["# a comment", "Bad TCP", "TCP RST", "TCP SYN/FIN"];
        let want =
            [UNKNOWN, CUT, comment, bad, rst, syn, INGRESS, EGRESS, "TCP", "UDP", "Broadcast"];
        assert_eq!(names(theirs), want);
        // One that is switched off keeps its place all the same.
        assert_eq!(names("@A@x@[0]\n!@UDP@udp@[0]\n"), [UNKNOWN, CUT, "A", INGRESS, EGRESS, "UDP"]);
        // Somebody's own, without the plain ones and without an end of the last line.
        assert_eq!(names("@Mine@frame@[0]"), [UNKNOWN, CUT, "Mine", INGRESS, EGRESS]);
        assert_eq!(names(""), [UNKNOWN, CUT, INGRESS, EGRESS]);
    }

    #[test]
    fn conversations_are_told_apart_where_the_release_can() {
        let key = "\nprotocols.conversation_deinterlacing_key: .MI\n";
        for (major, minor, has) in
            [(4, 0, false), (4, 2, false), (4, 4, true), (4, 6, true), (5, 0, true)]
        {
            assert_eq!(preferences(Release { major, minor }).contains(key), has, "{major}.{minor}");
        }
    }
}
