//! What the console's pages ask of a store that has seen many device messages (P8): lists, searches, funnels, one user's trace.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use pipeline::storage::Storage;
use pipeline::storage::campaigns::CampaignFilter;
use pipeline::storage::devices::DeviceFilter;
use pipeline::storage::frame;
use pipeline::storage::messages::{MessageFilter, Origin};
use pipeline::storage::tallies::{Grain, fold};
use pipeline::world::World;
use tokio::time::Instant;
use types::crowd::KeyKind;
use types::ids::ChunkNo;
use types::life::MessageState;
use types::listing::PageRequest;
use types::vendor::Vendor;

use crate::report::Row;
use crate::{receipts, store, tokens};

/// Devices of a large message; the rest of the volume stands in messages of 1,000.
const LARGE: usize = 500_000;
/// Seeding stops after this long and says how far it came.
const SEEDING: Duration = Duration::from_secs(300);
const LOOKS: usize = 200;

/// The slowest but one in a hundred, and the middle, of `LOOKS` looks.
macro_rules! looks {
    ($rows:ident, $what:expr, $goal:expr, $i:ident => $ask:expr) => {{
        let mut times = Vec::with_capacity(LOOKS);
        for $i in 0..LOOKS {
            let started = Instant::now();
            let answer = $ask;
            times.push(started.elapsed());
            drop(answer);
        }
        times.sort_unstable();
        let ms = |share: f64| times[((LOOKS - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        let note = format!("p50 {:.2} ms, max {:.2} ms, {LOOKS} looks", ms(0.5), ms(1.0));
        $rows.push(Row::new(&format!("console: {}, p99", $what), ms(0.99), "ms").at_most("P8", $goal).with_note(note));
    }};
}

pub async fn measure(devices: usize) -> Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let world = World::system();
    let storage = Storage::open(&format!("sqlite://{}/bench.db", folder.path().display())).await?;
    let app = store::new_app(&storage, &world, "bench").await?;
    let began = Instant::now();
    let (mut seeded, mut messages) = (0, Vec::new());
    while seeded < devices && began.elapsed() < SEEDING {
        // Nine of ten device messages stand in large messages.
        let n = if messages.len() % 51 == 0 { LARGE } else { 1_000 };
        messages.push((receipts::sent(&storage, &world, &app, n, seeded).await?.0, seeded));
        seeded += n;
    }
    storage.messages.settle(world.now()).await?;
    let mut rows = vec![Row::new("console: device messages in the store", seeded as f64, "device messages").with_note(format!(
        "{} messages, seeded in {:.0} s",
        messages.len(),
        began.elapsed().as_secs_f64()
    ))];
    let large: Vec<(i64, usize)> = messages.iter().step_by(51).copied().collect();
    let page = |after: Option<String>| PageRequest { after, size: 50 };
    let all = MessageFilter::default();
    ensure!(storage.messages.list(app.no, &all, &page(None)).await?.items.len() == 50, "a full page");

    looks!(rows, "list of messages, first page", 100.0, _i => storage.messages.list(app.no, &all, &page(None)).await?);
    looks!(rows, "list of messages, any page", 100.0, i => {
        let after = messages[i * 7 % messages.len()].0.to_string();
        storage.messages.list(app.no, &all, &page(Some(after))).await?
    });
    let none = MessageFilter { state: Some(MessageState::Paused), origin: Some(Origin::Test), ..MessageFilter::default() };
    looks!(rows, "list of messages by a filter that fits none", 100.0, _i => storage.messages.list(app.no, &none, &page(None)).await?);
    let id = storage.messages.get(messages[0].0).await?.context("the oldest")?.id;
    let search = MessageFilter { text: Some(id.as_str().to_owned()), ..MessageFilter::default() };
    looks!(rows, "search of the oldest message by its id", 100.0, _i => {
        let found = storage.messages.list(app.no, &search, &page(None)).await?;
        ensure!(found.items.len() == 1, "the message");
        found
    });
    looks!(rows, "funnel of a large message", 100.0, i => {
        let (no, _) = large[i % large.len()];
        let funnel = fold(storage.tallies.of_message(no).await?);
        ensure!(funnel.total.accepted == LARGE as u64 && funnel.total.holds(), "the funnel");
        funnel
    });
    let now = world.now();
    looks!(rows, "overview of a day by the hour", 100.0, _i => {
        storage.tallies.series(Some(app.no), Grain::Hour, now - 86_400_000, now + 3_600_000).await?
    });
    looks!(rows, "recipients of a large message, any page", 100.0, i => {
        let (no, _) = large[i % large.len()];
        let chunks = storage.chunks.of_message(no, ChunkNo(0), 1).await?;
        frame::decode_recipients(&chunks.first().context("a chunk")?.recipients)?
    });
    looks!(rows, "one user's trace in a large message", 20.0, i => {
        let (no, first) = large[i % large.len()];
        let token = tokens::of(Vendor::Xiaomi, (first + i * 997 % LARGE) as u64);
        let key = frame::key_of(KeyKind::Token, Some(Vendor::Xiaomi), &token);
        let held = storage.chunks.holding(no, key).await?;
        let mut found = false;
        for chunk in &held {
            found |= frame::decode_recipients(&chunk.recipients)?.iter().any(|r| r.token == token);
        }
        ensure!(found, "{token} in message {no}");
        held
    });
    looks!(rows, "backlog of every lane", 100.0, _i => storage.chunks.backlog().await?);
    looks!(rows, "list of campaigns", 100.0, _i => storage.campaigns.list(app.no, &CampaignFilter::default(), &page(None)).await?);
    looks!(rows, "list of devices", 100.0, _i => storage.devices.list(app.no, &DeviceFilter::default(), &page(None)).await?);
    Ok(rows)
}
