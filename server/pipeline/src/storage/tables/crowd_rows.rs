//! Crowds and uploads as their rows, and read back.

use types::Millis;
use types::crowd::UploadState;
use types::ids::{CrowdId, UploadId};

use super::{Conn, rows};
use crate::storage::crowds::{Crowd, Upload};
use crate::storage::{Result, StorageError};

#[derive(sqlx::FromRow)]
pub struct CrowdRecord {
    pub no: i64,
    pub id: String,
    pub app_no: i64,
    pub name: String,
    pub mapping: String,
    pub detected: String,
    pub counts: String,
    pub reasons: String,
    pub blocks: i64,
    pub file_name: String,
    pub file_size: i64,
    pub sha256: String,
    pub created_by: String,
    pub created_at: Millis,
    pub tags: String,
}

impl TryFrom<CrowdRecord> for Crowd {
    type Error = StorageError;

    fn try_from(row: CrowdRecord) -> Result<Crowd> {
        Ok(Crowd {
            no: row.no,
            id: CrowdId::trusted(row.id),
            app_no: row.app_no,
            name: row.name,
            mapping: rows::json("crowd.mapping", &row.mapping)?,
            detected: rows::json("crowd.detected", &row.detected)?,
            counts: rows::json("crowd.counts", &row.counts)?,
            reasons: rows::json("crowd.reasons", &row.reasons)?,
            blocks: row.blocks,
            file_name: row.file_name,
            file_size: rows::number("crowd.file_size", row.file_size)?,
            sha256: row.sha256,
            created_by: row.created_by,
            created_at: row.created_at,
            tags: rows::json("crowd.tags", &row.tags)?,
        })
    }
}

#[derive(sqlx::FromRow)]
pub struct UploadRecord {
    pub no: i64,
    pub id: String,
    pub app_no: i64,
    pub state: String,
    pub file_name: String,
    pub file_size: i64,
    pub sha256: String,
    pub path: String,
    pub overrule: String,
    pub detected: String,
    pub signature: String,
    pub mapping: Option<String>,
    pub counts: String,
    pub reasons: String,
    pub problem: Option<String>,
    pub crowd_no: Option<i64>,
    pub created_by: String,
    pub created_at: Millis,
    pub changed_at: Millis,
}

impl TryFrom<UploadRecord> for Upload {
    type Error = StorageError;

    fn try_from(row: UploadRecord) -> Result<Upload> {
        Ok(Upload {
            no: row.no,
            id: UploadId::trusted(row.id),
            app_no: row.app_no,
            state: rows::slug("crowd_upload.state", &row.state, UploadState::parse)?,
            file_name: row.file_name,
            file_size: rows::number("crowd_upload.file_size", row.file_size)?,
            sha256: row.sha256,
            path: row.path,
            overrule: rows::json("crowd_upload.overrule", &row.overrule)?,
            detected: rows::json("crowd_upload.detected", &row.detected)?,
            signature: row.signature,
            mapping: row.mapping.as_deref().map(|text| rows::json("crowd_upload.mapping", text)).transpose()?,
            counts: rows::json("crowd_upload.counts", &row.counts)?,
            reasons: rows::json("crowd_upload.reasons", &row.reasons)?,
            problem: row.problem.as_deref().map(|text| rows::json("crowd_upload.problem", text)).transpose()?,
            crowd_no: row.crowd_no,
            created_by: row.created_by,
            created_at: row.created_at,
            changed_at: row.changed_at,
        })
    }
}

/// How many blocks a staged crowd has; an error where they hold another number of rows than were counted.
pub(super) async fn whole_blocks(conn: &mut Conn, crowd_no: i64, valid: i64) -> Result<i64> {
    let (rows, blocks): (i64, i64) =
        sqlx::query_as("SELECT CAST(coalesce(sum(count), 0) AS BIGINT), count(*) FROM crowd_block WHERE crowd_no = $1")
            .bind(crowd_no)
            .fetch_one(conn)
            .await?;
    if rows != valid {
        return Err(StorageError::Corrupt(format!("crowd_block: {rows} rows stored of {valid}")));
    }
    Ok(blocks)
}
