//! Ramps: how far a campaign's crowd is open, and why it stands.

use async_trait::async_trait;
use types::Millis;
use types::ids::{CampaignId, MessageId};
use types::ramp::{RampPlan, RampState, Watched};

use super::Result;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ramp {
    /// The message the campaign becomes.
    pub message: MessageId,
    pub campaign: CampaignId,
    pub app_no: i64,
    pub plan: RampPlan,
    pub state: RampState,
    /// Steps open; at least one.
    pub open: u32,
    pub since: Millis,
    /// The step a person let go on in spite of the guards; 0 = none.
    pub waived: u32,
    pub watched: Vec<Watched>,
    /// Who moved it last.
    pub by: String,
}

#[async_trait]
pub trait Ramps: Send + Sync {
    /// Chooses a ramp before the start, or another one. `false` when it has begun.
    async fn choose(&self, ramp: Ramp) -> Result<bool>;
    /// Without a ramp after all. `false` when there is none, or it has begun.
    async fn forgo(&self, message: &MessageId) -> Result<bool>;
    async fn get(&self, message: &MessageId) -> Result<Option<Ramp>>;
    /// Those that somebody must look at: chosen, under way, or waiting for a person.
    async fn living(&self, limit: u32) -> Result<Vec<Ramp>>;
    /// One step on. `false` when state or step were others: somebody was faster.
    async fn advance(&self, from: (RampState, u32), to: Ramp) -> Result<bool>;
}
