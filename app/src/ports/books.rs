//! The books: overview, funnels, lanes, messages and their recipients.

use types::ids::{AppId, MessageId};
use types::listing::Page;
use types::views::funnel::{FunnelQuery, FunnelView};
use types::views::lanes::LanesView;
use types::views::messages::{MessageBrief, MessageQuery, MessageView, RecipientQuery, RecipientView};
use types::views::overview::{OverviewView, RangeQuery};

use crate::error::AppError;

#[async_trait::async_trait]
pub trait BooksPort: Send + Sync {
    /// Field errors for a time that does not read.
    async fn overview(&self, app: &AppId, query: &RangeQuery) -> Result<OverviewView, AppError>;
    async fn lanes(&self, app: &AppId) -> Result<LanesView, AppError>;
    async fn funnel(&self, app: &AppId, query: &FunnelQuery) -> Result<FunnelView, AppError>;
    /// Newest first.
    async fn messages(&self, app: &AppId, query: &MessageQuery) -> Result<Page<MessageBrief>, AppError>;
    async fn message(&self, app: &AppId, id: &MessageId) -> Result<MessageView, AppError>;
    /// Tokens are masked.
    async fn recipients(&self, app: &AppId, id: &MessageId, query: &RecipientQuery) -> Result<Page<RecipientView>, AppError>;
}
