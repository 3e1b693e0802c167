//! Crowds made out of others.

use async_trait::async_trait;
use types::Millis;
use types::crowd::{CrowdCounts, Detected, Encoding, KeyKind, Mapping};
use types::ids::{CrowdId, MakingId};
use types::making::{MakingProgress, MakingState};
use types::problem::Problem;

use super::crowd_rows::whole_blocks;
use super::{Conn, Db, people, rows};
use crate::storage::makings::{Made, Making, Makings, NewMaking};
use crate::storage::people::AuditEntry;
use crate::storage::{Result, StorageError};

pub struct StoredMakings {
    db: Db,
}

impl StoredMakings {
    pub fn new(db: Db) -> StoredMakings {
        StoredMakings { db }
    }
}

macro_rules! making_columns {
    () => {
        "SELECT m.no, m.id, m.app_no, m.state, m.name, m.key, m.steps, m.progress, m.sizes, m.problem, m.crowd_no, m.created_by, \
         m.created_at, m.changed_at, c.id AS crowd FROM crowd_making m LEFT JOIN crowd c ON c.no = m.crowd_no AND c.state = 1 "
    };
}

#[derive(sqlx::FromRow)]
struct MakingRecord {
    no: i64,
    id: String,
    app_no: i64,
    state: String,
    name: String,
    key: String,
    steps: String,
    progress: String,
    sizes: String,
    problem: Option<String>,
    crowd_no: i64,
    created_by: String,
    created_at: Millis,
    changed_at: Millis,
    crowd: Option<String>,
}

impl TryFrom<MakingRecord> for Making {
    type Error = StorageError;

    fn try_from(row: MakingRecord) -> Result<Making> {
        Ok(Making {
            no: row.no,
            id: MakingId::trusted(row.id),
            app_no: row.app_no,
            state: rows::slug("crowd_making.state", &row.state, MakingState::parse)?,
            name: row.name,
            key: rows::slug("crowd_making.key", &row.key, KeyKind::parse)?,
            steps: rows::json("crowd_making.steps", &row.steps)?,
            progress: rows::json("crowd_making.progress", &row.progress)?,
            sizes: rows::json("crowd_making.sizes", &row.sizes)?,
            problem: row.problem.as_deref().map(|text| rows::json("crowd_making.problem", text)).transpose()?,
            crowd_no: row.crowd_no,
            crowd: row.crowd.map(CrowdId::trusted),
            created_by: row.created_by,
            created_at: row.created_at,
            changed_at: row.changed_at,
        })
    }
}

/// A crowd without a file.
fn no_file() -> Detected {
    Detected {
        encoding: Encoding::Utf8,
        bom: false,
        gzip: false,
        delimiter: None,
        header: false,
        columns: Vec::new(),
        preview: Vec::new(),
        bad_bytes: 0,
    }
}

async fn name_taken(conn: &mut Conn, app_no: i64, name: &str) -> Result<bool> {
    let taken = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM crowd WHERE app_no = $1 AND name = $2 AND state = 1)")
        .bind(app_no)
        .bind(name)
        .fetch_one(conn)
        .await?;
    Ok(taken)
}

/// (crowd, app, name) of one that is under way.
async fn open(conn: &mut Conn, no: i64) -> Result<(i64, i64, String)> {
    sqlx::query_as(concat!("SELECT crowd_no, app_no, name FROM crowd_making WHERE no = $1 AND state = 'making'", locked!()))
        .bind(no)
        .fetch_optional(conn)
        .await?
        .ok_or(StorageError::Stale("making"))
}

/// It ends without a crowd: what was staged is swept later, and its number may be given again.
async fn end(conn: &mut Conn, no: i64, crowd_no: i64, state: MakingState, problem: Option<&str>, now: Millis) -> Result<()> {
    sqlx::query("UPDATE crowd SET state = 2 WHERE no = $1 AND state = 0").bind(crowd_no).execute(&mut *conn).await?;
    sqlx::query("UPDATE crowd_making SET state = $2, problem = $3, changed_at = $4, crowd_no = 0 WHERE no = $1")
        .bind(no)
        .bind(state.slug())
        .bind(problem)
        .bind(now)
        .execute(conn)
        .await?;
    Ok(())
}

#[async_trait]
impl Makings for StoredMakings {
    async fn begin(&self, making: NewMaking, most: u32, audit: AuditEntry) -> Result<Making> {
        let mapping = rows::to_json("crowd.mapping", &Mapping { key: making.key, ..Mapping::default() })?;
        let detected = rows::to_json("crowd.detected", &no_file())?;
        let counts = rows::to_json("crowd.counts", &CrowdCounts::default())?;
        let steps = rows::to_json("crowd_making.steps", &making.steps)?;
        let progress = rows::to_json("crowd_making.progress", &MakingProgress::default())?;
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    if name_taken(&mut *conn, making.app_no, &making.name).await? {
                        return Err(StorageError::Conflict("crowd name"));
                    }
                    let open: i64 = sqlx::query_scalar("SELECT count(*) FROM crowd_making WHERE app_no = $1 AND state = 'making'")
                        .bind(making.app_no)
                        .fetch_one(&mut *conn)
                        .await?;
                    if open >= i64::from(most) {
                        return Err(StorageError::Conflict("makings"));
                    }
                    let crowd_no: i64 = sqlx::query_scalar(
                        "INSERT INTO crowd (id, app_no, state, name, mapping, detected, counts, reasons, valid_rows, blocks, file_name, \
                         file_size, sha256, created_by, created_at) \
                         VALUES ($1, $2, 0, '', $3, $4, $5, '{}', 0, 0, $6, 0, '', $7, $8) RETURNING no",
                    )
                    .bind(making.crowd.as_str())
                    .bind(making.app_no)
                    .bind(&mapping)
                    .bind(&detected)
                    .bind(&counts)
                    .bind(&making.formula)
                    .bind(&making.created_by)
                    .bind(making.now)
                    .fetch_one(&mut *conn)
                    .await?;
                    sqlx::query(
                        "INSERT INTO crowd_making (id, app_no, state, name, key, steps, progress, sizes, crowd_no, created_by, created_at, \
                         changed_at) VALUES ($1, $2, 'making', $3, $4, $5, $6, '[]', $7, $8, $9, $9)",
                    )
                    .bind(making.id.as_str())
                    .bind(making.app_no)
                    .bind(&making.name)
                    .bind(making.key.slug())
                    .bind(&steps)
                    .bind(&progress)
                    .bind(crowd_no)
                    .bind(&making.created_by)
                    .bind(making.now)
                    .execute(&mut *conn)
                    .await?;
                    people::append(&mut *conn, &audit).await?;
                    let made: MakingRecord =
                        sqlx::query_as(concat!(making_columns!(), "WHERE m.id = $1")).bind(making.id.as_str()).fetch_one(conn).await?;
                    Making::try_from(made)
                })
            })
            .await
    }

    async fn keep(&self, no: i64, progress: MakingProgress, now: Millis) -> Result<()> {
        let progress = rows::to_json("crowd_making.progress", &progress)?;
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let kept = sqlx::query("UPDATE crowd_making SET progress = $2, changed_at = $3 WHERE no = $1 AND state = 'making'")
                        .bind(no)
                        .bind(&progress)
                        .bind(now)
                        .execute(conn)
                        .await?;
                    if kept.rows_affected() == 1 { Ok(()) } else { Err(StorageError::Stale("making")) }
                })
            })
            .await
    }

    async fn finish(&self, no: i64, made: Made, now: Millis) -> Result<()> {
        let valid: i64 = made.counts.valid.try_into().unwrap_or(i64::MAX);
        let mapping = rows::to_json("crowd.mapping", &made.mapping)?;
        let counts = rows::to_json("crowd.counts", &made.counts)?;
        let sizes = rows::to_json("crowd_making.sizes", &made.sizes)?;
        let progress = rows::to_json("crowd_making.progress", &made.progress)?;
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let (crowd_no, app_no, name) = open(&mut *conn, no).await?;
                    if name_taken(&mut *conn, app_no, &name).await? {
                        return Err(StorageError::Conflict("crowd name"));
                    }
                    let blocks = whole_blocks(&mut *conn, crowd_no, valid).await?;
                    let done = sqlx::query(
                        "UPDATE crowd SET state = 1, name = $2, mapping = $3, counts = $4, valid_rows = $5, blocks = $6, created_at = $7 \
                         WHERE no = $1 AND state = 0",
                    )
                    .bind(crowd_no)
                    .bind(&name)
                    .bind(&mapping)
                    .bind(&counts)
                    .bind(valid)
                    .bind(blocks)
                    .bind(now)
                    .execute(&mut *conn)
                    .await?;
                    if done.rows_affected() != 1 {
                        return Err(StorageError::Stale("making"));
                    }
                    sqlx::query("UPDATE crowd_making SET state = 'made', sizes = $2, progress = $3, changed_at = $4 WHERE no = $1")
                        .bind(no)
                        .bind(&sizes)
                        .bind(&progress)
                        .bind(now)
                        .execute(conn)
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    async fn fail(&self, no: i64, problem: &Problem, now: Millis) -> Result<bool> {
        let problem = rows::to_json("crowd_making.problem", problem)?;
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let crowd_no = match open(&mut *conn, no).await {
                        Ok((crowd_no, ..)) => crowd_no,
                        Err(StorageError::Stale(_)) => return Ok(false),
                        Err(error) => return Err(error),
                    };
                    end(conn, no, crowd_no, MakingState::Failed, Some(&problem), now).await?;
                    Ok(true)
                })
            })
            .await
    }

    async fn cancel(&self, app_no: i64, id: &MakingId, now: Millis, audit: AuditEntry) -> Result<bool> {
        let id = id.clone();
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let found: Option<(i64, i64)> = sqlx::query_as(concat!(
                        "SELECT no, crowd_no FROM crowd_making WHERE app_no = $1 AND id = $2 AND state = 'making'",
                        locked!()
                    ))
                    .bind(app_no)
                    .bind(id.as_str())
                    .fetch_optional(&mut *conn)
                    .await?;
                    let Some((no, crowd_no)) = found else { return Ok(false) };
                    end(&mut *conn, no, crowd_no, MakingState::Cancelled, None, now).await?;
                    people::append(conn, &audit).await?;
                    Ok(true)
                })
            })
            .await
    }

    async fn get(&self, app_no: i64, id: &MakingId) -> Result<Option<Making>> {
        let row: Option<MakingRecord> = sqlx::query_as(concat!(making_columns!(), "WHERE m.id = $1 AND m.app_no = $2"))
            .bind(id.as_str())
            .bind(app_no)
            .fetch_optional(self.db.readers())
            .await?;
        row.map(Making::try_from).transpose()
    }

    async fn of_crowd(&self, crowd_no: i64) -> Result<Option<Making>> {
        let row: Option<MakingRecord> =
            sqlx::query_as(concat!(making_columns!(), "WHERE m.crowd_no = $1")).bind(crowd_no).fetch_optional(self.db.readers()).await?;
        row.map(Making::try_from).transpose()
    }

    async fn list(&self, app_no: i64, limit: u32) -> Result<Vec<Making>> {
        let found: Vec<MakingRecord> = sqlx::query_as(concat!(making_columns!(), "WHERE m.app_no = $1 ORDER BY m.no DESC LIMIT $2"))
            .bind(app_no)
            .bind(i64::from(limit))
            .fetch_all(self.db.readers())
            .await?;
        found.into_iter().map(Making::try_from).collect()
    }

    async fn give_up(&self, before: Millis, problem: &Problem, now: Millis) -> Result<u64> {
        let problem = rows::to_json("crowd_making.problem", problem)?;
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let silent: Vec<(i64, i64)> = sqlx::query_as(concat!(
                        "SELECT no, crowd_no FROM crowd_making WHERE state = 'making' AND changed_at <= $1 ORDER BY no",
                        locked!()
                    ))
                    .bind(before)
                    .fetch_all(&mut *conn)
                    .await?;
                    for (no, crowd_no) in &silent {
                        end(&mut *conn, *no, *crowd_no, MakingState::Failed, Some(&problem), now).await?;
                    }
                    Ok(silent.len() as u64)
                })
            })
            .await
    }

    async fn set_tags(&self, app_no: i64, crowd: &CrowdId, tags: &[String], audit: AuditEntry) -> Result<bool> {
        let crowd = crowd.clone();
        let tags = rows::to_json("crowd.tags", tags)?;
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let set = sqlx::query("UPDATE crowd SET tags = $3 WHERE id = $1 AND app_no = $2 AND state = 1")
                        .bind(crowd.as_str())
                        .bind(app_no)
                        .bind(&tags)
                        .execute(&mut *conn)
                        .await?;
                    if set.rows_affected() == 0 {
                        return Ok(false);
                    }
                    people::append(conn, &audit).await?;
                    Ok(true)
                })
            })
            .await
    }
}
