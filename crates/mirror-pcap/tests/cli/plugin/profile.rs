//! `plugin profile`: what tshark makes of it, and whose it is.

use std::{fs, process::Command};

use super::World;
use crate::harness::testdata;

const FOLDER: &str = "home/.config/wireshark/profiles/VPC mirroring";

/// tshark with this profile: the packet list of a capture, a line a packet.
fn list(world: &World, more: &[&str]) -> String {
    let capture = testdata().join("captures/lab-d/input.pcapng");
    let mut tshark = Command::new("tshark");
    tshark.args(["-n", "-C", "VPC mirroring", "-c", "1"]).args(more).arg("-r").arg(capture);
    let said = tshark.env("HOME", world.path("home")).env("LC_ALL", "C.UTF-8").output().unwrap();
    let complaint = String::from_utf8_lossy(&said.stderr);
    let complaint: Vec<_> = complaint.lines().filter(|l| !l.contains("user \"root\"")).collect();
    assert!(said.status.success() && complaint.is_empty(), "{complaint:?}");
    String::from_utf8(said.stdout).unwrap()
}

/// Fields of the plugin cannot be had here; that the columns are those of the profile can.
#[test]
fn tshark_takes_the_columns_of_the_profile() {
    let Some(world) = World::new() else { return };
    let seen = world.plugin(&["profile"]).succeeds().stdout("");
    assert_eq!(
        world.tidy(&seen.stderr),
        format!("~/{FOLDER}: profile installed; wireshark -C 'VPC mirroring'\n")
    );
    let mut names: Vec<_> = fs::read_dir(world.path(FOLDER))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["colorfilters", "dfilter_buttons", "preferences"]);
    let columns = list(&world, &["-T", "fields", "-e", "_ws.col.Session", "-e", "_ws.col.VNI"]);
    assert_eq!(columns, "\t\n", "these are columns, and nothing is known without the plugin");
    let preferences = fs::read_to_string(world.path(FOLDER).join("preferences")).unwrap();
    for column in ["session", "session.id", "direction", "vni"] {
        assert!(preferences.contains(&format!("\"%Cus:vpcmirror.{column}:0:R\"")), "{preferences}");
    }
}

/// Colours for what is odd come first; those for directions come behind what Wireshark warns of.
#[test]
fn other_colours_are_kept() {
    let Some(world) = World::new() else { return };
    let path = world.path(FOLDER).join("colorfilters");
    world.plugin(&["profile"]).succeeds();
    let text = fs::read_to_string(&path).unwrap();
    let order =
        ["VPC mirroring: cut", "Bad TCP", "TCP SYN/FIN", "VPC mirroring: ingress", "TCP", "UDP"];
    let places = order.map(|name| text.find(&format!("\n@{name}@")).unwrap());
    assert!(places.is_sorted(), "{places:?} {text}");
    world.write("home/.config/wireshark/colorfilters", "@Mine@frame@[0,0,0][65535,65535,65535]\n");
    world.plugin(&["profile"]).succeeds();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("\n@Mine@") && !text.contains("@Bad TCP@"), "{text}");
}

#[test]
fn a_profile_that_somebody_has_changed_is_theirs() {
    let Some(world) = World::new() else { return };
    world.plugin(&["profile"]).succeeds();
    // Unchanged, it may be written again.
    world.plugin(&["profile"]).succeeds();
    for name in ["preferences", "colorfilters", "dfilter_buttons"] {
        let path = world.path(FOLDER).join(name);
        let mine = fs::read_to_string(&path).unwrap() + "# mine\n";
        fs::write(&path, &mine).unwrap();
        let want =
            format!("~/{FOLDER}/{name}: somebody has changed it, and --force would overwrite that");
        world.fails(&["profile"], 2, &want);
        assert_eq!(fs::read_to_string(&path).unwrap(), mine);
        world.plugin(&["profile", "--force"]).succeeds();
        assert!(!fs::read_to_string(&path).unwrap().contains("# mine"));
    }
    let path = world.path(FOLDER).join("preferences");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let want =
        format!("~/{FOLDER}/preferences: is no regular file, so it is left alone; move it away");
    world.fails(&["profile", "--force"], 2, &want);
}
