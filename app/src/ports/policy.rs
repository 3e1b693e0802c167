//! Rules, stop switch and blacklist of one app.

use types::ids::AppId;
use types::listing::Page;
use types::views::policy::{BlockedView, PolicyForm, PolicyView};

use super::Asked;
use crate::error::AppError;

#[async_trait::async_trait]
pub trait PolicyPort: Send + Sync {
    /// With whom the rules affect now.
    async fn view(&self, app: &AppId) -> Result<PolicyView, AppError>;
    async fn save(&self, asked: &Asked, app: &AppId, revision: i64, form: PolicyForm) -> Result<(), AppError>;
    /// `None` lets everything go on.
    async fn stop(&self, asked: &Asked, app: &AppId, why: Option<String>) -> Result<(), AppError>;
    /// `text` = how the account begins.
    async fn blocked(&self, app: &AppId, text: &str, after: Option<String>) -> Result<Page<BlockedView>, AppError>;
    /// Accounts one a line, as pasted or as a CSV file has them.
    async fn block(&self, asked: &Asked, app: &AppId, list: String, group: String, reason: String) -> Result<(), AppError>;
    async fn unblock(&self, asked: &Asked, app: &AppId, user: String, group: String) -> Result<(), AppError>;
}
