//! Crowds.

use std::collections::BTreeMap;

use async_trait::async_trait;
use types::Millis;
use types::crowd::{CrowdCounts, Detected, Mapping, Overrule, RejectReason, UploadState};
use types::ids::{CrowdId, UploadId};
use types::listing::{Page, PageRequest};
use types::problem::Problem;

use super::crowd_rows::{CrowdRecord, UploadRecord, whole_blocks};
use super::{Conn, Db, rows};
use crate::storage::crowd_frame::{Block, Reject, decode_block, decode_rejects, encode_rejects};
use crate::storage::crowds::{CHECK_LEASE_MS, Crowd, CrowdBlock, CrowdFilter, Crowds, NewUpload, Targets, Upload};
use crate::storage::{Result, StorageError};

const STAGED: i64 = 0;
const CONFIRMED: i64 = 1;

pub struct StoredCrowds {
    db: Db,
}

impl StoredCrowds {
    pub fn new(db: Db) -> StoredCrowds {
        StoredCrowds { db }
    }
}

macro_rules! crowd_columns {
    () => {
        "SELECT no, id, app_no, name, mapping, detected, counts, reasons, blocks, file_name, file_size, sha256, created_by, created_at, \
         tags FROM crowd "
    };
}

macro_rules! upload_columns {
    () => {
        "SELECT no, id, app_no, state, file_name, file_size, sha256, path, overrule, detected, signature, mapping, counts, reasons, \
         problem, crowd_no, created_by, created_at, changed_at FROM crowd_upload "
    };
}

/// The upload, if it may still change.
async fn open_upload(conn: &mut Conn, id: &str) -> Result<UploadRecord> {
    sqlx::query_as(concat!(upload_columns!(), "WHERE id = $1 AND state <> 'confirmed'", locked!()))
        .bind(id)
        .fetch_optional(conn)
        .await?
        .ok_or(StorageError::Stale("upload"))
}

/// A staged crowd becomes one to be swept.
async fn drop_staged(conn: &mut Conn, crowd_no: Option<i64>) -> Result<()> {
    sqlx::query("UPDATE crowd SET state = 2 WHERE no = $1 AND state = 0").bind(crowd_no).execute(conn).await?;
    Ok(())
}

#[async_trait]
impl Crowds for StoredCrowds {
    async fn get(&self, id: &CrowdId) -> Result<Option<Crowd>> {
        let row: Option<CrowdRecord> = sqlx::query_as(concat!(crowd_columns!(), "WHERE id = $1 AND state = 1"))
            .bind(id.as_str())
            .fetch_optional(self.db.readers())
            .await?;
        row.map(Crowd::try_from).transpose()
    }

    async fn count(&self, id: &CrowdId) -> Result<Option<u64>> {
        let n: Option<i64> = sqlx::query_scalar("SELECT valid_rows FROM crowd WHERE id = $1 AND state = 1")
            .bind(id.as_str())
            .fetch_optional(self.db.readers())
            .await?;
        n.map(|n| rows::number("crowd.valid_rows", n)).transpose()
    }

    async fn block(&self, id: &CrowdId, seq: i64) -> Result<Option<CrowdBlock>> {
        let bytes: Option<Vec<u8>> = sqlx::query_scalar(
            "SELECT b.bytes FROM crowd c JOIN crowd_block b ON b.crowd_no = c.no WHERE c.id = $1 AND c.state = 1 AND b.seq = $2",
        )
        .bind(id.as_str())
        .bind(seq)
        .fetch_optional(self.db.readers())
        .await?;
        bytes.map(|bytes| Ok(CrowdBlock { seq, rows: decode_block(&bytes)? })).transpose()
    }

    async fn list(&self, app_no: i64, filter: &CrowdFilter, page: &PageRequest) -> Result<Page<Crowd>> {
        let found: Vec<CrowdRecord> = sqlx::query_as(concat!(
            crowd_columns!(),
            concat!(
                "WHERE app_no = $1 AND state = 1 AND no < $2 AND ($3 = '' OR ",
                holds!("lower(name)", "lower($3)"),
                ") AND ($5 IS NULL OR EXISTS (SELECT 1 FROM ",
                texts!("tags"),
                " t WHERE t.value = $5)) ORDER BY no DESC LIMIT $4"
            )
        ))
        .bind(app_no)
        .bind(rows::before(page.after.as_deref()))
        .bind(filter.name.as_deref().unwrap_or_default())
        .bind(i64::from(page.size) + 1)
        .bind(filter.tag.as_deref())
        .fetch_all(self.db.readers())
        .await?;
        let crowds = found.into_iter().map(Crowd::try_from).collect::<Result<Vec<Crowd>>>()?;
        Ok(Page::cut(crowds, page.size, |crowd| crowd.no.to_string()))
    }

    async fn same_file(&self, app_no: i64, sha256: &str) -> Result<Option<Crowd>> {
        let row: Option<CrowdRecord> =
            sqlx::query_as(concat!(crowd_columns!(), "WHERE app_no = $1 AND sha256 = $2 AND state = 1 ORDER BY no DESC LIMIT 1"))
                .bind(app_no)
                .bind(sha256)
                .fetch_optional(self.db.readers())
                .await?;
        row.map(Crowd::try_from).transpose()
    }

    async fn add_upload(&self, upload: NewUpload) -> Result<()> {
        let detected = rows::to_json("crowd_upload.detected", &upload.detected)?;
        let size: i64 = upload.file_size.try_into().unwrap_or(i64::MAX);
        let overrule = rows::to_json("crowd_upload.overrule", &Overrule::default())?;
        let counts = rows::to_json("crowd_upload.counts", &CrowdCounts::default())?;
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    sqlx::query(
                        "INSERT INTO crowd_upload (id, app_no, state, file_name, file_size, sha256, path, overrule, detected, signature, \
                         counts, reasons, created_by, created_at, changed_at) \
                         VALUES ($1, $2, 'received', $3, $4, $5, $6, $7, $8, $9, $10, '{}', $11, $12, $12)",
                    )
                    .bind(upload.id.as_str())
                    .bind(upload.app_no)
                    .bind(&upload.file_name)
                    .bind(size)
                    .bind(&upload.sha256)
                    .bind(&upload.path)
                    .bind(&overrule)
                    .bind(&detected)
                    .bind(&upload.signature)
                    .bind(&counts)
                    .bind(&upload.created_by)
                    .bind(upload.now)
                    .execute(conn)
                    .await?;
                    Ok(())
                })
            })
            .await
    }

    async fn upload(&self, app_no: i64, id: &UploadId) -> Result<Option<Upload>> {
        let row: Option<UploadRecord> = sqlx::query_as(concat!(upload_columns!(), "WHERE id = $1 AND app_no = $2"))
            .bind(id.as_str())
            .bind(app_no)
            .fetch_optional(self.db.readers())
            .await?;
        row.map(Upload::try_from).transpose()
    }

    async fn open_uploads(&self, app_no: i64) -> Result<Vec<Upload>> {
        let found: Vec<UploadRecord> =
            sqlx::query_as(concat!(upload_columns!(), "WHERE app_no = $1 AND state <> 'confirmed' ORDER BY no DESC LIMIT 200"))
                .bind(app_no)
                .fetch_all(self.db.readers())
                .await?;
        found.into_iter().map(Upload::try_from).collect()
    }

    async fn count_open(&self, person: &str) -> Result<u64> {
        let n: i64 = sqlx::query_scalar("SELECT count(*) FROM crowd_upload WHERE created_by = $1 AND state <> 'confirmed'")
            .bind(person)
            .fetch_one(self.db.readers())
            .await?;
        rows::number("count", n)
    }

    async fn set_detected(&self, id: &UploadId, overrule: &Overrule, detected: &Detected, signature: &str, now: Millis) -> Result<()> {
        let (id, signature) = (id.clone(), signature.to_owned());
        let overrule = rows::to_json("crowd_upload.overrule", overrule)?;
        let detected = rows::to_json("crowd_upload.detected", detected)?;
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let upload = open_upload(&mut *conn, id.as_str()).await?;
                    if upload.state == UploadState::Checking.slug() {
                        return Err(StorageError::Stale("upload"));
                    }
                    drop_staged(&mut *conn, upload.crowd_no).await?;
                    sqlx::query(
                        "UPDATE crowd_upload SET state = 'received', overrule = $2, detected = $3, signature = $4, crowd_no = NULL, \
                         problem = NULL, changed_at = $5 WHERE no = $1",
                    )
                    .bind(upload.no)
                    .bind(&overrule)
                    .bind(&detected)
                    .bind(&signature)
                    .bind(now)
                    .execute(conn)
                    .await?;
                    Ok(())
                })
            })
            .await
    }

    async fn begin_check(&self, id: &UploadId, crowd: &CrowdId, mapping: &Mapping, now: Millis) -> Result<i64> {
        let (id, crowd) = (id.clone(), crowd.clone());
        let mapping = rows::to_json("crowd_upload.mapping", mapping)?;
        let counts = rows::to_json("crowd.counts", &CrowdCounts::default())?;
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let upload = open_upload(&mut *conn, id.as_str()).await?;
                    if upload.state == UploadState::Checking.slug() && upload.changed_at > now - CHECK_LEASE_MS {
                        return Err(StorageError::Stale("upload"));
                    }
                    drop_staged(&mut *conn, upload.crowd_no).await?;
                    let mut detected: Detected = rows::json("crowd_upload.detected", &upload.detected)?;
                    detected.preview.clear();
                    let crowd_no: i64 = sqlx::query_scalar(
                        "INSERT INTO crowd (id, app_no, state, name, mapping, detected, counts, reasons, valid_rows, blocks, file_name, \
                         file_size, sha256, created_by, created_at) \
                         VALUES ($1, $2, 0, '', $3, $4, $5, '{}', 0, 0, $6, $7, $8, $9, $10) RETURNING no",
                    )
                    .bind(crowd.as_str())
                    .bind(upload.app_no)
                    .bind(&mapping)
                    .bind(rows::to_json("crowd.detected", &detected)?)
                    .bind(&counts)
                    .bind(&upload.file_name)
                    .bind(upload.file_size)
                    .bind(&upload.sha256)
                    .bind(&upload.created_by)
                    .bind(now)
                    .fetch_one(&mut *conn)
                    .await?;
                    sqlx::query(
                        "UPDATE crowd_upload SET state = 'checking', mapping = $2, problem = NULL, crowd_no = $3, changed_at = $4 WHERE no = $1",
                    )
                    .bind(upload.no)
                    .bind(&mapping)
                    .bind(crowd_no)
                    .bind(now)
                    .execute(conn)
                    .await?;
                    Ok(crowd_no)
                })
            })
            .await
    }

    async fn keep_check(&self, id: &UploadId, crowd_no: i64, now: Millis) -> Result<()> {
        let id = id.clone();
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let kept =
                        sqlx::query("UPDATE crowd_upload SET changed_at = $3 WHERE id = $1 AND crowd_no = $2 AND state = 'checking'")
                            .bind(id.as_str())
                            .bind(crowd_no)
                            .bind(now)
                            .execute(conn)
                            .await?;
                    if kept.rows_affected() == 1 { Ok(()) } else { Err(StorageError::Stale("upload")) }
                })
            })
            .await
    }

    async fn add_blocks(&self, crowd_no: i64, blocks: Vec<Block>) -> Result<()> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    must_be_staged(&mut *conn, crowd_no).await?;
                    for block in blocks {
                        sqlx::query(
                            "INSERT INTO crowd_block (crowd_no, seq, count, first_key, last_key, bytes) VALUES ($1, $2, $3, $4, $5, $6)",
                        )
                        .bind(crowd_no)
                        .bind(block.seq)
                        .bind(block.count)
                        .bind(block.first_key)
                        .bind(block.last_key)
                        .bind(block.bytes)
                        .execute(&mut *conn)
                        .await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    async fn add_rejects(&self, crowd_no: i64, first: i64, rejects: Vec<Vec<Reject>>) -> Result<()> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    must_be_staged(&mut *conn, crowd_no).await?;
                    for (seq, list) in (first..).zip(rejects) {
                        sqlx::query("INSERT INTO crowd_reject (crowd_no, seq, bytes) VALUES ($1, $2, $3)")
                            .bind(crowd_no)
                            .bind(seq)
                            .bind(encode_rejects(&list))
                            .execute(&mut *conn)
                            .await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    async fn finish_check(
        &self,
        id: &UploadId,
        crowd_no: i64,
        counts: &CrowdCounts,
        reasons: &BTreeMap<RejectReason, u64>,
        now: Millis,
    ) -> Result<()> {
        let id = id.clone();
        let valid: i64 = counts.valid.try_into().unwrap_or(i64::MAX);
        let (counts, reasons) = (rows::to_json("crowd.counts", counts)?, rows::to_json("crowd.reasons", reasons)?);
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let upload = open_upload(&mut *conn, id.as_str()).await?;
                    if upload.crowd_no != Some(crowd_no) || upload.state != UploadState::Checking.slug() {
                        return Err(StorageError::Stale("upload"));
                    }
                    let blocks = whole_blocks(&mut *conn, crowd_no, valid).await?;
                    sqlx::query("UPDATE crowd SET counts = $2, reasons = $3, valid_rows = $4, blocks = $5 WHERE no = $1 AND state = 0")
                        .bind(crowd_no)
                        .bind(&counts)
                        .bind(&reasons)
                        .bind(valid)
                        .bind(blocks)
                        .execute(&mut *conn)
                        .await?;
                    sqlx::query("UPDATE crowd_upload SET state = 'checked', counts = $2, reasons = $3, changed_at = $4 WHERE no = $1")
                        .bind(upload.no)
                        .bind(&counts)
                        .bind(&reasons)
                        .bind(now)
                        .execute(conn)
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    async fn fail_check(&self, id: &UploadId, crowd_no: i64, problem: &Problem, now: Millis) -> Result<()> {
        let id = id.clone();
        let problem = rows::to_json("crowd_upload.problem", problem)?;
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    drop_staged(&mut *conn, Some(crowd_no)).await?;
                    sqlx::query(
                        "UPDATE crowd_upload SET state = 'failed', problem = $3, crowd_no = NULL, changed_at = $4 \
                         WHERE id = $1 AND crowd_no = $2 AND state <> 'confirmed'",
                    )
                    .bind(id.as_str())
                    .bind(crowd_no)
                    .bind(&problem)
                    .bind(now)
                    .execute(conn)
                    .await?;
                    Ok(())
                })
            })
            .await
    }

    async fn confirm(&self, id: &UploadId, name: &str, by: &str, now: Millis) -> Result<(CrowdId, String)> {
        let (id, name, by) = (id.clone(), name.to_owned(), by.to_owned());
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let upload = open_upload(&mut *conn, id.as_str()).await?;
                    if upload.state != UploadState::Checked.slug() {
                        return Err(StorageError::Stale("upload"));
                    }
                    let taken: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM crowd WHERE app_no = $1 AND name = $2 AND state = 1)")
                        .bind(upload.app_no)
                        .bind(&name)
                        .fetch_one(&mut *conn)
                        .await?;
                    if taken {
                        return Err(StorageError::Conflict("crowd name"));
                    }
                    let crowd: Option<String> = sqlx::query_scalar(
                        "UPDATE crowd SET state = $2, name = $3, created_by = $4, created_at = $5 WHERE no = $1 AND state = $6 RETURNING id",
                    )
                    .bind(upload.crowd_no)
                    .bind(CONFIRMED)
                    .bind(&name)
                    .bind(&by)
                    .bind(now)
                    .bind(STAGED)
                    .fetch_optional(&mut *conn)
                    .await?;
                    let crowd = crowd.ok_or(StorageError::Stale("upload"))?;
                    // The preview holds people's data: it is not kept longer than the question it answered.
                    let mut detected: Detected = rows::json("crowd_upload.detected", &upload.detected)?;
                    detected.preview.clear();
                    sqlx::query("UPDATE crowd_upload SET state = 'confirmed', detected = $2, changed_at = $3 WHERE no = $1")
                        .bind(upload.no)
                        .bind(rows::to_json("crowd_upload.detected", &detected)?)
                        .bind(now)
                        .execute(&mut *conn)
                        .await?;
                    sqlx::query(
                        "INSERT INTO crowd_mapping (app_no, signature, mapping, changed_at) VALUES ($1, $2, $3, $4) \
                         ON CONFLICT (app_no, signature) DO UPDATE SET mapping = excluded.mapping, changed_at = excluded.changed_at",
                    )
                    .bind(upload.app_no)
                    .bind(&upload.signature)
                    .bind(&upload.mapping)
                    .bind(now)
                    .execute(conn)
                    .await?;
                    Ok((CrowdId::trusted(crowd), upload.path))
                })
            })
            .await
    }

    async fn discard_upload(&self, id: &UploadId) -> Result<Option<String>> {
        let id = id.clone();
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let gone: Option<(String, Option<i64>)> =
                        sqlx::query_as("DELETE FROM crowd_upload WHERE id = $1 AND state <> 'confirmed' RETURNING path, crowd_no")
                            .bind(id.as_str())
                            .fetch_optional(&mut *conn)
                            .await?;
                    let Some((path, crowd_no)) = gone else { return Ok(None) };
                    drop_staged(conn, crowd_no).await?;
                    Ok(Some(path))
                })
            })
            .await
    }

    async fn discard_stale(&self, before: Millis) -> Result<Vec<String>> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let gone: Vec<(String, Option<i64>)> = sqlx::query_as(
                        "DELETE FROM crowd_upload WHERE state <> 'confirmed' AND state <> 'checking' AND changed_at < $1 \
                         RETURNING path, crowd_no",
                    )
                    .bind(before)
                    .fetch_all(&mut *conn)
                    .await?;
                    let mut files = Vec::with_capacity(gone.len());
                    for (path, crowd_no) in gone {
                        drop_staged(&mut *conn, crowd_no).await?;
                        files.push(path);
                    }
                    Ok(files)
                })
            })
            .await
    }

    async fn sweep_dropped(&self, max: u32) -> Result<u64> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let blocks = sqlx::query(
                        "DELETE FROM crowd_block WHERE (crowd_no, seq) IN (SELECT b.crowd_no, b.seq FROM crowd c JOIN crowd_block b \
                         ON b.crowd_no = c.no WHERE c.state = 2 LIMIT $1)",
                    )
                    .bind(i64::from(max))
                    .execute(&mut *conn)
                    .await?
                    .rows_affected();
                    let rejects = sqlx::query(
                        "DELETE FROM crowd_reject WHERE (crowd_no, seq) IN (SELECT b.crowd_no, b.seq FROM crowd c JOIN crowd_reject b \
                         ON b.crowd_no = c.no WHERE c.state = 2 LIMIT $1)",
                    )
                    .bind(i64::from(max))
                    .execute(&mut *conn)
                    .await?
                    .rows_affected();
                    if blocks + rejects == 0 {
                        sqlx::query("DELETE FROM crowd WHERE state = 2").execute(conn).await?;
                    }
                    Ok(blocks + rejects)
                })
            })
            .await
    }

    async fn reset_checks(&self, before: Millis, now: Millis) -> Result<u64> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let silent: Vec<(i64, Option<i64>)> = sqlx::query_as(concat!(
                        "SELECT no, crowd_no FROM crowd_upload WHERE state = 'checking' AND changed_at <= $1 ORDER BY no",
                        locked!()
                    ))
                    .bind(before)
                    .fetch_all(&mut *conn)
                    .await?;
                    for (no, crowd_no) in &silent {
                        drop_staged(&mut *conn, *crowd_no).await?;
                        sqlx::query("UPDATE crowd_upload SET state = 'received', crowd_no = NULL, changed_at = $2 WHERE no = $1")
                            .bind(no)
                            .bind(now)
                            .execute(&mut *conn)
                            .await?;
                    }
                    Ok(silent.len() as u64)
                })
            })
            .await
    }

    async fn rejects(&self, crowd_no: i64, seq: i64) -> Result<Option<Vec<Reject>>> {
        let bytes: Option<Vec<u8>> = sqlx::query_scalar("SELECT bytes FROM crowd_reject WHERE crowd_no = $1 AND seq = $2")
            .bind(crowd_no)
            .bind(seq)
            .fetch_optional(self.db.readers())
            .await?;
        bytes.map(|bytes| decode_rejects(&bytes)).transpose()
    }

    async fn mapping(&self, app_no: i64, signature: &str) -> Result<Option<Mapping>> {
        let text: Option<String> = sqlx::query_scalar("SELECT mapping FROM crowd_mapping WHERE app_no = $1 AND signature = $2")
            .bind(app_no)
            .bind(signature)
            .fetch_optional(self.db.readers())
            .await?;
        text.map(|text| rows::json("crowd_mapping.mapping", &text)).transpose()
    }

    async fn known(&self, app_no: i64, targets: &Targets) -> Result<u64> {
        let (sql, asked) = match targets {
            Targets::Users(users) => (
                concat!(
                    "SELECT count(*) FROM ",
                    texts!("$2"),
                    " x WHERE EXISTS \
                 (SELECT 1 FROM device d WHERE d.app_no = $1 AND d.user_id = x.value)"
                ),
                rows::to_json("users", users)?,
            ),
            Targets::Devices(devices) => (
                concat!(
                    "SELECT count(*) FROM ",
                    texts!("$2"),
                    " x WHERE EXISTS (SELECT 1 FROM device d WHERE d.id = x.value AND d.app_no = $1)"
                ),
                rows::to_json("devices", devices)?,
            ),
            Targets::Tokens(tokens) => {
                let list: Vec<(i64, &str)> = tokens.iter().map(|(vendor, token)| (vendor.code(), token.as_str())).collect();
                (
                    concat!(
                        "SELECT count(*) FROM ",
                        lists!("$2"),
                        " x WHERE EXISTS (SELECT 1 FROM device_token t \
                     WHERE t.app_no = $1 AND t.vendor = CAST(x.value ->> 0 AS BIGINT) AND t.token = x.value ->> 1)"
                    ),
                    rows::to_json("tokens", &list)?,
                )
            }
        };
        let n: i64 = sqlx::query_scalar(sql).bind(app_no).bind(asked).fetch_one(self.db.readers()).await?;
        rows::number("known", n)
    }
}

async fn must_be_staged(conn: &mut Conn, crowd_no: i64) -> Result<()> {
    let staged: Option<i64> = sqlx::query_scalar(concat!("SELECT no FROM crowd WHERE no = $1 AND state = 0", locked!()))
        .bind(crowd_no)
        .fetch_optional(conn)
        .await?;
    staged.map(|_| ()).ok_or(StorageError::Stale("crowd"))
}
