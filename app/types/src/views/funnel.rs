//! The funnel page.

use serde::{Deserialize, Serialize};

use super::overview::Span;
use crate::Millis;
use crate::funnel::Funnel;
use crate::ids::{CampaignId, MessageId};

/// Query of the funnel page: one campaign, one message, or a time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FunnelQuery {
    pub campaign: String,
    pub message: String,
    pub range: String,
    pub from: String,
    pub to: String,
    /// `yes` = count every recipient anew and compare.
    pub audit: String,
}

/// What the funnel is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FunnelOf {
    Campaign { id: CampaignId, name: String, messages: Vec<MessageId> },
    Message { id: MessageId, name: String },
    Time { span: Span },
}

impl FunnelOf {
    /// The message whose recipients the numbers lead to, when there is exactly one.
    pub fn message(&self) -> Option<&MessageId> {
        match self {
            FunnelOf::Campaign { messages, .. } if messages.len() == 1 => messages.first(),
            FunnelOf::Message { id, .. } => Some(id),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunnelView {
    pub of: FunnelOf,
    pub now: Millis,
    pub funnel: Funnel,
    /// Campaigns to choose from, newest first.
    pub campaigns: Vec<(CampaignId, String)>,
    pub audit: Option<AuditView>,
}

/// A recount beside the counters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditView {
    pub at: Millis,
    pub agrees: bool,
    pub recounted: Funnel,
}
