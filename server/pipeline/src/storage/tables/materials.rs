//! Materials.

use async_trait::async_trait;
use types::Millis;
use types::ids::CampaignId;

use super::{Db, rows};
use crate::storage::materials::{Material, Materials, Preparation, Stage};
use crate::storage::{Result, StorageError};

pub struct StoredMaterials {
    db: Db,
}

impl StoredMaterials {
    pub fn new(db: Db) -> StoredMaterials {
        StoredMaterials { db }
    }
}

const COLUMNS: &str = "lane_no, key, kind, message_no, vendor_id, words, made_at, ends_at";

#[derive(sqlx::FromRow)]
struct Row {
    lane_no: i64,
    key: String,
    kind: String,
    message_no: i64,
    vendor_id: Option<String>,
    words: String,
    made_at: Millis,
    ends_at: Millis,
}

#[derive(sqlx::FromRow)]
struct PreparationRow {
    campaign: String,
    lane_no: i64,
    made_of: String,
    state: i64,
    words: String,
    at: Millis,
    ends_at: Millis,
}

impl TryFrom<PreparationRow> for Preparation {
    type Error = StorageError;

    fn try_from(row: PreparationRow) -> Result<Preparation> {
        let PreparationRow { campaign, lane_no, made_of, state, words, at, ends_at } = row;
        let stage = rows::word("preparation.state", state, Stage::from_code)?;
        Ok(Preparation { campaign: CampaignId::trusted(campaign), lane_no, made_of, stage, words, at, ends_at })
    }
}

fn material(row: Row) -> Material {
    let Row { lane_no, key, kind, message_no, vendor_id, words, made_at, ends_at } = row;
    Material { lane_no, key, kind, message_no, vendor_id, words, made_at, ends_at }
}

#[async_trait]
impl Materials for StoredMaterials {
    async fn get(&self, lane_no: i64, key: &str) -> Result<Option<Material>> {
        let found: Option<Row> =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM material WHERE lane_no = $1 AND key = $2")))
                .bind(lane_no)
                .bind(key)
                .fetch_optional(self.db.readers())
                .await?;
        Ok(found.map(material))
    }

    async fn put(&self, one: &Material) -> Result<()> {
        let one = one.clone();
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    sqlx::query(sqlx::AssertSqlSafe(format!(
                        "INSERT INTO material ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
                         ON CONFLICT (lane_no, key) DO UPDATE SET kind = excluded.kind, message_no = excluded.message_no, \
                         vendor_id = excluded.vendor_id, words = excluded.words, made_at = excluded.made_at, ends_at = excluded.ends_at"
                    )))
                    .bind(one.lane_no)
                    .bind(one.key)
                    .bind(one.kind)
                    .bind(one.message_no)
                    .bind(one.vendor_id)
                    .bind(one.words)
                    .bind(one.made_at)
                    .bind(one.ends_at)
                    .execute(conn)
                    .await?;
                    Ok(())
                })
            })
            .await
    }

    async fn forget(&self, lane_no: i64, key: &str) -> Result<()> {
        let key = key.to_owned();
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    sqlx::query("DELETE FROM material WHERE lane_no = $1 AND key = $2").bind(lane_no).bind(key).execute(conn).await?;
                    Ok(())
                })
            })
            .await
    }

    async fn of_message(&self, message_no: i64) -> Result<Vec<Material>> {
        let found: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM material WHERE message_no = $1 ORDER BY lane_no, made_at, key"
        )))
        .bind(message_no)
        .fetch_all(self.db.readers())
        .await?;
        Ok(found.into_iter().map(material).collect())
    }

    async fn take_up(&self, one: &Preparation) -> Result<bool> {
        let one = one.clone();
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let done = sqlx::query(
                        "INSERT INTO preparation (campaign, lane_no, made_of, state, words, at, ends_at) VALUES ($1, $2, $3, 0, '', $4, $5) \
                         ON CONFLICT (campaign, lane_no) DO UPDATE SET made_of = excluded.made_of, state = 0, words = '', \
                         at = excluded.at, ends_at = excluded.ends_at \
                         WHERE preparation.made_of <> excluded.made_of OR preparation.ends_at <= excluded.at",
                    )
                    .bind(one.campaign.as_str())
                    .bind(one.lane_no)
                    .bind(one.made_of)
                    .bind(one.at)
                    .bind(one.ends_at)
                    .execute(conn)
                    .await?;
                    Ok(done.rows_affected() > 0)
                })
            })
            .await
    }

    async fn settle(&self, one: &Preparation) -> Result<()> {
        let one = one.clone();
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    sqlx::query(
                        "UPDATE preparation SET state = $4, words = $5, at = $6, ends_at = $7 \
                         WHERE campaign = $1 AND lane_no = $2 AND made_of = $3",
                    )
                    .bind(one.campaign.as_str())
                    .bind(one.lane_no)
                    .bind(one.made_of)
                    .bind(one.stage.code())
                    .bind(one.words)
                    .bind(one.at)
                    .bind(one.ends_at)
                    .execute(conn)
                    .await?;
                    Ok(())
                })
            })
            .await
    }

    async fn preparations(&self, campaign: &CampaignId) -> Result<Vec<Preparation>> {
        let found: Vec<PreparationRow> = sqlx::query_as(
            "SELECT campaign, lane_no, made_of, state, words, at, ends_at FROM preparation WHERE campaign = $1 ORDER BY lane_no",
        )
        .bind(campaign.as_str())
        .fetch_all(self.db.readers())
        .await?;
        found.into_iter().map(Preparation::try_from).collect()
    }

    async fn clear(&self, before: Millis, limit: u32) -> Result<u64> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let kept = sqlx::query(
                        "DELETE FROM preparation WHERE (campaign, lane_no) IN (SELECT campaign, lane_no FROM preparation WHERE ends_at < $1 LIMIT $2)",
                    )
                    .bind(before)
                    .bind(i64::from(limit))
                    .execute(&mut *conn)
                    .await?;
                    let done = sqlx::query(
                        "DELETE FROM material WHERE (lane_no, key) IN (SELECT lane_no, key FROM material WHERE ends_at < $1 LIMIT $2)",
                    )
                    .bind(before)
                    .bind(i64::from(limit))
                    .execute(conn)
                    .await?;
                    Ok(kept.rows_affected() + done.rows_affected())
                })
            })
            .await
    }
}
