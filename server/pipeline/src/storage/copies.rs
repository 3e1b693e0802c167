//! Copies: a library of texts per app, every save a version that never changes.

use async_trait::async_trait;
use types::Millis;
use types::content::Content;
use types::ids::CopyId;
use types::listing::{Page, PageRequest};

use super::Result;

/// A copy with its newest version.
#[derive(Clone, Debug, PartialEq)]
pub struct CopyRow {
    pub no: i64,
    pub id: CopyId,
    pub app_no: i64,
    pub name: String,
    pub tags: Vec<String>,
    pub archived_at: Option<Millis>,
    pub created_at: Millis,
    /// Campaigns of any state that name it.
    pub used_in: u64,
    pub newest: CopyVersion,
}

/// One immutable version; numbers count from 1.
#[derive(Clone, Debug, PartialEq)]
pub struct CopyVersion {
    pub number: u32,
    pub content: Content,
    /// What changed, in the author's words; may be empty.
    pub note: String,
    pub by: String,
    pub at: Millis,
}

/// Somebody who wrote a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// Empty when it was written before ids were kept.
    pub id: String,
    pub name: String,
}

/// What a save says.
#[derive(Clone, Debug)]
pub struct CopySave {
    pub name: String,
    pub tags: Vec<String>,
    pub content: Content,
    pub note: String,
    pub by: String,
    /// `usr_…`, or who else acts.
    pub by_id: String,
    pub now: Millis,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopyFilter {
    /// Part of the name.
    pub text: Option<String>,
    pub tag: Option<String>,
    /// The archived ones instead of the living.
    pub archived: bool,
}

#[async_trait]
pub trait Copies: Send + Sync {
    /// `Conflict("copy name")` when a living copy of the app has this name.
    async fn create(&self, app_no: i64, id: CopyId, save: CopySave) -> Result<CopyRow>;
    /// A new version when the content changed, else only name and tags. `Stale("copy")` when the newest version is another one
    /// than `expected`, or the copy is archived or unknown; `Conflict("copy name")` as above.
    async fn save(&self, id: &CopyId, expected: u32, save: CopySave) -> Result<CopyRow>;
    async fn get(&self, id: &CopyId) -> Result<Option<CopyRow>>;
    async fn version(&self, id: &CopyId, number: u32) -> Result<Option<CopyVersion>>;
    /// Newest first.
    async fn versions(&self, id: &CopyId, limit: u32) -> Result<Vec<CopyVersion>>;
    /// Everybody who wrote a version up to this one.
    async fn authors(&self, id: &CopyId, up_to: u32) -> Result<Vec<Author>>;
    /// Newest first.
    async fn list(&self, app_no: i64, filter: &CopyFilter, page: &PageRequest) -> Result<Page<CopyRow>>;
    /// Archives or brings back. `false` when there is no such copy; `Conflict("copy name")` when its name is taken meanwhile.
    async fn archive(&self, id: &CopyId, archived: bool, now: Millis) -> Result<bool>;
}
