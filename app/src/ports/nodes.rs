//! The processes of this installation.

use async_trait::async_trait;
use types::views::nodes::NodesView;

use crate::error::AppError;

#[async_trait]
pub trait NodesPort: Send + Sync {
    async fn nodes(&self) -> Result<NodesView, AppError>;
}
