//! What happened to lanes.

use async_trait::async_trait;
use types::Millis;
use types::views::lanes::LaneEventKind;

use super::{Db, rows};
use crate::storage::Result;
use crate::storage::lane_events::{LaneEvent, LaneEvents};

pub struct StoredLaneEvents {
    db: Db,
}

impl StoredLaneEvents {
    pub fn new(db: Db) -> StoredLaneEvents {
        StoredLaneEvents { db }
    }
}

#[async_trait]
impl LaneEvents for StoredLaneEvents {
    async fn add(&self, events: Vec<LaneEvent>) -> Result<()> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    for event in &events {
                        sqlx::query("INSERT INTO lane_event (lane_no, at, what, until, words, node) VALUES ($1, $2, $3, $4, $5, $6)")
                            .bind(event.lane_no)
                            .bind(event.at)
                            .bind(event.what.slug())
                            .bind(event.until)
                            .bind(&event.words)
                            .bind(&event.node)
                            .execute(&mut *conn)
                            .await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    async fn latest(&self, lane_nos: &[i64], each: u32) -> Result<Vec<LaneEvent>> {
        let mut out = Vec::new();
        for lane_no in lane_nos {
            let found: Vec<(Millis, String, Option<Millis>, String, String)> =
                sqlx::query_as("SELECT at, what, until, words, node FROM lane_event WHERE lane_no = $1 ORDER BY no DESC LIMIT $2")
                    .bind(lane_no)
                    .bind(i64::from(each))
                    .fetch_all(self.db.readers())
                    .await?;
            for (at, what, until, words, node) in found {
                let what = LaneEventKind::parse(&what).ok_or_else(|| rows::corrupt("lane_event.what", "unknown"))?;
                out.push(LaneEvent { lane_no: *lane_no, at, what, until, words, node });
            }
        }
        Ok(out)
    }

    async fn forget(&self, before: Millis) -> Result<u64> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    Ok(sqlx::query("DELETE FROM lane_event WHERE at < $1").bind(before).execute(conn).await?.rows_affected())
                })
            })
            .await
    }
}
