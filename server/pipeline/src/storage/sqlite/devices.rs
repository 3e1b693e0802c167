//! Devices in SQLite.
#![allow(unused)]

use crate::storage::devices::*;
use crate::storage::{Result, StorageError};
use async_trait::async_trait;
use types::Millis;
use types::ids::DeviceId;
use types::listing::{Page, PageRequest};
use types::vendor::{Environment, Vendor};

use super::Db;

pub struct SqliteDevices {
    db: Db,
}

impl SqliteDevices {
    pub fn new(db: Db) -> SqliteDevices {
        SqliteDevices { db }
    }
}

#[async_trait]
impl Devices for SqliteDevices {
    async fn register(&self, app_no: i64, registrations: Vec<Registration>) -> Result<Vec<DeviceId>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn get(&self, app_no: i64, id: &DeviceId) -> Result<Option<Device>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn by_no(&self, no: i64) -> Result<Option<Device>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn list(&self, app_no: i64, filter: &DeviceFilter, page: &PageRequest) -> Result<Page<Device>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn set_test(&self, app_no: i64, id: &DeviceId, test: bool) -> Result<bool> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn count(&self, app_no: i64) -> Result<u64> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn reach_users(&self, app_no: i64, users: &[String]) -> Result<Reached> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn reach_devices(&self, app_no: i64, devices: &[String]) -> Result<Reached> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn reach_tokens(&self, app_no: i64, tokens: &[(Vendor, String)]) -> Result<Reached> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn quarantine(&self, app_no: i64, vendor: Vendor, tokens: &[(String, Option<Millis>)], reason: &str, now: Millis) -> Result<u64> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn replace_token(&self, app_no: i64, vendor: Vendor, old: &str, new: &str, now: Millis) -> Result<()> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
}
