//! Messages: accepted once, planned in steps, ended by the sum of their chunks.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use types::Millis;
use types::content::{Content, MessageClass, Rank};
use types::hours::Hours;
use types::ids::{CampaignId, CrowdId, MessageId};
use types::life::{MessageState, Outcome};
use types::listing::{Page, PageRequest};
use types::policy::Versions;
use types::vendor::Vendor;

use super::Result;
use super::chunks::NewChunk;
use super::frame::Reason;
use super::policy::Claim;

/// Whom a message is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Targets {
    Users {
        users: Vec<String>,
    },
    Devices {
        devices: Vec<String>,
    },
    Tokens {
        tokens: Vec<(Vendor, String)>,
    },
    Crowd {
        crowd: CrowdId,
    },
    /// Exactly these recipients of an earlier message: those whose outcome has one of these slugs (manual resend).
    Again {
        message: MessageId,
        outcomes: Vec<String>,
        /// Of these only those whose end is one of these; empty = all of them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        only: Vec<Ended>,
    },
    /// Devices of one chunk of an earlier message that were accepted and not acknowledged, by a lane not tried yet.
    Onward {
        message: MessageId,
        chunk: i64,
        tried: Vec<Vendor>,
    },
    /// Everybody an earlier message may have reached: it is taken back, by each vendor's means. `root` is the message whose showing
    /// is meant (another one where the earlier one was itself a resend).
    Recall {
        message: MessageId,
        root: MessageId,
    },
}

/// How recipients ended, in which lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    pub vendor: Vendor,
    pub outcome: Outcome,
    pub reason: String,
    pub words: String,
}

impl Ended {
    pub fn is(&self, vendor: Vendor, outcome: Outcome, reason: Option<&Reason>) -> bool {
        let (slug, words) = reason.map_or(("", ""), |r| (&r.slug, &r.words));
        self.vendor == vendor && self.outcome == outcome && self.reason == slug && self.words == words
    }
}

impl Targets {
    /// How many are named one by one.
    pub fn named(&self) -> usize {
        match self {
            Targets::Users { users } => users.len(),
            Targets::Devices { devices } => devices.len(),
            Targets::Tokens { tokens } => tokens.len(),
            Targets::Crowd { .. } | Targets::Again { .. } | Targets::Onward { .. } | Targets::Recall { .. } => 0,
        }
    }
}

/// Who made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    Api,
    Campaign,
    /// A test send: reaches registered test devices only, by type and not by care.
    Test,
    Resend,
    /// To the next lane of devices whose first lane gave no receipt in time.
    Onward,
    /// Takes an earlier message back. Part of no funnel.
    Recall,
}

impl Origin {
    pub const ALL: [Origin; 6] = [Origin::Api, Origin::Campaign, Origin::Test, Origin::Resend, Origin::Onward, Origin::Recall];

    pub const fn slug(self) -> &'static str {
        match self {
            Origin::Api => "api",
            Origin::Campaign => "campaign",
            Origin::Test => "test",
            Origin::Resend => "resend",
            Origin::Onward => "onward",
            Origin::Recall => "recall",
        }
    }

    pub fn parse(text: &str) -> Option<Origin> {
        Self::ALL.into_iter().find(|o| o.slug() == text)
    }
}

#[derive(Clone, Debug)]
pub struct NewMessage {
    pub id: MessageId,
    pub app_no: i64,
    pub campaign: Option<CampaignId>,
    pub origin: Origin,
    pub class: MessageClass,
    pub business: String,
    pub content: Content,
    /// For everybody; a recipient's own value wins.
    pub variables: BTreeMap<String, String>,
    pub targets: Targets,
    /// Empty = the app's order.
    pub vendor_order: Vec<Vendor>,
    /// App versions it is for; `None` = all.
    pub versions: Option<Versions>,
    /// Sends in these hours only; `None` = at any hour.
    pub hours: Option<Hours>,
    pub deadline: Millis,
    /// (`Idempotency-Key`, sha256 of the body).
    pub idempotency: Option<(String, [u8; 32])>,
    /// Who sent it: e-mail of a person, or appKey; and from where.
    pub account: String,
    pub address: String,
    pub now: Millis,
}

/// What became of an insert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inserted {
    Fresh {
        no: i64,
    },
    /// The same key and body came before: this is that message.
    Again {
        no: i64,
        id: MessageId,
        created_at: Millis,
    },
    /// The same key came before with another body.
    OtherBody,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub no: i64,
    pub id: MessageId,
    pub app_no: i64,
    pub campaign: Option<CampaignId>,
    pub origin: Origin,
    pub class: MessageClass,
    /// By the app's key business types, as they were when it came in or when they last changed.
    pub rank: Rank,
    pub business: String,
    pub content: Content,
    pub variables: BTreeMap<String, String>,
    pub targets: Targets,
    pub vendor_order: Vec<Vendor>,
    pub versions: Option<Versions>,
    pub hours: Option<Hours>,
    pub state: MessageState,
    /// Where planning goes on: the next crowd block or offset into the list of targets.
    pub cursor: i64,
    pub deadline: Millis,
    pub account: String,
    pub address: String,
    pub created_at: Millis,
    pub finished_at: Option<Millis>,
    /// Since then nobody knows who was in it; the counters stay.
    pub forgotten_at: Option<Millis>,
}

impl Message {
    /// The message whose showing this one is, repeats or takes back: phones know it by that one's key.
    pub fn showing(&self) -> &MessageId {
        match &self.targets {
            Targets::Again { message: earlier, .. } | Targets::Onward { message: earlier, .. } => earlier,
            Targets::Recall { root, .. } => root,
            _ => &self.id,
        }
    }
}

/// One durable step of planning.
#[derive(Clone, Debug)]
pub struct PlanStep {
    pub message_no: i64,
    /// The cursor this step was computed from; another one in the store means somebody was faster (`Stale`).
    pub from: i64,
    pub to: i64,
    pub chunks: Vec<NewChunk>,
    /// Slots of those who are sent to, where rules count them; the step is `Stale` when they moved.
    pub claim: Option<Claim>,
    /// No more recipients: the message goes to `Sending`.
    pub last: bool,
    pub now: Millis,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageFilter {
    pub campaign: Option<CampaignId>,
    pub origin: Option<Origin>,
    pub state: Option<MessageState>,
    /// Prefix of the id, or the account.
    pub text: Option<String>,
    /// Some of it is planned for this lane.
    pub vendor: Option<Vendor>,
    /// The address it was sent from, exactly.
    pub address: Option<String>,
    /// Created at or after this instant.
    pub from: Option<Millis>,
    /// Created before this instant.
    pub to: Option<Millis>,
}

#[async_trait]
pub trait Messages: Send + Sync {
    async fn insert(&self, message: NewMessage) -> Result<Inserted>;
    async fn get(&self, no: i64) -> Result<Option<Message>>;
    async fn by_id(&self, id: &MessageId) -> Result<Option<Message>>;
    /// Newest first.
    async fn list(&self, app_no: i64, filter: &MessageFilter, page: &PageRequest) -> Result<Page<Message>>;

    /// Messages of a rank still to be planned, by deadline.
    async fn to_plan(&self, rank: Rank, limit: u32) -> Result<Vec<Message>>;
    /// Chunks, their `planned` and `filtered` tallies and the cursor of several messages in one transaction. `false` for those
    /// whose state or cursor moved: nothing is written of them. A message stands in one step of the list at most. `Stale`, and
    /// nothing at all is written, when claimed slots have moved.
    async fn plan(&self, steps: Vec<PlanStep>) -> Result<Vec<bool>>;

    /// Planning or Sending -> Paused; waiting chunks are held. `false` when it was in no such state.
    async fn pause(&self, no: i64) -> Result<bool>;
    /// Paused -> Planning (when planning was not over) or Sending; held chunks wait again.
    async fn resume(&self, no: i64) -> Result<bool>;
    /// Any living state -> Cancelled; waiting and held recipients become `Cancelled`, leased chunks end by themselves.
    /// Recipients not planned yet are never planned. Returns the recipients cancelled, or `None` when it was over.
    async fn cancel(&self, no: i64, now: Millis) -> Result<Option<u64>>;
    /// Sending messages without a living chunk -> Finished. Returns (message no, campaign) of those ended now.
    async fn settle(&self, now: Millis) -> Result<Vec<(i64, Option<CampaignId>)>>;
    /// Paused and cancelled messages, to fill the stop flags at start.
    async fn stopped(&self) -> Result<Vec<(i64, MessageState)>>;
}
