//! Reads the tab-separated tables of `domain/definitions/`.

/// One row; missing cells at its end are empty.
pub(super) struct Row {
    cells: std::str::Split<'static, char>,
}

impl Row {
    /// The next cell.
    pub(super) fn next(&mut self) -> &'static str {
        self.cells.next().unwrap_or_default()
    }

    /// The cell after `skipped` others; none of them can be read any more.
    pub(super) fn nth_cell(&mut self, skipped: usize) -> &'static str {
        self.cells.nth(skipped).unwrap_or_default()
    }

    /// The next cell, split at commas.
    pub(super) fn list(&mut self) -> impl Iterator<Item = &'static str> + use<> {
        self.next().split(',').filter(|item| !item.is_empty())
    }
}

/// The rows of a table, without its header.
pub(super) fn rows(table: &'static str) -> impl Iterator<Item = Row> {
    table.lines().filter(|line| !line.starts_with('#')).map(|line| Row { cells: line.split('\t') })
}
