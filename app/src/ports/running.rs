//! What is done to a campaign or a message while it runs, and after it ran.

use types::ids::{AppId, CampaignId, MessageId};
use types::ramp::RampPlan;
use types::views::ramp::RampView;
use types::views::recall::RecallView;

use super::Asked;
use crate::error::AppError;

/// A campaign with all its messages, or one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    Campaign(CampaignId),
    Message(MessageId),
}

impl Sent {
    pub fn parse(id: &str) -> Option<Sent> {
        CampaignId::parse(id).map(Sent::Campaign).or_else(|| MessageId::parse(id).map(Sent::Message))
    }
}

#[async_trait::async_trait]
pub trait RunningPort: Send + Sync {
    /// What a recall would do, or has done.
    async fn recall_view(&self, app: &AppId, sent: &Sent) -> Result<RecallView, AppError>;
    /// Takes it back; `title` and `body` are the notice where a vendor can only overwrite.
    async fn recall(&self, asked: &Asked, app: &AppId, sent: &Sent, title: &str, body: &str) -> Result<(), AppError>;

    async fn ramp_view(&self, app: &AppId, id: &CampaignId) -> Result<RampView, AppError>;
    /// How a campaign begins; `None` = to everybody at once.
    async fn choose_ramp(&self, asked: &Asked, app: &AppId, id: &CampaignId, plan: Option<RampPlan>) -> Result<(), AppError>;
    async fn continue_ramp(&self, asked: &Asked, app: &AppId, id: &CampaignId) -> Result<(), AppError>;
}
