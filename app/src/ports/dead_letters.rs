//! The dead-letter drawer of one app.

use types::ids::{AppId, MessageId};
use types::views::dead_letters::{DeadQuery, DeadView};
use types::views::lanes::SilentView;

use super::Asked;
use crate::error::AppError;

#[async_trait::async_trait]
pub trait DeadLettersPort: Send + Sync {
    async fn list(&self, app: &AppId, query: &DeadQuery) -> Result<DeadView, AppError>;
    /// A set-aside chunk goes back in line; `None` = all of the app.
    async fn try_again(&self, asked: &Asked, app: &AppId, chunk: Option<i64>) -> Result<(), AppError>;
    /// Who of a message was accepted and not heard of.
    async fn silent(&self, app: &AppId, message: &MessageId) -> Result<SilentView, AppError>;
    /// Sends to them once more, by the same lanes.
    async fn resend_silent(&self, asked: &Asked, app: &AppId, message: &MessageId) -> Result<(), AppError>;
    /// Ends a set-aside chunk.
    async fn give_up(&self, asked: &Asked, app: &AppId, chunk: i64) -> Result<(), AppError>;
    /// Sends to these lines again until `deadline` (as `<input type=datetime-local>` writes it).
    async fn replay(&self, asked: &Asked, app: &AppId, lines: &[i64], deadline: &str) -> Result<(), AppError>;
}
