//! Is the audit log as it was written? The whole chain, what is new since the last look, or the next part of the daily walk.

use sqlx::AssertSqlSafe;
use types::Millis;

use super::people::{LOG, LogRow, chain};
use super::{Conn, Db};
use crate::storage::Result;
use crate::storage::people::AuditCheck;

/// Rows read at once.
const BLOCK: i64 = 1_000;
/// The walk from the beginning starts again this long after it last ended.
const AGAIN_MS: Millis = 86_400_000;

#[derive(sqlx::FromRow)]
struct Mark {
    no: i64,
    hash: String,
    again_no: i64,
    again: String,
    whole_at: Millis,
    broken_at: Option<i64>,
}

/// Where a walk stands: a number and its hash.
type Place = (i64, String);

enum Walked {
    /// The head of the log.
    End(Place),
    /// As far as was allowed.
    Part(Place),
    Broken(i64),
}

async fn walk(conn: &mut Conn, from: Place, most: i64) -> Result<Walked> {
    let (mut last, mut previous) = from;
    let mut left = most;
    while left > 0 {
        let block: Vec<LogRow> = sqlx::query_as(AssertSqlSafe(format!("{LOG} WHERE no > $1 ORDER BY no LIMIT $2")))
            .bind(last)
            .bind(BLOCK.min(left))
            .fetch_all(&mut *conn)
            .await?;
        if block.is_empty() {
            break;
        }
        left -= block.len() as i64;
        for row in block {
            if row.0 != last + 1 || chain(&previous, &row) != row.11 {
                return Ok(Walked::Broken(last + 1));
            }
            last = row.0;
            previous = row.11;
        }
    }
    let head: Place = sqlx::query_as("SELECT no, hash FROM audit_head WHERE one = 1").fetch_one(conn).await?;
    Ok(match head.0 - last {
        0 if head.1 == previous => Walked::End((last, previous)),
        // More to come than this step may read.
        1.. if left <= 0 => Walked::Part((last, previous)),
        _ => Walked::Broken(last + 1),
    })
}

async fn mark(conn: &mut Conn) -> Result<Mark> {
    let columns = "SELECT no, hash, again_no, again, whole_at, broken_at FROM audit_checked WHERE one = 1";
    Ok(sqlx::query_as(columns).fetch_one(conn).await?)
}

async fn keep(db: &Db, mark: Mark) -> Result<()> {
    db.write_once(move |conn| {
        Box::pin(async move {
            sqlx::query(
                "UPDATE audit_checked SET no = $1, hash = $2, again_no = $3, again = $4, whole_at = $5, broken_at = $6 WHERE one = 1",
            )
            .bind(mark.no)
            .bind(mark.hash)
            .bind(mark.again_no)
            .bind(mark.again)
            .bind(mark.whole_at)
            .bind(mark.broken_at)
            .execute(conn)
            .await?;
            Ok(())
        })
    })
    .await
}

/// The whole chain, in one snapshot.
pub async fn whole(db: &Db) -> Result<AuditCheck> {
    let mut snapshot = db.snapshot().await?;
    let before = mark(&mut snapshot).await?;
    let walked = walk(&mut snapshot, (0, String::new()), i64::MAX).await?;
    drop(snapshot);
    ended(db, before, walked, true).await
}

/// From the mark on. When the mark itself no longer fits the log, the whole of it, to find where.
pub async fn new(db: &Db) -> Result<AuditCheck> {
    let mut snapshot = db.snapshot().await?;
    let before = mark(&mut snapshot).await?;
    if let Some(no) = before.broken_at {
        return Ok(AuditCheck::BrokenAt(no));
    }
    let stands: Option<String> =
        sqlx::query_scalar("SELECT hash FROM audit WHERE no = $1").bind(before.no).fetch_optional(&mut *snapshot).await?;
    let from = if before.no == 0 || stands.as_ref() == Some(&before.hash) { (before.no, before.hash.clone()) } else { (0, String::new()) };
    let walked = walk(&mut snapshot, from, i64::MAX).await?;
    drop(snapshot);
    ended(db, before, walked, false).await
}

/// `over` = the walk began at the beginning: it may take back what an earlier one found.
async fn ended(db: &Db, before: Mark, walked: Walked, over: bool) -> Result<AuditCheck> {
    match walked {
        Walked::End((no, hash)) | Walked::Part((no, hash)) => {
            if no != before.no || (over && before.broken_at.is_some()) {
                let broken_at = before.broken_at.filter(|_| !over);
                keep(db, Mark { no, hash, broken_at, ..before }).await?;
            }
            Ok(AuditCheck::Whole(no.unsigned_abs()))
        }
        Walked::Broken(no) => {
            if before.broken_at != Some(no) {
                keep(db, Mark { broken_at: Some(no), ..before }).await?;
            }
            Ok(AuditCheck::BrokenAt(no))
        }
    }
}

/// The next part of the daily walk.
pub async fn again(db: &Db, now: Millis, limit: u32) -> Result<Option<AuditCheck>> {
    let mut snapshot = db.snapshot().await?;
    let before = mark(&mut snapshot).await?;
    if before.broken_at.is_some() || (before.again_no == 0 && now - before.whole_at < AGAIN_MS) {
        return Ok(None);
    }
    let walked = walk(&mut snapshot, (before.again_no, before.again.clone()), i64::from(limit)).await?;
    drop(snapshot);
    let (after, check) = match walked {
        Walked::Part((no, hash)) => (Mark { again_no: no, again: hash, ..before }, AuditCheck::Whole(no.unsigned_abs())),
        Walked::End((no, _)) => (Mark { again_no: 0, again: String::new(), whole_at: now, ..before }, AuditCheck::Whole(no.unsigned_abs())),
        Walked::Broken(no) => (Mark { again_no: 0, again: String::new(), broken_at: Some(no), ..before }, AuditCheck::BrokenAt(no)),
    };
    keep(db, after).await?;
    Ok(Some(check))
}
