//! An app's list of sensitive words.

use async_trait::async_trait;
use types::Millis;
use types::listing::{Page, PageRequest};
use types::sensitive::{Severity, Word};

use super::Result;
use super::people::AuditEntry;

/// One word of the list with who put it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordRow {
    pub no: i64,
    pub word: Word,
    pub added_by: String,
    pub added_at: Millis,
}

#[async_trait]
pub trait SensitiveWords: Send + Sync {
    /// The whole list: what texts are searched with.
    async fn all(&self, app_no: i64) -> Result<Vec<Word>>;
    /// Newest first; `text` = part of the word as it is compared.
    async fn list(&self, app_no: i64, text: Option<&str>, severity: Option<Severity>, page: &PageRequest) -> Result<Page<WordRow>>;
    async fn counts(&self, app_no: i64) -> Result<Vec<(Severity, u64)>>;
    /// Adds words, or changes the severity of those that are compared alike. No word twice in one call. `Conflict("words")`, and
    /// nothing is written, when the list would hold more than `most`.
    async fn put(&self, app_no: i64, words: &[Word], most: u64, by: &str, now: Millis, audit: Option<AuditEntry>) -> Result<()>;
    /// Takes words off the list, as they are compared. Returns how many there were.
    async fn remove(&self, app_no: i64, words: &[String], audit: Option<AuditEntry>) -> Result<u64>;
}
