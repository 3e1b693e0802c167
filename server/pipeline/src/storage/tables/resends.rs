//! Resends by the same lane. The chunk goes back in line with a list of its own; its outcomes and counters stay as they are.

use std::collections::BTreeMap;

use async_trait::async_trait;
use types::Millis;
use types::ids::ChunkNo;
use types::life::{MessageState, Outcome};

use super::{Conn, Db, people, rows, tallies};
use crate::storage::chunks::{ChunkState, Next, Step};
use crate::storage::frame::Outcomes;
use crate::storage::resends::{Again, InBackground, Resends, Resent};
use crate::storage::{Result, StorageError};

pub struct StoredResends {
    db: Db,
}

impl StoredResends {
    pub fn new(db: Db) -> StoredResends {
        StoredResends { db }
    }
}

async fn again(conn: &mut Conn, again: Again) -> Result<bool> {
    let held: Option<(i64, i64)> = sqlx::query_as(concat!(
        "SELECT c.count, m.state FROM chunk c JOIN message m ON m.no = c.message_no \
         WHERE c.no = $1 AND c.state = 3 AND c.resends = $2 AND c.deadline > $3 AND c.lane_no IS NOT NULL",
        locked_with_message!()
    ))
    .bind(again.no.0)
    .bind(i64::from(again.seen))
    .bind(again.now)
    .fetch_optional(&mut *conn)
    .await?;
    let Some((count, message)) = held else { return Ok(false) };
    let count: usize = rows::number("chunk.count", count)?;
    let stopped = [MessageState::Paused.code(), MessageState::Cancelled.code()].contains(&message);
    let places: Vec<usize> = again.places.iter().map(|place| *place as usize).filter(|place| *place < count).collect();
    if stopped || places.is_empty() {
        return Ok(false);
    }
    let known: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT times FROM chunk_resend WHERE chunk_no = $1").bind(again.no.0).fetch_optional(&mut *conn).await?;
    let mut times = known.unwrap_or_default();
    times.resize(count, 0);
    let mut list = Outcomes::waiting(count);
    for place in 0..count {
        list.set(place, Outcome::Cancelled, None);
    }
    for place in &places {
        list.set(*place, Outcome::Waiting, None);
        if let Some(n) = times.get_mut(*place) {
            *n = n.saturating_add(1);
        }
    }
    sqlx::query(
        "INSERT INTO chunk_resend (chunk_no, bytes, times) VALUES ($1, $2, $3) \
         ON CONFLICT (chunk_no) DO UPDATE SET bytes = excluded.bytes, times = excluded.times",
    )
    .bind(again.no.0)
    .bind(list.encode())
    .bind(times)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "UPDATE chunk SET state = $2, resending = TRUE, resends = resends + 1, not_before = 0, lapsed = FALSE, lapses = 0, \
         updated_at = $3 WHERE no = $1",
    )
    .bind(again.no.0)
    .bind(ChunkState::Waiting.code())
    .bind(again.now)
    .execute(&mut *conn)
    .await?;
    sqlx::query("DELETE FROM onward WHERE chunk_no = $1").bind(again.no.0).execute(&mut *conn).await?;
    forget_places(&mut *conn, again.no, &again.places).await?;
    if let Some(audit) = &again.audit {
        people::append(conn, audit).await?;
    }
    Ok(true)
}

async fn forget_places(conn: &mut Conn, no: ChunkNo, places: &[u32]) -> Result<()> {
    sqlx::query(concat!("DELETE FROM resend_foreground WHERE chunk_no = $1 AND place IN (SELECT value FROM ", numbers!("$2"), " x)"))
        .bind(no.0)
        .bind(rows::to_json("resend_foreground.place", &places)?)
        .execute(conn)
        .await?;
    Ok(())
}

/// The lists of chunks that are in line for a resend, without those heard of meanwhile.
pub(super) async fn lists(db: &Db, nos: &[i64]) -> Result<BTreeMap<i64, Vec<u8>>> {
    let found: Vec<(i64, Vec<u8>, Option<Vec<u8>>)> = sqlx::query_as(concat!(
        "SELECT r.chunk_no, r.bytes, k.bytes FROM chunk_resend r LEFT JOIN chunk_marks k ON k.chunk_no = r.chunk_no \
         WHERE r.chunk_no IN (SELECT value FROM ",
        numbers!("$1"),
        " x)"
    ))
    .bind(rows::to_json("chunk.no", &nos)?)
    .fetch_all(db.readers())
    .await?;
    found
        .into_iter()
        .map(|(no, list, marks)| {
            let mut list = Outcomes::decode(&list)?;
            list.heard(&marks.unwrap_or_default());
            Ok((no, list.encode()))
        })
        .collect()
}

/// By which words receipts will name it, and when they are due.
pub(super) async fn remember(conn: &mut Conn, vendor: i64, step: &Step) -> Result<()> {
    if !step.references.is_empty() {
        sqlx::query(concat!(
            "INSERT INTO chunk_reference (vendor, reference, chunk_no) SELECT $1, value, $2 FROM ",
            texts!("$3"),
            " x WHERE true \
             ON CONFLICT (vendor, reference) DO NOTHING"
        ))
        .bind(vendor)
        .bind(step.no.0)
        .bind(rows::to_json("chunk_reference", &step.references)?)
        .execute(&mut *conn)
        .await?;
    }
    if let Some(due_at) = step.onward {
        sqlx::query("INSERT INTO onward (chunk_no, due_at) VALUES ($1, $2) ON CONFLICT (chunk_no) DO UPDATE SET due_at = excluded.due_at")
            .bind(step.no.0)
            .bind(due_at)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// Receipts of these are looked for later.
pub(super) async fn put_off(db: &Db, nos: &[ChunkNo], at: Millis) -> Result<()> {
    if nos.is_empty() {
        return Ok(());
    }
    let nos = rows::to_json("chunk.no", &nos.iter().map(|no| no.0).collect::<Vec<_>>())?;
    db.write(move |conn| {
        Box::pin(async move {
            sqlx::query(concat!("UPDATE onward SET due_at = $2 WHERE chunk_no IN (SELECT value FROM ", numbers!("$1"), " x)"))
                .bind(nos)
                .bind(at)
                .execute(conn)
                .await?;
            Ok(())
        })
    })
    .await
}

/// The end of a step of a resend: no outcome is counted, for every one stands already.
pub(super) async fn record(conn: &mut Conn, step: &Step, vendor: i64, message: MessageState) -> Result<()> {
    let (state, not_before) = match (step.next, message) {
        (Next::Done, _) | (_, MessageState::Cancelled) => (ChunkState::Done, 0),
        (Next::Wait { not_before }, MessageState::Paused) => (ChunkState::Held, not_before),
        (Next::Quiet { until }, MessageState::Paused) => (ChunkState::Held, until),
        (Next::Hold | Next::Untouched, MessageState::Paused) => (ChunkState::Held, 0),
        (Next::Wait { not_before }, _) => (ChunkState::Waiting, not_before),
        (Next::Quiet { until }, _) => (ChunkState::Waiting, until),
        (Next::Hold | Next::Untouched, _) => (ChunkState::Waiting, 0),
    };
    let held_until = if let Next::Quiet { until } = step.next { until } else { 0 };
    let done = sqlx::query(
        "UPDATE chunk SET state = $2, not_before = $3, lapsed = FALSE, lapses = 0, lease_owner = NULL, lease_until = NULL, \
         updated_at = $4, held_until = $5, resending = $6 WHERE no = $1 AND resending = TRUE",
    )
    .bind(step.no.0)
    .bind(state.code())
    .bind(not_before)
    .bind(step.now)
    .bind(held_until)
    .bind(state != ChunkState::Done)
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Err(StorageError::Stale("resend"));
    }
    sqlx::query("UPDATE chunk_resend SET bytes = $2 WHERE chunk_no = $1").bind(step.no.0).bind(&step.outcomes).execute(&mut *conn).await?;
    remember(&mut *conn, vendor, step).await?;
    tallies::add(conn, &step.deltas, step.now).await
}

#[async_trait]
impl Resends for StoredResends {
    async fn of(&self, no: ChunkNo) -> Result<Resent> {
        let found: Option<(i64, Option<Vec<u8>>, Option<Vec<u8>>)> =
            sqlx::query_as("SELECT c.resends, r.times, r.bytes FROM chunk c LEFT JOIN chunk_resend r ON r.chunk_no = c.no WHERE c.no = $1")
                .bind(no.0)
                .fetch_optional(self.db.readers())
                .await?;
        let Some((rounds, times, last)) = found else { return Ok(Resent::default()) };
        Ok(Resent {
            rounds: rows::number("chunk.resends", rounds)?,
            times: times.unwrap_or_default(),
            last: last.map(|bytes| Outcomes::decode(&bytes)).transpose()?,
        })
    }

    async fn again(&self, asked: Again) -> Result<bool> {
        self.db.write(move |conn| Box::pin(again(conn, asked))).await
    }

    async fn hold(&self, no: ChunkNo, held: Vec<InBackground>, deadline: Millis) -> Result<()> {
        let list: Vec<(u32, i64)> = held.iter().map(|one| (one.place, one.device_no)).collect();
        let list = rows::to_json("resend_foreground", &list)?;
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    sqlx::query(concat!(
                        "INSERT INTO resend_foreground (chunk_no, place, device_no, deadline) \
                         SELECT $1, CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT), $3 FROM ",
                        lists!("$2"),
                        " x WHERE true ON CONFLICT (chunk_no, place) DO NOTHING"
                    ))
                    .bind(no.0)
                    .bind(list)
                    .bind(deadline)
                    .execute(conn)
                    .await?;
                    Ok(())
                })
            })
            .await
    }

    async fn held(&self, no: ChunkNo) -> Result<Vec<u32>> {
        let found: Vec<i64> = sqlx::query_scalar("SELECT place FROM resend_foreground WHERE chunk_no = $1 ORDER BY place")
            .bind(no.0)
            .fetch_all(self.db.readers())
            .await?;
        found.into_iter().map(|place| rows::number("resend_foreground.place", place)).collect()
    }

    async fn foreground(&self, device_no: i64, now: Millis) -> Result<u64> {
        // Almost nobody waits: most calls need not stand in the writer's line.
        let any: Option<i64> =
            sqlx::query_scalar("SELECT place FROM resend_foreground WHERE device_no = $1 AND ready_at IS NULL AND deadline > $2 LIMIT 1")
                .bind(device_no)
                .bind(now)
                .fetch_optional(self.db.readers())
                .await?;
        if any.is_none() {
            return Ok(0);
        }
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let woken = sqlx::query(
                        "UPDATE resend_foreground SET ready_at = $2 WHERE device_no = $1 AND ready_at IS NULL AND deadline > $2",
                    )
                    .bind(device_no)
                    .bind(now)
                    .execute(conn)
                    .await?;
                    Ok(woken.rows_affected())
                })
            })
            .await
    }

    async fn ready(&self, now: Millis, limit: u32) -> Result<Vec<(ChunkNo, Vec<u32>)>> {
        let found: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT chunk_no, place FROM resend_foreground WHERE ready_at IS NOT NULL AND ready_at <= $1 ORDER BY ready_at LIMIT $2",
        )
        .bind(now)
        .bind(i64::from(limit))
        .fetch_all(self.db.readers())
        .await?;
        let mut by_chunk: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
        for (no, place) in found {
            by_chunk.entry(no).or_default().push(rows::number("resend_foreground.place", place)?);
        }
        Ok(by_chunk.into_iter().map(|(no, places)| (ChunkNo(no), places)).collect())
    }

    async fn later(&self, no: ChunkNo, at: Millis) -> Result<()> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    sqlx::query("UPDATE resend_foreground SET ready_at = $2 WHERE chunk_no = $1 AND ready_at IS NOT NULL")
                        .bind(no.0)
                        .bind(at)
                        .execute(conn)
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    async fn released(&self, no: ChunkNo, places: Vec<u32>) -> Result<()> {
        self.db.write(move |conn| Box::pin(async move { forget_places(conn, no, &places).await })).await
    }

    async fn forget(&self, now: Millis, limit: u32) -> Result<u64> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let gone = sqlx::query(
                        "DELETE FROM resend_foreground WHERE (chunk_no, place) IN \
                         (SELECT chunk_no, place FROM resend_foreground WHERE deadline < $1 LIMIT $2)",
                    )
                    .bind(now)
                    .bind(i64::from(limit))
                    .execute(conn)
                    .await?;
                    Ok(gone.rows_affected())
                })
            })
            .await
    }
}
