//! The list of sensitive words.

use async_trait::async_trait;
use types::Millis;
use types::listing::{Page, PageRequest};
use types::sensitive::{Severity, Word, folded};

use super::{Db, people, rows};
use crate::storage::people::AuditEntry;
use crate::storage::sensitive::{SensitiveWords, WordRow};
use crate::storage::{Result, StorageError};

/// Items in one list parameter.
const AT_ONCE: usize = 1_000;

pub struct StoredWords {
    db: Db,
}

impl StoredWords {
    pub fn new(db: Db) -> StoredWords {
        StoredWords { db }
    }
}

fn word(text: String, severity: &str) -> Result<Word> {
    Ok(Word { text, severity: rows::slug("sensitive_word.severity", severity, Severity::parse)? })
}

#[async_trait]
impl SensitiveWords for StoredWords {
    async fn all(&self, app_no: i64) -> Result<Vec<Word>> {
        let found: Vec<(String, String)> = sqlx::query_as("SELECT word, severity FROM sensitive_word WHERE app_no = $1 ORDER BY no")
            .bind(app_no)
            .fetch_all(self.db.readers())
            .await?;
        found.into_iter().map(|(text, severity)| word(text, &severity)).collect()
    }

    async fn list(&self, app_no: i64, text: Option<&str>, severity: Option<Severity>, page: &PageRequest) -> Result<Page<WordRow>> {
        let found: Vec<(i64, String, String, String, Millis)> = sqlx::query_as(
            "SELECT no, word, severity, added_by, added_at FROM sensitive_word WHERE app_no = $1 AND no < $2 \
             AND ($4 IS NULL OR replace(folded, $4, '') <> folded) AND ($5 IS NULL OR severity = $5) ORDER BY no DESC LIMIT $3",
        )
        .bind(app_no)
        .bind(rows::before(page.after.as_deref()))
        .bind(i64::from(page.size) + 1)
        .bind(text)
        .bind(severity.map(Severity::slug))
        .fetch_all(self.db.readers())
        .await?;
        let page = Page::cut(found, page.size, |row| row.0.to_string());
        let row = |(no, text, severity, added_by, added_at): (i64, String, String, String, Millis)| {
            Ok(WordRow { no, word: word(text, &severity)?, added_by, added_at })
        };
        Ok(Page { items: page.items.into_iter().map(row).collect::<Result<_>>()?, next: page.next })
    }

    async fn counts(&self, app_no: i64) -> Result<Vec<(Severity, u64)>> {
        let found: Vec<(String, i64)> =
            sqlx::query_as("SELECT severity, COUNT(*) FROM sensitive_word WHERE app_no = $1 GROUP BY severity ORDER BY severity")
                .bind(app_no)
                .fetch_all(self.db.readers())
                .await?;
        found
            .into_iter()
            .map(|(slug, n)| Ok((rows::slug("sensitive_word.severity", &slug, Severity::parse)?, rows::number("sensitive_word", n)?)))
            .collect()
    }

    async fn put(&self, app_no: i64, words: &[Word], most: u64, by: &str, now: Millis, audit: Option<AuditEntry>) -> Result<()> {
        let lists = words
            .chunks(AT_ONCE)
            .map(|part| {
                let list: Vec<_> = part.iter().map(|w| (folded(&w.text), &w.text, w.severity.slug())).collect();
                rows::to_json("sensitive_word", &list)
            })
            .collect::<Result<Vec<String>>>()?;
        let by = by.to_owned();
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    for list in lists {
                        sqlx::query(concat!(
                            "INSERT INTO sensitive_word (app_no, folded, word, severity, added_by, added_at) \
                             SELECT $1, value ->> 0, value ->> 1, value ->> 2, $2, $3 FROM ",
                            lists!("$4"),
                            " x WHERE true ON CONFLICT (app_no, folded) DO UPDATE SET word = excluded.word, \
                             severity = excluded.severity, added_by = excluded.added_by, added_at = excluded.added_at"
                        ))
                        .bind(app_no)
                        .bind(&by)
                        .bind(now)
                        .bind(list)
                        .execute(&mut *conn)
                        .await?;
                    }
                    let n: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sensitive_word WHERE app_no = $1")
                        .bind(app_no)
                        .fetch_one(&mut *conn)
                        .await?;
                    if n > most {
                        return Err(StorageError::Conflict("words"));
                    }
                    people::append_some(conn, audit.as_ref()).await
                })
            })
            .await
    }

    async fn remove(&self, app_no: i64, words: &[String], audit: Option<AuditEntry>) -> Result<u64> {
        let list = rows::to_json("sensitive_word", &words.iter().map(|w| folded(w)).collect::<Vec<_>>())?;
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let gone = sqlx::query(concat!(
                        "DELETE FROM sensitive_word WHERE app_no = $1 AND folded IN (SELECT x.value FROM ",
                        texts!("$2"),
                        " x)"
                    ))
                    .bind(app_no)
                    .bind(list)
                    .execute(&mut *conn)
                    .await?
                    .rows_affected();
                    if gone > 0 {
                        people::append_some(conn, audit.as_ref()).await?;
                    }
                    Ok(gone)
                })
            })
            .await
    }
}
