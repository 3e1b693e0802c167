//! Dead letters, as their page shows them.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::ids::{CampaignId, MessageId};
use crate::life::Outcome;
use crate::listing::Page;
use crate::vendor::Vendor;

/// Query of the list. Empty = everything; `state` empty = those not replayed yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeadQuery {
    /// Slug of a vendor.
    pub vendor: String,
    /// Slug of an outcome.
    pub outcome: String,
    /// Slug of a class of failure.
    pub reason: String,
    /// Id of a message or of a campaign.
    pub message: String,
    /// As `<input type=datetime-local>` writes it.
    pub from: String,
    pub to: String,
    /// `open`, `replayed` or `all`.
    pub state: String,
    pub after: String,
}

/// Recipients of one message in one lane that ended for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLine {
    pub no: i64,
    pub message: MessageId,
    pub title: String,
    pub campaign: Option<CampaignId>,
    /// The message is over: these may be replayed.
    pub over: bool,
    pub vendor: Option<Vendor>,
    pub outcome: Outcome,
    pub reason: String,
    /// The vendor's.
    pub words: String,
    pub recipients: u64,
    /// The first of them ended then.
    pub at: Millis,
    /// The message that went to them again, and when it was made.
    pub replay: Option<(MessageId, Millis)>,
}

/// A chunk that took its sender down three times and waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoisonedView {
    pub no: i64,
    pub message: MessageId,
    pub vendor: Vendor,
    /// Of the whole chunk.
    pub recipients: u64,
    pub since: Millis,
    /// It ends by itself then.
    pub deadline: Millis,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadView {
    pub now: Millis,
    pub lines: Page<DeadLine>,
    pub poisoned: Vec<PoisonedView>,
}
