//! One tab-separated table in the making.

use crate::Result;

/// A finished table: the file's name and its text.
pub struct Table {
    /// File name within `domain/definitions`.
    pub name: &'static str,
    /// The whole file, header row first.
    pub text: String,
}

impl Table {
    /// A table with its header row, which names the columns.
    pub(crate) fn new(name: &'static str, columns: &[&str]) -> Self {
        Self { name, text: format!("#{}\n", columns.join("\t")) }
    }

    /// Adds a row; a cell with a tab or line break would break the table and is an error.
    pub(crate) fn row(&mut self, cells: &[&str]) -> Result<()> {
        if let Some(cell) = cells.iter().find(|cell| cell.contains(['\t', '\n', '\r'])) {
            return Err(format!("{}: a cell with a tab or line break: {cell}", self.name).into());
        }
        self.text.push_str(cells.join("\t").trim_end_matches('\t'));
        self.text.push('\n');
        Ok(())
    }
}

/// Free text on one line: runs of white space become one space.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
