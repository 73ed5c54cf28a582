//! Texts of strangers, in every place that has room for one, through every command.
//!
//! A comment, the name of an interface, a tag in a document, the name of a file: whoever writes it
//! should not get to write on somebody's terminal, and whatever reads our JSON should get the text
//! as it was.

use std::fs;

use mirror_testkit::{
    Capture, Interface, Opt, Order, Packet, Section,
    decode::{Content, pcapng},
    packet::{LINK_ETHERNET, Mirror, Udp, ethernet, ip},
};
use serde_json::{Value, json};

use crate::{
    commands::{SPEAKERS, SPEAKERS_OF_FILTERS, SPEAKERS_OF_PLUGINS, Speech},
    harness::{Run, Scratch, Seen, mirror_pcap},
    output::can,
};

/// Texts that something, somewhere, obeys.
const HOSTILE: [&str; 44] = [
    "\u{1b}]0;title\u{7}",
    "\u{1b}[2J\u{1b}[H",
    "\u{1b}[31mred",
    "\u{1b}]8;;http://example.com\u{1b}\\link\u{1b}]8;;\u{1b}\\",
    "\u{1b}]52;c;ZXZpbA==\u{7}",
    "\u{1b}P$qm\u{1b}\\",
    "\u{1b}c",
    "\u{9b}31mred",
    "\u{9d}0;title\u{9c}",
    "\u{90}$qm\u{9c}",
    "\u{7}\u{7}\u{7}",
    "\u{8}\u{8}\u{8}\u{8}gone",
    "\u{7f}\u{7f}",
    "over\rwritten",
    "two\nforged: all is well",
    "two\r\nforged: all is well",
    "\u{b}\u{c}down",
    "a\tb",
    "nul\0nul",
    "\u{85}forged",
    "\u{2028}forged: all is well",
    "\u{2029}forged: all is well",
    "\u{202e}gpj.exe",
    "\u{2066}hidden\u{2069}",
    "\u{61c}turned\u{200f}",
    "\u{200b}\u{200d}\u{2060}\u{feff}nothing",
    "soft\u{ad}hyphen\u{180e}",
    "\u{e0041}\u{e0042}\u{e007f}tags",
    "join\u{34f}ed \u{17b4}\u{180b}\u{fe0f}\u{1bca0}\u{e0100}",
    "\u{2800}\u{3164}\u{a0}\u{3000}blank",
    "\"; rm -rf /; \"",
    "'$(reboot)'`reboot`",
    "../../etc/passwd",
    "-rf",
    "--json",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd",
    "<script>alert(1)</script>",
    "]]>&amp;<!--",
    "\\u001b[31m\\",
    "%s%n%99999x{}{{0}}",
    "\u{fffd}\u{fffe}\u{10ffff}",
    "Übung 日本 हिन्दी",
    "x",
];

/// All of them, and two that are only long.
fn hostile() -> impl Iterator<Item = String> {
    let long = ["a".repeat(300), "\u{202e}é".repeat(150)];
    HOSTILE.into_iter().map(str::to_owned).chain(long)
}

/// What no line of ours holds; written down once more, so that it is a second opinion.
fn is_dangerous(c: char) -> bool {
    c.is_control()
        || c.is_whitespace() && c != ' '
        || "\u{ad}\u{34f}\u{61c}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{2800}\u{3164}\u{feff}\u{ffa0}"
            .contains(c)
        || matches!(c, '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[track_caller]
fn is_harmless(text: &str, context: &str) {
    let danger = text.chars().find(|c| *c != '\n' && is_dangerous(*c));
    assert_eq!(danger, None, "{context}\n{text:?}");
    assert!(!text.lines().any(|line| line.starts_with("forged")), "{context}\n{text}");
}

/// What a run may say, whatever it was given.
#[track_caller]
fn check(seen: &Seen, speech: Speech, context: &str) -> Option<Value> {
    is_harmless(&seen.stderr, context);
    let stdout = String::from_utf8(seen.stdout.clone()).unwrap_or_else(|_| panic!("{context}"));
    is_harmless(&stdout, context);
    if !stdout.is_empty() && speech == Speech::Xml {
        let mut reader = quick_xml::Reader::from_str(&stdout);
        while !matches!(reader.read_event().expect(context), quick_xml::events::Event::Eof) {}
    }
    let said = !stdout.is_empty() && speech == Speech::Json;
    said.then(|| {
        serde_json::from_str(&stdout).unwrap_or_else(|e| panic!("{context}: {e}\n{stdout}"))
    })
}

/// A mirrored packet and one that is none, with `text` wherever a capture has room for it.
fn capture(text: &str) -> Vec<u8> {
    let header = Section::new(Order::Little).option(Opt::comment(text)).option(Opt::shb_os(text));
    let mut capture = Capture::new(header);
    let eth = Interface::new(LINK_ETHERNET).option(Opt::if_name(text));
    capture.interface(eth.option(Opt::if_description(text)).option(Opt::if_filter(text)));
    let frame = ethernet(
        [2; 6],
        [2, 0, 0, 0, 0, 1],
        &ip([10, 0, 1, 15], [192, 0, 2, 1], Udp::new(1, 2, "x")),
    );
    let mirrored = Mirror::new([10, 0, 1, 15], [10, 0, 2, 99], 308_308).frame(&frame);
    for data in [mirrored, frame] {
        capture.packet(Packet::new(0, 1, data).option(Opt::comment(text)));
    }
    // Damage is told, and its place is not all that could be said of it.
    capture.packet(Packet::new(9, 1, text.as_bytes()));
    capture.bytes()
}

/// A sessions file that calls everything `text`.
fn document(text: &str) -> Vec<u8> {
    let named = json!({ "id": text, "name": text, "description": text });
    let eni = json!({
        "id": "eni-0a", "name": text, "description": text, "addresses": ["10.0.1.15"],
    });
    let session = json!({
        "name": text, "description": text, "vni": 308_308, "number": 1, "eni": eni,
        "target": named, "filter": named,
    });
    json!({ "schema": "mirror-pcap/sessions/1", "sessions": [session] }).to_string().into()
}

/// The names of files in the lines of [`SPEAKERS`] and those of filters and plugins.
const FILES: [&str; 6] =
    ["in.pcapng", "sessions.json", "filter.json", "tests.yaml", "flows.csv", "out"];

/// A line with other names for its files.
fn speak(scratch: &Scratch, line: &str, names: [&str; 6]) -> Run {
    let mut run = mirror_pcap().within(scratch);
    for word in line.split(' ') {
        let file = FILES.iter().position(|name| *name == word);
        run = run.arg(file.map_or(word, |at| names[at]));
    }
    run
}

fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(string) => string == text,
        Value::Array(list) => list.iter().any(|value| holds(value, text)),
        Value::Object(object) => object.values().any(|value| holds(value, text)),
        _ => false,
    }
}

#[test]
fn texts_of_captures_and_documents_reach_nobody_unescaped() {
    let scratch = Scratch::new();
    let (mut told, mut named) = (0, 0);
    for text in hostile() {
        scratch.write("in.pcapng", capture(&text));
        scratch.write("sessions.json", document(&text));
        for (line, speech) in SPEAKERS {
            let _ = fs::remove_file(scratch.path("out"));
            let seen = speak(&scratch, line, FILES).ends();
            let code = seen.status.code();
            let context = format!("{text:?} in {line}: {code:?}\n{}", seen.stderr);
            assert!(matches!(code, Some(0 | 2 | 4)), "{context}");
            if let Some(json) = check(&seen, *speech, &context) {
                told += 1;
                named += usize::from(holds(&json, &text));
            }
            // What was added to the capture is harmless to those who read that.
            for block in pcapng(&fs::read(scratch.path("out")).unwrap_or_default()).blocks {
                let ours = |text: &[u8]| text.starts_with(b"vpcmirror: ");
                let is_session = matches!(block.content, Content::Interface { .. })
                    && block.options.values(3).any(ours);
                let names = block.options.values(2).filter(|_| is_session);
                let comments = block.options.values(1).chain(block.options.values(3));
                for text in comments.filter(|text| ours(text)).chain(names) {
                    assert!(text.iter().all(|byte| (b' '..=b'~').contains(byte)), "{context}");
                }
            }
        }
    }
    assert!(told > 60 && named == told, "of {told} JSON documents {named} had the text");
}

/// A filter as the AWS CLI prints it, where everything is called `text`.
fn filter(text: &str) -> Vec<u8> {
    let rule = json!({
        "TrafficMirrorFilterRuleId": text, "TrafficMirrorFilterId": text, "Description": text,
        "TrafficDirection": "ingress", "RuleNumber": 1, "RuleAction": "accept",
        "SourceCidrBlock": "0.0.0.0/0", "DestinationCidrBlock": "0.0.0.0/0",
    });
    let filter = json!({
        "TrafficMirrorFilterId": text, "Description": text,
        "Tags": [{ "Key": "Name", "Value": text }],
        "IngressFilterRules": [rule], "EgressFilterRules": [],
    });
    json!({ "TrafficMirrorFilters": [filter] }).to_string().into()
}

/// Expectations of the filter in the file `filter`, one of which fails, and all called `text`.
fn tests(filter: &str, text: &str) -> Vec<u8> {
    let flow =
        |packet: &str, expect: &str| json!({ "name": text, "flow": packet, "expect": expect });
    let tests = [
        flow("ingress tcp 192.0.2.1:1 > 10.0.1.15:2", "mirrored"),
        flow("ingress tcp 192.0.2.1:1 > 10.0.1.15:2", "not-mirrored"),
    ];
    json!({ "filter": filter, "tests": tests }).to_string().into()
}

/// A table with a column that is called `text`, and has it in every row.
fn flows(text: &str) -> Vec<u8> {
    let cell = text.replace('"', "\"\"").replace(['\r', '\n'], " ");
    format!("ip.src,ip.dst,ip.proto,\"{cell}\"\n192.0.2.1,10.0.1.15,1,\"{cell}\"\n").into()
}

#[test]
fn texts_of_filters_reach_nobody_unescaped() {
    let scratch = Scratch::new();
    let mut named = 0;
    for text in hostile() {
        scratch.write("in.pcapng", capture(&text));
        scratch.write("filter.json", filter(&text));
        scratch.write("tests.yaml", tests("filter.json", &text));
        scratch.write("flows.csv", flows(&text));
        for (line, speech) in SPEAKERS_OF_FILTERS {
            let seen = speak(&scratch, line, FILES).ends();
            let code = seen.status.code();
            let context = format!("{text:?} in {line}: {code:?}\n{}", seen.stderr);
            assert!(matches!(code, Some(0 | 1 | 2 | 4)), "{context}");
            let json = check(&seen, *speech, &context);
            named += usize::from(json.is_some_and(|json| holds(&json, &text)));
        }
    }
    assert!(named > 100, "{named} JSON documents had the text");
}

/// As much of `text` as can be the name of a file.
fn file_name(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars().map(|c| if c == '/' { '_' } else { c }).filter(|c| *c != '\0') {
        if name.len() + c.len_utf8() <= 200 {
            name.push(c);
        }
    }
    name
}

#[test]
#[ignore = "takes long; scripts/test --all runs it"]
fn names_of_files_reach_nobody_unescaped() {
    for (turn, text) in hostile().enumerate() {
        let scratch = Scratch::new();
        // A number, so that no name is a folder's (`..`) and none is there twice.
        let name = |what: &str| format!("./{what}{turn}{}", file_name(&text));
        let names = ["i", "s", "f", "t", "c", "o", "n", "d"].map(name);
        let [input, sessions, rules, expectations, table, out, none, folder] =
            names.each_ref().map(String::as_str);
        scratch.write(input, capture("x"));
        scratch.write(sessions, document("x"));
        scratch.write(rules, filter("x"));
        scratch.write(expectations, tests(rules, "x"));
        scratch.write(table, flows("x"));
        fs::create_dir(scratch.path(folder)).unwrap();
        let lines = [SPEAKERS, SPEAKERS_OF_FILTERS, SPEAKERS_OF_PLUGINS];
        for (line, speech) in lines.into_iter().flatten() {
            let mut said = Vec::new();
            // All is there; nothing is; the input is a folder; documents are; each is the other; the
            // output cannot be.
            for (turn, names) in [
                [input, sessions, rules, expectations, table, out],
                [none, none, none, none, none, out],
                [folder, sessions, rules, expectations, table, out],
                [input, folder, folder, folder, folder, out],
                [rules, input, input, input, input, out],
                [input, sessions, rules, expectations, table, folder],
            ]
            .into_iter()
            .enumerate()
            {
                if turn == 5 && !line.contains(" out") {
                    continue;
                }
                let _ = fs::remove_file(scratch.path(out));
                let seen = speak(&scratch, line, names).ends();
                let context = format!("{names:?} in {line}\n{}", seen.stderr);
                check(&seen, *speech, &context);
                said.push(seen.status.code());
            }
            // To a doctor nothing that is wrong is unreadable.
            let wrong = if line.starts_with("plugin doctor") { 1 } else { 2 };
            assert!(said.contains(&Some(wrong)), "{line}: {said:?}");
        }
    }
}

/// Half of a character, as only a JSON escape can write it.
#[test]
fn half_of_a_surrogate_pair_in_a_document_is_told_or_replaced() {
    let scratch = Scratch::new();
    scratch.write("in.pcapng", capture("x"));
    for text in [r"\ud800", r"\udc00x", r"x\ud83d", r"\udc00\ud800", r"\ud800\u001b[2J"] {
        let good = String::from_utf8(document("NAME")).unwrap();
        scratch.write("sessions.json", good.replace("NAME", text));
        for (line, speech) in SPEAKERS {
            let seen = speak(&scratch, line, FILES).ends();
            check(&seen, *speech, &format!("{text} in {line}\n{}", seen.stderr));
        }
    }
}

/// A complaint about the arguments repeats them, and leaves the colours of a terminal in.
#[test]
fn arguments_are_repeated_unescaped_on_no_terminal() {
    if !can(&["script", "-qec", "true", "/dev/null"]) {
        return;
    }
    let text: String = hostile().map(|text| text.replace('\0', "")).collect();
    let scratch = Scratch::new();
    for words in
        ["strip --vni \"$TEXT\" in out", "\"$TEXT\"", "strip --none=\"$TEXT\"", "man \"$TEXT\""]
    {
        let script = format!("exec {} {words}", env!("CARGO_BIN_EXE_mirror-pcap"));
        let mut command = std::process::Command::new("script");
        command.args(["-qec", &script, "/dev/null"]).current_dir(scratch.folder());
        command.env("TEXT", &text).env("TERM", "xterm-256color").env("SHELL", "/bin/sh");
        let output = command.output().unwrap();
        let screen = String::from_utf8(output.stdout).unwrap();
        let repeats = !words.starts_with("man") && !words.contains("--none=");
        assert_eq!(screen.contains("Übung"), repeats, "{words}: {screen:?}");
        is_harmless(&screen.replace("\r\n", "\n"), words);
    }
}
