use mirror_session::{Eni, Target};
use mirror_wire::{Endpoint, Mac, Vni, Wrapper};
use proptest::prelude::*;

use super::*;
use crate::Row;

const ENI: &str = "02:15:0a:00:01:0f";
const PEER: &str = "02:01:0a:00:01:01";

/// A frame of the ENI's or to it: MACs, addresses, and the length that the IP header promises.
fn frame(macs: [&str; 2], addresses: [[u8; 4]; 2], len: usize, promised: u16) -> Vec<u8> {
    let [source, destination] = macs.map(|mac| mac.parse::<Mac>().unwrap().octets());
    let [from, to] = addresses;
    let [high, low] = (promised - 14).to_be_bytes();
    let ip = [0x45, 0, high, low, 0, 0, 0, 0, 64, 6, 0, 0];
    let mut frame = [&destination[..], &source, &[8, 0], &ip, &from, &to].concat();
    frame.resize(len, 0x5a);
    frame
}

fn egress() -> Vec<u8> {
    frame([ENI, PEER], [[10, 0, 1, 15], [203, 0, 113, 9]], 100, 100)
}

fn ingress_to_second_address() -> Vec<u8> {
    frame([PEER, ENI], [[203, 0, 113, 9], [10, 0, 1, 77]], 100, 100)
}

fn wrapped_with(vni: u32, frame: &[u8], geneve: Option<Endpoint>) -> Vec<u8> {
    let vni = Vni::new(vni).unwrap();
    let mut wrapper = Wrapper::new([10, 0, 1, 15].into(), [10, 0, 2, 99].into(), vni).unwrap();
    if let Some(endpoint) = geneve {
        wrapper = wrapper.with_geneve(Some(endpoint));
    }
    let headers = wrapper.headers(frame, u32::try_from(frame.len()).unwrap()).unwrap();
    [&headers[..], frame].concat()
}

fn wrapped(vni: u32, frame: &[u8]) -> Vec<u8> {
    wrapped_with(vni, frame, None)
}

fn packet(bytes: &[u8]) -> Packet<'_> {
    Packet {
        number: 1,
        is_in_turn: true,
        link: Some(LinkType::Ethernet),
        bytes,
        original_len: u32::try_from(bytes.len()).unwrap(),
        fcs_len: 0,
        interface: 0,
        description: &[],
        doubtful_description: false,
        only_odd: false,
    }
}

fn on<'a>(description: &'a str, bytes: &'a [u8]) -> Packet<'a> {
    Packet { description: description.as_bytes(), ..packet(bytes) }
}

/// What is shown, as one line.
fn line(dissector: &mut Dissector, packet: &Packet<'_>, comments: &[&str]) -> String {
    let Some(shown) = dissector.show(packet, comments.iter().map(|comment| comment.as_bytes()))
    else {
        return "nothing".to_owned();
    };
    let Shown { session, doubt, direction, cut_from, vxlan } = shown;
    let text = |text: &Option<crate::Text>| {
        text.as_ref().map(|text| text.as_c_str().to_str().unwrap().to_owned())
    };
    let mut line = format!("{} {}", session.vni, session.source);
    for part in [
        text(&session.id),
        text(&session.name),
        session.number.map(|number| number.to_string()),
        text(&session.eni),
        text(&session.target),
        text(&session.filter),
        text(&session.endpoint),
        direction.map(|direction| direction.to_string()),
        cut_from.map(|len| format!("cut from {len}")),
        doubt.map(|doubt| format!("{doubt:?}")),
        vxlan.map(|at| format!("VXLAN at {at}")),
    ]
    .into_iter()
    .flatten()
    {
        line.push(' ');
        line.push_str(&part);
    }
    line
}

fn known(rows: &[Row<'_>]) -> Settings {
    let sessions = rows.iter().map(|row| row.session().unwrap()).collect();
    Settings { picture: Picture::new(sessions), ..Settings::default() }
}

const WEB: Row<'_> = Row {
    vni: "7",
    source: "10.0.1.15",
    name: "web 1",
    session: "tms-1",
    number: "3",
    eni: "eni-1",
    target: "tmt-1",
    filter: "tmf-1",
    endpoint: "",
    mac: ENI,
    packet_length: "100",
};

const WEB_LINE: &str = "7 10.0.1.15 tms-1 web 1 3 eni-1 tmt-1 tmf-1";

#[test]
fn without_documents_the_wrapper_and_the_addresses_speak() {
    let mut dissector = Dissector::default();
    let mut show = |frame: &[u8]| line(&mut dissector, &packet(frame), &[]);
    assert_eq!(show(&wrapped(7, &egress())), "7 10.0.1.15 egress VXLAN at 42");
    assert_eq!(show(&wrapped(7, &ingress_to_second_address())), "7 10.0.1.15 VXLAN at 42");
    assert_eq!(show(&egress()), "nothing");
    assert_eq!(show(&[]), "nothing");
}

#[test]
fn with_documents_all_that_they_know_is_shown() {
    let mut dissector = Dissector::new(known(&[WEB]));
    let mut show = |frame: &[u8]| line(&mut dissector, &packet(frame), &[]);
    assert_eq!(show(&wrapped(7, &egress())), format!("{WEB_LINE} egress VXLAN at 42"));
    assert_eq!(
        show(&wrapped(7, &ingress_to_second_address())),
        format!("{WEB_LINE} ingress VXLAN at 42"),
        "by the MAC"
    );
    assert_eq!(show(&wrapped(8, &egress())), "8 10.0.1.15 egress Unknown VXLAN at 42");
}

#[test]
fn a_contradiction_is_no_direction_whatever_the_addresses_say() {
    let forged = frame([ENI, ENI], [[10, 0, 1, 15], [203, 0, 113, 9]], 100, 100);
    let mut dissector = Dissector::new(known(&[WEB]));
    let shown = line(&mut dissector, &packet(&wrapped(7, &forged)), &[]);
    assert_eq!(shown, format!("{WEB_LINE} VXLAN at 42"));
}

#[test]
fn several_that_it_could_be_are_told_and_none_is_named() {
    let mut dissector = Dissector::new(known(&[WEB, Row { session: "tms-2", ..WEB }]));
    let shown = line(&mut dissector, &packet(&wrapped(7, &egress())), &[]);
    assert_eq!(shown, "7 10.0.1.15 egress Ambiguous(2) VXLAN at 42");
}

#[test]
fn only_known_sessions_if_asked_for() {
    let settings = Settings { only_known: true, ..known(&[WEB]) };
    let mut dissector = Dissector::new(settings);
    let mut show = |vni| line(&mut dissector, &packet(&wrapped(vni, &egress())), &[]);
    assert_eq!(show(7), format!("{WEB_LINE} egress VXLAN at 42"));
    assert_eq!(show(8), "nothing");
    let mut knows_none = Dissector::new(Settings { only_known: true, ..Settings::default() });
    assert_eq!(line(&mut knows_none, &packet(&wrapped(7, &egress())), &[]), "nothing");
}

#[test]
fn only_at_the_ports_that_are_set() {
    let frame = wrapped(7, &egress());
    for (ports, seen) in [(vec![], false), (vec![8472], false), (vec![8472, 4789], true)] {
        let mut dissector = Dissector::new(Settings { ports, ..Settings::default() });
        assert_eq!(line(&mut dissector, &packet(&frame), &[]) != "nothing", seen);
    }
}

#[test]
fn a_cut_is_believed_at_a_length_that_documents_name_and_at_no_other() {
    let cut = |len| frame([ENI, PEER], [[10, 0, 1, 15], [203, 0, 113, 9]], len, 1_414);
    let mut dissector = Dissector::new(known(&[WEB]));
    let mut show = |frame: &[u8]| line(&mut dissector, &packet(&wrapped(7, frame)), &[]);
    assert_eq!(show(&cut(100)), format!("{WEB_LINE} egress cut from 1414 VXLAN at 42"));
    assert_eq!(show(&cut(99)), format!("{WEB_LINE} egress VXLAN at 42"));
    assert_eq!(show(&egress()), format!("{WEB_LINE} egress VXLAN at 42"), "as long as it says");
    let shown = line(&mut Dissector::default(), &packet(&wrapped(7, &cut(100))), &[]);
    assert_eq!(shown, "7 10.0.1.15 egress VXLAN at 42", "nobody names a length");
}

#[test]
fn a_snaplen_cuts_the_capture_and_not_the_frame() {
    let whole = wrapped(7, &frame([ENI, PEER], [[10, 0, 1, 15], [203, 0, 113, 9]], 1_414, 1_414));
    let snapped = Packet { original_len: 1_464, ..packet(&whole[..150]) };
    let mut dissector = Dissector::new(known(&[WEB]));
    assert_eq!(line(&mut dissector, &snapped, &[]), format!("{WEB_LINE} egress VXLAN at 42"));
}

#[test]
fn behind_a_gateway_load_balancer_the_endpoint_is_shown() {
    let endpoint: Endpoint = "vpce-0a1b2c3d4e5f60718".parse().unwrap();
    let bytes = wrapped_with(7, &egress(), Some(endpoint));
    let shown = line(&mut Dissector::default(), &packet(&bytes), &[]);
    let want = "7 10.0.1.15 vpce-0a1b2c3d4e5f60718 egress VXLAN at ";
    assert!(shown.starts_with(want), "{shown}");
}

/// As strip does, for it is the same function: only what is VXLAN-GPE is none.
#[test]
fn reserved_bits_hide_no_session() {
    let mut dissector = Dissector::default();
    let mut show = |flags: [u8; 4]| {
        let mut bytes = wrapped(7, &egress());
        bytes[42..46].copy_from_slice(&flags);
        line(&mut dissector, &packet(&bytes), &[])
    };
    for flags in [[0xff, 1, 0, 0], [0x0c, 0, 0, 3], [0x88, 0, 0, 7], [0x0f, 0xff, 0xff, 0xff]] {
        assert_eq!(show(flags), "7 10.0.1.15 egress VXLAN at 42", "{flags:?}");
    }
    assert_eq!(show([0x0c, 0, 0, 1]), "nothing");
}

#[test]
fn a_nested_vxlan_is_the_workloads_and_the_outer_one_is_shown() {
    let bytes = wrapped(7, &wrapped(77, &egress()));
    let shown = line(&mut Dissector::default(), &packet(&bytes), &[]);
    assert!(shown.starts_with("7 10.0.1.15 "), "{shown}");
}

const INTERFACE: &str =
    r#"vpcmirror: vni=7 source=10.0.1.15 session=tms-1 name="web 1" number=3 eni=eni-1 on=eth0"#;

#[test]
fn of_a_stripped_frame_the_interface_names_the_session() {
    let mut dissector = Dissector::default();
    let frame = egress();
    let shown = line(&mut dissector, &on(INTERFACE, &frame), &[]);
    assert_eq!(shown, "7 10.0.1.15 tms-1 web 1 3 eni-1 egress");
    let arp = on(INTERFACE, &frame[..14]);
    assert_eq!(line(&mut dissector, &arp, &[]), "7 10.0.1.15 tms-1 web 1 3 eni-1");
    let no_link = Packet { link: None, ..on(INTERFACE, &[]) };
    assert_eq!(line(&mut dissector, &no_link, &[]), "7 10.0.1.15 tms-1 web 1 3 eni-1");
}

#[test]
fn the_workloads_own_vxlan_is_not_taken_for_the_mirrors() {
    let bytes = wrapped(77, &egress());
    let shown = line(&mut Dissector::default(), &on(INTERFACE, &bytes), &[]);
    assert!(shown.starts_with("7 10.0.1.15 tms-1"), "{shown}");
}

#[test]
fn a_comment_tells_direction_and_cut() {
    let bytes = ingress_to_second_address();
    let packet = on(INTERFACE, &bytes);
    let mut dissector = Dissector::default();
    let mut show = |comments: &[&str]| line(&mut dissector, &packet, comments);
    let base = "7 10.0.1.15 tms-1 web 1 3 eni-1";
    let ours = "vpcmirror: vni=7 source=10.0.1.15 direction=ingress cut_from=9014";
    assert_eq!(show(&["a remark", ours, "another"]), format!("{base} ingress cut from 9014"));
    assert_eq!(
        show(&[ours, "vpcmirror: vni=7 source=10.0.1.15 direction=egress"]),
        format!("{base} egress"),
        "the last one counts, whole"
    );
}

#[test]
fn a_planted_comment_convinces_nobody() {
    let mut dissector = Dissector::default();
    let planted = "vpcmirror: vni=9 source=10.9.9.9 session=tms-9 direction=egress cut_from=9";
    let frame = ingress_to_second_address();
    // On an interface of no session, of a frame and of a wrapped packet.
    let bytes = wrapped(7, &frame);
    assert_eq!(line(&mut dissector, &on("eth0", &frame), &[planted]), "nothing");
    assert_eq!(line(&mut dissector, &packet(&frame), &[planted]), "nothing");
    assert_eq!(line(&mut dissector, &on("eth0", &bytes), &[planted]), "7 10.0.1.15 VXLAN at 42");
    // On the interface of another session: neither source, VNI nor endpoint may differ.
    let ours = "vpcmirror: vni=7 source=10.0.1.15 direction=ingress";
    for planted in [
        planted,
        "vpcmirror: vni=9 source=10.0.1.15 direction=egress",
        "vpcmirror: vni=7 source=10.0.1.16 direction=egress",
        "vpcmirror: vni=7 source=10.0.1.15 endpoint=vpce-0000000a direction=egress",
    ] {
        let packet = on(INTERFACE, &frame);
        let base = "7 10.0.1.15 tms-1 web 1 3 eni-1";
        assert_eq!(line(&mut dissector, &packet, &[planted]), base, "{planted}");
        assert_eq!(line(&mut dissector, &packet, &[ours, planted]), format!("{base} ingress"));
    }
}

#[test]
fn what_the_annotation_leaves_out_the_documents_fill_in() {
    let mut dissector = Dissector::new(known(&[WEB]));
    let bytes = ingress_to_second_address();
    let bare = on("vpcmirror: vni=7 source=10.0.1.15 on=eth0", &bytes);
    assert_eq!(line(&mut dissector, &bare, &[]), format!("{WEB_LINE} ingress"));
    let named = on(r#"vpcmirror: vni=7 source=10.0.1.15 name="web of then""#, &bytes);
    assert_eq!(
        line(&mut dissector, &named, &[]),
        "7 10.0.1.15 tms-1 web of then 3 eni-1 tmt-1 tmf-1 ingress"
    );
    let unknown = on("vpcmirror: vni=8 source=10.0.1.15", &bytes);
    assert_eq!(line(&mut dissector, &unknown, &[]), "8 10.0.1.15 Unknown");
    let named_unknown = on("vpcmirror: vni=8 source=10.0.1.15 name=x", &bytes);
    assert_eq!(line(&mut dissector, &named_unknown, &[]), "8 10.0.1.15 x");
}

#[test]
fn a_doubtful_description_counts_only_if_a_comment_agrees() {
    let mut dissector = Dissector::default();
    let bytes = wrapped(77, &egress());
    let doubtful = |description| Packet { doubtful_description: true, ..on(description, &bytes) };
    let mut show = |packet: &Packet<'_>, comments: &[&str]| line(&mut dissector, packet, comments);
    let ours = "vpcmirror: vni=7 source=10.0.1.15 direction=ingress";
    let other = "vpcmirror: vni=8 source=10.0.1.15 direction=ingress";
    let agreed = "7 10.0.1.15 tms-1 web 1 3 eni-1 ingress";
    assert_eq!(show(&doubtful(INTERFACE), &[ours]), agreed);
    assert_eq!(show(&doubtful(INTERFACE), &["a remark", ours, "another"]), agreed);
    assert_eq!(show(&doubtful(INTERFACE), &[other]), "nothing", "whose it is stays open");
    assert_eq!(show(&doubtful("eth0"), &[ours]), "nothing");
    assert_eq!(show(&doubtful(""), &[ours]), "nothing");
    let by_wrapper = "77 10.0.1.15 egress VXLAN at 42";
    assert_eq!(show(&doubtful(INTERFACE), &["a remark"]), by_wrapper);
    assert_eq!(show(&doubtful("eth0"), &[]), by_wrapper);
}

#[test]
fn names_are_printable_and_a_title_is_always_there() {
    let mut dissector = Dissector::default();
    let frame = egress();
    let evil = on(r#"vpcmirror: vni=7 source=10.0.1.15 name="a\u0000b\u001b[2J""#, &frame);
    let shown = line(&mut dissector, &evil, &[]);
    assert_eq!(shown, r"7 10.0.1.15 a\u{0}b\u{1b}[2J egress");
    let mut title = |description: &str| {
        let shown = dissector.show(&on(description, &frame), [].into_iter()).unwrap();
        shown.session.title.as_c_str().to_str().unwrap().to_owned()
    };
    assert_eq!(title(INTERFACE), "web 1");
    assert_eq!(title("vpcmirror: vni=7 source=10.0.1.15 session=tms-1"), "tms-1");
    assert_eq!(title("vpcmirror: vni=7 source=10.0.1.15"), "vni-7@10.0.1.15");
    assert_eq!(title(r#"vpcmirror: vni=7 source=10.0.1.15 name="""#), "vni-7@10.0.1.15");
}

#[test]
fn sessions_of_one_name_have_different_labels() {
    let mut dissector = Dissector::default();
    let frame = egress();
    let mut label = |description: &str| {
        let shown = dissector.show(&on(description, &frame), [].into_iter()).unwrap();
        shown.session.label.as_c_str().to_str().unwrap().to_owned()
    };
    let web =
        |vni: u32| format!("vpcmirror: vni={vni} source=10.0.1.15 session=tms-{vni} name=web");
    assert_eq!(label(&web(7)), "web (vni-7@10.0.1.15)");
    assert_eq!(label(&web(8)), "web (vni-8@10.0.1.15)");
    assert_eq!(label("vpcmirror: vni=7 source=10.0.1.15 session=tms-1"), "tms-1 (vni-7@10.0.1.15)");
    assert_eq!(label("vpcmirror: vni=7 source=10.0.1.15"), "vni-7@10.0.1.15");
}

/// Comments may be 65,535 bytes long, and there are 256 sessions with 8 each that were kept, long
/// ones too: 128 MiB, if all are foreign and different.
#[test]
fn long_comments_are_read_but_not_kept() {
    let mut dissector = Dissector::default();
    let frame = ingress_to_second_address();
    let direction = "vpcmirror: vni=7 source=10.0.1.15 direction=ingress";
    for number in 0..64 {
        let more: String = (0..number).map(|key| format!(" x{key}={}", "a".repeat(60))).collect();
        let long = direction.to_owned() + &more;
        let shown = line(&mut dissector, &on(INTERFACE, &frame), &[&long]);
        assert_eq!(shown, "7 10.0.1.15 tms-1 web 1 3 eni-1 ingress");
    }
    let kept = |stripped: &Stripped| stripped.comments.questions().map(|text| text.len()).max();
    let stripped = dissector.stripped.get(0, |_| true, || unreachable!()).unwrap();
    assert!(stripped.as_ref().and_then(kept).is_some_and(|longest| longest <= MAX_KEPT));
}

/// Where the addresses don't tell, documents that know no MAC don't either.
#[test]
fn an_eni_of_which_nothing_is_known_decides_nothing() {
    let session = KnownSession {
        vni: Vni::new(7),
        eni: Some(Eni { id: Some("eni-1".to_owned()), ..Eni::default() }),
        target: Some(Target::default()),
        ..KnownSession::default()
    };
    let settings = Settings { picture: Picture::new(vec![session]), ..Settings::default() };
    let mut dissector = Dissector::new(settings);
    let shown = line(&mut dissector, &packet(&wrapped(7, &egress())), &[]);
    assert_eq!(shown, "7 10.0.1.15 eni-1 egress VXLAN at 42", "by the addresses alone");
}

/// A frame between the ENI and the peer of which no address is the session's.
fn by_mac_alone(macs: [&str; 2]) -> Vec<u8> {
    frame(macs, [[10, 0, 1, 77], [203, 0, 113, 9]], 100, 100)
}

fn ingress() -> Vec<u8> {
    frame([PEER, ENI], [[203, 0, 113, 9], [10, 0, 1, 15]], 100, 100)
}

#[test]
fn the_mac_is_learnt_from_the_packets_before() {
    let ingress_to_second = ingress_to_second_address();
    let frames = [ingress_to_second.clone(), egress(), ingress(), ingress_to_second];
    let want = ["", "egress ", "ingress ", "ingress "];
    let mut dissector = Dissector::default();
    let mut look = |at: usize, is_in_turn| {
        let bytes = wrapped(7, &frames[at]);
        let packet =
            Packet { number: u32::try_from(at).unwrap() + 1, is_in_turn, ..packet(&bytes) };
        line(&mut dissector, &packet, &[])
    };
    for (at, want) in want.iter().enumerate() {
        assert_eq!(look(at, true), format!("7 10.0.1.15 {want}VXLAN at 42"));
    }
    for at in [3, 0, 2, 1, 0, 3] {
        assert_eq!(look(at, false), format!("7 10.0.1.15 {}VXLAN at 42", want[at]), "{at}");
    }
    // Another capture, in which the first packet of before is the second.
    dissector.begin();
    let bytes = wrapped(7, &by_mac_alone([PEER, ENI]));
    let again = Packet { number: 2, is_in_turn: false, ..packet(&bytes) };
    assert_eq!(line(&mut dissector, &again, &[]), "7 10.0.1.15 VXLAN at 42");
    let in_turn = Packet { is_in_turn: true, ..again };
    assert_eq!(line(&mut dissector, &in_turn, &[]), "7 10.0.1.15 VXLAN at 42");
}

/// A pass that is asked for nothing but what is odd may be followed by one that shows all.
#[test]
fn the_mac_is_learnt_when_nobody_looks() {
    for description in ["", "vpcmirror: vni=7 source=10.0.1.15"] {
        let mut dissector = Dissector::default();
        let frames = [egress(), ingress(), by_mac_alone([ENI, PEER])];
        let frames = frames.map(|frame| match description {
            "" => wrapped(7, &frame),
            _ => frame,
        });
        for (number, bytes) in (1..).zip(&frames) {
            let packet = Packet { number, only_odd: true, ..on(description, bytes) };
            assert_eq!(line(&mut dissector, &packet, &[]), "nothing");
        }
        let packet = Packet { number: 3, is_in_turn: false, ..on(description, &frames[2]) };
        let shown = line(&mut dissector, &packet, &[]);
        assert!(shown.starts_with("7 10.0.1.15 egress"), "{shown}");
    }
}

/// Of sessions that are too many to be remembered each packet still speaks for itself.
#[test]
fn more_sessions_than_are_remembered() {
    let mut dissector = Dissector::default();
    for vni in 0..=mirror_session::MAX_SESSIONS {
        let bytes = wrapped(vni, &egress());
        let packet = Packet { number: vni, only_odd: true, ..packet(&bytes) };
        dissector.show(&packet, [].into_iter());
    }
    for is_in_turn in [true, false] {
        let last = mirror_session::MAX_SESSIONS;
        let bytes = wrapped(last, &egress());
        let packet = Packet { number: last, is_in_turn, ..packet(&bytes) };
        let want = format!("{last} 10.0.1.15 egress VXLAN at 42");
        assert_eq!(line(&mut dissector, &packet, &[]), want);
    }
}

proptest! {
    /// A capture is read in order, some numbers twice (a viewer that leaves out a packet gives its
    /// number to the next), and then looked at in any order. The oracle holds a list: what strip
    /// would know at that packet.
    #[test]
    fn each_look_at_a_packet_says_what_its_turn_said(
        packets in prop::collection::vec((0usize..6, 0u32..2, any::<bool>(), 0usize..3, 0u8..8), 1..40),
        looks in prop::collection::vec(0usize..40, 0..60),
    ) {
        let kinds = [
            egress(),
            ingress(),
            by_mac_alone([ENI, PEER]),
            by_mac_alone([PEER, ENI]),
            by_mac_alone(["02:02:02:02:02:02", "03:03:03:03:03:03"]),
            frame(["02:02:02:02:02:02", PEER], [[10, 0, 1, 15], [203, 0, 113, 9]], 100, 100),
        ];
        let comments: [&[&str]; 3] = [
            &[],
            &["vpcmirror: vni=1 source=10.0.1.15 direction=ingress"],
            &["vpcmirror: vni=1 source=10.0.1.15"],
        ];
        let descriptions = ["vpcmirror: vni=0 source=10.0.1.15", "vpcmirror: vni=1 source=10.0.1.15"];
        let mut senses = [mirror_session::DirectionSense::default(); 2];
        let mut kept = Vec::new();
        let mut dissector = Dissector::default();
        let show = |dissector: &mut Dissector, number: usize, is_in_turn, bytes: &[u8], description, comments: &[&str]| {
            let packet = Packet {
                number: u32::try_from(number).unwrap() + 1,
                is_in_turn,
                ..on(description, bytes)
            };
            let comments = comments.iter().map(|text| text.as_bytes());
            dissector.show(&packet, comments).unwrap().direction
        };
        for (kind, vni, is_stripped, comment, again) in packets {
            let frame = &kinds[kind];
            let source = [10, 0, 1, 15].into();
            let sensed = senses[vni as usize].observe(source, &Inner::parse(frame).unwrap()).direction;
            let told = is_stripped && comment == 1 && vni == 1;
            let want = if told { Some(Direction::Ingress) } else { sensed };
            let bytes = if is_stripped { frame.clone() } else { wrapped(vni, frame) };
            let description = if is_stripped { descriptions[vni as usize] } else { "eth0" };
            if again == 0 {
                kept.pop();
            }
            let found = show(&mut dissector, kept.len(), true, &bytes, description, comments[comment]);
            prop_assert_eq!(found, want);
            kept.push((bytes, description, comments[comment], want));
        }
        for at in looks.into_iter().filter(|at| *at < kept.len()) {
            let (bytes, description, comments, want) = &kept[at];
            let found = show(&mut dissector, at, false, bytes, description, comments);
            prop_assert_eq!(found, *want);
        }
    }

    /// Packets are asked about in any order and again and again. The oracle is a dissector that
    /// has never seen another packet, and there is nothing to learn from these.
    #[test]
    fn nothing_that_was_shown_before_changes_what_is_shown(
        asked in prop::collection::vec((0u32..6, 0usize..5, 0usize..4, 0u32..3), 1..60),
    ) {
        let rows = [WEB, Row { vni: "2", name: "two", ..Row::default() }];
        let descriptions = [
            "",
            "eth0",
            INTERFACE,
            "vpcmirror: vni=2 source=10.0.1.15",
            "vpcmirror: vni=2 source=10.0.1.15 vni=3",
        ];
        let comments: [&[&str]; 4] = [
            &[],
            &["vpcmirror: vni=7 source=10.0.1.15 direction=ingress"],
            &["vpcmirror: vni=2 source=10.0.1.15 direction=egress cut_from=2000", "x"],
            &["x", "vpcmirror: vni=2"],
        ];
        let mut lasting = Dissector::new(known(&rows));
        for (vni, description, comment, interface) in asked {
            let bytes = wrapped(vni * 3 + 1, &egress());
            let packet = Packet { interface: interface * 64, ..on(descriptions[description], &bytes) };
            let mut fresh = Dissector::new(known(&rows));
            prop_assert_eq!(
                line(&mut lasting, &packet, comments[comment]),
                line(&mut fresh, &packet, comments[comment])
            );
        }
    }

    /// Who asks for nothing but what is odd gets the same answers, less those that are not.
    #[test]
    fn what_is_odd_is_told_without_the_rest(
        known_sessions in 0usize..3,
        asked in prop::collection::vec((0u32..4, 0usize..4, 0usize..4, 99usize..102), 1..40),
    ) {
        let rows = [WEB, Row { vni: "2", name: "two", packet_length: "", ..WEB }];
        let descriptions = ["", INTERFACE, "vpcmirror: vni=2 source=10.0.1.15", "vpcmirror: vni=3 source=10.0.1.15"];
        let comments: [&[&str]; 4] = [
            &[],
            &["vpcmirror: vni=7 source=10.0.1.15 direction=ingress"],
            &["vpcmirror: vni=7 source=10.0.1.15 cut_from=9014"],
            &["vpcmirror: vni=2 source=10.0.1.15 direction=egress cut_from=2000", "x"],
        ];
        let mut all = Dissector::new(known(&rows[..known_sessions]));
        let mut odd = Dissector::new(known(&rows[..known_sessions]));
        for (vni, description, comment, len) in asked {
            let cut = frame([ENI, PEER], [[10, 0, 1, 15], [203, 0, 113, 9]], len, 101);
            let bytes = wrapped([7, 2, 9, 77][vni as usize], &cut);
            for doubtful_description in [false, true] {
                let packet = Packet { doubtful_description, ..on(descriptions[description], &bytes) };
                let shown = all.show(&packet, comments[comment].iter().map(|text| text.as_bytes()));
                let is_odd = shown.is_some_and(|shown| shown.doubt.is_some() || shown.cut_from.is_some());
                let want = line(&mut all, &packet, comments[comment]);
                let packet = Packet { only_odd: true, ..packet };
                let found = line(&mut odd, &packet, comments[comment]);
                prop_assert_eq!(found, if is_odd { want } else { "nothing".to_owned() });
            }
        }
    }

    /// Whatever the bytes are, and wherever the capture ends.
    #[test]
    fn any_bytes_are_shown_or_not_and_that_is_all(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        description in prop::collection::vec(any::<u8>(), 0..40),
        link in 0u16..300,
        original_len in any::<u32>(),
        cut in 0usize..160,
    ) {
        let mut dissector = Dissector::new(known(&[WEB]));
        let random = Packet {
            link: LinkType::from_code(link),
            original_len,
            description: &description,
            ..packet(&bytes)
        };
        dissector.show(&random, [&description[..]].into_iter());
        let whole = wrapped(7, &egress());
        let cut = Packet { original_len, ..packet(&whole[..cut.min(whole.len())]) };
        dissector.show(&cut, [&bytes[..]].into_iter());
    }
}
