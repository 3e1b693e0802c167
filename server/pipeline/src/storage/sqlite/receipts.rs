//! Receipts in SQLite.

use super::Db;

pub struct SqliteReceipts {
    db: Db,
}

impl SqliteReceipts {
    pub fn new(db: Db) -> SqliteReceipts {
        SqliteReceipts { db }
    }
}

impl crate::storage::receipts::Receipts for SqliteReceipts {}
