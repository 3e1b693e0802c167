//! Crowd files: rows a second and peak memory, 1 M and 10 M rows (U6, P7).

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use futures::StreamExt;
use pipeline::access::crowd::Limits;
use pipeline::access::crowd::import::{Crowds, ImportOrder};
use pipeline::storage::Storage;
use pipeline::storage::crowds::Crowd;
use pipeline::world::World;
use types::crowd::{KeyKind, Mapping};
use types::vendor::Vendor;

use crate::report::Row;
use crate::span::Span;
use crate::store::new_app;
use crate::{meter, tokens};

/// Rows made at a time while a file streams in: the file itself is nowhere whole.
const PART: u64 = 10_000;

/// The lines of a file of `rows` tokens of a vendor, streamed.
fn lines(vendor: Vendor, rows: u64) -> impl futures::Stream<Item = Result<Bytes, std::io::Error>> + Send {
    let parts = rows.div_ceil(PART);
    futures::stream::iter(0..parts).map(move |part| {
        let mut text = String::new();
        if part == 0 {
            text.push_str("token,user\n");
        }
        for i in part * PART..((part + 1) * PART).min(rows) {
            let _ = writeln!(text, "{},u{i}", tokens::of(vendor, i));
        }
        Ok(Bytes::from(text))
    })
}

/// A confirmed crowd of `rows` tokens.
pub async fn import(storage: &Storage, world: &World, folder: &Path, app_no: i64, vendor: Vendor, rows: u64) -> Result<Crowd> {
    let crowds = Crowds::new(storage.clone(), world.clone(), folder.join("uploads"), Limits::default())?;
    let mapping = Mapping { key: KeyKind::Token, key_column: 0, vendor: Some(vendor), ..Mapping::default() };
    let order = ImportOrder {
        name: format!("{} {rows}", vendor.slug()),
        file_name: "bench.csv".to_owned(),
        mapping: Some(mapping),
        ..ImportOrder::default()
    };
    crowds.import_all(app_no, "bench", order, lines(vendor, rows)).await.map_err(|problem| anyhow!("{problem:?}"))
}

/// One size, in a process of its own: the peak is the import's alone.
pub async fn measure(rows: u64) -> Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let world = World::system();
    let storage = Storage::open(&format!("sqlite://{}/bench.db", folder.path().display())).await?;
    let app = new_app(&storage, &world, "bench").await?;
    let idle = meter::resident(std::process::id())?;
    let span = Span::start()?;
    let crowd = import(&storage, &world, folder.path(), app.no, Vendor::Xiaomi, rows).await?;
    let used = span.stop()?;
    anyhow::ensure!(crowd.counts.valid == rows, "{:?}", crowd.counts);
    // The lines themselves were made in this process: what that costs is not the import's.
    let made = Span::start()?;
    let mut bytes = 0usize;
    let mut stream = std::pin::pin!(lines(Vendor::Xiaomi, rows));
    while let Some(part) = stream.next().await {
        bytes += part.context("a part")?.len();
    }
    let made = made.stop()?;
    let cpu = used.cpu.saturating_sub(made.cpu);
    let wall = used.wall.saturating_sub(made.wall).max(Duration::from_millis(1));
    let millions = rows as f64 / 1e6;
    let peak = meter::peak(std::process::id())? as f64 / 1_048_576.0;
    let size = format!("{millions} M rows");
    let note = format!("{:.1} s wall, {:.2} CPU-s, file of {} MiB", wall.as_secs_f64(), cpu.as_secs_f64(), bytes / 1_048_576);
    Ok(vec![
        Row::new(&format!("crowd file, {size}: rows"), rows as f64 / wall.as_secs_f64(), "rows a second")
            .at_least("U6 (1 M in 3 s)", 1e6 / 3.0)
            .with_note(note),
        Row::new(&format!("crowd file, {size}: CPU"), cpu.as_secs_f64() * 1e6 / rows as f64, "CPU-µs a row")
            .with_note("upload, synced, looked at, checked, sorted, de-duplicated, stored in blocks, confirmed"),
        Row::new(&format!("crowd file, {size}: peak memory"), peak, "MiB RSS")
            .at_most("P7", 256.0)
            .with_note(format!("{:.0} MiB before", idle as f64 / 1_048_576.0)),
    ])
}
