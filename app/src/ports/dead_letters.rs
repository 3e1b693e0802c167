//! The dead-letter drawer of one app.

use types::ids::AppId;
use types::views::dead_letters::{DeadQuery, DeadView};

use super::Asked;
use crate::error::AppError;

#[async_trait::async_trait]
pub trait DeadLettersPort: Send + Sync {
    async fn list(&self, app: &AppId, query: &DeadQuery) -> Result<DeadView, AppError>;
    /// A set-aside chunk goes back in line; `None` = all of the app.
    async fn try_again(&self, asked: &Asked, app: &AppId, chunk: Option<i64>) -> Result<(), AppError>;
    /// Ends a set-aside chunk.
    async fn give_up(&self, asked: &Asked, app: &AppId, chunk: i64) -> Result<(), AppError>;
    /// Sends to these lines again until `deadline` (as `<input type=datetime-local>` writes it).
    async fn replay(&self, asked: &Asked, app: &AppId, lines: &[i64], deadline: &str) -> Result<(), AppError>;
}
