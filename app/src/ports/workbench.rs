//! The copy workbench of one app, and its list of sensitive words.

use types::ids::{AppId, CopyId};
use types::views::workbench::{WordsView, WorkbenchAsk, WorkbenchView};

use super::Asked;
use crate::error::AppError;

#[async_trait::async_trait]
pub trait WorkbenchPort: Send + Sync {
    async fn view(&self, asked: &Asked, app: &AppId, copy: &CopyId, ask: &WorkbenchAsk) -> Result<WorkbenchView, AppError>;
    /// `text` = part of the word, `severity` = a slug; empty = all.
    async fn words(&self, app: &AppId, text: &str, severity: &str, after: Option<String>) -> Result<WordsView, AppError>;
    /// One word a line; `severity` for those without one of their own.
    async fn add_words(&self, asked: &Asked, app: &AppId, list: &str, severity: &str) -> Result<(), AppError>;
    async fn remove_word(&self, asked: &Asked, app: &AppId, word: &str) -> Result<(), AppError>;
}
