use mirror_session::{Found, SessionKey};

use super::*;

const FULL: Row<'_> = Row {
    vni: "308308",
    source: "10.0.1.15, 2001:db8::15 10.0.1.16/28",
    name: "web 1",
    session: "tms-0a",
    number: "3",
    eni: "eni-0c",
    target: "tmt-0e",
    filter: "tmf-0f",
    endpoint: "vpce-0a1b2c3d4e5f60718",
    mac: "02:15:0a:00:01:0f",
    packet_length: "100",
};

fn key(source: &str, vni: u32) -> SessionKey {
    SessionKey { endpoint: None, source: source.parse().unwrap(), vni: Vni::new(vni).unwrap() }
}

#[test]
fn every_column_is_taken() {
    let session = FULL.session().unwrap();
    let eni = session.eni.unwrap();
    assert_eq!(session.vni, Vni::new(308_308));
    assert_eq!(eni.addresses.len(), 2);
    assert_eq!(eni.prefixes, ["10.0.1.16/28".parse().unwrap()]);
    assert_eq!(eni.mac, "02:15:0a:00:01:0f".parse().ok());
    assert_eq!(eni.id.as_deref(), Some("eni-0c"));
    assert_eq!(session.name.as_deref(), Some("web 1"));
    assert_eq!(session.id.as_deref(), Some("tms-0a"));
    assert_eq!((session.number, session.packet_length), (Some(3), Some(100)));
    let target = session.target.unwrap();
    assert_eq!(target.id.as_deref(), Some("tmt-0e"));
    let endpoint = TargetKind::GatewayLoadBalancerEndpoint("vpce-0a1b2c3d4e5f60718".to_owned());
    assert_eq!(target.kind, Some(endpoint));
    assert_eq!(session.filter.unwrap().id.as_deref(), Some("tmf-0f"));
}

#[test]
fn a_vni_is_enough() {
    let session = Row { vni: "0", ..Row::default() }.session().unwrap();
    assert_eq!(session, KnownSession { vni: Vni::new(0), ..KnownSession::default() });
}

#[test]
fn what_is_wrong_is_told_with_its_column() {
    let vni = Row { vni: "7", ..Row::default() };
    for (row, want) in [
        (Row::default(), r#"vni: found "", expected a number from 0 to 16777215"#),
        (Row { vni: "+7", ..vni }, r#"vni: found "+7", expected a number from 0 to 16777215"#),
        (
            Row { vni: "16777216", ..vni },
            r#"vni: found "16777216", expected a number from 0 to 16777215"#,
        ),
        (Row { number: "0", ..vni }, r#"number: found "0", expected a number from 1 to 32766"#),
        (
            Row { number: "32767", ..vni },
            r#"number: found "32767", expected a number from 1 to 32766"#,
        ),
        (
            Row { packet_length: "0", ..vni },
            r#"packet_length: found "0", expected a number of bytes, 1 or more"#,
        ),
        (
            Row { mac: "0a", ..vni },
            r#"mac: found "0a", expected six pairs of hexadecimal digits, 0a:1b:2c:3d:4e:5f"#,
        ),
        (
            Row { endpoint: "gwlb", ..vni },
            r#"endpoint: found "gwlb", expected the id of an endpoint, vpce-0a1b2c3d4e5f60718"#,
        ),
        (
            Row { source: "10.0.1.1/28", ..vni },
            r#"source: found "10.0.1.1/28", expected a prefix whose bits behind the length are zero"#,
        ),
        (
            Row { source: "10.0.1.15 \u{1b}[2J", ..vni },
            r#"source: found "\u{1b}[2J", expected addresses, and prefixes such as 10.0.1.16/28, with spaces between them"#,
        ),
    ] {
        assert_eq!(row.session().unwrap_err().to_string(), want);
    }
}

#[test]
fn a_long_value_is_not_repeated_whole() {
    let long = "x".repeat(100_000);
    let error = Row { vni: &long, ..Row::default() }.session().unwrap_err();
    assert!(error.to_string().len() < 200);
}

#[test]
fn a_row_stands_in_for_the_session_of_the_file_that_it_describes() {
    let session = |row: Row<'_>| row.session().unwrap();
    let file = || {
        Picture::new(vec![
            session(Row { vni: "7", source: "10.0.0.1", name: "file 1", ..Row::default() }),
            session(Row { vni: "7", source: "10.0.0.2", name: "file 2", ..Row::default() }),
            session(Row { vni: "8", name: "file 3", ..Row::default() }),
        ])
    };
    let name = |picture: &Picture, key: SessionKey| match picture.find(&key) {
        Found::Session { session, .. } => session.name.clone().unwrap_or_default(),
        found => format!("{found:?}"),
    };
    let rows = vec![
        session(Row { vni: "7", source: "10.0.0.2", name: "row 2", ..Row::default() }),
        session(Row { vni: "8", name: "row 3", ..Row::default() }),
        session(Row { vni: "9", name: "row 4", ..Row::default() }),
    ];
    let joined = join(file(), rows);
    assert_eq!(name(&joined, key("10.0.0.1", 7)), "file 1");
    assert_eq!(name(&joined, key("10.0.0.2", 7)), "row 2");
    assert_eq!(name(&joined, key("10.0.0.9", 8)), "row 3");
    assert_eq!(name(&joined, key("10.0.0.9", 9)), "row 4");
    assert_eq!(joined.sessions().len(), 4);
    assert_eq!(join(file(), Vec::new()), file());
}
