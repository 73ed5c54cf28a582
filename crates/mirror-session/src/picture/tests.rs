use mirror_wire::Mac;
use proptest::prelude::*;

use super::*;
use crate::{FilterName, Prefix, Target, TargetKind};

const A: u64 = 0x0a;
const B: u64 = 0x0b;

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn vni(vni: u32) -> Vni {
    Vni::new(vni).unwrap()
}

fn address(last: u8) -> IpAddr {
    IpAddr::from([10, 0, 1, last])
}

/// A session with an id, a VNI and, unless it is 0, the last byte of its ENI's primary address.
fn session(id: &str, number: u32, source: u8) -> KnownSession {
    KnownSession {
        id: text(id),
        vni: Some(vni(number)),
        eni: Some(Eni {
            addresses: (source != 0).then(|| address(source)).into_iter().collect(),
            ..Eni::default()
        }),
        ..KnownSession::default()
    }
}

fn behind(endpoint: u64, session: KnownSession) -> KnownSession {
    let kind = TargetKind::GatewayLoadBalancerEndpoint(Endpoint::new(endpoint).to_string());
    KnownSession { target: Some(Target { kind: Some(kind), ..Target::default() }), ..session }
}

fn key(endpoint: Option<u64>, source: u8, number: u32) -> SessionKey {
    SessionKey { endpoint: endpoint.map(Endpoint::new), source: address(source), vni: vni(number) }
}

/// What is found, in short.
#[track_caller]
fn found(picture: &Picture, key: SessionKey) -> String {
    match picture.find(&key) {
        Found::Session { session, by: By::SourceAndVni } => session.id.clone().unwrap(),
        Found::Session { session, by: By::VniAlone } => {
            format!("{} by vni", session.id.as_deref().unwrap())
        }
        Found::Ambiguous(count) => format!("one of {count}"),
        Found::Unknown => "unknown".to_owned(),
    }
}

#[test]
fn a_session_is_found_by_its_primary_address_and_vni() {
    let mut web = session("web", 7, 15);
    let eni = web.eni.as_mut().unwrap();
    eni.addresses.push(address(16));
    eni.addresses.push("2001:db8::15".parse().unwrap());
    let picture = Picture::new(vec![session("db", 7, 20), web, session("log", 8, 15)]);

    assert_eq!(found(&picture, key(None, 15, 7)), "web");
    assert_eq!(found(&picture, key(None, 20, 7)), "db");
    assert_eq!(found(&picture, key(None, 15, 8)), "log");
    assert_eq!(found(&picture, key(None, 20, 8)), "unknown");
    assert_eq!(found(&picture, key(None, 15, 9)), "unknown");
    assert_eq!(found(&picture, key(None, 16, 7)), "unknown", "not the primary address");
    let over_v6 = SessionKey { source: "2001:db8::15".parse().unwrap(), ..key(None, 0, 7) };
    assert_eq!(found(&picture, over_v6), "web");
}

#[test]
fn where_no_address_is_known_the_vni_alone_is_enough_if_no_other_session_has_it() {
    let without_eni = KnownSession { eni: None, ..session("b", 8, 0) };
    let picture = Picture::new(vec![session("a", 7, 0), without_eni, session("c", 9, 15)]);
    assert_eq!(found(&picture, key(None, 15, 7)), "a by vni");
    assert_eq!(found(&picture, key(None, 15, 8)), "b by vni");
    assert_eq!(found(&picture, key(None, 15, 9)), "c");
    assert_eq!(found(&picture, key(None, 16, 9)), "unknown", "its address is known, and another");

    let picture = Picture::new(vec![session("a", 7, 0), session("b", 7, 0)]);
    assert_eq!(found(&picture, key(None, 15, 7)), "one of 2");
    // A source that no document knows may be a's, or of a session that nobody described.
    let picture = Picture::new(vec![session("a", 7, 0), session("b", 7, 20)]);
    assert_eq!(found(&picture, key(None, 15, 7)), "one of 2");
    assert_eq!(found(&picture, key(None, 20, 7)), "b");
}

#[test]
fn two_sessions_of_one_source_and_vni_are_never_guessed_between() {
    let picture = Picture::new(vec![session("a", 7, 15), session("b", 7, 15), session("c", 7, 0)]);
    assert_eq!(found(&picture, key(None, 15, 7)), "one of 2");
    assert_eq!(found(&picture, key(Some(A), 15, 7)), "one of 2");
}

#[test]
fn an_endpoint_tells_sessions_apart_that_are_alike_otherwise() {
    let picture =
        Picture::new(vec![behind(A, session("a", 7, 15)), behind(B, session("b", 7, 15))]);
    assert_eq!(found(&picture, key(Some(A), 15, 7)), "a");
    assert_eq!(found(&picture, key(Some(B), 15, 7)), "b");
    assert_eq!(found(&picture, key(Some(0x0c), 15, 7)), "unknown");
    assert_eq!(found(&picture, key(None, 15, 7)), "one of 2");

    let picture = Picture::new(vec![behind(A, session("a", 7, 0)), behind(B, session("b", 7, 0))]);
    assert_eq!(found(&picture, key(Some(A), 15, 7)), "a by vni");
    assert_eq!(found(&picture, key(Some(0x0c), 15, 7)), "unknown");
    assert_eq!(found(&picture, key(None, 15, 7)), "one of 2");
}

#[test]
fn a_session_that_names_no_endpoint_contradicts_none_and_stands_behind_those_that_agree() {
    let picture = Picture::new(vec![behind(A, session("a", 7, 15)), session("b", 7, 15)]);
    assert_eq!(found(&picture, key(Some(A), 15, 7)), "a");
    assert_eq!(found(&picture, key(Some(B), 15, 7)), "b");
    assert_eq!(found(&picture, key(None, 15, 7)), "one of 2");

    let picture = Picture::new(vec![behind(A, session("a", 7, 0)), session("b", 7, 0)]);
    assert_eq!(found(&picture, key(Some(A), 15, 7)), "a by vni");
    assert_eq!(found(&picture, key(Some(B), 15, 7)), "b by vni");

    let elsewhere = Picture::new(vec![behind(A, session("a", 7, 20)), session("b", 7, 0)]);
    assert_eq!(found(&elsewhere, key(Some(A), 15, 7)), "one of 2");
    assert_eq!(found(&elsewhere, key(Some(B), 15, 7)), "b by vni", "a is behind another endpoint");
}

#[test]
fn a_session_without_a_vni_is_not_found() {
    let picture = Picture::new(vec![KnownSession { vni: None, ..session("a", 0, 15) }]);
    assert_eq!(found(&picture, key(None, 15, 0)), "unknown");
    assert_eq!(found(&Picture::default(), key(None, 15, 0)), "unknown");
}

#[test]
fn sessions_are_in_order_of_eni_and_number() {
    let of = |id: &str, eni: &str, number| KnownSession {
        id: text(id),
        number: Some(number),
        eni: Some(Eni { id: text(eni), ..Eni::default() }),
        ..KnownSession::default()
    };
    let picture =
        Picture::new(vec![of("a", "eni-2", 1), of("b", "eni-1", 10), of("c", "eni-1", 9)]);
    let ids: Vec<_> = picture.sessions().iter().map(|s| s.id.as_deref().unwrap()).collect();
    assert_eq!(ids, ["c", "b", "a"]);
}

#[test]
fn what_says_nothing_is_left_out() {
    let name = || text("");
    let eni = Eni {
        id: name(),
        name: name(),
        description: name(),
        addresses: [1, 2, 1, 1].map(address).to_vec(),
        prefixes: ["10.0.0.0/28", "10.0.0.0/28"].map(|p| p.parse().unwrap()).to_vec(),
        ..Eni::default()
    };
    let session = KnownSession {
        id: name(),
        name: name(),
        description: name(),
        packet_length: Some(0),
        eni: Some(eni),
        target: Some(Target { id: name(), name: name(), description: name(), kind: None }),
        filter: Some(FilterName { id: name(), name: name(), description: name() }),
        ..KnownSession::default()
    };
    let want = KnownSession {
        eni: Some(Eni {
            addresses: [1, 2].map(address).to_vec(),
            prefixes: vec!["10.0.0.0/28".parse().unwrap()],
            ..Eni::default()
        }),
        target: Some(Target::default()),
        filter: Some(FilterName::default()),
        ..KnownSession::default()
    };
    assert_eq!(Picture::new(vec![session]).sessions(), [want]);
}

#[test]
fn a_document_given_twice_is_there_once_but_sessions_without_ids_may_be_alike() {
    let (a, b) = (session("a", 7, 15), session("b", 7, 15));
    let picture = Picture::new(vec![a.clone(), b.clone(), a.clone(), b.clone()]);
    assert_eq!(picture.sessions(), [a.clone(), b]);
    let nameless = KnownSession { id: None, ..a };
    assert_eq!(Picture::new(vec![nameless.clone(), nameless]).sessions().len(), 2);
}

/// A hundred thousand sessions that all look alike must cost no more to look among.
#[test]
fn a_crowd_of_sessions_with_one_vni_is_counted_not_walked() {
    let crowd = (0..100_000).map(|n| session(&format!("tms-{n}"), 7, 0)).collect();
    let picture = Picture::new(crowd);
    for last in 0..=255 {
        for endpoint in 0..400 {
            let found = picture.find(&key(Some(endpoint), last, 7));
            assert_eq!(found, Found::Ambiguous(100_000));
        }
    }
}

#[test]
fn sessions_that_agree_have_no_conflicts() {
    let eni = |id: &str, last| Eni {
        id: text(id),
        mac: Some(Mac::new([2, 0, 0, 0, 0, last])),
        addresses: vec![address(last)],
        ..Eni::default()
    };
    // The same VNI everywhere, and one ENI with two sessions of which one knows less.
    let first = KnownSession { number: Some(1), eni: Some(eni("eni-1", 1)), ..session("a", 7, 0) };
    let second = KnownSession {
        number: Some(2),
        eni: Some(Eni { mac: None, ..eni("eni-1", 1) }),
        ..session("b", 8, 0)
    };
    let third = KnownSession { number: Some(1), eni: Some(eni("eni-2", 2)), ..session("c", 7, 0) };
    let picture = Picture::new(vec![
        first,
        second,
        third,
        session("d", 9, 0),
        behind(A, session("e", 10, 0)),
        behind(B, session("f", 10, 0)),
        behind(A, session("g", 11, 4)),
        behind(B, session("h", 11, 4)),
    ]);
    assert_eq!(picture.conflicts(), [""; 0]);
}

#[track_caller]
fn conflicts(sessions: Vec<KnownSession>, want: &[&str]) {
    assert_eq!(Picture::new(sessions).conflicts(), want);
}

#[test]
fn sessions_that_no_packet_tells_apart_are_said() {
    conflicts(
        vec![session("a", 7, 15), session("b", 7, 15)],
        &["packets from 10.0.1.15 with vni 7 are of no one session: a, b"],
    );
    conflicts(
        (0..5).map(|n| session(&format!("tms-{n}"), 7, 15)).collect(),
        &[
            "packets from 10.0.1.15 with vni 7 are of no one session: tms-0, tms-1, tms-2 and 2 more",
        ],
    );
    conflicts(
        vec![behind(A, session("a", 7, 15)), behind(A, session("b", 7, 15))],
        &["packets from 10.0.1.15 with vni 7 are of no one session: a, b"],
    );
    conflicts(
        vec![behind(A, session("a", 7, 15)), session("b", 7, 0)],
        &["vni 7 is of 2 sessions, and no document knows the address of b"],
    );
}

#[test]
fn sessions_without_ids_are_named_as_well_as_can_be() {
    let nameless = KnownSession { id: None, ..session("", 7, 15) };
    let named = KnownSession { name: text("Web\u{1b}[2J"), ..nameless.clone() };
    let mut of_eni = nameless.clone();
    of_eni.eni.as_mut().unwrap().id = text("eni-1");
    conflicts(
        vec![of_eni, named, nameless],
        &["packets from 10.0.1.15 with vni 7 are of no one session: \
           one without a name, \"Web\\u001b[2J\", one of eni-1"],
    );
}

#[test]
fn one_id_with_two_descriptions_is_said_of_each_field() {
    let described = |number, eni: &str, last, target: &str, filter: &str| KnownSession {
        id: Some(format!("tms-{number}")),
        number: Some(number),
        eni: Some(Eni {
            id: text("eni-1"),
            name: text(eni),
            description: text(eni),
            mac: Some(Mac::new([2, 0, 0, 0, 0, last])),
            addresses: vec![address(last), address(9)],
            prefixes: vec![Prefix::new(address(last), 28 + last).unwrap()],
        }),
        target: Some(Target {
            id: text("tmt-1"),
            name: text(target),
            description: text(target),
            kind: Some(TargetKind::NetworkInterface(target.to_owned())),
        }),
        filter: Some(FilterName {
            id: text("tmf-1"),
            name: text(filter),
            description: text(filter),
        }),
        ..KnownSession::default()
    };
    conflicts(
        vec![
            described(1, "x", 1, "s", "p"),
            described(2, "y", 2, "t", "q"),
            described(3, "z", 3, "u", "r"),
        ],
        &[
            "eni eni-1 has name x, and elsewhere y",
            "eni eni-1 has description x, and elsewhere y",
            "eni eni-1 has mac 02:00:00:00:00:01, and elsewhere 02:00:00:00:00:02",
            "eni eni-1 has addresses \"10.0.1.1, 10.0.1.9\", and elsewhere \"10.0.1.2, 10.0.1.9\"",
            "eni eni-1 has prefixes 10.0.1.0/29, and elsewhere 10.0.1.0/30",
            "target tmt-1 has name s, and elsewhere t",
            "target tmt-1 has description s, and elsewhere t",
            "target tmt-1 has resource s, and elsewhere t",
            "filter tmf-1 has name p, and elsewhere q",
            "filter tmf-1 has description p, and elsewhere q",
        ],
    );
}

#[test]
fn a_session_that_is_described_twice_is_said_once() {
    let of_eni = |vni| {
        let mut session = KnownSession { number: Some(1), ..session("a", vni, 0) };
        session.eni.as_mut().unwrap().id = text("eni-1");
        session
    };
    conflicts(vec![of_eni(7), of_eni(8)], &["session a is described 2 times, not alike"]);
}

#[test]
fn what_only_one_eni_can_have_is_said_if_two_have_it() {
    let with = |id: &str, number, mac: [u8; 6], last: &[u8]| KnownSession {
        id: text(id),
        number: Some(number),
        eni: Some(Eni {
            id: Some(format!("eni-{id}")),
            mac: Some(Mac::new(mac)),
            addresses: last.iter().copied().map(address).collect(),
            prefixes: vec!["10.0.2.0/28".parse().unwrap()],
            ..Eni::default()
        }),
        ..KnownSession::default()
    };
    conflicts(
        vec![
            with("a", 1, [2, 0, 0, 0, 0, 1], &[1, 2]),
            with("b", 1, [2, 0, 0, 0, 0, 1], &[3, 2]),
            with("c", 1, [2, 0, 0, 0, 0, 1], &[4]),
        ],
        &[
            "mac 02:00:00:00:00:01 is of eni eni-a and of eni eni-b",
            "address 10.0.1.2 is of eni eni-a and of eni eni-b",
            "prefix 10.0.2.0/28 is of eni eni-a and of eni eni-b",
        ],
    );
    let group = |id: &str, number| {
        let mut session = with(id, number, [0xff; 6], &[]);
        session.eni.as_mut().unwrap().id = text("eni-1");
        session
    };
    conflicts(
        vec![group("a", 1), group("b", 2)],
        &["eni eni-1 has mac ff:ff:ff:ff:ff:ff, which is of a group; it is not used"],
    );
    conflicts(
        vec![group("a", 1), group("b", 1)],
        &[
            "number 1 of eni-1 is of more than one session: a, b",
            "eni eni-1 has mac ff:ff:ff:ff:ff:ff, which is of a group; it is not used",
        ],
    );
}

/// The slow, obvious one: looks through the list again for every packet, in the words of the rules.
fn look_through(
    sessions: &[KnownSession],
    key: &SessionKey,
) -> Result<Option<(String, By)>, usize> {
    fn said_endpoint(session: &KnownSession) -> Option<Endpoint> {
        match session.target.as_ref()?.kind.as_ref()? {
            TargetKind::GatewayLoadBalancerEndpoint(id) => id.parse().ok(),
            _ => None,
        }
    }
    let agrees = |s: &KnownSession| key.endpoint.is_some() && said_endpoint(s) == key.endpoint;
    let contradicts =
        |s: &KnownSession| key.endpoint.is_some() && said_endpoint(s).is_some() && !agrees(s);
    let address_of = |s: &KnownSession| s.eni.as_ref().and_then(|e| e.addresses.first().copied());

    let mut fitting: Vec<&KnownSession> =
        sessions.iter().filter(|s| s.vni == Some(key.vni) && !contradicts(s)).collect();
    let is_at_source = |s: &KnownSession| address_of(s) == Some(key.source);
    let is_silent = |s: &KnownSession| address_of(s).is_none();

    if fitting.iter().any(|s| is_at_source(s)) {
        fitting.retain(|s| is_at_source(s));
        if fitting.iter().any(|s| agrees(s)) {
            fitting.retain(|s| agrees(s));
        }
        return match fitting[..] {
            [only] => Ok(Some((only.id.clone().unwrap(), By::SourceAndVni))),
            _ => Err(fitting.len()),
        };
    }
    if fitting.iter().any(|s| is_silent(s) && agrees(s)) {
        fitting.retain(|s| agrees(s));
    }
    match fitting[..] {
        [only] if is_silent(only) => Ok(Some((only.id.clone().unwrap(), By::VniAlone))),
        _ if fitting.iter().any(|s| is_silent(s)) => Err(fitting.len()),
        _ => Ok(None),
    }
}

fn any_session() -> impl Strategy<Value = KnownSession> {
    let target = prop::option::of(prop::option::of(A..=B));
    (prop::option::of(0u32..3), 0u8..4, target).prop_map(|(number, source, target)| {
        let session = KnownSession { vni: number.map(vni), ..session("", 0, source) };
        match target {
            None => session,
            Some(None) => KnownSession { target: Some(Target::default()), ..session },
            Some(Some(endpoint)) => behind(endpoint, session),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn finds_what_one_finds_who_looks_through_the_list(
        mut sessions in prop::collection::vec(any_session(), 0..8),
    ) {
        for (n, session) in sessions.iter_mut().enumerate() {
            session.id = Some(n.to_string());
        }
        let picture = Picture::new(sessions.clone());
        for endpoint in [None, Some(A), Some(B)] {
            for source in 1..4 {
                for number in 0..3 {
                    let key = key(endpoint, source, number);
                    let got = match picture.find(&key) {
                        Found::Session { session, by } => Ok(Some((session.id.clone().unwrap(), by))),
                        Found::Unknown => Ok(None),
                        Found::Ambiguous(count) => Err(count),
                    };
                    prop_assert_eq!(got, look_through(&sessions, &key), "{}", key);
                }
            }
        }
    }

    /// Whoever gets no name because of several sessions was told so beforehand.
    #[test]
    fn every_ambiguous_answer_is_a_conflict(
        mut sessions in prop::collection::vec(any_session(), 0..8),
    ) {
        for (n, session) in sessions.iter_mut().enumerate() {
            session.id = Some(n.to_string());
        }
        let picture = Picture::new(sessions);
        for endpoint in [Some(A), Some(B)] {
            for (source, number) in (1..4).flat_map(|s| (0..3).map(move |n| (s, n))) {
                let key = key(endpoint, source, number);
                if let Found::Ambiguous(_) = picture.find(&key) {
                    let vni = format!("vni {number} ");
                    let said = picture.conflicts();
                    prop_assert!(said.iter().any(|line| line.contains(&vni)), "{key}: {said:?}");
                }
            }
        }
    }

    #[test]
    fn the_order_in_which_sessions_are_given_does_not_matter(
        sessions in prop::collection::vec(any_session(), 0..8)
            .prop_map(|mut list| {
                list.iter_mut().enumerate().for_each(|(n, session)| session.id = Some(n.to_string()));
                list
            })
            .prop_flat_map(|list| (Just(list.clone()), Just(list).prop_shuffle())),
    ) {
        prop_assert_eq!(Picture::new(sessions.0), Picture::new(sessions.1));
    }
}
