//! The name of the store, and its nodes' pulse.

use async_trait::async_trait;

use super::Db;
use crate::storage::Result;
use crate::storage::meetings::{Meetings, StoreName};

pub struct StoredMeetings {
    db: Db,
}

impl StoredMeetings {
    pub fn new(db: Db) -> StoredMeetings {
        StoredMeetings { db }
    }
}

#[async_trait]
impl Meetings for StoredMeetings {
    async fn name(&self, fresh: &str) -> Result<StoreName> {
        let known: Option<(String, i64)> =
            sqlx::query_as("SELECT name, beats FROM meeting WHERE one = 1").fetch_optional(self.db.readers()).await?;
        if let Some((name, beats)) = known {
            return Ok(StoreName { name, beats, fresh: false });
        }
        let fresh = fresh.to_owned();
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let made = sqlx::query("INSERT INTO meeting (one, name, beats) VALUES (1, $1, 0) ON CONFLICT (one) DO NOTHING")
                        .bind(&fresh)
                        .execute(&mut *conn)
                        .await?;
                    let (name, beats): (String, i64) =
                        sqlx::query_as("SELECT name, beats FROM meeting WHERE one = 1").fetch_one(&mut *conn).await?;
                    Ok(StoreName { name, beats, fresh: made.rows_affected() > 0 })
                })
            })
            .await
    }

    async fn beat(&self, seen: Option<i64>) -> Result<bool> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let moved = sqlx::query("UPDATE meeting SET beats = beats + 1 WHERE one = 1 AND ($1 IS NULL OR beats = $1)")
                        .bind(seen)
                        .execute(conn)
                        .await?;
                    Ok(moved.rows_affected() > 0)
                })
            })
            .await
    }
}
