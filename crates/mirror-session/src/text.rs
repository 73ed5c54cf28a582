//! Text from documents, made fit to stand in a message.
//!
//! Names are people's, and messages end in terminals and logs. So what is printed is printable
//! ASCII on one line and not longer than a line; a name of plain letters stands as it is, and
//! everything else in quotes.

use std::fmt::{self, Write};

/// How much of a text is shown, in characters.
const SHOWN: usize = 60;

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

    #[test]
    fn long_texts_are_cut_after_60_characters() {
        assert_eq!(Shown(&"é".repeat(60)).to_string().len(), 60 * 6 + 2);
        assert_eq!(Shown(&"a".repeat(60)).to_string(), "a".repeat(60));
        assert_eq!(Shown(&"a".repeat(61)).to_string(), format!("\"{}...\"", "a".repeat(60)));
    }
}
