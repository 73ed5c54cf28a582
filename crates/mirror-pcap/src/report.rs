//! What is said about a rewriting: counts by reason, for people and for scripts.
//!
//! The counts close. Every packet read was stripped, kept or left out, and if
//! it was not stripped there is one reason, a word that never changes. Notes are
//! beside that: things worth knowing that a packet, or a block that is none, may
//! have any number of.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use mirror_session::{Direction, KnownSession, SessionId, SessionKey};
use mirror_wire::Vni;
use pcapng_blocks::Damage;
use serde::Serialize;

use crate::{
    damage::{DamageLog, Place},
    failure::{Failure, printable},
    input::Input,
    json,
    number::{counted, grouped},
    output::{Output, signals},
    table::{Align, Table, cell},
};

/// Sessions listed for people; scripts get them all.
const MAX_LISTED: usize = 20;

/// Why a packet was not stripped: a word that scripts may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reason(pub(crate) &'static str);

/// The reasons that are not about headers; those come from `mirror_wire`.
pub(crate) mod reason {
    use super::Reason;

    pub(crate) const ALREADY_STRIPPED: Reason = Reason("already-stripped");
    pub(crate) const DAMAGED: Reason = Reason("damaged");
    pub(crate) const INTERFACE_NUMBER: Reason = Reason("interface-number");
    pub(crate) const LINK_TYPE: Reason = Reason("link-type");
    pub(crate) const NO_TIMESTAMP: Reason = Reason("no-timestamp");
    pub(crate) const OTHER_VNI: Reason = Reason("other-vni");
    pub(crate) const PACKET_BLOCK: Reason = Reason("packet-block");
    pub(crate) const SIMPLE_PACKET: Reason = Reason("simple-packet");
    pub(crate) const TIME_RANGE: Reason = Reason("time-range");
    pub(crate) const TOO_LONG: Reason = Reason("too-long");
    pub(crate) const TOO_MANY_SESSIONS: Reason = Reason("too-many-sessions");
    pub(crate) const UNKNOWN_SESSION: Reason = Reason("unknown-session");
}

/// Things worth knowing beside the reasons.
pub(crate) mod note {
    pub(crate) const BAD_OPTIONS: &str = "bad-options";
    pub(crate) const CUT: &str = "cut";
    pub(crate) const DIRECTION_CONFLICT: &str = "direction-conflict";
    pub(crate) const IP_LENGTH_EXCEEDS_FRAME: &str = "ip-length-exceeds-frame";
    pub(crate) const NOT_IN_PCAP: &str = "blocks-not-in-pcap";
    pub(crate) const NO_COPY_BLOCK: &str = "no-copy-blocks";
    pub(crate) const NO_COPY_OPTION: &str = "no-copy-options";
    pub(crate) const RESERVED_BITS: &str = "reserved-bits";
    pub(crate) const UNKNOWN_VERSION: &str = "blocks-of-unknown-version";
    pub(crate) const STATISTICS_LEFT_OUT: &str = "statistics-left-out";
}

/// How often each word was said. There are few, so a list is quicker than a map.
#[derive(Debug, Default)]
struct Tally(Vec<(&'static str, u64)>);

impl Tally {
    fn add(&mut self, word: &'static str) {
        match self.0.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => self.0.push((word, 1)),
        }
    }

    fn total(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }

    /// Most frequent first, then by name.
    fn sorted(&self) -> Vec<(&'static str, u64)> {
        let mut list = self.0.clone();
        list.sort_by_key(|&(word, count)| (u64::MAX - count, word));
        list
    }

    fn text(&self) -> String {
        let list = self.sorted();
        let list: Vec<_> = list.iter().map(|(word, n)| format!("{} {word}", grouped(*n))).collect();
        list.join(", ")
    }
}

/// What a stripped packet adds to its session.
pub(crate) struct SessionCount {
    pub(crate) session: SessionId,
    pub(crate) bytes: u32,
    pub(crate) cut: bool,
    pub(crate) direction: Option<Direction>,
}

#[derive(Clone, Debug, Default)]
struct SessionTotal {
    packets: u64,
    bytes: u64,
    cut: u64,
    ingress: u64,
    egress: u64,
    unknown: u64,
}

/// What there was when there was nothing to strip.
#[derive(Debug, Default)]
pub(crate) struct Hints {
    ports: BTreeMap<u16, u64>,
    vnis: BTreeMap<Vni, u64>,
    sessions: BTreeMap<SessionKey, u64>,
}

impl Hints {
    /// A UDP packet to another port.
    pub(crate) fn port(&mut self, port: u16) {
        *self.ports.entry(port).or_default() += 1;
    }

    /// A mirrored packet of a VNI that was not asked for; a few are enough to name.
    pub(crate) fn vni(&mut self, vni: Vni) {
        if self.vnis.len() < 1024 || self.vnis.contains_key(&vni) {
            *self.vnis.entry(vni).or_default() += 1;
        }
    }

    /// A mirrored packet of a session that no document knows; as for VNIs.
    pub(crate) fn unknown(&mut self, session: SessionKey) {
        if self.sessions.len() < 1024 || self.sessions.contains_key(&session) {
            *self.sessions.entry(session).or_default() += 1;
        }
    }

    /// The UDP ports that packets went to, and how many to each.
    pub(crate) fn ports(&self) -> &BTreeMap<u16, u64> {
        &self.ports
    }

    /// The most frequent of them, for a sentence; empty if there are none.
    pub(crate) fn ports_text(&self) -> String {
        most(&self.ports)
    }

    fn text(&self) -> Option<String> {
        let sessions = most(&self.sessions);
        if !sessions.is_empty() {
            return Some(format!(
                "nothing was stripped: the documents don't know the sessions in it, {sessions}"
            ));
        }
        let vnis = most(&self.vnis);
        if !vnis.is_empty() {
            return Some(format!("nothing was stripped: the VNIs in it are {vnis}"));
        }
        let ports = self.ports_text();
        if !ports.is_empty() {
            return Some(format!(
                "nothing was stripped: UDP went to port {ports}; --port names those that \
                 carry VXLAN"
            ));
        }
        None
    }
}

/// The most frequent, as `8472 (12 packets), 53 (2 packets)`.
fn most<K: ToString>(counts: &BTreeMap<K, u64>) -> String {
    let mut list: Vec<_> = counts.iter().collect();
    list.sort_by_key(|(_, count)| u64::MAX - **count);
    let list: Vec<_> = list
        .iter()
        .take(5)
        .map(|(key, n)| format!("{} ({})", key.to_string(), counted(**n, "packet", "packets")))
        .collect();
    list.join(", ")
}

/// Everything counted while a capture is rewritten.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) read: u64,
    pub(crate) hints: Hints,
    /// Packets stripped, or wrapped.
    rewritten: u64,
    kept: Tally,
    left_out: Tally,
    notes: Tally,
    sessions: Vec<SessionTotal>,
    damage: DamageLog,
}

impl Counts {
    /// A packet was written without its wrapper.
    #[inline]
    pub(crate) fn stripped(&mut self, count: &SessionCount) {
        self.rewritten += 1;
        let index = count.session.index();
        if index >= self.sessions.len() {
            self.sessions.resize(index + 1, SessionTotal::default());
        }
        let Some(total) = self.sessions.get_mut(index) else { return };
        total.packets += 1;
        total.bytes += u64::from(count.bytes);
        total.cut += u64::from(count.cut);
        match count.direction {
            Some(Direction::Ingress) => total.ingress += 1,
            Some(Direction::Egress) => total.egress += 1,
            None => total.unknown += 1,
        }
    }

    /// A packet was written with a wrapper.
    pub(crate) fn wrapped(&mut self) {
        self.rewritten += 1;
    }

    /// A packet was written as it was.
    pub(crate) fn kept(&mut self, why: Reason) {
        self.kept.add(why.0);
    }

    /// A packet was not written.
    pub(crate) fn left_out(&mut self, why: Reason) {
        self.left_out.add(why.0);
    }

    /// Something worth knowing.
    pub(crate) fn note(&mut self, note: &'static str) {
        self.notes.add(note);
    }

    /// A broken place was met.
    pub(crate) fn damage(&mut self, damage: &Damage) {
        if damage.packet {
            self.read += 1;
            self.left_out(reason::DAMAGED);
        }
        self.damage.add(damage);
    }

    /// What is wrong with the input, for people.
    pub(crate) fn damage_text(&self, input: &Input) -> String {
        self.damage.text(&input.name, input.compression)
    }

    /// What the output lacks of the input, beside wrappers.
    pub(crate) fn lost(&self) -> Option<String> {
        let mut lost = Vec::new();
        if self.is_damaged() {
            let places = counted(self.damage.total(), "damaged place", "damaged places");
            lost.push(format!("{places} in it"));
        }
        if self.left_out.total() > 0 {
            lost.push(format!("packets left out: {}", self.left_out.text()));
        }
        let notes = [
            note::NOT_IN_PCAP,
            note::NO_COPY_BLOCK,
            note::NO_COPY_OPTION,
            note::STATISTICS_LEFT_OUT,
        ];
        let notes = self.notes.0.iter().filter(|(note, _)| notes.contains(note));
        let notes = Tally(notes.copied().collect());
        if notes.total() > 0 {
            lost.push(notes.text());
        }
        let lost = lost.join("; ");
        (!lost.is_empty()).then(|| format!("more than wrappers would be lost: {lost}"))
    }

    pub(crate) fn is_damaged(&self) -> bool {
        self.damage.total() > 0
    }

    /// How often each reason was given, for keeping or leaving out.
    pub(crate) fn reasons(&self) -> BTreeMap<&'static str, u64> {
        let mut reasons = BTreeMap::new();
        for (word, count) in self.kept.0.iter().chain(&self.left_out.0) {
            *reasons.entry(*word).or_default() += count;
        }
        reasons
    }

    /// How often each thing was noted.
    pub(crate) fn notes(&self) -> BTreeMap<&'static str, u64> {
        self.notes.0.iter().copied().collect()
    }
}

/// What tests ask.
#[cfg(test)]
impl Counts {
    /// Packets stripped (or wrapped), kept and left out; together those read.
    #[track_caller]
    pub(crate) fn totals(&self) -> [u64; 3] {
        let totals = [self.rewritten, self.kept.total(), self.left_out.total()];
        assert_eq!(self.read, totals.iter().sum::<u64>(), "the counts do not close: {self:?}");
        totals
    }

    /// What is wrong with the input, as far as it is listed.
    pub(crate) fn problems(&self) -> Vec<&str> {
        self.damage.problems()
    }
}

/// The counts of a finished run, with what they are about.
pub(crate) struct Report<'a> {
    pub(crate) input: &'a Input,
    pub(crate) counts: &'a Counts,
    /// What was done to packets: "stripped".
    pub(crate) done: &'static str,
    /// The sessions in order of their numbers, and what the documents know of each.
    pub(crate) sessions: Vec<(SessionKey, Option<&'a KnownSession>)>,
    pub(crate) remarks: Vec<String>,
}

impl Report<'_> {
    /// Tell people, on standard error; if they want it `quiet`, only what is wrong.
    pub(crate) fn print(&self, quiet: bool) {
        let text = if quiet { self.damage_text() } else { self.text() };
        // Nobody is left to hear that stderr is gone.
        let _ = io::stderr().write_all(text.as_bytes());
    }

    /// The broken places, before anything else.
    fn damage_text(&self) -> String {
        self.counts.damage.text(&self.input.name, self.input.compression)
    }

    fn text(&self) -> String {
        let counts = self.counts;
        let mut text = self.damage_text();
        let name = printable(&self.input.name);
        let (kept, left_out) = (counts.kept.total(), counts.left_out.total());
        text += &format!(
            "{name}: {} read, {} {}, {} kept, {} left out\n",
            counted(counts.read, "packet", "packets"),
            grouped(counts.rewritten),
            self.done,
            grouped(kept),
            grouped(left_out)
        );
        if kept > 0 {
            text += &format!("  kept: {}\n", counts.kept.text());
        }
        if left_out > 0 {
            text += &format!("  left out: {}\n", counts.left_out.text());
        }
        if !counts.notes.0.is_empty() {
            text += &format!("  noted: {}\n", counts.notes.text());
        }
        text += &self.table();
        if signals::stopped_by().is_some() {
            text += "mirror-pcap: stopped by a signal; what had arrived is written\n";
        }
        if counts.rewritten == 0
            && let Some(hint) = counts.hints.text()
        {
            text += &format!("mirror-pcap: {hint}\n");
        }
        for remark in &self.remarks {
            text += &format!("mirror-pcap: {remark}\n");
        }
        text
    }

    fn table(&self) -> String {
        let listed: Vec<_> = self.stripped_sessions().collect();
        if listed.is_empty() {
            return String::new();
        }
        // Without documents there are no names, and no columns for them.
        let with_id = listed.iter().any(|one| one.id().is_some());
        let with_name = listed.iter().any(|one| one.name().is_some());
        let mut table = Table::new([
            ("session", Align::Left),
            ("id", Align::Left),
            ("name", Align::Left),
            ("packets", Align::Right),
            ("bytes", Align::Right),
            ("ingress", Align::Right),
            ("egress", Align::Right),
            ("unknown", Align::Right),
            ("cut", Align::Right),
        ]);
        table.show_if("id", with_id);
        table.show_if("name", with_name);
        for one in listed.iter().take(MAX_LISTED) {
            let t = one.total;
            let numbers = [t.packets, t.bytes, t.ingress, t.egress, t.unknown, t.cut];
            let [a, b, c, d, e, f] = numbers.map(grouped);
            table.push([one.key.to_string(), cell(one.id()), cell(one.name()), a, b, c, d, e, f]);
        }
        let mut text = table.text();
        if listed.len() > MAX_LISTED {
            let more = counted((listed.len() - MAX_LISTED) as u64, "more session", "more sessions");
            text += &format!("  and {more}; --json lists them all\n");
        }
        text
    }

    fn stripped_sessions(&self) -> impl Iterator<Item = Listed<'_>> {
        // A session without a stripped packet was too many for the output.
        self.sessions
            .iter()
            .zip(&self.counts.sessions)
            .map(|((key, known), total)| Listed { key: *key, known: *known, total })
            .filter(|one| one.total.packets > 0)
    }

    /// Tell scripts.
    pub(crate) fn write_json(&self, output: &Output) -> Result<(), Failure> {
        let counts = self.counts;
        let json = Json {
            schema: "mirror-pcap/strip/1",
            input: &self.input.name,
            packets: Packets {
                read: counts.read,
                stripped: counts.rewritten,
                kept: counts.kept.total(),
                left_out: counts.left_out.total(),
            },
            reasons: counts.reasons(),
            notes: counts.notes(),
            sessions: self.stripped_sessions().map(|one| JsonSession::new(&one)).collect(),
            damage: counts.damage.first(),
            damages: counts.damage.total(),
        };
        output.write_whole(json::document(&json)?.as_bytes())
    }
}

/// A session as it is reported.
struct Listed<'a> {
    key: SessionKey,
    known: Option<&'a KnownSession>,
    total: &'a SessionTotal,
}

impl<'a> Listed<'a> {
    fn id(&self) -> Option<&'a str> {
        self.known?.id.as_deref()
    }

    fn name(&self) -> Option<&'a str> {
        self.known?.name.as_deref()
    }
}

#[derive(Serialize)]
struct Json<'a> {
    schema: &'static str,
    input: &'a str,
    packets: Packets,
    reasons: BTreeMap<&'static str, u64>,
    notes: BTreeMap<&'static str, u64>,
    sessions: Vec<JsonSession<'a>>,
    damage: &'a [Place],
    damages: u64,
}

#[derive(Serialize)]
struct Packets {
    read: u64,
    stripped: u64,
    kept: u64,
    left_out: u64,
}

#[derive(Serialize)]
struct JsonSession<'a> {
    endpoint: Option<String>,
    source: String,
    vni: u32,
    session: Option<&'a str>,
    name: Option<&'a str>,
    packets: u64,
    bytes: u64,
    cut: u64,
    ingress: u64,
    egress: u64,
    unknown: u64,
}

impl<'a> JsonSession<'a> {
    fn new(one: &Listed<'a>) -> JsonSession<'a> {
        let total = one.total;
        JsonSession {
            endpoint: one.key.endpoint.map(|endpoint| endpoint.to_string()),
            source: one.key.source.to_string(),
            vni: one.key.vni.get(),
            session: one.id(),
            name: one.name(),
            packets: total.packets,
            bytes: total.bytes,
            cut: total.cut,
            ingress: total.ingress,
            egress: total.egress,
            unknown: total.unknown,
        }
    }
}
