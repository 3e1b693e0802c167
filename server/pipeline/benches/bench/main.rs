//! `make bench`: what a device message, a call and a crowd row cost, each beside its bar. Prints a table, writes it with date
//! and machine to the page named by `--page`. Every measure runs in a process of its own, so that peaks do not mix; the
//! simulator runs in another, so that its CPU never counts as ours.

use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

mod accept;
#[path = "../../tests/support/postgres.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod cluster;
mod console;
mod crowds;
mod fleet;
mod meter;
mod nodes;
mod receipts;
#[path = "../../tests/support/redis.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod redis_server;
mod report;
#[path = "../../tests/support/samples.rs"]
mod samples;
mod send;
mod server;
mod span;
mod store;
mod tokens;
mod twin;
mod urgent;

use report::Row;
use types::vendor::Vendor;

/// Measures in the order of the table.
const MEASURES: [&str; 8] = ["bulk", "apns", "urgent", "accept", "receipts", "crowd1", "crowd10", "store"];
/// Measured only when named: `make nodes`, and `make bench-console`, which takes minutes.
const NAMED: [&str; 5] = ["nodes1", "nodes2", "nodes4", "killed", "console"];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["measure", name, part] => {
            let rows = runtime()?.block_on(measure(name, part.parse()?))?;
            let mut out = std::io::stdout();
            writeln!(out, "{}", serde_json::to_string(&rows)?)?;
            Ok(())
        }
        ["node", told] => runtime()?.block_on(nodes::serve(told)),
        ["simulator"] => runtime()?.block_on(twin::serve()),
        _ => all(&words),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// `part`: the volume is divided by it.
async fn measure(name: &str, part: u64) -> Result<Vec<Row>> {
    match name {
        "bulk" => send::measure(Vendor::Xiaomi, 1_000_000 / part).await,
        "apns" => send::measure(Vendor::Apns, 200_000 / part).await,
        "accept" => accept::measure(60_000 / part).await,
        "receipts" => receipts::measure(200_000 / part as usize).await,
        "console" => console::measure(10_000_000 / part as usize).await,
        "crowd1" => crowds::measure(1_000_000 / part).await,
        "crowd10" => crowds::measure(10_000_000 / part).await,
        "store" => store::measure().await,
        "urgent" => urgent::measure(part).await,
        "nodes1" => nodes::measure(1, false, part).await,
        "nodes2" => nodes::measure(2, false, part).await,
        "nodes4" => nodes::measure(4, false, part).await,
        "killed" => nodes::measure(2, true, part).await,
        other => bail!("no measure {other}"),
    }
}

/// `[names…] [--short] [--page FILE]`: runs every measure (or those named); `--short` with a tenth of the volume.
fn all(words: &[&str]) -> Result<()> {
    let page = words.iter().position(|w| *w == "--page").map(|at| words.get(at + 1).copied().context("--page FILE")).transpose()?;
    let chosen: Vec<&str> = MEASURES.into_iter().chain(NAMED).filter(|m| words.contains(m)).collect();
    let chosen = if chosen.is_empty() { MEASURES.to_vec() } else { chosen };
    let part = if words.contains(&"--short") { "10" } else { "1" };
    let before = meter::load();
    let mut rows = Vec::new();
    for name in chosen {
        let child = Command::new(std::env::current_exe()?)
            .args(["measure", name, part])
            .stdout(Stdio::piped())
            .spawn()
            .context("starting a measure")?
            .wait_with_output()?;
        if !child.status.success() {
            bail!("measure {name} failed: {}", child.status);
        }
        let last = String::from_utf8(child.stdout)?;
        let found: Vec<Row> = serde_json::from_str(last.lines().last().context("no result")?)?;
        rows.extend(found);
    }
    let table = report::table(&rows);
    let about_nodes = rows.iter().all(|row| row.what.contains(" node"));
    writeln!(std::io::stdout(), "{table}")?;
    if let Some(page) = page {
        let now = jiff::Timestamp::from_millisecond(pipeline::world::World::system().now())?;
        let old = std::fs::read_to_string(page).unwrap_or_default();
        let date = now.strftime("%Y-%m-%d %H:%M UTC").to_string();
        let text = if about_nodes { report::nodes(&table, &date, &before, &old) } else { report::page(&table, &date, &before, &old) };
        std::fs::write(page, text)?;
    }
    Ok(())
}
