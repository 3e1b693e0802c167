//! Dead letters.

use std::collections::BTreeSet;

use async_trait::async_trait;
use types::Millis;
use types::content::Content;
use types::ids::{CampaignId, MessageId};
use types::life::MessageState;
use types::listing::{Page, PageRequest};

use super::{Conn, Database, Db, joining, people, rows};
use crate::storage::dead_letters::{DeadFilter, DeadLetter, DeadLetters};
use crate::storage::messages::NewMessage;
use crate::storage::people::AuditEntry;
use crate::storage::tallies::{Delta, Measure};
use crate::storage::{Result, StorageError};

pub struct StoredDeadLetters {
    db: Db,
}

impl StoredDeadLetters {
    pub fn new(db: Db) -> StoredDeadLetters {
        StoredDeadLetters { db }
    }
}

/// Opens a line for each new kind of dead letter among these counters, inside the caller's transaction.
pub async fn note<'a>(conn: &mut Conn, deltas: impl Iterator<Item = &'a Delta>, now: Millis) -> Result<()> {
    // In one order everywhere, so that no two wait for each other.
    let mut found = BTreeSet::new();
    for delta in deltas.filter(|delta| delta.n > 0) {
        if let Measure::Outcome { outcome, reason, .. } = &delta.measure
            && types::dead::is_dead(*outcome, reason)
        {
            let vendor = rows::code_or_zero(delta.vendor);
            found.insert((delta.message_no, vendor, delta.measure.key(), delta.app_no, outcome.slug(), reason.as_str()));
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    sqlx::query(concat!(
        "INSERT INTO dead_letter (message_no, vendor, key, app_no, outcome, reason, at) \
         SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT), value ->> 2, CAST(value ->> 3 AS BIGINT), value ->> 4, \
         value ->> 5, $2 FROM ",
        lists!("$1"),
        " x WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.no = CAST(x.value ->> 0 AS BIGINT) AND m.origin = 'recall') \
         ON CONFLICT (message_no, vendor, key) DO NOTHING"
    ))
    .bind(rows::to_json("dead_letter", &found)?)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct DeadRow {
    no: i64,
    message_no: i64,
    vendor: i64,
    key: String,
    at: Millis,
    replay: Option<String>,
    replayed_at: Option<Millis>,
    id: String,
    campaign: Option<String>,
    content: String,
    state: i64,
    n: i64,
}

impl TryFrom<DeadRow> for DeadLetter {
    type Error = StorageError;

    fn try_from(row: DeadRow) -> Result<DeadLetter> {
        let Some(Measure::Outcome { outcome, reason, words }) = Measure::read(&row.key) else {
            return Err(rows::corrupt("dead_letter.key", "no outcome"));
        };
        let content: Content = rows::json("message.content", &row.content)?;
        Ok(DeadLetter {
            no: row.no,
            message_no: row.message_no,
            message: MessageId::trusted(row.id),
            title: if content.title.is_empty() { content.body } else { content.title },
            campaign: row.campaign.map(CampaignId::trusted),
            state: rows::word("message.state", row.state, MessageState::from_code)?,
            vendor: rows::vendor_or_none("dead_letter.vendor", row.vendor)?,
            outcome,
            reason,
            words,
            recipients: row.n.max(0).unsigned_abs(),
            at: row.at,
            replay: row.replay.map(MessageId::trusted).zip(row.replayed_at),
        })
    }
}

/// Every line with its count; ends inside its WHERE.
const LINES: &str = "SELECT d.no, d.message_no, d.vendor, d.key, d.at, d.replay, d.replayed_at, m.id, m.campaign, m.content, m.state, \
     (SELECT CAST(COALESCE(SUM(t.n), 0) AS BIGINT) FROM tally t \
      WHERE t.message_no = d.message_no AND t.vendor = d.vendor AND t.key = d.key) AS n \
     FROM dead_letter d JOIN message m ON m.no = d.message_no WHERE d.app_no = ";

#[async_trait]
impl DeadLetters for StoredDeadLetters {
    async fn list(&self, app_no: i64, filter: &DeadFilter, page: &PageRequest) -> Result<Page<DeadLetter>> {
        let mut query = sqlx::QueryBuilder::<Database>::new("SELECT * FROM (");
        query.push(LINES).push_bind(app_no);
        if let Some((at, no)) = page.after.as_deref().and_then(|cursor| cursor.split_once('.'))
            && let (Ok(at), Ok(no)) = (at.parse::<i64>(), no.parse::<i64>())
        {
            query.push(" AND (d.at, d.no) < (").push_bind(at).push(", ").push_bind(no).push(")");
        }
        if let Some(vendor) = filter.vendor {
            query.push(" AND d.vendor = ").push_bind(vendor.code());
        }
        if let Some(outcome) = filter.outcome {
            query.push(" AND d.outcome = ").push_bind(outcome.slug());
        }
        if let Some(reason) = &filter.reason {
            query.push(" AND d.reason = ").push_bind(reason);
        }
        if let Some(message) = &filter.message {
            query.push(" AND d.message_no = (SELECT no FROM message WHERE id = ").push_bind(message.as_str()).push(")");
        }
        if let Some(campaign) = &filter.campaign {
            query.push(" AND d.message_no IN (SELECT no FROM message WHERE campaign = ").push_bind(campaign.as_str()).push(")");
        }
        if let Some(from) = filter.from {
            query.push(" AND d.at >= ").push_bind(from);
        }
        if let Some(to) = filter.to {
            query.push(" AND d.at < ").push_bind(to);
        }
        match filter.replayed {
            Some(true) => query.push(" AND d.replay IS NOT NULL"),
            Some(false) => query.push(" AND d.replay IS NULL"),
            None => &mut query,
        };
        query.push(") line WHERE n > 0 ORDER BY at DESC, no DESC LIMIT ").push_bind(i64::from(page.size) + 1);
        let found: Vec<DeadRow> = query.build_query_as().persistent(false).fetch_all(self.db.readers()).await?;
        let found = Page::cut(found, page.size, |row| format!("{}.{}", row.at, row.no));
        Ok(Page { items: found.items.into_iter().map(DeadLetter::try_from).collect::<Result<_>>()?, next: found.next })
    }

    async fn get(&self, app_no: i64, nos: &[i64]) -> Result<Vec<DeadLetter>> {
        let mut query = sqlx::QueryBuilder::<Database>::new(LINES);
        query.push_bind(app_no).push(" AND d.no IN (");
        let mut list = query.separated(", ");
        for no in nos {
            list.push_bind(no);
        }
        if nos.is_empty() {
            return Ok(Vec::new());
        }
        query.push(") ORDER BY d.no");
        let found: Vec<DeadRow> = query.build_query_as().persistent(false).fetch_all(self.db.readers()).await?;
        found.into_iter().map(DeadLetter::try_from).collect()
    }

    async fn replay(&self, replays: Vec<(Vec<i64>, NewMessage)>, audit: AuditEntry) -> Result<Vec<i64>> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let mut given = Vec::with_capacity(replays.len());
                    for (lines, message) in &replays {
                        let taken = sqlx::query(concat!(
                            "UPDATE dead_letter SET replay = $1, replayed_at = $2 WHERE replay IS NULL AND no IN (SELECT value FROM ",
                            numbers!("$3"),
                            " x)"
                        ))
                        .bind(message.id.as_str())
                        .bind(message.now)
                        .bind(rows::to_json("dead_letter.no", lines)?)
                        .execute(&mut *conn)
                        .await?;
                        if taken.rows_affected() != lines.len() as u64 {
                            return Err(StorageError::Stale("dead letter"));
                        }
                        given.push(joining::insert_fresh(&mut *conn, message).await?);
                    }
                    people::append(conn, &audit).await?;
                    Ok(given)
                })
            })
            .await
    }
}
