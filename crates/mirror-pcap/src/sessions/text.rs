//! The inventory for people.
//!
//! Tables on standard output, one for each question, and only those with something in them. What is
//! said beside it (broken places, how sessions were found) goes to standard error. Texts come from
//! captures and documents; none reaches the terminal unescaped.

use mirror_session::{KnownSession, SessionId};

use super::{
    cuts::Cause,
    inventory::{Inventory, Listed, Packets},
    times::Moment,
};
use crate::{
    documents::titled,
    failure::printable,
    number::{counted, grouped},
    table::{Align, Table, cell},
};

/// Rows of a table that is not the one of the sessions; scripts get them all.
const MAX_LISTED: usize = 20;

/// What is said on standard error.
pub(super) fn aside(inventory: &Inventory<'_>) -> String {
    let damage = inventory.inputs().iter().map(|one| one.damage.text(&one.name, one.compression));
    let mut text: String = damage.collect();
    if super::is_stopped() {
        text += "mirror-pcap: stopped by a signal; what had arrived is counted\n";
    }
    for remark in inventory.remarks() {
        text += &format!("mirror-pcap: {remark}\n");
    }
    text
}

pub(super) fn text(inventory: &Inventory<'_>) -> String {
    let sessions = inventory.sessions();
    let mut text = summary(inventory, sessions.len());
    if !sessions.is_empty() {
        text += &table(&sessions);
    }
    if !sessions.is_empty() && sessions.iter().all(|one| one.span().first().is_none()) {
        text += "no packet of them has a time that can be told\n";
    }
    text += &cuts(&sessions);
    text += &duplicates(inventory, &sessions);
    text += &other(inventory);
    text += &unknown(&sessions);
    text += &missing(inventory);
    text
}

fn summary(inventory: &Inventory<'_>, sessions: usize) -> String {
    let name = match inventory.inputs() {
        [input] => printable(&input.name),
        inputs => format!("{} captures", grouped(inputs.len() as u64)),
    };
    let Packets { read, wrapped, stripped, other, damaged } = inventory.packets();
    let read = counted(read, "packet", "packets");
    let sessions = counted(sessions as u64, "mirror session", "mirror sessions");
    let of_sessions = match (wrapped, stripped) {
        (0, 0) => "no mirror session".to_owned(),
        (_, 0) => format!("{} of {sessions}", grouped(wrapped)),
        (0, _) => format!("{} of {sessions}, stripped before", grouped(stripped)),
        (_, _) => format!(
            "{} of {sessions} ({} of them stripped before)",
            grouped(wrapped + stripped),
            grouped(stripped)
        ),
    };
    let mut text = format!("{name}: {read}, {of_sessions}, {} other", grouped(other));
    if damaged > 0 {
        text += &format!(", {} damaged", grouped(damaged));
    }
    text.push('\n');
    text
}

fn table(sessions: &[Listed<'_>]) -> String {
    let mut table = Table::new([
        ("session", Align::Left),
        ("id", Align::Left),
        ("name", Align::Left),
        ("packets", Align::Right),
        ("bytes", Align::Right),
        ("bit/s", Align::Right),
        ("ingress", Align::Right),
        ("egress", Align::Right),
        ("unknown", Align::Right),
        ("cut", Align::Right),
        ("first", Align::Left),
        ("last", Align::Left),
    ]);
    // Without documents there are no names, and no columns for them.
    table.show_if("id", sessions.iter().any(|one| one.id().is_some()));
    table.show_if("name", sessions.iter().any(|one| one.name().is_some()));
    let time = |moment: Option<Moment>| moment.map_or_else(|| "-".to_owned(), Moment::text);
    for one in sessions {
        let [ingress, egress, unknown] = one.directions().map(grouped);
        table.push([
            one.key.to_string(),
            cell(one.id()),
            cell(one.name()),
            grouped(one.packets()),
            grouped(one.bytes()),
            one.rate().map_or_else(|| "-".to_owned(), grouped),
            ingress,
            egress,
            unknown,
            grouped(one.cut()),
            time(one.span().first()),
            time(one.span().last()),
        ]);
    }
    table.text()
}

fn cuts(sessions: &[Listed<'_>]) -> String {
    let mut table = Table::new([
        ("session", Align::Left),
        ("length", Align::Right),
        ("packets", Align::Right),
        ("by", Align::Left),
    ]);
    let mut rows = Vec::new();
    for one in sessions {
        for (length, packets, cause) in one.cuts() {
            let length = length.map_or_else(|| "other".to_owned(), |n| grouped(u64::from(n)));
            let by = cause.map_or_else(|| "-".to_owned(), Cause::text);
            rows.push([one.key.to_string(), length, grouped(packets), by]);
        }
    }
    if rows.is_empty() {
        return String::new();
    }
    rows.into_iter().for_each(|row| table.push(row));
    format!("cut to these lengths\n{}", table.text())
}

fn duplicates(inventory: &Inventory<'_>, sessions: &[Listed<'_>]) -> String {
    let duplicates = inventory.duplicates();
    let (pairs, unwrapped) = (duplicates.pairs(), duplicates.unwrapped());
    let own = pairs.iter().filter(|((one, other), _)| one == other);
    let own: u64 = own.map(|(_, tally)| tally.packets).sum();
    let came = [
        (duplicates.tally().packets - own, "came in another session before"),
        (own, "came in the same session before"),
        (unwrapped.iter().map(|(_, packets)| packets).sum(), "came without the wrapper as well"),
    ];
    let came = came.into_iter().filter(|(packets, _)| *packets > 0);
    let came =
        came.map(|(packets, how)| format!("{} {how}", counted(packets, "packet", "packets")));
    let came = came.collect::<Vec<_>>().join(", ");
    if came.is_empty() {
        return String::new();
    }
    let mut table = Table::new([
        ("session", Align::Left),
        ("and", Align::Left),
        ("packets", Align::Right),
        ("forwarded", Align::Right),
    ]);
    table.show_if("forwarded", duplicates.tally().forwarded > 0);
    let name =
        |id: SessionId| sessions.get(id.index()).map(|one| one.key.to_string()).unwrap_or_default();
    let rows = pairs.iter().map(|((one, other), tally)| {
        let and = if one == other { "itself".to_owned() } else { name(*other) };
        [name(*one), and, grouped(tally.packets), grouped(tally.forwarded)]
    });
    let bare = unwrapped.iter().map(|(session, packets)| {
        [name(*session), "no session".to_owned(), grouped(*packets), grouped(0)]
    });
    rows.take(MAX_LISTED).chain(bare.take(MAX_LISTED)).for_each(|row| table.push(row));
    let rest = |count: usize| count.saturating_sub(MAX_LISTED);
    let more =
        more(rest(pairs.len()) + rest(unwrapped.len()) + MAX_LISTED, "more pair", "more pairs");
    format!("duplicates: {came}\n{}{more}", table.text())
}

fn other(inventory: &Inventory<'_>) -> String {
    let other = inventory.other();
    if other.is_empty() {
        return String::new();
    }
    let mut table =
        Table::new([("reason", Align::Left), ("packets", Align::Right), ("bytes", Align::Right)]);
    for one in other {
        table.push([one.reason.0.to_owned(), grouped(one.packets), grouped(one.bytes)]);
    }
    let ports = inventory.hints().ports_text();
    let ports = if ports.is_empty() { ports } else { format!("  UDP went to port {ports}\n") };
    let Packets { wrapped, stripped, .. } = inventory.packets();
    let hint = if ports.is_empty() || wrapped + stripped > 0 {
        ""
    } else {
        "  --port names those that carry VXLAN\n"
    };
    format!("other packets\n{}{ports}{hint}", table.text())
}

/// Sessions of the capture that no document knows.
fn unknown(sessions: &[Listed<'_>]) -> String {
    let unknown: Vec<_> = sessions.iter().filter(|one| one.is_known() == Some(false)).collect();
    let lines = unknown.iter().take(MAX_LISTED).map(|one| one.key.to_string());
    list("in the capture, and not in the documents", unknown.len(), lines)
}

/// Sessions of the documents of which nothing came.
fn missing(inventory: &Inventory<'_>) -> String {
    let missing = inventory.missing();
    let lines = missing.iter().take(MAX_LISTED).map(|one| described(one));
    list("in the documents, and not in the capture", missing.len(), lines)
}

fn described(known: &KnownSession) -> String {
    let title = titled(known.id.as_deref(), known.name.as_deref());
    let vni = known.vni.map_or("VNI not known".to_owned(), |vni| format!("VNI {vni}"));
    let eni = known.eni.as_ref();
    let from = eni.and_then(|eni| eni.addresses.first()).map(|address| format!("from {address}"));
    [title, Some(vni), from].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn list(title: &str, count: usize, lines: impl Iterator<Item = String>) -> String {
    if count == 0 {
        return String::new();
    }
    let lines: String = lines.map(|line| format!("  {line}\n")).collect();
    format!("{title}\n{lines}{}", more(count, "more session", "more sessions"))
}

fn more(count: usize, one: &str, many: &str) -> String {
    match count.saturating_sub(MAX_LISTED) {
        0 => String::new(),
        more => format!("  and {}; --json lists them all\n", counted(more as u64, one, many)),
    }
}
