//! Campaigns in SQLite.

use super::Db;

pub struct SqliteCampaigns {
    db: Db,
}

impl SqliteCampaigns {
    pub fn new(db: Db) -> SqliteCampaigns {
        SqliteCampaigns { db }
    }
}

impl crate::storage::campaigns::Campaigns for SqliteCampaigns {}
