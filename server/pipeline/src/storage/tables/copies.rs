//! Copies.

use async_trait::async_trait;
use types::Millis;
use types::ids::CopyId;
use types::listing::{Page, PageRequest};

use super::{Conn, Db, rows, words};
use crate::storage::copies::{Author, Copies, CopyFilter, CopyRow, CopySave, CopyVersion};
use crate::storage::{Result, StorageError};

pub struct StoredCopies {
    db: Db,
}

impl StoredCopies {
    pub fn new(db: Db) -> StoredCopies {
        StoredCopies { db }
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    no: i64,
    id: String,
    app_no: i64,
    name: String,
    tags: String,
    archived_at: Option<Millis>,
    created_at: Millis,
    used_in: i64,
    #[sqlx(flatten)]
    newest: VersionRow,
}

#[derive(sqlx::FromRow)]
struct VersionRow {
    number: i64,
    content: String,
    note: String,
    made_by: String,
    made_at: Millis,
}

impl TryFrom<VersionRow> for CopyVersion {
    type Error = StorageError;

    fn try_from(row: VersionRow) -> Result<CopyVersion> {
        Ok(CopyVersion {
            number: rows::number("copy_version.number", row.number)?,
            content: rows::json("copy_version.content", &row.content)?,
            note: row.note,
            by: row.made_by,
            at: row.made_at,
        })
    }
}

impl TryFrom<Row> for CopyRow {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<CopyRow> {
        Ok(CopyRow {
            no: row.no,
            id: CopyId::trusted(row.id),
            app_no: row.app_no,
            name: row.name,
            tags: rows::json("copy.tags", &row.tags)?,
            archived_at: row.archived_at,
            created_at: row.created_at,
            used_in: rows::number("copy.used_in", row.used_in)?,
            newest: row.newest.try_into()?,
        })
    }
}

const ONE: &str = "SELECT c.no, c.id, c.app_no, c.name, c.tags, c.archived_at, c.created_at, \
                   (SELECT COUNT(*) FROM campaign k WHERE k.copy = c.id) AS used_in, \
                   v.number, v.content, v.note, v.made_by, v.made_at \
                   FROM copy c JOIN copy_version v ON v.copy_no = c.no AND v.number = c.version WHERE c.id = $1";

fn name_taken(error: sqlx::Error) -> StorageError {
    if words::taken(&error, "copy.name") { StorageError::Conflict("copy name") } else { StorageError::Database(error) }
}

async fn add_version(conn: &mut Conn, copy_no: i64, number: i64, content: &str, save: &CopySave) -> Result<()> {
    sqlx::query(
        "INSERT INTO copy_version (copy_no, number, content, note, made_by, made_by_id, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(copy_no)
    .bind(number)
    .bind(content)
    .bind(&save.note)
    .bind(&save.by)
    .bind(&save.by_id)
    .bind(save.now)
    .execute(conn)
    .await?;
    Ok(())
}

async fn read(conn: &mut Conn, id: &CopyId) -> Result<CopyRow> {
    let row: Row = sqlx::query_as(ONE).bind(id.as_str()).fetch_one(conn).await?;
    row.try_into()
}

#[async_trait]
impl Copies for StoredCopies {
    async fn create(&self, app_no: i64, id: CopyId, save: CopySave) -> Result<CopyRow> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let no: i64 = sqlx::query_scalar(
                        "INSERT INTO copy (id, app_no, name, tags, version, created_at) VALUES ($1, $2, $3, $4, 1, $5) RETURNING no",
                    )
                    .bind(id.as_str())
                    .bind(app_no)
                    .bind(&save.name)
                    .bind(rows::to_json("copy.tags", &save.tags)?)
                    .bind(save.now)
                    .fetch_one(&mut *conn)
                    .await
                    .map_err(name_taken)?;
                    let content = rows::to_json("copy_version.content", &save.content)?;
                    add_version(&mut *conn, no, 1, &content, &save).await?;
                    read(conn, &id).await
                })
            })
            .await
    }

    async fn save(&self, id: &CopyId, expected: u32, save: CopySave) -> Result<CopyRow> {
        let id = id.clone();
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let content = rows::to_json("copy_version.content", &save.content)?;
                    let found: Option<(i64, String)> = sqlx::query_as(concat!(
                        "SELECT c.no, v.content FROM copy c JOIN copy_version v ON v.copy_no = c.no AND v.number = c.version \
                         WHERE c.id = $1 AND c.version = $2 AND c.archived_at IS NULL",
                        locked!("c")
                    ))
                    .bind(id.as_str())
                    .bind(i64::from(expected))
                    .fetch_optional(&mut *conn)
                    .await?;
                    let (no, old) = found.ok_or(StorageError::Stale("copy"))?;
                    let changed = old != content;
                    let number = i64::from(expected) + i64::from(changed);
                    sqlx::query("UPDATE copy SET name = $2, tags = $3, version = $4 WHERE no = $1")
                        .bind(no)
                        .bind(&save.name)
                        .bind(rows::to_json("copy.tags", &save.tags)?)
                        .bind(number)
                        .execute(&mut *conn)
                        .await
                        .map_err(name_taken)?;
                    if changed {
                        add_version(&mut *conn, no, number, &content, &save).await?;
                    }
                    read(conn, &id).await
                })
            })
            .await
    }

    async fn get(&self, id: &CopyId) -> Result<Option<CopyRow>> {
        let row: Option<Row> = sqlx::query_as(ONE).bind(id.as_str()).fetch_optional(self.db.readers()).await?;
        row.map(CopyRow::try_from).transpose()
    }

    async fn version(&self, id: &CopyId, number: u32) -> Result<Option<CopyVersion>> {
        let row: Option<VersionRow> = sqlx::query_as(
            "SELECT v.number, v.content, v.note, v.made_by, v.made_at FROM copy c JOIN copy_version v ON v.copy_no = c.no \
             WHERE c.id = $1 AND v.number = $2",
        )
        .bind(id.as_str())
        .bind(i64::from(number))
        .fetch_optional(self.db.readers())
        .await?;
        row.map(CopyVersion::try_from).transpose()
    }

    async fn versions(&self, id: &CopyId, limit: u32) -> Result<Vec<CopyVersion>> {
        let found: Vec<VersionRow> = sqlx::query_as(
            "SELECT v.number, v.content, v.note, v.made_by, v.made_at FROM copy c JOIN copy_version v ON v.copy_no = c.no \
             WHERE c.id = $1 ORDER BY v.number DESC LIMIT $2",
        )
        .bind(id.as_str())
        .bind(i64::from(limit))
        .fetch_all(self.db.readers())
        .await?;
        found.into_iter().map(CopyVersion::try_from).collect()
    }

    async fn authors(&self, id: &CopyId, up_to: u32) -> Result<Vec<Author>> {
        let found: Vec<(String, String)> = sqlx::query_as(
            "SELECT DISTINCT v.made_by_id, v.made_by FROM copy c JOIN copy_version v ON v.copy_no = c.no WHERE c.id = $1 AND v.number <= $2",
        )
        .bind(id.as_str())
        .bind(i64::from(up_to))
        .fetch_all(self.db.readers())
        .await?;
        Ok(found.into_iter().map(|(id, name)| Author { id, name }).collect())
    }

    async fn list(&self, app_no: i64, filter: &CopyFilter, page: &PageRequest) -> Result<Page<CopyRow>> {
        let found: Vec<Row> = sqlx::query_as(concat!(
            "SELECT c.no, c.id, c.app_no, c.name, c.tags, c.archived_at, c.created_at, \
             (SELECT COUNT(*) FROM campaign k WHERE k.copy = c.id) AS used_in, \
             v.number, v.content, v.note, v.made_by, v.made_at \
             FROM copy c JOIN copy_version v ON v.copy_no = c.no AND v.number = c.version \
             WHERE c.app_no = $1 AND c.no < $2 AND (c.archived_at IS NOT NULL) = $3 \
             AND ($4 IS NULL OR ",
            holds!("lower(c.name)", "lower($4)"),
            ") \
             AND ($5 IS NULL OR EXISTS (SELECT 1 FROM ",
            texts!("c.tags"),
            " t WHERE t.value = $5)) \
             ORDER BY c.no DESC LIMIT $6"
        ))
        .bind(app_no)
        .bind(rows::before(page.after.as_deref()))
        .bind(filter.archived)
        .bind(filter.text.as_deref())
        .bind(filter.tag.as_deref())
        .bind(i64::from(page.size) + 1)
        .fetch_all(self.db.readers())
        .await?;
        let page = Page::cut(found, page.size, |row| row.no.to_string());
        Ok(Page { items: page.items.into_iter().map(CopyRow::try_from).collect::<Result<_>>()?, next: page.next })
    }

    async fn archive(&self, id: &CopyId, archived: bool, now: Millis) -> Result<bool> {
        let id = id.clone();
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let done = sqlx::query("UPDATE copy SET archived_at = $2 WHERE id = $1")
                        .bind(id.as_str())
                        .bind(archived.then_some(now))
                        .execute(conn)
                        .await
                        .map_err(name_taken)?;
                    Ok(done.rows_affected() > 0)
                })
            })
            .await
    }
}
