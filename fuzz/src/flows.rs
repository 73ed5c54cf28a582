//! What rules look at: in packets, and in tables of flows.

use mirror_filter::flows::{Line, Table};
use mirror_filter::{Action, Decision, Filter, PortRange, Rule};
use mirror_wire::{Direction, Flow, LinkType, NoFlow, Ports, Seen};

/// Ethernet, SLL, SLL2, raw, NULL, LOOP.
const LINK_TYPES: [u16; 6] = [1, 113, 276, 101, 0, 108];

/// A packet has two addresses of one family and says what it lacks; fewer bytes of it show nothing
/// else than more; and a rule that takes it is one whose fields it has.
///
/// Byte 0 chooses the link type, bytes 1 and 2 the port of a rule.
pub fn flow(data: &[u8]) {
    let Some((&[link, high, low], bytes)) = data.split_first_chunk::<3>() else { return };
    let code = LINK_TYPES.get(usize::from(link) % LINK_TYPES.len());
    let Some(link) = code.and_then(|code| LinkType::from_code(*code)) else { return };
    let whole = Seen::parse(link, bytes);
    if let Err(why) = &whole {
        assert!(!why.to_string().contains('\n'));
    }
    let Ok(seen) = &whole else { return };
    let flow = seen.flow;
    assert_eq!(flow.source.is_ipv4(), flow.destination.is_ipv4());
    assert!(flow.protocol.is_some() || matches!(flow.ports, Ports::Missing(_)));
    for end in [bytes.len() / 2, bytes.len().saturating_sub(1)] {
        is_part_of(&Flow::parse(link, bytes.get(..end).unwrap_or_default()), &flow);
    }
    decides(&flow, u16::from_be_bytes([high, low]));
}

/// What a cut packet shows is what the whole one does.
fn is_part_of(cut: &Result<Flow, NoFlow>, whole: &Flow) {
    let Ok(cut) = cut else { return };
    assert_eq!((cut.source, cut.destination), (whole.source, whole.destination));
    assert!(cut.protocol.is_none() || cut.protocol == whole.protocol);
    if let Ports::Known { .. } = cut.ports {
        assert_eq!(cut.ports, whole.ports);
    }
}

/// One rule that asks for a port, and none behind it.
fn decides(flow: &Flow, port: u16) {
    let any = if flow.source.is_ipv4() { "0.0.0.0/0" } else { "::/0" };
    let Ok(any) = any.parse() else { return };
    let rule = Rule {
        direction: Direction::Ingress,
        number: 1,
        action: Action::Accept,
        protocol: Some(6),
        source: any,
        destination: any,
        source_ports: None,
        destination_ports: PortRange::new(0, port),
        description: None,
        id: None,
    };
    let Ok(filter) = (Filter { rules: vec![rule], ..Filter::default() }).compile() else { return };
    let taken = Decision::Rule { rule: 0, action: Action::Accept };
    let decision = filter.decide(Direction::Ingress, flow);
    match (flow.protocol, flow.ports) {
        (Some(6), Ports::Known { destination, .. }) => {
            assert_eq!(decision == taken, destination <= port, "{flow:?}");
        }
        (Some(6), Ports::Missing(_)) => assert_ne!(decision, Decision::NoRule, "{flow:?}"),
        (Some(_), _) => assert_eq!(decision, Decision::NoRule, "{flow:?}"),
        (None, _) => assert_ne!(decision, taken, "another protocol would not be taken"),
    }
    assert_eq!(filter.decide(Direction::Egress, flow), Decision::NoRule);
}

/// A row says the same whatever stood before it, and what is wrong with it fits a line.
///
/// The first line has the names of the columns.
pub fn flows_table(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let table = match lines.next().map(Table::new) {
        Some(Ok(table)) => table,
        Some(Err(error)) => {
            let text = error.to_string();
            return assert!(!text.contains(char::is_control), "{text:?}");
        }
        None => return,
    };
    for line in lines {
        match table.line(line) {
            Ok(Line::Row(row)) => {
                if let Some(Ok(seen)) = &row.seen {
                    let flow = seen.flow;
                    assert_eq!(flow.source.is_ipv4(), flow.destination.is_ipv4());
                    assert!(flow.protocol.is_some() || matches!(flow.ports, Ports::Missing(_)));
                }
                assert!(row.time.is_none_or(|(start, end)| start <= end));
                assert_eq!(table.line(line).ok(), Some(Line::Row(row)), "the same again");
            }
            Ok(Line::NoData | Line::SkipData | Line::Empty) => {}
            Err(error) => {
                let text = error.to_string();
                assert!(!text.contains(char::is_control), "{text:?}");
            }
        }
    }
}
