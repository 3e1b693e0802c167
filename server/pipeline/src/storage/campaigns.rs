//! Campaigns: a spec with a revision, a state that only moves along its table, one message once started.

use async_trait::async_trait;
use types::Millis;
use types::campaign::{CampaignSpec, Said, Section};
use types::ids::{CampaignId, MessageId};
use types::life::{CampaignState, MessageState};
use types::listing::{Page, PageRequest};
use types::problem::Problem;
use types::views::forecast::{Forecast, Overruled};

use super::Result;
use super::people::AuditEntry;

#[derive(Clone, Debug, PartialEq)]
pub struct Campaign {
    pub no: i64,
    pub id: CampaignId,
    pub app_no: i64,
    /// Grows with every change of spec or state; a caller that holds another one is told so.
    pub revision: i64,
    pub state: CampaignState,
    pub spec: CampaignSpec,
    /// When it starts by itself; only while scheduled, and of one that missed it.
    pub due_at: Option<Millis>,
    /// Number and id of its message. `None` while running = the start is still under way.
    pub message: Option<(i64, MessageId)>,
    /// Why a scheduled start did not happen.
    pub trouble: Option<Problem>,
    pub created_at: Millis,
    pub created_by: String,
    pub changed_at: Millis,
    pub changed_by: String,
    pub started_at: Option<Millis>,
    pub finished_at: Option<Millis>,
    /// Ids of the persons who wrote it: none of them may approve it.
    pub editors: Vec<String>,
}

/// Who writes.
#[derive(Clone, Copy, Debug)]
pub struct Hand<'a> {
    /// `usr_…`, or who else acts.
    pub id: &'a str,
    pub name: &'a str,
}

/// The forecast somebody saw when pressing start.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// Digest of what was forecast.
    pub made_of: String,
    pub forecast: Forecast,
    pub overruled: Option<Overruled>,
    pub at: Millis,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewVerdict {
    /// `None` = somebody asks for verdicts.
    pub section: Option<Section>,
    pub said: Said,
    /// Digest of what it is about.
    pub made_of: String,
    pub comment: String,
    pub person: String,
    pub person_name: String,
    pub at: Millis,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub told: NewVerdict,
    /// When an edit made it void.
    pub voided_at: Option<Millis>,
}

/// One step along [`CampaignState::may_become`].
#[derive(Clone, Debug)]
pub struct Move {
    pub from: CampaignState,
    pub to: CampaignState,
    /// The revision the caller saw; `None` = whatever it is now.
    pub revision: Option<i64>,
    /// Replaces the spec (its copy version is fixed at the start).
    pub spec: Option<CampaignSpec>,
    /// Only for `Scheduled` and `Missed`.
    pub due_at: Option<Millis>,
    pub trouble: Option<Problem>,
    /// Kept beside the campaign in the same write.
    pub shown: Option<Shown>,
    /// Written with the step, or not at all.
    pub audit: Option<AuditEntry>,
    pub by: String,
    pub now: Millis,
}

impl Move {
    pub fn new(from: CampaignState, to: CampaignState, by: &str, now: Millis) -> Move {
        Move { from, to, revision: None, spec: None, due_at: None, trouble: None, shown: None, audit: None, by: by.to_owned(), now }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CampaignFilter {
    pub state: Option<CampaignState>,
    /// Part of the name, or the whole id.
    pub text: Option<String>,
}

#[async_trait]
pub trait Campaigns: Send + Sync {
    async fn create(&self, app_no: i64, id: CampaignId, spec: CampaignSpec, by: Hand<'_>, now: Millis) -> Result<Campaign>;
    /// Replaces the spec of a draft; what was said of it is void. `Stale("campaign")` when the revision is another one or it is no draft any more.
    async fn save(&self, id: &CampaignId, revision: i64, spec: CampaignSpec, by: Hand<'_>, now: Millis) -> Result<Campaign>;
    async fn get(&self, id: &CampaignId) -> Result<Option<Campaign>>;
    /// Newest first.
    async fn list(&self, app_no: i64, filter: &CampaignFilter, page: &PageRequest) -> Result<Page<Campaign>>;
    /// Those that started or start in this time, and drafts with a crowd, newest first, at most `limit`.
    async fn between(&self, app_no: i64, from: Millis, to: Millis, limit: u32) -> Result<Vec<Campaign>>;
    /// One guarded change of state. `None` when state or revision were others; `Conflict("campaign state")` when the table does
    /// not allow the step.
    async fn advance(&self, id: &CampaignId, step: Move) -> Result<Option<Campaign>>;
    /// A start that did not happen: Running without a message -> Draft. `false` when it was not so any more.
    async fn take_back(&self, id: &CampaignId, trouble: Problem, now: Millis) -> Result<bool>;
    /// Remembers its message, once; `false` when it had one.
    async fn set_message(&self, id: &CampaignId, no: i64, message: &MessageId) -> Result<bool>;
    /// Scheduled ones whose time has come, earliest first.
    async fn due(&self, now: Millis, limit: u32) -> Result<Vec<Campaign>>;
    /// How many wait for a person because they are late, by app.
    async fn missed(&self) -> Result<Vec<(i64, u64)>>;
    /// Running ones whose start was cut short.
    async fn half_started(&self, limit: u32) -> Result<Vec<Campaign>>;
    /// Running or paused ones whose message is in another state, with that state.
    async fn out_of_step(&self, limit: u32) -> Result<Vec<(Campaign, MessageState)>>;
    /// Running ones with a message: (campaign, message no).
    async fn running(&self, limit: u32) -> Result<Vec<(CampaignId, i64)>>;

    /// The forecast that was shown when it was last started or scheduled.
    async fn shown(&self, id: &CampaignId) -> Result<Option<Shown>>;
    /// Keeps what somebody said of a draft or a scheduled campaign. `Stale("campaign")` when it is not at this revision any more.
    async fn judge(&self, id: &CampaignId, revision: i64, verdicts: &[NewVerdict], audit: Option<AuditEntry>) -> Result<()>;
    /// Drafts and scheduled campaigns of these apps for which somebody asked and no edit voided it, the newest question first.
    async fn asked(&self, apps: &[i64], limit: u32) -> Result<Vec<Campaign>>;
    /// Newest first, at most `limit`.
    async fn verdicts(&self, id: &CampaignId, limit: u32) -> Result<Vec<Verdict>>;
}
