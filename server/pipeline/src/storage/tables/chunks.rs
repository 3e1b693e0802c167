//! Chunks: the queue.

use std::collections::BTreeMap;

use async_trait::async_trait;
use types::Millis;
use types::ids::ChunkNo;
use types::life::{MessageState, Outcome};
use types::vendor::Vendor;

use super::claims::{self, By, Claiming};
use super::closing::{Closing, close, ended_as};
use super::{Conn, Db, lines, planning, poison, resends, rows, slots, tallies};
use crate::storage::chunks::{Backlog, ChunkState, ChunkView, Chunks, Claimed, Flow, HandOver, InLine, Lease, Next, Poisoned, Step, Turn};
use crate::storage::frame::Outcomes;
use crate::storage::people::AuditEntry;
use crate::storage::tallies::{Delta, Measure};
use crate::storage::{Result, StorageError};

pub struct StoredChunks {
    db: Db,
}

impl StoredChunks {
    pub fn new(db: Db) -> StoredChunks {
        StoredChunks { db }
    }
}

/// One byte per recipient, or none at all.
pub(super) async fn marks(conn: &mut Conn, no: i64) -> Result<Vec<u8>> {
    let stored = sqlx::query_scalar("SELECT bytes FROM chunk_marks WHERE chunk_no = $1").bind(no).fetch_optional(conn).await?;
    Ok(stored.unwrap_or_default())
}

/// Whether a lane ever took this chunk: only then can anything of it have arrived.
pub(super) async fn tried(conn: &mut Conn, no: i64) -> Result<bool> {
    let attempts: Option<i64> = sqlx::query_scalar("SELECT attempts FROM chunk WHERE no = $1").bind(no).fetch_optional(conn).await?;
    Ok(attempts.is_some_and(|n| n > 0))
}

/// Receipts may have come before the outcome they prove, or while the chunk was in somebody's hands: what they corrected in
/// the store stays corrected and is counted once, and what this step calls uncertain or unanswered is believed to have arrived.
async fn believe(conn: &mut Conn, step: &mut Step, message_no: i64, app_no: i64, vendor: i64) -> Result<()> {
    // First the list: who corrects it by receipts holds it while they write the marks.
    let stored: Vec<u8> = sqlx::query_scalar(concat!("SELECT bytes FROM chunk_outcomes WHERE chunk_no = $1", locked!()))
        .bind(step.no.0)
        .fetch_one(&mut *conn)
        .await?;
    let marks = marks(conn, step.no.0).await?;
    if marks.is_empty() {
        return Ok(());
    }
    let stored = Outcomes::decode(&stored)?;
    let vendor = rows::vendor_or_none("chunk.vendor", vendor)?;
    let mut outcomes = Outcomes::decode(&step.outcomes)?;
    for i in step.open.iter().copied().filter(|i| stored.get(*i).0 == Outcome::Accepted) {
        let (outcome, reason) = outcomes.get(i);
        if outcome != Outcome::Waiting {
            let reason = reason.cloned().unwrap_or_default();
            let measure = Measure::Outcome { outcome, reason: reason.slug, words: reason.words };
            step.deltas.push(Delta { message_no, app_no, vendor, measure, n: -1 });
        }
        outcomes.set(i, Outcome::Accepted, None);
    }
    for (i, reason) in outcomes.believe(&marks, true) {
        if stored.get(i).0 != Outcome::Accepted {
            step.deltas.extend(Delta::corrected(message_no, app_no, vendor, reason));
        }
    }
    step.outcomes = outcomes.encode();
    Ok(())
}

#[derive(sqlx::FromRow)]
struct ViewRow {
    no: i64,
    message_no: i64,
    app_no: i64,
    vendor: i64,
    state: i64,
    count: i64,
    attempts: i64,
    started: i64,
    not_before: Millis,
    updated_at: Millis,
    why: String,
    recipients: Vec<u8>,
    outcomes: Vec<u8>,
    marks: Option<Vec<u8>>,
}

impl TryFrom<ViewRow> for ChunkView {
    type Error = StorageError;

    fn try_from(row: ViewRow) -> Result<ChunkView> {
        Ok(ChunkView {
            no: ChunkNo(row.no),
            message_no: row.message_no,
            app_no: row.app_no,
            vendor: rows::vendor_or_none("chunk.vendor", row.vendor)?,
            state: rows::word("chunk.state", row.state, ChunkState::from_code)?,
            count: rows::number("chunk.count", row.count)?,
            attempts: rows::number("chunk.attempts", row.attempts)?,
            started: rows::number("chunk.started", row.started)?,
            not_before: row.not_before,
            updated_at: row.updated_at,
            why: row.why,
            recipients: row.recipients,
            outcomes: row.outcomes,
            marks: row.marks.unwrap_or_default(),
        })
    }
}

async fn record(conn: &mut Conn, mut step: Step) -> Result<()> {
    let held: Option<(i64, i64, i64, i64, bool, bool)> = sqlx::query_as(concat!(
        "SELECT c.message_no, c.app_no, c.vendor, m.state, c.slots, c.resending FROM chunk c JOIN message m ON m.no = c.message_no \
         WHERE c.no = $1 AND c.fence = $2 AND c.state = 1",
        locked_with_message!()
    ))
    .bind(step.no.0)
    .bind(step.fence)
    .fetch_optional(&mut *conn)
    .await?;
    let (message_no, app_no, vendor, message_state, has_slots, resending) = held.ok_or(StorageError::Stale("chunk"))?;
    let message_state = rows::word("message.state", message_state, MessageState::from_code)?;
    if resending {
        return resends::record(conn, &step, vendor, message_state).await;
    }
    believe(conn, &mut step, message_no, app_no, vendor).await?;
    // What the step wished, seen in the light of what people did to the message meanwhile.
    let (state, not_before) = match (step.next, message_state) {
        (Next::Done, _) => (ChunkState::Done, 0),
        (_, MessageState::Cancelled) => {
            let mut outcomes = Outcomes::decode(&step.outcomes)?;
            let ended = outcomes.end_open(Outcome::Cancelled);
            step.outcomes = outcomes.encode();
            step.deltas.extend(ended_as(ended, message_no, app_no, rows::vendor_or_none("chunk.vendor", vendor)?));
            (ChunkState::Done, 0)
        }
        (Next::Wait { not_before }, MessageState::Paused) => (ChunkState::Held, not_before),
        (Next::Quiet { until }, MessageState::Paused) => (ChunkState::Held, until),
        (Next::Quiet { until }, _) => (ChunkState::Waiting, until),
        (Next::Hold | Next::Untouched, MessageState::Paused) => (ChunkState::Held, 0),
        (Next::Wait { not_before }, _) => (ChunkState::Waiting, not_before),
        (Next::Hold | Next::Untouched, _) => (ChunkState::Waiting, 0),
    };
    let held_until = if let Next::Quiet { until } = step.next { until } else { 0 };
    if has_slots {
        let before: Vec<u8> =
            sqlx::query_scalar("SELECT bytes FROM chunk_outcomes WHERE chunk_no = $1").bind(step.no.0).fetch_one(&mut *conn).await?;
        slots::give_back(conn, message_no, step.no.0, &Outcomes::decode(&before)?, &Outcomes::decode(&step.outcomes)?).await?;
    }
    sqlx::query(
        "UPDATE chunk SET state = $2, not_before = $3, lapsed = FALSE, lapses = 0, lease_owner = NULL, lease_until = NULL, updated_at = $4, \
         held_until = $5, attempts = CASE WHEN $6 THEN 0 ELSE attempts END WHERE no = $1",
    )
    .bind(step.no.0)
    .bind(state.code())
    .bind(not_before)
    .bind(step.now)
    .bind(held_until)
    .bind(step.next == Next::Untouched)
    .execute(&mut *conn)
    .await?;
    sqlx::query("UPDATE chunk_outcomes SET bytes = $2 WHERE chunk_no = $1")
        .bind(step.no.0)
        .bind(&step.outcomes)
        .execute(&mut *conn)
        .await?;
    resends::remember(conn, vendor, &step).await?;
    tallies::add(conn, &step.deltas, step.now).await
}

async fn hand_over(conn: &mut Conn, over: HandOver) -> Result<()> {
    let held: Option<(i64, i64)> = sqlx::query_as(concat!(
        "SELECT c.message_no, c.app_no FROM chunk c JOIN message m ON m.no = c.message_no \
         WHERE c.no = $1 AND c.fence = $2 AND c.state = 1 AND m.state IN (0, 1)",
        locked_with_message!()
    ))
    .bind(over.no.0)
    .bind(over.fence)
    .fetch_optional(&mut *conn)
    .await?;
    let (message_no, app_no) = held.ok_or(StorageError::Stale("chunk"))?;
    for statement in [
        "DELETE FROM chunk_recipients WHERE chunk_no = $1",
        "DELETE FROM chunk_outcomes WHERE chunk_no = $1",
        "DELETE FROM chunk_marks WHERE chunk_no = $1",
        "DELETE FROM chunk WHERE no = $1",
    ] {
        sqlx::query(statement).bind(over.no.0).execute(&mut *conn).await?;
    }
    let chunks: Vec<_> = over.chunks.iter().map(|chunk| (message_no, app_no, chunk)).collect();
    planning::insert(&mut *conn, &chunks, over.now).await?;
    for chunk in over.chunks.iter().filter(|chunk| chunk.policy.slots) {
        slots::moved(&mut *conn, message_no, chunk.vendor, &chunk.recipients).await?;
    }
    tallies::add(conn, over.deltas.iter().chain(over.chunks.iter().flat_map(|c| &c.deltas)), over.now).await
}

#[async_trait]
impl Chunks for StoredChunks {
    async fn lease(&self, lane_no: i64, lease: Lease<'_>, max: u32, priority: i64) -> Result<Vec<Claimed>> {
        let Lease { owner, now, until, started } = lease;
        let asked = Claiming { lane_no, owner: owner.to_owned(), now, until, max, priority, started, by: By::Deadline };
        claims::claimed(&self.db, asked).await
    }

    async fn lease_in_turn(&self, lane_no: i64, lease: Lease<'_>, max: u32, priority: i64, turn: &Turn) -> Result<Vec<Claimed>> {
        let Lease { owner, now, until, started } = lease;
        let by = By::Turn(turn.clone());
        claims::claimed(&self.db, Claiming { lane_no, owner: owner.to_owned(), now, until, max, priority, started, by }).await
    }

    async fn flows(&self, lane_no: i64, priority: i64, now: Millis) -> Result<Vec<Flow>> {
        lines::flows(&self.db, lane_no, priority, now).await
    }

    async fn begin(&self, no: ChunkNo, fence: i64, started: u32) -> Result<()> {
        self.db
            .write_once(move |conn| {
                Box::pin(async move {
                    let done = sqlx::query("UPDATE chunk SET started = $3, lapses = 0 WHERE no = $1 AND fence = $2 AND state = 1")
                        .bind(no.0)
                        .bind(fence)
                        .bind(i64::from(started))
                        .execute(conn)
                        .await?;
                    if done.rows_affected() == 0 { Err(StorageError::Stale("chunk")) } else { Ok(()) }
                })
            })
            .await
    }

    async fn claim_untouched(
        &self,
        lane_no: i64,
        owner: &str,
        now: Millis,
        lease_until: Millis,
        max: u32,
        priority: i64,
    ) -> Result<Vec<Claimed>> {
        let (owner, by) = (owner.to_owned(), By::Untouched);
        claims::claimed(&self.db, Claiming { lane_no, owner, now, until: lease_until, max, priority, started: 0, by }).await
    }

    async fn hand_over(&self, over: HandOver) -> Result<()> {
        self.db.write(move |conn| Box::pin(hand_over(conn, over))).await
    }

    async fn renew(&self, no: ChunkNo, fence: i64, lease_until: Millis) -> Result<()> {
        self.db
            .write_once(move |conn| {
                Box::pin(async move {
                    let done = sqlx::query("UPDATE chunk SET lease_until = $3 WHERE no = $1 AND fence = $2 AND state = 1")
                        .bind(no.0)
                        .bind(fence)
                        .bind(lease_until)
                        .execute(conn)
                        .await?;
                    if done.rows_affected() == 0 { Err(StorageError::Stale("chunk")) } else { Ok(()) }
                })
            })
            .await
    }

    async fn record(&self, step: Step) -> Result<()> {
        self.db.write(move |conn| Box::pin(record(conn, step))).await
    }

    async fn release_lapsed(&self, now: Millis, sole_owner: Option<&str>) -> Result<u64> {
        let owner = sole_owner.map(str::to_owned);
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let lapsed: Vec<(i64, i64)> = sqlx::query_as(concat!(
                        "SELECT c.no, m.state FROM chunk c JOIN message m ON m.no = c.message_no \
                         WHERE c.state = 1 AND (c.lease_until < $1 OR ($2 IS NOT NULL AND c.lease_owner <> $2))",
                        locked_with_message!()
                    ))
                    .bind(now)
                    .bind(owner)
                    .fetch_all(&mut *conn)
                    .await?;
                    poison::lapse(conn, &lapsed, now, None).await?;
                    Ok(lapsed.len() as u64)
                })
            })
            .await
    }

    async fn lapse(&self, no: ChunkNo, fence: i64, now: Millis, not_before: Millis) -> Result<()> {
        self.db.write(move |conn| Box::pin(poison::lapse_one(conn, no, fence, now, not_before))).await
    }

    async fn poisoned(&self, app_no: i64, limit: u32) -> Result<Vec<Poisoned>> {
        poison::list(&self.db, app_no, limit).await
    }

    async fn poisoned_by_lane(&self) -> Result<Vec<(i64, u64)>> {
        poison::by_lane(&self.db).await
    }

    async fn try_again(&self, app_no: i64, no: Option<ChunkNo>, now: Millis, audit: AuditEntry) -> Result<Vec<i64>> {
        self.db.write(move |conn| Box::pin(poison::try_again(conn, app_no, no, now, audit))).await
    }

    async fn give_up(&self, app_no: i64, no: ChunkNo, now: Millis, audit: AuditEntry) -> Result<Option<u64>> {
        self.db.write(move |conn| Box::pin(poison::give_up(conn, app_no, no, now, audit))).await
    }

    async fn expire(&self, now: Millis, limit: u32) -> Result<u64> {
        // Most looks find nothing: they need not stand in the writer's line.
        let any: Option<i64> = sqlx::query_scalar("SELECT no FROM chunk WHERE state IN (0, 2) AND deadline < $1 LIMIT 1")
            .bind(now)
            .fetch_optional(self.db.readers())
            .await?;
        if any.is_none() {
            return Ok(0);
        }
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let late: Vec<Closing> = sqlx::query_as(concat!(
                        "SELECT c.no, c.message_no, c.app_no, c.vendor, c.lapsed, c.slots, c.started, m.state AS message_state, \
                         c.poisoned_at IS NOT NULL AS poisoned FROM chunk c JOIN message m ON m.no = c.message_no \
                         WHERE c.state IN (0, 2) AND c.deadline < $1 ORDER BY c.deadline LIMIT $2",
                        unless_held!("c")
                    ))
                    .bind(now)
                    .bind(i64::from(limit))
                    .fetch_all(&mut *conn)
                    .await?;
                    close(conn, late, Outcome::Expired, now).await
                })
            })
            .await
    }

    async fn view(&self, no: ChunkNo) -> Result<Option<ChunkView>> {
        let row: Option<ViewRow> = sqlx::query_as(
            "SELECT c.no, c.message_no, c.app_no, c.vendor, c.state, c.count, c.attempts, c.started, c.not_before, c.updated_at, c.why, \
             r.bytes AS recipients, o.bytes AS outcomes, k.bytes AS marks \
             FROM chunk c JOIN chunk_recipients r ON r.chunk_no = c.no JOIN chunk_outcomes o ON o.chunk_no = c.no \
             LEFT JOIN chunk_marks k ON k.chunk_no = c.no WHERE c.no = $1",
        )
        .bind(no.0)
        .fetch_optional(self.db.readers())
        .await?;
        row.map(ChunkView::try_from).transpose()
    }

    async fn of_message(&self, message_no: i64, after: ChunkNo, limit: u32) -> Result<Vec<ChunkView>> {
        let found: Vec<ViewRow> = sqlx::query_as(concat!(
            "SELECT c.no, c.message_no, c.app_no, c.vendor, c.state, c.count, c.attempts, c.started, c.not_before, c.updated_at, c.why, \
             r.bytes AS recipients, o.bytes AS outcomes, k.bytes AS marks \
             FROM (SELECT no FROM chunk",
            by_index!("chunk_key"),
            " WHERE message_no = $1 AND no > $2 ORDER BY no LIMIT $3) page \
             JOIN chunk c ON c.no = page.no \
             JOIN chunk_recipients r ON r.chunk_no = c.no JOIN chunk_outcomes o ON o.chunk_no = c.no \
             LEFT JOIN chunk_marks k ON k.chunk_no = c.no ORDER BY c.no"
        ))
        .bind(message_no)
        .bind(after.0)
        .bind(i64::from(limit))
        .fetch_all(self.db.readers())
        .await?;
        found.into_iter().map(ChunkView::try_from).collect()
    }

    async fn holding(&self, message_no: i64, key: i64) -> Result<Vec<ChunkView>> {
        let found: Vec<ViewRow> = sqlx::query_as(
            "SELECT c.no, c.message_no, c.app_no, c.vendor, c.state, c.count, c.attempts, c.started, c.not_before, c.updated_at, c.why, \
             r.bytes AS recipients, o.bytes AS outcomes, k.bytes AS marks \
             FROM chunk c JOIN chunk_recipients r ON r.chunk_no = c.no JOIN chunk_outcomes o ON o.chunk_no = c.no \
             LEFT JOIN chunk_marks k ON k.chunk_no = c.no \
             WHERE c.message_no = $1 AND c.first_key <= $2 AND c.last_key >= $2 ORDER BY c.no",
        )
        .bind(message_no)
        .bind(key)
        .fetch_all(self.db.readers())
        .await?;
        found.into_iter().map(ChunkView::try_from).collect()
    }

    async fn references(&self, no: ChunkNo) -> Result<Vec<String>> {
        lines::references(&self.db, no).await
    }

    async fn shared_references(&self, message_no: i64, vendor: Vendor) -> Result<Vec<String>> {
        lines::shared_references(&self.db, message_no, vendor).await
    }

    async fn by_reference(&self, vendor: Vendor, reference: &str) -> Result<Option<ChunkNo>> {
        let no: Option<i64> = sqlx::query_scalar("SELECT chunk_no FROM chunk_reference WHERE vendor = $1 AND reference = $2")
            .bind(vendor.code())
            .bind(reference)
            .fetch_optional(self.db.readers())
            .await?;
        Ok(no.map(ChunkNo))
    }

    async fn onward_due(&self, now: Millis, limit: u32) -> Result<Vec<ChunkNo>> {
        let found: Vec<i64> = sqlx::query_scalar("SELECT chunk_no FROM onward WHERE due_at <= $1 ORDER BY due_at LIMIT $2")
            .bind(now)
            .bind(i64::from(limit))
            .fetch_all(self.db.readers())
            .await?;
        Ok(found.into_iter().map(ChunkNo).collect())
    }

    async fn onward_later(&self, nos: &[ChunkNo], at: Millis) -> Result<()> {
        resends::put_off(&self.db, nos, at).await
    }

    async fn onward_done(&self, nos: &[ChunkNo]) -> Result<()> {
        if nos.is_empty() {
            return Ok(());
        }
        let nos = rows::to_json("chunk.no", &nos.iter().map(|no| no.0).collect::<Vec<_>>())?;
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    sqlx::query(concat!("DELETE FROM onward WHERE chunk_no IN (SELECT value FROM ", numbers!("$1"), " x)"))
                        .bind(nos)
                        .execute(conn)
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    async fn next_due(&self, lane_no: i64) -> Result<Option<Millis>> {
        Ok(sqlx::query_scalar("SELECT MIN(not_before) FROM chunk WHERE lane_no = $1 AND state = 0")
            .bind(lane_no)
            .fetch_one(self.db.readers())
            .await?)
    }

    async fn leases(&self) -> Result<Vec<(String, u64)>> {
        let found: Vec<(String, i64)> = sqlx::query_as(
            "SELECT lease_owner, COUNT(*) FROM chunk WHERE state = 1 AND lease_owner IS NOT NULL GROUP BY lease_owner ORDER BY lease_owner",
        )
        .fetch_all(self.db.readers())
        .await?;
        found.into_iter().map(|(owner, n)| Ok((owner, rows::number("chunk", n)?))).collect()
    }

    async fn backlog(&self) -> Result<Vec<(i64, Backlog)>> {
        let found: Vec<(i64, i64, i64, Option<Millis>)> = sqlx::query_as(
            "SELECT lane_no, COUNT(*), CAST(SUM(count) AS BIGINT), MIN(created_at) FROM chunk WHERE state = 0 AND lane_no IS NOT NULL GROUP BY lane_no",
        )
        .fetch_all(self.db.readers())
        .await?;
        let mut out = BTreeMap::new();
        for (lane, chunks, recipients, oldest) in found {
            let backlog = Backlog { chunks: rows::number("backlog", chunks)?, recipients: rows::number("backlog", recipients)?, oldest };
            out.insert(lane, backlog);
        }
        Ok(out.into_iter().collect())
    }

    async fn line(&self, lane_no: i64) -> Result<Vec<InLine>> {
        lines::of_lane(&self.db, lane_no).await
    }

    async fn ends(&self, message_no: i64) -> Result<Vec<(Vendor, Millis)>> {
        lines::ends(&self.db, message_no).await
    }
}
