//! What is shown of a packet.

use mirror_dissect::{Dissector, LinkType, Packet, Picture, Row, Settings, Shown, join};

/// Columns of a row.
const COLUMNS: usize = 11;

/// What was shown before changes nothing, and no text can do harm.
///
/// The first line is an interface's description, the second a packet's comment, the rest the
/// packet. The same lines are also a row of a table of sessions, a column each.
pub fn dissect(data: &[u8]) {
    let mut lines = data.splitn(3, |byte| *byte == b'\n');
    let [Some(description), Some(comment), Some(bytes)] = [(); 3].map(|()| lines.next()) else {
        return;
    };
    let packet = Packet {
        number: 1,
        is_in_turn: false,
        link: Some(LinkType::Ethernet),
        bytes,
        original_len: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        fcs_len: 0,
        interface: 0,
        description,
        doubtful_description: false,
        only_odd: false,
    };
    let sessions = row(data).into_iter().collect();
    let settings = Settings { picture: join(Picture::default(), sessions), ..Settings::default() };
    let mut lasting = Dissector::new(settings.clone());
    let variants = [
        packet,
        Packet { doubtful_description: true, ..packet },
        Packet { description: b"", ..packet },
        Packet { link: None, ..packet },
        Packet { only_odd: true, ..packet },
        packet,
    ];
    for packet in variants {
        let comments = || [comment, b"a remark", comment].into_iter();
        let mut fresh = Dissector::new(settings.clone());
        let [lasting, fresh] = [&mut lasting, &mut fresh].map(|dissector| {
            dissector.show(&packet, comments()).map(|shown| {
                check(&shown, &packet);
                format!("{shown:?}")
            })
        });
        assert_eq!(lasting, fresh, "something shown before has changed it");
    }
}

fn check(shown: &Shown<'_>, packet: &Packet<'_>) {
    let session = shown.session;
    let texts = [&session.id, &session.name, &session.eni, &session.target, &session.filter];
    let texts = texts
        .into_iter()
        .chain([&session.endpoint])
        .flatten()
        .chain([&session.title, &session.label]);
    for text in texts {
        let text = text.as_c_str().to_string_lossy();
        assert!(!text.is_empty() && !text.chars().any(char::is_control), "{text:?}");
    }
    if let Some(at) = shown.vxlan {
        assert!(packet.bytes.len() >= at + 8, "no VXLAN header at {at}");
    }
}

/// A row whose columns are these lines.
fn row(data: &[u8]) -> Option<mirror_session::KnownSession> {
    let text = str::from_utf8(data).ok()?;
    let mut columns = [""; COLUMNS];
    for (column, line) in columns.iter_mut().zip(text.split('\n')) {
        *column = line;
    }
    let [source, name, vni, session, number, eni, target, filter, endpoint, mac, packet_length] =
        columns;
    let row = Row {
        vni,
        source,
        name,
        session,
        number,
        eni,
        target,
        filter,
        endpoint,
        mac,
        packet_length,
    };
    row.session()
        .inspect_err(|error| {
            let error = error.to_string();
            assert!(!error.chars().any(char::is_control) && error.len() < 1_000, "{error:?}");
        })
        .ok()
}
