//! Crowds made out of others: the order, how far it is, what came of it.

use async_trait::async_trait;
use types::Millis;
use types::crowd::{CrowdCounts, KeyKind, Mapping};
use types::ids::{CrowdId, MakingId};
use types::making::{MakingProgress, MakingState, SetSize, Step};
use types::problem::Problem;

use super::Result;
use super::people::AuditEntry;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Making {
    pub no: i64,
    pub id: MakingId,
    pub app_no: i64,
    pub state: MakingState,
    pub name: String,
    pub key: KeyKind,
    pub steps: Vec<Step>,
    pub progress: MakingProgress,
    /// Of every step, then of the result; empty until made.
    pub sizes: Vec<SetSize>,
    pub problem: Option<Problem>,
    pub crowd_no: i64,
    /// The crowd, once it is there.
    pub crowd: Option<CrowdId>,
    pub created_by: String,
    pub created_at: Millis,
    pub changed_at: Millis,
}

#[derive(Clone, Debug)]
pub struct NewMaking {
    pub id: MakingId,
    pub crowd: CrowdId,
    pub app_no: i64,
    pub name: String,
    pub key: KeyKind,
    pub steps: Vec<Step>,
    /// What the crowd's list shows where others name their file.
    pub formula: String,
    pub created_by: String,
    pub now: Millis,
}

/// What a making came to.
#[derive(Clone, Debug)]
pub struct Made {
    pub mapping: Mapping,
    pub counts: CrowdCounts,
    pub sizes: Vec<SetSize>,
    pub progress: MakingProgress,
}

#[async_trait]
pub trait Makings: Send + Sync {
    /// Stages an empty crowd for it. `Conflict("crowd name")`; `Conflict("makings")` when `most` are under way in this app.
    async fn begin(&self, making: NewMaking, most: u32, audit: AuditEntry) -> Result<Making>;
    /// It goes on, and so far it is. `Stale("making")` when it was stopped or taken back.
    async fn keep(&self, no: i64, progress: MakingProgress, now: Millis) -> Result<()>;
    /// The staged crowd becomes one, under its name. `Stale("making")`, `Conflict("crowd name")`.
    async fn finish(&self, no: i64, made: Made, now: Millis) -> Result<()>;
    /// Drops what was staged and keeps the problem. `false` when it was over.
    async fn fail(&self, no: i64, problem: &Problem, now: Millis) -> Result<bool>;
    /// Drops what was staged. `false` when it was over; then nothing is written.
    async fn cancel(&self, app_no: i64, id: &MakingId, now: Millis, audit: AuditEntry) -> Result<bool>;
    async fn get(&self, app_no: i64, id: &MakingId) -> Result<Option<Making>>;
    async fn of_crowd(&self, crowd_no: i64) -> Result<Option<Making>>;
    /// Newest first.
    async fn list(&self, app_no: i64, limit: u32) -> Result<Vec<Making>>;
    /// Makings nobody spoke of since `before` end with `problem`: whoever made them is gone. Returns how many.
    async fn give_up(&self, before: Millis, problem: &Problem, now: Millis) -> Result<u64>;

    /// `false` when there is no such crowd.
    async fn set_tags(&self, app_no: i64, crowd: &CrowdId, tags: &[String], audit: AuditEntry) -> Result<bool>;
}
