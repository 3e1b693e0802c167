//! What happened to lanes: tripped, flowing again, closed by a quota. For people; no decision reads it.

use async_trait::async_trait;
use types::Millis;
use types::views::lanes::LaneEventKind;

use super::Result;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneEvent {
    pub lane_no: i64,
    pub at: Millis,
    pub what: LaneEventKind,
    /// Nothing goes until then.
    pub until: Option<Millis>,
    pub words: String,
    /// Which process saw it.
    pub node: String,
}

#[async_trait]
pub trait LaneEvents: Send + Sync {
    async fn add(&self, events: Vec<LaneEvent>) -> Result<()>;
    /// The newest of each of these lanes, newest first.
    async fn latest(&self, lane_nos: &[i64], each: u32) -> Result<Vec<LaneEvent>>;
    /// Returns how many were older.
    async fn forget(&self, before: Millis) -> Result<u64>;
}
