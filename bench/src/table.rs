//! The table that is printed: one row as soon as it is measured.
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

use crate::load::Measured;

/// One row. What is not given stays empty.
#[derive(Default)]
pub(crate) struct Row<'a> {
    /// Which database.
    pub(crate) database: &'a str,
    /// How many copies of the data are in it.
    pub(crate) copies: usize,
    /// What was measured.
    pub(crate) work: &'a str,
    /// By how many clients.
    pub(crate) clients: Option<usize>,
    /// The number, as printed.
    pub(crate) result: String,
    /// Latencies and size of the answers, of what was asked many times.
    pub(crate) measured: Option<&'a Measured>,
    /// What is wanted, as printed.
    pub(crate) floor: String,
    /// How many times what is wanted was reached.
    pub(crate) of_floor: Option<f64>,
    /// The part of its limit that was reached, and the name of the limit.
    pub(crate) of_limit: Option<(f64, &'a str)>,
    /// The median latency as a multiple of that in a store of one copy, and what it may be.
    pub(crate) growth: Option<(f64, Option<f64>)>,
}

/// The head of the table.
pub(crate) fn head() {
    println!(
        "| database | copies | work | clients | result | p50 ms | p95 ms | p99 ms | µs of server | bytes | floor | of floor | of limit | growth |"
    );
    println!("|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
}

impl Row<'_> {
    /// Prints it.
    pub(crate) fn print(&self) {
        let clients = self.clients.map(|clients| clients.to_string()).unwrap_or_default();
        let latency = |percent| {
            self.measured.map(|measured| format!("{:.2}", measured.percentile(percent))).unwrap_or_default()
        };
        let bytes = self.measured.map(|measured| measured.bytes).filter(|bytes| *bytes > 0);
        let work = self.measured.and_then(|measured| measured.work);
        let of_floor = self.of_floor.map(|times| {
            let missed = if times < 1.0 { " ✗" } else { "" };
            format!("{times:.2}{missed}")
        });
        let of_limit = self.of_limit.map(|(part, name)| format!("{part:.2} of {name}"));
        let growth = self.growth.map(|(times, limit)| match limit {
            Some(limit) if times > limit => format!("{times:.2} (of {limit}) ✗"),
            Some(limit) => format!("{times:.2} (of {limit})"),
            None => format!("{times:.2}"),
        });
        println!(
            "| {} | {} | {} | {clients} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            self.database,
            self.copies,
            self.work,
            self.result,
            latency(50),
            latency(95),
            latency(99),
            work.map(|micros| format!("{micros:.1}")).unwrap_or_default(),
            bytes.map(|bytes| bytes.to_string()).unwrap_or_default(),
            self.floor,
            of_floor.unwrap_or_default(),
            of_limit.unwrap_or_default(),
            growth.unwrap_or_default(),
        );
    }
}

/// A whole number with commas between its thousands.
pub(crate) fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let first = digits.len() % 3;
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && n % 3 == first {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
