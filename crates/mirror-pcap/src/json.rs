//! JSON as it is printed: the values as they are, in characters that a terminal survives.
//!
//! JSON asks for an escape of what stands below the space and of nothing else. But people look at
//! it in terminals, and strings come from captures, documents and the names of files. What
//! [`is_hidden`] stands as `\u` escapes, which to every reader is the same value.

use mirror_session::is_hidden;
use serde::Serialize;

use crate::failure::Failure;

/// A whole document, indented, with a line break at its end.
pub(crate) fn document(value: &impl Serialize) -> Result<String, Failure> {
    let mut text = serde_json::to_string_pretty(value).map_err(Failure::usage)?;
    text.push('\n');
    Ok(escaped(text))
}

/// A value on a line of its own, one of many.
pub(crate) fn line(value: &impl Serialize) -> Result<String, Failure> {
    let mut text = serde_json::to_string(value).map_err(Failure::usage)?;
    text.push('\n');
    Ok(escaped(text))
}

/// `json` with all escaped that a terminal might obey. Such characters stand in strings only,
/// line breaks aside, which are the layout.
fn escaped(json: String) -> String {
    if !json.chars().any(|c| c != '\n' && is_hidden(c)) {
        return json;
    }
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out += &format!("\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_escaped_and_reads_back_the_same() {
        let texts = [
            "\u{1b}[2J\n",
            "\u{9b}2J",
            "\u{7f}",
            "\u{202e}x\u{fe0f}",
            "\u{e0041}",
            "Übung \u{1f600}",
        ];
        let json = document(&texts).unwrap();
        assert!(json.chars().all(|c| c == '\n' || !is_hidden(c)), "{json:?}");
        assert!(json.contains(r#""\udb40\udc41""#) && json.contains("Übung"), "{json}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), texts);
    }
}
