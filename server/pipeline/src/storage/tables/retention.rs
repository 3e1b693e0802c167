//! Forgetting recipients of old messages.

use async_trait::async_trait;
use types::Millis;

use super::{Conn, Db, rows, words};
use crate::storage::Result;
use crate::storage::retention::{Retention, Walked};

pub struct StoredRetention {
    db: Db,
}

impl StoredRetention {
    pub fn new(db: Db) -> StoredRetention {
        StoredRetention { db }
    }
}

/// The oldest message whose recipients nobody needs any more.
const OLDEST: &str = "SELECT m.no FROM message m WHERE m.finished_at < $1 AND m.finished_at IS NOT NULL AND m.forgotten_at IS NULL \
     AND NOT EXISTS (SELECT 1 FROM chunk c WHERE c.message_no = m.no AND c.state < 3) \
     AND NOT EXISTS (SELECT 1 FROM message o WHERE o.finished_at IS NULL AND o.state IN (0, 2) AND o.targets LIKE '%' || m.id || '%') \
     ORDER BY m.finished_at LIMIT 1";

async fn forget(conn: &mut Conn, message_no: i64, now: Millis, limit: u32) -> Result<u64> {
    // Looked at again in the transaction that writes: a resend may have put one back in line.
    let chunks: Vec<(i64, i64)> =
        sqlx::query_as(concat!("SELECT no, state FROM chunk WHERE message_no = $1 ORDER BY no LIMIT $2", locked!()))
            .bind(message_no)
            .bind(i64::from(limit))
            .fetch_all(&mut *conn)
            .await?;
    if chunks.iter().any(|(_, state)| *state < 3) {
        return Ok(0);
    }
    let nos = rows::to_json("chunk.no", &chunks.iter().map(|(no, _)| *no).collect::<Vec<_>>())?;
    for statement in words::FORGET_LISTS {
        sqlx::query(statement).bind(&nos).execute(&mut *conn).await?;
    }
    for statement in [
        concat!("DELETE FROM chunk_resend WHERE chunk_no IN (SELECT value FROM ", numbers!("$1"), " x)"),
        concat!("DELETE FROM resend_foreground WHERE chunk_no IN (SELECT value FROM ", numbers!("$1"), " x)"),
        concat!("DELETE FROM onward WHERE chunk_no IN (SELECT value FROM ", numbers!("$1"), " x)"),
        concat!("DELETE FROM chunk WHERE no IN (SELECT value FROM ", numbers!("$1"), " x)"),
    ] {
        sqlx::query(statement).bind(&nos).execute(&mut *conn).await?;
    }
    if chunks.len() < limit as usize {
        sqlx::query("UPDATE message SET forgotten_at = $2 WHERE no = $1").bind(message_no).bind(now).execute(&mut *conn).await?;
        sqlx::query("DELETE FROM dead_letter WHERE message_no = $1").bind(message_no).execute(&mut *conn).await?;
    }
    // A message without a single chunk is over in one step, and counts as one.
    Ok((chunks.len() as u64).max(1))
}

#[async_trait]
impl Retention for StoredRetention {
    async fn forget(&self, before: Millis, now: Millis, limit: u32) -> Result<u64> {
        let oldest: Option<i64> = sqlx::query_scalar(OLDEST).bind(before).fetch_optional(self.db.readers()).await?;
        match oldest {
            Some(message_no) => self.db.write(move |conn| Box::pin(forget(conn, message_no, now, limit))).await,
            None => Ok(0),
        }
    }

    async fn drop_days(&self, before: Millis) -> Result<u64> {
        let mut gone = 0;
        for whole_days in words::FORGET_CHUNK_DAYS {
            let n: i64 = self
                .db
                .write(move |conn| Box::pin(async move { Ok(sqlx::query_scalar(whole_days).bind(before).fetch_one(conn).await?) }))
                .await?;
            gone += n.unsigned_abs();
        }
        Ok(gone)
    }

    async fn forget_references(&self, after: Option<Walked>, limit: u32) -> Result<Option<Walked>> {
        let (vendor, reference) = after.unwrap_or((-1, String::new()));
        let seen: Vec<(i64, String, i64)> = sqlx::query_as(
            "SELECT vendor, reference, chunk_no FROM chunk_reference WHERE (vendor, reference) > ($1, $2) ORDER BY vendor, reference LIMIT $3",
        )
        .bind(vendor)
        .bind(reference)
        .bind(i64::from(limit))
        .fetch_all(self.db.readers())
        .await?;
        let Some(last) = seen.last().map(|(vendor, reference, _)| (*vendor, reference.clone())) else { return Ok(None) };
        let over = seen.len() < limit as usize;
        let nos = rows::to_json("chunk.no", &seen.iter().map(|(_, _, no)| *no).collect::<Vec<_>>())?;
        let there: Vec<i64> = sqlx::query_scalar(concat!("SELECT no FROM chunk WHERE no IN (SELECT value FROM ", numbers!("$1"), " x)"))
            .bind(nos)
            .fetch_all(self.db.readers())
            .await?;
        let there: std::collections::HashSet<i64> = there.into_iter().collect();
        let gone: Vec<(i64, String)> =
            seen.into_iter().filter(|(_, _, no)| !there.contains(no)).map(|(vendor, reference, _)| (vendor, reference)).collect();
        if !gone.is_empty() {
            let gone = rows::to_json("chunk_reference", &gone)?;
            self.db
                .write(move |conn| {
                    Box::pin(async move {
                        sqlx::query(concat!(
                            "DELETE FROM chunk_reference WHERE (vendor, reference) IN (SELECT CAST(value ->> 0 AS BIGINT), value ->> 1 FROM ",
                            lists!("$1"),
                            " x)"
                        ))
                        .bind(gone)
                        .execute(conn)
                        .await?;
                        Ok(())
                    })
                })
                .await?;
        }
        Ok((!over).then_some(last))
    }
}
