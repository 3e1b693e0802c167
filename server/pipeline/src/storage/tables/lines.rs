//! Lines of lanes, and when a message's part in each ended.

use types::Millis;
use types::ids::ChunkNo;
use types::vendor::Vendor;

use super::{Db, rows};
use crate::storage::Result;
use crate::storage::chunks::{Flow, InLine};

/// What waits in a lane or is under way, in the order in which it is served.
pub async fn of_lane(db: &Db, lane_no: i64) -> Result<Vec<InLine>> {
    let found: Vec<(i64, Millis, Millis, i64)> = sqlx::query_as(
        "SELECT priority, deadline, held, CAST(SUM(count) AS BIGINT) FROM ( \
             SELECT priority, flow, deadline, CASE WHEN held_until > 0 THEN held_until ELSE 0 END AS held, count \
             FROM chunk WHERE lane_no = $1 AND state = 0 \
             UNION ALL SELECT priority, flow, deadline, 0 AS held, count FROM chunk WHERE lane_no = $1 AND state = 1) x \
             GROUP BY priority, flow, deadline, held ORDER BY priority, deadline, held, flow LIMIT 1000",
    )
    .bind(lane_no)
    .fetch_all(db.readers())
    .await?;
    found
        .into_iter()
        .map(|(priority, deadline, not_before, n)| {
            Ok(InLine { priority, deadline, not_before, recipients: rows::number("chunk.count", n)? })
        })
        .collect()
}

/// Due work of one priority, by flow.
pub async fn flows(db: &Db, lane_no: i64, priority: i64, now: Millis) -> Result<Vec<Flow>> {
    let found: Vec<(i64, i64, Millis)> = sqlx::query_as(concat!(
        "SELECT flow, CAST(SUM(count) AS BIGINT), MIN(deadline) FROM chunk",
        by_index!("chunk_flow"),
        " WHERE lane_no = $1 AND state = 0 AND priority = $2 AND priority > 0 AND not_before <= $3 GROUP BY flow ORDER BY flow"
    ))
    .bind(lane_no)
    .bind(priority)
    .bind(now)
    .fetch_all(db.readers())
    .await?;
    found
        .into_iter()
        .map(|(no, recipients, deadline)| Ok(Flow { no, recipients: rows::number("chunk.count", recipients)?, deadline }))
        .collect()
}

/// When the last chunk of each vendor ended, where all are done.
pub async fn ends(db: &Db, message_no: i64) -> Result<Vec<(Vendor, Millis)>> {
    let found: Vec<(i64, i64, Millis)> = sqlx::query_as(concat!(
        "SELECT vendor, CAST(MAX(CASE WHEN state < 3 THEN 1 ELSE 0 END) AS BIGINT), MAX(updated_at) FROM chunk",
        by_index!("chunk_key"),
        " WHERE message_no = $1 AND lane_no IS NOT NULL GROUP BY vendor ORDER BY vendor"
    ))
    .bind(message_no)
    .fetch_all(db.readers())
    .await?;
    let done = found.into_iter().filter(|(_, open, _)| *open == 0);
    done.map(|(vendor, _, at)| Ok((rows::word("chunk.vendor", vendor, Vendor::from_code)?, at))).collect()
}

/// The numbers stand in the statement, so that the index of withdrawing vendors serves it.
pub async fn references(db: &Db, no: ChunkNo) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar("SELECT reference FROM chunk_reference WHERE chunk_no = $1 AND vendor IN (10, 11) ORDER BY reference")
        .bind(no.0)
        .fetch_all(db.readers())
        .await?)
}

pub async fn shared_references(db: &Db, message_no: i64, vendor: Vendor) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(
        "SELECT DISTINCT r.reference FROM chunk c JOIN chunk_reference r ON r.chunk_no = c.no AND r.vendor IN (10, 11) \
         WHERE c.message_no = $1 AND c.vendor = $2 AND c.count > 1 ORDER BY r.reference LIMIT 2",
    )
    .bind(message_no)
    .bind(vendor.code())
    .fetch_all(db.readers())
    .await?)
}
