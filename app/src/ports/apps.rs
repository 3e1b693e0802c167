//! Apps, credentials, lanes, devices, for the pages of developers.

use async_trait::async_trait;
use types::breaker::BreakerSettings;
use types::follow::FollowUp;
use types::ids::{AppId, DeviceId};
use types::listing::Page;
use types::vendor::{Environment, Vendor};
use types::views::apps::{AppCard, AppDetail, DeviceQuery, DeviceView};
use types::views::lanes::{BreakerView, FollowView};

use super::{Asked, Who};
use crate::error::AppError;

/// The editable part of an app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppForm {
    pub name: String,
    pub description: String,
    pub default_title: String,
    pub vendor_order: Vec<Vendor>,
    pub services: Vec<String>,
}

/// The editable part of a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneForm {
    pub enabled: bool,
    pub base_url: String,
    pub ca_pem: String,
    pub pace_per_second: u32,
    pub batch: u32,
    pub in_flight: u32,
    pub daily_quota: u64,
    /// Part of the day kept for what a person waits for.
    pub reserve_percent: u32,
    pub egress_proxy: String,
    /// One way out a line, as `types::egress` reads them.
    pub ways: String,
    pub timeout_ms: u32,
}

#[async_trait]
pub trait AppsPort: Send + Sync {
    /// Those this person may see.
    async fn list(&self, who: &Who) -> Result<Vec<AppCard>, AppError>;
    /// The secret waits for the next [`AppsPort::detail`] of this person.
    async fn register(&self, asked: &Asked, form: AppForm, environment: Environment) -> Result<AppId, AppError>;
    async fn change(&self, asked: &Asked, app: &AppId, form: AppForm) -> Result<(), AppError>;
    /// With a fresh secret, if this person just made one; it is handed out once.
    async fn detail(&self, asked: &Asked, app: &AppId) -> Result<AppDetail, AppError>;
    async fn add_secret(&self, asked: &Asked, app: &AppId) -> Result<(), AppError>;
    async fn end_secret(&self, asked: &Asked, app: &AppId, no: i64) -> Result<(), AppError>;
    /// All fields of the vendor's form; nothing is stored when one is wrong.
    async fn put_credential(&self, asked: &Asked, app: &AppId, vendor: Vendor, fields: Vec<(String, String)>) -> Result<(), AppError>;
    async fn drop_credential(&self, asked: &Asked, app: &AppId, vendor: Vendor) -> Result<(), AppError>;
    async fn put_lane(&self, asked: &Asked, app: &AppId, vendor: Vendor, form: LaneForm) -> Result<(), AppError>;
    /// Of the lanes with a credential.
    async fn breakers(&self, app: &AppId) -> Result<Vec<BreakerView>, AppError>;
    async fn put_breaker(&self, asked: &Asked, app: &AppId, vendor: Vendor, breaker: BreakerSettings) -> Result<(), AppError>;
    /// Of the lanes with a credential.
    async fn follow_ups(&self, app: &AppId) -> Result<Vec<FollowView>, AppError>;
    async fn put_follow_up(&self, asked: &Asked, app: &AppId, vendor: Vendor, rules: FollowUp) -> Result<(), AppError>;
    /// `None` lets it go on.
    async fn pause_lane(&self, asked: &Asked, app: &AppId, vendor: Vendor, why: Option<String>) -> Result<(), AppError>;

    async fn devices(&self, app: &AppId, query: &DeviceQuery) -> Result<Page<DeviceView>, AppError>;
    async fn device(&self, app: &AppId, id: &DeviceId) -> Result<Option<DeviceView>, AppError>;
    async fn set_test(&self, asked: &Asked, app: &AppId, id: &DeviceId, test: bool) -> Result<(), AppError>;
}
