//! One line of the table, and the page made of them.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::span::Used;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    pub what: String,
    pub value: f64,
    pub unit: String,
    /// (goal's name, figure, larger is better)
    pub bar: Option<(String, f64, bool)>,
    pub note: String,
}

impl Row {
    pub fn new(what: &str, value: f64, unit: &str) -> Row {
        Row { what: what.to_owned(), value, unit: unit.to_owned(), bar: None, note: String::new() }
    }

    pub fn at_most(mut self, goal: &str, figure: f64) -> Row {
        self.bar = Some((goal.to_owned(), figure, false));
        self
    }

    pub fn at_least(mut self, goal: &str, figure: f64) -> Row {
        self.bar = Some((goal.to_owned(), figure, true));
        self
    }

    pub fn with_note(mut self, note: impl Into<String>) -> Row {
        self.note = note.into();
        self
    }

    pub fn with_wall(self, used: &Used) -> Row {
        let note = format!("{:.2} s wall, {:.2} CPU-s", used.wall.as_secs_f64(), used.cpu.as_secs_f64());
        self.with_note(note)
    }
}

fn number(value: f64) -> String {
    match value.abs() {
        v if v >= 1_000.0 => {
            let digits = format!("{value:.0}");
            let mut out = String::new();
            for (i, c) in digits.chars().enumerate() {
                if i > 0 && (digits.len() - i).is_multiple_of(3) {
                    out.push(',');
                }
                out.push(c);
            }
            out
        }
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

/// The table in Markdown: figure, bar, and how often the bar fits in (above 1 = better than the bar).
pub fn table(rows: &[Row]) -> String {
    let mut out = String::from("| what | measured | unit | bar | against the bar | remark |\n| --- | ---: | --- | ---: | ---: | --- |\n");
    for row in rows {
        let (bar, against) = match &row.bar {
            Some((goal, figure, larger)) => {
                let ratio = if *larger { row.value / figure } else { figure / row.value };
                let sign = if *larger { "≥" } else { "≤" };
                (format!("{goal}: {sign} {}", number(*figure)), format!("{ratio:.2} x"))
            }
            None => (String::new(), String::new()),
        };
        let _ = writeln!(out, "| {} | {} | {} | {bar} | {against} | {} |", row.what, number(row.value), row.unit, row.note);
    }
    out
}

/// What is written by hand starts here, and stays.
const BY_HAND: &str = "## From the browser";
/// What `make nodes` writes stands before it.
const NODES: &str = "## Several nodes";

/// The page with the part about several nodes written anew.
pub fn nodes(table: &str, date: &str, load: &str, old: &str) -> String {
    let (before, by_hand) = old.split_at(old.find(BY_HAND).unwrap_or(old.len()));
    let before = before.find(NODES).map_or(before, |at| &before[..at]).trim_end();
    format!(
        "{before}\n\n{NODES}\n\nWritten by `make nodes` on {date}. Machine: {}. Load averages when it began: {load}.\n\n\
         Every node is a process, at a private PostgreSQL (`fsync` on) and Redis; the simulator, in a process too, has exactly the lanes' paces\n\
         and the day's quotas as its limits. The rate is the mean of the whole seconds between the first and the last, counted at the vendor.\n\n\
         {table}\n{by_hand}",
        crate::meter::machine(),
    )
}

/// The whole page: head, table, and what people wrote below the old one.
pub fn page(table: &str, date: &str, load: &str, old: &str) -> String {
    let kept = old.find(NODES).or_else(|| old.find(BY_HAND));
    let by_hand = kept.map_or(BY_HAND, |at| &old[at..]).trim_end();
    format!(
        "# Benchmarks\n\nWritten by `make bench` on {date}. Machine: {}. Load averages when it began: {load}.\n\n\
         CPU is user and system time of our process, all threads; the simulator runs in a process of its own and is not counted.\n\
         Everything is durable as in production (SQLite WAL, `synchronous=FULL`, answered after the commit), with TLS to the simulator.\n\
         A run counts only when everybody was accepted and the simulator's ledger says the same. Bars are the project's goals:\n\
         P1 APNs path, P2 bulk path, P5 durable accept, P7 memory and disk, U6 crowd files. \"Against the bar\": above 1 is better than it.\n\n\
         {table}\n{by_hand}\n",
        crate::meter::machine(),
    )
}
