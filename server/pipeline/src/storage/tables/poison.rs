//! Chunks that take their sender down: counted, set aside, tried again or given up.

use types::Millis;
use types::dead::LAPSES_MAX;
use types::ids::{ChunkNo, MessageId};
use types::life::{MessageState, Outcome};
use types::views::lanes::LaneEventKind;

use super::closing::{Closing, close};
use super::{Conn, Db, people, rows};
use crate::storage::chunks::{ChunkState, Poisoned};
use crate::storage::frame::Outcomes;
use crate::storage::people::AuditEntry;
use crate::storage::{Result, StorageError};

/// Ends the leases of these chunks (number, state of the message) inside the caller's transaction, which has locked them: back in
/// line, or set aside when that happened too often in a row.
pub async fn lapse(conn: &mut Conn, lapsed: &[(i64, i64)], now: Millis, not_before: Option<Millis>) -> Result<()> {
    // Chunks of paused and cancelled messages are held: the first wait for a resume, `settle` ends the others.
    let stopped = |state: i64| [MessageState::Paused.code(), MessageState::Cancelled.code()].contains(&state);
    let (held, free): (Vec<_>, Vec<_>) = lapsed.iter().partition(|(_, message)| stopped(*message));
    for (state, chunks) in [(ChunkState::Held, held), (ChunkState::Waiting, free)] {
        if chunks.is_empty() {
            continue;
        }
        let nos: Vec<i64> = chunks.into_iter().map(|(no, _)| no).collect();
        let aside: Vec<(i64, Option<i64>, Option<String>)> = sqlx::query_as(concat!(
            "UPDATE chunk SET state = CASE WHEN lapses + 1 >= $4 THEN 2 ELSE $2 END, \
             poisoned_at = CASE WHEN lapses + 1 >= $4 THEN $1 END, lapses = lapses + 1, lapsed = TRUE, fence = fence + 1, \
             lease_until = NULL, updated_at = $1, not_before = COALESCE($5, not_before) WHERE no IN (SELECT value FROM ",
            numbers!("$3"),
            " x) RETURNING no, CASE WHEN poisoned_at IS NULL THEN NULL ELSE lane_no END, lease_owner"
        ))
        .bind(now)
        .bind(state.code())
        .bind(rows::to_json("chunk.no", &nos)?)
        .bind(i64::from(LAPSES_MAX))
        .bind(not_before)
        .fetch_all(&mut *conn)
        .await?;
        for (no, lane_no, owner) in aside {
            let Some(lane_no) = lane_no else { continue };
            sqlx::query("INSERT INTO lane_event (lane_no, at, what, until, words, node) VALUES ($1, $2, $3, NULL, $4, $5)")
                .bind(lane_no)
                .bind(now)
                .bind(LaneEventKind::SetAside.slug())
                .bind(format!("chunk {no}: {LAPSES_MAX} leases in a row ended without progress"))
                .bind(owner.unwrap_or_default())
                .execute(&mut *conn)
                .await?;
        }
    }
    Ok(())
}

pub async fn lapse_one(conn: &mut Conn, no: ChunkNo, fence: i64, now: Millis, not_before: Millis) -> Result<()> {
    let held: Option<(i64, i64)> = sqlx::query_as(concat!(
        "SELECT c.no, m.state FROM chunk c JOIN message m ON m.no = c.message_no WHERE c.no = $1 AND c.fence = $2 AND c.state = 1",
        locked_with_message!()
    ))
    .bind(no.0)
    .bind(fence)
    .fetch_optional(&mut *conn)
    .await?;
    let held = held.ok_or(StorageError::Stale("chunk"))?;
    lapse(conn, &[held], now, Some(not_before)).await
}

type PoisonedRow = (i64, i64, String, i64, i64, i64, Millis, Millis);

pub async fn list(db: &Db, app_no: i64, limit: u32) -> Result<Vec<Poisoned>> {
    let found: Vec<PoisonedRow> = sqlx::query_as(
        "SELECT c.no, c.message_no, m.id, c.lane_no, c.vendor, c.count, c.poisoned_at, c.deadline \
         FROM chunk c JOIN message m ON m.no = c.message_no \
         WHERE c.app_no = $1 AND c.poisoned_at IS NOT NULL ORDER BY c.no DESC LIMIT $2",
    )
    .bind(app_no)
    .bind(i64::from(limit))
    .fetch_all(db.readers())
    .await?;
    found
        .into_iter()
        .map(|(no, message_no, message, lane_no, vendor, count, at, deadline)| {
            Ok(Poisoned {
                no: ChunkNo(no),
                message_no,
                message: MessageId::trusted(message),
                lane_no,
                vendor: rows::vendor("chunk.vendor", vendor)?,
                count: rows::number("chunk.count", count)?,
                at,
                deadline,
            })
        })
        .collect()
}

pub async fn by_lane(db: &Db) -> Result<Vec<(i64, u64)>> {
    let found: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT lane_no, COUNT(*) FROM chunk WHERE poisoned_at IS NOT NULL AND lane_no IS NOT NULL GROUP BY lane_no ORDER BY lane_no",
    )
    .fetch_all(db.readers())
    .await?;
    found.into_iter().map(|(lane, n)| Ok((lane, rows::number("chunk", n)?))).collect()
}

pub async fn try_again(conn: &mut Conn, app_no: i64, no: Option<ChunkNo>, now: Millis, audit: AuditEntry) -> Result<Vec<i64>> {
    let found: Vec<(i64, i64, i64)> = sqlx::query_as(concat!(
        "SELECT c.no, c.lane_no, m.state FROM chunk c JOIN message m ON m.no = c.message_no \
         WHERE c.app_no = $1 AND c.poisoned_at IS NOT NULL AND ($2 IS NULL OR c.no = $2) ORDER BY c.no",
        locked_with_message!()
    ))
    .bind(app_no)
    .bind(no.map(|no| no.0))
    .fetch_all(&mut *conn)
    .await?;
    let mut lanes = Vec::new();
    for (no, lane_no, message) in &found {
        // Of a paused message it waits for the resume.
        let running = [MessageState::Planning.code(), MessageState::Sending.code()].contains(message);
        let state = if running { ChunkState::Waiting } else { ChunkState::Held };
        sqlx::query("UPDATE chunk SET state = $2, poisoned_at = NULL, lapses = 0, not_before = 0, updated_at = $3 WHERE no = $1")
            .bind(no)
            .bind(state.code())
            .bind(now)
            .execute(&mut *conn)
            .await?;
        lanes.push(*lane_no);
    }
    if !found.is_empty() {
        people::append(conn, &audit).await?;
    }
    lanes.dedup();
    Ok(lanes)
}

pub async fn give_up(conn: &mut Conn, app_no: i64, no: ChunkNo, now: Millis, audit: AuditEntry) -> Result<Option<u64>> {
    let found: Vec<Closing> = sqlx::query_as(concat!(
        "SELECT c.no, c.message_no, c.app_no, c.vendor, c.lapsed, c.slots, c.started, m.state AS message_state, TRUE AS poisoned \
         FROM chunk c JOIN message m ON m.no = c.message_no WHERE c.no = $1 AND c.app_no = $2 AND c.poisoned_at IS NOT NULL",
        locked_with_message!()
    ))
    .bind(no.0)
    .bind(app_no)
    .fetch_all(&mut *conn)
    .await?;
    if found.is_empty() {
        return Ok(None);
    }
    let waiting: Vec<u8> =
        sqlx::query_scalar("SELECT bytes FROM chunk_outcomes WHERE chunk_no = $1").bind(no.0).fetch_one(&mut *conn).await?;
    let open = Outcomes::decode(&waiting)?.open().len();
    close(&mut *conn, found, Outcome::Expired, now).await?;
    people::append(conn, &audit).await?;
    Ok(Some(open as u64))
}
