//! Messages.

use async_trait::async_trait;
use types::Millis;
use types::content::{MessageClass, Rank};
use types::ids::{CampaignId, MessageId};
use types::life::{MessageState, Outcome};
use types::listing::{Page, PageRequest};
use types::vendor::Vendor;

use super::closing::{self, Closing};
use super::joining::Line;
use super::{Conn, Db, planning, rows};
use crate::storage::messages::{Inserted, Message, MessageFilter, Messages, NewMessage, Origin, PlanStep};
use crate::storage::{Result, StorageError};

/// Chunks ended in one transaction by a cancel, so that no other writer waits long behind it.
const CLOSE_MAX: i64 = 200;

pub struct StoredMessages {
    db: Db,
    line: Line,
}

impl StoredMessages {
    pub fn new(db: Db) -> StoredMessages {
        StoredMessages { db, line: Line::default() }
    }

    /// Ends the held chunks of a cancelled message, part by part. Returns the recipients cancelled.
    async fn close_held(&self, no: i64, now: Millis) -> Result<u64> {
        let mut cancelled = 0;
        loop {
            let (chunks, recipients) = self
                .db
                .write(move |conn| {
                    Box::pin(async move {
                        sqlx::query(concat!("SELECT no FROM message WHERE no = $1", locked!())).bind(no).execute(&mut *conn).await?;
                        let held: Vec<Closing> = sqlx::query_as(concat!(
                            "SELECT no, message_no, app_no, vendor, lapsed, slots, started, CAST(4 AS BIGINT) AS message_state, \
                             poisoned_at IS NOT NULL AS poisoned FROM chunk \
                             WHERE message_no = $1 AND state = 2 AND state < 3 LIMIT $2",
                            locked!()
                        ))
                        .bind(no)
                        .bind(CLOSE_MAX)
                        .fetch_all(&mut *conn)
                        .await?;
                        let chunks = held.len() as i64;
                        let recipients = closing::close(&mut *conn, held, Outcome::Cancelled, now).await?;
                        if chunks < CLOSE_MAX {
                            // A leased chunk ends by itself; `settle` looks again.
                            sqlx::query(
                                "UPDATE message SET finished_at = $2 WHERE no = $1 AND state = 4 AND finished_at IS NULL \
                                 AND NOT EXISTS (SELECT 1 FROM chunk c WHERE c.message_no = message.no AND c.state < 3)",
                            )
                            .bind(no)
                            .bind(now)
                            .execute(conn)
                            .await?;
                        }
                        Ok((chunks, recipients))
                    })
                })
                .await?;
            cancelled += recipients;
            if chunks < CLOSE_MAX {
                return Ok(cancelled);
            }
        }
    }
}

#[derive(sqlx::FromRow)]
struct MessageRow {
    no: i64,
    id: String,
    app_no: i64,
    campaign: Option<String>,
    origin: String,
    class: String,
    priority: i64,
    business: String,
    content: String,
    variables: String,
    targets: String,
    vendor_order: String,
    state: i64,
    cursor: i64,
    deadline: Millis,
    account: String,
    address: String,
    created_at: Millis,
    finished_at: Option<Millis>,
    forgotten_at: Option<Millis>,
    versions: Option<String>,
    hours: Option<String>,
}

impl TryFrom<MessageRow> for Message {
    type Error = StorageError;

    fn try_from(row: MessageRow) -> Result<Message> {
        Ok(Message {
            no: row.no,
            id: MessageId::trusted(row.id),
            app_no: row.app_no,
            campaign: row.campaign.map(CampaignId::trusted),
            origin: rows::slug("message.origin", &row.origin, Origin::parse)?,
            class: rows::slug("message.class", &row.class, MessageClass::parse)?,
            rank: Rank::of_priority(row.priority),
            business: row.business,
            content: rows::json("message.content", &row.content)?,
            variables: rows::json("message.variables", &row.variables)?,
            targets: rows::json("message.targets", &row.targets)?,
            vendor_order: rows::json("message.vendor_order", &row.vendor_order)?,
            state: rows::word("message.state", row.state, MessageState::from_code)?,
            cursor: row.cursor,
            deadline: row.deadline,
            account: row.account,
            address: row.address,
            created_at: row.created_at,
            finished_at: row.finished_at,
            forgotten_at: row.forgotten_at,
            versions: row.versions.map(|text| rows::json("message.versions", &text)).transpose()?,
            hours: row.hours.map(|text| rows::json("message.hours", &text)).transpose()?,
        })
    }
}

async fn change_state(conn: &mut Conn, message: &'static str, chunks: &'static str, no: i64) -> Result<bool> {
    if sqlx::query(message).bind(no).execute(&mut *conn).await?.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query(chunks).bind(no).execute(conn).await?;
    Ok(true)
}

impl StoredMessages {
    /// By the index of creation times: an old day is found as fast as today.
    async fn list_by_time(&self, app_no: i64, filter: &MessageFilter, page: &PageRequest) -> Result<Page<Message>> {
        let after = page.after.as_deref().and_then(|cursor| cursor.split_once('.'));
        let after = after.and_then(|(at, no)| Some((at.parse::<i64>().ok()?, no.parse::<i64>().ok()?)));
        // Numbers begin at 1: before (`to`, 0) lies what was created before `to`.
        let (at, no) = after.unwrap_or((filter.to.unwrap_or(i64::MAX), 0));
        let found: Vec<MessageRow> = sqlx::query_as(
            "SELECT * FROM message WHERE app_no = $1 AND (created_at, no) < ($2, $3) AND created_at >= $4 \
             AND ($5 IS NULL OR campaign = $5) AND ($6 IS NULL OR origin = $6) AND ($7 IS NULL OR state = $7) \
             AND ($8 IS NULL OR account = $8 OR substr(id, 1, length($8)) = $8) AND ($10 IS NULL OR address = $10) \
             AND ($11 IS NULL OR EXISTS (SELECT 1 FROM tally t WHERE t.message_no = message.no AND t.vendor = $11)) \
             ORDER BY created_at DESC, no DESC LIMIT $9",
        )
        .bind(app_no)
        .bind(at)
        .bind(no)
        .bind(filter.from.unwrap_or(i64::MIN))
        .bind(filter.campaign.as_ref().map(CampaignId::as_str))
        .bind(filter.origin.map(Origin::slug))
        .bind(filter.state.map(MessageState::code))
        .bind(filter.text.as_deref())
        .bind(i64::from(page.size) + 1)
        .bind(filter.address.as_deref())
        .bind(filter.vendor.map(Vendor::code))
        .fetch_all(self.db.readers())
        .await?;
        let page = Page::cut(found, page.size, |row| format!("{}.{}", row.created_at, row.no));
        Ok(Page { items: page.items.into_iter().map(Message::try_from).collect::<Result<_>>()?, next: page.next })
    }
}

#[async_trait]
impl Messages for StoredMessages {
    async fn insert(&self, message: NewMessage) -> Result<Inserted> {
        self.line.insert(&self.db, message).await
    }

    async fn get(&self, no: i64) -> Result<Option<Message>> {
        let row: Option<MessageRow> =
            sqlx::query_as("SELECT * FROM message WHERE no = $1").bind(no).fetch_optional(self.db.readers()).await?;
        row.map(Message::try_from).transpose()
    }

    async fn by_id(&self, id: &MessageId) -> Result<Option<Message>> {
        let row: Option<MessageRow> =
            sqlx::query_as("SELECT * FROM message WHERE id = $1").bind(id.as_str()).fetch_optional(self.db.readers()).await?;
        row.map(Message::try_from).transpose()
    }

    async fn list(&self, app_no: i64, filter: &MessageFilter, page: &PageRequest) -> Result<Page<Message>> {
        if filter.from.is_some() || filter.to.is_some() {
            return self.list_by_time(app_no, filter, page).await;
        }
        let sql = if filter.campaign.is_some() {
            "SELECT * FROM message WHERE campaign = $4 AND app_no = $1 AND no < $2 AND ($5 IS NULL OR origin = $5) \
             AND ($6 IS NULL OR state = $6) AND ($7 IS NULL OR account = $7 OR substr(id, 1, length($7)) = $7) \
             AND ($8 IS NULL OR address = $8) \
             AND ($9 IS NULL OR EXISTS (SELECT 1 FROM tally t WHERE t.message_no = message.no AND t.vendor = $9)) \
             ORDER BY no DESC LIMIT $3"
        } else {
            "SELECT * FROM message WHERE app_no = $1 AND no < $2 AND $4 IS NULL AND ($5 IS NULL OR origin = $5) \
             AND ($6 IS NULL OR state = $6) AND ($7 IS NULL OR account = $7 OR substr(id, 1, length($7)) = $7) \
             AND ($8 IS NULL OR address = $8) \
             AND ($9 IS NULL OR EXISTS (SELECT 1 FROM tally t WHERE t.message_no = message.no AND t.vendor = $9)) \
             ORDER BY no DESC LIMIT $3"
        };
        let found: Vec<MessageRow> = sqlx::query_as(sql)
            .bind(app_no)
            .bind(rows::before(page.after.as_deref()))
            .bind(i64::from(page.size) + 1)
            .bind(filter.campaign.as_ref().map(CampaignId::as_str))
            .bind(filter.origin.map(Origin::slug))
            .bind(filter.state.map(MessageState::code))
            .bind(filter.text.as_deref())
            .bind(filter.address.as_deref())
            .bind(filter.vendor.map(Vendor::code))
            .fetch_all(self.db.readers())
            .await?;
        let page = Page::cut(found, page.size, |row| row.no.to_string());
        Ok(Page { items: page.items.into_iter().map(Message::try_from).collect::<Result<_>>()?, next: page.next })
    }

    async fn to_plan(&self, rank: Rank, limit: u32) -> Result<Vec<Message>> {
        let found: Vec<MessageRow> = sqlx::query_as(
            // A ramp is planned as far as it is open (the step stands above the block, `broker::plan::ramp`).
            "SELECT * FROM message WHERE state = 0 AND priority = $1 AND finished_at IS NULL \
             AND (campaign IS NULL OR NOT EXISTS (SELECT 1 FROM ramp r WHERE r.message = message.id AND message.cursor >= r.open * 4294967296)) \
             ORDER BY deadline, no LIMIT $2",
        )
        .bind(rank.priority())
        .bind(i64::from(limit))
        .fetch_all(self.db.readers())
        .await?;
        found.into_iter().map(Message::try_from).collect()
    }

    async fn plan(&self, steps: Vec<PlanStep>) -> Result<Vec<bool>> {
        self.db.write(move |conn| Box::pin(planning::plan(conn, steps))).await
    }

    async fn pause(&self, no: i64) -> Result<bool> {
        self.db
            .write(move |conn| {
                Box::pin(change_state(
                    conn,
                    "UPDATE message SET state = 2 WHERE no = $1 AND state IN (0, 1)",
                    "UPDATE chunk SET state = 2 WHERE message_no = $1 AND state = 0 AND state < 3",
                    no,
                ))
            })
            .await
    }

    async fn resume(&self, no: i64) -> Result<bool> {
        self.db
            .write(move |conn| {
                Box::pin(change_state(
                    conn,
                    "UPDATE message SET state = CASE WHEN planned_all THEN 1 ELSE 0 END WHERE no = $1 AND state = 2",
                    "UPDATE chunk SET state = 0 WHERE message_no = $1 AND state = 2 AND state < 3 AND poisoned_at IS NULL",
                    no,
                ))
            })
            .await
    }

    async fn cancel(&self, no: i64, now: Millis) -> Result<Option<u64>> {
        let stopped = self
            .db
            .write(move |conn| {
                Box::pin(change_state(
                    conn,
                    "UPDATE message SET state = 4 WHERE no = $1 AND state IN (0, 1, 2)",
                    "UPDATE chunk SET state = 2 WHERE message_no = $1 AND state = 0 AND state < 3",
                    no,
                ))
            })
            .await?;
        // From here on nothing of it can be claimed; its lists are ended part by part.
        if stopped { self.close_held(no, now).await.map(Some) } else { Ok(None) }
    }

    async fn settle(&self, now: Millis) -> Result<Vec<(i64, Option<CampaignId>)>> {
        // Cancelled ones whose last chunk was in somebody's hands, or whose cancel was cut short.
        let cancelled: Vec<i64> =
            sqlx::query_scalar("SELECT no FROM message WHERE state = 4 AND finished_at IS NULL").fetch_all(self.db.readers()).await?;
        for no in cancelled {
            self.close_held(no, now).await?;
        }
        let over: Vec<i64> = sqlx::query_scalar(
            "SELECT m.no FROM message m WHERE m.state = 1 AND m.finished_at IS NULL \
             AND NOT EXISTS (SELECT 1 FROM chunk c WHERE c.message_no = m.no AND c.state < 3) LIMIT 1000",
        )
        .fetch_all(self.db.readers())
        .await?;
        if over.is_empty() {
            return Ok(Vec::new());
        }
        let over = rows::to_json("message.no", &over)?;
        let ended: Vec<(i64, Option<String>)> = self
            .db
            .write(move |conn| {
                Box::pin(async move {
                    Ok(sqlx::query_as(concat!(
                        "UPDATE message SET state = 3, finished_at = $2 WHERE no IN (SELECT value FROM ",
                        numbers!("$1"),
                        " x) AND state = 1 \
                         AND NOT EXISTS (SELECT 1 FROM chunk c WHERE c.message_no = message.no AND c.state < 3) RETURNING no, campaign"
                    ))
                    .bind(&over)
                    .bind(now)
                    .fetch_all(conn)
                    .await?)
                })
            })
            .await?;
        Ok(ended.into_iter().map(|(no, campaign)| (no, campaign.map(CampaignId::trusted))).collect())
    }

    async fn stopped(&self) -> Result<Vec<(i64, MessageState)>> {
        let found: Vec<(i64, i64)> =
            sqlx::query_as("SELECT no, state FROM message WHERE state IN (2, 4) AND finished_at IS NULL ORDER BY no")
                .fetch_all(self.db.readers())
                .await?;
        found.into_iter().map(|(no, state)| Ok((no, rows::word("message.state", state, MessageState::from_code)?))).collect()
    }
}
