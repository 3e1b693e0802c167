//! Signed and fetched passes, sealed: nodes use one, and it outlives the process. Who makes a new one takes a turn.

use async_trait::async_trait;
use types::Millis;

use super::Result;

/// `place` = digest of what a pass is for.
#[async_trait]
pub trait PassShelf: Send + Sync {
    async fn get(&self, place: &str) -> Result<Option<Vec<u8>>>;
    /// `false` while it is somebody else's turn. Nobody's lasts longer than `until`; one's own is taken again.
    async fn take_turn(&self, place: &str, owner: &str, now: Millis, until: Millis) -> Result<bool>;
    /// Keeps what was made and ends the turn. `false`, and nothing is kept, when the turn was over before.
    async fn put(&self, place: &str, owner: &str, sealed: Vec<u8>) -> Result<bool>;
    /// Nothing was made.
    async fn end_turn(&self, place: &str, owner: &str) -> Result<()>;
}
