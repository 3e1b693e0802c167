//! Ramps.

use async_trait::async_trait;
use types::Millis;
use types::ids::{CampaignId, MessageId};
use types::ramp::RampState;

use super::{Db, rows};
use crate::storage::ramps::{Ramp, Ramps};
use crate::storage::{Result, StorageError};

pub struct StoredRamps {
    db: Db,
}

impl StoredRamps {
    pub fn new(db: Db) -> StoredRamps {
        StoredRamps { db }
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    message: String,
    campaign: String,
    app_no: i64,
    plan: String,
    state: String,
    open: i64,
    since: Millis,
    waived: i64,
    watched: String,
    by_whom: String,
}

impl TryFrom<Row> for Ramp {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Ramp> {
        Ok(Ramp {
            message: MessageId::trusted(row.message),
            campaign: CampaignId::trusted(row.campaign),
            app_no: row.app_no,
            plan: rows::json("ramp.plan", &row.plan)?,
            state: rows::slug("ramp.state", &row.state, RampState::parse)?,
            open: rows::number("ramp.open", row.open)?,
            since: row.since,
            waived: rows::number("ramp.waived", row.waived)?,
            watched: rows::json("ramp.watched", &row.watched)?,
            by: row.by_whom,
        })
    }
}

#[async_trait]
impl Ramps for StoredRamps {
    async fn choose(&self, ramp: Ramp) -> Result<bool> {
        let plan = rows::to_json("ramp.plan", &ramp.plan)?;
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let chosen = sqlx::query(
                        "INSERT INTO ramp (message, campaign, app_no, plan, state, open, since, waived, watched, by_whom) \
                         VALUES ($1, $2, $3, $4, 'planned', 1, $5, 0, '[]', $6) \
                         ON CONFLICT (message) DO UPDATE SET plan = excluded.plan, since = excluded.since, by_whom = excluded.by_whom \
                         WHERE ramp.state = 'planned'",
                    )
                    .bind(ramp.message.as_str())
                    .bind(ramp.campaign.as_str())
                    .bind(ramp.app_no)
                    .bind(plan)
                    .bind(ramp.since)
                    .bind(ramp.by)
                    .execute(conn)
                    .await?;
                    Ok(chosen.rows_affected() > 0)
                })
            })
            .await
    }

    async fn forgo(&self, message: &MessageId) -> Result<bool> {
        let message = message.as_str().to_owned();
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let gone = sqlx::query("DELETE FROM ramp WHERE message = $1 AND state = 'planned'").bind(message).execute(conn).await?;
                    Ok(gone.rows_affected() > 0)
                })
            })
            .await
    }

    async fn get(&self, message: &MessageId) -> Result<Option<Ramp>> {
        let row: Option<Row> =
            sqlx::query_as("SELECT * FROM ramp WHERE message = $1").bind(message.as_str()).fetch_optional(self.db.readers()).await?;
        row.map(Ramp::try_from).transpose()
    }

    async fn living(&self, limit: u32) -> Result<Vec<Ramp>> {
        let found: Vec<Row> =
            sqlx::query_as("SELECT * FROM ramp WHERE state IN ('planned', 'sending', 'looking', 'asks') ORDER BY message LIMIT $1")
                .bind(i64::from(limit))
                .fetch_all(self.db.readers())
                .await?;
        found.into_iter().map(Ramp::try_from).collect()
    }

    async fn advance(&self, from: (RampState, u32), to: Ramp) -> Result<bool> {
        let watched = rows::to_json("ramp.watched", &to.watched)?;
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let moved = sqlx::query(
                        "UPDATE ramp SET state = $4, open = $5, since = $6, waived = $7, watched = $8, by_whom = $9 \
                         WHERE message = $1 AND state = $2 AND open = $3",
                    )
                    .bind(to.message.as_str())
                    .bind(from.0.slug())
                    .bind(i64::from(from.1))
                    .bind(to.state.slug())
                    .bind(i64::from(to.open))
                    .bind(to.since)
                    .bind(i64::from(to.waived))
                    .bind(watched)
                    .bind(to.by)
                    .execute(conn)
                    .await?;
                    Ok(moved.rows_affected() > 0)
                })
            })
            .await
    }
}
