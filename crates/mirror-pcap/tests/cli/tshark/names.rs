//! What the documents give a capture, as someone sees it in Wireshark.

use std::ffi::OsString;

use super::tools::tool;
use crate::harness::{Scratch, mirror_pcap, testdata};

#[test]
fn tshark_shows_names_and_directions_of_all_frames() {
    let Some(tshark) = tool("tshark") else { return };
    let scratch = Scratch::new();
    let input = testdata().join("captures/same-flow-two-vnis/input.pcapng");
    let documents = testdata().join("documents");
    let run = ["sessions", "interfaces", "targets", "filters"].iter().fold(
        mirror_pcap().within(&scratch).args([
            "strip",
            "-q",
            "--only-mirrored",
            "--comment",
            "full",
        ]),
        |run, name| run.arg("--config").arg(documents.join(format!("{name}.json"))),
    );
    run.arg(input).arg("out").succeeds();

    let fields = |filter: &str, fields: &[&str]| {
        let mut args: Vec<OsString> = vec!["-n".into(), "-r".into(), scratch.path("out").into()];
        args.extend(["-Y", filter, "-T", "fields"].map(OsString::from));
        args.extend(fields.iter().flat_map(|field| ["-e".into(), OsString::from(field)]));
        let lines = tshark.run(args).content().text();
        lines.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    for (name, id, mac, vni) in [
        ("web 1", "15", "02:15:0a:00:01:0f", 308_308),
        ("web 2", "16", "02:16:0a:00:01:10", 308_309),
    ] {
        let filter = format!("frame.interface_name == \"tms-0d0000000000000{id}\"");
        let all = format!(
            "vpcmirror: vni={vni} source=10.0.1.{id} session=tms-0d0000000000000{id} \
             name=\"{name}\" number=1 eni=eni-0d0000000000000{id} target=tmt-0d000000000000099 \
             filter=tmf-0d000000000000001"
        );
        let descriptions = fields(&filter, &["frame.interface_description"]);
        assert_eq!(descriptions, vec![format!("{all} on=eth0"); 10]);
        let shown = fields(&filter, &["frame.comment", "frame.packet_flags_direction", "eth.src"]);
        for line in shown {
            let sent = line.ends_with(mac);
            let (word, flag) = if sent { ("egress", "2") } else { ("ingress", "1") };
            // tshark 4.0 prints the flag in hexadecimal.
            let parts: Vec<_> = line.split('\t').collect();
            assert_eq!(parts[0], format!("{all} direction={word}"));
            assert!(parts[1].ends_with(flag), "{line}");
        }
    }
    assert_eq!(fields("!frame.packet_flags_direction", &["frame.number"]), [""; 0]);
}
