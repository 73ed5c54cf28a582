//! A capture and what `strip` must make of it, told side by side.
//!
//! The oracle of the property tests. It looks into no packet: it puts the frame
//! into the wrapper and so knows it, and keeps for every block one line of what is
//! wanted of it. It counts interfaces with a plain list, writes annotations with
//! `format!`, and remembers every frame of a session instead of summing up.

mod frames;

use std::collections::BTreeMap;

use mirror_testkit::{
    Capture, Interface, Opt, Order, Packet, Section,
    decode::{Block, Content},
    packet::with_fcs,
    random::Random,
};

use self::frames::{Frame, Source, sources};

/// What `strip` is told.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) only_mirrored: bool,
    pub(super) keep_nocopy: bool,
    pub(super) comment: Detail,
    pub(super) packet_length: Option<u32>,
    pub(super) vni: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Detail {
    #[default]
    Short,
    Full,
    None,
}

impl Told {
    /// The same as options of the command.
    pub(super) fn options(&self) -> String {
        let mut text = match self.comment {
            Detail::Short => String::new(),
            Detail::Full => "--comment full".to_owned(),
            Detail::None => "--comment none".to_owned(),
        };
        if self.only_mirrored {
            text += " --only-mirrored";
        }
        if self.keep_nocopy {
            text += " --keep-nocopy";
        }
        if let Some(length) = self.packet_length {
            text += &format!(" --packet-length {length}");
        }
        if let Some(vni) = self.vni {
            text += &format!(" --vni {vni}");
        }
        text
    }
}

/// What is wanted of a block of the output.
#[derive(Clone, Debug)]
enum Want {
    /// The input's block of this number, its body changed at these places.
    Same { block: usize, patches: Vec<(usize, Vec<u8>)> },
    /// An interface of a session.
    Session { order: Order, snaplen: u32, options: Options },
    /// A frame out of its wrapper.
    Frame {
        order: Order,
        interface: u32,
        time: u64,
        original: u32,
        data: Vec<u8>,
        options: Options,
    },
}

type Options = Vec<(u16, Vec<u8>)>;

/// An interface of the input, in the section.
#[derive(Clone)]
struct Arrival {
    block: usize,
    link: u16,
    snaplen: u32,
    resolution: u8,
    offset: i64,
    fcs: bool,
    name: String,
    annotated: bool,
    /// Its number in the output, once it is written.
    number: Option<u32>,
}

/// Which way a frame went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

/// What frames of a session have shown.
#[derive(Default)]
struct Memory {
    told: Vec<Way>,
    lengths: Vec<u32>,
}

pub(super) struct Story {
    told: Told,
    random: Random,
    capture: Capture,
    order: Order,
    /// Blocks written to the capture.
    blocks: usize,
    wants: Vec<Want>,
    arrivals: Vec<Arrival>,
    /// Interfaces written to the output's section.
    written: u32,
    /// Session interfaces of the section: arrival, source, number.
    sessions: Vec<(usize, usize, u32)>,
    sources: Vec<Source>,
    memories: Vec<Memory>,
    time: u64,
    pub(super) totals: [u64; 3],
    pub(super) reasons: BTreeMap<&'static str, u64>,
    pub(super) notes: BTreeMap<&'static str, u64>,
}

impl Story {
    /// A capture of about `steps` blocks, determined by `seed`.
    pub(super) fn tell(seed: u64, steps: usize, told: Told) -> Story {
        let mut random = Random::new(seed);
        let order = if random.between(0, 1) == 0 { Order::Little } else { Order::Big };
        let sources = sources();
        let mut story = Story {
            told,
            capture: Capture::new(order),
            random,
            order,
            blocks: 1,
            wants: vec![section_want(0)],
            arrivals: Vec::new(),
            written: 0,
            sessions: Vec::new(),
            memories: sources.iter().map(|_| Memory::default()).collect(),
            sources,
            time: 1_767_225_600_000_000_000,
            totals: [0; 3],
            reasons: BTreeMap::new(),
            notes: BTreeMap::new(),
        };
        story.interface();
        for _ in 0..steps {
            story.step();
        }
        story
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.capture.bytes()
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.random.between(1, n) == 1
    }

    fn pick<T: Clone>(&mut self, list: &[T]) -> T {
        let last = list.len() as u64 - 1;
        list[usize::try_from(self.random.between(0, last)).unwrap()].clone()
    }

    fn step(&mut self) {
        self.time += self.random.between(1, 1_000_000);
        match self.random.between(0, 99) {
            0..=3 => self.section(),
            4..=10 => self.interface(),
            11..=59 => self.mirrored(),
            60..=67 => self.plain(),
            68..=71 => self.annotated(),
            72..=75 => self.packet_block(),
            76..=79 => self.simple_packet(),
            80..=84 => self.statistics(),
            85..=88 => self.no_copy(),
            kind => self.other(kind),
        }
    }

    fn section(&mut self) {
        self.order = self.pick(&[Order::Little, Order::Big]);
        let minor = self.pick(&[0, 2]);
        let mut section = Section::new(self.order).version(1, minor);
        if self.one_in(2) {
            section = section.known_length().option(Opt::comment("a section"));
        }
        self.capture.section(section);
        self.wants.push(section_want(self.blocks));
        self.blocks += 1;
        self.arrivals.clear();
        self.sessions.clear();
        self.written = 0;
        self.interface();
    }

    fn interface(&mut self) {
        let link = self.pick(&[1, 1, 1, 1, 113, 276, 101, 147]);
        let snaplen = self.pick(&[0, 65_535, 262_144, 262_144]);
        let mut interface = Interface::new(link).snaplen(snaplen);
        let names = ["", "", "eth0", "web 1", "Gr\u{fc}\u{df}e \u{1f980}", "a\"b\\c", "ens5.100\0"];
        let name = self.pick(&names);
        if !name.is_empty() || self.one_in(2) {
            interface = interface.option(Opt::if_name(name));
        }
        let annotated = self.one_in(12);
        if annotated {
            interface = interface.option(Opt::if_description("vpcmirror: vni=9 source=10.0.9.9"));
        } else if self.one_in(2) {
            interface = interface.option(Opt::if_description("uplink"));
        }
        let resolution = self.pick(&[None, Some(6), Some(9), Some(0x80 | 20), Some(3)]);
        if let Some(resolution) = resolution {
            interface = interface.option(Opt::tsresol(resolution));
        }
        let offset = self.pick(&[0, 0, 1_700_000_000, -3600]);
        if offset != 0 || self.one_in(4) {
            interface = interface.option(Opt::tsoffset(offset));
        }
        let fcs = link == 1 && self.one_in(5);
        if fcs {
            interface = interface.option(Opt::fcslen(4));
        }
        self.capture.interface(interface.option(Opt::if_filter("udp")));
        let mut arrival = Arrival {
            block: self.blocks,
            link,
            snaplen,
            resolution: resolution.unwrap_or(6),
            offset,
            fcs,
            name: name.trim_end_matches('\0').to_owned(),
            annotated,
            number: None,
        };
        if !self.told.only_mirrored {
            arrival.number = Some(self.written);
            self.written += 1;
            self.wants.push(Want::Same { block: self.blocks, patches: Vec::new() });
        }
        self.blocks += 1;
        self.arrivals.push(arrival);
    }

    /// The number in the output of an interface of the input, which is written if it
    /// was not yet.
    fn number(&mut self, arrival: usize) -> u32 {
        if let Some(number) = self.arrivals[arrival].number {
            return number;
        }
        let snaplen = (4, self.order.u32(262_144).to_vec());
        let block = self.arrivals[arrival].block;
        self.wants.push(Want::Same { block, patches: vec![snaplen] });
        let number = self.written;
        self.written += 1;
        self.arrivals[arrival].number = Some(number);
        number
    }

    /// The number in the output of a session's interface, likewise.
    fn session(&mut self, arrival: usize, source: usize) -> u32 {
        let known = self.sessions.iter().find(|(a, s, _)| (*a, *s) == (arrival, source));
        if let Some((_, _, number)) = known {
            return *number;
        }
        let on = self.arrivals[arrival].clone();
        let Source { address, vni, endpoint, .. } = self.sources[source];
        let mut name = format!("vni-{vni}@{address}");
        let mut description = format!("vpcmirror: vni={vni} source={address}");
        if let Some(endpoint) = endpoint {
            name += &format!("@vpce-{endpoint:017x}");
            description += &format!(" endpoint=vpce-{endpoint:017x}");
        }
        if !on.name.is_empty() {
            description += &format!(" on={}", quoted(&on.name));
        }
        let mut options = vec![(2, name.into()), (3, description.into()), (9, vec![on.resolution])];
        if on.offset != 0 {
            options.push((14, self.order.u64(on.offset.cast_unsigned()).to_vec()));
        }
        let snaplen = if self.told.only_mirrored { 262_144 } else { on.snaplen };
        self.wants.push(Want::Session { order: self.order, snaplen, options });
        let number = self.written;
        self.written += 1;
        self.sessions.push((arrival, source, number));
        number
    }

    /// A packet is kept as it is, or left out if only mirrored ones are wanted.
    /// `names` is where its body names the interface, and in how many bytes.
    fn kept(&mut self, arrival: usize, why: &'static str, names: usize) {
        *self.reasons.entry(why).or_default() += 1;
        if self.told.only_mirrored && why != "already-stripped" {
            self.totals[2] += 1;
            self.blocks += 1;
            return;
        }
        let number = self.number(arrival);
        let patches = match names {
            4 => vec![(0, self.order.u32(number).to_vec())],
            2 => vec![(0, self.order.u16(u16::try_from(number).unwrap()).to_vec())],
            // A Simple Packet Block names none and means 0.
            _ if number == 0 => Vec::new(),
            _ => {
                // It was to be kept, but the form does not allow it.
                *self.reasons.get_mut(why).unwrap() -= 1;
                self.reasons.retain(|_, count| *count > 0);
                *self.reasons.entry("interface-number").or_default() += 1;
                self.totals[2] += 1;
                self.blocks += 1;
                return;
            }
        };
        self.wants.push(Want::Same { block: self.blocks, patches });
        self.totals[1] += 1;
        self.blocks += 1;
    }

    fn arrival(&mut self) -> usize {
        let last = self.arrivals.len() as u64 - 1;
        usize::try_from(self.random.between(0, last)).unwrap()
    }

    fn plain(&mut self) {
        let arrival = self.arrival();
        let why = match self.arrivals[arrival] {
            Arrival { annotated: true, .. } => "already-stripped",
            Arrival { link: 147, .. } => "link-type",
            _ => "not-mirrored",
        };
        let length = usize::try_from(self.random.between(0, 90)).unwrap();
        // No IP version and no EtherType that is looked into.
        let data = vec![0x11; length];
        let mut packet = Packet::new(u32::try_from(arrival).unwrap(), self.time, data);
        for (code, value) in self.packet_options(false) {
            packet = packet.option(Opt::new(code, value));
        }
        self.capture.packet(packet);
        self.kept(arrival, why, 4);
    }

    /// A packet that an earlier run has stripped, by its comment. Of several
    /// annotations the last valid one counts, and one is enough.
    fn annotated(&mut self) {
        let arrival = self.arrival();
        let source = self.sources[0];
        let frame = self.frame(source);
        let data = self.outer(arrival, source, &frame.bytes).0;
        let packet = Packet::new(u32::try_from(arrival).unwrap(), self.time, data)
            .option(Opt::comment("vpcmirror: vni=9 source=10.0.9.9 direction=egress"))
            .option(Opt::comment("vpcmirror: not one"));
        self.capture.packet(packet);
        self.kept(arrival, "already-stripped", 4);
    }

    fn packet_block(&mut self) {
        let arrival = self.arrival();
        let why =
            if self.arrivals[arrival].annotated { "already-stripped" } else { "packet-block" };
        let source = self.sources[0];
        let frame = self.frame(source);
        let data = self.outer(arrival, source, &frame.bytes).0;
        let packet = Packet::new(u32::try_from(arrival).unwrap(), self.time, data);
        self.capture.packet_block(7, packet.option(Opt::hash(2, &[1, 2, 3, 4])));
        self.kept(arrival, why, 2);
    }

    fn simple_packet(&mut self) {
        let first = &self.arrivals[0];
        let why = match first.annotated {
            true if !self.told.only_mirrored => "already-stripped",
            _ => "simple-packet",
        };
        let length = usize::try_from(self.random.between(0, 70)).unwrap();
        self.capture.simple_packet(&vec![0x22; length], u32::try_from(length).unwrap());
        self.kept(0, why, 0);
    }

    fn statistics(&mut self) {
        let arrival = self.arrival();
        let id = u32::try_from(arrival).unwrap();
        self.capture.statistics(id, self.time, &[Opt::ifrecv(7)]);
        match self.arrivals[arrival].number {
            Some(number) => {
                let patches = vec![(0, self.order.u32(number).to_vec())];
                self.wants.push(Want::Same { block: self.blocks, patches });
            }
            None => *self.notes.entry("statistics-left-out").or_default() += 1,
        }
        self.blocks += 1;
    }

    fn no_copy(&mut self) {
        self.capture.custom(32_473, false, &[0xAB; 7]);
        if self.told.keep_nocopy {
            self.wants.push(Want::Same { block: self.blocks, patches: Vec::new() });
        } else {
            *self.notes.entry("no-copy-blocks").or_default() += 1;
        }
        self.blocks += 1;
    }

    fn other(&mut self, kind: u64) {
        let capture = &mut self.capture;
        match kind {
            89..=90 => capture.custom(32_473, true, &[0xCD; 5]),
            91..=92 => capture.name_resolution(&[([10, 0, 1, 15].into(), &["web", "www"])]),
            93..=94 => capture.secrets(0x544C_534B, b"CLIENT_RANDOM 00 11"),
            95..=96 => capture.journal("MESSAGE=hello\n"),
            97 => capture.block(0x8000_0001, &[1, 2, 3]),
            _ => capture.block(0x1234, &[]),
        };
        self.wants.push(Want::Same { block: self.blocks, patches: Vec::new() });
        self.blocks += 1;
    }

    /// Options of a packet, values in the section's order.
    fn packet_options(&mut self, fcs: bool) -> Options {
        let mut options = Options::new();
        if fcs {
            options.push((2, self.order.u32(4 << 5).to_vec()));
        }
        for _ in 0..self.pick(&[0, 0, 1, 2, 4]) {
            let option = match self.random.between(0, 11) {
                0 => (1, b"a comment".to_vec()),
                1 => (1, b"vpcmirror: vni=77".to_vec()),
                2 | 3 if !fcs => (2, self.order.u32(1).to_vec()),
                4 => (3, vec![2, 0xDE, 0xAD, 0xBE, 0xEF]),
                5 => (4, self.order.u64(3).to_vec()),
                6 => (5, self.order.u64(99).to_vec()),
                7 => (2988, [&self.order.u32(32_473)[..], b"text"].concat()),
                8 => (19_372, [&self.order.u32(32_473)[..], b"text"].concat()),
                9 => (19_373, [&self.order.u32(32_473)[..], &[1]].concat()),
                10 => (999, vec![0xAB; 5]),
                _ => (0x8001, Vec::new()),
            };
            options.push(option);
        }
        options
    }

    fn mirrored(&mut self) {
        let arrival = self.arrival();
        let id = u32::try_from(arrival).unwrap();
        let number = usize::try_from(self.random.between(0, self.sources.len() as u64 - 1));
        let number = number.unwrap();
        let source = self.sources[number];
        let frame = self.frame(source);

        // What the session sends of it.
        let cut = self.told.packet_length.map(|length| length as usize).filter(|_| self.one_in(3));
        let sent = &frame.bytes[..frame.bytes.len().min(cut.unwrap_or(usize::MAX))];
        let (mut packet, before) = self.outer(arrival, source, sent);
        let on = self.arrivals[arrival].clone();
        let own_fcs = on.link == 1 && !on.fcs && self.one_in(8);
        if on.fcs || own_fcs {
            if self.one_in(4) {
                packet.extend([0xEE; 9]);
            }
            packet = with_fcs(packet);
        }
        let original = u32::try_from(packet.len()).unwrap();
        // What the capture keeps of it: all, or some of the frame.
        let kept = if self.one_in(5) {
            let some = self.random.between(0, sent.len() as u64);
            packet.truncate(before + usize::try_from(some).unwrap());
            sent.len().min(usize::try_from(some).unwrap())
        } else {
            sent.len()
        };
        let data = sent[..kept].to_vec();

        let options = self.packet_options(own_fcs);
        let mut block = Packet::new(id, self.time, packet).original(original);
        for (code, value) in &options {
            block = block.option(Opt::new(*code, value));
        }
        if self.one_in(4) {
            block = block.without_end();
        }
        self.capture.packet(block);

        if on.annotated {
            return self.kept(arrival, "already-stripped", 4);
        }
        if on.link == 147 {
            return self.kept(arrival, "link-type", 4);
        }
        if self.told.vni.is_some_and(|vni| vni != source.vni) {
            return self.kept(arrival, "other-vni", 4);
        }
        let sent = u32::try_from(sent.len()).unwrap();
        let (direction, cut_from) = self.sensed(number, &frame, kept, sent);
        let interface = self.session(arrival, number);
        let options = self.stripped_options(source, options, direction, cut_from);
        self.wants.push(Want::Frame {
            order: self.order,
            interface,
            time: self.time,
            original: cut_from.unwrap_or(sent),
            data,
            options,
        });
        self.totals[0] += 1;
        self.blocks += 1;
    }

    /// Direction and original length of a frame, of which `kept` bytes are there and
    /// `sent` came out of the session.
    fn sensed(
        &mut self,
        source: usize,
        frame: &Frame,
        kept: usize,
        sent: u32,
    ) -> (Option<Way>, Option<u32>) {
        let memory = &mut self.memories[source];
        let visible = frame.headers.is_some_and(|headers| kept >= headers);
        // Both ends have been seen with the one MAC, so that tells too.
        let agreed = [Way::In, Way::Out].iter().all(|way| memory.told.contains(way));
        let direction = if visible && frame.tells {
            memory.told.push(frame.way);
            Some(frame.way)
        } else {
            (agreed && kept >= 14).then_some(frame.way)
        };
        let longest = memory.lengths.iter().all(|other| *other <= sent);
        memory.lengths.push(sent);
        let believed = longest || self.told.packet_length == Some(sent);
        let cut_from = match (visible && frame.promised > sent, believed) {
            (true, true) => Some(frame.promised),
            (true, false) => {
                *self.notes.entry("ip-length-exceeds-frame").or_default() += 1;
                None
            }
            (false, _) => None,
        };
        (direction, cut_from)
    }

    fn stripped_options(
        &mut self,
        source: Source,
        options: Options,
        direction: Option<Way>,
        cut_from: Option<u32>,
    ) -> Options {
        let flags = direction.map(|way| if way == Way::In { 1 } else { 2 });
        let flags = flags.map(|bits| (2, self.order.u32(bits).to_vec()));
        let mut out = Options::new();
        let mut said = false;
        for (code, value) in options {
            match code {
                2 if !said => {
                    out.extend(flags.clone());
                    said = true;
                }
                2 | 3 => {}
                19_372 | 19_373 if !self.told.keep_nocopy => {
                    *self.notes.entry("no-copy-options").or_default() += 1;
                }
                _ => out.push((code, value)),
            }
        }
        if !said {
            out.extend(flags);
        }
        let mut text = format!("vpcmirror: vni={} source={}", source.vni, source.address);
        if let (Detail::Full, Some(endpoint)) = (self.told.comment, source.endpoint) {
            text += &format!(" endpoint=vpce-{endpoint:017x}");
        }
        match direction {
            Some(Way::In) => text += " direction=ingress",
            Some(Way::Out) => text += " direction=egress",
            None => {}
        }
        if let Some(length) = cut_from {
            text += &format!(" cut_from={length}");
        }
        if self.told.comment != Detail::None {
            out.push((1, text.into()));
        }
        out
    }

    /// Hold an output against what is wanted, both as the test kit decodes them.
    pub(super) fn compare(&self, input: &[Block], output: &[Block]) -> Result<(), String> {
        for (at, want) in self.wants.iter().enumerate() {
            let Some(got) = output.get(at) else {
                return Err(format!("block {at} is missing: {want:?}"));
            };
            let same = match want {
                Want::Same { block, patches } => {
                    let mut body = input[*block].body.clone();
                    for (place, bytes) in patches {
                        body[*place..place + bytes.len()].copy_from_slice(bytes);
                    }
                    let before = &input[*block];
                    (got.kind, got.order, &got.body) == (before.kind, before.order, &body)
                }
                Want::Session { order, snaplen, options } => {
                    got.order == *order
                        && matches!(&got.content, Content::Interface { link: 1, snaplen: s, .. }
                            if s == snaplen)
                        && got.options.list == *options
                        && got.options.ended
                        && got.options.trouble.is_none()
                }
                Want::Frame { order, interface, time, original, data, options } => {
                    let captured = u32::try_from(data.len()).unwrap();
                    let content = Content::Packet {
                        interface: *interface,
                        time: *time,
                        captured,
                        original: *original,
                        data: data.clone(),
                        drops: None,
                    };
                    (got.kind, got.order) == (6, *order)
                        && got.content == content
                        && got.options.list == *options
                        && (options.is_empty() || got.options.ended)
                        && got.options.trouble.is_none()
                }
            };
            if !same {
                return Err(format!("block {at}\n want {want:?}\n got  {got:?}"));
            }
        }
        match output.get(self.wants.len()) {
            Some(more) => Err(format!("one block too many: {more:?}")),
            None => Ok(()),
        }
    }
}

/// The input's block, which is a section header: length unknown, minor version 0.
fn section_want(block: usize) -> Want {
    Want::Same { block, patches: vec![(6, vec![0; 2]), (8, vec![0xFF; 8])] }
}

/// A value of an annotation.
fn quoted(value: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "._:/@+-".contains(c);
    if value.chars().all(bare) {
        return value.to_owned();
    }
    let mut out = String::from("\"");
    for unit in value.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte @ (b'"' | b'\\')) => out.extend(['\\', char::from(byte)]),
            Ok(byte @ b' '..=b'~') => out.push(char::from(byte)),
            _ => out += &format!("\\u{unit:04x}"),
        }
    }
    out + "\""
}
