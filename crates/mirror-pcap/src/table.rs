//! Text in columns that line up, for people.
//!
//! No colour and no lines, so that what is printed can be cut, sorted and pasted. A cell is what it
//! is given: whoever fills one with a text of a capture or document uses [`cell`].

use crate::failure::printable;

/// Characters of a name in a table.
const MAX_CELL: usize = 40;

/// On which side of its column a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// Texts.
    Left,
    /// Numbers.
    Right,
}

/// A table of `N` columns, the first row its headings.
pub(crate) struct Table<const N: usize> {
    align: [Align; N],
    is_shown: [bool; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    pub(crate) fn new(columns: [(&str, Align); N]) -> Table<N> {
        Table {
            align: columns.map(|(_, align)| align),
            is_shown: [true; N],
            rows: vec![columns.map(|(heading, _)| heading.to_owned())],
        }
    }

    /// Leave out the column with this heading unless it `is_used`.
    pub(crate) fn show_if(&mut self, heading: &str, is_used: bool) {
        let headings = self.rows.iter().take(1).flatten();
        for (_, is_shown) in
            headings.zip(&mut self.is_shown).filter(|(column, _)| *column == heading)
        {
            *is_shown = is_used;
        }
    }

    pub(crate) fn push(&mut self, row: [String; N]) {
        self.rows.push(row);
    }

    /// Each row on a line, two blanks before each cell and none at the end.
    pub(crate) fn text(&self) -> String {
        let mut widths = [0; N];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        let mut text = String::new();
        for row in &self.rows {
            let columns = row.iter().zip(widths).zip(self.align).zip(self.is_shown);
            let mut line = String::new();
            for (((cell, width), align), _) in columns.filter(|(_, is_shown)| *is_shown) {
                line += &match align {
                    Align::Left => format!("  {cell:<width$}"),
                    Align::Right => format!("  {cell:>width$}"),
                };
            }
            text += line.trim_end();
            text.push('\n');
        }
        text
    }
}

/// A text of a capture or document in a table: printable, cut, and something to see if there is
/// none.
pub(crate) fn cell(text: Option<&str>) -> String {
    let text = text.map_or_else(|| "-".to_owned(), printable);
    match text.char_indices().nth(MAX_CELL) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table<3> {
        let mut table =
            Table::new([("name", Align::Left), ("packets", Align::Right), ("why", Align::Left)]);
        table.push(["Übung".into(), "12".into(), "-".into()]);
        table.push(["b".into(), "1,234,567".into(), String::new()]);
        table
    }

    #[test]
    fn columns_line_up_and_lines_end_with_their_text() {
        let want = "  name     packets  why\n  Übung         12  -\n  b      1,234,567\n";
        assert_eq!(table().text(), want);
    }

    #[test]
    fn a_column_that_nobody_needs_is_left_out() {
        let mut table = table();
        table.show_if("packets", false);
        table.show_if("why", true);
        assert_eq!(table.text(), "  name   why\n  Übung  -\n  b\n");
    }

    #[test]
    fn a_cell_is_printable_and_no_longer_than_a_name() {
        assert_eq!(cell(None), "-");
        assert_eq!(cell(Some("\u{1b}[2J")), r"\u{1b}[2J");
        assert_eq!(cell(Some(&"é".repeat(40))), "é".repeat(40));
        assert_eq!(cell(Some(&"é".repeat(41))), "é".repeat(40) + "...");
    }
}
