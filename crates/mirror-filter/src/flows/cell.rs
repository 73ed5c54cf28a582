//! Lines divided into cells.
//!
//! Quotes are those of RFC 4180, doubled within themselves, but a cell ends with its line: no cell
//! of these tables has a line break in it, and a quote that somebody forgot must not swallow the
//! rest of the table.

use std::borrow::Cow;

use super::TableError;

/// What divides cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separator {
    Tab,
    Comma,
    /// As many as there are.
    Spaces,
}

impl Separator {
    /// What divides the cells of a table whose first line is this.
    pub(super) fn of(line: &str) -> Separator {
        match (line.contains('\t'), line.contains(',')) {
            (true, _) => Separator::Tab,
            (false, true) => Separator::Comma,
            (false, false) => Separator::Spaces,
        }
    }
}

/// The cells of a line.
pub(super) fn cells(line: &str, separator: Separator) -> Result<Vec<Cow<'_, str>>, TableError> {
    let separator = match separator {
        Separator::Spaces => return Ok(line.split_ascii_whitespace().map(Cow::Borrowed).collect()),
        Separator::Tab => '\t',
        Separator::Comma => ',',
    };
    let mut cells = Vec::new();
    let mut rest = line;
    loop {
        let behind = match rest.strip_prefix('"') {
            Some(quoted) => {
                let (cell, behind) = unquoted(quoted)?;
                cells.push(cell);
                behind
            }
            None => {
                let end = rest.find(separator).unwrap_or(rest.len());
                let (cell, behind) = rest.split_at(end);
                cells.push(Cow::Borrowed(cell));
                behind
            }
        };
        match behind.strip_prefix(separator) {
            Some(next) => rest = next,
            None if behind.is_empty() => return Ok(cells),
            // Something stands between a quote and the next separator.
            None => return Err(TableError::OpenQuote),
        }
    }
}

/// The text up to the closing quote, and what is behind that.
fn unquoted(text: &str) -> Result<(Cow<'_, str>, &str), TableError> {
    let mut cell: Cow<'_, str> = Cow::Borrowed("");
    let mut rest = text;
    loop {
        let (part, behind) = rest.split_once('"').ok_or(TableError::OpenQuote)?;
        if cell.is_empty() {
            cell = Cow::Borrowed(part);
        } else {
            cell.to_mut().push_str(part);
        }
        match behind.strip_prefix('"') {
            Some(more) => {
                cell.to_mut().push('"');
                rest = more;
            }
            None => return Ok((cell, behind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn divided(line: &str, separator: Separator) -> Vec<String> {
        cells(line, separator).unwrap().into_iter().map(Cow::into_owned).collect()
    }

    #[test]
    fn cells_end_at_separators_outside_of_quotes() {
        let comma = |line| divided(line, Separator::Comma);
        assert_eq!(comma("a,b"), ["a", "b"]);
        assert_eq!(comma("a,,b,"), ["a", "", "b", ""]);
        assert_eq!(comma(""), [""]);
        assert_eq!(comma("\"a,b\",\"\",c"), ["a,b", "", "c"]);
        assert_eq!(comma("\"say \"\"so\"\"\""), ["say \"so\""]);
        assert_eq!(comma("a\"b,c"), ["a\"b", "c"]);
        assert_eq!(divided("a\t\tb", Separator::Tab), ["a", "", "b"]);
        assert_eq!(divided(" a   b ", Separator::Spaces), ["a", "b"]);
    }

    #[test]
    fn a_quote_closes_on_its_line() {
        for line in ["\"a", "a,\"", "\"a\"b,c", "\"a\"\""] {
            assert_eq!(cells(line, Separator::Comma), Err(TableError::OpenQuote), "{line}");
        }
    }
}
