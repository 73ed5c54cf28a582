//! Text from documents and captures, made fit to stand in a message.
//!
//! Names are people's, and messages end in terminals, logs and the windows of viewers. What an error
//! of this crate quotes is printable ASCII on one line and not longer than a line; a name of plain
//! letters stands as it is, and everything else in quotes. For everybody who shows a name whole,
//! this is the one place that says which characters are not shown as they are: [`is_hidden`].

use std::fmt::{self, Write};

/// How much of a text is shown, in characters.
const SHOWN: usize = 60;

/// What hides, in ascending order; build.rs says what that is.
const HIDDEN: &[(char, char)] = include!(concat!(env!("OUT_DIR"), "/hidden.rs"));

/// Whether a terminal or a window might obey `c` rather than show it: controls, what is not to be
/// seen (ignored where it is displayed, or a blank other than the space), and what turns text around.
pub fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    let at = HIDDEN.partition_point(|&(_, last)| last < c);
    HIDDEN.get(at).is_some_and(|&(first, _)| first <= c)
}

/// `text` with everything escaped that [`is_hidden`], as Rust escapes it, and so on one line.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// One of the bytes that a value may consist of without quotes.
pub(crate) fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'/' | b'@' | b'+' | b'-')
}

/// Printable ASCII, the space included.
pub(crate) fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// Append `character` as it stands in a JSON string of printable ASCII.
pub(crate) fn push_escaped(out: &mut impl Write, character: char) -> fmt::Result {
    match character {
        '"' | '\\' => {
            out.write_char('\\')?;
            out.write_char(character)
        }
        ' '..='~' => out.write_char(character),
        _ => push_units(out, character),
    }
}

/// Append `character` as one or two `\u` escapes.
pub(crate) fn push_units(out: &mut impl Write, character: char) -> fmt::Result {
    //= https://www.rfc-editor.org/rfc/rfc8259#section-7
    //# To escape an extended character that is not in the Basic Multilingual
    //# Plane, the character is represented as a 12-character sequence,
    //# encoding the UTF-16 surrogate pair.
    for unit in character.encode_utf16(&mut [0; 2]) {
        write!(out, "\\u{unit:04x}")?;
    }
    Ok(())
}

/// A text in a message: bare if it can be, else quoted; cut if it is long.
pub(crate) struct Shown<'a>(pub(crate) &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if (1..=SHOWN).contains(&self.0.len()) && self.0.bytes().all(is_bare) {
            f.write_str(self.0)
        } else {
            Quoted(self.0).fmt(f)
        }
    }
}

/// The same, always in quotes, so that nobody takes it for a number or a word of ours.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for character in self.0.chars().take(SHOWN) {
            push_escaped(f, character)?;
        }
        f.write_str(if self.0.chars().nth(SHOWN).is_some() { "...\"" } else { "\"" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        for (text, shown) in [
            ("tms-0a1b", "tms-0a1b"),
            ("", "\"\""),
            ("web 1", "\"web 1\""),
            ("a\"b\\c", r#""a\"b\\c""#),
            ("\u{1b}[2J\n", r#""\u001b[2J\u000a""#),
            ("\u{202e}é\u{1f600}", r#""\u202e\u00e9\ud83d\ude00""#),
        ] {
            assert_eq!(Shown(text).to_string(), shown);
        }
    }

    /// As DerivedCoreProperties.txt of Unicode 16.0 lists them under Default_Ignorable_Code_Point.
    const IGNORABLE: [(u32, u32); 17] = [
        (0xAD, 0xAD),
        (0x34F, 0x34F),
        (0x61C, 0x61C),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x200B, 0x200F),
        (0x202A, 0x202E),
        (0x2060, 0x206F),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFEFF, 0xFEFF),
        (0xFFA0, 0xFFA0),
        (0xFFF0, 0xFFF8),
        (0x1_BCA0, 0x1_BCA3),
        (0x1_D173, 0x1_D17A),
        (0xE_0000, 0xE_0FFF),
    ];

    /// Format characters that are none of these, but for the visible ones in front of numbers; and
    /// what is blank for no other reason than how it looks.
    const MORE: [(u32, u32); 5] = [
        (0xFFF9, 0xFFFB),
        (0x1_3430, 0x1_343F),
        (0x2800, 0x2800),
        (0x1_D159, 0x1_D159),
        (0x1_3441, 0x1_3442),
    ];

    #[test]
    fn each_character_is_hidden_that_unicode_says_is() {
        let of = |ranges: &[(u32, u32)]| -> usize {
            ranges.iter().map(|(first, last)| (last - first + 1) as usize).sum()
        };
        assert_eq!(of(&IGNORABLE), 4_174, "the total that the file states");
        let listed = |c: char| {
            let mut ranges = IGNORABLE.iter().chain(&MORE);
            ranges.any(|(first, last)| (*first..=*last).contains(&u32::from(c))) || c == '\u{16FE4}'
        };
        for c in '\0'..=char::MAX {
            let is_other_space = c.is_whitespace() && c != ' ';
            assert_eq!(is_hidden(c), c.is_control() || is_other_space || listed(c), "{c:?}");
        }
    }

    #[test]
    fn nothing_hidden_is_printed_and_all_else_as_it_is() {
        for (text, shown) in [
            ("a\u{1b}]0;x\u{7}\u{9b}\n", r"a\u{1b}]0;x\u{7}\u{9b}\n"),
            ("\u{202e}gnp.exe", r"\u{202e}gnp.exe"),
            ("w\u{34f}e\u{fe0f}b\u{e0100}\u{2800}", r"w\u{34f}e\u{fe0f}b\u{e0100}\u{2800}"),
            ("web\u{a0}1", r"web\u{a0}1"),
            (r#"Übung\ "é" שלום 日本 ؁1"#, r#"Übung\ "é" שלום 日本 ؁1"#),
            ("\u{1f600}", "\u{1f600}"),
        ] {
            assert_eq!(printable(text), shown);
        }
    }

    #[test]
    fn long_texts_are_cut_after_60_characters() {
        assert_eq!(Shown(&"é".repeat(60)).to_string().len(), 60 * 6 + 2);
        assert_eq!(Shown(&"a".repeat(60)).to_string(), "a".repeat(60));
        assert_eq!(Shown(&"a".repeat(61)).to_string(), format!("\"{}...\"", "a".repeat(60)));
    }
}
