//! Crowds and uploads of one app.

use types::crowd::{Mapping, Overrule};
use types::ids::{AppId, CrowdId, UploadId};
use types::views::crowds::{CrowdList, CrowdView, UploadView};

use super::Asked;
use crate::error::AppError;

#[async_trait::async_trait]
pub trait CrowdsPort: Send + Sync {
    /// `name`: part of the name; empty = all.
    async fn list(&self, app: &AppId, name: &str, after: Option<String>) -> Result<CrowdList, AppError>;
    async fn upload(&self, app: &AppId, id: &UploadId) -> Result<UploadView, AppError>;
    async fn overrule(&self, app: &AppId, id: &UploadId, overrule: Overrule) -> Result<(), AppError>;
    /// Begins; `upload` tells how far it is.
    async fn check(&self, app: &AppId, id: &UploadId, mapping: Mapping) -> Result<(), AppError>;
    /// Stops a check under way.
    async fn cancel(&self, app: &AppId, id: &UploadId) -> Result<(), AppError>;
    async fn discard(&self, asked: &Asked, app: &AppId, id: &UploadId) -> Result<(), AppError>;
    async fn confirm(&self, asked: &Asked, app: &AppId, id: &UploadId, name: &str) -> Result<CrowdId, AppError>;
    async fn crowd(&self, app: &AppId, id: &CrowdId) -> Result<CrowdView, AppError>;
}
