//! Chunks in SQLite.
#![allow(unused)]

use crate::storage::chunks::*;
use crate::storage::tallies::Delta;
use crate::storage::{Result, StorageError};
use async_trait::async_trait;
use types::Millis;
use types::ids::ChunkNo;
use types::vendor::Vendor;

use super::Db;

pub struct SqliteChunks {
    db: Db,
}

impl SqliteChunks {
    pub fn new(db: Db) -> SqliteChunks {
        SqliteChunks { db }
    }
}

#[async_trait]
impl Chunks for SqliteChunks {
    async fn claim(&self, lane_no: i64, owner: &str, now: Millis, lease_until: Millis, max: u32) -> Result<Vec<Claimed>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn renew(&self, no: ChunkNo, fence: i64, lease_until: Millis) -> Result<()> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn record(&self, step: Step) -> Result<()> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn release_lapsed(&self, now: Millis, sole_owner: Option<&str>) -> Result<u64> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn expire(&self, now: Millis, limit: u32) -> Result<u64> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn view(&self, no: ChunkNo) -> Result<Option<ChunkView>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn of_message(&self, message_no: i64, after: ChunkNo, limit: u32) -> Result<Vec<ChunkView>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn holding(&self, message_no: i64, key: i64) -> Result<Vec<ChunkView>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn by_reference(&self, vendor: Vendor, reference: &str) -> Result<Option<ChunkNo>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn next_due(&self, lane_no: i64) -> Result<Option<Millis>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn backlog(&self) -> Result<Vec<(i64, Backlog)>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
}
