//! People in SQLite.

use super::Db;

pub struct SqlitePeople {
    db: Db,
}

impl SqlitePeople {
    pub fn new(db: Db) -> SqlitePeople {
        SqlitePeople { db }
    }
}

impl crate::storage::people::People for SqlitePeople {}
