//! Devices and their tokens.

use async_trait::async_trait;
use types::Millis;
use types::ids::DeviceId;
use types::listing::{Page, PageRequest};
use types::vendor::{Environment, Vendor};

use super::Result;
use super::people::AuditEntry;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenState {
    Active,
    /// The vendor refused it; back to active when the client registers it again.
    Quarantined,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub vendor: Vendor,
    pub token: String,
    pub environment: Environment,
    pub state: TokenState,
    /// The vendor's words and when, for a quarantined one.
    pub reason: Option<String>,
    pub registered_at: Millis,
    pub quarantined_at: Option<Millis>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub no: i64,
    pub id: DeviceId,
    pub app_no: i64,
    pub user_id: Option<String>,
    pub model: String,
    pub os_version: String,
    pub app_version: String,
    /// `None` = the client never said.
    pub notifications_on: Option<bool>,
    pub environment: Environment,
    /// IANA; `None` = the app's.
    pub zone: Option<String>,
    /// Registered for test sends.
    pub test: bool,
    pub created_at: Millis,
    pub seen_at: Millis,
    pub tokens: Vec<Token>,
}

/// What a registration says. `id` known = update; otherwise a device with the same (vendor, token) is updated, else made.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The id to use when a new device is made.
    pub fresh_id: DeviceId,
    pub id: Option<DeviceId>,
    pub user_id: Option<String>,
    pub model: String,
    pub os_version: String,
    pub app_version: String,
    pub notifications_on: Option<bool>,
    pub environment: Environment,
    /// `None` = leave as it is.
    pub zone: Option<String>,
    /// `None` = leave as it is (false for a new one).
    pub test: Option<bool>,
    pub tokens: Vec<(Vendor, String)>,
    pub now: Millis,
}

/// One token that a target leads to, with all that policy and routing ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    pub device_no: i64,
    pub vendor: Vendor,
    pub token: String,
    pub environment: Environment,
    pub state: TokenState,
    pub notifications_on: Option<bool>,
    pub test: bool,
}

/// Devices found for one target, in the order of the targets asked; empty = none.
pub type Reached = Vec<Vec<Reach>>;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceFilter {
    pub user_id: Option<String>,
    pub token: Option<String>,
    pub vendor: Option<Vendor>,
    pub test: Option<bool>,
}

/// Whose device it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub no: i64,
    pub id: DeviceId,
    pub user: Option<String>,
}

#[async_trait]
pub trait Devices: Send + Sync {
    /// In one transaction; the devices in the order given. A token known under another device of the app moves to this one.
    /// A token that was quarantined becomes active again. `Stale("device")` when a named id does not exist in this app.
    async fn register(&self, app_no: i64, registrations: Vec<Registration>) -> Result<Vec<DeviceId>>;
    async fn get(&self, app_no: i64, id: &DeviceId) -> Result<Option<Device>>;
    async fn by_no(&self, no: i64) -> Result<Option<Device>>;
    /// Those of these numbers that are there.
    async fn named(&self, nos: &[i64]) -> Result<Vec<Named>>;
    async fn list(&self, app_no: i64, filter: &DeviceFilter, page: &PageRequest) -> Result<Page<Device>>;
    /// The entry is written in the same transaction.
    async fn set_test(&self, app_no: i64, id: &DeviceId, test: bool, audit: Option<AuditEntry>) -> Result<bool>;
    async fn count(&self, app_no: i64) -> Result<u64>;

    /// For blocks of up to 1,000 targets; every list keeps the order of what was asked.
    async fn reach_users(&self, app_no: i64, users: &[String]) -> Result<Reached>;
    async fn reach_devices(&self, app_no: i64, devices: &[String]) -> Result<Reached>;
    /// Every token of these devices, by device number.
    async fn reach_nos(&self, app_no: i64, devices: &[i64]) -> Result<Reached>;
    async fn reach_tokens(&self, app_no: i64, tokens: &[(Vendor, String)]) -> Result<Reached>;

    /// Sets tokens aside; a token registered again after `dead_since` stays. Returns how many were set aside.
    async fn quarantine(&self, app_no: i64, vendor: Vendor, tokens: &[(String, Option<Millis>)], reason: &str, now: Millis) -> Result<u64>;
    /// The vendor says this token has a new name.
    async fn replace_token(&self, app_no: i64, vendor: Vendor, old: &str, new: &str, now: Millis) -> Result<()>;
    /// A receipt says that notifications were switched off at `at`; what the client itself said later stays.
    async fn switched_off(&self, app_no: i64, device_no: i64, at: Millis) -> Result<()>;
}
