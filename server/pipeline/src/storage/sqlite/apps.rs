//! Apps in SQLite.
#![allow(unused)]

use crate::storage::apps::*;
use crate::storage::{Result, StorageError};
use async_trait::async_trait;
use types::Millis;
use types::ids::AppId;
use types::vendor::{Environment, Vendor};

use super::Db;

pub struct SqliteApps {
    db: Db,
}

impl SqliteApps {
    pub fn new(db: Db) -> SqliteApps {
        SqliteApps { db }
    }
}

#[async_trait]
impl Apps for SqliteApps {
    async fn create(&self, app: NewApp) -> Result<App> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn change(&self, id: &AppId, change: AppChange) -> Result<Option<App>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn list(&self) -> Result<Vec<App>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn get(&self, id: &AppId) -> Result<Option<App>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn by_no(&self, no: i64) -> Result<Option<App>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn by_key(&self, app_key: &str) -> Result<Option<App>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn by_client_key(&self, client_key: &str) -> Result<Option<App>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn by_callback_secret(&self, secret: &str) -> Result<Option<App>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn secrets(&self, app_no: i64) -> Result<Vec<AppSecret>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn add_secret(&self, app_no: i64, sealed: Vec<u8>, now: Millis) -> Result<AppSecret> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn end_secret(&self, app_no: i64, secret_no: i64) -> Result<bool> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn touch_secret(&self, secret_no: i64, now: Millis) -> Result<()> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn credentials(&self, app_no: i64) -> Result<Vec<CredentialRow>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn credential(&self, app_no: i64, vendor: Vendor) -> Result<Option<CredentialRow>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn put_credential(&self, app_no: i64, row: CredentialRow) -> Result<()> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn drop_credential(&self, app_no: i64, vendor: Vendor) -> Result<bool> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn lanes(&self) -> Result<Vec<Lane>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn lanes_of(&self, app_no: i64) -> Result<Vec<Lane>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn put_lane(&self, app_no: i64, vendor: Vendor, settings: LaneSettings) -> Result<Lane> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn pause_lane(&self, lane_no: i64, why: Option<String>) -> Result<()> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn remember_nonce(&self, app_no: i64, nonce: &str, now: Millis, until: Millis) -> Result<bool> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
}
