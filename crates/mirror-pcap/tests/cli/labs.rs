//! The labs of `docs/labs.md`, packet by packet.
//!
//! What the examples there print is a few lines of each lab. Here is all that a lab writes, held
//! against a display filter of tshark, which says in another language what the rules say.

use std::collections::BTreeSet;
use std::process::Command;

use crate::harness::{Run, Scratch, mirror_pcap, packets, skipped, testdata};

/// One simulation of a lab.
struct Lab {
    name: &'static str,
    /// What `simulate` gets beside the capture.
    options: String,
    /// A case of `testdata/captures/`.
    capture: &'static str,
    /// What tshark finds there with this has to be what is mirrored.
    display: String,
    /// How many packets that is, for those who have no tshark.
    packets: usize,
}

/// A lab with a session, whose interface other documents know.
fn with_session(name: &'static str, template: &str) -> Lab {
    let documents = ["aws/lab-d/describe-network-interfaces.json", template];
    let options = documents.map(|document| format!("--config testdata/{document}")).join(" ");
    Lab { name, options, capture: "lab-web", display: String::new(), packets: 0 }
}

/// A lab with a filter alone.
fn with_filter(name: &'static str, filter: &str) -> Lab {
    let options = format!("--mac 0a:5e:c0:de:00:01 --filter testdata/labs/{filter}");
    Lab { name, options, capture: "lab-web", display: String::new(), packets: 0 }
}

/// Connections from the interface to this port of the world outside of its VPC.
fn outside(port: u16) -> String {
    format!(
        "(eth.src == 0a:5e:c0:de:00:01 && tcp.dstport == {port} || \
         eth.dst == 0a:5e:c0:de:00:01 && tcp.srcport == {port}) && \
         !(ip.src == 10.0.0.0/16 && ip.dst == 10.0.0.0/16) && \
         !(ipv6.src == 2001:db8:1234:ab00::/56 && ipv6.dst == 2001:db8:1234:ab00::/56)"
    )
}

fn labs() -> [Lab; 11] {
    let lab_d = "labs/lab-d/with-four-rules.yaml";
    let sides = "--param VpcCidr=10.0.0.0/16 --param VpcIpv6Cidr=2001:db8:1234:ab00::/56";
    let alb = |name, filter| with_filter(name, filter).on("lab-alb").and(sides);
    [
        with_session("pre-created", "labs/lab-d/pre-created.yaml")
            .on("lab-source")
            .mirrors(0, "!frame"),
        with_session("lab-d", lab_d).on("lab-source").mirrors(25, outside(443)),
        with_session("lab-d on port 80", lab_d).and("--param Port=80").mirrors(20, outside(80)),
        with_filter("icmp", "icmp/icmp.yaml").mirrors(8, "icmp || icmpv6"),
        with_filter("http", "icmp/http.yaml").mirrors(20, "tcp.port == 80"),
        with_filter("port-8080", "port-8080/filter.yaml").mirrors(
            30,
            "eth.dst == 0a:5e:c0:de:00:01 && tcp.dstport == 8080 || \
             eth.src == 0a:5e:c0:de:00:01 && tcp.srcport == 8080",
        ),
        with_filter("egress-tcp", "egress-tcp/filter.yaml")
            .mirrors(42, "eth.src == 0a:5e:c0:de:00:01 && tcp"),
        alb("clients", "alb/filters.yaml#MirrorAlbClientTraffic")
            .mirrors(20, "ip.addr == 198.51.100.77 || ipv6.addr == 2001:db8:cafe::77"),
        alb("targets", "alb/filters.yaml#MirrorAlbTargetTraffic")
            .mirrors(20, "ip.addr == 10.0.3.20 || ipv6.addr == 2001:db8:1234:ab03::20"),
        with_session("two-sessions", "labs/two-sessions/sessions.yaml")
            .and("--vpc 10.0.0.0/16")
            .mirrors(90, "!(dns && ip.addr == 10.0.0.2)"),
        with_session("packet-length", "labs/packet-length/session.yaml")
            .mirrors(20, "tcp.port == 80"),
    ]
}

impl Lab {
    fn on(self, capture: &'static str) -> Lab {
        Lab { capture, ..self }
    }

    fn and(self, more: &str) -> Lab {
        Lab { options: format!("{} {more}", self.options), ..self }
    }

    fn mirrors(self, packets: usize, display: impl Into<String>) -> Lab {
        Lab { packets, display: display.into(), ..self }
    }

    fn capture(&self) -> String {
        format!("testdata/captures/{}/input.pcapng", self.capture)
    }

    fn simulate(&self, scratch: &Scratch) -> Run {
        let run = mirror_pcap().within(scratch).args(["simulate", "--quiet"]);
        run.args(self.options.split(' ')).arg(self.capture())
    }

    /// All packets of the capture: bytes and length.
    fn source(&self, scratch: &Scratch) -> Vec<(Vec<u8>, u32)> {
        written(scratch, &self.capture())
    }
}

fn lab_folder() -> Scratch {
    let scratch = Scratch::new();
    std::os::unix::fs::symlink(testdata(), scratch.path("testdata")).unwrap();
    scratch
}

/// Bytes and original length of each packet of a capture.
fn written(scratch: &Scratch, name: &str) -> Vec<(Vec<u8>, u32)> {
    packets(&scratch.read(name)).into_iter().map(|(data, length, _)| (data, length)).collect()
}

/// The numbers of the packets that a display filter finds, from one on.
fn found(scratch: &Scratch, capture: &str, display: &str) -> Option<BTreeSet<usize>> {
    let mut tshark = Command::new("tshark");
    tshark.current_dir(scratch.folder()).args(["-n", "-r", capture]);
    tshark.args(["-o", "ip.defragment:FALSE", "-Y", display]);
    let Ok(output) = tshark.args(["-T", "fields", "-e", "frame.number"]).output() else {
        let is_required = std::env::var_os("MIRROR_PCAP_REQUIRE_TSHARK").is_some_and(|v| v == "1");
        assert!(!is_required, "tshark is required and not there");
        skipped("what tshark finds of the labs' packets: it is not there");
        return None;
    };
    assert!(output.status.success(), "{display}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.lines().map(|line| line.parse().unwrap()).collect())
}

#[test]
fn each_lab_mirrors_what_a_display_filter_finds() {
    let scratch = lab_folder();
    for lab in labs() {
        let what = lab.name;
        lab.simulate(&scratch).args(["--write", "out"]).succeeds().stdout("").stderr("");
        let mirrored = written(&scratch, "out");
        assert_eq!(mirrored.len(), lab.packets, "{what}");
        let Some(numbers) = found(&scratch, &lab.capture(), &lab.display) else { continue };
        let source = lab.source(&scratch);
        let wanted: Vec<_> = numbers.iter().map(|number| source[number - 1].clone()).collect();
        assert!(mirrored == wanted, "{what}: not the packets {numbers:?}");
    }
}

/// Bytes and lengths at the source, of frames that came whole; and of a frame that the session cut
/// its beginning, and the length that it had.
#[test]
fn what_the_target_receives_strip_gives_back() {
    let scratch = lab_folder();
    // The others have no session, so nothing says what the wrapper would be.
    let is_received = |lab: &Lab| lab.options.contains("--config") && lab.packets > 0;
    let mut cut = 0;
    for lab in labs().into_iter().filter(is_received) {
        lab.simulate(&scratch).args(["--write", "plain"]).succeeds();
        lab.simulate(&scratch).args(["--write", "wrapped", "--wrapped"]).succeeds();
        for (data, length) in written(&scratch, "wrapped") {
            assert_eq!(data.len(), length as usize, "the target captured all that it received");
        }
        let strip = mirror_pcap().within(&scratch).args(["strip", "--quiet", "wrapped", "back"]);
        strip.succeeds().stderr("");
        let mut wanted = written(&scratch, "plain");
        if lab.name == "packet-length" {
            for (data, _) in &mut wanted {
                cut += usize::from(data.len() > 96);
                data.truncate(96);
            }
        }
        assert!(written(&scratch, "back") == wanted, "{}", lab.name);
    }
    assert_eq!(cut, 4);
}

/// The web is of the first session and the rest of the second, as their network identifiers tell in
/// what the target receives; and no packet is of both.
#[test]
fn of_two_sessions_the_second_has_what_the_first_leaves() {
    let scratch = lab_folder();
    let lab = labs().into_iter().find(|lab| lab.name == "two-sessions").unwrap();
    lab.simulate(&scratch).args(["--write", "wrapped", "--wrapped"]).succeeds();
    // Ethernet, IPv4, UDP, and behind the flags of VXLAN the identifier.
    let vni = |data: &[u8]| u32::from_be_bytes([0, data[46], data[47], data[48]]);
    let received = written(&scratch, "wrapped");
    let of = |session| {
        let of_session = received.iter().filter(move |(data, _)| vni(data) == session);
        of_session.map(|(data, _)| data[50..].to_vec()).collect::<Vec<_>>()
    };
    let (web, rest) = (of(1), of(2));
    assert_eq!((web.len(), rest.len(), received.len()), (40, 50, 90));
    let source = lab.source(&scratch);
    let frames = |display| {
        let numbers = found(&scratch, &lab.capture(), display)?;
        Some(numbers.iter().map(|number| source[number - 1].0.clone()).collect::<Vec<_>>())
    };
    let ports = "tcp.port in {80, 443}";
    if let Some(wanted) = frames(ports) {
        assert!(web == wanted);
    }
    if let Some(wanted) = frames("!(tcp.port in {80, 443}) && !(dns && ip.addr == 10.0.0.2)") {
        assert!(rest == wanted);
    }
}

/// The two filters of the load balancer share nothing, and leave nothing.
#[test]
fn each_packet_of_the_load_balancer_is_on_one_of_its_sides() {
    let scratch = lab_folder();
    let mut both = Vec::new();
    for lab in labs().iter().filter(|lab| lab.capture == "lab-alb") {
        lab.simulate(&scratch).args(["--write", "side"]).succeeds();
        both.extend(written(&scratch, "side"));
    }
    let mut all = written(&scratch, "testdata/captures/lab-alb/input.pcapng");
    both.sort();
    all.sort();
    assert!(both == all);
}
