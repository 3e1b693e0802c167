use super::Db;
pub struct SqliteCrowds {
    db: Db,
}
impl SqliteCrowds {
    pub fn new(db: Db) -> SqliteCrowds {
        SqliteCrowds { db }
    }
}
#[async_trait::async_trait]
impl crate::storage::crowds::Crowds for SqliteCrowds {
    async fn block(&self, _c: &types::ids::CrowdId, _s: i64) -> crate::storage::Result<Option<crate::storage::crowds::CrowdBlock>> {
        Ok(None)
    }
}
