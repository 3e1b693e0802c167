//! How large the browser's part may become, and how large it is.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::site::Sizes;

/// Kilobytes as in the project's goals: 1,000 bytes.
const KB: u64 = 1_000;

/// What is compared with the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    Raw,
    Brotli,
}

const BUDGETS: [(&str, Measure, u64); 3] =
    [("wasm", Measure::Brotli, 900 * KB), ("js", Measure::Raw, 120 * KB), ("css", Measure::Brotli, 60 * KB)];

/// One file's sizes in bytes beside its budget.
#[derive(Debug)]
pub struct Row {
    kind: &'static str,
    sizes: Sizes,
    measure: Measure,
    budget: u64,
}

impl Row {
    fn measured(&self) -> u64 {
        match self.measure {
            Measure::Raw => self.sizes.raw,
            Measure::Brotli => self.sizes.brotli,
        }
    }

    pub fn is_over(&self) -> bool {
        self.measured() > self.budget
    }

    pub fn complaint(&self) -> String {
        format!("{} is {} bytes {:?}, allowed are {}", self.kind, self.measured(), self.measure, self.budget).to_lowercase()
    }
}

/// The budgeted files; `sizes` by kind (`js`, `wasm`, `css`).
pub fn rows(sizes: &BTreeMap<&'static str, Sizes>) -> Vec<Row> {
    BUDGETS
        .into_iter()
        .filter_map(|(kind, measure, budget)| sizes.get(kind).map(|sizes| Row { kind, sizes: *sizes, measure, budget }))
        .collect()
}

pub fn table(rows: &[Row]) -> String {
    let mut text = format!("{:<6}{:>12}{:>12}{:>12}   budget\n", "file", "raw", "brotli", "gzip");
    for row in rows {
        let Sizes { raw, brotli, gzip } = row.sizes;
        let what = if row.measure == Measure::Raw { "raw" } else { "brotli" };
        let word = if row.is_over() { "OVER" } else { "ok" };
        let _ = writeln!(text, "{:<6}{raw:>12}{brotli:>12}{gzip:>12}   {} {what} {word}", row.kind, row.budget);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_budgeted_measure_counts() {
        let sizes = BTreeMap::from([
            ("wasm", Sizes { raw: 5_000_000, brotli: 900_000, gzip: 1_200_000 }),
            ("js", Sizes { raw: 120_001, brotli: 9_000, gzip: 10_000 }),
            ("css", Sizes { raw: 200_000, brotli: 60_001, gzip: 70_000 }),
        ]);
        let over: Vec<String> = rows(&sizes).iter().filter(|r| r.is_over()).map(Row::complaint).collect();
        assert_eq!(over, ["js is 120001 bytes raw, allowed are 120000", "css is 60001 bytes brotli, allowed are 60000"]);
    }
}
