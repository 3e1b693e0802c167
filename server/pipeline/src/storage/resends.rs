//! Sending again by the same lane: who was in it how often, who waits for the app to come to the foreground.
//!
//! Nothing here changes an outcome: an accepted recipient stays accepted, and what comes of its resend is kept beside it.

use async_trait::async_trait;
use types::Millis;
use types::ids::ChunkNo;

use super::Result;
use super::frame::Outcomes;
use super::people::AuditEntry;

/// What is known of the resends of a chunk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resent {
    /// How often some of the chunk went again.
    pub rounds: u32,
    /// How often each recipient did; empty = nobody.
    pub times: Vec<u8>,
    /// What came of the last time; who was not in it stands as cancelled. `None` = nobody ever was.
    pub last: Option<Outcomes>,
}

impl Resent {
    pub fn times(&self, place: usize) -> u8 {
        self.times.get(place).copied().unwrap_or(0)
    }

    /// Was it among those sent to the last time?
    pub fn was_in(&self, place: usize) -> bool {
        self.last.as_ref().is_some_and(|last| place < last.len() && last.get(place).0 != types::life::Outcome::Cancelled)
    }
}

/// Some recipients of a finished chunk go again.
#[derive(Clone, Debug)]
pub struct Again {
    pub no: ChunkNo,
    /// [`Resent::rounds`] as it was when this was decided: of two who decide the same one writes.
    pub seen: u32,
    /// Places of recipients.
    pub places: Vec<u32>,
    pub now: Millis,
    /// For a person's deed.
    pub audit: Option<AuditEntry>,
}

/// An iOS recipient that waits for its app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InBackground {
    pub place: u32,
    pub device_no: i64,
}

#[async_trait]
pub trait Resends: Send + Sync {
    async fn of(&self, no: ChunkNo) -> Result<Resent>;
    /// Puts them back in line; counted before anything is sent, so that it is never once too often. `false`, and nothing is written,
    /// when the chunk is not finished, its message was paused or cancelled, its deadline is over, or somebody was faster.
    async fn again(&self, again: Again) -> Result<bool>;
    /// Keeps them until their app comes to the foreground, or the deadline. Safe to repeat.
    async fn hold(&self, no: ChunkNo, held: Vec<InBackground>, deadline: Millis) -> Result<()>;
    /// Places of a chunk that wait for their app.
    async fn held(&self, no: ChunkNo) -> Result<Vec<u32>>;
    /// The app of this device is in the foreground. Returns how many recipients waited for it.
    async fn foreground(&self, device_no: i64, now: Millis) -> Result<u64>;
    /// Recipients whose app came, by chunk.
    async fn ready(&self, now: Millis, limit: u32) -> Result<Vec<(ChunkNo, Vec<u32>)>>;
    /// They cannot go now (their chunk is in somebody's hands): looked at again from `at` on.
    async fn later(&self, no: ChunkNo, at: Millis) -> Result<()>;
    /// These need not wait any longer.
    async fn released(&self, no: ChunkNo, places: Vec<u32>) -> Result<()>;
    /// Forgets who waited beyond the deadline. Returns how many.
    async fn forget(&self, now: Millis, limit: u32) -> Result<u64>;
}
