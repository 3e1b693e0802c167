//! The copy library over the house.

use std::sync::Arc;

use app::error::AppError;
use app::ports::Asked;
use app::ports::copies::CopiesPort;
use async_trait::async_trait;
use pipeline::house::House;
use pipeline::storage::apps::App;
use pipeline::storage::copies::{CopyFilter, CopyRow, CopyVersion};
use types::ids::{AppId, CopyId};
use types::listing::{Page, PageRequest};
use types::problem::{Code, Problem};
use types::text::Text;
use types::vendor::Vendor;
use types::views::copies::{CopyBrief, CopyForm, CopyVersionBrief, CopyView};

use super::failed;

/// Versions a page lists.
const HISTORY: u32 = 50;

pub struct CopiesConsole {
    pub house: Arc<House>,
}

/// The app of a page.
///
/// # Errors
/// `NotFound`.
pub async fn app_of(house: &House, id: &AppId) -> Result<App, AppError> {
    let found = house.storage.apps.get(id).await.map_err(|e| failed(&e))?;
    found.ok_or_else(|| AppError::from(Problem::because(Code::NotFound, Text::new("没有这个应用", "no such app"))))
}

/// A word of a filter, or nothing.
pub fn word(text: &str) -> Option<String> {
    Some(text.trim().chars().take(100).collect::<String>()).filter(|t| !t.is_empty())
}

pub fn brief(row: CopyRow) -> CopyBrief {
    CopyBrief {
        id: row.id,
        name: row.name,
        tags: row.tags,
        version: row.newest.number,
        title: row.newest.content.title,
        body: row.newest.content.body,
        used_in: row.used_in,
        changed_at: row.newest.at,
        changed_by: row.newest.by,
        archived: row.archived_at.is_some(),
    }
}

impl CopiesConsole {
    /// A version of a copy; `None` = its newest.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn version_of(house: &House, row: &CopyRow, version: Option<u32>) -> Result<CopyVersion, AppError> {
        match version {
            Some(number) if number != row.newest.number => {
                let found = house.storage.copies.version(&row.id, number).await.map_err(|e| failed(&e))?;
                found.ok_or_else(|| AppError::new(Code::NotFound))
            }
            _ => Ok(row.newest.clone()),
        }
    }
}

#[async_trait]
impl CopiesPort for CopiesConsole {
    async fn list(&self, app: &AppId, text: &str, tag: &str, archived: bool, after: Option<String>) -> Result<Page<CopyBrief>, AppError> {
        let app = app_of(&self.house, app).await?;
        let filter = CopyFilter { text: word(text), tag: word(tag), archived };
        let page = PageRequest { after, ..PageRequest::default() };
        Ok(self.house.storage.copies.list(app.no, &filter, &page).await.map_err(|e| failed(&e))?.map(brief))
    }

    async fn get(&self, app: &AppId, id: &CopyId, version: Option<u32>) -> Result<CopyView, AppError> {
        let app = app_of(&self.house, app).await?;
        let row = self.house.copies.find(&app, id).await?;
        let shown = Self::version_of(&self.house, &row, version).await?;
        let versions = self.house.storage.copies.versions(id, HISTORY).await.map_err(|e| failed(&e))?;
        Ok(CopyView {
            brief: brief(row),
            number: shown.number,
            content: shown.content,
            versions: versions.into_iter().map(|v| CopyVersionBrief { number: v.number, note: v.note, by: v.by, at: v.at }).collect(),
        })
    }

    async fn rules(&self, app: &AppId) -> Result<(Vec<Vendor>, String), AppError> {
        let app = app_of(&self.house, app).await?;
        Ok((app.vendor_order, app.default_title))
    }

    async fn save(&self, asked: &Asked, app: &AppId, edited: Option<(CopyId, u32)>, form: CopyForm) -> Result<CopyId, AppError> {
        let app = app_of(&self.house, app).await?;
        let edited = edited.as_ref().map(|(id, version)| (id, *version));
        Ok(self.house.copies.save(&app, edited, &form, &super::actor(asked)).await?.id)
    }

    async fn archive(&self, asked: &Asked, app: &AppId, id: &CopyId, archived: bool) -> Result<(), AppError> {
        let app = app_of(&self.house, app).await?;
        Ok(self.house.copies.archive(&app, id, archived, &super::actor(asked)).await?)
    }
}
