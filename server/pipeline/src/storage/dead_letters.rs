//! Dead letters: where recipients ended without being accepted although they could have been, by message, lane and reason. Written
//! with the counters of the fact; who they are stands in the chunks.

use async_trait::async_trait;
use types::Millis;
use types::ids::{CampaignId, MessageId};
use types::life::{MessageState, Outcome};
use types::listing::{Page, PageRequest};
use types::vendor::Vendor;

use super::Result;
use super::messages::NewMessage;
use super::people::AuditEntry;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    pub no: i64,
    pub message_no: i64,
    pub message: MessageId,
    /// Its title, or its body when it has none.
    pub title: String,
    pub campaign: Option<CampaignId>,
    pub state: MessageState,
    pub vendor: Option<Vendor>,
    pub outcome: Outcome,
    pub reason: String,
    pub words: String,
    /// As counted now: what arrived after all is none of them any more.
    pub recipients: u64,
    pub at: Millis,
    pub replay: Option<(MessageId, Millis)>,
}

impl DeadLetter {
    pub fn over(&self) -> bool {
        matches!(self.state, MessageState::Finished | MessageState::Cancelled)
    }
}

/// All empty = everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadFilter {
    pub vendor: Option<Vendor>,
    pub outcome: Option<Outcome>,
    pub reason: Option<String>,
    pub message: Option<MessageId>,
    pub campaign: Option<CampaignId>,
    /// First of them at or after this instant.
    pub from: Option<Millis>,
    /// First of them before this instant.
    pub to: Option<Millis>,
    pub replayed: Option<bool>,
}

#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// Newest first; lines without anybody left are passed over.
    async fn list(&self, app_no: i64, filter: &DeadFilter, page: &PageRequest) -> Result<Page<DeadLetter>>;
    /// Those of these numbers that are this app's, by number.
    async fn get(&self, app_no: i64, nos: &[i64]) -> Result<Vec<DeadLetter>>;
    /// Stores the messages that go to these lines again and notes which took which, in one transaction. `Stale`, and nothing is
    /// written, when one of the lines was replayed meanwhile. Returns the messages' numbers.
    async fn replay(&self, replays: Vec<(Vec<i64>, NewMessage)>, audit: AuditEntry) -> Result<Vec<i64>>;
}
