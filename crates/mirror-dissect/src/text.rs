//! Text as a program in C shows it.

use std::ffi::{CStr, CString};

use mirror_session::printable;

/// Text that is printable and ends with a NUL.
///
/// Names are people's, and come from captures too. What hides or would be obeyed is escaped as
/// everywhere ([`printable`]); a backslash stands as it is, so that ordinary names compare equal to
/// what people type.
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
    fn nothing_that_hides_and_no_nul_is_left() {
        let name = "a\0b\u{1b}[2J\u{9b}\n\u{202e}c\u{feff}\u{fe0f}\u{2800}";
        let shown = r"a\u{0}b\u{1b}[2J\u{9b}\n\u{202e}c\u{feff}\u{fe0f}\u{2800}";
        assert_eq!(Text::new(name).as_c_str().to_str(), Ok(shown));
    }
}
