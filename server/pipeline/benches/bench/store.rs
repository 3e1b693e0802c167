//! The store alone: what a chunk, a look-up, a registration and a durable message cost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};
use pipeline::storage::Storage;
use pipeline::storage::apps::{App, NewApp};
use pipeline::storage::chunks::{NewChunk, Next, Step};
use pipeline::storage::devices::Registration;
use pipeline::storage::frame::{Outcomes, Recipient, encode_recipients};
use pipeline::storage::messages::{Inserted, NewMessage, Origin, PlanStep, Targets};
use pipeline::storage::tallies::{Delta, Measure};
use pipeline::world::World;
use types::content::{Content, MessageClass};
use types::ids::{AppId, DeviceId, MessageId};
use types::life::Outcome;
use types::vendor::{Environment, Vendor};

use crate::report::Row;
use crate::span::Span;
use crate::tokens;

const CHUNKS: i64 = 1_000;
const EACH: i64 = 1_000;
const DEVICES: usize = 200_000;
const MESSAGES: u64 = 40_000;
const CALLERS: usize = 64;

pub async fn new_app(storage: &Storage, world: &World, name: &str) -> Result<App> {
    let id = AppId::from_bytes(world.id());
    let unique = hex::encode(world.bytes::<8>());
    Ok(storage
        .apps
        .create(
            NewApp {
                id,
                name: name.to_owned(),
                description: String::new(),
                environment: Environment::Production,
                default_title: "Bench".to_owned(),
                vendor_order: Vendor::ALL.to_vec(),
                services: vec!["push".to_owned()],
                app_key: format!("ak_{unique}"),
                client_key: format!("ck_{unique}"),
                callback_secret: format!("cb_{unique}"),
                secret_sealed: Vec::new(),
                created_at: world.now(),
            },
            None,
        )
        .await?)
}

pub fn new_message(world: &World, app_no: i64, class: MessageClass, targets: Targets) -> NewMessage {
    NewMessage {
        id: MessageId::from_bytes(world.id()),
        app_no,
        campaign: None,
        origin: Origin::Api,
        class,
        business: "bench".to_owned(),
        content: Content {
            title: "复诊提醒".to_owned(), body: "您预约的号源明天 9:00 开始就诊".to_owned(), ..Content::default()
        },
        variables: BTreeMap::new(),
        targets,
        vendor_order: Vec::new(),
        versions: None,
        hours: None,
        deadline: world.now() + 3_600_000,
        idempotency: None,
        account: "ak_bench".to_owned(),
        address: "127.0.0.1".to_owned(),
        now: world.now(),
    }
}

pub async fn measure() -> Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let storage = Storage::open(&format!("sqlite://{}/bench.db", folder.path().display())).await?;
    let world = World::system();
    let app = new_app(&storage, &world, "bench").await?;
    let mut rows = Vec::new();
    chunks(&storage, &world, &app, &mut rows).await?;
    devices(&storage, &world, &app, &mut rows).await?;
    messages(&storage, &world, &app, &mut rows).await?;
    Ok(rows)
}

async fn chunks(storage: &Storage, world: &World, app: &App, rows: &mut Vec<Row>) -> Result<()> {
    let lane = storage.apps.lanes_of(app.no).await?.into_iter().find(|l| l.vendor == Vendor::Xiaomi).context("a lane")?;
    let Inserted::Fresh { no: message_no } =
        storage.messages.insert(new_message(world, app.no, MessageClass::Bulk, Targets::Users { users: vec![] })).await?
    else {
        anyhow::bail!("not fresh")
    };
    let delta = |measure, n| Delta { message_no, app_no: app.no, vendor: Some(Vendor::Xiaomi), measure, n };
    let made: Vec<NewChunk> = (0..CHUNKS)
        .map(|c| {
            let list: Vec<Recipient> = (c * EACH..(c + 1) * EACH)
                .map(|key| Recipient {
                    key,
                    device_no: key + 1,
                    token: tokens::of(Vendor::Xiaomi, key.unsigned_abs()),
                    ..Recipient::default()
                })
                .collect();
            NewChunk {
                lane_no: Some(lane.no),
                vendor: Some(lane.vendor),
                priority: MessageClass::Bulk.priority(),
                flow: 0,
                deadline: world.now() + 3_600_000,
                count: EACH as u32,
                first_key: c * EACH,
                last_key: (c + 1) * EACH - 1,
                recipients: encode_recipients(&list),
                outcomes: Outcomes::waiting(list.len()).encode(),
                why: "bench".to_owned(),
                done: false,
                policy: pipeline::storage::policy::ChunkPolicy::default(),
                deltas: vec![delta(Measure::Planned, EACH)],
            }
        })
        .collect();
    let devices = (CHUNKS * EACH) as f64;
    let span = Span::start()?;
    for (at, part) in made.chunks(20).enumerate() {
        let (from, last) = (at as i64, (at as i64 + 1) * 20 == CHUNKS);
        let step = PlanStep { message_no, from, to: from + 1, chunks: part.to_vec(), claim: None, last, now: world.now() };
        ensure!(storage.messages.plan(vec![step]).await? == [true], "planned");
    }
    let used = span.stop()?;
    rows.push(Row::new("store: plan chunks of 1,000, 20 a commit", used.cpu_us(devices), "CPU-µs a device").with_wall(&used));

    let span = Span::start()?;
    let storage = Arc::new(storage.clone());
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (storage, world, lane, app_no) = (storage.clone(), world.clone(), lane.no, app.no);
        workers.spawn(async move {
            loop {
                let now = world.now();
                let claimed = storage.chunks.claim(lane, "bench", now, now + 60_000, 1, MessageClass::Bulk.priority()).await?;
                let Some(chunk) = claimed.into_iter().next() else { return anyhow::Ok(()) };
                let mut outcomes = Outcomes::decode(&chunk.outcomes)?;
                let list = pipeline::storage::frame::decode_recipients(&chunk.recipients)?;
                for i in 0..list.len() {
                    outcomes.set(i, Outcome::Accepted, None);
                }
                let n = list.len() as i64;
                let measure = Measure::outcome(Outcome::Accepted);
                storage
                    .chunks
                    .record(Step {
                        no: chunk.no,
                        fence: chunk.fence,
                        open: (0..list.len()).collect(),
                        outcomes: outcomes.encode(),
                        next: Next::Done,
                        references: vec![format!("xm-{}", chunk.no.0)],
                        onward: None,
                        deltas: vec![Delta { message_no: chunk.message_no, app_no, vendor: Some(Vendor::Xiaomi), measure, n }],
                        now: world.now(),
                    })
                    .await?;
            }
        });
    }
    while let Some(done) = workers.join_next().await {
        done??;
    }
    let used = span.stop()?;
    rows.push(Row::new("store: claim, read, record chunks of 1,000", used.cpu_us(devices), "CPU-µs a device").with_wall(&used));
    Ok(())
}

async fn devices(storage: &Storage, world: &World, app: &App, rows: &mut Vec<Row>) -> Result<()> {
    let now = world.now();
    let registration = |i: usize| Registration {
        fresh_id: DeviceId::from_bytes(world.id()),
        id: None,
        user_id: Some(format!("user-{}", (i * 7_919) % DEVICES)),
        model: "Mi 15".to_owned(),
        os_version: "15".to_owned(),
        app_version: "9.1.0".to_owned(),
        notifications_on: Some(true),
        environment: Environment::Production,
        test: None,
        zone: None,
        tokens: vec![(Vendor::Xiaomi, tokens::of(Vendor::Xiaomi, i as u64))],
        now,
    };
    let span = Span::start()?;
    for from in (0..DEVICES).step_by(1_000) {
        storage.devices.register(app.no, (from..from + 1_000).map(registration).collect()).await?;
    }
    let used = span.stop()?;
    rows.push(Row::new("store: register devices, 1,000 a call", used.cpu_us(DEVICES as f64), "CPU-µs a device").with_wall(&used));

    let span = Span::start()?;
    for from in (0..DEVICES).step_by(1_000) {
        let users: Vec<String> = (from..from + 1_000).map(|i| format!("user-{i}")).collect();
        let reached = storage.devices.reach_users(app.no, &users).await?;
        anyhow::ensure!(reached.iter().all(|r| r.len() == 1), "a user without a device");
    }
    let used = span.stop()?;
    rows.push(Row::new("store: users to devices, blocks of 1,000", used.cpu_us(DEVICES as f64), "CPU-µs a user").with_wall(&used));

    let span = Span::start()?;
    for from in (0..DEVICES).step_by(1_000) {
        let tokens: Vec<(Vendor, String)> = (from..from + 1_000).map(|i| (Vendor::Xiaomi, tokens::of(Vendor::Xiaomi, i as u64))).collect();
        let reached = storage.devices.reach_tokens(app.no, &tokens).await?;
        anyhow::ensure!(reached.iter().all(|r| r.len() == 1), "a token without a device");
    }
    let used = span.stop()?;
    rows.push(Row::new("store: tokens to devices, blocks of 1,000", used.cpu_us(DEVICES as f64), "CPU-µs a token").with_wall(&used));
    Ok(())
}

async fn messages(storage: &Storage, world: &World, app: &App, rows: &mut Vec<Row>) -> Result<()> {
    let next = Arc::new(AtomicU64::new(0));
    let span = Span::start()?;
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..CALLERS {
        let (storage, world, app_no, next) = (storage.clone(), world.clone(), app.no, next.clone());
        callers.spawn(async move {
            while next.fetch_add(1, Ordering::Relaxed) < MESSAGES {
                let targets = Targets::Users { users: vec!["user-1".to_owned()] };
                let now = world.now();
                let fresh = storage.apps.remember_nonce(app_no, &hex::encode(world.bytes::<16>()), now, now + 600_000).await?;
                anyhow::ensure!(fresh, "a nonce twice");
                storage.messages.insert(new_message(&world, app_no, MessageClass::Transactional, targets)).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = callers.join_next().await {
        done??;
    }
    let used = span.stop()?;
    rows.push(Row::new("store: nonce and message, durable, 64 callers", used.cpu_us(MESSAGES as f64), "CPU-µs a message").with_wall(&used));
    rows.push(Row::new("store: the same, per second", MESSAGES as f64 / used.wall.as_secs_f64(), "messages a second"));
    Ok(())
}
