//! Receipts.

use std::collections::BTreeMap;

use async_trait::async_trait;
use types::Millis;
use types::ids::MessageId;
use types::life::Outcome;
use types::receipt::ReceiptKind;
use types::vendor::Vendor;

use super::{Conn, Db, chunks, rows, tallies, words};
use crate::storage::frame::Outcomes;
use crate::storage::receipts::{Application, BackDoor, Mark, NewRaw, Orphan, Raw, RawEnd, Receipts};
use crate::storage::tallies::{Delta, Measure};
use crate::storage::{Result, StorageError};

/// Orphans kept for one app; more are given up and counted, so that a leaked client key cannot fill the disk.
const ORPHANS_PER_APP: i64 = 100_000;

pub struct StoredReceipts {
    db: Db,
}

impl StoredReceipts {
    pub fn new(db: Db) -> StoredReceipts {
        StoredReceipts { db }
    }
}

#[derive(sqlx::FromRow)]
struct RawRow {
    no: i64,
    app_no: i64,
    source: i64,
    received_at: Millis,
    content_type: String,
    query: String,
    signature: String,
    body: Vec<u8>,
    found: i64,
    refused: i64,
    error: Option<String>,
}

fn raw(row: RawRow) -> Result<(Raw, RawEnd)> {
    let vendor = rows::vendor_or_none("receipt_raw.source", row.source)?;
    let end = RawEnd {
        no: row.no,
        found: rows::number("receipt_raw.found", row.found)?,
        refused: rows::number("receipt_raw.refused", row.refused)?,
        error: row.error,
    };
    let body = NewRaw {
        app_no: row.app_no,
        vendor,
        received_at: row.received_at,
        content_type: row.content_type,
        query: row.query,
        signature: row.signature,
        body: row.body,
    };
    Ok((Raw { no: row.no, raw: body }, end))
}

/// Adds the bits chunk by chunk; what was new, and whose uncertain outcome they corrected, as deltas.
async fn mark(conn: &mut Conn, marks: &[Mark]) -> Result<Vec<Delta>> {
    let mut by_chunk: BTreeMap<i64, Vec<&Mark>> = BTreeMap::new();
    for mark in marks {
        by_chunk.entry(mark.chunk.0).or_default().push(mark);
    }
    let mut new: BTreeMap<(i64, i64, Option<Vendor>, u8), i64> = BTreeMap::new();
    let mut corrections = Vec::new();
    for (chunk, marks) in by_chunk {
        // Whoever holds the list of outcomes also writes the marks.
        let outcomes: Option<Vec<u8>> = sqlx::query_scalar(concat!("SELECT bytes FROM chunk_outcomes WHERE chunk_no = $1", locked!()))
            .bind(chunk)
            .fetch_optional(&mut *conn)
            .await?;
        // Its message may be gone by now.
        let Some(outcomes) = outcomes else { continue };
        let (mut bytes, mut changed) = (chunks::marks(&mut *conn, chunk).await?, false);
        let whose = marks.first().map(|m| (m.message_no, m.app_no, m.vendor));
        for mark in marks {
            bytes.resize(bytes.len().max(mark.count as usize), 0);
            let Some(byte) = bytes.get_mut(mark.index as usize) else { continue };
            let fresh = mark.bits & !*byte;
            *byte |= mark.bits;
            changed |= fresh != 0;
            for bit in (0..8).map(|i| 1u8 << i).filter(|bit| fresh & bit != 0) {
                *new.entry((mark.message_no, mark.app_no, mark.vendor, bit)).or_default() += 1;
            }
        }
        if changed {
            sqlx::query(
                "INSERT INTO chunk_marks (chunk_no, bytes) VALUES ($1, $2) ON CONFLICT (chunk_no) DO UPDATE SET bytes = excluded.bytes",
            )
            .bind(chunk)
            .bind(&bytes)
            .execute(&mut *conn)
            .await?;
        }
        let mut outcomes = Outcomes::decode(&outcomes)?;
        // Of a chunk that somebody works on the outcomes come later than the receipts; `record` keeps to what is written here.
        let waiting = outcomes.any(Outcome::Waiting) && chunks::tried(&mut *conn, chunk).await?;
        let believed = outcomes.believe(&bytes, waiting);
        if let (false, Some((message_no, app_no, vendor))) = (believed.is_empty(), whose) {
            sqlx::query("UPDATE chunk_outcomes SET bytes = $2 WHERE chunk_no = $1")
                .bind(chunk)
                .bind(outcomes.encode())
                .execute(&mut *conn)
                .await?;
            corrections.extend(believed.into_iter().flat_map(|(_, reason)| Delta::corrected(message_no, app_no, vendor, reason)));
        }
    }
    let deltas = new.into_iter().filter_map(|((message_no, app_no, vendor, bit), n)| {
        ReceiptKind::of_bit(bit).map(|kind| Delta { message_no, app_no, vendor, measure: Measure::Receipt(kind), n })
    });
    Ok(deltas.chain(corrections).collect())
}

async fn apply(conn: &mut Conn, application: Application) -> Result<u64> {
    let deltas = mark(conn, &application.marks).await?;
    tallies::add(conn, &deltas, application.now).await?;
    for end in &application.raws {
        let state = if end.error.is_some() { 2 } else { 1 };
        let ended = sqlx::query("UPDATE receipt_raw SET state = $2, found = $3, refused = $4, error = $5 WHERE no = $1 AND state = 0")
            .bind(end.no)
            .bind(state)
            .bind(i64::from(end.found))
            .bind(i64::from(end.refused))
            .bind(&end.error)
            .execute(&mut *conn)
            .await?;
        if ended.rows_affected() == 0 {
            // Another node took the same bodies and was faster: all of this is its doing already.
            return Err(StorageError::Stale("receipt"));
        }
    }
    let mut room: BTreeMap<i64, i64> = BTreeMap::new();
    for (fact, next_try) in &application.orphans {
        let left = match room.get(&fact.app_no) {
            Some(left) => *left,
            None => {
                let kept: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM receipt_orphan WHERE app_no = $1")
                    .bind(fact.app_no)
                    .fetch_one(&mut *conn)
                    .await?;
                ORPHANS_PER_APP - kept
            }
        };
        room.insert(fact.app_no, left - 1);
        if left <= 0 {
            drop_some(conn, fact.app_no, 1).await?;
            continue;
        }
        sqlx::query(
            "INSERT INTO receipt_orphan (app_no, source, message, fact, received_at, tries, next_try) VALUES ($1, $2, $3, $4, $5, 1, $6)",
        )
        .bind(fact.app_no)
        .bind(rows::code_or_zero(fact.vendor))
        .bind(fact.message.as_ref().map_or("", MessageId::as_str))
        .bind(rows::to_json("receipt_orphan.fact", fact)?)
        .bind(fact.received_at)
        .bind(next_try)
        .execute(&mut *conn)
        .await?;
    }
    if !application.joined.is_empty() {
        sqlx::query(concat!("DELETE FROM receipt_orphan WHERE no IN (SELECT value FROM ", numbers!("$1"), " x)"))
            .bind(rows::to_json("receipt_orphan.no", &application.joined)?)
            .execute(&mut *conn)
            .await?;
    }
    for (no, next_try) in &application.later {
        sqlx::query("UPDATE receipt_orphan SET tries = tries + 1, next_try = $2 WHERE no = $1")
            .bind(no)
            .bind(next_try)
            .execute(&mut *conn)
            .await?;
    }
    Ok(deltas.iter().filter(|d| matches!(d.measure, Measure::Receipt(_))).map(|d| d.n.unsigned_abs()).sum())
}

async fn drop_some(conn: &mut Conn, app_no: i64, n: i64) -> Result<()> {
    sqlx::query("INSERT INTO receipt_dropped (app_no, n) VALUES ($1, $2) ON CONFLICT (app_no) DO UPDATE SET n = receipt_dropped.n + $2")
        .bind(app_no)
        .bind(n)
        .execute(conn)
        .await?;
    Ok(())
}

const RAW: &str = "no, app_no, source, received_at, content_type, query, signature, body, found, refused, error";

#[async_trait]
impl Receipts for StoredReceipts {
    async fn append(&self, raw: NewRaw) -> Result<i64> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let no = sqlx::query_scalar(
                        "INSERT INTO receipt_raw (app_no, source, received_at, content_type, query, signature, body, state) \
                         VALUES ($1, $2, $3, $4, $5, $6, $7, 0) RETURNING no",
                    )
                    .bind(raw.app_no)
                    .bind(rows::code_or_zero(raw.vendor))
                    .bind(raw.received_at)
                    .bind(raw.content_type)
                    .bind(raw.query)
                    .bind(raw.signature)
                    .bind(raw.body)
                    .fetch_one(conn)
                    .await?;
                    Ok(no)
                })
            })
            .await
    }

    async fn take(&self, limit: u32) -> Result<Vec<Raw>> {
        let found: Vec<RawRow> =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT {RAW} FROM receipt_raw WHERE state = 0 ORDER BY no LIMIT $1")))
                .bind(i64::from(limit))
                .fetch_all(self.db.readers())
                .await?;
        found.into_iter().map(|row| raw(row).map(|(raw, _)| raw)).collect()
    }

    async fn apply(&self, application: Application) -> Result<u64> {
        self.db.write(move |conn| Box::pin(apply(conn, application))).await
    }

    async fn orphans_due(&self, now: Millis, known: i64, limit: u32) -> Result<Vec<Orphan>> {
        let found: Vec<(i64, String, i64)> = sqlx::query_as(
            "SELECT no, fact, tries FROM (SELECT no, fact, tries FROM receipt_orphan WHERE next_try <= $1 ORDER BY next_try LIMIT $3) due \
             UNION SELECT o.no, o.fact, o.tries FROM message m CROSS JOIN receipt_orphan o WHERE m.no > $2 AND o.message = m.id",
        )
        .bind(now)
        .bind(known)
        .bind(i64::from(limit))
        .fetch_all(self.db.readers())
        .await?;
        found
            .into_iter()
            .map(|(no, fact, tries)| {
                Ok(Orphan { no, fact: rows::json("receipt_orphan.fact", &fact)?, tries: rows::number("receipt_orphan.tries", tries)? })
            })
            .collect()
    }

    async fn newest_message(&self) -> Result<i64> {
        let newest: Option<i64> = sqlx::query_scalar("SELECT MAX(no) FROM message").fetch_one(self.db.readers()).await?;
        Ok(newest.unwrap_or(0))
    }

    async fn forget(&self, orphans_before: Millis, raws_before: Millis, limit: u32) -> Result<(u64, u64)> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let gone: Vec<i64> = sqlx::query_scalar(
                        "DELETE FROM receipt_orphan WHERE no IN \
                         (SELECT no FROM receipt_orphan WHERE received_at < $1 LIMIT $2) RETURNING app_no",
                    )
                    .bind(orphans_before)
                    .bind(i64::from(limit))
                    .fetch_all(&mut *conn)
                    .await?;
                    let mut by_app: BTreeMap<i64, i64> = BTreeMap::new();
                    for app in &gone {
                        *by_app.entry(*app).or_default() += 1;
                    }
                    for (app_no, n) in by_app {
                        drop_some(conn, app_no, n).await?;
                    }
                    let raws = sqlx::query(
                        "DELETE FROM receipt_raw WHERE no IN (SELECT no FROM receipt_raw WHERE state > 0 AND received_at < $1 LIMIT $2)",
                    )
                    .bind(raws_before)
                    .bind(i64::from(limit))
                    .execute(&mut *conn)
                    .await?;
                    let mut raws = raws.rows_affected();
                    if let Some(whole_days) = words::FORGET_DAYS {
                        raws += sqlx::query_scalar::<_, i64>(whole_days).bind(raws_before).fetch_one(conn).await?.unsigned_abs();
                    }
                    Ok((gone.len() as u64, raws))
                })
            })
            .await
    }

    async fn back_door(&self, app_no: i64) -> Result<BackDoor> {
        let (fresh, orphans, dropped): (i64, i64, Option<i64>) = sqlx::query_as(
            "SELECT (SELECT COUNT(*) FROM receipt_raw WHERE state = 0), (SELECT COUNT(*) FROM receipt_orphan WHERE app_no = $1), \
             (SELECT n FROM receipt_dropped WHERE app_no = $1)",
        )
        .bind(app_no)
        .fetch_one(self.db.readers())
        .await?;
        Ok(BackDoor {
            fresh: rows::number("receipt_raw", fresh)?,
            orphans: rows::number("receipt_orphan", orphans)?,
            dropped: rows::number("receipt_dropped", dropped.unwrap_or(0))?,
        })
    }

    async fn refused(&self, app_no: i64, limit: u32) -> Result<Vec<(Raw, RawEnd)>> {
        let found: Vec<RawRow> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "SELECT {RAW} FROM receipt_raw WHERE app_no = $1 AND error IS NOT NULL ORDER BY no DESC LIMIT $2"
        )))
        .bind(app_no)
        .bind(i64::from(limit))
        .fetch_all(self.db.readers())
        .await?;
        found.into_iter().map(raw).collect()
    }
}
