//! Many small planning steps in one transaction, with as many statements as one of them needs.

use super::{Conn, Database, rows, slots, tallies};
use crate::storage::chunks::{ChunkState, NewChunk};
use crate::storage::messages::PlanStep;
use crate::storage::{Result, StorageError};
use types::Millis;

/// Rows in one INSERT: 19 values each, far below what either store takes in one statement.
const ROWS: usize = 500;

/// Writes the steps whose message still stands where they were computed from. Says of each whether it was written. `Stale`,
/// and nothing is written, when slots have moved that one of them claims.
pub async fn plan(conn: &mut Conn, mut steps: Vec<PlanStep>) -> Result<Vec<bool>> {
    let moves: Vec<(i64, i64, i64, i64)> = steps.iter().map(|s| (s.message_no, s.from, s.to, i64::from(s.last))).collect();
    let moved: Vec<(i64, i64)> = sqlx::query_as(concat!(
        "UPDATE message SET cursor = CAST(x.value ->> 2 AS BIGINT), planned_all = CAST(x.value ->> 3 AS BIGINT) = 1, \
         state = CASE WHEN CAST(x.value ->> 3 AS BIGINT) = 1 THEN 1 ELSE state END FROM ",
        lists!("$1"),
        " x WHERE message.no = CAST(x.value ->> 0 AS BIGINT) AND message.cursor = CAST(x.value ->> 1 AS BIGINT) AND message.state = 0 \
         RETURNING no, app_no"
    ))
    .bind(rows::to_json("message.no", &moves)?)
    .fetch_all(&mut *conn)
    .await?;
    let apps: std::collections::BTreeMap<i64, i64> = moved.into_iter().collect();
    let written: Vec<bool> = steps.iter().map(|step| apps.contains_key(&step.message_no)).collect();
    steps.retain(|step| apps.contains_key(&step.message_no));
    for step in &steps {
        if let (Some(claim), Some(app_no)) = (&step.claim, apps.get(&step.message_no)) {
            slots::claim(&mut *conn, *app_no, step.message_no, claim).await?;
        }
    }
    let now = steps.iter().map(|step| step.now).max().unwrap_or_default();
    let chunks: Vec<(i64, i64, &NewChunk)> = steps
        .iter()
        .flat_map(|step| {
            let app_no = apps.get(&step.message_no).copied().unwrap_or_default();
            step.chunks.iter().map(move |chunk| (step.message_no, app_no, chunk))
        })
        .collect();
    insert(conn, &chunks, now).await?;
    tallies::add(conn, chunks.iter().flat_map(|(_, _, chunk)| &chunk.deltas), now).await?;
    Ok(written)
}

/// Writes planned chunks of (message, app) inside the caller's transaction.
pub async fn insert(conn: &mut Conn, chunks: &[(i64, i64, &NewChunk)], now: Millis) -> Result<()> {
    for part in chunks.chunks(ROWS) {
        let nos = insert_rows(&mut *conn, part, now).await?;
        for (table, bytes) in [
            ("INSERT INTO chunk_recipients (chunk_no, bytes) ", part.iter().map(|(_, _, c)| c.recipients.as_slice()).collect::<Vec<_>>()),
            ("INSERT INTO chunk_outcomes (chunk_no, bytes) ", part.iter().map(|(_, _, c)| c.outcomes.as_slice()).collect()),
        ] {
            let mut lists = sqlx::QueryBuilder::<Database>::new(table);
            lists.push_values(nos.iter().zip(bytes), |mut row, (no, bytes)| {
                row.push_bind(*no).push_bind(bytes);
            });
            // Kept prepared only in the form that comes again and again.
            lists.build().persistent(part.len() == 1).execute(&mut *conn).await?;
        }
    }
    Ok(())
}

/// The numbers given, in the order of the chunks.
async fn insert_rows(conn: &mut Conn, chunks: &[(i64, i64, &NewChunk)], now: Millis) -> Result<Vec<i64>> {
    let mut insert = sqlx::QueryBuilder::<Database>::new(
        "INSERT INTO chunk (message_no, app_no, lane_no, vendor, state, priority, flow, deadline, not_before, count, first_key, last_key, \
         fence, attempts, lapsed, why, created_at, updated_at, slots, zone, blocked_version, held_until) ",
    );
    insert.push_values(chunks, |mut row, (message_no, app_no, chunk)| {
        let state = if chunk.done { ChunkState::Done } else { ChunkState::Waiting };
        row.push_bind(*message_no).push_bind(*app_no).push_bind(chunk.lane_no).push_bind(rows::code_or_zero(chunk.vendor));
        row.push_bind(state.code()).push_bind(chunk.priority).push_bind(chunk.flow).push_bind(chunk.deadline);
        row.push_bind(chunk.policy.held_until).push_bind(i64::from(chunk.count));
        row.push_bind(chunk.first_key).push_bind(chunk.last_key).push("0, 0, FALSE").push_bind(chunk.why.as_str());
        row.push_bind(now).push_bind(now).push_bind(chunk.policy.slots).push_bind(chunk.policy.zone.as_deref());
        row.push_bind(chunk.policy.blocked_version).push_bind(chunk.policy.held_until);
    });
    insert.push(" RETURNING no, message_no, first_key, count");
    let mut given: Vec<(i64, i64, i64, i64)> = insert.build_query_as().persistent(chunks.len() == 1).fetch_all(conn).await?;
    // Numbers are given in the order of the rows; which row got which is looked at all the same.
    given.sort_unstable();
    let wanted = chunks.iter().map(|(of, _, chunk)| (*of, chunk.first_key, i64::from(chunk.count)));
    if !given.iter().map(|(_, message_no, first_key, count)| (*message_no, *first_key, *count)).eq(wanted) {
        return Err(StorageError::Conflict("chunk numbers"));
    }
    Ok(given.into_iter().map(|(no, ..)| no).collect())
}
