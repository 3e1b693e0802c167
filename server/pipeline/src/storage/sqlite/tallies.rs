//! Tallies in SQLite.
#![allow(unused)]

use crate::storage::tallies::*;
use crate::storage::{Result, StorageError};
use async_trait::async_trait;
use types::Millis;
use types::funnel::Funnel;
use types::life::Outcome;
use types::receipt::ReceiptKind;
use types::vendor::Vendor;

use super::Db;

pub struct SqliteTallies {
    db: Db,
}

impl SqliteTallies {
    pub fn new(db: Db) -> SqliteTallies {
        SqliteTallies { db }
    }
}

#[async_trait]
impl Tallies for SqliteTallies {
    async fn of_message(&self, message_no: i64) -> Result<Vec<(Option<Vendor>, Measure, i64)>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn series(&self, app_no: Option<i64>, grain: Grain, from: Millis, to: Millis) -> Result<Vec<Point>> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
    async fn forget_minutes(&self, before: Millis) -> Result<u64> {
        Err(StorageError::Corrupt("not built yet".into()))
    }
}
