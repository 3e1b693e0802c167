//! Messages in SQLite.
#![allow(unused)]

use crate::storage::chunks::NewChunk;
use crate::storage::messages::*;
use crate::storage::{Result, StorageError};
use async_trait::async_trait;
use std::collections::BTreeMap;
use types::Millis;
use types::content::{Content, MessageClass};
use types::ids::{CampaignId, CrowdId, MessageId};
use types::life::MessageState;
use types::listing::{Page, PageRequest};
use types::vendor::Vendor;

use super::Db;

pub struct SqliteMessages {
    db: Db,
}

impl SqliteMessages {
    pub fn new(db: Db) -> SqliteMessages {
        SqliteMessages { db }
    }
}

#[async_trait]
impl Messages for SqliteMessages {
    async fn insert(&self, message: NewMessage) -> Result<Inserted> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn get(&self, no: i64) -> Result<Option<Message>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn by_id(&self, id: &MessageId) -> Result<Option<Message>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn list(&self, app_no: i64, filter: &MessageFilter, page: &PageRequest) -> Result<Page<Message>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn to_plan(&self, limit: u32) -> Result<Vec<Message>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn plan(&self, step: PlanStep) -> Result<()> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn pause(&self, no: i64) -> Result<bool> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn resume(&self, no: i64) -> Result<bool> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn cancel(&self, no: i64, now: Millis) -> Result<Option<u64>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn settle(&self, now: Millis) -> Result<Vec<(i64, Option<CampaignId>)>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn stopped(&self) -> Result<Vec<(i64, MessageState)>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
}
