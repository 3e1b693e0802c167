//! Apps, their secrets, vendor credentials and lanes.

use async_trait::async_trait;
use types::Millis;
use types::content::MessageClass;
use types::ids::AppId;
use types::vendor::{Environment, Vendor};

use super::Result;
use super::people::AuditEntry;

#[derive(Clone, Debug, PartialEq)]
pub struct App {
    /// Number in bulk tables.
    pub no: i64,
    pub id: AppId,
    pub name: String,
    pub description: String,
    pub environment: Environment,
    /// Used when a content has no title.
    pub default_title: String,
    /// Native lanes in order of preference.
    pub vendor_order: Vec<Vendor>,
    /// Common services the app uses: `push`, `feedback`, `release`.
    pub services: Vec<String>,
    /// Public key of the signed API, `ak_…`.
    pub app_key: String,
    /// Key that ships inside the client (reports only), `ck_…`; never the server secret.
    pub client_key: String,
    /// Path segment of this app's vendor callbacks, 128 random bits in hex.
    pub callback_secret: String,
    pub created_at: Millis,
}

#[derive(Clone, Debug)]
pub struct NewApp {
    pub id: AppId,
    pub name: String,
    pub description: String,
    pub environment: Environment,
    pub default_title: String,
    pub vendor_order: Vec<Vendor>,
    pub services: Vec<String>,
    pub app_key: String,
    pub client_key: String,
    pub callback_secret: String,
    /// The first appSecret, sealed.
    pub secret_sealed: Vec<u8>,
    pub created_at: Millis,
}

#[derive(Clone, Debug)]
pub struct AppChange {
    pub name: String,
    pub description: String,
    pub default_title: String,
    pub vendor_order: Vec<Vendor>,
    pub services: Vec<String>,
}

/// One of at most two live server secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppSecret {
    pub no: i64,
    pub sealed: Vec<u8>,
    pub created_at: Millis,
    pub last_used_at: Option<Millis>,
}

/// A vendor credential of an app. `hints` is what may be shown: plain fields as they are, secrets as their last four.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialRow {
    pub vendor: Vendor,
    /// Sealed JSON object field -> value; associated data is app id, vendor, `credential`.
    pub sealed: Vec<u8>,
    pub hints: Vec<(String, String)>,
    pub updated_at: Millis,
    pub updated_by: String,
}

/// How the reason of a pause begins when the vendor refused the credential (then a new credential lifts it):
/// `format!("{CREDENTIAL_REFUSED}: {words}")`. The slug of `FailureClass::Auth`.
pub const CREDENTIAL_REFUSED: &str = "auth";

/// Settings of one lane, changeable at run time.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    pub no: i64,
    pub app_no: i64,
    pub vendor: Vendor,
    pub settings: LaneSettings,
    /// Why the lane stands still (credential refused, stopped by a person), or `None`.
    pub paused: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaneSettings {
    pub enabled: bool,
    /// `https://host[:port][/prefix]`, no trailing slash.
    pub base_url: String,
    /// Extra root certificates, PEM; for the simulator, a proxy or a private gateway.
    pub ca_pem: Option<String>,
    /// In the vendor's own unit, per second.
    pub pace_per_second: u32,
    pub batch: u32,
    pub in_flight: u32,
    /// Device messages a day, 0 = none known.
    pub daily_quota: u64,
    /// Of every 100 device messages of the day so many are kept for what a person waits for; marketing ends before.
    #[serde(default = "LaneSettings::default_reserve")]
    pub reserve_percent: u32,
    /// Marketing messages a day, as the vendor counts them apart; 0 = no such quota. The day's quota holds as well.
    #[serde(default)]
    pub bulk_quota: u64,
    /// `http(s)://` proxy towards the vendor, or `None` for the direct way.
    pub egress_proxy: Option<String>,
    /// Several ways out with shares; empty = `egress_proxy` alone.
    #[serde(default)]
    pub ways: Vec<types::egress::Way>,
    /// Milliseconds to wait for one answer.
    pub timeout_ms: u32,
    /// After so many seconds without a receipt a device is sent to again, or goes on to its next lane; 0 = never.
    #[serde(default)]
    pub receipt_wait_s: u32,
    /// How often one recipient is sent to again by this lane for want of a receipt, at most.
    #[serde(default)]
    pub resend_times: u8,
    /// Bulk messages, too.
    #[serde(default)]
    pub resend_for_bulk: bool,
    /// Bulk messages go on, too: some phones may then show both.
    #[serde(default)]
    pub next_lane_for_bulk: bool,
    /// When it stops asking a vendor that fails.
    #[serde(default)]
    pub breaker: types::breaker::BreakerSettings,
}

impl LaneSettings {
    /// How often a message of this class may go again for want of a receipt.
    pub const fn resends(&self, class: MessageClass) -> u8 {
        match class {
            MessageClass::Bulk if !self.resend_for_bulk => 0,
            MessageClass::Transactional | MessageClass::Bulk => self.resend_times,
        }
    }

    pub const fn default_reserve() -> u32 {
        10
    }

    /// What this class may use of the day, counted over all classes.
    pub fn quota_of(&self, class: MessageClass) -> u64 {
        match class {
            MessageClass::Transactional => self.daily_quota,
            MessageClass::Bulk => {
                let kept = u128::from(self.daily_quota) * u128::from(self.reserve_percent.min(100)) / 100;
                self.daily_quota.saturating_sub(u64::try_from(kept).unwrap_or(u64::MAX))
            }
        }
    }
}

#[async_trait]
pub trait Apps: Send + Sync {
    // What a person changes carries an audit entry, written in the same transaction: no deed without its entry, no entry
    // without its deed. `None` = the machine's own doing.

    /// Inserts the app, its first secret, and one lane per vendor with the vendor's defaults.
    /// `Conflict("name")` when an app of this name exists in this environment.
    async fn create(&self, app: NewApp, audit: Option<AuditEntry>) -> Result<App>;
    async fn change(&self, id: &AppId, change: AppChange, audit: Option<AuditEntry>) -> Result<Option<App>>;
    async fn list(&self) -> Result<Vec<App>>;
    async fn get(&self, id: &AppId) -> Result<Option<App>>;
    async fn by_no(&self, no: i64) -> Result<Option<App>>;
    async fn by_key(&self, app_key: &str) -> Result<Option<App>>;
    async fn by_client_key(&self, client_key: &str) -> Result<Option<App>>;
    async fn by_callback_secret(&self, secret: &str) -> Result<Option<App>>;

    async fn secrets(&self, app_no: i64) -> Result<Vec<AppSecret>>;
    /// Adds a second live secret, whose number goes into the entry; `Conflict("secrets")` when two are live.
    async fn add_secret(&self, app_no: i64, sealed: Vec<u8>, now: Millis, audit: Option<AuditEntry>) -> Result<AppSecret>;
    /// Ends one secret; `Conflict("last secret")` when it is the only one. `false` when there is no such secret.
    async fn end_secret(&self, app_no: i64, secret_no: i64, audit: Option<AuditEntry>) -> Result<bool>;
    async fn touch_secret(&self, secret_no: i64, now: Millis) -> Result<()>;

    async fn credentials(&self, app_no: i64) -> Result<Vec<CredentialRow>>;
    async fn credential(&self, app_no: i64, vendor: Vendor) -> Result<Option<CredentialRow>>;
    /// Replaces the credential and lifts a pause that a refused credential had put on the lane.
    async fn put_credential(&self, app_no: i64, row: CredentialRow, audit: Option<AuditEntry>) -> Result<()>;
    async fn drop_credential(&self, app_no: i64, vendor: Vendor, audit: Option<AuditEntry>) -> Result<bool>;

    /// Gives every app the lanes it lacks (a vendor that joined after the app was made). Returns how many.
    async fn complete_lanes(&self) -> Result<u64>;
    async fn lanes(&self) -> Result<Vec<Lane>>;
    async fn lanes_of(&self, app_no: i64) -> Result<Vec<Lane>>;
    async fn put_lane(&self, app_no: i64, vendor: Vendor, settings: LaneSettings, audit: Option<AuditEntry>) -> Result<Lane>;
    async fn pause_lane(&self, lane_no: i64, why: Option<String>, audit: Option<AuditEntry>) -> Result<()>;

    /// Remembers a nonce of an app until `until`; `false` when it was seen before. Survives restarts: whatever is written after
    /// this returns is never on disk without it.
    async fn remember_nonce(&self, app_no: i64, nonce: &str, now: Millis, until: Millis) -> Result<bool>;

    /// From now on no other process writes to this store: nonces of others need not be looked for again.
    async fn nobody_else(&self, now: Millis) -> Result<()>;
}
