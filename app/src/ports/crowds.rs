//! Crowds and uploads of one app.

use types::crowd::{Mapping, Overrule};
use types::ids::{AppId, CrowdId, MakingId, UploadId};
use types::views::crowds::{CombineForm, CombineView, CrowdList, CrowdView, MakingView, UploadView};

use super::Asked;
use crate::error::AppError;

#[async_trait::async_trait]
pub trait CrowdsPort: Send + Sync {
    /// `name`: part of the name, `tag`: a whole one; empty = all.
    async fn list(&self, app: &AppId, name: &str, tag: &str, after: Option<String>) -> Result<CrowdList, AppError>;
    async fn upload(&self, app: &AppId, id: &UploadId) -> Result<UploadView, AppError>;
    async fn overrule(&self, app: &AppId, id: &UploadId, overrule: Overrule) -> Result<(), AppError>;
    /// Begins; `upload` tells how far it is.
    async fn check(&self, app: &AppId, id: &UploadId, mapping: Mapping) -> Result<(), AppError>;
    /// Stops a check under way.
    async fn cancel(&self, app: &AppId, id: &UploadId) -> Result<(), AppError>;
    async fn discard(&self, asked: &Asked, app: &AppId, id: &UploadId) -> Result<(), AppError>;
    async fn confirm(&self, asked: &Asked, app: &AppId, id: &UploadId, name: &str) -> Result<CrowdId, AppError>;
    async fn crowd(&self, app: &AppId, id: &CrowdId) -> Result<CrowdView, AppError>;
    /// `tags` as typed, split at commas.
    async fn tag(&self, asked: &Asked, app: &AppId, id: &CrowdId, tags: &str) -> Result<(), AppError>;
    /// What a making may be made of, and those of late.
    async fn choices(&self, app: &AppId) -> Result<CombineView, AppError>;
    /// Begins; `making` tells how far it is.
    async fn combine(&self, asked: &Asked, app: &AppId, form: &CombineForm) -> Result<MakingId, AppError>;
    async fn making(&self, app: &AppId, id: &MakingId) -> Result<MakingView, AppError>;
    async fn stop_making(&self, asked: &Asked, app: &AppId, id: &MakingId) -> Result<(), AppError>;
}
