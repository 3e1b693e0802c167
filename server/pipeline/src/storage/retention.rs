//! Recipients of old messages go; messages and their counters stay, so funnels do.

use async_trait::async_trait;
use types::Millis;

use super::Result;

/// Where a walk along the vendors' request ids stands.
pub type Walked = (i64, String);

#[async_trait]
pub trait Retention: Send + Sync {
    /// Forgets chunks, at most `limit`, of one message that ended before `before`, with all that is known of their recipients. A message
    /// with a chunk that is not done is left alone, and so is one whose recipients a message not planned yet refers to. Its lines in the
    /// dead-letter drawer go with the last chunk: there is nobody left to replay. Returns the chunks that went; 0 = nothing is old enough.
    async fn forget(&self, before: Millis, now: Millis, limit: u32) -> Result<u64>;
    /// Drops whole days of lists that ended before `before` and of which no chunk is left, where days have tables of their own.
    /// Returns the rows that went.
    async fn drop_days(&self, before: Millis) -> Result<u64>;
    /// Forgets the vendors' request ids of chunks that are gone, `limit` looked at from `after` on. `None` = the walk is over.
    async fn forget_references(&self, after: Option<Walked>, limit: u32) -> Result<Option<Walked>>;
}
