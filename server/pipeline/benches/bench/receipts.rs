//! Receipts by HTTP into the real binary: stored, answered, read, applied, counted (P6). A fifth comes twice, a fifth in
//! another order; a run counts only when the funnel is exact.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use pipeline::storage::Storage;
use pipeline::storage::apps::App;
use pipeline::storage::chunks::{NewChunk, Next, Step};
use pipeline::storage::frame::{self, Outcomes, Recipient, encode_recipients};
use pipeline::storage::messages::{Inserted, PlanStep, Targets};
use pipeline::storage::tallies::{Delta, Measure, fold};
use pipeline::vault::Vault;
use pipeline::world::World;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use types::content::MessageClass;
use types::crowd::KeyKind;
use types::ids::ChunkNo;
use types::life::Outcome;
use types::vendor::Vendor;

use crate::report::Row;
use crate::server::{Server, answer};
use crate::span::Span;
use crate::{store, tokens};

const EACH: usize = 1_000;
const CALLERS: usize = 16;
/// Types of Xiaomi's receipts.
const DELIVERED: u32 = 1;
const CLICKED: u32 = 2;

struct Receipt {
    chunk: usize,
    token: String,
    kind: u32,
}

/// A message whose devices were all accepted, in chunks of 1,000 with a reference each. Returns its number and word.
pub async fn sent(storage: &Storage, world: &World, app: &App, devices: usize, first: usize) -> Result<(i64, String)> {
    let lane = storage.apps.lanes_of(app.no).await?.into_iter().find(|l| l.vendor == Vendor::Xiaomi).context("a lane")?;
    let message = store::new_message(world, app.no, MessageClass::Bulk, Targets::Users { users: vec![] });
    let word = pipeline::receipts::mac::parameter(&app.callback_secret, message.id.as_str());
    let Inserted::Fresh { no: message_no } = storage.messages.insert(message).await? else { bail!("not fresh") };
    let delta = |measure, n| Delta { message_no, app_no: app.no, vendor: Some(Vendor::Xiaomi), measure, n };
    // Chunks of a message do not overlap by key.
    let mut list: Vec<Recipient> = (first..first + devices)
        .map(|i| {
            let token = tokens::of(Vendor::Xiaomi, i as u64);
            let key = frame::key_of(KeyKind::Token, Some(Vendor::Xiaomi), &token);
            Recipient { key, device_no: 0, token, ..Recipient::default() }
        })
        .collect();
    list.sort_by_key(|recipient| recipient.key);
    let parts: Vec<&[Recipient]> = list.chunks(EACH).collect();
    let steps = parts.len().div_ceil(20);
    for (at, part) in parts.chunks(20).enumerate() {
        let chunks = part
            .iter()
            .map(|list| NewChunk {
                lane_no: Some(lane.no),
                vendor: Some(lane.vendor),
                priority: MessageClass::Bulk.priority(),
                flow: 0,
                deadline: world.now() + 3_600_000,
                count: list.len() as u32,
                first_key: list.first().map_or(0, |r| r.key),
                last_key: list.last().map_or(0, |r| r.key),
                recipients: encode_recipients(list),
                outcomes: Outcomes::waiting(list.len()).encode(),
                why: "bench".to_owned(),
                done: false,
                policy: Default::default(),
                deltas: vec![delta(Measure::Planned, list.len() as i64)],
            })
            .collect();
        let step =
            PlanStep { message_no, from: at as i64, to: at as i64 + 1, chunks, claim: None, last: at + 1 == steps, now: world.now() };
        ensure!(storage.messages.plan(vec![step]).await? == [true], "planned");
    }
    loop {
        let now = world.now();
        let claimed = storage.chunks.claim(lane.no, "bench", now, now + 60_000, 20, MessageClass::Bulk.priority()).await?;
        if claimed.is_empty() {
            return Ok((message_no, word));
        }
        let recorded = claimed.into_iter().map(|chunk| {
            let n = chunk.count as usize;
            let mut outcomes = Outcomes::waiting(n);
            (0..n).for_each(|i| outcomes.set(i, Outcome::Accepted, None));
            storage.chunks.record(Step {
                no: chunk.no,
                fence: chunk.fence,
                outcomes: outcomes.encode(),
                next: Next::Done,
                references: vec![format!("sdm{}", chunk.no.0)],
                open: (0..n).collect(),
                onward: None,
                deltas: vec![delta(Measure::outcome(Outcome::Accepted), n as i64)],
                now,
            })
        });
        for done in futures::future::join_all(recorded).await {
            done?;
        }
    }
}

pub async fn measure(devices: usize) -> Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let world = World::system();
    let key_file = folder.path().join("master.key");
    Vault::create_key_file(&world, &key_file)?;
    let url = format!("sqlite://{}/bench.db", folder.path().display());
    let storage = Storage::open(&url).await?;
    let app = store::new_app(&storage, &world, "bench").await?;
    let mut rows = Vec::new();
    for (posted, devices, goal) in [(100, devices, 6.5), (1, devices / 10, 33.0)] {
        let (message_no, word) = sent(&storage, &world, &app, devices, posted * 10_000_000).await?;
        let bodies = bodies(&storage, &world, message_no, &word, posted).await?;
        let server = Server::start(folder.path(), &url, &key_file).await?;
        let span = Span::of(server.pid())?;
        let receipts = post(&server, &app, bodies).await?;
        let limit = tokio::time::Instant::now() + Duration::from_secs(300);
        loop {
            let funnel = fold(storage.tallies.of_message(message_no).await?);
            let of = |slug: &str| funnel.lanes.iter().filter_map(|lane| lane.receipts.get(slug)).sum::<u64>();
            let (delivered, clicked) = (of("delivered"), of("clicked"));
            ensure!(delivered <= devices as u64 && clicked <= devices as u64 / 5, "counted twice: {delivered} {clicked}");
            if (delivered, clicked) == (devices as u64, devices as u64 / 5) {
                break;
            }
            ensure!(tokio::time::Instant::now() < limit, "{delivered} delivered, {clicked} clicked of {devices}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let used = span.stop()?;
        let note = format!(
            "{receipts} receipts of {devices} devices, a fifth twice, a fifth out of order; {:.1} s wall, {:.2} CPU-s; funnel exact",
            used.wall.as_secs_f64(),
            used.cpu.as_secs_f64()
        );
        let what = format!("receipts in posts of {posted}: CPU of the whole server");
        rows.push(Row::new(&what, used.cpu_us(receipts as f64), "CPU-µs a receipt").at_most("P6", goal).with_note(note));
    }
    Ok(rows)
}

/// Every device delivered, a fifth clicked; a fifth of these twice, a fifth at another place.
async fn bodies(storage: &Storage, world: &World, message_no: i64, word: &str, posted: usize) -> Result<Vec<String>> {
    let mut all = Vec::new();
    let mut names = Vec::new();
    let mut after = ChunkNo(0);
    loop {
        let chunks = storage.chunks.of_message(message_no, after, 100).await?;
        let Some(last) = chunks.last() else { break };
        after = last.no;
        for chunk in &chunks {
            names.push(format!("sdm{}", chunk.no.0));
            for (i, recipient) in frame::decode_recipients(&chunk.recipients)?.into_iter().enumerate() {
                let receipt = |kind| Receipt { chunk: names.len() - 1, token: recipient.token.clone(), kind };
                all.push(receipt(DELIVERED));
                if i % 5 == 0 {
                    all.push(receipt(CLICKED));
                }
                if world.unit() < 0.2 {
                    all.push(receipt(DELIVERED));
                }
            }
        }
    }
    let n = all.len();
    for i in 0..n / 5 {
        all.swap((i * 5) % n, (world.unit() * n as f64) as usize % n);
    }
    all.chunks(posted)
        .map(|part| {
            let mut entries = String::from("{");
            for (i, Receipt { chunk, token, kind }) in part.iter().enumerate() {
                let comma = if i == 0 { "" } else { "," };
                write!(entries, r#"{comma}"{}":{{"param":"{word}","type":{kind},"targets":"{token}","timestamp":1}}"#, names[*chunk])?;
            }
            entries.push('}');
            Ok(serde_urlencoded::to_string([("data", entries)])?)
        })
        .collect()
}

/// Posts everything over some connections; returns the receipts in them.
async fn post(server: &Server, app: &App, bodies: Vec<String>) -> Result<usize> {
    let receipts = bodies.iter().map(|body| body.matches("targets").count()).sum();
    let (bodies, next) = (Arc::new(bodies), Arc::new(AtomicUsize::new(0)));
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..CALLERS {
        let (bodies, next) = (bodies.clone(), next.clone());
        let (address, path) = (server.address, format!("/callbacks/xiaomi/{}", app.callback_secret));
        callers.spawn(async move {
            let mut stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let mut buffer = Vec::new();
            while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                let request = format!(
                    "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                     Content-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                stream.write_all(request.as_bytes()).await?;
                let status = answer(&mut stream, &mut buffer).await?;
                ensure!(status == 200, "answered {status}: {}", String::from_utf8_lossy(&buffer));
                buffer.clear();
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = callers.join_next().await {
        done??;
    }
    Ok(receipts)
}
