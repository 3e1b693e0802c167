//! A fresh store, and short ways to fill it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use pipeline::storage::Storage;
use pipeline::storage::apps::{App, Lane, NewApp};
use pipeline::storage::chunks::{Claimed, NewChunk, Next, Step};
use pipeline::storage::devices::Registration;
use pipeline::storage::frame::{Outcomes, Reason, Recipient, encode_recipients};
use pipeline::storage::messages::{Inserted, NewMessage, Origin, PlanStep, Targets};
use pipeline::storage::tallies::{Delta, Measure, fold};
use sqlx::ConnectOptions;
use tempfile::TempDir;
use types::Millis;
use types::content::{Content, MessageClass};
use types::funnel::Funnel;
use types::ids::{AppId, DeviceId, MessageId};
use types::life::{FilterRule, Outcome};
use types::vendor::{Environment, Vendor};

use crate::cluster::Database;

/// 2026-11-21 09:00:00 UTC.
pub const NOW: Millis = 1_795_251_600_000;

/// The store lives as long as its folder (SQLite), or as the cluster of this run.
pub struct Fresh {
    pub storage: Storage,
    url: String,
    kept: Kept,
}

/// What must outlive the store.
#[expect(dead_code, reason = "kept for their end")]
enum Kept {
    Folder(TempDir),
    Database(Database),
}

impl std::ops::Deref for Fresh {
    type Target = Storage;

    fn deref(&self) -> &Storage {
        &self.storage
    }
}

impl Fresh {
    async fn open(url: String, kept: Kept) -> Fresh {
        Fresh { storage: Storage::open(&url).await.unwrap(), url, kept }
    }

    /// As after a restart.
    pub async fn reopen(self) -> Fresh {
        drop(self.storage);
        Fresh::open(self.url, self.kept).await
    }

    /// A connection of a stranger who owns the database.
    pub async fn stranger(&self) -> Stranger {
        if pipeline::storage::shared(&self.url) {
            Stranger::Postgres(self.url.parse::<sqlx::postgres::PgConnectOptions>().unwrap().connect().await.unwrap())
        } else {
            Stranger::Sqlite(self.url.parse::<sqlx::sqlite::SqliteConnectOptions>().unwrap().connect().await.unwrap())
        }
    }
}

pub async fn on_sqlite() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    Fresh::open(format!("sqlite://{}/store.db", folder.path().display()), Kept::Folder(folder)).await
}

pub async fn on_postgres() -> Fresh {
    let database = crate::cluster::database().await;
    Fresh::open(database.url.clone(), Kept::Database(database)).await
}

pub enum Stranger {
    Sqlite(sqlx::SqliteConnection),
    Postgres(sqlx::PgConnection),
}

impl Stranger {
    pub async fn run(&mut self, sql: &'static str) -> sqlx::Result<()> {
        match self {
            Stranger::Sqlite(conn) => sqlx::raw_sql(sql).execute(conn).await.map(drop),
            Stranger::Postgres(conn) => sqlx::raw_sql(sql).execute(conn).await.map(drop),
        }
    }

    /// How the store would answer this, in its own words.
    pub async fn explain(&mut self, sql: &str) -> String {
        let lines: Vec<String> = match self {
            Stranger::Sqlite(conn) => {
                let sql = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
                sqlx::query_as::<_, (i64, i64, i64, String)>(sql).fetch_all(conn).await.unwrap().into_iter().map(|row| row.3).collect()
            }
            Stranger::Postgres(conn) => {
                sqlx::raw_sql("ANALYZE chunk").execute(&mut *conn).await.unwrap();
                sqlx::query_scalar(sqlx::AssertSqlSafe(format!("EXPLAIN (ANALYZE, BUFFERS) {sql}"))).fetch_all(conn).await.unwrap()
            }
        };
        lines.join("\n")
    }

    /// What keeps the audit log as it is.
    pub async fn drop_guards(&mut self) {
        let sql = match self {
            Stranger::Sqlite(_) => "DROP TRIGGER audit_stays; DROP TRIGGER audit_remains",
            Stranger::Postgres(_) => "DROP TRIGGER audit_stays ON audit; DROP TRIGGER audit_remains ON audit",
        };
        self.run(sql).await.unwrap();
    }
}

/// Bytes for an id, different every time within the process.
pub fn id_bytes() -> [u8; 16] {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    bytes
}

pub fn new_app(name: &str) -> NewApp {
    let id = AppId::from_bytes(id_bytes());
    let unique = id.as_str().to_owned();
    NewApp {
        id,
        name: name.to_owned(),
        description: "for a test".to_owned(),
        environment: Environment::Production,
        default_title: "好大夫".to_owned(),
        vendor_order: vec![Vendor::Xiaomi, Vendor::Apns],
        services: vec!["push".to_owned()],
        app_key: format!("ak_{unique}"),
        client_key: format!("ck_{unique}"),
        callback_secret: format!("cb_{unique}"),
        secret_sealed: vec![1, 2, 3],
        created_at: NOW,
    }
}

pub async fn app(storage: &Storage, name: &str) -> App {
    storage.apps.create(new_app(name), None).await.unwrap()
}

pub async fn lane(storage: &Storage, app: &App, vendor: Vendor) -> Lane {
    storage.apps.lanes_of(app.no).await.unwrap().into_iter().find(|l| l.vendor == vendor).unwrap()
}

pub fn registration(user: &str, tokens: &[(Vendor, &str)]) -> Registration {
    Registration {
        fresh_id: DeviceId::from_bytes(id_bytes()),
        id: None,
        user_id: Some(user.to_owned()),
        model: "Mi 15".to_owned(),
        os_version: "15".to_owned(),
        app_version: "9.1.0".to_owned(),
        notifications_on: Some(true),
        environment: Environment::Production,
        test: None,
        zone: None,
        tokens: tokens.iter().map(|(v, t)| (*v, (*t).to_owned())).collect(),
        now: NOW,
    }
}

pub fn new_message(app_no: i64) -> NewMessage {
    NewMessage {
        id: MessageId::from_bytes(id_bytes()),
        app_no,
        campaign: None,
        origin: Origin::Api,
        class: MessageClass::Bulk,
        business: "复诊".to_owned(),
        content: Content { title: "标题".to_owned(), body: "正文".to_owned(), ..Content::default() },
        variables: BTreeMap::from([("医院".to_owned(), "协和".to_owned())]),
        targets: Targets::Users { users: vec!["u1".to_owned()] },
        vendor_order: vec![Vendor::Xiaomi],
        versions: None,
        hours: None,
        deadline: NOW + 3_600_000,
        idempotency: None,
        account: "ak_test".to_owned(),
        address: "127.0.0.1".to_owned(),
        now: NOW,
    }
}

pub async fn message(storage: &Storage, app_no: i64) -> i64 {
    match storage.messages.insert(new_message(app_no)).await.unwrap() {
        Inserted::Fresh { no } => no,
        other => panic!("{other:?}"),
    }
}

pub fn recipients(keys: std::ops::Range<i64>) -> Vec<Recipient> {
    keys.map(|key| Recipient { key, device_no: key + 1, token: format!("token-{key}"), ..Recipient::default() }).collect()
}

/// A waiting chunk of a lane with its `planned` tally.
pub fn chunk(message_no: i64, lane: &Lane, keys: std::ops::Range<i64>) -> NewChunk {
    let list = recipients(keys.clone());
    NewChunk {
        lane_no: Some(lane.no),
        vendor: Some(lane.vendor),
        priority: MessageClass::Bulk.priority(),
        flow: 0,
        deadline: NOW + 3_600_000,
        count: list.len() as u32,
        first_key: keys.start,
        last_key: keys.end - 1,
        recipients: encode_recipients(&list),
        outcomes: Outcomes::waiting(list.len()).encode(),
        why: "native lane".to_owned(),
        done: false,
        policy: pipeline::storage::policy::ChunkPolicy::default(),
        deltas: vec![delta(message_no, lane.app_no, Some(lane.vendor), Measure::Planned, list.len() as i64)],
    }
}

/// A chunk of recipients without a device: over before it began.
pub fn filtered_chunk(message_no: i64, app_no: i64, keys: std::ops::Range<i64>) -> NewChunk {
    let list: Vec<Recipient> = keys.clone().map(|key| Recipient { key, target: format!("nobody-{key}"), ..Recipient::default() }).collect();
    let mut outcomes = Outcomes::waiting(list.len());
    let reason = Reason { slug: FilterRule::NoDevice.slug().to_owned(), words: String::new() };
    for at in 0..list.len() {
        outcomes.set(at, Outcome::Filtered, Some(reason.clone()));
    }
    let n = list.len() as i64;
    let filtered = Measure::Outcome { outcome: Outcome::Filtered, reason: reason.slug.clone(), words: String::new() };
    NewChunk {
        lane_no: None,
        vendor: None,
        priority: 10,
        flow: 0,
        deadline: NOW + 3_600_000,
        count: list.len() as u32,
        first_key: keys.start,
        last_key: keys.end - 1,
        recipients: encode_recipients(&list),
        outcomes: outcomes.encode(),
        why: "no device".to_owned(),
        done: true,
        policy: pipeline::storage::policy::ChunkPolicy::default(),
        deltas: vec![delta(message_no, app_no, None, Measure::Planned, n), delta(message_no, app_no, None, filtered, n)],
    }
}

pub fn delta(message_no: i64, app_no: i64, vendor: Option<Vendor>, measure: Measure, n: i64) -> Delta {
    Delta { message_no, app_no, vendor, measure, n }
}

pub async fn plan(storage: &Storage, message_no: i64, from: i64, chunks: Vec<NewChunk>, last: bool) {
    let step = PlanStep { message_no, from, to: from + 1, chunks, claim: None, last, now: NOW };
    assert_eq!(storage.messages.plan(vec![step]).await.unwrap(), [true]);
}

/// An app with one message of `n` chunks of ten recipients in its Xiaomi lane, all planned.
pub async fn sending(storage: &Storage, n: i64) -> (App, Lane, i64) {
    let app = app(storage, "sending").await;
    let lane = lane(storage, &app, Vendor::Xiaomi).await;
    let message_no = message(storage, app.no).await;
    let chunks = (0..n).map(|i| chunk(message_no, &lane, i * 10..i * 10 + 10)).collect();
    plan(storage, message_no, 0, chunks, true).await;
    (app, lane, message_no)
}

/// Gives the first `n` open recipients of a claimed chunk an outcome, with the tallies that belong to it.
pub fn step(claimed: &Claimed, outcome: Outcome, n: usize, next: Next) -> Step {
    let mut outcomes = Outcomes::decode(&claimed.outcomes).unwrap();
    let open = outcomes.open();
    let chosen = open[..n.min(open.len())].to_vec();
    let reason = (outcome == Outcome::Refused).then(|| Reason { slug: "invalid_token".to_owned(), words: "20301 / bad".to_owned() });
    for at in &chosen {
        outcomes.set(*at, outcome, reason.clone());
    }
    let measure = match reason {
        Some(reason) => Measure::Outcome { outcome, reason: reason.slug, words: reason.words },
        None => Measure::outcome(outcome),
    };
    Step {
        no: claimed.no,
        fence: claimed.fence,
        open,
        outcomes: outcomes.encode(),
        next,
        references: Vec::new(),
        onward: None,
        deltas: vec![delta(claimed.message_no, claimed.app_no, Some(claimed.vendor), measure, chosen.len() as i64)],
        now: NOW,
    }
}

pub async fn claim(storage: &Storage, lane: &Lane, now: Millis, max: u32) -> Vec<Claimed> {
    storage.chunks.claim(lane.no, "node-a", now, now + 30_000, max, 10).await.unwrap()
}

pub async fn funnel(storage: &Storage, message_no: i64) -> Funnel {
    fold(storage.tallies.of_message(message_no).await.unwrap())
}

/// A vault of its own key.
pub fn vault(world: pipeline::world::World) -> std::sync::Arc<pipeline::vault::Vault> {
    let master = pipeline::vault::MasterKey::random(&world);
    std::sync::Arc::new(pipeline::vault::Vault::new(world, &master, None).unwrap())
}
