//! Text as a program in C shows it.

use std::ffi::{CStr, CString};

/// Text that is printable and ends with a NUL.
///
/// Names are people's, and come from captures too. What a terminal might obey, and what hides or
/// turns around other text, is escaped in it as Rust escapes characters; a backslash stands as it
/// is, so that ordinary names compare equal to what people type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(CString);

impl Text {
    /// The text in printable form.
    pub fn new(text: &str) -> Text {
        // NUL is a control character, so none is left.
        Text(CString::new(printable(text)).unwrap_or_default())
    }

    /// As C wants it.
    pub fn as_c_str(&self) -> &CStr {
        &self.0
    }
}

/// `text` with everything escaped that a terminal might obey, and on one line.
pub fn printable(text: &str) -> String {
    // Control characters include C1; the rest turn text around, or hide it or themselves.
    let hides = |c: char| {
        matches!(c, '\u{AD}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{180E}' | '\u{3164}'
            | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
    };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || hides(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_stand_as_they_are() {
        for name in ["", "web 1", "tms-0a1b", "Übung", r"a\b", "\"quoted\""] {
            assert_eq!(Text::new(name).as_c_str().to_str(), Ok(name));
        }
    }

    #[test]
    fn nothing_that_a_terminal_obeys_and_no_nul_is_left() {
        let name = "a\0b\u{1b}[2J\u{9b}\n\u{202e}c\u{feff}";
        let shown = Text::new(name);
        assert_eq!(shown.as_c_str().to_str(), Ok(r"a\u{0}b\u{1b}[2J\u{9b}\n\u{202e}c\u{feff}"));
        // These came through: what turns text around too, and what is not to be seen.
        let name = "a\u{61c}b\u{ad}\u{3164}\u{ffa0}";
        assert_eq!(Text::new(name).as_c_str().to_str(), Ok(r"a\u{61c}b\u{ad}\u{3164}\u{ffa0}"));
    }
}
