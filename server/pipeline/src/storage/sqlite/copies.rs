//! Copies in SQLite.

use super::Db;

pub struct SqliteCopies {
    db: Db,
}

impl SqliteCopies {
    pub fn new(db: Db) -> SqliteCopies {
        SqliteCopies { db }
    }
}

impl crate::storage::copies::Copies for SqliteCopies {}
