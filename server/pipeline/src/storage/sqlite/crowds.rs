//! Crowds in SQLite.

use super::Db;

pub struct SqliteCrowds {
    db: Db,
}

impl SqliteCrowds {
    pub fn new(db: Db) -> SqliteCrowds {
        SqliteCrowds { db }
    }
}

impl crate::storage::crowds::Crowds for SqliteCrowds {}
