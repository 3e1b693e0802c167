//! WHAT WE REMEMBER: traits by noun; behind them `tables/`, written once and compiled for `sqlite/` and for `postgres/`.
//!
//! Comes in: facts. Goes out: facts; look-ups return `Option`, never a not-found error.
//! Never: a decision, a clock, a vendor. Every write is durable (SQLite FULL with group commit, PostgreSQL
//! `synchronous_commit=on`) before its call returns.
//! How to add a stored thing: a migration for both stores with the same number, a trait here, a file in `tables/`, a case in
//! `tests/conformance/`, which runs on both.

use std::sync::Arc;

pub mod apps;
pub mod campaigns;
pub mod chunks;
pub mod copies;
pub mod crowd_frame;
pub mod crowds;
pub mod dead_letters;
pub mod devices;
pub mod frame;
pub mod lane_events;
pub mod makings;
pub mod materials;
pub mod meetings;
pub mod messages;
pub mod passes;
pub mod people;
pub mod policy;
mod postgres;
pub mod ramps;
pub mod receipts;
pub mod resends;
pub mod retention;
mod rows;
pub mod sensitive;
mod sqlite;
pub mod tallies;
pub mod tenancy;

/// Why the store could not do it. Never carries row contents.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Something with this name, key or number is already there; the text names it.
    #[error("conflict: {0}")]
    Conflict(&'static str),
    /// Somebody else changed it first (etag, fence, state).
    #[error("stale: {0}")]
    Stale(&'static str),
    /// A stored value cannot be read back; the text names column and why.
    #[error("corrupt: {0}")]
    Corrupt(String),
    #[error("store: {0}")]
    Database(#[from] sqlx::Error),
    #[error("migration: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
}

pub type Result<T> = std::result::Result<T, StorageError>;

/// The whole store: one handle per noun, built once.
#[derive(Clone)]
pub struct Storage {
    pub apps: Arc<dyn apps::Apps>,
    pub campaigns: Arc<dyn campaigns::Campaigns>,
    pub chunks: Arc<dyn chunks::Chunks>,
    pub copies: Arc<dyn copies::Copies>,
    pub crowds: Arc<dyn crowds::Crowds>,
    pub dead_letters: Arc<dyn dead_letters::DeadLetters>,
    pub devices: Arc<dyn devices::Devices>,
    pub lane_events: Arc<dyn lane_events::LaneEvents>,
    pub makings: Arc<dyn makings::Makings>,
    pub materials: Arc<dyn materials::Materials>,
    pub meetings: Arc<dyn meetings::Meetings>,
    pub messages: Arc<dyn messages::Messages>,
    pub passes: Arc<dyn passes::PassShelf>,
    pub people: Arc<dyn people::People>,
    pub policy: Arc<dyn policy::Policy>,
    pub ramps: Arc<dyn ramps::Ramps>,
    pub receipts: Arc<dyn receipts::Receipts>,
    pub sensitive: Arc<dyn sensitive::SensitiveWords>,
    pub resends: Arc<dyn resends::Resends>,
    pub retention: Arc<dyn retention::Retention>,
    pub tallies: Arc<dyn tallies::Tallies>,
    pub tenancy: Arc<dyn tenancy::Tenancy>,
}

impl Storage {
    /// Opens (and migrates) the store at `url`: `sqlite:///path/to/file.db` or `postgres://user@host/database`.
    ///
    /// # Errors
    /// When it cannot be opened or a migration fails.
    pub async fn open(url: &str) -> Result<Storage> {
        if shared(url) { postgres::open(url).await } else { sqlite::open(url).await }
    }
}

/// Whether several processes may open the store at `url` at the same time. A SQLite file has one owner.
pub fn shared(url: &str) -> bool {
    url.starts_with("postgres:") || url.starts_with("postgresql:")
}
