//! Policy: an app's rules and stop switch, its blacklist, and slots: who used which person's attention.
//!
//! A slot is written with the chunk its recipient stands in, and taken back with the outcome that says the push failed for
//! good (refused, expired, cancelled, filtered), each in the one transaction. So what is counted is what was accepted or
//! may still be.

use std::collections::BTreeMap;

use async_trait::async_trait;
use types::Millis;
use types::ids::MessageId;
use types::listing::{Page, PageRequest};
use types::policy::{Rules, Stopped};
use types::vendor::Vendor;

use super::Result;
use super::frame::Recipient;
use super::people::AuditEntry;

/// An app that never said anything has rules without a single one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AppPolicy {
    /// Grows with every change of the rules; 0 = never changed.
    pub revision: i64,
    pub rules: Rules,
    pub stopped: Option<Stopped>,
    /// Grows with every entry put on the blacklist; 0 = nobody ever was.
    pub blocked_version: i64,
    pub changed_by: String,
    pub changed_at: Millis,
}

/// One account kept from pushes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    pub no: i64,
    pub user_id: String,
    /// A business type; empty = all.
    pub group: String,
    pub reason: String,
    pub added_by: String,
    pub added_at: Millis,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NewBlocked {
    pub user_id: String,
    pub group: String,
    pub reason: String,
}

/// What the rules ask of a device, beyond what routing asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// [`super::frame::key_of`] the user, or of the device when it has none.
    pub person: i64,
    pub app_version: String,
    pub zone: Option<String>,
}

/// A place in somebody's attention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    pub person: i64,
    /// Number of the message; a resend counts as its first.
    pub counts_as: i64,
    pub device_no: i64,
    pub business: String,
    pub bulk: bool,
    pub content: i64,
    pub vendor: Option<Vendor>,
    pub at: Millis,
}

/// Slots of one planning step, decided when the app's `claims` stood at `seen`: if it moved since, nothing is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub seen: i64,
    pub slots: Vec<Slot>,
}

/// The device of a slot: a token nobody registered has a number of its own, made from its key.
pub const fn slot_device(recipient: &Recipient) -> i64 {
    if recipient.device_no > 0 { recipient.device_no } else { recipient.key | i64::MIN }
}

/// What policy keeps with a chunk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChunkPolicy {
    /// Its recipients hold slots.
    pub slots: bool,
    /// All of them live there; `None` = the app's zone.
    pub zone: Option<String>,
    /// The blacklist its recipients were looked up in.
    pub blocked_version: i64,
    /// Quiet hours hold it until then; 0 = they do not.
    pub held_until: Millis,
}

/// Chunks that quiet hours hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    pub chunks: u64,
    pub devices: u64,
    /// When the first and the last of them go on.
    pub first: Option<Millis>,
    pub last: Option<Millis>,
}

#[async_trait]
pub trait Policy: Send + Sync {
    async fn get(&self, app_no: i64) -> Result<AppPolicy>;
    /// Replaces the rules; whatever quiet hours hold is asked again. `Stale("policy")` when the revision moved.
    async fn put_rules(&self, app_no: i64, seen: i64, rules: &Rules, by: &str, now: Millis, audit: Option<AuditEntry>) -> Result<i64>;
    async fn set_stop(&self, app_no: i64, stopped: Option<Stopped>, now: Millis, audit: Option<AuditEntry>) -> Result<()>;

    /// Puts accounts on the blacklist, or changes their reason. No pair of account and group twice in one call.
    async fn block(&self, app_no: i64, entries: &[NewBlocked], by: &str, now: Millis, audit: Option<AuditEntry>) -> Result<()>;
    /// Returns how many entries there were.
    async fn unblock(&self, app_no: i64, entries: &[(String, String)], audit: Option<AuditEntry>) -> Result<u64>;
    /// Newest first; `text` = how the account begins.
    async fn blocked(&self, app_no: i64, text: Option<&str>, group: Option<&str>, page: &PageRequest) -> Result<Page<Blocked>>;
    /// Entries, and the accounts in them.
    async fn blocked_count(&self, app_no: i64) -> Result<(u64, u64)>;
    /// Those of these devices whose account is on the blacklist for everything or for this business type, and the group.
    async fn blocked_devices(&self, app_no: i64, business: &str, devices: &[i64]) -> Result<BTreeMap<i64, String>>;

    /// Of those devices that are registered.
    async fn facts(&self, app_no: i64, devices: &[i64]) -> Result<BTreeMap<i64, Facts>>;
    /// Read before the slots a claim is decided on.
    async fn claims(&self, app_no: i64) -> Result<i64>;
    async fn slots(&self, app_no: i64, persons: &[i64], since: Millis) -> Result<Vec<Slot>>;
    async fn message_ids(&self, nos: &[i64]) -> Result<BTreeMap<i64, MessageId>>;
    /// Returns how many went; not all at once.
    async fn forget_slots(&self, before: Millis, limit: u32) -> Result<u64>;

    /// Persons with `most` messages or more since then, of one business type or of all, with or without transactional ones.
    async fn at_cap(&self, app_no: i64, business: Option<&str>, bulk_only: bool, since: Millis, most: u32) -> Result<u64>;
    async fn held(&self, app_no: i64, now: Millis) -> Result<Held>;
    /// Devices by the zone they named.
    async fn zones(&self, app_no: i64) -> Result<Vec<(String, u64)>>;
}
