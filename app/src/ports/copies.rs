//! The copy library of one app.

use types::ids::{AppId, CopyId};
use types::listing::Page;
use types::vendor::Vendor;
use types::views::copies::{CopyBrief, CopyForm, CopyView};

use super::Asked;
use crate::error::AppError;

#[async_trait::async_trait]
pub trait CopiesPort: Send + Sync {
    /// `text` = part of the name, `tag` = a whole tag; empty = all.
    async fn list(&self, app: &AppId, text: &str, tag: &str, archived: bool, after: Option<String>) -> Result<Page<CopyBrief>, AppError>;
    /// `version` = `None` for the newest.
    async fn get(&self, app: &AppId, id: &CopyId, version: Option<u32>) -> Result<CopyView, AppError>;
    /// The vendors whose rules count, and the title used when a copy has none.
    async fn rules(&self, app: &AppId) -> Result<(Vec<Vendor>, String), AppError>;
    /// `edited` = the copy and the version the person started from; `None` makes a new one.
    async fn save(&self, asked: &Asked, app: &AppId, edited: Option<(CopyId, u32)>, form: CopyForm) -> Result<CopyId, AppError>;
    async fn archive(&self, asked: &Asked, app: &AppId, id: &CopyId, archived: bool) -> Result<(), AppError>;
}
